"""Organizations: their profile, plan, settings, and which features are on (DOMAIN.md section 2)."""

import re
from collections.abc import Collection
from typing import Any

from chalicelib import clock
from chalicelib.adapters import keys
from chalicelib.config import LIMITS, settings
from chalicelib.context import Actor, Context, Persona
from chalicelib.errors import CurrencyFixed, FeatureNotInPlan, FeatureSwitchedOff, NotFound, Stale
from chalicelib.models.invoices import InvoiceNumbers
from chalicelib.models.tenants import Logo, Slug, Tenant
from chalicelib.models.transaction import Transaction
from chalicelib.policies import plans
from chalicelib.policies.plans import PLANS, Circumstances, Feature, Off, Standing, why_off
from chalicelib.services import audits, branding

# The first word of an address of the front end cannot be an organization's.
RESERVED = frozenset(
    {
        "account", "api", "appointments", "assets", "developers", "documents", "email", "forms", "home", "join",
        "join-staff", "messages", "pay", "profile", "reset", "sign-up", "staff", "start", "verify", "www",
    }
)  # fmt: skip
_SLUG = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")

DEFAULTS: dict[str, Any] = {
    "features": {
        "invitations": True,
        "intake_forms": True,
        "payments": False,
        "messaging": False,
        "self_scheduling": False,
    },
    "card_processing": False,
    "display_insurance": False,
    "sign_up": False,
    "sign_up_forms": [
        "standard-intake-questionnaire",
        "informed-consent-for-psychotherapy",
        "notice-of-privacy-practices",
    ],
    "crisis_text": "The 988 Lifeline is free, private and open day and night. "
    "If you might hurt yourself or are in danger, call 911.",
    "crisis_phone": "988",
    "reply_time": "We usually answer within two working days.",
    "idle_minutes_staff": 15,
    "idle_minutes_clients": 20,
    "neutral_mail": False,
    "sender_name": "",
    "fees": [],
    "billing": {
        "currency": "usd",
        "minimum_partial": 500,  # minor units: the least that is taken of a larger invoice at once
        "due_days": 14,
        "taxes": [],  # [{name, basis_points}]
        "tax_id": "",
        "npi": "",
        "footer": "",
    },
    "messaging": {
        "read_receipts": False,
        "away_note": "",  # shown to clients outside of these hours; an empty one shows nothing
        "hours": [[540, 1020]] * 5 + [None, None],  # Monday to Sunday, minutes of the organization's day
        # Desks that clients can write to (DOMAIN.md 6.4), and who answers; nobody named: every administrator with a
        # seat, and for clinical questions every assigned therapist with a seat.
        "desks": {
            "administration": {"on": True, "staff_ids": []},
            "billing": {"on": False, "staff_ids": []},
            "clinical": {"on": False, "staff_ids": []},
        },
    },
    "reminders": {"on": False, "first_days": 3, "every_days": 7, "at_most": 3},  # of forms that wait for a client
    "scheduling": {
        "minimum_notice_hours": 24,
        "cancel_notice_hours": 24,
        "horizon_days": 60,
        "instant_confirmation": False,
        "grid_minutes": 15,
        "buffer_before_minutes": 0,  # of services that say nothing else
        "buffer_after_minutes": 0,
        "hold_hours": 72,  # how long a request holds its time
        "max_open_requests": 3,  # of a client
        "max_upcoming": 10,  # that a client may have booked alone
        "max_per_day": 0,  # appointments on a day of a therapist; 0: no cap
        "reminder_hours": [24],
        "wait_list": True,  # whether clients may ask to be told of earlier times
        "offer_hold_hours": 12,  # how long a time is held for whoever is offered it from the wait list
    },
}


def is_slug(typed: str) -> bool:
    """Whether this can be an organization's name in an address: lower case letters, digits, hyphens; none of ours."""
    return _SLUG.fullmatch(typed) is not None and typed not in RESERVED


def record(
    *,
    tenant_id: str,
    slug: str,
    name: str,
    plan: str,
    zone: str,
    phone: str,
    country: str = "US",
    address: str | None = None,
    status: str = "active",
    trial_ends_at: str | None = None,
    confirm_by: str | None = None,
    brand_hue: float = 172,
    brand_chroma: float = 0.085,
    **changed: Any,
) -> Tenant:
    """A new organization's record. `changed`: settings other than the defaults. ValueError: not a slug."""
    if not is_slug(slug):
        raise ValueError("not a slug")
    own = {**DEFAULTS, **changed, "features": {**DEFAULTS["features"], **changed.get("features", {})}}
    return Tenant.new(
        tenant_id=tenant_id,
        slug=slug,
        name=name,
        zone=zone,
        country=country,
        phone=phone,
        address=address,
        plan=plan,
        status=status,
        trial_ends_at=trial_ends_at,
        confirm_by=confirm_by,
        brand_hue=brand_hue,
        brand_chroma=brand_chroma,
        settings=own,
        created_at=clock.text(clock.now()),
        version=1,
    )


