"""Paying: invoice, pay, ledger, notification, receipt, and everything that can come between (DOMAIN.md 7)."""

import random
import re
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.adapters import secrets
from chalicelib.config import settings
from chalicelib.services import settlement
from infra.local import stripe_double
from tests import billing, flows
from tests.billing import at_checkout, facts, intent_of, invoice, issued, lever, notices, paid, start, told
from tests.calls import PEOPLE, Caller
from tests.conftest import World

Call = Callable[..., Caller]


def test_a_key_that_was_replaced_is_read_anew(call: Call) -> None:
    """A function holds the platform's key for minutes."""
    admin, client = call("A1"), call("C1")
    bill = issued(admin, "C1")
    secrets._stripe[settings.stripe_secret_name] = (time.monotonic(), {"key": "sk_test_of_yesterday"})
    assert start(client, bill).code == "processor_unavailable"
    assert start(client, bill).status == 201


def test_invoice_pay_ledger_notification_receipt(world: World, call: Call, canaries: Any) -> None:
    """The whole of it, once: numbers, amounts, who is told, what is printed; and of whom and for what nothing stands in
    any request to Stripe, log, queue, key, address or mail (the fixture looks after every test)."""
    canaries.add("Individual session", "F41.1", "90834")
    admin, client = call("A1"), call("C1")
    bill = issued(
        admin, "C1", billing.line(12_000, insurance=4_000, code="90834"), billing.line(3_000), diagnoses=["F41.1"]
    )
    assert (bill["number"], bill["status"], bill["due"]["amount"]) == (1001, "open", 11_000)
    started = start(client, bill)
    assert started.status == 201, started
    assert (started.json["status"], started.json["amount"]["amount"]) == ("open", 11_000), started.json
    assert invoice(client, bill["invoice_id"])["paying"] is True
    status, back = at_checkout(started.json["address"])
    assert (status, back) == (303, f"http://localhost:{client.port}/pay/done/{started.json['payment_id']}")
    payment = client.get(f"/portal/payments/{started.json['payment_id']}")
    assert payment.json["status"] == "open"  # the return page proves nothing
    told(client)
    payment = client.get(f"/portal/payments/{started.json['payment_id']}").json
    assert (payment["status"], payment["card"]["last4"], payment["address"]) == ("succeeded", "4242", None)
    after = invoice(client, bill["invoice_id"])
    assert (after["status"], after["due"]["amount"], after["settled"]["amount"]) == ("paid", 0, 11_000)
    assert after["paying"] is False
    assert facts(admin, "C1") == [("charge", 11_000), ("payment", 11_000)]
    for staff in ("A1", "A2", "T1", "T3"):
        (notice,) = notices(call(staff))
        assert (notice["amount"]["amount"], notice["payment_id"]) == (11_000, payment["payment_id"])
    for staff in ("T2", "T4"):
        assert notices(call(staff)) == []
    client.drain()
    for staff in ("A1", "A2", "T1", "T3"):
        (mail,) = [each for each in client.outbox(PEOPLE[staff].email) if "payment" in each["text"]]
        assert "110" not in re.sub(r"http\S+", "", mail["text"])  # the portal's own port may have these digits
    (mail,) = [each for each in client.outbox(PEOPLE["C1"].email) if "payment" in each["subject"]]
    assert "110.00" not in mail["text"]
    assert client.get("/portal/payments").json["items"][0]["payment_id"] == payment["payment_id"]
    asked = client.post("/portal/prints", {"what": "receipt", "payment_id": payment["payment_id"]})
    assert asked.status == 202, asked
    client.drain()
    ready = client.get(f"/portal/prints/{asked.json['sheet_id']}").json
    assert ready["status"] == "ready"
    sent = "\n".join(stripe_double.everything_sent())
    assert payment["payment_id"] in sent
    assert [
        word for word in ("Oak", "Priya", "Imogen", "session", "F41") if word in sent.replace("checkout/sessions", "")
    ] == []


# ---- what is paid ----


def test_a_part_of_one_and_several_whole(world: World, call: Call) -> None:
    admin, client = call("A1"), call("C1")
    one, two = issued(admin, "C1", billing.line(10_000)), issued(admin, "C1", billing.line(7_000))
    assert two["number"] == one["number"] + 1
    assert start(client, one, amount=10_001).code == "amount_too_large"
    assert start(client, one, amount=499).code == "amount_too_small"
    for wrong in (0, -1, "5000", 50.5, True, 10**12):
        assert start(client, one, amount=wrong).status == 422, wrong  # type: ignore[arg-type]
    several = {"invoices": [{"invoice_id": one["invoice_id"], "amount": 600}, {"invoice_id": two["invoice_id"]}]}
    assert client.post("/portal/payments", several).code == "amounts_fixed"
    paid(client, one, amount=4_000)
    assert invoice(client, one["invoice_id"])["due"]["amount"] == 6_000
    both = paid(client, one, two)
    assert [(each["number"], each["amount"]["amount"]) for each in both["shares"]] == [
        (one["number"], 6_000), (two["number"], 7_000),
    ]  # fmt: skip
    billing_page = client.get("/portal/billing").json
    assert (billing_page["balance"]["due"]["amount"], billing_page["open"]) == (0, [])
    assert start(client, one).code == "nothing_to_pay"


def test_more_than_a_card_pays_at_once_is_paid_in_steps(world: World, call: Call) -> None:
    """Stripe takes 999,999.99 at most: the page is told so, and nothing is asked of Stripe nor kept of the attempt."""
    admin, client = call("A1"), call("C1")
    one, two = issued(admin, "C1", billing.line(99_999_900)), issued(admin, "C1", billing.line(100))
    assert client.get("/portal/billing").json["most_by_card"] == {"amount": 99_999_999, "currency": "usd"}
    asked = len(stripe_double.backend().requests)
    refused = start(client, one, two)
    assert (refused.status, refused.code) == (409, "too_much_online")
    assert len(stripe_double.backend().requests) == asked
    assert [invoice(client, each["invoice_id"])["paying"] for each in (one, two)] == [False, False]
    credit = {"method": "cash", "amount": 1, "shares": [{"invoice_id": two["invoice_id"], "amount": 1}]}
    assert admin.post(f"/practice/clients/{PEOPLE['C1'].id}/payments", credit).status == 201
    assert paid(client, one, two)["amount"]["amount"] == 99_999_999


def test_nothing_is_left_that_no_card_could_pay(world: World, call: Call) -> None:
    """Stripe takes 50 cents at least: a part leaves that much or nothing, and the page is told the bounds; what is less
    already is not offered to be paid alone, and nothing of it is asked of Stripe."""
    admin, client, guest = call("A1"), call("C1"), call()
    bill = issued(admin, "C1", billing.line(10_000))
    seen = invoice(client, bill["invoice_id"])
    assert (seen["least"]["amount"], seen["most_partial"]["amount"], seen["enough_for_card"]) == (500, 9_950, True)
    assert start(client, bill, amount=9_951).code == "remainder_too_small"
    paid(client, bill, amount=9_950)
    rest = invoice(client, bill["invoice_id"])
    assert (rest["due"]["amount"], rest["least"]["amount"], rest["most_partial"]) == (50, 50, None)
    assert start(client, bill, amount=49).code == "amount_too_small"
    token = client.post(f"/portal/invoices/{bill['invoice_id']}/pay-link").json["address"].partition("#")[2]
    off = billing.on(admin, "C1", bill["invoice_id"], "write-off", {"amount": 1, "reason": "Rounding"})
    assert (off.json["due"]["amount"], off.json["enough_for_card"]) == (49, False)
    (row,) = client.get("/portal/billing").json["open"]
    assert (row["enough_for_card"], row["due"]["amount"], row["most_partial"]) == (False, 49, None)
    assert client.get("/portal/billing").json["least_by_card"]["amount"] == 50
    refused = start(client, bill)
    assert (refused.status, refused.code) == (409, "too_little_online")
    assert client.post(f"/portal/invoices/{bill['invoice_id']}/pay-link").code == "too_little_online"
    page = guest.post("/guest-payments/lookup", {"token": token}, key=None).json
    assert (page["state"], page["can_pay"], page["enough_for_card"]) == ("open", False, False)
    assert guest.post("/guest-payments", {"token": token}, key=None).code == "too_little_online"
    other = issued(admin, "C1", billing.line(1_000))
    assert paid(client, bill, other)["amount"]["amount"] == 1_049  # together it is enough
    small = issued(admin, "C1", billing.line(700))  # 500 at least, and 50 at least are left
    shown = invoice(client, small["invoice_id"])
    assert (shown["least"]["amount"], shown["most_partial"]["amount"]) == (500, 650)
    whole = issued(admin, "C1", billing.line(549))
    shown = invoice(client, whole["invoice_id"])
    assert (shown["least"]["amount"], shown["most_partial"]) == (549, None)


def test_what_cannot_be_paid(world: World, call: Call) -> None:
    """Void, draft, foreign, a colleague's, without the feature: each answer says no more than it must."""
    admin, client = call("A1"), call("C1")
    bill = issued(admin, "C1")
    draft = billing.draft(admin, "C1").json
    assert start(client, draft).code == "not_found"
    assert start(call("C2"), bill).code == "not_found"
    assert start(call("CB"), bill).code == "not_found"
    assert start(client, "01KF8DEM00000000000000ZZZZ").code == "not_found"
    assert client.get(f"/portal/invoices/{draft['invoice_id']}").code == "not_found"
    assert billing.on(admin, "C1", bill["invoice_id"], "void", {"reason": "Wrong person"}).json["status"] == "void"
    assert start(client, bill).code == "nothing_to_pay"
    open_one = issued(admin, "C1")
    settings = admin.get("/practice/settings").json
    off = admin.patch("/practice/settings", {"features": {"payments": False}}, etag=settings["etag"])
    assert off.status == 200, off
    assert start(client, open_one).code == "feature_switched_off"
    assert client.get("/portal/billing").json["why_not"] == "switched_off"
    assert client.get("/portal/invoices", query={"phase": "open"}).json["items"][0]["due"]["amount"] == 12_000


def test_twenty_starts_at_once_are_one_page(world: World, call: Call) -> None:
    bill = issued(call("A1"), "C1")
    client = call("C1")
    answers = flows.together(20, lambda _: start(client, bill))
    assert {each.status for each in answers} == {201}
    assert len({each.json["payment_id"] for each in answers}) == 1
    assert len({each.json["address"] for each in answers}) == 1
    made = [each for each in stripe_double.backend().books.values() for each in each.of("checkout.session")]
    assert len(made) == 1


def test_another_amount_closes_the_page_before(world: World, call: Call) -> None:
    bill, client = issued(call("A1"), "C1"), call("C1")
    first = start(client, bill).json
    second = start(client, bill, amount=5_000).json
    assert second["payment_id"] != first["payment_id"]
    assert at_checkout(first["address"])[0] == 410
    assert client.get(f"/portal/payments/{first['payment_id']}").json["status"] == "expired"
    assert at_checkout(second["address"])[0] == 303
    assert start(client, bill).code == "payment_under_way"  # paid, and not booked yet
    told(client)
    assert invoice(client, bill["invoice_id"])["due"]["amount"] == 7_000


