"""Fifty at the same moment, and everything in any order: nobody is in two places at once, no hold is a ghost.

`make soak` walks 10,000 steps (BOOKING_STEPS, BOOKING_SEEDS).
"""

import os
import random
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from chalicelib.slots.zones import moment
from infra.local import world as demo
from tests import booking, flows
from tests.booking import at, book, book_for, mine, opened, theirs
from tests.calls import PEOPLE, Answer, Caller
from tests.conftest import World
from tests.flows import together

Call = Callable[..., Caller]
THREADS = 50
STEPS = int(os.environ.get("BOOKING_STEPS", "150"))
SEEDS = [int(each) for each in os.environ.get("BOOKING_SEEDS", "3,4").split(",")]


def _outcomes(answers: list[Answer]) -> Counter[tuple[int, str | None]]:
    return Counter((answer.status, answer.code) for answer in answers)


@pytest.fixture
def clients(world: World, call: Call) -> list[Caller]:
    """Fifty clients with accounts, all assigned to T1 and T4."""
    from chalicelib.models.staff import Staff
    from chalicelib.services import clients, sessions, tenants

    tenant_id = world.tenant_id("oak")
    tenant = tenants.get(tenant_id)
    members = [Staff.find(tenant_id=tenant_id, staff_id=PEOPLE[key].id) for key in ("T1", "T4")]
    found = []
    for number in range(THREADS):
        client_id = demo.fixed_id(f"N{number}")
        new = clients.create(
            tenant_id, client_id=client_id, legal_name="Racing Person", email=f"racer{number}@mail.example"
        )
        for member in members:
            assert member is not None
            clients.assign(tenant_id, client_id, member)
        from chalicelib.models.clients import Client
        from chalicelib.models.transaction import change

        change(new, Client.portal.set("active"))
        who = clients.find(tenant_id, client_id)
        assert tenant is not None
        context = sessions.context_for(who, tenant, sessions.CLIENT, sessions.Caller("127.0.0.1", None, "x"))
        sessions.start(context, method="password", bearer=True)
        caller = call()
        caller.token = context.token
        found.append(caller)
    return found


def test_one_time_is_booked_once(world: World, call: Call, clients: list[Caller]) -> None:
    service, clock = opened(call, "T1"), world.portal.clock
    answers = together(THREADS, lambda n: book(clients[n], "T1", service, at(clock, 3)))
    assert _outcomes(answers) == {(201, None): 1, (409, "slot_taken"): THREADS - 1}
    assert len(flows.stored("appointment")) == 1
    assert booking.wrong(world) == []


def test_no_two_overlap_with_their_buffers(world: World, call: Call, clients: list[Caller]) -> None:
    """Starts five minutes apart, around midnight of UTC: whatever was booked keeps its distance."""
    service, clock = opened(call, "T1", minutes=30, before=5, after=10), world.portal.clock
    booking.settings(call("A1"), grid_minutes=5)
    times = [f"{h:02d}:{m:02d}" for h in (22, 23) for m in range(0, 60, 5)]
    wanted = [at(clock, 3, time) for time in times] + [at(clock, 4, f"00:{m:02d}") for m in range(0, 60, 5)]
    answers = together(THREADS, lambda n: book(clients[n], "T1", service, wanted[n % len(wanted)]))
    assert set(_outcomes(answers)) <= {(201, None), (409, "slot_taken"), (503, "busy")}
    booked = sorted(booking.instant(answer.json["starts_at"]) for answer in answers if answer.status == 201)
    assert len(booked) >= 2
    assert all(b - a >= timedelta(minutes=45) for a, b in pairwise(booked))
    assert booking.wrong(world) == []


def test_one_client_is_in_one_place(world: World, call: Call, clients: list[Caller]) -> None:
    """The same client with two therapists at overlapping times, from many tabs."""
    service, clock = opened(call, "T1", "T4"), world.portal.clock
    booking.settings(call("A1"), max_open_requests=20, max_upcoming=50)
    wanted = [("T1", "15:00"), ("T4", "15:30"), ("T1", "15:45"), ("T4", "15:15")]
    one = clients[0]
    answers = together(THREADS, lambda n: book(one, wanted[n % 4][0], service, at(clock, 3, wanted[n % 4][1])))
    outcomes = _outcomes(answers)
    assert outcomes[201, None] == 1
    assert set(outcomes) <= {(201, None), (409, "own_conflict"), (409, "slot_taken"), (503, "busy")}
    assert booking.wrong(world) == []


