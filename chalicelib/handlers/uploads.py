"""Sending a file: where to, how far its check is, what became of it. The file itself goes straight to the bucket."""

from typing import Annotated, Literal

from pydantic import Field

from chalicelib import clock
from chalicelib.context import Context
from chalicelib.handlers.routing import PORTAL, PRACTICE, Routes
from chalicelib.handlers.views import Body, Line, PortalView
from chalicelib.models.uploads import Upload
from chalicelib.services import uploads

practice = Routes(__name__, PRACTICE, "/practice")
portal = Routes(__name__ + ".portal", PORTAL, "/portal")

FileName = Annotated[Line, Field(min_length=1, max_length=400)]
Size = Annotated[int, Field(ge=1, le=uploads.MAX_BYTES)]
OfStaff = Literal["insurance_card_front", "insurance_card_back", "identification", "other", "referral", "letter"]


class UploadIn(Body):
    """A file that staff are about to send. `document` files itself when it is clean; `paper_form` and `message` (an
    attachment of one) wait to be used."""

    name: FileName
    size: Size
    purpose: Literal["document", "paper_form", "message"] = "document"
    category: OfStaff = "other"
    title: Annotated[Line, Field(min_length=1, max_length=120)] | None = None
    shared: bool = False


class MyUploadIn(Body):
    """A file that a client is about to send to the practice, or (`message`) as an attachment."""

    name: FileName
    size: Size
    purpose: Literal["document", "message"] = "document"
    category: Literal["insurance_card_front", "insurance_card_back", "identification", "other"] = "other"
    title: Annotated[Line, Field(min_length=1, max_length=120)] | None = None


class FormField(PortalView):
    """One field of the form."""

    name: str
    value: str


class UploadTicket(PortalView):
    """Post a multipart form with these fields, in this order, then `file`, to `url`; then finish."""

    upload_id: str
    url: str
    fields: list[FormField]
    expires_at: str


class UploadView(PortalView):
    """How far a file is. `document_id` once it is filed."""

    upload_id: str
    status: Literal["waiting", "checking", "clean", "refused", "used", "ended"]
    reason: Literal["type_not_allowed", "damaged", "encrypted", "active_content", "infected"] | None
    document_id: str | None

    @classmethod
    def of(cls, upload: Upload) -> "UploadView":
        """The view of an upload."""
        filed = upload.status == "used" and upload.purpose == uploads.DOCUMENT
        document_id = upload.upload_id if filed else None
        return cls(upload_id=upload.upload_id, status=upload.status, reason=upload.reason, document_id=document_id)


def _ticket(context: Context, purpose: str, body: UploadIn | MyUploadIn, *, shared: bool) -> UploadTicket:
    more = {"category": body.category, "title": body.title, "shared": shared}
    upload, url, fields, until = uploads.begin(context, purpose, body.name, body.size, more)
    listed = [FormField(name=name, value=value) for name, value in fields.items()]
    return UploadTicket(upload_id=upload.upload_id, url=url, fields=listed, expires_at=clock.text(until))


@practice.endpoint("POST", "/clients/{client_id}/uploads", action="upload:add", body=UploadIn, status=201)
def begin_upload(context: Context, client_id: str, body: UploadIn) -> UploadTicket:
    """Begin to send a file to General Documents"""
    return _ticket(context, body.purpose, body, shared=body.shared)


@practice.endpoint("POST", "/clients/{client_id}/uploads/{upload_id}/finish", action="upload:finish")
def finish_upload(context: Context, client_id: str, upload_id: str) -> UploadView:
    """The file is there: have it checked"""
    return UploadView.of(uploads.finish(context, upload_id))


@practice.endpoint("GET", "/clients/{client_id}/uploads/{upload_id}", action="upload:read")
def read_upload(context: Context, client_id: str, upload_id: str) -> UploadView:
    """How far the check of a file is"""
    return UploadView.of(uploads.get(context, upload_id))


@portal.endpoint("POST", "/uploads", action="upload:add", body=MyUploadIn, status=201)
def begin_my_upload(context: Context, body: MyUploadIn) -> UploadTicket:
    """Begin to send a file to the practice"""
    return _ticket(context, body.purpose, body, shared=True)


@portal.endpoint("POST", "/uploads/{upload_id}/finish", action="upload:finish")
def finish_my_upload(context: Context, upload_id: str) -> UploadView:
    """My file is there: have it checked"""
    return UploadView.of(uploads.finish(context, upload_id))


@portal.endpoint("GET", "/uploads/{upload_id}", action="upload:read")
def read_my_upload(context: Context, upload_id: str) -> UploadView:
    """How far the check of my file is"""
    return UploadView.of(uploads.get(context, upload_id))
