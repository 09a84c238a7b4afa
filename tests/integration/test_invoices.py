"""Invoices: drafts, numbers without gaps, from appointments in one click, estimates, and what is printed of them."""

import io
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.models.invoices import Invoice
from infra.local import cloud
from tests import billing, booking, flows
from tests.billing import draft, issued, line, on
from tests.calls import PEOPLE, Answer, Caller
from tests.conftest import World

Call = Callable[..., Caller]


def _path(key: str) -> str:
    return f"/practice/clients/{PEOPLE[key].id}"


def test_numbers_have_no_gaps_and_no_doubles(world: World, call: Call) -> None:
    """Twelve are issued at the same moment for two clients, one of them twice; a draft that is deleted has none."""
    admin = call("A1")
    made = [draft(admin, key).json["invoice_id"] for key in ("C1", "C3") * 6]
    gone = draft(admin, "C1").json["invoice_id"]
    assert admin.delete(f"{_path('C1')}/invoices/{gone}").status == 204

    def issue(number: int) -> int:
        key = ("C1", "C3")[number % 2]
        answer = admin.post(f"{_path(key)}/invoices/{made[number]}/issue", key=f"issue-{number:08d}")
        again = admin.post(f"{_path(key)}/invoices/{made[number]}/issue", key=f"issue-{number:08d}")
        assert answer.status == again.status == 200, answer
        return int(again.json["number"])

    assert sorted(flows.together(12, issue)) == list(range(1001, 1013))
    assert issued(call("B1"), "CB")["number"] == 1001  # every organization counts for itself


def test_a_draft_is_edited_under_its_etag_and_an_issued_one_never(world: World, call: Call) -> None:
    admin, client = call("A1"), call("C1")
    made = draft(admin, "C1", line(10_000, insurance=2_500, taxed=True), note="Thank you.").json
    assert (made["number"], made["status"], made["charge"]["amount"]) == (None, "draft", 7_500)
    path = f"{_path('C1')}/invoices/{made['invoice_id']}"
    changed = admin.patch(path, {"lines": [line(8_000)]}, etag=made["etag"])
    assert (changed.json["charge"]["amount"], changed.json["note"]) == (8_000, None)
    assert admin.patch(path, {"lines": [line(1)]}, etag=made["etag"]).status == 412
    for wrong in ([], [line(0)], [line(100, insurance=101)], [line(-5)], [line(10**9)], [line(5, quantity=0)]):
        assert admin.patch(path, {"lines": wrong}, etag=changed.json["etag"]).status == 422, wrong
    assert client.get("/portal/invoices").json["items"] == []
    assert on(admin, "C1", made["invoice_id"], "issue").json["status"] == "open"
    etag = admin.get(path).json["etag"]
    assert admin.patch(path, {"lines": [line(1)]}, etag=etag).code == "invoice_state"
    assert admin.delete(path).code == "invoice_state"
    assert on(admin, "C1", made["invoice_id"], "issue").code == "invoice_state"
    raced = draft(admin, "C1").json["invoice_id"]
    answers = flows.together(4, lambda _: on(admin, "C1", raced, "issue"))
    assert sorted(each.status for each in answers)[0] == 200
    assert {each.code for each in answers} <= {None, "stale", "invoice_state"}
    assert len([each for each in answers if each.status == 200]) == 1


def test_who_may_bill(world: World, call: Call) -> None:
    """1.2 and issue 6: an administrator gives the permission, which reaches assigned clients; others read."""
    admin = call("A1")
    bill = issued(admin, "C1")
    assert draft(call("T1"), "C1").code == "forbidden"
    assert call("T1").get(f"{_path('C1')}/invoices/{bill['invoice_id']}").status == 200
    assert call("T4").get(f"{_path('C1')}/invoices/{bill['invoice_id']}").code == "not_found"
    member = admin.get(f"/practice/staff/{PEOPLE['T1'].id}").json
    given = admin.patch(f"/practice/staff/{PEOPLE['T1'].id}", {"may_bill": True}, etag=member["etag"])
    assert given.status == 200, given
    assert draft(call("T1"), "C1").status == 201
    assert draft(call("T1"), "C2").code == "not_found"
    assert call("T1").get("/practice/invoices").code == "forbidden"
    assert admin.get("/practice/invoices").json["items"][0]["client_name"]