def test_different_times_of_one_day_all_get_there(world: World, call: Call, clients: list[Caller]) -> None:
    """Those who want different times are in each other's way for a moment, and never told that theirs is taken."""
    service, clock = opened(call, "T1", minutes=15), world.portal.clock
    times = [at(clock, 3, f"{5 + n // 4:02d}:{n % 4 * 15:02d}") for n in range(16)]
    answers = together(16, lambda n: book(clients[n], "T1", service, times[n]))
    assert set(_outcomes(answers)) <= {(201, None), (503, "busy")}
    again = [book(clients[n], "T1", service, times[n]) for n, a in enumerate(answers) if a.status == 503]
    assert {answer.status for answer in again} <= {201}
    assert len(flows.stored("appointment")) == 16
    assert booking.wrong(world) == []


def test_a_cap_on_the_day_holds_when_everyone_comes_at_once(world: World, call: Call, clients: list[Caller]) -> None:
    """Different times of one of the therapist's days, on both sides of midnight in UTC: two get through."""
    service, clock = opened(call, "T1", minutes=15), world.portal.clock
    booking.settings(call("A1"), max_per_day=2)
    times = [at(clock, 3, f"{20 + n // 4:02d}:{n % 4 * 15:02d}") for n in range(16)]
    times += [at(clock, 4, f"{n // 4:02d}:{n % 4 * 15:02d}") for n in range(16)]
    answers = together(32, lambda n: book(clients[n], "T1", service, times[n]))
    outcomes = _outcomes(answers)
    assert set(outcomes) <= {(201, None), (409, "slot_taken"), (503, "busy")}
    assert outcomes[201, None] == 2
    assert booking.wrong(world) == []


def test_one_request_sent_many_times_books_once(world: World, call: Call, clients: list[Caller]) -> None:
    service, clock = opened(call, "T1"), world.portal.clock
    answers = together(THREADS, lambda n: book(clients[0], "T1", service, at(clock, 3), key_="the-very-same-request"))
    assert {answer.status for answer in answers} <= {201, 503}
    assert len({answer.json["appointment_id"] for answer in answers if answer.status == 201}) == 1
    assert len(flows.stored("appointment")) == 1
    assert len(flows.stored("client_mail")) == 1


def test_a_conflict_is_tried_again_and_never_said_to_be_taken(world: World, call: Call) -> None:
    from infra.local import faults

    service, clock = opened(call, "T1"), world.portal.clock
    faults.add("TransactWriteItems", "conflict", 2)
    assert book(call("C1"), "T1", service, at(clock, 3)).status == 201
    faults.add("TransactWriteItems", "conflict", 500)
    answer = book(call("C1"), "T1", service, at(clock, 4))
    faults.clear()
    assert (answer.status, answer.code, answer.headers["Retry-After"]) == (503, "busy", "1")
    assert book(call("C1"), "T1", service, at(clock, 4)).status == 201


def test_the_hours_that_were_read_are_the_hours_that_count(world: World, call: Call, monkeypatch: Any) -> None:
    """Time off that is entered while somebody books: the booking sees it."""
    from chalicelib.services import appointments, bookings

    service, clock = opened(call, "T1"), world.portal.clock
    day = at(clock, 3)[:10]
    commit, beside = bookings.commit, [True]

    def slowly(*args: Any) -> Any:
        if beside and beside.pop():
            booking.hours(call("A1"), "T1", *booking.EVERY_DAY, time_off=[{"first_day": day, "last_day": day}])
        return commit(*args)

    monkeypatch.setattr(appointments, "commit", slowly)
    assert book(call("C1"), "T1", service, at(clock, 3)).code == "slot_not_offered"
    assert flows.stored("appointment") == []


def test_who_is_no_longer_assigned_cannot_be_booked(world: World, call: Call, monkeypatch: Any) -> None:
    from chalicelib.services import appointments, bookings, clients

    service, clock = opened(call, "T1"), world.portal.clock
    commit = bookings.commit

    def slowly(*args: Any) -> Any:
        clients.unassign(world.tenant_id("oak"), world.id("C1"), world.id("T1"))
        return commit(*args)

    monkeypatch.setattr(appointments, "commit", slowly)
    assert book(call("C1"), "T1", service, at(clock, 3)).code == "therapist_not_offered"
    assert flows.stored("appointment") == []


