"""Secure messages over HTTP: conversations both ways, and everything that must not happen (DOMAIN.md section 6)."""

import base64
from collections.abc import Callable

from infra.local import faults
from tests.calls import Answer, Caller
from tests.conftest import World
from tests.flows import uploaded
from tests.integration.test_uploads import pdf

Call = Callable[..., Caller]


def to_client(world: World, key: str, thread_id: str = "") -> str:
    """The address of the conversations with this client, or of one."""
    return f"/practice/clients/{world.id(key)}/messages" + (f"/{thread_id}" if thread_id else "")


def begin(who: Caller, to: str, body: str = "Hello there", subject: str = "A question") -> str:
    """A client's new conversation: its id."""
    answer = who.post("/portal/messages", {"to": to, "subject": subject, "body": body})
    assert answer.status == 201, answer
    return str(answer.json["thread_id"])


def write(world: World, who: Caller, key: str, body: str = "Good morning", subject: str = "From us") -> str:
    """A staff member's new conversation with a client: its id."""
    answer = who.post(to_client(world, key), {"subject": subject, "body": body})
    assert answer.status == 201, answer
    return str(answer.json["thread_id"])


def answered(answer: Answer) -> int:
    """The number of the message that was sent."""
    assert answer.status == 201, answer
    return int(answer.json["number"])


def desk(admin: Caller, name: str, *staff_ids: str) -> None:
    """Have a desk of the practice answered by these people."""
    etag = admin.get("/practice/settings").json["etag"]
    body = {"messaging": {"desks": {name: {"on": True, "staff_ids": list(staff_ids)}}}}
    assert admin.patch("/practice/settings", body, etag=etag).status == 200


def test_a_conversation_both_ways(world: World, call: Call) -> None:
    client, therapist = call("C1"), call("T1")
    offered = client.get("/portal/messages/recipients").json
    assert {(each["to"], each["kind"]) for each in offered["items"]} == {
        (world.id("T1"), "therapist"), ("administration", "administration"),
    }  # fmt: skip
    thread = begin(client, world.id("T1"), "I slept badly.")
    assert therapist.get("/practice/messages/unread").json["unread"] == 1
    (row,) = therapist.get("/practice/messages").json["items"]
    assert (row["unread"], row["count"], row["subject"], row["client_id"]) == (1, 1, "A question", world.id("C1"))
    path = to_client(world, "C1", thread)
    shown = therapist.get(path)
    assert [(each["body"], each["mine"]) for each in shown.json["messages"]] == [("I slept badly.", False)]
    assert therapist.post(f"{path}/read", {"up_to": 1}).status == 204
    assert therapist.get("/practice/messages/unread").json["unread"] == 0
    assert answered(therapist.post(path, {"body": "Tell me more."})) == 2
    assert client.get("/portal/messages/unread").json["unread"] == 1
    mine = client.get(f"/portal/messages/{thread}").json
    assert [each["body"] for each in mine["messages"]] == ["Tell me more.", "I slept badly."]
    assert client.post(f"/portal/messages/{thread}/read", {"up_to": 2}).status == 204
    assert client.get("/portal/messages/unread").json["unread"] == 0
    assert therapist.get(path, headers={"If-None-Match": f'"{shown.json["etag"]}"'}).status == 200
    again = therapist.get(path, query={"after": 1})
    assert [each["number"] for each in again.json["messages"]] == [2]
    same = therapist.get(path, headers={"If-None-Match": f'"{again.json["etag"]}"'})
    assert (same.status, same.body) == (304, b"")


# ---- who can write to whom ----


def test_a_client_chooses_only_among_those_who_are_offered(world: World, call: Call) -> None:
    """Assigned therapists with a seat and the desks that are open: a colleague, one without a seat, staff of another
    organization, another client and an id that is nobody's are the same 404."""
    client = call("C1")
    for to in ("T2", "T3", "A1", "BT", "B1", "C2", "C1"):
        refused = client.post("/portal/messages", {"to": world.id(to), "subject": "Hello", "body": "x"})
        assert (refused.status, refused.code) == (404, "not_found"), to
    for to in ("01M8HZZZZZQ9W8E7R6T5Y4V3X2", "billing", "clinical", "direct", "nonsense"):
        assert client.post("/portal/messages", {"to": to, "subject": "Hello", "body": "x"}).status == 404, to
    assert client.post("/portal/messages", {"to": "../x", "subject": "Hello", "body": "x"}).status == 422


