"""iCalendar (RFC 5545): what calendar programs read, of attachments (RFC 5546, 6047) and of feeds.

Only what they need to keep a time free: no name, no place, no service. Instants are UTC, so no VTIMEZONE is needed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

PUBLISH, REQUEST, CANCEL = "PUBLISH", "REQUEST", "CANCEL"
_LINE = 75  # octets, without the line break (RFC 5545 3.1)


@dataclass(frozen=True)
class Event:
    """One meeting. `sequence` grows with every change, so that programs know the latest (RFC 5545 3.8.7.4)."""

    uid: str
    sequence: int
    stamp: datetime  # when this was last changed
    start: datetime
    end: datetime
    title: str
    status: str = "CONFIRMED"  # TENTATIVE, CANCELLED
    organizer: str | None = None  # mail addresses; an invitation has both (RFC 5546 3.2.2)
    attendee: str | None = None


def calendar(events: Iterable[Event], method: str, *, name: str | None = None) -> str:
    """The calendar as text: lines folded at 75 octets, values escaped, CRLF at every end."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Client Portal//Calendar 1//EN", "CALSCALE:GREGORIAN"]
    lines.append(f"METHOD:{method}")
    if name is not None:
        lines += [f"NAME:{escaped(name)}", f"X-WR-CALNAME:{escaped(name)}"]
        lines += ["REFRESH-INTERVAL;VALUE=DURATION:PT1H", "X-PUBLISHED-TTL:PT1H"]
    for event in events:
        lines += _lines(event)
    lines.append("END:VCALENDAR")
    return "".join(f"{folded(line)}\r\n" for line in lines)


def _lines(event: Event) -> list[str]:
    lines = [
        "BEGIN:VEVENT",
        f"UID:{escaped(event.uid)}",
        f"DTSTAMP:{_instant(event.stamp)}",
        f"DTSTART:{_instant(event.start)}",
        f"DTEND:{_instant(event.end)}",
        f"SEQUENCE:{event.sequence}",
        f"STATUS:{event.status}",
        f"SUMMARY:{escaped(event.title)}",
        "CLASS:PRIVATE",
        "TRANSP:OPAQUE",
    ]
    if event.organizer is not None:
        lines.append(f"ORGANIZER:mailto:{_address(event.organizer)}")
    if event.attendee is not None:
        lines.append(f"ATTENDEE;PARTSTAT=ACCEPTED;RSVP=FALSE:mailto:{_address(event.attendee)}")
    return [*lines, "END:VEVENT"]


def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def escaped(text: str) -> str:
    """A TEXT value (RFC 5545 3.3.11): no control character but the line break, which is written out."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")
    return "".join(c for c in text if ord(c) >= 32 and ord(c) != 127)


def _address(address: str) -> str:
    """An address as it stands in a value; what could end the line is not part of one."""
    return "".join(c for c in address if c.isprintable() and c not in ' ",;:\\<>')


def folded(line: str) -> str:
    """A content line in pieces of at most 75 octets; no character is cut (RFC 5545 3.1)."""
    pieces, piece, octets = [], "", 0
    for character in line:
        size = len(character.encode())
        if octets + size > _LINE:
            pieces.append(piece)
            piece, octets = " ", 1
        piece, octets = piece + character, octets + size
    return "\r\n".join([*pieces, piece])
