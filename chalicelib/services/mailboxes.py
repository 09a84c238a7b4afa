"""How each person has their threads: inbox, sent and trash, what is unread, and being told of it (DOMAIN.md 6.2, 6.3).

    inbox ◀── a message comes, or restore ──┐
      └────────── put away ─────────────▶ trash ── 15 days ──▶ gone (for this person; the record stays)

A list is found in an index and authorized by what the table says now: threads of a client whom a therapist does not see
any more are left out of it, of the number of unread ones, and of every search.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from chalicelib import clock
from chalicelib.context import Context
from chalicelib.errors import Busy, NotFound, NotInTrash, PortalError
from chalicelib.models.clients import Assignment, Client
from chalicelib.models.mails import ClientMail, Mail, StaffMail
from chalicelib.models.messages import Message, StaffBox, Thread, place_of
from chalicelib.models.staff import Staff
from chalicelib.models.table import Key, at_keys, load
from chalicelib.models.tenants import StaffCard, Tenant
from chalicelib.models.transaction import Transaction, change
from chalicelib.policies.plans import Feature, why_off
from chalicelib.policies.rules import Role
from chalicelib.services import clients, directory, letters, mails, messages, notifications, recipients, tenants
from chalicelib.services.messages import GONE, INBOX, TRASH, Box

KEPT = timedelta(days=15)  # in the trash
UNREAD_MOST = 100  # threads that are counted; more is "100"
SENT = "sent"
TRIES = 16


class Row(NamedTuple):
    """A thread in a list: `number` of the message in Sent, else of the newest."""

    thread: Thread
    box: Box | None
    client: Client | None
    number: int
    at: str


# ---- lists ----


def page_of(context: Context, folder: str, limit: int, cursor: str | None) -> tuple[list[Row], str | None]:
    """One's own threads in a folder, newest message first; in `sent` each message of one's own."""
    if folder == SENT:
        return _sent(context, limit, cursor)
    if context.actor.kind == "client":
        own: dict[str, Any] = {"tenant_id": context.tenant_id, "client_id": context.client_id, "folder": folder}
        page = Thread.page(Thread.BY_CLIENT, limit=limit, cursor=cursor, **own)
        rows = [Row(each, each, context.client, int(each.last), each.last_at) for each in page.items]
        return rows, page.next_cursor
    own = {"tenant_id": context.tenant_id, "staff_id": context.actor.staff_id, "folder": folder}
    page = StaffBox.page(StaffBox.BY_STAFF, limit=limit, cursor=cursor, **own)
    reached = _reached(context, [(box.client_id, box.thread_id) for box in page.items])
    rows = [
        Row(found[0], box, found[1], int(found[0].last), box.last_at)
        for box in page.items
        if (found := reached.get(box.thread_id)) is not None
    ]
    return rows, page.next_cursor


def _sent(context: Context, limit: int, cursor: str | None) -> tuple[list[Row], str | None]:
    by_client = context.actor.kind == "client"
    kind = messages.CLIENT if by_client else messages.STAFF
    own: dict[str, Any] = {"tenant_id": context.tenant_id, "sender_kind": kind, "sender_id": context.actor.staff_id}
    page = Message.page(Message.BY_SENDER, limit=limit, cursor=cursor, **own)
    places = list(dict.fromkeys((each.client_id, each.thread_id) for each in page.items))
    reached = _reached(context, places)
    boxes: dict[str, Box] = {found[0].thread_id: found[0] for found in reached.values()}
    if not by_client and places:
        place = {"tenant_id": context.tenant_id, "staff_id": context.actor.staff_id}
        found = load(*((StaffBox, {**place, "client_id": c, "thread_id": t}) for c, t in places))
        boxes = {box.thread_id: box for box in found if box is not None}
    rows = [
        Row(*_pair(reached[each.thread_id], boxes[each.thread_id]), int(each.number), each.sent_at)
        for each in page.items
        if each.thread_id in reached and _is_kept(boxes.get(each.thread_id), int(each.number))
    ]
    return rows, page.next_cursor


def _pair(found: tuple[Thread, Client], box: Box) -> tuple[Thread, Box, Client]:
    return found[0], box, found[1]


def _is_kept(box: Box | None, number: int) -> bool:
    """Sent shows nothing of a thread that was put away."""
    return box is not None and box.folder == INBOX and number > int(box.hidden_to or 0)


def _reached(context: Context, places: Iterable[tuple[str, str]]) -> dict[str, tuple[Thread, Client]]:
    """Of these threads (client, thread) those that the asker may read now, by id, with their clients. One read."""
    wanted = list(dict.fromkeys(places))
    if not wanted:
        return {}
    about = list(dict.fromkeys(client_id for client_id, _ in wanted))
    tenant = {"tenant_id": context.tenant_id}
    asks: list[Any] = [(Thread, {**tenant, "client_id": c, "thread_id": t}) for c, t in wanted]
    asks += [(Client, {**tenant, "client_id": each}) for each in about]
    own = {**tenant, "staff_id": context.actor.staff_id}
    therapist = context.actor.kind != "client" and Role.ADMINISTRATOR not in context.actor.roles
    asks += [(Assignment, {**own, "client_id": each}) for each in about] if therapist else []
    found = load(*asks)
    threads, files = found[: len(wanted)], found[len(wanted) : len(wanted) + len(about)]
    seen = {each.client_id: each for each in files if each is not None}
    if therapist:
        assigned = {each.client_id for each in found[len(wanted) + len(about) :] if each is not None}
        seen = {client_id: each for client_id, each in seen.items() if client_id in assigned}
    by_client = context.actor.kind == "client"
    return {
        each.thread_id: (each, seen[each.client_id])
        for each in threads
        if each is not None and each.client_id in seen and (by_client or context.actor.staff_id in each.members)
    }


def of_client(context: Context, limit: int, cursor: str | None) -> tuple[list[Row], str | None]:
    """The threads with the client of the request, newest first, for Client Details. Those of others are in it without
    a box: administrators see that they are there, and nobody sees more of them."""
    place: dict[str, Any] = {"tenant_id": context.tenant_id, "client_id": context.client_id}
    sees_all = Role.ADMINISTRATOR in context.actor.roles
    while True:
        page = Thread.page(Thread.KEY, limit=limit, cursor=cursor, consistent=True, **place)
        mine = [each for each in page.items if context.actor.staff_id in each.members]
        if sees_all or mine or page.next_cursor is None:
            break
        cursor = page.next_cursor
    following = page.next_cursor
    if following and not sees_all:  # a cursor names a thread: none of a colleague's
        following = Thread.cursor_after(Thread.KEY, mine[-1])
    own = {**place, "staff_id": context.actor.staff_id}
    found = load(*((StaffBox, {**own, "thread_id": each.thread_id}) for each in mine)) if mine else []
    boxes = {box.thread_id: box for box in found if box is not None and box.folder != GONE}
    gone = {each.thread_id for each in mine} - set(boxes)
    rows = [
        Row(each, boxes.get(each.thread_id), context.client, int(each.last), each.last_at)
        for each in page.items
        if each.thread_id in boxes or (sees_all and each.thread_id not in gone)
    ]
    return rows, following


FOUND_CLIENTS, FOUND_THREADS = 20, 50


def search(context: Context, typed: str) -> list[Row]:
    """One's own threads with people of this name, newest first: at most 50, of 20 clients. A client looks for staff
    among the newest 200 threads of their own."""
    if context.actor.kind == "client":
        return _with_staff(context, typed)
    found = directory.found(context, typed, directory.Wanted(), FOUND_CLIENTS, None).page.items
    rows: list[Row] = []
    for client in found:
        place: dict[str, Any] = {"tenant_id": context.tenant_id, "client_id": client.client_id}
        threads = Thread.page(Thread.KEY, limit=FOUND_THREADS, **place).items
        mine = [each for each in threads if context.actor.staff_id in each.members]
        own = {**place, "staff_id": context.actor.staff_id}
        boxes = load(*((StaffBox, {**own, "thread_id": each.thread_id}) for each in mine)) if mine else []
        rows += [
            Row(each, box, client, int(each.last), box.last_at)
            for each, box in zip(mine, boxes, strict=True)
            if box is not None and box.folder == INBOX
        ]
    return sorted(rows, key=lambda row: row.at, reverse=True)[:FOUND_THREADS]


def _with_staff(context: Context, typed: str) -> list[Row]:
    words = clients.name_words(typed)
    rows, _ = page_of(context, INBOX, 200, None)
    cards = cards_of(context.tenant_id, [each for row in rows for each in row.thread.members])
    fitting = {
        each
        for each, card in cards.items()
        if words and all(any(name.startswith(word) for name in clients.name_words(card.name)) for word in words)
    }
    return [row for row in rows if fitting & set(row.thread.members)][:FOUND_THREADS]


def cards_of(tenant_id: str, staff_ids: Iterable[str]) -> dict[str, StaffCard]:
    """What clients may know of these staff members, by id."""
    wanted = list(dict.fromkeys(staff_ids))
    places = [StaffCard.KEY.fill({"tenant_id": tenant_id, "staff_id": each}) for each in wanted]
    return {card.staff_id: card for card in at_keys(places)} if places else {}


# ---- what is unread ----


def unread(context: Context) -> tuple[int, str]:
    """How many of one's threads hold something unread, and a tag that changes when any of that does.

    One query of an index of keys (half a read unit); a therapist with something unread adds the assignments of those
    clients (half a unit each), so that nobody counts what they may not see.
    """
    if context.actor.kind == "client":
        own: dict[str, Any] = {"tenant_id": context.tenant_id, "client_id": context.client_id}
        found = Thread.index_keys(Thread.UNREAD, UNREAD_MOST, **own)
    else:
        own = {"tenant_id": context.tenant_id, "staff_id": context.actor.staff_id}
        found = StaffBox.index_keys(StaffBox.UNREAD, UNREAD_MOST, **own)
        if found and Role.ADMINISTRATOR not in context.actor.roles:
            seen = _assigned(context, {place_of(pk)[0] for pk, _, _ in found})
            found = [each for each in found if place_of(each[0])[0] in seen]
    told = "\n".join("\t".join(each) for each in found)
    return len(found), hashlib.sha256(told.encode()).hexdigest()[:20]


def _assigned(context: Context, client_ids: Iterable[str]) -> set[str]:
    own = {"tenant_id": context.tenant_id, "staff_id": context.actor.staff_id}
    places = [Assignment.KEY.fill({**own, "client_id": each}) for each in client_ids]
    return {each.client_id for each in at_keys(places)}


# ---- one's own view of a thread ----


class _Moved(PortalError):
    """A message came, or another window of the same person was faster: look again."""


def mark_read(context: Context, thread_id: str, up_to: int) -> None:
    """Everything up to this number was seen. What came after it stays unread, exactly: the count is of messages that
    stand, and holds only if none came meanwhile. Raises NotFound, Busy."""
    for _ in range(TRIES):
        thread, box = _fresh(context, thread_id)
        if up_to <= int(box.read_to) or thread.last == box.read_to:
            return
        rest = messages.senders_after(thread, up_to) if _newer(thread, box, up_to) else {}
        left = sum(sender != context.actor.staff_id for sender in rest.values())
        seen_to = max([min(up_to, int(thread.last)), *(rest if not left else ())])
        kind = type(box)
        actions = [kind.read_to.set(seen_to), kind.unread.set(left)]
        if not left:
            actions += [*_out_of(kind, "gsi2pk", "gsi2sk"), *box.due_next(None), kind.told_at.remove()]
        try:
            change(box, *actions, when=_still(thread, box), otherwise=_Moved())
        except _Moved:
            continue
        return
    raise Busy(retry_after=1)


def _newer(thread: Thread, box: Box, up_to: int) -> bool:
    """Whether there can be messages above a number: of a client's own thread its count says so."""
    return not isinstance(box, Thread) or up_to < int(thread.last)


