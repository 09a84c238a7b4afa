"""Many invitations at once, saved texts, the hold and its "cancel", and the day's cap (DOMAIN.md 1.2, 3.3, 3.4)."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from chalicelib import clock
from chalicelib.models.clients import Client
from chalicelib.models.staff import Staff
from chalicelib.models.tenants import Tenant
from chalicelib.models.transaction import change
from infra.local import faults
from infra.local import world as demo
from tests import flows
from tests.calls import PEOPLE, Answer, Caller
from tests.conftest import World
from tests.flows import NOTICE

CHECK, BULK = "/practice/invites/bulk/check", "/practice/invites/bulk"


def _file(key: str, email: str | None, tenant: str = "oak", **more: Any) -> str:
    return flows.new_file(tenant, key, f"Person {key}", email=email, **more)


def _files(count: int) -> list[str]:
    return [_file(f"P{n}", f"person{n}@mail.example") for n in range(count)]


def _set(client_id: str, tenant: str = "oak", **values: Any) -> None:
    place = Client.at(tenant_id=demo.tenant_id(tenant), client_id=client_id)
    change(place, *(getattr(Client, name).set(value) for name, value in values.items()))


def _start(admin: Caller, ids: list[str], *form_ids: str, **more: Any) -> Answer:
    key = more.pop("key", "bulk-0123456789")
    return admin.post(BULK, {"client_ids": ids, "form_ids": list(form_ids), **more}, key=key)


def _job(admin: Caller, answer: Answer) -> dict[str, Any]:
    assert answer.status == 201, answer
    found: dict[str, Any] = admin.get(f"/practice/jobs/{answer.json['job_id']}").json
    return found


def _reasons(admin: Caller, job_id: str) -> dict[str, str | None]:
    items = admin.get(f"/practice/jobs/{job_id}/items", query={"limit": 100}).json["items"]
    return {each["client_id"]: each["reason"] or each["status"] for each in items}


@pytest.fixture
def held() -> Iterator[None]:
    """A stage whose pages can call a mail back for half a minute."""
    from chalicelib.config import settings

    settings.__dict__["hold_seconds"] = 30  # frozen for everyone else
    yield
    settings.__dict__["hold_seconds"] = 0


# ---- who, and who not and why ----


def test_the_check_says_who_is_left_out_and_why(world: World, call: Callable[..., Caller]) -> None:
    admin = call("A1")
    good, twin = _file("G1", "good@mail.example"), _file("G2", "Good@mail.example")
    none, used = _file("N1", None), _file("N2", PEOPLE["C1"].email)
    listed, off, ended = (
        _file("N3", "bounce3@mail.example"),
        _file("N4", "n4@mail.example"),
        _file("N5", "n5@x.example"),
    )
    assert flows.invite(admin, listed).status == 201
    admin.drain()
    _set(listed, portal="none")
    _set(off, features_off=["invitations"])
    _set(ended, portal="ended")
    assert flows.invite(admin, flows.client_id("C4")).status == 201
    foreign, missing = flows.client_id("CB"), demo.fixed_id("M1SS1NG")
    wanted = [good, twin, none, used, listed, off, ended, foreign, missing, good]
    wanted += [flows.client_id(key) for key in ("C1", "C4", "C5")]
    answer = admin.post(CHECK, {"client_ids": wanted}).json
    assert [each["client_id"] for each in answer["invited"]] == [good]
    assert {each["client_id"]: each["reason"] for each in answer["left_out"]} == {
        twin: "email_twice", none: "no_email", used: "email_in_use", listed: "address_suppressed", off: "feature_off",
        ended: "access_ended", foreign: "not_found", missing: "not_found", flows.client_id("C1"): "already_active",
        flows.client_id("C4"): "already_invited", flows.client_id("C5"): "client_archived",
    }  # fmt: skip
    names = {each["client_id"]: each["name"] for each in answer["left_out"]}
    assert names[foreign] is names[missing] is None
    seen = [each for each in flows.stored("tenant_audit") if each["action"] == "invite:bulk"]
    assert foreign not in str(seen)
    assert good in str(seen)


def test_everyone_who_was_never_invited(call: Callable[..., Caller]) -> None:
    admin, ids = call("A1"), _files(3)
    invite_id = flows.invite(admin, ids[0]).json["invite_id"]
    assert flows.act_on(admin, ids[0], invite_id, "revoke").status == 200
    looked = admin.post(CHECK, {"never_invited": True}).json
    found = {each["client_id"] for each in looked["invited"]}
    assert found == {ids[1], ids[2], flows.client_id("C4")}  # a revoked one was invited before
    for body in ({}, {"never_invited": True, "client_ids": ids}, {"client_ids": []}, {"client_ids": ["x"]}):
        assert admin.post(CHECK, body).status == 422


def test_everyone_who_was_invited_and_never_joined(call: Callable[..., Caller]) -> None:
    """Nobody twice a day; C4 was never invited, C5 is archived, and C1 has joined."""
    admin, ids = call("A1"), _files(5)
    for each in ids[:4]:
        assert flows.invite(admin, each).status == 201
    now = admin.clock.now()
    _set(ids[0], invite_ends_at=clock.text(now - timedelta(minutes=1)))  # expired
    _set(ids[1], invite_ends_at=clock.text(now + timedelta(hours=47)))  # sent 25 hours ago, and open
    _set(ids[2], email=None, invite_ends_at=clock.text(now))
    looked = admin.post(CHECK, {"not_joined": True}).json
    assert [each["client_id"] for each in looked["invited"]] == ids[:2]
    left = {each["client_id"]: each["reason"] for each in looked["left_out"]}
    assert left == {ids[2]: "no_email", ids[3]: "invited_today"}
    admin.drain()
    older = flows.mailed_token(admin, "person1@mail.example")
    done = _job(admin, _start(admin, ids[:4], NOTICE, again=True))
    admin.drain()
    assert _reasons(admin, done["job_id"]) == {ids[0]: "done", ids[1]: "done", **left}
    assert [len(admin.outbox(f"person{n}@mail.example")) for n in range(4)] == [2, 2, 1, 1]
    assert admin.post("/invitations/lookup", {"token": older}).json["state"] == "replaced"
    not_again = _job(admin, _start(admin, [ids[1]], NOTICE, key="another-0123456789"))
    admin.drain()
    assert _reasons(admin, not_again["job_id"]) == {ids[1]: "already_invited"}
    assert admin.post(CHECK, {"not_joined": True, "never_invited": True}).status == 422


def test_a_large_look_is_audited_whole(call: Callable[..., Caller]) -> None:
    admin, ids = call("A1"), _files(130)
    assert len(admin.post(CHECK, {"client_ids": ids}).json["invited"]) == 130
    seen = [each for each in flows.stored("tenant_audit") if each["action"] == "invite:bulk"]
    assert sorted(len(json.loads(each["object"])["client_ids"]) for each in seen) == [30, 100]


# ---- the job ----


def test_a_job_invites_each_once_and_says_what_became_of_everyone(call: Callable[..., Caller], canaries: Any) -> None:
    admin, ids = call("A1"), _files(4)
    none = _file("N1", None)
    words = {"subject": "Welcome", "message": "Hello {client_first_name}\n\n{link}"}
    answer = _start(admin, [*ids, none, flows.client_id("CB")], NOTICE, **words)
    again = _start(admin, [*ids, none, flows.client_id("CB")], NOTICE, **words)
    assert again.json["job_id"] == answer.json["job_id"]
    admin.drain()
    job = _job(admin, answer)
    assert (job["status"], job["done"], job["skipped"], job["failed"]) == ("done", 4, 2, 0)
    assert Counter(_reasons(admin, job["job_id"]).values()) == {"done": 4, "no_email": 1, "not_found": 1}
    mails = [mail for mail in flows.outbox() if mail["subject"] == "Welcome"]
    assert sorted(mail["to"][0] for mail in mails) == [f"person{n}@mail.example" for n in range(4)]
    newcomer = call()
    assert flows.look_up(newcomer, flows.link_in(mails[0]))["forms"][0]["form_id"] == NOTICE
    events = [each["action"] for each in flows.stored("client_audit")]
    assert events.count("invite:send") == 4


def test_who_began_it_must_still_be_allowed_when_it_is_each_ones_turn(
    world: World, call: Callable[..., Caller]
) -> None:
    admin, ids = call("A1"), _files(3)
    answer = _start(admin, ids)
    place = Staff.at(tenant_id=world.tenant_id("oak"), staff_id=world.id("A1"))
    change(place, Staff.roles.set(["therapist"]), Staff.may_invite.set(False))
    admin.drain()
    change(place, Staff.roles.set(["administrator"]))
    assert set(_reasons(admin, answer.json["job_id"]).values()) == {"forbidden"}
    assert not flows.stored("invite")


def test_what_is_switched_off_meanwhile_stops_the_rest(call: Callable[..., Caller]) -> None:
    admin, ids = call("A1"), _files(2)
    answer = _start(admin, ids)
    flows.change_settings(admin, features={"invitations": False})
    admin.drain()
    assert set(_reasons(admin, answer.json["job_id"]).values()) == {"feature_off"}


def test_forms_that_cannot_be_sent_start_nothing(call: Callable[..., Caller]) -> None:
    admin, ids = call("A1"), _files(1)
    assert _start(admin, ids, "no-such-form").status == 422
    assert call("T4").post(BULK, {"client_ids": ids, "form_ids": []}).code == "forbidden"
    assert not flows.stored("job")


def test_a_job_that_is_held_can_be_stopped_without_a_trace(held: None, call: Callable[..., Caller]) -> None:
    admin, ids = call("A1"), _files(2)
    answer = _start(admin, ids, hold=True)
    assert answer.json["starts_at"] > clock.text(clock.now())
    admin.drain()
    assert not flows.stored("invite")
    assert admin.post(f"/practice/jobs/{answer.json['job_id']}/stop").json["done"] == 0
    call("A1").clock.advance(60)
    admin.drain()
    assert not flows.stored("invite")


def test_a_job_that_is_held_begins_by_itself(held: None, world: World, call: Callable[..., Caller]) -> None:
    admin, ids = call("A1"), _files(2)
    answer = _start(admin, ids, hold=True)
    admin.local("POST", "/clock", {"advance_seconds": 31})
    admin.drain()
    assert _job(admin, answer)["done"] == 2


# ---- the day's cap ----


def test_the_cap_of_a_new_organization_and_the_operator_who_raises_it(
    world: World, call: Callable[..., Caller], limits: Callable[..., None]
) -> None:
    from chalicelib.services import tenants

    limits(invitations_tenant=(3, 86400))
    admin, ids = call("A1"), _files(6)
    assert admin.get("/practice/sender/allowance").json == {"a_day": 3, "left": 3}
    looked = admin.post(CHECK, {"client_ids": ids[:5]}).json
    assert Counter(each["reason"] for each in looked["left_out"]) == {"daily_cap": 2}
    answer = _start(admin, ids[:5])
    admin.drain()
    assert Counter(_reasons(admin, answer.json["job_id"]).values()) == {"done": 3, "daily_cap": 2}
    refused = flows.invite(admin, ids[5])
    assert (refused.status, refused.code) == (429, "daily_cap")
    assert int(refused.headers["Retry-After"]) > 0
    assert admin.get("/practice/sender/allowance").json["left"] == 0
    tenants.set_cap(world.tenant_id("oak"), "invitations_tenant", 200)
    assert flows.invite(admin, ids[5]).status == 201
    with pytest.raises(ValueError, match="no such limit"):
        tenants.set_cap(world.tenant_id("oak"), "anything", 1)
    tenants.set_cap(world.tenant_id("oak"), "invitations_tenant", None)
    assert admin.get("/practice/sender/allowance").json["a_day"] == 3


# ---- called back while it is held ----


def test_cancel_takes_everything_back_before_it_is_mailed(held: None, call: Callable[..., Caller]) -> None:
    staff, client = call("T4"), flows.client_id("C4")
    sent = flows.invite(staff, client, NOTICE, hold=True)
    assert sent.json["held_until"] > clock.text(clock.now() + timedelta(seconds=20))
    staff.drain()
    assert not flows.outbox()
    taken = flows.act_on(staff, client, sent.json["invite_id"], "cancel")
    assert (taken.status, taken.json["status"], taken.json["delivery"]) == (200, "revoked", "cancelled")
    assert flows.act_on(staff, client, sent.json["invite_id"], "cancel").status == 200
    staff.local("POST", "/clock", {"advance_seconds": 300})
    staff.drain()
    assert not flows.outbox()
    now = flows.details(staff, client)
    assert (now["portal"], now["can_invite"]["allowed"]) == ("none", True)
    assert not [each for each in flows.stored("account") if client in str(each["principals"])]
    admin = call("A1")
    assert client in {each["client_id"] for each in admin.post(CHECK, {"never_invited": True}).json["invited"]}


def test_what_is_not_called_back_goes_out_after_the_hold(held: None, call: Callable[..., Caller]) -> None:
    staff, client = call("T4"), flows.client_id("C4")
    sent = flows.invite(staff, client, NOTICE, hold=True)
    staff.drain()
    staff.local("POST", "/clock", {"advance_seconds": 31})
    staff.drain()
    assert len(staff.outbox(PEOPLE["C4"].email)) == 1
    late = flows.act_on(staff, client, sent.json["invite_id"], "cancel")
    assert (late.status, late.code) == (409, "mail_under_way")
    assert flows.details(staff, client)["portal"] == "invited"


def test_programs_are_not_held_up(held: None, call: Callable[..., Caller]) -> None:
    staff, client = call("T4"), flows.client_id("C4")
    sent = flows.invite(staff, client)
    assert sent.json["held_until"] is None
    staff.drain()
    assert len(staff.outbox(PEOPLE["C4"].email)) == 1
    assert flows.act_on(staff, client, sent.json["invite_id"], "cancel").code == "mail_under_way"


def test_a_message_that_comes_too_early_waits_on(held: None, world: World, call: Callable[..., Caller]) -> None:
    """SQS's clock is not ours: the record decides."""
    from chalicelib.services import mails

    staff = call("T4")
    assert flows.invite(staff, flows.client_id("C4"), hold=True).status == 201
    (mail,) = flows.stored("client_mail")
    mails.deliver(mail["pk"], mail["sk"])
    assert not flows.outbox()
    assert flows.stored("client_mail")[0]["status"] == "queued"


