"""Group appointments: one therapist, up to twenty clients, each with a place of their own (DOMAIN.md 5.4).

The group keeps the therapist's time, once; each place is an appointment of its client, keeps the client's time, and
says nothing of the others. Twenty clients' days, appointments, audits and mails are more than one transaction holds,
so the group comes first and decides, and the places follow it, one transaction each, in a job that can be resumed:

    create ─▶ group, therapist's time taken, members `joining` ─▶ job: each is `in`, or `out` with the reason
    move, cancel ─▶ group and therapist's time changed ─▶ job: each place goes where the group is, or ends

Between the two a place stands where the group was, and both sides' days say so: nobody is ever in two places at once.
A place is booked under the group's version, so there are never more than its capacity.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from chalicelib import clock, ids
from chalicelib.context import Context
from chalicelib.errors import (
    AppointmentEnded,
    ClientArchived,
    ClientBusy,
    Forbidden,
    GroupFull,
    InvalidBody,
    NotAssigned,
    NotFound,
    PortalError,
    Stale,
    TooFewPlaces,
)
from chalicelib.models.clients import Assignment, Client
from chalicelib.models.jobs import Job
from chalicelib.models.mails import StaffMail
from chalicelib.models.slots import Appointment, ClientDay, Group
from chalicelib.models.table import load
from chalicelib.models.transaction import Moved, Transaction, settled
from chalicelib.policies.decide import Facts, denial
from chalicelib.services import (
    appointments,
    audits,
    bookings,
    calendars,
    clients,
    idempotency,
    jobs,
    mails,
    slots,
    tenants,
)
from chalicelib.services import availability as hours
from chalicelib.services import staff as people
from chalicelib.services.bookings import CANCELLED, CONFIRMED, Scene, Step
from chalicelib.services.calendars import Days, Taken
from chalicelib.services.memberships import IN, JOINING, OUT, changed, group_of, place_id, put, settle, taken
from chalicelib.slots.rules import Busy, Mode, Service
from chalicelib.slots.zones import minute, moment

JOIN, FOLLOW = "join_group", "follow_group"  # the jobs
MOST = 20  # clients in a group
KNOWN = 60  # clients that a group's record remembers, those who are out among them
UNCHANGED = "unchanged"


class Wanted(NamedTuple):
    """What staff want: a group at a time, with these clients. `override`: nevertheless, outside the hours."""

    staff_id: str
    wish: slots.Wish
    start: int
    minutes: int | None = None
    capacity: int = MOST
    client_ids: Sequence[str] = ()
    override: bool = False


class Person(NamedTuple):
    """One who is to take part, and why not: client_busy, not_assigned, client_archived, or None. Of a group that is
    moving: one who has a place, whom the asker may not see perhaps; views do not say then who it is."""

    client_id: str
    client: Client | None  # None: the asker may not see this file
    problem: str | None


class Check(NamedTuple):
    """What speaks against a time for the therapist, as for `appointments.check`, and for each of the clients."""

    warnings: Sequence[str]
    blocked: str | None
    people: list[Person]


# ---- making one ----


def check(context: Context, wanted: Wanted, moving: str | None = None) -> Check:
    """What speaks against a group at this time, or against moving one to it, with whoever has a place in it; nothing
    is written."""
    plan = _plan(context, wanted, moving or ids.new_id(context.now))
    group = group_of(context.tenant_id, wanted.staff_id, moving) if moving else None
    found = _people(context, wanted, plan.service.minutes, group)
    blocked, warnings = plan.verdict
    return Check(warnings, blocked.code if blocked is not None else None, found)


class Asked(NamedTuple):
    """A group that is wanted, as the organization offers it; `facts` are without days."""

    facts: Scene
    service: Service
    offered: dict[str, Any]
    location: dict[str, Any] | None


def asked(context: Context, wanted: Wanted) -> Asked:
    """What a wish comes to. Raises NotYourCalendar, NotFound, ServiceNotOffered, InvalidBody."""
    bookings.require_calendar(context, wanted.staff_id)
    facts = bookings.scene_of(context, "", wanted.staff_id)
    if facts.staff is None or facts.staff.status != "active":
        raise NotFound()
    service, location = slots.chosen(facts.offer, wanted.wish, by_client=False)
    usual = hours.service_of(service, tenants.scheduling(context.tenant))
    return Asked(facts, replace(usual, minutes=wanted.minutes or usual.minutes, bookable=True), service, location)


class _Plan(NamedTuple):
    scene: Scene
    service: Service
    about: dict[str, Any]  # of the record
    verdict: tuple[PortalError | None, list[str]]
    taken: Taken


def _plan(context: Context, wanted: Wanted, group_id: str) -> _Plan:
    facts, service, offered, location = asked(context, wanted)
    assert facts.staff is not None
    occupies = Taken(group_id, [wanted.start], service.minutes, service.before, service.after, of_client=False)
    days = Days.touched(context.tenant_id, wanted.staff_id, "", occupies)
    days.read(load(*days.wanted()))
    scene = replace(facts, days=days)
    about = {
        "staff_id": wanted.staff_id,
        "start": wanted.start,
        "minutes": service.minutes,
        "before": service.before,
        "after": service.after,
        "service_id": offered["service_id"],
        "service_name": offered["name"],
        "colour": offered["colour"],
        "mode": str(wanted.wish.mode),
        "location_id": location["location_id"] if location else None,
        "location_name": location["name"] if location else None,
        "staff_name": people.shown(facts.staff),
        "zone": facts.availability.zone if facts.availability is not None else context.tenant.zone,
    }
    search = scene.search(context, service, wanted.wish, bookings.FREE, group_id)
    return _Plan(scene, service, about, bookings.verdict_on(search, wanted.start), occupies)


def _people(context: Context, wanted: Wanted, minutes: int, moving: Group | None) -> list[Person]:
    """Whether each of the clients can be there, or each who has a place in the group that is moving; four items each at
    the most (three without midnight in between), in two reads."""
    client_ids = with_place(moving) if moving is not None else wanted.client_ids
    days = list(dict.fromkeys(calendars.day_of(at) for at in (wanted.start, wanted.start + minutes - 1)))
    places = [{"tenant_id": context.tenant_id, "client_id": each} for each in client_ids]
    theirs = [(ClientDay, {**each, "day": day}) for each in places for day in days]
    if moving is not None:
        judged, found = those_in(context, client_ids), load(*theirs)
    else:
        judged, found = _judged(context, wanted.staff_id, client_ids, theirs)
    people = []
    for number, person in enumerate(judged):
        own = found[number * len(days) : (number + 1) * len(days)]
        ignored = place_id(moving, person.client_id) if moving is not None else ""
        busy = calendars.entries(each for each in own if each is not None)
        if person.problem is None and any(overlaps(context, e, wanted.start, minutes, ignored) for e in busy):
            person = person._replace(problem=ClientBusy.code)
        people.append(person)
    return people


def those_in(context: Context, client_ids: Sequence[str]) -> list[Person]:
    """Those who have a place in a group that is moving. They go along, whatever has become of their file or of their
    assignment since; also those whom the asker may not see."""
    files = {each.client_id: each for each in clients.visible(context, list(client_ids))}
    return [Person(each, files.get(each), None) for each in client_ids]


def who_can_be(context: Context, staff_id: str, client_ids: Sequence[str]) -> list[Person]:
    """Who of these the therapist may have in a group at all, whatever the time: not_assigned, client_archived."""
    return _judged(context, staff_id, client_ids)[0]


def _judged(
    context: Context, staff_id: str, client_ids: Sequence[str], also: Sequence[Any] = ()
) -> tuple[list[Person], list[Any]]:
    """`who_can_be`, and what else was to be read along."""
    own = {"tenant_id": context.tenant_id, "staff_id": staff_id}
    files = {each.client_id: each for each in clients.visible(context, list(client_ids))}
    records = load(*((Assignment, {**own, "client_id": each}) for each in client_ids), *also)
    people = []
    for client_id, assignment in zip(client_ids, records[: len(client_ids)], strict=True):
        client, problem = files.get(client_id), None
        if assignment is None or client is None:
            problem = NotAssigned.code
        elif client.status != "active":
            problem = ClientArchived.code
        people.append(Person(client_id, client, problem))
    return people, records[len(client_ids) :]


def require_all(found: Sequence[Person]) -> None:
    """Raise NotAssigned or ClientArchived where somebody can be in no group of this therapist's."""
    problems = {each.problem for each in found}
    if NotAssigned.code in problems:
        raise NotAssigned()
    if ClientArchived.code in problems:
        raise ClientArchived()


