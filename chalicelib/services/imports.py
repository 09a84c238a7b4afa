"""Client files from a table: look first, then one job, one transaction a row (DESIGN.md, Keys: more than 100 items).

    file ─▶ look: which column is what, and what would become of each row     (nothing is written)
         ─▶ start: the same question again, then a job over every row ─▶ each row: a new file, or why not

The id of a row's file is derived from the table's bytes and the row: a second start of the same table, or a row that is
tried again after a crash, meets the file that is there.
"""

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from chalicelib import clock, ids, lines
from chalicelib.adapters import spreadsheets
from chalicelib.context import Context
from chalicelib.errors import Forbidden, InvalidBody, NotFound, PortalError
from chalicelib.models.clients import Client
from chalicelib.models.jobs import Job, JobItem
from chalicelib.models.staff import Staff
from chalicelib.models.transaction import Transaction
from chalicelib.policies.decide import denial
from chalicelib.services import accounts, audits, clients, files, jobs, sessions, staff

WORK = "import_clients"
ROWS_MOST = 10_000
CELLS_MOST = 60
BYTES_MOST = 3_000_000
SHOWN = 200  # rows that a look lists; the error file has all of them

# What a column can be, and how people call it; compared without case, accents, spaces and signs.
FIELDS: dict[str, tuple[str, ...]] = {
    "legal_name": ("legal name", "name", "full name", "client", "client name", "patient", "patient name", "nombre"),
    "first_name": ("first name", "first", "given name", "forename", "fname", "legal first name", "vorname"),
    "last_name": ("last name", "last", "surname", "family name", "lname", "legal last name", "apellido", "nachname"),
    "preferred_name": ("preferred name", "preferred", "name used", "nickname", "goes by", "known as", "chosen name"),
    "birth_date": ("birth date", "date of birth", "dob", "birthday", "birthdate", "born", "fecha de nacimiento"),
    "email": ("email", "e mail", "email address", "e mail address", "mail", "client email", "correo", "primary email"),
    "phone": ("phone", "mobile", "mobile phone", "cell", "cell phone", "telephone", "phone number", "primary phone"),
    "line1": ("address", "address 1", "address line 1", "street", "street address", "street 1", "line 1"),
    "line2": ("address 2", "address line 2", "street 2", "apt", "apartment", "unit", "line 2"),
    "city": ("city", "town", "ciudad"),
    "region": ("state", "region", "province", "county", "st"),
    "postal_code": ("zip", "zip code", "postal code", "postcode", "zip postal code"),
    "country": ("country",),
    "emergency_name": ("emergency contact", "emergency contact name", "emergency name"),
    "emergency_relationship": ("emergency contact relationship", "emergency relationship", "relationship"),
    "emergency_phone": ("emergency contact phone", "emergency phone", "emergency contact number"),
    "insurance_carrier": ("insurance", "insurance carrier", "carrier", "insurance company", "payer", "insurer", "plan"),
    "insurance_member_id": ("member id", "insurance id", "policy number", "insurance member id", "subscriber id"),
    "insurance_group": ("group", "group number", "insurance group", "group id"),
    "therapists": ("therapist", "therapists", "clinician", "provider", "assigned to", "primary clinician", "counselor"),
}
_LONGEST = {
    "legal_name": 200, "preferred_name": 100, "email": 254, "phone": 40, "line1": 200, "line2": 200, "city": 100,
    "region": 100, "postal_code": 20, "country": 60, "emergency_name": 200, "emergency_relationship": 100,
    "emergency_phone": 40, "insurance_carrier": 200, "insurance_member_id": 100, "insurance_group": 100,
}  # fmt: skip
_CONTROL = re.compile("[\x00-\x1f\x7f\ud800-\udfff\ufffd]")


class Reading(NamedTuple):
    """How a table is understood."""

    mapping: list[str | None]  # by column: a key of FIELDS, or None for a column that is left out
    dates: str  # ymd, mdy, dmy: how a date that is not written 1984-07-05 is meant
    again: bool  # rows that are likely of a person who has a file: a file all the same
    zone: str


class Row(NamedTuple):
    """One row and what would become of it: create, duplicate or refused, and why (codes)."""

    line: int
    cells: list[str]
    outcome: str
    reasons: list[str]
    name: str


class Look(NamedTuple):
    """A table as it would be imported. Without a name column in `mapping` there are no rows yet."""

    table: spreadsheets.Table
    mapping: list[str | None]
    dates: str
    rows: list[Row]


# ---- looking ----


def look(
    context: Context, content: bytes, mapping: Sequence[str | None] | None, dates: str | None, again: bool
) -> Look:
    """What would become of each row; nothing is written. Raises InvalidBody: no table, a wrong mapping."""
    table = _table(content)
    how = Reading(_mapping(table, mapping), dates or _usual_dates(context), again, context.tenant.zone)
    return Look(table, how.mapping, how.dates, _judged(context, table, how) if _has_name(how.mapping) else [])


