"""Client files for staff, and the client's own profile."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from chalicelib import clock
from chalicelib.context import Context
from chalicelib.errors import PortalError
from chalicelib.handlers.mails import Delivery, News, news_of
from chalicelib.handlers.routing import PORTAL, PRACTICE, Routes
from chalicelib.handlers.views import Body, Day, Id, Line, Paging, PortalView, View
from chalicelib.models.clients import Client
from chalicelib.models.invites import Invite
from chalicelib.policies.plans import Feature
from chalicelib.policies.rules import Role
from chalicelib.services import clients, directory, files, invites, sessions, spellings, staff, suppressions, tenants

practice = Routes(__name__, PRACTICE, "/practice")
portal = Routes(__name__ + ".portal", PORTAL, "/portal")


FeatureName = Literal["invitations", "intake_forms", "payments", "messaging", "self_scheduling"]


def _phone(value: str) -> str:
    if value and not files.is_phone(value):
        raise PydanticCustomError("not_a_phone", "no phone number")
    return value


# A number that somebody can dial; what may be left out may be sent empty.
Telephone = Annotated[Line, Field(max_length=40), AfterValidator(_phone)]


class AddressFields(Body):
    """A postal address."""

    line1: Line = Field(min_length=1, max_length=200)
    line2: Annotated[Line, Field(max_length=200)] | None = None
    city: Line = Field(min_length=1, max_length=100)
    region: Line = Field(min_length=1, max_length=100)
    postal_code: Line = Field(min_length=1, max_length=20)
    country: Line = Field(default="US", min_length=1, max_length=60)


class EmergencyContactFields(Body):
    """Whom to call in an emergency, and whether that is agreed to."""

    name: Line = Field(min_length=1, max_length=200)
    relationship: Line = Field(max_length=100)
    phone: Telephone = Field(min_length=1)
    may_contact: bool = False  # nobody agreed to what was not said


class ProfileFields(Body):
    """What a client may change of their own file."""

    preferred_name: Annotated[Line, Field(max_length=100)] | None = None
    phone: Telephone | None = None
    address: AddressFields | None = None
    emergency_contact: EmergencyContactFields | None = None

    def changes(self) -> dict[str, Any]:
        """The fields that were sent. An address or a contact is whole, what was left out in it included."""
        return self.model_dump(include=self.model_fields_set)


class Address(PortalView):
    """A postal address."""

    line1: str
    line2: str | None = None
    city: str
    region: str
    postal_code: str
    country: str


class EmergencyContact(PortalView):
    """Whom to call in an emergency."""

    name: str
    relationship: str
    phone: str
    may_contact: bool


class InsuranceHolder(Body):
    """Whose insurance it is, when it is not the client's own."""

    name: Line = Field(min_length=1, max_length=200)
    relationship: Annotated[Line, Field(max_length=100)] | None = None
    birth_date: Day | None = None


class InsuranceFields(Body):
    """Health insurance as the card has it."""

    carrier: Line = Field(min_length=1, max_length=200)
    member_id: Line = Field(min_length=1, max_length=100)
    group: Annotated[Line, Field(max_length=100)] | None = None
    holder: InsuranceHolder | None = None


class Holder(PortalView):
    """Whose insurance it is."""

    name: str
    relationship: str | None = None
    birth_date: str | None = None


class Insurance(PortalView):
    """Health insurance on file."""

    carrier: str
    member_id: str
    group: str | None = None
    holder: Holder | None = None


class ContactFields(Body):
    """How a client is reached. What is not sent stays; null empties."""

    phone: Telephone | None = None
    address: AddressFields | None = None
    emergency_contact: EmergencyContactFields | None = None


class FileFields(ContactFields):
    """What administrators may change of a file. What is not sent stays; null empties."""

    legal_name: Annotated[Line, Field(max_length=200)] = ""
    preferred_name: Annotated[Line, Field(max_length=100)] | None = None
    birth_date: Annotated[Line, Field(max_length=10)] | None = None
    email: Annotated[Line, Field(max_length=254)] | None = None
    insurance: InsuranceFields | None = None
    therapist_ids: list[Id] = Field(default_factory=list, max_length=20)
    features_off: list[FeatureName] = Field(default_factory=list, max_length=10)


