"""The wait list: told of what opens, in order, each offer held for a while, taken once (DOMAIN.md 5.5)."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests import booking, flows
from tests.booking import at, book, book_for, mine, opened, take, theirs, wait_earlier, wait_for, waits
from tests.calls import PEOPLE, Caller
from tests.conftest import World
from tests.flows import together

Call = Callable[..., Caller]


@pytest.fixture
def service(call: Call, clock: Any, monkeypatch: Any) -> str:
    """T1 sees clients all day long; C1 and C3 are theirs. Nobody is signed out: the tests last for days."""
    from chalicelib.services import sessions

    monkeypatch.setattr(sessions, "idle_ends", lambda *_: clock.now() + timedelta(days=1))
    monkeypatch.setattr(sessions, "_may_continue", lambda *_: True)
    booking.assign(PEOPLE["C3"].id, "T1")
    service = opened(call, "T1")
    booking.settings(call("A1"), instant_confirmation=True, cancel_notice_hours=0, minimum_notice_hours=0)
    return service


def _booked(call: Call, key: str, service: str, start: str) -> dict[str, Any]:
    answer = book(call(key), "T1", service, start)
    assert answer.status == 201, answer
    found: dict[str, Any] = answer.json
    return found


def _drain(call: Call) -> None:
    call("A1").clock.advance(61)
    call("A1").drain()


def _offered(call: Call, key: str) -> dict[str, Any] | None:
    """What is offered to a client at this moment."""
    return next((each for each in waits(call(key)) if each["starts_at"]), None)


def _right(world: World) -> None:
    assert booking.wrong(world) == []


def test_a_time_that_opens_is_offered_in_order_and_moves_the_appointment_with_one_tap(
    world: World, call: Call, clock: Any, service: str
) -> None:
    early = _booked(call, "C1", service, at(clock, 3))
    late = _booked(call, "C3", service, at(clock, 9))
    joined = wait_earlier(call("C3"), late)
    assert joined.status == 201
    assert (joined.json["appointment_id"], joined.json["starts_at"]) == (late["appointment_id"], None)
    assert wait_earlier(call("C3"), late).code == "already_waiting"
    assert wait_for(call("C1"), "T1", service).status == 201  # second in the list
    _drain(call)
    assert _offered(call, "C3") is None, "what is open anyway is no news"
    assert mine(call("C1"), early, "cancellation", {}).status == 200
    _drain(call)
    offer = _offered(call, "C3")
    assert offer is not None
    assert (offer["starts_at"], offer["ends_at"]) == (early["starts_at"], early["ends_at"])
    assert booking.instant(offer["held_until"]) - clock.now() <= timedelta(hours=12, minutes=1)
    assert _offered(call, "C1") is None
    _right(world)
    told = [mail for mail in flows.outbox() if PEOPLE["C3"].email in mail["to"]][-1]
    assert told["subject"] == "A time has opened"
    for word in ("Priya", "Session", "Oak Lane,", PEOPLE["C1"].name):
        assert word not in told["text"].replace("Oak Lane Counseling", "")
    days = {"first_day": at(clock, 2)[:10], "last_day": at(clock, 4)[:10]}
    shown = call("T1").get("/practice/calendar", query=days).json["items"][0]
    assert [each["starts_at"] for each in shown["held"]] == [offer["starts_at"]]
    assert book_for(call("A1"), "C1", "T1", service, offer["starts_at"], override=True).code == "slot_taken"

    answer = take(call("C3"), offer, key="the-very-same-key")
    assert answer.status == 200, answer
    moved = (answer.json["appointment_id"], answer.json["starts_at"], answer.json["status"])
    assert moved == (late["appointment_id"], offer["starts_at"], "confirmed")
    assert take(call("C3"), offer, key="the-very-same-key").json == answer.json
    assert take(call("C3"), offer).code == "wait_ended"
    assert waits(call("C3")) == []
    _right(world)
    _drain(call)  # the time that the move has freed is the next one's
    second = _offered(call, "C1")
    assert second is not None
    assert second["starts_at"] == late["starts_at"]
    _right(world)


def test_nobody_is_offered_the_time_that_they_gave_up(call: Call, clock: Any, service: str) -> None:
    booking.hours(call("A1"), "T1", ["10:00", "10:50"])  # one session a day
    days = list(booking.starts(booking.slots(call("C1"), service, at(clock, 1)[:10])))
    given_up = _booked(call, "C1", service, days[2])
    other = _booked(call, "C3", service, days[3])
    assert wait_for(call("C1"), "T1", service).status == 201
    assert mine(call("C1"), given_up, "cancellation", {}).status == 200
    _drain(call)
    assert _offered(call, "C1") is None
    assert mine(call("C3"), other, "cancellation", {}).status == 200
    _drain(call)
    offer = _offered(call, "C1")
    assert offer is not None
    assert offer["starts_at"] == days[3]


def test_what_is_passed_or_not_answered_goes_to_the_next_once(
    world: World, call: Call, clock: Any, service: str
) -> None:
    booking.hours(call("A1"), "T1", ["10:00", "10:50"])  # one session a day
    days = [each for each in booking.starts(booking.slots(call("C1"), service, at(clock, 1)[:10]))]
    taken = _booked(call, "C1", service, days[2])
    assert wait_for(call("C3"), "T1", service).status == 201
    assert wait_for(call("C1"), "T1", service).status == 201
    assert theirs(call("A1"), "C1", taken, "cancellation", {}).status == 200
    _drain(call)
    offer = _offered(call, "C3")
    assert offer is not None
    assert offer["starts_at"] == days[2]
    assert _offered(call, "C1") is None
    passed = call("C3").post(f"/portal/waits/{offer['wait_id']}/refusal", {"starts_at": offer["starts_at"]})
    assert (passed.status, passed.json["starts_at"]) == (200, None)
    assert take(call("C3"), offer).code == "offer_gone"
    _right(world)
    _drain(call)
    second = _offered(call, "C1")
    assert second is not None
    assert second["starts_at"] == days[2]
    assert _offered(call, "C3") is None
    clock.advance(12 * 3600)  # nobody answers
    assert take(call("C1"), second).code == "offer_gone"
    _drain(call)
    _drain(call)
    assert [_offered(call, key) for key in ("C1", "C3")] == [None, None], "each was offered it once"
    assert booking.starts(booking.slots(call("C1"), service, days[2][:10], 1)) == [days[2]]
    assert len(waits(call("C1"))) == len(waits(call("C3"))) == 1, "they keep their place"
    mails = Counter(tuple(mail["to"]) for mail in flows.outbox() if mail["subject"] == "A time has opened")
    assert mails == {(PEOPLE["C1"].email,): 1, (PEOPLE["C3"].email,): 1}
    _right(world)


def test_everything_that_frees_a_time_is_told(world: World, call: Call, clock: Any, service: str) -> None:
    """Declined, expired, moved by staff, time off taken back, more hours: each opens one time, and it is offered."""
    admin = call("A1")
    booking.settings(admin, instant_confirmation=False, max_open_requests=20, hold_hours=24)
    booking.hours(admin, "T1", ["10:00", "10:50"])
    days = booking.starts(booking.slots(call("C1"), service, at(clock, 2)[:10], 14))
    first, second, third = (_booked(call, "C1", service, days[n]) for n in (2, 3, 4))
    off = [{"first_day": days[6][:10], "last_day": days[6][:10]}]
    booking.hours(admin, "T1", ["10:00", "10:50"], time_off=off)
    wait = wait_for(call("C3"), "T1", service).json

    def next_offer() -> str:
        _drain(call)
        offer = _offered(call, "C3")
        assert offer is not None
        answer = call("C3").post(f"/portal/waits/{wait['wait_id']}/refusal", {"starts_at": offer["starts_at"]})
        assert answer.status == 200
        _right(world)
        return str(offer["starts_at"])

    assert theirs(admin, "C1", first, "refusal").status == 200
    assert next_offer() == days[2]
    confirmed = theirs(admin, "C1", second, "confirmation").json
    assert theirs(admin, "C1", confirmed, "time", {"starts_at": days[9], "override": True}).status == 200
    assert next_offer() == days[3]
    booking.hours(admin, "T1", ["10:00", "10:50"], time_off=[])
    assert next_offer() == days[6]
    longer = [{"day": days[7][:10], "ranges": booking.ranges(["10:00", "10:50"], ["14:00", "14:50"])}]
    booking.hours(admin, "T1", ["10:00", "10:50"], overrides=longer)
    opens = next_offer()
    assert opens[:10] == days[7][:10]
    assert opens != days[7]
    clock.set(booking.instant(third["held_until"]) + timedelta(seconds=1))
    assert next_offer() == days[4]
    _drain(call)
    assert _offered(call, "C3") is None


def test_leaving_and_being_removed_free_what_was_held(world: World, call: Call, clock: Any, service: str) -> None:
    booking.hours(call("A1"), "T1", ["10:00", "10:50"])
    days = booking.starts(booking.slots(call("C1"), service, at(clock, 1)[:10]))
    taken = _booked(call, "C1", service, days[1])
    one, other = wait_for(call("C3"), "T1", service).json, wait_for(call("C1"), "T1", service).json
    listed = call("T1").get("/practice/waits").json["items"]
    assert [(each["client_name"], each["starts_at"]) for each in listed] == [("Bea L.", None), ("Immy T.", None)]
    assert call("T4").get("/practice/waits").json["items"] == []
    theirs(call("A1"), "C1", taken, "cancellation", {})
    _drain(call)
    assert _offered(call, "C3") is not None
    path = f"/practice/clients/{PEOPLE['C3'].id}/waits/{one['wait_id']}"
    assert call("T1").delete(path).status == 204
    assert call("T1").delete(path).status == 204
    _right(world)
    _drain(call)
    offer = _offered(call, "C1")
    assert offer is not None
    assert call("C3").delete(f"/portal/waits/{other['wait_id']}").status == 404, "nobody ends what is another's"
    assert call("C1").delete(f"/portal/waits/{other['wait_id']}").status == 204
    assert take(call("C1"), offer).code == "wait_ended"
    assert call("T1").get("/practice/waits").json["items"] == []
    _right(world)
    assert booking.starts(booking.slots(call("C1"), service, days[1][:10], 1)) == [days[1]]
    assert wait_for(call("C3"), "T1", service).status == 201, "and come back"


def test_an_offer_keeps_to_the_wish(world: World, call: Call, clock: Any, service: str) -> None:
    """Not after the day that was named, not after or over one's own appointment, not within the practice's notice."""
    booking.settings(call("A1"), cancel_notice_hours=48)
    early, own = _booked(call, "C1", service, at(clock, 3)), _booked(call, "C3", service, at(clock, 3, "16:00"))
    later = _booked(call, "C1", service, at(clock, 8))
    assert wait_earlier(call("C3"), own).status == 201
    assert wait_for(call("C1"), "T1", service, before_day=at(clock, 5)[:10]).status == 201
    mine(call("C1"), later, "cancellation", {})
    _drain(call)
    assert [_offered(call, key) for key in ("C1", "C3")] == [None, None]
    mine(call("C1"), early, "cancellation", {})
    _drain(call)
    offer = _offered(call, "C3")
    assert offer is not None
    assert offer["ends_at"] <= own["starts_at"]
    clock.set(booking.instant(own["starts_at"]) - timedelta(hours=48))
    assert take(call("C3"), offer).code == "offer_gone", "then the notice of their own appointment has begun"
    _drain(call)
    _right(world)


def test_an_offer_is_taken_once_by_whoever_taps(world: World, call: Call, clock: Any, service: str) -> None:
    """Twenty taps, with keys of their own, while the therapist takes the client off the list: one way or the other."""
    taken = _booked(call, "C1", service, at(clock, 3))
    wait = wait_for(call("C3"), "T1", service).json
    mine(call("C1"), taken, "cancellation", {})
    _drain(call)
    offer = _offered(call, "C3")
    assert offer is not None
    client = call("C3")
    outcomes = Counter((answer.status, answer.code) for answer in together(20, lambda n: take(client, offer)))
    assert outcomes[200, None] == 1
    assert set(outcomes) <= {(200, None), (409, "wait_ended"), (409, "offer_gone"), (503, "busy")}
    assert len([each for each in flows.stored("appointment") if each["status"] == "confirmed"]) == 1
    assert call("T1").get("/practice/waits").json["items"] == []
    assert wait["wait_id"]
    _right(world)


def test_work_that_is_brought_again_offers_nothing_twice(world: World, call: Call, clock: Any, service: str) -> None:
    """Two workers and a redelivery over the same list: one offer, one mail."""
    from chalicelib.models.slots import WaitList
    from chalicelib.services import waits as service_

    booking.hours(call("A1"), "T1", ["10:00", "10:50"])
    days = booking.starts(booking.slots(call("C1"), service, at(clock, 1)[:10]))
    taken = _booked(call, "C1", service, days[1])
    for key in ("C3", "C1"):
        assert wait_for(call(key), "T1", service).status == 201
    mine(call("C1"), taken, "cancellation", {})
    seen = WaitList.find(tenant_id=world.tenant_id("oak"), staff_id=PEOPLE["T1"].id)
    assert seen is not None
    now = clock.now() + timedelta(seconds=1)
    together(8, lambda n: service_.sweep_list(seen.pk, seen.sk, now))
    service_.sweep_list(seen.pk, seen.sk, now)
    call("A1").drain()
    assert [_offered(call, key) is not None for key in ("C3", "C1")] == [True, False]
    assert len([mail for mail in flows.outbox() if mail["subject"] == "A time has opened"]) == 1
    _right(world)


def test_who_cannot_be_booked_is_passed_over_and_who_may_not_join_is_told(
    world: World, call: Call, clock: Any, service: str
) -> None:
    admin = call("A1")
    assert wait_for(call("C1"), "T4", service).code == "therapist_not_offered"
    early = _booked(call, "C1", service, at(clock, 3))
    assert wait_for(call("C3"), "T1", service).status == 201
    assert admin.delete(f"/practice/clients/{PEOPLE['C3'].id}/therapists/{PEOPLE['T1'].id}").status in (200, 204)
    mine(call("C1"), early, "cancellation", {})
    _drain(call)
    assert _offered(call, "C3") is None
    booking.settings(admin, wait_list=False)
    assert wait_for(call("C1"), "T1", service).code == "wait_list_closed"
    _right(world)


def test_a_wish_for_a_place_that_is_gone_holds_up_nobody(world: World, call: Call, clock: Any, service: str) -> None:
    admin = call("A1")
    place = admin.get("/practice/offer").json["locations"][0]["location_id"]
    early = _booked(call, "C1", service, at(clock, 3))
    assert wait_for(call("C3"), "T1", service, mode="in_person", location_id=place).status == 201
    assert wait_for(call("C1"), "T1", service).status == 201
    offered = admin.get("/practice/offer").json
    kept = [{**offered["locations"][0], "location_id": None, "name": "Elm Street"}]
    changed = {"services": offered["services"], "locations": kept}
    assert admin.api("PATCH", "/practice/offer", changed, etag=offered["etag"]).status == 200
    theirs(admin, "C1", early, "cancellation", {})
    _drain(call)
    assert [_offered(call, key) is not None for key in ("C3", "C1")] == [False, True]
    _right(world)


def test_a_request_is_told_in_the_app_once(call: Call, clock: Any, service: str) -> None:
    booking.settings(call("A1"), instant_confirmation=False)
    _booked(call, "C1", service, at(clock, 3))
    call("A1").drain()
    told = call("T1").get("/practice/notifications").json["items"]
    assert [(each["kind"], each["client_name"], each["read"]) for each in told] == [
        ("appointment_requested", "Immy Thistlewood", False)
    ]
