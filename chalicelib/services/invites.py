"""Invitations: one offer to one client, with the forms to complete (DOMAIN.md section 3)."""

import contextlib
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from chalicelib import clock, ids
from chalicelib.adapters import keys
from chalicelib.config import settings
from chalicelib.context import Actor, Context, Persona
from chalicelib.errors import (
    AddressSuppressed,
    AlreadyActive,
    AlreadyInvited,
    BirthDateMismatch,
    Busy,
    ClientArchived,
    DailyCap,
    EmailInUse,
    InvalidBody,
    InvitationClosed,
    InvitationExpired,
    InvitationLocked,
    InvitationRevoked,
    InvitationUsed,
    MailUnderWay,
    NoEmail,
    NotFound,
    OrganizationSuspended,
    PortalError,
    TooManyRequests,
)
from chalicelib.models.accounts import Account
from chalicelib.models.clients import Client
from chalicelib.models.forms import Form
from chalicelib.models.intakes import Intake
from chalicelib.models.invites import Invite
from chalicelib.models.suppressions import Suppression
from chalicelib.models.table import load
from chalicelib.models.tenants import Tenant
from chalicelib.models.transaction import Transaction, change
from chalicelib.models.wordings import UsualWording
from chalicelib.policies.plans import Feature, Off, why_off
from chalicelib.services import (
    accounts,
    audits,
    clients,
    forms,
    idempotency,
    intakes,
    letters,
    mails,
    notifications,
    reminders,
    sessions,
    spellings,
    suppressions,
    wordings,
)
from chalicelib.services import tenants as organizations
from chalicelib.services.sessions import Caller

LIFE = timedelta(hours=72)
AGAIN = timedelta(days=1)  # so old is an invitation at least that a bulk one replaces
WRONG_DATES = 5  # of birth, until a link is closed (notes: security 3.1)
STAND_IN = "(a personal link, made when this is sent)"


def left_today(context: Context) -> int:
    """How many more invitations the organization may send until midnight UTC."""
    limit = organizations.limit(context.tenant, "invitations_tenant")
    return max(0, limit[0] - accounts.tries(context.tenant_id, limit, context.now.timestamp(), "invitations"))


# ---- may this client be invited? ----


def obstacle(client: Client, now: datetime, *, again: bool = False) -> PortalError | None:
    """Why this client cannot be invited now, or None. An expired invitation is no obstacle: the new one replaces it;
    `again`: nor is an open one that is a day old."""
    if client.status != "active":
        return ClientArchived()
    if client.portal in ("active", "ended"):
        return AlreadyActive()
    if client.portal == "invited" and not is_over(client, now + (LIFE - AGAIN if again else timedelta())):
        return AlreadyInvited()
    if not client.email:
        return NoEmail()
    return None


def obstacle_of_address(client: Client, there: suppressions.AtAddress) -> PortalError | None:
    """Why nothing can be sent to the address on file: it opens another account of the organization (DOMAIN.md 3.2), or
    it is one that we do not write to any more."""
    if there.account is not None and there.account.principals != clients.principal(client.client_id):
        return EmailInUse()
    return AddressSuppressed() if there.listed is not None else None


def is_over(client: Client, now: datetime) -> bool:
    """Whether the client's invitation has expired."""
    return client.invite_ends_at is not None and client.invite_ends_at <= clock.text(now)


def status(invite: Invite, now: datetime) -> str:
    """The state of an invitation; `expired` is computed, so that it is true to the second, and `locked` as well."""
    if invite.status == "waiting" and int(invite.wrong_dates or 0) >= WRONG_DATES:
        return "locked"
    return "expired" if invite.status == "waiting" and invite.ends_at <= clock.text(now) else str(invite.status)


# ---- sending ----


