"""What mails say about appointments: that, and when; never with whom, for what, or where (DOMAIN.md 5.6, 8).

What people wrote is read in the portal. A confirmed time comes with an entry for the reader's calendar, a time that is
no longer kept with its removal (RFC 5546); both are titled "Appointment" and no more.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib import clock
from chalicelib.adapters import icalendar
from chalicelib.config import settings
from chalicelib.errors import PortalError
from chalicelib.models.clients import Client
from chalicelib.models.mails import ClientMail, StaffMail
from chalicelib.models.slots import Appointment, Group, GroupSeries, Series, Wait
from chalicelib.models.staff import Staff
from chalicelib.models.table import load
from chalicelib.models.tenants import Tenant
from chalicelib.models.transaction import Transaction
from chalicelib.services import notifications, tenants
from chalicelib.services.letters import Letter, letter
from chalicelib.slots.zones import moment

TITLE = "Appointment"
_CLOSING = "For privacy this mail says no more. Please do not answer it: nobody reads it."

# What happened: to the client, and to the therapist. {when} is the time in the reader's zone.
_TOLD: dict[str, tuple[tuple[str, str], tuple[str, str]]] = {
    "requested": (
        ("We have your request", "we have your request for {when}. The time is held for you until you hear from us."),
        ("A request for your calendar", "someone asks for {when}. Please answer it in the portal; the time is held."),
    ),
    "booked": (
        ("Your appointment is booked", "your appointment is booked: {when}."),
        ("A new appointment", "there is a new appointment in your calendar: {when}."),
    ),
    "confirmed": (
        ("Your appointment is confirmed", "your appointment is confirmed: {when}."),
        ("An appointment is confirmed", "this is confirmed in your calendar: {when}."),
    ),
    "accepted": (
        ("Your appointment is booked", "your appointment is booked: {when}."),
        ("A time was accepted", "a time that you offered was accepted: {when}."),
    ),
    "proposed": (
        ("Other times are offered to you", "the time you asked for is not possible. Other times are held for you."),
        ("Other times were offered", "other times were offered instead of one that was asked for. They are held."),
    ),
    "declined": (
        ("About your request", "your request for {when} could not be accepted. You can choose another time."),
        ("A request was declined", "a request for {when} was declined."),
    ),
    "cancelled": (
        ("Your appointment is cancelled", "this is cancelled: {when}."),
        ("An appointment was cancelled", "this was cancelled: {when}."),
    ),
    "moved": (
        ("Your appointment has a new time", "your appointment has a new time: {when}."),
        ("An appointment has a new time", "an appointment in your calendar has a new time: {when}."),
    ),
    "move_requested": (
        ("We have your new request", "we have your request for a new time, {when}. It is held until you hear from us."),
        ("A request for a new time", "someone asks for a new time: {when}. Please answer it in the portal."),
    ),
    "expired": (
        ("About your request", "your request for {when} was not answered in time. You can choose another time."),
        ("A request has expired", "a request for {when} was not answered in time. Its time is free again."),
    ),
    "reminder": (
        ("A reminder", "this is a reminder of your appointment: {when}."),
        ("A reminder", "this is a reminder of your appointment: {when}."),
    ),
}
# Of a series, once for all its times: {count} of them, the first at {when}.
_SERIES: dict[str, tuple[tuple[str, str], tuple[str, str]]] = {
    "booked": (
        ("Your appointments are booked", "{count} appointments are booked for you. The first: {when}."),
        ("New appointments", "there are {count} new appointments in your calendar. The first: {when}."),
    ),
    "moved": (
        ("Your appointments have new times", "your appointments have new times. The next: {when}."),
        ("Appointments have new times", "appointments in your calendar have new times. The next: {when}."),
    ),
    "cancelled": (
        ("Your appointments are cancelled", "appointments of yours are cancelled. The first: {when}."),
        ("Appointments were cancelled", "appointments in your calendar were cancelled. The first: {when}."),
    ),
}
# The state in which an entry for the calendar may go along, and as what.
_ENTRIES = {
    "booked": ("confirmed", icalendar.REQUEST),
    "confirmed": ("confirmed", icalendar.REQUEST),
    "accepted": ("confirmed", icalendar.REQUEST),
    "moved": ("confirmed", icalendar.REQUEST),
    "move_requested": ("requested", icalendar.CANCEL),
    "cancelled": ("cancelled", icalendar.CANCEL),
}


def _composed(what: str, record: ClientMail | StaffMail, tenant: Tenant) -> Letter | None:
    """The mail of one step; None when its reader is gone, or it reminds of what is not so any more."""
    to_client = isinstance(record, ClientMail)
    client_id = _client_id(record)
    place = {"tenant_id": record.tenant_id, "client_id": client_id, "appointment_id": record.ids["appointment_id"]}
    if not isinstance(record, ClientMail):
        place["staff_id"] = record.staff_id
    client, staff, appointment = load(
        (Client, place) if to_client else None,
        None if to_client else (Staff, place),
        (Appointment if client_id else Group, place),
    )
    if appointment is None or not _is_there(client, staff):
        return None
    start = int(record.ids["start"])
    same = int(appointment.start) == start
    now = clock.now()
    if what == "reminder" and not (same and appointment.status == "confirmed" and now < moment(start)):
        return None
    if staff is not None and what in ("requested", "move_requested"):
        _noticed(staff, appointment)
    zone = appointment.client_zone if to_client else appointment.zone
    subject, line = _TOLD[what][0 if to_client else 1]
    composed = _said(tenant, client if to_client else staff, subject, line.format(when=shown(start, zone)))
    to = composed.to
    state, method = _ENTRIES.get(what, ("", ""))
    if not same or appointment.status != state:
        return composed
    return composed._replace(calendar=(method, icalendar.calendar([event(appointment, to)], method)))


def _client_id(record: ClientMail | StaffMail) -> str:
    """Whose appointment it is about; "": a group's."""
    return str(record.client_id if isinstance(record, ClientMail) else record.ids.get("client_id", ""))


