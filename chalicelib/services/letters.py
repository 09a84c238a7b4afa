"""What mails say: one composer a template, run only when the mail is sent (mails.py is the outbox).

No clinical word, no form's answer, nothing that a person wrote but what its sender chose to write (DOMAIN.md 8).
A composer answers None when the mail is not wanted any more: an invitation that was taken back, a link that was used.
"""

import html
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from chalicelib import clock
from chalicelib.adapters import keys
from chalicelib.adapters import secrets as stage_secrets
from chalicelib.config import settings
from chalicelib.models.accounts import Account, Link
from chalicelib.models.clients import Client
from chalicelib.models.intakes import Intake
from chalicelib.models.invites import Invite
from chalicelib.models.mails import AccountMail, ClientMail, Mail, StaffMail
from chalicelib.models.staff import Staff
from chalicelib.models.table import load
from chalicelib.models.tenants import Tenant
from chalicelib.services import links, tenants

LEAST_MINUTES = 5  # what an account alone takes
INVITATION, PACKET_COMPLETED, RENEWAL_ASKED = "invitation", "packet_completed", "renewal_asked"
PASSWORD_RESET, PASSWORD_CHANGED, NEW_DEVICE = "password_reset", "password_changed", "new_device"
EMAIL_CHANGE, EMAIL_CHANGED = "email_change", "email_changed"
SIGN_UP, SIGN_UP_WAITING, SIGN_UP_ACCEPTED = "sign_up", "sign_up_waiting", "sign_up_accepted"
SIGN_UP_KNOWN, SIGN_UP_REJECTED = "sign_up_known", "sign_up_rejected"
RECOVERY_CODE_USED, SECOND_FACTOR_CHANGED = "recovery_code_used", "second_factor_changed"
STAFF_INVITATION, SECOND_FACTOR = "staff_invitation", "second_factor"
FORMS_SENT, FORMS_WAITING = "forms_sent", "forms_waiting"
LOGIN_LINK = "login_link"
MESSAGE_WAITING, THREAD_OPENED = "message_waiting", "thread_opened"


class Letter(NamedTuple):
    """A mail ready to be sent."""

    to: str
    sender_name: str
    subject: str
    text: str
    html: str
    calendar: tuple[str, str] | None = None  # the method and the text of an iCalendar object that goes along


def compose(record: Mail) -> Letter | None:
    """The mail that a record of the outbox stands for, or None if nobody wants it any more."""
    from chalicelib.services import appointment_letters, payment_letters  # they are made of what stands here

    tenant = tenants.get(record.tenant_id)
    composers = {**COMPOSERS, **appointment_letters.COMPOSERS, **payment_letters.COMPOSERS}
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
    shown = filled(subject.replace("{link}", ""))  # a subject is seen on locked screens: never a secret in it
    return letter(tenant, to, shown, body, closing, link, "Open the portal")


def _login_link(record: ClientMail, tenant: Tenant) -> Letter | None:
    """The sign-in page for a client who forgot where it is; no secret is in it (DOMAIN.md 3.8)."""
    from chalicelib.services.clients import first_name

    client = Client.find(tenant_id=record.tenant_id, client_id=record.client_id)
    if client is None or client.portal != "active" or not client.email:
        return None
    neutral = bool(tenants.setting(tenant, "neutral_mail"))
    whose = "your" if neutral else f"{tenant.name}’s"
    link = tenants.login_url(tenant)
    body = (
        f"Hello {first_name(client)},\n\nyou asked where to sign in. This is {whose} sign-in page:\n\n{link}\n\n"
        "Sign in with this e-mail address and your password. On that page you can also choose a new password."
    )
    closing = (
        "This link is the same for everyone and holds no secret. If you did not ask for it, you can ignore this mail.\n"
        "Please do not answer this mail: nobody reads it."
    )
    subject = "Where to sign in" if neutral else f"Where to sign in: {tenant.name}"
    return letter(tenant, client.email, subject, body, closing, link, "Sign in")


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


def _message_waiting(record: ClientMail | StaffMail, tenant: Tenant) -> Letter | None:
    """Something is unread (DOMAIN.md 6.3): not what, nor of whom; unwanted once it was read."""
    from chalicelib.services import mailboxes
    from chalicelib.services.clients import first_name

    who = _person(record)
    if who is None or not who.email or who.status != "active" or not mailboxes.is_waiting(record):
        return None
    if isinstance(who, Client) and who.portal != "active":
        return None
    named = first_name(who) if isinstance(who, Client) else who.name.split()[0]
    place = "" if tenants.setting(tenant, "neutral_mail") else f" in the portal of {tenant.name}"
    link = _door(who, tenant)
    body = f"Hello {named},\n\nthere is something new for you{place}. Sign in to see it.\n\n{link}"
    closing = "For privacy this mail says no more. Please do not answer it: nobody reads it."
    return letter(tenant, str(who.email), "There is something new for you", body, closing, link, "Sign in")


