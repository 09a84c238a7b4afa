"""Being told, the trash, and the two of them together with time going by (DOMAIN.md 6.2, 6.3)."""

from collections.abc import Callable

from tests.calls import PEOPLE, Caller
from tests.conftest import World
from tests.flows import stored
from tests.integration.test_messages import answered, begin, desk, to_client, write

Call = Callable[..., Caller]
QUARTER = 15 * 60


def _mails(who: Caller, key: str) -> list[str]:
    return [mail["subject"] for mail in who.outbox(PEOPLE[key].email) if mail["subject"] == WAITING]


WAITING = "There is something new for you"


def _later(who: Caller, seconds: int) -> None:
    who.clock.advance(seconds)
    who.drain()


def test_one_mail_a_burst_and_only_if_it_is_still_unread(world: World, call: Call) -> None:
    client, therapist = call("C1"), call("T1")
    thread = begin(client, world.id("T1"), "What I say is nobody's business")
    path = to_client(world, "C1", thread)
    _later(client, QUARTER - 60)
    answered(client.post(f"/portal/messages/{thread}", {"body": "And more"}))
    assert _mails(client, "T1") == []
    _later(client, 70)
    assert _mails(client, "T1") == [WAITING]
    (mail,) = [each for each in client.outbox(PEOPLE["T1"].email) if each["subject"] == WAITING]
    for word in ("business", "Imogen", "Thistlewood", "A question", "message", "client", "therapist"):
        assert word not in mail["text"] + mail["subject"], word
    therapist = call.browser("T1")  # type: ignore[attr-defined]
    notices = therapist.get("/practice/notifications").json["items"]
    assert [(each["kind"], each["thread_id"]) for each in notices] == [("message_waiting", thread)]
    answered(client.post(f"/portal/messages/{thread}", {"body": "Still me"}))
    _later(client, QUARTER + 70)
    assert _mails(client, "T1") == [WAITING]  # the same burst: nothing was read
    therapist = call.browser("T1")  # type: ignore[attr-defined]
    assert therapist.post(f"{path}/read", {"up_to": 3}).status == 204
    client = call.browser("C1")  # type: ignore[attr-defined]
    answered(client.post(f"/portal/messages/{thread}", {"body": "Later"}))
    _later(client, QUARTER + 70)
    assert _mails(client, "T1") == [WAITING, WAITING]


def test_no_mail_for_what_was_read_for_who_chose_none_and_for_who_is_gone(world: World, call: Call) -> None:
    client, therapist, admin = call("C1"), call("T1"), call("A1")
    thread = write(world, therapist, "C1")
    _later(client, 60)
    assert client.post(f"/portal/messages/{thread}/read", {"up_to": 1}).status == 204
    assert therapist.api("PUT", "/practice/notification-choices", {"muted": ["message_waiting"]}).status == 200
    begin(client, world.id("T1"), "To the one who wants no mail")
    gone = begin(call("C3"), world.id("T4"))
    assert admin.delete(f"/practice/clients/{world.id('C3')}/therapists/{world.id('T4')}").status in (200, 204)
    off = begin(client, "administration")
    etag = admin.get("/practice/settings").json["etag"]
    assert admin.patch("/practice/settings", {"features": {"messaging": False}}, etag=etag).status == 200
    _later(client, QUARTER + 60)
    assert [_mails(client, key) for key in ("C1", "T4", "A1", "A2")] == [[], [], [], []]
    assert gone
    assert off
    therapist = call.browser("T1")  # type: ignore[attr-defined]
    assert therapist.get("/practice/notification-choices").json == {"muted": ["message_waiting"]}


