"""The organization: its sign-in page, and Organization > Client Portal > Client Portal Settings."""

import base64
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from chalicelib.config import settings as stage
from chalicelib.context import Context
from chalicelib.errors import InvalidBody
from chalicelib.handlers.routing import PRACTICE, PUBLIC, Routes
from chalicelib.handlers.views import Body, Id, Line, PortalView, Text, View, WithHeaders
from chalicelib.models.tenants import Tenant
from chalicelib.policies.plans import PLANS, Feature, Standing
from chalicelib.services import branding, recipients, signups, tenants
from chalicelib.services.sessions import Caller

public = Routes(__name__, PUBLIC)
practice = Routes(__name__ + ".practice", PRACTICE, "/practice")


class Brand(PortalView):
    """An organization sets a hue, not a colour: lightness is ours, so that contrast holds."""

    hue: float
    chroma: float


class CrisisNumber(PortalView):
    """A way to reach help: `href` is tel: or sms:."""

    label: str
    href: str


class Crisis(PortalView):
    """What to show at once when an answer calls for it, and quietly on every page of a client."""

    text: str
    numbers: list[CrisisNumber]


class TenantView(PortalView):
    """What anyone who has the login link sees of the organization. `discreet`: its name stays out of what a browser
    keeps, titles and history, as it stays out of mails (DOMAIN.md 3.4)."""

    slug: str
    name: str
    phone: str
    zone: str
    brand: Brand
    logo: str | None
    crisis: Crisis
    sign_up: bool
    discreet: bool
    login_url: str

    @classmethod
    def of(cls, tenant: Tenant) -> "TenantView":
        """The public face of an organization."""
        phone = tenants.setting(tenant, "crisis_phone")
        return cls(
            slug=tenant.slug,
            name=tenant.name,
            phone=tenant.phone,
            zone=tenant.zone,
            brand=Brand(hue=tenant.brand_hue, chroma=min(tenant.brand_chroma, 0.1)),
            logo=f"/tenants/{tenant.slug}/logo/{tenant.logo}" if tenant.logo else None,
            crisis=Crisis(
                text=tenants.setting(tenant, "crisis_text"),
                numbers=[
                    CrisisNumber(label=f"Call {phone}", href=f"tel:{_dialled(phone)}"),
                    CrisisNumber(label=f"Text {phone}", href=f"sms:{_dialled(phone)}"),
                ],
            ),
            sign_up=signups.is_open(tenant),
            discreet=bool(tenants.setting(tenant, "neutral_mail")),
            login_url=tenants.login_url(tenant),
        )


def _zone(value: str) -> str:
    from zoneinfo import available_timezones

    if value not in available_timezones():
        raise ValueError("not a time zone")
    return value


def _dialled(phone: str) -> str:
    return "".join(c for c in phone if c in "+0123456789")


class FeatureSwitch(View):
    """One switch of the settings; greyed out (`can_switch` false) with the reason."""

    feature: str
    on: bool
    can_switch: bool
    reason: str | None
    in_plan: bool


class Scheduling(View):
    """Sub-switches of self-scheduling. `max_per_day`: appointments of one therapist, 0 for no cap. `hold_hours`: how
    long a request holds its time, `offer_hold_hours`: an offer from the wait list. Buffers are those of services that
    set none."""

    minimum_notice_hours: int
    cancel_notice_hours: int
    horizon_days: int
    instant_confirmation: bool
    grid_minutes: int
    buffer_before_minutes: int
    buffer_after_minutes: int
    hold_hours: int
    max_open_requests: int
    max_upcoming: int
    max_per_day: int
    reminder_hours: list[int]
    wait_list: bool
    offer_hold_hours: int


class Reminders(View):
    """When clients are reminded of forms that wait for them: days after sending, days between, how often at most."""

    on: bool
    first_days: int
    every_days: int
    at_most: int


class Tax(View):
    """A tax on the lines that are taxed; 100 basis points are one per cent."""

    name: str
    basis_points: int


class BillingSettings(View):
    """How the organization bills. Amounts in minor units of `currency`."""

    currency: str
    minimum_partial: int
    due_days: int
    taxes: list[Tax]
    tax_id: str
    npi: str
    footer: str


