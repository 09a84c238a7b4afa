"""The form engine: what is asked, what is accepted, what is missing, what is worrying, what stays; pure functions.

A form definition is plain data: sections of fields, some shown only under a condition. Three rules carry everything
here, and the browser's twin of this module keeps the same (tests/vectors/forms.json holds both to them):

* A field is visible when its section is not skipped, and its section's and its own condition hold. Conditions look
  only at values of visible fields that come earlier, so one walk from top to bottom decides everything.
* A section that is marked skippable may be left for the conversation. It stays in the list of sections; its fields
  are not asked, not required and not kept. Skipping any other section has no effect.
* No answer is an absent value, null, blank text, an empty choice or a table without a filled cell. `any_of` fails
  on no answer (and `not` of it holds); `age_under` fails while the age is unknown.

Every function takes a definition that passed definitions.check. Answers may be anything: a stored value that does not
fit its field counts as no answer.
"""

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NotRequired, TypedDict

from chalicelib import clock
from chalicelib.forms import Form

Answers = Mapping[str, Any]
Field = Mapping[str, Any]

SILENT = frozenset({"info", "signature"})  # fields that hold no answer of their own
LIMITS = {"text": 200, "long": 10_000, "initials": 6}  # characters (code points), unless the field says `max`
CELL_LIMIT = 200
ROW_LIMIT = 20
SAFE_INTEGER = 2**53 - 1  # beyond it a browser cannot hold the number exactly
EARLIEST = date(1900, 1, 1)
YEARS_AHEAD = 10
BIRTH_DATE = "birth_date"  # the field whose answer decides the age, whatever the file says

# What stands where a practice has not filled in a value yet. The crisis line alone is never left open.
ASK_US = "(ask us)"
MERGE_FIELDS = frozenset({
    "practice.name", "practice.phone", "practice.address", "therapist.name", "therapist.licence",
    "messages.reply_time", "cancellation.hours", "fees.table", "client.name", "notice.effective_date",
    "notice.version", "crisis.line",
})  # fmt: skip
FEE_TABLE = "{{fees.table}}"  # the one merge field that is a block: a paragraph of its own
FALLBACKS = {"crisis.line": "call or text 988"}
PREFILLS = frozenset({
    "profile.legal_name", "profile.preferred_name", "profile.pronouns", "profile.birth_date", "profile.address",
    "profile.phone", "profile.email", "profile.emergency_contact.name", "profile.emergency_contact.relationship",
    "profile.emergency_contact.phone", "profile.emergency_contact.may_contact",
})  # fmt: skip

MERGE = re.compile(r"\{\{([^{}]*)\}\}")
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
# Not calendar.month_name: that follows the machine's locale.
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December")  # fmt: skip


@dataclass(frozen=True)
class Facts:
    """What is known besides the answers: the age on the client's file in whole years, and the signer's today."""

    age: int | None
    today: date


@dataclass(frozen=True)
class Problem:
    """One thing wrong with one field. `detail` is a sentence for the person; it never repeats what was typed."""

    field_id: str
    code: str
    detail: str
    section_id: str = ""


class AnswerProblems(Exception):
    """The answers sent cannot be taken; `problems` says which and why. Nothing was accepted."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = problems


@dataclass(frozen=True)
class Visible:
    """Ids of what is shown, in the form's order. Skipped sections are listed; their fields are not."""

    sections: list[str]
    fields: list[str]


class Item(TypedDict):
    """One line of a transcript. `kind`: info (value: blocks), answer (text or list of texts), table (rows of texts,
    with `columns`) or agree ("Agreed" / "Not agreed"). A value of None was not answered."""

    field_id: str
    label: str
    kind: str
    value: Any
    worrying: bool
    columns: NotRequired[list[str]]


class Section(TypedDict):
    """One section of a transcript; a skipped one has no items."""

    section_id: str
    title: str
    skipped: bool
    items: list[Item]


