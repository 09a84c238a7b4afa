"""Files on their way in: what is taken, what is refused, what is taken out, and nothing that was not looked at."""

import io
import socket
import struct
import threading
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image, TiffImagePlugin

from chalicelib.adapters import filetypes, scanner
from chalicelib.config import settings
from infra.local import cloud, faults
from tests import flows
from tests.calls import Answer, Caller
from tests.conftest import World

PLACE = "40.7128 North"
MACRO = '<Types><Override ContentType="application/vnd.ms-word.document.macroEnabled.main+xml"/></Types>'
TEMPLATE = b'<Relationship Id="r" Type="http://x/attachedTemplate" Target="http://evil/x.dotm" TargetMode="External"/>'


def picture(kind: str, **more: Any) -> bytes:
    """A small photo with a place, a camera and a comment in it."""
    image = Image.new("RGB", (64, 40), (200, 30, 40))
    image.putpixel((3, 3), (1, 2, 3))
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "Camera of Imogen Thistlewood"
    exif[0x8825] = {1: "N", 29: PLACE}
    made = io.BytesIO()
    image.save(made, kind, exif=exif, **more)
    return made.getvalue()


def pdf(inside: bytes = b"", *, version: bytes = b"1.7") -> bytes:
    """The least that is one."""
    return b"%PDF-" + version + b"\n1 0 obj\n<</Type/Catalog" + inside + b">>\nendobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def word(more: dict[str, bytes] | None = None, *, kinds: bytes = b"<Types/>") -> bytes:
    """The least that is one."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in {
            "[Content_Types].xml": kinds,
            "word/document.xml": b"<w:document/>",
            **(more or {}),
        }.items():
            packed.writestr(name, content)
    return made.getvalue()


def packed_pdf(head: bytes, content: bytes, start: bytes = b"stream\n") -> bytes:
    """A PDF with an object stream."""
    return pdf().replace(b"%%EOF", b"2 0 obj<<" + head + b">>" + start + content + b"endstream\n%%EOF")


def related(text: bytes, name: str = "word/_rels/settings.xml.rels") -> bytes:
    """A document whose parts are related so."""
    return word({name: text})


def heic() -> bytes:
    """A HEIC file's boxes: one picture item, and one Exif item that says where it was taken."""

    def box(name: bytes, *parts: bytes) -> bytes:
        inside = b"".join(parts)
        return struct.pack(">I4s", 8 + len(inside), name) + inside

    exif, pixels = b"\0\0\0\0MM\0*" + PLACE.encode(), b"pixels of the picture"
    entries = box(b"infe", b"\2\0\0\0", struct.pack(">HH4sB", 1, 0, b"hvc1", 0)) + box(
        b"infe", b"\2\0\0\0", struct.pack(">HH4sB", 2, 0, b"Exif", 0)
    )
    information = box(b"iinf", b"\0\0\0\0", struct.pack(">H", 2), entries)

    def whole(start: int) -> tuple[bytes, int]:
        places = struct.pack(">HH", 0x4400, 2)
        places += struct.pack(">HHHII", 1, 0, 1, start, len(pixels))
        places += struct.pack(">HHHII", 2, 0, 1, start + len(pixels), len(exif))
        head = box(b"ftyp", b"heic\0\0\0\0mif1heic") + box(
            b"meta", b"\0\0\0\0", information, box(b"iloc", b"\0\0\0\0", places)
        )
        return head + box(b"mdat", pixels, exif), len(head) + 8

    _, start = whole(0)
    return whole(start)[0]


def base(world: World, key: str = "C1") -> str:
    """The address of a client's file, for staff."""
    return f"/practice/clients/{world.id(key)}"


def fetch(caller: Caller, link: str) -> Answer:
    """Follow a short-lived link."""
    parts = urlsplit(link)
    return caller.send("GET", f"{parts.path}?{parts.query}", None, {})


def kept(call: Callable[..., Caller], world: World, document_id: str) -> bytes:
    """The bytes that staff would download."""
    link = call("T1").post(f"{base(world)}/documents/{document_id}/download")
    assert link.status == 200, link
    answer = fetch(call(), link.json["url"])
    assert answer.status == 200
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    return answer.body


# ---- what is taken ----


