"""Signing in, staying signed in, signing out (notes: security 3.1, 3.2, 3.7)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib import clock, ids
from chalicelib.config import settings
from chalicelib.context import Actor, Context, Persona
from chalicelib.errors import (
    Busy,
    Forbidden,
    InvalidCredentials,
    NotFound,
    PortalError,
    ProofFailed,
    ProofRequired,
    SecondFactorRequired,
    Unauthenticated,
)
from chalicelib.models.accounts import Account, ClientSession, StaffSession
from chalicelib.models.clients import Assignment, Client, Document
from chalicelib.models.idempotency import ClientRequest, ProgramRequest, StaffRequest
from chalicelib.models.intakes import Intake
from chalicelib.models.invoices import Invoice, Print
from chalicelib.models.mails import Mail
from chalicelib.models.messages import Thread
from chalicelib.models.payments import Payment
from chalicelib.models.slots import Appointment, Wait
from chalicelib.models.staff import Staff
from chalicelib.models.table import Record, load
from chalicelib.models.tenants import Tenant
from chalicelib.models.tokens import ApiToken
from chalicelib.models.transaction import Transaction, change
from chalicelib.models.uploads import Upload
from chalicelib.policies.decide import Facts
from chalicelib.policies.rules import Role
from chalicelib.services import accounts, audits, devices, letters, mails, tenants, tokens

ABSOLUTE = timedelta(hours=12)
TOUCH = timedelta(seconds=45)  # how stale `seen_at` may be before a request writes it again
FRESH = timedelta(minutes=15)  # how long a password, or a pause, counts (notes: security 3.1)

STAFF, CLIENT, PROGRAM = "staff", "client", "program"
_LETTER = {STAFF: "s", CLIENT: "c"}
_KIND = {letter: kind for kind, letter in _LETTER.items()}
# By kind of bearer: the record of what they bring, of who they are, and of an earlier request with the same key.
_RECORDS: dict[str, tuple[type[Record], type[Record], type[Record]]] = {
    STAFF: (StaffSession, Staff, StaffRequest),
    CLIENT: (ClientSession, Client, ClientRequest),
    PROGRAM: (ApiToken, Staff, ProgramRequest),
}


@dataclass(frozen=True)
class Caller:
    """Where a request comes from, as CloudFront and the browser say."""

    address: str
    device: str | None
    request_id: str
    device_token: str | None = None


@dataclass(frozen=True)
class Bearer:
    """What a session's or a program's token says before it is checked: whose partition to look in."""

    kind: str
    tenant_id: str
    person_id: str  # of a program: the staff member who made its token
    secret_digest: str
    token_id: str = ""


def read_token(token: str) -> Bearer:
    """The parts of a token. Raises Unauthenticated when it cannot be one of ours."""
    if tokens.is_token(token):
        read = tokens.read(token)
        return Bearer(PROGRAM, read.tenant_id, read.staff_id, ids.digest(token), read.token_id)
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
NAMED: dict[str, type[Record]] = {
    "intake_id": Intake,
    "document_id": Document,
    "upload_id": Upload,
    "appointment_id": Appointment,
    "invoice_id": Invoice,
    "payment_id": Payment,
    "sheet_id": Print,
    "wait_id": Wait,
    "thread_id": Thread,
}


def recognize(
    token: str,
    client_id: str | None,
    key_digest: str | None,
    background: bool,
    caller: Caller,
    about: Mapping[str, str] | None = None,
) -> Context:
    """The context of a request by the holder of a session or of an API token: one BatchGetItem loads every fact that a
    decision needs.

    `about` is what the address names; of it the records of NAMED are loaded along, for whoever may see them.
    Raises Unauthenticated for a session or token that is unknown, over, revoked, idle too long, or whose person may no
    longer sign in; TooManyRequests for a program that asks too often.
    """
    bearer = read_token(token)
    practice = bearer.kind != CLIENT
    session_kind, person_kind, request_kind = _RECORDS[bearer.kind]
    person = {"staff_id" if practice else "client_id": bearer.person_id, "tenant_id": bearer.tenant_id}
    own = {**person, "token_id": bearer.token_id}
    of_client = {"tenant_id": bearer.tenant_id, "client_id": client_id}
    whose = of_client if practice else {**of_client, "client_id": bearer.person_id}
    names = [name for name in NAMED if about and name in about] if whose["client_id"] else []
    session, who, tenant, client, assignment, request, *named = load(
        (session_kind, {**own, "token_digest": bearer.secret_digest}),
        (person_kind, person),
        (Tenant, {"tenant_id": bearer.tenant_id}),
        (Client, of_client) if client_id else None,
        (Assignment, {**of_client, "staff_id": bearer.person_id}) if client_id and practice else None,
        (request_kind, {**own, "key_digest": key_digest}) if key_digest else None,
        *((NAMED[name], {**(about or {}), **whose}) for name in names),
    )
    now = clock.now()
    if session is None or who is None or tenant is None or not _may_continue(session, who, tenant, bearer, now):
        raise Unauthenticated()
    if bearer.kind == PROGRAM:
        tokens.use(session, now)
    elif not background and now - clock.parse(session.seen_at) > TOUCH:
        _touch(session, now)
    context = Context(
        tenant_id=bearer.tenant_id,
        actor=_actor(bearer, who, session),
        now=now,
        persona=Persona.PRACTICE if practice else Persona.PORTAL,
        request_id=caller.request_id,
        address=caller.address,
        device=caller.device,
        tenant=tenant,
        session=session if bearer.kind != PROGRAM else None,
        program=session if bearer.kind == PROGRAM else None,
        person=who,
        client=client if practice else who,
        token=token,
    )
    context.circumstances = tenants.circumstances(
        tenant,
        seat=who.seat if practice else None,
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
    practice = context.actor.kind != CLIENT
    return Facts(
        roles=context.actor.roles,
        is_self=context.is_self,  # what is one's own is addressed by the session; only calendars by an id
        is_assigned=context.is_assigned,
        may_invite=practice and context.person is not None and bool(context.person.may_invite),  # None: left since
        may_bill=practice and context.person is not None and bool(context.person.may_bill),
        scopes=None if context.program is None else frozenset(context.program.scopes),
        is_member=not practice or "thread_id" not in context.named or _takes_part(context),
        exists=context.client is not None or not context.names_client,
        circumstances=context.circumstances,
    )


def _takes_part(context: Context) -> bool:
    """Whether this staff member takes part in the thread that the address names; one that is not there has nobody."""
    thread = context.named["thread_id"]
    return thread is not None and context.actor.staff_id in thread.members


def _actor(bearer: Bearer, who: Any, session: Any) -> Actor:
    roles = frozenset({Role.CLIENT}) if bearer.kind == CLIENT else frozenset(Role(role) for role in who.roles)
    if bearer.kind == PROGRAM:
        return Actor(PROGRAM, bearer.token_id, tokens.actor_name(who), roles, created_by=bearer.person_id)
    name = who.name if bearer.kind == STAFF else who.legal_name
    return Actor(bearer.kind, bearer.person_id, name, roles, session.session_id)


def _may_continue(session: Any, who: Any, tenant: Tenant, bearer: Bearer, now: datetime) -> bool:
    if bearer.kind == PROGRAM:  # the digest is of the whole text, so that whose token it is cannot be changed in it
        good = ids.same(session.secret_digest, bearer.secret_digest) and tokens.is_live(session, now)
        return good and tokens.is_answered_for(session, who)
    return _is_open(session, who, tenant, bearer.kind, now)


def _is_open(session: Any, who: Any, tenant: Tenant, kind: str, now: datetime) -> bool:
    """Whether a session (not a token) still opens something."""
    of_this_era = (session.era or 0) == (who.era or 0)
    in_time = now < clock.parse(session.ends_at) and now < idle_ends(session, tenant, kind)
    return may_sign_in(who) and of_this_era and in_time


def may_sign_in(who: Staff | Client) -> bool:
    """Whether this person may have a session at all."""
    return bool(who.status == "active" if isinstance(who, Staff) else who.portal == "active")


def holder(account: Account) -> Staff | Client | None:
    """Whom an account is for, if they may sign in."""
    principal = account.principals[0]
    kind: type[Record] = Staff if principal["kind"] == STAFF else Client
    (who,) = load((kind, {"tenant_id": account.tenant_id, f"{principal['kind']}_id": principal["id"]}))
    return who if who is not None and may_sign_in(who) else None


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
    """Raise ProofRequired when what is asked needs the password first (OWASP ASVS 7.5.1); no program can give it."""
    if wanted is None:
        return
    if context.session is None:
        raise Forbidden()
    recent = context.now - clock.parse(context.session.proved_at) <= FRESH
    if not recent and (wanted == RECENT or context.session.broken):
        raise ProofRequired()


def prove(context: Context, password: str, code: str | None) -> None:
    """Give the password (and a code, where the account has a second factor) once more.

    Raises ProofFailed, whatever was wrong; SecondFactorRequired only after the right password; TooManyRequests.
    """
    realm = accounts.STAFF if context.actor.kind == STAFF else accounts.PORTAL
    email = str(context.person.email)
    seconds = context.now.timestamp()
    subject = (context.tenant_id, realm, email)
    accounts.throttle(context.tenant_id, settings.limit("sign_in_account"), seconds, "account", *subject)
    account = accounts.find(context.tenant_id, realm, email)
    if not accounts.password_matches(account, password) or account is None or account.status != "active":
        raise ProofFailed()
    if context.actor.kind == STAFF or account.totp:
        try:
            _second_factor(account, code, seconds)
        except InvalidCredentials:
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


def sign_in(
    slug: str,
    kind: str,
    email: str,
    password: str,
    code: str | None,
    bearer: bool,
    caller: Caller,
    recovery_code: str | None = None,
) -> Context:
    """A new session. One answer for every wrong thing (InvalidCredentials), in the same time; or TooManyRequests.

    Staff, and clients who chose so, give a second factor too: SecondFactorRequired only after the right password, and
    for staff not where they gave one within the day. A code opens once; so does each of the recovery codes.
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
    who = holder(account)
    if who is None:
        raise InvalidCredentials()
    context = context_for(who, tenant, kind, caller)
    device = devices.recall(context, bearer=bearer)
    method = _method(context, account, device, code, recovery_code, bearer)
    accounts.forgive(tenant.tenant_id, settings.limit("sign_in_account"), seconds, "account", *subject)
    start(context, method=method, bearer=bearer, device=device)
    return context


