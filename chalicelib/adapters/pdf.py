"""The signed form as a PDF: what it holds, and how it is set on the page."""

from __future__ import annotations

import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from chalicelib.adapters.pdf_page import (
    ACCENT,
    INK,
    INK_2,
    INK_3,
    SUNKEN,
    WIDTH,
    Composer,
    Element,
    file_of,
)
from chalicelib.adapters.typesetting import Line, Style, set_text, visible

Value = str | list[str] | list[list[str]] | None
Strokes = list[list[list[int]]]


@dataclass(frozen=True)
class Item:
    """One thing in a section: a text to read ("info"), a question with its answer, a table, or a sentence agreed to.

    `value`: a text or None (not answered) for "answer"; a list of texts where several options were chosen; a list of
    rows for "table" (with `columns`); "agree" takes "Agreed" (or "yes") as agreed, anything else as not.
    `blocks`: the text of an "info" (and of an "agree", where it stands above the sentence): paragraphs as str,
    {"heading": str}, {"list": [str]}, {"table": {"columns": [str], "rows": [[str]]}}.
    """

    label: str
    kind: Literal["info", "answer", "table", "agree"]
    value: Value = None
    columns: list[str] | None = None
    blocks: list[Any] | None = None


@dataclass(frozen=True)
class Section:
    """A section of the form; a skipped one was left for the conversation and holds no answers. One without a title (an
    introduction) has no heading."""

    title: str
    skipped: bool = False
    why: str | None = None
    items: list[Item] = field(default_factory=list)


@dataclass(frozen=True)
class Signature:
    """One person's signature and how it came about (DOMAIN.md 4.4). `signed_at` is aware; `strokes` are points in a
    box of 1000 by 300, y downwards, and None for a typed signature."""

    name: str
    printed_name: str
    relationship: str
    method: Literal["typed", "drawn"]
    strokes: Strokes | None
    signed_at: datetime
    time_zone: str
    ip: str
    device: str
    authenticated_by: str
    account_ref: str
    session_ref: str
    disclosure_version: str
    intent: str


@dataclass(frozen=True)
class SignedForm:
    """Everything the document says. The same value gives the same bytes."""

    organization: str
    title: str
    version: str
    form_sha256: str
    answers_sha256: str
    client_name: str
    document_id: str
    sections: list[Section]
    signatures: list[Signature]
    events: list[tuple[str, datetime]]
    verify_url: str
    zone: str
    language: str = "en"


TITLE = Style("strong", 21, 27, INK)
ORGANIZATION = Style("strong", 10, 14, ACCENT)
HEADING = Style("strong", 13, 18, ACCENT)
SMALL_HEADING = Style("strong", 10.5, 15.5, INK)
BODY = Style("text", 10, 15, INK)
LABEL = Style("strong", 9.5, 14, INK)
KEY = Style("text", 9, 14, INK_2)
FINE = Style("text", 9, 13.5, INK_2)
QUIET = Style("text", 10, 15, INK_3)
CELL = Style("text", 9, 13, INK)
HASH = Style("text", 8.5, 13, INK)  # 64 hexadecimal digits fit on a line
CELL_HEAD = Style("strong", 8.5, 13, INK_2)
SIGNED = Style("script", 27, 40, INK)

_LABEL_WIDTH = 176.0
_GAP = 18.0
_BESIDE_LINES = 7  # a longer answer stands below its question in the full width
_RELATIONSHIPS = {"self": "Self", "parent": "Parent", "guardian": "Guardian", "other": "Other"}
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
           "December")  # fmt: skip


def render(document: SignedForm) -> bytes:
    """The whole document: the form as it was answered, the signatures, and the certificate page.

    A pure function: no clock, no randomness, nothing read but the fonts. The same value gives the same bytes, so the
    sealing of one record may be repeated safely. Every text is drawn as it is; none is read as markup."""
    page = Composer(
        title=visible(f"{document.title}, {document.client_name}"),
        author=visible(document.organization),
        language=document.language,
        running=(f"{document.organization}  ·  {document.title}, version {document.version}", document.client_name),
        foot=f"Document {document.document_id}",
        created=max((s.signed_at for s in document.signatures), default=None),
    )
    _opening(page, document)
    for section in document.sections:
        _section(page, section)
    _signatures(page, document)
    _certificate(page, document)
    return file_of(page)


