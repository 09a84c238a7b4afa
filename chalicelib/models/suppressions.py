"""Addresses that an organization does not write to any more, and mailboxes that several clients may share."""

from pynamodb.attributes import UnicodeAttribute

from chalicelib.models.table import TENANT, Key, Record


class Suppression(Record):
    """This address bounced for good, or its holder called our mail spam. It goes when staff say that it is mended."""

    KEY = Key(TENANT + "#EMAIL#{email_digest}", "SUPPRESSION")

    email_digest = UnicodeAttribute()
    reason = UnicodeAttribute()  # bounced, complained
    noted_at = UnicodeAttribute()


class SharedMailbox(Record):
    """An invited address with a plus tag, under the mailbox it leads to: for a warning only (notes: security 3.5)."""

    KEY = Key(TENANT + "#EMAIL#{mailbox_digest}", "MAILBOX#{client_id}")

    mailbox_digest = UnicodeAttribute()
    client_id = UnicodeAttribute()