def overlaps(context: Context, entry: Busy, start: int, minutes: int, ignored: str) -> bool:
    """Whether what is taken of somebody's time is in the way of a time; what is to be moved (its id) is not."""
    live = entry.held_until is None or minute(context.now) < entry.held_until
    return live and entry.appointment_id != ignored and entry.start < start + minutes and start < entry.end


def create(context: Context, wanted: Wanted) -> Group:
    """Take the therapist's time for a group, and begin to enter these clients; each is told once they are in.

    Raises NeedsOverride, SlotTaken, NotAssigned, ClientArchived, ServiceNotOffered, InvalidBody, NotYourCalendar, Busy.
    """
    if context.result:
        return group_of(context.tenant_id, wanted.staff_id, context.result)
    require_places(wanted)
    require_all(who_can_be(context, wanted.staff_id, wanted.client_ids))
    group_id = ids.new_id(context.now)
    job: list[Job] = []

    def attempt() -> Group:
        plan = _plan(context, wanted, group_id)
        bookings.require_good(plan.verdict, wanted.override)
        if wanted.client_ids and not job:
            job.append(_job(context, JOIN, wanted.staff_id, group_id, wanted.client_ids))
        group = _new(context, wanted, plan, group_id, job[0].job_id if job else None)
        return _commit(context, group, plan.scene, plan.taken, None, ("create", "booked"), job)

    return settled(attempt)


