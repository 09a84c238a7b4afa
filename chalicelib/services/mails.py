"""The outbox: what is mailed, composed (letters.py) only when it is sent, and claimed before that (DESIGN.md, Outbox).

    queued ─ on_mail claims ─▶ sending ─ SES accepts ─▶ sent ── SES tells: delivered, bounced, complained (`news`)
       ▲                          ├ SES refuses for good ▶ failed
       └── due again, 2 minutes ──┘ (the worker died, or SES's answer was lost: then it is sent again)

Everything else is exactly once; a mail whose answer from SES was lost may arrive twice, which is better than never.
"""

from datetime import datetime, timedelta
from typing import Any

from chalicelib import clock, ids
from chalicelib.adapters import mail, queues
from chalicelib.context import Actor, Context, Persona
from chalicelib.errors import PortalError
from chalicelib.models.accounts import Link
from chalicelib.models.clients import Client
from chalicelib.models.invites import Invite
from chalicelib.models.mails import AccountMail, ClientMail, Mail, SentMessage, StaffMail
from chalicelib.models.staff import Staff
from chalicelib.models.suppressions import Suppression
from chalicelib.models.table import Page, at_keys
from chalicelib.models.transaction import Transaction, change
from chalicelib.observability import logger, where
from chalicelib.services import accounts, audits, letters, links, suppressions

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
    at: datetime,
    tenant_id: str,
    client_id: str,
    template: str,
    cause: str | None = None,
    *,
    hold: int = 0,
    **about: Any,
) -> ClientMail:
    """A mail to a client, for the transaction that causes it; one for each cause, where there is one that may come
    twice. It waits for `hold` seconds and can be taken back."""
    ready = at + timedelta(seconds=hold)
    record = ClientMail.new(
        tenant_id=tenant_id,
        client_id=client_id,
        mail_id=ids.derived_id(template, cause, client_id, at=at) if cause else ids.new_id(at),
        template=template,
        ids=about,
        status="queued",
        attempts=0,
        created_at=clock.text(at),
        held_until=clock.text(ready) if hold else None,
        delivery="queued",
    )
    return record.due(ready + SWEEP)


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
            queues.mail(record.pk, record.sk, _still_held(record))
        except Exception as error:
            logger.warning("mail_not_queued", error=where(error))


def _still_held(record: Mail) -> int:
    """For how many seconds a mail can still be taken back."""
    return clock.seconds_until(record.held_until) if isinstance(record, ClientMail) else 0


def take_back(tx: Transaction, tenant_id: str, client_id: str, mail_id: str, otherwise: PortalError) -> None:
    """Within a transaction: a mail that no worker has in its hands is never sent."""
    place = ClientMail.at(tenant_id=tenant_id, client_id=client_id, mail_id=mail_id)
    tx.update(
        place,
        ClientMail.status.set("dropped"),
        ClientMail.delivery.set("cancelled"),
        *place.due_next(None),
        when=ClientMail.status == "queued",
        otherwise=otherwise,
    )


def of_client(context: Context, limit: int, cursor: str | None) -> Page:
    """The mails to a client, newest first."""
    about: dict[str, Any] = {"tenant_id": context.tenant_id, "client_id": context.client_id}
    return ClientMail.page(ClientMail.KEY, limit=limit, cursor=cursor, **about)


# ---- out of the outbox ----


def deliver(pk: str, sk: str) -> None:
    """Send one mail of the outbox, unless it is sent, taken back, or in another worker's hands.

    Raises when it may succeed later; the queue brings it again.
    """
    record = next(iter(at_keys([(pk, sk)], consistent=True)), None)
    if not isinstance(record, Mail) or record.status in ("sent", "failed", "dropped"):
        return
    if wait := _still_held(record):
        queues.mail(pk, sk, wait)
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
    if isinstance(record, ClientMail):
        record.email_digest = accounts.email_digest(record.tenant_id, letter.to)
        if suppressions.of(record.tenant_id, letter.to):
            _fail(record, "suppressed")
            return
    if record.template == letters.SIGN_UP and suppressions.of(record.tenant_id, letter.to):
        _settle(record, "failed")  # anyone can type an address there, of whoever wants no more mail from us, too
        return
    message_id = _send(record, letter)
    if message_id is not None:
        _sent(record, message_id, now)


