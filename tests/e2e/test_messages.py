"""Secure messages in browsers: a client on a phone and a therapist at a desk, at the same time."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.calls import PEOPLE
from tests.e2e.device import Device

C1 = PEOPLE["C1"]


@pytest.fixture
def phone(devices: Callable[..., Device], call: Any) -> Device:
    """C1 at home."""
    device = devices("phone")
    device.enter(call.browser("C1"))
    return device


def test_scratch(phone: Device, call: Any) -> None:
    phone.open("/messages")
    phone.arrived("Messages", by_link=False)
    phone.sees("No messages yet")
    phone.look("empty")
    phone.follow("New message")
    phone.arrived("New message")
    phone.look("new")
    phone.press("Send")
    phone.look("wrong")
    phone.page.get_by_label(re.compile("Priya")).check()
    phone.page.get_by_label("Subject").fill("Before our first session")
    phone.page.get_by_label("Message", exact=True).fill("Hello Priya,\nis it all right if my partner joins?")
    phone.sees(re.compile("^Saved "))
    phone.press("Send")
    phone.arrived("Before our first session", title="Messages")
    phone.look("thread")
    thread = call("T1").get("/practice/messages").json["items"][0]
    path = f"/practice/clients/{thread['client_id']}/messages/{thread['thread_id']}"
    assert call("T1").post(path, {"body": "Of course. We can start together and then take the rest of the time."}).status == 201
    phone.sees("Of course.")
    phone.page.get_by_label(re.compile("Message to")).fill("Thank you")
    phone.page.get_by_label("Attach files").set_input_files({"name": "notes.txt", "mimeType": "text/plain", "buffer": b"Some notes"})
    phone.sees("Ready")
    phone.look("composer")
    phone.press("Send")
    phone.sees("notes.txt")
    phone.look("thread2")
    phone.follow("Print")
    phone.look("print")
    phone.follow("Conversation")
    phone.press("Trash")
    phone.sees("Moved to the trash.")
    phone.look("trashed")
