"""What a request with an Idempotency-Key did, in the caller's own partition."""

from pynamodb.attributes import UnicodeAttribute

from chalicelib.models.table import CLIENT, STAFF, TENANT, Key, Record


class _Done:
    key_digest = UnicodeAttribute()
    request_digest = UnicodeAttribute()
    result = UnicodeAttribute()


class StaffRequest(_Done, Record):
    """A request of a staff member."""

    KEY = Key(STAFF, "IDEMPOTENCY#{key_digest}")

    staff_id = UnicodeAttribute()


class ClientRequest(_Done, Record):
    """A request of a client."""

    KEY = Key(CLIENT, "IDEMPOTENCY#{key_digest}")

    client_id = UnicodeAttribute()


class ProgramRequest(_Done, Record):
    """A request of a program, under its token."""

    KEY = Key(TENANT + "#TOKEN#{token_id}", "IDEMPOTENCY#{key_digest}")

    token_id = UnicodeAttribute()