# ---- saved texts ----


def _save(admin: Caller, name: str = "Warm", **more: Any) -> Answer:
    body = {"name": name, "subject": "Come in", "message": "Hello {client_first_name}\n\n{link}", **more}
    return admin.post("/practice/wordings", body)


def test_a_saved_text_is_what_invitations_start_from(call: Callable[..., Caller]) -> None:
    admin, staff, client = call("A1"), call("T4"), flows.client_id("C4")
    saved = _save(admin).json
    assert admin.post("/practice/wordings/usual", {"wording_id": saved["wording_id"]}).status == 200
    template = staff.get(f"/practice/clients/{client}/invites/template").json
    assert (template["subject"], [each["name"] for each in template["saved"]]) == ("Come in", ["Warm"])
    assert flows.invite(staff, client).status == 201
    staff.drain()
    assert staff.outbox(PEOPLE["C4"].email)[-1]["subject"] == "Come in"
    assert staff.get("/practice/wordings").json["items"][0]["usual"] is True
    assert _save(staff).code == "forbidden"


def test_two_administrators_and_one_text(call: Callable[..., Caller]) -> None:
    first, second = call("A1"), call("A2")
    saved = _save(first).json
    path, body = f"/practice/wordings/{saved['wording_id']}", {"name": "Cool", "subject": "S", "message": "M"}
    assert first.patch(path, body, etag=saved["etag"]).json["name"] == "Cool"
    assert second.patch(path, body, etag=saved["etag"]).code == "stale"
    assert second.delete(path, etag=saved["etag"]).code == "stale"
    assert second.delete(path, etag="2").status == 204
    assert second.delete(path, etag="2").code == "not_found"
    assert second.post("/practice/wordings/usual", {"wording_id": saved["wording_id"]}).code == "not_found"


