"""A new password: by a mailed link when the old one is forgotten, or in the account (notes: security 3.1).

    ask → 202 whatever there is → the mailer looks whether anybody has an account there → link, 30 minutes → redeem

Asking writes the same for every address, so that neither the answer nor its time tells whether there is an account.
A reset ends every session, trusted device and API token, keeps the second factor, and signs nobody in (ASVS 6.4.3). A
link that sets the second factor up anew stops with it: both were mailed to one mailbox, and it must not open both
factors.
"""

from datetime import timedelta
from typing import Any

from chalicelib import clock
from chalicelib.config import settings
from chalicelib.context import Context
from chalicelib.errors import Busy, LinkExpired, NotFound, Unauthenticated
from chalicelib.models.accounts import Account, Link
from chalicelib.models.clients import Client
from chalicelib.models.tenants import Tenant
from chalicelib.models.transaction import Transaction
from chalicelib.services import accounts, audits, letters, links, mails, sessions, tenants
from chalicelib.services.sessions import Caller

PURPOSE, LIFE = "password", timedelta(minutes=30)
PAUSE = timedelta(minutes=1)


def ask(slug: str, kind: str, email: str, caller: Caller) -> None:
    """Mail a link to whoever has an account at this address. Raises TooManyRequests, counted by what was typed."""
    now = clock.now()
    seconds = now.timestamp()
    try:
        tenant = tenants.by_slug(slug)
    except NotFound:
        limit = settings.limit("password_reset_address")
        accounts.throttle("PUBLIC", limit, seconds, "password_reset_address", caller.address)
        return
    realm = accounts.STAFF if kind == sessions.STAFF else accounts.PORTAL
    address = accounts.canonical_email(email)
    subjects = {
        "password_reset_address": (caller.address,),
        "password_reset_tenant": (),
        "password_reset_account": (realm, address or "?"),
        "password_reset_day": (realm, address or "?"),
    }
    for name, about in subjects.items():
        accounts.throttle(tenant.tenant_id, settings.limit(name), seconds, name, *about)
    if address is None:  # nobody can have this one
        return
    digest = accounts.email_digest(tenant.tenant_id, address)
    before = Link.find(tenant_id=tenant.tenant_id, email_digest=digest, realm=realm, purpose=PURPOSE)
    if before is not None and links.state(before) == "open" and clock.parse(before.ends_at) - LIFE > now - PAUSE:
        return  # pressed twice, or sent again after a lost answer: its mail is on the way
    link = links.make(now, tenant.tenant_id, digest, realm, PURPOSE, LIFE)
    mail = mails.to_account(now, link, letters.PASSWORD_RESET)
    try:
        with Transaction() as tx:
            links.put(tx, link)
            tx.create(mail)
    except links.Overtaken:
        return  # asked twice at the same moment: the other one is mailed
    mails.hand_over(mail)


def look_up(token: str, purpose: str, caller: Caller) -> tuple[Link, Tenant]:
    """The link of a token and whose organization it is; uses nothing up. Raises NotFound, TooManyRequests."""
    link = links.find(token, purpose)
    seconds = clock.now().timestamp()
    accounts.throttle(link.tenant_id, settings.limit("link_address"), seconds, "link_address", caller.address)
    tenant = tenants.get(link.tenant_id)
    if tenant is None:
        raise NotFound()
    return link, tenant


def redeem(token: str, password: str, caller: Caller) -> tuple[str, Tenant]:
    """Set the password of the account behind a link; the kind of account, and whose. One of any number of tries wins.

    Raises NotFound, LinkUsed, LinkExpired, InvalidBody, TooManyRequests.
    """
    link, tenant = look_up(token, PURPOSE, caller)
    links.read(token, PURPOSE)
    account = Account.find(tenant_id=link.tenant_id, realm=link.realm, email_digest=link.email_digest)
    who = sessions.holder(account) if account is not None and account.status == "active" else None
    if account is None or who is None:
        raise LinkExpired()  # the account has moved to another address, or is closed
    accounts.require_password(password, *accounts.words_of(tenant, who))
    kind = sessions.CLIENT if isinstance(who, Client) else sessions.STAFF
    context = sessions.context_for(who, tenant, kind, caller)
    hashed = accounts.hash_password(password)
    mail = mails.to_person(context.now, who, letters.PASSWORD_CHANGED)
    own = who.client_id if isinstance(who, Client) else None
    setting_up = links.beside(link, letters.SECOND_FACTOR) if kind == sessions.STAFF else None
    with Transaction() as tx:
        links.use(tx, link)
        tx.update(
            account,
            Account.password_hash.set(hashed),
            when=(Account.status == "active") & (Account.principals == account.principals),
            otherwise=LinkExpired(),
        )
        sessions.end_all(tx, who, *sessions.programs_of(who))
        if setting_up is not None:
            links.revoke(tx, setting_up, otherwise=Busy(retry_after=1))
        tx.create(mail)
        tx.create(audits.event(context, "account:reset_password", client_id=own))
    mails.hand_over(mail)
    limit, subject = settings.limit("sign_in_account"), (link.tenant_id, link.realm, str(who.email))
    accounts.forgive(link.tenant_id, limit, context.now.timestamp(), "account", *subject)
    return kind, tenant


def change(context: Context, password: str) -> None:
    """Change one's own password; every other session ends, and the holder is told. Raises InvalidBody."""
    account = own_account(context)
    accounts.require_password(password, *accounts.words_of(context.tenant, context.person))
    hashed = accounts.hash_password(password)
    mail = mails.to_person(context.now, context.person, letters.PASSWORD_CHANGED)
    with Transaction() as tx:
        tx.update(
            account,
            Account.password_hash.set(hashed),
            when=(Account.status == "active") & (Account.password_hash == account.password_hash),
            otherwise=Busy(retry_after=1),
        )
        sessions.end_all(tx, context.person, keep=context.session)
        tx.create(mail)
        tx.create(audits.event(context, "account:change_password", client_id=own_id(context)))
    mails.hand_over(mail)


def own_account(context: Context) -> Account:
    """The account of whoever is signed in. Raises Unauthenticated when it has gone meanwhile."""
    return require_own(context, Account.find(**own_place(context)))


def own_place(context: Context) -> dict[str, Any]:
    """Where the account of whoever is signed in stands."""
    realm = accounts.STAFF if context.actor.kind == sessions.STAFF else accounts.PORTAL
    digest = accounts.email_digest(context.tenant_id, str(context.person.email))
    return {"tenant_id": context.tenant_id, "realm": realm, "email_digest": digest}


def require_own(context: Context, account: Account | None) -> Account:
    """What was read at `own_place`, if it is theirs still. Raises Unauthenticated."""
    mine = account is not None and account.principals[0]["id"] == context.actor.id
    if account is None or not mine or account.status != "active":
        raise Unauthenticated()
    return account


def own_id(context: Context) -> str | None:
    """The client whose record an act on one's own account belongs to; None for staff."""
    return context.actor.id if context.actor.kind == sessions.CLIENT else None
