"""Client files in the browser: opened, changed, archived, imported; documents both ways."""

import io
import re
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import expect

from chalicelib.adapters import scanner
from tests import flows
from tests.calls import PEOPLE, Caller
from tests.e2e.device import Device

pytestmark = pytest.mark.usefixtures("working")


def _file(name: str, content: bytes, kind: str = "application/octet-stream") -> Any:
    return {"name": name, "mimeType": kind, "buffer": content}


def _photo() -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (320, 200), (40, 120, 110)).save(made, "JPEG")
    return made.getvalue()


class TestFiles:
    def test_add_edit_archive(self, desk: Callable[..., Device], world: Any) -> None:
        device = desk("A1")
        page = device.page
        device.open("/staff/clients")
        device.follow("Add a client")
        device.arrived("Add a client")
        device.press("Add client")
        expect(page.get_by_role("group", name="There is a problem").or_(page.locator(".summary"))).to_be_focused()
        device.look("new-empty")
        page.get_by_label("Legal name").fill("Imogen Thistlewood")
        page.get_by_label("Date of birth").fill("1991-03-14")
        device.allow(409, r"POST /api/practice/clients$")
        device.press("Add client")
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_text("Immy Thistlewood").first).to_be_visible()
        device.look("likely-duplicate")
        device.press("Go back", within=dialog)
        page.get_by_label("Legal name").fill("Odile Fairweather")
        page.get_by_label("E-mail").fill("odile@mail.example")
        page.get_by_label("Carrier").fill("Northwind Health")
        device.press("Add client")
        device.sees("Fill in this part as a whole, or leave it empty.")
        page.get_by_label("Member ID").fill("NW-1")
        page.get_by_label("Jonah Winterbourne").check()
        device.press("Add client")
        device.arrived("Odile Fairweather", title="Overview")
        device.sees("Northwind Health")
        device.look("file")
        device.follow("Edit")
        device.arrived("Edit Odile Fairweather")
        page.get_by_label("Name used").fill("Oda")
        page.get_by_label("Secure messaging").check()
        device.look("edit")
        device.press("Save changes")
        device.arrived("Oda Fairweather", title="Overview")
        device.sees("Switched off for this client")
        device.press("Archive")
        device.look("archive", both=False)
        device.press("Archive file")
        device.sees("The file is archived.")
        device.press("Take out of the archive")
        device.sees("The file is out of the archive.")

    def test_changed_by_someone_else(self, desk: Callable[..., Device], call: Callable[..., Caller]) -> None:
        device = desk("A1")
        path = f"/practice/clients/{PEOPLE['C2'].id}"
        device.open(f"/staff/clients/{PEOPLE['C2'].id}/edit")
        device.page.get_by_label("Name used").fill("Rafa")
        admin = call("A2")
        assert admin.patch(path, {"phone": "+1 212 555 0144"}, etag=admin.get(path).json["etag"]).status == 200
        device.allow(412, "PATCH /api/practice/clients/")
        device.press("Save changes")
        device.sees("Someone else changed this file in the meantime.")
        device.look("stale")
        device.press("Load the file as it is now")
        expect(device.page.locator("#f-phone")).to_have_value("+1 212 555 0144")

    def test_a_therapist_changes_how_a_client_is_reached(self, desk: Callable[..., Device]) -> None:
        device = desk("T1")
        device.open(f"/staff/clients/{PEOPLE['C1'].id}")
        device.follow("Edit")
        device.arrived("How to reach Immy Thistlewood")
        expect(device.page.get_by_label("Legal name")).to_have_count(0)
        device.page.locator("#f-phone").fill("+1 212 555 0190")
        device.look("contact")
        device.press("Save changes")
        device.sees("+1 212 555 0190")

    def test_end_access(self, desk: Callable[..., Device], call: Callable[..., Caller]) -> None:
        device = desk("A1")
        device.open(f"/staff/clients/{PEOPLE['C1'].id}")
        device.press("End portal access")
        device.press("End access")
        device.sees("Portal access has ended.")
        assert call("C1").get("/portal/home").status == 401
        device.press("Give access back")
        device.sees("The client can sign in again.")


