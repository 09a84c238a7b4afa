"""Money in browsers: a client pays on Stripe's page and never sees more than is true; staff bill, refund and print."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from pypdf import PdfReader

from infra.local import stripe_double
from tests import billing, booking
from tests.calls import PEOPLE, Answer, Caller
from tests.e2e.device import Device

C1 = f"/staff/clients/{PEOPLE['C1'].id}"


@pytest.fixture
def phone(devices: Callable[..., Device], call: Any) -> Device:
    """C1 at home."""
    device = devices("phone")
    device.enter(call.browser("C1"))
    return device


@pytest.fixture
def desk(desk: Callable[..., Device]) -> Device:
    """The administrator's computer."""
    return desk("A1")


def at_stripe(device: Device, amount: str, number: str = billing.CARD, press: str | None = None) -> None:
    """On Stripe's page: type a card, and pay."""
    expect(device.page.get_by_role("heading", level=1)).to_have_text(f"Pay {amount} USD")
    device.page.get_by_label("Card number").fill(number)
    device.press(press or f"Pay {amount} USD")


def paid(device: Device, office: Caller) -> None:
    """Back from Stripe: nothing is claimed before it is known; then it is."""
    device.arrived("Waiting for your bank", by_link=False)
    billing.told(office)
    device.arrived("Paid")


def took_place(call: Any, office: Caller) -> None:
    """C1 was at T1's yesterday, for $150.00; nobody has billed it."""
    service = booking.opened(call, "T1", price={"amount": 15_000, "currency": "usd"})
    day = booking.at(office.clock, -1)
    held = booking.book_for(call("A1"), "C1", "T1", service, day, override=True).json
    assert booking.theirs(call("A1"), "C1", held, "outcome", {"status": "completed"}).status == 200


def switch_off(staff: Caller) -> Answer:
    """Payments is switched off."""
    etag = staff.get("/practice/settings").json["etag"]
    return staff.patch("/practice/settings", {"features": {"payments": False}}, etag=etag)


def pdf(device: Device, office: Caller, button: str) -> bytes:
    """Press a button that has a PDF made, and have it."""
    with device.page.expect_download() as got:
        with device.page.expect_response(re.compile(r"/prints$")):
            device.press(button)
        office.local("POST", "/run/on_sealing")
    made = Path(got.value.path()).read_bytes()
    assert made.startswith(b"%PDF-")
    return made


def meanwhile(phone: Device, call: Any, office: Caller) -> None:
    """What the practice does while the client is on Stripe's page closes it; what is then too little for a card has no
    button, alone, and has one with another invoice."""
    staff = call("A1")
    bill = billing.issued(staff, "C1", billing.line(1_000))
    phone.open("/payments")
    phone.press("Pay $10.00")
    at_stripe(phone, "10.00", press="Back")
    phone.arrived("You did not pay", by_link=False)
    phone.open("/payments")
    phone.press("Pay $10.00")
    expect(phone.page.get_by_role("heading", level=1)).to_have_text("Pay 10.00 USD")
    started = billing.start(call("C1"), bill).json  # the same one
    write_off = {"amount": 970, "reason": "Goodwill"}
    assert billing.on(staff, "C1", bill["invoice_id"], "write-off", write_off).status == 200
    phone.open(f"/pay/done/{started['payment_id']}")
    phone.arrived("Closing the page to pay", by_link=False)
    phone.look("closing")
    billing.told(office)
    phone.arrived("The page to pay was closed")
    phone.sees(re.compile("You were not charged. What is due changed while you were there"))
    phone.look("closed")
    phone.follow("See what is due now")
    phone.arrived("Payments")
    phone.sees(re.compile(r"A card cannot pay less than \$0.50 at once. Pay this at the practice\."))
    expect(phone.page.get_by_role("button", name=re.compile("^Pay"))).to_have_count(0)
    phone.look("too-little")
    phone.open(f"/payments/invoices/{bill['invoice_id']}")
    phone.sees(re.compile("Pay this at the practice"))
    expect(phone.page.get_by_text("Have somebody else pay")).to_have_count(0)
    phone.look("invoice-too-little")
    other = billing.issued(staff, "C1", billing.line(100))
    phone.open("/payments")
    box = phone.page.get_by_role("checkbox", name=re.compile(f"Invoice {other['number']}"))
    box.uncheck()
    phone.sees(re.compile("Pay this at the practice, or together with another invoice"))
    phone.look("too-little-alone")
    box.check()
    phone.press("Pay $1.30")
    at_stripe(phone, "1.30")
    paid(phone, office)
    phone.open("/payments")
    phone.sees("Nothing to pay")


