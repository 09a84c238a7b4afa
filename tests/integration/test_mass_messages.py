"""One message to many, each alone; the contact log, break-glass, and conversations as PDFs (DOMAIN.md section 6)."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chalicelib.config import settings
from tests.calls import PEOPLE, Caller
from tests.conftest import World
from tests.flows import stored
from tests.integration.test_messages import answered, begin, to_client, write
from tests.integration.test_uploads import fetch

Call = Callable[..., Caller]
WORDS = {"subject": "Summer closing", "body": "We are closed in August."}


def test_a_mass_message_reaches_each_alone(world: World, call: Call) -> None:
    admin = call("A1")
    look = admin.post("/practice/mass-messages/look", {"to": "all"}).json
    assert look["reached"] == 3
    assert {(row["client_id"], row["reason"]) for row in look["skipped"]} == {(world.id("C4"), "no_account")}
    key = "mass-message-0123456789"
    jobs = [admin.post("/practice/mass-messages", {"to": "all", **WORDS}, key=key) for _ in range(2)]
    assert [each.status for each in jobs] == [201, 201]
    assert jobs[0].json["job_id"] == jobs[1].json["job_id"]
    admin.drain()
    job = admin.get(f"/practice/mass-messages/{jobs[0].json['job_id']}").json
    assert (job["status"], job["done"], job["total"]) == ("done", 3, 3)
    for key in ("C1", "C2", "C3"):
        (row,) = call(key).get("/portal/messages").json["items"]
        shown = call(key).get(f"/portal/messages/{row['thread_id']}").json
        assert [each["body"] for each in shown["messages"]] == [WORDS["body"]]
        others = [PEOPLE[each].name.split()[1] for each in ("C1", "C2", "C3") if each != key]
        assert not [each for each in others if each in repr(shown)]
    assert call("C2").get("/portal/messages").json["items"][0]["with_names"] == ["Marguerite Ashdown"]


def test_a_therapist_writes_to_their_own(world: World, call: Call) -> None:
    therapist = call("T4")
    look = therapist.post("/practice/mass-messages/look", {"to": "mine"}).json
    assert (look["reached"], [row["client_id"] for row in look["skipped"]]) == (1, [world.id("C4")])
    chosen = {"to": "chosen", "client_ids": [world.id(key) for key in ("C3", "C1", "CB", "C3")]}
    look = therapist.post("/practice/mass-messages/look", chosen).json
    assert [(row["client_id"], row["client_name"], row["reason"]) for row in look["skipped"]] == [
        (world.id("C1"), None, "not_found"), (world.id("CB"), None, "not_found"),
    ]  # fmt: skip
    job = therapist.post("/practice/mass-messages", {**chosen, **WORDS}).json
    therapist.drain()
    path = f"/practice/mass-messages/{job['job_id']}"
    done = therapist.get(path).json
    assert (done["done"], done["skipped"], done["failed"]) == (1, 2, 0)
    assert [each["reason"] for each in therapist.get(f"{path}/items").json["items"]] == [None, "not_found", "not_found"]
    assert call("A1").get(path).status == 200
    assert call("T1").get(path).status == 404
    assert call("T1").post(f"{path}/stop").status == 404
    assert call("C1").get("/portal/messages").json["items"] == []
    assert therapist.post("/practice/mass-messages/look", {"to": "all"}).status == 403
    assert therapist.post("/practice/mass-messages", {"to": "all", **WORDS}).status == 403
    assert call("T3").post("/practice/mass-messages", {"to": "mine", **WORDS}).code == "feature_switched_off"
    assert therapist.post("/practice/mass-messages", {"to": "chosen", **WORDS}).code == "invalid_body"
    assert therapist.post("/practice/mass-messages", {**chosen, **WORDS, "body": "  "}).code == "invalid_body"


@pytest.fixture
def held() -> Iterator[None]:
    """As on a deployed stage, what is sent waits for half a minute."""
    settings.__dict__["hold_seconds"] = 30  # frozen for everyone else
    yield
    settings.__dict__["hold_seconds"] = 0


def test_stopped_before_it_begins_nothing_is_sent(held: None, world: World, call: Call) -> None:
    admin = call("A1")
    job = admin.post("/practice/mass-messages", {"to": "all", "hold": True, **WORDS}).json
    assert job["starts_at"] is not None
    assert admin.post(f"/practice/mass-messages/{job['job_id']}/stop").json["status"] == "stopped"
    admin.clock.advance(120)
    admin.drain()
    assert [call(key).get("/portal/messages").json["items"] for key in ("C1", "C2", "C3")] == [[], [], []]


def test_whoever_is_unassigned_before_their_turn_is_passed_over(held: None, world: World, call: Call) -> None:
    therapist = call("T4")
    job = therapist.post(
        "/practice/mass-messages", {"to": "chosen", "client_ids": [world.id("C3")], "hold": True, **WORDS}
    ).json
    assert call("A1").delete(f"/practice/clients/{world.id('C3')}/therapists/{world.id('T4')}").status in (200, 204)
    therapist.clock.advance(200)  # the queue keeps it by its own clock: the sweep finds it
    therapist.drain()
    done = therapist.get(f"/practice/mass-messages/{job['job_id']}").json
    assert (done["done"], done["skipped"]) == (0, 1)


def test_a_copy_goes_to_the_contact_log_which_no_client_sees(world: World, call: Call) -> None:
    client, therapist = call("C1"), call("T1")
    thread = begin(client, world.id("T1"))
    path = to_client(world, "C1", thread)
    answered(therapist.post(path, {"body": "Take it easy.", "copy_to_log": True}))
    log = f"/practice/clients/{world.id('C1')}/contact-log"
    noted = {"way": "phone", "happened_at": "2026-01-14T09:30:00Z", "note": "Called back."}
    twice = [therapist.post(log, noted, key="contact-0123456789") for _ in range(2)]
    assert [each.status for each in twice] == [201, 201]
    lines = call("A1").get(log).json["items"]
    assert [(each["way"], each["note"], each["number"]) for each in lines] == [
        ("phone", "Called back.", None), ("message", "Take it easy.", 2),
    ]  # fmt: skip
    assert lines[0]["entry_id"] == twice[1].json["entry_id"]
    assert call("T2").get(log).status == 404
    assert client.get(log).status == 403
    assert therapist.post(log, {**noted, "way": "message"}).status == 422
    assert client.post(f"/portal/messages/{thread}", {"body": "x", "copy_to_log": True}).status == 422


def test_break_glass(world: World, call: Call) -> None:
    client, therapist, admin = call("C1"), call("T1"), call("A1")
    thread = begin(client, world.id("T1"), "Between us")
    path = to_client(world, "C1", thread)
    (row,) = admin.get(to_client(world, "C1")).json["items"]
    assert (row["subject"], row["mine"], row["unread"]) == (None, False, 0)
    assert admin.get(path).status == 404
    assert admin.get(f"{path}/glass").code == "glass_not_broken"
    assert admin.post(f"{path}/glass", {"reason": "short"}).status == 422
    assert therapist.post(f"{path}/glass", {"reason": "I am not an administrator."}).status == 403
    opened = admin.post(f"{path}/glass", {"reason": "The client's lawyer asks for it."})
    assert opened.status == 201, opened
    shown = admin.get(f"{path}/glass").json
    assert ([each["body"] for each in shown["messages"]], shown["subject"]) == (["Between us"], "A question")
    assert admin.get(path).status == 404  # still not theirs: nothing can be written in it
    assert admin.post(path, {"body": "x"}).status == 404
    assert call("A2").get(f"{path}/glass").code == "glass_not_broken"
    admin.drain()
    for key in ("T1", "A2"):
        notices = call(key).get("/practice/notifications").json["items"]
        assert [(each["kind"], each["thread_id"]) for each in notices] == [("thread_opened", thread)], key
        (mail,) = admin.outbox(PEOPLE[key].email)
        assert "lawyer" not in mail["text"]
        assert "Thistlewood" not in mail["text"]
    assert call("A1").get("/practice/notifications").json["items"] == []
    (told,) = therapist.get(f"{path}/openings").json["items"]
    assert (told["by_name"], told["reason"]) == ("Marguerite Ashdown", "The client's lawyer asks for it.")
    assert call("A2").get(f"{path}/glass/log").json["items"][0]["reason"] == told["reason"]
    actions = [each["action"] for each in stored("client_audit") if thread in str(each.get("object"))]
    assert actions.count("message:open") >= 2  # the opening, and each page that was read
    assert call("A2").post(f"{path}/glass", {"reason": "Second reason to look."}, key=None).status == 400
    mine = write(world, admin, "C1")
    assert admin.post(f"{to_client(world, 'C1', mine)}/glass", {"reason": "My own thread it is."}).code == "takes_part"
    admin.clock.advance(31 * 60)
    admin = call.browser("A1")  # type: ignore[attr-defined]
    assert admin.get(f"{path}/glass").code == "glass_not_broken"


def test_nobody_is_switched_off_so_as_not_to_hear_of_it(world: World, call: Call) -> None:
    client, admin = call("C1"), call("A1")
    thread = begin(client, world.id("T1"), "Between us")
    assert admin.post(f"/practice/staff/{world.id('T1')}/disable").status == 200
    opened = admin.post(f"{to_client(world, 'C1', thread)}/glass", {"reason": "While nobody is looking."})
    assert opened.status == 201
    assert admin.post(f"/practice/staff/{world.id('T1')}/enable").status == 200
    admin.drain()
    assert admin.outbox(PEOPLE["T1"].email) == []
    notices = call.browser("T1").get("/practice/notifications").json["items"]  # type: ignore[attr-defined]
    assert [(each["kind"], each["thread_id"]) for each in notices] == [("thread_opened", thread)]


def test_pdfs_are_not_made_without_end(world: World, call: Call, limits: Callable[..., None]) -> None:
    client = call("C1")
    thread = begin(client, world.id("T1"))
    limits(prints=(2, 3600))
    assert [client.post(f"/portal/messages/{thread}/pdf").status for _ in range(3)] == [201, 201, 429]


def test_a_thread_as_a_pdf(world: World, call: Call) -> None:
    client, therapist = call("C1"), call("T1")
    thread = begin(client, world.id("T1"), "First paragraph.\n\nSecond paragraph, with <b>markup</b>.")
    for who, other, base in (
        (client, therapist, "/portal/messages/"),
        (therapist, client, f"{to_client(world, 'C1')}/"),
    ):
        path = f"{base}{thread}/pdf"
        asked = who.post(path)
        assert (asked.status, asked.json["status"]) == (201, "making")
        one = f"{path}/{asked.json['print_id']}"
        assert who.post(f"{one}/download").code == "print_not_ready"
        who.drain()
        assert who.get(one).json["status"] == "ready"
        link = who.post(f"{one}/download").json["url"]
        got = fetch(who, link)
        assert got.body.startswith(b"%PDF-")
        assert got.headers["Content-Disposition"].startswith("attachment;")
        assert _text(got.body) >= {"markup", "Second", "Halvorsen", "Thistlewood"}
        assert call("A1").post(f"{to_client(world, 'C1', thread)}/pdf/{asked.json['print_id']}/download").status == 404
        elsewhere = f"/portal/messages/{thread}/pdf" if other is client else f"{to_client(world, 'C1', thread)}/pdf"
        assert other.get(f"{elsewhere}/{asked.json['print_id']}").status == 404


def _text(pdf: bytes) -> set[str]:
    import io
    import re

    from pypdf import PdfReader

    words: Any = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)
    return set(re.findall(r"\w+", words))
