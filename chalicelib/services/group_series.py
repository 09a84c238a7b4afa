"""Groups that recur: planned at once, each a group like any other, changed one by one or from one on.

    outlook ─▶ start ─▶ job, for each time two items, then one that tells everyone once
                             ├ the group: the therapist's time, under an id that follows from the series and its number
                             └ its places: one transaction each; each is in, or out with the reason

So what is written at once does not grow with the number of clients: seven items for a group, nine for a place (of the
hundred that DynamoDB takes; twenty places with two days each would be more than that alone). Conflicts of the therapist
and of every client are looked at before, and decided again at each booking; what failed is reported, never dropped.
"""

import contextlib
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from chalicelib import clock, ids
from chalicelib.context import Context
from chalicelib.errors import (
    AppointmentEnded,
    ClientBusy,
    NotAssigned,
    NotFound,
    NotInSeries,
    PortalError,
    SeriesAtWork,
    Stale,
    TooFewPlaces,
    TooSoon,
)
from chalicelib.models.clients import Client
from chalicelib.models.jobs import Job
from chalicelib.models.slots import Appointment, Group, GroupSeries
from chalicelib.models.table import load
from chalicelib.models.transaction import Transaction
from chalicelib.services import (
    audits,
    bookings,
    calendars,
    clients,
    groups,
    idempotency,
    jobs,
    mails,
    slots,
)
from chalicelib.services.bookings import CONFIRMED
from chalicelib.services.groups import Person, Wanted
from chalicelib.services.memberships import CANCELLED as GAVE_UP
from chalicelib.services.memberships import JOINING, OUT, group_of, place_id, taken
from chalicelib.services.series import Plan, looks_at, require_some, why_not, zone_of
from chalicelib.services.series import items_of as items
from chalicelib.slots.recurrence import moved_along, occurrences
from chalicelib.slots.rules import Busy, Mode, Service
from chalicelib.slots.zones import minute

BOOK, CHANGE = "book_group_series", "change_group_series"  # the jobs
BOOKED, MOVED, CANCELLED = "booked", "moved", "cancelled"
ADDED, REMOVED, RESIZED = "added", "removed", "resized"
AT_ONCE = 90  # are told in one transaction
GROUP, PLACES = "group", "places"  # the two items of an occurrence
# What is told of each change: the letter, and whether the therapist is told, too.
_LETTERS = {
    BOOKED: ("booked", True), MOVED: ("moved", True), CANCELLED: ("cancelled", True),
    ADDED: ("booked", False), REMOVED: ("cancelled", False),
    RESIZED: ("", False),  # and no client is concerned
}  # fmt: skip


class Look(NamedTuple):
    """One time, what speaks against it for the therapist (as for a series), and which clients are elsewhere then."""

    start: int
    finding: str
    busy: Sequence[str]
    group_id: str | None = None  # that would be moved to it


class Outlook(NamedTuple):
    """Every time by the clock of the therapist's zone, and who is to take part, with what speaks against them."""

    zone: str
    service_name: str
    looks: list[Look]
    people: list[Person]


# ---- before anything is written ----


def outlook(context: Context, plan: Plan[Wanted]) -> Outlook:
    """What speaks against each time and against each client; nothing is written.

    Raises NotYourCalendar, NotFound, ServiceNotOffered, InvalidBody.
    """
    wanted = plan.wanted
    facts, asked, offered, _ = groups.asked(context, wanted)
    zone = zone_of(context, facts)
    starts = occurrences(zone, wanted.start, plan.every_weeks, count=plan.times, last_day=plan.last_day)
    found = looks_at(context, facts, asked, wanted.wish, (wanted.staff_id, ""), starts)
    people = groups.who_can_be(context, wanted.staff_id, wanted.client_ids)
    busy = _taken(context, [each.client_id for each in people if each.problem is None], starts, asked.minutes)
    looks = [
        Look(each.start, each.finding, [who for who in busy if _is_busy(context, busy[who], each.start, asked)])
        for each in found
    ]
    return Outlook(zone, offered["name"], looks, people)


def _taken(context: Context, client_ids: Iterable[str], starts: Sequence[int], minutes: int) -> dict[str, list[Busy]]:
    """What is taken of each client's time around these starts; one query a client, however many times there are."""
    if not starts:
        return {}
    window = min(starts), max(starts) + minutes
    return {each: calendars.of_client(context.tenant_id, each, window, consistent=True) for each in client_ids}


def _is_busy(context: Context, taken: Sequence[Busy], start: int, asked: Service, moving: Collection[str] = ()) -> bool:
    others = [each for each in taken if each.appointment_id not in moving]
    return any(groups.overlaps(context, each, start, asked.minutes, "") for each in others)


