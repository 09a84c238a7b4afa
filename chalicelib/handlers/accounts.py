"""One's own account: password, second factor, e-mail address, sessions; and what is done by mailed links."""

from typing import Annotated, Any, Literal

from pydantic import Field

from chalicelib.context import Context
from chalicelib.handlers.routing import BOTH, PUBLIC, Routes, cookie
from chalicelib.handlers.sessions import SignedOut
from chalicelib.handlers.tenants import TenantView
from chalicelib.handlers.views import Body, Empty, Line, PortalView
from chalicelib.models.accounts import Link
from chalicelib.models.tenants import Tenant
from chalicelib.services import addresses, authenticators, devices, links, recovery, sessions
from chalicelib.services.sessions import Caller

public = Routes(__name__, PUBLIC)
both = Routes(__name__ + ".both", BOTH)

LinkToken = Annotated[str, Field(min_length=20, max_length=200, pattern=r"^[A-Za-z0-9._-]+$")]
Password = Annotated[str, Field(min_length=1, max_length=1024)]


# ---- a forgotten password ----


class ResetRequest(Body):
    """Whose password is forgotten, and where."""

    slug: Line = Field(min_length=1, max_length=63)
    kind: Literal["staff", "client"]
    email: str = Field(min_length=3, max_length=254)


class Heard(PortalView):
    """It was heard; what comes of it is told by mail, if anything does."""


class LinkIn(Body):
    """What stands behind the # of a mailed link."""

    token: LinkToken


class LinkOffer(PortalView):
    """What a mailed link is worth now, and whose organization it is of."""

    state: Literal["open", "used", "expired"]
    kind: Literal["staff", "client"]
    tenant: TenantView


class NewPasswordByLink(Body):
    """The password that was chosen."""

    token: LinkToken
    password: Password


class Changed(PortalView):
    """It is done; where to sign in."""

    kind: Literal["staff", "client"]
    tenant: TenantView


@public.endpoint("POST", "/password-resets", action="account:recover", body=ResetRequest, status=202)
def ask_password_reset(context: None, body: ResetRequest, caller: Caller) -> Heard:
    """Ask for a link to choose a new password; the answer is the same whoever is asked about"""
    recovery.ask(body.slug, body.kind, body.email, caller)
    return Heard()


@public.endpoint("POST", "/password-resets/lookup", action="account:recover", body=LinkIn)
def look_up_password_reset(context: None, body: LinkIn, caller: Caller) -> LinkOffer:
    """What the link of a forgotten password is worth; nothing is used up"""
    return _offer(body.token, recovery.PURPOSE, caller)


@public.endpoint("POST", "/password-resets/redemption", action="account:recover", body=NewPasswordByLink)
def reset_password(context: None, body: NewPasswordByLink, caller: Caller) -> Changed:
    """Choose a new password; every session ends, and nobody is signed in"""
    kind, tenant = recovery.redeem(body.token, body.password, caller)
    return Changed(kind=kind, tenant=TenantView.of(tenant))


def _offer(token: str, purpose: str, caller: Caller) -> LinkOffer:
    link, tenant = recovery.look_up(token, purpose, caller)
    return _told(links.state(link), link, tenant)


def _told(state: Any, link: Link, tenant: Tenant) -> LinkOffer:
    kind = sessions.STAFF if link.realm == "STAFF" else sessions.CLIENT
    return LinkOffer(state=state, kind=kind, tenant=TenantView.of(tenant))


# ---- another address, by the link that was mailed to it ----


@public.endpoint("POST", "/email-changes/lookup", action="account:confirm_email", body=LinkIn)
def look_up_email_change(context: None, body: LinkIn, caller: Caller) -> LinkOffer:
    """What the link to a new e-mail address is worth; nothing is used up"""
    return _told(*addresses.opened(body.token, caller))


@public.endpoint("POST", "/email-changes/redemption", action="account:confirm_email", body=LinkIn)
def confirm_email_change(context: None, body: LinkIn, caller: Caller) -> Changed:
    """Confirm the new e-mail address; every session ends, and the old address is told"""
    kind, tenant = addresses.confirm(body.token, caller)
    return Changed(kind=kind, tenant=TenantView.of(tenant))


# ---- signed in ----


class AccountView(PortalView):
    """How one signs in. `new_email`: a link is on its way there and works; null as well when a new password, new codes
    or signing out everywhere has stopped it. `second_factor_required`: it cannot be switched off."""

    email: str
    new_email: str | None
    second_factor: bool
    second_factor_required: bool
    recovery_codes_left: int


