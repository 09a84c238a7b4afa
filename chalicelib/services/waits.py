"""The wait list: a client is told when something earlier opens (DOMAIN.md 5.5).

Each therapist has one list, in the order in which clients came. What frees a time (a cancellation, a refusal, the end
of a hold, a move, more hours) notes that on the list in its own transaction, and the list is due. The sweep offers what
is free to the next whom it suits and holds it in the therapist's days, as a request is held; what is passed on, or not
answered in time, is free for the one after. Every step is one transaction under the versions that were read, so an
offer is made once however often the work is brought, and nobody takes what is no longer held.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from itertools import count
from typing import Any, NamedTuple, TypeVar

from chalicelib import clock, ids
from chalicelib.context import Actor, Context, Persona
from chalicelib.errors import (
    AlreadyWaiting,
    AppointmentEnded,
    NotFound,
    OfferGone,
    PortalError,
    TherapistNotOffered,
    TooLate,
    WaitEnded,
    WaitListClosed,
)
from chalicelib.models.clients import Client
from chalicelib.models.slots import Appointment, Bookings, Wait, WaitList
from chalicelib.models.table import at_keys, load
from chalicelib.models.tenants import Tenant
from chalicelib.models.transaction import Moved, Transaction, settled
from chalicelib.services import (
    agendas,
    appointments,
    audits,
    bookings,
    calendars,
    idempotency,
    mails,
    slots,
    staff,
    tenants,
)
from chalicelib.services import availability as hours
from chalicelib.services.appointments import Opening
from chalicelib.services.bookings import CANCELLED, LIVE, Scene
from chalicelib.services.calendars import Days, Taken
from chalicelib.slots import zones
from chalicelib.slots.rules import Mode, Service
from chalicelib.slots.search import Search, fits, near
from chalicelib.slots.search import slots as starts
from chalicelib.slots.zones import DAY, Interval, minute, moment

WAITING, OFFERED, ENDED = "waiting", "offered", "ended"
LONGEST = timedelta(days=180)  # of a wish that names no day
KEPT = timedelta(days=30)  # so long an ended one is kept, for answers to repeated requests
MOST = 200  # of one therapist
REMEMBERED = 50  # starts that were passed on
LOOKS = 40  # starts that are tried for one client in one sweep: others may be faster


# ---- the client's ----


class Wished(NamedTuple):
    """What a client waits for: with whom and what, or earlier than an appointment of theirs."""

    staff_id: str
    wish: slots.Wish
    client_zone: str
    before_day: date | None = None  # only times before this day
    appointment_id: str | None = None


def earlier_than(context: Context, appointment_id: str, client_zone: str, before_day: date | None) -> Wished:
    """The wish to have this appointment earlier. Raises NotFound, AppointmentEnded, TooLate."""
    record = appointments.get(context, context.client_id, appointment_id)
    if record.status not in LIVE:
        raise AppointmentEnded()
    if not appointments.can_move(context.tenant, record, context.now):
        raise TooLate()
    wish = slots.Wish(record.service_id, Mode(record.mode), record.location_id)
    return Wished(record.staff_id, wish, client_zone, before_day, appointment_id)


def join(context: Context, wished: Wished) -> Wait:
    """Be told when something earlier opens. A client is once on the list of each therapist.

    Raises AlreadyWaiting, WaitListClosed, TherapistNotOffered, ServiceNotOffered, InvalidBody, TooManyRequests, Busy.
    """
    if context.result:
        return _get(context, context.client_id, context.result)
    if not tenants.scheduling(context.tenant)["wait_list"]:
        raise WaitListClosed()
    offered, found = slots.counterparts(context, wished.staff_id)
    if not found:
        raise TherapistNotOffered()
    service, location = slots.chosen(offered, wished.wish, by_client=True)
    wait = Wait.new(
        tenant_id=context.tenant_id,
        client_id=context.client_id,
        wait_id=ids.new_id(context.now),
        staff_id=wished.staff_id,
        status=WAITING,
        since=clock.text(context.now),
        until=_until(context, wished),
        before_day=wished.before_day.isoformat() if wished.before_day else None,
        appointment_id=wished.appointment_id,
        service_id=service["service_id"],
        service_name=service["name"],
        mode=str(wished.wish.mode),
        location_id=location["location_id"] if location else None,
        location_name=location["name"] if location else None,
        staff_name=staff.shown(found[0].staff),
        zone=found[0].availability.zone,
        client_zone=wished.client_zone,
        passed=[],
        version=1,
    )
    wait.due(moment(int(wait.until)))
    settled(lambda: _join(context, wait))
    return wait


def _until(context: Context, wished: Wished) -> int:
    until = minute(context.now + LONGEST)
    if wished.before_day is not None:
        until = min(until, zones.span(wished.client_zone, wished.before_day, wished.before_day)[0])
    return until


def _join(context: Context, wait: Wait) -> None:
    place = {"tenant_id": wait.tenant_id, "client_id": wait.client_id, "staff_id": wait.staff_id}
    seen, ahead = load((WaitList, place), (Bookings, place))
    if seen is None:
        seen = WaitList.new(tenant_id=wait.tenant_id, staff_id=wait.staff_id, waiters=[], freed=[], version=0)
    if any(client_id == wait.client_id for client_id, _ in seen.waiters):
        raise AlreadyWaiting()
    if len(seen.waiters) >= MOST:
        raise WaitListClosed()
    bookings.require_pace(context, ahead)
    with Transaction() as tx:
        idempotency.remember(tx, context, wait.wait_id)
        calendars.put_list(tx, seen, [*seen.waiters, [wait.client_id, wait.wait_id]], seen.freed, context.now)
        bookings.note_act(tx, context, ahead)
        tx.create(wait)
        tx.create(_event(context, wait, "wait:join"))


def mine(context: Context) -> list[Wait]:
    """What the client waits for, the oldest wish first."""
    own: dict[str, Any] = {"tenant_id": context.tenant_id, "client_id": context.client_id}
    return [each for each in Wait.every(Wait.KEY, **own) if each.status != ENDED]


def accept(context: Context, start: int) -> Appointment:
    """The client takes what is offered: booked, or their appointment moved, and they leave the list.

    Raises OfferGone, WaitEnded, and what `appointments.take` raises.
    """
    if context.result:
        return appointments.get(context, context.client_id, context.result)

    def attempt(wait: Wait) -> Appointment:
        _require_offer(context, wait, start)

        def close(tx: Transaction, scene: Scene, freed: set[Interval]) -> None:
            tx.put(_ended(context, wait, "accepted"), when=Wait.version == wait.version, otherwise=Moved())
            if scene.waiting is not None:
                others = [each for each in scene.waiting.waiters if each[1] != wait.wait_id]
                calendars.put_list(tx, scene.waiting, others, [*scene.waiting.freed, *freed], context.now)

        wish = slots.Wish(wait.service_id, Mode(wait.mode), wait.location_id)
        opening = Opening(wait.staff_id, wish, held(wait), wait.client_zone, wait.appointment_id)
        try:
            return appointments.take(context, opening, close)
        except PortalError as refused:  # by the very appointment that another tap has just made?
            if refused.status == 409 and _get(context, wait.client_id, wait.wait_id).version != wait.version:
                raise Moved() from None
            raise

    return _act(context, attempt)


def decline(context: Context, start: int) -> Wait:
    """The client passes: the next one is offered the time; they keep their place. Raises OfferGone, WaitEnded."""

    def attempt(wait: Wait) -> Wait:
        if wait.status != ENDED and start in wait.passed:
            return wait
        _require_offer(context, wait, start)
        return _write(context, wait, _let_go(context, wait), "wait:decline")

    return _act(context, attempt)


def leave(context: Context) -> None:
    """The client leaves the list; what is offered to them goes to the next one."""

    def attempt(wait: Wait) -> Wait:
        return wait if wait.status == ENDED else _write(context, wait, _ended(context, wait, "left"), "wait:leave")

    _act(context, attempt)


def _require_offer(context: Context, wait: Wait, start: int) -> None:
    if wait.status == ENDED:
        raise WaitEnded()
    if wait.status != OFFERED or int(wait.start) != start or minute(context.now) >= int(wait.held_until):
        raise OfferGone()


# ---- the practice's ----


class Waiter(NamedTuple):
    """One who waits, and their file where the asker may see it."""

    wait: Wait
    client: Client | None


def of_calendars(context: Context, staff_ids: Sequence[str]) -> list[Waiter]:
    """The lists of these therapists (chosen as for the calendar), each in its order."""
    found = agendas.waiting([each.waiting for each in agendas.whose(context, staff_ids)])
    files = agendas.named(context, found)
    return [Waiter(each, files.get(each.client_id)) for each in found]


def remove(context: Context) -> None:
    """Staff take a client off the list of a calendar that they manage. Raises NotYourCalendar."""

    def attempt(wait: Wait) -> Wait:
        bookings.require_calendar(context, wait.staff_id)
        return wait if wait.status == ENDED else _write(context, wait, _ended(context, wait, "removed"), "wait:remove")

    _act(context, attempt)


# ---- what is written ----


Made = TypeVar("Made")


def _act(context: Context, attempt: Callable[[Wait], Made]) -> Made:
    """Do something with the wait that the address names; again on what is there while others are faster."""
    tries = count()

    def once() -> Made:
        found: Wait | None = context.named["wait_id"]
        if found is None:
            raise NotFound()
        return attempt(found if next(tries) == 0 else _get(context, found.client_id, found.wait_id))

    return settled(once)


def _get(context: Context, client_id: str, wait_id: str) -> Wait:
    found = Wait.find(tenant_id=context.tenant_id, client_id=client_id, wait_id=wait_id)
    if found is None:
        raise NotFound()
    return found


def held(wait: Wait) -> Taken:
    """What an offer holds of the therapist's time: nothing when there is none."""
    if wait.status != OFFERED:
        return Taken(wait.wait_id, of_client=False)
    start, minutes, before, after, until = (
        int(each) for each in (wait.start, wait.minutes, wait.before, wait.after, wait.held_until)
    )
    return Taken(wait.wait_id, [start], minutes, before, after, until, of_client=False)


