"""API tokens: what a program may do with one, and everything that ends or narrows it (issue 3; notes: systems 6)."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.models.staff import Staff
from chalicelib.models.transaction import change
from infra.local import world as demo
from tests import flows
from tests.calls import COOKIE, PEOPLE, Answer, Caller, instant
from tests.conftest import World
from tests.unit.test_policies import BY_SCOPE

EVERY = sorted(BY_SCOPE)
Make = Callable[..., Caller]


@pytest.fixture
def program(world: World, call: Callable[..., Caller]) -> Make:
    """`program("A1", "clients:read")`: a caller with a new API token of this administrator. `.id`: the token's."""

    def make(by: str, *scopes: str, days: int = 90, name: str = "Scheduler") -> Caller:
        made = _made(call(by), *scopes, days=days, name=name)
        assert made.status == 201, made
        caller = call()
        caller.token = made.json["token"]
        return caller

    return make


def _made(administrator: Caller, *scopes: str, **more: Any) -> Answer:
    return administrator.post("/practice/tokens", {"name": "Scheduler", "scopes": list(scopes), **more})


def _id(caller: Caller) -> str:
    return str(caller.token).split("_")[3]


def _listed(administrator: Caller) -> dict[str, dict[str, Any]]:
    return {each["token_id"]: each for each in administrator.get("/practice/tokens").json["items"]}


def _refused(answer: Answer) -> tuple[int, str | None]:
    return answer.status, answer.code


# ---- making one ----


def test_a_token_is_shown_once_and_only_its_digest_is_kept(call: Callable[..., Caller]) -> None:
    administrator = call("A1")
    made = _made(administrator, "clients:read", "forms:read", "clients:read")
    assert made.status == 201
    text = made.json["token"]
    assert re.fullmatch(r"cptok_[0-9A-Z]{26}_[0-9A-Z]{26}_[0-9A-Z]{26}_[A-Za-z0-9_-]{43}", text)
    assert made.json["scopes"] == ["clients:read", "forms:read"]
    assert (made.json["status"], made.json["used_at"]) == ("active", None)
    listed = administrator.get("/practice/tokens")
    assert [each["name"] for each in listed.json["items"]] == ["Scheduler"]
    assert listed.json["items"][0]["created_by_name"] == PEOPLE["A1"].name
    secret = text[-43:]
    assert secret not in listed.body.decode()
    kept = str(flows.stored())
    assert secret not in kept
    assert "Scheduler" not in kept
    assert instant(made.json["ends_at"]) - instant(made.json["created_at"]) == timedelta(days=90)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": "", "scopes": ["clients:read"]}, "/name"),
        ({"name": "x" * 81, "scopes": ["clients:read"]}, "/name"),
        ({"name": "x", "scopes": []}, "/scopes"),
        ({"name": "x", "scopes": ["clients:write"]}, "/scopes/0"),
        ({"name": "x", "scopes": ["clients:read"] * 99}, "/scopes"),
        ({"name": "x", "scopes": ["clients:read"], "days": 0}, "/days"),
        ({"name": "x", "scopes": ["clients:read"], "days": 366}, "/days"),
        ({"name": "x", "scopes": ["clients:read"], "days": None}, "/days"),
        ({"name": "x", "scopes": ["clients:read"], "staff_id": "x"}, "/staff_id"),
    ],
)
def test_a_body_that_does_not_fit_makes_none(call: Callable[..., Caller], body: Any, pointer: str) -> None:
    answer = call("A1").post("/practice/tokens", body)
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, pointer)
    assert flows.stored("api_token") == []


def test_making_one_needs_the_password_and_ending_one_does_not(world: World, call: Callable[..., Caller]) -> None:
    """A session left open is no way to a key that outlives it; whoever sees one leak ends it at once."""
    administrator = call("A1")
    made = _made(administrator, "forms:read").json
    for _ in range(3):
        world.portal.clock.advance(6 * 60)
        administrator.get("/session")
    assert _refused(_made(administrator, "forms:read")) == (403, "proof_required")
    assert administrator.post(f"/practice/tokens/{made['token_id']}/revoke").json["status"] == "revoked"


def test_only_administrators_have_anything_to_do_with_tokens(call: Callable[..., Caller]) -> None:
    token_id = _made(call("A1"), "forms:read").json["token_id"]
    for key in ("T1", "C1"):
        person = call(key)
        answers = [
            person.get("/practice/tokens"),
            _made(person, "forms:read"),
            person.post(f"/practice/tokens/{token_id}/revoke"),
        ]
        assert [_refused(each) for each in answers] == [(403, "forbidden")] * 3
    assert call("B1").post(f"/practice/tokens/{token_id}/revoke").status == 404
    assert call("B1").get("/practice/tokens").json["items"] == []


