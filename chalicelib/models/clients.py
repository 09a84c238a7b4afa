"""Client files, who is assigned to them, and their general documents."""

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute, UnicodeSetAttribute

from chalicelib.models.table import CLIENT, TENANT, BytesAttribute, JsonAttribute, Key, Record


class Client(Record):
    """A person in therapy at the organization; this partition is everything about them. Edited whole.

    portal:  none ── invite ──▶ invited ── redeem ──▶ active ──▶ ended
               ▲──── revoke ──────┘
    """

    KEY = Key(CLIENT, "CLIENT")
    BY_TENANT = Key(TENANT + "#CLIENTS", "{client_id}", "gsi1")

    client_id = UnicodeAttribute()
    legal_name = UnicodeAttribute()
    preferred_name = UnicodeAttribute(null=True)
    birth_date = UnicodeAttribute(null=True)
    email = UnicodeAttribute(null=True)
    email_digest = UnicodeAttribute(null=True)  # of the portal account: set when invited
    source = UnicodeAttribute(null=True)  # sign_up: opened themselves, and accepted by the practice
    phone = UnicodeAttribute(null=True)
    address = JsonAttribute(null=True)
    emergency_contact = JsonAttribute(null=True)
    status = UnicodeAttribute()
    portal = UnicodeAttribute()
    invite_id = UnicodeAttribute(null=True)
    invite_ends_at = UnicodeAttribute(null=True)
    first_invited_at = UnicodeAttribute(null=True)
    joined_at = UnicodeAttribute(null=True)
    insurance = BytesAttribute(null=True)  # encrypted: carrier, member id, group, holder
    features_off = JsonAttribute()
    unseen = UnicodeSetAttribute(null=True)  # signed forms with a worrying answer that no staff member has settled
    therapists = JsonAttribute()  # [{staff_id, name}] for lists; the Assignment records decide
    era = NumberAttribute(null=True)  # one more: every session and remembered device of before opens nothing
    signed_in_at = UnicodeAttribute(null=True)  # for the first time
    created_at = UnicodeAttribute()


class Assignment(Record):
    """This therapist may see this client; read with every request, so it takes effect at once."""

    KEY = Key(CLIENT, "THERAPIST#{staff_id}")
    BY_THERAPIST = Key(TENANT + "#STAFF#{staff_id}#CLIENTS", "{client_id}", "gsi1")

    client_id = UnicodeAttribute()
    staff_id = UnicodeAttribute()
    since = UnicodeAttribute()


class SearchEntry(Record):
    """A client under the first letters of a word of the name; the letters themselves are not in the key."""

    KEY = Key(TENANT + "#SEARCH#{letters_digest}", "{client_id}")

    letters_digest = UnicodeAttribute()
    client_id = UnicodeAttribute()


class MatchEntry(Record):
    """A client under what another file of the same person would have, too; the words themselves are not in the key."""

    KEY = Key(TENANT + "#MATCH#{match_digest}", "{client_id}")

    match_digest = UnicodeAttribute()
    client_id = UnicodeAttribute()


class Document(Record):
    """An entry under General Documents.   sealing ──▶ completed; what was uploaded is completed from the start."""

    KEY = Key(CLIENT, "DOCUMENT#{document_id}")

    client_id = UnicodeAttribute()
    document_id = UnicodeAttribute()
    category = UnicodeAttribute()  # intake_form, or what somebody uploaded: services.documents.CATEGORIES
    title = UnicodeAttribute(null=True)  # of a form
    words = BytesAttribute(null=True)  # encrypted: title and file name of what was uploaded
    status = UnicodeAttribute()
    intake_id = UnicodeAttribute(null=True)
    form_id = UnicodeAttribute(null=True)
    form_version = NumberAttribute(null=True)
    signed_by = UnicodeAttribute(null=True)
    signed_at = UnicodeAttribute(null=True)
    filed_at = UnicodeAttribute(null=True)
    object_key = UnicodeAttribute(null=True)
    object_version = UnicodeAttribute(null=True)
    file_type = UnicodeAttribute(null=True)  # of what was uploaded: a key of adapters.filetypes.MEDIA
    added_by = UnicodeAttribute(null=True)  # client, or the id of the staff member who uploaded it
    added_by_name = UnicodeAttribute(null=True)
    sha256 = UnicodeAttribute(null=True)
    size = NumberAttribute(null=True)
    worrying = BooleanAttribute()  # stays so for good
    seen_by_name = UnicodeAttribute(null=True)  # who settled the worrying answer, and when
    seen_at = UnicodeAttribute(null=True)
    shared = BooleanAttribute()  # with the client
