"""What can be booked: the edge cases that other systems got wrong, and a slow oracle that counts minutes.

SLOTS_CASES=100000 asks the oracle more often than the 5,000 times of every run.
"""

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest

from chalicelib.slots import zones
from chalicelib.slots.rules import Busy, Mode, Policy, Range, Rules, Schedule, Service, TimeOff
from chalicelib.slots.search import (
    Found,
    Reason,
    Search,
    by_day,
    first_available,
    fits,
    objections,
    open_times,
    slots,
)

PARTS = ("", ".rules", ".search", ".zones")
CASES = int(os.environ.get("SLOTS_CASES", "5000"))
HOURS_9_TO_5 = ("09:00", "17:00")
FREE = Policy(notice_hours=0, horizon_days=400)
LONG_AGO = zones.minute(datetime(2009, 1, 1, tzinfo=UTC))
HALF_HOUR, HOUR, SESSION = Service("half", 30), Service("hour", 60), Service("session", 50)
Hours = tuple[str, str]


def clock_time(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def hours(start: str, end: str, **only: frozenset[str]) -> Range:
    return Range(clock_time(start), clock_time(end), **only)  # type: ignore[arg-type]


def every_day(zone: str, *times: Hours, **more: object) -> Rules:
    day = tuple(hours(*each) for each in times)
    return Rules(zone, (Schedule(date(2009, 1, 1), (day,) * 7),), **more)  # type: ignore[arg-type]


def search_of(rules: Rules, service: Service = HALF_HOUR, **more: object) -> Search:
    given = {"policy": replace(FREE, horizon_days=9999), "now": LONG_AGO, **more}
    return Search(rules=rules, service=service, **given)  # type: ignore[arg-type]


def at(text: str) -> int:
    """The minute of "2026-03-08 17:00" in UTC."""
    return zones.minute(datetime.fromisoformat(text + "+00:00"))


def utc(interval: tuple[int, int]) -> str:
    return " ".join(zones.moment(each).strftime("%d %H:%M") for each in interval)


def open_on(rules: Rules, first: str, last: str | None = None) -> list[str]:
    """The hours of days, as UTC day and time of their ends."""
    found = open_times(rules, date.fromisoformat(first), date.fromisoformat(last or first))
    return [utc(each) for each in found]


def day_slots(search: Search, day: str, zone: str | None = None) -> list[str]:
    """The starts of a day of the therapist, on a clock of `zone` (the therapist's)."""
    one = date.fromisoformat(day)
    found = slots(search, zones.span(search.rules.zone, one, one))
    info = ZoneInfo(zone or search.rules.zone)
    return [zones.moment(each).astimezone(info).strftime("%H:%M") for each in found]


# --------------------------------------------------------------------------------- hours when the clocks change


@pytest.mark.parametrize(
    ("day", "start"),
    [("2026-10-31", "13:00"), ("2026-11-01", "14:00"), ("2026-11-02", "14:00"), ("2027-03-13", "14:00"),
     ("2027-03-14", "13:00"), ("2027-03-15", "13:00")],
)  # fmt: skip
def test_nine_stays_nine_after_the_change(day: str, start: str) -> None:
    """cal.diy#10517, #4702, #6217, #12137: an hour off on or after the day of the change."""
    search = search_of(every_day("America/New_York", ("09:00", "12:00")), HOUR)
    assert day_slots(search, day)[0] == "09:00"
    assert day_slots(search, day, "UTC")[0] == start


def test_afternoon_hours_on_the_day_of_the_change() -> None:
    """cal.diy#30021: 13:00 and later came an hour late; #19589: 3 PM in Chicago came as 4 PM."""
    assert open_on(every_day("America/New_York", ("13:00", "18:00")), "2026-03-08") == ["08 17:00 08 22:00"]
    assert open_on(every_day("America/Chicago", ("15:00", "16:00")), "2025-03-09") == ["09 20:00 09 21:00"]


def test_hours_across_the_gap_keep_inside_it() -> None:
    """notes/performance.md 4: 00:30 to 04:30 lasts three hours that night; nine starts, none of the evening before."""
    search = search_of(every_day("America/New_York", ("00:30", "04:30")), SESSION)
    found = day_slots(search, "2027-03-14", "UTC")
    assert (found[0], found[-1], len(found)) == ("05:30", "07:30", 9)


def test_a_session_across_the_gap_lasts_its_minutes() -> None:
    """calrs, redteam_spring_slots: elapsed time, and no start at a time that no clock shows."""
    search = search_of(every_day("Europe/Paris", ("01:00", "05:00")), Service("two hours", 120))
    found = day_slots(replace(search, policy=replace(FREE, grid_minutes=30, horizon_days=9999)), "2026-03-29")
    assert found == ["01:00", "01:30", "03:00"]
    assert not [each for each in found if each.startswith("02:")]


@pytest.mark.parametrize(
    ("times", "opens"),
    [
        (("02:00", "02:30"), []),  # wholly in the gap: not that day
        (("02:15", "03:00"), []),
        (("01:30", "02:30"), ["14 06:30 14 07:00"]),  # ends at the change
        (("02:30", "04:00"), ["14 07:00 14 08:00"]),  # begins at the change
        (("01:00", "02:00"), ["14 06:00 14 07:00"]),
        (("03:00", "04:00"), ["14 07:00 14 08:00"]),
        (("00:00", "00:00"), ["14 05:00 15 04:00"]),  # 23 hours (OpenEMR's days all had 24)
    ],
)
def test_gap(times: Hours, opens: list[str]) -> None:
    assert open_on(every_day("America/New_York", times), "2027-03-14") == opens


@pytest.mark.parametrize(
    ("times", "opens"),
    [
        (("00:00", "01:30"), ["01 04:00 01 05:30"]),  # until the first 01:30
        (("01:30", "01:45"), ["01 05:30 01 05:45"]),  # once, not twice
        (("01:30", "02:00"), ["01 05:30 01 07:00"]),  # two o'clock comes an hour later
        (("02:00", "03:00"), ["01 07:00 01 08:00"]),
        (("00:00", "24:00"), ["01 04:00 02 05:00"]),  # 25 hours
    ],
)
def test_fold(times: Hours, opens: list[str]) -> None:
    assert open_on(every_day("America/New_York", times), "2026-11-01") == opens


def test_both_showings_of_a_time_are_slots_of_their_own() -> None:
    """notes/security.md 0.6: as local times the two 01:30 compare equal; as instants they are an hour apart."""
    search = search_of(
        every_day("America/New_York", ("01:00", "02:00")), HALF_HOUR, policy=replace(FREE, grid_minutes=30)
    )
    search = replace(search, now=at("2026-10-30 00:00"))
    assert day_slots(search, "2026-11-01") == ["01:00", "01:30", "01:00", "01:30"]
    taken = replace(search, busy=[Busy(at("2026-11-01 05:30"), at("2026-11-01 06:00"))])
    assert day_slots(taken, "2026-11-01", "UTC") == ["05:00", "06:00", "06:30"]


def test_a_clock_set_back_hides_no_appointment() -> None:
    """calrs, redteam_clock_rollback: from 02:45 to the second 02:15 is half an hour, not less than nothing."""
    busy = [Busy(at("2026-10-25 00:45"), at("2026-10-25 01:15"))]
    search = search_of(every_day("Europe/Paris", ("02:00", "03:30")), Service("five", 5), busy=busy)
    assert fits(search, at("2026-10-25 00:45")) is Reason.BUSY
    assert fits(search, at("2026-10-25 01:00")) is Reason.BUSY
    assert fits(search, at("2026-10-25 00:30")) is None
    assert fits(search, at("2026-10-25 01:15")) is None


@pytest.mark.parametrize(
    ("zone", "day", "times", "opens"),
    [
        ("America/Santiago", "2026-09-06", ("00:00", "02:00"), ["06 04:00 06 05:00"]),  # no midnight
        ("Africa/Cairo", "2026-04-24", ("00:30", "01:30"), ["23 22:00 23 22:30"]),
        ("Asia/Beirut", "2026-03-29", ("22:00", "00:00"), ["29 19:00 29 21:00"]),
        ("America/Havana", "2026-11-01", ("00:00", "02:00"), ["01 04:00 01 07:00"]),  # midnight twice
        ("America/Santiago", "2026-04-04", ("23:00", "00:00"), ["05 02:00 05 04:00"]),  # the eve's last hour twice
        ("America/St_Johns", "2010-11-07", ("00:00", "00:30"), ["07 02:30 07 04:00"]),  # 00:01 back to 23:01
        ("Australia/Lord_Howe", "2026-10-04", ("01:00", "03:00"), ["03 14:30 03 16:00"]),  # half an hour less
        ("Australia/Lord_Howe", "2026-04-05", ("01:00", "03:00"), ["04 14:00 04 16:30"]),  # half an hour more
        ("Antarctica/Troll", "2026-03-29", ("00:30", "03:30"), ["29 00:30 29 01:30"]),  # two hours at once
        ("Asia/Kathmandu", "2026-06-15", HOURS_9_TO_5, ["15 03:15 15 11:15"]),
        ("Pacific/Apia", "2011-12-30", ("00:00", "00:00"), []),  # a date that never was
        ("Pacific/Apia", "2011-12-29", ("22:00", "06:00"), ["29 10:00 29 16:00", "30 08:00 30 10:00"]),
        ("Pacific/Apia", "2011-12-31", HOURS_9_TO_5, ["30 19:00 31 03:00"]),
        ("America/New_York", "2028-02-29", HOURS_9_TO_5, ["29 14:00 29 22:00"]),
    ],
)  # fmt: skip
def test_strange_nights(zone: str, day: str, times: Hours, opens: list[str]) -> None:
    assert open_on(every_day(zone, times), day) == opens


def test_the_grid_is_that_of_the_therapists_clock() -> None:
    """At +5:45 the half hours of the wall clock are the quarters of UTC; Lord Howe's grid moves with its clocks."""
    rules = every_day("Asia/Kathmandu", ("09:10", "11:00"))
    search = search_of(rules, HALF_HOUR, policy=replace(FREE, grid_minutes=30), now=at("2026-06-01 00:00"))
    assert day_slots(search, "2026-06-15") == ["09:30", "10:00", "10:30"]
    assert fits(search, at("2026-06-15 04:00")) is Reason.MISALIGNED
    night = search_of(every_day("Australia/Lord_Howe", ("00:00", "04:00")), HOUR, policy=replace(FREE, grid_minutes=60))
    night = replace(night, now=at("2026-10-01 00:00"))
    assert day_slots(night, "2026-10-04") == ["00:00", "01:00", "03:00"]


# ----------------------------------------------------------------------------------------------------- availability


def test_nobody_is_available_by_default() -> None:
    """DOMAIN.md 5.1; a system in notes/systems.md 3.9 opened from nine to five for whoever had set nothing."""
    for rules in (Rules("America/New_York"), Rules("America/New_York", (Schedule(date(2027, 1, 1), ((),) * 7),))):
        assert slots(search_of(rules), zones.span("America/New_York", date(2026, 12, 1), date(2027, 2, 1))) == []


def test_a_schedule_counts_from_its_day_on() -> None:
    morning, evening = (hours("09:00", "10:00"),), (hours("18:00", "19:00"),)
    rules = Rules("UTC", (Schedule(date(2026, 6, 3), (evening,) * 7), Schedule(date(2026, 6, 2), (morning,) * 7)))
    assert open_on(rules, "2026-06-01", "2026-06-04") == [
        "02 09:00 02 10:00", "03 18:00 03 19:00", "04 18:00 04 19:00"]  # fmt: skip


def test_weekdays_begin_on_monday() -> None:
    week = tuple((hours(f"{day + 8:02}:00", f"{day + 9:02}:00"),) for day in range(7))
    rules = Rules("UTC", (Schedule(date(2020, 1, 1), week),))
    assert open_on(rules, "2026-06-01", "2026-06-07") == [f"0{n} {n + 7:02}:00 0{n} {n + 8:02}:00" for n in range(1, 8)]


def test_ranges_that_touch_or_overlap_are_one() -> None:
    rules = every_day("UTC", ("13:00", "15:00"), ("09:00", "11:00"), ("11:00", "12:00"), ("14:00", "14:30"))
    assert open_on(rules, "2026-06-01") == ["01 09:00 01 12:00", "01 13:00 01 15:00"]
    search = search_of(every_day("UTC", ("09:00", "10:00"), ("10:00", "11:00")), Service("long", 90))
    assert day_slots(search, "2026-06-01") == ["09:00", "09:15", "09:30"]


def test_overnight_hours_belong_to_the_evening_that_they_begin_on() -> None:
    """Medplum: an end that is not after the start is on the next day."""
    friday = Rules("UTC", (Schedule(date(2020, 1, 1), ((), (), (), (), (hours("22:00", "02:00"),), (), ())),))
    assert open_on(friday, "2026-06-05", "2026-06-06") == ["05 22:00 06 02:00"]
    assert open_on(friday, "2026-06-06") == ["06 00:00 06 02:00"]
    assert open_on(friday, "2026-06-05") == ["05 22:00 06 00:00"]
    assert day_slots(search_of(friday, HOUR), "2026-06-05")[-1] == "23:45"  # and goes on after midnight
    assert day_slots(search_of(friday, HOUR), "2026-06-06")[-1] == "01:00"


def test_an_override_says_everything_about_its_date() -> None:
    """Cal.com 3.1 step 2: it replaces the day, its ranges add up, and the eve's hours end at its midnight."""
    rules = every_day("UTC", ("22:00", "02:00"), overrides={
        date(2026, 6, 2): (hours("10:00", "11:00"), hours("14:00", "15:00")), date(2026, 6, 4): (),
    })  # fmt: skip
    assert open_on(rules, "2026-06-01", "2026-06-05") == [
        "01 00:00 01 02:00", "01 22:00 02 00:00",
        "02 10:00 02 11:00", "02 14:00 02 15:00",
        "03 22:00 04 00:00",
        "05 22:00 06 00:00",
    ]  # fmt: skip


def test_an_override_stays_on_its_date_in_every_zone() -> None:
    """cal.diy#10254: an evening override far from UTC came a day early or late."""
    for zone in ("Pacific/Kiritimati", "Pacific/Niue", "America/New_York", "Asia/Tokyo"):
        rules = every_day(zone, overrides={date(2026, 6, 5): (hours("22:00", "23:00"),)})
        assert day_slots(search_of(rules, HOUR), "2026-06-05") == ["22:00"]
        assert day_slots(search_of(rules, HOUR), "2026-06-04") == day_slots(search_of(rules, HOUR), "2026-06-06") == []


def test_time_off_takes_from_weekly_hours_and_overrides() -> None:
    off = (TimeOff(date(2026, 6, 2), date(2026, 6, 3)), TimeOff(date(2026, 6, 4), date(2026, 6, 4), 600, 660))
    rules = every_day("UTC", ("09:00", "12:00"), time_off=off,
                      overrides={date(2026, 6, 3): (hours("13:00", "14:00"),)})  # fmt: skip
    assert open_on(rules, "2026-06-01", "2026-06-05") == [
        "01 09:00 01 12:00", "04 09:00 04 10:00", "04 11:00 04 12:00", "05 09:00 05 12:00"]  # fmt: skip


def test_a_range_serves_its_services_modes_and_places() -> None:
    office = hours("09:00", "10:00", modes=frozenset({Mode.IN_PERSON}), locations=frozenset({"oak"}))  # type: ignore[arg-type]
    video = hours("10:00", "11:00", modes=frozenset({Mode.TELEHEALTH}), locations=frozenset({"oak"}))  # type: ignore[arg-type]
    only = hours("11:00", "12:00", services=frozenset({"hour"}))
    rules = Rules("UTC", (Schedule(date(2020, 1, 1), ((office, video, only),) * 7),))

    def starts(service: Service, mode: Mode, location_id: str | None) -> list[str]:
        return day_slots(search_of(rules, service, mode=mode, location_id=location_id), "2026-06-01")

    half = replace(HOUR, service_id="other")
    assert starts(HOUR, Mode.IN_PERSON, "oak") == ["09:00", "11:00"]
    assert starts(HOUR, Mode.IN_PERSON, "elm") == ["11:00"]
    assert starts(HOUR, Mode.IN_PERSON, None)[0] == "09:00"
    assert starts(HOUR, Mode.TELEHEALTH, "elm")[0] == "10:00"  # where the client is does not matter
    assert starts(half, Mode.IN_PERSON, "oak") == ["09:00"]
    assert starts(half, Mode.TELEHEALTH, None) == ["10:00"]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Range(540, 540), lambda: Range(-1, 60), lambda: Range(1440, 60), lambda: Range(0, 1441),
        lambda: Schedule(date(2026, 1, 1), ((),) * 6), lambda: TimeOff(date(2026, 1, 2), date(2026, 1, 1)),
        lambda: TimeOff(date(2026, 1, 1), date(2026, 1, 1), 600, 600), lambda: Service("s", 0),
        lambda: TimeOff(date(2026, 1, 1), date(2026, 1, 2), 0, 0),
        lambda: TimeOff(date(2026, 1, 1), date(2026, 1, 2), 0, 1441),
        lambda: Service("s", 1441), lambda: Service("s", 50, before=-1), lambda: Service("s", 50, after=-1),
        lambda: Policy(grid_minutes=0), lambda: Policy(grid_minutes=7), lambda: Policy(notice_hours=-1),
        lambda: Policy(horizon_days=-1), lambda: Policy(per_day=-1),
    ],
)  # fmt: skip
def test_what_nobody_can_mean_is_refused(wrong: Callable[[], object]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        wrong()


def test_an_unknown_zone_is_an_error_and_not_utc() -> None:
    """calrs, review_timezone_query_errors_are_not_utc_defaults."""
    with pytest.raises((ZoneInfoNotFoundError, ValueError)):
        open_times(every_day("Mars/Olympus", HOURS_9_TO_5), date(2026, 6, 1), date(2026, 6, 2))


# ------------------------------------------------------------------------------------------------------- taken time

NOON = at("2026-06-01 12:00")
ALL_DAY = every_day("UTC", ("00:00", "00:00"))


@pytest.mark.parametrize(
    ("start", "end", "is_free"),
    [
        (-30, 0, True),  # back to back is no conflict (notes/systems.md 3.9)
        (60, 90, True),
        (-30, 1, False),  # over one edge only (Cal.com's limits missed those)
        (59, 90, False),
        (-30, 90, False),  # around it
        (20, 40, False),  # within it: frappe/erpnext#16068 compared starts only
        (0, 60, False),
        (30, 30, True),  # nothing takes no time
        (-2000, -1, True),
        (-2000, 1, False),  # began days ago
    ],
)
def test_overlap_is_half_open(start: int, end: int, is_free: bool) -> None:
    search = search_of(ALL_DAY, HOUR, busy=[Busy(NOON + start, NOON + end)])
    assert (fits(search, NOON) is None) == is_free
    assert (slots(search, (NOON, NOON + 1)) == [NOON]) == is_free
    client = search_of(ALL_DAY, HOUR, client_busy=[Busy(NOON + start, NOON + end)])
    assert fits(client, NOON) is (None if is_free else Reason.CLIENT_BUSY)


def test_an_appointment_across_midnight_takes_both_days() -> None:
    """notes/systems.md 3.4: comparing times of day forgets what crosses midnight."""
    search = search_of(ALL_DAY, HALF_HOUR, busy=[Busy(at("2026-06-01 23:30"), at("2026-06-02 00:30"))])
    assert day_slots(search, "2026-06-01")[-1] == "23:00"
    assert day_slots(search, "2026-06-02")[0] == "00:30"


@pytest.mark.parametrize("gap", [14, 15, 16])
def test_buffers_of_both_sides_add_up(gap: int) -> None:
    """E!A#1224, odoo#158337, SergeyMosin/Appointments#409: before and after differ, of the old and of the new."""
    service = Service("buffered", 50, before=5, after=20)
    busy = [Busy(NOON, NOON + 50, before=2, after=10)]
    search = search_of(ALL_DAY, service, busy=busy, policy=replace(FREE, grid_minutes=1), now=NOON - 1440)
    assert (fits(search, NOON + 50 + gap) is None) == (gap >= 10 + 5)
    assert (fits(search, NOON - 50 - 6 - gap) is None) == (gap + 6 >= 20 + 2)


def test_buffers_may_lie_outside_hours_and_do_not_bind_the_client() -> None:
    service = Service("buffered", 60, before=30, after=30)
    search = search_of(every_day("UTC", ("09:00", "10:00")), service)
    assert day_slots(search, "2026-06-01") == ["09:00"]
    nine = at("2026-06-01 09:00")
    around = [Busy(nine - 60, nine, after=30), Busy(nine + 60, nine + 120, before=30)]
    assert day_slots(replace(search, client_busy=around), "2026-06-01") == ["09:00"]
    assert day_slots(replace(search, busy=around), "2026-06-01") == []


def test_a_new_zone_moves_no_appointment() -> None:
    """E!A#1789, calrs: booked instants stay; only the hours around them move."""
    busy = [Busy(at("2026-06-01 14:00"), at("2026-06-01 15:00"))]
    for zone in ("America/New_York", "Pacific/Honolulu", "Asia/Tokyo"):
        assert fits(search_of(every_day(zone, ("00:00", "00:00")), HOUR, busy=busy), busy[0].start) is Reason.BUSY


def test_what_is_moved_may_overlap_its_old_time_and_does_not_count() -> None:
    old = Busy(NOON, NOON + 60, appointment_id="mine")
    search = search_of(ALL_DAY, HOUR, busy=[old], client_busy=[old], policy=replace(FREE, per_day=1), now=NOON - 2000)
    assert objections(search, NOON + 15) == [Reason.FULL_DAY, Reason.BUSY, Reason.CLIENT_BUSY]
    assert fits(replace(search, moving="mine"), NOON + 15) is None
    assert fits(replace(search, moving="other"), NOON + 15) is Reason.FULL_DAY


def test_a_hold_ends_at_its_minute() -> None:
    hold = Busy(NOON, NOON + 60, appointment_id="held", held_until=NOON - 600)
    for now, reason in ((NOON - 601, Reason.BUSY), (NOON - 600, None), (NOON - 599, None)):
        assert fits(search_of(ALL_DAY, HOUR, busy=[hold], policy=FREE, now=now), NOON) is reason


# ----------------------------------------------------------------------------------------------------------- policy


def test_notice_is_elapsed_time() -> None:
    """24 hours before the morning after a night of 23 are an hour earlier by the clock."""
    search = search_of(every_day("America/New_York", HOURS_9_TO_5), HOUR, policy=Policy())
    nine = at("2027-03-14 13:00")
    assert fits(replace(search, now=nine - 24 * 60), nine) is None
    assert fits(replace(search, now=nine - 24 * 60 + 1), nine) is Reason.NOTICE
    assert fits(replace(search, now=nine), nine) is Reason.NOTICE
    assert fits(replace(search, now=nine + 1), nine) is Reason.PAST
    assert zones.minute(zones.moment(nine) + timedelta(microseconds=1)) == nine + 1  # never a moment less than that


def test_the_horizon_ends_with_a_day_of_the_therapist() -> None:
    search = search_of(every_day("Asia/Tokyo", ("00:00", "00:00")), HOUR, policy=Policy(horizon_days=2))
    search = replace(search, now=at("2026-06-01 20:00"))  # already the 2nd in Tokyo: bookable until the 4th ends
    assert fits(search, at("2026-06-04 14:45")) is None
    assert fits(search, at("2026-06-04 15:00")) is Reason.HORIZON
    night = search_of(every_day("America/St_Johns", ("00:00", "00:00")), HOUR, now=at("2010-11-07 03:00"),
                      policy=Policy(notice_hours=0, horizon_days=0))  # fmt: skip
    assert fits(night, at("2010-11-08 03:15")) is None  # the clocks show 23:30 again, but the 7th has begun
    assert fits(night, at("2010-11-08 03:30")) is Reason.HORIZON


def test_a_cap_counts_the_therapists_days() -> None:
    """calrs, utc_period_counts_follow_local_midnight: 00:30 in Auckland is the day before in UTC."""
    early = Busy(at("2026-07-01 12:30"), at("2026-07-01 13:00"), appointment_id="one")
    search = search_of(every_day("Pacific/Auckland", ("00:00", "00:00")), HALF_HOUR, busy=[early],
                       policy=replace(FREE, per_day=1), now=at("2026-06-20 00:00"))  # fmt: skip
    assert day_slots(search, "2026-07-02") == []
    assert len(day_slots(search, "2026-07-01")) == len(day_slots(search, "2026-07-03")) == 96
    assert fits(search, at("2026-07-01 20:00")) is Reason.FULL_DAY
    assert fits(search, at("2026-07-01 11:00")) is None
    blocked = replace(search, busy=[early._replace(appointment_id="")])
    assert fits(blocked, at("2026-07-01 20:00")) is None  # time that is merely blocked is no appointment


def test_what_clients_may_not_book_is_not_offered() -> None:
    search = search_of(ALL_DAY, replace(HOUR, bookable=False))
    assert slots(search, (NOON, NOON + 600)) == []
    assert fits(search, NOON) is Reason.NOT_BOOKABLE


def test_all_objections_are_named_for_staff() -> None:
    search = search_of(every_day("UTC", ("08:00", "09:00")), replace(HOUR, bookable=False), now=NOON, policy=Policy(),
                       busy=[Busy(NOON + 30, NOON + 90)])  # fmt: skip
    assert objections(search, NOON + 7) == [
        Reason.NOT_BOOKABLE, Reason.NOTICE, Reason.OUTSIDE, Reason.MISALIGNED, Reason.BUSY]  # fmt: skip


@pytest.mark.parametrize("start", [-(10**15), -1, 0, 10**9, 10**15])
def test_an_absurd_start_is_refused_and_not_an_error(start: int) -> None:
    search = search_of(every_day("America/New_York", HOURS_9_TO_5), now=NOON, policy=Policy())
    assert fits(search, start) in (Reason.PAST, Reason.HORIZON)
    assert slots(search, (start, start + 60)) == []


# ------------------------------------------------------------------------------------ several therapists, and days


def test_first_available_is_the_earliest_of_any() -> None:
    late, early = every_day("UTC", ("15:00", "16:00")), every_day("America/New_York", ("09:00", "10:00"))
    window = zones.span("UTC", date(2026, 6, 1), date(2026, 6, 7))
    searches = {"late": search_of(late), "early": search_of(early), "never": search_of(Rules("UTC"))}
    assert first_available(searches, window) == Found(at("2026-06-01 13:00"), "early")
    assert first_available(dict(reversed(searches.items())), window) == Found(at("2026-06-01 13:00"), "early")
    assert first_available({"b": search_of(late), "a": search_of(late)}, window) == Found(at("2026-06-01 15:00"), "b")
    assert first_available({"never": search_of(Rules("UTC"))}, window) is None
    assert first_available({}, window) is None


def test_days_and_their_parts_are_the_viewers() -> None:
    """A therapist's morning in New York is the same evening, and then the next day, in Tokyo."""
    starts = [at("2026-06-01 02:59"), at("2026-06-01 03:00"), at("2026-06-01 07:59"), at("2026-06-01 08:00"),
              at("2026-06-01 14:59"), at("2026-06-01 15:00")]  # fmt: skip
    tokyo = by_day(starts, "Asia/Tokyo")
    assert [(each.day, each.morning, each.afternoon, each.evening) for each in tokyo] == [
        (date(2026, 6, 1), starts[:1], starts[1:3], starts[3:5]),
        (date(2026, 6, 2), starts[5:], [], []),
    ]
    assert [each.day for each in by_day(starts, "America/New_York")] == [date(2026, 5, 31), date(2026, 6, 1)]
    assert by_day([], "Asia/Tokyo") == []


def test_days_of_a_night_when_the_clock_goes_back_to_yesterday() -> None:
    starts = [at("2010-11-07 02:30"), at("2010-11-07 02:31"), at("2010-11-07 03:30")]  # 00:00, 23:01, 00:00 again
    days = by_day(starts, "America/St_Johns")
    assert [(each.day, len(each.morning), len(each.evening)) for each in days] == [
        (date(2010, 11, 6), 0, 1), (date(2010, 11, 7), 2, 0)]  # fmt: skip


# ------------------------------------------------------------------------------------------------------- the oracle

SCENES = [
    ("America/New_York", "2027-03-13", 3), ("America/New_York", "2026-10-31", 3), ("Europe/Paris", "2026-10-24", 3),
    ("Europe/London", "2027-03-27", 3), ("Europe/Dublin", "2026-10-24", 3), ("America/Santiago", "2026-09-05", 3),
    ("America/Santiago", "2026-04-04", 3), ("America/Havana", "2026-10-31", 3), ("America/Havana", "2027-03-13", 3),
    ("Africa/Cairo", "2026-04-23", 3), ("Africa/Cairo", "2026-10-29", 3), ("Asia/Beirut", "2026-03-28", 3),
    ("Asia/Beirut", "2026-10-24", 3), ("Australia/Lord_Howe", "2026-10-03", 3),
    ("Australia/Lord_Howe", "2026-04-04", 3), ("Asia/Kathmandu", "2026-06-15", 3), ("Pacific/Apia", "2011-12-28", 5),
    ("Pacific/Apia", "2012-03-31", 3), ("Pacific/Kwajalein", "1993-08-20", 4), ("Africa/Casablanca", "2026-02-14", 3),
    ("Africa/Casablanca", "2026-03-21", 3), ("Pacific/Chatham", "2026-09-26", 3), ("Pacific/Chatham", "2026-04-04", 3),
    ("America/St_Johns", "2010-11-06", 3), ("America/St_Johns", "2010-03-13", 3), ("Asia/Tehran", "2021-03-21", 3),
    ("Antarctica/Troll", "2026-03-28", 3), ("Antarctica/Troll", "2026-10-24", 3), ("Asia/Pyongyang", "2015-08-14", 3),
    ("America/Caracas", "2016-04-30", 3), ("UTC", "2028-02-28", 3), ("Asia/Kolkata", "2027-12-31", 3),
    ("Pacific/Kiritimati", "1994-12-30", 4), ("Pacific/Honolulu", "2026-06-15", 3),
]  # fmt: skip
LONG_SCENES = [("America/New_York", "2027-02-11", 60), ("Australia/Lord_Howe", "2026-09-01", 60)]


class Scene:
    """Some days of a zone, minute by minute as zoneinfo shows them: the clock's reading, and the highest so far."""

    def __init__(self, zone: str, first_day: str, days: int) -> None:
        self.zone, self.first_day, self.days = zone, date.fromisoformat(first_day), days
        info, epoch = ZoneInfo(zone), datetime(1970, 1, 1, tzinfo=UTC)
        begin = datetime.combine(self.first_day, datetime.min.time(), UTC)
        self.base = int((begin - epoch).total_seconds()) // 60 - 4 * 1440
        self.wall: list[int] = []
        for minute in range(self.base, self.base + (days + 8) * 1440):
            shown = datetime.fromtimestamp(minute * 60, info).replace(tzinfo=None)
            self.wall.append((shown - datetime(1970, 1, 1)) // timedelta(minutes=1))  # noqa: DTZ001
        self.high: list[int] = []
        for reading in self.wall:
            self.high.append(max(reading, self.high[-1]) if self.high else reading)
        self.origin = self.high[0] // 1440 * 1440
        self.index = [reading - self.origin for reading in self.high]
        today = (self.first_day - date(1970, 1, 1)).days
        inside = [at for at, reading in enumerate(self.high) if today <= reading // 1440 < today + days]
        self.window = (self.base + inside[0], self.base + inside[-1] + 1)

    def day(self, minute: int) -> int:
        return self.high[minute - self.base] // 1440


@cache
def scene(name: tuple[str, str, int]) -> Scene:
    return Scene(*name)


class Oracle:
    """Why a minute cannot be booked, by looking at every minute of the session and of the times around it."""

    def __init__(self, scene: Scene, search: Search) -> None:
        self.scene, self.search = scene, search
        paper = bytearray((scene.days + 12) * 1440)  # one cell a minute of the wall calendar
        for day in range(scene.days + 9):
            self._paint_day(paper, day)
        for off in search.rules.time_off:
            for day in range(scene.days + 9):
                today = self._date(day)
                if off.first_day <= today <= off.last_day:
                    start = off.start if today == off.first_day else 0
                    end = off.end if today == off.last_day else 1440
                    paper[day * 1440 + start : day * 1440 + end] = bytes(end - start)
        self.open = bytes(map(paper.__getitem__, scene.index))
        self.taken, self.client = bytearray(len(scene.wall)), bytearray(len(scene.wall))
        self.counts: dict[int, int] = {}
        for busy in search.busy:
            if self._is_live(busy):
                self._mark(self.taken, busy.start - busy.before, busy.end + busy.after)
                day = scene.day(busy.start)
                self.counts[day] = self.counts.get(day, 0) + bool(busy.appointment_id)
        for busy in search.client_busy:
            if self._is_live(busy):
                self._mark(self.client, busy.start, busy.end)

    def _date(self, day: int) -> date:
        return date(1970, 1, 1) + timedelta(days=self.scene.origin // 1440 + day)

    def _paint_day(self, paper: bytearray, day: int) -> None:
        today, rules = self._date(day), self.search.rules
        ranges: tuple[Range, ...] = ()
        for schedule in rules.schedules:  # the cases give them in order
            if schedule.first_day <= today:
                ranges = tuple(schedule.week[today.weekday()])
        if today in rules.overrides:
            ranges = tuple(rules.overrides[today])
            paper[day * 1440 : (day + 1) * 1440] = bytes(1440)  # also what yesterday left here
        for each in ranges:
            if self._serves(each):
                length = (each.end - each.start) % 1440 or 1440
                paper[day * 1440 + each.start : day * 1440 + each.start + length] = b"\1" * length

    def _serves(self, each: Range) -> bool:
        search = self.search
        if each.services is not None and search.service.service_id not in each.services:
            return False
        if search.mode not in each.modes:
            return False
        if search.mode == "telehealth" or each.locations is None:
            return True
        return search.location_id in (None, *each.locations)

    def _is_live(self, busy: Busy) -> bool:
        moved = self.search.moving != "" and busy.appointment_id == self.search.moving
        return not moved and (busy.held_until is None or busy.held_until > self.search.now)

    def _mark(self, cells: bytearray, start: int, end: int) -> None:
        for minute in range(max(start - self.scene.base, 0), min(end - self.scene.base, len(cells))):
            cells[minute] = 1

    def objections(self, start: int) -> list[str]:
        search, service, policy, here = self.search, self.search.service, self.search.policy, start - self.scene.base
        before, after = here - service.before, here + service.minutes + service.after
        found = {
            "not_bookable": not service.bookable,
            "past": start < search.now,
            "notice": search.now <= start < search.now + policy.notice_hours * 60,
            "horizon": self.scene.day(start) > self.scene.day(search.now) + policy.horizon_days,
            "outside": 0 in self.open[here : here + service.minutes],
            "misaligned": self.scene.wall[here] % 1440 % policy.grid_minutes != 0,
            "full_day": policy.per_day is not None and self.counts.get(self.scene.day(start), 0) >= policy.per_day,
            "busy": 1 in self.taken[before:after],
            "client_busy": 1 in self.client[here : here + service.minutes],
        }
        return [name for name, holds in found.items() if holds]

    def slots(self, start: int, end: int) -> list[int]:
        grid, wall, base = self.search.policy.grid_minutes, self.scene.wall, self.scene.base
        likely = [at for at in range(start, end) if self.open[at - base] and wall[at - base] % grid == 0]
        return [at for at in likely if not self.objections(at)]


class Dice:
    """Random availability, policies and appointments, thickest around the small hours when clocks change."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def time(self) -> int:
        step = self.random.choice((1, 5, 15, 30, 60))
        return self.random.choice((self.random.randrange(0, 300), self.random.randrange(1440))) // step * step

    def range(self) -> Range:
        roll, start, end = self.random.random, self.time(), self.random.choice((self.time(), 1440))
        if start == end or roll() < 0.05:
            start, end = 0, self.random.choice((0, 1440))
        if roll() < 0.4:
            end = min(start + self.random.randrange(15, 300), 1440)
        return Range(
            start, end,
            frozenset(Mode) if roll() < 0.8 else frozenset({self.random.choice(list(Mode))}),
            None if roll() < 0.8 else frozenset(self.random.sample(("oak", "elm"), 1)),
            None if roll() < 0.8 else frozenset(self.random.sample(("s", "t"), 1)),
        )  # fmt: skip

    def ranges(self) -> tuple[Range, ...]:
        return tuple(self.range() for _ in range(self.random.choice((0, 1, 1, 2, 2, 3))))

    def rules(self, scene: Scene) -> Rules:
        roll = self.random.random

        def day() -> date:
            return scene.first_day + timedelta(days=self.random.randrange(-2, scene.days + 2))

        def off() -> TimeOff:
            first = day()
            start, end = sorted(self.random.sample(range(1441), 2))
            last = first + timedelta(days=self.random.choice((0, 0, 1, 2)))
            return TimeOff(first, last) if roll() < 0.5 else TimeOff(first, last, start, end)

        begins = [scene.first_day - timedelta(days=30), *(day() for _ in range(self.random.choice((0, 0, 1, 2))))]
        return Rules(
            scene.zone,
            [Schedule(each, tuple(self.ranges() for _ in range(7))) for each in sorted(begins)],
            {day(): self.ranges() for _ in range(self.random.choice((0, 0, 1, 2)))},
            [off() for _ in range(self.random.choice((0, 0, 1, 2)))],
        )

    def busy(self, scene: Scene, now: int) -> list[Busy]:
        found = []
        for _ in range(self.random.choice((0, 1, 3, 8)) * (1 + scene.days // 20)):
            start = self.random.randrange(scene.window[0] - 1440, scene.window[1] + 1440)
            found.append(Busy(
                start, start + self.random.choice((1, 30, 50, 60, 90, 700)), self.random.choice((0, 0, 5, 30)),
                self.random.choice((0, 0, 10, 45)), self.random.choice(("", "a", "b", "mine")),
                self.random.choice((None, None, now - 1, now, now + 1)),
            ))  # fmt: skip
        return found

    def search(self, scene: Scene) -> Search:
        roll, pick = self.random.random, self.random.choice
        now = self.random.randrange(scene.window[0] - 1440, scene.window[0] + (scene.window[1] - scene.window[0]) // 2)
        return Search(
            rules=self.rules(scene),
            service=Service("s", pick((1, 15, 30, 50, 50, 60, 90, 240)), pick((0, 0, 5, 20)), pick((0, 0, 10, 35)),
                            bookable=roll() > 0.02),
            policy=Policy(pick((1, 5, 10, 15, 15, 20, 30, 60, 90)), pick((0, 0, 0, 1, 12, 24, 72)),
                          pick((0, 1, 2, 60, 60, 60)), pick((None, None, 0, 1, 2, 3))),
            now=now,
            busy=self.busy(scene, now),
            mode=pick(list(Mode)),
            location_id=pick((None, "oak", "elm")),
            client_busy=self.busy(scene, now) if roll() < 0.3 else [],
            moving=pick(("", "mine")),
        )  # fmt: skip

    def window(self, scene: Scene) -> tuple[int, int]:
        start, end = scene.window
        if self.random.random() < 0.6:
            return scene.window
        return self.random.randrange(start - 60, end), self.random.randrange(start, end + 60)


def cases(count: int, seed: int) -> Iterator[tuple[Dice, Scene, Search]]:
    for number in range(count):
        dice = Dice(seed + number)
        one = scene(dice.random.choice(LONG_SCENES if number % 100 == 99 else SCENES))
        yield dice, one, dice.search(one)


def test_slots_are_those_of_the_oracle() -> None:
    """Random rules, zones and nights; every slot of a window, and every reason at some of its minutes."""
    offered = 0
    for number, (dice, here, search) in enumerate(cases(CASES, seed=40_000_000)):
        start, end = window = dice.window(here)
        oracle = Oracle(here, search)
        found = slots(search, window)
        assert found == oracle.slots(start, end), (number, here.zone, search, window)
        near = [each + step for each in dice.random.sample(found, min(2, len(found))) for step in (-1, 0, 1)]
        for minute in (*near, *(dice.random.randrange(*here.window) for _ in range(4))):
            assert objections(search, minute) == oracle.objections(minute), (number, here.zone, search, minute)
        offered += len(found)
    assert offered > 10 * CASES  # the dice leave something to be found


def test_slots_and_fits_agree_at_every_minute() -> None:
    for number, (_, here, search) in enumerate(cases(40, seed=41_000_000)):
        middle = (here.window[0] + here.window[1]) // 2
        window = (middle - 400, middle + 400)
        booked = {minute for minute in range(*window) if fits(search, minute) is None}
        assert sorted(booked) == slots(search, window), (number, search)


def test_days_are_grouped_as_zoneinfo_shows_them() -> None:
    for name in SCENES:
        here = scene(name)
        starts = list(range(*here.window, 7))
        shown: dict[date, tuple[list[int], list[int], list[int]]] = {}
        for each in starts:
            local = datetime.fromtimestamp(each * 60, ZoneInfo(here.zone))
            shown.setdefault(local.date(), ([], [], []))[(local.hour >= 12) + (local.hour >= 17)].append(each)
        found = {each.day: (each.morning, each.afternoon, each.evening) for each in by_day(starts, here.zone)}
        assert found == shown, name
        assert list(found) == sorted(found)


# ---------------------------------------------------------------------------------------- what it does not depend on


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles", "Asia/Tokyo", "Australia/Lord_Howe", "nonsense"])
def test_the_zone_of_the_process_does_not_matter(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """notes/performance.md 4: under another TZ a widely used engine moved a Sunday's hours by one."""
    searches = [(search, here.window) for _, here, search in cases(60, seed=42_000_000)]
    before = [slots(*each) for each in searches]
    zones._clock.cache_clear()
    with monkeypatch.context() as patch:
        patch.setenv("TZ", zone)
        time.tzset()
        try:
            assert [slots(*each) for each in searches] == before
        finally:
            patch.undo()
            time.tzset()


def test_threads_share_it() -> None:
    searches = [(search, here.window) for _, here, search in cases(60, seed=43_000_000)]
    before = [slots(*each) for each in searches]
    zones._clock.cache_clear()
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(lambda _: [slots(*each) for each in searches], range(8)):
            assert found == before


def test_it_needs_the_standard_library_alone() -> None:
    """No settings, no environment, no other package, and none of ours."""
    script = (
        "import sys; from chalicelib.slots import rules, search, zones;"
        "print(*sorted(m for m in sys.modules if m.startswith('chalicelib')), *sorted("
        "{m.partition('.')[0] for m in sys.modules if m[0] != '_'} - {'chalicelib', *sys.stdlib_module_names}))"
    )
    done = subprocess.run([sys.executable, "-S", "-c", script], capture_output=True, text=True, env={"PATH": ""})
    assert done.stderr == ""
    assert done.stdout.split() == ["chalicelib", *(f"chalicelib.slots{each}" for each in PARTS)]
