"""Secure messages over HTTP: conversations both ways, and everything that must not happen (DOMAIN.md section 6)."""

from collections.abc import Callable

from tests.calls import Answer, Caller
from tests.conftest import World

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
