"""Invitations: sent by staff, opened and redeemed by the link."""

from typing import Annotated, Literal

from pydantic import Field

from chalicelib.config import settings as stage
from chalicelib.context import Context
from chalicelib.errors import InvalidBody
from chalicelib.handlers.clients import InvitedForm, InviteView, ProfileFields
from chalicelib.handlers.jobs import JobView
from chalicelib.handlers.routing import PRACTICE, PUBLIC, Routes
from chalicelib.handlers.sessions import SessionView, session_view
from chalicelib.handlers.tenants import TenantView
from chalicelib.handlers.views import Body, Day, Id, Line, Paging, PortalView, Text, View
from chalicelib.handlers.wordings import OddityView, WordingView
from chalicelib.services import bulk, clients, forms, invites, spellings, suppressions, wordings
from chalicelib.services.sessions import Caller

public = Routes(__name__, PUBLIC)
practice = Routes(__name__ + ".practice", PRACTICE, "/practice")

Token = Annotated[str, Field(min_length=20, max_length=200, pattern=r"^[A-Za-z0-9._-]+$")]


class InvitePage(View):
    """Some of a client's invitations."""

    items: list[InviteView]
    next_cursor: str | None


class OfferedForm(View):
    """A form that can be sent along."""

    form_id: str
    title: str
    minutes: int
    selected: bool


class InviteTemplate(View):
    """Where the sender starts. `saved`: other texts to start from. `forms_off`: why no form can be sent along; then
    there are none to choose from. `left_today`: how many more invitations the organization may send. `hold_seconds`:
    how long a mail can be called back."""

    subject: str
    message: str
    saved: list[WordingView]
    placeholders: list[str]
    forms: list[OfferedForm]
    forms_off: Literal["not_in_plan", "switched_off", "client_switched_off"] | None
    left_today: int
    hold_seconds: int


class InviteIn(Body):
    """Forms to complete, and the words of the mail; the usual words when left out."""

    form_ids: list[Annotated[str, Field(max_length=80)]] = Field(max_length=20)
    subject: Annotated[Line, Field(min_length=1, max_length=200)] | None = None
    message: Annotated[Text, Field(min_length=1, max_length=5000)] | None = None


class InviteSend(InviteIn):
    """`hold`: let the mail wait for a few seconds, in which it can be called back. Programs have no need of it."""

    hold: bool = False


class ManyIn(Body):
    """Whom to look at: these clients, or `never_invited`: everyone who never was, or `not_joined`: everyone who was and
    has no account; at most 1,000."""

    client_ids: list[Id] | None = Field(default=None, min_length=1, max_length=bulk.AT_MOST)
    never_invited: bool = False
    not_joined: bool = False

    def audience(self, context: Context) -> list[str]:
        """The ids of those who are meant. Raises InvalidBody unless one of the three says who."""
        if (self.client_ids is not None) + self.never_invited + self.not_joined != 1:
            detail = "Name clients, or one group of them."
            raise InvalidBody(errors=[{"pointer": "/client_ids", "code": "either_or", "detail": detail}])
        if self.client_ids is not None:
            return self.client_ids
        return bulk.never_invited(context) if self.never_invited else bulk.not_joined(context)


class ManySend(InviteSend):
    """Whom to invite; with the forms and the words for all of them. `again`: whose invitation is open gets a new one,
    unless it went out less than a day ago."""

    client_ids: list[Id] = Field(min_length=1, max_length=bulk.AT_MOST)
    again: bool = False


class Invitee(View):
    """Somebody who will be invited. `likely`: the address that was probably meant."""

    client_id: str
    name: str
    email: str
    likely: str | None


class LeftOut(View):
    """Somebody who will not be, and why (a code, as of a problem); no name for what is not there."""

    client_id: str
    name: str | None
    reason: str


class ManyLook(View):
    """Who will be invited and who will not, before anything is sent."""

    invited: list[Invitee]
    left_out: list[LeftOut]
    left_today: int

    def clients_named(self) -> list[str]:
        """None to routing: the service has audited them, a hundred an event."""
        return []


