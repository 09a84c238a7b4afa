"""Appointments: asked for, booked, confirmed, moved, ended; by clients and by staff (DOMAIN.md 5.2 to 5.6).

Every change is one transaction: the days of both sides under the versions that were read, the appointment under its
own, the caps, the audit, the mails, the idempotency record. Whether a time can be had is decided by chalicelib/slots
from what that same read found; if anybody wrote one of the days in between, all of it is read and decided again. So
what a caller is told to be taken is taken, and nobody is ever in two places at once.
"""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Any, NamedTuple

from chalicelib import clock, ids
from chalicelib.adapters import keys
from chalicelib.context import Actor, Context, Persona
from chalicelib.errors import (
    AppointmentEnded,
    ClientArchived,
    ClientBusy,
    InGroup,
    NotAssigned,
    NotFound,
    NotProposed,
    NotYetBegun,
    OwnConflict,
    PortalError,
    RequestExpired,
    ServiceNotOffered,
    SlotNotOffered,
    SlotTaken,
    Stale,
    TherapistNotOffered,
    TooFar,
    TooLate,
    TooSoon,
)
from chalicelib.models.clients import Client
from chalicelib.models.slots import Appointment, Availability
from chalicelib.models.staff import Staff
from chalicelib.models.table import Page, at_keys, load
from chalicelib.models.tenants import Tenant
from chalicelib.models.transaction import Transaction, change, settled
from chalicelib.services import audits, idempotency, jobs, mails, memberships, slots, tenants
from chalicelib.services import availability as hours
from chalicelib.services import staff as people
from chalicelib.services.bookings import (
    CANCELLED,
    CONFIRMED,
    DECLINED,
    EXPIRED,
    FREE,
    HELD,
    LIVE,
    OPEN,
    PROPOSED,
    REQUESTED,
    Scene,
    Step,
    changed,
    commit,
    due_at,
    hold_until,
    occupied,
    reminders,
    require_calendar,
    require_free,
    require_good,
    require_kept,
    require_pace,
    require_room,
    scene_of,
    still_assigned,
    still_kept,
    verdict_on,
    with_words,
    words_place,
)
from chalicelib.services.calendars import Taken
from chalicelib.slots.rules import Mode, Service
from chalicelib.slots.search import Reason, fits
from chalicelib.slots.zones import Interval, minute, moment

UNDO = timedelta(minutes=10)  # so long what a client has just booked can be taken back, whatever the notice
LINK_BEFORE = timedelta(minutes=15)  # so long before a meeting by video both sides are shown its link
LONGEST = timedelta(days=1)
SOON = timedelta(days=7)  # where other times are looked for when one is gone

_REFUSALS: dict[Reason, type[PortalError]] = {
    Reason.NOT_BOOKABLE: ServiceNotOffered,
    Reason.PAST: TooSoon,
    Reason.NOTICE: TooSoon,
    Reason.HORIZON: TooFar,
    Reason.OUTSIDE: SlotNotOffered,
    Reason.MISALIGNED: SlotNotOffered,
    Reason.FULL_DAY: SlotTaken,
    Reason.BUSY: SlotTaken,
    Reason.CLIENT_BUSY: OwnConflict,
}


# ---- booking ----


class Wanted(NamedTuple):
    """What somebody wants to book."""

    staff_id: str
    wish: slots.Wish
    start: int
    client_zone: str
    note: str | None = None
    minutes: int | None = None  # staff may take longer, or less, than the service usually lasts
    override: bool = False


def book(context: Context, wanted: Wanted) -> Appointment:
    """A client asks for a time, or books it where the organization confirms at once; both sides are told.

    Raises TherapistNotOffered (whoever it is whom this client cannot book), ServiceNotOffered, InvalidBody, SlotTaken
    and SlotNotOffered with other times, TooSoon, TooFar, OwnConflict, TooManyOpen, TooManyAhead, TooManyRequests,
    Busy.
    """
    if context.result:
        return get(context, context.client_id, context.result)
    appointment_id = ids.new_id(context.now)
    try:
        return settled(lambda: _book(context, wanted, appointment_id))
    except (SlotTaken, SlotNotOffered) as gone:
        raise type(gone)(errors=_others(context, wanted)) from None