PASSWORD, CODE, RECOVERY, TRUSTED = (
    "password",
    "password and one-time code",
    "password and recovery code",
    "password, on a device where a one-time code was given that day",
)


def _method(
    context: Context, account: Account, device: Any, code: str | None, recovery_code: str | None, bearer: bool
) -> str:
    """What proved who it is besides the password, in words for the record. Raises what `sign_in` raises."""
    seconds, staff = context.now.timestamp(), context.actor.kind == STAFF
    if not staff and not account.totp:
        return PASSWORD
    if recovery_code:
        _throttle_codes(account, seconds)
        if not _use_recovery_code(context, account, recovery_code):
            raise InvalidCredentials()
        return RECOVERY
    era = int(context.person.era or 0)
    if not code and staff and not bearer and devices.is_trusted(device, era, context.now):
        return TRUSTED
    _second_factor(account, code, seconds)
    if staff and not bearer:
        devices.trust(device, era, context.now)
    return CODE


def _use_recovery_code(context: Context, account: Account, typed: str) -> bool:
    """Strike a recovery code from the list and tell the holder; False if it is none, or was used a moment ago."""
    digest = accounts.recovery_digest(account.tenant_id, context.actor.id, typed)
    left = list(account.recovery or [])
    if digest not in left:
        return False
    own = context.actor.id if context.actor.kind == CLIENT else None
    mail = mails.to_person(context.now, context.person, letters.RECOVERY_CODE_USED)
    try:
        with Transaction() as tx:
            tx.update(
                account,
                Account.recovery.set([each for each in left if each != digest]),
                when=Account.recovery == left,
                otherwise=InvalidCredentials(),
            )
            tx.create(mail)
            tx.create(audits.event(context, "session:recover", client_id=own))
    except InvalidCredentials:
        return False
    mails.hand_over(mail)
    return True


