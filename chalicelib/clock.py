"""The application's clock: the only reader of the wall clock."""

import math
from collections.abc import Callable
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

_source: Callable[[], datetime] = lambda: datetime.now(UTC)  # noqa: E731


def now() -> datetime:
    """This instant, aware, in UTC."""
    return _source()


def use(source: Callable[[], datetime]) -> None:
    """Read the time from `source` from now on (local development and tests; nothing deployed calls it)."""
    global _source
    _source = source


def text(at: datetime) -> str:
    """An instant as stored and sent: RFC 3339, UTC, milliseconds, fixed width: text order is time order."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def parse(stored: str) -> datetime:
    """The instant of `text`."""
    return datetime.fromisoformat(stored)


def seconds_until(stored: str | None) -> int:
    """Whole seconds from now to a stored instant, rounded up: 0 when it has come, or when there is none."""
    return max(0, math.ceil((parse(stored) - now()).total_seconds())) if stored else 0


def today(zone: str) -> date:
    """The date it is now in an IANA zone."""
    return now().astimezone(ZoneInfo(zone)).date()
