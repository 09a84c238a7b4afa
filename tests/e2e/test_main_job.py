"""The main job in a real browser: a therapist invites, a client signs on a phone, the practice has sealed PDFs."""

import hashlib
import io
import itertools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Route, expect
from pypdf import PdfReader

from tests.calls import PEOPLE, Caller
from tests.e2e.device import Device
from tests.e2e.filling import Filling
from tests.e2e.packets import give_birth_date

T4, C4 = PEOPLE["T4"], PEOPLE["C4"]
PASSWORD = "seven lanterns on the pier"
FORMS = ["Standard Intake Questionnaire", "Informed Consent for Psychotherapy", "Notice of Privacy Practices"]

# Whatever a person may type: it shows as typed, on the page, in the record and in the PDF.
ODD = {
    "reason": 'I <b>cannot</b> <script>alert("x")</script> & {{practice.name}} rest.\n\n\tהלילה ארוך מדי 2024 אמת. '
    "夜が長すぎる。 밤이 길다. 🌧️👩‍👩‍👧 Ünïcødé — “quoted” \\ %s ${x}\n" + "A long story, told slowly. " * 110,
    "gender": "أنا نفسي (as typed)",
    "name_used": "Wen <i>&amp;</i> 文",
    "goals": "‮evil‬ & sleep\u200b",
    "household": [
        {"name": "Ada & <Bo>", "age": "9", "relation": "Child"},
        {"name": "שרה", "age": "41", "relation": "Partner"},
    ],
}


def draw_by_touch(device: Device, pad: Locator) -> None:
    """Two strokes with a finger."""
    box = pad.bounding_box()
    assert box
    fingers = device.context.new_cdp_session(device.page)
    for stroke in (((0.1, 0.7), (0.2, 0.2), (0.3, 0.8), (0.4, 0.3)), ((0.5, 0.4), (0.7, 0.6), (0.9, 0.4))):
        points = [{"x": box["x"] + box["width"] * x, "y": box["y"] + box["height"] * y} for x, y in stroke]
        fingers.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": points[:1]})
        for start, end in itertools.pairwise(points):
            for part in (0.25, 0.5, 0.75, 1):
                at = {axis: start[axis] + (end[axis] - start[axis]) * part for axis in ("x", "y")}
                fingers.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [at]})
        fingers.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    fingers.detach()


def draw_by_mouse(device: Device, pad: Locator) -> None:
    """One stroke with the mouse."""
    box = pad.bounding_box()
    assert box
    mouse = device.page.mouse
    mouse.move(box["x"] + 40, box["y"] + 50)
    mouse.down()
    for step in range(1, 9):
        mouse.move(box["x"] + 40 + 25 * step, box["y"] + (90 if step % 2 else 40), steps=3)
    mouse.up()


