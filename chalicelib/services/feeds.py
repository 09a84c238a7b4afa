"""Private feed addresses: a secret in an address that calendar programs can follow, and that its owner can take back.

The address is derived from its generation, so that it can be shown again though only its digest is kept.
"""

from datetime import timedelta
from typing import Any

from chalicelib import clock, ids
from chalicelib.adapters import icalendar
from chalicelib.adapters import secrets as stage_secrets
from chalicelib.config import settings
from chalicelib.context import Context
from chalicelib.errors import NotFound, Stale
from chalicelib.models.clients import Client
from chalicelib.models.slots import Appointment, ClientFeed, Feed, StaffFeed
from chalicelib.models.staff import Staff
from chalicelib.models.table import load
from chalicelib.models.transaction import Transaction
from chalicelib.services import appointment_letters, audits, availability

BACK, AHEAD = timedelta(days=30), timedelta(days=366)
SHOWN = ("requested", "proposed", "confirmed", "completed", "no_show")


def address(context: Context) -> str | None:
    """The asker's own feed address, if there is one."""
    record = _own(context)
    return _address(context, int(record.generation)) if record is not None and record.open else None


def renew(context: Context) -> str:
    """A new address; the one before stops at once. Raises Stale when two ask at the same moment."""
    record = _own(context)
    generation = int(record.generation) + 1 if record is not None else 1
    feed = Feed.new(
        tenant_id=context.tenant_id,
        token_digest=ids.digest(_token(context, generation)),
        person_kind=context.actor.kind,
        person_id=context.actor.id,
    )
    with Transaction() as tx:
        _put(tx, context, record, generation, is_open=True)
        _close(tx, context, record)
        tx.put(feed)
        tx.create(audits.event(context, "feed:renew", client_id=_client_id(context)))
    return _address(context, generation)


def revoke(context: Context) -> None:
    """The address shows nothing any more; safe to repeat."""
    record = _own(context)
    if record is None or not record.open:
        return
    with Transaction() as tx:
        _put(tx, context, record, int(record.generation), is_open=False)
        _close(tx, context, record)
        tx.create(audits.event(context, "feed:revoke", client_id=_client_id(context)))


def _own(context: Context) -> Any:
    return _kind(context).find(**_person(context))


def _kind(context: Context) -> Any:
    return StaffFeed if context.actor.kind == "staff" else ClientFeed


def _person(context: Context) -> dict[str, str]:
    return {"tenant_id": context.tenant_id, f"{context.actor.kind}_id": context.actor.id}


def _client_id(context: Context) -> str | None:
    return context.actor.id if context.actor.kind == "client" else None


def _put(tx: Transaction, context: Context, seen: Any, generation: int, *, is_open: bool) -> None:
    kind = _kind(context)
    new = kind.new(**_person(context), generation=generation, open=is_open, made_at=clock.text(context.now))
    unseen = kind.pk.does_not_exist() if seen is None else (kind.generation == seen.generation)
    tx.put(new, when=unseen, otherwise=Stale())


def _close(tx: Transaction, context: Context, seen: Any) -> None:
    if seen is not None and seen.open:
        tx.delete(Feed.at(token_digest=ids.digest(_token(context, int(seen.generation)))))


def _token(context: Context, generation: int) -> str:
    return stage_secrets.token("feed", context.tenant_id, context.actor.kind, context.actor.id, str(generation))


def _address(context: Context, generation: int) -> str:
    return f"{settings.portal_origin}/api/feeds/{_token(context, generation)}/calendar.ics"


def read(token: str) -> str:
    """The calendar behind an address, as text. Raises NotFound when it opens nothing (any more)."""
    feed = Feed.find(token_digest=ids.digest(token))
    if feed is None:
        raise NotFound()
    staff = feed.person_kind == "staff"
    person: dict[str, Any] = {"tenant_id": feed.tenant_id, f"{feed.person_kind}_id": feed.person_id}
    (who,) = load((Staff if staff else Client, person))
    if who is None or not (who.status == "active" if staff else who.portal == "active"):
        raise NotFound()
    now = clock.now()
    first, last = clock.text(now - BACK), clock.text(now + AHEAD)
    if staff:
        found = availability.upcoming(feed.tenant_id, feed.person_id, first, last)
    else:
        found = Appointment.between(Appointment.BY_CLIENT, first, last, **person)
    events = [appointment_letters.event(each) for each in found if each.status in SHOWN]
    return icalendar.calendar(events, icalendar.PUBLISH, name="Appointments")
