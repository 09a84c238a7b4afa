"""SQS: the messages we send. They carry ids and nothing else."""

import json

from chalicelib.adapters.aws import client
from chalicelib.config import settings


def mail(pk: str, sk: str, delay: int = 0) -> None:
    """Have on_mail send the outbox record at this key, in `delay` seconds (at most 900)."""
    _send(settings.mail_queue_url, {"type": "mail", "version": 1, "pk": pk, "sk": sk}, delay)


def sealing(tenant_id: str, client_id: str, intake_id: str, form_id: str) -> None:
    """Have on_sealing seal a signed form."""
    ids = {"tenant_id": tenant_id, "client_id": client_id, "intake_id": intake_id, "form_id": form_id}
    _send(settings.sealing_queue_url, {"type": "sealing", "version": 1, **ids})


def printing(pk: str, sk: str) -> None:
    """Have on_sealing make the PDF that the record at this key asks for."""
    _send(settings.sealing_queue_url, {"type": "print", "version": 1, "pk": pk, "sk": sk})


def jobs(tenant_id: str, job_id: str, delay: int = 0) -> None:
    """Have on_job go on with a job, in `delay` seconds (at most 900)."""
    _send(settings.jobs_queue_url, {"type": "job", "version": 1, "tenant_id": tenant_id, "job_id": job_id}, delay)


def exports(tenant_id: str, export_id: str) -> None:
    """Have on_job go on with a table that somebody asked for."""
    message: dict[str, object] = {"type": "export", "version": 1, "tenant_id": tenant_id, "export_id": export_id}
    _send(settings.jobs_queue_url, message)


def due(pk: str, sk: str, kind: str) -> None:
    """Have on_job do what the record at this key says is due."""
    _send(settings.jobs_queue_url, {"type": "due", "version": 1, "pk": pk, "sk": sk, "kind": kind})


def uploads(tenant_id: str, client_id: str, upload_id: str) -> None:
    """Have on_upload look at a file that was sent."""
    ids = {"tenant_id": tenant_id, "client_id": client_id, "upload_id": upload_id}
    _send(settings.uploads_queue_url, {"type": "upload", "version": 1, **ids})


def payments(tenant_id: str, kind: str, delay: int = 0, **more: str) -> None:
    """Have on_payment look at something of an organization's at Stripe: an intent, a session, its account; a payment
    that is due; a night's comparison; a client's ledger that changed. `more` are ids."""
    message: dict[str, object] = {"type": "payment", "version": 1, "tenant_id": tenant_id, "kind": kind, **more}
    _send(settings.payments_queue_url, message, delay)


def prints(tenant_id: str, client_id: str, sheet_id: str) -> None:
    """Have on_sealing render a PDF that somebody asked for."""
    ids = {"tenant_id": tenant_id, "client_id": client_id, "sheet_id": sheet_id}
    _send(settings.sealing_queue_url, {"type": "sheet", "version": 1, **ids})


def _send(url: str, message: dict[str, object], delay: int = 0) -> None:
    later = {"DelaySeconds": delay} if delay else {}
    client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps(message, separators=(",", ":")), **later)
