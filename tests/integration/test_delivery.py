"""What becomes of mails, the addresses that are not written to any more, and the mailed login link (DOMAIN.md 3.5, 3.8;
notes: security 1 rows 15 and 51)."""

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest

from infra.local import cloud, faults
from tests import flows
from tests.calls import PEOPLE, Answer, Caller
from tests.conftest import World
from tests.flows import NOTICE

C1, C4 = PEOPLE["C1"].id, PEOPLE["C4"].id
BOUNCING = "bounce.ann@mail.example"


def _told(*events: dict[str, Any]) -> None:
    """SES tells."""
    for event in events:
        queue = cloud.queue_url("mail-events")
        cloud.client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps(event))


def _event(kind: str, message_id: str, **more: Any) -> dict[str, Any]:
    return {"eventType": kind, "mail": {"messageId": message_id}, **more}


def _sent(template: str = "invitation") -> str:
    (found,) = [each for each in flows.stored("client_mail") if each["template"] == template]
    return str(found["message_id"])


def _bounced_client(admin: Caller, address: str = BOUNCING) -> tuple[str, str]:
    client = flows.new_file("oak", "BN", "Ann Bounce", email=address)
    sent = flows.invite(admin, client, NOTICE)
    assert sent.status == 201, sent
    admin.drain()
    return client, sent.json["invite_id"]


def _retry(staff: Caller, client: str, **body: Any) -> Answer:
    return staff.post(f"/practice/clients/{client}/address/retry", body)


def _login_link(staff: Caller, client: str = C1, **more: Any) -> Answer:
    return staff.post(f"/practice/clients/{client}/login-link", **more)


# ---- news ----

NEWS = {
    "Delivery": ({}, "delivered"),
    "DeliveryDelay": ({}, "delayed"),
    "Bounce": ({"bounce": {"bounceType": "Permanent"}}, "bounced"),
    "Transient": ({"bounce": {"bounceType": "Transient"}}, "deferred"),
    "Complaint": ({}, "complained"),
}
WORST = ["delayed", "delivered", "deferred", "bounced", "complained"]


@pytest.mark.parametrize("order", list(itertools.permutations(("Delivery", "Transient", "Bounce", "Complaint"), 3)))
def test_the_worst_news_stays_in_any_order(order: tuple[str, ...], call: Callable[..., Caller]) -> None:
    staff = call("T4")
    assert flows.invite(staff, C4, NOTICE).status == 201
    while staff.local("POST", "/run/on_mail")["handled"]["on_mail"]:
        pass
    cloud.client("sqs").purge_queue(QueueUrl=cloud.queue_url("mail-events"))
    message = _sent()
    for kind in (*order, order[0]):
        more, _ = NEWS[kind]
        _told(_event("Bounce" if kind == "Transient" else kind, message, **more))
        staff.drain()
    expected = max((NEWS[kind][1] for kind in order), key=WORST.index)
    invite = flows.details(staff, C4)["invite"]
    assert invite["delivery"] == expected
    assert {each["delivery"] for each in invite["news"]} == {"sent", *(NEWS[kind][1] for kind in order)}
    (mail,) = staff.get(f"/practice/clients/{C4}/mails").json["items"]
    assert (mail["template"], mail["delivery"], mail["news"]) == ("invitation", expected, invite["news"])
    listed = flows.stored("suppression")
    reasons = ["complained"] if "Complaint" in order else ["bounced"] if "Bounce" in order else []
    assert [each["reason"] for each in listed] == reasons


def test_foreign_and_unknown_events_change_nothing(call: Callable[..., Caller]) -> None:
    staff = call("T4")
    assert flows.invite(staff, C4).status == 201
    staff.drain()
    before = flows.stored()
    odd: list[Any] = [
        _event("Bounce", "someone-elses-message", bounce={"bounceType": "Permanent"}),
        _event("Open", _sent()),
        _event("Bounce", ""),
        {"eventType": "Bounce"},
        {"eventType": "Bounce", "mail": {}},
        {"eventType": "Bounce", "mail": {"messageId": 7}},
        {"hello": "world"},
        {"Message": json.dumps(_event("Click", _sent()))},
    ]
    _told(*odd)
    done = staff.drain()
    assert not done["failed"], done
    assert flows.stored() == before


def test_events_come_by_sns_and_by_eventbridge(call: Callable[..., Caller]) -> None:
    staff = call("T4")
    assert flows.invite(staff, C4).status == 201
    staff.drain()
    _told({"Message": json.dumps(_event("DeliveryDelay", _sent()))}, {"detail": _event("Complaint", _sent())})
    staff.drain()
    found = {each["delivery"] for each in flows.details(staff, C4)["invite"]["news"]}
    assert found == {"sent", "delayed", "delivered", "complained"}