def _write(context: Context, wait: Wait, new: Wait, action: str) -> Wait:
    """Write the wait as it shall be; what it holds no more goes to the next, and whoever has left is off the list."""
    old, place = held(wait), {"tenant_id": wait.tenant_id, "staff_id": wait.staff_id}
    days = Days.touched(wait.tenant_id, wait.staff_id, wait.client_id, old)
    seen, *found = load((WaitList, place), *days.wanted())
    days.read(found)
    with Transaction() as tx:
        tx.put(new, when=Wait.version == wait.version, otherwise=Moved())
        days.write(tx, held(new), minute(context.now))
        if seen is not None:
            stays = [each for each in seen.waiters if new.status != ENDED or each[1] != wait.wait_id]
            freed = [each for each in old.spans() if moment(each[1]) > context.now]
            if freed or len(stays) < len(seen.waiters):
                calendars.put_list(tx, seen, stays, [*seen.freed, *freed], context.now)
        tx.create(_event(context, wait, action))
    return new


def _changed(wait: Wait, due: datetime | None, **values: Any) -> Wait:
    kept = {name: getattr(wait, name) for name in Wait.get_attributes() if name not in _DERIVED}
    new = Wait.new(**{**kept, **values, "version": int(wait.version) + 1})
    return new.due(due) if due is not None else new


