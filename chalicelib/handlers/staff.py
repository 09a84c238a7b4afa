"""Organization > Staff, the page behind a staff member's mailed link, and who treats whom."""

from typing import Annotated, Any, Literal

from pydantic import Field

from chalicelib import clock
from chalicelib.context import Context
from chalicelib.errors import InvalidBody
from chalicelib.handlers.clients import ClientPage, ClientRow
from chalicelib.handlers.routing import PRACTICE, PUBLIC, Routes
from chalicelib.handlers.sessions import SessionView, session_view
from chalicelib.handlers.tenants import TenantView
from chalicelib.handlers.views import Body, Empty, Id, Line, Paging, PortalView, View
from chalicelib.models.staff import Staff
from chalicelib.services import clients, sessions, staff
from chalicelib.services.sessions import Caller

public = Routes(__name__, PUBLIC)
practice = Routes(__name__ + ".practice", PRACTICE, "/practice")

Name = Annotated[Line, Field(min_length=2, max_length=100, pattern=r"\S")]
Licence = Annotated[Line, Field(max_length=40)]
Roles = Annotated[list[Literal["administrator", "therapist"]], Field(min_length=1, max_length=2)]
Token = Annotated[str, Field(min_length=20, max_length=300)]


class StaffView(View):
    """A staff member. `etag` goes back in If-Match. `link_ends_at`: of an open invitation; `link_over`: it is past."""

    etag: str
    staff_id: str
    name: str
    credentials: str | None
    email: str
    roles: list[str]
    may_invite: bool
    may_bill: bool
    seat: bool
    status: Literal["invited", "active", "disabled"]
    invited_at: str | None
    invited_by_name: str | None
    link_ends_at: str | None
    link_over: bool
    joined_at: str | None
    last_administrator: bool


class StaffPage(View):
    """Everyone who works at the organization."""

    items: list[StaffView]


class NewStaff(Body):
    """A colleague to be invited. Permissions are off unless they are given."""

    name: Name
    email: str = Field(min_length=3, max_length=254)
    credentials: Licence | None = None
    roles: Roles
    may_invite: bool = False
    may_bill: bool = False
    seat: bool = False


class StaffChange(Body):
    """What to change; what is not sent stays as it is. An empty licence removes it."""

    name: Name | None = None
    credentials: Licence | None = None
    roles: Roles | None = None
    may_invite: bool | None = None
    may_bill: bool | None = None


class TherapistIn(Body):
    """Who is to treat this client."""

    staff_id: Id


class MailedLink(Body):
    """The secret part of a mailed address."""

    token: Token


class SecondFactorAsked(Body):
    """The link, and the password that goes with it."""

    token: Token
    password: str = Field(min_length=1, max_length=1024)


class Joining(Body):
    """The link, the password, and the first code of the authenticator app."""

    token: Token
    password: str = Field(min_length=1, max_length=1024)
    code: str = Field(pattern=r"^[0-9]{6}$")


class StaffLink(PortalView):
    """What a mailed link is worth. Names are only told while it is open."""

    state: Literal["open", "used", "expired", "revoked"]
    purpose: Literal["staff_invitation", "second_factor"]
    tenant: TenantView
    name: str | None
    email: str | None
    first: bool


class SecondFactorOffer(PortalView):
    """A second factor to be set up: as text, and as the address that a QR code holds."""

    secret: str
    uri: str


# ---- the staff ----


@practice.endpoint("GET", "/staff", action="staff:read")
def list_staff(context: Context) -> StaffPage:
    """Everyone who works here"""
    members = sorted(staff.everyone(context.tenant_id), key=lambda each: str(each.name).casefold())
    only = sum(staff.is_administrator(each) for each in members) == 1
    return StaffPage(items=[_view(each, only) for each in members])


@practice.endpoint(
    "POST", "/staff", action="staff:invite", body=NewStaff, status=201, idempotent=True, proof=sessions.RECENT
)
def invite_staff(context: Context, body: NewStaff) -> StaffView:
    """Invite a colleague by mail"""
    who = staff.Newcomer(
        name=body.name,
        email=body.email,
        roles=tuple(dict.fromkeys(body.roles)),
        credentials=body.credentials or None,
        may_invite=body.may_invite,
        may_bill=body.may_bill,
        seat=body.seat,
    )
    return _view(staff.invite(context, who), False)


@practice.endpoint("GET", "/staff/{staff_id}", action="staff:read")
def read_staff(context: Context, staff_id: str) -> StaffView:
    """A staff member"""
    return _one(context, staff.find(context, staff_id))


@practice.endpoint(
    "PATCH", "/staff/{staff_id}", action="staff:update", body=StaffChange, if_match=True, proof=sessions.RECENT
)
def change_staff(context: Context, staff_id: str, body: StaffChange) -> StaffView:
    """Change a staff member's name, licence, roles or permissions"""
    changes: dict[str, Any] = body.model_dump(exclude_unset=True)
    if changes.get("roles"):
        changes["roles"] = sorted(set(changes["roles"]))
    changes = {name: value for name, value in changes.items() if value is not None or name == "credentials"}
    if changes.get("credentials") == "":
        changes["credentials"] = None
    if not changes:
        raise InvalidBody(errors=[{"pointer": "", "code": "empty", "detail": "Nothing to change was sent."}])
    return _one(context, staff.update(context, staff_id, changes))


