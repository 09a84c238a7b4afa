"""Invitations to the portal."""

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib.models.table import CLIENT, TENANT, BytesAttribute, JsonAttribute, Key, PackedAttribute, Record


class Invite(Record):
    """An offer to one client to create their account, bound to client, address and forms.

    waiting ── redeem ──▶ completed
       ├── revoke ──────▶ revoked
       ├── another one ─▶ replaced
       ├── 72 hours ────▶ expired (computed from ends_at, not stored)
       └── 5 wrong dates of birth ▶ locked (computed from wrong_dates, not stored), until it is sent again
    """

    KEY = Key(CLIENT, "INVITE#{invite_id}")
    BY_TENANT = Key(TENANT + "#INVITES", "{invite_id}", "gsi2")

    client_id = UnicodeAttribute()
    invite_id = UnicodeAttribute()
    intake_id = UnicodeAttribute()
    email = UnicodeAttribute()
    email_digest = UnicodeAttribute()
    forms = PackedAttribute()
    letter = BytesAttribute()  # encrypted: subject and message where the sender changed them; which usual ones else
    status = UnicodeAttribute()
    delivery = UnicodeAttribute()
    generation = NumberAttribute()
    token_digest = UnicodeAttribute()
    mail_id = UnicodeAttribute()
    sent_by = UnicodeAttribute()
    sent_by_name = UnicodeAttribute()
    sent_at = UnicodeAttribute()
    ends_at = UnicodeAttribute()
    completed_at = UnicodeAttribute(null=True)
    renewal_asked_at = UnicodeAttribute(null=True)
    held_until = UnicodeAttribute(null=True)  # its mail waits so long, and can be taken back
    opened_at = UnicodeAttribute(null=True)  # when the link of this generation was first opened
    news = JsonAttribute(null=True)  # {delivery: instant} of the mail of this generation
    wrong_dates = NumberAttribute(null=True)  # of birth, given with the link of this generation