def test_desks_are_answered_by_those_whom_the_practice_names(world: World, call: Call) -> None:
    admin, client = call("A1"), call("C1")
    etag = admin.get("/practice/settings").json["etag"]
    desks = {
        "billing": {"on": True, "staff_ids": [world.id("A2")]},
        "clinical": {"on": True, "staff_ids": []},
        "administration": {"on": False, "staff_ids": []},
    }
    changed = admin.patch("/practice/settings", {"messaging": {"desks": desks}}, etag=etag)
    assert changed.status == 200, changed
    assert changed.json["messaging"]["desks"] == desks
    offered = client.get("/portal/messages/recipients").json["items"]
    assert [each["kind"] for each in offered] == ["therapist", "billing", "clinical"]
    money, question = begin(client, "billing"), begin(client, "clinical")
    inbox = {key: _threads(call(key)) for key in ("A1", "A2", "T1", "T3", "T4")}
    assert inbox == {"A1": set(), "A2": {money}, "T1": {question}, "T3": set(), "T4": set()}
    wrong = {"billing": {"on": True, "staff_ids": [world.id("T1")]}}
    etag = changed.json["etag"]
    assert admin.patch("/practice/settings", {"messaging": {"desks": wrong}}, etag=etag).status == 422
    hours = [[600, 540], None, None, None, None, None, None]
    assert admin.patch("/practice/settings", {"messaging": {"hours": hours}}, etag=etag).status == 422


def _threads(who: Caller, folder: str = "inbox") -> set[str]:
    side = "portal" if who.person is not None and who.person.key.startswith("C") else "practice"
    answer = who.get(f"/{side}/messages", query={"folder": folder})
    assert answer.status == 200, answer
    return {each["thread_id"] for each in answer.json["items"]}


def test_a_desks_new_colleague_joins_with_the_next_message(world: World, call: Call) -> None:
    """For whom nothing that was before counts as unread; whoever left the desk reads no more of it."""
    admin, client = call("A1"), call("C1")
    thread = begin(client, "administration", "One")
    assert _threads(call("A1")) == _threads(call("A2")) == {thread}
    desk(admin, "administration", world.id("A2"))
    assert answered(client.post(f"/portal/messages/{thread}", {"body": "Two"})) == 2
    assert admin.get(to_client(world, "C1", thread)).status == 404
    assert _threads(call("A1")) == set()
    assert admin.get("/practice/messages/unread").json["unread"] == 0  # what is not theirs to read counts no more
    desk(call("A2"), "administration", world.id("A1"), world.id("A2"))
    assert answered(client.post(f"/portal/messages/{thread}", {"body": "Three"})) == 3
    (row,) = admin.get("/practice/messages").json["items"]
    assert (row["unread"], row["count"]) == (2, 3)  # what was sent while A1 was not there was never read by A1


def test_no_administrator_reads_what_was_before_by_joining_the_clinicaldesk(world: World, call: Call) -> None:
    """What a client wrote to their therapists takes breaking the glass, which is announced (DOMAIN.md 6.5)."""
    admin, client = call("A1"), call("C1")
    desk(admin, "clinical")
    thread = begin(client, "clinical", "Between us")
    path = to_client(world, "C1", thread)
    file = uploaded(client, "/portal", "diary.pdf", pdf(), purpose="message")["upload_id"]
    answered(client.post(f"/portal/messages/{thread}", {"body": "My diary", "upload_ids": [file]}))
    desk(admin, "clinical", world.id("A1"))
    assert answered(client.post(f"/portal/messages/{thread}", {"body": "To whoever answers"})) == 3
    for address in (path, f"{path}?after=0", f"{path}/print"):
        assert [each["number"] for each in admin.get(address).json["messages"]] == [3], address
    assert admin.get("/practice/messages").json["items"][0]["unread"] == 1
    assert admin.post(f"{path}/attachments/{file}/download").status == 404
    assert admin.get(f"{path}/glass").code == "glass_not_broken"
    assert admin.post(f"{path}/glass", {"reason": "The therapist is ill."}).status == 201
    assert len(admin.get(f"{path}/glass").json["messages"]) == 3
    desk(admin, "clinical")
    assert answered(client.post(f"/portal/messages/{thread}", {"body": "To my therapist again"})) == 4
    desk(admin, "clinical", world.id("A1"), world.id("T1"))
    assert answered(client.post(f"/portal/messages/{thread}", {"body": "To both"})) == 5
    assert [each["number"] for each in admin.get(path).json["messages"]] == [5]
    assert len(call("T1").get(path).json["messages"]) == 5


