"""What an organization offers, and when its therapists see clients (DOMAIN.md 5.1, Set Calendar Availability).

A therapist sets their own hours, or an administrator does it for them; the audit says who did (DOMAIN.md 1.7). Nothing
here ever moves or removes an appointment: what no longer lies within the hours is reported, and people decide.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Any, NamedTuple

from chalicelib import clock, ids
from chalicelib.adapters import keys
from chalicelib.context import Context
from chalicelib.errors import NotFound, Stale
from chalicelib.models.slots import Appointment, Availability, Group, Offer, Wait, WaitList
from chalicelib.models.staff import Staff
from chalicelib.models.table import load
from chalicelib.models.tenants import Tenant
from chalicelib.models.transaction import Transaction, settled
from chalicelib.policies.plans import Feature, Off, why_off
from chalicelib.services import audits, calendars, tenants
from chalicelib.slots.rules import Mode, Policy, Range, Rules, Schedule, Service, TimeOff
from chalicelib.slots.search import newly_open, open_times
from chalicelib.slots.zones import Interval, moment

LIVE = ("requested", "proposed", "confirmed")
AHEAD = timedelta(days=100)  # how far conflicts are looked for: beyond what clients can usually book
CONFLICTS = 100  # named at once: as many as one event of the audit takes


# ---- what is offered ----


def offer(tenant_id: str) -> Offer:
    """Services and locations; none at the beginning."""
    return Offer.find(tenant_id=tenant_id) or no_offer(tenant_id)


def no_offer(tenant_id: str) -> Offer:
    """What there is before anybody said what is offered."""
    return Offer.new(tenant_id=tenant_id, services=[], locations=[], version=0)


def update_offer(context: Context, services: list[dict[str, Any]], locations: list[dict[str, Any]]) -> Offer:
    """Offer exactly this from now on, as it was read (`context.if_match`); raises Stale if it changed since.

    What has no id yet gets one; an id that is not there raises NotFound. Appointments keep what they were booked as.
    """
    seen = offer(context.tenant_id)
    if int(seen.version) != int(context.if_match or 0):  # an id that is not there may be one that a colleague took away
        raise Stale()
    new = Offer.new(
        tenant_id=context.tenant_id,
        services=_with_ids(services, seen.services, "service_id"),
        locations=_with_ids(locations, seen.locations, "location_id"),
        version=int(context.if_match or 0) + 1,
    )
    with Transaction() as tx:
        tx.put(new, when=_unchanged(Offer, context.if_match), otherwise=Stale())
        tx.create(audits.event(context, "offer:update"))
    return new


def _with_ids(wanted: list[dict[str, Any]], known: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    there = {each[name] for each in known}
    if any(each[name] is not None and each[name] not in there for each in wanted):
        raise NotFound()
    return [{**each, name: each[name] or ids.new_id()} for each in wanted]


def _unchanged(kind: Any, version: int | None) -> Any:
    return kind.version == version if version else kind.pk.does_not_exist()


def service_of(offered: dict[str, Any], scheduling: dict[str, Any]) -> Service:
    """A service as the search takes it; buffers that it does not set are the organization's."""
    before, after = offered["before"], offered["after"]
    return Service(
        offered["service_id"],
        int(offered["minutes"]),
        scheduling["buffer_before_minutes"] if before is None else before,
        scheduling["buffer_after_minutes"] if after is None else after,
        offered["bookable"],
    )


def policy_of(scheduling: dict[str, Any]) -> Policy:
    """The organization's rules for clients who book alone."""
    return Policy(
        grid_minutes=scheduling["grid_minutes"],
        notice_hours=scheduling["minimum_notice_hours"],
        horizon_days=scheduling["horizon_days"],
        per_day=scheduling["max_per_day"] or None,
    )


# ---- when somebody sees clients ----


class Conflict(NamedTuple):
    """An appointment that lies outside the hours as they are now; nothing happens to it by itself."""

    appointment: Appointment | Group
    why: str  # time_off, or outside_hours


class Hours(NamedTuple):
    """One therapist's availability, as far as it is set, and what does not fit it."""

    staff: Staff
    availability: Availability | None
    off: Off | None  # why clients are offered nothing of it, whatever it says
    conflicts: Sequence[Conflict]


def read(context: Context, therapist_id: str) -> Hours:
    """A staff member's availability. Raises NotFound."""
    place = {"tenant_id": context.tenant_id, "staff_id": therapist_id}
    member, availability = load((Staff, place), (Availability, place))
    if member is None:
        raise NotFound()
    return _hours(context, member, availability)


def _hours(context: Context, member: Staff, availability: Availability | None) -> Hours:
    off = why_off(Feature.SELF_SCHEDULING, tenants.circumstances(context.tenant, seat=bool(member.seat)))
    conflicts = _conflicts(context, availability) if availability is not None else []
    return Hours(member, availability, off, conflicts)


def update(context: Context, therapist_id: str, changes: dict[str, Any]) -> Hours:
    """Set what was sent, as it was read (`context.if_match`); raises Stale if it changed since, NotFound.

    `changes`: zone, schedules, overrides, time_off in their stored form, telehealth_link in plain words or None.
    """
    return settled(lambda: _update(context, therapist_id, changes))


