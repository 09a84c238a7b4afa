"""The people who work at an organization: invited by a mailed link, changed, disabled, never forgotten.

The number of administrators who can sign in is kept in one record (Administrators), changed in the very transaction
that changes someone's role or status: the last one can neither be disabled nor lose the role, whoever acts meanwhile.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pynamodb.expressions.update import Action

from chalicelib import clock, ids
from chalicelib.config import settings
from chalicelib.context import Context
from chalicelib.errors import (
    Busy,
    EmailInUse,
    InvalidBody,
    InvalidCredentials,
    LastAdministrator,
    LinkExpired,
    LinkUsed,
    NotAdministrable,
    NotFound,
    ProofFailed,
    Stale,
)
from chalicelib.models.accounts import Account, Link
from chalicelib.models.clients import Assignment
from chalicelib.models.mails import StaffMail
from chalicelib.models.staff import Staff
from chalicelib.models.table import load
from chalicelib.models.tenants import Administrators, StaffCard, Tenant
from chalicelib.models.transaction import Moved, Transaction, change, settled
from chalicelib.services import (
    accounts,
    audits,
    idempotency,
    letters,
    links,
    mails,
    sessions,
    subscriptions,
    tenants,
    tokens,
)

ADMINISTRATOR, THERAPIST = "administrator", "therapist"
INVITED, ACTIVE, DISABLED = "invited", "active", "disabled"
LIFE = timedelta(hours=72)  # of a mailed link (DOMAIN.md 3.5)
NAMES_AGAIN = timedelta(minutes=2)


class Newcomer(NamedTuple):
    """Someone who is to be invited. Both permissions are off unless an administrator gives them (DOMAIN.md 1.2)."""

    name: str
    email: str
    roles: tuple[str, ...]
    credentials: str | None = None
    may_invite: bool = False
    may_bill: bool = False
    seat: bool = False


class Invitation(NamedTuple):
    """What an invitation writes, for its transaction."""

    member: Staff
    account: Account
    link: Link
    mail: StaffMail

    def put(self, tx: Transaction) -> None:
        """All of it. An address that is a colleague's already is refused (EmailInUse)."""
        tx.create(self.account, otherwise=EmailInUse())
        tx.create(self.member)
        links.put(tx, self.link)
        tx.create(self.mail)


# ---- reading ----


def everyone(tenant_id: str) -> list[Staff]:
    """All staff of an organization; a practice has dozens."""
    return list(Staff.every(Staff.BY_TENANT, tenant_id=tenant_id))


def get(tenant_id: str, staff_id: str) -> Staff | None:
    """One staff member."""
    return Staff.find(tenant_id=tenant_id, staff_id=staff_id)


def find(context: Context, staff_id: str) -> Staff:
    """One staff member of the asker's organization. Raises NotFound."""
    member = get(context.tenant_id, staff_id)
    if member is None:
        raise NotFound()
    return member


def shown(staff: Staff | StaffCard) -> str:
    """The name with the licence behind it, as people write it."""
    return f"{staff.name}, {staff.credentials}" if staff.credentials else str(staff.name)


def is_administrator(member: Staff) -> bool:
    """Whether this is an administrator who can sign in."""
    return member.status == ACTIVE and ADMINISTRATOR in member.roles


def administrators(tenant_id: str) -> int:
    """How many administrators can sign in."""
    kept = Administrators.find(tenant_id=tenant_id)
    return int(kept.active) if kept else 0


# ---- inviting ----


def create(
    tenant_id: str,
    *,
    staff_id: str,
    name: str,
    email: str,
    roles: Iterable[str],
    password: str,
    totp_secret: str,
    credentials: str | None = None,
    may_invite: bool = False,
    seat: bool = False,
) -> Staff:
    """Add a staff member with an account, as if an invitation had been taken up (seeding). Raises EmailInUse.

    `totp_secret` is base32.
    """
    now = clock.now()
    newcomer = Newcomer(name, email, tuple(roles), credentials, may_invite, False, seat)
    member, account = _records(tenant_id, staff_id, newcomer, now)
    member.status, member.joined_at = ACTIVE, clock.text(now)
    account.status, account.password_hash = "active", accounts.hash_password(password)
    account.totp = accounts.encrypt_totp(tenant_id, str(account.email_digest), totp_secret)
    with Transaction() as tx:
        tx.create(account, otherwise=EmailInUse())
        tx.put(member)
        _arrive(tx, member, now, by="operator")
    return member


