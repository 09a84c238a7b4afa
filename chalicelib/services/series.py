"""Appointments that recur: planned at once, booked one transaction each, changed one by one or from one on.

    outlook ─▶ start ─▶ job: one item an occurrence ─▶ tell both sides once
                             ├ booked: under an id that follows from the series and its number, so once
                             └ not booked: the reason stays with the item, and is shown

Each occurrence is an appointment like any other: its client moves and cancels it as such, it is reminded of as such.
Conflicts are looked at before, and decided again at the moment of each booking; what failed is reported, never dropped.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Generic, NamedTuple, TypeVar

from chalicelib import clock, ids
from chalicelib.context import Context
from chalicelib.errors import (
    AppointmentEnded,
    Forbidden,
    NotAssigned,
    NotFound,
    NothingToBook,
    NotInSeries,
    TooSoon,
)
from chalicelib.models.clients import Assignment, Client
from chalicelib.models.jobs import Job, JobItem
from chalicelib.models.slots import Appointment, Series
from chalicelib.models.table import load
from chalicelib.models.transaction import Transaction
from chalicelib.policies.decide import Facts, denial
from chalicelib.services import appointments, audits, bookings, idempotency, jobs, mails, slots, tenants
from chalicelib.services import availability as hours
from chalicelib.services.appointments import Wanted
from chalicelib.services.bookings import CONFIRMED, LIVE, Scene
from chalicelib.services.calendars import Days, Taken
from chalicelib.slots.recurrence import moved_along, occurrences
from chalicelib.slots.rules import Mode, Service
from chalicelib.slots.search import Reason, Search, objections
from chalicelib.slots.zones import minute

BOOK, CHANGE = "book_series", "change_series"  # the jobs
FREE, TIME_OFF = "free", "time_off"
BLOCKED = ("slot_taken", "client_busy")  # what nobody can overrule
MOVED, CANCELLED, BOOKED = "moved", "cancelled", "booked"


W = TypeVar("W")


class Plan(NamedTuple, Generic[W]):
    """What staff want: `wanted` for the first time, for one client or for a group, and how it goes on. `leave_out`:
    starts that are not wanted."""

    wanted: W
    every_weeks: int
    times: int | None
    last_day: date | None
    leave_out: Collection[int] = ()


class Look(NamedTuple):
    """One time of a series, and what speaks against it: free, time_off, slot_taken, client_busy, or a Reason."""

    start: int
    finding: str
    appointment_id: str | None = None  # that would be moved to it


# ---- before anything is written ----


def outlook(context: Context, plan: Plan[Wanted]) -> tuple[str, list[Look]]:
    """The therapist's zone, by whose clock it recurs, and every time with what speaks against it; nothing is written.

    Raises NotYourCalendar, ClientArchived, NotAssigned, ServiceNotOffered, InvalidBody.
    """
    scene, asked = _asked(context, plan.wanted)
    zone = zone_of(context, scene)
    starts = occurrences(zone, plan.wanted.start, plan.every_weeks, count=plan.times, last_day=plan.last_day)
    return zone, looks_at(context, scene, asked, plan.wanted.wish, (plan.wanted.staff_id, context.client_id), starts)


def _asked(context: Context, wanted: Wanted) -> tuple[Scene, Service]:
    bookings.require_calendar(context, wanted.staff_id)
    bookings.require_kept(context)
    scene = bookings.scene_of(context, context.client_id, wanted.staff_id)
    if scene.staff is None or scene.staff.status != "active" or scene.assignment is None:
        raise NotAssigned()
    service, _ = slots.chosen(scene.offer, wanted.wish, by_client=False)
    usual = hours.service_of(service, tenants.scheduling(context.tenant))
    return scene, replace(usual, minutes=wanted.minutes or usual.minutes, bookable=True)


def zone_of(context: Context, scene: Scene) -> str:
    """By whose clock a therapist's appointments recur."""
    return str(scene.availability.zone if scene.availability is not None else context.tenant.zone)


