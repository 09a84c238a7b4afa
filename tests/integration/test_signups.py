"""Signing up as a new person: what a visitor can learn, what staff decide, and that nothing comes twice of it."""

import re
from collections import Counter
from collections.abc import Callable
from statistics import median
from time import process_time
from typing import Any

import pytest

from infra.local import world as demo
from tests import flows
from tests.calls import PEOPLE, Answer, Caller
from tests.conftest import World
from tests.flows import CONSENT, NEWCOMER, NOTICE, QUESTIONNAIRE, answer_sign_up, sign_ups, signed_up, together

EMAIL = NEWCOMER["email"]
KNOWN = {  # what somebody may type who is known here, or who knows somebody that is
    "an account's address": {"email": PEOPLE["C1"].email},
    "an invited file's address": {"email": PEOPLE["C4"].email},
    "an address on a file": {"email": PEOPLE["C5"].email},
    "a therapist's address": {"email": PEOPLE["T1"].email},
    "a client's name and date of birth": {
        "legal_name": PEOPLE["C1"].name,
        "birth_date": PEOPLE["C1"].birth_date,  # type: ignore[attr-defined]
    },
}
EVERYTHING = ("account", "client", "invite", "intake", "match_entry", "search_entry")


@pytest.fixture(autouse=True)
def _light_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    from argon2 import PasswordHasher

    from chalicelib.services import accounts

    light = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(accounts, "_hasher", lambda: light)


@pytest.fixture(autouse=True)
def _newcomer(canaries: Any) -> None:
    canaries.add(*NEWCOMER.values())


def plain(answer: Answer) -> tuple[Any, ...]:
    """All of an answer but its request id and date."""
    headers = sorted((name, value) for name, value in answer.headers.items() if name.lower() != "date")
    return answer.status, tuple(headers), re.sub(rb"urn:request:[0-9a-fA-F-]+", b"", answer.body)


def counted(*kinds: str) -> dict[str, int]:
    """How many records there are of each kind."""
    return dict(Counter(each["kind"] for each in flows.stored(*kinds)))


def mails_to(address: str) -> list[dict[str, Any]]:
    """What this mailbox got."""
    return [each for each in flows.outbox() if address in each["to"]]


def client_with(email: str) -> dict[str, Any]:
    """The one file with this address."""
    (found,) = [each for each in flows.stored("client") if each.get("email") == email]
    return found


# ---- what a visitor learns ----


@pytest.mark.parametrize("who", KNOWN)
def test_the_answer_is_the_same_for_known_and_unknown(who: str, world: World, call: Callable[..., Caller]) -> None:
    flows.invite(call("T4"), flows.client_id("C4"), NOTICE)
    before = counted(*EVERYTHING)
    unknown, known = flows.sign_up(call()), flows.sign_up(call(), **KNOWN[who])
    assert plain(unknown) == plain(known)
    assert unknown.status == 202
    assert counted(*EVERYTHING) == before


def test_the_second_step_is_the_same_for_known_and_unknown(call: Callable[..., Caller]) -> None:
    """With one's own mailbox and somebody else's name and date of birth: nothing to be read, and nothing made."""
    victim = KNOWN["a client's name and date of birth"]
    answers = []
    for email, more in (("one@newcomer.example", {}), ("two@newcomer.example", victim)):
        before = counted(*EVERYTHING)
        assert flows.sign_up(call(), email=email, **more).status == 202
        token = flows.sign_up_token(call(), email)
        looked_up = call().post("/sign-ups/lookup", {"token": token}, key=None)
        assert looked_up.json["legal_name"] == {**NEWCOMER, **more}["legal_name"]
        answers.append(plain(flows.confirm_sign_up(call(), token)))
        assert counted(*EVERYTHING) == before
        assert len(mails_to(email)) == 1
    assert answers[0] == answers[1]


def test_it_takes_as_long_for_known_and_unknown(world: World, call: Callable[..., Caller]) -> None:
    page = call().get("/tenants/oak/sign-up").json
    world.portal.clock.advance(5)
    caller = call()
    body = {"slug": "oak", "ticket": page["ticket"], "may_contact": True, **NEWCOMER}
    took: dict[bool, list[float]] = {True: [], False: []}
    for number in range(60):
        for known in (True, False):
            email = PEOPLE["C1"].email if known else f"n{number % 2}@newcomer.example"
            body["phone"] = f"+1 212 555 {number:04}"  # never the very same
            started = process_time()
            assert caller.post("/sign-ups", {**body, "email": email}, key=None).status == 202
            took[known].append(process_time() - started)
    assert abs(median(took[True]) - median(took[False])) < 0.015, {k: median(v) for k, v in took.items()}