class Therapist:
    """T4 at a desk."""

    def __init__(self, device: Device, office: Caller) -> None:
        self.device, self.page, self.office = device, device.page, office

    def signs_in(self) -> None:
        """Password, then the code of the authenticator."""
        self.device.open("/oak/staff")
        self.device.arrived("Staff sign-in", title="Sign in", by_link=False)
        self.device.look("sign-in")
        self.page.get_by_label("E-mail").fill(T4.email)
        self.page.get_by_label("Password", exact=True).fill(T4.password)
        self.device.allow(401, r"POST /api/sessions$")
        self.device.press("Sign in")
        expect(self.page.get_by_label("6-digit code")).to_be_focused()
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Enter your code")
        self.device.look("code")
        self.page.get_by_label("6-digit code").fill(self.office.code_of("T4"))
        self.device.press("Continue")
        self.device.arrived("Hello, Desmond", title="Today")
        self.device.look("today-quiet")

    def finds_the_client(self) -> None:
        """By the first letters of the family name."""
        self.device.follow("Clients", within=self.page.get_by_role("navigation", name="Main, wide screens"))
        self.device.arrived("Clients")
        self.page.get_by_role("searchbox", name="Find a client by name").press_sequentially("farn wen")
        expect(self.page.get_by_role("status").filter(has_text="1 client matches")).to_be_visible()
        self.device.look("clients")
        self.device.follow(C4.name)
        self.device.arrived(C4.name, title=f"Overview, {C4.name}")
        self.device.look("client")

    def invites(self) -> None:
        """The three forms, the usual text, a look at what will be sent, and the question before it goes."""
        self.device.follow("Invite to the portal")
        self.device.arrived(f"Invite {C4.name}")
        for form in FORMS:
            expect(self.page.get_by_role("checkbox", name=form)).to_be_checked()
        message = self.page.get_by_label("Message", exact=True)
        message.fill("Hello {client_first_name},\n\nthe forms that we spoke of <are> here:\n\n{link}\n\n{organization}")
        self.device.look("invite")
        self.device.press("Preview")
        self.device.arrived("Preview")
        letter = self.page.get_by_role("article", name="Preview")
        expect(letter).to_contain_text("Hello Wendell,")
        expect(letter).to_contain_text("the forms that we spoke of <are> here:")
        expect(letter).to_contain_text(C4.email)
        self.device.look("invite-preview")
        self.device.press("Send invitation")
        sheet = self.page.get_by_role("dialog", name="Send this invitation?")
        for shown in (C4.name, C4.email, *FORMS):
            expect(sheet).to_contain_text(shown)
        self.device.look("invite-confirm")
        self.device.press("Send now", within=sheet)
        self.device.arrived("The invitation is on its way")
        self.device.look("invite-sent")

    def sees_it_delivered(self) -> None:
        """The Portal tab, after the mail went out."""
        self.device.press("See its state")
        self.device.arrived(C4.name, title=f"Portal, {C4.name}")
        expect(self.page.get_by_text("Waiting for client").first).to_be_visible()
        expect(self.page.get_by_text("Delivered", exact=True).first).to_be_visible()
        self.device.look("portal-tab")

    def is_told(self, *, worrying: bool) -> None:
        """Today: one notice, with its flag."""
        self.device.follow("Today", within=self.page.get_by_role("navigation", name="Main, wide screens"))
        self.device.arrived("Hello, Desmond", title="Today")
        news = self.page.get_by_role("region", name="What is new").get_by_role("listitem")
        expect(news).to_have_count(1)
        expect(news).to_contain_text(f"{C4.name} completed the intake forms")
        expect(news.get_by_text("Safety answer", exact=True)).to_have_count(int(worrying))
        self.device.look("today")

    def reads_the_summary(self, *, worrying: list[str], in_person: list[str]) -> None:
        """One screen: what is worrying first, and what is left for the conversation."""
        self.page.get_by_role("link", name="Read summary").click()
        self.device.arrived(f"Intake of {C4.name}")
        if worrying:
            first = self.page.get_by_role("region", name="Read first")
            for line in worrying:
                expect(first).to_contain_text(line)
        else:
            self.device.sees(re.compile("^No answer raised a safety flag"))
        for title in in_person:
            expect(self.page.get_by_role("region", name="Left to say in person")).to_contain_text(title)
        self.device.look("summary")

    def opens_general_documents(self, *, worrying: bool) -> None:
        """Three completed documents."""
        self.device.follow(C4.name, within=self.page.get_by_role("navigation", name="Where you are"))
        self.device.arrived(C4.name)
        self.device.follow("General Documents")
        self.device.arrived(C4.name, title=f"General Documents, {C4.name}")
        rows = self.page.get_by_role("table").get_by_role("row").filter(has=self.page.get_by_role("link"))
        expect(rows).to_have_count(3)
        for form in FORMS:
            row = rows.filter(has_text=form)
            expect(row.get_by_text("Completed", exact=True)).to_be_visible()
            expect(row.get_by_text("Safety answer", exact=True)).to_have_count(int(worrying and form == FORMS[0]))
        self.device.look("general-documents")
        rows.filter(has_text=FORMS[1]).get_by_role("button", name=re.compile("^Verify")).click()
        verdict = self.page.get_by_role("status", name=f"Verification of {FORMS[1]}")
        expect(verdict).to_contain_text("This document is intact")
        expect(verdict).to_be_focused()
        self.device.look("verified")

    def opens_the_record(self, says: list[str]) -> bytes:
        """Reads the signed answers, checks the seal, and downloads the PDF by its short-lived link."""
        self.device.follow(FORMS[0])
        self.device.arrived(FORMS[0])
        for text in says:
            expect(self.page.get_by_role("article", name=FORMS[0])).to_contain_text(text)
        self.device.look("record")
        self.device.press("Verify")
        expect(self.page.get_by_role("status", name=f"Verification of {FORMS[0]}")).to_contain_text("is intact")
        with self.page.expect_download() as download:
            self.device.press("Download PDF")
        assert download.value.suggested_filename.endswith(".pdf")
        assert "X-Amz-Expires=" in download.value.url
        pdf = Path(download.value.path()).read_bytes()
        shown = re.sub(r"\s", "", self.page.get_by_role("region", name="Certificate").inner_text())
        assert hashlib.sha256(pdf).hexdigest() in shown
        return pdf


