"""Work on many items at once: how far it is, what became of each, and stopping it."""

from typing import Literal

from chalicelib.context import Context
from chalicelib.handlers.routing import PRACTICE, Routes
from chalicelib.handlers.views import Paging, View
from chalicelib.models.jobs import Job
from chalicelib.policies.decide import denial
from chalicelib.services import clients, jobs, sessions

practice = Routes(__name__, PRACTICE, "/practice")


class JobView(View):
    """A job. `position` of `total` items have their outcome; the three counts add up to it. Stopped before `starts_at`
    it has done nothing."""

    job_id: str
    work: str
    status: Literal["queued", "running", "done", "stopped"]
    total: int
    position: int
    done: int
    skipped: int
    failed: int
    started_by_name: str
    created_at: str
    starts_at: str | None
    ended_at: str | None

    @classmethod
    def of(cls, job: Job) -> "JobView":
        """The view of a job."""
        return cls(**{name: getattr(job, name) for name in cls.model_fields})


class JobPage(View):
    """Some jobs, newest first."""

    items: list[JobView]
    next_cursor: str | None


class JobItemView(View):
    """One item. `reason` is a code, as of a problem; `client_name` where the item is about a client's file, and
    whoever asks may see the list of clients: an API token needs `clients:read` for it."""

    number: int
    status: Literal["waiting", "done", "skipped", "failed"]
    reason: str | None
    client_id: str | None
    client_name: str | None


class JobItemPage(View):
    """Some items, in order."""

    items: list[JobItemView]
    next_cursor: str | None

    def clients_named(self) -> list[str]:
        """For the audit."""
        return [each.client_id for each in self.items if each.client_id]


@practice.endpoint("GET", "/jobs", action="job:read", query=Paging)
def list_jobs(context: Context, query: Paging) -> JobPage:
    """Bulk work of the last 90 days"""
    page = jobs.page_of(context, query.limit, query.cursor)
    return JobPage(items=[JobView.of(each) for each in page.items], next_cursor=page.next_cursor)


@practice.endpoint("GET", "/jobs/{job_id}", action="job:read")
def read_job(context: Context, job_id: str) -> JobView:
    """How far a job is"""
    return JobView.of(jobs.get(context, job_id))


@practice.endpoint("GET", "/jobs/{job_id}/items", action="job:read", query=Paging)
def list_job_items(context: Context, job_id: str, query: Paging) -> JobItemPage:
    """What became of each item"""
    return item_views(context, job_id, query)


def item_views(context: Context, job_id: str, query: Paging) -> JobItemPage:
    """The items of a job, with the names of those whom the asker may see now."""
    found, cursor = jobs.items_of(context, job_id, query.limit, query.cursor)
    ids = [about.get("client_id") or item.result for item, about in found]
    names = {each.client_id: clients.shown(each) for each in clients.visible(context, [each for each in ids if each])}
    named = denial("client:list", sessions.facts(context)) is None  # how far work is tells a program no names
    views = [
        JobItemView(
            number=int(item.number),
            status=item.status,
            reason=item.reason,
            client_id=client_id if client_id in names else None,
            client_name=names.get(client_id) if named else None,
        )
        for (item, _), client_id in zip(found, ids, strict=True)
    ]
    return JobItemPage(items=views, next_cursor=cursor)


@practice.endpoint("POST", "/jobs/{job_id}/stop", action="job:stop")
def stop_job(context: Context, job_id: str) -> JobView:
    """Do no further item; what was done stays done"""
    return JobView.of(jobs.stop(context, job_id))
