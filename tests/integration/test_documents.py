"""General Documents over HTTP: what is listed, handed out and verified, and to whom (DESIGN.md, Signed forms)."""

import hashlib
import io
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from infra.local import cloud
from tests import flows
from tests.calls import PEOPLE, Answer, Caller, instant
from tests.conftest import World
from tests.flows import CONSENT, NOTICE, QUESTIONNAIRE

Call = Callable[..., Caller]
C1 = flows.client_id("C1")
GENERAL = f"/practice/clients/{C1}/documents"
BUCKET = f"{cloud.PREFIX}-documents"


def _sealed(call: Call, form_id: str = NOTICE, **given: Any) -> str:
    """A document of C1's, signed and sealed; its id."""
    _, document_id = flows.signed_document(call("C1"), "C1", form_id, **given)
    call().drain()
    return document_id


def _file(call: Call, document_id: str) -> bytes:
    link = call("T1").post(f"{GENERAL}/{document_id}/download").json
    with urllib.request.urlopen(link["url"]) as answer:
        content: bytes = answer.read()
        return content


def _flipped(pdf: bytes) -> bytes:
    place = pdf.index(b"stream") + 40
    return pdf[:place] + bytes([pdf[place] ^ 1]) + pdf[place + 1 :]


# ---- what is listed ----


def test_documents_are_listed_newest_first_for_staff_and_client(world: World, call: Call) -> None:
    assert call("T1").get(GENERAL).json == {"items": [], "next_cursor": None}
    older = _sealed(call, CONSENT)
    world.portal.clock.advance(60)
    newer = _sealed(call)
    mine, theirs = call("C1").get("/portal/documents").json, call("T1").get(GENERAL).json
    for page in (mine, theirs):
        assert [(each["document_id"], each["status"]) for each in page["items"]] == [
            (newer, "completed"), (older, "completed"),
        ]  # fmt: skip
    assert set(theirs["items"][0]) - set(mine["items"][0]) == {
        "intake_id", "worrying", "seen_at", "seen_by_name", "shared", "added_by_name",
    }  # fmt: skip
    assert (mine["items"][1]["title"], mine["items"][1]["version"], mine["items"][1]["signed_by"]) == (
        "Informed Consent for Psychotherapy", 1, "Wilhelmina Quill",
    )  # fmt: skip
    assert call("C1").get("/portal/home").json["documents"] == 2
    first = call("T1").get(GENERAL, query={"limit": 1}).json
    rest = call("T1").get(GENERAL, query={"limit": 1, "cursor": first["next_cursor"]}).json
    assert [first["items"][0]["document_id"], rest["items"][0]["document_id"]] == [newer, older]


def test_the_record_says_what_was_signed_before_and_after_the_seal(call: Call) -> None:
    given = {"reason": "The stairs\nin the evening", "concerns": ["sleep", "mood"], "effect_sleep": 0}
    given |= {"takes_medicines": True, "medicines": [{"name": "Iron", "dose": "1"}], "may_text": False}
    _, document_id = flows.signed_document(call("C1"), "C1", QUESTIONNAIRE, **given)
    before = call("C1").get(f"/portal/documents/{document_id}").json
    call().drain()
    mine = call("C1").get(f"/portal/documents/{document_id}").json
    theirs = call("T1").get(f"{GENERAL}/{document_id}").json
    assert (mine["sections"], mine["signatures"]) == (before["sections"], before["signatures"])
    lines = {item["field_id"]: item for section in mine["sections"] for item in section["items"]}
    said = {name: lines[name]["value"] for name in (*given, "legal_name")}
    assert said == {
        "reason": "The stairs\nin the evening", "concerns": ["Low or changing mood", "Sleep"],
        "effect_sleep": "0 (0: Not at all, 10: Completely)",
        "takes_medicines": "Yes", "medicines": [["Iron", "1", "", ""]], "may_text": "No",
        "legal_name": "Imogen Thistlewood",
    }  # fmt: skip
    for section in theirs["sections"]:
        for item in section["items"]:
            assert item.pop("worrying") is False
    assert theirs["sections"] == mine["sections"]
    (signature,) = mine["signatures"]
    assert (signature["name"], signature["relationship"], signature["method"], signature["time_zone"]) == (
        "Wilhelmina Quill", "self", "typed", "America/New_York",
    )  # fmt: skip
    assert signature["signed_at"] == mine["signed_at"]


def test_the_file_says_what_the_record_says(call: Call) -> None:
    from pypdf import PdfReader

    document_id = _sealed(call, QUESTIONNAIRE, reason="Stairs <b>and</b> {{evenings}}")
    pdf, listed = _file(call, document_id), call("T1").get(GENERAL).json["items"][0]
    assert (hashlib.sha256(pdf).hexdigest(), len(pdf)) == (listed["sha256"], listed["size"])
    text = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)
    for words in ("Stairs <b>and</b> {{evenings}}", "Imogen Thistlewood", "Wilhelmina Quill", document_id):
        assert words in " ".join(text.split())