class Client:
    """C4 with a phone."""

    def __init__(self, device: Device) -> None:
        self.device, self.page = device, device.page

    def joins(self, link: str) -> None:
        """Opens the link of the mail and makes an account; a short password is refused where it stands."""
        self.device.open(link)
        self.device.arrived("Welcome, Wendell", by_link=False)
        assert "#" not in self.page.url, "the token must leave the address bar"
        self.device.sees(C4.email)
        give_birth_date(self.page)
        password = self.page.get_by_label("Choose a password")
        password.fill("short")
        self.device.press("Create my account")
        expect(password).to_be_focused()
        expect(password).to_have_accessible_description(re.compile("Use at least 15 characters"))
        self.device.look("join-refused")
        password.fill(PASSWORD)
        self.device.look("join")
        self.device.press("Create my account")
        self.device.arrived("How to reach you")

    def gives_demographics(self) -> None:
        """Address and emergency contact; half an address is refused with a link to what is missing."""
        fields = {
            "Street and number": "77 Quillfeather Row",
            "ZIP code": "10001",
            "Their name": "Ottoline Farnsworthy-Bram",
            "Who they are to you": "Sister",
            "Their phone number": "+1 212 555 0177",
        }
        for label, value in fields.items():
            self.page.get_by_label(label).fill(value)
        self.device.press("Save and continue")
        summary = self.page.get_by_role("group", name=re.compile("answers need your attention"))
        expect(summary).to_be_focused()
        self.device.look("details-refused")
        self.device.follow("Enter the city", within=summary)
        expect(self.page.get_by_label("City")).to_be_focused()
        self.page.get_by_label("City").fill("Harborview")
        self.page.get_by_label("State").fill("NY")
        self.device.look("details")
        self.device.press("Save and continue")

    def reviews(self, title: str) -> None:
        """Everything once more, then on to signing."""
        self.device.arrived("Check your answers")
        self.device.look(f"review-{title.split()[0].lower()}")
        self.device.press("Continue to signing")
        self.device.arrived(f"Sign: {title}")

    def signs(self, title: str, zone_name: str, draw: Callable[[Device, Locator], None] | None) -> None:
        """Refused while anything is missing; then signs, drawn or typed."""
        self.device.press("Sign and send")
        summary = self.page.get_by_role("group", name=re.compile("answers need your attention"))
        expect(summary).to_be_focused()
        for box in self.page.get_by_role("group", name="What you agree to").get_by_role("checkbox").all():
            box.check()
        if draw:
            self.page.get_by_role("radio", name="Draw").check()
            pad = self.page.get_by_role("img", name="Nothing drawn yet")
            pad.scroll_into_view_if_needed()
            expect(pad).to_be_visible()
            draw(self.device, pad)
            expect(self.page.get_by_role("img", name="Your drawn signature")).to_be_visible()
        else:
            self.page.get_by_label("Type your full legal name to sign").fill(C4.name)
        expect(self.page.get_by_label("Your name in print")).to_have_value(C4.name)
        self.device.sees(zone_name)
        self.device.look(f"sign-{title.split()[0].lower()}")
        self.device.press("Sign and send")

    def is_done(self, drain: Callable[[], Any]) -> None:
        """The finished page, before and after sealing; then My documents, and one of them."""
        self.device.arrived("All done. Here is what happens next")
        self.device.sees("We are sealing your copies now")
        self.device.look("done-sealing")
        drain()
        self.device.sees("Your sealed copies are ready under Documents.")
        self.device.look("done")
        self.page.get_by_role("link", name=re.compile("^Go to ")).click()
        self.device.arrived(re.compile("^Hello, "))
        self.device.look("home")
        for tab in ("Forms", "Documents"):
            if tab == "Documents":  # on a phone they are reached from the account
                self.page.get_by_role("link", name=re.compile("your account$")).locator("visible=true").click()
            self.page.get_by_role("navigation").get_by_role("link", name=tab).locator("visible=true").click()
            self.device.arrived(tab)
            self.device.look(tab.lower())
        expect(self.page.get_by_role("main").get_by_text("Sealed", exact=True)).to_have_count(3)
        self.page.get_by_role("link", name=FORMS[0]).click()
        self.device.arrived(FORMS[0])
        self.device.look("document")

    def keeps_a_copy(self) -> bytes:
        """The same PDF that the practice has."""
        with self.page.expect_download() as download:
            self.device.press("Download PDF")
        return Path(download.value.path()).read_bytes()

    def checks_a_file(self, pdf: bytes) -> None:
        """Anyone, without signing in: the sealed PDF is intact; with one byte flipped it is not."""
        self.device.open("/verify")
        self.device.arrived("Check a signed document", by_link=False)
        chooser = self.page.locator("input[type=file]")
        chooser.set_input_files({"name": "form.pdf", "mimeType": "application/pdf", "buffer": pdf})
        expect(self.page.get_by_role("heading", name="This document is unchanged")).to_be_visible()
        self.device.look("verify-intact")
        at = len(pdf) // 3
        flipped = pdf[:at] + bytes([pdf[at] ^ 1]) + pdf[at + 1 :]
        chooser.set_input_files({"name": "form.pdf", "mimeType": "application/pdf", "buffer": flipped})
        expect(self.page.get_by_role("heading", name="This document was changed")).to_be_visible()
        self.device.look("verify-changed")


