"""Money by the hand of staff: cash and checks that came, and anything that goes back (DOMAIN.md 7.4).

A card's refund is asked of Stripe and booked when Stripe says it is one; what staff wrote about it waits beside it. A
repeat of the request asks for the same refund under the same key. Who asks says which state of the payment they saw:
a second click, or a colleague's, is refused until the first one's refund has been looked at.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib import clock, ids
from chalicelib.adapters import keys
from chalicelib.adapters import payments as stripe
from chalicelib.context import Context
from chalicelib.errors import AmountTooLarge, InvalidBody, InvoiceState, NotFound, NotRefundable, Stale
from chalicelib.ledger.books import Books
from chalicelib.ledger.entries import Kind
from chalicelib.models.invoices import Invoice
from chalicelib.models.payments import Payment, RefundRequest
from chalicelib.models.table import load
from chalicelib.models.transaction import Transaction
from chalicelib.services import audits, books, idempotency, payments
from chalicelib.services.books import Moved, Posting, Scene
from chalicelib.services.tenants import billing

KEY_LIVES = timedelta(hours=20)  # for a day Stripe takes the same key for the same refund; later it would be another


def receive(
    context: Context,
    method: str,
    amount: int,
    shares: Sequence[tuple[str, int]],
    received_on: str | None,
    reference: str | None,
) -> Payment:
    """Record cash, a check, or other money that came. What its shares leave is credit; what is more than an invoice is
    due, too. Raises NotFound, InvoiceState, InvalidBody."""
    if context.result:
        return payments.get(context, context.result)
    own = {"tenant_id": context.tenant_id, "client_id": context.client_id}
    if sum(share for _, share in shares) > amount:
        raise InvalidBody(errors=[{"pointer": "/shares", "code": "too_large", "detail": "This is more than came in."}])
    found = load(*((Invoice, {**own, "invoice_id": each}) for each, _ in shares))
    if any(each is None for each in found):
        raise NotFound()
    if any(each.status not in ("open", "paid") for each in found):
        raise InvoiceState()
    at = _received(context, received_on)
    payment = Payment.new(
        **own,
        payment_id=ids.new_id(context.now),
        phase="done",
        method=method,
        way=payments.STAFF,
        status=payments.SUCCEEDED,
        amount=amount,
        currency=billing(context.tenant)["currency"],
        shares=[list(each) for each in shares],
        numbers=[int(each.number) for each in found],
        created_at=clock.text(context.now),
        succeeded_at=clock.text(at),
        refunded=0,
        disputed=0,
        version=1,
    )
    said = {"reference": reference}
    entry_id = books.id_of(Kind.PAYMENT, payment.payment_id, context.now)
    more = {"payment_id": payment.payment_id, "shares": payment.shares, "method": method}
    fact = _entry(context, payment, Kind.PAYMENT, entry_id, amount, at, said, **more)

    def plan(scene: Scene) -> Posting:
        def write(tx: Transaction, _: Books) -> None:
            idempotency.remember(tx, context, payment.payment_id, idempotency.KEPT_MONEY)
            tx.create(payment)
            about = {"client_id": context.client_id, "payment_id": payment.payment_id}
            tx.create(audits.event(context, "payment:receive", **about))

        return Posting([fact], {}, write)

    books.post(context.tenant_id, context.client_id, context.now, plan)
    return payment


def _received(context: Context, day: str | None) -> datetime:
    """Noon of that day at the organization; not in the future."""
    if day is None:
        return context.now
    at = datetime.fromisoformat(day).replace(hour=12, tzinfo=ZoneInfo(context.tenant.zone)).astimezone(UTC)
    if at.date() > context.now.date():
        raise InvalidBody(errors=[{"pointer": "/received_on", "code": "future", "detail": "This day has yet to come."}])
    return min(at, context.now)


def _entry(
    context: Context, payment: Payment, kind: Kind, entry_id: str, amount: int, at: datetime, said: Any, **more: Any
) -> Any:
    return books.entry(
        context.tenant_id,
        context.client_id,
        kind,
        entry_id,
        amount=amount,
        currency=payment.currency,
        happened_at=at,
        recorded_at=context.now,
        by=context.actor.staff_id,
        by_name=context.actor.name,
        words=said,
        **more,
    )


def refund(context: Context, amount: int, reason: str) -> Payment:
    """Send back a part of a payment as it was read (`context.if_match`), or all of it. A card's refund shows as soon as
    Stripe's word is booked.

    Raises NotRefundable, Stale, AmountTooLarge; ProcessorDown: nothing happened, and asking again asks for the same.
    """
    payment = payments.named(context)
    if payment.status != payments.SUCCEEDED:
        raise NotRefundable()
    if not context.result and int(payment.version) != context.if_match:
        raise Stale()
    if payment.method != "card":
        return _given_back(context, payment, amount, reason)
    if not context.result:
        _require_all_booked(payment)
    asked = _requested(context, payment, amount, reason)
    if _is_done(context, payment, asked):
        payments.look_soon(payment)
        return payment
    try:
        stripe.refund(payment.account, asked.refund_id, payment.intent_id, int(asked.amount), _ids(payment, asked))
    except stripe.Refused:
        raise NotRefundable() from None
    payments.look_soon(payment)
    return payments.get(context, payment.payment_id)


def _require_all_booked(payment: Payment) -> None:
    """What Stripe has sent back of it must be known here before more is: an answer may have been lost, or somebody acts
    in Stripe's dashboard. It is booked, and who asks looks again. Raises Stale, NotRefundable, ProcessorDown."""
    try:
        there = stripe.refunds_of(payment.account, payment.intent_id)
    except stripe.Refused:
        raise NotRefundable() from None
    if sum(int(each.amount) for each in there if each.status in ("succeeded", "pending")) != int(payment.refunded):
        payments.look_soon(payment)
        raise Stale()


