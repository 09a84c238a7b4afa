"""The contact log of a client: when and how somebody of the practice was in touch. For staff alone (DOMAIN.md 6.2)."""

from datetime import datetime
from typing import Any, NamedTuple

from chalicelib import clock, ids
from chalicelib.adapters import keys
from chalicelib.context import Context
from chalicelib.models.messages import ContactEntry
from chalicelib.models.transaction import Transaction
from chalicelib.services import audits, idempotency

MESSAGE = "message"


class Entry(NamedTuple):
    """A line with its words."""

    record: ContactEntry
    note: str
    name: str


def page_of(context: Context, limit: int, cursor: str | None) -> tuple[list[Entry], str | None]:
    """Some lines, newest first."""
    place: dict[str, Any] = {"tenant_id": context.tenant_id, "client_id": context.client_id}
    page = ContactEntry.page(ContactEntry.KEY, limit=limit, cursor=cursor, **place)
    return [_opened(each) for each in page.items], page.next_cursor


def add(context: Context, way: str, happened_at: datetime, note: str) -> Entry:
    """Note that somebody was in touch. With an Idempotency-Key: once."""
    if context.result:
        place: dict[str, Any] = {"tenant_id": context.tenant_id, "client_id": context.client_id}
        found = ContactEntry.find(**place, entry_id=context.result)
        assert found is not None
        return _opened(found)
    entry = _entry(context, way, happened_at, note)
    with Transaction() as tx:
        idempotency.remember(tx, context, entry.entry_id)
        tx.create(entry)
        tx.create(audits.event(context, "contact_log:add", client_id=context.client_id, entry_id=entry.entry_id))
    return _opened(entry)


def of_message(context: Context, thread_id: str, number: int, body: str) -> ContactEntry:
    """A message's copy, for the transaction that sends it: its words stay as they were sent."""
    return _entry(context, MESSAGE, context.now, body, thread_id=thread_id, number=number)


def _entry(context: Context, way: str, happened_at: datetime, note: str, **more: Any) -> ContactEntry:
    entry = ContactEntry.new(
        tenant_id=context.tenant_id,
        client_id=context.client_id,
        entry_id=ids.new_id(context.now),
        way=way,
        happened_at=clock.text(happened_at),
        words=b"",
        made_by=context.actor.staff_id,
        made_at=clock.text(context.now),
        **more,
    )
    entry.words = keys.encrypt(entry.tenant_id, {"note": note, "name": context.actor.name}, _place(entry))
    return entry


def _opened(entry: ContactEntry) -> Entry:
    words = keys.decrypt(entry.tenant_id, entry.words, _place(entry))
    return Entry(entry, words["note"], words["name"])


def _place(entry: ContactEntry) -> str:
    return f"{entry.pk}|{entry.sk}"
