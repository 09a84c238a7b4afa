"""The life of an appointment in browsers: hours are set, a time is asked for, answered, changed, and given back."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests import booking
from tests.e2e.device import Device

T1 = booking.PEOPLE["T1"].id
WHERE = re.compile("Where would you like to meet")


@pytest.fixture
def service(call: Any) -> str:
    """T1 sees clients from nine to five, by the clock of New York."""
    return booking.opened(call, "T1", times=booking.NINE_TO_FIVE)


@pytest.fixture
def phone(devices: Callable[..., Device], call: Any) -> Device:
    """C1 at home."""
    device = devices("phone")
    device.enter(call.browser("C1"))
    return device


def choose_time(phone: Device, *, note: str = "", look: bool = False, title: str = "Check and send") -> str:
    """From the list of appointments to the last step; the time that was chosen."""
    see_times(phone, look=look)
    return take_first(phone, note=note, look=look, title=title)


def see_times(phone: Device, *, look: bool = False) -> None:
    """From the list of appointments to the times."""
    phone.follow("Choose a time")
    phone.arrived(WHERE)
    if look:
        phone.look("where")
    phone.page.get_by_label("Video").check()
    phone.press("Continue")
    phone.arrived("Choose a time")
    # Known last, it leads to another week: what is shown from then on stays.
    expect(phone.page.get_by_role("button", name=re.compile("^First available"))).to_be_visible()
    expect(phone.page.locator(".slot").first).to_be_visible()


def take_first(phone: Device, *, note: str = "", look: bool = False, title: str = "Check and send") -> str:
    """The first of the times that are shown, and on to the last step; the time."""
    first = phone.page.locator(".slot").first
    time = first.inner_text()
    first.click()
    if look:
        phone.look("times")
    phone.press("Continue")
    phone.arrived(title)
    if note:
        phone.page.get_by_label(re.compile("A note for your therapist")).fill(note)
    if look:
        phone.look("check")
    return time


def test_a_client_asks_for_a_time_and_takes_it_back(phone: Device, service: str) -> None:
    phone.open("/home")
    phone.follow("Appointments", within=phone.page.get_by_role("navigation", name="Main, small screens"))
    phone.arrived("Appointments")
    phone.sees("No appointments ahead")
    phone.look("none")
    choose_time(phone, note="Rather by the window", look=True)
    phone.page.go_back()  # the phone's own way back: one step, and nothing is lost
    phone.arrived("Choose a time")
    phone.press("Continue")
    expect(phone.page.get_by_label(re.compile("A note for your therapist"))).to_have_value("Rather by the window")
    phone.press("Request this time")
    phone.arrived("Your request is sent")
    phone.sees("Waiting for confirmation")
    phone.look("asked")
    phone.press("Undo")
    phone.sees("Taken back. The time is free again.")
    phone.sees("You cancelled it.")
    phone.follow("Appointments", within=phone.page.get_by_role("main"))
    phone.arrived("Appointments")
    phone.sees("Past")
    phone.press("Make an address")
    expect(phone.page.get_by_label("Private calendar address")).to_have_value(re.compile("calendar.ics$"))
    phone.look("list")


def test_a_time_that_was_just_taken_is_said_and_the_note_is_kept(phone: Device, service: str, call: Any) -> None:
    phone.open("/appointments")
    see_times(phone)
    with phone.page.expect_response(re.compile(r"/portal/slots\?")) as week:
        phone.press("Next week")
    first = min(week.value.json()["items"][0]["starts"])
    expect(phone.page.locator(".slot").first).to_be_visible()
    shown = phone.page.get_by_role("heading", level=2).inner_text()
    time = take_first(phone, note="Rather by the window")
    assigned = call("A1").post(f"/practice/clients/{booking.PEOPLE['C2'].id}/therapists", {"staff_id": T1})
    assert assigned.status < 300, assigned
    assert booking.book_for(call("A1"), "C2", "T1", service, first).status == 201
    phone.allow(409, "POST /api/portal/appointments")
    phone.press("Request this time")
    phone.sees(re.compile(f"Someone booked {re.escape(time)} a moment ago"))
    expect(phone.page.get_by_role("heading", level=2)).to_have_text(shown)  # the week of what was lost
    phone.look("taken")
    phone.page.locator(".slot").first.click()
    phone.press("Continue")
    phone.arrived("Check and send")
    expect(phone.page.get_by_label(re.compile("A note for your therapist"))).to_have_value("Rather by the window")


@pytest.fixture
def desk(desk: Callable[..., Device]) -> Device:
    """The therapist's computer."""
    return desk("T1")