class NewPassword(Body):
    """The password that was chosen."""

    password: Password


class NewEmail(Body):
    """The address that is to be confirmed."""

    email: str = Field(min_length=3, max_length=254)


class Enrolment(PortalView):
    """A new authenticator's secret (base32) and the address that its QR code holds. In force once a code is given."""

    secret: str
    uri: str


class CodeIn(Body):
    """What the authenticator shows."""

    code: str = Field(pattern=r"^[0-9]{6}$")


class RecoveryCodes(PortalView):
    """Each opens the account once, with the password. They are shown only now."""

    codes: list[str]


class SessionLine(PortalView):
    """A place where one is signed in. Browser and system are null where the device does not say."""

    session_id: str
    browser: str | None
    system: str | None
    program: bool
    started_at: str
    seen_at: str
    here: bool


class MySessions(PortalView):
    """Where one is signed in: this place first."""

    items: list[SessionLine]


@both.endpoint("GET", "/account", action="account:read")
def read_account(context: Context) -> AccountView:
    """How I sign in"""
    account, new_email = addresses.own(context)
    return AccountView(
        email=context.person.email,
        new_email=new_email,
        second_factor=bool(account.totp),
        second_factor_required=context.actor.kind == sessions.STAFF,
        recovery_codes_left=len(account.recovery or []),
    )


# No Idempotency-Key here: its record would hold a fast digest of what was sent, and that is a password.
@both.endpoint(
    "POST", "/account/password", action="account:update", body=NewPassword, status=204, proof=sessions.RECENT
)
def change_password(context: Context, body: NewPassword) -> Empty:
    """Change my password; every other session ends"""
    recovery.change(context, body.password)
    return Empty()


@both.endpoint(
    "POST",
    "/account/email",
    action="account:update",
    body=NewEmail,
    status=202,
    idempotent=True,
    proof=sessions.RECENT,
)
def start_email_change(context: Context, body: NewEmail) -> Heard:
    """Ask for another e-mail address; a link is mailed to it"""
    addresses.start_email_change(context, context.person, body.email)
    return Heard()


@both.endpoint("POST", "/account/totp", action="account:update", status=201, proof=sessions.RECENT)
def begin_totp(context: Context) -> Enrolment:
    """Begin with a new authenticator; the one in use stays until a code is given"""
    secret, uri = authenticators.begin(context)
    return Enrolment(secret=secret, uri=uri)


@both.endpoint(
    "POST", "/account/totp/confirmation", action="account:update", body=CodeIn, status=201, proof=sessions.RECENT
)
def confirm_totp(context: Context, body: CodeIn) -> RecoveryCodes:
    """Put the new authenticator in force; every other session ends"""
    return RecoveryCodes(codes=authenticators.confirm(context, body.code))


@both.endpoint("DELETE", "/account/totp", action="account:update", status=204, proof=sessions.RECENT)
def switch_totp_off(context: Context) -> Empty:
    """Sign in with the password alone; not for staff"""
    authenticators.switch_off(context)
    return Empty()


@both.endpoint("POST", "/account/recovery-codes", action="account:update", status=201, proof=sessions.RECENT)
def renew_recovery_codes(context: Context) -> RecoveryCodes:
    """Make new recovery codes; the old ones stop"""
    return RecoveryCodes(codes=authenticators.new_codes(context))


@both.endpoint("GET", "/sessions", action="session:list")
def list_sessions(context: Context) -> MySessions:
    """Where I am signed in"""
    return MySessions(items=[_line(context, each) for each in sessions.mine(context)])


@both.endpoint("DELETE", "/sessions/{session_id}", action="session:end", status=204)
def end_session(context: Context, session_id: str) -> Empty:
    """Sign out in one place"""
    sessions.end_one(context, session_id)
    return Empty()


@both.endpoint("DELETE", "/sessions", action="session:end", status=204)
def end_sessions(context: Context) -> Empty:
    """Sign out everywhere"""
    sessions.end_everywhere(context)
    gone = SignedOut()
    gone._headers = {"Set-Cookie": cookie("", 0), "Clear-Site-Data": '"cache", "storage"'}
    return gone


def _line(context: Context, session: Any) -> SessionLine:
    device = devices.described(session.device)
    return SessionLine(
        session_id=session.session_id,
        browser=device.browser,
        system=device.system,
        program=session.bearer,
        started_at=session.started_at,
        seen_at=session.seen_at,
        here=session.session_id == context.session.session_id,
    )
