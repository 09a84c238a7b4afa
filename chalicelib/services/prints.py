"""Printing: invoice, receipt, statement and superbill as PDF, rendered by on_sealing, not by the API (DOMAIN.md 7.3).

    ask ─▶ making, queued ─▶ on_sealing: render from the records, store ─▶ ready: a link for two minutes

What is printed is what the records say when it is rendered: a sheet of last year prints today, paid or not.
"""

from datetime import date, datetime, timedelta

from chalicelib import clock, ids
from chalicelib.adapters import documents as bucket
from chalicelib.adapters import queues
from chalicelib.config import settings
from chalicelib.context import Actor, Context, Persona
from chalicelib.errors import InvalidBody, NotFound
from chalicelib.models.clients import Client
from chalicelib.models.invoices import Print
from chalicelib.models.payments import Payment
from chalicelib.models.table import at_keys, load
from chalicelib.models.tenants import Tenant
from chalicelib.models.transaction import Transaction, change
from chalicelib.observability import logger, where
from chalicelib.services import accounts, audits, invoices

INVOICE, RECEIPT, SUPERBILL = "invoice", "receipt", "superbill"
KEPT = timedelta(days=1)
AGAIN = timedelta(minutes=2)
LONGEST = 731  # days of one statement


# ---- asking ----


def ask(context: Context, what: str, about: dict[str, str]) -> Print:
    """Have a sheet made. Raises NotFound for what is not the client's, InvalidBody for a period, TooManyRequests."""
    _require_there(context, what, about)
    limit = settings.limit("prints_person")
    accounts.throttle(context.tenant_id, limit, context.now.timestamp(), "prints", context.actor.id)
    record = Print.new(
        tenant_id=context.tenant_id,
        client_id=context.client_id,
        sheet_id=ids.new_id(context.now),
        what=what,
        about={**about, "for": context.actor.kind},
        status="making",
        created_at=clock.text(context.now),
        expires_at=int((context.now + KEPT).timestamp()),
    ).due(context.now + AGAIN)
    with Transaction() as tx:
        tx.create(record)
        tx.create(
            audits.event(context, f"print:{what}", client_id=context.client_id, sheet_id=record.sheet_id, **about)
        )
    _queue(record)
    return record


def _queue(record: Print) -> None:
    try:
        queues.prints(record.tenant_id, record.client_id, record.sheet_id)
    except Exception as error:
        logger.warning("print_not_queued", error=where(error))


def _require_there(context: Context, what: str, about: dict[str, str]) -> None:
    own = {"tenant_id": context.tenant_id, "client_id": context.client_id}
    if what in (INVOICE, SUPERBILL):
        found = invoices.get(context, about.get("invoice_id", "-"))
        if found.status == "draft" or (what == SUPERBILL and found.what != INVOICE):
            raise NotFound()
    elif what == RECEIPT:
        (payment,) = load((Payment, {**own, "payment_id": about.get("payment_id", "-")}))
        if payment is None or payment.status != "succeeded":
            raise NotFound()
    else:
        first, last = date.fromisoformat(about["first_day"]), date.fromisoformat(about["last_day"])
        if not 0 <= (last - first).days < LONGEST:
            detail = "Choose a period of at most two years."
            raise InvalidBody(errors=[{"pointer": "/last_day", "code": "period", "detail": detail}])


def link(context: Context) -> tuple[Print, str | None, datetime | None]:
    """The sheet that the address names and, once it is made, a link to it for two minutes. Raises NotFound, too, once
    its day is over."""
    record: Print | None = context.named.get("sheet_id")
    if record is None or record.expires_at <= context.now.timestamp():  # the bucket drops the file then
        raise NotFound()
    if record.status != "ready":
        return record, None, None
    url, until = bucket.link(record.object_key, record.object_version, f"{record.what}.pdf")
    return record, url, until


# ---- making ----


def make(tenant_id: str, client_id: str, sheet_id: str) -> None:
    """Render one sheet and store it; safe to repeat."""
    from chalicelib.services import sheets  # fonts and letters: nothing for the API to load

    about = {"tenant_id": tenant_id, "client_id": client_id}
    record, tenant, client = load((Print, {**about, "sheet_id": sheet_id}), (Tenant, about), (Client, about))
    if record is None or tenant is None or client is None or record.status == "ready":
        return
    context = Context(tenant_id, Actor("system", "prints"), clock.now(), Persona.JOBS, tenant=tenant, client=client)
    pdf = sheets.pdf(context, record.what, record.about)
    key = bucket.print_key(tenant_id, client_id, sheet_id)  # gone after a day, like its record
    version = bucket.put(key, pdf, "application/pdf")
    actions = [Print.status.set("ready"), Print.object_key.set(key), Print.object_version.set(version)]
    change(record, *actions, *record.due_next(None))


def sweep(pk: str, sk: str, now: datetime) -> None:
    """A sheet that should be there by now: queued again, for a day."""
    for record in at_keys([(pk, sk)], consistent=True):
        over = record.status == "ready" or record.expires_at < now.timestamp()
        change(record, *record.due_next(None if over else now + AGAIN))
        if not over:
            _queue(record)
