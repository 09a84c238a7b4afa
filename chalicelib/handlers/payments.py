"""Paying: the client's own payments, those of Client Details, and what Stripe tells."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from chalicelib import clock
from chalicelib.context import Context
from chalicelib.handlers.routing import PORTAL, PRACTICE, PUBLIC, Routes
from chalicelib.handlers.views import (
    Body,
    Day,
    Empty,
    Id,
    Line,
    Money,
    Paging,
    PortalView,
    Text,
    View,
)
from chalicelib.models.invoices import Export, LedgerEntry
from chalicelib.models.payments import CardProcessing, Payment, Reconciliation
from chalicelib.services import (
    autopay,
    books,
    card_processing,
    cards,
    exports,
    invoices,
    pay_links,
    payments,
    reconciliations,
    refunds,
    sessions,
    settlement,
    tenants,
)

practice = Routes(__name__, PRACTICE, "/practice")
portal = Routes(__name__ + ".portal", PORTAL, "/portal")
public = Routes(__name__ + ".public", PUBLIC)

CardId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{3,80}$")]
MOST_AT_ONCE = 20


class Share(PortalView):
    """What of a payment is for which invoice."""

    invoice_id: str
    number: int
    amount: Money


class CardShown(PortalView):
    """What is shown of a card."""

    brand: str
    last4: str


class PaymentView(PortalView):
    """A payment. Only `succeeded` is money; `processing`: it is being decided. `address`: where to go on while it is
    open (Stripe's own page). `failure`: Stripe's code of why a card was declined. `refunding`: asked of Stripe and not
    booked yet; no other refund begins meanwhile. `by_hand`: of what was `refunded` of a card payment, what the practice
    gave back otherwise than to the card. `lost`: of what is `disputed`, what the bank has decided against the practice.
    `closed`: while somebody was on Stripe's page, less became due than it asks for, so the page is closed; where money
    came all the same, what is too much is credit. `etag` goes back in If-Match to send money back."""

    payment_id: str
    etag: str
    status: Literal["starting", "open", "processing", "succeeded", "failed", "cancelled", "expired"]
    method: Literal["card", "cash", "check", "other"]
    way: Literal["checkout", "saved_card", "autopay", "guest", "staff"]
    amount: Money
    refunded: Money
    by_hand: Money
    refunding: Money
    disputed: Money
    lost: Money
    shares: list[Share]
    card: CardShown | None
    address: str | None
    closed: bool
    failure: str | None
    created_at: str
    succeeded_at: str | None


class RefundFailed(View):
    """A refund that did not go through: `not_made` by Stripe, so nothing went back; or `returned`, so it is in the
    practice's account again."""

    amount: Money
    how: Literal["not_made", "returned"]
    at: str


class StaffPaymentView(PaymentView):
    """A payment as staff see it. `refund_failed`: the last refund that did not go through, until another is asked for,
    made at Stripe, or given back by hand."""

    refund_failed: RefundFailed | None


class PaymentPage(PortalView):
    """Some payments that came in, newest first."""

    items: list[PaymentView]
    next_cursor: str | None


class StaffPaymentPage(View):
    """Some payments that came in, as staff see them, newest first."""

    items: list[StaffPaymentView]
    next_cursor: str | None


class Chosen(Body):
    """An invoice to pay; `amount` in minor units, of a single one, where less than all of it is paid."""

    invoice_id: Id
    amount: int | None = Field(default=None, ge=1, le=99_999_999)


class PaymentIn(Body):
    """What to pay. `save_card` keeps the card for later; `card_id` pays by one that is saved."""

    invoices: Annotated[list[Chosen], Field(min_length=1, max_length=MOST_AT_ONCE)]
    save_card: bool = False
    card_id: CardId | None = None

    def wanted(self) -> list[tuple[str, int | None]]:
        """Each invoice once."""
        return list({each.invoice_id: each.amount for each in self.invoices}.items())


def shown(record: Payment) -> StaffPaymentView:
    """A payment as staff see it."""
    failed = record.refund_failed
    if failed is not None:
        failed = RefundFailed(**{**failed, "amount": Money(amount=failed["amount"], currency=record.currency)})
    return StaffPaymentView(**fields(record), refund_failed=failed)


def mine(record: Payment) -> PaymentView:
    """A payment as its client sees it: the card of somebody else, who paid by a link, is not the client's to know."""
    seen = fields(record)
    return PaymentView(**(seen | {"card": None} if record.way == payments.GUEST else seen))


def fields(record: Payment) -> dict[str, Any]:
    """What everyone sees of a payment."""

    def money(amount: float) -> Money:
        return Money(amount=int(amount), currency=record.currency)

    pairs = zip(record.shares, record.numbers, strict=True)
    is_open = record.status == "open" and not record.closing
    return {
        "payment_id": record.payment_id,
        "etag": str(int(record.version)),
        "status": record.status,
        "method": record.method,
        "way": record.way,
        "amount": money(record.amount),
        "refunded": money(record.refunded),
        "by_hand": money(record.by_hand or 0),
        "refunding": money((record.refunding or {"amount": 0})["amount"]),
        "disputed": money(record.disputed),
        "lost": money(record.lost or 0),
        "shares": [Share(invoice_id=i, number=int(n), amount=money(a)) for (i, a), n in pairs],
        "card": CardShown(**record.card) if record.card else None,
        "address": record.address if is_open and record.way == payments.CHECKOUT else None,
        "closed": bool(record.closing),
        "failure": record.failure,
        "created_at": record.created_at,
        "succeeded_at": record.succeeded_at,
    }


# ---- the client's own ----


@portal.endpoint("POST", "/payments", action="payment:start", body=PaymentIn, status=201, idempotent=True)
def start_payment(context: Context, body: PaymentIn) -> PaymentView:
    """Begin to pay: the address of Stripe's page, or (a saved card) a payment on its way"""
    way = payments.SAVED_CARD if body.card_id else payments.CHECKOUT
    save = body.save_card and not body.card_id
    return mine(payments.start(context, body.wanted(), way=way, save_card=save, card_id=body.card_id))


@portal.endpoint("GET", "/payments", action="payment:read", query=Paging)
def list_my_payments(context: Context, query: Paging) -> PaymentPage:
    """My payments"""
    page = payments.done(context, query.limit, query.cursor)
    return PaymentPage(items=[mine(each) for each in page.items], next_cursor=page.next_cursor)


@portal.endpoint("GET", "/payments/{payment_id}", action="payment:read")
def read_my_payment(context: Context, payment_id: str) -> PaymentView:
    """How a payment of mine stands: the return page asks until it is decided"""
    return mine(payments.named(context))


@portal.endpoint("POST", "/payments/{payment_id}/cancellation", action="payment:cancel")
def cancel_my_payment(context: Context, payment_id: str) -> PaymentView:
    """I came back without paying: Stripe's page is closed"""
    return mine(payments.cancel(context))


# ---- staff: one client's payments ----


@practice.endpoint("GET", "/clients/{client_id}/payments", action="payment:read", query=Paging, reads_record=True)
def list_client_payments(context: Context, client_id: str, query: Paging) -> StaffPaymentPage:
    """A client's payments that came in"""
    page = payments.done(context, query.limit, query.cursor)
    return StaffPaymentPage(items=[shown(each) for each in page.items], next_cursor=page.next_cursor)


@practice.endpoint("GET", "/clients/{client_id}/payments/{payment_id}", action="payment:read", reads_record=True)
def read_client_payment(context: Context, client_id: str, payment_id: str) -> StaffPaymentView:
    """One payment of a client"""
    return shown(payments.named(context))


# ---- saved cards, and paying by itself ----


class SavedCard(PortalView):
    """A card that is kept for later, at Stripe. `autopay`: invoices are paid by it."""

    card_id: str
    brand: str
    last4: str
    month: int
    year: int
    autopay: bool


class MyCards(PortalView):
    """My saved cards; `autopay_since`: since when invoices are paid by one of them."""

    items: list[SavedCard]
    autopay_since: str | None


class RemovedCard(Body):
    """A saved card."""

    card_id: CardId


class AutopayIn(Body):
    """The saved card that pays invoices from now on; null: none does."""

    card_id: CardId | None


@portal.endpoint("GET", "/cards", action="card:manage")
def list_my_cards(context: Context) -> MyCards:
    """My saved cards"""
    return _cards(context)


def _cards(context: Context) -> MyCards:
    payer = cards.of_client(context)
    if payer is None:
        return MyCards(items=[], autopay_since=None)
    names = ("card_id", "brand", "last4", "month", "year")
    items = [
        SavedCard(**{name: each[name] for name in names}, autopay=each["card_id"] == payer.autopay_card)
        for each in payer.cards
    ]
    return MyCards(items=items, autopay_since=payer.autopay_since)


@portal.endpoint("POST", "/cards/removal", action="card:manage", body=RemovedCard)
def remove_my_card(context: Context, body: RemovedCard) -> MyCards:
    """Remove a saved card; what it would have paid by itself is not paid"""
    cards.remove(context, body.card_id)
    return _cards(context)


@portal.endpoint("PUT", "/autopay", action="autopay:update", body=AutopayIn)
def choose_autopay(context: Context, body: AutopayIn) -> MyCards:
    """Have invoices paid by a saved card: before each charge I am told"""
    autopay.choose(context, body.card_id)
    return _cards(context)


@portal.endpoint("DELETE", "/autopay", action="card:manage", status=204)
def stop_autopay(context: Context) -> Empty:
    """Have nothing paid by itself any more"""
    autopay.stop(context)
    return Empty()


# ---- links for those who have no account ----


class PayLinkView(PortalView):
    """A link to pay one invoice once. Whoever has the address can pay; they see practice, number and amount."""

    link_id: str
    address: str
    ends_at: str


class LinkToken(Body):
    """What stands behind the # of a pay link."""

    token: str = Field(min_length=20, max_length=300)


class GuestPage(PortalView):
    """What a pay link shows. `state`: open, processing, paid (by this link), ended. Open, and not `can_pay`: the
    practice takes no cards now; or, not `enough_for_card`, less is due than a card can pay."""

    organization: str
    phone: str
    number: int
    amount: Money
    state: Literal["open", "processing", "paid", "ended"]
    can_pay: bool
    enough_for_card: bool


class GuestStart(PortalView):
    """Where to pay: Stripe's own page."""

    address: str
    amount: Money


@portal.endpoint("POST", "/invoices/{invoice_id}/pay-link", action="pay_link:make", status=201, idempotent=True)
def make_my_pay_link(context: Context, invoice_id: str) -> PayLinkView:
    """A link by which somebody else pays this invoice"""
    return _link(context)


@practice.endpoint(
    "POST",
    "/clients/{client_id}/invoices/{invoice_id}/pay-link",
    action="pay_link:make",
    status=201,
    idempotent=True,
)
def make_pay_link(context: Context, client_id: str, invoice_id: str) -> PayLinkView:
    """A link by which somebody else pays a client's invoice"""
    return _link(context)


def _link(context: Context) -> PayLinkView:
    link, address = pay_links.make(context)
    return PayLinkView(link_id=link.link_id, address=address, ends_at=link.ends_at)


@public.endpoint("POST", "/guest-payments/lookup", action="payment:guest", body=LinkToken)
def look_up_pay_link(context: None, caller: sessions.Caller, body: LinkToken) -> GuestPage:
    """What a pay link shows, and how its payment stands"""
    guest = pay_links.read(body.token, caller.address, caller.request_id)
    owed = guest.payment if guest.payment is not None and guest.state in ("paid", "processing") else None
    due = 0 if guest.state == "ended" else int(guest.invoice.balance)  # a used link tells nothing new
    amount = int(owed.amount) if owed is not None else due
    enough = payments.is_enough(guest.context, amount)
    return GuestPage(
        organization=guest.context.tenant.name,
        phone=guest.context.tenant.phone,
        number=int(guest.invoice.number),
        amount=Money(amount=amount, currency=guest.invoice.currency),
        state=guest.state,
        can_pay=guest.state == "open" and enough and payments.why_not(guest.context) is None,
        enough_for_card=enough,
    )


@public.endpoint("POST", "/guest-payments", action="payment:guest", body=LinkToken, status=201)
def start_guest_payment(context: None, caller: sessions.Caller, body: LinkToken) -> GuestStart:
    """Go on to pay by a link: asked twice, it is the same payment"""
    made = pay_links.pay(pay_links.read(body.token, caller.address, caller.request_id))
    return GuestStart(address=str(made.address), amount=Money(amount=int(made.amount), currency=made.currency))


# ---- staff: money by hand ----


class ShareIn(Body):
    """What of the money is for which invoice."""

    invoice_id: Id
    amount: int = Field(ge=1, le=99_999_999)


class ReceivedIn(Body):
    """Money that came otherwise than through Stripe. What the shares leave becomes credit."""

    method: Literal["cash", "check", "other"]
    amount: int = Field(ge=1, le=99_999_999)
    shares: Annotated[list[ShareIn], Field(max_length=MOST_AT_ONCE)] = Field(default_factory=list)
    received_on: Day | None = None
    reference: Annotated[Line, Field(max_length=100)] | None = None

    def summed(self) -> list[tuple[str, int]]:
        """Each invoice once, with all that is meant for it."""
        shares: dict[str, int] = {}
        for each in self.shares:
            shares[each.invoice_id] = shares.get(each.invoice_id, 0) + each.amount
        return list(shares.items())


class RefundIn(Body):
    """How much goes back, why, and how: to the `card` that paid, through Stripe, or otherwise by the practice's own
    hand, which is only recorded here. No method: the way the payment came."""

    amount: int = Field(ge=1, le=99_999_999)
    reason: Annotated[Text, Field(min_length=1, max_length=500)]
    method: Literal["card", "cash", "check", "other"] | None = None


class EntryView(View):
    """One entry of the ledger; `amount` as it was recorded. `numbers`: of the invoices that it is about. `reason` and
    `reference` are what staff wrote."""

    entry_id: str
    entry: str
    amount: Money
    method: str | None
    numbers: list[int]
    invoice_id: str | None
    payment_id: str | None
    happened_at: str
    recorded_by: str
    reason: str | None
    reference: str | None


class LedgerView(View):
    """A client's whole ledger, newest first, and what it comes to."""

    items: list[EntryView]
    due: Money
    credit: Money
    debt: Money


@practice.endpoint(
    "POST", "/clients/{client_id}/payments", action="ledger:record", body=ReceivedIn, status=201, idempotent=True
)
def record_payment(context: Context, client_id: str, body: ReceivedIn) -> StaffPaymentView:
    """Record cash, a check or other money"""
    return shown(refunds.receive(context, body.method, body.amount, body.summed(), body.received_on, body.reference))


@practice.endpoint(
    "POST",
    "/clients/{client_id}/payments/{payment_id}/refunds",
    action="ledger:record",
    body=RefundIn,
    status=202,
    idempotent=True,
    if_match=True,
)
def refund_payment(context: Context, client_id: str, payment_id: str, body: RefundIn) -> StaffPaymentView:
    """Send money of a payment back, as it was read: to a card it shows once Stripe has confirmed it, by hand at once"""
    return shown(refunds.refund(context, body.amount, body.reason, body.method))


@practice.endpoint("GET", "/clients/{client_id}/ledger", action="invoice:read", reads_record=True)
def read_ledger(context: Context, client_id: str) -> LedgerView:
    """Everything that happened with a client's money"""
    scene = books.read(context.tenant_id, client_id)
    currency = tenants.billing(context.tenant)["currency"]
    ordered, numbers = books.in_order(scene.entries)[::-1], invoices.numbers(context, scene.entries)
    sums = {name: Money(amount=getattr(scene.books, name), currency=currency) for name in ("due", "credit", "debt")}
    return LedgerView(items=[_entry(each, numbers[str(each.entry_id)]) for each in ordered], **sums)


def _entry(record: LedgerEntry, numbers: list[int]) -> EntryView:
    said = books.words(record)
    return EntryView(
        entry_id=record.entry_id,
        entry=record.entry,
        amount=Money(amount=int(record.amount), currency=record.currency),
        method=record.method,
        numbers=numbers,
        invoice_id=record.invoice_id,
        payment_id=record.payment_id,
        happened_at=record.happened_at,
        recorded_by=record.recorded_by_name
        or {"client": "Client", "stripe": "Stripe"}.get(record.recorded_by, "Staff"),
        reason=said.get("reason"),
        reference=said.get("reference"),
    )


# ---- card processing, comparison, exports: the organization's ----


class ProcessingView(View):
    """The organization's account at Stripe. `missing`: what Stripe still wants to know, in its own names; "currency"
    when the account settles in another one than the organization bills in."""

    status: Literal["none", "pending", "connected", "disconnected"]
    account: str | None
    live: bool | None
    currency: str
    missing: list[str]
    connected_at: str | None


class Onboarding(View):
    """Where to go on: Stripe's own pages. The address works once, for some minutes."""

    address: str
    processing: ProcessingView


class ReconciliationView(View):
    """One night's comparison with Stripe's books. `difference` is 0, or an alarm was raised."""

    day: str
    ledger: Money
    stripe: Money
    difference: Money
    objects: int
    repaired: int
    unmatched: list[str]
    done_at: str


class ReconciliationPage(View):
    """The nights, newest first."""

    items: list[ReconciliationView]
    next_cursor: str | None


class ExportIn(Body):
    """A table of the ledger or of the issued invoices, from the first day to the last at the organization."""

    what: Literal["payments", "invoices"]
    first_day: Day
    last_day: Day


class ExportView(View):
    """A table as CSV, for a day. Ask again until it is ready; the link then works for two minutes, and asking again
    gives a new one. `rows`: how many are written so far; none, when it is ready: nothing happened in that period."""

    export_id: str
    what: Literal["payments", "invoices"]
    first_day: str
    last_day: str
    status: Literal["making", "ready"]
    rows: int
    url: str | None
    expires_at: str | None


@practice.endpoint("GET", "/card-processing", action="billing:read")
def read_card_processing(context: Context) -> ProcessingView:
    """Whether the organization takes cards"""
    return _processing(context, payments.processing(context.tenant_id))


def _processing(context: Context, found: CardProcessing | None) -> ProcessingView:
    currency = tenants.billing(context.tenant)["currency"]
    if found is None:
        return ProcessingView(
            status="none", account=None, live=None, currency=currency, missing=[], connected_at=None
        )  # fmt: skip
    return ProcessingView(
        status=found.status,
        account=found.account,
        live=bool(found.live),
        currency=currency,
        missing=found.missing or [],
        connected_at=found.connected_at,
    )


@practice.endpoint(
    "POST", "/card-processing/connection", action="card_processing:update", status=201, proof=sessions.RECENT
)
def connect_card_processing(context: Context) -> Onboarding:
    """Connect an account at Stripe, or go on with it"""
    found, address = card_processing.connect(context)
    return Onboarding(address=address, processing=_processing(context, found))


@practice.endpoint("POST", "/card-processing/refresh", action="card_processing:update")
def refresh_card_processing(context: Context) -> ProcessingView:
    """Ask Stripe how far the account is"""
    return _processing(context, card_processing.refresh(context))


@practice.endpoint("DELETE", "/card-processing", action="card_processing:update", proof=sessions.RECENT)
def disconnect_card_processing(context: Context) -> ProcessingView:
    """Take no more cards"""
    return _processing(context, card_processing.disconnect(context))


@practice.endpoint("GET", "/reconciliations", action="billing:read", query=Paging)
def list_reconciliations(context: Context, query: Paging) -> ReconciliationPage:
    """The nightly comparisons of the ledger with Stripe's books"""
    page = reconciliations.reports(context, query.limit, query.cursor)
    return ReconciliationPage(items=[_reconciliation(each) for each in page.items], next_cursor=page.next_cursor)


def _reconciliation(each: Reconciliation) -> ReconciliationView:
    def money(amount: float) -> Money:
        return Money(amount=int(amount), currency=each.currency)

    return ReconciliationView(
        day=each.day,
        ledger=money(each.ledger_total),
        stripe=money(each.stripe_total),
        difference=money(each.difference),
        objects=int(each.objects),
        repaired=int(each.repaired),
        unmatched=each.unmatched,
        done_at=each.done_at,
    )


@practice.endpoint("POST", "/exports", action="billing:export", body=ExportIn, status=202, idempotent=True)
def start_export(context: Context, body: ExportIn) -> ExportView:
    """Have the ledger or the invoices of a period written as a table"""
    return _export(exports.ask(context, body.what, body.first_day, body.last_day))


@practice.endpoint("GET", "/exports/{export_id}", action="billing:export")
def read_export(context: Context, export_id: str) -> ExportView:
    """A table that was asked for"""
    return _export(*exports.link(context, export_id))


def _export(record: Export, url: str | None = None, until: datetime | None = None) -> ExportView:
    return ExportView(
        export_id=record.export_id,
        what=record.what,
        first_day=record.first_day,
        last_day=record.last_day,
        status=record.status,
        rows=int(record.rows),
        url=url,
        expires_at=clock.text(until) if until else None,
    )


# ---- Stripe ----


@public.endpoint("POST", "/webhooks/stripe", action="payment:told", status=204, signed="stripe-signature")
def take_stripe_event(context: None, caller: sessions.Caller, content: bytes, signature: str) -> Empty:
    """What Stripe tells: verified, queued, answered"""
    settlement.told(content, signature)
    return Empty()
