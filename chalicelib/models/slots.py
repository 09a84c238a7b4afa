"""Self-scheduling: what is offered, when therapists see clients, what is taken, and what was booked.

Times are minutes since 1970 (chalicelib/slots/zones.py) where the calendar's arithmetic reads them, and instants as
text where people and indexes do. What people wrote is encrypted.
"""

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute

from chalicelib.models.table import (
    CLIENT,
    PUBLIC,
    STAFF,
    TENANT,
    BytesAttribute,
    JsonAttribute,
    Key,
    PackedAttribute,
    Record,
)

CALENDAR = TENANT + "#CALENDAR#{staff_id}"


class Offer(Record):
    """What can be booked in this organization: its services and locations. Edited whole."""

    KEY = Key(PUBLIC, "OFFER")

    services = JsonAttribute()  # [{service_id, name, minutes, before, after, price, colour, bookable}]
    locations = JsonAttribute()  # [{location_id, name, address}]


class Availability(Record):
    """When a therapist sees clients, by the wall clock of a zone. Edited whole."""

    KEY = Key(CALENDAR, "AVAILABILITY")

    staff_id = UnicodeAttribute()
    zone = UnicodeAttribute()
    rules = PackedAttribute()  # {schedules, overrides, time_off}
    telehealth_link = BytesAttribute(null=True)  # encrypted
    changed_at = UnicodeAttribute()
    changed_by = UnicodeAttribute()


class _Day:
    day = UnicodeAttribute()  # of UTC, 2026-11-24
    busy = JsonAttribute()  # [[start, end, appointment_id, held_until, before, after]], in order
    # `version` is never reset while anyone may still have seen it: a day that was emptied stays.


class TherapistDay(_Day, Record):
    """What is taken of one UTC day of a therapist, an entry for each appointment that touches it with its buffers."""

    KEY = Key(CALENDAR, "DAY#{day}")

    staff_id = UnicodeAttribute()


class ClientDay(_Day, Record):
    """What is taken of one UTC day of a client."""

    KEY = Key(CLIENT, "DAY#{day}")

    client_id = UnicodeAttribute()


class Bookings(Record):
    """What a client has asked for or booked alone and that still lies ahead: the caps count it. Edited whole."""

    KEY = Key(CLIENT, "BOOKINGS")

    client_id = UnicodeAttribute()
    ahead = JsonAttribute()  # {appointment_id: [end, whether it is an open request]}
    today = JsonAttribute()  # [UTC day, how often the client has booked, moved or cancelled on it]
    closed = BooleanAttribute(null=True)  # the file is archived: whatever the client does is written under this version


class _Meeting:
    """When, what and where: of an appointment with one client, and of a group's."""

    appointment_id = UnicodeAttribute()
    staff_id = UnicodeAttribute()
    phase = UnicodeAttribute()  # request (requested, proposed), booked, or place: a client's own in a group
    status = UnicodeAttribute()
    starts_at = UnicodeAttribute()
    start = NumberAttribute()
    minutes = NumberAttribute()
    before = NumberAttribute()
    after = NumberAttribute()
    service_id = UnicodeAttribute()
    service_name = UnicodeAttribute()
    colour = UnicodeAttribute()
    mode = UnicodeAttribute()
    location_id = UnicodeAttribute(null=True)
    location_name = UnicodeAttribute(null=True)
    staff_name = UnicodeAttribute()
    zone = UnicodeAttribute()  # the therapist's, when it was booked
    made_at = UnicodeAttribute()
    changed_at = UnicodeAttribute()
    sequence = NumberAttribute()  # RFC 5545: how often its time or fate has changed


class Appointment(_Meeting, Record):
    """A meeting of a client with a therapist, or the request for one; or a client's own place in a group, which keeps
    the client's time, while the group keeps the therapist's. Edited whole.

                                   ┌─▶ expired     (nobody answered while its time was held)
    requested ─┬─ confirm ─▶ confirmed ─▶ completed | no_show
        ▲      ├─ decline ─▶ declined
        │      └─ propose ─▶ proposed ─ the client accepts ─▶ confirmed
        └── the client moves it; any of requested, proposed, confirmed may become cancelled

    `due`: the end of its hold while it is a request, then its next reminder.
    """

    KEY = Key(CLIENT, "APPOINTMENT#{appointment_id}")
    BY_THERAPIST = Key(TENANT + "#STAFF#{staff_id}#APPOINTMENTS", "{phase}#{starts_at}#{appointment_id}", "gsi1")
    BY_CLIENT = Key(TENANT + "#CLIENT#{client_id}#APPOINTMENTS", "{starts_at}#{appointment_id}", "gsi2")

    client_id = UnicodeAttribute()
    client_zone = UnicodeAttribute()  # in which the client chose
    made_by = UnicodeAttribute()  # client or staff
    held_until = NumberAttribute(null=True)
    proposals = JsonAttribute(null=True)  # starts that the practice holds for the client to choose from
    late = BooleanAttribute(null=True)  # cancelled within the notice
    ended_by = UnicodeAttribute(null=True)  # client, staff or system
    words = BytesAttribute(null=True)  # encrypted: {note, message, reason}
    series_id = UnicodeAttribute(null=True)
    group_id = UnicodeAttribute(null=True)


