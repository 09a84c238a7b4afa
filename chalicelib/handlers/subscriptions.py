"""Organization > Client Portal > Subscription: the plan, the seats, and what they cost."""

from typing import Literal

from chalicelib.context import Context
from chalicelib.handlers.routing import PRACTICE, Routes
from chalicelib.handlers.tenants import StandingView, standing_view
from chalicelib.handlers.views import Body, Money, View
from chalicelib.models.tenants import Tenant
from chalicelib.policies.plans import CURRENCY, FREE_SEATS, PLANS, PRICES
from chalicelib.services import sessions, staff, subscriptions

practice = Routes(__name__, PRACTICE, "/practice")


class PlanView(View):
    """A plan: what it includes, what it costs a month, and what changing to it would stop."""

    plan: str
    features: list[str]
    price: Money
    price_per_seat: Money
    current: bool
    stops: list[str]


class SeatView(View):
    """A staff member, and whether they have a portal seat."""

    staff_id: str
    name: str
    status: Literal["invited", "active", "disabled"]
    roles: list[str]
    seat: bool


class BillLine(View):
    """One line. `name` is a plan or a staff member; `price` is a whole month's. `days` are those that count."""

    what: Literal["plan", "seat"]
    name: str
    days: int
    free_days: int
    price: Money
    amount: Money


class Bill(View):
    """The month that it is now, up to today and as it will be if nothing changes (the rule: services.subscriptions)."""

    month: str
    days: int
    until: str
    so_far: list[BillLine]
    expected: list[BillLine]
    total_so_far: Money
    total_expected: Money


class SubscriptionView(View):
    """Plan, seats and bill. `etag` goes back in If-Match to change the plan."""

    etag: str
    plan: str
    standing: StandingView
    plans: list[PlanView]
    free_seats: int
    seats: list[SeatView]
    bill: Bill


class PlanChange(Body):
    """The plan to change to."""

    plan: Literal["basic", "plus"]


class SeatChange(Body):
    """Whether this person is to have a seat."""

    seat: bool


@practice.endpoint("GET", "/subscription", action="subscription:read")
def read_subscription(context: Context) -> SubscriptionView:
    """Subscription: the plan, who has a seat, and this month's bill"""
    return _view(context)


@practice.endpoint(
    "POST",
    "/subscription/plan",
    action="subscription:update",
    body=PlanChange,
    if_match=True,
    proof=sessions.RECENT,
)
def change_plan(context: Context, body: PlanChange) -> SubscriptionView:
    """Change to another plan, at once; nothing that is on record is lost"""
    subscriptions.set_plan(context, body.plan)
    return _view(context)


@practice.endpoint(
    "POST",
    "/staff/{staff_id}/seat",
    action="subscription:update",
    body=SeatChange,
    proof=sessions.RECENT,
)
def change_seat(context: Context, staff_id: str, body: SeatChange) -> SubscriptionView:
    """Give a staff member a portal seat, or end it"""
    changed = subscriptions.set_seat(context, staff_id, body.seat)
    return _view(context, {staff_id: bool(changed.seat)})


def _money(amount: int) -> Money:
    return Money(amount=amount, currency=CURRENCY)


def _view(context: Context, changed: dict[str, bool] | None = None) -> SubscriptionView:
    """`changed`: seats that the list of the staff, which may be a moment old, does not show yet."""
    tenant: Tenant = context.tenant
    members = sorted(staff.everyone(context.tenant_id), key=lambda each: str(each.name).casefold())
    names = {str(each.staff_id): staff.shown(each) for each in members}
    known = changed or {}
    return SubscriptionView(
        etag=str(int(tenant.version)),
        plan=tenant.plan,
        standing=standing_view(tenant),
        plans=[_plan(tenant, plan) for plan in PLANS],
        free_seats=FREE_SEATS,
        seats=[
            SeatView(
                staff_id=each.staff_id,
                name=names[each.staff_id],
                status=each.status,
                roles=sorted(each.roles),
                seat=known.get(each.staff_id, bool(each.seat)),
            )
            for each in members
            if each.status != staff.DISABLED
        ],
        bill=_bill(context, names),
    )


def _plan(tenant: Tenant, plan: str) -> PlanView:
    price = PRICES[plan]
    return PlanView(
        plan=plan,
        features=sorted(PLANS[plan]),
        price=_money(price.organization),
        price_per_seat=_money(price.seat),
        current=tenant.plan == plan,
        stops=[] if tenant.plan == plan else list(subscriptions.stops(tenant, plan)),
    )


def _bill(context: Context, names: dict[str, str]) -> Bill:
    month = subscriptions.month(context.tenant, context.now)

    def lines(of: list[subscriptions.Line]) -> list[BillLine]:
        return [
            BillLine(
                what=each.what,
                name=names.get(each.about, each.about),
                days=each.days,
                free_days=each.free_days,
                price=_money(each.price),
                amount=_money(each.amount),
            )
            for each in of
        ]

    return Bill(
        month=f"{month.first:%Y-%m}",
        days=month.days,
        until=month.until.isoformat(),
        so_far=lines(month.so_far),
        expected=lines(month.expected),
        total_so_far=_money(sum(each.amount for each in month.so_far)),
        total_expected=_money(sum(each.amount for each in month.expected)),
    )