def test_a_client_pays_a_part_then_the_rest_and_prints(phone: Device, call: Any, office: Caller, tmp_path: Any) -> None:
    staff = call("A1")
    first = billing.issued(staff, "C1", billing.line(16_000, insurance=12_500), billing.line(2_500))
    second = billing.issued(staff, "C1", billing.line(4_000))
    phone.open("/home")
    phone.sees("2 open invoices")
    phone.look("home")
    phone.follow("Payments", within=phone.page.get_by_role("navigation", name="Main, small screens"))
    phone.arrived("Payments")
    phone.sees("$100.00")
    expect(phone.page.get_by_role("button", name="Pay $100.00")).to_be_visible()
    phone.look("two-open")
    phone.page.get_by_role("checkbox", name=re.compile(f"Invoice {second['number']}")).uncheck()
    amount = phone.page.get_by_label("Amount to pay now")
    expect(amount).to_have_value("60.00")
    phone.sees("Pay all of it, or from $5.00 to $59.50 now and the rest later.")
    for wrong, said in (
        ("4.99", "Enter at least $5.00"),
        ("60.01", "Enter at most $60.00"),
        ("59.51", "at most $59.50: no card could pay what is left"),
        ("ten", "like 35.00"),
    ):
        amount.fill(wrong)
        phone.page.locator("button[type=submit]").click()
        expect(amount).to_be_focused()
        phone.sees(re.compile(re.escape(said)))
    phone.look("wrong-amount")
    amount.fill("20")
    phone.press("Pay $20.00")
    at_stripe(phone, "20.00")
    phone.arrived("Waiting for your bank", by_link=False)
    phone.look("waiting")
    billing.told(office)
    phone.arrived("Paid")
    phone.sees(f"Your payment of $20.00 for invoice {first['number']} has arrived.")
    phone.look("paid")
    phone.follow("Back to Payments")
    phone.arrived("Payments")
    phone.sees("$80.00")
    phone.press("Pay $80.00")
    at_stripe(phone, "80.00")
    paid(phone, office)
    phone.follow("See the receipt")
    phone.arrived(re.compile("^Payment on "))
    phone.sees("Visa ending 4242")
    phone.look("receipt")
    pdf(phone, office, "Receipt as PDF")
    phone.page.get_by_role("link", name=re.compile(f"Invoice {first['number']}")).click()
    phone.arrived(f"Invoice {first['number']}")
    phone.sees("Expected from insurance")
    expect(phone.page.get_by_text(re.compile("^Card payment, "))).to_have_count(2)  # $20.00, then the rest
    sheet = phone.page.get_by_role("article")
    expect(sheet).to_contain_text(PEOPLE["C1"].name)  # the legal name, as on the PDF
    expect(sheet).not_to_contain_text("Immy")
    phone.look("invoice")
    phone.page.emulate_media(media="print")
    expect(phone.page.get_by_role("button", name="Print")).to_be_hidden()
    expect(phone.page.get_by_role("navigation")).to_have_count(0)
    for paper in ("Letter", "A4"):
        phone.page.pdf(path=tmp_path / "page.pdf", format=paper)
        assert len(PdfReader(tmp_path / "page.pdf").pages) == 1
    phone.page.emulate_media(media="screen")
    pdf(phone, office, "Superbill for your insurer")
    phone.open("/payments")
    phone.sees("Nothing to pay")
    phone.look("settled")
    meanwhile(phone, call, office)
    phone.follow("Statement")
    phone.arrived("Statement")
    phone.page.get_by_label("Through").fill("2026-01-01")
    phone.page.get_by_label("From").fill("2026-01-02")
    phone.press("Make the PDF")
    phone.sees("This is before the first day")
    phone.look("statement-fault")
    phone.page.get_by_label("From").fill("2026-01-01")
    pdf(phone, office, "Make the PDF")
    assert [each for each, _ in billing.facts(staff, "C1")].count("payment") == 3