def _opening(page: Composer, document: SignedForm) -> None:
    root = page.root
    page.flow(set_text(document.organization, ORGANIZATION, WIDTH), root.add("P"))
    page.space(4)
    page.flow(set_text(document.title, TITLE, WIDTH), root.add("H1"))
    page.space(10)
    page.rule(ACCENT, 1.2)
    page.space(8)
    _row(page, root, "Client", document.client_name)
    _row(page, root, "Form version", document.version)
    for signature in document.signatures:
        who = f"{signature.printed_name}\n{_when(signature.signed_at, signature.time_zone)}"
        _row(page, root, "Signed by", who)
    page.space(2)
    page.rule()
    page.space(6)


# ---- the form ---------------------------------------------------------------------------------------------------


def _section(page: Composer, section: Section) -> None:
    part = page.root.add("Sect")
    page.space(12)
    if section.title:
        title = set_text(section.title, HEADING, WIDTH)
        page.keep(len(title) * HEADING.leading + 46)
        page.flow(title, part.add("H2"))
        page.space(2)
    if section.why:
        page.flow(set_text(section.why, FINE, WIDTH), part.add("P"))
    page.space(6)
    if section.skipped:
        _left_out(page, part)
        return
    for item in section.items:
        _item(page, part, item)


def _left_out(page: Composer, part: Element) -> None:
    lines = set_text("Left for the conversation", LABEL, WIDTH - 24)
    lines += set_text("The client chose to talk about this section in person instead of writing.", FINE, WIDTH - 24)
    height = sum(line.style.leading for line in lines) + 16
    page.keep(height)
    page.panel(height, SUNKEN)
    page.space(8)
    page.flow(lines, part.add("P"), indent=12)
    page.space(14)


def _item(page: Composer, part: Element, item: Item) -> None:
    if item.kind == "info":
        if item.label:
            _small_heading(page, part, item.label)
        _blocks(page, part, item.blocks or _paragraphs(item.value))
    elif item.kind == "agree":
        _blocks(page, part, item.blocks or [])
        _agreement(page, part, item)
    elif item.kind == "table":
        rows = [[str(cell) for cell in row] for row in item.value or [] if isinstance(row, list)]
        _small_heading(page, part, item.label)
        if rows:
            _table(page, part, item.columns or [], rows)
        else:
            page.flow(set_text("Nothing entered", QUIET, WIDTH), part.add("P"))
            page.space(8)
    else:
        _blocks(page, part, item.blocks or [])
        _row(page, part, item.label, item.value, label_style=LABEL, ruled=True)


def _paragraphs(value: Value) -> list[Any]:
    if isinstance(value, list):
        return list(value)
    return [value] if value else []


def _small_heading(page: Composer, part: Element, text: str) -> None:
    lines = set_text(text, SMALL_HEADING, WIDTH)
    page.space(6)
    page.keep(len(lines) * SMALL_HEADING.leading + 32)
    page.flow(lines, part.add("H3"))
    page.space(3)


def _blocks(page: Composer, part: Element, blocks: list[Any]) -> None:
    """The text that a person was shown, in full (FORMS.md, blocks)."""
    for block in blocks:
        if isinstance(block, str):
            page.flow(set_text(block, BODY, WIDTH), part.add("P"))
            page.space(6)
        elif "heading" in block:
            _small_heading(page, part, block["heading"])
        elif "list" in block:
            _bullets(page, part, block["list"])
            page.space(6)
        elif "table" in block:
            table = block["table"]
            _table(page, part, table.get("columns", []), table.get("rows", []))


def _bullets(page: Composer, part: Element, texts: Sequence[str], left: float = 0, width: float = WIDTH) -> None:
    listing = part.add("L")
    for text in texts:
        entry = listing.add("LI")
        lines = set_text(text, BODY, width - 14)
        page.keep(min(len(lines), 2) * BODY.leading)
        page.beside(set_text("•", BODY, 14)[0], entry.add("Lbl"), left + 2)
        page.flow(lines, entry.add("LBody"), indent=left + 14, width=width - 14)
        page.space(2)


def _agreement(page: Composer, part: Element, item: Item) -> None:
    agreed = _affirmed(item.value)
    lines = set_text(item.label, BODY, WIDTH - 24)
    page.keep(min(len(lines) + 1, 4) * BODY.leading)
    page.checkbox(agreed, BODY)
    node = part.add("P")
    page.flow(lines, node, indent=24)
    state = "Agreed" if agreed else "Not agreed"
    page.flow(set_text(state, LABEL if agreed else QUIET, WIDTH - 24), node, indent=24)
    page.space(8)


