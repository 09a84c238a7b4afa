"""An organization: its public face, its plan and its settings."""

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib.models.table import PUBLIC, TENANT, BytesAttribute, JsonAttribute, Key, Record


class Slug(Record):
    """The name in the login link, and whose it is. Everything else starts from the tenant."""

    KEY = Key("PLATFORM#SLUG#{slug}", "TENANT")

    slug = UnicodeAttribute()
    claim = UnicodeAttribute(null=True)  # digest of the sign-up that took it: its repeat is the same sign-up


class Tenant(Record):
    """What any signed-in person may know of the organization. Edited whole: `version` guards it.

    status:  trial ── time, or an operator ──▶ suspended ◀── operator ──▶ active

    With `confirm_by` it waits for its first administrator: due then, and gone if nobody came.
    """

    KEY = Key(PUBLIC, "TENANT")

    slug = UnicodeAttribute()
    name = UnicodeAttribute()
    zone = UnicodeAttribute()
    country = UnicodeAttribute()
    phone = UnicodeAttribute()
    address = UnicodeAttribute(null=True)
    plan = UnicodeAttribute()
    status = UnicodeAttribute()
    trial_ends_at = UnicodeAttribute(null=True)
    confirm_by = UnicodeAttribute(null=True)
    brand_hue = NumberAttribute()
    brand_chroma = NumberAttribute()
    brand_hex = UnicodeAttribute(null=True)  # as it was picked
    logo = UnicodeAttribute(null=True)  # digest of the Logo that is shown
    limits = JsonAttribute(null=True)  # limits that an operator set for it alone: name → [how many, seconds]
    steps = JsonAttribute(null=True)  # of the first-run checklist: what no record shows
    settings = JsonAttribute()
    created_at = UnicodeAttribute()


class Logo(Record):
    """A picture that was an organization's logo: it stays, so that an address with its digest always opens it."""

    KEY = Key(PUBLIC, "LOGO#{digest}")

    digest = UnicodeAttribute()
    png = BytesAttribute()
    width = NumberAttribute()
    height = NumberAttribute()


class Administrators(Record):
    """How many administrators can sign in: the guard of the last one. Written only when that number changes."""

    KEY = Key(TENANT, "ADMINISTRATORS")

    active = NumberAttribute()


class StaffCard(Record):
    """What clients may know of a staff member: the name and the licence."""

    KEY = Key(PUBLIC, "STAFF#{staff_id}")

    staff_id = UnicodeAttribute()
    name = UnicodeAttribute()
    credentials = UnicodeAttribute(null=True)