def test_declined_cancelled_saved_and_paid_by_itself(phone: Device, call: Any, office: Caller) -> None:
    staff = call("A1")
    number = billing.issued(staff, "C1", billing.line(3_500))["number"]
    phone.open("/payments")
    phone.press("Pay $35.00")
    at_stripe(phone, "35.00", billing.DECLINED)
    expect(phone.page.get_by_role("alert")).to_have_text("Your card was declined.")
    phone.press("Back")
    phone.arrived("You did not pay", by_link=False)
    phone.sees("You were not charged.")
    phone.look("cancelled")
    phone.follow("Try again")
    phone.arrived("Payments")
    phone.page.get_by_label("Save this card for next time").check()
    phone.press("Pay $35.00")
    at_stripe(phone, "35.00")
    paid(phone, office)
    phone.follow("Back to Payments")
    phone.arrived("Payments")
    phone.sees(f"Invoice {number}, Visa ending 4242")
    phone.page.get_by_role("link", name=re.compile("Saved cards")).click()
    phone.arrived("Saved cards")
    phone.press("Turn on automatic payment")
    phone.sees("Check the box to allow this")
    phone.look("autopay-off")
    phone.page.get_by_label(re.compile("^I allow Oak Lane Counseling")).check()
    phone.press("Turn on automatic payment")
    phone.sees(re.compile("New invoices are paid by Visa ending 4242"))
    phone.look("autopay-on")
    planned = billing.issued(staff, "C1", billing.line(6_000))["invoice_id"]
    raised = billing.on(staff, "C1", planned, "adjustment", {"amount": 2_000, "reason": "One more session"})
    assert raised.status == 200, raised
    phone.open("/payments")
    phone.sees(re.compile(r"Your saved card is charged \$60.00 on .+ This leaves out \$20.00 that came after"))
    phone.look("planned")
    billing.lever(office, down=5)
    phone.allow(503, "POST /api/portal/payments")
    phone.press("Pay $80.00")
    phone.sees(re.compile("nothing is charged twice"))
    billing.lever(office, down=0)
    phone.press("Pay $80.00")  # by the card that is saved: no page of Stripe's
    phone.arrived("Waiting for your bank")
    billing.told(office)
    phone.arrived("Paid")
    phone.open("/payments/cards")
    phone.page.get_by_role("button", name=re.compile("Visa ending 4242")).click()
    phone.look("remove-asked")
    phone.press("Remove", within=phone.page.get_by_role("dialog"))
    phone.sees("No card is saved")
    phone.look("no-card")
    billing.issued(staff, "C1", billing.line(2_000))
    phone.open("/payments")
    phone.sees("Save this card for next time")
    assert switch_off(staff).status == 200
    phone.allow(403, "POST /api/portal/payments")
    phone.press("Pay $20.00")
    phone.sees(re.compile("You were not charged. The practice does not take cards here at the moment."))
    phone.look("switched-off-midway")


