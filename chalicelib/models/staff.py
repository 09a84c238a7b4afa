"""The people who work at an organization."""

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute

from chalicelib.models.table import STAFF, TENANT, JsonAttribute, Key, Record


class Staff(Record):
    """A staff member: an administrator, a therapist, or both. Edited whole: `version` guards it.

    (none) ── invite ──▶ invited ── join ──▶ active ◀── disable, enable ──▶ disabled
       ▲──── revoke ───────┘

    Due while the name in the files of assigned clients is older than this one.
    """

    KEY = Key(STAFF, "STAFF")
    BY_TENANT = Key(TENANT + "#STAFFS", "{staff_id}", "gsi1")

    staff_id = UnicodeAttribute()
    name = UnicodeAttribute()
    credentials = UnicodeAttribute(null=True)
    email = UnicodeAttribute()
    email_digest = UnicodeAttribute()
    roles = JsonAttribute()
    may_invite = BooleanAttribute()
    may_bill = BooleanAttribute(null=True)
    seat = BooleanAttribute()
    status = UnicodeAttribute()
    era = NumberAttribute(null=True)  # one more: every session and remembered device of before opens nothing
    token_era = NumberAttribute(null=True)  # one more: every API token that they made before opens nothing, for good
    signed_in_at = UnicodeAttribute(null=True)  # for the first time
    invited_at = UnicodeAttribute(null=True)
    invited_by_name = UnicodeAttribute(null=True)
    invite_ends_at = UnicodeAttribute(null=True)
    joined_at = UnicodeAttribute(null=True)
