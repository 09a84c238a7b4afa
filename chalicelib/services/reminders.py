"""Reminders of forms that wait for a client: by the organization's rule, at the press of a button, or many at once.

A packet is due at the moment of its next reminder. The record decides, not the index: one conditional update counts a
reminder, so that it goes out once however often the work is brought. A client gets one a day at most, for all packets.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from chalicelib import clock
from chalicelib.context import Actor, Context, Persona
from chalicelib.errors import (
    AccessEnded,
    ClientArchived,
    Forbidden,
    IntakeClosed,
    NoAccount,
    NotFound,
    PortalError,
    RemindedToday,
)
from chalicelib.models.clients import Assignment, Client
from chalicelib.models.intakes import Intake, IntakeForm, Pace
from chalicelib.models.jobs import Job
from chalicelib.models.table import Page, at_keys, load
from chalicelib.models.tenants import Tenant
from chalicelib.models.transaction import Transaction, change
from chalicelib.policies.decide import Facts, denial
from chalicelib.policies.plans import Feature, why_off
from chalicelib.policies.rules import Role
from chalicelib.services import audits, clients, idempotency, intakes, jobs, letters, mails, tenants

GAP = timedelta(hours=24)  # between two reminders of one client, whoever sends them
GIVE_UP = timedelta(days=60)  # after sending: the rule reminds no more
REMIND = "remind"  # the job
BULK_MOST = 5000


# ---- the rule ----


def next_look(
    rule: dict[str, Any], sent_at: datetime, count: int, last: datetime | None, now: datetime
) -> datetime | None:
    """When a packet is to be looked at next; in the past: a reminder is due. None: nobody is reminded any more.

    `rule`: {on, first_days, every_days, at_most}. While it is off the packet is looked at daily: switching it on takes
    effect within a day.
    """
    if now >= sent_at + GIVE_UP:
        return None
    if not rule["on"]:
        return now + timedelta(days=1)
    if count >= rule["at_most"]:
        return None
    if last is None:
        return sent_at + timedelta(days=rule["first_days"])
    return last + timedelta(days=rule["every_days"])


def schedule(intake: Intake, tenant: Tenant) -> None:
    """Have a new packet looked at when its first reminder is due."""
    sent = clock.parse(intake.sent_at)
    at = next_look(tenants.setting(tenant, "reminders"), sent, 0, None, sent)
    if at is not None:
        intake.due(at)


def begin(tx: Transaction, tenant: Tenant, client_id: str, intake_id: str, now: datetime) -> None:
    """Within the transaction in which an invited client joins: their packet may be reminded of from now on."""
    intake = Intake.at(tenant_id=tenant.tenant_id, client_id=client_id, intake_id=intake_id)
    at = next_look(tenants.setting(tenant, "reminders"), now, 0, None, now)
    if at is not None:
        tx.update(intake, *intake.due_next(at))


def sweep(pk: str, sk: str, now: datetime) -> None:
    """A packet that is due: remind its client if the rule says so, else look again later, or never."""
    for intake in at_keys([(pk, sk)], consistent=True):
        at = _look(intake, now) if intake.status == "open" else None
        if at is None:
            change(intake, *intake.due_next(None))
        elif at > now:
            change(intake, *intake.due_next(at), when=_as_seen(intake), otherwise=IntakeClosed())


def _look(intake: Intake, now: datetime) -> datetime | None:
    """When to look again (None: never); the past: it was reminded just now, and knows its next time."""
    about = {"tenant_id": intake.tenant_id, "client_id": intake.client_id}
    client, tenant, pace = load((Client, about), (Tenant, about), (Pace, about))
    if client is None or tenant is None or client.status != "active" or client.portal == "ended":
        return None
    rule = tenants.setting(tenant, "reminders")
    last = clock.parse(intake.reminded_at) if intake.reminded_at else None
    at = next_look(rule, clock.parse(intake.sent_at), int(intake.reminders or 0), last, now)
    if at is None or at > now:
        return at
    tomorrow = now + timedelta(days=1)
    off = why_off(Feature.INTAKE_FORMS, tenants.circumstances(tenant, client_off=client.features_off))
    if off is not None or client.portal != "active":
        return tomorrow
    system = Context(intake.tenant_id, Actor("system", "reminders"), now, Persona.JOBS, tenant=tenant, client=client)
    try:
        remind(system, intake, pace)
    except RemindedToday:
        return tomorrow
    except IntakeClosed:  # all is signed and being sealed, or something else was faster
        return tomorrow
    return now


# ---- one reminder ----


def remind(context: Context, intake: Intake, pace: Pace | None, finish: jobs.Finish | None = None) -> None:
    """Mail a reminder of this packet and count it, once. Raises RemindedToday, IntakeClosed."""
    begun = intakes.forms_of(intake)
    if intake.status != "open" or not _waits(intake, begun):
        raise IntakeClosed()
    place = {"tenant_id": intake.tenant_id, "client_id": intake.client_id}
    if pace is not None and pace.reminded_at and _too_soon(pace.reminded_at, context.now):
        raise RemindedToday()
    at, number = clock.text(context.now), int(intake.reminders or 0) + 1
    rule = tenants.setting(context.tenant, "reminders")
    again = next_look(rule, clock.parse(intake.sent_at), number, context.now, context.now)
    mail = mails.to_client(
        context.now, intake.tenant_id, intake.client_id, letters.FORMS_WAITING, intake_id=intake.intake_id
    )
    looks = intake.due_next(again)
    seen = Pace.reminded_at == pace.reminded_at if pace and pace.reminded_at else Pace.reminded_at.does_not_exist()
    with Transaction() as tx:
        idempotency.remember(tx, context, intake.intake_id)
        # Whoever reminds of it at the same moment has written both; a packet that was closed since has its own only.
        tx.merge(Pace.new(**place), *identity(place), Pace.reminded_at.set(at), when=seen, otherwise=RemindedToday())
        tx.update(intake, Intake.reminders.set(number), Intake.reminded_at.set(at), *looks, when=_as_seen(intake),
                  otherwise=IntakeClosed())  # fmt: skip
        tx.create(mail)
        tx.create(audits.event(context, "intake:remind", client_id=intake.client_id, intake_id=intake.intake_id))
        if finish is not None:
            finish(tx, intake.intake_id)
    mails.hand_over(mail)
    intake.reminders, intake.reminded_at = number, at


def _as_seen(intake: Intake) -> Any:
    """Open, and reminded as often as when it was read."""
    often = Intake.reminders == intake.reminders if intake.reminders else Intake.reminders.does_not_exist()
    return (Intake.status == "open") & often


def _too_soon(at: str, now: datetime) -> bool:
    return now < clock.parse(at) + GAP


def _waits(intake: Intake, begun: Sequence[IntakeForm]) -> bool:
    over = {form.form_id for form in begun if form.status != "started"}
    return any(entry["form_id"] not in over for entry in intake.forms)


def identity(place: dict[str, str]) -> list[Any]:
    """What a Pace needs that comes into being by an update."""
    return [
        Pace.kind.set(Pace.KIND),
        Pace.tenant_id.set(place["tenant_id"]),
        Pace.client_id.set(place["client_id"]),
    ]


def remind_now(context: Context, intake_id: str) -> tuple[Intake, list[IntakeForm]]:
    """Remind the client of a packet at once.

    Raises RemindedToday, IntakeClosed, ClientArchived, NoAccount, AccessEnded, NotFound.
    """
    about = {"tenant_id": context.tenant_id, "client_id": context.client_id}
    intake, pace = load((Intake, {**about, "intake_id": intake_id}), (Pace, about))
    if intake is None:
        raise NotFound()
    if not context.result:
        if refused := obstacle(context.client, intake, pace, context.now):
            raise refused
        remind(context, intake, pace)
    return intake, intakes.forms_of(intake)


def obstacle(client: Client, intake: Intake, pace: Pace | None, now: datetime) -> PortalError | None:
    """Why this client cannot be reminded of this packet now, or None; what is signed meanwhile is not looked at."""
    if client.status != "active":
        return ClientArchived()
    if client.portal != "active":
        return AccessEnded() if client.portal == "ended" else NoAccount()
    if intake.status != "open":
        return IntakeClosed()
    if pace is not None and pace.reminded_at and _too_soon(pace.reminded_at, now):
        return RemindedToday()
    return None


# ---- who has not finished, and reminding many ----


class Unfinished:
    """An open packet with what a list of them shows. Staff never learn how far an unsigned form is."""

    __slots__ = ("client", "intake", "pace", "parts")

    def __init__(self, intake: Intake, client: Client, pace: Pace | None, parts: list[IntakeForm]) -> None:
        self.intake, self.client, self.pace, self.parts = intake, client, pace, parts


def unfinished(context: Context, limit: int, cursor: str | None) -> Page:
    """Open packets that the asker may see, those that wait longest first."""
    page = _places(context, limit, cursor)
    found = [each for each in at_keys(page.items, consistent=True) if each.status == "open"] if page.items else []
    packets = sorted(found, key=lambda each: str(each.intake_id))
    named = list(dict.fromkeys(each.client_id for each in packets))
    seen = {each.client_id: each for each in clients.visible(context, named)}
    packets = [each for each in packets if each.client_id in seen]
    paces = {each.client_id: each for each in _paces(context.tenant_id, list(seen))}
    begun = intakes.states(packets)
    rows = [Unfinished(p, seen[p.client_id], paces.get(p.client_id), begun[p.intake_id]) for p in packets]
    return Page([row for row in rows if _waits(row.intake, row.parts)], page.next_cursor)


def _places(context: Context, limit: int, cursor: str | None) -> Page:
    wanted = (lambda pk: True) if Role.ADMINISTRATOR in context.actor.roles else _own(context)
    return Intake.among(Intake.OPEN, wanted, limit=limit, cursor=cursor, tenant_id=context.tenant_id)


def _own(context: Context) -> Any:
    person: dict[str, Any] = {"tenant_id": context.tenant_id, "staff_id": context.actor.id}
    mine = {each.client_id for each in Assignment.every(Assignment.BY_THERAPIST, **person)}
    return lambda pk: pk.rsplit("#", 1)[-1] in mine


def _paces(tenant_id: str, client_ids: list[str]) -> list[Pace]:
    wanted = [(Pace, {"tenant_id": tenant_id, "client_id": each}) for each in client_ids]
    return [each for each in load(*wanted) if each is not None] if wanted else []


def remind_many(context: Context, picked: Sequence[dict[str, str]] | None) -> Job:
    """Remind of these packets (client_id, intake_id) or of every open one: a job that says who was skipped, and why."""
    if context.result:
        return jobs.get(context, context.result)
    if picked is None:
        places = Intake.among(Intake.OPEN, lambda pk: True, limit=BULK_MOST, tenant_id=context.tenant_id).items
        picked = [{"client_id": pk.rsplit("#", 1)[-1], "intake_id": sk.rsplit("#", 1)[-1]} for pk, sk in places]
    return jobs.start(context, REMIND, {}, list(picked))


def remind_one(context: Context, task: jobs.Task, finish: jobs.Finish) -> None:
    """The work of one item of that job."""
    about = {"tenant_id": context.tenant_id, "client_id": task.about["client_id"]}
    intake, client, pace = load(
        (Intake, {**about, "intake_id": task.about["intake_id"]}), (Client, about), (Pace, about)
    )
    if intake is None or client is None:
        raise NotFound()
    require_allowed(context, "intake:remind_many", client)
    if refused := obstacle(client, intake, pace, context.now):
        raise jobs.Skip(refused.code)
    try:
        remind(context, intake, pace, finish)
    except (RemindedToday, IntakeClosed) as refused:
        raise jobs.Skip(refused.code) from None


def require_allowed(context: Context, action: str, client: Client) -> None:
    """Whoever began a job must still be allowed to, client by client (jobs.py). Raises Forbidden; Skip: it is off."""
    now = tenants.circumstances(context.tenant, client_off=client.features_off)
    may = bool(context.person is not None and context.person.may_invite)
    why = denial(action, Facts(context.actor.roles, may_invite=may, circumstances=now))
    if why in ("feature_not_in_plan", "feature_switched_off"):
        raise jobs.Skip("feature_switched_off")
    if why is not None:
        raise Forbidden()
