"""What an appointment is decided on, and how it is written: for everything that books, moves or ends one.

Every change is one transaction: the days of both sides under the versions that were read, the appointment under its
own, the caps, the audit, the mails, the idempotency record. If anybody wrote one of the days in between, all of it is
read and decided again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from chalicelib import clock
from chalicelib.adapters import keys
from chalicelib.config import settings
from chalicelib.context import Context
from chalicelib.errors import (
    ClientArchived,
    ClientBusy,
    NeedsOverride,
    NotAssigned,
    NotYourCalendar,
    OwnConflict,
    PortalError,
    SlotTaken,
    TherapistNotOffered,
    TooManyAhead,
    TooManyOpen,
    TooManyRequests,
)
from chalicelib.models.clients import Assignment, Client
from chalicelib.models.mails import ClientMail, StaffMail
from chalicelib.models.slots import Appointment, Availability, Bookings, Offer, WaitList
from chalicelib.models.staff import Staff
from chalicelib.models.table import load
from chalicelib.models.tenants import Tenant
from chalicelib.models.transaction import Moved, Transaction
from chalicelib.policies.rules import Role
from chalicelib.services import audits, calendars, idempotency, jobs, mails, slots, tenants
from chalicelib.services import availability as hours
from chalicelib.services.calendars import Days, Taken
from chalicelib.slots.rules import Mode, Policy, Service
from chalicelib.slots.search import Reason, Search, objections
from chalicelib.slots.zones import minute, moment

REQUESTED, PROPOSED, CONFIRMED = "requested", "proposed", "confirmed"
DECLINED, EXPIRED, CANCELLED, COMPLETED, NO_SHOW = "declined", "expired", "cancelled", "completed", "no_show"
OPEN, LIVE, HELD = (REQUESTED, PROPOSED), hours.LIVE, (CONFIRMED, COMPLETED, NO_SHOW)

# Staff book with open eyes: only what would put a person in two places is refused them.
FREE = Policy(grid_minutes=1, notice_hours=0, horizon_days=3660)


@dataclass
class Scene:
    """What a decision depends on, read at one moment."""

    days: Days
    bookings: Bookings | None
    assignment: Assignment | None
    staff: Staff | None
    availability: Availability | None
    offer: Offer
    waiting: WaitList | None

    def search(self, context: Context, service: Service, wish: slots.Wish, policy: Policy, moving: str) -> Search:
        """The question whether a time can be had."""
        found = self.availability
        return Search(
            rules=hours.rules(found) if found is not None else hours.no_rules(context.tenant),
            service=service,
            policy=policy,
            now=minute(context.now),
            busy=self.days.busy(),
            mode=wish.mode,
            location_id=wish.location_id,
            client_busy=self.days.client_busy(),
            moving=moving,
        )

    def keep(self, context: Context, start: int, *changes: Taken) -> None:
        """Of the days that were read those that these touch, and all that a cap on the therapist's day counts."""
        assert self.availability is not None
        counts = tenants.scheduling(context.tenant)["max_per_day"]
        self.days.keep(*changes, whole_day=(self.availability.zone, start) if counts else None)

    def still_bookable(self, tx: Transaction) -> None:
        """For a transaction: the therapist is assigned, and the hours are those that were read."""
        assert self.assignment is not None
        assert self.availability is not None
        tx.require(self.assignment, Assignment.pk.exists(), otherwise=TherapistNotOffered())
        tx.require(self.availability, Availability.version == self.availability.version, otherwise=Moved())


def scene_of(context: Context, client_id: str, staff_id: str, *changes: Taken, around: int | None = None) -> Scene:
    """One strongly consistent read of the facts and of the days that these touch; of those around a start, too, for a
    caller who will say what to keep of them."""
    place = {"tenant_id": context.tenant_id, "client_id": client_id, "staff_id": staff_id}
    days = Days.touched(context.tenant_id, staff_id, client_id, *changes)
    if around is not None:
        days.also_around(around)
    kinds: list[Any] = [Bookings, Assignment, Staff, Availability, Offer, WaitList]
    bookings, assignment, staff, availability, offer, waiting, *found = load(
        *((kind, place) for kind in kinds), *days.wanted()
    )
    days.read(found)
    offer = offer or hours.no_offer(context.tenant_id)
    return Scene(days, bookings, assignment, staff, availability, offer, waiting)