def _throttle_codes(account: Account, seconds: float) -> None:
    limit = settings.limit("second_factor")
    accounts.throttle(account.tenant_id, limit, seconds, "code", account.email_digest)


def _second_factor(account: Account, code: str | None, seconds: float) -> None:
    if not code:
        raise SecondFactorRequired()
    _throttle_codes(account, seconds)
    step = accounts.totp_step(account, code, seconds)
    if step is None or not accounts.use_step(account, step):
        raise InvalidCredentials()


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
        device_token=caller.device_token,
        tenant=tenant,
        person=who,
        client=who if kind == CLIENT else None,
        circumstances=tenants.circumstances(tenant, seat=who.seat if kind == STAFF else None),
    )


def start(context: Context, *, method: str, bearer: bool, device: Any = None) -> None:
    """Give the context a new session and its token; the oldest of too many sessions ends.

    A device that this person has not signed in from before is remembered, and they are told by mail, but not at their
    very first sign-in. `device`: as `devices.recall` gave it, if it was asked already.
    """
    device = device if device is not None else devices.recall(context, bearer=bearer)
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
        era=context.person.era,
    )
    _end_oldest(session_kind, person, settings.limit("sessions")[0] - 1)
    context.actor = Actor(kind, person_id, context.actor.name, context.actor.roles, session.session_id)
    notes = _news_of(context, device)
    with Transaction() as tx:
        tx.create(session)
        tx.create(audits.event(context, "session:create", client_id=person_id if kind == CLIENT else None))
        if devices.worth_keeping(device, context.now, trusted=method == CODE and kind == STAFF and not bearer):
            tx.put(device)
        if context.person.signed_in_at is None:
            tx.update(context.person, type(context.person).signed_in_at.set(at))
        for note in notes:
            tx.create(note)
    mails.hand_over(*notes)
    context.session, context.token = session, token


