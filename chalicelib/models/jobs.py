"""Work on many items at once, and what became of each."""

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib.models.table import TENANT, BytesAttribute, Key, Record


class Job(Record):
    """Work that one person started: so many items, one transaction each, resumable.

    queued ── on_job takes it ──▶ running ──▶ done
       └────────── stop ────────────┴──▶ stopped      due again until it has ended
    """

    KEY = Key(TENANT, "JOB#{job_id}")

    job_id = UnicodeAttribute()
    work = UnicodeAttribute()  # the key of services.jobs.WORK
    status = UnicodeAttribute()
    about = BytesAttribute()  # encrypted: what holds for all items
    total = NumberAttribute()
    position = NumberAttribute()  # every item below it has its outcome
    done = NumberAttribute()
    skipped = NumberAttribute()
    failed = NumberAttribute()
    started_by = UnicodeAttribute()
    started_by_name = UnicodeAttribute()
    created_at = UnicodeAttribute()
    starts_at = UnicodeAttribute(null=True)  # not before: until then stopping it leaves no trace
    ended_at = UnicodeAttribute(null=True)


class JobItem(Record):
    """One item of a job: waiting ──▶ done | skipped | failed, set in the transaction that does its work."""

    KEY = Key(TENANT + "#JOB#{job_id}", "{number}")

    job_id = UnicodeAttribute()
    number = UnicodeAttribute()  # six digits
    status = UnicodeAttribute()
    reason = UnicodeAttribute(null=True)  # a code, never words
    about = BytesAttribute()  # encrypted: what this item is about
    result = UnicodeAttribute(null=True)  # the id of what was made
