"""Secure messages: inbox, sent and trash, conversations, drafts and attachments (DOMAIN.md section 6)."""

from datetime import datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, StringConstraints

from chalicelib import clock
from chalicelib.context import Context
from chalicelib.handlers.documents import MyLink
from chalicelib.handlers.routing import PORTAL, PRACTICE, Routes, unless_known
from chalicelib.handlers.views import Body, Empty, Id, Line, Paging, PortalView, Query, Text, View
from chalicelib.models.messages import ThreadPrint
from chalicelib.models.tenants import StaffCard, Tenant
from chalicelib.policies.decide import denial
from chalicelib.services import (
    clients,
    drafts,
    mailboxes,
    messages,
    recipients,
    sessions,
    staff,
    tenants,
    thread_prints,
)
from chalicelib.services.mailboxes import Row
from chalicelib.services.messages import Letter, Written

practice = Routes(__name__, PRACTICE, "/practice")
portal = Routes(__name__ + ".portal", PORTAL, "/portal")

Subject = Annotated[Line, Field(min_length=1, max_length=120)]
Words = Annotated[Text, Field(max_length=20_000)]
Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{8,128}$")]
Files = Annotated[list[Id], Field(max_length=messages.FILES)]
Topic = Literal["direct", "administration", "billing", "clinical"]
To = Annotated[str, StringConstraints(pattern=r"^([a-z]{1,20}|[0-9A-Z]{26})$")]
Kind = Literal["pdf", "png", "jpg", "heic", "txt", "docx"]


# ---- what goes in ----


class Folder(Paging):
    """One page of a folder. `sent` holds each message of one's own, the others threads."""

    folder: Literal["inbox", "sent", "trash"] = "inbox"


class Reading(Paging):
    """Some messages of a thread, newest first; with `after` those above that number, in order, and no cursor."""

    limit: int = Field(default=50, ge=1, le=100)
    after: int | None = Field(default=None, ge=0, le=99_999_999)


class Printing(Query):
    """A page of a thread to print, oldest first."""

    cursor: str | None = Field(default=None, max_length=2000)


class PersonIn(Body):
    """Letters of a name."""

    search: Annotated[Line, Field(min_length=1, max_length=100)]


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


class SeenIn(Body):
    """The highest number that was on the screen."""

    up_to: int = Field(ge=1, le=99_999_999)


class MessageDraftIn(Body):
    """What is written so far. `key` as it was read; `to` and `subject` for a new thread."""

    key: Key
    to: To | None = None
    subject: Annotated[Line, Field(max_length=120)] = ""
    body: Words = ""
    upload_ids: Files = Field(default_factory=list)


# ---- what comes out, to both sides ----


class Unread(PortalView):
    """How many conversations hold something unread (100: that many or more). `etag` for If-None-Match."""

    unread: int
    etag: str


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


class PdfView(PortalView):
    """A PDF of a conversation: there in a few seconds, for a day."""

    print_id: str
    status: Literal["making", "ready", "failed"]

    @classmethod
    def of(cls, record: ThreadPrint) -> "PdfView":
        """The view of a PDF."""
        return cls(print_id=record.print_id, status=record.status)


class MessageDraft(PortalView):
    """A draft; an empty one, never saved, where there is none. Send it with `key` as the Idempotency-Key."""

    key: str
    to: str | None
    subject: str
    body: str
    upload_ids: list[str]
    saved_at: str | None

    @classmethod
    def of(cls, draft: drafts.Draft) -> "MessageDraft":
        """The view of a draft."""
        return cls(key=draft.key, saved_at=draft.saved_at, **draft.words)


