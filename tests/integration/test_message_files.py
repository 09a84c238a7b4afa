"""Attachments of messages, both ways: clean ones only, once, and by a link that is made for one who may."""

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.adapters import scanner
from tests.calls import Caller
from tests.conftest import World
from tests.flows import post_file, uploaded
from tests.integration.test_messages import answered, begin, to_client
from tests.integration.test_uploads import PLACE, fetch, heic, pdf, picture, word

Call = Callable[..., Caller]
GOOD: dict[str, tuple[str, bytes]] = {
    "pdf": ("report.pdf", pdf()),
    "png": ("photo.png", picture("PNG")),
    "jpg": ("photo.jpeg", picture("JPEG")),
    "heic": ("photo.heic", heic()),
    "txt": ("list.txt", b"One\nTwo\n"),
    "docx": ("letter.docx", word()),
}


def test_every_kind_goes_both_ways(world: World, call: Call) -> None:
    client, therapist = call("C1"), call("T1")
    thread = begin(client, world.id("T1"))
    mine, theirs = f"/portal/messages/{thread}", to_client(world, "C1", thread)
    sides = (
        (client, "/portal", mine, therapist, theirs),
        (therapist, theirs.partition("/messages")[0], theirs, client, mine),
    )
    for sender, base, path, reader, there in sides:
        files = [uploaded(sender, base, name, content, purpose="message") for name, content in GOOD.values()]
        assert [each["status"] for each in files] == ["clean"] * len(GOOD)
        ids = [each["upload_id"] for each in files]
        answered(sender.post(path, {"body": "", "upload_ids": ids}))
        newest = reader.get(there).json["messages"][0]
        told = [(each["attachment_id"], each["file_type"]) for each in newest["attachments"]]
        assert told == list(zip(ids, GOOD, strict=True))
        assert newest["attachments"][2]["name"] == "photo.jpg"
        for attachment in ids:
            link = reader.post(f"{there}/attachments/{attachment}/download")
            assert link.status == 200, link
            got = fetch(reader, link.json["url"])
            assert got.status == 200
            assert got.headers["Content-Disposition"].startswith("attachment;")
            assert PLACE.encode() not in got.body
            assert "photo" not in link.json["url"]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("eicar.txt", scanner.EICAR, "infected"),
        ("page.html", b"<html><script>alert(1)</script></html>" + b"\x00", "type_not_allowed"),
        ("tool.exe", b"MZ\x90\x00" + b"\x00" * 60, "type_not_allowed"),
        ("macro.pdf", pdf(b"/OpenAction<</S/JavaScript/JS(x)>>"), "active_content"),
    ],
)
def test_what_is_not_clean_never_goes_along(world: World, call: Call, name: str, content: bytes, reason: str) -> None:
    client = call("C1")
    thread = begin(client, world.id("T1"))
    became = uploaded(client, "/portal", name, content, purpose="message")
    assert (became["status"], became["reason"]) == ("refused", reason)
    body = {"body": "Look", "upload_ids": [became["upload_id"]]}
    assert client.post(f"/portal/messages/{thread}", body).code == "upload_not_ready"


def test_a_file_that_is_not_checked_yet_and_one_that_nobody_used(world: World, call: Call) -> None:
    from tests.flows import stored

    client = call("C1")
    thread = begin(client, world.id("T1"))
    begun = client.post("/portal/uploads", {"name": "a.pdf", "size": len(pdf()), "purpose": "message"}).json
    body: dict[str, Any] = {"body": "Look", "upload_ids": [begun["upload_id"]]}
    assert client.post(f"/portal/messages/{thread}", body).code == "upload_not_ready"
    assert post_file(client, begun, pdf()).status == 204
    assert client.post(f"/portal/uploads/{begun['upload_id']}/finish").status == 200
    client.drain()
    unused = uploaded(client, "/portal", "b.pdf", pdf(), purpose="message")
    answered(client.post(f"/portal/messages/{thread}", body))
    again = client.post(f"/portal/messages/{thread}", body)
    assert again.code == "upload_used"
    client.clock.advance(25 * 3600)
    client.drain()
    states = {each["upload_id"]: each["status"] for each in stored("upload")}
    assert (states[begun["upload_id"]], states[unused["upload_id"]]) == ("used", "ended")
    client = call.browser("C1")  # type: ignore[attr-defined]
    link = client.post(f"/portal/messages/{thread}/attachments/{begun['upload_id']}/download").json["url"]
    assert fetch(client, link).body == pdf()
