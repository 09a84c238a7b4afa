"""Secure messages: inbox, sent and trash, conversations, drafts and attachments (DOMAIN.md section 6).

Here conversations are begun, read and answered. Beside it, under the same heading of the API's description: their
lists (mailboxes), whom one can write to (recipients), what is not sent yet (drafts), their print (thread_prints).
"""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from chalicelib import clock
from chalicelib.context import Context
from chalicelib.handlers.documents import MyLink
from chalicelib.handlers.mailboxes import MyThread, ThreadRow, my_rows, rows_of
from chalicelib.handlers.recipients import Composer, may_write, why_not
from chalicelib.handlers.routing import PORTAL, PRACTICE, Routes, unless_known
from chalicelib.handlers.views import Body, Id, Line, Paging, PortalView, Text, View
from chalicelib.services import drafts, messages, recipients, sessions, tenants
from chalicelib.services.mailboxes import Row
from chalicelib.services.messages import Letter, Written

practice = Routes(__name__, PRACTICE, "/practice")
portal = Routes(__name__ + ".portal", PORTAL, "/portal")

Subject = Annotated[Line, Field(min_length=1, max_length=120)]
Words = Annotated[Text, Field(max_length=20_000)]
Files = Annotated[list[Id], Field(max_length=messages.FILES)]
To = Annotated[str, StringConstraints(pattern=r"^([a-z]{1,20}|[0-9A-Z]{26})$")]
Kind = Literal["pdf", "png", "jpg", "heic", "txt", "docx"]


# ---- what goes in ----


class Reading(Paging):
    """Some messages of a thread, newest first; with `after` those above that number, in order, and no cursor."""

    limit: int = Field(default=50, ge=1, le=100)
    after: int | None = Field(default=None, ge=0, le=99_999_999)


class MessageIn(Body):
    """A message: words, or files that were found clean (uploads of the purpose `message`), or both. `copy_to_log`: note
    it in the contact log, too. `clear_draft`: it was a draft, which is thrown away."""

    body: Words
    upload_ids: Files = Field(default_factory=list)
    copy_to_log: bool = False
    clear_draft: bool = True


class NewMessageIn(MessageIn):
    """The first message of a thread."""

    subject: Subject


class MyMessageIn(Body):
    """A message of mine."""

    body: Words
    upload_ids: Files = Field(default_factory=list)
    clear_draft: bool = True


class MyNewMessageIn(MyMessageIn):
    """The first message of a thread of mine, `to` one of those who are offered."""

    to: To
    subject: Subject


# ---- what comes out ----


class AttachmentView(PortalView):
    """A file of a message."""

    attachment_id: str
    name: str
    file_type: Kind
    size: int


class MessageView(PortalView):
    """A message. `mine`: the asker wrote it. `from_practice`: the practice's side. `read`: whether the other side has
    read it (any of them, of several staff members); None where the organization does not show it, or it is not mine."""

    number: int
    mine: bool
    from_practice: bool
    sender: str
    sent_at: str
    body: str
    attachments: list[AttachmentView]
    read: bool | None


class SentMessage(PortalView):
    """Where a message stands."""

    thread_id: str
    number: int


class MyConversation(PortalView):
    """One of my conversations and some of its messages: newest first, or in order with `after`. `can_answer`: somebody
    on the other side can be reached, and messaging is on."""

    etag: str
    thread: MyThread
    messages: list[MessageView]
    next_cursor: str | None
    can_answer: bool
    composer: Composer


class Conversation(View):
    """A conversation and some of its messages: newest first, or in order with `after`."""

    etag: str
    thread: ThreadRow
    messages: list[MessageView]
    next_cursor: str | None
    can_answer: bool
    reason: str | None
    composer: Composer


def message_view(context: Context, written: Written, read_to: int | None) -> MessageView:
    """A message as the asker sees it; `read_to`: how far the other side has read, None where that is not shown."""
    mine = written.sender_id == context.actor.staff_id
    return MessageView(
        number=written.number,
        mine=mine,
        from_practice=written.sender_kind == messages.STAFF,
        sender=written.sender_name,
        sent_at=written.sent_at,
        body=written.body,
        attachments=[AttachmentView(**each) for each in written.files],
        read=written.number <= read_to if mine and read_to is not None else None,
    )


def _read_to(context: Context, thread: Any) -> int | None:
    """How far the other side has read, where the organization shows it (DOMAIN.md 6.4)."""
    if not tenants.messaging(context.tenant)["read_receipts"]:
        return None
    if context.actor.kind != sessions.CLIENT:
        return int(thread.read_to)
    return max(messages.read_marks(thread).values(), default=0)


def _some(context: Context, thread: Any, box: Any, query: Reading) -> tuple[list[Written], str | None]:
    if query.after is not None:
        return messages.after(thread, box, query.after, query.limit), None
    return messages.page_of(thread, box, query.limit, query.cursor)


# ---- staff ----


