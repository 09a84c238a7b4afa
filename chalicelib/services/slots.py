"""What a client can book: with whom, what, where and when (DOMAIN.md 5.1, 5.2).

Only therapists who are assigned to the client at this moment, are there, have a seat and have set their availability.
chalicelib/slots computes; here the facts are gathered: who may be booked in one read, what is taken in one more a side.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from chalicelib.context import Context
from chalicelib.errors import InvalidBody, ServiceNotOffered, TherapistNotOffered
from chalicelib.models.clients import Assignment
from chalicelib.models.slots import Availability, Offer
from chalicelib.models.staff import Staff
from chalicelib.models.table import load
from chalicelib.policies.plans import Feature, why_off
from chalicelib.services import availability as hours
from chalicelib.services import calendars, tenants
from chalicelib.slots import zones
from chalicelib.slots.rules import Busy, Mode
from chalicelib.slots.search import Found, Search, first_available, slots
from chalicelib.slots.zones import DAY, Interval


class Counterpart(NamedTuple):
    """A therapist whom the client can book."""

    staff: Staff
    availability: Availability


@dataclass(frozen=True)
class Wish:
    """What is to be booked, without a time."""

    service_id: str
    mode: Mode
    location_id: str | None = None


def counterparts(context: Context, staff_id: str | None = None) -> tuple[Offer, list[Counterpart]]:
    """Whom the client of the request can book, or whether it is this one; with what is offered. One read.

    The list on the client's file says only where to look: assignment, seat and availability are read as they are now.
    """
    own = {"tenant_id": context.tenant_id, "client_id": context.client_id}
    candidates = [staff_id] if staff_id else [each["staff_id"] for each in context.client.therapists]
    wanted: list[Any] = [(Offer, own)]
    for each in candidates:
        place = {**own, "staff_id": each}
        wanted += [(Assignment, place), (Staff, place), (Availability, place)]
    offered, *rest = load(*wanted)
    found = [
        Counterpart(staff, availability)
        for assignment, staff, availability in zip(rest[::3], rest[1::3], rest[2::3], strict=True)
        if assignment is not None and can_be_booked(context, staff, availability)
    ]
    return offered or hours.no_offer(context.tenant_id), found


def can_be_booked(context: Context, staff: Staff | None, availability: Availability | None) -> bool:
    """Whether clients can book this staff member: there, with a seat, with hours, and not switched off for them. One
    whose file is archived books nobody."""
    if staff is None or availability is None or staff.status != "active":
        return False
    if context.client is not None and context.client.status != "active":
        return False
    stored = availability.rules
    now = tenants.circumstances(
        context.tenant, seat=bool(staff.seat), client_off=context.client.features_off if context.client else ()
    )
    has_hours = bool(stored["schedules"] or stored["overrides"])
    return has_hours and why_off(Feature.SELF_SCHEDULING, now) is None


def chosen(offered: Offer, wish: Wish, *, by_client: bool) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The service and the location of a wish. Raises ServiceNotOffered, or InvalidBody for a place that is missing,
    not one of the organization's, or meant for a meeting by video."""
    service = next((each for each in offered.services if each["service_id"] == wish.service_id), None)
    if service is None or (by_client and not service["bookable"]):
        raise ServiceNotOffered()
    location = next((each for each in offered.locations if each["location_id"] == wish.location_id), None)
    missing = wish.mode is Mode.IN_PERSON and bool(offered.locations) and wish.location_id is None
    misplaced = wish.location_id is not None and (location is None or wish.mode is Mode.TELEHEALTH)
    if missing or misplaced:
        detail = "Choose one of the places where you can meet." if missing else "This place cannot be chosen here."
        raise InvalidBody(errors=[{"pointer": "/location_id", "code": "location", "detail": detail}])
    return service, location


def search_of(
    context: Context,
    counterpart: Counterpart,
    service: dict[str, Any],
    wish: Wish,
    busy: Sequence[Busy],
    client_busy: Sequence[Busy],
    moving: str = "",
) -> Search:
    """The search that answers for this client and this therapist: for reading and booking alike."""
    scheduling = tenants.scheduling(context.tenant)
    return Search(
        rules=hours.rules(counterpart.availability),
        service=hours.service_of(service, scheduling),
        policy=hours.policy_of(scheduling),
        now=zones.minute(context.now),
        busy=busy,
        mode=wish.mode,
        location_id=wish.location_id,
        client_busy=client_busy,
        moving=moving,
    )


class Bookable(NamedTuple):
    """The starts that a client can book with one therapist."""

    counterpart: Counterpart
    starts: Sequence[int]


def bookable(
    context: Context, wish: Wish, staff_id: str | None, first_day: date, last_day: date, zone: str, moving: str = ""
) -> list[Bookable]:
    """What can be booked on these days of the viewer's zone, with one therapist or with any of the client's.

    Raises TherapistNotOffered (whoever it is whom this client cannot book), ServiceNotOffered, InvalidBody.
    """
    window = zones.span(zone, first_day, last_day)
    found = _searches(context, wish, staff_id, window, moving)
    return [Bookable(counterpart, slots(search, window)) for counterpart, search in found]


def first(context: Context, wish: Wish, staff_id: str | None) -> Found | None:
    """The earliest time that can be booked at all, with one therapist or with any of the client's."""
    now = zones.minute(context.now)
    window = now, now + (tenants.scheduling(context.tenant)["horizon_days"] + 2) * DAY
    found = _searches(context, wish, staff_id, window, "")
    return first_available({each.staff.staff_id: search for each, search in found}, window)


def _searches(
    context: Context, wish: Wish, staff_id: str | None, window: Interval, moving: str
) -> list[tuple[Counterpart, Search]]:
    offered, found = counterparts(context, staff_id)
    if staff_id and not found:
        raise TherapistNotOffered()
    service, _ = chosen(offered, wish, by_client=True)
    client_busy = calendars.of_client(context.tenant_id, context.client_id, window) if found else []
    return [
        (
            each,
            search_of(
                context,
                each,
                service,
                wish,
                calendars.of_therapist(context.tenant_id, each.staff.staff_id, window),
                client_busy,
                moving,
            ),
        )
        for each in found
    ]
