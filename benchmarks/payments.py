"""From a webhook to the ledger and to everyone who is told: `python -m benchmarks.payments [payments]`.

First one payment step by step: round trips and units by AWS's rules (benchmarks/meter.py), and requests to Stripe; then
what adding to a ledger costs after a past of 10 and of 1,000 entries, a refund of what was settled long ago, and a look
at that invoice with its history.
Then a burst: so many payments (250 unless said otherwise) of fifty clients are paid while webhooks are held back, four
webhooks each, some twice and none in order; then all are let go at once. Shown: how long it took until every ledger had
its entry and everyone was told, through the local queue; and that nothing was lost and nothing is there twice.
"""

import logging
import sys
import time
from collections import Counter
from typing import Any

from benchmarks import units
from benchmarks.meter import Cost, Meter

PAYMENTS, CLIENTS = 250, 50


def main() -> int:
    """Prints what it measures; 1 when anything was lost or doubled."""
    from infra.local import cloud

    count = int(sys.argv[1]) if len(sys.argv) > 1 else PAYMENTS
    units.PORT = units.free_port()
    cloud.environment(units.PORT)
    logging.disable(logging.INFO)
    portal, port = units.served()
    portal.reset()
    _steps(portal, port)
    _pasts(portal, port)
    return _burst(portal, port, count)


# ---- one payment ----


def _steps(portal: Any, port: int) -> None:
    from chalicelib.models.connection import client as table_client
    from infra.local import cloud, state, stripe_double
    from tests import billing
    from tests.calls import Caller

    table = state.backend("dynamodb").tables[cloud.PREFIX]
    meter = Meter(table_client(), lambda pk, sk: units._standing(table, pk, sk))
    admin, payer = Caller(port, portal.clock), Caller(port, portal.clock)
    admin.sign_in("A1")
    payer.sign_in("C1")
    billing.issued(admin, "C3")  # the very first invoice of an organization fixes its currency, too
    begun: dict[str, Any] = {}

    def step(name: str, work: Any) -> Any:
        asked = len(stripe_double.backend().requests)
        started = time.perf_counter()
        with meter.counting() as cost:
            found = work()
        _show(name, cost, len(stripe_double.backend().requests) - asked, time.perf_counter() - started)
        return found

    print(f"{'one payment':34}{'round trips':>12}{'read units':>12}{'write units':>12}{'Stripe':>8}{'ms':>8}")
    draft = step("draft", lambda: billing.draft(admin, "C1")).json
    bill = step("issue", lambda: billing.on(admin, "C1", draft["invoice_id"], "issue")).json
    begun = step("start", lambda: billing.start(payer, bill)).json
    billing.at_checkout(begun["address"])
    events, stripe_double.backend().pending = stripe_double.backend().pending, []
    for event in events:
        step(f"webhook {event['type'][:24]}", lambda e=event: stripe_double.post(e, portal.clock.now()))
    step("on_payment: all of them", lambda: portal.pump.invoke("on_payment"))
    step("the return page", lambda: payer.get(f"/portal/payments/{begun['payment_id']}"))
    step("on_mail: everyone", lambda: portal.pump.drain())
    meter.close()


def _show(name: str, cost: Cost, asked: int, seconds: float) -> None:
    print(f"{name:34}{len(cost.calls):>12}{cost.read:>12g}{cost.write:>12g}{asked:>8}{seconds * 1000:>8.0f}")


# ---- a long past ----


def _pasts(portal: Any, port: int) -> None:
    from chalicelib.models.connection import client as table_client
    from infra.local import cloud, state
    from tests.calls import PEOPLE, Caller

    table = state.backend("dynamodb").tables[cloud.PREFIX]
    meter = Meter(table_client(), lambda pk, sk: units._standing(table, pk, sk))
    print(f"\n{'a ledger of':34}{'round trips':>12}{'read units':>12}{'write units':>12}")
    for entries in (10, 1_000):
        portal.reset()
        _past(PEOPLE["C1"].id, entries)
        _added(Caller(port, portal.clock), meter, f"{entries:,} entries")
    meter.close()


def _added(admin: Any, meter: Meter, past: str) -> None:
    """Issue an invoice, take cash for it, give some of that back once all of it is at rest, and look at it."""
    from tests import billing
    from tests.calls import PEOPLE

    admin.sign_in("A1")
    billing.issued(admin, "C3")
    draft = billing.draft(admin, "C1").json["invoice_id"]
    cash = {"method": "cash", "amount": 12_000, "shares": [{"invoice_id": draft, "amount": 12_000}]}

    def step(name: str, work: Any) -> Any:
        with meter.counting() as cost:
            answer = work()
        assert answer.status // 100 == 2, answer
        print(f"{f'{past}: {name}':34}{len(cost.calls):>12}{cost.read:>12g}{cost.write:>12g}")
        return answer.json

    step("issue", lambda: billing.on(admin, "C1", draft, "issue"))
    came = step("cash", lambda: admin.post(f"/practice/clients/{PEOPLE['C1'].id}/payments", cash))
    step("refund what was at rest", lambda: billing.refund(admin, "C1", came, 100, etag=came["etag"]))
    shown = step("look", lambda: admin.get(f"/practice/clients/{PEOPLE['C1'].id}/invoices/{draft}"))
    assert len(shown["history"]) == 2, shown


