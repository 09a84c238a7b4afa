"""Accounts: every path of a client on a phone, and of staff at a desk."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from infra.local import levers
from tests import flows
from tests.calls import PEOPLE, Caller
from tests.conftest import Canaries
from tests.e2e.device import Device
from tests.e2e.packets import give_birth_date, last_link

C1, T1 = PEOPLE["C1"], PEOPLE["T1"]
NEW = "nine purple walnuts sing"
ELSEWHERE = "immy@elsewhere.example"
TITLE = "Sign-in and security"


def link(office: Caller, to: str, page: str) -> str:
    """The newest link to this page that was mailed to this address."""
    office.drain()
    found = [f"/{page}#{flows.token_in(mail, page)}" for mail in office.outbox(to) if f"/{page}#" in mail["text"]]
    return found[-1]


def section(device: Device, name: str) -> Any:
    """A part of the account page."""
    return device.page.get_by_role("region", name=name)


def later(office: Caller, seconds: int) -> None:
    """Time passes."""
    office.local("POST", "/clock", {"advance_seconds": seconds})


@pytest.fixture
def phone(devices: Callable[..., Device]) -> Device:
    """Nobody is signed in."""
    return devices("phone")


class TestForgottenPassword:
    def test_from_the_door_to_a_new_password(self, phone: Device, office: Caller) -> None:
        phone.open("/oak")
        phone.follow("I forgot my password")
        phone.arrived("Choose a new password")
        phone.look("ask")
        phone.press("Send the link")
        email = phone.page.get_by_label("E-mail")
        expect(email).to_be_focused()
        expect(email).to_have_accessible_description(re.compile("name@example.com"))
        email.fill(C1.email)
        phone.press("Send the link")
        phone.arrived("Look at your mail")
        phone.sees(f"If there is an account here for {C1.email}, a link is on its way.")
        phone.look("asked")

        phone.open(link(office, C1.email, "reset"))
        phone.arrived("Choose a new password", by_link=False)
        phone.sees("For your account at Oak Lane Counseling.")
        assert "#" not in phone.page.url
        phone.look("choose")
        password = phone.page.get_by_label("New password")
        phone.allow(422, "POST /api/password-resets/redemption$")
        for refused, why in (
            ("too short", "Use at least 15 characters"),
            ("Thistlewood 14031991", "without names, dates and numbers of your own"),
        ):
            password.fill(refused)
            phone.press("Save the new password")
            expect(password).to_have_accessible_description(re.compile(why))
            expect(password).to_be_focused()
        phone.look("refused")
        password.fill(NEW)
        phone.press("Save the new password")
        phone.arrived("Your new password is saved")
        phone.look("saved")
        phone.follow("Sign in")
        phone.arrived("Welcome back", title="Sign in")
        phone.page.get_by_label("E-mail").fill(C1.email)
        phone.page.get_by_label("Password", exact=True).fill(NEW)
        phone.press("Sign in")
        phone.arrived("Hello, Immy")

    def test_nothing_tells_that_there_is_no_account(self, phone: Device, office: Caller) -> None:
        phone.open("/oak/forgot")
        phone.page.get_by_label("E-mail").fill("nobody@mail.example")
        phone.press("Send the link")
        phone.arrived("Look at your mail")
        phone.sees("If there is an account here for nobody@mail.example, a link is on its way.")
        office.drain()
        assert not office.outbox("nobody@mail.example")

    def test_links_that_are_over(self, phone: Device, office: Caller) -> None:
        phone.allow(404, "POST /api/password-resets/lookup$")
        phone.allow(422, "POST /api/password-resets/lookup$")
        token = flows.reset_link(office, "C1")
        later(office, 31 * 60)
        phone.open(f"/reset#{token}")
        phone.arrived("This link has run out", by_link=False)
        phone.look("expired")
        phone.follow("Ask for a new link")
        phone.arrived("Choose a new password")
        second = flows.reset_link(office, "C1")
        assert office.post("/password-resets/redemption", {"token": second, "password": NEW}).status == 200
        phone.open(f"/reset#{second}")
        phone.arrived("This link was used", by_link=False)
        phone.open("/verify")
        phone.open(f"/reset#{token}")
        phone.arrived("This link does not work", by_link=False)
        phone.look("unknown")

    def test_a_tab_without_a_link(self, phone: Device) -> None:
        phone.open("/reset")
        phone.arrived("Open the link from your e-mail", by_link=False)
        phone.open("/email")
        phone.arrived("Open the link from your e-mail", by_link=False)

    def test_staff_keep_their_code(self, devices: Callable[..., Device], office: Caller) -> None:
        desk = devices("desktop")
        desk.open("/oak/staff")
        desk.follow("I forgot my password")
        desk.arrived("Choose a new password")
        desk.page.get_by_label("E-mail").fill(T1.email)
        desk.press("Send the link")
        desk.arrived("Look at your mail")
        desk.look("asked")
        desk.open(link(office, T1.email, "reset"))
        desk.page.get_by_label("New password").fill(NEW)
        desk.press("Save the new password")
        desk.arrived("Your new password is saved")
        desk.follow("Sign in")
        desk.arrived("Staff sign-in", title="Sign in")
        desk.page.get_by_label("E-mail").fill(T1.email)
        desk.page.get_by_label("Password", exact=True).fill(NEW)
        desk.allow(401, "POST /api/sessions$")
        desk.press("Sign in")
        desk.arrived("Enter your code", title="Sign in", by_link=False)


class TestClients:
    @pytest.fixture
    def inside(self, phone: Device) -> Device:
        """On the account page, a moment after signing in."""
        phone.open("/oak")
        phone.sign_in(C1)
        phone.arrived("Hello, Immy")
        phone.follow("Immy Thistlewood, your account")
        phone.arrived(TITLE)
        phone.page.get_by_text("This device").wait_for()
        return phone

    def test_the_page(self, inside: Device) -> None:
        inside.look("account")

    def test_a_new_password(self, inside: Device, office: Caller, call: Callable[..., Any], canaries: Canaries) -> None:
        email = section(inside, "E-mail")
        inside.press("Change e-mail", within=email)
        email.get_by_label("New e-mail address").fill(ELSEWHERE)
        inside.press("Send the link", within=email)
        inside.sees(f"We sent a link to {ELSEWHERE}.")
        part = section(inside, "Password")
        inside.press("Change password", within=part)
        field = part.get_by_label("New password")
        expect(field).to_be_focused()
        inside.allow(422, "POST /api/account/password$")
        field.fill("passwordpassword")
        inside.press("Change password", within=part)
        expect(field).to_have_accessible_description(re.compile("Many people use this one"))
        inside.look("password")
        field.fill(NEW)
        inside.press("Change password", within=part)
        inside.sees("Your password is changed. Everywhere else you are signed out.")
        inside.sees(f"The link to {ELSEWHERE} does not work any more")
        inside.look("address-halted")
        assert call("C1").get("/session").status == 401
        office.drain()
        assert "Your password was changed" in [mail["subject"] for mail in office.outbox(C1.email)]

    def test_after_a_pause_the_password_is_asked_for_first(self, inside: Device, office: Caller) -> None:
        later(office, 10 * 60)
        inside.page.reload()
        inside.arrived(TITLE, by_link=False)
        later(office, 6 * 60)
        inside.allow(403, "POST /api/account/password$")
        part = section(inside, "Password")
        inside.press("Change password", within=part)
        part.get_by_label("New password").fill(NEW)
        inside.press("Change password", within=part)
        sheet = inside.page.get_by_role("dialog", name="Is it still you?")
        inside.look("proof")
        sheet.get_by_label("Your password").fill(C1.password)
        inside.press("Go on", within=sheet)
        inside.sees("Your password is changed. Everywhere else you are signed out.")

    def test_where_one_is_signed_in(self, inside: Device, call: Callable[..., Any]) -> None:
        other = call.browser("C1")
        inside.page.reload()
        part = section(inside, "Where you are signed in")
        expect(part.get_by_role("listitem").first).to_contain_text("This device")
        count = part.get_by_role("listitem").count()
        inside.look("places")
        part.get_by_role("button", name=re.compile(r"^Sign out\s*: A browser")).click()
        inside.sees("Signed out there.")
        expect(part.get_by_role("listitem")).to_have_count(count - 1)
        assert other.get("/session").status == 401
        inside.press("Sign out everywhere", within=part)
        sheet = inside.page.get_by_role("dialog", name="Sign out everywhere?")
        inside.look("everywhere")
        inside.press("Sign out everywhere", within=sheet)
        inside.arrived("Welcome back", title="Sign in")
        inside.sees("You are signed out.")
        assert call("C1").get("/session").status == 401

    def test_codes_on_then_in_with_one_then_off(self, inside: Device, office: Caller) -> None:
        part = section(inside, "Codes from an authenticator app")
        inside.press("Switch on codes", within=part)
        part = section(inside, "Set up your authenticator app")
        picture = part.get_by_role("img", name=re.compile("^QR code"))
        box = picture.bounding_box()
        assert box is not None
        assert box["width"] == box["height"] >= 200  # large enough for a camera
        secret = part.get_by_label("Key", exact=True).inner_text().replace(" ", "")
        code = part.get_by_label("6-digit code")
        inside.look("enrol")
        inside.allow(422, "POST /api/account/totp/confirmation$")
        for wrong, why in (("12", "Enter the 6 digits"), ("000000", "This code did not match")):
            code.fill(wrong)
            inside.press("Confirm", within=part)
            expect(code).to_have_accessible_description(re.compile(why))
            expect(code).to_be_focused()
        code.fill(levers.totp(secret, office.clock.now()))
        inside.press("Confirm", within=part)
        part = section(inside, "Your recovery codes")
        codes = part.get_by_role("list").get_by_role("listitem")
        expect(codes).to_have_count(10)
        recovery = codes.first.inner_text()
        inside.look("recovery-codes")
        with inside.page.expect_download() as download:
            inside.press("Download", within=part)
        assert download.value.suggested_filename == "recovery-codes.txt"
        assert recovery in download.value.path().read_text()
        inside.press("I have kept my recovery codes", within=part)
        inside.sees("10 recovery codes left.")
        inside.look("codes-on")
        inside.page.get_by_role("main").get_by_role("button", name="Sign out", exact=True).click()
        inside.arrived("Welcome back", title="Sign in")

        inside.allow(401, "POST /api/sessions$")
        inside.sign_in(C1)
        inside.arrived("Enter your code", title="Sign in", by_link=False)
        inside.look("code")
        inside.press("Use a recovery code")
        inside.arrived("Enter a recovery code", title="Sign in", by_link=False)
        inside.look("recovery-code")
        field = inside.page.get_by_label("Recovery code")
        field.fill("ABCD")
        inside.press("Continue")
        expect(field).to_have_accessible_description(re.compile("Enter one of your recovery codes"))
        field.fill("AAAA-AAAA-AAAA")
        inside.press("Continue")
        expect(inside.page.get_by_role("alert")).to_have_text(re.compile("^This recovery code did not match"))
        field.fill(recovery.lower())
        inside.press("Continue")
        inside.arrived("Hello, Immy")
        office.drain()
        assert "A recovery code was used" in [mail["subject"] for mail in office.outbox(C1.email)]

        inside.open("/account")
        inside.sees("9 recovery codes left.")
        inside.press("Switch off codes")
        sheet = inside.page.get_by_role("dialog", name="Switch off codes?")
        inside.press("Switch off codes", within=sheet)
        inside.sees("Codes are off.")
        expect(inside.page.get_by_role("button", name="Switch on codes")).to_be_visible()

    def test_another_address(
        self, inside: Device, devices: Callable[..., Device], office: Caller, canaries: Canaries
    ) -> None:
        part = section(inside, "E-mail")
        inside.press("Change e-mail", within=part)
        field = part.get_by_label("New e-mail address")
        expect(field).to_be_focused()
        inside.allow(422, "POST /api/account/email$")
        for wrong, why in (("nonsense", "name@example.com"), (C1.email, "the address you use now")):
            field.fill(wrong)
            inside.press("Send the link", within=part)
            expect(field).to_have_accessible_description(re.compile(why))
        field.fill(ELSEWHERE)
        inside.press("Send the link", within=part)
        inside.sees(f"We sent a link to {ELSEWHERE}.")
        inside.look("address-asked")
        other = devices("phone", name="other")
        other.open(link(office, ELSEWHERE, "email"))
        other.arrived("Confirm your new address", by_link=False)
        other.look("confirm")
        inside.allow(401, "GET /api/")  # signed out by it; it may look for messages before the test goes on
        other.press("Confirm this address")
        other.arrived("Your address is changed")
        other.look("confirmed")
        other.follow("Sign in")
        other.page.get_by_label("E-mail").fill(ELSEWHERE)
        other.page.get_by_label("Password", exact=True).fill(C1.password)
        other.press("Sign in")
        other.arrived("Hello, Immy")
        office.drain()
        assert "Your e-mail address was changed" in [mail["subject"] for mail in office.outbox(C1.email)]

    def test_an_address_that_is_taken(self, inside: Device, devices: Callable[..., Device], office: Caller) -> None:
        part = section(inside, "E-mail")
        inside.press("Change e-mail", within=part)
        part.get_by_label("New e-mail address").fill(PEOPLE["C2"].email)
        inside.press("Send the link", within=part)
        inside.sees(f"We sent a link to {PEOPLE['C2'].email}.")
        other = devices("phone", name="other")
        other.allow(409, "POST /api/email-changes/redemption$")
        other.open(link(office, PEOPLE["C2"].email, "email"))
        other.press("Confirm this address")
        other.arrived("This address is taken")
        other.look("taken")

    def test_offline(self, inside: Device) -> None:
        inside.go_offline()
        part = section(inside, "Password")
        inside.press("Change password", within=part)
        part.get_by_label("New password").fill(NEW)
        inside.press("Change password", within=part)
        expect(part.get_by_role("alert")).to_have_text(re.compile("We could not reach the portal"))
        inside.look("offline")
        inside.go_online()
        inside.press("Change password", within=part)
        inside.sees("Your password is changed. Everywhere else you are signed out.")


class TestStaff:
    def test_the_same_day_and_a_new_authenticator(self, devices: Callable[..., Device], office: Caller) -> None:
        desk = devices("desktop")
        later(office, 120)
        desk.open("/oak/staff")
        desk.sign_in(T1, office.code_of("T1"))
        desk.arrived("Hello, Priya", title="Today")
        menu = desk.page.get_by_role("navigation", name="Main, wide screens")
        desk.press("Sign out", within=menu)
        desk.arrived("Staff sign-in", title="Sign in")
        desk.sign_in(T1)
        desk.arrived("Hello, Priya", title="Today")  # no code: one was given here today
        menu.get_by_role("link", name=re.compile(TITLE)).click()
        desk.arrived(TITLE)
        desk.page.get_by_text("This device").wait_for()
        desk.look("account")
        part = section(desk, "Codes from an authenticator app")
        expect(part.get_by_role("button", name="Switch off codes")).to_have_count(0)
        desk.press("Use another app or phone", within=part)
        part = section(desk, "Set up your authenticator app")
        secret = part.get_by_label("Key", exact=True).inner_text().replace(" ", "")
        desk.look("enrol")
        code = levers.totp(secret, office.clock.now())
        part.get_by_label("6-digit code").fill(code)
        desk.press("Confirm", within=part)
        part = section(desk, "Your recovery codes")
        expect(part.get_by_role("list").get_by_role("listitem")).to_have_count(10)
        desk.look("recovery-codes")
        desk.press("I have kept my recovery codes", within=part)
        desk.press("New recovery codes")
        sheet = desk.page.get_by_role("dialog", name="Make new recovery codes?")
        desk.press("Make new codes", within=sheet)
        expect(section(desk, "Your recovery codes").get_by_role("listitem")).to_have_count(10)
        desk.press("I have kept my recovery codes")
        desk.press("Sign out", within=menu)
        desk.arrived("Staff sign-in", title="Sign in")
        desk.sign_in(T1, code)  # trusted no more, and this code confirmed it: used
        expect(desk.page.get_by_role("alert")).to_have_text(re.compile("^This code did not match"))

    def test_a_session_that_asks_again_wants_both(self, devices: Callable[..., Device], office: Caller) -> None:
        desk = devices("desktop")
        later(office, 120)
        desk.open("/oak/staff")
        desk.sign_in(T1, office.code_of("T1"))
        desk.arrived("Hello, Priya", title="Today")
        desk.open("/staff/account")
        desk.arrived(TITLE, by_link=False)
        later(office, 10 * 60)
        desk.page.reload()
        desk.page.get_by_text("This device").wait_for()
        later(office, 6 * 60)
        desk.allow(403, "POST /api/account/totp$")
        desk.press("Use another app or phone")
        sheet = desk.page.get_by_role("dialog", name="Is it still you?")
        sheet.get_by_label("Your password").fill(T1.password)
        sheet.get_by_label("6-digit code from your authenticator app").fill(office.code_of("T1"))
        desk.look("proof")
        desk.press("Go on", within=sheet)
        expect(section(desk, "Set up your authenticator app")).to_be_visible()


def test_a_new_account_and_another_device(
    phone: Device, devices: Callable[..., Device], office: Caller, call: Callable[..., Caller]
) -> None:
    """Nobody is told of the very first sign-in; of one on another device, they are."""
    assert flows.invite(call("T4"), PEOPLE["C4"].id).status == 201
    phone.open(last_link(office))
    give_birth_date(phone.page)
    phone.page.get_by_label("Choose a password").fill(NEW)
    phone.press("Create my account")
    phone.arrived("How to reach you")
    office.drain()
    assert len(office.outbox(PEOPLE["C4"].email)) == 1
    other = devices("phone", name="other")
    other.open("/oak")
    other.page.get_by_label("E-mail").fill(PEOPLE["C4"].email)
    other.page.get_by_label("Password", exact=True).fill(NEW)
    other.press("Sign in")
    other.arrived("Hello, Wendell")
    office.drain()
    mail = office.outbox(PEOPLE["C4"].email)[-1]
    assert mail["subject"] == "A new sign-in to your account"
    assert "Chrome on" in mail["text"]
