"""Invoices: the client's own, those of Client Details, and the organization's."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from chalicelib import clock
from chalicelib.config import LEAST_CHARGES, MOST_CHARGE
from chalicelib.context import Context
from chalicelib.handlers.routing import PORTAL, PRACTICE, Routes
from chalicelib.handlers.views import Body, Day, Empty, Id, Line, Money, Paging, PortalView, Text, View
from chalicelib.models.invoices import Invoice
from chalicelib.models.payments import PlannedCharge
from chalicelib.models.slots import Appointment
from chalicelib.models.table import Page
from chalicelib.services import autopay, cards, clients, invoices, parties, payments, tenants

practice = Routes(__name__, PRACTICE, "/practice")
portal = Routes(__name__ + ".portal", PORTAL, "/portal")

Amount = Annotated[int, Field(ge=1, le=invoices.MOST)]
Reason = Annotated[Text, Field(min_length=1, max_length=500)]
Status = Literal["draft", "open", "paid", "void", "given"]


# ---- what everyone sees of an invoice ----


class InvoiceLine(PortalView):
    """One line. `amount` is the price of one; `insurance` what of the line insurance is expected to pay."""

    description: str
    service_on: str | None
    quantity: int
    amount: Money
    insurance: Money
    sum: Money
    code: str | None
    taxed: bool
    therapist: str | None
    appointment_id: str | None


class TaxLine(PortalView):
    """A tax on the taxed lines; 100 basis points are one per cent."""

    name: str
    basis_points: int
    amount: Money


class InvoiceRow(PortalView):
    """An invoice in a list. `due` is the client balance due; `overdue`: its day has passed. `paying`: a payment of it
    is under way. `enough_for_card`: so much is due that a card can pay it alone; if not, it is paid at the practice or
    together with others. Of what is due a part is paid from `least` up to `most_partial`, so that a card can pay what
    is left; without `most_partial` it is paid whole, and `least` is what is due. `charged_at`: when the saved card will
    be charged by itself; `charged_amount`: how much: what was announced, or what is due if that is less (none, where
    that is too little for a card)."""

    invoice_id: str
    what: Literal["invoice", "estimate"]
    status: Status
    number: int | None
    issued_on: str | None
    due_on: str | None
    overdue: bool
    total: Money
    insurance: Money
    charge: Money
    settled: Money
    due: Money
    paying: bool
    enough_for_card: bool
    least: Money
    most_partial: Money | None
    charged_at: str | None
    charged_amount: Money | None


class InvoiceStep(PortalView):
    """What became of an issued invoice: by how much this changed what is left to pay. Why staff did it stands in the
    ledger, for staff. `method`: of payments. `payment_id`: of what is about a payment."""

    kind: Literal[
        "payment", "refund", "refund_failed", "dispute", "dispute_won", "dispute_lost",
        "credit", "adjustment", "write_off", "void", "charge",
    ]  # fmt: skip
    amount: Money
    at: str
    method: Literal["card", "cash", "check", "other"] | None
    payment_id: str | None


class InvoiceView(InvoiceRow):
    """An invoice whole. `etag` goes back in If-Match to edit a draft. `history`: oldest first; with `kept`, what was
    paid too much and is credit, it leads from the client's portion to what is due. `sender` and `billed_to` are lines
    as the PDF has them: names as documents carry them."""

    etag: str
    payment_id: str | None
    lines: list[InvoiceLine]
    taxes: list[TaxLine]
    history: list[InvoiceStep]
    kept: Money
    sender: list[str]
    billed_to: list[str]
    footer: str
    note: str | None
    diagnoses: list[str]


class InvoicePage(PortalView):
    """Some invoices, newest first."""

    items: list[InvoiceRow]
    next_cursor: str | None


class Balance(PortalView):
    """What a client owes on all open invoices, and what they have to their credit."""

    due: Money
    credit: Money


def _money(invoice: Invoice, amount: float) -> Money:
    return Money(amount=int(amount), currency=invoice.currency)


def _row(context: Context, invoice: Invoice, plans: dict[str, PlannedCharge]) -> dict[str, Any]:
    today = clock.today(context.tenant.zone).isoformat()
    amounts = {name: _money(invoice, getattr(invoice, name)) for name in ("total", "insurance", "charge", "settled")}
    is_open = invoice.status == "open"
    plan = plans.get(invoice.invoice_id) if is_open else None
    charged = min(int(plan.amount), int(invoice.balance)) if plan is not None else 0
    if not payments.is_enough(context, charged):  # then it will not be charged
        plan = None
    part = payments.part(context, int(invoice.balance))
    return {
        "invoice_id": invoice.invoice_id,
        "what": invoice.what,
        "status": invoice.status,
        "number": int(invoice.number) if invoice.number is not None else None,
        "issued_on": invoice.issued_on,
        "due_on": invoice.due_on,
        "overdue": is_open and bool(invoice.due_on) and invoice.due_on < today,
        "due": _money(invoice, invoice.balance),
        "paying": bool(invoice.payment_id),
        "enough_for_card": is_open and payments.is_enough(context, int(invoice.balance)),
        "least": _money(invoice, part[0] if part else invoice.balance),
        "most_partial": _money(invoice, part[1]) if part else None,
        "charged_at": plan.charge_at if plan is not None else None,
        "charged_amount": _money(invoice, charged) if plan is not None else None,
        **amounts,
    }


def row(context: Context, invoice: Invoice, plans: dict[str, PlannedCharge]) -> InvoiceRow:
    """An invoice in a list."""
    return InvoiceRow(**_row(context, invoice, plans))


def whole(context: Context, invoice: Invoice) -> InvoiceView:
    """An invoice with what was written on it."""
    said, steps = invoices.details(invoice), invoices.history(invoice)
    return InvoiceView(
        **_row(context, invoice, autopay.plans_of(context)),
        etag=str(int(invoice.version)),
        payment_id=invoice.payment_id,
        lines=[_line(invoice, each) for each in said["lines"]],
        taxes=[TaxLine(**{**each, "amount": _money(invoice, each["amount"])}) for each in said["taxes"]],
        history=[_step(invoice, each) for each in steps],
        kept=_money(invoice, invoices.kept_as_credit(invoice, steps)),
        sender=parties.sender(context),
        billed_to=parties.billed_to(context),
        footer=tenants.billing(context.tenant)["footer"],
        note=said.get("note"),
        diagnoses=said.get("diagnoses") or [],
    )


def _step(invoice: Invoice, step: invoices.Happened) -> InvoiceStep:
    entry = step.entry
    return InvoiceStep(
        kind=entry.entry,
        amount=_money(invoice, step.change),
        at=entry.happened_at,
        method=entry.method,
        payment_id=entry.payment_id,
    )


def _line(invoice: Invoice, line: dict[str, Any]) -> InvoiceLine:
    amounts = {name: _money(invoice, line[name]) for name in ("amount", "insurance")}
    return InvoiceLine(**{**line, **amounts, "sum": _money(invoice, line["quantity"] * line["amount"])})


def balance(context: Context) -> Balance:
    """How the client stands."""
    found, currency = invoices.standing(context), tenants.billing(context.tenant)["currency"]
    due, credit = int(found.balance) + int(found.debt), int(found.credit)
    return Balance(due=Money(amount=due, currency=currency), credit=Money(amount=credit, currency=currency))


# ---- staff: one client's invoices ----


class LineIn(Body):
    """A line, amounts in minor units. `insurance`: of the whole line. `code`: of the procedure (CPT)."""

    description: Line = Field(min_length=1, max_length=200)
    service_on: Day | None = None
    quantity: int = Field(default=1, ge=1, le=99)
    amount: int = Field(ge=0, le=invoices.MOST)
    insurance: int = Field(default=0, ge=0, le=invoices.MOST)
    code: Annotated[Line, Field(pattern=r"^[A-Za-z0-9-]{1,20}$")] | None = None
    taxed: bool = False
    therapist: Annotated[Line, Field(max_length=200)] | None = None
    appointment_id: Id | None = None


class InvoiceIn(Body):
    """What stands on an invoice. Without `due_on` it is due so many days after it is issued as the settings say."""

    lines: Annotated[list[LineIn], Field(min_length=1, max_length=invoices.MOST_LINES)]
    due_on: Day | None = None
    note: Annotated[Text, Field(max_length=2000)] | None = None
    diagnoses: Annotated[
        list[Annotated[str, StringConstraints(pattern=r"^[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?$")]], Field(max_length=12)
    ] = Field(default_factory=list)

    def written(self) -> dict[str, Any]:
        """As the service takes it."""
        return self.model_dump()


class NewInvoice(InvoiceIn):
    """An invoice, or a good-faith estimate, which is never owed."""

    what: Literal["invoice", "estimate"] = "invoice"


class PhaseQuery(Paging):
    """Which invoices: open ones, those that are settled, drafts, or estimates."""

    phase: Literal["open", "settled", "draft", "estimate"] = "open"


class AppointmentsToBill(Body):
    """Which appointments to bill, and whether at once under a number."""

    appointment_ids: Annotated[list[Id], Field(min_length=1, max_length=invoices.MOST_LINES)]
    issue: bool = True


class ReasonIn(Body):
    """Why."""

    reason: Reason


class WriteOffIn(Body):
    """How much of what is due is given up, and why."""

    amount: Amount
    reason: Reason


def _some(amount: int) -> int:
    if not amount:
        raise ValueError("nothing would change")
    return amount


class AdjustmentIn(Body):
    """By how much what is owed changes, up or down, and why."""

    amount: Annotated[int, Field(ge=-invoices.MOST, le=invoices.MOST), AfterValidator(_some)]
    reason: Reason


class CreditIn(Body):
    """How much credit to use."""

    amount: Amount


class AutopayCard(View):
    """The saved card that pays a client's new invoices, and since when."""

    brand: str
    last4: str
    since: str