def _records(tenant_id: str, staff_id: str, who: Newcomer, now: datetime) -> tuple[Staff, Account]:
    address = accounts.canonical_email(who.email)
    if address is None:
        raise no_address("/email")
    digest = accounts.email_digest(tenant_id, address)
    member = Staff.new(
        tenant_id=tenant_id,
        staff_id=staff_id,
        name=who.name,
        credentials=who.credentials,
        email=address,
        email_digest=digest,
        roles=sorted(who.roles),
        may_invite=who.may_invite,
        may_bill=who.may_bill,
        seat=who.seat,
        status=INVITED,
        version=1,
    )
    account = Account.new(
        tenant_id=tenant_id,
        email_digest=digest,
        realm=accounts.STAFF,
        principals=[{"kind": "staff", "id": staff_id}],
        status=INVITED,
        created_at=clock.text(now),
    )
    return member, account


def no_address(pointer: str) -> InvalidBody:
    """What was typed is no e-mail address."""
    detail = "Enter an e-mail address such as name@practice.com."
    return InvalidBody(errors=[{"pointer": pointer, "code": "not_an_address", "detail": detail}])


def invitation(
    tenant_id: str, who: Newcomer, now: datetime, *, by_name: str | None, staff_id: str | None = None
) -> Invitation:
    """The records of an invitation: the claim on the address, the person, the link and its mail. Raises InvalidBody."""
    member, account = _records(tenant_id, staff_id or ids.new_id(now), who, now)
    member.invited_at, member.invited_by_name = clock.text(now), by_name
    member.invite_ends_at = clock.text(now + LIFE)
    link, mail = _mailed(member, now, letters.STAFF_INVITATION)
    return Invitation(member, account, link, mail)


def _mailed(
    member: Staff, now: datetime, template: str, life: timedelta = LIFE, **about: str
) -> tuple[Link, StaffMail]:
    """A fresh link for this person, and the mail that brings it; the template is the link's purpose."""
    digest, staff_id = str(member.email_digest), str(member.staff_id)
    link = links.make(now, member.tenant_id, digest, accounts.STAFF, template, life, staff_id=staff_id, **about)
    return link, mails.to_staff(now, member.tenant_id, staff_id, template, **links.ids_of(link))


def invite(context: Context, who: Newcomer) -> Staff:
    """Invite a colleague: a mailed link, single-use, for 72 hours. Raises EmailInUse, InvalidBody, TooManyRequests."""
    if context.result:
        return find(context, context.result)
    made = invitation(context.tenant_id, who, context.now, by_name=context.actor.name or context.person.name)
    _pace(context)
    with Transaction() as tx:
        idempotency.remember(tx, context, str(made.member.staff_id))
        made.put(tx)
        tx.create(audits.event(context, "staff:invite", staff_id=made.member.staff_id))
    mails.hand_over(made.mail)
    return made.member


def _pace(context: Context) -> None:
    limit = tenants.limit(context.tenant, "staff_invitations_tenant")
    accounts.throttle(context.tenant_id, limit, context.now.timestamp(), "staff_invitations")