# ---- signing up ----

_NOBODY_READS = "Please do not answer this mail: nobody reads it."
_FORGOT = "If you forgot your password, choose \u201cI forgot my password\u201d there."


def _sign_up(record: AccountMail, tenant: Tenant) -> Letter | None:
    """To the mailbox that was typed: the link that proves it, or, where an account is open, the way in. Nothing that
    was typed stands in it: whoever typed the address may be a stranger to it."""
    from chalicelib.services import signups

    link = links.of(record.tenant_id, record.ids)
    if link is None:
        return None
    to = signups.typed_with(link)["email"]
    account = Account.find(tenant_id=record.tenant_id, email_digest=record.email_digest, realm=record.realm)
    if account is not None and account.status == "active":
        asked = "Hello,\n\nsomeone signed up with this e-mail address."
        return _already(tenant, to, f"{asked} There is an account for it already, so nothing was changed.")
    address = f"{settings.portal_origin}/sign-up#{links.token(link)}"
    body = (
        f"Hello,\n\nsomeone signed up with this e-mail address. If that was you, go on here:\n\n{address}\n\n"
        "If it was not you, do nothing: nothing comes of it."
    )
    closing = f"This link works once, for 24 hours. {_NOBODY_READS}"
    return letter(tenant, to, "Confirm your e-mail address", body, closing, address, "Go on")


def _already(tenant: Tenant, to: str, lead: str) -> Letter:
    door = tenants.login_url(tenant)
    body = f"{lead} Sign in here:\n\n{door}\n\n{_FORGOT} If it was not you, there is nothing to do."
    return letter(tenant, to, "You already have an account", body, _NOBODY_READS, door, "Go to the sign-in page")


def _sign_up_known(record: ClientMail, tenant: Tenant) -> Letter | None:
    """To the address on a file whose portal is open."""
    who = Client.find(tenant_id=record.tenant_id, client_id=record.client_id)
    if who is None or not who.email or who.portal != "active":
        return None
    lead = f"Hello {_first_name(who)},\n\nsomeone signed up under your name. You have an account already."
    return _already(tenant, str(who.email), lead)


def _sign_up_rejected(record: AccountMail, tenant: Tenant) -> Letter | None:
    """A no that names no reason, nor the practice where it chose to be discreet."""
    from chalicelib.models.signups import Signup
    from chalicelib.services import signups

    signup = Signup.find(tenant_id=record.tenant_id, signup_id=record.ids["signup_id"])
    if signup is None or signup.status != "rejected":
        return None
    door = tenants.login_url(tenant)
    body = (
        "Hello,\n\nthank you for signing up. An account could not be opened for you this time. If you would like to "
        f"talk about it, call {tenant.phone}, or see here how to reach us:\n\n{door}"
    )
    to = signups.typed_by(signup)["email"]
    return letter(tenant, to, "About your sign-up", body, _NOBODY_READS, door, "Open the page")


# ---- about the account ----


def _first_name(who: Client | Staff) -> str:
    from chalicelib.services.clients import first_name

    return first_name(who) if isinstance(who, Client) else str(who.name).split()[0]


def _door(who: Client | Staff, tenant: Tenant) -> str:
    """The sign-in page of this kind of person."""
    return tenants.login_url(tenant) if isinstance(who, Client) else f"{tenants.login_url(tenant)}/staff"


def _person(record: ClientMail | StaffMail) -> Client | Staff | None:
    if isinstance(record, ClientMail):
        return Client.find(tenant_id=record.tenant_id, client_id=record.client_id)
    return Staff.find(tenant_id=record.tenant_id, staff_id=record.staff_id)


def _told(subject: str, *lines: str) -> Callable[[Any, Tenant], Letter | None]:
    """The composer of a mail that tells the holder of an account what was done with it, and what to do about it.

    `{when}` and `{device}` are filled from what the outbox notes. It goes to the address of now.
    """

    def composed(record: ClientMail | StaffMail, tenant: Tenant) -> Letter | None:
        who = _person(record)
        if who is None or not who.email:
            return None
        return _about_account(
            who, tenant, str(who.email), subject, [_filled_in(line, record, tenant) for line in lines]
        )

    return composed


