"""What staff are told, and where each kind of person starts."""

from typing import Annotated, Any, Literal

from pydantic import Field

from chalicelib import clock
from chalicelib.context import Context
from chalicelib.handlers.routing import PORTAL, PRACTICE, Routes
from chalicelib.handlers.views import Body, Empty, Money, Paging, PortalView, View
from chalicelib.policies.rules import Role
from chalicelib.services import clients, documents, intakes, invites, notifications, signups

practice = Routes(__name__, PRACTICE, "/practice")
portal = Routes(__name__ + ".portal", PORTAL, "/portal")

SHOWN = 20
Choosable = Literal["message_waiting", "payment_received", "payment_failed", "payment_disputed", "refund_failed"]


class NotificationView(View):
    """Something that happened with one of the asker's clients, or (a sign-up) with somebody who has no file yet.
    `worrying`: a safety answer of the packet waits for a staff member to mark it as seen."""

    notification_id: str
    kind: Literal[
        "packet_completed",
        "invitation_renewal_asked",
        "document_added",
        "sign_up_waiting",
        "payment_received",
        "payment_failed",
        "payment_disputed",
        "refund_failed",
        "appointment_requested",
        "message_waiting",
        "thread_opened",
    ]
    client_id: str | None
    client_name: str | None
    intake_id: str | None
    thread_id: str | None
    worrying: bool
    payment_id: str | None
    amount: Money | None
    at: str
    read: bool


class NotificationPage(View):
    """Some notifications, newest first."""

    items: list[NotificationView]
    next_cursor: str | None

    def clients_named(self) -> list[str]:
        """Those of whom something is told."""
        return [each.client_id for each in self.items if each.client_id]


class Waiting(View):
    """A client whose invitation waits for an answer."""

    client_id: str
    client_name: str
    state: Literal["invited", "expired"]
    since: str


class StaffHome(View):
    """Today."""

    first_name: str
    notifications: list[NotificationView]
    unread: int
    clients: int
    waiting: list[Waiting]
    sign_ups_waiting: int

    def clients_named(self) -> list[str]:
        """Those of whom something is told, and those who are waited for; the others are only counted."""
        told = [each.client_id for each in self.notifications if each.client_id]
        return told + [each.client_id for each in self.waiting]


class Leading(PortalView):
    """The one thing that leads."""

    kind: Literal["form"]
    intake_id: str
    form_id: str
    title: str
    started: bool


class ClientHome(PortalView):
    """Home: what is to be done now, in order. `reach_missing`: the file has no address, or nobody for emergencies."""

    first_name: str
    next: Leading | None
    forms_open: int
    forms_total_minutes: int
    documents: int
    reach_missing: bool


@practice.endpoint("GET", "/home", action="home:read")
def read_staff_home(context: Context) -> StaffHome:
    """Today"""
    page = notifications.mine(context, SHOWN, None)
    shown = _views(context, list(page.items))
    mine = clients.everyone(context, 100, None).items
    return StaffHome(
        first_name=context.person.name.split()[0],
        notifications=shown,
        unread=sum(not each.read for each in shown),
        clients=len(mine),
        waiting=_waiting(mine)[:SHOWN],
        sign_ups_waiting=signups.waiting(context) if Role.ADMINISTRATOR in context.actor.roles else 0,
    )


def _waiting(found: Any) -> list[Waiting]:
    now = clock.now()
    invited = [client for client in found if client.portal == "invited" and client.status == "active"]
    rows = [
        Waiting(
            client_id=client.client_id,
            client_name=clients.shown(client),
            state="expired" if invites.is_over(client, now) else "invited",
            since=clock.text(clock.parse(client.invite_ends_at) - invites.LIFE),
        )
        for client in invited
    ]
    return sorted(rows, key=lambda row: row.since)


@practice.endpoint("GET", "/notifications", action="notification:read", query=Paging)
def list_notifications(context: Context, query: Paging) -> NotificationPage:
    """What I was told"""
    page = notifications.mine(context, query.limit, query.cursor)
    return NotificationPage(items=_views(context, list(page.items)), next_cursor=page.next_cursor)


@practice.endpoint("POST", "/notifications/{notification_id}/read", action="notification:update", status=204)
def read_notification(context: Context, notification_id: str) -> Empty:
    """Mark as read"""
    notifications.mark_read(context, notification_id)
    return Empty()


class NoticeChoices(View):
    """Which notices the asker has in the app only; `message_waiting` is mailed when a message is unread for a quarter
    of an hour."""

    muted: list[Choosable]


class NoticeChoicesIn(Body):
    """Which notices not to mail; every other one is mailed."""

    muted: Annotated[list[Choosable], Field(max_length=10)]


@practice.endpoint("GET", "/notification-choices", action="notification:read")
def read_notice_choices(context: Context) -> NoticeChoices:
    """Which notices I have in the app only"""
    return NoticeChoices(muted=sorted(notifications.muted(context.tenant_id, context.actor.staff_id)))


@practice.endpoint("PUT", "/notification-choices", action="notification:update", body=NoticeChoicesIn)
def choose_notices(context: Context, body: NoticeChoicesIn) -> NoticeChoices:
    """Choose which notices come by mail too"""
    notifications.mute(context, list(body.muted))
    return NoticeChoices(muted=sorted(set(body.muted)))


def _views(context: Context, found: list[Any]) -> list[NotificationView]:
    """With the names as they are now; a client to whom the asker is no longer assigned is named no more."""
    wanted = dict.fromkeys(each.client_id for each in found if each.client_id)
    visible = {client.client_id: client for client in clients.visible(context, list(wanted))}
    return [
        NotificationView(
            notification_id=each.notification_id,
            kind=each.about,
            client_id=each.client_id,
            client_name=clients.shown(visible[each.client_id]) if each.client_id else None,
            intake_id=each.intake_id,
            thread_id=each.thread_id,
            worrying=bool(each.worrying) and clients.is_flagged(visible[each.client_id], each.intake_id),
            payment_id=each.payment_id,
            amount=Money(amount=int(each.amount), currency=each.currency) if each.amount is not None else None,
            at=each.happened_at,
            read=bool(each.read),
        )
        for each in found
        if each.client_id is None or each.client_id in visible
    ]


@portal.endpoint("GET", "/home", action="home:read")
def read_client_home(context: Context) -> ClientHome:
    """Home"""
    packets, _ = intakes.page_of(context, 25, None)
    todo: list[tuple[Any, dict[str, Any], Any]] = []
    for intake, parts in reversed(packets):
        states = {part.form_id: part for part in parts}
        for entry in intake.forms if intake.status == "open" else []:
            state = states.get(entry["form_id"])
            if state is None or state.status == "started":
                todo.append((intake, entry, state))
    leading = next((each for each in todo if each[2] is not None), todo[0] if todo else None)
    return ClientHome(
        first_name=clients.first_name(context.client),
        next=Leading(
            kind="form",
            intake_id=leading[0].intake_id,
            form_id=leading[1]["form_id"],
            title=leading[1]["title"],
            started=leading[2] is not None,
        )
        if leading
        else None,
        forms_open=len(todo),
        forms_total_minutes=sum(entry["minutes"] for _, entry, _ in todo),
        documents=len(documents.page_of(context, 100, None).items),
        reach_missing=not (context.client.address and context.client.emergency_contact),
    )
