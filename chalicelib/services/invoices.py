"""Invoices: written by staff, issued under a number, owed until the ledger says otherwise (DOMAIN.md 7).

lines ─▶ draft ── issue: number, charge ─▶ open ◀─▶ paid          an estimate ── give ─▶ given: never owed
                                    └────── void ─────┴─▶ void, and what was paid on it is credit
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib import clock, ids
from chalicelib.adapters import keys
from chalicelib.config import MOST_CHARGE
from chalicelib.context import Context
from chalicelib.errors import (
    AlreadyBilled,
    AmountTooLarge,
    CurrencyChanged,
    InvalidBody,
    InvoiceState,
    NotBillable,
    NotFound,
    NothingToPay,
    Stale,
)
from chalicelib.ledger.course import course
from chalicelib.ledger.entries import Kind
from chalicelib.models.invoices import (
    BilledAppointment,
    Invoice,
    InvoiceNumbers,
    Ledger,
    LedgerEntry,
    NumberedInvoice,
)
from chalicelib.models.slots import Appointment, Offer
from chalicelib.models.table import Page, load
from chalicelib.models.tenants import Tenant
from chalicelib.models.transaction import Moved, Transaction
from chalicelib.services import audits, books, idempotency, tenants
from chalicelib.services.books import Posting, Scene

FIRST_NUMBER = 1001
MOST = MOST_CHARGE  # of one invoice: a card can pay it
MOST_LINES = 50
INVOICE, ESTIMATE = "invoice", "estimate"
HISTORY = timedelta(days=366)  # how far back appointments are looked for that nobody has billed


@dataclass(frozen=True)
class Totals:
    """What lines come to, in minor units."""

    total: int
    taxes: list[dict[str, Any]]  # [{name, basis_points, amount}]
    insurance: int

    @property
    def charge(self) -> int:
        """The client's portion."""
        return self.total - self.insurance


