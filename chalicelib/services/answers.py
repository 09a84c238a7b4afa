"""The form engine: what is asked, what is accepted, what is missing, what is worrying, what stays; pure functions.

A form definition is plain data: sections of fields, some shown only under a condition. Three rules carry everything
here, and the browser's twin of this module keeps the same (tests/vectors/forms.json holds both to them):

* A field is visible when its section is not skipped, and its section's and its own condition hold. Conditions look
  only at values of visible fields that come earlier, so one walk from top to bottom decides everything.
* A section that is marked skippable may be left for the conversation. It stays in the list of sections; its fields
  are not asked, not required and not kept. Skipping any other section has no effect.
* No answer is an absent value, null, blank text, an empty choice or a table without a filled cell. `any_of` fails
  on no answer (and `not` of it holds); `age_under` fails while the age is unknown.

Every function takes a definition that passed `check`. Answers may be anything: a stored value that does not fit its
field counts as no answer.
"""

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NotRequired, TypedDict

from chalicelib import clock
from chalicelib.forms import Form

Answers = Mapping[str, Any]
Field = Mapping[str, Any]

TYPES = frozenset({
    "text", "long", "date", "choice", "choices", "yesno", "number", "scale", "table", "info", "agree", "initials",
    "signature",
})  # fmt: skip
KINDS = frozenset({"questionnaire", "consent", "notice"})
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

_MERGE = re.compile(r"\{\{([^{}]*)\}\}")
_ID = re.compile(r"[a-z0-9_]{1,60}")
_FORM_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
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
    if value not in _option_ids(spec):
        raise _Refused("unknown_option", "Choose one of the answers")
    return value


def _choices(spec: Field, value: object, today: date) -> list[str]:
    """The chosen ids in the form's order, each once, so that equal answers are equal bytes."""
    if not isinstance(value, list) or not all(isinstance(option, str) for option in value):
        raise _Refused("wrong_type", "Choose from the answers")
    known = _option_ids(spec)
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
        return _MERGE.sub(lambda found: _filled(found[1].strip(), values), node)
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


def _option_ids(spec: Field) -> list[str]:
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


# ------------------------------------------------------------------------------------------- checking a definition


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

    Never raises, whatever it is given. Only a definition without problems may go into the other functions.
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
        for name in _MERGE.findall(text):
            if name not in MERGE_FIELDS:
                yield "A merge field is unknown."
            elif name == "fees.table" and not (is_paragraph and text == FEE_TABLE):
                yield "The fee table does not stand in a paragraph of its own."
        if "{{" in _MERGE.sub("", text) or "}}" in _MERGE.sub("", text):
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
    return _are_options(options, 1) and all(value in _option_ids(spec) for value in values)


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