class Desk(View):
    """Who answers what clients write to a desk; nobody named: every administrator with a seat, and for clinical
    questions every assigned therapist with a seat."""

    on: bool
    staff_ids: list[str]


class Desks(View):
    """The desks that clients can write to."""

    administration: Desk
    billing: Desk
    clinical: Desk


class Messaging(View):
    """Sub-switches of secure messaging. `hours`: Monday to Sunday, [first, last) minute of the organization's day, or
    None; outside of them clients see `away_note`, if there is one."""

    read_receipts: bool
    away_note: str
    hours: list[list[int] | None]
    desks: Desks


class SettingsView(View):
    """Client Portal Settings. `etag` goes back in If-Match."""

    etag: str
    plan: str
    name: str
    phone: str
    login_url: str
    sign_up_url: str
    features: list[FeatureSwitch]
    display_insurance: bool
    sign_up: bool
    sign_up_forms: list[str]
    crisis_text: str
    crisis_phone: str
    reply_time: str
    idle_minutes_staff: int
    idle_minutes_clients: int
    neutral_mail: bool
    sender_name: str
    scheduling: Scheduling
    reminders: Reminders
    billing: BillingSettings
    messaging: Messaging


class TaxIn(Body):
    """A tax."""

    name: Line = Field(min_length=1, max_length=60)
    basis_points: int = Field(ge=1, le=5_000)


class BillingChange(Body):
    """Changes of how the organization bills. The currency stays once invoices were issued in it."""

    currency: Literal["usd", "cad", "eur", "gbp", "aud", "nzd"] | None = None
    minimum_partial: int | None = Field(default=None, ge=50, le=1_000_000)
    due_days: int | None = Field(default=None, ge=0, le=180)
    taxes: Annotated[list[TaxIn], Field(max_length=4)] | None = None
    tax_id: Annotated[Line, Field(max_length=40)] | None = None
    npi: Annotated[Line, Field(pattern=r"^([0-9]{10})?$")] | None = None
    footer: Annotated[Text, Field(max_length=600)] | None = None


class RemindersChange(Body):
    """Changes of the rule for reminders."""

    on: bool | None = None
    first_days: int | None = Field(default=None, ge=1, le=30)
    every_days: int | None = Field(default=None, ge=1, le=30)
    at_most: int | None = Field(default=None, ge=1, le=10)


class SchedulingChange(Body):
    """Changes of the sub-switches."""

    minimum_notice_hours: int | None = Field(default=None, ge=0, le=720)
    cancel_notice_hours: int | None = Field(default=None, ge=0, le=720)
    horizon_days: int | None = Field(default=None, ge=1, le=365)
    instant_confirmation: bool | None = None
    grid_minutes: Literal[5, 10, 15, 20, 30, 60] | None = None
    buffer_before_minutes: int | None = Field(default=None, ge=0, le=120)
    buffer_after_minutes: int | None = Field(default=None, ge=0, le=120)
    hold_hours: int | None = Field(default=None, ge=1, le=336)
    max_open_requests: int | None = Field(default=None, ge=1, le=20)
    max_upcoming: int | None = Field(default=None, ge=1, le=50)
    max_per_day: int | None = Field(default=None, ge=0, le=50)
    reminder_hours: Annotated[list[Annotated[int, Field(ge=1, le=336)]], Field(max_length=3)] | None = None
    wait_list: bool | None = None
    offer_hold_hours: int | None = Field(default=None, ge=1, le=72)


class DeskChange(Body):
    """A desk as it is to be: staff ids of those who answer, or none."""

    on: bool
    staff_ids: Annotated[list[Id], Field(max_length=10)]


class DesksChange(Body):
    """Desks to change."""

    administration: DeskChange | None = None
    billing: DeskChange | None = None
    clinical: DeskChange | None = None


Minute = Annotated[int, Field(ge=0, le=1440)]


class MessagingChange(Body):
    """Changes of the sub-switches."""

    read_receipts: bool | None = None
    away_note: Annotated[Text, Field(max_length=300)] | None = None
    hours: (
        Annotated[
            list[Annotated[list[Minute], Field(min_length=2, max_length=2)] | None], Field(min_length=7, max_length=7)
        ]
        | None
    ) = None
    desks: DesksChange | None = None


class FeatureChange(Body):
    """Switches to turn."""

    invitations: bool | None = None
    intake_forms: bool | None = None
    payments: bool | None = None
    messaging: bool | None = None
    self_scheduling: bool | None = None