def _to_client(subject: str, line: str) -> Callable[[Any, Tenant], Letter | None]:
    """The composer of a mail that tells a client to look into the portal, and no more; unwanted once nothing waits."""

    def composed(record: ClientMail, tenant: Tenant) -> Letter | None:
        about = {"tenant_id": record.tenant_id, "client_id": record.client_id}
        client, intake = load((Client, about), (Intake, {**about, "intake_id": record.ids["intake_id"]}))
        if client is None or client.status != "active" or client.portal != "active" or not client.email:
            return None
        if intake is None or intake.status != "open":
            return None
        from chalicelib.services.clients import first_name

        place = "" if tenants.setting(tenant, "neutral_mail") else f" in the portal of {tenant.name}"
        link = tenants.login_url(tenant)
        body = f"Hello {first_name(client)},\n\n{line.format(place=place)} Sign in to see it.\n\n{link}"
        closing = "For privacy this mail says no more. Please do not answer it: nobody reads it."
        return letter(tenant, client.email, subject, body, closing, link, "Sign in")

    return composed


def _to_colleague(subject: str, words: str, closing: str, button: str) -> Callable[[Any, Tenant], Letter | None]:
    """The composer of a mail whose link lets a staff member prove who reads the mailbox."""

    def composed(record: StaffMail, tenant: Tenant) -> Letter | None:
        link = links.of(record.tenant_id, record.ids)
        who = Staff.find(tenant_id=record.tenant_id, staff_id=record.staff_id)
        if link is None or who is None or who.status == "disabled":
            return None
        address = f"{settings.portal_origin}/join-staff#{links.token(link)}"
        if tenant.confirm_by is not None:
            return _to_a_stranger(tenant, who.email, address)
        body = f"Hello {who.name.split()[0]},\n\n{words.replace('{organization}', tenant.name)}\n\n{address}"
        return letter(tenant, who.email, subject.replace("{organization}", tenant.name), body, closing, address, button)

    return composed


def _to_a_stranger(tenant: Tenant, to: str, address: str) -> Letter:
    """To the mailbox with which somebody opened an organization that nobody has confirmed. Nothing that was typed
    stands in it, not even as its sender: whoever typed the address may be a stranger to it."""
    body = (
        "Hello,\n\nsomeone opened the Client Portal of a practice with this e-mail address. If that was you, go on "
        "here: choose a password and set up an authenticator app on your phone. It takes about three minutes.\n\n"
        f"{address}\n\nIf it was not you, do nothing: nothing comes of it."
    )
    made = letter(tenant, to, "Confirm your e-mail address", body, _ONCE, address, "Go on")
    return made._replace(sender_name="Client Portal")


def _filled_in(line: str, record: ClientMail | StaffMail, tenant: Tenant) -> str:
    if "{when}" not in line:
        return line
    at = clock.parse(record.ids["happened_at"]).astimezone(ZoneInfo(tenant.zone))
    when = f"{at:%B} {at.day}, {at.year} at {at.hour % 12 or 12}:{at:%M %p} ({tenant.zone.replace('_', ' ')})"
    return line.replace("{when}", when).replace("{device}", record.ids["device"])


def _about_account(who: Client | Staff, tenant: Tenant, to: str, subject: str, lines: list[str]) -> Letter:
    link = _door(who, tenant)
    body = "\n\n".join([f"Hello {_first_name(who)},", *lines, link])
    closing = "For privacy this mail says no more. Please do not answer it: nobody reads it."
    return letter(tenant, to, subject, body, closing, link, "Go to the sign-in page")


def _password_reset(record: AccountMail, tenant: Tenant) -> Letter | None:
    """Only to somebody who may sign in; whoever never took up an invitation has that to use."""
    from chalicelib.services import sessions

    account = Account.find(tenant_id=record.tenant_id, email_digest=record.email_digest, realm=record.realm)
    link = links.of(record.tenant_id, record.ids)
    if account is None or link is None or account.status != "active":
        return None
    who = sessions.holder(account)
    if who is None or not who.email:
        return None
    address = f"{settings.portal_origin}/reset#{links.token(link)}"
    body = (
        f"Hello {_first_name(who)},\n\nsomeone asked to choose a new password for your account. If that was you, go on "
        f"here:\n\n{address}\n\nIf it was not you, do nothing: your password stays as it is."
    )
    closing = "This link works once, for 30 minutes. Please do not answer this mail: nobody reads it."
    return letter(tenant, who.email, "Choose a new password", body, closing, address, "Choose a new password")


