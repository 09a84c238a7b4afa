"""Break-glass: an administrator reads a conversation that is not theirs, for a stated reason, and everyone is told."""

from typing import Annotated

from pydantic import Field

from chalicelib import clock
from chalicelib.context import Context
from chalicelib.handlers.documents import MyLink
from chalicelib.handlers.mailboxes import Topic
from chalicelib.handlers.messages import MessageView, message_view
from chalicelib.handlers.routing import PRACTICE, Routes
from chalicelib.handlers.views import Body, Paging, Text, View
from chalicelib.services import break_glass, mailboxes, messages, staff

practice = Routes(__name__, PRACTICE, "/practice")


class OpeningIn(Body):
    """Why it has to be read."""

    reason: Annotated[Text, Field(min_length=10, max_length=1000)]


class OpeningView(View):
    """Who opened a conversation that is not theirs, and why; they could read it until `until`."""

    opening_id: str
    by_name: str
    by_me: bool
    reason: str
    opened_at: str
    until: str


class Openings(View):
    """Newest first."""

    items: list[OpeningView]


class OpenedThread(View):
    """A colleague's conversation, newest message first."""

    thread_id: str
    subject: str
    topic: Topic
    with_names: list[str]
    count: int
    messages: list[MessageView]
    next_cursor: str | None


@practice.endpoint(
    "POST",
    "/clients/{client_id}/messages/{thread_id}/glass",
    action="message:open",
    body=OpeningIn,
    status=201,
    idempotent=True,
)
def open_thread(context: Context, client_id: str, thread_id: str, body: OpeningIn) -> OpeningView:
    """Open a colleague's conversation for half an hour; its staff and the other administrators are told"""
    return _view(context, break_glass.begin(context, thread_id, body.reason))


@practice.endpoint(
    "GET",
    "/clients/{client_id}/messages/{thread_id}/glass",
    action="message:open",
    query=Paging,
    reads_record=True,
)
def read_opened_thread(context: Context, client_id: str, thread_id: str, query: Paging) -> OpenedThread:
    """A colleague's conversation that I have opened"""
    thread = break_glass.require(context, thread_id)
    found, cursor = messages.page_of(thread, None, query.limit, query.cursor)
    cards = mailboxes.cards_of(context.tenant_id, thread.members)
    return OpenedThread(
        thread_id=thread_id,
        subject=messages.subject_of(thread),
        topic=thread.topic,
        with_names=[staff.shown(cards[each]) for each in thread.members if each in cards],
        count=int(thread.last),
        messages=[message_view(context, each, None) for each in found],
        next_cursor=cursor,
    )


@practice.endpoint(
    "POST",
    "/clients/{client_id}/messages/{thread_id}/glass/attachments/{attachment_id}/download",
    action="message:open",
)
def download_opened_attachment(context: Context, client_id: str, thread_id: str, attachment_id: str) -> MyLink:
    """A short-lived link to an attachment of a conversation that I have opened"""
    found = messages.attachment(messages.get(context, thread_id), attachment_id)
    break_glass.require(context, thread_id)
    url, until = messages.hand_out(context, found)
    return MyLink(url=url, expires_at=clock.text(until))


@practice.endpoint(
    "GET", "/clients/{client_id}/messages/{thread_id}/glass/log", action="message:open", reads_record=True
)
def list_openings(context: Context, client_id: str, thread_id: str) -> Openings:
    """Who opened a conversation, and why, for administrators"""
    return _openings(context, thread_id)


@practice.endpoint(
    "GET", "/clients/{client_id}/messages/{thread_id}/openings", action="message:read", reads_record=True
)
def list_openings_of_mine(context: Context, client_id: str, thread_id: str) -> Openings:
    """Who opened a conversation of mine, and why"""
    return _openings(context, thread_id)


def _openings(context: Context, thread_id: str) -> Openings:
    return Openings(items=[_view(context, each) for each in break_glass.of(context, thread_id)])


def _view(context: Context, found: break_glass.Opening) -> OpeningView:
    return OpeningView(
        opening_id=found.record.opening_id,
        by_name=found.record.staff_name,
        by_me=found.record.staff_id == context.actor.staff_id,
        reason=found.reason,
        opened_at=clock.text(clock.parse(found.record.opened_at)),
        until=found.record.until,
    )
