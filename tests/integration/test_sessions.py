"""Signing in, staying signed in, signing out (notes: security 3.1 to 3.3, 3.7; rows 10, 14 to 21)."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from http.cookies import SimpleCookie
from typing import Any

import pytest

from chalicelib.models.clients import Client
from chalicelib.models.staff import Staff
from chalicelib.models.transaction import change
from infra.local import world as demo
from tests import flows
from tests.calls import COOKIE, PEOPLE, Answer, Caller, instant
from tests.conftest import World

Limits = Callable[..., None]


def _body(key: str, **changed: Any) -> dict[str, Any]:
    person = PEOPLE[key]
    kind = "staff" if isinstance(person, demo.StaffMember) else "client"
    return {"slug": person.tenant, "kind": kind, "email": person.email, "password": person.password, **changed}


def _sign_in(caller: Caller, key: str, **changed: Any) -> Answer:
    return caller.post("/sessions", _body(key, **changed))


def _told(answer: Answer) -> tuple[Any, ...]:
    """Everything of a refusal but its request id."""
    return answer.status, answer.code, re.sub(rb"urn:request:[0-9a-f-]+", b"", answer.body), sorted(answer.headers)


# ---- signing in ----


def test_a_client_signs_in_with_a_password(call: Callable[..., Caller]) -> None:
    answer = _sign_in(call(), "C1")
    assert answer.status == 201
    session = answer.json
    assert (session["kind"], session["roles"], session["token"]) == ("client", [], None)
    assert session["person"]["first_name"] == "Immy"
    assert session["tenant"]["slug"] == "oak"


def test_staff_sign_in_with_a_password_and_a_code(call: Callable[..., Caller]) -> None:
    caller = call()
    assert caller.sign_in("A2").json["roles"] == ["administrator", "therapist"]
    without = _sign_in(call(), "T1")
    assert (without.status, without.code) == (401, "second_factor_required")
    wrong = _sign_in(call(), "T1", code="000000")
    assert (wrong.status, wrong.code) == (401, "invalid_credentials")


def test_a_code_never_stands_in_for_the_password(call: Callable[..., Caller]) -> None:
    """CVE-2025-66489: a code skipped the password. Nor does its absence tell that the password was right."""
    caller = call()
    good = caller.code_of("T1")
    with_code = _sign_in(caller, "T1", password="not the password at all", code=good)
    without = _sign_in(caller, "T1", password="not the password at all")
    assert (with_code.status, with_code.code) == (401, "invalid_credentials")
    assert _told(with_code) == _told(without)
    assert _sign_in(caller, "T1", code=good).status == 201  # and it did not use the code up


def test_a_code_opens_once_and_never_an_earlier_one_after_it(world: World, call: Callable[..., Caller]) -> None:
    world.portal.clock.advance(300)  # away from the codes with which the world signed in
    caller = call()
    earlier = caller.code_of("T1")
    world.portal.clock.advance(30)
    code = caller.code_of("T1")
    assert _sign_in(caller, "T1", code=code).status == 201
    for replayed in (code, earlier):
        again = _sign_in(caller, "T1", code=replayed)
        assert (again.status, again.code) == (401, "invalid_credentials")
    world.portal.clock.advance(30)
    assert _sign_in(caller, "T1", code=caller.code_of("T1")).status == 201


def test_one_code_at_the_same_moment_opens_one_session(world: World, call: Callable[..., Caller]) -> None:
    world.portal.clock.advance(300)
    people = [call() for _ in range(12)]
    code = people[0].code_of("T4")
    answers = flows.together(12, lambda n: _sign_in(people[n], "T4", code=code).status)
    assert sorted(answers) == [201, *[401] * 11] or sorted(answers)[:2] == [201, 401]
    assert answers.count(201) == 1


@pytest.mark.parametrize("leeway", [-90, -61, 61, 90])
def test_a_code_of_another_minute_opens_nothing(leeway: int, world: World, call: Callable[..., Caller]) -> None:
    from infra.local import levers

    world.portal.clock.advance(600)
    at = world.portal.clock.now() + timedelta(seconds=leeway)
    person = PEOPLE["T2"]
    assert isinstance(person, demo.StaffMember)
    assert _sign_in(call(), "T2", code=levers.totp(person.totp_secret, at)).status == 401


@pytest.mark.parametrize(
    "changed",
    [
        {"email": "nobody@mail.example"},
        {"email": "imogen@mail.example\u0000"},
        {"email": "İmogen@mail.example"},
        {"email": "ｉmogen@mail.example"},
        {"email": "x" * 254},
        {"email": "not an address"},
        {"email": "rafael@mail.example"},
        {"password": "not the password at all"},
        {"password": "C1-quiet-river-lantern "},
        {"password": "c1-quiet-river-lantern"},
        {"slug": "birch"},
        {"slug": "no-such-organization"},
        {"kind": "staff"},
        {"kind": "staff", "code": "123456"},
        {"code": "123456", "password": "not the password at all"},
    ],
    ids=lambda changed: ",".join(f"{k}={v!r:.24}" for k, v in changed.items()),
)
def test_nothing_tells_what_was_wrong(changed: dict[str, Any], call: Callable[..., Caller]) -> None:
    """Rows 10 and 11: body for body the same, whether the address, the password or the organization was wrong."""
    usual = _sign_in(call(), "C1", password="quite another password")
    answer = _sign_in(call(), "C1", **changed)
    assert (usual.status, usual.code) == (401, "invalid_credentials")
    assert _told(answer) == _told(usual)


def test_addresses_are_the_same_however_they_are_typed(call: Callable[..., Caller]) -> None:
    assert _sign_in(call(), "C1", email="  IMOGEN@Mail.Example ").status == 201


def test_a_client_whose_invitation_was_not_taken_up_cannot_sign_in(call: Callable[..., Caller]) -> None:
    assert flows.invite(call("T4"), flows.client_id("C4"), flows.NOTICE).status == 201
    for password in ("", "C4-quiet-river-lantern"):
        answer = _sign_in(call(), "C4", password=password or "x")
        assert (answer.status, answer.code) == (401, "invalid_credentials")


# ---- guessing ----


def test_guessing_locks_the_account_for_a_while_even_for_the_right_password(
    world: World, call: Callable[..., Caller], limits: Limits
) -> None:
    limits(sign_in_account=(10, 900))
    world.portal.clock.set(world.portal.clock.now().replace(minute=0, second=0))
    for _ in range(10):
        assert _sign_in(call(), "C1", password="a guess that is wrong").status == 401
    wrong, right = _sign_in(call(), "C1", password="a guess that is wrong"), _sign_in(call(), "C1")
    assert (right.status, right.code) == (429, "too_many_requests")
    assert _told(wrong) == _told(right)
    assert 0 < int(right.headers["Retry-After"]) <= 900
    unknown = [_sign_in(call(), "C1", email="nobody@mail.example").status for _ in range(11)]
    assert unknown == [401] * 10 + [429]  # an address that is not there is locked just so
    assert _sign_in(call(), "C2").status == 201  # and nobody else is
    world.portal.clock.advance(int(right.headers["Retry-After"]) + 1)
    assert _sign_in(call(), "C1").status == 201


def test_a_session_lives_on_while_its_account_is_locked(call: Callable[..., Caller], limits: Limits) -> None:
    """Row 16: nobody can throw someone else out by guessing."""
    limits(sign_in_account=(3, 900))
    signed_in = call("C1")
    for _ in range(5):
        _sign_in(call(), "C1", password="a guess that is wrong")
    assert signed_in.get("/session").status == 200


def test_guessing_codes_is_slowed_too(call: Callable[..., Caller], limits: Limits) -> None:
    limits(second_factor=(5, 600), sign_in_account=(100, 900))
    codes = [_sign_in(call(), "T2", code=f"{n:06d}").status for n in range(7)]
    assert codes[:5] == [401] * 5
    assert codes[5:] == [429] * 2
    assert _sign_in(call(), "T2", code=call().code_of("T2")).status == 429


def test_guessing_from_one_address_or_at_one_organization_is_slowed(
    world: World, call: Callable[..., Caller], limits: Limits
) -> None:
    world.portal.clock.advance(300)  # into a window of its own: the world itself signed in from this address
    limits(sign_in_address=(4, 300))
    assert [_sign_in(call(), f"C{n % 3 + 1}", password="a guess").status for n in range(6)] == [401] * 4 + [429] * 2
    limits(sign_in_tenant=(2, 300), sign_in_address=(100, 300))
    assert [_sign_in(call(), "CB", password="a guess").status for _ in range(4)] == [401] * 2 + [429] * 2


def test_a_right_password_forgives_the_wrong_ones(call: Callable[..., Caller], limits: Limits) -> None:
    limits(sign_in_account=(5, 900))
    for _ in range(3):
        assert [_sign_in(call(), "C1", password="a guess").status for _ in range(3)] == [401] * 3
        assert _sign_in(call(), "C1").status == 201


# ---- how long it lasts ----


def test_a_session_ends_when_nothing_is_done_in_it(world: World, call: Callable[..., Caller]) -> None:
    staff, client = call(), call()
    staff.sign_in("T1")
    client.sign_in("C1", cookie=True)
    world.portal.clock.advance(14 * 60)
    assert (staff.get("/practice/home").status, client.get("/portal/home").status) == (200, 200)
    world.portal.clock.advance(15 * 60 + 1)
    assert (staff.get("/practice/home").status, client.get("/portal/home").status) == (401, 200)
    world.portal.clock.advance(20 * 60 + 1)
    answer = client.get("/portal/home")
    assert (answer.status, answer.code) == (401, "unauthenticated")


def test_what_happens_in_the_background_does_not_keep_a_session_alive(
    world: World, call: Callable[..., Caller]
) -> None:
    caller = call()
    caller.sign_in("C1", cookie=True)
    for _ in range(4):
        world.portal.clock.advance(5 * 60)
        answer = caller.get("/session", headers={"X-Background": "1"})
    assert answer.status == 401


def test_autosave_and_staying_signed_in_keep_it_alive(world: World, call: Callable[..., Caller]) -> None:
    caller = call()
    caller.sign_in("C1", cookie=True)
    intake_id = flows.send_packet("C1", flows.NOTICE)
    for turn in range(6):
        world.portal.clock.advance(18 * 60)
        if turn % 2:
            answer = caller.post("/session/activity")
            assert instant(answer.json["idle_ends_at"]) - world.portal.clock.now() > timedelta(minutes=19)
        else:
            answer = flows.save(caller, intake_id, flows.NOTICE, "acknowledgement", {"received": bool(turn)})
        assert answer.status == 200


def test_no_activity_carries_a_session_past_twelve_hours(world: World, call: Callable[..., Caller]) -> None:
    caller = call()
    ends = instant(caller.sign_in("C1", cookie=True).json["ends_at"])
    while world.portal.clock.now() + timedelta(minutes=19) < ends:
        world.portal.clock.advance(19 * 60)
        assert caller.get("/session").status == 200
    world.portal.clock.set(ends + timedelta(seconds=1))
    assert caller.get("/session").status == 401
    assert caller.post("/session/activity").status == 401


def test_the_organization_decides_how_long_idle_is(world: World, call: Callable[..., Caller]) -> None:
    admin = call("A1")
    etag = admin.get("/practice/settings").json["etag"]
    assert admin.patch("/practice/settings", {"idle_minutes_clients": 5}, etag=etag).status == 200
    client = call()
    assert client.sign_in("C1", cookie=True).json["idle_seconds"] == 300
    world.portal.clock.advance(301)
    assert client.get("/session").status == 401


# ---- ending it ----


def test_signing_out_ends_it_at_once_for_everyone_who_holds_it(call: Callable[..., Caller]) -> None:
    caller, thief = call(), call()
    caller.sign_in("T1")
    thief.token = caller.token
    assert thief.get("/practice/home").status == 200
    gone = caller.delete("/session")
    assert gone.status == 204
    assert "Max-Age=0" in gone.headers["Set-Cookie"]
    assert gone.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert flows.together(20, lambda _: thief.get("/practice/home").status) == [401] * 20
    assert caller.delete("/session").status == 401
    assert call("T1").get("/practice/home").status == 200  # another session of the same person is another session


@pytest.mark.parametrize("key", ["T1", "C1"])
def test_who_is_switched_off_is_out_with_the_next_request(key: str, world: World, call: Callable[..., Caller]) -> None:
    caller = call(key)
    assert caller.get("/session").status == 200
    about = {"tenant_id": world.tenant_id("oak")}
    if key == "T1":
        change(Staff.at(**about, staff_id=world.id(key)), Staff.status.set("disabled"))
    else:
        change(Client.at(**about, client_id=world.id(key)), Client.portal.set("ended"))
    assert flows.together(8, lambda _: caller.get("/session").status) == [401] * 8
    assert _sign_in(call(), key, code=caller.code_of(key) if key == "T1" else None).status == 401


def test_the_oldest_of_too_many_sessions_ends(world: World, call: Callable[..., Caller], limits: Limits) -> None:
    limits(sessions=(3, 0))
    callers = [call() for _ in range(5)]
    for caller in callers:
        world.portal.clock.advance(1)
        caller.sign_in("C3", cookie=True)
    assert [caller.get("/session").status for caller in callers] == [401, 401, 200, 200, 200]


# ---- the cookie, and who may use it ----


def test_the_cookie_is_out_of_everyones_reach(call: Callable[..., Caller]) -> None:
    answer = _sign_in(call(), "C1")
    header, device = answer.headers.get_all("Set-Cookie")
    assert device.startswith("__Host-device=")
    cookie = SimpleCookie(header)[COOKIE]
    assert (cookie["path"], cookie["secure"], cookie["httponly"], cookie["samesite"]) == ("/", True, True, "Lax")
    assert cookie["domain"] == ""
    assert 0 < int(cookie["max-age"]) <= 12 * 3600
    assert answer.headers["Cache-Control"] == "no-store"
    assert cookie.value not in answer.body.decode()


def test_every_sign_in_is_a_new_session(call: Callable[..., Caller]) -> None:
    """Fixation: a cookie that was there before opens nothing and is not taken over."""
    caller = call()
    planted = "s.01KF8DEM0000000000000000AK.01KF8DEM0000000000000000T1." + "A" * 43
    answer = caller.post("/sessions", _body("C1"), headers={"Cookie": f"{COOKIE}={planted}"})
    assert answer.status == 201
    assert planted not in answer.headers["Set-Cookie"]
    assert caller.get("/session", headers={"Cookie": f"{COOKIE}={planted}"}).status == 401


def test_a_token_is_stored_as_a_digest_only(call: Callable[..., Caller]) -> None:
    caller = call()
    caller.sign_in("T1")
    secret = str(caller.token).rpartition(".")[2]
    assert len(secret) >= 43
    assert secret not in json.dumps(flows.stored(), default=str)


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({}, 204),
        ({"Sec-Fetch-Site": "same-origin"}, 204),
        ({"Origin": None}, 204),
        ({"X-CSRF-Token": None}, 403),
        ({"X-CSRF-Token": ""}, 403),
        ({"X-CSRF-Token": "A" * 43}, 403),
        ({"X-CSRF-Token": "é" * 43}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost:1"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
    ],
    ids=str,
)
def test_a_change_by_cookie_comes_from_our_own_pages(
    changed: dict[str, str | None], status: int, call: Callable[..., Caller]
) -> None:
    caller = call.browser("C1")  # type: ignore[attr-defined]
    headers = {
        "Cookie": f"{COOKIE}={caller.cookie}",
        "X-CSRF-Token": caller.csrf,
        "Origin": f"http://localhost:{caller.port}",
    } | changed
    sent = {name: value for name, value in headers.items() if value is not None}
    answer = caller.send("DELETE", "/api/session", None, {n: v.encode().decode("latin-1") for n, v in sent.items()})
    assert answer.status == status
    assert (answer.code == "csrf") is (status == 403)
    assert caller.get("/session").status == (401 if status == 204 else 200)


def test_one_sessions_proof_is_no_proof_for_another(call: Callable[..., Caller]) -> None:
    one, other = call.browser("C1"), call.browser("C2")  # type: ignore[attr-defined]
    one.csrf = other.csrf
    assert one.post("/session/activity").code == "csrf"


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_form_of_another_site_is_no_request(content_type: str, call: Callable[..., Caller]) -> None:
    body = json.dumps(_body("C1")).encode()
    answer = call().send("POST", "/api/sessions", body, {"Content-Type": content_type} if content_type else {})
    assert (answer.status, answer.code) == (415, "unsupported_media_type")


def test_a_cookie_and_another_token_together_are_refused(call: Callable[..., Caller]) -> None:
    caller = call.browser("C1")  # type: ignore[attr-defined]
    bearer = call("C2").token
    both = {"Cookie": f"{COOKIE}={caller.cookie}", "Authorization": f"Bearer {bearer}"}
    answer = caller.send("GET", "/api/session", None, both)
    assert (answer.status, answer.code) == (400, "two_credentials")
    same = both | {"Authorization": f"Bearer {caller.cookie}"}
    assert caller.send("GET", "/api/session", None, same).status == 200


def test_a_cookie_in_the_clothes_of_a_bearer_token_needs_its_proof_all_the_same(call: Callable[..., Caller]) -> None:
    caller = call.browser("C1")  # type: ignore[attr-defined]
    both = {"Cookie": f"{COOKIE}={caller.cookie}", "Authorization": f"Bearer {caller.cookie}"}
    assert caller.send("POST", "/api/session/activity", b"{}", both).code == "csrf"


@pytest.mark.parametrize(
    "token",
    ["", "x", "s.x.y.z", "....", "s." * 500, "q.01KF8DEM0000000000000000AK.01KF8DEM0000000000000000T1." + "A" * 43,
     "s.01KF8DEM0000000000000000AK.01KF8DEM0000000000000000T1#." + "A" * 43,
     "s.01KF8DEM0000000000000000AK.01KF8DEM0000000000000000T1." + "A" * 39],
)  # fmt: skip
def test_what_is_no_token_opens_nothing(token: str, call: Callable[..., Caller]) -> None:
    caller = call()
    assert caller.get("/session", headers={"Authorization": f"Bearer {token}"}).status == 401
    assert caller.get("/session", headers={"Cookie": f"{COOKIE}={token}"}).status == 401


def test_a_token_does_not_open_anything_under_another_name(world: World, call: Callable[..., Caller]) -> None:
    """The parts of a token say where to look; only the whole is the key."""
    kind, tenant, _person, secret = str(call("T1").token).split(".")
    swaps = [
        f"{kind}.{tenant}.{world.id('A1')}.{secret}",
        f"{kind}.{world.tenant_id('birch')}.{world.id('T1')}.{secret}",
        f"c.{tenant}.{world.id('C1')}.{secret}",
    ]
    for token in swaps:
        assert call().get("/session", headers={"Authorization": f"Bearer {token}"}).status == 401


def test_every_answer_is_kept_from_caches_frames_and_sniffing(call: Callable[..., Caller]) -> None:
    for answer in (call("T1").get("/session"), call().get("/session"), call().get("/tenants/oak")):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert "max-age" in answer.headers["Strict-Transport-Security"]


# ---- the login link ----


def test_the_login_link_shows_the_practice_and_carries_no_secret(call: Callable[..., Caller]) -> None:
    shown = call().get("/tenants/oak")
    assert shown.status == 200
    assert shown.json["login_url"].endswith("/oak")
    assert "Set-Cookie" not in shown.headers
    assert call().get("/tenants/nobody-here").status == 404


@pytest.mark.parametrize("header", ["Host", "X-Forwarded-Host", "Origin", "Forwarded", "X-Original-URL"])
def test_no_header_moves_the_login_link(header: str, call: Callable[..., Caller]) -> None:
    """Row 14: addresses come from the stage's configuration alone."""
    answer = call("A1").get("/practice/settings", headers={header: "evil.example"})
    assert answer.status in (200, 421)  # the local server answers for its own name only
    assert b"evil" not in answer.body


