"""Appointments: the client's own, those of Client Details, and the staff's calendar.

The calendar stands in agendas, under the same heading of the API's description.
"""

from functools import partial
from typing import Annotated, Any, Literal

from pydantic import Field

from chalicelib import clock
from chalicelib.context import Context
from chalicelib.handlers.routing import PORTAL, PRACTICE, Routes, missing
from chalicelib.handlers.slots import Colour, Instant, Zone, instant_of, minute_of
from chalicelib.handlers.views import Body, Id, Paging, PortalView, Text, View
from chalicelib.models.slots import Appointment, Group
from chalicelib.services import appointments, bookings, slots
from chalicelib.services.appointments import Wanted
from chalicelib.slots.rules import Mode

practice = Routes(__name__, PRACTICE, "/practice")
portal = Routes(__name__ + ".portal", PORTAL, "/portal")

# What becomes of an appointment that is there: done once, and to the version that whoever asks has seen.
_staff_does = partial(practice.endpoint, "POST", action="appointment:manage", idempotent=True, if_match=True)
_client_does = partial(portal.endpoint, "POST", action="appointment:answer", idempotent=True, if_match=True)

Status = Literal["requested", "proposed", "confirmed", "declined", "expired", "cancelled", "completed", "no_show"]
Words = Annotated[Text, Field(max_length=1000)]


# ---- the client's own ----


class MyAppointment(PortalView):
    """An appointment of mine, or my request for one. `cancel_until`: then the notice begins, and only the practice can
    change it. `proposals`: times that are held for me to choose from. `message` is the practice's, `note` mine.
    `group`: others take part, too; nothing is said of them, and only the practice moves it. `link_follows`: whether the
    link to a meeting by video will be shown here before it begins; null: there is no such meeting ahead, or it was not
    asked for by itself. `moved`: I moved it here, so an earlier time of it is gone."""

    appointment_id: str
    status: Status
    starts_at: str
    ends_at: str
    zone: str
    my_zone: str
    therapist_id: str
    therapist: str
    service: str
    service_id: str
    colour: Colour
    mode: Literal["in_person", "telehealth"]
    location: str | None
    location_id: str | None
    note: str | None
    message: str | None
    proposals: list[str]
    held_until: str | None
    cancel_until: str
    can_cancel: bool
    can_move: bool
    undo_until: str | None
    moved: bool
    late: bool
    ended_by: Literal["client", "staff", "system"] | None
    telehealth_link: str | None
    link_follows: bool | None
    group: bool
    etag: str


class MyAppointments(PortalView):
    """Some of my appointments; `phone` is the practice's, for what cannot be done here."""

    items: list[MyAppointment]
    next_cursor: str | None
    phone: str


class WhenQuery(Paging):
    """Which half of a history: `upcoming` in order and whole, `past` newest first."""

    when: Literal["upcoming", "past"] = "upcoming"


class BookingIn(Body):
    """What is asked for, and in which zone it was chosen."""

    staff_id: Id
    service_id: Id
    mode: Literal["in_person", "telehealth"]
    location_id: Id | None = None
    starts_at: Instant
    zone: Zone
    note: Words | None = None


class NewTime(Body):
    """Another time for an appointment, and in which zone it was chosen."""

    starts_at: Instant
    zone: Zone


class AcceptedTime(Body):
    """One of the offered times."""

    starts_at: Instant


class MyCancellation(Body):
    """Why, if one wants to say."""

    reason: Words | None = None


@portal.endpoint("GET", "/appointments", action="appointment:read", query=WhenQuery)
def list_my_appointments(context: Context, query: WhenQuery) -> MyAppointments:
    """My appointments: those ahead, or those past"""
    page = appointments.of_client(context, query.when, query.limit, query.cursor)
    links = appointments.links(context, page.items)
    return MyAppointments(
        items=[_mine(context, each, links) for each in page.items],
        next_cursor=page.next_cursor,
        phone=context.tenant.phone,
    )


