"""Who asks for what, when: the context of one request or event."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from chalicelib.policies.plans import Circumstances
from chalicelib.policies.rules import Role


class Persona(StrEnum):
    """Whose credentials the work needs; scoping them by leading keys comes with operations."""

    ACCOUNTS = "accounts"
    PORTAL = "portal"
    PRACTICE = "practice"
    CHARTS = "charts"
    JOBS = "jobs"


@dataclass(frozen=True)
class Actor:
    """The one who acts: a staff member, a client, a program (an API token), or the system itself (a named job)."""

    kind: str  # staff, client, program, system
    id: str
    name: str = ""
    roles: frozenset[Role] = frozenset()
    session_id: str | None = None
    created_by: str | None = None  # of a program: the staff member who made its token

    @property
    def staff_id(self) -> str:
        """The staff member who asks, or for whom a program does: whose caseload it is, who is told."""
        return self.created_by or self.id


@dataclass
class Context:
    """One unit of work. `tenant_id` comes from the session (or the queue message), never from what was sent."""

    tenant_id: str
    actor: Actor
    now: datetime
    persona: Persona
    request_id: str | None = None
    address: str | None = None
    device: str | None = None
    tenant: Any = None  # models.tenants.Tenant
    session: Any = None  # StaffSession or ClientSession; a program has none
    program: Any = None  # the ApiToken of a program
    person: Any = None  # Staff or Client who asks; for a program, the Staff who made its token
    client: Any = None  # the Client that the request is about
    circumstances: Circumstances = field(default_factory=lambda: Circumstances(plan="", switched_on=()))
    idempotency_key: str | None = None
    request_digest: str = ""
    result: str | None = None  # what an earlier request with this key made
    if_match: int | None = None
    if_none_match: str | None = None  # what the asker has already: the same again is answered with 304
    token: str | None = None
    device_token: str | None = None  # the random id in the browser's cookie; at sign-in only
    is_assigned: bool = False  # the client of the request is assigned to the staff member who asks
    names_client: bool = False  # the address names a client
    is_self: bool = True  # what the address names, if it names a staff member's own thing, is the asker's
    request: Any = None  # what an earlier request with this idempotency key left
    audited: bool = False  # an audit event was made for it
    named: dict[str, Any] = field(default_factory=dict)  # records that the address names, read along: "intake_id" → it

    @property
    def client_id(self) -> str:
        """The client that the request is about."""
        return str(self.client.client_id)
