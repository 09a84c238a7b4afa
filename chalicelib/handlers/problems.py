"""Failures as RFC 9457 problem details. Nothing that was sent is ever repeated in one."""

import json
from collections.abc import Iterable
from typing import Any

from chalice.app import Response
from pydantic import ValidationError

from chalicelib.errors import (
    Busy,
    FeatureNotInPlan,
    FeatureSwitchedOff,
    Forbidden,
    InvalidBody,
    Malformed,
    NotFound,
    OrganizationSuspended,
    PortalError,
    ScopeMissing,
)
from chalicelib.policies.decide import Denial

DENIALS: dict[Denial, type[PortalError]] = {
    Denial.UNKNOWN_ACTION: Forbidden,
    Denial.ROLE: Forbidden,
    Denial.SCOPE: ScopeMissing,
    Denial.UNRELATED: NotFound,
    Denial.SUSPENDED: OrganizationSuspended,
    Denial.NOT_IN_PLAN: FeatureNotInPlan,
    Denial.SWITCHED_OFF: FeatureSwitchedOff,
}

FAULTS_MOST = 100  # 250 KB can be wrong in 80,000 places: too many to name within the 6 MB that Lambda answers

# AWS says so when it wants the caller to come back later.
_LATER = {
    "ThrottlingException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "TransactionConflictException",
    "TransactionInProgressException",
    "InternalServerError",
    "ServiceUnavailable",
    "SlowDown",
    "Throttling",
    "RequestThrottled",
    "KMSInternalException",
    "DependencyTimeoutException",
}


def response(error: PortalError, request_id: str, headers: dict[str, Any]) -> Response:
    """The problem as an HTTP response."""
    body: dict[str, Any] = {
        "type": f"/problems/{error.code}",
        "title": error.title,
        "status": error.status,
        "code": error.code,
        "instance": f"urn:request:{request_id}",
    }
    if error.errors:
        body["errors"] = error.errors
    more = {"Content-Type": "application/problem+json"}
    if error.retry_after is not None:
        more["Retry-After"] = str(error.retry_after)
    return Response(json.dumps(body), headers={**headers, **more}, status_code=error.status)


def of(error: Exception) -> PortalError | None:
    """The problem that an exception is, or None when it is a defect of ours."""
    from botocore.exceptions import BotoCoreError, ClientError

    if isinstance(error, PortalError):
        return error
    if isinstance(error, ClientError) and error.response["Error"]["Code"] in _LATER:
        return Busy(retry_after=1)
    if isinstance(error, BotoCoreError):
        return Busy(retry_after=2)
    return None


def of_validation(error: ValidationError) -> PortalError:
    """A body that is no JSON is malformed; one that does not fit its schema names the places (never the input)."""
    found = error.errors(include_input=False, include_url=False, include_context=False)
    if any(each["type"] == "json_invalid" for each in found):
        return Malformed()
    shown = found[:FAULTS_MOST]
    return InvalidBody(
        errors=[{"pointer": _pointer(e["loc"]), "code": _code(e["type"]), "detail": _detail(e["type"])} for e in shown]
    )


def _pointer(location: Iterable[str | int]) -> str:
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')[:100]}" for part in location)


def _code(kind: str) -> str:
    return {"string_too_long": "too_long", "string_too_short": "too_short", "extra_forbidden": "unknown"}.get(
        kind, kind
    )


def _detail(kind: str) -> str:
    known = {
        "missing": "This is needed.",
        "string_too_long": "This is too long.",
        "string_too_short": "This is too short.",
        "extra_forbidden": "This is not known here.",
        "not_a_phone": "Enter a phone number such as (212) 555-0142.",
    }
    return known.get(kind, "This does not have the right form.")