def resend(context: Context, staff_id: str) -> Staff:
    """Mail a new link; the older one stops. Raises NotFound, NotAdministrable (joined), TooManyRequests."""
    member = find(context, staff_id)
    if context.result:
        return member
    if member.status != INVITED:
        raise NotAdministrable()
    _pace(context)
    link, mail = _mailed(member, context.now, letters.STAFF_INVITATION)
    ends = clock.text(context.now + LIFE)
    try:
        with Transaction() as tx:
            idempotency.remember(tx, context, staff_id)
            tx.update(
                member,
                Staff.invite_ends_at.set(ends),
                Staff.invited_at.set(clock.text(context.now)),
                when=Staff.status == INVITED,
                otherwise=NotAdministrable(),
            )
            links.put(tx, link)
            tx.create(mail)
            tx.create(audits.event(context, "staff:resend", staff_id=staff_id))
    except links.Overtaken:  # a colleague sent it again at this very moment: once more would only stop that link
        return find(context, staff_id)
    mails.hand_over(mail)
    member.invite_ends_at, member.invited_at = ends, clock.text(context.now)
    return member


def mail_first_again(context: Context, member: Staff, to: str, until: datetime, attempt: str) -> None:
    """Mail a practice's first administrator a new link that works until `until`, to another address if `to` is one: the
    older link stops, the older address is free. The same `attempt` is done once. Nothing happens once they have joined.
    Raises InvalidBody."""
    place: dict[str, Any] = {"tenant_id": context.tenant_id, "realm": accounts.STAFF}
    old = str(member.email_digest)
    roles = tuple(member.roles)
    who = Newcomer(member.name, to, roles, member.credentials, member.may_invite, member.may_bill, member.seat)
    new, account = _records(context.tenant_id, str(member.staff_id), who, context.now)
    link, mail = _mailed(new, context.now, letters.STAFF_INVITATION, until - context.now, attempt=attempt)
    newest = Link.find(**place, email_digest=new.email_digest, purpose=letters.STAFF_INVITATION)
    if newest is not None and newest.about.get("attempt") == attempt:
        return
    before = Link.find(**place, email_digest=old, purpose=letters.STAFF_INVITATION)
    try:
        with Transaction() as tx:
            tx.update(
                member,
                Staff.email.set(new.email),
                Staff.email_digest.set(new.email_digest),
                Staff.invited_at.set(clock.text(context.now)),
                when=(Staff.status == INVITED) & (Staff.email_digest == old),
                otherwise=NotAdministrable(),
            )
            if new.email_digest != old:
                at_old = Account.at(**place, email_digest=old)
                tx.delete(at_old, when=Account.status == INVITED, otherwise=NotAdministrable())
                tx.create(account, otherwise=NotAdministrable())
                if before is not None and before.status == "open":
                    links.revoke(tx, before, otherwise=NotAdministrable())
            links.put(tx, link, otherwise=NotAdministrable())
            tx.create(mail)
            tx.create(audits.event(context, "staff:resend", staff_id=member.staff_id))
    except NotAdministrable:  # they joined, or the same was asked twice, at this very moment
        return
    mails.hand_over(mail)


def revoke(context: Context, staff_id: str) -> None:
    """Take an invitation back: its link stops, its address is free, whom they were to see is unassigned.

    Raises NotFound, NotAdministrable (they joined: disable them instead).
    """
    from chalicelib.services import clients

    member = find(context, staff_id)
    if member.status != INVITED:
        raise NotAdministrable()
    for each in Assignment.every(Assignment.BY_THERAPIST, tenant_id=context.tenant_id, staff_id=staff_id):
        clients.unassign(context.tenant_id, each.client_id, staff_id)
    whose = {"tenant_id": context.tenant_id, "email_digest": member.email_digest}
    place: dict[str, Any] = {**whose, "realm": accounts.STAFF}
    link = Link.find(**place, purpose=letters.STAFF_INVITATION)
    with Transaction() as tx:
        tx.delete(member, when=Staff.status == INVITED, otherwise=NotAdministrable())
        tx.delete(Account.at(**place), when=Account.status == INVITED, otherwise=NotAdministrable())
        if link is not None:  # it stays, so that the next one for this address is another
            tx.update(link, Link.status.set("revoked"), when=Link.generation == link.generation, otherwise=Stale())
        tx.create(audits.event(context, "staff:revoke", staff_id=staff_id))


