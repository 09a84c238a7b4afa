"""The staff's calendar: hours, appointments and open requests of one therapist or of several, over some days."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from chalicelib import clock
from chalicelib.context import Context
from chalicelib.errors import NotFound
from chalicelib.models.clients import Client
from chalicelib.models.slots import Appointment, Availability, Wait, WaitList
from chalicelib.models.staff import Staff
from chalicelib.models.table import load
from chalicelib.policies.rules import Role
from chalicelib.services import availability as hours
from chalicelib.services import clients, slots, staff
from chalicelib.slots import zones
from chalicelib.slots.search import open_times
from chalicelib.slots.zones import DAY, Interval, dated, moment

AHEAD = timedelta(days=400)
MOST = 40  # calendars at once: two queries each
SHOWN = (*hours.LIVE, "completed", "no_show", "cancelled")


class Agenda(NamedTuple):
    """One therapist's part of the calendar."""

    staff: Staff
    zone: str
    bookable: bool  # by clients
    hours: Sequence[Interval]
    time_off: Sequence[Interval]
    appointments: Sequence[Appointment]
    held: Sequence[Interval]  # for those on the wait list to whom these times are offered
    waiting: int  # how many are on the wait list


def window(context: Context, staff_ids: Sequence[str], first_day: date, last_day: date, zone: str) -> list[Agenda]:
    """The calendars of these therapists (none named: one's own, for administrators everyone's) on these days of a zone.

    Raises NotFound for a colleague's where the asker is no administrator, and for nobody's.
    """
    start, end = zones.span(zone, first_day, last_day)
    since = clock.text(moment(start - DAY))  # what began the day before may last into it
    found = []
    calendars = whose(context, staff_ids)
    held = _held(context, [each.waiting for each in calendars])
    for member, availability, waiters in calendars:
        records = hours.upcoming(context.tenant_id, member.staff_id, since, clock.text(moment(end)))
        found.append(
            Agenda(
                member,
                availability.zone if availability is not None else context.tenant.zone,
                slots.can_be_booked(context, member, availability),
                _within(_hours(availability, start, end), start, end) if availability is not None else [],
                _within(_time_off(availability), start, end) if availability is not None else [],
                [each for each in records if each.status in SHOWN and int(each.start) + int(each.minutes) > start],
                _within(held.get(member.staff_id, ()), start, end),
                len(waiters.waiters) if waiters is not None else 0,
            )
        )
    return found


def _held(context: Context, lists: Sequence[WaitList | None]) -> dict[str, list[Interval]]:
    """What is held for those who wait, by therapist."""
    found: dict[str, list[Interval]] = {}
    for each in waiting(lists):
        if each.status == "offered" and int(each.held_until) > zones.minute(context.now):
            start = int(each.start)
            found.setdefault(each.staff_id, []).append((start, start + int(each.minutes)))
    return found


def _hours(availability: Availability, start: int, end: int) -> list[Interval]:
    first, last = dated(start // DAY) - timedelta(days=1), dated(end // DAY) + timedelta(days=1)
    return open_times(hours.rules(availability), first, last)


def _time_off(availability: Availability) -> list[Interval]:
    rules = hours.rules(availability)
    found = []
    for each in rules.time_off:
        first, last = zones.number(each.first_day), zones.number(each.last_day)
        clocks = zones.clock(rules.zone, first, last)
        found.append((clocks.instant(first * DAY + each.start), clocks.instant(last * DAY + each.end)))
    return sorted(found)


def _within(found: Sequence[Interval], start: int, end: int) -> list[Interval]:
    """What of these lies between two instants."""
    return [(max(opens, start), min(closes, end)) for opens, closes in found if opens < end and start < closes]


def requests(context: Context, staff_ids: Sequence[str]) -> list[Appointment]:
    """The open requests in these calendars, the earliest time first; chosen as for `window`."""
    now = context.now
    found: list[Appointment] = []
    for member, _, _ in whose(context, staff_ids):
        own: dict[str, Any] = {"tenant_id": context.tenant_id, "staff_id": member.staff_id}
        last = clock.text(now + AHEAD)
        found += Appointment.between(Appointment.BY_THERAPIST, clock.text(now), last, phase="request", **own)
    still = [each for each in found if int(each.held_until) > zones.minute(now)]
    return sorted(still, key=lambda each: (int(each.start), str(each.appointment_id)))


class Calendar(NamedTuple):
    """Whose calendar it is, and what stands in it besides appointments."""

    staff: Staff
    availability: Availability | None
    waiting: WaitList | None


def whose(context: Context, staff_ids: Sequence[str]) -> list[Calendar]:
    """These therapists' calendars; none named: one's own, for administrators everyone's (the first forty by name: as
    many as can be named). One read more.

    Raises NotFound for a colleague's where the asker is no administrator, and for nobody's.
    """
    everyones = Role.ADMINISTRATOR in context.actor.roles
    if not everyones and any(each != context.actor.id for each in staff_ids):
        raise NotFound()
    if not staff_ids:
        members = staff.everyone(context.tenant_id) if everyones else [context.person]
        members = [each for each in members if each.status == "active" and staff.THERAPIST in each.roles]
        members = sorted(members, key=lambda each: str(each.name))[:MOST]
    wanted = list(dict.fromkeys(staff_ids)) or [each.staff_id for each in members]
    places = [{"tenant_id": context.tenant_id, "staff_id": each} for each in wanted]
    found = load(*((kind, each) for each in places for kind in (Staff, Availability, WaitList)))
    calendars = [Calendar(*found[at : at + 3]) for at in range(0, len(found), 3)]
    if any(each.staff is None for each in calendars):
        raise NotFound()
    return calendars


def waiting(lists: Sequence[WaitList | None]) -> list[Wait]:
    """Who waits on these lists, each in its order."""
    places = [
        (Wait, {"tenant_id": one.tenant_id, "client_id": client_id, "wait_id": wait_id})
        for one in lists
        if one is not None
        for client_id, wait_id in one.waiters
    ]
    return [each for each in load(*places) if each is not None and each.status != "ended"] if places else []


def named(context: Context, appointments: Sequence[Appointment | Wait]) -> dict[str, Client]:
    """The files of those among these clients whom the asker may see at this moment, by id."""
    wanted = list(dict.fromkeys(each.client_id for each in appointments))
    return {client.client_id: client for client in clients.visible(context, wanted)}


def short_name(client: Client) -> str:
    """First name and initial: enough to know who comes, and little for whoever looks over a shoulder."""
    words = client.legal_name.split()
    first = clients.first_name(client)
    return f"{first} {words[-1][0]}." if len(words) > 1 else first
