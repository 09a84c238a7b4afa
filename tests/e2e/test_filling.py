"""Filling in a form under everything that happens to people: lost connections, two devices, time-outs, impatience."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import APIResponse, Locator, Page, Route, expect

from tests.calls import PEOPLE, Caller
from tests.e2e.device import Device
from tests.e2e.packets import CONSENT, NOTICE, PASSWORD, QUESTIONNAIRE, Packet

WHY = "What brings you here, in your own words?"
GOALS = re.compile("^What would you like to be different")
SECRET = "the lighthouse keeps me awake"


@pytest.fixture(autouse=True)
def _secret(canaries: Any) -> None:
    canaries.add(SECRET, PASSWORD)


@pytest.fixture
def phone(devices: Callable[..., Device], packet: Packet) -> Device:
    """C4's phone, signed in."""
    device = devices("phone")
    device.enter(packet.client)
    return device


def saved(device: Device) -> None:
    """The page says that everything is saved."""
    expect(device.page.get_by_role("banner").get_by_text(re.compile(r"^Saved \d"))).to_be_visible()


def scale(page: Page, label: str, value: int) -> Locator:
    """One number of a scale."""
    asked = page.get_by_role("group", name=re.compile(f"^{label}"))
    return asked.get_by_role("radio", name=re.compile(rf"^{value}(,|$)"))


def test_what_is_typed_is_saved_and_there_after_a_reload(phone: Device, packet: Packet) -> None:
    phone.open(packet.page(QUESTIONNAIRE, "reason"))
    phone.arrived("What brings you here", by_link=False)
    phone.page.get_by_label(WHY).press_sequentially(SECRET, delay=5)
    scale(phone.page, "Sleep", 9).check()
    saved(phone)
    phone.page.reload()
    expect(phone.page.get_by_label(WHY)).to_have_value(SECRET)
    expect(scale(phone.page, "Sleep", 9)).to_be_checked()
    phone.look("after-reload")


def test_the_form_opens_where_it_was_left(phone: Device, packet: Packet) -> None:
    phone.open(packet.page(QUESTIONNAIRE, "reason"))
    phone.page.get_by_label(WHY).fill(SECRET)
    with phone.page.expect_response("**/sections/concerns"):  # where the person is, is saved a moment later
        phone.press("Save and continue")
        phone.arrived("Current concerns")
    saved(phone)
    phone.follow("Forms")
    phone.arrived("Forms")
    phone.page.get_by_role("link", name=re.compile("^Standard Intake Questionnaire")).click()
    phone.arrived("Current concerns")


def test_minutes_without_a_connection_lose_nothing(phone: Device, packet: Packet) -> None:
    phone.open(packet.page(QUESTIONNAIRE, "reason"))
    phone.arrived("What brings you here", by_link=False)
    phone.go_offline()
    phone.page.get_by_label(WHY).fill(SECRET)
    phone.page.get_by_role("radio", name="Less than a month").check()
    scale(phone.page, "Work", 7).check()
    phone.sees("Offline. Kept on this page")
    phone.look("offline")
    phone.press("Save and continue")
    phone.arrived("Current concerns")
    phone.page.get_by_role("checkbox", name="Panic attacks").check()
    phone.page.get_by_role("link", name="Back", exact=True).click()
    phone.arrived("What brings you here")
    expect(phone.page.get_by_label(WHY)).to_have_value(SECRET)
    assert "reason" not in packet.form(QUESTIONNAIRE)["answers"]
    phone.go_online()
    saved(phone)
    answers = packet.form(QUESTIONNAIRE)["answers"]
    assert answers["reason"] == SECRET
    assert (answers["since"], answers["effect_work"], answers["concerns"]) == ("weeks", 7, ["panic"])