def _book(context: Context, wanted: Wanted, appointment_id: str) -> Appointment:
    scheduling = tenants.scheduling(context.tenant)
    scene = scene_of(context, context.client_id, wanted.staff_id, around=wanted.start)
    staff = _bookable(context, scene)
    service, location = slots.chosen(scene.offer, wanted.wish, by_client=True)
    asked = hours.service_of(service, scheduling)
    instant = scheduling["instant_confirmation"]
    held_until = None if instant else hold_until(context, [wanted.start])
    taken = Taken(appointment_id, [wanted.start], asked.minutes, asked.before, asked.after, held_until)
    scene.keep(context, wanted.start, taken)
    search = scene.search(context, asked, wanted.wish, hours.policy_of(scheduling), "")
    if (why := fits(search, wanted.start)) is not None:
        raise _REFUSALS[why]()
    require_room(context, scene, appointment_id, request=not instant)
    record = _new(context, wanted, appointment_id, staff, scene, service, location, asked, held_until)
    step = Step(
        record,
        taken,
        "appointment:book",
        "booked" if instant else "requested",
        check=scene.still_bookable,
    )
    return commit(context, scene, step)


def _bookable(context: Context, scene: Scene) -> Staff:
    """The therapist, for an act of the client's own; it is written under the version of Bookings, which archiving
    changes (files.archive). Raises TherapistNotOffered."""
    staff = scene.staff
    if _is_closed(scene):
        raise TherapistNotOffered()
    if scene.assignment is None or staff is None or not slots.can_be_booked(context, staff, scene.availability):
        raise TherapistNotOffered()
    return staff


def _is_closed(scene: Scene) -> bool:
    return scene.bookings is not None and bool(scene.bookings.closed)


def _new(
    context: Context,
    wanted: Wanted,
    appointment_id: str,
    staff: Staff,
    scene: Scene,
    service: dict[str, Any],
    location: dict[str, Any] | None,
    asked: Service,
    held_until: int | None,
) -> Appointment:
    """A new appointment; a request while it only holds its time."""
    at = clock.text(context.now)
    said = {"note": wanted.note} if wanted.note else None
    return Appointment.new(
        tenant_id=context.tenant_id,
        client_id=context.client_id,
        appointment_id=appointment_id,
        staff_id=staff.staff_id,
        phase="booked" if held_until is None else "request",
        status=CONFIRMED if held_until is None else REQUESTED,
        held_until=held_until,
        starts_at=clock.text(moment(wanted.start)),
        start=wanted.start,
        minutes=asked.minutes,
        before=asked.before,
        after=asked.after,
        service_id=service["service_id"],
        service_name=service["name"],
        colour=service["colour"],
        mode=str(wanted.wish.mode),
        location_id=location["location_id"] if location else None,
        location_name=location["name"] if location else None,
        staff_name=people.shown(staff),
        zone=scene.availability.zone if scene.availability is not None else context.tenant.zone,
        client_zone=wanted.client_zone,
        made_by=context.actor.kind,
        made_at=at,
        changed_at=at,
        sequence=0,
        words=keys.encrypt(context.tenant_id, said, words_place(appointment_id)) if said else None,
        version=1,
    )


def _others(context: Context, wanted: Wanted, moving: str = "") -> list[dict[str, str]]:
    """The next few times that can be had instead, for whoever was too late."""
    day = moment(wanted.start).date()
    try:
        found = slots.bookable(
            context, wanted.wish, wanted.staff_id, day, day + SOON, wanted.client_zone, moving=moving
        )
    except PortalError:
        return []
    starts = sorted(found[0].starts, key=lambda start: (abs(start - wanted.start), start))[:3]
    return [
        {"pointer": "/starts_at", "code": "alternative", "detail": clock.text(moment(start))}
        for start in sorted(starts)
    ]


# ---- by staff ----


class Objections(NamedTuple):
    """What speaks against a time: what staff may overrule, and what nobody can."""

    warnings: Sequence[str]
    blocked: str | None  # the code of the error that booking would be answered with


def check(context: Context, wanted: Wanted, moving: str | None) -> Objections:
    """What speaks against a time, before staff book it, or move an appointment to it, whose own time is free then.

    Raises as `book_for` does but for the time itself.
    """
    plan = _plan(context, wanted, moving or ids.new_id(context.now))
    blocked, warnings = plan.verdict
    return Objections(warnings, blocked.code if blocked is not None else None)