def test_a_page_that_asks_for_more_than_is_due_is_closed(world: World, call: Call) -> None:
    """Voided, paid at the desk, written off, paid from credit: nobody pays there any more. A page for what is still due
    stays open. While Stripe is down nothing of this fails; the page is closed when it is back."""
    admin, client = call("A1"), call("C1")
    path = f"/practice/clients/{PEOPLE['C1'].id}/payments"

    def take(bill: dict[str, Any], amount: int) -> None:
        shares = [{"invoice_id": bill["invoice_id"], "amount": amount}]
        assert admin.post(path, {"method": "cash", "amount": amount, "shares": shares}).status == 201

    bill, part = issued(admin, "C1"), issued(admin, "C1", billing.line(9_000))
    lever(client, hold=True)  # Stripe's own word about the page is not needed
    both, kept = start(client, bill).json, start(client, part, amount=5_000).json
    take(part, 4_000)
    assert billing.on(admin, "C1", bill["invoice_id"], "void", {"reason": "Mistake"}).status == 200
    hidden = client.get(f"/portal/payments/{both['payment_id']}").json
    assert (hidden["status"], hidden["address"]) == ("open", None)
    told(client)
    assert at_checkout(both["address"])[0] == 410
    assert client.get(f"/portal/payments/{both['payment_id']}").json["status"] == "expired"
    assert client.get(f"/portal/payments/{kept['payment_id']}").json["status"] == "open"
    take(part, 1)  # 4 999 are due, and the page asks for 5 000
    lever(client, down=2)
    told(client)
    assert invoice(client, part["invoice_id"])["paying"] is True
    client.clock.advance(61)
    client.drain()
    assert at_checkout(kept["address"])[0] == 410
    assert invoice(client, part["invoice_id"])["paying"] is False
    for number, act in enumerate(
        (("write-off", {"amount": 1, "reason": "Rounding"}), ("adjustment", {"amount": -1, "reason": "x"}))
    ):
        page = start(client, part).json
        assert billing.on(admin, "C1", part["invoice_id"], *act).status == 200
        told(client)
        assert at_checkout(page["address"])[0] == 410, number
        ended = client.get(f"/portal/payments/{page['payment_id']}").json
        assert (page["closed"], ended["status"], ended["closed"]) == (False, "expired", True)
    assert [each for each, _ in facts(admin, "C1") if each == "payment"] == ["payment", "payment"]


def test_who_pays_while_it_is_voided_has_paid_or_has_not(world: World, call: Call) -> None:
    """The payer's click and the practice's at one moment: the page is closed and no money moved, or the money is
    credit. Of an attempt that is only starting, nobody is left with a page that works."""
    admin, client = call("A1"), call("C1")
    ends = set()
    for lead in range(4):
        bill = issued(admin, "C1", billing.line(1_000 + lead))
        started = start(client, bill).json
        acts: list[Callable[[], Any]] = [
            lambda bill=bill: billing.on(admin, "C1", bill["invoice_id"], "void", {"reason": "Mistake"}),  # type: ignore[misc]
            lambda started=started: at_checkout(started["address"]),  # type: ignore[misc]
            lambda: told(client),
        ]
        flows.together(3, lambda n, acts=acts, lead=lead: acts[(n + lead) % 3]())  # type: ignore[misc]
        told(client)
        end = client.get(f"/portal/payments/{started['payment_id']}").json["status"]
        paid_here = facts(admin, "C1").count(("payment", 1_000 + lead))
        assert (end, paid_here) in (("expired", 0), ("succeeded", 1))
        assert invoice(client, bill["invoice_id"])["paying"] is False
        assert at_checkout(started["address"])[0] == (410 if end == "expired" else 303)
        ends.add(end)
    books = billing.ledger(admin, "C1")
    came = sum(amount for kind, amount in facts(admin, "C1") if kind == "payment")
    assert (books["due"]["amount"], books["credit"]["amount"]) == (0, came)
    bill = issued(admin, "C1", billing.line(7_000))
    both = flows.together(
        2,
        lambda n: start(client, bill) if n else billing.on(admin, "C1", bill["invoice_id"], "void", {"reason": "x"}),
    )
    told(client)
    begun = next(each.json for each in both if each.json and "address" in each.json) if both[1].status == 201 else None
    assert both[0].status == 200, both
    assert begun is None or begun["address"] is None or at_checkout(begun["address"])[0] == 410
    assert invoice(client, bill["invoice_id"])["paying"] is False


def test_declined_cancelled_expired(world: World, call: Call) -> None:
    bill, client = issued(call("A1"), "C1"), call("C1")
    started = start(client, bill).json
    assert at_checkout(started["address"], billing.DECLINED)[0] == 200
    told(client)
    assert client.get(f"/portal/payments/{started['payment_id']}").json["status"] == "open"
    status, back = at_checkout(started["address"], act="cancel")
    assert (status, back.endswith("?cancelled=1")) == (303, True)
    gone = client.post(f"/portal/payments/{started['payment_id']}/cancellation")
    assert gone.json["status"] == "cancelled"
    assert invoice(client, bill["invoice_id"])["paying"] is False
    again = start(client, bill).json
    client.clock.advance(3_700)
    told(client)
    client.sign_in("C1")
    admin = call("A1")
    admin.sign_in("A1")
    assert client.get(f"/portal/payments/{again['payment_id']}").json["status"] == "expired"
    assert facts(admin, "C1") == [("charge", 12_000)]


def test_the_processor_is_down(world: World, call: Call) -> None:
    """Retryable, and no half state: the same request goes on where it stopped."""
    bill, client = issued(call("A1"), "C1"), call("C1")
    lever(client, down=2)  # the SDK tries twice
    refused = start(client, bill, key="pay-once-0001")
    assert (refused.status, refused.code) == (503, "processor_unavailable")
    again = start(client, bill, key="pay-once-0001")
    assert (again.status, again.json["status"]) == (201, "open")


# ---- what Stripe tells ----


def test_deliveries_twice_out_of_order_and_late(world: World, call: Call) -> None:
    admin, client = call("A1"), call("C1")
    bill = issued(admin, "C1")
    lever(client, copies=3, shuffle=True, hold=True)
    started = start(client, bill).json
    at_checkout(started["address"])
    intent = intent_of(started)
    lever(client, refund=intent, amount=2_000)
    lever(client, refund=intent, amount=1_000)
    lever(client, hold=False)
    told(client)
    assert sorted(facts(admin, "C1")) == [("charge", 12_000), ("payment", 12_000), ("refund", 1_000), ("refund", 2_000)]
    assert invoice(client, bill["invoice_id"])["due"]["amount"] == 3_000
    assert len(notices(admin)) == 1


def test_twenty_deliveries_at_once_are_one_entry_and_one_set_of_notices(world: World, call: Call) -> None:
    admin, client = call("A1"), call("C1")
    bill = issued(admin, "C1")
    lever(client, hold=True)
    started = start(client, bill).json
    at_checkout(started["address"])
    message = {
        "tenant_id": world.tenant_id("oak"), "kind": "intent", "account": "acct_oak_demo",
        "object_id": intent_of(started),
    }  # fmt: skip
    outcomes = flows.together(20, lambda _: _tried(settlement.work, message))
    assert "done" in outcomes
    settlement.work(message)
    lever(client, hold=False)
    told(client)
    assert facts(admin, "C1") == [("charge", 12_000), ("payment", 12_000)]
    for staff in ("A1", "A2", "T1", "T3"):
        assert len(notices(call(staff))) == 1
    client.drain()
    for staff in ("A1", "T1"):
        assert len([each for each in client.outbox(PEOPLE[staff].email) if "payment has arrived" in each["text"]]) == 1


def _tried(work: Callable[[Any], None], message: Any) -> str:
    try:
        work(message)
    except Exception as error:  # the queue would bring it again
        return type(error).__name__
    return "done"


def test_webhooks_that_are_not_stripes(world: World, call: Call) -> None:
    """Forged, altered, unsigned, replayed later, dated ahead, of an account that is nobody's, of live mode."""
    import json

    from infra.local.cloud import STRIPE_WEBHOOK_SECRET

    client = call("C1")
    now = client.clock.now()
    event = {
        "id": "evt_1", "account": "acct_oak_demo", "livemode": False, "type": "payment_intent.succeeded",
        "data": {"object": {"id": "pi_1"}},
    }  # fmt: skip
    body = json.dumps(event)
    good = stripe_double.signed(body, now)

    def post(text: str, signature: str | None) -> int:
        headers = {"Content-Type": "application/json"} | ({"Stripe-Signature": signature} if signature else {})
        return call().send("POST", "/api/webhooks/stripe", text.encode(), headers).status

    from datetime import timedelta

    assert post(body, good) == 204
    assert post(body, None) == 400
    assert post(body, "") == 400
    assert post(body + " ", good) == 400
    assert post(body, stripe_double.signed(body, now, "whsec_guess")) == 400
    assert post(body, stripe_double.signed(body, now - timedelta(seconds=330))) == 400
    assert post(body, stripe_double.signed(body, now + timedelta(seconds=330))) == 400
    assert post(body, stripe_double.signed(body, now + timedelta(seconds=240))) == 204
    assert post(body, good.replace("v1=", "v0=")) == 400
    assert post("nonsense", stripe_double.signed("nonsense", now)) == 400
    queued = len(_queued())
    for change in ({"account": "acct_nobodys"}, {"livemode": True}, {"account": None}, {"type": "plan.created"}):
        text = json.dumps(event | change)
        assert post(text, stripe_double.signed(text, now)) == 204
    assert len(_queued()) == queued
    assert STRIPE_WEBHOOK_SECRET


def _queued() -> list[Any]:
    from infra.local import cloud, state

    return list(state.backend("sqs").queues[f"{cloud.PREFIX}-payments"].messages)


