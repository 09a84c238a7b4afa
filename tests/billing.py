"""Steps of billing and paying over HTTP, as tests need them."""

import csv
import io
import uuid
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

from infra.local import stripe_double
from tests.calls import PEOPLE, Answer, Caller

CARD, DECLINED, ASKS_AGAIN = "4242424242424242", "4000000000000002", "4000002500003155"


def line(amount: int = 12_000, **more: Any) -> dict[str, Any]:
    """A line of an invoice."""
    return {"description": "Individual session", "service_on": "2026-11-20", "amount": amount, **more}


def draft(staff: Caller, client: str, *lines: dict[str, Any], **more: Any) -> Answer:
    """Begin an invoice."""
    path = f"/practice/clients/{PEOPLE[client].id}/invoices"
    return staff.post(path, {"lines": list(lines) or [line()], **more})


def issued(staff: Caller, client: str, *lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An issued invoice."""
    made = draft(staff, client, *lines, **more)
    assert made.status == 201, made
    answer = on(staff, client, made.json["invoice_id"], "issue")
    assert answer.status == 200, answer
    found: dict[str, Any] = answer.json
    return found


def on(staff: Caller, client: str, invoice_id: str, act: str, body: Any = None) -> Answer:
    """Do something with a client's invoice."""
    return staff.post(f"/practice/clients/{PEOPLE[client].id}/invoices/{invoice_id}/{act}", body)


def invoice(client: Caller, invoice_id: str) -> dict[str, Any]:
    """The client's own invoice."""
    answer = client.get(f"/portal/invoices/{invoice_id}")
    assert answer.status == 200, answer
    found: dict[str, Any] = answer.json
    return found


def start(client: Caller, *invoices: dict[str, Any] | str, amount: int | None = None, **more: Any) -> Answer:
    """Begin to pay."""
    ids = [each if isinstance(each, str) else each["invoice_id"] for each in invoices]
    chosen = [{"invoice_id": each, **({"amount": amount} if amount is not None else {})} for each in ids]
    key = more.pop("key", uuid.uuid4().hex)
    return client.post("/portal/payments", {"invoices": chosen, **more}, key=key)


def at_checkout(address: str, number: str = CARD, act: str = "pay") -> tuple[int, str]:
    """What the payer does on Stripe's page: the status, and where it leads."""
    parts = urlsplit(address)
    connection = HTTPConnection("127.0.0.1", parts.port or 80, timeout=30)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", parts.path, urlencode({"number": number, "act": act}), form)
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status, response.headers.get("Location", "")


def refund(staff: Caller, client: str, payment: dict[str, Any], amount: int, **more: Any) -> Answer:
    """Send money of a payment back, as it is now; `method`: how, where it is not the way it came."""
    path = f"/practice/clients/{PEOPLE[client].id}/payments/{payment['payment_id']}"
    etag = more.pop("etag", None) or staff.get(path).json["etag"]
    body = {"amount": amount, "reason": more.pop("reason", "Shorter session")}
    body |= {"method": more.pop("method")} if "method" in more else {}
    return staff.post(f"{path}/refunds", body, etag=etag, **more)


def told(anyone: Caller) -> None:
    """Have Stripe tell, and everything done that follows: faster than a whole drain."""
    for _ in range(20):
        busy = stripe_double.deliver(anyone.clock.now())
        busy += anyone.local("POST", "/run/on_payment")["handled"]["on_payment"]
        if not busy:
            return


def paid(client: Caller, *invoices: dict[str, Any], amount: int | None = None, **more: Any) -> dict[str, Any]:
    """Pay by card, to the end."""
    started = start(client, *invoices, amount=amount, **more)
    assert started.status == 201, started
    assert at_checkout(started.json["address"])[0] == 303
    told(client)
    answer = client.get(f"/portal/payments/{started.json['payment_id']}")
    assert answer.json["status"] == "succeeded", answer
    found: dict[str, Any] = answer.json
    return found


def lever(anyone: Caller, **asked: Any) -> Any:
    """A lever of the stand-in for Stripe."""
    return anyone.local("POST", "/stripe", asked)["made"]


def intent_of(payment: dict[str, Any]) -> str:
    """Stripe's id of a payment."""
    found = [
        each["id"]
        for book in stripe_double.backend().books.values()
        for each in book.of("payment_intent")
        if each["metadata"].get("payment") == payment["payment_id"]
    ]
    assert len(found) == 1, found
    return str(found[0])


def ledger(staff: Caller, client: str) -> dict[str, Any]:
    """A client's ledger."""
    answer = staff.get(f"/practice/clients/{PEOPLE[client].id}/ledger")
    assert answer.status == 200, answer
    found: dict[str, Any] = answer.json
    return found


def exported(staff: Caller, what: str, first_day: str, last_day: str) -> list[dict[str, str]]:
    """The rows of a table of these days, downloaded."""
    asked = staff.post("/practice/exports", {"what": what, "first_day": first_day, "last_day": last_day})
    assert asked.status == 202, asked
    while staff.local("POST", "/run/on_job")["handled"]["on_job"]:
        pass
    ready = staff.get(f"/practice/exports/{asked.json['export_id']}")
    assert ready.json["status"] == "ready", ready
    parts = urlsplit(ready.json["url"])
    got = staff.send("GET", f"{parts.path}?{parts.query}", None, {})
    name = f'attachment; filename="{what}-{first_day}-to-{last_day}.csv"'
    assert (got.status, got.headers["Content-Disposition"]) == (200, name), got
    assert got.body.startswith("\ufeff".encode())
    return list(csv.DictReader(io.StringIO(got.body.decode().lstrip("\ufeff"))))


def facts(staff: Caller, client: str) -> list[tuple[str, int]]:
    """What the ledger holds, oldest first."""
    return [(each["entry"], each["amount"]["amount"]) for each in reversed(ledger(staff, client)["items"])]


def notices(staff: Caller, kind: str = "payment_received") -> list[dict[str, Any]]:
    """What a staff member was told of money."""
    found = staff.get("/practice/notifications").json["items"]
    return [each for each in found if each["kind"] == kind]


Call = Callable[..., Caller]
