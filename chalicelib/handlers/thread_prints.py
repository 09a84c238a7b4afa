"""A conversation on paper: pages for the browser to print, and a PDF that is made meanwhile."""

from typing import Any, Literal

from pydantic import Field

from chalicelib import clock
from chalicelib.context import Context
from chalicelib.handlers.documents import MyLink
from chalicelib.handlers.mailboxes import Topic
from chalicelib.handlers.messages import MessageView, message_view
from chalicelib.handlers.routing import PORTAL, PRACTICE, Routes
from chalicelib.handlers.views import PortalView, Query
from chalicelib.models.messages import ThreadPrint
from chalicelib.services import clients, mailboxes, messages, staff, thread_prints

practice = Routes(__name__, PRACTICE, "/practice", tag="messages")
portal = Routes(__name__ + ".portal", PORTAL, "/portal", tag="messages")


class Printing(Query):
    """A page of a thread to print, oldest first."""

    cursor: str | None = Field(default=None, max_length=2000)


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


class PdfView(PortalView):
    """A PDF of a conversation: there in a few seconds, for a day."""

    print_id: str
    status: Literal["making", "ready", "failed"]

    @classmethod
    def of(cls, record: ThreadPrint) -> "PdfView":
        """The view of a PDF."""
        return cls(print_id=record.print_id, status=record.status)


# ---- staff ----


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


# ---- clients ----


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