def _fresh(context: Context, thread_id: str) -> tuple[Thread, Box]:
    """The thread and how the asker has it, in this order of reading: see mark_read."""
    place: dict[str, Any] = {"tenant_id": context.tenant_id, "client_id": context.client_id, "thread_id": thread_id}
    if context.actor.kind == "client":
        thread = Thread.find(**place)
        if thread is None or thread.folder == GONE:
            raise NotFound()
        return thread, thread
    box = StaffBox.find(**place, staff_id=context.actor.staff_id)
    thread = Thread.find(**place)
    if thread is None or box is None or box.folder == GONE:
        raise NotFound()
    return thread, box


def _still(thread: Thread, box: Box) -> Any:
    """As it was seen. A message to a staff member raises their own `unread`; one to a client, the thread's count."""
    kind = type(box)
    seen = (kind.read_to == box.read_to) & (kind.unread == box.unread) & (kind.folder == box.folder)
    return seen & (Thread.last == thread.last) if isinstance(box, Thread) else seen


def _list_of(box: Box) -> Key:
    """Where its owner's lists have it."""
    return Thread.BY_CLIENT if isinstance(box, Thread) else StaffBox.BY_STAFF


def _out_of(kind: Any, *names: str) -> list[Any]:
    return [getattr(kind, name).remove() for name in names]