def test_an_organization_has_no_more_than_its_number(call: Callable[..., Caller], limits: Callable[..., None]) -> None:
    limits(tokens=(2, 0))
    administrator = call("A1")
    first = _made(administrator, "forms:read").json
    assert _made(administrator, "forms:read").status == 201
    assert _refused(_made(call("A2"), "forms:read")) == (409, "too_many_tokens")
    assert administrator.get("/practice/tokens").json["most"] == 2
    administrator.post(f"/practice/tokens/{first['token_id']}/revoke")
    assert _made(administrator, "forms:read").status == 201


# ---- what it opens ----


def test_every_scope_opens_its_actions_and_nothing_else(world: World, program: Make) -> None:
    """One request for each read, with each scope alone (Cal.com: any key read all bookings)."""
    client = f"/practice/clients/{world.id('C1')}"
    opened_by = {
        "/practice/clients": "clients:read",
        client: "clients:read",
        f"{client}/documents": "documents:read",
        "/practice/forms": "forms:read",
        f"{client}/intakes": "intakes:read",
        f"{client}/invites": "invitations:read",
        f"{client}/invites/template": "invitations:write",
        "/practice/jobs": "jobs:read",
        "/practice/settings": "settings:read",
    }
    assert set(opened_by.values()) == set(EVERY)
    for scope in EVERY:
        caller = program("A1", scope)
        for path, needed in opened_by.items():
            answer = caller.get(path)
            assert _refused(answer) == ((200, None) if needed == scope else (403, "scope_missing")), (scope, path)


def test_how_far_work_is_names_nobody_to_who_may_not_see_clients(
    world: World, call: Callable[..., Caller], program: Make
) -> None:
    body = {"client_ids": [world.id("C4")], "form_ids": []}
    job = call("A1").post("/practice/invites/bulk", body, key="bulk-0123456789").json
    call("A1").drain()
    path = f"/practice/jobs/{job['job_id']}/items"
    (named,) = call("A1").get(path).json["items"]
    assert named["client_name"]
    (unnamed,) = program("A1", *(set(EVERY) - {"clients:read"})).get(path).json["items"]
    assert unnamed == named | {"client_name": None}
    assert program("A1", "jobs:read", "clients:read").get(path).json["items"] == [named]


def test_what_no_scope_holds_is_closed_with_all_of_them(world: World, program: Make) -> None:
    caller = program("A1", *EVERY)
    token_id = _id(caller)
    staff = [
        caller.get("/practice/home"),
        caller.get("/practice/notifications"),
        caller.patch("/practice/settings", {"reply_time": "Soon."}, etag="1"),
        caller.get("/practice/tokens"),
        _made(caller, "forms:read"),
        caller.post(f"/practice/tokens/{token_id}/revoke"),
        caller.post(f"/practice/jobs/{token_id}/stop"),
    ]
    assert [_refused(each) for each in staff] == [(403, "scope_missing")] * len(staff)
    others = [
        caller.get("/session"),
        caller.post("/session/activity"),
        caller.post("/session/proof", {"password": "x"}),
        caller.delete("/session"),
        caller.get("/portal/home"),
        caller.get("/portal/profile"),
        caller.get("/portal/documents"),
        caller.post(f"/portal/intakes/{token_id}/forms/{flows.NOTICE}/signature", flows.signature()),
    ]
    assert [_refused(each) for each in others] == [(403, "forbidden")] * len(others)
    assert caller.get("/practice/clients").status == 200, "and it still lives"


def test_a_proof_is_nothing_that_a_program_has(world: World, call: Callable[..., Caller]) -> None:
    """Should a route with a proof ever come within a scope's reach, it stays shut."""
    from chalicelib import clock
    from chalicelib.context import Actor, Context, Persona
    from chalicelib.errors import Forbidden
    from chalicelib.services import sessions

    context = Context(world.tenant_id("oak"), Actor("program", "x"), clock.now(), Persona.PRACTICE)
    for wanted in (sessions.RECENT, sessions.UNBROKEN):
        with pytest.raises(Forbidden):
            sessions.require_proof(context, wanted)