def test_an_account_is_told_of_in_its_own_mailbox_only(call: Callable[..., Caller]) -> None:
    person = PEOPLE["C1"]
    assert flows.sign_up(call(), email=person.email).status == 202
    call("A1").drain()
    (mail,) = mails_to(person.email)
    assert mail["subject"] == "You already have an account"
    assert "/oak" in mail["text"]
    assert "/sign-up#" not in mail["text"]
    assert not any(each in mail["text"] for each in NEWCOMER.values())
    signed_in = call().post("/sessions", {"slug": "oak", "kind": "client", "email": person.email,
                                          "password": person.password})  # fmt: skip
    assert signed_in.status == 201


def test_mails_hold_nothing_that_was_typed(call: Callable[..., Caller]) -> None:
    """A stranger's mailbox must not get a stranger's words."""
    flows.sign_up(call(), legal_name="Visit www dot bad dot example now")
    call("A1").drain()
    (mail,) = mails_to(EMAIL)
    assert "dot bad" not in mail["text"]  # three letters alone may be in the link
    assert not any(each in mail["text"] for name, each in NEWCOMER.items() if name != "email")


def test_a_discreet_practice_is_not_named(call: Callable[..., Caller]) -> None:
    flows.change_settings(call("A1"), neutral_mail=True)
    signed_up(call())
    answer_sign_up(call("A1"), sign_ups(call("A1"))[0], "rejection", tell=True)
    call("A1").drain()
    mails = mails_to(EMAIL)
    assert len(mails) == 2
    assert not any("Oak Lane" in f"{each['subject']} {each['text']} {each['html']}" for each in mails)


def test_the_same_person_at_another_practice_is_another(call: Callable[..., Caller]) -> None:
    flows.sign_up(call(), "birch", email=PEOPLE["C1"].email)
    assert flows.confirm_sign_up(call(), flows.sign_up_token(call(), PEOPLE["C1"].email)).status == 202
    (waiting,) = sign_ups(call("B1"))
    assert waiting["alike"] == []
    assert sign_ups(call("A1")) == []


# ---- the page and the link ----


def test_off_means_off(call: Callable[..., Caller]) -> None:
    flows.sign_up(call())
    token = flows.sign_up_token(call())
    for change in ({"sign_up": False}, {"sign_up": True, "features": {"invitations": False}}):
        flows.change_settings(call("A1"), **change)
        assert call().get("/tenants/oak").json["sign_up"] is False
        assert call().get("/tenants/oak/sign-up").json["open"] is False
        assert flows.sign_up(call()).code == "feature_switched_off"
        assert flows.confirm_sign_up(call(), token).code == "feature_switched_off"
    flows.change_settings(call("A1"), features={"invitations": True})
    assert flows.confirm_sign_up(call(), token).status == 202


def test_programs_are_answered_and_nothing_happens(world: World, call: Callable[..., Caller]) -> None:
    page = call().get("/tenants/oak/sign-up").json
    good = {"slug": "oak", "ticket": page["ticket"], "may_contact": True, **NEWCOMER}
    foreign = call().get("/tenants/birch/sign-up").json["ticket"]
    world.portal.clock.advance(page["least_seconds"] - 1)
    hurried = call().post("/sign-ups", good, key=None)
    world.portal.clock.advance(1)
    trapped = call().post("/sign-ups", {**good, "website": "https://spam.example"}, key=None)
    forged = [
        call().post("/sign-ups", {**good, "ticket": each}, key=None) for each in ("", "1.x", "é", "9" * 90, foreign)
    ]
    assert flows.stored("link") == []
    person = call().post("/sign-ups", good, key=None)
    assert {plain(each) for each in (hurried, trapped, *forged, person)} == {plain(person)}
    assert len(flows.stored("link")) == 1


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"email": "theo@nowhere"}, "/email"),
        ({"email": "théo@newcomer.example"}, "/email"),
        ({"birth_date": "2030-01-01"}, "/birth_date"),
        ({"birth_date": "1850-01-01"}, "/birth_date"),
        ({"birth_date": "1990-02-30"}, "/birth_date"),
        ({"legal_name": "  "}, "/legal_name"),
        ({"legal_name": "123 456"}, "/legal_name"),
        ({"legal_name": "A\nB"}, "/legal_name"),
        ({"phone": "call me"}, "/phone"),
        ({"may_contact": False}, "/may_contact"),
        ({"portal": "active"}, "/portal"),
    ],
)
def test_what_is_wrong_is_said_at_its_place(wrong: dict[str, Any], pointer: str, call: Callable[..., Caller]) -> None:
    answer = flows.sign_up(call(), **wrong)
    assert (answer.status, answer.code) == (422, "invalid_body")
    assert [each["pointer"] for each in answer.json["errors"]] == [pointer]