def require_places(wanted: Wanted) -> None:
    """Raise InvalidBody where more people are named than the group has places for."""
    if len(wanted.client_ids) > wanted.capacity:
        detail = "More people than the group has places for."
        raise InvalidBody(errors=[{"pointer": "/client_ids", "code": "capacity", "detail": detail}])


def create_occurrence(
    context: Context, wanted: Wanted, group_id: str, series_id: str, job_id: str, finish: jobs.Finish
) -> Group:
    """`create` as the work of one item of a series' job: under an id of its own, and nobody is told of it alone. Its
    clients are `joining`, to be entered by `enter`."""
    require_allowed(context, wanted.staff_id)

    def attempt() -> Group:
        plan = _plan(context, wanted, group_id)
        bookings.require_good(plan.verdict, wanted.override)
        group = _new(context, wanted, plan, group_id, job_id)
        group.series_id = series_id
        return _commit(context, group, plan.scene, plan.taken, None, ("create", ""), (), finish)

    return settled(attempt)


def _new(context: Context, wanted: Wanted, plan: _Plan, group_id: str, job_id: str | None) -> Group:
    at = clock.text(context.now)
    return Group.new(
        tenant_id=context.tenant_id,
        appointment_id=group_id,
        phase="booked",
        status=CONFIRMED,
        starts_at=clock.text(moment(wanted.start)),
        made_at=at,
        changed_at=at,
        sequence=0,
        capacity=wanted.capacity,
        members={each: [JOINING, None] for each in wanted.client_ids},
        job_id=job_id,
        version=1,
        **plan.about,
    )


def _job(
    context: Context, work: str, staff_id: str, group_id: str, client_ids: Sequence[str], reason: str | None = None
) -> Job:
    shared = {"staff_id": staff_id, "group_id": group_id, "reason": reason}
    return jobs.prepared(context, work, shared, [{"client_id": each} for each in client_ids])


