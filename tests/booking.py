"""The steps of self-scheduling over HTTP, as tests need them: set hours, look for times, book, answer."""

import json
import uuid
from datetime import date, datetime, timedelta
from itertools import combinations
from typing import Any
from zoneinfo import ZoneInfo

from tests.calls import PEOPLE, Answer, Caller

EVERY_DAY = [["00:00", "00:00"]]  # the whole day, so that a test need not think about the clock
NINE_TO_FIVE = [["09:00", "17:00"]]
ZONE = "America/New_York"


def ranges(*times: list[str], **only: Any) -> list[dict[str, Any]]:
    """Hours of a day as the API takes them."""
    return [{"start": start, "end": end, "modes": ["in_person", "telehealth"], **only} for start, end in times]


def week(*times: list[str], first_day: str = "2026-01-01") -> dict[str, Any]:
    """The same hours on every day of the week."""
    return {"first_day": first_day, "week": [ranges(*times)] * 7}


def offer(admin: Caller, **service: Any) -> dict[str, Any]:
    """Offer one service and one place; what there is now."""
    etag = admin.get("/practice/offer").json["etag"]
    service = {"name": "Session", "minutes": 50, "before": 0, "after": 0, **service}
    body = {"services": [service], "locations": [{"name": "Oak Lane"}]}
    answer = admin.api("PATCH", "/practice/offer", body, etag=etag)
    assert answer.status == 200, answer
    found: dict[str, Any] = answer.json
    return found


def hours(staff: Caller, key: str, *times: list[str], **more: Any) -> Answer:
    """Set the hours of a therapist of the world: these, every day."""
    path = f"/practice/therapists/{PEOPLE[key].id}/availability"
    etag = staff.get(path).json["etag"]
    answer = staff.api("PATCH", path, {"schedules": [week(*times)], "zone": ZONE, **more}, etag=etag)
    assert answer.status == 200, answer
    return answer


def settings(admin: Caller, **scheduling: Any) -> None:
    """Change sub-switches of self-scheduling."""
    etag = admin.get("/practice/settings").json["etag"]
    answer = admin.patch("/practice/settings", {"scheduling": scheduling}, etag=etag)
    assert answer.status == 200, answer


def opened(call: Any, *keys: str, times: list[list[str]] | None = None, **service: Any) -> str:
    """Therapists with hours and a service for them: its id."""
    admin = call("A1")
    found = offer(admin, **service)
    for key in keys:
        hours(admin, key, *(times or EVERY_DAY))
    return str(found["services"][0]["service_id"])


def opened_to_groups(call: Any) -> str:
    """C1 and C3, who have accounts, and C4, who has none, all see T1; T1 and T4 have hours: the service's id."""
    for key in ("C3", "C4"):
        assign(PEOPLE[key].id, "T1")
    return opened(call, "T1", "T4", before=5, after=10)


def at(clock: Any, days: int, time: str = "15:00") -> str:
    """An instant some days from now, at this time of day in UTC."""
    day = clock.now().date() + timedelta(days=days)
    return f"{day.isoformat()}T{time}:00.000Z"


def wish(key: str, service_id: str, starts_at: str, **more: Any) -> dict[str, Any]:
    """The body of a booking."""
    return {
        "staff_id": PEOPLE[key].id,
        "service_id": service_id,
        "mode": "telehealth",
        "starts_at": starts_at,
        "zone": ZONE,
        **more,
    }


def book(client: Caller, key: str, service_id: str, starts_at: str, **more: Any) -> Answer:
    """A client books with a therapist of the world; `key_` is the Idempotency-Key."""
    idempotency = more.pop("key_", uuid.uuid4().hex)
    return client.post("/portal/appointments", wish(key, service_id, starts_at, **more), key=idempotency)


def mine(client: Caller, appointment: dict[str, Any], verb: str, body: Any, **options: Any) -> Answer:
    """A client does something with an appointment, as it was seen."""
    path = f"/portal/appointments/{appointment['appointment_id']}/{verb}"
    return client.post(path, body, **{"etag": appointment["etag"], **options})


def theirs(
    staff: Caller, client: str, appointment: dict[str, Any], verb: str, body: Any = None, **options: Any
) -> Answer:
    """Staff do something with a client's appointment, as it was seen."""
    path = f"/practice/clients/{PEOPLE[client].id}/appointments/{appointment['appointment_id']}/{verb}"
    return staff.post(path, body if body is not None else {}, **{"etag": appointment["etag"], **options})


def book_for(staff: Caller, client: str, key: str, service_id: str, starts_at: str, **more: Any) -> Answer:
    """Staff book for a client of the world."""
    body = wish(key, service_id, starts_at, **more)
    del body["zone"]
    return staff.post(f"/practice/clients/{PEOPLE[client].id}/appointments", body)


def series(therapist: str, service_id: str, starts_at: str, **more: Any) -> dict[str, Any]:
    """The body of a series: weekly, four times, unless `more` says otherwise."""
    body = wish(therapist, service_id, starts_at, **{"every_weeks": 1, "count": 4, **more})
    del body["zone"]
    return body