def _is_done(context: Context, payment: Payment, asked: RefundRequest) -> bool:
    """Whether an old request, repeated, has been heard: Stripe may have forgotten its key, but not the refund."""
    if context.now - clock.parse(asked.asked_at) < KEY_LIVES:
        return False
    made = stripe.refunds_of(payment.account, payment.intent_id)
    return any(stripe.plain(each, "metadata", "refund") == asked.refund_id for each in made)


def _ids(payment: Payment, asked: RefundRequest) -> dict[str, str]:
    return {"tenant": payment.tenant_id, "payment": payment.payment_id, "refund": asked.refund_id}


def _requested(context: Context, payment: Payment, amount: int, reason: str) -> RefundRequest:
    own = {"tenant_id": context.tenant_id, "client_id": context.client_id}
    if context.result:
        found: RefundRequest | None = load((RefundRequest, {**own, "refund_id": context.result}))[0]
        if found is None:
            raise NotFound()
        return found
    if amount > int(payment.amount) - int(payment.refunded) - int(payment.disputed):
        raise AmountTooLarge()
    asked = RefundRequest.new(
        **own,
        refund_id=ids.new_id(context.now),
        payment_id=payment.payment_id,
        amount=amount,
        asked_by=context.actor.staff_id,
        asked_by_name=context.actor.name,
        asked_at=clock.text(context.now),
    )
    asked.words = keys.encrypt(context.tenant_id, {"reason": reason}, asked.sk)
    with Transaction() as tx:
        idempotency.remember(tx, context, asked.refund_id, idempotency.KEPT_MONEY)
        tx.create(asked)
        tx.update(payment, Payment.version.add(1), when=Payment.version == context.if_match, otherwise=Stale())
        tx.create(audits.event(context, "payment:refund", client_id=context.client_id, payment_id=payment.payment_id))
    return asked


def _given_back(context: Context, payment: Payment, amount: int, reason: str) -> Payment:
    """Cash or a check went back: booked at once."""
    if context.result:
        return payments.get(context, payment.payment_id)
    entry_id = ids.new_id(context.now)
    more = {"payment_id": payment.payment_id, "method": payment.method}
    fact = _entry(context, payment, Kind.REFUND, entry_id, amount, context.now, {"reason": reason}, **more)

    def plan(scene: Scene) -> Posting:
        seen = payments.get(context, payment.payment_id)
        if int(seen.version) != context.if_match:
            raise Stale()
        if amount > scene.books.receipt(payment.payment_id).refundable:
            raise AmountTooLarge()

        def write(tx: Transaction, after: Books) -> None:
            idempotency.remember(tx, context, entry_id, idempotency.KEPT_MONEY)
            new = payments.changed(seen, refunded=after.receipt(payment.payment_id).refunded)
            tx.put(new, when=Payment.version == seen.version, otherwise=Moved())
            about = {"client_id": context.client_id, "payment_id": payment.payment_id}
            tx.create(audits.event(context, "payment:refund", **about))

        return Posting([fact], {}, write)

    books.post(context.tenant_id, context.client_id, context.now, plan)
    return payments.get(context, payment.payment_id)
