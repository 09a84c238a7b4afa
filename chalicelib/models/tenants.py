"""An organization: its public face, its plan and its settings."""

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib.models.table import PUBLIC, JsonAttribute, Key, Record


class Slug(Record):
    """The name in the login link, and whose it is. Everything else starts from the tenant."""

    KEY = Key("PLATFORM#SLUG#{slug}", "TENANT")

    slug = UnicodeAttribute()


class Tenant(Record):
    """What any signed-in person may know of the organization. Edited whole: `version` guards it."""

    KEY = Key(PUBLIC, "TENANT")

    slug = UnicodeAttribute()
    name = UnicodeAttribute()
    zone = UnicodeAttribute()
    country = UnicodeAttribute()
    phone = UnicodeAttribute()
    address = UnicodeAttribute(null=True)
    plan = UnicodeAttribute()
    status = UnicodeAttribute()
    brand_hue = NumberAttribute()
    brand_chroma = NumberAttribute()
    settings = JsonAttribute()
    caps = JsonAttribute(null=True)  # {limit's name: how many}, where the operator raised one for this organization
    created_at = UnicodeAttribute()


class StaffCard(Record):
    """What clients may know of a staff member: the name and the licence."""

    KEY = Key(PUBLIC, "STAFF#{staff_id}")

    staff_id = UnicodeAttribute()
    name = UnicodeAttribute()
    credentials = UnicodeAttribute(null=True)