def test_an_invitation_by_a_program_is_sent_once_and_says_who_answers_for_it(
    world: World, call: Callable[..., Caller], program: Make
) -> None:
    caller = program("A1", "invitations:write")
    sent = flows.invite(caller, world.id("C4"), flows.NOTICE, key="program-1")
    again = flows.invite(caller, world.id("C4"), flows.NOTICE, key="program-1")
    other = flows.invite(caller, world.id("C4"), key="program-1")
    assert (sent.status, again.json["invite_id"]) == (201, sent.json["invite_id"])
    assert _refused(other) == (422, "idempotency_key_reused")
    assert sent.json["sent_by_name"] == f"{PEOPLE['A1'].name} (API token)"
    assert flows.stored("invite")[0]["sent_by"] == world.id("A1")
    call().drain()
    assert len(flows.outbox()) == 1
    assert _refused(flows.invite(caller, world.id("C4"), key=None)) == (400, "idempotency_key_missing")


def test_the_same_act_of_a_program_at_the_same_moment_is_done_once(
    world: World, call: Callable[..., Caller], program: Make
) -> None:
    caller = program("A1", "invitations:write")
    sent = flows.together(8, lambda _: flows.invite(caller, world.id("C4"), flows.NOTICE, key="program-at-once"))
    assert {answer.status for answer in sent} == {201}
    assert len({answer.json["invite_id"] for answer in sent}) == 1
    call().drain()
    assert len(flows.outbox()) == 1


def test_a_program_is_told_no_more_of_an_unfinished_form_than_staff(world: World, program: Make) -> None:
    flows.send_packet("C1", flows.NOTICE)
    packet = program("A1", "intakes:read").get(f"/practice/clients/{world.id('C1')}/intakes").json["items"][0]
    assert not any("progress" in form for form in packet["forms"])


# ---- what ends it ----


def test_a_revoked_token_opens_nothing_from_the_next_request_on(call: Callable[..., Caller], program: Make) -> None:
    caller, administrator = program("A1", "forms:read"), call("A2")
    assert caller.get("/practice/forms").status == 200
    revoked = administrator.post(f"/practice/tokens/{_id(caller)}/revoke")
    assert (revoked.status, revoked.json["status"]) == (200, "revoked")
    assert _refused(caller.get("/practice/forms")) == (401, "unauthenticated")
    again = administrator.post(f"/practice/tokens/{_id(caller)}/revoke")
    assert again.json == revoked.json, "ending it twice changes nothing"


def test_a_token_ends_by_time_and_is_listed_for_a_while(
    world: World, call: Callable[..., Caller], program: Make
) -> None:
    caller = program("A1", "forms:read", days=1)
    world.portal.clock.advance(86_400 - 120)
    assert caller.get("/practice/forms").status == 200
    world.portal.clock.advance(121)
    assert _refused(caller.get("/practice/forms")) == (401, "unauthenticated")
    administrator = call()
    administrator.sign_in("A1")
    assert _listed(administrator)[_id(caller)]["status"] == "expired"
    world.portal.clock.advance(91 * 86_400)
    administrator.sign_in("A1")
    assert _listed(administrator) == {}
    assert administrator.post(f"/practice/tokens/{_id(caller)}/revoke").status == 404


def _act(what: str) -> Callable[[Caller, str], Answer]:
    return lambda admin, staff_id: admin.post(f"/practice/staff/{staff_id}/{what}")


def _demote(admin: Caller, staff_id: str) -> Answer:
    etag = next(each["etag"] for each in admin.get("/practice/staff").json["items"] if each["staff_id"] == staff_id)
    return admin.patch(f"/practice/staff/{staff_id}", {"roles": ["therapist"]}, etag=etag)


def _forgotten(admin: Caller, staff_id: str) -> Answer:
    anyone = Caller(admin.port, admin.clock)
    token = flows.reset_link(anyone, "A2")
    return anyone.post("/password-resets/redemption", {"token": token, "password": "plain lanterns over quiet water"})


ENDINGS = {
    "locked out": _act("disable"),
    "no administrator any more": _demote,
    "signed out by an administrator": _act("sign-out"),
    "second factor reset": _act("second-factor/reset"),
    "forgotten password": _forgotten,
}


