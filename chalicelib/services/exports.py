"""Payments and invoices of a period as tables for spreadsheet programs: what the ledger says, row by row (DOMAIN.md 7).

    ask ─▶ making, queued ─▶ on_job: pages of the ledger ─▶ a part of the file in the bucket, and how far it is ─┬▶ …
                                                                                        no pages left: joined ◀──┘
                                                                                        ─▶ ready: a link for two minutes

A step holds one part and one page in memory, however many years there are. Who comes after a crash goes on behind the
last part that was noted. Where two workers met, and a part is not the one that was noted, all of it is made once more.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib import clock, ids
from chalicelib.adapters import documents as bucket
from chalicelib.adapters import queues, spreadsheets
from chalicelib.config import settings
from chalicelib.context import Actor, Context, Persona
from chalicelib.errors import InvalidBody, NotFound, PortalError
from chalicelib.models.clients import Client
from chalicelib.models.invoices import Export, Invoice, LedgerEntry
from chalicelib.models.table import at_keys, load
from chalicelib.models.tenants import Tenant
from chalicelib.models.transaction import Transaction, change
from chalicelib.observability import logger, where
from chalicelib.services import accounts, audits, idempotency

PAYMENTS, INVOICES = "payments", "invoices"
LONGEST = 366  # days
KEPT = timedelta(days=1)
AGAIN = timedelta(minutes=2)
SECONDS = 20.0  # how long one message works; the rest is another message's
MOST_NAMES = 2_000  # that are kept from page to page
HEADS: dict[str, list[str]] = {
    PAYMENTS: [
        "date", "client", "client_id", "entry", "method", "amount", "currency", "invoice_id", "payment_id", "by",
    ],
    INVOICES: [
        "number", "issued", "due", "status", "client", "client_id", "total", "insurance", "client_portion", "settled",
        "balance_due", "currency",
    ],
}  # fmt: skip


# ---- asking ----


def ask(context: Context, what: str, first_day: str, last_day: str) -> Export:
    """Have a table made of these days at the organization. Raises InvalidBody for a period, TooManyRequests."""
    if context.result:
        return get(context, context.result)
    _period(context.tenant, first_day, last_day)
    limit = settings.limit("prints_person")
    accounts.throttle(context.tenant_id, limit, context.now.timestamp(), "exports", context.actor.id)
    record = Export.new(
        tenant_id=context.tenant_id,
        export_id=ids.new_id(context.now),
        what=what,
        first_day=first_day,
        last_day=last_day,
        asked_by=context.actor.staff_id,
        asked_by_name=context.actor.name,
        status="making",
        etags=[],
        rows=0,
        created_at=clock.text(context.now),
        expires_at=int((context.now + KEPT).timestamp()),
        version=1,
    ).due(context.now + AGAIN)
    with Transaction() as tx:
        idempotency.remember(tx, context, record.export_id)
        tx.create(record)
        tx.create(audits.event(context, "billing:export", what=what, export_id=record.export_id))
    _queue(record)
    return record


def _queue(record: Export) -> None:
    try:
        queues.exports(record.tenant_id, record.export_id)
    except Exception as error:
        logger.warning("export_not_queued", error=where(error))


def get(context: Context, export_id: str) -> Export:
    """A table that somebody of the organization asked for. Raises NotFound, too, once its day is over: the bucket drops
    the file then."""
    found: Export | None = load((Export, {"tenant_id": context.tenant_id, "export_id": export_id}))[0]
    if found is None or found.expires_at <= context.now.timestamp():
        raise NotFound()
    return found


def link(context: Context, export_id: str) -> tuple[Export, str | None, datetime | None]:
    """The table and, once it is made, a link to it for two minutes; who takes one is audited, whoever asked for it.
    Raises NotFound."""
    record = get(context, export_id)
    if record.status != "ready":
        return record, None, None
    audits.record(context, "billing:export", what=record.what, export_id=export_id)
    name = f"{record.what}-{record.first_day}-to-{record.last_day}.csv"
    url, until = bucket.link(record.object_key, record.object_version, name, spreadsheets.MEDIA)
    return record, url, until


def _period(tenant: Tenant, first_day: str, last_day: str) -> tuple[str, str]:
    """The first instant of the first day and the first after the last, at the organization."""
    first, last = date.fromisoformat(first_day), date.fromisoformat(last_day)
    if not 0 <= (last - first).days < LONGEST:
        detail = "Choose a period of at most a year."
        raise InvalidBody(errors=[{"pointer": "/last_day", "code": "period", "detail": detail}])
    zone = ZoneInfo(tenant.zone)
    try:
        begin, end = (
            datetime(d.year, d.month, d.day, tzinfo=zone).astimezone(UTC) for d in (first, last + timedelta(days=1))
        )
    except OverflowError:  # before the first day that there is, or after the last
        raise InvalidBody(errors=[{"pointer": "/last_day", "code": "period", "detail": "Choose other days."}]) from None
    return clock.text(begin), clock.text(end)


# ---- making ----


class _Overtaken(PortalError):
    """Another worker is further."""


def make(tenant_id: str, export_id: str) -> None:
    """Go on with a table for a while; safe to repeat at any point, and by two workers at once."""
    ends = time.monotonic() + SECONDS
    about = {"tenant_id": tenant_id, "export_id": export_id}
    while True:
        record, tenant = load((Export, about), (Tenant, about))
        if record is None or tenant is None or record.status == "ready":
            return
        if time.monotonic() > ends:
            _queue(record)
            return
        try:
            _step(record, tenant)
        except _Overtaken:
            continue
        except bucket.UploadGone:  # joined by who died before it was noted, or never finished: made once more
            _again(record)


def _step(record: Export, tenant: Tenant) -> None:
    place = bucket.export_key(record.tenant_id, record.export_id)  # gone after a day, like its record
    if not record.upload_id:
        months = _months(*_period(tenant, record.first_day, record.last_day))
        _note(record, Export.upload_id.set(bucket.begin_parts(place, spreadsheets.MEDIA)), Export.month.set(months[0]))
    elif record.month:
        text, count, month, cursor = _part(record, tenant)
        etag = bucket.put_part(place, record.upload_id, len(record.etags) + 1, text)
        _note(
            record,
            Export.etags.set([*record.etags, etag]),
            Export.rows.add(count),
            Export.month.set(month) if month else Export.month.remove(),
            Export.cursor.set(cursor) if cursor else Export.cursor.remove(),
        )
    else:
        version = bucket.join_parts(place, record.upload_id, record.etags)
        ready = [Export.status.set("ready"), Export.object_key.set(place), Export.object_version.set(version)]
        _note(record, *ready, *record.due_next(None))


def _again(record: Export) -> None:
    try:
        gone = [each.remove() for each in (Export.upload_id, Export.month, Export.cursor)]
        _note(record, *gone, Export.etags.set([]), Export.rows.set(0))
    except _Overtaken:
        return


def _note(record: Export, *actions: Any) -> None:
    change(
        record, *actions, Export.version.add(1), when=Export.version == record.version, otherwise=_Overtaken()
    )  # fmt: skip


def sweep(pk: str, sk: str, now: datetime) -> None:
    """A table that should be there by now: queued again, for a day."""
    for record in at_keys([(pk, sk)], consistent=True):
        over = record.status == "ready" or record.expires_at < now.timestamp()
        change(record, *record.due_next(None if over else now + AGAIN))
        if not over:
            _queue(record)


# ---- its rows ----


def _months(begin: str, end: str) -> list[str]:
    """The months, as the ledger names them, that have something between these instants."""
    month = clock.parse(begin).astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    found = []
    while clock.text(month) < end:
        found.append(f"{month:%Y%m}")
        month = (month + timedelta(days=32)).replace(day=1)
    return found


def _part(record: Export, tenant: Tenant) -> tuple[bytes, int, str | None, str | None]:
    """The next part of the file, at least as large as S3 wants one, and how many rows it has; and where the one after
    it begins (month and cursor; no month: this is the last)."""
    begin, end = _period(tenant, record.first_day, record.last_day)
    months = _months(begin, end)
    actor = Actor("staff", record.asked_by, record.asked_by_name)
    context = Context(record.tenant_id, actor, clock.now(), Persona.JOBS, tenant=tenant)
    written, count = bytearray(), 0
    if not record.etags:
        written += (spreadsheets.BOM + spreadsheets.lines([HEADS[record.what]])).encode()
    month: str | None = record.month
    cursor: str | None = record.cursor
    names: dict[str, str] = {}
    while month and len(written) < settings.export_part_bytes:
        about: dict[str, Any] = {"tenant_id": record.tenant_id, "year_month": month}
        page = LedgerEntry.page(
            LedgerEntry.BY_MONTH, limit=settings.export_page, newest_first=False, cursor=cursor, **about
        )  # fmt: skip
        if record.what == PAYMENTS:
            rows = list(_payments(context, [each for each in page.items if begin <= each.happened_at < end], names))
        else:
            rows = list(_invoices(context, _issued(record, page.items), names))
        written += spreadsheets.lines(rows).encode()
        count += len(rows)
        cursor = page.next_cursor
        if cursor is None:
            month = next((each for each in months if each > month), None)
    return bytes(written), count, month, cursor


def _payments(context: Context, found: Sequence[LedgerEntry], names: dict[str, str]) -> Iterator[Sequence[str]]:
    """Every entry of the ledger, month by month as they were recorded. Amounts have their sign for the practice: money
    in is positive, money out negative."""
    _learn(context, (str(each.client_id) for each in found), names)
    zone = ZoneInfo(context.tenant.zone)
    for each in found:
        day = clock.parse(each.happened_at).astimezone(zone).date().isoformat()
        yield [
            day, names.get(str(each.client_id), ""), each.client_id, each.entry, each.method or "",
            decimal(sign(each) * int(each.amount)), each.currency, each.invoice_id or "", each.payment_id or "",
            each.recorded_by_name or each.recorded_by,
        ]  # fmt: skip


def sign(entry: LedgerEntry) -> int:
    """Refunds and disputes are the practice's minus, and what is owed no more: write-offs, voids."""
    return -1 if entry.entry in ("refund", "dispute", "write_off", "void") else 1