class Highlight(TypedDict):
    """One line of the therapist's one-screen summary."""

    form_id: str
    section_id: str
    field_id: str
    label: str
    value: str
    worrying: bool


# ---------------------------------------------------------------------------------------------- accepting a value


class _Refused(Exception):
    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code)
        self.code, self.detail = code, detail


def _string(value: object, limit: int) -> str:
    """The text as typed, with line ends made \\n. NUL and lone surrogates cannot be stored or printed: refused."""
    if not isinstance(value, str):
        raise _Refused("wrong_type", "Enter text")
    text = value.replace("\r\n", "\n").replace("\r", "\n")
    if len(text) > limit:
        raise _Refused("too_long", f"Use {limit:,} characters or fewer")
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise _Refused("invalid_text", "Remove the characters that cannot be shown, then try again")
    return text


def _text(spec: Field, value: object, today: date) -> str:
    return _string(value, spec.get("max", LIMITS[spec["type"]]))


def _date(spec: Field, value: object, today: date) -> str | None:
    wrong = _Refused("invalid_date", "Enter the date as month, day, year")
    if not isinstance(value, str):
        raise wrong
    if value == "":
        return None
    day = _day(value)
    if day is None:
        raise wrong
    if day < EARLIEST:
        raise _Refused("invalid_date", "Enter a date after 1899")
    # A day of grace: the person's today may be ahead of the server's.
    if spec["id"] == BIRTH_DATE and (day - today).days > 1:
        raise _Refused("invalid_date", "Enter a date that is not in the future")
    if day > _years_later(today, YEARS_AHEAD):
        raise _Refused("invalid_date", f"Enter a date within the next {YEARS_AHEAD} years")
    return value


def _choice(spec: Field, value: object, today: date) -> str | None:
    if not isinstance(value, str):
        raise _Refused("wrong_type", "Choose one of the answers")
    if value == "":
        return None
    if value not in option_ids(spec):
        raise _Refused("unknown_option", "Choose one of the answers")
    return value


def _choices(spec: Field, value: object, today: date) -> list[str]:
    """The chosen ids in the form's order, each once, so that equal answers are equal bytes."""
    if not isinstance(value, list) or not all(isinstance(option, str) for option in value):
        raise _Refused("wrong_type", "Choose from the answers")
    known = option_ids(spec)
    if not set(value) <= set(known):
        raise _Refused("unknown_option", "Choose from the answers")
    return [option for option in known if option in value]


def _yesno(spec: Field, value: object, today: date) -> bool:
    if not isinstance(value, bool):
        raise _Refused("wrong_type", "Choose yes or no")
    return value


def _agree(spec: Field, value: object, today: date) -> bool:
    if not isinstance(value, bool):
        raise _Refused("wrong_type", "Check the box or leave it empty")
    return value


def _number(spec: Field, value: object, today: date) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # JSON does not tell 7.0 from 7
    if isinstance(value, bool) or not isinstance(value, int):
        raise _Refused("wrong_type", "Enter a whole number")
    scale = spec["type"] == "scale"
    low = 0 if scale else spec.get("min", -SAFE_INTEGER)
    high = 10 if scale else spec.get("max", SAFE_INTEGER)
    if not low <= value <= high:
        raise _Refused("out_of_range", _range(low, high))
    return value


def _range(low: int, high: int) -> str:
    if low == -SAFE_INTEGER and high == SAFE_INTEGER:
        return "Enter a smaller number"
    if high == SAFE_INTEGER:
        return f"Enter a number of {low} or more"
    if low == -SAFE_INTEGER:
        return f"Enter a number of {high} or less"
    return f"Enter a number from {low} to {high}"


