"""What a search for bookable times costs: `python -m benchmarks.slots`.

CPU milliseconds (the best of several runs, in one warm process) for 60 days of one therapist and of twenty, across the
night when New York's clocks go forward: weekdays 9 to 12 and 13 to 17, with every fourth also weekends from 00:30 to
04:30, right through the gap; 40 busy blocks at 5-minute marks each; a 50-minute session with buffers, on a grid of 15
minutes. The same question is put to

    rrule       dateutil.rrule as one would write it: every start of every range, against every busy block
    portion     the interval library: hours minus what busy blocks rule out
    slots       chalicelib/slots, with its policy, as a request asks it (what it reads is not counted)

Every engine must find the same starts, in windows with and without a change of clocks, in several zones and under
several values of the process's TZ variable; otherwise this fails. Goals (DESIGN.md, Performance): one therapist under
1 ms, at least 6 times as fast as portion, twenty in proportion.
"""

import os
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

try:
    import portion
    from dateutil.rrule import MINUTELY, WEEKLY, rrule
except ModuleNotFoundError as missing:
    sys.exit(f"benchmarks.slots compares with {missing.name}, which is not installed: add it to the dev group")

from chalicelib.slots import zones
from chalicelib.slots.rules import Busy, Policy, Range, Rules, Schedule, Service
from chalicelib.slots.search import Search, by_day, fits, slots

