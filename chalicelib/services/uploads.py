"""Files on their way in: quarantine, check, release (notes: security 1, rows 30 to 33).

    begin ─▶ the browser posts the file straight to the bucket's quarantine ─▶ finish ─▶ queue
          ─▶ on_upload: what is it really, is it harmful, take out what it says about its maker
          ─▶ the cleaned bytes under their own key, and in one transaction what the file was sent for

What is checked is one version of the object, read once into memory: the bytes that were looked at are the bytes that
are kept, whatever is posted to the quarantine meanwhile. A purpose either does its work when the file is clean
(`_on_clean`), or somebody does it later, in a transaction with `use`.
"""

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from chalicelib import clock, ids
from chalicelib.adapters import documents as bucket
from chalicelib.adapters import filetypes, keys, queues, scanner
from chalicelib.config import settings
from chalicelib.context import Actor, Context, Persona
from chalicelib.errors import ClientArchived, NotFound, PortalError, UploadMissing, UploadNotReady, UploadUsed
from chalicelib.models.table import at_keys
from chalicelib.models.transaction import Transaction, change
from chalicelib.models.uploads import Upload
from chalicelib.observability import logger, where
from chalicelib.services import accounts, audits

MAX_BYTES = 25 * 1024 * 1024
KEPT = timedelta(hours=24)  # what nobody uses
AGAIN = timedelta(minutes=5)  # until a check that did not come about is asked for again
REMEMBERED = timedelta(days=30)  # what became of a file, for the one who sent it

DOCUMENT = "document"  # files itself under General Documents
PAPER_FORM = "paper_form"  # waits for `use`: a form that was signed on paper
MESSAGE = "message"  # waits for `use`: goes along with a secure message


Filing = Callable[[Transaction, Context, Upload, Mapping[str, Any]], None]


def _on_clean() -> Mapping[str, Filing]:
    """What a purpose does in the transaction that finds its file clean; the features bring it."""
    from chalicelib.services import documents

    return {DOCUMENT: documents.file_upload}


# ---- sending ----


def begin(
    context: Context, purpose: str, name: str, size: int, more: Mapping[str, Any]
) -> tuple[Upload, str, dict[str, str], datetime]:
    """Make room for one file of this size: the upload, and where to post it with which fields until when.

    Raises TooManyRequests past the day's limit, ClientArchived for a client whose file is archived.
    """
    by_client = context.actor.kind == "client"
    if by_client and context.client.status != "active":
        raise ClientArchived()
    at = context.now
    limit = settings.limit("uploads_client" if by_client else "uploads_staff")
    accounts.throttle(context.tenant_id, limit, at.timestamp(), "uploads", context.actor.id)
    upload = Upload.new(
        tenant_id=context.tenant_id,
        client_id=context.client_id,
        upload_id=ids.new_id(at),
        purpose=purpose,
        about=b"",
        status="waiting",
        stated_size=size,
        uploaded_by=context.actor.id,
        uploaded_by_kind=context.actor.kind,
        uploaded_by_name=context.actor.name,
        created_at=clock.text(at),
        expires_at=int((at + REMEMBERED).timestamp()),
    )
    upload.about = keys.encrypt(context.tenant_id, {"name": name, **more}, _place(upload))
    upload.due(at + KEPT)
    form = bucket.upload_form(_quarantine(upload), size)
    with Transaction() as tx:
        tx.create(upload)
        tx.create(audits.event(context, "upload:begin", client_id=context.client_id, upload_id=upload.upload_id))
    return upload, *form


def get(context: Context, upload_id: str) -> Upload:
    """An upload about the client; clients see their own only. Raises NotFound."""
    found: Upload | None = context.named.get("upload_id")
    if found is None or found.upload_id != upload_id:
        found = Upload.find(tenant_id=context.tenant_id, client_id=context.client_id, upload_id=upload_id)
    if found is None or (context.actor.kind == "client" and found.uploaded_by_kind != "client"):
        raise NotFound()
    return found


def finish(context: Context, upload_id: str) -> Upload:
    """The file is there: pin this version of it and have it checked. Safe to repeat. Raises UploadMissing."""
    upload = get(context, upload_id)
    if upload.status != "waiting":
        return upload
    found = bucket.newest(_quarantine(upload))
    if found is None or found[1] != upload.stated_size:
        raise UploadMissing()
    try:
        change(
            upload,
            Upload.status.set("checking"),
            Upload.quarantined.set(found[0]),
            *upload.due_next(context.now + AGAIN),
            when=Upload.status == "waiting",
            otherwise=_Beside(),
        )
    except _Beside:
        return _again(upload)
    _check_soon(upload)
    return _again(upload)


class _Beside(PortalError):
    """Another request, or another worker, was faster."""


def _again(upload: Upload) -> Upload:
    (now,) = at_keys([(upload.pk, upload.sk)], consistent=True)
    return now  # type: ignore[no-any-return]


def _check_soon(upload: Upload) -> None:
    try:
        queues.uploads(upload.tenant_id, upload.client_id, upload.upload_id)
    except Exception as error:  # the sweep finds it
        logger.warning("upload_not_queued", error=where(error))


def about(upload: Upload) -> dict[str, Any]:
    """What was told about the file: `name` as it was sent, and what the purpose needs."""
    told: dict[str, Any] = keys.decrypt(upload.tenant_id, upload.about, _place(upload))
    return told


