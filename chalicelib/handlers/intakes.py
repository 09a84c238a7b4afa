"""Packets of forms: filled in and signed by clients, read by staff once signed."""

from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue, model_validator

from chalicelib.context import Context
from chalicelib.errors import InvalidBody
from chalicelib.handlers.documents import DocumentView
from chalicelib.handlers.routing import PORTAL, PRACTICE, Routes
from chalicelib.handlers.views import Body, Line, Paging, PortalView, View
from chalicelib.models.intakes import Intake, IntakeForm
from chalicelib.services import clients, intakes
from chalicelib.services.sessions import UNBROKEN

practice = Routes(__name__, PRACTICE, "/practice")
portal = Routes(__name__ + ".portal", PORTAL, "/portal")


class Progress(PortalView):
    """How far a form is, in sections."""

    done: int
    of: int


class FormState(PortalView):
    """A form of a packet."""

    form_id: str
    title: str
    version: int
    minutes: int
    status: Literal["to_do", "started", "signed", "sealed", "revoked", "paper", "unobtained"]
    signed_at: str | None
    document_id: str | None
    progress: Progress | None


class IntakeView(PortalView):
    """A packet of forms that were sent together."""

    intake_id: str
    status: Literal["open", "completed", "revoked"]
    sent_at: str
    sent_by_name: str
    completed_at: str | None
    note: str | None
    forms: list[FormState]


class IntakePage(PortalView):
    """Some packets."""

    items: list[IntakeView]
    next_cursor: str | None


class NextForm(PortalView):
    """The form that comes next in the packet."""

    form_id: str
    title: str


class Disclosure(PortalView):
    """What is said about signing electronically before anyone signs (15 USC 7001(c)), and the sentence of intent."""

    version: int
    text: list[JsonValue]
    intent: str


class Signer(PortalView):
    """Who signs."""

    name: str
    relationship: str


class FormFacts(PortalView):
    """What conditions depend on besides the answers."""

    age: int | None


class OpenForm(PortalView):
    """A form to fill in, with what was answered so far."""

    intake_id: str
    form_id: str
    version: int
    title: str
    status: Literal["to_do", "started", "signed", "sealed"]
    definition: dict[str, JsonValue]
    answers: dict[str, JsonValue]
    skipped: list[str]
    facts: FormFacts
    saved_at: str | None
    position: str | None
    disclosure: Disclosure
    signer: Signer
    number: int
    of: int
    next: NextForm | None
    document_id: str | None
    what_changed: list[str]


class SectionIn(Body):
    """What changed in one section; only the fields that are sent change, null clears one."""

    answers: dict[Annotated[str, Field(max_length=80)], JsonValue] = Field(max_length=100)
    skipped: bool | None = None
    position: bool = False


class Saved(PortalView):
    """When it was kept."""

    saved_at: str


Point = Annotated[list[int], Field(min_length=2, max_length=2)]


class Consents(Body):
    """Three things, each said by the one who signs."""

    read: Literal[True]
    esign: Literal[True]
    intent: Literal[True]


class SignatureIn(Body):
    """A signature: a typed name, or strokes in a box of 1000 by 300 with the name typed beside it."""

    method: Literal["typed", "drawn"]
    typed_name: Annotated[Line, Field(max_length=200)] = ""
    strokes: list[Annotated[list[Point], Field(min_length=1, max_length=2000)]] | None = Field(
        default=None, max_length=200
    )
    printed_name: Annotated[Line, Field(min_length=2, max_length=200)]
    relationship: Literal["self", "parent", "guardian", "other"]
    disclosure_version: int
    consents: Consents
    time_zone: Annotated[Line, Field(max_length=64)]

    @model_validator(mode="after")
    def _is_a_signature(self) -> "SignatureIn":
        if not _shows(self.printed_name) or (self.method == "typed" and not _shows(self.typed_name)):
            raise ValueError("a typed signature, and the name beside a drawn one, is a name")
        if self.method == "drawn":
            points = [point for stroke in self.strokes or [] for point in stroke]
            inside = all(0 <= x <= 1000 and 0 <= y <= 300 for x, y in points)
            if len(points) < 2 or len(points) > 20_000 or not inside:
                raise ValueError("a drawn signature has strokes within its box")
        elif self.strokes:
            raise ValueError("a typed signature has no strokes")
        return self


def _shows(name: str) -> bool:
    """Whether it is a name: what cannot be seen is gone (views.Line), and dots or hyphens alone sign with nothing."""
    return len(name) >= 2 and any(character.isalpha() for character in name)


class Signed(PortalView):
    """It is signed; what comes next."""

    status: Literal["signed", "sealed"]
    signed_at: str
    document_id: str
    next: NextForm | None
    packet_completed: bool


# ---- the client's side ----


@portal.endpoint("GET", "/intakes", action="intake:read", query=Paging)
def list_my_intakes(context: Context, query: Paging) -> IntakePage:
    """The forms that were sent to me"""
    return _page(context, query)