# ---- what is written ----


class Step(NamedTuple):
    """A change that was decided: the appointment as it shall be, what it occupies then, and what is told of it."""

    record: Appointment
    taken: Taken
    action: str
    told: str  # the letter, see appointment_letters; "": none, of a series both sides are told once
    seen: int | None = None  # the version that was read; None: it is new
    check: Callable[[Transaction], None] | None = None  # what else must still hold, or changes along
    old: Taken | None = None  # what it occupied; what of it becomes free is offered to those who wait
    instead_of: str = ""  # the offer that it comes from, which holds nothing any more
    tell_staff: bool = True


def commit(context: Context, scene: Scene, step: Step, finish: jobs.Finish | None = None) -> Appointment:
    """Write it, all or nothing, with the outcome of the job's item that it is the work of. Raises Moved when anything
    is not as it was read."""
    record = step.record
    letters = _letters(context, record, step)
    with Transaction() as tx:
        if finish is not None:  # first: another worker may have done this very item
            finish(tx, record.appointment_id)
        idempotency.remember(tx, context, record.appointment_id)
        if step.check is not None:
            step.check(tx)
        scene.days.write(tx, step.taken, minute(context.now), step.instead_of)
        if step.old is not None:
            calendars.opened(tx, scene.waiting, step.old.spans() - step.taken.spans(), context.now)
        _count(tx, context, scene.bookings, record)
        _put(tx, context, record, step.seen)
        about = {"appointment_id": record.appointment_id, "staff_id": record.staff_id, "series_id": record.series_id}
        tx.create(audits.event(context, step.action, client_id=record.client_id, **about))
        for letter in letters:
            tx.create(letter)
    mails.hand_over(*letters)
    return record


def _put(tx: Transaction, context: Context, record: Appointment, seen: int | None) -> None:
    if (at := due_at(context.tenant, record, context.now)) is not None:
        record.due(at)
    if seen is None:
        tx.create(record)
    else:
        tx.put(record, when=Appointment.version == seen, otherwise=Moved())


def _letters(context: Context, record: Appointment, step: Step) -> list[ClientMail | StaffMail]:
    """Everyone is told of every step (DOMAIN.md 5.3); clients without an account are not written to."""
    if not step.told:
        return []
    template = f"appointment_{step.told}"
    about: dict[str, Any] = {"appointment_id": record.appointment_id, "start": int(record.start)}
    told: list[ClientMail | StaffMail] = []
    if context.client is not None and context.client.portal == "active":
        told.append(mails.to_client(context.now, record.tenant_id, record.client_id, template, **about))
    about["client_id"] = record.client_id
    if step.tell_staff:
        told.append(mails.to_staff(context.now, record.tenant_id, record.staff_id, template, **about))
    return told


def due_at(tenant: Tenant, record: Appointment, now: datetime) -> datetime | None:
    """When the appointment is to be looked at: at the end of its hold, then for each reminder that is still ahead."""
    if record.status in OPEN:
        return moment(int(record.held_until))
    if record.status != CONFIRMED:
        return None
    return min((at for at in reminders(tenant, int(record.start)) if at > now), default=None)


def reminders(tenant: Tenant, start: int) -> list[datetime]:
    """When the client is reminded of what begins then."""
    return [moment(start) - timedelta(hours=each) for each in tenants.scheduling(tenant)["reminder_hours"]]


def _count(tx: Transaction, context: Context, seen: Bookings | None, record: Appointment) -> None:
    """What the client has ahead, as the caps count it (`require_room`); written only when it changes."""
    now, before = minute(context.now), _ahead(seen, context.now)
    after = {each: entry for each, entry in before.items() if each != record.appointment_id}
    ends = int(record.start) + int(record.minutes)
    if record.made_by == "client" and record.status in LIVE and ends > now:
        after[record.appointment_id] = [ends, record.status in OPEN]
    by_client = context.actor.kind == "client"
    if after != before or by_client:
        _put_bookings(tx, context, seen, after, record.client_id)


def note_act(tx: Transaction, context: Context, seen: Bookings | None) -> None:
    """Count what the client does without changing what they have ahead: the pace bounds it, too."""
    _put_bookings(tx, context, seen, _ahead(seen, context.now), context.client_id)


