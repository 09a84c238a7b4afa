"""Adding to a client's ledger: the one place where entries, balances and how invoices stand are written.

    post ─▶ read the open entries ─▶ plan (what to add, given how things stand) ─▶ one transaction:
      ▲        entries, each once · the ledger under its version · every invoice that stands differently now · each
      │        attempt that asks for more than is due by then, to be closed ─▶ on_payment closes it
      └─ somebody added something meanwhile, or it is about what is at rest: read and plan again, then with the entries
         of those invoices besides, or with all

So adding costs the same however long the past is: the head names the entries that balances depend on (ledger.open), and
an invoice those that are about it.

An entry whose id is there already is not added again, so telling a fact twice is telling it once.

A head that was written is due within a day: on_payment then makes all of it again from all entries, and what differs
alarms. An organization's ledgers are looked at over the whole day, each at an hour of its own.
"""

import contextlib
import random
import time
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from chalicelib import clock, ids
from chalicelib.adapters import keys, queues
from chalicelib.errors import Busy
from chalicelib.ledger.books import Account, Books, fold
from chalicelib.ledger.course import facts_of
from chalicelib.ledger.entries import Entry, Kind
from chalicelib.ledger.open import Beyond, OpenBooks, open_facts, reaches_beyond
from chalicelib.models.invoices import Invoice, Ledger, LedgerEntry
from chalicelib.models.payments import Payment
from chalicelib.models.table import at_keys, load
from chalicelib.models.transaction import Moved, Transaction, change

TRIES = 12
DAY = timedelta(days=1)
AGAIN = timedelta(hours=1)  # what was handed to on_payment and is due still is handed to it again
MOST_NAMED = 40  # so many entries are named by an invoice that is about them
MOST_OPEN = 90  # so many entries are read by their ids, at once with what else is needed
ISSUED = ("open", "paid", "void")


@dataclass(frozen=True)
class Scene:
    """A client's ledger as it was read. Where only the open entries were (`partial`), `books` raises Beyond for what is
    at rest, and the plan is asked again with all of them."""

    head: Ledger | None
    entries: Sequence[LedgerEntry]
    books: Books
    partial: bool = False

    @property
    def known(self) -> set[str]:
        """The ids of what is there."""
        return {str(each.entry_id) for each in self.entries}


@dataclass(frozen=True)
class Posting:
    """What to add. `invoices`: those that are changed besides, as they shall be, with the version that was read (None:
    new). `write`: what else belongs into the transaction; it comes first, so that a repeat is seen as such."""

    entries: Sequence[LedgerEntry] = ()
    invoices: Mapping[str, tuple[Invoice, int | None]] = field(default_factory=dict)
    write: Callable[[Transaction, Books], None] | None = None


def read(tenant_id: str, client_id: str) -> Scene:
    """The ledger of a client: strongly consistent, the head first, so that entries are never older than it."""
    (head,) = load((Ledger, {"tenant_id": tenant_id, "client_id": client_id}))
    entries = list(LedgerEntry.every(LedgerEntry.KEY, consistent=True, tenant_id=tenant_id, client_id=client_id))
    return Scene(head, entries, fold(fact(each) for each in entries))


def _read_open(tenant_id: str, client_id: str) -> Scene:
    """The part of the ledger that balances depend on, as the head has it; all of it where the head does not say.
    Entries are never changed, so they are as old as the head."""
    about = {"tenant_id": tenant_id, "client_id": client_id}
    (head,) = load((Ledger, about))
    if head is None or head.open is None:
        return read(tenant_id, client_id)
    found = load(*((LedgerEntry, {**about, "entry_id": each}) for each in head.open)) if head.open else []
    if any(each is None for each in found):
        return read(tenant_id, client_id)
    return Scene(head, found, _open_books(fold(fact(each) for each in found)), partial=True)