def _affirmed(value: Value) -> bool:
    return isinstance(value, str) and value.strip().lower() in ("yes", "true", "agreed", "i agree")


def _row(
    page: Composer, part: Element, label: str, value: Value, *, label_style: Style = KEY, ruled: bool = False
) -> None:
    """A question and its answer: beside each other when short, else one above the other."""
    texts = [str(text) for text in value] if isinstance(value, list) else [value or ""]
    answered = any(text.strip() for text in texts)
    style = BODY if answered else QUIET
    if not answered:
        texts = ["Not answered"]
    beside = WIDTH - _LABEL_WIDTH - _GAP
    question = set_text(label, label_style, _LABEL_WIDTH)
    answer = [line for text in texts for line in set_text(text, style, beside)]
    if len(answer) > _BESIDE_LINES or len(question) > _BESIDE_LINES:
        _stacked(page, part, label, texts, label_style, style)
    else:
        page.keep(max(_height(question), _height(answer)))
        top = page.y
        page.flow(question, part.add("P"), width=_LABEL_WIDTH)
        below, page.y = page.y, top
        page.flow(answer, part.add("P"), indent=_LABEL_WIDTH + _GAP, width=beside, flush=ruled)
        page.y = min(page.y, below)
    page.space(4)
    if ruled:
        page.rule()
        page.space(4)


def _stacked(page: Composer, part: Element, label: str, texts: list[str], label_style: Style, style: Style) -> None:
    question = set_text(label, label_style, WIDTH)
    page.keep(_height(question) + 3 * style.leading)
    page.flow(question, part.add("P"))
    page.space(2)
    for text in texts:
        page.flow(set_text(text, style, WIDTH), part.add("P"))
        page.space(2)


def _height(lines: list[Line]) -> float:
    return sum(line.style.leading for line in lines)


