"""Adding to a client's ledger: the one place where entries, balances and how invoices stand are written.

    post ─▶ read all entries ─▶ plan (what to add, given how things stand) ─▶ one transaction:
      ▲        entries, each once · the ledger under its version · every invoice that stands differently now · each
      │        Checkout page that asks for more than is due by then, to be closed ─▶ on_payment closes it
      └─ somebody added something meanwhile: read and plan again

An entry whose id is there already is not added again, so telling a fact twice is telling it once.
"""

import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chalicelib import clock, ids
from chalicelib.adapters import keys
from chalicelib.errors import Busy, PortalError
from chalicelib.ledger.books import Account, Books, fold
from chalicelib.ledger.entries import Entry, Kind
from chalicelib.models.invoices import Invoice, Ledger, LedgerEntry
from chalicelib.models.payments import Payment
from chalicelib.models.table import load
from chalicelib.models.transaction import Transaction

TRIES = 12
ISSUED = ("open", "paid", "void")


class Moved(PortalError):
    """Somebody changed something that the plan depends on: read and plan again."""


@dataclass(frozen=True)
class Scene:
    """A client's ledger as it was read."""

    head: Ledger | None
    entries: Sequence[LedgerEntry]
    books: Books

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


def post(tenant_id: str, client_id: str, at: datetime, plan: Callable[[Scene], Posting]) -> Books:
    """Add what `plan` says, all or nothing; how the client stands then. `plan` may be asked more than once, and may
    raise what it likes. Raises Busy when others are faster a dozen times."""
    from chalicelib.services import payments

    for attempt in range(TRIES):
        scene = read(tenant_id, client_id)
        posting = plan(scene)
        fresh = [each for each in posting.entries if each.entry_id not in scene.known]
        after = fold(fact(each) for each in (*scene.entries, *fresh))
        try:
            closing = _write(tenant_id, client_id, at, scene, posting, fresh, after)
        except Moved:
            time.sleep(random.uniform(0, 0.02 * 2 ** min(attempt, 5)))  # noqa: S311
            continue
        for each in closing:
            payments.look_soon(each)
        return after
    raise Busy(retry_after=1)


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

    moved = [each for each in after.accounts if after.account(each) != scene.books.account(each)]
    invoices = _loaded(tenant_id, client_id, moved, posting.invoices)
    standing = {
        each: (projected(invoice, after.account(each), at, seen), seen) for each, (invoice, seen) in invoices.items()
    }
    closing = _asking_too_much(tenant_id, client_id, [invoice for invoice, _ in standing.values()])
    with Transaction() as tx:
        if posting.write is not None:
            posting.write(tx, after)
        for each in fresh:
            tx.create(each, otherwise=Moved())
        if fresh:
            _put_head(tx, tenant_id, client_id, scene, after, len(fresh))
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
    """The attempts before a Checkout page that ask for more than one of these invoices is due. What an invoice names
    as its open attempt is that one, since it is written under its version."""
    from chalicelib.services import payments

    due = {str(each.invoice_id): int(each.balance) for each in invoices if each.payment_id}
    wanted = dict.fromkeys(str(each.payment_id) for each in invoices if each.payment_id)
    about = {"tenant_id": tenant_id, "client_id": client_id}
    found = load(*((Payment, {**about, "payment_id": each}) for each in wanted)) if wanted else []
    return [
        each
        for each in found
        if each is not None
        and each.way in payments.PRESENT
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


def _put_head(tx: Transaction, tenant_id: str, client_id: str, scene: Scene, after: Books, added: int) -> None:
    seen = int(scene.head.version) if scene.head is not None else 0
    head = Ledger.new(
        tenant_id=tenant_id,
        client_id=client_id,
        balance=after.due,
        credit=after.credit,
        debt=after.debt,
        entries=len(scene.entries) + added,
        version=seen + 1,
    )
    tx.put(head, when=Ledger.version == seen if seen else Ledger.pk.does_not_exist(), otherwise=Moved())


def projected(invoice: Invoice, account: Account, at: datetime, seen: int | None) -> Invoice:
    """The invoice as the ledger has it now, a version later."""
    if invoice.status not in ISSUED:
        return changed(invoice, seen)
    status = "void" if invoice.status == "void" else "open" if account.due else "paid"
    settled_at = None if status == "open" else invoice.settled_at or clock.text(at)
    return changed(
        invoice, seen, status=status, balance=account.due, settled=account.settled, settled_at=settled_at
    )  # fmt: skip


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