def test_a_mail_that_waited_in_the_queue_goes_to_nobody_who_is_gone_since(world: World, call: Call) -> None:
    from chalicelib.services import clients

    client = call("C1")
    begin(client, world.id("T1"))
    with world.portal.pump.exclusively():
        client.clock.advance(QUARTER + 60)
        world.portal.pump.invoke("on_schedule")
        world.portal.pump.invoke("on_job")
        clients.unassign(world.tenant_id("oak"), world.id("C1"), world.id("T1"))
    client.drain()
    assert [each["status"] for each in stored("staff_mail") if each["template"] == "message_waiting"] == ["dropped"]
    assert _mails(client, "T1") == []


def test_a_client_is_mailed_without_a_word_of_it(world: World, call: Call) -> None:
    thread = write(world, call("T1"), "C1", "Your results are here")
    client = call("C1")
    _later(client, QUARTER + 60)
    (mail,) = [each for each in client.outbox(PEOPLE["C1"].email) if each["subject"] == WAITING]
    for word in ("results", "Priya", "Halvorsen", "therapist", "From us", thread):
        assert word not in mail["text"], word
    again = call.browser("C1")  # type: ignore[attr-defined]
    assert again.post(f"/portal/messages/{thread}/trash").status == 204
    _later(client, QUARTER + 60)
    assert len(_mails(client, "C1")) == 1


def test_trash_restore_and_gone(world: World, call: Call) -> None:
    client, therapist = call("C1"), call("T1")
    thread, other = begin(client, world.id("T1"), "One"), begin(client, world.id("T1"), "Other")
    path = to_client(world, "C1", thread)
    assert _ids(therapist, "inbox") == [other, thread]
    assert therapist.post(f"{path}/restore").code == "not_in_trash"
    assert therapist.post(f"{path}/trash").status == 204
    assert therapist.post(f"{path}/trash").status == 204
    assert (_ids(therapist, "inbox"), _ids(therapist, "trash")) == ([other], [thread])
    assert therapist.get("/practice/messages/unread").json["unread"] == 1
    assert therapist.get(path).json["thread"]["trash_until"] is not None
    assert therapist.post(f"{path}/restore").status == 204
    assert (_ids(therapist, "inbox"), _ids(therapist, "trash")) == ([other, thread], [])
    assert therapist.post(f"{path}/trash").status == 204
    answered(client.post(f"/portal/messages/{thread}", {"body": "Two"}))  # what comes in comes out of the trash
    assert _ids(therapist, "inbox") == [thread, other]
    assert therapist.get(path).json["thread"]["unread"] == 1
    assert therapist.post(f"{path}/trash").status == 204
    _later(client, 15 * 86400 - 60)
    therapist = call.browser("T1")  # type: ignore[attr-defined]
    assert _ids(therapist, "trash") == [thread]
    _later(client, 120)
    therapist, client = call.browser("T1"), call.browser("C1")  # type: ignore[attr-defined]
    assert (_ids(therapist, "inbox"), _ids(therapist, "trash"), _ids(therapist, "sent")) == ([other], [], [])
    assert therapist.get(path).status == 404
    mine = client.get(f"/portal/messages/{thread}").json  # the other side keeps it, and so does the record
    assert [each["body"] for each in mine["messages"]] == ["Two", "One"]
    answered(client.post(f"/portal/messages/{thread}", {"body": "Three"}))
    assert [each["body"] for each in therapist.get(path).json["messages"]] == ["Three"]
    assert [each["body"] for each in therapist.get(f"{path}/print").json["messages"]] == ["Three"]


def test_sent_lists_what_one_wrote_newest_first(world: World, call: Call) -> None:
    client, therapist = call("C1"), call("T1")
    thread = begin(client, world.id("T1"), "One")
    answered(client.post(f"/portal/messages/{thread}", {"body": "Two"}))
    answered(therapist.post(to_client(world, "C1", thread), {"body": "Three"}))
    mine = client.get("/portal/messages", query={"folder": "sent"}).json["items"]
    assert [each["number"] for each in mine] == [2, 1]
    theirs = therapist.get("/practice/messages", query={"folder": "sent"}).json["items"]
    assert [(each["number"], each["client_id"]) for each in theirs] == [(3, world.id("C1"))]
    assert client.post(f"/portal/messages/{thread}/trash").status == 204
    assert client.get("/portal/messages", query={"folder": "sent"}).json["items"] == []


