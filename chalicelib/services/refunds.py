"""Money by the hand of staff: cash and checks that came, and anything that goes back (DOMAIN.md 7.4).

A card's refund is asked of Stripe and booked when Stripe says it is one; what staff wrote about it waits beside it.
Money of a card payment can go back by hand, too: it is booked at once, and Stripe is only asked what it knows of.

ask ─▶ one transaction: the request, and on the payment that this refund is under way ─▶ Stripe, under the request's id
    as idempotency key ─┬▶ made: under way until services.settlement has booked it
                        ├▶ refused: under way no longer, and whoever is told of money is told
                        └▶ no answer, or the function died ─▶ on_payment asks for the same again

Stripe may also make a refund, and the bank return it days later: services.settlement books that, and tells the same
people. Either stands on the payment as `refund_failed` until another refund is asked for here, made at Stripe, or given
back by hand, so that nobody believes that the client has the money: NOT_MADE (nothing went back) or RETURNED (it went,
and came back).

Who asks says which state of the payment they saw: a second click, or a colleague's, is refused until the first one's
refund has been booked and looked at. So what goes back is what one person asked for at a time.
"""

import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib import clock, ids
from chalicelib.adapters import keys
from chalicelib.adapters import payments as stripe
from chalicelib.context import Context
from chalicelib.errors import (
    AmountTooLarge,
    Busy,
    InvalidBody,
    InvoiceState,
    NotFound,
    NotRefundable,
    ProcessorDown,
    RefundUnderWay,
    Stale,
)
from chalicelib.ledger.books import Books
from chalicelib.ledger.entries import Kind
from chalicelib.models.invoices import Invoice
from chalicelib.models.payments import Payment, RefundRequest
from chalicelib.models.table import load
from chalicelib.models.transaction import Moved, Transaction
from chalicelib.services import audits, books, idempotency, invoices, notifications, payments
from chalicelib.services.books import Posting, Scene
from chalicelib.services.tenants import billing