def create(**organization: Any) -> Tenant:
    """Open an organization, as `record` takes it, with its data key and its standard forms, and nobody in it yet.

    Safe to repeat with the same ids after a crash; raises Stale when the slug is another organization's, and ValueError
    when it cannot be one.
    """
    from chalicelib.services import subscriptions

    tenant = record(**organization)
    tenant_id = str(tenant.tenant_id)
    keys.create(tenant_id)
    with Transaction() as tx:
        place = Slug.new(tenant_id=tenant_id, slug=tenant.slug)
        tx.put(place, when=Slug.pk.does_not_exist() | (Slug.tenant_id == tenant_id), otherwise=Stale())
        tx.put(tenant)
        for each in subscriptions.opening(tenant, clock.now(), by="operator"):
            tx.put(each)
    furnish(tenant_id)
    return tenant


def furnish(tenant_id: str) -> None:
    """Give the organization its data key and the standard forms; safe to repeat."""
    from chalicelib.services import forms

    keys.create(tenant_id)
    forms.publish_standard(tenant_id)


def by_slug(slug: str) -> Tenant:
    """The organization behind a login link. Raises NotFound."""
    place = Slug.find(slug=slug.lower(), consistent=False)
    tenant = get(place.tenant_id) if place else None
    if tenant is None:
        raise NotFound()
    return tenant


def get(tenant_id: str) -> Tenant | None:
    """The organization, or None."""
    return Tenant.find(tenant_id=tenant_id)


def setting(tenant: Tenant, name: str) -> Any:
    """A setting; one that the record does not hold yet has its default."""
    return tenant.settings.get(name, DEFAULTS[name])


def scheduling(tenant: Tenant) -> dict[str, Any]:
    """The sub-switches of self-scheduling; one that the record does not hold yet has its default."""
    return {**DEFAULTS["scheduling"], **setting(tenant, "scheduling")}


def billing(tenant: Tenant) -> dict[str, Any]:
    """How the organization bills; what its record does not hold yet has its default."""
    return {**DEFAULTS["billing"], **setting(tenant, "billing")}


def messaging(tenant: Tenant) -> dict[str, Any]:
    """The sub-switches of secure messaging; one that the record does not hold yet has its default."""
    own = {**DEFAULTS["messaging"], **setting(tenant, "messaging")}
    return {**own, "desks": {**DEFAULTS["messaging"]["desks"], **own["desks"]}}


def may_begin(tenant: Tenant) -> bool:
    """Whether anything new may be begun or sent now."""
    return plans.STANDINGS[standing(tenant)].begins


def standing(tenant: Tenant) -> Standing:
    """What the organization may do now."""
    return plans.standing(tenant.status, tenant.trial_ends_at, clock.text(clock.now()))


def limit(tenant: Tenant, name: str) -> tuple[int, int]:
    """A limit for this organization: the one an operator set for it, else the stage's."""
    own = (tenant.limits or {}).get(name)
    return (int(own[0]), int(own[1])) if own else settings.limit(name)


def circumstances(
    tenant: Tenant, *, seat: bool | None = None, client_off: Collection[str] = frozenset()
) -> Circumstances:
    """What decides about features for one request: this organization, this staff member's seat, this client."""
    switched = setting(tenant, "features")
    return Circumstances(
        plan=tenant.plan,
        switched_on=frozenset(name for name, on in switched.items() if on),
        card_processing=bool(setting(tenant, "card_processing")),
        seat=seat,
        client_off=frozenset(client_off),
        standing=standing(tenant),
    )


def update_settings(context: Context, changes: dict[str, Any]) -> Tenant:
    """Change some settings of the organization as it was read (`context.if_match`); raises Stale if it changed since.
    CurrencyFixed once invoices were issued or money was recorded in a currency, or while cards are taken in it.

    A feature that the plan does not include, or payments before card processing is connected, cannot be switched on
    (DOMAIN.md 2.5): FeatureNotInPlan, FeatureSwitchedOff.
    """
    tenant: Tenant = context.tenant
    new = {**DEFAULTS, **tenant.settings}
    for name, value in changes.items():
        new[name] = {**new[name], **value} if isinstance(value, dict) else value
    for name, on in changes.get("features", {}).items():
        _may_switch(tenant, Feature(name), on)
    new_currency = new["billing"]["currency"] != billing(tenant)["currency"]
    if new_currency and setting(tenant, "card_processing"):
        raise CurrencyFixed()
    with Transaction() as tx:
        if new_currency:  # one currency an organization: what was owed or came in it stays comparable
            numbers = InvoiceNumbers.at(tenant_id=tenant.tenant_id)
            tx.require(numbers, InvoiceNumbers.pk.does_not_exist(), otherwise=CurrencyFixed())
        tx.update(
            tenant,
            Tenant.settings.set(new),
            Tenant.version.add(1),
            when=Tenant.version == context.if_match,
            otherwise=Stale(),
        )
        tx.create(audits.event(context, "settings:update", fields=",".join(sorted(changes))))
    tenant.settings, tenant.version = new, tenant.version + 1
    return tenant


