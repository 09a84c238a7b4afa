"""Self-scheduling: what is offered, Set Calendar Availability, the times that a client can book, and feeds."""

from datetime import date, timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from chalicelib import clock
from chalicelib.context import Context
from chalicelib.errors import InvalidBody
from chalicelib.handlers.routing import BOTH, PORTAL, PRACTICE, PUBLIC, Routes
from chalicelib.handlers.views import Body, Content, Day, Empty, Id, Line, PortalView, Query, View
from chalicelib.models.slots import Appointment, Group, Offer
from chalicelib.services import agendas, availability, feeds, slots, staff, tenants
from chalicelib.services.sessions import Caller
from chalicelib.slots import zones
from chalicelib.slots.rules import Mode
from chalicelib.slots.zones import moment

public = Routes(__name__, PUBLIC)
practice = Routes(__name__ + ".practice", PRACTICE, "/practice")
portal = Routes(__name__ + ".portal", PORTAL, "/portal")
both = Routes(__name__ + ".both", BOTH)

WINDOW_DAYS = 62


def _zone(value: str) -> str:
    try:
        zones.clock(value, 20_000, 20_000)
    except (KeyError, ValueError, OSError) as unknown:
        raise ValueError("no time zone of that name") from unknown
    return value


def _time(value: str) -> str:
    if availability.minutes(value) > zones.DAY:
        raise ValueError("no time of day")
    return value


# An IANA name, "America/New_York"; it is looked up, so it must not be able to name a file elsewhere.
Zone = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_+/-]{1,59}$"), AfterValidator(_zone)]
# A time of day by the therapist's clock, "09:30"; "24:00" ends the day.
Time = Annotated[str, StringConstraints(pattern=r"^[0-2][0-9]:[0-5][0-9]$"), AfterValidator(_time)]
# A whole minute, in UTC.
Instant = Annotated[
    str,
    StringConstraints(pattern=r"^2[01][0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:00(\.000)?Z$"),
    AfterValidator(lambda value: clock.text(clock.parse(value))),
    Field(json_schema_extra={"format": "date-time"}),
]
Colour = Literal["teal", "blue", "violet", "rose", "amber", "green", "slate"]


def minute_of(instant: str) -> int:
    """The minute of an Instant."""
    return zones.minute(clock.parse(instant))


def instant_of(at: Any) -> str:
    """A minute as the API writes it."""
    return clock.text(moment(int(at)))


def days_of(first_day: str, last_day: str, most: int) -> tuple[date, date]:
    """Days that are asked for, both included; at most so many. Raises InvalidBody."""
    first, last = date.fromisoformat(first_day), date.fromisoformat(last_day)
    if not timedelta(0) <= last - first < timedelta(days=most) or not 2000 <= first.year < 2200:
        raise InvalidBody(errors=[{"pointer": "/last_day", "code": "window", "detail": f"Ask for one to {most} days."}])
    return first, last


# ---- what is offered ----


class Price(PortalView):
    """Money in minor units (cents)."""

    amount: int
    currency: str


class PriceIn(Body):
    """Money in minor units (cents)."""

    amount: int = Field(ge=0, le=10_000_000)
    currency: Annotated[str, StringConstraints(pattern=r"^[a-z]{3}$")] = "usd"


class ServiceIn(Body):
    """A service; no id yet: it is new. Buffers in minutes, null: the organization's."""

    service_id: Id | None = None
    name: Annotated[Line, Field(min_length=1, max_length=100)]
    minutes: int = Field(ge=5, le=480)
    before: Annotated[int, Field(ge=0, le=120)] | None = None
    after: Annotated[int, Field(ge=0, le=120)] | None = None
    price: PriceIn | None = None
    colour: Colour = "teal"
    bookable: bool = True


class LocationIn(Body):
    """A place where clients are met; no id yet: it is new."""

    location_id: Id | None = None
    name: Annotated[Line, Field(min_length=1, max_length=100)]
    address: Annotated[Line, Field(max_length=200)] | None = None


class OfferChange(Body):
    """All services and all locations from now on; what is left out is offered no more."""

    services: list[ServiceIn] = Field(max_length=50)
    locations: list[LocationIn] = Field(max_length=30)


class LocationView(PortalView):
    """A place where clients are met."""

    location_id: str
    name: str
    address: str | None


