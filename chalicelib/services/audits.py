"""What is recorded about an action: who, what, whose, when, with which outcome. Ids only, no content (DOMAIN.md 8)."""

import zlib

from chalicelib import clock
from chalicelib.context import Context
from chalicelib.ids import new_id
from chalicelib.models.audits import ClientAudit, TenantAudit
from chalicelib.models.table import Record
from chalicelib.models.transaction import add

SHARDS = 16
IDS_AT_MOST = 100  # in one event: 3 KB of the 4 KB that it should stay under


ObjectIds = str | list[str] | None


def event(
    context: Context, action: str, *, client_id: str | None = None, outcome: str = "done", **object_ids: ObjectIds
) -> Record:
    """The event of an action on one client's record, or on the organization when no client is concerned.

    A read that concerns many clients at once is one event of the organization, with their ids in a list: at most 100,
    ValueError beyond, so that nothing is seen that no event names.
    """
    if any(isinstance(value, list) and len(value) > IDS_AT_MOST for value in object_ids.values()):
        raise ValueError("too many ids for one event")
    context.audited = True
    at = context.now
    actor = {"kind": context.actor.kind, "id": context.actor.id, "session": context.actor.session_id}
    if context.actor.created_by:
        actor["created_by"] = context.actor.created_by
    event_id = new_id(at)
    values = {
        "tenant_id": context.tenant_id,
        "event_id": event_id,
        "year_month": f"{at:%Y%m}",
        "happened_at": clock.text(at),
        "action": action,
        "actor": actor,
        "object": {name: value for name, value in object_ids.items() if value},
        "outcome": outcome,
        "request_id": context.request_id,
        "address": context.address,
    }
    if client_id:
        return ClientAudit.new(client_id=client_id, **values)
    return TenantAudit.new(shard=str(zlib.crc32(event_id.encode()) % SHARDS), **values)


def record(context: Context, action: str, *, client_id: str | None = None, **object_ids: ObjectIds) -> None:
    """Write the event of a read before its answer goes out; if that fails the request fails, so no read is unseen."""
    add(event(context, action, client_id=client_id, outcome="done", **object_ids))