class TestImport:
    def test_fifty_clients(self, desk: Callable[..., Device], world: Any) -> None:
        device = desk("A1")
        page = device.page
        lines = ["Vorname;Last name;DOB;E-mail;Therapist"]
        lines += [
            f"Given{n};Family{n};{n % 12 + 1}/{n % 28 + 1}/1980;g{n}@mail.example;Priya Halvorsen" for n in range(50)
        ]
        lines += ["Imogen;Thistlewood;3/14/1991;;", "Eva;Noll;13/13/1980;;", ";;1/1/1980;;", "Eva;Noll;;no address;"]
        device.open("/staff/clients")
        device.follow("Import")
        device.arrived("Import clients")
        device.look("choose")
        page.get_by_label("Table (CSV)").set_input_files(_file("clients.csv", "\r\n".join(lines).encode("cp1252")))
        device.press("Look at the table")
        device.sees("What would happen")
        expect(page.get_by_role("button", name="Import 50 clients")).to_be_visible()
        device.sees("There is a file already")
        device.look("look")
        page.get_by_label("Is: Vorname").select_option("")
        device.sees("Say which column holds the name")
        page.get_by_label("Is: Vorname").select_option("first_name")
        with page.expect_download() as download:
            device.press("Download all of them (CSV)")
        assert "birth_date_unreadable" in download.value.path().read_text("utf-8-sig")
        device.press("Import 50 clients")
        device.sees("The import is done")
        expect(page.get_by_text("50 imported")).to_be_visible()
        device.look("done")
        with page.expect_download() as download:
            device.press("Download the result (CSV)")
        assert download.value.path().read_text("utf-8-sig").count('"imported"') == 50
        device.follow("Go to clients")
        page.get_by_role("searchbox").fill("family")
        device.sees("50 clients match “family”")
        device.press("Load more")
        expect(page.get_by_role("link", name="Given9 Family9")).to_be_visible()
        page.get_by_role("searchbox").fill("family49")
        expect(page.get_by_role("link", name="Given49 Family49")).to_be_visible()

    def test_no_table(self, desk: Callable[..., Device]) -> None:
        device = desk("A1")
        device.open("/staff/clients/import")
        device.page.get_by_label("Table (CSV)").set_input_files(_file("x.csv", b'Name\n"Ada Marlow'))
        device.allow(422, "POST /api/practice/imports/look")
        device.press("Look at the table")
        device.sees("In line 2 a quotation mark is opened and never closed")
        device.look("broken", both=False)


class TestDocuments:
    def test_both_ways(self, desk: Callable[..., Device], call: Callable[..., Caller]) -> None:
        client, staff = desk("C1", "phone"), desk("T1")
        client.open("/documents")
        client.page.get_by_label("File or photo").set_input_files(_file("IMG_0001.HEIC.jpg", _photo(), "image/jpeg"))
        client.look("chosen")
        client.press("Send")
        client.sees("Insurance card, front is with your practice.")
        client.page.get_by_label("What is it?").select_option("other")
        client.page.get_by_label("File or photo").set_input_files(_file("card.txt", scanner.EICAR, "text/plain"))
        client.press("Send")
        client.sees("The virus scanner stopped this file. It was not kept.")
        client.look("refused")
        staff.open("/staff")
        staff.sees("Immy Thistlewood sent a document")
        staff.look("told")
        staff.page.get_by_role("link", name=re.compile("^Open documents")).click()
        row = staff.page.get_by_role("row").filter(has_text="Insurance card, front")
        expect(row).to_be_visible()
        staff.press("Add a document")
        dialog = staff.page.get_by_role("dialog")
        staff.press("Add document", within=dialog)
        staff.sees("Choose a file first.")
        dialog.get_by_label("File").set_input_files(_file("a\u202efdp.exe", b"%PDF-1.7\n1 0 obj<<>>endobj\n%%EOF\n"))
        dialog.get_by_label("Title").fill("Letter of Dr Moss")
        staff.look("add", both=False)
        staff.press("Add document", within=dialog)
        staff.sees("Letter of Dr Moss is filed.")
        staff.look("documents")
        client.open("/documents")
        expect(client.page.get_by_text("Letter of Dr Moss")).to_have_count(0)
        letter = staff.page.get_by_role("row").filter(has_text="Letter of Dr Moss")
        letter.get_by_role("button", name=re.compile("^Share")).click()
        expect(letter.get_by_text("Shared with the client")).to_be_visible()
        client.open("/documents")
        client.page.get_by_text("Letter of Dr Moss").click()
        client.arrived("Letter of Dr Moss")
        client.look("letter")
        with client.page.expect_download() as download:
            client.press("Download")
        assert download.value.path().read_bytes().startswith(b"%PDF-1.7")
        assert re.fullmatch(r"letter-\d{4}-\d\d-\d\d\.pdf", download.value.suggested_filename)
        letter.get_by_role("link").click()
        staff.arrived("Letter of Dr Moss")
        staff.look("letter")

    def test_a_packet_as_one_file_and_on_paper(self, desk: Callable[..., Device], call: Callable[..., Caller]) -> None:
        intake_id, _ = flows.signed_document(call("C1"), "C1")
        call("C1").drain()
        device = desk("T1")
        device.open(f"/staff/clients/{PEOPLE['C1'].id}/intakes/{intake_id}")
        with device.page.expect_download() as download:
            device.press("Download all PDFs (ZIP)")
        assert zipfile.ZipFile(download.value.path()).testzip() is None
        device.follow("Print all forms")
        device.arrived("Forms of Immy Thistlewood")
        device.look("print")
        head = device.page.locator(".letterhead")
        expect(head).to_be_hidden()
        device.page.emulate_media(media="print")
        expect(head).to_be_visible()
        expect(head).to_contain_text("Oak Lane Counseling")
        device.look("on-paper", both=False)
