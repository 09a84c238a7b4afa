"""Jobs: one transaction an item, resumable, with an outcome for each (DESIGN.md, Keys: more than 100 items).

    start ─▶ queue ─▶ on_job works through a few items, puts itself back on the queue, until the last
                        ├ an item's work and its outcome are one transaction: done once, however often it is tried
                        └ died? `due` queues it again; items that have an outcome are passed over

The one who started it must still be allowed to, item by item: the work asks the policies again.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib import clock, ids
from chalicelib.adapters import keys, queues
from chalicelib.context import Actor, Context, Persona
from chalicelib.errors import JobEnded, NotFound, PortalError
from chalicelib.models.jobs import Job, JobItem
from chalicelib.models.staff import Staff
from chalicelib.models.table import Page, at_keys, load
from chalicelib.models.tenants import Tenant
from chalicelib.models.transaction import Transaction, change
from chalicelib.observability import logger, where
from chalicelib.policies.rules import Role
from chalicelib.services import audits, idempotency, tenants

AGAIN = timedelta(minutes=2)
AT_ONCE = 25  # items between two looks at whether the job was stopped
SECONDS = 20.0  # how long one message works; the rest is another message's
KEPT = timedelta(days=90)


class Task(NamedTuple):
    """One item as its work sees it."""

    job: Job
    item: JobItem
    shared: Any  # what holds for all items
    about: Any  # what this one is about


class Skip(Exception):
    """Raised by a work: there is nothing to be done for this item, for this reason (a code)."""


# A work does one item: `finish(tx)` puts the outcome into its transaction. It raises Skip, or a PortalError: then the
# item has failed, with its code. Busy, TooManyRequests and AWS's own errors are tried again.
Finish = Callable[..., None]
Work = Callable[[Context, Task, Finish], None]


def _works() -> Mapping[str, Work]:
    """Every kind of job by its name; the features bring their work."""
    from chalicelib.services import bulk, group_series, groups, imports, mass_messages, reminders, sendings, series

    return {
        bulk.WORK: bulk.invite_one,
        imports.WORK: imports.import_row,
        mass_messages.WORK: mass_messages.send_one,
        reminders.REMIND: reminders.remind_one,
        sendings.ASK_AGAIN: sendings.ask_one_again,
        series.BOOK: series.book_one,
        series.CHANGE: series.change_one,
        groups.JOIN: groups.join_one,
        groups.FOLLOW: groups.follow_one,
        group_series.BOOK: group_series.book_one,
        group_series.CHANGE: group_series.change_one,
    }


# ---- starting ----


def start(context: Context, work: str, shared: Any, items: Sequence[Any], *, hold: int = 0) -> Job:
    """Begin a job over `items` (JSON; what they say is kept encrypted), `hold` seconds from now: until then stopping it
    leaves nothing done. With an Idempotency-Key: the same job again."""
    if context.result:
        return get(context, context.result)
    job = prepared(context, work, shared, items, hold=hold)
    with Transaction() as tx:
        idempotency.remember(tx, context, job.job_id)
        begin(tx, context, job)
    queue_again(job, hold)
    return job


def prepared(context: Context, work: str, shared: Any, items: Sequence[Any], *, hold: int = 0) -> Job:
    """A job whose items are stored, for `begin` in the transaction that causes it, and for `queue_again` after that.
    Nobody looks at the items of a job that never begins."""
    at = context.now
    job = Job.new(
        tenant_id=context.tenant_id,
        job_id=ids.new_id(at),
        work=work,
        status="queued",
        about=b"",
        total=len(items),
        position=0,
        done=0,
        skipped=0,
        failed=0,
        started_by=context.actor.staff_id,
        started_by_name=context.actor.name,
        created_at=clock.text(at),
        starts_at=clock.text(at + timedelta(seconds=hold)) if hold else None,
        expires_at=int((at + KEPT).timestamp()),
    )
    job.about = keys.encrypt(context.tenant_id, shared, job.sk)
    _put_items(context, job, items)  # before the job itself: without it nobody looks at them
    return job.due(at + timedelta(seconds=hold) + AGAIN)


def begin(tx: Transaction, context: Context, job: Job) -> None:
    """Within the transaction that causes it: the job is there."""
    tx.create(job)
    tx.create(audits.event(context, "job:start", job_id=job.job_id, work=job.work))


def _put_items(context: Context, job: Job, items: Sequence[Any]) -> None:
    for first in range(0, len(items), 100):
        with Transaction() as tx:
            for number, about in enumerate(items[first : first + 100], first):
                item = JobItem.new(
                    tenant_id=context.tenant_id,
                    job_id=job.job_id,
                    number=f"{number:06d}",
                    status="waiting",
                    about=b"",
                    expires_at=job.expires_at,
                )
                item.about = keys.encrypt(context.tenant_id, about, f"{item.pk}|{item.sk}")
                tx.put(item)


def queue_again(job: Job, delay: int = 0) -> None:
    """Have on_job go on with it in `delay` seconds; if this fails, the sweep finds it within two minutes."""
    try:
        queues.jobs(job.tenant_id, job.job_id, delay)
    except Exception as error:
        logger.warning("job_not_queued", error=where(error))


# ---- looking, stopping ----


def get(context: Context, job_id: str) -> Job:
    """A job of the organization. Raises NotFound."""
    found = Job.find(tenant_id=context.tenant_id, job_id=job_id)
    if found is None:
        raise NotFound()
    return found


def page_of(context: Context, limit: int, cursor: str | None) -> Page:
    """The organization's jobs of the last 90 days, newest first."""
    return Job.page(Job.KEY, tenant_id=context.tenant_id, limit=limit, cursor=cursor)