def test_the_organizations_invoices_by_status(world: World, call: Call) -> None:
    """Each status is a list of its own: none is filtered from another."""
    admin = call("A1")
    kept = {"draft": draft(admin, "C1").json, "open": issued(admin, "C1"), "void": issued(admin, "C3")}
    kept["paid"] = issued(admin, "C4")
    assert on(admin, "C3", kept["void"]["invoice_id"], "void", {"reason": "Wrong client"}).status == 200
    off = on(admin, "C4", kept["paid"]["invoice_id"], "write-off", {"amount": 12_000, "reason": "Waived"})
    assert off.json["status"] == "paid"
    kept["given"] = issued(admin, "C1", what="estimate")
    for status, one in kept.items():
        found = admin.get("/practice/invoices", query={"status": status}).json["items"]
        assert [each["invoice_id"] for each in found] == [one["invoice_id"]]


def test_an_invoice_is_found_by_its_number(world: World, call: Call) -> None:
    """The whole number and nothing like it; of any status; never another organization's."""
    admin, other = call("A1"), call("B1")
    first, last = [issued(admin, "C1") if not n else issued(admin, "C3") for n in range(11)][::10]
    issued(other, "CB")

    def found(staff: Caller, number: Any) -> list[str]:
        answer = staff.get("/practice/invoices", query={"number": number})
        assert (answer.status, answer.json["next_cursor"]) == (200, None), answer
        return [each["invoice_id"] for each in answer.json["items"]]

    assert (first["number"], last["number"]) == (1001, 1011)
    assert on(admin, "C1", first["invoice_id"], "void", {"reason": "Mistake"}).status == 200
    assert found(admin, 1001) == [first["invoice_id"]]
    assert found(admin, 1011) == [last["invoice_id"]]
    assert [found(admin, number) for number in (1, 10, 101, 1012, 10_011)] == [[]] * 5
    assert found(other, 1011) == []
    assert first["invoice_id"] not in found(other, 1001)
    for wrong in (0, -1, "x", "1001.5", 10**9):
        assert admin.get("/practice/invoices", query={"number": wrong}).status == 422, wrong
    assert call("T1").get("/practice/invoices", query={"number": 1001}).code == "forbidden"


def test_taxes_write_offs_adjustments(world: World, call: Call) -> None:
    admin = call("A1")
    etag = admin.get("/practice/settings").json["etag"]
    taxes = {"billing": {"taxes": [{"name": "State tax", "basis_points": 825}], "due_days": 30}}
    assert admin.patch("/practice/settings", taxes, etag=etag).status == 200
    bill = issued(admin, "C1", line(9_999, taxed=True), line(10_000))
    assert [each["amount"]["amount"] for each in bill["taxes"]] == [825]
    assert bill["due"]["amount"] == 20_824
    off = on(admin, "C1", bill["invoice_id"], "write-off", {"amount": 824, "reason": "Rounding"})
    assert off.json["due"]["amount"] == 20_000
    assert (
        on(admin, "C1", bill["invoice_id"], "write-off", {"amount": 20_001, "reason": "x"}).code == "amount_too_large"
    )
    up = on(admin, "C1", bill["invoice_id"], "adjustment", {"amount": 500, "reason": "Missed a session"})
    seen = call("C1").get(f"/portal/invoices/{bill['invoice_id']}")
    steps = [(each["kind"], each["amount"]["amount"]) for each in seen.json["history"]]
    assert steps == [("write_off", -824), ("adjustment", 500)]
    assert "Missed" not in str(seen.json)
    assert seen.json["billed_to"][0] == PEOPLE["C1"].name  # the legal name: documents carry it
    assert up.json["due"]["amount"] == 20_500
    down = on(admin, "C1", bill["invoice_id"], "adjustment", {"amount": -20_501, "reason": "x"})
    assert down.code == "amount_too_large"
    assert on(admin, "C1", bill["invoice_id"], "adjustment", {"amount": 0, "reason": "x"}).status == 422
    money = {"billing": {"currency": "cad"}}
    fixed = admin.patch("/practice/settings", money, etag=admin.get("/practice/settings").json["etag"])
    assert fixed.code == "currency_fixed"


