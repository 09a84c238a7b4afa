"""iCalendar text as RFC 5545 has it: what a calendar program reads, and nothing a hostile word could add."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from chalicelib.adapters import icalendar
from chalicelib.adapters.icalendar import Event, calendar, escaped, folded

START = datetime(2026, 11, 24, 15, tzinfo=UTC)


def _event(**more: object) -> Event:
    given = {"uid": "01@portal.example", "sequence": 2, "stamp": START, "start": START, "title": "Appointment"}
    return Event(**{**given, "end": START + timedelta(minutes=50), **more})  # type: ignore[arg-type]


def _unfolded(text: str) -> list[str]:
    assert text.endswith("\r\n")
    assert "\n" not in text.replace("\r\n", "")
    return text.replace("\r\n ", "").split("\r\n")[:-1]


def test_an_invitation_says_when_and_no_more() -> None:
    lines = _unfolded(calendar([_event(organizer="no-reply@portal.example", attendee="a@b.example")], "REQUEST"))
    assert lines == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Client Portal//Calendar 1//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:REQUEST",
        "BEGIN:VEVENT",
        "UID:01@portal.example",
        "DTSTAMP:20261124T150000Z",
        "DTSTART:20261124T150000Z",
        "DTEND:20261124T155000Z",
        "SEQUENCE:2",
        "STATUS:CONFIRMED",
        "SUMMARY:Appointment",
        "CLASS:PRIVATE",
        "TRANSP:OPAQUE",
        "ORGANIZER:mailto:no-reply@portal.example",
        "ATTENDEE;PARTSTAT=ACCEPTED;RSVP=FALSE:mailto:a@b.example",
        "END:VEVENT",
        "END:VCALENDAR",
    ]


def test_times_are_utc_whatever_zone_they_came_in() -> None:
    tokyo = START.astimezone(timezone(timedelta(hours=9)))
    assert "DTSTART:20261124T150000Z" in calendar([_event(start=tokyo)], icalendar.PUBLISH)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a, b; c", "a\\, b\\; c"),
        ("back\\slash", "back\\\\slash"),
        ("two\nlines\r\nthree\rfour", "two\\nlines\\nthree\\nfour"),
        ("bell\x07 and delete\x7f", "bell and delete"),
        ("x\r\nATTENDEE:mailto:evil@x.example", "x\\nATTENDEE:mailto:evil@x.example"),
    ],
)
def test_text_is_escaped(text: str, written: str) -> None:
    assert escaped(text) == written


def test_an_address_cannot_end_its_line() -> None:
    text = calendar([_event(attendee='a@b.example\r\nX-EVIL:1";,:')], icalendar.REQUEST)
    assert "ATTENDEE;PARTSTAT=ACCEPTED;RSVP=FALSE:mailto:a@b.exampleX-EVIL1" in _unfolded(text)


@pytest.mark.parametrize("text", ["x" * 74, "x" * 75, "x" * 76, "é" * 80, "日本語" * 60, "👩‍👩‍👧" * 30, ""])
def test_lines_are_folded_at_75_octets_and_no_character_is_cut(text: str) -> None:
    pieces = folded(text).split("\r\n")
    assert all(len(piece.encode()) <= 75 for piece in pieces)
    assert "".join([pieces[0], *(piece[1:] for piece in pieces[1:])]) == text
    assert all(piece.startswith(" ") for piece in pieces[1:])