def _table(spec: Field, value: object, today: date) -> list[dict[str, str]]:
    columns = {column["id"] for column in spec["columns"]}
    rows = spec.get("max_rows", ROW_LIMIT)
    if not isinstance(value, list) or not all(isinstance(row, Mapping) and set(row) <= columns for row in value):
        raise _Refused("wrong_type", "Fill in the rows of the table")
    if len(value) > rows:
        raise _Refused("too_many", f"Use {rows} rows or fewer")
    return [{key: _string(cell, CELL_LIMIT) for key, cell in row.items() if cell is not None} for row in value]


_TAKE: dict[str, Callable[[Field, object, date], Any]] = {
    "text": _text, "long": _text, "initials": _text, "date": _date, "choice": _choice, "choices": _choices,
    "yesno": _yesno, "agree": _agree, "number": _number, "scale": _number, "table": _table,
}  # fmt: skip


def accept(form: Form, section_id: str, changes: object, today: date | None = None) -> dict[str, Any]:
    """Type-check what a person sent for one section; None clears a field. Required fields are not asked for here.

    Returns the values to store: text exactly as typed (line ends made \\n), choices in the form's order. Raises
    AnswerProblems with every problem found, and then nothing is to be stored. Conditions play no part: what is
    hidden now may be shown again, and `settle` drops what is hidden at the end. `today` defaults to the UTC date.
    """
    day = today or clock.now().date()
    section = next((part for part in form["sections"] if part["id"] == section_id), None)
    if section is None:
        raise AnswerProblems([Problem("", "unknown_section", "This form has no such section", str(section_id))])
    if not isinstance(changes, Mapping):
        raise AnswerProblems([Problem("", "wrong_type", "Send the answers by field", section_id)])
    specs = {spec["id"]: spec for spec in section["fields"] if spec["type"] not in SILENT}
    accepted: dict[str, Any] = {}
    problems: list[Problem] = []
    for field_id, value in changes.items():
        try:
            if field_id not in specs:
                raise _Refused("unknown_field", "This section does not ask for this")
            spec = specs[field_id]
            accepted[field_id] = None if value is None else _TAKE[spec["type"]](spec, value, day)
        except _Refused as refused:
            problems.append(Problem(str(field_id), refused.code, refused.detail, section_id))
    if problems:
        raise AnswerProblems(problems)
    return accepted


# ---------------------------------------------------------------------------------- what is visible, what counts


@dataclass
class _Sight:
    """One walk through the form: (section, skipped, its visible fields) and the visible values by field id."""

    parts: list[tuple[Mapping[str, Any], bool, list[Field]]] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)

    def shown(self) -> Iterator[tuple[Mapping[str, Any], Field]]:
        for section, _, specs in self.parts:
            for spec in specs:
                yield section, spec


def _look(form: Form, answers: Answers, skipped: Collection[str], facts: Facts) -> _Sight:
    sight = _Sight()
    for section in form["sections"]:
        if not _holds(section.get("when"), sight.values, facts):
            continue
        skip = bool(section.get("skippable")) and section["id"] in skipped
        specs: list[Field] = []
        sight.parts.append((section, skip, specs))
        for spec in () if skip else section["fields"]:
            if _holds(spec.get("when"), sight.values, facts):
                specs.append(spec)
                value = _value(spec, answers, facts)
                if value is not None:
                    sight.values[spec["id"]] = value
    return sight


def _value(spec: Field, answers: Answers, facts: Facts) -> Any:
    """The stored value if it fits its field and says anything, else None."""
    value = answers.get(spec["id"])
    if value is None or spec["type"] in SILENT:
        return None
    try:
        value = _TAKE[spec["type"]](spec, value, facts.today)
    except _Refused:
        return None
    if spec["type"] == "table":
        value = [kept for row in value if (kept := {key: cell for key, cell in row.items() if cell.strip()})]
    if isinstance(value, str) and not value.strip():
        return None
    return None if value == [] else value


