"""Client files from tables: every defect there is, nothing half imported, nothing twice."""

import base64
import csv
import io
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.adapters import spreadsheets
from infra.local import faults
from tests import flows
from tests.calls import PEOPLE, Answer, Caller
from tests.conftest import World

HEAD = "First name,Last name,DOB,E-mail,Mobile phone,Therapist"


def table(*lines: str, head: str = HEAD) -> bytes:
    """A CSV file."""
    return "\n".join([head, *lines]).encode()


def body(content: bytes, **more: Any) -> dict[str, Any]:
    """How it is sent."""
    return {"file": base64.b64encode(content).decode(), **more}


def look(caller: Caller, content: bytes, **more: Any) -> dict[str, Any]:
    """What would become of it."""
    answer = caller.post("/practice/imports/look", body(content, **more))
    assert answer.status == 200, answer
    found: dict[str, Any] = answer.json
    return found


def run(caller: Caller, content: bytes, **more: Any) -> dict[str, Any]:
    """Import it, to the end: the job."""
    answer = caller.post("/practice/imports", body(content, **more))
    assert answer.status == 202, answer
    caller.drain()
    done: dict[str, Any] = caller.get(f"/practice/jobs/{answer.json['job_id']}").json
    return done


def result(caller: Caller, job_id: str) -> list[dict[str, str]]:
    """The result file, as a spreadsheet would show it."""
    answer = caller.get(f"/practice/jobs/{job_id}/result")
    assert answer.status == 200, answer
    return list(csv.DictReader(io.StringIO(answer.json["csv"].removeprefix("\ufeff"))))


def counts(job: dict[str, Any]) -> tuple[int, int, int]:
    """Done, skipped, failed."""
    return job["done"], job["skipped"], job["failed"]


def legal_names() -> Counter[str]:
    """Of every file there is."""
    return Counter(each["legal_name"] for each in flows.stored("client"))


GOOD = (
    'Ada,Marlow,4/9/1980,ada@mail.example,"+1 212 555 0201",Priya Halvorsen',
    "Bruno,Tessler,1975-12-31,,,",
    'Chiara,"Del Monte",2/29/2000,chiara@mail.example,,"Halvorsen, Priya; celeste@oak.example"',
)


class TestReading:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
    @pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
    @pytest.mark.parametrize("line", ["\n", "\r\n", "\r"])
    def test_whatever_wrote_it(self, encoding: str, delimiter: str, line: str) -> None:
        made = io.StringIO()
        writer = csv.writer(made, delimiter=delimiter, lineterminator=line)
        writer.writerows(
            [["Name", "E-mail", "Note"], ["Zoë Ärger", "a@b.example", f'x "y"{delimiter}z\nnext'], ["", "", ""]]
        )
        read = spreadsheets.read(made.getvalue().encode(encoding), 10)
        assert read.head == ["Name", "E-mail", "Note"]
        assert [cells[:2] for _, cells in read.rows] == [["Zoë Ärger", "a@b.example"]]
        assert read.rows[0][1][2] == f'x "y"{delimiter}z\nnext'

    @pytest.mark.parametrize(
        ("content", "code"),
        [
            (b"", "empty"),
            (b"\n\n , ,\n", "empty"),
            (b"PK\x03\x04\x00\x00\x00\x00\x08\x00", "not_text"),
            (b'Name\n"Ada Marlow', "quotes"),
            (b'Name\n"Ada" Marlow\n', "quotes"),
            (b"Name\n" + b"x\n" * 10_001, "too_many_rows"),
            (b"Name\n" + b'"' + b"x" * 200_000 + b'"\n', "quotes"),
            (b"n," * 70 + b"\nx", "too_many_columns"),
            (b"Name\n" + b"x" * 3_000_000, "too_large"),
        ],
    )
    def test_what_is_no_table(self, content: bytes, code: str, call: Callable[..., Caller]) -> None:
        for path in ("/practice/imports/look", "/practice/imports"):
            answer = call("A1").post(path, body(content))
            assert answer.status == 422, answer
            assert [(each["pointer"], each["code"]) for each in answer.json["errors"]] == [("/file", code)]
        assert flows.stored("job") == []

    def test_not_base64_and_much_too_large(self, call: Callable[..., Caller]) -> None:
        assert call("A1").post("/practice/imports/look", {"file": "%%%"}).json["errors"][0]["code"] == "base64"
        assert call("A1").post("/practice/imports/look", {"file": "A" * 5_000_000}).status == 413

    def test_headings_in_many_spellings(self, call: Callable[..., Caller]) -> None:
        head = "LEGAL_NAME;Goes by;Date of Birth;E-Mail Address;Cell Phone;Street Address;Zip;State;City;Notes;Email"
        found = look(call("A1"), table("A B", head=head))
        assert [each["field"] for each in found["columns"]] == [
            "legal_name", "preferred_name", "birth_date", "email", "phone", "line1", "postal_code", "region", "city",
            None, None,
        ]  # fmt: skip

    def test_the_person_says_what_a_column_is(self, call: Callable[..., Caller]) -> None:
        content = table("Ada Marlow,ada@mail.example", head="Wer,Wohin")
        assert look(call("A1"), content)["counts"] is None
        assert call("A1").post("/practice/imports", body(content)).json["errors"][0]["code"] == "name_missing"
        assert look(call("A1"), content, mapping=["legal_name", "email"])["counts"]["create"] == 1
        for wrong in (["legal_name"], ["legal_name", "legal_name"]):
            answer = call("A1").post("/practice/imports/look", body(content, mapping=wrong))
            assert answer.json["errors"][0]["code"] == "mapping"
        assert call("A1").post("/practice/imports/look", body(content, mapping=["status", None])).status == 422


