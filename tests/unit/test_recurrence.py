"""Series by the wall clock: the same reading whatever the clocks do, over year ends, gaps and folds."""

from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from chalicelib.slots.recurrence import MOST, moved_along, occurrences
from chalicelib.slots.zones import minute, moment

NEW_YORK = "America/New_York"


def at(zone: str, text: str, fold: int = 0) -> int:
    return minute(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold))


def read(zone: str, starts: list[int]) -> list[str]:
    return [f"{moment(start).astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}" for start in starts]


def test_every_two_weeks_over_the_end_of_a_year() -> None:
    found = occurrences("Europe/Berlin", at("Europe/Berlin", "2026-12-10T09:30"), 2, count=4)
    assert read("Europe/Berlin", found) == [
        "2026-12-10 09:30",
        "2026-12-24 09:30",
        "2027-01-07 09:30",
        "2027-01-21 09:30",
    ]


@pytest.mark.parametrize(
    ("first", "apart"),
    [("2027-03-09T15:00", [168 - 1, 168]), ("2026-10-29T15:00", [168 + 1, 168])],  # hours; the change is in the first
)
def test_the_clock_keeps_its_reading_and_not_the_hours_between(first: str, apart: list[int]) -> None:
    found = occurrences(NEW_YORK, at(NEW_YORK, first), 1, count=3)
    assert [each[11:] for each in read(NEW_YORK, found)] == ["15:00"] * 3
    assert [(b - a) // 60 for a, b in pairwise(found)] == apart


def test_in_a_gap_it_is_the_moment_of_the_change() -> None:
    """02:30 on 14 March 2027 is shown by no clock in New York."""
    found = occurrences(NEW_YORK, at(NEW_YORK, "2027-03-07T02:30"), 1, count=3)
    assert read(NEW_YORK, found) == ["2027-03-07 02:30", "2027-03-14 03:00", "2027-03-21 02:30"]


def test_in_a_fold_it_is_the_first_showing() -> None:
    found = occurrences(NEW_YORK, at(NEW_YORK, "2026-10-25T01:30"), 1, count=3)
    assert found[1] == at(NEW_YORK, "2026-11-01T01:30", fold=0)
    assert read(NEW_YORK, found) == ["2026-10-25 01:30", "2026-11-01 01:30", "2026-11-08 01:30"]


def test_the_first_is_the_instant_that_was_chosen_even_in_a_fold() -> None:
    second = at(NEW_YORK, "2026-11-01T01:30", fold=1)
    assert occurrences(NEW_YORK, second, 1, count=2) == [second, at(NEW_YORK, "2026-11-08T01:30")]


def test_until_a_day_that_day_included() -> None:
    """The day of the therapist's calendar: 23:00 in Los Angeles is the next day in UTC."""
    zone = "America/Los_Angeles"
    start = at(zone, "2026-12-03T23:00")
    assert len(occurrences(zone, start, 1, last_day=date(2026, 12, 24))) == 4
    assert len(occurrences(zone, start, 1, last_day=date(2026, 12, 23))) == 3
    assert len(occurrences(zone, start, 1, count=2, last_day=date(2026, 12, 24))) == 2
    assert occurrences(zone, start, 1, last_day=date(2026, 12, 2)) == []
    assert occurrences(zone, start, 1, last_day=date(2026, 12, 3)) == [start]


def test_a_series_has_an_end() -> None:
    start = at(NEW_YORK, "2026-12-03T10:00")
    assert len(occurrences(NEW_YORK, start, 2, count=1000)) == MOST
    assert len(occurrences(NEW_YORK, start, 1, last_day=date(2199, 1, 1))) == MOST


@pytest.mark.parametrize("zone", ["Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns", "Pacific/Apia", "UTC"])
def test_against_a_slow_reading_of_the_calendar(zone: str) -> None:
    """Half-hour changes, odd offsets: wherever the reading exists once, zoneinfo says the same."""
    first = datetime(2026, 9, 1, 14, 45, tzinfo=ZoneInfo(zone))
    found = occurrences(zone, minute(first), 1, count=MOST)
    slow = [first + timedelta(weeks=n) for n in range(MOST)]  # by the wall clock (PEP 495)
    assert found == [minute(each) for each in slow]


def test_those_that_follow_go_along_by_days_and_take_the_new_time() -> None:
    """Thursday at three becomes Monday at ten of the week after, over the change of the clocks."""
    starts = occurrences(NEW_YORK, at(NEW_YORK, "2027-03-04T15:00"), 1, count=3)
    new = at(NEW_YORK, "2027-03-15T10:00")
    found = moved_along(NEW_YORK, starts[1], new, starts[1:])
    assert read(NEW_YORK, found) == ["2027-03-15 10:00", "2027-03-22 10:00"]
    earlier = moved_along(NEW_YORK, starts[0], at(NEW_YORK, "2027-03-03T23:30"), starts)
    assert read(NEW_YORK, earlier) == ["2027-03-03 23:30", "2027-03-10 23:30", "2027-03-17 23:30"]


def test_into_the_gap_and_out_again() -> None:
    starts = occurrences(NEW_YORK, at(NEW_YORK, "2027-03-07T15:00"), 1, count=3)
    found = moved_along(NEW_YORK, starts[0], at(NEW_YORK, "2027-03-07T02:30"), starts)
    assert read(NEW_YORK, found) == ["2027-03-07 02:30", "2027-03-14 03:00", "2027-03-21 02:30"]