def book_series(staff: Caller, client: str, therapist: str, service_id: str, starts_at: str, **more: Any) -> Answer:
    """Staff book a series for a client of the world; `key_` is the Idempotency-Key."""
    idempotency = more.pop("key_", uuid.uuid4().hex)
    body = series(therapist, service_id, starts_at, **more)
    return staff.post(f"/practice/clients/{PEOPLE[client].id}/series", body, key=idempotency)


def series_of(staff: Caller, client: str, series_id: str) -> dict[str, Any]:
    """A series as it stands."""
    answer = staff.get(f"/practice/clients/{PEOPLE[client].id}/series/{series_id}")
    assert answer.status == 200, answer
    found: dict[str, Any] = answer.json
    return found


def groups_of(therapist: str) -> str:
    """The address of the groups of a therapist of the world."""
    return f"/practice/therapists/{PEOPLE[therapist].id}/groups"


def group(staff: Caller, therapist: str, service_id: str, starts_at: str, *clients: str, **more: Any) -> Answer:
    """Staff make a group with these clients of the world; `key_` is the Idempotency-Key."""
    idempotency = more.pop("key_", uuid.uuid4().hex)
    return staff.post(groups_of(therapist), group_body(service_id, starts_at, *clients, **more), key=idempotency)


def group_body(service_id: str, starts_at: str, *clients: str, **more: Any) -> dict[str, Any]:
    """The body of a group with these clients."""
    return {
        "service_id": service_id,
        "mode": "telehealth",
        "starts_at": starts_at,
        "capacity": 8,
        "client_ids": [PEOPLE[each].id for each in clients],
        **more,
    }


def group_of(staff: Caller, therapist: str, group_id: str) -> dict[str, Any]:
    """A group as it stands."""
    answer = staff.get(f"{groups_of(therapist)}/{group_id}")
    assert answer.status == 200, answer
    found: dict[str, Any] = answer.json
    return found


def of_group(staff: Caller, therapist: str, seen: dict[str, Any], verb: str, body: Any, **options: Any) -> Answer:
    """Staff do something with a group, as it was seen."""
    path = f"{groups_of(therapist)}/{seen['group_id']}/{verb}"
    return staff.post(path, body, **{"etag": seen["etag"], **options})


def group_series(service_id: str, starts_at: str, *clients: str, **more: Any) -> dict[str, Any]:
    """The body of a series of groups with these clients: weekly, four times, unless `more` says otherwise."""
    return group_body(service_id, starts_at, *clients, **{"every_weeks": 1, "count": 4, **more})


def repeat_group(staff: Caller, therapist: str, service_id: str, starts_at: str, *clients: str, **more: Any) -> Answer:
    """Staff make a series of groups; `key_` is the Idempotency-Key."""
    idempotency = more.pop("key_", uuid.uuid4().hex)
    body = group_series(service_id, starts_at, *clients, **more)
    return staff.post(f"/practice/therapists/{PEOPLE[therapist].id}/group-series", body, key=idempotency)


def group_series_of(staff: Caller, therapist: str, series_id: str) -> dict[str, Any]:
    """A series of groups as it stands."""
    answer = staff.get(f"/practice/therapists/{PEOPLE[therapist].id}/group-series/{series_id}")
    assert answer.status == 200, answer
    found: dict[str, Any] = answer.json
    return found


def wait_for(client: Caller, key: str, service_id: str, **more: Any) -> Answer:
    """A client asks to be told of earlier times with a therapist of the world."""
    idempotency = more.pop("key_", uuid.uuid4().hex)
    body = {"staff_id": PEOPLE[key].id, "service_id": service_id, "mode": "telehealth", "zone": ZONE, **more}
    return client.post("/portal/waits", body, key=idempotency)


def wait_earlier(client: Caller, appointment: dict[str, Any], **more: Any) -> Answer:
    """A client asks to be told of times before an appointment of theirs."""
    return client.post("/portal/waits", {"appointment_id": appointment["appointment_id"], "zone": ZONE, **more})


def waits(client: Caller) -> list[dict[str, Any]]:
    """What a client waits for."""
    answer = client.get("/portal/waits")
    assert answer.status == 200, answer
    found: list[dict[str, Any]] = answer.json["items"]
    return found


def take(client: Caller, wait: dict[str, Any], **options: Any) -> Answer:
    """A client takes what is offered from the wait list."""
    return client.post(f"/portal/waits/{wait['wait_id']}/acceptance", {"starts_at": wait["starts_at"]}, **options)


def slots(client: Caller, service_id: str, first_day: str | date, days: int = 7, **more: Any) -> Answer:
    """The times that a client can book."""
    first = date.fromisoformat(first_day) if isinstance(first_day, str) else first_day
    last = first + timedelta(days=days - 1)
    query = {"service_id": service_id, "mode": "telehealth", "first_day": first, "last_day": last, "zone": ZONE}
    return client.get("/portal/slots", query={**query, **more})


