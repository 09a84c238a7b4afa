"""Signing in, staying signed in, signing out (notes: security 3.1, 3.2, 3.7)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from chalicelib import clock, ids
from chalicelib.config import settings
from chalicelib.context import Actor, Context, Persona
from chalicelib.errors import (
    InvalidCredentials,
    NotFound,
    ProofFailed,
    ProofRequired,
    SecondFactorRequired,
    Unauthenticated,
)
from chalicelib.models.accounts import Account, ClientSession, StaffSession
from chalicelib.models.clients import Assignment, Client, Document
from chalicelib.models.idempotency import ClientRequest, StaffRequest
from chalicelib.models.intakes import Intake
from chalicelib.models.slots import Appointment
from chalicelib.models.staff import Staff
from chalicelib.models.table import Record, load
from chalicelib.models.tenants import Tenant
from chalicelib.models.transaction import Transaction, change
from chalicelib.policies.decide import Facts
from chalicelib.policies.rules import Role
from chalicelib.services import accounts, audits, tenants

ABSOLUTE = timedelta(hours=12)
TOUCH = timedelta(seconds=45)  # how stale `seen_at` may be before a request writes it again
FRESH = timedelta(minutes=15)  # how long a password, or a pause, counts (notes: security 3.1)

STAFF, CLIENT = "staff", "client"
_LETTER = {STAFF: "s", CLIENT: "c"}
_KIND = {letter: kind for kind, letter in _LETTER.items()}


@dataclass(frozen=True)
class Caller:
    """Where a request comes from, as CloudFront and the browser say."""

    address: str
    device: str | None
    request_id: str


@dataclass(frozen=True)
class Bearer:
    """What a session token says before it is checked: whose partition to look in."""

    kind: str
    tenant_id: str
    person_id: str
    secret_digest: str


def read_token(token: str) -> Bearer:
    """The parts of a token. Raises Unauthenticated when it cannot be one of ours."""
    parts = token.split(".")
    well_formed = (
        len(parts) == 4
        and parts[0] in _KIND
        and ids.is_id(parts[1])
        and ids.is_id(parts[2])
        and 40 <= len(parts[3]) <= 64
    )
    if not well_formed:
        raise Unauthenticated()
    return Bearer(_KIND[parts[0]], parts[1], parts[2], ids.digest(token))


def csrf_token(token: str) -> str:
    """What the portal's own pages send along with a change: bound to the session, useless without it."""
    return ids.digest(f"csrf:{token}")[:43]


# ---- who asks: one strongly consistent read ----


# What an address may name besides the client: read in the same round trip, from the client's own partition.
NAMED: dict[str, type[Record]] = {"intake_id": Intake, "document_id": Document, "appointment_id": Appointment}


def recognize(
    token: str,
    client_id: str | None,
    key_digest: str | None,
    background: bool,
    caller: Caller,
    about: Mapping[str, str] | None = None,
) -> Context:
    """The context of a request by the session's holder: one BatchGetItem loads every fact that a decision needs.

    `about` is what the address names; of it the records of NAMED are loaded along, for whoever may see them.
    Raises Unauthenticated for a session that is unknown, over, idle too long, or whose person may no longer sign in.
    """
    bearer = read_token(token)
    person = {f"{bearer.kind}_id": bearer.person_id, "tenant_id": bearer.tenant_id}
    session_kind: type[Record] = StaffSession if bearer.kind == STAFF else ClientSession
    person_kind: type[Record] = Staff if bearer.kind == STAFF else Client
    request_kind: type[Record] = StaffRequest if bearer.kind == STAFF else ClientRequest
    of_client = {"tenant_id": bearer.tenant_id, "client_id": client_id}
    whose = {**of_client, "client_id": bearer.person_id} if bearer.kind == CLIENT else of_client
    names = [name for name in NAMED if about and name in about] if whose["client_id"] else []
    session, who, tenant, client, assignment, request, *named = load(
        (session_kind, {**person, "token_digest": bearer.secret_digest}),
        (person_kind, person),
        (Tenant, {"tenant_id": bearer.tenant_id}),
        (Client, of_client) if client_id else None,
        (Assignment, {**of_client, "staff_id": bearer.person_id}) if client_id and bearer.kind == STAFF else None,
        (request_kind, {**person, "key_digest": key_digest}) if key_digest else None,
        *((NAMED[name], {**(about or {}), **whose}) for name in names),
    )
    now = clock.now()
    if session is None or who is None or tenant is None or not _may_continue(session, who, tenant, bearer.kind, now):
        raise Unauthenticated()
    if not background and now - clock.parse(session.seen_at) > TOUCH:
        _touch(session, now)
    context = Context(
        tenant_id=bearer.tenant_id,
        actor=_actor(bearer, who, session),
        now=now,
        persona=Persona.PRACTICE if bearer.kind == STAFF else Persona.PORTAL,
        request_id=caller.request_id,
        address=caller.address,
        device=caller.device,
        tenant=tenant,
        session=session,
        person=who,
        client=who if bearer.kind == CLIENT else client,
        token=token,
    )
    context.circumstances = tenants.circumstances(
        tenant,
        seat=who.seat if bearer.kind == STAFF else None,
        client_off=context.client.features_off if context.client else (),
    )
    context.names_client = client_id is not None
    # Whose calendar the address names: a therapist's own, or a colleague's, which only administrators reach.
    context.is_self = not about or about.get("therapist_id", bearer.person_id) == bearer.person_id
    context.is_assigned = assignment is not None
    context.request = request
    context.named = dict(zip(names, named, strict=True))
    return context