class InvitePreview(View):
    """The mail exactly as it will be sent, but for the link."""

    to: str
    name: str
    subject: str
    text: str
    html: str
    forms: list[InvitedForm]
    oddities: list[OddityView]
    left_today: int


@practice.endpoint("GET", "/clients/{client_id}/invites", action="invite:read", query=Paging, reads_record=True)
def list_invites(context: Context, client_id: str, query: Paging) -> InvitePage:
    """A client's invitations"""
    page = invites.of_client(context, query.limit, query.cursor)
    return InvitePage(items=[InviteView.of(each) for each in page.items], next_cursor=page.next_cursor)


@practice.endpoint("GET", "/clients/{client_id}/invites/template", action="invite:send")
def read_invite_template(context: Context, client_id: str) -> InviteTemplate:
    """The usual words and the forms that can be sent"""
    return _template(context)


def _template(context: Context) -> InviteTemplate:
    saved = wordings.everything(context.tenant_id)
    usual = next(((each.subject, each.message) for each in saved if each.usual), None)
    subject, message = usual or wordings.standard(context.tenant)
    off = invites.forms_off(context)
    active = [form for form in forms.library(context.tenant_id) if form.status == "active"] if off is None else []
    return InviteTemplate(
        subject=subject,
        message=message,
        saved=[WordingView.of(each) for each in saved],
        placeholders=list(wordings.PLACEHOLDERS),
        forms=[
            OfferedForm(form_id=f.form_id, title=f.title, minutes=f.minutes, selected=bool(f.standard)) for f in active
        ],
        forms_off=off.value if off else None,
        left_today=invites.left_today(context),
        hold_seconds=stage.hold_seconds,
    )


@practice.endpoint(
    "POST", "/clients/{client_id}/invites/preview", action="invite:send", body=InviteIn, reads_record=True
)
def preview_invite(context: Context, client_id: str, body: InviteIn) -> InvitePreview:
    """Look at an invitation before sending it"""
    picked = invites.chosen(context, body.form_ids)
    words = invites.words_of(context.tenant, body.subject, body.message)
    letter = invites.preview(context, picked, *words)
    return InvitePreview(
        to=letter.to,
        name=clients.shown(context.client),
        subject=letter.subject,
        text=letter.text,
        html=letter.html,
        forms=[InvitedForm(form_id=form.form_id, title=form.title) for form in picked],
        oddities=_oddities(context, *words),
        left_today=invites.left_today(context),
    )


def _oddities(context: Context, subject: str, message: str) -> list[OddityView]:
    """What the sender should look at once more; nothing of it stops them."""
    found = [OddityView(code=each.code, what=each.what) for each in wordings.oddities(context.tenant, subject, message)]
    email = context.client.email or ""
    if likely := spellings.likely_meant(email) if email else None:
        found.append(OddityView(code="likely_typo", what=likely))
    if suppressions.at_address(context.tenant_id, context.client_id, email).shared:
        found.append(OddityView(code="shared_mailbox", what=spellings.mailbox(email)))
    return found


@practice.endpoint(
    "POST", "/clients/{client_id}/invites", action="invite:send", body=InviteSend, status=201, idempotent=True
)
def send_invite(context: Context, client_id: str, body: InviteSend) -> InviteView:
    """Invite a client to the portal"""
    return InviteView.of(invites.send(context, body.form_ids, body.subject, body.message, hold=_hold(body)))


def _hold(body: InviteSend) -> int:
    return stage.hold_seconds if body.hold else 0


@practice.endpoint(
    "POST", "/clients/{client_id}/invites/{invite_id}/resend", action="invite:send", status=201, idempotent=True
)
def resend_invite(context: Context, client_id: str, invite_id: str) -> InviteView:
    """Send the invitation again with a new link; the older link stops"""
    return InviteView.of(invites.resend(context, invite_id))


@practice.endpoint("POST", "/clients/{client_id}/invites/{invite_id}/revoke", action="invite:revoke")
def revoke_invite(context: Context, client_id: str, invite_id: str) -> InviteView:
    """Take an invitation back"""
    return InviteView.of(invites.revoke(context, invite_id))


