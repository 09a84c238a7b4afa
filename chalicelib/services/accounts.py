"""Accounts: addresses, passwords and second factors (notes: security 3.1, 3.5; NIST SP 800-63B-4)."""

import functools
import re
import secrets
from collections.abc import Iterable
from typing import Any

from chalicelib.adapters import keys
from chalicelib.adapters import secrets as stage_secrets
from chalicelib.errors import InvalidBody, InvalidCredentials, TooManyRequests
from chalicelib.models.accounts import Account, Attempts
from chalicelib.models.clients import Client
from chalicelib.models.staff import Staff
from chalicelib.models.tenants import Tenant
from chalicelib.models.transaction import Transaction
from chalicelib.services import passwords

STAFF, PORTAL = "STAFF", "PORTAL"
TOTP_SECONDS = 30

_LOCAL = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])")


def canonical_email(typed: str) -> str | None:
    """The one spelling of an address, or None if it cannot be one of ours.

    ASCII only in the local part, IDNA in the domain, lower case: full-width letters, dotless i and the Kelvin sign fold
    into other people's addresses if they are let through (CVE-2019-19844). A plus tag is a different address.
    """
    local, at, domain = typed.strip(" \t").rpartition("@")
    if not at or len(typed) > 254 or not local.isascii():
        return None
    try:
        ascii_domain = domain if domain.isascii() else domain.encode("idna").decode()
    except UnicodeError:
        return None
    local, ascii_domain = local.lower(), ascii_domain.lower()
    if len(local) > 64 or not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(ascii_domain):
        return None
    return f"{local}@{ascii_domain}"


def email_digest(tenant_id: str, canonical: str) -> str:
    """The address in a key: within one organization, so that neither of two can learn of the other (DOMAIN.md 3.2)."""
    return stage_secrets.keyed("email", tenant_id, canonical)


def find(tenant_id: str, realm: str, canonical: str) -> Account | None:
    """The account behind an address."""
    return Account.find(tenant_id=tenant_id, realm=realm, email_digest=email_digest(tenant_id, canonical))


# ---- passwords ----


def require_password(password: str, *context: str | None) -> None:
    """Raise InvalidBody, with a code at /password, if this may not be a new password (passwords.problems).

    `context`: what whoever knows the person would try; `words_of` gathers it.
    """
    wrong = list(passwords.problems(password, [each for each in context if each]))
    if wrong:
        raise InvalidBody(errors=[{"pointer": "/password", "code": code, "detail": detail} for code, detail in wrong])


def words_of(tenant: Tenant, who: Client | Staff) -> list[str | None]:
    """What is on file of a person, and the organization's names: nothing for a password to be made of."""
    own = [who.legal_name, who.preferred_name, who.birth_date, who.phone] if isinstance(who, Client) else [who.name]
    return [*own, who.email, tenant.name, tenant.slug, tenant.phone]


@functools.cache
def _hasher() -> Any:
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


def hash_password(password: str) -> str:
    """argon2id, m = 19 MiB, t = 2, p = 1."""
    return str(_hasher().hash(password))


@functools.cache
def _nobodys_hash() -> str:
    return hash_password(secrets.token_urlsafe(24))


def password_matches(account: Account | None, password: str) -> bool:
    """Whether the password is right; takes as long for an account that does not exist."""
    from argon2.exceptions import InvalidHashError, VerificationError

    known = account is not None and bool(account.password_hash)
    stored = account.password_hash if account is not None and known else _nobodys_hash()
    try:
        return bool(_hasher().verify(stored, password)) and known
    except (VerificationError, InvalidHashError):
        return False


# ---- second factor ----


def new_totp_secret() -> str:
    """A fresh secret for an authenticator app: 160 bits, base32 (RFC 4226 4)."""
    import base64

    return base64.b32encode(secrets.token_bytes(20)).decode()


def derived_totp_secret(*parts: str) -> str:
    """A secret for an authenticator app: the same for the same parts, and stored nowhere until it is in force."""
    import base64

    told = stage_secrets.token("totp", *parts)
    return base64.b32encode(base64.urlsafe_b64decode(f"{told}=")[:20]).decode()


def totp_uri(secret: str, email: str, issuer: str) -> str:
    """What the QR code says to an authenticator app. Both names only label the entry, and are cut to fit."""
    from urllib.parse import quote

    issuer, email = issuer.replace(":", " ")[:30].strip(), email[:64]
    label = f"{quote(issuer, safe='')}:{quote(email, safe='@')}"
    return f"otpauth://totp/{label}?secret={secret}&issuer={quote(issuer, safe='')}&digits=6&period={TOTP_SECONDS}"


