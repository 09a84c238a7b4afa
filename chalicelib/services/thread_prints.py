"""A thread as a PDF: asked for here, made by on_sealing (which alone loads the PDF library), kept for a day."""

from datetime import datetime, timedelta
from typing import Any

from chalicelib import clock, ids
from chalicelib.adapters import documents as bucket
from chalicelib.adapters import queues
from chalicelib.config import settings
from chalicelib.context import Context
from chalicelib.errors import NotFound, PortalError, PrintNotReady
from chalicelib.models.clients import Client
from chalicelib.models.messages import Thread, ThreadPrint
from chalicelib.models.table import at_keys, load
from chalicelib.models.tenants import Tenant
from chalicelib.models.transaction import Transaction, change
from chalicelib.observability import logger, where
from chalicelib.services import accounts, audits, mailboxes, messages, staff

KEPT = timedelta(hours=24)
AGAIN = timedelta(minutes=3)
GIVE_UP = timedelta(minutes=30)
MOST = 5000  # messages of one PDF: the newest


def ask(context: Context, thread_id: str) -> ThreadPrint:
    """Have a PDF made of what the asker can see of a thread now. Raises NotFound, TooManyRequests."""
    thread = messages.get(context, thread_id)
    box = messages.box_of(context, thread)
    limit = settings.limit("prints")
    accounts.throttle(context.tenant_id, limit, context.now.timestamp(), "prints", context.actor.id)
    last = int(thread.last)
    record = ThreadPrint.new(
        tenant_id=context.tenant_id,
        client_id=context.client_id,
        thread_id=thread_id,
        print_id=ids.new_id(context.now),
        asked_kind=messages.CLIENT if context.actor.kind == "client" else messages.STAFF,
        asked_by=context.actor.staff_id,
        first=max(int(box.hidden_to or 0), last - MOST) + 1,
        last=last,
        status="making",
        asked_at=clock.text(context.now),
        expires_at=int((context.now + KEPT).timestamp()),
    )
    record.due(context.now + AGAIN)
    about = {"thread_id": thread_id, "print_id": record.print_id}
    with Transaction() as tx:
        tx.create(record)
        tx.create(audits.event(context, "message:print", client_id=context.client_id, **about))
    _queue(record)
    return record


def get(context: Context, thread_id: str, print_id: str) -> ThreadPrint:
    """A PDF that the asker asked for. Raises NotFound."""
    messages.box_of(context, messages.get(context, thread_id))
    place: dict[str, Any] = {"tenant_id": context.tenant_id, "client_id": context.client_id, "thread_id": thread_id}
    found = ThreadPrint.find(**place, print_id=print_id)
    over = found is not None and found.expires_at < context.now.timestamp()
    if found is None or over or found.asked_by != context.actor.staff_id:
        raise NotFound()
    return found


def download(context: Context, thread_id: str, print_id: str) -> tuple[str, Any]:
    """A link for two minutes, made after the permission check. Raises NotFound, PrintNotReady."""
    found = get(context, thread_id, print_id)
    if found.status != "ready":
        raise PrintNotReady()
    about = {"thread_id": thread_id, "print_id": print_id}
    audits.record(context, "message:download", client_id=context.client_id, **about)
    return bucket.link(found.object_key, found.object_version, f"conversation-{found.asked_at[:10]}.pdf")


# ---- making it ----


class _Beside(PortalError):
    """Another worker was faster."""


def make(pk: str, sk: str) -> None:
    """Make one PDF; safe to repeat: the same bytes at the same place."""
    for record in at_keys([(pk, sk)], consistent=True):
        if record.status != "making":
            continue
        place = {"tenant_id": record.tenant_id, "client_id": record.client_id, "thread_id": record.thread_id}
        thread, client, tenant = load((Thread, place), (Client, place), (Tenant, place))
        if thread is None or client is None or tenant is None:
            _settle(record, "failed")
            continue
        object_key = bucket.print_key(record.tenant_id, record.client_id, record.print_id)
        version = bucket.put(object_key, _rendered(record, thread, client, tenant), "application/pdf")
        _settle(record, "ready", ThreadPrint.object_key.set(object_key), ThreadPrint.object_version.set(version))


def _rendered(record: ThreadPrint, thread: Thread, client: Client, tenant: Tenant) -> bytes:
    from chalicelib.adapters import pdf_thread
    from chalicelib.services import clients

    cards = mailboxes.cards_of(record.tenant_id, thread.members)
    shown = messages.between(thread, int(record.first), int(record.last))
    return pdf_thread.render(
        pdf_thread.Thread(
            organization=tenant.name,
            subject=messages.subject_of(thread),
            client_name=clients.shown(client),
            with_names=[staff.shown(cards[each]) for each in thread.members if each in cards],
            zone=tenant.zone,
            printed_at=clock.parse(record.asked_at),
            reference=record.print_id,
            messages=[
                pdf_thread.Message(
                    sender=each.sender_name,
                    sent_at=clock.parse(each.sent_at),
                    body=each.body,
                    files=[file["name"] for file in each.files],
                )
                for each in shown
            ],
        )
    )


def _settle(record: ThreadPrint, status: str, *actions: Any) -> None:
    settled = [ThreadPrint.status.set(status), *actions, *record.due_next(None)]
    try:
        change(record, *settled, when=ThreadPrint.status == "making", otherwise=_Beside())
    except _Beside:
        return


def sweep(pk: str, sk: str, now: datetime) -> None:
    """A PDF that should be there by now: ask again; after half an hour, give up."""
    for record in at_keys([(pk, sk)], consistent=True):
        if record.status != "making" or now > clock.parse(record.asked_at) + GIVE_UP:
            _settle(record, "failed")
            continue
        change(record, *record.due_next(now + AGAIN))
        _queue(record)


def _queue(record: ThreadPrint) -> None:
    try:
        queues.printing(record.pk, record.sk)
    except Exception as error:  # the sweep finds it
        logger.warning("print_not_queued", error=where(error))