# What is wrong with a row, and what it is called.
DEFECTS = {
    ",,1/1/1980,,,": "name_missing",
    "--,!!,1/1/1980,,,": "name_missing",
    f"{'x' * 201},Y,,,,": "legal_name_too_long",
    "Eva,Noll,13/13/1980,,,": "birth_date_unreadable",
    "Eva,Noll,2/30/1980,,,": "birth_date_unreadable",
    "Eva,Noll,1/2/80,,,": "birth_date_unreadable",
    "Eva,Noll,29403,,,": "birth_date_unreadable",
    "Eva,Noll,1/1/2090,,,": "birth_date_impossible",
    "Eva,Noll,1/1/1820,,,": "birth_date_impossible",
    "Eva,Noll,,not an address,,": "email_wrong",
    "Eva,Noll,,a@b@c.example,,": "email_wrong",
    "Eva,Noll,,\u212aelvin@mail.example,,": "email_wrong",
    f"Eva,Noll,,,{'5' * 41},": "phone_too_long",
    "Eva,Noll,,,,Nobody Known": "unknown_therapist",
    "Eva,Noll,,,,Marguerite Ashdown": "unknown_therapist",  # an administrator
    "Eva,Noll,,,,anneliese@birch.example": "unknown_therapist",  # of another practice
    "Eva,Noll,,,,,one too many": "too_many_cells",
    "Eva\x07,Noll,,,,": "unreadable_characters",
    "Eva,Noll\ufffd,,,,": "unreadable_characters",
}