def test_staff_reach_assigned_clients_and_administrators_those_with_an_account(world: World, call: Call) -> None:
    write(world, call("T1"), "C1")
    write(world, call("A1"), "C2")
    words = {"subject": "Hello", "body": "Hello"}
    assert call("T1").post(to_client(world, "C2"), words).status == 404
    assert call("A1").post(to_client(world, "CB"), words).status == 404
    assert call("A1").post(to_client(world, "C4"), words).code == "no_account"
    assert call("A1").post(to_client(world, "C5"), words).code == "client_archived"
    assert call("T3").post(to_client(world, "C1"), words).code == "feature_switched_off"  # no seat
    assert call("DT").post(to_client(world, "CD"), words).code == "feature_not_in_plan"
    listed = call("T3").get(to_client(world, "C1")).json
    assert (listed["items"], listed["can_write"], listed["reason"]) == ([], False, "feature_switched_off")
    assert call("CD").get("/portal/messages/recipients").json["can_write"] is False
    assert call("CD").post("/portal/messages", {"to": "administration", **words}).code == "feature_not_in_plan"


def test_no_cursor_names_a_colleagues_conversation(world: World, call: Call) -> None:
    from chalicelib.models.staff import Staff
    from chalicelib.services import clients

    member = Staff.find(tenant_id=world.tenant_id("oak"), staff_id=world.id("T4"))
    assert member is not None
    clients.assign(world.tenant_id("oak"), world.id("C1"), member)
    client, theirs = call("C1"), to_client(world, "C1")
    for to in ("T1", "T4", "T1", "T1", "T4", "T1"):
        begin(client, world.id(to))
    foreign = _threads(call("T1"))
    seen, cursor = [], None
    while len(seen) < 3:
        page = call("T4").get(theirs, query={"limit": 1, **({"cursor": cursor} if cursor else {})}).json
        seen += [each["thread_id"] for each in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        named = base64.urlsafe_b64decode(cursor + "===").decode()
        assert not [each for each in foreign if each in named]
    assert set(seen) == _threads(call("T4"))
    assert len(seen) == 2
    admins = call("A1").get(theirs, query={"limit": 4}).json
    assert len(admins["items"]) == 4
    assert len(call("A1").get(theirs, query={"limit": 4, "cursor": admins["next_cursor"]}).json["items"]) == 2


def test_unassigning_ends_the_therapists_access_and_the_client_keeps_the_history(world: World, call: Call) -> None:
    therapist, client, admin = call("T1"), call("C1"), call("A1")
    thread = write(world, therapist, "C1", "See you on Monday.")
    assert answered(client.post(f"/portal/messages/{thread}", {"body": "Yes."})) == 2
    path = to_client(world, "C1", thread)
    assert admin.delete(f"/practice/clients/{world.id('C1')}/therapists/{world.id('T1')}").status in (200, 204)
    for verb, body in _VERBS:
        assert therapist.api(*_request(path, verb, body)).status == 404, verb
    assert (_threads(therapist), _threads(therapist, "sent")) == (set(), set())
    assert therapist.get("/practice/messages/unread").json["unread"] == 0
    assert therapist.post("/practice/messages/search", {"search": "imogen"}).json["items"] == []
    mine = client.get(f"/portal/messages/{thread}").json
    assert [each["body"] for each in mine["messages"]] == ["Yes.", "See you on Monday."]
    assert mine["can_answer"] is False
    assert client.post(f"/portal/messages/{thread}", {"body": "Are you there?"}).code == "nobody_there"
    assigned = admin.post(f"/practice/clients/{world.id('C1')}/therapists", {"staff_id": world.id("T1")})
    assert assigned.status in (200, 201), assigned
    assert therapist.get("/practice/messages/unread").json["unread"] == 1
    assert answered(client.post(f"/portal/messages/{thread}", {"body": "Are you there?"})) == 3


_VERBS = [
    ("", None), ("", {"body": "x"}), ("/read", {"up_to": 1}), ("/trash", {}), ("/restore", {}), ("/print", None),
    ("/pdf", {}), ("/draft", None), ("/openings", None), ("/attachments/01M8HZZZZZQ9W8E7R6T5Y4V3X2/download", {}),
]  # fmt: skip


def _request(path: str, verb: str, body: object) -> tuple[str, str, object]:
    return ("GET" if body is None else "POST", path + verb, body)


# ---- what is written ----


def test_words_that_are_refused(world: World, call: Call, canaries: object) -> None:
    client = call("C1")
    thread = begin(client, world.id("T1"))
    path = f"/portal/messages/{thread}"
    assert client.post(path, {"body": "x" * 20_000}).status == 201
    for body in ("", "   \n ", "\u200b\u2060\n\u3164", "x" * 20_001, "a\x00b", "\x1b[31m", 7, None):
        assert client.post(path, {"body": body}).status == 422, repr(body)[:30]
    assert client.post(path, b'{"body": "\\ud800"}').status in (400, 422)
    for extra in ("sender", "sender_id", "from_practice", "role", "sent_at", "number", "thread_id", "tenant_id"):
        assert client.post(path, {"body": "x", extra: "x"}).status == 422, extra
    for subject in ("", "  ", "x" * 121, "two\nlines"):
        body = {"to": world.id("T1"), "subject": subject, "body": "x"}
        assert client.post("/portal/messages", body).status == 422, subject
    assert client.post(path, {"body": "x"}, key=None).code == "idempotency_key_missing"
    for method in ("PATCH", "PUT", "DELETE"):
        assert client.api(method, path, {"body": "changed"}).status == 405


def test_markup_stays_what_it_is(world: World, call: Call) -> None:
    client = call("C1")
    body = '<img src=x onerror=alert(1)> \u202egpj.exe & "quotes" \U0001f600\n\nSecond paragraph'
    thread = begin(client, world.id("T1"), body, "<b>Subject</b>")
    shown = call("T1").get(to_client(world, "C1", thread))
    assert shown.headers["Content-Type"] == "application/json"
    assert (shown.json["messages"][0]["body"], shown.json["thread"]["subject"]) == (body, "<b>Subject</b>")


def test_the_same_draft_from_two_windows_is_sent_once(world: World, call: Call) -> None:
    client = call("C1")
    thread = begin(client, world.id("T1"))
    draft = client.get(f"/portal/messages/{thread}/draft").json
    assert (draft["body"], draft["saved_at"]) == ("", None)
    kept = client.api("PUT", f"/portal/messages/{thread}/draft", {"key": draft["key"], "body": "I wanted to say"})
    assert kept.status == 200, kept
    again = client.get(f"/portal/messages/{thread}/draft").json
    assert (again["key"], again["body"]) == (draft["key"], "I wanted to say")
    sent = [client.post(f"/portal/messages/{thread}", {"body": "I wanted to say"}, key=draft["key"]) for _ in range(2)]
    assert [answered(each) for each in sent] == [2, 2]
    late = client.api("PUT", f"/portal/messages/{thread}/draft", {"key": draft["key"], "body": "I wanted to say mo"})
    assert late.code == "draft_sent"
    other = client.post(f"/portal/messages/{thread}", {"body": "Something else"}, key=draft["key"])
    assert other.code == "idempotency_key_reused"
    fresh = client.get(f"/portal/messages/{thread}/draft").json
    assert (fresh["body"], fresh["key"] != draft["key"]) == ("", True)
    assert client.get(f"/portal/messages/{thread}").json["thread"]["count"] == 2


def test_drafts_are_their_writers_own(world: World, call: Call) -> None:
    path = f"/practice/clients/{world.id('C3')}/message-draft"
    key = call("T4").get(path).json["key"]
    saved = call("T4").api("PUT", path, {"key": key, "subject": "Monday", "body": "Shall we"})
    assert saved.json["subject"] == "Monday"
    assert call("A1").get(path).json["body"] == ""
    assert call("T1").get(path).status == 404
    assert call("C3").get("/portal/message-draft").json["body"] == ""
    assert call("T4").api("DELETE", path).status == 204
    assert call("T4").get(path).json["body"] == ""


def test_what_people_wrote_stands_nowhere_in_the_clear(world: World, call: Call) -> None:
    """Subjects, bodies, drafts, reasons and the contact log: the table's bytes hold none of it."""
    from tests.flows import stored

    client, therapist, admin = call("C1"), call("T1"), call("A1")
    thread = begin(client, world.id("T1"), "zanzibar body", "zanzibar subject")
    path = to_client(world, "C1", thread)
    assert therapist.post(path, {"body": "zanzibar answer", "copy_to_log": True}).status == 201
    key = therapist.get(f"{path}/draft").json["key"]
    therapist.api("PUT", f"{path}/draft", {"key": key, "body": "zanzibar draft"})
    assert admin.post(f"{path}/glass", {"reason": "zanzibar reason of weight"}).status == 201
    for kind in (
        "thread", "message", "staff_box", "staff_draft", "thread_opening", "contact_entry", "client_mail", "staff_mail",
        "notification", "client_audit",
    ):  # fmt: skip
        assert "zanzibar" not in repr(stored(kind)), kind
    assert stored("contact_entry")
    assert stored("staff_draft")


def test_an_organization_writes_so_many_a_day(world: World, call: Call, limits: Callable[..., None]) -> None:
    """Its clients, and as many its staff; a message to many is no part of it (notes: security 3.7)."""
    from chalicelib.services import tenants

    client, therapist, admin = call("C1"), call("T1"), call("A1")
    limits(messages_tenant=(2, 86400), messages_client=(3, 3600))
    thread = begin(client, world.id("T1"))
    path = to_client(world, "C1", thread)
    for _ in range(3):  # what cannot be sent is no message: nobody silences the others with it
        assert therapist.post(path, {"body": "Two", "upload_ids": [world.id("C1")]}).status == 404
    faults.add("TransactWriteItems", "conflict", 500)
    assert therapist.post(path, {"body": "Two"}).code == "busy"  # it came to nothing, and does not count
    faults.clear()
    job = admin.post("/practice/mass-messages", {"to": "all", "subject": "August", "body": "Closed"}).json
    admin.drain()
    assert admin.get(f"/practice/mass-messages/{job['job_id']}").json["done"] == 3
    assert answered(therapist.post(path, {"body": "Two"}, key="the-second-of-them")) == 2
    write(world, admin, "C3")
    mine = f"/portal/messages/{thread}"
    for who, where in ((therapist, path), (admin, to_client(world, "C3")), (client, mine)):
        if who is client:
            assert answered(client.post(mine, {"body": "Three"})) == 3  # however much staff write
        full = who.post(where, {"body": "One too many", **({"subject": "x"} if who is admin else {})})
        assert (full.status, full.code) == (429, "messages_cap")
        assert 0 < int(full.headers["retry-after"]) <= 86400
    assert answered(therapist.post(path, {"body": "Two"}, key="the-second-of-them")) == 2  # what stands is answered
    job = admin.post("/practice/mass-messages", {"to": "all", "subject": "August", "body": "Open"}).json
    admin.drain()
    assert admin.get(f"/practice/mass-messages/{job['job_id']}").json["done"] == 3
    write(world, call("B1"), "CB")  # each organization has a count of its own
    tenants.set_cap(world.tenant_id("oak"), "messages_tenant", 10)
    assert answered(client.post(mine, {"body": "Four"})) == 4  # of the client's hour, what was too much took nothing


def test_who_is_gone_and_who_writes_too_much(world: World, call: Call, limits: Callable[..., None]) -> None:
    client, therapist, admin = call("C1"), call("T1"), call("A1")
    thread = begin(client, world.id("T1"))
    limits(messages_client=(2, 3600))
    assert answered(client.post(f"/portal/messages/{thread}", {"body": "Two"})) == 2
    full = client.post(f"/portal/messages/{thread}", {"body": "Three"})
    assert (full.status, full.code) == (429, "too_many_requests")
    limits(messages_client=(4, 3600))
    faults.add("TransactWriteItems", "conflict", 500)
    for _ in range(3):  # tries that come to nothing do not count
        assert client.post(f"/portal/messages/{thread}", {"body": "Three"}).code == "busy"
    faults.clear()
    assert answered(client.post(f"/portal/messages/{thread}", {"body": "Three"})) == 3
    limits(messages_client=(100, 3600))
    assert admin.post(f"/practice/staff/{world.id('T1')}/disable").status == 200
    assert therapist.get(to_client(world, "C1", thread)).status == 401
    assert client.post(f"/portal/messages/{thread}", {"body": "Anybody?"}).code == "nobody_there"
    mine = write(world, admin, "C3")
    assert admin.post(f"/practice/clients/{world.id('C3')}/access/end").status == 200
    assert admin.post(to_client(world, "C3", mine), {"body": "x"}).code == "access_ended"
    assert call("C3").get(f"/portal/messages/{mine}").status == 401
    shown = admin.get(to_client(world, "C3", mine)).json
    assert (shown["can_answer"], shown["reason"]) == (False, "access_ended")
