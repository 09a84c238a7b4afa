"""Devices: where an account signed in before, told apart by a random cookie (notes: security 3.1; DOMAIN.md 8).

A browser keeps `__Host-device`; a program, which keeps no cookies, is known by where it calls from and how it names
itself. Neither proves anything: a device that is known only spares its holder a mail, and, where a staff member gave
password and code on it, the code for the rest of the day.
"""

import re
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from chalicelib import clock, ids
from chalicelib.adapters import secrets as stage_secrets
from chalicelib.config import settings
from chalicelib.context import Context
from chalicelib.models.accounts import ClientDevice, StaffDevice
from chalicelib.models.table import load

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_RENEW = timedelta(days=30)  # a device that comes back is written again only after so long

_BROWSERS = (
    ("Edge", r"\bEdg(A|iOS)?/"),
    ("Opera", r"\b(OPR|Opera)/"),
    ("Samsung Internet", r"\bSamsungBrowser/"),
    ("Firefox", r"\b(Firefox|FxiOS)/"),
    ("Chrome", r"\b(Headless)?(Chrome|CriOS|Chromium)/"),
    ("Safari", r"\bVersion/\S+ .*Safari/"),
)
_SYSTEMS = (
    ("iPhone", r"\biPhone\b"),
    ("iPad", r"\biPad\b"),
    ("Android", r"\bAndroid\b"),
    ("Windows", r"\bWindows\b"),
    ("Chromebook", r"\bCrOS\b"),
    ("Mac", r"\bMacintosh\b|\bMac OS X\b"),
    ("Linux", r"\bLinux\b"),
)


class Described(NamedTuple):
    """A device in words; None where the browser does not say."""

    browser: str | None
    system: str | None

    def __str__(self) -> str:
        words = self.browser or "an unknown browser"
        return f"{words} on {self.system}" if self.system else words


def described(user_agent: str | None) -> Described:
    """Browser and system behind a User-Agent header. It is what the device claims, for people to recognize theirs."""
    told = user_agent or ""
    return Described(
        *(next((name for name, form in forms if re.search(form, told)), None) for forms in (_BROWSERS, _SYSTEMS))
    )


def recall(context: Context, *, bearer: bool) -> Any:
    """The device of a sign-in as it is on record, or a fresh record (`pk` known, nothing written yet).

    Leaves in `context.device_token` what the browser's cookie is to hold from now on.
    """
    kind, whose = _kind(context)
    if bearer:
        context.device_token, digest = None, _program(context)
    else:
        kept = context.device_token if _TOKEN.fullmatch(context.device_token or "") else None
        context.device_token = kept or ids.new_secret()
        digest = ids.digest(context.device_token)
    place = {**whose, "device_digest": digest}
    (known,) = load((kind, place))
    if known is not None and known.expires_at > context.now.timestamp():
        return known
    return kind.new(**place, first_seen_at=clock.text(context.now), expires_at=_end(context.now))


def is_new(device: Any, now: datetime) -> bool:
    """Whether nobody signed in to this account from it before now."""
    return bool(device.first_seen_at == clock.text(now))


def is_trusted(device: Any, era: int, now: datetime) -> bool:
    """Whether password and code were given on it within the day, and nothing ended every session since."""
    return device.trusted_until is not None and clock.text(now) < device.trusted_until and (device.era or 0) == era


def trust(device: Any, era: int, now: datetime) -> None:
    """Let the password alone sign in here until `settings.trusted_hours` are over; `keep` writes it."""
    device.trusted_until, device.era = clock.text(now + timedelta(hours=settings.trusted_hours)), era


def worth_keeping(device: Any, now: datetime, *, trusted: bool) -> bool:
    """Whether the record must be written: it is new, newly trusted, or was not renewed for a month."""
    renew = device.expires_at < _end(now - _RENEW)
    if renew:
        device.expires_at = _end(now)
    return trusted or renew or is_new(device, now)


def _end(now: datetime) -> int:
    return int((now + timedelta(days=settings.device_days)).timestamp())


def _kind(context: Context) -> tuple[Any, dict[str, str]]:
    whose = {"tenant_id": context.tenant_id, f"{context.actor.kind}_id": context.actor.id}
    return (StaffDevice if context.actor.kind == "staff" else ClientDevice), whose


def _program(context: Context) -> str:
    return stage_secrets.keyed(
        "program", context.tenant_id, context.actor.id, context.address or "", context.device or ""
    )
