"""What secure messaging costs in DynamoDB, with 100 and with 100,000 messages: `python -m benchmarks.messages`.

    inbox page   25 threads of a therapist and of a client: calls and units
    send         two participants, in both directions: at most 20 write units, whatever is unread; and one for the count
                 of the organization's day, which stands beside the transaction
    poll         nothing new (304), and something new
    thread       the newest page of one, and what came since

Units are counted from the bytes of the items (benchmarks/meter.py): the same on every machine. Every row must be equal
at both sizes (1 otherwise). `python -m benchmarks.messages 100 1000` takes other sizes. What an open page costs a day
stands at the end.
"""

import socket
import sys
import time
from typing import Any, NamedTuple

SIZES = (100, 100_000)
SEND_UNITS = 20 + 1
PAGE = 25
QUIET = {"X-Background": "1"}


class Row(NamedTuple):
    """One operation and what it took."""

    name: str
    read: float
    write: float
    calls: tuple[str, ...]


def fill(tenant_id: str, staff_id: str, client_id: str, count: int) -> None:
    """Put `count` messages into the organization, straight into the local table: 30 threads of this pair with three
    messages each, the newest of all, and the rest in threads of others, ten messages each."""
    from chalicelib.models.messages import Message, StaffBox, Thread
    from infra.local import cloud, state

    table = state.backend("dynamodb").tables[cloud.PREFIX]
    others = max(0, count - 90) // 10
    for number in range(others + 30):
        own = number >= others
        whose = client_id if own else f"01JGM000{number:018d}"
        staff = staff_id if own else f"01JGS000{number % 50:018d}"
        thread_id = f"01JGT000{number:018d}"
        messages = 3 if own else 10
        at = f"2026-01-{1 + (number % 28):02d}T08:00:00.{number % 1000:03d}Z"
        about: dict[str, Any] = {"tenant_id": tenant_id, "client_id": whose, "thread_id": thread_id}
        box = {"folder": "inbox", "last_at": at, "unread": 0, "read_to": messages}
        thread = Thread.new(
            **about, **box, topic="direct", members=[staff], subject=b"", last=messages, last_by="client"
        )
        thread.subject = _sealed(tenant_id, "A subject of a few words", f"{thread.pk}|{thread.sk}")
        records: list[Any] = [thread, StaffBox.new(**about, **box, staff_id=staff)]
        for record in records:
            record.gsi2pk = record.gsi2sk = None
        for n in range(1, messages + 1):
            message = Message.new(
                **about, number=f"{n:08d}", sender_kind="CLIENT", sender_id=whose, sent_at=at, words=b""
            )
            words = {"body": "Some words, as people write them. " * 4, "name": "A Person", "files": []}
            message.words = _sealed(tenant_id, words, f"{message.pk}|{message.sk}") if own else b"x" * 200
            records.append(message)
        for record in records:
            table.put_item(record.get_save_kwargs_from_instance()["Item"])


def _sealed(tenant_id: str, value: Any, place: str) -> bytes:
    from chalicelib.adapters import keys

    return keys.encrypt(tenant_id, value, place)