def _table(page: Composer, part: Element, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    count = max([len(columns), *(len(row) for row in rows)])
    if not count:
        return
    widths = _column_widths(columns, rows, count)
    table = part.add("Table")
    if columns:
        page.table_head(_cells(columns, CELL_HEAD, widths), widths, table)
    for row in rows:
        page.table_row(_cells([*row, *[""] * (count - len(row))], CELL, widths), widths, table.add("TR"))
    page.table_end()
    page.space(10)


def _cells(texts: Sequence[str], style: Style, widths: list[float]) -> list[list[Line]]:
    return [set_text(str(text), style, width - 12) for text, width in zip(texts, widths, strict=True)]


def _column_widths(columns: Sequence[str], rows: Sequence[Sequence[str]], count: int) -> list[float]:
    """Widths in points that add up to the column of text: in proportion to what the cells hold, none below 60."""
    natural = []
    for index in range(count):
        texts = [str(row[index]) for row in rows if index < len(row)]
        longest = max([len(text) for text in texts] + [len(columns[index]) if index < len(columns) else 0])
        natural.append(min(max(longest, 6), 44))
    least = min(60.0, WIDTH / count)
    spare = WIDTH - least * count
    return [least + spare * share / sum(natural) for share in natural]


# ---- signatures -------------------------------------------------------------------------------------------------


def _signatures(page: Composer, document: SignedForm) -> None:
    part = page.root.add("Sect")
    page.space(16)
    page.keep(190)
    page.flow(set_text("Signature" if len(document.signatures) == 1 else "Signatures", HEADING, WIDTH), part.add("H2"))
    page.space(8)
    for signature in document.signatures:
        _signature(page, part, signature)


def _signature(page: Composer, part: Element, signature: Signature) -> None:
    intent = set_text(signature.intent, BODY, WIDTH)
    page.flow(intent, part.add("P"))
    page.space(6)
    page.keep(140)
    if signature.method == "drawn" and signature.strokes:
        page.strokes(signature.strokes, part.figure(f"Drawn signature of {signature.printed_name}"))
    else:
        page.space(6)
        page.flow(set_text(signature.name, SIGNED, WIDTH), part.add("P"), indent=6, flush=False)
    page.rule(INK_2, 0.7, width=270)
    page.space(5)
    page.flow(set_text(signature.printed_name, LABEL, WIDTH), part.add("P"), flush=False)
    page.flow(set_text(_relationship(signature), FINE, WIDTH), part.add("P"))
    page.flow(set_text(_when(signature.signed_at, signature.time_zone), FINE, WIDTH), part.add("P"))
    page.space(16)


def _relationship(signature: Signature) -> str:
    return _RELATIONSHIPS.get(signature.relationship, signature.relationship)


# ---- the certificate --------------------------------------------------------------------------------------------


def _certificate(page: Composer, document: SignedForm) -> None:
    page.new_page()
    part = page.root.add("Sect")
    page.flow(set_text("Certificate of signature", TITLE, WIDTH), part.add("H2"))
    page.space(4)
    about = "What this document is, who signed it, how, and how anyone can check that it was not changed."
    page.flow(set_text(about, FINE, WIDTH), part.add("P"))
    page.space(10)
    page.rule(ACCENT, 1.2)
    page.space(6)
    _facts(
        page,
        part,
        "Document",
        [
            ("Document", document.document_id),
            ("Form", document.title),
            ("Form version", document.version),
            ("Organization", document.organization),
            ("Client", document.client_name),
            ("SHA-256 of the form version", document.form_sha256),
            ("SHA-256 of the answers", document.answers_sha256),
        ],
    )
    for index, signature in enumerate(document.signatures, 1):
        title = "Signer" if len(document.signatures) == 1 else f"Signer {index}"
        _facts(page, part, title, _evidence(signature))
    _events(page, part, document)
    _how_to_verify(page, part, document.verify_url)


def _evidence(signature: Signature) -> list[tuple[str, str]]:
    return [
        ("Name", signature.name),
        ("Printed name", signature.printed_name),
        ("Relationship", _relationship(signature)),
        ("Signature", "Drawn" if signature.method == "drawn" else "Typed"),
        (
            "Signed",
            "\n".join(dict.fromkeys((_utc(signature.signed_at), _when(signature.signed_at, signature.time_zone)))),
        ),
        ("Authenticated by", signature.authenticated_by),
        ("IP address", signature.ip),
        ("Device", signature.device),
        ("Agreed to sign electronically", f"Disclosure version {signature.disclosure_version}"),
        ("Account and session", f"{signature.account_ref}\n{signature.session_ref}"),
    ]


def _facts(page: Composer, part: Element, title: str, facts: list[tuple[str, str]]) -> None:
    page.space(8)
    page.keep(60)
    page.flow(set_text(title, SMALL_HEADING, WIDTH), part.add("H3"))
    page.space(3)
    for label, value in facts:
        _fact(page, part, label, value)
    page.rule()


def _fact(page: Composer, part: Element, label: str, value: str) -> None:
    beside = WIDTH - 150
    lines = set_text(value, HASH if len(value) == 64 else CELL, beside)
    page.keep(min(_height(lines), 4 * CELL.leading))
    page.beside(set_text(label, Style("text", 9, 13, INK_2), 144)[0], part.add("P"), 0)
    page.flow(lines, part.add("P"), indent=150, flush=False)
    page.space(2.5)


def _events(page: Composer, part: Element, document: SignedForm) -> None:
    if not document.events:
        return
    page.space(8)
    page.keep(70)
    page.flow(set_text("What happened", SMALL_HEADING, WIDTH), part.add("H3"))
    page.space(4)
    rows = [[label, _utc(moment), _when(moment, document.zone, named=False)] for label, moment in document.events]
    _table(page, part, ["Event", "UTC", f"In {document.zone}"], rows)


def _how_to_verify(page: Composer, part: Element, url: str) -> None:
    page.keep(90)
    page.flow(set_text("How to check this document", SMALL_HEADING, WIDTH), part.add("H3"))
    page.space(3)
    text = (
        f"Open {url} and choose this file. The page tells whether the file is exactly as it was sealed; the file is "
        "not kept. The seal is a digital signature over every byte of the file, so changing a single character shows. "
        "Programs that read signatures in PDF files show the seal as well; they may say that they do not know who "
        "issued its certificate, because it is the portal's own."
    )
    page.flow(set_text(text, FINE, WIDTH), part.add("P"))


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _when(moment: datetime, zone: str, named: bool = True) -> str:
    """The moment as a person there reads it, with the zone's name beside it; UTC when the zone is not known."""
    try:
        local = moment.astimezone(zoneinfo.ZoneInfo(zone))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return _utc(moment)
    hour = local.hour % 12 or 12
    half = "AM" if local.hour < 12 else "PM"
    day = f"{_MONTHS[local.month - 1]} {local.day}, {local.year}"
    text = f"{day} at {hour}:{local.minute:02d} {half} {local.tzname()}"
    return f"{text} ({zone})" if named else text
