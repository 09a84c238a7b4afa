"""The login link, mailed by staff to a client who forgot where to sign in; it carries no secret (DOMAIN.md 3.8)."""

from chalicelib.config import settings
from chalicelib.context import Context
from chalicelib.errors import ClientArchived, NotActive, NotFound
from chalicelib.models.clients import Client
from chalicelib.models.mails import ClientMail
from chalicelib.models.transaction import Transaction
from chalicelib.services import accounts, audits, idempotency, letters, mails, suppressions


def send(context: Context) -> ClientMail:
    """Mail the organization's sign-in page to a client with an account.

    Raises ClientArchived, NotActive, AddressSuppressed, TooManyRequests.
    """
    client: Client = context.client
    if context.result:
        return _get(context, context.result)
    if client.status != "active":
        raise ClientArchived()
    if client.portal != "active" or not client.email:
        raise NotActive()
    accounts.throttle(
        context.tenant_id, settings.limit("login_link"), context.now.timestamp(), "login_link", client.client_id
    )
    mail = mails.to_client(context.now, context.tenant_id, client.client_id, letters.LOGIN_LINK)
    with Transaction() as tx:
        idempotency.remember(tx, context, mail.mail_id)
        tx.require(client, (Client.portal == "active") & (Client.status == "active"), otherwise=NotActive())
        suppressions.require_none(tx, context.tenant_id, accounts.email_digest(context.tenant_id, client.email))
        tx.create(mail)
        tx.create(audits.event(context, "login_link:send", client_id=client.client_id, mail_id=mail.mail_id))
    mails.hand_over(mail)
    return mail


def _get(context: Context, mail_id: str) -> ClientMail:
    found = ClientMail.find(tenant_id=context.tenant_id, client_id=context.client_id, mail_id=mail_id)
    if found is None:
        raise NotFound()
    return found
