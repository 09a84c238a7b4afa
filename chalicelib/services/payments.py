"""Paying: an attempt is stored, then Stripe is asked; what came of it is booked by services.settlement alone.

    start ─▶ one transaction: the attempt (starting), and on each of its invoices that this is the one that is open
          ─▶ Stripe, under the attempt's id as idempotency key ─▶ open: the address of the Checkout page
    again, from another tab or after a crash: the same attempt, the same key, the same page
    another amount: the old page is closed first; if somebody has paid there, PaymentUnderWay
    voided, or paid otherwise: services.books marks it as closing, and on_payment closes the page; who has paid there
    by then has paid, and what is too much is credit

The server computes amounts: a client says which invoices, and of a single one perhaps how much (DOMAIN.md 7.2). Stripe
takes no less than about half a dollar at once, so a part is never such that no card could pay the rest.
"""

import contextlib
import random
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from chalicelib import clock, ids
from chalicelib.adapters import payments as stripe
from chalicelib.adapters import queues
from chalicelib.config import LEAST_CHARGES, MOST_CHARGE, settings
from chalicelib.context import Context
from chalicelib.errors import (
    AmountsFixed,
    AmountTooLarge,
    AmountTooSmall,
    Busy,
    CardGone,
    CardsNotConnected,
    NotFound,
    NothingToPay,
    PaymentUnderWay,
    PortalError,
    RemainderTooSmall,
    TooLittleOnline,
    TooManyRequests,
    TooMuchOnline,
)
from chalicelib.models.invoices import Invoice
from chalicelib.models.payments import CardProcessing, Intent, Payer, Payment
from chalicelib.models.table import Page, load
from chalicelib.models.transaction import Moved, Transaction
from chalicelib.observability import logger, where
from chalicelib.services import accounts, audits, idempotency
from chalicelib.services.tenants import billing

CHECKOUT, SAVED_CARD, AUTOPAY, GUEST, STAFF = "checkout", "saved_card", "autopay", "guest", "staff"
PRESENT = (CHECKOUT, GUEST)  # somebody sits before Stripe's page
STARTING, OPEN, PROCESSING = "starting", "open", "processing"
SUCCEEDED, FAILED, CANCELLED, EXPIRED = "succeeded", "failed", "cancelled", "expired"
UNDER_WAY = (STARTING, OPEN, PROCESSING)
PAGE = timedelta(minutes=60)  # so long a Checkout page is open (Stripe: 30 minutes to 24 hours)
LEFT = timedelta(minutes=5)  # a page with less than this left is not handed out again
LOOKS = (3, 10, 30, 65, 180, 720)  # minutes after its start at which an undecided payment is looked at
TRIES = 12


# ---- reading ----


def named(context: Context) -> Payment:
    """The payment that the address names. Raises NotFound."""
    found: Payment | None = context.named.get("payment_id")
    if found is None:
        raise NotFound()
    return found


def get(context: Context, payment_id: str) -> Payment:
    """A payment of the client of the request. Raises NotFound."""
    found: Payment | None = load((Payment, {**_own(context), "payment_id": payment_id}))[0]
    if found is None:
        raise NotFound()
    return found


def done(context: Context, limit: int, cursor: str | None) -> Page:
    """Payments that came in, newest first; what was refunded or is disputed stands on them."""
    return Payment.page(Payment.BY_CLIENT, phase="done", limit=limit, cursor=cursor, **_own(context))


def sent_back(payment: Payment) -> int:
    """What went back of a card payment through Stripe, as far as it is booked."""
    return int(payment.refunded) - int(payment.by_hand or 0)


def _own(context: Context) -> dict[str, Any]:
    return {"tenant_id": context.tenant_id, "client_id": context.client_id}


def processing(tenant_id: str) -> CardProcessing | None:
    """The organization's account at Stripe, whatever has become of it."""
    found: CardProcessing | None = load((CardProcessing, {"tenant_id": tenant_id}))[0]
    return found


def connected(tenant_id: str) -> CardProcessing:
    """The account that takes cards now. Raises CardsNotConnected."""
    found = processing(tenant_id)
    if found is None or found.status != "connected":
        raise CardsNotConnected()
    return found


