"""The form engine: shared vectors, one value at a time, and properties over arbitrary answers."""

import json
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib import forms
from chalicelib.services import answers, definitions
from chalicelib.services.answers import AnswerProblems, Facts

TODAY = date(2026, 11, 24)
FACTS = Facts(None, TODAY)
VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "forms.json").read_text(encoding="utf-8"))
INTAKE, CONSENT, NOTICE = forms.standard()
CALM = settings(max_examples=150, deadline=None, database=None, derandomize=True)


def form_of(*fields: dict[str, Any], **section: Any) -> dict[str, Any]:
    for field in fields:
        field.setdefault("label", "A question")
    return {
        "form_id": "a-form", "version": 1, "title": "A form", "kind": "questionnaire", "minutes": 1,
        "intro": ["Words."], "review_note": "None.",
        "sections": [{"id": "one", "title": "One", "why": "Because.", "fields": list(fields), **section}],
    }  # fmt: skip


def options(*ids: str) -> list[dict[str, str]]:
    return [{"id": name, "label": name.capitalize()} for name in ids]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_vector(vector: dict[str, Any]) -> None:
    facts = Facts(vector["facts"]["age"], date.fromisoformat(vector["today"]))
    given_ = (vector["form"], vector["answers"], vector["skipped"], facts)
    assert definitions.check(vector["form"]) == []
    shown = answers.visible(*given_)
    assert shown.sections == vector["visible_sections"]
    assert shown.fields == vector["visible_fields"]
    assert [problem.field_id for problem in answers.missing(*given_)] == vector["missing"]
    assert answers.worrying(*given_) == vector["worrying"]


def test_there_are_enough_vectors_and_each_has_a_name_of_its_own() -> None:
    assert len({vector["name"] for vector in VECTORS}) == len(VECTORS) >= 40


# ---------------------------------------------------------------------------------------------- accepting a value

ONE = {
    "text": {"type": "text"}, "short": {"type": "text", "max": 5}, "long": {"type": "long"}, "date": {"type": "date"},
    "birth_date": {"type": "date", "prefill": "profile.birth_date"}, "initials": {"type": "initials"},
    "choice": {"type": "choice", "options": options("x", "y")},
    "choices": {"type": "choices", "options": options("x", "y", "z")},
    "yesno": {"type": "yesno"}, "agree": {"type": "agree"}, "number": {"type": "number", "min": 0, "max": 24},
    "any_number": {"type": "number"}, "scale": {"type": "scale", "ends": ["None", "All"]},
    "table": {"type": "table", "columns": options("name", "dose"), "max_rows": 2},
    "info": {"type": "info", "text": ["Words."]}, "signature": {"type": "signature"},
}  # fmt: skip
ALL = form_of(*[{"id": name, **spec} for name, spec in ONE.items()])


def take(field_id: str, value: Any) -> Any:
    return answers.accept(ALL, "one", {field_id: value}, TODAY)[field_id]


@pytest.mark.parametrize(
    ("field_id", "value", "stored"),
    [
        ("text", " as typed, <b>not</b> trimmed ", " as typed, <b>not</b> trimmed "),
        ("long", "one\r\ntwo\rthree\n", "one\ntwo\nthree\n"),
        ("text", "👩‍👧 שלום 李", "👩‍👧 שלום 李"),
        ("text", "x" * 200, "x" * 200),
        ("text", "👍" * 200, "👍" * 200),
        ("long", "x" * 10_000, "x" * 10_000),
        ("text", "", ""),
        ("date", "2024-02-29", "2024-02-29"),
        ("date", "1900-01-01", "1900-01-01"),
        ("date", "2036-11-24", "2036-11-24"),
        ("date", "", None),
        ("birth_date", "2026-11-25", "2026-11-25"),  # already tomorrow where the person is
        ("choice", "y", "y"),
        ("choice", "", None),
        ("choices", ["z", "x", "z"], ["x", "z"]),
        ("choices", [], []),
        ("yesno", False, False),
        ("agree", False, False),
        ("number", 7.0, 7),
        ("number", 0, 0),
        ("scale", 10, 10),
        ("table", [{"name": "A"}, {"dose": "", "name": None}], [{"name": "A"}, {"dose": ""}]),
        ("initials", "A. B.", "A. B."),
        ("text", None, None),
        ("table", None, None),
    ],
)
def test_accepts(field_id: str, value: Any, stored: Any) -> None:
    taken = take(field_id, value)
    assert taken == stored
    assert type(taken) is type(stored)