def _put_bookings(
    tx: Transaction, context: Context, seen: Bookings | None, ahead: dict[str, list[Any]], client_id: str
) -> None:
    by_client = context.actor.kind == "client"
    today, done = _today(seen, context.now)
    new = Bookings.new(
        tenant_id=context.tenant_id,
        client_id=client_id,
        ahead=ahead,
        today=[today, done + by_client],
        closed=seen.closed if seen is not None else None,
        version=1 if seen is None else int(seen.version) + 1,
    )
    unseen = Bookings.pk.does_not_exist() if seen is None else Bookings.version == seen.version
    tx.put(new, when=unseen, otherwise=Moved())


def _ahead(seen: Bookings | None, now: datetime) -> dict[str, list[Any]]:
    ahead = seen.ahead if seen is not None else {}
    return {each: entry for each, entry in ahead.items() if entry[0] > minute(now)}


def _today(seen: Bookings | None, now: datetime) -> tuple[str, int]:
    """The day, and how much the client has changed on it."""
    today = now.date().isoformat()
    return today, seen.today[1] if seen is not None and seen.today[0] == today else 0


def require_room(context: Context, scene: Scene, appointment_id: str, *, request: bool) -> None:
    """Raise TooManyOpen, TooManyAhead or TooManyRequests where a client has as much as is possible."""
    caps = tenants.scheduling(context.tenant)
    others = {each: e for each, e in _ahead(scene.bookings, context.now).items() if each != appointment_id}
    if request and sum(is_open for _, is_open in others.values()) >= caps["max_open_requests"]:
        raise TooManyOpen()
    if len(others) >= caps["max_upcoming"]:
        raise TooManyAhead()
    require_pace(context, scene.bookings)