def _said(tenant: Tenant, reader: Client | Staff, subject: str, line: str) -> Letter:
    to_client = isinstance(reader, Client)
    name = _first_name(reader) if isinstance(reader, Client) else reader.name.split()[0]
    link = tenants.login_url(tenant) + ("" if to_client else "/staff")
    body = f"Hello {name},\n\n{line}\n\n{link}"
    return letter(tenant, reader.email, subject, body, _CLOSING, link, "Open the portal" if to_client else "Sign in")


def _series_composed(what: str, record: ClientMail | StaffMail, tenant: Tenant) -> Letter | None:
    """The one mail about many times; None when its reader is gone, or nothing is left to be told.

    What is attached is published (RFC 5546 3.2.1): an invitation or its removal may speak of one event only.
    """
    from chalicelib.services import series

    to_client = isinstance(record, ClientMail)
    place = {"tenant_id": record.tenant_id, "client_id": _client_id(record), "series_id": record.ids["series_id"]}
    if not isinstance(record, ClientMail):
        place["staff_id"] = record.staff_id
    client, staff, found = load(
        (Client, place) if to_client else None, None if to_client else (Staff, place), (Series, place)
    )
    if found is None or not _is_there(client, staff):
        return None
    return _of_many(what, series.appointments_of(found), record, tenant, client if to_client else staff)


def _group_series_composed(what: str, record: ClientMail | StaffMail, tenant: Tenant) -> Letter | None:
    """The one mail about many groups: to a client of their own places, to the therapist of the groups."""
    from chalicelib.services import group_series

    place = {"tenant_id": record.tenant_id, "series_id": record.ids["series_id"]}
    if isinstance(record, ClientMail):
        place |= {"client_id": record.client_id, "staff_id": record.ids["staff_id"]}
        reader, found = load((Client, place), (GroupSeries, place))
    else:
        place["staff_id"] = record.staff_id
        reader, found = load((Staff, place), (GroupSeries, place))
    to_client = isinstance(record, ClientMail)
    if found is None or not (_is_there(reader, None) if to_client else _is_there(None, reader)):
        return None
    many: list[Any] = list(
        group_series.places_of(found, place["client_id"]) if to_client else group_series.groups_of(found)
    )
    return _of_many(what, many, record, tenant, reader)