# ---- the page behind the mailed link ----


class Opened(NamedTuple):
    """What a mailed link opens."""

    state: str  # open, used, expired, revoked
    purpose: str
    link: Link
    member: Any  # Staff; None when the invitation was revoked
    tenant: Tenant


def look_up(token: str, caller: sessions.Caller) -> Opened:
    """What a link is worth now; consumes nothing. Raises NotFound, TooManyRequests."""
    for purpose in (letters.STAFF_INVITATION, letters.SECOND_FACTOR):
        state = "open"
        try:
            link = links.read(token, purpose)
        except NotFound:
            continue
        except LinkUsed:
            state = "used"
        except LinkExpired:
            state = "expired"
        link = link if state == "open" else _closed(token, purpose)
        limit = settings.limit("staff_invitation_address")
        accounts.throttle(link.tenant_id, limit, clock.now().timestamp(), "staff_invitation_address", caller.address)
        tenant, member = load(
            (Tenant, {"tenant_id": link.tenant_id}),
            (Staff, {"tenant_id": link.tenant_id, "staff_id": link.about["staff_id"]}),
        )
        if member is None:  # taken back, at this very moment perhaps: whoever does that deletes both at once
            link = _closed(token, purpose)
        if link.status == "revoked" and tenant is not None:
            return Opened("revoked", purpose, link, member, tenant)
        if tenant is None or member is None or member.email_digest != link.email_digest:
            break
        if purpose == letters.SECOND_FACTOR and member.status != ACTIVE:
            state = "expired" if state == "open" else state  # locked out since it was mailed
        return Opened(state, purpose, link, member, tenant)
    raise NotFound()


def _closed(token: str, purpose: str) -> Link:
    """A link that opens nothing more, whose token was right."""
    tenant_id, digest, _, _ = token.split(".")
    place: dict[str, Any] = {"tenant_id": tenant_id, "email_digest": digest, "realm": accounts.STAFF}
    link = Link.find(**place, purpose=purpose)
    if link is None:
        raise NotFound()
    return link


def _open(token: str, caller: sessions.Caller) -> tuple[Opened, Account]:
    """What an open link opens, and the account. Raises NotFound, LinkUsed, LinkExpired, TooManyRequests."""
    opened = look_up(token, caller)
    if opened.state != "open":
        links.read(token, opened.purpose)
        raise LinkExpired() if opened.state == "expired" else LinkUsed()
    account = Account.find(
        tenant_id=opened.tenant.tenant_id, realm=accounts.STAFF, email_digest=opened.link.email_digest
    )
    if account is None:
        raise NotFound()
    return opened, account


def offer(token: str, password: str, caller: sessions.Caller) -> tuple[str, str]:
    """The second factor to be set up (base32, otpauth address), once the password will do: a new one that may be taken,
    or, where only the second factor is set up anew, the right one. Raises InvalidBody, ProofFailed."""
    opened, account = _open(token, caller)
    _password(opened, account, password)
    secret = _secret(opened, password)
    return secret, accounts.totp_uri(secret, str(opened.member.email), str(opened.tenant.name))


def _secret(opened: Opened, password: str) -> str:
    """The second factor that a link offers together with this password (base32), the same whenever the page is loaded.
    Whoever reads the mailbox, and says another password, is shown another one: theirs opens nothing later on."""
    link = opened.link
    place = (link.tenant_id, link.email_digest, link.purpose, str(int(link.generation)))
    return accounts.derived_totp_secret(*place, password)


def _password(opened: Opened, account: Account, password: str) -> None:
    if opened.purpose == letters.STAFF_INVITATION:
        accounts.require_password(password, str(opened.member.email))
        return
    subject = (opened.tenant.tenant_id, accounts.STAFF, str(opened.member.email))
    limit = settings.limit("sign_in_account")
    accounts.throttle(opened.tenant.tenant_id, limit, clock.now().timestamp(), "account", *subject)
    if not accounts.password_matches(account, password) or account.status != "active":
        raise ProofFailed()


