"""The "Sign Up" link: new people, who are let in by the practice (DOMAIN.md 3.6; notes: security 1.10, 1.13, 5.2).

    send → 202 whatever there is → mailed link, 24 hours → confirm (mailbox proved, password chosen) → review queue
                                                        ├ accept: file and account in one transaction, then a mail
                                                        ├ link:   the existing file is invited, to its own address
                                                        └ reject: with a neutral mail, or in silence

Nobody is let in without a person's yes, whether or not a file matches. Were new people let in at once, whoever owns any
mailbox could type somebody else's name and date of birth and read from "the practice will be in touch" that the other
is in therapy here. So both steps of a visitor do the same work and say the same words for everyone; what matches is
looked up only when staff read the queue. What remains is what a person at the practice decides, and the mails that the
holder of a mailbox reads about that mailbox: one that has an account is told so there, and nowhere else.

No existing credential, file or address is ever changed by a visitor (the Cal.com chain; CVE-2021-32101; CVE-2023-2834).
"""

import base64
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from chalicelib import clock, ids
from chalicelib.adapters import keys
from chalicelib.adapters import secrets as stage_secrets
from chalicelib.config import settings
from chalicelib.context import Actor, Context, Persona
from chalicelib.errors import (
    AlreadyActive,
    Busy,
    ClientArchived,
    EmailInUse,
    FeatureSwitchedOff,
    InvalidBody,
    NotFound,
    SignupDecided,
    Stale,
)
from chalicelib.models.accounts import Account, Link
from chalicelib.models.clients import Client, MatchEntry
from chalicelib.models.forms import Form
from chalicelib.models.signups import Signup
from chalicelib.models.table import Page, load
from chalicelib.models.tenants import Tenant
from chalicelib.models.transaction import Transaction
from chalicelib.policies.plans import Feature, why_off
from chalicelib.services import (
    accounts,
    audits,
    clients,
    files,
    forms,
    idempotency,
    intakes,
    invites,
    letters,
    links,
    mails,
    notifications,
    recovery,
    tenants,
)
from chalicelib.services.sessions import Caller

PURPOSE, LIFE = "sign_up", timedelta(hours=24)
LEAST_SECONDS = 3  # between opening the page and sending it: no person fills it in faster, most programs do
KEPT = timedelta(days=30)  # after the decision
TOLD_AT_MOST = 40  # administrators; two records each fit into one transaction
COUNTED_AT_MOST = 100
FEW = 3  # files under one digest that are shown
SAME = timedelta(minutes=10)  # so long sending the very same again mails no second link

# ---- the visitor ----


def is_open(tenant: Tenant) -> bool:
    """Whether new people may sign up: switched on, and the organization may invite (who is let in is invited)."""
    return (
        bool(tenants.setting(tenant, "sign_up")) and why_off(Feature.INVITATIONS, tenants.circumstances(tenant)) is None
    )


def ticket(tenant: Tenant) -> str:
    """What the page must bring back, no sooner than LEAST_SECONDS after it was opened. It says nothing of the visitor,
    works any number of times, and is no more than a hurdle for programs."""
    opened = str(int(clock.now().timestamp()))
    return f"{opened}.{stage_secrets.token('sign_up', tenant.tenant_id, opened)}"


def _is_hurried(tenant: Tenant, shown: str) -> bool:
    opened, _, proof = shown.partition(".")
    if not (opened.isascii() and opened.isdigit()) or len(opened) > 12:
        return True
    if not ids.same(proof, stage_secrets.token("sign_up", tenant.tenant_id, opened)):
        return True
    return clock.now().timestamp() - int(opened) < LEAST_SECONDS