@pytest.mark.parametrize("why", [*ENDINGS, "signed out everywhere by themselves"])
def test_a_token_stops_with_its_makers_account_for_good(why: str, call: Callable[..., Caller], program: Make) -> None:
    caller, admin, maker_id = program("A2", "forms:read"), call("A1"), PEOPLE["A2"].id
    assert caller.get("/practice/forms").status == 200
    ended = ENDINGS[why](admin, maker_id) if why in ENDINGS else call("A2").delete("/sessions")
    assert ended.status in (200, 204), ended
    for _ in range(2):
        assert _refused(caller.get("/practice/forms")) == (401, "unauthenticated")
        assert _listed(admin)[_id(caller)]["status"] == "stopped"
        if why == "locked out":
            assert admin.post(f"/practice/staff/{maker_id}/enable").status == 200  # brings the person back, no program


def test_a_token_that_stopped_takes_nobodys_place(
    call: Callable[..., Caller], program: Make, limits: Callable[..., None]
) -> None:
    limits(tokens=(1, 1))
    stopped = program("A2", "forms:read")
    assert _made(call("A1"), "forms:read").code == "too_many_tokens"
    assert call("A1").post(f"/practice/staff/{PEOPLE['A2'].id}/sign-out").status == 204
    assert _made(call("A1"), "forms:read").status == 201
    again = call()
    again.sign_in("A2")
    assert _made(again, "forms:read").code == "too_many_tokens"
    assert stopped.get("/practice/forms").status == 401


def test_a_password_that_its_maker_chooses_in_the_account_leaves_a_token(
    call: Callable[..., Caller], program: Make
) -> None:
    caller = program("A2", "forms:read")
    chosen = call("A2").post("/account/password", {"password": "plain lanterns over quiet water"}, key=None)
    assert chosen.status == 204, chosen
    assert caller.get("/practice/forms").status == 200


def test_a_token_narrows_with_its_maker(world: World, call: Callable[..., Caller], program: Make) -> None:
    """Made by an administrator who is a therapist from now on: it reaches their own caseload, and invites nobody."""
    caller = program("A2", *EVERY)
    everyone = caller.get("/practice/clients").json["items"]
    assert caller.get(f"/practice/clients/{world.id('C1')}").status == 200
    maker = Staff.at(tenant_id=world.tenant_id("oak"), staff_id=world.id("A2"))
    change(maker, Staff.roles.set(["therapist"]), Staff.may_invite.set(False))
    own = [each.key for each in demo.CLIENTS if "A2" in each.therapists]
    listed = {each["client_id"] for each in caller.get("/practice/clients").json["items"]}
    assert listed == {world.id(key) for key in own}
    assert len(listed) < len(everyone)
    assert caller.get(f"/practice/clients/{world.id('C1')}").status == 404
    assert _refused(caller.get("/practice/jobs")) == (403, "forbidden")
    assert _refused(flows.invite(caller, world.id("C4"), flows.NOTICE)) == (403, "forbidden")


def test_another_organization_is_out_of_reach(world: World, program: Make) -> None:
    caller = program("B1", *EVERY)
    for key in ("C1", "C4"):
        foreign, missing = (
            caller.get(f"/practice/clients/{each}") for each in (world.id(key), "01M8HZZZZZQ9W8E7R6T5Y4V3X2")
        )
        assert (foreign.status, foreign.code) == (missing.status, missing.code) == (404, "not_found")
        assert flows.invite(caller, world.id(key), flows.NOTICE).status == 404
    names = [each["name"] for each in caller.get("/practice/clients").json["items"]]
    assert not {PEOPLE[key].name for key in ("C1", "C2", "C4")} & set(names)


# ---- what is no token ----


def test_whose_token_it_is_cannot_be_changed_in_its_text(world: World, program: Make) -> None:
    """The creator decides the reach: another's id, another organization's, another token's is no token at all."""
    caller, other = program("A1", "clients:read"), program("B1", "clients:read")
    _, tenant, creator, token_id, *rest = str(caller.token).split("_")
    secret = "_".join(rest)
    _, tenant_b, creator_b, token_b, *_ = str(other.token).split("_")
    flipped = secret[:-1] + ("A" if secret[-1] != "A" else "Q")
    for parts in (
        (tenant, world.id("A2"), token_id, secret),
        (tenant, world.id("T1"), token_id, secret),
        (tenant_b, creator_b, token_id, secret),
        (tenant_b, creator_b, token_b, secret),
        (tenant, creator, token_b, secret),
        (tenant, creator, token_id, flipped),
        (tenant, creator, token_id, ""),
        (tenant, creator, token_id, secret + "A"),
        (tenant.lower(), creator, token_id, secret),
        (tenant + "#", creator, token_id, secret),
    ):
        caller.token = "_".join(("cptok", *parts))
        assert _refused(caller.get("/practice/clients")) == (401, "unauthenticated"), parts


