"""Plan, seats and the bill: changes are kept with their time, and the bill of any month is computed from them.

The rule (DOMAIN.md 2.3 has a price per seat and month, and the first one free; it is silent on changes in a month):

* Days are whole days of the organization's own zone. What was so at any moment of a day counts for that day: a seat
  from the day it is added through the day it is given up; on a day with two plans, the dearer one.
* A day costs its share of the month: price / days of the month. Each line is rounded once, half a cent up.
* On every day the seat that has been held longest is free.
* Days on trial, and days on which the organization was suspended throughout, cost nothing.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from chalicelib import clock, ids
from chalicelib.context import Context
from chalicelib.errors import AlreadyOnPlan, NotAdministrable, NotFound, Stale
from chalicelib.models.staff import Staff
from chalicelib.models.subscriptions import SubscriptionChange
from chalicelib.models.tenants import Tenant
from chalicelib.models.transaction import Moved, Transaction, settled
from chalicelib.policies.plans import FREE_SEATS, PLANS, PRICES, STANDINGS, Feature, Standing, standing
from chalicelib.services import audits, tenants

PLAN, STANDING, SEAT = "plan", "standing", "seat"
ON, OFF = "on", "off"


class Line(NamedTuple):
    """One line of a month's bill; `about` is a plan or a staff id, `amount` in minor units of plans.CURRENCY."""

    what: str
    about: str
    days: int
    free_days: int
    price: int  # of a whole month, newest
    amount: int


class Month(NamedTuple):
    """A month's bill: up to today, and as it will be if nothing changes."""

    first: date
    days: int
    until: date
    so_far: list[Line]
    expected: list[Line]


def changed(
    tenant_id: str,
    at: datetime,
    what: str,
    value: str,
    *,
    by: str,
    staff_id: str | None = None,
    until: str | None = None,
    first: bool = False,
) -> SubscriptionChange:
    """The record of a change, for its transaction. `first`: of the organization's opening, the same if made again."""
    epoch = datetime.fromtimestamp(0, at.tzinfo)
    made = ids.derived_id("opening", tenant_id, what, at=epoch) if first else ids.new_id(at)
    return SubscriptionChange.new(
        tenant_id=tenant_id,
        change_id=made,
        happened_at=clock.text(at),
        what=what,
        value=value,
        until=until,
        staff_id=staff_id,
        by=by,
    )


def changes(tenant_id: str) -> list[SubscriptionChange]:
    """Every change, oldest first; an organization has a few a year."""
    return sorted(
        SubscriptionChange.every(SubscriptionChange.KEY, tenant_id=tenant_id, consistent=True),
        key=lambda each: (str(each.happened_at), str(each.change_id)),
    )


# ---- the bill ----


def month(tenant: Tenant, now: datetime) -> Month:
    """The bill of the month that it is now in the organization's zone."""
    zone = ZoneInfo(tenant.zone)
    today = now.astimezone(zone).date()
    first = today.replace(day=1)
    days = ((first + timedelta(days=32)).replace(day=1) - first).days
    known = changes(tenant.tenant_id)
    return Month(first, days, today, bill(known, first, days, today.day, zone), bill(known, first, days, days, zone))