@portal.endpoint("GET", "/appointments/{appointment_id}", action="appointment:read")
def read_my_appointment(context: Context, appointment_id: str) -> MyAppointment:
    """One of my appointments"""
    record = missing(context.named["appointment_id"])
    follows = appointments.link_follows(context, record)
    return _mine(context, record, appointments.links(context, [record]) if follows else {}, follows)


@portal.endpoint("POST", "/appointments", action="appointment:book", body=BookingIn, status=201, idempotent=True)
def book_appointment(context: Context, body: BookingIn) -> MyAppointment:
    """Ask for a time, or book it where the practice confirms at once"""
    wish = slots.Wish(body.service_id, Mode(body.mode), body.location_id)
    wanted = Wanted(body.staff_id, wish, minute_of(body.starts_at), body.zone, body.note or None)
    return shown_to_client(context, appointments.book(context, wanted))


@portal.endpoint(
    "POST",
    "/appointments/{appointment_id}/time",
    action="appointment:book",
    body=NewTime,
    idempotent=True,
    if_match=True,
)
def move_my_appointment(context: Context, appointment_id: str, body: NewTime) -> MyAppointment:
    """Choose another time"""
    return shown_to_client(context, appointments.move(context, minute_of(body.starts_at), body.zone))


@_client_does("/appointments/{appointment_id}/acceptance", body=AcceptedTime)
def accept_proposal(context: Context, appointment_id: str, body: AcceptedTime) -> MyAppointment:
    """Take one of the times that the practice offers"""
    return shown_to_client(context, appointments.accept(context, minute_of(body.starts_at)))


@_client_does("/appointments/{appointment_id}/cancellation", body=MyCancellation)
def cancel_my_appointment(context: Context, appointment_id: str, body: MyCancellation) -> MyAppointment:
    """Cancel an appointment, or take a request back"""
    return shown_to_client(context, appointments.cancel(context, body.reason or None))


def shown_to_client(context: Context, record: Appointment) -> MyAppointment:
    """An appointment as its client is shown it."""
    return _mine(context, record, appointments.links(context, [record]))


def _mine(context: Context, record: Appointment, links: dict[str, str], follows: bool | None = None) -> MyAppointment:
    said, tenant, now = bookings.words(record), context.tenant, context.now
    undo = appointments.undo_until(record)
    return MyAppointment(
        **when_it_is(record),
        my_zone=record.client_zone,
        therapist_id=record.staff_id,
        therapist=record.staff_name,
        **what_is_booked(record),
        note=said.get("note"),
        message=said.get("message"),
        cancel_until=clock.text(appointments.change_until(tenant, record)),
        can_cancel=appointments.can_cancel(tenant, record, now),
        can_move=appointments.can_move(tenant, record, now),
        undo_until=clock.text(undo) if undo is not None and now < undo else None,
        moved=appointments.moved_by_client(record),
        telehealth_link=links.get(record.appointment_id),
        link_follows=follows,
        group=record.group_id is not None,
    )


def when_it_is(record: Appointment) -> dict[str, Any]:
    """What everyone is shown of when it is, and what has become of it."""
    return {
        "appointment_id": record.appointment_id,
        "status": record.status,
        "starts_at": instant_of(record.start),
        "ends_at": instant_of(record.start + record.minutes),
        "zone": record.zone,
        "proposals": [instant_of(each) for each in record.proposals or []],
        "held_until": instant_of(record.held_until) if record.held_until is not None else None,
        "late": bool(record.late),
        "ended_by": record.ended_by,
        "etag": str(int(record.version)),
    }


def what_is_booked(record: Appointment | Group) -> dict[str, Any]:
    """What everyone is shown of what it is, and where."""
    return {
        "service": record.service_name,
        "service_id": record.service_id,
        "colour": record.colour,
        "mode": record.mode,
        "location": record.location_name,
        "location_id": record.location_id,
    }