def test_news_of_an_older_mail_is_not_news_of_the_newer_one(call: Callable[..., Caller]) -> None:
    staff = call("T4")
    invite_id = flows.invite(staff, C4).json["invite_id"]
    staff.drain()
    old = _sent()
    assert flows.act_on(staff, C4, invite_id, "resend").status == 201
    staff.drain()
    _told(_event("Bounce", old, bounce={"bounceType": "Transient"}))
    staff.drain()
    assert flows.details(staff, C4)["invite"]["delivery"] == "delivered"
    kinds = [each["delivery"] for each in staff.get(f"/practice/clients/{C4}/mails").json["items"]]
    assert kinds == ["delivered", "deferred"]


def test_the_link_is_opened_expires_and_is_used(call: Callable[..., Caller]) -> None:
    staff, newcomer = call("T4"), call()
    invite_id = flows.invite(staff, C4).json["invite_id"]
    token = flows.mailed_token(newcomer, PEOPLE["C4"].email)
    assert flows.details(staff, C4)["invite"]["opened_at"] is None
    flows.look_up(newcomer, token)
    first = flows.details(staff, C4)["invite"]["opened_at"]
    newcomer.clock.advance(60)
    flows.look_up(newcomer, token)
    assert flows.details(staff, C4)["invite"]["opened_at"] == first is not None
    assert flows.act_on(staff, C4, invite_id, "resend").json["opened_at"] is None
    assert flows.redeem(newcomer, flows.mailed_token(newcomer, PEOPLE["C4"].email)).status == 201
    (invite,) = staff.get(f"/practice/clients/{C4}/invites").json["items"]
    assert (invite["status"], invite["completed_at"] is not None) == ("completed", True)


def test_thirty_tell_at_once_and_nothing_is_lost(call: Callable[..., Caller]) -> None:
    from chalicelib.services import mails

    staff = call("T4")
    assert flows.invite(staff, C4).status == 201
    staff.drain()
    message, kinds = _sent(), ["delayed", "deferred", "bounced", "complained"]
    flows.together(30, lambda n: mails.happened(message, kinds[n % 4]))
    invite = flows.details(staff, C4)["invite"]
    assert invite["delivery"] == "complained"
    assert {each["delivery"] for each in invite["news"]} == {"sent", "delivered", *kinds}
    assert len(flows.stored("suppression")) == 1


# ---- addresses that are not written to any more ----


def test_what_bounced_is_refused_until_somebody_says_it_is_mended(call: Callable[..., Caller]) -> None:
    admin = call("A1")
    client, invite_id = _bounced_client(admin)
    now = flows.details(admin, client)
    assert (now["invite"]["delivery"], now["mailbox"]["suppressed"]) == ("bounced", "bounced")
    refused = flows.act_on(admin, client, invite_id, "resend")
    assert (refused.status, refused.code) == (409, "address_suppressed")
    assert flows.act_on(admin, client, invite_id, "revoke").status == 200
    assert flows.details(admin, client)["can_invite"]["reason"] == "address_suppressed"
    assert flows.invite(admin, client).code == "address_suppressed"
    assert _retry(admin, client).status == 204
    assert _retry(admin, client).status == 204
    assert flows.invite(admin, client).status == 201
    cleared = [each for each in flows.stored("client_audit") if each["action"] == "suppression:clear"]
    assert [each["outcome"] for each in cleared] == ["bounced"]


def test_another_address_is_free_and_another_organization_knows_nothing(call: Callable[..., Caller]) -> None:
    _bounced_client(call("A1"))
    there = flows.new_file("birch", "BB", "Ann Bounce", email=BOUNCING)
    assert flows.details(call("B1"), there)["mailbox"]["suppressed"] is None
    assert flows.invite(call("B1"), there).status == 201
    other = flows.new_file("oak", "BC", "Ann Bounce", email="ann@mail.example")
    assert flows.invite(call("A1"), other).status == 201


def test_a_complaint_is_cleared_by_an_administrator_who_heard_the_person_ask(call: Callable[..., Caller]) -> None:
    from chalicelib.models.staff import Staff
    from chalicelib.services import clients
    from infra.local import world as demo

    admin, client = call("A1"), _bounced_client(call("A1"), "complaint.ann@mail.example")[0]
    member = Staff.find(tenant_id=demo.tenant_id("oak"), staff_id=PEOPLE["T4"].id)
    assert member is not None
    clients.assign(demo.tenant_id("oak"), client, member)
    assert flows.details(admin, client)["mailbox"]["suppressed"] == "complained"
    for staff, body in ((admin, {}), (call("T4"), {"asked": True}), (admin, {"asked": False})):
        assert _retry(staff, client, **body).code == "complaint_stands"
    assert call("T1").post(f"/practice/clients/{client}/address/retry", {}).code == "forbidden"
    assert _retry(admin, client, asked=True).status == 204
    assert flows.details(admin, client)["mailbox"]["suppressed"] is None