def chosen(context: Context, form_ids: Sequence[str]) -> list[Form]:
    """The forms that the sender picked, in the order of the library. Raises InvalidBody for any that cannot be sent.

    Forms go out only where the organization has them switched on, for this client too (DOMAIN.md 2: the switch stops
    sending, never what was sent): FeatureNotInPlan, FeatureSwitchedOff. None picked is always possible.
    """
    if form_ids:
        detail = "Intake forms are off. The invitation can go out without forms."
        wrong = [{"pointer": "/form_ids", "code": "intake_forms_off", "detail": detail}]
        organizations.require(Feature.INTAKE_FORMS, context.circumstances, errors=wrong)
    library = {form.form_id: form for form in forms.library(context.tenant_id) if form.status == "active"}
    unknown = [index for index, form_id in enumerate(form_ids) if form_id not in library]
    if unknown:
        detail = "This form is not in your library."
        raise InvalidBody(
            errors=[{"pointer": f"/form_ids/{i}", "code": "unknown_form", "detail": detail} for i in unknown]
        )
    wanted = set(form_ids)
    return [form for form in library.values() if form.form_id in wanted]


def forms_off(context: Context) -> Off | None:
    """Why no form can go along with an invitation of this client, or None."""
    return why_off(Feature.INTAKE_FORMS, context.circumstances)


def preview(context: Context, picked: Sequence[Form], subject: str, message: str) -> letters.Letter:
    """The mail as it will be sent, but for the link."""
    client: Client = context.client
    to = client.email or ""
    minutes = sum(int(form.minutes) for form in picked)
    return letters.invitation_letter(context.tenant, client, to, subject, message, STAND_IN, minutes)


Also = Callable[[Transaction, Invite], None]  # what else is written with it, all or nothing


def words_of(tenant: Tenant, subject: str | None, message: str | None) -> tuple[str, str]:
    """What the sender wrote, and the usual words for what they left out."""
    if subject and message:
        return subject, message
    usual = wordings.usual(tenant)
    return subject or usual[0], message or usual[1]


def send(
    context: Context,
    form_ids: Sequence[str],
    subject: str | None,
    message: str | None,
    *,
    hold: int = 0,
    also: Also | None = None,
) -> Invite:
    """Invite the client with these forms: claims the address, freezes the forms, writes the mail; all or nothing.

    The mail waits for `hold` seconds, in which `cancel` takes everything back.

    Raises NoEmail, EmailInUse, AddressSuppressed, AlreadyActive, AlreadyInvited, ClientArchived, InvalidBody,
    FeatureNotInPlan, FeatureSwitchedOff, DailyCap, TooManyRequests.
    """
    if context.result:
        return _get(context, context.result)
    picked = chosen(context, form_ids)
    usual, listed = load(
        None if subject and message else (UsualWording, {"tenant_id": context.tenant_id}),
        suppressions.wanted(context.tenant_id, context.client.email),
    )
    start = ("", "") if subject and message else wordings.words_of(context.tenant, usual)
    return send_with(context, picked, (subject or start[0], message or start[1]), listed, hold=hold, also=also)


def send_with(
    context: Context,
    picked: Sequence[Form],
    words: tuple[str, str],
    listed: Suppression | None,
    *,
    hold: int = 0,
    also: Also | None = None,
    again: bool = False,
) -> Invite:
    """`send` with forms, words, and what is against the address at hand; `also` adds to the transaction; `again` as
    `obstacle` has it.

    An address that bounces at this very moment is seen once more when the mail is sent (services.mails). Raises Busy,
    too, where the file changed at this very moment and nothing stands in the way of another try.
    """
    client: Client = context.client
    if refused := obstacle(client, context.now, again=again):
        raise refused
    if listed is not None:
        raise AddressSuppressed()
    _pace(context)
    previous = _previous(client)
    intake = intakes.packet(context, client, picked)
    invite = _new_invite(context, client, picked, intake, *words)
    mail = mails.to_client(
        context.now, context.tenant_id, client.client_id, letters.INVITATION, hold=hold, invite_id=invite.invite_id
    )
    invite.mail_id, invite.held_until = mail.mail_id, mail.held_until
    try:
        with Transaction() as tx:
            idempotency.remember(tx, context, invite.invite_id)
            if also is not None:
                also(tx, invite)
            _claim(tx, client, invite, previous)
            tx.create(invite)
            tx.create(intake)
            tx.create(mail)
            tx.create(audits.event(context, "invite:send", client_id=client.client_id, invite_id=invite.invite_id))
    except _Beside:  # invited, archived, or at another address by now: what is said is what is so
        now = clients.find(context.tenant_id, client.client_id)
        raise obstacle(now, context.now, again=again) or Busy(retry_after=1) from None
    mails.hand_over(mail)
    return invite