def _email_change(record: ClientMail | StaffMail, tenant: Tenant) -> Letter | None:
    """To the new address: whoever reads it there decides."""
    who, link = _person(record), links.of(record.tenant_id, record.ids)
    if who is None or link is None:
        return None
    address = f"{settings.portal_origin}/email#{links.token(link)}"
    body = (
        f"Hello,\n\nthis address was named as the new e-mail address of an account. If that is right, confirm it "
        f"here:\n\n{address}\n\nIf you do not know about this, do nothing: nothing is changed."
    )
    closing = "This link works once, for 24 hours. Please do not answer this mail: nobody reads it."
    return letter(tenant, link.about["email"], "Confirm this e-mail address", body, closing, address, "Confirm")


def _email_changed(record: ClientMail | StaffMail, tenant: Tenant) -> Letter | None:
    """To the old address, which stands only in the link that was used."""
    place = {name: record.ids[name] for name in ("email_digest", "realm", "purpose")}
    who, link = _person(record), Link.find(tenant_id=record.tenant_id, **place)
    if who is None or link is None or link.generation != record.ids["generation"]:
        return None
    lines = [
        "the e-mail address of your account was changed. From now on the new address is needed to sign in.",
        f"If that was not you, call {tenant.phone} at once.",
    ]
    return _about_account(who, tenant, link.about["old"], "Your e-mail address was changed", lines)


_NOT_YOU = "If it was not you, choose a new password now: \u201cI forgot my password\u201d on the sign-in page."
_ONCE = "This link works once, for 72 hours. Please do not answer this mail: nobody reads it."


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
    LOGIN_LINK: _login_link,
    PACKET_COMPLETED: notice("Forms that were sent out are finished and waiting for you in the portal."),
    STAFF_INVITATION: _to_colleague(
        "Your staff account for the Client Portal of {organization}",
        "{organization} has a staff account for you in its Client Portal. To open it, choose a password and set up an "
        "authenticator app on your phone. It takes about three minutes.",
        f"{_ONCE} If you did not expect it, you can ignore it.",
        "Open my account",
    ),
    SECOND_FACTOR: _to_colleague(
        "Set up your authenticator app again",
        "An administrator of {organization} has reset the second step of your sign-in. The codes of your authenticator "
        "app no longer work. To sign in again, set up the app anew; you will need your password.",
        f"{_ONCE} If you did not ask for this, call your administrator.",
        "Set up the app",
    ),
    FORMS_SENT: _to_client("There is something new for you", "there is something new for you{place}."),
    FORMS_WAITING: _to_client("Something is still waiting for you", "something is still waiting for you{place}."),
    MESSAGE_WAITING: _message_waiting,
    THREAD_OPENED: notice("An administrator opened a conversation. The portal says which, when and why."),
    RENEWAL_ASKED: notice("Someone asked for a new invitation link. You can send it from the portal."),
    SIGN_UP: _sign_up,
    SIGN_UP_WAITING: notice("Someone signed up and waits for your answer."),
    SIGN_UP_ACCEPTED: _told(
        "Your account is open",
        "your account is open. Sign in with your e-mail address and the password that you chose.",
    ),
    SIGN_UP_KNOWN: _sign_up_known,
    SIGN_UP_REJECTED: _sign_up_rejected,
    PASSWORD_RESET: _password_reset,
    PASSWORD_CHANGED: _told(
        "Your password was changed",
        "the password of your account was changed. Everywhere else you are signed out.",
        _NOT_YOU,
    ),
    NEW_DEVICE: _told(
        "A new sign-in to your account",
        "someone signed in to your account on a device that was not used for it before:",
        "{when}, {device}",
        "If it was you, there is nothing to do.",
        _NOT_YOU,
    ),
    EMAIL_CHANGE: _email_change,
    EMAIL_CHANGED: _email_changed,
    RECOVERY_CODE_USED: _told(
        "A recovery code was used",
        "someone signed in to your account with one of your recovery codes. It cannot be used again.",
        _NOT_YOU,
    ),
    SECOND_FACTOR_CHANGED: _told(
        "The sign-in codes of your account were changed",
        "the authenticator app or the recovery codes of your account were changed.",
        _NOT_YOU,
    ),
}
