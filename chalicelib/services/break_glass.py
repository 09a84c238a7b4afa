"""An administrator reads a thread that is not theirs: for a stated reason, for half an hour, and never unseen.

The reason is kept for good beside the thread; its members and the other administrators are told at once, in the app and
by a mail that says nothing (DOMAIN.md 6.5). Every page that is read, and every file, is audited like any other read.
"""

from datetime import timedelta
from typing import Any, NamedTuple

from chalicelib import clock, ids
from chalicelib.adapters import keys
from chalicelib.context import Context
from chalicelib.errors import GlassNotBroken, TakesPart
from chalicelib.models.messages import StaffBox, Thread, ThreadOpening
from chalicelib.models.staff import Staff
from chalicelib.models.table import load
from chalicelib.models.transaction import Transaction
from chalicelib.services import audits, idempotency, letters, mails, messages, notifications, staff

LASTS = timedelta(minutes=30)
LOOKED_AT = 50


class Opening(NamedTuple):
    """Who opened a thread, and why."""

    record: ThreadOpening
    reason: str


def begin(context: Context, thread_id: str, reason: str) -> Opening:
    """Open it. Raises NotFound, TakesPart for a thread of one's own. With an Idempotency-Key: once."""
    thread = messages.get(context, thread_id)
    if context.result:
        return next(each for each in of(context, thread_id) if each.record.opening_id == context.result)
    if context.actor.staff_id in thread.members and not _is_hidden(context, thread):
        raise TakesPart()
    at = context.now
    record = ThreadOpening.new(
        tenant_id=context.tenant_id,
        client_id=context.client_id,
        thread_id=thread_id,
        opening_id=ids.new_id(at),
        staff_id=context.actor.staff_id,
        staff_name=context.actor.name,
        reason=b"",
        opened_at=clock.text(at),
        until=clock.text(at + LASTS),
    )
    record.reason = keys.encrypt(context.tenant_id, reason, _place(record))
    told = _told(context, thread)
    outbox = [
        mails.to_staff(at, context.tenant_id, who.staff_id, letters.THREAD_OPENED, record.opening_id)
        for who in told
        if who.status == staff.ACTIVE
    ]
    about = {"thread_id": thread_id, "opening_id": record.opening_id}
    with Transaction() as tx:
        idempotency.remember(tx, context, record.opening_id)
        tx.create(record)
        tx.create(audits.event(context, "message:open", client_id=context.client_id, **about))
        for who in told:
            tx.create(
                notifications.notice(
                    who, notifications.THREAD_OPENED, context.client_id, at, record.opening_id, thread_id=thread_id
                )
            )
        for mail in outbox:
            tx.create(mail)
    mails.hand_over(*outbox)
    return Opening(record, reason)


def _is_hidden(context: Context, thread: Thread) -> bool:
    """Whether there is something in a thread of the asker's own that they do not see: from before they joined."""
    place: dict[str, Any] = {"tenant_id": context.tenant_id, "client_id": context.client_id}
    box = StaffBox.find(**place, thread_id=thread.thread_id, staff_id=context.actor.staff_id)
    return box is not None and bool(box.hidden_to)


def _told(context: Context, thread: Thread) -> list[Staff]:
    """The thread's own staff, and the other administrators. Whoever of the staff is switched off for the moment finds
    it in the app when they come back: nobody is switched off to be kept from hearing of it."""
    members = load(*((Staff, {"tenant_id": context.tenant_id, "staff_id": each}) for each in thread.members))
    everyone = [*members, *notifications.administrators(context.tenant_id)]
    found = {each.staff_id: each for each in everyone if each is not None}
    return [each for staff_id, each in found.items() if staff_id != context.actor.staff_id]


def require(context: Context, thread_id: str) -> Thread:
    """A thread whose glass the asker broke less than half an hour ago. Raises NotFound, GlassNotBroken."""
    thread = messages.get(context, thread_id)
    now = clock.text(context.now)
    own = context.actor.staff_id
    if not any(each.record.staff_id == own and now < each.record.until for each in of(context, thread_id)):
        raise GlassNotBroken()
    return thread


def of(context: Context, thread_id: str) -> list[Opening]:
    """Who opened this thread, newest first. Raises NotFound."""
    messages.get(context, thread_id)
    place: dict[str, Any] = {"tenant_id": context.tenant_id, "client_id": context.client_id}
    page = ThreadOpening.page(ThreadOpening.KEY, limit=LOOKED_AT, consistent=True, thread_id=thread_id, **place)
    return [Opening(each, keys.decrypt(each.tenant_id, each.reason, _place(each))) for each in page.items]


def _place(record: ThreadOpening) -> str:
    return f"{record.pk}|{record.sk}"