def send(slug: str, typed: dict[str, Any], shown: str, trap: str, caller: Caller) -> None:
    """Mail a link to this address. The same work and silence whatever exists; what an account changes is the mail.

    `typed`: legal_name, preferred_name, birth_date, email, phone. `shown`: the ticket of the page. `trap`: a field that
    people do not see. Whoever fills it in, or is faster than a person, is answered as everyone and nothing happens.
    Raises NotFound, FeatureSwitchedOff, InvalidBody, TooManyRequests: none of them depends on who is known here.
    """
    now = clock.now()
    tenant = tenants.by_slug(slug)
    require_open(tenant)
    email = accounts.canonical_email(typed["email"])
    if email is None:
        detail = "This does not look like an e-mail address."
        raise InvalidBody(errors=[{"pointer": "/email", "code": "not_an_email", "detail": detail}])
    if typed["birth_date"] > clock.today(tenant.zone).isoformat():
        detail = "This day is still to come."
        raise InvalidBody(errors=[{"pointer": "/birth_date", "code": "in_the_future", "detail": detail}])
    _slow_down(tenant, email, now, caller)
    if trap or _is_hurried(tenant, shown):
        return
    digest = accounts.email_digest(tenant.tenant_id, email)
    told_now = {**typed, "email": email}
    if _is_under_way(tenant.tenant_id, digest, told_now, now):
        return
    sealed = keys.encrypt(tenant.tenant_id, told_now, _place(digest))
    told = base64.b64encode(sealed).decode()
    link = links.make(now, tenant.tenant_id, digest, accounts.PORTAL, PURPOSE, LIFE, typed=told)
    mail = mails.to_account(now, link, letters.SIGN_UP)
    try:
        with Transaction() as tx:
            links.put(tx, link)
            tx.create(mail)
    except links.Overtaken:
        return  # sent twice at the same moment: the other one is mailed
    mails.hand_over(mail)


def _is_under_way(tenant_id: str, digest: str, typed: dict[str, Any], now: datetime) -> bool:
    """Whether the very same was sent a moment ago: pressing twice, or after an answer that was lost, must not make the
    link that is in the mail stop."""
    place: dict[str, Any] = {
        "tenant_id": tenant_id,
        "email_digest": digest,
        "realm": accounts.PORTAL,
        "purpose": PURPOSE,
    }
    earlier = Link.find(**place)
    if earlier is None or links.state(earlier) != "open" or now - (clock.parse(earlier.ends_at) - LIFE) > SAME:
        return False
    return typed_with(earlier) == typed


def require_open(tenant: Tenant) -> None:
    """Raise FeatureSwitchedOff where nobody may sign up."""
    if not is_open(tenant):
        raise FeatureSwitchedOff()


def _slow_down(tenant: Tenant, email: str, now: datetime, caller: Caller) -> None:
    subjects = {"sign_up_address": (caller.address,), "sign_up_email": (email,), "sign_up_tenant": ()}
    for name, about in subjects.items():
        accounts.throttle(tenant.tenant_id, settings.limit(name), now.timestamp(), name, *about)


def _place(digest: str) -> str:
    return f"signup|{digest}"


def typed_with(link: Link) -> dict[str, Any]:
    """What was typed when this link was asked for."""
    sealed = base64.b64decode(link.about["typed"])
    typed: dict[str, Any] = keys.decrypt(link.tenant_id, sealed, _place(link.email_digest))
    return typed


def look_up(token: str, caller: Caller) -> tuple[str, dict[str, Any] | None, Tenant]:
    """What a mailed link opens (open, used, expired) and, while it is open, what was typed; nothing is used up.

    Raises NotFound (never ours, or a newer one was mailed), TooManyRequests.
    """
    link, tenant = recovery.look_up(token, PURPOSE, caller)
    state = links.state(link)
    return state, typed_with(link) if state == "open" else None, tenant


def confirm(token: str, password: str, caller: Caller) -> Tenant:
    """The mailbox is proved and a password chosen: the sign-up waits for the practice. Whose practice it is.

    Neither an account nor a file comes of it, nor does anything that exists change: the same for everyone. Whoever
    signs up again before the answer puts right what they typed. Raises NotFound, LinkUsed, LinkExpired,
    FeatureSwitchedOff, InvalidBody, TooManyRequests, Busy.
    """
    link, tenant = recovery.look_up(token, PURPOSE, caller)
    links.read(token, PURPOSE)
    require_open(tenant)
    typed = typed_with(link)
    own = [typed[name] for name in ("legal_name", "preferred_name", "birth_date", "phone", "email")]
    accounts.require_password(password, *own, tenant.name, tenant.slug, tenant.phone)
    context = Context(
        tenant.tenant_id,
        Actor("system", "sign_up"),
        clock.now(),
        Persona.ACCOUNTS,
        request_id=caller.request_id,
        address=caller.address,
        tenant=tenant,
    )
    signup, earlier = _waiting(context, link, typed, accounts.hash_password(password))
    unchanged = Signup.version == earlier.version if earlier else Signup.pk.does_not_exist()
    told = notifications.administrators(tenant.tenant_id)[:TOLD_AT_MOST]
    cause = f"{signup.signup_id}/{int(link.generation)}"
    notes = [
        mails.to_staff(context.now, tenant.tenant_id, who.staff_id, letters.SIGN_UP_WAITING, cause) for who in told
    ]
    about = notifications.SIGN_UP_WAITING
    with Transaction() as tx:
        links.use(tx, link)
        tx.put(signup, when=unchanged, otherwise=Busy(retry_after=1))
        for who, note in zip(told, notes, strict=True):
            tx.put(notifications.notice(who, about, None, context.now, cause))
            tx.put(note)
        tx.create(audits.event(context, "signup:confirm", signup_id=signup.signup_id, consent="contact"))
    mails.hand_over(*notes)
    return tenant