def test_a_server_that_fails_for_a_while_is_asked_again(phone: Device, packet: Packet, office: Caller) -> None:
    phone.open(packet.page(QUESTIONNAIRE, "reason"))
    phone.arrived("What brings you here", by_link=False)
    saved(phone)  # where the person is
    phone.allow(502, "PATCH /api/portal/intakes/")
    phone.allow(503, "PATCH /api/portal/intakes/")
    office.local("POST", "/faults", {"operation": "TransactWriteItems", "fault": "crash_before", "count": 2})
    office.local("POST", "/faults", {"operation": "UpdateItem", "fault": "crash_before", "count": 2})
    phone.page.get_by_label(WHY).fill(SECRET)
    phone.page.get_by_label(GOALS).focus()
    phone.sees("Not saved yet, we keep trying")
    saved(phone)
    assert packet.form(QUESTIONNAIRE)["answers"]["reason"] == SECRET


def test_two_devices_keep_each_others_answers(phone: Device, devices: Callable[..., Device], packet: Packet) -> None:
    laptop = devices("desktop", name="laptop")
    laptop.enter(packet.another_session())
    for device in (phone, laptop):
        device.open(packet.page(QUESTIONNAIRE, "reason"))
        device.arrived("What brings you here", by_link=False)
    phone.page.get_by_label(WHY).fill(SECRET)
    laptop.page.get_by_label(GOALS).fill("quiet nights")
    for device in (phone, laptop):
        device.page.get_by_role("radio", name="Less than a month").focus()
        saved(device)
    laptop.page.get_by_role("radio", name="Six to twelve months").check()
    saved(laptop)
    answers = packet.form(QUESTIONNAIRE)["answers"]
    assert (answers["reason"], answers["goals"], answers["since"]) == (SECRET, "quiet nights", "half_year")
    # The phone is looked at again: what was entered on the laptop is on its page without a reload.
    phone.page.evaluate("() => document.activeElement.blur()")
    phone.page.evaluate("() => window.dispatchEvent(new Event('focus'))")
    expect(phone.page.get_by_label(GOALS)).to_have_value("quiet nights")
    expect(phone.page.get_by_label(WHY)).to_have_value(SECRET)
    phone.sees("We added what you entered on your other device.")
    # What the phone asked before something was entered on it says nothing of that, however late the answer comes.
    late: list[tuple[Route, APIResponse]] = []
    form = f"**/intakes/{packet.intake_id}/forms/{QUESTIONNAIRE}"
    phone.page.route(form, lambda route: late.append((route, route.fetch())), times=1)
    phone.page.evaluate("() => window.dispatchEvent(new Event('focus'))")
    while not late:
        phone.page.wait_for_timeout(20)
    phone.page.get_by_label(WHY).fill(f"{SECRET}, and the harbour")
    phone.page.get_by_role("radio", name="Less than a month").focus()
    saved(phone)
    for route, answer in late:
        route.fulfill(response=answer)
    phone.page.wait_for_timeout(300)
    expect(phone.page.get_by_label(WHY)).to_have_value(f"{SECRET}, and the harbour")


def test_what_is_missing_is_listed_with_links_to_it(phone: Device, packet: Packet) -> None:
    phone.open(packet.page(QUESTIONNAIRE, "about"))
    phone.arrived("About you", by_link=False)
    name = phone.page.get_by_label("Your full legal name")
    name.fill(" ")
    phone.page.get_by_label("Year").fill("2999")
    phone.press("Save and continue")
    summary = phone.page.get_by_role("group", name=re.compile("^2 answers need your attention"))
    expect(summary).to_be_focused()
    phone.look("summary")
    phone.page.get_by_role("link", name=re.compile("^Your full legal name: ")).click()
    expect(name).to_be_focused()
    expect(name).to_have_accessible_description(re.compile("Enter an answer"))
    phone.page.get_by_role("link", name=re.compile("^Your date of birth: ")).click()
    expect(phone.page.get_by_label("Month")).to_be_focused()
    name.fill("Wendell Farnsworthy")
    phone.page.get_by_label("Year").fill("1978")
    phone.press("Save and continue")
    phone.arrived("Who is filling this in")


