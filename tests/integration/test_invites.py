"""Invitations over HTTP (DOMAIN.md section 3): who can be invited and why not, what is mailed, what a link is worth."""

from collections.abc import Callable
from typing import Any

import pytest

from infra.local import faults
from tests import flows
from tests.calls import PEOPLE, Caller, instant
from tests.conftest import World
from tests.flows import CONSENT, NOTICE, QUESTIONNAIRE

Call = Callable[..., Caller]
C4 = flows.client_id("C4")
HOUR = 3600


def _invited(staff: Caller, *form_ids: str, client: str = C4, **words: Any) -> tuple[str, str]:
    """An invitation and the token of its mailed link."""
    answer = flows.invite(staff, client, *form_ids, **words)
    assert answer.status == 201, answer
    return answer.json["invite_id"], flows.mailed_token(staff, answer.json["email"])


# ---- who can be invited, and why not ----


def test_who_has_no_address_cannot_be_invited(call: Call) -> None:
    client = flows.new_file("oak", "NA", "Nora Nomail")
    _refused(call("A1"), client, "no_email")


def test_who_has_an_account_gets_the_login_link_instead(call: Call) -> None:
    _refused(call("A1"), flows.client_id("C1"), "already_active")


def test_who_is_invited_is_not_invited_twice(call: Call) -> None:
    _invited(call("T4"))
    _refused(call("A1"), C4, "already_invited")


def test_an_archived_file_is_not_invited(call: Call) -> None:
    _refused(call("A1"), flows.client_id("C5"), "client_archived", shown="archived")


@pytest.mark.parametrize("spelling", ["imogen@mail.example", "IMOGEN@Mail.Example"])
def test_an_address_that_has_an_account_is_not_used_again(call: Call, spelling: str) -> None:
    """DOMAIN.md 3.2; the other client's account is as it was."""
    client = flows.new_file("oak", "SA", "Same Address", email=spelling)
    _refused(call("A1"), client, "email_in_use")
    assert call().sign_in("C1").status == 201


def test_an_address_that_is_promised_to_someone_is_not_used_again(call: Call) -> None:
    client = flows.new_file("oak", "SA", "Same Address", email=PEOPLE["C4"].email)
    _invited(call("T4"))
    _refused(call("A1"), client, "email_in_use")


def _refused(staff: Caller, client: str, code: str, *, shown: str | None = None) -> None:
    """Refused with the reason, which the page shows before anyone tries; nothing is written or mailed."""
    before = flows.stored("invite", "intake", "client_mail", "account")
    answer = flows.invite(staff, client, NOTICE)
    assert (answer.status, answer.code) == (409, code)
    can = flows.details(staff, client)["can_invite"]
    assert can == {"allowed": False, "reason": shown or code, "title": answer.json["title"]}
    assert flows.stored("invite", "intake", "client_mail", "account") == before


def test_who_was_given_no_permission_is_told_so(call: Call) -> None:
    client = flows.client_id("C1")
    answer = flows.invite(call("T1"), client, NOTICE)
    assert (answer.status, answer.code) == (403, "forbidden")
    can = flows.details(call("T1"), client)["can_invite"]
    assert (can["allowed"], can["reason"]) == (False, "no_permission")


def test_switched_off_means_nobody_invites_and_what_was_sent_can_be_taken_back(call: Call) -> None:
    invite_id, _ = _invited(call("T4"))
    flows.change_settings(call("A1"), features={"invitations": False})
    assert flows.details(call("T4"), C4)["can_invite"]["reason"] == "feature_off"
    for answer in (flows.invite(call("T4"), C4, NOTICE), flows.act_on(call("T4"), C4, invite_id, "resend")):
        assert (answer.status, answer.code) == (403, "feature_switched_off")
    assert flows.act_on(call("T4"), C4, invite_id, "revoke").status == 200


def test_a_form_that_is_not_in_the_library_is_pointed_at(call: Call) -> None:
    answer = flows.invite(call("T4"), C4, NOTICE, "no-such-form", QUESTIONNAIRE, "../" + CONSENT)
    assert (answer.status, answer.code) == (422, "invalid_body")
    found = [(each["pointer"], each["code"]) for each in answer.json["errors"]]
    assert found == [("/form_ids/1", "unknown_form"), ("/form_ids/3", "unknown_form")]