@practice.endpoint(
    "POST", "/staff/{staff_id}/resend", action="staff:invite", idempotent=True, status=201, proof=sessions.RECENT
)
def resend_staff_invitation(context: Context, staff_id: str) -> StaffView:
    """Mail a new link; the older one stops"""
    return _view(staff.resend(context, staff_id), False)


@practice.endpoint("POST", "/staff/{staff_id}/revoke", action="staff:update", status=204, proof=sessions.RECENT)
def revoke_staff_invitation(context: Context, staff_id: str) -> Empty:
    """Take an invitation back"""
    staff.revoke(context, staff_id)
    return Empty()


@practice.endpoint("POST", "/staff/{staff_id}/disable", action="staff:update", proof=sessions.RECENT)
def disable_staff(context: Context, staff_id: str) -> StaffView:
    """Lock a staff member out, at once"""
    return _one(context, staff.disable(context, staff_id))


@practice.endpoint("POST", "/staff/{staff_id}/enable", action="staff:update", proof=sessions.RECENT)
def enable_staff(context: Context, staff_id: str) -> StaffView:
    """Let a staff member sign in again"""
    return _one(context, staff.enable(context, staff_id))


@practice.endpoint("POST", "/staff/{staff_id}/sign-out", action="staff:update", status=204, proof=sessions.RECENT)
def end_staff_sessions(context: Context, staff_id: str) -> Empty:
    """Sign a staff member out everywhere"""
    staff.end_sessions(context, staff_id)
    return Empty()


@practice.endpoint(
    "POST", "/staff/{staff_id}/second-factor/reset", action="staff:update", idempotent=True, proof=sessions.RECENT
)
def reset_second_factor(context: Context, staff_id: str) -> StaffView:
    """Make a staff member's authenticator worthless and mail a link to set up another"""
    return _one(context, staff.reset_second_factor(context, staff_id))


def _one(context: Context, member: Staff) -> StaffView:
    """With whether it is the last administrator, for a page that must not offer what would be refused."""
    alone = staff.is_administrator(member) and staff.administrators(context.tenant_id) <= 1
    return _view(member, alone)


def _view(member: Staff, alone: bool) -> StaffView:
    open_link = member.status == staff.INVITED
    return StaffView(
        etag=str(int(member.version or 1)),
        staff_id=member.staff_id,
        name=member.name,
        credentials=member.credentials,
        email=member.email,
        roles=sorted(member.roles),
        may_invite=bool(member.may_invite),
        may_bill=bool(member.may_bill),
        seat=bool(member.seat),
        status=member.status,
        invited_at=member.invited_at,
        invited_by_name=member.invited_by_name,
        link_ends_at=member.invite_ends_at if open_link else None,
        link_over=open_link and (member.invite_ends_at or "") <= clock.text(clock.now()),
        joined_at=member.joined_at,
        last_administrator=alone and staff.is_administrator(member),
    )


# ---- who treats whom ----


@practice.endpoint("GET", "/staff/{staff_id}/clients", action="client:assign", query=Paging)
def list_clients_of_staff(context: Context, staff_id: str, query: Paging) -> ClientPage:
    """The clients who are assigned to a staff member"""
    staff.find(context, staff_id)
    page = clients.caseload(context.tenant_id, staff_id, query.limit, query.cursor)
    return ClientPage(items=[ClientRow.of(each) for each in page.items], next_cursor=page.next_cursor, total=None)


@practice.endpoint("POST", "/clients/{client_id}/therapists", action="client:assign", body=TherapistIn)
def assign_therapist(context: Context, client_id: str, body: TherapistIn) -> ClientRow:
    """Assign a therapist, from their next request on"""
    member = staff.find(context, body.staff_id)
    return ClientRow.of(clients.assign(context.tenant_id, client_id, member, context))


@practice.endpoint("DELETE", "/clients/{client_id}/therapists/{staff_id}", action="client:assign")
def unassign_therapist(context: Context, client_id: str, staff_id: str) -> ClientRow:
    """End a therapist's assignment, from their next request on"""
    staff.find(context, staff_id)
    return ClientRow.of(clients.unassign(context.tenant_id, client_id, staff_id, context))


# ---- the page behind a mailed link ----


@public.endpoint("POST", "/staff-invitations/lookup", action="staff_invite:look_up", body=MailedLink)
def look_up_staff_invitation(context: None, body: MailedLink, caller: Caller) -> StaffLink:
    """What a staff member's mailed link is worth now; consumes nothing"""
    opened = staff.look_up(body.token, caller)
    shown = opened.state == "open"
    return StaffLink(
        state=opened.state,
        purpose=opened.purpose,
        tenant=TenantView.of(opened.tenant),
        name=opened.member.name if shown else None,
        email=opened.member.email if shown else None,
        first=opened.tenant.confirm_by is not None,
    )


@public.endpoint("POST", "/staff-invitations/second-factor", action="staff_invite:redeem", body=SecondFactorAsked)
def offer_second_factor(context: None, body: SecondFactorAsked, caller: Caller) -> SecondFactorOffer:
    """The second factor to set up, once the password will do"""
    secret, uri = staff.offer(body.token, body.password, caller)
    return SecondFactorOffer(secret=secret, uri=uri)


@public.endpoint("POST", "/staff-invitations/redemption", action="staff_invite:redeem", body=Joining, status=201)
def join_staff(context: None, body: Joining, caller: Caller) -> SessionView:
    """Take up the invitation (or the new second factor) and be signed in"""
    return session_view(staff.join(body.token, body.password, body.code, caller), fresh=True)