_DERIVED = {
    "pk", "sk", "gsi1pk", "gsi1sk", "gsi2pk", "gsi2sk", "duepk", "duesk", "kind", "version", "expires_at",
}  # fmt: skip
_NOTHING = {"start": None, "minutes": None, "before": None, "after": None, "held_until": None}


def _ended(context: Context, wait: Wait, how: str) -> Wait:
    over = int((context.now + KEPT).timestamp())
    return _changed(wait, None, status=ENDED, ended_as=how, expires_at=over, **_NOTHING)


def _let_go(context: Context, wait: Wait) -> Wait:
    """Waiting again, and never offered this time again."""
    passed = [each for each in wait.passed if each > minute(context.now)][-REMEMBERED:]
    return _changed(wait, moment(int(wait.until)), status=WAITING, passed=[*passed, int(wait.start)], **_NOTHING)


def _event(context: Context, wait: Wait, action: str) -> Any:
    return audits.event(context, action, client_id=wait.client_id, wait_id=wait.wait_id, staff_id=wait.staff_id)


# ---- what is due ----


def sweep(pk: str, sk: str, now: datetime) -> None:
    """A wait that is due: what was offered and not answered goes to the next; a wish that is over ends."""
    for found in at_keys([(pk, sk)], consistent=True):
        context = _by_system(found, now)
        if context is None:
            continue
        context.named["wait_id"] = found

        def attempt(wait: Wait, context: Context = context) -> Wait:
            if wait.status == OFFERED and minute(now) >= int(wait.held_until):
                return _write(context, wait, _let_go(context, wait), "wait:expire")
            if wait.status == WAITING and minute(now) >= int(wait.until):
                return _write(context, wait, _ended(context, wait, "over"), "wait:end")
            return wait  # somebody has done something since, and said when it is due

        _act(context, attempt)


