"""Packets of forms sent to a client, and what the client wrote into them."""

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute

from chalicelib.models.table import CLIENT, TENANT, BytesAttribute, Key, PackedAttribute, Record


class Intake(Record):
    """A packet: the forms that were sent together.   open ──▶ completed | revoked

    An open one stands in the list of those who have not finished, and is due when a reminder may be.
    """

    KEY = Key(CLIENT, "INTAKE#{intake_id}")
    OPEN = Key(TENANT + "#INTAKES", "{intake_id}", "gsi2")  # while it is open

    client_id = UnicodeAttribute()
    intake_id = UnicodeAttribute()
    status = UnicodeAttribute()
    # [{form_id, version, title, minutes, sections, notice?, known?}] in order; known: the version the client knows
    forms = PackedAttribute()
    merge = PackedAttribute()  # the merge fields as they were when it was sent
    sent_by = UnicodeAttribute()
    sent_by_name = UnicodeAttribute()
    sent_at = UnicodeAttribute()
    note = BytesAttribute(null=True)  # encrypted: a word of the sender's to the client
    reminders = NumberAttribute(null=True)  # how many were mailed
    reminded_at = UnicodeAttribute(null=True)
    completed_at = UnicodeAttribute(null=True)
    worrying = BooleanAttribute()


class Pace(Record):
    """What holds for all packets of a client: two sendings do not cross, and one reminder a day."""

    KEY = Key(CLIENT, "PACE")

    client_id = UnicodeAttribute()
    sendings = NumberAttribute(null=True)
    reminded_at = UnicodeAttribute(null=True)


class Receipt(Record):
    """The newest version of a notice that a client acknowledged, or for which staff recorded why not."""

    KEY = Key(CLIENT, "NOTICE#{form_id}")
    BY_VERSION = Key(TENANT + "#NOTICE#{form_id}", "{number}#{client_id}", "gsi2")

    client_id = UnicodeAttribute()
    form_id = UnicodeAttribute()
    number = UnicodeAttribute()  # six digits
    outcome = UnicodeAttribute()  # sealed, paper, unobtained
    happened_at = UnicodeAttribute()


class IntakeForm(Record):
    """One form of a packet, from the first word to the sealed document.

    started ── sign (one winner) ──▶ signed ── on_sealing ──▶ sealed
       │                              └ due again until sealed
       ├ staff take it back ────────▶ revoked       ┐ what was typed is erased; due until it is
       ├ it was signed on paper ────▶ paper         │
       └ a notice, and staff say why▶ unobtained    ┘
    Before it is signed nothing of it is shown to staff.
    """

    KEY = Key(CLIENT, "PACKET#{intake_id}#{form_id}")

    client_id = UnicodeAttribute()
    intake_id = UnicodeAttribute()
    form_id = UnicodeAttribute()
    status = UnicodeAttribute()
    position = UnicodeAttribute(null=True)
    done = NumberAttribute(null=True)
    of = NumberAttribute(null=True)
    started_at = UnicodeAttribute(null=True)
    saved_at = UnicodeAttribute(null=True)
    signed_at = UnicodeAttribute(null=True)
    sealed_at = UnicodeAttribute(null=True)
    answers_sha256 = UnicodeAttribute(null=True)
    document_id = UnicodeAttribute(null=True)
    worrying = BooleanAttribute(null=True)
    settled_at = UnicodeAttribute(null=True)  # revoked, paper, unobtained: when, and by whom
    settled_by_name = UnicodeAttribute(null=True)
    why = BytesAttribute(null=True)  # encrypted: {reason, note} of a notice that was not acknowledged


class SignedForm(Record):
    """What was signed, encrypted: answers, sections left for the conversation, signature, evidence. Never changed."""

    KEY = Key(CLIENT, "SIGNED#{intake_id}#{form_id}")

    client_id = UnicodeAttribute()
    intake_id = UnicodeAttribute()
    form_id = UnicodeAttribute()
    signed = BytesAttribute()


class Section(Record):
    """The answers of one section as they are saved while someone writes; one encrypted item."""

    KEY = Key(CLIENT, "ANSWERS#{intake_id}#{form_id}#{section_id}")

    client_id = UnicodeAttribute()
    intake_id = UnicodeAttribute()
    form_id = UnicodeAttribute()
    section_id = UnicodeAttribute()
    answers = BytesAttribute()
    saved_at = UnicodeAttribute()
