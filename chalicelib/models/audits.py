"""Who did what to whose record."""

from pynamodb.attributes import UnicodeAttribute

from chalicelib.models.table import CLIENT, TENANT, JsonAttribute, Key, Record


class _Event:
    event_id = UnicodeAttribute()
    year_month = UnicodeAttribute()
    happened_at = UnicodeAttribute()
    action = UnicodeAttribute()
    actor = JsonAttribute()  # {kind, id, session}; of a program also created_by
    object = JsonAttribute()  # ids only; a list of them where one answer named many clients
    outcome = UnicodeAttribute()
    request_id = UnicodeAttribute(null=True)
    address = UnicodeAttribute(null=True)  # the viewer's, as CloudFront names it


class ClientAudit(_Event, Record):
    """Something done to a client's record."""

    KEY = Key(CLIENT + "#AUDIT#{year_month}", "{event_id}")

    client_id = UnicodeAttribute()


class TenantAudit(_Event, Record):
    """Something done to the organization itself, or a list of clients that was read; sixteen partitions a month, so
    that none is hot."""

    KEY = Key(TENANT + "#AUDIT#{year_month}#{shard}", "{event_id}")

    shard = UnicodeAttribute()