class NewFile(ContactFields):
    """A new file. `anyway`: although a file is there that is likely of the same person."""

    legal_name: Line = Field(min_length=1, max_length=200)
    preferred_name: Annotated[Line, Field(max_length=100)] | None = None
    birth_date: Annotated[Line, Field(max_length=10)] | None = None
    email: Annotated[Line, Field(max_length=254)] | None = None
    insurance: InsuranceFields | None = None
    therapist_ids: list[Id] = Field(default_factory=list, max_length=20)
    anyway: bool = False


class SamePerson(Body):
    """What a new file would say; sent in the body, as names are in no address."""

    legal_name: Line = Field(min_length=1, max_length=200)
    birth_date: Annotated[Line, Field(max_length=10)] | None = None
    email: Annotated[Line, Field(max_length=254)] | None = None


class Profile(PortalView):
    """What the practice has on file about the one who asks. Name and e-mail are changed by the practice."""

    legal_name: str
    preferred_name: str | None
    email: str | None
    birth_date: str | None
    phone: str | None
    address: Address | None
    emergency_contact: EmergencyContact | None
    insurance: Insurance | None  # where the practice shows it
    etag: str


class TherapistName(View):
    """A therapist who is assigned."""

    staff_id: str
    name: str


class ClientRow(View):
    """A client in a list. `worrying`: a safety answer waits for a staff member to mark it as seen."""

    client_id: str
    name: str
    preferred_name: str | None
    birth_date: str | None
    status: str
    portal: str
    therapists: list[TherapistName]
    worrying: bool

    @classmethod
    def of(cls, client: Client) -> "ClientRow":
        """The row of a client."""
        return cls(**_row(client))


class ClientPage(View):
    """Some clients. `total`: how many there are in all, where the list was put in order to be shown; of a search it is
    null where only the newest of very many files were looked at, and more letters or words find the others."""

    items: list[ClientRow]
    next_cursor: str | None
    total: int | None

    def clients_named(self) -> list[str]:
        """Those of the rows."""
        return [row.client_id for row in self.items]


class CanInvite(View):
    """Whether the asker can invite this client now, and if not, why (code and sentence)."""

    allowed: bool
    reason: str | None
    title: str | None


class InvitedForm(View):
    """A form that an invitation carries."""

    form_id: str
    title: str


class InviteView(View):
    """An invitation and what became of it. Until `held_until` its mail can be called back; `delivery` is the worst news
    of it, `news` all of them; `opened_at`: when the link was first opened, by the person or a mail scanner."""

    invite_id: str
    status: Literal["waiting", "completed", "expired", "locked", "revoked", "replaced"]
    delivery: Delivery
    news: list[News]
    email: str
    sent_at: str
    sent_by_name: str
    held_until: str | None
    opened_at: str | None
    completed_at: str | None
    expires_at: str
    forms: list[InvitedForm]
    renewal_asked_at: str | None

    @classmethod
    def of(cls, invite: Invite) -> "InviteView":
        """The view of an invitation now."""
        return cls(
            invite_id=invite.invite_id,
            status=invites.status(invite, clock.now()),
            delivery=invite.delivery,
            news=news_of(invite.news),
            email=invite.email,
            sent_at=invite.sent_at,
            sent_by_name=invite.sent_by_name,
            held_until=invite.held_until,
            opened_at=invite.opened_at,
            completed_at=invite.completed_at,
            expires_at=invite.ends_at,
            forms=[InvitedForm(form_id=form["form_id"], title=form["title"]) for form in invite.forms],
            renewal_asked_at=invite.renewal_asked_at,
        )


class Mailbox(View):
    """What is to be known of the address on file before anything is sent to it: warnings, but for `suppressed`, which
    stops it until someone says that it is mended. `likely`: the address that was probably meant. `shared`: another
    client's address differs in what follows the plus sign only."""

    suppressed: Literal["bounced", "complained"] | None
    suppressed_at: str | None
    likely: str | None
    shared: bool


class ClientDetails(ClientRow):
    """Client Details. `invite` is the invitation that counts now."""

    legal_name: str
    email: str | None
    phone: str | None
    address: Address | None
    emergency_contact: EmergencyContact | None
    insurance: Insurance | None
    features_off: list[str]
    joined_at: str | None
    etag: str
    invite: InviteView | None
    can_invite: CanInvite
    mailbox: Mailbox


