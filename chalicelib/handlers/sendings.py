"""Packets of forms as staff handle them: sent, taken back, settled on paper, reminded of, asked again."""

from typing import Annotated, Literal

from pydantic import Field

from chalicelib.context import Context
from chalicelib.errors import FeatureNotInPlan, FeatureSwitchedOff, PortalError
from chalicelib.handlers.jobs import JobView
from chalicelib.handlers.routing import PRACTICE, Routes
from chalicelib.handlers.views import Body, Id, Line, Paging, Text, View
from chalicelib.models.clients import Client
from chalicelib.models.intakes import Intake, IntakeForm, Pace
from chalicelib.policies.decide import denial
from chalicelib.policies.plans import Feature
from chalicelib.services import clients, forms, intakes, invites, reminders, sendings, sessions, tenants

practice = Routes(__name__, PRACTICE, "/practice")

FormId = Annotated[str, Field(min_length=1, max_length=80)]
Outcome = Literal["to_do", "signed", "sealed", "revoked", "paper", "unobtained"]


class Possible(View):
    """Whether the asker can do something now, and if not, why (code and sentence)."""

    allowed: bool
    reason: str | None
    title: str | None


class Refusal(View):
    """Why a notice was not acknowledged, as staff wrote it down."""

    reason: str
    note: str | None


class OnPaper(View):
    """A form that was signed on paper: by whom, as what, on which day (ISO)."""

    signed_by: str
    relationship: str
    signed_on: str


class SentForm(View):
    """A form of a packet as staff see it: nothing of what was not signed, not even whether it was begun."""

    form_id: str
    title: str
    version: int
    minutes: int
    notice: bool
    status: Outcome
    signed_at: str | None
    document_id: str | None
    settled_at: str | None
    settled_by_name: str | None
    refusal: Refusal | None
    paper: OnPaper | None


class SentIntake(View):
    """A packet as staff see it."""

    intake_id: str
    status: Literal["open", "completed", "revoked"]
    sent_at: str
    sent_by_name: str
    completed_at: str | None
    note: str | None
    reminders: int
    reminded_at: str | None
    signed: int
    of: int
    forms: list[SentForm]

    @classmethod
    def of_packet(cls, intake: Intake, parts: list[IntakeForm]) -> "SentIntake":
        """The view of a packet."""
        states = {part.form_id: part for part in parts}
        signed, of = sendings.standing(parts, intake)
        return cls(
            intake_id=intake.intake_id,
            status=intake.status,
            sent_at=intake.sent_at,
            sent_by_name=intake.sent_by_name,
            completed_at=intake.completed_at,
            note=intakes.note_of(intake),
            reminders=int(intake.reminders or 0),
            reminded_at=intake.reminded_at,
            signed=signed,
            of=of,
            forms=[_form(entry, states.get(entry["form_id"])) for entry in intake.forms],
        )


class SentIntakePage(View):
    """Some packets of a client, and what the asker can do."""

    items: list[SentIntake]
    next_cursor: str | None
    can_send: Possible
    can_take_back: bool


class NewForm(View):
    """A form that can be sent. `open`: it waits for the client already, and is left out."""

    form_id: str
    title: str
    minutes: int
    open: bool


class NewForms(View):
    """What can be sent to this client."""

    name: str
    email: str | None
    forms: list[NewForm]


class FormsIn(Body):
    """Forms to send, and a word to the client that stands beside them in the portal, never in the mail."""

    form_ids: list[FormId] = Field(min_length=1, max_length=20)
    note: Annotated[Text, Field(max_length=500)] | None = None


class SentForms(SentIntake):
    """The packet that was sent. `left_out`: titles of forms that are open already."""

    left_out: list[str]


class NoticeIn(Body):
    """Why a notice was not acknowledged (45 CFR 164.520(c)(2)(ii)); in its packet, or in one of its own."""

    form_id: FormId
    intake_id: Id | None = None
    reason: Literal["declined", "emergency", "unable", "other"]
    note: Annotated[Text, Field(max_length=1000)] = ""


class PaperIn(Body):
    """A form that was signed on paper, and its scan: an upload of the purpose paper_form that was found clean."""

    form_id: FormId
    intake_id: Id | None = None
    signed_by: Annotated[Line, Field(min_length=2, max_length=200)]
    relationship: Literal["self", "parent", "guardian", "other"]
    signed_on: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
    upload_id: Id


class UnfinishedRow(View):
    """An open packet. `reason`: why its client cannot be reminded now."""

    client_id: str
    client_name: str
    intake_id: str
    sent_at: str
    sent_by_name: str
    signed: int
    of: int
    forms: list[str]
    reminders: int
    reminded_at: str | None
    reason: str | None


class UnfinishedPage(View):
    """Who has not finished, those who wait longest first. `can_remind_many`: for administrators."""

    items: list[UnfinishedRow]
    next_cursor: str | None
    can_remind: bool
    can_remind_many: bool

    def clients_named(self) -> list[str]:
        """Those of the rows."""
        return [row.client_id for row in self.items]