@pytest.mark.parametrize(
    ("limit", "others"),
    [
        ("sign_up_address", {}),
        ("sign_up_email", {"source": True}),
        ("sign_up_tenant", {"source": True, "email": True}),
    ],
)
def test_limits(
    limit: str, others: dict[str, bool], limits: Callable[..., None], world: World, call: Callable[..., Caller]
) -> None:
    limits(**{limit: (2, 3600)})

    def once(number: int) -> Answer:
        caller = call()
        caller.source = f"127.0.0.{number + 2}" if "source" in others else None
        email = f"n{number}@newcomer.example" if limit != "sign_up_email" else EMAIL
        return flows.sign_up(caller, email=email)

    assert [once(number).status for number in range(3)] == [202, 202, 429]
    known = once(4)
    assert known.code == "too_many_requests"
    assert int(known.headers["Retry-After"]) > 0
    world.portal.clock.advance(3600)
    assert once(5).status == 202


def test_limits_are_as_documented() -> None:
    from chalicelib.config import LIMITS

    assert (LIMITS["sign_up_address"], LIMITS["sign_up_tenant"]) == ((5, 3600), (50, 3600))


def test_a_link_works_once_for_a_day_and_only_the_newest(world: World, call: Callable[..., Caller]) -> None:
    flows.sign_up(call())
    older = flows.sign_up_token(call())
    flows.sign_up(call(), legal_name="Theodora Finch")
    newer = flows.sign_up_token(call())
    assert flows.confirm_sign_up(call(), older).code == "not_found"
    assert flows.confirm_sign_up(call(), newer, password="short").code == "invalid_body"
    assert flows.confirm_sign_up(call(), newer, password="Theodora-Finch-1993!").code == "invalid_body"
    assert flows.confirm_sign_up(call(), newer).status == 202
    assert flows.confirm_sign_up(call(), newer).code == "link_used"
    used = call().post("/sign-ups/lookup", {"token": newer}, key=None).json
    assert (used["state"], used["legal_name"], used["email"]) == ("used", None, None)
    assert [each["legal_name"] for each in sign_ups(call("A1"))] == ["Theodora Finch"]
    flows.sign_up(call(), email="late@newcomer.example")
    late = flows.sign_up_token(call(), "late@newcomer.example")
    world.portal.clock.advance(24 * 3600)
    assert flows.confirm_sign_up(call(), late).code == "link_expired"
    assert call().post("/sign-ups/lookup", {"token": late}, key=None).json["state"] == "expired"


def test_sending_the_very_same_twice_keeps_the_link_that_was_mailed(world: World, call: Callable[..., Caller]) -> None:
    """A second press, or one after an answer that was lost."""
    assert [flows.sign_up(call()).status for _ in range(3)] == [202] * 3
    token = flows.sign_up_token(call())
    assert len(mails_to(EMAIL)) == 1
    world.portal.clock.advance(601)
    flows.sign_up(call())  # it did not come
    newer = flows.sign_up_token(call())
    assert len(mails_to(EMAIL)) == 2
    assert flows.confirm_sign_up(call(), token).code == "not_found"
    assert flows.confirm_sign_up(call(), newer).status == 202


def test_links_of_other_kinds_open_nothing(call: Callable[..., Caller]) -> None:
    """CVE-2018-15152's lesson: having been on the page is no session, and one link is not another."""
    reset = flows.reset_link(call(), "C1")
    flows.sign_up(call())
    token = flows.sign_up_token(call())
    assert flows.confirm_sign_up(call(), reset).code == "not_found"
    assert call().post("/password-resets/redemption", {"token": token, "password": flows.PASSWORD}).status in (404, 405)
    visitor = call()
    assert flows.confirm_sign_up(visitor, token).headers["Set-Cookie"] is None
    assert visitor.get("/portal/home").status == 401


