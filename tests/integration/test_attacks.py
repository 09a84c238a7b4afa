"""Attacks that once got through, each as its attacker made it; every one of them failed before its fix."""

import base64
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra import template
from infra.local import levers
from tests import flows
from tests.calls import PEOPLE, Answer, Caller
from tests.conftest import World

ROOT = Path(__file__).resolve().parents[2]
NOTICE = "notice-of-privacy-practices"
SIGNATURE = {
    "method": "typed",
    "typed_name": "Wendell Example",
    "strokes": None,
    "printed_name": "Wendell Example",
    "relationship": "self",
    "disclosure_version": 1,
    "consents": {"read": True, "esign": True, "intent": True},
    "time_zone": "America/New_York",
}


@pytest.fixture
def form(world: World, call: Callable[..., Caller]) -> tuple[Caller, str]:
    """C4, who has just joined, and the address of the short form that waits for a signature."""
    therapist, client = call("T4"), call()
    sent = therapist.post(f"/practice/clients/{world.id('C4')}/invites", {"form_ids": [NOTICE]})
    assert sent.status == 201, sent
    therapist.drain()
    found = re.search(r"join#([\w.-]+)", therapist.outbox(world.person("C4").email)[-1]["text"])
    assert found
    joined = flows.redeem(client, found[1])
    assert joined.status == 201, joined
    client.remember(joined)
    intake_id = client.get("/portal/intakes").json["items"][0]["intake_id"]
    place = f"/portal/intakes/{intake_id}/forms/{NOTICE}"
    assert _save(client, place).status == 200
    return client, place


Limit = Callable[..., None]


def _save(client: Caller, place: str) -> Answer:
    return client.patch(f"{place}/sections/acknowledgement", {"answers": {"received": True}})


def _sign(client: Caller, place: str, /, **changed: Any) -> Answer:
    return client.post(f"{place}/signature", {**SIGNATURE, **changed})


# ---- a client who wants a form that is never sealed ----


@pytest.mark.parametrize("unit", ["\u2066", "\u202a", "\u0f40\u0f90", "a\u05d0"], ids=ascii)
def test_ten_thousand_hostile_characters_are_set_in_seconds(unit: str) -> None:
    """Each run was handed the whole text: the square of it, more minutes than the sealing function has."""
    from chalicelib.adapters import typesetting

    text = (unit * 10_000)[:10_000]
    started = time.process_time()
    lines = typesetting.set_text(text, typesetting.Style("text", 10, 15, (0, 0, 0)), 492)
    assert time.process_time() - started < 12
    drawn = "".join(atom.text for line in lines for atom in line.atoms)
    assert drawn == typesetting.visible(text)


def test_a_form_that_takes_too_long_takes_no_other_down() -> None:
    import app

    (sealing,) = [each for each in app.app.event_sources if each.handler_string.endswith("on_sealing")]
    assert sealing.batch_size == 1


# ---- forged signatures ----


@pytest.mark.parametrize(
    "name", ["\u200b\u200b\u200b", "\u3164\u3164", "\u2060\u200d", "\u2800\u2800", "--"], ids=ascii
)
@pytest.mark.parametrize("field", ["typed_name", "printed_name"])
def test_nobody_signs_with_a_name_that_does_not_show(form: tuple[Caller, str], field: str, name: str) -> None:
    client, place = form
    answer = _sign(client, place, **{field: name})
    assert (answer.status, answer.code) == (422, "invalid_body")


@pytest.mark.parametrize("name", ["李娜", "ก้อง", "ña", "O'Néill 3rd"])
def test_names_of_any_script_sign(form: tuple[Caller, str], name: str) -> None:
    assert _sign(*form, typed_name=name, printed_name=name).status == 201


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "..", "../../etc/passwd", "CON", "\u00e4", "America", "zone.tab"])
def test_a_zone_that_is_none_is_refused(form: tuple[Caller, str], zone: str) -> None:
    answer = _sign(*form, time_zone=zone)
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, "/time_zone")