def payer(context: Context, account: str) -> Payer | None:
    """The client as Stripe knows them on this account."""
    (found,) = load((Payer, _own(context)))
    return found if found is not None and found.account == account else None


# ---- starting ----

Wanted = Sequence[tuple[str, int | None]]  # invoices, and how much of each; None: all that is due


def start(
    context: Context,
    wanted: Wanted,
    *,
    way: str = CHECKOUT,
    save_card: bool = False,
    card_id: str | None = None,
    link_id: str | None = None,
    payment_id: str | None = None,
) -> Payment:
    """Begin to pay these invoices: the attempt, with the address of its Checkout page, or (a saved card) on its way.
    `payment_id`: of the attempt, where there shall be only one whatever becomes of it.

    Raises NotFound, NothingToPay, AmountsFixed, AmountTooSmall, AmountTooLarge, RemainderTooSmall, TooLittleOnline,
    TooMuchOnline, CardsNotConnected, CardGone, PaymentUnderWay, TooManyRequests; ProcessorDown: asking again goes on
    where this stopped, and charges nothing twice.
    """
    if context.result:
        return _ensured(context, get(context, context.result))
    account = connected(context.tenant_id)
    if card_id is not None:
        _require_card(context, account.account, card_id)
    for attempt in range(TRIES):
        invoices = _payable(context, wanted)
        shares = _shares(context, invoices, wanted, way)
        standing = _standing(context, invoices)
        new = _new(context, account, invoices, shares, way, save_card, card_id, link_id, payment_id)
        if len(standing) == 1 and _same(standing[0], new, context.now):
            return _ensured(context, standing[0])
        for other in standing:
            give_up(context, other, EXPIRED)
        if standing:
            continue
        _require_pace(context, wanted)
        try:
            _reserve(context, new, invoices)
        except Moved:
            time.sleep(random.uniform(0, 0.02 * 2 ** min(attempt, 5)))  # noqa: S311
            continue
        return _ensured(context, new)
    raise Busy(retry_after=1)


def _payable(context: Context, wanted: Wanted) -> list[Invoice]:
    found = load(*((Invoice, {**_own(context), "invoice_id": each}) for each, _ in wanted))
    if any(each is None or each.status == "draft" for each in found):
        raise NotFound()
    if any(each.status != "open" or each.balance <= 0 for each in found):
        raise NothingToPay()
    return found


def is_enough(context: Context, amount: int) -> bool:
    """Whether Stripe takes so little at once."""
    return amount >= LEAST_CHARGES[billing(context.tenant)["currency"]]


def part(context: Context, due: int) -> tuple[int, int] | None:
    """The least and the most that is taken of what is due where it is not all of it; None: it is paid whole. As much
    is left as a card can pay."""
    bills = billing(context.tenant)
    stripes = LEAST_CHARGES[bills["currency"]]
    least, most = max(int(bills["minimum_partial"]), stripes), due - stripes
    return (least, most) if least <= most else None


def _shares(context: Context, invoices: Sequence[Invoice], wanted: Wanted, way: str) -> list[list[Any]]:
    """What is paid of which invoice. How small a part may be is for those who choose one: automatic payment takes what
    it has announced."""
    shares: list[list[Any]] = []
    for invoice, (_, amount) in zip(invoices, wanted, strict=True):
        due = int(invoice.balance)
        if amount is not None and amount != due:
            if len(wanted) > 1:
                raise AmountsFixed()
            if amount > due:
                raise AmountTooLarge()
            if amount < int(billing(context.tenant)["minimum_partial"]) and way != AUTOPAY:
                raise AmountTooSmall()
            if not is_enough(context, due - amount) and way != AUTOPAY:
                raise RemainderTooSmall()
        shares.append([invoice.invoice_id, amount or due])
    total = sum(amount for _, amount in shares)
    if not is_enough(context, total):
        raise TooLittleOnline()
    if total > MOST_CHARGE:  # of several: each alone is less
        raise TooMuchOnline()
    return shares


