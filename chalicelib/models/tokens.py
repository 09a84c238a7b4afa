"""API tokens: what programs of an organization sign in with."""

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib.models.table import TENANT, BytesAttribute, JsonAttribute, Key, Record


class ApiToken(Record):
    """A token. Only the digest of its text is stored; its name is what an administrator wrote, encrypted.

    live ── revoke ──▶ revoked        and over at `ends_at`, or once its creator's `token_era` is another: for good
    """

    KEY = Key(TENANT, "TOKEN#{token_id}")

    token_id = UnicodeAttribute()
    staff_id = UnicodeAttribute()  # who made it: it never reaches further than they do
    secret_digest = UnicodeAttribute()
    name = BytesAttribute()
    scopes = JsonAttribute()
    era = NumberAttribute(null=True)  # its creator's `token_era` when it was made
    created_at = UnicodeAttribute()
    ends_at = UnicodeAttribute()
    used_at = UnicodeAttribute(null=True)  # to the minute
    revoked_at = UnicodeAttribute(null=True)
    revoked_by = UnicodeAttribute(null=True)