def _read_around(tenant_id: str, client_id: str, invoices: Iterable[str]) -> Scene:
    """The open part, and what is at rest of these invoices and of those that they share payments with; all of the
    ledger where an invoice does not say which entries those are, or where they do not make what it is due."""
    scene, more = _read_open(tenant_id, client_id), set(invoices)
    if not scene.partial or not more:
        return read(tenant_id, client_id)
    about = {"tenant_id": tenant_id, "client_id": client_id}
    known = {str(each.entry_id): each for each in scene.entries}
    seen: dict[str, Invoice] = {}
    while more:
        found = load(*((Invoice, {**about, "invoice_id": each}) for each in more))
        if any(each is None or each.facts is None for each in found) or len(seen) + len(found) > MOST_NAMED:
            return read(tenant_id, client_id)
        seen |= {str(each.invoice_id): each for each in found}
        named = {each for invoice in found for each in (charge_of(invoice), *invoice.facts)} - known.keys()
        entries = load(*((LedgerEntry, {**about, "entry_id": each}) for each in named)) if named else []
        if any(each is None for each in entries):
            return read(tenant_id, client_id)
        known |= {str(each.entry_id): each for each in entries}
        more = {str(invoice) for each in entries for invoice, _ in each.shares or ()} - seen.keys()
    books = fold(fact(each) for each in known.values())
    if any(books.account(each).due != invoice.balance for each, invoice in seen.items()):
        return read(tenant_id, client_id)
    return Scene(scene.head, list(known.values()), _open_books(books), partial=True)


def _open_books(books: Books) -> OpenBooks:
    return OpenBooks(books.accounts, books.receipts, books.credit, books.debt)


def differs(tenant_id: str, client_id: str) -> bool:
    """Whether a client's ledger says anything else than its entries; it then forgets which of them are open, so that
    whoever adds the next one reads all. It is not due again until it changes."""
    for _ in range(TRIES):
        scene = read(tenant_id, client_id)
        if scene.head is None or int(scene.head.entries) == len(scene.entries):
            break  # otherwise an entry came between the two reads
    if scene.head is None:
        return bool(scene.entries)
    head, books, facts = scene.head, scene.books, [fact(each) for each in scene.entries]
    sums = (books.due, books.credit, books.debt, len(facts))
    same = (int(head.balance), int(head.credit), int(head.debt), int(head.entries)) == sums
    good = same and (head.open is None or set(head.open) == open_facts(facts))
    if good and not head.duepk:
        return False
    forgotten = [] if good else [Ledger.open.remove(), Ledger.version.add(1)]
    seen = Ledger.version == head.version
    with contextlib.suppress(Moved):  # whoever was faster has made it due again
        change(head, *forgotten, *head.due_next(None), when=seen, otherwise=Moved())
    return not good


def _due_at(client_id: str, at: datetime) -> datetime:
    """When a ledger that is changed now is looked at: the next time that it is this client's second of the day."""
    day = datetime(at.year, at.month, at.day, tzinfo=UTC)
    first = day + timedelta(seconds=zlib.crc32(client_id.encode()) % int(DAY.total_seconds()))
    return first if first > at else first + DAY


def sweep(pk: str, sk: str, now: datetime) -> None:
    """A ledger that was changed since it was looked at: on_payment looks at it, and it is due until that is done."""
    for head in at_keys([(pk, sk)], consistent=True):
        change(head, *head.due_next(now + AGAIN))
        queues.payments(head.tenant_id, "ledger", client_id=str(head.client_id))


_RANKS = {Kind.CHARGE: 0, Kind.PAYMENT: 1, Kind.REFUND_FAILED: 3, Kind.DISPUTE_WON: 3, Kind.DISPUTE_LOST: 3}


def in_order(entries: Iterable[LedgerEntry]) -> list[LedgerEntry]:
    """As they happened, oldest first. Stripe counts in seconds: within one, a cause comes before what follows."""

    def place(each: LedgerEntry) -> tuple[str, int, str, str]:
        at = str(each.happened_at)
        return at[: len("2026-11-25T10:00:00")], _RANKS.get(Kind(each.entry), 2), at, str(each.entry_id)

    return sorted(entries, key=place)


def fact(record: LedgerEntry) -> Entry:
    """What an entry says."""
    return Entry(
        kind=Kind(record.entry),
        entry_id=str(record.entry_id),
        amount=int(record.amount),
        invoice_id=record.invoice_id,
        payment_id=record.payment_id,
        of=record.of,
        shares=tuple((str(invoice), int(amount)) for invoice, amount in record.shares or ()),
    )


def entry(
    tenant_id: str,
    client_id: str,
    kind: Kind,
    entry_id: str,
    *,
    amount: int,
    currency: str,
    happened_at: datetime,
    recorded_at: datetime,
    by: str,
    by_name: str | None = None,
    words: Mapping[str, str | None] | None = None,
    **more: Any,
) -> LedgerEntry:
    """A fact to be added; `words` are what a person wrote about it, encrypted."""
    record = LedgerEntry.new(
        tenant_id=tenant_id,
        client_id=client_id,
        entry_id=entry_id,
        year_month=f"{happened_at:%Y%m}",
        entry=kind.value,
        amount=amount,
        currency=currency,
        happened_at=clock.text(happened_at),
        recorded_at=clock.text(recorded_at),
        recorded_by=by,
        recorded_by_name=by_name,
        **more,
    )
    said = {name: text for name, text in (words or {}).items() if text}
    if said:
        record.words = keys.encrypt(tenant_id, said, record.sk)
    return record


