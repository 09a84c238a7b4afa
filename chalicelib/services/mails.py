"""The outbox: what is mailed, composed only when it is sent, and claimed before it is sent (DESIGN.md, Outbox).

    queued ─ on_mail claims ─▶ sending ─ SES accepts ─▶ sent
       ▲                          ├ SES refuses for good ▶ failed
       └── due again, 2 minutes ──┘ (the worker died, or SES's answer was lost: then it is sent again)

Everything else is exactly once; a mail whose answer from SES was lost may arrive twice, which is better than never.
"""

import html
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from chalicelib import clock, ids
from chalicelib.adapters import keys, mail, queues
from chalicelib.adapters import secrets as stage_secrets
from chalicelib.config import settings
from chalicelib.errors import PortalError
from chalicelib.models.clients import Client
from chalicelib.models.invites import Invite
from chalicelib.models.mails import ClientMail, SentMessage, StaffMail
from chalicelib.models.staff import Staff
from chalicelib.models.table import at_keys, due_key, load
from chalicelib.models.tenants import Tenant
from chalicelib.models.transaction import Transaction, change
from chalicelib.observability import logger, where
from chalicelib.services import tenants

SWEEP = timedelta(seconds=60)
CLAIM = timedelta(minutes=2)
ATTEMPTS = 20
LEAST_MINUTES = 5  # what an account alone takes
INVITATION, PACKET_COMPLETED, RENEWAL_ASKED = "invitation", "packet_completed", "renewal_asked"

# SES says so when trying again is of no use.
_FOR_GOOD = {
    "MessageRejected",
    "BadRequestException",
    "MailFromDomainNotVerifiedException",
    "AccountSuspendedException",
}


class Letter(NamedTuple):
    """A mail ready to be sent."""

    to: str
    sender_name: str
    subject: str
    text: str
    html: str


class AlreadyClaimed(PortalError):
    """Another worker has this mail."""


# ---- into the outbox ----


def to_client(context_now: datetime, tenant_id: str, client_id: str, template: str, **about: Any) -> ClientMail:
    """A mail to a client, for the transaction that causes it."""
    record = ClientMail.new(
        tenant_id=tenant_id,
        client_id=client_id,
        mail_id=ids.new_id(context_now),
        template=template,
        ids=about,
        status="queued",
        attempts=0,
    )
    return record.due(context_now + SWEEP)


def to_staff(at: datetime, tenant_id: str, staff_id: str, template: str, cause: str) -> StaffMail:
    """A mail to a staff member; one for each cause."""
    record = StaffMail.new(
        tenant_id=tenant_id,
        staff_id=staff_id,
        mail_id=ids.derived_id(template, cause, staff_id, at=at),
        template=template,
        ids={},
        status="queued",
        attempts=0,
    )
    return record.due(at + SWEEP)


def hand_over(*records: ClientMail | StaffMail) -> None:
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
    if not isinstance(record, ClientMail | StaffMail) or record.status in ("sent", "failed", "dropped"):
        return
    now = clock.now()
    try:
        _claim(record, now)
    except AlreadyClaimed:
        return
    letter = _compose(record)
    if letter is None:
        _settle(record, "dropped")
        return
    message_id = _send(record, letter)
    if message_id is not None:
        _sent(record, message_id, now)


def _claim(record: ClientMail | StaffMail, now: datetime) -> None:
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


def _send(record: ClientMail | StaffMail, letter: Letter) -> str | None:
    from botocore.exceptions import ClientError

    try:
        return mail.send(
            to=letter.to,
            sender_name=letter.sender_name,
            subject=letter.subject,
            text=letter.text,
            html=letter.html,
            reference=record.mail_id,
        )
    except ClientError as error:
        if error.response["Error"]["Code"] not in _FOR_GOOD and record.attempts < ATTEMPTS:
            change(record, type(record).status.set("queued"))
            raise
        _settle(record, "failed")
        _tell_invite(record, "failed")
        return None


def _sent(record: ClientMail | StaffMail, message_id: str, now: datetime) -> None:
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


def _settle(record: ClientMail | StaffMail, status: str) -> None:
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


def _tell_invite(record: ClientMail | StaffMail, delivery: str) -> None:
    if not isinstance(record, ClientMail) or record.template != INVITATION:
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


# ---- the texts ----

_MESSAGE = """Hello {client_first_name},

{organization} invites you to its Client Portal. There you can fill in your first forms in your own time and in private.

{link}

It takes about {minutes} minutes. You can stop at any time and go on later; what you have written is kept.

{organization}"""
_NEUTRAL_MESSAGE = """Hello {client_first_name},

there is something for you to fill in, in your own time and in private.

{link}

You can stop at any time and go on later; what you have written is kept."""


def usual_words(neutral: bool) -> tuple[str, str]:
    """Subject and message of an invitation whose sender changes nothing; `neutral` as the organization chose."""
    if neutral:
        return "An invitation for you", _NEUTRAL_MESSAGE
    return "{organization} has invited you to join the Client Portal", _MESSAGE


