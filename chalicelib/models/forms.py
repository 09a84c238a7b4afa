"""Form versions: immutable once made; what was sent keeps the version that it was sent with."""

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute

from chalicelib.models.table import PUBLIC, Key, PackedAttribute, Record


class Form(Record):
    """A form of the library and its newest version."""

    KEY = Key(PUBLIC, "FORM#{form_id}")

    form_id = UnicodeAttribute()
    title = UnicodeAttribute()
    newest = NumberAttribute()
    minutes = NumberAttribute()
    sections = NumberAttribute()
    status = UnicodeAttribute()  # active, archived
    standard = BooleanAttribute()
    order = NumberAttribute()
    review_note = UnicodeAttribute(null=True)


class FormVersion(Record):
    """The text of one version of a form."""

    KEY = Key(PUBLIC, "VERSION#{form_id}#{number}")

    form_id = UnicodeAttribute()
    number = UnicodeAttribute()  # six digits
    definition = PackedAttribute()
    sha256 = UnicodeAttribute()
    created_at = UnicodeAttribute()
