"""Where mails come from, and whether mailboxes can tell: for Organization > Client Portal > E-mail."""

from typing import Literal

from chalicelib import clock
from chalicelib.context import Context
from chalicelib.handlers.routing import PRACTICE, Routes
from chalicelib.handlers.views import View
from chalicelib.services import invites, senders, tenants

practice = Routes(__name__, PRACTICE, "/practice")


class DnsRecordView(View):
    """A record of the sender's domain: what it must be and how it is. `unreadable`: nothing is known of it."""

    purpose: Literal["dkim", "mail_from", "spf", "dmarc"]
    name: str
    type: str
    value: str
    state: Literal["good", "pending", "missing", "wrong", "unreadable"]
    found: str | None


class SenderView(View):
    """Who mails are from, and the domain's records. `verified` null: SES could not be asked."""

    sender_name: str
    neutral: bool
    address: str
    domain: str
    verified: bool | None
    records: list[DnsRecordView]
    read_at: str


class AllowanceView(View):
    """How many invitations may be sent in a day, and how many of them are left until midnight UTC."""

    a_day: int
    left: int


@practice.endpoint("GET", "/sender", action="sender:read")
def read_sender(context: Context) -> SenderView:
    """The sender's domain with SPF, DKIM and DMARC as they are now"""
    found = senders.look()
    return SenderView(
        sender_name=tenants.sender_name(context.tenant),
        neutral=bool(tenants.setting(context.tenant, "neutral_mail")),
        address=found.address,
        domain=found.domain,
        verified=found.verified,
        records=[DnsRecordView(**each._asdict()) for each in found.records],
        read_at=clock.text(context.now),
    )


@practice.endpoint("GET", "/sender/allowance", action="sender:read")
def read_allowance(context: Context) -> AllowanceView:
    """How many invitations are left today"""
    most, _ = tenants.limit(context.tenant, "invitations_tenant")
    return AllowanceView(a_day=most, left=invites.left_today(context))