def test_what_is_not_sealed_yet_is_not_handed_out(call: Call) -> None:
    """It is there, and can be read in words; the file is not complete before it is sealed."""
    _, document_id = flows.signed_document(call("C1"), "C1")
    (listed,) = call("T1").get(GENERAL).json["items"]
    assert (listed["status"], listed["sha256"], listed["size"], listed["filed_at"]) == ("sealing", None, None, None)
    for early in (
        call("T1").post(f"{GENERAL}/{document_id}/download"),
        call("T1").get(f"{GENERAL}/{document_id}/verification"),
        call("C1").post(f"/portal/documents/{document_id}/download"),
    ):
        assert (early.status, early.code) == (409, "not_sealed")
    assert not [each for each in flows.stored("client_audit") if each["action"] == "document:download"]
    call().drain()
    assert call("C1").post(f"/portal/documents/{document_id}/download").status == 200


# ---- handing out ----


@pytest.mark.parametrize("who", ["T1", "C1"])
def test_a_link_is_for_two_minutes_and_one_file(world: World, call: Call, who: str) -> None:
    document_id = _sealed(call)
    path = GENERAL if who == "T1" else "/portal/documents"
    answer = call(who).post(f"{path}/{document_id}/download")
    assert answer.status == 200
    left = (instant(answer.json["expires_at"]) - world.portal.clock.now()).total_seconds()
    assert 110 < left <= 120
    link = urlsplit(answer.json["url"])
    query = {name: values[0] for name, values in parse_qs(link.query).items()}
    key = f"tenants/{world.tenant_id('oak')}/clients/{C1}/documents/{document_id}.pdf"
    assert link.path.endswith(f"/{BUCKET}/{key}")
    (entry,) = [each for each in flows.stored("document") if each["document_id"] == document_id]
    assert (query["X-Amz-Expires"], query["versionId"]) == ("120", entry["object_version"])
    assert query["response-content-disposition"] == f'attachment; filename="{NOTICE}.pdf"'
    assert answer.headers["Cache-Control"] == "no-store"
    with urllib.request.urlopen(answer.json["url"]) as file:
        assert file.read().startswith(b"%PDF-")


def test_every_read_and_every_link_is_on_record(call: Call) -> None:
    document_id = _sealed(call)
    therapist = call("T1")
    therapist.get(f"{GENERAL}/{document_id}")
    therapist.post(f"{GENERAL}/{document_id}/download")
    therapist.get(f"{GENERAL}/{document_id}/verification")
    call("C1").post(f"/portal/documents/{document_id}/download")
    events = [each for each in flows.stored("client_audit") if document_id in each["object"]]
    seen = sorted((each["action"], PEOPLE["T1"].id in each["actor"]) for each in events)
    assert seen == [
        ("document:download", False), ("document:download", True), ("document:file", False),
        ("document:read", True), ("document:verify", True),
    ]  # fmt: skip


# ---- whose it is ----


@pytest.mark.parametrize("who", ["T2", "T4", "B1", "BT", "D1"])
def test_who_is_not_assigned_finds_nothing(call: Call, who: str) -> None:
    document_id = _sealed(call)
    reached = _staff_answers(call(who), GENERAL, document_id)
    if who == "T4":  # has clients, under none of whom this document lies
        reached += _staff_answers(call(who), f"/practice/clients/{flows.client_id('C3')}/documents", document_id)[1:]
    assert {(answer.status, answer.code) for answer in reached} == {(404, "not_found")}


def _staff_answers(staff: Caller, place: str, document_id: str) -> list[Answer]:
    return [
        staff.get(place),
        staff.get(f"{place}/{document_id}"),
        staff.post(f"{place}/{document_id}/download"),
        staff.get(f"{place}/{document_id}/verification"),
    ]


def test_clients_see_their_own_documents_only(call: Call) -> None:
    document_id = _sealed(call)
    for who in ("C2", "CB"):
        other = call(who)
        assert other.get("/portal/documents").json["items"] == []
        for answer in (
            other.get(f"/portal/documents/{document_id}"),
            other.post(f"/portal/documents/{document_id}/download"),
        ):
            assert (answer.status, answer.code) == (404, "not_found")
    assert call("C1").get(GENERAL).code == "forbidden"
    assert call("T1").get("/portal/documents").code == "forbidden"


def test_what_is_not_shared_stays_with_the_staff(world: World, call: Call) -> None:
    from chalicelib.models.clients import Document
    from chalicelib.models.transaction import change

    document_id = _sealed(call)
    kept = Document.at(tenant_id=world.tenant_id("oak"), client_id=C1, document_id=document_id)
    change(kept, Document.shared.set(False))
    assert call("C1").get("/portal/documents").json["items"] == []
    assert call("C1").get(f"/portal/documents/{document_id}").status == 404
    assert call("C1").post(f"/portal/documents/{document_id}/download").status == 404
    assert call("T1").post(f"{GENERAL}/{document_id}/download").status == 200


# ---- is it what was sealed? ----


def _verify(call: Call, content: bytes, **options: Any) -> Answer:
    options = {"content_type": "application/pdf", **options}
    return call().api("POST", "/verification", content, **options)