def items_of(
    context: Context, job_id: str, limit: int, cursor: str | None
) -> tuple[list[tuple[JobItem, Any]], str | None]:
    """The items of a job in order, each with what it is about. Raises NotFound."""
    job = get(context, job_id)
    page = JobItem.page(
        JobItem.KEY, tenant_id=context.tenant_id, job_id=job.job_id, limit=limit, cursor=cursor, newest_first=False
    )
    return [(item, about_of(item)) for item in page.items], page.next_cursor


def about_of(item: JobItem) -> Any:
    """What an item is about."""
    return keys.decrypt(item.tenant_id, item.about, f"{item.pk}|{item.sk}")


def shared_of(job: Job) -> Any:
    """What holds for all items of a job."""
    return keys.decrypt(job.tenant_id, job.about, job.sk)


def stop(context: Context, job_id: str) -> Job:
    """Do no further item; what was done stays done. Raises JobEnded, NotFound."""
    job = get(context, job_id)
    if job.status == "stopped":
        return job
    at = clock.text(context.now)
    try:
        with Transaction() as tx:
            tx.update(
                job,
                Job.status.set("stopped"),
                Job.ended_at.set(at),
                *job.due_next(None),
                when=(Job.status == "queued") | (Job.status == "running"),
                otherwise=JobEnded(),
            )
            tx.create(audits.event(context, "job:stop", job_id=job_id))
    except JobEnded:  # by whoever stopped it at this very moment?
        found = get(context, job_id)
        if found.status != "stopped":
            raise
        return found
    job.status, job.ended_at = "stopped", at
    return job


# ---- working ----


def run(tenant_id: str, job_id: str) -> None:
    """Work on a job for a while; safe to repeat at any point, and by two workers at once."""
    ends = time.monotonic() + SECONDS
    while True:
        job, tenant = load((Job, {"tenant_id": tenant_id, "job_id": job_id}), (Tenant, {"tenant_id": tenant_id}))
        if job is None or tenant is None or job.status not in ("queued", "running"):
            return
        if wait := clock.seconds_until(job.starts_at):
            queue_again(job, wait)
            return
        if _few(job, tenant):
            return
        if time.monotonic() > ends:
            queue_again(job)
            return