def test_staff_bill_a_guest_pays_and_money_goes_back(
    desk: Device, devices: Callable[..., Device], call: Any, office: Caller
) -> None:
    page = desk.page
    took_place(call, office)
    desk.open(f"{C1}/billing")
    desk.sees("Nothing billed yet")
    desk.look("to-bill")
    desk.press("Bill 1 appointment, $150.00")
    desk.sees("Invoice 1001 is issued.")
    desk.follow("Invoice 1001")
    desk.arrived("Invoice 1001", title="Invoice 1001, Immy")
    desk.press("Make void")
    page.get_by_role("dialog").get_by_label("Reason").fill("Wrong day")
    desk.press("Make void", within=page.get_by_role("dialog"))
    desk.sees("The invoice is void.")
    desk.sees(re.compile("^Made void, "))
    desk.open(f"{C1}/billing")
    desk.follow("New invoice")
    desk.arrived("New invoice")
    desk.press("Save and issue")
    desk.sees("Enter the service")
    page.get_by_text("Code and therapist").click()
    expect(page.get_by_label("Taxable")).to_have_count(0)  # the practice has no tax
    desk.look("faults")
    page.get_by_label("Service").fill("Individual session")
    page.get_by_label("Price of one").fill("120")
    page.get_by_label("Quantity").fill("2")
    page.get_by_label("Expected from insurance").fill("150.00")
    desk.press("Add a line")
    second = page.get_by_role("group", name="Line 2")
    second.get_by_label("Service").fill("Letter to a school")
    second.get_by_label("Price of one").fill("30.50")
    desk.sees("$270.50")
    desk.sees("$120.50")
    page.get_by_label("Diagnoses (ICD-10)").fill("F41.1")
    desk.look("editor")
    desk.press("Save and issue")
    desk.arrived(re.compile(r"^Invoice \d+$"), title=re.compile(r"^Invoice \d+, Immy"))
    desk.sees("is issued.")
    number = page.get_by_role("heading", level=1).inner_text()
    desk.press("Make a link")
    address = page.get_by_label("Link to pay this invoice").input_value()
    desk.look("invoice")

    guest = devices("phone", name="guest")
    guest.open(address)
    guest.arrived("Pay an invoice", by_link=False)
    assert "#" not in guest.page.url
    assert PEOPLE["C1"].name.split()[0] not in guest.page.content()
    guest.sees(number)
    guest.look("guest")
    guest.press("Pay $120.50")
    at_stripe(guest, "120.50")
    guest.arrived("Waiting for your bank", by_link=False)
    billing.told(office)
    guest.arrived("Paid. Thank you")
    guest.look("guest-paid")
    little = billing.issued(call("A1"), "C1", billing.line(1_000))["invoice_id"]
    link = billing.on(call("A1"), "C1", little, "pay-link").json["address"]
    for act, said in (("write-off", {"amount": 970, "reason": "Goodwill"}), ("void", {"reason": "Not worth it"})):
        assert billing.on(call("A1"), "C1", little, act, said).status == 200
        if act == "write-off":
            guest.open(link)
            guest.sees(re.compile("A card cannot pay so little at once."))
            guest.look("guest-too-little")
    guest.open("/pay#nonsense-that-is-long-enough-to-look-like-a-link")
    guest.allow(404, "POST /api/guest-payments/lookup")
    guest.page.reload()
    guest.arrived("This link does not work", by_link=False)

    desk.open("/staff")
    desk.sees(re.compile(r"^\$120.50 from "))
    desk.look("notice")
    page.get_by_role("link", name=re.compile("^Open billing")).click()
    desk.arrived(re.compile("^Payment on "))
    desk.sees("By a pay link")
    desk.press("Refund")
    page.get_by_role("dialog").get_by_label("Amount").fill("20.50")
    page.get_by_role("dialog").get_by_label("Reason").fill("Charged too much")
    desk.look("refund-asked")
    (payment,) = [each for each in call("C1").get("/portal/payments").json["items"] if each["way"] == "guest"]
    assert billing.refund(call("A1"), "C1", payment, 550).status == 202  # a colleague, meanwhile
    billing.told(office)
    desk.allow(412, f"POST /api/practice/clients/{PEOPLE['C1'].id}/payments/{payment['payment_id']}/refunds")
    desk.press("Refund", within=page.get_by_role("dialog"))
    desk.sees("Nothing was sent back now: $5.50 was refunded meanwhile, and $115.00 can still go back.")
    desk.look("refund-stale")
    page.get_by_role("dialog").get_by_label("Amount").fill("15")
    desk.press("Refund", within=page.get_by_role("dialog"))
    desk.sees("Stripe was asked to send $15.00 back.")
    desk.look("refund-under-way")
    billing.told(office)
    desk.sees("The refund is recorded.")
    desk.sees("Partly refunded")
    desk.look("refunded")
    page.get_by_role("link", name=re.compile(number)).click()
    desk.arrived(number)
    desk.press("Adjust")
    page.get_by_role("dialog").get_by_label("Amount").fill("-1000")
    page.get_by_role("dialog").get_by_label("Reason").fill("Wrong")
    desk.press("Adjust", within=page.get_by_role("dialog"))
    desk.sees("It can be lowered by at most $120.50, which is all that is owed")
    desk.press("Cancel", within=page.get_by_role("dialog"))
    desk.press("Write off")
    page.get_by_role("dialog").get_by_label("Amount").fill("5")
    page.get_by_role("dialog").get_by_label("Reason").fill("Goodwill")
    desk.press("Write off", within=page.get_by_role("dialog"))
    desk.sees("Written off.")
    desk.follow("Record a payment")
    desk.arrived("Record a payment")
    page.get_by_label("Amount received").fill("25.50")
    page.get_by_label("Reference").fill("Check 204")
    desk.sees("$10.00 is kept as the client’s credit.")
    desk.look("receive")
    desk.press("Record $25.50")
    desk.sees("$25.50 is recorded.")
    desk.open(f"{C1}/billing")
    desk.sees("Paid and void invoices")
    desk.look("billing")
    desk.follow("Ledger")
    desk.arrived("Ledger")
    for said in ("Charged too much", "Goodwill", "Check 204"):
        desk.sees(said)
    desk.look("ledger")
    (sent,) = [each for each in stripe_double.backend().book("acct_oak_demo").of("refund") if each["amount"] == 1_500]
    billing.lever(office, fail_refund=sent["id"])
    billing.told(office)
    desk.open("/staff")
    desk.sees(re.compile(r"^A refund of \$15.00 for .* did not go through$"))
    page.get_by_role("link", name=re.compile("^Open billing")).first.click()
    desk.arrived(re.compile("^Payment on "))
    desk.sees("The refund of $15.00 came back")
    desk.look("refund-returned")
    desk.press("Refund")
    asking = page.get_by_role("dialog")
    desk.sees("The money goes back to the card.")
    asking.get_by_text("By check").click()
    desk.sees("You give the money back yourself: the portal only records it.")
    asking.get_by_label("Amount").fill("15")
    asking.get_by_label("Reason").fill("The card is closed")
    desk.look("refund-by-hand")
    desk.press("Refund", within=asking)
    desk.sees("The refund is recorded.")
    desk.sees("$20.50, $15.00 of it not to the card")
    expect(page.get_by_text("The refund of $15.00 came back")).to_have_count(0)
    desk.look("refunded-by-hand")
    pay_page = page.get_by_role("navigation", name="Main, wide screens")
    desk.follow("Billing", within=pay_page)
    desk.arrived("Billing", title="Invoices")
    page.get_by_label("Which invoices").select_option("draft")
    page.get_by_label("Search by client or number").fill("nobody")
    desk.sees(re.compile("Nothing fits"))
    page.get_by_label("Search by client or number").fill("10")
    desk.sees(re.compile("No invoice has the number 10. Drafts and estimates have none"))
    desk.look("no-number")
    page.get_by_label("Search by client or number").fill(number.split()[1])
    desk.sees(number)  # the server finds it, though it is paid and no draft
    desk.look("practice")
    exported(desk, office)


