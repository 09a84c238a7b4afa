"""The life of an appointment in browsers: hours are set, a time is asked for, answered, changed, and given back."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests import booking
from tests.e2e.device import Device

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


def choose_time(phone: Device, *, note: str = "", look: bool = False) -> str:
    """From the list of appointments to the last step; the time that was chosen."""
    phone.follow("Choose a time")
    phone.arrived(WHERE)
    if look:
        phone.look("where")
    phone.page.get_by_label("Video").check()
    phone.press("Continue")
    phone.arrived("Choose a time")
    first = phone.page.locator(".slot").first
    expect(first).to_be_visible()
    time = first.inner_text()
    first.click()
    if look:
        phone.look("times")
    phone.press("Continue")
    phone.arrived("Check and send")
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
    time = choose_time(phone, note="Rather by the window")
    first = call("C1").get("/portal/slots/first", query={"service_id": service, "mode": "telehealth"}).json["starts_at"]
    assert booking.book_for(call("T1"), "C2", "T1", service, first).status == 201
    phone.allow(409, "POST /api/portal/appointments")
    phone.press("Request this time")
    phone.sees(re.compile(f"Someone booked {re.escape(time)} a moment ago"))
    phone.look("taken")
    phone.page.locator(".slot").first.click()
    phone.press("Continue")
    phone.arrived("Check and send")
    expect(phone.page.get_by_label(re.compile("A note for your therapist"))).to_have_value("Rather by the window")
