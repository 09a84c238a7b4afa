"""Paying: the client's own payments, those of Client Details, and what Stripe tells."""

from typing import Annotated, Any, Literal

from pydantic import Field

from chalicelib.context import Context
from chalicelib.handlers.routing import PORTAL, PRACTICE, Routes
from chalicelib.handlers.views import Body, Id, Money, Paging, PortalView
from chalicelib.models.payments import Payment
from chalicelib.services import payments

practice = Routes(__name__, PRACTICE, "/practice")
portal = Routes(__name__ + ".portal", PORTAL, "/portal")

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
    open (Stripe's own page). `failure`: Stripe's code of why a card was declined."""

    payment_id: str
    status: Literal["starting", "open", "processing", "succeeded", "failed", "cancelled", "expired"]
    method: Literal["card", "cash", "check", "other"]
    way: Literal["checkout", "saved_card", "autopay", "guest", "staff"]
    amount: Money
    refunded: Money
    disputed: Money
    shares: list[Share]
    card: CardShown | None
    address: str | None
    failure: str | None
    created_at: str
    succeeded_at: str | None


class PaymentPage(PortalView):
    """Some payments that came in, newest first."""

    items: list[PaymentView]
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


def shown(record: Payment) -> PaymentView:
    """A payment as client and staff see it."""
    return PaymentView(**fields(record))


def fields(record: Payment) -> dict[str, Any]:
    """What everyone sees of a payment."""

    def money(amount: int) -> Money:
        return Money(amount=int(amount), currency=record.currency)

    pairs = zip(record.shares, record.numbers, strict=True)
    return {
        "payment_id": record.payment_id,
        "status": record.status,
        "method": record.method,
        "way": record.way,
        "amount": money(record.amount),
        "refunded": money(record.refunded),
        "disputed": money(record.disputed),
        "shares": [Share(invoice_id=i, number=int(n), amount=money(a)) for (i, a), n in pairs],
        "card": CardShown(**record.card) if record.card else None,
        "address": record.address if record.status == "open" and record.way == payments.CHECKOUT else None,
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
    return shown(payments.start(context, body.wanted(), way=way, save_card=save, card_id=body.card_id))


@portal.endpoint("GET", "/payments", action="payment:read", query=Paging)
def list_my_payments(context: Context, query: Paging) -> PaymentPage:
    """My payments"""
    page = payments.done(context, query.limit, query.cursor)
    return PaymentPage(items=[shown(each) for each in page.items], next_cursor=page.next_cursor)


@portal.endpoint("GET", "/payments/{payment_id}", action="payment:read")
def read_my_payment(context: Context, payment_id: str) -> PaymentView:
    """How a payment of mine stands: the return page asks until it is decided"""
    return shown(payments.named(context))


@portal.endpoint("POST", "/payments/{payment_id}/cancellation", action="payment:cancel")
def cancel_my_payment(context: Context, payment_id: str) -> PaymentView:
    """I came back without paying: Stripe's page is closed"""
    return shown(payments.cancel(context))


# ---- staff: one client's payments ----


@practice.endpoint("GET", "/clients/{client_id}/payments", action="payment:read", query=Paging, reads_record=True)
def list_client_payments(context: Context, client_id: str, query: Paging) -> PaymentPage:
    """A client's payments that came in"""
    page = payments.done(context, query.limit, query.cursor)
    return PaymentPage(items=[shown(each) for each in page.items], next_cursor=page.next_cursor)


@practice.endpoint("GET", "/clients/{client_id}/payments/{payment_id}", action="payment:read", reads_record=True)
def read_client_payment(context: Context, client_id: str, payment_id: str) -> PaymentView:
    """One payment of a client"""
    return shown(payments.named(context))