def put_away(context: Context, thread_id: str) -> None:
    """Into the trash, for 15 days; it counts as read. Safe to repeat. Raises NotFound, Busy."""
    for _ in range(TRIES):
        thread, box = _fresh(context, thread_id)
        if box.folder == TRASH:
            return
        kind, own = type(box), {**box.values(), "folder": TRASH}
        place = _list_of(box).fill(own)
        actions = [
            kind.folder.set(TRASH), kind.trashed_at.set(clock.text(context.now)), kind.gsi1sk.set(place[1]),
            kind.unread.set(0), kind.read_to.set(int(thread.last)), kind.told_at.remove(),
            *_out_of(kind, "gsi2pk", "gsi2sk"), *box.due_next(context.now + KEPT),
        ]  # fmt: skip
        try:
            change(box, *actions, when=_still(thread, box), otherwise=_Moved())
        except _Moved:
            continue
        return
    raise Busy(retry_after=1)


def restore(context: Context, thread_id: str) -> None:
    """Back into the inbox. Raises NotFound, NotInTrash."""
    _, box = _fresh(context, thread_id)
    if box.folder != TRASH:
        raise NotInTrash()
    kind, own = type(box), {**box.values(), "folder": INBOX}
    place = _list_of(box).fill(own)
    actions = [kind.folder.set(INBOX), kind.gsi1sk.set(place[1]), kind.trashed_at.remove(), *box.due_next(None)]
    change(box, *actions, when=kind.folder == TRASH, otherwise=NotInTrash())


