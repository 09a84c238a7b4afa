"""Who may do what. One row per action; anything that is not in this table is denied."""

from collections.abc import Mapping
from enum import Enum, StrEnum
from typing import NamedTuple

from chalicelib.policies.plans import Feature


class Role(StrEnum):
    """What someone is when they ask. A staff member may be two of these; a contact acts for a client."""

    ADMINISTRATOR = "administrator"
    THERAPIST = "therapist"
    CLIENT = "client"
    CONTACT = "contact"


class Reach(Enum):
    """Whose records a role reaches with an action."""

    NOBODY = 0
    SELF = 1  # their own
    ASSIGNED = 2  # those of the clients assigned to them
    PERMITTED = 3  # as ASSIGNED, once an administrator has let them invite (DOMAIN.md 1.2)
    TENANT = 4  # anyone's in their organization


class Rule(NamedTuple):
    """One row: the feature that must be on, and the reach of each role. `anyone`: no session is needed."""

    feature: Feature | None
    administrator: Reach
    therapist: Reach
    client: Reach
    contact: Reach
    anyone: bool = False


NO, SELF, ASSIGNED, PERMITTED, TENANT = Reach
INVITATIONS = Feature.INVITATIONS
SCHEDULING = Feature.SELF_SCHEDULING


def _open() -> Rule:
    return Rule(None, NO, NO, NO, NO, anyone=True)


RULES: Mapping[str, Rule] = {
    # action                         feature        admin    therapist  client  contact
    "api:describe": _open(),
    "appointment:answer": Rule(None, NO, NO, SELF, NO),  # taking back, and taking what was offered: whatever is off
    "appointment:book": Rule(SCHEDULING, NO, NO, SELF, NO),
    "appointment:manage": Rule(None, TENANT, ASSIGNED, NO, NO),  # in one's own calendar; administrators in everyone's
    "appointment:read": Rule(None, TENANT, ASSIGNED, SELF, NO),
    "availability:read": Rule(None, TENANT, SELF, NO, NO),
    "availability:update": Rule(None, TENANT, SELF, NO, NO),  # hours can be set before the switch is turned on
    "calendar:read": Rule(None, TENANT, SELF, NO, NO),
    "client:list": Rule(None, TENANT, TENANT, NO, NO),  # a therapist's list holds assigned clients only
    "client:read": Rule(None, TENANT, ASSIGNED, NO, NO),
    "client:settle_flag": Rule(None, TENANT, ASSIGNED, NO, NO),
    "document:download": Rule(None, TENANT, ASSIGNED, SELF, NO),
    "document:read": Rule(None, TENANT, ASSIGNED, SELF, NO),
    "document:verify": Rule(None, TENANT, ASSIGNED, SELF, NO),
    "feed:manage": Rule(None, SELF, SELF, SELF, NO),
    "feed:read": _open(),  # by its secret address
    "form:read": Rule(None, TENANT, TENANT, NO, NO),
    "home:read": Rule(None, SELF, SELF, SELF, NO),
    "intake:complete": Rule(None, NO, NO, SELF, NO),  # what was sent can be finished, whatever is off
    "intake:read": Rule(None, TENANT, ASSIGNED, SELF, NO),
    "intake:summarize": Rule(None, TENANT, ASSIGNED, NO, NO),
    "invite:look_up": _open(),
    "invite:read": Rule(None, TENANT, ASSIGNED, NO, NO),
    "invite:redeem": _open(),
    "invite:renew": _open(),
    "invite:revoke": Rule(None, TENANT, PERMITTED, NO, NO),  # taking back is possible when sending is off
    "invite:send": Rule(INVITATIONS, TENANT, PERMITTED, NO, NO),
    "job:read": Rule(None, TENANT, NO, NO, NO),
    "job:stop": Rule(None, TENANT, NO, NO, NO),
    "notification:read": Rule(None, SELF, SELF, NO, NO),
    "notification:update": Rule(None, SELF, SELF, NO, NO),
    "offer:read": Rule(None, TENANT, TENANT, NO, NO),
    "offer:update": Rule(None, TENANT, NO, NO, NO),
    "profile:read": Rule(None, NO, NO, SELF, NO),
    "profile:update": Rule(None, NO, NO, SELF, NO),
    "session:create": _open(),
    "session:end": Rule(None, SELF, SELF, SELF, NO),
    "session:extend": Rule(None, SELF, SELF, SELF, NO),
    "session:prove": Rule(None, SELF, SELF, SELF, NO),
    "session:read": Rule(None, SELF, SELF, SELF, NO),
    "settings:read": Rule(None, TENANT, TENANT, NO, NO),
    "settings:update": Rule(None, TENANT, NO, NO, NO),
    "seal:verify": _open(),
    "slot:read": Rule(SCHEDULING, NO, NO, SELF, NO),
    "tenant:look_up": _open(),
}