def _of_many(
    what: str, many: Sequence[Any], record: ClientMail | StaffMail, tenant: Tenant, reader: Any
) -> Letter | None:
    """What is said of those that are now as they were to be, from the first that was meant on."""
    to_client = isinstance(record, ClientMail)
    state, since = "cancelled" if what == "cancelled" else "confirmed", int(record.ids["start"])
    meant = [each for each in many if each.status == state and each.start >= since]
    if not meant:
        return None
    first = min(meant, key=lambda each: int(each.start))
    subject, line = (_TOLD if len(meant) == 1 else _SERIES)[what][0 if to_client else 1]
    when = shown(int(first.start), first.client_zone if to_client else first.zone)
    composed = _said(tenant, reader, subject, line.format(when=when, count=len(meant)))
    events = [event(each) for each in meant]
    return composed._replace(calendar=(icalendar.PUBLISH, icalendar.calendar(events, icalendar.PUBLISH)))


def _noticed(staff: Staff, appointment: Appointment) -> None:
    """In the app, too, the therapist is told that somebody asks for a time, once.

    Written along with the mail and not with the booking, which is to keep to 26 write units: the mail is tried again
    until it is sent, so this comes about as well.
    """
    cause, at = f"{appointment.appointment_id}|{appointment.made_at}", clock.parse(appointment.made_at)
    told = notifications.notice(staff, notifications.APPOINTMENT_REQUESTED, appointment.client_id, at, cause)
    with contextlib.suppress(_Told), Transaction() as tx:
        tx.create(told, otherwise=_Told())


class _Told(PortalError):
    """The notice is there."""


def _offered(record: ClientMail | StaffMail, tenant: Tenant) -> Letter | None:
    """To somebody who waits for an earlier time: one is held for them. None when it is not so any more."""
    assert isinstance(record, ClientMail)
    place = {"tenant_id": record.tenant_id, "client_id": record.client_id}
    client, wait = load((Client, place), (Wait, {**place, "wait_id": record.ids["wait_id"]}))
    start, now = int(record.ids["start"]), clock.now()
    if wait is None or not _is_there(client, None) or wait.status != "offered" or int(wait.start) != start:
        return None
    if now >= moment(int(wait.held_until)):
        return None
    when, until = shown(start, wait.client_zone), shown(int(wait.held_until), wait.client_zone)
    link = tenants.login_url(tenant)
    body = f"Hello {_first_name(client)},\n\na time has opened: {when}. It is held for you until {until}.\n\n{link}"
    return letter(tenant, client.email, "A time has opened", body, _CLOSING, link, "Open the portal")


def _first_name(client: Client) -> str:
    from chalicelib.services.clients import first_name

    return first_name(client)


def _is_there(client: Client | None, staff: Staff | None) -> bool:
    if client is not None:
        return client.portal == "active" and bool(client.email)
    return staff is not None and staff.status == "active"


def event(appointment: Appointment | Group, attendee: str | None = None) -> icalendar.Event:
    """An appointment as calendar programs are shown it."""
    start = moment(int(appointment.start))
    states = {"confirmed": "CONFIRMED", "requested": "TENTATIVE", "proposed": "TENTATIVE"}
    live = appointment.status in (*states, "completed", "no_show")
    removed = "CANCELLED" if not live or (attendee is not None and appointment.status == "requested") else None
    return icalendar.Event(
        uid=f"{appointment.appointment_id}@{settings.mail_sender.rpartition('@')[2]}",
        sequence=int(appointment.sequence),
        stamp=clock.parse(appointment.changed_at),
        start=start,
        end=start + timedelta(minutes=int(appointment.minutes)),
        title=TITLE,
        status=removed or states.get(appointment.status, "CONFIRMED"),
        organizer=settings.mail_sender if attendee else None,
        attendee=attendee,
    )


def shown(start: int, zone: str) -> str:
    """A time as people read it, with the zone it is meant in: "Tuesday, 24 November 2026, 10:00 AM (New York time)"."""
    at: datetime = moment(start).replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
    city = zone.rpartition("/")[2].replace("_", " ")
    return f"{at:%A}, {at.day} {at:%B %Y}, {at.hour % 12 or 12}:{at:%M %p} ({city} time)"


COMPOSERS: Mapping[str, Callable[[Any, Tenant], Letter | None]] = {
    **{f"appointment_{what}": partial(_composed, what) for what in _TOLD},
    **{f"series_{what}": partial(_series_composed, what) for what in _SERIES},
    **{f"group_series_{what}": partial(_group_series_composed, what) for what in _SERIES},
    "wait_offered": _offered,
}
