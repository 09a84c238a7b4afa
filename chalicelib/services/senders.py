"""Where our mail comes from, and whether mailboxes can tell that it is ours: SPF, DKIM and DMARC as they are now.

SES is asked for what it has verified, DNS for what the world can read (RFC 7208, 6376, 7489). What cannot be read is
said to be so: never "missing", which would send somebody looking for a fault that there is not.
"""

from collections.abc import Callable
from typing import NamedTuple

from chalicelib.adapters import dns, mail
from chalicelib.config import settings

SES_SPF = "include:amazonses.com"


class DnsRecord(NamedTuple):
    """A record of the sender's domain: what it must be, and how it is."""

    purpose: str  # dkim, mail_from, spf, dmarc
    name: str
    type: str
    value: str
    state: str  # good, pending, missing, wrong, unreadable
    found: str | None


class Sender(NamedTuple):
    """The domain that mails come from."""

    address: str
    domain: str
    verified: bool | None  # None: SES could not be asked
    records: list[DnsRecord]


def look() -> Sender:
    """The sender's domain with every record that it needs; a few questions to SES and DNS, each of which may fail."""
    address = settings.mail_sender
    domain = address.rpartition("@")[2]
    identity = mail.identity(domain)
    records = [*_dkim(domain, identity), *_spf(domain, identity), _dmarc(domain)]
    return Sender(address, domain, identity.verified if identity else None, records)


def _dkim(domain: str, identity: mail.Identity | None) -> list[DnsRecord]:
    if identity is None or not identity.dkim_tokens:
        state = "unreadable" if identity is None else "good" if identity.dkim == "SUCCESS" else "missing"
        return [DnsRecord("dkim", f"…._domainkey.{domain}", "CNAME", "….dkim.amazonses.com", state, None)]
    states = {"SUCCESS": "good", "PENDING": "pending", "TEMPORARY_FAILURE": "pending"}
    state = states.get(identity.dkim, "missing")
    return [
        DnsRecord("dkim", f"{token}._domainkey.{domain}", "CNAME", f"{token}.dkim.amazonses.com", state, None)
        for token in identity.dkim_tokens
    ]


def _spf(domain: str, identity: mail.Identity | None) -> list[DnsRecord]:
    """With a MAIL FROM domain of ours the envelope is checked there; without one, at SES's own, which always passes."""
    place = identity.mail_from if identity is not None else None
    found: list[DnsRecord] = []
    if identity is not None and place:
        states = {"SUCCESS": "good", "PENDING": "pending", "TEMPORARY_FAILURE": "pending"}
        server = f"10 feedback-smtp.{settings.aws_region}.amazonses.com"
        state = states.get(identity.mail_from_state, "missing")
        found.append(DnsRecord("mail_from", place, "MX", server, state, None))
    record = _one(
        "spf", place or domain, f"v=spf1 {SES_SPF} ~all", lambda text: text.lower().startswith("v=spf1"), SES_SPF
    )
    return [*found, record]


def _dmarc(domain: str) -> DnsRecord:
    name = f"_dmarc.{domain}"
    return _one("dmarc", name, f"v=DMARC1; p=quarantine; rua=mailto:dmarc@{domain}", _is_dmarc, "p=")


def _is_dmarc(text: str) -> bool:
    return text.lower().replace(" ", "").startswith("v=dmarc1")


def _one(purpose: str, name: str, wanted: str, is_it: Callable[[str], bool], must_hold: str) -> DnsRecord:
    """A TXT record of which there must be exactly one, holding a certain part (RFC 7208 4.5, RFC 7489 6.6.3)."""
    try:
        texts = [text for text in dns.txt(name) if is_it(text)]
    except dns.Unreadable:
        return DnsRecord(purpose, name, "TXT", wanted, "unreadable", None)
    if not texts:
        return DnsRecord(purpose, name, "TXT", wanted, "missing", None)
    good = len(texts) == 1 and must_hold in texts[0].lower().replace(" ", "")
    return DnsRecord(purpose, name, "TXT", wanted, "good" if good else "wrong", "\n".join(texts)[:500])