def _update(context: Context, therapist_id: str, changes: dict[str, Any]) -> Hours:
    place = {"tenant_id": context.tenant_id, "staff_id": therapist_id}
    member, seen, waiting = load((Staff, place), (Availability, place), (WaitList, place))
    if member is None:
        raise NotFound()
    kept = {"schedules": [], "overrides": {}, "time_off": []} | (seen.rules if seen is not None else {})
    link = seen.telehealth_link if seen is not None else None
    if "telehealth_link" in changes:
        words = changes["telehealth_link"]
        link = keys.encrypt(context.tenant_id, words, _place(therapist_id)) if words else None
    new = Availability.new(
        **place,
        zone=changes.get("zone") or (seen.zone if seen is not None else context.tenant.zone),
        rules=kept | {name: changes[name] for name in kept if name in changes},
        telehealth_link=link,
        changed_at=clock.text(context.now),
        changed_by=context.actor.id,
        version=int(context.if_match or 0) + 1,
    )
    with Transaction() as tx:
        tx.put(new, when=_unchanged(Availability, context.if_match), otherwise=Stale())
        calendars.opened(tx, waiting, _newly_open(context, waiting, seen, new), context.now)
        fields = ",".join(sorted(changes))
        tx.create(audits.event(context, "availability:update", staff_id=therapist_id, fields=fields))
    return _hours(context, member, new)


def _newly_open(
    context: Context, waiting: WaitList | None, seen: Availability | None, new: Availability
) -> list[Interval]:
    """Which times new hours open to those who wait for this therapist, as far ahead as clients can book."""
    if waiting is None or not waiting.waiters:
        return []
    own = {"tenant_id": waiting.tenant_id}
    waits = load(*((Wait, {**own, "client_id": who, "wait_id": each}) for who, each in waiting.waiters))
    before, after = rules(seen) if seen is not None else no_rules(context.tenant), rules(new)
    first = context.now.date() - timedelta(days=1)
    last = first + timedelta(days=tenants.scheduling(context.tenant)["horizon_days"] + 2)
    wishes = {(each.service_id, each.mode, each.location_id) for each in waits if each is not None}
    found: list[Interval] = []
    for service_id, mode, place in wishes:
        serves = partial(Range.serves, service_id=service_id, mode=Mode(mode), location_id=place)
        found += newly_open(before, after, first, last, serves)
    return found


def telehealth_link(availability: Availability | None) -> str | None:
    """Where this therapist meets clients by video."""
    if availability is None or availability.telehealth_link is None:
        return None
    found = keys.decrypt(availability.tenant_id, availability.telehealth_link, _place(availability.staff_id))
    return str(found)


def _place(staff_id: str) -> str:
    return f"telehealth|{staff_id}"


# ---- as the search takes it ----


def rules(availability: Availability) -> Rules:
    """The stored hours as plain values of chalicelib/slots. ValueError for what nobody can mean."""
    stored = availability.rules
    return Rules(
        availability.zone,
        [
            Schedule(date.fromisoformat(each["first_day"]), tuple(_ranges(day) for day in each["week"]))
            for each in stored["schedules"]
        ],
        {date.fromisoformat(day): _ranges(ranges) for day, ranges in stored["overrides"].items()},
        [
            TimeOff(
                date.fromisoformat(each["first_day"]),
                date.fromisoformat(each["last_day"]),
                minutes(each["start"]),
                minutes(each["end"]),
            )
            for each in stored["time_off"]
        ],
    )


def no_rules(tenant: Tenant) -> Rules:
    """Of a therapist who has set nothing: no hours, in the organization's zone."""
    return Rules(tenant.zone)


def _ranges(stored: list[dict[str, Any]]) -> tuple[Range, ...]:
    return tuple(
        Range(
            minutes(each["start"]),
            minutes(each["end"]),
            frozenset(Mode(mode) for mode in each["modes"]),
            frozenset(each["locations"]) if each["locations"] is not None else None,
            frozenset(each["services"]) if each["services"] is not None else None,
        )
        for each in stored
    )


def minutes(text: str) -> int:
    """The minutes after midnight of "09:30"; "24:00" is the end of the day."""
    hours, _, rest = text.partition(":")
    return int(hours) * 60 + int(rest)


def upcoming(tenant_id: str, staff_id: str, first: str, last: str, *, limit: int = 1000) -> list[Appointment | Group]:
    """A therapist's appointments, groups and requests that begin between two instants (as text), in order; two
    queries."""
    own: dict[str, Any] = {"tenant_id": tenant_id, "staff_id": staff_id}
    found: list[Appointment | Group] = []
    for phase in ("request", "booked"):
        found += Appointment.between(Appointment.BY_THERAPIST, first, last, limit=limit, phase=phase, **own)
    return sorted(found, key=lambda each: (int(each.start), str(each.appointment_id)))


def _conflicts(context: Context, availability: Availability) -> list[Conflict]:
    """Appointments ahead that lie in time off or outside the hours, the next ones first."""
    first, last = clock.text(context.now), clock.text(context.now + AHEAD)
    found = upcoming(context.tenant_id, availability.staff_id, first, last)
    ahead = [each for each in found if each.status in LIVE]
    if not ahead:
        return []
    current = rules(availability)
    days = _day(ahead[0].start) - timedelta(days=2), _day(ahead[-1].start) + timedelta(days=3)
    hours = open_times(current, *days)
    without = open_times(replace(current, time_off=()), *days)
    conflicts = []
    for each in ahead:
        if not _holds(hours, each):
            conflicts.append(Conflict(each, "time_off" if _holds(without, each) else "outside_hours"))
    return conflicts[:CONFLICTS]


def _day(at: Any) -> date:
    return moment(int(at)).date()


def _holds(hours: Sequence[Interval], appointment: Appointment | Group) -> bool:
    start = int(appointment.start)
    return any(opens <= start and start + int(appointment.minutes) <= closes for opens, closes in hours)
