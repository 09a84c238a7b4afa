"""What stands on a printed invoice, receipt, statement and superbill (services.prints has them made)."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib import clock
from chalicelib.adapters.pdf_bill import Bill, Table, render
from chalicelib.context import Context
from chalicelib.ledger.books import fold
from chalicelib.ledger.entries import Kind
from chalicelib.models.invoices import Invoice, LedgerEntry
from chalicelib.models.payments import Payment
from chalicelib.models.staff import Staff
from chalicelib.models.table import load
from chalicelib.money import Money
from chalicelib.services import books, invoices, parties, payments
from chalicelib.services.tenants import billing


def pdf(context: Context, what: str, about: Mapping[str, str]) -> bytes:
    """One sheet of the client of the context."""
    return render(_MADE[what](context, about))


def _money(amount: float, currency: str) -> str:
    return str(Money(int(amount), currency))


def _day(text: str | None) -> str:
    """A day as it is read in the United States."""
    if not text:
        return ""
    day = date.fromisoformat(text)
    return f"{day:%B} {day.day}, {day.year}"


def _on_day(context: Context, instant: str) -> str:
    return clock.parse(instant).astimezone(ZoneInfo(context.tenant.zone)).date().isoformat()


def _billed_to(context: Context) -> str:
    return "\n".join(parties.billed_to(context))


def _notes(context: Context, *more: str | None) -> list[str]:
    return [each for each in (*more, billing(context.tenant)["footer"]) if each]


_ESTIMATE = (
    "Good-faith estimate (45 CFR 149.610). This is what these services are expected to cost. It is not a contract, and "
    "does not oblige you to have them. You may be charged less or more. If you are billed $400 or more above this "
    "estimate, you can dispute the bill: ask the practice to match it, or start a dispute with the U.S. Department of "
    "Health and Human Services within 120 days of the bill: www.cms.gov/nosurprises or 1-800-985-3059. Keep a copy."
)


def _invoice(context: Context, about: Mapping[str, str]) -> Bill:
    invoice, said = _found(context, about)
    estimate = invoice.what == invoices.ESTIMATE
    title = "Good-faith estimate" if estimate else f"Invoice {int(invoice.number)}"
    facts = [("For", _billed_to(context))]
    if estimate:  # what 45 CFR 149.610 (c) asks for
        facts += [*_born(context), ("Given", _day(invoice.issued_on)), *_diagnosed(said)]
    else:
        facts += [("Issued", _day(invoice.issued_on)), ("Due", _day(invoice.due_on))]
        facts.append(("Status", _STATES[invoice.status]))
    return Bill(
        organization=context.tenant.name,
        sender=parties.sender(context),
        title=title,
        subject=context.client.legal_name,
        facts=facts,
        tables=[_lines(invoice, said)],
        sums=_invoice_sums(context, invoice, said, estimate),
        notes=_notes(context, said.get("note"), _ESTIMATE if estimate else None),
        made_at=clock.parse(invoice.issued_at),
    )


_STATES = {"open": "Open", "paid": "Paid", "void": "Void. Nothing is owed on this invoice."}


def _found(context: Context, about: Mapping[str, str]) -> tuple[Invoice, dict[str, Any]]:
    invoice = invoices.get(context, about["invoice_id"])
    return invoice, invoices.details(invoice)


def _lines(invoice: Invoice, said: dict[str, Any]) -> Table:
    rows = [
        [
            _day(line["service_on"]),
            "\n".join(each for each in (line["description"], _code(line), line["therapist"]) if each),
            str(line["quantity"]),
            _money(line["amount"], invoice.currency),
            _money(line["quantity"] * line["amount"], invoice.currency),
        ]
        for line in said["lines"]
    ]
    return Table(["Date", "Service", "Quantity", "Price", "Amount"], rows, (24, 40, 14, 18, 18), (2, 3, 4))


def _code(line: Mapping[str, Any]) -> str | None:
    return f"Code {line['code']}" if line["code"] else None


Sums = list[tuple[str, str, bool]]


def _invoice_sums(context: Context, invoice: Invoice, said: dict[str, Any], estimate: bool) -> Sums:
    money = invoice.currency
    sums = _taxed(invoice, said)
    total, portion = ("Expected cost", "Your expected portion") if estimate else ("Total", "Your portion")
    sums.append((total, _money(invoice.total, money), estimate and not invoice.insurance))
    if invoice.insurance:
        sums.append(("Expected from insurance", _money(-invoice.insurance, money), False))
        sums.append((portion, _money(invoice.charge, money), estimate))
    if not estimate:
        steps = invoices.history(invoice)
        for each in steps:
            sums.append((_step(context, each.entry), _money(each.change, money), False))
        if kept := invoices.kept_as_credit(invoice, steps):
            sums.append(("Kept as credit", _money(kept, money), False))
        sums.append(("Balance due", _money(invoice.balance, money), True))
    return sums


def _taxed(invoice: Invoice, said: dict[str, Any]) -> Sums:
    """The taxes, and what the lines come to before them."""
    money, taxes = invoice.currency, said["taxes"]
    if not taxes:
        return []
    before = int(invoice.total) - sum(tax["amount"] for tax in taxes)
    return [("Before tax", _money(before, money), False)] + [
        (tax["name"], _money(tax["amount"], money), False) for tax in taxes
    ]


_STEPS = {
    Kind.CHARGE: "Invoice", Kind.VOID: "Made void", Kind.ADJUSTMENT: "Adjusted by the practice",
    Kind.WRITE_OFF: "Written off by the practice", Kind.REFUND: "Refund",
    Kind.REFUND_FAILED: "Refund returned by the bank", Kind.DISPUTE: "Payment disputed",
    Kind.DISPUTE_WON: "Dispute ended: money returned", Kind.DISPUTE_LOST: "Dispute ended: money lost",
    Kind.CREDIT: "Credit applied",
}  # fmt: skip
_PAYMENTS = {"card": "Card payment", "cash": "Cash payment", "check": "Payment by check", "other": "Payment"}


def _step(context: Context, entry: LedgerEntry) -> str:
    """What happened to an invoice, and when."""
    kind = Kind(entry.entry)
    said = _PAYMENTS[entry.method or "other"] if kind is Kind.PAYMENT else _STEPS[kind]
    return f"{said}, {_day(_on_day(context, entry.happened_at))}"


_BRANDS = {"amex": "American Express", "diners": "Diners Club", "jcb": "JCB", "unionpay": "UnionPay"}
_METHODS = {"card": "Card", "cash": "Cash", "check": "Check", "other": "Other"}


def _receipt(context: Context, about: Mapping[str, str]) -> Bill:
    own = {"tenant_id": context.tenant_id, "client_id": context.client_id}
    payment: Payment = load((Payment, {**own, "payment_id": about["payment_id"]}))[0]
    guest = payment.way == payments.GUEST
    paid = "Card, by a pay link" if guest else _METHODS[payment.method]
    if payment.card and not guest:  # the client reads this, and it is somebody else's card
        brand = payment.card["brand"]
        paid = f"{_BRANDS.get(brand, brand.capitalize())} ending {payment.card['last4']}"
    money = payment.currency
    rows = [
        [f"Invoice {int(number)}", _money(amount, money)]
        for (_, amount), number in zip(payment.shares, payment.numbers, strict=True)
    ]
    rest = int(payment.amount) - sum(int(amount) for _, amount in payment.shares)
    if rest > 0:
        rows.append(["Kept as credit", _money(rest, money)])
    disputed = "Taken back by the bank" if payment.lost == payment.disputed else "Disputed"
    by_hand = int(payment.by_hand or 0)
    gone = {
        "Refunded": payment.refunded - by_hand,
        "Refunded, not to the card": by_hand,
        disputed: payment.disputed,
    }
    backs = [(name, amount) for name, amount in gone.items() if amount]
    sums = [("Received", _money(payment.amount, money), not backs)]
    sums += [(name, _money(-amount, money), False) for name, amount in backs]
    if backs:
        sums.append(("Paid after that", _money(payment.amount - sum(amount for _, amount in backs), money), True))
    return Bill(
        organization=context.tenant.name,
        sender=parties.sender(context),
        title="Receipt",
        subject=context.client.legal_name,
        facts=[
            ("Client" if guest else "Received from", context.client.legal_name),
            ("Date", _day(_on_day(context, payment.succeeded_at))),
            ("Paid by", paid),
            ("Receipt number", payment.payment_id),
        ],
        tables=[Table(["For", "Amount"], rows, (70, 30), (1,))],
        sums=sums,
        notes=_notes(context),
        made_at=clock.parse(payment.succeeded_at),
    )


_SAYS = _STEPS | {Kind.VOID: "Made void", Kind.ADJUSTMENT: "Adjustment", Kind.WRITE_OFF: "Write-off"}


def _says(entry: LedgerEntry, numbers: Sequence[int]) -> str:
    """What an entry of a statement is, and of which invoices: "Card payment, invoices 1001 and 1002"."""
    kind = Kind(entry.entry)
    said = _PAYMENTS[entry.method or "other"] if kind is Kind.PAYMENT else _SAYS[kind]
    if not numbers:
        return said
    if kind is Kind.CHARGE:
        return f"{said} {numbers[0]}"
    first, last = ", ".join(map(str, numbers[:-1])), numbers[-1]
    return f"{said}, invoices {first} and {last}" if first else f"{said}, invoice {last}"


def _statement(context: Context, about: Mapping[str, str]) -> Bill:
    scene = books.read(context.tenant_id, context.client_id)
    currency = billing(context.tenant)["currency"]
    ordered = books.in_order(scene.entries)
    first, last = about["first_day"], about["last_day"]
    facts = [books.fact(each) for each in ordered]
    days = [_on_day(context, each.happened_at) for each in ordered]
    numbers = invoices.numbers(context, ordered)
    before = _balance([f for f, day in zip(facts, days, strict=True) if day < first])
    rows = [[_day(first), "Balance before", "", _money(before, currency)]]
    for position, (entry, day) in enumerate(zip(ordered, days, strict=True)):
        if not first <= day <= last:
            continue
        after = _balance(facts[: position + 1])
        what = _says(entry, numbers[str(entry.entry_id)])
        rows.append([_day(day), what, _money(after - before, currency), _money(after, currency)])
        before = after
    return Bill(
        organization=context.tenant.name,
        sender=parties.sender(context),
        title="Statement",
        subject=context.client.legal_name,
        facts=[("For", _billed_to(context)), ("Period", f"{_day(first)} to {_day(last)}")],
        tables=[Table(["Date", "What", "Amount", "Balance"], rows, (26, 48, 18, 18), (2, 3))],
        sums=[(f"Balance on {_day(last)}", _money(before, currency), True)],
        notes=_notes(context, "A negative balance is credit." if before < 0 else None),
        made_at=clock.parse(ordered[-1].recorded_at) if ordered else None,
    )


def _balance(facts: Sequence[Any]) -> int:
    found = fold(facts)
    return found.due - found.credit + found.debt


def _superbill(context: Context, about: Mapping[str, str]) -> Bill:
    """What a client hands in to their insurer: who treated, what with which codes, what for, what was paid."""
    invoice, said = _found(context, about)
    money = invoice.currency
    therapists = list(dict.fromkeys(line["therapist"] for line in said["lines"] if line.get("therapist")))
    rows = [
        [
            _day(line["service_on"]),
            line["code"] or "",
            line["description"],
            str(line["quantity"]),
            _money(line["quantity"] * line["amount"], money),
        ]
        for line in said["lines"]
    ]
    facts = [("Client", _billed_to(context))]
    facts += _born(context)
    facts += [("Provider", name) for name in _licensed(context, therapists)]
    facts.append(("Invoice", f"{int(invoice.number)}, issued {_day(invoice.issued_on)}"))
    if invoice.status == "void":  # an insurer is not to pay for what is owed no more
        facts.append(("Status", "Void"))
    facts += _diagnosed(said)
    return Bill(
        organization=context.tenant.name,
        sender=parties.sender(context),
        title="Superbill",
        subject=context.client.legal_name,
        facts=facts,
        tables=[Table(["Date", "Code", "Service", "Units", "Fee"], rows, (24, 12, 42, 10, 16), (3, 4))],
        sums=_superbill_sums(invoice, said),
        notes=_notes(context, "This is a statement for your insurer. It is not a bill."),
        made_at=clock.parse(invoice.issued_at),
    )


def _superbill_sums(invoice: Invoice, said: dict[str, Any]) -> Sums:
    """From the fees to what is due: each line that is not nothing."""
    changed = int(invoice.settled + invoice.balance - invoice.charge)
    sums = [*_taxed(invoice, said), ("Total fee", _money(invoice.total, invoice.currency), False)]
    if invoice.insurance:
        sums.append(("Expected from insurance", _money(-invoice.insurance, invoice.currency), False))
    if changed:
        name = "Made void" if invoice.status == "void" else "Adjusted or written off"
        sums.append((name, _money(changed, invoice.currency), False))
    sums.append(("Paid by the client", _money(invoice.settled, invoice.currency), True))
    sums.append(("Balance due", _money(invoice.balance, invoice.currency), False))
    return sums


def _born(context: Context) -> list[tuple[str, str]]:
    day = context.client.birth_date
    return [("Date of birth", _day(day))] if day else []


def _diagnosed(said: dict[str, Any]) -> list[tuple[str, str]]:
    codes = said.get("diagnoses")
    return [("Diagnoses (ICD-10)", ", ".join(codes))] if codes else []


def _licensed(context: Context, names: Sequence[str]) -> list[str]:
    """With their licences, as staff members have them now."""
    people = Staff.every(Staff.BY_TENANT, tenant_id=context.tenant_id)
    known = {each.name: each.credentials for each in people}
    return [f"{name}, {known[name]}" if known.get(name) else name for name in names]


_MADE = {"invoice": _invoice, "receipt": _receipt, "statement": _statement, "superbill": _superbill}