def _by_system(about: Any, now: datetime, client_id: str | None = None) -> Context | None:
    """The context of work for a client that nobody asked for; None when there is no such client any more."""
    place = {"tenant_id": about.tenant_id, "client_id": client_id or about.client_id}
    tenant, client = load((Tenant, place), (Client, place))
    if tenant is None or client is None:
        return None
    return Context(
        tenant_id=about.tenant_id,
        actor=Actor("system", "due"),
        now=now,
        persona=Persona.JOBS,
        tenant=tenant,
        client=client,
    )


def sweep_list(pk: str, sk: str, now: datetime) -> None:
    """A list that is due: what has become free is offered in its order, one time to each whom one suits.

    What nobody takes is open to everyone, and so forgotten here. When the list changed meanwhile it stays due.
    """
    for seen in at_keys([(pk, sk)], consistent=True):
        freed = [(start, end) for start, end in seen.freed if end > minute(now)]
        for client_id, wait_id in seen.waiters if freed else ():
            _offer_to(seen, client_id, wait_id, freed, now)
        try:
            with Transaction() as tx:
                calendars.put_list(tx, seen, seen.waiters, [], now)
        except Moved:
            pass


def _offer_to(seen: WaitList, client_id: str, wait_id: str, freed: Sequence[Interval], now: datetime) -> None:
    """Offer this client the first of these times that suits them, unless something is offered to them already."""
    context = _by_system(seen, now, client_id)
    if context is None or context.client.portal != "active" or context.client.status != "active":
        return
    try:
        for start in _suiting(context, wait_id, freed):
            if settled(partial(_offer, context, wait_id, start)):
                return
    except PortalError as refused:
        # Their turn comes again when they can be booked; a place or a service that is gone stops nobody after them.
        if refused.status >= 500:
            raise


class _Terms(NamedTuple):
    """What is to be offered, as it stands now."""

    wish: slots.Wish
    service: Service
    latest: int  # the time must begin before it
    answer_by: int


def _terms(context: Context, wait: Wait, service: Service) -> _Terms | None:
    """None when there is nothing to wait for any more."""
    wish = slots.Wish(wait.service_id, Mode(wait.mode), wait.location_id)
    latest = int(wait.until)
    answer_by = minute(context.now) + tenants.scheduling(context.tenant)["offer_hold_hours"] * 60
    if wait.appointment_id is None:
        return _Terms(wish, service, latest, answer_by)
    own = Appointment.find(
        tenant_id=wait.tenant_id, client_id=wait.client_id, appointment_id=wait.appointment_id, consistent=True
    )
    if own is None or own.status not in LIVE:
        return None
    # It keeps its own length; and within the notice only the practice moves it.
    service = Service(service.service_id, int(own.minutes), int(own.before), int(own.after), service.bookable)
    movable = minute(appointments.change_until(context.tenant, own))
    return _Terms(wish, service, min(latest, int(own.start)), min(answer_by, movable))


def _given_up(wait: Wait, window: Interval) -> list[int]:
    """The times in these days that the client has cancelled with this therapist."""
    first, last = (clock.text(moment(at)) for at in window)
    place: dict[str, Any] = {"tenant_id": wait.tenant_id, "client_id": wait.client_id}
    own = Appointment.between(Appointment.BY_CLIENT, first, last, **place)
    return [
        int(each.start)
        for each in own
        if each.staff_id == wait.staff_id and each.status == CANCELLED and each.ended_by == "client"
    ]


