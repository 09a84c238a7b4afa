"""The outbox: what is mailed, composed (letters.py) only when it is sent, and claimed before that (DESIGN.md, Outbox).

    queued ─ on_mail claims ─▶ sending ─ SES accepts ─▶ sent
       ▲                          ├ SES refuses for good ▶ failed
       └── due again, 2 minutes ──┘ (the worker died, or SES's answer was lost: then it is sent again)

Everything else is exactly once; a mail whose answer from SES was lost may arrive twice, which is better than never.
"""

from datetime import datetime, timedelta
from typing import Any

from chalicelib import clock, ids
from chalicelib.adapters import mail, queues
from chalicelib.errors import PortalError
from chalicelib.models.accounts import Link
from chalicelib.models.clients import Client
from chalicelib.models.invites import Invite
from chalicelib.models.mails import AccountMail, ClientMail, Mail, SentMessage, StaffMail
from chalicelib.models.staff import Staff
from chalicelib.models.table import at_keys, due_key
from chalicelib.models.transaction import Transaction, change
from chalicelib.observability import logger, where
from chalicelib.services import letters, links

SWEEP = timedelta(seconds=60)
CLAIM = timedelta(minutes=2)
ATTEMPTS = 20

# SES says so when trying again is of no use.
_FOR_GOOD = {
    "MessageRejected",
    "BadRequestException",
    "MailFromDomainNotVerifiedException",
    "AccountSuspendedException",
}


class AlreadyClaimed(PortalError):
    """Another worker has this mail."""


# ---- into the outbox ----


def to_client(
    at: datetime, tenant_id: str, client_id: str, template: str, cause: str | None = None, **about: Any
) -> ClientMail:
    """A mail to a client, for the transaction that causes it; one for each cause, where there is one that may come
    twice."""
    record = ClientMail.new(
        tenant_id=tenant_id,
        client_id=client_id,
        mail_id=ids.derived_id(template, cause, client_id, at=at) if cause else ids.new_id(at),
        template=template,
        ids=about,
        status="queued",
        attempts=0,
    )
    return record.due(at + SWEEP)


def to_staff(
    at: datetime, tenant_id: str, staff_id: str, template: str, cause: str | None = None, **about: Any
) -> StaffMail:
    """A mail to a staff member; one for each cause, where there is one that may come twice."""
    record = StaffMail.new(
        tenant_id=tenant_id,
        staff_id=staff_id,
        mail_id=ids.derived_id(template, cause, staff_id, at=at) if cause else ids.new_id(at),
        template=template,
        ids=about,
        status="queued",
        attempts=0,
    )
    return record.due(at + SWEEP)


def to_person(at: datetime, who: Client | Staff, template: str, **about: Any) -> ClientMail | StaffMail:
    """A mail about their account to a client or a staff member, for the transaction that causes it."""
    if isinstance(who, Client):
        return to_client(at, who.tenant_id, who.client_id, template, **about)
    return to_staff(at, who.tenant_id, who.staff_id, template, **about)


def to_account(at: datetime, link: Link, template: str) -> AccountMail:
    """A link to whoever has an account at its address, if anybody has: whether, only the mailer finds out."""
    record = to_mailbox(at, link.tenant_id, link.email_digest, link.realm, template, links.ids_of(link))
    record.expires_at = link.expires_at
    return record


def to_mailbox(
    at: datetime, tenant_id: str, email_digest: str, realm: str, template: str, about: dict[str, Any]
) -> AccountMail:
    """A mail to an address that nobody's file holds; its composer knows where the address stands."""
    record = AccountMail.new(
        tenant_id=tenant_id,
        email_digest=email_digest,
        realm=realm,
        mail_id=ids.new_id(at),
        template=template,
        ids=about,
        status="queued",
        attempts=0,
    )
    return record.due(at + SWEEP)


def hand_over(*records: Mail) -> None:
    """After the commit: queue what was written. If this fails, the sweep finds it within a minute."""
    for record in records:
        try:
            queues.mail(record.pk, record.sk)
        except Exception as error:
            logger.warning("mail_not_queued", error=where(error))


# ---- out of the outbox ----