def walk(portal: Any, port: int) -> list[Row]:
    """Every operation once, counted."""
    from benchmarks.meter import Meter
    from benchmarks.units import _standing
    from chalicelib.models.connection import client
    from infra.local import cloud, state, world
    from tests.calls import Caller

    table = state.backend("dynamodb").tables[cloud.PREFIX]
    meter = Meter(client(), lambda pk, sk: _standing(table, pk, sk))
    people = {each.key: each.id for each in (*world.STAFF, *world.CLIENTS)}
    therapist, person = Caller(port, portal.clock), Caller(port, portal.clock)
    portal.clock.advance(61)
    therapist.sign_in("T1")
    person.sign_in("C1")
    base = f"/practice/clients/{people['C1']}/messages"
    rows: list[Row] = []

    def count(name: str, expect: int, method: str, who: Any, path: str, body: Any = None, **more: Any) -> Any:
        more["headers"] = {**QUIET, **more.get("headers", {})}
        with meter.counting() as cost:
            answer = who.post(path, body, **more) if method == "POST" else who.get(path, **more)
        assert answer.status == expect, (name, answer)
        rows.append(Row(name, cost.read, cost.write, tuple(cost.calls)))
        return answer

    page = {"query": {"limit": PAGE}}
    count("inbox page, therapist", 200, "GET", therapist, "/practice/messages", **page)
    count("inbox page, client", 200, "GET", person, "/portal/messages", **page)
    hello = {"to": people["T1"], "subject": "A question", "body": "May I come an hour later on Monday?"}
    begun = count("begin, client", 201, "POST", person, "/portal/messages", hello).json["thread_id"]
    mine, theirs = f"/portal/messages/{begun}", f"{base}/{begun}"
    words = {"body": "Monday at eleven is fine. Bring the letter that we spoke of, please."}
    count("send, therapist, first of a burst", 201, "POST", therapist, theirs, words)
    count("send, therapist, more of a burst", 201, "POST", therapist, theirs, words)
    count("send, client, more of a burst", 201, "POST", person, mine, words)
    count("thread, therapist", 200, "GET", therapist, theirs)
    count("thread, client", 200, "GET", person, mine)
    since = count("thread, client, since a message", 200, "GET", person, mine, query={"after": 3}).json["etag"]
    known = {"If-None-Match": f'"{since}"'}
    count("thread, client, nothing new", 304, "GET", person, mine, query={"after": 4}, headers=known)
    count("mark read, therapist", 204, "POST", therapist, f"{theirs}/read", {"up_to": 4})
    count("send, client, first of a burst", 201, "POST", person, mine, words)
    count("mark read, client", 204, "POST", person, f"{mine}/read", {"up_to": 5})
    told = count("poll, therapist, something new", 200, "GET", therapist, "/practice/messages/unread").json
    known = {"If-None-Match": f'"{told["etag"]}"'}
    count("poll, therapist, nothing new", 304, "GET", therapist, "/practice/messages/unread", headers=known)
    told = count("poll, client, something new", 200, "GET", person, "/portal/messages/unread").json
    known = {"If-None-Match": f'"{told["etag"]}"'}
    count("poll, client, nothing new", 304, "GET", person, "/portal/messages/unread", headers=known)
    count("sent, client", 200, "GET", person, "/portal/messages", query={"limit": PAGE, "folder": "sent"})
    draft = {"key": "k" * 26, "body": words["body"]}
    with meter.counting() as cost:
        assert person.api("PUT", f"{mine}/draft", draft, headers=QUIET).status == 200
    rows.append(Row("save a draft", cost.read, cost.write, tuple(cost.calls)))
    count("put away", 204, "POST", therapist, f"{theirs}/trash", {})
    meter.close()
    return rows


def measured(size: int, port: int) -> list[Row]:
    """The walk in an organization with this many messages."""
    from benchmarks import units
    from infra.local import world

    units.PORT = port
    portal, _ = units.served()
    portal.reset()
    people = {each.key: each.id for each in (*world.STAFF, *world.CLIENTS)}
    fill(world.tenant_id("oak"), people["T1"], people["C1"], size)
    return walk(portal, port)


def misses(rows: list[Row]) -> list[str]:
    """What goes over the goal of a send."""
    return [f"{row.name}: {row.write:g} write units" for row in rows if "send" in row.name and row.write > SEND_UNITS]


def main() -> int:
    """Prints the table; 1 when a send is too dear, or a size makes a difference."""
    import logging

    from infra.local import cloud

    sizes = [int(argument) for argument in sys.argv[1:]] or list(SIZES)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    cloud.environment(port)
    logging.disable(logging.INFO)
    runs = []
    for size in sizes:
        began = time.monotonic()
        runs.append(measured(size, port))
        print(f"{size:>7} messages in {time.monotonic() - began:.0f} s", file=sys.stderr)
    small, large = runs[0], runs[-1]
    print(f"{'operation':38}{'calls':>6}{'read units at':>18}{'write units at':>18}")
    print(f"{'':44}" + "".join(f"{size:>9}" for size in (sizes[0], sizes[-1]) * 2))
    differing = []
    for row, more in zip(small, large, strict=True):
        print(f"{row.name:38}{len(row.calls):>6}{row.read:>9g}{more.read:>9g}{row.write:>9g}{more.write:>9g}")
        if (row.read, row.write, row.calls) != (more.read, more.write, more.calls):
            differing.append(row.name)
    print(f"\nequal at {sizes[0]} and {sizes[-1]} messages: {len(small) - len(differing)} of {len(small)}", *differing)
    dear = misses(small) + misses(large)
    print(*(dear or [f"every send within {SEND_UNITS} write units"]), sep="\n")
    _day({row.name: row for row in large})
    return int(bool(differing or dear))


def _day(rows: dict[str, Row]) -> None:
    """A page that is open for eight hours, two of them on the screen (poll every 15 s), six hidden (every 2 min)."""
    polls = 2 * 3600 // 15 + 6 * 3600 // 120
    for who in ("therapist", "client"):
        units = polls * rows[f"poll, {who}, nothing new"].read
        print(f"an open page of a {who}: {polls} polls a day, {units:g} read units (${units * 0.125 / 1e6:.4f})")


if __name__ == "__main__":
    sys.exit(main())
