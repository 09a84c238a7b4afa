"""Invitations: what the switches stop, and whom a link lets in (DOMAIN.md 2 and 3; notes: security 1 row 8, 3.1)."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.models.clients import Client
from chalicelib.models.tenants import Tenant
from chalicelib.models.transaction import change
from infra.local import world as demo
from tests import flows
from tests.calls import PEOPLE, Caller
from tests.conftest import World
from tests.flows import NOTICE

INVITES = f"/practice/clients/{PEOPLE['C4'].id}/invites"

# ---- forms switched off: nothing new goes out, what was sent can be finished (DOMAIN.md 2) ----


def _no_forms_for_anyone() -> None:
    tenant = Tenant.find(tenant_id=demo.tenant_id("oak"))
    assert tenant is not None
    features = {**tenant.settings["features"], "intake_forms": False}
    change(tenant, Tenant.settings.set({**tenant.settings, "features": features}))


def _no_plan() -> None:
    change(Tenant.at(tenant_id=demo.tenant_id("oak")), Tenant.plan.set("none"))


def _no_forms_for(*keys: str) -> None:
    for key in keys:
        about = {"tenant_id": demo.tenant_id("oak"), "client_id": PEOPLE[key].id}
        change(Client.at(**about), Client.features_off.set(["intake_forms"]))


OFF: dict[str, Callable[[], None]] = {
    "switched_off": _no_forms_for_anyone,
    "client_switched_off": lambda: _no_forms_for("C1", "C4"),
}


@pytest.mark.parametrize("off", OFF)
def test_no_form_is_sent_while_forms_are_off(off: str, call: Callable[..., Caller]) -> None:
    staff, body = call("T4"), {"form_ids": [NOTICE]}
    assert staff.get(f"{INVITES}/template").json["forms_off"] is None
    OFF[off]()
    template = staff.get(f"{INVITES}/template").json
    assert (template["forms"], template["forms_off"]) == ([], off)
    for refused in (staff.post(f"{INVITES}/preview", body), staff.post(INVITES, body)):
        assert (refused.status, refused.code) == (403, "feature_switched_off")
        assert [each["pointer"] for each in refused.json["errors"]] == ["/form_ids"]
    assert not flows.stored("invite", "intake", "client_mail")


@pytest.mark.parametrize("off", OFF)
def test_an_invitation_without_forms_goes_out_all_the_same(off: str, call: Callable[..., Caller]) -> None:
    staff = call("T4")
    OFF[off]()
    assert staff.post(f"{INVITES}/preview", {"form_ids": []}).json["forms"] == []
    sent = staff.post(INVITES, {"form_ids": []})
    assert (sent.status, sent.json["forms"]) == (201, [])
    assert staff.get(f"/practice/clients/{PEOPLE['C4'].id}/intakes").json["items"] == []
    assert staff.post(f"{INVITES}/{sent.json['invite_id']}/resend").status == 201


@pytest.mark.parametrize("off", OFF)
def test_forms_are_not_sent_again_while_they_are_off(off: str, call: Callable[..., Caller]) -> None:
    staff = call("T4")
    invite_id = flows.invite(staff, flows.client_id("C4"), NOTICE).json["invite_id"]
    OFF[off]()
    refused = staff.post(f"{INVITES}/{invite_id}/resend")
    assert (refused.status, refused.code) == (403, "feature_switched_off")
    assert staff.post(f"{INVITES}/{invite_id}/revoke").status == 200
    assert flows.invite(staff, flows.client_id("C4")).status == 201


def test_a_plan_without_forms_sends_none(call: Callable[..., Caller], monkeypatch: pytest.MonkeyPatch) -> None:
    from chalicelib.policies import plans

    only = {**plans.PLANS, "plus": frozenset({plans.Feature.INVITATIONS})}
    monkeypatch.setattr(plans, "PLANS", only)
    staff = call("T4")
    refused = staff.post(INVITES, {"form_ids": [NOTICE]})
    assert (refused.status, refused.code) == (403, "feature_not_in_plan")
    assert staff.get(f"{INVITES}/template").json["forms_off"] == "not_in_plan"
    assert staff.post(INVITES, {"form_ids": []}).status == 201


@pytest.mark.parametrize("off", [*OFF.values(), _no_plan])
def test_what_was_sent_is_filled_in_and_signed_whatever_is_off(
    off: Callable[[], None], call: Callable[..., Caller]
) -> None:
    """DOMAIN.md 2: a switch hides nothing that is on record, and a form that was sent is."""
    client = call("C1")
    intake_id = flows.send_packet("C1", NOTICE)
    off()
    flows.fill(client, intake_id, NOTICE)
    signed = flows.sign(client, intake_id, NOTICE)
    assert signed.status == 201
    client.drain()
    assert client.post(f"/portal/documents/{signed.json['document_id']}/download").status == 200


def test_who_was_invited_joins_and_signs_although_forms_were_switched_off_meanwhile(
    call: Callable[..., Caller],
) -> None:
    assert flows.invite(call("T4"), flows.client_id("C4"), NOTICE).status == 201
    token = flows.mailed_token(call(), PEOPLE["C4"].email)
    _no_forms_for_anyone()
    newcomer = call()
    newcomer.remember(flows.redeem(newcomer, token))
    intake_id = newcomer.get("/portal/intakes").json["items"][0]["intake_id"]
    flows.fill(newcomer, intake_id, NOTICE)
    assert flows.sign(newcomer, intake_id, NOTICE).status == 201


# ---- the date of birth: a letter that reached the wrong person opens nothing (notes: security 1 row 8, 3.1) ----

RIGHT = PEOPLE["C4"].birth_date
WRONG = [f"1990-01-{day:02}" for day in range(1, 29)]


@pytest.fixture
def invite_id(call: Callable[..., Caller]) -> str:
    """An open invitation of C4."""
    return str(flows.invite(call("T4"), flows.client_id("C4"), NOTICE).json["invite_id"])


@pytest.fixture
def token(call: Callable[..., Caller], invite_id: str) -> str:
    """The link of it."""
    return flows.mailed_token(call(), PEOPLE["C4"].email)


def _try(call: Callable[..., Caller], token: str, birth_date: str | None, **more: Any) -> tuple[int, str | None]:
    answer = flows.redeem(call(), token, birth_date=birth_date, **more)
    return answer.status, answer.code


def _state(call: Callable[..., Caller], token: str) -> str:
    return str(call().post("/invitations/lookup", {"token": token}).json["state"])


def _seen_by_staff(call: Callable[..., Caller]) -> tuple[str, list[str]]:
    details = call("T4").get(f"/practice/clients/{PEOPLE['C4'].id}").json["invite"]["status"]
    return details, [each["status"] for each in call("T4").get(INVITES).json["items"]]


def test_the_link_says_that_the_date_is_asked_and_never_which(call: Callable[..., Caller], token: str) -> None:
    answer = call().post("/invitations/lookup", {"token": token})
    assert answer.json["asks_birth_date"] is True
    assert RIGHT.encode() not in answer.body
    refused = flows.redeem(call(), token, birth_date=WRONG[0])
    assert (refused.status, refused.code) == (422, "birth_date_mismatch")
    assert RIGHT.encode() not in refused.body
    assert WRONG[0].encode() not in refused.body


def test_the_right_date_opens_the_account(call: Callable[..., Caller], token: str) -> None:
    for wrong in WRONG[:4]:
        assert _try(call, token, wrong) == (422, "birth_date_mismatch")
    assert _try(call, token, RIGHT) == (201, None)
    assert _try(call, token, RIGHT) == (409, "invitation_used")


def test_five_wrong_dates_close_the_link_for_good(
    world: World, call: Callable[..., Caller], token: str, invite_id: str
) -> None:
    for wrong in WRONG[:5]:
        assert _state(call, token) == "open"
        assert _try(call, token, wrong) == (422, "birth_date_mismatch")
    world.portal.clock.advance(24 * 3600)  # no window that passes
    assert _try(call, token, RIGHT) == _try(call, token, WRONG[6]) == (409, "invitation_locked")
    closed = call().post("/invitations/lookup", {"token": token}).json
    assert (closed["state"], closed["asks_birth_date"], closed["name"], closed["forms"]) == ("locked", False, None, [])
    call("A1").sign_in("A1")
    administrator = call()
    administrator.sign_in("A1")
    file = administrator.get(f"/practice/clients/{PEOPLE['C4'].id}").json
    assert (file["invite"]["status"], file["portal"]) == ("locked", "invited")
    assert [each["status"] for each in administrator.get(INVITES).json["items"]] == ["locked"]
    assert [each["status"] for each in flows.stored("account") if PEOPLE["C4"].id in each["principals"]] == ["invited"]


def test_sending_it_again_gives_five_tries_to_the_new_link(
    call: Callable[..., Caller], token: str, invite_id: str
) -> None:
    for wrong in WRONG[:5]:
        _try(call, token, wrong)
    assert _seen_by_staff(call) == ("locked", ["locked"])
    sent = call("T4").post(f"{INVITES}/{invite_id}/resend")
    assert (sent.status, sent.json["status"]) == (201, "waiting")
    fresh = flows.mailed_token(call(), PEOPLE["C4"].email)
    assert (_state(call, token), _state(call, fresh)) == ("replaced", "open")
    assert _try(call, token, RIGHT) == (409, "invitation_revoked")
    for wrong in WRONG[:4]:
        assert _try(call, fresh, wrong) == (422, "birth_date_mismatch")
    assert _try(call, fresh, RIGHT) == (201, None)


def test_who_is_locked_out_can_ask_for_a_new_link(call: Callable[..., Caller], token: str, invite_id: str) -> None:
    for wrong in WRONG[:5]:
        _try(call, token, wrong)
    assert call().post("/invitations/renewal", {"token": token}).status == 202
    told = call("T4").get("/practice/notifications").json["items"]
    assert [each["kind"] for each in told] == ["invitation_renewal_asked"]
    assert call("T4").post(f"{INVITES}/{invite_id}/revoke").status == 200
    assert _state(call, token) == "revoked"


def test_what_is_no_date_or_no_password_is_no_try(call: Callable[..., Caller], token: str) -> None:
    for missing in (None, "", "06.05.1978", "1978-02-30", "1978-05-06T00:00:00", 19780506, "259027200"):
        assert _try(call, token, missing) == (422, "invalid_body"), missing  # type: ignore[arg-type]
    answer = flows.redeem(call(), token, birth_date=None)
    assert [(each["pointer"], each["code"]) for each in answer.json["errors"]] == [("/birth_date", "missing")]
    for wrong in WRONG[:9]:
        assert _try(call, token, wrong, password="short") == (422, "invalid_body")
    assert not [each for each in flows.stored("invite") if each.get("wrong_dates")]
    assert _try(call, token, RIGHT) == (201, None)


def test_without_a_date_on_file_there_is_no_question(call: Callable[..., Caller], token: str) -> None:
    change(Client.at(tenant_id=demo.tenant_id("oak"), client_id=PEOPLE["C4"].id), Client.birth_date.remove())
    assert call().post("/invitations/lookup", {"token": token}).json["asks_birth_date"] is False
    assert _try(call, token, None) == (201, None)


def test_every_wrong_date_is_on_record_and_is_not_the_clients_act(call: Callable[..., Caller], token: str) -> None:
    _try(call, token, WRONG[0])
    _try(call, token, RIGHT)
    events = [each for each in flows.stored("client_audit") if each["action"] == "invite:redeem"]
    events.sort(key=lambda each: str(each["event_id"]))
    assert [each["outcome"] for each in events] == ["wrong_birth_date", "done"]
    assert '"kind":"system"' in events[0]["actor"]
    assert WRONG[0] not in str(events)


@pytest.mark.parametrize("round_number", range(6))
def test_thirty_two_guesses_at_once_are_five(
    round_number: int, call: Callable[..., Caller], token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counting after comparing would let all of them be compared before one is counted."""
    from argon2 import PasswordHasher

    from chalicelib.services import accounts

    light = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(accounts, "_hasher", lambda: light)
    people = [call() for _ in range(32)]
    guesses = [f"1990-01-{n % 28 + 1:02}" for n in range(32)]
    if round_number % 2:  # the right one is among them
        guesses[round_number] = RIGHT
    answers = flows.together(32, lambda n: flows.redeem(people[n], token, birth_date=guesses[n]))
    said = Counter((answer.status, answer.code) for answer in answers)
    joined = said[201, None]
    assert joined <= (1 if RIGHT in guesses else 0)
    wrong = said[422, "birth_date_mismatch"]
    assert wrong <= 4 if joined else wrong == 5, said
    assert said[409, "invitation_used" if joined else "invitation_locked"] == 32 - joined - wrong, said
    assert _state(call, token) == ("used" if joined else "locked")
    (invite,) = flows.stored("invite")
    assert int(invite.get("wrong_dates") or 0) == wrong