def _past(client_id: str, entries: int) -> None:
    """So many entries of a client, each pair an invoice and the cash that paid it."""
    from chalicelib import clock
    from chalicelib.ledger.entries import Kind
    from chalicelib.services import books
    from infra.local import world

    tenant_id, at = world.tenant_id("oak"), clock.now()
    facts = []
    about: dict[str, Any] = {"amount": 12_000, "currency": "usd", "happened_at": at, "recorded_at": at, "by": "staff"}
    for number in range(entries // 2):
        invoice, payment = (world.fixed_id(f"{kind}{number:05d}") for kind in "HM")
        ids = [books.id_of(kind, f"{number}", at) for kind in (Kind.CHARGE, Kind.PAYMENT)]
        facts += [
            books.entry(tenant_id, client_id, Kind.CHARGE, ids[0], **about, invoice_id=invoice),
            books.entry(
                tenant_id, client_id, Kind.PAYMENT, ids[1], **about, payment_id=payment, shares=[[invoice, 12_000]]
            ),
        ]
    for first in range(0, len(facts), 90):
        books.post(tenant_id, client_id, at, lambda _, some=facts[first : first + 90]: books.Posting(some))


# ---- many at once ----


def _burst(portal: Any, port: int, count: int) -> int:
    from infra.local import stripe_double, world

    tenant = world.tenant_id("oak")
    people = _people(tenant)
    stripe_double.lever({"hold": True, "copies": 1}, portal.clock.now())
    for number in range(count):
        payment = _begun(tenant, people[number % len(people)])
        backend = stripe_double.backend()
        session = backend.book(payment.account).objects[payment.session_id]
        stripe_double.pay(session, "4242424242424242", portal.clock.now())
    pending = stripe_double.backend().pending
    pending += pending[:: max(1, len(pending) // 50)]  # some come twice
    webhooks = len(pending)
    stripe_double.lever({"shuffle": True, "hold": False}, portal.clock.now())
    began = time.perf_counter()
    while stripe_double.backend().pending:
        stripe_double.deliver(portal.clock.now())
    taken = time.perf_counter() - began
    done = portal.pump.drain()
    settled = time.perf_counter() - began
    return _judge(tenant, people, count, webhooks, taken, settled, done)


def _people(tenant: str) -> list[str]:
    from chalicelib.services import clients
    from infra.local import world

    made = []
    for number in range(CLIENTS):
        client_id = world.fixed_id(f"PAY{number:03d}")
        clients.create(tenant, client_id=client_id, legal_name="Extra Person", email=f"pay{number}@mail.example")
        made.append(client_id)
    return made


def _begun(tenant: str, client_id: str) -> Any:
    """An invoice that somebody is about to pay."""
    from chalicelib import clock
    from chalicelib.context import Actor, Context, Persona
    from chalicelib.models.clients import Client
    from chalicelib.models.table import load
    from chalicelib.models.tenants import Tenant
    from chalicelib.services import invoices, payments

    place = {"tenant_id": tenant, "client_id": client_id}
    record, client = load((Tenant, place), (Client, place))
    context = Context(
        tenant, Actor("system", "benchmark"), clock.now(), Persona.JOBS, tenant=record, client=client
    )  # fmt: skip
    line = {"description": "Session", "quantity": 1, "amount": 12_000, "insurance": 0, "taxed": False}
    line |= {"service_on": None, "code": None, "therapist": None, "appointment_id": None}
    draft = invoices.create(context, invoices.INVOICE, {"lines": [line]})
    context.named = {"invoice_id": draft}
    return payments.start(context, [(invoices.issue(context).invoice_id, None)])


def _judge(
    tenant: str, people: list[str], count: int, webhooks: int, taken: float, settled: float, done: dict[str, Any]
) -> int:
    from chalicelib.models.notifications import Notification
    from chalicelib.services import books, staff

    entries: Counter[str] = Counter()
    for client_id in people:
        entries.update(each.entry for each in books.read(tenant, client_id).entries)
    told = [
        sum(
            1
            for each in Notification.every(Notification.KEY, tenant_id=tenant, staff_id=who.staff_id)
            if each.about == "payment_received" and each.client_id in people
        )
        for who in staff.everyone(tenant)
        if "administrator" in who.roles
    ]
    good = entries["payment"] == count and set(told) == {count} and not done["dead"] and done["quiet"]
    print(f"\n{webhooks} webhooks of {count} payments in a burst, shuffled, some twice:")
    print(f"  taken and queued   {taken:8.1f} s   {webhooks / taken:8.0f} a second")
    print(f"  booked, all told   {settled:8.1f} s   {webhooks / settled:8.0f} a second")
    print(f"  entries of payments {entries['payment']}, notices per administrator {told}, dead letters {done['dead']}")
    print("  nothing lost, nothing twice" if good else "  LOST OR DOUBLED")
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