def facts(context: Context) -> Facts:
    """The facts of a decision, from what `recognize` read."""
    staff = context.actor.kind == STAFF
    return Facts(
        roles=context.actor.roles,
        is_self=context.is_self,  # what is one's own is addressed by the session; only calendars by an id
        is_assigned=context.is_assigned,
        may_invite=staff and bool(context.person.may_invite),
        exists=context.client is not None or not context.names_client,
        circumstances=context.circumstances,
    )


def _actor(bearer: Bearer, who: Any, session: Any) -> Actor:
    roles = frozenset(Role(role) for role in who.roles) if bearer.kind == STAFF else frozenset({Role.CLIENT})
    name = who.name if bearer.kind == STAFF else who.legal_name
    return Actor(bearer.kind, bearer.person_id, name, roles, session.session_id)


def _may_continue(session: Any, who: Any, tenant: Tenant, kind: str, now: datetime) -> bool:
    may_sign_in = who.status == "active" if kind == STAFF else who.portal == "active"
    return may_sign_in and now < clock.parse(session.ends_at) and now < idle_ends(session, tenant, kind)


def idle_ends(session: Any, tenant: Tenant, kind: str) -> datetime:
    """When the session ends unless something is done in it (45 CFR 164.312(a)(2)(iii))."""
    minutes = tenants.setting(tenant, "idle_minutes_staff" if kind == STAFF else "idle_minutes_clients")
    return clock.parse(session.seen_at) + timedelta(minutes=minutes)


def _touch(session: Any, now: datetime) -> None:
    """Note that something was done, or that there was a pause; a session that was ended meanwhile stays ended."""
    actions = [type(session).seen_at.set(clock.text(now))]
    if now - clock.parse(session.seen_at) > FRESH:
        actions.append(type(session).broken.set(True))
        session.broken = True
    change(session, *actions, otherwise=Unauthenticated())
    session.seen_at = clock.text(now)


# ---- proving it once more ----

RECENT = "recent"  # the password was given within 15 minutes: for what changes who may sign in
UNBROKEN = "unbroken"  # or nobody was away for so long since: for signing; autosave counts as being there


def require_proof(context: Context, wanted: str | None) -> None:
    """Raise ProofRequired when what is asked needs the password first (OWASP ASVS 7.5.1)."""
    if wanted is None:
        return
    recent = context.now - clock.parse(context.session.proved_at) <= FRESH
    if not recent and (wanted == RECENT or context.session.broken):
        raise ProofRequired()


def prove(context: Context, password: str, code: str | None) -> None:
    """Give the password (staff: and a code) once more. Raises ProofFailed, whatever was wrong, and TooManyRequests."""
    realm = accounts.STAFF if context.actor.kind == STAFF else accounts.PORTAL
    email = str(context.person.email)
    seconds = context.now.timestamp()
    subject = (context.tenant_id, realm, email)
    accounts.throttle(context.tenant_id, settings.limit("sign_in_account"), seconds, "account", *subject)
    account = accounts.find(context.tenant_id, realm, email)
    if not accounts.password_matches(account, password) or account is None or account.status != "active":
        raise ProofFailed()
    if context.actor.kind == STAFF:
        try:
            _second_factor(account, code, seconds)
        except (InvalidCredentials, SecondFactorRequired):
            raise ProofFailed() from None
    accounts.forgive(context.tenant_id, settings.limit("sign_in_account"), seconds, "account", *subject)
    session, kind = context.session, type(context.session)
    own = context.actor.id if context.actor.kind == CLIENT else None
    with Transaction() as tx:
        tx.update(
            session, kind.proved_at.set(clock.text(context.now)), kind.broken.remove(), otherwise=Unauthenticated()
        )
        tx.create(audits.event(context, "session:prove", client_id=own))
    session.proved_at, session.broken = clock.text(context.now), None


def extend(context: Context) -> None:
    """Stay signed in."""
    _touch(context.session, context.now)


# ---- signing in and out ----


