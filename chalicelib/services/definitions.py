"""What a form definition may be: its structure, its conditions, its merge fields, its signature; pure functions.

A definition that passes `check` is safe for the engine (services/answers), whatever is answered.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.services.answers import (
    BIRTH_DATE,
    FEE_TABLE,
    LIMITS,
    MERGE,
    MERGE_FIELDS,
    PREFILLS,
    ROW_LIMIT,
    Field,
    option_ids,
)

TYPES = frozenset({
    "text", "long", "date", "choice", "choices", "yesno", "number", "scale", "table", "info", "agree", "initials",
    "signature",
})  # fmt: skip
KINDS = frozenset({"questionnaire", "consent", "notice"})
_ID = re.compile(r"[a-z0-9_]{1,60}")
_FORM_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True)
class Flaw:
    """One thing wrong with a definition. `section` and `field` are places from 0; None: it is about the whole form, or
    the whole section. `sentence` names the place, `detail` says the same beside it."""

    section: int | None
    field: int | None
    sentence: str
    detail: str


def check(definition: object) -> list[str]:
    """What is wrong with the structure of a form definition, in words for whoever builds it; empty when all is well.

    Never raises, whatever it is given. Only a definition without problems may go to the engine.
    """
    return [flaw.sentence for flaw in flaws(definition)]


def flaws(definition: object) -> list[Flaw]:
    """What `check` finds, each with its place. Never raises, whatever it is given."""
    try:
        return _check(definition)
    except RecursionError:
        return _about_form(["The form is nested too deeply."])


def unfit(definition: object) -> list[Flaw]:
    """What keeps a form from being sent: every flaw, and a form that nobody could sign (DOMAIN.md 4.2)."""
    found = flaws(definition)
    return found or ([] if _asks_signature(definition) else _about_form([UNSIGNED]))


UNSIGNED = "The form has no signature. Add one as the last field of the last section."


def _asks_signature(definition: Any) -> bool:
    return any(spec["type"] == "signature" for section in definition["sections"] for spec in section["fields"])


def _about_form(sentences: Iterable[str]) -> list[Flaw]:
    return [Flaw(None, None, sentence, sentence) for sentence in sentences]


def _at(wheres: Sequence[str], section: int, field: int | None, sentences: Iterable[str]) -> list[Flaw]:
    """Sentences that begin with one of `wheres`, which nobody needs to read beside the very place."""
    found = []
    for sentence in sentences:
        where = next((each for each in wheres if sentence.startswith(each)), "")
        detail = sentence.removeprefix(where).lstrip(":, ")
        found.append(Flaw(section, field, sentence, detail[:1].upper() + detail[1:]))
    return found


def _check(definition: object) -> list[Flaw]:
    if not isinstance(definition, Mapping):
        return _about_form(["The form is not an object."])
    sections = definition.get("sections")
    head = {name: value for name, value in definition.items() if name != "sections"}
    found = _about_form([*_check_head(definition), *_check_merge_fields(head)])
    if not isinstance(sections, list) or not sections:
        return [*found, *_about_form(["The form has no sections."])]
    seen: dict[str, Field] = {}  # fields so far: conditions may only look back
    section_ids: set[str] = set()
    for place, section in enumerate(sections):
        where = f"Section {place + 1}"
        if not isinstance(section, Mapping) or not isinstance(section.get("fields"), list) or not section["fields"]:
            found += _at([where], place, None, [f"{where} has no fields."])
            continue
        words = {name: value for name, value in section.items() if name != "fields"}
        problems = [*_check_section(section, where, section_ids, seen), *_check_merge_fields(words)]
        found += _at([where], place, None, problems)
        for number, spec in enumerate(section["fields"]):
            named = f"{where}, {spec['id']}" if isinstance(spec, Mapping) and "id" in spec else where
            problems = [*_check_field(spec, where, seen), *_check_merge_fields({"field": spec})]
            found += _at([named, where], place, number, problems)
    return [*found, *_about_form(_check_signature(sections))]


def _check_head(definition: Mapping[str, Any]) -> Iterator[str]:
    if not _is_match(_FORM_ID, definition.get("form_id")):
        yield "The form's id is missing or not made of small letters, digits and hyphens."
    if not _is_count(definition.get("version")):
        yield "The version is not a whole number from 1."
    if not _is_count(definition.get("minutes")):
        yield "The minutes are not a whole number from 1."
    if not _is_words(definition.get("title")):
        yield "The form has no title."
    if definition.get("kind") not in tuple(KINDS):
        yield "The kind is not one of questionnaire, consent, notice."
    if not _is_words(definition.get("review_note")):
        yield "The form has no review note."
    yield from _check_blocks(definition.get("intro"), "The introduction")


def _check_section(
    section: Mapping[str, Any], where: str, section_ids: set[str], seen: Mapping[str, Field]
) -> Iterator[str]:
    name = section.get("id")
    if not _is_match(_ID, name):
        yield f"{where} has no proper id."
    elif name in section_ids:
        yield f"{where}: the id {name} is used twice."
    else:
        section_ids.add(str(name))
    if not _is_words(section.get("title")):
        yield f"{where} has no title."
    if not _is_words(section.get("why")):
        yield f"{where} does not say why it asks."
    if not isinstance(section.get("skippable", False), bool):
        yield f"{where}: skippable is neither true nor false."
    yield from _check_condition(section.get("when"), where, seen)


def _check_field(spec: object, where: str, seen: dict[str, Field]) -> list[str]:
    """Problems of one field; a sound one joins `seen`."""
    if not isinstance(spec, Mapping) or not _is_match(_ID, spec.get("id")):
        return [f"{where} has a field without a proper id."]
    where = f"{where}, {spec['id']}"
    if spec.get("type") not in tuple(TYPES):
        return [f"{where}: the type is unknown."]
    problems = [f"{where}: the id is used twice."] if spec["id"] in seen else []
    if spec["type"] == "info":
        problems += _check_blocks(spec.get("text"), where)
    elif not _is_words(spec.get("label")):
        problems.append(f"{where}: there is no label.")
    problems += [f"{where}: {key} is neither true nor false." for key in ("required", "highlight")
                 if not isinstance(spec.get(key, False), bool)]  # fmt: skip
    problems += [f"{where}: {key} is not text." for key in ("help", "short_label")
                 if not isinstance(spec.get(key, ""), str)]  # fmt: skip
    problems.extend(_check_condition(spec.get("when"), where, seen))
    problems.extend(_check_shape(spec, where))
    problems.extend(_check_prefill(spec, where))
    seen.setdefault(spec["id"], spec)
    return problems


def _check_shape(spec: Field, where: str) -> Iterator[str]:
    """The parts that only some types have."""
    kind = spec["type"]
    if kind == "info" and spec.get("required"):
        yield f"{where}: text alone cannot be required."
    if kind in ("choice", "choices") and not _are_options(spec.get("options"), 2):
        yield f"{where}: the options are missing, too few, or two have the same id."
    if kind == "table" and not _are_options(spec.get("columns"), 1):
        yield f"{where}: the columns are missing or two have the same id."
    if kind == "table" and not _is_count(spec.get("max_rows", ROW_LIMIT)):
        yield f"{where}: max_rows is not a whole number from 1."
    if kind in LIMITS and not (_is_count(spec.get("max", 1)) and spec.get("max", 1) <= LIMITS["long"]):
        yield f"{where}: max is not a whole number from 1 to {LIMITS['long']}."
    if kind == "number" and not all(_is_whole(spec.get(key, 0)) for key in ("min", "max")):
        yield f"{where}: min or max is not a whole number."
    ends = spec.get("ends")
    if kind == "scale" and not (isinstance(ends, list) and len(ends) == 2 and all(map(_is_words, ends))):
        yield f"{where}: the two ends of the scale have no words."
    if spec.get("input", "tel") not in ("tel", "email") or ("input" in spec and kind != "text"):
        yield f"{where}: input is tel or email, on a text field."
    if "worrying" in spec and not _can_be(spec, spec["worrying"]):
        yield f"{where}: a worrying value can never be given."


def _check_prefill(spec: Field, where: str) -> Iterator[str]:
    source = spec.get("prefill")
    if source is not None and not (isinstance(source, str) and source in PREFILLS):
        yield f"{where}: the prefill source is unknown."
    if (source == "profile.birth_date" or spec["type"] == "date") and (source == "profile.birth_date") != (
        spec["id"] == BIRTH_DATE
    ):
        yield f"{where}: the date of birth is the field {BIRTH_DATE}, prefilled from profile.birth_date."


def _check_condition(condition: object, where: str, seen: Mapping[str, Field]) -> Iterator[str]:
    if condition is None:
        return
    if not isinstance(condition, Mapping):
        yield f"{where}: the condition is not an object."
    elif set(condition) == {"field", "any_of"}:
        name = condition["field"]
        if not isinstance(name, str) or name not in seen:
            yield f"{where}: the condition looks at a field that is unknown or comes later."
        elif not _can_be(seen[name], condition["any_of"]):
            yield f"{where}: the condition waits for a value that {name} can never have."
    elif set(condition) in ({"all"}, {"any"}):
        (parts,) = condition.values()
        if not isinstance(parts, list) or not parts:
            yield f"{where}: a condition of several parts has none."
        for part in parts if isinstance(parts, list) else ():
            yield from _check_condition(part if part is not None else {}, where, seen)
    elif set(condition) == {"not"}:
        inner = condition["not"]
        yield from _check_condition(inner if inner is not None else {}, where, seen)
    elif set(condition) != {"age_under"} or not _is_count(condition["age_under"]):
        yield f"{where}: the condition is of no known kind."


def _check_signature(sections: list[Any]) -> Iterator[str]:
    """At most one signature, at the very end, in a section that is always there."""
    parts = [part for part in sections if isinstance(part, Mapping) and isinstance(part.get("fields"), list)]
    places = [(part, spec) for part in parts for spec in part["fields"]
              if isinstance(spec, Mapping) and spec.get("type") == "signature"]  # fmt: skip
    if len(places) > 1:
        yield "There is more than one signature."
    for section, spec in places:
        if section is not sections[-1] or spec is not section["fields"][-1]:
            yield "The signature is not the last field of the last section."
        if section.get("skippable") or section.get("when") is not None or spec.get("when") is not None:
            yield "The signature can be skipped or hidden."


def _check_blocks(blocks: object, where: str) -> Iterator[str]:
    if not isinstance(blocks, list) or not blocks:
        yield f"{where} has no text."
    elif not all(_is_block(block) for block in blocks):
        yield f"{where}: a block of text is of no known kind."


def _is_block(block: object) -> bool:
    if not isinstance(block, Mapping):
        return _is_words(block)
    if set(block) == {"list"}:
        return isinstance(block["list"], list) and bool(block["list"]) and all(map(_is_words, block["list"]))
    if set(block) == {"heading"}:
        return _is_words(block["heading"])
    table = block.get("table")
    if set(block) != {"table"} or not isinstance(table, Mapping) or set(table) != {"columns", "rows"}:
        return False
    lines = [table["columns"], *table["rows"]] if isinstance(table["rows"], list) else [None]
    return all(isinstance(line, list) and line and all(isinstance(cell, str) for cell in line) for line in lines)


def _check_merge_fields(definition: Mapping[str, Any]) -> Iterator[str]:
    for text, is_paragraph in _texts(definition):
        for name in MERGE.findall(text):
            if name not in MERGE_FIELDS:
                yield "A merge field is unknown."
            elif name == "fees.table" and not (is_paragraph and text == FEE_TABLE):
                yield "The fee table does not stand in a paragraph of its own."
        if "{{" in MERGE.sub("", text) or "}}" in MERGE.sub("", text):
            yield "A merge field is not closed."


def _texts(node: object, key: object = None) -> Iterator[tuple[str, bool]]:
    """Every text in the definition, and whether it is a paragraph among blocks."""
    if isinstance(node, str):
        yield node, False
    elif isinstance(node, Mapping):
        for name, one in node.items():
            yield from _texts(one, name)
    elif isinstance(node, list):
        for one in node:
            if isinstance(one, str):
                yield one, key in ("text", "intro")
            else:
                yield from _texts(one)


def _can_be(spec: Field, values: object) -> bool:
    """Whether `values` is a list of values that this field can hold."""
    if not isinstance(values, list) or not values or spec["type"] not in (
        "choice", "choices", "yesno", "agree", "number", "scale"
    ):  # fmt: skip
        return False
    if spec["type"] in ("yesno", "agree"):
        return all(isinstance(value, bool) for value in values)
    if spec["type"] in ("number", "scale"):
        return all(map(_is_whole, values))
    options = spec.get("options")
    return _are_options(options, 1) and all(value in option_ids(spec) for value in values)


def _are_options(options: object, least: int) -> bool:
    if not isinstance(options, list) or len(options) < least:
        return False
    sound = all(isinstance(one, Mapping) and _is_match(_ID, one.get("id")) and _is_words(one.get("label"))
                for one in options)  # fmt: skip
    return sound and len({one["id"] for one in options}) == len(options)


def _is_match(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_words(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