def _waiting(context: Context, link: Link, typed: dict[str, Any], hashed: str) -> tuple[Signup, Signup | None]:
    """The sign-up of this mailbox as it waits from now on, and as it was before."""
    place: dict[str, Any] = {"tenant_id": context.tenant_id, "signup_id": _id_of(context.tenant_id, link.email_digest)}
    earlier = Signup.find(**place)
    signup = Signup.new(
        **place,
        email_digest=link.email_digest,
        status="waiting",
        details=keys.encrypt(context.tenant_id, {**typed, "password_hash": hashed}, _place(link.email_digest)),
        proved_at=clock.text(context.now),
        version=int(earlier.version) + 1 if earlier else 1,
    )
    return signup, earlier


def _id_of(tenant_id: str, digest: str) -> str:
    """One id for each address, so that there is one sign-up of it."""
    return ids.derived_id("signup", tenant_id, digest, at=datetime(2026, 1, 1, tzinfo=UTC))


# ---- the queue ----


def queue(context: Context, limit: int, cursor: str | None) -> Page:
    """Who waits for an answer, newest first."""
    page = Signup.page(Signup.BY_STATUS, tenant_id=context.tenant_id, status="waiting", limit=limit, cursor=cursor)
    return Page([each for each in page.items if each.status == "waiting"], page.next_cursor)


def waiting(context: Context) -> int:
    """How many wait for an answer, up to COUNTED_AT_MOST."""
    return len(queue(context, COUNTED_AT_MOST, None).items)


def get(context: Context, signup_id: str) -> Signup:
    """A sign-up of the organization. Raises NotFound."""
    found = Signup.find(tenant_id=context.tenant_id, signup_id=signup_id)
    if found is None:
        raise NotFound()
    return found


def typed_by(signup: Signup) -> dict[str, Any]:
    """What the holder of the mailbox told, and the digest of the password."""
    typed: dict[str, Any] = keys.decrypt(signup.tenant_id, signup.details, _place(signup.email_digest))
    return typed


class Alike(NamedTuple):
    """A file that may be of the same person, and what is the same: `email`, `name_and_birth_date`."""

    client: Client
    same: list[str]


def alike(signup: Signup) -> list[Alike]:
    """The files that may be of the same person, as they are now, archived ones too; at most FEW of a kind. Whoever has
    the account of the address, or is invited at it, comes first."""
    typed, tenant_id = typed_by(signup), signup.tenant_id
    email, born = typed["email"], typed["birth_date"]
    persons = {digest for name in _names(typed) for digest in files.match_digests(tenant_id, name, born, None)}
    digests = [*files.match_digests(tenant_id, "", None, email), *sorted(persons)]
    account = accounts.find(tenant_id, accounts.PORTAL, email)
    holder = account.principals[0]["id"] if account is not None else None
    wanted = dict.fromkeys(
        [*([holder] if holder else []), *(each for one in digests for each in _under(tenant_id, one))]
    )
    found = load(*((Client, {"tenant_id": tenant_id, "client_id": each}) for each in wanted)) if wanted else []
    alikes = []
    for client in found:
        if client is None:
            continue
        own = files.match_digests(tenant_id, client.legal_name, client.birth_date, None)
        is_same = {
            "email": client.client_id == holder or client.email == email,
            "name_and_birth_date": not persons.isdisjoint(own),
        }
        if same := [name for name, true in is_same.items() if true]:  # an entry is a hint; the file decides
            alikes.append(Alike(client, same))
    return alikes


def _names(typed: dict[str, Any]) -> list[str]:
    """The legal name, and the name used with the family name: a file may be kept under either."""
    legal, used = typed["legal_name"], typed["preferred_name"]
    return [legal, used, f"{used} {legal.split()[-1]}"] if used else [legal]


