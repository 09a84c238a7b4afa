"""Money on its way, and the organization's account at Stripe. Of a person nothing stands at Stripe, and of a card
nothing but its last four digits stands here."""

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute

from chalicelib.models.table import CLIENT, TENANT, BytesAttribute, JsonAttribute, Key, Record


class CardProcessing(Record):
    """The organization's account at Stripe. Edited whole; due nightly, for the comparison with Stripe's books.

    (none) ── connect ──▶ pending ── Stripe says so ──▶ connected ──▶ disconnected ── connect ──▶ …
    """

    KEY = Key(TENANT, "CARD_PROCESSING")

    status = UnicodeAttribute()
    account = UnicodeAttribute()
    live = BooleanAttribute()
    currency = UnicodeAttribute()
    missing = JsonAttribute(null=True)  # what Stripe still wants to know: its own names of it
    connected_at = UnicodeAttribute(null=True)
    changed_at = UnicodeAttribute()


class StripeAccount(Record):
    """Whose account at Stripe it is: stays for good, so that late money finds its way."""

    KEY = Key("PLATFORM#STRIPE#{account}", "TENANT")

    account = UnicodeAttribute()


class Payment(Record):
    """Money that a client pays: stored before Stripe is asked for anything. Edited whole.

    starting ── Stripe has a session ──▶ open ─┬▶ succeeded ── refunds, disputes: see the ledger
        │                                      ├▶ processing ──▶ succeeded | failed
        └── given up ─▶ cancelled | expired    └▶ cancelled | expired | failed
    `closing`: it asks for more than is due by now, so its page is to be closed, or its card not to be charged any more.
    Money may still arrive after any end; then it has succeeded.
    Cash and checks are recorded as succeeded. Due until it is decided, until everyone was told, and while a refund is
    under way.
    """

    KEY = Key(CLIENT, "PAYMENT#{payment_id}")
    BY_CLIENT = Key(TENANT + "#CLIENT#{client_id}#PAYMENTS", "{phase}#{payment_id}", "gsi2")

    client_id = UnicodeAttribute()
    payment_id = UnicodeAttribute()
    phase = UnicodeAttribute()  # attempt, or done once money has come
    method = UnicodeAttribute()  # card, cash, check or other
    way = UnicodeAttribute()  # checkout, saved_card, autopay, guest or staff
    status = UnicodeAttribute()
    amount = NumberAttribute()
    currency = UnicodeAttribute()
    shares = JsonAttribute()  # [[invoice_id, amount]]
    numbers = JsonAttribute()  # of those invoices, in order
    account = UnicodeAttribute(null=True)  # at Stripe
    live = BooleanAttribute(null=True)
    session_id = UnicodeAttribute(null=True)
    intent_id = UnicodeAttribute(null=True)
    address = UnicodeAttribute(null=True)  # of the Checkout page
    save_card = BooleanAttribute(null=True)
    card_id = UnicodeAttribute(null=True)  # the saved card that is charged
    link_id = UnicodeAttribute(null=True)  # the guest's link
    card = JsonAttribute(null=True)  # {brand, last4} that paid
    failure = UnicodeAttribute(null=True)  # a code of Stripe's
    created_at = UnicodeAttribute()
    ends_at = UnicodeAttribute(null=True)  # the Checkout page's end
    succeeded_at = UnicodeAttribute(null=True)
    refunded = NumberAttribute()
    by_hand = NumberAttribute(null=True)  # of what was refunded of a card payment, what did not go through Stripe
    disputed = NumberAttribute()
    lost = NumberAttribute(null=True)  # of what is disputed, what the bank has decided against the practice
    refunding = JsonAttribute(null=True)  # {refund_id, amount}: the one refund that was asked for and is not booked yet
    refund_failed = JsonAttribute(null=True)  # {amount, how, at}: the last that did not go through (services.refunds)
    telling = JsonAttribute(null=True)  # [[notice, cause, staff_id, at, amount]] still to be written
    closing = BooleanAttribute(null=True)
    tries = NumberAttribute(null=True)  # how often it was looked at since it should have been decided


class RefundRequest(Record):
    """What staff asked Stripe to send back: written first, so that who and why is known when it is booked.

    asked: the payment's `refunding` ──▶ booked, or refused; then it is not asked for again
    """

    KEY = Key(CLIENT, "REFUND#{refund_id}")

    client_id = UnicodeAttribute()
    refund_id = UnicodeAttribute()
    payment_id = UnicodeAttribute()
    amount = NumberAttribute()
    asked_by = UnicodeAttribute()
    asked_by_name = UnicodeAttribute()
    asked_at = UnicodeAttribute()
    refused = BooleanAttribute(null=True)  # by Stripe
    words = BytesAttribute(null=True)  # encrypted: {reason}


class Intent(Record):
    """Which payment a payment intent of Stripe's is."""

    KEY = Key(TENANT + "#INTENT#{intent_id}", "PAYMENT")

    intent_id = UnicodeAttribute()
    client_id = UnicodeAttribute()
    payment_id = UnicodeAttribute()


class Payer(Record):
    """A client as Stripe knows them (by an id alone), their saved cards, and whether invoices are paid by themselves.
    Edited whole."""

    KEY = Key(CLIENT, "PAYER")

    client_id = UnicodeAttribute()
    account = UnicodeAttribute()
    customer = UnicodeAttribute()
    cards = JsonAttribute()  # [{card_id, brand, last4, month, year, saved_at}]; card_id is Stripe's
    autopay_card = UnicodeAttribute(null=True)
    autopay_since = UnicodeAttribute(null=True)


class PlannedCharge(Record):
    """An invoice that will be paid by the saved card: the client is told first. Due when it is charged. What was added
    to the invoice after they were told is planned, and told, anew when this is charged."""

    KEY = Key(CLIENT, "AUTOPAY#{invoice_id}")

    client_id = UnicodeAttribute()
    invoice_id = UnicodeAttribute()
    charge_at = UnicodeAttribute()
    amount = NumberAttribute()  # what the client was told of: no more is charged
    status = UnicodeAttribute()  # planned, charged, cancelled or failed
    payment_id = UnicodeAttribute(null=True)


class PayLink(Record):
    """A link by which somebody without an account pays one invoice, once: it shows practice, number and amount."""

    KEY = Key(CLIENT, "PAYLINK#{link_id}")

    client_id = UnicodeAttribute()
    link_id = UnicodeAttribute()
    invoice_id = UnicodeAttribute()
    token_digest = UnicodeAttribute()
    status = UnicodeAttribute()  # open, used or revoked
    ends_at = UnicodeAttribute()
    made_by = UnicodeAttribute()
    payment_id = UnicodeAttribute(null=True)


class Reconciliation(Record):
    """One night's comparison of the ledger with Stripe's books."""

    KEY = Key(TENANT, "RECONCILIATION#{day}")

    day = UnicodeAttribute()
    currency = UnicodeAttribute()
    ledger_total = NumberAttribute()
    stripe_total = NumberAttribute()
    difference = NumberAttribute()
    objects = NumberAttribute()
    repaired = NumberAttribute()
    unmatched = JsonAttribute()  # Stripe's ids that no entry has, after repairing
    done_at = UnicodeAttribute()
