"""Threads and messages: beginning one, answering, reading (DOMAIN.md section 6).

    send ─▶ one transaction: the thread's number goes up by one (as it was seen), the message stands at that number, and
            every participant's own view of the thread moves up and counts what is unread
              └ somebody else was faster: look again, take the next number (at most TRIES times, then Busy)

A message is never changed and never moved. Who takes part is read anew with every request, never remembered.
"""

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any, NamedTuple

from chalicelib import clock, ids
from chalicelib.adapters import documents as bucket
from chalicelib.adapters import filetypes, keys
from chalicelib.config import settings
from chalicelib.context import Context
from chalicelib.errors import (
    AccessEnded,
    Busy,
    ClientArchived,
    InvalidBody,
    MessagesCap,
    NoAccount,
    NobodyThere,
    NotFound,
    PortalError,
    TooManyRequests,
)
from chalicelib.lines import seen
from chalicelib.models.clients import Assignment
from chalicelib.models.messages import Attachment, Message, StaffBox, Thread
from chalicelib.models.table import load
from chalicelib.models.transaction import Transaction
from chalicelib.models.uploads import Upload
from chalicelib.policies.rules import Role
from chalicelib.services import accounts, audits, contact_logs, idempotency, recipients, tenants, uploads

TRIES = 10  # some 12 seconds; after that the asker is to try again
NOTICE = timedelta(minutes=15)  # so long something stays unread before a mail says so (DOMAIN.md 6.3)
BURST = timedelta(hours=24)  # after a mail that was not followed by reading, the next one
FILES = 10
INBOX, TRASH, GONE = "inbox", "trash", "gone"
CLIENT, STAFF = "CLIENT", "STAFF"

Box = Thread | StaffBox
Also = Callable[[Transaction, str, int], None]


class Letter(NamedTuple):
    """What somebody wrote. `copy`: staff have it noted in the contact log, too."""

    body: str
    upload_ids: Sequence[str] = ()
    copy: bool = False


class Sent(NamedTuple):
    """A message that stands: its thread, and its number there."""

    thread_id: str
    number: int


class _Overtaken(PortalError):
    """Somebody wrote, read or put away at the same moment: look again."""


# ---- writing ----


def begin(context: Context, to: str | None, subject: str, letter: Letter, *, also: Also | None = None,
          thread_id: str | None = None) -> Sent:  # fmt: skip
    """A new thread. A client writes `to` one of those who are offered; staff write to the client of the request.
    `also`: what comes with it where it is one of a message to many.

    Raises NotFound (nobody offered by this name, a foreign file), NoAccount, AccessEnded and ClientArchived for a
    client who cannot read it, UploadNotReady, UploadUsed, TooManyRequests, MessagesCap, Busy. With an Idempotency-Key:
    once.
    """
    if context.result:
        return _remembered(context)
    _require_words(letter)
    with _may_write(context, to_many=also is not None):
        return _begin(context, to, subject, letter, also, thread_id)


def _begin(
    context: Context, to: str | None, subject: str, letter: Letter, also: Also | None, thread_id: str | None
) -> Sent:
    if _by_client(context):
        topic = to if to in recipients.DESKS else recipients.DIRECT
        members = [each.staff_id for each in recipients.chosen(context, str(to))]
    else:
        topic, members = recipients.DIRECT, [context.actor.staff_id]
    place = {"tenant_id": context.tenant_id, "client_id": context.client_id}
    thread = Thread.new(
        **place,
        thread_id=thread_id or ids.new_id(context.now),
        topic=topic,
        members=members,
        subject=b"",
        last=0,
        last_by="",
        last_at=clock.text(context.now),
        folder=INBOX,
        unread=0,
        read_to=0,
    )
    thread.gsi2pk = thread.gsi2sk = None
    thread.subject = keys.encrypt(context.tenant_id, subject, _place(thread))
    _commit(context, thread, members, dict.fromkeys(members), letter, _files(context, letter), also)
    return Sent(thread.thread_id, 1)


def answer(context: Context, thread_id: str, letter: Letter) -> Sent:
    """One more message in a thread of one's own. Raises NobodyThere where no member can be reached any more, and what
    `begin` raises."""
    if context.result:
        return _remembered(context)
    thread = get(context, thread_id)
    _require_words(letter)
    with _may_write(context):
        return _answer(context, thread, letter)


