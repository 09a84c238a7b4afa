"""Client files from a table."""

import base64
import binascii
from typing import Annotated, Literal

from pydantic import Field

from chalicelib.context import Context
from chalicelib.errors import InvalidBody
from chalicelib.handlers.jobs import JobView
from chalicelib.handlers.routing import PRACTICE, Routes
from chalicelib.handlers.views import Body, View
from chalicelib.services import audits, imports

practice = Routes(__name__, PRACTICE, "/practice")

MAX_BODY = 4_400_000  # Lambda takes events of 6 MB

ImportField = Literal[
    "legal_name",
    "first_name",
    "last_name",
    "preferred_name",
    "birth_date",
    "email",
    "phone",
    "line1",
    "line2",
    "city",
    "region",
    "postal_code",
    "country",
    "emergency_name",
    "emergency_relationship",
    "emergency_phone",
    "insurance_carrier",
    "insurance_member_id",
    "insurance_group",
    "therapists",
]


class ImportIn(Body):
    """A CSV file (base64), which column is what (null: left out; not sent: found by the headings), how dates are meant,
    and whether a row that is likely of a person who has a file becomes a file all the same."""

    file: Annotated[str, Field(max_length=4_100_000)]
    mapping: Annotated[list[ImportField | None], Field(max_length=100)] | None = None
    dates: Literal["ymd", "mdy", "dmy"] | None = None
    again: bool = False

    def content(self) -> bytes:
        """The bytes of the file. Raises InvalidBody."""
        try:
            return base64.b64decode(self.file, validate=True)
        except (binascii.Error, ValueError):
            detail = "The file did not arrive whole."
            raise InvalidBody(errors=[{"pointer": "/file", "code": "base64", "detail": detail}]) from None


class ImportColumn(View):
    """A column of the file, what it is taken for, and the first things in it."""

    heading: str
    field: ImportField | None
    examples: list[str]


class ImportRow(View):
    """A row that would not simply become a file. `line` in the file; `reasons` are codes."""

    line: int
    name: str
    outcome: Literal["duplicate", "refused"]
    reasons: list[str]


class ImportCounts(View):
    """How many rows would become what."""

    create: int
    duplicate: int
    refused: int


class ImportLook(View):
    """What would become of a file. `counts`: none while no column is the name. `problems`: the first two hundred;
    `problems_file`: all of them as CSV."""

    encoding: str
    delimiter: str
    dates: Literal["ymd", "mdy", "dmy"]
    columns: list[ImportColumn]
    rows: int
    counts: ImportCounts | None
    problems: list[ImportRow]
    problems_file: str | None


class ImportResult(View):
    """Every row with what became of it, as CSV."""

    file_name: str
    csv: str


@practice.endpoint("POST", "/imports/look", action="client:import", body=ImportIn, max_body=MAX_BODY)
def look_at_import(context: Context, body: ImportIn) -> ImportLook:
    """What would become of each row of a table; nothing is written"""
    found = imports.look(context, body.content(), body.mapping, body.dates, body.again)
    outcomes = [row.outcome for row in found.rows]
    counts = {name: outcomes.count(name) for name in ImportCounts.model_fields}
    wrong = [row for row in found.rows if row.outcome != "create"]
    return ImportLook(
        encoding=found.table.encoding,
        delimiter=found.table.delimiter,
        dates=found.dates,
        columns=[
            ImportColumn(heading=heading, field=field, examples=_examples(found, number))
            for number, (heading, field) in enumerate(zip(found.table.head, found.mapping, strict=True))
        ],
        rows=len(found.table.rows),
        counts=ImportCounts(**counts) if found.rows else None,
        problems=[
            ImportRow(line=row.line, name=row.name[:200], outcome=row.outcome, reasons=row.reasons)
            for row in wrong[: imports.SHOWN]
        ],
        problems_file=imports.problems_file(found) if wrong else None,
    )


def _examples(found: imports.Look, column: int) -> list[str]:
    cells = (cells[column] for _, cells in found.table.rows[:200] if column < len(cells) and cells[column])
    return [cell[:60] for cell in list(cells)[:2]]


@practice.endpoint(
    "POST", "/imports", action="client:import", body=ImportIn, status=202, idempotent=True, max_body=MAX_BODY
)
def start_import(context: Context, body: ImportIn) -> JobView:
    """Import a table: a job, one file a row"""
    return JobView.of(imports.start(context, body.content(), body.mapping, body.dates, body.again))


@practice.endpoint("GET", "/jobs/{job_id}/result", action="client:import")
def read_import_result(context: Context, job_id: str) -> ImportResult:
    """Every row of an import with what became of it, as CSV"""
    csv = imports.result_file(context, job_id)
    audits.record(context, "client:import_result", job_id=job_id)
    return ImportResult(file_name=f"import-{job_id[-6:].lower()}.csv", csv=csv)