def deliver(pk: str, sk: str) -> None:
    """Send one mail of the outbox, unless it is sent, taken back, or in another worker's hands.

    Raises when it may succeed later; the queue brings it again.
    """
    record = next(iter(at_keys([(pk, sk)], consistent=True)), None)
    if not isinstance(record, Mail) or record.status in ("sent", "failed", "dropped"):
        return
    now = clock.now()
    try:
        _claim(record, now)
    except AlreadyClaimed:
        return
    letter = letters.compose(record)
    if letter is None:
        _settle(record, "dropped")
        return
    message_id = _send(record, letter)
    if message_id is not None:
        _sent(record, message_id, now)


def _claim(record: Mail, now: datetime) -> None:
    kind = type(record)
    stale = clock.text(now - CLAIM)
    again = due_key(record.pk, record.sk, record.KIND, now + CLAIM)
    change(
        record,
        kind.status.set("sending"),
        kind.claimed_at.set(clock.text(now)),
        kind.attempts.add(1),
        kind.duepk.set(again[0]),
        kind.duesk.set(again[1]),
        when=(kind.status == "queued") | ((kind.status == "sending") & (kind.claimed_at < stale)),
        otherwise=AlreadyClaimed(),
    )


def _send(record: Mail, letter: letters.Letter) -> str | None:
    from botocore.exceptions import ClientError

    try:
        return mail.send(
            to=letter.to,
            sender_name=letter.sender_name,
            subject=letter.subject,
            text=letter.text,
            html=letter.html,
            reference=record.mail_id,
            calendar=letter.calendar,
        )
    except ClientError as error:
        if error.response["Error"]["Code"] not in _FOR_GOOD and record.attempts < ATTEMPTS:
            change(record, type(record).status.set("queued"))
            raise
        _settle(record, "failed")
        _tell_invite(record, "failed")
        return None


def _sent(record: Mail, message_id: str, now: datetime) -> None:
    kind = type(record)
    known = SentMessage.new(
        tenant_id=record.tenant_id,
        message_id=message_id,
        mail_pk=record.pk,
        mail_sk=record.sk,
        expires_at=int((now + timedelta(days=30)).timestamp()),
    )
    with Transaction() as tx:
        tx.put(known)
        tx.update(
            record,
            kind.status.set("sent"),
            kind.sent_at.set(clock.text(now)),
            kind.message_id.set(message_id),
            kind.duepk.remove(),
            kind.duesk.remove(),
        )
    _tell_invite(record, "sent")


def _settle(record: Mail, status: str) -> None:
    kind = type(record)
    change(record, kind.status.set(status), kind.duepk.remove(), kind.duesk.remove())


def sweep(pk: str, sk: str, now: datetime) -> None:
    """A mail that is due again: queue it, and look again later."""
    records = at_keys([(pk, sk)], consistent=True)
    for record in records:
        if record.status in ("sent", "failed", "dropped"):
            _settle(record, record.status)
            continue
        again = due_key(pk, sk, record.KIND, now + SWEEP)
        change(record, type(record).duepk.set(again[0]), type(record).duesk.set(again[1]))
        queues.mail(pk, sk)


# ---- what became of it ----

_ORDER = {"queued": 0, "sent": 1, "delivered": 2, "bounced": 3, "complained": 4, "failed": 3}


def happened(message_id: str, delivery: str) -> None:
    """SES tells what became of a message (delivered, bounced, complained); in any order, the worst news stays."""
    known = SentMessage.find(message_id=message_id)
    record = next(iter(at_keys([(known.mail_pk, known.mail_sk)])), None) if known else None
    if record is not None:
        _tell_invite(record, delivery)


def _tell_invite(record: Mail, delivery: str) -> None:
    if not isinstance(record, ClientMail) or record.template != letters.INVITATION:
        return
    invite = Invite.find(tenant_id=record.tenant_id, client_id=record.client_id, invite_id=record.ids["invite_id"])
    if invite is None or invite.mail_id != record.mail_id or _ORDER[delivery] <= _ORDER[invite.delivery]:
        return
    try:
        change(
            invite, Invite.delivery.set(delivery), when=Invite.delivery == invite.delivery, otherwise=AlreadyClaimed()
        )
    except AlreadyClaimed:
        _tell_invite(record, delivery)
