"""Groups that recur: looked at, made, and changed from one on; clients who join or leave from one on."""

from collections.abc import Collection
from typing import Literal

from chalicelib.context import Context
from chalicelib.handlers.appointments import StaffCancellation
from chalicelib.handlers.groups import (
    CheckedClient,
    GroupCancellation,
    GroupChange,
    GroupIn,
    GroupMemberIn,
    GroupTime,
    checked,
    wanted_of,
)
from chalicelib.handlers.routing import PRACTICE, Routes, unless_known
from chalicelib.handlers.series import Finding, FollowingTime, Repeats, SeriesProgress, tag_of, work_of
from chalicelib.handlers.slots import instant_of, minute_of
from chalicelib.handlers.views import Id, View
from chalicelib.models.slots import GroupSeries
from chalicelib.services import clients, group_series, memberships
from chalicelib.services.group_series import Outlook
from chalicelib.services.groups import Wanted
from chalicelib.services.series import Plan

practice = Routes(__name__, PRACTICE, "/practice")


class GroupSeriesIn(GroupIn, Repeats):
    """A first group, and how it goes on."""


class LeavingIn(StaffCancellation):
    """Who is to be taken out, why, and whether they asked for it."""

    client_id: Id


class GroupTimeLook(View):
    """One time of a series of groups, what speaks against it for the therapist, and which clients are elsewhere. Null:
    one whose file the asker may not see."""

    starts_at: str
    finding: Finding
    busy: list[str | None]


class GroupSeriesCheck(View):
    """Every time of a series as it would be, and everyone who is to take part. `zone`: the therapist's, by whose clock
    it recurs."""

    zone: str
    times: list[GroupTimeLook]
    people: list[CheckedClient]

    def clients_named(self) -> list[str]:
        """Those whose days were looked at."""
        return [each.client_id for each in self.people if each.client_id and each.client_name]


class GroupAbsence(View):
    """Who has no place at one time, and why (a code, as of a problem). No name: the asker may not see this file."""

    client_id: str | None
    client_name: str | None
    why: str


class GroupOccurrence(View):
    """One time of a series. No group: it waits, or `why` says what stood in its way (a code, as of a problem).
    `unchanged`: why the last change from one on did not reach it."""

    number: int
    starts_at: str
    group_id: str | None
    status: Literal["confirmed", "cancelled"] | None
    taken: int
    capacity: int
    why: str | None
    unchanged: str | None
    absent: list[GroupAbsence]


class GroupSeriesView(View):
    """A series of groups, with every time of it. `work`: what makes or changes it, or did last; null: long over.
    `therapist`: null until the first is made. `etag`: for looking again while it is worked on."""

    series_id: str
    staff_id: str
    therapist: str | None
    service: str
    zone: str
    every_weeks: int
    made_at: str
    made_by_name: str
    work: SeriesProgress | None
    occurrences: list[GroupOccurrence]
    etag: str

    def clients_named(self) -> list[str]:
        """Those who have no place somewhere."""
        return [who.client_id for each in self.occurrences for who in each.absent if who.client_id]


@practice.endpoint("POST", "/therapists/{therapist_id}/group-series/check", action="group:manage", body=GroupSeriesIn)
def check_group_series(context: Context, therapist_id: str, body: GroupSeriesIn) -> GroupSeriesCheck:
    """What speaks against each time of a series of groups, and against each client, before it is made"""
    return _check(group_series.outlook(context, _plan(therapist_id, body)), body.client_ids)


@practice.endpoint(
    "POST",
    "/therapists/{therapist_id}/group-series",
    action="group:begin",
    body=GroupSeriesIn,
    status=201,
    idempotent=True,
)
def create_group_series(context: Context, therapist_id: str, body: GroupSeriesIn) -> GroupSeriesView:
    """Make a series of groups; what becomes of each time is in its view"""
    return _view(context, group_series.start(context, _plan(therapist_id, body)))


@practice.endpoint(
    "GET", "/therapists/{therapist_id}/group-series/{group_series_id}", action="group:read", conditional=True
)
def read_group_series(context: Context, therapist_id: str, group_series_id: str) -> GroupSeriesView:
    """A series of groups

    For polling while it is worked on (with X-Background: 1). Unchanged it is 304 without a body, for one who sends the
    etag along as If-None-Match; such a look is not audited, for nothing is shown.
    """
    return _view(context, group_series.get(context, therapist_id, group_series_id), again=True)


@practice.endpoint(
    "POST",
    "/therapists/{therapist_id}/groups/{group_id}/following/check",
    action="group:manage",
    body=FollowingTime,
)
def check_following_groups(context: Context, therapist_id: str, group_id: str, body: FollowingTime) -> GroupSeriesCheck:
    """What speaks against moving a group and those of its series that follow"""
    start = minute_of(body.starts_at)
    return _check(group_series.outlook_following(context, therapist_id, group_id, start), ())