@pytest.mark.parametrize(
    ("field_id", "value", "code"),
    [
        ("text", 1, "wrong_type"),
        ("text", ["x"], "wrong_type"),
        ("text", True, "wrong_type"),
        ("text", "x" * 201, "too_long"),
        ("short", "x" * 6, "too_long"),
        ("long", "x" * 10_001, "too_long"),
        ("text", "a\0b", "invalid_text"),
        ("long", "a\ud800b", "invalid_text"),
        ("table", [{"name": "\udfff"}], "invalid_text"),
        ("initials", "ABCDEFG", "too_long"),
        ("date", "2025-02-29", "invalid_date"),
        ("date", "03/08/1991", "invalid_date"),
        ("date", "1991-3-8", "invalid_date"),
        ("date", "20260101", "invalid_date"),
        ("date", "2026-W01-1", "invalid_date"),
        ("date", "1991-03-08T00:00:00Z", "invalid_date"),
        ("date", "١٩٩١-٠٣-٠٨", "invalid_date"),
        ("date", "1899-12-31", "invalid_date"),
        ("date", "2036-11-25", "invalid_date"),
        ("date", 19910308, "invalid_date"),
        ("birth_date", "2026-11-26", "invalid_date"),
        ("choice", "w", "unknown_option"),
        ("choice", ["x"], "wrong_type"),
        ("choices", "x", "wrong_type"),
        ("choices", ["x", "w"], "unknown_option"),
        ("choices", [{}], "wrong_type"),
        ("yesno", "true", "wrong_type"),
        ("yesno", 1, "wrong_type"),
        ("agree", "on", "wrong_type"),
        ("number", True, "wrong_type"),
        ("number", "7", "wrong_type"),
        ("number", 7.5, "wrong_type"),
        ("number", float("inf"), "wrong_type"),
        ("number", 25, "out_of_range"),
        ("number", -1, "out_of_range"),
        ("any_number", 2**53, "out_of_range"),
        ("scale", 11, "out_of_range"),
        ("table", [{}, {}, {}], "too_many"),
        ("table", [{"other": "x"}], "wrong_type"),
        ("table", [["x"]], "wrong_type"),
        ("table", {"name": "x"}, "wrong_type"),
        ("table", [{"name": 5}], "wrong_type"),
        ("table", [{"name": "x" * 201}], "too_long"),
        ("info", "x", "unknown_field"),
        ("signature", "x", "unknown_field"),
        ("nothing", "x", "unknown_field"),
    ],
)
def test_refuses(field_id: str, value: Any, code: str) -> None:
    with pytest.raises(AnswerProblems) as caught:
        take(field_id, value)
    (problem,) = caught.value.problems
    assert (problem.field_id, problem.code, problem.section_id) == (field_id, code, "one")
    assert problem.detail
    assert not problem.detail.endswith(".")
    assert "!" not in problem.detail


def test_one_wrong_value_means_nothing_is_accepted_and_every_problem_is_named() -> None:
    with pytest.raises(AnswerProblems) as caught:
        answers.accept(ALL, "one", {"text": "fine", "yesno": "no", "date": "x", "other": 1}, TODAY)
    assert [problem.field_id for problem in caught.value.problems] == ["yesno", "date", "other"]


@pytest.mark.parametrize("changes", [None, [], "text", 7])
def test_changes_that_are_no_object_are_refused(changes: Any) -> None:
    with pytest.raises(AnswerProblems):
        answers.accept(ALL, "one", changes)


def test_a_section_that_is_not_there_is_refused() -> None:
    with pytest.raises(AnswerProblems) as caught:
        answers.accept(ALL, "two", {})
    assert caught.value.problems[0].code == "unknown_section"


def test_ten_years_after_a_leap_day_is_a_date() -> None:
    assert answers.accept(ALL, "one", {"date": "2038-03-01"}, date(2028, 2, 29)) == {"date": "2038-03-01"}


def test_messages_speak_plainly() -> None:
    form = form_of({"id": "a", "type": "yesno", "required": True}, {"id": "b", "type": "date", "required": True})
    assert [problem.detail for problem in answers.missing(form, {}, [], FACTS)] == [
        "Choose yes or no",
        "Enter the date as month, day, year",
    ]


