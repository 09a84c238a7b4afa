"""The local cloud keeps the promises that the application is built on: tests of the emulator, not of the portal."""

import hashlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local import cloud, faults, levers, links, moto_quick, pump, state
from infra.local import world as demo
from infra.local.portal import ROOT
from tests import flows
from tests.calls import Caller
from tests.conftest import World

THREADS, ROUNDS = 32, 20


def _item(pk: str, sk: str = "X", **values: str) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}, **{name: {"S": value} for name, value in values.items()}}


def _put_once(item: dict[str, Any]) -> dict[str, Any]:
    return {"Put": {"TableName": cloud.PREFIX, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}}


def _counted(pk: str) -> dict[str, Any]:
    add = {"UpdateExpression": "ADD n :one", "ExpressionAttributeValues": {":one": {"N": "1"}}}
    return {"Update": {"TableName": cloud.PREFIX, "Key": _item(pk), **add}}


@pytest.fixture
def dynamodb(world: World) -> Any:
    """A client with a connection for each thread."""
    import botocore.session
    from botocore.config import Config

    config = Config(max_pool_connections=THREADS + 4)
    return botocore.session.Session().create_client("dynamodb", region_name=cloud.REGION, config=config)


class TestDynamoDB:
    def test_one_winner_in_every_race_and_nothing_of_it_left_behind_by_losers(self, dynamodb: Any) -> None:
        for round_number in range(ROUNDS):
            slot, counter = f"SLOT#{round_number}", f"COUNT#{round_number}"

            def book(number: int, slot: str = slot, counter: str = counter) -> bool:
                items = [_put_once(_item(f"{slot}#{number}")), _counted(counter), _put_once(_item(slot))]
                try:
                    dynamodb.transact_write_items(TransactItems=items)
                except ClientError as error:
                    codes = [each["Code"] for each in error.response["CancellationReasons"]]
                    assert codes == ["None", "None", "ConditionalCheckFailed"]
                    return False
                return True

            assert sum(flows.together(THREADS, book)) == 1
            assert dynamodb.get_item(TableName=cloud.PREFIX, Key=_item(counter))["Item"]["n"] == {"N": "1"}
            left = [n for n in range(THREADS) if "Item" in _get(dynamodb, f"{slot}#{n}")]
            assert len(left) == 1

    def test_failing_transactions_lose_no_write_of_others(self, dynamodb: Any) -> None:
        dynamodb.put_item(TableName=cloud.PREFIX, Item=_item("TAKEN"))

        def write(number: int) -> None:
            for turn in range(12):
                if number % 2:
                    dynamodb.put_item(TableName=cloud.PREFIX, Item=_item(f"OWN#{number}", str(turn)))
                    continue
                with pytest.raises(ClientError):
                    dynamodb.transact_write_items(
                        TransactItems=[_put_once(_item(f"OWN#{number}", str(turn))), _put_once(_item("TAKEN"))]
                    )

        flows.together(THREADS, write)
        for number in range(THREADS):
            kept = [turn for turn in range(12) if "Item" in _get(dynamodb, f"OWN#{number}", str(turn))]
            assert kept == (list(range(12)) if number % 2 else [])

    def test_a_failed_transaction_puts_back_what_it_changed(self, dynamodb: Any) -> None:
        dynamodb.put_item(TableName=cloud.PREFIX, Item=_item("KEPT", word="before"))
        dynamodb.put_item(TableName=cloud.PREFIX, Item=_item("TAKEN"))
        change = {"TableName": cloud.PREFIX, "Item": _item("KEPT", word="after")}
        gone = {"TableName": cloud.PREFIX, "Key": _item("ALSO")}
        dynamodb.put_item(TableName=cloud.PREFIX, Item=_item("ALSO"))
        with pytest.raises(ClientError):
            dynamodb.transact_write_items(TransactItems=[{"Put": change}, {"Delete": gone}, _put_once(_item("TAKEN"))])
        assert _get(dynamodb, "KEPT")["Item"]["word"] == {"S": "before"}
        assert "Item" in _get(dynamodb, "ALSO")

    def test_a_request_token_is_carried_out_once(self, dynamodb: Any) -> None:
        for _ in range(3):
            dynamodb.transact_write_items(TransactItems=[_counted("TOKEN")], ClientRequestToken="one")
        assert _get(dynamodb, "TOKEN")["Item"]["n"] == {"N": "1"}
        with pytest.raises(ClientError, match="IdempotentParameterMismatch"):
            dynamodb.transact_write_items(TransactItems=[_counted("OTHER")], ClientRequestToken="one")

    def test_a_token_whose_transaction_failed_may_be_tried_again(self, dynamodb: Any) -> None:
        dynamodb.put_item(TableName=cloud.PREFIX, Item=_item("TAKEN"))
        items = [_put_once(_item("TAKEN"))]
        with pytest.raises(ClientError, match="TransactionCanceled"):
            dynamodb.transact_write_items(TransactItems=items, ClientRequestToken="two")
        dynamodb.delete_item(TableName=cloud.PREFIX, Key=_item("TAKEN"))
        dynamodb.transact_write_items(TransactItems=items, ClientRequestToken="two")
        assert "Item" in _get(dynamodb, "TAKEN")