def test_the_review_leads_to_what_is_missing_and_back(phone: Device, packet: Packet) -> None:
    phone.open(packet.page(NOTICE, "review"))
    phone.arrived("Check your answers", by_link=False)
    phone.press("Continue to signing")
    summary = phone.page.get_by_role("group", name="One answer is missing")
    expect(summary).to_be_focused()
    phone.look("review-missing")
    summary.get_by_role("link").click()
    missing = phone.page.get_by_role("link", name=re.compile("^Check this box"))
    expect(missing.first).to_be_visible()
    phone.page.get_by_role("link", name=re.compile("^Change.*Acknowledgement")).click()
    phone.arrived("Acknowledgement")
    phone.page.get_by_role("checkbox").check()
    phone.press("Save and check")
    phone.arrived("Check your answers")
    phone.press("Continue to signing")
    phone.arrived("Sign: Notice of Privacy Practices")


def test_signing_by_its_address_with_answers_missing(phone: Device, packet: Packet) -> None:
    phone.open(f"/forms/{packet.intake_id}/{CONSENT}/sign")
    phone.arrived("Some answers are missing", by_link=False)
    phone.look("missing")
    phone.follow("Go to the answers")
    phone.arrived("Who we are")


class TestIdle:
    """Clients of Oak are signed out after 20 minutes without activity."""

    @pytest.fixture
    def pass_time(self, phone: Device, office: Caller) -> Callable[[int], None]:
        """Minutes pass, on the device and on the server."""
        phone.page.clock.install()

        def later(minutes: int) -> None:
            office.local("POST", "/clock", {"advance_seconds": minutes * 60})
            phone.page.clock.fast_forward(minutes * 60_000)

        return later

    def test_a_warning_comes_first_and_staying_is_one_press(
        self, phone: Device, packet: Packet, pass_time: Callable[[int], None]
    ) -> None:
        phone.open(packet.page(QUESTIONNAIRE, "reason"))
        phone.arrived("What brings you here", by_link=False)
        phone.page.get_by_label(WHY).fill(SECRET)
        saved(phone)
        pass_time(19)
        warning = phone.page.get_by_role("dialog", name="Are you still there?")
        expect(warning).to_be_visible()
        phone.look("idle-warning")
        phone.press("Stay signed in", within=warning)
        expect(warning).to_be_hidden()
        expect(phone.page.get_by_label(WHY)).to_have_value(SECRET)
        pass_time(10)
        assert packet.client.get("/session", headers={"X-Background": "1"}).status == 200
        expect(warning).to_be_hidden()

    def test_what_was_typed_last_is_there_after_signing_in_again(
        self, phone: Device, packet: Packet, pass_time: Callable[[int], None]
    ) -> None:
        phone.open(packet.page(QUESTIONNAIRE, "reason"))
        phone.arrived("What brings you here", by_link=False)
        phone.page.get_by_label(WHY).fill("so far saved")
        saved(phone)
        # The phone loses its connection while being typed on, and is put aside.
        phone.go_offline()
        phone.page.get_by_label(WHY).fill(SECRET)
        phone.sees("Offline. Kept on this page")
        phone.allow(401, r"(PATCH|GET|POST) /api/(portal|session)")
        pass_time(30)
        phone.go_online()
        phone.arrived("Welcome back", title="Sign in")
        phone.sees("You were signed out after 20 minutes to keep this private. What you wrote is saved.")
        phone.look("signed-out")
        phone.page.get_by_label("E-mail").fill(PEOPLE["C4"].email)
        phone.page.get_by_label("Password", exact=True).fill(PASSWORD)
        phone.press("Sign in")
        phone.arrived("What brings you here")
        expect(phone.page.get_by_label(WHY)).to_have_value(SECRET)
        saved(phone)
        packet.client = packet.another_session()
        assert packet.form(QUESTIONNAIRE)["answers"]["reason"] == SECRET


def ready_to_sign(device: Device, packet: Packet) -> None:
    """The notice is answered, its signing page filled in."""
    device.open(f"/forms/{packet.intake_id}/{NOTICE}/sign")
    device.arrived("Sign: Notice of Privacy Practices", by_link=False)
    for box in device.page.get_by_role("group", name="What you agree to").get_by_role("checkbox").all():
        box.check()
    device.page.get_by_label("Type your full legal name to sign").fill(PEOPLE["C4"].name)