def _standing(context: Context, invoices: Sequence[Invoice]) -> list[Payment]:
    wanted = dict.fromkeys(each.payment_id for each in invoices if each.payment_id)
    found = load(*((Payment, {**_own(context), "payment_id": each}) for each in wanted))
    return [each for each in found if each is not None and each.status in UNDER_WAY]


def _new(
    context: Context,
    account: CardProcessing,
    invoices: Sequence[Invoice],
    shares: list[list[Any]],
    way: str,
    save_card: bool,
    card_id: str | None,
    link_id: str | None,
    payment_id: str | None,
) -> Payment:
    record = Payment.new(
        **_own(context),
        payment_id=payment_id or ids.new_id(context.now),
        phase="attempt",
        method="card",
        way=way,
        status=STARTING,
        amount=sum(amount for _, amount in shares),
        currency=account.currency,
        shares=shares,
        numbers=[int(each.number) for each in invoices],
        account=account.account,
        live=bool(account.live),
        save_card=save_card or None,
        card_id=card_id,
        link_id=link_id,
        created_at=clock.text(context.now),
        ends_at=clock.text(context.now + PAGE),
        refunded=0,
        disputed=0,
        tries=0,
        version=1,
    )
    return record.due(context.now + timedelta(minutes=LOOKS[0]))


def _same(standing: Payment, new: Payment, now: datetime) -> bool:
    names = ("shares", "way", "save_card", "card_id", "link_id", "account")
    alike = all(getattr(standing, name) == getattr(new, name) for name in names)
    in_use = standing.status in (STARTING, OPEN) and not standing.closing
    return alike and in_use and now + LEFT < clock.parse(standing.ends_at)


def _require_card(context: Context, account: str, card_id: str) -> None:
    found = payer(context, account)
    if found is None or card_id not in {each["card_id"] for each in found.cards}:
        raise CardGone()


def _limits(context: Context, wanted: Wanted) -> list[tuple[tuple[int, int], tuple[str, ...]]]:
    per_invoice = settings.limit("payments_invoice")
    invoices = [(per_invoice, ("payments", "invoice", each)) for each, _ in wanted]
    return [*invoices, (settings.limit("payments_client"), ("payments", "client", context.client_id))]


def _require_pace(context: Context, wanted: Wanted) -> None:
    """Stolen cards are not to be tried out here (notes: security 47). Only attempts that are made count."""
    seconds = context.now.timestamp()
    for limit, subject in _limits(context, wanted):
        if accounts.tries(context.tenant_id, limit, seconds, *subject) >= limit[0]:
            raise TooManyRequests(retry_after=limit[1] - int(seconds) % limit[1])


def _reserve(context: Context, payment: Payment, invoices: Sequence[Invoice]) -> None:
    """Store the attempt, and on each invoice that it is the one that is open. Raises Moved."""
    with Transaction() as tx:
        idempotency.remember(tx, context, payment.payment_id, idempotency.KEPT_MONEY)
        tx.create(payment, otherwise=Moved())
        for each in invoices:
            tx.update(
                each,
                Invoice.payment_id.set(payment.payment_id),
                Invoice.version.add(1),
                when=Invoice.version == each.version,
                otherwise=Moved(),
            )
        tx.create(audits.event(context, "payment:start", client_id=context.client_id, payment_id=payment.payment_id))
    seconds = context.now.timestamp()
    for limit, subject in _limits(context, [(each, None) for each, _ in payment.shares]):
        with contextlib.suppress(TooManyRequests):  # this one was let in; the next is not
            accounts.throttle(context.tenant_id, limit, seconds, *subject)


# ---- at Stripe ----


def _ensured(context: Context, payment: Payment) -> Payment:
    """The attempt with what it needs of Stripe. Asked twice or twenty times at once, Stripe gives the same."""
    if payment.status != STARTING:
        return payment
    if payment.way in PRESENT:
        return _with_page(context, payment)
    return charge(context, payment)


def _ids(payment: Payment) -> dict[str, str]:
    return {"tenant": payment.tenant_id, "client": payment.client_id, "payment": payment.payment_id}


def _label(payment: Payment) -> str:
    numbers = payment.numbers
    return f"Invoice {numbers[0]}" if len(numbers) == 1 else f"{len(numbers)} invoices"