class ClientInvoices(View):
    """A client's invoices and how they stand. `autopay` is told with open invoices only."""

    items: list[InvoiceRow]
    next_cursor: str | None
    balance: Balance
    autopay: AutopayCard | None


class Billable(View):
    """An appointment that took place and stands on no invoice; without a price its service cannot be billed."""

    appointment_id: str
    starts_at: str
    zone: str
    service: str
    therapist: str
    status: Literal["completed", "no_show"]
    price: Money | None


class BillableList(View):
    """What can be billed, oldest first."""

    items: list[Billable]


@practice.endpoint("GET", "/clients/{client_id}/invoices", action="invoice:read", query=PhaseQuery, reads_record=True)
def list_client_invoices(context: Context, client_id: str, query: PhaseQuery) -> ClientInvoices:
    """A client's invoices of one phase, and their balance"""
    page = invoices.of_client(context, query.phase, query.limit, query.cursor)
    plans = autopay.plans_of(context) if query.phase == "open" else {}
    items = [row(context, each, plans) for each in page.items]
    card = _autopay(context) if query.phase == "open" else None
    return ClientInvoices(items=items, next_cursor=page.next_cursor, balance=balance(context), autopay=card)


def _autopay(context: Context) -> AutopayCard | None:
    payer = cards.of_client(context)
    if payer is None:
        return None
    for each in payer.cards:
        if each["card_id"] == payer.autopay_card:
            return AutopayCard(brand=each["brand"], last4=each["last4"], since=payer.autopay_since)
    return None