def exported(desk: Device, office: Caller) -> None:
    """A table is asked for, made while its page is left, and downloaded twice; days without anything say so."""
    page = desk.page
    desk.press("Payments as CSV")
    desk.sees("Being made")
    desk.look("export-made")
    desk.follow("Reconciliation", within=page.get_by_role("navigation", name="Billing"))
    desk.arrived("Billing", title="Reconciliation")
    desk.follow("Invoices", within=page.get_by_role("navigation", name="Billing"))
    desk.sees("Being made")
    office.local("POST", "/run/on_job")
    for _ in range(2):
        with page.expect_download() as got:
            desk.press("Download")
        assert re.fullmatch(r"payments-\d{4}-01-01-to-[\d-]{10}\.csv", got.value.suggested_filename)
    table = Path(got.value.path()).read_text("utf-8-sig")
    rows = [row.split(",")[3].strip('"') for row in table.splitlines()[1:]]
    assert rows.count("payment") == 2
    desk.sees(f"{len(rows)} rows")
    page.get_by_label("First day").fill("2020-01-01")
    page.get_by_label("Last day").fill("2020-03-31")
    with desk.done():
        desk.press("Invoices as CSV")
    office.local("POST", "/run/on_job")
    desk.sees("No invoice was issued on these days.")
    desk.look("exports")
    page.get_by_label("First day").fill("2026-01-01")
    page.get_by_label("Last day").fill("2026-12-31")
    with page.expect_download() as got:  # who waits has it by itself
        with desk.done():
            desk.press("Invoices as CSV")
        office.local("POST", "/run/on_job")
    assert got.value.suggested_filename == "invoices-2026-01-01-to-2026-12-31.csv"