def test_nothing_is_believed_without_a_secret(world: World, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_of_stripe", lambda: {"key": "sk_test", "webhook_secret": ""})
    body = "{}"
    for secret in ("", "None"):
        headers = {"Stripe-Signature": stripe_double.signed(body, call().clock.now(), secret or None)}
        assert call().send("POST", "/api/webhooks/stripe", body.encode(), headers).status == 400


def test_another_practice_cannot_pay_our_invoice_with_its_own_events(world: World, call: Call) -> None:
    """Genuine, signed, of a connected account, and it names our payment: nothing is booked (notes: security 44)."""
    bill, client = issued(call("A1"), "C1"), call("C1")
    started = start(client, bill).json
    ids = {"tenant": world.tenant_id("oak"), "client": world.id("C1"), "payment": started["payment_id"]}
    for account in ("acct_birch_demo", "acct_oak_demo"):  # our own account, too: our page did not make this intent
        backend = stripe_double.backend()
        book = backend.book(account)
        intent = stripe_double._keep(
            backend, book, "pi", "payment_intent", client.clock.now(),
            amount=12_000, amount_received=0, currency="usd", customer=None, metadata=ids,
            status="requires_payment_method", latest_charge=None, last_payment_error=None, payment_method=None,
        )  # fmt: skip
        card = {"card": {"brand": "visa", "last4": "4242", "exp_month": 1, "exp_year": 2030}, "id": "pm_x"}
        stripe_double._succeed(backend, account, intent, card, client.clock.now())
        told(client)
        assert facts(call("A1"), "C1") == [("charge", 12_000)]


def test_money_after_void_and_after_the_switch_is_off_is_booked(world: World, call: Call) -> None:
    admin, client = call("A1"), call("C1")
    bill = issued(admin, "C1")
    started = start(client, bill).json
    assert billing.on(admin, "C1", bill["invoice_id"], "void", {"reason": "Mistake"}).status == 200
    etag = admin.get("/practice/settings").json["etag"]
    assert admin.patch("/practice/settings", {"features": {"payments": False}}, etag=etag).status == 200
    at_checkout(started["address"])
    told(client)
    assert sorted(facts(admin, "C1")) == [("charge", 12_000), ("payment", 12_000), ("void", 12_000)]
    assert billing.ledger(admin, "C1")["credit"]["amount"] == 12_000
    next_bill = issued(admin, "C1", billing.line(5_000))
    assert (
        client.post(f"/portal/invoices/{next_bill['invoice_id']}/credit", {"amount": 5_001}).code == "amount_too_large"
    )
    used = client.post(f"/portal/invoices/{next_bill['invoice_id']}/credit", {"amount": 5_000})
    assert (used.json["status"], used.json["due"]["amount"]) == ("paid", 0)
    assert client.get("/portal/billing").json["balance"]["credit"]["amount"] == 7_000


def test_a_lost_webhook_is_made_up_for(world: World, call: Call) -> None:
    """Stripe never tells: the payment's own due time finds out."""
    bill, client = issued(call("A1"), "C1"), call("C1")
    started = start(client, bill).json
    at_checkout(started["address"])
    lever(client, forget=True)
    client.clock.advance(4 * 60)
    client.drain()
    assert invoice(client, bill["invoice_id"])["status"] == "paid"


# ---- what goes back ----


def test_refunds_from_the_portal_and_from_the_dashboard(world: World, call: Call) -> None:
    admin, client = call("A1"), call("C1")
    bill = issued(admin, "C1")
    payment = paid(client, bill)
    assert billing.refund(admin, "C1", payment, 12_001).code == "amount_too_large"
    path = f"/practice/clients/{PEOPLE['C1'].id}/payments/{payment['payment_id']}/refunds"
    assert admin.post(path, {"amount": 2_000, "reason": "x"}).code == "if_match_missing"
    seen = admin.get(path.removesuffix("/refunds")).json["etag"]
    asked = [billing.refund(admin, "C1", payment, 2_000, etag=seen, key="refund-0001") for _ in range(2)]
    assert [each.status for each in asked] == [202, 202]
    # Another click, or a colleague's, who had not seen the first: refused, before and after the first is booked.
    again = billing.refund(admin, "C1", payment, 2_000, etag=seen)
    assert (again.status, again.code) == (412, "stale")
    told(client)
    assert billing.refund(call("A2"), "C1", payment, 2_000, etag=asked[0].json["etag"]).code == "stale"
    lever(client, refund=intent_of(payment), amount=1_500)
    told(client)
    assert sorted(facts(admin, "C1")) == [("charge", 12_000), ("payment", 12_000), ("refund", 1_500), ("refund", 2_000)]
    found = {each["amount"]["amount"]: each for each in billing.ledger(admin, "C1")["items"]}
    assert (found[2_000]["reason"], found[2_000]["recorded_by"]) == ("Shorter session", PEOPLE["A1"].name)
    assert (found[1_500]["reason"], found[1_500]["recorded_by"]) == (None, "Stripe")
    client.clock.advance(3 * 86_400)  # by then Stripe has forgotten the key, and takes it for another refund
    stripe_double.backend().answers.clear()
    admin.sign_in("A1")
    late = billing.refund(admin, "C1", payment, 2_000, etag=seen, key="refund-0001")
    assert late.status == 202, late
    told(client)
    client.sign_in("C1")
    shown = client.get(f"/portal/payments/{payment['payment_id']}").json
    assert shown["refunded"]["amount"] == 3_500
    assert invoice(client, bill["invoice_id"])["due"]["amount"] == 3_500


def test_a_refund_whose_answer_was_lost_is_not_made_twice(world: World, call: Call) -> None:
    """Whoever asks anew, with another key and what they read since, is refused until the first one is booked. One that
    never reached Stripe stands in nobody's way."""
    admin, client = call("A1"), call("C1")
    payment = paid(client, issued(admin, "C1"))
    lever(client, hold=True)
    lever(client, lost=2)
    assert billing.refund(admin, "C1", payment, 3_000).code == "processor_unavailable"
    assert billing.refund(admin, "C1", payment, 3_000).code == "refund_under_way"
    admin.clock.advance(3 * 60)
    admin.drain()
    assert facts(admin, "C1").count(("refund", 3_000)) == 1
    lever(client, down=2)
    assert billing.refund(admin, "C1", payment, 400).code == "processor_unavailable"
    assert billing.refund(admin, "C1", payment, 500).status == 202
    lever(client, hold=False)
    told(client)
    assert sorted(amount for kind, amount in facts(admin, "C1") if kind == "refund") == [500, 3_000]


def test_a_refund_that_has_begun_is_the_only_one(world: World, call: Call) -> None:
    """Between the look at what Stripe has sent back and its answer: twenty who have read the payment by then ask for
    refunds of their own, and one gets it. What nobody asks for again is seen through by itself, and what Stripe refuses
    stands in nobody's way."""
    admin, client = call("A1"), call("C1")
    payment = paid(client, issued(admin, "C1"))
    path = f"/practice/clients/{PEOPLE['C1'].id}/payments/{payment['payment_id']}"

    def sent_back() -> list[int]:
        return [each["amount"] for each in stripe_double.backend().book("acct_oak_demo").of("refund")]

    lever(client, hold=True)
    seen = admin.get(path).json["etag"]
    lever(client, deaf=2)
    assert billing.refund(admin, "C1", payment, 3_000, etag=seen, key="refund-0001").code == "processor_unavailable"
    shown = admin.get(path).json
    assert (shown["refunding"]["amount"], shown["refunded"]["amount"]) == (3_000, 0)
    other = billing.refund(call("A2"), "C1", payment, 4_000)  # with the payment as it is now
    assert (other.status, other.code) == (409, "refund_under_way")
    assert billing.refund(admin, "C1", payment, 3_000, etag=seen, key="refund-0001").status == 202
    assert billing.refund(call("A2"), "C1", payment, 4_000).code == "refund_under_way"
    lever(client, hold=False)
    told(client)
    assert (sent_back(), admin.get(path).json["refunding"]["amount"]) == ([3_000], 0)
    lever(client, deaf=2)
    assert billing.refund(admin, "C1", payment, 1_000).code == "processor_unavailable"
    admin.clock.advance(3 * 60)
    admin.drain()
    assert facts(admin, "C1").count(("refund", 1_000)) == 1

    callers = [call(who) for who in ("A1", "A2")]
    asked = flows.together(20, lambda n: billing.refund(callers[n % 2], "C1", payment, (8_000, 2_500)[n // 2 % 2]))
    assert [each.status for each in asked].count(202) == 1, asked
    assert {each.code for each in asked} <= {None, "refund_under_way", "stale"}
    told(client)
    (won,) = [each.json["refunding"]["amount"] for each in asked if each.status == 202]
    assert sorted(sent_back()) == sorted([3_000, 1_000, won])
    rest = 12_000 - 4_000 - won
    if rest:
        assert billing.refund(admin, "C1", payment, rest + 1).code == "amount_too_large"
        assert billing.refund(admin, "C1", payment, rest).status == 202
        told(client)
    assert (sum(sent_back()), admin.get(path).json["refunded"]["amount"]) == (12_000, 12_000)

    other_one = paid(client, issued(admin, "C1"))
    lever(client, dispute=intent_of(other_one))
    lever(client, forget=True)  # Stripe knows of the dispute, and the ledger does not yet
    refused = [billing.refund(admin, "C1", other_one, 100, etag=other_one["etag"], key="refund-0002") for _ in range(2)]
    assert [each.code for each in refused] == ["not_refundable", "not_refundable"]
    other_path = path.replace(payment["payment_id"], other_one["payment_id"])
    assert admin.get(other_path).json["refund_failed"]["how"] == "not_made"
    assert billing.refund(admin, "C1", other_one, 100).code == "not_refundable"
    assert admin.get(other_path).json["refunding"]["amount"] == 0

    late = paid(client, issued(admin, "C1"))
    lever(client, deaf=1_000)
    asked_in_vain = {"etag": late["etag"], "key": "refund-0003"}
    assert billing.refund(admin, "C1", late, 700, **asked_in_vain).code == "processor_unavailable"
    admin.clock.advance(21 * 3_600)  # soon Stripe will take the same key for another refund
    lever(client, deaf=0)
    admin.drain()
    admin.sign_in("A1")
    assert billing.refund(admin, "C1", late, 700, **asked_in_vain).code == "not_refundable"
    assert 700 not in sent_back()
    assert billing.refund(admin, "C1", late, 800).status == 202


def test_a_refund_that_the_bank_returns(world: World, call: Call) -> None:
    """Weeks later, told in any order and number: the money is the practice's again, and whoever is told of money learns
    it once, at the top of what is new. It stands on the payment until another refund was made."""
    admin, client = call("A1"), call("C1")
    payment = paid(client, issued(admin, "C1"))
    path = f"/practice/clients/{PEOPLE['C1'].id}/payments/{payment['payment_id']}"
    assert billing.refund(admin, "C1", payment, 1_000).json["refund_failed"] is None
    told(client)
    assert billing.ledger(admin, "C1")["due"]["amount"] == 1_000
    (made,) = [each["id"] for each in stripe_double.backend().book("acct_oak_demo").of("refund")]
    client.drain()
    client.clock.advance(40 * 86_400)
    staff = {key: call(key) for key in _STAFF}
    for key, each in (*staff.items(), ("C1", client)):
        each.sign_in(key)
    admin = staff["A1"]
    _mute_refunds(staff["A2"])
    paid(client, issued(admin, "C1", billing.line(800)))
    client.clock.advance(60)
    lever(client, copies=3, shuffle=True)
    lever(client, fail_refund=made)
    told(client)
    lever(client, copies=1, shuffle=False)
    client.drain()
    assert billing.ledger(admin, "C1")["due"]["amount"] == 0
    assert [each for each, _ in facts(admin, "C1")].count("refund_failed") == 1
    failed = admin.get(path).json["refund_failed"]
    assert (failed["how"], failed["amount"]["amount"]) == ("returned", 1_000)
    _all_told_that_no_refund_came(1_000, payment, staff)
    assert admin.get("/practice/notifications").json["items"][0]["kind"] == "refund_failed"
    listed = admin.get(path.rpartition("/")[0]).json["items"]
    assert [each["refund_failed"] for each in listed if each["refund_failed"]] == [failed]
    assert "refund_failed" not in client.get(f"/portal/payments/{payment['payment_id']}").json

    assert billing.refund(admin, "C1", payment, 600).json["refund_failed"] is None
    told(client)
    seen = admin.get(path).json
    assert (seen["refund_failed"], seen["refunded"]["amount"]) == (None, 600)
    again = lever(client, refund=intent_of(payment), amount=400)  # nobody asked for it here: told all the same
    told(client)
    lever(client, fail_refund=again)
    told(client)
    assert admin.get(path).json["refund_failed"]["amount"]["amount"] == 400
    assert [each["amount"]["amount"] for each in notices(admin, "refund_failed")] == [400, 1_000]
    client.clock.advance(60)
    lever(client, refund=intent_of(payment), amount=300)  # somebody made it good, in Stripe's dashboard
    told(client)
    seen = admin.get(path).json
    assert (seen["refund_failed"], seen["refunded"]["amount"]) == (None, 900)


def test_a_refund_that_stripe_does_not_make_later(world: World, call: Call) -> None:
    """Who asked was told that it is under way, and went. When nothing goes back, whoever is told of money learns it
    once, however often it is looked at; what has gone back by another hand is booked, and hides nothing."""
    admin, client = call("A1"), call("C1")
    payment = paid(client, issued(admin, "C1"))
    path = f"/practice/clients/{PEOPLE['C1'].id}/payments/{payment['payment_id']}"
    lever(client, deaf=2)
    asked = {"etag": payment["etag"], "key": "refund-0001"}
    assert billing.refund(admin, "C1", payment, 8_000, **asked).code == "processor_unavailable"
    assert admin.get(path).json["refunding"]["amount"] == 8_000
    _mute_refunds(call("A2"))
    lever(client, refund=intent_of(payment), amount=5_000)  # in Stripe's dashboard: too little is left
    lever(client, forget=True)
    admin.clock.advance(3 * 60)
    admin.drain()
    message = {"tenant_id": world.tenant_id("oak"), "kind": "payment", "client_id": world.id("C1"),
               "payment_id": payment["payment_id"]}  # fmt: skip
    flows.together(4, lambda _: _tried(settlement.work, message))
    assert billing.refund(admin, "C1", payment, 8_000, **asked).code == "not_refundable"
    admin.drain()
    seen = admin.get(path).json
    assert (seen["refunding"]["amount"], seen["refunded"]["amount"]) == (0, 5_000)
    assert (seen["refund_failed"]["how"], seen["refund_failed"]["amount"]["amount"]) == ("not_made", 8_000)
    _all_told_that_no_refund_came(8_000, payment, {key: call(key) for key in _STAFF})

    lever(client, lost=2)
    assert billing.refund(admin, "C1", payment, 2_000).code == "processor_unavailable"
    assert admin.get(path).json["refund_failed"] is None  # another is under way
    admin.clock.advance(3 * 60)
    admin.drain()
    assert admin.get(path).json["refunded"]["amount"] == 7_000
    assert len(notices(admin, "refund_failed")) == 1


def test_a_refund_that_came_back_is_given_by_hand(world: World, call: Call) -> None:
    """The card is closed: a check is recorded at once, under the name of who gave it, and Stripe is asked for nothing.
    It is not taken for one of Stripe's refunds: the next one to the card is made, and the night finds no difference."""
    from chalicelib.services import reconciliations

    admin, client = call("A1"), call("C1")
    payment = paid(client, issued(admin, "C1"))
    path = f"/practice/clients/{PEOPLE['C1'].id}/payments/{payment['payment_id']}"

    def asked_of_stripe() -> int:
        sent = stripe_double.backend().requests
        return len([each for each in sent if (each["method"], each["path"]) == ("POST", "refunds")])

    assert billing.refund(admin, "C1", payment, 1_000, method="card").status == 202
    told(client)
    lever(client, fail_refund=stripe_double.backend().book("acct_oak_demo").of("refund")[0]["id"])
    told(client)
    seen = admin.get(path).json
    assert (seen["refund_failed"]["how"], seen["refunded"]["amount"], asked_of_stripe()) == ("returned", 0, 1)

    client.clock.advance(60)
    by_check = {"etag": seen["etag"], "key": "by-hand-0001", "method": "check", "reason": "The card is closed."}
    done = [billing.refund(admin, "C1", payment, 1_000, **by_check) for _ in range(2)]
    assert done[0].status == 202, done
    assert done[0].json == done[1].json
    now = done[0].json
    assert (now["refund_failed"], now["refunded"]["amount"], now["by_hand"]["amount"]) == (None, 1_000, 1_000)
    other = billing.refund(admin, "C1", payment, 1_000, **by_check | {"method": "cash"})
    assert other.code == "idempotency_key_reused"
    assert billing.refund(call("A2"), "C1", payment, 1_000, etag=seen["etag"], method="cash").code == "stale"
    (entry,) = [each for each in billing.ledger(admin, "C1")["items"] if each["method"] == "check"]
    assert (entry["entry"], entry["amount"]["amount"], entry["payment_id"]) == ("refund", 1_000, payment["payment_id"])
    assert (entry["reason"], entry["recorded_by"]) == ("The card is closed.", PEOPLE["A1"].name)
    settlement.look_at_payment(world.tenant_id("oak"), world.id("C1"), payment["payment_id"])
    assert admin.get(path).json == now  # what Stripe says changes nothing of it
    assert asked_of_stripe() == 1

    client.clock.advance(60)
    lever(client, hold=True)
    assert billing.refund(admin, "C1", payment, 2_000).status == 202  # the way it came
    assert billing.refund(admin, "C1", payment, 500, method="cash").code == "refund_under_way"
    lever(client, hold=False)
    told(client)
    client.clock.advance(60)
    assert billing.refund(admin, "C1", payment, 9_001, method="cash").code == "amount_too_large"
    assert billing.refund(admin, "C1", payment, 500, method="cash").json["by_hand"]["amount"] == 1_500
    mine = client.get(f"/portal/payments/{payment['payment_id']}").json
    assert (mine["refunded"]["amount"], mine["by_hand"]["amount"]) == (3_500, 1_500)
    steps = invoice(client, payment["shares"][0]["invoice_id"])["history"]
    assert [(each["kind"], each["method"]) for each in steps if each["kind"].startswith("refund")] == [
        ("refund", "card"), ("refund_failed", "card"), ("refund", "check"), ("refund", "card"), ("refund", "cash"),
    ]  # fmt: skip
    assert len(notices(admin, "refund_failed")) == 1  # of what staff give back nobody is told, as ever
    client.clock.advance(20 * 60)
    night = reconciliations.run(world.tenant_id("oak"))
    assert night is not None
    assert (night.difference, night.repaired, night.stripe_total, night.unmatched) == (0, 0, 10_000, [])


def test_nobody_has_money_of_a_card_twice(world: World, call: Call) -> None:
    """Before money is given by hand, what Stripe sent back or a bank took back must be booked. What happens at Stripe
    afterwards is booked all the same: to the cent, though more went back than came in."""
    from chalicelib.services import books, reconciliations

    admin, client = call("A1"), call("C1")
    payment = paid(client, issued(admin, "C1"))
    lever(client, refund=intent_of(payment), amount=4_000)
    lever(client, forget=True)
    assert billing.refund(admin, "C1", payment, 12_000, method="cash").code == "stale"
    told(client)  # it was looked at because of that
    assert billing.refund(admin, "C1", payment, 8_001, method="cash").code == "amount_too_large"
    disputed = paid(client, issued(admin, "C1", billing.line(6_000)))
    dispute = lever(client, dispute=intent_of(disputed))
    lever(client, forget=True)
    assert billing.refund(admin, "C1", disputed, 6_000, method="cash").code == "stale"
    told(client)
    assert billing.refund(admin, "C1", disputed, 1, method="cash").code == "amount_too_large"
    lever(client, close=dispute, won=True)
    told(client)

    lever(client, down=2)  # that cash was given is a fact, whether Stripe answers or not
    assert billing.refund(admin, "C1", payment, 8_000, method="cash").json["refunded"]["amount"] == 12_000
    assert billing.refund(admin, "C1", disputed, 6_000, method="other").json["refunded"]["amount"] == 6_000
    lever(client, refund=intent_of(payment), amount=5_000)
    lever(client, dispute=intent_of(disputed))
    told(client)
    for one in (payment, disputed):
        more = [billing.refund(admin, "C1", one, 1, method=way).code for way in ("card", "cash")]
        assert more == ["amount_too_large", "amount_too_large"]
    found = books.read(world.tenant_id("oak"), world.id("C1")).books
    kept = [found.receipt(each["payment_id"]).kept for each in (payment, disputed)]
    assert kept == [-5_000, -6_000]
    assert found.due - found.credit + found.debt == 18_000 - sum(kept)
    assert not books.differs(world.tenant_id("oak"), world.id("C1"))
    client.clock.advance(20 * 60)
    night = reconciliations.run(world.tenant_id("oak"))
    assert night is not None
    assert (night.difference, night.repaired, night.unmatched) == (0, 0, [])

    for key, each in (("A1", admin), ("C1", client)):
        each.sign_in(key)
    last = paid(client, issued(admin, "C1", billing.line(2_000)))
    lever(client, deauthorize="acct_oak_demo")
    told(client)
    assert billing.refund(admin, "C1", last, 700).code == "not_refundable"
    assert billing.refund(admin, "C1", last, 700, method="check").json["by_hand"]["amount"] == 700


def test_a_notice_that_was_still_to_be_written_before_an_update_is_written(world: World, call: Call) -> None:
    """Rows of before refunds were told of have three parts: such a payment could never be looked at again."""
    from chalicelib.models.payments import Payment
    from chalicelib.models.transaction import change

    admin, client = call("A1"), call("C1")
    made = paid(client, issued(admin, "C1"))
    about = {"tenant_id": world.tenant_id("oak"), "client_id": world.id("C1"), "payment_id": made["payment_id"]}
    row = ["payment_received", "an-earlier-cause", world.id("A1")]
    change(Payment.at(**about), Payment.telling.set([row]))
    settlement.look_at_payment(**about)
    assert len(notices(admin, "payment_received")) == 2
    (left,) = flows.stored("payment")
    assert left.get("telling") is None


def test_what_went_back_by_hand_is_known_after_an_update_was_taken_back(world: World, call: Call) -> None:
    """Functions of before it write a payment anew without what they do not know: the ledger knows it. Otherwise nothing
    could be given back any more, and all of it would be said to be on its way to the card."""
    from chalicelib.models.payments import Payment
    from chalicelib.models.transaction import change

    admin, client = call("A1"), call("C1")
    made = paid(client, issued(admin, "C1"))
    about = {"tenant_id": world.tenant_id("oak"), "client_id": world.id("C1"), "payment_id": made["payment_id"]}
    path = f"/practice/clients/{PEOPLE['C1'].id}/payments/{made['payment_id']}"
    assert billing.refund(admin, "C1", made, 1_000, method="check").status == 202
    for by_hand, method in ((1_000, "card"), (1_000, "cash")):
        change(Payment.at(**about), Payment.by_hand.remove())
        assert billing.refund(admin, "C1", made, 500, method=method).code == "stale"
        client.drain()
        assert admin.get(path).json["by_hand"]["amount"] == by_hand
        assert billing.refund(admin, "C1", made, 500, method=method).status == 202
        told(client)
    change(Payment.at(**about), Payment.by_hand.remove())
    lever(client, refund=intent_of(made), amount=700)
    told(client)
    seen = admin.get(path).json
    assert (seen["refunded"]["amount"], seen["by_hand"]["amount"]) == (2_700, 1_500)
    settlement.look_at_payment(**about)
    assert admin.get(path).json["etag"] == seen["etag"]


def _mute_refunds(staff: Caller) -> None:
    assert staff.api("PUT", "/practice/notification-choices", {"muted": ["refund_failed"]}).status == 200


_STAFF = ("A1", "A2", "T1", "T3", "T2", "T4")  # the last two are not assigned to C1


def _all_told_that_no_refund_came(amount: int, payment: dict[str, Any], staff: dict[str, Caller]) -> None:
    """Administrators and the therapists assigned, once in the app and, unless it is muted (A2), once by mail, which
    says nothing."""
    for key in _STAFF[:4]:
        (notice,) = notices(staff[key], "refund_failed")
        assert (notice["amount"]["amount"], notice["payment_id"]) == (amount, payment["payment_id"])
        mails = [each["text"] for each in staff[key].outbox(PEOPLE[key].email) if "refund" in each["text"]]
        assert len(mails) == (key != "A2")
        words = (*PEOPLE["C1"].name.split(), "$", f"{amount / 100:.2f}")
        assert not [word for text in mails for word in words if word in text]
    assert [notices(staff[key], "refund_failed") for key in _STAFF[4:]] == [[], []]


@pytest.mark.parametrize(("won", "due"), [(True, 0), (False, 12_000)])
def test_disputes(world: World, call: Call, won: bool, due: int) -> None:
    admin, client = call("A1"), call("C1")
    payment = paid(client, issued(admin, "C1"))
    dispute = lever(client, dispute=intent_of(payment))
    told(client)
    assert billing.ledger(admin, "C1")["due"]["amount"] == 12_000
    assert len(notices(admin, "payment_disputed")) == 1
    lever(client, close=dispute, won=won)
    told(client)
    assert billing.ledger(admin, "C1")["due"]["amount"] == due
    assert len(notices(admin, "payment_disputed")) == 1
    now = client.get(f"/portal/payments/{payment['payment_id']}").json
    assert (now["disputed"]["amount"], now["lost"]["amount"]) == (due, due)
    # the invoice itself says how it came to be due again, or not
    bill = invoice(client, payment["shares"][0]["invoice_id"])
    ended = [("dispute_won", -12_000)] if won else []
    steps = [(each["kind"], each["amount"]["amount"]) for each in bill["history"]]
    assert steps == [("payment", -12_000), ("dispute", 12_000), *ended]


def test_cash_and_checks(world: World, call: Call) -> None:
    admin, client = call("A1"), call("C1")
    bill = issued(admin, "C1")
    path = f"/practice/clients/{PEOPLE['C1'].id}/payments"
    cash = {"method": "cash", "amount": 15_000, "shares": [{"invoice_id": bill["invoice_id"], "amount": 12_000}]}
    made = [admin.post(path, cash, key="cash-000001") for _ in range(2)]
    assert made[0].json["payment_id"] == made[1].json["payment_id"]
    assert billing.ledger(admin, "C1")["credit"]["amount"] == 3_000
    assert notices(admin) == []  # it was no client's payment
    clicks = [billing.refund(admin, "C1", made[0].json, 1_500, etag=made[0].json["etag"]) for _ in range(2)]
    assert [each.code for each in clicks] == [None, "stale"]
    wrong = billing.refund(admin, "C1", made[0].json, 1_500, method="card")
    assert (wrong.status, wrong.json["errors"][0]["pointer"]) == (422, "/method")
    back = billing.refund(admin, "C1", made[0].json, 1_500, etag=clicks[0].json["etag"], method="check")
    assert back.status == 202, back
    went = [each["method"] for each in billing.ledger(admin, "C1")["items"] if each["entry"] == "refund"]
    assert went == ["check", "cash"]  # without a word it goes the way it came
    assert billing.ledger(admin, "C1")["credit"]["amount"] == 0
    two = issued(admin, "C1", billing.line(5_000))["invoice_id"]
    halves = [{"invoice_id": two, "amount": 2_000}, {"invoice_id": two, "amount": 3_000}]
    assert admin.post(path, {"method": "cash", "amount": 5_000, "shares": halves}).status == 201
    assert (billing.ledger(admin, "C1")["due"]["amount"], billing.ledger(admin, "C1")["credit"]["amount"]) == (0, 0)
    check = {"method": "check", "amount": 1_000, "received_on": "2099-01-01"}
    assert admin.post(path, check).status == 422
    assert client.get("/portal/payments").json["items"][0]["method"] == "cash"


# ---- cards, by itself, by others ----


def test_save_a_card_pay_by_it_and_have_it_pay_by_itself(world: World, call: Call) -> None:
    admin, client = call("A1"), call("C1")
    first = paid(client, issued(admin, "C1"), save_card=True)
    (card,) = client.get("/portal/cards").json["items"]
    assert (card["last4"], card["autopay"]) == ("4242", False)
    assert start(call("C3"), issued(admin, "C3"), card_id=card["card_id"]).code == "card_gone"
    by_card = start(client, issued(admin, "C1", billing.line(3_000)), card_id=card["card_id"])
    assert by_card.json["status"] == "processing"
    told(client)
    assert client.get(f"/portal/payments/{by_card.json['payment_id']}").json["status"] == "succeeded"
    assert client.api("PUT", "/portal/autopay", {"card_id": "pm_not_mine"}).code == "card_gone"
    of_client = f"/practice/clients/{world.id('C1')}/invoices"
    assert call("A1").get(of_client).json["autopay"] is None
    assert client.api("PUT", "/portal/autopay", {"card_id": card["card_id"]}).json["items"][0]["autopay"] is True
    assert call("A1").get(of_client).json["autopay"]["last4"] == "4242"
    bill = issued(admin, "C1", billing.line(4_000), due_on="2026-11-25")
    client.drain()
    assert [m for m in client.outbox(PEOPLE["C1"].email) if "will be charged" in m["subject"]]
    planned = invoice(client, bill["invoice_id"])["charged_at"]
    assert planned is not None
    stopped = client.delete("/portal/autopay")
    assert stopped.status == 204, stopped
    assert invoice(client, bill["invoice_id"])["charged_at"] is None  # nothing is announced that is not done
    client.api("PUT", "/portal/autopay", {"card_id": card["card_id"]})
    client.clock.advance(2 * 86_400)
    client.drain()
    client.sign_in("C1")
    assert invoice(client, bill["invoice_id"])["status"] == "open"  # the notice comes three days before
    client.clock.advance(3 * 86_400)
    client.drain()
    client.sign_in("C1")
    assert invoice(client, bill["invoice_id"])["status"] == "paid"
    gone = client.post("/portal/cards/removal", {"card_id": card["card_id"]})
    assert gone.json == {"items": [], "autopay_since": None}
    assert first["status"] == "succeeded"


def test_no_more_is_charged_by_itself_than_was_announced(world: World, call: Call) -> None:
    """An invoice that was raised after the notice: what was announced is charged, and the rest announced and charged
    then; one that was lowered: less; what is less than a card can pay: nothing. A new invoice has its own notice."""
    admin, client = call("A1"), call("C1")
    paid(client, issued(admin, "C1"), save_card=True)
    (card,) = client.get("/portal/cards").json["items"]
    client.api("PUT", "/portal/autopay", {"card_id": card["card_id"]})
    raised, lowered, waived = (issued(admin, "C1", billing.line(n * 1_000), due_on="2026-11-25") for n in (4, 5, 6))
    client.drain()

    def change(bill: dict[str, Any], amount: int) -> None:
        asked = {"amount": amount, "reason": "Corrected"}
        assert billing.on(admin, "C1", bill["invoice_id"], "adjustment", asked).status == 200

    change(raised, 300)  # a rest that is less than the least part, and enough for a card
    change(lowered, -1_000)
    change(waived, -5_960)
    shown = {each["number"]: each for each in client.get("/portal/billing").json["open"]}
    told_of = {
        n: (each["charged_amount"] and each["charged_amount"]["amount"], each["due"]["amount"])
        for n, each in shown.items()
    }
    assert told_of == {
        raised["number"]: (4_000, 4_300), lowered["number"]: (4_000, 4_000), waived["number"]: (None, 40),
    }  # fmt: skip
    client.clock.advance(3 * 86_400)
    admin.sign_in("A1")
    later = issued(admin, "C1", billing.line(7_000))
    client.clock.advance(2 * 86_400)
    client.drain()
    admin.sign_in("A1")
    client.sign_in("C1")
    came = [amount for kind, amount in facts(admin, "C1") if kind == "payment"]
    assert sorted(came) == [4_000, 4_000, 12_000]
    rest = invoice(client, raised["invoice_id"])
    assert (rest["due"]["amount"], rest["charged_amount"]["amount"]) == (300, 300)
    assert rest["charged_at"] > invoice(client, lowered["invoice_id"])["due_on"]
    assert invoice(client, waived["invoice_id"])["charged_at"] is None
    assert invoice(client, later["invoice_id"])["charged_amount"]["amount"] == 7_000
    notices = [m for m in client.outbox(PEOPLE["C1"].email) if "will be charged" in m["subject"]]
    assert len(notices) == 5  # the three, the new one, and the rest of the first
    client.clock.advance(40 * 86_400)
    client.drain()
    admin.sign_in("A1")
    came = [amount for kind, amount in facts(admin, "C1") if kind == "payment"]
    assert sorted(came) == [300, 4_000, 4_000, 7_000, 12_000]
    assert [m for m in client.outbox(PEOPLE["C1"].email) if "could not be charged" in m["subject"]] == []


def _with_card(admin: Any, client: Any) -> str:
    paid(client, issued(admin, "C1"), save_card=True)
    (card,) = client.get("/portal/cards").json["items"]
    return str(card["card_id"])


def test_a_charge_that_died_is_not_made_of_what_is_due_no_more(world: World, call: Call) -> None:
    """Nobody knows whether Stripe was asked to charge a card when its invoice is voided or paid at the desk. If it was
    not, it is not any more, whoever asks again; if it was, the money is booked, and credit."""
    admin, client = call("A1"), call("C1")
    card = _with_card(admin, client)
    lever(client, hold=True, forget=True)  # Stripe's own word comes late
    take = f"/practice/clients/{PEOPLE['C1'].id}/payments"

    def desk(bill: dict[str, Any]) -> Any:
        shares = [{"invoice_id": bill["invoice_id"], "amount": 1}]
        return admin.post(take, {"method": "cash", "amount": 1, "shares": shares})

    def void(bill: dict[str, Any]) -> Any:
        return billing.on(admin, "C1", bill["invoice_id"], "void", {"reason": "Mistake"})

    dead: dict[int, dict[str, Any]] = {}
    for amount, how, act in (
        (3_001, "down", void),
        (3_002, "lost", void),
        (3_003, "down", desk),
        (3_004, "lost", desk),
    ):
        bill = dead[amount] = issued(admin, "C1", billing.line(amount))
        lever(client, **{how: 2})
        assert start(client, bill, card_id=card, key=f"the-same-{amount}").code == "processor_unavailable"
        assert invoice(client, bill["invoice_id"])["paying"] is True
        lever(client, down=2)  # nor is it reached when the reason is gone
        assert act(bill).status in (200, 201)
        _tried(lambda _: client.drain(), None)
        lever(client, down=0)
    again = start(client, dead[3_001], card_id=card, key="the-same-3001")
    assert (again.status, again.json["status"]) == (201, "expired")
    client.clock.advance(61)
    client.drain()
    client.clock.advance(240)
    client.drain()
    admin.sign_in("A1")
    client.sign_in("C1")
    came = sorted(amount for kind, amount in facts(admin, "C1") if kind == "payment")
    assert came == [1, 1, 3_002, 3_004, 12_000]
    stand = {amount: invoice(client, each["invoice_id"]) for amount, each in dead.items()}
    assert not any(each["paying"] for each in stand.values())
    assert {amount: each["due"]["amount"] for amount, each in stand.items()} == {
        3_001: 0, 3_002: 0, 3_003: 3_002, 3_004: 0,
    }  # fmt: skip
    assert billing.ledger(admin, "C1")["credit"]["amount"] == 3_002 + 1
    lever(client, hold=False)
    told(client)
    assert sorted(amount for kind, amount in facts(admin, "C1") if kind == "payment") == came
    charged = [each["amount"] for each in stripe_double.backend().book("acct_oak_demo").of("payment_intent")
               if each["status"] == "succeeded"]  # fmt: skip
    assert sorted(charged) == [3_002, 3_004, 12_000]


@pytest.mark.parametrize("what", ["void", "lower", "stop"])
def test_a_planned_charge_that_died_is_called_off(world: World, call: Call, what: str) -> None:
    """Voided: nothing is charged and nobody told of a failure. Lowered: what is left is announced anew. Stopped by the
    client: not charged."""
    admin, client = call("A1"), call("C1")
    client.api("PUT", "/portal/autopay", {"card_id": _with_card(admin, client)})
    bill = issued(admin, "C1", billing.line(4_000), due_on="2026-11-25")
    client.drain()
    client.clock.advance(5 * 86_400)
    message = {"tenant_id": world.tenant_id("oak"), "kind": "autopay", "client_id": world.id("C1")}
    lever(client, down=2)
    assert _tried(settlement.work, {**message, "invoice_id": bill["invoice_id"]}) == "ProcessorDown"
    admin.sign_in("A1")
    client.sign_in("C1")
    if what == "stop":
        assert client.delete("/portal/autopay").status == 204
    else:
        act = ("void", {"reason": "x"}) if what == "void" else ("adjustment", {"amount": -500, "reason": "x"})
        assert billing.on(admin, "C1", bill["invoice_id"], *act).status == 200
    client.drain()
    client.clock.advance(300)
    client.drain()
    stands = invoice(client, bill["invoice_id"])
    assert [amount for kind, amount in facts(admin, "C1") if kind == "payment"] == [12_000]
    assert (stands["paying"], (stands["charged_amount"] or {}).get("amount")) == (
        False, 3_500 if what == "lower" else None,
    )  # fmt: skip
    mails = [m["subject"] for m in client.outbox(PEOPLE["C1"].email)]
    assert not [each for each in mails if "could not be charged" in each]
    assert len([each for each in mails if "will be charged" in each]) == (2 if what == "lower" else 1)
    client.clock.advance(30 * 86_400)
    client.drain()
    admin.sign_in("A1")
    came = [amount for kind, amount in facts(admin, "C1") if kind == "payment"]
    assert came == ([12_000, 3_500] if what == "lower" else [12_000])


def test_a_charge_and_its_calling_off_at_one_moment(world: World, call: Call) -> None:
    """The retry of a charge that died, its invoice's end and the sweep together: charged and booked, or neither."""
    admin, client = call("A1"), call("C1")
    card = _with_card(admin, client)
    for turn in range(4):
        bill = issued(admin, "C1", billing.line(1_000 + turn))
        lever(client, down=2)
        assert start(client, bill, card_id=card, key=f"race-{turn}-0001").status == 503
        acts: list[Callable[[], Any]] = [
            lambda bill=bill: billing.on(admin, "C1", bill["invoice_id"], "void", {"reason": "x"}),  # type: ignore[misc]
            lambda bill=bill, turn=turn: start(client, bill, card_id=card, key=f"race-{turn}-0001"),  # type: ignore[misc]
            client.drain,
        ]
        flows.together(3, lambda n, acts=acts, turn=turn: acts[(n + turn) % 3]())  # type: ignore[misc]
        client.clock.advance(301)
        told(client)
        client.drain()
        charged = [each for each in stripe_double.backend().book("acct_oak_demo").of("payment_intent")
                   if (each["amount"], each["status"]) == (1_000 + turn, "succeeded")]  # fmt: skip
        assert facts(admin, "C1").count(("payment", 1_000 + turn)) == len(charged)
        assert invoice(client, bill["invoice_id"])["paying"] is False


def test_a_card_that_is_declined_by_itself(world: World, call: Call) -> None:
    admin, client = call("A1"), call("C1")
    started = start(client, issued(admin, "C1"), save_card=True).json
    at_checkout(started["address"], billing.ASKS_AGAIN)
    told(client)
    (card,) = client.get("/portal/cards").json["items"]
    failed = start(client, issued(admin, "C1"), card_id=card["card_id"])
    assert (failed.json["status"], failed.json["failure"]) == ("failed", "authentication_required")
    client.api("PUT", "/portal/autopay", {"card_id": card["card_id"]})
    issued(admin, "C1", billing.line(4_000))
    client.clock.advance(30 * 86_400)
    client.drain()
    client.drain()
    admin.sign_in("A1")
    assert len(notices(admin, "payment_failed")) == 1
    assert [m for m in client.outbox(PEOPLE["C1"].email) if "could not be charged" in m["subject"]]


def test_money_at_the_same_moment_is_moved_once(world: World, call: Call) -> None:
    """Credit that is applied twice, a refund that is asked for by many, to the card and by hand, a plan that many
    workers charge."""
    admin, client = call("A1"), call("C1")
    payment = paid(client, issued(admin, "C1"), save_card=True)
    seen = admin.get(f"/practice/clients/{PEOPLE['C1'].id}/payments/{payment['payment_id']}").json["etag"]
    asked = flows.together(6, lambda _: billing.refund(admin, "C1", payment, 3_000, etag=seen))
    assert [each.status for each in asked].count(202) == 1, asked
    assert {each.code for each in asked} == {None, "stale"}
    told(client)
    assert facts(admin, "C1").count(("refund", 3_000)) == 1
    seen = admin.get(f"/practice/clients/{PEOPLE['C1'].id}/payments/{payment['payment_id']}").json["etag"]
    ways = ("card", "cash")
    mixed = flows.together(6, lambda n: billing.refund(admin, "C1", payment, 400, etag=seen, method=ways[n % 2]))
    assert [each.status for each in mixed].count(202) == 1, mixed
    assert {each.code for each in mixed} == {None, "stale"}
    told(client)
    assert facts(admin, "C1").count(("refund", 400)) == 1
    cash = {"method": "cash", "amount": 10_000, "shares": []}
    assert admin.post(f"/practice/clients/{PEOPLE['C1'].id}/payments", cash).status == 201
    owed = [issued(admin, "C1", billing.line(10_000))["invoice_id"] for _ in range(2)]
    used = flows.together(6, lambda n: client.post(f"/portal/invoices/{owed[n % 2]}/credit", {"amount": 10_000}))
    assert [each.status for each in used].count(200) == 1, used
    assert facts(admin, "C1").count(("credit", 10_000)) == 1
    (card,) = client.get("/portal/cards").json["items"]
    client.api("PUT", "/portal/autopay", {"card_id": card["card_id"]})
    bill = issued(admin, "C1", billing.line(4_000))["invoice_id"]
    client.clock.advance(30 * 86_400)
    message = {"tenant_id": world.tenant_id("oak"), "kind": "autopay", "client_id": world.id("C1"), "invoice_id": bill}
    flows.together(6, lambda _: _tried(settlement.work, message))
    charged = [
        each for each in stripe_double.backend().book("acct_oak_demo").of("payment_intent") if each["amount"] == 4_000
    ]
    assert len(charged) == 1
    client.drain()
    admin.sign_in("A1")
    assert facts(admin, "C1").count(("payment", 4_000)) == 1


def test_nothing_is_charged_by_itself_of_who_cannot_be_told(world: World, call: Call) -> None:
    """Access has ended: the notice would reach nobody. What was planned is not charged, and nothing is planned."""
    admin, client = call("A1"), call("C1")
    paid(client, issued(admin, "C1"), save_card=True)
    (card,) = client.get("/portal/cards").json["items"]
    client.api("PUT", "/portal/autopay", {"card_id": card["card_id"]})
    before = issued(admin, "C1", billing.line(4_000))
    assert admin.post(f"/practice/clients/{PEOPLE['C1'].id}/access/end").status == 200
    after = issued(admin, "C1", billing.line(5_000))
    client.clock.advance(30 * 86_400)
    client.drain()
    admin.sign_in("A1")
    for bill in (before, after):
        path = f"/practice/clients/{PEOPLE['C1'].id}/invoices/{bill['invoice_id']}"
        assert admin.get(path).json["status"] == "open"


def test_a_guest_pays_by_a_link_and_learns_nothing_else(world: World, call: Call) -> None:
    admin, client, guest = call("A1"), call("C1"), call()
    bill = issued(admin, "C1")
    made = client.post(f"/portal/invoices/{bill['invoice_id']}/pay-link")
    assert made.status == 201, made
    token = made.json["address"].partition("#")[2]
    page = guest.post("/guest-payments/lookup", {"token": token}, key=None)
    assert page.status == 200, page
    assert set(page.json) == {"organization", "phone", "number", "amount", "state", "can_pay", "enough_for_card"}
    for name in PEOPLE["C1"].name.split():
        assert name.encode() not in page.body
    going = guest.post("/guest-payments", {"token": token}, key=None)
    assert going.status == 201, going
    assert guest.post("/guest-payments", {"token": token}, key=None).json["address"] == going.json["address"]
    at_checkout(going.json["address"])
    told(client)
    assert guest.post("/guest-payments/lookup", {"token": token}, key=None).json["state"] == "paid"
    assert guest.post("/guest-payments", {"token": token}, key=None).code == "pay_link_ended"
    assert invoice(client, bill["invoice_id"])["status"] == "paid"
    (paid,) = client.get("/portal/payments").json["items"]
    assert (paid["way"], paid["card"]) == ("guest", None)  # whose card it was, the client does not learn
    rest = issued(admin, "C1", billing.line(7_100))
    later = client.post(f"/portal/invoices/{rest['invoice_id']}/pay-link").json["address"].partition("#")[2]
    client.clock.advance(8 * 86_400)
    ended = guest.post("/guest-payments/lookup", {"token": later}, key=None).json
    assert (ended["state"], ended["can_pay"], ended["amount"]["amount"]) == ("ended", False, 0)
    for wrong in (token[:-1] + "x", "x" * 60, token.replace(world.id("C1"), world.id("C2"))):
        assert guest.post("/guest-payments/lookup", {"token": wrong}, key=None).status == 404


# ---- the books at night ----


def test_the_night_compares_and_repairs(world: World, call: Call) -> None:
    admin, client = call("A1"), call("C1")
    first = paid(client, issued(admin, "C1"))
    lost = start(client, issued(admin, "C1", billing.line(7_700))).json
    at_checkout(lost["address"])
    lever(client, forget=True)
    client.clock.advance(20 * 60)
    from chalicelib.services import reconciliations

    report = reconciliations.run(world.tenant_id("oak"))
    assert report is not None
    assert (report.difference, report.repaired, report.stripe_total, report.unmatched) == (0, 1, 19_700, [])
    admin.sign_in("A1")
    (shown,) = admin.get("/practice/reconciliations").json["items"]
    assert (shown["difference"]["amount"], shown["objects"]) == (0, 2)
    # What gives money back is missed as well: a dispute that was won, a refund that the bank returned.
    dispute = lever(client, dispute=intent_of(first))
    told(client)
    lever(client, close=dispute, won=True)
    lever(client, forget=True)
    client.clock.advance(20 * 60)
    won = reconciliations.run(world.tenant_id("oak"))
    assert won is not None
    assert (won.difference, won.repaired, won.unmatched) == (0, 1, [])
    book = stripe_double.backend().book("acct_oak_demo")
    ours = book.objects[intent_of(first)]  # one that names a payment which is not there holds up no other
    book.objects["pi_stray"] = {
        **ours,
        "id": "pi_stray",
        "metadata": {**ours["metadata"], "payment": first["payment_id"][:-1] + "Z"},
    }
    stray = reconciliations.run(world.tenant_id("oak"))
    assert stray is not None
    assert (stray.difference, stray.unmatched) == (-12_000, ["pi_stray"])
    del book.objects["pi_stray"]
    next(each for each in book.of("payment_intent") if each["amount"] == 7_700)["amount_received"] = 7_600
    wrong = reconciliations.run(world.tenant_id("oak"))
    assert wrong is not None
    assert (wrong.difference, len(wrong.unmatched)) == (100, 1)


def test_what_is_at_rest_is_not_read_again(
    world: World, call: Call, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledger's head names the entries that balances depend on, and only those are read; what comes for the others
    finds them all. A head that says anything else than the entries alarms within a day, and is not believed again."""
    from chalicelib.models.invoices import Ledger
    from chalicelib.models.transaction import change
    from chalicelib.services import books

    admin, client = call("A1"), call("C1")
    place = {"tenant_id": world.tenant_id("oak"), "client_id": world.id("C1")}
    wholes: list[int] = []
    whole = books.read
    monkeypatch.setattr(books, "read", lambda *a: wholes.append(1) or whole(*a))

    def head() -> Ledger:
        found = Ledger.find(consistent=True, **place)
        assert found is not None
        return found

    old = [paid(client, issued(admin, "C1", billing.line(1_000 + n))) for n in range(3)]
    assert (head().open, int(head().entries)) == ([], 6)
    owed = issued(admin, "C1", billing.line(9_000))
    paid(client, owed, amount=4_000)
    assert (len(head().open), int(head().entries)) == (2, 8)
    assert len(wholes) == 1  # the first entry of all: there was no head
    intent = intent_of(old[0])
    account = {"tenant_id": place["tenant_id"], "kind": "intent", "account": "acct_oak_demo", "object_id": intent}
    settlement.work(account)  # told again, long after: nothing is booked
    assert (int(head().entries), len(wholes)) == (8, 1)
    lever(client, refund=intent, amount=300)
    told(client)
    assert (len(head().open), int(head().entries), len(wholes)) == (5, 9, 1)
    assert client.get("/portal/billing").json["balance"]["due"]["amount"] == 5_300
    assert not books.differs(**place)
    wholes.clear()
    # Invoices and payments that hang together are read together: b is paid with a, and with c, whose money goes back.
    a, b, c = (issued(admin, "C1", billing.line(amount)) for amount in (1_000, 3_000, 2_000))
    paid(client, b, amount=2_000)
    paid(client, a, invoice(client, b["invoice_id"]))
    last = paid(client, issued(admin, "C1", billing.line(700)), c)
    assert len(head().open) == 5
    lever(client, close=lever(client, dispute=intent_of(last)), won=False)
    told(client)
    act = {"amount": -500, "reason": "x"}
    assert billing.on(admin, "C1", a["invoice_id"], "adjustment", act).status == 200
    assert billing.on(admin, "C1", c["invoice_id"], "write-off", {"amount": 2_000, "reason": "x"}).status == 200
    assert wholes == []
    ledger = billing.ledger(admin, "C1")
    assert (ledger["due"]["amount"], ledger["credit"]["amount"]) == (6_000, 500)
    assert not books.differs(**place)
    wrong = head()
    change(wrong, Ledger.open.set(wrong.open[1:]), Ledger.version.add(1))
    caplog.clear()
    settlement.work({**place, "kind": "ledger"})
    assert [each.message for each in caplog.records if each.levelname == "ERROR"] == ["ledger_differs"]
    paid(client, invoice(client, owed["invoice_id"]))
    assert (len(head().open), billing.ledger(admin, "C1")["due"]["amount"]) == (14, 1_000)
    assert not books.differs(**place)


def test_an_invoice_names_the_entries_about_it(world: World, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """So its page reads those alone, however long the client's past is; and they are all: what it says of itself is
    what the whole ledger says."""
    from chalicelib.ledger.course import course, facts_of
    from chalicelib.models.invoices import Invoice, LedgerEntry
    from chalicelib.services import books, invoices

    admin, client = call("A1"), call("C1")
    place = {"tenant_id": world.tenant_id("oak"), "client_id": world.id("C1")}
    both = [issued(admin, "C1", billing.line(amount)) for amount in (6_000, 4_000)]
    payment = paid(client, *both)
    lever(client, refund=intent_of(payment), amount=1_500)  # of the second; the first stands as before
    told(client)
    lever(client, close=lever(client, dispute=intent_of(payment)), won=False)
    told(client)
    first = both[0]["invoice_id"]
    assert billing.on(admin, "C1", first, "adjustment", {"amount": 500, "reason": "x"}).status == 200
    cash = {"method": "cash", "amount": 9_000, "shares": [{"invoice_id": first, "amount": 6_500}]}
    assert admin.post(f"/practice/clients/{PEOPLE['C1'].id}/payments", cash).status == 201
    third = issued(admin, "C1", billing.line(2_000))["invoice_id"]
    assert billing.on(admin, "C1", third, "credit", {"amount": 1_000}).status == 200
    voided = issued(admin, "C1", billing.line(300))["invoice_id"]
    assert billing.on(admin, "C1", voided, "void", {"reason": "x"}).status == 200

    entries = books.in_order(books.read(**place).entries)
    facts = [books.fact(each) for each in entries]
    whole: list[int] = []
    every = LedgerEntry.every
    monkeypatch.setattr(LedgerEntry, "every", lambda *a, **more: whole.append(1) or every(*a, **more))
    for invoice_id in (*(each["invoice_id"] for each in both), third, voided):
        record = Invoice.find(consistent=True, **place, invoice_id=invoice_id)
        assert record is not None
        assert {*record.facts, books.charge_of(record)} == facts_of(facts)[invoice_id]
        shown = [(each.entry.entry_id, each.change) for each in invoices.history(record)]
        assert shown == [(each.entry_id, each.change) for each in course(facts, invoice_id)]
        assert whole == ([1] if invoice_id == third else []), "credit depends on all"
        whole.clear()
    record.facts = []  # what does not lead to what is due is not believed
    assert [each.change for each in invoices.history(record)] == [-300]


def test_whatever_staff_do_the_head_and_the_invoices_say_what_all_entries_say(
    world: World, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Invoices, money by hand for several at once, some of it back, changes, credit, voids, of what is open and of what
    is long at rest, in any order."""
    from chalicelib.ledger.course import course, facts_of
    from chalicelib.models.invoices import Invoice
    from chalicelib.services import books, invoices

    admin, chance = call("A1"), random.Random(6)
    place = {"tenant_id": world.tenant_id("oak"), "client_id": world.id("C1")}
    path = f"/practice/clients/{PEOPLE['C1'].id}/payments"
    bills: list[str] = []
    received: list[dict[str, Any]] = []
    wholes: list[int] = []
    whole = books.read
    monkeypatch.setattr(books, "read", lambda *a, **more: wholes.append(1) or whole(*a, **more))

    def cash() -> Any:
        amounts = {
            each: chance.choice((300, 1_000, 2_000))
            for each in chance.sample(bills, min(chance.randint(1, 3), len(bills)))
        }
        shares = [{"invoice_id": each, "amount": amount} for each, amount in amounts.items()]
        made = admin.post(path, {"method": "cash", "amount": sum(amounts.values()) or 500, "shares": shares})
        received.extend([made.json] if made.status == 201 else [])
        return made

    def on(act: str, **said: Any) -> Any:
        return billing.on(admin, "C1", chance.choice(bills), act, said)

    acts: list[Callable[[], Any]] = [
        lambda: bills.append(issued(admin, "C1", billing.line(chance.choice((1_000, 2_000))))["invoice_id"]),
        cash,
        cash,
        lambda: billing.refund(admin, "C1", chance.choice(received), chance.choice((300, 1_000))),
        lambda: on("adjustment", amount=chance.choice((-500, 700)), reason="x"),
        lambda: on("write-off", amount=chance.choice((300, 500)), reason="x"),
        lambda: on("credit", amount=chance.choice((200, 700))),
        lambda: on("void", reason="x"),
    ]
    acts[0]()
    cash()
    done: Counter[int] = Counter()
    for _ in range(100):
        which = chance.choices(range(len(acts)), (3, 3, 3, 3, 2, 2, 5, 1))[0]
        answer = acts[which]()
        done[which] += answer is None or answer.status < 300
        needed = len(wholes)
        assert not books.differs(**place)
        del wholes[needed:]
    assert min(done[each] for each in range(len(acts))) > 0, done
    assert len(wholes) < 15, "nearly nothing needs all of them"
    facts = [books.fact(each) for each in books.in_order(books.read(**place).entries)]
    for invoice_id in bills:
        record = Invoice.find(consistent=True, **place, invoice_id=invoice_id)
        assert record is not None
        assert {*record.facts, books.charge_of(record)} == facts_of(facts)[invoice_id]
        shown = [(each.entry.entry_id, each.change) for each in invoices.history(record)]
        assert shown == [(each.entry_id, each.change) for each in course(facts, invoice_id)]


def test_a_ledger_that_changed_is_looked_at_whoever_the_processor_is(
    world: World, call: Call, caplog: pytest.LogCaptureFixture
) -> None:
    """An organization without an account at Stripe, and an entry whose day lies far back: within a day the ledger is
    made again from its entries, once; until it changes again it is left alone."""
    from chalicelib.models.invoices import Ledger
    from chalicelib.models.payments import CardProcessing
    from chalicelib.models.transaction import change, remove
    from chalicelib.services import books

    admin, tenant_id = call("A1"), world.tenant_id("oak")
    remove(CardProcessing.at(tenant_id=tenant_id))
    place = {"tenant_id": tenant_id, "client_id": world.id("C1")}

    def head() -> Ledger:
        found = Ledger.find(consistent=True, **place)
        assert found is not None
        return found

    def a_day_later() -> list[str]:
        caplog.clear()
        admin.clock.advance(86_400)
        admin.drain()
        admin.sign_in("A1")
        return [each.message for each in caplog.records if each.levelname == "ERROR"]

    cash = {"method": "cash", "amount": 5_000, "shares": [], "received_on": "2025-11-03"}
    path = f"/practice/clients/{PEOPLE['C1'].id}/payments"
    assert admin.post(path, cash).status == 201
    due = head().duesk
    assert admin.post(path, cash).status == 201
    assert head().duesk == due  # changed twice, looked at once: nothing of the index is written again
    change(head(), Ledger.credit.set(4_000), Ledger.version.add(1))
    assert a_day_later() == ["ledger_differs"]
    assert (head().duesk, head().open) == (None, None)
    assert a_day_later() == []
    assert admin.post(path, cash).status == 201
    assert int(head().credit) == 15_000
    changed = int(head().version)
    assert a_day_later() == []
    assert (head().duesk, int(head().version)) == (None, changed)
    assert not books.differs(**place)


def test_facts_from_everywhere_at_once_are_one_ledger(world: World, call: Call) -> None:
    """Workers add the same facts again and again, in any order and several at once: payments before their charges,
    refunds, disputes and their ends of what is settled, credit, voids, changes. The head is what all facts make."""
    from chalicelib import clock, ids
    from chalicelib.errors import Busy
    from chalicelib.ledger.books import fold
    from chalicelib.ledger.entries import Kind
    from chalicelib.ledger.open import open_facts
    from chalicelib.models.invoices import LedgerEntry
    from chalicelib.services import books

    tenant, now, chance = world.tenant_id("oak"), clock.now(), random.Random("hostile")
    busy: Counter[str] = Counter()
    for turn in range(12):
        client = ids.new_id(now)
        told: list[LedgerEntry] = []

        def fact(
            kind: Kind, cause: str, amount: int, *, client: str = client, told: list[LedgerEntry] = told, **more: Any
        ) -> LedgerEntry:
            made = books.entry(
                tenant, client, kind, books.id_of(kind, f"{client} {cause}", now), amount=amount, currency="usd",
                happened_at=now, recorded_at=now, by="stripe", **more,
            )  # fmt: skip
            told.append(made)
            return made

        for n in range(chance.randint(3, 7)):
            amount = chance.randint(100, 9_000)
            invoice = f"i{n}"
            fact(Kind.CHARGE, invoice, amount, invoice_id=invoice)
            shares = [[invoice, amount], *([[f"i{n - 1}", chance.choice([1, 500])]] if chance.random() < 0.2 else [])]
            came = sum(each for _, each in shares) + chance.choice([0, 0, 0, 250])
            if chance.random() < 0.8:
                fact(Kind.PAYMENT, f"p{n}", came, payment_id=f"p{n}", shares=shares)
                for kind, end in (
                    (Kind.REFUND, Kind.REFUND_FAILED),
                    (Kind.DISPUTE, chance.choice([Kind.DISPUTE_WON, Kind.DISPUTE_LOST])),
                ):
                    if chance.random() < 0.4:
                        back = fact(kind, f"p{n}", chance.randint(1, came), payment_id=f"p{n}")
                        if chance.random() < 0.6:
                            fact(end, f"p{n}", 0, of=back.entry_id)
            for kind in (Kind.VOID, Kind.ADJUSTMENT, Kind.WRITE_OFF, Kind.CREDIT):
                if chance.random() < 0.2:
                    fact(kind, invoice, chance.choice([1, 100, amount]), invoice_id=invoice)

        def tell(worker: int, client: str = client, told: list[LedgerEntry] = told) -> None:
            own = random.Random(f"{client} {worker}")
            rest = [*told, *own.sample(told, len(told) // 2)]
            own.shuffle(rest)
            while rest:
                few = {each.entry_id: each for each in rest[: own.randint(1, 3)]}
                try:
                    after = books.post(tenant, client, now, lambda _, few=few: books.Posting([*few.values()]))  # type: ignore[misc]
                except Busy:  # the others were faster a dozen times: the queue brings it again
                    busy[client] += 1
                    assert busy[client] < 20
                    continue
                assert min(after.credit, after.debt, after.due) >= 0
                rest = rest[len(few) :]

        flows.together(1 if turn % 3 else 4, tell)
        scene = books.read(tenant, client)
        whole = fold(books.fact(each) for each in told)
        assert scene.head is not None
        assert (scene.head.balance, scene.head.credit, scene.head.debt) == (whole.due, whole.credit, whole.debt), turn
        assert (int(scene.head.entries), len(scene.entries)) == (len(told), len(told))
        assert set(scene.head.open) == open_facts(books.fact(each) for each in told)
        assert books.differs(tenant, client) is False


_SIDES = (("charge", "adjustment", "write_off", "void"), ("payment", "refund", "refund_failed", "dispute"))


def test_exports_equal_the_ledger(world: World, call: Call) -> None:
    admin, client = call("A1"), call("C1")
    payment = paid(client, issued(admin, "C1", billing.line(9_000, description="=HYPERLINK(1)")), amount=5_000)
    lever(client, refund=intent_of(payment), amount=500)
    returned = lever(client, refund=intent_of(payment), amount=700)
    told(client)
    lever(client, fail_refund=returned)
    told(client)
    assert billing.refund(admin, "C1", payment, 300, method="check").status == 202
    wrong = issued(admin, "C1", billing.line(800))["invoice_id"]
    assert billing.on(admin, "C1", wrong, "void", {"reason": "Mistake"}).status == 200
    rows = billing.exported(admin, "payments", "2026-11-01", "2027-01-31")
    assert sorted((row["entry"], row["method"], row["amount"]) for row in rows) == [
        ("charge", "", "8.00"), ("charge", "", "90.00"), ("payment", "card", "50.00"), ("refund", "card", "-5.00"),
        ("refund", "card", "-7.00"), ("refund", "check", "-3.00"), ("refund_failed", "card", "7.00"),
        ("void", "", "-8.00"),
    ]  # fmt: skip
    owed = billing.ledger(admin, "C1")
    cents = {each: sum(round(100 * float(row["amount"])) for row in rows if row["entry"] in each) for each in _SIDES}
    assert cents[_SIDES[0]] - cents[_SIDES[1]] == owed["due"]["amount"] - owed["credit"]["amount"] == 4_800
    row, *_ = billing.exported(admin, "invoices", "2026-11-01", "2027-01-31")
    assert (row["number"], row["client_portion"], row["balance_due"]) == ("1001", "90.00", "48.00")
    for first, last in (("2026-11-01", "2028-12-31"), ("9999-12-01", "9999-12-31"), ("0001-01-01", "0001-01-02")):
        asked = {"what": "payments", "first_day": first, "last_day": last}
        assert admin.post("/practice/exports", asked).status == 422, first


def test_a_long_table_is_written_in_parts(world: World, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """Months, pages and parts: nothing is missing and nothing is there twice, also where workers die or meet; what one
    step holds does not grow with the ledger."""
    from moto.s3 import models as moto_s3

    from chalicelib.config import settings
    from chalicelib.services import exports

    admin, client = call("A1"), call("C1")
    numbers = []
    for turn in range(3):
        for key in ("C1", "C3", "C1"):
            numbers.append(issued(admin, key, billing.line(1_000 + len(numbers)))["number"])
        if turn < 2:
            client.clock.advance(31 * 86_400)
            admin.sign_in("A1")
    gone = admin.get("/practice/invoices", query={"number": numbers[0]}).json["items"][0]
    assert billing.on(admin, "C1", gone["invoice_id"], "void", {"reason": "Mistake"}).status == 200
    monkeypatch.setattr(moto_s3, "S3_UPLOAD_PART_MIN_SIZE", 1)
    monkeypatch.setitem(settings.__dict__, "export_page", 2)
    monkeypatch.setitem(settings.__dict__, "export_part_bytes", 400)
    sizes, put_part = [], exports.bucket.put_part
    monkeypatch.setattr(exports.bucket, "put_part", lambda *a: sizes.append(len(a[3])) or put_part(*a))
    year = ("2026-11-01", "2027-10-31")
    rows = billing.exported(admin, "payments", *year)
    assert sorted(each["amount"] for each in rows) == sorted(
        [*(f"{(1_000 + n) / 100:.2f}" for n in range(9)), "-10.00"]
    )
    assert {each["client"] for each in rows} == {PEOPLE["C1"].name, PEOPLE["C3"].name}
    assert len(sizes) >= 4
    assert max(sizes) < 400 + 3 * 300  # what was there, and one page
    listed = billing.exported(admin, "invoices", *year)
    assert [int(each["number"]) for each in listed] == numbers
    assert listed[0]["status"] == "void"
    day = admin.get("/practice/invoices", query={"number": numbers[3]}).json["items"][0]["issued_on"]
    assert [int(each["number"]) for each in billing.exported(admin, "invoices", day, day)] == numbers[3:6]
    asked = {"what": "payments", "first_day": year[0], "last_day": year[1]}
    made = admin.post("/practice/exports", asked).json
    tenant = world.tenant_id("oak")
    flows.together(4, lambda _: exports.make(tenant, made["export_id"]))
    ready = admin.get(f"/practice/exports/{made['export_id']}").json
    assert (ready["status"], ready["rows"]) == ("ready", len(rows))
    before = admin.post("/practice/exports", {**asked, "first_day": "2025-01-01", "last_day": "2025-12-31"}).json
    admin.local("POST", "/run/on_job")
    empty = admin.get(f"/practice/exports/{before['export_id']}").json
    assert (empty["status"], empty["rows"], empty["first_day"]) == ("ready", 0, "2025-01-01")
    again = admin.post("/practice/exports", asked).json["export_id"]

    def twice(*about: Any) -> Any:  # another worker that read more of the ledger writes the same part after this one
        etag = put_part(*about)
        if about[2] == 1:
            monkeypatch.setattr(exports.bucket, "put_part", put_part)
            put_part(*about[:3], about[3] + b"more")
        return etag

    monkeypatch.setattr(exports.bucket, "put_part", twice)
    exports.make(tenant, again)
    assert admin.get(f"/practice/exports/{again}").json["status"] == "ready"
    taken = [each for each in flows.stored("tenant_audit") if each["action"] == "billing:export" and "object" in each]
    assert sum(again in str(each["object"]) for each in taken) == 2  # asked for, and given out
    for key, code in (("B1", "not_found"), ("T1", "forbidden")):
        other = call(key)
        other.sign_in(key)
        assert other.get(f"/practice/exports/{made['export_id']}").code == code
    admin.clock.advance(86_401)
    admin.sign_in("A1")
    assert admin.get(f"/practice/exports/{made['export_id']}").code == "not_found"  # its file is gone from the bucket


# ---- connecting ----


def test_connecting_a_practice(world: World, call: Call) -> None:
    """Disconnected, payments cannot be switched on and the page says why; connected again, they can."""
    admin = call("A1")
    assert admin.get("/practice/card-processing").json["status"] == "connected"
    assert admin.post("/practice/card-processing/connection").code == "already_connected"
    assert admin.delete("/practice/card-processing").json["status"] == "disconnected"
    settings = admin.get("/practice/settings").json
    refused = admin.patch("/practice/settings", {"features": {"payments": True}}, etag=settings["etag"])
    assert refused.status == 403, refused
    assert start(call("C1"), issued(admin, "C1")).code == "feature_switched_off"
    begun = admin.post("/practice/card-processing/connection")
    assert begun.status == 201, begun
    assert begun.json["processing"]["status"] == "pending"
    assert at_checkout(begun.json["address"], act="finish")[0] == 303
    assert admin.post("/practice/card-processing/refresh").json["status"] == "connected"
    etag = admin.get("/practice/settings").json["etag"]
    assert admin.patch("/practice/settings", {"features": {"payments": True}}, etag=etag).status == 200
    admin.clock.advance(25 * 3_600)  # a night: the ledger is compared with Stripe's books
    admin.drain()
    admin.sign_in("A1")
    assert [each["difference"]["amount"] for each in admin.get("/practice/reconciliations").json["items"]] == [0]
    lever(admin, deauthorize="acct_oak_demo")
    told(admin)
    assert admin.get("/practice/card-processing").json["status"] == "disconnected"
    from chalicelib.services import reconciliations

    assert reconciliations.run(world.tenant_id("oak")) is None  # no access, and no failure every night from now on


def test_mails_can_be_muted_notices_not(world: World, call: Call) -> None:
    admin, client = call("A1"), call("C1")
    assert admin.api("PUT", "/practice/notification-choices", {"muted": ["payment_received"]}).status == 200
    paid(client, issued(admin, "C1"))
    client.drain()
    assert len(notices(admin)) == 1
    assert [m for m in client.outbox(PEOPLE["A1"].email) if "payment has arrived" in m["text"]] == []
    assert [m for m in client.outbox(PEOPLE["A2"].email) if "payment has arrived" in m["text"]]
