"""Calendar days: what is taken of a person's time, and how a change of it is written (DESIGN.md, Calendar).

One record for each therapist and UTC day, one for each client and UTC day. An appointment stands in every day that it
touches, a therapist's with its buffers. Two appointments that are in each other's way share a minute, so they share a
day: whoever writes has read that day, and its version says whether anybody wrote in between. Nobody is ever in two
places at once, whatever happens at the same moment.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from chalicelib.models.slots import ClientDay, TherapistDay, WaitList
from chalicelib.models.table import Record
from chalicelib.models.transaction import Moved, Transaction
from chalicelib.slots.rules import Busy
from chalicelib.slots.search import merged
from chalicelib.slots.zones import DAY, Interval, clock_at, dated, moment

KEPT = timedelta(days=400)  # so long after its day a record stays
_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class Taken:
    """What an appointment occupies: several times while the client may still choose, one otherwise, none at its end.

    Of both sides, but where a group meets: the group itself is the therapist's, each place in it its client's. A time
    that is held for somebody who waits is the therapist's, too, and not yet the client's.
    """

    appointment_id: str
    starts: Sequence[int] = ()
    minutes: int = 0
    before: int = 0
    after: int = 0
    held_until: int | None = None
    of_therapist: bool = True
    of_client: bool = True

    def entries(self, *, buffers: bool) -> list[Busy]:
        """One for each time of the therapist's, with buffers, or of the client's, which keep none."""
        if not (self.of_therapist if buffers else self.of_client):
            return []
        around = (self.before, self.after) if buffers else (0, 0)
        return [
            Busy(start, start + self.minutes, *around, self.appointment_id, self.held_until) for start in self.starts
        ]

    def spans(self) -> set[Interval]:
        """What it takes of the therapist's time, buffers included."""
        return {(each.start - each.before, each.end + each.after) for each in self.entries(buffers=True)}


@dataclass
class Days:
    """The days of both sides that one change touches, read once and written back under their versions."""

    tenant_id: str
    staff_id: str
    client_id: str
    therapist: dict[str, Any] = field(default_factory=dict)  # day → record, or None
    client: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def touched(cls, tenant_id: str, staff_id: str, client_id: str, *changes: Taken) -> "Days":
        """The days that these touch, not read yet."""
        days = cls(tenant_id, staff_id, client_id)
        for change in changes:
            for entry in change.entries(buffers=True):
                days.therapist |= dict.fromkeys(_days_of(entry))
            for entry in change.entries(buffers=False):
                days.client |= dict.fromkeys(_days_of(entry))
        return days

    def also_around(self, start: int) -> None:
        """Read the days around `start` of both sides, too: which of them are touched is not known yet (`keep`)."""
        around = dict.fromkeys(day_of(start + shift) for shift in (-DAY, 0, DAY))
        self.therapist |= around
        self.client |= around

    def keep(self, *changes: Taken, whole_day: tuple[str, int] | None = None) -> None:
        """Of what was read only what these touch, and the therapist's whole day around a start, by the clock of a zone,
        where a cap counts it."""
        touched = Days.touched(self.tenant_id, self.staff_id, self.client_id, *changes)
        if whole_day is not None:
            zone, start = whole_day
            clocks = clock_at(zone, start, start)
            day = clocks.day(start)
            whole = Busy(clocks.instant(day * DAY), clocks.instant((day + 1) * DAY))
            touched.therapist |= dict.fromkeys(_days_of(whole))
        self.therapist = {day: self.therapist[day] for day in self.therapist if day in touched.therapist}
        self.client = {day: self.client[day] for day in self.client if day in touched.client}

    def wanted(self) -> list[tuple[type[Record], dict[str, Any]]]:
        """What to load; give it to `read` in this order."""
        own = {"tenant_id": self.tenant_id}
        return [
            *((TherapistDay, {**own, "staff_id": self.staff_id, "day": day}) for day in self.therapist),
            *((ClientDay, {**own, "client_id": self.client_id, "day": day}) for day in self.client),
        ]

    def read(self, records: Sequence[Any]) -> None:
        """The records that `wanted` asked for."""
        found = iter(records)
        self.therapist = {day: next(found) for day in self.therapist}
        self.client = {day: next(found) for day in self.client}

    def busy(self) -> list[Busy]:
        """What is taken of the therapist's days."""
        return entries(record for record in self.therapist.values() if record is not None)

    def client_busy(self) -> list[Busy]:
        """What is taken of the client's days."""
        return entries(record for record in self.client.values() if record is not None)

    def write(self, tx: Transaction, taken: Taken, now: int, instead_of: str = "") -> None:
        """From now on the appointment occupies exactly this, and the offer that it comes from (its id) nothing; Moved
        if a day is not as it was read.

        A day that does not change is only checked: the cap was counted on it.
        """
        gone = {taken.appointment_id, instead_of}
        own = {"tenant_id": self.tenant_id}
        sides: list[tuple[Any, dict[str, str], dict[str, Any], bool]] = [
            (TherapistDay, {**own, "staff_id": self.staff_id}, self.therapist, True),
            (ClientDay, {**own, "client_id": self.client_id}, self.client, False),
        ]
        for kind, whose, days, buffers in sides:
            new = taken.entries(buffers=buffers)
            for day, record in days.items():
                _write(tx, kind, {**whose, "day": day}, record, [e for e in new if day in _days_of(e)], gone, now)


