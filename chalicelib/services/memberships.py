"""Who takes part in a group: how its record changes, in the transaction that changes a client's own place in it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from chalicelib import clock, ids
from chalicelib.errors import NotFound
from chalicelib.models.slots import Appointment, Group
from chalicelib.models.transaction import Moved, Transaction
from chalicelib.slots.zones import moment

JOINING, IN, OUT = "joining", "in", "out"
CANCELLED = "cancelled"  # why somebody is out: their own place was
_DERIVED = {"pk", "sk", "gsi1pk", "gsi1sk", "gsi2pk", "gsi2sk", "duepk", "duesk", "kind", "expires_at", "starts_at",
            "changed_at", "version"}  # fmt: skip


def group_of(tenant_id: str, staff_id: str, group_id: str) -> Group:
    """A group of this therapist, as it is now. Raises NotFound."""
    found = Group.find(tenant_id=tenant_id, staff_id=staff_id, appointment_id=group_id)
    if found is None:
        raise NotFound()
    return found


def place_id(group: Group, client_id: str) -> str:
    """The id of a client's own appointment: the same whenever they join this group, so they are in it once."""
    return ids.derived_id("place", group.appointment_id, client_id, at=clock.parse(group.made_at))


def taken(group: Group) -> int:
    """How many of its places are taken, or kept for those who are joining."""
    return sum(state in (JOINING, IN) for state, _ in group.members.values())


def changed(now: datetime, group: Group, **values: Any) -> Group:
    """The group with these values, a version later."""
    kept = {name: getattr(group, name) for name in Group.get_attributes() if name not in _DERIVED}
    new = {**kept, **values}
    new |= {"starts_at": clock.text(moment(int(new["start"]))), "changed_at": clock.text(now)}
    return Group.new(**new, version=int(group.version) + 1)


def put(tx: Transaction, seen: Group, new: Group) -> None:
    """Write it over the group as it was read; Moved if it is not so any more."""
    tx.put(new, when=Group.version == seen.version, otherwise=Moved())


def settle(tx: Transaction, now: datetime, group: Group, client_id: str, state: str, why: str | None = None) -> None:
    """Write what has become of one who takes part."""
    put(tx, group, changed(now, group, members={**group.members, client_id: [state, why]}))


def leaving(now: datetime, place: Appointment) -> Callable[[Transaction], None]:
    """For the transaction that cancels a client's own place: somebody else can have it."""
    group = group_of(place.tenant_id, place.staff_id, str(place.group_id))
    return lambda tx: settle(tx, now, group, place.client_id, OUT, CANCELLED)