# ------------------------------------------------------------------------------------------------- what is signed


def test_settling_drops_what_is_hidden_skipped_blank_and_wrong() -> None:
    typed = {
        "legal_name": "Ana Silva", "who_fills": "client", "filler_name": "Old", "birth_date": "1991-03-08",
        "school": "Old", "suicide_thoughts": "often", "reason": "  ", "since": "nonsense", "goals": 5,
        "sleep_hours": 6, "takes_medicines": True, "medicines": [{"name": " "}, {"name": "Iron", "dose": ""}],
        "concerns": [], "unknown": "x", "signature": "x",
    }  # fmt: skip
    assert answers.settle(INTAKE, typed, ["safety", "about"], FACTS) == {
        "legal_name": "Ana Silva", "who_fills": "client", "birth_date": "1991-03-08", "sleep_hours": 6,
        "takes_medicines": True, "medicines": [{"name": "Iron"}],
    }  # fmt: skip


def test_the_record_names_form_version_and_what_was_left_for_the_conversation() -> None:
    record = answers.record(INTAKE, {"birth_date": "1991-03-08"}, ["safety", "minors", "about", "x"], FACTS)
    assert record == {
        "form_id": "standard-intake-questionnaire",
        "version": 1,
        "answers": {"birth_date": "1991-03-08"},
        "skipped": ["safety"],
    }


def test_canonical_spelling_is_stable() -> None:
    value = {"b": [True, None, "é\n\u2028"], "a": {"z": 1, "ä": 2, "😀": 3, "\ufb33": 4}}
    spelled = answers.canonical(value)
    assert spelled == '{"a":{"z":1,"ä":2,"😀":3,"\ufb33":4},"b":[true,null,"é\\n\u2028"]}'.encode()
    assert answers.canonical(json.loads(spelled)) == spelled
    assert answers.canonical(dict(reversed(value.items()))) == spelled


def test_canonical_refuses_what_has_no_one_spelling() -> None:
    with pytest.raises(ValueError, match="float"):
        answers.canonical({"a": 1.5})
    with pytest.raises(TypeError):
        answers.canonical({1: "a"})
    with pytest.raises(TypeError):
        answers.canonical({"a": TODAY})


@pytest.mark.parametrize(
    ("born", "today", "years"),
    [
        ("1991-03-08", "2026-11-24", 35),
        ("2008-11-25", "2026-11-24", 17),
        ("2008-11-24", "2026-11-24", 18),
        ("2008-02-29", "2026-02-28", 17),
        ("2008-02-29", "2026-03-01", 18),
        ("2008-02-29", "2028-02-29", 20),
        ("2026-11-24", "2026-11-24", 0),
    ],
)
def test_age(born: str, today: str, years: int) -> None:
    assert answers.age(date.fromisoformat(born), date.fromisoformat(today)) == years


def test_progress_counts_sections_that_were_dealt_with() -> None:
    form = form_of({"id": "a", "type": "text", "required": True})
    form["sections"] += [
        {"id": "two", "title": "Two", "why": "Because.", "fields": [{"id": "b", "type": "text", "label": "B"}]},
        {"id": "three", "title": "Three", "why": "Because.", "skippable": True,
         "fields": [{"id": "c", "type": "text", "label": "C", "required": True}]},
        {"id": "four", "title": "Four", "why": "Because.", "when": {"field": "d", "any_of": [True]},
         "fields": [{"id": "e", "type": "text", "label": "E"}]},
    ]  # fmt: skip
    form["sections"][0]["fields"].append({"id": "d", "type": "yesno", "label": "D"})
    assert answers.progress(form, {}, [], FACTS) == (0, 3)
    assert answers.progress(form, {"a": "x"}, [], FACTS) == (1, 3)
    assert answers.progress(form, {"d": True}, [], FACTS) == (0, 4)
    assert answers.progress(form, {"a": "x"}, [], FACTS, "two") == (1, 3)
    assert answers.progress(form, {"a": "x"}, [], FACTS, "three") == (2, 3)
    assert answers.progress(form, {"a": "x"}, ["three"], FACTS, "three") == (3, 3)
    assert answers.progress(form, {"a": "x"}, [], FACTS, "nowhere") == (1, 3)


# ----------------------------------------------------------------------------------------------- reading, merging