def looks_at(
    context: Context,
    scene: Scene,
    asked: Service,
    wish: slots.Wish,
    of: tuple[str, str],
    starts: Sequence[int],
    moving: Collection[str] = (),
) -> list[Look]:
    """What speaks against each time of this therapist's and this client's ("": for a group); what these appointments
    occupy now is free then. Reads the days once."""
    staff_id, client_id = of
    taken = Taken("", starts, asked.minutes, asked.before, asked.after, of_client=bool(client_id))
    days = Days.touched(context.tenant_id, staff_id, client_id, taken)
    days.read(load(*days.wanted()) if starts else [])
    search = replace(scene, days=days).search(context, asked, wish, bookings.FREE, "")
    search = replace(
        search,
        busy=[each for each in search.busy if each.appointment_id not in moving],
        client_busy=[each for each in search.client_busy if each.appointment_id not in moving],
    )
    always = replace(search, rules=replace(search.rules, time_off=()))
    return [Look(start, _finding(search, always, start)) for start in starts]


def _finding(search: Search, always: Search, start: int) -> str:
    found = objections(search, start)
    if Reason.BUSY in found:
        return "slot_taken"
    if Reason.CLIENT_BUSY in found:
        return "client_busy"
    if not found:
        return FREE
    if found[0] is Reason.OUTSIDE and Reason.OUTSIDE not in objections(always, start):
        return TIME_OFF
    return str(found[0])


def require_some(findings: Sequence[str], override: bool) -> None:
    """Some can be had; those that staff may overrule are overruled. Raises NothingToBook, NeedsOverride."""
    possible = [each for each in findings if each not in BLOCKED]
    if not possible:
        raise NothingToBook()
    warnings = dict.fromkeys(each for each in possible if each != FREE)
    bookings.require_override(list(warnings), override)


# ---- booking ----


def start(context: Context, plan: Plan[Wanted]) -> Series:
    """Begin to book these times, each in a transaction of its own; those that cannot be had are reported.

    Raises NeedsOverride where some lie outside the hours, NothingToBook where none can be had, and as `outlook`.
    """
    if context.result:
        return get(context, context.client_id, context.result)
    zone, looks = outlook(context, plan)
    looks = [each for each in looks if each.start not in plan.leave_out]
    require_some([each.finding for each in looks], plan.wanted.override)
    series_id, wish = ids.new_id(context.now), plan.wanted.wish
    shared = {
        "client_id": context.client_id,
        "series_id": series_id,
        "staff_id": plan.wanted.staff_id,
        "service_id": wish.service_id,
        "mode": str(wish.mode),
        "location_id": wish.location_id,
        "minutes": plan.wanted.minutes,
        "zone": plan.wanted.client_zone,
        "override": plan.wanted.override,
        "since": looks[0].start,
    }
    items: list[dict[str, Any]] = [{"start": each.start} for each in looks]
    job = jobs.prepared(context, BOOK, shared, [*items, {"tell": BOOKED}])
    series = Series.new(
        tenant_id=context.tenant_id,
        client_id=context.client_id,
        series_id=series_id,
        staff_id=plan.wanted.staff_id,
        zone=zone,
        every_weeks=plan.every_weeks,
        starts=[each.start for each in looks],
        made_at=clock.text(context.now),
        made_by_name=context.actor.name,
        job_id=job.job_id,
    )
    with Transaction() as tx:
        idempotency.remember(tx, context, series_id)
        tx.create(series)
        jobs.begin(tx, context, job)
        about = {"series_id": series_id, "staff_id": series.staff_id}
        tx.create(audits.event(context, "series:book", client_id=context.client_id, **about))
    jobs.queue_again(job)
    return series


def occurrence_id(series: Series, number: int) -> str:
    """The appointment of an occurrence: the same however often it is tried."""
    return ids.derived_id("occurrence", series.series_id, str(number), at=clock.parse(series.made_at))


def book_one(context: Context, task: jobs.Task, finish: jobs.Finish) -> None:
    """The work of one occurrence (services.jobs), and of telling both sides when all have been tried."""
    own, series = _scene_of(context, task)
    if "tell" in task.about:
        _tell(own, series, task, finish)
        return
    shared = task.shared
    wish = slots.Wish(shared["service_id"], Mode(shared["mode"]), shared["location_id"])
    wanted = Wanted(
        shared["staff_id"],
        wish,
        task.about["start"],
        shared["zone"],
        minutes=shared["minutes"],
        override=shared["override"],
    )
    appointment_id = occurrence_id(series, int(task.item.number))
    appointments.book_occurrence(own, wanted, appointment_id, series.series_id, finish)