def sign_in(slug: str, kind: str, email: str, password: str, code: str | None, bearer: bool, caller: Caller) -> Context:
    """A new session. One answer for every wrong thing (InvalidCredentials), in the same time; or TooManyRequests.

    Staff give a second factor too: SecondFactorRequired only after the right password. A code opens once.
    """
    now = clock.now()
    try:
        tenant = tenants.by_slug(slug)
    except NotFound:
        limit = settings.limit("sign_in_address")
        accounts.throttle("PUBLIC", limit, now.timestamp(), "address", caller.address)
        accounts.password_matches(None, password)
        raise InvalidCredentials() from None
    address = accounts.canonical_email(email)
    realm = accounts.STAFF if kind == STAFF else accounts.PORTAL
    subject = (tenant.tenant_id, realm, address or "?")
    seconds = now.timestamp()
    accounts.throttle(tenant.tenant_id, settings.limit("sign_in_address"), seconds, "address", caller.address)
    accounts.throttle(tenant.tenant_id, settings.limit("sign_in_tenant"), seconds, "tenant")
    accounts.throttle(tenant.tenant_id, settings.limit("sign_in_account"), seconds, "account", *subject)
    account = accounts.find(tenant.tenant_id, realm, address) if address else None
    if not accounts.password_matches(account, password) or account is None or account.status != "active":
        raise InvalidCredentials()
    if kind == STAFF:
        _second_factor(account, code, seconds)
    accounts.forgive(tenant.tenant_id, settings.limit("sign_in_account"), seconds, "account", *subject)
    context = _context_of(account, tenant, kind, caller)
    method = "password and one-time code" if kind == STAFF else "password"
    start(context, method=method, bearer=bearer)
    return context


def _second_factor(account: Account, code: str | None, seconds: float) -> None:
    if not code:
        raise SecondFactorRequired()
    limit = settings.limit("second_factor")
    accounts.throttle(account.tenant_id, limit, seconds, "code", account.email_digest)
    step = accounts.totp_step(account, code, seconds)
    if step is None or not accounts.use_step(account, step):
        raise InvalidCredentials()


def _context_of(account: Account, tenant: Tenant, kind: str, caller: Caller) -> Context:
    person_id = account.principals[0]["id"]
    person = {f"{kind}_id": person_id, "tenant_id": tenant.tenant_id}
    (who,) = load((Staff if kind == STAFF else Client, person))
    if who is None or not (who.status == "active" if kind == STAFF else who.portal == "active"):
        raise InvalidCredentials()
    return context_for(who, tenant, kind, caller)


def context_for(who: Any, tenant: Tenant, kind: str, caller: Caller) -> Context:
    """A context for someone who has just proved who they are; `start` gives it a session."""
    roles = frozenset(Role(role) for role in who.roles) if kind == STAFF else frozenset({Role.CLIENT})
    return Context(
        tenant_id=tenant.tenant_id,
        actor=Actor(kind, who.staff_id if kind == STAFF else who.client_id, "", roles),
        now=clock.now(),
        persona=Persona.ACCOUNTS,
        request_id=caller.request_id,
        address=caller.address,
        device=caller.device,
        tenant=tenant,
        person=who,
        client=who if kind == CLIENT else None,
        circumstances=tenants.circumstances(tenant, seat=who.seat if kind == STAFF else None),
    )


def start(context: Context, *, method: str, bearer: bool) -> None:
    """Give the context a new session and its token; the oldest of too many sessions ends."""
    kind, person_id = context.actor.kind, context.actor.id
    token = f"{_LETTER[kind]}.{context.tenant_id}.{person_id}.{ids.new_secret()}"
    session_kind: Any = StaffSession if kind == STAFF else ClientSession
    person = {f"{kind}_id": person_id, "tenant_id": context.tenant_id}
    at = clock.text(context.now)
    session = session_kind.new(
        **person,
        token_digest=ids.digest(token),
        session_id=ids.new_id(context.now),
        started_at=at,
        seen_at=at,
        proved_at=at,
        ends_at=clock.text(context.now + ABSOLUTE),
        expires_at=int((context.now + ABSOLUTE).timestamp()),
        bearer=bearer,
        device=context.device,
        method=method,
    )
    _end_oldest(session_kind, person, settings.limit("sessions")[0] - 1)
    context.actor = Actor(kind, person_id, context.actor.name, context.actor.roles, session.session_id)
    with Transaction() as tx:
        tx.create(session)
        tx.create(audits.event(context, "session:create", client_id=person_id if kind == CLIENT else None))
    context.session, context.token = session, token


def _end_oldest(session_kind: Any, person: dict[str, str], keep: int) -> None:
    sessions = sorted(session_kind.every(session_kind.KEY, consistent=True, **person), key=lambda s: str(s.started_at))
    for session in sessions[: max(0, len(sessions) - keep)]:
        with Transaction() as tx:
            tx.delete(session)


def end(context: Context) -> None:
    """Sign out: the token opens nothing from the next request on."""
    own = context.actor.id if context.actor.kind == CLIENT else None
    with Transaction() as tx:
        tx.delete(context.session)
        tx.create(audits.event(context, "session:end", client_id=own))
