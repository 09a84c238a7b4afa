"""Group appointments over HTTP: the therapist's time once, a place of their own for each client (DOMAIN.md 5.4)."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests import booking, flows
from tests.booking import at, book_for, group, group_of, mine, of_group, theirs
from tests.calls import PEOPLE, Answer, Caller
from tests.conftest import World

Call = Callable[..., Caller]


@pytest.fixture
def service(world: World, call: Call) -> str:
    """C1, C3 and C4 all see T1."""
    return booking.opened_to_groups(call)


def _made(call: Call, clock: Any, service: str, *people: str, **more: Any) -> dict[str, Any]:
    answer = group(call("T1"), "T1", service, more.pop("starts_at", at(clock, 3)), *people, **more)
    assert answer.status == 201, answer
    call("A1").drain()
    return group_of(call("T1"), "T1", answer.json["group_id"])


def _states(found: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    return [(each["client_name"].split()[0], each["state"], each["why"]) for each in found["members"]]


def _own(caller: Caller) -> dict[str, Any]:
    (found,) = caller.get("/portal/appointments").json["items"]
    return dict(found)


def _theirs(call: Call, found: dict[str, Any], number: int, verb: str, body: Any, key: str) -> Answer:
    one = found["members"][number]
    return theirs(call("T1"), key, {"appointment_id": one["appointment_id"], "etag": one["etag"]}, verb, body)


def _subjects(caller: Caller, key: str) -> list[str]:
    caller.drain()
    return [mail["subject"] for mail in flows.outbox() if PEOPLE[key].email in mail["to"]]


def test_the_therapist_is_busy_once_and_each_client_sees_their_own_place_only(
    world: World, call: Call, clock: Any, service: str
) -> None:
    found = _made(call, clock, service, "C1", "C3", "C4")
    assert [state for _, state, _ in _states(found)] == ["in"] * 3
    assert (found["taken"], found["capacity"], found["working"]) == (3, 8, False)
    assert [_subjects(call("A1"), key) for key in ("C1", "C3", "C4")] == [["Your appointment is booked"]] * 2 + [[]]
    assert _subjects(call("A1"), "T1") == ["A new appointment"]
    own = _own(call("C1"))
    assert (own["group"], own["can_move"], own["can_cancel"]) == (True, False, True)
    names = [PEOPLE[key].name for key in ("C3", "C4")] + [PEOPLE[key].id for key in ("C3", "C4")]
    for path in ("/portal/appointments", f"/portal/appointments/{own['appointment_id']}", "/session", "/portal/home"):
        body = call("C1").get(path).body.decode()
        assert not [each for each in [*names, found["group_id"], '"capacity"', '"taken"'] if each in body]
    feed = call("C1").post("/feed").json["address"].split("/api")[-1]
    assert call().get(feed).body.decode().count("BEGIN:VEVENT") == 1
    feed = call("T1").post("/feed").json["address"].split("/api")[-1]
    assert call().get(feed).body.decode().count("BEGIN:VEVENT") == 1
    days = {"first_day": own["starts_at"][:10], "last_day": own["starts_at"][:10]}
    (entry,) = call("T1").get("/practice/calendar", query=days).json["items"][0]["appointments"]
    assert (entry["group"], entry["client_id"]) == ({"taken": 3, "capacity": 8}, None)
    moved = mine(call("C1"), own, "time", {"starts_at": at(clock, 5), "zone": booking.ZONE})
    assert (moved.status, moved.code) == (409, "in_group")
    alone = theirs(call("T1"), "C1", own, "time", {"starts_at": at(clock, 5)})
    assert (alone.status, alone.code) == (409, "in_group")
    assert booking.wrong(world) == []


def test_who_cannot_be_there_is_listed_before_and_reported_after(
    world: World, call: Call, clock: Any, service: str
) -> None:
    """C4's therapist is T4; C3 is with T4 at the time."""
    from chalicelib.services import clients

    assert book_for(call("A1"), "C3", "T4", service, at(clock, 3, "15:30")).status == 201
    clients.unassign(world.tenant_id("oak"), PEOPLE["C4"].id, PEOPLE["T1"].id)
    body = {"service_id": service, "mode": "telehealth", "starts_at": at(clock, 3)}
    people = [PEOPLE[key].id for key in ("C1", "C3", "C4", "CB")]
    looked = call("T1").post(f"{booking.groups_of('T1')}/check", {**body, "client_ids": people}).json
    assert [each["problem"] for each in looked["people"]] == [None, "client_busy", "not_assigned", "not_assigned"]
    assert [each["client_name"] is None for each in looked["people"]] == [False, False, True, True]
    assert (looked["warnings"], looked["blocked"]) == ([], None)
    assert group(call("T1"), "T1", service, at(clock, 3), "C1", "C4").code == "not_assigned"
    found = _made(call, clock, service, "C1", "C3")
    assert [each[1:] for each in _states(found)] == [("in", None), ("out", "client_busy")]
    assert booking.wrong(world) == []


