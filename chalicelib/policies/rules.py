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
    BILLING = 5  # as ASSIGNED, once an administrator has let them bill


class Rule(NamedTuple):
    """One row: the feature that must be on, and the reach of each role. `anyone`: no session is needed. `begins`: it
    sends or begins something new without naming a feature, so it stops while the organization is suspended. `member`:
    of threads, staff reach only those in which they take part, whatever else their reach is (DOMAIN.md 6.5)."""

    feature: Feature | None
    administrator: Reach
    therapist: Reach
    client: Reach
    contact: Reach
    anyone: bool = False
    begins: bool = False
    member: bool = False


NO, SELF, ASSIGNED, PERMITTED, TENANT, BILLING = Reach
INVITATIONS, INTAKE_FORMS, PAYMENTS = Feature.INVITATIONS, Feature.INTAKE_FORMS, Feature.PAYMENTS
SCHEDULING, MESSAGING = Feature.SELF_SCHEDULING, Feature.MESSAGING


def _open() -> Rule:
    return Rule(None, NO, NO, NO, NO, anyone=True)


RULES: Mapping[str, Rule] = {
    # action                         feature        admin    therapist  client  contact
    "account:confirm_email": _open(),
    "account:read": Rule(None, SELF, SELF, SELF, NO),
    "account:recover": _open(),
    "account:update": Rule(None, SELF, SELF, SELF, NO),
    "api:describe": _open(),
    "appointment:answer": Rule(None, NO, NO, SELF, NO),  # taking back, and taking what was offered: whatever is off
    "appointment:begin": Rule(None, TENANT, ASSIGNED, NO, NO, begins=True),  # booked by staff, once or as a series
    "appointment:book": Rule(SCHEDULING, NO, NO, SELF, NO),
    "appointment:manage": Rule(None, TENANT, ASSIGNED, NO, NO),  # in one's own calendar; administrators in everyone's
    "appointment:read": Rule(None, TENANT, ASSIGNED, SELF, NO),
    "availability:read": Rule(None, TENANT, SELF, NO, NO),
    "availability:update": Rule(None, TENANT, SELF, NO, NO),  # hours can be set before the switch is turned on
    "autopay:update": Rule(PAYMENTS, NO, NO, SELF, NO),
    "billing:export": Rule(None, TENANT, NO, NO, NO),
    "billing:read": Rule(None, TENANT, NO, NO, NO),  # of the whole organization
    "calendar:read": Rule(None, TENANT, SELF, NO, NO),
    "card:manage": Rule(None, NO, NO, SELF, NO),  # see and remove saved cards, stop autopay: whatever is off
    "card_processing:update": Rule(None, TENANT, NO, NO, NO),
    "client:archive": Rule(None, TENANT, NO, NO, NO),  # and take out again
    "client:assign": Rule(None, TENANT, NO, NO, NO),
    "client:contact": Rule(None, TENANT, ASSIGNED, NO, NO),  # telephone, address, emergency contact
    "client:create": Rule(None, TENANT, NO, NO, NO, begins=True),
    "client:end_access": Rule(None, TENANT, NO, NO, NO),  # to the portal, and give it back
    "client:import": Rule(None, TENANT, NO, NO, NO, begins=True),
    "client:list": Rule(None, TENANT, TENANT, NO, NO),  # a therapist's list holds assigned clients only
    "client:read": Rule(None, TENANT, ASSIGNED, NO, NO),
    "client:settle_flag": Rule(None, TENANT, ASSIGNED, NO, NO),
    "client:update": Rule(None, TENANT, NO, NO, NO),
    "credit:apply": Rule(None, TENANT, BILLING, SELF, NO),
    "contact_log:add": Rule(None, TENANT, ASSIGNED, NO, NO),
    "contact_log:read": Rule(None, TENANT, ASSIGNED, NO, NO),
    "document:download": Rule(None, TENANT, ASSIGNED, SELF, NO),
    "document:read": Rule(None, TENANT, ASSIGNED, SELF, NO),
    "document:share": Rule(None, TENANT, ASSIGNED, NO, NO),
    "document:verify": Rule(None, TENANT, ASSIGNED, SELF, NO),
    "feed:manage": Rule(None, SELF, SELF, SELF, NO),
    "feed:read": _open(),  # by its secret address
    "first_steps:read": Rule(None, TENANT, NO, NO, NO),
    "first_steps:update": Rule(None, TENANT, NO, NO, NO),
    "form:publish": Rule(None, TENANT, NO, NO, NO),
    "form:read": Rule(None, TENANT, TENANT, NO, NO),
    "form:update": Rule(None, TENANT, NO, NO, NO),  # drafts, archive, restore
    "group:begin": Rule(None, TENANT, SELF, NO, NO, begins=True),
    "group:manage": Rule(None, TENANT, SELF, NO, NO),  # in one's own calendar; administrators in everyone's
    "group:read": Rule(None, TENANT, SELF, NO, NO),
    "home:read": Rule(None, SELF, SELF, SELF, NO),
    "intake:complete": Rule(None, NO, NO, SELF, NO),  # what was sent can be finished, whatever is off
    "intake:list": Rule(None, TENANT, TENANT, NO, NO),  # a therapist's list holds assigned clients only
    "intake:read": Rule(None, TENANT, ASSIGNED, SELF, NO),
    "intake:record": Rule(None, TENANT, ASSIGNED, NO, NO),  # on paper, or why a notice was not acknowledged
    "intake:remind": Rule(INTAKE_FORMS, TENANT, PERMITTED, NO, NO),
    "intake:remind_many": Rule(INTAKE_FORMS, TENANT, NO, NO, NO),
    "intake:revoke": Rule(None, TENANT, PERMITTED, NO, NO),  # taking back is possible when sending is off
    "intake:send": Rule(INTAKE_FORMS, TENANT, PERMITTED, NO, NO),
    "intake:send_many": Rule(INTAKE_FORMS, TENANT, NO, NO, NO),
    "intake:summarize": Rule(None, TENANT, ASSIGNED, NO, NO),
    "invite:bulk": Rule(INVITATIONS, TENANT, NO, NO, NO),  # and each client by invite:send
    "invite:look_up": _open(),
    "invite:read": Rule(None, TENANT, ASSIGNED, NO, NO),
    "invite:redeem": _open(),
    "invite:renew": _open(),
    "invite:revoke": Rule(None, TENANT, PERMITTED, NO, NO),  # taking back is possible when sending is off
    "invite:send": Rule(INVITATIONS, TENANT, PERMITTED, NO, NO),
    "invoice:begin": Rule(None, TENANT, BILLING, NO, NO, begins=True),  # draft, issue, estimate
    "invoice:manage": Rule(None, TENANT, BILLING, NO, NO),  # change and delete drafts, void
    "invoice:read": Rule(None, TENANT, ASSIGNED, SELF, NO),
    "job:read": Rule(None, TENANT, NO, NO, NO),
    "job:stop": Rule(None, TENANT, NO, NO, NO),
    "ledger:record": Rule(None, TENANT, BILLING, NO, NO),  # money by hand, refunds, write-offs, adjustments
    "login_link:send": Rule(None, TENANT, ASSIGNED, NO, NO),  # it holds no secret and opens nothing
    "mail:read": Rule(None, TENANT, ASSIGNED, NO, NO),
    "message:draft": Rule(MESSAGING, TENANT, ASSIGNED, SELF, NO, member=True),
    "message:list": Rule(None, TENANT, TENANT, SELF, NO),  # one's own threads only
    "message:open": Rule(None, TENANT, NO, NO, NO),  # break-glass: a thread that is not theirs, announced
    "message:read": Rule(None, TENANT, ASSIGNED, SELF, NO, member=True),  # what is on record, whatever is off
    "message:send": Rule(MESSAGING, TENANT, ASSIGNED, SELF, NO, member=True),
    "message:send_many": Rule(MESSAGING, TENANT, TENANT, NO, NO),  # and each client by message:send
    "notification:read": Rule(None, SELF, SELF, NO, NO),
    "notification:update": Rule(None, SELF, SELF, NO, NO),
    "offer:read": Rule(None, TENANT, TENANT, NO, NO),
    "offer:update": Rule(None, TENANT, NO, NO, NO),
    "organization:read": Rule(None, TENANT, TENANT, NO, NO),
    "organization:update": Rule(None, TENANT, NO, NO, NO),
    "pay_link:make": Rule(PAYMENTS, TENANT, BILLING, SELF, NO),
    "payment:cancel": Rule(None, NO, NO, SELF, NO),
    "payment:guest": _open(),  # by its secret link
    "payment:read": Rule(None, TENANT, ASSIGNED, SELF, NO),
    "payment:start": Rule(PAYMENTS, NO, NO, SELF, NO),
    "payment:told": _open(),  # by Stripe, under its signature
    "profile:read": Rule(None, NO, NO, SELF, NO),
    "profile:update": Rule(None, NO, NO, SELF, NO),
    "sender:read": Rule(None, TENANT, NO, NO, NO),
    "session:create": _open(),
    "session:end": Rule(None, SELF, SELF, SELF, NO),
    "session:extend": Rule(None, SELF, SELF, SELF, NO),
    "session:list": Rule(None, SELF, SELF, SELF, NO),
    "session:prove": Rule(None, SELF, SELF, SELF, NO),
    "session:read": Rule(None, SELF, SELF, SELF, NO),
    "settings:read": Rule(None, TENANT, TENANT, NO, NO),
    "settings:update": Rule(None, TENANT, NO, NO, NO),
    "seal:verify": _open(),
    "signup:accept": Rule(INVITATIONS, TENANT, NO, NO, NO),
    "signup:begin": _open(),
    "signup:confirm": _open(),
    "signup:link": Rule(INVITATIONS, TENANT, NO, NO, NO),
    "signup:look_up": _open(),
    "signup:read": Rule(None, TENANT, NO, NO, NO),
    "signup:reject": Rule(None, TENANT, NO, NO, NO),  # saying no is possible when inviting is off
    "signup:send": _open(),
    "staff:invite": Rule(None, TENANT, NO, NO, NO, begins=True),
    "staff:read": Rule(None, TENANT, NO, NO, NO),
    "staff:update": Rule(None, TENANT, NO, NO, NO),
    "staff_invite:look_up": _open(),
    "staff_invite:redeem": _open(),
    "subscription:read": Rule(None, TENANT, NO, NO, NO),
    "subscription:update": Rule(None, TENANT, NO, NO, NO),
    "slot:read": Rule(SCHEDULING, NO, NO, SELF, NO),
    "suppression:clear": Rule(None, TENANT, PERMITTED, NO, NO),
    "tenant:look_up": _open(),
    "tenant:sign_up": _open(),
    "token:create": Rule(None, TENANT, NO, NO, NO, begins=True),
    "token:read": Rule(None, TENANT, NO, NO, NO),
    "token:revoke": Rule(None, TENANT, NO, NO, NO),
    "upload:add": Rule(None, TENANT, ASSIGNED, SELF, NO, begins=True),
    "upload:finish": Rule(None, TENANT, ASSIGNED, SELF, NO),  # what was begun comes in
    "upload:read": Rule(None, TENANT, ASSIGNED, SELF, NO),
    "wording:read": Rule(None, TENANT, TENANT, NO, NO),
    "wording:update": Rule(None, TENANT, NO, NO, NO),
}
