"""A link by which somebody without an account pays one invoice (DOMAIN.md 7.4): a parent, a partner, an employer.

It is single-use, ends after a week, stands in the fragment of the address, and opens a page that shows the practice,
the invoice's number and the amount. Whose invoice it is, and what for, it does not say.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from chalicelib import clock, ids
from chalicelib.adapters import secrets as stage_secrets
from chalicelib.config import settings
from chalicelib.context import Actor, Context, Persona
from chalicelib.errors import NotFound, NothingToPay, PayLinkEnded, TooLittleOnline
from chalicelib.models.clients import Client
from chalicelib.models.invoices import Invoice
from chalicelib.models.payments import PayLink, Payment
from chalicelib.models.table import load
from chalicelib.models.tenants import Tenant
from chalicelib.models.transaction import Transaction, change
from chalicelib.policies.plans import Feature
from chalicelib.services import accounts, audits, idempotency, invoices, payments, tenants

LIFE = timedelta(days=7)


def make(context: Context) -> tuple[PayLink, str]:
    """A link to pay what is due on the invoice that the address names, and its address: shown once more only to the
    repeat of the same request. Raises NothingToPay, TooLittleOnline, TooManyRequests."""
    invoice = invoices.named(context, drafts=context.actor.kind != "client")
    own = {"tenant_id": context.tenant_id, "client_id": context.client_id}
    if context.result:
        (link,) = load((PayLink, {**own, "link_id": context.result}))
        if link is None:
            raise NotFound()
        return link, _address(link)
    if invoice.status != "open":
        raise NothingToPay()
    if not payments.is_enough(context, int(invoice.balance)):
        raise TooLittleOnline()
    limit = settings.limit("pay_links_client")
    accounts.throttle(context.tenant_id, limit, context.now.timestamp(), "pay_links", context.client_id)
    link = PayLink.new(
        **own,
        link_id=ids.new_id(context.now),
        invoice_id=invoice.invoice_id,
        token_digest="",
        status="open",
        ends_at=clock.text(context.now + LIFE),
        made_by="client" if context.actor.kind == "client" else context.actor.staff_id,
        expires_at=int((context.now + LIFE + timedelta(days=30)).timestamp()),
    )
    link.token_digest = ids.digest(_token(link))
    with Transaction() as tx:
        idempotency.remember(tx, context, link.link_id)
        tx.create(link)
        about = {"client_id": context.client_id, "invoice_id": invoice.invoice_id, "link_id": link.link_id}
        tx.create(audits.event(context, "pay_link:make", **about))
    return link, _address(link)


def _token(link: PayLink) -> str:
    parts = (link.tenant_id, link.client_id, link.link_id)
    return f"{'.'.join(parts)}.{stage_secrets.token('pay', *parts)}"


def _address(link: PayLink) -> str:
    return f"{settings.portal_origin}/pay#{_token(link)}"


@dataclass
class Guest:
    """What a link opens."""

    context: Context
    link: PayLink
    invoice: Invoice
    payment: Payment | None  # the last attempt by this link

    @property
    def state(self) -> str:
        """open: can be paid; processing, paid: by this link; ended: by time, or otherwise settled."""
        if self.payment is not None and self.payment.status == payments.SUCCEEDED:
            return "paid"
        if self.payment is not None and self.payment.status == payments.PROCESSING:
            return "processing"
        in_time = clock.text(clock.now()) < self.link.ends_at
        return "open" if self.link.status == "open" and in_time and self.invoice.status == "open" else "ended"


def read(token: str, address: str, request_id: str) -> Guest:
    """What a token opens. Raises NotFound for what is no link of ours; TooManyRequests."""
    parts = token.split(".")
    if len(parts) != 4 or not all(ids.is_id(each) for each in parts[:3]):
        raise NotFound()
    about: dict[str, Any] = {"tenant_id": parts[0], "client_id": parts[1], "link_id": parts[2]}
    now = clock.now()
    accounts.throttle("PUBLIC", settings.limit("guest_payments_address"), now.timestamp(), "guest", address)
    link, tenant, client = load((PayLink, about), (Tenant, about), (Client, about))
    if link is None or tenant is None or client is None or not ids.same(ids.digest(token), link.token_digest):
        raise NotFound()
    invoice, payment = load(
        (Invoice, {**about, "invoice_id": link.invoice_id}),
        (Payment, {**about, "payment_id": link.payment_id}) if link.payment_id else None,
    )
    if invoice is None:
        raise NotFound()
    actor = Actor("guest", str(link.link_id))
    context = Context(parts[0], actor, now, Persona.PORTAL, request_id, address, tenant=tenant, client=client)
    context.circumstances = tenants.circumstances(tenant, client_off=client.features_off)
    return Guest(context, link, invoice, payment)


def pay(guest: Guest) -> Payment:
    """Begin to pay all that is due. Raises PayLinkEnded, what `payments.start` raises, FeatureSwitchedOff."""
    if guest.state != "open":
        raise PayLinkEnded()
    tenants.require(Feature.PAYMENTS, guest.context.circumstances)
    wanted = [(str(guest.link.invoice_id), None)]
    made = payments.start(guest.context, wanted, way=payments.GUEST, link_id=str(guest.link.link_id))
    if guest.link.payment_id != made.payment_id:
        change(guest.link, PayLink.payment_id.set(made.payment_id))
    return made
