"""A new practice in a browser: signed up, confirmed, furnished, its staff invited and at work; and its other pages."""

import io
import re
from collections.abc import Callable

from PIL import Image, ImageDraw
from playwright.sync_api import expect

from infra import tenant as operator
from infra.local import levers
from tests import flows
from tests.calls import PEOPLE, Caller
from tests.e2e.device import Device

WANDA, ROWAN = "wanda@staff.example", "rowan@staff.example"
PASSWORD = "seven quiet otters swim"
PORTAL = "/staff/organization/client-portal"


def staff_link(office: Caller, address: str) -> str:
    """The address in the newest mail to a colleague."""
    return f"/join-staff#{flows.staff_token(office, address)}"


def choose_password_and_app(device: Device, office: Caller, finish: str) -> None:
    """Both steps of the page behind the link."""
    device.page.get_by_label(re.compile("password$")).first.fill(PASSWORD)
    device.press("Continue")
    expect(device.page.get_by_role("heading", level=1)).to_have_text("Set up your authenticator app")
    secret = device.page.locator("code.secret").inner_text().replace(" ", "")
    device.look("authenticator")
    device.page.get_by_label("6-digit code").fill(levers.totp(secret, office.clock.now()))
    device.press(finish)


def test_a_new_practice(devices: Callable[..., Device], office: Caller) -> None:
    owner = devices("phone", name="owner")
    owner.open("/")
    owner.follow("Open a portal for your practice")
    owner.arrived("Open your practice’s portal")
    owner.press("Open the portal")  # nothing is filled in yet
    expect(owner.page.get_by_role("heading", name=re.compile("answers need your attention"))).to_be_visible()
    owner.look("what-is-missing")
    page = owner.page
    page.get_by_label("Name of the practice").fill("Oak")
    page.get_by_label("Address of its sign-in page").fill("oak")
    owner.sees("oak is taken. Choose another one.")
    page.get_by_label("Name of the practice").fill("Willow Room Therapy")
    page.get_by_label("Address of its sign-in page").fill("willow-room")
    owner.sees("willow-room is free.")
    page.get_by_label("Phone of the practice").fill("(303) 555-0100")
    page.get_by_label("Time zone of the practice").select_option("America/Denver")
    page.get_by_label("Your name").fill("Wanda Early")
    page.get_by_label("Your e-mail address").fill(WANDA)
    owner.look("sign-up")
    owner.press("Open the portal")
    owner.arrived("Check your e-mail")
    owner.look("sent")

    admin = devices("desktop", name="admin")
    admin.open(staff_link(office, WANDA))
    admin.arrived("Open your staff account", by_link=False)
    admin.look("link")
    choose_password_and_app(admin, office, "Open my account")
    admin.arrived("Hello, Wanda", title="Today")
    admin.sees(re.compile("^Trial until"))
    admin.look("first-day")

    admin.follow("Complete the profile Your address is printed in the consent form.")
    admin.arrived("Profile")
    page = admin.page
    page.get_by_label("Address").fill("1 Willow Way, Boulder, CO 80301")
    admin.press("Save profile")
    admin.sees("The profile is saved.")
    page.locator("input[type=file]").set_input_files(
        files=[{"name": "logo.png", "mimeType": "image/png", "buffer": logo()}]
    )
    admin.sees("The logo is in place.")
    page.locator("input[type=color]").fill("#7a3fa0")
    admin.press("Use this colour")
    admin.sees("The colour is in place.")
    expect(page.locator("nav.side img.logo")).to_be_visible()
    admin.look("profile")

    admin.follow("Staff", within=page.locator("nav.side"))
    admin.arrived("Staff")
    admin.follow("Invite a colleague")
    admin.arrived("Invite a colleague")
    page.get_by_label("Name").fill("Rowan Later")
    page.get_by_label("E-mail address").fill(ROWAN)
    admin.look("invite")
    admin.press("Send the invitation")
    admin.arrived("Rowan Later")
    admin.look("invited")

    colleague = devices("phone", name="colleague")
    colleague.open(staff_link(office, ROWAN))
    colleague.arrived("Open your staff account", by_link=False)
    page = colleague.page
    page.get_by_label("Choose a password").fill("short")
    colleague.allow(422, "POST /api/staff-invitations/second-factor")
    colleague.press("Continue")
    colleague.sees("Use at least 15 characters. A short sentence works well.")
    choose_password_and_app(colleague, office, "Open my account")
    colleague.arrived("Hello, Rowan", title="Today")
    colleague.look("joined")

    page = admin.page
    admin.open(f"{PORTAL}/subscription")
    page.get_by_label("Rowan Later").click()
    admin.sees("Rowan Later has a seat now.")
    admin.look("seat")

    make_client(office)
    admin.open("/staff/organization/staff")
    admin.look("staff")
    admin.follow("Rowan Later")
    admin.arrived("Rowan Later")
    page.get_by_label("Assign a client").fill("morg")
    admin.press("Assign : Morgan Firstclient")
    admin.sees("Morgan Firstclient")
    expect(page.get_by_role("button", name="Remove : Morgan Firstclient")).to_be_visible()
    admin.look("assigned")
    colleague.open("/staff/clients")
    colleague.sees("Morgan Firstclient")
    admin.press("Remove : Morgan Firstclient")
    expect(page.get_by_role("button", name="Remove : Morgan Firstclient")).to_have_count(0)
    colleague.open("/staff/clients")
    colleague.sees("No clients yet")
    admin.open("/staff")
    admin.look("steps-done")


