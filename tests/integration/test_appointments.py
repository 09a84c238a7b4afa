"""The life of an appointment over HTTP: asked for, answered, moved, ended, reminded of (DOMAIN.md 5)."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests import booking, flows
from tests.booking import at, book, book_for, mine, opened, theirs
from tests.calls import PEOPLE, Answer, Caller
from tests.conftest import World

Call = Callable[..., Caller]


def _subjects(caller: Caller, key: str) -> list[str]:
    caller.drain()
    return [mail["subject"] for mail in flows.outbox() if PEOPLE[key].email in mail["to"]]


@pytest.fixture
def service(call: Call) -> str:
    """T1 and T4 see clients all day long; there is one service."""
    return opened(call, "T1", "T4")


def _asked(call: Call, clock: Any, service: str, days: int = 3, **more: Any) -> dict[str, Any]:
    answer = book(call("C1"), "T1", service, at(clock, days), **more)
    assert answer.status == 201, answer
    found: dict[str, Any] = answer.json
    return found


def _confirmed(call: Call, clock: Any, service: str, days: int = 3, **more: Any) -> dict[str, Any]:
    answer = theirs(call("T1"), "C1", _asked(call, clock, service, days, **more), "confirmation")
    assert answer.status == 200, answer
    return _as_client(call, answer)


def _as_client(call: Call, answer: Answer) -> dict[str, Any]:
    found: dict[str, Any] = call("C1").get(f"/portal/appointments/{answer.json['appointment_id']}").json
    return found


# ---- a request, and what becomes of it ----


def test_a_request_holds_its_time_until_it_is_answered(world: World, call: Call, clock: Any, service: str) -> None:
    asked = _asked(call, clock, service, note="Rather by the window")
    assert (asked["status"], asked["note"]) == ("requested", "Rather by the window")
    assert asked["starts_at"] not in booking.starts(booking.slots(call("C1"), service, clock.now().date()))
    waiting = call("T1").get("/practice/requests").json
    assert (waiting["total"], waiting["items"][0]["client_name"]) == (1, "Immy T.")
    seen = call("T1").get(f"/practice/clients/{world.id('C1')}/appointments/{asked['appointment_id']}").json
    assert (seen["note"], seen["manageable"]) == ("Rather by the window", True)
    answer = theirs(call("T1"), "C1", asked, "confirmation")
    assert (answer.status, answer.json["status"]) == (200, "confirmed")
    assert call("T1").get("/practice/requests").json["total"] == 0
    assert _subjects(call("A1"), "C1") == ["We have your request", "Your appointment is confirmed"]
    assert _subjects(call("A1"), "T1") == ["A request for your calendar", "An appointment is confirmed"]
    assert booking.wrong(world) == []


def test_what_people_wrote_is_encrypted_and_never_mailed(world: World, call: Call, clock: Any, service: str) -> None:
    asked = _asked(call, clock, service, note="Zebra crossing")
    theirs(call("T1"), "C1", asked, "refusal", {"message": "Quagga instead"})
    call("A1").drain()
    assert call("C1").get(f"/portal/appointments/{asked['appointment_id']}").json["message"] == "Quagga instead"
    kept = repr(flows.stored("appointment")) + repr(flows.outbox())
    assert "Zebra" not in kept
    assert "Quagga" not in kept


def test_a_declined_time_is_free_again(world: World, call: Call, clock: Any, service: str) -> None:
    asked = _asked(call, clock, service)
    assert theirs(call("T1"), "C1", asked, "refusal", {}).json["status"] == "declined"
    assert asked["starts_at"] in booking.starts(booking.slots(call("C1"), service, clock.now().date()))
    assert theirs(call("T1"), "C1", asked, "confirmation").code == "stale"
    assert book(call("C1"), "T1", service, asked["starts_at"]).json["status"] == "requested"
    assert booking.wrong(world) == []


def test_two_answers_at_once_are_one(call: Call, clock: Any, service: str) -> None:
    """Compare-and-set: whoever looked at what is no longer so is told to look again."""
    asked = _asked(call, clock, service)
    verbs = ["confirmation", "refusal"] * 8
    people = [call("T1"), call("A1")]
    answers = flows.together(16, lambda n: theirs(people[n // 2 % 2], "C1", asked, verbs[n], {}))
    assert sorted(answer.status for answer in answers) == [200] + [412] * 15
    assert {answer.code for answer in answers if answer.status != 200} == {"stale"}


def test_an_unanswered_request_expires_and_the_client_learns_it(
    world: World, call: Call, clock: Any, service: str
) -> None:
    asked = _asked(call, clock, service, days=10)
    clock.advance(72 * 3600 + 60)
    assert _subjects(call("A1"), "C1")[-1] == "About your request"
    assert _subjects(call("A1"), "T1")[-1] == "A request has expired"
    (record,) = flows.stored("appointment")
    assert (record["status"], record["ended_by"], record.get("duesk")) == ("expired", "system", None)
    assert booking.taken(0) == ({}, {})
    client = call("C1")
    client.sign_in("C1")
    assert asked["starts_at"] in booking.starts(booking.slots(client, service, clock.now().date(), days=10))


def test_a_hold_that_is_over_is_over_before_anybody_sweeps(world: World, call: Call, clock: Any, service: str) -> None:
    booking.settings(call("A1"), hold_hours=1)
    asked = _asked(call, clock, service, days=5)
    clock.advance(3600 + 60)
    staff, client = call("T1"), call("C1")
    staff.sign_in("T1")
    client.sign_in("C1")
    assert theirs(staff, "C1", asked, "confirmation").code == "request_expired"
    assert book(client, "T1", service, asked["starts_at"]).status == 201
    assert booking.wrong(world) == []
    staff.drain()
    assert sorted(each["status"] for each in flows.stored("appointment")) == ["expired", "requested"]
    assert booking.wrong(world) == []


def test_other_times_are_held_and_one_is_taken_with_one_tap(world: World, call: Call, clock: Any, service: str) -> None:
    asked = _asked(call, clock, service)
    others = [at(clock, 4), at(clock, 5), at(clock, 6, "18:30")]
    answer = theirs(call("T1"), "C1", asked, "proposal", {"starts": others, "message": "Would one of these do?"})
    assert (answer.status, answer.json["proposals"]) == (200, others)
    waiting = call("T1").get("/practice/requests").json
    assert (waiting["total"], [each["status"] for each in waiting["items"]]) == (0, ["proposed"])  # the client answers
    assert call("T1").get("/practice/requests/count").json == {"total": 0}
    free = booking.starts(booking.slots(call("C1"), service, clock.now().date()))
    assert asked["starts_at"] in free
    assert not set(others) & set(free)
    assert booking.wrong(world) == []
    offered = _as_client(call, answer)
    assert mine(call("C1"), offered, "acceptance", {"starts_at": asked["starts_at"]}).code == "not_proposed"
    taken = mine(call("C1"), offered, "acceptance", {"starts_at": others[1]})
    assert (taken.status, taken.json["status"], taken.json["starts_at"]) == (200, "confirmed", others[1])
    free = booking.starts(booking.slots(call("C1"), service, clock.now().date()))
    assert {others[0], others[2]} <= set(free)
    assert _subjects(call("A1"), "C1")[-2:] == ["Other times are offered to you", "Your appointment is booked"]
    assert booking.wrong(world) == []


def test_offers_that_are_not_taken_expire(world: World, call: Call, clock: Any, service: str) -> None:
    asked = _asked(call, clock, service, days=8)
    theirs(call("T1"), "C1", asked, "proposal", {"starts": [at(clock, 9), at(clock, 10)]})
    clock.advance(72 * 3600 + 60)
    call("A1").drain()
    assert flows.stored("appointment")[0]["status"] == "expired"
    assert booking.taken(0) == ({}, {})


def test_instant_confirmation_books_at_once(world: World, call: Call, clock: Any, service: str) -> None:
    booking.settings(call("A1"), instant_confirmation=True)
    booked = _asked(call, clock, service)
    assert (booked["status"], booked["held_until"]) == ("confirmed", None)
    assert _subjects(call("A1"), "C1") == ["Your appointment is booked"]
    moved = mine(call("C1"), booked, "time", {"starts_at": at(clock, 4), "zone": "Asia/Tokyo"})
    assert (moved.json["status"], moved.json["my_zone"]) == ("confirmed", "Asia/Tokyo")
    (mail,) = [each for each in _mails(call, "C1") if each["subject"] == "Your appointment has a new time"]
    assert "(Tokyo time)" in mail["text"]
    assert booking.wrong(world) == []


def _mails(call: Call, key: str) -> list[dict[str, Any]]:
    call("A1").drain()
    return [mail for mail in flows.outbox() if PEOPLE[key].email in mail["to"]]


# ---- taking back and moving ----


def test_the_notice_binds_clients_and_not_staff(world: World, call: Call, clock: Any, service: str) -> None:
    booking.settings(call("A1"), minimum_notice_hours=0)
    start = (clock.now() + timedelta(hours=20)).strftime("%Y-%m-%dT%H:00:00.000Z")
    asked = book(call("C1"), "T1", service, start).json
    booked = _as_client(call, theirs(call("T1"), "C1", asked, "confirmation"))
    assert (booked["can_move"], booked["can_cancel"]) == (False, True)  # just booked: it can be undone
    clock.advance(11 * 60)
    now = call("C1").get(f"/portal/appointments/{booked['appointment_id']}").json
    assert (now["can_cancel"], now["undo_until"]) == (False, None)
    assert mine(call("C1"), booked, "cancellation", {}).code == "too_late"
    assert mine(call("C1"), booked, "time", {"starts_at": at(clock, 4), "zone": booking.ZONE}).code == "too_late"
    assert call("C1").get("/portal/appointments").json["phone"] == "(212) 555-0142"
    answer = theirs(call("T1"), "C1", booked, "cancellation", {"at_clients_request": True, "reason": "A cold"})
    assert (answer.json["status"], answer.json["late"], answer.json["reason"]) == ("cancelled", True, "A cold")
    assert booking.wrong(world) == []


def test_within_the_notice_a_client_cancels_alone_and_nothing_is_late(call: Call, clock: Any, service: str) -> None:
    booked = _confirmed(call, clock, service, days=5)
    clock.advance(11 * 60)
    answer = mine(call("C1"), booked, "cancellation", {"reason": "Away"})
    assert (answer.json["status"], answer.json["late"], answer.json["ended_by"]) == ("cancelled", False, "client")
    assert booking.taken(0) == ({}, {})
    (mail,) = [each for each in _mails(call, "T1") if each["subject"] == "An appointment was cancelled"]
    assert "METHOD:CANCEL" in mail["attachments"][0]["text"]
    assert "STATUS:CANCELLED" in mail["attachments"][0]["text"]
    assert mine(call("C1"), answer.json, "cancellation", {}).code == "appointment_ended"


def test_what_was_just_booked_can_be_undone(call: Call, clock: Any, service: str) -> None:
    booking.settings(call("A1"), instant_confirmation=True, minimum_notice_hours=1)
    start = (clock.now() + timedelta(hours=3)).strftime("%Y-%m-%dT%H:00:00.000Z")
    booked = book(call("C1"), "T1", service, start).json
    assert (booked["undo_until"] is not None, booked["moved"]) == (True, False)
    assert mine(call("C1"), booked, "cancellation", {}).json["status"] == "cancelled"
    assert booking.taken(0) == ({}, {})


def test_moving_frees_the_old_time_and_may_overlap_it(world: World, call: Call, clock: Any, service: str) -> None:
    booked = _confirmed(call, clock, service)
    moved = mine(call("C1"), booked, "time", {"starts_at": at(clock, 3, "15:15"), "zone": booking.ZONE})
    assert (moved.status, moved.json["status"], moved.json["moved"]) == (200, "requested", True)
    assert booking.wrong(world) == []
    stale = mine(call("C1"), booked, "time", {"starts_at": at(clock, 3, "16:00"), "zone": booking.ZONE})
    assert (stale.status, stale.code) == (412, "stale")
    (mail,) = [each for each in _mails(call, "C1") if each["subject"] == "We have your new request"]
    assert "METHOD:CANCEL" in mail["attachments"][0]["text"]


def test_a_meeting_across_midnight_is_one(world: World, call: Call, clock: Any, service: str) -> None:
    """In two UTC days of both sides; what begins right after it is free, what overlaps it is not."""
    booked = _asked(call, clock, service, days=3)
    late = at(clock, 2, "23:30")
    moved = mine(call("C1"), booked, "time", {"starts_at": late, "zone": booking.ZONE})
    assert moved.status == 200
    assert {each["day"] for each in flows.stored("therapist_day") if each["busy"] != "[]"} == {
        late[:10],
        at(clock, 3)[:10],
    }
    assert booking.wrong(world) == []
    assert book_for(call("A1"), "C3", "T4", service, late).status == 201
    for time, status in (("00:15", 409), ("00:20", 201)):
        answer = book_for(call("T1"), "C1", "T1", service, at(clock, 3, time), override=True)
        assert answer.status == status, answer


# ---- what cannot be booked ----


def test_every_refusal_says_what_a_client_can_do(world: World, call: Call, clock: Any, service: str) -> None:
    booking.hours(call("A1"), "T1", *booking.NINE_TO_FIVE)  # 14:00 to 22:00 UTC in November
    client = call("C1")

    def code(starts_at: str, key: str = "T1", **more: Any) -> tuple[int, str | None]:
        answer = book(client, key, more.pop("service", service), starts_at, **more)
        return answer.status, answer.code

    assert code(at(clock, -1)) == (409, "too_soon")
    assert code((clock.now() + timedelta(hours=23)).strftime("%Y-%m-%dT%H:00:00.000Z")) == (409, "too_soon")
    assert code(at(clock, 63)) == (409, "too_far")
    assert code(at(clock, 3, "13:45")) == (409, "slot_not_offered")
    assert code(at(clock, 3, "21:15")) == (409, "slot_not_offered")  # it would end after five
    assert code(at(clock, 3, "15:05")) == (409, "slot_not_offered")  # not on the grid
    assert code(at(clock, 3), service="01KF8DEM00000000000000000X") == (409, "service_not_offered")
    for key in ("T4", "T2", "T3", "BT", "C1"):  # unassigned, without hours, without a seat, foreign, nobody
        assert code(at(clock, 3), key) == (409, "therapist_not_offered")
    for wrong in ("2026-11-28T15:00:30Z", "2026-11-28T15:00:00", "2026-11-28T10:00:00-05:00", "2026-02-30T10:00:00Z"):
        assert code(wrong) == (422, "invalid_body")
    assert code(at(clock, 3), zone="America/Gotham") == (422, "invalid_body")
    assert code(at(clock, 3), zone="../../etc/passwd") == (422, "invalid_body")
    assert code(at(clock, 3), mode="in_person") == (422, "invalid_body")  # which place?
    assert flows.stored("appointment", "therapist_day", "client_day", "client_mail") == []


def test_a_taken_time_comes_with_others(call: Call, clock: Any, service: str) -> None:
    booking.settings(call("A1"), max_open_requests=5)
    taken = _asked(call, clock, service)
    assert book(call("C1"), "T1", service, taken["starts_at"]).code == "slot_taken"
    answer = book(call("C1"), "T1", service, taken["starts_at"])
    others = [each["detail"] for each in answer.json["errors"]]
    assert others == [at(clock, 3, "13:45"), at(clock, 3, "14:00"), at(clock, 3, "16:00")]
    assert book(call("C1"), "T1", service, others[0]).status == 201


def test_switched_off_nothing_more_can_be_booked_and_all_is_still_there(
    world: World, call: Call, clock: Any, service: str
) -> None:
    booked = _confirmed(call, clock, service, days=5)
    admin = call("A1")
    etag = admin.get("/practice/settings").json["etag"]
    assert admin.patch("/practice/settings", {"features": {"self_scheduling": False}}, etag=etag).status == 200
    client = call("C1")
    assert client.get("/portal/scheduling").code == "feature_switched_off"
    assert book(client, "T1", service, at(clock, 4)).code == "feature_switched_off"
    assert len(client.get("/portal/appointments").json["items"]) == 1
    assert mine(client, booked, "cancellation", {}).status == 200


def test_caps_hold(world: World, call: Call, clock: Any, service: str) -> None:
    booking.settings(call("A1"), max_open_requests=2, max_upcoming=3)
    client, staff = call("C1"), call("T1")
    first = _asked(call, clock, service, 3)
    _asked(call, clock, service, 4)
    assert book(client, "T1", service, at(clock, 5)).code == "too_many_open"
    theirs(staff, "C1", first, "confirmation")  # frees the open one, still ahead
    _asked(call, clock, service, 5)
    booking.settings(call("A1"), max_open_requests=5)
    assert book(client, "T1", service, at(clock, 6)).code == "too_many_ahead"
    assert book_for(staff, "C1", "T1", service, at(clock, 6)).status == 201  # caps are the clients'


def test_a_cap_on_the_therapists_day_counts_by_the_therapists_clock(call: Call, clock: Any, service: str) -> None:
    booking.settings(call("A1"), max_per_day=2, max_open_requests=9)
    assert book(call("C1"), "T1", service, at(clock, 3, "23:00")).status == 201
    assert book(call("C1"), "T1", service, at(clock, 4, "02:00")).status == 201  # the same day in New York
    assert book(call("C1"), "T1", service, at(clock, 3, "15:00")).code == "slot_taken"
    assert book(call("C1"), "T1", service, at(clock, 4, "15:00")).status == 201


def test_so_many_changes_a_day(call: Call, clock: Any, service: str, limits: Callable[..., None]) -> None:
    limits(scheduling_client=(2, 86400))
    first = _asked(call, clock, service)
    second = mine(call("C1"), first, "time", {"starts_at": at(clock, 4), "zone": booking.ZONE})
    refused = mine(call("C1"), second.json, "cancellation", {})
    assert (refused.status, refused.code) == (429, "too_many_requests")
    assert 0 < int(refused.headers["Retry-After"]) <= 86400


def test_the_same_request_twice_is_done_once(call: Call, clock: Any, service: str) -> None:
    key = uuid.uuid4().hex
    answers = [book(call("C1"), "T1", service, at(clock, 3), key_=key) for _ in range(2)]
    assert [answer.status for answer in answers] == [201, 201]
    assert len({answer.json["appointment_id"] for answer in answers}) == 1
    cancel = uuid.uuid4().hex
    twice = [mine(call("C1"), answers[0].json, "cancellation", {}, key=cancel) for _ in range(2)]
    assert [answer.json["status"] for answer in twice] == ["cancelled"] * 2
    assert len(flows.stored("appointment")) == 1


# ---- staff ----


def test_staff_book_with_open_eyes_and_never_over_what_is_taken(
    world: World, call: Call, clock: Any, service: str
) -> None:
    booking.hours(call("A1"), "T1", *booking.NINE_TO_FIVE)
    staff, night = call("T1"), at(clock, 3, "03:10")
    body = booking.wish("T1", service, night)
    del body["zone"]
    path = f"/practice/clients/{world.id('C1')}/appointments"
    assert staff.post(f"{path}/check", body).json == {"warnings": ["outside"], "blocked": None}
    refused = staff.post(path, body)
    assert (refused.code, refused.json["errors"][0]["code"]) == ("needs_override", "outside")
    booked = staff.post(path, {**body, "override": True, "minutes": 80})
    assert (booked.status, booked.json["status"], booked.json["made_by"]) == (201, "confirmed", "staff")
    assert booked.json["ends_at"] == at(clock, 3, "04:30")
    assert staff.post(f"{path}/check", body).json["blocked"] == "slot_taken"
    assert staff.post(path, {**body, "override": True}).code == "slot_taken"
    # The same client elsewhere: T3 is assigned to the client, too.
    other = {**body, "staff_id": world.id("T3"), "override": True}
    assert call("A1").post(path, other).code == "client_busy"
    assert staff.post(path, other).code == "not_your_calendar"
    assert call("A1").post(path, {**other, "staff_id": world.id("T4")}).code == "not_assigned"
    assert call("A1").post(path, {**other, "staff_id": world.id("BT")}).code == "not_assigned"
    assert booking.wrong(world) == []


def test_staff_move_and_settle(world: World, call: Call, clock: Any, service: str) -> None:
    booked = _confirmed(call, clock, service, days=2)
    staff = call("T1")
    assert theirs(staff, "C1", booked, "outcome", {"status": "completed"}).code == "not_yet_begun"
    thought = booking.wish("T1", service, at(clock, 2, "15:10"), moving=booked["appointment_id"])
    del thought["zone"]
    path = f"/practice/clients/{world.id('C1')}/appointments/check"
    assert staff.post(path, thought).json == {"warnings": [], "blocked": None}
    assert staff.post(path, {**thought, "moving": None}).json["blocked"] == "slot_taken"
    moved = theirs(staff, "C1", booked, "time", {"starts_at": at(clock, 3, "16:05")})
    assert (moved.status, moved.json["starts_at"]) == (200, at(clock, 3, "16:05"))
    clock.set(booking.instant(at(clock, 3, "17:00")))
    staff.sign_in("T1")
    done = theirs(staff, "C1", moved.json, "outcome", {"status": "completed"})
    assert done.json["status"] == "completed"
    assert theirs(staff, "C1", done.json, "outcome", {"status": "no_show"}).json["status"] == "no_show"
    assert booking.wrong(world) == []
    client = call("C1")
    client.sign_in("C1")
    past = client.get("/portal/appointments", query={"when": "past"}).json["items"]
    assert [each["status"] for each in past] == ["no_show"]
    assert client.get("/portal/appointments").json["items"] == []


def test_a_colleagues_calendar_is_not_ones_own(world: World, call: Call, clock: Any, service: str) -> None:
    asked = _asked(call, clock, service)
    assert theirs(call("T3"), "C1", asked, "confirmation").code == "not_your_calendar"
    day = clock.now().date()
    query = {"first_day": day, "last_day": day + timedelta(days=6)}
    assert call("T4").get("/practice/calendar", query={**query, "staff_ids": world.id("T1")}).status == 404
    (own,) = call("T4").get("/practice/calendar", query=query).json["items"]
    assert (own["staff_id"], own["appointments"]) == (world.id("T4"), [])
    everyone = call("A1").get("/practice/calendar", query=query).json["items"]
    assert {each["staff_id"] for each in everyone} == {world.id(key) for key in ("A2", "T1", "T2", "T3", "T4")}
    assert call("A1").get("/practice/calendar", query={**query, "staff_ids": world.id("BT")}).status == 404


def test_the_calendar_names_nobody_whom_the_asker_may_not_see_any_more(
    world: World, call: Call, clock: Any, service: str
) -> None:
    from chalicelib.services import clients

    _asked(call, clock, service)
    clients.unassign(world.tenant_id("oak"), world.id("C1"), world.id("T1"))
    (entry,) = call("T1").get("/practice/requests").json["items"]
    assert (entry["client_id"], entry["client_name"]) == (None, None)
    read = [each for each in flows.stored("tenant_audit") if each["action"] == "calendar:read"]
    assert read == []
    assert call("A1").get("/practice/requests").json["items"][0]["client_name"] == "Immy T."
    (read,) = [each for each in flows.stored("tenant_audit") if each["action"] == "calendar:read"]
    assert world.id("C1") in read["object"]


# ---- telehealth, reminders ----


def test_the_link_shows_only_shortly_before(world: World, call: Call, clock: Any, service: str) -> None:
    link = "https://video.example/room/7f3a"
    booking.hours(call("A1"), "T1", *booking.EVERY_DAY, telehealth_link=link)
    booked = _confirmed(call, clock, service, days=2)
    assert link not in repr(flows.stored("availability"))
    for before, shown in ((16, None), (15, link), (-49, link), (-50, None)):
        clock.set(booking.instant(booked["starts_at"]) - timedelta(minutes=before))
        client, staff = call("C1"), call("T1")
        client.sign_in("C1")
        staff.sign_in("T1")
        path = f"appointments/{booked['appointment_id']}"
        assert client.get(f"/portal/{path}").json["telehealth_link"] == shown
        assert staff.get(f"/practice/clients/{world.id('C1')}/{path}").json["telehealth_link"] == shown


def test_a_client_is_told_whether_a_link_will_appear(world: World, call: Call, clock: Any, service: str) -> None:
    """T1 has no link at first: then it is their way to say how one gets in."""
    booked = _confirmed(call, clock, service, days=2)
    there = call("A1")
    at_oak = there.get("/practice/offer").json["locations"][0]["location_id"]
    visit = book(call("C1"), "T1", service, at(clock, 4), mode="in_person", location_id=at_oak).json
    asked = [f"/portal/appointments/{each['appointment_id']}" for each in (booked, visit)]
    assert [call("C1").get(path).json["link_follows"] for path in asked] == [False, None]
    assert [each["video_link"] for each in call("C1").get("/portal/scheduling").json["therapists"]] == [False]
    booking.hours(there, "T1", *booking.EVERY_DAY, telehealth_link="https://video.example/room")
    assert [call("C1").get(path).json["link_follows"] for path in asked] == [True, None]
    (one,) = call("C1").get("/portal/scheduling").json["therapists"]
    assert (one["video_link"], "video.example" in repr(one)) == (True, False)


def test_reminders_come_once_at_their_times(world: World, call: Call, clock: Any, service: str) -> None:
    booking.settings(call("A1"), reminder_hours=[24, 2])
    booked = _confirmed(call, clock, service, days=5)
    start = booking.instant(booked["starts_at"])
    for hours, count in ((25, 0), (24, 1), (3, 1), (2, 2), (1, 2)):
        clock.set(start - timedelta(hours=hours) + timedelta(seconds=1))
        assert _subjects(call("A1"), "C1").count("A reminder") == count, hours
    mail = next(each for each in flows.outbox() if each["subject"] == "A reminder")
    assert "10:00 AM (New York time)" in mail["text"]
    assert flows.stored("appointment")[0].get("duesk") is None


def test_a_moved_appointment_is_reminded_of_at_its_new_time(call: Call, clock: Any, service: str) -> None:
    booked = _confirmed(call, clock, service, days=4)
    moved = theirs(call("T1"), "C1", booked, "time", {"starts_at": at(clock, 6)})
    clock.set(booking.instant(booked["starts_at"]) - timedelta(hours=23))
    assert "A reminder" not in _subjects(call("A1"), "C1")
    clock.set(booking.instant(moved.json["starts_at"]) - timedelta(hours=23))
    assert _subjects(call("A1"), "C1").count("A reminder") == 1


def test_due_work_that_is_brought_twice_reminds_once(world: World, call: Call, clock: Any, service: str) -> None:
    from chalicelib.services import appointments

    booked = _confirmed(call, clock, service, days=3)
    clock.set(booking.instant(booked["starts_at"]) - timedelta(hours=23))
    (record,) = flows.stored("appointment")
    with world.portal.pump.exclusively():
        flows.together(8, lambda _: appointments.sweep(record["pk"], record["sk"], clock.now()))
    assert _subjects(call("A1"), "C1").count("A reminder") == 1


# ---- an archived file (issue 3: it stops bookings) ----


def test_an_archived_file_takes_no_bookings(world: World, call: Call, clock: Any, service: str) -> None:
    """Neither by its client, who still signs in, nor by staff, alone, in a series or in a group; what was booked can be
    ended."""
    admin, client = call("A1"), call("C1")
    booked, asked = _confirmed(call, clock, service), _asked(call, clock, service, 5)
    meeting = booking.group(call("T1"), "T1", service, at(clock, 8)).json
    assert admin.post(f"/practice/clients/{world.id('C1')}/archive").status == 200
    assert book(client, "T1", service, at(clock, 6)).code == "therapist_not_offered"
    assert booking.wait_for(client, "T1", service).code == "therapist_not_offered"
    assert mine(client, booked, "time", {"starts_at": at(clock, 4), "zone": booking.ZONE}).code == (
        "therapist_not_offered"
    )
    assert theirs(call("T1"), "C1", asked, "confirmation").code == "client_archived"
    assert book_for(call("T1"), "C1", "T1", service, at(clock, 6)).code == "client_archived"
    assert booking.book_series(call("T1"), "C1", "T1", service, at(clock, 6)).code == "client_archived"
    joined = booking.of_group(call("T1"), "T1", meeting, "members", {"client_id": world.id("C1")})
    assert joined.code == "client_archived"
    assert theirs(call("T1"), "C1", asked, "refusal", {}).status == 200
    assert mine(client, booked, "cancellation", {}).status == 200
