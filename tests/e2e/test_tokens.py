"""API tokens as an administrator makes, uses and ends them, and the reference that programs are written from."""

import os
import re
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests import flows
from tests.calls import PEOPLE, Caller
from tests.conftest import World
from tests.e2e.device import Device

TOKENS = "/staff/organization/tokens"


def _shell(command: str, **names: str) -> str:
    """What a shell says to a command of the reference."""
    done = subprocess.run(
        ["bash", "-c", command], env={**os.environ, **names}, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


def test_from_nothing_to_a_program_that_works_and_is_ended(
    desk: Callable[..., Device], call: Callable[..., Caller]
) -> None:
    device = desk("A1")
    page = device.page
    device.open(TOKENS)
    device.arrived("API Tokens", by_link=False)
    device.sees("No program has access")
    device.look("none")
    device.press("New token")
    device.press("Make the token")
    expect(page.get_by_role("group", name="answers need your attention")).to_be_focused()
    device.look("what-is-missing")
    page.get_by_label("Name").fill("Waiting room screen")
    page.get_by_label("See the list of clients").check()
    page.get_by_label("Send, resend and revoke invitations").check()
    page.get_by_label("Ends after").select_option("30 days")
    device.press("Make the token")
    device.sees("The token “Waiting room screen” is ready")
    text = page.get_by_label("The token", exact=True).input_value()
    assert re.fullmatch(r"cptok_\w{26}_\w{26}_\w{26}_[\w-]{43}", text)
    device.look("shown-once")
    device.context.grant_permissions(["clipboard-read", "clipboard-write"])
    device.press("Copy token")
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("() => navigator.clipboard.readText()") == text
    program = call()
    program.token = text
    assert program.get("/practice/clients").status == 200
    assert program.get("/practice/settings").code == "scope_missing"
    device.press("I have stored it")
    expect(page.get_by_label("The token", exact=True)).to_have_count(0)
    device.open(TOKENS)
    row = page.get_by_role("row").filter(has_text="Waiting room screen")
    expect(row).to_contain_text("Active")
    expect(row).to_contain_text("Today, ")
    assert text[-43:] not in page.content()
    device.look("listed")
    device.press("Revoke Waiting room screen")
    device.look("asked")
    device.press("Revoke", within=page.get_by_role("dialog"))
    expect(row).to_contain_text("Revoked")
    assert program.get("/practice/clients").status == 401
    device.look("revoked")


def test_after_a_pause_the_password_is_asked_and_nothing_typed_is_lost(
    desk: Callable[..., Device], world: World, office: Caller
) -> None:
    device = desk("A1", "phone")
    page = device.page
    device.open(TOKENS)
    for _ in range(2):
        world.portal.clock.advance(8 * 60)
        page.reload()
        device.arrived("API Tokens", by_link=False)
    device.press("New token")
    page.get_by_label("Name").fill("Export")
    page.get_by_label(re.compile("^See the intake forms that were sent")).check()
    device.allow(403, r"POST /api/practice/tokens$")
    device.press("Make the token")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name="Is it still you?")).to_be_visible()
    device.press("Cancel", within=dialog)
    expect(page.get_by_label("Name")).to_have_value("Export")
    device.press("Make the token")
    dialog.get_by_label("Your password", exact=True).fill(PEOPLE["A1"].password)
    dialog.get_by_label("6-digit code").fill(office.code_of("A1"))
    device.press("Go on", within=dialog)
    device.sees("The token “Export” is ready")


def test_therapists_are_told_that_this_is_for_administrators(desk: Callable[..., Device]) -> None:
    device = desk("T1")
    device.allow(403, r"GET /api/practice/tokens$")
    device.open(TOKENS)
    device.sees("Your role does not include it. An administrator can tell you more.")
    device.look("forbidden")