def book_for(context: Context, wanted: Wanted) -> Appointment:
    """Staff book for a client, confirmed at once; both sides are told.

    Outside the hours, on short notice, in the past only with `override`: NeedsOverride names what speaks against it.
    Never over what is taken: SlotTaken, ClientBusy. Raises NotYourCalendar, ClientArchived, NotAssigned,
    ServiceNotOffered, InvalidBody, Busy.
    """
    if context.result:
        return get(context, context.client_id, context.result)
    appointment_id = ids.new_id(context.now)
    return settled(lambda: _book_for(context, wanted, appointment_id))


class _Plan(NamedTuple):
    scene: Scene
    record: Appointment
    taken: Taken
    verdict: tuple[PortalError | None, list[str]]


def _plan(context: Context, wanted: Wanted, appointment_id: str) -> _Plan:
    require_calendar(context, wanted.staff_id)
    require_kept(context)
    scene = scene_of(context, context.client_id, wanted.staff_id, around=wanted.start)
    if scene.staff is None or scene.staff.status != "active" or scene.assignment is None:
        raise NotAssigned()
    service, location = slots.chosen(scene.offer, wanted.wish, by_client=False)
    usual = hours.service_of(service, tenants.scheduling(context.tenant))
    asked = Service(usual.service_id, wanted.minutes or usual.minutes, usual.before, usual.after)
    taken = Taken(appointment_id, [wanted.start], asked.minutes, asked.before, asked.after)
    scene.days.keep(taken)
    verdict = verdict_on(scene.search(context, asked, wanted.wish, FREE, appointment_id), wanted.start)
    record = _new(context, wanted, appointment_id, scene.staff, scene, service, location, asked, None)
    return _Plan(scene, record, taken, verdict)


def book_occurrence(
    context: Context, wanted: Wanted, appointment_id: str, series_id: str, finish: jobs.Finish
) -> Appointment:
    """`book_for` as the work of one item of a series' job: under an id of its own, and nobody is told of it alone."""
    return settled(lambda: _book_for(context, wanted, appointment_id, series_id, finish))


def _book_for(
    context: Context,
    wanted: Wanted,
    appointment_id: str,
    series_id: str | None = None,
    finish: jobs.Finish | None = None,
) -> Appointment:
    plan = _plan(context, wanted, appointment_id)
    plan.record.series_id = series_id
    require_good(plan.verdict, wanted.override)
    assigned = plan.scene.assignment
    assert assigned is not None
    told = "booked" if finish is None else ""
    check = partial(still_assigned, context, assigned)
    return commit(context, plan.scene, Step(plan.record, plan.taken, "appointment:book", told, check=check), finish)


# ---- what becomes of it ----


def current(context: Context, again: bool) -> Appointment:
    """The appointment that the address names, as it is now and, where If-Match says so, as it was seen."""
    found: Appointment | None = context.named["appointment_id"]
    if again and found is not None:
        found = Appointment.find(
            tenant_id=context.tenant_id, client_id=context.client_id, appointment_id=found.appointment_id
        )
    if found is None:
        raise NotFound()
    if context.actor.kind == "staff":
        require_calendar(context, found.staff_id)
    if context.if_match is not None and int(found.version) != context.if_match:
        raise Stale()
    return found


def _act(context: Context, attempt: Callable[[Appointment], Appointment]) -> Appointment:
    """Do something with the appointment that the address names; again on what is there while others are faster."""
    if context.result:
        return get(context, context.client_id, context.result)
    tries = count()
    return settled(lambda: attempt(current(context, again=next(tries) > 0)))


def _require_open(context: Context, record: Appointment, *states: str) -> None:
    if record.status not in states:
        raise AppointmentEnded()
    if record.status in OPEN and minute(context.now) >= int(record.held_until):
        raise RequestExpired()


def _settle(
    context: Context,
    record: Appointment,
    new: Appointment,
    action: str,
    told: str,
    *,
    by_client: bool = False,
    finish: jobs.Finish | None = None,
) -> Appointment:
    """Change what an appointment is without a new time, or keep one that it holds: free what it no longer occupies."""
    taken = occupied(new)
    old = occupied(record)
    scene = scene_of(context, record.client_id, record.staff_id, old, taken)
    if by_client:
        require_pace(context, scene.bookings)
        if new.status == CONFIRMED and _is_closed(scene):
            raise ClientArchived()
    if new.status == CONFIRMED:  # its hold may have been over for a moment: somebody may have the time
        require_free(context, scene, new)
    check: Callable[[Transaction], None] | None = None
    if new.status == CONFIRMED and not by_client:
        check = partial(still_kept, context)
    elif record.group_id and new.status == CANCELLED:
        check = memberships.leaving(context.now, record)
    step = Step(new, taken, action, told, seen=int(record.version), check=check, old=old)
    return commit(context, scene, step, finish)