class Composer(PortalView):
    """What stands beside a composer: the practice's reply time, its note outside of its hours (None within them, or
    where there is none), and what is for emergencies. `most`: characters of a message."""

    reply_time: str
    away_note: str | None
    crisis_text: str
    crisis_phone: str
    read_receipts: bool
    most: int
    files_most: int

    @classmethod
    def of(cls, tenant: Tenant, at: datetime) -> "Composer":
        """As the settings have it at this moment."""
        own = tenants.messaging(tenant)
        return cls(
            reply_time=tenants.setting(tenant, "reply_time"),
            away_note=own["away_note"] if own["away_note"] and not _open(own["hours"], tenant.zone, at) else None,
            crisis_text=tenants.setting(tenant, "crisis_text"),
            crisis_phone=tenants.setting(tenant, "crisis_phone"),
            read_receipts=bool(own["read_receipts"]),
            most=20_000,
            files_most=messages.FILES,
        )


def _open(hours: list[list[int] | None], zone: str, at: datetime) -> bool:
    """Whether the practice answers at this time of its day; no hours at all: always."""
    if not any(hours):
        return True
    local = at.astimezone(ZoneInfo(zone))
    day, minute = hours[local.weekday()], local.hour * 60 + local.minute
    return day is not None and day[0] <= minute < day[1]


# ---- to clients ----


class MyThread(PortalView):
    """One of my conversations. `with_names`: who takes part on the other side. In `sent`, `number` is my message's and
    `at` when I sent it, else the newest one's. `trash_until`: when it is gone from the trash."""

    thread_id: str
    subject: str
    topic: Topic
    with_names: list[str]
    number: int
    count: int
    unread: int
    at: str
    last_mine: bool
    folder: Literal["inbox", "trash"]
    trash_until: str | None


class MyThreads(PortalView):
    """Some of my conversations, newest first."""

    items: list[MyThread]
    next_cursor: str | None


class MyConversation(PortalView):
    """One of my conversations and some of its messages: newest first, or in order with `after`. `can_answer`: somebody
    on the other side can be reached, and messaging is on."""

    etag: str
    thread: MyThread
    messages: list[MessageView]
    next_cursor: str | None
    can_answer: bool
    composer: Composer


class Choice(PortalView):
    """Somebody I can write to: a therapist of mine by id, or a desk of the practice by name."""

    to: str
    kind: Literal["therapist", "administration", "billing", "clinical"]
    name: str | None


class MyChoices(PortalView):
    """Everyone I can write to, and what stands beside the composer. `can_write`: messaging is on for me."""

    items: list[Choice]
    can_write: bool
    composer: Composer


class PrintView(PortalView):
    """A page of a conversation to print, oldest first."""

    organization: str
    subject: str
    topic: Topic
    with_names: list[str]
    client_name: str
    printed_at: str
    zone: str
    messages: list[MessageView]
    next_cursor: str | None


# ---- to staff ----


class ThreadRow(View):
    """A conversation of the asker's with a client. `mine` false: one of colleagues, of which administrators see that it
    is there, and nothing of what it says (`subject` None). The rest as in MyThread."""

    client_id: str
    client_name: str
    thread_id: str
    subject: str | None
    topic: Topic
    with_names: list[str]
    number: int
    count: int
    unread: int
    at: str
    last_mine: bool
    last_from_practice: bool
    folder: Literal["inbox", "trash"]
    trash_until: str | None
    mine: bool


class ThreadPage(View):
    """Some conversations, newest first."""

    items: list[ThreadRow]
    next_cursor: str | None

    def clients_named(self) -> list[str]:
        """Those of the rows."""
        return [each.client_id for each in self.items]


class ClientThreads(ThreadPage):
    """The conversations with one client, and whether the asker can write to them: `reason` is a problem's code."""

    can_write: bool
    reason: str | None
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


# ---- making them ----


def _cards(context: Context, rows: list[Row]) -> dict[str, StaffCard]:
    return mailboxes.cards_of(context.tenant_id, [each for row in rows for each in row.thread.members])


def _fields(context: Context, row: Row, cards: dict[str, StaffCard]) -> dict[str, Any]:
    thread, box = row.thread, row.box
    by_client = context.actor.kind == sessions.CLIENT
    until = box.trashed_at if box is not None else None
    me = "client" if by_client else context.actor.staff_id
    return {
        "thread_id": thread.thread_id,
        "subject": messages.subject_of(thread) if box is not None else None,
        "topic": thread.topic,
        "with_names": [staff.shown(cards[each]) for each in thread.members if each in cards],
        "number": row.number,
        "count": int(thread.last),
        "unread": int(box.unread) if box is not None else 0,
        "at": row.at,
        "last_mine": thread.last_by == me,
        "folder": box.folder if box is not None else "inbox",
        "trash_until": clock.text(clock.parse(until) + mailboxes.KEPT) if until else None,
    }


