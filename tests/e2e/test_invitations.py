"""Inviting many, saved texts, calling back while it is held, an address that is mended, the sender's records."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests import flows
from tests.calls import PEOPLE, Caller
from tests.e2e.device import Device
from tests.e2e.packets import client_page

EMAIL = "/staff/organization/client-portal/e-mail"

NEW_DEVICE = "A new sign-in to your account"  # to whoever signs in with a browser of the test


def nothing_goes_out(office: Caller) -> None:
    """Also once the hold is over."""
    office.local("POST", "/clock", {"advance_seconds": 120})
    office.drain()
    assert not [mail for mail in flows.outbox() if mail["subject"] != NEW_DEVICE]


@pytest.fixture
def held() -> Iterator[None]:
    """A stage whose pages can call a mail back for a while; longer than anything here takes on a busy machine."""
    from chalicelib.config import settings

    settings.__dict__["hold_seconds"] = 90  # frozen for everyone else
    yield
    settings.__dict__["hold_seconds"] = 0


def test_inviting_many(desk: Callable[..., Device], office: Caller) -> None:
    flows.new_file("oak", "E1", "Ottoline Slipworth", email="ottoline@gmial.com")
    flows.new_file("oak", "E2", "Nobody Mailless", email=None)
    flows.new_file("oak", "E3", "Edmund Goodaddress", email="edmund@mail.example")
    device = desk("A1")
    page = device.page
    device.open("/staff/clients")
    device.arrived("Clients", by_link=False)
    device.press("Invite several")
    for name in ("Ottoline Slipworth", "Nobody Mailless", "Edmund Goodaddress", "Immy Thistlewood"):
        page.get_by_role("checkbox", name=f"Mark {name}").check()
    device.sees("4 clients marked")
    device.look("marked")
    device.press("Invite those marked")
    device.arrived("Invite several clients")
    device.sees("2 clients will be invited")
    device.sees("No e-mail address on the file")
    device.sees("Has a portal account already")
    device.sees("Was ottoline@gmail.com meant?")
    page.get_by_label("Subject").fill("Welcome, {client_first_nam}")
    device.look("write")
    device.press("Preview")
    device.arrived("Preview")
    device.sees("{client_first_nam} is no placeholder: it is sent as it stands.")
    page.get_by_label("Preview for").select_option(label="Edmund Goodaddress")
    device.sees("edmund@mail.example")
    device.look("preview")
    device.press("Change it")
    page.get_by_label("Subject").fill("Welcome, {client_first_name}")
    device.press("Preview")
    device.press("Send 2 invitations")
    device.sees("One address looks like a slip")
    device.look("confirm")
    device.press("Send now")
    device.arrived("Waiting to begin")
    office.drain()
    device.arrived("All done", by_link=False)
    device.sees("2 clients invited")
    device.look("done")
    assert [mail["subject"] for mail in office.outbox("edmund@mail.example")] == ["Welcome, Edmund"]


def test_stopping_all_of_it_while_it_is_held(
    held: None, desk: Callable[..., Device], office: Caller, call: Callable[..., Caller]
) -> None:
    flows.new_file("oak", "E3", "Edmund Goodaddress", email="edmund@mail.example")
    device = desk("A1")
    device.open("/staff/invitations")
    device.arrived("Invite several clients", by_link=False)
    device.sees("2 clients will be invited")  # and one of the world who was never invited
    device.press("Preview")
    device.press("Send 2 invitations")
    device.press("Send now")
    device.arrived("About to begin")
    device.look("held")
    late: list[Route] = []
    before = call("A1").get(f"/practice/jobs/{device.page.url.rpartition('/')[2]}").json
    device.page.route("**/api/practice/jobs/*", lambda route: late.append(route), times=1)
    while not late:
        device.page.wait_for_timeout(20)  # the page looks by itself; this answer is slow
    device.press("Cancel")
    device.sees("Stopped before anything was sent.")
    late[0].fulfill(json=before)
    device.page.wait_for_timeout(300)
    assert device.page.get_by_text("About to begin").count() == 0, "an answer from before the stop is not news"
    device.sees("2 clients not invited")
    device.look("stopped")
    nothing_goes_out(office)


def test_calling_one_back_within_the_hold(held: None, desk: Callable[..., Device], office: Caller) -> None:
    device = desk("T4")
    device.open(client_page("C4", "/invite"))
    device.press("Preview")
    device.arrived("Preview")
    device.press("Send invitation")
    device.press("Send now")
    device.arrived("The invitation goes out in a moment")
    device.sees("Not sent yet.")
    device.look("held")
    device.press("See its state")
    device.sees("Not sent yet.")
    device.look("held-portal")
    device.press("Cancel")
    device.sees("The invitation was called back. Nothing was sent.")
    device.sees("Called back before it was sent")
    device.look("called-back")
    nothing_goes_out(office)


def test_a_saved_text_and_what_is_odd_about_it(desk: Callable[..., Device]) -> None:
    device = desk("A1")
    page = device.page
    device.open(EMAIL)
    device.arrived("Client Portal", title="E-mail", by_link=False)
    device.sees("No saved texts")
    device.sees("Where your e-mails come from")
    device.look("empty")
    device.press("New text")
    page.get_by_label("Name").fill("Warm welcome")
    page.get_by_label("Subject").fill("Come in, {name}")
    page.get_by_label("Message").click()
    device.sees("{name} is no placeholder: it is sent as it stands.")
    device.look("odd")
    page.get_by_label("Subject").fill("Come in, {client_first_name}")
    device.press("Save")
    device.sees("“Warm welcome” is saved.")
    page.get_by_role("button", name=re.compile("Make it usual")).click()
    expect(page.get_by_text("Usual", exact=True)).to_be_visible()
    device.look("saved")
    device.open(client_page("C4", "/invite"))
    expect(page.get_by_label("Subject")).to_have_value("Come in, {client_first_name}")
    page.get_by_label("Subject").fill("Something else")
    page.get_by_label("Start from a saved text").select_option(label="Warm welcome (usual)")
    expect(page.get_by_label("Subject")).to_have_value("Come in, {client_first_name}")
    device.look("choosing")


def test_bounced_then_fixed_then_tried_again(desk: Callable[..., Device], office: Caller, call: Any) -> None:
    client = flows.new_file("oak", "E4", "Bertram Fulltray", email="bounce.bertram@mail.example")
    assert flows.invite(call("A1"), client, flows.NOTICE).status == 201
    office.drain()
    device = desk("A1")
    page = device.page
    device.open(f"/staff/clients/{client}/portal")
    device.sees("The address did not take our e-mail.")
    expect(page.get_by_role("button", name="Resend invitation")).to_have_count(0)
    device.look("bounced")
    device.press("Fixed, try again")
    device.press("Fixed, try again", within=page.get_by_role("dialog"))
    device.sees("can be written to again")
    expect(page.get_by_text("The address did not take our e-mail.")).to_have_count(0)
    device.press("Resend invitation")
    device.look("again")
    device.press("Send now")
    device.sees("A new link is on its way")


def test_a_complaint_asks_more_of_an_administrator(desk: Callable[..., Device], office: Caller, call: Any) -> None:
    client = flows.new_file("oak", "E5", "Cornelia Crossly", email="complaint.cornelia@mail.example")
    assert flows.invite(call("A1"), client).status == 201
    office.drain()
    device = desk("A1")
    dialog = device.page.get_by_role("dialog")
    device.open(f"/staff/clients/{client}")
    device.sees("An e-mail was marked as spam.")
    device.press("Fixed, try again")
    expect(dialog.get_by_role("button", name="Fixed, try again")).to_be_disabled()
    device.look("complaint")
    dialog.get_by_label("Cornelia Crossly asked to get our e-mails again").check()
    device.press("Fixed, try again", within=dialog)
    device.sees("can be written to again")


def test_the_login_link_is_mailed(desk: Callable[..., Device], office: Caller) -> None:
    device = desk("T1")
    device.open(client_page("C1", "/portal"))
    device.press("Send login link")
    device.look("question")
    device.press("Send now")
    device.sees("The login link is on its way")
    office.drain()
    device.sees("Login link")
    expect(device.page.get_by_role("table").get_by_text("Delivered", exact=True)).to_be_visible()
    device.look("sent")


def test_a_discreet_organization_stays_out_of_titles(devices: Callable[..., Device], office: Caller, call: Any) -> None:
    flows.change_settings(call("A1"), neutral_mail=True)
    assert flows.invite(call("T4"), PEOPLE["C4"].id).status == 201
    token = flows.mailed_token(office, PEOPLE["C4"].email)
    device = devices("phone")
    device.open(f"/join#{token}")
    device.sees("Wendell")
    expect(device.page).to_have_title(re.compile("– Client Portal$"))
    device.look("join")