NOT_MADE, RETURNED = "not_made", "returned"
TRIES = 12
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
    due, too. Raises NotFound, InvoiceState, InvalidBody, Stale."""
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
            if not shares:  # otherwise invoices were issued before
                invoices.fix_currency(tx, context)
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


def refund(context: Context, amount: int, reason: str, method: str | None = None) -> Payment:
    """Send back a part of a payment as it was read (`context.if_match`), or all of it, by this method; None: the way it
    came. A card's refund shows as soon as Stripe's word is booked; what staff give back by hand is booked at once.

    Raises InvalidBody (to a card, and none paid), NotRefundable, Stale, RefundUnderWay, AmountTooLarge; ProcessorDown:
    asking again asks for the same, and what stands as `refunding` by then is seen through by on_payment.
    """
    payment = payments.named(context)
    if context.result:
        return _again(context, payment)
    method = method or payment.method
    if method == "card" and payment.method != "card":
        detail = "This payment was not made by card, so nothing of it can go back to one."
        raise InvalidBody(errors=[{"pointer": "/method", "code": "not_by_card", "detail": detail}])
    if payment.status != payments.SUCCEEDED:
        raise NotRefundable()
    if int(payment.version) != context.if_match:
        raise Stale()
    if payment.refunding:
        raise RefundUnderWay()
    if method == "card":
        _require_all_booked(payment)
        return _answered(context, _begun(context, payment, amount, reason))
    if payment.method == "card":
        _require_not_gone(payment)
    return _given_back(context, payment, amount, reason, method)


def _again(context: Context, payment: Payment) -> Payment:
    """The same request once more: Stripe is asked while it is under way, and never after that."""
    asked = _found(payment, str(context.result))
    if asked is None:  # the first one booked an entry: it was given back by hand
        return payments.get(context, payment.payment_id)
    if asked.refused:
        raise NotRefundable()
    if payment.refunding and payment.refunding["refund_id"] == asked.refund_id:
        return _answered(context, payment)
    return payments.get(context, payment.payment_id)


def _answered(context: Context, payment: Payment) -> Payment:
    """What Stripe says of the refund that is under way, for whoever asks; on_payment books it, or tells of it, now."""
    try:
        see_through(payment)
    except NotRefundable:
        payments.look_soon(payment)
        raise
    payments.look_soon(payment)
    return payments.get(context, payment.payment_id)


def _require_all_booked(payment: Payment) -> None:
    """What Stripe has sent back of it must be known here before more is: somebody may act in Stripe's dashboard. It is
    booked, and who asks looks again. Raises Stale, NotRefundable, ProcessorDown."""
    try:
        there = stripe.refunds_of(payment.account, payment.intent_id)
    except stripe.Refused:
        raise NotRefundable() from None
    if stripe.total_of(there) != payments.sent_back(payment):
        payments.look_soon(payment)
        raise Stale()


def _require_not_gone(payment: Payment) -> None:
    """Before somebody gives money of a card payment back by hand: what Stripe has sent back of it, and what a bank has
    taken back, must be known here, so that nobody has it twice (Stripe refuses a refund of disputed money; nobody
    refuses cash). Raises Stale.

    Where Stripe does not say (it does not answer, or the account was taken away) it is booked all the same: that money
    was handed over is a fact, and may be recorded for the very reason that Stripe cannot be used. Should more have gone
    back than came in, settlement adds what Stripe says later, and the books say who owes it.
    """
    with contextlib.suppress(NotRefundable, stripe.Refused, ProcessorDown):
        _require_all_booked(payment)
        disputes = stripe.disputes_of(payment.account, payment.intent_id)
        if sum(int(each.amount) for each in disputes if stripe.takes(each)) != int(payment.disputed):
            payments.look_soon(payment)
            raise Stale()


def _begun(context: Context, payment: Payment, amount: int, reason: str) -> Payment:
    """The payment with this refund under way: of any number who saw the same payment, one gets here."""
    if amount > int(payment.amount) - int(payment.refunded) - int(payment.disputed):
        raise AmountTooLarge()
    asked = RefundRequest.new(
        tenant_id=context.tenant_id,
        client_id=context.client_id,
        refund_id=ids.new_id(context.now),
        payment_id=payment.payment_id,
        amount=amount,
        asked_by=context.actor.staff_id,
        asked_by_name=context.actor.name,
        asked_at=clock.text(context.now),
    )
    asked.words = keys.encrypt(context.tenant_id, {"reason": reason}, asked.sk)
    begun = {"refund_id": asked.refund_id, "amount": amount}
    new = payments.changed(payment, refunding=begun, refund_failed=None)
    with Transaction() as tx:
        idempotency.remember(tx, context, asked.refund_id, idempotency.KEPT_MONEY)
        tx.create(asked)
        tx.put(new, when=Payment.version == context.if_match, otherwise=Stale())
        tx.create(audits.event(context, "payment:refund", client_id=context.client_id, payment_id=payment.payment_id))
    return new


def see_through(payment: Payment) -> None:
    """Have Stripe make the refund that is under way: asked for any number of times, it is made once. It is under way
    until services.settlement has booked it.

    Raises NotRefundable: Stripe does not make it, and it is under way no longer; ProcessorDown.
    """
    asked = _asked(payment, str(payment.refunding["refund_id"]))
    if clock.now() - clock.parse(asked.asked_at) < KEY_LIVES:
        about = {"tenant": payment.tenant_id, "payment": payment.payment_id, "refund": asked.refund_id}
        with contextlib.suppress(stripe.Refused):
            stripe.refund(payment.account, asked.refund_id, payment.intent_id, int(asked.amount), about)
            return
    if not _is_made(payment, asked):
        _given_up(payment, asked)
        raise NotRefundable()


def _is_made(payment: Payment, asked: RefundRequest) -> bool:
    try:
        made = stripe.refunds_of(payment.account, payment.intent_id)
    except stripe.Refused:
        return False
    return any(stripe.plain(each, "metadata", "refund") == asked.refund_id for each in made)


def _found(payment: Payment, refund_id: str) -> RefundRequest | None:
    about = {"tenant_id": payment.tenant_id, "client_id": payment.client_id, "refund_id": refund_id}
    found: RefundRequest | None = load((RefundRequest, about))[0]
    return found


def _asked(payment: Payment, refund_id: str) -> RefundRequest:
    found = _found(payment, refund_id)
    if found is None:
        raise NotFound()
    return found


def _given_up(payment: Payment, asked: RefundRequest) -> None:
    """Nothing goes back; another refund may be asked for. Whoever is told of money is told by on_payment: who asked may
    have been told that it is under way."""
    for _ in range(TRIES):
        if not payment.refunding or payment.refunding["refund_id"] != asked.refund_id:
            return
        try:
            with Transaction() as tx:
                new = payments.changed(payment, **_not_made(payment, asked))
                tx.put(new, when=Payment.version == payment.version, otherwise=Moved())
                tx.update(asked, RefundRequest.refused.set(True))
            return
        except Moved:
            (payment,) = load((Payment, payments.key(payment)))
    raise Busy(retry_after=1)


def _not_made(payment: Payment, asked: RefundRequest) -> dict[str, Any]:
    now, amount = clock.now(), int(asked.amount)
    people = notifications.for_money(payment.tenant_id, payment.client_id)
    news = notifications.rows(notifications.REFUND_FAILED, asked.refund_id, now, amount, people)
    failed = {"amount": amount, "how": NOT_MADE, "at": clock.text(now)}
    return {"refunding": None, "refund_failed": failed, "telling": [*(payment.telling or []), *news]}


def _given_back(context: Context, payment: Payment, amount: int, reason: str, method: str) -> Payment:
    """Cash, a check or something else went back by hand: booked at once. Of a card payment, it is told apart from what
    Stripe sends back, and a refund that did not go through is made good."""
    entry_id = ids.new_id(context.now)
    more = {"payment_id": payment.payment_id, "method": method}
    fact = _entry(context, payment, Kind.REFUND, entry_id, amount, context.now, {"reason": reason}, **more)

    def plan(scene: Scene) -> Posting:
        seen = payments.get(context, payment.payment_id)
        if int(seen.version) != context.if_match:
            raise Stale()
        if amount > scene.books.receipt(payment.payment_id).refundable:
            raise AmountTooLarge()

        def write(tx: Transaction, after: Books) -> None:
            idempotency.remember(tx, context, entry_id, idempotency.KEPT_MONEY)
            values: dict[str, Any] = {"refunded": after.receipt(payment.payment_id).refunded}
            if seen.method == "card":
                values |= {"by_hand": int(seen.by_hand or 0) + amount, "refund_failed": None}
            new = payments.changed(seen, **values)
            tx.put(new, when=Payment.version == seen.version, otherwise=Moved())
            about = {"client_id": context.client_id, "payment_id": payment.payment_id}
            tx.create(audits.event(context, "payment:refund", **about))

        return Posting([fact], {}, write)

    books.post(context.tenant_id, context.client_id, context.now, plan, [each for each, _ in payment.shares])
    return payments.get(context, payment.payment_id)
