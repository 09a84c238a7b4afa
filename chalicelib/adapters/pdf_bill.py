"""Invoices, receipts, statements and superbills as PDF: one sheet, four uses; pages and letters as of signed forms."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from chalicelib.adapters.pdf import BODY, CELL, CELL_HEAD, FINE, HEADING, KEY, LABEL, ORGANIZATION, TITLE
from chalicelib.adapters.pdf_page import ACCENT, INK, WIDTH, Composer, Element, file_of
from chalicelib.adapters.typesetting import Line, Style, set_text, visible

_SUM = Style("strong", 11.5, 18, INK)
_FACT_WIDTH = 120.0


@dataclass(frozen=True)
class Table:
    """A table; `weights` share the width out, `figures` are the columns that stand at their right."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    weights: Sequence[float]
    figures: Sequence[int]
    title: str | None = None


@dataclass(frozen=True)
class Bill:
    """Everything the sheet says. The same value gives the same bytes."""

    organization: str
    sender: Sequence[str]  # address, telephone, numbers
    title: str
    subject: str  # for the head of further pages
    facts: Sequence[tuple[str, str]]
    tables: Sequence[Table]
    sums: Sequence[tuple[str, str, bool]]  # what, how much, whether it is the one that counts
    notes: Sequence[str] = field(default_factory=tuple)
    made_at: datetime | None = None


def render(bill: Bill) -> bytes:
    """The sheet. A pure function; every text is drawn as it is, none is read as markup."""
    page = Composer(
        title=visible(bill.title),
        author=visible(bill.organization),
        language="en",
        running=(f"{bill.organization}  ·  {bill.title}", bill.subject),
        foot=bill.title,
        created=bill.made_at,
    )
    root = page.root
    page.flow(set_text(bill.organization, ORGANIZATION, WIDTH), root.add("P"))
    for line in bill.sender:
        page.flow(set_text(line, FINE, WIDTH), root.add("P"))
    page.space(12)
    page.flow(set_text(bill.title, TITLE, WIDTH), root.add("H1"))
    page.space(8)
    page.rule(ACCENT, 1.2)
    page.space(8)
    for label, value in bill.facts:
        _fact(page, root, label, value)
    for table in bill.tables:
        _table(page, root, table)
    _sums(page, root, bill.sums)
    for note in bill.notes:
        page.space(8)
        page.flow(set_text(note, BODY, WIDTH), root.add("P"))
    return file_of(page)


def _fact(page: Composer, part: Element, label: str, value: str) -> None:
    lines = set_text(value, BODY, WIDTH - _FACT_WIDTH)
    page.keep(min(len(lines), 4) * BODY.leading)
    page.beside(set_text(label, KEY, _FACT_WIDTH - 6)[0], part.add("P"), 0)
    page.flow(lines, part.add("P"), indent=_FACT_WIDTH, flush=False)
    page.space(2)


def _table(page: Composer, part: Element, table: Table) -> None:
    page.space(12)
    if table.title:
        page.keep(90)
        page.flow(set_text(table.title, HEADING, WIDTH), part.add("H2"))
        page.space(4)
    widths = [WIDTH * weight / sum(table.weights) for weight in table.weights]
    node = part.add("Table")
    page.table_head(_cells(table.columns, CELL_HEAD, widths), widths, node, table.figures)
    for row in table.rows:
        page.table_row(_cells(row, CELL, widths), widths, node.add("TR"))
    page.table_end()
    page.space(6)


def _cells(texts: Sequence[str], style: Style, widths: Sequence[float]) -> list[list[Line]]:
    return [set_text(text, style, width - 12) for text, width in zip(texts, widths, strict=True)]


def _sums(page: Composer, part: Element, sums: Sequence[tuple[str, str, bool]]) -> None:
    """Below each other at the right, kept together."""
    page.keep(20.0 * len(sums) + 20)
    page.space(4)
    for label, value, counts in sums:
        style = _SUM if counts else LABEL
        amount = set_text(value, style, 105)
        left = WIDTH - 360.0
        page.beside(set_text(label, style if counts else KEY, 250)[0], part.add("P"), left)
        page.beside(amount[0], part.add("P"), WIDTH - 6 - amount[0].width)
        page.space(style.leading)