def _table(content: bytes) -> spreadsheets.Table:
    try:
        if len(content) > BYTES_MOST:
            raise spreadsheets.Unreadable("too_large", 0)
        table = spreadsheets.read(content, ROWS_MOST)
        if len(table.head) > CELLS_MOST:
            raise spreadsheets.Unreadable("too_many_columns", 1)
    except spreadsheets.Unreadable as why:
        code, line = why.args
        raise InvalidBody(
            errors=[{"pointer": "/file", "code": code, "detail": _SENTENCES[code].format(line)}]
        ) from None
    return table


_SENTENCES = {
    "empty": "There is nothing in this file.",
    "not_text": "This is not a CSV file. Save the table as CSV, then choose that file.",
    "quotes": "In line {} a quotation mark is opened and never closed, or stands inside a word.",
    "too_many_rows": "More than 10,000 rows. Split the table, and import one part after the other.",
    "too_large": "This file is larger than 3 MB. Split the table, and import one part after the other.",
    "too_many_columns": "More than 60 columns. Leave out those that are not needed.",
}


def _plain(heading: str) -> str:
    text = unicodedata.normalize("NFKD", heading).casefold()
    return " ".join(re.findall(r"[a-z0-9]+", "".join(c for c in text if not unicodedata.combining(c))))


_BY_NAME = {_plain(name): field for field, names in FIELDS.items() for name in (field, *names)}


def _mapping(table: spreadsheets.Table, given: Sequence[str | None] | None) -> list[str | None]:
    if given is not None:
        used = [each for each in given if each]
        if len(given) != len(table.head) or len(used) != len(set(used)):
            detail = "Each column of the file is one thing, and no two columns are the same."
            raise InvalidBody(errors=[{"pointer": "/mapping", "code": "mapping", "detail": detail}])
        return list(given)
    found: list[str | None] = []
    for heading in table.head:
        field = _BY_NAME.get(_plain(heading))
        found.append(field if field not in found else None)
    if "first_name" in found and "last_name" in found and "legal_name" in found:
        found[found.index("legal_name")] = None
    return found


def _has_name(mapping: Sequence[str | None]) -> bool:
    return "legal_name" in mapping or {"first_name", "last_name"} <= set(mapping)


def _usual_dates(context: Context) -> str:
    return "mdy" if context.tenant.country == "US" else "dmy"


def _judged(context: Context, table: spreadsheets.Table, how: Reading) -> list[Row]:
    by_name = _therapists(context.tenant_id)
    known = _known(context.tenant_id)
    rows, seen = [], set[Any]()
    for line, cells in table.rows:
        fields, wrong = read_row(cells, how, by_name)
        same = _signs(fields)
        outcome, reasons = ("refused", wrong) if wrong else ("create", list[str]())
        if not wrong and not how.again:
            if known & same:
                outcome, reasons = "duplicate", ["has_file"]
            elif seen & same:
                outcome, reasons = "duplicate", ["earlier_row"]
        if outcome == "create":
            seen |= same
        rows.append(Row(line, cells, outcome, reasons, str(fields.get("legal_name") or "")))
    return rows


def _signs(fields: Mapping[str, Any]) -> set[Any]:
    """As files.match_digests, without the digests: for thousands of rows in memory."""
    signs: set[Any] = {fields["email"]} if fields.get("email") else set()
    words = sorted(clients.name_words(fields.get("legal_name") or ""))
    return signs | ({(tuple(words), fields["birth_date"])} if words and fields.get("birth_date") else set())


def _known(tenant_id: str) -> set[Any]:
    """The signs of every file that there is: a read of the whole list, for administrators who import."""
    found: set[Any] = set()
    cursor: str | None = None
    while True:
        page = Client.page(Client.BY_TENANT, tenant_id=tenant_id, limit=1000, cursor=cursor)
        for each in page.items:
            found |= _signs({name: getattr(each, name) for name in ("legal_name", "birth_date", "email")})
        if (cursor := page.next_cursor) is None:
            return found


def _therapists(tenant_id: str) -> dict[str, Staff | None]:
    """Active therapists by name and by address; None for a name that two of them have."""
    found: dict[str, Staff | None] = {}
    for each in staff.everyone(tenant_id):
        if each.status == "active" and staff.THERAPIST in each.roles:
            for name in (_plain(each.name), each.email):
                found[name] = None if name in found else each
    return found


# ---- one row ----


