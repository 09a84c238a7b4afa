"""Whom one can write to, and what stands beside a composer (DOMAIN.md 6.1, 6.4)."""

from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from chalicelib.context import Context
from chalicelib.handlers.routing import PORTAL, Routes
from chalicelib.handlers.views import PortalView
from chalicelib.models.tenants import Tenant
from chalicelib.policies.decide import denial
from chalicelib.services import messages, recipients, sessions, staff, tenants

portal = Routes(__name__, PORTAL, "/portal", tag="messages")


class Composer(PortalView):
    """What stands beside a composer: the practice's reply time, its note outside of its hours (None within them, or
    where there is none), and what is for emergencies. `most`: characters of a message."""

    reply_time: str
    away_note: str | None
    crisis_text: str
    crisis_phone: str
    read_receipts: bool
    most: int
    files_most: int

    @classmethod
    def of(cls, tenant: Tenant, at: datetime) -> "Composer":
        """As the settings have it at this moment."""
        own = tenants.messaging(tenant)
        return cls(
            reply_time=tenants.setting(tenant, "reply_time"),
            away_note=own["away_note"] if own["away_note"] and not _open(own["hours"], tenant.zone, at) else None,
            crisis_text=tenants.setting(tenant, "crisis_text"),
            crisis_phone=tenants.setting(tenant, "crisis_phone"),
            read_receipts=bool(own["read_receipts"]),
            most=20_000,
            files_most=messages.FILES,
        )


def _open(hours: list[list[int] | None], zone: str, at: datetime) -> bool:
    """Whether the practice answers at this time of its day; no hours at all: always."""
    if not any(hours):
        return True
    local = at.astimezone(ZoneInfo(zone))
    day, minute = hours[local.weekday()], local.hour * 60 + local.minute
    return day is not None and day[0] <= minute < day[1]


def why_not(context: Context) -> str | None:
    """Why staff cannot write to the client of the request, as a problem's code."""
    why = denial("message:send", sessions.facts(context))
    if why is not None:
        return str(why)
    return messages.why_no_reader(context)


def may_write(context: Context) -> bool:
    """Whether the client who asks can write at all: messaging is on for them, and their file is not archived."""
    return denial("message:send", sessions.facts(context)) is None and context.client.status == "active"


class Choice(PortalView):
    """Somebody I can write to: a therapist of mine by id, or a desk of the practice by name."""

    to: str
    kind: Literal["therapist", "administration", "billing", "clinical"]
    name: str | None


class MyChoices(PortalView):
    """Everyone I can write to, and what stands beside the composer. `can_write`: messaging is on for me."""

    items: list[Choice]
    can_write: bool
    composer: Composer


@portal.endpoint("GET", "/messages/recipients", action="message:list")
def list_my_choices(context: Context) -> MyChoices:
    """Everyone I can write to"""
    can_write = may_write(context)
    found = recipients.offered(context) if can_write else []
    return MyChoices(
        items=[_choice(each) for each in found],
        can_write=can_write,
        composer=Composer.of(context.tenant, context.now),
    )


def _choice(found: recipients.Recipient) -> Choice:
    if found.to in recipients.DESKS:
        return Choice(to=found.to, kind=found.to, name=None)
    return Choice(to=found.to, kind="therapist", name=staff.shown(found.staff[0]))