def _pace(context: Context) -> None:
    """So many mails a day to one person, and so many from one organization (notes: security 3.7)."""
    seconds, about = context.now.timestamp(), ("invitations", context.client_id)
    accounts.throttle(context.tenant_id, organizations.limit(context.tenant, "invitations_client"), seconds, *about)
    cap = organizations.limit(context.tenant, "invitations_tenant")
    try:
        accounts.throttle(context.tenant_id, cap, seconds, "invitations")
    except TooManyRequests as full:
        raise DailyCap(retry_after=full.retry_after) from None


def _previous(client: Client) -> Invite | None:
    if client.invite_id is None:
        return None
    return Invite.find(tenant_id=client.tenant_id, client_id=client.client_id, invite_id=client.invite_id)


def _new_invite(
    context: Context,
    client: Client,
    picked: Sequence[Form],
    intake: Intake,
    subject: str,
    message: str,
) -> Invite:
    invite_id = ids.new_id(context.now)
    email = str(client.email)
    neutral = bool(organizations.setting(context.tenant, "neutral_mail"))
    usual = letters.usual_words(neutral)
    # Only other words than the portal's own are kept: with those the record stays under 1 KB, half a write's price.
    words: dict[str, Any] = {"neutral": neutral}
    words |= {"subject": subject} if subject != usual[0] else {}
    words |= {"message": message} if message != usual[1] else {}
    invite = Invite.new(
        tenant_id=context.tenant_id,
        client_id=client.client_id,
        invite_id=invite_id,
        intake_id=intake.intake_id,
        email=email,
        email_digest=accounts.email_digest(context.tenant_id, email),
        forms=[{"form_id": form.form_id, "title": form.title, "minutes": form.minutes} for form in picked],
        letter=keys.encrypt(context.tenant_id, words, f"invite|{invite_id}"),
        status="waiting",
        delivery="queued",
        generation=1,
        sent_by=context.actor.staff_id,
        sent_by_name=context.actor.name,
        sent_at=clock.text(context.now),
        ends_at=clock.text(context.now + LIFE),
    )
    invite.token_digest = ids.digest(letters.invitation_token(invite))
    return invite


def _claim(tx: Transaction, client: Client, invite: Invite, previous: Invite | None) -> None:
    """One address, one account, under any race: the claim is the account's own key."""
    seen = Client.portal == client.portal
    seen &= Client.invite_id == client.invite_id if client.invite_id else Client.invite_id.does_not_exist()
    tx.update(
        client,
        Client.portal.set("invited"),
        Client.invite_id.set(invite.invite_id),
        Client.invite_ends_at.set(invite.ends_at),
        Client.email_digest.set(invite.email_digest),
        Client.first_invited_at.set(Client.first_invited_at | invite.sent_at),
        when=seen & (Client.email == client.email) & (Client.status == "active"),
        otherwise=_Beside(),
    )
    own = clients.principal(client.client_id)
    account = Account.new(
        tenant_id=client.tenant_id,
        email_digest=invite.email_digest,
        realm=accounts.PORTAL,
        principals=own,
        status="invited",
        created_at=invite.sent_at,
    )
    free = Account.pk.does_not_exist() | ((Account.principals == own) & (Account.status == "invited"))
    tx.put(account, when=free, otherwise=EmailInUse())
    suppressions.note_mailbox(tx, client.tenant_id, client.client_id, invite.email)
    if previous is None or previous.status != "waiting":
        return
    tx.update(previous, Invite.status.set("replaced"), when=Invite.status == "waiting", otherwise=_Beside())
    intakes.take_back(tx, previous.tenant_id, previous.client_id, previous.intake_id)
    if previous.email_digest != invite.email_digest:
        _release(tx, previous, invite.email)


