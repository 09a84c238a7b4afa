"""Secure messages: conversations of one client with some of the practice's people (DOMAIN.md section 6).

Everything stands below `T#CLIENT#c`. What people wrote is encrypted. A message is never changed.
"""

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib.models.table import CLIENT, STAFF, TENANT, BytesAttribute, JsonAttribute, Key, Record

THREAD = CLIENT + "#THREAD#{thread_id}"


class _Box:
    """How one person has a thread: `folder` is inbox or trash; one that is gone for them stands in no index.

    `unread` counts messages of others above `read_to`; nothing up to `hidden_to` is shown to them any more.
    """

    folder = UnicodeAttribute()
    last_at = UnicodeAttribute()  # of the newest message: where it stands in the lists
    unread = NumberAttribute()
    read_to = NumberAttribute()  # the highest number that they have seen
    hidden_to = NumberAttribute(null=True)
    trashed_at = UnicodeAttribute(null=True)
    told_at = UnicodeAttribute(null=True)  # when a mail said that something waits; until they read it, no other does


class Thread(_Box, Record):
    """A conversation, and how its client has it (staff have a StaffBox each).

    `last` is the number of its newest message: every send raises it by one in its own transaction, so messages are in
    one order. `members` are the staff who take part; whether they may, is decided anew with every request.
    `due`: when the client is to be told of what is unread, or when it leaves the client's trash.
    """

    KEY = Key(CLIENT, "THREAD#{thread_id}")
    BY_CLIENT = Key(CLIENT + "#THREADS", "{folder}#{last_at}", "gsi1")
    UNREAD = Key(CLIENT + "#UNREAD", "{last_at}", "gsi2")

    client_id = UnicodeAttribute()
    thread_id = UnicodeAttribute()
    topic = UnicodeAttribute()  # direct, or a desk: administration, billing, clinical
    members = JsonAttribute()
    subject = BytesAttribute()  # encrypted
    last = NumberAttribute()
    last_by = UnicodeAttribute()  # client, or the id of the staff member who wrote last


class StaffBox(_Box, Record):
    """How a staff member has a thread. `due` as in Thread."""

    KEY = Key(THREAD, "BOX#{staff_id}")
    BY_STAFF = Key(STAFF + "#THREADS", "{folder}#{last_at}", "gsi1")
    UNREAD = Key(STAFF + "#UNREAD", "{last_at}", "gsi2")

    client_id = UnicodeAttribute()
    thread_id = UnicodeAttribute()
    staff_id = UnicodeAttribute()


class Message(Record):
    """One message, for good."""

    KEY = Key(THREAD, "MESSAGE#{number}")
    BY_SENDER = Key(TENANT + "#{sender_kind}#{sender_id}#SENT", "{sent_at}", "gsi2")

    client_id = UnicodeAttribute()
    thread_id = UnicodeAttribute()
    number = UnicodeAttribute()  # eight digits
    sender_kind = UnicodeAttribute()  # STAFF or CLIENT, as partitions have it
    sender_id = UnicodeAttribute()
    sent_at = UnicodeAttribute()
    words = BytesAttribute()  # encrypted: {body, name, files: [{attachment_id, name, file_type, size}]}


class Attachment(Record):
    """A clean file that went with a message; its name is in the message."""

    KEY = Key(THREAD, "FILE#{attachment_id}")

    client_id = UnicodeAttribute()
    thread_id = UnicodeAttribute()
    attachment_id = UnicodeAttribute()  # the upload's
    number = NumberAttribute()  # of its message
    object_key = UnicodeAttribute()
    object_version = UnicodeAttribute()
    file_type = UnicodeAttribute()
    size = NumberAttribute()


class _Draft:
    draft_key = UnicodeAttribute()  # goes along as the Idempotency-Key: of two tabs one sends
    words = BytesAttribute()  # encrypted: {to, subject, body, upload_ids}
    saved_at = UnicodeAttribute()


class StaffDraft(_Draft, Record):
    """What a staff member has begun to write in a thread, or to a client (`about` is the thread's or client's id)."""

    KEY = Key(STAFF, "DRAFT#{about}")

    staff_id = UnicodeAttribute()
    about = UnicodeAttribute()


class ClientDraft(_Draft, Record):
    """What a client has begun to write in a thread, or anew (`about` is NEW)."""

    KEY = Key(CLIENT, "DRAFT#{about}")

    client_id = UnicodeAttribute()
    about = UnicodeAttribute()


class ThreadOpening(Record):
    """An administrator broke the glass of a thread that is not theirs: who, when, why, until when (DOMAIN.md 6.5)."""

    KEY = Key(THREAD, "GLASS#{opening_id}")

    client_id = UnicodeAttribute()
    thread_id = UnicodeAttribute()
    opening_id = UnicodeAttribute()
    staff_id = UnicodeAttribute()
    staff_name = UnicodeAttribute()
    reason = BytesAttribute()  # encrypted
    opened_at = UnicodeAttribute()
    until = UnicodeAttribute()


class ThreadPrint(Record):
    """A PDF of a thread that somebody asked for.   making ──▶ ready | failed; gone after a day."""

    KEY = Key(THREAD, "PRINT#{print_id}")

    client_id = UnicodeAttribute()
    thread_id = UnicodeAttribute()
    print_id = UnicodeAttribute()
    asked_kind = UnicodeAttribute()  # STAFF or CLIENT
    asked_by = UnicodeAttribute()
    first = NumberAttribute()  # the numbers that were theirs to see when they asked
    last = NumberAttribute()
    status = UnicodeAttribute()
    asked_at = UnicodeAttribute()
    object_key = UnicodeAttribute(null=True)
    object_version = UnicodeAttribute(null=True)


class ContactEntry(Record):
    """A line of a client's contact log: for staff alone, so it stands outside of the client's own partitions."""

    KEY = Key(TENANT + "#CHART#{client_id}", "CONTACT#{entry_id}")

    client_id = UnicodeAttribute()
    entry_id = UnicodeAttribute()
    way = UnicodeAttribute()  # message, phone, email, in_person, video, other
    happened_at = UnicodeAttribute()
    words = BytesAttribute()  # encrypted: {note, name}
    made_by = UnicodeAttribute()
    made_at = UnicodeAttribute()
    thread_id = UnicodeAttribute(null=True)
    number = NumberAttribute(null=True)


def place_of(pk: str) -> tuple[str, str]:
    """The client and the thread whose partition this is (or whose client's it is: then no thread)."""
    parts = pk.split("#")
    return parts[3], parts[5] if len(parts) > 5 else ""
