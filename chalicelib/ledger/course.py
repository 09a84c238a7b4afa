"""What became of one invoice, step by step: what its sheet says between the client's portion and what is due.

The steps and the charge add up to `left`; what is due is that, and where it is negative, so much is credit.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chalicelib.ledger.books import fold
from chalicelib.ledger.entries import Entry, Kind


@dataclass(frozen=True)
class Step:
    """By how much one fact changed what is left of an invoice: money that comes in lowers it."""

    entry_id: str
    change: int


def facts_of(facts: Iterable[Entry]) -> dict[str, set[str]]:
    """Of each invoice the ids of the facts that are about it: its own, the payments that name it, and what became of
    those. Its course follows from these alone, unless credit was applied to it: that depends on all of the client's."""
    known = {each.entry_id: each for each in facts}
    named = {each.payment_id: [invoice for invoice, _ in each.shares] for each in known.values() if each.shares}
    found: dict[str, set[str]] = defaultdict(set)
    for each in known.values():
        cause = known.get(each.of, each) if each.of is not None else each
        for invoice in [cause.invoice_id] if cause.invoice_id is not None else named.get(cause.payment_id, []):
            found[invoice].add(each.entry_id)
    return dict(found)


def course(ordered: Sequence[Entry], invoice_id: str) -> list[Step]:
    """The steps of an invoice; `ordered`: all facts of its client, in the order in which they happened. Its charge is
    none of them, and neither is what changed nothing."""
    steps: list[Step] = []
    before = 0
    for position, each in enumerate(ordered):
        if not steps and not before and not _begins(each, invoice_id):
            continue
        account = fold(ordered[: position + 1]).account(invoice_id)
        left = account.owed - account.paid - account.applied
        charged = each.kind is Kind.CHARGE and each.invoice_id == invoice_id
        if change := left - before - (each.amount if charged else 0):
            steps.append(Step(each.entry_id, change))
        before = left
    return steps


def _begins(entry: Entry, invoice_id: str) -> bool:
    """Whether the invoice is in this fact: before the first such one nothing can have changed it."""
    return entry.invoice_id == invoice_id or any(each == invoice_id for each, _ in entry.shares)