def _commit(
    context: Context,
    group: Group,
    scene: Scene,
    occupies: Taken,
    seen: Group | None,
    told: tuple[str, str],
    job: Sequence[Job],
    finish: jobs.Finish | None = None,
) -> Group:
    """The group, the therapist's days, the job that brings the places in line, what is recorded and what the therapist
    is told ("": nothing), the outcome of the item that it is the work of: all or nothing. At most seven items, with two
    days of the therapist's. Raises Moved."""
    verb, letter = told
    letters = [_letter(context, group, letter)] if letter else []
    with Transaction() as tx:
        if finish is not None:  # first: another worker may have done this very item
            finish(tx, group.appointment_id)
        idempotency.remember(tx, context, group.appointment_id)
        scene.days.write(tx, occupies, minute(context.now))
        if seen is None:
            tx.create(group)
        else:
            put(tx, seen, group)
            freed = _occupied(seen, [int(seen.start)]).spans() - occupies.spans()
            calendars.opened(tx, scene.waiting, freed, context.now)
        for each in job:
            jobs.begin(tx, context, each)
        about = {"group_id": group.appointment_id, "staff_id": group.staff_id, "series_id": group.series_id}
        tx.create(audits.event(context, f"group:{verb}", **about))
        for mail in letters:
            tx.create(mail)
    mails.hand_over(*letters)
    for each in job:
        jobs.queue_again(each)
    return group


def _letter(context: Context, group: Group, told: str) -> StaffMail:
    about: dict[str, Any] = {"appointment_id": group.appointment_id, "start": int(group.start)}
    return mails.to_staff(context.now, group.tenant_id, group.staff_id, f"appointment_{told}", **about)


# ---- one client's place ----


def add(context: Context, staff_id: str, group_id: str, client_id: str) -> Group:
    """Give a client a place; they are told. Who has one keeps it.

    Raises GroupFull, ClientBusy, NotAssigned (and nothing else of one whose file the asker may not see),
    ClientArchived, AppointmentEnded, NotYourCalendar, NotFound, Busy.
    """
    bookings.require_calendar(context, staff_id)

    def attempt() -> None:
        group = group_of(context.tenant_id, staff_id, group_id)
        if not clients.visible(context, [client_id]):
            raise NotAssigned()
        _join(context, group, client_id)

    if not context.result:
        settled(attempt)
    return group_of(context.tenant_id, staff_id, group_id)


def _join(
    context: Context, group: Group, client_id: str, finish: jobs.Finish | None = None, told: str = "booked"
) -> None:
    """At most nine items, with two days of the client's: the outcome, the client and the assignment as they must be,
    the group, the place, the audit, and a mail."""
    if group.status != CONFIRMED:
        raise AppointmentEnded()
    state = group.members.get(client_id, [None])[0]
    if state == IN:
        if finish is not None:
            with Transaction() as tx:
                finish(tx)
        return
    unknown = client_id not in group.members and len(group.members) >= KNOWN
    if state != JOINING and (taken(group) >= group.capacity or unknown):
        raise GroupFull()
    own, seen = _client_of(context, group, client_id)
    bookings.require_kept(own)
    record = _place(own, group, seen)
    occupies = bookings.occupied(record)
    scene = bookings.scene_of(own, client_id, group.staff_id, occupies)
    assignment = scene.assignment
    if assignment is None or scene.staff is None or scene.staff.status != "active":
        raise NotAssigned()
    bookings.require_free(own, scene, record)

    def check(tx: Transaction) -> None:
        bookings.still_assigned(own, assignment, tx)
        settle(tx, own.now, group, client_id, IN)

    before = int(seen.version) if seen is not None else None
    step = Step(record, occupies, "appointment:book", told, seen=before, check=check, tell_staff=False)
    bookings.commit(own, scene, step, finish)


def _client_of(context: Context, group: Group, client_id: str) -> tuple[Context, Appointment | None]:
    """The client, and the place that they have, or had once. Raises NotAssigned, as for everybody who cannot be."""
    place = {"tenant_id": context.tenant_id, "client_id": client_id}
    client, seen = load((Client, place), (Appointment, {**place, "appointment_id": place_id(group, client_id)}))
    if client is None:
        raise NotAssigned()
    return replace(context, client=client), seen


_OF_GROUP = ("tenant_id", "staff_id", "starts_at", "start", "minutes", "before", "after", "service_id", "service_name",
             "colour", "mode", "location_id", "location_name", "staff_name", "zone")  # fmt: skip


