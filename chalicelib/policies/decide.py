"""May this person do this, now? One pure function over the facts of a request."""

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum

from chalicelib.policies.plans import STANDINGS, Circumstances, Off, why_off
from chalicelib.policies.rules import RULES, Reach, Role, Rule
from chalicelib.policies.scopes import opens


class Denial(StrEnum):
    """Why not; handlers turn these into problems, in this order."""

    UNKNOWN_ACTION = "unknown_action"
    ROLE = "role"  # 403: no role they have ever does this
    SCOPE = "scope"  # 403: a program whose token was not given this
    UNRELATED = "unrelated"  # 404: never confirm that the record exists
    SUSPENDED = "organization_suspended"
    NOT_IN_PLAN = "feature_not_in_plan"
    SWITCHED_OFF = "feature_switched_off"


@dataclass(frozen=True)
class Facts:
    """All that a decision depends on, read once per request."""

    roles: Collection[Role]
    is_self: bool = False  # the record belongs to the one asking
    is_assigned: bool = False  # the record's client is assigned to the one asking
    may_invite: bool = False
    may_bill: bool = False
    scopes: Collection[str] | None = None  # of the token, when a program asks; None: a person does
    is_member: bool = True  # they take part in the thread that the address names, if it names one
    exists: bool = True  # the client that the address names is a client of this tenant
    circumstances: Circumstances = field(default_factory=lambda: Circumstances(plan="", switched_on=()))


def denial(action: str, facts: Facts) -> Denial | None:
    """Why `action` is denied, or None if it is allowed. A person's reach is the union over their roles.

    A program has the roles of whoever made its token, and of what they may do only what its scopes name.
    """
    rule = RULES.get(action)
    if rule is None:
        return Denial.UNKNOWN_ACTION
    if rule.anyone:
        return None
    reaches = {getattr(rule, role) for role in facts.roles} - {Reach.NOBODY}
    if not facts.may_invite:
        reaches.discard(Reach.PERMITTED)
    if not facts.may_bill:
        reaches.discard(Reach.BILLING)
    if not reaches:
        return Denial.ROLE
    if facts.scopes is not None and not opens(facts.scopes, action):
        return Denial.SCOPE
    if not facts.exists or not any(_reaches(reach, facts) for reach in reaches):
        return Denial.UNRELATED
    if rule.member and not facts.is_member:
        return Denial.UNRELATED
    return _feature_denial(rule, facts)


def _feature_denial(rule: Rule, facts: Facts) -> Denial | None:
    """Only actions that name a feature depend on one, those that begin something new on how the organization stands.
    Reading what is on record depends on neither."""
    if rule.begins and not STANDINGS[facts.circumstances.standing].begins:
        return Denial.SUSPENDED
    if rule.feature is None:
        return None
    off = why_off(rule.feature, facts.circumstances)
    if off is None:
        return None
    if off is Off.SUSPENDED:
        return Denial.SUSPENDED
    return Denial.NOT_IN_PLAN if off is Off.NOT_IN_PLAN else Denial.SWITCHED_OFF


def _reaches(reach: Reach, facts: Facts) -> bool:
    if reach is Reach.TENANT:
        return True
    if reach in (Reach.ASSIGNED, Reach.PERMITTED, Reach.BILLING):
        return facts.is_assigned
    return reach is Reach.SELF and facts.is_self