class TestRows:
    def test_a_look_writes_nothing_and_says_it_all(self, call: Callable[..., Caller]) -> None:
        before = legal_names()
        lines = [
            *GOOD,
            *DEFECTS,
            "ada,marlow,1980-04-09,,,",
            "X,Y,,ADA@mail.example,,",
            "Imogen,Thistlewood,3/14/1991,,,",
        ]
        found = look(call("A1"), table(*lines))
        assert found["counts"] == {"create": 3, "duplicate": 3, "refused": len(DEFECTS)}
        assert [each["reasons"] for each in found["problems"]] == [
            *([code] for code in DEFECTS.values()), ["earlier_row"], ["earlier_row"], ["has_file"],
        ]  # fmt: skip
        assert [each["line"] for each in found["problems"]] == list(range(5, 5 + len(DEFECTS) + 3))
        rows = list(csv.reader(io.StringIO(found["problems_file"].removeprefix("\ufeff"))))
        assert rows[0] == [*HEAD.split(","), "Outcome", "Reason"]
        assert len(rows) == 1 + len(DEFECTS) + 3
        assert legal_names() == before
        assert flows.stored("job") == []

    def test_an_import_does_what_the_look_said(self, world: World, call: Callable[..., Caller], canaries: Any) -> None:
        canaries.add("Marlow", "Tessler", "ada@mail.example")
        admin = call("A1")
        before = legal_names()
        done = run(admin, table(*GOOD, *DEFECTS, "ada,marlow,1980-04-09,,,", "Imogen,Thistlewood,3/14/1991,,,"))
        assert (done["status"], counts(done)) == ("done", (3, 2, len(DEFECTS)))
        assert legal_names() - before == Counter({"Ada Marlow": 1, "Bruno Tessler": 1, "Chiara Del Monte": 1})
        rows = result(admin, done["job_id"])
        assert [each["Reason"] for each in rows] == ["", "", "", *DEFECTS.values(), "duplicate", "duplicate"]
        assert Counter(each["Outcome"] for each in rows) == {"imported": 3, "left out": 2, "refused": len(DEFECTS)}
        (chiara,) = admin.post("/practice/clients/search", {"search": "del monte"}).json["items"]
        assert chiara["birth_date"] == "2000-02-29"
        assert {each["staff_id"] for each in chiara["therapists"]} == {world.id("T1"), world.id("T3")}
        assert call("T3").get(f"/practice/clients/{chiara['client_id']}").status == 200
        assert call("T2").get(f"/practice/clients/{chiara['client_id']}").status == 404

    def test_again_imports_nothing_twice(self, call: Callable[..., Caller]) -> None:
        admin, content = call("A1"), table(*GOOD)
        assert counts(run(admin, content)) == (3, 0, 0)
        assert look(admin, content)["counts"] == {"create": 0, "duplicate": 3, "refused": 0}
        assert counts(run(admin, content)) == (0, 3, 0)
        assert counts(run(admin, content, again=True)) == (0, 3, 0)  # the very same rows are the very same files
        other = table(*GOOD, "Dora,Quist,,,,")
        assert counts(run(admin, other, again=True)) == (4, 0, 0)

    def test_two_starts_at_once(self, call: Callable[..., Caller]) -> None:
        """Of one click twice one job; of two people's starts of one table one file a row."""
        admin, content = call("A1"), table(*(f"P{n},Row,,,," for n in range(40)))
        answers = flows.together(4, lambda n: admin.post("/practice/imports", body(content), key="the-same-key"))
        assert len({each.json["job_id"] for each in answers if each.status == 202}) == 1
        others = flows.together(2, lambda n: call("A2").post("/practice/imports", body(content)))
        jobs = {each.json["job_id"] for each in (*answers, *others) if each.status == 202}

        def work(number: int) -> None:
            from chalicelib.services import jobs as bulk
            from tests.conftest import demo

            bulk.run(demo.tenant_id("oak"), sorted(jobs)[number % len(jobs)])

        flows.together(6, work)
        admin.drain()
        imported = [each for each in flows.stored("client") if each["legal_name"].endswith(" Row")]
        assert len(imported) == 40
        assert sum(admin.get(f"/practice/jobs/{each}").json["done"] for each in jobs) == 40

    def test_formulas_stay_text(self, call: Callable[..., Caller]) -> None:
        line = '"=HYPERLINK(""http://evil"")","+cmd|x","@SUM(1)",\t-1+2,\uff1dSUM(1),'
        found = look(call("A1"), table(line))
        (_, row) = csv.reader(io.StringIO(found["problems_file"].removeprefix("\ufeff")))
        assert all(cell.startswith("'") for cell in row[:5])

    def test_halves_are_refused(self, call: Callable[..., Caller]) -> None:
        head = "Name,Street,City,State,Zip,Emergency contact,Emergency contact phone,Insurance,Member ID"
        lines = ["Ida A,1 Elm Row,,,,,,,", "Ida B,,,,,Noor,,,", "Ida C,,,,,,,Northwind,"]
        lines += ["Ida D,1 Elm,H,NY,1,N,2125550199,NW,9"]
        done = run(call("A1"), table(*lines, head=head))
        reasons = [each["Reason"] for each in result(call("A1"), done["job_id"])]
        assert reasons == ["address_incomplete", "emergency_incomplete", "insurance_incomplete", ""]
        (ida,) = call("A1").post("/practice/clients/search", {"search": "ida"}).json["items"]
        read = call("A1").get(f"/practice/clients/{ida['client_id']}").json
        assert (read["address"]["city"], read["insurance"]["member_id"]) == ("H", "9")
        assert read["emergency_contact"]["may_contact"] is False

    @pytest.mark.parametrize(
        ("phone", "reasons"),
        [
            ("call me", ["phone_wrong"]), ("555-01", ["phone_wrong"]), ("12/04/1988 9", []), ("(212) 555-0142", []),
            ("+44 20 7946 0958", []), ("212.555.0142 ext. 7", []), ("212‑555‑0142", []), ("5" * 21, ["phone_wrong"]),
            ("212-555-0142 or 212-555-0143", ["phone_wrong"]), ("x" * 41, ["phone_too_long"]),
        ],
    )  # fmt: skip
    def test_what_nobody_can_dial(self, call: Callable[..., Caller], phone: str, reasons: list[str]) -> None:
        problems = look(call("A1"), table(f"Eva,Noll,,,{phone},"))["problems"]
        assert [each["reasons"] for each in problems] == ([reasons] if reasons else [])

    def test_days_and_months(self, call: Callable[..., Caller]) -> None:
        content = table("Eva,Noll,3/4/1980,,,")
        assert look(call("A1"), content)["dates"] == "mdy"
        for dates, born in (("mdy", "1980-03-04"), ("dmy", "1980-04-03")):
            run(call("A1"), content + f"\nEva {dates},Noll,3/4/1980,,,".encode(), dates=dates, again=True)
            (row,) = call("A1").post("/practice/clients/search", {"search": f"eva {dates}"}).json["items"]
            assert row["birth_date"] == born
        assert look(call("A1"), content, dates="ymd")["problems"][0]["reasons"] == ["birth_date_unreadable"]