def join(token: str, password: str, code: str, caller: sessions.Caller) -> Context:
    """Take up an invitation (or set the second factor up anew) and sign in; exactly one of any number of tries wins.

    Raises InvalidBody (the password), ProofFailed (password or code), LinkUsed, LinkExpired, NotFound, TooManyRequests.
    """
    opened, account = _open(token, caller)
    _password(opened, account, password)
    now = clock.now()
    limit = settings.limit("second_factor")
    accounts.throttle(opened.tenant.tenant_id, limit, now.timestamp(), "code", str(account.email_digest))
    secret = _secret(opened, password)
    step = accounts.step_of(secret, code, now.timestamp())
    if step is None:
        raise ProofFailed()
    sealed = accounts.encrypt_totp(opened.tenant.tenant_id, str(account.email_digest), secret)
    factor = [Account.totp.set(sealed), Account.totp_step.set(step)]
    if opened.purpose == letters.STAFF_INVITATION:
        _take_up(opened, account, password, factor, caller)
    else:
        _enrol(opened, account, factor, caller)
    member = get(opened.tenant.tenant_id, str(opened.member.staff_id))
    tenant = tenants.get(opened.tenant.tenant_id)
    if member is None or tenant is None or member.status != ACTIVE:
        raise InvalidCredentials()
    context = sessions.context_for(member, tenant, sessions.STAFF, caller)
    sessions.start(context, method="mailed link, password and one-time code", bearer=False)
    return context


def _take_up(
    opened: Opened, account: Account, password: str, factor: Sequence[Action], caller: sessions.Caller
) -> None:
    now = clock.now()
    member, tenant = opened.member, opened.tenant
    context = sessions.context_for(member, tenant, sessions.STAFF, caller)
    hashed = accounts.hash_password(password)
    if tenant.confirm_by:  # its opening may have been cut short
        tenants.furnish(tenant.tenant_id)
    with Transaction() as tx:
        links.use(tx, opened.link)
        tx.update(
            member,
            Staff.status.set(ACTIVE),
            Staff.joined_at.set(clock.text(now)),
            Staff.invite_ends_at.remove(),
            Staff.version.add(1),
            when=(Staff.status == INVITED) & (Staff.version == member.version),
            otherwise=LinkUsed() if member.status != INVITED else Stale(),
        )
        tx.update(
            account,
            Account.status.set("active"),
            Account.password_hash.set(hashed),
            *factor,
            when=Account.status == INVITED,
            otherwise=LinkUsed(),
        )
        _arrive(tx, member, now, by=str(member.staff_id))
        if tenant.confirm_by:
            tx.update(
                tenant,
                Tenant.confirm_by.remove(),
                *tenant.due_next(None),
                when=Tenant.confirm_by.exists(),
                otherwise=LinkUsed(),
            )
        tx.create(audits.event(context, "staff:join", staff_id=member.staff_id))


def _arrive(tx: Transaction, member: Staff, now: datetime, *, by: str) -> None:
    """What goes with someone's being able to sign in for the first time."""
    tx.put(_card(member))
    if ADMINISTRATOR in member.roles:
        _count(tx, member.tenant_id, 1)
    if member.seat:
        tx.create(subscriptions.seat_changed(member, now, True, by=by))


def _card(member: Staff) -> StaffCard:
    return StaffCard.new(
        tenant_id=member.tenant_id, staff_id=member.staff_id, name=member.name, credentials=member.credentials
    )


def _enrol(opened: Opened, account: Account, factor: Sequence[Action], caller: sessions.Caller) -> None:
    context = sessions.context_for(opened.member, opened.tenant, sessions.STAFF, caller)
    with Transaction() as tx:
        links.use(tx, opened.link)
        same = (Account.status == "active") & (Account.password_hash == account.password_hash)
        tx.update(account, *factor, when=same, otherwise=LinkUsed())
        tx.require(opened.member, Staff.status == ACTIVE, otherwise=LinkExpired())
        tx.create(audits.event(context, "staff:enrol", staff_id=opened.member.staff_id))


