"""Which facts later balances still depend on.

Invoices and payments that name each other belong together. Such a group is at rest when its invoices are paid to the
cent by money of its own: it gives no credit, uses none, and owes nothing. What is at rest changes no other balance, so
that whoever adds facts about something else can leave it out. A fact about something that is at rest needs all facts.
"""

from collections.abc import Iterable, Sequence

from chalicelib.ledger.books import Account, Books, Receipts, fold
from chalicelib.ledger.entries import Entry, Kind


class Beyond(Exception):
    """What was asked for is not among the open facts: all are needed."""


class OpenBooks(Books):
    """Balances from the open facts alone: credit, debt and what is due are the whole truth, and of an invoice or a
    payment that is at rest they know nothing. Raises Beyond rather than say so."""

    def account(self, invoice_id: str) -> Account:
        """How an open invoice stands."""
        if invoice_id not in self.accounts:
            raise Beyond
        return super().account(invoice_id)

    def receipt(self, payment_id: str) -> Receipts:
        """How an open payment stands."""
        if payment_id not in self.receipts:
            raise Beyond
        return super().receipt(payment_id)


def open_facts(facts: Iterable[Entry]) -> set[str]:
    """The ids of the facts that are not at rest."""
    known = {each.entry_id: each for each in facts}
    groups = _groups(known)
    books = fold(known.values())
    found: set[str] = set()
    for members in groups:
        if not _rests(members, books):
            found |= {each.entry_id for each in members}
    return found


def reaches_beyond(fresh: Sequence[Entry], there: Iterable[Entry]) -> bool:
    """Whether these facts are about something that the facts that are there do not hold, and these do not begin."""
    known = [*there, *fresh]
    invoices = {each.invoice_id for each in known if each.kind is Kind.CHARGE}
    payments = {each.payment_id for each in known if each.kind is Kind.PAYMENT}
    ids = {each.entry_id for each in known}
    return any(
        (each.invoice_id is not None and each.invoice_id not in invoices)
        or (each.payment_id is not None and each.payment_id not in payments)
        or (each.of is not None and each.of not in ids)
        or any(invoice_id not in invoices for invoice_id, _ in each.shares)
        for each in fresh
    )


def _groups(known: dict[str, Entry]) -> list[list[Entry]]:
    """Facts that are about the same invoices and payments, directly or through others."""
    leader: dict[str, str] = {}

    def find(name: str) -> str:
        while leader.setdefault(name, name) != name:
            leader[name] = name = leader[leader[name]]
        return name

    names: dict[str, list[str]] = {}
    for each in known.values():
        about = [f"i{invoice_id}" for invoice_id, _ in each.shares]
        about += [f"i{each.invoice_id}"] if each.invoice_id is not None else []
        about += [f"p{each.payment_id}"] if each.payment_id is not None else []
        about += [f"e{each.of}"] if each.of is not None else []
        names[each.entry_id] = [f"e{each.entry_id}", *about]
        for other in about:
            leader[find(other)] = find(f"e{each.entry_id}")
    found: dict[str, list[Entry]] = {}
    for each in known.values():
        found.setdefault(find(names[each.entry_id][0]), []).append(each)
    return list(found.values())


def _rests(members: Sequence[Entry], books: Books) -> bool:
    if any(each.kind is Kind.CREDIT for each in members) or reaches_beyond(members, ()):
        return False
    invoices = {each.invoice_id for each in members if each.kind is Kind.CHARGE}
    if any(books.account(str(each)).owed != books.account(str(each)).paid for each in invoices):
        return False
    receipts = [(each, books.receipt(str(each.payment_id))) for each in members if each.kind is Kind.PAYMENT]
    meant = sum(books.account(str(each)).paid for each in invoices)
    if sum(receipt.kept for _, receipt in receipts) != meant:
        return False  # some of it is meant for no invoice, or more went back than came
    return all(receipt.disputed == receipt.lost for _, receipt in receipts)
