"""What every operation of the API costs in DynamoDB, with 100 and with 10,000 clients: `python -m benchmarks.units`.

One walk through the portal, from signing in to the sealed documents, over HTTP against the local cloud; calls and units
are counted by benchmarks/meter.py from the bytes of the items. A client's file costs the same in a large organization
as in a small one (ratio 1.00), and the goals of DESIGN.md, Performance, are held against every row:

    read     at most 7 read units, and no write but the audit's; 2 round trips, 3 when the read is audited
    list     round trips as for a read; the units are those of the page. Where it names clients it is audited: one event
             more for the whole answer, 1 write unit up to some 20 clients and 4 at most (100 ids are 3 KB)
    send     at most 20 write units
    booking  at most 26 write units; a reschedule, and whatever frees and takes several times at once, at most 40
    write    at most 12 write units; 3 round trips
    event    at most 12 write units: work of a queue
    rare     no goal of its own: signing in, redeeming, the sweep of what is due

Where a goal is missed the row says why (KNOWN). `python -m benchmarks.units 100 1000` takes other sizes.
tests/unit/test_units.py holds a small organization to the same goals.
"""

import base64
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

SIZES = (100, 10_000)
CASELOAD = 25  # clients of one therapist, at any size of the organization
READ_UNITS, SEND_UNITS, WRITE_UNITS = 7, 20, 12
BOOKING_UNITS, RESCHEDULE_UNITS = 26, 40
TRIPS = {"booking": 3, "reschedule": 3, "read": 2, "audited": 3, "list": 2, "audited list": 3, "send": 3, "write": 3}
QUIET = {"X-Background": "1"}  # leaves the session's last activity alone, so that rows do not depend on real time
SINCE = datetime(2026, 1, 2, tzinfo=UTC)
FIRST = ("Odette", "Casimir", "Winifred", "Lazlo", "Perpetua", "Ignatius", "Marigold", "Barnaby", "Clementine", "Rufus")
LAST = ("Wainscott", "Abernethy", "Drummond", "Fairweather", "Goldfinch", "Hollingbrook", "Kettlewell", "Larkin")


