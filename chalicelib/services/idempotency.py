"""A request with an Idempotency-Key is done once; its repeat gets the original's answer (kept 24 hours; 7 days where
money moves)."""

from datetime import timedelta
from typing import Any

from chalicelib import ids
from chalicelib.context import Context
from chalicelib.errors import IdempotencyKeyReused, PortalError
from chalicelib.models.idempotency import ClientRequest, ProgramRequest, StaffRequest
from chalicelib.models.transaction import Transaction

KEPT = timedelta(hours=24)
KEPT_MONEY = timedelta(days=7)  # what moves money
# Where the requests of each kind of actor stand, and what their id is called there.
_OF: dict[str, tuple[Any, str]] = {
    "staff": (StaffRequest, "staff_id"),
    "client": (ClientRequest, "client_id"),
    "program": (ProgramRequest, "token_id"),
}


class Repeated(PortalError):
    """Another copy of this very request has just been done; routing reads what it left and answers with that."""


def key_digest(key: str) -> str:
    """The key as it stands in the caller's partition."""
    return ids.digest(key)[:40]


def earlier(context: Context) -> str | None:
    """What the first request with this key made. Raises IdempotencyKeyReused if that was a different request."""
    done = context.request
    if done is None or done.expires_at < context.now.timestamp():
        return None
    if done.request_digest != context.request_digest:
        raise IdempotencyKeyReused()
    return str(done.result)


def remember(tx: Transaction, context: Context, result: str, kept: timedelta = KEPT) -> None:
    """Within the business transaction: this key made `result`. It comes first, so that a repeat is seen as such."""
    if context.idempotency_key is None:
        return
    kind, name = _OF[context.actor.kind]
    person = {name: context.actor.id, "tenant_id": context.tenant_id}
    done = kind.new(
        **person,
        key_digest=key_digest(context.idempotency_key),
        request_digest=context.request_digest,
        result=result,
        expires_at=int((context.now + kept).timestamp()),
    )
    now = int(context.now.timestamp())
    tx.put(done, when=kind.pk.does_not_exist() | (kind.expires_at < now), otherwise=Repeated())
