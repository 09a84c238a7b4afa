"""Every route × every person × own, sibling, unassigned, other tenant, random and malformed ids × features off.

Generated from the application's own routes: a later route is in it by itself. What is expected comes from the oracle of
tests/unit/test_policies.py (DOMAIN.md's sentences) and from who is whose in the world, never from the policy table.
"""

import copy
import json
import pickle
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from moto.dynamodb.models.dynamo_type import DynamoType

from chalicelib.handlers import routes
from chalicelib.handlers.routing import BOTH, PORTAL, PRACTICE, PUBLIC, Route
from chalicelib.models.clients import Client
from chalicelib.models.staff import Staff
from chalicelib.models.tenants import Tenant
from chalicelib.models.transaction import change
from chalicelib.policies.decide import Denial, Facts
from chalicelib.policies.plans import Circumstances, Feature, Standing
from chalicelib.policies.rules import Role
from infra.local import levers, state, stripe_double
from infra.local import world as demo
from infra.local.gateway import Answer
from tests import billing, booking, flows
from tests.calls import PEOPLE, Caller
from tests.conftest import World
from tests.integration.test_uploads import pdf
from tests.unit.test_policies import BEGINS, BY_SCOPE, expected

RANDOM_ID = "01M8HZZZZZQ9W8E7R6T5Y4V3X2"
LOGO = "0" * 40
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAIAAAB7QOjdAAAAD0lEQVR4nGM8IRfFwMAAAAa8AUI0eLFdAAAAAElFTkSuQmCC"
COLLEAGUE = {"oak": "T3", "birch": "BT", "cedar": "DT"}  # a therapist of each
MALFORMED = ["1", "-", "%2e%2e", "..%2fT1", "%00", "%23", "01kf8dem0000000000000000c1", "' OR 1=1 --", "é", "x" * 300]
NOBODY = "nobody"
# Programs: whose token, and its scopes. Two more tokens are over: one was revoked, one has expired.
PROGRAMS = {
    "program": ("A1", frozenset(BY_SCOPE)),
    "narrow program": ("A2", frozenset({"clients:read"})),
    "therapist's program": ("T4", frozenset(BY_SCOPE)),  # made while they were an administrator
    "foreign program": ("B1", frozenset(BY_SCOPE)),
}
OVER = ("revoked program", "expired program")
UNAUTHENTICATED = (NOBODY, "expired", "forged", "disabled", "left", *OVER)
NESTED = (
    "appointment_id", "invite_id", "intake_id", "document_id", "notification_id", "series_id", "session_id",
    "upload_id", "wait_id", "thread_id", "attachment_id", "print_id", "invoice_id", "payment_id", "sheet_id",
)  # fmt: skip
BILLERS = ("T4",)  # therapists whom an administrator has let bill
OF_CALENDAR = "therapist_id"  # whose calendar: a therapist's own, any of the organization's for administrators
# What belongs to the organization: there for everyone of it who may do this at all.
OF_TENANT = ("export_id", "job_id", "signup_id", "staff_id", "token_id", "wording_id")
# More clients: two with an open invitation, so that there is a sibling's and a foreign one, and one to be invited.
MORE = {"C6": ("oak", "T4"), "C7": ("oak", "T4"), "CY": ("birch", "BT")}


@dataclass
class Stage:
    """The world with something of everything in it."""

    portal: Any
    gateway: Any
    tokens: dict[str, str]
    tenants: dict[str, str] = field(default_factory=dict)  # person or client → slug
    therapists: dict[str, set[str]] = field(default_factory=dict)  # client → therapists
    ids: dict[str, dict[str, str]] = field(default_factory=dict)  # client or staff → what is theirs
    members: dict[str, set[str]] = field(default_factory=dict)  # thread → the staff who take part
    service: str = ""  # what can be booked with oak's therapists
    undo: "Undo | None" = None

    def ask(self, person: str, method: str, path: str, body: bytes, more: dict[str, str] | None = None) -> Answer:
        """One request as this person, without a socket."""
        token = self.tokens.get(person)
        headers = {"content-type": "application/json", "if-match": '"1"', **(more or {})}
        if token:
            headers["authorization"] = f"Bearer {token}"
        answer: Answer = self.gateway.answer(method, path, headers, body, "127.0.0.1")
        return answer

    def put_back(self) -> None:
        """As it was."""
        assert self.undo is not None
        self.undo.put_back()

    def facts(
        self,
        person: str,
        client: str | None,
        now: Circumstances,
        calendar: str | None = None,
        thread: str | None = None,
    ) -> Facts:
        """What ties this person, or the maker of this program's token, to this client or calendar."""
        maker, scopes = PROGRAMS.get(person, (person, None))
        who = PEOPLE[maker]
        staff = isinstance(who, demo.StaffMember)
        exists = client is None or self.tenants.get(client) == who.tenant
        if isinstance(who, demo.StaffMember):
            now = replace(now, seat=who.seat)
        return Facts(
            is_member=not staff or thread is None or maker in self.members.get(thread, ()),
            roles={Role(role) for role in who.roles} if isinstance(who, demo.StaffMember) else {Role.CLIENT},
            is_self=calendar in (None, maker),
            is_assigned=client is not None and maker in self.therapists.get(client, ()),
            may_invite=staff and who.may_invite,
            may_bill=maker in BILLERS,
            scopes=scopes,
            exists=exists,
            circumstances=now,
        )


class Undo:
    """Puts back the items that were written since, and nothing else: a whole restore takes longer than the requests."""

    def __init__(self) -> None:
        self.taken = state.snapshot(state.CHANGING)
        self._items = _items(pickle.loads(self.taken)["dynamodb"]["tables"])
        self._written: set[tuple[str, str]] = set()

    def note(self, key: dict[str, Any]) -> None:
        """This item was, or may have been, written."""
        self._written.add((key["pk"]["S"], key["sk"]["S"]))

    def put_back(self) -> None:
        """The items as they were; the queues empty, as they were."""
        now = _items(state.backend("dynamodb").tables)
        for pk, sk in self._written:
            hash_key, range_key = DynamoType({"S": pk}), DynamoType({"S": sk})
            if (before := self._items.get(hash_key, {}).get(range_key)) is not None:
                now[hash_key][range_key] = copy.deepcopy(before)
            else:
                now[hash_key].pop(range_key, None)
        self._written.clear()
        for queue in state.backend("sqs").queues.values():
            queue._messages.clear()


def _items(tables: dict[str, Any]) -> Any:
    (table,) = tables.values()
    return table.items