@practice.endpoint(
    "POST", "/clients/{client_id}/invoices", action="invoice:begin", body=NewInvoice, status=201, idempotent=True
)
def create_invoice(context: Context, client_id: str, body: NewInvoice) -> InvoiceView:
    """Begin an invoice or an estimate: a draft without a number"""
    return whole(context, invoices.create(context, body.what, body.written()))


@practice.endpoint("GET", "/clients/{client_id}/billable", action="invoice:manage", reads_record=True)
def list_billable(context: Context, client_id: str) -> BillableList:
    """Appointments that took place and stand on no invoice"""
    prices = invoices.prices(context)
    return BillableList(items=[_billable(context, each, prices) for each in invoices.billable(context)])


def _billable(context: Context, record: Appointment, prices: dict[str, Any]) -> Billable:
    price = prices.get(record.service_id)
    return Billable(
        appointment_id=record.appointment_id,
        starts_at=record.starts_at,
        zone=record.zone,
        service=record.service_name,
        therapist=record.staff_name,
        status=record.status,
        price=Money(amount=price["amount"], currency=tenants.billing(context.tenant)["currency"]) if price else None,
    )


@practice.endpoint(
    "POST",
    "/clients/{client_id}/invoices/from-appointments",
    action="invoice:begin",
    body=AppointmentsToBill,
    status=201,
    idempotent=True,
)
def bill_appointments(context: Context, client_id: str, body: AppointmentsToBill) -> InvoiceView:
    """Bill appointments in one click"""
    return whole(context, invoices.bill_appointments(context, body.appointment_ids, body.issue))


