"""Doors: signing in and out, for clients and staff, and every end that an invitation link can come to."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.calls import PEOPLE, Caller
from tests.e2e.device import Device
from tests.e2e.packets import PASSWORD, give_birth_date, last_link

C1, T1, T4 = PEOPLE["C1"], PEOPLE["T1"], PEOPLE["T4"]
INVITES = f"/practice/clients/{PEOPLE['C4'].id}/invites"
WRONG = "This e-mail and password do not match an account here. Check both and try again."


@pytest.fixture
def phone(devices: Callable[..., Device]) -> Device:
    """Nobody is signed in."""
    return devices("phone")


class TestClients:
    def test_what_is_wrong_is_said_at_the_field(self, phone: Device) -> None:
        phone.open("/oak")
        phone.arrived("Welcome back", title="Sign in", by_link=False)
        phone.look("client-door")
        phone.press("Sign in")
        email, password = phone.page.get_by_label("E-mail"), phone.page.get_by_label("Password", exact=True)
        expect(email).to_be_focused()
        expect(email).to_have_accessible_description("Enter your e-mail address")
        expect(password).to_have_accessible_description("Enter your password")
        email.fill("not an address")
        password.fill("something")
        phone.press("Sign in")
        expect(email).to_have_accessible_description(re.compile("name@example.com"))
        phone.look("refused")

    def test_a_wrong_password_tells_nothing_more(self, phone: Device) -> None:
        phone.allow(401, "POST /api/sessions$")
        phone.open("/oak")
        for address in (C1.email, "nobody@mail.example", T1.email, PEOPLE["CB"].email):
            phone.page.get_by_label("E-mail").fill(address)
            phone.page.get_by_label("Password", exact=True).fill("wrong-quiet-river-lantern")
            phone.press("Sign in")
            expect(phone.page.get_by_role("alert")).to_have_text(WRONG)
        phone.look("wrong")

    def test_the_password_can_be_shown(self, phone: Device) -> None:
        phone.open("/oak")
        password = phone.page.get_by_label("Password", exact=True)
        password.fill(C1.password)
        expect(password).to_have_attribute("type", "password")
        show = phone.page.get_by_role("button", name="Show password")
        expect(show).to_have_attribute("aria-pressed", "false")
        show.click()
        expect(password).to_have_attribute("type", "text")
        expect(password).to_have_value(C1.password)
        phone.page.get_by_role("button", name="Hide password").click()
        expect(password).to_have_attribute("type", "password")

    def test_in_and_out_and_back(self, phone: Device) -> None:
        phone.open("/oak")
        phone.sign_in(C1)
        phone.arrived("Hello, Immy")
        phone.look("home")
        phone.follow("Immy Thistlewood, your account")
        phone.page.get_by_role("main").get_by_role("link", name=re.compile("^Profile")).click()
        phone.arrived("Profile")
        phone.look("profile")
        phone.page.get_by_role("main").get_by_role("button", name="Sign out").click()
        phone.arrived("Welcome back", title="Sign in")
        phone.sees("You are signed out.")
        phone.look("signed-out")
        phone.page.go_back()
        expect(phone.page.get_by_label("Password", exact=True)).to_be_visible()
        expect(phone.page.get_by_text(C1.email)).to_have_count(0)
        phone.open("/documents")
        phone.arrived("Welcome back", title="Sign in", by_link=False)

    def test_too_many_attempts(self, phone: Device) -> None:
        phone.allow(401, "POST /api/sessions$")
        phone.allow(429, "POST /api/sessions$")
        phone.open("/oak")
        phone.page.get_by_label("E-mail").fill(C1.email)
        locked = phone.page.get_by_role("status").filter(has_text="There were too many attempts")
        for attempt in range(12):
            phone.page.get_by_label("Password", exact=True).fill(f"wrong-quiet-river-{attempt}")
            with phone.page.expect_response("**/api/sessions") as answer:
                phone.press("Sign in")
            if answer.value.status == 429:
                break
        expect(locked).to_have_text(re.compile(r"You can try again in \d+ (second|minute)s?\."))
        expect(phone.page.get_by_role("button", name="Sign in")).to_be_disabled()
        phone.look("locked")

    def test_the_page_that_was_asked_for_comes_after_signing_in(self, phone: Device) -> None:
        phone.open("/oak")
        phone.sign_in(C1)
        phone.arrived("Hello, Immy")
        phone.forget()
        phone.open("/documents")
        phone.arrived("Welcome back", title="Sign in", by_link=False)
        phone.sign_in(C1)
        phone.arrived("Documents")
        phone.look("documents-empty")
        phone.open("/oak")
        phone.sees("You are signed in as Immy Thistlewood.")
        phone.look("already")
        phone.follow("Continue")
        phone.arrived("Hello, Immy")

    def test_a_link_in_a_new_tab_finds_the_way_to_sign_in_and_back(self, phone: Device, office: Caller) -> None:
        """The device knows the practice from an earlier visit; nothing else is remembered beyond the tab."""
        phone.open("/oak")
        phone.sign_in(C1)
        phone.arrived("Hello, Immy")
        phone.forget()
        phone.new_tab()
        phone.open("/documents")
        phone.arrived("Welcome back", title="Sign in", by_link=False)
        assert phone.page.evaluate("() => Object.entries(localStorage)") == [["portal:organization", "oak"]]
        phone.sign_in(C1)
        phone.arrived("Documents")
        phone.forget()
        phone.new_tab()
        there = f"/staff/clients/{C1.id}/documents"
        phone.open(there)
        phone.arrived("Staff sign-in", title="Sign in", by_link=False)
        phone.sign_in(T1, office.code_of("T1"))
        phone.arrived("Immy Thistlewood", title="General Documents")
        assert phone.page.url.endswith(there)

    def test_whoever_is_faster_than_the_first_answer_stays_signed_in(self, phone: Device) -> None:
        """On a slow line "nobody is signed in" comes after somebody has signed in."""
        late: list[Route] = []
        phone.page.route("**/api/session", lambda route: late.append(route), times=1)
        phone.open("/oak")
        phone.sign_in(C1)
        phone.arrived("Hello, Immy")
        nobody = json.dumps({"status": 401, "code": "unauthenticated", "title": "Sign in first."})
        with phone.page.expect_response("**/api/session"):
            late[0].fulfill(status=401, content_type="application/problem+json", body=nobody)
        phone.follow("Immy Thistlewood, your account")
        phone.page.get_by_role("main").get_by_role("link", name=re.compile("^Profile")).click()
        phone.arrived("Profile")

    def test_the_session_is_every_tabs(self, phone: Device, call: Callable[..., Any]) -> None:
        """Who signs in once more, in another tab, has another session in this one, too. It goes on under that one;
        what it says of signing out is true; and another person finds nobody else's page."""
        phone.open("/oak")
        first, other = phone.page, phone.context.new_page()
        with other.expect_response("**/api/session"):  # nobody yet
            other.goto(phone.page.url)
        for phone.page in (first, other):
            phone.sign_in(C1)
            phone.arrived("Hello, Immy")
        phone.page = first
        phone.follow("Immy Thistlewood, your account")
        first.get_by_role("main").get_by_role("link", name=re.compile("^Profile")).click()
        phone.arrived("Profile")
        phone.allow(503, "DELETE /api/session$")
        busy = json.dumps({"status": 503, "code": "busy", "title": "We are busy for a moment."})
        first.route(
            "**/api/session",
            lambda route: (
                route.fulfill(status=503, body=busy) if route.request.method == "DELETE" else route.continue_()
            ),
        )
        first.get_by_role("main").get_by_role("button", name="Sign out").click()
        expect(first.get_by_role("main").get_by_role("alert")).to_be_visible()
        first.unroute("**/api/session")
        first.get_by_role("main").get_by_role("button", name="Sign out").click()
        phone.arrived("Welcome back", title="Sign in")
        expect(other.get_by_text("You are signed out.")).to_be_visible()
        phone.open("/home")
        phone.arrived("Welcome back", title="Sign in", by_link=False)

        other.close()
        phone.allow(403, "DELETE /api/session$")
        for key in ("C1", "C2"):  # their cookie comes by itself, as if no tab could tell the others
            phone.sign_in(C1)
            phone.arrived("Hello, Immy")
            phone.open("/profile")
            phone.arrived("Profile", by_link=False)
            phone.enter(call.browser(key))
            first.get_by_role("main").get_by_role("button", name="Sign out").click()
            if key == "C1":
                phone.arrived("Welcome back", title="Sign in")
                phone.sees("You are signed out.")
        # What this page had still to load may be C2's already: it was loaded anew once C1 is nowhere any more.
        expect(first.get_by_text(C1.name)).to_have_count(0)
        expect(first.get_by_text(PEOPLE["C2"].name).first).to_be_visible()
        assert first.get_by_text(C1.name).count() == 0

    def test_there_is_no_such_practice(self, phone: Device) -> None:
        phone.allow(404, "GET /api/tenants/elm$")
        phone.open("/elm")
        phone.arrived("There is no practice at this address", by_link=False)
        phone.look("unknown-practice")
        phone.page.get_by_role("link").first.click()
        phone.arrived("Client Portal")
        phone.look("front")

    def test_there_is_no_such_page(self, phone: Device) -> None:
        phone.open("/oak/somewhere/else")
        phone.arrived(re.compile("."), by_link=False)
        phone.look("no-such-page")

    def test_a_page_of_staff_is_not_for_clients(self, phone: Device, call: Callable[..., Any]) -> None:
        phone.enter(call.browser("C1"))
        phone.open("/staff/clients")
        phone.page.wait_for_url("**/home")
        phone.arrived("Hello, Immy", by_link=False)