def _scene_of(context: Context, task: jobs.Task) -> tuple[Context, Series]:
    """The client and the series of an item. Raises Forbidden when whoever began the job may not go on, NotFound."""
    place = {"tenant_id": context.tenant_id, **{name: task.shared[name] for name in ("client_id", "series_id")}}
    who = {**place, "staff_id": context.actor.id}
    client, assignment, series = load((Client, place), (Assignment, who), (Series, place))
    if client is None or series is None:
        raise NotFound()
    facts = Facts(context.actor.roles, is_assigned=assignment is not None, circumstances=context.circumstances)
    if denial("appointment:manage", facts) is not None:
        raise Forbidden()
    return replace(context, client=client, named={}), series


def _tell(context: Context, series: Series, task: jobs.Task, finish: jobs.Finish) -> None:
    """One mail to each side, of all that became of it. Skip: nothing did."""
    what = task.about["tell"]
    states = (bookings.CANCELLED,) if what == CANCELLED else LIVE
    if not any(each.status in states for each in appointments_of(series)):
        raise jobs.Skip("nothing_to_tell")
    about: dict[str, Any] = {"series_id": series.series_id, "start": task.shared["since"]}
    letters: list[Any] = []
    if context.client.portal == "active":
        letters.append(mails.to_client(context.now, series.tenant_id, series.client_id, f"series_{what}", **about))
    about["client_id"] = series.client_id
    letters.append(mails.to_staff(context.now, series.tenant_id, series.staff_id, f"series_{what}", **about))
    with Transaction() as tx:
        finish(tx)
        for each in letters:
            tx.create(each)
    mails.hand_over(*letters)


# ---- from one on ----


def outlook_following(context: Context, start_: int) -> tuple[str, list[Look]]:
    """The zone by whose clock it recurs; where this appointment and those of its series that follow would be, and what
    speaks against each.

    Raises NotInSeries, NotYourCalendar.
    """
    anchor = appointments.current(context, again=False)
    series, looks = _look_ahead(context, anchor, start_)
    return str(series.zone), looks


def _look_ahead(context: Context, anchor: Appointment, start_: int) -> tuple[Series, list[Look]]:
    series, records = _following(context, anchor)
    records = [each for each in records if each.status == CONFIRMED]
    new = moved_along(series.zone, int(anchor.start), start_, [int(each.start) for each in records])
    scene = bookings.scene_of(context, anchor.client_id, anchor.staff_id)
    asked = Service(anchor.service_id, int(anchor.minutes), int(anchor.before), int(anchor.after))
    wish = slots.Wish(anchor.service_id, Mode(anchor.mode), anchor.location_id)
    whose = anchor.staff_id, anchor.client_id
    looks = looks_at(context, scene, asked, wish, whose, new, {each.appointment_id for each in records})
    return series, [
        look._replace(appointment_id=str(each.appointment_id)) for look, each in zip(looks, records, strict=True)
    ]


def _following(context: Context, anchor: Appointment) -> tuple[Series, list[Appointment]]:
    """The series of an appointment, and what of it is still ahead from this one on, in order."""
    if not anchor.series_id:
        raise NotInSeries()
    series = get(context, anchor.client_id, anchor.series_id)
    live = [each for each in appointments_of(series) if each.status in LIVE]
    return series, sorted((each for each in live if each.start >= anchor.start), key=lambda each: int(each.start))


def move_following(context: Context, start_: int, override: bool) -> Series:
    """Begin to move this appointment and those that follow: as many days by the therapist's clock, to the new time.

    Raises NeedsOverride, NothingToBook, TooSoon for what would be past, AppointmentEnded, NotInSeries, Stale.
    """
    if context.result:
        return get(context, context.client_id, context.result)
    anchor = _live(context)
    series, looks = _look_ahead(context, anchor, start_)
    if start_ < minute(context.now):
        raise TooSoon()
    require_some([each.finding for each in looks], override)
    later = start_ > int(anchor.start)  # the last goes first: each finds the place of the next one free
    items = [{"appointment_id": each.appointment_id, "start": each.start} for each in looks]
    how = {"override": override, "since": looks[0].start}
    return _change(context, series, MOVED, items[::-1] if later else items, how)


def cancel_following(context: Context, reason: str | None, at_request: bool) -> Series:
    """Begin to cancel this appointment and those that follow. Raises AppointmentEnded, NotInSeries, Stale."""
    if context.result:
        return get(context, context.client_id, context.result)
    series, records = _following(context, _live(context))
    if not records:  # they ended since the one that the address names was read
        raise AppointmentEnded()
    items = [{"appointment_id": each.appointment_id} for each in records]
    how = {"reason": reason, "at_request": at_request, "since": int(records[0].start)}
    return _change(context, series, CANCELLED, items, how)


