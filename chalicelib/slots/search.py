"""When can this be booked? One computation answers for a whole window and for a single start.

For one therapist and one service the starts within opening hours are a few intervals of minutes, and so are the starts
that taken time rules out. `slots` takes the second from the first and lays the grid over the rest; `objections` looks
one start up in the same intervals. There is no other implementation: what is offered can be booked, and what can be
booked is offered.

A session keeps inside the hours; its buffers need not: they are time to prepare and to write, and only keep away from
other appointments and *their* buffers (a 10-minute buffer after one and 5 minutes before the next make 15 minutes).
A client's own appointments keep away by their bare times.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from itertools import islice
from typing import NamedTuple

from chalicelib.slots.rules import HOUR, Busy, Mode, Policy, Range, Rules, Service
from chalicelib.slots.zones import DAY, Clock, Interval, clock, clock_at, dated, number

AFTERNOON, EVENING = 12 * HOUR, 17 * HOUR  # where a day's parts begin, by the viewer's clock


class Reason(StrEnum):
    """Why a start cannot be booked, the plainest first."""

    NOT_BOOKABLE = "not_bookable"  # clients do not book this service themselves
    PAST = "past"
    NOTICE = "notice"  # too soon
    HORIZON = "horizon"  # too far ahead
    OUTSIDE = "outside"  # not, or not wholly, within hours for this service, mode and place
    MISALIGNED = "misaligned"
    FULL_DAY = "full_day"
    BUSY = "busy"
    CLIENT_BUSY = "client_busy"  # the client is somewhere else


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """All that decides when a therapist can be booked; `now` is a minute (zones.minute).

    `busy` must hold whatever touches the window, a day more on either side for buffers, and the whole of the
    therapist's days in it when the policy caps them. `moving` names the appointment that is to be moved: its old time
    is free, and it does not count. Bookings by staff ask with a policy of their own, and with a bookable service.
    """

    rules: Rules
    service: Service
    policy: Policy
    now: int
    busy: Sequence[Busy] = ()
    mode: Mode = Mode.IN_PERSON
    location_id: str | None = None
    client_busy: Sequence[Busy] = ()
    moving: str = ""


class Found(NamedTuple):
    """The earliest start, and whose it is."""

    start: int
    therapist_id: str


@dataclass(slots=True)
class Day:
    """The starts of one date of the viewer's calendar: before noon, before five, and later."""

    day: date
    morning: list[int] = field(default_factory=list)
    afternoon: list[int] = field(default_factory=list)
    evening: list[int] = field(default_factory=list)


def open_times(
    rules: Rules, first_day: date, last_day: date, serves: Callable[[Range], bool] | None = None
) -> list[Interval]:
    """The hours of these days of the therapist, merged and in order; only those of ranges that `serves` accepts.

    What the eve of the first day lasts into it belongs to it; nothing reaches beyond the last day.
    """
    first, last = number(first_day), number(last_day)
    return _open(rules, serves, first, last, clock(rules.zone, first, last))


def newly_open(
    before: Rules, after: Rules, first_day: date, last_day: date, serves: Callable[[Range], bool] | None = None
) -> list[Interval]:
    """The hours of these days that `after` has and `before` had not."""
    return _without(open_times(after, first_day, last_day, serves), open_times(before, first_day, last_day, serves))


def near(search: Search, starts: Iterable[int], intervals: Sequence[Interval]) -> list[int]:
    """Of these starts those whose sessions, with what they keep free around themselves, touch one of these times: first
    those that lie within one, which leave the least of it unused, then the others, each in order."""
    within: list[int] = []
    touching: list[int] = []
    for start in starts:
        begins, ends = start - search.service.before, start + search.service.minutes + search.service.after
        if any(opens <= begins and ends <= closes for opens, closes in intervals):
            within.append(start)
        elif any(opens < ends and begins < closes for opens, closes in intervals):
            touching.append(start)
    return [*within, *touching]


