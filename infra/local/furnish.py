"""What `make run` shows at once: services, hours, some appointments and a request that waits; invoices in every state;
conversations with something unread. Not part of the tests' world, which begins empty. Made through the application's
own services; its mails are left out, so that the outbox shows only what somebody has done."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from infra.local import cloud, state
from infra.local.world import CLIENTS, ORGANIZATIONS, STAFF, tenant_id

_BOTH = ["in_person", "telehealth"]
_SERVICES = [
    ("Individual session", 50, "teal", 15_000),
    ("First visit", 80, "violet", 19_000),
    ("Couples session", 75, "amber", 18_000),
]
_PLACES = {
    "oak": [("Oak Lane", "48 Oak Lane, Suite 3"), ("River Street", "9 River Street")],
    "birch": [("Birchwater Court", "7 Birchwater Court")],
}
# Weekday (Monday is 0) → hours; whoever is not named has set none.
_HOURS: dict[str, dict[int, list[tuple[str, str, list[str]]]]] = {
    "T1": {
        **{day: [("09:00", "12:00", _BOTH), ("13:00", "17:00", _BOTH)] for day in (0, 1, 3)},
        2: [("12:00", "16:00", _BOTH), ("17:00", "20:00", ["telehealth"])],
    },
    "T4": {day: [("10:00", "14:00", _BOTH), ("15:00", "18:00", _BOTH)] for day in (1, 2, 3, 4)},
    "A2": {day: [("09:00", "13:00", _BOTH)] for day in (0, 2)},
    "BT": {day: [("09:00", "17:00", _BOTH)] for day in range(5)},
}
# Client, therapist, service, days from now, time of day; a day that is closed is put off.
_BOOKED = [
    ("C1", "T1", 0, 1, "10:00"),
    ("C3", "T4", 0, 1, "11:00"),
    ("C4", "T4", 1, 2, "16:00"),
    ("C1", "T1", 0, 8, "14:00"),
    ("CB", "BT", 0, 2, "10:00"),
]
_TOOK_PLACE = ("C1", "T1", 0, -6, "10:00")
_ASKED = ("C3", "T4", 0, 4, "15:00")
# Client, who bills, lines (what, how many days ago, cents, of these from insurance), due in so many days, and what has
# become of it: a draft, owed, or paid by check so far.
_BILLED: list[tuple[str, str, list[tuple[str, int, int, int]], int, int | None]] = [
    ("C1", "A1", [("First visit", 34, 19_000, 0)], -10, 19_000),
    ("C1", "A1", [("Individual session", 20, 15_000, 11_500)], -4, 0),
    ("C1", "A1", [("Individual session", 13, 15_000, 0), ("Letter for your employer", 12, 2_500, 0)], 16, 5_000),
    ("C1", "A1", [("Individual session", 13, 15_000, 0)], 30, None),
    ("C3", "A1", [("Individual session", 9, 15_000, 0)], 21, 0),
    ("C4", "A1", [("First visit", 15, 19_000, 12_000)], 15, 7_000),
    ("CB", "B1", [("Individual session", 8, 15_000, 0)], 22, 0),
    ("CD", "D1", [("Individual session", 8, 14_000, 0)], 22, 0),
]
# Client, to whom, about what, and who wrote what how many hours ago; nobody has read the last message.
_CONVERSATIONS: list[tuple[str, str, str, list[tuple[str, int, str]]]] = [
    ("C1", "T1", "Next week", [
        ("C1", 26, "Could we meet on screen next week? I am travelling from Monday to Wednesday."),
        ("T1", 4, "That works. The link is in your appointment; nothing else changes."),
    ]),
    ("C1", "administration", "Letter for my employer", [
        ("C1", 3, "Thank you for the letter. Could it be addressed to the Harborview office instead?"),
    ]),
    ("CB", "BT", "Parking", [("CB", 2, "Is there somewhere to park near Birchwater Court in the morning?")]),
]  # fmt: skip
_PEOPLE = {each.key: each for each in (*STAFF, *CLIENTS)}


def furnish() -> None:
    """Fill the calendars of a world that was just seeded."""
    from chalicelib import clock
    from chalicelib.services import availability

    offered = {}
    for slug, places in _PLACES.items():
        context = _context(_administrator(slug), None)
        services = [
            {
                "service_id": None, "name": name, "minutes": minutes, "before": None, "after": 10, "colour": colour,
                "price": {"amount": price, "currency": "usd"}, "bookable": True,
            }
            for name, minutes, colour, price in _SERVICES
        ]  # fmt: skip
        locations = [{"location_id": None, "name": name, "address": address} for name, address in places]
        offered[slug] = availability.update_offer(context, services, locations)
    now = clock.now()
    for key in _HOURS:
        changes = {"schedules": [{"first_day": "2026-01-05", "week": _week(key)}]}
        if key == "T4":
            away = (now.date() + timedelta(days=20)).isoformat()
            changes["time_off"] = [{"first_day": away, "last_day": away, "start": "00:00", "end": "24:00"}]
        if key in ("T1", "BT"):
            changes["telehealth_link"] = f"https://video.example/{key.lower()}"  # type: ignore[assignment]
        availability.update(_context(_PEOPLE[key], None), _PEOPLE[key].id, changes)
    for each in _BOOKED:
        _book(offered, now, *each)
    _book(offered, now, *_TOOK_PLACE, took_place=True)
    _book(offered, now, *_ASKED, by_client=True)
    for bill in _BILLED:
        _bill(*bill)
    for conversation in _CONVERSATIONS:
        _write(*conversation)
    for organization in ORGANIZATIONS:
        _compare_nightly(organization.id, now)
    _without_mails()


def _bill(client: str, by: str, lines: list[tuple[str, int, int, int]], due: int, paid: int | None) -> None:
    from chalicelib import clock
    from chalicelib.services import invoices, refunds

    context = _context(_PEOPLE[by], client)
    today = clock.today(context.tenant.zone)
    written = [
        {
            "description": what, "service_on": (today - timedelta(days=ago)).isoformat(), "quantity": 1,
            "amount": amount, "insurance": insurance, "code": None, "taxed": False, "therapist": None,
            "appointment_id": None,
        }
        for what, ago, amount, insurance in lines
    ]  # fmt: skip
    due_on = (today + timedelta(days=due)).isoformat()
    draft = invoices.create(context, invoices.INVOICE, {"lines": written, "due_on": due_on})
    if paid is None:
        return
    context.named["invoice_id"] = draft
    issued = invoices.issue(context)
    if paid:
        refunds.receive(context, "check", paid, [(issued.invoice_id, paid)], None, "2204")


def _compare_nightly(tenant: str, now: datetime) -> None:
    """With Stripe's books: once now, and every night from now on."""
    from chalicelib.services import card_processing, payments

    connected = payments.processing(tenant)
    if connected is not None:
        card_processing.sweep(connected.pk, connected.sk, now)


