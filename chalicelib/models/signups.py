"""People who signed up by themselves and wait for the practice's answer."""

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib.models.table import TENANT, BytesAttribute, Key, Record


class Signup(Record):
    """One mailbox that was proved, with what its holder told; there is one for each address, however often it signs up.

    waiting ── accept ──▶ accepted (a file and an account)     another sign-up of the same mailbox: waiting again
       ├────── link ────▶ linked (an existing file is invited)
       └────── reject ──▶ rejected                             what is decided goes after 30 days

    Before the mailbox is proved there is nothing but the mailed Link.
    """

    KEY = Key(TENANT + "#SIGNUP", "{signup_id}")
    BY_STATUS = Key(TENANT + "#SIGNUPS#{status}", "{proved_at}#{signup_id}", "gsi1")

    signup_id = UnicodeAttribute()  # derived from the digest of the address
    email_digest = UnicodeAttribute()
    status = UnicodeAttribute()
    details = BytesAttribute()  # encrypted: what was typed, and the digest of the password that was chosen
    proved_at = UnicodeAttribute()
    version = NumberAttribute()
    client_id = UnicodeAttribute(null=True)  # the file that came of it
    decided_by = UnicodeAttribute(null=True)
    decided_by_name = UnicodeAttribute(null=True)
    decided_at = UnicodeAttribute(null=True)