@pytest.mark.parametrize(
    ("words", "pointer"),
    [
        ({"subject": "x" * 201}, "/subject"),
        ({"subject": ""}, "/subject"),
        ({"subject": "two\nlines"}, "/subject"),
        ({"subject": "x\r\nBcc: all@mail.example"}, "/subject"),
        ({"message": "x" * 5001}, "/message"),
        ({"message": "a bell \a"}, "/message"),
        ({"message": ["no", "text"]}, "/message"),
        ({"form_ids": [NOTICE] * 21}, "/form_ids"),
        ({"form_ids": "all"}, "/form_ids"),
        ({"client_id": flows.client_id("C3")}, "/client_id"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_what_cannot_be_sent_is_pointed_at(call: Call, words: dict[str, Any], pointer: str) -> None:
    path = f"/practice/clients/{C4}/invites"
    for place in (path, f"{path}/preview"):
        answer = call("T4").post(place, {"form_ids": [NOTICE], **words})
        assert (answer.status, answer.code) == (422, "invalid_body")
        assert answer.json["errors"][0]["pointer"] == pointer
    assert not flows.stored("invite")


# ---- resend, revoke ----


def test_a_new_link_stops_the_old_one_which_says_so(world: World, call: Call) -> None:
    staff = call("T4")
    invite_id, old = _invited(staff, NOTICE)
    world.portal.clock.advance(11 * HOUR)
    staff.sign_in("T4")
    answer = flows.act_on(staff, C4, invite_id, "resend")
    assert (answer.status, answer.json["invite_id"], answer.json["status"]) == (201, invite_id, "waiting")
    left = instant(answer.json["expires_at"]) - world.portal.clock.now()
    assert 71.9 * HOUR < left.total_seconds() <= 72 * HOUR
    new = flows.mailed_token(staff, PEOPLE["C4"].email)
    assert new != old

    seen = flows.look_up(call(), old)
    assert (seen["state"], seen["name"], seen["email"], seen["first_name"], seen["forms"]) == (
        "replaced", None, None, None, [],
    )  # fmt: skip
    refused = flows.redeem(call(), old)
    assert (refused.status, refused.code) == (409, "invitation_revoked")
    assert flows.look_up(call(), new)["state"] == "open"
    assert flows.redeem(call(), new).status == 201
    assert [flows.look_up(call(), token)["state"] for token in (old, new)] == ["used", "used"]
    assert flows.redeem(call(), new).code == flows.redeem(call(), old).code == "invitation_used"


def test_a_revoked_link_is_dead_and_its_address_free_again(call: Call) -> None:
    other = flows.new_file("oak", "SA", "Same Address", email=PEOPLE["C4"].email)
    staff, admin = call("T4"), call("A1")
    invite_id, token = _invited(staff, NOTICE)
    assert flows.act_on(staff, C4, invite_id, "revoke").json["status"] == "revoked"
    assert flows.act_on(staff, C4, invite_id, "revoke").json["status"] == "revoked"  # again is no mistake
    seen = flows.look_up(call(), token)
    assert (seen["state"], seen["name"], seen["forms"]) == ("revoked", None, [])
    assert flows.redeem(call(), token).code == "invitation_revoked"
    assert flows.act_on(staff, C4, invite_id, "resend").code == "invitation_closed"

    file = flows.details(staff, C4)
    assert (file["portal"], file["invite"], file["can_invite"]["allowed"]) == ("none", None, True)
    packets = staff.get(f"/practice/clients/{C4}/intakes").json["items"]
    assert [each["status"] for each in packets] == ["revoked"]
    _, new = _invited(admin, client=other)
    assert flows.redeem(call(), new).status == 201
    _refused(admin, C4, "email_in_use")


def test_what_was_redeemed_is_not_taken_back(call: Call) -> None:
    staff = call("T4")
    invite_id, token = _invited(staff, NOTICE)
    assert flows.redeem(call(), token).status == 201
    for verb in ("revoke", "resend"):
        answer = flows.act_on(staff, C4, invite_id, verb)
        assert (answer.status, answer.code) == (409, "invitation_closed")
    assert flows.details(staff, C4)["portal"] == "active"


def test_an_invitation_is_found_under_its_own_client_only(call: Call) -> None:
    invite_id, _ = _invited(call("T4"))
    for verb in ("revoke", "resend"):
        answer = flows.act_on(call("T4"), flows.client_id("C3"), invite_id, verb)
        assert (answer.status, answer.code) == (404, "not_found")
    assert flows.details(call("T4"), C4)["invite"]["status"] == "waiting"


# ---- expiry ----


def test_a_link_opens_for_72_hours_to_the_second(world: World, call: Call) -> None:
    staff = call("T4")
    sent = flows.invite(staff, C4, NOTICE).json
    token = flows.mailed_token(staff, PEOPLE["C4"].email)
    ends = instant(sent["expires_at"])
    assert (ends - instant(sent["sent_at"])).total_seconds() == 72 * HOUR
    world.portal.clock.advance((ends - world.portal.clock.now()).total_seconds() - 10)
    assert flows.look_up(call(), token)["state"] == "open"
    world.portal.clock.advance(11)
    seen = flows.look_up(call(), token)
    assert (seen["state"], seen["name"], seen["email"], seen["forms"]) == ("expired", None, None, [])
    refused = flows.redeem(call(), token)
    assert (refused.status, refused.code) == (409, "invitation_expired")
    assert not [each for each in flows.stored("account") if each["status"] == "active" and _is_c4(each)]

    staff.sign_in("T4")
    file = flows.details(staff, C4)
    assert (file["portal"], file["invite"]["status"], file["can_invite"]["allowed"]) == ("expired", "expired", True)
    _, newer = _invited(staff, NOTICE)  # the new one replaces it, forms and all
    assert flows.look_up(call(), token)["state"] == "replaced"
    listed = staff.get(f"/practice/clients/{C4}/invites").json["items"]
    assert [each["status"] for each in listed] == ["waiting", "replaced"]
    assert flows.redeem(call(), newer).status == 201


def _is_c4(account: dict[str, Any]) -> bool:
    return C4 in account["principals"]


def test_asking_for_a_new_link_is_heard_once(world: World, call: Call) -> None:
    """The practice is told once per link, by name of nobody; no new link is mailed by itself."""
    staff = call("T4")
    invite_id, token = _invited(staff, NOTICE)
    assert flows.ask_again(call(), token).status == 202  # an open link needs no new one
    assert flows.details(staff, C4)["invite"]["renewal_asked_at"] is None
    world.portal.clock.advance(73 * HOUR)
    for _ in range(3):
        assert flows.ask_again(call(), token).status == 202
    staff.sign_in("T4")
    staff.drain()
    assert flows.details(staff, C4)["invite"]["renewal_asked_at"] is not None
    told = staff.get("/practice/notifications").json["items"]
    assert [(each["kind"], each["client_id"]) for each in told] == [("invitation_renewal_asked", C4)]
    mails = staff.outbox(PEOPLE["T4"].email)
    assert [each["subject"] for each in mails] == ["Something new in the portal"]
    assert len(staff.outbox(PEOPLE["C4"].email)) == 1

    assert flows.act_on(staff, C4, invite_id, "resend").json["renewal_asked_at"] is None
    newer = flows.mailed_token(staff, PEOPLE["C4"].email)
    world.portal.clock.advance(73 * HOUR)
    flows.ask_again(call(), newer)
    staff.sign_in("T4")
    assert len(staff.get("/practice/notifications").json["items"]) == 2


def test_asking_again_and_again_is_slowed(world: World, call: Call, limits: Callable[..., None]) -> None:
    limits(renewal=(3, HOUR))
    _, token = _invited(call("T4"))
    world.portal.clock.advance(73 * HOUR)
    answers = [flows.ask_again(call(), token) for _ in range(4)]
    assert [each.status for each in answers] == [202, 202, 202, 429]
    assert answers[-1].headers["Retry-After"]


# ---- another organization ----


def test_the_same_address_at_another_organization_is_another_person(call: Call) -> None:
    """DOMAIN.md 3.2: neither learns of the other, and neither password opens the other's account."""
    address = PEOPLE["C4"].email
    there = flows.new_file("birch", "WB", "Wendell Birchfile", email=address)
    tokens = [_invited(call("T4"))[1], _invited(call("B1"), client=there)[1]]
    passwords = ["the first of two walls", "the second of two walls"]
    for token, password in zip(tokens, passwords, strict=True):
        assert flows.redeem(call(), token, password=password).status == 201

    def opens(slug: str, password: str) -> int:
        body = {"slug": slug, "kind": "client", "email": address, "password": password}
        return call().post("/sessions", body).status

    assert [[opens(slug, each) for each in passwords] for slug in ("oak", "birch")] == [[201, 401], [401, 201]]
    assert flows.details(call("T4"), C4)["portal"] == flows.details(call("B1"), there)["portal"] == "active"
    digests = {each["email_digest"] for each in flows.stored("account") if each["principals"].find(there) > 0}
    assert digests.isdisjoint(each["email_digest"] for each in flows.stored("account") if _is_c4(each))


# ---- what is mailed, and what became of it ----


@pytest.mark.parametrize(
    ("address", "deliveries"),
    [("fine@mail.example", "delivered"), ("bounce@mail.example", "bounced"), ("complaint@mail.example", "complained")],
)
def test_what_became_of_the_mail_is_shown(call: Call, address: str, deliveries: str) -> None:
    staff = call("A1")
    client = flows.new_file("oak", "DE", "Delia Every", email=address)
    assert flows.invite(staff, client).json["delivery"] == "queued"
    staff.drain()
    assert flows.details(staff, client)["invite"]["delivery"] == deliveries


def test_a_mail_that_cannot_be_handed_over_yet_waits_and_is_sent(world: World, call: Call) -> None:
    staff = call("T4")
    faults.add("SendEmail", "throttle", 3)  # botocore's own three tries
    flows.invite(staff, C4)
    world.portal.pump.invoke("on_mail")
    assert flows.details(staff, C4)["invite"]["delivery"] == "queued"
    assert not staff.outbox()
    staff.drain()
    assert flows.details(staff, C4)["invite"]["delivery"] == "delivered"
    assert len(staff.outbox()) == 1


def test_a_mail_that_is_refused_for_good_is_shown_as_failed_and_can_be_sent_again(call: Call) -> None:
    from chalicelib.adapters.aws import client

    def refuse(**_: Any) -> Any:
        return faults._refused(400, "MessageRejected", "Email address is not verified")  # ours, not the recipient's

    staff = call("T4")
    client("sesv2").meta.events.register_first("before-call.sesv2.SendEmail", refuse)
    try:
        invite_id = flows.invite(staff, C4).json["invite_id"]
        staff.drain()
    finally:
        client("sesv2").meta.events.unregister("before-call.sesv2.SendEmail", refuse)
    assert flows.details(staff, C4)["invite"]["delivery"] == "failed"
    flows.act_on(staff, C4, invite_id, "resend")
    staff.drain()
    assert flows.details(staff, C4)["invite"]["delivery"] == "delivered"


@pytest.mark.parametrize(
    "words", [{}, {"subject": "For {client_first_name}", "message": "Just this:\n\n{link}\n\nBye"}]
)
def test_the_preview_is_the_mail_but_for_the_link(call: Call, words: dict[str, str]) -> None:
    staff = call("T4")
    path = f"/practice/clients/{C4}/invites/preview"
    shown = staff.post(path, {"form_ids": [NOTICE, QUESTIONNAIRE], **words}).json
    assert not flows.stored("invite", "client_mail")
    _invited(staff, NOTICE, QUESTIONNAIRE, **words)
    (mail,) = staff.outbox()
    link = f"http://localhost:{staff.port}/join#{flows.link_in(mail)}"
    stand_in = "(a personal link, made when this is sent)"
    assert (shown["subject"], [shown["to"]]) == (mail["subject"], mail["to"])
    for part in ("text", "html"):
        assert mail[part].count(link) >= 1
        assert mail[part].replace(link, stand_in) == shown[part]
    assert [form["form_id"] for form in shown["forms"]] == [QUESTIONNAIRE, NOTICE]  # the library's order
    assert shown["name"] == PEOPLE["C4"].name


def test_placeholders_are_filled_once_and_markup_is_text(call: Call) -> None:
    """A name may look like a placeholder or like HTML: it is shown as it is, in both parts of the mail."""
    name = "<b>{link}</b>{minutes}&"
    client = flows.new_file("oak", "MA", "Mark Apton", preferred_name=name, email="markup@mail.example")
    message = "Hi {client_first_name} <script>alert(1)</script> {unknown} {{link}}\n\n{minutes} min, {organization}"
    _invited(call("A1"), NOTICE, client=client, subject="{client_first_name} & {organization}", message=message)
    (mail,) = call().outbox("markup@mail.example")
    assert mail["subject"] == f"{name} & Oak Lane Counseling"
    link = f"http://localhost:{call().port}/join#{flows.link_in(mail)}"
    first = f"Hi {name} <script>alert(1)</script> {{unknown}} {{{link}}}"
    assert mail["text"].startswith(f"{first}\n\n5 min, Oak Lane Counseling\n")
    assert "<script>" not in mail["html"]
    assert "&lt;b&gt;{link}&lt;/b&gt;{minutes}&amp;" in mail["html"]
    assert mail["html"].count("<a ") == 1
    assert mail["html"].count(f'href="{link}"') == 1


def test_a_message_without_a_link_gets_one(call: Call) -> None:
    _invited(call("T4"), message="See you soon.")
    (mail,) = call().outbox()
    assert mail["text"].startswith("See you soon.\n\nhttp://")


@pytest.mark.parametrize("sender", ["", "The Garden Gate"])
def test_a_discreet_organization_is_named_nowhere_in_its_mails(call: Call, sender: str) -> None:
    """DOMAIN.md 3.4: an onlooker cannot tell that it is therapy, or whose."""
    flows.change_settings(call("A1"), neutral_mail=True, sender_name=sender)
    usual = call("T4").get(f"/practice/clients/{C4}/invites/template").json
    assert usual["subject"] == "An invitation for you"
    _invited(call("T4"), QUESTIONNAIRE)
    (mail,) = call().outbox()
    assert mail["subject"] == "An invitation for you"
    assert mail["from"].startswith(sender or "Secure Portal")
    for word in ("oak", "counsel", "therap", "intake", "client portal", "practice"):
        said = " ".join([mail["from"].partition("<")[0], mail["subject"], mail["text"], mail["html"]]).lower()
        assert word not in said


def test_the_words_of_a_mail_are_those_of_the_moment_it_was_sent(call: Call) -> None:
    """Resending says what the first mail said, though the organization chose otherwise since."""
    invite_id, _ = _invited(call("T4"), subject="Own words", message="Mine.\n\n{link}")
    flows.change_settings(call("A1"), neutral_mail=True)
    flows.act_on(call("T4"), C4, invite_id, "resend")
    call().drain()
    assert [each["subject"] for each in call().outbox()] == ["Own words", "Own words"]
    assert call().outbox()[1]["text"].startswith("Mine.\n\nhttp")


# ---- sent twice, sent too often ----


def test_the_same_request_twice_is_one_invitation(call: Call) -> None:
    staff, key = call("T4"), "press-twice-0001"
    first = flows.invite(staff, C4, NOTICE, key=key)
    again = flows.invite(staff, C4, NOTICE, key=key)
    assert (first.status, first.json) == (again.status, again.json)
    resent = [flows.act_on(staff, C4, first.json["invite_id"], "resend", key="resend-twice-01") for _ in range(2)]
    assert resent[0].json == resent[1].json
    staff.drain()
    assert len(flows.stored("client_mail")) == 2
    assert len(staff.outbox()) == 1  # the first mail's link had been replaced before it went out


def test_a_key_is_for_one_request(world: World, call: Call) -> None:
    staff, key = call("T4"), "one-request-only"
    first = flows.invite(staff, C4, NOTICE, key=key)
    for again in (
        flows.invite(staff, C4, CONSENT, key=key),
        flows.invite(staff, flows.client_id("C3"), NOTICE, key=key),
        flows.act_on(staff, C4, first.json["invite_id"], "resend", key=key),
    ):
        assert (again.status, again.code) == (422, "idempotency_key_reused")
    assert flows.invite(call("A1"), C4, NOTICE, key=key).code == "already_invited"  # someone else's key is another
    for none in (None, "short", "x" * 129, "with spaces in it"):
        assert flows.invite(staff, C4, NOTICE, key=none).code == "idempotency_key_missing"
    world.portal.clock.advance(25 * HOUR)
    staff.sign_in("T4")
    assert flows.invite(staff, C4, NOTICE, key=key).code == "already_invited"  # kept for a day


def test_an_organization_sends_only_so_many_a_day(world: World, call: Call, limits: Callable[..., None]) -> None:
    limits(invitations_tenant=(2, 86400))
    files = [flows.new_file("oak", f"F{n}", "Some One", email=f"f{n}@mail.example") for n in range(3)]
    answers = [flows.invite(call("A1"), each) for each in files]
    assert [each.status for each in answers] == [201, 201, 429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert len(flows.stored("invite")) == 2
    there = flows.new_file("birch", "F9", "Some One", email="f9@mail.example")
    assert flows.invite(call("B1"), there).status == 201  # another organization has its own
    world.portal.clock.advance(25 * HOUR)
    staff = call()
    staff.sign_in("A1")
    assert flows.invite(staff, files[2]).status == 201


# ---- following the link ----


def test_looking_uses_nothing_up_and_joining_makes_the_account(call: Call) -> None:
    _, token = _invited(call("T4"), CONSENT, QUESTIONNAIRE)
    for _ in range(3):
        seen = flows.look_up(call(), token)
    assert (seen["state"], seen["name"], seen["email"]) == ("open", PEOPLE["C4"].name, PEOPLE["C4"].email)
    assert [form["form_id"] for form in seen["forms"]] == [QUESTIONNAIRE, CONSENT]
    weak = flows.redeem(call(), token, password="too short")
    assert (weak.status, weak.json["errors"][0]["pointer"]) == (422, "/password")
    address = {"line1": "1 Way", "city": "Harborview", "region": "NY", "postal_code": "10000"}
    contact = {"name": "Zelda Nearby", "relationship": "Aunt", "phone": "+1 212 555 0199"}
    profile = {"phone": "+1 212 555 0177", "address": address, "emergency_contact": contact}
    newcomer = call()
    joined = flows.redeem(newcomer, token, preferred_name="Wen", profile=profile)
    assert (joined.status, joined.json["token"]) == (201, None)
    newcomer.remember(joined)
    told = newcomer.get("/portal/profile")
    assert told.status == 200, told
    own = told.json
    assert (own["legal_name"], own["preferred_name"], own["phone"]) == (PEOPLE["C4"].name, "Wen", "+1 212 555 0177")
    assert own["address"]["line1"] == "1 Way"
    assert own["emergency_contact"]["may_contact"] is False
    packets = newcomer.get("/portal/intakes").json["items"]
    assert [form["form_id"] for form in packets[0]["forms"]] == [QUESTIONNAIRE, CONSENT]
    found = call("T4").post("/practice/clients/search", {"search": "wen"}).json["items"]
    assert [each["client_id"] for each in found] == [C4]


def test_a_link_that_is_not_ours_is_nothing_at_all(call: Call) -> None:
    _, token = _invited(call("T4"))
    tenant, client, invite_id, secret = token.split(".")
    foreign = [
        f"{tenant}.{client}.{invite_id}.{secret[:-1]}{'A' if secret[-1] != 'A' else 'B'}",
        f"{tenant}.{flows.client_id('C3')}.{invite_id}.{secret}",
        f"{PEOPLE['CB'].id}.{client}.{invite_id}.{secret}",
        f"{tenant}.{client}.{client}.{secret}",
        f"{tenant}.{client}.{invite_id}.",
        "x" * 40,
    ]
    for each in foreign:
        answers = [
            call().post("/invitations/lookup", {"token": each}),
            flows.redeem(call(), each),
            flows.ask_again(call(), each),
        ]
        assert {(answer.status, answer.code) for answer in answers} == {(404, "not_found")}
    assert flows.look_up(call(), token)["state"] == "open"
