"""Appointments that recur: looked at, booked, and changed from one on."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from chalicelib import ids
from chalicelib.context import Context
from chalicelib.handlers.appointments import StaffBookingIn, StaffCancellation, StaffNewTime, Status, wanted_of
from chalicelib.handlers.routing import PRACTICE, Routes, unless_known
from chalicelib.handlers.slots import Instant, instant_of, minute_of
from chalicelib.handlers.views import Body, Day, View
from chalicelib.models.jobs import Job
from chalicelib.models.slots import Series
from chalicelib.services import series
from chalicelib.services.appointments import Wanted
from chalicelib.services.series import Look, Plan
from chalicelib.slots.recurrence import MOST

practice = Routes(__name__, PRACTICE, "/practice")

# What speaks against a time. The first two of those that follow `free` nobody can overrule.
Finding = Literal[
    "free", "slot_taken", "client_busy", "time_off", "outside", "past", "horizon", "notice", "misaligned", "full_day",
    "not_bookable",
]  # fmt: skip


class Repeats(Body):
    """How often something comes again by the therapist's clock: so many times, or until a day of theirs.
    `leave_out`: starts that are not wanted."""

    every_weeks: Literal[1, 2]
    count: Annotated[int, Field(ge=2, le=MOST)] | None = None
    last_day: Day | None = None
    leave_out: list[Instant] = Field(default_factory=list, max_length=MOST)

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if self.count is None and self.last_day is None:
            raise ValueError("a series ends after so many times, or on a day")
        return self

    def until(self) -> tuple[int, int | None, date | None, set[int]]:
        """As plans of services take it: every how many weeks, how often, until when, without which starts."""
        last_day = date.fromisoformat(self.last_day) if self.last_day else None
        return self.every_weeks, self.count, last_day, {minute_of(each) for each in self.leave_out}


class SeriesIn(StaffBookingIn, Repeats):
    """A first time, and how it goes on."""


class FollowingTime(Body):
    """Where one of a series is to be; those that follow go along."""

    starts_at: Instant


class TimeLook(View):
    """One time of a series, and what speaks against it."""

    starts_at: str
    finding: Finding


class SeriesCheck(View):
    """Every time of a series, as it would be. `zone`: the therapist's, by whose clock it recurs."""

    zone: str
    times: list[TimeLook]


class OccurrenceView(View):
    """One time of a series. No appointment: it waits, or `why` says what stood in its way (a code, as of a problem).
    `unchanged`: why the last change from one on did not reach it."""

    number: int
    starts_at: str
    appointment_id: str | None
    status: Status | None
    late: bool
    why: str | None
    unchanged: str | None


class SeriesProgress(View):
    """How far the work on a series is."""

    status: Literal["queued", "running", "done", "stopped"]
    done: int
    total: int


class SeriesView(View):
    """A series, with every time of it. `work`: what books or changes it, or did last; null: long over. `etag`: for
    looking again while it is worked on."""

    series_id: str
    staff_id: str
    zone: str
    every_weeks: int
    made_at: str
    made_by_name: str
    work: SeriesProgress | None
    occurrences: list[OccurrenceView]
    etag: str


@practice.endpoint("POST", "/clients/{client_id}/series/check", action="appointment:manage", body=SeriesIn)
def check_series(context: Context, client_id: str, body: SeriesIn) -> SeriesCheck:
    """What speaks against each time of a series, before it is booked"""
    zone, looks = series.outlook(context, _plan(context, body))
    return _check(zone, looks)


@practice.endpoint(
    "POST", "/clients/{client_id}/series", action="appointment:begin", body=SeriesIn, status=201, idempotent=True
)
def create_series(context: Context, client_id: str, body: SeriesIn) -> SeriesView:
    """Book a series for a client; what becomes of each time is in its view"""
    return _view(series.start(context, _plan(context, body)))