class PickedIntake(Body):
    """A packet of a client."""

    client_id: Id
    intake_id: Id


class RemindersIn(Body):
    """Whom to remind: these packets, or every open one."""

    intakes: list[PickedIntake] | None = Field(default=None, min_length=1, max_length=1000)
    all: bool = False


class OutdatedRow(View):
    """A client who knows only an older version of a notice. `reason`: why it cannot be sent to them now."""

    client_id: str
    client_name: str
    version: int
    outcome: str
    happened_at: str
    reason: str | None


class OutdatedPage(View):
    """Some clients who know only an older version."""

    items: list[OutdatedRow]
    next_cursor: str | None
    newest: int

    def clients_named(self) -> list[str]:
        """Those of the rows."""
        return [row.client_id for row in self.items]


class RenewalsIn(Body):
    """Whom to ask again: these clients, or everyone who knows only an older version."""

    client_ids: list[Id] | None = Field(default=None, min_length=1, max_length=1000)


@practice.endpoint("GET", "/clients/{client_id}/intakes", action="intake:read", query=Paging, reads_record=True)
def list_intakes(context: Context, client_id: str, query: Paging) -> SentIntakePage:
    """The packets that were sent to a client; answers, and how far an unsigned form is, are the client's own"""
    packets, cursor = intakes.page_of(context, query.limit, query.cursor)
    return SentIntakePage(
        items=[SentIntake.of_packet(intake, parts) for intake, parts in packets],
        next_cursor=cursor,
        can_send=_can_send(context),
        can_take_back=denial("intake:revoke", sessions.facts(context)) is None,
    )


@practice.endpoint("GET", "/clients/{client_id}/intakes/offer", action="intake:send", reads_record=True)
def offer_forms(context: Context, client_id: str) -> NewForms:
    """The forms that can be sent to this client"""
    already = sendings.open_forms(context.tenant_id, client_id)
    active = [form for form in forms.library(context.tenant_id) if form.status == "active"]
    client: Client = context.client
    return NewForms(
        name=clients.shown(client),
        email=client.email,
        forms=[NewForm(form_id=f.form_id, title=f.title, minutes=f.minutes, open=f.form_id in already) for f in active],
    )


@practice.endpoint(
    "POST", "/clients/{client_id}/intakes", action="intake:send", body=FormsIn, status=201, idempotent=True
)
def send_forms(context: Context, client_id: str, body: FormsIn) -> SentForms:
    """Send New Forms to a client who has an account"""
    sent = sendings.send(context, invites.chosen(context, body.form_ids), (body.note or "").strip() or None)
    view = SentIntake.of_packet(sent.intake, [])
    return SentForms(**view.model_dump(), left_out=sent.left_out)


@practice.endpoint("POST", "/clients/{client_id}/intakes/{intake_id}/revoke", action="intake:revoke")
def revoke_intake(context: Context, client_id: str, intake_id: str) -> SentIntake:
    """Take back what is not signed of a packet; what was typed there is erased"""
    return SentIntake.of_packet(*sendings.take_back(context, intake_id, None))


@practice.endpoint("POST", "/clients/{client_id}/intakes/{intake_id}/forms/{form_id}/revoke", action="intake:revoke")
def revoke_form(context: Context, client_id: str, intake_id: str, form_id: str) -> SentIntake:
    """Take back one form that is not signed; what was typed there is erased"""
    return SentIntake.of_packet(*sendings.take_back(context, intake_id, form_id))


@practice.endpoint(
    "POST",
    "/clients/{client_id}/intakes/{intake_id}/reminders",
    action="intake:remind",
    status=201,
    idempotent=True,
)
def remind_client(context: Context, client_id: str, intake_id: str) -> SentIntake:
    """Remind the client of a packet now; once a day at most"""
    return SentIntake.of_packet(*reminders.remind_now(context, intake_id))


@practice.endpoint(
    "POST", "/clients/{client_id}/notices", action="intake:record", body=NoticeIn, status=201, idempotent=True
)
def record_notice(context: Context, client_id: str, body: NoticeIn) -> SentIntake:
    """Write down why a notice was not acknowledged"""
    return SentIntake.of_packet(
        *sendings.not_acknowledged(context, body.form_id, body.intake_id, body.reason, body.note.strip())
    )


@practice.endpoint(
    "POST", "/clients/{client_id}/paper-forms", action="intake:record", body=PaperIn, status=201, idempotent=True
)
def record_paper_form(context: Context, client_id: str, body: PaperIn) -> SentIntake:
    """File the scan of a form that was signed on paper; the form counts as done"""
    paper = sendings.Paper(body.signed_by, body.relationship, body.signed_on)
    return SentIntake.of_packet(*sendings.on_paper(context, body.form_id, body.intake_id, paper, body.upload_id))


