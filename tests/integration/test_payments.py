"""Paying: invoice, pay, ledger, notification, receipt, and everything that can come between (DOMAIN.md 7)."""

from collections.abc import Callable
from typing import Any

import pytest

from infra.local import stripe_double
from tests import billing, flows
from tests.billing import at_checkout, facts, intent_of, invoice, issued, lever, notices, paid, start, told
from tests.calls import PEOPLE, Caller
from tests.conftest import World

Call = Callable[..., Caller]


def test_invoice_pay_ledger_notification_receipt(world: World, call: Call) -> None:
    """The whole of it, once: numbers, amounts, who is told, what is printed."""
    admin, client = call("A1"), call("C1")
    bill = issued(admin, "C1", billing.line(12_000, insurance=4_000), billing.line(3_000))
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
        assert "110" not in mail["text"]
    (mail,) = [each for each in client.outbox(PEOPLE["C1"].email) if "payment" in each["subject"]]
    assert "110.00" not in mail["text"]
    assert client.get("/portal/payments").json["items"][0]["payment_id"] == payment["payment_id"]
    asked = client.post("/portal/prints", {"what": "receipt", "payment_id": payment["payment_id"]})
    assert asked.status == 202, asked
    client.drain()
    ready = client.get(f"/portal/prints/{asked.json['print_id']}").json
    assert ready["status"] == "ready"