def read_row(
    cells: Sequence[str], how: Reading, therapists: Mapping[str, Staff | None]
) -> tuple[dict[str, Any], list[str]]:
    """The fields of a file, as services/files has them, and what is wrong with the row (codes, none: it can stand)."""
    given = {field: cell for field, cell in zip(how.mapping, cells, strict=False) if field and cell}
    wrong = ["too_many_cells"] if any(cells[len(how.mapping) :]) else []
    if any(_CONTROL.search(cell.replace("\n", " ").replace("\r", " ").replace("\t", " ")) for cell in given.values()):
        wrong.append("unreadable_characters")
    given = {field: said for field, cell in given.items() if (said := lines.seen(re.sub(r"\s+", " ", cell)))}
    if "legal_name" not in given:
        given["legal_name"] = " ".join(part for part in (given.get("first_name"), given.get("last_name")) if part)
    elif given["legal_name"].count(",") == 1 and "first_name" not in how.mapping:
        last, first = given["legal_name"].split(",")
        given["legal_name"] = f"{first.strip()} {last.strip()}".strip()
    if not clients.name_words(given["legal_name"]):
        wrong.append("name_missing")
    wrong += [f"{field}_too_long" for field, most in _LONGEST.items() if len(given.get(field, "")) > most]
    wrong += [f"{field}_wrong" for field in ("phone", "emergency_phone") if not _is_phone(given.get(field))]
    fields: dict[str, Any] = {name: given.get(name) for name in ("legal_name", "preferred_name", "phone")}
    for reader in (_birth_date, _email, _address, _emergency, _insurance):
        reader(given, how, fields, wrong)
    fields["therapist_ids"] = _named(given.get("therapists", ""), therapists, wrong)
    return fields, wrong


def _is_phone(text: str | None) -> bool:
    return not text or len(text) > _LONGEST["phone"] or files.is_phone(text)


def _birth_date(given: dict[str, str], how: Reading, fields: dict[str, Any], wrong: list[str]) -> None:
    fields["birth_date"] = None
    if not (text := given.get("birth_date")):
        return
    born = _date(text, how.dates)
    if born is None:
        wrong.append("birth_date_unreadable")
    elif not clock.today(how.zone).year - 130 <= born.year or born > clock.today(how.zone):
        wrong.append("birth_date_impossible")
    else:
        fields["birth_date"] = born.isoformat()


def _date(text: str, order: str) -> date | None:
    parts = re.fullmatch(r"(\d{1,4})[-/. ](\d{1,2})[-/. ](\d{1,4})(?:[ T]00:00(?::00)?(?:\.0+)?)?", text)
    if parts is None:
        return None
    one, two, three = parts.groups()
    if len(one) == 4:
        year, month, day = one, two, three
    elif len(three) == 4 and order != "ymd":
        (month, day), year = ((one, two) if order == "mdy" else (two, one)), three
    else:
        return None  # two digits of a year are no year: nobody is asked to guess a century
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _email(given: dict[str, str], how: Reading, fields: dict[str, Any], wrong: list[str]) -> None:
    typed = given.get("email")
    fields["email"] = accounts.canonical_email(typed) if typed else None
    if typed and fields["email"] is None:
        wrong.append("email_wrong")


def _whole(given: dict[str, str], needed: Sequence[str], more: Sequence[str], code: str, wrong: list[str]) -> bool:
    """Whether a part that is only of use as a whole is there; half of it is refused."""
    there = [name for name in (*needed, *more) if given.get(name)]
    if there and not all(given.get(name) for name in needed):
        wrong.append(code)
        return False
    return bool(there)


def _address(given: dict[str, str], how: Reading, fields: dict[str, Any], wrong: list[str]) -> None:
    needed = ("line1", "city", "region", "postal_code")
    fields["address"] = None
    if _whole({**given, "country": ""}, needed, ("line2",), "address_incomplete", wrong):
        parts = {name: given[name] for name in needed}
        fields["address"] = {**parts, "line2": given.get("line2"), "country": given.get("country") or "US"}


def _emergency(given: dict[str, str], how: Reading, fields: dict[str, Any], wrong: list[str]) -> None:
    needed = ("emergency_name", "emergency_phone")
    fields["emergency_contact"] = None
    if _whole(given, needed, ("emergency_relationship",), "emergency_incomplete", wrong):
        fields["emergency_contact"] = {
            "name": given["emergency_name"],
            "phone": given["emergency_phone"],
            "relationship": given.get("emergency_relationship") or "",
            "may_contact": False,  # nobody said so yet
        }


def _insurance(given: dict[str, str], how: Reading, fields: dict[str, Any], wrong: list[str]) -> None:
    needed = ("insurance_carrier", "insurance_member_id")
    fields["insurance"] = None
    if _whole(given, needed, ("insurance_group",), "insurance_incomplete", wrong):
        carrier, member_id = (given[name] for name in needed)
        group = given.get("insurance_group")
        fields["insurance"] = {"carrier": carrier, "member_id": member_id, "group": group, "holder": None}


