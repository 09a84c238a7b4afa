"""The facts of a ledger. They are only ever added; what was wrong is put right by another fact."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a fact says. Amounts are above 0 but for ADJUSTMENT, which may be either. Balances do not ask for those of
    VOID and of endings: they repeat what is undone, so that the entries of a period add up."""

    CHARGE = "charge"  # an invoice was issued: the client's portion of it
    VOID = "void"  # that invoice is owed no more; what was paid on it becomes credit
    ADJUSTMENT = "adjustment"  # staff changed what an invoice is owed: up or down
    WRITE_OFF = "write_off"  # staff gave up that much of what an invoice is owed
    PAYMENT = "payment"  # money came in, meant for these invoices
    REFUND = "refund"  # money of a payment went back
    REFUND_FAILED = "refund_failed"  # it did not: the bank returned it (`of`: the refund)
    DISPUTE = "dispute"  # the bank took money of a payment back until it is decided
    DISPUTE_WON = "dispute_won"  # the practice has it again (`of`: the dispute)
    DISPUTE_LOST = "dispute_lost"  # it is gone for good (`of`: the dispute)
    CREDIT = "credit"  # credit was applied to an invoice


@dataclass(frozen=True)
class Entry:
    """One fact.

    `entry_id` orders facts of one kind where an order must be chosen (creation, as ULIDs have it). `invoice_id`: of
    CHARGE, VOID, ADJUSTMENT, WRITE_OFF, CREDIT. `payment_id`: of PAYMENT, REFUND and DISPUTE. `of`: of endings.
    `shares`: of a PAYMENT, (invoice, amount); what they leave of the amount is credit.
    """

    kind: Kind
    entry_id: str
    amount: int = 0
    invoice_id: str | None = None
    payment_id: str | None = None
    of: str | None = None
    shares: Sequence[tuple[str, int]] = ()