def totals(lines: Sequence[Mapping[str, Any]], taxes: Sequence[Mapping[str, Any]]) -> Totals:
    """Sums of lines; each tax is a rate on the sum of the taxed lines, rounded half up once."""
    net = sum(line["quantity"] * line["amount"] for line in lines)
    taxed = sum(line["quantity"] * line["amount"] for line in lines if line["taxed"])
    charged = [{**tax, "amount": (taxed * tax["basis_points"] + 5_000) // 10_000} for tax in taxes] if taxed else []
    return Totals(net + sum(tax["amount"] for tax in charged), charged, sum(line["insurance"] for line in lines))


# ---- reading ----


def get(context: Context, invoice_id: str) -> Invoice:
    """An invoice of the client of the request. Raises NotFound."""
    found: Invoice | None = load((Invoice, {**_own(context), "invoice_id": invoice_id}))[0]
    if found is None:
        raise NotFound()
    return found


def named(context: Context, *, drafts: bool = True) -> Invoice:
    """The invoice that the address names. Raises NotFound; without `drafts` those do not exist."""
    found: Invoice | None = context.named.get("invoice_id")
    if found is None or (found.status == "draft" and not drafts):
        raise NotFound()
    return found


def of_client(context: Context, phase: str, limit: int, cursor: str | None) -> Page:
    """The client's invoices of one phase (draft, open, settled, estimate), newest first."""
    return Invoice.page(Invoice.BY_CLIENT, phase=phase, limit=limit, cursor=cursor, **_own(context))


def of_tenant(context: Context, status: str, limit: int, cursor: str | None) -> Page:
    """The organization's invoices of one status (draft, open, paid, void; given: estimates), newest first."""
    return Invoice.page(Invoice.BY_TENANT, status=status, limit=limit, cursor=cursor, tenant_id=context.tenant_id)


def by_number(context: Context, number: int) -> Invoice | None:
    """The organization's invoice of this number, whatever its status."""
    known = NumberedInvoice.find(tenant_id=context.tenant_id, number=str(number))
    if known is None:
        return None
    own = {"tenant_id": context.tenant_id, "client_id": known.client_id, "invoice_id": known.invoice_id}
    found: Invoice | None = load((Invoice, own))[0]
    return found


def standing(context: Context) -> Ledger:
    """What the client owes and has to their credit."""
    (found,) = load((Ledger, _own(context)))
    return found or Ledger.new(**_own(context), balance=0, credit=0, debt=0, entries=0)


@dataclass(frozen=True)
class Happened:
    """A step of an issued invoice: the entry of the ledger that it is, and by how much it changed what is left."""

    entry: LedgerEntry
    change: int


def history(invoice: Invoice) -> list[Happened]:
    """What became of an issued invoice: money in and out, credit, changes by staff, oldest first. The steps add up from
    the client's portion to what is left. Entries are read only where the invoice says that there are some; all of the
    client's, where those that it names are not all that it depends on."""
    if invoice.number is None or not (invoice.moved or invoice.balance != invoice.charge):
        return []
    own: dict[str, Any] = {"tenant_id": invoice.tenant_id, "client_id": invoice.client_id}
    if invoice.facts is not None:
        named = [books.charge_of(invoice), *invoice.facts]
        found = load(*((LedgerEntry, {**own, "entry_id": each}) for each in named))
        if all(each is not None and each.entry != Kind.CREDIT for each in found):
            steps = _steps(invoice, found)
            if max(0, int(invoice.charge) + sum(each.change for each in steps)) == invoice.balance:
                return steps
    return _steps(invoice, LedgerEntry.every(LedgerEntry.KEY, consistent=True, **own))


def _steps(invoice: Invoice, entries: Iterable[LedgerEntry]) -> list[Happened]:
    found = books.in_order(entries)
    known = {str(each.entry_id): each for each in found}
    steps = course([books.fact(each) for each in found], invoice.invoice_id)
    return [Happened(known[each.entry_id], each.change) for each in steps]


def numbers(context: Context, entries: Iterable[LedgerEntry]) -> dict[str, list[int]]:
    """Of each of these entries of a client, by its id, the numbers of the invoices that it is about."""
    about = {str(each.entry_id): _about(each) for each in entries}
    wanted = list(dict.fromkeys(invoice for invoices in about.values() for invoice in invoices))
    found = load(*((Invoice, {**_own(context), "invoice_id": each}) for each in wanted))
    known = {each.invoice_id: int(each.number) for each in found if each is not None and each.number is not None}
    return {entry: [known[each] for each in ids if each in known] for entry, ids in about.items()}


def _about(entry: LedgerEntry) -> list[str]:
    return [str(entry.invoice_id)] if entry.invoice_id else [str(invoice) for invoice, _ in entry.shares or ()]


def kept_as_credit(invoice: Invoice, steps: Sequence[Happened]) -> int:
    """How much of what was paid on an invoice it did not need in the end."""
    return max(0, -(int(invoice.charge) + sum(each.change for each in steps)))


def details(invoice: Invoice) -> dict[str, Any]:
    """What was written on an invoice: lines, taxes, note, diagnoses, reason."""
    found: dict[str, Any] = keys.decrypt(invoice.tenant_id, invoice.details, _place(invoice.invoice_id))
    return found


def _place(invoice_id: str) -> str:
    return f"invoice|{invoice_id}"


def _own(context: Context) -> dict[str, Any]:
    return {"tenant_id": context.tenant_id, "client_id": context.client_id}


# ---- drafts ----


def create(context: Context, what: str, written: Mapping[str, Any]) -> Invoice:
    """A draft of an invoice or an estimate. `written`: lines, note, diagnoses, due_on.

    Raises AlreadyBilled, NotBillable for a line's appointment; InvalidBody for lines that come to nothing.
    """
    if context.result:
        return get(context, context.result)
    invoice_id = ids.new_id(context.now)
    draft = _drafted(context, invoice_id, what, written)
    with Transaction() as tx:
        idempotency.remember(tx, context, invoice_id)
        _bill(tx, context, draft, draft.appointment_ids or ())
        tx.create(draft)
        tx.create(audits.event(context, "invoice:create", client_id=context.client_id, invoice_id=invoice_id))
    return draft


def _drafted(context: Context, invoice_id: str, what: str, written: Mapping[str, Any]) -> Invoice:
    lines, taxes = list(written["lines"]), tenants.billing(context.tenant)["taxes"]
    sums = totals(lines, taxes)
    _require_sensible(lines, sums)
    for_what = list(dict.fromkeys(line["appointment_id"] for line in lines if line.get("appointment_id")))
    if what == INVOICE:
        _require_billable(context, for_what)
    said = {"lines": lines, "taxes": sums.taxes, "note": written.get("note"), "diagnoses": written.get("diagnoses")}
    return Invoice.new(
        **_own(context),
        invoice_id=invoice_id,
        phase="draft",
        status="draft",
        what=what,
        currency=tenants.billing(context.tenant)["currency"],
        total=sums.total,
        insurance=sums.insurance,
        charge=sums.charge,
        balance=0,
        settled=0,
        due_on=written.get("due_on"),
        created_at=clock.text(context.now),
        created_by=context.actor.staff_id,
        appointment_ids=for_what if what == INVOICE else None,
        details=keys.encrypt(context.tenant_id, said, _place(invoice_id)),
        version=1,
    )


def _require_sensible(lines: Sequence[Mapping[str, Any]], sums: Totals) -> None:
    faults = [
        {"pointer": f"/lines/{n}/insurance", "code": "too_large", "detail": "This is more than the line comes to."}
        for n, line in enumerate(lines)
        if line["insurance"] > line["quantity"] * line["amount"]
    ]
    if not 0 < sums.total <= MOST:
        faults.append({"pointer": "/lines", "code": "total", "detail": "These lines come to nothing, or to too much."})
    if faults:
        raise InvalidBody(errors=faults)


def _require_billable(context: Context, appointment_ids: Sequence[str]) -> None:
    found = load(*((Appointment, {**_own(context), "appointment_id": each}) for each in appointment_ids))
    if any(each is None or each.status not in ("completed", "no_show") for each in found):
        raise NotBillable()


def _bill(tx: Transaction, context: Context, invoice: Invoice, appointment_ids: Iterable[str]) -> None:
    for each in appointment_ids:
        billed = BilledAppointment.new(**_own(context), appointment_id=each, invoice_id=invoice.invoice_id)
        tx.create(billed, otherwise=AlreadyBilled())


def _unbill(tx: Transaction, context: Context, appointment_ids: Iterable[str]) -> None:
    for each in appointment_ids:
        tx.delete(BilledAppointment.at(**_own(context), appointment_id=each))


def edit(context: Context, written: Mapping[str, Any]) -> Invoice:
    """Change a draft as it was read (`context.if_match`). Raises Stale, InvoiceState, and what `create` raises."""
    old = named(context)
    if old.status != "draft":
        raise InvoiceState()
    new = _drafted(context, old.invoice_id, old.what, written)
    new.created_at, new.created_by, new.version = old.created_at, old.created_by, int(old.version) + 1
    before, after = set(old.appointment_ids or ()), set(new.appointment_ids or ())
    with Transaction() as tx:
        tx.put(new, when=Invoice.version == context.if_match, otherwise=Stale())  # first: it may be billed on this one
        _unbill(tx, context, before - after)
        _bill(tx, context, new, after - before)
        tx.create(audits.event(context, "invoice:edit", client_id=context.client_id, invoice_id=old.invoice_id))
    return new


def discard(context: Context) -> None:
    """Delete a draft: it never had a number. Raises InvoiceState."""
    draft = named(context)
    if draft.status != "draft":
        raise InvoiceState()
    with Transaction() as tx:
        _unbill(tx, context, draft.appointment_ids or ())
        tx.delete(draft, when=Invoice.version == draft.version, otherwise=Stale())
        tx.create(audits.event(context, "invoice:discard", client_id=context.client_id, invoice_id=draft.invoice_id))


# ---- from appointments ----


def billable(context: Context) -> list[Appointment]:
    """The client's appointments of the last year that took place and stand on no invoice, oldest first."""
    since, now = clock.text(context.now - HISTORY), clock.text(context.now)
    past = Appointment.between(Appointment.BY_CLIENT, since, now, **_own(context))
    held = [each for each in past if each.status in ("completed", "no_show")]
    billed = {each.appointment_id for each in BilledAppointment.every(BilledAppointment.KEY, **_own(context))}
    return [each for each in held if each.appointment_id not in billed]


def prices(context: Context) -> dict[str, dict[str, Any]]:
    """What the services that are offered cost, those that have a price."""
    (offer,) = load((Offer, {"tenant_id": context.tenant_id}))
    return {each["service_id"]: each["price"] for each in (offer.services if offer else []) if each.get("price")}


def lines_of(context: Context, appointments: Sequence[Appointment]) -> list[dict[str, Any]]:
    """A line for each appointment, at what its service costs now. Raises NotBillable where no price is known."""
    known, currency = prices(context), tenants.billing(context.tenant)["currency"]
    lines = []
    for each in appointments:
        price = known.get(each.service_id)
        if not price or price["currency"] != currency:
            raise NotBillable()
        day = clock.parse(each.starts_at).astimezone(ZoneInfo(each.zone)).date()
        lines.append(
            {
                "description": each.service_name,
                "service_on": day.isoformat(),
                "quantity": 1,
                "amount": int(price["amount"]),
                "insurance": 0,
                "code": None,
                "taxed": False,
                "appointment_id": each.appointment_id,
                "therapist": each.staff_name,
            }
        )
    return lines


def bill_appointments(context: Context, appointment_ids: Sequence[str], issue_now: bool) -> Invoice:
    """One click: an invoice over these appointments, issued at once or left as a draft."""
    if context.result:
        return get(context, context.result)
    found = load(*((Appointment, {**_own(context), "appointment_id": each}) for each in appointment_ids))
    if any(each is None for each in found):
        raise NotBillable()
    lines = lines_of(context, sorted(found, key=lambda each: str(each.starts_at)))
    draft = _drafted(context, ids.new_id(context.now), INVOICE, {"lines": lines})
    if not issue_now:
        with Transaction() as tx:
            idempotency.remember(tx, context, draft.invoice_id)
            _bill(tx, context, draft, draft.appointment_ids or ())
            tx.create(draft)
            about = {"client_id": context.client_id, "invoice_id": draft.invoice_id}
            tx.create(audits.event(context, "invoice:create", **about))
        return draft
    return _issued(context, draft, None)


# ---- issuing ----


def issue(context: Context) -> Invoice:
    """Give the draft its number and have it owed; an estimate is given. Raises InvoiceState, CurrencyChanged, Stale."""
    if context.result:
        return get(context, context.result)
    draft = named(context)
    if draft.status != "draft":
        raise InvoiceState()
    if draft.currency != tenants.billing(context.tenant)["currency"]:
        raise CurrencyChanged()
    if draft.what == ESTIMATE:
        return _given(context, draft)
    return _issued(context, draft, int(draft.version))


def _given(context: Context, draft: Invoice) -> Invoice:
    values = {"issued_at": clock.text(context.now), "issued_on": clock.today(context.tenant.zone).isoformat()}
    new = books.changed(draft, int(draft.version), status="given", **values)
    with Transaction() as tx:
        idempotency.remember(tx, context, draft.invoice_id)
        tx.put(new, when=Invoice.version == draft.version, otherwise=Stale())
        tx.create(audits.event(context, "invoice:give", client_id=context.client_id, invoice_id=draft.invoice_id))
    return new


def _issued(context: Context, draft: Invoice, seen: int | None) -> Invoice:
    """`seen`: the draft's version; None: it comes into being with its number."""
    from chalicelib.services import autopay

    today = clock.today(context.tenant.zone)
    due_on = draft.due_on or (today + timedelta(days=tenants.billing(context.tenant)["due_days"])).isoformat()
    planned = autopay.planned(context, draft, date.fromisoformat(due_on))

    def plan(scene: Scene) -> Posting:
        place = {**_own(context), "invoice_id": draft.invoice_id}
        (numbers, now) = load((InvoiceNumbers, {"tenant_id": context.tenant_id}), (Invoice, place))
        if seen is not None and (now is None or int(now.version) != seen):
            raise Stale()
        number = int(numbers.last) + 1 if numbers is not None else FIRST_NUMBER
        draft.number, draft.due_on = number, due_on
        draft.facts = []
        draft.status, draft.issued_at, draft.issued_on = "open", clock.text(context.now), today.isoformat()
        charge = _entry(context, Kind.CHARGE, int(draft.charge), draft)

        def write(tx: Transaction, _: Any) -> None:
            idempotency.remember(tx, context, draft.invoice_id)
            _count(tx, context, numbers, number)
            tx.create(NumberedInvoice.new(**place, number=str(number)), otherwise=Moved())
            if seen is None:
                _bill(tx, context, draft, draft.appointment_ids or ())
            for each in planned:
                tx.create(each)
            about = {"client_id": context.client_id, "invoice_id": draft.invoice_id}
            tx.create(audits.event(context, "invoice:issue", **about))

        return Posting([charge], {draft.invoice_id: (draft, seen)}, write)

    books.post(context.tenant_id, context.client_id, context.now, plan)
    autopay.hand_over(planned)
    return get(context, draft.invoice_id)


def _count(tx: Transaction, context: Context, seen: InvoiceNumbers | None, number: int) -> None:
    if seen is None:
        _fix_currency(tx, context, number)
        return
    new = InvoiceNumbers.new(tenant_id=context.tenant_id, last=number)
    tx.put(new, when=InvoiceNumbers.last == seen.last, otherwise=Moved())


def fix_currency(tx: Transaction, context: Context) -> None:
    """Within the transaction that records money: from now on it is all of one currency. Raises Moved, Stale."""
    if load((InvoiceNumbers, {"tenant_id": context.tenant_id}))[0] is None:
        _fix_currency(tx, context, FIRST_NUMBER - 1)


def _fix_currency(tx: Transaction, context: Context, number: int) -> None:
    """The first of all: in the currency that the organization has at this very moment."""
    tx.create(InvoiceNumbers.new(tenant_id=context.tenant_id, last=number), otherwise=Moved())
    tx.require(context.tenant, Tenant.version == context.tenant.version, otherwise=Stale())


def _entry(
    context: Context, kind: Kind, amount: int, invoice: Invoice, words: Mapping[str, str | None] | None = None
) -> LedgerEntry:
    """A fact about an invoice. Charges and voids exist once; anything else as often as somebody says so."""
    once = kind in (Kind.CHARGE, Kind.VOID)
    issued = clock.parse(invoice.issued_at)
    by_client = context.actor.kind == "client"
    return books.entry(
        context.tenant_id,
        context.client_id,
        kind,
        books.id_of(kind, invoice.invoice_id, issued) if once else ids.new_id(context.now),
        amount=amount,
        currency=invoice.currency,
        happened_at=context.now,
        recorded_at=context.now,
        by="client" if by_client else context.actor.staff_id,
        by_name=None if by_client else context.actor.name,
        words=words,
        invoice_id=invoice.invoice_id,
    )


# ---- what happens to an issued invoice ----


def void(context: Context, reason: str) -> Invoice:
    """It is owed no more; what was paid on it becomes credit. Raises InvoiceState."""
    return _act(context, Kind.VOID, 0, reason, "invoice:void", lambda invoice, scene: None)


def write_off(context: Context, amount: int, reason: str) -> Invoice:
    """Give up a part of what is due. Raises InvoiceState, AmountTooLarge."""
    return _act(context, Kind.WRITE_OFF, amount, reason, "invoice:write_off", _within_due(amount))


def adjust(context: Context, amount: int, reason: str) -> Invoice:
    """Change what is owed, up or down; not below 0. Raises InvoiceState, AmountTooLarge."""

    def check(invoice: Invoice, scene: Scene) -> None:
        if not 0 <= scene.books.account(invoice.invoice_id).owed + amount <= MOST:
            raise AmountTooLarge()

    return _act(context, Kind.ADJUSTMENT, amount, reason, "invoice:adjust", check)


def apply_credit(context: Context, amount: int) -> Invoice:
    """Use credit for an invoice. Raises InvoiceState, NothingToPay, AmountTooLarge."""

    def check(invoice: Invoice, scene: Scene) -> None:
        due = scene.books.account(invoice.invoice_id).due
        if not due:
            raise NothingToPay()
        if amount > min(due, scene.books.credit):
            raise AmountTooLarge()

    return _act(context, Kind.CREDIT, amount, None, "credit:apply", check)


def _within_due(amount: int) -> Any:
    def check(invoice: Invoice, scene: Scene) -> None:
        if amount > scene.books.account(invoice.invoice_id).due:
            raise AmountTooLarge()

    return check


def _act(context: Context, kind: Kind, amount: int, reason: str | None, action: str, check: Any) -> Invoice:
    if context.result:
        return get(context, context.result)
    invoice_id = named(context, drafts=context.actor.kind != "client").invoice_id

    def plan(scene: Scene) -> Posting:
        invoice = get(context, invoice_id)
        seen = int(invoice.version)
        if invoice.status not in ("open", "paid"):
            raise InvoiceState()
        check(invoice, scene)
        gone = scene.books.account(invoice_id).owed if kind is Kind.VOID else amount
        made = _entry(context, kind, gone, invoice, {"reason": reason})
        if kind is Kind.VOID:
            invoice.status = "void"

        def write(tx: Transaction, _: Any) -> None:
            idempotency.remember(tx, context, invoice_id)
            if kind is Kind.VOID:
                _unbill(tx, context, invoice.appointment_ids or ())
            tx.create(audits.event(context, action, client_id=context.client_id, invoice_id=invoice_id))

        return Posting([made], {invoice_id: (invoice, seen)}, write)

    books.post(context.tenant_id, context.client_id, context.now, plan, [invoice_id])
    return get(context, invoice_id)