def _my_rows(context: Context, rows: list[Row]) -> list[MyThread]:
    cards = _cards(context, rows)
    return [MyThread(**_fields(context, row, cards)) for row in rows]


def _rows(context: Context, rows: list[Row]) -> list[ThreadRow]:
    cards = _cards(context, rows)
    return [
        ThreadRow(
            client_id=row.thread.client_id,
            client_name=clients.shown(row.client) if row.client is not None else "",
            mine=row.box is not None,
            last_from_practice=row.thread.last_by != "client",
            **_fields(context, row, cards),
        )
        for row in rows
    ]


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


def _why_not(context: Context) -> str | None:
    """Why staff cannot write to the client of the request, as a problem's code."""
    why = denial("message:send", sessions.facts(context))
    if why is not None:
        return str(why)
    return messages.why_no_reader(context)


# ---- staff: lists ----


@practice.endpoint("GET", "/messages", action="message:list", query=Folder)
def list_threads(context: Context, query: Folder) -> ThreadPage:
    """My inbox, what I sent, or my trash"""
    rows, cursor = mailboxes.page_of(context, query.folder, query.limit, query.cursor)
    return ThreadPage(items=_rows(context, rows), next_cursor=cursor)


@practice.endpoint("GET", "/messages/unread", action="message:list", conditional=True)
def count_unread(context: Context) -> Unread:
    """How many of my conversations hold something unread

    For polling (with X-Background: 1, which keeps no session alive). Unchanged it is 304 without a body, for one
    BatchGetItem of three records (3 read units, as every request) and one query of an index of keys (half a unit);
    nothing is written or audited. Asked every 15 seconds while a page is on the screen and every 2 minutes while it is
    hidden, a page that is open for 8 hours, 2 of them on the screen, asks some 660 times: about 2,300 read units and
    660 requests a day, $0.003 with the function's time.
    """
    found, etag = mailboxes.unread(context)
    return Unread(unread=found, etag=unless_known(context, etag))


@practice.endpoint("POST", "/messages/search", action="message:list", body=PersonIn)
def search_threads(context: Context, body: PersonIn) -> ThreadPage:
    """My conversations with clients of this name, the newest 50"""
    return ThreadPage(items=_rows(context, mailboxes.search(context, body.search)), next_cursor=None)


# ---- staff: one client ----


@practice.endpoint("GET", "/clients/{client_id}/messages", action="message:read", query=Paging, reads_record=True)
def list_client_threads(context: Context, client_id: str, query: Paging) -> ClientThreads:
    """The conversations with a client"""
    rows, cursor = mailboxes.of_client(context, query.limit, query.cursor)
    why = _why_not(context)
    return ClientThreads(
        items=_rows(context, rows),
        next_cursor=cursor,
        can_write=why is None,
        reason=why,
        composer=Composer.of(context.tenant, context.now),
    )


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
    (row,) = _rows(context, [Row(thread, box, context.client, int(thread.last), box.last_at)])
    why = _why_not(context)
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
    "POST", "/clients/{client_id}/messages/{thread_id}/read", action="message:read", body=SeenIn, status=204
)
def mark_thread_read(context: Context, client_id: str, thread_id: str, body: SeenIn) -> Empty:
    """I have seen everything up to this number"""
    mailboxes.mark_read(context, thread_id, body.up_to)
    return Empty()


@practice.endpoint("POST", "/clients/{client_id}/messages/{thread_id}/trash", action="message:read", status=204)
def trash_thread(context: Context, client_id: str, thread_id: str) -> Empty:
    """Put a conversation into my trash"""
    mailboxes.put_away(context, thread_id)
    return Empty()