# ---- many clients ----


@practice.endpoint("GET", "/open-intakes", action="intake:list", query=Paging)
def list_unfinished(context: Context, query: Paging) -> UnfinishedPage:
    """Who has not finished their forms"""
    page = reminders.unfinished(context, query.limit, query.cursor)
    allowed = denial("intake:remind_many", sessions.facts(context)) is None
    off = tenants.features(context.tenant, seat=None)[Feature.INTAKE_FORMS] is not None
    return UnfinishedPage(
        items=[_unfinished(context, row) for row in page.items],
        next_cursor=page.next_cursor,
        can_remind=not off and (allowed or bool(context.person.may_invite)),
        can_remind_many=allowed,
    )


@practice.endpoint(
    "POST", "/open-intakes/reminders", action="intake:remind_many", body=RemindersIn, status=201, idempotent=True
)
def remind_many(context: Context, body: RemindersIn) -> JobView:
    """Remind the clients of these packets, or of all that are open"""
    picked = None if body.all or body.intakes is None else [each.model_dump() for each in body.intakes]
    return JobView.of(reminders.remind_many(context, picked))


@practice.endpoint("GET", "/forms/{form_id}/outdated", action="intake:send_many", query=Paging)
def list_outdated(context: Context, form_id: str, query: Paging) -> OutdatedPage:
    """Clients who know only an older version of a notice"""
    page = sendings.outdated(context, form_id, query.limit, query.cursor)
    seen = {each.client_id: each for each in clients.visible(context, [each.client_id for each in page.items])}
    rows = [
        OutdatedRow(
            client_id=each.client_id,
            client_name=clients.shown(seen[each.client_id]),
            version=int(each.number),
            outcome=each.outcome,
            happened_at=each.happened_at,
            reason=_code(sendings.obstacle(seen[each.client_id])),
        )
        for each in page.items
        if each.client_id in seen
    ]
    newest = int(forms.get(context.tenant_id, form_id).newest)
    return OutdatedPage(items=rows, next_cursor=page.next_cursor, newest=newest)


@practice.endpoint(
    "POST", "/forms/{form_id}/renewals", action="intake:send_many", body=RenewalsIn, status=201, idempotent=True
)
def ask_again(context: Context, form_id: str, body: RenewalsIn) -> JobView:
    """Send the newest version of a notice to those who know only an older one"""
    return JobView.of(sendings.ask_again(context, form_id, body.client_ids))


def _unfinished(context: Context, row: reminders.Unfinished) -> UnfinishedRow:
    signed, of = sendings.standing(row.parts, row.intake)
    waiting = set(sendings.waiting(row.intake, row.parts))
    pace: Pace | None = row.pace
    return UnfinishedRow(
        client_id=row.client.client_id,
        client_name=clients.shown(row.client),
        intake_id=row.intake.intake_id,
        sent_at=row.intake.sent_at,
        sent_by_name=row.intake.sent_by_name,
        signed=signed,
        of=of,
        forms=[entry["title"] for entry in row.intake.forms if entry["form_id"] in waiting],
        reminders=int(row.intake.reminders or 0),
        reminded_at=row.intake.reminded_at,
        reason=_code(reminders.obstacle(row.client, row.intake, pace, context.now)),
    )


def _code(refused: PortalError | None) -> str | None:
    return refused.code if refused is not None else None


def _can_send(context: Context) -> Possible:
    why = denial("intake:send", sessions.facts(context))
    if why in ("feature_not_in_plan", "feature_switched_off"):
        off = FeatureNotInPlan() if why == "feature_not_in_plan" else FeatureSwitchedOff()
        return Possible(allowed=False, reason="feature_off", title=off.title)
    if why is not None:
        title = "An administrator can give you the permission to send forms."
        return Possible(allowed=False, reason="no_permission", title=title)
    refused = sendings.obstacle(context.client)
    return Possible(allowed=refused is None, reason=_code(refused), title=refused.title if refused else None)


def _form(entry: dict[str, object], state: IntakeForm | None) -> SentForm:
    status = "to_do" if state is None or state.status == "started" else str(state.status)
    told = sendings.why(state) if state is not None and state.status in ("unobtained", "paper") else {}
    settled = state is not None and state.status in intakes.TAKEN
    return SentForm(
        form_id=str(entry["form_id"]),
        title=str(entry["title"]),
        version=int(str(entry["version"])),
        minutes=int(str(entry["minutes"])),
        notice=bool(entry.get("notice")),
        status=status,
        signed_at=state.signed_at if state is not None else None,
        document_id=state.document_id if state is not None else None,
        settled_at=state.settled_at if settled and state is not None else None,
        settled_by_name=state.settled_by_name if settled and state is not None else None,
        refusal=Refusal(reason=told["reason"], note=told["note"] or None) if status == "unobtained" else None,
        paper=OnPaper(**told) if status == "paper" else None,
    )