def starts(answer: Answer) -> list[str]:
    """The starts of the first therapist in an answer."""
    assert answer.status == 200, answer
    found: list[str] = answer.json["items"][0]["starts"]
    return found


def instant(text: str) -> datetime:
    """An instant of the API."""
    return datetime.fromisoformat(text)


# ---- what must always be true ----

Entry = tuple[int, int, str]  # start, end, appointment


def taken(now: int) -> tuple[dict[str, set[Entry]], dict[str, set[Entry]]]:
    """What is taken of everyone's time at this minute: by the calendar days, and by the appointments themselves."""
    from tests import flows

    days: dict[str, set[Entry]] = {}
    meant: dict[str, set[Entry]] = {}
    for each in flows.stored("appointment", "group", "therapist_day", "client_day", "wait"):
        if each["kind"] == "wait":  # what is offered is the therapist's time, and not yet the client's
            if each["status"] == "offered" and int(each["held_until"]) > now:
                start = int(each["start"])
                meant.setdefault(each["staff_id"], set()).add((start, start + int(each["minutes"]), each["wait_id"]))
            continue
        if each["kind"] in ("appointment", "group"):
            for entry in _meant(each, now):
                for person in _whose(each):
                    meant.setdefault(person, set()).add(entry)
            continue
        person = each.get("staff_id") or each["client_id"]
        for start, end, appointment_id, held_until, _, _ in json.loads(each["busy"]):
            if held_until is None or held_until > now:
                days.setdefault(person, set()).add((start, end, appointment_id))
    return days, meant


def _whose(appointment: dict[str, Any]) -> list[str]:
    """A group keeps its therapist's time, each place in it its client's."""
    if appointment["kind"] == "group":
        return [appointment["staff_id"]]
    return [appointment["client_id"], *([] if appointment.get("group_id") else [appointment["staff_id"]])]


def _meant(appointment: dict[str, Any], now: int) -> list[Entry]:
    status, minutes = appointment["status"], int(appointment["minutes"])
    if status not in ("requested", "proposed", "confirmed", "completed", "no_show"):
        return []
    if status in ("requested", "proposed") and int(appointment["held_until"]) <= now:
        return []
    starts = json.loads(appointment["proposals"]) if status == "proposed" else [int(appointment["start"])]
    return [(start, start + minutes, appointment["appointment_id"]) for start in starts]


def wrong(world: Any) -> list[str]:
    """Who is in two places at once, and which hold is a ghost or missing: nothing, ever.

    Of the times that one appointment is offered at only one will be taken: they may overlap each other.
    """
    now = -(-int(world.portal.clock.now().timestamp()) // 60)  # the portal counts whole minutes, rounded up
    days, meant = taken(now)
    found = [] if days == meant else [f"the days hold {days}, meant is {meant}"]
    found += _crowded()
    for person, entries in days.items():
        for one, other in combinations(sorted(entries), 2):
            if other[0] < one[1] and one[2] != other[2]:
                found.append(f"{person} twice: {one} {other}")
    return found


def _crowded() -> list[str]:
    """Groups that have more people than places, or not those who have a place of their own."""
    from tests import flows

    places: dict[str, set[str]] = {}
    for each in flows.stored("appointment"):
        if each.get("group_id") and each["status"] in ("confirmed", "completed", "no_show"):
            places.setdefault(each["group_id"], set()).add(each["client_id"])
    found = []
    for each in flows.stored("group"):
        members = json.loads(each["members"])
        inside = {client_id for client_id, (state, _) in members.items() if state == "in"}
        taken = sum(state in ("joining", "in") for state, _ in members.values())
        if taken > int(each["capacity"]):
            found.append(f"group {each['appointment_id']}: {taken} of {each['capacity']}")
        if each["status"] == "confirmed" and inside != places.get(each["appointment_id"], set()):
            found.append(f"group {each['appointment_id']}: {inside} in, places {places.get(each['appointment_id'])}")
    return found


def tenant_of(slug: str) -> str:
    """The id of an organization of the world."""
    from infra.local import world

    return world.tenant_id(slug)


def assign(client_id: str, therapist: str) -> None:
    """A client of Oak Lane is seen by this therapist, too."""
    from chalicelib.models.staff import Staff
    from chalicelib.services import clients

    member = Staff.find(tenant_id=tenant_of("oak"), staff_id=PEOPLE[therapist].id)
    assert member is not None
    clients.assign(tenant_of("oak"), client_id, member)


def weekday_from(clock: Any, days: int, weekday: int) -> str:
    """The first day of New York with this weekday (Monday is 0) that lies at least so many days ahead."""
    day = clock.now().astimezone(ZoneInfo(ZONE)).date() + timedelta(days=days)
    return (day + timedelta(days=(weekday - day.weekday()) % 7)).isoformat()


def days_on(day: str, days: int) -> str:
    """A date some days later."""
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()
