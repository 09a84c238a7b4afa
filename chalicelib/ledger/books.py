"""From facts to balances.

owed of an invoice   = its charge ± adjustments − write-offs, never below 0; 0 when it is void or not yet charged
kept of a payment    = what came in − refunds that did not fail − disputes that were not won
paid on an invoice   = the kept money of its payments: a payment fills its invoices in the order it names them, so
                       that what goes back is missing from the last of them first
credit               = what invoices were paid beyond what they are owed, and what no invoice was meant for
applied credit       = taken out of that in the order of application, as far as there is some and it is needed

due − credit + debt  = owed − kept, to the cent, whatever happened. None of the three is ever negative: `debt` is
                       money that went back though it was never meant for an invoice.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from chalicelib.ledger.entries import Entry, Kind


@dataclass(frozen=True)
class Account:
    """How one invoice stands."""

    owed: int = 0
    paid: int = 0  # by kept money, beyond what is owed too; negative when more went back than came in
    applied: int = 0  # credit that really was there

    @property
    def due(self) -> int:
        """What is still to be paid."""
        return max(0, self.owed - self.paid - self.applied)

    @property
    def settled(self) -> int:
        """How much of what is owed is paid, by money or credit."""
        return self.owed - self.due


@dataclass(frozen=True)
class Receipts:
    """How one payment stands."""

    received: int = 0
    refunded: int = 0
    disputed: int = 0  # open or lost
    lost: int = 0

    @property
    def kept(self) -> int:
        """What the practice has of it."""
        return self.received - self.refunded - self.disputed

    @property
    def refundable(self) -> int:
        """How much can still be sent back."""
        return max(0, self.kept)


@dataclass(frozen=True)
class Books:
    """How a client stands."""

    accounts: Mapping[str, Account] = field(default_factory=dict)
    receipts: Mapping[str, Receipts] = field(default_factory=dict)
    credit: int = 0
    debt: int = 0

    @property
    def due(self) -> int:
        """What is to be paid on all invoices."""
        return sum(each.due for each in self.accounts.values())

    def account(self, invoice_id: str) -> Account:
        """How an invoice stands; one that no fact names stands at nothing."""
        return self.accounts.get(invoice_id, Account())

    def receipt(self, payment_id: str) -> Receipts:
        """How a payment stands."""
        return self.receipts.get(payment_id, Receipts())


def fold(entries: Iterable[Entry]) -> Books:
    """The balances that these facts make. Facts told twice count once; their order does not matter."""
    facts = {each.entry_id: each for each in entries}
    ordered = [facts[each] for each in sorted(facts)]
    receipts = _receipts(ordered)
    owed = _owed(ordered)
    paid, loose = _paid(ordered, receipts)
    invoices = sorted({*owed, *paid})
    pool = loose + sum(max(0, paid[each] - owed[each]) for each in invoices)
    applied: dict[str, int] = defaultdict(int)
    for each in ordered:
        if each.kind is Kind.CREDIT and each.invoice_id is not None:
            wanting = owed[each.invoice_id] - paid[each.invoice_id] - applied[each.invoice_id]
            used = max(0, min(each.amount, pool, wanting))
            applied[each.invoice_id] += used
            pool -= used
    accounts = {each: Account(owed[each], paid[each], applied[each]) for each in sorted({*invoices, *applied})}
    return Books(accounts, receipts, credit=max(0, pool), debt=max(0, -pool))


def _receipts(facts: list[Entry]) -> dict[str, Receipts]:
    """Every payment that came in, with what went back of it. What is about a payment not known yet waits for it."""
    ended = {(each.kind, each.of) for each in facts if each.of is not None}
    received = {each.payment_id or "": each.amount for each in facts if each.kind is Kind.PAYMENT}
    refunded: dict[str, int] = defaultdict(int)
    disputed: dict[str, int] = defaultdict(int)
    lost: dict[str, int] = defaultdict(int)
    for each in facts:
        payment = each.payment_id or ""
        if each.kind is Kind.REFUND and (Kind.REFUND_FAILED, each.entry_id) not in ended:
            refunded[payment] += each.amount
        if each.kind is Kind.DISPUTE and (Kind.DISPUTE_WON, each.entry_id) not in ended:
            disputed[payment] += each.amount
            if (Kind.DISPUTE_LOST, each.entry_id) in ended:
                lost[payment] += each.amount
    return {
        payment: Receipts(amount, refunded[payment], disputed[payment], lost[payment])
        for payment, amount in received.items()
    }


def _owed(facts: list[Entry]) -> dict[str, int]:
    """What each charged invoice is owed. Charges that were voided are owed nothing."""
    void = {each.invoice_id for each in facts if each.kind is Kind.VOID}
    sums: dict[str, int] = defaultdict(int)
    charged = {each.invoice_id for each in facts if each.kind is Kind.CHARGE}
    for each in facts:
        if each.invoice_id in charged - void and each.invoice_id is not None:
            if each.kind in (Kind.CHARGE, Kind.ADJUSTMENT):
                sums[each.invoice_id] += each.amount
            elif each.kind is Kind.WRITE_OFF:
                sums[each.invoice_id] -= each.amount
    owed: dict[str, int] = defaultdict(int)
    owed |= {str(each): max(0, sums[str(each)]) for each in charged}
    return owed


def _paid(facts: list[Entry], receipts: Mapping[str, Receipts]) -> tuple[dict[str, int], int]:
    """What is kept on each invoice, and what was meant for none (negative: it went back all the same)."""
    paid: dict[str, int] = defaultdict(int)
    loose = 0
    for each in facts:
        if each.kind is not Kind.PAYMENT:
            continue
        left = receipts[each.payment_id or ""].kept
        for position, (invoice_id, share) in enumerate(each.shares):
            part = min(left, share) if left >= 0 or position == 0 else 0
            paid[invoice_id] += part
            left -= part
        loose += left
    return paid, loose
