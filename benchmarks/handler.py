"""What the application adds to a warm read: `python -m benchmarks.handler`.

Three reads by people who are signed in (a client's file by a therapist, 20 clients by an administrator, a client's own
packets), through the real Chalice application and its real client, against a bare function on a stock botocore client
that makes exactly the same calls, decodes the items by hand and dumps the same JSON, and does nothing else: no session,
no permission, no audit of its own, no log line. Both clients' transports answer from what the local cloud really said.

CPU time of the process, 15 rounds of 60 calls in turn, the median of the rounds' ratios. The goal is 0.60, the stretch
0.40 (DESIGN.md, Performance).
"""

import gc
import json
import logging
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

ROUNDS, CALLS = 15, 60
GOAL, STRETCH = 0.60, 0.40
READS = ("client file", "20 clients", "my packets")


# ---- what was really asked and answered ----


def record() -> None:
    """Writes JSON: what `taken` returns, the moment, and the table."""
    from benchmarks import units
    from infra.local import cloud

    units.PORT = port = units.free_port()
    cloud.environment(port)
    logging.disable(logging.INFO)
    portal, _ = units.served()
    from tests.calls import Caller

    people = {key: Caller(port, portal.clock) for key in ("T4", "A1", "C4")}
    for key in ("T4", "A1"):
        people[key].sign_in(key)
    reads = taken(units.gateway(), people)
    print(json.dumps({"now": datetime.now(UTC).isoformat(), "table": cloud.PREFIX, "reads": reads}))


def taken(gateway: Any, people: dict[str, Any]) -> list[dict[str, Any]]:
    """For each of READS its event, its calls (operation, parameters, answer) and the answer to the caller, in a seeded
    world. T4 and A1 are signed in; C4 joins here."""
    from benchmarks import units
    from infra.local import world

    units.fill(world.tenant_id("oak"), world.fixed_id("T4"), 30)
    file = f"/practice/clients/{world.fixed_id('C4')}"
    library = people["T4"].get(f"{file}/invites/template").json["forms"]
    people["T4"].post(f"{file}/invites", {"form_ids": [form["form_id"] for form in library]})
    people["T4"].drain()
    token = units.link_of(people["T4"].outbox()[-1])
    body = units.redemption(token)
    people["C4"].remember(people["C4"].post("/invitations/redemption", body))
    asked = (("T4", file, {}), ("A1", "/practice/clients", {"limit": 20}), ("C4", "/portal/intakes", {}))
    with _Tape(gateway) as tape:
        return [tape.take(people[key], path, query) for key, path, query in asked]