def _issued(record: Export, entries: Iterable[LedgerEntry]) -> list[Invoice]:
    """The invoices that were issued on these days: each has its one charge in the ledger, in the order of numbers."""
    charges = [each for each in entries if each.entry == "charge"]
    found = load(
        *(
            (Invoice, {"tenant_id": each.tenant_id, "client_id": each.client_id, "invoice_id": each.invoice_id})
            for each in charges
        )
    )
    mine = [each for each in found if each is not None and record.first_day <= each.issued_on <= record.last_day]
    return sorted(mine, key=lambda each: int(each.number))


def _invoices(context: Context, found: Sequence[Invoice], names: dict[str, str]) -> Iterator[Sequence[str]]:
    _learn(context, (str(each.client_id) for each in found), names)
    for each in found:
        amounts = [decimal(int(a)) for a in (each.total, each.insurance, each.charge, each.settled, each.balance)]
        yield [
            str(int(each.number)), each.issued_on, each.due_on or "", each.status,
            names.get(str(each.client_id), ""), each.client_id, *amounts, each.currency,
        ]  # fmt: skip


def decimal(amount: int) -> str:
    """Minor units as a number with two decimals."""
    return f"{'-' if amount < 0 else ''}{abs(amount) // 100}.{abs(amount) % 100:02d}"


def _learn(context: Context, client_ids: Iterable[str], names: dict[str, str]) -> None:
    """The names of these clients besides those that are known; whose names go into the file is audited."""
    if len(names) > MOST_NAMES:
        names.clear()
    wanted = [each for each in dict.fromkeys(client_ids) if each not in names]
    for first in range(0, len(wanted), 100):
        few = wanted[first : first + 100]
        found = load(*((Client, {"tenant_id": context.tenant_id, "client_id": each}) for each in few))
        names |= {each.client_id: each.legal_name for each in found if each is not None}
        audits.record(context, "billing:export", client_ids=few)
