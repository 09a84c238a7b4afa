"""Saved texts of invitations: senders choose one, administrators write them."""

from typing import Annotated

from pydantic import Field

from chalicelib.context import Context
from chalicelib.handlers.routing import PRACTICE, Routes
from chalicelib.handlers.views import Body, Empty, Id, Line, Text, View
from chalicelib.services import wordings

practice = Routes(__name__, PRACTICE, "/practice")


class OddityView(View):
    """Something odd about a text, a warning only: `what` it is about. Codes: unknown_placeholder, names_organization,
    link_in_subject; before sending also likely_typo (`what`: the address that was probably meant), shared_mailbox."""

    code: str
    what: str


class WordingView(View):
    """A saved text. `usual`: invitations start from it. `etag` goes back in If-Match."""

    wording_id: str
    name: str
    subject: str
    message: str
    usual: bool
    changed_by_name: str
    changed_at: str
    etag: str

    @classmethod
    def of(cls, saved: wordings.Saved) -> "WordingView":
        """The view of a saved text."""
        return cls(
            wording_id=saved.record.wording_id,
            name=saved.name,
            subject=saved.subject,
            message=saved.message,
            usual=saved.usual,
            changed_by_name=saved.record.changed_by_name,
            changed_at=saved.record.changed_at,
            etag=str(saved.record.version),
        )


class WordingList(View):
    """All saved texts by name, and what can stand in them to be filled in."""

    items: list[WordingView]
    placeholders: list[str]


class WordingIn(Body):
    """A text to save."""

    name: Annotated[Line, Field(min_length=1, max_length=80)]
    subject: Annotated[Line, Field(min_length=1, max_length=200)]
    message: Annotated[Text, Field(min_length=1, max_length=5000)]


class TextIn(Body):
    """A text to look at."""

    subject: Annotated[Line, Field(max_length=200)]
    message: Annotated[Text, Field(max_length=5000)]


class Oddities(View):
    """What is odd about a text."""

    items: list[OddityView]


class UsualIn(Body):
    """Which saved text is the usual one; null: the portal's own."""

    wording_id: Id | None


@practice.endpoint("GET", "/wordings", action="wording:read")
def list_wordings(context: Context) -> WordingList:
    """Saved texts of invitations"""
    return _all(context)


def _all(context: Context) -> WordingList:
    found = wordings.everything(context.tenant_id)
    return WordingList(items=[WordingView.of(each) for each in found], placeholders=list(wordings.PLACEHOLDERS))


@practice.endpoint("POST", "/wordings", action="wording:update", body=WordingIn, status=201, idempotent=True)
def save_wording(context: Context, body: WordingIn) -> WordingView:
    """Save a text under a name"""
    return WordingView.of(wordings.create(context, body.name, body.subject, body.message))


@practice.endpoint("PATCH", "/wordings/{wording_id}", action="wording:update", body=WordingIn, if_match=True)
def change_wording(context: Context, wording_id: str, body: WordingIn) -> WordingView:
    """Write a saved text anew"""
    return WordingView.of(wordings.change(context, wording_id, body.name, body.subject, body.message))


@practice.endpoint("DELETE", "/wordings/{wording_id}", action="wording:update", status=204, if_match=True)
def delete_wording(context: Context, wording_id: str) -> Empty:
    """Throw a saved text away"""
    wordings.delete(context, wording_id)
    return Empty()


@practice.endpoint("POST", "/wordings/usual", action="wording:update", body=UsualIn)
def choose_usual_wording(context: Context, body: UsualIn) -> WordingList:
    """Choose what invitations start from"""
    wordings.make_usual(context, body.wording_id)
    return _all(context)


@practice.endpoint("POST", "/wordings/check", action="wording:read", body=TextIn)
def check_wording(context: Context, body: TextIn) -> Oddities:
    """Look for what is odd about a text"""
    found = wordings.oddities(context.tenant, body.subject, body.message)
    return Oddities(items=[OddityView(code=each.code, what=each.what) for each in found])
