"""What proves who someone is: accounts, sessions, and the counters that slow guessing."""

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute

from chalicelib.config import settings
from chalicelib.models.connection import client
from chalicelib.models.table import CLIENT, STAFF, TENANT, BytesAttribute, JsonAttribute, Key, Record


class Account(Record):
    """The credential behind one e-mail address of one organization. Its key is the claim: one address, one account.

    `realm` keeps staff and portal people apart; `principals` lists whom the account may be (a client, later contacts).

        (none) ── invite ──▶ invited ── redeem ──▶ active ──▶ ended
    """

    KEY = Key(TENANT + "#EMAIL#{email_digest}", "{realm}")

    email_digest = UnicodeAttribute()
    realm = UnicodeAttribute()  # STAFF or PORTAL
    principals = JsonAttribute()
    status = UnicodeAttribute()
    password_hash = UnicodeAttribute(null=True)
    totp = BytesAttribute(null=True)
    totp_step = NumberAttribute(null=True)
    totp_pending = BytesAttribute(
        null=True
    )  # encrypted: a new authenticator that has not shown a code yet, and its end
    recovery = JsonAttribute(null=True)  # digests of the recovery codes that are left
    created_at = UnicodeAttribute()


class Link(Record):
    """A link that was mailed to prove that its holder reads the mailbox; one of each purpose at a time.

        open ── used once ──▶ used        a newer one of the same purpose takes its place; it ends by time

    The token is derived again by the mailer from `generation`; only its digest is stored.
    """

    KEY = Key(TENANT + "#EMAIL#{email_digest}#LINKS", "{realm}#{purpose}")

    email_digest = UnicodeAttribute()
    realm = UnicodeAttribute()
    purpose = UnicodeAttribute()
    status = UnicodeAttribute()
    generation = NumberAttribute()
    token_digest = UnicodeAttribute()
    ends_at = UnicodeAttribute()
    about = JsonAttribute()  # what using it does: ids, and a new address where there is one


class Attempts(Record):
    """How often something was tried in one window of time."""

    KEY = Key(TENANT + "#ATTEMPTS#{subject_digest}", "{window}")

    subject_digest = UnicodeAttribute()
    window = UnicodeAttribute()
    tries = NumberAttribute()

    @classmethod
    def add(cls, tenant_id: str, subject_digest: str, window: str, *, ends: int, by: int = 1) -> int:
        """Count one more try (`by=-1`: take one back), and how many that makes; the record goes at `ends` (seconds)."""
        pk, sk = cls.KEY.fill({"tenant_id": tenant_id, "subject_digest": subject_digest, "window": window})
        answer = client().update_item(
            TableName=settings.table_name,
            Key={"pk": {"S": pk}, "sk": {"S": sk}},
            UpdateExpression="ADD tries :by SET #k = :kind, tenant_id = :t, expires_at = :e",
            ExpressionAttributeNames={"#k": "kind"},
            ExpressionAttributeValues={
                ":by": {"N": str(by)},
                ":kind": {"S": cls.KIND},
                ":t": {"S": tenant_id},
                ":e": {"N": str(ends)},
            },
            ReturnValues="UPDATED_NEW",
        )
        return int(answer["Attributes"]["tries"]["N"])


class _Session:
    """The attributes of a session; its token is only stored as a digest.

    `era` is its person's at sign-in: once theirs is another, the session opens nothing (Staff.era, Client.era).
    """

    token_digest = UnicodeAttribute()
    session_id = UnicodeAttribute()
    started_at = UnicodeAttribute()
    seen_at = UnicodeAttribute()
    proved_at = UnicodeAttribute()  # when its holder last gave the password
    broken = BooleanAttribute(null=True)  # there was a pause since, long enough for someone else to sit down
    ends_at = UnicodeAttribute()
    bearer = BooleanAttribute()
    device = UnicodeAttribute(null=True)
    method = UnicodeAttribute()
    era = NumberAttribute(null=True)


class StaffSession(_Session, Record):
    """A staff member who is signed in."""

    KEY = Key(STAFF, "SESSION#{token_digest}")

    staff_id = UnicodeAttribute()


class ClientSession(_Session, Record):
    """A client who is signed in."""

    KEY = Key(CLIENT, "SESSION#{token_digest}")

    client_id = UnicodeAttribute()


class _Device:
    """A browser (by the random id in its cookie) or a program (by where it calls from) that signed in here before.

    In the person's partition and not the address's, so that a new e-mail address keeps it.
    """

    device_digest = UnicodeAttribute()
    first_seen_at = UnicodeAttribute()
    trusted_until = UnicodeAttribute(null=True)  # staff: until then the password alone signs in, in the same era
    era = NumberAttribute(null=True)


class StaffDevice(_Device, Record):
    """A device of a staff member."""

    KEY = Key(STAFF, "DEVICE#{device_digest}")

    staff_id = UnicodeAttribute()


class ClientDevice(_Device, Record):
    """A device of a client."""

    KEY = Key(CLIENT, "DEVICE#{device_digest}")

    client_id = UnicodeAttribute()