@practice.endpoint("POST", "/clients/{client_id}/messages/{thread_id}/restore", action="message:read", status=204)
def restore_thread(context: Context, client_id: str, thread_id: str) -> Empty:
    """Take a conversation out of my trash"""
    mailboxes.restore(context, thread_id)
    return Empty()


@practice.endpoint(
    "POST",
    "/clients/{client_id}/messages/{thread_id}/attachments/{attachment_id}/download",
    action="message:read",
)
def download_attachment(context: Context, client_id: str, thread_id: str, attachment_id: str) -> MyLink:
    """A short-lived link to an attachment"""
    url, until = messages.download(context, thread_id, attachment_id)
    return MyLink(url=url, expires_at=clock.text(until))


@practice.endpoint(
    "GET",
    "/clients/{client_id}/messages/{thread_id}/print",
    action="message:read",
    query=Printing,
    reads_record=True,
)
def print_thread(context: Context, client_id: str, thread_id: str, query: Printing) -> PrintView:
    """A conversation to print, a hundred messages a page"""
    return PrintView(**_printed(context, thread_id, query.cursor))


def _printed(context: Context, thread_id: str, cursor: str | None) -> dict[str, Any]:
    thread = messages.get(context, thread_id)
    box = messages.box_of(context, thread)
    found, following = messages.page_of(thread, box, 100, cursor, newest_first=False)
    cards = mailboxes.cards_of(context.tenant_id, thread.members)
    return {
        "organization": context.tenant.name,
        "subject": messages.subject_of(thread),
        "topic": thread.topic,
        "with_names": [staff.shown(cards[each]) for each in thread.members if each in cards],
        "client_name": clients.shown(context.client),
        "printed_at": clock.text(context.now),
        "zone": context.tenant.zone,
        "messages": [message_view(context, each, None) for each in found],
        "next_cursor": following,
    }


@practice.endpoint("POST", "/clients/{client_id}/messages/{thread_id}/pdf", action="message:read", status=201)
def ask_pdf(context: Context, client_id: str, thread_id: str) -> PdfView:
    """Have a PDF made of a conversation of mine"""
    return PdfView.of(thread_prints.ask(context, thread_id))


@practice.endpoint(
    "GET", "/clients/{client_id}/messages/{thread_id}/pdf/{print_id}", action="message:read", reads_record=True
)
def read_pdf(context: Context, client_id: str, thread_id: str, print_id: str) -> PdfView:
    """Whether the PDF is there"""
    return PdfView.of(thread_prints.get(context, thread_id, print_id))


@practice.endpoint("POST", "/clients/{client_id}/messages/{thread_id}/pdf/{print_id}/download", action="message:read")
def download_pdf(context: Context, client_id: str, thread_id: str, print_id: str) -> MyLink:
    """A short-lived link to the PDF"""
    url, until = thread_prints.download(context, thread_id, print_id)
    return MyLink(url=url, expires_at=clock.text(until))


@practice.endpoint("GET", "/clients/{client_id}/message-draft", action="message:draft", reads_record=True)
def read_draft_to_client(context: Context, client_id: str) -> MessageDraft:
    """What I have begun to write to a client"""
    return MessageDraft.of(drafts.get(context, client_id))


@practice.endpoint("PUT", "/clients/{client_id}/message-draft", action="message:draft", body=MessageDraftIn)
def save_draft_to_client(context: Context, client_id: str, body: MessageDraftIn) -> MessageDraft:
    """Keep what I have begun to write to a client"""
    return MessageDraft.of(drafts.save(context, client_id, body.key, body.model_dump(exclude={"key"})))


@practice.endpoint("DELETE", "/clients/{client_id}/message-draft", action="message:draft", status=204)
def drop_draft_to_client(context: Context, client_id: str) -> Empty:
    """Throw away what I have begun to write to a client"""
    drafts.forget(context, client_id)
    return Empty()


@practice.endpoint("GET", "/clients/{client_id}/messages/{thread_id}/draft", action="message:draft", reads_record=True)
def read_message_draft(context: Context, client_id: str, thread_id: str) -> MessageDraft:
    """What I have begun to write in a conversation"""
    return MessageDraft.of(drafts.get(context, thread_id))