def test_the_transcript_speaks_in_words() -> None:
    typed = {
        "birth_date": "1991-03-08", "may_text": False, "pronouns": "they_them", "effect_work": 7, "reason": "A\nB",
        "concerns": ["sleep", "mood"], "takes_medicines": True,
        "medicines": [{"name": "Iron", "reason": "Tired"}], "suicide_thoughts": "often", "statement_true": True,
    }  # fmt: skip
    sections = answers.transcript(INTAKE, typed, ["care"], FACTS)
    items = {item["field_id"]: item for section in sections for item in section["items"]}
    assert items["birth_date"]["value"] == "March 8, 1991"
    assert items["may_text"]["value"] == "No"
    assert items["pronouns"]["value"] == "They / them"
    assert items["effect_work"]["value"] == "7 (0: Not at all, 10: Completely)"
    assert items["reason"]["value"] == "A\nB"
    assert items["concerns"]["value"] == ["Low or changing mood", "Sleep"]
    assert items["medicines"]["value"] == [["Iron", "", "Tired", ""]]
    assert items["medicines"]["columns"] == ["Medicine", "Dose", "What for", "Prescribed by"]
    assert items["legal_name"]["value"] is None
    assert (items["suicide_thoughts"]["value"], items["suicide_thoughts"]["worrying"]) == ("Often", True)
    assert items["statement_true"] == {
        "field_id": "statement_true",
        "label": "What I have written here is true to the best of my knowledge.",
        "kind": "agree",
        "value": "Agreed",
        "worrying": False,
    }
    assert items["safety_note"]["kind"] == "info"
    assert "signature" not in items
    care = next(section for section in sections if section["section_id"] == "care")
    assert (care["skipped"], care["items"]) == (True, [])
    assert json.loads(json.dumps(sections)) == sections


def test_an_unchecked_box_is_not_agreement() -> None:
    form = form_of({"id": "a", "type": "agree"})
    for typed in ({}, {"a": False}):
        assert answers.transcript(form, typed, [], FACTS)[0]["items"][0]["value"] == "Not agreed"


def test_highlights_are_short_and_include_every_worry() -> None:
    form = form_of(
        {"id": "a", "type": "text", "highlight": True, "short_label": "A"},
        {"id": "b", "type": "yesno", "worrying": [True]},
        {"id": "c", "type": "choices", "options": options("x", "y"), "highlight": True},
        {"id": "d", "type": "table", "columns": options("name", "dose"), "highlight": True},
        {"id": "e", "type": "text"},
        {"id": "f", "type": "text", "highlight": True},
    )
    typed = {"a": "1", "b": True, "c": ["y", "x"], "d": [{"name": "N", "dose": "D"}, {"dose": "E"}], "e": "x"}
    lines = answers.highlights(form, typed, [], FACTS)
    assert [(line["label"], line["value"], line["worrying"]) for line in lines] == [
        ("A", "1", False),
        ("A question", "Yes", True),
        ("A question", "X, Y", False),
        ("A question", "N, D; E", False),
    ]
    assert (lines[0]["form_id"], lines[0]["section_id"], lines[0]["field_id"]) == ("a-form", "one", "a")


def test_merge_fills_every_text_and_leaves_the_form_alone() -> None:
    form = form_of(
        {
            "id": "a",
            "type": "info",
            "text": ["Hello {{client.name}}", "{{fees.table}}", {"list": ["{{practice.name}}"]}],
        }
    )
    form["intro"] = ["In danger: {{crisis.line}}", "{{practice.phone}}", "{{no.such_thing}}"]
    before = json.dumps(form)
    fees = {"columns": ["Visit", "Fee"], "rows": [["50 minutes", "$150.00"]]}
    merged = answers.merge(form, {"client.name": "{{practice.name}} \\1", "practice.name": "Oak", "fees.table": fees})
    assert merged["sections"][0]["fields"][0]["text"] == [
        "Hello {{practice.name}} \\1",  # what a person is called is never merged again
        {"table": fees},
        {"list": ["Oak"]},
    ]
    assert merged["intro"] == ["In danger: call or text 988", "(ask us)", "(ask us)"]
    assert json.dumps(form) == before


def test_without_fees_the_form_says_so() -> None:
    form = form_of({"id": "a", "type": "info", "text": ["{{fees.table}}"]})
    for values in ({}, {"fees.table": None}, {"fees.table": {"columns": ["Visit"], "rows": []}}):
        (said,) = answers.merge(form, values)["sections"][0]["fields"][0]["text"]
        assert said.startswith("Our fees are not listed here yet.")


