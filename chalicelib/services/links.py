"""Mailed links that prove who reads a mailbox: a forgotten password, a new staff member, a new address.

    make, put (in the transaction that causes it) → a mail derives the token again → the page behind the link POSTs it
    read (consumes nothing: a mail scanner may follow) → use, in the transaction of what it allows

The token stands in the fragment of the address, is single-use, and stops when a newer one of its purpose is written
(DOMAIN.md 3.5; NIST SP 800-63B-4 4.2.1.2). An invitation of a client is more than this and has its own record.
"""

import re
from datetime import datetime, timedelta
from typing import Any

from chalicelib import clock, ids
from chalicelib.adapters import secrets as stage_secrets
from chalicelib.errors import LinkExpired, LinkUsed, NotFound, PortalError
from chalicelib.models.accounts import Link
from chalicelib.models.transaction import Transaction

KEPT = timedelta(days=30)  # so long its page can say that it was used or has ended
_REALMS = {"s": "STAFF", "p": "PORTAL"}
_LETTERS = {realm: letter for letter, realm in _REALMS.items()}
_DIGEST = re.compile(r"[0-9a-f]{40}")


class Overtaken(PortalError):
    """Another link of this purpose was written at the same moment; that one counts."""


def make(
    at: datetime, tenant_id: str, email_digest: str, realm: str, purpose: str, life: timedelta, **about: Any
) -> Link:
    """The next link of this purpose for the holder of an address; `put` writes it."""
    place: dict[str, Any] = {"tenant_id": tenant_id, "email_digest": email_digest, "realm": realm, "purpose": purpose}
    earlier = Link.find(**place)
    link = Link.new(
        **place,
        status="open",
        generation=int(earlier.generation) + 1 if earlier else 1,
        token_digest="",
        ends_at=clock.text(at + life),
        about=about,
        expires_at=int((at + life + KEPT).timestamp()),
    )
    link.token_digest = ids.digest(token(link))
    return link


def put(tx: Transaction, link: Link, *, otherwise: PortalError | None = None) -> None:
    """Write it; the one before stops. `otherwise`: what it means that another was written meanwhile (Overtaken)."""
    before = Link.generation == link.generation - 1
    tx.put(link, when=before if link.generation > 1 else Link.pk.does_not_exist(), otherwise=otherwise or Overtaken())


def token(link: Link) -> str:
    """The secret part of the mailed address, derived again whenever it is mailed."""
    parts = (link.tenant_id, link.email_digest, link.realm, link.purpose, str(int(link.generation)))
    secret = stage_secrets.token("link", *parts)
    return f"{link.tenant_id}.{link.email_digest}.{_LETTERS[link.realm]}.{secret}"


def of(tenant_id: str, about: dict[str, Any]) -> Link | None:
    """The link that a mail of the outbox is about, if it is still the newest and open; None: the mail is not wanted."""
    place = {name: about[name] for name in ("email_digest", "realm", "purpose")}
    link = Link.find(tenant_id=tenant_id, **place)
    wanted = link is not None and link.generation == about["generation"] and link.status == "open"
    return link if wanted and link is not None and clock.text(clock.now()) < link.ends_at else None


def ids_of(link: Link) -> dict[str, Any]:
    """What the outbox notes of a link: `of` finds it again."""
    return {
        "email_digest": link.email_digest,
        "realm": link.realm,
        "purpose": link.purpose,
        "generation": int(link.generation),
    }


def find(typed: str, purpose: str) -> Link:
    """The link of a token, whatever has become of it. Raises NotFound (never ours, or replaced)."""
    parts = typed.split(".")
    if len(parts) != 4 or not ids.is_id(parts[0]) or not _DIGEST.fullmatch(parts[1]) or parts[2] not in _REALMS:
        raise NotFound()
    place: dict[str, Any] = {"tenant_id": parts[0], "email_digest": parts[1], "realm": _REALMS[parts[2]]}
    link = Link.find(**place, purpose=purpose)
    if link is None or not ids.same(ids.digest(typed), link.token_digest):
        raise NotFound()
    return link


def state(link: Link) -> str:
    """open, used or expired."""
    if link.status != "open":
        return "used"
    return "expired" if link.ends_at <= clock.text(clock.now()) else "open"


def read(typed: str, purpose: str) -> Link:
    """The link that a token opens. Raises NotFound (never ours, or replaced), LinkUsed, LinkExpired."""
    link = find(typed, purpose)
    if (now := state(link)) != "open":
        raise LinkUsed() if now == "used" else LinkExpired()
    return link


def use(tx: Transaction, link: Link) -> None:
    """Within the transaction of what the link allows: exactly one of any number of tries wins (LinkUsed)."""
    tx.update(
        link,
        Link.status.set("used"),
        when=(Link.status == "open")
        & (Link.token_digest == link.token_digest)
        & (Link.ends_at > clock.text(clock.now())),
        otherwise=LinkUsed(),
    )


def beside(link: Link, purpose: str) -> Link | None:
    """The open link of another purpose that is in the same mailbox, if there is one."""
    place: dict[str, Any] = {"tenant_id": link.tenant_id, "email_digest": link.email_digest, "realm": link.realm}
    found = Link.find(**place, purpose=purpose)
    return found if found is not None and state(found) == "open" else None


def revoke(tx: Transaction, link: Link, *, otherwise: PortalError) -> None:
    """Within a transaction: an open link opens nothing any more. `otherwise`: it was used or replaced meanwhile."""
    as_read = (Link.status == "open") & (Link.generation == link.generation)
    tx.update(link, Link.status.set("revoked"), when=as_read, otherwise=otherwise)