@practice.endpoint(
    "PUT", "/clients/{client_id}/messages/{thread_id}/draft", action="message:draft", body=MessageDraftIn
)
def save_message_draft(context: Context, client_id: str, thread_id: str, body: MessageDraftIn) -> MessageDraft:
    """Keep what I have begun to write in a conversation"""
    return MessageDraft.of(drafts.save(context, thread_id, body.key, body.model_dump(exclude={"key"})))


@practice.endpoint("DELETE", "/clients/{client_id}/messages/{thread_id}/draft", action="message:draft", status=204)
def drop_message_draft(context: Context, client_id: str, thread_id: str) -> Empty:
    """Throw away what I have begun to write in a conversation"""
    drafts.forget(context, thread_id)
    return Empty()


# ---- clients ----


@portal.endpoint("GET", "/messages", action="message:list", query=Folder)
def list_my_threads(context: Context, query: Folder) -> MyThreads:
    """My inbox, what I sent, or my trash"""
    rows, cursor = mailboxes.page_of(context, query.folder, query.limit, query.cursor)
    return MyThreads(items=_my_rows(context, rows), next_cursor=cursor)


@portal.endpoint("GET", "/messages/unread", action="message:list", conditional=True)
def count_my_unread(context: Context) -> Unread:
    """How many of my conversations hold something unread

    For polling, at the price that count_unread names; two of its three records are a client's own.
    """
    found, etag = mailboxes.unread(context)
    return Unread(unread=found, etag=unless_known(context, etag))


@portal.endpoint("POST", "/messages/search", action="message:list", body=PersonIn)
def search_my_threads(context: Context, body: PersonIn) -> MyThreads:
    """My conversations with somebody of this name"""
    return MyThreads(items=_my_rows(context, mailboxes.search(context, body.search)), next_cursor=None)


@portal.endpoint("GET", "/messages/recipients", action="message:list")
def list_my_choices(context: Context) -> MyChoices:
    """Everyone I can write to"""
    can_write = denial("message:send", sessions.facts(context)) is None and context.client.status == "active"
    found = recipients.offered(context) if can_write else []
    return MyChoices(
        items=[_choice(each) for each in found],
        can_write=can_write,
        composer=Composer.of(context.tenant, context.now),
    )


def _choice(found: recipients.Recipient) -> Choice:
    if found.to in recipients.DESKS:
        return Choice(to=found.to, kind=found.to, name=None)
    return Choice(to=found.to, kind="therapist", name=staff.shown(found.staff[0]))


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
    (row,) = _my_rows(context, [Row(thread, box, context.client, int(thread.last), box.last_at)])
    allowed = denial("message:send", sessions.facts(context)) is None and context.client.status == "active"
    return MyConversation(
        etag=etag,
        thread=row,
        messages=[message_view(context, each, read_to) for each in found],
        next_cursor=cursor,
        can_answer=allowed and bool(recipients.present(context, thread)),
        composer=Composer.of(context.tenant, context.now),
    )


@portal.endpoint("POST", "/messages/{thread_id}", action="message:send", body=MyMessageIn, status=201, idempotent=True)
def answer_my_thread(context: Context, thread_id: str, body: MyMessageIn) -> SentMessage:
    """Write in one of my conversations"""
    sent = messages.answer(context, thread_id, Letter(body.body, body.upload_ids))
    if body.clear_draft:
        drafts.forget(context, thread_id)
    return SentMessage(thread_id=sent.thread_id, number=sent.number)


@portal.endpoint("POST", "/messages/{thread_id}/read", action="message:read", body=SeenIn, status=204)
def mark_my_thread_read(context: Context, thread_id: str, body: SeenIn) -> Empty:
    """I have seen everything up to this number"""
    mailboxes.mark_read(context, thread_id, body.up_to)
    return Empty()