class TestStaff:
    def test_the_second_step(self, devices: Callable[..., Device], office: Caller) -> None:
        desk = devices("desktop")
        desk.allow(401, "POST /api/sessions$")
        desk.open("/oak/staff")
        desk.sign_in(T1, "000000" if office.code_of("T1") != "000000" else "000001")
        expect(desk.page.get_by_role("alert")).to_have_text(re.compile("^This code did not match"))
        code = desk.page.get_by_label("6-digit code")
        expect(code).to_have_value("")
        desk.look("wrong-code")
        code.fill("12")
        desk.press("Continue")
        expect(code).to_be_focused()
        expect(code).to_have_accessible_description(re.compile("Enter the 6 digits"))
        shown = office.code_of("T1")
        code.fill(f"{shown[:3]} {shown[3:]}")
        desk.press("Continue")
        desk.arrived("Hello, Priya", title="Today")
        desk.press("Sign out", within=desk.page.get_by_role("navigation", name="Main, wide screens"))
        desk.arrived("Staff sign-in", title="Sign in")
        # The same code again, as somebody who looked over the shoulder would, on a device that is not known.
        desk.forget()
        desk.sign_in(T1, shown)
        expect(desk.page.get_by_role("alert")).to_be_visible()
        office.local("POST", "/clock", {"advance_seconds": 30})
        code.fill(office.code_of("T1"))
        desk.press("Continue")
        desk.arrived("Hello, Priya", title="Today")

    def test_a_clients_password_does_not_open_the_staff_door(self, devices: Callable[..., Device]) -> None:
        desk = devices("desktop")
        desk.allow(401, "POST /api/sessions$")
        desk.open("/oak/staff")
        desk.sign_in(C1)
        expect(desk.page.get_by_role("alert")).to_have_text(WRONG)
        desk.page.get_by_role("link", name="You are a client? Sign in here").click()
        desk.arrived("Welcome back", title="Sign in")


