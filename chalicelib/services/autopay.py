"""Paying by itself: who asked for it has each invoice paid by a saved card, and is told before (DOMAIN.md 7.4).

issue ─▶ planned, and a mail that says when ─▶ due: charged like any payment ─▶ paid | failed, and the client told
the client stops it, pays otherwise, or the practice voids the invoice before: nothing is charged
more is due by then than was announced: what was announced is charged, and the rest planned and announced; less: less
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib import clock, ids
from chalicelib.adapters import queues
from chalicelib.context import Actor, Context, Persona
from chalicelib.errors import (
    AmountTooLarge,
    Busy,
    CardGone,
    NothingToPay,
    PaymentUnderWay,
    PortalError,
    TooLittleOnline,
)
from chalicelib.models.clients import Client
from chalicelib.models.invoices import Invoice
from chalicelib.models.mails import ClientMail, StaffMail
from chalicelib.models.payments import Payer, Payment, PlannedCharge
from chalicelib.models.table import Record, at_keys, load
from chalicelib.models.tenants import Tenant
from chalicelib.models.transaction import Transaction, change
from chalicelib.policies.plans import Feature, why_off
from chalicelib.services import audits, mails, notifications, payments, tenants

NOTICE = timedelta(days=3)  # at least so long before it is charged the client is told
HOUR = time(10)  # at which it is charged, at the organization
MOST_TOLD = 40  # of the staff, in one transaction
PLANNED, FAILED = "autopay_planned", "autopay_failed"


def planned(context: Context, invoice: Invoice, due_on: date) -> list[Record]:
    """What issuing an invoice writes besides, for a client who has it paid by itself: the plan and the notice."""
    (payer,) = load((Payer, {"tenant_id": context.tenant_id, "client_id": context.client_id}))
    enough = payments.is_enough(context, int(invoice.charge))
    if payer is None or not payer.autopay_card or not enough or not _is_on(context):
        return []
    return list(_plan(context, invoice, int(invoice.charge), due_on))


def _plan(context: Context, invoice: Invoice, amount: int, due_on: date) -> tuple[PlannedCharge, ClientMail]:
    """The plan to charge so much, and its notice: not before the day it is due, nor before the client could react."""
    zone = ZoneInfo(context.tenant.zone)
    first = (context.now + NOTICE).astimezone(zone).date() + timedelta(days=1)
    at = datetime.combine(max(first, due_on), HOUR, zone)
    about = {"tenant_id": invoice.tenant_id, "client_id": invoice.client_id, "invoice_id": invoice.invoice_id}
    plan = PlannedCharge.new(**about, charge_at=clock.text(at), amount=amount, status="planned").due(at)
    told: dict[str, Any] = {"invoice_id": invoice.invoice_id, "charge_at": clock.text(at)}
    return plan, mails.to_client(context.now, invoice.tenant_id, invoice.client_id, PLANNED, **told)


def hand_over(written: Sequence[Record]) -> None:
    """After the commit."""
    mails.hand_over(*(each for each in written if isinstance(each, ClientMail | StaffMail)))


def _is_on(context: Context) -> bool:
    """Only who can be told before, and can stop it, is charged: nobody whose access has ended or file is closed."""
    if (context.client.portal, context.client.status) != ("active", "active"):
        return False
    now = tenants.circumstances(context.tenant, client_off=context.client.features_off)
    return why_off(Feature.PAYMENTS, now) is None


# ---- the client's choice ----


def choose(context: Context, card_id: str | None) -> None:
    """Have invoices that are issued from now on paid by this card; None: by none, and what was planned is not charged.

    Raises CardGone, CardsNotConnected, Busy.
    """
    if card_id is None:
        stop(context)
        return
    payer = payments.payer(context, payments.connected(context.tenant_id).account)
    if payer is None or card_id not in {each["card_id"] for each in payer.cards}:
        raise CardGone()
    with Transaction() as tx:
        tx.update(
            payer,
            Payer.autopay_card.set(card_id),
            Payer.autopay_since.set(clock.text(context.now)),
            Payer.version.add(1),
            when=Payer.version == payer.version,
            otherwise=Busy(retry_after=1),  # this card may be there still
        )
        tx.create(audits.event(context, "autopay:start", client_id=context.client_id))


def stop(context: Context) -> None:
    """Nothing is paid by itself any more: safe to repeat. The plans look at this before they charge."""
    (payer,) = load((Payer, {"tenant_id": context.tenant_id, "client_id": context.client_id}))
    if payer is None or not payer.autopay_card:
        return
    with Transaction() as tx:
        tx.update(payer, Payer.autopay_card.remove(), Payer.autopay_since.remove(), Payer.version.add(1))
        tx.create(audits.event(context, "autopay:stop", client_id=context.client_id))


def plans_of(context: Context) -> dict[str, PlannedCharge]:
    """When which open invoice will be charged, and how much of it at most: none, once the client has stopped it."""
    (payer,) = load((Payer, {"tenant_id": context.tenant_id, "client_id": context.client_id}))
    if payer is None or not payer.autopay_card:
        return {}
    found = PlannedCharge.every(
        PlannedCharge.KEY, tenant_id=context.tenant_id, client_id=context.client_id
    )  # a client has few: each goes when it is done
    return {str(each.invoice_id): each for each in found if each.status == "planned"}


# ---- when it is due ----


def sweep(pk: str, sk: str, now: datetime) -> None:
    """A plan that is due: on_payment charges it; due again later, until it is settled."""
    for plan in at_keys([(pk, sk)], consistent=True):
        change(plan, *plan.due_next(now + timedelta(minutes=5)))
        queues.payments(plan.tenant_id, "autopay", client_id=str(plan.client_id), invoice_id=str(plan.invoice_id))


def charge(tenant_id: str, client_id: str, invoice_id: str) -> None:
    """Charge what was planned, if everything still holds. Safe to repeat: the plan has one attempt, whose id follows
    from it, so whoever comes after a crash goes on with that one."""
    about = {"tenant_id": tenant_id, "client_id": client_id, "invoice_id": invoice_id}
    plan, payer, invoice, tenant, client = load(
        (PlannedCharge, about), (Payer, about), (Invoice, about), (Tenant, about), (Client, about)
    )
    now = clock.now()
    if plan is None or plan.status != "planned" or clock.text(now) < plan.charge_at:
        return
    context = Context(tenant_id, Actor("system", "autopay"), now, Persona.JOBS, tenant=tenant, client=client)
    payment_id = ids.derived_id("autopay", invoice_id, at=clock.parse(plan.charge_at))
    (made,) = load((Payment, {**about, "payment_id": payment_id}))
    if made is None:
        wanted = (
            payer is not None
            and bool(payer.autopay_card)
            and invoice is not None
            and invoice.status == "open"
            and client is not None
            and _is_on(context)
        )
        if not wanted or payer is None or invoice is None:
            _settle(plan, "cancelled")
            return
        if invoice.payment_id:  # somebody is paying it: look again when that is decided
            return
        try:
            wanted_now = [(invoice_id, min(int(plan.amount), int(invoice.balance)))]
            card = payer.autopay_card
            made = payments.start(context, wanted_now, way=payments.AUTOPAY, card_id=card, payment_id=payment_id)
        except (NothingToPay, PaymentUnderWay, AmountTooLarge):  # somebody was faster: look again
            return
        except TooLittleOnline:  # what is left of it is paid at the practice
            _settle(plan, "cancelled")
            return
        except PortalError as why:
            if why.status >= 500 or why.status == 429:
                raise
            _settle(plan, "failed", *_told(context, invoice_id))
            return
    elif made.status == payments.STARTING:
        made = payments.charge(context, made)
    if made.status in (payments.PROCESSING, payments.SUCCEEDED):
        _rest(context, plan, payment_id, "charged")
    elif made.status == payments.EXPIRED and (made.closing or payer is None or not payer.autopay_card):
        _rest(context, plan, payment_id, "cancelled")  # it was called off before Stripe had charged anything
    else:
        _settle(plan, "failed", *_told(context, invoice_id), payment_id=made.payment_id)


def _rest(context: Context, plan: PlannedCharge, payment_id: str, status: str) -> None:
    """The plan is done with. What the invoice is due all the same, because it was raised after the notice or lowered
    while nobody knew whether it was charged, is the next plan."""
    about = {"tenant_id": plan.tenant_id, "client_id": plan.client_id, "invoice_id": plan.invoice_id}
    made, invoice, payer = load((Payment, {**about, "payment_id": payment_id}), (Invoice, about), (Payer, about))
    coming = int(made.amount) if made.status == payments.PROCESSING else 0  # it is not booked yet
    rest = int(invoice.balance) - coming
    wanted = status == "charged" or (payer is not None and bool(payer.autopay_card))
    if not wanted or invoice.status != "open" or not payments.is_enough(context, rest) or not _is_on(context):
        _settle(plan, status, payment_id=payment_id)
        return
    again, letter = _plan(context, invoice, rest, date.fromisoformat(invoice.due_on))
    try:
        with Transaction() as tx:
            tx.put(again, when=_stands(plan), otherwise=_Settled())
            tx.create(letter)
    except _Settled:
        return
    mails.hand_over(letter)


def _stands(plan: PlannedCharge) -> Any:
    return (PlannedCharge.status == "planned") & (PlannedCharge.charge_at == plan.charge_at)


def _told(context: Context, invoice_id: str) -> list[Record]:
    """What tells the client, and the staff who are told of money."""
    about: dict[str, Any] = {"invoice_id": invoice_id}
    found: list[Record] = [
        mails.to_client(context.now, context.tenant_id, context.client_id, FAILED, invoice_id, **about)
    ]
    kind = notifications.PAYMENT_FAILED
    for who in notifications.for_money(context.tenant_id, context.client_id)[:MOST_TOLD]:
        found.append(notifications.notice(who, kind, context.client_id, context.now, invoice_id))
        if kind not in notifications.muted(context.tenant_id, who.staff_id):
            found.append(mails.to_staff(context.now, context.tenant_id, who.staff_id, kind, invoice_id))
    return found


class _Settled(PortalError):
    """Another worker settled it."""


def _settle(plan: PlannedCharge, status: str, *told: Record, payment_id: str | None = None) -> None:
    actions = [PlannedCharge.status.set(status), *plan.due_next(None)]
    if payment_id:
        actions.append(PlannedCharge.payment_id.set(payment_id))
    try:
        with Transaction() as tx:
            tx.update(plan, *actions, when=_stands(plan), otherwise=_Settled())
            for each in told:
                tx.create(each)
    except _Settled:
        return
    hand_over(told)