def invitation_token(invite: Invite) -> str:
    """The secret of an invitation's link, derived again when it is mailed; only its digest is stored."""
    parts = (invite.tenant_id, invite.client_id, invite.invite_id, str(invite.generation))
    return f"{parts[0]}.{parts[1]}.{parts[2]}.{stage_secrets.token('invite', *parts)}"


def _compose(record: ClientMail | StaffMail) -> Letter | None:
    tenant = tenants.get(record.tenant_id)
    if tenant is None:
        return None
    if isinstance(record, StaffMail):
        return _to_staff(record, tenant)
    return _invitation(record, tenant)


def _invitation(record: ClientMail, tenant: Tenant) -> Letter | None:
    about = {"tenant_id": record.tenant_id, "client_id": record.client_id}
    client, invite = load((Client, about), (Invite, {**about, "invite_id": record.ids["invite_id"]}))
    wanted = (
        client is not None
        and invite is not None
        and invite.status == "waiting"
        and invite.mail_id == record.mail_id
        and clock.text(clock.now()) < invite.ends_at
    )
    if not wanted:
        return None
    words = keys.decrypt(record.tenant_id, invite.letter, f"invite|{invite.invite_id}")
    link = f"{settings.portal_origin}/join#{invitation_token(invite)}"
    minutes = sum(form["minutes"] for form in invite.forms)
    usual = usual_words(words.get("neutral", False))
    written = (words.get("subject", usual[0]), words.get("message", usual[1]))
    return invitation_letter(tenant, client, invite.email, *written, link, minutes)


def invitation_letter(
    tenant: Tenant, client: Client, to: str, subject: str, message: str, link: str, minutes: int
) -> Letter:
    """An invitation as it is mailed; the preview shows exactly this with a stand-in for the link."""
    from chalicelib.services.clients import first_name

    def filled(text: str) -> str:
        # One pass: what a value itself contains is never filled in again.
        values = {
            "{client_first_name}": first_name(client),
            "{organization}": tenant.name,
            "{link}": link,
            "{minutes}": str(max(minutes, LEAST_MINUTES)),
        }
        parts = [text]
        for name, value in values.items():
            parts = [piece for part in parts for piece in _split(part, name, value)]
        return "".join(parts)

    body = filled(message if "{link}" in message else f"{message.rstrip()}\n\n{{link}}")
    closing = (
        "This link works once, for 72 hours. If you did not expect this mail, you can ignore it.\n"
        "Please do not answer this mail: nobody reads it."
    )
    text = f"{body.rstrip()}\n\n--\n{closing}\n"
    return Letter(to, tenants.sender_name(tenant), filled(subject), text, _page(body, closing, link, "Open the portal"))


def _split(part: str, name: str, value: str) -> list[str]:
    if isinstance(part, _Done):
        return [part]
    pieces = part.split(name)
    woven: list[str] = []
    for index, piece in enumerate(pieces):
        if index:
            woven.append(_Done(value))
        woven.append(piece)
    return woven


class _Done(str):
    """A value that has been filled in: no placeholder is looked for in it."""

    __slots__ = ()


def _to_staff(record: StaffMail, tenant: Tenant) -> Letter | None:
    who = Staff.find(tenant_id=record.tenant_id, staff_id=record.staff_id)
    if who is None or who.status != "active":
        return None
    lines = {
        PACKET_COMPLETED: "Forms that were sent out are finished and waiting for you in the portal.",
        RENEWAL_ASKED: "Someone asked for a new invitation link. You can send it from the portal.",
    }
    link = f"{tenants.login_url(tenant)}/staff"
    body = f"Hello {who.name.split()[0]},\n\n{lines[record.template]}\n\n{link}"
    closing = "For privacy this mail says no more. Please do not answer it: nobody reads it."
    text = f"{body}\n\n--\n{closing}\n"
    page = _page(body, closing, link, "Sign in")
    return Letter(who.email, tenants.sender_name(tenant), "Something new in the portal", text, page)


def _page(body: str, closing: str, link: str, button: str) -> str:
    """The same words as HTML: escaped, the link as a button, nothing loaded from anywhere."""
    paragraphs = []
    for part in body.split("\n\n"):
        if part.strip() == link:
            paragraphs.append(
                f'<p style="margin:24px 0"><a href="{html.escape(link)}" style="background:#0b6b5d;color:#ffffff;'
                f'padding:14px 22px;border-radius:8px;text-decoration:none;font-weight:600">{button}</a></p>'
            )
        elif part.strip():
            inner = "<br>".join(html.escape(line) for line in part.strip().split("\n"))
            inner = inner.replace(html.escape(link), f'<a href="{html.escape(link)}">{html.escape(link)}</a>')
            paragraphs.append(f'<p style="margin:0 0 16px">{inner}</p>')
    small = "<br>".join(html.escape(line) for line in closing.split("\n"))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title></title></head>'
        '<body style="margin:0;padding:24px;background:#f7f5f0;color:#1c2530;'
        'font:17px/1.5 -apple-system,Segoe UI,Roboto,Helvetica,Arial,sans-serif">'
        '<div style="max-width:36rem;margin:0 auto;background:#ffffff;border-radius:16px;padding:28px">'
        f"{''.join(paragraphs)}"
        f'<p style="margin:24px 0 0;color:#566270;font-size:14px">{small}</p></div></body></html>\n'
    )
