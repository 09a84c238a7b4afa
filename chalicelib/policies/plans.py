"""When is a feature on? One evaluator for the API, the pages and every job (DOMAIN.md section 2)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


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


class Off(StrEnum):
    """Why a feature is off; the order is the order in which a person can do something about it."""

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


def why_off(feature: Feature, circumstances: Circumstances) -> Off | None:
    """Why `feature` is off, or None if it is on. An unknown plan includes nothing."""
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