# ---- the queue ----


def test_administrators_are_told_and_nobody_else(call: Callable[..., Caller]) -> None:
    signed_up(call())
    call("A1").drain()
    home = call("A1").get("/practice/home").json
    assert home["sign_ups_waiting"] == 1
    assert [(each["kind"], each["client_id"]) for each in home["notifications"]] == [("sign_up_waiting", None)]
    mails = mails_to(PEOPLE["A1"].email)
    assert [each["subject"] for each in mails] == ["Something new in the portal"]
    therapist = call("T1")
    assert therapist.get("/practice/home").json["sign_ups_waiting"] == 0
    assert therapist.get("/practice/notifications").json["items"] == []
    for key in ("T1", "T4", "C1"):
        assert call(key).get("/practice/sign-ups").status == 403


def test_what_is_alike_is_shown(world: World, call: Callable[..., Caller]) -> None:
    flows.invite(call("T4"), flows.client_id("C4"), NOTICE)
    c1: Any = PEOPLE["C1"]
    last, first = c1.name.split()[-1], " ".join(c1.name.split()[:-1])
    signed_up(call(), email="1@newcomer.example", legal_name=f"{last.upper()}, {first}", birth_date=c1.birth_date)
    signed_up(call(), email="2@newcomer.example", legal_name=c1.name, birth_date="1950-01-01")
    signed_up(call(), email=PEOPLE["C4"].email)
    signed_up(call(), email=PEOPLE["C5"].email)
    found = {each["email"]: [(one["client_id"], one["same"]) for one in each["alike"]] for each in sign_ups(call("A1"))}
    assert found == {
        "1@newcomer.example": [(c1.id, ["name_and_birth_date"])],
        "2@newcomer.example": [],
        PEOPLE["C4"].email: [(PEOPLE["C4"].id, ["email"])],
        PEOPLE["C5"].email: [(PEOPLE["C5"].id, ["email"])],
    }
    events = [each for each in flows.stored("tenant_audit") if each["action"] == "signup:read"]
    assert c1.id in str(events[-1]["object"])


# ---- accept ----


def test_accepting_opens_a_file_and_an_account(world: World, call: Callable[..., Caller], canaries: Any) -> None:
    signed_up(call())
    signed_in = {"slug": "oak", "kind": "client", "email": EMAIL, "password": flows.PASSWORD}
    assert call().post("/sessions", signed_in).code == "invalid_credentials"
    answer = answer_sign_up(call("A1"), sign_ups(call("A1"))[0], "acceptance")
    assert (answer.status, answer.json["status"]) == (200, "accepted")
    canaries.allow(NEWCOMER["preferred_name"])  # addressed by name in the mail
    call("A1").drain()
    file = client_with(EMAIL)
    assert (file["portal"], file["status"], file["source"], file["legal_name"]) == (
        "active", "active", "sign_up", NEWCOMER["legal_name"],
    )  # fmt: skip
    assert answer.json["client_id"] == file["client_id"]
    details = flows.details(call("A1"), file["client_id"])
    assert details["therapists"] == []
    assert [each["subject"] for each in mails_to(EMAIL)] == ["Confirm your e-mail address", "Your account is open"]
    client = call()
    client.remember(client.post("/sessions", {**signed_in, "bearer": True}))
    profile = client.get("/portal/profile").json
    assert (profile["birth_date"], profile["phone"]) == (NEWCOMER["birth_date"], NEWCOMER["phone"])
    (packet,) = client.get("/portal/intakes").json["items"]
    assert [each["form_id"] for each in packet["forms"]] == [QUESTIONNAIRE, CONSENT, NOTICE]
    assert sign_ups(call("A1")) == []
    assert call("A1").get("/practice/home").json["sign_ups_waiting"] == 0
    found = call("A1").post("/practice/clients/search", {"search": "theodora"}).json["items"]
    assert [each["client_id"] for each in found] == [file["client_id"]]
    actions = Counter(each["action"] for each in flows.stored("client_audit") if each["client_id"] == file["client_id"])
    assert actions["signup:accept"] == 1