class Group(_Meeting, Record):
    """A meeting of a therapist with several clients: the therapist's time is taken once, by this. Edited whole.

    It stands in the therapist's list beside their other appointments. Who takes part:

        joining ─┬─▶ in ──▶ out    (cancelled, by the client or by staff; client_busy when the group moved)
                 └─▶ out           (client_busy, not_assigned, …: reported, never dropped)

    `joining` and `in` take a place. Each one's own appointment follows the group within one job: until then it stands
    where the group was.
    """

    KEY = Key(CALENDAR, "GROUP#{appointment_id}")
    BY_THERAPIST = Appointment.BY_THERAPIST

    capacity = NumberAttribute()
    members = JsonAttribute()  # {client_id: [joining, in or out, why (a code) or None]}
    job_id = UnicodeAttribute(null=True)  # the last, which brings the clients' own appointments in line
    series_id = UnicodeAttribute(null=True)  # the group series that it is one of


class Series(Record):
    """Appointments of a client that recur by the therapist's wall clock: the plan as it was made. What became of each
    time is in the appointment of its number, or in the outcome of the first job."""

    KEY = Key(CLIENT, "SERIES#{series_id}")

    client_id = UnicodeAttribute()
    series_id = UnicodeAttribute()
    staff_id = UnicodeAttribute()
    zone = UnicodeAttribute()  # the therapist's, when it was made
    every_weeks = NumberAttribute()
    starts = JsonAttribute()  # as planned, in order: the number of an occurrence is its place here
    made_at = UnicodeAttribute()
    made_by_name = UnicodeAttribute()
    job_id = UnicodeAttribute()  # which books them: item n is occurrence n, the last tells both sides
    change_job_id = UnicodeAttribute(null=True)  # the last that moves or cancels those that follow one


class GroupSeries(Record):
    """Groups that recur by their therapist's wall clock: the plan as it was made. What became of each time is in the
    group of its number, or in the outcome of the first job."""

    KEY = Key(CALENDAR, "GROUPSERIES#{series_id}")

    series_id = UnicodeAttribute()
    staff_id = UnicodeAttribute()
    zone = UnicodeAttribute()  # the therapist's, when it was made
    service_name = UnicodeAttribute()
    every_weeks = NumberAttribute()
    starts = JsonAttribute()  # as planned, in order: the number of a group is its place here
    made_at = UnicodeAttribute()
    made_by_name = UnicodeAttribute()
    job_id = UnicodeAttribute()  # which makes them: items 2n and 2n+1 are group n and its places, the last tells all
    change_job_id = UnicodeAttribute(null=True)  # the last that changes those that follow one


class WaitList(Record):
    """Who waits for earlier times with one therapist, in their order, and what has become free since it was last
    offered. Edited whole.

    `due` while something is free that nobody has been offered yet.
    """

    KEY = Key(CALENDAR, "WAITLIST")

    staff_id = UnicodeAttribute()
    waiters = JsonAttribute()  # [[client_id, wait_id]], whoever came first first; a client once
    freed = JsonAttribute()  # [[start, end]], in order


class Wait(Record):
    """A client's wish for an earlier time with one therapist. Edited whole.

    waiting ── a time has opened, and it is their turn ──▶ offered ── the client takes it ──▶ ended
       ▲                                                      │
       └──────────── passes, or does not answer in time ──────┘   (either may become ended: the client leaves the list,
                                                                  staff take them off it, or the wish is over)
    `due`: the end of what is offered, else `until`.
    """

    KEY = Key(CLIENT, "WAIT#{wait_id}")

    client_id = UnicodeAttribute()
    wait_id = UnicodeAttribute()
    staff_id = UnicodeAttribute()
    status = UnicodeAttribute()
    since = UnicodeAttribute()
    until = NumberAttribute()  # only times that begin before it are offered
    before_day = UnicodeAttribute(null=True)  # what the client said of that, by the calendar of their zone
    appointment_id = UnicodeAttribute(null=True)  # what an offer that is taken moves; only times before it are offered
    service_id = UnicodeAttribute()
    service_name = UnicodeAttribute()
    mode = UnicodeAttribute()
    location_id = UnicodeAttribute(null=True)
    location_name = UnicodeAttribute(null=True)
    staff_name = UnicodeAttribute()
    zone = UnicodeAttribute()
    client_zone = UnicodeAttribute()
    start = NumberAttribute(null=True)  # of what is offered, with its length and what it keeps free around it
    minutes = NumberAttribute(null=True)
    before = NumberAttribute(null=True)
    after = NumberAttribute(null=True)
    held_until = NumberAttribute(null=True)
    passed = JsonAttribute()  # starts that were offered and not taken: not offered again
    ended_as = UnicodeAttribute(null=True)  # accepted, left, removed, over


class Feed(Record):
    """Whose calendar a secret address shows; found before the organization is known. Only its digest is kept."""

    KEY = Key("PLATFORM#FEED#{token_digest}", "FEED")

    token_digest = UnicodeAttribute()
    person_kind = UnicodeAttribute()  # staff or client
    person_id = UnicodeAttribute()


class _FeedAddress:
    generation = NumberAttribute()  # the address is derived from it again
    open = BooleanAttribute()
    made_at = UnicodeAttribute()


class StaffFeed(_FeedAddress, Record):
    """A staff member's own feed address."""

    KEY = Key(STAFF, "FEED")

    staff_id = UnicodeAttribute()


class ClientFeed(_FeedAddress, Record):
    """A client's own feed address."""

    KEY = Key(CLIENT, "FEED")

    client_id = UnicodeAttribute()