class TestJob:
    def test_stop(self, world: World, call: Callable[..., Caller]) -> None:
        admin = call("A1")
        with world.portal.pump.exclusively():
            started = admin.post("/practice/imports", body(table(*(f"P{n},Row,,,," for n in range(60)))))
            path = f"/practice/jobs/{started.json['job_id']}"
            from chalicelib.models.jobs import Job
            from chalicelib.models.tenants import Tenant
            from chalicelib.services import jobs

            about = {"tenant_id": world.tenant_id("oak")}
            job, tenant = Job.find(**about, job_id=started.json["job_id"]), Tenant.find(**about)
            assert job is not None
            assert tenant is not None
            jobs._few(job, tenant)
            assert admin.post(f"{path}/stop").json["status"] == "stopped"
        admin.drain()
        done = admin.get(path).json
        rows = result(admin, done["job_id"])
        assert Counter(each["Outcome"] for each in rows) == {"imported": 25, "not imported yet": 35}
        assert len([each for each in flows.stored("client") if each["legal_name"].endswith(" Row")]) == 25

    def test_who_may_no_longer(self, world: World, call: Callable[..., Caller]) -> None:
        from chalicelib.models.staff import Staff
        from chalicelib.models.transaction import change

        admin = call("A2")
        with world.portal.pump.exclusively():
            started = admin.post("/practice/imports", body(table(*GOOD)))
            change(Staff.at(tenant_id=world.tenant_id("oak"), staff_id=world.id("A2")), Staff.status.set("disabled"))
        call("A1").drain()
        done = call("A1").get(f"/practice/jobs/{started.json['job_id']}").json
        assert counts(done) == (0, 0, 3)
        assert {each["Reason"] for each in result(call("A1"), done["job_id"])} == {"forbidden"}

    def test_of_others(self, world: World, call: Callable[..., Caller]) -> None:
        done = run(call("A1"), table(*GOOD))
        for key, status in (("T1", 403), ("B1", 404), ("C1", 403)):
            assert call(key).get(f"/practice/jobs/{done['job_id']}/result").status == status

    def test_beside_inviting_the_same_address(self, world: World, call: Callable[..., Caller]) -> None:
        """However they fall, one account, and it is the invited client's."""
        admin, address = call("A1"), PEOPLE["C4"].email
        content = table(*(f"P{n},Row,,{address},," for n in range(10)))

        def one(number: int) -> Answer:
            if number % 2:
                return flows.invite(admin, world.id("C4"), flows.NOTICE)
            return admin.post("/practice/imports", body(content, again=True))

        flows.together(8, one)
        admin.drain()
        accounts = [each for each in flows.stored("account") if each["status"] == "invited"]
        assert [str(each["principals"]).count(world.id("C4")) for each in accounts] == [1]
        for row in flows.stored("client"):
            if row["legal_name"].endswith(" Row"):
                assert flows.invite(admin, row["client_id"], flows.NOTICE).code == "email_in_use"

    @pytest.mark.parametrize("kind", ["crash_before", "crash_after"])
    def test_a_crash_at_any_row(self, kind: faults.Kind, world: World, call: Callable[..., Caller]) -> None:
        admin = call("A1")
        for skip in range(0, 9, 2):
            content = table(*(f"P{n},Row{skip},,,," for n in range(8)))
            with world.portal.pump.exclusively():
                started = admin.post("/practice/imports", body(content))
                faults.add("TransactWriteItems", kind, 1, skip)
            admin.drain()
            faults.clear()
            world.portal.clock.advance(130)
            admin.drain()
            done = admin.get(f"/practice/jobs/{started.json['job_id']}").json
            assert (done["status"], counts(done)) == ("done", (8, 0, 0)), skip
            assert len([each for each in flows.stored("client") if each["legal_name"].endswith(f" Row{skip}")]) == 8