# ---- Client Details ----


class ClientAppointment(View):
    """An appointment of a client, or a request for one. `made_by`: who chose this time. `manageable`: whether it is in
    a calendar that the asker manages. `series_id`: it recurs; `group_id`: it is a place in a group."""

    appointment_id: str
    status: Status
    starts_at: str
    ends_at: str
    zone: str
    client_zone: str
    staff_id: str
    therapist: str
    service: str
    service_id: str
    colour: Colour
    mode: Literal["in_person", "telehealth"]
    location: str | None
    location_id: str | None
    before: int
    after: int
    note: str | None
    message: str | None
    reason: str | None
    proposals: list[str]
    held_until: str | None
    made_by: Literal["client", "staff"]
    made_at: str
    late: bool
    ended_by: Literal["client", "staff", "system"] | None
    manageable: bool
    telehealth_link: str | None
    series_id: str | None
    group_id: str | None
    etag: str


class ClientAppointments(View):
    """Some of a client's appointments."""

    items: list[ClientAppointment]
    next_cursor: str | None


class StaffBookingIn(Body):
    """What staff book for a client. `override`: nevertheless, where something but another appointment speaks against
    it; `minutes`: longer or shorter than the service usually is."""

    staff_id: Id
    service_id: Id
    mode: Literal["in_person", "telehealth"]
    location_id: Id | None = None
    starts_at: Instant
    minutes: Annotated[int, Field(ge=5, le=480)] | None = None
    override: bool = False


class CheckIn(StaffBookingIn):
    """A time that staff think of; `moving`: for this appointment, whose own old time is free."""

    moving: Id | None = None


class StaffNewTime(Body):
    """Another time for an appointment."""

    starts_at: Instant
    override: bool = False


class WordsForClient(Body):
    """Some words for the client, read in the portal."""

    message: Words | None = None


class Proposal(Body):
    """Other times that are held for the client, and some words."""

    starts: list[Instant] = Field(min_length=1, max_length=3)
    message: Words | None = None
    override: bool = False


class StaffCancellation(Body):
    """Why, and whether the client asked for it: within the notice that is marked as late."""

    reason: Words | None = None
    at_clients_request: bool = False


class AppointmentOutcome(Body):
    """What became of it."""

    status: Literal["completed", "no_show"]


class TimeCheck(View):
    """What speaks against a time: `warnings` can be overruled, `blocked` (slot_taken, client_busy) cannot."""

    warnings: list[Literal["past", "horizon", "outside", "notice", "misaligned", "full_day", "not_bookable"]]
    blocked: Literal["slot_taken", "client_busy"] | None


@practice.endpoint(
    "GET", "/clients/{client_id}/appointments", action="appointment:read", query=WhenQuery, reads_record=True
)
def list_appointments(context: Context, client_id: str, query: WhenQuery) -> ClientAppointments:
    """A client's appointments: those ahead, or those past"""
    page = appointments.of_client(context, query.when, query.limit, query.cursor)
    links = appointments.links(context, page.items)
    return ClientAppointments(
        items=[_theirs(context, each, links) for each in page.items], next_cursor=page.next_cursor
    )


@practice.endpoint(
    "GET", "/clients/{client_id}/appointments/{appointment_id}", action="appointment:read", reads_record=True
)
def read_appointment(context: Context, client_id: str, appointment_id: str) -> ClientAppointment:
    """An appointment of a client"""
    return _shown_to_staff(context, missing(context.named["appointment_id"]))


@practice.endpoint("POST", "/clients/{client_id}/appointments/check", action="appointment:manage", body=CheckIn)
def check_appointment(context: Context, client_id: str, body: CheckIn) -> TimeCheck:
    """What speaks against a time, before it is booked, moved to, or offered"""
    found = appointments.check(context, wanted_of(context, body), body.moving)
    return TimeCheck(warnings=list(found.warnings), blocked=found.blocked)


