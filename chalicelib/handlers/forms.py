"""Organization > Client Portal > Intake Forms: the library, how clients see each form, and writing new versions."""

from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue

from chalicelib.context import Context
from chalicelib.handlers.routing import PRACTICE, Routes
from chalicelib.handlers.views import Body, Empty, Line, Query, Text, View
from chalicelib.models.forms import Form, FormDraft
from chalicelib.policies.rules import Role
from chalicelib.services import forms, staff

practice = Routes(__name__, PRACTICE, "/practice")

Purpose = Literal["questionnaire", "consent", "notice"]
FormId = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[a-z0-9-]+$")]
Name = Annotated[str, Field(max_length=60, pattern=r"^[a-z0-9_]*$")]
Title = Annotated[Line, Field(max_length=200)]
Paragraph = Annotated[Text, Field(max_length=10_000)]
Paragraphs = list[Paragraph]


class FormRow(View):
    """A form of the library. `draft_etag`: there is a draft, as administrators see."""

    form_id: str
    title: str
    purpose: str
    version: int
    status: Literal["draft", "active", "archived"]
    sections: int
    minutes: int
    standard: bool
    review_note: str | None
    draft_etag: str | None
    draft_changed_at: str | None
    draft_changed_by_name: str | None


class FormLibrary(View):
    """All forms of the organization."""

    items: list[FormRow]


class FormPreview(View):
    """A version as a client will see it, with the asker as the therapist; version 0 is the draft."""

    form_id: str
    version: int
    title: str
    definition: dict[str, JsonValue]
    review_note: str | None


class FormVersionRow(View):
    """A version. `published_by_name`: none for the text that shipped with the portal."""

    version: int
    published_at: str
    published_by_name: str | None
    what_changed: str | None
    title: str


class FormVersions(View):
    """Every version of a form, newest first."""

    form_id: str
    title: str
    status: str
    items: list[FormVersionRow]


class WhichVersion(Query):
    """Which version; the newest when left out."""

    version: int | None = Field(default=None, ge=1, le=999_999)


class FormIn(Body):
    """A new form: blank, or with the text of another."""

    title: Annotated[Line, Field(min_length=1, max_length=200)]
    purpose: Purpose
    copy_of: FormId | None = None


class DraftSource(Body):
    """Where a draft begins. `replaces`: the etag of the draft whose place it takes."""

    source: Literal["newest", "version", "standard"]
    version: int | None = Field(default=None, ge=1, le=999_999)
    replaces: Annotated[str, Field(pattern=r"^[0-9]{1,15}$")] | None = None


class ListIn(Body):
    """A list among blocks of text."""

    list: Paragraphs = Field(max_length=100)


class HeadingIn(Body):
    """A heading among blocks of text."""

    heading: Annotated[Text, Field(max_length=1000)]


class CellsIn(Body):
    """A table of texts."""

    columns: list[Title] = Field(max_length=10)
    rows: list[list[Paragraph]] = Field(max_length=100)


class TableIn(Body):
    """A table among blocks of text."""

    table: CellsIn


Block = Paragraph | ListIn | HeadingIn | TableIn


class OptionIn(Body):
    """A choice, or a column of a table."""

    id: Name
    label: Title


class FieldIn(Body):
    """A question, a text, or the signature. It may be unfinished; conditions are kept as they are."""

    id: Name
    type: Literal[
        "text", "long", "date", "choice", "choices", "yesno", "number", "scale", "table", "info", "agree", "initials",
        "signature",
    ]  # fmt: skip
    label: Annotated[Text, Field(max_length=2000)] | None = None
    help: Annotated[Text, Field(max_length=2000)] | None = None
    required: bool | None = None
    when: dict[str, JsonValue] | None = None
    prefill: Annotated[str, Field(max_length=80)] | None = None
    options: list[OptionIn] | None = Field(default=None, max_length=100)
    min: int | None = Field(default=None, ge=-(10**9), le=10**9)
    max: int | None = Field(default=None, ge=-(10**9), le=10**9)
    columns: list[OptionIn] | None = Field(default=None, max_length=10)
    max_rows: int | None = Field(default=None, ge=1, le=100)
    worrying: list[str | bool | int] | None = Field(default=None, max_length=100)
    highlight: bool | None = None
    text: list[Block] | None = Field(default=None, max_length=200)
    input: Literal["tel", "email"] | None = None
    short_label: Title | None = None
    ends: list[Title] | None = Field(default=None, max_length=2)


class SectionDraft(Body):
    """A part of the form."""

    id: Name
    title: Title
    why: Annotated[Text, Field(max_length=2000)] = ""
    skippable: bool | None = None
    when: dict[str, JsonValue] | None = None
    fields: list[FieldIn] = Field(max_length=100)


class DraftIn(Body):
    """The whole text of a draft, finished or not. Its kind, number and review note are not the writer's to change."""

    title: Title
    minutes: int = Field(ge=1, le=600)
    intro: list[Block] = Field(max_length=200)
    sections: list[SectionDraft] = Field(max_length=60)


class FormFlaw(View):
    """Something that keeps a draft from being published; `section` and `field` are places from 0."""

    section: int | None
    field: int | None
    detail: str


class DraftView(View):
    """A draft, and what it still lacks. `etag` goes back in If-Match."""

    form_id: str
    etag: str
    version: int
    standard: bool
    published: bool
    definition: dict[str, JsonValue]
    problems: list[FormFlaw]
    changed_by_name: str
    changed_at: str


class PublicationIn(Body):
    """What clients who know an earlier version are told, when they are asked again."""

    what_changed: Annotated[Text, Field(max_length=2000)] | None = None


