"""SES: one MIME message, text and HTML, to one person; and how the domain stands that it comes from."""

from typing import NamedTuple

from chalicelib import clock
from chalicelib.adapters.aws import client
from chalicelib.config import settings
from chalicelib.lines import seen


def send(
    *,
    to: str,
    sender_name: str,
    subject: str,
    text: str,
    html: str,
    reference: str,
    calendar: tuple[str, str] | None = None,
) -> str:
    """Send, and return SES's message id. `reference` marks the mail for its delivery events (an id of ours).

    `calendar` is the method and the text of an iCalendar object (adapters/icalendar.py) that is attached (RFC 6047).
    """
    from email.headerregistry import Address  # only on_mail sends; the API's start does without
    from email.message import EmailMessage
    from email.policy import SMTP
    from email.utils import format_datetime, make_msgid

    domain = settings.mail_sender.rpartition("@")[2]
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(_line(sender_name), addr_spec=settings.mail_sender)
    message["To"] = Address(addr_spec=to)
    message["Subject"] = _line(subject)
    message["Date"] = format_datetime(clock.now())
    message["Message-ID"] = make_msgid(domain=domain)
    message["Auto-Submitted"] = "auto-generated"
    message["X-Portal-Reference"] = reference
    message.set_content(text)
    message.add_alternative(html, subtype="html")
    if calendar is not None:
        method, events = calendar
        message.add_attachment(
            events.encode(),
            maintype="text",
            subtype="calendar",
            filename="appointment.ics",
            params={"method": method, "charset": "utf-8"},
        )
    answer = client("sesv2").send_email(
        FromEmailAddress=settings.mail_sender,
        Destination={"ToAddresses": [to]},
        Content={"Raw": {"Data": message.as_bytes()}},
    )
    return str(answer["MessageId"])


class Identity(NamedTuple):
    """What SES knows of a sending domain; states as it names them (SUCCESS, PENDING, FAILED, …)."""

    verified: bool
    dkim: str
    dkim_tokens: list[str]
    mail_from: str | None
    mail_from_state: str


def identity(domain: str) -> Identity | None:
    """The sending domain as SES has it now, or None when SES does not say."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        told = client("sesv2").get_email_identity(EmailIdentity=domain)
    except (ClientError, BotoCoreError):
        return None
    dkim, envelope = told.get("DkimAttributes") or {}, told.get("MailFromAttributes") or {}
    return Identity(
        verified=told.get("VerificationStatus") == "SUCCESS" or bool(told.get("VerifiedForSendingStatus")),
        dkim=dkim.get("Status", ""),
        dkim_tokens=list(dkim.get("Tokens") or ()),
        mail_from=envelope.get("MailFromDomain") or None,
        mail_from_state=envelope.get("MailFromDomainStatus", ""),
    )


def _line(text: str) -> str:
    """One header line: control characters, CR and LF among them, become spaces (header injection); what turns the
    direction or cannot be seen goes, whenever the words were written."""
    return " ".join(seen("".join(" " if ord(c) < 32 or ord(c) == 127 else c for c in text)).split())