class ServiceView(View):
    """A service. `bookable`: by clients alone."""

    service_id: str
    name: str
    minutes: int
    before: int | None
    after: int | None
    price: Price | None
    colour: Colour
    bookable: bool


class OfferView(View):
    """What can be booked in this organization. `etag` goes back in If-Match."""

    services: list[ServiceView]
    locations: list[LocationView]
    etag: str

    @classmethod
    def of(cls, offer: Offer) -> "OfferView":
        """The view of an offer."""
        return cls(
            services=[ServiceView(**_priced(each)) for each in offer.services],
            locations=[LocationView(**each) for each in offer.locations],
            etag=str(int(offer.version)),
        )


def _priced(service: dict[str, Any]) -> dict[str, Any]:
    return {**service, "price": Price(**service["price"]) if service["price"] else None}


@practice.endpoint("GET", "/offer", action="offer:read")
def read_offer(context: Context) -> OfferView:
    """Services and locations"""
    return OfferView.of(availability.offer(context.tenant_id))


@practice.endpoint("PATCH", "/offer", action="offer:update", body=OfferChange, if_match=True)
def change_offer(context: Context, body: OfferChange) -> OfferView:
    """Change services and locations"""
    changed = body.model_dump()
    return OfferView.of(availability.update_offer(context, changed["services"], changed["locations"]))


# ---- Set Calendar Availability ----


class RangeIn(Body):
    """Hours of a day; an end that is not after the start is on the next day. Null: all locations, all services."""

    start: Time
    end: Time
    modes: list[Literal["in_person", "telehealth"]] = Field(min_length=1, max_length=2)
    locations: Annotated[list[Id], Field(max_length=30)] | None = None
    services: Annotated[list[Id], Field(max_length=50)] | None = None

    @model_validator(mode="after")
    def _means_something(self) -> "RangeIn":
        if self.start == "24:00" or (self.start == self.end and self.start != "00:00"):
            raise ValueError("empty hours")
        return self


Ranges = Annotated[list[RangeIn], Field(max_length=12)]


class ScheduleIn(Body):
    """Weekly hours from a day on, Monday first, until the next schedule begins."""

    first_day: Day
    week: list[Ranges] = Field(min_length=7, max_length=7)


class OverrideIn(Body):
    """All hours of one date; none: closed."""

    day: Day
    ranges: Ranges


class TimeOffIn(Body):
    """Away from the start on the first day until the end on the last; whole days unless it says otherwise."""

    first_day: Day
    last_day: Day
    start: Time = "00:00"
    end: Time = "24:00"

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> "TimeOffIn":
        if self.start == "24:00" or self.end == "00:00" or (self.first_day, self.start) >= (self.last_day, self.end):
            raise ValueError("ends before it begins")
        return self


class AvailabilityChange(Body):
    """Any part; what is not sent stays. An empty link takes the link away."""

    zone: Zone | None = None
    schedules: Annotated[list[ScheduleIn], Field(max_length=20)] | None = None
    overrides: Annotated[list[OverrideIn], Field(max_length=400)] | None = None
    time_off: Annotated[list[TimeOffIn], Field(max_length=100)] | None = None
    telehealth_link: Annotated[str, StringConstraints(pattern=r"^(https://[^\s\x00-\x1f\x7f]{4,490})?$")] | None = None

    def changes(self) -> dict[str, Any]:
        """In the stored form."""
        sent = self.model_dump(exclude_none=True)
        for schedule in sent.get("schedules", []):
            schedule["week"] = [[_stored(each) for each in ranges] for ranges in schedule["week"]]
        if "overrides" in sent:
            sent["overrides"] = {
                each["day"]: [_stored(ranges) for ranges in each["ranges"]] for each in sent["overrides"]
            }
        return sent


def _stored(hours: dict[str, Any]) -> dict[str, Any]:
    return {"locations": None, "services": None, **hours}


class RangeView(View):
    """Hours of a day."""

    start: str
    end: str
    modes: list[str]
    locations: list[str] | None
    services: list[str] | None


class ScheduleView(View):
    """Weekly hours from a day on."""

    first_day: str
    week: list[list[RangeView]]


class OverrideView(View):
    """All hours of one date."""

    day: str
    ranges: list[RangeView]


class TimeOffView(View):
    """Away."""

    first_day: str
    last_day: str
    start: str
    end: str