def test_the_first_time_with_any_of_two_therapists(devices: Callable[..., Device], call: Any) -> None:
    """T1 is free in the afternoon; T4, who has a room for video, in the morning."""
    admin = call("A1")
    booking.opened(call, "T1", times=[["13:00", "17:00"]])
    booking.hours(admin, "T4", ["09:00", "12:00"], telehealth_link="https://video.example/room")
    also = admin.post(f"/practice/clients/{booking.PEOPLE['C1'].id}/therapists", {"staff_id": booking.PEOPLE["T4"].id})
    assert also.status < 300, also
    phone = devices("phone")
    phone.enter(call.browser("C1"))
    phone.open("/appointments")
    phone.follow("Choose a time")
    phone.arrived("Whom would you like to see?")
    phone.look("who")
    phone.page.get_by_label(re.compile("Any of my therapists")).check()
    phone.press("Continue")
    phone.arrived(WHERE)
    phone.sees("You find the link here before the session, or your therapist sends you the details.")
    phone.page.get_by_label("Video").check()
    phone.press("Continue")
    phone.arrived("Choose a time")
    phone.page.get_by_role("button", name=re.compile("First available: .* with ")).click()
    phone.look("times")
    whom = re.search(r", with (.*?),? ", phone.page.get_by_role("status").filter(has_text="with").inner_text() + " ")
    phone.press("Continue")
    phone.arrived("Check and send")
    phone.look("check")
    assert whom is not None
    expect(phone.page.get_by_role("main")).to_contain_text(whom[1])
    phone.press("Request this time")
    phone.arrived("Your request is sent")


def test_an_administrator_offers_services_and_locations(devices: Callable[..., Device], call: Any) -> None:
    admin = devices("desktop", name="admin")
    admin.enter(call.browser("A1"))
    admin.open("/staff/services")
    admin.arrived("Services and locations", by_link=False)
    page = admin.page
    admin.press("Save")
    admin.sees("Saved.")
    for name, minutes in (("First visit", "80"), ("Session", "50")):
        admin.press("Add a service")
        group = page.get_by_role("group", name="New service")
        group.get_by_label("Name").fill(name)
        page.get_by_role("group", name=name).get_by_label("Minutes").fill(minutes)
    page.get_by_role("group", name="Session").get_by_label("Price in US dollars").fill("120")
    for name in ("Oak Lane", "River Street"):
        admin.press("Add a location")
        page.get_by_role("group", name="New location").get_by_label("Name").fill(name)
    admin.press("Save")
    admin.sees("Saved.")
    admin.look("services")
    found = call("A1").get("/practice/offer").json
    assert [each["name"] for each in found["services"]] == ["First visit", "Session"]
    assert found["services"][1]["price"] == {"amount": 12000, "currency": "usd"}
    assert [each["name"] for each in found["locations"]] == ["Oak Lane", "River Street"]


def test_the_whole_life_of_a_request(desk: Device, phone: Device, call: Any) -> None:
    booking.offer(call("A1"))
    desk.open("/staff")
    desk.page.get_by_role("navigation", name="Main, wide screens").get_by_role(
        "link", name="Set Calendar Availability"
    ).click()
    desk.arrived("Set Calendar Availability")
    page = desk.page
    page.get_by_label("In force from").fill("2026-01-05")
    page.get_by_role("button", name="Add hours on Monday").click()
    page.get_by_role("button", name="Add hours on Monday").click()
    starts, ends = page.get_by_label("From, Monday"), page.get_by_label("To, Monday")
    ends.nth(0).fill("12:00")
    starts.nth(1).fill("13:00")
    desk.press("Save availability")
    desk.sees("Monday: enter a start and an end that differ")
    desk.look("wrong")
    ends.nth(1).fill("17:00")
    page.get_by_role("button", name="Copy to rest of week from Monday").click()
    desk.press("Add time off")
    desk.press("Save availability")
    desk.sees("Saved. It holds from now on")
    desk.look("availability")

    phone.open("/appointments")
    choose_time(phone, note="Rather by the window")
    phone.press("Request this time")
    phone.arrived("Your request is sent")

    desk.open("/staff")
    desk.sees("1 request waits for an answer")
    desk.look("today")
    desk.page.get_by_role("link", name="Answer Immy T.").click()
    desk.arrived("Immy Thistlewood", title="Appointment")
    desk.sees("Rather by the window")
    desk.look("request")
    desk.press("Confirm")
    desk.sees("Confirmed. The client is told.")
    desk.open("/staff/calendar")
    desk.page.get_by_label("Agenda").check()
    expect(desk.page.locator(".agendarow").first).to_be_visible()
    desk.look("agenda")

    phone.open("/home")
    phone.sees("Your next appointment")
    phone.look("home")
    phone.page.get_by_role("link", name=re.compile("Confirmed")).click()
    phone.arrived("Appointment")
    phone.press("Cancel this appointment")
    phone.page.get_by_label(re.compile("Why, if you want to say")).fill("A cold")
    phone.look("cancelling")
    phone.page.get_by_role("dialog").get_by_role("button", name="Cancel this appointment").click()
    phone.sees("You cancelled it.")

    desk.open(f"/staff/clients/{booking.PEOPLE['C1'].id}/appointments")
    desk.sees("Cancelled")
    desk.look("history")
    desk.page.locator("main a.row").first.click()
    desk.sees("A cold")


