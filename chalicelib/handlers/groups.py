"""Group appointments: one therapist, several clients, each with a place of their own.

A client's own place is an appointment of theirs: they are taken out of a group, and noted as present or not, where any
appointment is cancelled or settled.
"""

from collections.abc import Collection, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from chalicelib.context import Context
from chalicelib.handlers.appointments import Status, Words, what_is_booked
from chalicelib.handlers.routing import PRACTICE, Routes
from chalicelib.handlers.slots import Colour, Instant, instant_of, minute_of
from chalicelib.handlers.views import Body, Id, View
from chalicelib.models.slots import Group
from chalicelib.services import clients, groups, memberships, slots
from chalicelib.services.groups import MOST, Person, Wanted
from chalicelib.slots.rules import Mode

practice = Routes(__name__, PRACTICE, "/practice")


class GroupIn(Body):
    """A group to be made. `override`: nevertheless, where something but another appointment speaks against it."""

    service_id: Id
    mode: Literal["in_person", "telehealth"]
    location_id: Id | None = None
    starts_at: Instant
    minutes: Annotated[int, Field(ge=5, le=480)] | None = None
    capacity: int = Field(default=MOST, ge=2, le=MOST)
    client_ids: list[Id] = Field(default_factory=list, max_length=MOST)
    override: bool = False


class GroupCheckIn(GroupIn):
    """A time that staff think of; `moving`: for this group, whose own old time is free, and for those who have a place
    in it, whoever is named."""

    moving: Id | None = None


class GroupMemberIn(Body):
    """Who is to have a place."""

    client_id: Id


class GroupTime(Body):
    """Another time for a group. `without_busy`: those who are somewhere else then lose their place."""

    starts_at: Instant
    override: bool = False
    without_busy: bool = False


class GroupCancellation(Body):
    """Why."""

    reason: Words | None = None


class GroupChange(Body):
    """How many places a group has."""

    capacity: int = Field(ge=2, le=MOST)


class CheckedClient(View):
    """One who is to take part, and what stands in the way. No name: the asker may not see this file; nor an id, where
    it is not one that the asker named."""

    client_id: str | None
    client_name: str | None
    problem: Literal["client_busy", "not_assigned", "client_archived"] | None


class GroupCheck(View):
    """What speaks against a time: as TimeCheck, and for each of the clients."""

    warnings: list[Literal["past", "horizon", "outside", "notice", "misaligned", "full_day", "not_bookable"]]
    blocked: Literal["slot_taken", "client_busy"] | None
    people: list[CheckedClient]

    def clients_named(self) -> list[str]:
        """Those whose days were looked at."""
        return [each.client_id for each in self.people if each.client_id and each.client_name]


class GroupMember(View):
    """One who takes part, or did. `why`: of one who is out (a code, as of a problem). `appointment`: their own, with
    what has become of it; `following`: it is not yet where the group is. No name: the asker may not see this file."""

    client_id: str | None
    client_name: str | None
    state: Literal["joining", "in", "out"]
    why: str | None
    appointment_id: str | None
    status: Status | None
    late: bool
    ended_by: Literal["client", "staff", "system"] | None
    following: bool
    etag: str | None


class GroupView(View):
    """A group with all who take part. `working`: places are still being brought in line with it."""

    group_id: str
    staff_id: str
    therapist: str
    status: Literal["confirmed", "cancelled"]
    starts_at: str
    ends_at: str
    zone: str
    before: int
    after: int
    service: str
    service_id: str
    colour: Colour
    mode: Literal["in_person", "telehealth"]
    location: str | None
    location_id: str | None
    capacity: int
    taken: int
    members: list[GroupMember]
    working: bool
    series_id: str | None
    etag: str

    def clients_named(self) -> list[str]:
        """Those who take part, or did."""
        return [each.client_id for each in self.members if each.client_id]


class GroupWork(View):
    """Whether places are still being brought in line with a group; it names nobody."""

    working: bool


@practice.endpoint("POST", "/therapists/{therapist_id}/groups/check", action="group:manage", body=GroupCheckIn)
def check_group(context: Context, therapist_id: str, body: GroupCheckIn) -> GroupCheck:
    """What speaks against a group at a time, before it is made or moved to it"""
    found = groups.check(context, wanted_of(therapist_id, body), body.moving)
    people = checked(found.people, () if body.moving else body.client_ids)
    return GroupCheck(warnings=list(found.warnings), blocked=found.blocked, people=people)


@practice.endpoint(
    "POST", "/therapists/{therapist_id}/groups", action="group:begin", body=GroupIn, status=201, idempotent=True
)
def create_group(context: Context, therapist_id: str, body: GroupIn) -> GroupView:
    """Make a group; its clients are entered one by one"""
    return _view(context, groups.create(context, wanted_of(therapist_id, body)))


