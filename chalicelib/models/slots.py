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


class Appointment(Record):
    """A meeting of a client with a therapist, or the request for one. Edited whole.

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
    appointment_id = UnicodeAttribute()
    staff_id = UnicodeAttribute()
    phase = UnicodeAttribute()  # request (requested, proposed) or booked
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
    client_zone = UnicodeAttribute()  # in which the client chose
    made_by = UnicodeAttribute()  # client or staff
    made_at = UnicodeAttribute()
    changed_at = UnicodeAttribute()
    held_until = NumberAttribute(null=True)
    proposals = JsonAttribute(null=True)  # starts that the practice holds for the client to choose from
    sequence = NumberAttribute()  # RFC 5545: how often its time or fate has changed
    late = BooleanAttribute(null=True)  # cancelled within the notice
    ended_by = UnicodeAttribute(null=True)  # client, staff or system
    words = BytesAttribute(null=True)  # encrypted: {note, message, reason}


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
