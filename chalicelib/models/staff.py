"""The people who work at an organization."""

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute

from chalicelib.models.table import STAFF, TENANT, JsonAttribute, Key, Record


class Staff(Record):
    """A staff member: an administrator, a therapist, or both."""

    KEY = Key(STAFF, "STAFF")
    BY_TENANT = Key(TENANT + "#STAFFS", "{staff_id}", "gsi1")

    staff_id = UnicodeAttribute()
    name = UnicodeAttribute()
    credentials = UnicodeAttribute(null=True)
    email = UnicodeAttribute()
    email_digest = UnicodeAttribute()
    roles = JsonAttribute()
    may_invite = BooleanAttribute()
    seat = BooleanAttribute()
    status = UnicodeAttribute()
    era = NumberAttribute(null=True)  # one more: every session and remembered device of before opens nothing
    signed_in_at = UnicodeAttribute(null=True)  # for the first time