@practice.endpoint(
    "POST",
    "/therapists/{therapist_id}/groups/{group_id}/following/time",
    action="group:manage",
    body=GroupTime,
    idempotent=True,
    if_match=True,
)
def move_following_groups(context: Context, therapist_id: str, group_id: str, body: GroupTime) -> GroupSeriesView:
    """Move a group and those of its series that follow"""
    start = minute_of(body.starts_at)
    moved = group_series.move_following(context, therapist_id, group_id, start, body.override, body.without_busy)
    return _view(context, moved)


@practice.endpoint(
    "POST",
    "/therapists/{therapist_id}/groups/{group_id}/following/cancellation",
    action="group:manage",
    body=GroupCancellation,
    idempotent=True,
    if_match=True,
)
def cancel_following_groups(
    context: Context, therapist_id: str, group_id: str, body: GroupCancellation
) -> GroupSeriesView:
    """Cancel a group and those of its series that follow"""
    return _view(context, group_series.cancel_following(context, therapist_id, group_id, body.reason or None))


@practice.endpoint(
    "POST",
    "/therapists/{therapist_id}/groups/{group_id}/following/members",
    action="group:manage",
    body=GroupMemberIn,
    idempotent=True,
)
def add_to_following_groups(context: Context, therapist_id: str, group_id: str, body: GroupMemberIn) -> GroupSeriesView:
    """Give a client a place in a group and in those of its series that follow"""
    return _view(context, group_series.add_following(context, therapist_id, group_id, body.client_id))


@practice.endpoint(
    "POST",
    "/therapists/{therapist_id}/groups/{group_id}/following/removal",
    action="group:manage",
    body=LeavingIn,
    idempotent=True,
)
def remove_from_following_groups(
    context: Context, therapist_id: str, group_id: str, body: LeavingIn
) -> GroupSeriesView:
    """Take a client out of a group and of those of its series that follow"""
    reason, asked = body.reason or None, body.at_clients_request
    return _view(context, group_series.remove_following(context, therapist_id, group_id, body.client_id, reason, asked))


@practice.endpoint(
    "POST",
    "/therapists/{therapist_id}/groups/{group_id}/following/capacity",
    action="group:manage",
    body=GroupChange,
    idempotent=True,
    if_match=True,
)
def change_following_groups(context: Context, therapist_id: str, group_id: str, body: GroupChange) -> GroupSeriesView:
    """Change how many places a group and those of its series that follow have"""
    return _view(context, group_series.resize_following(context, therapist_id, group_id, body.capacity))


def _plan(therapist_id: str, body: GroupSeriesIn) -> Plan[Wanted]:
    return Plan(wanted_of(therapist_id, body), *body.until())


def _check(found: Outlook, named: Collection[str]) -> GroupSeriesCheck:
    shown = {each.client_id for each in found.people if each.client is not None}
    times = [
        GroupTimeLook(
            starts_at=instant_of(each.start),
            finding=each.finding,
            busy=[who if who in shown else None for who in each.busy],
        )
        for each in found.looks
    ]
    return GroupSeriesCheck(zone=found.zone, times=times, people=checked(found.people, named))


def _view(context: Context, record: GroupSeries, *, again: bool = False) -> GroupSeriesView:
    found = group_series.standing(context, record)
    etag = tag_of(found.job, (each.group for each in found.occurrences))
    if again:
        unless_known(context, etag)
    return GroupSeriesView(
        series_id=record.series_id,
        staff_id=record.staff_id,
        therapist=next((each.group.staff_name for each in found.occurrences if each.group is not None), None),
        service=record.service_name,
        zone=record.zone,
        every_weeks=int(record.every_weeks),
        made_at=record.made_at,
        made_by_name=record.made_by_name,
        work=work_of(found.job, each=group_series.items_each(found.job)),
        occurrences=[_occurrence(each) for each in found.occurrences],
        etag=etag,
    )


def _occurrence(one: group_series.Occurrence) -> GroupOccurrence:
    group = one.group
    return GroupOccurrence(
        number=one.number,
        starts_at=instant_of(one.start),
        group_id=group.appointment_id if group is not None else None,
        status=group.status if group is not None else None,
        taken=memberships.taken(group) if group is not None else 0,
        capacity=int(group.capacity) if group is not None else 0,
        why=one.why,
        unchanged=one.unchanged,
        absent=[
            GroupAbsence(
                client_id=each.client.client_id if each.client is not None else None,
                client_name=clients.shown(each.client) if each.client is not None else None,
                why=each.why,
            )
            for each in one.absent
        ],
    )
