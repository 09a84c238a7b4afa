"""Invitations: what the switches stop, and whom a link lets in (DOMAIN.md 2 and 3; notes: security 1 row 8, 3.1)."""

from collections.abc import Callable

import pytest

from chalicelib.models.clients import Client
from chalicelib.models.tenants import Tenant
from chalicelib.models.transaction import change
from infra.local import world as demo
from tests import flows
from tests.calls import PEOPLE, Caller
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
