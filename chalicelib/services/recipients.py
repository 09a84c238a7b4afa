"""Whom a message can reach: derived from live assignment, seats and the administrators' rule (DOMAIN.md 6.1, 6.4).

A client writes to an assigned therapist, or to a desk (administration, billing, clinical) that the practice answers as
its settings say. Who is named anywhere only says where to look: assignment, role and seat are read as they are now.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from chalicelib.context import Context
from chalicelib.errors import InvalidBody, NotFound
from chalicelib.models.clients import Assignment
from chalicelib.models.messages import Thread
from chalicelib.models.staff import Staff
from chalicelib.models.table import load
from chalicelib.services import staff, tenants

DIRECT = "direct"
ADMINISTRATION, BILLING, CLINICAL = DESKS = ("administration", "billing", "clinical")


class Recipient(NamedTuple):
    """One choice of a client: a therapist (`to` is their id) or a desk (`to` is its name), and who reads it."""

    to: str
    staff: list[Staff]


def offered(context: Context) -> list[Recipient]:
    """Everyone to whom the client of the request can write now, therapists first. Two reads, however many."""
    everyone = staff.everyone(context.tenant_id)
    named = [each["staff_id"] for each in context.client.therapists]
    wanted = [*named, *(each for desk in _desks(context).values() for each in desk["staff_ids"])]
    wanted += [each.staff_id for each in everyone if staff.ADMINISTRATOR in each.roles]
    now = _now(context, wanted)
    therapists = [Recipient(each, [now[each][0]]) for each in dict.fromkeys(named) if each in now and now[each][1]]
    desks = [Recipient(name, _at_desk(context, name, now)) for name in DESKS]
    return [*therapists, *(desk for desk in desks if desk.staff)]


def chosen(context: Context, to: str) -> list[Staff]:
    """Who reads what the client writes to this choice. Raises NotFound for what is not offered, whatever the reason."""
    if to in DESKS:
        found = _desk(context, to)
    else:
        found = [who for who, is_assigned in _now(context, [to]).values() if is_assigned]
    if not found:
        raise NotFound()
    return found


def present(context: Context, thread: Thread) -> list[Staff]:
    """Who reads what the client writes in this thread now; nobody, if they are all gone."""
    found = _desk(context, thread.topic) if thread.topic in DESKS else []
    return found or [who for who, _ in _now(context, thread.members).values()]


def _desks(context: Context) -> dict[str, Any]:
    desks = tenants.messaging(context.tenant)["desks"]
    return {name: desk for name, desk in desks.items() if desk["on"]}


def _desk(context: Context, name: str) -> list[Staff]:
    desk = _desks(context).get(name)
    if desk is None:
        return []
    wanted = list(desk["staff_ids"])
    if not wanted and name == CLINICAL:
        wanted = [each["staff_id"] for each in context.client.therapists]
    elif not wanted:
        wanted = [each.staff_id for each in staff.everyone(context.tenant_id) if staff.ADMINISTRATOR in each.roles]
    return _at_desk(context, name, _now(context, wanted))


def _at_desk(context: Context, name: str, now: dict[str, tuple[Staff, bool]]) -> list[Staff]:
    desk = _desks(context).get(name)
    if desk is None:
        return []
    if desk["staff_ids"]:
        return [now[each][0] for each in desk["staff_ids"] if each in now]
    if name == CLINICAL:
        return [who for who, is_assigned in now.values() if is_assigned]
    return [who for who, _ in now.values() if staff.ADMINISTRATOR in who.roles]


def _now(context: Context, staff_ids: Iterable[str]) -> dict[str, tuple[Staff, bool]]:
    """Of these, whoever can be written to by the client at this moment: the person, and whether they are assigned."""
    wanted = list(dict.fromkeys(staff_ids))
    place = {"tenant_id": context.tenant_id, "client_id": context.client_id}
    pairs: list[Any] = []
    for each in wanted:
        pairs += [(Staff, {**place, "staff_id": each}), (Assignment, {**place, "staff_id": each})]
    records = load(*pairs) if pairs else []
    found = {}
    for who, assignment in zip(records[::2], records[1::2], strict=True):
        if who is not None and takes_part(who, is_assigned=assignment is not None):
            found[str(who.staff_id)] = (who, assignment is not None and staff.THERAPIST in who.roles)
    return found


def takes_part(who: Staff, *, is_assigned: bool) -> bool:
    """Whether this person can have a conversation with a client (DOMAIN.md 2.3, 6.1)."""
    may = staff.ADMINISTRATOR in who.roles or (is_assigned and staff.THERAPIST in who.roles)
    return who.status == staff.ACTIVE and bool(who.seat) and may


def settled(context: Context, changes: dict[str, Any]) -> dict[str, Any]:
    """Changes of the settings of messaging, checked, with the desks that are not named as they are.

    Raises InvalidBody for hours that end before they begin, and for people whom a desk cannot have: administration and
    billing are answered by administrators, clinical questions by therapists, too (DOMAIN.md 6.1).
    """
    for number, day in enumerate(changes.get("hours") or ()):
        if day is not None and day[0] >= day[1]:
            detail = "Hours end after they begin."
            raise InvalidBody(errors=[{"pointer": f"/messaging/hours/{number}", "code": "order", "detail": detail}])
    desks = changes.get("desks", {})
    everyone = {each.staff_id: each for each in staff.everyone(context.tenant_id)} if desks else {}
    for name, desk in desks.items():
        for staff_id in desk["staff_ids"]:
            who = everyone.get(staff_id)
            roles = set(who.roles) if who is not None and who.status != staff.DISABLED else set()
            fitting = {staff.ADMINISTRATOR, *([staff.THERAPIST] if name == CLINICAL else [])}
            if not roles & fitting:
                pointer = f"/messaging/desks/{name}/staff_ids"
                detail = "Choose administrators; for clinical questions therapists, too."
                raise InvalidBody(errors=[{"pointer": pointer, "code": "cannot_answer", "detail": detail}])
    if desks:
        changes = {**changes, "desks": {**tenants.messaging(context.tenant)["desks"], **desks}}
    return changes
