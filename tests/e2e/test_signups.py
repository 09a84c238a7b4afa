"""Signing up on a phone, up to the practice's answer at a desk, and what a visitor is never told."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests import flows
from tests.calls import PEOPLE, Caller
from tests.e2e.device import Device
from tests.e2e.packets import PASSWORD, give_birth_date
from tests.flows import NEWCOMER

C1: Any = PEOPLE["C1"]


@pytest.fixture
def phone(devices: Callable[..., Device]) -> Device:
    """Somebody new."""
    return devices("phone")


@pytest.fixture
def desk(desk: Callable[..., Device]) -> Device:
    """The administrator's computer, signed in."""
    return desk("A1")


def enter(device: Device, **changed: str) -> None:
    """Fill in the Sign Up page."""
    told = {**NEWCOMER, **changed}
    page = device.page
    page.get_by_label("Your full legal name").fill(told["legal_name"])
    page.get_by_label("The name you go by").fill(told["preferred_name"])
    give_birth_date(page, told["birth_date"])
    page.get_by_label("E-mail", exact=True).fill(told["email"])
    page.get_by_label("Phone", exact=True).fill(told["phone"])
    page.get_by_label(re.compile("may contact me")).check()


def press(desk: Device, act: str, whose: str) -> None:
    """Press the button of one sign-up among several."""
    desk.page.get_by_role("button", name=re.compile(f"^{act} ?: {whose}$")).click()


def link(office: Caller, email: str) -> str:
    """The address in the newest mail."""
    return f"/sign-up#{flows.sign_up_token(office, email)}"


def send(device: Device, office: Caller, **changed: str) -> list[str]:
    """Sign up to the end; the words of the pages on the way."""
    email = changed.get("email", NEWCOMER["email"])
    device.open("/oak/sign-up")
    device.arrived("Sign Up", by_link=False)
    enter(device, **changed)
    device.press("Send")
    device.arrived("Look into your mailbox")
    said = [device.page.locator("main").inner_text().replace(email, "")]
    device.new_tab()
    device.open(link(office, email))
    device.arrived("Check this, then choose a password", title="Your address is confirmed", by_link=False)
    device.page.get_by_label("Choose a password", exact=True).fill(PASSWORD)
    device.press("Send to the practice")
    device.arrived("The practice will be in touch", title="Sent")
    return [*said, device.page.locator("main").inner_text()]


def test_from_the_sign_in_page_to_the_first_form(phone: Device, desk: Device, office: Caller, canaries: Any) -> None:
    canaries.allow(NEWCOMER["preferred_name"])
    phone.open("/oak")
    phone.follow("Sign Up")
    phone.arrived("Sign Up")
    phone.look("sign-up")
    phone.press("Send")
    summary = phone.page.get_by_role("group", name=re.compile("5|five"))
    expect(summary).to_be_focused()
    phone.look("missing")
    enter(phone)
    phone.look("filled")
    phone.press("Send")
    phone.arrived("Look into your mailbox")
    phone.sees(re.compile(NEWCOMER["email"]))
    phone.look("mailbox")
    address = link(office, NEWCOMER["email"])
    phone.new_tab()
    phone.open(address)
    phone.arrived("Check this, then choose a password", title="Your address is confirmed", by_link=False)
    assert "#" not in phone.page.url
    phone.page.get_by_label("Choose a password", exact=True).fill("too short")
    phone.press("Send to the practice")
    expect(phone.page.get_by_label("Choose a password", exact=True)).to_be_focused()
    phone.look("link")
    phone.page.get_by_label("Choose a password", exact=True).fill(PASSWORD)
    phone.press("Send to the practice")
    phone.arrived("The practice will be in touch", title="Sent")
    phone.look("sent")
    phone.open(address)
    phone.arrived("This link was used", by_link=False)
    phone.look("used")

    desk.open("/staff")
    desk.sees("1 sign-up waits")
    desk.look("today")
    desk.follow("Read sign-ups", within=desk.page.get_by_role("complementary"))
    desk.arrived("Sign-ups")
    desk.look("queue")
    press(desk, "Accept as new person", NEWCOMER["legal_name"])
    desk.sees(re.compile("3 forms are sent"))
    desk.look("accept")
    desk.press("Accept as new person", within=desk.page.get_by_role("dialog"))
    desk.sees("No one waits for an answer")
    desk.look("accepted")
    desk.follow("Open the file")
    desk.arrived(re.compile("Finch-Okafor"))
    office.drain()

    mail = office.outbox(NEWCOMER["email"])[-1]
    assert mail["subject"] == "Your account is open"
    phone.open("/oak")
    phone.page.get_by_label("E-mail").fill(NEWCOMER["email"])
    phone.page.get_by_label("Password", exact=True).fill(PASSWORD)
    phone.press("Sign in")
    phone.arrived("Hello, Teddybird")
    phone.sees("How to reach you")
    phone.look("home")
    phone.follow("Start")
    phone.arrived(re.compile("Intake Questionnaire|About you"), title="Standard Intake Questionnaire")


