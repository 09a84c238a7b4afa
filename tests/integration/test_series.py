"""Recurring appointments over HTTP: looked at, booked one by one, changed from one on (DOMAIN.md 5; issue 4)."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests import booking, flows
from tests.booking import at, book_for, book_series, opened, series, series_of, theirs
from tests.calls import PEOPLE, Caller
from tests.conftest import World

Call = Callable[..., Caller]


@pytest.fixture
def service(call: Call) -> str:
    return opened(call, "T1", "T4")


def _subjects(caller: Caller, key: str) -> list[str]:
    caller.drain()
    return [mail["subject"] for mail in flows.outbox() if PEOPLE[key].email in mail["to"]]


def _looked(staff: Caller, client: str, body: dict[str, Any]) -> list[tuple[str, str]]:
    answer = staff.post(f"/practice/clients/{PEOPLE[client].id}/series/check", body)
    assert answer.status == 200, answer
    return [(each["starts_at"], each["finding"]) for each in answer.json["times"]]


def _booked(call: Call, clock: Any, service: str, **more: Any) -> dict[str, Any]:
    answer = book_series(call("T1"), "C1", "T1", service, at(clock, 3), **more)
    assert answer.status == 201, answer
    call("A1").drain()
    return series_of(call("T1"), "C1", answer.json["series_id"])


def _one(call: Call, series: dict[str, Any], number: int) -> dict[str, Any]:
    path = f"/practice/clients/{PEOPLE['C1'].id}/appointments/{series['occurrences'][number]['appointment_id']}"
    found: dict[str, Any] = call("T1").get(path).json
    return found


def test_a_series_is_booked_by_the_therapists_clock_and_both_are_told_once(
    world: World, call: Call, clock: Any, service: str
) -> None:
    """Over the change of the clocks: New York in November. Each is an appointment like any other."""
    first = at(clock, 3)
    answer = book_series(call("T1"), "C1", "T1", service, first, count=20)
    assert (answer.status, answer.json["work"]) == (201, {"status": "queued", "done": 0, "total": 20})
    assert {each["appointment_id"] for each in answer.json["occurrences"]} == {None}
    call("A1").drain()
    found = series_of(call("T1"), "C1", answer.json["series_id"])
    assert found["work"] == {"status": "done", "done": 20, "total": 20}
    assert {each["status"] for each in found["occurrences"]} == {"confirmed"}
    zone = ZoneInfo("America/New_York")
    shown = {f"{datetime.fromisoformat(each['starts_at']).astimezone(zone):%a %H:%M}" for each in found["occurrences"]}
    assert len(shown) == 1  # while in UTC there are two: the clocks change in March
    assert len({each["starts_at"][11:] for each in found["occurrences"]}) == 2
    assert _subjects(call("A1"), "C1") == ["Your appointments are booked"]
    assert _subjects(call("A1"), "T1") == ["New appointments"]
    mine = call("C1").get("/portal/appointments").json["items"]
    assert [each["starts_at"] for each in mine] == [each["starts_at"] for each in found["occurrences"]]
    assert mine[0]["can_move"]
    feed = call("T1").post("/feed").json["address"].split("/api")[-1]
    assert call().get(feed).body.decode().count("BEGIN:VEVENT") == 20
    assert booking.wrong(world) == []


def test_each_is_reminded_of(call: Call, clock: Any, service: str) -> None:
    found = _booked(call, clock, service, count=2)
    clock.set(booking.instant(found["occurrences"][0]["starts_at"]) - timedelta(hours=23))
    assert _subjects(call("A1"), "C1").count("A reminder") == 1
    clock.advance(7 * 86_400)
    assert _subjects(call("A1"), "C1").count("A reminder") == 2


def test_conflicts_are_listed_before_and_reported_after(world: World, call: Call, clock: Any, service: str) -> None:
    """Five weeks: therapist busy, client busy, time off, outside the hours, free."""
    busy, client_busy, off, outside, free = (at(clock, 3 + 7 * n) for n in range(5))
    admin = call("A1")
    other = flows.new_file("oak", "KS", "Other Person")
    booking.assign(other, "T1")
    taken = {**booking.wish("T1", service, busy), "override": True}
    del taken["zone"]
    assert admin.post(f"/practice/clients/{other}/appointments", taken).status == 201
    assert book_for(admin, "C1", "T3", service, client_busy, override=True).status == 201
    days = {"first_day": off[:10], "last_day": off[:10]}
    closed = {"day": outside[:10], "ranges": []}
    booking.hours(admin, "T1", *booking.EVERY_DAY, time_off=[days], overrides=[closed])
    wanted = series("T1", service, busy, count=5)
    assert _looked(call("T1"), "C1", wanted) == [
        (busy, "slot_taken"), (client_busy, "client_busy"), (off, "time_off"), (outside, "outside"), (free, "free"),
    ]  # fmt: skip
    assert flows.stored("series") == []
    refused = book_series(call("T1"), "C1", "T1", service, busy, count=5)
    assert (refused.code, sorted(each["code"] for each in refused.json["errors"])) == (
        "needs_override", ["outside", "time_off"],
    )  # fmt: skip
    answer = book_series(call("T1"), "C1", "T1", service, busy, count=5, override=True, leave_out=[off])
    admin.drain()
    found = series_of(call("T1"), "C1", answer.json["series_id"])
    assert [(each["starts_at"], each["status"], each["why"]) for each in found["occurrences"]] == [
        (busy, None, "slot_taken"), (client_busy, None, "client_busy"),
        (outside, "confirmed", None), (free, "confirmed", None),
    ]  # fmt: skip
    assert booking.wrong(world) == []


def test_what_is_taken_after_the_look_is_reported(world: World, call: Call, clock: Any, service: str) -> None:
    answer = book_series(call("T1"), "C1", "T1", service, at(clock, 3))
    booking.assign(PEOPLE["C3"].id, "T1")
    assert book_for(call("A1"), "C3", "T1", service, at(clock, 10, "15:30")).status == 201
    call("A1").drain()
    found = series_of(call("T1"), "C1", answer.json["series_id"])
    assert [each["why"] for each in found["occurrences"]] == [None, "slot_taken", None, None]
    assert _subjects(call("A1"), "C1") == ["Your appointments are booked"]
    assert booking.wrong(world) == []


def test_none_that_can_be_had_is_no_series(call: Call, clock: Any, service: str) -> None:
    first = _booked(call, clock, service)
    again = book_series(call("T1"), "C1", "T1", service, at(clock, 3))
    assert (again.status, again.code) == (409, "nothing_to_book")
    assert {each["status"] for each in first["occurrences"]} == {"confirmed"}


def test_two_workers_and_a_job_that_is_brought_again_book_each_once(
    world: World, call: Call, clock: Any, service: str
) -> None:
    from chalicelib.services import jobs

    key = "the-very-same-series"
    with world.portal.pump.exclusively():
        answers = flows.together(
            8, lambda _: book_series(call("T1"), "C1", "T1", service, at(clock, 3), count=12, key_=key)
        )
        assert {answer.status for answer in answers} <= {201, 503}
        (record,) = flows.stored("series")
        tenant = world.tenant_id("oak")
        flows.together(4, lambda _: jobs.run(tenant, record["job_id"]))
        jobs.run(tenant, record["job_id"])
    call("A1").drain()
    found = series_of(call("T1"), "C1", record["series_id"])
    assert len(flows.stored("appointment")) == 12
    assert {each["status"] for each in found["occurrences"]} == {"confirmed"}
    assert _subjects(call("A1"), "C1") == ["Your appointments are booked"]
    (job,) = flows.stored("job")
    assert (job["done"], job["failed"], job["skipped"]) == ("13", "0", "0")
    assert booking.wrong(world) == []


def test_whoever_may_no_longer_books_no_more(world: World, call: Call, clock: Any, service: str) -> None:
    from chalicelib.services import clients

    answer = book_series(call("T1"), "C1", "T1", service, at(clock, 3))
    clients.unassign(world.tenant_id("oak"), PEOPLE["C1"].id, PEOPLE["T1"].id)
    call("A1").drain()
    found = series_of(call("A1"), "C1", answer.json["series_id"])
    assert {each["why"] for each in found["occurrences"]} == {"forbidden"}
    assert _subjects(call("A1"), "C1") == []


def test_all_following_are_moved_by_days_and_to_the_new_time(
    world: World, call: Call, clock: Any, service: str
) -> None:
    """A week later: each takes the place of the next, which has gone on before it."""
    found = _booked(call, clock, service)
    anchor = _one(call, found, 1)
    new = at(clock, 17, "16:30")
    path = f"/practice/clients/{PEOPLE['C1'].id}/appointments/{anchor['appointment_id']}/following"
    looked = call("T1").post(f"{path}/check", {"starts_at": new})
    assert [each["finding"] for each in looked.json["times"]] == ["free"] * 3
    answer = theirs(call("T1"), "C1", anchor, "following/time", {"starts_at": new})
    assert answer.status == 200, answer
    call("A1").drain()
    found = series_of(call("T1"), "C1", found["series_id"])
    assert [each["starts_at"] for each in found["occurrences"]] == [
        at(clock, 3), new, at(clock, 24, "16:30"), at(clock, 31, "16:30"),
    ]  # fmt: skip
    assert _subjects(call("A1"), "C1")[1:] == ["Your appointments have new times"]
    assert theirs(call("T1"), "C1", anchor, "following/time", {"starts_at": new}).code == "stale"
    exactly = at(clock, 24, "16:30")
    moved = theirs(call("T1"), "C1", _one(call, found, 1), "following/time", {"starts_at": exactly})
    assert moved.status == 200, moved
    call("A1").drain()
    found = series_of(call("T1"), "C1", found["series_id"])
    assert [each["unchanged"] for each in found["occurrences"]] == [None] * 4
    assert found["occurrences"][3]["starts_at"] == at(clock, 38, "16:30")
    assert booking.wrong(world) == []


def test_what_stands_in_the_way_of_a_move_is_reported(world: World, call: Call, clock: Any, service: str) -> None:
    found = _booked(call, clock, service)
    booking.assign(PEOPLE["C3"].id, "T1")
    assert book_for(call("A1"), "C3", "T1", service, at(clock, 17, "17:00")).status == 201
    answer = theirs(call("T1"), "C1", _one(call, found, 0), "following/time", {"starts_at": at(clock, 3, "17:00")})
    assert answer.status == 200
    call("A1").drain()
    found = series_of(call("T1"), "C1", found["series_id"])
    assert [each["unchanged"] for each in found["occurrences"]] == [None, None, "slot_taken", None]
    assert [each["starts_at"][11:16] for each in found["occurrences"]] == ["17:00", "17:00", "15:00", "17:00"]
    assert booking.wrong(world) == []


def test_all_following_are_cancelled_and_one_alone_stays_alone(
    world: World, call: Call, clock: Any, service: str
) -> None:
    found = _booked(call, clock, service)
    assert theirs(call("T1"), "C1", _one(call, found, 2), "cancellation").status == 200
    body = {"reason": "Moving away", "at_clients_request": True}
    answer = theirs(call("T1"), "C1", _one(call, found, 1), "following/cancellation", body)
    assert answer.status == 200, answer
    call("A1").drain()
    found = series_of(call("T1"), "C1", found["series_id"])
    assert [each["status"] for each in found["occurrences"]] == ["confirmed", "cancelled", "cancelled", "cancelled"]
    assert _one(call, found, 1)["reason"] == "Moving away"
    assert "Moving" not in json.dumps(flows.stored("job", "job_item", "appointment"), default=str)
    assert _subjects(call("A1"), "C1")[1:] == ["Your appointment is cancelled", "Your appointments are cancelled"]
    single = book_for(call("A1"), "C1", "T1", service, at(clock, 50)).json
    assert theirs(call("T1"), "C1", single, "following/cancellation", {}).code == "not_in_series"
    assert booking.wrong(world) == []


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"count": None}, 422),
        ({"count": 1}, 422),
        ({"count": 53}, 422),
        ({"every_weeks": 3}, 422),
        ({"count": None, "last_day": "2026-13-01"}, 422),
        ({"staff_id": PEOPLE["T4"].id}, 409),
        ({"staff_id": PEOPLE["BT"].id}, 409),
    ],
)
def test_what_no_series_is(call: Call, clock: Any, service: str, changes: dict[str, Any], status: int) -> None:
    body = {name: value for name, value in series("T1", service, at(clock, 3), **changes).items() if value is not None}
    for end in ("series/check", "series"):
        assert call("A1").post(f"/practice/clients/{PEOPLE['C1'].id}/{end}", body).status == status


def test_a_colleagues_calendar_is_not_ones_own(call: Call, clock: Any, service: str) -> None:
    """T3 sees C1 too, and may look at the series, but not change it."""
    found = _booked(call, clock, service)
    assert book_series(call("T3"), "C1", "T1", service, at(clock, 4)).code == "not_your_calendar"
    one = _one(call, found, 1)
    for verb, body in (("time", {"starts_at": at(clock, 11)}), ("cancellation", {})):
        assert theirs(call("T3"), "C1", one, f"following/{verb}", body).code == "not_your_calendar"
    assert series_of(call("T3"), "C1", found["series_id"])["staff_id"] == PEOPLE["T1"].id
    assert call("T4").get(f"/practice/clients/{PEOPLE['C1'].id}/series/{found['series_id']}").status == 404


def test_until_a_day(call: Call, clock: Any, service: str) -> None:
    last = (clock.now().date() + timedelta(days=3 + 28)).isoformat()
    body = series("T1", service, at(clock, 3), every_weeks=2, last_day=last)
    del body["count"]
    assert [each for each, _ in _looked(call("T1"), "C1", body)] == [at(clock, 3), at(clock, 17), at(clock, 31)]
