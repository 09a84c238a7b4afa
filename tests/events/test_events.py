"""Event functions as Lambda runs them: duplicates, a poison message among good ones, and without app.py."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests import flows
from tests.calls import PEOPLE, Caller
from tests.conftest import World

ROOT = Path(__file__).resolve().parents[2]


def _event(*bodies: str) -> Any:
    return {"Records": [{"messageId": f"m{n}", "body": body} for n, body in enumerate(bodies)]}


def _work(name: str) -> Callable[[Any], Any]:
    from chalicelib.handlers import events

    function: Any = getattr(events, name)
    return lambda event: function(event, None)


def _mail_message() -> str:
    waiting = next(each for each in flows.stored("client_mail") if each["status"] in ("queued", "sent"))
    return json.dumps({"type": "mail", "version": 1, "pk": waiting["pk"], "sk": waiting["sk"]})


def test_one_poison_message_fails_alone_and_a_duplicate_mails_nothing(
    world: World, call: Callable[..., Caller]
) -> None:
    with world.portal.pump.exclusively():
        assert flows.invite(call("T4"), flows.client_id("C4"), flows.NOTICE).status == 201
        good = _mail_message()
        on_mail = _work("on_mail")
        assert on_mail(_event(good, "{not json", good)) == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
        assert on_mail(_event(good)) == {"batchItemFailures": []}
    assert len(call().outbox(PEOPLE["C4"].email)) == 1


def test_a_form_is_sealed_once_however_often_it_is_asked_for(world: World, call: Callable[..., Caller]) -> None:
    with world.portal.pump.exclusively():
        intake_id, document_id = flows.signed_document(call("C1"), "C1")
        ids = {"tenant_id": world.tenant_id("oak"), "client_id": world.id("C1"), "intake_id": intake_id}
        message = json.dumps({"type": "sealing", "version": 1, **ids, "form_id": flows.NOTICE})
        on_sealing = _work("on_sealing")
        assert on_sealing(_event(message, message)) == {"batchItemFailures": []}
        assert on_sealing(_event(message)) == {"batchItemFailures": []}
    call().drain()
    documents = call("T1").get(f"/practice/clients/{world.id('C1')}/documents").json["items"]
    assert [(each["document_id"], each["status"]) for each in documents] == [(document_id, "completed")]
    told = call("T1").get("/practice/notifications").json["items"]
    assert [each["intake_id"] for each in told] == [intake_id]


def test_news_of_a_mail_may_come_in_any_order(world: World, call: Callable[..., Caller]) -> None:
    staff = call("T4")
    assert flows.invite(staff, flows.client_id("C4"), flows.NOTICE).status == 201
    staff.drain()
    sent = next(each for each in flows.stored("client_mail") if each.get("message_id"))
    for news in ("Bounce", "Delivery", "Bounce"):
        event = {"eventType": news, "mail": {"messageId": sent["message_id"]}}
        assert _work("on_mail_event")(_event(json.dumps(event))) == {"batchItemFailures": []}
    details = staff.get(f"/practice/clients/{flows.client_id('C4')}").json
    assert details["invite"]["delivery"] == "bounced"


def test_app_is_not_imported_for_them() -> None:
    program = (
        "from infra.local import cloud; cloud.environment(1); import sys; import chalicelib.handlers.events;"
        "print('app' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
