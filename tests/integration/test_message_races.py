"""Many at once in one thread: each message once, in one order, and what is unread is exact."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.calls import Caller
from tests.conftest import World
from tests.integration.test_messages import answered, begin, to_client, write

Call = Callable[..., Caller]


def _send(who: Caller, path: str, body: str) -> int:
    """Once, however often it has to be asked for."""
    key = f"race-{body.replace(' ', '-')}-0123456789"
    for _ in range(40):
        answer = who.post(path, {"body": body, "clear_draft": False}, key=key)
        if answer.status != 503:
            return answered(answer)
    raise AssertionError(f"{body} never went")


def _everything(who: Caller, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = who.get(path, query={"limit": 100, **({"cursor": cursor} if cursor else {})}).json
        found += page["messages"]
        if (cursor := page["next_cursor"]) is None:
            return found


def test_a_hundred_at_once_from_both_sides(world: World, call: Call) -> None:
    client, therapist = call("C1"), call("T1")
    thread = begin(client, world.id("T1"), "The first")
    mine, theirs = f"/portal/messages/{thread}", to_client(world, "C1", thread)
    work = [(client, mine, f"from me {n}") for n in range(50)] + [
        (therapist, theirs, f"from us {n}") for n in range(50)
    ]
    mixed = [work[(n * 37) % 100] for n in range(100)]
    with ThreadPoolExecutor(100) as pool:
        numbers = list(pool.map(lambda each: _send(*each), mixed))
    assert sorted(numbers) == list(range(2, 102))
    shown = {side: _everything(who, path) for side, who, path in (("C", client, mine), ("T", therapist, theirs))}
    order = [each["number"] for each in shown["C"]]
    assert order == list(range(101, 0, -1))
    assert [(e["number"], e["body"]) for e in shown["C"]] == [(e["number"], e["body"]) for e in shown["T"]]
    assert {each["body"] for each in shown["C"]} == {"The first", *(body for _, _, body in work)}
    assert [each["sent_at"] for each in shown["C"]] == sorted((each["sent_at"] for each in shown["C"]), reverse=True)
    told = dict(zip((body for _, _, body in mixed), numbers, strict=True))
    assert {each["body"]: each["number"] for each in shown["C"] if each["number"] > 1} == told
    assert client.get(mine).json["thread"]["unread"] == 50
    assert therapist.get(theirs).json["thread"]["unread"] == 51


def test_reading_while_the_other_writes(world: World, call: Call) -> None:
    """Whatever is marked as read meanwhile, in two windows, what is left unread is what stands above the mark."""
    client, therapist = call("C1"), call("T1")
    thread = write(world, therapist, "C1", "One")
    mine, theirs = f"/portal/messages/{thread}", to_client(world, "C1", thread)

    def reading(who: Caller, path: str, up_to: int) -> int:
        for _ in range(40):
            status = who.post(f"{path}/read", {"up_to": up_to}).status
            if status != 503:
                return status
        return 503

    work: list[Callable[[], int]] = []
    for n in range(8):
        work.append(lambda n=n: _send(client, mine, f"mine {n}"))  # type: ignore[misc]
        work.append(lambda n=n: _send(therapist, theirs, f"theirs {n}"))  # type: ignore[misc]
        work.append(lambda n=n: reading(client, mine, n + 1))  # type: ignore[misc]
        work.append(lambda n=n: reading(therapist, theirs, n + 1))  # type: ignore[misc]
    with ThreadPoolExecutor(32) as pool:
        done = [each.result() for each in [pool.submit(one) for one in work]]
    assert not [each for each in done if each == 503]
    for who, path in ((client, mine), (therapist, theirs)):
        shown = _everything(who, path)
        box = who.get(path).json["thread"]
        left = [each for each in shown if not each["mine"] and each["number"] > 8]
        read_early = [each for each in shown if not each["mine"] and each["number"] <= 8]
        assert len(left) <= box["unread"] <= len(left) + len(read_early)
        assert reading(who, path, 8) == 204
        assert who.get(path).json["thread"]["unread"] == len(left)
        assert reading(who, path, 17) == 204
        assert who.get(path).json["thread"]["unread"] == 0
        side = "practice" if who is therapist else "portal"
        assert who.get(f"/{side}/messages/unread").json["unread"] == 0


def test_sending_while_the_client_is_taken_away(world: World, call: Call) -> None:
    """Before the end of the assignment it is sent, after it 404: nothing in between."""
    therapist, admin = call("T1"), call("A1")
    threads = [write(world, therapist, "C1", "Hello") for _ in range(8)]
    away = f"/practice/clients/{world.id('C1')}/therapists/{world.id('T1')}"
    with ThreadPoolExecutor(12) as pool:
        sends = [
            pool.submit(therapist.post, to_client(world, "C1", thread), {"body": "Still here?"}) for thread in threads
        ]
        ended = pool.submit(admin.delete, away)
        answers = [each.result() for each in sends]
    assert ended.result().status in (200, 204)
    assert {answer.status for answer in answers} <= {201, 404}
    for thread, answer in zip(threads, answers, strict=True):
        count = call("C1").get(f"/portal/messages/{thread}").json["thread"]["count"]
        assert count == (2 if answer.status == 201 else 1)
        assert therapist.post(to_client(world, "C1", thread), {"body": "And now?"}).status == 404