def confirm(context: Context) -> Appointment:
    """Staff confirm a request. Raises Stale, AppointmentEnded, RequestExpired, SlotTaken, NotYourCalendar,
    ClientArchived."""

    def attempt(record: Appointment) -> Appointment:
        _require_open(context, record, REQUESTED)
        require_kept(context)
        new = changed(context, record, status=CONFIRMED)
        return _settle(context, record, new, "appointment:confirm", "confirmed")

    return _act(context, attempt)


def decline(context: Context, message: str | None) -> Appointment:
    """Staff decline a request; the message is read in the portal only."""

    def attempt(record: Appointment) -> Appointment:
        _require_open(context, record, *OPEN)
        said = with_words(record, message=message)
        new = changed(context, record, status=DECLINED, ended_by="staff", words=said)
        return _settle(context, record, new, "appointment:decline", "declined")

    return _act(context, attempt)


def propose(context: Context, starts: Sequence[int], message: str | None, override: bool) -> Appointment:
    """Staff offer other times instead, which are held for the client to choose from; the one asked for is let go.

    Raises what `book_for` raises about the times, and what `confirm` raises about the request.
    """

    def attempt(record: Appointment) -> Appointment:
        _require_open(context, record, *OPEN)
        require_kept(context)
        said, offered = with_words(record, message=message), sorted(set(starts))
        held_until = hold_until(context, offered)
        new = changed(
            context, record, status=PROPOSED, start=offered[0], proposals=offered, held_until=held_until, words=said
        )
        taken, old = occupied(new), occupied(record)
        scene = scene_of(context, record.client_id, record.staff_id, old, taken)
        warnings = require_free(context, scene, new, *offered)
        if Reason.PAST in warnings:  # nobody can choose what has passed
            raise TooSoon()
        require_good((None, warnings), override)
        kept = partial(still_kept, context)
        step = Step(new, taken, "appointment:propose", "proposed", seen=int(record.version), check=kept, old=old)
        return commit(context, scene, step)

    return _act(context, attempt)


def accept(context: Context, start: int) -> Appointment:
    """The client takes one of the times that the practice offered: booked. Raises NotProposed, RequestExpired, …"""

    def attempt(record: Appointment) -> Appointment:
        _require_open(context, record, PROPOSED)
        require_kept(context)
        if start not in record.proposals:
            raise NotProposed()
        new = changed(context, record, status=CONFIRMED, start=start)
        return _settle(context, record, new, "appointment:accept", "accepted", by_client=True)

    return _act(context, attempt)


def cancel(context: Context, reason: str | None) -> Appointment:
    """The client takes back a request at any time, an appointment until the notice begins (TooLate: call us).

    What was booked a moment ago can be undone whatever the notice.
    """

    def attempt(record: Appointment) -> Appointment:
        _require_ours(context, record)
        said = with_words(record, reason=reason)
        new = changed(context, record, status=CANCELLED, ended_by="client", words=said)
        return _settle(context, record, new, "appointment:cancel", "cancelled", by_client=True)

    return _act(context, attempt)


def cancel_for(
    context: Context, reason: str | None, at_request: bool, finish: jobs.Finish | None = None
) -> Appointment:
    """Staff cancel; when the client asked for it within the notice, it is marked as late (DOMAIN.md 5.5). As the work
    of one item of a job nobody is told of it alone."""

    def attempt(record: Appointment) -> Appointment:
        if record.status not in LIVE:
            raise AppointmentEnded()
        late = at_request and record.status == CONFIRMED and context.now > change_until(context.tenant, record)
        new = changed(
            context,
            record,
            status=CANCELLED,
            ended_by="client" if at_request else "staff",
            late=late or None,
            words=with_words(record, reason=reason),
        )
        told = "cancelled" if finish is None else ""
        return _settle(context, record, new, "appointment:cancel", told, finish=finish)

    return _act(context, attempt)


def change_until(tenant: Tenant, record: Appointment) -> datetime:
    """Until when a client changes this alone: a request until its time, an appointment until the notice begins."""
    start = moment(int(record.start))
    if record.status in OPEN:
        return start
    return start - timedelta(hours=tenants.scheduling(tenant)["cancel_notice_hours"])