# ---- booking ----


def start(context: Context, plan: Plan[Wanted]) -> GroupSeries:
    """Begin to make these groups; those that cannot be had are reported, and so is who cannot be there.

    Raises NeedsOverride where some lie outside the hours, NothingToBook where none can be had, NotAssigned,
    ClientArchived, InvalidBody, and as `outlook`.
    """
    wanted = plan.wanted
    if context.result:
        return get(context, wanted.staff_id, context.result)
    groups.require_places(wanted)
    found = outlook(context, plan)
    groups.require_all(found.people)
    looks = [each for each in found.looks if each.start not in plan.leave_out]
    require_some([each.finding for each in looks], wanted.override)
    series_id, wish = ids.new_id(context.now), wanted.wish
    shared = {
        "staff_id": wanted.staff_id,
        "series_id": series_id,
        "service_id": wish.service_id,
        "mode": str(wish.mode),
        "location_id": wish.location_id,
        "minutes": wanted.minutes,
        "capacity": wanted.capacity,
        "client_ids": list(wanted.client_ids),
        "override": wanted.override,
        "since": looks[0].start,
    }
    work: list[dict[str, Any]] = [
        {"number": number, "start": each.start, "part": part}
        for number, each in enumerate(looks)
        for part in (GROUP, PLACES)
    ]
    job = jobs.prepared(context, BOOK, shared, [*work, {"tell": BOOKED}])
    series = GroupSeries.new(
        tenant_id=context.tenant_id,
        series_id=series_id,
        staff_id=wanted.staff_id,
        zone=found.zone,
        service_name=found.service_name,
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
        tx.create(audits.event(context, "group_series:book", series_id=series_id, staff_id=series.staff_id))
    jobs.queue_again(job)
    return series


def occurrence_id(series: GroupSeries, number: int) -> str:
    """The group of an occurrence: the same however often it is tried."""
    return ids.derived_id("group", series.series_id, str(number), at=clock.parse(series.made_at))


def book_one(context: Context, task: jobs.Task, finish: jobs.Finish) -> None:
    """The work of one group, or of its places, or of telling everyone (services.jobs)."""
    series, shared = _series_of(context, task), task.shared
    if "tell" in task.about:
        _tell(context, series, task, finish)
        return
    group_id = occurrence_id(series, task.about["number"])
    if task.about["part"] == PLACES:
        _enter(context, series, group_id, finish)
        return
    wanted = Wanted(
        series.staff_id,
        slots.Wish(shared["service_id"], Mode(shared["mode"]), shared["location_id"]),
        task.about["start"],
        shared["minutes"],
        shared["capacity"],
        shared["client_ids"],
        shared["override"],
    )
    groups.create_occurrence(context, wanted, group_id, series.series_id, task.job.job_id, finish)


def _enter(context: Context, series: GroupSeries, group_id: str, finish: jobs.Finish) -> None:
    group = _found(series, group_id)
    if group is None:
        raise jobs.Skip("not_booked")
    for client_id, (state, _) in group.members.items():
        if state == JOINING:
            groups.enter(context, series.staff_id, group_id, client_id, told="")
    _done(finish)


def _done(finish: jobs.Finish) -> None:
    with Transaction() as tx:
        finish(tx)


def _series_of(context: Context, task: jobs.Task) -> GroupSeries:
    return get(context, task.shared["staff_id"], task.shared["series_id"])


def _tell(context: Context, series: GroupSeries, task: jobs.Task, finish: jobs.Finish) -> None:
    """One mail to each, of all that became of it; whom nothing concerns gets none (appointment_letters). Where more
    took part at one time or another than one transaction holds, the first are told before: once, by the job's id."""
    what, therapist = _LETTERS[task.about["tell"]]
    about: dict[str, Any] = {"series_id": series.series_id, "start": task.shared["since"], "staff_id": series.staff_id}
    place = {"tenant_id": series.tenant_id}
    files = load(*((Client, {**place, "client_id": each}) for each in task.shared["client_ids"]))
    template = f"group_series_{what}"
    at, cause = clock.parse(task.job.created_at), task.job.job_id
    letters: list[Any] = [
        mails.to_client(at, series.tenant_id, each.client_id, template, cause, **about)
        for each in files
        if each is not None and each.portal == "active"
    ]
    if therapist:
        del about["staff_id"]
        letters.append(mails.to_staff(at, series.tenant_id, series.staff_id, template, cause, **about))
    first = max(0, len(letters) - AT_ONCE)
    for each in letters[:first]:
        with contextlib.suppress(_Told), Transaction() as tx:
            tx.create(each, otherwise=_Told())
    with Transaction() as tx:
        finish(tx)
        for each in letters[first:]:
            tx.create(each)
    mails.hand_over(*letters)


class _Told(PortalError):
    """This person was told of this."""


# ---- from one on ----


def outlook_following(context: Context, staff_id: str, group_id: str, start_: int) -> Outlook:
    """Where this group and those of its series that follow would be, and what speaks against each.

    Raises NotInSeries, NotYourCalendar, NotFound.
    """
    anchor = _anchor(context, staff_id, group_id)
    _, found = _look_ahead(context, anchor, start_)
    return found


def _look_ahead(context: Context, anchor: Group, start_: int) -> tuple[GroupSeries, Outlook]:
    series, ahead = _following(context, anchor)
    new = moved_along(series.zone, int(anchor.start), start_, [int(each.start) for each in ahead])
    scene = bookings.scene_of(context, "", series.staff_id)
    asked = Service(anchor.service_id, int(anchor.minutes), int(anchor.before), int(anchor.after))
    moving = {each.appointment_id for each in ahead}
    found = looks_at(context, scene, asked, groups.wish_of(anchor), (series.staff_id, ""), new, moving)
    inside = {each.appointment_id: groups.with_place(each) for each in ahead}
    everyone = list(dict.fromkeys(who for names in inside.values() for who in names))
    busy = _taken(context, everyone, new, asked.minutes)
    own = {who: {place_id(each, who) for each in ahead} for who in everyone}
    looks = [
        Look(
            look.start,
            look.finding,
            [who for who in inside[at] if _is_busy(context, busy[who], look.start, asked, own[who])],
            at,
        )
        for look, at in zip(found, inside, strict=True)
    ]
    people = groups.those_in(context, everyone)
    return series, Outlook(series.zone, series.service_name, looks, people)


def _anchor(context: Context, staff_id: str, group_id: str) -> Group:
    """The group from which on something is to be changed, as it was seen, in a calendar of the asker's."""
    bookings.require_calendar(context, staff_id)
    group = group_of(context.tenant_id, staff_id, group_id)
    if context.if_match is not None and int(group.version) != context.if_match:
        raise Stale()
    if not group.series_id:
        raise NotInSeries()
    return group


def _following(context: Context, anchor: Group) -> tuple[GroupSeries, list[Group]]:
    """The series of a group, and what of it still stands from this one on, in order."""
    series = get(context, anchor.staff_id, str(anchor.series_id))
    ahead = [each for each in groups_of(series) if each.status == CONFIRMED and each.start >= anchor.start]
    return series, sorted(ahead, key=lambda each: int(each.start))


def move_following(
    context: Context, staff_id: str, group_id: str, start_: int, override: bool, without_busy: bool
) -> GroupSeries:
    """Begin to move this group and those that follow: as many days by the therapist's clock, to the new time.
    `without_busy`: who is elsewhere then loses that place, and is told; else ClientBusy.

    Raises NeedsOverride, NothingToBook, TooSoon for what would be past, AppointmentEnded, NotInSeries, SeriesAtWork,
    Stale.
    """
    if context.result:
        return get(context, staff_id, context.result)
    anchor = _live(context, staff_id, group_id)
    series, found = _look_ahead(context, anchor, start_)
    if start_ < minute(context.now):
        raise TooSoon()
    require_some([each.finding for each in found.looks], override)
    if any(each.busy for each in found.looks) and not without_busy:
        raise ClientBusy()
    later = start_ > int(anchor.start)  # the last goes first: each finds the place of the next one free
    looks = found.looks[::-1] if later else found.looks
    work = _twice({"group_id": each.group_id, "start": each.start} for each in looks)
    who = [each.client_id for each in found.people]
    return _change(context, series, MOVED, work, who, {"override": override, "since": found.looks[0].start})


def cancel_following(context: Context, staff_id: str, group_id: str, reason: str | None) -> GroupSeries:
    """Begin to cancel this group and those that follow. Raises AppointmentEnded, NotInSeries, SeriesAtWork, Stale."""
    if context.result:
        return get(context, staff_id, context.result)
    anchor = _live(context, staff_id, group_id)
    series, ahead = _following(context, anchor)
    work = _twice({"group_id": each.appointment_id, "start": None} for each in ahead)
    who = list(dict.fromkeys(who for each in ahead for who in groups.with_place(each)))
    return _change(context, series, CANCELLED, work, who, {"reason": reason, "since": int(anchor.start)})


def add_following(context: Context, staff_id: str, group_id: str, client_id: str) -> GroupSeries:
    """Begin to give a client a place in this group and in those that follow. Where they cannot be, or no place is left,
    is reported. Raises NotAssigned, ClientArchived, AppointmentEnded, NotInSeries, SeriesAtWork."""
    if context.result:
        return get(context, staff_id, context.result)
    anchor = _live(context, staff_id, group_id)
    groups.require_all(groups.who_can_be(context, staff_id, [client_id]))
    series, ahead = _following(context, anchor)
    work = [{"group_id": each.appointment_id} for each in ahead]
    how = {"client_id": client_id, "since": int(anchor.start)}
    return _change(context, series, ADDED, work, [client_id], how)


def remove_following(
    context: Context, staff_id: str, group_id: str, client_id: str, reason: str | None, at_request: bool
) -> GroupSeries:
    """Begin to take a client out of this group and of those that follow. Raises NotAssigned for one whose file the
    asker may not see, AppointmentEnded, NotInSeries, SeriesAtWork."""
    if context.result:
        return get(context, staff_id, context.result)
    anchor = _live(context, staff_id, group_id)
    if not clients.visible(context, [client_id]):
        raise NotAssigned()
    series, ahead = _following(context, anchor)
    work = [{"group_id": each.appointment_id} for each in ahead if client_id in groups.with_place(each)]
    how = {"client_id": client_id, "reason": reason, "at_request": at_request, "since": int(anchor.start)}
    return _change(context, series, REMOVED, work, [client_id], how)


def resize_following(context: Context, staff_id: str, group_id: str, capacity: int) -> GroupSeries:
    """Begin to change how many places this group and those that follow have; one in which more people take part is
    reported. Raises TooFewPlaces where this is one, AppointmentEnded, NotInSeries, SeriesAtWork, Stale."""
    if context.result:
        return get(context, staff_id, context.result)
    anchor = _live(context, staff_id, group_id)
    if capacity < taken(anchor):
        raise TooFewPlaces()
    series, ahead = _following(context, anchor)
    work = [{"group_id": each.appointment_id} for each in ahead]
    return _change(context, series, RESIZED, work, [], {"capacity": capacity, "since": int(anchor.start)})


def _live(context: Context, staff_id: str, group_id: str) -> Group:
    anchor = _anchor(context, staff_id, group_id)
    if anchor.status != CONFIRMED:
        raise AppointmentEnded()
    return anchor


def _twice(each_: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The two items of each group: itself, then its places."""
    return [{**each, "part": part} for each in each_ for part in (GROUP, PLACES)]


def _change(
    context: Context,
    series: GroupSeries,
    verb: str,
    work: Sequence[dict[str, Any]],
    client_ids: Sequence[str],
    how: dict[str, Any],
) -> GroupSeries:
    """One change at a time: the next begins when the job of the last has ended."""
    if (last := progress(series)) is not None and last.status in ("queued", "running"):
        raise SeriesAtWork()
    place = {"staff_id": series.staff_id, "series_id": series.series_id}
    shared = {**place, "verb": verb, "client_ids": list(client_ids), **how}
    job = jobs.prepared(context, CHANGE, shared, [*work, {"tell": verb}])
    was = series.change_job_id
    unseen = GroupSeries.change_job_id == was if was else GroupSeries.change_job_id.does_not_exist()
    with Transaction() as tx:
        idempotency.remember(tx, context, series.series_id)
        tx.update(series, GroupSeries.change_job_id.set(job.job_id), when=unseen, otherwise=SeriesAtWork())
        jobs.begin(tx, context, job)
        tx.create(audits.event(context, f"group_series:{verb}", **place))
    jobs.queue_again(job)
    series.change_job_id = job.job_id
    return series


def change_one(context: Context, task: jobs.Task, finish: jobs.Finish) -> None:
    """The work of one group that follows, of its places, or of one client in it; what has ended meanwhile is passed
    over."""
    series, shared, about = _series_of(context, task), task.shared, task.about
    if "tell" in about:
        _tell(context, series, task, finish)
        return
    verb, group_id = shared["verb"], about["group_id"]
    try:
        if verb == ADDED:
            groups.add_occurrence(context, series.staff_id, group_id, shared["client_id"], finish)
        elif verb == REMOVED:
            group = group_of(context.tenant_id, series.staff_id, group_id)
            groups.take_out(context, group, shared["client_id"], shared["reason"], shared["at_request"], finish)
        elif verb == RESIZED:
            groups.resize_occurrence(context, series.staff_id, group_id, shared["capacity"], finish)
        elif about["part"] == PLACES:
            _bring_along(context, series, group_id, shared.get("reason"), finish)
        else:
            override, job_id = shared.get("override", False), task.job.job_id
            groups.change_occurrence(context, series.staff_id, group_id, about["start"], override, job_id, finish)
    except AppointmentEnded as over:
        raise jobs.Skip(over.code) from None


def _bring_along(context: Context, series: GroupSeries, group_id: str, reason: str | None, finish: jobs.Finish) -> None:
    for client_id in groups.with_place(group_of(context.tenant_id, series.staff_id, group_id)):
        with contextlib.suppress(jobs.Skip):
            groups.follow(context, series.staff_id, group_id, client_id, reason, told=False)
    _done(finish)


# ---- reading ----


class Absence(NamedTuple):
    """Who has no place at one time, though they were to have one, and why (a code)."""

    client_id: str
    client: Client | None  # None: the asker may not see this file
    why: str


class Occurrence(NamedTuple):
    """One time of a series: its group, or why there is none (a code; None while it waits its turn)."""

    number: int
    start: int
    group: Group | None
    why: str | None
    unchanged: str | None  # why the last change of those that follow left it as it was (a code)
    absent: Sequence[Absence]


class Standing(NamedTuple):
    """How a series stands: the job that works on it, or was the last to, and every occurrence."""

    series: GroupSeries
    job: Job | None  # None: it is long over
    occurrences: list[Occurrence]


def get(context: Context, staff_id: str, series_id: str) -> GroupSeries:
    """A series of this therapist's groups. Raises NotFound."""
    found = GroupSeries.find(tenant_id=context.tenant_id, staff_id=staff_id, series_id=series_id)
    if found is None:
        raise NotFound()
    return found


def progress(series: GroupSeries) -> Job | None:
    """The job that works on a series, or was the last to."""
    booking, changing = _jobs(series)
    return changing or booking


def _jobs(series: GroupSeries) -> tuple[Job | None, Job | None]:
    own = {"tenant_id": series.tenant_id}
    wanted = [(Job, {**own, "job_id": each}) if each else None for each in (series.job_id, series.change_job_id)]
    booking, changing = load(*wanted)
    return booking, changing


def items_each(job: Job | None) -> int:
    """How many items of a job are about one time: two where groups are made, moved or cancelled with their places."""
    single = job is not None and job.work == CHANGE and jobs.shared_of(job)["verb"] in (ADDED, REMOVED, RESIZED)
    return 1 if single else 2


def standing(context: Context, series: GroupSeries) -> Standing:
    """What has become of each occurrence, and how far the work on it is."""
    booking, changing = _jobs(series)
    outcomes = {int(each.number): each for each in items(booking)}
    unchanged = {
        jobs.about_of(each).get("group_id"): each.reason
        for each in items(changing)
        if each.status in ("failed", "skipped")
    }
    records = _records(series)
    absent = [[] if each is None else _absent(each) for each in records]
    files = {each.client_id: each for each in clients.visible(context, sorted({w for a in absent for w, _ in a}))}
    return Standing(
        series,
        changing or booking,
        [
            Occurrence(
                number,
                int(record.start) if record is not None else planned,
                record,
                None if record is not None else why_not(booking, outcomes.get(2 * number)),
                unchanged.get(record.appointment_id) if record is not None else None,
                [Absence(who, files.get(who), why) for who, why in absent[number]],
            )
            for number, (planned, record) in enumerate(zip(series.starts, records, strict=True))
        ],
    )


def _absent(group: Group) -> list[tuple[str, str]]:
    """Who is out for another reason than that their place was given up."""
    return [(who, why) for who, (state, why) in group.members.items() if state == OUT and why != GAVE_UP]


def groups_of(series: GroupSeries) -> list[Group]:
    """Those that were made, whatever has become of them."""
    return [each for each in _records(series) if each is not None]


def _records(series: GroupSeries) -> list[Group | None]:
    place = {"tenant_id": series.tenant_id, "staff_id": series.staff_id}
    return load(*((Group, {**place, "appointment_id": occurrence_id(series, n)}) for n in range(len(series.starts))))


def _found(series: GroupSeries, group_id: str) -> Group | None:
    return Group.find(tenant_id=series.tenant_id, staff_id=series.staff_id, appointment_id=group_id)


def places_of(series: GroupSeries, client_id: str) -> list[Appointment]:
    """A client's own places in the groups of a series, whatever has become of them."""
    own = {"tenant_id": series.tenant_id, "client_id": client_id}
    found = load(*((Appointment, {**own, "appointment_id": place_id(each, client_id)}) for each in groups_of(series)))
    return [each for each in found if each is not None]
