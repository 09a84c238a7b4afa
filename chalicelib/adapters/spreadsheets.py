"""Tables as files: CSV in whatever a spreadsheet program wrote it, and CSV that no spreadsheet program runs."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

DELIMITERS = (",", ";", "\t", "|")
BOM = "\ufeff"
MEDIA = "text/csv; charset=utf-8"


class Unreadable(Exception):
    """The file is no table; the arguments are a code and the line (0: the whole file)."""


class Table(NamedTuple):
    """A table as it was read. Rows are (line in the file, cells); empty ones are left out."""

    encoding: str
    delimiter: str
    head: list[str]
    rows: list[tuple[int, list[str]]]


def read(content: bytes, most: int) -> Table:
    """A CSV file: UTF-8, UTF-16 or Windows-1252, with or without BOM; commas, semicolons, tabs or bars.

    Raises Unreadable: empty, not_text, quotes (one that is never closed), too_many_rows.
    """
    encoding, text = _decoded(content)
    if re.match(r"(?i)sep=[^\r\n]\r?\n", text):  # Excel's own line about the delimiter
        text = text[text.index("\n") + 1 :]
    if "\x00" in text:
        raise Unreadable("not_text", 0)
    delimiter = _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    head: list[str] = []
    rows: list[tuple[int, list[str]]] = []
    line = 1
    try:
        for cells in reader:
            cells = [cell.strip() for cell in cells]
            if any(cells):
                if head:
                    rows.append((line, cells))
                else:
                    head = cells
            if len(rows) > most:
                raise Unreadable("too_many_rows", line)
            line = reader.line_num + 1
    except csv.Error:
        raise Unreadable("quotes", line) from None
    if not head:
        raise Unreadable("empty", 0)
    return Table(encoding, delimiter, head, rows)


def _decoded(content: bytes) -> tuple[str, str]:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16", content.decode("utf-16", "replace")
    even, odd = content[0:400:2], content[1:400:2]
    if odd and odd.count(0) > len(odd) // 2:
        return "utf-16", content.decode("utf-16-le", "replace")
    if even and even.count(0) > len(even) // 2:
        return "utf-16", content.decode("utf-16-be", "replace")
    try:
        return "utf-8", content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "windows-1252", content.decode("cp1252", "replace")


def _delimiter(text: str) -> str:
    """What stands most often in the first line that is not empty, outside quotation marks."""
    line = next((each for each in text.splitlines() if each.strip()), "")
    outside = "".join(line.split('"')[::2])
    return max(DELIMITERS, key=outside.count)


def write(rows: Iterable[Sequence[str]]) -> str:
    """A CSV file for spreadsheet programs, with a BOM; what would be a formula is text (notes: security 1.24)."""
    return BOM + lines(rows)


def lines(rows: Iterable[Sequence[str]]) -> str:
    """Some lines of such a file."""
    made = io.StringIO()
    writer = csv.writer(made, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerows([[_text(cell) for cell in row] for row in rows])
    return made.getvalue()


# Full-width letters count, too: where these are typed, spreadsheet programs take them for the plain ones.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


# A plain number is no formula, and a column of amounts is to be summed up.
_NUMBER = re.compile(r"-[0-9]+(\.[0-9]+)?")


def _text(cell: str) -> str:
    if _NUMBER.fullmatch(cell):
        return cell
    return "'" + cell if cell.startswith(_FORMULA) else cell