def require_pace(context: Context, bookings: Bookings | None) -> None:
    """Raise TooManyRequests where a client has done as much in a day as is possible."""
    most, _ = settings.limit("scheduling_client")
    if _today(bookings, context.now)[1] >= most:
        tomorrow = (context.now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        raise TooManyRequests(retry_after=int((tomorrow - context.now).total_seconds()) + 1)


def _taken(record: Appointment, starts: Sequence[int] | None = None, held_until: int | None = None) -> Taken:
    return Taken(
        record.appointment_id,
        [int(record.start)] if starts is None else starts,
        int(record.minutes),
        int(record.before),
        int(record.after),
        held_until,
        of_therapist=record.group_id is None,  # a group keeps the therapist's time itself
    )


def occupied(record: Appointment) -> Taken:
    """What an appointment occupies as it stands, whether or not its hold is over."""
    if record.status not in (*LIVE, *HELD):
        return _taken(record, ())
    starts = record.proposals if record.status == PROPOSED else None
    return _taken(record, starts, int(record.held_until) if record.status in OPEN else None)


def hold_until(context: Context, starts: Sequence[int]) -> int:
    """Until when a request keeps its time: some hours, and never past the time itself."""
    hold: int = tenants.scheduling(context.tenant)["hold_hours"] * 60
    return min(minute(context.now) + hold, *starts)


def changed(context: Context, record: Appointment, *, moves: bool = True, **values: Any) -> Appointment:
    """The appointment with these values and all keys that follow from them, a version later."""
    kept = {name: getattr(record, name) for name in Appointment.get_attributes() if name not in _DERIVED}
    new: dict[str, Any] = {**kept, **values, "changed_at": clock.text(context.now), "version": int(record.version) + 1}
    new["sequence"] = int(record.sequence) + moves
    new["starts_at"] = clock.text(moment(int(new["start"])))
    new["phase"] = "place" if record.group_id else "request" if new["status"] in OPEN else "booked"
    if new["status"] not in OPEN:
        new["held_until"] = new["proposals"] = None
    return Appointment.new(**new)


_DERIVED = {
    "pk", "sk", "gsi1pk", "gsi1sk", "gsi2pk", "gsi2sk", "duepk", "duesk", "kind", "version", "expires_at", "phase",
    "starts_at", "changed_at", "sequence",
}  # fmt: skip


def with_words(record: Appointment, **more: str | None) -> bytes | None:
    """What people wrote about it, encrypted, with this added."""
    said = {**words(record), **{name: text for name, text in more.items() if text}}
    return keys.encrypt(record.tenant_id, said, words_place(record.appointment_id)) if said else None


def words(record: Appointment) -> dict[str, str]:
    """What people wrote about it: the client's note, the practice's message, the reason of its end."""
    if record.words is None:
        return {}
    said: dict[str, str] = keys.decrypt(record.tenant_id, record.words, words_place(record.appointment_id))
    return said


def words_place(appointment_id: str) -> str:
    """Where the words stand: they are encrypted for this place."""
    return f"appointment|{appointment_id}"


# ---- what speaks against it, and who may ----


def verdict_on(search: Search, *starts: int) -> tuple[PortalError | None, list[str]]:
    """What nobody can overrule, if there is anything, and what staff may (codes, each once)."""
    found = [each for start in starts for each in objections(search, start)]
    blocked: PortalError | None = None
    if Reason.CLIENT_BUSY in found:
        blocked = ClientBusy()
    if Reason.BUSY in found:
        blocked = SlotTaken()
    warnings = [str(each) for each in dict.fromkeys(found) if each not in (Reason.BUSY, Reason.CLIENT_BUSY)]
    return blocked, warnings


def require_good(verdict: tuple[PortalError | None, list[str]], override: bool) -> None:
    blocked, warnings = verdict
    if blocked is not None:
        raise blocked
    require_override(warnings, override)


def require_override(warnings: Sequence[str], override: bool) -> None:
    """Raise NeedsOverride with what speaks against a time, unless whoever asks wants it nevertheless."""
    if warnings and not override:
        raise NeedsOverride(
            errors=[{"pointer": "/override", "code": each, "detail": _WARNINGS[each]} for each in warnings]
        )


_WARNINGS: dict[str, str] = {
    Reason.PAST: "This time has passed.",
    Reason.HORIZON: "This is more than ten years ahead.",
    Reason.OUTSIDE: "This lies outside the hours that are set, or in time off.",
    "time_off": "This lies in time off.",
}


def manages(context: Context, staff_id: str) -> bool:
    """A therapist manages their own calendar, administrators everyone's."""
    return Role.ADMINISTRATOR in context.actor.roles or staff_id == context.actor.id


def require_calendar(context: Context, staff_id: str) -> None:
    """Raise NotYourCalendar for one that the asker does not manage."""
    if not manages(context, staff_id):
        raise NotYourCalendar()


def require_kept(context: Context) -> None:
    """An archived file takes no bookings, whoever makes them; what was booked can be moved, and ended. Raises
    ClientArchived."""
    if context.client.status != "active":
        raise ClientArchived()


def still_kept(context: Context, tx: Transaction) -> None:
    """For a transaction by which staff book: the file is not archived at this moment, whatever it was when it was
    read. (What a client does themselves is written under the version of Bookings, which says so, too.)"""
    tx.require(context.client, Client.status == "active", otherwise=ClientArchived())


def close(context: Context, tx: Transaction, seen: Bookings | None, *, archived: bool) -> None:
    """For the transaction that archives a file, or takes it out again: nothing that a client was about to book is
    written after it. Raises Moved where the client's first act came between."""
    if seen is not None:
        closed = Bookings.closed.set(True) if archived else Bookings.closed.remove()
        tx.update(seen, closed, Bookings.version.add(1))
    elif archived:
        place = {"tenant_id": context.tenant_id, "client_id": context.client_id}
        tx.create(Bookings.new(**place, ahead={}, today=["", 0], closed=True, version=1), otherwise=Moved())


def still_assigned(context: Context, assignment: Assignment, tx: Transaction) -> None:
    """For a transaction by which staff book: the file is kept, and the therapist is assigned to it."""
    still_kept(context, tx)
    tx.require(assignment, Assignment.pk.exists(), otherwise=NotAssigned())


def require_free(context: Context, scene: Scene, record: Appointment, *starts: int) -> list[str]:
    """Raise SlotTaken, ClientBusy or OwnConflict where a person would be in two places; else what speaks against it."""
    service = Service(record.service_id, int(record.minutes), int(record.before), int(record.after))
    wish = slots.Wish(record.service_id, Mode(record.mode), record.location_id)
    search = scene.search(context, service, wish, FREE, record.appointment_id)
    blocked, warnings = verdict_on(search, *(starts or (int(record.start),)))
    if blocked is not None:
        raise OwnConflict() if isinstance(blocked, ClientBusy) and context.actor.kind == "client" else blocked
    return warnings