def words(record: LedgerEntry) -> dict[str, str]:
    """What a person wrote about an entry: reason, reference."""
    said: dict[str, str] = keys.decrypt(record.tenant_id, record.words, record.sk) if record.words else {}
    return said


def id_of(kind: Kind, cause: str, at: datetime) -> str:
    """The id of the entry that this cause makes, the same whenever it is told."""
    return ids.derived_id(kind.value, cause, at=at)


def post(
    tenant_id: str, client_id: str, at: datetime, plan: Callable[[Scene], Posting], about: Iterable[str] = ()
) -> Books:
    """Add what `plan` says, all or nothing; how the client stands then. `plan` may be asked more than once, and may
    raise what it likes. `about`: the invoices that it is about, as far as they may be at rest. Raises Busy when others
    are faster a dozen times."""
    from chalicelib.services import payments

    reading: Callable[[str, str], Scene] = _read_open
    wider = iter((partial(_read_around, invoices=about), read))
    for attempt in range(TRIES):
        scene = reading(tenant_id, client_id)
        try:
            posting = plan(scene)
            fresh = [each for each in posting.entries if each.entry_id not in scene.known]
            after = _after(tenant_id, client_id, scene, fresh)
            closing = _write(tenant_id, client_id, at, scene, posting, fresh, after)
        except Beyond:
            reading = next(wider)
            continue
        except Moved:
            time.sleep(random.uniform(0, 0.02 * 2 ** min(attempt, 5)))  # noqa: S311
            continue
        for each in closing:
            payments.look_soon(each)
        return after
    raise Busy(retry_after=1)


def _after(tenant_id: str, client_id: str, scene: Scene, fresh: Sequence[LedgerEntry]) -> Books:
    """How the client stands with these entries. Raises Beyond where what was read is not enough to say so: they are
    about something at rest, or are at rest already."""
    books = fold(fact(each) for each in (*scene.entries, *fresh))
    if not scene.partial:
        return books
    if reaches_beyond([fact(each) for each in fresh], [fact(each) for each in scene.entries]):
        raise Beyond
    if fresh and any(_there(tenant_id, client_id, fresh)):
        raise Beyond
    return _open_books(books)


def are_there(tenant_id: str, client_id: str, entries: Sequence[LedgerEntry]) -> bool:
    """Whether all of these were added already: then they stay."""
    return all(_there(tenant_id, client_id, entries))


def _there(tenant_id: str, client_id: str, entries: Sequence[LedgerEntry]) -> list[Any]:
    about = {"tenant_id": tenant_id, "client_id": client_id}
    return load(*((LedgerEntry, {**about, "entry_id": each.entry_id}) for each in entries))


def _write(
    tenant_id: str,
    client_id: str,
    at: datetime,
    scene: Scene,
    posting: Posting,
    fresh: Sequence[LedgerEntry],
    after: Books,
) -> list[Payment]:
    """One transaction; the payments whose pages are to be closed because of it."""
    from chalicelib.services import payments

    before = scene.books.accounts
    moved = [each for each, account in after.accounts.items() if account != before.get(each, Account())]
    about, added = facts_of(fact(each) for each in (*scene.entries, *fresh)), {str(each.entry_id) for each in fresh}
    told_of = [each for each, facts in about.items() if facts & added]
    invoices = _loaded(tenant_id, client_id, dict.fromkeys((*moved, *told_of)), posting.invoices)
    standing = {
        each: (_naming(projected(invoice, after.account(each), at, seen), about.get(each, set())), seen)
        for each, (invoice, seen) in invoices.items()
    }
    closing = _asking_too_much(tenant_id, client_id, [invoice for invoice, _ in standing.values()])
    with Transaction() as tx:
        if posting.write is not None:
            posting.write(tx, after)
        for each in fresh:
            tx.create(each, otherwise=Moved())
        if fresh:
            _put_head(tx, tenant_id, client_id, scene, after, fresh)
        for invoice, seen in standing.values():
            if seen is None:
                tx.create(invoice, otherwise=Moved())
            else:
                tx.put(invoice, when=Invoice.version == seen, otherwise=Moved())
        for payment in closing:
            new = payments.changed(payment, closing=True)
            tx.put(new, when=Payment.version == payment.version, otherwise=Moved())
    return closing


