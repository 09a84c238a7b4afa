"""The demo world: three organizations with fixed ids, obviously fictional people, and credentials that never change.

The same people are the `world` of the tests. Everything here is made through the application's own services; nothing of
it exists outside infra/local.
"""

import base64
import hashlib
from dataclasses import dataclass, field
from typing import Any

from infra.local import cloud, stripe_double

ADMINISTRATOR, THERAPIST = "administrator", "therapist"


def fixed_id(key: str) -> str:
    """The id of the organization or person with this key: a ULID of mid January 2026 that ends in the key."""
    return "01KF8DEM00" + key.replace("O", "0").replace("I", "1").rjust(16, "0")


@dataclass(frozen=True)
class Organization:
    """A tenant of the demo."""

    slug: str
    name: str
    plan: str
    zone: str
    phone: str
    address: str
    brand: tuple[float, float]  # hue, chroma
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Its tenant id."""
        return fixed_id(self.slug.upper())


@dataclass(frozen=True)
class Person:
    """What everyone has."""

    key: str
    tenant: str
    name: str
    email: str

    @property
    def id(self) -> str:
        """Staff id or client id."""
        return fixed_id(self.key)

    @property
    def password(self) -> str:
        """A pass phrase of more than 15 characters."""
        return f"{self.key}-quiet-river-lantern"


@dataclass(frozen=True)
class StaffMember(Person):
    """A therapist, an administrator, or both."""

    roles: tuple[str, ...]
    credentials: str | None = None
    may_invite: bool = False
    seat: bool = True

    @property
    def totp_secret(self) -> str:
        """Base32, for any authenticator app."""
        return base64.b32encode(hashlib.sha1(f"demo totp {self.key}".encode(), usedforsecurity=False).digest()).decode()


@dataclass(frozen=True)
class ClientPerson(Person):
    """A client file."""

    preferred_name: str | None
    birth_date: str
    phone: str
    therapists: tuple[str, ...] = ()
    account: bool = True
    status: str = "active"
    address: dict[str, str] | None = None
    emergency_contact: dict[str, Any] | None = None


_EVERYTHING = {
    "features": dict.fromkeys(("invitations", "intake_forms", "payments", "messaging", "self_scheduling"), True),
    "card_processing": cloud.STRIPE_KEY == cloud.STAND_IN,
    "sign_up": True,
}
_BASIC = {
    "features": {"invitations": True, "intake_forms": True, "payments": True},
    "card_processing": cloud.STRIPE_KEY == cloud.STAND_IN,
}

ORGANIZATIONS = (
    Organization(
        "oak",
        "Oak Lane Counseling",
        "plus",
        "America/New_York",
        "(212) 555-0142",
        "48 Oak Lane, Suite 3, Harborview, NY 10000",
        (172, 0.085),
        _EVERYTHING,
    ),
    Organization(
        "birch",
        "Birchwater Family Therapy",
        "plus",
        "America/Chicago",
        "(312) 555-0167",
        "7 Birchwater Court, Millbrook Falls, IL 60000",
        (250, 0.09),
        _EVERYTHING,
    ),
    Organization(
        "cedar",
        "Cedar Hollow Practice",
        "basic",
        "America/Los_Angeles",
        "(415) 555-0118",
        "310 Cedar Hollow Road, Pinecrest, CA 94000",
        (35, 0.09),
        _BASIC,
    ),
)

STAFF = (
    StaffMember("A1", "oak", "Marguerite Ashdown", "marguerite@oak.example", (ADMINISTRATOR,), None, True),
    StaffMember("A2", "oak", "Tobias Fennimore", "tobias@oak.example", (ADMINISTRATOR, THERAPIST), "LMFT", True),
    StaffMember("T1", "oak", "Priya Halvorsen", "priya@oak.example", (THERAPIST,), "LCSW"),
    StaffMember("T2", "oak", "Jonah Winterbourne", "jonah@oak.example", (THERAPIST,), "LPC"),
    StaffMember("T3", "oak", "Celeste Marchbanks", "celeste@oak.example", (THERAPIST,), "PsyD", False, False),
    StaffMember("T4", "oak", "Desmond Okonjo", "desmond@oak.example", (THERAPIST,), "LMHC", True),
    StaffMember("B1", "birch", "Hollis Vandermeer", "hollis@birch.example", (ADMINISTRATOR,), None, True),
    StaffMember("BT", "birch", "Anneliese Crowhurst", "anneliese@birch.example", (THERAPIST,), "LCPC", True),
    StaffMember("D1", "cedar", "Philippa Stonebridge", "philippa@cedar.example", (ADMINISTRATOR,), None, True, False),
    StaffMember("DT", "cedar", "Gideon Larkspur", "gideon@cedar.example", (THERAPIST,), "LMFT", True, False),
)

CLIENTS = (
    ClientPerson(
        "C1",
        "oak",
        "Imogen Thistlewood",
        "imogen@mail.example",
        "Immy",
        "1991-03-14",
        "+1 212 555 0121",
        ("T1", "T3"),
        address={
            "line1": "12 Larch Street",
            "line2": "Apt 4B",
            "city": "Harborview",
            "region": "NY",
            "postal_code": "10000",
            "country": "US",
        },
        emergency_contact={
            "name": "Ambrose Thistlewood",
            "relationship": "Brother",
            "phone": "+1 212 555 0122",
            "may_contact": True,
        },
    ),
    ClientPerson("C2", "oak", "Rafael Quintanar", "rafael@mail.example", None, "1984-11-02", "+1 212 555 0123"),
    ClientPerson(
        "C3", "oak", "Beatrix Lindqvist", "beatrix@mail.example", "Bea", "2001-07-29", "+1 212 555 0124", ("T4",)
    ),
    ClientPerson(
        "C4",
        "oak",
        "Wendell Farnsworthy",
        "wendell@mail.example",
        None,
        "1978-05-06",
        "+1 212 555 0125",
        ("T4",),
        False,
    ),
    ClientPerson(
        "C5",
        "oak",
        "Oswin Pettibone",
        "oswin@mail.example",
        None,
        "1969-12-18",
        "+1 212 555 0126",
        (),
        False,
        "archived",
    ),
    ClientPerson(
        "CB", "birch", "Thaddeus Bellweather", "thaddeus@mail.example", "Tad", "1995-09-21", "+1 312 555 0127", ("BT",)
    ),
    ClientPerson(
        "CD", "cedar", "Marisol Featherston", "marisol@mail.example", None, "1988-02-08", "+1 415 555 0128", ("DT",)
    ),
)


def seed() -> None:
    """Make the world in an empty cloud."""
    from chalicelib.services import staff, tenants

    for each in ORGANIZATIONS:
        tenants.create(
            tenant_id=each.id,
            slug=each.slug,
            name=each.name,
            plan=each.plan,
            zone=each.zone,
            phone=each.phone,
            address=each.address,
            brand_hue=each.brand[0],
            brand_chroma=each.brand[1],
            **each.settings,
        )
    for each in ORGANIZATIONS:
        _connect(each)
    members = {}
    for member in STAFF:
        members[member.key] = staff.create(
            tenant_id(member.tenant),
            staff_id=member.id,
            name=member.name,
            email=member.email,
            roles=member.roles,
            password=member.password,
            totp_secret=member.totp_secret,
            credentials=member.credentials,
            may_invite=member.may_invite,
            seat=member.seat,
        )
    for person in CLIENTS:
        _open_file(person, members)


def stripe_account(slug: str) -> str:
    """The organization's account at the stand-in for Stripe."""
    return f"acct_{slug}_demo"


