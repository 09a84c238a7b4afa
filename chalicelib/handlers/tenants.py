"""The organization: its sign-in page, and Organization > Client Portal > Client Portal Settings."""

from typing import Annotated, Any, Literal

from pydantic import Field

from chalicelib.config import settings as stage
from chalicelib.context import Context
from chalicelib.errors import InvalidBody
from chalicelib.handlers.routing import PRACTICE, PUBLIC, Routes
from chalicelib.handlers.views import Body, Line, PortalView, Text, View
from chalicelib.models.tenants import Tenant
from chalicelib.policies.plans import PLANS, Feature
from chalicelib.services import tenants
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
    """What anyone who has the login link sees of the organization."""

    slug: str
    name: str
    phone: str
    zone: str
    brand: Brand
    crisis: Crisis
    sign_up: bool
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
            crisis=Crisis(
                text=tenants.setting(tenant, "crisis_text"),
                numbers=[
                    CrisisNumber(label=f"Call {phone}", href=f"tel:{_dialled(phone)}"),
                    CrisisNumber(label=f"Text {phone}", href=f"sms:{_dialled(phone)}"),
                ],
            ),
            sign_up=tenants.setting(tenant, "sign_up"),
            login_url=tenants.login_url(tenant),
        )


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
    long a request holds its time. Buffers are those of services that set none."""

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
    crisis_text: str
    crisis_phone: str
    reply_time: str
    idle_minutes_staff: int
    idle_minutes_clients: int
    neutral_mail: bool
    sender_name: str
    scheduling: Scheduling


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
    crisis_text: Annotated[Text, Field(min_length=10, max_length=400)] | None = None
    crisis_phone: Annotated[Line, Field(pattern=r"^\+?[0-9][0-9 ()-]{1,19}$")] | None = None
    reply_time: Annotated[Text, Field(max_length=300)] | None = None
    idle_minutes_staff: int | None = Field(default=None, ge=5, le=60)
    idle_minutes_clients: int | None = Field(default=None, ge=5, le=60)
    neutral_mail: bool | None = None
    sender_name: Annotated[Line, Field(max_length=80)] | None = None
    scheduling: SchedulingChange | None = None


@public.endpoint("GET", "/tenants/{slug}", action="tenant:look_up")
def look_up_tenant(context: None, slug: str, caller: Caller) -> TenantView:
    """The organization behind a login link"""
    return TenantView.of(tenants.by_slug(slug))


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
        **{
            name: setting(name)
            for name in (
                "display_insurance", "sign_up", "crisis_text", "crisis_phone", "reply_time", "idle_minutes_staff",
                "idle_minutes_clients", "neutral_mail", "sender_name",
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