def _with_page(context: Context, payment: Payment) -> Payment:
    back = f"{settings.portal_origin}/pay/done/{payment.payment_id}"
    success = cancel = back
    if payment.way == GUEST:
        success = cancel = f"{settings.portal_origin}/pay/done"
    try:
        page = stripe.checkout(
            payment.account,
            payment.payment_id,
            _ids(payment),
            amount=int(payment.amount),
            currency=payment.currency,
            label=_label(payment),
            ends_at=clock.parse(payment.ends_at),
            success=success,
            cancel=f"{cancel}?cancelled=1",
            customer=_customer(context, payment) if payment.save_card else None,
            save_card=bool(payment.save_card),
        )
    except stripe.Refused as why:
        end(payment, FAILED, failure=why.reason)
        raise
    return _kept(payment, status=OPEN, session_id=page.session_id, address=page.address)


def _kept(payment: Payment, **values: Any) -> Payment:
    """The attempt with what Stripe answered; where another copy of the request was faster, as that one left it."""
    new = changed(payment, **values)
    try:
        with Transaction() as tx:
            tx.put(new, when=Payment.version == payment.version, otherwise=Moved())
    except Moved:
        (now,) = load((Payment, key(payment)))
        assert now is not None
        return _kept(now, **values) if now.status == STARTING else now
    return new


def key(payment: Payment) -> dict[str, Any]:
    """Where it stands."""
    return {"tenant_id": payment.tenant_id, "client_id": payment.client_id, "payment_id": payment.payment_id}


def _customer(context: Context, payment: Payment) -> str:
    """The client at Stripe: made when a card is saved for the first time."""
    found = payer(context, payment.account)
    if found is not None:
        return str(found.customer)
    customer = stripe.create_customer(payment.account, payment.client_id)
    new = Payer.new(**_own(context), account=payment.account, customer=customer, cards=[], version=1)
    with Transaction() as tx:
        tx.put(new, when=Payer.pk.does_not_exist() | (Payer.account != payment.account), otherwise=Busy(retry_after=1))
    return customer


def charge(context: Context, payment: Payment) -> Payment:
    """Charge the saved card of a payment that is starting. A card that is declined makes it failed. What is not wanted
    any more is not charged, unless it was: then it is a payment like any other."""
    found = payer(context, payment.account)
    if found is None:
        end(payment, FAILED, failure="card_gone")
        raise CardGone()
    about: dict[str, Any] = {"amount": int(payment.amount), "currency": payment.currency, "customer": found.customer}
    place = payment.account, payment.payment_id, _ids(payment)
    unwanted = payment.closing or (payment.way == AUTOPAY and not found.autopay_card)
    try:
        if unwanted and stripe.forestall(*place, **about):
            return end(payment, EXPIRED)
        intent = stripe.charge_card(*place, **about, card=payment.card_id)
    except stripe.KeyTaken:  # somebody saw to it that this is not charged any more
        return end(payment, EXPIRED)
    except stripe.Refused as why:
        return end(payment, FAILED, failure=why.reason)
    kept = _kept(payment, status=PROCESSING, intent_id=str(intent.id))
    look_soon(kept)
    return kept


def look_soon(payment: Payment) -> None:
    """Have on_payment look at it now; if this cannot be queued, its webhook or its due time brings it."""
    try:
        queues.payments(
            payment.tenant_id, "payment", client_id=str(payment.client_id), payment_id=str(payment.payment_id)
        )
    except Exception as error:
        logger.warning("payment_not_queued", error=where(error))


# ---- giving up ----


def cancel(context: Context) -> Payment:
    """The client came back without paying: the page is closed. Raises PaymentUnderWay when they paid after all."""
    payment = named(context)
    if payment.status not in UNDER_WAY:
        return payment
    return give_up(context, payment, CANCELLED)