def _connect(each: Organization) -> None:
    """Card processing that is connected already; with the real Stripe people connect their own test accounts."""
    from chalicelib import clock
    from chalicelib.models.payments import CardProcessing, StripeAccount
    from chalicelib.models.transaction import Transaction

    if cloud.STRIPE_KEY != cloud.STAND_IN:
        return
    account, at = stripe_account(each.slug), clock.text(clock.now())
    stripe_double.open_account(account, "US", {"tenant": each.id}, ready=True)
    connected = CardProcessing.new(
        tenant_id=each.id, status="connected", account=account, live=False, currency="usd", connected_at=at,
        changed_at=at, version=1,
    )  # fmt: skip
    with Transaction() as tx:
        tx.create(StripeAccount.new(tenant_id=each.id, account=account))
        tx.create(connected)


def _open_file(person: ClientPerson, members: dict[str, Any]) -> None:
    from chalicelib.services import clients

    tenant = tenant_id(person.tenant)
    clients.create(
        tenant,
        client_id=person.id,
        legal_name=person.name,
        preferred_name=person.preferred_name,
        birth_date=person.birth_date,
        email=person.email,
        phone=person.phone,
        address=person.address,
        emergency_contact=person.emergency_contact,
        status=person.status,
    )
    for key in person.therapists:
        clients.assign(tenant, person.id, members[key])
    if person.account:
        clients.open_account(tenant, person.id, person.password)


def tenant_id(slug: str) -> str:
    """The id of the organization with this slug."""
    return fixed_id(slug.upper())


def accounts(base_url: str) -> dict[str, Any]:
    """What .local/accounts.json holds: every account that can sign in, and the clients who have none yet."""
    staff = [_account(each, list(each.roles), each.totp_secret) for each in STAFF]
    people = [_account(each, ["client"], None) for each in CLIENTS if each.account]
    without = [
        {"key": each.key, "tenant": each.tenant, "email": each.email, "id": each.id, "status": each.status}
        for each in CLIENTS
        if not each.account
    ]
    return {
        "base_url": base_url,
        "accounts": staff + people,
        "clients_without_account": without,
        "tenants": [{"slug": each.slug, "id": each.id, "name": each.name, "plan": each.plan} for each in ORGANIZATIONS],
    }


def _account(person: Person, roles: list[str], totp_secret: str | None) -> dict[str, Any]:
    return {
        "key": person.key,
        "tenant": person.tenant,
        "roles": roles,
        "email": person.email,
        "password": person.password,
        "totp_secret": totp_secret,
        "id": person.id,
    }


def personal_strings() -> set[str]:
    """What may never show where it does not belong: whole names, family names, addresses, numbers, dates of birth."""
    found: set[str] = set()
    for person in (*STAFF, *CLIENTS):
        found |= {person.name, person.name.split()[-1], person.email}
    for client in CLIENTS:
        found |= {client.phone, client.birth_date}
        if client.emergency_contact:
            found |= {client.emergency_contact["name"], client.emergency_contact["phone"]}
        if client.address:
            found.add(client.address["line1"])
    return found