@portal.endpoint("POST", "/messages/{thread_id}/trash", action="message:read", status=204)
def trash_my_thread(context: Context, thread_id: str) -> Empty:
    """Put a conversation into my trash"""
    mailboxes.put_away(context, thread_id)
    return Empty()


@portal.endpoint("POST", "/messages/{thread_id}/restore", action="message:read", status=204)
def restore_my_thread(context: Context, thread_id: str) -> Empty:
    """Take a conversation out of my trash"""
    mailboxes.restore(context, thread_id)
    return Empty()


@portal.endpoint("POST", "/messages/{thread_id}/attachments/{attachment_id}/download", action="message:read")
def download_my_attachment(context: Context, thread_id: str, attachment_id: str) -> MyLink:
    """A short-lived link to an attachment"""
    url, until = messages.download(context, thread_id, attachment_id)
    return MyLink(url=url, expires_at=clock.text(until))


@portal.endpoint("GET", "/messages/{thread_id}/print", action="message:read", query=Printing)
def print_my_thread(context: Context, thread_id: str, query: Printing) -> PrintView:
    """One of my conversations to print, a hundred messages a page"""
    return PrintView(**_printed(context, thread_id, query.cursor))


@portal.endpoint("POST", "/messages/{thread_id}/pdf", action="message:read", status=201)
def ask_my_pdf(context: Context, thread_id: str) -> PdfView:
    """Have a PDF made of one of my conversations"""
    return PdfView.of(thread_prints.ask(context, thread_id))


@portal.endpoint("GET", "/messages/{thread_id}/pdf/{print_id}", action="message:read")
def read_my_pdf(context: Context, thread_id: str, print_id: str) -> PdfView:
    """Whether my PDF is there"""
    return PdfView.of(thread_prints.get(context, thread_id, print_id))


@portal.endpoint("POST", "/messages/{thread_id}/pdf/{print_id}/download", action="message:read")
def download_my_pdf(context: Context, thread_id: str, print_id: str) -> MyLink:
    """A short-lived link to my PDF"""
    url, until = thread_prints.download(context, thread_id, print_id)
    return MyLink(url=url, expires_at=clock.text(until))


@portal.endpoint("GET", "/message-draft", action="message:draft")
def read_my_new_draft(context: Context) -> MessageDraft:
    """What I have begun to write"""
    return MessageDraft.of(drafts.get(context, drafts.NEW))


@portal.endpoint("PUT", "/message-draft", action="message:draft", body=MessageDraftIn)
def save_my_new_draft(context: Context, body: MessageDraftIn) -> MessageDraft:
    """Keep what I have begun to write"""
    return MessageDraft.of(drafts.save(context, drafts.NEW, body.key, body.model_dump(exclude={"key"})))


@portal.endpoint("DELETE", "/message-draft", action="message:draft", status=204)
def drop_my_new_draft(context: Context) -> Empty:
    """Throw away what I have begun to write"""
    drafts.forget(context, drafts.NEW)
    return Empty()


@portal.endpoint("GET", "/messages/{thread_id}/draft", action="message:draft")
def read_my_draft(context: Context, thread_id: str) -> MessageDraft:
    """What I have begun to write in a conversation"""
    return MessageDraft.of(drafts.get(context, _mine(context, thread_id)))


@portal.endpoint("PUT", "/messages/{thread_id}/draft", action="message:draft", body=MessageDraftIn)
def save_my_draft(context: Context, thread_id: str, body: MessageDraftIn) -> MessageDraft:
    """Keep what I have begun to write in a conversation"""
    _mine(context, thread_id)
    return MessageDraft.of(drafts.save(context, thread_id, body.key, body.model_dump(exclude={"key"})))


@portal.endpoint("DELETE", "/messages/{thread_id}/draft", action="message:draft", status=204)
def drop_my_draft(context: Context, thread_id: str) -> Empty:
    """Throw away what I have begun to write in a conversation"""
    drafts.forget(context, _mine(context, thread_id))
    return Empty()


def _mine(context: Context, thread_id: str) -> str:
    """A thread that is there. Raises NotFound."""
    return str(messages.get(context, thread_id).thread_id)