class SettingsChange(Body):
    """Any of the settings; what is not sent stays as it is."""

    features: FeatureChange | None = None
    display_insurance: bool | None = None
    sign_up: bool | None = None
    sign_up_forms: list[Annotated[str, Field(max_length=80)]] | None = Field(default=None, max_length=20)
    crisis_text: Annotated[Text, Field(min_length=10, max_length=400)] | None = None
    crisis_phone: Annotated[Line, Field(pattern=r"^\+?[0-9][0-9 ()-]{1,19}$")] | None = None
    reply_time: Annotated[Text, Field(max_length=300)] | None = None
    idle_minutes_staff: int | None = Field(default=None, ge=5, le=60)
    idle_minutes_clients: int | None = Field(default=None, ge=5, le=60)
    neutral_mail: bool | None = None
    sender_name: Annotated[Line, Field(max_length=80)] | None = None
    scheduling: SchedulingChange | None = None
    billing: BillingChange | None = None
    reminders: RemindersChange | None = None
    messaging: MessagingChange | None = None


class Picture(PortalView, WithHeaders):
    """A picture, ready for a `data:` address: no answer of this API is anything but JSON."""

    media_type: str
    width: int
    height: int
    base64: str


class StandingView(PortalView):
    """What the organization may do now. `until`: when a trial ends, or ended. `contact`: whom to ask to activate it, an
    e-mail address or a page; null where it is active, or the operator named nobody."""

    standing: Literal["trial", "active", "suspended"]
    until: str | None
    trial_over: bool
    contact: str | None


def standing_view(tenant: Tenant) -> StandingView:
    """How an organization stands, for its staff."""
    now = tenants.standing(tenant)
    on_trial = tenant.status == Standing.TRIAL
    return StandingView(
        standing=now.value,
        until=tenant.trial_ends_at if on_trial else None,
        trial_over=on_trial and now != Standing.TRIAL,
        contact=None if now == Standing.ACTIVE else stage.operator_contact,
    )


class OrganizationView(View):
    """The organization's profile. `etag` goes back in If-Match. `brand_hex` is the colour as it was picked."""

    etag: str
    slug: str
    name: str
    phone: str
    address: str | None
    zone: str
    country: str
    brand: Brand
    brand_hex: str | None
    logo: str | None
    login_url: str
    standing: StandingView


Zone = Annotated[str, AfterValidator(_zone)]
Phone = Annotated[Line, Field(pattern=r"^\+?[0-9(][0-9 ().-]{4,29}$")]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
Hex = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]
OrganizationName = Annotated[Line, Field(min_length=2, max_length=100)]


class OrganizationChange(Body):
    """Any of the profile; what is not sent stays as it is. An empty address removes it."""

    name: OrganizationName | None = None
    phone: Phone | None = None
    address: Annotated[Line, Field(max_length=300)] | None = None
    zone: Zone | None = None
    country: Country | None = None
    brand: Hex | None = None


class ColourIn(Body):
    """A colour as a picker gives it."""

    brand: Hex


