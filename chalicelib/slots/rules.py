"""What a therapist, a service and an organization lay down about bookable times, and what is taken already.

Plain values that never change. Times of day are minutes after midnight by the therapist's wall clock; what they mean
when the clocks change is written in zones.py. Constructors raise ValueError for what nobody can mean.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from chalicelib.slots.zones import DAY

HOUR = 60


class Mode(StrEnum):
    IN_PERSON = "in_person"
    TELEHEALTH = "telehealth"


@dataclass(frozen=True, slots=True)
class Range:
    """Hours of one day, from `start` until just before `end`.

    An `end` that is not after `start` is on the next day (22:00 to 02:00), and 00:00 to 00:00 or 24:00 is the whole
    day. Locations and services are ids, None for all of them; a location matters only to meetings in person.
    """

    start: int
    end: int
    modes: frozenset[Mode] = frozenset(Mode)
    locations: frozenset[str] | None = None
    services: frozenset[str] | None = None

    def __post_init__(self) -> None:
        if not (0 <= self.start < DAY and 0 <= self.end <= DAY):
            raise ValueError("a range begins and ends within a day")
        if self.start == self.end != 0:
            raise ValueError("a range that ends when it begins is empty, or a whole day: say which")

    @property
    def until(self) -> int:
        """Its end in minutes after the midnight that its day began with: more than DAY when it goes on tomorrow."""
        return self.end if self.end > self.start else self.end + DAY

    def serves(self, service_id: str, mode: Mode, location_id: str | None) -> bool:
        """Whether this service can be had in these hours, in this way, at this place (None: wherever it is)."""
        if mode not in self.modes or not (self.services is None or service_id in self.services):
            return False
        return mode == Mode.TELEHEALTH or location_id is None or self.locations is None or location_id in self.locations


@dataclass(frozen=True, slots=True)
class Schedule:
    """Weekly hours, Monday first, from a date on until the next schedule begins."""

    first_day: date
    week: tuple[Sequence[Range], ...]

    def __post_init__(self) -> None:
        if len(self.week) != 7:
            raise ValueError("a week has seven days")


@dataclass(frozen=True, slots=True)
class TimeOff:
    """Away from `start` on the first day until `end` on the last; whole days unless it says otherwise."""

    first_day: date
    last_day: date
    start: int = 0
    end: int = DAY

    def __post_init__(self) -> None:
        if not (0 <= self.start < DAY and 0 < self.end <= DAY):
            raise ValueError("time off begins and ends within a day")
        if (self.first_day, self.start) >= (self.last_day, self.end):
            raise ValueError("time off ends before it begins")


@dataclass(frozen=True, slots=True)
class Rules:
    """When a therapist sees clients. No schedule, or none yet, means no hours (DOMAIN.md 5.1).

    An override says everything about its date: it replaces the weekly hours, and what yesterday's hours would have
    lasted into it; without a range the date is closed. Its own overnight hours go on into the next date as any others
    do. Time off takes from both. Of two schedules from the same day the later in the sequence counts.
    """

    zone: str
    schedules: Sequence[Schedule] = ()
    overrides: Mapping[date, Sequence[Range]] = field(default_factory=dict)
    time_off: Sequence[TimeOff] = ()


@dataclass(frozen=True, slots=True)
class Service:
    """What is booked: how long it lasts, and how long the therapist needs before and after it, in minutes."""

    service_id: str
    minutes: int
    before: int = 0
    after: int = 0
    bookable: bool = True  # by clients

    def __post_init__(self) -> None:
        if not (0 < self.minutes <= DAY and 0 <= self.before <= DAY and 0 <= self.after <= DAY):
            raise ValueError("a service lasts between a minute and a day, and so do the times around it")


@dataclass(frozen=True, slots=True)
class Policy:
    """The organization's rules for those who book for themselves.

    Starts lie on a grid of the therapist's wall clock, counted from midnight. Notice is elapsed time. The horizon is
    the last day that can be booked, counted in the therapist's days from today (DOMAIN.md 5.4: two months). `per_day`
    caps the appointments that begin on one of the therapist's days, held requests among them.
    """

    grid_minutes: int = 15
    notice_hours: int = 24
    horizon_days: int = 60
    per_day: int | None = None

    def __post_init__(self) -> None:
        if self.grid_minutes < 1 or DAY % self.grid_minutes:
            raise ValueError("the grid must divide the day")
        if self.notice_hours < 0 or self.horizon_days < 0 or (self.per_day is not None and self.per_day < 0):
            raise ValueError("notice, horizon and cap are not negative")


class Busy(NamedTuple):
    """Taken time of a person, as instants, with the minutes that it keeps free before and after itself.

    Blocked time has no appointment id; only appointments count towards a cap. A hold is over at `held_until`, whether
    or not it was swept away.
    """

    start: int
    end: int
    before: int = 0
    after: int = 0
    appointment_id: str = ""
    held_until: int | None = None
