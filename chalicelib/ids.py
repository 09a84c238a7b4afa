"""Identifiers and secrets. Ids are ULIDs: opaque to callers, in order of creation; they say nothing about a person."""

import hashlib
import hmac
import secrets
from datetime import datetime

from chalicelib import clock

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
PATTERN = r"^[0-7][0-9A-HJKMNP-TV-Z]{25}$"


def new_id(at: datetime | None = None) -> str:
    """A fresh ULID whose time part is `at` (default: now)."""
    return _time_part(at or clock.now()) + _base32(secrets.randbits(80), 16)


def floor_id(at: datetime) -> str:
    """The smallest ULID at `at`: the inclusive lower bound of a range."""
    return _time_part(at) + "0" * 16


def derived_id(*parts: str, at: datetime) -> str:
    """The same ULID for the same parts and time: what a retry creates again must meet what it created before."""
    digest = hashlib.sha256("\x1f".join(parts).encode()).digest()
    return _time_part(at) + _base32(int.from_bytes(digest[:10]), 16)


def is_id(value: str) -> bool:
    """Whether `value` has the form of an id of ours (hostile input is refused before it can reach a key)."""
    return len(value) == 26 and value[0] in "01234567" and all(letter in _CROCKFORD for letter in value)


def new_secret() -> str:
    """256 random bits, URL-safe."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """What is stored of a secret of 128 bits or more."""
    return hashlib.sha256(secret.encode()).hexdigest()


def keyed(key: bytes, *parts: str) -> str:
    """A keyed digest of personal words: stable, and meaningless without the key."""
    return hmac.new(key, "\x1f".join(parts).encode(), hashlib.sha256).hexdigest()[:40]


def same(one: str, other: str) -> bool:
    """Equality in constant time."""
    return hmac.compare_digest(one.encode(), other.encode())


def _time_part(at: datetime) -> str:
    return _base32(int(at.timestamp() * 1000), 10)


def _base32(value: int, length: int) -> str:
    return "".join(_CROCKFORD[value >> 5 * i & 31] for i in reversed(range(length)))
