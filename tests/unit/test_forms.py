"""The three standard forms: whole, sound, conditional where they should be, and in plain words."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from chalicelib import forms
from chalicelib.services import answers, definitions
from chalicelib.services.answers import Facts

INTAKE, CONSENT, NOTICE = forms.standard()
ADULT, MINOR = Facts(34, date(2026, 11, 24)), Facts(12, date(2026, 11, 24))
each_form = pytest.mark.parametrize("form", forms.standard(), ids=lambda form: form["form_id"])

# Everything that a practice fills in, as the portal would.
VALUES = {
    "practice.name": "Oak Counseling", "practice.phone": "(555) 010-0100", "practice.address": "1 Elm St, Dayton, OH",
    "therapist.name": "Lena Marsh", "therapist.licence": "LPCC 0100", "messages.reply_time": "within one working day",
    "cancellation.hours": 24, "client.name": "Ana Silva", "notice.effective_date": "February 16, 2026",
    "notice.version": "1", "crisis.line": "call or text 988",
    "fees.table": {"columns": ["Visit", "Fee"], "rows": [["50 minutes", "$150.00"]]},
}  # fmt: skip

# DOMAIN.md 4: the outline, section by section; * marks what must be answered.
INTAKE_OUTLINE = {
    "about": "legal_name* name_used pronouns birth_date* address phone may_text may_voicemail may_email"
    " preferred_contact time_zone",
    "who": "who_fills* filler_name* filler_relationship* legal_authority",
    "identity": "gender languages relationship_status household",
    "emergency": "emergency_name* emergency_relationship* emergency_phone* emergency_may_contact*",
    "reason": "reason* since effect_work effect_school effect_home effect_relationships effect_sleep goals",
    "concerns": "concerns",
    "care": "therapy_before therapy_list hospital diagnoses prescriber",
    "health": "physician conditions allergies medicines sleep_hours exercise",
    "substances": "alcohol alcohol_often tobacco tobacco_often drugs drugs_often use_concern",
    "safety": "suicide_thoughts* suicide_plan suicide_attempt self_injury harm_others safe_home* hurt_or_controlled",
    "family": "grew_up family_health hard_events",
    "strengths": "strengths coping support",
    "minors": "school guardian1_name guardian2_name custody* consent_who*",
    "practical": "heard wish_days wish_times wish_format",
    "statement": "statement_true* signature",
}
CONSENT_OUTLINE = {
    "who_we_are": "who_we_are_text signing_for*",
    "what_therapy_is": "what_therapy_is_text",
    "benefits_risks": "benefits_risks_text benefits_understood*",
    "confidentiality": "confidentiality_text",
    "limits": "limits_text limits_initials*",
    "minors": "minors_text minors_understood* minors_authority*",
    "records": "records_text",
    "messages": "messages_text email_consent* text_consent*",
    "telehealth": "telehealth_text telehealth_agree* telehealth_location*",
    "fees": "fees_text fees_understood*",
    "cancellation": "cancellation_text cancellation_initials*",
    "estimate": "estimate_text",
    "emergencies": "emergencies_text",
    "complaints": "complaints_text",
    "revocation": "revocation_text",
    "agreement": "agreement_text other_guardian_name other_guardian_relationship agreement_agree* signature",
}
NOTICE_OUTLINE = {
    "about_notice": "header",
    "uses": "uses_treatment uses_payment uses_operations",
    "other_uses": "other_uses_choice other_uses_list",
    "permission": "permission_text",
    "stricter": "stricter_text",
    "substance_use": "substance_use_text",
    "rights": "right_restriction right_communications right_access right_amendment right_accounting right_copy",
    "duties": "duties_text",
    "complaints": "complaints_text contact_text",
    "acknowledgement": "received* signature",
}


def section_of(form: dict[str, Any], section_id: str) -> dict[str, Any]:
    return next(section for section in form["sections"] if section["id"] == section_id)


def fields_of(form: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {field["id"]: field for section in form["sections"] for field in section["fields"]}


def words_of(node: Any, key: str = "") -> Iterator[str]:
    """Every text that a person reads."""
    if isinstance(node, str):
        if key not in ("id", "type", "form_id", "kind", "prefill", "input", "field", "worrying", "any_of"):
            yield node
    elif isinstance(node, dict):
        for name, inner in node.items():
            yield from words_of(inner, name)
    elif isinstance(node, list):
        for inner in node:
            yield from words_of(inner, key)


def said(form: dict[str, Any], section_id: str) -> str:
    return " ".join(words_of(section_of(answers.merge(form, VALUES), section_id)))


def test_three_forms_ship_in_the_order_they_are_asked() -> None:
    assert [form["form_id"] for form in forms.standard()] == list(forms.STANDARD)
    assert [form["title"] for form in forms.standard()] == [
        "Standard Intake Questionnaire",
        "Informed Consent for Psychotherapy",
        "Notice of Privacy Practices",
    ]
    assert [form["kind"] for form in forms.standard()] == ["questionnaire", "consent", "notice"]


@pytest.mark.parametrize("asked", [("standard-intake-questionnaire", 2), ("../conftest", 1), ("", 1)])
def test_what_does_not_ship_is_not_found(asked: tuple[str, int]) -> None:
    with pytest.raises(KeyError):
        forms.load(*asked)


def test_a_form_is_read_once() -> None:
    assert forms.load("notice-of-privacy-practices", 1) is NOTICE


@each_form
def test_the_definition_is_sound(form: dict[str, Any]) -> None:
    assert definitions.check(form) == []
    assert form["version"] == 1
    assert "counsel" in form["review_note"]
    assert form["sections"][-1]["fields"][-1]["type"] == "signature"


@pytest.mark.parametrize(
    ("form", "outline", "count"),
    [(INTAKE, INTAKE_OUTLINE, 15), (CONSENT, CONSENT_OUTLINE, 16), (NOTICE, NOTICE_OUTLINE, 10)],
    ids=["intake", "consent", "notice"],
)
def test_the_outline_is_there(form: dict[str, Any], outline: dict[str, str], count: int) -> None:
    assert [section["id"] for section in form["sections"]] == list(outline)
    assert len(outline) == count
    for section_id, items in outline.items():
        there = {field["id"]: field for field in section_of(form, section_id)["fields"]}
        for item in items.split():
            assert bool(there[item.rstrip("*")].get("required")) is item.endswith("*"), item


def test_the_intake_offers_every_concern_of_the_outline() -> None:
    offered = {option["id"] for option in fields_of(INTAKE)["concerns"]["options"]}
    assert offered == {
        "mood", "worry", "panic", "sleep", "appetite", "concentration", "irritability", "grief", "trauma",
        "relationship", "parenting", "anger", "obsessive", "eating", "pain", "stress", "identity", "loneliness",
        "other",
    }  # fmt: skip


def test_only_sensitive_sections_can_be_left_for_the_conversation() -> None:
    skippable = {section["id"] for section in INTAKE["sections"] if section.get("skippable")}
    assert {"identity", "care", "health", "substances", "safety", "family"} <= skippable
    assert not skippable & {"about", "who", "emergency", "reason", "minors", "statement"}
    assert not any(section.get("skippable") for form in (CONSENT, NOTICE) for section in form["sections"])


def test_an_adult_is_asked_nothing_about_custody_and_a_minor_is() -> None:
    assert "minors" not in answers.visible(INTAKE, {}, [], ADULT).sections
    assert "minors" in answers.visible(INTAKE, {}, [], MINOR).sections
    assert "minors" in answers.visible(INTAKE, {"birth_date": "2014-01-01"}, [], ADULT).sections
    assert "minors" not in answers.visible(CONSENT, {"signing_for": "self"}, [], ADULT).sections
    assert "minors_authority" not in answers.visible(CONSENT, {"signing_for": "self"}, [], MINOR).fields
    guardian = answers.visible(CONSENT, {"signing_for": "other"}, [], ADULT).fields
    assert {"minors_authority", "other_guardian_name", "other_guardian_text"} <= set(guardian)


def test_the_shortest_way_through_each_form() -> None:
    intake = {
        "legal_name": "Ana Silva", "birth_date": "1991-03-08", "who_fills": "client", "emergency_name": "Rui",
        "emergency_relationship": "Brother", "emergency_phone": "1", "emergency_may_contact": False,
        "reason": "Sleep", "suicide_thoughts": "no", "safe_home": True, "statement_true": True,
    }  # fmt: skip
    consent = {
        "signing_for": "self", "benefits_understood": True, "limits_initials": "AS", "email_consent": False,
        "text_consent": False, "telehealth_agree": False, "fees_understood": True, "cancellation_initials": "AS",
        "agreement_agree": True,
    }  # fmt: skip
    for form, typed in ((INTAKE, intake), (CONSENT, consent), (NOTICE, {"received": True})):
        assert answers.missing(form, typed, [], ADULT) == []
        assert answers.worrying(form, typed, [], ADULT) == []
        for field_id in typed:
            without = {key: value for key, value in typed.items() if key != field_id}
            assert field_id in [problem.field_id for problem in answers.missing(form, without, [], ADULT)]


def test_safety_can_be_said_in_person() -> None:
    asked = [problem.section_id for problem in answers.missing(INTAKE, {}, [], ADULT)]
    assert asked.count("safety") == 2
    assert "safety" not in [problem.section_id for problem in answers.missing(INTAKE, {}, ["safety"], ADULT)]


@pytest.mark.parametrize(
    ("typed", "flagged"),
    [
        ({"suicide_thoughts": "no", "safe_home": True, "hurt_or_controlled": False}, []),
        ({"suicide_thoughts": "sometimes"}, ["suicide_thoughts"]),
        ({"suicide_thoughts": "talk"}, ["suicide_thoughts"]),
        ({"suicide_thoughts": "often", "suicide_plan": True}, ["suicide_thoughts", "suicide_plan"]),
        ({"suicide_thoughts": "no", "suicide_plan": True}, []),
        ({"suicide_attempt": True, "suicide_attempt_when": "longer"}, []),
        ({"suicide_attempt": True, "suicide_attempt_when": "months"}, ["suicide_attempt_when"]),
        ({"self_injury": "past"}, []),
        ({"self_injury": "now"}, ["self_injury"]),
        ({"harm_others": "sometimes", "harm_others_person": True}, ["harm_others", "harm_others_person"]),
        ({"safe_home": False}, ["safe_home"]),
        ({"hurt_or_controlled": True}, ["hurt_or_controlled"]),
    ],
)
def test_worrying_answers_are_flagged_and_shown_first_to_the_therapist(
    typed: dict[str, Any], flagged: list[str]
) -> None:
    assert answers.worrying(INTAKE, typed, [], ADULT) == flagged
    assert answers.worrying(INTAKE, typed, ["safety"], ADULT) == []
    shown = {line["field_id"]: line for line in answers.highlights(INTAKE, typed, [], ADULT)}
    assert [field_id for field_id, line in shown.items() if line["worrying"]] == flagged


def test_every_safety_question_is_on_the_summary() -> None:
    quiet = [field["id"] for field in section_of(INTAKE, "safety")["fields"] if not field.get("highlight")]
    assert quiet == ["safety_note", "hurt_help"]


def test_the_client_file_fills_in_what_it_knows() -> None:
    sources = {field["prefill"] for field in fields_of(INTAKE).values() if "prefill" in field}
    assert sources == answers.PREFILLS - {"profile.email"}  # the address is the account itself


@each_form
def test_no_merge_field_is_left_open(form: dict[str, Any]) -> None:
    for values in (VALUES, {}, dict.fromkeys(VALUES)):
        merged = answers.merge(form, values)
        assert "{" not in "".join(words_of(merged))
        assert definitions.check(merged) == []
    assert "(ask us)" not in "".join(words_of(answers.merge(form, VALUES)))


def test_the_practice_is_named_where_it_must_be() -> None:
    everything = " ".join(words_of(answers.merge(CONSENT, VALUES)))
    for name in sorted(set(VALUES) - {"fees.table", "notice.effective_date", "notice.version"}):
        assert str(VALUES[name]) in everything, name
    assert "$150.00" in said(CONSENT, "fees")
    assert "at least 24 hours" in said(CONSENT, "cancellation")


def test_no_signature_is_promised_that_nobody_can_give() -> None:
    everything = " ".join(words_of(CONSENT)).lower()
    assert "countersign" not in everything
    assert "does not sign for them" in everything


@pytest.mark.parametrize(
    ("section_id", "phrases"),
    [
        ("about_notice", ["February 16, 2026", "Oak Counseling"]),
        ("uses", ["To treat you", "To be paid", "To run our practice", "contract"]),
        (
            "other_uses",
            [
                "a law requires", "Public health", "Abuse, neglect", "Oversight", "Courts", "law enforcement",
                "coroners", "Organ", "Research", "Serious threat", "military", "workers’ compensation", "disaster",
                "Department of Health and Human Services",
            ],
        ),
        ("permission", ["psychotherapy notes", "marketing", "selling", "take back", "not describe", "raise money"]),
        ("stricter", ["we follow that law"]),
        (
            "substance_use",
            [
                "42 CFR Part 2", "written consent", "testimony", "civil, criminal, administrative or legislative",
                "chance to be heard", "subpoena", "raise money",
            ],
        ),
        (
            "rights",
            [
                "limit what we use", "paid for a service in full", "how we contact you", "See your record", "30 days",
                "correct your record", "60 days", "six years", "paper copy",
            ],
        ),
        ("duties", ["requires us to keep", "breached", "follow the notice", "right to change this notice"]),
        ("complaints", ["complain to us", "Office for Civil Rights", "not retaliate", "Privacy Officer", "010-0100"]),
        ("acknowledgement", ["only that you received"]),
    ],
)  # fmt: skip
def test_the_notice_says_what_45_cfr_164_520_asks(section_id: str, phrases: list[str]) -> None:
    text = said(NOTICE, section_id)
    for phrase in phrases:
        assert phrase in text, phrase


def test_the_notice_opens_with_the_prescribed_statement() -> None:
    first = NOTICE["sections"][0]["fields"][0]["text"][0]
    assert first == {
        "heading": "THIS NOTICE DESCRIBES HOW MEDICAL INFORMATION ABOUT YOU MAY BE USED AND DISCLOSED AND HOW YOU CAN"
        " GET ACCESS TO THIS INFORMATION. PLEASE REVIEW IT CAREFULLY."
    }  # 45 CFR 164.520(b)(1)(i), word for word


# ------------------------------------------------------------------------------------------------------ plain words


@each_form
def test_the_voice_is_calm(form: dict[str, Any]) -> None:
    everything = " ".join(words_of(form))
    assert "!" not in everything
    for phrase in ("please note", "simply", "oops", "submit", "we are here for you", "right away", "at once"):
        assert phrase not in everything.lower(), phrase
    assert not re.search(r"<[a-z/]|\*\*|&[a-z]+;| {2}", everything)


@each_form
def test_lengths_fit_a_phone(form: dict[str, Any]) -> None:
    for section in form["sections"]:
        assert len(section["title"]) <= 40
        assert len(section["why"]) <= 120
        for field in section["fields"]:
            assert len(field.get("label", "")) <= 160, field["id"]
            assert len(field.get("help", "")) <= 120, field["id"]
            assert len(field.get("short_label", "")) <= 40, field["id"]
            for option in field.get("options", ()):
                assert len(option["label"]) <= 60, option
    assert 5 <= form["minutes"] <= 20


@each_form
def test_the_summary_has_short_labels(form: dict[str, Any]) -> None:
    for field in fields_of(form).values():
        if field.get("highlight"):
            assert len(field.get("short_label") or field["label"]) <= 40, field["id"]


def syllables(word: str) -> int:
    letters = re.sub(r"[^a-z]", "", word.lower())
    stem = re.sub(r"(?:es|ed|e)$", "", letters) if len(letters) > 3 else letters
    return max(1, len(re.findall(r"[aeiouy]+", stem)))


@each_form
def test_an_eighth_grader_can_read_it(form: dict[str, Any]) -> None:
    """Flesch-Kincaid over everything that is a sentence; the prescribed header is the law's own."""
    texts = [text for text in words_of(answers.merge(form, VALUES)) if text.endswith((".", "?")) and not text.isupper()]
    sentences = [one for text in texts for one in re.split(r"(?<=[.?:;])\s+", text)]
    assert max(len(sentence.split()) for sentence in sentences) <= 36
    words = [word for sentence in sentences for word in sentence.split()]
    grade = 0.39 * len(words) / len(sentences) + 11.8 * sum(map(syllables, words)) / len(words) - 15.59
    assert grade <= 8.0