def test_outside_the_hours_only_with_open_eyes_and_never_over_what_is_taken(
    call: Call, clock: Any, service: str
) -> None:
    booking.hours(call("A1"), "T1", ["09:00", "10:00"])
    outside = group(call("T1"), "T1", service, at(clock, 3, "03:00"), "C1")
    assert (outside.code, outside.json["errors"][0]["code"]) == ("needs_override", "outside")
    found = _made(call, clock, service, "C1", starts_at=at(clock, 3, "03:00"), override=True)
    assert found["taken"] == 1
    again = group(call("T1"), "T1", service, at(clock, 3, "03:30"), "C3", override=True)
    assert again.code == "slot_taken"
    assert book_for(call("A1"), "C3", "T1", service, at(clock, 3, "03:55"), override=True).code == "slot_taken"


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"capacity": 21}, 422, None),
        ({"capacity": 1}, 422, None),
        ({"capacity": 2, "client_ids": [PEOPLE[key].id for key in ("C1", "C3", "C4")]}, 422, None),
        ({"client_ids": [PEOPLE["CB"].id]}, 409, "not_assigned"),
        ({"minutes": 481}, 422, None),
    ],
)
def test_what_no_group_is(
    call: Call, clock: Any, service: str, changes: dict[str, Any], status: int, code: str | None
) -> None:
    answer = group(call("T1"), "T1", service, at(clock, 3), **changes)
    assert answer.status == status
    assert code is None or answer.code == code
    assert flows.stored("group") == []


def test_a_client_gives_their_place_up_within_the_notice_rule_and_another_has_it(
    world: World, call: Call, clock: Any, service: str
) -> None:
    found = _made(call, clock, service, "C1", "C3", capacity=2)
    full = of_group(call("T1"), "T1", found, "members", {"client_id": PEOPLE["C4"].id})
    assert (full.status, full.code) == (409, "group_full")
    assert mine(call("C1"), _own(call("C1")), "cancellation", {}).json["status"] == "cancelled"
    assert _subjects(call("A1"), "T1")[-1] == "An appointment was cancelled"
    added = of_group(call("T1"), "T1", found, "members", {"client_id": PEOPLE["C4"].id})
    assert [each[1:] for each in _states(added.json)] == [("out", "cancelled"), ("in", None), ("in", None)]
    clock.set(booking.instant(found["starts_at"]) - timedelta(hours=1))
    client = call("C3")
    client.sign_in("C3")
    late = mine(client, _own(client), "cancellation", {})
    assert (late.status, late.code) == (409, "too_late")
    assert booking.wrong(world) == []


def test_who_was_taken_out_can_come_back_into_the_same_place(
    world: World, call: Call, clock: Any, service: str
) -> None:
    found = _made(call, clock, service, "C1", "C3")
    assert _theirs(call, found, 0, "cancellation", {"reason": "Fees"}, "C1").status == 200
    found = group_of(call("T1"), "T1", found["group_id"])
    assert [each[1:] for each in _states(found)] == [("out", "cancelled"), ("in", None)]
    again = of_group(call("T1"), "T1", found, "members", {"client_id": PEOPLE["C1"].id})
    assert again.json["members"][0]["state"] == "in"
    twice = of_group(call("T1"), "T1", found, "members", {"client_id": PEOPLE["C1"].id})
    assert (twice.status, twice.json["taken"]) == (200, 2)
    assert len(flows.stored("appointment")) == 2
    assert _own(call("C1"))["status"] == "confirmed"
    assert booking.wrong(world) == []


