"""Secure messages in browsers: a client on a phone and a therapist at a desk, at the same time."""

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import APIResponse, Route, expect

from tests.calls import PEOPLE, Caller
from tests.e2e.device import Device

C1, T1 = PEOPLE["C1"], PEOPLE["T1"]
WAITING = "There is something new for you"
SMALL, WIDE = "Main, small screens", "Main, wide screens"


def entered(devices: Callable[..., Device], call: Any, key: str, kind: str, name: str) -> Device:
    """A device at which this person is signed in."""
    device = devices(kind, name=name)
    device.enter(call.browser(key))
    return device


def counter(device: Device, menu: str) -> Any:
    """What stands beside "Messages" in the navigation."""
    link = device.page.get_by_role("navigation", name=menu).get_by_role("link", name=re.compile("^Messages"))
    return link.locator(".count")


def write(device: Device, words: str, press: str = "Send") -> None:
    """Into the conversation that is open."""
    device.page.get_by_role("textbox", name=re.compile("^Message to ")).fill(words)
    device.press(press)
    expect(device.page.locator(".bubble", has_text=words)).to_be_visible()


def attach(device: Device, office: Caller, name: str, content: bytes) -> None:
    """To the message that is being written; it is ready once it was checked."""
    with device.page.expect_response("**/finish"):
        device.page.get_by_label("Attach files").set_input_files(
            {"name": name, "mimeType": "application/octet-stream", "buffer": content}
        )
    shown = device.page.get_by_role("list", name="Attached files").get_by_role("listitem").filter(has_text=name)
    expect(shown).to_contain_text("Checking")
    office.drain()
    expect(shown).to_contain_text("Ready")


def test_a_conversation_both_ways(devices: Callable[..., Device], call: Any, office: Caller) -> None:
    phone = entered(devices, call, "C1", "phone", "phone")
    phone.open("/home")
    phone.follow("Messages", within=phone.page.get_by_role("navigation", name=SMALL))
    phone.arrived("Messages")
    phone.sees("No messages yet")
    phone.look("empty")
    phone.follow("New message")
    phone.arrived("New message")
    phone.press("Send")
    phone.sees("Not sent yet. First do this:")
    phone.look("missing")
    phone.page.get_by_label(re.compile("Priya")).check()
    phone.page.get_by_label("Subject").fill("Before our first session")
    phone.page.get_by_label("Message", exact=True).fill("Hello Priya,\nis it all right if my partner joins?")
    phone.sees(re.compile("^Saved "))
    phone.page.reload()
    expect(phone.page.get_by_label("Subject")).to_have_value("Before our first session")
    expect(phone.page.get_by_label(re.compile("Priya"))).to_be_checked()
    phone.press("Send")
    phone.arrived("Before our first session", title="Messages")

    # Unread for a quarter of an hour: a mail without a word of it. The phone is signed out meanwhile.
    phone.page.goto("about:blank")
    office.clock.advance(16 * 60)
    office.drain()
    (mail,) = [each for each in office.outbox(T1.email) if each["subject"] == WAITING]
    assert "partner" not in mail["text"]
    phone.enter(call.browser("C1"))

    desk = entered(devices, call, "T1", "desktop", "desk")
    desk.open("/staff")
    desk.sees(re.compile("A message from .* waits"))
    expect(counter(desk, WIDE)).to_have_text(re.compile("^1"))
    desk.look("today")
    desk.page.get_by_role("navigation", name=WIDE).get_by_role("link", name=re.compile("^Messages")).click()
    desk.arrived("Messages")
    desk.sees("1 new")
    desk.look("inbox")
    desk.page.get_by_role("link", name=re.compile("Before our first session")).click()
    desk.arrived("Before our first session", title="Messages")
    desk.sees("is it all right if my partner joins?")
    expect(counter(desk, WIDE)).to_have_count(0)

    phone.open("/messages")
    phone.page.get_by_role("link", name=re.compile("Before our first session")).click()
    phone.arrived("Before our first session", title="Messages")
    attach(desk, office, "Getting to the office.txt", b"Second floor, first door on the left.")
    write(desk, "Of course. We can start together.")
    phone.sees("Of course. We can start together.")  # by itself
    with phone.page.expect_download() as saved:
        phone.page.get_by_role("button", name=re.compile("Getting to the office.txt")).click()
    assert saved.value.path().read_bytes().startswith(b"Second floor")
    attach(phone, office, "worry list.txt", b"One. Two.")
    phone.look("composer")
    write(phone, "Thank you, that helps.")
    desk.sees("Thank you, that helps.")  # by itself
    desk.look("conversation")
    with desk.page.expect_download() as saved:
        desk.page.get_by_role("button", name=re.compile("worry list.txt")).click()
    assert saved.value.path().read_bytes() == b"One. Two."

    phone.follow("Messages")
    phone.arrived("Messages")
    write(desk, "Until Thursday, then.", press="Send and copy to contact log")
    desk.sees("Sent, and noted in the contact log.")
    phone.page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")  # as if it came into sight again
    expect(counter(phone, SMALL)).to_have_text(re.compile("^1"))
    phone.sees("1 new")
    phone.look("inbox")
    phone.page.get_by_role("searchbox").fill("Halvor")
    phone.sees("1 conversation for “Halvor”")
    phone.page.get_by_role("link", name=re.compile("Before our first session")).click()
    phone.sees("Until Thursday, then.")

    phone.follow("Print")
    phone.arrived("Before our first session", title="Print conversation")
    phone.sees("Oak Lane Counseling")
    phone.look("print")
    with phone.page.expect_download() as saved:
        with phone.page.expect_response(lambda answer: answer.url.endswith("/pdf")):
            phone.press("Download PDF")
        office.drain()
    assert saved.value.path().read_bytes().startswith(b"%PDF")
    phone.follow("Conversation")
    phone.press("Trash")
    phone.sees("Moved to the trash.")
    phone.arrived("Messages")
    phone.press("Undo")
    phone.sees("It is in your inbox again.")
    expect(phone.page.get_by_role("link", name=re.compile("Before our first session"))).to_be_visible()

    desk.open(f"/staff/clients/{C1.id}/messages")
    desk.sees("Until Thursday, then.")
    desk.look("client-tab")
    desk.press("Add a contact")
    desk.page.get_by_label("Note").fill("Called about the invoice")
    desk.press("Add to the log")
    desk.sees("Called about the invoice")
    desk.page.get_by_role("link", name=re.compile("Before our first session")).click()
    desk.press("Move to trash")
    desk.sees("Moved to the trash.")
    desk.page.get_by_text("Trash", exact=True).click()
    desk.page.get_by_role("link", name=re.compile("Before our first session")).click()
    desk.sees(re.compile("This conversation is in your trash"))
    desk.look("trash")
    desk.press("Take back")
    desk.sees("It is in your inbox again.")


