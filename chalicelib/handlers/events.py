"""Event functions: SQS and the schedule. They are deployed as this module's own; app.py is never imported for them.

A record that fails alone goes back to the queue alone: the event source mapping reports batch item failures.
"""

import json
from collections.abc import Callable
from typing import Any

from chalice.app import Blueprint

from chalicelib.observability import logger, observed, where
from chalicelib.services import documents, due, exports, jobs, mails, prints, settlement, thread_prints, uploads

events = Blueprint(__name__)

_DELIVERIES = {
    "Delivery": "delivered",
    "DeliveryDelay": "delayed",
    "Bounce": "bounced",
    "Complaint": "complained",
    "Reject": "failed",
}


def _each(event: Any, work: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Do the work of each record; name those that failed."""
    failed = []
    for record in event.to_dict()["Records"]:
        try:
            work(json.loads(record["body"]))
        except Exception as error:
            logger.warning("record_failed", error=where(error), message_id=record["messageId"])
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}


@events.on_sqs_message(queue="mail", batch_size=10)  # type: ignore[untyped-decorator]
@observed
def on_mail(event: Any) -> dict[str, Any]:
    """Send mails of the outbox."""
    return _each(event, lambda message: mails.deliver(message["pk"], message["sk"]))


@events.on_sqs_message(queue="mail-events", batch_size=10)  # type: ignore[untyped-decorator]
@observed
def on_mail_event(event: Any) -> dict[str, Any]:
    """Note what SES says became of a mail."""
    return _each(event, _mail_event)


def _mail_event(message: dict[str, Any]) -> None:
    """SES's event, as it is or within SNS's or EventBridge's envelope. What is no event of a message is ignored."""
    body = json.loads(message["Message"]) if "Message" in message else message.get("detail", message)
    delivery = _DELIVERIES.get(body.get("eventType") or body.get("notificationType", ""))
    if delivery == "bounced" and (body.get("bounce") or {}).get("bounceType") in ("Transient", "Undetermined"):
        delivery = "deferred"  # a full mailbox, a server that is down: the address may be fine
    message_id = (body.get("mail") or {}).get("messageId")
    if delivery and isinstance(message_id, str):
        mails.happened(message_id, delivery)


# One at a time: a form that runs into the time limit takes no other one down with it.
@events.on_sqs_message(queue="sealing", batch_size=1)  # type: ignore[untyped-decorator]
@observed
def on_sealing(event: Any) -> dict[str, Any]:
    """Make PDFs: seal signed forms, print conversations, and what is printed of money."""
    return _each(event, _seal)


def _seal(message: dict[str, Any]) -> None:
    if message["type"] == "print":
        thread_prints.make(message["pk"], message["sk"])
        return
    if message["type"] == "sheet":
        prints.make(message["tenant_id"], message["client_id"], message["sheet_id"])
        return
    documents.seal(message["tenant_id"], message["client_id"], message["intake_id"], message["form_id"])


# One at a time: a job works for a while, and two jobs are two organizations' or two people's.
@events.on_sqs_message(queue="jobs", batch_size=1)  # type: ignore[untyped-decorator]
@observed
def on_job(event: Any) -> dict[str, Any]:
    """Go on with jobs: bulk sends, imports; write tables of money; and do what records said was due."""
    return _each(event, _job)


def _job(message: dict[str, Any]) -> None:
    if message["type"] == "due":
        due.work(message["pk"], message["sk"], message["kind"])
    elif message["type"] == "export":
        exports.make(message["tenant_id"], message["export_id"])
    else:
        jobs.run(message["tenant_id"], message["job_id"])


# One at a time: a file that cannot be read takes no other one down with it.
@events.on_sqs_message(queue="uploads", batch_size=1)  # type: ignore[untyped-decorator]
@observed
def on_upload(event: Any) -> dict[str, Any]:
    """Look at files that were sent."""
    return _each(event, lambda message: uploads.check(message["tenant_id"], message["client_id"], message["upload_id"]))


# The only writer of card payments. One that Stripe cannot be asked about now goes back alone.
@events.on_sqs_message(queue="payments", batch_size=10)  # type: ignore[untyped-decorator]
@observed
def on_payment(event: Any) -> dict[str, Any]:
    """Book what Stripe says became of money; charge what is due; compare with Stripe's books."""
    return _each(event, settlement.work)


@events.schedule("rate(1 minute)")  # type: ignore[untyped-decorator]
@observed
def on_schedule(event: Any) -> dict[str, Any]:
    """Look at what is due."""
    return {"looked_at": due.run()}
