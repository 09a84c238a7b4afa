"""Files on their way in."""

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib.models.table import CLIENT, BytesAttribute, Key, Record


class Upload(Record):
    """A file that somebody sends about a client; only a clean one can become part of the record.

    waiting ── finish ──▶ checking ──▶ clean ── filed, attached ──▶ used
       │                     └───────▶ refused (reason)
       └── 24 hours ────▶ ended, its bytes removed, unless it is used; due until then, and, signed on
                            paper, until its bytes are locked
    """

    KEY = Key(CLIENT, "UPLOAD#{upload_id}")

    client_id = UnicodeAttribute()
    upload_id = UnicodeAttribute()
    purpose = UnicodeAttribute()
    about = BytesAttribute()  # encrypted: its name, and what the purpose needs to know
    status = UnicodeAttribute()
    reason = UnicodeAttribute(null=True)  # a code of filetypes.Refused, infected, unchecked
    stated_size = NumberAttribute()
    uploaded_by = UnicodeAttribute()
    uploaded_by_kind = UnicodeAttribute()  # staff, client
    uploaded_by_name = UnicodeAttribute()
    created_at = UnicodeAttribute()
    quarantined = UnicodeAttribute(null=True)  # the version that was checked: what is posted later is another one
    object_key = UnicodeAttribute(null=True)
    object_version = UnicodeAttribute(null=True)
    file_type = UnicodeAttribute(null=True)
    sha256 = UnicodeAttribute(null=True)
    size = NumberAttribute(null=True)
