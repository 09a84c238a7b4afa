"""S3: documents, versioned and, when sealed, locked; short-lived links to them; the place where uploads wait."""

import functools
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from botocore.config import Config

from chalicelib import clock
from chalicelib.adapters.aws import client, session
from chalicelib.config import settings
from chalicelib.errors import DocumentUnreachable
from chalicelib.observability import logger

LINK_SECONDS = 120
FORM_SECONDS = 900  # a large picture over a slow phone


def key(tenant_id: str, client_id: str, document_id: str) -> str:
    """Where a document lies: ids only, never a name or a file name."""
    return f"tenants/{tenant_id}/clients/{client_id}/documents/{document_id}.pdf"


def quarantine_key(tenant_id: str, client_id: str, upload_id: str) -> str:
    """Where a file lies until it was checked; nothing hands out links to this place."""
    return f"quarantine/{tenant_id}/{client_id}/{upload_id}"


def upload_key(tenant_id: str, client_id: str, upload_id: str) -> str:
    """Where a file lies that was found clean."""
    return f"tenants/{tenant_id}/clients/{client_id}/uploads/{upload_id}"


def print_key(tenant_id: str, client_id: str, print_id: str) -> str:
    """Where a PDF lies that somebody asked for to print; the bucket removes it after a day."""
    return f"packets/{tenant_id}/{client_id}/{print_id}.pdf"


def export_key(tenant_id: str, export_id: str) -> str:
    """Where a table lies that somebody asked for; the bucket removes it after a day."""
    return f"packets/{tenant_id}/exports/{export_id}.csv"


def put_packet(tenant_id: str, client_id: str, intake_id: str, content: bytes) -> tuple[str, str]:
    """Store a packet's ZIP for its link: key and version. The bucket removes it after a day; it can be made again."""
    object_key = f"packets/{tenant_id}/{client_id}/{intake_id}.zip"
    return object_key, put(object_key, content, "application/zip")


def upload_form(object_key: str, size: int) -> tuple[str, dict[str, str], datetime]:
    """Where a browser may post one file of exactly this size to, with which fields, and until when."""
    form = _signer().generate_presigned_post(
        settings.documents_bucket,
        object_key,
        Fields={"Content-Type": "application/octet-stream"},
        Conditions=[{"Content-Type": "application/octet-stream"}, ["content-length-range", size, size]],
        ExpiresIn=FORM_SECONDS,
    )
    return str(form["url"]), dict(form["fields"]), clock.now() + timedelta(seconds=FORM_SECONDS)


def newest(object_key: str) -> tuple[str, int] | None:
    """Version and size of what lies there now."""
    from botocore.exceptions import ClientError

    try:
        answer = client("s3").head_object(Bucket=settings.documents_bucket, Key=object_key)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] in (403, 404):  # 403: no right to list, and not there
            return None
        raise
    return str(answer["VersionId"]), int(answer["ContentLength"])


def put(object_key: str, content: bytes, media: str) -> str:
    """Store a file; its version id."""
    answer = client("s3").put_object(Bucket=settings.documents_bucket, Key=object_key, Body=content, ContentType=media)
    return str(answer["VersionId"])


class UploadGone(Exception):
    """The bucket has not these parts: they were joined, or never finished (it drops those after two days), or another
    worker wrote one of them again (encrypted anew, the same content is another part)."""


def begin_parts(object_key: str, media: str) -> str:
    """Begin a file that is written part by part; the id of its parts."""
    answer = client("s3").create_multipart_upload(
        Bucket=settings.documents_bucket, Key=object_key, ContentType=media
    )  # fmt: skip
    return str(answer["UploadId"])


def put_part(object_key: str, upload_id: str, number: int, content: bytes) -> str:
    """Store a part (from 1; each but the last 5 MiB at least); written again, it takes the place of the one before.
    Its ETag. Raises UploadGone."""
    about = {"Bucket": settings.documents_bucket, "Key": object_key, "UploadId": upload_id}
    answer = _parts(lambda: client("s3").upload_part(**about, PartNumber=number, Body=content))
    return str(answer["ETag"])