def _holds(condition: Mapping[str, Any] | None, values: Answers, facts: Facts) -> bool:
    if condition is None:
        return True
    if "all" in condition:
        return all(_holds(part, values, facts) for part in condition["all"])
    if "any" in condition:
        return any(_holds(part, values, facts) for part in condition["any"])
    if "not" in condition:
        return not _holds(condition["not"], values, facts)
    if "age_under" in condition:
        years = _age(values, facts)
        return years is not None and years < condition["age_under"]
    return _matches(values.get(condition["field"]), condition["any_of"])


def _matches(value: Any, wanted: Sequence[Any]) -> bool:
    """Whether the value is one of those wanted; for several choices, whether any is. True is not 1 here."""
    given = value if isinstance(value, list) else [value]
    return any(type(one) is type(want) and one == want for one in given for want in wanted)


def _age(values: Answers, facts: Facts) -> int | None:
    birth = _day(values[BIRTH_DATE]) if isinstance(values.get(BIRTH_DATE), str) else None
    return facts.age if birth is None else age(birth, facts.today)


def age(birth_date: date, today: date) -> int:
    """Whole years on `today`. Someone born on February 29 turns a year older on March 1 of a common year."""
    return today.year - birth_date.year - ((today.month, today.day) < (birth_date.month, birth_date.day))


def visible(form: Form, answers: Answers, skipped: Collection[str], facts: Facts) -> Visible:
    """What is shown, given the answers so far. Info and signature fields are fields like the others here."""
    sight = _look(form, answers, skipped, facts)
    return Visible([section["id"] for section, _, _ in sight.parts], [spec["id"] for _, spec in sight.shown()])


_ASK = {
    "date": "Enter the date as month, day, year",
    "choice": "Choose one of the answers",
    "choices": "Choose at least one answer",
    "yesno": "Choose yes or no",
    "number": "Enter a number",
    "scale": "Choose a number from 0 to 10",
    "table": "Fill in at least one row",
    "agree": "Check this box to go on",
    "initials": "Enter your initials",
}


def missing(form: Form, answers: Answers, skipped: Collection[str], facts: Facts) -> list[Problem]:
    """What must still be answered before signing, in the form's order. The signature itself is not an answer."""
    sight = _look(form, answers, skipped, facts)
    return [
        Problem(spec["id"], "missing", _ASK.get(spec["type"], "Enter an answer"), section["id"])
        for section, spec in sight.shown()
        if spec.get("required") and _is_missing(spec, sight.values)
    ]


def _is_missing(spec: Field, values: Answers) -> bool:
    if spec["type"] in SILENT:
        return False
    value = values.get(spec["id"])
    return value is not True if spec["type"] == "agree" else value is None


def worrying(form: Form, answers: Answers, skipped: Collection[str], facts: Facts) -> list[str]:
    """Ids of visible fields whose answer calls for the crisis numbers and a flag for staff, in the form's order."""
    sight = _look(form, answers, skipped, facts)
    return [spec["id"] for _, spec in sight.shown() if _worries(spec, sight.values)]


def _worries(spec: Field, values: Answers) -> bool:
    return _matches(values.get(spec["id"]), spec.get("worrying", ()))


def settle(form: Form, answers: Answers, skipped: Collection[str], facts: Facts) -> dict[str, Any]:
    """The answers as they are signed: visible and given ones only. Settling again changes nothing."""
    return dict(_look(form, answers, skipped, facts).values)


def record(form: Form, answers: Answers, skipped: Collection[str], facts: Facts) -> dict[str, Any]:
    """What one signature stands under: form and version, settled answers, sections left for the conversation."""
    sight = _look(form, answers, skipped, facts)
    return {
        "form_id": form["form_id"],
        "version": form["version"],
        "answers": sight.values,
        "skipped": sorted(section["id"] for section, skip, _ in sight.parts if skip),
    }


