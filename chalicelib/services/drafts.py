"""What somebody has begun to write: kept on the server, encrypted, in their own partition.

A draft has a key, which goes along as the Idempotency-Key when it is sent: two windows with the same draft send once,
and whoever saves it again after that is told (DraftSent).
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from chalicelib import clock, ids
from chalicelib.adapters import keys
from chalicelib.context import Context
from chalicelib.errors import DraftSent
from chalicelib.models.idempotency import ClientRequest, StaffRequest
from chalicelib.models.messages import ClientDraft, StaffDraft
from chalicelib.models.table import load
from chalicelib.models.transaction import add, remove
from chalicelib.observability import logger, where
from chalicelib.services import idempotency

KEPT = timedelta(days=90)
NEW = "NEW"
EMPTY: Mapping[str, Any] = {"to": None, "subject": "", "body": "", "upload_ids": []}


class Draft(NamedTuple):
    """A draft with its words; `saved_at` is None for one that is not begun yet."""

    key: str
    words: Mapping[str, Any]
    saved_at: str | None


def get(context: Context, about: str) -> Draft:
    """The draft of a thread, or of a new one; an empty one with a fresh key where there is none."""
    (record,) = load(_place(context, about))
    if record is None or _is_over(context, record) or _was_sent(context, record.draft_key):
        return Draft(ids.new_id(context.now), EMPTY, None)
    words = keys.decrypt(context.tenant_id, record.words, _where(record))
    return Draft(record.draft_key, {**EMPTY, **words}, record.saved_at)


def save(context: Context, about: str, key: str, words: Mapping[str, Any]) -> Draft:
    """Keep what is written so far; the last window to save wins. Raises DraftSent for one that was sent."""
    if _was_sent(context, key):
        raise DraftSent()
    kind, place = _place(context, about)
    record = kind.new(
        **place,
        draft_key=key,
        words=b"",
        saved_at=clock.text(context.now),
        expires_at=int((context.now + KEPT).timestamp()),
    )
    record.words = keys.encrypt(context.tenant_id, dict(words), _where(record))
    add(record)
    return Draft(key, {**EMPTY, **words}, record.saved_at)


def forget(context: Context, about: str) -> None:
    """Throw a draft away; after a message was sent, too. Nothing hangs on it: a draft that was sent shows no more."""
    kind, place = _place(context, about)
    try:
        remove(kind.at(**place))
    except Exception as error:
        logger.warning("draft_not_removed", error=where(error))


def _place(context: Context, about: str) -> tuple[Any, dict[str, str]]:
    own = {"tenant_id": context.tenant_id, "about": about}
    if context.actor.kind == "client":
        return ClientDraft, {**own, "client_id": context.client_id}
    return StaffDraft, {**own, "staff_id": context.actor.staff_id}


def _was_sent(context: Context, key: str) -> bool:
    digest: dict[str, Any] = {"tenant_id": context.tenant_id, "key_digest": idempotency.key_digest(key)}
    if context.actor.kind == "client":
        return ClientRequest.find(**digest, client_id=context.actor.id) is not None
    return StaffRequest.find(**digest, staff_id=context.actor.id) is not None


def _is_over(context: Context, record: Any) -> bool:
    return bool(record.expires_at < context.now.timestamp())


def _where(record: Any) -> str:
    return f"{record.pk}|{record.sk}"