class _Tape:
    """Notes the event of a request and every call that it makes."""

    def __init__(self, gateway: Any) -> None:
        from chalicelib.models.connection import client

        self._event: dict[str, Any] = {}
        self._calls: list[dict[str, Any]] = []
        self._gateway, self._application = gateway, gateway._app
        self._events = client().meta.events
        self._listeners = (
            ("provide-client-params.dynamodb.*", self._asked),
            ("after-call.dynamodb.*", self._answered),
        )

    def __enter__(self) -> "_Tape":
        self._gateway._app = self._noted
        for event, listener in self._listeners:
            self._events.register(event, listener)
        return self

    def __exit__(self, *_: object) -> None:
        self._gateway._app = self._application
        for event, listener in self._listeners:
            self._events.unregister(event, listener)

    def _noted(self, event: dict[str, Any], context: Any) -> Any:
        self._event = json.loads(json.dumps(event))
        return self._application(event, context)

    def _asked(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        self._calls.append({"operation": model.name, "parameters": json.loads(json.dumps(params))})

    def _answered(self, http_response: Any, **_: Any) -> None:
        self._calls[-1]["answer"] = http_response.content.decode()

    def take(self, caller: Any, path: str, query: dict[str, Any]) -> dict[str, Any]:
        self._calls = []
        answer = caller.get(path, query=query, headers={"X-Background": "1"})
        assert answer.status == 200, answer
        return {"event": self._event, "calls": self._calls, "body": answer.json}


# ---- the same calls without an application ----


def plain(item: dict[str, Any]) -> dict[str, Any]:
    """DynamoDB's JSON decoded by hand, for the kinds that these items use."""
    decoded: dict[str, Any] = {}
    for name, typed in item.items():
        ((kind, value),) = typed.items()
        decoded[name] = json.loads(value) if kind == "N" else value
    return decoded


def bare(read: dict[str, Any], client: Any, view: Callable[[list[Any]], Any]) -> Callable[[], str]:
    """The function that someone would write who only needed the answer."""
    methods = {
        "BatchGetItem": client.batch_get_item,
        "GetItem": client.get_item,
        "PutItem": client.put_item,
        "Query": client.query,
        "TransactWriteItems": client.transact_write_items,
    }
    calls = [(methods[call["operation"]], call["parameters"]) for call in read["calls"]]

    def handler() -> str:
        found = []
        for method, parameters in calls:
            answer = method(**parameters)
            items = answer.get("Items") or next(iter(answer.get("Responses", {}).values()), None) or []
            found.append([plain(item) for item in items] if items else plain(answer.get("Item", {})))
        return json.dumps(view(found))

    return handler


def _row(client: dict[str, Any]) -> dict[str, Any]:
    preferred = client.get("preferred_name")
    return {
        "client_id": client["client_id"],
        "name": f"{preferred} {client['legal_name'].split()[-1]}" if preferred else client["legal_name"],
        "preferred_name": preferred,
        "birth_date": client.get("birth_date"),
        "status": client["status"],
        "portal": client["portal"],
        "therapists": json.loads(client["therapists"]),
        "worrying": bool(client.get("unseen")),
    }


def file_view(found: list[Any]) -> Any:
    """A client's file."""
    client = next(item for item in found[0] if item["kind"] == "client")
    invite = next(each for each in found[1:] if isinstance(each, dict) and each.get("kind") == "invite")
    at_address = next(each for each in found[1:] if isinstance(each, list))  # an account, and nothing else: no warning
    assert [each["kind"] for each in at_address] == ["account"]
    news = json.loads(invite["news"])
    contact, address = client.get("emergency_contact"), client.get("address")
    return {
        **_row(client),
        "legal_name": client["legal_name"],
        "email": client.get("email"),
        "phone": client.get("phone"),
        "address": json.loads(address) if address else None,
        "emergency_contact": json.loads(contact) if contact else None,
        "insurance": None,
        "features_off": json.loads(client.get("features_off", "[]")),
        "joined_at": client.get("joined_at"),
        "etag": str(client["version"]),
        "invite": {
            "invite_id": invite["invite_id"],
            "status": invite["status"],
            "delivery": invite["delivery"],
            "news": [{"delivery": each, "at": at} for each, at in sorted(news.items(), key=lambda one: one[1])],
            "email": invite["email"],
            "sent_at": invite["sent_at"],
            "sent_by_name": invite["sent_by_name"],
            "held_until": invite.get("held_until"),
            "opened_at": invite.get("opened_at"),
            "completed_at": invite.get("completed_at"),
            "expires_at": invite["ends_at"],
            "forms": [{"form_id": form["form_id"], "title": form["title"]} for form in _unpacked(invite["forms"])],
            "renewal_asked_at": invite.get("renewal_asked_at"),
        },
        "can_invite": {
            "allowed": False,
            "reason": "already_active",
            "title": "This client already has a portal account. Share the login link instead.",
        },
        "mailbox": {"suppressed": None, "suppressed_at": None, "likely": None, "shared": False},
    }


def list_view(found: list[Any]) -> Any:
    """A page of clients."""
    last = found[1][-1]
    keys = {name: last[name] for name in ("pk", "sk", "gsi1pk", "gsi1sk")}
    return {"items": [_row(client) for client in found[1]], "next_cursor": keys, "total": None}


def packets_view(found: list[Any]) -> Any:
    """One's own packets; nothing is begun, and no note came with them."""
    names = ("form_id", "title", "version", "minutes")
    nothing = {"status": "to_do", "signed_at": None, "document_id": None}
    return {
        "items": [
            {
                "intake_id": packet["intake_id"],
                "status": packet["status"],
                "sent_at": packet["sent_at"],
                "sent_by_name": packet["sent_by_name"],
                "completed_at": packet.get("completed_at"),
                "note": None,
                "forms": [
                    {**{name: form[name] for name in names}, **nothing, "progress": {"done": 0, "of": form["sections"]}}
                    for form in _unpacked(packet["forms"])
                ],
            }
            for packet in found[1]
        ],
        "next_cursor": None,
    }


def _unpacked(stored: Any) -> Any:
    import zlib

    return json.loads(zlib.decompress(stored) if isinstance(stored, bytes) else stored)


VIEWS = {"client file": file_view, "20 clients": list_view, "my packets": packets_view}


# ---- measuring ----


class _Transport:
    """Answers a client's calls in the order in which they were recorded."""

    def __init__(self, client: Any) -> None:
        self.answers: list[bytes] = []
        self._next = 0
        client.meta.events.register("before-send.dynamodb.*", self._send)

    def _send(self, request: Any, **_: Any) -> Any:
        from botocore.awsrequest import AWSResponse

        body = self.answers[self._next % len(self.answers)]
        self._next += 1
        headers = {"content-type": "application/x-amz-json-1.0", "x-amzn-requestid": "benchmark"}
        response = AWSResponse(request.url, 200, headers, None)
        response._content = body
        return response

    def play(self, read: dict[str, Any]) -> None:
        self.answers, self._next = [call["answer"].encode() for call in read["calls"]], 0


def stock_client() -> Any:
    """A client of DynamoDB as botocore makes it."""
    import botocore.session

    return botocore.session.Session().create_client("dynamodb", region_name="us-east-1")


def untrue(reads: list[dict[str, Any]]) -> list[str]:
    """The names of those of READS for which the bare function does not answer what the portal answered."""
    stock = stock_client()
    transport = _Transport(stock)
    names = []
    for name, read in zip(READS, reads, strict=True):
        transport.play(read)
        if not _same(json.loads(bare(read, stock, VIEWS[name])()), read["body"]):
            names.append(name)
    return names


def measure(tape: dict[str, Any]) -> dict[str, list[tuple[float, float]]]:
    """For each read the CPU microseconds of a call, application and bare function, round by round."""
    from chalice.local import LambdaContext

    import app
    from chalicelib import clock
    from chalicelib.adapters import secrets
    from chalicelib.models.connection import client

    at = datetime.fromisoformat(tape["now"])
    clock.use(lambda: at)
    secrets._secrets = lambda: {"pepper": "p" * 40, "token_key": "t" * 40}
    _silence()
    stock = stock_client()
    transports = (_Transport(client()), _Transport(stock))
    times: dict[str, list[tuple[float, float]]] = {}
    for name, read in zip(READS, tape["reads"], strict=True):
        for transport in transports:
            transport.play(read)
        context = LambdaContext("api", 512, 29_000)
        application = lambda r=read, c=context: app.app(json.loads(json.dumps(r["event"])), c)["body"]  # noqa: E731
        function = bare(read, stock, VIEWS[name])
        _compare(name, json.loads(application()), json.loads(function()), read["body"])
        times[name] = _rounds(application, function)
    return times


def _compare(name: str, ours: Any, theirs: Any, real: Any) -> None:
    assert ours == real, f"{name}: the application answered something else than when it was recorded"
    assert _same(theirs, real), f"{name}: the bare function answers something else"


def _same(theirs: dict[str, Any], real: dict[str, Any]) -> bool:
    """Whether the answers are equal but for the cursor: an opaque text there, a plain key here."""
    return theirs | {"next_cursor": None} == real | {"next_cursor": None}


def _rounds(application: Callable[[], Any], function: Callable[[], Any]) -> list[tuple[float, float]]:
    rounds = []
    for number in range(ROUNDS):
        spent: dict[Callable[[], Any], float] = {}
        for each in (application, function) if number % 2 else (function, application):
            gc.collect()
            began = time.process_time()
            for _ in range(CALLS):
                each()
            spent[each] = (time.process_time() - began) / CALLS * 1e6
        rounds.append((spent[application], spent[function]))
    return rounds


def _silence() -> None:
    """The log line is made as in Lambda, and goes nowhere."""
    from chalicelib.observability import logger

    nowhere = open(os.devnull, "w")  # noqa: SIM115 - for as long as the process lives
    for handler in logger._logger.handlers if hasattr(logger, "_logger") else logger.handlers:
        handler.setStream(nowhere)


def main() -> int:
    """Prints the table; 1 when a goal is missed."""
    if sys.argv[1:] == ["record"]:
        record()
        return 0
    command = [sys.executable, "-m", "benchmarks.handler", "record"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    tape = json.loads(done.stdout.splitlines()[-1])
    from benchmarks.cold import environment

    # Without infra.local: moto would listen to both clients. The table's name is the one of the recording.
    os.environ.update(environment() | {"TABLE_NAME": tape["table"]})
    print(f"{'warm read, CPU us':18}{'calls':>4}{'application':>13}{'bare, stock':>13}{'ratio':>7}   lowest-highest")
    missed = False
    for read, (name, rounds) in zip(tape["reads"], measure(tape).items(), strict=True):
        ratios = sorted(ours / theirs for ours, theirs in rounds)
        ratio = statistics.median(ratios)
        ours, theirs = (statistics.median(each) for each in zip(*rounds, strict=True))
        missed |= ratio > GOAL
        verdict = "stretch held" if ratio <= STRETCH else "held" if ratio <= GOAL else "MISSED"
        print(
            f"{name:18}{len(read['calls']):>4}{ours:>13.0f}{theirs:>13.0f}{ratio:>7.2f}   "
            f"{ratios[0]:.2f}-{ratios[-1]:.2f}  goal {GOAL}: {verdict}"
        )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