def join_parts(object_key: str, upload_id: str, etags: Sequence[str]) -> str:
    """Make the file of just these parts, all or nothing; its version id. Raises UploadGone."""
    about = {"Bucket": settings.documents_bucket, "Key": object_key, "UploadId": upload_id}
    parts = [{"PartNumber": number, "ETag": each} for number, each in enumerate(etags, 1)]
    answer = _parts(lambda: client("s3").complete_multipart_upload(**about, MultipartUpload={"Parts": parts}))
    return str(answer["VersionId"])


def _parts(call: Callable[[], Any]) -> Any:
    from botocore.exceptions import ClientError

    try:
        return call()
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchUpload", "InvalidPart"):
            raise UploadGone() from None
        raise


def discard(object_key: str) -> None:
    """Remove every version of what was never filed."""
    for _ in range(20):
        found = newest(object_key)
        if found is None:
            return
        client("s3").delete_object(Bucket=settings.documents_bucket, Key=object_key, VersionId=found[0])


def put_sealed(object_key: str, pdf: bytes, at: datetime) -> str:
    """Store a sealed PDF under governance lock for the retention period (`hold`); its version id."""
    import base64
    import hashlib

    answer = client("s3").put_object(
        Bucket=settings.documents_bucket,
        Key=object_key,
        Body=pdf,
        ContentType="application/pdf",
        ContentMD5=base64.b64encode(hashlib.md5(pdf, usedforsecurity=False).digest()).decode(),
        ObjectLockMode="GOVERNANCE",
        ObjectLockRetainUntilDate=at + timedelta(days=settings.retention_days),
    )
    return str(answer["VersionId"])


def hold(object_key: str, version: str, at: datetime) -> None:
    """Put a version that lies there under governance lock for the retention period; safe to repeat.

    What was signed is locked, on the screen or on paper: it is the practice's evidence. Any other file is kept, and
    not locked: a card or letter that was put into the wrong person's file must be possible to take out of it.
    """
    client("s3").put_object_retention(
        Bucket=settings.documents_bucket,
        Key=object_key,
        VersionId=version,
        Retention={"Mode": "GOVERNANCE", "RetainUntilDate": at + timedelta(days=settings.retention_days)},
    )


def get(object_key: str, version: str) -> bytes:
    """The very version that was filed, as it lies there now: whether it is whole is for the caller to check.

    Raises DocumentUnreachable, and logs an error that names the place (ids only), when it does not lie there.
    """
    from botocore.exceptions import ClientError

    try:
        answer = client("s3").get_object(Bucket=settings.documents_bucket, Key=object_key, VersionId=version)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code not in ("NoSuchKey", "NoSuchVersion", "AccessDenied"):  # the last: no right to list, and not there
            raise
        logger.error("document_unreachable", place=object_key, reason=code)
        raise DocumentUnreachable() from None
    return bytes(answer["Body"].read())


def link(object_key: str, version: str, file_name: str, media: str = "application/pdf") -> tuple[str, datetime]:
    """A bearer link to one version, as an attachment, for two minutes; made after the permission check, never stored.

    `file_name` is ASCII and ours: the address holds it, and no address holds words of a person (DOMAIN.md 8).
    """
    url = _signer().generate_presigned_url(
        "get_object",
        Params={
            "Bucket": settings.documents_bucket,
            "Key": object_key,
            "VersionId": version,
            "ResponseContentDisposition": f'attachment; filename="{file_name}"',
            "ResponseContentType": media,
            "ResponseCacheControl": "no-store",
        },
        ExpiresIn=LINK_SECONDS,
    )
    return str(url), clock.now() + timedelta(seconds=LINK_SECONDS)


@functools.cache
def _signer() -> Any:
    """Presigned links must name the bucket's own regional address, which may differ from the one the function uses."""
    style = {"addressing_style": "path"} if settings.documents_endpoint else {"addressing_style": "virtual"}
    return session().create_client(
        "s3",
        region_name=settings.aws_region,
        endpoint_url=settings.documents_endpoint,
        config=Config(signature_version="s3v4", s3=style),
    )
