"""One message to many clients, each in a conversation of their own: a look at who gets it, the job, and stopping it."""

from typing import Annotated, Literal

from pydantic import Field

from chalicelib.config import settings as stage
from chalicelib.context import Context
from chalicelib.handlers.jobs import JobItemPage, JobView, item_views
from chalicelib.handlers.messages import Subject, Words
from chalicelib.handlers.routing import PRACTICE, Routes
from chalicelib.handlers.views import Body, Id, Paging, View
from chalicelib.services import clients, jobs, mass_messages

practice = Routes(__name__, PRACTICE, "/practice")


class MassIn(Body):
    """Whom to write to: these clients, all of one's own, or (administrators) every active client."""

    to: Literal["chosen", "mine", "all"]
    client_ids: Annotated[list[Id], Field(max_length=1000)] = Field(default_factory=list)


class MassMessageIn(MassIn):
    """What to write, to whom. `hold`: wait for a few seconds, in which it can be called back."""

    subject: Subject
    body: Words
    hold: bool = False


class MassRow(View):
    """A client who was chosen. `reason`: why they get nothing, as a problem's code; None: they get it."""

    client_id: str
    client_name: str | None
    reason: str | None


class MassLook(View):
    """How many get it, and who does not, and why. `hold_seconds`: how long `hold` waits."""

    reached: int
    skipped: list[MassRow]
    hold_seconds: int

    def clients_named(self) -> list[str]:
        """Nobody: the look has audited everyone whom it concerns."""
        return []


@practice.endpoint("POST", "/mass-messages/look", action="message:send_many", body=MassIn)
def look_at_mass_message(context: Context, body: MassIn) -> MassLook:
    """Who would get a message, and who not"""
    looks = mass_messages.look(context, body.to, body.client_ids)
    rows = [
        MassRow(
            client_id=each.client_id,
            client_name=clients.shown(each.client) if each.client is not None else None,
            reason=each.reason,
        )
        for each in looks
        if each.reason is not None
    ]
    return MassLook(reached=len(looks) - len(rows), skipped=rows, hold_seconds=stage.hold_seconds)


@practice.endpoint(
    "POST", "/mass-messages", action="message:send_many", body=MassMessageIn, status=201, idempotent=True
)
def send_mass_message(context: Context, body: MassMessageIn) -> JobView:
    """Send a message to many clients"""
    hold = stage.hold_seconds if body.hold else 0
    return JobView.of(mass_messages.start(context, body.to, body.client_ids, body.subject, body.body, hold=hold))


@practice.endpoint("GET", "/mass-messages/{job_id}", action="message:list")
def read_mass_message(context: Context, job_id: str) -> JobView:
    """How far the sending is"""
    return JobView.of(mass_messages.mine(context, job_id))


@practice.endpoint("GET", "/mass-messages/{job_id}/items", action="message:list", query=Paging)
def list_mass_message_items(context: Context, job_id: str, query: Paging) -> JobItemPage:
    """What became of each client's message"""
    return item_views(context, mass_messages.mine(context, job_id).job_id, query)


@practice.endpoint("POST", "/mass-messages/{job_id}/stop", action="message:list")
def stop_mass_message(context: Context, job_id: str) -> JobView:
    """Write to nobody else; what was sent stays sent"""
    return JobView.of(jobs.stop(context, mass_messages.mine(context, job_id).job_id))