def _named(text: str, therapists: Mapping[str, Staff | None], wrong: list[str]) -> list[str]:
    found: dict[str, None] = {}
    for name in filter(None, (part.strip() for part in re.split(r"[;|/]", text))):
        names = (name.split(",")[0], name, " ".join(reversed(name.split(",", 1))))
        who = next((t for each in names if (t := therapists.get(_plain(each)))), None) or therapists.get(
            name.casefold()
        )
        if who is None:
            wrong.append("unknown_therapist")
            return []
        found[str(who.staff_id)] = None
    if len(found) > files.THERAPISTS_MOST:
        wrong.append("too_many_therapists")
    return list(found)


# ---- the job ----


def start(
    context: Context, content: bytes, mapping: Sequence[str | None] | None, dates: str | None, again: bool
) -> Job:
    """Import every row that can stand; the others are named with their reason. With the same Idempotency-Key once."""
    if context.result:
        return jobs.get(context, context.result)
    table = _table(content)
    kept = _mapping(table, mapping)
    if not _has_name(kept):
        detail = "Say which column holds the name."
        raise InvalidBody(errors=[{"pointer": "/mapping", "code": "name_missing", "detail": detail}])
    shared = {
        "head": table.head,
        "mapping": kept,
        "dates": dates or _usual_dates(context),
        "again": again,
        "digest": hashlib.sha256(content).hexdigest(),
        "day": f"{context.now:%Y-%m-%d}",
    }
    return jobs.start(context, WORK, shared, [{"line": line, "cells": cells} for line, cells in table.rows])


class RowRefused(PortalError):
    """This row cannot become a file; its code is the first reason."""

    status, title = 422, "This row cannot be imported."

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__()


class _IsThere(PortalError):
    """This very row was imported before."""


def import_row(context: Context, task: jobs.Task, finish: jobs.Finish) -> None:
    """The work of one row (services/jobs)."""
    if denial("client:create", sessions.facts(context)) is not None:
        raise Forbidden()
    shared = task.shared
    how = Reading(shared["mapping"], shared["dates"], shared["again"], context.tenant.zone)
    if "therapists" in how.mapping and "therapists" not in context.named:  # read once for so many rows
        context.named["therapists"] = _therapists(context.tenant_id)
    by_name = context.named.get("therapists", {})
    fields, wrong = read_row(task.about["cells"], how, by_name)
    if wrong:
        raise RowRefused(wrong[0])
    about = (fields["legal_name"], fields["birth_date"], fields["email"])
    begun = clock.parse(f"{shared['day']}T00:00:00.000Z")
    client_id = ids.derived_id("import", context.tenant_id, shared["digest"], str(task.item.number), at=begun)
    if not how.again and files.matches(context.tenant_id, *about):
        raise jobs.Skip("duplicate")
    files.require_free(context.tenant_id, fields["email"], client_id)
    named = {str(each.staff_id): each for each in by_name.values() if each}
    therapists = [named[each] for each in fields["therapist_ids"]]
    try:
        with Transaction() as tx:
            finish(tx, client_id)
            files.write_new(tx, context.tenant_id, client_id, fields, therapists, otherwise=_IsThere())
            tx.create(audits.event(context, "client:create", client_id=client_id, job_id=task.job.job_id))
    except _IsThere:
        raise jobs.Skip("duplicate") from None


# ---- files about it ----


def problems_file(found: Look) -> str:
    """The rows that would not be imported, with what they hold, for mending and importing again."""
    head = found.table.head
    rows = [
        _told(head, row.cells, row.outcome, ", ".join(row.reasons)) for row in found.rows if row.outcome != "create"
    ]
    return spreadsheets.write([[*head, "Outcome", "Reason"], *rows])


def _told(head: Sequence[str], cells: Sequence[str], *told: str) -> list[str]:
    """A row under its head; cells that have no column come last."""
    width = len(head)
    return [*cells[:width], *[""] * (width - len(cells)), *told, *cells[width:]]


def result_file(context: Context, job_id: str) -> str:
    """Every row of an import with what became of it. Raises NotFound for a job that is no import."""
    job = jobs.get(context, job_id)
    if job.work != WORK:
        raise NotFound()
    head, rows = jobs.shared_of(job)["head"], list[list[str]]()
    cursor: str | None = None
    while True:
        about = {"tenant_id": context.tenant_id, "job_id": job_id}
        page = JobItem.page(JobItem.KEY, **about, limit=1000, cursor=cursor, newest_first=False, consistent=True)
        for item in page.items:
            rows.append(_told(head, jobs.about_of(item)["cells"], _OUTCOMES[item.status], item.reason or ""))
        if (cursor := page.next_cursor) is None:
            break
    return spreadsheets.write([[*head, "Outcome", "Reason"], *rows])


_OUTCOMES = {"waiting": "not imported yet", "done": "imported", "skipped": "left out", "failed": "refused"}
