"""What an organization subscribed to, change by change: the bill is computed from these and from nothing else."""

from pynamodb.attributes import UnicodeAttribute

from chalicelib.models.table import TENANT, Key, Record


class SubscriptionChange(Record):
    """From then on the organization's plan or standing, or one person's seat, is so. Never changed, never removed."""

    KEY = Key(TENANT + "#SUBSCRIPTION", "{change_id}")

    change_id = UnicodeAttribute()
    happened_at = UnicodeAttribute()
    what = UnicodeAttribute()  # plan, standing, seat
    value = UnicodeAttribute()  # the plan; the standing; on or off
    until = UnicodeAttribute(null=True)  # of a trial
    staff_id = UnicodeAttribute(null=True)  # of a seat
    by = UnicodeAttribute()  # staff id, or "operator", or "sign_up"
