"""Groups that recur, over HTTP: looked at, made one by one, changed from one on (DOMAIN.md 5.4; issue 4)."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests import booking, flows
from tests.booking import (
    at,
    book_for,
    group,
    group_of,
    group_series,
    group_series_of,
    of_group,
    repeat_group,
)
from tests.calls import PEOPLE, Answer, Caller
from tests.conftest import World

Call = Callable[..., Caller]
SERIES = f"/practice/therapists/{PEOPLE['T1'].id}/group-series"


@pytest.fixture
def service(world: World, call: Call) -> str:
    """C1, C3 and C4 all see T1."""
    return booking.opened_to_groups(call)


def _made(call: Call, clock: Any, service: str, *people: str, **more: Any) -> dict[str, Any]:
    answer = repeat_group(call("T1"), "T1", service, at(clock, 3), *people, **more)
    assert answer.status == 201, answer
    call("A1").drain()
    return group_series_of(call("T1"), "T1", answer.json["series_id"])


def _one(call: Call, series: dict[str, Any], number: int) -> dict[str, Any]:
    return group_of(call("T1"), "T1", series["occurrences"][number]["group_id"])


def _after(call: Call, answer: Answer) -> dict[str, Any]:
    """The series once the job has ended."""
    assert answer.status == 200, answer
    call("A1").drain()
    return group_series_of(call("T1"), "T1", answer.json["series_id"])


def _inside(call: Call, series: dict[str, Any]) -> list[list[str]]:
    """Who takes part in each group, by first name."""
    return [
        [m["client_name"].split()[0] for m in _one(call, series, n)["members"] if m["state"] == "in"]
        for n in range(len(series["occurrences"]))
    ]


def _subjects(caller: Caller, key: str) -> list[str]:
    caller.drain()
    return [mail["subject"] for mail in flows.outbox() if PEOPLE[key].email in mail["to"]]


def _names(*keys: str) -> list[str]:
    return [{"C1": "Immy", "C3": "Bea"}.get(key) or PEOPLE[key].name.split()[0] for key in keys]


def test_conflicts_of_everyone_are_listed_before_and_reported_after_and_all_are_told_once(
    world: World, call: Call, clock: Any, service: str
) -> None:
    """T1 is with somebody else in the second week; C3 is with T4 in the third."""
    admin = call("A1")
    assert book_for(admin, "C1", "T1", service, at(clock, 10, "15:30")).status == 201
    assert book_for(admin, "C3", "T4", service, at(clock, 17, "15:30")).status == 201
    looked = call("T1").post(f"{SERIES}/check", group_series(service, at(clock, 3), "C1", "C3", "C4")).json
    assert [(each["starts_at"], each["finding"]) for each in looked["times"]] == [
        (at(clock, 3), "free"), (at(clock, 10), "slot_taken"), (at(clock, 17), "free"), (at(clock, 24), "free"),
    ]  # fmt: skip
    c1, c3, c4 = (PEOPLE[key].id for key in ("C1", "C3", "C4"))
    assert [each["busy"] for each in looked["times"]] == [[], [c1], [c3], []]
    assert [(each["client_id"], each["problem"]) for each in looked["people"]] == [(c1, None), (c3, None), (c4, None)]
    assert flows.stored("group_series", "group") == []
    told = len(_subjects(admin, "C1")), len(_subjects(admin, "T1"))
    found = _made(call, clock, service, "C1", "C3", "C4")
    assert [(each["status"], each["why"], each["taken"]) for each in found["occurrences"]] == [
        ("confirmed", None, 3), (None, "slot_taken", 0), ("confirmed", None, 2), ("confirmed", None, 3),
    ]  # fmt: skip
    absent = [[(who["client_id"], who["why"]) for who in each["absent"]] for each in found["occurrences"]]
    assert absent == [[], [], [(c3, "client_busy")], []]
    assert found["work"] == {"status": "done", "done": 4, "total": 4}
    assert _subjects(admin, "C1")[told[0] :] == ["Your appointments are booked"]
    assert _subjects(admin, "C4") == []
    assert _subjects(admin, "T1")[told[1] :] == ["New appointments"]
    (letter,) = [each for each in flows.outbox() if each["subject"] == "New appointments"]
    assert "3 new appointments" in json.dumps(letter, default=str)
    assert call("C3").get("/portal/appointments").json["items"][0]["group"] is True
    assert booking.wrong(world) == []


def test_who_cannot_be_in_any_of_them_is_listed_and_refused(world: World, call: Call, clock: Any, service: str) -> None:
    """C4's file is archived, CB is another organization's: listed as what they are, in groups and in series."""
    assert call("A1").post(f"/practice/clients/{PEOPLE['C4'].id}/archive").status == 200
    wanted = group_series(service, at(clock, 3), "C1", "C4", "CB")
    looked = call("T1").post(f"{SERIES}/check", wanted).json
    problems = [None, "client_archived", "not_assigned"]
    assert [each["problem"] for each in looked["people"]] == problems
    once = {name: value for name, value in wanted.items() if name not in ("every_weeks", "count", "capacity")}
    single = call("T1").post(f"{booking.groups_of('T1')}/check", once).json
    assert [each["problem"] for each in single["people"]] == problems
    for make in (repeat_group, group):
        assert make(call("T1"), "T1", service, at(clock, 3), "C1", "C4").code == "client_archived"
        assert make(call("T1"), "T1", service, at(clock, 3), "C1", "CB").code == "not_assigned"
    assert flows.stored("group_series", "group") == []


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"count": None}, 422),
        ({"count": 1}, 422),
        ({"every_weeks": 3}, 422),
        ({"capacity": 21}, 422),
        ({"capacity": 2, "client_ids": [PEOPLE[key].id for key in ("C1", "C3", "C4")]}, 422),
    ],
)
def test_what_no_series_of_groups_is(
    call: Call, clock: Any, service: str, changes: dict[str, Any], status: int
) -> None:
    body = {k: v for k, v in group_series(service, at(clock, 3), **changes).items() if v is not None}
    assert call("T1").post(SERIES, body).status == status
    assert flows.stored("group_series") == []


def test_all_following_are_moved_with_their_places(world: World, call: Call, clock: Any, service: str) -> None:
    """By a week and to another time: each takes the place of the next. C3 is elsewhere at the last: only with open
    eyes, and then that place is lost, and C3 learns it."""
    found = _made(call, clock, service, "C1", "C3", count=3)
    assert book_for(call("A1"), "C3", "T4", service, at(clock, 24, "16:30")).status == 201
    anchor = _one(call, found, 1)
    new = at(clock, 17, "16:15")
    path = f"{booking.groups_of('T1')}/{anchor['group_id']}/following"
    looked = call("T1").post(f"{path}/check", {"starts_at": new}).json
    assert [(each["starts_at"], each["finding"], each["busy"]) for each in looked["times"]] == [
        (new, "free", []), (at(clock, 24, "16:15"), "free", [PEOPLE["C3"].id]),
    ]  # fmt: skip
    assert of_group(call("T1"), "T1", anchor, "following/time", {"starts_at": new}).code == "client_busy"
    before = _subjects(call("A1"), "C1"), _subjects(call("A1"), "C3")
    answer = of_group(call("T1"), "T1", anchor, "following/time", {"starts_at": new, "without_busy": True})
    found = _after(call, answer)
    assert [each["starts_at"] for each in found["occurrences"]] == [at(clock, 3), new, at(clock, 24, "16:15")]
    assert [[who["why"] for who in each["absent"]] for each in found["occurrences"]] == [[], [], ["client_busy"]]
    own = [each["starts_at"] for each in call("C1").get("/portal/appointments").json["items"]]
    assert own == [at(clock, 3), new, at(clock, 24, "16:15")]
    assert _subjects(call("A1"), "C1")[len(before[0]) :] == ["Your appointments have new times"]
    assert sorted(_subjects(call("A1"), "C3")[len(before[1]) :]) == [
        "Your appointment has a new time", "Your appointment is cancelled",
    ]  # fmt: skip
    assert of_group(call("T1"), "T1", anchor, "following/time", {"starts_at": new}).code == "stale"
    assert booking.wrong(world) == []


def test_that_somebody_is_busy_at_the_new_times_is_said_without_telling_who_where_one_may_not_know(
    world: World, call: Call, clock: Any, service: str
) -> None:
    """C3 is not T1's client any more, as the group's page shows them: no name, no id. They are asked about all the
    same, for their place goes along."""
    from chalicelib.services import clients

    found = _made(call, clock, service, "C1", "C3", count=2)
    assert book_for(call("A1"), "C3", "T4", service, at(clock, 10, "16:30")).status == 201
    clients.unassign(world.tenant_id("oak"), PEOPLE["C3"].id, PEOPLE["T1"].id)
    anchor = _one(call, found, 0)
    path = f"{booking.groups_of('T1')}/{anchor['group_id']}/following/check"
    c1, c3 = (PEOPLE[key].id for key in ("C1", "C3"))

    def looked(key: str) -> tuple[Any, Any, str]:
        answer = call(key).post(path, {"starts_at": at(clock, 3, "16:15")})
        people = [(each["client_id"], each["client_name"] is None) for each in answer.json["people"]]
        return [each["busy"] for each in answer.json["times"]], people, answer.body.decode()

    busy, people, body = looked("T1")
    assert (busy, people) == ([[], [None]], [(c1, False), (None, True)])
    assert not [each for each in (c3, "Bea", PEOPLE["C3"].name) if each in body]
    assert looked("A1")[:2] == ([[], [c3]], [(c1, False), (c3, False)])
    new = {"starts_at": at(clock, 3, "16:15")}
    assert of_group(call("T1"), "T1", anchor, "following/time", new).code == "client_busy"


def test_what_stands_in_the_way_of_a_move_is_reported(world: World, call: Call, clock: Any, service: str) -> None:
    """The therapist is booked between the look and the job; the group that cannot move stays, and its places too."""
    found = _made(call, clock, service, "C1", count=3)
    with world.portal.pump.exclusively():
        answer = of_group(
            call("T1"), "T1", _one(call, found, 0), "following/time", {"starts_at": at(clock, 3, "18:00")}
        )
        assert answer.json["work"]["status"] == "queued"
        assert book_for(call("A1"), "C4", "T1", service, at(clock, 10, "18:30")).status == 201
        second = of_group(call("T1"), "T1", _one(call, found, 0), "following/cancellation", {})
        assert second.code == "series_at_work"
    found = _after(call, answer)
    assert [each["starts_at"][11:16] for each in found["occurrences"]] == ["18:00", "15:00", "18:00"]
    assert [each["unchanged"] for each in found["occurrences"]] == [None, "slot_taken", None]
    assert booking.wrong(world) == []


def test_all_following_are_cancelled(world: World, call: Call, clock: Any, service: str) -> None:
    found = _made(call, clock, service, "C1", "C3")
    answer = of_group(call("T1"), "T1", _one(call, found, 1), "following/cancellation", {"reason": "Moving away"})
    found = _after(call, answer)
    assert [each["status"] for each in found["occurrences"]] == ["confirmed", "cancelled", "cancelled", "cancelled"]
    own = [each["status"] for each in call("C3").get("/portal/appointments").json["items"]]
    assert sorted(own) == ["cancelled"] * 3 + ["confirmed"]
    assert _subjects(call("A1"), "C3") == ["Your appointments are booked", "Your appointments are cancelled"]
    assert _subjects(call("A1"), "T1")[-1] == "Appointments were cancelled"
    assert "Moving" not in json.dumps(flows.stored("job", "job_item", "appointment"), default=str)
    assert of_group(call("T1"), "T1", _one(call, found, 1), "following/cancellation", {}).code == "appointment_ended"
    single = group(call("T1"), "T1", service, at(clock, 50)).json
    assert of_group(call("T1"), "T1", single, "following/cancellation", {}).code == "not_in_series"
    assert booking.wrong(world) == []


def test_a_client_joins_and_leaves_one_or_all_that_follow(world: World, call: Call, clock: Any, service: str) -> None:
    """C3 joins from the second on, but for the third, which is full, and the last, when they are elsewhere."""
    found = _made(call, clock, service, "C1", count=5, capacity=2)
    assert book_for(call("A1"), "C3", "T4", service, at(clock, 31)).status == 201
    one = {"client_id": PEOPLE["C4"].id}
    assert of_group(call("T1"), "T1", _one(call, found, 2), "members", one).json["taken"] == 2
    before = len(_subjects(call("A1"), "C3"))
    other = {"client_id": PEOPLE["C3"].id}
    found = _after(call, of_group(call("T1"), "T1", _one(call, found, 1), "following/members", other))
    c1, c3, c4 = _names("C1", "C3", "C4")
    assert _inside(call, found) == [[c1], [c1, c3], [c1, c4], [c1, c3], [c1]]
    assert [each["unchanged"] for each in found["occurrences"]] == [None, None, "group_full", None, "client_busy"]
    assert found["work"] == {"status": "done", "done": 4, "total": 4}
    assert _subjects(call("A1"), "C3")[before:] == ["Your appointments are booked"]
    leaving = {"client_id": PEOPLE["C1"].id, "reason": "Fees", "at_clients_request": True}
    found = _after(call, of_group(call("T1"), "T1", _one(call, found, 1), "following/removal", leaving))
    assert _inside(call, found) == [[c1], [c3], [c4], [c3], []]
    assert [each["absent"] for each in found["occurrences"]] == [[]] * 5
    assert _subjects(call("A1"), "C1")[-1] == "Your appointments are cancelled"
    ended = _one(call, found, 1)["members"][0]
    assert (ended["status"], ended["ended_by"], ended["late"]) == ("cancelled", "client", False)
    again = _after(
        call, of_group(call("T1"), "T1", _one(call, found, 3), "following/members", {"client_id": leaving["client_id"]})
    )
    assert _inside(call, again)[3:] == [[c1, c3], [c1]]
    stranger = of_group(call("T1"), "T1", _one(call, again, 1), "following/removal", {"client_id": PEOPLE["CB"].id})
    assert stranger.code == "not_assigned"
    assert booking.wrong(world) == []


def test_the_places_of_one_or_of_all_that_follow(world: World, call: Call, clock: Any, service: str) -> None:
    """Never fewer than are taken, nor more than twenty; who has seen an older one is told."""
    found = _made(call, clock, service, "C1", "C3", count=3, capacity=2)
    seen = _one(call, found, 0)
    path = f"{booking.groups_of('T1')}/{seen['group_id']}"
    assert call("T1").patch(path, {"capacity": 21}, etag=seen["etag"]).status == 422
    assert call("T1").patch(path, {"capacity": 3}, etag="1").code == "stale"
    assert call("T1").patch(path, {"capacity": 3}).status == 428
    grown = call("T1").patch(path, {"capacity": 3}, etag=seen["etag"]).json
    assert (grown["capacity"], grown["taken"]) == (3, 2)
    added = of_group(call("T1"), "T1", grown, "members", {"client_id": PEOPLE["C4"].id}).json
    few = call("T1").patch(path, {"capacity": 2}, etag=added["etag"])
    assert (few.status, few.code) == (409, "too_few_places")
    assert of_group(call("T1"), "T1", added, "following/capacity", {"capacity": 2}).code == "too_few_places"
    call("A1").drain()
    mails = len(flows.outbox())
    found = _after(call, of_group(call("T1"), "T1", added, "following/capacity", {"capacity": 20}))
    assert [each["capacity"] for each in found["occurrences"]] == [20, 20, 20]
    assert of_group(call("T1"), "T1", _one(call, found, 2), "members", {"client_id": PEOPLE["C4"].id}).status == 200
    found = _after(call, of_group(call("T1"), "T1", _one(call, found, 1), "following/capacity", {"capacity": 2}))
    assert [(each["capacity"], each["unchanged"]) for each in found["occurrences"]] == [
        (20, None), (2, None), (20, "too_few_places"),
    ]  # fmt: skip
    assert len(flows.outbox()) == mails
    assert booking.wrong(world) == []


@pytest.mark.parametrize("at_once", [90, 1])
def test_two_workers_and_a_job_that_is_brought_again_make_each_once(
    world: World, call: Call, clock: Any, service: str, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """Also where more people are told than one transaction holds."""
    from chalicelib.services import group_series as making
    from chalicelib.services import jobs

    monkeypatch.setattr(making, "AT_ONCE", at_once)
    with world.portal.pump.exclusively():
        answers = flows.together(
            6, lambda _: repeat_group(call("T1"), "T1", service, at(clock, 3), "C1", "C3", "C4", key_="the-same-groups")
        )
        assert {answer.status for answer in answers} <= {201, 503}
        (record,) = flows.stored("group_series")
        flows.together(4, lambda _: jobs.run(world.tenant_id("oak"), record["job_id"]))
        jobs.run(world.tenant_id("oak"), record["job_id"])
    call("A1").drain()
    assert (len(flows.stored("group")), len(flows.stored("appointment"))) == (4, 12)
    told = {"C1": "Your appointments are booked", "C3": "Your appointments are booked", "T1": "New appointments"}
    assert {key: _subjects(call("A1"), key) for key in told} == {key: [subject] for key, subject in told.items()}
    (job,) = flows.stored("job")
    assert (job["done"], job["failed"], job["skipped"]) == ("9", "0", "0")
    assert booking.wrong(world) == []


def test_a_series_is_its_therapists_and_the_administrators_and_an_unchanged_one_is_not_audited_again(
    call: Call, clock: Any, service: str
) -> None:
    found = _made(call, clock, service, "C1", count=2)
    path = f"{SERIES}/{found['series_id']}"
    assert [call(key).get(path).status for key in ("A1", "T1", "T3", "B1")] == [200, 200, 404, 404]
    other = path.replace(PEOPLE["T1"].id, PEOPLE["T4"].id)
    assert call("A1").get(other).status == 404
    reads = len(flows.stored("tenant_audit", "client_audit"))
    same = call("T1").get(path, headers={"If-None-Match": f'"{found["etag"]}"'})
    assert (same.status, len(flows.stored("tenant_audit", "client_audit"))) == (304, reads)
    work = call("T1").get(f"{booking.groups_of('T1')}/{found['occurrences'][0]['group_id']}/work")
    assert (work.json, len(flows.stored("tenant_audit", "client_audit"))) == ({"working": False}, reads)


@contextmanager
def _written() -> Iterator[list[int]]:
    """How many items each transaction has, while this lasts."""
    from chalicelib.models.connection import client

    sizes: list[int] = []

    def note(params: dict[str, Any], **_: Any) -> None:
        sizes.append(len(json.loads(params["body"])["TransactItems"]))

    client().meta.events.register_first("before-call.dynamodb.TransactWriteItems", note)
    try:
        yield sizes
    finally:
        client().meta.events.unregister("before-call.dynamodb.TransactWriteItems", note)


def test_twenty_clients_over_midnight_need_no_more_of_a_transaction_than_one(
    world: World, call: Call, clock: Any, service: str
) -> None:
    """DynamoDB takes a hundred items at once. A group needs 7, a place 9, and telling all of them 22."""
    from chalicelib.services import clients, jobs

    people = []
    for number in range(20):
        client_id = f"01J{number:023d}"
        clients.create(world.tenant_id("oak"), client_id=client_id, legal_name=f"Person {number}")
        booking.assign(client_id, "T1")
        people.append(client_id)
    with world.portal.pump.exclusively():
        made = repeat_group(call("T1"), "T1", service, at(clock, 3, "23:30"), capacity=20, count=2, client_ids=people)
        assert made.status == 201, made
        (record,) = flows.stored("group_series")
        with _written() as sizes:
            jobs.run(world.tenant_id("oak"), record["job_id"])
    call("A1").drain()
    found = group_series_of(call("T1"), "T1", record["series_id"])
    assert [each["taken"] for each in found["occurrences"]] == [20, 20]
    assert max(sizes) <= 9
    assert len(sizes) >= 43