def test_nothing_typed_is_lost_and_nothing_is_sent_twice(
    devices: Callable[..., Device], call: Any, office: Caller
) -> None:
    begun = call("T1").post(f"/practice/clients/{C1.id}/messages", {"subject": "Homework", "body": "How did it go?"})
    thread = begun.json["thread_id"]
    phone = entered(devices, call, "C1", "phone", "phone")
    page = phone.page
    phone.open(f"/messages/{thread}")
    phone.arrived("Homework", title="Messages", by_link=False)
    box = page.get_by_role("textbox", name=re.compile("^Message to "))

    # The answer is lost on its way back, and a save of before comes in last: the words stand once, and that is said.
    lost: list[int] = []
    held: list[tuple[Route, APIResponse]] = []

    def hold(route: Route) -> None:
        if route.request.method == "PUT" and not held:
            held.append((route, route.fetch()))
        else:
            route.continue_()

    def lose(route: Route) -> None:
        if route.request.method == "POST" and not lost:
            lost.append(route.fetch().status)
            route.abort("connectionreset")
        else:
            route.continue_()

    phone.ignore_failure(f"/api/portal/messages/{thread}")
    phone.allow(409, rf"PUT /api/portal/messages/{thread}/draft")  # this is how a lost answer is found out
    page.route(f"**/api/portal/messages/{thread}", lose)
    page.route(f"**/api/portal/messages/{thread}/draft", hold)
    with page.expect_request(re.compile("/draft$")):
        box.fill("It went well")
    while not held:
        page.wait_for_timeout(20)
    phone.press("Send")
    phone.sees("We do not know yet whether it arrived")
    for route, answer in held:
        route.fulfill(response=answer)
    phone.sees("Your message had arrived.")
    expect(box).to_have_value("")
    assert lost == [201]
    expect(page.locator(".bubble", has_text="It went well")).to_have_count(1)

    # Changed before anybody knew that it had arrived: what is in the box was not sent, and stays there.
    lost.clear()
    page.route(f"**/api/portal/messages/{thread}/draft", lambda route: route.abort("connectionreset"))
    phone.allow(422, rf"POST /api/portal/messages/{thread}$")
    box.fill("See you on Tuesday")
    phone.press("Send")
    phone.sees("We do not know yet whether it arrived")
    box.fill("See you on Monday")
    phone.press("Send again")
    phone.sees(re.compile("^An earlier version of this message had arrived"))
    expect(box).to_have_value("See you on Monday")
    page.unroute(f"**/api/portal/messages/{thread}/draft")
    phone.press("Send")
    expect(page.locator(".bubble", has_text="See you on Monday")).to_have_count(1)
    expect(box).to_have_value("")

    # Offline: what is typed stays, also over a reload, and goes out once.
    phone.go_offline()
    box.fill("And one more thing")
    phone.sees(re.compile("You are offline. It stays on this page"))
    phone.look("offline", both=False)
    phone.go_online()
    phone.sees(re.compile("^Saved "))
    page.reload()
    expect(box).to_have_value("And one more thing")
    page.get_by_role("button", name="Send", exact=True).dblclick()
    expect(page.locator(".bubble", has_text="And one more thing")).to_have_count(1)
    with page.expect_response("**/finish"):
        page.get_by_label("Attach files").set_input_files(
            {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": b"MZ this is no photo"}
        )
    phone.sees("Checking for viruses")
    office.drain()
    phone.sees(re.compile("This kind of file is not accepted"))
    phone.press("Send")
    phone.sees("Remove the file that was not accepted")
    phone.look("refused")
    found = call("T1").get(f"/practice/clients/{C1.id}/messages/{thread}").json["messages"]
    words = ["And one more thing", "See you on Monday", "See you on Tuesday", "It went well", "How did it go?"]
    assert [each["body"] for each in found] == words

    # Switched off: the history stays, and it says whom to call.
    etag = call("A1").get(f"/practice/clients/{C1.id}").json["etag"]
    off = call("A1").patch(f"/practice/clients/{C1.id}", {"features_off": ["messaging"]}, etag=etag)
    assert off.status == 200, off
    phone.open("/messages")
    phone.sees(re.compile("Messages cannot be written here now"))
    phone.look("off")


def test_mass_message_break_glass_and_settings(devices: Callable[..., Device], call: Any, office: Caller) -> None:
    call("C1").post("/portal/messages", {"to": T1.id, "subject": "Private", "body": "Only for Priya"})
    admin = entered(devices, call, "A1", "desktop", "admin")
    page = admin.page
    admin.open("/staff/organization/client-portal")
    with admin.done():
        page.get_by_label("Read receipts").check()
    with admin.done():
        page.get_by_label("Clients can write to Billing").check()
    page.get_by_label("Out-of-hours note").fill("The office is closed. Messages are read again on Monday.")
    with admin.done():
        page.get_by_label("Out-of-hours note").blur()
    admin.sees("Saved")
    admin.look("settings")

    admin.open("/staff/messages")
    admin.follow("Message to several")
    admin.arrived("Message to several")
    admin.press("Check who gets it")
    admin.sees("Choose at least one client")
    page.get_by_label("All active clients").check()
    page.get_by_label("Subject").fill("The office moves")
    page.get_by_label("Message", exact=True).fill("From Monday you find us at 12 Oak Lane.")
    admin.look("mass")
    admin.press("Check who gets it")
    admin.arrived("Check before it goes out")
    admin.look("mass-preview")
    page.get_by_role("button", name=re.compile("^Send to ")).click()
    admin.look("mass-confirm")
    admin.press("Send now")
    admin.arrived(re.compile("Waiting to start|Starts in a moment"))
    admin.look("mass-held")
    office.clock.advance(60)
    office.drain()
    admin.arrived("Sent")
    admin.look("mass-sent")

    admin.open(f"/staff/clients/{C1.id}/messages")
    admin.sees("A colleague’s conversation")
    admin.look("client-tab")
    page.get_by_role("button", name=re.compile("^Open with a reason")).first.click()
    admin.press("Open and tell them")
    admin.sees("Write at least 10 characters")
    page.get_by_label("Reason").fill("The therapist fell ill; a safety question is open.")
    admin.look("glass")
    admin.press("Open and tell them")
    admin.sees("Only for Priya")
    admin.look("opened")

    phone = entered(devices, call, "C1", "phone", "phone")
    phone.open("/messages")
    phone.sees("The office moves")
    phone.page.get_by_role("link", name=re.compile("The office moves")).click()
    phone.sees("From Monday you find us at 12 Oak Lane.")
    write(phone, "Good to know")
    phone.look("from-practice")
    desk = entered(devices, call, "T1", "desktop", "desk")
    desk.open("/staff")
    desk.sees(re.compile("An administrator opened a conversation"))
    desk.open("/staff/account")
    with desk.done():
        desk.page.get_by_label("A message is still unread after 15 minutes").uncheck()
    expect(desk.page.get_by_label("A message is still unread after 15 minutes")).not_to_be_checked()
    desk.look("account")
