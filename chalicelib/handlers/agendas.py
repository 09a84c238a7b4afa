"""The staff's calendar of some days, and the requests that wait for an answer."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import StringConstraints

from chalicelib.context import Context
from chalicelib.handlers.appointments import Status, what_is_booked, when_it_is
from chalicelib.handlers.routing import PRACTICE, Routes
from chalicelib.handlers.slots import Colour, Zone, days_of, instant_of
from chalicelib.handlers.views import Day, Query, View
from chalicelib.models.clients import Client
from chalicelib.models.slots import Appointment, Group
from chalicelib.services import agendas, bookings, memberships, staff

practice = Routes(__name__, PRACTICE, "/practice", tag="appointments")

WINDOW_DAYS = 42

Ids = Annotated[str, StringConstraints(pattern=r"^[0-7][0-9A-HJKMNP-TV-Z]{25}(,[0-7][0-9A-HJKMNP-TV-Z]{25}){0,39}$")]


class GroupPlaces(View):
    """How many of a group's places are taken."""

    taken: int
    capacity: int


class CalendarEntry(View):
    """An appointment in the calendar: first name and initial, nothing else of the client. No name: the asker may not
    see this client's file (any more), or it is a group."""

    appointment_id: str
    client_id: str | None
    client_name: str | None
    staff_id: str
    therapist: str
    status: Status
    starts_at: str
    ends_at: str
    before: int
    after: int
    service: str
    colour: Colour
    mode: Literal["in_person", "telehealth"]
    location: str | None
    proposals: list[str]
    held_until: str | None
    late: bool
    group: GroupPlaces | None
    etag: str


class Interval(View):
    """From when until when, as instants."""

    starts_at: str
    ends_at: str


class TherapistCalendar(View):
    """One therapist's part. `bookable`: by clients, now. `hours`: when clients are seen, without the time off. `held`:
    offered to somebody on the wait list. `waiting`: how many are on it."""

    staff_id: str
    name: str
    zone: str
    bookable: bool
    hours: list[Interval]
    time_off: list[Interval]
    appointments: list[CalendarEntry]
    held: list[Interval]
    waiting: int


class CalendarView(View):
    """The calendar of some days: one therapist's or several's."""

    zone: str
    items: list[TherapistCalendar]

    def clients_named(self) -> list[str]:
        """Those of the entries."""
        return [each.client_id for one in self.items for each in one.appointments if each.client_id]


class RequestsView(View):
    """Open requests, the earliest time first. `total`: how many wait for an answer; where other times are offered, the
    client answers."""

    items: list[CalendarEntry]
    total: int

    def clients_named(self) -> list[str]:
        """Those who asked."""
        return [each.client_id for each in self.items if each.client_id]


class RequestCount(View):
    """How many requests wait for an answer of the practice."""

    total: int


class CalendarQuery(Query):
    """Days, in a zone (the organization's when none is named), and whose: one's own or, for administrators,
    everyone's, unless `staff_ids` names some, with commas."""

    first_day: Day
    last_day: Day
    zone: Zone | None = None
    staff_ids: Ids | None = None


class RequestsQuery(Query):
    """Whose, as for the calendar."""

    staff_ids: Ids | None = None


@practice.endpoint("GET", "/calendar", action="calendar:read", query=CalendarQuery)
def read_calendar(context: Context, query: CalendarQuery) -> CalendarView:
    """The calendar of some days"""
    first_day, last_day = days_of(query.first_day, query.last_day, WINDOW_DAYS)
    zone = query.zone or context.tenant.zone
    found = agendas.window(context, ids_of(query.staff_ids), first_day, last_day, zone)
    files = agendas.named(context, [record for each in found for record in each.appointments])
    return CalendarView(
        zone=zone,
        items=[
            TherapistCalendar(
                staff_id=each.staff.staff_id,
                name=staff.shown(each.staff),
                zone=each.zone,
                bookable=each.bookable,
                hours=_intervals(each.hours),
                time_off=_intervals(each.time_off),
                appointments=_entries(each.appointments, files),
                held=_intervals(each.held),
                waiting=each.waiting,
            )
            for each in found
        ],
    )


@practice.endpoint("GET", "/requests", action="calendar:read", query=RequestsQuery)
def list_requests(context: Context, query: RequestsQuery) -> RequestsView:
    """Requests that wait for an answer, of the practice or of the client"""
    found = agendas.requests(context, ids_of(query.staff_ids))
    items = _entries(found, agendas.named(context, found))
    return RequestsView(items=items, total=_unanswered(found))


@practice.endpoint("GET", "/requests/count", action="calendar:read", query=RequestsQuery)
def count_requests(context: Context, query: RequestsQuery) -> RequestCount:
    """How many requests wait for an answer"""
    return RequestCount(total=_unanswered(agendas.requests(context, ids_of(query.staff_ids))))


def _unanswered(found: Sequence[Appointment]) -> int:
    return sum(each.status == bookings.REQUESTED for each in found)


def _intervals(found: Sequence[tuple[int, int]]) -> list[Interval]:
    return [Interval(starts_at=instant_of(start), ends_at=instant_of(end)) for start, end in found]


def ids_of(listed: str | None) -> list[str]:
    """The ids that a query lists with commas."""
    return listed.split(",") if listed else []


def _entries(records: Sequence[Appointment | Group], files: dict[str, Client]) -> list[CalendarEntry]:
    return [
        _entry(each, files.get(each.client_id)) if isinstance(each, Appointment) else _group_entry(each)
        for each in records
    ]


def _entry(record: Appointment, client: Client | None) -> CalendarEntry:
    return CalendarEntry(
        **_fields(record, when_it_is(record)),
        group=None,
        client_id=client.client_id if client is not None else None,
        client_name=agendas.short_name(client) if client is not None else None,
    )


def _group_entry(group: Group) -> CalendarEntry:
    return CalendarEntry(
        appointment_id=group.appointment_id,
        client_id=None,
        client_name=None,
        status=group.status,
        starts_at=instant_of(group.start),
        ends_at=instant_of(group.start + group.minutes),
        proposals=[],
        held_until=None,
        late=False,
        group=GroupPlaces(taken=memberships.taken(group), capacity=int(group.capacity)),
        etag=str(int(group.version)),
        **_fields(group, {}),
    )


def _fields(record: Appointment | Group, when: dict[str, Any]) -> dict[str, Any]:
    """What an entry says of an appointment and of a group alike, and of `when` what an entry has."""
    told = {
        **when,
        **what_is_booked(record),
        "staff_id": record.staff_id,
        "therapist": record.staff_name,
        "before": int(record.before),
        "after": int(record.after),
    }
    return {name: value for name, value in told.items() if name in CalendarEntry.model_fields}
