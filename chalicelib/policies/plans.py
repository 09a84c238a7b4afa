"""When is a feature on? One evaluator for the API, the pages and every job (DOMAIN.md section 2)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Feature(StrEnum):
    """A part of the portal that a plan includes and an administrator switches on or off."""

    INVITATIONS = "invitations"
    INTAKE_FORMS = "intake_forms"
    PAYMENTS = "payments"
    MESSAGING = "messaging"
    SELF_SCHEDULING = "self_scheduling"


# Plans are data (DOMAIN.md 2.1): adding one is adding a row.
PLANS: Mapping[str, frozenset[Feature]] = {
    "basic": frozenset({Feature.INVITATIONS, Feature.INTAKE_FORMS, Feature.PAYMENTS}),
    "plus": frozenset(Feature),
}
SEATED = frozenset({Feature.MESSAGING, Feature.SELF_SCHEDULING})


class Price(NamedTuple):
    """What a plan costs a month, in minor units of CURRENCY: the organization, and each seat that is not free."""

    organization: int
    seat: int


CURRENCY = "USD"
FREE_SEATS = 1  # "the first one free" (DOMAIN.md 2.3)
PRICES: Mapping[str, Price] = {"basic": Price(1900, 600), "plus": Price(2900, 600)}


class Standing(StrEnum):
    """What an organization may do now."""

    TRIAL = "trial"  # everything of its plan, until its trial ends
    ACTIVE = "active"
    SUSPENDED = "suspended"  # sign in, read and export; clients keep reading their own; nothing new is begun or sent


class Means(NamedTuple):
    """What a standing means."""

    begins: bool  # what the plan includes can be used; what sends or begins something new works
    billed: bool  # its days cost something


STANDINGS: Mapping[Standing, Means] = {
    Standing.TRIAL: Means(begins=True, billed=False),
    Standing.ACTIVE: Means(begins=True, billed=True),
    Standing.SUSPENDED: Means(begins=False, billed=False),
}
TRIAL_DAYS = 14


def standing(status: str, trial_ends_at: str | None, now: str) -> Standing:
    """How an organization stands at an instant. A trial that has ended is like being suspended; so is the unknown."""
    if status == Standing.TRIAL:
        return Standing.TRIAL if trial_ends_at is not None and now < trial_ends_at else Standing.SUSPENDED
    return Standing.ACTIVE if status == Standing.ACTIVE else Standing.SUSPENDED


class Off(StrEnum):
    """Why a feature is off; the order is the order in which a person can do something about it."""

    SUSPENDED = "organization_suspended"
    NOT_IN_PLAN = "not_in_plan"
    CARD_PROCESSING = "card_processing_not_connected"
    SWITCHED_OFF = "switched_off"
    NO_SEAT = "no_seat"
    CLIENT = "client_switched_off"


@dataclass(frozen=True)
class Circumstances:
    """All that decides whether a feature is on for one request."""

    plan: str
    switched_on: Collection[str]
    card_processing: bool = False
    seat: bool | None = None  # of the staff member concerned; None: no staff member is
    client_off: Collection[str] = field(default_factory=frozenset)  # a client can only be narrowed
    standing: Standing = Standing.ACTIVE


def why_off(feature: Feature, circumstances: Circumstances) -> Off | None:
    """Why `feature` is off, or None if it is on. An unknown plan includes nothing."""
    if not STANDINGS[circumstances.standing].begins:
        return Off.SUSPENDED
    if feature not in PLANS.get(circumstances.plan, frozenset()):
        return Off.NOT_IN_PLAN
    if feature is Feature.PAYMENTS and not circumstances.card_processing:
        return Off.CARD_PROCESSING
    if feature not in circumstances.switched_on:
        return Off.SWITCHED_OFF
    if feature in SEATED and circumstances.seat is False:
        return Off.NO_SEAT
    if feature in circumstances.client_off:
        return Off.CLIENT
    return None