@practice.endpoint("GET", "/therapists/{therapist_id}/groups/{group_id}", action="group:read")
def read_group(context: Context, therapist_id: str, group_id: str) -> GroupView:
    """A group"""
    return _view(context, memberships.group_of(context.tenant_id, therapist_id, group_id))


@practice.endpoint("GET", "/therapists/{therapist_id}/groups/{group_id}/work", action="group:read")
def read_group_work(context: Context, therapist_id: str, group_id: str) -> GroupWork:
    """Whether a group is still being worked on: for polling, as no client's record is read for it"""
    group = memberships.group_of(context.tenant_id, therapist_id, group_id)
    return GroupWork(working=groups.progress(group) is not None)


@practice.endpoint(
    "PATCH", "/therapists/{therapist_id}/groups/{group_id}", action="group:manage", body=GroupChange, if_match=True
)
def change_group(context: Context, therapist_id: str, group_id: str, body: GroupChange) -> GroupView:
    """Change how many places a group has"""
    return _view(context, groups.resize(context, therapist_id, group_id, body.capacity))


@practice.endpoint(
    "POST",
    "/therapists/{therapist_id}/groups/{group_id}/members",
    action="group:manage",
    body=GroupMemberIn,
    idempotent=True,
)
def add_to_group(context: Context, therapist_id: str, group_id: str, body: GroupMemberIn) -> GroupView:
    """Give a client a place in a group"""
    return _view(context, groups.add(context, therapist_id, group_id, body.client_id))


@practice.endpoint(
    "POST",
    "/therapists/{therapist_id}/groups/{group_id}/time",
    action="group:manage",
    body=GroupTime,
    idempotent=True,
    if_match=True,
)
def move_group(context: Context, therapist_id: str, group_id: str, body: GroupTime) -> GroupView:
    """Move a group; its clients' own appointments follow"""
    start = minute_of(body.starts_at)
    return _view(context, groups.move(context, therapist_id, group_id, start, body.override, body.without_busy))


@practice.endpoint(
    "POST",
    "/therapists/{therapist_id}/groups/{group_id}/cancellation",
    action="group:manage",
    body=GroupCancellation,
    idempotent=True,
    if_match=True,
)
def cancel_group(context: Context, therapist_id: str, group_id: str, body: GroupCancellation) -> GroupView:
    """Cancel a group; its clients' own appointments follow"""
    return _view(context, groups.cancel(context, therapist_id, group_id, body.reason or None))


def checked(people: Sequence[Person], named: Collection[str]) -> list[CheckedClient]:
    """Those who are to take part, with what stands in the way; `named`: by the asker, who knows these ids."""
    return [
        CheckedClient(
            client_id=each.client_id if each.client is not None or each.client_id in named else None,
            client_name=clients.shown(each.client) if each.client is not None else None,
            problem=each.problem,
        )
        for each in people
    ]


def wanted_of(therapist_id: str, body: GroupIn) -> Wanted:
    """What staff want, as services take it."""
    wish = slots.Wish(body.service_id, Mode(body.mode), body.location_id)
    client_ids = list(dict.fromkeys(body.client_ids))
    return Wanted(therapist_id, wish, minute_of(body.starts_at), body.minutes, body.capacity, client_ids, body.override)


def _view(context: Context, group: Group) -> GroupView:
    return GroupView(
        group_id=group.appointment_id,
        staff_id=group.staff_id,
        therapist=group.staff_name,
        status=group.status,
        starts_at=instant_of(group.start),
        ends_at=instant_of(group.start + group.minutes),
        zone=group.zone,
        before=int(group.before),
        after=int(group.after),
        **what_is_booked(group),
        capacity=int(group.capacity),
        taken=memberships.taken(group),
        members=[_member(group, each) for each in groups.members(context, group)],
        working=groups.progress(group) is not None,
        series_id=group.series_id,
        etag=str(int(group.version)),
    )


def _member(group: Group, one: groups.Member) -> GroupMember:
    place = one.place
    own: dict[str, Any] = {"appointment_id": None, "status": None, "late": False, "ended_by": None, "etag": None}
    if place is not None:
        own = {name: getattr(place, name) for name in ("appointment_id", "status", "ended_by")}
        own |= {"late": bool(place.late), "etag": str(int(place.version))}
    return GroupMember(
        client_id=one.client.client_id if one.client is not None else None,
        client_name=clients.shown(one.client) if one.client is not None else None,
        state=one.state,
        why=one.why,
        following=place is not None
        and place.status == "confirmed"
        and (group.status == "cancelled" or place.start != group.start),
        **own,
    )