class ClientSearch(Body):
    """Letters of a name: sent in the body, because no address, and so no log of addresses, may hold them. Only clients
    of this `therapist_id`, and only those with this `status`, where they are named. `cursor`: where the page before
    ended."""

    search: Annotated[Line, Field(min_length=1, max_length=100)]
    therapist_id: Id | None = None
    status: directory.Status | None = None
    limit: int = Field(default=50, ge=1, le=100)
    cursor: str | None = Field(default=None, max_length=2000)


@practice.endpoint("POST", "/clients/search", action="client:list", body=ClientSearch)
def search_clients(context: Context, body: ClientSearch) -> ClientPage:
    """Clients by any letters of any words of their name, in the order of names; only those the asker may see"""
    wanted = directory.Wanted(body.status, therapist=body.therapist_id)
    page, total = directory.found(context, body.search, wanted, body.limit, body.cursor)
    return ClientPage(items=[ClientRow.of(each) for each in page.items], next_cursor=page.next_cursor, total=total)


class ClientList(Paging):
    """Which clients, and in which order. `joined`: not invited, invited but not joined, or with an account.
    `therapist_id`: who is assigned, or `nobody`."""

    order: directory.Order = "newest"
    status: directory.Status | None = None
    joined: directory.Joined | None = None
    therapist_id: Id | Literal["nobody"] | None = None


@practice.endpoint("GET", "/clients", action="client:list", query=ClientList)
def list_clients(context: Context, query: ClientList) -> ClientPage:
    """Clients: all for administrators, the assigned ones for therapists"""
    wanted = directory.Wanted(query.status, query.joined, query.therapist_id)
    page, total = directory.listed(context, query.order, wanted, query.limit, query.cursor)
    return ClientPage(items=[ClientRow.of(each) for each in page.items], next_cursor=page.next_cursor, total=total)


@practice.endpoint("GET", "/clients/{client_id}", action="client:read", reads_record=True)
def read_client(context: Context, client_id: str) -> ClientDetails:
    """Client Details"""
    return _details(context, context.client)


def _details(context: Context, client: Client) -> ClientDetails:
    insurance = files.insurance_of(client)
    invite = invites.current(client)
    there = suppressions.at_address(client.tenant_id, client.client_id, client.email)
    return ClientDetails(
        **_row(client),
        legal_name=client.legal_name,
        email=client.email,
        phone=client.phone,
        address=Address(**client.address) if client.address else None,
        emergency_contact=EmergencyContact(**client.emergency_contact) if client.emergency_contact else None,
        insurance=Insurance(**insurance) if insurance else None,
        features_off=list(client.features_off),
        joined_at=client.joined_at,
        etag=str(client.version),
        invite=InviteView.of(invite) if invite else None,
        can_invite=_can_invite(context, client, there),
        mailbox=_mailbox(client, there),
    )


class TherapistChoice(View):
    """A therapist who can be assigned."""

    staff_id: str
    name: str


class TherapistChoices(View):
    """All of them; a practice has dozens."""

    items: list[TherapistChoice]


@practice.endpoint("GET", "/therapists", action="client:update")
def list_therapists(context: Context) -> TherapistChoices:
    """Whom a client can be assigned to"""
    listed = [
        TherapistChoice(staff_id=each.staff_id, name=staff.shown(each))
        for each in sorted(staff.everyone(context.tenant_id), key=lambda each: str(each.name))
        if each.status == "active" and staff.THERAPIST in each.roles
    ]
    return TherapistChoices(items=listed)


@practice.endpoint("POST", "/clients/matches", action="client:create", body=SamePerson)
def match_clients(context: Context, body: SamePerson) -> ClientPage:
    """Files that are likely of the same person"""
    wanted = files.checked(context.tenant.zone, body.model_dump())
    found = files.matches(context.tenant_id, wanted["legal_name"], wanted["birth_date"], wanted["email"])
    return ClientPage(items=[ClientRow.of(each) for each in found], next_cursor=None, total=None)


@practice.endpoint("POST", "/clients", action="client:create", body=NewFile, status=201, idempotent=True)
def create_client(context: Context, body: NewFile) -> ClientDetails:
    """Open a client file"""
    fields = body.model_dump(exclude={"anyway"})
    return _details(context, files.create(context, fields, anyway=body.anyway))