@practice.endpoint("GET", "/clients/{client_id}/invoices/{invoice_id}", action="invoice:read", reads_record=True)
def read_client_invoice(context: Context, client_id: str, invoice_id: str) -> InvoiceView:
    """One invoice of a client"""
    return whole(context, invoices.named(context))


@practice.endpoint(
    "PATCH", "/clients/{client_id}/invoices/{invoice_id}", action="invoice:manage", body=InvoiceIn, if_match=True
)
def change_invoice(context: Context, client_id: str, invoice_id: str, body: InvoiceIn) -> InvoiceView:
    """Change a draft: what is sent takes the place of what was there"""
    return whole(context, invoices.edit(context, body.written()))


@practice.endpoint("DELETE", "/clients/{client_id}/invoices/{invoice_id}", action="invoice:manage", status=204)
def delete_invoice(context: Context, client_id: str, invoice_id: str) -> Empty:
    """Delete a draft"""
    invoices.discard(context)
    return Empty()


@practice.endpoint("POST", "/clients/{client_id}/invoices/{invoice_id}/issue", action="invoice:begin", idempotent=True)
def issue_invoice(context: Context, client_id: str, invoice_id: str) -> InvoiceView:
    """Issue a draft: it gets its number and is owed; an estimate is given to the client"""
    return whole(context, invoices.issue(context))


@practice.endpoint(
    "POST",
    "/clients/{client_id}/invoices/{invoice_id}/void",
    action="invoice:manage",
    body=ReasonIn,
    idempotent=True,
)
def void_invoice(context: Context, client_id: str, invoice_id: str, body: ReasonIn) -> InvoiceView:
    """Void an issued invoice: it is owed no more, and what was paid on it becomes credit"""
    return whole(context, invoices.void(context, body.reason))


@practice.endpoint(
    "POST",
    "/clients/{client_id}/invoices/{invoice_id}/write-off",
    action="ledger:record",
    body=WriteOffIn,
    idempotent=True,
)
def write_off_invoice(context: Context, client_id: str, invoice_id: str, body: WriteOffIn) -> InvoiceView:
    """Give up a part of what is due"""
    return whole(context, invoices.write_off(context, body.amount, body.reason))


@practice.endpoint(
    "POST",
    "/clients/{client_id}/invoices/{invoice_id}/adjustment",
    action="ledger:record",
    body=AdjustmentIn,
    idempotent=True,
)
def adjust_invoice(context: Context, client_id: str, invoice_id: str, body: AdjustmentIn) -> InvoiceView:
    """Change what an invoice is owed, with a reason"""
    return whole(context, invoices.adjust(context, body.amount, body.reason))


@practice.endpoint(
    "POST",
    "/clients/{client_id}/invoices/{invoice_id}/credit",
    action="credit:apply",
    body=CreditIn,
    idempotent=True,
)
def apply_credit(context: Context, client_id: str, invoice_id: str, body: CreditIn) -> InvoiceView:
    """Use a client's credit for an invoice, as they asked"""
    return whole(context, invoices.apply_credit(context, body.amount))