def _answer(context: Context, thread: Thread, letter: Letter) -> Sent:
    files = _files(context, letter)
    members = _readers(context, thread)
    boxes = _boxes(thread, members)
    for attempt in range(TRIES):
        try:
            return _commit(context, thread, members, boxes, letter, files, None)
        except _Overtaken:
            # Of many at once one gets through; the others come back spread over twice the time each round.
            time.sleep(random.uniform(0, min(0.15 * 2**attempt, 4.0)))  # noqa: S311
            (found,) = load((Thread, _of_thread(thread)))
            thread = _required(found)
            members = members if _by_client(context) else _readers(context, thread)
            boxes = _boxes(thread, members)
    raise Busy(retry_after=1)


def _boxes(thread: Thread, members: Sequence[str]) -> dict[str, StaffBox | None]:
    """How the thread is had by those who take part from now on, and by those who did until now."""
    people = list(dict.fromkeys([*members, *thread.members]))
    found = load(*((StaffBox, _of_box(thread, each)) for each in people))
    return dict(zip(people, found, strict=True))


def _readers(context: Context, thread: Thread) -> list[str]:
    """Who of the staff has this thread from this message on."""
    if not _by_client(context):
        return list(dict.fromkeys([*thread.members, context.actor.staff_id]))
    found = [str(each.staff_id) for each in recipients.present(context, thread)]
    if not found:
        raise NobodyThere()
    return found


def _require_words(letter: Letter) -> None:
    if not letter.upload_ids:
        require_visible(letter.body)


def require_visible(body: str) -> None:
    """Words of which something can be seen. Raises InvalidBody."""
    if not seen(body):
        raise InvalidBody(errors=[{"pointer": "/body", "code": "empty", "detail": "Write something first."}])


@contextmanager
def _may_write(context: Context, *, to_many: bool = False) -> Iterator[None]:
    """A client writes so many messages an hour, staff to a client who can read them; all clients of an organization
    so many a day, and as many all its staff (notes: security 3.7): however much staff write, clients still can. Raises
    ClientArchived, AccessEnded, NoAccount, TooManyRequests, MessagesCap.

    What is written `to_many` has bounds of its own (mass_messages.AT_MOST) and is no part of the day's count: the rest
    of it would wait until tomorrow, and whatever staff write to one client, too.

    The counters stand beside the transaction of the message, each a plain addition of one write unit: of those who
    write at the same moment none makes another one wait or begin again. What is refused is no message of the day, or
    whoever asks for what cannot be sent would silence everybody; of a client's hour it is a try, but for what came to
    nothing because everyone wrote at once, or too much: the same message comes again.
    """
    if not _by_client(context):
        require_reader(context)
    elif context.client.status != "active":
        raise ClientArchived()
    side = "by_clients" if _by_client(context) else "by_staff"
    with ExitStack() as counts:
        if _by_client(context):
            hour = settings.limit("messages_client")
            counts.enter_context(_counted(context, hour, context.actor.id, unless=(Busy, MessagesCap)))
        if not to_many:
            try:
                day = tenants.limit(context.tenant, "messages_tenant")
                counts.enter_context(_counted(context, day, side, unless=(PortalError,)))
            except TooManyRequests as full:
                raise MessagesCap(retry_after=full.retry_after) from None
        yield


@contextmanager
def _counted(
    context: Context, limit: tuple[int, int], whose: str, *, unless: tuple[type[PortalError], ...]
) -> Iterator[None]:
    """One message more in this window, `unless` it comes to one of these. Raises TooManyRequests."""
    at = context.now.timestamp()
    accounts.throttle(context.tenant_id, limit, at, "messages", whose)
    try:
        yield
    except unless:
        accounts.uncount(context.tenant_id, limit, at, "messages", whose)
        raise


def require_reader(context: Context) -> None:
    """The client of the request can read what staff write. Raises ClientArchived, AccessEnded, NoAccount."""
    if refused := _no_reader(context):
        raise refused


def why_no_reader(context: Context) -> str | None:
    """The code of what `require_reader` raises, or None."""
    refused = _no_reader(context)
    return refused.code if refused else None


def _no_reader(context: Context) -> PortalError | None:
    if context.client.status != "active":
        return ClientArchived()
    if context.client.portal == "ended":
        return AccessEnded()
    return NoAccount() if context.client.portal != "active" else None