def test_the_forms_of_sign_ups_are_the_organizations_choice(call: Callable[..., Caller], canaries: Any) -> None:
    canaries.allow(NEWCOMER["preferred_name"])  # addressed by name
    admin = call("A1")
    refused = admin.patch("/practice/settings", {"sign_up_forms": [NOTICE, "none-such"]},
                          etag=admin.get("/practice/settings").json["etag"])  # fmt: skip
    assert [each["pointer"] for each in refused.json["errors"]] == ["/sign_up_forms/1"]
    for number, (forms, features, sent) in enumerate(
        [([NOTICE], {}, [NOTICE]), ([], {}, []), ([NOTICE], {"intake_forms": False}, [])]
    ):
        flows.change_settings(admin, sign_up_forms=forms, **({"features": features} if features else {}))
        email = f"n{number}@newcomer.example"
        signed_up(call(), email=email, legal_name=f"Person {'ABC'[number] * 3}")
        (waiting,) = sign_ups(admin)
        client_id = answer_sign_up(admin, waiting, "acceptance").json["client_id"]
        packets = [each for each in flows.stored("intake") if each["client_id"] == client_id]
        assert len(packets) == bool(sent)


def test_an_address_with_an_account_is_not_accepted(call: Callable[..., Caller]) -> None:
    """Its holder could not even get here; an invitation that was sent meanwhile could."""
    signed_up(call(), email=PEOPLE["C4"].email)
    flows.invite(call("T4"), flows.client_id("C4"), NOTICE)
    before = counted(*EVERYTHING)
    (waiting,) = sign_ups(call("A1"))
    answer = answer_sign_up(call("A1"), waiting, "acceptance")
    assert answer.code == "email_in_use"
    assert counted(*EVERYTHING) == before


def test_a_file_that_came_meanwhile_is_looked_at_first(call: Callable[..., Caller]) -> None:
    """An import beside the review: no second file without somebody having seen the first."""
    signed_up(call())
    (seen,) = sign_ups(call("A1"))
    flows.new_file("oak", "NEW", NEWCOMER["legal_name"], birth_date=NEWCOMER["birth_date"])
    assert answer_sign_up(call("A1"), seen, "acceptance").code == "stale"
    (again,) = sign_ups(call("A1"))
    assert [each["same"] for each in again["alike"]] == [["name_and_birth_date"]]
    assert answer_sign_up(call("A1"), again, "acceptance").status == 200  # twins, for once


def test_what_was_typed_anew_is_read_anew(call: Callable[..., Caller]) -> None:
    signed_up(call())
    (seen,) = sign_ups(call("A1"))
    signed_up(call(), legal_name="Theodora Okafor")
    for how in ("acceptance", "rejection"):
        assert answer_sign_up(call("A1"), seen, how).code == "stale"
    (now,) = sign_ups(call("A1"))
    assert (now["signup_id"], now["legal_name"]) == (seen["signup_id"], "Theodora Okafor")


# ---- link ----


def test_linking_invites_the_file_at_its_own_address(call: Callable[..., Caller]) -> None:
    person: Any = PEOPLE["C4"]
    signed_up(call(), legal_name=person.name, birth_date=person.birth_date)
    files = counted("client")
    answer = answer_sign_up(call("A1"), sign_ups(call("A1"))[0], "link", client_id=person.id)
    assert (answer.status, answer.json["status"], answer.json["client_id"]) == (200, "linked", person.id)
    token = flows.mailed_token(call(), person.email)
    assert len(mails_to(EMAIL)) == 1
    assert flows.redeem(call(), token).status == 201
    assert counted("client") == files
    assert client_with(person.email)["portal"] == "active"


def test_linking_to_the_new_address_is_a_choice(call: Callable[..., Caller]) -> None:
    person: Any = PEOPLE["C4"]
    flows.invite(call("T4"), person.id, NOTICE)  # to the address of before
    older = flows.mailed_token(call(), person.email)
    signed_up(call(), legal_name=person.name, birth_date=person.birth_date)
    answer = answer_sign_up(call("A1"), sign_ups(call("A1"))[0], "link", client_id=person.id, new_address=True)
    assert answer.status == 200, answer
    assert flows.look_up(call(), older)["state"] == "revoked"
    assert flows.redeem(call(), flows.mailed_token(call(), EMAIL)).status == 201
    assert client_with(EMAIL)["client_id"] == person.id
    owners = [each["principals"] for each in flows.stored("account") if person.id in str(each["principals"])]
    assert len(owners) == 1