def _few(job: Job, tenant: Tenant) -> bool:
    """The next few items; whether the job has ended with them."""
    first, last = int(job.position), min(int(job.position) + AT_ONCE, int(job.total))
    place = {"tenant_id": job.tenant_id, "job_id": job.job_id}
    items = load(*((JobItem, {**place, "number": f"{number:06d}"}) for number in range(first, last)))
    context = _context(job, tenant)
    shared = shared_of(job)
    counts = {"done": 0, "skipped": 0, "failed": 0}
    for item in items:
        if item is not None:
            counts[_one(context, Task(job, item, shared, None))] += 1
    return _move_on(job, last, counts)


def _context(job: Job, tenant: Tenant) -> Context:
    who = Staff.find(tenant_id=job.tenant_id, staff_id=job.started_by)
    active = who is not None and who.status == "active"
    roles = frozenset(Role(role) for role in who.roles) if active and who is not None else frozenset()
    context = Context(
        tenant_id=job.tenant_id,
        actor=Actor("staff", job.started_by, job.started_by_name, roles),
        now=clock.now(),
        persona=Persona.JOBS,
        tenant=tenant,
        person=who if active else None,
    )
    context.circumstances = tenants.circumstances(tenant, seat=bool(who.seat) if active and who is not None else False)
    return context


def _one(context: Context, task: Task) -> str:
    """Do one item, unless it was done: its outcome."""
    item = task.item
    if item.status != "waiting":
        return str(item.status)
    context.now = clock.now()

    def finish(tx: Transaction, result: str | None = None) -> None:
        actions = [JobItem.status.set("done"), *([JobItem.result.set(result)] if result else [])]
        tx.update(item, *actions, when=JobItem.status == "waiting", otherwise=_Done())

    try:
        _works()[task.job.work](context, task._replace(about=about_of(item)), finish)
    except _Done:
        return _outcome(item)
    except Skip as why:
        return _settle(item, "skipped", str(why))
    except PortalError as refused:
        if refused.status >= 500 or refused.status == 429:
            raise
        return _settle(item, "failed", refused.code)
    except (ClientError, BotoCoreError):
        raise  # it may pass: the queue brings the job again
    except Exception as defect:
        logger.error("job_item_failed", work=task.job.work, error=where(defect))
        return _settle(item, "failed", "internal")  # ours; it must not hold up the others
    return "done"


class _Done(PortalError):
    """Another worker did this item."""


def _settle(item: JobItem, status: str, reason: str) -> str:
    actions = [JobItem.status.set(status), JobItem.reason.set(reason)]
    try:
        change(item, *actions, when=JobItem.status == "waiting", otherwise=_Done())
    except _Done:
        return _outcome(item)
    return status


def _outcome(item: JobItem) -> str:
    """What another worker made of it."""
    (now,) = at_keys([(item.pk, item.sk)], consistent=True)
    return str(now.status)


def _move_on(job: Job, position: int, counts: dict[str, int]) -> bool:
    """Note how far the job is; whether it has ended. Of two workers only one moves it."""
    ended = position >= job.total
    now = clock.now()
    actions = [Job.position.set(position), *(getattr(Job, name).add(more) for name, more in counts.items())]
    if ended:
        actions += [Job.status.set("done"), Job.ended_at.set(clock.text(now)), *job.due_next(None)]
    else:
        actions += [Job.status.set("running"), *job.due_next(now + AGAIN)]
    under_way = (Job.status == "queued") | (Job.status == "running")
    try:
        change(job, *actions, when=under_way & (Job.position == job.position), otherwise=_Done())
    except _Done:
        return False  # stopped, or another worker was faster: look again
    return ended


def sweep(pk: str, sk: str, now: datetime) -> None:
    """A job that should have gone on by now: queue it again, and look again later."""
    for job in at_keys([(pk, sk)], consistent=True):
        under_way = job.status in ("queued", "running")
        change(job, *job.due_next(now + AGAIN if under_way else None))
        if under_way:
            queue_again(job)
