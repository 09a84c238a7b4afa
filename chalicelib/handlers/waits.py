"""The wait list: the client's own wishes for earlier times, and the lists of the staff's calendars."""

from datetime import date
from typing import Literal

from pydantic import model_validator

from chalicelib.context import Context
from chalicelib.handlers.agendas import RequestsQuery, ids_of
from chalicelib.handlers.appointments import AcceptedTime, MyAppointment, shown_to_client
from chalicelib.handlers.routing import PORTAL, PRACTICE, Routes
from chalicelib.handlers.slots import Zone, instant_of, minute_of
from chalicelib.handlers.views import Body, Day, Empty, Id, PortalView, View
from chalicelib.models.slots import Wait
from chalicelib.services import agendas, slots, waits
from chalicelib.slots.rules import Mode
from chalicelib.slots.zones import minute

practice = Routes(__name__, PRACTICE, "/practice")
portal = Routes(__name__ + ".portal", PORTAL, "/portal")


class MyWait(PortalView):
    """What I wait for: earlier times with a therapist, before a day or before an appointment of mine where it says so.
    `starts_at`: a time that is offered to me and held until then."""

    wait_id: str
    therapist_id: str
    therapist: str
    service: str
    service_id: str
    mode: Literal["in_person", "telehealth"]
    location: str | None
    since: str
    before_day: str | None
    appointment_id: str | None
    zone: str
    starts_at: str | None
    ends_at: str | None
    held_until: str | None


class MyWaits(PortalView):
    """Whatever I wait for."""

    items: list[MyWait]


class WaitIn(Body):
    """Be told of times with this therapist, or before this appointment of mine; only of those before `before_day`."""

    staff_id: Id | None = None
    service_id: Id | None = None
    mode: Literal["in_person", "telehealth"] | None = None
    location_id: Id | None = None
    appointment_id: Id | None = None
    before_day: Day | None = None
    zone: Zone

    @model_validator(mode="after")
    def _is_one_of_both(self) -> "WaitIn":
        named = [self.staff_id is not None, self.service_id is not None, self.mode is not None]
        if any(named) or self.location_id is not None:
            if self.appointment_id is not None or not all(named):
                raise ValueError("a therapist, a service and a way to meet, or an appointment")
        elif self.appointment_id is None:
            raise ValueError("nothing to wait for")
        return self


@portal.endpoint("GET", "/waits", action="appointment:read")
def list_my_waits(context: Context) -> MyWaits:
    """What I wait for"""
    return MyWaits(items=[_mine(context, each) for each in waits.mine(context)])


@portal.endpoint("POST", "/waits", action="appointment:book", body=WaitIn, status=201, idempotent=True)
def join_wait_list(context: Context, body: WaitIn) -> MyWait:
    """Be told when something earlier opens"""
    before = date.fromisoformat(body.before_day) if body.before_day else None
    if body.appointment_id is not None:
        wished = waits.earlier_than(context, body.appointment_id, body.zone, before)
    else:
        wish = slots.Wish(str(body.service_id), Mode(str(body.mode)), body.location_id)
        wished = waits.Wished(str(body.staff_id), wish, body.zone, before)
    return _mine(context, waits.join(context, wished))


@portal.endpoint("POST", "/waits/{wait_id}/acceptance", action="appointment:answer", body=AcceptedTime, idempotent=True)
def accept_offer(context: Context, wait_id: str, body: AcceptedTime) -> MyAppointment:
    """Take the time that is held for me"""
    return shown_to_client(context, waits.accept(context, minute_of(body.starts_at)))


@portal.endpoint("POST", "/waits/{wait_id}/refusal", action="appointment:answer", body=AcceptedTime)
def decline_offer(context: Context, wait_id: str, body: AcceptedTime) -> MyWait:
    """Pass on the time that is held for me, and keep waiting"""
    return _mine(context, waits.decline(context, minute_of(body.starts_at)))


@portal.endpoint("DELETE", "/waits/{wait_id}", action="appointment:answer", status=204)
def leave_wait_list(context: Context, wait_id: str) -> Empty:
    """Wait no longer"""
    waits.leave(context)
    return Empty()


def _mine(context: Context, wait: Wait) -> MyWait:
    live = wait.status == waits.OFFERED and minute(context.now) < int(wait.held_until)
    return MyWait(
        wait_id=wait.wait_id,
        therapist_id=wait.staff_id,
        therapist=wait.staff_name,
        service=wait.service_name,
        service_id=wait.service_id,
        mode=wait.mode,
        location=wait.location_name,
        since=wait.since,
        before_day=wait.before_day,
        appointment_id=wait.appointment_id,
        zone=wait.client_zone,
        starts_at=instant_of(wait.start) if live else None,
        ends_at=instant_of(int(wait.start) + int(wait.minutes)) if live else None,
        held_until=instant_of(wait.held_until) if live else None,
    )


# ---- the practice's ----


class WaiterView(View):
    """Somebody on a wait list. No name: the asker may not see this client's file (any more). `earlier`: they wait for a
    time before an appointment that they have."""

    wait_id: str
    client_id: str | None
    client_name: str | None
    staff_id: str
    therapist: str
    service: str
    mode: Literal["in_person", "telehealth"]
    location: str | None
    since: str
    before_day: str | None
    earlier: bool
    starts_at: str | None
    held_until: str | None


class WaitersView(View):
    """Wait lists, each in its order."""

    items: list[WaiterView]

    def clients_named(self) -> list[str]:
        """Those who wait."""
        return [each.client_id for each in self.items if each.client_id]


@practice.endpoint("GET", "/waits", action="calendar:read", query=RequestsQuery)
def list_waits(context: Context, query: RequestsQuery) -> WaitersView:
    """Who waits for an earlier time"""
    return WaitersView(items=[_waiter(context, each) for each in waits.of_calendars(context, ids_of(query.staff_ids))])


@practice.endpoint("DELETE", "/clients/{client_id}/waits/{wait_id}", action="appointment:manage", status=204)
def remove_wait(context: Context, client_id: str, wait_id: str) -> Empty:
    """Take a client off a wait list"""
    waits.remove(context)
    return Empty()


def _waiter(context: Context, one: waits.Waiter) -> WaiterView:
    wait, client = one
    live = wait.status == waits.OFFERED and minute(context.now) < int(wait.held_until)
    return WaiterView(
        wait_id=wait.wait_id,
        client_id=client.client_id if client is not None else None,
        client_name=agendas.short_name(client) if client is not None else None,
        staff_id=wait.staff_id,
        therapist=wait.staff_name,
        service=wait.service_name,
        mode=wait.mode,
        location=wait.location_name,
        since=wait.since,
        before_day=wait.before_day,
        earlier=wait.appointment_id is not None,
        starts_at=instant_of(wait.start) if live else None,
        held_until=instant_of(wait.held_until) if live else None,
    )
