"""What mails say: one composer a template, run only when the mail is sent (mails.py is the outbox).

No clinical word, no form's answer, nothing that a person wrote but what its sender chose to write (DOMAIN.md 8).
A composer answers None when the mail is not wanted any more: an invitation that was taken back, a link that was used.
"""

import html
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from chalicelib import clock
from chalicelib.adapters import keys
from chalicelib.adapters import secrets as stage_secrets
from chalicelib.config import settings
from chalicelib.models.clients import Client
from chalicelib.models.invites import Invite
from chalicelib.models.mails import ClientMail, StaffMail
from chalicelib.models.staff import Staff
from chalicelib.models.table import load
from chalicelib.models.tenants import Tenant
from chalicelib.services import tenants

LEAST_MINUTES = 5  # what an account alone takes
INVITATION, PACKET_COMPLETED, RENEWAL_ASKED = "invitation", "packet_completed", "renewal_asked"


class Letter(NamedTuple):
    """A mail ready to be sent."""

    to: str
    sender_name: str
    subject: str
    text: str
    html: str
    calendar: tuple[str, str] | None = None  # the method and the text of an iCalendar object that goes along


def compose(record: ClientMail | StaffMail) -> Letter | None:
    """The mail that a record of the outbox stands for, or None if nobody wants it any more."""
    from chalicelib.services import appointment_letters  # it is made of what stands here

    tenant = tenants.get(record.tenant_id)
    composers = {**COMPOSERS, **appointment_letters.COMPOSERS}
    return composers[record.template](record, tenant) if tenant is not None else None


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
    return letter(tenant, to, filled(subject), body, closing, link, "Open the portal")


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


def notice(line: str) -> Callable[[Any, Tenant], Letter | None]:
    """The composer of a mail that tells a staff member to look into the portal, and no more."""

    def composed(record: StaffMail, tenant: Tenant) -> Letter | None:
        who = Staff.find(tenant_id=record.tenant_id, staff_id=record.staff_id)
        if who is None or who.status != "active":
            return None
        link = f"{tenants.login_url(tenant)}/staff"
        body = f"Hello {who.name.split()[0]},\n\n{line}\n\n{link}"
        closing = "For privacy this mail says no more. Please do not answer it: nobody reads it."
        return letter(tenant, who.email, "Something new in the portal", body, closing, link, "Sign in")

    return composed


def letter(tenant: Tenant, to: str, subject: str, body: str, closing: str, link: str, button: str) -> Letter:
    """A mail whose only link stands alone in a paragraph of `body`: as text, and as HTML with a button."""
    text = f"{body.rstrip()}\n\n--\n{closing}\n"
    return Letter(to, tenants.sender_name(tenant), subject, text, _page(body, closing, link, button))


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


COMPOSERS: Mapping[str, Callable[[Any, Tenant], Letter | None]] = {
    INVITATION: _invitation,
    PACKET_COMPLETED: notice("Forms that were sent out are finished and waiting for you in the portal."),
    RENEWAL_ASKED: notice("Someone asked for a new invitation link. You can send it from the portal."),
}
