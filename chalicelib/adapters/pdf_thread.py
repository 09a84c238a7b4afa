"""A conversation as a PDF."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from chalicelib.adapters.pdf import BODY, FINE, LABEL, ORGANIZATION, TITLE, _row, _when
from chalicelib.adapters.pdf_page import ACCENT, WIDTH, Composer, file_of
from chalicelib.adapters.typesetting import set_text, visible


@dataclass(frozen=True)
class Message:
    """One message; `sent_at` is aware."""

    sender: str
    sent_at: datetime
    body: str
    files: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Thread:
    """Everything the document says. The same value gives the same bytes."""

    organization: str
    subject: str
    client_name: str
    with_names: list[str]
    zone: str
    printed_at: datetime
    reference: str
    messages: list[Message]
    language: str = "en"


def render(thread: Thread) -> bytes:
    """The messages in order, each with who wrote it and when. A pure function; no text is read as markup."""
    page = Composer(
        title=visible(f"{thread.subject}, {thread.client_name}"),
        author=visible(thread.organization),
        language=thread.language,
        running=(f"{thread.organization}  ·  {thread.subject}", thread.client_name),
        foot=f"Conversation, printed {_when(thread.printed_at, thread.zone, named=False)}",
        created=thread.printed_at,
    )
    _opening(page, thread)
    for message in thread.messages:
        _message(page, message, thread.zone)
    return file_of(page)


def _opening(page: Composer, thread: Thread) -> None:
    root = page.root
    page.flow(set_text(thread.organization, ORGANIZATION, WIDTH), root.add("P"))
    page.space(4)
    page.flow(set_text(thread.subject, TITLE, WIDTH), root.add("H1"))
    page.space(10)
    page.rule(ACCENT, 1.2)
    page.space(8)
    _row(page, root, "Client", thread.client_name)
    if thread.with_names:
        _row(page, root, "With", "\n".join(thread.with_names))
    count = len(thread.messages)
    _row(page, root, "Messages", str(count))
    page.space(2)
    page.rule()
    page.space(6)


def _message(page: Composer, message: Message, zone: str) -> None:
    part = page.root.add("Sect")
    page.space(10)
    page.keep(LABEL.leading + FINE.leading + 2 * BODY.leading)
    page.flow(set_text(message.sender, LABEL, WIDTH), part.add("H2"))
    page.flow(set_text(_when(message.sent_at, zone), FINE, WIDTH), part.add("P"))
    page.space(2)
    for paragraph in message.body.split("\n\n"):
        if paragraph.strip():
            page.flow(set_text(paragraph.strip("\n"), BODY, WIDTH), part.add("P"))
            page.space(5)
    for name in message.files:
        page.flow(set_text(f"Attachment: {name}", FINE, WIDTH), part.add("P"))
    page.space(4)
    page.rule()