def test_ses_refuses_an_address_of_its_own_list(call: Callable[..., Caller]) -> None:
    staff = call("T4")
    assert flows.invite(staff, C4).status == 201
    faults.add("SendEmail", "refuse", 1)
    staff.drain()
    now = flows.details(staff, C4)
    assert (now["invite"]["delivery"], now["mailbox"]["suppressed"]) == ("bounced", "bounced")
    assert not flows.outbox()


def test_a_mail_that_waited_is_not_sent_to_an_address_that_bounced_meanwhile(call: Callable[..., Caller]) -> None:
    admin = call("A1")
    assert _login_link(admin).status == 201
    _note_bounce(C1)
    admin.drain()
    assert not flows.outbox()
    (mail,) = admin.get(f"/practice/clients/{C1}/mails").json["items"]
    assert mail["delivery"] == "suppressed"


def _note_bounce(client: str) -> None:
    from chalicelib.models.transaction import Transaction
    from chalicelib.services import accounts, suppressions
    from infra.local import world as demo

    email = next(each.email for each in PEOPLE.values() if each.id == client)
    with Transaction() as tx:
        digest = accounts.email_digest(demo.tenant_id("oak"), email)
        suppressions.add(tx, demo.tenant_id("oak"), digest, "bounced", "2026-11-25T00:00:00.000Z")


def test_the_list_holds_no_address(call: Callable[..., Caller]) -> None:
    _bounced_client(call("A1"))
    (listed,) = flows.stored("suppression")
    assert BOUNCING not in str(listed)


@pytest.mark.parametrize("fault", ["throttle", "crash_before"])
def test_ses_that_fails_for_a_while_loses_nothing(fault: Any, call: Callable[..., Caller]) -> None:
    staff = call("T4")
    assert flows.invite(staff, C4).status == 201
    faults.add("SendEmail", fault, 3)
    for _ in range(5):
        staff.drain()
        staff.clock.advance(130)
    staff.drain()
    assert len(staff.outbox(PEOPLE["C4"].email)) == 1
    assert flows.details(staff, C4)["invite"]["delivery"] == "delivered"


# ---- the login link ----


def test_the_login_link_carries_no_secret_and_opens_nothing(call: Callable[..., Caller]) -> None:
    staff = call("T1")
    sent = _login_link(staff, key="the-very-same-key")
    assert (sent.status, sent.json["template"]) == (201, "login_link")
    assert _login_link(staff, key="the-very-same-key").json["mail_id"] == sent.json["mail_id"]
    staff.drain()
    (mail,) = staff.outbox(PEOPLE["C1"].email)
    assert f"http://localhost:{staff.port}/oak\n" in mail["text"]
    assert "#" not in mail["text"]
    assert "Oak Lane Counseling" in mail["subject"]
    (told,) = staff.get(f"/practice/clients/{C1}/mails").json["items"]
    assert (told["template"], told["delivery"]) == ("login_link", "delivered")


def test_no_login_link_without_an_account(world: World, call: Callable[..., Caller]) -> None:
    staff = call("T4")
    assert _login_link(staff, C4).code == "not_active"
    assert _login_link(call("A1"), PEOPLE["C5"].id).code == "client_archived"
    _note_bounce(C1)
    assert _login_link(call("A1")).code == "address_suppressed"
    assert not flows.stored("client_mail")


def test_login_links_are_capped(call: Callable[..., Caller], limits: Callable[..., None]) -> None:
    limits(login_link=(3, 86400))
    answers = [_login_link(call("T1")).status for _ in range(4)]
    assert answers == [201, 201, 201, 429]


# ---- where mails come from ----


def test_the_sender_is_shown_to_administrators(call: Callable[..., Caller], monkeypatch: pytest.MonkeyPatch) -> None:
    from chalicelib.adapters import dns

    monkeypatch.setattr(dns, "_servers", list)  # no resolver: as on a machine without a network
    told = call("A1").get("/practice/sender").json
    assert (told["domain"], told["sender_name"]) == (cloud.MAIL_DOMAIN, "Oak Lane Counseling")
    assert {each["purpose"]: each["state"] for each in told["records"]} == {
        "dkim": "missing", "spf": "unreadable", "dmarc": "unreadable",
    }  # fmt: skip
    assert call("T1").get("/practice/sender").code == "forbidden"