@practice.endpoint(
    "POST", "/clients/{client_id}/messages", action="message:send", body=NewMessageIn, status=201, idempotent=True
)
def begin_thread(context: Context, client_id: str, body: NewMessageIn) -> SentMessage:
    """Write to a client, in a new conversation"""
    sent = messages.begin(context, None, body.subject, Letter(body.body, body.upload_ids, body.copy_to_log))
    if body.clear_draft:
        drafts.forget(context, client_id)
    return SentMessage(thread_id=sent.thread_id, number=sent.number)


@practice.endpoint(
    "GET",
    "/clients/{client_id}/messages/{thread_id}",
    action="message:read",
    query=Reading,
    reads_record=True,
    conditional=True,
)
def read_thread(context: Context, client_id: str, thread_id: str, query: Reading) -> Conversation:
    """A conversation of mine

    Polled while it is on the screen, with `after` and If-None-Match: unchanged it is 304 for the one BatchGetItem that
    every request makes (5 read units here), and nothing is read, written or audited besides.
    """
    thread = messages.get(context, thread_id)
    read_to = _read_to(context, thread)
    etag = unless_known(context, f"{thread.last}-{read_to or 0}")
    box = messages.box_of(context, thread)
    found, cursor = _some(context, thread, box, query)
    (row,) = rows_of(context, [Row(thread, box, context.client, int(thread.last), box.last_at)])
    why = why_not(context)
    return Conversation(
        etag=etag,
        thread=row,
        messages=[message_view(context, each, read_to) for each in found],
        next_cursor=cursor,
        can_answer=why is None,
        reason=why,
        composer=Composer.of(context.tenant, context.now),
    )


@practice.endpoint(
    "POST",
    "/clients/{client_id}/messages/{thread_id}",
    action="message:send",
    body=MessageIn,
    status=201,
    idempotent=True,
)
def answer_thread(context: Context, client_id: str, thread_id: str, body: MessageIn) -> SentMessage:
    """Write in a conversation of mine"""
    sent = messages.answer(context, thread_id, Letter(body.body, body.upload_ids, body.copy_to_log))
    if body.clear_draft:
        drafts.forget(context, thread_id)
    return SentMessage(thread_id=sent.thread_id, number=sent.number)


@practice.endpoint(
    "POST",
    "/clients/{client_id}/messages/{thread_id}/attachments/{attachment_id}/download",
    action="message:read",
)
def download_attachment(context: Context, client_id: str, thread_id: str, attachment_id: str) -> MyLink:
    """A short-lived link to an attachment"""
    url, until = messages.download(context, thread_id, attachment_id)
    return MyLink(url=url, expires_at=clock.text(until))


# ---- clients ----


@portal.endpoint("POST", "/messages", action="message:send", body=MyNewMessageIn, status=201, idempotent=True)
def begin_my_thread(context: Context, body: MyNewMessageIn) -> SentMessage:
    """Write to somebody at the practice, in a new conversation"""
    sent = messages.begin(context, body.to, body.subject, Letter(body.body, body.upload_ids))
    if body.clear_draft:
        drafts.forget(context, drafts.NEW)
    return SentMessage(thread_id=sent.thread_id, number=sent.number)


@portal.endpoint("GET", "/messages/{thread_id}", action="message:read", query=Reading, conditional=True)
def read_my_thread(context: Context, thread_id: str, query: Reading) -> MyConversation:
    """One of my conversations

    Polled while it is on the screen, with `after` and If-None-Match: unchanged it is 304 for the one BatchGetItem that
    every request makes, and, where the organization shows read receipts, one of a record a staff member.
    """
    thread = messages.get(context, thread_id)
    box = messages.box_of(context, thread)
    read_to = _read_to(context, thread)
    etag = unless_known(context, f"{thread.last}-{read_to or 0}")
    found, cursor = _some(context, thread, box, query)
    (row,) = my_rows(context, [Row(thread, box, context.client, int(thread.last), box.last_at)])
    return MyConversation(
        etag=etag,
        thread=row,
        messages=[message_view(context, each, read_to) for each in found],
        next_cursor=cursor,
        can_answer=may_write(context) and bool(recipients.present(context, thread)),
        composer=Composer.of(context.tenant, context.now),
    )


@portal.endpoint("POST", "/messages/{thread_id}", action="message:send", body=MyMessageIn, status=201, idempotent=True)
def answer_my_thread(context: Context, thread_id: str, body: MyMessageIn) -> SentMessage:
    """Write in one of my conversations"""
    sent = messages.answer(context, thread_id, Letter(body.body, body.upload_ids))
    if body.clear_draft:
        drafts.forget(context, thread_id)
    return SentMessage(thread_id=sent.thread_id, number=sent.number)


@portal.endpoint("POST", "/messages/{thread_id}/attachments/{attachment_id}/download", action="message:read")
def download_my_attachment(context: Context, thread_id: str, attachment_id: str) -> MyLink:
    """A short-lived link to an attachment"""
    url, until = messages.download(context, thread_id, attachment_id)
    return MyLink(url=url, expires_at=clock.text(until))
