"""What somebody has begun to write, to somebody new or in a conversation."""

from typing import Annotated

from pydantic import Field, StringConstraints

from chalicelib.context import Context
from chalicelib.handlers.messages import Files, To, Words
from chalicelib.handlers.routing import PORTAL, PRACTICE, Routes
from chalicelib.handlers.views import Body, Empty, Line, PortalView
from chalicelib.services import drafts, messages

practice = Routes(__name__, PRACTICE, "/practice", tag="messages")
portal = Routes(__name__ + ".portal", PORTAL, "/portal", tag="messages")

Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{8,128}$")]


class MessageDraftIn(Body):
    """What is written so far. `key` as it was read; `to` and `subject` for a new thread."""

    key: Key
    to: To | None = None
    subject: Annotated[Line, Field(max_length=120)] = ""
    body: Words = ""
    upload_ids: Files = Field(default_factory=list)


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


# ---- staff ----


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