@practice.endpoint("GET", "/forms", action="form:read")
def list_forms(context: Context) -> FormLibrary:
    """Intake Forms"""
    known = forms.library(context.tenant_id)
    writes = Role.ADMINISTRATOR in context.actor.roles
    drafts = {each.form_id: each for each in forms.drafts(context.tenant_id)} if writes else {}
    return FormLibrary(items=[_row(form, drafts.get(form.form_id)) for form in known if writes or form.newest])


@practice.endpoint("POST", "/forms", action="form:update", body=FormIn, status=201)
def begin_form(context: Context, body: FormIn) -> DraftView:
    """Begin a new form"""
    return _draft(context, forms.begin(context, body.title, body.purpose, body.copy_of))


@practice.endpoint("GET", "/forms/{form_id}", action="form:read", query=WhichVersion)
def read_form(context: Context, form_id: str, query: WhichVersion) -> FormPreview:
    """One form as a client will see it"""
    form = forms.published(context.tenant_id, form_id)
    version = forms.version(context.tenant_id, form_id, query.version or form.newest)
    return _preview(context, form_id, int(version.number), version.definition)


@practice.endpoint("GET", "/forms/{form_id}/versions", action="form:read")
def list_form_versions(context: Context, form_id: str) -> FormVersions:
    """The versions of a form"""
    form = forms.published(context.tenant_id, form_id)
    rows = [
        FormVersionRow(
            version=int(each.number),
            published_at=each.created_at,
            published_by_name=each.published_by_name,
            what_changed=each.what_changed,
            title=each.definition["title"],
        )
        for each in forms.versions(context.tenant_id, form_id)
    ]
    return FormVersions(form_id=form_id, title=form.title, status=form.status, items=rows)


@practice.endpoint("POST", "/forms/{form_id}/archive", action="form:update")
def archive_form(context: Context, form_id: str) -> FormRow:
    """Take a form out of what can be sent"""
    return _row(forms.archive(context, form_id, "archived"), None)


@practice.endpoint("POST", "/forms/{form_id}/restore", action="form:update")
def restore_form(context: Context, form_id: str) -> FormRow:
    """Put an archived form back into what can be sent"""
    return _row(forms.archive(context, form_id, "active"), None)


@practice.endpoint("GET", "/forms/{form_id}/draft", action="form:update")
def read_draft(context: Context, form_id: str) -> DraftView:
    """The draft of a form"""
    return _draft(context, forms.draft(context.tenant_id, form_id))


@practice.endpoint("POST", "/forms/{form_id}/draft", action="form:update", body=DraftSource, status=201)
def open_draft(context: Context, form_id: str, body: DraftSource) -> DraftView:
    """Begin to change a form"""
    number = body.version if body.source == "version" else None
    replaces = int(body.replaces) if body.replaces else None
    return _draft(context, forms.open_draft(context, form_id, body.source, number, replaces))


@practice.endpoint("PATCH", "/forms/{form_id}/draft", action="form:update", body=DraftIn, if_match=True)
def save_draft(context: Context, form_id: str, body: DraftIn) -> DraftView:
    """Keep the draft as it is now"""
    return _draft(context, forms.save_draft(context, form_id, body.model_dump(exclude_none=True)))


@practice.endpoint("DELETE", "/forms/{form_id}/draft", action="form:update", if_match=True, status=204)
def discard_draft(context: Context, form_id: str) -> Empty:
    """Drop the draft; a form that was never published goes with it"""
    forms.discard(context, form_id)
    return Empty()


@practice.endpoint("GET", "/forms/{form_id}/draft/preview", action="form:update")
def preview_draft(context: Context, form_id: str) -> FormPreview:
    """The draft as a client would see it; for a draft that can be published"""
    draft = forms.finished(context.tenant_id, form_id)
    return _preview(context, form_id, 0, draft.definition)


@practice.endpoint("POST", "/forms/{form_id}/publication", action="form:publish", body=PublicationIn, if_match=True)
def publish_form(context: Context, form_id: str, body: PublicationIn) -> FormRow:
    """Make the draft the version that is sent from now on"""
    return _row(forms.publish(context, form_id, body.what_changed), None)


def _preview(context: Context, form_id: str, number: int, definition: dict[str, Any]) -> FormPreview:
    therapist = context.person if staff.THERAPIST in context.person.roles else None
    values = forms.merge_values(context.tenant, "(the client's name)", therapist)
    return FormPreview(
        form_id=form_id,
        version=number,
        title=definition["title"],
        definition=forms.merged(definition, values),
        review_note=definition.get("review_note"),
    )


def _draft(context: Context, draft: FormDraft) -> DraftView:
    form = forms.get(context.tenant_id, draft.form_id)
    found = forms.problems(draft.definition)
    return DraftView(
        form_id=draft.form_id,
        etag=str(draft.version),
        version=int(form.newest) + 1,
        standard=bool(form.standard),
        published=form.newest > 0,
        definition=draft.definition,
        problems=[FormFlaw(section=flaw.section, field=flaw.field, detail=flaw.detail) for flaw in found],
        changed_by_name=draft.changed_by_name,
        changed_at=draft.changed_at,
    )


def _row(form: Form, draft: FormDraft | None) -> FormRow:
    return FormRow(
        form_id=form.form_id,
        title=form.title,
        purpose=form.purpose,
        version=form.newest,
        status=form.status,
        sections=form.sections,
        minutes=form.minutes,
        standard=bool(form.standard),
        review_note=form.review_note,
        draft_etag=str(draft.version) if draft else None,
        draft_changed_at=draft.changed_at if draft else None,
        draft_changed_by_name=draft.changed_by_name if draft else None,
    )