@pytest.fixture(autouse=True, scope="module")
def _noted(_stage: "Stage") -> Iterator[None]:
    """Every write of an item is noted."""
    backend = type(state.backend("dynamodb"))

    def noting(original: Callable[..., Any]) -> Callable[..., Any]:
        def write(self: Any, table: str, key: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
            assert _stage.undo is not None
            _stage.undo.note(key)
            return original(self, table, key, *args, **kwargs)

        return write

    with pytest.MonkeyPatch.context() as patch:
        for name in ("put_item", "update_item", "delete_item"):
            patch.setattr(backend, name, noting(getattr(backend, name)))
        yield


# ---- the stage: made once ----


@pytest.fixture(scope="session")  # the file comes in parts, and other files between them
def _stage(cloud_portal: Any, serving: Any, _sessions: dict[str, tuple[str, str]]) -> Stage:
    cloud_portal.reset(to_seed_time=True)
    cloud_portal.clock.advance(60)
    stage = Stage(cloud_portal, serving.site.gateway, {key: token for key, (token, _) in _sessions.items()})
    for person in PEOPLE.values():
        stage.tenants[person.key] = person.tenant
        stage.ids[person.key] = {}
        if isinstance(person, demo.ClientPerson):
            stage.therapists[person.key] = set(person.therapists)
            stage.ids[person.key]["client_id"] = person.id

    def call(key: str) -> Caller:
        caller = Caller(serving.site.port, cloud_portal.clock)
        caller.token = stage.tokens.get(key)
        return caller

    _furnish(stage, call)
    stage.undo = Undo()
    return stage


def _furnish(stage: Stage, call: Callable[[str], Caller]) -> None:
    from chalicelib.services import clients

    for key, (slug, therapist) in MORE.items():
        tenant = demo.tenant_id(slug)
        new = {"client_id": demo.fixed_id(key), "legal_name": "Extra Person", "email": f"{key.lower()}@mail.example"}
        clients.create(tenant, **new)
        member = Staff.find(tenant_id=tenant, staff_id=PEOPLE[therapist].id)
        assert member is not None
        clients.assign(tenant, new["client_id"], member)
        stage.tenants[key], stage.therapists[key] = slug, {therapist}
        stage.ids[key] = {"client_id": new["client_id"]}
    for key, by in (("C4", "T4"), ("C6", "T4"), ("CY", "BT")):
        sent = flows.invite(call(by), stage.ids[key]["client_id"], flows.NOTICE)
        assert sent.status == 201, sent
        stage.ids[key]["invite_id"] = sent.json["invite_id"]
    for key in ("C1", "C2", "C3", "CB", "CD"):
        client = call(key)
        signed, document = flows.signed_document(client, key)
        started = flows.send_packet(key, flows.NOTICE)
        flows.fill(client, started, flows.NOTICE)
        sent = client.post("/portal/uploads", {"name": "card.png", "size": 70, "category": "insurance_card_front"})
        assert flows.post_file(client, sent.json, b"x" * 70).status == 204
        upload = {"upload_id": sent.json["upload_id"]}
        stage.ids[key] |= {"intake_id": started, "signed_intake_id": signed, "document_id": document, **upload}
    for key, colleague in (("A1", "T3"), ("B1", "BT")):
        stage.ids[key] |= {"job_id": _job(key), "staff_id": PEOPLE[colleague].id}
        table = call(key).post("/practice/exports", BODIES["start_export"])
        stage.ids[key]["export_id"] = table.json["export_id"]
        flows.signed_up(call(key), stage.tenants[key])
        stage.ids[key]["signup_id"] = flows.sign_ups(call(key))[0]["signup_id"]
        saved = call(key).post("/practice/wordings", {"name": "Warm", "subject": "Hello", "message": "{link}"})
        stage.ids[key]["wording_id"] = saved.json["wording_id"]
        stage.ids[key]["invited_staff_id"] = _invited(call(key), f"rowan-{key.lower()}@staff.example")
    _appointments(stage, call)
    _money(stage, call)
    _messages(stage, call)
    _open_links(stage, call("A1"))
    for key in ("A1", "B1", "D1"):
        _draft(call(key), demo.tenant_id(PEOPLE[key].tenant))
    other = "other@newcomer.example"
    assert flows.sign_up(call("A1"), email=other).status == 202
    stage.ids["C1"]["sign_up"] = flows.sign_up_token(call("A1"), other)
    stage.ids["C4"]["token"] = flows.mailed_token(call("A1"), PEOPLE["C4"].email)
    scan = flows.uploaded(call("A1"), f"/practice/clients/{PEOPLE['C1'].id}", "scan.pdf", pdf(), purpose="paper_form")
    stage.ids["C1"]["scan_id"] = scan["upload_id"]
    _hold_back(stage.ids["C6"])
    for key in ("A1", "T1", "T4", "BT", "DT"):
        notices = call(key).get("/practice/notifications").json["items"]
        if notices:
            stage.ids[key]["notification_id"] = notices[0]["notification_id"]
    for kind, table in (("staff", "staff_session"), ("client", "client_session")):
        for session in flows.stored(table):
            owner = next(key for key, person in PEOPLE.items() if person.id == session[f"{kind}_id"])
            stage.ids[owner]["session_id"] = session["session_id"]
    stage.ids["C1"]["reset"] = flows.reset_link(call("A1"), "C1")
    assert call("C1").post("/account/email", {"email": "imogen@elsewhere.example"}).status == 202
    call("A1").drain()
    stage.ids["C1"]["email"] = flows.token_in(call("A1").outbox("imogen@elsewhere.example")[-1], "email")
    for key in stage.tokens:
        stage.ids[key]["totp"] = call(key).post("/account/totp").json["secret"]
    _those_who_may_not(stage)
    _programs(stage)


def _messages(stage: Stage, call: Callable[[str], Caller]) -> None:
    """A conversation of each client who can have one, with a file in it; one that is opened by an administrator; PDFs,
    and a mass message under way."""
    for key, to in (("C1", "T1"), ("C2", None), ("C3", "T4"), ("CB", "BT")):
        body = {"to": PEOPLE[to].id if to else "administration", "subject": "Subject", "body": "Words"}
        begun = call(key).post("/portal/messages", body)
        assert begun.status == 201, begun
        thread = begun.json["thread_id"]
        file = flows.uploaded(call(key), "/portal", "notes.pdf", pdf(), purpose="message")["upload_id"]
        sent = call(key).post(f"/portal/messages/{thread}", {"body": "", "upload_ids": [file]})
        assert sent.status == 201, sent
        stage.ids[key] |= {"thread_id": thread, "attachment_id": file}
        stage.members[thread] = {to} if to else {"A1", "A2"}
    for who, path in (("BT", f"/practice/clients/{PEOPLE['CB'].id}/messages/"), ("CB", "/portal/messages/")):
        assert call(who).post(f"{path}{stage.ids['CB']['thread_id']}/trash").status == 204
    own = stage.ids["C1"]
    theirs = f"/practice/clients/{PEOPLE['C1'].id}/messages/{own['thread_id']}"
    own["print_id"] = call("T1").post(f"{theirs}/pdf").json["print_id"]
    own["my_print_id"] = call("C1").post(f"/portal/messages/{own['thread_id']}/pdf").json["print_id"]
    call("T1").drain()
    assert call("A1").post(f"{theirs}/glass", {"reason": "Because the matrix asks for it."}).status == 201
    for key in ("A1", "T1", "B1"):
        stage.ids[key]["mass_job_id"] = _job(key, "message")


def _programs(stage: Stage) -> None:
    """Tokens as administrators make them, and as they end."""
    from chalicelib import clock
    from chalicelib.context import Actor, Context, Persona
    from chalicelib.models.tokens import ApiToken
    from chalicelib.services import tokens

    def made(key: str, scopes: frozenset[str]) -> tuple[ApiToken, str]:
        person = PEOPLE[key]
        tenant = demo.tenant_id(person.tenant)
        member = Staff.find(tenant_id=tenant, staff_id=person.id)
        actor = Actor("staff", person.id, person.name)
        context = Context(tenant, actor, clock.now(), Persona.PRACTICE, person=member)
        listed, text = tokens.create(context, "Export", scopes, 90)
        return listed.token, text

    for name, (key, scopes) in PROGRAMS.items():
        stage.tenants[name] = PEOPLE[key].tenant
        _, stage.tokens[name] = made(key, scopes)
    for key in ("A1", "B1"):
        stage.ids[key]["token_id"] = made(key, frozenset({"forms:read"}))[0].token_id
    ends = {OVER[0]: ApiToken.revoked_at, OVER[1]: ApiToken.ends_at}
    for name, attribute in ends.items():
        token, stage.tokens[name] = made("A1", frozenset(BY_SCOPE))
        change(token, attribute.set(clock.text(clock.now() - timedelta(hours=1))))


def _open_links(stage: Stage, anyone: Caller) -> None:
    """A staff member's mailed link, and a logo that can be shown."""
    from chalicelib.models.tenants import Logo
    from chalicelib.models.transaction import add
    from chalicelib.services import accounts

    tenant, digest = demo.tenant_id("oak"), LOGO
    add(Logo.new(tenant_id=tenant, digest=digest, png=b"png", width=1, height=1))
    stage.ids["A1"]["staff_token"] = flows.staff_token(anyone, "rowan-a1@staff.example")
    told = stage.ids["A1"]["staff_token"].split(".")[:2]
    secret = accounts.derived_totp_secret(*told, "staff_invitation", "1", flows.PASSWORD)
    stage.ids["A1"]["staff_secret"] = secret


def _invited(administrator: Caller, email: str) -> str:
    """A colleague who has not joined yet."""
    body = {"name": "Rowan Early", "email": email, "roles": ["therapist"]}
    answer = administrator.post("/practice/staff", body)
    assert answer.status == 201, answer
    return str(answer.json["staff_id"])


def _draft(admin: Caller, tenant_id: str) -> None:
    """A draft of the notice, which has the version that every request of the matrix has seen."""
    from chalicelib.models.forms import FormDraft

    opened = admin.post(f"/practice/forms/{flows.NOTICE}/draft", {"source": "newest"})
    assert opened.status == 201, opened
    change(FormDraft.at(tenant_id=tenant_id, form_id=flows.NOTICE), FormDraft.version.set(1))


def _money(stage: Stage, call: Callable[[str], Caller]) -> None:
    """Drafts, open and paid invoices, a sheet that was printed, and a link to pay by; a therapist who may bill."""
    for key, by in (("C1", "A1"), ("C3", "A1"), ("CB", "B1"), ("CD", "D1")):
        admin, client, own = call(by), call(key), stage.ids[key]
        own["draft_invoice_id"] = billing.draft(admin, key).json["invoice_id"]
        own["invoice_id"] = billing.issued(admin, key)["invoice_id"]
        payment = billing.paid(client, billing.issued(admin, key), save_card=True)
        own |= {"payment_id": payment["payment_id"], "paid_etag": payment["etag"]}
        own["card_id"] = client.get("/portal/cards").json["items"][0]["card_id"]
        cash = {"method": "cash", "amount": 5_000}  # nothing of it is for an invoice: credit
        assert admin.post(f"/practice/clients/{PEOPLE[key].id}/payments", cash).status == 201
        sheet = {"what": "invoice", "invoice_id": own["invoice_id"]}
        own["sheet_id"] = client.post("/portal/prints", sheet).json["sheet_id"]
        link = client.post(f"/portal/invoices/{own['invoice_id']}/pay-link").json["address"]
        own["pay_link"] = link.partition("#")[2]
    stage.ids["C2"]["to_pay_id"] = billing.issued(call("A1"), "C2")["invoice_id"]
    assert call("D1").delete("/practice/card-processing").json["status"] == "disconnected"
    for key in BILLERS:
        change(Staff.at(tenant_id=demo.tenant_id("oak"), staff_id=PEOPLE[key].id), Staff.may_bill.set(True))


FEED = "a-feed-that-is-not-there"
OFFERED, WAITED, LATER = 5, 7, 9  # days from now


def _appointments(stage: Stage, call: Callable[[str], Caller]) -> None:
    """Someone who has asked for a time, one who is offered others, one whom staff have booked; in two organizations."""
    global FEED
    at = booking.at(stage.portal.clock, 3)
    stage.service = booking.opened(call, "T1", "T4", price={"amount": 15_000, "currency": "usd"})
    birch = booking.offer(call("B1"))["services"][0]["service_id"]
    booking.hours(call("B1"), "BT", *booking.EVERY_DAY)
    for key, therapist in (("C1", "T1"), ("C3", "T4"), ("CB", "BT")):
        service = birch if key == "CB" else stage.service
        asked = booking.book(call(key), therapist, service, at)
        assert asked.status == 201, asked
        stage.ids[key]["appointment_id"] = asked.json["appointment_id"]
        if key != "C1":  # who may still join
            wait_id = booking.wait_for(call(key), therapist, service).json["wait_id"]
            stage.ids[key]["wait_id"] = wait_id
            _offer_to(stage, key, wait_id)
    clock, admin = stage.portal.clock, call("A1")
    held = booking.book_for(admin, "C1", "T1", stage.service, booking.at(clock, -2), override=True).json
    assert booking.theirs(admin, "C1", held, "outcome", {"status": "completed"}).status == 200
    stage.ids["C1"]["held_appointment_id"] = held["appointment_id"]
    past = booking.book_for(admin, "C1", "T1", stage.service, booking.at(clock, -1), override=True)
    stage.ids["C1"]["past_appointment_id"] = past.json["appointment_id"]
    asked = booking.book(call("C3"), "T4", stage.service, booking.at(clock, 4)).json
    offered = booking.theirs(admin, "C3", asked, "proposal", {"starts": [booking.at(clock, OFFERED)]})
    stage.ids["C3"]["offered_appointment_id"] = offered.json["appointment_id"]
    assert offered.json["etag"] == "2"
    _series_and_groups(stage, call, birch)
    for name in ("list_slots", "find_first_slot"):
        QUERIES[name] = re.sub("service_id=[0-9A-Z]+", f"service_id={stage.service}", QUERIES[name])  # of this stage
    FEED = call("C1").post("/feed").json["address"].split("/")[-2]


def _series_and_groups(stage: Stage, call: Callable[[str], Caller], birch: str) -> None:
    """Two weeks of C1's and of CB's, a group of T1's and of BT's, and two that recur."""
    at = booking.at(stage.portal.clock, 20)
    for by, key, therapist, service in (("A1", "C1", "T1", stage.service), ("B1", "CB", "BT", birch)):
        made = booking.book_series(call(by), key, therapist, service, at, count=2)
        call(by).drain()
        series = booking.series_of(call(by), key, made.json["series_id"])
        of_series = series["occurrences"][0]["appointment_id"]
        stage.ids[key] |= {"series_id": series["series_id"], "of_series_appointment_id": of_series}
        group = booking.group(call(by), therapist, service, at.replace("T15", "T18"))
        assert group.status == 201, group
        stage.ids[therapist]["group_id"] = group.json["group_id"]
        again = booking.repeat_group(call(by), therapist, service, at.replace("T15", "T20"), count=2)
        assert again.status == 201, again
        call(by).drain()
        groups = booking.group_series_of(call(by), therapist, again.json["series_id"])
        of_groups = groups["occurrences"][0]["group_id"]
        stage.ids[therapist] |= {"group_series_id": groups["series_id"], "of_series_group_id": of_groups}


def _offer_to(stage: Stage, key: str, wait_id: str) -> None:
    """As if a time had opened for who waits."""
    from chalicelib.models.slots import Wait
    from chalicelib.slots.zones import minute

    place = Wait.at(tenant_id=demo.tenant_id(PEOPLE[key].tenant), client_id=PEOPLE[key].id, wait_id=wait_id)
    start = minute(booking.instant(booking.at(stage.portal.clock, WAITED)))
    offered = [Wait.start.set(start), Wait.minutes.set(50), Wait.before.set(0), Wait.after.set(0)]
    change(place, *offered, Wait.status.set("offered"), Wait.held_until.set(start))


def _hold_back(own: dict[str, str]) -> None:
    """As if this invitation's mail could still be called back."""
    from chalicelib import clock
    from chalicelib.models.invites import Invite
    from chalicelib.models.mails import ClientMail

    about = {"tenant_id": demo.tenant_id("oak"), "client_id": own["client_id"]}
    invite = Invite.find(**about, invite_id=own["invite_id"])
    assert invite is not None
    change(invite, Invite.held_until.set(clock.text(clock.now() + timedelta(days=1))))
    change(ClientMail.at(**about, mail_id=invite.mail_id), ClientMail.status.set("queued"))


def _job(key: str, work: str = "import_clients") -> str:
    """Bulk work that this administrator began and that is still under way."""
    from chalicelib import clock, ids
    from chalicelib.adapters import keys
    from chalicelib.models.jobs import Job
    from chalicelib.models.transaction import add

    person, counts = PEOPLE[key], dict.fromkeys(("total", "position", "done", "skipped", "failed"), 0)
    job = Job.new(
        tenant_id=demo.tenant_id(person.tenant), job_id=ids.new_id(), work=work, about=b"",
        status="running", started_by=person.id, started_by_name=person.name,
        created_at=clock.text(clock.now()), **counts,
    )  # fmt: skip
    job.about = keys.encrypt(job.tenant_id, {"head": ["Name"]}, job.sk)
    add(job)
    return str(job.job_id)


def _those_who_may_not(stage: Stage) -> None:
    """A session that is over, one that never was, and the sessions of people who are no longer there."""
    from chalicelib import clock
    from chalicelib.models.accounts import StaffSession
    from chalicelib.services import sessions

    good = stage.tokens["A1"]
    stage.tokens["forged"] = good[:-4] + ("AAAA" if good[-4:] != "AAAA" else "BBBB")
    tenant = Tenant.find(tenant_id=demo.tenant_id("oak"))
    for key, status in (("expired", "active"), ("disabled", "disabled"), ("left", "active")):
        kind = sessions.CLIENT if key == "left" else sessions.STAFF
        source = Client if key == "left" else Staff
        who = source.find(tenant_id=tenant.tenant_id, **{f"{kind}_id": PEOPLE["C2" if key == "left" else "T2"].id})
        new_id = demo.fixed_id(key.upper().replace("L", "1").replace("U", "V"))
        copy = who.values() | {f"{kind}_id": new_id, "status": status}
        for name in ("pk", "sk", "gsi1pk", "gsi1sk", "kind"):
            copy.pop(name, None)
        if key == "left":
            copy["portal"] = "ended"
        from chalicelib.models.transaction import Transaction

        with Transaction() as tx:
            tx.put(source.new(**copy))
        caller = sessions.Caller("127.0.0.1", None, "x")
        context = sessions.context_for(source.new(**copy), tenant, kind, caller)
        sessions.start(context, method="password", bearer=True)
        stage.tokens[key] = str(context.token)
        if key == "expired":
            change(context.session, StaffSession.ends_at.set(clock.text(clock.now() - timedelta(hours=1))))


@pytest.fixture
def stage(world: World, _stage: Stage) -> Stage:
    """The furnished world at the start of every test; `world` has put the clock back."""
    assert _stage.undo is not None
    state.restore(_stage.undo.taken)
    return _stage


# ---- targets: one way to fill a route's address each ----


@dataclass(frozen=True)
class Target:
    """An address and whose it is: `client` names the file, `mine` says for whom what is nested is really there."""

    name: str
    path: str
    client: str | None  # None: the address names no client, or one that does not exist
    names_client: bool
    there: frozenset[str] | None  # the people for whom the nested thing exists; None: for everyone who may see
    calendar: str | None = None  # the person whose calendar is named, if one is
    thread: str | None = None  # the thread that is named, if one is


def _targets(route: Route, stage: Stage) -> Iterator[Target]:
    names = re.findall(r"{(\w+)}", route.path)
    nested = [name for name in names if name in NESTED]
    if "client_id" in names:
        yield from _about_clients(route, stage, nested)
    elif OF_CALENDAR in names:
        yield from _about_calendars(route, stage)
    elif nested or (of_tenant := [name for name in names if name in OF_TENANT]):
        yield from _about_own(route, stage, (nested or of_tenant)[0])
    else:
        yield Target("plain", _filled(route, {}), None, False, None)
        for name in names:
            for bad in ["nothing-of-this-name", *MALFORMED]:
                yield Target(f"{name}={bad}", _filled(route, {name: bad}), None, False, frozenset())


def _about_calendars(route: Route, stage: Stage) -> Iterator[Target]:
    for key in ("A1", "T1", "T3", "T4", "BT"):
        there = frozenset(each for each, slug in stage.tenants.items() if slug == stage.tenants[key])
        named = {"group_id": "of_series_group_id" if "/following/" in route.path else "group_id"}
        named["group_series_id"] = "group_series_id"
        own = {name: stage.ids[key].get(wanted, RANDOM_ID) for name, wanted in named.items()}
        if any(f"{{{name}}}" in route.path and value == RANDOM_ID for name, value in own.items()):
            there = frozenset()
        path = _filled(route, {OF_CALENDAR: PEOPLE[key].id, **own})
        yield Target(f"{OF_CALENDAR} of {key}", path, None, False, there, key)
    for bad in [RANDOM_ID, *MALFORMED]:
        yield Target(
            f"{OF_CALENDAR}={bad}",
            _filled(route, {OF_CALENDAR: bad, "group_id": RANDOM_ID, "group_series_id": RANDOM_ID}),
            None,
            False,
            frozenset(),
            "nobody",
        )


# Files below which every wrong id is tried: one with two therapists, one who is invited, a foreign one.
THOROUGH = ("C1", "C4", "CB")


def _about_clients(route: Route, stage: Stage, nested: list[str]) -> Iterator[Target]:
    files = [key for key in stage.ids if "client_id" in stage.ids[key]]
    wanted = {name: _wanted(route, name) for name in nested}
    for key in files:
        own = {name: stage.ids[key].get(wanted[name], RANDOM_ID) for name in nested}
        colleague = {"staff_id": PEOPLE[COLLEAGUE[stage.tenants[key]]].id}
        there = None if all(value != RANDOM_ID for value in own.values()) else frozenset[str]()
        if "print_id" in own and there is None:
            there = frozenset({"T1"})  # a PDF is for the one who asked for it
        path = _filled(route, {"client_id": stage.ids[key]["client_id"], **colleague, **own})
        yield Target(f"client {key}", path, key, True, there, thread=own.get("thread_id"))
        for name in nested if key in THOROUGH else ():
            others = [o for o in files if o != key and wanted[name] in stage.ids[o]]
            for bad in [*(stage.ids[o][wanted[name]] for o in others[:1] + others[-1:]), RANDOM_ID, "-"]:
                named = {**own, name: bad}
                path = _filled(route, {"client_id": stage.ids[key]["client_id"], **named})
                # Threads are looked for within the client's own partition: another client's thread is nobody's here.
                thread = ("-" if name == "thread_id" else named["thread_id"]) if "thread_id" in named else None
                yield Target(f"client {key} with {name}={bad}", path, key, True, frozenset(), thread=thread)
    some = {name: next(i[wanted[name]] for i in stage.ids.values() if wanted[name] in i) for name in nested}
    for bad in [RANDOM_ID, *MALFORMED]:
        yield Target(f"client {bad}", _filled(route, {"client_id": bad, **some}), None, True, frozenset())


def _about_own(route: Route, stage: Stage, name: str) -> Iterator[Target]:
    wanted = _wanted(route, name)
    for key, ids in stage.ids.items():
        if wanted in ids:
            there = {each for each, slug in stage.tenants.items() if slug == stage.tenants[key]}
            there = there if name in OF_TENANT else {key}
            if wanted == "mass_job_id":  # a colleague's mass message is the administrators' and its sender's
                there = {each for each in there if each == key or each in ("A1", "A2", "B1", "D1")}
            named = {each: _wanted(route, each) for each in NESTED if f"{{{each}}}" in route.path}
            if any(each not in ids for each in named.values()):
                continue  # there is none of it: the targets below ask for what is not there
            rest = {each: ids[own] for each, own in named.items()}
            path = _filled(route, {**rest, name: ids[wanted]})
            yield Target(f"{name} of {key}", path, None, False, frozenset(there))
            if "{form_id}" in route.path:
                path = _filled(route, {name: ids[wanted], "form_id": flows.CONSENT})
                yield Target(f"{name} of {key}, not this form", path, None, False, frozenset())
    rest = {each: RANDOM_ID for each in NESTED if f"{{{each}}}" in route.path}
    for bad in [RANDOM_ID, *MALFORMED]:
        yield Target(f"{name}={bad}", _filled(route, {**rest, name: bad}), None, False, frozenset())


def _wanted(route: Route, name: str) -> str:
    """What a route needs to succeed: one that is signed, that is past, that is offered."""
    if name == "staff_id" and route.operation_id in ("resend_staff_invitation", "revoke_staff_invitation"):
        return "invited_staff_id"
    if name == "invoice_id" and route.operation_id in ("change_invoice", "delete_invoice", "issue_invoice"):
        return "draft_invoice_id"
    if name == "job_id" and "mass_message" in route.operation_id:
        return "mass_job_id"
    if name == "print_id" and route.audience == PORTAL:
        return "my_print_id"
    special = {
        "summarize_intake": "signed_intake_id",
        "download_packet": "signed_intake_id",
        "settle_appointment": "past_appointment_id",
        "move_appointment": "past_appointment_id",
        "accept_proposal": "offered_appointment_id",
        "check_following": "of_series_appointment_id",
        "move_following": "of_series_appointment_id",
        "cancel_following": "of_series_appointment_id",
    }
    return special.get(route.operation_id, name) if name in ("intake_id", "appointment_id") else name


def _filled(route: Route, ids: dict[str, str]) -> str:
    usual = {"slug": "oak", "feed_key": FEED, "form_id": flows.NOTICE, "section_id": "acknowledgement"}
    usual |= {"logo": LOGO, "staff_id": PEOPLE["T3"].id}
    path = re.sub(r"{(\w+)}", lambda m: (usual | ids)[m.group(1)].replace(" ", "%20"), route.path)
    return path + QUERIES.get(route.operation_id, "")


# ---- requests that would succeed ----

# What routes are asked that cannot be asked for nothing.
_WISH = f"?service_id={RANDOM_ID}&mode=telehealth"
QUERIES = {
    "read_calendar": "?first_day=2026-11-25&last_day=2026-12-01",
    "list_slots": f"{_WISH}&first_day=2026-11-25&last_day=2026-12-01&zone=Asia/Tokyo",
    "find_first_slot": _WISH,
}
_SERIES = {**booking.series("T1", RANDOM_ID, "2026-12-01T15:00:00Z"), "override": True}
_GROUP = {"service_id": RANDOM_ID, "mode": "telehealth", "starts_at": "2026-12-01T15:00:00Z", "override": True}
_STAFF_BOOKING = {**booking.wish("T1", RANDOM_ID, "2026-12-01T15:00:00Z"), "override": True}
del _STAFF_BOOKING["zone"]
WILLOW = {
    "key": "k" * 40,
    "slug": "willow",
    "name": "Willow Room",
    "zone": "America/Denver",
    "country": "US",
    "phone": "(303) 555-0100",
    "administrator": "Wanda Early",
    "email": "wanda@staff.example",
}
BODIES: dict[str, Any] = {
    "create_invoice": {"lines": [billing.line()]},
    "bill_appointments": {"appointment_ids": [RANDOM_ID]},
    "change_invoice": {"lines": [billing.line(9_000)]},
    "void_invoice": {"reason": "Mistake"},
    "write_off_invoice": {"amount": 100, "reason": "Kindness"},
    "adjust_invoice": {"amount": -100, "reason": "Mistake"},
    "apply_credit": {"amount": 100},
    "apply_my_credit": {"amount": 100},
    "start_payment": {"invoices": []},
    "remove_my_card": {"card_id": "…"},
    "choose_autopay": {"card_id": None},
    "look_up_pay_link": {"token": "pay_link"},
    "start_guest_payment": {"token": "pay_link"},
    "record_payment": {"method": "cash", "amount": 1_000},
    "refund_payment": {"amount": 100, "reason": "Kindness"},
    "start_export": {"what": "payments", "first_day": "2026-11-01", "last_day": "2026-11-30"},
    "print_mine": {"what": "statement", "first_day": "2026-11-01", "last_day": "2026-11-30"},
    "print_for_client": {"what": "statement", "first_day": "2026-11-01", "last_day": "2026-11-30"},
    "search_clients": {"search": "imo"},
    "sign_in": {"slug": "oak", "kind": "client", "email": "imogen@mail.example", "password": "C1-quiet-river-lantern"},
    "create_api_token": {"name": "Export", "scopes": ["forms:read"]},
    "send_invite": {"form_ids": [flows.NOTICE]},
    "preview_invite": {"form_ids": [flows.NOTICE]},
    "change_settings": {"reply_time": "Within a week."},
    "begin_form": {"title": "House rules", "purpose": "consent"},
    "open_draft": {"source": "standard", "replaces": "1"},
    "save_draft": {"title": "Notice", "minutes": 5, "intro": [], "sections": []},
    "publish_form": {"what_changed": "Less."},
    "send_forms": {"form_ids": [flows.CONSENT]},
    "record_paper_form": {
        "form_id": flows.NOTICE,
        "signed_by": "Extra Person",
        "relationship": "self",
        "signed_on": "2026-01-02",
        "upload_id": "…",
    },
    "record_notice": {"form_id": flows.NOTICE, "reason": "declined"},
    "remind_many": {"all": True},
    "ask_again": {},
    "change_profile": {"phone": "+1 212 555 0199"},
    "save_my_section": {"answers": {"received": True}},
    "sign_my_form": flows.signature(),
    "look_at_import": {"file": "TmFtZQpOZXcgUGVyc29u"},
    "start_import": {"file": "TmFtZQpOZXcgUGVyc29u"},
    "create_client": {"legal_name": "New Person"},
    "match_clients": {"legal_name": "New Person"},
    "change_client": {"preferred_name": "Fresh"},
    "change_contact": {"phone": "+1 212 555 0198"},
    "begin_upload": {"name": "letter.pdf", "size": 1000},
    "begin_my_upload": {"name": "card.jpg", "size": 1000, "category": "insurance_card_front"},
    "share_document": {"shared": True},
    "prove_session": {"password": "…"},
    "check_many": {"never_invited": True},
    "invite_many": {"client_ids": [PEOPLE["C4"].id], "form_ids": [flows.NOTICE]},
    "retry_address": {"asked": True},
    "save_wording": {"name": "Plain", "subject": "Welcome", "message": "Hello {client_first_name}: {link}"},
    "change_wording": {"name": "Plain", "subject": "Welcome", "message": "Hello {client_first_name}: {link}"},
    "choose_usual_wording": {"wording_id": None},
    "check_wording": {"subject": "Welcome", "message": "Hello {who}"},
    "look_up_invitation": {"token": "…"},
    "redeem_invitation": {"token": "…", "password": flows.PASSWORD, "birth_date": PEOPLE["C4"].birth_date},
    "renew_invitation": {"token": "…"},
    "change_offer": {"services": [], "locations": []},
    "change_availability": {"zone": "America/New_York"},
    "book_appointment": booking.wish("T1", RANDOM_ID, "2027-01-01T15:00:00Z"),
    "move_my_appointment": {"starts_at": "2026-12-04T15:00:00Z", "zone": "America/New_York"},
    "accept_proposal": {"starts_at": "2026-12-04T15:00:00Z"},
    "cancel_my_appointment": {},
    "join_wait_list": {
        "staff_id": PEOPLE["T1"].id,
        "service_id": RANDOM_ID,
        "mode": "telehealth",
        "zone": "America/New_York",
    },
    "accept_offer": {"starts_at": "2026-12-04T15:00:00Z"},
    "decline_offer": {"starts_at": "2026-12-04T15:00:00Z"},
    "check_appointment": _STAFF_BOOKING,
    "create_appointment": _STAFF_BOOKING,
    "decline_appointment": {},
    "propose_times": {"starts": ["2026-12-04T15:00:00Z"]},
    "move_appointment": {"starts_at": "2026-12-04T15:00:00Z"},
    "cancel_appointment": {},
    "settle_appointment": {"status": "completed"},
    "check_series": _SERIES,
    "create_series": _SERIES,
    "check_following": {"starts_at": "2026-12-04T15:00:00Z"},
    "move_following": {"starts_at": "2026-12-04T15:00:00Z", "override": True},
    "cancel_following": {},
    "check_group": _GROUP,
    "create_group": _GROUP,
    "add_to_group": {"client_id": PEOPLE["C1"].id},
    "move_group": {"starts_at": "2026-12-04T15:00:00Z", "override": True},
    "cancel_group": {},
    "change_group": {"capacity": 9},
    "check_group_series": {**_GROUP, "every_weeks": 1, "count": 2},
    "create_group_series": {**_GROUP, "every_weeks": 1, "count": 2},
    "check_following_groups": {"starts_at": "2026-12-04T15:00:00Z"},
    "move_following_groups": {"starts_at": "2026-12-04T15:00:00Z", "override": True},
    "cancel_following_groups": {},
    "change_following_groups": {"capacity": 9},
    "add_to_following_groups": {"client_id": PEOPLE["C1"].id},
    "remove_from_following_groups": {"client_id": PEOPLE["C1"].id},
    "send_sign_up": {**flows.NEWCOMER, "slug": "oak", "ticket": "", "may_contact": True},
    "look_up_sign_up": {"token": "sign_up"},
    "confirm_sign_up": {"token": "sign_up", "password": flows.PASSWORD},
    "link_sign_up": {"client_id": "…"},
    "reject_sign_up": {"tell": True},
    "ask_password_reset": {"slug": "oak", "kind": "client", "email": "imogen@mail.example"},
    "look_up_password_reset": {"token": "reset"},
    "reset_password": {"token": "reset", "password": flows.PASSWORD},
    "look_up_email_change": {"token": "email"},
    "confirm_email_change": {"token": "email"},
    "change_password": {"password": flows.PASSWORD},
    "start_email_change": {"email": "somebody@elsewhere.example"},
    "confirm_totp": {"code": "…"},
    "change_organization": {"phone": "(212) 555-0143"},
    "try_colour": {"brand": "#2f6f5e"},
    "set_logo": {"image": PIXEL},
    "change_plan": {"plan": "basic"},
    "change_seat": {"seat": True},
    "invite_staff": {"name": "Ada Later", "email": "ada@staff.example", "roles": ["therapist"]},
    "change_staff": {"may_invite": True},
    "assign_therapist": {"staff_id": PEOPLE["T3"].id},
    "finish_first_step": {"step": "forms"},
    "look_up_staff_invitation": {"token": "x" * 40},
    "offer_second_factor": {"token": "x" * 40, "password": "x"},
    "join_staff": {"token": "x" * 40, "password": "x", "code": "000000"},
    "check_slug": {"name": "Willow Room"},
    "begin_thread": {"subject": "Hello", "body": "Hello"},
    "answer_thread": {"body": "Hello"},
    "mark_thread_read": {"up_to": 1},
    "save_message_draft": {"key": "k" * 26, "body": "Hel"},
    "save_draft_to_client": {"key": "k" * 26, "body": "Hel"},
    "search_threads": {"search": "imo"},
    "begin_my_thread": {"to": "administration", "subject": "Hello", "body": "Hello"},
    "answer_my_thread": {"body": "Hello"},
    "mark_my_thread_read": {"up_to": 1},
    "save_my_new_draft": {"key": "k" * 26, "body": "Hel"},
    "save_my_draft": {"key": "k" * 26, "body": "Hel"},
    "search_my_threads": {"search": "pri"},
    "open_thread": {"reason": "A reason that can be read."},
    "add_contact": {"way": "phone", "happened_at": "2026-01-14T09:30:00Z", "note": "Called back."},
    "look_at_mass_message": {"to": "mine"},
    "send_mass_message": {"to": "chosen", "client_ids": [PEOPLE["C1"].id], "subject": "Hello", "body": "Hello"},
    "choose_notices": {"muted": ["message_waiting"]},
    "sign_up_practice": WILLOW,
    "mail_practice_again": {**WILLOW, "to": "wanda@staff.example", "attempt": "a" * 40},
}
# The state of the world makes the answer of these a conflict or a refusal of the body for some; that is not a denial.
PASSED = range(200, 300)
ALSO = {
    "bill_appointments": (409,), "apply_credit": (409,), "apply_my_credit": (409,), "remove_my_card": (409,),
    "refund_payment": (409, 412), "connect_card_processing": (409,), "void_invoice": (409,),
    "switch_totp_off": (409,), "renew_recovery_codes": (409,), "send_invite": (409,), "resend_invite": (409,),
    "revoke_invite": (409,), "change_profile": (412,), "change_settings": (412,), "change_plan": (409,),
    "download_document": (409,), "verify_document": (409,), "mark_document_seen": (409,),
    "send_forms": (409,), "remind_client": (409,), "revoke_intake": (409,), "revoke_form": (409,),
    "record_paper_form": (422,), "finish_upload": (409,), "finish_my_upload": (409,),
    "book_appointment": (409,), "move_my_appointment": (409,),
    "accept_proposal": (409,), "check_appointment": (409,), "create_appointment": (409,),
    "confirm_appointment": (409,), "decline_appointment": (409,), "propose_times": (409,),
    "move_appointment": (409,), "cancel_appointment": (409,), "settle_appointment": (409,),
    "list_slots": (409,), "find_first_slot": (409,),
    "check_series": (409,), "create_series": (409,), "check_following": (409,), "move_following": (409,),
    "cancel_following": (409,), "check_group": (409,), "create_group": (409,), "add_to_group": (409,),
    "check_group_series": (409,), "create_group_series": (409,), "check_following_groups": (409,),
    "move_following_groups": (409,), "cancel_following_groups": (409,), "add_to_following_groups": (409,),
    "remove_from_following_groups": (409,), "change_following_groups": (409,),
    "join_wait_list": (409,), "accept_offer": (409,), "decline_offer": (409,),
    "change_offer": (412,), "change_availability": (412,),
    "change_organization": (412,), "set_logo": (412,), "remove_logo": (412,),  # cedar was changed before
    "download_packet": (409,), "change_client": (412,), "change_contact": (412,), "end_access": (409,),
    "give_access_back": (409,),
    "begin_thread": (409,), "answer_thread": (409,), "restore_thread": (409,), "restore_my_thread": (409,),
    "open_thread": (409,), "read_opened_thread": (409,), "download_opened_attachment": (409,),
    "cancel_invite": (409,), "send_login_link": (409,), "retry_address": (409,),
}  # fmt: skip


def _good(route: Route, stage: Stage, person: str = NOBODY) -> tuple[bytes, dict[str, str]]:
    if route.media == "application/pdf":
        return b"%PDF-1.7 no", {"content-type": "application/pdf"}
    more = {"idempotency-key": "matrix-0123456789"} if route.idempotent else {}
    if route.signed is not None:
        return b"{}", {route.signed: stripe_double.signed("{}", stage.portal.clock.now())}
    body = dict(BODIES.get(route.operation_id, {}))
    if "invoices" in body:
        own = stage.ids.get(person, {})
        body["invoices"] = [{"invoice_id": own.get("invoice_id") or own.get("to_pay_id", RANDOM_ID)}]
    if "appointment_ids" in body:
        body["appointment_ids"] = [stage.ids["C1"]["held_appointment_id"]]
    if route.operation_id == "remove_my_card":
        body["card_id"] = stage.ids.get(person, {}).get("card_id", "pm_that_is_not_there")
    if "service_id" in body:
        body["service_id"] = stage.service
    if "starts_at" in body:
        body["starts_at"] = booking.at(stage.portal.clock, OFFERED if "acceptance" in route.path else LATER)
    if route.operation_id in ("accept_offer", "decline_offer"):
        body["starts_at"] = booking.at(stage.portal.clock, WAITED)
    if "starts" in body:
        body["starts"] = [booking.at(stage.portal.clock, LATER)]
    if route.operation_id == "accept_proposal":
        more["if-match"] = '"2"'
    if route.operation_id == "refund_payment":
        more["if-match"] = f'"{stage.ids["C1"]["paid_etag"]}"'
    if route.path.startswith("/staff-invitations/"):
        now, own = stage.portal.clock.now(), stage.ids["A1"]
        sent = {"token": own["staff_token"], "password": flows.PASSWORD, "code": levers.totp(own["staff_secret"], now)}
        body |= {name: value for name, value in sent.items() if name in body}
        return json.dumps(body).encode(), more
    if "token" in body:
        body["token"] = stage.ids["C1"].get(body["token"]) or stage.ids["C4"]["token"]
    if "client_id" in body:
        file = {"oak": "C7", "birch": "CY"}.get(stage.tenants.get(person, ""), "C7")
        body["client_id"] = stage.ids[file]["client_id"]
    if "code" in body:
        body["code"] = levers.totp(stage.ids.get(person, {}).get("totp", "A" * 32), stage.portal.clock.now())
    if route.operation_id == "assign_therapist" and (who := PEOPLE.get(person)):
        body["staff_id"] = PEOPLE[COLLEAGUE[who.tenant]].id
    if "upload_id" in body:
        body["upload_id"] = stage.ids["C1"]["scan_id"]
    if route.operation_id == "prove_session" and (who := PEOPLE.get(person)):
        body["password"] = who.password
        if isinstance(who, demo.StaffMember):
            body["code"] = levers.totp(who.totp_secret, stage.portal.clock.now())
    return json.dumps(body).encode() if route.method != "GET" else b"", more


def _wrong(route: Route) -> tuple[bytes, dict[str, str]]:
    """A body that is refused, and no idempotency key: whoever is denied must not learn even that."""
    return (b"" if route.method == "GET" else b'{"nonsense": '), {"content-type": "text/plain", "if-match": ""}


# ---- the matrix ----

CODES = {
    Denial.UNKNOWN_ACTION: (403, "forbidden"),
    Denial.ROLE: (403, "forbidden"),
    Denial.SCOPE: (403, "scope_missing"),
    Denial.UNRELATED: (404, "not_found"),
    Denial.SUSPENDED: (403, "organization_suspended"),
    Denial.NOT_IN_PLAN: (403, "feature_not_in_plan"),
    Denial.SWITCHED_OFF: (403, "feature_switched_off"),
}


def _denied(route: Route, stage: Stage, person: str, target: Target, now: Circumstances) -> tuple[int, str] | None:
    """Status and code of the refusal, or None: this person may do this."""
    if route.audience == PUBLIC:
        return None
    if person in UNAUTHENTICATED:
        return 401, "unauthenticated"
    staff = person in PROGRAMS or isinstance(PEOPLE[person], demo.StaffMember)
    admitted = {PRACTICE} if person in PROGRAMS else {BOTH, PRACTICE if staff else PORTAL}
    if route.audience not in admitted:
        return 403, "forbidden"
    facts = stage.facts(person, target.client, now, target.calendar, target.thread)
    if target.names_client and target.client is None:
        facts = Facts(**{**facts.__dict__, "exists": False})
    why = expected(route.action, facts)
    return CODES[why] if why else None


def _circumstances(slug: str) -> Circumstances:
    plan = next(each.plan for each in demo.ORGANIZATIONS if each.slug == slug)
    on = set(Feature) if plan == "plus" else {Feature.INVITATIONS, Feature.INTAKE_FORMS, Feature.PAYMENTS}
    return Circumstances(plan=plan, switched_on=on, card_processing=slug != "cedar")


def _everyone(stage: Stage) -> list[str]:
    return [NOBODY, *(key for key in stage.tokens)]


def _plain(answer: Answer) -> tuple[Any, ...]:
    """All of an answer but its request id."""
    body = re.sub(rb"urn:request:[0-9a-fA-F-]+", b"urn:request:", answer.body)
    return answer.status, tuple(sorted(answer.headers)), body


def _code(answer: Answer) -> str | None:
    problem = dict(answer.headers).get("Content-Type") == "application/problem+json"
    return json.loads(answer.body)["code"] if problem else None


def _check(route: Route, stage: Stage, person: str, target: Target, now: Circumstances) -> tuple[str | None, Answer]:
    """What is wrong with the answer, if anything."""
    refused = _denied(route, stage, person, target, now)
    body, more = _wrong(route) if refused else _good(route, stage, person)
    answer = stage.ask(person, route.method, target.path, body, more)
    if answer.status < 400 and route.method != "GET":
        stage.put_back()
    where = f"{person} {route.method} {target.path} ({target.name}): {answer.status} {_code(answer)}"
    if refused:
        return (None if (answer.status, _code(answer)) == refused else f"{where}, not {refused}"), answer
    there = target.there is None or person in target.there
    if not there:
        return (None if answer.status in (404, 401, 400) else f"{where}, not 404"), answer
    if answer.status in (401, 403, 404) or answer.status >= 500:
        return f"{where}, though allowed", answer
    known = route.method == "GET" or route.operation_id in BODIES or route.body is None
    fine = answer.status in PASSED or answer.status in ALSO.get(route.operation_id, ()) or not known
    return (None if fine or route.audience == PUBLIC else f"{where}, though allowed and well formed"), answer


@pytest.mark.parametrize("route", routes(), ids=lambda route: f"{route.method} {route.path}")
def test_everyone_gets_what_is_theirs_and_nobody_anything_else(route: Route, stage: Stage) -> None:
    wrong: list[str] = []
    foreign: dict[str, dict[tuple[Any, ...], str]] = {}
    passed = 0
    for target in _targets(route, stage):
        for person in _everyone(stage):
            known = person in PEOPLE or person in PROGRAMS
            now = _circumstances(stage.tenants[person]) if known else Circumstances("", ())
            problem, answer = _check(route, stage, person, target, now)
            wrong += [problem] if problem else []
            passed += answer.status < 300
            if answer.status == 404:
                foreign.setdefault(person, {}).setdefault(_plain(answer), target.name)
    assert not wrong, f"{len(wrong)} wrong:\n" + "\n".join(wrong[:25])
    told = {person: sorted(answers.values()) for person, answers in foreign.items() if len(answers) > 1}
    assert not told, f"not everything that is not theirs looks alike: {told}"
    assert passed, "nobody at all may do this: the matrix shows nothing"


OFF = {
    "switched off": lambda: _tenant(settings={"features": dict.fromkeys(Feature, False), "card_processing": True}),
    "not in the plan": lambda: _tenant(plan="none"),
    "suspended": lambda: _tenant(status="suspended"),
    "after the trial": lambda: _tenant(status="trial", trial_ends_at="2020-01-01T00:00:00.000Z"),
    "off for this client": lambda: _narrowed(),
}
_OFF = {
    "switched off": Circumstances("plus", (), True),
    "not in the plan": Circumstances("none", set(Feature), True),
    "suspended": Circumstances("plus", set(Feature), True, standing=Standing.SUSPENDED),
    "after the trial": Circumstances("plus", set(Feature), True, standing=Standing.SUSPENDED),
    "off for this client": Circumstances("plus", set(Feature), True, client_off=set(Feature)),
}


CLOSED = {"signup:confirm", "signup:send"}  # without a session, but only where the organization may let people in


def _tenant(**values: Any) -> None:
    tenant = Tenant.find(tenant_id=demo.tenant_id("oak"))
    assert tenant is not None
    change(tenant, *(getattr(Tenant, name).set(value) for name, value in values.items()))


def _narrowed() -> None:
    for key in ("C1", "C2", "C3", "C4"):
        about = {"tenant_id": demo.tenant_id("oak"), "client_id": PEOPLE[key].id}
        change(Client.at(**about), Client.features_off.set([str(each) for each in Feature]))


@pytest.mark.parametrize("off", OFF)
def test_features_off_stop_what_needs_them_and_nothing_else(off: str, stage: Stage) -> None:
    before = stage.undo
    OFF[off]()
    stage.undo = Undo()
    wrong: list[str] = []
    stopped: set[str] = set()
    try:
        for route in routes():
            for target in _targets(route, stage):
                about_a_client = target.name in ("client C1", "client C4")
                if not (about_a_client or re.fullmatch(r"plain|\w+ of (C1|T1|A1)", target.name)):
                    continue
                for person in ("A1", "T1", "T4", "C1", "program"):
                    now = _OFF[off]
                    if target.client is None and person != "C1":  # staff, about nobody in particular
                        now = replace(now, client_off=())
                    problem, answer = _check(route, stage, person, target, now)
                    if route.operation_id == "start_guest_payment":  # the one who asks is not known: the service looks
                        wrong += [] if answer.status == 403 else [f"{route.path} is open: {answer.status}"]
                        continue
                    if route.operation_id == "redeem_invitation" and now.standing is Standing.SUSPENDED:
                        shut = _code(answer) == "organization_suspended"
                        wrong += [] if shut else [f"{route.path} is open: {answer.status}"]
                        continue
                    if route.action in CLOSED and off != "off for this client":
                        shut = _code(answer) == "feature_switched_off"
                        wrong += [] if shut else [f"{route.path} is open: {answer.status}"]
                        continue
                    wrong += [problem] if problem else []
                    if _code(answer) in ("feature_not_in_plan", "feature_switched_off", "organization_suspended"):
                        stopped.add(route.action)
    finally:
        stage.undo = before
    assert not wrong, f"{len(wrong)} wrong:\n" + "\n".join(wrong[:25])
    paused = BEGINS if _OFF[off].standing is Standing.SUSPENDED else set()
    # About no client in particular:
    bulk = {"intake:remind_many", "intake:send_many", "invite:bulk", "signup:accept", "signup:link"}
    bulk |= {"message:send_many"}
    sending = {"intake:remind", "intake:send", "invite:send"}  # what was sent can be finished and signed
    sending |= {"appointment:book", "slot:read"}  # what was booked taken back
    sending |= {"message:draft", "message:send"}  # what was written is read
    sending |= {"autopay:update", "pay_link:make", "payment:start"}  # what was paid, and is owed, is read
    assert stopped == sending | paused | (set() if off == "off for this client" else bulk)


# ---- around the routes ----


def test_every_route_of_the_application_is_in_the_matrix() -> None:
    import app

    declared = {(method, path) for path, methods in app.app.routes.items() for method in methods}
    assert declared == {(route.method, route.path) for route in routes()}


def test_other_methods_and_spellings_open_nothing(stage: Stage) -> None:
    wrong = []
    for route in routes():
        target = next(iter(_targets(route, stage)))
        allowed = {each.method for each in routes() if each.path == route.path}
        for method in {"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "POST", "TRACE", "get"} - allowed:
            answer = stage.ask("A1", method, target.path, b"{}", {"x-http-method-override": route.method})
            wrong += [(method, target.path, answer.status)] if answer.status not in (403, 404, 405) else []
        for path in (target.path.upper(), f"/v1{target.path}", f"/practice/..{target.path}", f"/_{target.path[1:]}"):
            answer = stage.ask("A1", route.method, path, b"", {})
            wrong += [(route.method, path, answer.status)] if answer.status not in (403, 404, 405) else []
    assert not wrong


def test_a_denial_says_nothing_of_the_record(stage: Stage) -> None:
    """CVE-2021-40375: a refusal whose body still held the data."""
    words = demo.personal_strings()
    for route in routes():
        for target in _targets(route, stage):
            if target.client not in ("C1", "CB"):
                continue
            for person in ("T2", "C2", "DT", "therapist's program", "revoked program", NOBODY):
                answer = stage.ask(person, route.method, target.path, *_good(route, stage))
                text = answer.body.decode()
                assert answer.status >= 400
                assert not [word for word in words if word in text]


def test_unassigning_ends_access_with_the_next_request(stage: Stage) -> None:
    from chalicelib.services import clients

    tenant, client = demo.tenant_id("oak"), PEOPLE["C1"].id
    paths = [f"/practice/clients/{client}", f"/practice/clients/{client}/documents"]
    assert [stage.ask("T1", "GET", path, b"").status for path in paths] == [200, 200]
    clients.unassign(tenant, client, PEOPLE["T1"].id)
    assert [stage.ask("T1", "GET", path, b"").status for path in paths] == [404, 404]
    assert [stage.ask("T3", "GET", path, b"").status for path in paths] == [200, 200]
    listed = json.loads(stage.ask("T1", "GET", "/practice/clients", b"").body)["items"]
    told = json.loads(stage.ask("T1", "GET", "/practice/notifications", b"").body)["items"]
    found = json.loads(stage.ask("T1", "POST", "/practice/clients/search", b'{"search": "imo"}').body)["items"]
    assert (listed, told, found) == ([], [], [])


def test_nobody_is_given_more_by_the_body(stage: Stage) -> None:
    """Mass assignment (CVE-2026-25744): what is not part of a body is refused, whatever it is called."""
    extra: dict[str, Any] = {
        "client_id": PEOPLE["C2"].id, "tenant_id": demo.tenant_id("birch"), "role": "administrator",
        "roles": ["administrator"], "status": "sealed", "pk": "TENANT#x", "version": 9, "is_admin": True,
        "sent_by": PEOPLE["A1"].id, "document_id": RANDOM_ID, "shared": True, "plan": "plus", "_headers": {},
    }  # fmt: skip
    wrong, asked = [], set()
    for route in routes():
        if route.body is None:
            continue
        people = ("C1",) if route.audience == PORTAL else ("A1", "T1", "T4")  # a conversation is its members' only
        for target in _targets(route, stage):
            may = [
                each
                for each in people
                if (target.there is None or each in target.there)
                and _denied(route, stage, each, target, _circumstances("oak")) is None
            ]
            if route.operation_id in asked or not may:
                continue
            person, (good, more) = may[0], _good(route, stage)
            asked.add(route.operation_id)
            for name, value in extra.items():
                body = json.dumps(json.loads(good) | {name: value}).encode()
                if name in route.body.model_fields:
                    continue
                answer = stage.ask(person, route.method, target.path, body, more)
                if answer.status != 422:
                    wrong.append((route.operation_id, name, answer.status))
    assert not wrong
    unasked = {route.operation_id for route in routes() if route.body is not None} - asked
    assert unasked <= {"accept_offer", "accept_proposal", "decline_offer"}  # nothing is offered to anyone on this stage