def encrypt_totp(tenant_id: str, digest: str, secret: str) -> bytes:
    """A TOTP secret (base32) as it is stored."""
    return keys.encrypt(tenant_id, secret, f"totp|{digest}")


def decrypt_totp(account: Account) -> str:
    """The secret (base32) of an account that has a second factor."""
    return str(keys.decrypt(account.tenant_id, account.totp, f"totp|{account.email_digest}"))


def totp_step(account: Account, code: str, now: float) -> int | None:
    """The time step whose code this is, or None; None too when the account has no second factor."""
    return step_of(decrypt_totp(account), code, now) if account.totp else None


def step_of(secret: str, code: str, now: float) -> int | None:
    """The time step (30 s, one of leeway either way) whose code of this secret this is, or None (RFC 6238)."""
    import base64

    from cryptography.hazmat.primitives.hashes import SHA1
    from cryptography.hazmat.primitives.twofactor.totp import TOTP

    totp = TOTP(base64.b32decode(secret), 6, SHA1(), TOTP_SECONDS)  # noqa: S303
    step = int(now) // TOTP_SECONDS
    matching = [s for s in (step, step - 1, step + 1) if secrets.compare_digest(totp.generate(s * 30), code.encode())]
    return matching[0] if matching else None


def use_step(account: Account, step: int) -> bool:
    """Take a code's step so that it opens nothing a second time; False if it, or a later one, was taken already."""
    try:
        with Transaction() as tx:
            tx.update(
                account,
                Account.totp_step.set(step),
                when=Account.totp_step.does_not_exist() | (Account.totp_step < step),
                otherwise=InvalidCredentials(),
            )
    except InvalidCredentials:
        return False
    return True


RECOVERY_CODES = 10
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # none that looks like another


def recovery_codes() -> list[str]:
    """Ten codes, each of which stands in for the authenticator once: 60 bits, XXXX-XXXX-XXXX. Shown, never stored."""
    return [
        "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(3)) for _ in range(RECOVERY_CODES)
    ]


def recovery_digests(tenant_id: str, person_id: str, codes: Iterable[str]) -> list[str]:
    """What is stored of recovery codes: keyed, and bound to the person, so that a new e-mail address keeps them."""
    return [recovery_digest(tenant_id, person_id, code) for code in codes]


def recovery_digest(tenant_id: str, person_id: str, typed: str) -> str:
    """The digest of a code however it was typed: spaces, hyphens and letters that look like digits do not matter."""
    plain = re.sub(r"[\s-]", "", typed).upper().translate(str.maketrans("OIL", "011"))
    return stage_secrets.keyed("recovery", tenant_id, person_id, plain)


# ---- slowing guesses ----


def throttle(tenant_id: str, limit: tuple[int, int], now: float, *subject: str) -> None:
    """Count one try of `subject` in this window. Raises TooManyRequests, with the seconds left, past the limit."""
    most, seconds = limit
    window = int(now) // seconds
    digest = stage_secrets.keyed("attempts", *subject)
    count = Attempts.add(tenant_id, digest, str(window), ends=(window + 2) * seconds)
    if count > most:
        raise TooManyRequests(retry_after=(window + 1) * seconds - int(now))


def uncount(tenant_id: str, limit: tuple[int, int], now: float, *subject: str) -> None:
    """Take back the try that `throttle` counted at `now`: it failed for a reason of ours, and will be made again."""
    window = int(now) // limit[1]
    digest = stage_secrets.keyed("attempts", *subject)
    Attempts.add(tenant_id, digest, str(window), ends=(window + 2) * limit[1], by=-1)


def tries(tenant_id: str, limit: tuple[int, int], now: float, *subject: str) -> int:
    """How often `throttle` has counted `subject` in this window."""
    digest, window = stage_secrets.keyed("attempts", *subject), str(int(now) // limit[1])
    found = Attempts.find(tenant_id=tenant_id, subject_digest=digest, window=window)
    return int(found.tries) if found is not None else 0


def forgive(tenant_id: str, limit: tuple[int, int], now: float, *subject: str) -> None:
    """Forget the tries of `subject`, once it has proved who it is."""
    window = int(now) // limit[1]
    with Transaction() as tx:
        tx.delete(
            Attempts.at(
                tenant_id=tenant_id, subject_digest=stage_secrets.keyed("attempts", *subject), window=str(window)
            )
        )
