"""Pages on which something is edited and saved whole: what is typed while a save is on its way stays to be saved."""

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from tests import booking
from tests.calls import PEOPLE, Caller
from tests.e2e.device import Device

UNSAVED = "Not saved yet"


def test_a_clients_profile(devices: Callable[..., Device], call: Callable[..., Any]) -> None:
    phone = devices("phone")
    phone.enter(call.browser("C1"))
    phone.open("/profile")
    page = phone.page
    name, number = page.get_by_label("The name you go by"), page.get_by_role("textbox", name="Mobile phone")
    number.fill("(212) 555-0101")
    with phone.held("PATCH", "/portal/profile"):
        phone.press("Save")
        name.fill("Im")
    expect(name).to_have_value("Im")
    expect(name).to_be_focused()
    phone.look("typed-meanwhile")
    page.reload()  # not saved, but not lost either
    expect(name).to_have_value("Im")
    phone.does("Save")
    page.reload()
    expect(name).to_have_value("Im")
    expect(number).to_have_value("(212) 555-0101")
    stored = call("C1").get("/portal/profile").json
    assert (stored["preferred_name"], stored["phone"]) == ("Im", "(212) 555-0101")


def test_a_profile_that_the_practice_changes_meanwhile(
    devices: Callable[..., Device], call: Callable[..., Any]
) -> None:
    def practice_writes(phone: str) -> None:
        path = f"/practice/clients/{PEOPLE['C1'].id}"
        therapist = call("T1")
        answer = therapist.patch(f"{path}/contact", {"phone": phone}, etag=therapist.get(path).json["etag"])
        assert answer.status == 200, answer

    phone = devices("phone")
    phone.enter(call.browser("C1"))
    phone.open("/profile")
    page = phone.page
    name, number = page.get_by_label("The name you go by"), page.get_by_role("textbox", name="Mobile phone")
    name.fill("Im")
    practice_writes("(212) 555-0103")
    page.reload()
    expect(number).to_have_value("(212) 555-0103")
    expect(name).to_have_value("Im")

    with phone.held("PATCH", "/portal/profile"):  # left before it is answered, and changed by the practice since
        phone.press("Save")
        phone.follow("Home")
        phone.arrived(re.compile("^Hello, "))
    practice_writes("(212) 555-0105")
    phone.open("/profile")
    expect(number).to_have_value("(212) 555-0105")
    expect(name).to_have_value("Im")

    name.fill("Imo")
    practice_writes("(212) 555-0104")
    phone.allow(412, "PATCH /api/portal/profile$")
    phone.press("Save")
    phone.sees("Your practice changed this page while you had it open.")
    phone.look("changed-meanwhile")
    phone.press("Load again")
    expect(number).to_have_value("(212) 555-0104")
    expect(name).to_have_value("Im")
    expect(page.get_by_text("Your practice changed this page")).to_have_count(0)
    phone.press("Sign out", within=page.get_by_role("main"))
    phone.arrived("Welcome back", title="Sign in")
    assert page.evaluate("() => Object.keys(sessionStorage).filter((name) => name.includes('profile'))") == []


def test_hours(desk: Callable[..., Device], call: Callable[..., Caller]) -> None:
    device = desk("T1")
    device.open("/staff/availability")
    page = device.page
    page.get_by_role("button", name="Add hours on Monday").click()
    link = page.get_by_label("Video link")
    with device.held("PATCH", "/practice/therapists/*/availability"):
        device.press("Save availability")
        link.fill("https://video.example/room")
    device.sees(UNSAVED)
    expect(link).to_have_value("https://video.example/room")
    device.does("Save availability")
    device.sees("Saved. It holds from now on")
    expect(page.get_by_role("button", name="Save availability")).to_be_focused()
    stored = call("T1").get(f"/practice/therapists/{PEOPLE['T1'].id}/availability").json
    assert stored["telehealth_link"] == "https://video.example/room"
    assert [len(ranges) for ranges in stored["schedules"][0]["week"]] == [1, 0, 0, 0, 0, 0, 0]


def test_the_schedule_that_is_edited_stays_in_hand(desk: Callable[..., Device], call: Callable[..., Caller]) -> None:
    booking.hours(call("A1"), "T1", ["09:00", "12:00"])
    device = desk("T1")
    device.open("/staff/availability")
    page = device.page
    device.press("New schedule from a later date")
    page.get_by_label("In force from").fill("2025-12-01")  # the other one begins later
    page.get_by_role("button", name="Remove hours on Monday from 09:00").click()
    device.does("Save availability")
    device.sees("Saved. It holds from now on")
    expect(page.get_by_label("In force from")).to_have_value("2025-12-01")
    schedules = call("T1").get(f"/practice/therapists/{PEOPLE['T1'].id}/availability").json["schedules"]
    assert [(one["first_day"], len(one["week"][0])) for one in schedules] == [
        ("2025-12-01", 0),
        (schedules[1]["first_day"], 1),
    ]