def _release(tx: Transaction, invite: Invite, instead: str | None = None) -> None:
    """Give the address of an invitation that nobody took up back; `instead` is the one that takes its place."""
    claim = Account.at(tenant_id=invite.tenant_id, email_digest=invite.email_digest, realm=accounts.PORTAL)
    own = Account.principals == clients.principal(invite.client_id)
    tx.delete(claim, when=Account.pk.does_not_exist() | (own & (Account.status == "invited")))
    if instead is None or spellings.mailbox(instead) != spellings.mailbox(invite.email):
        suppressions.forget_mailbox(tx, invite.tenant_id, invite.client_id, invite.email)


def resend(context: Context, invite_id: str, also: Also | None = None) -> Invite:
    """Send the same invitation with a new link; the older link stops (DOMAIN.md 3.3).

    Raises InvitationClosed, AddressSuppressed, DailyCap, Busy; FeatureNotInPlan or FeatureSwitchedOff when it holds
    forms and these cannot be sent now.
    """
    if context.result:
        return _get(context, context.result)
    invite = _get(context, invite_id)
    client: Client = context.client
    if invite.status != "waiting" or client.invite_id != invite_id or client.status != "active":
        raise InvitationClosed()
    if invite.email != client.email:  # it expired, and the address on file was put right since: a new one goes there
        raise InvitationClosed()
    if invite.forms:
        organizations.require(Feature.INTAKE_FORMS, context.circumstances)
    _pace(context)
    mail = mails.to_client(context.now, context.tenant_id, client.client_id, letters.INVITATION, invite_id=invite_id)
    seen = invite.generation
    invite.generation, invite.mail_id = seen + 1, mail.mail_id
    invite.delivery, invite.sent_at = "queued", clock.text(context.now)
    invite.ends_at = clock.text(context.now + LIFE)
    invite.token_digest = ids.digest(letters.invitation_token(invite))
    try:
        with Transaction() as tx:
            idempotency.remember(tx, context, invite_id)
            if also is not None:
                also(tx, invite)
            tx.update(
                invite,
                Invite.generation.set(invite.generation),
                Invite.mail_id.set(invite.mail_id),
                Invite.delivery.set("queued"),
                Invite.sent_at.set(invite.sent_at),
                Invite.ends_at.set(invite.ends_at),
                Invite.token_digest.set(invite.token_digest),
                Invite.renewal_asked_at.remove(),
                Invite.wrong_dates.remove(),
                Invite.held_until.remove(),
                Invite.opened_at.remove(),
                Invite.news.remove(),
                when=(Invite.status == "waiting") & (Invite.generation == seen),
                otherwise=_Beside(),
            )
            tx.update(
                client,
                Client.invite_ends_at.set(invite.ends_at),
                when=(Client.portal == "invited") & (Client.invite_id == invite_id) & (Client.email == invite.email),
                otherwise=InvitationClosed(),
            )
            suppressions.require_none(tx, context.tenant_id, invite.email_digest)
            tx.create(mail)
            tx.create(audits.event(context, "invite:resend", client_id=client.client_id, invite_id=invite_id))
    except _Beside:
        found = _get(context, invite_id)
        if found.status != "waiting":
            raise InvitationClosed() from None
        if also is not None:  # what was to be written along is not
            raise Busy(retry_after=1) from None
        return found  # a colleague sent it again at this very moment: once more would only stop that link
    mails.hand_over(mail)
    invite.renewal_asked_at = invite.wrong_dates = invite.held_until = invite.opened_at = invite.news = None
    return invite


def revoke(context: Context, invite_id: str) -> Invite:
    """Take an invitation back; its link stops, its address is free again. Raises InvitationClosed."""
    invite = _get(context, invite_id)
    if invite.status == "revoked":
        return invite
    try:
        with Transaction() as tx:
            _withdraw(tx, context, invite)
            tx.create(audits.event(context, "invite:revoke", client_id=context.client_id, invite_id=invite_id))
    except InvitationClosed:  # by a colleague who did the same at this very moment?
        found = _get(context, invite_id)
        if found.status != "revoked":
            raise
        return found
    invite.status = "revoked"
    return invite


