"""Addresses that an organization must not write to: they bounced for good, or their holder complained (SES; notes:
security 1 row 51). Keyed digests only; clearing one is a person's act, and audited."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from chalicelib.context import Context
from chalicelib.errors import AddressSuppressed, ComplaintStands, NoEmail
from chalicelib.models.accounts import Account
from chalicelib.models.suppressions import SharedMailbox, Suppression
from chalicelib.models.table import load
from chalicelib.models.transaction import Transaction
from chalicelib.policies.rules import Role
from chalicelib.services import accounts, audits, spellings

BOUNCED, COMPLAINED = "bounced", "complained"


def of(tenant_id: str, email: str | None) -> Suppression | None:
    """Why this address gets nothing from this organization, or None."""
    return of_many(tenant_id, [email])[0]


def of_many(tenant_id: str, emails: Sequence[str | None]) -> list[Suppression | None]:
    """The same for several addresses, in their order; a hundred a round trip."""
    return load(*(wanted(tenant_id, each) for each in emails)) if emails else []


def wanted(tenant_id: str, email: str | None) -> tuple[type[Suppression], dict[str, str]] | None:
    """What `load` takes, for who reads other things along."""
    return (Suppression, _place(tenant_id, email)) if email else None


def _place(tenant_id: str, email: str) -> dict[str, str]:
    return {"tenant_id": tenant_id, "email_digest": accounts.email_digest(tenant_id, email)}


def require_none(tx: Transaction, tenant_id: str, email_digest: str) -> None:
    """Within the transaction of a send: AddressSuppressed if the address is on the list by now."""
    place = Suppression.at(tenant_id=tenant_id, email_digest=email_digest)
    tx.require(place, Suppression.pk.does_not_exist(), otherwise=AddressSuppressed())


def add(tx: Transaction, tenant_id: str, email_digest: str, reason: str, at: str) -> None:
    """Put an address on the list. A bounce that comes after a complaint leaves the complaint standing."""
    place = Suppression.at(tenant_id=tenant_id, email_digest=email_digest)
    values: dict[str, str] = {"kind": Suppression.KIND, "tenant_id": tenant_id, "email_digest": email_digest}
    actions = [getattr(Suppression, name).set(value) for name, value in values.items()]
    if reason == COMPLAINED:
        actions += [Suppression.reason.set(reason), Suppression.noted_at.set(at)]
    else:
        actions += [Suppression.reason.set(Suppression.reason | reason)]
        actions += [Suppression.noted_at.set(Suppression.noted_at | at)]
    tx.merge(place, *actions)


def clear(context: Context, asked: bool) -> None:
    """Staff say that the address of this client works, or was mended: it may be written to again; safe to repeat.

    After a complaint only an administrator may, and only by saying that the person asked for it: ComplaintStands.
    Raises NoEmail.
    """
    email = context.client.email
    if not email:
        raise NoEmail()
    found = of(context.tenant_id, email)
    if found is None:
        return
    if found.reason == COMPLAINED and not (asked and Role.ADMINISTRATOR in context.actor.roles):
        raise ComplaintStands()
    as_seen = Suppression.pk.does_not_exist() | (Suppression.reason == found.reason)
    with Transaction() as tx:
        tx.delete(found, when=as_seen, otherwise=ComplaintStands())
        event = audits.event(context, "suppression:clear", client_id=context.client_id, outcome=found.reason)
        tx.create(event)


# ---- mailboxes that lead to the same person ----


def note_mailbox(tx: Transaction, tenant_id: str, client_id: str, email: str) -> None:
    """With an invitation of an address that has a plus tag: so that the untagged one, and others, can be warned of."""
    if spellings.mailbox(email) != email:
        tx.put(SharedMailbox.new(tenant_id=tenant_id, client_id=client_id, mailbox_digest=_mailbox(tenant_id, email)))


def forget_mailbox(tx: Transaction, tenant_id: str, client_id: str, email: str) -> None:
    """When the invitation is taken back."""
    if spellings.mailbox(email) != email:
        place = {"tenant_id": tenant_id, "client_id": client_id, "mailbox_digest": _mailbox(tenant_id, email)}
        tx.delete(SharedMailbox.at(**place))


class AtAddress(NamedTuple):
    """What stands at an address of the organization: the portal account that it opens, whether it is on the list, and
    whether another client's address leads to the same mailbox by another plus tag."""

    account: Account | None
    listed: Suppression | None
    shared: bool


def at_address(tenant_id: str, client_id: str, email: str | None) -> AtAddress:
    """All of it about a client's address: one query, and one more read for an address with a plus tag."""
    if not email:
        return AtAddress(None, None, False)
    place: dict[str, Any] = {"tenant_id": tenant_id, "email_digest": _mailbox(tenant_id, email)}
    here = list(Account.every(Account.KEY, consistent=True, **place))
    account = next((each for each in here if isinstance(each, Account) and each.realm == accounts.PORTAL), None)
    listed = next((each for each in here if isinstance(each, Suppression)), None)
    others = any(isinstance(each, SharedMailbox) and each.client_id != client_id for each in here)
    if spellings.mailbox(email) == email:
        return AtAddress(account, listed, others)
    shared = others or (account is not None and account.principals != [{"kind": "client", "id": client_id}])
    own = _place(tenant_id, email)
    account, listed = load((Account, {**own, "realm": accounts.PORTAL}), (Suppression, own))
    return AtAddress(account, listed, shared)


def _mailbox(tenant_id: str, email: str) -> str:
    return accounts.email_digest(tenant_id, spellings.mailbox(email))