def slots(search: Search, window: Interval) -> list[int]:
    """Every start in the window that can be booked, in order."""
    if not search.service.bookable:
        return []
    limits = _limits(search, window)
    start, end = max(window[0], limits.first), min(window[1], limits.horizon)
    taken = merged([*limits.full, *limits.busy, *limits.client_busy])
    return _on_grid(_without(_within(limits.hours, start, end), taken), limits.clock, search.policy.grid_minutes)


def fits(search: Search, start: int) -> Reason | None:
    """None when `start` can be booked, else the first reason why it cannot."""
    return next(_objections(search, start), None)


def objections(search: Search, start: int) -> list[Reason]:
    """Every reason why `start` cannot be booked: for staff, who may overrule some of them with open eyes."""
    return list(_objections(search, start))


def first_available(searches: Mapping[str, Search], window: Interval) -> Found | None:
    """The earliest start with any of several therapists (by id); of equals, the one that comes first in the mapping."""
    best: Found | None = None
    start, end = window
    for therapist_id, search in searches.items():
        found = slots(search, (start, end if best is None else best.start))
        if found:
            best = Found(found[0], therapist_id)
    return best


def by_day(starts: Sequence[int], zone: str) -> list[Day]:
    """Starts, given in order, under the dates and the parts of the day that the viewer's clock shows for them."""
    if not starts:
        return []
    days: dict[int, Day] = {}
    clocks = clock_at(zone, starts[0], starts[-1])
    for start in starts:
        number_of_day, time = divmod(start + clocks.offset(start), DAY)
        day = days.get(number_of_day)
        if day is None:
            day = days[number_of_day] = Day(dated(number_of_day))
        (day.morning if time < AFTERNOON else day.afternoon if time < EVENING else day.evening).append(start)
    return [days[each] for each in sorted(days)]


# ---------------------------------------------------------------------------------------------------- the computation


class _Limits(NamedTuple):
    """What a search means for the starts in a window."""

    clock: Clock
    first: int  # the notice is over
    horizon: int  # no later than before this
    hours: list[Interval]  # of starts whose sessions end in time
    full: list[Interval]
    busy: list[Interval]
    client_busy: list[Interval]


def _limits(search: Search, window: Interval) -> _Limits:
    rules, service, policy = search.rules, search.service, search.policy
    start, end = window
    today = clock_at(rules.zone, search.now, search.now).day(search.now)
    last_day = today + policy.horizon_days
    horizon = clock(rules.zone, last_day, last_day).instant((last_day + 1) * DAY)
    first = search.now + policy.notice_hours * HOUR
    clocks = clock_at(rules.zone, start, end)
    days = clocks.day(start), clocks.day(end - 1 + service.minutes)
    hours = _open(rules, lambda each: each.serves(service.service_id, search.mode, search.location_id), *days, clocks)
    live = [each for each in search.busy if _counts(each, search)]
    return _Limits(
        clock=clocks,
        first=first,
        horizon=horizon,
        hours=[(opens, closes - service.minutes + 1) for opens, closes in hours if closes - opens >= service.minutes],
        full=[] if policy.per_day is None else _full_days(live, policy.per_day, days, clocks),
        busy=_ruled_out(live, service.minutes, service.before, service.after),
        client_busy=_ruled_out(
            [Busy(each.start, each.end) for each in search.client_busy if _counts(each, search)], service.minutes, 0, 0
        ),
    )


def _objections(search: Search, start: int) -> Iterator[Reason]:
    limits = _limits(search, (start, start + 1))
    if not search.service.bookable:
        yield Reason.NOT_BOOKABLE
    if start < search.now:
        yield Reason.PAST
    elif start < limits.first:
        yield Reason.NOTICE
    if start >= limits.horizon:
        yield Reason.HORIZON
    if not _holds(limits.hours, start):
        yield Reason.OUTSIDE
    if not _on_grid([(start, start + 1)], limits.clock, search.policy.grid_minutes):
        yield Reason.MISALIGNED
    if _holds(limits.full, start):
        yield Reason.FULL_DAY
    if _holds(limits.busy, start):
        yield Reason.BUSY
    if _holds(limits.client_busy, start):
        yield Reason.CLIENT_BUSY