def test_linking_an_open_invitation_sends_it_again(call: Callable[..., Caller]) -> None:
    person: Any = PEOPLE["C4"]
    flows.invite(call("T4"), person.id, NOTICE)
    signed_up(call(), email=person.email)
    (waiting,) = sign_ups(call("A1"))
    assert answer_sign_up(call("A1"), waiting, "link", client_id=person.id).status == 200
    assert [each["generation"] for each in flows.stored("invite") if each["client_id"] == person.id] == ["2"]


def test_linking_an_active_account_mails_the_login_link(call: Callable[..., Caller], canaries: Any) -> None:
    person: Any = PEOPLE["C1"]
    canaries.allow(person.name, *person.name.split(), person.preferred_name)
    signed_up(call(), legal_name=person.name, birth_date=person.birth_date)
    (waiting,) = sign_ups(call("A1"))
    refused = answer_sign_up(call("A1"), waiting, "link", client_id=person.id, new_address=True)
    assert refused.code == "already_active"
    assert answer_sign_up(call("A1"), waiting, "link", client_id=person.id).status == 200
    call("A1").drain()
    assert [each["subject"] for each in mails_to(person.email)] == ["You already have an account"]
    assert client_with(person.email)["portal"] == "active"


@pytest.mark.parametrize("file", ["CB", "none"])
def test_linking_to_a_file_that_is_not_ours(file: str, call: Callable[..., Caller]) -> None:
    signed_up(call())
    (waiting,) = sign_ups(call("A1"))
    client_id = PEOPLE["CB"].id if file == "CB" else "01M8HZZZZZQ9W8E7R6T5Y4V3X2"
    answer = answer_sign_up(call("A1"), waiting, "link", client_id=client_id)
    assert (answer.status, answer.code) == (404, "not_found")
    assert len(sign_ups(call("A1"))) == 1


def test_the_new_address_of_another_account_is_refused(call: Callable[..., Caller]) -> None:
    person: Any = PEOPLE["C4"]
    signed_up(call())
    other = flows.new_file("oak", "NEW", "Somebody Else", email=EMAIL)
    assert flows.invite(call("A1"), other, NOTICE).status == 201
    (waiting,) = sign_ups(call("A1"))
    answer = answer_sign_up(call("A1"), waiting, "link", client_id=person.id, new_address=True)
    assert answer.code == "email_in_use"
    assert client_with(person.email)["client_id"] == person.id


# ---- reject ----


@pytest.mark.parametrize("tell", [True, False])
def test_rejecting(tell: bool, world: World, call: Callable[..., Caller]) -> None:
    signed_up(call())
    before = counted(*EVERYTHING)
    (waiting,) = sign_ups(call("A1"))
    assert answer_sign_up(call("A1"), waiting, "rejection", tell=tell).json["status"] == "rejected"
    call("A1").drain()
    subjects = [each["subject"] for each in mails_to(EMAIL)]
    assert subjects == ["Confirm your e-mail address"] + ["About your sign-up"] * tell
    assert counted(*EVERYTHING) == before
    assert sign_ups(call("A1")) == []
    (record,) = flows.stored("signup")
    kept = int(record["expires_at"]) - world.portal.clock.now().timestamp()
    assert 29 * 86400 < kept <= 30 * 86400
    signed_up(call())  # may try again
    assert len(sign_ups(call("A1"))) == 1
    (record,) = flows.stored("signup")
    assert "expires_at" not in record


def test_only_administrators_answer_and_only_their_own(call: Callable[..., Caller]) -> None:
    signed_up(call())
    (waiting,) = sign_ups(call("A1"))
    for how, more in (("acceptance", {}), ("link", {"client_id": PEOPLE["C4"].id}), ("rejection", {})):
        assert answer_sign_up(call("T4"), waiting, how, **more).status == 403
        assert answer_sign_up(call("B1"), waiting, how, **more).status == 404
    flows.change_settings(call("A1"), features={"invitations": False})
    assert answer_sign_up(call("A1"), waiting, "acceptance").code == "feature_switched_off"
    assert answer_sign_up(call("A1"), waiting, "link", client_id=PEOPLE["C4"].id).code == "feature_switched_off"
    assert answer_sign_up(call("A1"), waiting, "rejection").status == 200


# ---- races ----

THREADS = 32
DECISIONS = ("signup:accept", "signup:link", "signup:reject")