class TestTaken:
    @pytest.mark.parametrize(
        ("name", "content", "kind"),
        [
            ("letter.pdf", pdf(), "pdf"),
            ("card.png", picture("PNG"), "png"),
            ("card.JPG", picture("JPEG"), "jpg"),
            ("card.jpg", picture("JPEG", progressive=True), "jpg"),
            ("IMG_0001.HEIC", heic(), "heic"),
            ("notes.txt", "Über Äpfel\r\nline two".encode(), "txt"),
            ("notes.txt", "Über Äpfel".encode("utf-16"), "txt"),
            ("packed.pdf", packed_pdf(b"/Type/ObjStm/Filter/FlateDecode", zlib.compress(b"1 0 <</A 1>>")), "pdf"),
            ("plan.docx", related(TEMPLATE.replace(b"attachedTemplate", b"hyperlink")), "docx"),
            ("plan.docx", word({"word/media/image1.png": picture("PNG")}), "docx"),
            ("photo.jpg", pdf(), "pdf"),  # the bytes decide, not the name
            ("../../etc/passwd\u202efdp.exe", pdf(), "pdf"),
        ],
    )
    def test_by_its_bytes(
        self, name: str, content: bytes, kind: str, world: World, call: Callable[..., Caller]
    ) -> None:
        became = flows.uploaded(call("T1"), base(world), name, content, category="letter", title="From the doctor")
        assert became["status"] == "used", became
        (listed,) = call("T1").get(f"{base(world)}/documents").json["items"]
        assert listed["document_id"] == became["document_id"]
        assert (listed["title"], listed["kind"], listed["file_type"]) == ("From the doctor", "letter", kind)
        assert listed["file_name"].endswith(f".{kind}")
        assert not set("/\\\u202e\r\n") & set(listed["file_name"])
        body = kept(call, world, listed["document_id"])
        assert len(body) == listed["size"]
        assert PLACE.encode() not in body
        assert b"Camera" not in body

    @pytest.mark.parametrize("kind", ["PNG", "JPEG"])
    def test_the_same_picture_comes_out_upright_and_without_a_place(self, kind: str) -> None:
        content = picture(kind)
        assert PLACE.encode() in content
        found, cleaned = filetypes.cleaned(content + b"PK\x03\x04 something behind the end")
        before, after = Image.open(io.BytesIO(content)), Image.open(io.BytesIO(cleaned))
        assert before.convert("RGB").tobytes() == after.convert("RGB").tobytes()
        assert cleaned.endswith(b"\xff\xd9" if found == "jpg" else b"IEND\xaeB`\x82")
        told = {tag: value for tag, value in after.getexif().items()}
        assert told == ({0x0112: 6} if found == "jpg" else {})

    def test_heic_keeps_its_pixels_and_forgets_the_place(self) -> None:
        content = heic()
        _, cleaned = filetypes.cleaned(content)
        assert len(cleaned) == len(content)
        assert b"pixels of the picture" in cleaned
        assert PLACE.encode() not in cleaned

    @pytest.mark.parametrize(
        ("given", "shown"),
        [
            ("../../x", "x.pdf"),
            ("C:\\Users\\me\\scan.PDF", "scan.pdf"),
            ("a\u202efdp.exe", "afdp.pdf"),
            ("a\r\nContent-Type: text.html", "aContent-Type_ text.pdf"),
            (".....", "file.pdf"),
            ("", "file.pdf"),
            ("CON<>|?*.pdf", "CON.pdf"),
            ("ü" * 400 + ".jpg", "ü" * 100 + ".pdf"),
            ("Ver 2.0 final", "Ver 2.0 final.pdf"),
        ],
    )
    def test_names(self, given: str, shown: str) -> None:
        assert filetypes.name_of(given, "pdf") == shown


# ---- what is refused ----

BOMB = word({"word/big.xml": b"\0" * (60 * 1024 * 1024)})
PACKED = zlib.compress(b"1 0 <</S/JavaScript/JS(app.alert(1))>>")

