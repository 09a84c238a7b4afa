"""What clients owe: invoices, their numbers, and the ledger. What people wrote is encrypted.

Amounts are minor units of the record's `currency`. Every change of a client's money goes through `Ledger`, which is
written under its version with each entry: so balances and projections never disagree with the entries.
"""

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute

from chalicelib.models.table import CLIENT, TENANT, BytesAttribute, JsonAttribute, Key, Record


class Invoice(Record):
    """An invoice, or a good-faith estimate. Edited whole.

    draft ── issue: number, charge ──▶ open ◀── money, refunds ──▶ paid
      └── delete ▶ gone                 └──── void ────▶ void ◀─────┘
    An estimate goes from draft to given, owes nothing and has no number.
    `balance` (what is due), `settled` and `facts` repeat what the ledger says (services.books writes them with every
    entry).
    """

    KEY = Key(CLIENT, "INVOICE#{invoice_id}")
    BY_TENANT = Key(TENANT + "#INVOICES", "{status}#{invoice_id}", "gsi1")
    BY_CLIENT = Key(TENANT + "#CLIENT#{client_id}#INVOICES", "{phase}#{invoice_id}", "gsi2")

    client_id = UnicodeAttribute()
    invoice_id = UnicodeAttribute()
    phase = UnicodeAttribute()  # draft, open, settled (paid, void) or estimate
    status = UnicodeAttribute()  # draft, open, paid, void or given
    what = UnicodeAttribute()  # invoice or estimate
    number = NumberAttribute(null=True)
    currency = UnicodeAttribute()
    total = NumberAttribute()  # all lines, with taxes
    insurance = NumberAttribute()  # of that, what insurance is expected to pay
    charge = NumberAttribute()  # of that, the client's portion
    balance = NumberAttribute()
    settled = NumberAttribute()
    moved = BooleanAttribute(null=True)  # the ledger says more about it than its charge
    due_on = UnicodeAttribute(null=True)  # a day
    issued_at = UnicodeAttribute(null=True)
    issued_on = UnicodeAttribute(null=True)  # that day at the organization
    settled_at = UnicodeAttribute(null=True)  # paid or void since
    created_at = UnicodeAttribute()
    created_by = UnicodeAttribute()
    appointment_ids = JsonAttribute(null=True)  # what its lines are for
    payment_id = UnicodeAttribute(null=True)  # the one attempt to pay it online that is open
    facts = JsonAttribute(null=True)  # ids of the entries about it, besides its charge; none, issued: too many to name
    details = BytesAttribute()  # encrypted: {lines, taxes, note, diagnoses, reason}


class InvoiceNumbers(Record):
    """The last number that an invoice of the organization was given: without gaps, so it is the one hot item. From the
    first invoice or the first money on it is there, and the currency stays."""

    KEY = Key(TENANT, "INVOICE_NUMBERS")

    last = NumberAttribute()


class NumberedInvoice(Record):
    """Whose invoice a number is: written with the number, and never changed."""

    KEY = Key(TENANT + "#NUMBER#{number}", "INVOICE")

    number = UnicodeAttribute()
    client_id = UnicodeAttribute()
    invoice_id = UnicodeAttribute()


class BilledAppointment(Record):
    """This appointment stands on that invoice: not on two."""

    KEY = Key(CLIENT, "BILLED#{appointment_id}")

    client_id = UnicodeAttribute()
    appointment_id = UnicodeAttribute()
    invoice_id = UnicodeAttribute()


class Ledger(Record):
    """How a client stands, as the entries say. Edited whole: whoever adds an entry has seen all that it depends on.

    All of it can be made again from the entries, and within a day of every change it is: due until then.
    """

    KEY = Key(CLIENT, "LEDGER")

    client_id = UnicodeAttribute()
    balance = NumberAttribute()
    credit = NumberAttribute()
    debt = NumberAttribute()
    entries = NumberAttribute()
    open = JsonAttribute(null=True)  # ids of the entries that are not at rest (ledger.open); none: read all


class LedgerEntry(Record):
    """One fact of a client's ledger (chalicelib/ledger/entries.py). Never changed, never removed."""

    KEY = Key(CLIENT, "ENTRY#{entry_id}")
    BY_MONTH = Key(TENANT + "#LEDGER#{year_month}", "{entry_id}", "gsi1")

    client_id = UnicodeAttribute()
    entry_id = UnicodeAttribute()
    year_month = UnicodeAttribute()
    entry = UnicodeAttribute()  # ledger.entries.Kind
    amount = NumberAttribute()
    currency = UnicodeAttribute()
    invoice_id = UnicodeAttribute(null=True)
    payment_id = UnicodeAttribute(null=True)
    of = UnicodeAttribute(null=True)
    shares = JsonAttribute(null=True)  # [[invoice_id, amount]]
    method = UnicodeAttribute(null=True)  # card, cash, check or other
    object_id = UnicodeAttribute(null=True)  # Stripe's
    happened_at = UnicodeAttribute()
    recorded_at = UnicodeAttribute()
    recorded_by = UnicodeAttribute()  # a staff id, "client" or "stripe"
    recorded_by_name = UnicodeAttribute(null=True)
    words = BytesAttribute(null=True)  # encrypted: {reason, reference}


class Export(Record):
    """A table that somebody asked for, as a CSV file.   making ──▶ ready; due again until it is, and gone after a day

    The file is written in parts: how far it is stands here, under its version.
    """

    KEY = Key(TENANT, "EXPORT#{export_id}")

    export_id = UnicodeAttribute()
    what = UnicodeAttribute()  # payments or invoices
    first_day = UnicodeAttribute()
    last_day = UnicodeAttribute()
    asked_by = UnicodeAttribute()
    asked_by_name = UnicodeAttribute()
    status = UnicodeAttribute()
    upload_id = UnicodeAttribute(null=True)  # the bucket's, of the parts
    etags = JsonAttribute()  # of the parts so far
    rows = NumberAttribute()  # in them, without the heads
    month = UnicodeAttribute(null=True)  # of the ledger, from which the next part is written; none: no part is left
    cursor = UnicodeAttribute(null=True)  # within it
    object_key = UnicodeAttribute(null=True)
    object_version = UnicodeAttribute(null=True)
    created_at = UnicodeAttribute()


class Print(Record):
    """A PDF that somebody asked for.   making ──▶ ready; due again until it is, and gone after a day"""

    KEY = Key(CLIENT, "PRINT#{sheet_id}")

    client_id = UnicodeAttribute()
    sheet_id = UnicodeAttribute()
    what = UnicodeAttribute()  # invoice, receipt, statement, superbill
    about = JsonAttribute()  # {invoice_id?, payment_id?, first_day?, last_day?, for: client or staff}
    status = UnicodeAttribute()
    object_key = UnicodeAttribute(null=True)
    object_version = UnicodeAttribute(null=True)
    created_at = UnicodeAttribute()