def test_a_draft_in_the_currency_of_before_is_not_issued(world: World, call: Call) -> None:
    """Cards are charged, and balances summed up, in the organization's one currency."""
    admin = call("A1")
    old = draft(admin, "C1").json
    assert admin.delete("/practice/card-processing").status == 200
    etag = admin.get("/practice/settings").json["etag"]
    assert admin.patch("/practice/settings", {"billing": {"currency": "cad"}}, etag=etag).status == 200
    assert on(admin, "C1", old["invoice_id"], "issue").code == "currency_changed"
    path = f"{_path('C1')}/invoices/{old['invoice_id']}"
    assert admin.patch(path, {"lines": [line(9_000)]}, etag=old["etag"]).status == 200
    given = on(admin, "C1", old["invoice_id"], "issue").json
    assert given["due"] == {"amount": 9_000, "currency": "cad"}


def test_money_is_all_of_one_currency_from_the_first_on(world: World, call: Call) -> None:
    """Credit of before would be worth as much in another currency; and what is issued while the currency changes is in
    neither."""
    from chalicelib import clock
    from chalicelib.context import Actor, Context, Persona
    from chalicelib.errors import Stale
    from chalicelib.models.clients import Client
    from chalicelib.models.table import load
    from chalicelib.models.tenants import Tenant
    from chalicelib.services import invoices

    admin, tenant_id = call("A1"), world.tenant_id("oak")

    def change(currency: str) -> Answer:
        etag = admin.get("/practice/settings").json["etag"]
        return admin.patch("/practice/settings", {"billing": {"currency": currency}}, etag=etag)

    assert admin.delete("/practice/card-processing").status == 200
    bill = draft(admin, "C1").json
    place = {"tenant_id": tenant_id, "client_id": world.id("C1"), "invoice_id": bill["invoice_id"]}
    tenant, client, named = load((Tenant, place), (Client, place), (Invoice, place))
    before = Context(tenant_id, Actor("staff", "S"), clock.now(), Persona.PRACTICE, tenant=tenant, client=client)
    before.named = {"invoice_id": named}
    assert change("cad").status == 200
    with pytest.raises(Stale):  # this request had begun before
        invoices.issue(before)
    assert change("usd").status == 200
    cash = {"method": "cash", "amount": 5_000, "shares": []}
    assert [admin.post(f"{_path('C1')}/payments", cash).status for _ in range(2)] == [201, 201]
    assert change("cad").code == "currency_fixed"
    assert issued(admin, "C1")["number"] == 1001


def test_from_appointments_in_one_click(world: World, call: Call) -> None:
    admin, clock = call("A1"), world.portal.clock
    service = booking.opened(call, "T1", price={"amount": 15_000, "currency": "usd"})
    held = booking.book_for(admin, "C1", "T1", service, booking.at(clock, -1), override=True).json
    path = f"{_path('C1')}/invoices/from-appointments"
    asked = {"appointment_ids": [held["appointment_id"]]}
    assert admin.post(path, asked).code == "not_billable"  # nobody has said yet that it took place
    assert booking.theirs(admin, "C1", held, "outcome", {"status": "completed"}).status == 200
    (offered,) = admin.get(f"{_path('C1')}/billable").json["items"]
    assert (offered["price"]["amount"], offered["therapist"]) == (15_000, "Priya Halvorsen, LCSW")
    twice = flows.together(4, lambda _: admin.post(path, asked))
    assert sorted(each.status for each in twice) == [201, 409, 409, 409]
    assert {each.code for each in twice} == {None, "already_billed"}
    bill = next(each for each in twice if each.status == 201).json
    assert (bill["status"], bill["number"], bill["due"]["amount"]) == ("open", 1001, 15_000)
    assert admin.get(f"{_path('C1')}/billable").json["items"] == []
    assert on(admin, "C1", bill["invoice_id"], "void", {"reason": "Wrong day"}).status == 200
    assert len(admin.get(f"{_path('C1')}/billable").json["items"]) == 1