def _place(own: Context, group: Group, seen: Appointment | None) -> Appointment:
    """A client's own appointment; of one who was in this group before the same, going on."""
    at = clock.text(own.now)
    return Appointment.new(
        **{name: getattr(group, name) for name in _OF_GROUP},
        client_id=own.client_id,
        appointment_id=place_id(group, own.client_id),
        group_id=group.appointment_id,
        phase="place",
        status=CONFIRMED,
        client_zone=own.tenant.zone,
        made_by="staff",
        made_at=at,
        changed_at=at,
        sequence=int(seen.sequence) + 1 if seen is not None else 0,
        version=int(seen.version) + 1 if seen is not None else 1,
    )


def join_one(context: Context, task: jobs.Task, finish: jobs.Finish) -> None:
    """The work of one client who is joining (services.jobs): in, or out with the reason."""
    enter(context, task.shared["staff_id"], task.shared["group_id"], task.about["client_id"], finish)


def enter(
    context: Context,
    staff_id: str,
    group_id: str,
    client_id: str,
    finish: jobs.Finish | None = None,
    told: str = "booked",
) -> None:
    """Bring one who is joining in, or out with the reason."""

    def attempt() -> None:
        try:
            require_allowed(context, staff_id)
            _join(context, group_of(context.tenant_id, staff_id, group_id), client_id, finish, told)
        except PortalError as refused:
            if refused.status >= 500 or refused.status == 429:
                raise
            group = group_of(context.tenant_id, staff_id, group_id)
            with Transaction() as tx:
                if finish is not None:
                    finish(tx)
                settle(tx, context.now, group, client_id, OUT, refused.code)

    settled(attempt)


def add_occurrence(context: Context, staff_id: str, group_id: str, client_id: str, finish: jobs.Finish) -> None:
    """`add` as the work of one item of a series' job: nobody is told of it alone."""
    require_allowed(context, staff_id)

    def attempt() -> None:
        _join(context, group_of(context.tenant_id, staff_id, group_id), client_id, finish, "")

    settled(attempt)


def take_out(
    context: Context, group: Group, client_id: str, reason: str | None, at_request: bool, finish: jobs.Finish
) -> None:
    """End a client's place as the work of one item of a series' job: nobody is told alone. Skip: there is none."""
    require_allowed(context, group.staff_id)
    own, place = _client_of(context, group, client_id)
    if place is None or place.status != CONFIRMED:
        raise jobs.Skip(AppointmentEnded.code)
    own.named = {"appointment_id": place}
    appointments.cancel_for(own, reason, at_request, finish)


def require_allowed(context: Context, staff_id: str) -> None:
    """Whoever began a job must still be allowed to go on with it. Raises Forbidden."""
    facts = Facts(context.actor.roles, is_self=staff_id == context.actor.id, circumstances=context.circumstances)
    if denial("group:manage", facts) is not None:
        raise Forbidden()


# ---- the whole group ----


def move(context: Context, staff_id: str, group_id: str, start: int, override: bool, without_busy: bool) -> Group:
    """Move a group; the places follow. `without_busy`: those who have another appointment then lose their place, and
    are told; else ClientBusy where there are such.

    Raises NeedsOverride, SlotTaken, AppointmentEnded, Stale, NotYourCalendar, NotFound.
    """

    def attempt(group: Group) -> Group:
        wish = Wanted(staff_id, wish_of(group), start)
        busy = any(each.problem == ClientBusy.code for each in _people(context, wish, int(group.minutes), group))
        if busy and not without_busy:
            raise ClientBusy()
        job = _job(context, FOLLOW, staff_id, group_id, with_place(group))
        return _move(context, group, start, override, job.job_id, [job])

    return _act(context, staff_id, group_id, attempt)


def _move(
    context: Context,
    group: Group,
    start: int,
    override: bool,
    job_id: str,
    job: Sequence[Job] = (),
    finish: jobs.Finish | None = None,
) -> Group:
    occupies, group_id = _occupied(group, [start]), group.appointment_id
    scene = bookings.scene_of(context, "", group.staff_id, _occupied(group, [int(group.start)]), occupies)
    service = Service(group.service_id, int(group.minutes), int(group.before), int(group.after))
    search = scene.search(context, service, wish_of(group), bookings.FREE, group_id)
    bookings.require_good(bookings.verdict_on(search, start), override)
    new = changed(context.now, group, start=start, sequence=int(group.sequence) + 1, job_id=job_id)
    told = ("move", "moved" if finish is None else "")
    return _commit(context, new, scene, occupies, group, told, job, finish)