def test_a_visitor_reads_the_same_whoever_is_known(phone: Device, devices: Any, office: Caller, canaries: Any) -> None:
    canaries.allow(C1.name, *C1.name.split(), C1.preferred_name)
    new = send(phone, office, email="one@newcomer.example")
    other = devices("phone", name="other")
    victim = {"legal_name": C1.name, "birth_date": C1.birth_date}
    assert send(other, office, email="two@newcomer.example", **victim) == new


def test_a_possible_duplicate_is_linked_at_a_desk(phone: Device, desk: Device, office: Caller, canaries: Any) -> None:
    person: Any = PEOPLE["C4"]
    canaries.allow(person.name, *person.name.split())
    send(phone, office, legal_name=person.name, birth_date=person.birth_date)
    desk.open("/staff/sign-ups")
    desk.arrived("Sign-ups", by_link=False)
    desk.sees("Possible duplicate")
    desk.sees("Same name and date of birth")
    desk.look("duplicate")
    press(desk, "Link to this file", person.name)
    dialog = desk.page.get_by_role("dialog")
    expect(dialog.get_by_label(re.compile("on the file"))).to_be_checked()
    dialog.get_by_label(re.compile("confirmed now")).check()
    desk.look("link")
    dialog.get_by_label(re.compile("on the file")).check()
    desk.press("Link and invite", within=dialog)
    desk.sees("No one waits for an answer")
    office.drain()
    assert len(office.outbox(person.email)) == 1
    assert "/join#" in office.outbox(person.email)[0]["text"]


def test_two_administrators_and_one_rejection(phone: Device, desk: Device, office: Caller, call: Any) -> None:
    send(phone, office)
    desk.open("/staff/sign-ups")
    desk.arrived("Sign-ups", by_link=False)
    press(desk, "Reject", NEWCOMER["legal_name"])
    desk.look("reject")
    (waiting,) = flows.sign_ups(call("A1"))
    assert flows.answer_sign_up(call("A1"), waiting, "rejection", tell=False).status == 200
    desk.allow(409, "POST /api/practice/sign-ups/")
    desk.page.get_by_label(re.compile("neutral e-mail")).check()
    desk.press("Reject", within=desk.page.get_by_role("dialog"))
    desk.sees("A colleague has already answered this sign-up.")
    desk.look("decided")
    desk.press("Cancel")
    desk.sees("No one waits for an answer")
    office.drain()
    assert len(office.outbox(NEWCOMER["email"])) == 1


def test_switched_off(phone: Device, desk: Device, call: Any) -> None:
    desk.open("/staff/organization/client-portal")
    desk.arrived("Client Portal", title="Client Portal Settings", by_link=False)
    desk.sees(re.compile("For new people only"))
    with desk.done():
        desk.page.get_by_label("Notice of Privacy Practices").uncheck()
    desk.sees("Saved")
    desk.look("settings")
    with desk.done():
        desk.page.get_by_role("switch", name="Sign Up link").uncheck()
    desk.sees("Switched off. Nobody can use the link.")
    assert len(call("A1").get("/practice/settings").json["sign_up_forms"]) == 2
    phone.open("/oak/sign-up")
    phone.arrived("Sign Up is closed", by_link=False)
    phone.look("closed")
    phone.open("/oak")
    phone.arrived("Welcome back", title="Sign in", by_link=False)
    expect(phone.page.get_by_role("link", name="Sign Up")).to_have_count(0)


def test_bad_links_and_bad_connections(phone: Device, office: Caller) -> None:
    phone.allow(404, "POST /api/sign-ups/lookup")
    phone.open("/sign-up")
    phone.arrived("Open the link from your e-mail", by_link=False)
    phone.open("/verify")  # away from /sign-up, so that the link is a fresh page
    phone.open(f"/sign-up#{'0' * 26}.{'a' * 40}.p.{'x' * 43}")
    phone.arrived("This link does not work", by_link=False)
    phone.allow(404, "GET /api/tenants/nowhere/sign-up")
    phone.open("/nowhere/sign-up")
    phone.arrived("There is no practice at this address", by_link=False)
    phone.open("/oak/sign-up")
    enter(phone)
    phone.go_offline()
    phone.press("Send")
    expect(phone.page.get_by_role("alert")).to_be_visible()
    phone.look("offline", both=False)
    phone.go_online()
    phone.press("Send")
    phone.arrived("Look into your mailbox")
    phone.press("Correct what I entered")
    phone.arrived("Sign Up")
    expect(phone.page.get_by_label("Your full legal name")).to_have_value(NEWCOMER["legal_name"])