def undo_until(record: Appointment) -> datetime | None:
    """Until when a client can take back what they have just booked."""
    if record.made_by != "client" or record.status not in LIVE:
        return None
    return min(clock.parse(record.made_at) + UNDO, moment(int(record.start)))


def moved_by_client(record: Appointment) -> bool:
    """Whether it stands where its client moved it: it was made before it was last asked for. The earlier time is gone,
    so taking it back undoes nothing."""
    return record.made_by == "client" and record.appointment_id < ids.floor_id(clock.parse(record.made_at))


def can_cancel(tenant: Tenant, record: Appointment, now: datetime) -> bool:
    """Whether the client can cancel this alone."""
    undo = undo_until(record)
    return record.status in LIVE and (now <= change_until(tenant, record) or (undo is not None and now < undo))


def can_move(tenant: Tenant, record: Appointment, now: datetime) -> bool:
    """Whether the client can choose another time for this alone."""
    return record.status in LIVE and not record.group_id and now <= change_until(tenant, record)


def _require_alone(record: Appointment) -> None:
    """A group is moved as a whole, by staff (DOMAIN.md 5.4)."""
    if record.group_id:
        raise InGroup()


def _require_ours(context: Context, record: Appointment) -> None:
    if record.status not in LIVE:
        raise AppointmentEnded()
    if not can_cancel(context.tenant, record, context.now):
        raise TooLate()


def move(context: Context, start: int, client_zone: str) -> Appointment:
    """The client chooses another time: the old one is free and the new one taken in one transaction.

    It is a request again, unless the organization confirms at once. Raises what `book` raises about a time, TooLate
    within the notice, Stale, AppointmentEnded.
    """

    def attempt(record: Appointment) -> Appointment:
        _require_alone(record)
        _require_ours(context, record)
        if not can_move(context.tenant, record, context.now):
            raise TooLate()
        return _move(context, record, start, client_zone)

    try:
        return _act(context, attempt)
    except (SlotTaken, SlotNotOffered) as gone:
        record = context.named["appointment_id"]
        wish = slots.Wish(record.service_id, Mode(record.mode), record.location_id)
        wanted = Wanted(record.staff_id, wish, start, client_zone)
        raise type(gone)(errors=_others(context, wanted, record.appointment_id)) from None


def _move(context: Context, record: Appointment, start: int, client_zone: str) -> Appointment:
    scheduling = tenants.scheduling(context.tenant)
    instant = scheduling["instant_confirmation"]
    new = changed(
        context,
        record,
        status=CONFIRMED if instant else REQUESTED,
        start=start,
        proposals=None,
        held_until=None if instant else hold_until(context, [start]),
        client_zone=client_zone,
        made_by="client",
        made_at=clock.text(context.now),
    )
    old, taken = occupied(record), occupied(new)
    scene = scene_of(context, record.client_id, record.staff_id, old, taken, around=start)
    _bookable(context, scene)
    scene.keep(context, start, old, taken)
    service = Service(record.service_id, int(record.minutes), int(record.before), int(record.after))
    wish = slots.Wish(record.service_id, Mode(record.mode), record.location_id)
    search = scene.search(context, service, wish, hours.policy_of(scheduling), record.appointment_id)
    if (why := fits(search, start)) is not None:
        raise _REFUSALS[why]()
    require_room(context, scene, record.appointment_id, request=not instant)
    told = "moved" if instant else "move_requested"
    step = Step(
        new,
        taken,
        "appointment:move",
        told,
        seen=int(record.version),
        check=scene.still_bookable,
        old=old,
    )
    return commit(context, scene, step)


class Opening(NamedTuple):
    """A time that is held for a client who waits for one (services/waits)."""

    staff_id: str
    wish: slots.Wish
    hold: Taken
    client_zone: str
    appointment_id: str | None  # what it moves