@pytest.mark.parametrize("kind", ["phone", "desktop"])
def test_the_reference_is_public_searched_and_opened(devices: Callable[..., Device], kind: str) -> None:
    device = devices(kind)
    device.both = False
    page = device.page
    device.open("/developers")
    device.arrived("API reference", by_link=False)
    device.sees("Clients: all for administrators, the assigned ones for therapists")
    device.look("whole")
    search = page.get_by_label("Find an operation")
    search.fill("invitations:write send")
    operations = page.locator("details.op")
    expect(page.get_by_role("status").filter(has_text=re.compile(r"^\d+ operations?$"))).to_be_visible()
    invite = page.locator("#send_invite")
    expect(invite).to_be_visible()
    invite.locator("summary").first.click()
    device.sees("Needs an API token with the scope invitations:write.")
    expect(invite).to_contain_text("Idempotency-Key")
    expect(invite).to_contain_text("idempotency_key_reused")
    expect(invite).to_contain_text('-d \'{"form_ids":["notice-of-privacy-practices"]}\'')
    device.look("send-invite")
    search.fill("sign_my_form")
    expect(operations).to_have_count(0)
    device.look("nothing-found")
    device.press("Look among every operation")
    expect(operations).to_have_count(1)
    expect(operations).to_contain_text("Not for API tokens")
    device.open("/developers#read_client")
    page.reload()
    client = page.locator("#read_client")
    expect(client).to_have_attribute("open", "")
    nested = client.locator("summary", has_text="InviteView").first
    nested.click()
    expect(client).to_contain_text("renewal_asked_at")
    device.look("nested")


def test_it_prints_every_operation_opened(devices: Callable[..., Device]) -> None:
    device = devices("desktop")
    device.open("/developers")
    device.sees("Clients: all for administrators, the assigned ones for therapists")
    opened = device.page.locator("details.op[open]")
    expect(opened).to_have_count(0)
    device.page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    expect(opened).to_have_count(device.page.locator("details.op").count())
    device.page.evaluate("() => dispatchEvent(new Event('afterprint'))")
    expect(opened).to_have_count(0)


def test_a_failure_to_load_leaves_the_quick_start(devices: Callable[..., Device]) -> None:
    device = devices("phone")
    device.allow(503, r"GET /api/openapi.json$")
    device.page.route("**/api/openapi.json", lambda route: route.fulfill(status=503, body=""))
    device.open("/developers")
    device.sees("This page did not load")
    device.sees("Get a token")
    device.look("failed")
    device.page.unroute("**/api/openapi.json")
    device.press("Try again")
    device.sees("Clients: all for administrators, the assigned ones for therapists")


def test_the_quick_start_does_what_it_says(
    devices: Callable[..., Device], call: Callable[..., Caller], world: World, tmp_path: Any
) -> None:
    """Its lines, as they stand on the page, run in a shell."""
    made = call("A1").post("/practice/tokens", {"name": "Quick start", "scopes": ["clients:read", "invitations:write"]})
    device = devices("desktop")
    device.open("/developers")
    code = {step: device.page.get_by_role("region", name=step).inner_text() for step in _STEPS}
    names = {"TOKEN": made.json["token"], "CLIENT_ID": world.id("C4")}
    assert '"client_id"' in _shell(code["List clients"], **names)
    sent = [_shell(code["Send an invitation"], **names) for _ in range(2)]
    assert sent[0] == sent[1]
    assert '"status":"waiting"' in sent[0]
    script = tmp_path / "pages.py"
    script.write_text(code["Read a list to its end"].replace('"limit": 100', '"limit": 2'))
    lines = _shell(f"python3 {script}", **names).splitlines()
    assert len(lines) == len(set(lines)) == len(call("A1").get("/practice/clients").json["items"])
    _, document = flows.signed_document(call("C1"), "C1")
    call().drain()
    link = call("C1").post(f"/portal/documents/{document}/download").json["url"]
    told = _shell(f"cd {tmp_path} && curl -s '{link}' -o signed.pdf && {code['Check a signed PDF']}", **names)
    assert '"intact":true' in told


_STEPS = ("List clients", "Send an invitation", "Read a list to its end", "Check a signed PDF")