def give_up(context: Context, payment: Payment, status: str) -> Payment:
    """Close the page of an attempt, so that nobody pays there any more, and free its invoices.

    Raises PaymentUnderWay when somebody has paid, or a card is being charged; ProcessorDown.
    """
    if payment.status == STARTING and payment.way in PRESENT:
        try:
            payment = _with_page(context, payment)  # the page may be there already: the same key finds it
        except stripe.Refused:
            return get(context, payment.payment_id)
    if payment.status not in (OPEN,):
        if payment.status in UNDER_WAY:
            raise PaymentUnderWay()
        return payment
    if not stripe.close_page(payment.account, payment.session_id):
        state = stripe.session(payment.account, payment.session_id)
        if state.status != "expired":
            look_soon(payment)
            raise PaymentUnderWay()
    return end(payment, status)


def end(payment: Payment, status: str, **values: Any) -> Payment:
    """The attempt is over without money: its invoices are free for another. What is decided stays as it is."""
    for _ in range(TRIES):
        if payment.status not in UNDER_WAY:
            return payment
        new = changed(payment, status=status, **values)
        freed = [each for each in invoices_of(payment) if each.payment_id == payment.payment_id]
        try:
            with Transaction() as tx:
                tx.put(new, when=Payment.version == payment.version, otherwise=Moved())
                for each in freed:
                    seen = Invoice.version == each.version
                    tx.update(
                        each, Invoice.payment_id.remove(), Invoice.version.add(1), when=seen, otherwise=Moved()
                    )  # fmt: skip
        except Moved:
            (again,) = load((Payment, key(payment)))
            assert again is not None
            payment = again
            continue
        return new
    raise Busy(retry_after=1)


def invoices_of(payment: Payment) -> list[Invoice]:
    """The invoices that a payment is for, those that are there."""
    own = {"tenant_id": payment.tenant_id, "client_id": payment.client_id}
    found = load(*((Invoice, {**own, "invoice_id": each}) for each, _ in payment.shares))
    return [each for each in found if each is not None]


_DERIVED = {"pk", "sk", "gsi2pk", "gsi2sk", "duepk", "duesk", "kind", "version", "phase"}


def changed(payment: Payment, **values: Any) -> Payment:
    """The payment with these values and all keys that follow from them, a version later."""
    kept = {name: value for name, value in payment.values().items() if name not in _DERIVED}
    new: dict[str, Any] = {**kept, **values, "version": int(payment.version) + 1}
    new["phase"] = "done" if new["status"] == SUCCEEDED else "attempt"
    record = Payment.new(**new)
    if (at := _due_at(record)) is not None:
        record.due(at)
    return record


def _due_at(record: Payment) -> datetime | None:
    """When it is looked at next: until it is decided, until everyone was told, and while a refund is under way."""
    since = clock.parse(record.created_at)
    if record.telling or record.refunding:
        return clock.now() + timedelta(minutes=2)
    if record.status not in UNDER_WAY:
        return None
    if record.closing and record.status != PROCESSING:
        return clock.now() + timedelta(minutes=1)
    return since + timedelta(minutes=LOOKS[min(int(record.tries or 0), len(LOOKS) - 1)])


def sweep(pk: str, sk: str, now: datetime) -> None:
    """A payment that is due: on_payment looks at it, and it is due again later."""
    from chalicelib.models.table import at_keys
    from chalicelib.models.transaction import change

    for record in at_keys([(pk, sk)], consistent=True):
        if _due_at(record) is None:  # decided while it was put back
            change(record, *record.due_next(None), when=Payment.version == record.version)
            continue
        change(record, *record.due_next(now + timedelta(minutes=5)))
        look_soon(record)


def find_by_intent(tenant_id: str, intent_id: str) -> Payment | None:
    """The payment that a payment intent is, once that is known."""
    known = Intent.find(tenant_id=tenant_id, intent_id=intent_id)
    if known is None:
        return None
    return Payment.find(tenant_id=tenant_id, client_id=known.client_id, payment_id=known.payment_id)


class Unknown(PortalError):
    """Stripe names a payment of ours that is not there: to be tried again, then looked at by a person."""


def why_not(context: Context) -> str | None:
    """Why the client cannot pay online now, or None."""
    from chalicelib.policies.plans import Feature, why_off

    off = why_off(Feature.PAYMENTS, context.circumstances)
    return off.value if off is not None else None