def test_one_place_left_is_taken_once(world: World, call: Call, clients: list[Caller]) -> None:
    """Fifty people, each with a client of theirs, and one place in the group."""
    service, clock = opened(call, "T1"), world.portal.clock
    made = booking.group(call("A1"), "T1", service, at(clock, 3), capacity=2, client_ids=[demo.fixed_id("N0")])
    call("A1").drain()
    staff = [call("A1") for _ in range(THREADS - 1)]
    answers = together(
        THREADS - 1,
        lambda n: booking.of_group(staff[n], "T1", made.json, "members", {"client_id": demo.fixed_id(f"N{n + 1}")}),
    )
    assert _outcomes(answers) == {(200, None): 1, (409, "group_full"): THREADS - 2}
    assert len(flows.stored("appointment")) == 2
    assert booking.wrong(world) == []


def test_one_client_is_in_one_group_at_a_time(world: World, call: Call, clients: list[Caller]) -> None:
    """Two groups at overlapping times, and a booking of their own, at the same moment."""
    service, clock = opened(call, "T1", "T4"), world.portal.clock
    times = {"T1": "15:00", "T4": "15:15"}
    made = [booking.group(call("A1"), key, service, at(clock, 3, time)).json for key, time in times.items()]
    body = {"client_id": demo.fixed_id("N0")}
    staff = [call("A1") for _ in range(24)]

    def one(number: int) -> Answer:
        if number % 3 == 2:
            return book(clients[0], "T1", service, at(clock, 3, "16:00"))
        key = ("T1", "T4")[number % 3]
        return booking.of_group(staff[number], key, made[number % 3], "members", body)

    outcomes = _outcomes(together(24, one))
    assert set(outcomes) <= {(200, None), (201, None), (409, "client_busy"), (409, "own_conflict"),
                             (409, "slot_taken"), (409, "too_many_open"), (503, "busy")}  # fmt: skip
    assert booking.wrong(world) == []
    live = [each for each in flows.stored("appointment") if each["status"] in ("confirmed", "requested")]
    assert len([each for each in live if each.get("group_id")]) == 1


# ---- everything in any order ----


_STEPS = [
    *["book"] * 4, *["accept"] * 4, *["confirm"] * 2, *["propose"] * 3,
    "book_for", "move", "move_for", *["decline"] * 2, "cancel", "cancel_for", "wait", *["sweep"] * 2,
    "series", *["following"] * 2, *["group"] * 2, *["add"] * 2, *["move_group"] * 3, "cancel_group", *["work"] * 2,
    *["join", "earlier"] * 2, *["take"] * 3, *["pass"] * 2, "leave",
]  # fmt: skip
# What makes the other steps possible: something to act on, and time that frees what is booked.
_LEADING = {"book", "propose", "group", "series", "join", "cancel_for", "leave", "wait", "sweep", "work"}