def test_hours_of_one_are_not_shown_as_anothers(desk: Callable[..., Device], call: Callable[..., Caller]) -> None:
    admin = call("A1")
    for key in ("T1", "T4"):
        booking.hours(admin, key, ["09:00", "12:00"], telehealth_link=f"https://video.example/{key}")
    device = desk("A1")
    device.open(f"/staff/availability/{PEOPLE['T1'].id}")
    link = device.page.get_by_label("Video link")
    with device.held("PATCH", "/practice/therapists/*/availability"):
        link.fill("https://video.example/new")
        device.press("Save availability")
        device.page.get_by_label("Whose availability").select_option(PEOPLE["T4"].id)
        expect(link).to_have_value("https://video.example/T4")
    device.look("anothers")
    expect(link).to_have_value("https://video.example/T4")
    stored = [admin.get(f"/practice/therapists/{PEOPLE[key].id}/availability").json for key in ("T1", "T4")]
    assert [one["telehealth_link"] for one in stored] == ["https://video.example/new", "https://video.example/T4"]


def test_services(desk: Callable[..., Device], call: Callable[..., Caller]) -> None:
    before = len(call("A1").get("/practice/offer").json["services"])
    device = desk("A1")
    device.open("/staff/services")
    page = device.page
    device.press("Add a service")
    name = page.locator(f"#s{before}-name")
    name.fill("Couples")
    with device.held("PATCH", "/practice/offer"):
        device.press("Save")
        name.fill("Couples, long")
        device.press("Add a service")
        page.locator(f"#s{before + 1}-name").fill("Intake")
    device.sees(UNSAVED)
    device.does("Save")
    device.sees("Saved.")
    expect(name).to_have_value("Couples, long")
    offered = [one["name"] for one in call("A1").get("/practice/offer").json["services"]]
    assert offered[before:] == ["Couples, long", "Intake"]  # the first once: its second save knew its id


def test_services_that_somebody_else_changes_meanwhile(
    desk: Callable[..., Device], call: Callable[..., Caller]
) -> None:
    device, other = desk("A1"), call("A2")
    device.open("/staff/services")
    device.press("Add a location")
    now = other.get("/practice/offer").json
    body = {"services": now["services"], "locations": [*now["locations"], {"location_id": None, "name": "Annex"}]}
    assert other.patch("/practice/offer", body, etag=now["etag"]).status == 200
    where = len(now["locations"])
    name = device.page.locator(f"#l{where}-name")
    device.press("Save")
    device.sees("Enter a name for each service and location")
    name.fill("Attic")
    device.allow(412, "PATCH /api/practice/offer$")
    device.press("Save")
    device.sees("Somebody else changed this meanwhile.")
    device.look("changed-meanwhile")
    device.press("Load what is there now")
    expect(name).to_have_value("Annex")
    device.press("Add a location")
    expect(device.page.locator(f"#l{where + 1}-name")).to_be_visible()
    expect(device.page.get_by_text("Enter a name for each service and location")).to_have_count(0)


def test_billing_settings(desk: Callable[..., Device], call: Callable[..., Caller]) -> None:
    device = desk("A1")
    device.open("/staff/organization/billing/settings")
    page = device.page
    days, foot = page.get_by_label("Days until an invoice is due"), page.get_by_label("Words at the foot")
    days.fill("21")
    with device.held("PATCH", "/practice/settings"):
        device.press("Save")
        foot.fill("Checks to Oak Practice")
    device.sees(UNSAVED)
    device.look("typed-meanwhile")
    device.does("Save")
    device.sees("Saved.")
    expect(days).to_have_value("21")
    stored = call("A1").get("/practice/settings").json["billing"]
    assert (stored["due_days"], stored["footer"]) == (21, "Checks to Oak Practice")


def test_a_colleague(desk: Callable[..., Device], call: Callable[..., Caller]) -> None:
    device = desk("A1")
    device.open(f"/staff/organization/staff/{PEOPLE['T2'].id}")
    page = device.page
    name, licence = page.get_by_label("Name", exact=True), page.get_by_label("Licence")
    name.fill("Jonah Fairweather")
    with device.held("PATCH", "/practice/staff/*"):
        device.press("Save changes")
        licence.fill("LMFT")
    device.sees(UNSAVED)
    device.arrived("Jonah Fairweather, LPC", by_link=False)
    device.look("typed-meanwhile")
    expect(licence).to_have_value("LMFT")
    path, other = f"/practice/staff/{PEOPLE['T2'].id}", call("A2")
    assert other.patch(path, {"name": "Jonah Marsh"}, etag=other.get(path).json["etag"]).status == 200
    device.allow(412, "PATCH /api/practice/staff/")
    device.press("Save changes")
    device.sees("Someone else changed this person.")
    device.look("changed-meanwhile")
    expect(name).to_have_value("Jonah Marsh")
    licence.fill("LMFT")
    device.does("Save changes")
    stored = call("A1").get(path).json
    assert (stored["name"], stored["credentials"]) == ("Jonah Marsh", "LMFT")


def test_an_organizations_profile(desk: Callable[..., Device], call: Callable[..., Caller]) -> None:
    device = desk("A1")
    device.open("/staff/organization/profile")
    page = device.page
    phone, address = page.get_by_label("Phone"), page.get_by_label("Address")
    phone.fill("(212) 555-0102")
    with device.held("PATCH", "/practice/organization"):
        device.press("Save profile")
        address.fill("2 Oak Lane")
    device.does("Save profile")
    device.sees("The profile is saved.")
    stored = call("A1").get("/practice/organization").json
    assert (stored["phone"], stored["address"]) == ("(212) 555-0102", "2 Oak Lane")
