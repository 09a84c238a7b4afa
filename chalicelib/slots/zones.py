"""Wall clock and instants of a time zone.

**One rule says what a wall-clock time means: the first instant at which the zone's clocks show that time or a later
one.** On an ordinary day that is the ordinary answer. When the clocks change it follows that

* in a gap (spring) a time that no clock shows is the moment of the change: hours from 02:30 begin, and hours until
  02:30 end, when 02:00 becomes 03:00, and hours that lie wholly in the gap do not exist that day. Nobody is offered a
  time whose clock reading is outside the hours that the therapist set;
* in a fold (autumn) a time that is shown twice is its first showing: hours until 01:30 end at the first 01:30, hours
  from 01:30 begin at it, and hours from 00:00 to 04:00 last five hours. Hours never split in two;
* days begin at the first instant of their date, also where midnight is in a gap (Santiago, Cairo, Beirut) or shown
  twice (Havana); a date that a zone skipped (Apia, 30 December 2011) has no minute;
* a later time of the wall clock is never an earlier instant, so ranges cannot turn around.

(zoneinfo's own answer for a gap, the time shifted on by the gap's length, would offer 03:15 to somebody whose hours
end at 02:30.) Durations, buffers and notice are elapsed time. Wall-clock times are minutes too, since 1970-01-01T00:00
of the zone's own calendar, and may be counted beyond midnight.
"""

from bisect import bisect_right
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

Interval = tuple[int, int]

DAY = 24 * 60  # minutes of the wall clock, whatever the day lasts
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_YEARS = (1973, 2300)  # with offsets of whole minutes everywhere; beyond them the nearest year's offset stays
_LONG_AGO = -(1 << 60)
_MARGIN = 3  # days around a window that its overnight hours, its durations and any offset keep within


def minute(at: datetime) -> int:
    """The first whole minute that is not before an aware `at`."""
    return -((_EPOCH - at) // timedelta(minutes=1))


def moment(at: int) -> datetime:
    """The instant of a minute, in UTC. Raises OverflowError beyond the year 9999."""
    return _EPOCH + timedelta(minutes=at)


def number(day: date) -> int:
    """A date as days since 1970-01-01."""
    return day.toordinal() - _EPOCH_DAY


def dated(day: int) -> date:
    """The date of `number`. Raises ValueError or OverflowError outside the years 1 to 9999."""
    return date.fromordinal(day + _EPOCH_DAY)


class Clock:
    """The clocks of one zone, exact for the days it was asked for (see `clock`). Never changes."""

    __slots__ = ("_limits", "_offsets", "_starts")

    def __init__(self, starts: list[int], offsets: list[int]) -> None:
        """`offsets[i]` (minutes east of UTC) is in force from `starts[i]` until `starts[i + 1]`."""
        self._starts, self._offsets = starts, offsets
        # The latest reading before each change: a reading is first reached in the first stretch whose limit exceeds it.
        # In order, as the changes of a zone lie weeks apart.
        self._limits = [change + offset for change, offset in zip(starts[1:], offsets, strict=False)]

    def instant(self, wall: int) -> int:
        """The first instant at which the clocks show `wall` or later."""
        at = bisect_right(self._limits, wall)
        return max(self._starts[at], wall - self._offsets[at])

    def offset(self, at: int) -> int:
        """Minutes east of UTC at an instant."""
        return self._offsets[bisect_right(self._starts, at) - 1]

    def day(self, at: int) -> int:
        """The day that `at` belongs to: the last one that had begun."""
        day = (at + self.offset(at)) // DAY
        while self.instant((day + 1) * DAY) <= at:  # set back across midnight: the new day has begun already
            day += 1
        return day

    def stretches(self, start: int, end: int) -> list[tuple[int, int, int]]:
        """[start, end) cut where the offset changes: (start, end, offset)."""
        if start >= end:
            return []
        first, last = bisect_right(self._starts, start) - 1, bisect_right(self._starts, end - 1) - 1
        if first == last:
            return [(start, end, self._offsets[first])]
        cuts = [start, *self._starts[first + 1 : last + 1], end]
        return list(zip(cuts, cuts[1:], self._offsets[first : last + 1], strict=False))


def clock(zone: str, first_day: int, last_day: int) -> Clock:
    """The clocks of an IANA zone for these days. Raises zoneinfo.ZoneInfoNotFoundError (a KeyError) or ValueError."""
    return _clock(zone, _year(first_day - _MARGIN), _year(last_day + _MARGIN))


def clock_at(zone: str, start: int, end: int) -> Clock:
    """`clock` for the days of an interval of instants."""
    return clock(zone, start // DAY, end // DAY)


def span(zone: str, first_day: date, last_day: date) -> Interval:
    """The instants of a zone's days, both included."""
    first, last = number(first_day), number(last_day)
    clocks = clock(zone, first, last)
    return clocks.instant(first * DAY), clocks.instant((last + 1) * DAY)


def _year(day: int) -> int:
    first, last = _YEARS
    return min(max(first, 1970 + day * 400 // 146_097), last)


@lru_cache(maxsize=512)
def _clock(zone: str, first_year: int, last_year: int) -> Clock:
    """The changes of some years, and of a month on either side: found between days whose offsets differ."""
    info = ZoneInfo(zone)

    def offset_at(at: int) -> int:
        shift = moment(at).astimezone(info).utcoffset()
        assert shift is not None
        return shift // timedelta(minutes=1)

    at = number(date(first_year - 1, 12, 1)) * DAY
    end = number(date(last_year + 1, 2, 1)) * DAY
    starts, offsets = [_LONG_AGO], [offset_at(at)]
    for later in range(at + DAY, end, DAY):
        offset = offset_at(later)
        if offset != offsets[-1]:
            starts.append(_change(offset_at, later - DAY, later))
            offsets.append(offset)
    return Clock(starts, offsets)


def _change(offset_at: Callable[[int], int], before: int, after: int) -> int:
    """The minute between the two at which the offset becomes that of `after`."""
    new = offset_at(after)
    while after - before > 1:
        middle = (before + after) // 2
        if offset_at(middle) == new:
            after = middle
        else:
            before = middle
    return after
