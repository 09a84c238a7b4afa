"""Packets of forms sent to a client, and what the client wrote into them."""

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute

from chalicelib.models.table import CLIENT, TENANT, BytesAttribute, Key, PackedAttribute, Record


class Intake(Record):
    """A packet: the forms that were sent together.   open ──▶ completed | revoked"""

    KEY = Key(CLIENT, "INTAKE#{intake_id}")
    BY_TENANT = Key(TENANT + "#INTAKES", "{intake_id}", "gsi2")

    client_id = UnicodeAttribute()
    intake_id = UnicodeAttribute()
    status = UnicodeAttribute()
    forms = PackedAttribute()  # [{form_id, version, title, minutes, sections}] in order
    merge = PackedAttribute()  # the merge fields as they were when it was sent
    sent_by = UnicodeAttribute()
    sent_by_name = UnicodeAttribute()
    sent_at = UnicodeAttribute()
    completed_at = UnicodeAttribute(null=True)
    worrying = BooleanAttribute()


class IntakeForm(Record):
    """One form of a packet, from the first word to the sealed document.

    started ── sign (one winner) ──▶ signed ── on_sealing ──▶ sealed
       │                              └ due again until sealed
       └ never shown to staff before it is signed
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