class Walk:
    """Random steps of a client, the therapists, time and the sweep; after each the calendar is looked at."""

    def __init__(self, world: World, call: Call, service: str, seed: int) -> None:
        self.world, self.service, self.random = world, service, random.Random(seed)
        self.clock = world.portal.clock
        self.clients = {key: call(key) for key in ("C1", "C3")}
        self.staff = call("A1")
        self.seen: dict[str, tuple[str, dict[str, Any]]] = {}  # id → client, the view that somebody has of it
        self.groups: dict[str, tuple[str, dict[str, Any]]] = {}  # id → therapist, the view that somebody has of it
        self.waits: list[tuple[str, str]] = []
        self.done: Counter[str] = Counter()

    def step(self, missing: frozenset[str] = frozenset()) -> None:
        """One of everything that people do, often with what is stale by now; or of what is missing, and leads there."""
        name = self.random.choice([each for each in _STEPS if not missing or each in missing | _LEADING])
        answer = getattr(self, f"_{name}")()
        if isinstance(answer, tuple):
            key, response = answer
            assert response.status < 500, (name, response)
            self.done[f"{name} {response.status} {response.code or ''}"] += 1
            if response.status < 300 and name in ("join", "earlier"):
                self.waits.append((key, response.json["wait_id"]))
            elif response.status < 300 and name not in ("pass", "leave"):
                self._note(key, response.json)

    def _note(self, key: str, view: dict[str, Any]) -> None:
        if "group_id" in view and "members" in view:
            self.groups[view["group_id"]] = (key, view)
        elif "appointment_id" in view:
            self.seen[view["appointment_id"]] = (key, view)

    def _start(self) -> str:
        """One of few times, so that they meet."""
        time = self.random.choice(["23:30", "23:45", "00:00", "00:15"])
        return at(self.clock, self.random.choice([2, 3, 4, 5]), time)

    def _some(self, *states: str) -> tuple[str, dict[str, Any]] | None:
        """One of the last few, of those that somebody has seen in one of these states."""
        found = [each for each in self.seen.values() if not states or each[1]["status"] in states]
        return self.random.choice(found[-6:]) if found else None

    def _book(self) -> Any:
        key = self.random.choice(["C1", "C3"])
        return key, book(self.clients[key], {"C1": "T1", "C3": "T4"}[key], self.service, self._start())

    def _book_for(self) -> Any:
        key, therapist = self.random.choice([("C1", "T1"), ("C1", "T3"), ("C3", "T4")])
        return key, book_for(self.staff, key, therapist, self.service, self._start(), override=True)

    def _of_staff(self, verb: str, body: Any, *states: str) -> Any:
        if (some := self._some(*states)) is None:
            return None
        return self._seen_after(some, theirs(self.staff, some[0], some[1], verb, body))

    def _of_client(self, verb: str, body: Any) -> Any:
        if (some := self._some()) is None:
            return None
        return self._seen_after(some, mine(self.clients[some[0]], some[1], verb, body))

    def _seen_after(self, some: tuple[str, dict[str, Any]], answer: Answer) -> Any:
        """Who is refused looks at it again, as the pages do."""
        key, found = some
        if answer.status >= 400:
            path = f"/practice/clients/{PEOPLE[key].id}/appointments/{found['appointment_id']}"
            self._note(key, self.staff.get(path).json)
        return key, answer

    def _move(self) -> Any:
        return self._of_client("time", {"starts_at": self._start(), "zone": booking.ZONE})

    def _move_for(self) -> Any:
        return self._of_staff("time", {"starts_at": self._start(), "override": True})

    def _confirm(self) -> Any:
        return self._of_staff("confirmation", {}, "requested")

    def _decline(self) -> Any:
        return self._of_staff("refusal", {}, "requested", "proposed")

    def _propose(self) -> Any:
        starts = [self._start() for _ in range(self.random.randint(1, 3))]
        return self._of_staff("proposal", {"starts": starts, "override": True}, "requested", "proposed")

    def _accept(self) -> Any:
        offers = [each for each in self.seen.values() if each[1]["proposals"]]
        if not offers:
            return None
        key, found = self.random.choice(offers[-3:])
        start = self.random.choice(found["proposals"])
        return self._seen_after((key, found), mine(self.clients[key], found, "acceptance", {"starts_at": start}))

    def _cancel(self) -> Any:
        return self._of_client("cancellation", {})

    def _cancel_for(self) -> Any:
        return self._of_staff("cancellation", {})

    def _series(self) -> Any:
        key, therapist = self.random.choice([("C1", "T1"), ("C3", "T4")])
        more = {"count": self.random.choice([2, 3]), "override": True}
        return key, booking.book_series(self.staff, key, therapist, self.service, self._start(), **more)

    def _following(self) -> Any:
        """Of one of a series as it is now, moved or cancelled; often so that it meets itself."""
        one = self.random.choice([each for each in flows.stored("appointment") if each.get("series_id")] or [None])
        if one is None:
            return None
        key = next(each for each in self.clients if PEOPLE[each].id == one["client_id"])
        seen = {"appointment_id": one["appointment_id"], "etag": one["version"]}
        if self.random.random() < 0.7:
            return key, theirs(self.staff, key, seen, "following/time", {"starts_at": self._start(), "override": True})
        return key, theirs(self.staff, key, seen, "following/cancellation", {})

    def _group(self) -> Any:
        people = self.random.sample(["C1", "C3"], self.random.randint(0, 2))
        return "T1", booking.group(self.staff, "T1", self.service, self._start(), *people, capacity=2, override=True)

    def _of_group(self, verb: str, body: Any) -> Any:
        if not self.groups:
            return None
        every = list(self.groups.values())
        now = self.clock.now()
        standing = [e for e in every if e[1]["status"] == "confirmed" and booking.instant(e[1]["starts_at"]) > now]
        key, found = self.random.choice((standing or every)[-3:])
        return key, booking.of_group(self.staff, key, found, verb, body)

    def _add(self) -> Any:
        return self._of_group("members", {"client_id": PEOPLE[self.random.choice(["C1", "C3"])].id})

    def _move_group(self) -> Any:
        return self._of_group("time", {"starts_at": self._start(), "override": True, "without_busy": True})

    def _cancel_group(self) -> Any:
        return self._of_group("cancellation", {})

    def _work(self) -> None:
        """What jobs have to do, and what those who look at their pages see then."""
        with self.world.portal.pump.exclusively():
            while self.world.portal.pump.invoke("on_job"):
                pass
        for key, found in list(self.groups.values())[-3:]:
            self._note(key, booking.group_of(self.staff, key, found["group_id"]))
        for each in flows.stored("appointment")[-4:]:
            key = next(name for name in self.clients if PEOPLE[name].id == each["client_id"])
            path = f"/practice/clients/{each['client_id']}/appointments/{each['appointment_id']}"
            self._note(key, self.staff.get(path).json)

    def _join(self) -> Any:
        key = self.random.choice(["C1", "C3"])
        return key, booking.wait_for(self.clients[key], {"C1": "T1", "C3": "T4"}[key], self.service)

    def _earlier(self) -> Any:
        if (some := self._some()) is None:
            return None
        return some[0], booking.wait_earlier(self.clients[some[0]], some[1])

    def _take(self) -> Any:
        offers = [(key, each) for key, who in self.clients.items() for each in booking.waits(who) if each["starts_at"]]
        if not offers:
            return None
        key, offer = self.random.choice(offers)
        return key, booking.take(self.clients[key], offer)

    def _pass(self) -> Any:
        offers = [(key, each) for key, who in self.clients.items() for each in booking.waits(who) if each["starts_at"]]
        if not offers:
            return None
        key, offer = self.random.choice(offers)
        path = f"/portal/waits/{offer['wait_id']}/refusal"
        return key, self.clients[key].post(path, {"starts_at": offer["starts_at"]})

    def _leave(self) -> Any:
        if not self.waits:
            return None
        key, wait_id = self.random.choice(self.waits[-3:])
        return key, self.clients[key].delete(f"/portal/waits/{wait_id}")

    def _wait(self) -> None:
        """From a moment to half a day: holds and offers end, and the days that are full go by."""
        self.clock.advance(self.random.choice([60, 600, 1800, 3700, 43_200]))

    def _sweep(self) -> None:
        """What is due, and everything that follows from it."""
        self.staff.drain()


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_happens_in_whatever_order(world: World, call: Call, seed: int, monkeypatch: Any) -> None:
    from chalicelib.services import sessions

    monkeypatch.setattr(sessions, "idle_ends", lambda *_: world.portal.clock.now() + timedelta(days=400))
    monkeypatch.setattr(sessions, "_may_continue", lambda *_: True)  # the walk lasts for weeks
    now = world.portal.clock.now()
    monday = (now + timedelta(days=7 - now.weekday())).replace(hour=12, minute=0, second=0, microsecond=0)
    world.portal.clock.set(monday)  # a seed walks the same way whatever the hour
    service = opened(call, "T1", "T3", "T4")
    booking.assign(PEOPLE["C3"].id, "T1")
    booking.settings(
        call("A1"), hold_hours=1, minimum_notice_hours=0, cancel_notice_hours=12, max_open_requests=20, max_upcoming=50,
        offer_hold_hours=1,
    )  # fmt: skip
    walk = Walk(world, call, service, seed)
    wanted = {"book", "confirm", "move", "propose", "accept", "cancel", "decline", "join", "earlier", "take", "pass"}
    wanted |= {"series", "following", "group", "add", "move_group", "cancel_group"}
    happened: set[str] = set()
    for number in range(6 * STEPS):  # on until every kind has succeeded
        if number >= STEPS and happened >= wanted:
            break
        walk.step(frozenset(wanted - happened) if number >= STEPS else frozenset())
        problems = booking.wrong(world)
        assert not problems, (number, problems)
        happened = {name.split()[0] for name in walk.done if " 20" in name}
    assert happened >= wanted, (wanted - happened, sorted(walk.done.items()))
    assert book(walk.clients["C1"], "T1", service, at(world.portal.clock, 6, "12:00")).status == 201
    world.portal.clock.advance(7 * 86_400)  # what is still asked for by then is not held any more
    walk._sweep()
    assert not booking.wrong(world)
    left = {each["status"] for each in flows.stored("appointment")}
    assert left >= {"cancelled", "declined", "expired"}
    assert "requested" not in left
    # No offer outlives its hold. What has just become free may be offered to somebody: from now on, for the hour.
    offered = [int(each["held_until"]) for each in flows.stored("wait") if each["status"] == "offered"]
    now = world.portal.clock.now()
    assert all(now < moment(until) <= now + timedelta(hours=1, minutes=1) for until in offered), offered