class ConflictView(View):
    """An appointment that lies outside the hours as they are; it stays until somebody changes it. `group`: it is one of
    several clients, and `appointment_id` the group's."""

    appointment_id: str
    group: bool
    client_id: str | None
    client_name: str | None
    starts_at: str
    ends_at: str
    status: str
    why: Literal["time_off", "outside_hours"]


class AvailabilityView(View):
    """Set Calendar Availability. `off`: why clients are offered nothing of it, whatever the hours. `etag` goes back in
    If-Match. `conflicts`: appointments ahead that the hours do not hold, at most a hundred."""

    staff_id: str
    name: str
    zone: str
    schedules: list[ScheduleView]
    overrides: list[OverrideView]
    time_off: list[TimeOffView]
    telehealth_link: str | None
    off: str | None
    conflicts: list[ConflictView]
    etag: str

    def clients_named(self) -> list[str]:
        """Those whose appointments conflict."""
        return [each.client_id for each in self.conflicts if each.client_id]


@practice.endpoint("GET", "/therapists/{therapist_id}/availability", action="availability:read")
def read_availability(context: Context, therapist_id: str) -> AvailabilityView:
    """Set Calendar Availability: what is set"""
    return _availability(context, availability.read(context, therapist_id))


@practice.endpoint(
    "PATCH",
    "/therapists/{therapist_id}/availability",
    action="availability:update",
    body=AvailabilityChange,
    if_match=True,
)
def change_availability(context: Context, therapist_id: str, body: AvailabilityChange) -> AvailabilityView:
    """Set Calendar Availability: change it"""
    changes = body.changes()
    if not changes:
        raise InvalidBody(errors=[{"pointer": "", "code": "empty", "detail": "Nothing to change was sent."}])
    return _availability(context, availability.update(context, therapist_id, changes))


def _availability(context: Context, hours: availability.Hours) -> AvailabilityView:
    found = hours.availability
    stored = found.rules if found is not None else {"schedules": [], "overrides": {}, "time_off": []}
    return AvailabilityView(
        staff_id=hours.staff.staff_id,
        name=staff.shown(hours.staff),
        zone=found.zone if found is not None else context.tenant.zone,
        schedules=[
            ScheduleView(first_day=each["first_day"], week=[[RangeView(**r) for r in day] for day in each["week"]])
            for each in stored["schedules"]
        ],
        overrides=[
            OverrideView(day=day, ranges=[RangeView(**each) for each in ranges])
            for day, ranges in sorted(stored["overrides"].items())
        ],
        time_off=[TimeOffView(**each) for each in stored["time_off"]],
        telehealth_link=availability.telehealth_link(found),
        off=hours.off,
        conflicts=_conflicts(context, hours),
        etag=str(int(found.version)) if found is not None else "0",
    )


def _client_id(appointment: Appointment | Group) -> str:
    return str(appointment.client_id) if isinstance(appointment, Appointment) else ""


def _conflicts(context: Context, hours: availability.Hours) -> list[ConflictView]:
    files = agendas.named(context, [each.appointment for each in hours.conflicts])
    return [
        ConflictView(
            appointment_id=each.appointment.appointment_id,
            group=isinstance(each.appointment, Group),
            client_id=client.client_id if (client := files.get(_client_id(each.appointment))) else None,
            client_name=agendas.short_name(client) if client else None,
            starts_at=instant_of(each.appointment.start),
            ends_at=instant_of(each.appointment.start + each.appointment.minutes),
            status=each.appointment.status,
            why=each.why,
        )
        for each in hours.conflicts
    ]


# ---- what a client can book ----


class BookableTherapist(PortalView):
    """A therapist whom the client can book; times are offered in this zone's hours. `video_link`: the portal shows the
    link to a meeting by video before it begins; else they send it in their own way."""

    staff_id: str
    name: str
    zone: str
    video_link: bool


class BookableService(PortalView):
    """A service that clients can book."""

    service_id: str
    name: str
    minutes: int
    price: Price | None
    colour: Colour


class SchedulingView(PortalView):
    """Where booking begins: with whom, where, what, and by which rules. `phone` is the practice's."""

    therapists: list[BookableTherapist]
    locations: list[LocationView]
    services: list[BookableService]
    phone: str
    zone: str
    minimum_notice_hours: int
    cancel_notice_hours: int
    horizon_days: int
    instant_confirmation: bool
    hold_hours: int
    wait_list: bool
    offer_hold_hours: int