def _suiting(context: Context, wait_id: str, freed: Sequence[Interval]) -> Iterator[int]:
    """Starts in these times that could be booked for this wait, the best first."""
    wait = _get(context, context.client_id, wait_id)
    if wait.status != WAITING:
        return
    offered, found = slots.counterparts(context, wait.staff_id)
    if not found:
        return
    scheduling = tenants.scheduling(context.tenant)
    wish = slots.Wish(wait.service_id, Mode(wait.mode), wait.location_id)
    chosen, _ = slots.chosen(offered, wish, by_client=True)
    terms = _terms(context, wait, hours.service_of(chosen, scheduling))
    if terms is None:
        _over(context, wait)
        return
    window = freed[0][0] - DAY, min(freed[-1][1] + DAY, terms.latest)
    if window[0] >= window[1]:
        return
    search = Search(
        rules=hours.rules(found[0].availability),
        service=terms.service,
        policy=hours.policy_of(scheduling),
        now=minute(context.now),
        busy=calendars.of_therapist(wait.tenant_id, wait.staff_id, window, consistent=True),
        mode=wish.mode,
        location_id=wish.location_id,
        client_busy=calendars.of_client(wait.tenant_id, wait.client_id, window, consistent=True),
    )
    # Who passed on a time, or gave it up, does not want it a quarter of an hour later.
    long, unwanted = terms.service.minutes, [*wait.passed, *_given_up(wait, window)]
    good = [at for at in starts(search, window) if all(abs(at - each) >= long for each in unwanted)]
    yield from near(search, good, freed)[:LOOKS]


def _over(context: Context, wait: Wait) -> None:
    """The appointment that was to be moved is none any more."""
    context.named["wait_id"] = wait

    def attempt(each: Wait) -> Wait:
        return each if each.status != WAITING else _write(context, each, _ended(context, each, "over"), "wait:end")

    _act(context, attempt)


def _offer(context: Context, wait_id: str, start: int) -> bool:
    """Hold this time for the client and tell them. False: it cannot be had any more.

    Raises TherapistNotOffered, ServiceNotOffered, TooManyAhead, TooManyRequests, Moved.
    """
    wait = _get(context, context.client_id, wait_id)
    if wait.status != WAITING:
        return True  # another worker was faster
    scene = bookings.scene_of(context, wait.client_id, wait.staff_id, around=start)
    if scene.assignment is None or not slots.can_be_booked(context, scene.staff, scene.availability):
        raise TherapistNotOffered()
    wish = slots.Wish(wait.service_id, Mode(wait.mode), wait.location_id)
    scheduling = tenants.scheduling(context.tenant)
    service, _ = slots.chosen(scene.offer, wish, by_client=True)
    terms = _terms(context, wait, hours.service_of(service, scheduling))
    if terms is None:
        raise NotFound()
    answer_by = min(terms.answer_by, start)
    asked = terms.service
    hold = Taken(wait.wait_id, [start], asked.minutes, asked.before, asked.after, answer_by, of_client=False)
    scene.keep(context, start, hold)
    search = scene.search(context, asked, wish, hours.policy_of(scheduling), "")
    too_late = start >= terms.latest or answer_by <= minute(context.now)
    if too_late or fits(search, start) is not None:
        return False
    bookings.require_room(context, scene, wait.appointment_id or "", request=False)
    new = _changed(
        wait,
        moment(answer_by),
        status=OFFERED,
        start=start,
        minutes=asked.minutes,
        before=asked.before,
        after=asked.after,
        held_until=answer_by,
    )
    letter = mails.to_client(
        context.now, wait.tenant_id, wait.client_id, "wait_offered", wait_id=wait.wait_id, start=start
    )
    with Transaction() as tx:
        tx.put(new, when=Wait.version == wait.version, otherwise=Moved())
        scene.still_bookable(tx)
        scene.days.write(tx, hold, minute(context.now))
        tx.create(_event(context, wait, "wait:offer"))
        tx.create(letter)
    mails.hand_over(letter)
    return True