# ---- changing ----


def _count(tx: Transaction, tenant_id: str, change_by: int) -> None:
    """One administrator more or fewer who can sign in; never none."""
    place = Administrators.new(tenant_id=tenant_id, active=0)
    named = [Administrators.kind.set(Administrators.KIND), Administrators.tenant_id.set(tenant_id)]
    if change_by > 0:
        tx.merge(place, *named, Administrators.active.add(1))
    else:
        tx.update(place, Administrators.active.add(-1), when=Administrators.active > 1, otherwise=LastAdministrator())


def update(context: Context, staff_id: str, changes: dict[str, Any]) -> Staff:
    """Change name, licence, roles or permissions of the person as read (`context.if_match`), from the next request on.

    Raises NotFound, Stale, LastAdministrator.
    """
    member = find(context, staff_id)
    after = {"roles": member.roles, "name": member.name, "credentials": member.credentials} | changes
    after["roles"] = sorted(after["roles"])
    renamed = (after["name"], after["credentials"]) != (member.name, member.credentials)
    values = {name: after.get(name, value) for name, value in changes.items()}
    actions = [
        getattr(Staff, name).set(value) if value is not None else getattr(Staff, name).remove()
        for name, value in values.items()
    ]
    if renamed:  # names in files of clients follow; `sweep` finishes what is cut short
        actions += member.due_next(context.now + NAMES_AGAIN)
    if ADMINISTRATOR in member.roles and ADMINISTRATOR not in after["roles"]:
        actions.append(tokens.stop_all())  # only administrators answer for programs
    was = is_administrator(member)
    will = member.status == ACTIVE and ADMINISTRATOR in after["roles"]
    with Transaction() as tx:
        tx.update(
            member,
            *actions,
            Staff.version.add(1),
            when=(Staff.version == context.if_match) & (Staff.status == member.status),
            otherwise=Stale(),
        )
        if was != will:
            _count(tx, context.tenant_id, 1 if will else -1)
        if renamed and member.status == ACTIVE:
            tx.put(_card(_named(member, after)))
        tx.create(audits.event(context, "staff:update", staff_id=staff_id, fields=",".join(sorted(changes))))
    if renamed:
        spread_name(context.tenant_id, staff_id)
    return find(context, staff_id)


def _named(member: Staff, after: dict[str, Any]) -> Staff:
    return Staff.new(
        tenant_id=member.tenant_id, staff_id=member.staff_id, name=after["name"], credentials=after["credentials"]
    )


def spread_name(tenant_id: str, staff_id: str) -> None:
    """Write the name as it is now into the files of those who are assigned; safe to repeat."""
    from chalicelib.services import clients

    member = get(tenant_id, staff_id)
    if member is None:
        return
    for each in Assignment.every(Assignment.BY_THERAPIST, tenant_id=tenant_id, staff_id=staff_id):
        clients.name_therapist(tenant_id, each.client_id, member)
    try:
        change(member, *member.due_next(None), when=Staff.version == member.version, otherwise=Stale())
    except Stale:
        return  # changed again meanwhile: that change spreads its own name


def sweep(pk: str, sk: str, now: datetime) -> None:
    """A name that had not reached every file."""
    parts = pk.split("#")
    spread_name(parts[1], parts[3])


def disable(context: Context, staff_id: str) -> Staff:
    """Lock someone out, at once: every request asks for the status. Their seat ends, and their API tokens and a link to
    set up a second factor stop for good; what they did and whom they treat stays on record.

    Repeatable. Raises NotFound, NotAdministrable, LastAdministrator, Busy.
    """
    return settled(lambda: _disable(context, staff_id))


