"""Another e-mail address for an account: the new one is confirmed first, the old one is told (DOMAIN.md 3.9).

    start (by its holder, or by staff on a client's file) → link to the NEW address, 24 hours → use: the account moves

The account's key is its address, so moving it is one transaction: claim the new key where nobody stands, take the old
one away, change the file. Whether the new address is taken is only said to who reads its mails. Every session ends: who
signs in from then on does so with the new address. Devices and recovery codes belong to the person, and stay.
"""

from datetime import timedelta
from typing import NamedTuple

from pynamodb.expressions.condition import Condition

from chalicelib.config import settings
from chalicelib.context import Context
from chalicelib.errors import AddressTaken, Busy, InvalidBody, LinkExpired, NoAddressToChange
from chalicelib.models.accounts import Account, Link
from chalicelib.models.clients import Client
from chalicelib.models.mails import ClientMail, StaffMail
from chalicelib.models.staff import Staff
from chalicelib.models.table import Record, load
from chalicelib.models.tenants import Tenant
from chalicelib.models.transaction import Transaction
from chalicelib.services import accounts, audits, idempotency, letters, links, mails, sessions
from chalicelib.services.recovery import look_up, own_place, require_own
from chalicelib.services.sessions import Caller

PURPOSE, LIFE = "email", timedelta(hours=24)


class Asked(NamedTuple):
    """Another address that is to be confirmed: what it writes, for its transaction; the mail is handed over after."""

    link: Link
    mail: ClientMail | StaffMail
    event: Record

    def put(self, tx: Transaction) -> None:
        """All of it. Raises Busy when another link was written at the same moment."""
        links.put(tx, self.link, otherwise=Busy(retry_after=1))
        tx.create(self.mail)
        tx.create(self.event)


def ask(context: Context, who: Client | Staff, new_email: str) -> Asked:
    """A link to the new address; nothing changes until it is used, and nothing tells whether it is taken.

    `who`: the one who asks, or a client whose file the staff member in `context` may change; the caller has checked
    which. An earlier link of this account stops. Raises InvalidBody (/email: email_shape, same_email),
    NoAddressToChange, TooManyRequests.
    """
    address = accounts.canonical_email(new_email)
    if address is None:
        raise _refused("email_shape", "Enter the whole address, such as name@example.com.")
    if address == who.email:
        raise _refused("same_email", "This is the address that is used now.")
    if not sessions.may_sign_in(who) or not who.email_digest:
        raise NoAddressToChange()
    seconds, person_id = context.now.timestamp(), _id(who)
    limit = settings.limit("email_change_account")
    accounts.throttle(context.tenant_id, limit, seconds, "email_change_account", person_id)
    about = {"email": address, "old": str(who.email), "person": person_id, "era": int(who.era or 0)}
    link = links.make(context.now, context.tenant_id, str(who.email_digest), _realm(who), PURPOSE, LIFE, **about)
    mail = mails.to_person(context.now, who, letters.EMAIL_CHANGE, **links.ids_of(link))
    event = audits.event(context, "account:start_email_change", client_id=_client_id(who), staff_id=_staff_id(who))
    return Asked(link, mail, event)


def start_email_change(context: Context, who: Client | Staff, new_email: str) -> None:
    """`ask`, and mail it."""
    if context.result:
        return
    asked = ask(context, who, new_email)
    with Transaction() as tx:
        idempotency.remember(tx, context, asked.mail.mail_id)
        asked.put(tx)
    mails.hand_over(asked.mail)


def own(context: Context) -> tuple[Account, str | None]:
    """The asker's account, and the address that it will have once the link that was mailed there is used.

    None: no link that works is on its way. Whatever changes the password, the second factor or the sessions stops it:
    whoever asked may not have been the holder. Raises Unauthenticated.
    """
    place = own_place(context)
    found, link = load((Account, place), (Link, {**place, "purpose": PURPOSE}))
    account = require_own(context, found)
    waits = link is not None and links.state(link) == "open" and _is_of(context.person, link)
    return account, str(link.about["email"]) if waits else None


def _is_of(who: Client | Staff, link: Link) -> bool:
    return bool(_id(who) == link.about["person"] and int(who.era or 0) == link.about["era"])