def test_an_estimate_is_given_and_never_owed(world: World, call: Call) -> None:
    admin, client = call("A1"), call("C1")
    made = draft(admin, "C1", line(15_000, quantity=10), what="estimate").json
    given = on(admin, "C1", made["invoice_id"], "issue").json
    assert (given["status"], given["number"], given["due"]["amount"]) == ("given", None, 0)
    assert billing.facts(admin, "C1") == []
    assert client.get("/portal/invoices", query={"phase": "estimate"}).json["items"][0]["total"]["amount"] == 150_000
    assert billing.start(client, made).code == "nothing_to_pay"


def test_what_is_printed(world: World, call: Call) -> None:
    """All four sheets, for the client and for staff, paid or not; another client's are not there."""
    admin, client = call("A1"), call("C1")
    bill = issued(admin, "C1", line(12_000, code="90834", therapist="Priya Halvorsen"), diagnoses=["F41.1"])
    payment = billing.paid(client, bill, amount=5_000)
    wanted: dict[str, dict[str, Any]] = {
        "invoice": {"invoice_id": bill["invoice_id"]},
        "receipt": {"payment_id": payment["payment_id"]},
        "superbill": {"invoice_id": bill["invoice_id"]},
        "statement": {"first_day": "2026-01-01", "last_day": "2027-12-30"},
    }
    expected = {
        "invoice": ["Invoice 1001", "$120.00", "Code 90834", "Card payment, ", "-$50.00", "$70.00"],
        "receipt": ["Receipt", "$50.00", "Visa ending 4242"],
        "superbill": ["Superbill", "90834", "F41.1", "Priya Halvorsen, LCSW"],
        "statement": ["Statement", "Invoice 1001", "Card payment, invoice 1001", "Balance before", "$70.00"],
    }
    for what, about in wanted.items():
        asked = client.post("/portal/prints", {"what": what, **about})
        assert asked.status == 202, asked
        assert client.local("POST", "/run/on_sealing")["handled"]["on_sealing"] == 1
        shown = client.get(f"/portal/prints/{asked.json['sheet_id']}").json
        assert shown["status"] == "ready"
        text = _text(PEOPLE["C1"].id, asked.json["sheet_id"])
        assert [each for each in expected[what] if each not in text] == [], text
        assert call("C3").get(f"/portal/prints/{asked.json['sheet_id']}").code == "not_found"
        if what != "statement":
            assert call("C3").post("/portal/prints", {"what": what, **about}).code == "not_found"
    assert billing.refund(admin, "C1", payment, 500, method="cash").status == 202
    billing.lever(admin, dispute=billing.intent_of(payment))
    billing.told(admin)
    assert on(admin, "C1", bill["invoice_id"], "void", {"reason": "Mistake"}).status == 200
    backs = ["Refunded, not to the card", "Disputed", "-$50.00", "Paid after that", "-$5.00"]
    for what, wording in (("receipt", backs), ("superbill", ["Void"])):
        asked = client.post("/portal/prints", {"what": what, **wanted[what]})
        assert client.local("POST", "/run/on_sealing")["handled"]["on_sealing"] == 1
        text = _text(PEOPLE["C1"].id, asked.json["sheet_id"])
        assert [each for each in wording if each not in text] == [], text
    assert admin.post(f"{_path('C1')}/prints", {"what": "invoice", **wanted["invoice"]}).status == 202
    assert client.post("/portal/prints", {"what": "receipt", **wanted["invoice"]}).status == 422
    client.clock.advance(86_401)  # the bucket drops the file then: nothing points there any more
    client.sign_in("C1")
    assert client.get(f"/portal/prints/{asked.json['sheet_id']}").code == "not_found"


def _text(client_id: str, sheet_id: str) -> str:
    """What the PDF says, by the words that its fonts map to."""
    from tests.unit.test_pdf import text_of

    key = f"packets/{cloud_id('oak')}/{client_id}/{sheet_id}.pdf"  # where the bucket removes it after a day
    body = cloud.client("s3").get_object(Bucket=f"{cloud.PREFIX}-documents", Key=key)["Body"].read()
    return text_of(io.BytesIO(body).getvalue())


def cloud_id(slug: str) -> str:
    """The id of an organization."""
    from infra.local import world

    return world.tenant_id(slug)
