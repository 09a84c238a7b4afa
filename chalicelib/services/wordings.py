"""Saved texts of invitations: subject and message under a name, one of them the usual one (DOMAIN.md 3.4)."""

import re
from typing import Any, NamedTuple

from chalicelib import clock, ids
from chalicelib.adapters import keys
from chalicelib.context import Context
from chalicelib.errors import NotFound, Stale, TooManySaved
from chalicelib.models.table import load
from chalicelib.models.tenants import Tenant
from chalicelib.models.transaction import Transaction
from chalicelib.models.wordings import UsualWording, Wording
from chalicelib.services import audits, idempotency, letters
from chalicelib.services import tenants as organizations

AT_MOST = 30
PLACEHOLDERS = ("{client_first_name}", "{organization}", "{link}", "{minutes}")
_BRACES = re.compile(r"\{[^{}\n]{0,60}\}?")


class Saved(NamedTuple):
    """A saved text in plain words."""

    record: Wording
    name: str
    subject: str
    message: str
    usual: bool


def everything(tenant_id: str) -> list[Saved]:
    """The saved texts of an organization by name; at most a few dozen."""
    here = list(Wording.every(Wording.KEY, tenant_id=tenant_id, consistent=True))
    usual = next((each.wording_id for each in here if isinstance(each, UsualWording)), None)
    found = [_plain(each, usual) for each in here if isinstance(each, Wording)]
    return sorted(found, key=lambda saved: saved.name.casefold())


def _plain(record: Wording, usual: str | None) -> Saved:
    words = keys.decrypt(record.tenant_id, record.words, f"wording|{record.wording_id}")
    return Saved(record, words["name"], words["subject"], words["message"], record.wording_id == usual)


def standard(tenant: Tenant) -> tuple[str, str]:
    """The portal's own subject and message, neutral where the organization chose so."""
    return letters.usual_words(bool(organizations.setting(tenant, "neutral_mail")))


def usual(tenant: Tenant) -> tuple[str, str]:
    """Subject and message that a sender starts from: the usual saved text, or else the portal's own."""
    (chosen,) = load((UsualWording, {"tenant_id": tenant.tenant_id}))
    return words_of(tenant, chosen)


def words_of(tenant: Tenant, chosen: UsualWording | None) -> tuple[str, str]:
    """The same, where it is known which text is the usual one."""
    if chosen is not None:
        record = Wording.find(tenant_id=tenant.tenant_id, wording_id=chosen.wording_id)
        if record is not None:
            saved = _plain(record, None)
            return saved.subject, saved.message
    return standard(tenant)


def get(context: Context, wording_id: str) -> Saved:
    """One saved text. Raises NotFound."""
    about = {"tenant_id": context.tenant_id}
    record, chosen = load((Wording, {**about, "wording_id": wording_id}), (UsualWording, about))
    if record is None:
        raise NotFound()
    return _plain(record, chosen.wording_id if chosen is not None else None)


def create(context: Context, name: str, subject: str, message: str) -> Saved:
    """Save a text. Raises TooManySaved."""
    if context.result:
        return get(context, context.result)
    if len(everything(context.tenant_id)) >= AT_MOST:
        raise TooManySaved()
    wording_id = ids.new_id(context.now)
    record = Wording.new(
        tenant_id=context.tenant_id,
        wording_id=wording_id,
        words=_sealed(context, wording_id, name, subject, message),
        changed_by_name=context.actor.name,
        changed_at=clock.text(context.now),
        version=1,
    )
    with Transaction() as tx:
        idempotency.remember(tx, context, wording_id)
        tx.create(record)
        tx.create(audits.event(context, "wording:update", wording_id=wording_id))
    return _plain(record, None)


def _sealed(context: Context, wording_id: str, name: str, subject: str, message: str) -> bytes:
    words = {"name": name, "subject": subject, "message": message}
    return keys.encrypt(context.tenant_id, words, f"wording|{wording_id}")


def change(context: Context, wording_id: str, name: str, subject: str, message: str) -> Saved:
    """Write it anew, as it was read (`context.if_match`). Raises NotFound, Stale."""
    saved = get(context, wording_id)
    record = saved.record
    record.words = _sealed(context, wording_id, name, subject, message)
    record.changed_by_name, record.changed_at = context.actor.name, clock.text(context.now)
    with Transaction() as tx:
        tx.update(
            record,
            Wording.words.set(record.words),
            Wording.changed_by_name.set(record.changed_by_name),
            Wording.changed_at.set(record.changed_at),
            Wording.version.add(1),
            when=Wording.version == context.if_match,
            otherwise=Stale(),
        )
        tx.create(audits.event(context, "wording:update", wording_id=wording_id))
    record.version += 1
    return saved._replace(name=name, subject=subject, message=message)


def delete(context: Context, wording_id: str) -> None:
    """Throw it away; what was sent with it stays as it was sent. Raises NotFound, Stale."""
    saved = get(context, wording_id)
    with Transaction() as tx:
        tx.delete(saved.record, when=Wording.version == context.if_match, otherwise=Stale())
        if saved.usual:
            tx.delete(UsualWording.at(tenant_id=context.tenant_id))
        tx.create(audits.event(context, "wording:delete", wording_id=wording_id))


def make_usual(context: Context, wording_id: str | None) -> None:
    """Have invitations start from this text; None: from the portal's own. Raises NotFound."""
    place: dict[str, Any] = {"tenant_id": context.tenant_id}
    with Transaction() as tx:
        if wording_id is None:
            tx.delete(UsualWording.at(**place))
        else:
            there = Wording.at(**place, wording_id=get(context, wording_id).record.wording_id)
            tx.require(there, Wording.pk.exists(), otherwise=NotFound())
            tx.put(UsualWording.new(**place, wording_id=wording_id))
        tx.create(audits.event(context, "wording:choose", wording_id=wording_id))


# ---- what is odd about a text; flagged before it is sent, never refused ----


class Oddity(NamedTuple):
    """A code, and the words of the text that it is about."""

    code: str
    what: str


def oddities(tenant: Tenant, subject: str, message: str) -> list[Oddity]:
    """Placeholders that nothing fills in, and a name in what was chosen to be neutral (DOMAIN.md 3.4)."""
    both = f"{subject}\n{message}"
    unknown = [each for each in dict.fromkeys(_BRACES.findall(both)) if each not in PLACEHOLDERS]
    found = [Oddity("unknown_placeholder", each) for each in unknown]
    if organizations.setting(tenant, "neutral_mail"):
        named = "{organization}" in both or tenant.name.casefold() in both.casefold()
        found += [Oddity("names_organization", tenant.name)] if named else []
    if "{link}" in subject:
        found.append(Oddity("link_in_subject", "{link}"))
    return found