def _place(upload: Upload) -> str:
    return f"{upload.pk}|{upload.sk}"


def _quarantine(upload: Upload) -> str:
    return bucket.quarantine_key(upload.tenant_id, upload.client_id, upload.upload_id)


# ---- using ----


def clean(context: Context, upload_id: str, purpose: str) -> Upload:
    """A clean upload of this purpose, for the transaction that uses it. Raises NotFound, UploadNotReady, UploadUsed."""
    upload = get(context, upload_id)
    if upload.purpose != purpose:
        raise NotFound()
    if upload.status == "used":
        raise UploadUsed()
    if upload.status != "clean":
        raise UploadNotReady()
    return upload


def use(tx: Transaction, upload: Upload) -> None:
    """Within the transaction that makes the file part of the record: it is used, once. Raises UploadUsed.

    A form that was signed on paper is locked by the sweep that is due now, as a sealed one is when it is stored.
    """
    actions: list[Any] = [Upload.status.set("used")]
    if upload.purpose == PAPER_FORM:
        actions += upload.due_next(clock.now())
    tx.update(upload, *actions, when=Upload.status == "clean", otherwise=UploadUsed())


# ---- checking ----


def check(tenant_id: str, client_id: str, upload_id: str) -> None:
    """Look at one file that was sent and settle it; safe to repeat at any point. Raises scanner.Unavailable."""
    upload = Upload.find(tenant_id=tenant_id, client_id=client_id, upload_id=upload_id)
    if upload is None or upload.status != "checking":
        return
    content = bucket.get(_quarantine(upload), upload.quarantined)
    context = Context(tenant_id, Actor("system", "on_upload"), clock.now(), Persona.JOBS)
    try:
        kind, kept = _looked_at(content)
    except filetypes.Refused as why:
        _refuse(context, upload, str(why))
    else:
        _release(context, upload, kind, kept)
    _forget_quarantine(upload)


def _looked_at(content: bytes) -> tuple[str, bytes]:
    if len(content) > MAX_BYTES:
        raise filetypes.Refused("damaged")
    if scanner.finds(content):
        raise filetypes.Refused("infected")
    kind, kept = filetypes.cleaned(content)
    if scanner.known(*filetypes.unpacked(kind, content)):
        raise filetypes.Refused("infected")
    return kind, kept


def _release(context: Context, upload: Upload, kind: str, kept: bytes) -> None:
    object_key = bucket.upload_key(upload.tenant_id, upload.client_id, upload.upload_id)
    upload.object_key, upload.file_type, upload.size = object_key, kind, len(kept)
    upload.sha256 = hashlib.sha256(kept).hexdigest()
    upload.object_version = bucket.put(object_key, kept, filetypes.MEDIA[kind])
    filing = _on_clean().get(upload.purpose)
    facts = ("object_key", "object_version", "file_type", "size", "sha256")
    try:
        with Transaction() as tx:
            tx.update(
                upload,
                Upload.status.set("used" if filing else "clean"),
                *(getattr(Upload, name).set(getattr(upload, name)) for name in facts),
                *_due_at_the_end(upload),
                when=Upload.status == "checking",
                otherwise=_Beside(),
            )
            if filing:
                filing(tx, context, upload, about(upload))
    except _Beside:
        return


def _refuse(context: Context, upload: Upload, reason: str) -> None:
    try:
        with Transaction() as tx:
            tx.update(
                upload,
                Upload.status.set("refused"),
                Upload.reason.set(reason),
                *_due_at_the_end(upload),
                when=(Upload.status == "checking") | (Upload.status == "waiting"),
                otherwise=_Beside(),
            )
            tx.create(
                audits.event(
                    context, "upload:refuse", client_id=upload.client_id, upload_id=upload.upload_id, reason=reason
                )
            )
    except _Beside:
        return


def _due_at_the_end(upload: Upload) -> list[Any]:
    return upload.due_next(clock.parse(upload.created_at) + KEPT)


def _forget_quarantine(upload: Upload) -> None:
    try:
        bucket.discard(_quarantine(upload))
    except Exception as error:  # the sweep, and in the end the bucket's own rule, remove it
        logger.warning("quarantine_not_emptied", error=where(error))


def sweep(pk: str, sk: str, now: datetime) -> None:
    """A file that should have been checked by now: again. A form that was signed on paper: lock it. A day after it
    began: remove what nobody used."""
    for upload in at_keys([(pk, sk)], consistent=True):
        if upload.status == "used" and upload.purpose == PAPER_FORM:
            bucket.hold(upload.object_key, upload.object_version, now)
            change(upload, *upload.due_next(None))
            continue
        over = now >= clock.parse(upload.created_at) + KEPT
        if upload.status == "checking" and not over:
            change(upload, *upload.due_next(now + AGAIN))
            _check_soon(upload)
        elif over:
            _end(upload)


def _end(upload: Upload) -> None:
    """What is used stays; of the rest the bytes go. Something may be using it at this very moment: then not."""
    bucket.discard(_quarantine(upload))
    if upload.status != "used":
        change(upload, Upload.status.set("ended"), when=Upload.status != "used", otherwise=_Beside())
        bucket.discard(bucket.upload_key(upload.tenant_id, upload.client_id, upload.upload_id))
    change(upload, *upload.due_next(None))