def _remembered(context: Context) -> Sent:
    thread_id, _, number = str(context.result).partition("/")
    return Sent(thread_id, int(number))


def _files(context: Context, letter: Letter) -> list[Upload]:
    found = [uploads.clean(context, each, uploads.MESSAGE) for each in dict.fromkeys(letter.upload_ids)]
    if any(each.uploaded_by != context.actor.id for each in found):
        raise NotFound()  # what somebody else is about to send
    return found


def _commit(
    context: Context,
    thread: Thread,
    members: list[str],
    boxes: Mapping[str, StaffBox | None],
    letter: Letter,
    files: list[Upload],
    also: Also | None,
) -> Sent:
    """The one transaction of a message. Raises _Overtaken when the thread is not as it was seen any more."""
    number = int(thread.last) + 1
    at = max(clock.text(context.now), str(thread.last_at))  # an order that no clock turns round
    message = _message(context, thread, number, at, letter, files)
    with Transaction() as tx:
        idempotency.remember(tx, context, f"{thread.thread_id}/{number}")
        if also is not None:  # before what it must not come to: another worker may have done this very item
            also(tx, thread.thread_id, number)
        if not _by_client(context) and Role.ADMINISTRATOR not in context.actor.roles:
            own = Assignment.at(
                tenant_id=context.tenant_id, client_id=context.client_id, staff_id=context.actor.staff_id
            )
            tx.require(own, Assignment.pk.exists(), otherwise=NotFound())
        _move_thread(tx, context, thread, members, number, at)
        for staff_id, box in boxes.items():
            if staff_id in members:
                _move_box(tx, context, thread, staff_id, box, number, at)
            elif box is not None and box.unread:
                _leave(tx, box)
        tx.create(message, otherwise=_Overtaken())
        for each in files:
            uploads.use(tx, each)
            tx.create(_attachment(thread, each, number))
        about = {"client_id": context.client_id, "thread_id": thread.thread_id}
        tx.create(audits.event(context, "message:send", number=str(number), **about))
        if letter.copy:
            tx.create(contact_logs.of_message(context, thread.thread_id, number, letter.body))
    return Sent(thread.thread_id, number)


def _message(context: Context, thread: Thread, number: int, at: str, letter: Letter, files: list[Upload]) -> Message:
    message = Message.new(
        **_of_thread(thread),
        number=f"{number:08d}",
        sender_kind=CLIENT if _by_client(context) else STAFF,
        sender_id=context.actor.staff_id,
        sent_at=at,
        words=b"",
    )
    told = [
        {
            "attachment_id": each.upload_id,
            "name": filetypes.name_of(uploads.about(each)["name"], str(each.file_type)),
            "file_type": each.file_type,
            "size": int(each.size),
        }
        for each in files
    ]
    words = {"body": letter.body, "name": _signed(context), "files": told}
    message.words = keys.encrypt(context.tenant_id, words, _place(message))
    return message


def _signed(context: Context) -> str:
    """The sender's name as it is now: a message keeps it."""
    from chalicelib.services import clients, staff

    return clients.shown(context.client) if _by_client(context) else staff.shown(context.person)


def _attachment(thread: Thread, upload: Upload, number: int) -> Attachment:
    return Attachment.new(
        **_of_thread(thread),
        attachment_id=upload.upload_id,
        number=number,
        object_key=upload.object_key,
        object_version=upload.object_version,
        file_type=upload.file_type,
        size=upload.size,
    )


def _move_thread(tx: Transaction, context: Context, thread: Thread, members: list[str], number: int, at: str) -> None:
    received = not _by_client(context)
    last_by = context.actor.staff_id if received else "client"
    if number == 1:
        thread.members, thread.last, thread.last_by = members, 1, last_by
        if received:
            _first(thread, Thread.UNREAD, {"client_id": thread.client_id}, context, at)
        else:
            thread.read_to = 1
        tx.create(thread)
        return
    unchanged = (Thread.last == thread.last) & _as_seen(thread)
    shared = [Thread.last.set(number), Thread.last_by.set(last_by), Thread.members.set(members)]
    actions = _moved(thread, Thread.BY_CLIENT, Thread.UNREAD, at, context, received=received, number=number)
    tx.update(thread, *shared, *actions, when=unchanged, otherwise=_Overtaken())


