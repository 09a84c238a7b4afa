"""A file is archived at the moment of a booking: no appointment is ever made after that (issue 4)."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests import booking, flows
from tests.booking import at, book, book_for, book_series, mine, of_group, opened, repeat_group, theirs
from tests.calls import PEOPLE, Answer, Caller
from tests.conftest import World

Call = Callable[..., Caller]
Scene = dict[str, Any]


@contextmanager
def _held() -> Iterator[tuple[threading.Event, threading.Event]]:
    """The first transactions of this while that write an appointment or a group wait just before they are sent: one
    event says that one is there, the other lets it go."""
    from chalicelib.models.connection import client

    there, go = threading.Event(), threading.Event()

    def hold(params: dict[str, Any], **_: Any) -> None:
        if not there.is_set() and b'"APPOINTMENT#' in _bytes(params["body"]):
            there.set()
            assert go.wait(20)

    client().meta.events.register_first("before-call.dynamodb.TransactWriteItems", hold)
    try:
        yield there, go
    finally:
        go.set()
        client().meta.events.unregister("before-call.dynamodb.TransactWriteItems", hold)


def _bytes(body: Any) -> bytes:
    return body if isinstance(body, bytes) else str(body).encode()


# What is tried while the file is archived.


def _client_books(call: Call, clock: Any, service: str, _: Scene) -> Answer:
    return book(call("C1"), "T1", service, at(clock, 4))


def _staff_book(call: Call, clock: Any, service: str, _: Scene) -> Answer:
    return book_for(call("T1"), "C1", "T1", service, at(clock, 4))


def _staff_confirm(call: Call, clock: Any, service: str, scene: Scene) -> Answer:
    return theirs(call("T1"), "C1", scene["asked"], "confirmation")


def _staff_propose(call: Call, clock: Any, service: str, scene: Scene) -> Answer:
    return theirs(call("T1"), "C1", scene["asked"], "proposal", {"starts": [at(clock, 5)]})


def _client_accepts(call: Call, clock: Any, service: str, scene: Scene) -> Answer:
    return mine(call("C1"), scene["offered"], "acceptance", {"starts_at": scene["offered"]["proposals"][0]})


def _staff_add(call: Call, clock: Any, service: str, scene: Scene) -> Answer:
    return of_group(call("T1"), "T1", scene["group"], "members", {"client_id": PEOPLE["C1"].id})


def _scene(call: Call, clock: Any, service: str) -> Scene:
    asked = book(call("C1"), "T1", service, at(clock, 3)).json
    other = book(call("C1"), "T1", service, at(clock, 6)).json
    offered = theirs(call("T1"), "C1", other, "proposal", {"starts": [at(clock, 7)]}).json
    group = booking.group(call("T1"), "T1", service, at(clock, 8)).json
    return {"asked": asked, "offered": {**offered, "proposals": [at(clock, 7)]}, "group": group}


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (_client_books, "therapist_not_offered"),
        (_staff_book, "client_archived"),
        (_staff_confirm, "client_archived"),
        (_staff_propose, "client_archived"),
        (_client_accepts, "client_archived"),
        (_staff_add, "client_archived"),
    ],
    ids=lambda each: each.__name__.strip("_") if callable(each) else "",
)
def test_a_booking_that_was_decided_before_the_archiving_is_not_written_after_it(
    world: World, call: Call, act: Callable[..., Answer], code: str
) -> None:
    """The booking has read everything and is about to write; the file is archived; then the booking goes on."""
    clock = world.portal.clock
    service = opened(call, "T1")
    scene = _scene(call, clock, service)
    before = {each["appointment_id"]: each["status"] for each in flows.stored("appointment")}

    def one(number: int) -> Answer:
        if number == 0:
            return act(call, clock, service, scene)
        assert there.wait(20)
        archived = call("A1").post(f"/practice/clients/{PEOPLE['C1'].id}/archive")
        go.set()
        return archived

    with _held() as (there, go):
        answer, archived = flows.together(2, one)
    assert archived.status == 200, archived
    assert (answer.status, answer.code) == (409, code)
    assert {each["appointment_id"]: each["status"] for each in flows.stored("appointment")} == before


@pytest.mark.parametrize("many", [book_series, repeat_group], ids=["series", "groups"])
def test_a_series_makes_no_more_appointments_once_the_file_is_archived(
    world: World, call: Call, many: Callable[..., Answer]
) -> None:
    """Archived while the job is at its first appointment: that one is not made, and none after it."""
    from chalicelib.services import jobs

    clock = world.portal.clock
    service = opened(call, "T1")
    with world.portal.pump.exclusively():
        if many is book_series:
            made = book_series(call("T1"), "C1", "T1", service, at(clock, 3))
        else:
            made = repeat_group(call("T1"), "T1", service, at(clock, 3), "C1")
        assert made.status == 201, made
        (job,) = flows.stored("job")

        def one(number: int) -> None:
            if number == 0:
                jobs.run(world.tenant_id("oak"), job["job_id"])
                return
            assert there.wait(20)
            assert call("A1").post(f"/practice/clients/{PEOPLE['C1'].id}/archive").status == 200
            go.set()

        with _held() as (there, go):
            flows.together(2, one)
    call("A1").drain()
    assert flows.stored("appointment") == []
    if many is book_series:
        found = booking.series_of(call("T1"), "C1", made.json["series_id"])
        assert [each["why"] for each in found["occurrences"]] == ["client_archived"] * 4
    else:
        found = booking.group_series_of(call("T1"), "T1", made.json["series_id"])
        assert [[who["why"] for who in each["absent"]] for each in found["occurrences"]] == [["client_archived"]] * 4