def test_pages_and_search(world: World, call: Call) -> None:
    client, therapist, admin = call("C1"), call("T1"), call("A1")
    threads = [begin(client, world.id("T1"), f"Number {n}", f"Subject {n}") for n in range(5)]
    write(world, admin, "C2")
    seen: list[str] = []
    cursor = None
    while True:
        query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = therapist.get("/practice/messages", query=query).json
        seen += [each["thread_id"] for each in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert seen == threads[::-1]
    found = therapist.post("/practice/messages/search", {"search": "thistle"}).json["items"]
    assert {each["thread_id"] for each in found} == set(threads)
    assert admin.post("/practice/messages/search", {"search": "thistle"}).json["items"] == []
    assert len(admin.post("/practice/messages/search", {"search": "rafael"}).json["items"]) == 1
    assert len(client.post("/portal/messages/search", {"search": "priya"}).json["items"]) == 5
    assert client.post("/portal/messages/search", {"search": "jonah"}).json["items"] == []
    foreign = admin.get("/practice/messages", query={"limit": 1, "cursor": cursor or "x"})
    assert foreign.code == "invalid_cursor"


def _ids(who: Caller, folder: str) -> list[str]:
    answer = who.get("/practice/messages", query={"folder": folder})
    assert answer.status == 200, answer
    return [each["thread_id"] for each in answer.json["items"]]


def test_read_receipts_only_where_the_organization_shows_them(world: World, call: Call) -> None:
    client, therapist, admin = call("C1"), call("T1"), call("A1")
    thread = begin(client, world.id("T1"))
    path = to_client(world, "C1", thread)
    etag = client.get(f"/portal/messages/{thread}").json["etag"]
    assert therapist.post(f"{path}/read", {"up_to": 1}).status == 204
    assert client.get(f"/portal/messages/{thread}").json["messages"][0]["read"] is None
    assert client.get(f"/portal/messages/{thread}", headers={"If-None-Match": f'"{etag}"'}).status == 304
    version = admin.get("/practice/settings").json["etag"]
    away = {"read_receipts": True, "away_note": "Back on Monday.", "hours": [None] * 6 + [[0, 1]]}
    assert admin.patch("/practice/settings", {"messaging": away}, etag=version).status == 200
    shown = client.get(f"/portal/messages/{thread}").json
    assert (shown["messages"][0]["read"], shown["composer"]["away_note"]) == (True, "Back on Monday.")
    answered(therapist.post(path, {"body": "Yes"}))
    assert therapist.get(path).json["messages"][0]["read"] is False
    assert client.post(f"/portal/messages/{thread}/read", {"up_to": 2}).status == 204
    assert therapist.get(path).json["messages"][0]["read"] is True


def test_nobody_has_read_what_came_before_they_joined(world: World, call: Call) -> None:
    client, admin = call("C1"), call("A1")
    desk(admin, "administration", world.id("A2"))
    etag = admin.get("/practice/settings").json["etag"]
    assert admin.patch("/practice/settings", {"messaging": {"read_receipts": True}}, etag=etag).status == 200
    thread = begin(client, "administration")
    desk(admin, "administration", world.id("A1"))
    answered(client.post(f"/portal/messages/{thread}", {"body": "Is anybody there?"}))
    seen = [each["read"] for each in client.get(f"/portal/messages/{thread}").json["messages"]]
    assert seen == [False, False]
    assert admin.get("/practice/messages").json["items"][0]["unread"] == 1
    assert admin.post(f"{to_client(world, 'C1', thread)}/read", {"up_to": 2}).status == 204
    assert client.get(f"/portal/messages/{thread}").json["messages"][0]["read"] is True
    assert admin.get("/practice/messages/unread").json["unread"] == 0
