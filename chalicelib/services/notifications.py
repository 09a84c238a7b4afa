"""What staff are told in the app; mail follows, and says nothing."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from chalicelib import clock, ids
from chalicelib.context import Context
from chalicelib.models.clients import Assignment
from chalicelib.models.notifications import MailChoices, Notification
from chalicelib.models.staff import Staff
from chalicelib.models.table import Page, load
from chalicelib.models.transaction import Transaction, change
from chalicelib.services import audits, staff

KEPT = timedelta(days=180)
PACKET_COMPLETED, RENEWAL_ASKED = "packet_completed", "invitation_renewal_asked"
DOCUMENT_ADDED = "document_added"
SIGN_UP_WAITING = "sign_up_waiting"
PAYMENT_RECEIVED, PAYMENT_FAILED, PAYMENT_DISPUTED = "payment_received", "payment_failed", "payment_disputed"
REFUND_FAILED = "refund_failed"
APPOINTMENT_REQUESTED = "appointment_requested"
MESSAGE_WAITING, THREAD_OPENED = "message_waiting", "thread_opened"


def recipients(tenant_id: str, client_id: str, *also: str) -> list[Staff]:
    """Who is told about a client: active therapists assigned now, and those named who may still see the client;
    administrators if there are none."""
    assigned = [each.staff_id for each in Assignment.every(Assignment.KEY, tenant_id=tenant_id, client_id=client_id)]
    wanted = dict.fromkeys([*assigned, *also])
    found = load(*[(Staff, {"tenant_id": tenant_id, "staff_id": each}) for each in wanted])
    active = [
        each
        for each in found
        if each is not None
        and each.status == "active"
        and (each.staff_id in assigned or staff.ADMINISTRATOR in each.roles)
    ]
    if active:
        return active
    return administrators(tenant_id)


def for_money(tenant_id: str, client_id: str) -> list[Staff]:
    """Who is told of a client's money: the active administrators and the active therapists assigned now (7.1). Whoever
    may act on it is one of these (policies: BILLING)."""
    assigned = [each.staff_id for each in Assignment.every(Assignment.KEY, tenant_id=tenant_id, client_id=client_id)]
    found = load(*[(Staff, {"tenant_id": tenant_id, "staff_id": each}) for each in assigned])
    therapists = [each for each in found if each is not None and each.status == "active"]
    return list({each.staff_id: each for each in (*administrators(tenant_id), *therapists)}.values())


def rows(about: str, cause: str, at: datetime, amount: int, people: Iterable[Staff]) -> list[list[Any]]:
    """What a payment keeps of a notice for each of these people until it is written (models.payments: `telling`).
    `at`: when it became known here, which may be months after the payment."""
    return [[about, cause, str(who.staff_id), clock.text(at), amount] for who in people]


def administrators(tenant_id: str) -> list[Staff]:
    """The active administrators: told of what is nobody else's."""
    everyone = staff.everyone(tenant_id)
    return [each for each in everyone if each.status == "active" and staff.ADMINISTRATOR in each.roles]


def notice(
    who: Staff,
    about: str,
    client_id: str | None,
    at: datetime,
    cause: str,
    *,
    intake_id: str | None = None,
    thread_id: str | None = None,
    worrying: bool = False,
    payment_id: str | None = None,
    amount: int | None = None,
    currency: str | None = None,
) -> Notification:
    """The notification of one person about one cause: the same record however often it is made."""
    return Notification.new(
        tenant_id=who.tenant_id,
        staff_id=who.staff_id,
        notification_id=ids.derived_id(about, cause, who.staff_id, at=at),
        about=about,
        client_id=client_id,
        intake_id=intake_id,
        thread_id=thread_id,
        worrying=worrying,
        payment_id=payment_id,
        amount=amount,
        currency=currency,
        happened_at=clock.text(at),
        read=False,
        expires_at=int((at + KEPT).timestamp()),
    )


def muted(tenant_id: str, staff_id: str) -> set[str]:
    """What this staff member is told in the app only; nothing, until they choose."""
    (found,) = load((MailChoices, {"tenant_id": tenant_id, "staff_id": staff_id}))
    return set(found.muted) if found is not None else set()


def mute(context: Context, kinds: list[str]) -> None:
    """Do without the mails about these; the notices in the app come all the same (DOMAIN.md 7.1)."""
    own = {"tenant_id": context.tenant_id, "staff_id": context.actor.id}
    with Transaction() as tx:
        tx.put(MailChoices.new(**own, muted=sorted(set(kinds))))
        tx.create(audits.event(context, "notification:mute", kinds=sorted(set(kinds))))


def mine(context: Context, limit: int, cursor: str | None) -> Page:
    """One's own notifications, newest first."""
    return Notification.page(
        Notification.KEY, tenant_id=context.tenant_id, staff_id=context.actor.id, limit=limit, cursor=cursor
    )


def mark_read(context: Context, notification_id: str) -> None:
    """Once read, always read. Raises NotFound for what is not one's own."""
    from chalicelib.errors import NotFound

    own = {"tenant_id": context.tenant_id, "staff_id": context.actor.id, "notification_id": notification_id}
    try:
        record = Notification.at(**own)
    except ValueError:
        raise NotFound() from None
    change(record, Notification.read.set(True), otherwise=NotFound())
