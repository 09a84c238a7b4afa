"""The documents bucket for a browser: presigned links and forms, checked as S3 checks them (moto checks nothing)."""

import base64
import hashlib
import hmac
import json
import os
from datetime import UTC, datetime, timedelta
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from botocore.exceptions import ClientError

from infra.local import cloud
from infra.local.gateway import Answer

PREFIX = "/_s3/"
FORM_BYTES = 64 * 1024 * 1024
_OVERRIDES = {
    "response-content-disposition": "Content-Disposition",
    "response-content-type": "Content-Type",
    "response-cache-control": "Cache-Control",
}


def answer(method: str, target: str, host: str, now: datetime) -> Answer:
    """The object that a presigned link names, if its signature and its time hold."""
    parts = urlsplit(target)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    if (refusal := _refusal(method, parts.path, query, host, now)) is not None:
        return _error(403, refusal)
    bucket, _, key = unquote(parts.path.removeprefix(PREFIX)).partition("/")
    wanted: dict[str, Any] = {"Bucket": bucket, "Key": key}
    if version := query.get("versionId"):
        wanted["VersionId"] = version
    try:
        found = cloud.client("s3").get_object(**wanted)
    except ClientError as error:
        return _error(error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"])
    headers = {"Content-Type": found["ContentType"], "ETag": found["ETag"]}
    headers |= {header: query[name] for name, header in _OVERRIDES.items() if name in query}
    headers["Access-Control-Allow-Origin"] = os.environ["PORTAL_ORIGIN"]
    return Answer(200, list(headers.items()), found["Body"].read())


def posted(target: str, content_type: str, body: bytes, now: datetime) -> Answer:
    """Store the file of a presigned form if its policy is signed, has not ended, and fits what was posted."""
    bucket = unquote(urlsplit(target).path.removeprefix(PREFIX)).strip("/")
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    fields: dict[str, str] = {"bucket": bucket}
    content: bytes | None = None
    for part in BytesParser(policy=HTTP).parsebytes(head + body).iter_parts():
        name = str(part.get_param("name", "", "content-disposition")).lower()
        value = bytes(part.get_payload(decode=True) or b"")
        if name == "file":
            content = value
            break  # S3 ignores what follows
        fields[name] = value.decode()
    if content is None:
        return _error(400, "MalformedPOSTRequest")
    if (refusal := _form_refusal(fields, len(content), now)) is not None:
        return _error(*refusal)
    kind = fields.get("content-type", "binary/octet-stream")
    stored = cloud.client("s3").put_object(Bucket=bucket, Key=fields["key"], Body=content, ContentType=kind)
    headers = [("Access-Control-Allow-Origin", os.environ["PORTAL_ORIGIN"]), ("ETag", stored["ETag"])]
    return Answer(204, headers, b"")


def preflight(origin: str, wanted: str) -> Answer:
    """What a browser asks before it posts a file and wants to hear of the progress, by the rules of stateful.yaml."""
    if origin != os.environ["PORTAL_ORIGIN"] or wanted not in ("GET", "HEAD", "POST"):
        return _error(403, "AccessForbidden")
    allowed = [("Access-Control-Allow-Origin", origin), ("Access-Control-Allow-Methods", "GET, HEAD, POST")]
    return Answer(200, [*allowed, ("Access-Control-Max-Age", "600"), ("Vary", "Origin")], b"")


_ALWAYS_ALLOWED = {"policy", "x-amz-signature", "awsaccesskeyid", "file"}


def _form_refusal(fields: dict[str, str], size: int, now: datetime) -> tuple[int, str] | None:
    """AWS Signature Version 4 for browser uploads: the policy is what is signed."""
    try:
        signature = _mac(fields["x-amz-credential"].partition("/")[2], fields["policy"])
        if not hmac.compare_digest(fields["x-amz-signature"].encode(), signature.encode()):
            return 403, "SignatureDoesNotMatch"
        policy = json.loads(base64.b64decode(fields["policy"]))
        if now > datetime.strptime(policy["expiration"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC):
            return 403, "AccessDenied"
    except (KeyError, ValueError):
        return 403, "AccessDenied"
    named = set()
    for condition in policy["conditions"]:
        if isinstance(condition, list) and condition[0] == "content-length-range":
            if not condition[1] <= size <= condition[2]:
                return 400, "EntityTooLarge" if size > condition[2] else "EntityTooSmall"
            continue
        pairs = [condition[1:]] if isinstance(condition, list) else condition.items()
        for name, wanted in pairs:
            name = name.lstrip("$").lower()
            named.add(name)
            if fields.get(name) != wanted:
                return 403, "AccessDenied"
    return (403, "AccessDenied") if set(fields) - named - _ALWAYS_ALLOWED else None


def _refusal(method: str, path: str, query: dict[str, str], host: str, now: datetime) -> str | None:
    given = query.get("X-Amz-Signature", "")
    try:
        signed_at = datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        lasts = timedelta(seconds=int(query["X-Amz-Expires"]))
        expected = _signature(method, path, query, host)
    except (KeyError, ValueError):
        return "AccessDenied"
    if not hmac.compare_digest(given.encode(), expected.encode()):
        return "SignatureDoesNotMatch"
    if now > signed_at + lasts:
        return "AccessDenied"
    return None


def _signature(method: str, path: str, query: dict[str, str], host: str) -> str:
    """AWS Signature Version 4 for a presigned URL."""
    pairs = sorted((quote(k, safe="-_.~"), quote(v, safe="-_.~")) for k, v in query.items() if k != "X-Amz-Signature")
    canonical = "&".join(f"{name}={value}" for name, value in pairs)
    request = f"{method}\n{path}\n{canonical}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD"
    scope = query["X-Amz-Credential"].partition("/")[2]
    hashed = hashlib.sha256(request.encode()).hexdigest()
    return _mac(scope, f"AWS4-HMAC-SHA256\n{query['X-Amz-Date']}\n{scope}\n{hashed}")


def _mac(scope: str, text: str) -> str:
    key = f"AWS4{os.environ['AWS_SECRET_ACCESS_KEY']}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _error(status: int, code: str) -> Answer:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code></Error>'
    return Answer(status, [("Content-Type", "application/xml"), ("Cache-Control", "no-store")], body.encode())