def test_prefill_takes_what_fits() -> None:
    profile = {
        "legal_name": "Ana Silva", "preferred_name": None, "birth_date": date(1991, 3, 8), "pronouns": "She / Her",
        "phone": "+1 555 0100", "email": "a@example.org",
        "address": {"line1": "1 Elm St", "line2": "", "city": "Dayton", "region": "OH", "postal_code": "45402",
                    "country": "US"},
        "emergency_contact": {"name": "Rui", "relationship": "Brother", "phone": "x" * 500, "may_contact": True},
    }  # fmt: skip
    assert answers.prefill(INTAKE, profile) == {
        "legal_name": "Ana Silva", "pronouns": "she_her", "birth_date": "1991-03-08", "phone": "+1 555 0100",
        "address": "1 Elm St\nDayton, OH 45402", "emergency_name": "Rui", "emergency_relationship": "Brother",
        "emergency_may_contact": True,
    }  # fmt: skip
    assert answers.prefill(INTAKE, {}) == {}
    assert answers.prefill(INTAKE, {"pronouns": "xe", "emergency_contact": "?", "address": 7, "birth_date": "?"}) == {}


# ------------------------------------------------------------------------------------------ checking a definition


def broken(**change: Any) -> dict[str, Any]:
    return {**form_of({"id": "a", "type": "text"}), **change}


def field_form(*fields: dict[str, Any]) -> dict[str, Any]:
    return form_of(
        {"id": "first", "type": "yesno"}, {"id": "picks", "type": "choice", "options": options("x", "y")}, *fields
    )


TEXT = {"id": "a", "type": "text"}
SIGN = {"id": "s", "type": "signature"}


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        (None, "not an object"),
        ([], "not an object"),
        (broken(form_id="No Way"), "id is missing"),
        (broken(version=0), "version"),
        (broken(version=True), "version"),
        (broken(minutes="5"), "minutes"),
        (broken(title=" "), "no title"),
        (broken(kind=[]), "kind"),
        (broken(review_note=None), "review note"),
        (broken(intro=[]), "introduction has no text"),
        (broken(intro=[{"html": "<b>"}]), "block of text"),
        (broken(intro=[{"table": {"columns": ["a"], "rows": [[1]]}}]), "block of text"),
        (broken(sections=[]), "no sections"),
        (broken(sections=["x"]), "has no fields"),
        (broken(title="{{practice.nme}}"), "merge field is unknown"),
        (broken(title="{{practice.name"), "not closed"),
        (broken(title="{{fees.table}}"), "fee table"),
        (broken(intro=[{"list": ["{{fees.table}}"]}]), "fee table"),
        (broken(intro=["Fees: {{fees.table}}"]), "fee table"),
        (form_of(TEXT, dict(TEXT)), "used twice"),
        (broken(sections=form_of(TEXT)["sections"] * 2), "used twice"),
        (form_of(TEXT, id="No"), "no proper id"),
        (form_of(TEXT, why=""), "does not say why"),
        (form_of(TEXT, skippable=1), "skippable"),
        (field_form({"id": "A-1", "type": "text"}), "without a proper id"),
        (field_form({"id": "a", "type": "slider"}), "type is unknown"),
        (field_form({"id": "a", "type": ["text"]}), "type is unknown"),
        (field_form({**TEXT, "label": ""}), "no label"),
        (field_form({**TEXT, "required": "yes"}), "required"),
        (field_form({**TEXT, "help": 1}), "help is not text"),
        (field_form({**TEXT, "max": 0}), "max"),
        (field_form({**TEXT, "max": 10_001}), "max"),
        (field_form({**TEXT, "input": "url"}), "input"),
        (field_form({**TEXT, "prefill": "profile.ssn"}), "prefill"),
        (field_form({**TEXT, "prefill": "profile.birth_date"}), "birth_date"),
        (field_form({"id": "birth_date", "type": "date"}), "birth_date"),
        (field_form({"id": "a", "type": "info"}), "no text"),
        (field_form({"id": "a", "type": "info", "text": ["x"], "required": True}), "cannot be required"),
        (field_form({"id": "a", "type": "choice"}), "options"),
        (field_form({"id": "a", "type": "choice", "options": options("x")}), "options"),
        (field_form({"id": "a", "type": "choices", "options": options("x", "x")}), "options"),
        (field_form({"id": "a", "type": "choice", "options": [{"id": "x"}, {"id": "y"}]}), "options"),
        (field_form({"id": "a", "type": "table"}), "columns"),
        (field_form({"id": "a", "type": "scale"}), "ends"),
        (field_form({"id": "a", "type": "number", "min": "0"}), "min or max"),
        (field_form({"id": "a", "type": "yesno", "worrying": ["yes"]}), "worrying"),
        (field_form({"id": "a", "type": "choice", "options": options("x", "y"), "worrying": ["z"]}), "worrying"),
        (field_form({**TEXT, "worrying": ["x"]}), "worrying"),
        (field_form({**TEXT, "when": {"field": "later", "any_of": [True]}}, {"id": "later", "type": "yesno"}), "later"),
        (field_form({**TEXT, "when": {"field": "a", "any_of": [True]}}), "unknown or comes later"),
        (field_form({**TEXT, "when": {"field": "picks", "any_of": ["w"]}}), "never have"),
        (field_form({**TEXT, "when": {"field": "picks", "any_of": []}}), "never have"),
        (field_form({**TEXT, "when": {"field": "first", "any_of": [1]}}), "never have"),
        (field_form({**TEXT, "when": {"field": "first", "equals": True}}), "no known kind"),
        (field_form({**TEXT, "when": {"all": []}}), "has none"),
        (field_form({**TEXT, "when": {"all": [None]}}), "no known kind"),
        (field_form({**TEXT, "when": {"not": None}}), "no known kind"),
        (field_form({**TEXT, "when": {"age_under": "18"}}), "no known kind"),
        (field_form({**TEXT, "when": {}}), "no known kind"),
        (field_form({**TEXT, "when": "always"}), "not an object"),
        (form_of(SIGN, TEXT), "not the last field"),
        (form_of(TEXT, SIGN, {"id": "t", "type": "signature"}), "more than one"),
        (form_of(TEXT, SIGN, skippable=True), "can be skipped"),
        (form_of(TEXT, {**SIGN, "when": {"age_under": 18}}), "can be skipped or hidden"),
    ],
)
def test_check_finds(definition: Any, said: str) -> None:
    problems = definitions.check(definition)
    assert any(said in problem for problem in problems), problems


