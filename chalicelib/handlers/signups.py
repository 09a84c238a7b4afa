"""The Sign Up page, the link it mails, and the practice's answers."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from chalicelib import clock
from chalicelib.context import Context
from chalicelib.handlers.clients import Telephone
from chalicelib.handlers.invites import Token
from chalicelib.handlers.routing import PRACTICE, PUBLIC, Routes
from chalicelib.handlers.tenants import TenantView
from chalicelib.handlers.views import Body, Day, Id, Line, Paging, PortalView, View
from chalicelib.models.signups import Signup
from chalicelib.services import answers, signups, tenants
from chalicelib.services.sessions import Caller

public = Routes(__name__, PUBLIC)
practice = Routes(__name__ + ".practice", PRACTICE, "/practice")


class SignUpPage(PortalView):
    """What the page starts from. `ticket` goes back with what was typed, at least `least_seconds` later."""

    tenant: TenantView
    open: bool
    ticket: str
    least_seconds: int


def _is_name(value: str) -> str:
    if not any(character.isalpha() for character in value):
        raise ValueError("a name has letters")
    return value


class SignUpIn(Body):
    """What a new person tells; nothing clinical before there is an account. `website` is no question: people do not see
    it, programs fill it in."""

    slug: Line = Field(min_length=1, max_length=63)
    ticket: str = Field(max_length=100)
    legal_name: Annotated[Line, Field(min_length=2, max_length=200)]
    preferred_name: Annotated[Line, Field(max_length=100)] | None = None
    birth_date: Day
    email: str = Field(min_length=3, max_length=254)
    phone: Telephone = Field(min_length=1)
    may_contact: Literal[True]
    website: str = Field(default="", max_length=2000)

    @field_validator("legal_name")
    @classmethod
    def _has_letters(cls, value: str) -> str:
        return _is_name(value)

    @field_validator("birth_date")
    @classmethod
    def _within_a_life(cls, value: str) -> str:
        if value < "1900-01-01":
            raise ValueError("nobody is that old")
        return value


class SignUpHeard(PortalView):
    """Nothing is told but that it was heard."""


class SignUpToken(Body):
    """What stands behind the # of the link; it never reaches a log or an address bar's server."""

    token: Token


class SignUpLink(PortalView):
    """What a mailed link opens; what was typed only while it is open."""

    state: Literal["open", "used", "expired"]
    tenant: TenantView
    legal_name: str | None
    preferred_name: str | None
    birth_date: str | None
    email: str | None
    phone: str | None


class SignUpConfirmation(Body):
    """The password that the account will have once it is open."""

    token: Token
    password: str = Field(min_length=1, max_length=1024)


@public.endpoint("GET", "/tenants/{slug}/sign-up", action="signup:begin")
def begin_sign_up(context: None, slug: str, caller: Caller) -> SignUpPage:
    """The Sign Up page of an organization"""
    tenant = tenants.by_slug(slug)
    return SignUpPage(
        tenant=TenantView.of(tenant),
        open=signups.is_open(tenant),
        ticket=signups.ticket(tenant),
        least_seconds=signups.LEAST_SECONDS,
    )


@public.endpoint("POST", "/sign-ups", action="signup:send", body=SignUpIn, status=202)
def send_sign_up(context: None, body: SignUpIn, caller: Caller) -> SignUpHeard:
    """Sign up as a new person: a link is mailed that proves the mailbox"""
    typed = {
        "legal_name": body.legal_name,
        "preferred_name": body.preferred_name or None,
        "birth_date": body.birth_date,
        "email": body.email,
        "phone": body.phone,
    }
    signups.send(body.slug, typed, body.ticket, body.website, caller)
    return SignUpHeard()


@public.endpoint("POST", "/sign-ups/lookup", action="signup:look_up", body=SignUpToken)
def look_up_sign_up(context: None, body: SignUpToken, caller: Caller) -> SignUpLink:
    """What the mailed link opens; nothing is used up"""
    state, typed, tenant = signups.look_up(body.token, caller)
    told = typed or {}
    names = ("legal_name", "preferred_name", "birth_date", "email", "phone")
    return SignUpLink(state=state, tenant=TenantView.of(tenant), **{name: told.get(name) for name in names})