def canonical(value: object) -> bytes:
    """The one spelling of a JSON value, for hashing (RFC 8785): UTF-8, no spaces, keys sorted by UTF-16 code units.

    Whole numbers only: raises ValueError for a float, TypeError for what is not JSON.
    """
    text = json.dumps(_ordered(value), ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8")


def _ordered(value: object) -> object:
    if isinstance(value, float):
        raise ValueError("a float has no agreed spelling here")
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise TypeError("JSON keys are text")
        return {key: _ordered(value[key]) for key in sorted(value, key=lambda key: key.encode("utf-16-be"))}
    if isinstance(value, list | tuple):
        return [_ordered(one) for one in value]
    return value


def progress(
    form: Form, answers: Answers, skipped: Collection[str], facts: Facts, position: str | None = None
) -> tuple[int, int]:
    """(sections done, visible sections). Done: nothing required is missing, and it was skipped, has an answer, or
    lies before `position`, the section the person is at."""
    sight = _look(form, answers, skipped, facts)
    ids = [section["id"] for section, _, _ in sight.parts]
    reached = ids.index(position) if position in ids else 0
    done = 0
    for place, (_, skip, specs) in enumerate(sight.parts):
        touched = skip or place < reached or any(spec["id"] in sight.values for spec in specs)
        complete = not any(spec.get("required") and _is_missing(spec, sight.values) for spec in specs)
        done += touched and complete
    return done, len(ids)


# ------------------------------------------------------------------------------------------------ merging, reading


def merge(form: Form, values: Mapping[str, Any]) -> Form:
    """A copy of the form with its merge fields filled in from `values` ("practice.name": "…").

    A paragraph that is only {{fees.table}} becomes a table block from {"columns": […], "rows": [[…]]}. Where a value
    is missing stands a readable blank. What a value itself contains is never merged again.
    """
    return {key: _merged(part, values) for key, part in form.items()}


def _merged(node: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(node, str):
        return MERGE.sub(lambda found: _filled(found[1].strip(), values), node)
    if isinstance(node, list):
        return [_fees(values) if one == FEE_TABLE else _merged(one, values) for one in node]
    if isinstance(node, dict):
        return {key: _merged(one, values) for key, one in node.items()}
    return node


def _filled(name: str, values: Mapping[str, Any]) -> str:
    value = values.get(name)
    blank = value is None or isinstance(value, list | dict) or not str(value).strip()
    return FALLBACKS.get(name, ASK_US) if blank else str(value)


def _fees(values: Mapping[str, Any]) -> Any:
    table = values.get("fees.table")
    if not isinstance(table, Mapping) or not table.get("rows"):
        return "Our fees are not listed here yet. Ask us what each service costs before your first visit."
    rows = [[str(cell) for cell in row] for row in table["rows"]]
    return {"table": {"columns": [str(column) for column in table.get("columns", ())], "rows": rows}}


def prefill(form: Form, profile: Mapping[str, Any]) -> dict[str, Any]:
    """First answers from the client's file, only where they fit the field. An address becomes lines of text; a
    choice is matched by its id or its label."""
    known: dict[str, Any] = {}
    today = clock.now().date()
    for section in form["sections"]:
        for spec in section["fields"]:
            value = _from_profile(spec.get("prefill"), profile)
            if value is None or spec["type"] in SILENT:
                continue
            if spec["type"] == "choice":
                value = _option_for(spec, value)
            fits = _value(spec, {spec["id"]: value}, Facts(None, today))
            if fits is not None:
                known[spec["id"]] = fits
    return known


def _from_profile(source: str | None, profile: Mapping[str, Any]) -> Any:
    if source not in PREFILLS:
        return None
    value: Any = profile
    for name in source.split(".")[1:]:
        value = value.get(name) if isinstance(value, Mapping) else None
    if source == "profile.address" and isinstance(value, Mapping):
        return _address(value)
    return value.isoformat() if isinstance(value, date) else value


def _address(address: Mapping[str, Any]) -> str:
    def part(name: str) -> str:
        value = address.get(name)
        return value.strip() if isinstance(value, str) else ""

    place = ", ".join(filter(None, (part("city"), f"{part('region')} {part('postal_code')}".strip())))
    country = "" if part("country") in ("US", "USA", "United States") else part("country")
    return "\n".join(filter(None, (part("line1"), part("line2"), place, country)))


def _option_for(spec: Field, value: object) -> str | None:
    wanted = str(value).strip().casefold()
    for option in spec["options"]:
        if wanted in (option["id"].casefold(), option["label"].casefold()):
            return str(option["id"])
    return None


def transcript(form: Form, answers: Answers, skipped: Collection[str], facts: Facts) -> list[Section]:
    """The signed form as a person reads it, for the PDF and the page of the same record: every visible section and
    field in order, answers in words. Signature fields are left out: the signature has its own place."""
    sight = _look(form, answers, skipped, facts)
    return [
        {
            "section_id": section["id"],
            "title": section["title"],
            "skipped": skip,
            "items": [_item(spec, sight.values) for spec in specs if spec["type"] != "signature"],
        }
        for section, skip, specs in sight.parts
    ]


def _item(spec: Field, values: Answers) -> Item:
    kind = {"info": "info", "agree": "agree", "table": "table"}.get(spec["type"], "answer")
    item: Item = {
        "field_id": spec["id"],
        "label": spec.get("label", ""),
        "kind": kind,
        "value": spec["text"] if kind == "info" else _readable(spec, values.get(spec["id"])),
        "worrying": _worries(spec, values),
    }
    if kind == "table":
        item["columns"] = [column["label"] for column in spec["columns"]]
    return item


def _readable(spec: Field, value: Any) -> Any:
    kind = spec["type"]
    if kind == "agree":
        return "Agreed" if value is True else "Not agreed"
    if value is None:
        return None
    if kind == "yesno":
        return "Yes" if value else "No"
    if kind == "date":
        return spoken(value)
    if kind == "choice":
        return _labels(spec)[value]
    if kind == "choices":
        return [_labels(spec)[option] for option in value]
    if kind == "table":
        return [[row.get(column["id"], "") for column in spec["columns"]] for row in value]
    if kind == "scale" and spec.get("ends"):
        return f"{value} (0: {spec['ends'][0]}, 10: {spec['ends'][1]})"
    return str(value)


def highlights(form: Form, answers: Answers, skipped: Collection[str], facts: Facts) -> list[Highlight]:
    """For the therapist's one-screen summary: the answered fields marked for it, and every worrying answer."""
    sight = _look(form, answers, skipped, facts)
    lines: list[Highlight] = []
    for section, spec in sight.shown():
        worries = _worries(spec, sight.values)
        if spec["id"] in sight.values and (spec.get("highlight") or worries):
            value = _one_line(_readable(spec, sight.values[spec["id"]]))
            label = spec.get("short_label") or spec["label"]
            lines.append({"form_id": form["form_id"], "section_id": section["id"], "field_id": spec["id"],
                          "label": label, "value": value, "worrying": worries})  # fmt: skip
    return lines


def _one_line(value: Any) -> str:
    if not isinstance(value, list):
        return str(value)
    if value and isinstance(value[0], list):
        return "; ".join(", ".join(filter(None, row)) for row in value)
    return ", ".join(value)


def _labels(spec: Field) -> dict[str, str]:
    return {option["id"]: option["label"] for option in spec["options"]}


def option_ids(spec: Field) -> list[str]:
    """The ids of what can be chosen, in the form's order."""
    return [option["id"] for option in spec["options"]]


def _day(value: str) -> date | None:
    if not _ISO_DATE.fullmatch(value):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def _years_later(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # February 29, and no such day then
        return date(day.year + years, 3, 1)


def spoken(value: str) -> str:
    """A date (ISO) as it is read: February 3, 2026."""
    day = date.fromisoformat(value)
    return f"{_MONTHS[day.month - 1]} {day.day}, {day.year}"
