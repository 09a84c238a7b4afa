"""SES: one MIME message, text and HTML, to one person."""

from chalicelib import clock
from chalicelib.adapters.aws import client
from chalicelib.config import settings


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


def _line(text: str) -> str:
    """One header line: control characters, CR and LF among them, become spaces (header injection)."""
    return " ".join("".join(" " if ord(c) < 32 or ord(c) == 127 else c for c in text).split())
