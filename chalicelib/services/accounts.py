"""Accounts: addresses, passwords and second factors (notes: security 3.1, 3.5; NIST SP 800-63B-4)."""

import functools
import itertools
import re
import secrets
from typing import Any

from chalicelib.adapters import keys
from chalicelib.adapters import secrets as stage_secrets
from chalicelib.errors import InvalidBody, InvalidCredentials, TooManyRequests
from chalicelib.models.accounts import Account, Attempts
from chalicelib.models.transaction import Transaction

STAFF, PORTAL = "STAFF", "PORTAL"
PASSWORD_LEAST, PASSWORD_MOST = 15, 128
TOTP_SECONDS = 30

_LOCAL = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])")
# Long enough to pass, and among the first that are guessed.
_COMMON = (
    "password", "passwort", "passphrase", "qwertyuiop", "asdfghjkl", "zxcvbnm", "letmein", "iloveyou", "welcome",
    "administrator", "trustno", "sunshine", "princess", "football", "baseball", "dragon", "monkey", "whatever",
    "correcthorsebatterystaple", "thequickbrownfox", "jumpsoverthelazydog", "clientportal", "therapy", "counseling",
    "changeme", "secret", "abc", "qwerty", "admin", "login", "master",
)  # fmt: skip


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


def password_problems(password: str, email: str) -> list[dict[str, Any]]:
    """Why a new password is refused (codes too_short, too_long, too_common, contains_email); empty if it is fine."""
    plain = re.sub(r"[^a-z]", "", password.lower())
    letters = re.sub(r"\s", "", password.lower())
    problems = []
    if len(password) < PASSWORD_LEAST:
        problems.append(("too_short", f"Use at least {PASSWORD_LEAST} characters. A short sentence works well."))
    elif len(password) > PASSWORD_MOST:
        problems.append(("too_long", f"Use at most {PASSWORD_MOST} characters."))
    elif _is_common(letters, plain):
        problems.append(("too_common", "This one is easy to guess. Put a few unrelated words together."))
    elif len(local := email.partition("@")[0]) >= 4 and local in letters:
        problems.append(("contains_email", "Leave your e-mail address out of the password."))
    return [{"pointer": "/password", "code": code, "detail": detail} for code, detail in problems]


def _is_common(letters: str, plain: str) -> bool:
    """Whether it is one short thing repeated, a run of neighbours, or made of the best known words alone."""
    if len(set(letters)) < 5 or re.fullmatch(r"(.{1,6}?)\1+.{0,5}", letters):
        return True
    steps = {ord(b) - ord(a) for a, b in itertools.pairwise(letters)}
    if steps <= {0, 1} or steps <= {0, -1}:
        return True
    rest = plain
    for word in sorted(_COMMON, key=len, reverse=True):
        rest = rest.replace(word, "")
    return len(rest) < 4


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


def encrypt_totp(tenant_id: str, digest: str, secret: str) -> bytes:
    """A TOTP secret (base32) as it is stored."""
    return keys.encrypt(tenant_id, secret, f"totp|{digest}")


def totp_step(account: Account, code: str, now: float) -> int | None:
    """The time step (30 s, one of leeway either way) whose code this is, or None (RFC 6238)."""
    import base64

    from cryptography.hazmat.primitives.hashes import SHA1
    from cryptography.hazmat.primitives.twofactor.totp import TOTP

    if not account.totp:
        return None
    secret = keys.decrypt(account.tenant_id, account.totp, f"totp|{account.email_digest}")
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


# ---- slowing guesses ----


def throttle(tenant_id: str, limit: tuple[int, int], now: float, *subject: str) -> None:
    """Count one try of `subject` in this window. Raises TooManyRequests, with the seconds left, past the limit."""
    most, seconds = limit
    window = int(now) // seconds
    digest = stage_secrets.keyed("attempts", *subject)
    count = Attempts.add_one(tenant_id, digest, str(window), ends=(window + 2) * seconds)
    if count > most:
        raise TooManyRequests(retry_after=(window + 1) * seconds - int(now))


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


def require_password(password: str, email: str) -> None:
    """Raise InvalidBody if the password may not be taken."""
    if problems := password_problems(password, email):
        raise InvalidBody(errors=problems)