def test_an_autosave_beside_a_signature_does_not_make_it_look_signed(
    form: tuple[Caller, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second device saved while the first one signed: "already signed" was the answer, and nothing was."""
    from chalicelib.services import intakes

    client, place = form
    require, beside = intakes._require_complete, [True]

    def slowly(opened: Any) -> None:
        require(opened)
        if beside and beside.pop():
            assert _save(client, place).status == 200

    monkeypatch.setattr(intakes, "_require_complete", slowly)
    answer = _sign(client, place)
    assert (answer.status, beside) == (201, [])
    assert client.get(place).json["status"] == "signed"
    again = _sign(client, place)
    assert (again.status, again.code) == (409, "already_signed")


@pytest.mark.parametrize("begun", [True, False], ids=["begun", "untouched"])
@pytest.mark.parametrize("whole", [True, False], ids=["packet", "form"])
def test_a_form_that_is_taken_back_beside_a_signature_is_not_called_incomplete(
    whole: bool, begun: bool, call: Callable[..., Caller], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answers were gone when they were read, though the form had been open a moment before."""
    from chalicelib.services import intakes

    client, intake_id, form_id = call("C1"), flows.send_packet("C1", NOTICE), NOTICE
    place = f"/portal/intakes/{intake_id}/forms/{form_id}"
    if begun:
        assert _save(client, place).status == 200
    of_the_practice = f"/practice/clients/{PEOPLE['C1'].id}/intakes/{intake_id}"
    staff, written, beside = call("A1"), intakes._written, [True]

    def slowly(*args: Any) -> Any:
        if beside and beside.pop():
            assert staff.post(f"{of_the_practice}{'' if whole else f'/forms/{form_id}'}/revoke").status == 200
        return written(*args)

    monkeypatch.setattr(intakes, "_written", slowly)
    answer = _sign(client, place)
    assert (answer.status, answer.code, beside) == (409, "intake_revoked", [])


# ---- who is told ----


def test_a_therapist_who_was_unassigned_is_told_nothing_and_someone_else_is(world: World) -> None:
    """Else the only one who is told of a worrying packet is someone who may no longer open it."""
    from chalicelib.services import clients, notifications

    oak, c4, t4 = world.tenant_id("oak"), world.id("C4"), world.id("T4")
    assert [each.staff_id for each in notifications.recipients(oak, c4, t4)] == [t4]
    clients.unassign(oak, c4, t4)
    told = {each.staff_id for each in notifications.recipients(oak, c4, t4)}
    assert told == {world.id("A1"), world.id("A2")}


# ---- nothing that is sent is a 500, or costs more than it should ----


@pytest.mark.parametrize("tag", ["\u00b2", '"\u00b2"', 'W/"\u00b9"', '"1\u00b3"'])
def test_digits_that_are_none_in_if_match(call: Callable[..., Caller], tag: str) -> None:
    answer = call("C1").patch("/portal/profile", {"phone": "555 0101"}, headers={"If-Match": tag})
    assert (answer.status, answer.code) == (412, "stale")


def test_a_deeply_nested_cursor(call: Callable[..., Caller]) -> None:
    cursor = base64.urlsafe_b64encode(b"[" * 1400).decode().rstrip("=")
    answer = call("C1").get("/portal/intakes", query={"cursor": cursor})
    assert (answer.status, answer.code) == (400, "invalid_cursor")


def test_eighty_thousand_mistakes_get_a_short_answer(form: tuple[Caller, str]) -> None:
    """It named them all, in more than Lambda lets through: a small request made a large one, and a 502."""
    client, place = form
    strokes: list[Any] = [[[]] * 2000] * 40
    sent = json.dumps({**SIGNATURE, "method": "drawn", "strokes": strokes}, separators=(",", ":")).encode()
    answer = client.post(f"{place}/signature", sent)
    assert (answer.status, answer.code) == (422, "invalid_body")
    assert len(answer.json["errors"]) == 100


def test_guesses_at_organizations_that_are_none_are_counted_too(call: Callable[..., Caller], limits: Limit) -> None:
    """Each costs a password hash, so that nobody can tell which organizations there are."""
    limits(sign_in_address=(3, 300))
    body = {"slug": "no-such-place", "kind": "client", "email": "a@mail.example", "password": "x"}
    answers = [call().post("/sessions", {**body, "slug": f"no-such-place-{i}"}) for i in range(5)]
    assert [each.status for each in answers] == [401, 401, 401, 429, 429]
    assert answers[-1].headers["Retry-After"]


def test_nobody_is_flooded_with_invitations(world: World, call: Callable[..., Caller], limits: Limit) -> None:
    """Two hundred a day, the organization's own limit, could all go to one mailbox."""
    limits(invitations_client=(3, 86400))
    therapist, invites = call("T4"), f"/practice/clients/{world.id('C4')}/invites"
    invite_id = therapist.post(invites, {"form_ids": []}).json["invite_id"]
    again = [therapist.post(f"{invites}/{invite_id}/resend").status for _ in range(3)]
    assert again == [201, 201, 429]
    therapist.post(f"{invites}/{invite_id}/revoke")
    assert therapist.post(invites, {"form_ids": []}).status == 429
    therapist.drain()
    assert len(therapist.outbox(world.person("C4").email)) <= 3


def test_whoever_complained_is_not_mailed_through_the_sign_up_page(call: Callable[..., Caller]) -> None:
    """Anyone could have five mails an hour sent to them for ever, and their complaints of those went nowhere."""
    admin, stranger, address = call("A1"), call(), "complaint.leo@newcomer.example"
    flows.change_settings(admin, sign_up=True)
    for _ in range(2):
        assert flows.sign_up(stranger, email=address).status == 202
        stranger.drain()
        stranger.clock.advance(3601)
    assert len(stranger.outbox(address)) == 1
    assert [each["reason"] for each in flows.stored("suppression")] == ["complained"]


def test_nobody_writes_to_strangers_through_the_opening_of_a_practice(call: Callable[..., Caller]) -> None:
    """Sender, subject and greeting were the attacker's own words, in a mail that is truly ours."""
    anyone, address = call(), "victim@elsewhere.example"
    words = ("Your Bank: see https://evil.example/pay", "https://evil.example/now Late")
    body = {"key": "k" * 40, "slug": "evil-practice", "name": words[0], "zone": "America/New_York", "country": "US",
            "phone": "+1 212 555 0100", "administrator": words[1], "email": address}  # fmt: skip
    assert anyone.post("/practice-sign-up", body).status == 202
    anyone.drain()
    (mail,) = anyone.outbox(address)
    assert "evil" not in str(mail)
    assert "Bank" not in str(mail)
    assert flows.join_staff(anyone, flows.staff_token(anyone, address)).status == 201


# ---- access that ended ----


def test_who_left_or_was_unassigned_is_out_at_once(world: World, call: Callable[..., Caller]) -> None:
    from chalicelib.models.staff import Staff
    from chalicelib.models.transaction import change
    from chalicelib.services import clients

    oak, c1, t1 = world.tenant_id("oak"), world.id("C1"), world.id("T1")
    therapist = call("T1")
    assert therapist.get(f"/practice/clients/{c1}").status == 200
    clients.unassign(oak, c1, t1)
    assert therapist.get(f"/practice/clients/{c1}").status == 404
    change(Staff.at(tenant_id=oak, staff_id=t1), Staff.status.set("ended"))
    assert therapist.get("/session").status == 401
    assert call().post("/sessions", _credentials(call(), "T1")).status == 401


def _file(key: str, more: str = "") -> str:
    return f"/practice/clients/{PEOPLE[key].id}{more}"


def test_a_session_of_before_stays_ended_when_access_is_given_back(call: Callable[..., Caller]) -> None:
    """Whoever had taken over a session was let in again together with the client."""
    admin, stolen = call("A1"), call("C1")
    assert stolen.get("/portal/home").status == 200
    assert admin.post(_file("C1", "/access/end")).status == 200
    assert admin.post(_file("C1", "/access/restore")).status == 200
    assert stolen.get("/portal/home").status == 401


def test_the_address_of_an_account_whose_access_ended_stays_with_its_file(call: Callable[..., Caller]) -> None:
    """The file moved and the account did not: given back, the one opened the other no more, and the address on file
    could become somebody else's account."""
    admin, person = call("A1"), PEOPLE["C1"]
    assert admin.post(_file("C1", "/access/end")).status == 200
    for email in ("elsewhere@mail.example", None):
        moved = admin.patch(_file("C1"), {"email": email}, etag=admin.get(_file("C1")).json["etag"])
        assert (moved.status, moved.code) == (409, "access_ended")
    assert admin.post(_file("C1", "/access/restore")).json["email"] == person.email


def test_an_address_that_cannot_be_confirmed_changes_nothing_else(call: Callable[..., Caller], limits: Limit) -> None:
    """The refusal said that nothing was changed, and half of it was."""
    limits(email_change_account=(1, 3600))
    admin = call("A1")
    for number, status in enumerate((200, 429)):
        before = admin.get(_file("C1")).json
        changes = {"email": f"elsewhere{number}@mail.example", "phone": f"555 000{number}"}
        assert admin.patch(_file("C1"), changes, etag=before["etag"]).status == status
    after = admin.get(_file("C1")).json
    assert (after["phone"], after["etag"]) == (before["phone"], before["etag"])


def test_an_invitation_is_never_sent_again_to_the_address_that_was_put_right(
    world: World, call: Callable[..., Caller]
) -> None:
    """It had expired, the typing error in the address was mended, and "resend" went to the stranger: a link that works,
    to an account at an address that the file does not have."""
    admin, wrong = call("A1"), PEOPLE["C4"].email
    sent = flows.invite(admin, world.id("C4"))
    admin.drain()
    world.portal.clock.advance(73 * 3600)
    admin.sign_in("A1")
    etag = flows.details(admin, world.id("C4"))["etag"]
    assert admin.patch(_file("C4"), {"email": "right@mail.example"}, etag=etag).status == 200
    mails = len(admin.outbox(wrong))
    again = flows.act_on(admin, world.id("C4"), sent.json["invite_id"], "resend")
    assert (again.status, again.code) == (409, "invitation_closed")
    anew = flows.invite(admin, world.id("C4"))
    assert (anew.status, anew.json["email"]) == (201, "right@mail.example")
    admin.drain()
    assert len(admin.outbox(wrong)) == mails


def test_an_address_does_not_move_under_an_invitation_that_is_sent_again(
    world: World, call: Callable[..., Caller], monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.services import files

    admin = call("A1")
    invite_id = flows.invite(admin, world.id("C4")).json["invite_id"]
    world.portal.clock.advance(73 * 3600)
    admin.sign_in("A1")
    etag = flows.details(admin, world.id("C4"))["etag"]
    may_move = files._may_move

    def beside(*about: Any) -> None:
        may_move(*about)
        assert flows.act_on(admin, world.id("C4"), invite_id, "resend").status == 201

    monkeypatch.setattr(files, "_may_move", beside)
    moved = admin.patch(_file("C4"), {"email": "right@mail.example"}, etag=etag)
    assert (moved.status, moved.code) == (412, "stale")


def test_a_screen_left_open_is_no_way_to_a_clients_account(world: World, call: Callable[..., Caller]) -> None:
    """Whoever sat down at an administrator's desk had a link to a client's account mailed to themselves, or let
    somebody in again whose access had ended; the rest of the file goes on without the password (OWASP ASVS 7.5.1)."""
    admin = call("A1")
    assert admin.post(_file("C3", "/access/end")).status == 200
    for _ in range(16):
        world.portal.clock.advance(60)
        admin.post("/session/activity")
    for changes in ({"email": "thief@mail.example"}, {"phone": "555 0100", "email": "thief@mail.example"}):
        moved = admin.patch(_file("C1"), changes, etag=admin.get(_file("C1")).json["etag"])
        assert (moved.status, moved.code) == (403, "proof_required")
    assert admin.post(_file("C3", "/access/restore")).code == "proof_required"
    admin.drain()
    assert not admin.outbox("thief@mail.example")
    etag = admin.get(_file("C1")).json["etag"]
    assert admin.patch(_file("C1"), {"phone": "555 0100", "email": PEOPLE["C1"].email}, etag=etag).status == 200
    proof = {"password": PEOPLE["A1"].password, "code": admin.code_of("A1")}
    assert admin.post("/session/proof", proof).status == 200
    etag = admin.get(_file("C1")).json["etag"]
    assert admin.patch(_file("C1"), {"email": "elsewhere@mail.example"}, etag=etag).status == 200
    assert admin.post(_file("C3", "/access/restore")).status == 200


def test_nobody_looks_at_a_client_through_a_preview_unseen(call: Callable[..., Caller]) -> None:
    """It shows whom an invitation would greet, at which address; nothing was kept of that (DOMAIN.md 8)."""
    admin = call("A1")
    before = flows.stored("client_audit")
    assert admin.post(_file("C4", "/invites/preview"), {"form_ids": []}).status == 200
    (event,) = [each for each in flows.stored("client_audit") if each not in before]
    assert (event["client_id"], event["action"]) == (PEOPLE["C4"].id, "invite:send")


def test_nothing_is_called_by_a_name_that_does_not_show(call: Callable[..., Caller]) -> None:
    """It stood in a mail's From and subject: as nothing, or turned around, as somebody else."""
    admin, anyone = call("A1"), call()
    etag = admin.get("/practice/organization").json["etag"]
    for name in ("\u200b\u2060", "\u202e\u2066", "\u3164", "\u0301"):
        practice = {
            "slug": "birch-row", "name": name, "zone": "America/New_York", "country": "US", "phone": "+1 212 555 0100",
            "administrator": "Ada Birch", "email": "ada@birch.example", "key": "x" * 32,
        }  # fmt: skip
        colleague = {"name": name, "email": "a@b.example", "roles": ["therapist"]}
        tries = [
            ("/name", admin.patch("/practice/organization", {"name": name}, etag=etag)),
            ("/name", anyone.post("/practice-sign-up", practice)),
            ("/name", admin.post("/practice/staff", colleague)),
            ("/legal_name", admin.post("/practice/clients", {"legal_name": name, "birth_date": "1990-01-01"})),
            ("/subject", admin.post("/practice/wordings", {"name": "Usual", "subject": name, "message": "{link}"})),
            ("/legal_name", flows.sign_up(anyone, legal_name=name)),
        ]
        for pointer, answer in tries:
            assert (answer.status, [each["pointer"] for each in answer.json["errors"]]) == (422, [pointer])


def test_a_name_that_is_turned_around_stands_as_it_is_read(call: Callable[..., Caller]) -> None:
    admin = call("A1")
    etag = admin.get("/practice/organization").json["etag"]
    turned = admin.patch("/practice/organization", {"name": "\u202eOak\u202c \u200bRow"}, etag=etag)
    assert (turned.status, turned.json["name"]) == (200, "Oak Row")


def test_one_mailbox_never_opens_both_factors(call: Callable[..., Caller]) -> None:
    """An administrator had reset the second factor: whoever reads the mailbox chose a new password by the one mail, and
    set up their own authenticator by the other (NIST SP 800-63B-4 3.1.3.1)."""
    admin, thief = call("A1"), call()
    assert admin.post(f"/practice/staff/{PEOPLE['T1'].id}/second-factor/reset").status == 200
    second, reset = flows.staff_token(thief, PEOPLE["T1"].email), flows.reset_link(thief, "T1")
    new = {"password": flows.PASSWORD}
    assert thief.post("/password-resets/redemption", {"token": reset, **new}).status == 200
    offered = thief.post("/staff-invitations/second-factor", {"token": second, **new})
    assert (offered.status, offered.code) == (409, "link_used")
    assert thief.post("/staff-invitations/lookup", {"token": second}).json["state"] == "revoked"
    # Who it really is asks the administrator once more, and has then both: the new password, and the new link.
    assert admin.post(f"/practice/staff/{PEOPLE['T1'].id}/second-factor/reset").status == 200
    assert flows.join_staff(thief, flows.staff_token(thief, PEOPLE["T1"].email)).status == 201


def test_who_only_reads_the_mail_of_an_invitation_never_knows_the_second_factor(call: Callable[..., Caller]) -> None:
    """One secret was shown to everyone with the link: whoever looked at it before the new colleague did had the codes
    ever after, and with a new password by mail the account."""
    admin, thief, newcomer = call("A1"), call(), call()
    wanda = {"name": "Wanda Early", "email": "wanda@staff.example", "roles": ["therapist"]}
    assert admin.post("/practice/staff", wanda).status == 201
    token = flows.staff_token(thief, wanda["email"])
    body = {"token": token, "password": "nine purple herons dance"}
    seen = thief.post("/staff-invitations/second-factor", body).json["secret"]
    assert thief.post("/staff-invitations/second-factor", body).json["secret"] == seen  # loading again changes nothing
    assert flows.join_staff(newcomer, token).status == 201
    newcomer.clock.advance(31)
    code = levers.totp(seen, newcomer.clock.now())
    stolen = {"slug": "oak", "kind": "staff", "email": wanda["email"], "password": flows.PASSWORD, "code": code}
    assert thief.post("/sessions", stolen).code == "invalid_credentials"


def _credentials(caller: Caller, key: str) -> dict[str, Any]:
    who = PEOPLE[key]
    code = caller.code_of(key)
    return {"slug": who.tenant, "kind": "staff", "email": who.email, "password": who.password, "code": code}


# ---- what a deployed function may do ----


@pytest.mark.parametrize("function", ["on_sealing", "on_schedule", "on_mail_event"])
def test_only_who_makes_or_checks_secrets_may_read_them(function: str) -> None:
    """The token key makes invitation links: whoever has it can become any invited client."""
    policy = (ROOT / ".chalice" / f"policy-{function}.json").read_text()
    assert "secretsmanager" not in policy


@pytest.mark.parametrize("function", ["on_mail", "on_mail_event", "on_sealing", "on_schedule"])
def test_no_worker_may_delete_records(function: str) -> None:
    """What was audited, signed or sent cannot be taken back through a worker."""
    policy = json.loads((ROOT / ".chalice" / f"policy-{function}.json").read_text())
    assert not [action for each in policy["Statement"] for action in each["Action"] if "dynamodb:Delete" in action]


def test_the_sealing_function_writes_documents_and_reads_none() -> None:
    policy = json.loads((ROOT / ".chalice" / "policy-on_sealing.json").read_text())
    (may,) = [each["Action"] for each in policy["Statement"] if each["Sid"] == "FileDocuments"]
    assert set(may) == {"s3:PutObject", "s3:PutObjectRetention"}


def test_no_link_to_a_document_lasts_whoever_made_it() -> None:
    policies = template.resources(template.load(template.STATEFUL), "AWS::S3::BucketPolicy")
    statements = policies["DocumentsPolicy"]["PolicyDocument"]["Statement"]
    limit, forms = [each for each in statements if "NumericGreaterThan" in each["Condition"]]
    assert (forms["Action"], forms["Condition"]["NumericGreaterThan"]) == ("s3:PutObject", {"s3:signatureAge": 1800000})
    assert limit["Effect"] == "Deny"
    assert limit["Condition"]["NumericGreaterThan"] == {"s3:signatureAge": 300_000}