def test_32_sign_ups_of_one_address_make_one_account(world: World, call: Callable[..., Caller]) -> None:
    page = call().get("/tenants/oak/sign-up").json
    world.portal.clock.advance(5)
    people = [call() for _ in range(THREADS)]

    def send(number: int) -> Answer:
        body = {"slug": "oak", "ticket": page["ticket"], "may_contact": True, **NEWCOMER}
        return people[number].post("/sign-ups", {**body, "legal_name": f"Theo Number {chr(65 + number)}"}, key=None)

    assert {each.status for each in together(THREADS, send)} <= {202, 503}
    call("A1").drain()
    tokens = {flows.token_in(each, "sign-up") for each in mails_to(EMAIL)}
    live = [t for t in tokens if call().post("/sign-ups/lookup", {"token": t}, key=None).status == 200]
    assert len(live) == 1
    answers = together(THREADS, lambda number: flows.confirm_sign_up(people[number], live[0]))
    assert Counter(each.status for each in answers)[202] == 1
    assert {each.code for each in answers} <= {None, "link_used", "busy"}
    (waiting,) = sign_ups(call("A1"))
    admins = [call("A1") for _ in range(8)]
    answers = together(8, lambda number: answer_sign_up(admins[number], waiting, "acceptance"))
    assert Counter(each.status for each in answers)[200] == 1
    assert {each.code for each in answers} <= {None, "sign_up_decided", "stale", "busy"}
    assert client_with(EMAIL)["portal"] == "active"
    file_id = client_with(EMAIL)["client_id"]
    assert [each["status"] for each in flows.stored("account") if file_id in str(each["principals"])] == ["active"]


def test_one_answer_of_many_different_ones_counts(call: Callable[..., Caller], canaries: Any) -> None:
    canaries.allow(NEWCOMER["preferred_name"])  # addressed by name, where the acceptance comes first
    for round_number in range(4):
        email = f"r{round_number}@newcomer.example"
        signed_up(call(), email=email, legal_name=f"Person {'ABCD'[round_number] * 4}")
        (waiting,) = sign_ups(call("A1"))
        ways: list[tuple[str, dict[str, Any]]] = [
            ("acceptance", {}), ("rejection", {"tell": True}), ("link", {"client_id": PEOPLE["C4"].id}),
        ]  # fmt: skip
        admins = [call("A1") for _ in range(12)]

        def answer(number: int, waiting: Any = waiting, admins: Any = admins, ways: Any = ways) -> Answer:
            how, more = ways[number % 3]
            return answer_sign_up(admins[number], waiting, how, **more)

        answers = together(12, answer)
        won = [each for each in answers if each.status == 200]
        assert len(won) == 1, [(each.status, each.code) for each in answers]
        audited = flows.stored("client_audit", "tenant_audit")  # but the reads of what came of it
        decided = [each for each in audited if each["action"] in DECISIONS and "signup_id" in str(each["object"])]
        assert len(decided) == round_number + 1
        files = [each for each in flows.stored("client") if each.get("email") == email]
        assert len(files) == (won[0].json["status"] == "accepted")


def test_accepting_beside_an_invitation_of_the_same_address(call: Callable[..., Caller], canaries: Any) -> None:
    """One address, one account, one owner."""
    canaries.allow(NEWCOMER["preferred_name"])  # addressed by name, where the acceptance comes first
    for round_number in range(6):
        email = f"b{round_number}@newcomer.example"
        file_id = flows.new_file("oak", f"B{round_number}X", f"Other {'ABCDEF'[round_number] * 4}", email=email)
        signed_up(call(), email=email, legal_name=f"Person {'ABCDEF'[round_number] * 4}")
        (waiting,) = [each for each in sign_ups(call("A1")) if each["email"] == email]
        admins = [call("A1") for _ in range(2)]

        def act(number: int, file_id: str = file_id, waiting: Any = waiting, admins: Any = admins) -> Answer:
            if number:
                return flows.invite(admins[1], file_id, NOTICE)
            return answer_sign_up(admins[0], waiting, "acceptance")

        answers = together(2, act)
        assert sorted(each.status for each in answers) in ([200, 409], [201, 409]), answers
        digest = {each["email_digest"] for each in flows.stored("signup") if each["signup_id"] == waiting["signup_id"]}
        owners = [each for each in flows.stored("account") if each["email_digest"] in digest]
        assert len(owners) == 1
        if answers[0].status == 409:
            answer_sign_up(call("A1"), waiting, "rejection")


def test_demo_has_it_open() -> None:
    assert {each.slug for each in demo.ORGANIZATIONS if each.settings.get("sign_up")} == {"oak", "birch"}
