"""What is offered, Set Calendar Availability, the times that clients see, and feeds (DOMAIN.md 5, 2.3, 2.4, 1.7)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests import booking, flows
from tests.booking import at, book, opened, ranges, slots, starts, theirs
from tests.calls import PEOPLE, Answer, Caller
from tests.conftest import World

Call = Callable[..., Caller]


def _path(key: str) -> str:
    return f"/practice/therapists/{PEOPLE[key].id}/availability"


def _set(staff: Caller, key: str, **changes: Any) -> Answer:
    return staff.api("PATCH", _path(key), changes, etag=staff.get(_path(key)).json["etag"])


# ---- what is offered ----


def test_services_keep_their_ids_and_lose_nobodys_appointment(world: World, call: Call, clock: Any) -> None:
    admin = call("A1")
    service = opened(call, "T1", price={"amount": 15000, "currency": "usd"}, colour="rose")
    booked = book(call("C1"), "T1", service, at(clock, 3)).json
    found = admin.get("/practice/offer").json
    found["services"][0]["name"] = "Longer session"
    body = {"services": [*found["services"], {"name": "Intake", "minutes": 80}], "locations": []}
    changed = admin.api("PATCH", "/practice/offer", body, etag=found["etag"])
    assert [each["name"] for each in changed.json["services"]] == ["Longer session", "Intake"]
    assert changed.json["services"][0]["service_id"] == service
    assert admin.api("PATCH", "/practice/offer", body, etag=found["etag"]).code == "stale"
    foreign = {"services": [{**found["services"][0], "service_id": world.id("T1")}], "locations": []}
    assert admin.api("PATCH", "/practice/offer", foreign, etag=changed.json["etag"]).status == 404
    assert call("C1").get(f"/portal/appointments/{booked['appointment_id']}").json["service"] == "Session"
    (shown,) = [each for each in call("C1").get("/portal/scheduling").json["services"] if each["price"]]
    assert shown["price"] == {"amount": 15000, "currency": "usd"}


def test_a_service_that_clients_cannot_book_is_for_staff(call: Call, clock: Any) -> None:
    service = opened(call, "T1", bookable=False)
    assert call("C1").get("/portal/scheduling").json["services"] == []
    assert slots(call("C1"), service, clock.now().date()).code == "service_not_offered"
    assert book(call("C1"), "T1", service, at(clock, 3)).code == "service_not_offered"
    assert booking.book_for(call("T1"), "C1", "T1", service, at(clock, 3)).status == 201


# ---- Set Calendar Availability ----


def test_no_availability_means_no_slots(world: World, call: Call, clock: Any) -> None:
    """DOMAIN.md 5.1."""
    booking.offer(call("A1"))
    assert call("T1").get(_path("T1")).json["etag"] == "0"
    assert call("C1").get("/portal/scheduling").json["therapists"] == []
    assert _set(call("T1"), "T1", zone="America/New_York").status == 200
    assert call("C1").get("/portal/scheduling").json["therapists"] == []
    assert _set(call("T1"), "T1", schedules=[booking.week(*booking.NINE_TO_FIVE)]).status == 200
    (found,) = call("C1").get("/portal/scheduling").json["therapists"]
    member = {"staff_id": world.id("T1"), "name": "Priya Halvorsen, LCSW"}
    assert found == {**member, "zone": "America/New_York", "video_link": False}


def test_only_assigned_therapists_with_a_seat_and_hours_are_offered(world: World, call: Call, clock: Any) -> None:
    service = opened(call, "T1", "T2", "T3", "T4")  # C1 is assigned to T1 and to T3, who has no seat
    client = call("C1")
    assert [each["staff_id"] for each in client.get("/portal/scheduling").json["therapists"]] == [world.id("T1")]
    assert [each["staff_id"] for each in slots(client, service, clock.now().date()).json["items"]] == [world.id("T1")]
    for key in ("T2", "T3", "T4", "BT", "C2"):
        answer = slots(client, service, clock.now().date(), staff_id=PEOPLE[key].id)
        assert (answer.status, answer.code) == (409, "therapist_not_offered"), key
    assert call("T3").get(_path("T3")).json["off"] == "no_seat"
    assert call("C2").get("/portal/scheduling").json["therapists"] == []


def test_it_is_ones_own_or_an_administrators_to_set(world: World, call: Call) -> None:
    """DOMAIN.md 1.7; the audit says who did."""
    assert _set(call("T1"), "T1", schedules=[booking.week(*booking.NINE_TO_FIVE)]).status == 200
    assert call("T4").get(_path("T1")).status == 404
    assert call("T4").api("PATCH", _path("T1"), {"zone": "Asia/Tokyo"}, etag="1").status == 404
    assert call("B1").get(_path("T1")).status == 404
    assert _set(call("A1"), "T1", zone="America/Chicago").status == 200
    events = [each for each in flows.stored("tenant_audit") if each["action"] == "availability:update"]
    assert [world.id(key) in each["actor"] for key, each in zip(("T1", "A1"), _in_order(events), strict=True)] == [
        True
    ] * 2
    stale = call("T1").api("PATCH", _path("T1"), {"zone": "Asia/Tokyo"}, etag="1")
    assert (stale.status, stale.code) == (412, "stale")


def _in_order(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(events, key=lambda each: each["event_id"])


def test_everything_that_can_be_set_comes_back(call: Call) -> None:
    service = booking.offer(call("A1"))
    place, kind = service["locations"][0]["location_id"], service["services"][0]["service_id"]
    only, busy = (
        {"modes": ["in_person"], "locations": [place], "services": [kind]},
        (["09:00", "12:00"], ["13:00", "17:00"]),
    )
    changes: dict[str, Any] = {
        "zone": "Asia/Kolkata",
        "schedules": [
            {"first_day": "2026-01-01", "week": [ranges(*busy, **only)] * 5 + [[], []]},
            {"first_day": "2027-03-01", "week": [ranges(["22:00", "02:00"])] * 7},
        ],
        "overrides": [{"day": "2026-12-24", "ranges": []}, {"day": "2026-12-31", "ranges": ranges(["10:00", "24:00"])}],
        "time_off": [{"first_day": "2027-01-02", "last_day": "2027-01-09", "start": "12:00", "end": "24:00"}],
        "telehealth_link": "https://video.example/room",
    }  # fmt: skip
    answer = _set(call("T1"), "T1", **changes)
    assert answer.status == 200, answer
    shown = call("T1").get(_path("T1")).json
    for name, value in changes.items():
        assert _full(shown[name]) == _full(value), name
    assert _set(call("T1"), "T1", telehealth_link="").json["telehealth_link"] is None


def _full(value: Any) -> Any:
    """With what is left out written as null."""
    if isinstance(value, list):
        return [_full(each) for each in value]
    if isinstance(value, dict):
        full = {name: _full(each) for name, each in value.items()}
        return {"locations": None, "services": None, **full} if "modes" in full else full
    return value


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"zone": "Mars/Olympus"},
        {"zone": "../UTC"},
        {"schedules": [{"first_day": "2026-01-01", "week": [[]] * 6}]},
        {"schedules": [{"first_day": "2026-02-30", "week": [[]] * 7}]},
        {"schedules": [{"first_day": "2026-01-01", "week": [ranges(["09:00", "09:00"])] * 7}]},
        {"schedules": [{"first_day": "2026-01-01", "week": [ranges(["24:00", "09:00"])] * 7}]},
        {"schedules": [{"first_day": "2026-01-01", "week": [ranges(["09:00", "25:00"])] * 7}]},
        {"schedules": [{"first_day": "2026-01-01", "week": [ranges(["9:00", "10:00"])] * 7}]},
        {"overrides": [{"day": "2026-01-01", "ranges": [{"start": "09:00", "end": "10:00", "modes": []}]}]},
        {"time_off": [{"first_day": "2026-01-02", "last_day": "2026-01-01"}]},
        {"time_off": [{"first_day": "2026-01-01", "last_day": "2026-01-01", "start": "12:00", "end": "12:00"}]},
        {"telehealth_link": "javascript:alert(1)"},
        {"telehealth_link": "http://video.example"},
        {"telehealth_link": "https://video.example/a b"},
    ],
)
def test_what_nobody_can_mean_is_refused(call: Call, changes: dict[str, Any]) -> None:
    answer = _set(call("T1"), "T1", **changes)
    assert (answer.status, answer.code) == (422, "invalid_body"), answer
    assert flows.stored("availability") == []


def test_appointments_in_time_off_are_reported_and_stay(world: World, call: Call, clock: Any) -> None:
    service = opened(call, "T1")
    asked = book(call("C1"), "T1", service, at(clock, 5)).json
    booked = theirs(call("T1"), "C1", asked, "confirmation").json
    day = at(clock, 5)[:10]
    answer = _set(call("T1"), "T1", time_off=[{"first_day": day, "last_day": day}])
    (conflict,) = answer.json["conflicts"]
    assert (conflict["appointment_id"], conflict["why"]) == (booked["appointment_id"], "time_off")
    assert (conflict["client_name"], conflict["client_id"]) == ("Immy T.", world.id("C1"))
    answer = _set(call("T1"), "T1", time_off=[], overrides=[{"day": day, "ranges": ranges(["20:00", "21:00"])}])
    assert [each["why"] for each in answer.json["conflicts"]] == ["outside_hours"]
    assert call("C1").get(f"/portal/appointments/{booked['appointment_id']}").json["status"] == "confirmed"
    named = [each for each in flows.stored("tenant_audit") if world.id("C1") in each["object"]]
    assert named


def test_changing_the_zone_moves_the_hours_and_no_appointment(call: Call, clock: Any) -> None:
    service = opened(call, "T1", times=booking.NINE_TO_FIVE)
    booked = book(call("C1"), "T1", service, at(clock, 5)).json
    before = starts(slots(call("C1"), service, at(clock, 4)[:10], days=1))
    assert _set(call("T1"), "T1", zone="America/Los_Angeles").status == 200
    after = starts(slots(call("C1"), service, at(clock, 4)[:10], days=1))
    assert booking.instant(after[0]) - booking.instant(before[0]) == timedelta(hours=3)
    now = call("C1").get(f"/portal/appointments/{booked['appointment_id']}").json
    assert (now["starts_at"], now["zone"]) == (booked["starts_at"], "America/New_York")


# ---- the times that clients see ----


def test_what_is_offered_can_be_booked_and_nothing_else(world: World, call: Call, clock: Any) -> None:
    service = opened(call, "T1", times=[["09:00", "11:00"]], minutes=60, before=0, after=15)
    client, day = call("C1"), at(clock, 4)[:10]
    offered = starts(slots(client, service, day, days=1))
    assert [each[11:16] for each in offered] == ["14:00", "14:15", "14:30", "14:45", "15:00"]
    assert book(client, "T1", service, offered[0]).status == 201
    assert starts(slots(client, service, day, days=1)) == []  # with its buffer nothing else fits before eleven
    booking.hours(call("A1"), "T1", ["09:00", "12:00"])
    assert [each[11:16] for each in starts(slots(client, service, day, days=1))] == ["15:15", "15:30", "15:45", "16:00"]


def test_the_organizations_buffers_are_those_of_services_without(call: Call, clock: Any) -> None:
    service = opened(call, "T1", times=[["09:00", "12:00"]], minutes=60, before=None, after=None)
    booking.settings(call("A1"), buffer_after_minutes=30)
    day = at(clock, 4)[:10]
    assert book(call("C1"), "T1", service, f"{day}T14:00:00.000Z").status == 201
    assert starts(slots(call("C1"), service, day, days=1))[0] == f"{day}T15:30:00.000Z"


def test_places_and_ways_to_meet_narrow_what_is_offered(call: Call, clock: Any) -> None:
    found = booking.offer(call("A1"))
    service, place = found["services"][0]["service_id"], found["locations"][0]["location_id"]
    morning, evening = ranges(["09:00", "10:00"], modes=["in_person"]), ranges(["18:00", "19:00"], modes=["telehealth"])
    week = {"first_day": "2026-01-01", "week": [morning + evening] * 7}
    assert _set(call("T1"), "T1", schedules=[week], zone=booking.ZONE).status == 200
    client, day = call("C1"), at(clock, 4)[:10]
    assert starts(slots(client, service, day, days=1))[0][11:16] == "23:00"
    here = {"mode": "in_person", "location_id": place}
    assert starts(slots(client, service, day, days=1, **here))[0][11:16] == "14:00"
    assert slots(client, service, day, days=1, mode="in_person").code == "invalid_body"
    assert slots(client, service, day, days=1, location_id=place).code == "invalid_body"
    booked = book(client, "T1", service, f"{day}T14:00:00.000Z", **here)
    assert booked.json["location"] == "Oak Lane"


def test_ones_own_other_appointment_is_in_the_way(world: World, call: Call, clock: Any) -> None:
    """Of two therapists of one client: what is booked with the one is not offered with the other."""
    service = opened(call, "T1", "T4")
    booking.assign(world.id("C1"), "T4")
    booked = book(call("C1"), "T1", service, at(clock, 3)).json
    by_therapist = {
        each["staff_id"]: each["starts"] for each in slots(call("C1"), service, at(clock, 3)[:10]).json["items"]
    }
    assert len(by_therapist) == 2
    assert all(booked["starts_at"] not in found for found in by_therapist.values())
    first = call("C1").get("/portal/slots/first", query={"service_id": service, "mode": "telehealth"}).json
    assert first["starts_at"] == min(found[0] for found in _all(call, service, clock).values())


def _all(call: Call, service: str, clock: Any) -> dict[str, list[str]]:
    found = slots(call("C1"), service, clock.now().date(), days=5).json["items"]
    return {each["staff_id"]: each["starts"] for each in found}


def test_days_are_the_viewers(call: Call, clock: Any) -> None:
    service = opened(call, "T1")
    day = at(clock, 4)[:10]
    found = starts(slots(call("C1"), service, day, days=1, zone="Asia/Tokyo"))
    assert found[0] == f"{at(clock, 3)[:10]}T15:00:00.000Z"  # midnight in Tokyo
    assert len(found) == 96


def test_while_moving_ones_own_old_time_is_free(call: Call, clock: Any) -> None:
    service = opened(call, "T1")
    asked = book(call("C1"), "T1", service, at(clock, 3)).json
    day = at(clock, 3)[:10]
    assert asked["starts_at"] not in starts(slots(call("C1"), service, day, days=1))
    assert asked["starts_at"] in starts(slots(call("C1"), service, day, days=1, moving=asked["appointment_id"]))


@pytest.mark.parametrize(("days", "status"), [(1, 200), (62, 200), (63, 422), (0, 422)])
def test_a_window_is_bounded(call: Call, clock: Any, days: int, status: int) -> None:
    service = opened(call, "T1")
    assert slots(call("C1"), service, clock.now().date(), days=days).status == status


# ---- feeds ----


def _feed(anyone: Caller, address: str) -> Answer:
    return anyone.send("GET", urlsplit(address).path, None, {})


def test_a_feed_shows_when_and_nothing_else(world: World, call: Call, clock: Any) -> None:
    service = opened(call, "T1")
    asked = book(call("C1"), "T1", service, at(clock, 3), note="Secret words").json
    for key in ("C1", "T1"):
        assert call(key).get("/feed").json == {"address": None}
        address = call(key).post("/feed").json["address"]
        assert call(key).get("/feed").json == {"address": address}
        answer = _feed(call(), address)
        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/calendar; charset=utf-8")
        text = answer.body.decode()
        assert f"DTSTART:{asked['starts_at'][:10].replace('-', '')}T150000Z" in text
        assert "STATUS:TENTATIVE" in text
        lines = {line.partition(":")[0] for line in text.split("\r\n")}
        assert lines <= {
            "BEGIN", "VERSION", "PRODID", "CALSCALE", "METHOD", "NAME", "X-WR-CALNAME", "X-PUBLISHED-TTL", "UID",
            "REFRESH-INTERVAL;VALUE=DURATION", "DTSTAMP", "DTSTART", "DTEND", "SEQUENCE", "STATUS", "SUMMARY", "CLASS",
            "TRANSP", "END", "",
        }  # fmt: skip
        assert not [word for word in ("Thistlewood", "Halvorsen", "Session", "Secret", "Oak") if word in text]


def test_a_feed_is_taken_back_at_once(world: World, call: Call) -> None:
    client = call("C1")
    first = client.post("/feed").json["address"]
    second = client.post("/feed").json["address"]
    assert first != second
    assert [_feed(call(), each).status for each in (first, second)] == [404, 200]
    assert client.delete("/feed").status == 204
    assert _feed(call(), second).status == 404
    assert client.delete("/feed").status == 204
    third = client.post("/feed").json["address"]
    assert _feed(call(), third).status == 200
    kept = repr(flows.stored())
    assert not [each for each in (first, second, third) if each.split("/")[-2] in kept]


def test_who_has_left_has_no_feed(world: World, call: Call) -> None:
    from chalicelib.models.staff import Staff
    from chalicelib.models.transaction import change

    address = call("T2").post("/feed").json["address"]
    assert _feed(call(), address).status == 200
    place = {"tenant_id": world.tenant_id("oak"), "staff_id": world.id("T2")}
    change(Staff.at(**place), Staff.status.set("disabled"))
    assert _feed(call(), address).status == 404