def _move_box(
    tx: Transaction, context: Context, thread: Thread, staff_id: str, box: StaffBox | None, number: int, at: str
) -> None:
    received = staff_id != context.actor.staff_id
    hidden = number - 1 if staff_id not in thread.members and _is_outsider(context, thread, staff_id) else None
    if box is not None:
        as_seen, late = _as_seen(box), []
        if hidden is not None:
            box.unread, late = 0, [StaffBox.hidden_to.set(hidden)]
        actions = _moved(box, StaffBox.BY_STAFF, StaffBox.UNREAD, at, context, received=received, number=None)
        tx.update(box, *actions, *late, when=as_seen, otherwise=_Overtaken())
        return
    # For whoever joins a thread later (a desk's new colleague) nothing before counts as unread; nor have they read it,
    # and no receipt says so.
    read_to = 0 if received else number
    new = StaffBox.new(
        **_of_box(thread, staff_id), folder=INBOX, last_at=at, unread=0, read_to=read_to, hidden_to=hidden
    )
    new.gsi2pk = new.gsi2sk = None
    if received:
        _first(new, StaffBox.UNREAD, {"staff_id": staff_id}, context, at)
    tx.create(new, otherwise=_Overtaken())


def _is_outsider(context: Context, thread: Thread, staff_id: str) -> bool:
    """An administrator whom the settings put at the clinical desk has what comes from then on. What a client wrote to
    their therapists before that takes breaking the glass, as any thread of theirs does (DOMAIN.md 6.5)."""
    assigned = {each["staff_id"] for each in context.client.therapists}
    return thread.topic == recipients.CLINICAL and staff_id not in assigned


def _leave(tx: Transaction, box: StaffBox) -> None:
    """Whoever takes part no more counts nothing of it as unread, and is told of nothing."""
    actions = [StaffBox.gsi2pk.remove(), StaffBox.gsi2sk.remove()]
    if box.folder == INBOX:
        actions += box.due_next(None)
    tx.update(box, *actions, when=_as_seen(box), otherwise=_Overtaken())


def _first(box: Box, unread: Any, own: dict[str, str], context: Context, at: str) -> None:
    box.unread = 1
    box.gsi2pk, box.gsi2sk = unread.fill({"tenant_id": box.tenant_id, "last_at": at, **own})
    box.due(context.now + NOTICE)


def _as_seen(box: Box) -> Any:
    kind = type(box)
    return (kind.read_to == box.read_to) & (kind.folder == box.folder) & (kind.unread == box.unread)


def _moved(
    box: Box, lists: Any, unread: Any, at: str, context: Context, *, received: bool, number: int | None
) -> list[Any]:
    """How a participant's view of a thread changes with a message: it comes to the top of their inbox, out of the
    trash, too; what they received counts as unread, and is due to be told of."""
    kind = type(box)
    own = {**box.values(), "folder": INBOX, "last_at": at}
    actions = [kind.last_at.set(at), kind.gsi1pk.set(lists.fill(own)[0]), kind.gsi1sk.set(lists.fill(own)[1])]
    if box.folder != INBOX:
        actions += [kind.folder.set(INBOX), kind.trashed_at.remove()]
    if received:
        place = unread.fill(own)
        actions += [kind.unread.set(int(box.unread) + 1), kind.gsi2pk.set(place[0]), kind.gsi2sk.set(place[1])]
        told = box.told_at is not None and context.now - clock.parse(box.told_at) < BURST
        if box.unread == 0 or box.folder != INBOX or (box.told_at is not None and not told):
            actions += [*box.due_next(context.now + NOTICE), kind.told_at.remove()]
    elif box.folder != INBOX:
        actions += box.due_next(None)
    return actions


# ---- reading ----


def get(context: Context, thread_id: str) -> Thread:
    """A thread of the client of the request, for one who takes part in it (policies decide). Raises NotFound."""
    found: Thread | None = context.named.get("thread_id")
    if found is None or found.thread_id != thread_id:
        place: dict[str, Any] = {"tenant_id": context.tenant_id, "client_id": context.client_id}
        found = Thread.find(**place, thread_id=thread_id)
    return _required(found)


def _required(found: Thread | None) -> Thread:
    if found is None:
        raise NotFound()
    return found


def box_of(context: Context, thread: Thread) -> Box:
    """How the asker has this thread. Raises NotFound for one that is gone for them."""
    if _by_client(context):
        found: Box | None = thread
    else:
        found = StaffBox.find(**_of_box(thread, context.actor.staff_id))
    if found is None or found.folder == GONE:
        raise NotFound()
    return found