@practice.endpoint("PATCH", "/clients/{client_id}", action="client:update", body=FileFields, if_match=True)
def change_client(context: Context, client_id: str, body: FileFields) -> ClientDetails:
    """Change a client file"""
    return _details(context, files.update(context, body.model_dump(exclude_unset=True)))


@practice.endpoint("PATCH", "/clients/{client_id}/contact", action="client:contact", body=ContactFields, if_match=True)
def change_contact(context: Context, client_id: str, body: ContactFields) -> ClientDetails:
    """Change how a client is reached"""
    return _details(context, files.update(context, body.model_dump(exclude_unset=True)))


@practice.endpoint("POST", "/clients/{client_id}/archive", action="client:archive")
def archive_client(context: Context, client_id: str) -> ClientDetails:
    """Archive a client file: no sends, no bookings"""
    return _details(context, files.archive(context))


@practice.endpoint("POST", "/clients/{client_id}/restore", action="client:archive")
def restore_client(context: Context, client_id: str) -> ClientDetails:
    """Take a client file out of the archive"""
    return _details(context, files.restore(context))


@practice.endpoint("POST", "/clients/{client_id}/access/end", action="client:end_access")
def end_access(context: Context, client_id: str) -> ClientDetails:
    """End a client's access to the portal"""
    return _details(context, files.end_access(context))


@practice.endpoint("POST", "/clients/{client_id}/access/restore", action="client:end_access", proof=sessions.RECENT)
def give_access_back(context: Context, client_id: str) -> ClientDetails:
    """Give a client's access to the portal back"""
    return _details(context, files.give_access_back(context))


def _mailbox(client: Client, there: suppressions.AtAddress) -> Mailbox:
    return Mailbox(
        suppressed=there.listed.reason if there.listed else None,
        suppressed_at=there.listed.noted_at if there.listed else None,
        likely=spellings.likely_meant(client.email) if client.email else None,
        shared=there.shared,
    )


def _can_invite(context: Context, client: Client, there: suppressions.AtAddress) -> CanInvite:
    if Role.ADMINISTRATOR not in context.actor.roles and not context.person.may_invite:
        return CanInvite(
            allowed=False, reason="no_permission", title="An administrator can give you the permission to invite."
        )
    if tenants.features(context.tenant, seat=None)[Feature.INVITATIONS] is not None:
        return CanInvite(allowed=False, reason="feature_off", title="Invitations are switched off in the settings.")
    refused: PortalError | None = invites.obstacle(client, context.now)
    if refused is None:
        refused = invites.obstacle_of_address(client, there)
    if refused is None:
        return CanInvite(allowed=True, reason=None, title=None)
    reason = "archived" if refused.code == "client_archived" else refused.code
    return CanInvite(allowed=False, reason=reason, title=refused.title)


def _row(client: Client) -> dict[str, Any]:
    expired = client.portal == "invited" and invites.is_over(client, clock.now())
    return {
        "client_id": client.client_id,
        "name": clients.shown(client),
        "preferred_name": client.preferred_name,
        "birth_date": client.birth_date,
        "status": client.status,
        "portal": "expired" if expired else client.portal,
        "therapists": [TherapistName(staff_id=each["staff_id"], name=each["name"]) for each in client.therapists],
        "worrying": clients.is_flagged(client),
    }


@portal.endpoint("GET", "/profile", action="profile:read")
def read_profile(context: Context) -> Profile:
    """My profile"""
    return _profile(context, context.client)


@portal.endpoint("PATCH", "/profile", action="profile:update", body=ProfileFields, if_match=True)
def change_profile(context: Context, body: ProfileFields) -> Profile:
    """Change my profile"""
    return _profile(context, clients.update_profile(context, body.changes()))


def _profile(context: Context, client: Client) -> Profile:
    shown = files.insurance_of(client) if tenants.setting(context.tenant, "display_insurance") else None
    return Profile(
        legal_name=client.legal_name,
        preferred_name=client.preferred_name,
        email=client.email,
        birth_date=client.birth_date,
        phone=client.phone,
        address=Address(**client.address) if client.address else None,
        emergency_contact=EmergencyContact(**client.emergency_contact) if client.emergency_contact else None,
        insurance=Insurance(**shown) if shown else None,
        etag=str(client.version),
    )