def test_a_text_that_is_thrown_away_is_usual_no_more(call: Callable[..., Caller]) -> None:
    admin = call("A1")
    saved = _save(admin).json
    admin.post("/practice/wordings/usual", {"wording_id": saved["wording_id"]})
    assert admin.delete(f"/practice/wordings/{saved['wording_id']}", etag=saved["etag"]).status == 204
    template = admin.get("/practice/invites/template").json
    assert (template["saved"], template["subject"]) == ([], "{organization} has invited you to join the Client Portal")


def test_saved_words_are_encrypted_and_bounded(call: Callable[..., Caller]) -> None:
    admin = call("A1")
    for number in range(30):
        assert _save(admin, f"Name {number}", message="a quiet otter swims").status == 201
    assert _save(admin).code == "too_many_saved"
    assert b"otter" not in b"".join(str(each).encode() for each in flows.stored("wording"))


def test_odd_words_are_flagged_before_they_are_sent(call: Callable[..., Caller]) -> None:
    admin, path = call("A1"), f"/practice/clients/{flows.client_id('C4')}/invites/preview"
    words = {"subject": "{organisation}: {link}", "message": "Hi {client_first_name} {x"}
    looked = admin.post(path, {"form_ids": [], **words})
    found = {(each["code"], each["what"]) for each in looked.json["oddities"]}
    unknown = {("unknown_placeholder", "{organisation}"), ("unknown_placeholder", "{x")}
    assert found == {*unknown, ("link_in_subject", "{link}")}
    assert "/join#" not in looked.json["subject"]
    assert admin.post("/practice/wordings/check", words).json["items"] == looked.json["oddities"]
    flows.change_settings(admin, neutral_mail=True)
    words = {"subject": "News of {organization}", "message": "{link}"}
    assert [each["code"] for each in admin.post("/practice/wordings/check", words).json["items"]] == [
        "names_organization"
    ]
    usual = admin.get("/practice/invites/template").json
    neutral = {"subject": usual["subject"], "message": usual["message"]}
    assert admin.post("/practice/wordings/check", neutral).json["items"] == []


