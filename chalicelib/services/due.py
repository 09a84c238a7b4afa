"""Due work: what the records themselves say is to be looked at by now (DESIGN.md, Due work).

on_schedule reads the sixteen shards of the `due` index and hands each record to the feature it belongs to, which checks
the record again: an index is a hint, never the truth.
"""

from collections.abc import Callable
from datetime import datetime

from chalicelib import clock
from chalicelib.models.intakes import Intake, IntakeForm
from chalicelib.models.jobs import Job
from chalicelib.models.mails import ClientMail, StaffMail
from chalicelib.models.table import DUE_SHARDS, due_before
from chalicelib.models.uploads import Upload
from chalicelib.observability import logger, where
from chalicelib.services import documents, jobs, mails, reminders, uploads

AT_ONCE = 200  # records of one shard in one run; the rest follows a minute later

WORK: dict[str, Callable[[str, str, datetime], None]] = {
    ClientMail.KIND: mails.sweep,
    StaffMail.KIND: mails.sweep,
    IntakeForm.KIND: documents.sweep,
    Intake.KIND: reminders.sweep,
    Job.KIND: jobs.sweep,
    Upload.KIND: uploads.sweep,
}


def run() -> int:
    """Look at everything that is due; how many records that were. One that fails does not hold up the others."""
    now = clock.now()
    looked_at = 0
    for shard in range(DUE_SHARDS):
        for pk, sk, kind in due_before(now, shard, AT_ONCE):
            try:
                WORK[kind](pk, sk, now)
            except Exception as error:
                logger.warning("due_work_failed", kind=kind, error=where(error))
            looked_at += 1
    return looked_at
