"""One message to many clients: first a look at who gets it, then a job; each client has a thread of their own
(DOMAIN.md 6.2), and nothing in it tells that there are others.

Every client is authorized by itself, at the look and again when it is its turn. The thread's id is derived from the job
and the client, and the item's outcome is in the message's own transaction: a second copy cannot come about.
"""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from chalicelib import clock, ids
from chalicelib.context import Context
from chalicelib.errors import Forbidden, InvalidBody, NotFound, PortalError
from chalicelib.models.clients import Assignment, Client
from chalicelib.models.jobs import Job
from chalicelib.models.transaction import Transaction
from chalicelib.policies.decide import Denial, denial
from chalicelib.policies.rules import Role
from chalicelib.services import audits, bulk, jobs, messages, sessions
from chalicelib.services.messages import Letter

WORK = "message"
AT_MOST = 2000
CHOSEN, MINE, ALL = "chosen", "mine", "all"
OFF, GONE = "feature_off", "not_found"


class Look(NamedTuple):
    """One client: `client` is None where there is none that the asker may see. `reason` says why they get nothing."""

    client_id: str
    client: Client | None
    reason: str | None


def look(context: Context, to: str, client_ids: Sequence[str]) -> list[Look]:
    """Who would get it and who not. Raises Forbidden for `all`, if not an administrator asks. The looks are audited."""
    wanted = _wanted(context, to, client_ids)
    looks = list(_looks(context, wanted))
    named = [each.client_id for each in looks if each.client is not None]
    for first in range(0, len(named), audits.IDS_AT_MOST):
        audits.record(context, "message:send_many", client_ids=named[first : first + audits.IDS_AT_MOST])
    return looks


def start(context: Context, to: str, client_ids: Sequence[str], subject: str, body: str, *, hold: int = 0) -> Job:
    """Begin to send it; until `hold` seconds have gone by, stopping it leaves nothing sent. Raises Forbidden,
    InvalidBody for nobody, or no words."""
    if context.result:
        return jobs.get(context, context.result)
    messages.require_visible(body)
    wanted = _wanted(context, to, client_ids)
    if to != CHOSEN:  # whom nothing can reach is no failure of theirs
        wanted = [each.client_id for each in _looks(context, wanted) if each.reason is None]
    if not wanted:
        raise InvalidBody(errors=[{"pointer": "/client_ids", "code": "empty", "detail": "Nobody is chosen."}])
    return jobs.start(
        context, WORK, {"subject": subject, "body": body}, [{"client_id": each} for each in wanted], hold=hold
    )


def _wanted(context: Context, to: str, client_ids: Sequence[str]) -> list[str]:
    if to == CHOSEN:
        return list(dict.fromkeys(client_ids))
    place: dict[str, Any] = {"tenant_id": context.tenant_id}
    if to == MINE:
        own = Assignment.every(Assignment.BY_THERAPIST, staff_id=context.actor.staff_id, **place)
        return [each.client_id for each in itertools.islice(own, AT_MOST)]
    if Role.ADMINISTRATOR not in context.actor.roles:
        raise Forbidden()
    active = (each for each in Client.every(Client.BY_TENANT, newest_first=True, **place) if each.status == "active")
    return [each.client_id for each in itertools.islice(active, AT_MOST)]


def _looks(context: Context, wanted: Sequence[str]) -> Iterator[Look]:
    for first in range(0, len(wanted), 50):
        some = wanted[first : first + 50]
        for client_id, own in zip(some, bulk.about_each(context, some), strict=True):
            reason = _why_not(own)
            yield Look(client_id, None if reason == GONE else own.client, reason)


def _why_not(own: Context) -> str | None:
    """Why this very client cannot be written to by the one who asks, as a code, or None."""
    if own.person is None:
        return "forbidden"
    if own.client is None:
        return GONE
    why = denial("message:send", sessions.facts(own))
    if why is Denial.UNRELATED:
        return GONE
    if why is not None:
        return "forbidden" if why is Denial.ROLE else OFF
    return messages.why_no_reader(own)


def send_one(context: Context, task: jobs.Task, finish: jobs.Finish) -> None:
    """The work of one client (services.jobs)."""
    client_id = task.about["client_id"]
    (own,) = bulk.about_each(context, [client_id])
    if (reason := _why_not(own)) is not None:
        raise jobs.Skip(reason)
    job = task.job
    thread_id = ids.derived_id(WORK, job.job_id, client_id, at=clock.parse(job.created_at))

    def also(tx: Transaction, sent: str, number: int) -> None:
        finish(tx, result=sent)

    try:
        messages.begin(own, None, task.shared["subject"], Letter(task.shared["body"]), also=also, thread_id=thread_id)
    except PortalError as refused:
        if refused.status in (404, 409):  # unassigned, archived at this very moment
            raise jobs.Skip(refused.code) from None
        raise


def mine(context: Context, job_id: str) -> Job:
    """A mass message that the asker began; administrators see everybody's. Raises NotFound."""
    job = jobs.get(context, job_id)
    own = job.started_by == context.actor.staff_id or Role.ADMINISTRATOR in context.actor.roles
    if job.work != WORK or not own:
        raise NotFound()
    return job