def close(tx: Transaction, invite: Invite, *news: Any) -> list[Any]:
    """Within a transaction: this open invitation is taken back. What is to change on the file, for its one update."""
    waiting = Invite.status == "waiting"
    tx.update(invite, Invite.status.set("revoked"), *news, when=waiting, otherwise=InvitationClosed())
    _release(tx, invite)
    intakes.take_back(tx, invite.tenant_id, invite.client_id, invite.intake_id)
    return [
        Client.portal.set("none"),
        Client.invite_id.remove(),
        Client.invite_ends_at.remove(),
        Client.email_digest.remove(),
    ]


def cancel(context: Context, invite_id: str) -> Invite:
    """Take an invitation back whose mail is held: nothing is mailed, and the client was not invited.

    Raises MailUnderWay once a worker has the mail, or when it was not held at all; InvitationClosed.
    """
    invite = _get(context, invite_id)
    if invite.delivery == "cancelled":
        return invite
    if invite.held_until is None:
        raise MailUnderWay()
    client: Client = context.client
    never_before = client.first_invited_at == invite.sent_at
    try:
        with Transaction() as tx:
            mails.take_back(tx, invite.tenant_id, invite.client_id, invite.mail_id, MailUnderWay())
            undo = [Client.first_invited_at.remove()] if never_before else []
            _withdraw(tx, context, invite, Invite.delivery.set("cancelled"), undo=undo)
            tx.create(audits.event(context, "invite:cancel", client_id=context.client_id, invite_id=invite_id))
    except MailUnderWay:  # not if somebody has just called it back: pressed twice, it is called back once
        found = _get(context, invite_id)
        if found.delivery != "cancelled":
            raise
        return found
    invite.status, invite.delivery = "revoked", "cancelled"
    return invite


def _withdraw(tx: Transaction, context: Context, invite: Invite, *news: Any, undo: Sequence[Any] = ()) -> None:
    tx.update(
        context.client,
        *close(tx, invite, *news),
        *undo,
        when=(Client.portal == "invited") & (Client.invite_id == invite.invite_id),
        otherwise=InvitationClosed(),
    )


def of_client(context: Context, limit: int, cursor: str | None) -> Any:
    """The invitations of a client, newest first."""
    return Invite.page(Invite.KEY, tenant_id=context.tenant_id, client_id=context.client_id, limit=limit, cursor=cursor)


def current(client: Client) -> Invite | None:
    """The invitation that counts for a client now."""
    return _previous(client)


def _get(context: Context, invite_id: str) -> Invite:
    found = Invite.find(tenant_id=context.tenant_id, client_id=context.client_id, invite_id=invite_id)
    if found is None:
        raise NotFound()
    return found


# ---- by the link ----


def by_token(token: str) -> tuple[Invite, Client, Tenant]:
    """Whose invitation a link is. Raises NotFound for anything that is not a link of ours, or not any more."""
    parts = token.split(".")
    if len(parts) != 4 or not all(ids.is_id(part) for part in parts[:3]) or len(parts[3]) > 64:
        raise NotFound()
    about = {"tenant_id": parts[0], "client_id": parts[1]}
    invite, client, tenant = load((Invite, {**about, "invite_id": parts[2]}), (Client, about), (Tenant, about))
    if invite is None or client is None or tenant is None:
        raise NotFound()
    return invite, client, tenant


def link_state(invite: Invite, token: str, now: datetime) -> str:
    """open, expired, locked, used, revoked, or replaced by a newer link. Raises NotFound for a secret never ours."""
    if not ids.same(ids.digest(token), invite.token_digest):
        if not _was_ours(invite, token):
            raise NotFound()
        return "used" if invite.status == "completed" else "replaced"
    states = {"completed": "used", "waiting": "open"}
    state = status(invite, now)
    return states.get(state, state)


def _was_ours(invite: Invite, token: str) -> bool:
    """Whether the link is of an earlier sending of this invitation."""
    now = int(invite.generation)
    try:
        for generation in range(max(1, now - 20), now):
            invite.generation = generation
            if ids.same(letters.invitation_token(invite), token):
                return True
    finally:
        invite.generation = now
    return False