REFUSED = {
    "eicar": (scanner.EICAR, "infected"),
    "eicar in a document": (word({"word/media/x.txt": scanner.EICAR}), "infected"),
    "html": (b"<!DOCTYPE html><script>alert(1)</script>", "type_not_allowed"),
    "svg": (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="x()"/>', "type_not_allowed"),
    "a program": (b"MZ\x90\0" + bytes(300), "type_not_allowed"),
    "a script": (b"#!/bin/sh\nrm -rf /\n", "type_not_allowed"),
    "gif": (b"GIF89a" + bytes(50), "type_not_allowed"),
    "zip": (zlib.compress(b"x") + b"PK", "type_not_allowed"),
    "blank text": (b"  \n ", "type_not_allowed"),
    "a zip that is no document": (word()[:4] + b"nothing", "damaged"),
    "half a picture": (picture("JPEG")[:300], "damaged"),
    "half a png": (picture("PNG")[:100], "damaged"),
    "a png with a wrong sum": (picture("PNG").replace(b"IDAT", b"IDAU", 1), "damaged"),
    "a jpeg of markers only": (b"\xff\xd8\xff\xd9", "damaged"),
    "half a heic": (heic()[:60], "damaged"),
    "a pdf with a program": (pdf(b"/OpenAction<</S/JavaScript/JS(app.alert(1))>>"), "active_content"),
    "a hidden name": (pdf(b"/OpenAction<</S/J#61vaScript>>"), "active_content"),
    "a packed program": (
        pdf().replace(b"%%EOF", b"2 0 obj<</Type/ObjStm/Filter/FlateDecode>>stream\n" + PACKED + b"endstream\n%%EOF"),
        "active_content",
    ),
    "a packed program behind a long head": (
        packed_pdf(b"/Type/ObjStm/X(" + b"x" * 500 + b")/Filter/FlateDecode", PACKED),
        "active_content",
    ),
    "a packed program with a hidden type": (packed_pdf(b"/Type/Obj#53tm/Filter/FlateDecode", PACKED), "active_content"),
    "a packed program behind a bare return": (
        packed_pdf(b"/Type/ObjStm/Filter/FlateDecode", PACKED, b"stream\r"),
        "active_content",
    ),
    "a program that is packed twice": (
        packed_pdf(b"/Type/ObjStm/Filter[/FlateDecode/FlateDecode]", zlib.compress(PACKED)),
        "damaged",
    ),
    "a program that is spelled in hexadecimal": (
        packed_pdf(b"/Type/ObjStm/Filter[/ASCIIHexDecode/FlateDecode]", PACKED.hex().encode() + b">"),
        "damaged",
    ),
    "a packed program beside the word": (
        packed_pdf(b"/X(stream)/Type/ObjStm/Filter/FlateDecode", PACKED),
        "active_content",
    ),
    "a launching pdf": (pdf(b"/A<</S/Launch/F(cmd.exe)>>"), "active_content"),
    "a file in a pdf": (pdf(b"/Names<</EmbeddedFiles<<>>>>"), "active_content"),
    "a locked pdf": (pdf(b"/Encrypt 5 0 R"), "encrypted"),
    "a cut pdf": (pdf()[:20] + bytes(3000), "damaged"),
    "a macro": (word({"word/vbaProject.bin": b"x"}), "active_content"),
    "a macro by type": (word(kinds=MACRO.encode()), "active_content"),
    "an object": (word({"word/embeddings/oleObject1.bin": b"x"}), "active_content"),
    "a template from elsewhere": (word({"word/_rels/settings.xml.rels": TEMPLATE}), "active_content"),
    "a template in other quotes": (related(TEMPLATE.replace(b'"', b"'")), "active_content"),
    "a template in another encoding": (related(TEMPLATE.decode().encode("utf-16")), "active_content"),
    "a template with a prefix": (
        related(TEMPLATE.replace(b"<Rel", b'<r:Rel').replace(b" Id", b' xmlns:r="http://x" Id')),
        "active_content",
    ),
    "a template with spelled letters": (related(TEMPLATE.replace(b"External", b"&#69;xternal")), "active_content"),
    "a template in capitals": (related(TEMPLATE, "word/_rels/SETTINGS.XML.RELS"), "active_content"),
    "a template by an entity": (
        related(b'<!DOCTYPE x [<!ENTITY e "External">]>' + TEMPLATE.replace(b"External", b"&e;")),
        "active_content",
    ),
    "a page within": (
        related(b'<Relationship Id="r" Type="http://x/aFChunk" Target="page.mht"/>', "word/_rels/document.xml.rels"),
        "active_content",
    ),
    "an object by another name": (
        related(b'<Relationship Id="r" Type="http://x/oleObject" Target="a.dat"/>', "word/_rels/document.xml.rels"),
        "active_content",
    ),
    "a macro by type in another encoding": (word(kinds=MACRO.encode("utf-16")), "active_content"),
    "a bomb": (BOMB, "damaged"),
    "a path": (word({"../../evil.xml": b"x"}), "damaged"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_is_refused(name: str, world: World, call: Callable[..., Caller]) -> None:
    content, reason = REFUSED[name]
    became = flows.uploaded(call("C1"), "/portal", "card.jpg", content, category="insurance_card_front")
    assert (became["status"], became["reason"], became["document_id"]) == ("refused", reason, None)
    assert call("T1").get(f"{base(world)}/documents").json["items"] == []
    assert call("T1").get("/practice/notifications").json["items"] == []
    path = f"{base(world)}/documents/{became['upload_id']}/download"
    assert call("T1").post(path).status == 404
    assert _objects() == []


def _objects(prefix: str = "") -> list[str]:
    found = cloud.client("s3").list_object_versions(Bucket=settings.documents_bucket, Prefix=prefix)
    return [each["Key"] for each in found.get("Versions", [])]


@pytest.mark.parametrize("packed", [False, True])
def test_twenty_five_megabytes_of_spelled_letters_are_refused_in_no_time(packed: bool) -> None:
    """Undoing them all took the worker ten seconds a file; a font here and there spells its name so."""
    letters = b"/Font#41" * (25 * 1024 * 1024 // 8)
    streamed = packed_pdf(b"/Type/ObjStm/Filter/FlateDecode", zlib.compress(b"1 0 " + letters))
    hidden = streamed if packed else pdf(letters)
    started = time.process_time()
    with pytest.raises(filetypes.Refused, match="damaged"):
        filetypes.cleaned(hidden)
    assert time.process_time() - started < 1.5
    assert filetypes.cleaned(pdf(letters[:80_000]))[0] == "pdf"


def test_a_thousand_broken_files_never_break_the_check() -> None:
    """Any byte of any good file may be any other: taken or refused, never an exception and never without an end."""
    import random

    chance = random.Random(7)
    good = [picture("PNG"), picture("JPEG"), heic(), word(), pdf()]
    for number in range(1000):
        content = bytearray(good[number % len(good)])
        for _ in range(chance.randint(1, 6)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        try:
            kind, kept = filetypes.cleaned(
                bytes(content[: chance.randint(1, len(content))] if number % 3 == 0 else content)
            )
            list(filetypes.unpacked(kind, bytes(content)))
        except filetypes.Refused:
            continue
        assert kind in filetypes.MEDIA
        assert kept


# ---- the way ----


def _begun(caller: Caller, root: str, size: int = 70, **more: Any) -> dict[str, Any]:
    answer = caller.post(f"{root}/uploads", {"name": "card.png", "size": size, "category": "other", **more})
    assert answer.status == 201, answer
    ticket: dict[str, Any] = answer.json
    return ticket


class TestForm:
    def test_the_bucket_takes_this_file_to_this_place_and_nothing_else(
        self, world: World, call: Callable[..., Caller]
    ) -> None:
        client = call("C1")
        ticket = _begun(client, "/portal")
        key = next(field["value"] for field in ticket["fields"] if field["name"] == "key")
        assert key == f"quarantine/{world.tenant_id('oak')}/{world.id('C1')}/{ticket['upload_id']}"
        size = b"x" * 70
        assert flows.post_file(client, ticket, size + b"x").status == 400
        assert flows.post_file(client, ticket, size[:-1]).status == 400
        for changed in (
            {"key": "tenants/elsewhere"},
            {"Content_Type": "text/html"},
            {"policy": "e30="},
            {"x_amz_signature": "0" * 64},
            {"acl": "public-read"},
            {"success_action_redirect": "http://evil.example"},
        ):
            assert flows.post_file(client, ticket, size, **changed).status == 403, changed
        assert _objects() == []
        assert flows.post_file(client, ticket, size).status == 204
        assert _objects() == [key]
        world.portal.clock.advance(16 * 60)
        assert flows.post_file(client, ticket, size).status == 403

    def test_sizes_and_names(self, call: Callable[..., Caller]) -> None:
        client = call("C1")
        for body in (
            {"name": "x.png", "size": 0, "category": "other"},
            {"name": "x.png", "size": 25 * 1024 * 1024 + 1, "category": "other"},
            {"name": "", "size": 5, "category": "other"},
            {"name": "x\r\ny.png", "size": 5, "category": "other"},
            {"name": "x.png", "size": 5, "category": "intake_form"},
            {"name": "x.png", "size": 5, "category": "letter"},  # what only staff file
            {"name": "x.png", "size": 5, "category": "other", "shared": False},
            {"name": "x.png", "size": 5, "category": "other", "purpose": "paper_form"},
        ):
            assert client.post("/portal/uploads", body).status == 422, body

    def test_twenty_a_day(self, world: World, call: Callable[..., Caller], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(settings.limits, "uploads_client", (20, 86400))
        client = call("C1")
        answers = flows.together(
            30, lambda n: client.post("/portal/uploads", {"name": "x.png", "size": 5, "category": "other"}).status
        )
        assert (answers.count(201), answers.count(429)) == (20, 10)
        assert call("C2").post("/portal/uploads", {"name": "x", "size": 5, "category": "other"}).status == 201
        world.portal.clock.advance(86400)
        client.sign_in("C1")
        assert client.post("/portal/uploads", {"name": "x", "size": 5, "category": "other"}).status == 201

    def test_an_archived_client_sends_nothing(self, world: World, call: Callable[..., Caller]) -> None:
        from chalicelib.models.clients import Client
        from chalicelib.models.transaction import change

        change(Client.at(tenant_id=world.tenant_id("oak"), client_id=world.id("C1")), Client.status.set("archived"))
        answer = call("C1").post("/portal/uploads", {"name": "x", "size": 5, "category": "other"})
        assert (answer.status, answer.code) == (409, "client_archived")


class TestCheck:
    def test_nothing_can_be_had_before_it_is_clean(self, world: World, call: Callable[..., Caller]) -> None:
        client, content = call("C1"), picture("PNG")
        with world.portal.pump.exclusively():
            ticket = _begun(client, "/portal", len(content))
            path = f"/portal/uploads/{ticket['upload_id']}"
            assert client.post(f"{path}/finish").code == "upload_missing"
            assert flows.post_file(client, ticket, content).status == 204
            answers = flows.together(8, lambda n: client.post(f"{path}/finish"))
            assert {(each.status, each.json["status"]) for each in answers} == {(200, "checking")}
            assert flows.waiting("uploads") == 1
            assert client.get(path).json["status"] == "checking"
            assert client.get("/portal/documents").json["items"] == []
            assert client.post(f"/portal/documents/{ticket['upload_id']}/download").status == 404
        client.drain()
        assert client.get(path).json == {
            "upload_id": ticket["upload_id"], "status": "used", "reason": None, "document_id": ticket["upload_id"],
        }  # fmt: skip
        assert client.post(f"{path}/finish").json["status"] == "used"
        assert len(client.get("/portal/documents").json["items"]) == 1

    def test_what_is_posted_after_the_finish_is_never_what_is_filed(
        self, world: World, call: Callable[..., Caller]
    ) -> None:
        client, content = call("C1"), picture("PNG")
        with world.portal.pump.exclusively():
            ticket = _begun(client, "/portal", len(content))
            flows.post_file(client, ticket, content)
            client.post(f"/portal/uploads/{ticket['upload_id']}/finish")
            evil = (scanner.EICAR + content)[: len(content)]
            assert flows.post_file(client, ticket, evil).status == 204
        client.drain()
        (document,) = client.get("/portal/documents").json["items"]
        assert flows.post_file(client, ticket, evil).status == 204
        client.drain()
        assert kept(call, world, document["document_id"]) == filetypes.cleaned(content)[1]

    def test_files_of_others(self, world: World, call: Callable[..., Caller]) -> None:
        ticket = _begun(call("T1"), base(world))
        path = f"uploads/{ticket['upload_id']}"
        assert call("T3").get(f"{base(world)}/{path}").status == 200
        for caller, root in (("C1", "/portal"), ("C2", "/portal"), ("T4", base(world)), ("T4", base(world, "C3"))):
            assert call(caller).get(f"{root}/{path}").status == 404, caller
            assert call(caller).post(f"{root}/{path}/finish").status == 404, caller

    def test_staff_are_told_once_of_what_a_client_sent(self, world: World, call: Callable[..., Caller]) -> None:
        became = flows.uploaded(call("C1"), "/portal", "card.png", picture("PNG"), category="insurance_card_front")
        for key in ("T1", "T3"):
            told = call(key).get("/practice/notifications").json["items"]
            assert [(each["kind"], each["client_id"]) for each in told] == [("document_added", world.id("C1"))]
        assert call("A1").get("/practice/notifications").json["items"] == []
        (listed,) = call("T1").get(f"{base(world)}/documents").json["items"]
        assert (listed["title"], listed["added_by"], listed["shared"]) == ("Insurance card, front", "client", True)
        assert call("T1").get(f"{base(world)}/documents/{became['document_id']}").json["sections"] == []
        assert flows.outbox() == []
        verification = call("T1").get(f"{base(world)}/documents/{became['document_id']}/verification")
        assert verification.code == "never_sealed"

    def test_what_is_stored_is_encrypted_and_the_link_says_nothing(
        self, world: World, call: Callable[..., Caller], canaries: Any
    ) -> None:
        canaries.add("Secretive", "Hushed")
        became = flows.uploaded(
            call("T1"), base(world), "Secretive Hushed.png", picture("PNG"), title="Secretive referral"
        )
        assert "Secretive" not in str(flows.stored("document", "upload", "client_audit"))
        link = call("T1").post(f"{base(world)}/documents/{became['document_id']}/download").json
        query = parse_qs(urlsplit(link["url"]).query)
        assert query["response-content-disposition"][0].startswith('attachment; filename="other-20')
        assert int(query["X-Amz-Expires"][0]) <= 300
        assert fetch(call(), link["url"]).status == 200
        world.portal.clock.advance(301)
        assert fetch(call(), link["url"]).status == 403

    def test_sharing(self, world: World, call: Callable[..., Caller]) -> None:
        became = flows.uploaded(call("T1"), base(world), "letter.pdf", pdf())
        path, mine = f"{base(world)}/documents/{became['document_id']}", f"/portal/documents/{became['document_id']}"
        assert call("C1").get("/portal/documents").json["items"] == []
        assert (call("C1").get(mine).status, call("C1").post(f"{mine}/download").status) == (404, 404)
        assert call("T1").post(f"{path}/sharing", {"shared": True}).json["shared"] is True
        assert call("C1").get(mine).json["added_by"] == "practice"
        assert call("C1").post(f"{mine}/download").status == 200
        assert call("T1").post(f"{path}/sharing", {"shared": False}).json["shared"] is False
        assert call("C1").post(f"{mine}/download").status == 404
        for hidden in (_clients_own(call, world), _signed(call)):
            answer = call("T1").post(f"{base(world)}/documents/{hidden}/sharing", {"shared": False})
            assert (answer.status, answer.code) == (409, "always_shared")

    def test_a_paper_scan_waits_to_be_used_and_is_used_once(self, world: World, call: Callable[..., Caller]) -> None:
        from chalicelib import clock
        from chalicelib.context import Actor, Context, Persona
        from chalicelib.errors import UploadUsed
        from chalicelib.models.clients import Client
        from chalicelib.models.transaction import Transaction
        from chalicelib.services import documents, uploads

        became = flows.uploaded(call("T1"), base(world), "scan.pdf", pdf(), purpose="paper_form")
        assert (became["status"], became["document_id"]) == ("clean", None)
        about = {"tenant_id": world.tenant_id("oak"), "client_id": world.id("C1")}
        context = Context(about["tenant_id"], Actor("staff", world.id("T1"), "x"), clock.now(), Persona.PRACTICE)
        context.client = Client.find(**about)
        upload = uploads.clean(context, became["upload_id"], uploads.PAPER_FORM)

        def file(_: int) -> str:
            try:
                with Transaction() as tx:
                    uploads.use(tx, upload)
                    paper = {"category": "signed_paper", "title": None, "shared": True, "form_id": flows.NOTICE}
                    tx.create(documents.from_upload(upload, clock.now(), **paper))
            except UploadUsed:
                return "used"
            return "filed"

        assert sorted(flows.together(6, file)) == ["filed", *["used"] * 5]
        (listed,) = call("C1").get("/portal/documents").json["items"]
        assert (listed["title"], listed["form_id"]) == ("Form signed on paper", flows.NOTICE)

    def test_what_was_signed_on_paper_is_locked_as_what_was_sealed_is(
        self, world: World, call: Callable[..., Caller]
    ) -> None:
        staff = call("T1")
        scan = flows.uploaded(staff, base(world), "scan.pdf", pdf(), purpose="paper_form")
        other = flows.uploaded(staff, base(world), "letter.pdf", pdf(), category="other")
        body = {"form_id": flows.NOTICE, "intake_id": None, "upload_id": scan["upload_id"],
                "signed_by": "Imogen Thistlewood", "relationship": "self", "signed_on": "2026-01-14"}  # fmt: skip
        assert staff.post(f"{base(world)}/paper-forms", body).status == 201
        staff.drain()
        until = _locked_until(scan)
        assert until is not None
        assert until >= world.portal.clock.now() + timedelta(days=settings.retention_days) - timedelta(hours=1)
        assert _locked_until(other) is None  # it may have to be taken out of the wrong person's file
        world.portal.clock.advance(25 * 3600)
        call().drain()
        assert _locked_until(scan) == until
        assert not [each for each in flows.stored("upload") if each.get("duepk")]


def _locked_until(upload: dict[str, Any]) -> datetime | None:
    (kept,) = [each for each in flows.stored("upload") if each["upload_id"] == upload["upload_id"]]
    place = {"Bucket": settings.documents_bucket, "Key": kept["object_key"], "VersionId": kept["object_version"]}
    head = cloud.client("s3").head_object(**place)
    assert head.get("ObjectLockMode") in (None, "GOVERNANCE")
    until: datetime | None = head.get("ObjectLockRetainUntilDate")
    return until


def _clients_own(call: Callable[..., Caller], world: World) -> str:
    became = flows.uploaded(call("C1"), "/portal", "x.png", picture("PNG"), category="identification")
    return str(became["document_id"])


def _signed(call: Callable[..., Caller]) -> str:
    document_id = flows.signed_document(call("C1"), "C1")[1]
    call("C1").drain()
    return document_id


class TestSweep:
    def test_what_nobody_uses_is_gone_after_a_day(self, world: World, call: Callable[..., Caller]) -> None:
        staff, client = call("T1"), call("C1")
        never_sent = _begun(client, "/portal")
        never_finished = _begun(client, "/portal")
        flows.post_file(client, never_finished, b"x" * 70)
        never_used = flows.uploaded(staff, base(world), "scan.pdf", pdf(), purpose="paper_form")
        refused = flows.uploaded(client, "/portal", "x.txt", scanner.EICAR, category="other")
        filed = flows.uploaded(client, "/portal", "x.png", picture("PNG"), category="other")
        assert len(_objects()) == 3
        world.portal.clock.advance(23 * 3600)
        staff.drain()
        assert len(_objects()) == 3
        world.portal.clock.advance(2 * 3600)
        staff.drain()
        assert _objects() == [f"tenants/{world.tenant_id('oak')}/clients/{world.id('C1')}/uploads/{filed['upload_id']}"]
        ended = {each["upload_id"]: each["status"] for each in flows.stored("upload")}
        assert {ended[each["upload_id"]] for each in (never_sent, never_finished, never_used, refused)} == {"ended"}
        assert not [each for each in flows.stored("upload") if each.get("duepk")]
        assert kept_after_signing_in(call, world, filed["document_id"])

    def test_a_lost_queue_message_is_made_up_for(self, world: World, call: Callable[..., Caller]) -> None:
        client, content = call("C1"), picture("PNG")
        ticket = _begun(client, "/portal", len(content))
        flows.post_file(client, ticket, content)
        with world.portal.pump.exclusively():
            faults.add("SendMessage", "throttle", 5)
            assert client.post(f"/portal/uploads/{ticket['upload_id']}/finish").status == 200
            faults.clear()
            assert flows.waiting("uploads") == 0
        world.portal.clock.advance(301)
        client.drain()
        assert client.get(f"/portal/uploads/{ticket['upload_id']}").json["status"] == "used"


def kept_after_signing_in(call: Callable[..., Caller], world: World, document_id: str) -> bool:
    """A day later the sessions are over; the document is not."""
    staff = call()
    staff.sign_in("T1")
    link = staff.post(f"{base(world)}/documents/{document_id}/download")
    return fetch(call(), link.json["url"]).status == 200


# ---- a scanner of the stage's own ----


class Clamd(threading.Thread):
    """Speaks clamd's protocol: says FOUND of what holds "worm", and nothing at all when it is `dumb`."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.dumb = False

    def run(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as read:
                assert read.read(10) == b"zINSTREAM\0"
                content = b""
                while length := struct.unpack(">I", read.read(4))[0]:
                    content += read.read(length)
                if not self.dumb:
                    connection.sendall(b"stream: Worm.Test FOUND\0" if b"worm" in content else b"stream: OK\0")


@pytest.fixture
def clamd(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clamd]:
    """A scanner that listens."""
    made = Clamd()
    made.start()
    address = f"127.0.0.1:{made.listener.getsockname()[1]}"
    monkeypatch.setattr(scanner, "settings", settings.model_copy(update={"clamd_address": address}))
    yield made
    made.listener.close()


def test_the_stages_scanner_has_a_say(clamd: Clamd, world: World, call: Callable[..., Caller]) -> None:
    good = flows.uploaded(call("C1"), "/portal", "a.txt", b"an apple" * 100_000, category="other")
    bad = flows.uploaded(call("C1"), "/portal", "a.txt", b"an apple" * 100_000 + b" with a worm", category="other")
    assert (good["status"], bad["status"], bad["reason"]) == ("used", "refused", "infected")


def test_without_its_verdict_nothing_is_released(clamd: Clamd, world: World, call: Callable[..., Caller]) -> None:
    client = call("C1")
    clamd.dumb = True
    ticket = _begun(client, "/portal", 8)
    flows.post_file(client, ticket, b"an apple")
    client.post(f"/portal/uploads/{ticket['upload_id']}/finish")
    client.drain()
    assert client.get(f"/portal/uploads/{ticket['upload_id']}").json["status"] == "checking"
    clamd.dumb = False
    world.portal.clock.advance(301)
    client.drain()
    assert client.get(f"/portal/uploads/{ticket['upload_id']}").json["status"] == "used"


def test_no_picture_library_is_needed_at_run_time() -> None:
    assert TiffImagePlugin  # the tests have one
    import subprocess
    import sys

    program = "import sys, chalicelib.adapters.filetypes; print('PIL' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# ---- a packet as one file ----


def test_a_packet_in_one_file(world: World, call: Callable[..., Caller]) -> None:
    import hashlib
    import json

    intake_id = flows.send_packet("C1", flows.NOTICE, flows.CONSENT)
    path = f"{base(world)}/intakes/{intake_id}/download"
    for form_id in (flows.NOTICE, flows.CONSENT):
        assert call("T1").post(path).code == "not_sealed"
        flows.fill(call("C1"), intake_id, form_id)
        assert flows.sign(call("C1"), intake_id, form_id).status == 201
        call("C1").drain()
    link = call("T1").post(path)
    assert link.status == 200, link
    answer = fetch(call(), link.json["url"])
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="packet-20')
    with zipfile.ZipFile(io.BytesIO(answer.body)) as packed:
        listed = json.loads(packed.read("manifest.json"))["documents"]
        assert {each["file"] for each in listed} | {"manifest.json"} == set(packed.namelist())
        assert len(listed) == 2
        for each in listed:
            assert hashlib.sha256(packed.read(each["file"])).hexdigest() == each["sha256"]
    assert fetch(call(), call("T1").post(path).json["url"]).body == answer.body
    assert call("T2").post(path).status == 404
    assert [each["object"] for each in flows.stored("client_audit") if each["action"] == "document:download"]