@portal.endpoint("GET", "/intakes/{intake_id}/forms/{form_id}", action="intake:read")
def open_my_form(context: Context, intake_id: str, form_id: str) -> OpenForm:
    """One form with my answers so far"""
    opened, parts = intakes.open_form(context, intake_id, form_id)
    order = [entry["form_id"] for entry in opened.intake.forms]
    follows = intakes.next_form(opened.intake, parts, form_id)
    return OpenForm(
        intake_id=intake_id,
        form_id=form_id,
        version=opened.entry["version"],
        title=opened.entry["title"],
        status=opened.status,
        definition=opened.definition,
        answers=opened.answers,
        skipped=opened.skipped,
        facts=FormFacts(age=opened.facts.age),
        saved_at=opened.form.saved_at if opened.form else None,
        position=opened.form.position if opened.form else None,
        disclosure=Disclosure(version=intakes.DISCLOSURE_VERSION, text=intakes.DISCLOSURE, intent=intakes.INTENT),
        signer=Signer(name=context.client.legal_name, relationship="self"),
        number=order.index(form_id) + 1,
        of=len(order),
        next=NextForm(form_id=follows["form_id"], title=follows["title"]) if follows else None,
        document_id=opened.form.document_id if opened.form else None,
        what_changed=intakes.what_changed(opened.intake, opened.entry),
    )


@portal.endpoint(
    "PATCH", "/intakes/{intake_id}/forms/{form_id}/sections/{section_id}", action="intake:complete", body=SectionIn
)
def save_my_section(context: Context, intake_id: str, form_id: str, section_id: str, body: SectionIn) -> Saved:
    """Keep what I typed into one section"""
    saved_at = intakes.save(context, intake_id, form_id, section_id, body.answers, body.skipped, body.position)
    return Saved(saved_at=saved_at)


@portal.endpoint(
    "POST",
    "/intakes/{intake_id}/forms/{form_id}/signature",
    action="intake:complete",
    body=SignatureIn,
    status=201,
    idempotent=True,
    proof=UNBROKEN,
)
def sign_my_form(context: Context, intake_id: str, form_id: str, body: SignatureIn) -> Signed:
    """Sign a form; it is final"""
    _require_zone(body.time_zone)
    form, follows = intakes.sign(context, intake_id, form_id, body.model_dump())
    return Signed(
        status=form.status,
        signed_at=form.signed_at,
        document_id=form.document_id,
        next=NextForm(form_id=follows["form_id"], title=follows["title"]) if follows else None,
        packet_completed=follows is None,
    )


def _require_zone(name: str) -> None:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # a name that is no zone, no file name, or unknown
        detail = "This is not a time zone we know."
        raise InvalidBody(errors=[{"pointer": "/time_zone", "code": "unknown_zone", "detail": detail}]) from None


# ---- the practice's side ----


class SummaryLine(View):
    """One thing that the therapist should see at a glance."""

    form_id: str
    section_id: str
    label: str
    value: str
    worrying: bool


class SummarizedClient(View):
    """Who it is about."""

    name: str
    age: int | None
    pronouns: str | None


class Summary(View):
    """A finished packet on one screen."""

    intake_id: str
    client: SummarizedClient
    completed_at: str | None
    highlights: list[SummaryLine]
    worrying: list[SummaryLine]
    in_person: list[str]
    documents: list[DocumentView]


@practice.endpoint(
    "GET", "/clients/{client_id}/intakes/{intake_id}/summary", action="intake:summarize", reads_record=True
)
def summarize_intake(context: Context, client_id: str, intake_id: str) -> Summary:
    """What a packet says, on one screen"""
    found = intakes.summary(context, intake_id)
    shown = [SummaryLine(**{name: line[name] for name in SummaryLine.model_fields}) for line in found.lines]
    name, told = clients.shown(context.client), found.told
    return Summary(
        intake_id=intake_id,
        client=SummarizedClient(name=name, age=told.get("age"), pronouns=told.get("pronouns")),
        completed_at=found.intake.completed_at,
        highlights=[line for line in shown if not line.worrying],
        worrying=[line for line in shown if line.worrying],
        in_person=found.in_person,
        documents=[DocumentView.of(each, staff=True) for each in found.documents],
    )


def _page(context: Context, query: Paging) -> IntakePage:
    packets, cursor = intakes.page_of(context, query.limit, query.cursor)
    return IntakePage(items=[_intake(intake, parts) for intake, parts in packets], next_cursor=cursor)


def _intake(intake: Intake, parts: list[IntakeForm]) -> IntakeView:
    states = {part.form_id: part for part in parts}
    return IntakeView(
        intake_id=intake.intake_id,
        status=intake.status,
        sent_at=intake.sent_at,
        sent_by_name=intake.sent_by_name,
        completed_at=intake.completed_at,
        note=intakes.note_of(intake),
        forms=[_form(entry, states.get(entry["form_id"])) for entry in intake.forms],
    )


def _form(entry: dict[str, Any], state: IntakeForm | None) -> FormState:
    signed = state is not None and state.status in intakes.SIGNED
    of = state.of if state is not None and state.of else entry["sections"]
    done = (state.done or 0) if state is not None else 0
    return FormState(
        form_id=entry["form_id"],
        title=entry["title"],
        version=entry["version"],
        minutes=entry["minutes"],
        status=state.status if state is not None else "to_do",
        signed_at=state.signed_at if state is not None else None,
        document_id=state.document_id if state is not None else None,
        progress=Progress(done=of if signed else done, of=of),
    )