def test_card_processing_is_disconnected_and_connected_again(desk: Device, call: Any, office: Caller) -> None:
    page = desk.page
    desk.open("/staff/organization/billing/card-processing")
    desk.sees("Connected since")
    desk.look("connected")
    desk.press("Disconnect")
    desk.press("Disconnect", within=page.get_by_role("dialog"))
    desk.sees("Card processing is disconnected.")
    desk.follow("Client Portal", within=page.get_by_role("navigation", name="Main, wide screens"))
    switch = page.get_by_role("switch", name="Payments")
    expect(switch).to_be_disabled()
    desk.sees("Card processing is not connected yet. Once it is, you can switch this on.")
    desk.follow("Connect card processing")
    desk.press("Connect again")
    expect(page.get_by_role("heading", level=1)).to_have_text("Say who you are")
    desk.press("Finish")
    desk.arrived("Billing", title="Card processing", by_link=False)
    desk.sees("Connected since")
    desk.follow("Reconciliation", within=page.get_by_role("navigation", name="Billing"))
    desk.sees("No night compared yet")
    desk.look("no-night")
    desk.follow("Billing settings", within=page.get_by_role("navigation", name="Billing"))
    page.get_by_label("Smallest part of an invoice").fill("0.20")
    desk.press("Add a tax")
    page.get_by_label("Name").fill("State tax")
    page.get_by_label("Rate in per cent").fill("8.25")
    page.get_by_label("NPI").fill("1234")
    desk.press("Save")
    desk.sees("An NPI has ten digits")
    desk.look("settings-faults")
    page.get_by_label("Smallest part of an invoice").fill("20")
    page.get_by_label("NPI").fill("1234567893")
    desk.press("Save")
    desk.sees("Saved.")
    kept = call("A1").get("/practice/settings").json["billing"]
    assert (kept["minimum_partial"], kept["npi"]) == (2_000, "1234567893")
    assert kept["taxes"] == [{"name": "State tax", "basis_points": 825}]
    desk.look("settings")
    desk.open(f"{C1}/billing/new?what=estimate")
    desk.arrived("New good-faith estimate", by_link=False)
    page.get_by_label("Service").fill("Individual session")
    page.get_by_label("Price of one").fill("99.99")
    page.get_by_text("Code, therapist, tax").click()
    page.get_by_label("Taxable").check()
    desk.sees("$8.25")
    desk.sees("$108.24")
    desk.look("editor-with-tax")
    desk.press("Save and give to the client")
    desk.arrived("Good-faith estimate", title=re.compile("^Good-faith estimate, Immy"))
    desk.sees("The client sees the estimate now.")
    desk.sees("$108.24")  # as the server reckons
    pdf(desk, office, "PDF")
    desk.look("estimate")
    desk.open("/staff/account")
    page.get_by_label("A payment has arrived").uncheck()
    desk.sees("Saved.")
    assert call("A1").get("/practice/notification-choices").json == {"muted": ["payment_received"]}
    desk.look("mails")
