"""Filling in and signing over HTTP (DOMAIN.md section 4): what is kept, what is refused, what staff see and when."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests import flows
from tests.calls import Answer, Caller
from tests.conftest import World
from tests.flows import CONSENT, NOTICE, QUESTIONNAIRE

Call = Callable[..., Caller]
C1 = flows.client_id("C1")
WORDS = {
    "ten thousand": "A long day. " * 833 + "End.",
    "right to left": "אני לא ישן טוב, כבר שלושה שבועות (3).\n\u202eلا أنام جيدًا منذ ثلاثة أسابيع",
    "cjk": "最近よく眠れません。\n我最近睡不好。요즘 잠을 잘 못 자요.",
    "emoji": "👩🏽‍👧‍👦 🏳️‍🌈 ❤️ \U0001fae0 e\u0301 ≠ \u00e9",
    "markup": "<script>alert('x')</script> <b>&amp;</b> {{practice.name}} {link} ${7*7} %s </textarea>\\n \"q\"",
    "spaces": "  two before, a tab\tand three after   \n\n\n ",
}


def _packet(*form_ids: str) -> str:
    return flows.send_packet("C1", *(form_ids or (QUESTIONNAIRE,)))


def _kept(client: Caller, intake_id: str, form_id: str = QUESTIONNAIRE) -> dict[str, Any]:
    answers: dict[str, Any] = flows.opened(client, intake_id, form_id)["answers"]
    return answers


def _pointers(answer: Answer) -> dict[str, str]:
    return {each["pointer"].removeprefix("/answers/"): each["code"] for each in answer.json["errors"]}


# ---- autosave ----


def test_two_devices_keep_each_others_answers(call: Call) -> None:
    intake_id = _packet()
    phone, tablet = call("C1"), call.browser("C1")  # type: ignore[attr-defined]
    opened = [_kept(each, intake_id) for each in (phone, tablet)]
    assert opened[0] == opened[1]
    assert flows.save(phone, intake_id, QUESTIONNAIRE, "identity", {"gender": "woman", "faith": "none"}).status == 200
    assert (
        flows.save(tablet, intake_id, QUESTIONNAIRE, "identity", {"languages": "Tamil", "faith": "Quaker"}).status
        == 200
    )
    assert flows.save(phone, intake_id, QUESTIONNAIRE, "reason", {"reason": "The stairs"}).status == 200
    for device in (phone, tablet):
        kept = _kept(device, intake_id)
        assert {name: kept[name] for name in ("gender", "languages", "faith", "reason")} == {
            "gender": "woman", "languages": "Tamil", "faith": "Quaker", "reason": "The stairs",
        }  # fmt: skip
    assert flows.save(tablet, intake_id, QUESTIONNAIRE, "identity", {"gender": None}).status == 200
    kept = _kept(phone, intake_id)
    assert ("gender" in kept, kept["languages"]) == (False, "Tamil")


def test_what_the_file_knows_is_filled_in_and_can_be_cleared(call: Call) -> None:
    client, intake_id = call("C1"), _packet()
    assert _kept(client, intake_id)["legal_name"] == "Imogen Thistlewood"
    assert flows.save(client, intake_id, QUESTIONNAIRE, "about", {"phone": None}).status == 200
    assert "phone" not in _kept(client, intake_id)
    assert client.get("/portal/profile").json["phone"] == "+1 212 555 0121"  # a form changes no file


def test_a_section_left_for_the_conversation_can_be_come_back_to(call: Call) -> None:
    client, intake_id = call("C1"), _packet()
    flows.save(client, intake_id, QUESTIONNAIRE, "family", {"grew_up": "By the sea"})
    assert flows.save(client, intake_id, QUESTIONNAIRE, "family", {}, skipped=True).status == 200
    flows.save(client, intake_id, QUESTIONNAIRE, "family", {"work": "Nurse"})  # another device has not heard of it
    assert flows.opened(client, intake_id, QUESTIONNAIRE)["skipped"] == ["family"]
    assert flows.save(client, intake_id, QUESTIONNAIRE, "family", {}, skipped=False).status == 200
    form = flows.opened(client, intake_id, QUESTIONNAIRE)
    assert (form["skipped"], form["answers"]["grew_up"], form["answers"]["work"]) == ([], "By the sea", "Nurse")


def test_what_was_left_for_the_conversation_is_neither_asked_nor_signed(call: Call) -> None:
    client, intake_id = call("C1"), _packet()
    flows.save(client, intake_id, QUESTIONNAIRE, "safety", {"keeps_going": "My dog"}, skipped=True)
    flows.save(client, intake_id, QUESTIONNAIRE, "reason", {}, skipped=True)  # this one cannot be skipped
    refused = flows.sign(client, intake_id, QUESTIONNAIRE)
    missing = {each["section_id"] for each in refused.json["errors"]}
    assert (refused.status, refused.code, "safety" in missing, "reason" in missing) == (
        422, "answers_incomplete", False, True,
    )  # fmt: skip
    flows.fill(client, intake_id, QUESTIONNAIRE)
    document_id = flows.sign(client, intake_id, QUESTIONNAIRE).json["document_id"]
    record = client.get(f"/portal/documents/{document_id}").json
    sections = {each["section_id"]: each for each in record["sections"]}
    assert (sections["safety"]["skipped"], sections["safety"]["items"]) == (True, [])
    assert sections["reason"]["skipped"] is False
    assert "My dog" not in json.dumps(record)
    summary = call("T1").get(f"/practice/clients/{C1}/intakes/{intake_id}/summary").json
    assert summary["in_person"] == [sections["safety"]["title"]]
    assert summary["worrying"] == []


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS)
def test_what_is_typed_is_kept_to_the_byte(call: Call, words: str) -> None:
    client, intake_id = call("C1"), _packet()
    assert len(words) <= 10_000
    answer = flows.save(client, intake_id, QUESTIONNAIRE, "reason", {"reason": words})
    assert answer.status == 200, answer
    assert _kept(client, intake_id)["reason"].encode() == words.encode()
    flows.fill(client, intake_id, QUESTIONNAIRE, grew_up=words[:4000])
    document_id = flows.sign(client, intake_id, QUESTIONNAIRE).json["document_id"]
    mine = client.get(f"/portal/documents/{document_id}")
    theirs = call("T1").get(f"/practice/clients/{C1}/documents/{document_id}")
    for record in (mine, theirs):
        said = {item["field_id"]: item["value"] for section in record.json["sections"] for item in section["items"]}
        assert said["reason"].encode() == words.encode()
        assert said["grew_up"].encode() == words[:4000].encode()


def test_only_line_ends_are_made_the_same(call: Call) -> None:
    client, intake_id = call("C1"), _packet()
    flows.save(client, intake_id, QUESTIONNAIRE, "reason", {"reason": "one\r\ntwo\rthree\nfour"})
    assert _kept(client, intake_id)["reason"] == "one\ntwo\nthree\nfour"


# ---- what is refused ----

WRONG: list[tuple[str, str, dict[str, tuple[Any, str]]]] = [
    (
        QUESTIONNAIRE,
        "about",
        {
            "legal_name": (5, "wrong_type"),
            "name_used": ("x" * 201, "too_long"),
            "pronouns": ("nobody's", "unknown_option"),
            "birth_date": ("1990-02-30", "invalid_date"),
            "address": ({"line1": "1 Way"}, "wrong_type"),
            "phone": ("\0", "invalid_text"),
            "may_text": ("yes", "wrong_type"),
            "may_email": (1, "wrong_type"),
            "time_zone": (["eastern"], "wrong_type"),
        },
    ),
    (
        QUESTIONNAIRE,
        "reason",
        {
            "reason": ("x" * 10_001, "too_long"),
            "goals": (["no text"], "wrong_type"),
            "effect_work": (11, "out_of_range"),
            "effect_school": (-1, "out_of_range"),
            "effect_home": (4.5, "wrong_type"),
            "effect_relationships": ("4", "wrong_type"),
            "effect_sleep": (True, "wrong_type"),
        },
    ),
    (
        QUESTIONNAIRE,
        "health",
        {"sleep_hours": (25, "out_of_range"), "medicines": ([{"name": "A", "price": "1"}], "wrong_type")},
    ),
    (QUESTIONNAIRE, "concerns", {"concerns": (["mood", "none of these"], "unknown_option")}),
    (QUESTIONNAIRE, "identity", {"household": ([{"name": "A"}] * 13, "too_many"), "work_status": ("x", "wrong_type")}),
    (QUESTIONNAIRE, "statement", {"statement_true": ("on", "wrong_type"), "signature": ("Me", "unknown_field")}),
    (QUESTIONNAIRE, "who", {"legal_name": ("In another section", "unknown_field"), "\u202e": ("x", "unknown_field")}),
    (CONSENT, "limits", {"limits_initials": ("ABCDEFG", "too_long")}),
    (NOTICE, "acknowledgement", {"received": ({"$gt": ""}, "wrong_type")}),
]


@pytest.mark.parametrize(("form_id", "section_id", "wrong"), WRONG, ids=lambda value: str(value)[:16])
def test_every_wrong_answer_is_pointed_at_and_none_is_kept(
    call: Call, form_id: str, section_id: str, wrong: dict[str, tuple[Any, str]]
) -> None:
    client, intake_id = call("C1"), _packet(form_id)
    before = _kept(client, intake_id, form_id)
    answer = flows.save(client, intake_id, form_id, section_id, {name: value for name, (value, _) in wrong.items()})
    assert (answer.status, answer.code) == (422, "invalid_body")
    assert _pointers(answer) == {name: code for name, (_, code) in wrong.items()}
    assert all(each["detail"] for each in answer.json["errors"])
    assert "none of these" not in answer.body.decode()  # nothing that was typed is repeated
    assert _kept(client, intake_id, form_id) == before
    assert not flows.stored("section")


def test_one_wrong_answer_holds_back_the_good_ones_beside_it(call: Call) -> None:
    client, intake_id = call("C1"), _packet()
    answer = flows.save(client, intake_id, QUESTIONNAIRE, "reason", {"reason": "Good", "effect_work": 99})
    assert _pointers(answer) == {"effect_work": "out_of_range"}
    assert "reason" not in _kept(client, intake_id)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "malformed"),
        (b'{"answers": {"reason": "\\ud800"}}', 400, "malformed"),
        (b"\xff\xfe", 400, "malformed"),
        (b"[]", 422, "invalid_body"),
        (b'{"answers": []}', 422, "invalid_body"),
        (b'{"answers": {}, "skipped": "no"}', 422, "invalid_body"),
        (b'{"answers": {}, "client_id": "01KF8DEM000000000000000000C2"}', 422, "invalid_body"),
        (json.dumps({"answers": {f"f{n}": "" for n in range(101)}}).encode(), 422, "invalid_body"),
        (json.dumps({"answers": {"f" * 81: ""}}).encode(), 422, "invalid_body"),
        (json.dumps({"answers": {"reason": "x" * 256 * 1024}}).encode(), 413, "too_large"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_what_is_no_section_at_all(call: Call, body: bytes, status: int, code: str) -> None:
    intake_id = _packet()
    path = f"/portal/intakes/{intake_id}/forms/{QUESTIONNAIRE}/sections/reason"
    answer = call("C1").patch(path, body)
    assert (answer.status, answer.code) == (status, code)
    assert not flows.stored("section", "intake_form")


@pytest.mark.parametrize("section_id", ["no_such_section", "about%20", "%2e%2e", "minors%00"])
def test_a_section_that_the_form_does_not_have(call: Call, section_id: str) -> None:
    answer = flows.save(call("C1"), _packet(NOTICE), NOTICE, section_id, {})
    assert (answer.status, answer.code) == (404, "not_found")


def test_a_form_that_is_not_in_this_packet(call: Call) -> None:
    client, intake_id = call("C1"), _packet(NOTICE)
    for answer in (
        client.get(f"/portal/intakes/{intake_id}/forms/{CONSENT}"),
        flows.save(client, intake_id, CONSENT, "telehealth", {}),
        flows.sign(client, intake_id, CONSENT),
        flows.save(call("C2"), intake_id, NOTICE, "acknowledgement", {"received": True}),  # nor in another's
        flows.sign(call("C2"), intake_id, NOTICE),
    ):
        assert (answer.status, answer.code) == (404, "not_found")


# ---- parts that depend on answers ----


def test_what_an_answer_calls_for_is_asked_and_what_it_hides_is_not_signed(call: Call) -> None:
    client, intake_id = call("C1"), _packet(CONSENT)
    flows.fill(client, intake_id, CONSENT, telehealth_agree=False)
    flows.save(client, intake_id, CONSENT, "telehealth", {"telehealth_agree": True})
    refused = flows.sign(client, intake_id, CONSENT)
    assert (refused.status, refused.code) == (422, "answers_incomplete")
    assert [(each["pointer"], each["section_id"]) for each in refused.json["errors"]] == [
        ("/answers/telehealth_location", "telehealth")
    ]
    flows.save(client, intake_id, CONSENT, "telehealth", {"telehealth_location": "Attic room"})
    flows.save(client, intake_id, CONSENT, "telehealth", {"telehealth_agree": False})
    assert _kept(client, intake_id, CONSENT)["telehealth_location"] == "Attic room"  # it may be wanted again
    answer = flows.sign(client, intake_id, CONSENT)
    assert answer.status == 201, answer
    assert "Attic room" not in client.get(f"/portal/documents/{answer.json['document_id']}").body.decode()
    assert "telehealth_location" not in _kept(client, intake_id, CONSENT)


def test_a_child_is_asked_who_may_consent_and_an_adult_is_not(call: Call) -> None:
    client, intake_id = call("C1"), _packet()
    flows.fill(client, intake_id, QUESTIONNAIRE)
    flows.save(client, intake_id, QUESTIONNAIRE, "about", {"birth_date": "2015-05-05"})
    refused = flows.sign(client, intake_id, QUESTIONNAIRE)
    assert {each["section_id"] for each in refused.json["errors"]} == {"minors"}
    flows.save(client, intake_id, QUESTIONNAIRE, "about", {"birth_date": "1991-03-14"})
    assert flows.sign(client, intake_id, QUESTIONNAIRE).status == 201


# ---- signing ----


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"consents": {"read": True, "esign": False, "intent": True}}, "/consents/esign"),
        ({"consents": {"read": True, "esign": True}}, "/consents/intent"),
        ({"method": "stamped"}, "/method"),
        ({"relationship": "neighbour"}, "/relationship"),
        ({"disclosure_version": "1"}, "/disclosure_version"),
        ({"signed_at": "2020-01-01T00:00:00Z"}, "/signed_at"),
        ({"strokes": flows.DRAWN}, ""),
        ({"drawn": True, "strokes": []}, ""),
        ({"drawn": True, "strokes": [[[5, 5]]]}, ""),
        ({"drawn": True, "strokes": [[[0, 0], [1001, 5]]]}, ""),
        ({"drawn": True, "strokes": [[[0, 0], [5, 301]]]}, ""),
        ({"drawn": True, "strokes": [[[0, 0], [5, -1]]]}, ""),
        ({"drawn": True, "strokes": [[[0, 0], [5.5, 1]]]}, "/strokes/0/1/0"),
        ({"drawn": True, "strokes": [[[0, 0, 0], [5, 1]]]}, "/strokes/0/0"),
    ],
    ids=lambda value: str(value)[:44],
)
def test_what_is_no_signature(call: Call, changed: dict[str, Any], pointer: str) -> None:
    client, intake_id = call("C1"), _packet(NOTICE)
    flows.fill(client, intake_id, NOTICE)
    answer = flows.sign(client, intake_id, NOTICE, **changed)
    assert (answer.status, answer.code, answer.json["errors"][0]["pointer"]) == (422, "invalid_body", pointer)
    assert not flows.stored("signed_form", "document")


def test_a_disclosure_that_was_not_read_is_not_agreed_to(call: Call) -> None:
    client, intake_id = call("C1"), _packet(NOTICE)
    flows.fill(client, intake_id, NOTICE)
    for version in (0, 2):
        answer = flows.sign(client, intake_id, NOTICE, disclosure_version=version)
        assert (answer.status, answer.code) == (409, "disclosure_changed")
    assert flows.opened(client, intake_id, NOTICE)["disclosure"]["version"] == 1


def test_after_the_signature_nothing_changes(call: Call) -> None:
    client, intake_id = call("C1"), _packet(CONSENT, NOTICE)
    flows.fill(client, intake_id, CONSENT, telehealth_agree=True, telehealth_location="Attic room")
    document_id = flows.sign(client, intake_id, CONSENT).json["document_id"]
    kinds = ("section", "signed_form", "document", "intake_form", "intake")
    before, form = flows.stored(*kinds), flows.opened(client, intake_id, CONSENT)
    late = [
        flows.save(client, intake_id, CONSENT, "telehealth", {"telehealth_location": "Elsewhere"}),
        flows.save(call.browser("C1"), intake_id, CONSENT, "telehealth", {}, position=True),  # type: ignore[attr-defined]
        flows.save(client, intake_id, CONSENT, "telehealth", {}, skipped=True),
        flows.sign(client, intake_id, CONSENT, name="Somebody Else"),
        flows.sign(client, intake_id, CONSENT, drawn=True),
    ]
    assert {(answer.status, answer.code) for answer in late} == {(409, "already_signed")}
    assert flows.stored(*kinds) == before
    assert flows.opened(client, intake_id, CONSENT) == form
    assert (form["status"], form["document_id"]) == ("signed", document_id)
    client.drain()
    assert flows.save(client, intake_id, CONSENT, "telehealth", {"telehealth_location": "X"}).code == "already_signed"
    assert _kept(client, intake_id, CONSENT) == form["answers"]


def test_a_packet_that_was_taken_back_is_over(call: Call) -> None:
    client, intake_id = call("C1"), _packet(NOTICE)
    flows.fill(client, intake_id, NOTICE)
    flows.take_back("C1", intake_id)
    for answer in (
        client.get(f"/portal/intakes/{intake_id}/forms/{NOTICE}"),
        flows.save(client, intake_id, NOTICE, "acknowledgement", {"received": False}),
        flows.sign(client, intake_id, NOTICE),
    ):
        assert (answer.status, answer.code) == (409, "intake_revoked")
    assert not flows.stored("signed_form")
    assert [each["status"] for each in client.get("/portal/intakes").json["items"]] == ["revoked"]
    home = client.get("/portal/home").json
    assert (home["next"], home["forms_open"]) == (None, 0)


# ---- one form after another ----


def test_forms_come_one_after_another_and_in_any_order(call: Call) -> None:
    client, intake_id = call("C1"), _packet(QUESTIONNAIRE, CONSENT, NOTICE)
    order = [QUESTIONNAIRE, CONSENT, NOTICE]
    forms = [flows.opened(client, intake_id, form_id) for form_id in order]
    assert [(form["number"], form["of"], form["next"]["form_id"]) for form in forms] == [
        (1, 3, CONSENT), (2, 3, NOTICE), (3, 3, QUESTIONNAIRE),
    ]  # fmt: skip
    home = client.get("/portal/home").json
    assert (home["next"]["form_id"], home["next"]["started"], home["forms_open"]) == (QUESTIONNAIRE, False, 3)

    flows.fill(client, intake_id, CONSENT)
    assert client.get("/portal/home").json["next"]["form_id"] == CONSENT  # what was begun leads
    after = flows.sign(client, intake_id, CONSENT).json
    assert (after["next"]["form_id"], after["packet_completed"]) == (NOTICE, False)
    flows.fill(client, intake_id, NOTICE)
    after = flows.sign(client, intake_id, NOTICE).json
    assert (after["next"]["form_id"], after["packet_completed"]) == (QUESTIONNAIRE, False)
    flows.fill(client, intake_id, QUESTIONNAIRE)
    after = flows.sign(client, intake_id, QUESTIONNAIRE).json
    assert (after["next"], after["packet_completed"]) == (None, True)
    assert client.get("/portal/home").json["forms_open"] == 0

    (packet,) = client.get("/portal/intakes").json["items"]
    assert (packet["status"], [form["form_id"] for form in packet["forms"]]) == ("open", order)
    client.drain()
    (packet,) = client.get("/portal/intakes").json["items"]
    assert (packet["status"], {form["status"] for form in packet["forms"]}) == ("completed", {"sealed"})


# ---- what staff see, and when ----


def test_staff_see_nothing_of_what_was_not_signed(call: Call) -> None:
    client, therapist, intake_id = call("C1"), call("T1"), _packet(QUESTIONNAIRE, NOTICE)
    secret = "Only for the one who reads the signed form"
    flows.fill(client, intake_id, QUESTIONNAIRE, reason=secret, suicide_thoughts="often")
    path = f"/practice/clients/{C1}"
    answers = [
        therapist.get(f"{path}/intakes"), therapist.get(f"{path}/documents"), therapist.get(path),
        therapist.get("/practice/home"), therapist.get("/practice/notifications"),
    ]  # fmt: skip
    for answer in answers:
        assert answer.status == 200
        assert secret not in answer.body.decode()
    (packet,) = answers[0].json["items"]
    assert [form["status"] for form in packet["forms"]] == ["to_do"] * 2
    assert not any("progress" in form for form in packet["forms"])
    assert (answers[1].json["items"], answers[2].json["worrying"], answers[4].json["items"]) == ([], False, [])
    summary = therapist.get(f"{path}/intakes/{intake_id}/summary")
    assert (summary.status, summary.code) == (404, "not_found")
    for closed in (f"/portal/intakes/{intake_id}/forms/{QUESTIONNAIRE}", "/portal/intakes"):
        assert therapist.get(closed).code == "forbidden"

    flows.fill(client, intake_id, NOTICE)
    flows.sign(client, intake_id, NOTICE)
    summary = therapist.get(f"{path}/intakes/{intake_id}/summary")  # one is signed; the other stays the client's own
    assert (summary.status, summary.json["worrying"], summary.json["highlights"]) == (200, [], [])
    assert [each["form_id"] for each in summary.json["documents"]] == [NOTICE]
    assert secret not in summary.body.decode()


def _flags(call: Call, **given: Any) -> tuple[list[bool], list[str]]:
    """Whether document, file, list and notification of a finished packet are flagged, and the summary's reasons."""
    client, therapist = call("C1"), call("T1")
    intake_id, document_id = flows.signed_document(client, "C1", QUESTIONNAIRE, **given)
    client.drain()
    path = f"/practice/clients/{C1}"
    summary = therapist.get(f"{path}/intakes/{intake_id}/summary").json
    found = [
        therapist.get(f"{path}/documents/{document_id}").json["worrying"],
        therapist.get(path).json["worrying"],
        therapist.get("/practice/clients").json["items"][0]["worrying"],
        therapist.get("/practice/notifications").json["items"][0]["worrying"],
    ]
    return found, [line["label"] for line in summary["worrying"]]