def _under(tenant_id: str, digest: str) -> list[str]:
    page = MatchEntry.page(MatchEntry.KEY, tenant_id=tenant_id, match_digest=digest, limit=FEW, consistent=True)
    return [each.client_id for each in page.items]


# ---- the answer ----


def accept(context: Context, signup_id: str, despite: Sequence[str]) -> Signup:
    """Let a new person in: file, account, first packet of forms and a mail, all or nothing. Nobody is assigned yet.

    `despite`: the files like this one that the administrator saw; Stale if there is another by now, so that an import
    beside it makes no second file. Raises NotFound, SignupDecided, Stale, EmailInUse (the address has an account, or is
    invited), FeatureNotInPlan, FeatureSwitchedOff.
    """
    signup = get(context, signup_id)
    if context.result:
        return signup
    _require_waiting(context, signup)
    if {each.client.client_id for each in alike(signup)} - set(despite):
        raise Stale()
    typed, at = typed_by(signup), clock.text(context.now)
    about = ("legal_name", "preferred_name", "birth_date", "email", "phone")
    client, entries = clients.new_file(
        context.tenant_id,
        client_id=ids.new_id(context.now),
        source="sign_up",
        **{name: typed[name] for name in about},
    )
    client.portal, client.joined_at, client.email_digest = "active", at, signup.email_digest
    account = Account.new(
        tenant_id=context.tenant_id,
        email_digest=signup.email_digest,
        realm=accounts.PORTAL,
        principals=clients.principal(client.client_id),
        status="active",
        password_hash=typed["password_hash"],
        created_at=at,
    )
    mail = mails.to_client(context.now, context.tenant_id, client.client_id, letters.SIGN_UP_ACCEPTED)
    packet = intakes.packet(context, client, first_forms(context))
    with Transaction() as tx:
        idempotency.remember(tx, context, signup_id)
        _decide(tx, context, signup, "accepted", client.client_id)
        tx.create(account, otherwise=EmailInUse())
        tx.create(client)
        for entry in entries:
            tx.put(entry)
        if packet.forms:
            tx.create(packet)
        tx.create(mail)
        tx.create(audits.event(context, "signup:accept", client_id=client.client_id, signup_id=signup_id))
    mails.hand_over(mail)
    return get(context, signup_id)


def first_forms(context: Context) -> list[Form]:
    """The forms that go to everyone who is let in by a sign-up, as the organization chose; none while forms are off."""
    if why_off(Feature.INTAKE_FORMS, context.circumstances) is not None:
        return []
    wanted = set(tenants.setting(context.tenant, "sign_up_forms"))
    library = forms.library(context.tenant_id)
    return [form for form in library if form.status == "active" and form.form_id in wanted]


def require_forms(tenant_id: str, form_ids: Sequence[str]) -> None:
    """Raise InvalidBody for any that cannot be among the forms of sign-ups."""
    library = {form.form_id for form in forms.library(tenant_id) if form.status == "active"}
    detail = "This form is not in your library."
    unknown = [
        {"pointer": f"/sign_up_forms/{index}", "code": "unknown_form", "detail": detail}
        for index, form_id in enumerate(form_ids)
        if form_id not in library
    ]
    if unknown:
        raise InvalidBody(errors=unknown)


def link(context: Context, signup_id: str, client_id: str, new_address: bool) -> Signup:
    """This is somebody who has a file: invite that file, to the address on it. No second file, no second account.

    `new_address`: put the address that was proved on the file first, and invite there; whoever says so has made sure
    that it is the same person. A file whose portal is open gets the login link instead, at its own address. Raises
    NotFound, SignupDecided, Stale, ClientArchived, AlreadyActive, EmailInUse, NoEmail, TooManyRequests,
    FeatureNotInPlan, FeatureSwitchedOff.
    """
    signup = get(context, signup_id)
    if context.result:
        return signup
    _require_waiting(context, signup)
    _open_file(context, client_id)
    if context.client.portal == "active":
        _remind(context, signup, new_address)
        return get(context, signup_id)
    if new_address:
        _take_address(context, typed_by(signup)["email"])

    def decide(tx: Transaction, _: Any) -> None:
        _decide(tx, context, signup, "linked", client_id)
        tx.create(audits.event(context, "signup:link", client_id=client_id, signup_id=signup_id))

    client: Client = context.client
    if client.portal == "invited" and not invites.is_over(client, context.now):
        invites.resend(context, str(client.invite_id), also=decide)
    else:
        picked = [form.form_id for form in first_forms(context)]
        invites.send(context, picked, None, None, also=decide)
    return get(context, signup_id)