def bill(known: Iterable[SubscriptionChange], first: date, days: int, through: int, zone: ZoneInfo) -> list[Line]:
    """The lines of the first `through` days of the month of `days` days that begins with `first`."""
    known = list(known)
    tally: dict[tuple[str, str], list[int]] = {}  # → days, free days, price × days, newest price

    def count(what: str, about: str, price: int, free: bool) -> None:
        line = tally.setdefault((what, about), [0, 0, 0, 0])
        line[0] += 1
        line[1] += free
        line[2] += 0 if free else price
        line[3] = price

    for number in range(through):
        plans, billed, seats = _day(known, first + timedelta(days=number), zone)
        if not billed or not plans:
            continue
        plan = max(plans, key=lambda each: PRICES[each].organization)
        count(PLAN, plan, PRICES[plan].organization, False)
        for place, staff_id in enumerate(seats):
            count(SEAT, staff_id, PRICES[plan].seat, place < FREE_SEATS)
    return [
        Line(what, about, line[0], line[1], line[3], (2 * line[2] + days) // (2 * days))
        for (what, about), line in tally.items()
    ]


def _day(known: list[SubscriptionChange], day: date, zone: ZoneInfo) -> tuple[set[str], bool, list[str]]:
    """The plans of a day, whether it is billed, and who held a seat, the longest holder first."""
    begins = clock.text(datetime(day.year, day.month, day.day, tzinfo=zone))
    after = day + timedelta(days=1)
    ends = clock.text(datetime(after.year, after.month, after.day, tzinfo=zone))
    plan: set[str] = set()
    billed = False
    since: dict[str, str] = {}
    held: dict[str, str] = {}
    for each in known:
        if each.happened_at >= ends:
            break
        before = each.happened_at < begins
        if each.what == PLAN:
            plan = {each.value} if before else plan | {each.value}
        elif each.what == STANDING:
            counts = STANDINGS[standing(each.value, each.until, begins)].billed
            billed = counts if before else billed or counts
        elif each.value == ON:
            since.setdefault(str(each.staff_id), str(each.happened_at))
            held |= {str(each.staff_id): since[str(each.staff_id)]}
        else:
            since.pop(str(each.staff_id), None)
            if before:
                held.pop(str(each.staff_id), None)
    return {each for each in plan if each in PRICES}, billed, sorted(held, key=lambda who: (held[who], who))


# ---- changing it ----


def stops(tenant: Tenant, plan: str) -> list[Feature]:
    """The features that are switched on now and that `plan` does not include: what changing to it stops."""
    on = tenants.setting(tenant, "features")
    return [each for each in Feature if on.get(each) and each in PLANS.get(tenant.plan, ()) and each not in PLANS[plan]]


def set_plan(context: Context, plan: str) -> Tenant:
    """Change to another plan, at once. Nothing is lost by it: switches keep their place and are on again when the plan
    includes them again; what is on record stays readable. Raises AlreadyOnPlan, Stale."""
    tenant: Tenant = context.tenant
    if tenant.plan == plan:
        raise AlreadyOnPlan()
    with Transaction() as tx:
        tx.update(
            tenant,
            Tenant.plan.set(plan),
            Tenant.version.add(1),
            when=(Tenant.version == context.if_match) & (Tenant.plan == tenant.plan),
            otherwise=Stale(),
        )
        tx.create(changed(tenant.tenant_id, context.now, PLAN, plan, by=context.actor.id))
        tx.create(audits.event(context, "subscription:update", plan=plan))
    tenant.plan, tenant.version = plan, int(tenant.version) + 1
    return tenant


def set_seat(context: Context, staff_id: str, on: bool) -> Staff:
    """Give someone a portal seat, or end it, from the next request on (DOMAIN.md 2.3); what they have on record stays.

    Doing it again changes nothing. Raises NotFound, NotAdministrable (someone who is disabled gets none), Busy.
    """
    return settled(lambda: _set_seat(context, staff_id, on))


def _set_seat(context: Context, staff_id: str, on: bool) -> Staff:
    member = Staff.find(tenant_id=context.tenant_id, staff_id=staff_id)
    if member is None:
        raise NotFound()
    if on and member.status == "disabled":
        raise NotAdministrable()
    if bool(member.seat) == on:
        return member
    with Transaction() as tx:
        tx.update(
            member,
            Staff.seat.set(on),
            Staff.version.add(1),
            when=(Staff.version == member.version) & (Staff.seat == (not on)),
            otherwise=Moved(),
        )
        # Someone who has not joined yet uses no seat: theirs begins when they do.
        if member.status == "active":
            tx.create(seat_changed(member, context.now, on, by=context.actor.id))
        tx.create(audits.event(context, "subscription:update", staff_id=staff_id, seat=ON if on else OFF))
    member.seat, member.version = on, int(member.version) + 1
    return member


def seat_changed(member: Staff, at: datetime, on: bool, *, by: str) -> SubscriptionChange:
    """The record of a seat given or ended, for the transaction that does it."""
    return changed(member.tenant_id, at, SEAT, ON if on else OFF, by=by, staff_id=member.staff_id)


def opening(tenant: Tenant, at: datetime, *, by: str) -> list[SubscriptionChange]:
    """What an organization begins with, for the transaction that opens it."""
    return [
        changed(tenant.tenant_id, at, PLAN, tenant.plan, by=by, first=True),
        changed(tenant.tenant_id, at, STANDING, tenant.status, by=by, until=tenant.trial_ends_at, first=True),
    ]


def set_standing(tenant: Tenant, status: Standing, at: datetime, *, by: str, until: str | None = None) -> None:
    """Activate, suspend or put on trial until then (for operators)."""
    with Transaction() as tx:
        tx.update(
            tenant,
            Tenant.status.set(status),
            Tenant.trial_ends_at.set(until) if until else Tenant.trial_ends_at.remove(),
            Tenant.version.add(1),
            when=Tenant.version == tenant.version,
            otherwise=Stale(),
        )
        tx.create(changed(tenant.tenant_id, at, STANDING, status, by=by, until=until))