# ---- staff: the organization's invoices ----


class TenantInvoiceRow(InvoiceRow):
    """An invoice, and whose it is."""

    client_id: str
    client_name: str


class TenantInvoices(View):
    """Some of the organization's invoices, newest first."""

    items: list[TenantInvoiceRow]
    next_cursor: str | None

    def clients_named(self) -> list[str]:
        """Those who owe."""
        return [each.client_id for each in self.items]


class StatusQuery(Paging):
    """Which of the organization's invoices; estimates that were given are `given`. `number`: the one invoice of this
    number, whatever its status."""

    status: Status = "open"
    number: int | None = Field(default=None, ge=1, le=999_999_999)


@practice.endpoint("GET", "/invoices", action="billing:read", query=StatusQuery)
def list_invoices(context: Context, query: StatusQuery) -> TenantInvoices:
    """The organization's invoices of one status, or the one of a number"""
    if query.number is not None:
        found = invoices.by_number(context, query.number)
        page = Page([found] if found is not None else [], None)
    else:
        page = invoices.of_tenant(context, query.status, query.limit, query.cursor)
    wanted = list(dict.fromkeys(each.client_id for each in page.items))
    names = {each.client_id: clients.shown(each) for each in clients.visible(context, wanted)}
    items = [
        TenantInvoiceRow(**_row(context, each, {}), client_id=each.client_id, client_name=names[each.client_id])
        for each in page.items
        if each.client_id in names
    ]
    return TenantInvoices(items=items, next_cursor=page.next_cursor)


# ---- the client's own ----


class MyPhaseQuery(Paging):
    """Which of my invoices."""

    phase: Literal["open", "settled", "estimate"] = "open"


class MyBilling(PortalView):
    """What I owe. `open` are all my open invoices, as they are to be paid; `why_not`: why I cannot pay online now;
    `least_by_card`, `most_by_card`: what at least and at most a card pays at once, be it for one invoice or several."""

    balance: Balance
    open: list[InvoiceRow]
    more: bool
    can_pay: bool
    why_not: str | None
    least_by_card: Money
    most_by_card: Money
    phone: str


@portal.endpoint("GET", "/billing", action="invoice:read")
def read_my_billing(context: Context) -> MyBilling:
    """My balance and my open invoices"""
    page = invoices.of_client(context, "open", 100, None)
    plans = autopay.plans_of(context)
    why = payments.why_not(context)
    currency = tenants.billing(context.tenant)["currency"]
    return MyBilling(
        balance=balance(context),
        open=[row(context, each, plans) for each in page.items],
        more=page.next_cursor is not None,
        can_pay=why is None,
        why_not=why,
        least_by_card=Money(amount=LEAST_CHARGES[currency], currency=currency),
        most_by_card=Money(amount=MOST_CHARGE, currency=currency),
        phone=context.tenant.phone,
    )


@portal.endpoint("GET", "/invoices", action="invoice:read", query=MyPhaseQuery)
def list_my_invoices(context: Context, query: MyPhaseQuery) -> InvoicePage:
    """My invoices of one phase"""
    page = invoices.of_client(context, query.phase, query.limit, query.cursor)
    plans = autopay.plans_of(context) if query.phase == "open" else {}
    return InvoicePage(items=[row(context, each, plans) for each in page.items], next_cursor=page.next_cursor)


@portal.endpoint("GET", "/invoices/{invoice_id}", action="invoice:read")
def read_my_invoice(context: Context, invoice_id: str) -> InvoiceView:
    """One of my invoices"""
    return whole(context, invoices.named(context, drafts=False))


@portal.endpoint("POST", "/invoices/{invoice_id}/credit", action="credit:apply", body=CreditIn, idempotent=True)
def apply_my_credit(context: Context, invoice_id: str, body: CreditIn) -> InvoiceView:
    """Use my credit for an invoice"""
    return whole(context, invoices.apply_credit(context, body.amount))
