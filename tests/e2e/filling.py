"""Fills in any form through its real fields, led by the definition that the API gives."""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Locator, expect

from tests.e2e.device import Device

Spec = dict[str, Any]
_FETCH = "async (path) => (await fetch(path, { headers: { 'X-Background': '1' } })).json()"


class Filling:
    """One form on one device. `answers` says what to answer where; the rest is answered calmly.

    `every`: optional questions are answered too, not only those that must be. `skip`: sections to leave for the
    conversation.
    """

    def __init__(
        self,
        device: Device,
        *,
        answers: Mapping[str, Any] | None = None,
        every: bool,
        skip: frozenset[str] = frozenset(),
    ) -> None:
        self.device, self.page, self.answers, self.every, self.skip = device, device.page, answers or {}, every, skip
        self.form: Spec = {}
        self.after: dict[str, Callable[[Device], None]] = {}  # called right after this question was answered

    def to_review(self) -> None:
        """From the form's first page, through every section, to "Check your answers"."""
        self.page.wait_for_url(re.compile(r"/forms/\w+/[a-z0-9-]+$"))
        path = urlsplit(self.page.url).path
        self.form = self.page.evaluate(_FETCH, _api_path(path))["definition"]
        self.device.arrived(self.form["title"])
        self.device.look(f"{self.form['form_id']}-start")
        self.device.follow("Start")
        while (step := self._step()) != "review":
            self.section(next(each for each in self.form["sections"] if each["id"] == step))

    def section(self, section: Spec) -> None:
        """Answer one section and go on."""
        self.device.arrived(section["title"])
        if section["id"] in self.skip:
            self.device.press("I would rather say this in person")
            expect(self.page.get_by_text("You will talk about this in person")).to_be_visible()
        else:
            for field in section["fields"]:
                self.field(field)
        self.device.look(f"{self.form['form_id']}-{section['id']}", both=False)
        self.page.get_by_role("button", name=re.compile("^Save and (continue|check)$")).click()
        self.page.wait_for_url(lambda url: section["id"] not in parse_qs(urlsplit(url).query).get("s", []))

    def _step(self) -> str:
        self.page.wait_for_url(lambda url: "s" in parse_qs(urlsplit(url).query))
        return parse_qs(urlsplit(self.page.url).query)["s"][0]

    # ---- one question ----

    def field(self, field: Spec) -> None:
        """Answer a question that is asked now."""
        box = self.page.locator(f'[data-field="{field["id"]}"]')
        wanted = field["id"] in self.answers
        if not wanted and not self.every and not field.get("required"):
            return
        if not box.is_visible() or field["type"] in ("info", "signature"):
            assert not wanted or "when" in field, f"{field['id']} is not asked"
            return
        if not wanted and field.get("prefill") and self._has_something(box, field):
            return
        value = self.answers[field["id"]] if wanted else calm(field)
        getattr(self, f"_{field['type']}")(box, field, value)
        if look := self.after.get(field["id"]):
            look(self.device)

    def _has_something(self, box: Locator, field: Spec) -> bool:
        if field["type"] in ("choice", "yesno"):
            return box.locator("input:checked").count() > 0
        return bool(box.locator("input, textarea").last.input_value())

    def _text(self, box: Locator, field: Spec, value: str) -> None:
        box.get_by_role("textbox").fill(value)

    _long = _initials = _text

    def _number(self, box: Locator, field: Spec, value: int) -> None:
        box.get_by_role("textbox").fill(str(value))

    def _date(self, box: Locator, field: Spec, value: str) -> None:
        year, month, day = value.split("-")
        box.get_by_label("Month").select_option(str(int(month)))
        box.get_by_label("Day").fill(str(int(day)))
        box.get_by_label("Year").fill(year)

    def _choice(self, box: Locator, field: Spec, value: str) -> None:
        label = next(option["label"] for option in field["options"] if option["id"] == value)
        select = box.get_by_role("combobox")
        if select.count():
            select.select_option(label=label)
        else:
            box.get_by_role("radio", name=label, exact=True).check()

    def _choices(self, box: Locator, field: Spec, value: list[str]) -> None:
        for option in field["options"]:
            box.get_by_role("checkbox", name=option["label"], exact=True).set_checked(option["id"] in value)

    def _yesno(self, box: Locator, field: Spec, value: bool) -> None:
        box.get_by_role("radio", name="Yes" if value else "No", exact=True).check()

    def _scale(self, box: Locator, field: Spec, value: int) -> None:
        box.get_by_role("radio", name=re.compile(rf"^{value}(,|$)")).check()

    def _table(self, box: Locator, field: Spec, value: list[dict[str, str]]) -> None:
        for number, row in enumerate(value, 1):
            box.get_by_role("button", name=re.compile("^Add")).click()
            for column in field["columns"]:
                box.get_by_label(f"{column['label']}, Row {number}", exact=True).fill(row[column["id"]])

    def _agree(self, box: Locator, field: Spec, value: bool) -> None:
        box.get_by_role("checkbox").set_checked(value)


def calm(field: Spec) -> Any:
    """An answer to a question of this kind that worries nobody."""
    worrying = field.get("worrying", [])
    match field["type"]:
        case "text":
            return {"tel": "+1 212 555 0188", "email": "someone@mail.example"}.get(
                field.get("input", ""), "In a few words"
            )
        case "long":
            return "In several words,\nover two lines."
        case "initials":
            return "WF"
        case "date":
            return "1990-02-28"
        case "number":
            return max(field.get("min", 0), min(7, field.get("max", 7)))
        case "scale":
            return 4
        case "agree":
            return True
        case "yesno":
            return next(each for each in (True, False) if each not in worrying)
        case "choice":
            return next(option["id"] for option in field["options"] if option["id"] not in worrying)
        case "choices":
            return [option["id"] for option in field["options"] if option["id"] not in worrying][:2]
        case "table":
            return [{column["id"]: f"{column['label']} {row}" for column in field["columns"]} for row in (1, 2)]
    raise AssertionError(f"unknown kind of question: {field['type']}")


def _api_path(path: str) -> str:
    """/forms/{intake}/{form} of the pages is /portal/intakes/{intake}/forms/{form} of the API."""
    _, _, intake, form = path.split("/")[:4]
    return f"/api/portal/intakes/{intake}/forms/{form}"