def _open_file(context: Context, client_id: str) -> None:
    """The request is about this client from now on. Raises NotFound, ClientArchived."""
    context.client = clients.find(context.tenant_id, client_id)
    context.circumstances = tenants.circumstances(
        context.tenant, seat=context.person.seat, client_off=context.client.features_off
    )
    if context.client.status != "active":
        raise ClientArchived()


def _remind(context: Context, signup: Signup, new_address: bool) -> None:
    """Whoever has an account is told where to sign in; another address for it is theirs to give, in the account."""
    client: Client = context.client
    if new_address and client.email != typed_by(signup)["email"]:
        raise AlreadyActive()
    mail = mails.to_client(context.now, context.tenant_id, client.client_id, letters.SIGN_UP_KNOWN)
    with Transaction() as tx:
        idempotency.remember(tx, context, signup.signup_id)
        _decide(tx, context, signup, "linked", client.client_id)
        tx.create(mail)
        tx.create(audits.event(context, "signup:link", client_id=client.client_id, signup_id=signup.signup_id))
    mails.hand_over(mail)


def _take_address(context: Context, email: str) -> None:
    """Put another address on a file that has no account; an open invitation to the older one is taken back.

    Safe to repeat. Raises EmailInUse when it belongs to another account, Stale.
    """
    client: Client = context.client
    if client.email == email:
        return
    account = accounts.find(context.tenant_id, accounts.PORTAL, email)
    if account is not None and account.principals != clients.principal(client.client_id):
        raise EmailInUse()
    if client.portal == "invited":
        invites.revoke(context, str(client.invite_id))
        client = clients.find(context.tenant_id, client.client_id)
    before = client.version
    client.email = email
    with Transaction() as tx:
        tx.update(
            client,
            Client.email.set(email),
            Client.version.add(1),
            when=(Client.version == before) & (Client.portal == "none"),
            otherwise=Stale(),
        )
        for entry in _entries(client):
            tx.put(entry)
        tx.create(audits.event(context, "client:update", client_id=client.client_id, fields="email"))
    context.client = clients.find(context.tenant_id, client.client_id)


def _entries(client: Client) -> list[MatchEntry]:
    return files.match_entries(client.tenant_id, client.client_id, client.legal_name, client.birth_date, client.email)


def reject(context: Context, signup_id: str, tell: bool) -> Signup:
    """Say no: nothing comes of it. `tell`: with a neutral mail. Raises NotFound, SignupDecided, Stale."""
    signup = get(context, signup_id)
    if context.result:
        return signup
    _require_waiting(context, signup)
    about: dict[str, Any] = {"signup_id": signup_id}
    place = (context.tenant_id, signup.email_digest, accounts.PORTAL)
    mail = mails.to_mailbox(context.now, *place, letters.SIGN_UP_REJECTED, about) if tell else None
    with Transaction() as tx:
        idempotency.remember(tx, context, signup_id)
        _decide(tx, context, signup, "rejected", None)
        if mail is not None:
            tx.create(mail)
        tx.create(audits.event(context, "signup:reject", outcome="told" if tell else "silent", **about))
    if mail is not None:
        mails.hand_over(mail)
    return get(context, signup_id)


def _require_waiting(context: Context, signup: Signup) -> None:
    if signup.status != "waiting":
        raise SignupDecided()
    if context.if_match != signup.version:
        raise Stale()


def _decide(tx: Transaction, context: Context, signup: Signup, status: str, client_id: str | None) -> None:
    """Exactly one of any number of answers is given, and to what its giver has read."""
    parts = {**signup.values(), "status": status}
    place = Signup.BY_STATUS.fill(parts)
    actions: list[Any] = [
        Signup.status.set(status),
        Signup.gsi1pk.set(place[0]),
        Signup.gsi1sk.set(place[1]),
        Signup.decided_by.set(context.actor.id),
        Signup.decided_by_name.set(context.actor.name),
        Signup.decided_at.set(clock.text(context.now)),
        Signup.expires_at.set(int((context.now + KEPT).timestamp())),
    ]
    if client_id:
        actions.append(Signup.client_id.set(client_id))
    as_read = (Signup.status == "waiting") & (Signup.version == signup.version)
    tx.update(signup, *actions, when=as_read, otherwise=SignupDecided())
