"""Every night the ledger is compared with Stripe's books, to the cent (DOMAIN.md 7.4).

of the last days: every succeeded intent, refund and dispute of ours at Stripe ↔ the entries with those ids
one that is missing here is booked as if its webhook came now; then: totals, difference, and what still has no match
a difference that is not 0 alarms

Whether a client's ledger says what its own entries make is another matter, whoever the processor is: services.books.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib import clock
from chalicelib.adapters import payments as stripe
from chalicelib.adapters.payments import plain
from chalicelib.context import Context
from chalicelib.models.invoices import LedgerEntry
from chalicelib.models.payments import CardProcessing, Reconciliation
from chalicelib.models.table import Page
from chalicelib.models.tenants import Tenant
from chalicelib.models.transaction import Transaction
from chalicelib.observability import logger, where
from chalicelib.services import payments, settlement, tenants

WINDOW = timedelta(days=35)  # what changed later than this after it began, its webhook alone brings
SETTLING = timedelta(minutes=15)  # what is younger may still be on its way


@dataclass
class _Books:
    """One side: amounts by Stripe's id, money in positive, out negative."""

    amounts: dict[str, int] = field(default_factory=dict)
    intents: dict[str, str] = field(default_factory=dict)  # id → the payment intent it belongs to

    @property
    def total(self) -> int:
        return sum(self.amounts.values())


def run(tenant_id: str) -> Reconciliation | None:
    """Compare, repair, compare again, and write the report of the day; safe to repeat."""
    account, tenant = payments.processing(tenant_id), tenants.get(tenant_id)
    if account is None or tenant is None:
        return None
    now = clock.now().replace(microsecond=0)  # Stripe counts in whole seconds: both sides are asked for the same
    since, until = now - WINDOW, now - SETTLING
    try:
        theirs = _of_stripe(tenant_id, account, since, until)
    except stripe.Refused:
        if account.status != "disconnected":
            raise
        return None  # the owner took our access away, at Stripe: there is nothing to compare with
    ours = _of_ledger(tenant_id, since, until, theirs)
    missing = [each for each in theirs.intents if ours.amounts.get(each) != theirs.amounts.get(each)]
    for intent in dict.fromkeys(theirs.intents[each] for each in missing):
        try:
            settlement.look_at_intent(tenant_id, account.account, intent)
        except (payments.Unknown, stripe.Refused) as why:  # it stands in the report, and holds up no other
            logger.error("reconciliation_unbookable", tenant_id=tenant_id, error=where(why))
    if missing:
        ours = _of_ledger(tenant_id, since, until, theirs)
    return _report(tenant, account, theirs, ours, len(missing), now)


def _entries(tenant_id: str, since: datetime) -> list[LedgerEntry]:
    """Of the months since then."""
    found: list[LedgerEntry] = []
    month = datetime(since.year, since.month, 1, tzinfo=UTC)
    while month <= clock.now():
        found += LedgerEntry.every(LedgerEntry.BY_MONTH, tenant_id=tenant_id, year_month=f"{month:%Y%m}")
        month = (month + timedelta(days=32)).replace(day=1)
    return found


def _of_stripe(tenant_id: str, account: CardProcessing, since: datetime, until: datetime) -> _Books:
    """Ours are the intents that name this organization, and what came of them. What took no money, or gave it back, has
    an intent and no amount."""
    found = _Books()
    known: set[str] = set()
    amount: int | None
    for what, each in stripe.happened(account.account, since, until):
        intent = str(each.id if what == "intent" else plain(each, "payment_intent") or "")
        if what == "intent":
            if plain(each, "metadata", "tenant") != tenant_id or each.status != "succeeded":
                continue
            amount = int(each.amount_received)
        elif not (intent in known or payments.find_by_intent(tenant_id, intent)):
            continue
        elif what == "refund":
            amount = -int(each.amount) if each.status in ("succeeded", "pending") else None
        else:
            amount = -int(each.amount) if stripe.takes(each) else None
        found.intents[str(each.id)] = intent
        known.add(intent)
        if amount is not None:
            found.amounts[str(each.id)] = amount
    return found


def _of_ledger(tenant_id: str, since: datetime, until: datetime, theirs: _Books) -> _Books:
    """Card money that the ledger has of the same days, and whatever Stripe named."""
    found, ended = _Books(), set()
    entries = _entries(tenant_id, since)  # to this day: what ended something may be younger than it
    signs = {"payment": 1, "refund": -1, "dispute": -1}
    first, last = clock.text(since), clock.text(until)
    ended = {each.of for each in entries if each.entry in ("refund_failed", "dispute_won")}
    for each in entries:
        in_days = first <= each.happened_at < last or each.object_id in theirs.amounts
        if each.object_id and each.entry in signs and in_days and each.entry_id not in ended:
            found.amounts[str(each.object_id)] = signs[each.entry] * int(each.amount)
    return found


def _report(
    tenant: Tenant, account: CardProcessing, theirs: _Books, ours: _Books, repaired: int, now: datetime
) -> Reconciliation:
    odd = [each for each in {*theirs.amounts, *ours.amounts} if theirs.amounts.get(each) != ours.amounts.get(each)]
    report = Reconciliation.new(
        tenant_id=tenant.tenant_id,
        day=now.date().isoformat(),
        currency=account.currency,
        ledger_total=ours.total,
        stripe_total=theirs.total,
        difference=ours.total - theirs.total,
        objects=len(theirs.amounts),
        repaired=repaired,
        unmatched=sorted(odd)[:500],
        done_at=clock.text(now),
    )
    with Transaction() as tx:
        tx.put(report)
    if odd:
        logger.error("reconciliation_difference", tenant_id=tenant.tenant_id, objects=len(odd))
    return report


def reports(context: Context, limit: int, cursor: str | None) -> Page:
    """The nights' reports, newest first."""
    about: dict[str, Any] = {"tenant_id": context.tenant_id}
    return Reconciliation.page(Reconciliation.KEY, limit=limit, cursor=cursor, **about)