def _get(dynamodb: Any, pk: str, sk: str = "X") -> dict[str, Any]:
    answer: dict[str, Any] = dynamodb.get_item(TableName=cloud.PREFIX, Key=_item(pk, sk), ConsistentRead=True)
    return answer


class TestQuickness:
    """moto_quick's answers are moto's own, and so is what they leave behind."""

    def test_answers_and_what_is_kept(self, world: World, dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        quick = _asked(dynamodb)
        world.portal.reset(to_seed_time=True)
        for owner, name, plain in moto_quick.PLAIN:
            monkeypatch.setattr(owner, name, plain)
        plainly = _asked(dynamodb)
        assert len(quick) == len(plainly) > 20
        for mine, its in zip(quick, plainly, strict=True):
            assert mine == its


EVERY_TYPE = {
    "s": {"S": "Wörter"},
    "n": {"N": "-12.50"},
    "b": {"B": b"\x00\xff"},
    "yes": {"BOOL": True},
    "no": {"BOOL": False},
    "none": {"NULL": True},
    "ss": {"SS": ["a", "b"]},
    "ns": {"NS": ["1", "2.5"]},
    "bs": {"BS": [b"\x01", b"\x02"]},
    "l": {"L": [{"S": "in it"}, {"M": {"deep": {"B": b"\x03"}}}, {"L": []}]},
    "m": {"M": {"one": {"N": "1"}, "two": {"M": {}}, "three": {"SS": ["x"]}}},
    "empty": {"S": ""},
}


def _asked(dynamodb: Any) -> list[Any]:
    """The answers to one of everything that the application asks, and of what is refused."""
    table, key, answers = {"TableName": cloud.PREFIX}, _item("QUICK", "1"), list[Any]()

    def ask(call: Callable[..., Any], **asked: Any) -> None:
        try:
            answer = call(**asked)
        except ClientError as error:
            answer = error.response
        headers = answer.pop("ResponseMetadata")
        answers.append((headers["HTTPStatusCode"], answer))

    index = {**table, "IndexName": "gsi1", "KeyConditionExpression": "gsi1pk = :p"}
    for sort in ("1", "2", "3"):
        item = {**_item("QUICK", sort, gsi1pk="QUICK-INDEX", gsi1sk=sort), **EVERY_TYPE}
        ask(dynamodb.put_item, **table, Item=item, ReturnValues="ALL_OLD")
    ask(dynamodb.get_item, **table, Key=key)
    ask(dynamodb.get_item, **table, Key=key, ProjectionExpression="s, m.#o", ExpressionAttributeNames={"#o": "one"})
    ask(dynamodb.get_item, **table, Key=_item("QUICK", "none"))
    ask(dynamodb.get_item, **table, Key={"pk": {"S": "QUICK"}})
    ask(dynamodb.get_item, TableName="another", Key=key)
    keys = [key, _item("QUICK", "2"), _item("QUICK", "none")]
    ask(dynamodb.batch_get_item, RequestItems={cloud.PREFIX: {"Keys": keys, "ConsistentRead": True}})
    for more in ({"Limit": 2}, {"ScanIndexForward": False}, {"Select": "COUNT"}, {"ReturnConsumedCapacity": "TOTAL"}):
        mine = {"ExpressionAttributeValues": {":p": {"S": "QUICK"}}, "KeyConditionExpression": "pk = :p"}
        ask(dynamodb.query, **table, **mine, **more)
    by_index = {":p": {"S": "QUICK-INDEX"}}
    ask(dynamodb.query, **index, ExpressionAttributeValues=by_index)
    ask(dynamodb.query, **index, ExpressionAttributeValues=by_index, Limit=1)
    ask(dynamodb.query, **index, ExpressionAttributeValues={":p": {"S": "QUICK"}})
    ask(dynamodb.query, **{**index, "IndexName": "no such"}, ExpressionAttributeValues=by_index)
    start = {**key, **_item("QUICK-INDEX"), "gsi1pk": {"S": "QUICK-INDEX"}, "gsi1sk": {"S": "1"}, **key}
    ask(dynamodb.query, **index, ExpressionAttributeValues=by_index, ExclusiveStartKey=start)
    change = {"UpdateExpression": "SET s = :s, m.one = m.one + :n REMOVE l[0] ADD ns :ns DELETE ss :ss"}
    values = {":s": {"S": "new"}, ":n": {"N": "2"}, ":ns": {"NS": ["7"]}, ":ss": {"SS": ["a"]}}
    for returned in ("ALL_NEW", "ALL_OLD", "UPDATED_NEW"):  # the same expression again
        ask(dynamodb.update_item, **table, Key=key, **change, ExpressionAttributeValues=values, ReturnValues=returned)
    condition = {"ConditionExpression": "attribute_not_exists(pk)", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    ask(dynamodb.update_item, **table, Key=key, **change, ExpressionAttributeValues=values, **condition)
    ask(
        dynamodb.update_item,
        **table,
        Key=key,
        UpdateExpression="SET nothing.there = :s",
        ExpressionAttributeValues=values,
    )
    ask(dynamodb.update_item, **table, Key=key, UpdateExpression="SET SET")
    ask(dynamodb.put_item, **table, Item={**key, "large": {"S": "x" * 410_000}})
    ask(dynamodb.put_item, **table, Item={**key, "large": {"S": "ü" * 202_000}})
    large = {":s": {"S": "x" * 300_000}}
    ask(dynamodb.update_item, **table, Key=key, UpdateExpression="SET l1 = :s", ExpressionAttributeValues=large)
    ask(dynamodb.update_item, **table, Key=key, UpdateExpression="SET l2 = :s", ExpressionAttributeValues=large)
    check = {"ConditionCheck": {**table, "Key": key, "ConditionExpression": "attribute_not_exists(pk)"}}
    ask(dynamodb.transact_write_items, TransactItems=[_put_once(_item("QUICK", "4")), check])
    ask(dynamodb.transact_write_items, TransactItems=[_put_once(_item("QUICK", "5")), _counted("QUICK-COUNT")])
    ask(dynamodb.transact_get_items, TransactItems=[{"Get": {**table, "Key": each}} for each in keys])
    ask(dynamodb.delete_item, **table, Key=key, ReturnValues="ALL_OLD")
    ask(dynamodb.delete_item, **table, Key=key, ConditionExpression="attribute_exists(pk)")
    sqs, url = cloud.client("sqs"), {"QueueUrl": cloud.queue_url("sealing")}
    ask(lambda **asked: {**sqs.send_message(**asked), "MessageId": "new"}, **url, MessageBody="{}")
    for asked in ({"MaxNumberOfMessages": 11}, {"VisibilityTimeout": 50_000}):
        ask(sqs.receive_message, **url, **asked)
    received = sqs.receive_message(**url, MessageSystemAttributeNames=["ApproximateReceiveCount"])
    (message,) = received["Messages"]
    answers.append((sorted(received), sorted(message), message["Body"], message["Attributes"]))
    ask(sqs.change_message_visibility, **url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
    ask(sqs.delete_message, **url, ReceiptHandle=message["ReceiptHandle"])
    ask(sqs.receive_message, **url)
    ask(sqs.send_message, QueueUrl=cloud.queue_url("no-such"), MessageBody="{}")
    kept = state.backend("dynamodb").tables[cloud.PREFIX].items
    answers.append(sorted(str(item.to_json()) for box in kept.values() for item in box.values() if _of_quick(item)))
    return answers


def _of_quick(item: Any) -> bool:
    return str(item.attrs["pk"].value).startswith("QUICK")


class TestFaults:
    def test_throttle_and_conflict_fail_as_dynamodb_says_it(self, dynamodb: Any) -> None:
        faults.add("PutItem", "throttle", count=2)
        for _ in range(2):
            with pytest.raises(ClientError, match="ThrottlingException"):
                dynamodb.put_item(TableName=cloud.PREFIX, Item=_item("F"))
        assert "Item" not in _get(dynamodb, "F")
        dynamodb.put_item(TableName=cloud.PREFIX, Item=_item("F"))
        faults.add("TransactWriteItems", "conflict")
        with pytest.raises(ClientError) as caught:
            dynamodb.transact_write_items(TransactItems=[_counted("F1"), _counted("F2")])
        assert [each["Code"] for each in caught.value.response["CancellationReasons"]] == [
            "TransactionConflict",
            "None",
        ]

    def test_a_crash_before_writes_nothing_and_a_crash_after_has_written(self, dynamodb: Any) -> None:
        for kind, written in (("crash_before", False), ("crash_after", True)):
            faults.add("PutItem", kind)  # type: ignore[arg-type]
            with pytest.raises(faults.Crash):
                dynamodb.put_item(TableName=cloud.PREFIX, Item=_item(kind))
            assert ("Item" in _get(dynamodb, kind)) is written

    def test_skip_lets_calls_pass_first(self, dynamodb: Any) -> None:
        planned = faults.add("PutItem", "throttle", skip=2)
        for _ in range(2):
            dynamodb.put_item(TableName=cloud.PREFIX, Item=_item("S"))
        with pytest.raises(ClientError):
            dynamodb.put_item(TableName=cloud.PREFIX, Item=_item("S"))
        assert (planned.seen, planned.failed) == (3, 1)

    def test_by_lever(self, call: Callable[..., Caller]) -> None:
        caller = call()
        caller.local("POST", "/faults", {"operation": "GetItem", "fault": "crash_before"})
        answer = caller.get("/tenants/oak")
        assert (answer.status, answer.code) == (502, "internal")
        assert caller.get("/tenants/oak").status == 200
        assert caller.local("POST", "/faults", {"clear": True}) == []
        refused = caller.send("POST", "/_local/faults", b'{"operation":"GetItem","fault":"flood"}', {})
        assert refused.status == 422


class TestClock:
    def test_advance_set_and_reset(self, call: Callable[..., Caller]) -> None:
        caller = call()
        caller.local("POST", "/clock", {"reset": True})
        assert caller.local("GET", "/clock")["offset_seconds"] == 0
        assert caller.local("POST", "/clock", {"advance_seconds": 86400})["offset_seconds"] == 86400
        assert caller.local("POST", "/clock", {"set": "2027-03-14T06:59:59Z"})["now"].startswith("2027-03-14T06:59:59")
        assert caller.send("POST", "/_local/clock", b'{"set":"soon"}', {}).status == 422

    def test_the_application_and_its_links_follow(self, world: World) -> None:
        from chalicelib import clock
        from chalicelib.adapters import documents

        world.portal.clock.advance(10 * 86400)
        assert abs((clock.now() - world.portal.clock.now()).total_seconds()) < 1
        url, ends_at = documents.link("tenants/x", "1", "form.pdf")
        assert f"X-Amz-Date={world.portal.clock.now():%Y%m%d}" in url
        assert ends_at > world.portal.clock.now()

    def test_waiting_messages_have_waited_as_long(self, world: World) -> None:
        sqs = cloud.client("sqs")
        sqs.send_message(QueueUrl=cloud.queue_url("sealing"), MessageBody="{}", DelaySeconds=600)
        assert "Messages" not in sqs.receive_message(QueueUrl=cloud.queue_url("sealing"))
        world.portal.move_clock(lambda clock: clock.advance(601))
        assert "Messages" in sqs.receive_message(QueueUrl=cloud.queue_url("sealing"))


class TestLinks:
    @pytest.fixture
    def link(self, world: World) -> str:
        from chalicelib.adapters import documents

        key = f"tenants/{world.tenant_id('oak')}/clients/{world.id('C1')}/documents/x.pdf"
        version = documents.put_sealed(key, b"%PDF-1.7 sealed", world.portal.clock.now())
        return documents.link(key, version, "form.pdf")[0]

    def test_a_link_opens_for_two_minutes(self, link: str, server: str, world: World) -> None:
        with urllib.request.urlopen(link) as answer:
            assert answer.read() == b"%PDF-1.7 sealed"
            assert answer.headers["Content-Type"] == "application/pdf"
            assert answer.headers["Content-Disposition"] == 'attachment; filename="form.pdf"'
        world.portal.clock.advance(121)
        assert _status(link) == 403

    def test_a_changed_link_does_not(self, link: str, server: str) -> None:
        assert _status(link.replace("form.pdf", "farm.pdf")) == 403
        assert _status(link.replace("/x.pdf", "/y.pdf")) == 403
        assert _status(link.partition("?")[0]) == 403
        assert links.PREFIX in link

    def test_a_page_of_the_portal_may_post_and_hear_of_the_progress(self, link: str, server: str) -> None:
        def asked(origin: str, method: str) -> int:
            wanted = {"Origin": origin, "Access-Control-Request-Method": method}
            return _status(urllib.request.Request(link.partition("?")[0], method="OPTIONS", headers=wanted))

        assert asked(os.environ["PORTAL_ORIGIN"], "POST") == 200
        assert asked(os.environ["PORTAL_ORIGIN"], "DELETE") == 403
        assert asked("https://elsewhere.example", "POST") == 403


def _status(url: str | urllib.request.Request) -> int:
    try:
        with urllib.request.urlopen(url) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


class TestQueues:
    def test_a_message_that_always_fails_is_set_aside_after_five_tries(self, world: World) -> None:
        cloud.client("sqs").send_message(QueueUrl=cloud.queue_url("sealing"), MessageBody="not json")
        done = world.portal.pump.drain()
        assert done["failed"] == {"on_sealing": 5}
        assert done["dead"] == {"sealing": 1}
        assert done["quiet"]

    def test_mails_are_told_delivered_or_bounced(self, world: World) -> None:
        from chalicelib.adapters import mail

        for address in ("someone@mail.example", "bounce@mail.example"):
            mail.send(to=address, sender_name="Oak", subject="S", text="T", html="<p>T</p>", reference="R")
        heard: list[Any] = []
        world.portal.pump._call = lambda function, event: heard.append(event) or {}  # type: ignore[method-assign]
        try:
            world.portal.pump._tell_deliveries()
            world.portal.pump.invoke("on_mail_event")
        finally:
            del world.portal.pump._call
        bodies = [record["body"] for event in heard for record in event["Records"]]
        assert ['"Delivery"' in body for body in bodies] == [True, False]
        assert not any("@" in body for body in bodies)
        assert [each["subject"] for each in pump.outbox()] == ["S", "S"]


class TestReset:
    def test_everything_goes_back_and_quickly(self, world: World, call: Callable[..., Caller]) -> None:
        caller = call("T1")
        before = state.snapshot(state.CHANGING)
        cloud.client("dynamodb").put_item(TableName=cloud.PREFIX, Item=_item("JUNK"))
        cloud.client("s3").put_object(Bucket=f"{cloud.PREFIX}-documents", Key="junk", Body=b"x")
        cloud.client("sqs").send_message(QueueUrl=cloud.queue_url("mail"), MessageBody="{}")
        faults.add("PutItem", "throttle")
        began = time.process_time()
        caller.local("POST", "/reset")
        assert time.process_time() - began < 1
        assert faults.planned() == []
        assert len(state.snapshot(state.CHANGING)) == len(before)
        assert call().sign_in("T1").status == 201


class TestServer:
    def test_requests_larger_than_api_gateway_takes(self, call: Callable[..., Caller]) -> None:
        answer = call().api("POST", "/verification", b"%" * (10 * 1024 * 1024 + 1), content_type="application/pdf")
        assert (answer.status, answer.code) == (413, "too_large")

    def test_events_larger_than_lambda_takes(self, call: Callable[..., Caller]) -> None:
        answer = call().api("POST", "/verification", b"%" * (5 * 1024 * 1024), content_type="application/pdf")
        assert (answer.status, answer.code) == (413, "too_large")

    @pytest.mark.parametrize("method", ["TRACE", "HEAD", "OPTIONS", "PUT", "BREW"])
    def test_other_methods_are_refused_as_a_problem(self, call: Callable[..., Caller], method: str) -> None:
        answer = call().send(method, "/api/session", None, {})
        assert answer.status == 405
        assert answer.headers["Content-Type"] == "application/problem+json"

    def test_unknown_routes_are_the_gateways_404(self, call: Callable[..., Caller]) -> None:
        answer = call().get("/nothing/here")
        assert (answer.status, answer.code) == (404, "not_found")

    def test_the_viewers_address_is_the_servers_own_word(self, call: Callable[..., Caller]) -> None:
        seen: list[dict[str, str]] = []
        from infra.local.gateway import Gateway

        original = Gateway.answer

        def answer(self: Gateway, method: str, target: str, headers: dict[str, str], *rest: Any) -> Any:
            seen.append(headers)
            return original(self, method, target, headers, *rest)

        Gateway.answer = answer  # type: ignore[method-assign]
        try:
            caller = call()
            caller.source = "127.0.0.9"
            caller.get("/session", headers={"CloudFront-Viewer-Address": "1.2.3.4:5", "X-Forwarded-For": "1.2.3.4"})
        finally:
            Gateway.answer = original  # type: ignore[method-assign]
        assert seen[0]["cloudfront-viewer-address"].startswith("127.0.0.9:")
        assert seen[0]["x-forwarded-for"] == "1.2.3.4, 127.0.0.9"

    def test_other_hosts_are_refused(self, call: Callable[..., Caller]) -> None:
        assert call().send("GET", "/_local/outbox", None, {"Host": "rebound.example"}).status == 421

    def test_pages_carry_the_policy_and_never_answer_for_the_api(self, call: Callable[..., Caller]) -> None:
        page = call().send("GET", "/oak/staff", None, {})
        assert page.status == 200
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        assert "unsafe" not in page.headers["Content-Security-Policy"]
        assert page.headers["Cache-Control"] == "no-cache"
        assert call().send("GET", "/api", None, {}).status == 404
        assert call().send("GET", "/assets/../../README.md", None, {}).status == 404


def test_the_demo_keeps_what_the_rules_ask_of_credentials() -> None:
    people = [*demo.STAFF, *demo.CLIENTS]
    assert len({each.id for each in people} | {each.id for each in demo.ORGANIZATIONS}) == len(people) + 3
    assert all(len(each.id) == 26 and len(each.password) >= 15 for each in people)


def test_codes_are_those_of_the_standard() -> None:
    from datetime import UTC, datetime

    # RFC 6238, appendix B, the last six digits
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert levers.totp(secret, datetime.fromtimestamp(59, UTC)) == "287082"
    assert levers.totp(secret, datetime.fromtimestamp(1111111109, UTC)) == "081804"


class TestProcess:
    """The real command, in a process of its own."""

    def test_state_survives_kill_and_restart(self, tmp_path: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        process = _start(tmp_path, port)
        try:
            _ask(port, "POST", "/_local/clock", b'{"advance_seconds": 3600}')
            session = _sign_in(port, "C1")
            _wait_until_kept(tmp_path / "state.pickle", hashlib.sha256(session.encode()).hexdigest())
        finally:
            process.kill()
            process.wait()
        process = _start(tmp_path, port)
        try:
            assert b'"offset_seconds": 3600' in _ask(port, "GET", "/_local/clock")
            assert b"Immy" in _ask(port, "GET", "/api/session", token=session)
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 0
        finally:
            process.kill()
            process.wait()


def _wait_until_kept(state: Path, digest: str) -> None:
    """The state is written by itself soon after a change; how soon depends on the machine."""
    deadline = time.monotonic() + 20
    while digest.encode() not in state.read_bytes():
        assert time.monotonic() < deadline, "the state was not written"
        time.sleep(0.05)


def _start(folder: Path, port: int) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PORT": str(port), "LOCAL_FOLDER": str(folder)}
    process = subprocess.Popen(
        [sys.executable, "-m", "infra.local"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout
    for line in process.stdout:
        if b"Ctrl-C stops" in line:
            threading.Thread(target=process.stdout.read, daemon=True).start()
            return process
    raise AssertionError("it did not start")


def _ask(port: int, method: str, path: str, body: bytes | None = None, token: str | None = None) -> bytes:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, headers, method=method)
    with urllib.request.urlopen(request) as answer:
        read: bytes = answer.read()
        return read


def _sign_in(port: int, key: str) -> str:
    from tests.calls import PEOPLE

    class Now:
        def now(self) -> Any:
            raise AssertionError("a client needs no code")

    caller = Caller(port, Now())  # type: ignore[arg-type]
    assert key in PEOPLE
    caller.sign_in(key)
    assert caller.token
    return caller.token
