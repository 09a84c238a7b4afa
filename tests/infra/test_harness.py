"""The tests' own tools: callers sign in as anyone, the world comes back, canaries are found where they are put."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from infra.local import cloud, state
from tests.calls import PEOPLE, Caller
from tests.canaries import of_the_world
from tests.conftest import WATCH, Canaries, World

SIGNED_IN = [key for key in PEOPLE if key not in ("C4", "C5")]


@pytest.mark.parametrize("key", SIGNED_IN)
def test_everyone_is_signed_in_by_key(call: Callable[..., Caller], key: str) -> None:
    session = call(key).get("/session")
    assert session.status == 200, session
    assert session.json["person"]["id"] == PEOPLE[key].id
    assert session.json["tenant"]["slug"] == PEOPLE[key].tenant


def test_nobody_is_nobody(call: Callable[..., Caller]) -> None:
    assert call().get("/session").status == 401


def test_a_browser_has_a_cookie_and_its_proof(call: Any) -> None:
    browser = call.browser("C1")
    assert browser.token is None
    assert browser.get("/session").status == 200
    assert browser.delete("/session").status == 204
    assert browser.get("/session").status == 401


def test_signing_in_again_waits_for_the_next_code(call: Callable[..., Caller]) -> None:
    for _ in range(3):
        call().sign_in("T1")


@pytest.mark.parametrize("turn", [1, 2])
def test_every_test_starts_from_the_same_world(world: World, call: Callable[..., Caller], turn: int) -> None:
    name = call("C2").get("/portal/profile").json["preferred_name"]
    assert name is None
    profile = call("C2").get("/portal/profile")
    changed = call("C2").patch("/portal/profile", {"preferred_name": "Rafa"}, etag=profile.json["etag"])
    assert changed.status == 200, changed


def test_the_world_comes_back_in_milliseconds(world: World) -> None:
    began = time.thread_time()  # of this thread: others may keep the machine busy
    world.portal.reset(to_seed_time=True)
    assert time.thread_time() - began < 0.5


class TestCanaries:
    """Each planted string is found, and taken away again so that the test itself ends clean."""

    def test_the_main_line_leaves_nobody_behind(self, world: World, call: Callable[..., Caller]) -> None:
        therapist = call("T4")
        path = f"/practice/clients/{world.id('C4')}"
        forms = [each["form_id"] for each in therapist.get("/practice/forms").json["items"]]
        sent = therapist.post(f"{path}/invites", {"form_ids": forms, "subject": None, "message": None})
        assert sent.status == 201, sent
        done = therapist.drain()
        assert done["handled"]["on_mail"] == 1, done
        (mail,) = therapist.outbox(world.person("C4").email)
        assert "/join#" in mail["text"]
        assert WATCH.findings(of_the_world()) == []
        assert WATCH.queued
        assert any("invites" in address for address in WATCH.addresses)

    @pytest.mark.parametrize("personal", ["Thistlewood", "imogen@mail.example", "+1 212 555 0121", "1991-03-14"])
    def test_in_a_log(self, world: World, personal: str, canaries: Canaries) -> None:
        from chalicelib.observability import logger

        logger.info("event", outcome=personal)
        assert "a log line" in WATCH.findings(of_the_world())[0]
        WATCH.clear()

    def test_in_a_queue(self, world: World) -> None:
        sqs = cloud.client("sqs")
        from chalicelib.adapters.aws import client

        client("sqs").send_message(QueueUrl=cloud.queue_url("sealing"), MessageBody='{"name": "Imogen Thistlewood"}')
        assert "a queue message" in WATCH.findings(of_the_world())[0]
        WATCH.clear()
        sqs.purge_queue(QueueUrl=cloud.queue_url("sealing"))

    def test_in_a_key(self, world: World) -> None:
        item = {"pk": {"S": "TENANT#imogen@mail.example"}, "sk": {"S": "X"}}
        cloud.client("dynamodb").put_item(TableName=cloud.PREFIX, Item=item)
        assert "a key of the table" in WATCH.findings(of_the_world())[0]
        cloud.client("dynamodb").delete_item(TableName=cloud.PREFIX, Key=item)
        bucket, key = f"{cloud.PREFIX}-documents", "Thistlewood.pdf"
        cloud.client("s3").put_object(Bucket=bucket, Key=key, Body=b"x")
        WATCH.clear()
        assert "a key of a bucket" in WATCH.findings(of_the_world())[0]
        state.backend("s3").buckets[bucket].keys.pop(key)

    def test_in_an_address(self, call: Callable[..., Caller]) -> None:
        call("T1").get("/tenants/thistlewood")
        assert "an address" in WATCH.findings(of_the_world())[0]
        WATCH.clear()

    def test_in_a_mail(self, world: World) -> None:
        from chalicelib.adapters import mail

        mail.send(
            to="imogen@mail.example",
            sender_name="Oak Lane Counseling",
            subject="Hello Imogen",
            text="Your therapist Priya Halvorsen wrote",
            html="<p>Hello</p>",
            reference="R",
        )
        findings = WATCH.findings(of_the_world())
        assert len(findings) == 1
        assert "Halvorsen" in findings[0]
        state.backend("ses").sent_messages.clear()
