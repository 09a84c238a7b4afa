"""Lambda's side of the queues and the timer: hands messages to the event functions, and again those that failed."""

import importlib
import json
import logging
import threading
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from email import message_from_bytes, policy
from typing import Any

from chalice.local import LambdaContext

from infra.local import cloud, state, stripe_double
from infra.local.room import with_room

FUNCTIONS = {
    "mail": "on_mail",
    "mail-events": "on_mail_event",
    "sealing": "on_sealing",
    "jobs": "on_job",
    "uploads": "on_upload",
    "payments": "on_payment",
}
SCHEDULED = "on_schedule"
BATCH = 10
IDLE_SECONDS = 0.15
SCHEDULE_SECONDS = 5.0
ROUNDS = 200  # a drain gives up after so many passes: something keeps making work for itself

log = logging.getLogger("infra.local")


class Pump:
    """One pass at a time, whoever asks for it: the background thread, or a drain that wants to see the end of it."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._sqs = cloud.client("sqs")
        self._one_at_a_time = threading.RLock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    # ---- in the background ----

    def start(self) -> None:
        """Work through queues and due work as they come."""
        self._thread = threading.Thread(target=self._run, name="pump", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Finish the pass that is going on, and stop."""
        self._stop.set()
        if self._thread:
            self._thread.join()

    def _run(self) -> None:
        waited = SCHEDULE_SECONDS
        while not self._stop.wait(IDLE_SECONDS):
            waited += IDLE_SECONDS
            if waited >= SCHEDULE_SECONDS:
                waited = 0.0
                self.invoke(SCHEDULED)
            stripe_double.deliver(self._now())
            for name in FUNCTIONS:
                self._pass(name, cloud.RETRY_SECONDS)

    # ---- on request ----

    def exclusively(self) -> threading.RLock:
        """Held while a pass runs; hold it to keep the pump still."""
        return self._one_at_a_time

    def drain(self) -> dict[str, Any]:
        """Run due work and queues until nothing is left; failures are tried again at once, up to the fifth time."""
        handled: Counter[str] = Counter()
        failed: Counter[str] = Counter()
        with self._one_at_a_time:
            for _ in range(ROUNDS):
                ran = self.invoke(SCHEDULED)
                handled[SCHEDULED] += ran
                failed[SCHEDULED] += 1 - ran
                busy = stripe_double.deliver(self._now()) > 0
                for name, function in FUNCTIONS.items():
                    while True:
                        _show(name)
                        good, bad = self._pass(name, 0)
                        handled[function] += good
                        failed[function] += bad
                        if not good + bad:
                            break
                        busy = True
                if not busy:
                    break
            dead = {name: len(_queue(f"{name}-dead").messages) for name in FUNCTIONS}
        return {
            "handled": dict(handled),
            "failed": {name: count for name, count in failed.items() if count},
            "dead": {name: count for name, count in dead.items() if count},
            "quiet": not busy,
        }

    def invoke(self, function: str) -> int:
        """Run one function now: on_schedule, or one batch of a queue's function. How many it handled."""
        with self._one_at_a_time:
            if function == SCHEDULED:
                return int(self._call(function, _tick(self._now())) is not None)
            name = next(name for name, consumer in FUNCTIONS.items() if consumer == function)
            _show(name)
            return self._pass(name, 0)[0]

    def _pass(self, name: str, retry_seconds: int) -> tuple[int, int]:
        """One batch of one queue: how many messages were handled, and how many failed."""
        with self._one_at_a_time:
            if not _queue(name).messages:
                return 0, 0
            url = cloud.queue_url(name)
            received = self._sqs.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=BATCH,
                MessageSystemAttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
            messages: list[dict[str, Any]] = received.get("Messages", [])
            if not messages:
                return 0, 0
            answer = self._call(FUNCTIONS[name], _event(name, messages))
            failed = _failed(answer, messages)
            for message in messages:
                handle = {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]}
                if message["MessageId"] in failed:
                    self._sqs.change_message_visibility(**handle, VisibilityTimeout=retry_seconds)
                else:
                    self._sqs.delete_message(**handle)
            self._tell_deliveries()
            return len(messages) - len(failed), len(failed)

    def _call(self, function: str, event: dict[str, Any]) -> dict[str, Any] | None:
        """What the function answered ({} for nothing); None when it raised or died, which is logged by its type."""
        handler = getattr(importlib.import_module("chalicelib.handlers.events"), function)
        try:
            return with_room(lambda: handler(event, LambdaContext(function, 1024, 60_000))) or {}
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            log.warning("%s failed: %s", function, type(error).__name__, exc_info=log.isEnabledFor(logging.DEBUG))
            return None

    def _tell_deliveries(self) -> None:
        """What SES would report of each mail: delivered, or what the recipient's address asks for.

        An address with `bounce` before the @ bounces, one with `complaint` is delivered and complained about.
        """
        backend = state.backend("ses")
        told = getattr(backend, "local_told", 0)
        for message in backend.sent_messages[told:]:
            address = " ".join(_recipients(message)).partition("@")[0]
            events = ["Bounce"] if "bounce" in address else ["Delivery"]
            events += ["Complaint"] if "complaint" in address else []
            for kind in events:
                bounce = {"bounceType": "Permanent" if kind == "Bounce" else ""}
                body = {"eventType": kind, "mail": {"messageId": message.id}, "bounce": bounce}
                self._sqs.send_message(QueueUrl=cloud.queue_url("mail-events"), MessageBody=json.dumps(body))
        backend.local_told = len(backend.sent_messages)