def test_staff_propose_and_the_client_takes_one_in_another_zone(
    desk: Device, devices: Callable[..., Device], call: Any, service: str
) -> None:
    tokyo = devices("phone", zone="Asia/Tokyo", name="tokyo")
    tokyo.enter(call.browser("C1"))
    tokyo.open("/appointments")
    choose_time(tokyo)
    tokyo.sees(re.compile(r"For Priya Halvorsen, LCSW that is .* 9:00.AM, Eastern Time"))
    tokyo.look("check")
    tokyo.press("Request this time")
    tokyo.arrived("Your request is sent")
    tokyo.sees(re.compile("Japan"))

    desk.open("/staff/calendar")
    desk.page.get_by_role("link", name="Answer Immy T.").click()
    desk.arrived("Immy Thistlewood", title="Appointment")
    desk.sees(re.compile("Japan"))
    desk.press("Propose other times")
    group = desk.page.get_by_role("group", name="Time 1")
    group.get_by_label("Starts at").fill("11:00")
    desk.sees("This time is free.")
    desk.look("propose")
    desk.press("Offer these times")
    desk.sees("Offered. The client is told")

    tokyo.open("/home")
    tokyo.page.get_by_role("link", name=re.compile("Other times offered")).click()
    tokyo.arrived("Appointment")
    tokyo.look("offered")
    tokyo.page.get_by_role("button", name=re.compile("^Take ")).click()
    tokyo.sees("Your new time is confirmed.")
    assert [each["status"] for each in call("C1").get("/portal/appointments").json["items"]] == ["confirmed"]


def test_staff_book_with_a_warning_and_move_it(desk: Device, service: str, call: Any) -> None:
    desk.open("/staff/calendar")
    desk.follow("New appointment")
    desk.arrived("Whom is the appointment for?")
    desk.page.get_by_label("Search clients").fill("Thistle")
    desk.page.get_by_role("link", name=re.compile("Thistlewood")).click()
    desk.arrived("New appointment")
    desk.page.get_by_label("Starts at").fill("19:00")
    desk.sees("Outside the hours that are set.")
    desk.page.get_by_label("Use this time anyway").check()
    desk.look("warned")
    desk.press("Book")
    desk.sees("Booked. The client is told.")
    desk.press("Move")
    desk.page.get_by_label("Starts at").fill("15:00")
    desk.sees(re.compile("This time is free|Within the notice"))
    if desk.page.get_by_label("Use this time anyway").count():
        desk.page.get_by_label("Use this time anyway").check()
    desk.look("move")
    desk.page.get_by_role("form", name="Move appointment").get_by_role("button", name="Move").click()
    desk.sees("Moved. The client is told.")
    assert [each["status"] for each in call("C1").get("/portal/appointments").json["items"]] == ["confirmed"]


