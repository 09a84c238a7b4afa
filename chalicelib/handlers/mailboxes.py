"""Conversations as each person has them: inbox, sent and trash, what is unread, and whose are found by a name
(DOMAIN.md 6.2, 6.3)."""

from typing import Annotated, Any, Literal

from pydantic import Field

from chalicelib import clock
from chalicelib.context import Context
from chalicelib.handlers.recipients import Composer, why_not
from chalicelib.handlers.routing import PORTAL, PRACTICE, Routes, unless_known
from chalicelib.handlers.views import Body, Empty, Line, Paging, PortalView, View
from chalicelib.models.tenants import StaffCard
from chalicelib.services import clients, mailboxes, messages, sessions, staff
from chalicelib.services.mailboxes import Row

practice = Routes(__name__, PRACTICE, "/practice", tag="messages")
portal = Routes(__name__ + ".portal", PORTAL, "/portal", tag="messages")

Topic = Literal["direct", "administration", "billing", "clinical"]


# ---- what goes in ----


class Folder(Paging):
    """One page of a folder. `sent` holds each message of one's own, the others threads."""

    folder: Literal["inbox", "sent", "trash"] = "inbox"


class PersonIn(Body):
    """Letters of a name."""

    search: Annotated[Line, Field(min_length=1, max_length=100)]


class SeenIn(Body):
    """The highest number that was on the screen."""

    up_to: int = Field(ge=1, le=99_999_999)


# ---- what comes out ----


class Unread(PortalView):
    """How many conversations hold something unread (100: that many or more). `etag` for If-None-Match."""

    unread: int
    etag: str


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


def _cards(context: Context, rows: list[Row]) -> dict[str, StaffCard]:
    return mailboxes.cards_of(context.tenant_id, [each for row in rows for each in row.thread.members])


def my_rows(context: Context, rows: list[Row]) -> list[MyThread]:
    """The asking client's conversations, as they see them."""
    cards = _cards(context, rows)
    return [MyThread(**_fields(context, row, cards)) for row in rows]


def rows_of(context: Context, rows: list[Row]) -> list[ThreadRow]:
    """Conversations as staff see them."""
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


# ---- staff ----


@practice.endpoint("GET", "/messages", action="message:list", query=Folder)
def list_threads(context: Context, query: Folder) -> ThreadPage:
    """My inbox, what I sent, or my trash"""
    rows, cursor = mailboxes.page_of(context, query.folder, query.limit, query.cursor)
    return ThreadPage(items=rows_of(context, rows), next_cursor=cursor)


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
    return ThreadPage(items=rows_of(context, mailboxes.search(context, body.search)), next_cursor=None)


@practice.endpoint("GET", "/clients/{client_id}/messages", action="message:read", query=Paging, reads_record=True)
def list_client_threads(context: Context, client_id: str, query: Paging) -> ClientThreads:
    """The conversations with a client"""
    rows, cursor = mailboxes.of_client(context, query.limit, query.cursor)
    why = why_not(context)
    return ClientThreads(
        items=rows_of(context, rows),
        next_cursor=cursor,
        can_write=why is None,
        reason=why,
        composer=Composer.of(context.tenant, context.now),
    )


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


# ---- clients ----


@portal.endpoint("GET", "/messages", action="message:list", query=Folder)
def list_my_threads(context: Context, query: Folder) -> MyThreads:
    """My inbox, what I sent, or my trash"""
    rows, cursor = mailboxes.page_of(context, query.folder, query.limit, query.cursor)
    return MyThreads(items=my_rows(context, rows), next_cursor=cursor)


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
    return MyThreads(items=my_rows(context, mailboxes.search(context, body.search)), next_cursor=None)


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