class LogoIn(Body):
    """A PNG or JPEG, as base64."""

    image: str = Field(min_length=4, max_length=branding.UPLOAD_BYTES * 4 // 3 + 8)


@public.endpoint("GET", "/tenants/{slug}", action="tenant:look_up")
def look_up_tenant(context: None, slug: str, caller: Caller) -> TenantView:
    """The organization behind a login link"""
    return TenantView.of(tenants.by_slug(slug))


@public.endpoint("GET", "/tenants/{slug}/logo/{logo}", action="tenant:look_up")
def look_up_logo(context: None, slug: str, logo: str, caller: Caller) -> Picture:
    """An organization's logo; the digest in the address makes it safe to keep for a year"""
    found = tenants.logo(slug, logo)
    picture = Picture(
        media_type="image/png",
        width=int(found.width),
        height=int(found.height),
        base64=base64.b64encode(found.png).decode(),
    )
    picture._headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return picture


@practice.endpoint("GET", "/organization", action="organization:read")
def read_organization(context: Context) -> OrganizationView:
    """Organization > Profile"""
    return _organization(context.tenant)


@practice.endpoint("PATCH", "/organization", action="organization:update", body=OrganizationChange, if_match=True)
def change_organization(context: Context, body: OrganizationChange) -> OrganizationView:
    """Change the organization's profile"""
    changes = body.model_dump(exclude_unset=True)
    if changes.get("address") == "":
        changes["address"] = None
    changes = {name: value for name, value in changes.items() if value is not None or name == "address"}
    if not changes:
        raise InvalidBody(errors=[{"pointer": "", "code": "empty", "detail": "Nothing to change was sent."}])
    return _organization(tenants.update_profile(context, changes))


@practice.endpoint("POST", "/organization/colour", action="organization:read", body=ColourIn)
def try_colour(context: Context, body: ColourIn) -> Brand:
    """What a colour would become: its hue and strength; nothing is changed"""
    kept = branding.colour(body.brand)
    return Brand(hue=kept.hue, chroma=kept.chroma)


@practice.endpoint(
    "POST",
    "/organization/logo",
    action="organization:update",
    body=LogoIn,
    if_match=True,
    max_body=branding.UPLOAD_BYTES * 4 // 3 + 1024,
)
def set_logo(context: Context, body: LogoIn) -> OrganizationView:
    """Show a PNG or JPEG of at most 200 KB as the logo"""
    return _organization(tenants.set_logo(context, body.image))


@practice.endpoint("DELETE", "/organization/logo", action="organization:update", if_match=True)
def remove_logo(context: Context) -> OrganizationView:
    """Show no logo"""
    return _organization(tenants.set_logo(context, None))


def _organization(tenant: Tenant) -> OrganizationView:
    face = TenantView.of(tenant)
    return OrganizationView(
        etag=str(int(tenant.version)),
        slug=tenant.slug,
        name=tenant.name,
        phone=tenant.phone,
        address=tenant.address,
        zone=tenant.zone,
        country=tenant.country,
        brand=face.brand,
        brand_hex=tenant.brand_hex,
        logo=face.logo,
        login_url=face.login_url,
        standing=standing_view(tenant),
    )


@practice.endpoint("GET", "/settings", action="settings:read")
def read_settings(context: Context) -> SettingsView:
    """Client Portal Settings"""
    return _settings(context.tenant)


@practice.endpoint("PATCH", "/settings", action="settings:update", body=SettingsChange, if_match=True)
def change_settings(context: Context, body: SettingsChange) -> SettingsView:
    """Change Client Portal Settings"""
    changes = body.model_dump(exclude_none=True)
    if not changes:
        raise InvalidBody(errors=[{"pointer": "", "code": "empty", "detail": "Nothing to change was sent."}])
    if "messaging" in changes:
        changes["messaging"] = recipients.settled(context, changes["messaging"])
    if "sign_up_forms" in changes:
        signups.require_forms(context.tenant_id, changes["sign_up_forms"])
    return _settings(tenants.update_settings(context, changes))


def _settings(tenant: Tenant) -> SettingsView:
    def setting(name: str) -> Any:
        return tenants.setting(tenant, name)

    return SettingsView(
        etag=str(tenant.version),
        plan=tenant.plan,
        name=tenant.name,
        phone=tenant.phone,
        login_url=tenants.login_url(tenant),
        sign_up_url=f"{stage.portal_origin}/{tenant.slug}/sign-up",
        features=[_switch(tenant, feature) for feature in Feature],
        scheduling=Scheduling(**tenants.scheduling(tenant)),
        reminders=Reminders(**setting("reminders")),
        billing=BillingSettings(**tenants.billing(tenant)),
        messaging=Messaging.model_validate(tenants.messaging(tenant)),
        **{
            name: setting(name)
            for name in (
                "display_insurance", "sign_up", "sign_up_forms", "crisis_text", "crisis_phone", "reply_time",
                "idle_minutes_staff", "idle_minutes_clients", "neutral_mail", "sender_name",
            )
        },
    )  # fmt: skip


def _switch(tenant: Tenant, feature: Feature) -> FeatureSwitch:
    why = tenants.why_not_switchable(tenant, feature)
    return FeatureSwitch(
        feature=feature,
        on=bool(tenants.setting(tenant, "features").get(feature)) and why is None,
        can_switch=why is None,
        reason=why,
        in_plan=feature in PLANS.get(tenant.plan, frozenset()),
    )