def _disable(context: Context, staff_id: str) -> Staff:
    member = find(context, staff_id)
    if member.status == DISABLED:
        return member
    if member.status != ACTIVE:
        raise NotAdministrable()
    setting_up = _factor_link(member)
    with Transaction() as tx:
        sessions.end_all(
            tx,
            member,
            Staff.status.set(DISABLED),
            Staff.seat.set(False),
            Staff.version.add(1),
            tokens.stop_all(),
            when=(Staff.status == ACTIVE) & (Staff.version == member.version),
            otherwise=Moved(),
        )
        if ADMINISTRATOR in member.roles:
            _count(tx, context.tenant_id, -1)
        if member.seat:
            tx.create(subscriptions.seat_changed(member, context.now, False, by=context.actor.id))
        if setting_up is not None:
            links.revoke(tx, setting_up, otherwise=Moved())
        tx.delete(StaffCard.at(tenant_id=context.tenant_id, staff_id=staff_id))
        tx.create(audits.event(context, "staff:disable", staff_id=staff_id))
    return find(context, staff_id)


def _factor_link(member: Staff) -> Link | None:
    """The open link by which a staff member sets up the second factor anew, if there is one."""
    place: dict[str, Any] = {"tenant_id": member.tenant_id, "email_digest": member.email_digest}
    link = Link.find(**place, realm=accounts.STAFF, purpose=letters.SECOND_FACTOR)
    return link if link is not None and links.state(link) == "open" else None


def enable(context: Context, staff_id: str) -> Staff:
    """Let someone sign in again, with the password and second factor they had; without a seat until they are given one,
    and without the API tokens that stopped.

    Repeatable. Raises NotFound, NotAdministrable, Busy.
    """
    return settled(lambda: _enable(context, staff_id))


def _enable(context: Context, staff_id: str) -> Staff:
    member = find(context, staff_id)
    if member.status == ACTIVE:
        return member
    if member.status != DISABLED:
        raise NotAdministrable()
    with Transaction() as tx:
        tx.update(
            member,
            Staff.status.set(ACTIVE),
            Staff.version.add(1),
            when=(Staff.status == DISABLED) & (Staff.version == member.version),
            otherwise=Moved(),
        )
        if ADMINISTRATOR in member.roles:
            _count(tx, context.tenant_id, 1)
        tx.put(_card(member))
        tx.create(audits.event(context, "staff:enable", staff_id=staff_id))
    return find(context, staff_id)


def end_sessions(context: Context, staff_id: str) -> None:
    """Sign someone out everywhere; their API tokens stop. Raises NotFound."""
    member = find(context, staff_id)
    with Transaction() as tx:
        sessions.end_all(tx, member, tokens.stop_all())
        tx.create(audits.event(context, "staff:end_sessions", staff_id=staff_id))


def reset_second_factor(context: Context, staff_id: str) -> Staff:
    """Make someone's authenticator worthless and mail them a link to set up another; they are signed out, and so are
    their programs.

    The link alone opens nothing: its page asks for the password, too. Raises NotFound, NotAdministrable,
    TooManyRequests, Busy.
    """
    member = find(context, staff_id)
    if context.result:
        return member
    if member.status != ACTIVE:
        raise NotAdministrable()
    _pace(context)
    digest = str(member.email_digest)
    link, mail = _mailed(member, context.now, letters.SECOND_FACTOR)
    account = Account.at(tenant_id=context.tenant_id, realm=accounts.STAFF, email_digest=digest)
    secret = accounts.encrypt_totp(context.tenant_id, digest, accounts.new_totp_secret())
    with Transaction() as tx:
        idempotency.remember(tx, context, staff_id)
        stopped = tokens.stop_all()
        sessions.end_all(tx, member, stopped, when=Staff.status == ACTIVE)
        tx.update(
            account,
            Account.totp.set(secret),
            Account.totp_pending.remove(),
            Account.recovery.remove(),
            when=Account.status == "active",
            otherwise=NotAdministrable(),
        )
        links.put(tx, link, otherwise=Busy(retry_after=1))
        tx.create(mail)
        tx.create(audits.event(context, "staff:reset_second_factor", staff_id=staff_id))
    mails.hand_over(mail)
    return member