class Written(NamedTuple):
    """A message with its words."""

    number: int
    sender_kind: str
    sender_id: str
    sender_name: str
    sent_at: str
    body: str
    files: list[dict[str, Any]]


def opened(message: Message) -> Written:
    """A message as it can be read."""
    words = keys.decrypt(message.tenant_id, message.words, _place(message))
    return Written(
        int(message.number), message.sender_kind, message.sender_id, words["name"], message.sent_at, words["body"],
        words["files"],
    )  # fmt: skip


def page_of(
    thread: Thread, box: Box | None, limit: int, cursor: str | None, *, newest_first: bool = True
) -> tuple[list[Written], str | None]:
    """Some messages of a thread, those left out that are hidden from the asker."""
    hidden = int(box.hidden_to or 0) if box is not None else 0
    page = Message.page(
        Message.KEY, limit=limit, cursor=cursor, newest_first=newest_first, consistent=True, **_of_thread(thread)
    )
    shown = [opened(each) for each in page.items if int(each.number) > hidden]
    over = newest_first and len(shown) < len(page.items)
    return shown, None if over else page.next_cursor


def after(thread: Thread, box: Box | None, number: int, limit: int) -> list[Written]:
    """The messages above a number, in order."""
    first = max(number, int(box.hidden_to or 0) if box is not None else 0) + 1
    if first > int(thread.last):
        return []
    found = Message.between(Message.KEY, f"{first:08d}", "99999999", limit=limit, consistent=True, **_of_thread(thread))
    return [opened(each) for each in found]


def between(thread: Thread, first: int, last: int) -> list[Written]:
    """The messages from one number to another, in order."""
    found = Message.between(
        Message.KEY, f"{first:08d}", f"{last:08d}", limit=100_000, consistent=True, **_of_thread(thread)
    )
    return [opened(each) for each in found]


def senders_after(thread: Thread, number: int) -> dict[int, str]:
    """Who sent each message above a number, as it stands at this moment."""
    place = _of_thread(thread)
    found = Message.between(Message.KEY, f"{number + 1:08d}", "99999999", limit=100_000, consistent=True, **place)
    return {int(each.number): each.sender_id for each in found}


def read_marks(thread: Thread) -> dict[str, int]:
    """How far each staff member has read, by id: for read receipts."""
    found = load(*((StaffBox, _of_box(thread, each)) for each in thread.members)) if thread.members else []
    return {str(box.staff_id): int(box.read_to) for box in found if box is not None}


def subject_of(thread: Thread) -> str:
    """What a thread is about, in its beginner's words."""
    return str(keys.decrypt(thread.tenant_id, thread.subject, _place(thread)))


def download(context: Context, thread_id: str, attachment_id: str) -> tuple[str, Any]:
    """A link to an attachment for two minutes, made after the permission check. Raises NotFound."""
    thread = get(context, thread_id)
    box = box_of(context, thread)
    return hand_out(context, attachment(thread, attachment_id, int(box.hidden_to or 0)))


def attachment(thread: Thread, attachment_id: str, hidden: int = 0) -> Attachment:
    """A file of a thread, of a message above `hidden`. Raises NotFound."""
    found = Attachment.find(**_of_thread(thread), attachment_id=attachment_id)
    if found is None or int(found.number) <= hidden:
        raise NotFound()
    return found


def hand_out(context: Context, found: Attachment) -> tuple[str, Any]:
    """The link itself; its name is ours, for it is part of the address (adapters.documents.link)."""
    about = {"thread_id": found.thread_id, "attachment_id": found.attachment_id}
    audits.record(context, "message:download", client_id=context.client_id, **about)
    name = f"attachment-{found.number}.{found.file_type}"
    return bucket.link(found.object_key, found.object_version, name, filetypes.MEDIA[found.file_type])


# ---- places ----


def _by_client(context: Context) -> bool:
    return context.actor.kind == "client"


def _of_thread(thread: Thread) -> dict[str, Any]:
    return {"tenant_id": thread.tenant_id, "client_id": thread.client_id, "thread_id": thread.thread_id}


def _of_box(thread: Thread, staff_id: str) -> dict[str, Any]:
    return {**_of_thread(thread), "staff_id": staff_id}


def _place(record: Thread | Message) -> str:
    return f"{record.pk}|{record.sk}"