def _asking_too_much(tenant_id: str, client_id: str, invoices: Iterable[Invoice]) -> list[Payment]:
    """The attempts that ask for more than one of these invoices is due: before a Checkout page, or to charge a card of
    which nobody knows yet whether it was. What an invoice names as its open attempt is that one, since it is written
    under its version."""
    from chalicelib.services import payments

    due = {str(each.invoice_id): int(each.balance) for each in invoices if each.payment_id}
    wanted = dict.fromkeys(str(each.payment_id) for each in invoices if each.payment_id)
    about = {"tenant_id": tenant_id, "client_id": client_id}
    found = load(*((Payment, {**about, "payment_id": each}) for each in wanted)) if wanted else []
    return [
        each
        for each in found
        if each is not None
        and each.status in (payments.STARTING, payments.OPEN)
        and any(amount > due.get(invoice_id, amount) for invoice_id, amount in each.shares)
    ]


def _loaded(
    tenant_id: str, client_id: str, moved: Iterable[str], given: Mapping[str, tuple[Invoice, int | None]]
) -> dict[str, tuple[Invoice, int | None]]:
    about = {"tenant_id": tenant_id, "client_id": client_id}
    wanted = [each for each in moved if each not in given]
    found = load(*((Invoice, {**about, "invoice_id": each}) for each in wanted))
    return {**given, **{each.invoice_id: (each, int(each.version)) for each in found if each is not None}}


def _put_head(
    tx: Transaction, tenant_id: str, client_id: str, scene: Scene, after: Books, fresh: Sequence[LedgerEntry]
) -> None:
    seen = int(scene.head.version) if scene.head is not None else 0
    there = int(scene.head.entries) if scene.partial and scene.head is not None else len(scene.entries)
    still_open = sorted(open_facts(fact(each) for each in (*scene.entries, *fresh)))
    head = Ledger.new(
        tenant_id=tenant_id,
        client_id=client_id,
        balance=after.due,
        credit=after.credit,
        debt=after.debt,
        entries=there + len(fresh),
        open=still_open if len(still_open) <= MOST_OPEN else None,
        version=seen + 1,
    ).due(_due_at(client_id, clock.now()))
    tx.put(head, when=Ledger.version == seen if seen else Ledger.pk.does_not_exist(), otherwise=Moved())


def projected(invoice: Invoice, account: Account, at: datetime, seen: int | None) -> Invoice:
    """The invoice as the ledger has it now, a version later."""
    if invoice.status not in ISSUED:
        return changed(invoice, seen)
    status = "void" if invoice.status == "void" else "open" if account.due else "paid"
    settled_at = None if status == "open" else invoice.settled_at or clock.text(at)
    moved = invoice.moved or bool(account.settled) or account.due != invoice.charge or None
    sums = {"balance": account.due, "settled": account.settled}
    return changed(invoice, seen, status=status, settled_at=settled_at, moved=moved, **sums)


def charge_of(invoice: Invoice) -> str:
    """The id of the entry that charged it."""
    return id_of(Kind.CHARGE, invoice.invoice_id, clock.parse(invoice.issued_at))


def _naming(invoice: Invoice, facts: set[str]) -> Invoice:
    """The invoice with the entries that are about it besides its charge, those that it named before among them. Once
    they were too many it names none."""
    if invoice.facts is not None:
        new = sorted({*invoice.facts, *facts} - {charge_of(invoice)})
        invoice.facts = new if len(new) <= MOST_NAMED else None
    return invoice


def with_values(invoice: Invoice, **values: Any) -> Invoice:
    """The same invoice with these values, for a posting that changes it."""
    for name, value in values.items():
        setattr(invoice, name, value)
    return invoice


_DERIVED = {"pk", "sk", "gsi1pk", "gsi1sk", "gsi2pk", "gsi2sk", "duepk", "duesk", "kind", "version", "phase"}
_PHASES = {"open": "open", "paid": "settled", "void": "settled", "draft": "draft", "given": "estimate"}


def changed(invoice: Invoice, seen: int | None, **values: Any) -> Invoice:
    """The invoice with these values and all keys that follow from them; its version is the one after `seen`."""
    kept = {name: value for name, value in invoice.values().items() if name not in _DERIVED}
    new = {**kept, **values}
    return Invoice.new(**new, phase=_PHASES[new["status"]], version=(seen or 0) + 1)
