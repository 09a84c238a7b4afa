"""Due work: what the records themselves say is to be looked at by now (DESIGN.md, Due work).

on_schedule reads the sixteen shards of the `due` index and hands each record to the feature it belongs to, which checks
the record again: an index is a hint, never the truth. Whoever looks at a record takes it out of the index or puts it
back for later; what failed is put back here, so that it never stands before the others for good.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from chalicelib import clock
from chalicelib.adapters import queues
from chalicelib.models.intakes import Intake, IntakeForm
from chalicelib.models.invoices import Export, Ledger, Print
from chalicelib.models.jobs import Job
from chalicelib.models.mails import AccountMail, ClientMail, StaffMail
from chalicelib.models.messages import StaffBox, Thread, ThreadPrint
from chalicelib.models.payments import CardProcessing, Payment, PlannedCharge
from chalicelib.models.slots import Appointment, Wait, WaitList
from chalicelib.models.staff import Staff
from chalicelib.models.table import DUE_SHARDS, Record, due_before, due_key
from chalicelib.models.tenants import Tenant
from chalicelib.models.transaction import change
from chalicelib.models.uploads import Upload
from chalicelib.observability import logger, where
from chalicelib.services import (
    appointments,
    autopay,
    books,
    card_processing,
    documents,
    exports,
    jobs,
    mailboxes,
    mails,
    openings,
    payments,
    prints,
    reminders,
    staff,
    thread_prints,
    uploads,
    waits,
)

AT_ONCE = 200  # records of one shard in one run; the rest follows a minute later
AGAIN = timedelta(minutes=5)  # when work that failed is looked at again

WORK: dict[str, Callable[[str, str, datetime], None]] = {
    AccountMail.KIND: mails.sweep,
    ClientMail.KIND: mails.sweep,
    StaffMail.KIND: mails.sweep,
    IntakeForm.KIND: documents.sweep,
    Intake.KIND: reminders.sweep,
    Job.KIND: jobs.sweep,
    Appointment.KIND: appointments.sweep,
    Staff.KIND: staff.sweep,
    Tenant.KIND: openings.sweep,
    Upload.KIND: uploads.sweep,
    CardProcessing.KIND: card_processing.sweep,
    Payment.KIND: payments.sweep,
    PlannedCharge.KIND: autopay.sweep,
    Ledger.KIND: books.sweep,
    Print.KIND: prints.sweep,
    Export.KIND: exports.sweep,
    Wait.KIND: waits.sweep,
    WaitList.KIND: waits.sweep_list,
    Thread.KIND: mailboxes.sweep,
    StaffBox.KIND: mailboxes.sweep,
    ThreadPrint.KIND: thread_prints.sweep,
}
# What writes more than when it is due next is done by on_job, which may: on_schedule only queues it. It stays due until
# it is done, so it may be queued more than once.
BY_WORKER = frozenset(
    {
        Appointment.KIND,
        Intake.KIND,
        Staff.KIND,
        StaffBox.KIND,
        Tenant.KIND,
        Thread.KIND,
        Wait.KIND,
        WaitList.KIND,
    }
)


def run() -> int:
    """Look at everything that is due; how many records that were. One that fails, or whose kind this version does not
    know, does not hold up the others: not now, and not by filling the head of its shard."""
    now = clock.now()
    looked_at = 0
    for shard in range(DUE_SHARDS):
        for pk, sk, kind in due_before(now, shard, AT_ONCE):
            if kind in BY_WORKER:
                _guarded(queues.due, pk, sk, kind, now)
            else:
                work(pk, sk, kind)
            looked_at += 1
    return looked_at


def work(pk: str, sk: str, kind: str) -> None:
    """Do what one record says is due; a failure is logged, and the record looked at again in five minutes."""
    _guarded(lambda *place: WORK[place[2]](place[0], place[1], clock.now()), pk, sk, kind, clock.now())


def _guarded(act: Callable[[str, str, str], None], pk: str, sk: str, kind: str, now: datetime) -> None:
    try:
        act(pk, sk, kind)
    except Exception as error:
        logger.warning("due_work_failed", kind=kind, error=where(error))
        _put_back(pk, sk, kind, now)


def _put_back(pk: str, sk: str, kind: str, now: datetime) -> None:
    """Later again, unless the work had got as far as to say when itself, or the record is gone."""
    again = due_key(pk, sk, kind, now + AGAIN)
    still_due = Record.duesk < clock.text(now)
    try:
        change(Record(pk=pk, sk=sk), Record.duepk.set(again[0]), Record.duesk.set(again[1]), when=still_due)
    except Exception as error:
        logger.warning("due_work_not_put_back", kind=kind, error=where(error))