def test_anyone_can_check_a_file(call: Call) -> None:
    pdf = _file(call, _sealed(call))
    answer = _verify(call, pdf)
    assert answer.status == 200
    verdict = answer.json
    assert (verdict["intact"], verdict["sealed_by_us"], verdict["reason"]) == (True, True, None)
    assert verdict["sha256"] == hashlib.sha256(pdf).hexdigest()
    assert verdict["sealed_at"] is not None
    assert set(verdict) == {"intact", "sealed_by_us", "sealed_at", "sha256", "reason"}  # and nothing about anyone


def test_one_flipped_byte_is_noticed(call: Call) -> None:
    pdf = _file(call, _sealed(call))
    for changed in (_flipped(pdf), pdf[:-1], pdf + b"\n"):
        verdict = _verify(call, changed).json
        assert (verdict["intact"], verdict["reason"]) == (False, "changed")


def test_other_files_are_told_apart(call: Call) -> None:
    from reportlab.pdfgen.canvas import Canvas

    made = io.BytesIO()
    canvas = Canvas(made)
    canvas.drawString(72, 720, "Sealed by Oak Lane Counseling")
    canvas.save()
    reasons = [
        _verify(call, content).json["reason"]
        for content in (made.getvalue(), b"%PDF-1.7\n", b"", b"\x89PNG\r\n\x1a\n", "مرحبا".encode())
    ]
    assert reasons[0] == "not_sealed"
    assert set(reasons[1:]) <= {"not_a_pdf", "not_sealed"}
    assert reasons[2:] == ["not_a_pdf"] * 3


def test_only_a_pdf_is_taken_and_only_so_often(call: Call, limits: Callable[..., None]) -> None:
    assert _verify(call, b"{}", content_type="application/json").code == "unsupported_media_type"
    assert _verify(call, b"%PDF-", query={"note": "x"}).code == "malformed"
    limits(verification_address=(2, 600))
    answers = [_verify(call, b"no pdf") for _ in range(3)]
    assert answers[-1].status == 429
    assert int(answers[-1].headers["Retry-After"]) > 0


def test_the_stored_file_is_checked_against_what_was_filed(world: World, call: Call) -> None:
    first, second = _sealed(call), _sealed(call, CONSENT)
    good, other = _file(call, first), _file(call, second)

    def told() -> tuple[Any, ...]:
        verdict = call("T1").get(f"{GENERAL}/{first}/verification").json
        return verdict["intact"], verdict["matches_record"], verdict["reason"]

    assert told() == (True, True, None)
    _replace(world, first, _flipped(good))
    assert told() == (False, False, "changed")
    _replace(world, first, other)  # sealed by us, and still not this document
    assert told() == (True, False, None)
    _replace(world, first, good)
    assert told() == (True, True, None)


def _replace(world: World, document_id: str, content: bytes) -> None:
    """Have the document's entry lead to other bytes, as somebody could who writes to the table and the bucket."""
    from chalicelib.adapters import documents
    from chalicelib.models.clients import Document
    from chalicelib.models.transaction import change

    entry = Document.find(tenant_id=world.tenant_id("oak"), client_id=C1, document_id=document_id)
    assert entry is not None
    version = documents.put_sealed(entry.object_key, content, world.portal.clock.now())
    change(entry, Document.object_version.set(version))


# ---- who is told ----


def test_staff_are_told_once_when_the_whole_packet_is_sealed(call: Call) -> None:
    client = call("C1")
    intake_id = flows.send_packet("C1", CONSENT, NOTICE)
    for form_id in (NOTICE, CONSENT):
        assert call("T1").get("/practice/notifications").json["items"] == []
        flows.fill(client, intake_id, form_id)
        flows.sign(client, intake_id, form_id)
        client.drain()
    client.drain()
    for who in ("T1", "T3", "A1"):  # assigned, assigned, and the administrator who sent it
        (notice,) = call(who).get("/practice/notifications").json["items"]
        assert (notice["kind"], notice["client_id"], notice["intake_id"], notice["worrying"], notice["read"]) == (
            "packet_completed", C1, intake_id, False, False,
        )  # fmt: skip
        (mail,) = client.outbox(PEOPLE[who].email)
        assert mail["subject"] == "Something new in the portal"
    for who in ("T2", "T4", "A2"):
        assert call(who).get("/practice/notifications").json["items"] == []
        assert not client.outbox(PEOPLE[who].email)


def test_a_notice_is_read_once_and_by_its_owner(call: Call) -> None:
    _sealed(call)
    (notice,) = call("T1").get("/practice/notifications").json["items"]
    path = f"/practice/notifications/{notice['notification_id']}/read"
    for who in ("T3", "A1", "B1"):
        assert call(who).post(path).status == 404
    assert [call("T1").post(path).status for _ in range(2)] == [204, 204]
    assert call("T1").get("/practice/notifications").json["items"][0]["read"] is True
    assert call("T1").get("/practice/home").json["unread"] == 0
    assert call("T3").get("/practice/home").json["unread"] == 1