def age(seconds: float) -> None:
    """Messages that wait for their time have waited `seconds` longer: the application's clock was put forward."""
    for name in FUNCTIONS:
        for message in _queue(name)._messages:
            message.delayed_until -= seconds * 1000
            message.visible_at -= seconds * 1000


def _queue(name: str) -> Any:
    return state.backend("sqs").queues[f"{cloud.PREFIX}-{name}"]


def _show(name: str) -> None:
    """Make messages that wait for another try visible now; nobody is working on them while we hold the pump."""
    for message in _queue(name)._messages:
        if message.approximate_receive_count:
            message.visible_at = 0.0


def _recipients(message: Any) -> list[str]:
    """Each address once: moto notes those of the request and those of the MIME headers."""
    noted = message.destinations
    addresses = [each for kind in noted.values() for each in kind] if isinstance(noted, dict) else noted
    return list(dict.fromkeys(addresses))


def _failed(answer: dict[str, Any] | None, messages: list[dict[str, Any]]) -> set[str]:
    """The message ids to try again, by Lambda's rules: all of them when the function raised."""
    if answer is None:
        return {message["MessageId"] for message in messages}
    return {failure["itemIdentifier"] for failure in answer.get("batchItemFailures", [])}


def _event(name: str, messages: list[dict[str, Any]]) -> dict[str, Any]:
    arn = f"arn:aws:sqs:{cloud.REGION}:{cloud.ACCOUNT}:{cloud.PREFIX}-{name}"
    return {
        "Records": [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message["Attributes"],
                "messageAttributes": message.get("MessageAttributes", {}),
                "md5OfBody": message["MD5OfBody"],
                "eventSource": "aws:sqs",
                "eventSourceARN": arn,
                "awsRegion": cloud.REGION,
            }
            for message in messages
        ]
    }


def _tick(now: datetime) -> dict[str, Any]:
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": cloud.ACCOUNT,
        "time": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": cloud.REGION,
        "resources": [f"arn:aws:events:{cloud.REGION}:{cloud.ACCOUNT}:rule/{cloud.PREFIX}-schedule"],
        "detail": {},
    }


def outbox() -> list[dict[str, Any]]:
    """Every mail that SES took, oldest first, read back from its MIME."""
    return [_mail(message) for message in state.backend("ses").sent_messages]


def _mail(message: Any) -> dict[str, Any]:
    raw = message.raw_data
    parsed = message_from_bytes(raw.encode() if isinstance(raw, str) else raw, policy=policy.default)
    text, html = parsed.get_body(("plain",)), parsed.get_body(("html",))
    return {
        "id": message.id,
        "to": _recipients(message),
        "from": parsed["From"],
        "subject": parsed["Subject"],
        "sent_at": parsed["Date"].datetime.isoformat() if parsed["Date"] else None,
        "headers": {name: str(value) for name, value in parsed.items()},
        "text": text.get_content().replace("\r\n", "\n") if text else None,
        "html": html.get_content().replace("\r\n", "\n") if html else None,
        "attachments": [
            {"type": part["Content-Type"], "name": part.get_filename(), "text": part.get_content()}
            for part in parsed.iter_attachments()
        ],
    }