class SlotQuery(Query):
    """What is looked for; without a therapist with any of one's own. Days and grouping are those of `zone`."""

    service_id: Id
    mode: Literal["in_person", "telehealth"]
    location_id: Id | None = None
    staff_id: Id | None = None
    first_day: Day
    last_day: Day
    zone: Zone
    moving: Id | None = None


class FirstQuery(Query):
    """What is looked for; without a therapist with any of one's own."""

    service_id: Id
    mode: Literal["in_person", "telehealth"]
    location_id: Id | None = None
    staff_id: Id | None = None


class SlotGroup(PortalView):
    """The starts that can be booked with one therapist, in order."""

    staff_id: str
    name: str
    zone: str
    starts: list[str]


class SlotsView(PortalView):
    """What can be booked in a window of days."""

    items: list[SlotGroup]


class FirstSlot(PortalView):
    """The earliest time there is, and with whom; null when there is none."""

    starts_at: str | None
    staff_id: str | None


@portal.endpoint("GET", "/scheduling", action="slot:read")
def read_scheduling(context: Context) -> SchedulingView:
    """Whom and what I can book, and by which rules"""
    offered, found = slots.counterparts(context)
    scheduling = tenants.scheduling(context.tenant)
    rules = {name: scheduling[name] for name in SchedulingView.model_fields if name in scheduling}
    return SchedulingView(
        therapists=[
            BookableTherapist(
                staff_id=each.staff.staff_id,
                name=staff.shown(each.staff),
                zone=each.availability.zone,
                video_link=each.availability.telehealth_link is not None,
            )
            for each in found
        ],
        locations=[LocationView(**each) for each in offered.locations],
        services=[
            BookableService(**{name: _priced(each)[name] for name in BookableService.model_fields})
            for each in offered.services
            if each["bookable"]
        ],
        phone=context.tenant.phone,
        zone=context.tenant.zone,
        **rules,
    )


@portal.endpoint("GET", "/slots", action="slot:read", query=SlotQuery)
def list_slots(context: Context, query: SlotQuery) -> SlotsView:
    """The times that I can book on some days"""
    first_day, last_day = days_of(query.first_day, query.last_day, WINDOW_DAYS)
    wish = slots.Wish(query.service_id, Mode(query.mode), query.location_id)
    found = slots.bookable(context, wish, query.staff_id, first_day, last_day, query.zone, moving=query.moving or "")
    return SlotsView(
        items=[
            SlotGroup(
                staff_id=each.counterpart.staff.staff_id,
                name=staff.shown(each.counterpart.staff),
                zone=each.counterpart.availability.zone,
                starts=[instant_of(start) for start in each.starts],
            )
            for each in found
        ]
    )


@portal.endpoint("GET", "/slots/first", action="slot:read", query=FirstQuery)
def find_first_slot(context: Context, query: FirstQuery) -> FirstSlot:
    """The earliest time that I can book, with one therapist or with any of mine"""
    wish = slots.Wish(query.service_id, Mode(query.mode), query.location_id)
    found = slots.first(context, wish, query.staff_id)
    if found is None:
        return FirstSlot(starts_at=None, staff_id=None)
    return FirstSlot(starts_at=instant_of(found.start), staff_id=found.therapist_id)


# ---- feeds ----


class FeedView(PortalView):
    """The asker's own feed address, which calendar programs follow; null while there is none."""

    address: str | None


@both.endpoint("GET", "/feed", action="feed:manage")
def read_feed(context: Context) -> FeedView:
    """My calendar's private address"""
    return FeedView(address=feeds.address(context))


@both.endpoint("POST", "/feed", action="feed:manage", status=201)
def renew_feed(context: Context) -> FeedView:
    """Make a new private address; the one before stops"""
    return FeedView(address=feeds.renew(context))


@both.endpoint("DELETE", "/feed", action="feed:manage", status=204)
def revoke_feed(context: Context) -> Empty:
    """Take the private address back"""
    feeds.revoke(context)
    return Empty()


@public.endpoint("GET", "/feeds/{feed_key}/calendar.ics", action="feed:read", answers="text/calendar")
def open_feed(context: None, feed_key: str, caller: Caller) -> Content:
    """The calendar behind a private address"""
    return Content(content=feeds.read(feed_key))