# What is over a goal, and why it stays so: (read units, write units, round trips) at most, None where the goal holds.
KNOWN: dict[str, tuple[tuple[float | None, float | None, int | None], str]] = {
    "20 clients, therapist": ((None, None, 4), "an index never authorizes: each assignment is read; then the audit"),
    "search, administrator": (
        (None, 2, 6),
        "the entries of each word, the files under all of them (at most 1,000), the audit of a page of 50",
    ),
    "search, one caseload": ((None, None, 4), "that caseload and its files, the audit"),
    "search, therapist": ((None, None, 5), "the caseload, its files, the assignments of those that fit, the audit"),
    "client file, invited": ((None, None, 4), "the invitation, then what stands at the address, then the audit"),
    "invitation: words and forms": ((7.5, None, 4), "saved texts, the library, and what is left of the day"),
    "invitation: preview": (
        (8.5, None, 6),
        "the library, the usual words, the address, what is left of the day, the audit",
    ),
    "invitation: send": ((None, None, 7), "two counters against floods, the library, a look at words and address"),
    "invitation: replace an expired one": ((None, 25, 8), "the former invitation and its packet change state, too"),
    "invitation: resend": ((None, None, 5), "two counters against floods"),
    "my home": ((None, None, 4), "three lists on one page"),
    "my intakes": ((None, None, 3), "packets, then the state of each form"),
    "packets of a client": ((None, None, 4), "packets, then the state of each form"),
    "a form": ((None, None, 3), "the packet's forms, then the sections of this one"),
    "a form, filled in": ((None, None, 3), "the packet's forms, then the sections of this one"),
    "sign": ((None, 13, 4), "seven items, a signed record of 1 KB; more answers cost 2 units a KB"),
    "on_sealing: last form": ((None, 19, None), "once a packet: notices, mails, end of reminders; a receipt"),
    "a document in words": ((9, None, None), "facts of five items, then packet, form, document, signed record"),
    "summary of a packet": ((13, None, 4), "reads every signed form of the packet and its document"),
    "notifications": ((None, None, 4), "then the names as they are now, of those who may still be seen, and the audit"),
    "forms: send": ((None, None, 8), "what is open already, two counters against floods, the library, the address"),
    "forms: remind": ((None, None, 5), "the packet's forms before and after; who is to be reminded"),
    "who has not finished": ((None, None, 7), "an index of keys, packets, forms, names, who may see them, the audit"),
    "forms: take back": ((None, None, 6), "the packet's forms before and after"),
    "notice not acknowledged": ((None, None, 8), "the library, a packet of its own, and how it stands then"),
    "colleague: invite": ((None, None, 4), "the link before, and a counter against floods"),
    "colleague: change": ((None, None, 4), "the person before and after"),
    "colleague: disable": ((None, None, 5), "the person before and after, an open link to set up a second factor"),
    "assign": ((None, None, 4), "the colleague, and the file as it is at this moment"),
    "unassign": ((None, None, 4), "the colleague, and the file as it is at this moment"),
    "subscription": ((None, None, 3), "everybody's seat, and the changes of the month"),
    "token: make": ((None, None, 4), "a counter against floods, and how many are in use"),
    "tokens": ((None, None, 3), "the tokens, then who answers for them"),
    "on_job: import of one row": ((None, 27, None), "a file with its search entries, its outcome, the job's counts"),
    "bulk: begin, one": ((None, None, 5), "the library, whom it names; the items go before the job"),
    "on_job: one invitation": ((None, 22, None), "an invitation, its outcome, the job's counts"),
    "items of a job": ((None, None, 5), "the job, its items, the names as they are now, the audit"),
    "sign-ups": ((None, None, 7), "each is compared with the files: four ways to be alike"),
    "sign-up: accept": (
        (None, 54, 11),
        "a file with search entries, an account, an invitation; compared once more",
    ),
    "codes: switch on": ((None, 13, 4), "the account, a counter against guesses, the end of sessions, a mail"),
    "another address: ask": ((None, None, 4), "a counter against floods, and the link before"),
    "availability": ((None, None, 4), "what lies ahead is compared with the hours: requests, then appointments"),
    "availability: change": ((None, None, 5), "as for reading it, after the change"),
    "what I can book": ((10, None, None), "three items of each therapist on the client's file"),
    "slots of 60 days": ((None, None, 4), "who asks, who is asked, then the days of both sides: two reads a search"),
    "first slot": ((None, None, 4), "as for the slots"),
    "my appointments": ((None, None, 3), "an index of keys, then the appointments"),
    "requests": ((None, None, 5), "who asks, whose calendars, the requests, names as they are now, the audit"),
    "confirm": (
        (None, 24, None),
        "the file as it is, the days of both sides, the caps, the audit, two mails, an entry that changes place",
    ),
    "calendar of a week": (
        (None, None, 6),
        "whose calendars, requests, appointments, names as they are now, the audit",
    ),
    "appointments of a client": ((None, None, 4), "an index of keys, then the appointments, then the audit"),
    "feed": ((None, None, 4), "the address, whose it is, an index of keys, the appointments"),
    "series: look at 13 times": ((None, None, 3), "who asks, who is booked, then the days of both sides at every time"),
    "series: begin, one time": ((None, None, 8), "the same look, the items before the job, then how it stands"),
    "on_job: an occurrence, both told": ((None, 27, None), "a booking, a mail to each side, two outcomes, the count"),
    "a series": ((9, None, 6), "its jobs and their items, every appointment, the audit"),
    "series: move from one on": ((None, None, 11), "every appointment, the days at every new time, then how it stands"),
    "on_job: an occurrence moved, both told": ((None, 30, None), "two days of both sides; a mail to each, the count"),
    "group: look": ((None, None, 6), "the therapist, their days, the names, everyone's days, the audit"),
    "group: make": ((None, None, 11), "the same look, the items before the job, then everyone in it, the audit"),
    "on_job: a place in a group": (
        (None, 23, None),
        "the file as it is, the place, its client's day, the group, a mail, the count",
    ),
    "group: add": ((None, None, 11), "whom the asker may see, the group, the client's day, everyone in it, the audit"),
    "a group": ((None, None, 6), "the group, names as they are now, everyone's own place, the job, the audit"),
    "group: move": ((None, None, 12), "everyone's days first, the items before the job, then everyone in it"),
    "on_job: two places follow": ((None, 44, None), "two places, two days of each client, a mail to each, the count"),
    "staff home": ((None, None, 6), "notifications and clients on one page, then the audit of those it names"),
}


@dataclass(frozen=True)
class Row:
    """One operation and what it took."""

    name: str
    kind: str
    read: float
    write: float
    calls: tuple[str, ...]
    others: tuple[str, ...]

    def misses(self) -> list[str]:
        """The goals that it misses, in words."""
        missed = []
        if self.kind in ("read", "audited") and self.read > READ_UNITS:
            missed.append(f"{self.read:g} read units")
        most = {
            "booking": BOOKING_UNITS,
            "reschedule": RESCHEDULE_UNITS,
            "send": SEND_UNITS,
            "write": WRITE_UNITS,
            "event": WRITE_UNITS,
            "audited": 1,
            "audited list": 1,
        }
        allowed = 0 if self.kind in ("read", "list") else most.get(self.kind)
        if allowed is not None and self.write > allowed:
            missed.append(f"{self.write:g} write units")
        if len(self.calls) > TRIPS.get(self.kind, len(self.calls)):
            missed.append(f"{len(self.calls)} round trips")
        return missed

    def worse(self) -> bool:
        """Whether it misses more than is known."""
        (read, write, trips), _ = KNOWN.get(self.name, ((None, None, None), ""))
        known = (read is not None and self.read <= read, write is not None and self.write <= write)
        allowed = (*known, trips is not None and len(self.calls) <= trips)
        words = ("read units", "write units", "round trips")
        return any(
            not allowed[next(number for number, word in enumerate(words) if word in what)] for what in self.misses()
        )