def test_a_neutral_mail_names_nobody_but_the_client(call: Callable[..., Caller]) -> None:
    """DOMAIN.md 3.4: From, subject, text and HTML, of the invitation and of the login link."""
    admin = call("A1")
    flows.change_settings(admin, neutral_mail=True)
    assert flows.invite(admin, flows.client_id("C4"), NOTICE).status == 201
    assert admin.post(f"/practice/clients/{flows.client_id('C1')}/login-link").status == 201
    admin.drain()
    told = flows.outbox()
    assert len(told) == 2
    for mail in told:
        shown = " ".join(str(mail[part]) for part in ("from", "subject", "text", "html"))
        for word in ("Oak Lane", "Counseling", "therap", "Therap", "practice", "clinic"):
            assert word not in shown, (word, shown)
    token = flows.link_in(next(mail for mail in told if "/join#" in mail["text"]))
    assert flows.look_up(call(), token)["tenant"]["discreet"] is True


def test_an_address_that_looks_like_a_slip_and_a_shared_mailbox_are_pointed_out(call: Callable[..., Caller]) -> None:
    admin = call("A1")
    slip, base, tag = _file("S1", "ann@gmial.com"), _file("S2", "ann@mail.example"), _file("S3", "ann+b@mail.example")
    assert flows.details(admin, slip)["mailbox"]["likely"] == "ann@gmail.com"
    assert flows.details(admin, base)["mailbox"] == {
        "suppressed": None, "suppressed_at": None, "likely": None, "shared": False,
    }  # fmt: skip
    invite_id = flows.invite(admin, tag).json["invite_id"]
    assert flows.details(admin, base)["mailbox"]["shared"] is True
    looked = admin.post(f"/practice/clients/{base}/invites/preview", {"form_ids": []}).json["oddities"]
    assert looked == [{"code": "shared_mailbox", "what": "ann@mail.example"}]
    assert flows.invite(admin, base).status == 201  # a warning, never a refusal
    assert flows.details(admin, tag)["mailbox"]["shared"] is True
    assert flows.act_on(admin, tag, invite_id, "revoke").status == 200
    assert flows.details(admin, base)["mailbox"]["shared"] is False
    looked = admin.post(CHECK, {"client_ids": [slip]}).json["invited"]
    assert looked[0]["likely"] == "ann@gmail.com"


