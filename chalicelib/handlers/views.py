"""The bases of every request body and every response.

Each is built when it is first used (`defer_build`): a cold start pays for the models of its own request only.
"""

import re
from collections.abc import Iterable
from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr, StringConstraints

from chalicelib import ids
from chalicelib.lines import seen

Id = Annotated[str, StringConstraints(pattern=ids.PATTERN)]

# C0 controls other than tab and newline, DEL, lone surrogates: no name or text needs them; mails and PDFs suffer.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_CONTROL_LINE = re.compile("[\x00-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")


def _text(value: str) -> str:
    value = value.replace("\r\n", "\n").replace("\r", "\n")
    if _CONTROL.search(value):
        raise ValueError("control characters")
    return value


def _line(value: str) -> str:
    if _CONTROL_LINE.search(value):
        raise ValueError("control characters")
    return seen(value)  # a name that nobody can see is no name: `min_length` finds it


def _day(value: str) -> str:
    if not 1800 < date.fromisoformat(value).year < 2200:  # ValueError for a day that no month has, too
        raise ValueError("no day of a living person")  # and zones cannot be reckoned at the ends of the calendar
    return value


Text = Annotated[str, AfterValidator(_text)]
Line = Annotated[str, AfterValidator(_line)]
# A calendar date as it is stored, "1990-04-05". pydantic's own date would also take a number of seconds.
Day = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"),
    AfterValidator(_day),
    Field(json_schema_extra={"format": "date"}),
]


class Body(BaseModel):
    """What a request may hold: nothing else, of exactly these types, and never echoed."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True, defer_build=True)


class Query(BaseModel):
    """What a query string may hold."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, defer_build=True)


class Paging(Query):
    """One page of a list."""

    limit: int = Field(default=25, ge=1, le=100)
    cursor: str | None = Field(default=None, max_length=2000)


class View(BaseModel):
    """What a response holds. Fields that are not named here do not leave the building."""

    model_config = ConfigDict(extra="forbid", from_attributes=False, defer_build=True)

    def headers(self) -> dict[str, Any]:
        """Headers that go with this view."""
        return {}

    def clients_named(self) -> Iterable[str]:
        """The ids of the clients whom this answer names though its address names none: a list says whom it shows, and
        routing audits that staff saw them (DOMAIN.md 8), a hundred an event."""
        return ()


class WithHeaders(View):
    """A view that brings headers. A class of its own: a private attribute costs every row of every list."""

    _headers: dict[str, Any] = PrivateAttr(default_factory=dict)

    def headers(self) -> dict[str, Any]:
        """Headers that go with this view."""
        return self._headers


class PortalView(View):
    """A view that clients may see. A test pins every field of every such type."""


class Money(PortalView):
    """An amount in minor units of an ISO 4217 currency."""

    amount: int
    currency: str


class Content(PortalView):
    """An answer that is no JSON: text of the media type that its route says."""

    content: str


class Empty(View):
    """No content."""


class Problem(BaseModel):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    code: str
    instance: str
    errors: list[dict[str, Any]] | None = None
