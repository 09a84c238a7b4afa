"""The contact log on Client Details: when and how somebody of the practice was in touch. For staff alone."""

from typing import Annotated, Literal

from pydantic import Field

from chalicelib import clock
from chalicelib.context import Context
from chalicelib.handlers.routing import PRACTICE, Routes
from chalicelib.handlers.slots import Instant
from chalicelib.handlers.views import Body, Paging, Text, View
from chalicelib.services import contact_logs

practice = Routes(__name__, PRACTICE, "/practice")


class ContactIn(Body):
    """A line of the log."""

    way: Literal["phone", "email", "in_person", "video", "other"]
    happened_at: Instant
    note: Annotated[Text, Field(min_length=1, max_length=4000)]


class ContactView(View):
    """A line of the log; a message's copy names its conversation and its number there."""

    entry_id: str
    way: Literal["message", "phone", "email", "in_person", "video", "other"]
    happened_at: str
    note: str
    by_name: str
    made_at: str
    thread_id: str | None
    number: int | None

    @classmethod
    def of(cls, entry: contact_logs.Entry) -> "ContactView":
        """The view of a line."""
        record = entry.record
        return cls(
            entry_id=record.entry_id,
            way=record.way,
            happened_at=record.happened_at,
            note=entry.note,
            by_name=entry.name,
            made_at=record.made_at,
            thread_id=record.thread_id,
            number=int(record.number) if record.number is not None else None,
        )


class ContactPage(View):
    """Some lines, newest first."""

    items: list[ContactView]
    next_cursor: str | None


@practice.endpoint(
    "GET", "/clients/{client_id}/contact-log", action="contact_log:read", query=Paging, reads_record=True
)
def list_contacts(context: Context, client_id: str, query: Paging) -> ContactPage:
    """The contact log of a client"""
    found, cursor = contact_logs.page_of(context, query.limit, query.cursor)
    return ContactPage(items=[ContactView.of(each) for each in found], next_cursor=cursor)


@practice.endpoint(
    "POST",
    "/clients/{client_id}/contact-log",
    action="contact_log:add",
    body=ContactIn,
    status=201,
    idempotent=True,
)
def add_contact(context: Context, client_id: str, body: ContactIn) -> ContactView:
    """Note that somebody was in touch with a client"""
    return ContactView.of(contact_logs.add(context, body.way, clock.parse(body.happened_at), body.note))