@public.endpoint("POST", "/sign-ups/confirmation", action="signup:confirm", body=SignUpConfirmation, status=202)
def confirm_sign_up(context: None, body: SignUpConfirmation, caller: Caller) -> SignUpHeard:
    """Prove the mailbox and choose a password; the practice then answers"""
    signups.confirm(body.token, body.password, caller)
    return SignUpHeard()


# ---- the practice ----


class AlikeFile(View):
    """A file that may be of the same person, and what is the same."""

    client_id: str
    name: str
    birth_date: str | None
    email: str | None
    phone: str | None
    status: str
    portal: str
    same: list[Literal["email", "name_and_birth_date"]]


class SignupView(View):
    """A sign-up as it was typed, beside the files like it. `etag` goes back in If-Match."""

    signup_id: str
    etag: str
    status: Literal["waiting", "accepted", "linked", "rejected"]
    legal_name: str
    preferred_name: str | None
    birth_date: str
    age: int
    email: str
    phone: str
    proved_at: str
    client_id: str | None
    decided_by_name: str | None
    alike: list[AlikeFile]

    def clients_named(self) -> list[str]:
        """Those whose files are shown beside it, and the one that came of it."""
        return [each.client_id for each in self.alike] + ([self.client_id] if self.client_id else [])


class SignupPage(View):
    """Some sign-ups that wait, newest first."""

    items: list[SignupView]
    next_cursor: str | None

    def clients_named(self) -> list[str]:
        """Those whose files are shown beside."""
        return [client_id for each in self.items for client_id in each.clients_named()]


class Acceptance(Body):
    """`despite`: the files shown beside it; this is none of them."""

    despite: list[Id] = Field(default_factory=list, max_length=20)


class Linking(Body):
    """The file it belongs to. `new_address`: invite to the address that was proved, and put it on the file."""

    client_id: Id
    new_address: bool = False


class Rejection(Body):
    """`tell`: with a neutral mail."""

    tell: bool


class Waiting(Paging):
    """One page; every row may name six files, and one audit event a hundred."""

    limit: int = Field(default=10, ge=1, le=14)


@practice.endpoint("GET", "/sign-ups", action="signup:read", query=Waiting)
def list_sign_ups(context: Context, query: Waiting) -> SignupPage:
    """New people who wait for an answer"""
    page = signups.queue(context, query.limit, query.cursor)
    return SignupPage(items=[_view(context, each) for each in page.items], next_cursor=page.next_cursor)


@practice.endpoint(
    "POST",
    "/sign-ups/{signup_id}/acceptance",
    action="signup:accept",
    body=Acceptance,
    idempotent=True,
    if_match=True,
)
def accept_sign_up(context: Context, signup_id: str, body: Acceptance) -> SignupView:
    """Accept as new person: opens a file and an account"""
    return _view(context, signups.accept(context, signup_id, body.despite))


@practice.endpoint(
    "POST", "/sign-ups/{signup_id}/link", action="signup:link", body=Linking, idempotent=True, if_match=True
)
def link_sign_up(context: Context, signup_id: str, body: Linking) -> SignupView:
    """Link to an existing file: invites it"""
    return _view(context, signups.link(context, signup_id, body.client_id, body.new_address))


@practice.endpoint(
    "POST", "/sign-ups/{signup_id}/rejection", action="signup:reject", body=Rejection, idempotent=True, if_match=True
)
def reject_sign_up(context: Context, signup_id: str, body: Rejection) -> SignupView:
    """Reject: nothing comes of it"""
    return _view(context, signups.reject(context, signup_id, body.tell))


def _view(context: Context, signup: Signup) -> SignupView:
    typed: dict[str, Any] = signups.typed_by(signup)
    waiting = signup.status == "waiting"
    born = date.fromisoformat(typed["birth_date"])
    return SignupView(
        signup_id=signup.signup_id,
        etag=str(int(signup.version)),
        status=signup.status,
        **{name: typed[name] for name in ("legal_name", "preferred_name", "birth_date", "email", "phone")},
        age=answers.age(born, clock.today(context.tenant.zone)),
        proved_at=signup.proved_at,
        client_id=signup.client_id,
        decided_by_name=signup.decided_by_name,
        alike=[_file(each) for each in signups.alike(signup)] if waiting else [],
    )


def _file(alike: signups.Alike) -> AlikeFile:
    client = alike.client
    return AlikeFile(
        client_id=client.client_id,
        name=client.legal_name,
        same=alike.same,
        **{name: getattr(client, name) for name in ("birth_date", "email", "phone", "status", "portal")},
    )