# ---- due: what is still unread, and what was in the trash for long enough ----


def sweep(pk: str, sk: str, now: datetime) -> None:
    """A thread that is due for somebody: out of their trash for good, or they are told that something waits. Brought
    once more by the queue, it is due no longer (or not yet again), and nothing is done."""
    for box in at_keys([(pk, sk)], consistent=True):
        if box.duesk is None or box.duesk > clock.text(now):
            continue
        if box.folder == TRASH:
            _purge(box, now)
        else:
            _tell(box, now)


def _purge(box: Box, now: datetime) -> None:
    kind = type(box)
    if box.trashed_at is None or now < clock.parse(box.trashed_at) + KEPT:
        return
    actions = [
        kind.folder.set(GONE), kind.hidden_to.set(int(box.read_to)), kind.trashed_at.remove(),
        *_out_of(kind, "gsi1pk", "gsi1sk", "gsi2pk", "gsi2sk"), *box.due_next(None),
    ]  # fmt: skip
    as_seen = (kind.folder == TRASH) & (kind.trashed_at == box.trashed_at)
    try:
        change(box, *actions, when=as_seen, otherwise=_Moved())
    except _Moved:
        return


def _tell(box: Box, now: datetime) -> None:
    """One mail a burst, and for staff a line in the app: in the transaction that notes that they were told."""
    told = _notices(box, now)
    kind = type(box)
    actions = [*box.due_next(None), *([kind.told_at.set(clock.text(now))] if told else [])]
    try:
        with Transaction() as tx:
            as_seen = (kind.unread == box.unread) & (kind.duesk == box.duesk)
            tx.update(box, *actions, when=as_seen, otherwise=_Moved())
            for each in told:
                tx.put(each)
    except _Moved:
        return  # read, or written to, at this moment: what is due then is looked at then
    mails.hand_over(*(each for each in told if isinstance(each, Mail)))


def _notices(box: Box, now: datetime) -> list[Any]:
    who = _reader(box) if box.unread else None
    cause = f"{box.thread_id}/{box.read_to}/{box.last_at}"
    if isinstance(box, Thread):
        if who is None:
            return []
        mail = mails.to_client(
            now, box.tenant_id, box.client_id, letters.MESSAGE_WAITING, cause, thread_id=box.thread_id
        )
        return [mail]
    if not isinstance(who, Staff):
        return []
    notice = notifications.notice(
        who, notifications.MESSAGE_WAITING, box.client_id, now, cause, thread_id=box.thread_id
    )
    if notifications.MESSAGE_WAITING in notifications.muted(box.tenant_id, box.staff_id):
        return [notice]
    about = {"client_id": box.client_id, "thread_id": box.thread_id}
    return [notice, mails.to_staff(now, box.tenant_id, box.staff_id, letters.MESSAGE_WAITING, cause, **about)]


def _reader(box: Box) -> Client | Staff | None:
    """Whose box it is, if they can read and answer in it at this moment."""
    place = {"tenant_id": box.tenant_id, "client_id": box.client_id, "thread_id": box.thread_id}
    tenant, client = load((Tenant, place), (Client, place))
    if tenant is None or client is None or _is_off(tenant, client):
        return None
    if isinstance(box, Thread):
        return client if client.portal == "active" else None
    own = {**place, "staff_id": box.staff_id}
    who, assignment, thread = load((Staff, own), (Assignment, own), (Thread, place))
    if who is None or thread is None or box.staff_id not in thread.members:
        return None
    return who if recipients.takes_part(who, is_assigned=assignment is not None) else None


def _is_off(tenant: Tenant, client: Client) -> bool:
    now = tenants.circumstances(tenant, client_off=client.features_off)
    return why_off(Feature.MESSAGING, now) is not None


def is_waiting(record: ClientMail | StaffMail) -> bool:
    """Whether there is still something unread of what this mail of the outbox is about, for one who can still read it:
    a mail may lie in the queue for hours, and in the meantime somebody is unassigned."""
    place = {"tenant_id": record.tenant_id, **record.ids}
    if isinstance(record, ClientMail):
        box: Box | None = Thread.find(**place, client_id=record.client_id)
    else:
        box = StaffBox.find(**place, staff_id=record.staff_id)
    return box is not None and int(box.unread) > 0 and box.folder == INBOX and _reader(box) is not None