def cancel(context: Context, staff_id: str, group_id: str, reason: str | None) -> Group:
    """Cancel a group; the places follow. Raises AppointmentEnded, Stale, NotYourCalendar, NotFound."""

    def attempt(group: Group) -> Group:
        job = _job(context, FOLLOW, staff_id, group_id, with_place(group), reason)
        return _cancel(context, group, job.job_id, [job])

    return _act(context, staff_id, group_id, attempt)


def _cancel(
    context: Context, group: Group, job_id: str, job: Sequence[Job] = (), finish: jobs.Finish | None = None
) -> Group:
    scene = bookings.scene_of(context, "", group.staff_id, _occupied(group, [int(group.start)]))
    about = {"status": CANCELLED, "sequence": int(group.sequence) + 1, "job_id": job_id}
    told = ("cancel", "cancelled" if finish is None else "")
    new = changed(context.now, group, **about)
    return _commit(context, new, scene, _occupied(group, ()), group, told, job, finish)


def change_occurrence(
    context: Context, staff_id: str, group_id: str, start: int | None, override: bool, job_id: str, finish: jobs.Finish
) -> Group:
    """`move` to a start, or `cancel` (None), as the work of one item of a series' job: nobody is told of it alone, and
    the places are to be brought along by `follow`. Skip: it has ended."""
    require_allowed(context, staff_id)

    def attempt() -> Group:
        group = group_of(context.tenant_id, staff_id, group_id)
        if group.status != CONFIRMED:
            raise jobs.Skip(AppointmentEnded.code)
        if start is None:
            return _cancel(context, group, job_id, finish=finish)
        return _move(context, group, start, override, job_id, finish=finish)

    return settled(attempt)


def resize(context: Context, staff_id: str, group_id: str, capacity: int) -> Group:
    """Change how many places a group has. Raises TooFewPlaces under the number of those who have one,
    AppointmentEnded, Stale, NotYourCalendar, NotFound."""
    return _act(context, staff_id, group_id, lambda group: _resize(context, group, capacity))


def _resize(context: Context, group: Group, capacity: int, finish: jobs.Finish | None = None) -> Group:
    if capacity < taken(group):
        raise TooFewPlaces()
    new = changed(context.now, group, capacity=capacity)
    with Transaction() as tx:
        if finish is not None:
            finish(tx)
        put(tx, group, new)
        about = {"group_id": group.appointment_id, "staff_id": group.staff_id, "series_id": group.series_id}
        tx.create(audits.event(context, "group:resize", **about))
    return new


def resize_occurrence(context: Context, staff_id: str, group_id: str, capacity: int, finish: jobs.Finish) -> None:
    """`resize` as the work of one item of a series' job. Skip: it has ended."""
    require_allowed(context, staff_id)

    def attempt() -> Group:
        group = group_of(context.tenant_id, staff_id, group_id)
        if group.status != CONFIRMED:
            raise jobs.Skip(AppointmentEnded.code)
        return _resize(context, group, capacity, finish)

    settled(attempt)


def _act(context: Context, staff_id: str, group_id: str, attempt: Callable[[Group], Group]) -> Group:
    bookings.require_calendar(context, staff_id)

    def once() -> Group:
        group = group_of(context.tenant_id, staff_id, group_id)
        if context.result:
            return group
        if context.if_match is not None and int(group.version) != context.if_match:
            raise Stale()
        if group.status != CONFIRMED:
            raise AppointmentEnded()
        return attempt(group)

    return settled(once)


def _occupied(group: Group, starts: Sequence[int]) -> Taken:
    length = int(group.minutes), int(group.before), int(group.after)
    return Taken(group.appointment_id, starts, *length, of_client=False)


def with_place(group: Group) -> list[str]:
    """Who takes part, or is about to."""
    return [client_id for client_id, (state, _) in group.members.items() if state in (JOINING, IN)]