@practice.endpoint(
    "GET",
    "/clients/{client_id}/series/{series_id}",
    action="appointment:read",
    reads_record=True,
    conditional=True,
)
def read_series(context: Context, client_id: str, series_id: str) -> SeriesView:
    """A series of a client

    For polling while it is worked on (with X-Background: 1). Unchanged it is 304 without a body, for one who sends the
    etag along as If-None-Match; such a look is not audited, for nothing is shown.
    """
    return _view(series.get(context, context.client_id, series_id), context)


@practice.endpoint(
    "POST",
    "/clients/{client_id}/appointments/{appointment_id}/following/check",
    action="appointment:manage",
    body=FollowingTime,
)
def check_following(context: Context, client_id: str, appointment_id: str, body: FollowingTime) -> SeriesCheck:
    """What speaks against moving an appointment and those of its series that follow"""
    zone, looks = series.outlook_following(context, minute_of(body.starts_at))
    return _check(zone, looks)


@practice.endpoint(
    "POST",
    "/clients/{client_id}/appointments/{appointment_id}/following/time",
    action="appointment:manage",
    body=StaffNewTime,
    idempotent=True,
    if_match=True,
)
def move_following(context: Context, client_id: str, appointment_id: str, body: StaffNewTime) -> SeriesView:
    """Move an appointment and those of its series that follow"""
    return _view(series.move_following(context, minute_of(body.starts_at), body.override))


@practice.endpoint(
    "POST",
    "/clients/{client_id}/appointments/{appointment_id}/following/cancellation",
    action="appointment:manage",
    body=StaffCancellation,
    idempotent=True,
    if_match=True,
)
def cancel_following(context: Context, client_id: str, appointment_id: str, body: StaffCancellation) -> SeriesView:
    """Cancel an appointment and those of its series that follow"""
    return _view(series.cancel_following(context, body.reason or None, body.at_clients_request))


def _plan(context: Context, body: SeriesIn) -> Plan[Wanted]:
    return Plan(wanted_of(context, body), *body.until())


def _check(zone: str, looks: Sequence[Look]) -> SeriesCheck:
    times = [TimeLook(starts_at=instant_of(each.start), finding=each.finding) for each in looks]
    return SeriesCheck(zone=zone, times=times)


def work_of(job: Job | None, last: int = 1, each: int = 1) -> SeriesProgress | None:
    """How far a job is, whose `last` items tell people, and which has so many for each time."""
    if job is None:
        return None
    total = (int(job.total) - last) // each
    return SeriesProgress(status=job.status, done=min(int(job.position) // each, total), total=total)


def tag_of(job: Job | None, records: Iterable[Any]) -> str:
    """The state of a series: how far its job is, and every appointment or group as it is."""
    seen = [f"{job.job_id} {job.status} {job.position}" if job is not None else ""]
    seen += [f"{each.appointment_id} {each.version}" if each is not None else "-" for each in records]
    return ids.digest("|".join(seen))[:32]


def _view(record: Series, context: Context | None = None) -> SeriesView:
    found = series.standing(record)
    etag = tag_of(found.job, (each.appointment for each in found.occurrences))
    if context is not None:
        unless_known(context, etag)
    return SeriesView(
        series_id=record.series_id,
        staff_id=record.staff_id,
        zone=record.zone,
        every_weeks=int(record.every_weeks),
        made_at=record.made_at,
        made_by_name=record.made_by_name,
        work=work_of(found.job),  # its last item tells both sides: that is not a time
        occurrences=[
            OccurrenceView(
                number=each.number,
                starts_at=instant_of(each.start),
                appointment_id=each.appointment.appointment_id if each.appointment is not None else None,
                status=each.appointment.status if each.appointment is not None else None,
                late=bool(each.appointment is not None and each.appointment.late),
                why=each.why,
                unchanged=each.unchanged,
            )
            for each in found.occurrences
        ],
        etag=etag,
    )