def test_attendance_is_noted_for_each(call: Call, clock: Any, service: str) -> None:
    found = _made(call, clock, service, "C1", "C3")
    clock.set(booking.instant(found["starts_at"]) + timedelta(minutes=10))
    staff = call("T1")
    staff.sign_in("T1")
    for number, (key, outcome) in enumerate((("C1", "completed"), ("C3", "no_show"))):
        one = found["members"][number]
        seen = {"appointment_id": one["appointment_id"], "etag": one["etag"]}
        assert theirs(staff, key, seen, "outcome", {"status": outcome}, key=None).status == 200
    found = group_of(staff, "T1", found["group_id"])
    assert [each["status"] for each in found["members"]] == ["completed", "no_show"]
    assert [each[1] for each in _states(found)] == ["in", "in"]


def test_a_group_is_moved_and_its_places_follow(world: World, call: Call, clock: Any, service: str) -> None:
    """C3 is elsewhere at the new time: only with open eyes, and then they lose their place and learn it."""
    found = _made(call, clock, service, "C1", "C3")
    assert book_for(call("A1"), "C3", "T4", service, at(clock, 4, "15:30")).status == 201
    body = {"service_id": service, "mode": "telehealth", "starts_at": at(clock, 4), "moving": found["group_id"]}
    people = [PEOPLE[key].id for key in ("C1", "C3")]
    looked = call("T1").post(f"{booking.groups_of('T1')}/check", {**body, "client_ids": people}).json
    assert [each["problem"] for each in looked["people"]] == [None, "client_busy"]
    new = {"starts_at": at(clock, 4)}
    assert of_group(call("T1"), "T1", found, "time", new).code == "client_busy"
    with world.portal.pump.exclusively():
        moved = of_group(call("T1"), "T1", found, "time", {**new, "without_busy": True})
        assert (moved.status, moved.json["working"]) == (200, True)
        assert [each["following"] for each in moved.json["members"]] == [True, True]
        assert booking.wrong(world) == []
    call("A1").drain()
    found = group_of(call("T1"), "T1", found["group_id"])
    assert [each[1:] for each in _states(found)] == [("in", None), ("out", "client_busy")]
    assert (found["starts_at"], _own(call("C1"))["starts_at"], found["working"]) == (at(clock, 4), at(clock, 4), False)
    assert _subjects(call("A1"), "C1")[-1] == "Your appointment has a new time"
    assert "Your appointment is cancelled" in _subjects(call("A1"), "C3")
    assert of_group(call("T1"), "T1", moved.json, "time", new).code == "stale"
    assert booking.wrong(world) == []


def test_of_one_who_is_not_their_client_any_more_a_therapist_learns_only_that_somebody_is_busy(
    world: World, call: Call, clock: Any, service: str
) -> None:
    """C3, whom T4 sees now: as on the group's page without a name or an id, whether named or not. They go along when
    the group moves, so whoever moves it knows that one place will be lost; an administrator sees whose."""
    from chalicelib.services import clients

    found = _made(call, clock, service, "C1", "C3")
    assert book_for(call("A1"), "C3", "T4", service, at(clock, 4, "15:30")).status == 201
    clients.unassign(world.tenant_id("oak"), PEOPLE["C3"].id, PEOPLE["T1"].id)
    body = {"service_id": service, "mode": "telehealth", "starts_at": at(clock, 4), "moving": found["group_id"]}
    path = f"{booking.groups_of('T1')}/check"
    c1, c3 = (PEOPLE[key].id for key in ("C1", "C3"))
    for named in ([], [c1], [c3]):
        looked = call("T1").post(path, {**body, "client_ids": named})
        people = [(each["client_id"], each["problem"]) for each in looked.json["people"]]
        assert people == [(c1, None), (None, "client_busy")]
        assert not [each for each in (c3, "Bea", PEOPLE["C3"].name) if each in looked.body.decode()]
    everything = call("A1").post(path, body).json["people"]
    assert [(each["client_id"], each["problem"]) for each in everything] == [(c1, None), (c3, "client_busy")]
    assert of_group(call("T1"), "T1", found, "time", {"starts_at": at(clock, 4)}).code == "client_busy"
    assert of_group(call("T1"), "T1", found, "members", {"client_id": c3}).code == "not_assigned"