def wish_of(group: Group) -> slots.Wish:
    """What a group is, without its time."""
    return slots.Wish(group.service_id, Mode(group.mode), group.location_id)


def follow_one(context: Context, task: jobs.Task, finish: jobs.Finish) -> None:
    """The work of one place (services.jobs): it goes where the group is now, or ends with it, and its client is told.
    Whoever is somewhere else then loses the place, which the group says.

    Nothing is decided here: that the group moved or ended stands, whatever has become of the one who said so since. A
    client whose place stayed behind would come to a group that is not there."""
    shared = task.shared
    follow(context, shared["staff_id"], shared["group_id"], task.about["client_id"], shared["reason"], finish)


def follow(
    context: Context,
    staff_id: str,
    group_id: str,
    client_id: str,
    reason: str | None,
    finish: jobs.Finish | None = None,
    told: bool = True,
) -> None:
    """Bring one place along; whoever loses it is told of that in any case. Skip: there is nothing to be done."""
    settled(lambda: _follow(context, staff_id, group_id, client_id, reason, finish, told))


def _follow(
    context: Context,
    staff_id: str,
    group_id: str,
    client_id: str,
    reason: str | None,
    finish: jobs.Finish | None,
    told: bool,
) -> None:
    group = group_of(context.tenant_id, staff_id, group_id)
    own, place = _client_of(context, group, client_id)
    if place is None or place.status != CONFIRMED:
        raise jobs.Skip(AppointmentEnded.code)
    if group.status == CANCELLED:
        words = bookings.with_words(place, reason=reason)
        new = bookings.changed(own, place, status=CANCELLED, ended_by="staff", words=words)
        scene = bookings.scene_of(own, place.client_id, place.staff_id, bookings.occupied(place))
        step = _step(place, new, "cancel", "cancelled" if told else "", None)
    elif place.start == group.start:
        raise jobs.Skip(UNCHANGED)
    else:
        new = bookings.changed(own, place, start=int(group.start))
        both = bookings.occupied(place), bookings.occupied(new)
        scene = bookings.scene_of(own, place.client_id, place.staff_id, *both)
        step = _along(own, scene, group, place, new, "moved" if told else "")
    bookings.commit(own, scene, step, finish)


def _along(own: Context, scene: Scene, group: Group, place: Appointment, new: Appointment, told: str) -> Step:
    """The place at the group's new time; its end, where its client is somewhere else then."""

    def still(tx: Transaction) -> None:
        tx.require(group, Group.version == group.version, otherwise=Moved())

    def out(tx: Transaction) -> None:
        settle(tx, own.now, group, place.client_id, OUT, ClientBusy.code)

    try:
        bookings.require_free(own, scene, new)
    except ClientBusy:
        new = bookings.changed(own, place, status=CANCELLED, ended_by="staff")
        return _step(place, new, "cancel", "cancelled", out)
    return _step(place, new, "move", told, still)


def _step(
    place: Appointment, new: Appointment, verb: str, told: str, check: Callable[[Transaction], None] | None
) -> Step:
    action, seen = f"appointment:{verb}", int(place.version)
    return Step(new, bookings.occupied(new), action, told, seen=seen, check=check, tell_staff=False)


# ---- reading ----


class Member(NamedTuple):
    """One who takes part, or did."""

    client_id: str
    client: Client | None  # None: the asker may not see this file
    state: str
    why: str | None
    place: Appointment | None


def members(context: Context, group: Group) -> list[Member]:
    """Who takes part, with each one's own appointment."""
    names = list(group.members)
    files = {each.client_id: each for each in clients.visible(context, names)}
    own = {"tenant_id": group.tenant_id}
    places = load(
        *((Appointment, {**own, "client_id": each, "appointment_id": place_id(group, each)}) for each in names)
    )
    return [
        Member(each, files.get(each), group.members[each][0], group.members[each][1], place)
        for each, place in zip(names, places, strict=True)
    ]


def progress(group: Group) -> Job | None:
    """The job that brings the places in line with the group, while it is under way."""
    if group.job_id is None:
        return None
    job = Job.find(tenant_id=group.tenant_id, job_id=group.job_id)
    return job if job is not None and job.status in ("queued", "running") else None