def test_the_calendar_of_a_practice_by_pointer_and_by_keys(devices: Callable[..., Device], call: Any) -> None:
    """A week with everything in it; an empty time that is chosen with the keys, in the calendar of a colleague."""
    admin, clock = call("A1"), call().clock
    services = [
        {"name": "Session", "minutes": 50, "colour": "blue"},
        {"name": "First visit", "minutes": 80, "colour": "rose"},
    ]
    body = {"services": services, "locations": [{"name": "Oak Lane"}, {"name": "River Street"}]}
    offered = admin.api("PATCH", "/practice/offer", body, etag=admin.get("/practice/offer").json["etag"]).json
    session, visit = (each["service_id"] for each in offered["services"])
    day = booking.weekday_from(clock, 1, 0)
    off = [{"first_day": booking.days_on(day, 3), "last_day": booking.days_on(day, 3)}]
    booking.hours(admin, "T1", ["09:00", "12:00"], ["13:00", "17:00"], time_off=off)
    booking.hours(admin, "T4", ["10:00", "18:00"])
    for client, therapist, service, days, time in (
        ("C1", "T1", session, 0, "14:30"), ("C3", "T4", visit, 0, "16:00"), ("C1", "T1", visit, 1, "18:30"),
        ("C4", "T4", session, 1, "15:15"), ("C4", "T4", session, 2, "15:15"),
    ):  # fmt: skip
        at = f"{booking.days_on(day, days)}T{time}:00Z"
        assert booking.book_for(admin, client, therapist, service, at, override=True).status == 201
    assert booking.book(call("C1"), "T1", session, f"{booking.days_on(day, 2)}T19:00:00Z").status == 201

    desk = devices("desktop", name="front")
    desk.enter(call.browser("A1"))
    desk.open("/staff/calendar")
    page = desk.page
    page.get_by_label("Go to").fill(day)
    page.get_by_label("Whose calendar").select_option("Everyone")
    expect(page.locator("a.event")).to_have_count(2)
    desk.look("day")
    page.get_by_label("Week").check()
    expect(page.locator(".legend", has_text="Halvorsen")).to_contain_text("PH Priya Halvorsen, LCSW")
    one = page.get_by_role("link", name=re.compile("Immy T.*Priya Halvorsen, LCSW")).first
    expect(one.locator(".letters")).to_have_text("PH")
    assert one.locator(".letters").evaluate("(e) => e.scrollWidth <= e.clientWidth"), "the letters are cut off"
    desk.look("everyone", both=False)
    page.get_by_label("Whose calendar").select_option(label="Priya Halvorsen")
    expect(page.locator("a.event")).to_have_count(3)
    expect(page.get_by_role("navigation", name="Main, wide screens").locator(".count")).to_contain_text("1")
    desk.look("week")
    page.get_by_label("Agenda").check()
    expect(page.locator(".agendarow")).to_have_count(4)
    desk.look("agenda")
    page.get_by_label("Day", exact=True).check()
    grid = page.get_by_role("grid")
    grid.locator("[tabindex='0']").focus()
    for _ in range(3):  # from nine, the first open half hour
        page.keyboard.press("ArrowDown")
    expect(grid.locator(":focus")).to_have_attribute("aria-label", re.compile("10:30 AM, open for scheduling"))
    page.keyboard.press("Enter")
    desk.arrived("Whom is the appointment for?")
    desk.sees(re.compile("10:30.AM"))
    page.get_by_role("link", name=re.compile("Thistlewood")).click()
    desk.arrived("New appointment")
    expect(page.get_by_label("Day")).to_have_value(day)
    expect(page.get_by_label("Starts at")).to_have_value("10:30")
    desk.press("Book")
    desk.sees(re.compile("Booked. The client is told.|against this time"))


def test_a_client_is_told_of_something_earlier_and_takes_it(
    phone: Device, devices: Callable[..., Device], call: Any, service: str
) -> None:
    booking.settings(call("A1"), instant_confirmation=True)
    booking.assign(booking.PEOPLE["C3"].id, "T1")
    days = booking.starts(booking.slots(call("C1"), service, booking.at(call().clock, 2)[:10], 20))
    gone = booking.book(call("C3"), "T1", service, days[0])
    assert gone.status == 201, gone
    own = booking.book(call("C1"), "T1", service, days[-1]).json
    phone.open(f"/appointments/{own['appointment_id']}")
    phone.press("Tell me when something earlier opens")
    phone.sees("Only times before")
    phone.look("joining")
    phone.press("Join the wait list")
    phone.sees("You are on the wait list")
    phone.follow("Choose another time")
    phone.arrived("Choose another time")
    phone.sees("You are on the wait list of Priya Halvorsen, LCSW.")
    phone.open("/appointments")
    phone.sees("Earlier than the appointment you have")
    phone.look("waiting")
    desk = devices("desktop", name="desk")
    desk.enter(call.browser("T1"))
    desk.open("/staff/wait-list")
    desk.sees("Immy T.")
    desk.look("list")

    assert booking.mine(call("C3"), gone.json, "cancellation", {}).status == 200
    call().clock.advance(61)
    call().drain()
    desk.open("/staff/calendar")
    desk.page.get_by_label("Go to").fill(days[0][:10])
    desk.page.get_by_label("Agenda").check()
    desk.sees("Offered to the wait list")
    desk.look("held", both=False)
    phone.open("/home")
    phone.sees("A time has opened for you")
    phone.look("home", both=False)
    phone.open("/appointments")
    phone.sees("A time has opened for you")
    phone.look("offered")
    phone.page.get_by_role("button", name=re.compile("^Move my appointment to")).click()
    phone.arrived("Your new time is set")
    items = call("C1").get("/portal/appointments").json["items"]
    assert [(each["appointment_id"], each["starts_at"]) for each in items] == [(own["appointment_id"], days[0])]


