"""What mails say about money: that something happened, and when a card will be charged; never how much, of whom or for
what (DOMAIN.md 8). Everything else is read in the portal."""

from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib import clock
from chalicelib.models.clients import Client
from chalicelib.models.invoices import Invoice
from chalicelib.models.mails import ClientMail
from chalicelib.models.payments import PlannedCharge
from chalicelib.models.table import load
from chalicelib.models.tenants import Tenant
from chalicelib.services import tenants
from chalicelib.services.letters import Letter, letter, notice

_CLOSING = "For privacy this mail says no more. Please do not answer it: nobody reads it."


def _to_client(record: ClientMail, tenant: Tenant, subject: str, line: str) -> Letter | None:
    from chalicelib.services.clients import first_name

    client = Client.find(tenant_id=record.tenant_id, client_id=record.client_id)
    if client is None or client.portal != "active" or not client.email:
        return None
    place = "" if tenants.setting(tenant, "neutral_mail") else f" in the portal of {tenant.name}"
    link = tenants.login_url(tenant)
    body = f"Hello {first_name(client)},\n\n{line.format(place=place)}\n\n{link}"
    return letter(tenant, client.email, subject, body, _CLOSING, link, "Sign in")


def _receipt(record: ClientMail, tenant: Tenant) -> Letter | None:
    line = "your payment has arrived. Sign in to see and print the receipt{place}."
    return _to_client(record, tenant, "Your payment has arrived", line)


def _planned(record: ClientMail, tenant: Tenant) -> Letter | None:
    """The notice before a card is charged; nobody wants it any more once the plan is gone."""
    about = {"tenant_id": record.tenant_id, "client_id": record.client_id, "invoice_id": record.ids["invoice_id"]}
    plan, invoice = load((PlannedCharge, about), (Invoice, about))
    if plan is None or plan.status != "planned" or plan.charge_at != record.ids["charge_at"]:
        return None
    if invoice is None or invoice.status != "open":
        return None
    at = clock.parse(record.ids["charge_at"]).astimezone(ZoneInfo(tenant.zone))
    line = (
        f"on {at:%B} {at.day} the card that you saved will be charged, as you asked. Sign in to see how much and for "
        "which invoice{place}, or to stop it."
    )
    return _to_client(record, tenant, "Your saved card will be charged", line)


def _failed(record: ClientMail, tenant: Tenant) -> Letter | None:
    line = "the card that you saved could not be charged. Sign in to pay another way{place}."
    return _to_client(record, tenant, "Your card could not be charged", line)


COMPOSERS: Mapping[str, Callable[[Any, Tenant], Letter | None]] = {
    "payment_receipt": _receipt,
    "autopay_planned": _planned,
    "autopay_failed": _failed,
    "payment_received": notice("A payment has arrived. You can see it in the portal."),
    "payment_failed": notice("A payment that was planned could not be made. You can see it in the portal."),
    "payment_disputed": notice("A payment is disputed. You can see it in the portal; please answer it at Stripe."),
    "refund_failed": notice("A refund did not go through. You can see it in the portal."),
}