def look_up(token: str, caller: Caller) -> tuple[str, Invite, Client, Tenant]:
    """What a link opens; consumes nothing, so that a mail scanner may follow it. `paused`: nothing, while the
    organization is suspended. Raises NotFound, TooManyRequests."""
    invite, client, tenant = by_token(token)
    _slow_down(invite, caller)
    state = link_state(invite, token, clock.now())
    if state == "open" and not organizations.may_begin(tenant):
        state = "paused"
    if state == "open" and invite.opened_at is None:
        _note_opened(invite)
    return state, invite, client, tenant


def _note_opened(invite: Invite) -> None:
    """The first time; a mail scanner that runs the page's script counts as well, so nothing depends on it."""
    at = clock.text(clock.now())
    first = Invite.opened_at.does_not_exist() & (Invite.generation == invite.generation)
    with contextlib.suppress(_Beside):
        change(invite, Invite.opened_at.set(at), when=first, otherwise=_Beside())


def _slow_down(invite: Invite, caller: Caller) -> None:
    seconds = clock.now().timestamp()
    accounts.throttle(
        invite.tenant_id, settings.limit("invitation_address"), seconds, "invitation_address", caller.address
    )


def asks_birth_date(client: Client) -> bool:
    """Whether joining takes the date of birth: a letter that reached the wrong person opens nothing. The date itself is
    told to nobody who has only the link."""
    return bool(client.birth_date)


def redeem(token: str, password: str, birth_date: str | None, profile: dict[str, Any], caller: Caller) -> Context:
    """Create the account that was offered and sign in; exactly one of any number of tries wins.

    An existing credential is never touched. Where a date of birth (ISO) is on file it must be given; five wrong ones
    close the link until it is sent again. Tries at the same moment are as tries one after the other: each is judged by
    the count of wrong dates that it saw, and what it writes holds only while that count stands. While the organization
    is suspended nobody joins: an account is something new, and the link stays as it was.

    Raises OrganizationSuspended, InvitationUsed, InvitationExpired, InvitationLocked, InvitationRevoked,
    BirthDateMismatch, InvalidBody, NotFound, TooManyRequests.
    """
    invite, client, tenant = by_token(token)
    _slow_down(invite, caller)
    hashed: str | None = None
    for _ in range(WRONG_DATES + 1):
        _require_open(invite, token)
        if not organizations.may_begin(tenant):
            raise OrganizationSuspended()
        _require_answers(invite, client, tenant, password, birth_date)
        try:
            if asks_birth_date(client) and client.birth_date != birth_date:
                _count_wrong_date(invite, client, tenant, caller)
                raise BirthDateMismatch()
            hashed = hashed or accounts.hash_password(password)
            return _take_up(invite, client, tenant, token, hashed, profile, caller)
        except _Beside:
            invite, client, tenant = by_token(token)
    raise Busy(retry_after=1)


def _require_answers(invite: Invite, client: Client, tenant: Tenant, password: str, birth_date: str | None) -> None:
    """What can be mended without having been a try."""
    accounts.require_password(password, invite.email, *accounts.words_of(tenant, client))
    if asks_birth_date(client) and birth_date is None:
        raise InvalidBody(errors=[{"pointer": "/birth_date", "code": "missing", "detail": "This is needed."}])


class _Beside(PortalError):
    """Something was done with the invitation, or with its client's file, since it was read: another try with its link
    was counted, or won; a colleague sent it, took it back, or put the file away."""


def _as_seen(invite: Invite) -> Any:
    """While it waits, as often sent and with as many wrong dates as when it was read."""
    wrong = Invite.wrong_dates == invite.wrong_dates if invite.wrong_dates else Invite.wrong_dates.does_not_exist()
    return (Invite.status == "waiting") & (Invite.generation == invite.generation) & wrong


def _count_wrong_date(invite: Invite, client: Client, tenant: Tenant, caller: Caller) -> None:
    """One of the five is gone; on record as nobody's act, because who holds the link has proved nothing."""
    actor = Actor("system", "redemption")
    context = Context(
        tenant.tenant_id, actor, clock.now(), Persona.ACCOUNTS, request_id=caller.request_id, address=caller.address
    )
    about = {"client_id": client.client_id, "invite_id": invite.invite_id}
    with Transaction() as tx:
        count = int(invite.wrong_dates or 0) + 1
        tx.update(invite, Invite.wrong_dates.set(count), when=_as_seen(invite), otherwise=_Beside())
        tx.create(audits.event(context, "invite:redeem", outcome="wrong_birth_date", **about))