def fill(tenant_id: str, therapist_id: str, count: int) -> None:
    """Put `count` more clients into an organization, straight into the local table; the newest are the therapist's.

    Every file has what the application itself would have written, its search entries for the searched letters included.
    """
    from chalicelib import clock
    from chalicelib.models.clients import Assignment, Client
    from chalicelib.services import clients
    from infra.local import cloud, state

    table = state.backend("dynamodb").tables[cloud.PREFIX]
    at = clock.text(SINCE)
    for number in range(count):
        newest = count - number  # the newest look the same in an organization of any size
        name = f"{FIRST[newest % len(FIRST)]} {LAST[newest // len(FIRST) % len(LAST)]}"
        client_id = "01JGK000" + f"{number:018d}"
        mine = number >= count - CASELOAD
        therapists = [{"staff_id": therapist_id, "name": "Desmond Okonjo"}] if mine else []
        records: list[Any] = [
            Client.new(
                tenant_id=tenant_id,
                client_id=client_id,
                legal_name=name,
                birth_date="1990-04-05",
                email=f"client{newest:06d}@mail.example",
                phone="+1 212 555 0100",
                status="active",
                portal="none",
                features_off=[],
                therapists=therapists,
                created_at=at,
                version=1,
            )
        ]
        if mine:
            records.append(Assignment.new(tenant_id=tenant_id, client_id=client_id, staff_id=therapist_id, since=at))
        if any(word.startswith("wa") for word in clients.name_words(name)):
            records += clients.search_entries(tenant_id, client_id, name)
        for record in records:
            table.put_item(record.get_save_kwargs_from_instance()["Item"])


