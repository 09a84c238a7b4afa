"""Sign in, stay signed in, sign out; who am I."""

from typing import Literal

from pydantic import Field

from chalicelib import clock
from chalicelib.context import Context
from chalicelib.handlers.routing import BOTH, PUBLIC, Routes, cookie, device_cookie, seconds_until
from chalicelib.handlers.tenants import StandingView, TenantView, standing_view
from chalicelib.handlers.views import Body, Empty, Line, PortalView, WithHeaders
from chalicelib.services import clients, sessions, tenants

public = Routes(__name__, PUBLIC)
both = Routes(__name__ + ".both", BOTH)


class SignIn(Body):
    """Who signs in where. `bearer`: for programs, which get a token instead of a cookie. `recovery_code`: instead of a
    code, once."""

    slug: Line = Field(min_length=1, max_length=63)
    kind: Literal["staff", "client"]
    email: str = Field(min_length=3, max_length=254)
    password: str = Field(min_length=1, max_length=1024)
    code: str | None = Field(default=None, pattern=r"^[0-9]{6}$")
    recovery_code: str | None = Field(default=None, min_length=8, max_length=40)
    bearer: bool = False


class Proof(Body):
    """What proves that it is still the same person. `code`: where the account has a second factor."""

    password: str = Field(min_length=1, max_length=1024)
    code: str | None = Field(default=None, pattern=r"^[0-9]{6}$")


class PersonView(PortalView):
    """The one who is signed in."""

    id: str
    name: str
    first_name: str
    email: str
    initials: str


class FeatureState(PortalView):
    """Whether a feature is on for this person, and if not, why."""

    on: bool
    reason: str | None


class SessionView(PortalView, WithHeaders):
    """A session. It ends at `idle_ends_at` unless something is done in it, and at `ends_at` in any case."""

    kind: Literal["staff", "client"]
    person: PersonView
    roles: list[str]
    may_invite: bool
    may_bill: bool
    seat: bool
    tenant: TenantView
    standing: StandingView | None
    features: dict[str, FeatureState]
    csrf_token: str
    idle_seconds: int
    idle_ends_at: str
    ends_at: str
    token: str | None


class SignedOut(Empty, WithHeaders):
    """No content, and nothing kept in the browser."""


@public.endpoint("POST", "/sessions", action="session:create", body=SignIn, status=201)
def sign_in(context: None, body: SignIn, caller: sessions.Caller) -> SessionView:
    """Sign in"""
    opened = sessions.sign_in(
        body.slug,
        body.kind,
        body.email,
        body.password,
        body.code,
        bearer=body.bearer,
        caller=caller,
        recovery_code=body.recovery_code,
    )
    return session_view(opened, fresh=True)


@both.endpoint("GET", "/session", action="session:read")
def read_session(context: Context) -> SessionView:
    """Who am I, and what may I do"""
    return session_view(context)


@both.endpoint("POST", "/session/activity", action="session:extend")
def extend_session(context: Context) -> SessionView:
    """Stay signed in"""
    sessions.extend(context)
    return session_view(context)


@both.endpoint("POST", "/session/proof", action="session:prove", body=Proof)
def prove_session(context: Context, body: Proof) -> SessionView:
    """Give the password once more, where an answer said `proof_required`"""
    sessions.prove(context, body.password, body.code)
    return session_view(context)


@both.endpoint("DELETE", "/session", action="session:end", status=204)
def sign_out(context: Context) -> Empty:
    """Sign out"""
    sessions.end(context)
    gone = SignedOut()
    gone._headers = {"Set-Cookie": cookie("", 0), "Clear-Site-Data": '"cache", "storage"'}
    return gone


def session_view(context: Context, fresh: bool = False) -> SessionView:
    """The view of a session; a fresh one hands out its token: as a cookie, or to a program in the body."""
    staff = context.actor.kind == sessions.STAFF
    person, session = context.person, context.session
    name = person.name if staff else clients.shown(person)
    idle_ends = sessions.idle_ends(session, context.tenant, context.actor.kind)
    off = tenants.features(
        context.tenant, seat=person.seat if staff else None, client_off=() if staff else person.features_off
    )
    view = SessionView(
        kind=context.actor.kind,
        person=PersonView(
            id=context.actor.id,
            name=name,
            first_name=name.split()[0] if staff else clients.first_name(person),
            email=person.email or "",
            initials=initials(name),
        ),
        roles=sorted(person.roles) if staff else [],
        may_invite=staff and ("administrator" in person.roles or bool(person.may_invite)),
        may_bill=staff and ("administrator" in person.roles or bool(person.may_bill)),
        seat=staff and bool(person.seat),
        tenant=TenantView.of(context.tenant),
        standing=standing_view(context.tenant) if staff else None,
        features={feature: FeatureState(on=why is None, reason=why) for feature, why in off.items()},
        csrf_token=sessions.csrf_token(str(context.token)),
        idle_seconds=int((idle_ends - clock.parse(session.seen_at)).total_seconds()),
        idle_ends_at=clock.text(idle_ends),
        ends_at=session.ends_at,
        token=context.token if fresh and session.bearer else None,
    )
    if fresh and not session.bearer:
        kept = [device_cookie(context.device_token)] if context.device_token else []
        view._headers = {"Set-Cookie": [cookie(str(context.token), seconds_until(session.ends_at)), *kept]}
    return view


def initials(name: str) -> str:
    """First letters of the first and the last word."""
    words = name.split()
    return "".join(word[0] for word in dict.fromkeys([words[0], words[-1]])).upper() if words else ""
