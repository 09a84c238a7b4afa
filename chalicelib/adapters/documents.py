"""S3: sealed documents, versioned and locked, and short-lived links to them."""

import functools
from datetime import datetime, timedelta
from typing import Any

from botocore.config import Config

from chalicelib import clock
from chalicelib.adapters.aws import client, session
from chalicelib.config import settings

LINK_SECONDS = 120


def key(tenant_id: str, client_id: str, document_id: str) -> str:
    """Where a document lies: ids only, never a name or a file name."""
    return f"tenants/{tenant_id}/clients/{client_id}/documents/{document_id}.pdf"


def put_sealed(object_key: str, pdf: bytes, at: datetime) -> str:
    """Store a sealed PDF under governance lock for the retention period; its version id."""
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


def get(object_key: str, version: str) -> bytes:
    """The very version that was filed, as it lies there now: whether it is whole is for the caller to check."""
    answer = client("s3").get_object(Bucket=settings.documents_bucket, Key=object_key, VersionId=version)
    return bytes(answer["Body"].read())


def link(object_key: str, version: str, file_name: str) -> tuple[str, datetime]:
    """A bearer link to one version, as an attachment, for two minutes; made after the permission check, never stored.

    `file_name` is ASCII and ours: no words of a person.
    """
    url = _signer().generate_presigned_url(
        "get_object",
        Params={
            "Bucket": settings.documents_bucket,
            "Key": object_key,
            "VersionId": version,
            "ResponseContentDisposition": f'attachment; filename="{file_name}"',
            "ResponseContentType": "application/pdf",
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