def test_ten_thousand_rows(world: World, call: Callable[..., Caller]) -> None:
    """A large practice's whole table, with a defect in every tenth row: looked at in seconds, imported row by row."""
    admin, defects = call("A1"), list(DEFECTS)
    lines = [
        f"Given{n},Family{n % 997},{n % 12 + 1}/{n % 28 + 1}/19{n % 90 + 10},g{n}@mail.example,," for n in range(10_000)
    ]
    lines[::10] = [defects[n % len(defects)] for n in range(1000)]
    began = time.process_time()
    found = look(admin, table(*lines))
    assert time.process_time() - began < 20
    assert found["counts"] == {"create": 9000, "duplicate": 0, "refused": 1000}
    assert len(found["problems"]) == 200
    with world.portal.pump.exclusively():
        started = admin.post("/practice/imports", body(table(*lines)))
        assert started.status == 202, started
        assert started.json["total"] == 10_000
        assert time.process_time() - began < 60
        # The first rows are worked through (each is a transaction of its own).
        from chalicelib.models.jobs import Job
        from chalicelib.models.tenants import Tenant
        from chalicelib.services import jobs

        about = {"tenant_id": world.tenant_id("oak")}
        job, tenant = Job.find(**about, job_id=started.json["job_id"]), Tenant.find(**about)
        assert job is not None
        assert tenant is not None
        jobs._few(job, tenant)
        admin.post(f"/practice/jobs/{started.json['job_id']}/stop")
    done = admin.get(f"/practice/jobs/{started.json['job_id']}").json
    assert (done["position"], counts(done)) == (25, (22, 0, 3))
    rows = result(admin, done["job_id"])
    assert Counter(each["Outcome"] for each in rows) == {"imported": 22, "refused": 3, "not imported yet": 9975}
