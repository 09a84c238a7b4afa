"""Forms in a real browser: written, published, sent to a client with an account, signed, waited for, on paper."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, expect

from tests import flows
from tests.calls import PEOPLE, Caller
from tests.e2e.device import Device
from tests.e2e.filling import Filling
from tests.e2e.packets import client_page
from tests.integration.test_sending import DAY, NOTICE, reminders_on, sent
from tests.integration.test_uploads import pdf

FETCH = "async (path) => (await fetch(path, { headers: { 'X-Background': '1' } })).json()"
LIBRARY = "/staff/organization/client-portal/intake-forms"
C1 = PEOPLE["C1"]


def row(device: Device, text: str) -> Locator:
    """A line of a table."""
    return device.page.get_by_role("row").filter(has_text=text)


def of(act: str, what: str) -> re.Pattern[str]:
    """The name of a button that says what it is about to those who hear it."""
    return re.compile(rf"^{re.escape(act)}\s*:\s*{re.escape(what)}")


def saved(device: Device) -> None:
    """The draft is on the server."""
    expect(device.page.get_by_text("All changes saved")).to_be_visible()


def test_from_a_blank_page_to_a_signature(
    desk: Callable[..., Device], call: Callable[..., Any], office: Caller
) -> None:
    device = desk("A1")
    page = device.page
    device.open(LIBRARY)
    device.arrived("Client Portal", title="Intake Forms", by_link=False)
    device.look("library")
    device.press("New form")
    sheet = page.get_by_role("dialog")
    device.press("Create draft", within=sheet)
    device.sees("Enter a title")
    sheet.get_by_label("Title").fill("House rules")
    sheet.get_by_label("Kind of form").select_option(label="Consent")
    device.look("new-form")
    device.press("Create draft", within=sheet)
    device.arrived("Edit: House rules")
    expect(page.get_by_role("button", name="Part 1: Has no title.")).to_be_visible()
    device.look("editor-blank")
    page.get_by_label("Title of this part").fill("Our rules")
    page.get_by_label("Why you ask").fill("So that everyone feels safe here.")
    for kind, words in (("Yes or no", "Do you bring a pet?"), ("One of several answers", "How do you come here?")):
        page.get_by_label("What to add").select_option(label=kind)
        page.get_by_role("button", name=of("Add", "Part 1")).click()
        expect(page.get_by_role("textbox", name="Question", exact=True)).to_be_focused()
        page.get_by_role("textbox", name="Question", exact=True).fill(words)
        if kind != "Yes or no":
            page.get_by_label("Answer 1", exact=True).fill("On foot")
            page.get_by_label("Answer 2", exact=True).fill("By car")
        page.get_by_label("Must be answered").check()
    device.look("editor-question")
    page.get_by_role("button", name=of("Done", "How do you come here?")).click()
    page.get_by_role("button", name=of("Move up", "How do you come here?")).click()
    expect(page.get_by_role("button", name=of("Move down", "How do you come here?"))).to_be_focused()
    questions = page.get_by_role("list", name="Questions and texts: Our rules").locator("li.question")
    expect(questions.nth(0)).to_contain_text("How do you come here?")
    saved(device)
    expect(page.get_by_text("Ready to be published.")).to_be_visible()
    device.press("Preview")
    device.arrived("House rules")
    expect(page.get_by_text("Draft", exact=True)).to_be_visible()
    page.go_back()
    device.arrived("Edit: House rules", by_link=False)
    device.press("Publish")
    device.look("publish")
    device.press("Publish now")
    device.arrived("Client Portal", title="Intake Forms", by_link=False)
    expect(row(device, "House rules").get_by_text("Active", exact=True)).to_be_visible()
    device.look("library-with-it")
    form_id = next(
        each["form_id"] for each in call("A1").get("/practice/forms").json["items"] if each["title"] == "House rules"
    )
    intake_id = sent(call("A1"), "C1", form_id)
    phone = desk("C1", "phone")
    phone.open(f"/forms/{intake_id}/{form_id}")
    phone.both = False
    expect(phone.page.get_by_role("heading", level=1)).to_have_text("House rules")
    phone.follow("Start")
    filling = Filling(phone, every=False)
    definition = phone.page.evaluate(FETCH, f"/api/portal/intakes/{intake_id}/forms/{form_id}")["definition"]
    filling.form = definition
    filling.section(definition["sections"][0])
    phone.press("Continue to signing")
    phone.arrived("Sign: House rules")
    for box in phone.page.get_by_role("group", name="What you agree to").get_by_role("checkbox").all():
        box.check()
    phone.page.get_by_label("Type your full legal name to sign").fill(C1.name)
    phone.press("Sign and send")
    phone.arrived("All done. Here is what happens next")
    office.drain()
    device.open(client_page("C1", "/documents"))
    device.sees("House rules")


def test_two_write_at_once(desk: Callable[..., Device], call: Callable[..., Any]) -> None:
    device, other = desk("A1"), call("A2")
    draft = other.post(f"/practice/forms/{NOTICE}/draft", {"source": "newest"}).json
    device.open(f"/staff/forms/{NOTICE}/edit")
    device.arrived(re.compile("^Edit: Notice"), by_link=False)
    device.look("editor-notice")
    body = {name: draft["definition"][name] for name in ("minutes", "intro", "sections")} | {"title": "Their notice"}
    assert other.patch(f"/practice/forms/{NOTICE}/draft", body, etag=draft["etag"]).status == 200
    device.allow(412, r"PATCH /api/practice/forms/")
    title = device.page.get_by_label("Title", exact=True)
    title.fill("Our notice")
    device.sees("Tobias Fennimore has changed this draft meanwhile")
    device.look("stale")
    device.press("Save mine over it")
    saved(device)
    assert call("A1").get(f"/practice/forms/{NOTICE}/draft").json["definition"]["title"] == "Our notice"
    device.press("Back to the standard text")
    device.press("Use the standard text")
    expect(title).to_have_value("Notice of Privacy Practices")
    device.press("Drop this draft")
    device.press("Drop this draft", within=device.page.get_by_role("dialog"))
    device.arrived("Client Portal", title="Intake Forms", by_link=False)


def test_a_notice_is_asked_again(desk: Callable[..., Device], call: Callable[..., Any], office: Caller) -> None:
    flows.signed_document(call("C1"), "C1")
    flows.signed_document(call("C2"), "C2")
    office.drain()
    device = desk("A1")
    device.open(LIBRARY)
    row(device, "Notice of Privacy Practices").get_by_role("button", name=re.compile("^Edit")).click()
    device.arrived(re.compile("^Edit: Notice"))
    device.press("Publish")
    device.page.get_by_label("What changed").fill("We now say how long records are kept.")
    device.press("Publish now")
    device.arrived("Client Portal", title="Intake Forms", by_link=False)
    row(device, "Notice of Privacy Practices").get_by_role("link", name=re.compile("^Versions")).click()
    device.arrived("Versions of Notice of Privacy Practices")
    expect(device.page.get_by_role("region", name="Know only an older version").get_by_role("link")).to_have_count(2)
    device.look("versions")
    device.press("Ask them again")
    device.does("Send now")
    office.drain()
    device.sees("2 e-mails are on the way.")
    device.look("asked-again")
    phone = desk("C1", "phone")
    intake_id = next(
        each["intake_id"] for each in call("C1").get("/portal/intakes").json["items"] if each["status"] == "open"
    )
    phone.open(f"/forms/{intake_id}/{NOTICE}")
    phone.sees("We now say how long records are kept.")
    phone.look("what-changed")


def test_sent_waited_for_reminded_taken_back(
    desk: Callable[..., Device], call: Callable[..., Any], office: Caller
) -> None:
    device = desk("A1")
    page = device.page
    device.open(client_page("C1"))
    device.arrived(re.compile("."), title="Overview", by_link=False)
    device.follow("Send New Forms")
    device.arrived(re.compile("^Send New Forms to "))
    device.press("Continue")
    device.sees("Choose at least one form")
    for title in ("Informed Consent for Psychotherapy", "Notice of Privacy Practices"):
        page.get_by_role("checkbox", name=title).check()
    page.get_by_label("A word to the client").fill("Before Tuesday, please.")
    device.look("send")
    device.press("Continue")
    sheet = page.get_by_role("dialog", name="Send these forms?")
    expect(sheet).to_contain_text(C1.name.split()[-1])
    device.look("send-confirm")
    device.press("Send now", within=sheet)
    device.arrived("The forms are on their way")
    device.press("Back to the client")
    device.arrived(re.compile("."), title="Overview")
    expect(page.get_by_text("0 of 2 signed")).to_be_visible()
    device.look("packet")
    phone = desk("C1", "phone")
    phone.open("/forms")
    phone.sees("Before Tuesday, please.")
    phone.look("my-forms")
    device.open("/staff/unfinished")
    device.arrived("Open forms", by_link=False)
    device.look("unfinished")
    device.press("Remind everyone")
    device.does("Remind now")
    office.drain()
    device.sees("1 e-mail is on the way.")
    expect(row(device, C1.name.split()[-1])).to_contain_text("reminded less than a day ago")
    device.look("reminded")
    subjects = [mail["subject"] for mail in office.outbox(C1.email)]
    subjects.remove("A new sign-in to your account")  # the phone
    assert subjects == ["There is something new for you", "Something is still waiting for you"]
    device.open(client_page("C1"))
    page.get_by_role("button", name=of("Take back", "Informed Consent for Psychotherapy")).click()
    device.look("take-back")
    device.press("Take back", within=page.get_by_role("dialog"))
    device.sees("It is taken back.")
    phone.open("/forms")
    phone.sees("Your practice took this form back.")
    phone.look("taken-back")


def test_reminded_by_the_clock(desk: Callable[..., Device], call: Callable[..., Any], office: Caller) -> None:
    device = desk("A1")
    device.open(LIBRARY)
    with device.done():
        device.page.get_by_role("switch", name="Send reminders automatically").check()
    with device.done():
        device.page.get_by_label("First reminder after").select_option(label="2 days")
    expect(device.page.get_by_role("status").filter(has_text="Saved")).to_be_visible()
    device.look("rule")
    sent(call("A1"), "C1", NOTICE)
    office.drain()
    assert len(office.outbox(C1.email)) == 1
    office.local("POST", "/clock", {"advance_seconds": 2 * DAY + 60})
    office.drain()
    assert [mail["subject"] for mail in office.outbox(C1.email)][1:] == ["Something is still waiting for you"]


def test_what_happened_outside_the_portal(
    desk: Callable[..., Device], call: Callable[..., Any], office: Caller, tmp_path: Path
) -> None:
    admin = call("A1")
    reminders_on(admin)
    sent(admin, "C1", NOTICE, flows.CONSENT)
    scan = tmp_path / "scan.pdf"
    scan.write_bytes(pdf())
    device = desk("T1")
    page = device.page
    device.open(client_page("C1"))
    page.get_by_role("button", name=of("Signed on paper", "Informed Consent for Psychotherapy")).click()
    sheet = page.get_by_role("dialog")
    sheet.get_by_label("Name of the person who signed").fill("Imogen Thistlewood")
    sheet.get_by_label("Date beside the signature").fill("2026-01-14")
    sheet.get_by_label("Scan or photo of the signed form").set_input_files(scan)
    device.look("paper")
    with page.expect_response("**/finish"):
        device.press("Record", within=sheet)
    expect(sheet.get_by_role("button", name="Checking the file…")).to_be_visible()
    office.drain()
    device.sees("It is recorded.")
    page.get_by_role("button", name=of("Not acknowledged", "Notice of Privacy Practices")).click()
    device.press("Record", within=page.get_by_role("dialog"))
    device.sees("Choose a reason")
    page.get_by_role("radio", name="The client declined").check()
    page.get_by_label("What happened").fill("Wants to think about it.")
    device.look("not-acknowledged")
    device.press("Record", within=page.get_by_role("dialog"))
    device.sees("Wants to think about it.")
    expect(page.get_by_text("Completed", exact=True)).to_be_visible()
    device.look("settled")
    device.open(client_page("C1", "/documents"))
    device.sees("Informed Consent for Psychotherapy (on paper)")
    device.look("documents")
    device.open(client_page("C1"))
    page.get_by_text("Record what happened on paper").click()
    page.get_by_label("Which form").select_option(label="Notice of Privacy Practices")
    device.look("outside")
    page.get_by_role("button", name=of("Not acknowledged", "Notice of Privacy Practices")).click()
    page.get_by_role("radio", name="Emergency").check()
    device.press("Record", within=page.get_by_role("dialog"))
    expect(page.get_by_text("Not acknowledged", exact=True).locator("visible=true")).to_have_count(2)