def _take_up(
    invite: Invite,
    client: Client,
    tenant: Tenant,
    token: str,
    hashed: str,
    profile: dict[str, Any],
    caller: Caller,
) -> Context:
    at = clock.text(clock.now())
    context = sessions.context_for(client, tenant, sessions.CLIENT, caller)
    account = Account.at(tenant_id=tenant.tenant_id, email_digest=invite.email_digest, realm=accounts.PORTAL)
    with Transaction() as tx:
        tx.update(
            invite,
            Invite.status.set("completed"),
            Invite.completed_at.set(at),
            when=_as_seen(invite) & (Invite.token_digest == ids.digest(token)) & (Invite.ends_at > at),
            otherwise=_Beside(),
        )
        tx.update(
            account,
            Account.status.set("active"),
            Account.password_hash.set(hashed),
            when=(Account.status == "invited") & (Account.principals == clients.principal(client.client_id)),
            otherwise=InvitationUsed(),
        )
        tx.update(
            client,
            Client.portal.set("active"),
            Client.joined_at.set(at),
            Client.invite_ends_at.remove(),
            Client.version.add(1),
            *clients.profile_actions(profile),
            when=(Client.portal == "invited") & (Client.invite_id == invite.invite_id) & (Client.status == "active"),
            otherwise=InvitationUsed(),
        )
        for entry in clients.new_search_entries(client, profile.get("preferred_name")):
            tx.put(entry)
        if invite.forms:
            reminders.begin(tx, tenant, client.client_id, invite.intake_id, clock.parse(at))
        tx.create(audits.event(context, "invite:redeem", client_id=client.client_id, invite_id=invite.invite_id))
    context.person = context.client = clients.find(tenant.tenant_id, client.client_id)
    sessions.start(context, method="invitation link and new password", bearer=False)
    return context


def _require_open(invite: Invite, token: str) -> None:
    state = link_state(invite, token, clock.now())
    if state == "used":
        raise InvitationUsed()
    if state == "expired":
        raise InvitationExpired()
    if state == "locked":
        raise InvitationLocked()
    if state != "open":
        raise InvitationRevoked()


def ask_renewal(token: str, caller: Caller) -> None:
    """Tell the practice that the holder of an old link would like a new one. Raises NotFound, TooManyRequests."""
    invite, client, tenant = by_token(token)
    _slow_down(invite, caller)
    state = link_state(invite, token, clock.now())
    if state in ("open", "used", "revoked"):
        return
    seconds = clock.now().timestamp()
    accounts.throttle(tenant.tenant_id, settings.limit("renewal"), seconds, "renewal", invite.invite_id)
    system = Context(tenant.tenant_id, Actor("system", "renewal"), clock.now(), Persona.ACCOUNTS)
    if invite.renewal_asked_at is not None or invite.status != "waiting":
        return
    told = notifications.recipients(tenant.tenant_id, client.client_id, invite.sent_by)
    cause = f"{invite.invite_id}/{invite.generation}"
    notes = [mails.to_staff(system.now, tenant.tenant_id, who.staff_id, letters.RENEWAL_ASKED, cause) for who in told]
    try:
        with Transaction() as tx:
            tx.update(
                invite,
                Invite.renewal_asked_at.set(clock.text(system.now)),
                when=Invite.renewal_asked_at.does_not_exist() & (Invite.generation == invite.generation),
                otherwise=_Beside(),
            )
            for who, note in zip(told, notes, strict=True):
                about = notifications.RENEWAL_ASKED
                tx.put(
                    notifications.notice(
                        who, about, client.client_id, system.now, cause, intake_id=None, worrying=False
                    )
                )
                tx.put(note)
            tx.create(audits.event(system, "invite:renew", client_id=client.client_id, invite_id=invite.invite_id))
    except _Beside:  # asked twice at the same moment, or a new link is on its way already
        return
    mails.hand_over(*notes)