def _write(client: str, to: str, subject: str, said: list[tuple[str, int, str]]) -> None:
    from chalicelib.services import messages

    whom = _PEOPLE[to].id if to in _PEOPLE else to
    thread = None
    for who, hours, words in said:
        context = _context(_PEOPLE[who], client, ago=timedelta(hours=hours))
        letter = messages.Letter(words)
        thread = (
            messages.answer(context, thread, letter) if thread else messages.begin(context, whom, subject, letter)
        )[0]


def _week(key: str) -> list[list[dict[str, Any]]]:
    return [
        [
            {"start": start, "end": end, "modes": modes, "locations": None, "services": None}
            for start, end, modes in _HOURS[key].get(day, [])
        ]
        for day in range(7)
    ]


def _book(
    offered: dict[str, Any],
    now: datetime,
    client: str,
    therapist: str,
    service: int,
    days: int,
    time: str,
    *,
    took_place: bool = False,
    by_client: bool = False,
) -> None:
    from chalicelib.services import appointments, slots
    from chalicelib.slots.rules import Mode
    from chalicelib.slots.zones import minute

    slug = _PEOPLE[therapist].tenant
    zone = next(each.zone for each in ORGANIZATIONS if each.slug == slug)
    day = _open_day(therapist, now.astimezone(ZoneInfo(zone)).date() + timedelta(days=days), -1 if days < 0 else 1)
    start = minute(datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=ZoneInfo(zone)))
    wish = slots.Wish(offered[slug].services[service]["service_id"], Mode.TELEHEALTH)
    note = "Afternoons are best for me this month." if by_client else None
    wanted = appointments.Wanted(_PEOPLE[therapist].id, wish, start, zone, note, override=not by_client)
    if by_client:
        appointments.book(_context(_PEOPLE[client], client), wanted)
        return
    booked = appointments.book_for(_context(_PEOPLE[therapist], client), wanted)
    if took_place:
        context = _context(_PEOPLE[therapist], client)
        context.named["appointment_id"] = booked
        appointments.settle(context, "completed")


def _open_day(therapist: str, day: date, step: int) -> date:
    while day.weekday() not in _HOURS[therapist]:
        day += timedelta(days=step)
    return day


def _administrator(slug: str) -> Any:
    return next(each for each in STAFF if each.tenant == slug and "administrator" in each.roles)


def _context(who: Any, client: str | None, ago: timedelta = timedelta()) -> Any:
    """As if this person had asked, about this client, so long ago."""
    from chalicelib import clock
    from chalicelib.context import Actor, Context, Persona
    from chalicelib.policies.rules import Role
    from chalicelib.services import clients, staff, tenants

    tenant = tenant_id(who.tenant)
    is_staff = who in STAFF
    person = staff.get(tenant, who.id) if is_staff else clients.find(tenant, who.id)
    roles = frozenset(Role(role) for role in who.roles) if is_staff else frozenset({Role.CLIENT})
    return Context(
        tenant_id=tenant,
        actor=Actor("staff" if is_staff else "client", who.id, who.name, roles),
        now=clock.now() - ago,
        persona=Persona.PRACTICE if is_staff else Persona.PORTAL,
        tenant=tenants.get(tenant),
        person=person,
        client=clients.find(tenant, _PEOPLE[client].id) if client else None,
    )


def _without_mails() -> None:
    for partition in state.backend("dynamodb").tables[cloud.PREFIX].items.values():
        for sort, item in list(partition.items()):
            if item.attrs["kind"].value in ("client_mail", "staff_mail"):
                del partition[sort]
    cloud.client("sqs").purge_queue(QueueUrl=cloud.queue_url("mail"))
