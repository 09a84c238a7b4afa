"""What staff see and may do, page by page: clients, refusals, settings, forms, documents, trouble."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests import flows
from tests.calls import PEOPLE, Caller
from tests.e2e.device import Device
from tests.e2e.packets import NOTICE, Packet, client_page

CLIENT_PORTAL = "/staff/organization/client-portal"
_LOOK = "(e) => { const { backgroundColor, borderStyle } = getComputedStyle(e); return [backgroundColor, borderStyle] }"


class TestClients:
    def test_search_as_you_type(self, desk: Callable[..., Device]) -> None:
        device = desk("A1")
        device.open("/staff/clients")
        device.arrived("Clients", by_link=False)
        rows = device.page.get_by_role("table").get_by_role("row").filter(has=device.page.get_by_role("link"))
        expect(rows).to_have_count(4)
        device.page.get_by_label("Files", exact=True).select_option("archived")
        expect(rows).to_have_count(1)
        device.page.get_by_label("Files", exact=True).select_option("")
        expect(rows).to_have_count(5)
        device.look("all")
        search = device.page.get_by_role("searchbox", name="Find a client by name")
        for typed, names in (("q", ["Rafael Quintanar"]), ("wendell farns", ["Wendell Farnsworthy"])):
            search.fill("")
            search.press_sequentially(typed)
            expect(rows).to_have_count(len(names))
            for name in names:
                expect(rows.filter(has_text=name)).to_have_count(1)
        search.fill("<b>zz%")
        expect(device.page.get_by_role("heading", name="No client matches “<b>zz%”")).to_be_visible()
        device.look("no-match")
        device.press("Show all clients")
        expect(rows).to_have_count(5)
        expect(search).to_be_focused()
        search.press("ArrowDown")
        expect(rows.first.get_by_role("link")).to_be_focused()

    def test_therapists_see_whom_they_treat(self, desk: Callable[..., Device]) -> None:
        device = desk("T1")
        device.open("/staff/clients")
        rows = device.page.get_by_role("table").get_by_role("row").filter(has=device.page.get_by_role("link"))
        expect(rows).to_have_count(1)
        device.page.get_by_role("searchbox").fill("farns")
        expect(device.page.get_by_role("heading", name="No client matches “farns”")).to_be_visible()
        device.allow(404, "GET /api/practice/clients/")
        device.open(client_page("C4"))
        device.arrived("This client cannot be shown", by_link=False)
        device.look("not-assigned")

    def test_a_therapist_without_clients(self, desk: Callable[..., Device]) -> None:
        device = desk("T2")
        device.open("/staff")
        device.arrived("Hello, Jonah", title="Today", by_link=False)
        device.sees("No client is assigned to you yet.")
        device.look("today")
        device.open("/staff/clients")
        device.sees("No clients yet")
        device.look("clients")


class TestRefusalsOfInviting:
    @pytest.mark.parametrize(
        ("who", "client", "reason"),
        [
            ("T3", "C1", "You do not have the permission to invite"),
            ("A1", "C5", "This client is archived"),
            ("T4", "C3", "The client already has a portal account"),
        ],
    )
    def test_by_its_address(self, desk: Callable[..., Device], who: str, client: str, reason: str) -> None:
        device = desk(who)
        device.open(client_page(client, "/invite"))
        device.arrived(re.compile(f"^Invite .*{PEOPLE[client].name.split()[-1]}"), by_link=False)
        expect(device.page.get_by_role("heading", name=reason)).to_be_visible()
        device.look("refused")
        expect(device.page.get_by_role("button", name="Preview")).to_have_count(0)

    def test_without_the_permission(self, desk: Callable[..., Device], world: Any) -> None:
        _assign(world.tenant_id("oak"), "C4", "T3")
        device = desk("T3")
        device.open(client_page("C4"))
        device.arrived("Wendell Farnsworthy", title="Overview", by_link=False)
        device.sees("You do not have the permission to invite")
        expect(device.page.get_by_role("link", name="Invite to the portal")).to_have_count(0)
        device.look("no-permission")

    def test_an_invitation_without_forms_says_so(self, desk: Callable[..., Device], call: Callable[..., Any]) -> None:
        assert call("T4").post(f"/practice/clients/{PEOPLE['C4'].id}/invites", {"form_ids": []}).status == 201
        device = desk("T4")
        for tab, title, said in (
            ("", "Overview", "No forms were sent with this invitation"),
            ("/portal", "Portal", "No forms"),
        ):
            device.open(client_page("C4", tab))
            device.arrived("Wendell Farnsworthy", title=title, by_link=False)
            device.sees(said)
            expect(device.page.get_by_text("0 of 0")).to_have_count(0)
            device.look(f"without-forms-{title.lower()}")

    def test_joined_meanwhile(self, desk: Callable[..., Device], call: Callable[..., Any]) -> None:
        device = desk("T4")
        device.open(client_page("C4", "/invite"))
        device.press("Preview")
        device.arrived("Preview")
        sent = call("A1").post(f"/practice/clients/{PEOPLE['C4'].id}/invites", {"form_ids": []})
        assert sent.status == 201
        device.allow(409, "POST /api/practice/clients/")
        device.press("Send invitation")
        device.press("Send now")
        device.sees("The client is already invited")
        device.look("already-invited")

    def test_nothing_to_say(self, desk: Callable[..., Device]) -> None:
        device = desk("T4")
        device.open(client_page("C4", "/invite"))
        device.page.get_by_label("Subject").fill(" ")
        device.page.get_by_label("Message", exact=True).fill("")
        device.press("Preview")
        expect(device.page.get_by_role("group", name="Some of this has to change first")).to_be_focused()
        device.follow("Write a message")
        expect(device.page.get_by_label("Message", exact=True)).to_be_focused()
        device.look("errors")

    def test_the_draft_survives_a_reload_and_an_unanswered_send_goes_out_once(
        self, desk: Callable[..., Device], office: Caller
    ) -> None:
        device = desk("T4")
        device.open(client_page("C4", "/invite"))
        device.page.get_by_label("Subject").fill("A word from {organization}")
        device.page.reload()
        expect(device.page.get_by_label("Subject")).to_have_value("A word from {organization}")
        device.press("Preview")
        device.arrived("Preview")
        lost: list[Any] = []

        def lose(route: Any) -> None:
            lost.append(route.request.header_value("Idempotency-Key"))
            if len(lost) == 1:
                route.fetch()
                route.abort()
            else:
                route.continue_()

        device.page.route("**/invites", lose)
        device.ignore_failure("/invites")
        device.press("Send invitation")
        device.press("Send now")
        device.sees("We did not hear back, so it may or may not have been sent.")
        device.look("not-heard")
        device.press("Send again")
        device.arrived("The invitation is on its way")
        assert lost[0] == lost[1]
        office.drain()
        assert len(office.outbox(PEOPLE["C4"].email)) == 1


class TestSettings:
    def test_switches_take_effect_at_once(self, desk: Callable[..., Device]) -> None:
        device = desk("A1")
        device.open(CLIENT_PORTAL)
        device.arrived("Client Portal", title="Client Portal Settings", by_link=False)
        switch = device.page.get_by_role("switch", name="Secure messaging")
        expect(switch).to_be_checked()
        device.look("settings")
        switch.uncheck()
        expect(device.page.get_by_role("status").filter(has_text="Saved")).to_have_count(1)
        device.page.reload()
        expect(switch).not_to_be_checked()
        text = device.page.get_by_label("Crisis text")
        text.fill("Call <us> first: 夜も。")
        device.page.get_by_label("Reply time").focus()
        expect(device.page.get_by_role("status").filter(has_text="Saved")).to_have_count(1)
        device.page.reload()
        expect(text).to_have_value("Call <us> first: 夜も。")

    def test_two_administrators_at_once(self, desk: Callable[..., Device]) -> None:
        first, second = desk("A1"), desk("A2")
        for device in (first, second):
            device.open(CLIENT_PORTAL)
            device.arrived("Client Portal", title="Client Portal Settings", by_link=False)
        with first.done():
            first.page.get_by_role("switch", name="Secure messaging").uncheck()
        second.allow(412, "PATCH /api/practice/settings$")
        second.page.get_by_label("Sign clients out after").select_option("30")
        stale = second.page.get_by_role("alert", name="Someone else changed these settings")
        expect(stale).to_contain_text("Secure messaging: on → off")
        expect(stale).to_be_focused()
        expect(second.page.get_by_role("switch", name="Secure messaging")).not_to_be_checked()
        second.look("stale")
        second.press("I have seen it")
        second.page.get_by_label("Sign clients out after").select_option("30")
        expect(second.page.get_by_role("status").filter(has_text="Saved")).to_have_count(1)

    def test_what_the_plan_does_not_include_is_grey_and_says_so(self, desk: Callable[..., Device]) -> None:
        device = desk("D1")
        device.open(CLIENT_PORTAL)
        for name, included in (
            ("Invitations", True),
            ("Intake forms", True),
            ("Secure messaging", False),
            ("Self-scheduling", False),
        ):
            switch = device.page.get_by_role("switch", name=name)
            if included:
                expect(switch).to_be_enabled()
            else:
                expect(switch).to_be_disabled()
                expect(switch).not_to_be_checked()
                expect(switch).to_have_accessible_description(re.compile("Your plan does not include this"))
        device.look("basic")
        device.follow("Subscription")
        device.arrived("Client Portal", title="Subscription")
        device.look("subscription")

    def test_therapists_read_only(self, desk: Callable[..., Device]) -> None:
        device = desk("T1")
        device.open(CLIENT_PORTAL)
        device.sees("Only administrators can change these settings.")
        looks: dict[bool, set[tuple[str, str]]] = {True: set(), False: set()}
        for switch in device.page.get_by_role("switch").all():
            expect(switch).to_be_disabled()
            on = switch.is_checked()
            expect(switch.locator("xpath=..")).to_have_text("On" if on else "Off")
            looks[on].add(tuple(switch.evaluate(_LOOK)))
        assert all(looks.values())
        assert not looks[True] & looks[False], "on and off look alike"
        device.look("read-only")

    def test_the_login_link_is_copied(self, desk: Callable[..., Device], server: str) -> None:
        device = desk("A1")
        device.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=server)
        device.open(CLIENT_PORTAL)
        device.press("Copy link")
        expect(device.page.get_by_role("button", name="Copied")).to_be_visible()
        assert device.page.evaluate("() => navigator.clipboard.readText()") == f"{server}/oak"

    def test_inviting_switched_off(self, desk: Callable[..., Device], call: Callable[..., Any]) -> None:
        settings = call("A1").get("/practice/settings").json
        call("A1").patch("/practice/settings", {"features": {"invitations": False}}, etag=settings["etag"])
        device = desk("T4")
        device.open(client_page("C4"))
        device.sees("Invitations are switched off")
        device.look("switched-off")

    def test_intake_forms_switched_off(self, desk: Callable[..., Device], call: Callable[..., Any]) -> None:
        """An invitation goes out all the same, without forms; forms that went out before are not sent again."""
        administrator, device = call("A1"), desk("T4")
        device.open(client_page("C4", "/invite"))
        device.sees("about")
        _switch_forms(administrator, on=False)
        device.allow(403, "POST /api/practice/clients/")
        device.press("Preview")
        device.follow("Intake forms are off. The invitation can go out without forms.")
        device.look("forms-off-meanwhile")
        device.open(client_page("C4", "/invite"))
        device.sees("Intake forms are switched off, so none can be sent now.")
        expect(device.page.get_by_role("checkbox")).to_have_count(0)
        device.look("forms-off")
        device.press("Preview")
        device.arrived("Preview")
        device.press("Send invitation")
        device.press("Send now")
        device.arrived("The invitation is on its way")

        invites = f"/practice/clients/{PEOPLE['C4'].id}/invites"
        sent = administrator.get(invites).json["items"][0]["invite_id"]
        assert administrator.post(f"{invites}/{sent}/revoke").status == 200
        _switch_forms(administrator, on=True)
        assert administrator.post(invites, {"form_ids": [NOTICE]}).status == 201
        _switch_forms(administrator, on=False)
        device.open(client_page("C4", "/portal"))
        device.press("Resend invitation")
        device.press("Send now")
        device.sees("Nothing was sent. Forms cannot be sent now, and this invitation holds some.")
        device.look("resend-refused")


class TestForms:
    def test_the_list_and_the_preview_that_saves_nothing(self, desk: Callable[..., Device]) -> None:
        device = desk("T2")
        asked: list[str] = []
        device.page.on("request", lambda request: asked.append(request.method))
        device.open(f"{CLIENT_PORTAL}/intake-forms")
        device.arrived("Client Portal", title="Intake Forms", by_link=False)
        device.sees("Have your counsel review")
        device.look("forms")
        device.follow("Standard Intake Questionnaire")
        device.arrived("Standard Intake Questionnaire")
        device.look("preview")
        device.press("Safety", within=device.page.get_by_role("navigation", name="Parts"))
        often = device.page.get_by_role("group", name=re.compile("thoughts of death")).get_by_role(
            "radio", name="Often"
        )
        often.check()
        expect(device.page.get_by_role("heading", name="You can talk to someone now")).to_be_visible()
        device.look("preview-safety")
        parts = device.page.get_by_role("navigation", name="Parts").get_by_role("button")
        expect(parts).to_have_count(14)
        device.page.get_by_role("radio", name="Under 18").check()
        expect(parts).to_have_count(15)
        device.page.get_by_role("radio", name="Whole form").check()
        device.look("preview-whole", both=False)
        assert set(asked) == {"GET"}


class TestDocuments:
    def test_before_and_after_sealing_and_a_stored_file_that_was_changed(
        self, desk: Callable[..., Device], packet: Packet, office: Caller
    ) -> None:
        device = desk("T4")
        device.open(client_page("C4", "/documents"))
        device.sees("No documents yet")
        device.look("empty")
        packet.answer(NOTICE, "acknowledgement", {"received": True})
        packet.sign(NOTICE)
        device.page.reload()
        device.sees("PDF in a moment")
        expect(device.page.get_by_role("button", name=re.compile("^Download"))).to_have_count(0)
        device.look("sealing")
        office.drain()
        # The page looks again by itself.
        expect(device.page.get_by_role("table").get_by_text("Completed", exact=True)).to_be_visible()
        _flip_stored_byte()
        device.page.get_by_role("button", name=re.compile("^Verify")).click()
        verdict = device.page.get_by_role("status", name="Verification of Notice of Privacy Practices")
        expect(verdict).to_contain_text("This document does not verify")
        device.look("does-not-verify")


class TestSafetyFlags:
    def test_marked_as_seen_by_the_first_and_called_for_no_longer(
        self, desk: Callable[..., Device], call: Callable[..., Any], office: Caller
    ) -> None:
        for _ in range(2):
            flows.signed_document(call("C1"), "C1", flows.QUESTIONNAIRE, suicide_thoughts="often")
            office.drain()
            office.local("POST", "/clock", {"advance_seconds": 60})
        first, second = desk("T1"), desk("T3")
        first.open("/staff/clients")
        row = first.page.get_by_role("row", name=re.compile("Thistlewood"))
        expect(row.get_by_text("Safety answer", exact=True)).to_be_visible()
        first.follow("Immy Thistlewood")
        first.arrived("Immy Thistlewood", title="Overview")
        note = first.page.get_by_role("region", name="Immy signed 2 forms with safety answers to read.")
        expect(note.get_by_role("link")).to_have_count(2)
        first.look("flagged")
        # One of the two is read and marked on its summary; the other one still waits.
        note.get_by_role("link").first.click()
        first.arrived("Intake of Immy Thistlewood")
        first.look("summary-flagged")
        first.press("Mark as seen")
        first.sees(re.compile(f"^Seen by {re.escape(PEOPLE['T1'].name)} today at"))
        expect(first.page.get_by_role("button", name="Mark as seen")).to_have_count(0)
        first.look("summary-seen")
        second.open(client_page("C1"))
        note = second.page.get_by_role("region", name="Immy’s intake has a safety answer to read.")
        expect(note.get_by_role("link")).to_have_count(1)
        second.press("Mark as seen")
        second.sees("Marked as seen.")
        expect(note).to_have_count(0)
        expect(second.page.get_by_text("Safety answer", exact=True)).to_have_count(0)
        second.look("seen")
        second.follow("General Documents", within=second.page.get_by_role("navigation", name="Client Details"))
        expect(second.page.get_by_text("Safety answer, seen", exact=True)).to_have_count(2)
        second.look("documents-seen")
        first.open("/staff")
        first.arrived("Hello, Priya", title="Today", by_link=False)
        expect(first.page.get_by_text("Safety answer", exact=True)).to_have_count(0)
        first.look("today-seen")


class TestTrouble:
    def test_without_a_connection_and_back(self, desk: Callable[..., Device]) -> None:
        device = desk("T4")
        device.open("/staff")
        device.arrived("Hello, Desmond", title="Today", by_link=False)
        device.go_offline()
        device.follow("Clients", within=device.page.get_by_role("navigation", name="Main, wide screens"))
        expect(device.page.get_by_role("heading", name="This page could not be loaded")).to_be_visible()
        device.sees("You are offline. The page loads when you are connected again.")
        device.look("offline")
        device.go_online()
        expect(device.page.get_by_role("link", name="Wendell Farnsworthy")).to_be_visible()

    def test_a_server_that_fails(self, desk: Callable[..., Device]) -> None:
        device = desk("T4")
        device.allow(500, "GET /api/practice/clients")
        problem = '{"type":"about:blank","title":"Something went wrong here.","status":500,"code":"internal"}'
        failing = [True]
        device.page.route(
            "**/api/practice/clients/*",
            lambda route: (
                route.fulfill(status=500, content_type="application/problem+json", body=problem)
                if failing[0]
                else route.continue_()
            ),
        )
        device.open(client_page("C4"))
        device.arrived("This page could not be loaded", by_link=False)
        device.sees("Something went wrong here.")
        device.look("failed")
        failing[0] = False
        device.press("Try again")
        device.arrived("Wendell Farnsworthy", title="Overview")

    def test_signed_out_elsewhere(self, desk: Callable[..., Device], devices: Callable[..., Device]) -> None:
        device = desk("T4")
        device.open("/staff/clients")
        device.arrived("Clients", by_link=False)
        device.forget()
        device.allow(401, "(GET|POST) /api/")
        device.follow("Wendell Farnsworthy")
        device.arrived("Staff sign-in", title="Sign in")
        device.sees("Please sign in again. What you wrote is saved.")
        device.look("signed-out")

    def test_no_such_page(self, desk: Callable[..., Device]) -> None:
        device = desk("T4")
        device.open("/staff/nothing/here")
        device.arrived(re.compile("."), by_link=False)
        device.look("no-such-page")


def _assign(tenant_id: str, client: str, therapist: str) -> None:
    from chalicelib.services import clients, staff

    member = staff.get(tenant_id, PEOPLE[therapist].id)
    assert member
    clients.assign(tenant_id, PEOPLE[client].id, member)


def _switch_forms(administrator: Any, *, on: bool) -> None:
    etag = administrator.get("/practice/settings").json["etag"]
    change = {"features": {"intake_forms": on}}
    assert administrator.patch("/practice/settings", change, etag=etag).status == 200


def _flip_stored_byte() -> None:
    """Somebody with the keys to the bucket changes the PDF in place, S3's own checksum included."""
    from moto.s3.utils import compute_checksum

    from infra.local import state

    for bucket in state.backend("s3").buckets.values():
        for name in [name for name in bucket.keys if name.endswith(".pdf")]:
            stored = bucket.keys[name]
            value = bytearray(stored.value)
            value[len(value) // 2] ^= 1
            stored.value = bytes(value)
            if stored.checksum_algorithm:
                stored.checksum_value = compute_checksum(bytes(value), stored.checksum_algorithm).decode()