def test_a_group_is_cancelled_and_its_places_end(world: World, call: Call, clock: Any, service: str) -> None:
    found = _made(call, clock, service, "C1", "C3")
    answer = of_group(call("T1"), "T1", found, "cancellation", {"reason": "Snow"})
    assert (answer.status, answer.json["status"]) == (200, "cancelled")
    call("A1").drain()
    assert [call(key).get("/portal/appointments").json["items"][0]["status"] for key in ("C1", "C3")] == [
        "cancelled"
    ] * 2
    assert [_subjects(call("A1"), key)[-1] for key in ("C1", "C3")] == ["Your appointment is cancelled"] * 2
    assert _subjects(call("A1"), "T1")[-1] == "An appointment was cancelled"
    assert (
        of_group(call("T1"), "T1", answer.json, "members", {"client_id": PEOPLE["C4"].id}).code == "appointment_ended"
    )
    assert booking.taken(0) == ({}, {})


def test_places_end_with_their_group_though_whoever_cancelled_it_has_left(
    world: World, call: Call, clock: Any, service: str
) -> None:
    found = _made(call, clock, service, "C1", "C3")
    with world.portal.pump.exclusively():
        assert of_group(call("T1"), "T1", found, "cancellation", {}).status == 200
        assert call("A1").post(f"/practice/staff/{PEOPLE['T1'].id}/disable").status == 200
    call("A1").drain()
    assert [_own(call(key))["status"] for key in ("C1", "C3")] == ["cancelled"] * 2


def test_each_place_is_reminded_of(call: Call, clock: Any, service: str) -> None:
    found = _made(call, clock, service, "C1", "C3")
    clock.set(booking.instant(found["starts_at"]) - timedelta(hours=23))
    assert [_subjects(call("A1"), key).count("A reminder") for key in ("C1", "C3")] == [1, 1]


def test_a_group_is_its_therapists_and_the_administrators(call: Call, clock: Any, service: str) -> None:
    found = _made(call, clock, service, "C1", "C3")
    path = f"{booking.groups_of('T1')}/{found['group_id']}"
    assert [call(key).get(path).status for key in ("A1", "T1", "T3", "B1")] == [200, 200, 404, 404]
    assert call("A1").get(f"{booking.groups_of('T4')}/{found['group_id']}").status == 404
    reads = [json.loads(each["object"]) for each in flows.stored("tenant_audit") if each["action"] == "group:read"]
    assert all(each["client_ids"] == [PEOPLE["C1"].id, PEOPLE["C3"].id] for each in reads)
    assert len(reads) == 3  # and once when it was made


def test_a_job_that_is_brought_again_enters_each_once(world: World, call: Call, clock: Any, service: str) -> None:
    from chalicelib.services import jobs

    with world.portal.pump.exclusively():
        answers = flows.together(
            8, lambda _: group(call("T1"), "T1", service, at(clock, 3), "C1", "C3", "C4", key_="the-very-same-group")
        )
        assert {answer.status for answer in answers} <= {201, 503}
        (record,) = flows.stored("group")
        flows.together(4, lambda _: jobs.run(world.tenant_id("oak"), record["job_id"]))
        jobs.run(world.tenant_id("oak"), record["job_id"])
    call("A1").drain()
    assert len(flows.stored("appointment")) == 3
    assert _subjects(call("A1"), "C1") == ["Your appointment is booked"]
    assert booking.wrong(world) == []