class TestInvitationLinks:
    """C4 was invited; then something happened to the link."""

    @pytest.fixture
    def link(self, call: Callable[..., Caller], office: Caller) -> str:
        sent = call("T4").post(INVITES, {"form_ids": []})
        assert sent.status == 201, sent
        return last_link(office)

    @pytest.fixture
    def invite(self, call: Callable[..., Caller], link: str) -> str:
        (invite,) = call("T4").get(INVITES).json["items"]
        return f"{INVITES}/{invite['invite_id']}"

    def test_expired_then_asked_for_and_sent_again(
        self, phone: Device, devices: Callable[..., Device], link: str, office: Caller, call: Callable[..., Any]
    ) -> None:
        office.local("POST", "/clock", {"advance_seconds": 73 * 3600})
        phone.open(link)
        phone.arrived("This link has run out", by_link=False)
        phone.look("expired")
        phone.press("Ask for a new link")
        phone.sees("We told your practice that you would like a new link.")
        phone.look("asked")
        office.drain()

        desk = devices("desktop", name="therapist")
        desk.open("/oak/staff")
        desk.sign_in(T4, office.code_of("T4"))
        desk.arrived("Hello, Desmond", title="Today")
        news = desk.page.get_by_role("region", name="What is new").get_by_role("listitem")
        expect(news).to_contain_text("Wendell Farnsworthy asks for a new invitation link")
        desk.look("asked-for")
        news.get_by_role("link", name=re.compile("^Open invitation")).click()
        desk.arrived("Wendell Farnsworthy", title="Portal")
        desk.look("expired-invitation")
        desk.press("Resend invitation")
        sheet = desk.page.get_by_role("dialog", name="Send the invitation again?")
        desk.look("resend")
        desk.press("Send now", within=sheet)
        desk.sees("A new link is on its way to wendell@mail.example. The old one has stopped.")
        fresh = last_link(office)
        assert fresh != link
        phone.open(fresh)
        phone.arrived("Welcome, Wendell", by_link=False)
        phone.open("/verify")  # away from /join, so that the next link is a fresh page
        phone.open(link)
        phone.arrived("There is a newer link", by_link=False)
        phone.look("replaced")

    def test_withdrawn(
        self, phone: Device, devices: Callable[..., Device], link: str, call: Callable[..., Any]
    ) -> None:
        desk = devices("desktop", name="therapist")
        desk.enter(call.browser("T4"))
        desk.open(f"/staff/clients/{PEOPLE['C4'].id}/portal")
        desk.press("Revoke")
        sheet = desk.page.get_by_role("dialog", name="Revoke this invitation?")
        desk.look("revoke")
        desk.press("Revoke invitation", within=sheet)
        desk.sees("The invitation is revoked. Its link does not work any more.")
        expect(desk.page.get_by_role("button", name="Revoke")).to_have_count(0)
        expect(desk.page.get_by_text("Not invited", exact=True)).to_be_visible()
        desk.look("revoked")
        phone.open(link)
        phone.arrived("This invitation was withdrawn", by_link=False)
        phone.look("withdrawn")

    def test_withdrawn_while_the_password_is_chosen(
        self, phone: Device, link: str, invite: str, call: Callable[..., Any]
    ) -> None:
        phone.open(link)
        phone.arrived("Welcome, Wendell", by_link=False)
        give_birth_date(phone.page)
        phone.page.get_by_label("Choose a password").fill(PASSWORD)
        assert call("T4").post(f"{invite}/revoke").status == 200
        phone.allow(409, "POST /api/invitations/redemption$")
        phone.press("Create my account")
        phone.arrived("This invitation was withdrawn")

    def test_passwords_that_are_refused(self, phone: Device, link: str) -> None:
        phone.open(link)
        phone.allow(422, "POST /api/invitations/redemption$")
        give_birth_date(phone.page)
        password = phone.page.get_by_label("Choose a password")
        for refused, why in (
            ("fourteen chars", "Use at least 15 characters"),
            ("wendell@mail.example", "Choose one without your e-mail address in it"),
            ("passwordpassword", "Many people use this one"),
        ):
            password.fill(refused)
            phone.press("Create my account")
            expect(password).to_have_accessible_description(re.compile(why))
            expect(password).to_be_focused()
        phone.look("refused")

    def test_joining_goes_on_after_a_reload(self, phone: Device, link: str) -> None:
        """At both steps what was typed is there again, but never the password; signed out, one comes back to it."""
        kept = "() => JSON.stringify([Object.entries(sessionStorage), Object.entries(localStorage)])"
        phone.open(link)
        give_birth_date(phone.page)
        phone.page.get_by_label("The name you go by").fill("Wen")
        password = phone.page.get_by_label("Choose a password")
        password.fill(PASSWORD)
        assert PASSWORD not in phone.page.evaluate(kept)
        phone.page.reload()
        phone.arrived("Welcome, Wendell", by_link=False)
        expect(phone.page.get_by_label("The name you go by")).to_have_value("Wen")
        expect(password).to_have_value("")
        give_birth_date(phone.page)
        password.fill(PASSWORD)
        phone.press("Create my account")
        phone.arrived("How to reach you")
        assert link.partition("#")[2] not in phone.page.evaluate(kept)
        street = phone.page.get_by_label("Street and number")
        street.fill("12 Quay <Street>")
        phone.page.reload()
        phone.arrived("How to reach you", by_link=False)
        expect(street).to_have_value("12 Quay <Street>")
        phone.look("after-reload")
        phone.open("/home")
        phone.arrived("Hello, Wen", by_link=False)
        phone.page.go_back()
        phone.arrived("How to reach you", by_link=False)
        expect(street).to_have_value("12 Quay <Street>")
        phone.forget()
        phone.page.reload()
        phone.arrived("Welcome back", title="Sign in", by_link=False)
        phone.page.get_by_label("E-mail").fill(PEOPLE["C4"].email)
        phone.page.get_by_label("Password", exact=True).fill(PASSWORD)
        phone.press("Sign in")
        phone.arrived("How to reach you")
        expect(street).to_have_value("12 Quay <Street>")
        phone.press("Skip this for now")
        phone.arrived("Hello, Wen")
        assert "Quay" not in phone.page.evaluate(kept)
        phone.open("/join")
        phone.arrived("Hello, Wen", by_link=False)

    def test_wrong_dates_of_birth_until_the_link_is_closed(
        self, phone: Device, devices: Callable[..., Device], link: str, call: Callable[..., Any], office: Caller
    ) -> None:
        phone.allow(422, "POST /api/invitations/redemption$")
        phone.allow(409, "POST /api/invitations/redemption$")
        phone.open(link)
        phone.arrived("Welcome, Wendell", by_link=False)
        month = phone.page.get_by_label("Month")
        phone.page.get_by_label("Choose a password").fill(PASSWORD)
        phone.press("Create my account")
        expect(month).to_be_focused()
        expect(month).to_have_accessible_description(re.compile("Enter your date of birth as month, day and year"))
        for day in range(1, 6):
            give_birth_date(phone.page, f"1990-02-0{day}")
            phone.press("Create my account")
            expect(month).to_be_focused()
            expect(month).to_have_accessible_description(re.compile("not the date that your practice has for you"))
        phone.look("wrong-date-of-birth")
        give_birth_date(phone.page)
        phone.press("Create my account")
        phone.arrived("This link is closed")
        phone.look("locked")
        phone.press("Ask for a new link")
        phone.sees("We told your practice that you would like a new link.")

        desk = devices("desktop", name="therapist")
        desk.enter(call.browser("T4"))
        desk.open(f"/staff/clients/{PEOPLE['C4'].id}/portal")
        desk.sees("The link is closed after five wrong dates of birth.")
        expect(desk.page.get_by_text("Locked after wrong dates", exact=True)).to_be_visible()
        desk.look("locked-invitation")
        desk.press("Resend invitation")
        desk.press("Send now", within=desk.page.get_by_role("dialog", name="Send the invitation again?"))
        desk.sees("A new link is on its way to wendell@mail.example. The old one has stopped.")
        expect(desk.page.get_by_text("Locked after wrong dates", exact=True)).to_have_count(0)
        phone.open("/verify")  # away from /join, so that the next link is a fresh page
        phone.open(last_link(office))
        give_birth_date(phone.page)
        phone.page.get_by_label("Choose a password").fill(PASSWORD)
        phone.press("Create my account")
        phone.arrived("How to reach you")

    def test_used(self, phone: Device, devices: Callable[..., Device], link: str) -> None:
        phone.open(link)
        give_birth_date(phone.page)
        phone.page.get_by_label("Choose a password").fill(PASSWORD)
        phone.press("Create my account")
        phone.arrived("How to reach you")
        phone.press("Skip this for now")
        phone.arrived("Hello, Wendell")
        phone.look("home-without-forms")
        other = devices("phone", name="other")
        other.open(link)
        other.arrived("This invitation was used", by_link=False)
        other.look("used")
        other.follow("Sign in")
        other.arrived("Welcome back", title="Sign in")

    def test_not_whole(self, phone: Device) -> None:
        phone.allow(404, "POST /api/invitations/lookup$")
        phone.allow(422, "POST /api/invitations/lookup$")
        phone.open("/join")
        phone.arrived("Open the link from your e-mail", by_link=False)
        phone.look("no-token")
        phone.open("/verify")
        phone.open("/join#abc")
        phone.arrived("This link does not work", by_link=False)
        phone.look("unknown-token")