def _live(context: Context) -> Appointment:
    anchor = appointments.current(context, again=False)
    if anchor.status not in LIVE:
        raise AppointmentEnded()
    return anchor


def _change(
    context: Context, series: Series, verb: str, items: Sequence[dict[str, Any]], how: dict[str, Any]
) -> Series:
    shared = {"client_id": series.client_id, "series_id": series.series_id, "verb": verb, **how}
    job = jobs.prepared(context, CHANGE, shared, [*items, {"tell": verb}])
    with Transaction() as tx:
        idempotency.remember(tx, context, series.series_id)
        tx.update(series, Series.change_job_id.set(job.job_id))
        jobs.begin(tx, context, job)
        about = {"series_id": series.series_id, "staff_id": series.staff_id}
        tx.create(audits.event(context, f"series:{verb}", client_id=series.client_id, **about))
    jobs.queue_again(job)
    series.change_job_id = job.job_id
    return series


def change_one(context: Context, task: jobs.Task, finish: jobs.Finish) -> None:
    """The work of one appointment that follows; what has ended meanwhile is passed over."""
    own, series = _scene_of(context, task)
    if "tell" in task.about:
        _tell(own, series, task, finish)
        return
    own.named = {"appointment_id": appointments.get(own, series.client_id, task.about["appointment_id"])}
    try:
        if task.shared["verb"] == MOVED:
            appointments.move_for(own, task.about["start"], task.shared["override"], finish)
        else:
            appointments.cancel_for(own, task.shared["reason"], task.shared["at_request"], finish)
    except AppointmentEnded as over:
        raise jobs.Skip(over.code) from None


# ---- reading ----


class Occurrence(NamedTuple):
    """One time of a series: its appointment, or why there is none (a code; None while it waits its turn)."""

    number: int
    start: int
    appointment: Appointment | None
    why: str | None
    unchanged: str | None  # why the last change of those that follow left it as it was (a code)


class Standing(NamedTuple):
    """How a series stands: the job that works on it, or was the last to, and every occurrence."""

    series: Series
    job: Job | None  # None: it is long over
    occurrences: list[Occurrence]


def get(context: Context, client_id: str, series_id: str) -> Series:
    """A series of this client. Raises NotFound."""
    found = Series.find(tenant_id=context.tenant_id, client_id=client_id, series_id=series_id)
    if found is None:
        raise NotFound()
    return found


def standing(series: Series) -> Standing:
    """What has become of each occurrence, and how far the work on it is."""
    own = {"tenant_id": series.tenant_id}
    wanted = [{**own, "job_id": each} if each else None for each in (series.job_id, series.change_job_id)]
    booking, changing = load(*((Job, each) if each else None for each in wanted))
    outcomes = {int(each.number): each for each in items_of(booking)}
    unchanged = {
        jobs.about_of(each).get("appointment_id"): each.reason
        for each in items_of(changing)
        if each.status in ("failed", "skipped")
    }
    return Standing(
        series,
        changing or booking,
        [
            Occurrence(
                number,
                int(record.start) if record is not None else planned,
                record,
                None if record is not None else why_not(booking, outcomes.get(number)),
                unchanged.get(record.appointment_id) if record is not None else None,
            )
            for number, (planned, record) in enumerate(zip(series.starts, _records(series), strict=True))
        ],
    )


def items_of(job: Job | None) -> list[JobItem]:
    """Every item of a job, as it is now."""
    if job is None:
        return []
    return list(JobItem.every(JobItem.KEY, tenant_id=job.tenant_id, job_id=job.job_id, consistent=True))


def why_not(job: Job | None, item: JobItem | None) -> str | None:
    """Why there is no appointment; None: its turn is still to come."""
    if job is None or item is None:
        return "not_booked"  # the outcome is kept for 90 days
    if item.status == "waiting":
        return "stopped" if job.status == "stopped" else None
    return str(item.reason)


def appointments_of(series: Series) -> list[Appointment]:
    """Those that were booked, whatever has become of them."""
    return [each for each in _records(series) if each is not None]


def _records(series: Series) -> list[Appointment | None]:
    place = {"tenant_id": series.tenant_id, "client_id": series.client_id}
    return load(
        *((Appointment, {**place, "appointment_id": occurrence_id(series, n)}) for n in range(len(series.starts)))
    )
