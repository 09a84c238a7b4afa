"""What Stripe says became of money: the only writer of card payments, their refunds and disputes in the ledger.

    webhook ─ verify ─▶ queue (ids) ─▶ on_payment asks Stripe how the object stands now ─▶ one transaction a client:
        entries (each once, by Stripe's own id) · balances · invoices · the payment · receipt · whom to tell ─▶ tell

Nothing of an event but ids is believed: what is booked is what Stripe answers when asked, on the account that the
organization connected. So events may come twice, in any order, late, or be about anything; and looking again at what
was booked books nothing. What does not fit the stored attempt is never booked silently: it is logged as an error,
which alarms.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib import clock
from chalicelib.adapters import keys, queues
from chalicelib.adapters import payments as stripe
from chalicelib.adapters.payments import plain
from chalicelib.context import Actor, Context, Persona
from chalicelib.errors import NotRefundable, PaymentUnderWay, PortalError
from chalicelib.ledger.books import Books
from chalicelib.ledger.entries import Kind
from chalicelib.models.clients import Client
from chalicelib.models.invoices import LedgerEntry
from chalicelib.models.mails import ClientMail
from chalicelib.models.payments import Intent, Payer, Payment, RefundRequest, StripeAccount
from chalicelib.models.staff import Staff
from chalicelib.models.table import load
from chalicelib.models.tenants import Tenant
from chalicelib.models.transaction import Moved, Transaction
from chalicelib.observability import logger
from chalicelib.services import audits, books, mails, notifications, payments, refunds
from chalicelib.services.books import Posting, Scene

RECEIPT = "payment_receipt"
BOUNCED = ("failed", "canceled")  # refunds that did not arrive


# ---- the webhook ----


def told(body: bytes, signature: str) -> None:
    """Take an event: verify it and queue its ids. Raises BadSignature; what is nobody's, or of the other mode (test,
    live), is taken and forgotten."""
    event = stripe.told(body, signature)
    account = event.get("account")
    if not isinstance(account, str) or not account.isascii() or bool(event.get("livemode")) != stripe.live():
        return
    known = StripeAccount.find(account=account)
    what = _what(str(event.get("type", "")), plain(event, "data", "object") or {})
    if known is None or what is None:
        return
    kind, object_id = what
    queues.payments(known.tenant_id, kind, account=account, object_id=object_id)


_SILENT = frozenset({"payment_intent.created", "payment_intent.requires_action", "charge.succeeded", "charge.updated"})


def _what(event_type: str, about: Mapping[str, Any]) -> tuple[str, str] | None:
    """What to look at because of an event: ("intent" | "session" | "account", its id). Events that say nothing of money
    which another does not say, too (created, charge.succeeded), are left out."""
    group = event_type.partition(".")[0]
    if event_type in _SILENT:
        return None
    if event_type.startswith("account."):
        return "account", str(about.get("id", "-"))
    if event_type.startswith("checkout.session."):
        kind, object_id = "session", about.get("id")
    else:
        name = {"payment_intent": "id", "charge": "payment_intent", "refund": "payment_intent"}.get(group)
        kind, object_id = "intent", about.get(name) if name else None
    good = isinstance(object_id, str) and object_id.isascii() and 3 <= len(object_id) <= 255 and "#" not in object_id
    return (kind, str(object_id)) if good else None


# ---- the worker ----


def work(message: Mapping[str, str]) -> None:
    """Do what one message of the payments queue asks for. Raises when it may succeed later."""
    from chalicelib.services import autopay, card_processing, reconciliations

    tenant_id, kind = message["tenant_id"], message["kind"]
    if kind == "intent":
        look_at_intent(tenant_id, message["account"], message["object_id"])
    elif kind == "session":
        look_at_session(tenant_id, message["account"], message["object_id"])
    elif kind == "payment":
        look_at_payment(tenant_id, message["client_id"], message["payment_id"])
    elif kind == "autopay":
        autopay.charge(tenant_id, message["client_id"], message["invoice_id"])
    elif kind == "account":
        card_processing.look(tenant_id, message["account"])
    elif kind == "reconcile":
        reconciliations.run(tenant_id)
    elif kind == "ledger" and books.differs(tenant_id, message["client_id"]):
        logger.error("ledger_differs", tenant_id=tenant_id, client_id=message["client_id"])


def look_at_session(tenant_id: str, account: str, session_id: str) -> None:
    """A Checkout page was used, or ended."""
    state = stripe.session(account, session_id)
    intent_id = plain(state, "payment_intent")
    if intent_id:
        look_at_intent(tenant_id, account, str(intent_id))
        return
    payment = _named(tenant_id, account, plain(state, "metadata"))
    if payment is not None and state.status == "expired" and payment.session_id in (None, session_id):
        payments.end(payment, payments.EXPIRED)


def look_at_payment(tenant_id: str, client_id: str, payment_id: str) -> None:
    """A payment that should be decided by now, or of which somebody has still to be told. What made Stripe refuse
    may not be known here: it is looked at, too."""
    (payment,) = load((Payment, {"tenant_id": tenant_id, "client_id": client_id, "payment_id": payment_id}))
    if payment is None:
        return
    if payment.telling:
        _tell(payment)
    if payment.closing and payment.way in payments.PRESENT and payment.status in (payments.STARTING, payments.OPEN):
        _close(payment)
    elif payment.status == payments.STARTING:
        _go_on(payment)
    elif payment.intent_id:
        look_at_intent(tenant_id, payment.account, payment.intent_id)
    elif payment.status == payments.OPEN:
        look_at_session(tenant_id, payment.account, payment.session_id)
    if payment.refunding:
        _send_back(payment)
    _look_later(tenant_id, client_id, payment_id)


def _send_back(payment: Payment) -> None:
    """A refund was asked for: unless it has just been booked, Stripe is asked for it, who can tell from its id whether
    it has been already."""
    (now,) = load((Payment, payments.key(payment)))
    if now is not None and now.refunding:
        try:
            refunds.see_through(now)
        except NotRefundable:  # nothing went back, and another may be asked for
            logger.warning("refund_refused", tenant_id=now.tenant_id, payment_id=now.payment_id)
        look_at_intent(now.tenant_id, now.account, now.intent_id)


def _go_on(payment: Payment) -> None:
    """Its request died: a page is closed and given up, a card that may have been charged is found out about by asking
    for the same charge under the same key (which Stripe keeps for a day); one that asks for more than is due by now is
    not charged any more."""
    context = _context(payment)
    if clock.now() - clock.parse(payment.created_at) > timedelta(hours=20):
        payments.end(payment, payments.EXPIRED)
    elif payment.way in payments.PRESENT:
        if clock.now() - clock.parse(payment.created_at) > timedelta(minutes=25):
            payments.give_up(context, payment, payments.EXPIRED)
    else:
        payments.charge(context, payment)


def _close(payment: Payment) -> None:
    """Its page asks for more than is due by now. Who has paid there before it is closed has paid."""
    try:
        payments.give_up(_context(payment), payment, payments.EXPIRED)
    except PaymentUnderWay:
        (now,) = load((Payment, payments.key(payment)))
        if now is not None and now.session_id:
            look_at_session(payment.tenant_id, payment.account, now.session_id)


def _context(payment: Payment) -> Context:
    tenant, client = load(
        (Tenant, {"tenant_id": payment.tenant_id}),
        (Client, {"tenant_id": payment.tenant_id, "client_id": payment.client_id}),
    )
    actor = Actor("system", "payments")
    return Context(payment.tenant_id, actor, clock.now(), Persona.JOBS, tenant=tenant, client=client)


def _look_later(tenant_id: str, client_id: str, payment_id: str) -> None:
    """An undecided payment is due again, a little later each time."""
    (payment,) = load((Payment, {"tenant_id": tenant_id, "client_id": client_id, "payment_id": payment_id}))
    if payment is None or payment.status not in payments.UNDER_WAY:
        return
    new = payments.changed(payment, tries=int(payment.tries or 0) + 1)
    try:
        with Transaction() as tx:
            tx.put(new, when=Payment.version == payment.version, otherwise=Moved())
    except Moved:
        return  # whoever was faster said when


# ---- one payment intent: everything about it, as it is now ----


def look_at_intent(tenant_id: str, account: str, intent_id: str) -> None:
    """Book whatever is true of a payment intent and not booked yet. Money of the account's other business is not ours;
    an intent that names a payment which is not there raises, and in the end waits among the dead letters."""
    intent = stripe.intent(account, intent_id)
    payment = _named(tenant_id, account, plain(intent, "metadata"))
    if payment is None:
        return
    if intent.status == "requires_payment_method" and payment.way in payments.PRESENT:
        return  # declined on Checkout's page, where another card can be tried
    if not _fits(payment, account, intent):
        logger.error("payment_mismatch", tenant_id=tenant_id, payment_id=payment.payment_id)
        return
    if intent.status == "succeeded":
        _book(payment, intent)
    elif intent.status == "processing" and payment.status in payments.UNDER_WAY:
        _note(payment, status=payments.PROCESSING, intent_id=str(intent.id))
    elif intent.status == "canceled":
        payments.end(payment, payments.EXPIRED, intent_id=str(intent.id))
    elif payment.way not in payments.PRESENT:
        failed = plain(intent, "last_payment_error", "code") or intent.status
        payments.end(payment, payments.FAILED, failure=str(failed), intent_id=str(intent.id))


def _named(tenant_id: str, account: str, metadata: Any) -> Payment | None:
    """The payment that an object of Stripe's names, if it is this organization's."""
    told = {name: str(plain(metadata, name) or "") for name in ("tenant", "client", "payment")}
    if not told["payment"]:
        return None
    if told["tenant"] != tenant_id:
        logger.error("payment_of_another_organization", tenant_id=tenant_id)
        return None
    (payment,) = load((Payment, {"tenant_id": tenant_id, "client_id": told["client"], "payment_id": told["payment"]}))
    if payment is None:
        logger.error("payment_unknown", tenant_id=tenant_id)
        raise payments.Unknown()
    return payment if payment.account == account else None


def _fits(payment: Payment, account: str, intent: Any) -> bool:
    """Whether an intent is the one that this attempt made: account, mode, currency, and that our own page or our own
    charge made it. Whoever has the account can make intents that name our ids; those are not ours."""
    alike = bool(intent.livemode) == bool(payment.live) and intent.currency == payment.currency
    if not alike or payment.account != account:
        return False
    if payment.intent_id is not None:
        return bool(payment.intent_id == intent.id)
    if payment.way in payments.PRESENT:
        made_by = stripe.session_of(account, str(intent.id))
        named = made_by is not None and made_by.client_reference_id == payment.payment_id
        return named and payment.session_id in (None, made_by.id)
    (payer,) = load((Payer, {"tenant_id": payment.tenant_id, "client_id": payment.client_id}))
    return payer is not None and plain(intent, "customer") == payer.customer


def _note(payment: Payment, **values: Any) -> None:
    new = payments.changed(payment, **values)
    if all(getattr(payment, name) == value for name, value in values.items()):
        return
    with Transaction() as tx:
        tx.put(new, when=Payment.version == payment.version, otherwise=Moved())


# ---- booking ----


def _book(payment: Payment, intent: Any) -> None:
    """Add what is not in the ledger yet, and have everyone told. Looking twice books once."""
    sent_back = _refunds(payment, intent)
    entries = _entries(payment, intent, sent_back)
    tenant, client = load(
        (Tenant, {"tenant_id": payment.tenant_id}),
        (Client, {"tenant_id": payment.tenant_id, "client_id": payment.client_id}),
    )
    now = clock.now()
    context = Context(payment.tenant_id, Actor("system", "stripe"), now, Persona.JOBS, tenant=tenant, client=client)
    letters: list[ClientMail] = []
    if int(intent.amount_received) != int(payment.amount):
        logger.error("payment_amount_differs", tenant_id=payment.tenant_id, payment_id=payment.payment_id)

    def plan(scene: Scene) -> Posting:
        letters.clear()
        fresh = [each for each in entries if each.entry_id not in scene.known]
        (seen,) = load((Payment, payments.key(payment)))
        given = {
            str(each.invoice_id): (books.with_values(each, payment_id=None), int(each.version))
            for each in payments.invoices_of(payment)
            if each.payment_id == payment.payment_id
        }
        arrived = _is_among(seen, sent_back)
        is_all_known = not fresh and not given and not arrived and seen.status == payments.SUCCEEDED
        if is_all_known and (_is_told_apart(seen, sent_back) or int(seen.by_hand or 0) == _by_hand(scene, seen)):
            return Posting()
        letters.extend(_receipt(context, payment, fresh))
        news = _news(context, payment, fresh)

        def write(tx: Transaction, after: Books) -> None:
            values = _standing(seen, after, intent, news)
            values["by_hand"] = _by_hand(scene, payment, after) or None
            values["refunding"] = None if arrived else seen.refunding
            values["refund_failed"] = _refund_failed(seen, fresh)
            tx.put(payments.changed(seen, **values), when=Payment.version == seen.version, otherwise=Moved())
            tx.put(_lookup(payment, str(intent.id)))
            for letter in letters:
                tx.create(letter)
            for each in fresh:
                about = {"payment_id": payment.payment_id, "entry_id": each.entry_id}
                tx.create(audits.event(context, f"ledger:{each.entry}", client_id=payment.client_id, **about))

        return Posting(fresh, given, write)

    # Most events tell what another has told: nothing else is read for them.
    if _is_among(payment, sent_back) or not _is_booked(payment, entries) or not _is_told_apart(payment, sent_back):
        books.post(payment.tenant_id, payment.client_id, now, plan, [each for each, _ in payment.shares])
    mails.hand_over(*letters)
    if payment.save_card or payment.way == payments.CHECKOUT:
        _keep_cards(payment)
    (after,) = load((Payment, payments.key(payment)))
    if after is not None and after.telling:
        _tell(after)


def _is_booked(payment: Payment, entries: list[LedgerEntry]) -> bool:
    """Whether the ledger, the payment and its invoices have it all."""
    if payment.status != payments.SUCCEEDED:
        return False
    held = any(each.payment_id == payment.payment_id for each in payments.invoices_of(payment))
    return not held and books.are_there(payment.tenant_id, payment.client_id, entries)


def _lookup(payment: Payment, intent_id: str) -> Intent:
    return Intent.new(
        tenant_id=payment.tenant_id, intent_id=intent_id, client_id=payment.client_id, payment_id=payment.payment_id
    )


def _standing(seen: Payment, after: Books, intent: Any, news: list[list[str]]) -> dict[str, Any]:
    """What the payment record repeats of ledger and Stripe."""
    receipt = after.receipt(seen.payment_id)
    charge = plain(intent, "latest_charge")
    brand, last4 = (plain(charge, "payment_method_details", "card", name) for name in ("brand", "last4"))
    at = _at(plain(charge, "created") or intent.created)
    return {
        "status": payments.SUCCEEDED,
        "intent_id": str(intent.id),
        "card": {"brand": str(brand), "last4": str(last4)} if brand and last4 else seen.card,
        "succeeded_at": seen.succeeded_at or clock.text(at),
        "amount": receipt.received,
        "refunded": receipt.refunded,
        "disputed": receipt.disputed,
        "lost": receipt.lost or None,
        "failure": None,
        "address": None,
        "telling": [*(seen.telling or []), *news] or None,
    }


def _refund_failed(seen: Payment, fresh: list[LedgerEntry]) -> dict[str, Any] | None:
    """The last refund that did not go through, until one was made after it."""
    returned = [each for each in fresh if each.entry == Kind.REFUND_FAILED]
    if returned:
        last = max(returned, key=lambda each: str(each.happened_at))
        return {"amount": int(last.amount), "how": refunds.RETURNED, "at": str(last.happened_at)}
    known: dict[str, Any] | None = seen.refund_failed
    made = [each.happened_at for each in fresh if each.entry == Kind.REFUND]
    return None if known and any(at > known["at"] for at in made) else known


def _refunds(payment: Payment, intent: Any) -> list[Any]:
    """What was sent back of it, asked only where that may be something: what failed is no longer counted there."""
    counted = plain(intent, "latest_charge", "amount_refunded")
    if not (counted or payments.sent_back(payment) or payment.refunding):
        return []
    return stripe.refunds_of(payment.account, str(intent.id))


def _is_told_apart(payment: Payment, sent_back: list[Any]) -> bool:
    """Whether what the payment says went back through Stripe is what Stripe says: not where a function of before an
    update, or of after it was taken back, has written it without `by_hand`."""
    return payments.sent_back(payment) == stripe.total_of(sent_back)


def _by_hand(scene: Scene, payment: Payment, after: Books | None = None) -> int:
    """What the ledger says was given back by hand; Stripe's facts have Stripe's id. Raises Beyond."""
    (after or scene.books).receipt(payment.payment_id)  # then everything about it was read
    of_it = [each for each in scene.entries if each.payment_id == payment.payment_id and each.entry == Kind.REFUND]
    return sum(int(each.amount) for each in of_it if not each.object_id)


def _is_among(payment: Payment, sent_back: list[Any]) -> bool:
    """Whether the refund that is under way is one of these: then it is no longer."""
    under_way = payment.refunding
    return bool(under_way) and any(plain(each, "metadata", "refund") == under_way["refund_id"] for each in sent_back)


def _entries(payment: Payment, intent: Any, sent_back: list[Any]) -> list[LedgerEntry]:
    """Everything that Stripe's books say of this payment, as facts; the ids follow from Stripe's own."""
    made = [_fact(payment, Kind.PAYMENT, str(intent.id), int(intent.amount_received), _at(intent.created))]
    for refund in sent_back:
        made += _refund(payment, refund)
    if plain(intent, "latest_charge", "disputed"):
        for dispute in stripe.disputes_of(payment.account, str(intent.id)):
            made += _dispute(payment, dispute)
    return made


def _refund(payment: Payment, refund: Any) -> list[LedgerEntry]:
    """A refund counts when it is on its way; when the bank sends it back, that is a second fact."""
    if refund.status not in ("succeeded", "pending", *BOUNCED):
        return []
    at = _at(refund.created)
    asked = _asked(payment, plain(refund, "metadata", "refund"))
    made = [_fact(payment, Kind.REFUND, str(refund.id), int(refund.amount), at, asked=asked)]
    if refund.status in BOUNCED:
        made.append(_fact(payment, Kind.REFUND_FAILED, str(refund.id), int(refund.amount), at, of=made[0].entry_id))
    return made


def _asked(payment: Payment, refund_id: Any) -> RefundRequest | None:
    if not refund_id:
        return None
    own = {"tenant_id": payment.tenant_id, "client_id": payment.client_id}
    found: RefundRequest | None = load((RefundRequest, {**own, "refund_id": str(refund_id)}))[0]
    return found


def _dispute(payment: Payment, dispute: Any) -> list[LedgerEntry]:
    """Inquiries (warning_…) take no money. Everything else took it; won gives it back."""
    status = str(dispute.status)
    if status.startswith("warning_"):
        return []
    at = _at(dispute.created)
    made = [_fact(payment, Kind.DISPUTE, str(dispute.id), int(dispute.amount), at)]
    if status in ("won", "lost"):
        kind, back = (Kind.DISPUTE_WON, int(dispute.amount)) if status == "won" else (Kind.DISPUTE_LOST, 0)
        made.append(_fact(payment, kind, str(dispute.id), back, at, of=made[0].entry_id))
    return made


def _fact(
    payment: Payment,
    kind: Kind,
    object_id: str,
    amount: int,
    at: datetime,
    *,
    of: str | None = None,
    asked: RefundRequest | None = None,
) -> LedgerEntry:
    cause = payment.payment_id if kind is Kind.PAYMENT else object_id
    said = keys.decrypt(payment.tenant_id, asked.words, asked.sk) if asked is not None and asked.words else None
    return books.entry(
        payment.tenant_id,
        payment.client_id,
        kind,
        books.id_of(kind, cause, clock.parse(payment.created_at) if kind is Kind.PAYMENT else at),
        amount=amount,
        currency=payment.currency,
        # Stripe's instants are whole seconds. When something ended it does not say: never in a period that is closed.
        happened_at=max(at, clock.parse(payment.created_at)) if of is None else clock.now(),
        recorded_at=clock.now(),
        by=asked.asked_by if asked is not None else "stripe",
        by_name=asked.asked_by_name if asked is not None else None,
        words=said,
        payment_id=payment.payment_id if of is None else None,
        of=of,
        shares=payment.shares if kind is Kind.PAYMENT else None,
        method="card",
        object_id=object_id,
    )


def _at(seconds: Any) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)


# ---- telling ----


def _receipt(context: Context, payment: Payment, fresh: list[LedgerEntry]) -> list[ClientMail]:
    """The client is told that it arrived, once, and nothing more than that."""
    came = any(each.entry == Kind.PAYMENT for each in fresh)
    if not came or context.client is None or context.client.portal != "active":
        return []
    about: dict[str, Any] = {"payment_id": payment.payment_id}
    cause = payment.payment_id
    at = clock.parse(payment.created_at)
    return [mails.to_client(at, payment.tenant_id, payment.client_id, RECEIPT, cause, **about)]


_TOLD = {
    Kind.PAYMENT.value: notifications.PAYMENT_RECEIVED,
    Kind.DISPUTE.value: notifications.PAYMENT_DISPUTED,
    Kind.REFUND_FAILED.value: notifications.REFUND_FAILED,
}


def _news(context: Context, payment: Payment, fresh: list[LedgerEntry]) -> list[list[Any]]:
    """Whom to tell of what, decided now, in the transaction that books it."""
    facts = [each for each in fresh if each.entry in _TOLD]
    people = notifications.for_money(payment.tenant_id, payment.client_id) if facts else []
    news = [
        notifications.rows(_TOLD[each.entry], str(each.entry_id), context.now, int(each.amount), people)
        for each in facts
    ]
    return [row for rows in news for row in rows]


class _Told(PortalError):
    """This person was told of this."""


def _tell(payment: Payment) -> None:
    """A notice in the app for each, and a mail for who wants it; once each, however often this is tried."""
    as_it_came = (payment.succeeded_at or payment.created_at, payment.amount)
    for about, cause, staff_id, *known in payment.telling or ():
        known_at, amount = known or as_it_came  # a row of before refunds were told of ends with whom
        at = clock.parse(known_at)
        (who,) = load((Staff, {"tenant_id": payment.tenant_id, "staff_id": staff_id}))
        if who is None:
            continue
        notice = notifications.notice(
            who, about, payment.client_id, at, cause,
            payment_id=payment.payment_id, amount=int(amount), currency=payment.currency,
        )  # fmt: skip
        letter = mails.to_staff(at, payment.tenant_id, staff_id, about, cause)
        wanted = about not in notifications.muted(payment.tenant_id, staff_id)
        try:
            with Transaction() as tx:
                tx.create(notice, otherwise=_Told())
                if wanted:
                    tx.create(letter, otherwise=_Told())
        except _Told:
            continue
        if wanted:
            mails.hand_over(letter)
    (now,) = load((Payment, payments.key(payment)))
    rest = [each for each in now.telling or [] if each not in (payment.telling or [])]
    new = payments.changed(now, telling=rest or None)
    with Transaction() as tx:
        tx.put(new, when=Payment.version == now.version, otherwise=Moved())


# ---- cards ----


def _keep_cards(payment: Payment) -> None:
    """Note which cards Stripe has saved of the client."""
    (payer,) = load((Payer, {"tenant_id": payment.tenant_id, "client_id": payment.client_id}))
    if payer is None or payer.account != payment.account:
        return
    saved = [each._asdict() for each in stripe.cards(payment.account, payer.customer)]
    if saved == payer.cards:
        return
    with Transaction() as tx:
        actions = [Payer.cards.set(saved), Payer.version.add(1)]
        tx.update(payer, *actions, when=Payer.version == payer.version, otherwise=Moved())
