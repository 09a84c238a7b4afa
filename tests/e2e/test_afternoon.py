"""A practice's first afternoon, as its first administrator walks it: from nothing to who has not finished."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from infra.local import levers
from tests import flows
from tests.calls import Caller
from tests.e2e.device import Device
from tests.e2e.filling import Filling
from tests.e2e.packets import give_birth_date

pytestmark = pytest.mark.usefixtures("working")

WANDA, WRONG, ROWAN = "wanda@staff.example", "wanda@staf.example", "rowan@staff.example"
PASSWORD = "seven quiet otters swim"
FORMS = ["Informed Consent for Psychotherapy", "Notice of Privacy Practices"]  # the long one is filled in elsewhere
FIFTY = 50
MENU = "Main, wide screens"


def table() -> bytes:
    """A list as a practice has it: fifty people to come in, in no order, and two rows that cannot stand."""
    people = [((number * 17) % FIFTY) for number in range(FIFTY)]
    rows = [
        f"Given{n:02},Family{n:02},3/{n % 28 + 1}/1985,client{n:02}@mail.example,(303) 555-01{n:02}" for n in people
    ]
    wrong = ["Vera,Callme,4/4/1980,vera@mail.example,call me", ",,,nobody@mail.example,"]
    return "\n".join(["First name,Last name,Date of birth,E-mail,Phone", *rows, *wrong]).encode()


def born(number: int) -> str:
    """The date of birth of one of the fifty."""
    return f"1985-03-{number % 28 + 1:02}"


def follow_staff_link(device: Device, office: Caller, address: str) -> None:
    """From the newest mail to a signed-in colleague: a password, then the authenticator."""
    device.open(f"/join-staff#{flows.staff_token(office, address)}")
    device.arrived("Open your staff account", by_link=False)
    device.page.get_by_label("Choose a password").fill(PASSWORD)
    device.press("Continue")
    expect(device.page.get_by_role("heading", level=1)).to_have_text("Set up your authenticator app")
    secret = device.page.locator("code.secret").inner_text().replace(" ", "")
    device.page.get_by_label("6-digit code").fill(levers.totp(secret, office.clock.now()))
    device.press("Open my account")


class Administrator:
    """Wanda, at a desk from now on."""

    def __init__(self, device: Device, office: Caller) -> None:
        self.device, self.page, self.office = device, device.page, office

    def goes_to(self, name: str) -> None:
        """By the menu on the left."""
        self.device.follow(name, within=self.page.get_by_role("navigation", name=MENU))

    def signs_up(self) -> None:
        """With a slip in the address, which the page itself can mend."""
        self.device.open("/start")
        self.device.arrived("Open your practice’s portal", by_link=False)
        for label, value in {
            "Name of the practice": "Willow Room Therapy",
            "Phone of the practice": "(303) 555-0100",
            "Your name": "Wanda Early",
            "Your e-mail address": WRONG,
        }.items():
            self.page.get_by_label(label).fill(value)
        self.device.sees("willow-room-therapy is free.")
        self.device.press("Open the portal")
        self.device.arrived("Check your e-mail")
        self.device.look("sent")
        self.page.get_by_label("E-mail address").fill(WANDA)
        self.device.press("Send the e-mail again")
        self.device.sees(f"The e-mail is on its way to {WANDA} once more.")
        self.device.look("sent-again", both=False)

    def joins(self) -> None:
        """Behind the link of the second mail."""
        follow_staff_link(self.device, self.office, WANDA)
        self.device.arrived("Hello, Wanda", title="Today")
        expect(self.page.get_by_role("link", name="hello@portal.example")).to_be_visible()
        self.device.look("first-day")

    def invites_a_colleague(self) -> None:
        """The one therapist of the practice."""
        self.goes_to("Organization")
        self.goes_to("Staff")
        self.device.follow("Invite a colleague")
        self.page.get_by_label("Name").fill("Rowan Later")
        self.page.get_by_label("E-mail address").fill(ROWAN)
        self.device.press("Send the invitation")
        self.device.arrived("Rowan Later")

    def imports(self) -> None:
        """Fifty clients from a table, after a look at what would become of each row."""
        self.goes_to("Clients")
        self.device.arrived("Clients")
        self.device.look("no-clients")
        self.device.follow("Import")
        self.page.get_by_label("Table (CSV)").set_input_files(
            files=[{"name": "clients.csv", "mimeType": "text/csv", "buffer": table()}]
        )
        self.device.press("Look at the table")
        self.device.sees("Not a phone number")
        self.device.look("dry-run")
        self.device.press(f"Import {FIFTY} clients")
        self.device.sees("The import is done")
        self.device.look("imported", both=False)
        self.device.follow("Go to clients")
        self.device.arrived("Clients")
        self.device.sees(f"{FIFTY} clients")
        names = self.page.locator("a[data-row]").all_inner_texts()
        assert names == [f"Given{n:02} Family{n:02}" for n in range(len(names))], "an import comes out in order"
        self.device.look("clients")

    def invites_everyone(self) -> None:
        """In one go; nothing is sent before it was looked at."""
        self.device.press("Invite several")
        self.device.press("Everyone never invited")
        self.device.arrived("Invite several clients")
        self.device.sees(f"{FIFTY} clients will be invited")
        self.page.get_by_role("checkbox", name="Standard Intake Questionnaire").uncheck()
        self.device.look("invite-several")
        self.device.press("Preview")
        self.device.arrived("Preview")
        self.device.press(f"Send {FIFTY} invitations")
        self.device.press("Send now")
        self.device.arrived("All done", by_link=False)
        self.device.sees(f"{FIFTY} clients invited")
        self.device.look("all-invited")

    def sees_who_has_not_finished(self) -> None:
        """Forty-eight: one of them has joined, and can be reminded."""
        self.goes_to("Open forms")
        self.device.arrived("Open forms")
        self.device.sees(f"{FIFTY - 2} with forms open")
        for finished in ("Given00 Family00", "Given01 Family01"):
            expect(self.page.get_by_role("link", name=finished)).to_have_count(0)
        self.device.look("who-has-not-finished")

    def reminds(self) -> None:
        """Whoever has joined; for the others the way to their invitation is named."""
        self.device.press("Remind everyone")
        asked = self.page.get_by_role("dialog", name="Remind everyone who has forms open?")
        expect(asked).to_contain_text(f"{FIFTY - 3} clients will be left out:")
        expect(asked.get_by_role("link", name="Invite those who have not joined again")).to_be_visible()
        self.device.look("remind", both=False)
        self.device.press("Remind now", within=asked)
        self.device.sees("1 e-mail is on the way.")
        self.device.sees(re.compile(f"and {FIFTY - 3 - 5} more: has not joined yet"))
        self.device.look("reminded", both=False)

    def sees_who_has_not_joined(self) -> None:
        """In the list of clients, and why nobody is invited twice on one day."""
        self.goes_to("Clients")
        self.page.get_by_label("Portal", exact=True).select_option("not_joined")
        self.device.sees(f"{FIFTY - 3} clients")
        self.device.look("not-joined", both=False)
        self.device.press("Invite several")
        self.device.press("Everyone not joined yet")
        self.device.sees("There is nobody to invite")
        self.device.sees("Was invited less than a day ago")
        self.device.look("nobody-twice")


class Client:
    """One of the fifty, with a phone."""

    def __init__(self, device: Device, office: Caller, number: int) -> None:
        self.device, self.page, self.office, self.number = device, device.page, office, number
        self.name, self.email = f"Given{number:02} Family{number:02}", f"client{number:02}@mail.example"
        device.looks = False  # at these pages other tests look

    def joins(self) -> None:
        """By the link of the mail; the rest of the details can wait."""
        token = flows.link_in(self.office.outbox(self.email)[-1])
        self.device.open(f"/join#{token}")
        self.device.arrived(f"Welcome, Given{self.number:02}", by_link=False)
        give_birth_date(self.page, born(self.number))
        self.page.get_by_label("Choose a password").fill(PASSWORD)
        self.device.press("Create my account")
        self.device.arrived("How to reach you")
        expect(self.page.get_by_label("We may contact them in an emergency")).not_to_be_checked()
        self.device.press("Skip this for now")

    def signs(self, form: str) -> None:
        """One form of the packet: what must be answered, then a typed name."""
        Filling(self.device, every=False).to_review()
        self.device.press("Continue to signing")
        self.device.arrived(f"Sign: {form}")
        for box in self.page.get_by_role("group", name="What you agree to").get_by_role("checkbox").all():
            box.check()
        self.page.get_by_label("Type your full legal name to sign").fill(self.name)
        with self.page.expect_response("**/signature"):
            self.device.press("Sign and send")

    def finishes(self) -> None:
        """Both."""
        for form in FORMS:
            self.signs(form)
        self.device.arrived("All done. Here is what happens next")


def test_the_first_afternoon(devices: Callable[..., Device], office: Caller) -> None:
    wanda = Administrator(devices("desktop", zone="America/Denver", name="wanda"), office)
    wanda.signs_up()
    wanda.joins()
    wanda.invites_a_colleague()
    rowan = devices("phone", zone="America/Denver", name="rowan")
    follow_staff_link(rowan, office, ROWAN)
    rowan.arrived("Hello, Rowan", title="Today")
    wanda.imports()
    wanda.invites_everyone()
    office.drain()
    clients = [Client(devices("phone", zone="America/Denver", name=f"client{n}"), office, n) for n in range(3)]
    for client in clients:
        client.joins()
    for client in clients[:2]:
        client.finishes()
    clients[2].signs(FORMS[0])
    wanda.sees_who_has_not_finished()
    before = len(office.outbox(clients[2].email))
    wanda.reminds()
    office.drain()
    *_, mail = office.outbox(clients[2].email)
    assert len(office.outbox(clients[2].email)) == before + 1
    assert mail["subject"] == "Something is still waiting for you"
    wanda.sees_who_has_not_joined()