def _news_of(context: Context, device: Any) -> list[Mail]:
    """The mail about a new device, where there is one to send."""
    if context.person.signed_in_at is None or not devices.is_new(device, context.now):
        return []
    about = {"happened_at": clock.text(context.now), "device": str(devices.described(context.device))}
    return [mails.to_person(context.now, context.person, letters.NEW_DEVICE, **about)]


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


# ---- one's own sessions, and the end of all of them ----


def mine(context: Context) -> list[Any]:
    """The sessions of whoever asks that still open something: this one first, then the one last used."""
    kind = type(context.session)
    person = {f"{context.actor.kind}_id": context.actor.id, "tenant_id": context.tenant_id}
    found = [
        each
        for each in kind.every(kind.KEY, consistent=True, **person)
        if _is_open(each, context.person, context.tenant, context.actor.kind, context.now)
    ]
    here = context.session.session_id
    return sorted(found, key=lambda each: (each.session_id == here, str(each.seen_at)), reverse=True)


def end_one(context: Context, session_id: str) -> None:
    """End one of one's own sessions, by the id in the list. Raises NotFound."""
    session = next((each for each in mine(context) if each.session_id == session_id), None)
    if session is None:
        raise NotFound()
    own = context.actor.id if context.actor.kind == CLIENT else None
    with Transaction() as tx:
        tx.delete(session)
        tx.create(audits.event(context, "session:end", client_id=own, session_id=session_id))


def end_everywhere(context: Context) -> None:
    """Sign out on every device, this one included; no device is trusted any more, and programs are out, too."""
    own = context.actor.id if context.actor.kind == CLIENT else None
    with Transaction() as tx:
        end_all(tx, context.person, *programs_of(context.person))
        tx.create(audits.event(context, "session:end_everywhere", client_id=own))


def programs_of(who: Staff | Client) -> list[Action]:
    """For `end_all`, where the account may have been in other hands: the person's API tokens stop for good, too."""
    return [tokens.stop_all()] if isinstance(who, Staff) else []


def end_all(
    tx: Transaction,
    who: Staff | Client,
    *actions: Action,
    when: Condition | None = None,
    otherwise: PortalError | None = None,
    keep: Any = None,
) -> None:
    """Within the transaction that is the reason: every session of this person opens nothing from the commit on, those
    that begin at the same moment included, and no device is trusted any more. `keep`: but for this session.

    It is one number on the person's record, read with every request; so further changes of that record (`actions`) and
    their condition go along. Raises `otherwise` (Busy) when the condition fails or the person changed meanwhile.
    """
    kind = type(who)
    era = int(who.era or 0)
    unchanged = kind.era == era if who.era is not None else kind.era.does_not_exist()
    tx.update(
        who,
        kind.era.set(era + 1),
        *actions,
        when=unchanged & when if when is not None else unchanged,
        otherwise=otherwise or Busy(retry_after=1),
    )
    if keep is not None:
        tx.update(keep, type(keep).era.set(era + 1), otherwise=Unauthenticated())