class TestSigning:
    @pytest.fixture(autouse=True)
    def _answered(self, packet: Packet) -> None:
        packet.answer(NOTICE, "acknowledgement", {"received": True})

    def test_pressing_twice_signs_once(self, phone: Device, packet: Packet, office: Caller) -> None:
        sent: list[str] = []
        phone.page.on("request", lambda request: sent.append(request.url) if "/signature" in request.url else None)
        ready_to_sign(phone, packet)
        expect(phone.page.locator("form [role=status]")).to_be_hidden()  # nothing is drawn where a hint may come
        phone.page.get_by_role("button", name="Sign and send").dblclick()
        phone.page.wait_for_url(lambda url: not url.endswith("/sign"))
        assert len(sent) == 1
        office.drain()
        assert [each["form_id"] for each in packet.client.get("/portal/documents").json["items"]] == [NOTICE]

    def test_an_answer_that_got_lost_is_asked_for_again_and_signs_once(
        self, phone: Device, packet: Packet, office: Caller
    ) -> None:
        ready_to_sign(phone, packet)
        keys: list[str | None] = []

        def lose(route: Any) -> None:
            keys.append(route.request.header_value("Idempotency-Key"))
            if len(keys) == 1:
                route.fetch()  # it arrives, and nobody hears of it
                route.fulfill(status=504, body="")
            else:
                route.continue_()

        phone.allow(504, "POST /api/portal/intakes/")
        phone.page.route("**/signature", lose)
        phone.press("Sign and send")
        phone.sees("we do not know if your signature arrived")
        phone.look("unsure")
        phone.press("Sign and send")
        phone.page.wait_for_url(lambda url: not url.endswith("/sign"))
        assert keys[0] == keys[1]
        office.drain()
        assert len(packet.client.get("/portal/documents").json["items"]) == 1

    def test_signed_on_another_device_meanwhile(
        self, phone: Device, devices: Callable[..., Device], packet: Packet
    ) -> None:
        laptop = devices("desktop", name="laptop")
        laptop.enter(packet.another_session())
        with laptop.page.expect_response("**/sections/acknowledgement"):  # where the person is, is saved
            laptop.open(packet.page(NOTICE, "acknowledgement"))
        laptop.arrived("Acknowledgement", by_link=False)
        ready_to_sign(phone, packet)
        packet.sign(NOTICE)
        for device in (phone, laptop):
            device.allow(409, "(POST|PATCH) /api/portal/intakes/")
        phone.press("Sign and send")
        laptop.page.get_by_role("checkbox").uncheck()
        for device in (phone, laptop):
            device.sees("You have signed this form. It can no longer be changed.")
            device.look("signed-already")
            expect(device.page.get_by_role("link", name="Open your copy")).to_be_visible()

    def test_going_back_never_returns_to_a_page_that_signs(self, phone: Device, packet: Packet) -> None:
        phone.open("/forms")
        phone.arrived("Forms", by_link=False)
        phone.page.get_by_role("link", name=re.compile("^Notice of Privacy")).click()
        phone.arrived("About this notice")
        phone.press("Save and continue")
        phone.arrived("How we use and share your information")
        phone.page.go_back()
        phone.arrived("About this notice")
        phone.page.go_forward()
        phone.arrived("How we use and share your information")
        ready_to_sign(phone, packet)
        phone.press("Sign and send")
        phone.arrived("Standard Intake Questionnaire")
        phone.page.go_back()
        expect(phone.page.get_by_role("button", name="Sign and send")).to_have_count(0)
        phone.sees("You have signed this form. It can no longer be changed.")


def test_a_used_invitation_is_not_taken_back_from_under_an_open_form(
    phone: Device, packet: Packet, call: Callable[..., Caller]
) -> None:
    phone.open(packet.page(CONSENT))
    phone.arrived("Informed Consent for Psychotherapy", by_link=False)
    client = PEOPLE["C4"].id
    (invite,) = call("T4").get(f"/practice/clients/{client}/invites").json["items"]
    refused = call("T4").post(f"/practice/clients/{client}/invites/{invite['invite_id']}/revoke")
    assert (refused.status, refused.code) == (409, "invitation_closed")
    phone.follow("Start")
    phone.arrived("Who we are")