# ---- at the same moment ----


def test_one_address_in_many_clients_by_a_job_and_by_singles(world: World, call: Callable[..., Caller]) -> None:
    """Twenty singles beside a job of the same twenty files: one account, one invitation, one mail."""
    admin, ids = call("A1"), [_file(f"R{n}", "both@mail.example") for n in range(20)]
    from chalicelib.services import jobs

    for turn in range(3):
        started = _start(admin, ids, key=f"beside-singles-{turn}")
        job_id = started.json["job_id"]

        def one(number: int, job_id: str = job_id) -> Any:
            return jobs.run(world.tenant_id("oak"), job_id) if number == 20 else flows.invite(admin, ids[number])

        answers = [answer for answer in flows.together(21, one) if answer is not None]
        while admin.get(f"/practice/jobs/{job_id}").json["status"] != "done":
            jobs.run(world.tenant_id("oak"), job_id)
        winners = [each for each in answers if each.status == 201]
        by_job = [each for each in _reasons(admin, job_id).values() if each == "done"]
        assert len(winners) + len(by_job) == 1
        assert {each.code for each in answers if each.status != 201} <= {"email_in_use", "already_invited"}
        accounts = [each for each in flows.stored("account") if each["status"] == "invited"]
        assert len(accounts) == len([each for each in flows.stored("client") if each["portal"] == "invited"]) == 1
        assert len([each for each in flows.stored("invite") if each["status"] == "waiting"]) == 1
        (waiting,) = [each for each in flows.stored("invite") if each["status"] == "waiting"]
        assert flows.act_on(admin, waiting["client_id"], waiting["invite_id"], "revoke").status == 200


def test_throttled_is_tried_again(call: Callable[..., Caller]) -> None:
    admin, ids = call("A1"), _files(3)
    answer = _start(admin, ids)
    faults.add("SendEmail", "throttle", 4)
    faults.add("TransactWriteItems", "throttle", 7)
    admin.drain()
    admin.clock.advance(300)
    admin.drain()
    assert _job(admin, answer)["done"] == 3
    assert len(flows.outbox()) == 3


def test_no_plan_no_bulk(call: Callable[..., Caller]) -> None:
    change(Tenant.at(tenant_id=demo.tenant_id("oak")), Tenant.plan.set("none"))
    assert call("A1").post(CHECK, {"never_invited": True}).code == "feature_not_in_plan"