RUNS = {
    "drawn-worrying-in-new-york": {
        "zone": "America/New_York",
        "zone_name": "Eastern Time",
        "draw": (draw_by_touch, draw_by_mouse, draw_by_touch),
        "every": True,
        "answers": ODD | {"suicide_thoughts": "often", "suicide_plan": False},
        "skip": frozenset({"substances"}),
        "worrying": ["Thoughts of death"],
        "in_person": ["Alcohol, tobacco and drugs"],
        "says": ['<script>alert("x")</script> & {{practice.name}} rest.', "夜が長すぎる", "أنا نفسي", "Ada & <Bo>"],
    },
    "typed-calm-in-tokyo": {
        "zone": "Asia/Tokyo",
        "zone_name": "Japan",
        "draw": (None, None, None),
        "every": False,
        "answers": {"reason": "Sleep & rest, <em>mostly</em>.", "concerns": ["sleep"]},
        "skip": frozenset({"family", "identity"}),
        "worrying": [],
        "in_person": ["Identity and household", "Family and history"],
        "says": ["Sleep & rest, <em>mostly</em>."],
    },
}


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS.keys())
def test_from_invitation_to_verified_pdf(
    run: dict[str, Any], devices: Callable[..., Device], office: Caller, canaries: Any
) -> None:
    canaries.add(PASSWORD, "Quillfeather", "Ottoline", "told slowly", "夜が長すぎる")
    desk, phone = devices("desktop", name="therapist"), devices("phone", zone=run["zone"], name="client")
    desk.both = phone.both = run["every"]  # once is enough
    therapist = Therapist(desk, office)
    therapist.signs_in()
    therapist.finds_the_client()
    therapist.invites()
    office.drain()
    therapist.sees_it_delivered()
    (mail,) = office.outbox(C4.email)
    link = re.search(r"\S+/join#\S+", mail["text"])
    assert link

    client = Client(phone)
    client.joins(link.group())
    client.gives_demographics()
    for title, draw in zip(FORMS, run["draw"], strict=True):
        filling = Filling(phone, answers=run["answers"], every=run["every"], skip=run["skip"])
        if title == FORMS[0] and run["worrying"]:
            filling.after["suicide_thoughts"] = crisis_shows_at_once
        filling.to_review()
        client.reviews(title)
        client.signs(title, run["zone_name"], draw)
    client.is_done(office.drain)
    copy = client.keeps_a_copy()

    therapist.is_told(worrying=bool(run["worrying"]))
    told = [mail for mail in office.outbox(T4.email) if mail["subject"] != "A new sign-in to your account"]
    assert len(told) == 1, "staff are told once, by a neutral mail"
    therapist.reads_the_summary(worrying=run["worrying"], in_person=run["in_person"])
    therapist.opens_general_documents(worrying=bool(run["worrying"]))
    pdf = therapist.opens_the_record(run["says"])
    assert pdf == copy
    assert C4.name in "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)
    Client(devices("phone", name="anyone")).checks_a_file(pdf)


def crisis_shows_at_once(device: Device) -> None:
    """The numbers stand right below the answer, before anything was saved or sent on."""
    help_ = device.page.get_by_role("region", name="You can talk to someone now")
    saves: list[Route] = []
    device.page.route("**/sections/*", lambda route: saves.append(route))
    expect(help_).to_be_visible()
    device.page.unroute("**/sections/*")
    for save in saves:
        save.continue_()
    expect(help_.get_by_role("link", name="Call 988")).to_have_attribute("href", "tel:988")
    expect(help_.get_by_role("link", name="Text 988")).to_have_attribute("href", "sms:988")
    device.look("crisis")