def test_check_survives_depth() -> None:
    condition: dict[str, Any] = {"age_under": 18}
    for _ in range(5_000):
        condition = {"not": condition}
    assert definitions.check(form_of({**TEXT, "when": condition})) == ["The form is nested too deeply."]


# ------------------------------------------------------------------------------------------------------ properties

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def sensible(spec: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that fit the field."""
    kind = spec["type"]
    if kind in ("choice", "choices"):
        one = st.sampled_from([option["id"] for option in spec["options"]])
        return one if kind == "choice" else st.lists(one, unique=True)
    if kind == "table":
        cell = st.sampled_from([column["id"] for column in spec["columns"]])
        return st.lists(st.dictionaries(cell, st.text(max_size=20).filter(lambda text: "\0" not in text)), max_size=3)
    if kind in ("yesno", "agree"):
        return st.booleans()
    if kind in ("number", "scale"):
        return st.integers(0, 10)
    if kind == "date":
        return st.dates(date(1900, 1, 1), TODAY).map(date.isoformat)
    return st.text(max_size=6).filter(lambda text: "\0" not in text)


@st.composite
def filled(draw: st.DrawFn, junk: bool = False) -> tuple[dict[str, Any], dict[str, Any], list[str], Facts]:
    form = draw(st.sampled_from([INTAKE, CONSENT, NOTICE, *[vector["form"] for vector in VECTORS[::5]]]))
    specs = [spec for section in form["sections"] for spec in section["fields"]]
    typed = {
        spec["id"]: draw(ANYTHING if junk and draw(st.integers(0, 3)) == 0 else sensible(spec))
        for spec in specs
        if (spec["type"] not in answers.SILENT or junk) and draw(st.integers(0, 3))
    }
    skipped = draw(st.lists(st.sampled_from([section["id"] for section in form["sections"]]), max_size=4))
    return form, typed, skipped, Facts(draw(st.none() | st.integers(0, 120)), TODAY)


@CALM
@given(filled(), st.dictionaries(st.text(max_size=8), ANYTHING, max_size=4), ANYTHING)
def test_accept_takes_or_says_why(case: Any, extra: dict[str, Any], junk: Any) -> None:
    form, typed, _, _ = case
    for section in form["sections"]:
        own = {spec["id"]: typed[spec["id"]] for spec in section["fields"] if spec["id"] in typed}
        taken = answers.accept(form, section["id"], own, TODAY)
        assert answers.accept(form, section["id"], taken, TODAY) == taken
        for changes in ({**own, **extra}, {key: junk for key in own}, junk):
            with suppress(AnswerProblems):
                json.dumps(answers.accept(form, section["id"], changes, TODAY), ensure_ascii=False).encode()


@CALM
@given(filled(junk=True))
def test_whatever_is_stored_the_engine_answers_and_settling_is_final(case: Any) -> None:
    form, typed, skipped, facts = case
    settled = answers.settle(form, typed, skipped, facts)
    assert answers.settle(form, settled, skipped, facts) == settled
    shown = answers.visible(form, typed, skipped, facts)
    assert answers.visible(form, settled, skipped, facts) == shown
    assert set(settled) <= set(shown.fields)
    assert answers.missing(form, settled, skipped, facts) == answers.missing(form, typed, skipped, facts)
    worries = answers.worrying(form, typed, skipped, facts)
    assert worries == answers.worrying(form, settled, skipped, facts)
    assert set(worries) <= set(settled)
    assert answers.canonical(answers.record(form, typed, skipped, facts))
    lines = answers.highlights(form, typed, skipped, facts)
    assert [line["field_id"] for line in lines if line["worrying"]] == worries
    sections = answers.transcript(form, typed, skipped, facts)
    json.dumps(sections)
    assert [section["section_id"] for section in sections] == shown.sections
    done, of = answers.progress(form, typed, skipped, facts, "safety")
    assert 0 <= done <= of == len(shown.sections)


@CALM
@given(filled(junk=True))
def test_nothing_missing_means_every_visible_required_field_is_answered(case: Any) -> None:
    form, typed, skipped, facts = case
    settled = answers.settle(form, typed, skipped, facts)
    shown = set(answers.visible(form, typed, skipped, facts).fields)
    absent = {problem.field_id for problem in answers.missing(form, typed, skipped, facts)}
    for spec in (spec for section in form["sections"] for spec in section["fields"]):
        if spec["id"] in shown and spec.get("required") and spec["type"] not in answers.SILENT:
            answered = settled.get(spec["id"]) is True if spec["type"] == "agree" else spec["id"] in settled
            assert answered is (spec["id"] not in absent)
        else:
            assert spec["id"] not in absent


@CALM
@given(
    ANYTHING, st.sampled_from(["sections", "intro", "title", "kind", "version", "minutes", "form_id", "review_note"])
)
def test_check_never_raises(junk: Any, key: str) -> None:
    assert definitions.check(junk)
    assert isinstance(definitions.check({**ALL, key: junk}), list)
    for inner in ("fields", "id", "when", "title", "skippable"):
        assert isinstance(definitions.check(form_of(dict(TEXT), **{inner: junk})), list)
    for inner in ("id", "type", "label", "when", "options", "columns", "worrying", "prefill", "max", "text", "ends"):
        for kind in ("text", "choice", "table", "info", "scale"):
            assert isinstance(definitions.check(form_of({"id": "a", "type": kind, inner: junk})), list)


@CALM
@given(st.dictionaries(st.sampled_from(sorted(answers.MERGE_FIELDS)), ANYTHING), filled())
def test_merge_leaves_nothing_unfilled(values: dict[str, Any], case: Any) -> None:
    plain = {key: value for key, value in values.items() if "{" not in json.dumps(value)}
    merged = answers.merge(case[0], plain)
    assert "{{" not in json.dumps(merged)
    assert answers.visible(merged, *case[1:]) == answers.visible(*case)


@CALM
@given(ANYTHING, st.dictionaries(st.sampled_from(sorted(name.split(".")[1] for name in answers.PREFILLS)), ANYTHING))
def test_prefill_gives_only_what_accept_takes(junk: Any, profile: dict[str, Any]) -> None:
    known = answers.prefill(INTAKE, {**profile, "emergency_contact": junk})
    for section in INTAKE["sections"]:
        own = {spec["id"]: known[spec["id"]] for spec in section["fields"] if spec["id"] in known}
        assert answers.accept(INTAKE, section["id"], own) == own