def _may_switch(tenant: Tenant, feature: Feature, on: bool) -> None:
    reason = why_not_switchable(tenant, feature)
    if on and reason is Off.NOT_IN_PLAN:
        raise FeatureNotInPlan()
    if on and reason is Off.CARD_PROCESSING:
        raise FeatureSwitchedOff()


def why_not_switchable(tenant: Tenant, feature: Feature) -> Off | None:
    """Why an administrator cannot switch this on now (greyed out, with this reason), or None."""
    if feature not in PLANS.get(tenant.plan, frozenset()):
        return Off.NOT_IN_PLAN
    if feature is Feature.PAYMENTS and not setting(tenant, "card_processing"):
        return Off.CARD_PROCESSING
    return None


def features(tenant: Tenant, *, seat: bool | None, client_off: Collection[str] = ()) -> dict[Feature, Off | None]:
    """Every feature, and why it is off for this person."""
    now = circumstances(tenant, seat=seat, client_off=client_off)
    return {feature: why_off(feature, now) for feature in Feature}


def set_cap(tenant_id: str, name: str, most: int | None, seconds: int | None = None) -> Tenant:
    """The operator's act: let an organization do more of `name` ("invitations_tenant") in its window, or fewer; None:
    as many as the stage allows. Raises NotFound, Stale; ValueError for a limit that there is not, or a number below 0.
    """
    if name not in LIMITS or (most is not None and most < 0):
        raise ValueError("no such limit, or a number below 0")
    tenant = get(tenant_id)
    if tenant is None:
        raise NotFound()
    limits = {key: value for key, value in (tenant.limits or {}).items() if key != name}
    limits |= {name: [most, seconds or settings.limit(name)[1]]} if most is not None else {}
    system = Context(tenant_id, Actor("system", "operator"), clock.now(), Persona.JOBS, tenant=tenant)
    with Transaction() as tx:
        seen = Tenant.version == tenant.version
        tx.update(tenant, Tenant.limits.set(limits), Tenant.version.add(1), when=seen, otherwise=Stale())
        tx.create(audits.event(system, "tenant:set_cap", fields=name))
    tenant.limits, tenant.version = limits, tenant.version + 1
    return tenant


def require(feature: Feature, now: Circumstances, *, errors: list[dict[str, Any]] | None = None) -> None:
    """Go on only where this feature is on: FeatureNotInPlan, FeatureSwitchedOff. For what an action does besides its
    own feature; `errors` name the place of the body that asks for it."""
    off = why_off(feature, now)
    if off is not None:
        raise (FeatureNotInPlan if off is Off.NOT_IN_PLAN else FeatureSwitchedOff)(errors=errors)


# ---- profile ----


def update_profile(context: Context, changes: dict[str, Any]) -> Tenant:
    """Change name, phone, address, zone, country or colour (`brand`: #rrggbb) of the organization as it was read.

    None removes the address. Raises Stale if it changed since (`context.if_match`).
    """
    values = dict(changes)
    if (picked := values.pop("brand", None)) is not None:
        kept = branding.colour(picked)
        values |= {"brand_hex": picked.lower(), "brand_hue": kept.hue, "brand_chroma": kept.chroma}
    return _changed_profile(context, values, ",".join(sorted(changes)))


def set_logo(context: Context, image: str | None) -> Tenant:
    """Show this picture (base64) as the logo, or none. Raises InvalidBody, Stale."""
    made = branding.logo(context.tenant_id, image) if image else None
    return _changed_profile(context, {"logo": made.digest if made else None}, "logo", made)


def _changed_profile(context: Context, values: dict[str, Any], fields: str, logo: Logo | None = None) -> Tenant:
    tenant: Tenant = context.tenant
    actions = [
        getattr(Tenant, name).set(value) if value is not None else getattr(Tenant, name).remove()
        for name, value in values.items()
    ]
    with Transaction() as tx:
        tx.update(tenant, *actions, Tenant.version.add(1), when=Tenant.version == context.if_match, otherwise=Stale())
        if logo is not None:
            tx.put(logo)
        tx.create(audits.event(context, "organization:update", fields=fields))
    for name, value in values.items():
        setattr(tenant, name, value)
    tenant.version = int(tenant.version) + 1
    return tenant


def logo(slug: str, digest: str) -> Logo:
    """A logo by the digest in its address. Raises NotFound."""
    place = Slug.find(slug=slug.lower(), consistent=False)
    found = Logo.find(tenant_id=place.tenant_id, digest=digest, consistent=False) if place else None
    if found is None:
        raise NotFound()
    return found


def login_url(tenant: Tenant) -> str:
    """The organization's own sign-in page; it carries no secret (DOMAIN.md 3.8)."""
    return f"{settings.portal_origin}/{tenant.slug}"


def sender_name(tenant: Tenant) -> str:
    """Whom mails come from: the organization, or a neutral name when it chose to be discreet (DOMAIN.md 3.4)."""
    if setting(tenant, "neutral_mail"):
        return setting(tenant, "sender_name") or "Secure Portal"
    return setting(tenant, "sender_name") or tenant.name