# ---- proving it once more ----


def _sign(client: Caller) -> Answer:
    intake_id = flows.send_packet("C1", flows.NOTICE)
    flows.fill(client, intake_id, flows.NOTICE)
    return flows.sign(client, intake_id, flows.NOTICE)


def test_signing_after_a_pause_asks_for_the_password(world: World, call: Callable[..., Caller]) -> None:
    """Row 27: someone else may have sat down; writing all along counts as being there."""
    client = call.browser("C1")  # type: ignore[attr-defined]
    for _ in range(3):
        world.portal.clock.advance(14 * 60)
        assert client.get("/portal/home").status == 200
    assert _sign(client).status == 201
    world.portal.clock.advance(16 * 60)
    refused = _sign(client)
    assert (refused.status, refused.code) == (403, "proof_required")
    world.portal.clock.advance(60)
    assert _sign(client).code == "proof_required"  # being there again does not make up for the pause
    wrong = client.post("/session/proof", {"password": "not the password at all"})
    assert (wrong.status, wrong.code) == (422, "proof_failed")
    assert _sign(client).code == "proof_required"
    assert client.post("/session/proof", {"password": PEOPLE["C1"].password}).status == 200
    assert _sign(client).status == 201


def test_staff_prove_themselves_with_password_and_code(world: World, call: Callable[..., Caller]) -> None:
    world.portal.clock.advance(300)
    staff = call("T1")
    password, code = PEOPLE["T1"].password, staff.code_of("T1")
    assert staff.post("/session/proof", {"password": password}).code == "second_factor_required"
    assert staff.post("/session/proof", {"password": "not the password at all"}).code == "proof_failed"
    assert staff.post("/session/proof", {"password": "not the password at all", "code": code}).code == "proof_failed"
    assert staff.post("/session/proof", {"password": password, "code": code}).status == 200
    assert (
        staff.post("/session/proof", {"password": password, "code": code}).code == "proof_failed"
    )  # a code opens once


def test_proving_is_slowed_like_signing_in(call: Callable[..., Caller], limits: Limits) -> None:
    limits(sign_in_account=(3, 900))
    client = call("C1")
    answers = [client.post("/session/proof", {"password": "a guess"}).code for _ in range(5)]
    assert answers == ["proof_failed"] * 3 + ["too_many_requests"] * 2
