"""Form versions: immutable once made; what was sent keeps the version that it was sent with."""

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute

from chalicelib.models.table import PUBLIC, TENANT, Key, PackedAttribute, Record


class Form(Record):
    """A form of the library and its newest version.

    draft ── publish ──▶ active ⇄ archived      draft: no version yet, the only state in which it can be deleted
    """

    KEY = Key(PUBLIC, "FORM#{form_id}")

    form_id = UnicodeAttribute()
    title = UnicodeAttribute()
    newest = NumberAttribute()  # 0: none yet
    minutes = NumberAttribute()
    sections = NumberAttribute()
    status = UnicodeAttribute()
    purpose = UnicodeAttribute()  # questionnaire, consent, notice
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
    published_by_name = UnicodeAttribute(null=True)  # none: it came with the product
    what_changed = UnicodeAttribute(null=True)  # for clients who know an earlier version


class FormDraft(Record):
    """The next version of a form while administrators write it. Edited whole: `version` guards it."""

    KEY = Key(TENANT, "DRAFT#{form_id}")

    form_id = UnicodeAttribute()
    definition = PackedAttribute()  # may be unfinished: `check` says what is missing
    changed_by_name = UnicodeAttribute()
    changed_at = UnicodeAttribute()