def take(context: Context, opening: Opening, close: Callable[[Transaction, Scene, set[Interval]], None]) -> Appointment:
    """The client takes a time that was offered from the wait list: booked at once, as times are that the practice
    proposes; an appointment that it is for moves there. `close` ends the wait in the same transaction, and is told
    what becomes free.

    One attempt. Raises AppointmentEnded, TooLate (of the one that it moves), TherapistNotOffered, ServiceNotOffered,
    OwnConflict, SlotTaken, TooManyAhead, TooManyRequests, Moved.
    """
    (start,) = opening.hold.starts
    moving = _movable(context, opening.appointment_id) if opening.appointment_id else None
    old = occupied(moving) if moving is not None else Taken(ids.new_id(context.now))
    taken = replace(opening.hold, appointment_id=old.appointment_id, held_until=None, of_client=True)
    scene = scene_of(context, context.client_id, opening.staff_id, old, taken)
    staff = _bookable(context, scene)
    service, location = slots.chosen(scene.offer, opening.wish, by_client=True)
    asked = Service(service["service_id"], taken.minutes, taken.before, taken.after)
    search = scene.search(context, asked, opening.wish, FREE, old.appointment_id)
    others = [each for each in search.busy if each.appointment_id != opening.hold.appointment_id]
    blocked, _ = verdict_on(replace(search, busy=others), start)
    if blocked is not None:
        raise OwnConflict() if isinstance(blocked, ClientBusy) else blocked
    require_room(context, scene, old.appointment_id, request=False)
    wanted = Wanted(opening.staff_id, opening.wish, start, opening.client_zone)
    if moving is None:
        new = _new(context, wanted, old.appointment_id, staff, scene, service, location, asked, None)
    else:
        at = clock.text(context.now)
        new = changed(
            context,
            moving,
            status=CONFIRMED,
            start=start,
            client_zone=opening.client_zone,
            made_by="client",
            made_at=at,
        )

    def check(tx: Transaction) -> None:
        scene.still_bookable(tx)
        close(tx, scene, old.spans() - taken.spans())

    told, seen = ("moved", int(moving.version)) if moving is not None else ("booked", None)
    held = opening.hold.appointment_id
    return commit(context, scene, Step(new, taken, "wait:accept", told, seen, check, instead_of=held))


def _movable(context: Context, appointment_id: str) -> Appointment:
    record = get(context, context.client_id, appointment_id)
    if record.status not in LIVE:
        raise AppointmentEnded()
    if not can_move(context.tenant, record, context.now):
        raise TooLate()
    return record


def move_for(context: Context, start: int, override: bool, finish: jobs.Finish | None = None) -> Appointment:
    """Staff move a confirmed appointment. Raises NeedsOverride, SlotTaken, ClientBusy, AppointmentEnded, InGroup,
    Stale. As the work of one item of a job nobody is told of it alone."""

    def attempt(record: Appointment) -> Appointment:
        _require_alone(record)
        _require_open(context, record, CONFIRMED)
        new = changed(context, record, start=start)
        taken, old = occupied(new), occupied(record)
        scene = scene_of(context, record.client_id, record.staff_id, old, taken)
        require_good((None, require_free(context, scene, new)), override)
        told = "moved" if finish is None else ""
        step = Step(new, taken, "appointment:move", told, seen=int(record.version), old=old)
        return commit(context, scene, step, finish)

    return _act(context, attempt)


def settle(context: Context, outcome: str) -> Appointment:
    """Staff note that it took place, or that the client did not come; either can be put right later."""
    record = current(context, again=False)
    if context.result or record.status == outcome:
        return record
    if record.status not in HELD:
        raise AppointmentEnded()
    if context.now < moment(int(record.start)):
        raise NotYetBegun()
    new = changed(context, record, moves=False, status=outcome)
    with Transaction() as tx:
        idempotency.remember(tx, context, record.appointment_id)
        tx.put(new, when=Appointment.version == record.version, otherwise=Stale())
        about = {"appointment_id": record.appointment_id, "staff_id": record.staff_id}
        tx.create(audits.event(context, f"appointment:{outcome}", client_id=record.client_id, **about))
    return new


# ---- reading ----


def get(context: Context, client_id: str, appointment_id: str) -> Appointment:
    """An appointment of this client. Raises NotFound."""
    found = Appointment.find(tenant_id=context.tenant_id, client_id=client_id, appointment_id=appointment_id)
    if found is None:
        raise NotFound()
    return found