def make_client(office: Caller) -> None:
    """A client file of the new practice; its page is another's."""
    from chalicelib import ids
    from chalicelib.services import clients

    (tenant,) = [each["tenant_id"] for each in flows.stored("tenant") if each["slug"] == "willow-room"]
    clients.create(tenant, client_id=ids.new_id(), legal_name="Morgan Firstclient", email="morgan@mail.example")


def logo() -> bytes:
    image, out = Image.new("RGBA", (360, 120), (0, 0, 0, 0)), io.BytesIO()
    draw = ImageDraw.Draw(image)
    draw.ellipse((10, 10, 110, 110), fill=(122, 63, 160, 255))
    draw.rounded_rectangle((130, 40, 350, 80), 18, fill=(90, 90, 110, 255))
    image.save(out, "PNG")
    return out.getvalue()


def test_a_downgrade_says_what_stops(desk: Callable[..., Device]) -> None:
    admin = desk("A1")
    admin.open(f"{PORTAL}/subscription")
    admin.arrived("Client Portal", title="Subscription", by_link=False)
    admin.sees("Plus plan")
    admin.look("plus")
    admin.press("Change to Basic")
    dialog = admin.page.get_by_role("dialog")
    expect(dialog).to_contain_text("Secure messaging: nobody can write new messages.")
    expect(dialog).to_contain_text("Nothing on record is lost")
    admin.look("what-stops")
    admin.press("Change to Basic", within=dialog)
    admin.sees("You are on the Basic plan now.")
    admin.open(PORTAL)
    admin.sees("Your plan does not include this. The Plus plan adds it.")


def test_two_administrators_edit_the_profile(desk: Callable[..., Device], call: Callable[..., Caller]) -> None:
    admin, other = desk("A1"), call("A2")
    admin.open("/staff/organization/profile")
    admin.page.get_by_label("Phone").fill("(212) 555-0150")
    etag = other.get("/practice/organization").json["etag"]
    assert other.patch("/practice/organization", {"name": "Oak and Elm"}, etag=etag).status == 200
    admin.allow(412, "PATCH /api/practice/organization")
    admin.press("Save profile")
    admin.sees("Name of the organization is now: Oak and Elm")
    expect(admin.page.get_by_label("Phone")).to_have_value("(212) 555-0150")
    admin.look("changed-meanwhile")
    admin.press("Save profile")
    admin.sees("The profile is saved.")
    now = other.get("/practice/organization").json
    assert (now["name"], now["phone"]) == ("Oak and Elm", "(212) 555-0150")


def test_disabling_someone(desk: Callable[..., Device]) -> None:
    admin, therapist = desk("A1"), desk("T2")
    therapist.open("/staff")
    therapist.arrived("Hello, Jonah", title="Today", by_link=False)
    admin.open(f"/staff/organization/staff/{PEOPLE['T2'].id}")
    admin.arrived("Jonah Winterbourne, LPC", by_link=False)
    admin.press("Disable")
    admin.look("question")
    therapist.allow(401, "GET /api/")  # from now on: their page looks for messages by itself
    admin.press("Disable", within=admin.page.get_by_role("dialog"))
    admin.sees("They cannot sign in any more.")
    admin.look("disabled")
    therapist.open("/staff/clients")
    therapist.arrived("Staff sign-in", title="Sign in", by_link=False)
    admin.press("Enable again")
    admin.sees("They can sign in again")


def test_a_paused_organization(desk: Callable[..., Device]) -> None:
    operator.run(["suspend", "--slug", "oak"])
    admin = desk("A1")
    admin.open("/staff")
    admin.sees("Your organization’s portal is paused.")
    expect(admin.page.get_by_role("link", name="hello@portal.example")).to_be_visible()
    admin.look("paused")
    admin.follow("Clients", within=admin.page.locator("nav.side"))
    admin.sees("While the portal is paused, nobody can be added or invited.")
    expect(admin.page.get_by_role("button", name="Invite several")).to_have_count(0)
    admin.look("paused-clients")
    admin.open(f"/staff/clients/{PEOPLE['C4'].id}")
    admin.sees("Invitations are switched off")


def test_assignments_on_the_clients_side(desk: Callable[..., Device]) -> None:
    admin = desk("A1")
    admin.open(f"/staff/clients/{PEOPLE['C2'].id}")
    admin.press("Assign a therapist")
    admin.page.get_by_label("Assign a therapist").select_option("Jonah Winterbourne")
    admin.press("Assign")
    expect(admin.page.get_by_role("button", name="Remove : Jonah Winterbourne")).to_be_visible()
    admin.look("assigned")
    admin.press("Remove : Jonah Winterbourne")
    admin.press("Remove", within=admin.page.get_by_role("dialog"))
    admin.sees("No therapist is assigned to this client.")


def test_links_that_open_nothing(devices: Callable[..., Device], office: Caller, call: Callable[..., Caller]) -> None:
    device = devices("phone", name="link")
    device.allow(404, "POST /api/staff-invitations/lookup")
    device.open("/join-staff#nonsense.of.some.length")
    device.arrived("This link does not work", by_link=False)
    device.look("unknown")
    body = {"name": "Rowan Later", "email": ROWAN, "roles": ["therapist"]}
    assert call("A1").post("/practice/staff", body).status == 201
    token = flows.staff_token(office, ROWAN)
    assert flows.join_staff(call(), token).status == 201
    device.open("/verify")
    device.open(f"/join-staff#{token}")
    device.arrived("This link was already used", by_link=False)
    device.look("used")