@practice.endpoint("POST", "/clients/{client_id}/invites/{invite_id}/cancel", action="invite:revoke")
def cancel_invite(context: Context, client_id: str, invite_id: str) -> InviteView:
    """Call an invitation back before it is mailed"""
    return InviteView.of(invites.cancel(context, invite_id))


# ---- many at once ----


@practice.endpoint("GET", "/invites/template", action="invite:bulk")
def read_bulk_template(context: Context) -> InviteTemplate:
    """The usual words and the forms that can be sent, for many clients"""
    return _template(context)


@practice.endpoint("POST", "/invites/bulk/check", action="invite:bulk", body=ManyIn)
def check_many(context: Context, body: ManyIn) -> ManyLook:
    """Who of many clients will be invited, and who will not and why"""
    looks = bulk.check(context, body.audience(context), again=body.not_joined)
    return ManyLook(
        invited=[
            Invitee(
                client_id=each.client_id, name=clients.shown(each.client), email=each.client.email, likely=each.likely
            )
            for each in looks
            if each.reason is None and each.client is not None
        ],
        left_out=[
            LeftOut(
                client_id=each.client_id,
                name=clients.shown(each.client) if each.client is not None else None,
                reason=each.reason,
            )
            for each in looks
            if each.reason is not None
        ],
        left_today=invites.left_today(context),
    )


@practice.endpoint("POST", "/invites/bulk", action="invite:bulk", body=ManySend, status=201, idempotent=True)
def invite_many(context: Context, body: ManySend) -> JobView:
    """Invite many clients, as a job"""
    words = (body.subject, body.message)
    started = bulk.start(context, body.client_ids, body.form_ids, *words, again=body.again, hold=_hold(body))
    return JobView.of(started)


# ---- by the link ----


class TokenIn(Body):
    """What stands behind the # of the link; it never reaches a log or an address bar's server."""

    token: Token


class LookedUpForm(PortalView):
    """A form that waits behind the link."""

    form_id: str
    title: str
    minutes: int


class Invitation(PortalView):
    """What a link opens; names, address, forms and whether a date of birth will be asked for only while it is open."""

    state: Literal["open", "expired", "locked", "revoked", "used", "replaced", "paused"]
    tenant: TenantView
    first_name: str | None
    name: str | None
    email: str | None
    forms: list[LookedUpForm]
    expires_at: str
    asks_birth_date: bool


class Redemption(Body):
    """The password that the client chose, the date of birth where it is asked for, and what they told of themselves."""

    token: Token
    password: str = Field(min_length=1, max_length=1024)
    birth_date: Day | None = None
    preferred_name: Annotated[Line, Field(max_length=100)] | None = None
    profile: ProfileFields = Field(default_factory=ProfileFields)


class Renewal(PortalView):
    """Nothing is told but that it was heard."""


@public.endpoint("POST", "/invitations/lookup", action="invite:look_up", body=TokenIn)
def look_up_invitation(context: None, body: TokenIn, caller: Caller) -> Invitation:
    """What an invitation link opens; nothing is used up"""
    state, invite, client, tenant = invites.look_up(body.token, caller)
    is_open = state == "open"
    return Invitation(
        state=state,
        tenant=TenantView.of(tenant),
        first_name=clients.first_name(client) if is_open else None,
        name=client.legal_name if is_open else None,
        email=invite.email if is_open else None,
        forms=[LookedUpForm(**form) for form in invite.forms] if is_open else [],
        expires_at=invite.ends_at,
        asks_birth_date=is_open and invites.asks_birth_date(client),
    )


@public.endpoint("POST", "/invitations/redemption", action="invite:redeem", body=Redemption, status=201)
def redeem_invitation(context: None, body: Redemption, caller: Caller) -> SessionView:
    """Create the account and sign in"""
    profile = body.profile.changes()
    if body.preferred_name:
        profile["preferred_name"] = body.preferred_name
    return session_view(invites.redeem(body.token, body.password, body.birth_date, profile, caller), fresh=True)


@public.endpoint("POST", "/invitations/renewal", action="invite:renew", body=TokenIn, status=202)
def renew_invitation(context: None, body: TokenIn, caller: Caller) -> Renewal:
    """Ask the practice for a new link"""
    invites.ask_renewal(body.token, caller)
    return Renewal()