@pytest.mark.parametrize(
    "given",
    [{"suicide_thoughts": "often"}, {"suicide_thoughts": "talk"}, {"safe_home": False}, {"self_injury": "now"}],
    ids=str,
)
def test_a_worrying_answer_is_flagged_wherever_staff_look(call: Call, given: dict[str, Any]) -> None:
    flags, reasons = _flags(call, **given)
    assert (set(flags), len(reasons)) == ({True}, 1)
    mine = call("C1").get("/portal/documents").body + call("C1").get("/portal/home").body
    assert b"worrying" not in mine  # a flag is for staff
    (mail,) = call().outbox("priya@oak.example")
    assert "worr" not in (mail["subject"] + mail["text"] + mail["html"]).lower()


def test_an_answer_that_was_taken_back_is_no_worry(call: Call) -> None:
    """A plan is asked for only where there are thoughts: what a later answer hides is not signed, and no flag."""
    client, intake_id = call("C1"), _packet()
    flows.save(client, intake_id, QUESTIONNAIRE, "safety", {"suicide_thoughts": "often", "suicide_plan": True})
    flows.save(client, intake_id, QUESTIONNAIRE, "safety", {"suicide_thoughts": "no"})
    flows.fill(client, intake_id, QUESTIONNAIRE)
    document_id = flows.sign(client, intake_id, QUESTIONNAIRE).json["document_id"]
    assert call("T1").get(f"/practice/clients/{C1}/documents/{document_id}").json["worrying"] is False


def test_an_untroubled_form_flags_nothing(world: World, call: Call) -> None:
    assert _flags(call) == ([False] * 4, [])