@practice.endpoint(
    "POST",
    "/clients/{client_id}/appointments",
    action="appointment:begin",
    body=StaffBookingIn,
    status=201,
    idempotent=True,
)
def create_appointment(context: Context, client_id: str, body: StaffBookingIn) -> ClientAppointment:
    """Book for a client"""
    return _shown_to_staff(context, appointments.book_for(context, wanted_of(context, body)))


@_staff_does("/clients/{client_id}/appointments/{appointment_id}/confirmation")
def confirm_appointment(context: Context, client_id: str, appointment_id: str) -> ClientAppointment:
    """Confirm a request"""
    return _shown_to_staff(context, appointments.confirm(context))


@_staff_does("/clients/{client_id}/appointments/{appointment_id}/refusal", body=WordsForClient)
def decline_appointment(
    context: Context, client_id: str, appointment_id: str, body: WordsForClient
) -> ClientAppointment:
    """Decline a request"""
    return _shown_to_staff(context, appointments.decline(context, body.message or None))


@_staff_does("/clients/{client_id}/appointments/{appointment_id}/proposal", body=Proposal)
def propose_times(context: Context, client_id: str, appointment_id: str, body: Proposal) -> ClientAppointment:
    """Offer other times instead"""
    starts = [minute_of(each) for each in body.starts]
    return _shown_to_staff(context, appointments.propose(context, starts, body.message or None, body.override))


@_staff_does("/clients/{client_id}/appointments/{appointment_id}/time", body=StaffNewTime)
def move_appointment(context: Context, client_id: str, appointment_id: str, body: StaffNewTime) -> ClientAppointment:
    """Move a confirmed appointment"""
    return _shown_to_staff(context, appointments.move_for(context, minute_of(body.starts_at), body.override))


@_staff_does("/clients/{client_id}/appointments/{appointment_id}/cancellation", body=StaffCancellation)
def cancel_appointment(
    context: Context, client_id: str, appointment_id: str, body: StaffCancellation
) -> ClientAppointment:
    """Cancel an appointment or a request"""
    return _shown_to_staff(context, appointments.cancel_for(context, body.reason or None, body.at_clients_request))


@practice.endpoint(
    "POST",
    "/clients/{client_id}/appointments/{appointment_id}/outcome",
    action="appointment:manage",
    body=AppointmentOutcome,
    if_match=True,
)
def settle_appointment(
    context: Context, client_id: str, appointment_id: str, body: AppointmentOutcome
) -> ClientAppointment:
    """Note that it took place, or that the client did not come"""
    return _shown_to_staff(context, appointments.settle(context, body.status))


def wanted_of(context: Context, body: StaffBookingIn) -> Wanted:
    """What staff want, as the services take it."""
    wish = slots.Wish(body.service_id, Mode(body.mode), body.location_id)
    zone = context.tenant.zone
    start = minute_of(body.starts_at)
    return Wanted(body.staff_id, wish, start, zone, minutes=body.minutes, override=body.override)


def _shown_to_staff(context: Context, record: Appointment) -> ClientAppointment:
    return _theirs(context, record, appointments.links(context, [record]))


def _theirs(context: Context, record: Appointment, links: dict[str, str]) -> ClientAppointment:
    said = bookings.words(record)
    return ClientAppointment(
        **when_it_is(record),
        client_zone=record.client_zone,
        staff_id=record.staff_id,
        therapist=record.staff_name,
        **what_is_booked(record),
        before=int(record.before),
        after=int(record.after),
        note=said.get("note"),
        message=said.get("message"),
        reason=said.get("reason"),
        made_by=record.made_by,
        made_at=record.made_at,
        manageable=bookings.manages(context, record.staff_id),
        telehealth_link=links.get(record.appointment_id),
        series_id=record.series_id,
        group_id=record.group_id,
    )