def fill_history(tenant_id: str, staff_id: str, client_id: str, count: int) -> None:
    """Put `count` appointments that took place into the local table, four a day, with their calendar days."""
    from chalicelib import clock
    from chalicelib.models.slots import Appointment, ClientDay, TherapistDay
    from chalicelib.slots.zones import DAY, minute, moment
    from infra.local import cloud, state

    table = state.backend("dynamodb").tables[cloud.PREFIX]
    whose = {"tenant_id": tenant_id, "staff_id": staff_id, "client_id": client_id}
    today = minute(clock.now()) // DAY * DAY
    said = {"service_id": "S", "service_name": "Session", "colour": "teal", "mode": "telehealth", "staff_name": "T"}
    at = {"made_by": "staff", "made_at": clock.text(SINCE), "changed_at": clock.text(SINCE), "zone": "UTC"}
    for number in range(0, count, 4):
        start = today - (3 + number // 4) * DAY + 12 * 60
        busy = [[start + n * 60, start + n * 60 + 50, f"{number + n:026d}", None, 0, 0] for n in range(4)]
        day = {"tenant_id": tenant_id, "day": clock.text(moment(start))[:10], "busy": busy, "version": 4}
        records: list[Any] = [
            TherapistDay.new(**day, staff_id=staff_id),
            ClientDay.new(**day, client_id=client_id),
        ]
        records += [
            Appointment.new(
                **whose, **said, **at, appointment_id=entry[2], phase="booked", status="completed", start=entry[0],
                starts_at=clock.text(moment(entry[0])), minutes=50, before=0, after=0, client_zone="UTC", sequence=1,
                version=2,
            )
            for entry in busy
        ]  # fmt: skip
        for record in records:
            table.put_item(record.get_save_kwargs_from_instance()["Item"])


class Walk:
    """Through the portal once, counting. `caller` makes someone who can speak HTTP (tests/calls.py)."""

    def __init__(self, portal: Any, caller: Callable[[], Any]) -> None:
        from benchmarks.meter import Meter
        from chalicelib.adapters import aws
        from chalicelib.models.connection import client
        from infra.local import cloud, state, world

        table = state.backend("dynamodb").tables[cloud.PREFIX]
        services = {name: aws.client(name) for name in ("s3", "sqs", "sesv2", "kms", "secretsmanager")}
        self.portal, self.caller = portal, caller
        self.rows: list[Row] = []
        self.meter = Meter(client(), lambda pk, sk: _standing(table, pk, sk), services)
        self.client_id = {each.key: each.id for each in world.CLIENTS}["C4"]

    def take(self) -> list[Row]:
        """The whole walk."""
        self._sign_in()
        self._files()
        self._invitations()
        self._forms()
        self._documents()
        self._sending()
        self._uploads()
        self._staff()
        self._many()
        self._sign_ups()
        self._scheduling()
        self._organization()
        self._later()
        self.meter.close()
        return self.rows

    def _count(self, name: str, kind: str, work: Callable[[], Any], expect: int = 200) -> Any:
        with self.meter.counting() as cost:
            answer = work()
        if hasattr(answer, "status"):
            assert answer.status == expect, (name, answer)
        self.rows.append(Row(name, kind, cost.read, cost.write, tuple(cost.calls), tuple(cost.others)))
        return answer

    def _get(self, who: Any, path: str, name: str, kind: str = "read", **options: Any) -> Any:
        return self._count(name, kind, lambda: who.get(path, headers=QUIET, **options))

    def _post(self, who: Any, path: str, body: Any, name: str, kind: str = "write", expect: int = 200) -> Any:
        return self._count(name, kind, lambda: who.post(path, body, headers=QUIET), expect)

    def _event(self, function: str, name: str, kind: str = "event") -> None:
        self._count(name, kind, lambda: self.portal.pump.invoke(function))

    # ---- the way ----

    def _sign_in(self) -> None:
        self.staff, self.administrator, self.client = self.caller(), self.caller(), self.caller()
        self.portal.clock.advance(61)  # their one-time codes may have been used within this half minute
        self.caller().get("/tenants/oak")
        self._count("staff sign in", "rare", lambda: self.staff.sign_in("T4"), 201)
        self._count("client signs in", "rare", lambda: self.client.sign_in("C1"), 201)
        self.administrator.sign_in("A1")
        self._get(self.caller(), "/tenants/oak", "sign-in page")
        self._get(self.staff, "/session", "session")
        self.portal.clock.advance(60)
        self._count("session, first in 45 s", "rare", lambda: self.staff.get("/session"))
        self._post(self.staff, "/session/activity", {}, "stay signed in")

    def _files(self) -> None:
        from infra.local import world

        page = {"query": {"limit": 20}}
        self._get(self.administrator, "/practice/clients", "20 clients, administrator", "audited list", **page)
        self._get(self.staff, "/practice/clients", "20 clients, therapist", "audited list", **page)
        found = "/practice/clients/search"  # somebody of these names is there at any size
        self._post(self.administrator, found, {"search": "wainsc casimir"}, "search, administrator", "audited list")
        self._post(self.staff, found, {"search": "wa"}, "search, therapist", "audited list")
        within = {"search": "wa", "therapist_id": world.fixed_id("T4")}
        self._post(self.administrator, found, within, "search, one caseload", "audited list")
        self._get(self.staff, f"/practice/clients/{self.client_id}", "client file", "audited")

    def _invitations(self) -> None:
        from chalicelib.services import forms as library
        from infra.local import world

        for form in library.library(world.tenant_id("oak")):
            library.version(form.tenant_id, form.form_id, form.newest)  # a warm function has them in memory
        base = f"/practice/clients/{self.client_id}/invites"
        template = self._get(self.staff, f"{base}/template", "invitation: words and forms").json
        forms = {"form_ids": [form["form_id"] for form in template["forms"]]}
        self._post(self.staff, f"{base}/preview", forms, "invitation: preview", "audited")
        first = self._post(self.staff, base, forms, "invitation: send", "send", 201).json
        self._event("on_mail", "on_mail: invitation")
        self._event("on_mail_event", "on_mail_event: delivered")
        revoke = f"{base}/{first['invite_id']}/revoke"
        self._post(self.staff, revoke, {}, "invitation: revoke")
        self.staff.post(base, forms)
        self.portal.clock.advance(73 * 3600)
        self.staff.sign_in("T4")
        self.administrator.sign_in("A1")
        second = self._post(self.staff, base, forms, "invitation: replace an expired one", "send", 201).json
        self._post(self.staff, f"{base}/{second['invite_id']}/resend", {}, "invitation: resend", "send", 201)
        self._get(self.staff, base, "invitations of a client", "audited list")
        self._get(self.staff, f"/practice/clients/{self.client_id}", "client file, invited", "audited")
        self.caller().drain()
        token = link_of(self.caller().outbox()[-1])
        self._post(self.caller(), "/invitations/lookup", {"token": token}, "invitation: look up", "rare")
        self.client = self.caller()
        joined = self._post(self.client, "/invitations/redemption", redemption(token), "redeem", "rare", 201)
        self.client.remember(joined)

    def _forms(self) -> None:
        self._get(self.client, "/portal/home", "my home", "list")
        packets = self._get(self.client, "/portal/intakes", "my intakes", "list").json["items"]
        packet = next(each for each in packets if each["status"] == "open")
        self.intake_id = packet["intake_id"]
        for number, form in enumerate(packet["forms"]):
            self._fill_in(form["form_id"], first=number == 0, last=number == len(packet["forms"]) - 1)
        self._event("on_mail", "on_mail: packet completed")

    def _fill_in(self, form_id: str, *, first: bool, last: bool) -> None:
        path = f"/portal/intakes/{self.intake_id}/forms/{form_id}"
        form = self._get(self.client, path, "a form").json if first else self.client.get(path).json
        for section, given in _answers(form):
            body = {"answers": given, "skipped": None, "position": True}
            save = lambda s=section, b=body: self.client.patch(f"{path}/sections/{s}", b, headers=QUIET)  # noqa: E731
            if first:
                self._count("autosave, first of a section", "write", save)
                self._count("autosave", "write", save)
                first = False
            else:
                assert save().status == 200
        if last:
            self._get(self.client, path, "a form, filled in")
        if last:
            self._post(self.client, f"{path}/signature", _SIGNATURE, "sign", "write", 201)
            self._event("on_sealing", "on_sealing: last form")
        else:
            assert self.client.post(f"{path}/signature", _SIGNATURE).status == 201
            if self.rows[-1].name.startswith("on_sealing"):
                self.portal.pump.invoke("on_sealing")
            else:
                self._event("on_sealing", "on_sealing: a form")

    def _documents(self) -> None:
        staff = f"/practice/clients/{self.client_id}"
        self._get(self.client, "/portal/documents", "my documents", "list")
        documents = self._get(self.staff, f"{staff}/documents", "General Documents", "audited list").json["items"]
        document = documents[0]["document_id"]
        self._get(self.client, f"/portal/documents/{document}", "my document in words")
        self._get(self.staff, f"{staff}/documents/{document}", "a document in words", "audited")
        self._get(self.staff, f"{staff}/documents/{document}/verification", "verification", "audited")
        self._post(self.staff, f"{staff}/documents/{document}/download", {}, "download", "audited")
        self._get(self.staff, f"{staff}/intakes", "packets of a client", "audited list")
        self._get(self.staff, f"{staff}/intakes/{self.intake_id}/summary", "summary of a packet", "audited")
        notified = self._get(self.staff, "/practice/notifications", "notifications", "audited list").json["items"]
        path = f"/practice/notifications/{notified[0]['notification_id']}/read"
        self._post(self.staff, path, {}, "notification read", "write", 204)
        self._get(self.staff, "/practice/home", "staff home", "audited list")

    def _sending(self) -> None:
        base = f"/practice/clients/{self.client_id}/intakes"
        body = {"form_ids": ["notice-of-privacy-practices"], "note": "Before we meet on Monday, please."}
        sent = self._post(self.staff, base, body, "forms: send", "send", 201).json
        self._event("on_mail", "on_mail: forms")
        self.portal.pump.invoke("on_mail_event")
        one = f"{base}/{sent['intake_id']}"
        self._post(self.staff, f"{one}/reminders", {}, "forms: remind", "send", 201)
        self.portal.pump.invoke("on_mail")
        self._get(self.administrator, "/practice/open-intakes", "who has not finished", "audited list")
        self._post(self.staff, f"{one}/revoke", {}, "forms: take back")
        note = {"form_id": body["form_ids"][0], "intake_id": None, "reason": "declined", "note": "Said so by phone."}
        notices = f"/practice/clients/{self.client_id}/notices"
        self._post(self.staff, notices, note, "notice not acknowledged", "write", 201)

    def _uploads(self) -> None:
        from tests import flows

        card = {"name": "card.txt", "size": 9, "category": "insurance_card_front"}
        begun = self._post(self.client, "/portal/uploads", card, "upload: begin", "write", 201).json
        assert flows.post_file(self.client, begun, b"NW-99-123").status == 204
        path = f"/portal/uploads/{begun['upload_id']}"
        self._post(self.client, f"{path}/finish", {}, "upload: finish")
        self._event("on_upload", "on_upload: a clean file")
        self._get(self.client, path, "upload")

    def _staff(self) -> None:
        from tests import flows

        admin, newcomer = self.administrator, self.caller()
        self._get(admin, "/practice/staff", "staff", "list")
        who = {"name": "Wanda Early", "email": "wanda@staff.example", "roles": ["therapist"], "credentials": "LPC"}
        made = self._post(admin, "/practice/staff", who, "colleague: invite", "send", 201).json
        self._event("on_mail", "on_mail: colleague")
        token = flows.token_in(self.caller().outbox(who["email"])[-1], "join-staff")
        self._post(newcomer, "/staff-invitations/lookup", {"token": token}, "colleague: look up", "rare")
        self._count("colleague: join", "rare", lambda: flows.join_staff(newcomer, token), 201)
        path = f"/practice/staff/{made['staff_id']}"
        etag = self._get(admin, path, "colleague").json["etag"]
        seen = {"may_invite": True}
        self._count("colleague: change", "write", lambda: admin.patch(path, seen, etag=etag, headers=QUIET))
        assigned = f"/practice/clients/{self.client_id}/therapists"
        self._post(admin, assigned, {"staff_id": made["staff_id"]}, "assign")
        self._count("unassign", "write", lambda: admin.delete(f"{assigned}/{made['staff_id']}", headers=QUIET))
        self._post(admin, f"{path}/disable", {}, "colleague: disable")
        self._get(admin, "/practice/subscription", "subscription", "list")
        program, body = self.caller(), {"name": "Scheduler", "scopes": ["clients:read"]}
        program.token = self._post(admin, "/practice/tokens", body, "token: make", "write", 201).json["token"]
        self._count("client file, by a program", "rare", lambda: program.get(f"/practice/clients/{self.client_id}"))
        self._get(admin, "/practice/tokens", "tokens", "list")

    def _many(self) -> None:
        admin = self.administrator
        file = {"file": base64.b64encode(_ROW).decode()}
        self._post(admin, "/practice/imports/look", file, "import: look at one row", "rare")
        self._post(admin, "/practice/imports", file, "import: begin, one row", "write", 202)
        self._event("on_job", "on_job: import of one row")
        found = admin.post("/practice/clients/search", {"search": "thornbury"}).json["items"]
        one = {"client_ids": [found[0]["client_id"]]}
        self._post(admin, "/practice/invites/bulk/check", one, "bulk: check one", "rare")
        job = self._post(admin, "/practice/invites/bulk", one | {"form_ids": []}, "bulk: begin, one", "write", 201).json
        self._event("on_job", "on_job: one invitation")
        self._get(admin, f"/practice/jobs/{job['job_id']}", "job")
        self._get(admin, f"/practice/jobs/{job['job_id']}/items", "items of a job", "audited list")
        self.portal.pump.invoke("on_mail")

    def _sign_ups(self) -> None:
        from tests import flows

        visitor, admin = self.caller(), self.administrator
        self._get(visitor, "/tenants/oak/sign-up", "sign-up page")
        self._count("sign-up: send", "rare", lambda: flows.sign_up(visitor), 202)
        self._event("on_mail", "on_mail: sign-up")
        token = flows.token_in(visitor.outbox(flows.NEWCOMER["email"])[-1], "sign-up")
        self._post(visitor, "/sign-ups/lookup", {"token": token}, "sign-up: look up", "rare")
        self._count("sign-up: confirm", "rare", lambda: flows.confirm_sign_up(visitor, token), 202)
        signup = self._get(admin, "/practice/sign-ups", "sign-ups", "list").json["items"][0]
        self._count("sign-up: accept", "send", lambda: flows.answer_sign_up(admin, signup, "acceptance"))
        self.portal.pump.invoke("on_mail")

    def _account(self) -> None:
        from infra.local import levers
        from tests import flows

        anyone, client, clock = self.caller(), self.client, self.portal.clock
        self._get(client, "/account", "my account")
        self._get(client, "/sessions", "where I am signed in", "list")
        secret = self._post(client, "/account/totp", {}, "codes: begin", "write", 201).json["secret"]
        code = {"code": levers.totp(secret, clock.now())}
        self._post(client, "/account/totp/confirmation", code, "codes: switch on", "write", 201)
        self.portal.pump.invoke("on_mail")
        self._post(client, "/account/email", {"email": "wen@elsewhere.example"}, "another address: ask", "send", 202)
        self._event("on_mail", "on_mail: another address")
        token = flows.token_in(anyone.outbox("wen@elsewhere.example")[-1], "email")
        self._post(anyone, "/email-changes/redemption", {"token": token}, "another address: confirm", "rare")
        self.portal.pump.invoke("on_mail")
        self._count("forgotten password: ask", "rare", lambda: flows.ask_reset(anyone, "C1"), 202)
        self._event("on_mail", "on_mail: forgotten password")
        mails = anyone.outbox(next(each.email for each in _clients() if each.key == "C1"))
        reset = {"token": flows.token_in(mails[-1], "reset"), "password": "nine purple walnuts sing"}
        self._post(anyone, "/password-resets/redemption", reset, "forgotten password: reset", "rare")
        self._count("sign in with codes", "rare", lambda: _with_code(client, secret, clock), 201)

    def _scheduling(self) -> None:
        """C1 books with T1; the calendar of a month holds what a busy therapist's does."""
        from infra.local import world
        from tests import booking

        people = {each.key: each.id for each in (*world.STAFF, *world.CLIENTS)}
        admin, clock = self.administrator, self.portal.clock
        client, therapist = self.caller(), self.caller()
        client.sign_in("C1")
        therapist.sign_in("T1")
        service = booking.opened(lambda _: admin, "T1", before=5, after=10)
        mine = f"/practice/therapists/{people['T1']}/availability"
        self._get(therapist, mine, "availability", "list")
        etag = therapist.get(mine, headers=QUIET).json["etag"]
        change = {"schedules": [booking.week(*booking.EVERY_DAY)]}
        self._count(
            "availability: change", "write", lambda: therapist.api("PATCH", mine, change, etag=etag, headers=QUIET)
        )
        self._get(client, "/portal/scheduling", "what I can book")
        month = {"service_id": service, "mode": "telehealth", "staff_id": people["T1"]}
        today = clock.now().date()
        days = {**month, "first_day": today, "last_day": today + timedelta(days=60), "zone": booking.ZONE}
        self._get(client, "/portal/slots", "slots of 60 days", "list", query=days)
        self._get(client, "/portal/slots/first", "first slot", "list", query=month)
        book = booking.wish("T1", service, booking.at(clock, 3))
        path = "/portal/appointments"
        asked = self._post(client, path, book, "book", "booking", 201).json
        mail = self.portal.pump.invoke
        mail("on_mail")
        self._get(client, path, "my appointments", "list")
        self._get(therapist, "/practice/requests", "requests", "audited list")
        of = f"/practice/clients/{people['C1']}/appointments"
        one = f"{of}/{asked['appointment_id']}"

        def tell(who: Any, path: str, body: Any, seen: Any, name: str, kind: str = "send") -> Any:
            return self._count(name, kind, lambda: who.post(path, body, etag=seen["etag"], headers=QUIET)).json

        seen = tell(therapist, f"{one}/confirmation", {}, asked, "confirm")
        again = {"starts_at": booking.at(clock, 5), "zone": booking.ZONE}
        own = f"{path}/{asked['appointment_id']}"
        seen = tell(client, f"{own}/time", again, seen, "reschedule", "reschedule")
        others = {"starts": [booking.at(clock, n) for n in (6, 7, 8)]}
        seen = tell(therapist, f"{one}/proposal", others, seen, "propose three times", "reschedule")
        seen = tell(client, f"{own}/acceptance", {"starts_at": others["starts"][0]}, seen, "accept", "reschedule")
        mail("on_mail")
        week = {"first_day": today, "last_day": today + timedelta(days=6)}
        self._get(therapist, "/practice/calendar", "calendar of a week", "audited list", query=week)
        self._get(therapist, of, "appointments of a client", "audited list")
        tell(client, f"{own}/cancellation", {}, seen, "cancel")
        mail("on_mail")
        token = client.post("/feed", headers=QUIET).json["address"].split("/")[-2]
        self._get(self.caller(), f"/feeds/{token}/calendar.ics", "feed", "list")
        self._series(therapist, service, people)
        self._groups(therapist, service, people)

    def _series(self, therapist: Any, service: str, people: dict[str, str]) -> None:
        """A quarter of a year is looked at; then one time is booked as a series of one, and moved as such."""
        from tests import booking

        clock, of = self.portal.clock, f"/practice/clients/{people['C1']}"
        plan = booking.series("T1", service, booking.at(clock, 10), count=13)
        self._post(therapist, f"{of}/series/check", plan, "series: look at 13 times", "list")
        one = {**plan, "count": 2, "leave_out": [booking.at(clock, 17)]}
        made = self._post(therapist, f"{of}/series", one, "series: begin, one time", "send", 201).json
        self._event("on_job", "on_job: an occurrence, both told")
        self.portal.pump.invoke("on_mail")
        found = self._get(therapist, f"{of}/series/{made['series_id']}", "a series", "audited").json
        path = f"{of}/appointments/{found['occurrences'][0]['appointment_id']}/following/time"
        new = {"starts_at": booking.at(clock, 11)}
        self._count("series: move from one on", "send", lambda: therapist.post(path, new, etag="1", headers=QUIET))
        self._event("on_job", "on_job: an occurrence moved, both told")
        self.portal.pump.invoke("on_mail")

    def _groups(self, therapist: Any, service: str, people: dict[str, str]) -> None:
        from tests import booking

        clock, groups = self.portal.clock, f"/practice/therapists/{people['T1']}/groups"
        self.administrator.post(f"/practice/clients/{people['C3']}/therapists", {"staff_id": people["T1"]})
        body = {
            "service_id": service,
            "mode": "telehealth",
            "starts_at": booking.at(clock, 12),
            "client_ids": [people["C1"]],
        }
        self._post(therapist, f"{groups}/check", body, "group: look", "audited list")
        made = self._post(therapist, groups, body, "group: make", "booking", 201).json
        self._event("on_job", "on_job: a place in a group")
        self.portal.pump.invoke("on_mail")
        one, member = f"{groups}/{made['group_id']}", {"client_id": people["C3"]}
        self._post(therapist, f"{one}/members", member, "group: add", "booking")
        self.portal.pump.invoke("on_mail")
        seen = self._get(therapist, one, "a group", "audited list").json
        new = {"starts_at": booking.at(clock, 13)}
        self._count(
            "group: move", "reschedule", lambda: therapist.post(f"{one}/time", new, etag=seen["etag"], headers=QUIET)
        )
        self._event("on_job", "on_job: two places follow")
        self.portal.pump.invoke("on_mail")

    def _organization(self) -> None:
        etag = self._get(self.administrator, "/practice/settings", "settings").json["etag"]
        change = {"reply_time": "We answer within one working day."}
        self._count(
            "settings: change",
            "write",
            lambda: self.administrator.patch("/practice/settings", change, etag=etag, headers=QUIET),
        )
        etag = self._get(self.client, "/portal/profile", "my profile").json["etag"]
        change = {"phone": "555-0101"}
        self._count(
            "my profile: change",
            "write",
            lambda: self.client.patch("/portal/profile", change, etag=etag, headers=QUIET),
        )
        self._account()
        self._count("sign out", "write", lambda: self.client.delete("/session", headers=QUIET), 204)

    def _later(self) -> None:
        self._event("on_schedule", "on_schedule: nothing due", "rare")


def _standing(table: Any, pk: str, sk: str) -> dict[str, Any] | None:
    """What stands at a key in the local table, without a call."""
    from moto.dynamodb.models.dynamo_type import DynamoType

    partition = table.items.get(DynamoType({"S": pk}), {})
    item = partition.get(DynamoType({"S": sk}))
    return dict(item.to_json()["Attributes"]) if item is not None else None


_ROW = b"Name,Date of birth,E-mail\nTamsin Thornbury,1988-02-29,tamsin@mail.example\n"


def _clients() -> Any:
    from infra.local import world

    return world.CLIENTS


def _with_code(client: Any, secret: str, clock: Any) -> Any:
    """C4, whose address and second factor have just changed, signs in."""
    from infra.local import levers

    clock.advance(31)
    body = {"slug": "oak", "kind": "client", "email": "wen@elsewhere.example", "password": "seven quiet otters swim"}
    answer = client.post("/sessions", body | {"code": levers.totp(secret, clock.now()), "bearer": True}, key=None)
    client.remember(answer)
    return answer


_SIGNATURE = {
    "method": "typed",
    "typed_name": "Wendell Farnsworthy",
    "strokes": None,
    "printed_name": "Wendell Farnsworthy",
    "relationship": "self",
    "disclosure_version": 1,
    "consents": {"read": True, "esign": True, "intent": True},
    "time_zone": "America/New_York",
}


def link_of(mail: dict[str, Any]) -> str:
    """The token behind the # of an invitation's link."""
    return str(mail["text"].partition("/join#")[2].split()[0])


def redemption(token: str) -> dict[str, Any]:
    """What C4 joins with."""
    from infra.local import world

    born = next(each.birth_date for each in world.CLIENTS if each.key == "C4")
    profile = {"phone": "555-0100"}
    return {"token": token, "password": "seven quiet otters swim", "birth_date": born, "profile": profile}


def _answers(form: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """What a client would type into each section: every answer that is asked for, and none that worries."""
    from chalicelib import clock
    from chalicelib.services import answers

    definition, given = form["definition"], dict(form["answers"])
    facts = answers.Facts(form["facts"]["age"], clock.now().date())
    typed: dict[str, dict[str, Any]] = {}
    fields = {spec["id"]: spec for section in definition["sections"] for spec in section["fields"]}
    while missing := answers.missing(definition, given, [], facts):
        for problem in missing:
            given[problem.field_id] = _typed(fields[problem.field_id])
            typed.setdefault(problem.section_id, {})[problem.field_id] = given[problem.field_id]
    return list(typed.items())


def _typed(spec: dict[str, Any]) -> Any:
    options = [option["id"] for option in spec.get("options", [])] or [None]
    return {
        "long": "I have slept badly since the spring. " * 8,
        "date": "1990-02-03",
        "yesno": spec.get("worrying") != [True],
        "agree": True,
        "initials": "WF",
        "scale": 3,
        "number": 2,
        "choice": options[0],
        "choices": options[:1],
        "table": [{column["id"]: "A few words" for column in spec.get("columns", [])}],
    }.get(spec["type"], "A short answer")


# ---- the table ----


def measured(size: int) -> list[Row]:
    """The walk through a fresh portal whose organization has `size` more clients."""
    from infra.local import world
    from tests.calls import Caller

    portal, port = served()
    portal.reset()
    people = {each.key: each.id for each in (*world.STAFF, *world.CLIENTS)}
    fill(world.tenant_id("oak"), people["T4"], size)
    fill_history(world.tenant_id("oak"), people["T1"], people["C1"], size)
    return Walk(portal, lambda: Caller(port, portal.clock)).take()


_serving: list[Any] = []


def served() -> tuple[Any, int]:
    """The seeded portal behind a real server, made once in a process, and its port."""
    if not _serving:
        from infra.local.portal import Portal
        from infra.local.server import Server

        portal = Portal()
        server = Server(portal, PORT)
        server.start()
        _serving.extend((portal, PORT, server.site.gateway))
    return _serving[0], _serving[1]


def gateway() -> Any:
    """What stands between the server and the application."""
    served()
    return _serving[2]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


PORT = 0


def main() -> int:
    """Prints the table; 1 when an operation costs more than its goal, or than is known of it."""
    global PORT
    import logging

    from infra.local import cloud

    sizes = [int(argument) for argument in sys.argv[1:]] or list(SIZES)
    PORT = free_port()
    cloud.environment(PORT)
    logging.disable(logging.INFO)
    runs = []
    for size in sizes:
        began = time.monotonic()
        runs.append(measured(size))
        print(f"{size:>6} clients: {len(runs[-1])} operations in {time.monotonic() - began:.0f} s", file=sys.stderr)
    return _print(sizes, runs)


def _print(sizes: list[int], runs: list[list[Row]]) -> int:
    small, large = runs[0], runs[-1]
    print(f"{'':36}{'':13}{'round':>7}{'read units at':>18}{'write units at':>18}")
    print(f"{'operation':36}{'kind':13}{'trips':>7}" + "".join(f"{size:>9}" for size in (sizes[0], sizes[-1]) * 2))
    missed, differing, worse = [], [], False
    for row, more in zip(small, large, strict=True):
        units = f"{row.read:>9g}{more.read:>9g}{row.write:>9g}{more.write:>9g}"
        others = " ".join(sorted(set(row.others)))
        print(f"{row.name:36}{row.kind:13}{len(row.calls):>7}{units}  {others}")
        worse |= row.worse() or more.worse()
        why = KNOWN.get(row.name, (None, "NOT KNOWN"))[1]
        missed += [f"{row.name}: {what} ({why})" for what in dict.fromkeys(row.misses() + more.misses())]
        if (row.read, row.write, row.calls) != (more.read, more.write, more.calls):
            differing.append(row.name)
    same = len(small) - len(differing)
    line = f"\nunits equal at {sizes[0]} and {sizes[-1]} clients (ratio 1.00): {same} of {len(small)}"
    print(line + (", all but:" if differing else ""), *differing, sep="\n  ")
    print("goals held by every row" if not missed else "goals missed:", *missed, sep="\n  ")
    return int(worse)


if __name__ == "__main__":
    sys.exit(main())