def opened(token: str, caller: Caller) -> tuple[str, Link, Tenant]:
    """What a link is worth now (open, used, expired), itself, and whose organization it is of; uses nothing up.

    Raises NotFound, TooManyRequests.
    """
    link, tenant = look_up(token, PURPOSE, caller)
    state = links.state(link)
    if state == "open" and _holder(link)[1] is None:
        now = links.state(links.find(token, PURPOSE))  # by its own use, a moment ago?
        state = now if now != "open" else "expired"
    return state, link, tenant


def _holder(link: Link) -> tuple[Account | None, Client | Staff | None]:
    """The account that a link would move, and its holder, if nothing has stopped the link since."""
    old = Account.find(tenant_id=link.tenant_id, realm=link.realm, email_digest=link.email_digest)
    who = sessions.holder(old) if old is not None and old.status == "active" else None
    return old, who if who is not None and _is_of(who, link) else None


def confirm(token: str, caller: Caller) -> tuple[str, Tenant]:
    """Move the account of a link to its new address; the kind of account, and whose. One of any number of tries wins.

    Raises NotFound, LinkUsed, LinkExpired (also when the password or the second factor changed since: whoever asked may
    not be its holder), AddressTaken, TooManyRequests.
    """
    link, tenant = look_up(token, PURPOSE, caller)
    links.read(token, PURPOSE)
    old, who = _holder(link)
    if old is None or who is None:
        links.read(token, PURPOSE)  # another use of it may have moved the account a moment ago: LinkUsed
        raise LinkExpired()
    new = _moved(old, link)
    kind = sessions.CLIENT if isinstance(who, Client) else sessions.STAFF
    context = sessions.context_for(who, tenant, kind, caller)
    told = mails.to_person(context.now, who, letters.EMAIL_CHANGED, **links.ids_of(link))
    record = type(who)
    with Transaction() as tx:
        links.use(tx, link)
        tx.create(new, otherwise=AddressTaken())
        tx.delete(old, when=_as_read(old), otherwise=Busy(retry_after=1))
        sessions.end_all(
            tx,
            who,
            record.email.set(link.about["email"]),
            record.email_digest.set(new.email_digest),
            record.version.add(1),
            when=(record.email_digest == link.email_digest) & (record.email == link.about["old"]),
            otherwise=Busy(retry_after=1),
        )
        if isinstance(who, Client):
            _found_as(tx, who, link.about["email"])
        tx.create(told)
        tx.create(audits.event(context, "account:change_email", client_id=_client_id(who)))
    mails.hand_over(told)
    return kind, tenant


def _found_as(tx: Transaction, client: Client, email: str) -> None:
    """Within the transaction: a duplicate of the file is looked for under its new address from now on."""
    from chalicelib.services import files

    place = (client.tenant_id, client.client_id, client.legal_name, client.birth_date)
    old, new = ({each.pk: each for each in files.match_entries(*place, one)} for one in (client.email, email))
    for pk in old.keys() - new.keys():
        tx.delete(old[pk])
    for pk in new.keys() - old.keys():
        tx.put(new[pk])


def _moved(old: Account, link: Link) -> Account:
    """The same account at its new key. What is encrypted is bound to its place, so it is encrypted again."""
    digest = accounts.email_digest(old.tenant_id, link.about["email"])
    values = {name: value for name, value in old.values().items() if name not in ("pk", "sk", "kind", "totp_pending")}
    if old.totp:
        values["totp"] = accounts.encrypt_totp(old.tenant_id, digest, accounts.decrypt_totp(old))
    return Account.new(**values | {"email_digest": digest})


def _as_read(old: Account) -> Condition:
    """Nothing of the account changed since it was read: what is moved must be what is there."""
    same: Condition = (Account.status == "active") & (Account.principals == old.principals)
    for attribute in (Account.password_hash, Account.totp, Account.totp_step, Account.recovery):
        value = getattr(old, attribute.attr_name)
        same &= attribute == value if value is not None else attribute.does_not_exist()
    return same


def _refused(code: str, detail: str) -> InvalidBody:
    return InvalidBody(errors=[{"pointer": "/email", "code": code, "detail": detail}])


def _id(who: Client | Staff) -> str:
    return str(who.client_id if isinstance(who, Client) else who.staff_id)


def _client_id(who: Client | Staff) -> str | None:
    return str(who.client_id) if isinstance(who, Client) else None


def _staff_id(who: Client | Staff) -> str | None:
    return None if isinstance(who, Client) else str(who.staff_id)


def _realm(who: Client | Staff) -> str:
    return accounts.PORTAL if isinstance(who, Client) else accounts.STAFF