def of_client(context: Context, when: str, limit: int, cursor: str | None) -> Page:
    """The client's appointments: `upcoming` in order, all at once (the caps and the horizon bound them); `past` newest
    first, by pages."""
    own: dict[str, Any] = {"tenant_id": context.tenant_id, "client_id": context.client_id}
    now = clock.text(context.now)
    if when == "past":
        found = Appointment.page(Appointment.BY_CLIENT, limit=limit, cursor=cursor, until=now, **own)
        return Page([each for each in found.items if not _lasts(each, context.now)], found.next_cursor)
    since = clock.text(context.now - LONGEST)
    ahead = Appointment.between(Appointment.BY_CLIENT, since, "9", **own)
    return Page([each for each in ahead if _lasts(each, context.now)], None)


def _lasts(record: Appointment, now: datetime) -> bool:
    return moment(int(record.start) + int(record.minutes)) > now


def links(context: Context, records: Sequence[Appointment]) -> dict[str, str]:
    """The link of each meeting by video that begins within a quarter of an hour, or goes on (by appointment)."""
    due = [
        each
        for each in records
        if each.status == CONFIRMED
        and each.mode == Mode.TELEHEALTH
        and context.now >= moment(int(each.start)) - LINK_BEFORE
        and _lasts(each, context.now)
    ]
    wanted = dict.fromkeys(each.staff_id for each in due)
    found = load(*((Availability, {"tenant_id": context.tenant_id, "staff_id": each}) for each in wanted))
    shown = {staff_id: hours.telehealth_link(each) for staff_id, each in zip(wanted, found, strict=True)}
    return {each.appointment_id: link for each in due if (link := shown[each.staff_id])}


def link_follows(context: Context, record: Appointment) -> bool | None:
    """Whether the therapist of a meeting by video that is still ahead has a link, which `links` will give before it
    begins; None for any other."""
    if record.mode != Mode.TELEHEALTH or record.status not in LIVE or not _lasts(record, context.now):
        return None
    found = Availability.find(tenant_id=context.tenant_id, staff_id=record.staff_id)
    return found is not None and found.telehealth_link is not None


# ---- what is due ----


class _Reminded(PortalError):
    """This reminder is in the outbox already."""


def sweep(pk: str, sk: str, now: datetime) -> None:
    """An appointment that is due: a request whose hold is over expires, and both sides learn it; else a reminder."""
    for record in at_keys([(pk, sk)], consistent=True):
        tenant, client = load(
            (Tenant, {"tenant_id": record.tenant_id}),
            (Client, {"tenant_id": record.tenant_id, "client_id": record.client_id}),
        )
        context = Context(
            tenant_id=record.tenant_id,
            actor=Actor("system", "due"),
            now=now,
            persona=Persona.JOBS,
            tenant=tenant,
            client=client,
            named={"appointment_id": record},
        )
        if record.status in OPEN and minute(now) >= int(record.held_until):
            _expire(context)
        elif record.status == CONFIRMED:
            _remind(context, record)
        else:
            _look_again(record, due_at(tenant, record, now))


def _expire(context: Context) -> None:
    def attempt(record: Appointment) -> Appointment:
        if record.status not in OPEN or minute(context.now) < int(record.held_until):
            return record  # somebody has answered since
        new = changed(context, record, status=EXPIRED, ended_by="system")
        return _settle(context, record, new, "appointment:expire", "expired")

    _act(context, attempt)


def _remind(context: Context, record: Appointment) -> None:
    """Mail the reminder whose time has come, the latest of several; once, however often the work is brought."""
    come = [at for at in reminders(context.tenant, int(record.start)) if at <= context.now]
    again = due_at(context.tenant, record, context.now)
    active = context.client is not None and context.client.portal == "active"
    if not come or not active or context.now >= moment(int(record.start)):
        _look_again(record, again)
        return
    at = max(come)
    about: dict[str, Any] = {"appointment_id": record.appointment_id, "start": int(record.start)}
    cause = f"{record.appointment_id}|{record.start}"
    letter = mails.to_client(at, record.tenant_id, record.client_id, "appointment_reminder", cause, **about)
    try:
        with Transaction() as tx:
            tx.create(letter, otherwise=_Reminded())
            tx.update(
                record, *record.due_next(again), when=Appointment.version == record.version, otherwise=_Reminded()
            )
    except _Reminded:
        _look_again(record, again)
        return
    mails.hand_over(letter)


def _look_again(record: Appointment, at: datetime | None) -> None:
    """Next at this time, or not any more, unless it has changed since: then whoever changed it said when."""
    with contextlib.suppress(_Reminded):
        change(record, *record.due_next(at), when=Appointment.version == record.version, otherwise=_Reminded())