def test_the_night_when_clocks_go_back_is_told_apart_in_both_zones(devices: Callable[..., Device], call: Any) -> None:
    """1:30 comes twice in New York on 7 November 2027 and once in Tokyo: each shows its own, and one is booked."""
    call().clock.set(booking.instant("2027-11-05T15:00:00Z"))

    def later(key: str) -> Any:
        caller = call()  # everyone was signed out long before
        caller.sign_in(key)
        return caller

    night = [{"day": "2027-11-07", "ranges": booking.ranges(["00:00", "03:00"])}]
    booking.opened(later, "T1", times=booking.NINE_TO_FIVE)
    booking.hours(later("T1"), "T1", *booking.NINE_TO_FIVE, overrides=night)
    tokyo = devices("phone", zone="Asia/Tokyo", name="tokyo")
    tokyo.enter(call.browser("C1"))
    tokyo.open("/appointments/new")
    tokyo.page.get_by_label("Video").check()
    tokyo.press("Continue")
    zone = tokyo.page.get_by_label("Times are shown in")
    zone.select_option("America/New_York")
    expect(tokyo.page.get_by_role("button", name=re.compile("First available"))).to_be_visible()
    tokyo.page.get_by_role("button", name="Next week").click()
    expect(tokyo.page.get_by_role("heading", name=re.compile("^Nov 7"))).to_be_visible()
    tokyo.page.locator(".days label", has_text="Sun").click()
    expect(tokyo.page.locator(".slot", has_text=re.compile(r"1:30.AM E[DS]T"))).to_have_count(2)
    tokyo.look("fold")
    tokyo.page.locator(".slot", has_text=re.compile(r"1:30.AM EST")).click()
    zone.select_option("Asia/Tokyo")
    expect(tokyo.page.locator(".slot :checked")).to_have_count(1)
    expect(tokyo.page.locator(".slot:has(:checked)")).to_have_text(re.compile(r"3:30.PM"))
    tokyo.press("Continue")
    tokyo.arrived("Check and send")
    tokyo.sees(re.compile("Japan"))
    tokyo.press("Request this time")
    tokyo.arrived("Your request is sent")
    (asked,) = later("C1").get("/portal/appointments").json["items"]
    assert asked["starts_at"] == "2027-11-07T06:30:00.000Z"  # 1:30 EST, an hour after 1:30 EDT
    desk = devices("desktop", name="desk")
    desk.enter(call.browser("T1"))
    desk.open("/staff/calendar")
    desk.page.get_by_label("Go to").fill("2027-11-07")
    expect(desk.page.locator("a.event")).to_contain_text(re.compile(r"1:30.AM"))
    desk.look("night")


def test_nothing_to_book_says_why_and_whom_to_call(phone: Device, call: Any) -> None:
    phone.open("/appointments/new")
    phone.arrived("Booking is not open here", by_link=False)
    phone.sees(re.compile("None of your therapists has opened times here yet"))
    phone.look("nobody")


def test_within_the_notice_only_the_practice_can_change_it(phone: Device, service: str, call: Any) -> None:
    booking.settings(call("A1"), instant_confirmation=True)
    phone.open("/appointments")
    choose_time(phone, title="Check and book")
    phone.press("Book this time")
    phone.arrived("Your appointment is booked")
    booking.settings(call("A1"), cancel_notice_hours=720)
    call().clock.advance(660)  # past the undo
    phone.open("/appointments")
    phone.page.locator("main a.row").first.click()
    phone.sees(re.compile("It is too late to change this here. Call the practice"))
    phone.look("late")


def test_a_client_moves_an_appointment_that_is_booked_at_once(phone: Device, service: str, call: Any) -> None:
    booking.settings(call("A1"), instant_confirmation=True)
    phone.open("/appointments")
    choose_time(phone, title="Check and book")
    phone.press("Book this time")
    phone.arrived("Your appointment is booked")
    phone.follow("Choose another time")
    phone.arrived("Choose another time")
    phone.page.locator(".slot").last.click()
    phone.look("other")
    phone.press("Continue")
    phone.arrived("Check and book")
    phone.press("Move to this time")
    phone.arrived("Your new time is set")
    assert [each["status"] for each in call("C1").get("/portal/appointments").json["items"]] == ["confirmed"]
