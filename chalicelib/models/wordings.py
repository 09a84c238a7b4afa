"""Saved texts of invitations."""

from pynamodb.attributes import UnicodeAttribute

from chalicelib.models.table import TENANT, BytesAttribute, Key, Record


class Wording(Record):
    """A subject and a message under a name. Edited whole: `version` guards it."""

    KEY = Key(TENANT, "WORDING#{wording_id}")

    wording_id = UnicodeAttribute()
    words = BytesAttribute()  # encrypted: name, subject, message
    changed_by_name = UnicodeAttribute()
    changed_at = UnicodeAttribute()


class UsualWording(Record):
    """Which saved text an invitation starts from; none: the portal's own. It stands among them."""

    KEY = Key(TENANT, "WORDING#USUAL")

    wording_id = UnicodeAttribute()
