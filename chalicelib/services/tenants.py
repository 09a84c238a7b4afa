"""Organizations: their profile, plan, settings, and which features are on (DOMAIN.md section 2)."""

import re
from collections.abc import Collection
from typing import Any

from chalicelib import clock
from chalicelib.adapters import keys
from chalicelib.config import settings
from chalicelib.context import Context
from chalicelib.errors import FeatureNotInPlan, FeatureSwitchedOff, NotFound, Stale
from chalicelib.models.tenants import Slug, StaffCard, Tenant
from chalicelib.models.transaction import Transaction
from chalicelib.policies.plans import PLANS, Circumstances, Feature, Off, why_off
from chalicelib.services import audits

# The first word of an address of the front end cannot be an organization's.
RESERVED = frozenset(
    {"api", "assets", "documents", "forms", "home", "join", "messages", "pay", "profile", "staff", "verify", "www"}
)
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
    "crisis_text": "The 988 Lifeline is free, private and open day and night. "
    "If you might hurt yourself or are in danger, call 911.",
    "crisis_phone": "988",
    "reply_time": "We usually answer within two working days.",
    "idle_minutes_staff": 15,
    "idle_minutes_clients": 20,
    "neutral_mail": False,
    "sender_name": "",
    "fees": [],
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
    },
}


def create(
    *,
    tenant_id: str,
    slug: str,
    name: str,
    plan: str,
    zone: str,
    phone: str,
    country: str = "US",
    address: str | None = None,
    brand_hue: float = 172,
    brand_chroma: float = 0.085,
    **changed: Any,
) -> Tenant:
    """Open an organization with its data key and its standard forms. `changed`: settings other than the defaults.

    Safe to repeat with the same ids after a crash; raises Stale when the slug is another organization's, and ValueError
    when it cannot be one (lower case letters, digits and hyphens; no address of the front end's own).
    """
    from chalicelib.services import forms

    if not _SLUG.fullmatch(slug) or slug in RESERVED:
        raise ValueError("not a slug")
    keys.create(tenant_id)
    at = clock.text(clock.now())
    own = {**DEFAULTS, **changed, "features": {**DEFAULTS["features"], **changed.get("features", {})}}
    tenant = Tenant.new(
        tenant_id=tenant_id,
        slug=slug,
        name=name,
        zone=zone,
        country=country,
        phone=phone,
        address=address,
        plan=plan,
        status="active",
        brand_hue=brand_hue,
        brand_chroma=brand_chroma,
        settings=own,
        created_at=at,
        version=1,
    )
    with Transaction() as tx:
        place = Slug.new(tenant_id=tenant_id, slug=slug)
        tx.put(place, when=Slug.pk.does_not_exist() | (Slug.tenant_id == tenant_id), otherwise=Stale())
        tx.put(tenant)
    forms.publish_standard(tenant_id)
    return tenant


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


def circumstances(
    tenant: Tenant, *, seat: bool | None = None, client_off: Collection[str] = frozenset()
) -> Circumstances:
    """What decides about features for one request: this organization, this staff member's seat, this client."""
    switched = setting(tenant, "features")
    return Circumstances(
        plan=tenant.plan if tenant.status == "active" else "",
        switched_on=frozenset(name for name, on in switched.items() if on),
        card_processing=bool(setting(tenant, "card_processing")),
        seat=seat,
        client_off=frozenset(client_off),
    )


def update_settings(context: Context, changes: dict[str, Any]) -> Tenant:
    """Change some settings of the organization as it was read (`context.if_match`); raises Stale if it changed since.

    A feature that the plan does not include, or payments before card processing is connected, cannot be switched on
    (DOMAIN.md 2.5): FeatureNotInPlan, FeatureSwitchedOff.
    """
    tenant: Tenant = context.tenant
    new = {**DEFAULTS, **tenant.settings}
    for name, value in changes.items():
        new[name] = {**new[name], **value} if isinstance(value, dict) else value
    for name, on in changes.get("features", {}).items():
        _may_switch(tenant, Feature(name), on)
    with Transaction() as tx:
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


def require(feature: Feature, now: Circumstances, *, errors: list[dict[str, Any]] | None = None) -> None:
    """Go on only where this feature is on: FeatureNotInPlan, FeatureSwitchedOff. For what an action does besides its
    own feature; `errors` name the place of the body that asks for it."""
    off = why_off(feature, now)
    if off is not None:
        raise (FeatureNotInPlan if off is Off.NOT_IN_PLAN else FeatureSwitchedOff)(errors=errors)


def login_url(tenant: Tenant) -> str:
    """The organization's own sign-in page; it carries no secret (DOMAIN.md 3.8)."""
    return f"{settings.portal_origin}/{tenant.slug}"


def sender_name(tenant: Tenant) -> str:
    """Whom mails come from: the organization, or a neutral name when it chose to be discreet (DOMAIN.md 3.4)."""
    if setting(tenant, "neutral_mail"):
        return setting(tenant, "sender_name") or "Secure Portal"
    return setting(tenant, "sender_name") or tenant.name


def staff_cards(tenant_id: str) -> list[StaffCard]:
    """Names and licences of the staff."""
    return list(StaffCard.every(StaffCard.KEY, tenant_id=tenant_id))
