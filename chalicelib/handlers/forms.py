"""Organization > Client Portal > Intake Forms: the library and how clients will see each form."""

from pydantic import JsonValue

from chalicelib.context import Context
from chalicelib.handlers.routing import PRACTICE, Routes
from chalicelib.handlers.views import View
from chalicelib.models.forms import Form
from chalicelib.services import forms, staff

practice = Routes(__name__, PRACTICE, "/practice")


class FormRow(View):
    """A form of the library."""

    form_id: str
    title: str
    version: int
    status: str
    sections: int
    minutes: int
    standard: bool
    review_note: str | None


class FormLibrary(View):
    """All forms of the organization."""

    items: list[FormRow]


class FormPreview(View):
    """The newest version as a client will see it, with the asker as the therapist."""

    form_id: str
    version: int
    title: str
    definition: dict[str, JsonValue]
    review_note: str | None


@practice.endpoint("GET", "/forms", action="form:read")
def list_forms(context: Context) -> FormLibrary:
    """Intake Forms"""
    return FormLibrary(items=[_row(form) for form in forms.library(context.tenant_id)])


@practice.endpoint("GET", "/forms/{form_id}", action="form:read")
def read_form(context: Context, form_id: str) -> FormPreview:
    """One form as a client will see it"""
    form = forms.get(context.tenant_id, form_id)
    version = forms.version(context.tenant_id, form_id, form.newest)
    therapist = context.person if staff.THERAPIST in context.person.roles else None
    values = forms.merge_values(context.tenant, "(the client's name)", therapist)
    return FormPreview(
        form_id=form_id,
        version=form.newest,
        title=form.title,
        definition=forms.merged(version.definition, values),
        review_note=form.review_note,
    )


def _row(form: Form) -> FormRow:
    return FormRow(
        form_id=form.form_id,
        title=form.title,
        version=form.newest,
        status=form.status,
        sections=form.sections,
        minutes=form.minutes,
        standard=bool(form.standard),
        review_note=form.review_note,
    )