def test_a_token_is_never_a_cookie(call: Callable[..., Caller], program: Make) -> None:
    """A browser sends cookies by itself; and with both of them, neither counts."""
    text = str(program("A1", *EVERY).token)
    nobody = call()
    with_cookie = {"Cookie": f"{COOKIE}={text}"}
    assert _refused(nobody.get("/practice/clients", headers=with_cookie)) == (401, "unauthenticated")
    nobody.token = text
    assert _refused(nobody.get("/practice/clients", headers=with_cookie)) == (401, "unauthenticated")
    assert _refused(nobody.get("/practice/clients", headers={"Cookie": f"{COOKIE}=s.x"})) == (400, "two_credentials")
    assert nobody.get("/practice/clients", query={"limit": 1}).status == 200


def test_no_csrf_token_is_asked_of_a_program_and_none_helps_it(world: World, program: Make) -> None:
    caller = program("A1", "clients:read", "invitations:write")
    foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert caller.post("/practice/clients/search", {"search": "imo"}, headers=foreign).status == 200
    assert _refused(_made(caller, "forms:read")) == (403, "scope_missing")


# ---- what is left of it: audit, last use, limits ----


def test_every_use_is_audited_as_the_tokens_own(world: World, program: Make) -> None:
    caller = program("A1", *EVERY)
    client = f"/practice/clients/{world.id('C4')}"
    caller.get("/practice/clients")
    caller.post("/practice/clients/search", {"search": "imo"})
    caller.get(client)
    caller.post(f"{client}/invites/preview", {"form_ids": [flows.NOTICE]})
    caller.post(f"{client}/invites", {"form_ids": [flows.NOTICE]}, key="audited-01")
    caller.post(f"{client}/invites", {"form_ids": [flows.NOTICE]}, key="audited-01")
    events = [e for e in flows.stored("client_audit", "tenant_audit") if _actor(e)["kind"] == "program"]
    assert sorted(event["action"] for event in events) == [
        "client:list", "client:list", "client:read", "invite:send", "invite:send", "invite:send",
    ]  # fmt: skip
    who = {"kind": "program", "id": _id(caller), "session": None, "created_by": world.id("A1")}
    assert [_actor(event) for event in events] == [who] * 6
    own = {e["action"] for e in flows.stored("tenant_audit") if _actor(e)["kind"] == "staff"}
    assert "token:create" in own


def _actor(event: dict[str, Any]) -> dict[str, Any]:
    return dict(json.loads(event["actor"]))


def test_the_last_use_is_written_once_a_minute(world: World, call: Callable[..., Caller], program: Make) -> None:
    caller, administrator = program("A1", "forms:read"), call("A1")
    caller.get("/practice/forms")
    first = _listed(administrator)[_id(caller)]["used_at"]
    assert first is not None
    world.portal.clock.advance(50)
    caller.get("/practice/forms")
    assert _listed(administrator)[_id(caller)]["used_at"] == first
    world.portal.clock.advance(20)
    caller.get("/practice/forms")
    assert _listed(administrator)[_id(caller)]["used_at"] > first


def test_a_token_has_its_requests_a_minute(world: World, program: Make, limits: Callable[..., None]) -> None:
    limits(token=(3, 60))
    caller, other = program("A1", "forms:read"), program("A1", "forms:read")
    world.portal.clock.advance(120)
    answers = [caller.get("/practice/forms") for _ in range(4)]
    assert [each.status for each in answers] == [200, 200, 200, 429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    assert other.get("/practice/forms").status == 200, "each token has its own"
    world.portal.clock.advance(61)
    assert caller.get("/practice/forms").status == 200


def test_a_request_of_a_program_takes_one_batch_and_its_counter(world: World, program: Make) -> None:
    """Everything that decides is read at once; then the counter, the read itself, and its audit."""
    from benchmarks.meter import Meter
    from chalicelib.models.connection import client

    caller = program("A1", "clients:read")
    caller.get("/practice/clients")
    meter = Meter(client(), lambda pk, sk: None)
    try:
        with meter.counting() as cost:
            assert caller.get(f"/practice/clients/{world.id('C5')}").status == 200
    finally:
        meter.close()
    assert cost.calls[:2] == ["BatchGetItem", "UpdateItem"]
    assert cost.calls.count("BatchGetItem") == 1
    assert cost.calls[-1] == "PutItem"
