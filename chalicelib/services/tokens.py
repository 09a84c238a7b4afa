"""API tokens: made and revoked by administrators, shown once, recognized with every request of a program.

A token is `cptok_{tenant}_{creator}_{token}_{256 bits}`: the prefix and the fixed lengths let secret scanners find one
that was published, the ids say where to look, and what is stored is the digest of the whole text. It opens what its
creator may do at that moment, as far as its scopes name it (policies/scopes.py).

It is as good as the account that made it, so it stops for good (`stop_all`) with what takes that account out of
someone's hands: its creator is disabled, is an administrator no longer, sets a forgotten password, is signed out
everywhere (by themselves or by an administrator), or has the second factor reset. Being enabled again brings none
back. A new password or authenticator that the holder chooses in the account leaves them: nothing is suspected there,
and programs go on.
"""

import re
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple

from pynamodb.expressions.update import Action

from chalicelib import clock, ids
from chalicelib.adapters import keys
from chalicelib.config import settings
from chalicelib.context import Context
from chalicelib.errors import NotFound, TooManyTokens, Unauthenticated
from chalicelib.models.staff import Staff
from chalicelib.models.table import load
from chalicelib.models.tokens import ApiToken
from chalicelib.models.transaction import Transaction, change
from chalicelib.services import accounts, audits

PREFIX = "cptok_"
DAYS, DAYS_MOST = 90, 365
SEEN = timedelta(minutes=1)  # how stale `used_at` may be before a request writes it again
KEPT = timedelta(days=90)  # how long a token that ended is still listed

_ID = r"([0-7][0-9A-HJKMNP-TV-Z]{25})"
_FORM = re.compile(rf"{PREFIX}{_ID}_{_ID}_{_ID}_[A-Za-z0-9_-]{{43}}")


class Parts(NamedTuple):
    """What a token says before it is checked."""

    tenant_id: str
    staff_id: str
    token_id: str


class Listed(NamedTuple):
    """A token as administrators see it. `status`: active, expired, revoked, or stopped (for good) with its creator."""

    token: ApiToken
    name: str
    status: str
    created_by_name: str


def is_token(text: str) -> bool:
    """Whether this claims to be an API token (and not a session's)."""
    return text.startswith(PREFIX)


def read(text: str) -> Parts:
    """The parts of a token. Raises Unauthenticated when it cannot be one of ours."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise Unauthenticated()
    return Parts(*found.groups())


# ---- with every request of a program ----


def is_live(token: ApiToken, now: datetime) -> bool:
    """Neither revoked nor over. Whether its creator still answers for it is for `is_answered_for`."""
    return token.revoked_at is None and now < clock.parse(token.ends_at)


def is_answered_for(token: ApiToken, creator: Staff | None) -> bool:
    """Whether its creator may sign in, and nothing has stopped their tokens since it was made."""
    return creator is not None and creator.status == "active" and int(token.era or 0) == int(creator.token_era or 0)


def stop_all() -> Action:
    """For the change of a staff member's record that is the reason: every token of theirs stops, for good."""
    return Staff.token_era.add(1)


def use(token: ApiToken, now: datetime) -> None:
    """Count one request. Raises TooManyRequests past the limit; notes, at most once a minute, that it was used."""
    accounts.throttle(token.tenant_id, settings.limit("token"), now.timestamp(), "token", token.token_id)
    if token.used_at is None or now - clock.parse(token.used_at) > SEEN:
        # One that is revoked at this moment stays revoked: a single attribute changes, and only while it is live.
        live = ApiToken.revoked_at.does_not_exist()
        change(token, ApiToken.used_at.set(clock.text(now)), when=live, otherwise=Unauthenticated())
        token.used_at = clock.text(now)


def actor_name(creator: Staff) -> str:
    """Who did it, where staff see a name: the one who answers for the program."""
    return f"{creator.name} (API token)"


# ---- administration ----


def create(context: Context, name: str, scopes: Collection[str], days: int) -> tuple[Listed, str]:
    """A new token and, this once, its text. Raises TooManyTokens, TooManyRequests.

    The number is a guard against losing sight, not an account: two made at the same moment may exceed it by one.
    """
    now = context.now
    accounts.throttle(context.tenant_id, settings.limit("tokens_made"), now.timestamp(), "tokens")
    live = [each for each in listed(context) if each.status == "active"]
    if len(live) >= settings.limit("tokens")[0]:
        raise TooManyTokens()
    token_id, ends = ids.new_id(now), now + timedelta(days=days)
    text = f"{PREFIX}{context.tenant_id}_{context.actor.id}_{token_id}_{ids.new_secret()}"
    token = ApiToken.new(
        tenant_id=context.tenant_id,
        token_id=token_id,
        staff_id=context.actor.id,
        secret_digest=ids.digest(text),
        name=keys.encrypt(context.tenant_id, name, _place(token_id)),
        scopes=sorted(set(scopes)),
        era=int(context.person.token_era or 0),
        created_at=clock.text(now),
        ends_at=clock.text(ends),
        expires_at=int((ends + KEPT).timestamp()),
    )
    with Transaction() as tx:
        tx.create(token)
        tx.create(audits.event(context, "token:create", token_id=token_id, scopes=",".join(token.scopes)))
    return Listed(token, name, "active", context.person.name), text


def listed(context: Context) -> list[Listed]:
    """The organization's tokens, newest first: those that live, and those that ended within 90 days."""
    return _shown(context, _every(context))


def revoke(context: Context, token_id: str) -> Listed:
    """End a token: it opens nothing from the next request on. Once it has ended, nothing changes. Raises NotFound."""
    token = ApiToken.find(tenant_id=context.tenant_id, token_id=token_id)
    if token is None or _is_gone(token, context.now):
        raise NotFound()
    if is_live(token, context.now):
        at = clock.text(context.now)
        with Transaction() as tx:
            tx.update(
                token,
                ApiToken.revoked_at.set(at),
                ApiToken.revoked_by.set(context.actor.id),
                ApiToken.expires_at.set(int((context.now + KEPT).timestamp())),
            )
            tx.create(audits.event(context, "token:revoke", token_id=token_id))
        token.revoked_at = at
    return _shown(context, [token])[0]


def _every(context: Context) -> list[ApiToken]:
    found = ApiToken.every(ApiToken.KEY, tenant_id=context.tenant_id, newest_first=True, consistent=True)
    return [each for each in found if not _is_gone(each, context.now)]


def _is_gone(token: ApiToken, now: datetime) -> bool:
    return bool(token.expires_at < now.timestamp())  # DynamoDB removes late


def _shown(context: Context, found: list[ApiToken]) -> list[Listed]:
    makers = list(dict.fromkeys(token.staff_id for token in found))
    wanted = [(Staff, {"tenant_id": context.tenant_id, "staff_id": each}) for each in makers]
    staff = dict(zip(makers, load(*wanted), strict=True))
    return [_listed(token, staff[token.staff_id], context.now) for token in found]


def _listed(token: ApiToken, creator: Staff | None, now: datetime) -> Listed:
    if token.revoked_at is not None:
        status = "revoked"
    elif not is_live(token, now):
        status = "expired"
    else:
        status = "active" if is_answered_for(token, creator) else "stopped"
    name = keys.decrypt(token.tenant_id, token.name, _place(token.token_id))
    return Listed(token, str(name), status, creator.name if creator is not None else "")


def _place(token_id: str) -> str:
    return f"token|{token_id}"
