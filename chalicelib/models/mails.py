"""The outbox: what must be mailed, as a template and ids, written in the transaction that causes it."""

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib.models.table import CLIENT, STAFF, TENANT, JsonAttribute, Key, Record


class _Mail:
    """queued ── claim ──▶ sending ──▶ sent | failed; due again until it is sent or has failed for good.
    └── taken back while it is held ──▶ dropped
    """

    mail_id = UnicodeAttribute()
    template = UnicodeAttribute()
    ids = JsonAttribute()
    status = UnicodeAttribute()
    claimed_at = UnicodeAttribute(null=True)
    attempts = NumberAttribute()
    sent_at = UnicodeAttribute(null=True)
    message_id = UnicodeAttribute(null=True)


class ClientMail(_Mail, Record):
    """A mail to a client, and what became of it: `delivery` is the worst news, `news` when each came first."""

    KEY = Key(CLIENT, "OUTBOX#{mail_id}")

    client_id = UnicodeAttribute()
    created_at = UnicodeAttribute(null=True)
    held_until = UnicodeAttribute(null=True)  # not mailed before: it can still be taken back
    email_digest = UnicodeAttribute(null=True)  # of the address that it went to
    delivery = UnicodeAttribute(null=True)  # as services.mails.WORSE has them
    news = JsonAttribute(null=True)  # {delivery: instant}


class StaffMail(_Mail, Record):
    """A mail to a staff member."""

    KEY = Key(STAFF, "OUTBOX#{mail_id}")

    staff_id = UnicodeAttribute()


class AccountMail(_Mail, Record):
    """A mail to whoever has an account at an address, if anybody has: only the mailer looks."""

    KEY = Key(TENANT + "#EMAIL#{email_digest}#OUTBOX", "{realm}#{mail_id}")

    email_digest = UnicodeAttribute()
    realm = UnicodeAttribute()


Mail = AccountMail | ClientMail | StaffMail


class SentMessage(Record):
    """Which mail a message of SES was, so that its delivery can be told."""

    KEY = Key("PLATFORM#SES#{message_id}", "MAIL")

    message_id = UnicodeAttribute()
    mail_pk = UnicodeAttribute()
    mail_sk = UnicodeAttribute()
