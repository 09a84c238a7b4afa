"""Organization > Billing > card processing: the organization's own account at Stripe (DOMAIN.md 2.5, 7.5).

connect ─▶ an account, remembered as this organization's for good ─▶ Stripe's own pages ─▶ back here
look (on return, and whenever Stripe tells) ─▶ pending | connected; only then payments can be switched on
disconnect ─▶ payments off at once; money that still arrives is booked
"""

from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib import clock
from chalicelib.adapters import payments as stripe
from chalicelib.adapters import queues
from chalicelib.config import settings
from chalicelib.context import Actor, Context, Persona
from chalicelib.errors import AlreadyConnected, Busy, CardsNotConnected, NotFound, Stale
from chalicelib.models.payments import CardProcessing, StripeAccount
from chalicelib.models.table import at_keys, load
from chalicelib.models.tenants import Tenant
from chalicelib.models.transaction import Transaction, change
from chalicelib.observability import logger
from chalicelib.services import audits, payments, tenants
from chalicelib.services.tenants import billing

PENDING, CONNECTED, DISCONNECTED = "pending", "connected", "disconnected"
NIGHT = time(3, 30)  # when the ledger is compared with Stripe's books, at the organization


def connect(context: Context) -> tuple[CardProcessing, str]:
    """Begin or go on: the account, and the address of Stripe's pages. Raises AlreadyConnected, ProcessorDown."""
    found = payments.processing(context.tenant_id)
    if found is not None and found.status == CONNECTED:
        raise AlreadyConnected()
    if found is None or found.live != stripe.live():
        account = stripe.create_account(context.tenant_id, context.tenant.country)
        found = _keep(context, account, found)
    elif found.status == DISCONNECTED:
        found = _changed(context, context.tenant, found, "card_processing:connect", status=PENDING)
    return found, stripe.onboarding(found.account, f"{settings.portal_origin}/organization/billing")


def _keep(context: Context, account: str, before: CardProcessing | None) -> CardProcessing:
    new = CardProcessing.new(
        tenant_id=context.tenant_id,
        status=PENDING,
        account=account,
        live=stripe.live(),
        currency=billing(context.tenant)["currency"],
        changed_at=clock.text(context.now),
        version=int(before.version) + 1 if before is not None else 1,
    )
    seen = CardProcessing.version == before.version if before is not None else CardProcessing.pk.does_not_exist()
    with Transaction() as tx:
        tx.put(StripeAccount.new(tenant_id=context.tenant_id, account=account), when=_ours(context), otherwise=Stale())
        tx.put(new, when=seen, otherwise=Stale())
        tx.create(audits.event(context, "card_processing:connect"))
    return new


def _ours(context: Context) -> Any:
    """An account is one organization's for good."""
    return StripeAccount.pk.does_not_exist() | (StripeAccount.tenant_id == context.tenant_id)


def refresh(context: Context) -> CardProcessing:
    """How far it is, as Stripe says now. Raises CardsNotConnected where nothing was begun, ProcessorDown, Busy."""
    found = payments.processing(context.tenant_id)
    if found is None:
        raise CardsNotConnected()
    try:
        return _looked(context, context.tenant, found)
    except Stale:  # whoever comes back from Stripe meets its webhook: looked at again, as it is by now
        about = {"tenant_id": context.tenant_id}
        context.tenant, found = load((Tenant, about), (CardProcessing, about))
    try:
        return _looked(context, context.tenant, found)
    except Stale:
        raise Busy(retry_after=1) from None


def look(tenant_id: str, account: str) -> None:
    """Stripe told something of an account."""
    tenant, found = load((Tenant, {"tenant_id": tenant_id}), (CardProcessing, {"tenant_id": tenant_id}))
    if found is None or tenant is None or found.account != account:
        return
    _looked(Context(tenant_id, Actor("system", "stripe"), clock.now(), Persona.JOBS, tenant=tenant), tenant, found)


def _looked(context: Context, tenant: Tenant, found: CardProcessing) -> CardProcessing:
    if found.status == DISCONNECTED:
        return found
    try:
        state = stripe.account_state(found.account)
    except stripe.Refused:  # the owner took our access away, at Stripe
        return _changed(context, tenant, found, "card_processing:disconnect", status=DISCONNECTED)
    currency = billing(tenant)["currency"]
    missing = state.missing + (["currency"] if state.charges and state.currency != currency else [])
    status = CONNECTED if state.charges and state.currency == currency else PENDING
    if (status, missing) == (found.status, found.missing or []):
        return found
    values: dict[str, Any] = {"status": status, "missing": missing or None, "currency": currency}
    if status == CONNECTED:
        values["connected_at"] = found.connected_at or clock.text(context.now)
    return _changed(context, tenant, found, "card_processing:update", **values)


def disconnect(context: Context) -> CardProcessing:
    """Take no more cards; what is under way is booked all the same."""
    found = payments.processing(context.tenant_id)
    if found is None:
        raise NotFound()
    if found.status == DISCONNECTED:
        return found
    return _changed(context, context.tenant, found, "card_processing:disconnect", status=DISCONNECTED)


def _changed(context: Context, tenant: Tenant, found: CardProcessing, action: str, **values: Any) -> CardProcessing:
    """The account's state and, with it, whether the payments switch can be turned on at all: one transaction."""
    kept = {n: v for n, v in found.values().items() if n not in ("pk", "sk", "duepk", "duesk", "kind", "version")}
    kept |= {**values, "changed_at": clock.text(context.now)}
    new = CardProcessing.new(**kept, version=int(found.version) + 1)
    new.due(_night(tenant, context.now))  # disconnected ones too: refunds and disputes come later
    on = new.status == CONNECTED
    chosen = {**tenants.DEFAULTS, **tenant.settings, "card_processing": on}
    if not on:
        chosen["features"] = {**chosen["features"], "payments": False}
    with Transaction() as tx:
        tx.put(new, when=CardProcessing.version == found.version, otherwise=Stale())
        if chosen != {**tenants.DEFAULTS, **tenant.settings}:
            seen = Tenant.version == tenant.version
            tx.update(tenant, Tenant.settings.set(chosen), Tenant.version.add(1), when=seen, otherwise=Stale())
        tx.create(audits.event(context, action, outcome=new.status))
    return new


def _night(tenant: Tenant, now: datetime) -> datetime:
    """The next night's hour."""
    zone = ZoneInfo(tenant.zone)
    at = datetime.combine(now.astimezone(zone).date(), NIGHT, zone)
    return at if at > now else datetime.combine(at.date() + timedelta(days=1), NIGHT, zone)


def sweep(pk: str, sk: str, now: datetime) -> None:
    """Night: on_payment compares, and it is due again the next night."""
    for record in at_keys([(pk, sk)], consistent=True):
        (tenant,) = load((Tenant, {"tenant_id": record.tenant_id}))
        if tenant is None:
            logger.error("card_processing_without_organization", tenant_id=record.tenant_id)
            continue
        change(record, *record.due_next(_night(tenant, now)))
        queues.payments(record.tenant_id, "reconcile")
