"""The people who work at an organization."""

from collections.abc import Iterable

from chalicelib import clock
from chalicelib.errors import EmailInUse
from chalicelib.models.accounts import Account
from chalicelib.models.staff import Staff
from chalicelib.models.tenants import StaffCard
from chalicelib.models.transaction import Transaction
from chalicelib.services import accounts

ADMINISTRATOR, THERAPIST = "administrator", "therapist"


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
    """Add a staff member with an account. Raises EmailInUse when the address is another staff member's.

    `totp_secret` is base32. Permission to invite is off by default (DOMAIN.md 1.2).
    """
    address = accounts.canonical_email(email)
    if address is None:
        raise ValueError("not an e-mail address")
    digest = accounts.email_digest(tenant_id, address)
    staff = Staff.new(
        tenant_id=tenant_id,
        staff_id=staff_id,
        name=name,
        credentials=credentials,
        email=address,
        email_digest=digest,
        roles=sorted(roles),
        may_invite=may_invite,
        seat=seat,
        status="active",
        version=1,
    )
    account = Account.new(
        tenant_id=tenant_id,
        email_digest=digest,
        realm=accounts.STAFF,
        principals=[{"kind": "staff", "id": staff_id}],
        status="active",
        password_hash=accounts.hash_password(password),
        totp=accounts.encrypt_totp(tenant_id, digest, totp_secret),
        created_at=clock.text(clock.now()),
    )
    with Transaction() as tx:
        tx.create(account, otherwise=EmailInUse())
        tx.put(staff)
        tx.put(StaffCard.new(tenant_id=tenant_id, staff_id=staff_id, name=name, credentials=credentials))
    return staff


def everyone(tenant_id: str) -> list[Staff]:
    """All staff of an organization; a practice has dozens."""
    return list(Staff.every(Staff.BY_TENANT, tenant_id=tenant_id))


def get(tenant_id: str, staff_id: str) -> Staff | None:
    """One staff member."""
    return Staff.find(tenant_id=tenant_id, staff_id=staff_id)


def shown(staff: Staff | StaffCard) -> str:
    """The name with the licence behind it, as people write it."""
    return f"{staff.name}, {staff.credentials}" if staff.credentials else str(staff.name)
