"""Times that come again by a wall clock: every week, or every two.

The clock keeps its reading, not the instants their distance: what begins at three in the afternoon does so after the
clocks have changed, too. What a reading means on the day of a change is said in zones.py: in a gap it is the moment of
the change, in a fold its first showing.
"""

from collections.abc import Iterable
from datetime import date

from chalicelib.slots.zones import DAY, clock_at, number

MOST = 52  # occurrences of one series: a year of weeks, two years of every other week
_WEEK = 7 * DAY


def occurrences(
    zone: str, start: int, every_weeks: int, *, count: int | None = None, last_day: date | None = None
) -> list[int]:
    """The starts of a series, the first of which is `start`: `count` of them, or those until a day of the zone, that
    day included. Of either at most MOST; both given: whichever ends first."""
    step = every_weeks * _WEEK
    clocks = clock_at(zone, start, start + MOST * step)
    first = start + clocks.offset(start)
    walls = [first + n * step for n in range(min(count or MOST, MOST))]
    if last_day is not None:
        end = (number(last_day) + 1) * DAY
        walls = [wall for wall in walls if wall < end]
    return [start, *(clocks.instant(wall) for wall in walls[1:])] if walls else []


def moved_along(zone: str, old: int, new: int, starts: Iterable[int]) -> list[int]:
    """Where the others of a series begin when the one that began at `old` begins at `new`: as many days later or
    earlier by the clock of the zone, and at the new time of day."""
    found = []
    for start in starts:
        clocks = clock_at(zone, min(old, new, start), max(old, new, start) + DAY)
        before, after = old + clocks.offset(old), new + clocks.offset(new)
        day = (start + clocks.offset(start)) // DAY + after // DAY - before // DAY
        found.append(new if start == old else clocks.instant(day * DAY + after % DAY))
    return found