def _open(rules: Rules, serves: Callable[[Range], bool] | None, first: int, last: int, clocks: Clock) -> list[Interval]:
    """`open_times` by day numbers."""

    def hours(ranges: Iterable[Range]) -> list[Interval]:
        return [(each.start, each.until) for each in ranges if serves is None or serves(each)]

    overrides = {number(day): ranges for day, ranges in rules.overrides.items()}
    schedules = sorted(rules.schedules, key=lambda each: each.first_day)
    weeks = [[hours(ranges) for ranges in each.week] for each in schedules]
    begins = [number(each.first_day) for each in schedules]
    found = []
    for day in range(first - 1, last + 1):
        if day in overrides:
            ranges = hours(overrides[day])
        else:
            current = bisect_right(begins, day) - 1
            ranges = weeks[current][(day + 3) % 7] if current >= 0 else []  # 1970-01-01 was a Thursday
        midnight = day * DAY
        most = DAY if day + 1 in overrides else 2 * DAY
        for start, until in ranges:
            found.append((clocks.instant(midnight + start), clocks.instant(midnight + min(until, most))))
    away = [
        (
            clocks.instant(number(each.first_day) * DAY + each.start),
            clocks.instant(number(each.last_day) * DAY + each.end),
        )
        for each in rules.time_off
    ]
    start, end = clocks.instant(first * DAY), clocks.instant((last + 1) * DAY)
    return _without(_within(merged(found), start, end), merged(away))


def _counts(busy: Busy, search: Search) -> bool:
    if search.moving and busy.appointment_id == search.moving:
        return False
    return busy.start < busy.end and (busy.held_until is None or search.now < busy.held_until)


def _ruled_out(taken: Iterable[Busy], minutes: int, before: int, after: int) -> list[Interval]:
    """The starts whose session, with these buffers around it, would meet one of these times with its own."""
    return merged((each.start - each.before - minutes - after + 1, each.end + each.after + before) for each in taken)


def _full_days(taken: Iterable[Busy], cap: int, days: tuple[int, int], clocks: Clock) -> list[Interval]:
    """Those of the days from the first to the last that hold as many appointments as they may."""
    begins = [clocks.instant(day * DAY) for day in range(days[0], days[1] + 2)]
    counted = Counter(bisect_right(begins, each.start) for each in taken if each.appointment_id)
    return [(begins[at - 1], begins[at]) for at in range(1, len(begins)) if counted[at] >= cap]


# --------------------------------------------------------------------------------------- intervals, and minutes of them


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """In order, without empty ones; those that overlap or touch are one."""
    merged: list[Interval] = []
    start, end = 0, 0
    for opens, closes in sorted(intervals):
        if opens > end or start == end:
            if start < end:
                merged.append((start, end))
            start, end = opens, closes
        elif closes > end:
            end = closes
    if start < end:
        merged.append((start, end))
    return merged


def _within(intervals: Iterable[Interval], start: int, end: int) -> list[Interval]:
    """What of them lies between `start` and `end`."""
    return [(max(a, start), min(b, end)) for a, b in intervals if a < end and start < b] if start < end else []


def _without(intervals: Iterable[Interval], taken: Sequence[Interval]) -> list[Interval]:
    """What `taken` leaves; both in order and without overlaps."""
    left: list[Interval] = []
    at = 0
    for start, end in intervals:
        while at < len(taken) and taken[at][1] <= start:
            at += 1
        for opens, closes in islice(taken, at, None):
            if opens >= end:
                break
            if start < opens:
                left.append((start, opens))
            start = closes
        if start < end:
            left.append((start, end))
    return left


def _on_grid(intervals: Sequence[Interval], clocks: Clock, grid: int) -> list[int]:
    """Their minutes that lie on the grid of the wall clock."""
    found: list[int] = []
    if intervals:
        for begins, ends, offset in clocks.stretches(intervals[0][0], intervals[-1][1]):
            for start, end in _within(intervals, begins, ends):
                found.extend(range(start + -(start + offset) % grid, end, grid))
    return found


def _holds(intervals: Iterable[Interval], at: int) -> bool:
    return any(start <= at < end for start, end in intervals)
