"""The outbox: what must be mailed, as a template and ids, written in the transaction that causes it."""

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib.models.table import CLIENT, STAFF, TENANT, JsonAttribute, Key, Record


class _Mail:
    """queued ── claim ──▶ sending ──▶ sent | failed; due again until it is sent or has failed for good."""

    mail_id = UnicodeAttribute()
    template = UnicodeAttribute()
    ids = JsonAttribute()
    status = UnicodeAttribute()
    claimed_at = UnicodeAttribute(null=True)
    attempts = NumberAttribute()
    sent_at = UnicodeAttribute(null=True)
    message_id = UnicodeAttribute(null=True)


class ClientMail(_Mail, Record):
    """A mail to a client."""

    KEY = Key(CLIENT, "OUTBOX#{mail_id}")

    client_id = UnicodeAttribute()


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