def _write(
    tx: Transaction, kind: Any, place: dict[str, str], record: Any, new: list[Busy], gone: set[str], now: int
) -> None:
    before = entries([record]) if record is not None else []
    others = [
        each
        for each in before
        if each.appointment_id not in gone and (each.held_until is None or now < each.held_until)
    ]
    after = sorted([*others, *new], key=_order)
    unseen = kind.pk.does_not_exist() if record is None else kind.version == record.version
    if after == before:
        tx.require(kind.at(**place), unseen, otherwise=Moved())
        return
    ends = date.fromisoformat(place["day"]) + KEPT
    changed = kind.new(
        **place,
        busy=[[e.start, e.end, e.appointment_id, e.held_until, e.before, e.after] for e in after],
        version=1 if record is None else int(record.version) + 1,
        expires_at=(ends.toordinal() - _EPOCH) * 86_400,
    )
    tx.put(changed, when=unseen, otherwise=Moved())


def entries(records: Iterable[Any]) -> list[Busy]:
    """What is taken in these days, each entry once though it may stand in two, in order."""
    found = {
        Busy(start, end, before, after, appointment_id, held_until)
        for record in records
        for start, end, appointment_id, held_until, before, after in record.busy
    }
    return sorted(found, key=_order)


def _order(entry: Busy) -> tuple[int, int, str]:
    return entry.start, entry.end, entry.appointment_id


def of_therapist(tenant_id: str, staff_id: str, window: Interval, *, consistent: bool = False) -> list[Busy]:
    """What is taken of a therapist in a window of instants, and a day more on either side; one query."""
    return _between(TherapistDay, window, consistent, tenant_id=tenant_id, staff_id=staff_id)


def of_client(tenant_id: str, client_id: str, window: Interval, *, consistent: bool = False) -> list[Busy]:
    """What is taken of a client in a window of instants, and a day more on either side; one query."""
    return _between(ClientDay, window, consistent, tenant_id=tenant_id, client_id=client_id)


def _between(kind: Any, window: Interval, consistent: bool, **whose: str) -> list[Busy]:
    first, last = day_of(window[0] - DAY), day_of(window[1] + DAY)
    return entries(kind.between(kind.KEY, first, last, consistent=consistent, **whose))


def day_of(at: int) -> str:
    """The UTC day of a minute."""
    return moment(at).date().isoformat()


def _days_of(entry: Busy) -> list[str]:
    first, last = (entry.start - entry.before) // DAY, (entry.end + entry.after - 1) // DAY
    return [dated(day).isoformat() for day in range(first, last + 1)]


# ---- what becomes free ----

FREED_AT_MOST = 100


def opened(tx: Transaction, waiting: WaitList | None, intervals: Iterable[Interval], now: datetime) -> None:
    """Within a transaction that frees these times of a therapist: whoever waits is to be offered them (services/waits).
    Moved if the list is not as it was read."""
    if waiting is None or not waiting.waiters:
        return
    ahead = [each for each in intervals if moment(each[1]) > now]
    if ahead:
        put_list(tx, waiting, waiting.waiters, [*waiting.freed, *ahead], now)


def put_list(
    tx: Transaction, seen: WaitList, waiters: list[list[str]], freed: Iterable[Sequence[int]], now: datetime
) -> None:
    """Write a wait list as it shall be, over the one that was read (version 0: there was none); Moved if it changed."""
    times = merged((start, end) for start, end in freed)
    if len(times) > FREED_AT_MOST:  # then what lies between them is looked through, too
        times = [(times[0][0], times[-1][1])]
    new = WaitList.new(
        tenant_id=seen.tenant_id,
        staff_id=seen.staff_id,
        waiters=waiters,
        freed=[list(each) for each in times],
        version=int(seen.version) + 1,
    )
    if times and waiters:
        new.due(now)
    unseen = WaitList.version == seen.version if seen.version else WaitList.pk.does_not_exist()
    tx.put(new, when=unseen, otherwise=Moved())