DAYS, BLOCKS, THERAPISTS = 60, 40, 20
GRID = 15
SERVICE = Service("session", 50, before=5, after=10)
EVERYDAY = (Range(9 * 60, 12 * 60), Range(13 * 60, 17 * 60))
NIGHTLY = (Range(30, 4 * 60 + 30),)
ZONES = ("America/New_York", "Europe/Paris", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC")
FIRST_DAYS = (date(2027, 2, 11), date(2026, 9, 20), date(2027, 5, 1))  # forward (north), back (north), neither
TZS = ("UTC", "America/Los_Angeles", "Asia/Tokyo", "Australia/Lord_Howe")


@dataclass(frozen=True)
class Case:
    """One therapist's question, as our search and as plain dates and instants for the others."""

    search: Search
    first_day: date

    @property
    def window(self) -> zones.Interval:
        return zones.span(self.search.rules.zone, self.first_day, self.last_day)

    @property
    def last_day(self) -> date:
        return self.first_day + timedelta(days=DAYS - 1)


def case(number: int, zone: str, first_day: date) -> Case:
    """A therapist by number: the same every time."""
    dice = random.Random(f"{number} {zone} {first_day}")
    weekend = NIGHTLY if number % 4 == 0 else ()
    rules = Rules(zone, (Schedule(date(2020, 1, 1), (EVERYDAY,) * 5 + (weekend,) * 2),))
    begin = zones.minute(datetime.combine(first_day, datetime.min.time(), ZoneInfo(zone)))
    starts = [begin + 5 * dice.randrange(DAYS * 24 * 12) for _ in range(BLOCKS)]
    busy = [Busy(each, each + dice.choice((30, 50, 60, 240)), 5, 10, f"appointment {each}") for each in starts]
    policy = Policy(grid_minutes=GRID, notice_hours=24, horizon_days=DAYS + 2)
    return Case(Search(rules=rules, service=SERVICE, policy=policy, now=begin - 1500, busy=busy), first_day)


# --------------------------------------------------------------------------------------------------- three engines


def ours(case: Case) -> list[int]:
    return slots(case.search, case.window)


def by_rrule(case: Case) -> list[int]:
    zone, length = ZoneInfo(case.search.rules.zone), timedelta(minutes=SERVICE.minutes)
    before, after = timedelta(minutes=SERVICE.before), timedelta(minutes=SERVICE.after)
    taken = [(zones.moment(each.start - each.before), zones.moment(each.end + each.after)) for each in case.search.busy]
    found = []
    for weekday, ranges in enumerate(case.search.rules.schedules[0].week):
        days = rrule(WEEKLY, byweekday=weekday, dtstart=_midnight(case.first_day), until=_midnight(case.last_day))
        for day in days:
            for each in ranges:
                opens = (day + timedelta(minutes=each.start)).replace(tzinfo=zone).astimezone(UTC)
                closes = (day + timedelta(minutes=each.end)).replace(tzinfo=zone).astimezone(UTC)
                for start in rrule(MINUTELY, interval=GRID, dtstart=opens, until=closes - length):
                    if not any(a < start + length + after and start - before < b for a, b in taken):
                        found.append(zones.minute(start))
    return sorted(found)


def by_portion(case: Case) -> list[int]:
    zone, rules, hours = ZoneInfo(case.search.rules.zone), case.search.rules, portion.empty()
    for number in range(DAYS):
        day = case.first_day + timedelta(days=number)
        for each in rules.schedules[0].week[day.weekday()]:
            opens = (_midnight(day) + timedelta(minutes=each.start)).replace(tzinfo=zone)
            closes = (_midnight(day) + timedelta(minutes=each.end)).replace(tzinfo=zone)
            hours |= portion.closedopen(zones.minute(opens), zones.minute(closes) - SERVICE.minutes + 1)
    taken = portion.empty()
    for busy in case.search.busy:
        taken |= portion.closedopen(
            busy.start - busy.before - SERVICE.minutes - SERVICE.after + 1, busy.end + busy.after + SERVICE.before
        )
    found = []
    for free in hours - taken:
        if not free.empty:
            found.extend(range(-(-free.lower // GRID) * GRID, free.upper, GRID))
    return found


def _midnight(day: date) -> datetime:
    """By the wall clock; what it means is up to the engine."""
    return datetime.combine(day, datetime.min.time())


# ---------------------------------------------------------------------------------------------- equality, and times


def check() -> int:
    """How many starts the engines agree on, or SystemExit."""
    agreed = 0
    for process_zone in TZS:
        os.environ["TZ"] = process_zone
        time.tzset()
        for zone in ZONES:
            for first_day in FIRST_DAYS:
                for number in (0, 1):
                    one = case(number, zone, first_day)
                    found = ours(one)
                    if not (found == by_portion(one) == by_rrule(one)):
                        sys.exit(f"different slots: therapist {number}, {zone} from {first_day}, TZ={process_zone}")
                    agreed += len(found)
    return agreed


def cpu(work: Callable[[], object], runs: int) -> float:
    """The least CPU milliseconds of some runs: what the work itself takes, without what the machine does besides."""
    work()
    times = []
    for _ in range(runs):
        start = time.process_time_ns()
        work()
        times.append(time.process_time_ns() - start)
    return min(times) / 1e6


def main() -> None:
    """Prints the times and fails when a goal is missed."""
    print(f"{check():,} starts, equal in {len(ZONES)} zones, {len(FIRST_DAYS)} windows, {len(TZS)} values of TZ")
    columns = f"{'rrule':>8}{'portion':>10}{'slots':>8}{'x rrule':>9}{'x portion':>11}"
    print(f"{f'CPU ms of {DAYS} days, {BLOCKS} busy blocks':<36}{columns}")
    one = case(0, ZONES[0], FIRST_DAYS[0])
    all_ = [case(number, ZONES[0], FIRST_DAYS[0]) for number in range(THERAPISTS)]
    single = _row("1 therapist", [one], 5)
    many = _row(f"{THERAPISTS} therapists", all_, 2)
    found = ours(one)
    zones._clock.cache_clear()
    start = time.process_time_ns()
    ours(one)
    print(f"{'first search of a process in a zone':<36}{(time.process_time_ns() - start) / 1e6:>26.2f}")
    print(f"{'one start: may it be booked?':<36}{cpu(lambda: fits(one.search, found[0]), 300):>26.3f}")
    print(f"{'grouped by day, for Tokyo':<36}{cpu(lambda: by_day(found, 'Asia/Tokyo'), 100):>26.2f}")
    misses = [
        words
        for words, holds in (
            ("1 therapist takes 1 ms or more", single[2] < 1),
            ("not 6 times as fast as portion", single[1] >= 6 * single[2] and many[1] >= 6 * many[2]),
            ("20 therapists take more than 20 times one", many[2] <= 1.3 * THERAPISTS * single[2]),
        )
        if not holds
    ]
    sys.exit("; ".join(misses) or None)


def _row(name: str, cases: list[Case], slow_runs: int) -> tuple[float, float, float]:
    naive = cpu(lambda: [by_rrule(each) for each in cases], slow_runs)
    library = cpu(lambda: [by_portion(each) for each in cases], 2 * slow_runs)
    own = cpu(lambda: [ours(each) for each in cases], 60 * slow_runs)
    print(f"{name:<36}{naive:>8.1f}{library:>10.2f}{own:>8.2f}{naive / own:>9.0f}{library / own:>11.1f}")
    return naive, library, own


if __name__ == "__main__":
    main()
