"""Payments and invoices of a period as tables for spreadsheet programs: what the ledger says, row by row."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib import clock
from chalicelib.adapters import spreadsheets
from chalicelib.context import Context
from chalicelib.errors import InvalidBody
from chalicelib.models.clients import Client
from chalicelib.models.invoices import Invoice, LedgerEntry
from chalicelib.models.table import load
from chalicelib.services import audits

LONGEST = 366  # days


def _period(context: Context, first_day: str, last_day: str) -> tuple[str, str]:
    """The first instant of the first day and the first after the last, at the organization."""
    first, last = date.fromisoformat(first_day), date.fromisoformat(last_day)
    if not 0 <= (last - first).days < LONGEST:
        detail = "Choose a period of at most a year."
        raise InvalidBody(errors=[{"pointer": "/last_day", "code": "period", "detail": detail}])
    zone = ZoneInfo(context.tenant.zone)
    begin, end = (datetime(d.year, d.month, d.day, tzinfo=zone) for d in (first, last + timedelta(days=1)))
    return clock.text(begin), clock.text(end)


def entries(context: Context, first_day: str, last_day: str) -> list[LedgerEntry]:
    """The ledger's entries of these days, oldest first."""
    begin, end = _period(context, first_day, last_day)
    found: list[LedgerEntry] = []
    month = clock.parse(begin).astimezone(UTC).replace(day=1)
    while clock.text(month.replace(hour=0, minute=0, second=0)) < end:
        about: dict[str, Any] = {"tenant_id": context.tenant_id, "year_month": f"{month:%Y%m}"}
        found += LedgerEntry.every(LedgerEntry.BY_MONTH, **about)
        month = (month + timedelta(days=32)).replace(day=1)
    return sorted((e for e in found if begin <= e.happened_at < end), key=lambda e: (e.happened_at, e.entry_id))


def payments(context: Context, first_day: str, last_day: str) -> str:
    """Every entry of the ledger of these days as CSV. Amounts are minor units with their sign for the practice: money
    in is positive, money out negative."""
    found = entries(context, first_day, last_day)
    names = _names(context, [str(each.client_id) for each in found])
    audits.record(context, "billing:export", what="payments")
    head = ["date", "client", "client_id", "entry", "method", "amount", "currency", "invoice_id", "payment_id", "by"]
    zone = ZoneInfo(context.tenant.zone)

    def rows() -> Iterator[Sequence[str]]:
        yield head
        for each in found:
            day = clock.parse(each.happened_at).astimezone(zone).date().isoformat()
            yield [
                day, names.get(str(each.client_id), ""), each.client_id, each.entry, each.method or "",
                decimal(sign(each) * int(each.amount)), each.currency, each.invoice_id or "", each.payment_id or "",
                each.recorded_by_name or each.recorded_by,
            ]  # fmt: skip

    return spreadsheets.write(rows())


def sign(entry: LedgerEntry) -> int:
    """Refunds and disputes are the practice's minus, and what is owed no more: write-offs, voids."""
    return -1 if entry.entry in ("refund", "dispute", "write_off", "void") else 1


def invoices(context: Context, first_day: str, last_day: str) -> str:
    """The invoices that were issued on these days as CSV."""
    _period(context, first_day, last_day)
    found: list[Invoice] = []
    for status in ("open", "paid", "void"):
        found += [
            each
            for each in Invoice.every(Invoice.BY_TENANT, tenant_id=context.tenant_id, status=status)
            if first_day <= (each.issued_on or "") <= last_day
        ]
    found.sort(key=lambda each: int(each.number))
    names = _names(context, [str(each.client_id) for each in found])
    audits.record(context, "billing:export", what="invoices")
    head = ["number", "issued", "due", "status", "client", "client_id", "total", "insurance", "client_portion"]
    head += ["settled", "balance_due", "currency"]

    def rows() -> Iterator[Sequence[str]]:
        yield head
        for each in found:
            amounts = [decimal(int(a)) for a in (each.total, each.insurance, each.charge, each.settled, each.balance)]
            yield [
                str(int(each.number)), each.issued_on, each.due_on or "", each.status,
                names.get(str(each.client_id), ""), each.client_id, *amounts, each.currency,
            ]  # fmt: skip

    return spreadsheets.write(rows())


def decimal(amount: int) -> str:
    """Minor units as a number with two decimals."""
    return f"{'-' if amount < 0 else ''}{abs(amount) // 100}.{abs(amount) % 100:02d}"


def _names(context: Context, client_ids: Sequence[str]) -> dict[str, str]:
    wanted = list(dict.fromkeys(client_ids))
    names: dict[str, str] = {}
    for first in range(0, len(wanted), 100):
        few = wanted[first : first + 100]
        found = load(*((Client, {"tenant_id": context.tenant_id, "client_id": each}) for each in few))
        names |= {each.client_id: each.legal_name for each in found if each is not None}
        audits.record(context, "billing:export", client_ids=few)
    return names