def _claim(record: Mail, now: datetime) -> None:
    kind = type(record)
    stale = clock.text(now - CLAIM)
    change(
        record,
        kind.status.set("sending"),
        kind.claimed_at.set(clock.text(now)),
        kind.attempts.add(1),
        *record.due_next(now + CLAIM),
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
        _fail(record, "bounced" if _is_of_the_address(error) else "failed")
        return None


def _is_of_the_address(error: Any) -> bool:
    """Whether SES refuses because the address is on a suppression list of the account, not for a reason of ours."""
    told = error.response["Error"]
    return told["Code"] == "MessageRejected" and "suppress" in str(told.get("Message", "")).lower()


def _sent(record: Mail, message_id: str, now: datetime) -> None:
    kind = type(record)
    known = SentMessage.new(
        tenant_id=record.tenant_id,
        message_id=message_id,
        mail_pk=record.pk,
        mail_sk=record.sk,
        expires_at=int((now + timedelta(days=30)).timestamp()),
    )
    actions = [
        kind.status.set("sent"),
        kind.sent_at.set(clock.text(now)),
        kind.message_id.set(message_id),
        *record.due_next(None),
    ]
    if isinstance(record, ClientMail):
        _note(record, "sent", now, *actions, ClientMail.email_digest.set(record.email_digest), known=known)
        return
    with Transaction() as tx:
        tx.put(known)
        tx.update(record, *actions)


def _fail(record: Mail, delivery: str) -> None:
    """It will not be sent, and why is told with it."""
    if not isinstance(record, ClientMail):
        _settle(record, "failed")
        return
    kind = type(record)
    _note(record, delivery, clock.now(), kind.status.set("failed"), *record.due_next(None))


def _settle(record: Mail, status: str) -> None:
    change(record, type(record).status.set(status), *record.due_next(None))


def sweep(pk: str, sk: str, now: datetime) -> None:
    """A mail that is due again: queue it, and look again later."""
    records = at_keys([(pk, sk)], consistent=True)
    for record in records:
        if record.status in ("sent", "failed", "dropped"):
            _settle(record, record.status)
            continue
        change(record, *record.due_next(now + SWEEP))
        queues.mail(pk, sk)


# ---- what became of it ----

# The worse the news, the higher. A bounce for now can also be an automatic reply: SES does not tell them apart.
WORSE = {
    "queued": 0, "sent": 1, "delayed": 2, "delivered": 3, "deferred": 4, "failed": 5, "suppressed": 5, "bounced": 6,
    "complained": 7,
}  # fmt: skip
_LISTED = {"bounced": suppressions.BOUNCED, "complained": suppressions.COMPLAINED}


class _Overtaken(PortalError):
    """Other news of this mail came at the same moment: look again."""


def happened(message_id: str, delivery: str) -> None:
    """SES tells what became of a message (one of WORSE), in any order and more than once; the worst news stays.

    A message that is not ours is ignored. What bounced for good, or was complained of, is not written to again.
    """
    known = SentMessage.find(message_id=message_id)
    for record in at_keys([(known.mail_pk, known.mail_sk)], consistent=True) if known else ():
        if isinstance(record, ClientMail):
            _note(record, delivery, clock.now())
        elif isinstance(record, AccountMail) and record.realm == accounts.PORTAL and delivery in _LISTED:
            _note_mailbox(record, delivery, clock.now())


def _note_mailbox(record: AccountMail, delivery: str, at: datetime) -> None:
    """Put an address on the list that no file may hold; told again, nothing changes."""
    reason = _LISTED[delivery]
    listed = Suppression.find(tenant_id=record.tenant_id, email_digest=record.email_digest)
    if listed is not None and listed.reason in (reason, suppressions.COMPLAINED):
        return
    system = Context(record.tenant_id, Actor("system", "mail events"), at, Persona.JOBS)
    with Transaction() as tx:
        suppressions.add(tx, record.tenant_id, record.email_digest, reason, clock.text(at))
        tx.create(audits.event(system, "suppression:add", outcome=reason, mail_id=record.mail_id))


def _note(record: ClientMail, delivery: str, at: datetime, *actions: Any, known: SentMessage | None = None) -> None:
    """Note news of a mail with it (along with `actions`), with the invitation that it is, and on the list of addresses:
    one transaction, once."""
    for _ in range(8):
        (found,) = at_keys([(record.pk, record.sk)], consistent=True)
        if delivery in (found.news or {}) and not actions:
            return
        found.email_digest = found.email_digest or record.email_digest
        try:
            with Transaction() as tx:
                if known is not None:
                    tx.put(known)
                _add_news(tx, found, delivery, clock.text(at), *actions)
                if (invite := _invitation(found)) is not None:
                    _add_news(tx, invite, delivery, clock.text(at))
                _list(tx, found, delivery, at)
        except _Overtaken:
            continue
        return
    raise _Overtaken()


def _add_news(tx: Transaction, each: ClientMail | Invite, delivery: str, at: str, *actions: Any) -> None:
    kind = type(each)
    worst = max(each.delivery or "queued", delivery, key=lambda state: WORSE.get(state, 0))
    seen = kind.news == each.news if each.news else kind.news.does_not_exist()
    if isinstance(each, Invite):
        seen &= Invite.mail_id == each.mail_id
    news = {delivery: at, **(each.news or {})}
    tx.update(each, kind.delivery.set(worst), kind.news.set(news), *actions, when=seen, otherwise=_Overtaken())


def _list(tx: Transaction, record: ClientMail, delivery: str, at: datetime) -> None:
    if delivery not in _LISTED or not record.email_digest:
        return
    suppressions.add(tx, record.tenant_id, record.email_digest, _LISTED[delivery], clock.text(at))
    system = Context(record.tenant_id, Actor("system", "mail events"), at, Persona.JOBS)
    about = {"client_id": record.client_id, "mail_id": record.mail_id}
    tx.create(audits.event(system, "suppression:add", outcome=_LISTED[delivery], **about))


def _invitation(record: ClientMail) -> Invite | None:
    """The invitation that this mail is the latest of."""
    if record.template != letters.INVITATION:
        return None
    invite = Invite.find(tenant_id=record.tenant_id, client_id=record.client_id, invite_id=record.ids["invite_id"])
    return invite if invite is not None and invite.mail_id == record.mail_id else None
