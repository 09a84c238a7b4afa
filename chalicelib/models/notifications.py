"""What a staff member is told in the app."""

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute

from chalicelib.models.table import STAFF, JsonAttribute, Key, Record


class Notification(Record):
    """One thing that happened; its id is derived from its cause, so it exists once."""

    KEY = Key(STAFF, "NOTIFICATION#{notification_id}")

    staff_id = UnicodeAttribute()
    notification_id = UnicodeAttribute()
    about = UnicodeAttribute()  # services.notifications says of what
    about = UnicodeAttribute()  # packet_completed, invitation_renewal_asked, document_added, sign_up_waiting, …
    client_id = UnicodeAttribute(null=True)  # a sign-up is about nobody's file
    intake_id = UnicodeAttribute(null=True)
    thread_id = UnicodeAttribute(null=True)
    worrying = BooleanAttribute()
    payment_id = UnicodeAttribute(null=True)
    amount = NumberAttribute(null=True)  # minor units
    currency = UnicodeAttribute(null=True)
    happened_at = UnicodeAttribute()
    read = BooleanAttribute()


class MailChoices(Record):
    """Which mails about what happened a staff member does without; the notices in the app come all the same."""

    KEY = Key(STAFF, "MAIL_CHOICES")

    staff_id = UnicodeAttribute()
    muted = JsonAttribute()  # kinds of notification


class Preferences(Record):
    """What a staff member wants mailed; what is told in the app is not a matter of taste."""

    KEY = Key(STAFF, "PREFERENCES")

    staff_id = UnicodeAttribute()
    message_mail = BooleanAttribute()
