"""General Documents for staff, My documents for clients, and the check that anyone can make."""

from typing import Any, Literal

from pydantic import JsonValue

from chalicelib import clock
from chalicelib.config import settings
from chalicelib.context import Context
from chalicelib.handlers.routing import PORTAL, PRACTICE, PUBLIC, Routes
from chalicelib.handlers.views import Body, Paging, PortalView, View
from chalicelib.models.clients import Document
from chalicelib.services import accounts, clients, documents
from chalicelib.services.sessions import Caller

public = Routes(__name__, PUBLIC)
practice = Routes(__name__ + ".practice", PRACTICE, "/practice")
portal = Routes(__name__ + ".portal", PORTAL, "/portal")

# Signed here, or uploaded as one of these.
DocumentKind = Literal[
    "intake_form",
    "insurance_card_front",
    "insurance_card_back",
    "identification",
    "other",
    "referral",
    "letter",
    "signed_paper",
]
FileType = Literal["pdf", "png", "jpg", "heic", "txt", "docx"]
MAX_PDF = 4_400_000  # Lambda takes events of 6 MB, and base64 adds a third


class MyDocument(PortalView):
    """A document of one's own: signed here, uploaded, or shared by the practice. `file_name`: of what was uploaded."""

    document_id: str
    title: str
    kind: DocumentKind
    file_name: str | None
    file_type: FileType
    added_by: Literal["client", "practice"]
    form_id: str | None
    version: int | None
    status: Literal["sealing", "completed"]
    signed_by: str | None
    signed_at: str | None
    filed_at: str | None
    sha256: str | None
    size: int | None


class DocumentView(View):
    """An entry under General Documents. `worrying`: it holds a safety answer that calls for attention; `seen_at`: when
    a staff member, `seen_by_name`, marked that as seen."""

    document_id: str
    title: str
    kind: DocumentKind
    file_name: str | None
    file_type: FileType
    added_by: Literal["client", "practice"]
    added_by_name: str | None
    shared: bool
    form_id: str | None
    version: int | None
    status: Literal["sealing", "completed"]
    signed_by: str | None
    signed_at: str | None
    filed_at: str | None
    sha256: str | None
    size: int | None
    intake_id: str | None
    worrying: bool
    seen_by_name: str | None
    seen_at: str | None

    @classmethod
    def of(cls, document: Document, *, staff: bool) -> "DocumentView":
        """The view of a document for staff."""
        return cls(
            **_fields(document),
            intake_id=document.intake_id,
            worrying=bool(document.worrying),
            seen_by_name=document.seen_by_name,
            seen_at=document.seen_at,
            shared=bool(document.shared),
            added_by_name=document.added_by_name,
        )


def _fields(document: Document) -> dict[str, Any]:
    title, file_name = documents.words_of(document)
    signed_here = document.category == documents.INTAKE_FORM
    return {
        "document_id": document.document_id,
        "title": title,
        "kind": document.category,
        "file_name": file_name,
        "file_type": document.file_type or "pdf",
        "added_by": "client" if signed_here or document.added_by == "client" else "practice",
        "form_id": document.form_id,
        "version": document.form_version,
        "status": document.status,
        "signed_by": document.signed_by,
        "signed_at": document.signed_at,
        "filed_at": document.filed_at,
        "sha256": document.sha256,
        "size": document.size,
    }


class MyDocuments(PortalView):
    """Some of one's own documents."""

    items: list[MyDocument]
    next_cursor: str | None


class DocumentPage(View):
    """Some of a client's documents."""

    items: list[DocumentView]
    next_cursor: str | None


class RecordItem(PortalView):
    """One line of a signed form."""

    field_id: str
    label: str
    kind: Literal["info", "answer", "table", "agree"]
    value: JsonValue
    columns: list[str] | None = None


class StaffRecordItem(RecordItem, View):
    """One line of a signed form as staff see it."""

    worrying: bool


class RecordSection(PortalView):
    """A section of a signed form; a skipped one was left for the conversation."""

    section_id: str
    title: str
    skipped: bool
    items: list[RecordItem]


class StaffRecordSection(View):
    """A section of a signed form as staff see it."""

    section_id: str
    title: str
    skipped: bool
    items: list[StaffRecordItem]


class SignatureView(PortalView):
    """A signature and how it came about."""

    name: str
    printed_name: str
    relationship: str
    method: Literal["typed", "drawn"]
    signed_at: str
    time_zone: str
    authenticated_by: str
    intent: str
    strokes: list[list[list[int]]] | None


class MyDocumentRecord(MyDocument):
    """One's own document in words: the accessible copy of the PDF."""

    sections: list[RecordSection]
    signatures: list[SignatureView]


class DocumentRecord(DocumentView):
    """A client's document in words."""

    sections: list[StaffRecordSection]
    signatures: list[SignatureView]


class MyLink(PortalView):
    """A link for two minutes."""

    url: str
    expires_at: str


class Verdict(PortalView):
    """What is known of a file: byte for byte as we sealed it (`intact`), or why not."""

    intact: bool
    sealed_by_us: bool
    sealed_at: str | None
    sha256: str
    reason: Literal["not_a_pdf", "not_sealed", "changed", "unknown_seal"] | None


class StoredVerdict(View):
    """The same for the stored file, and whether it is the one that was filed."""

    intact: bool
    matches_record: bool
    sealed_at: str | None
    sha256: str
    reason: Literal["not_a_pdf", "not_sealed", "changed", "unknown_seal"] | None


# ---- staff ----


@practice.endpoint("GET", "/clients/{client_id}/documents", action="document:read", query=Paging, reads_record=True)
def list_documents(context: Context, client_id: str, query: Paging) -> DocumentPage:
    """General Documents"""
    page = documents.page_of(context, query.limit, query.cursor)
    return DocumentPage(items=[DocumentView.of(each, staff=True) for each in page.items], next_cursor=page.next_cursor)


@practice.endpoint("GET", "/clients/{client_id}/documents/{document_id}", action="document:read", reads_record=True)
def read_document(context: Context, client_id: str, document_id: str) -> DocumentRecord:
    """A document in words"""
    found = documents.record(context, document_id)
    return DocumentRecord(
        **DocumentView.of(found.document, staff=True).model_dump(),
        sections=[
            StaffRecordSection(
                section_id=section["section_id"],
                title=section["title"],
                skipped=section["skipped"],
                items=[StaffRecordItem(**_item(item), worrying=item["worrying"]) for item in section["items"]],
            )
            for section in found.sections
        ],
        signatures=_signatures(found.signed),
    )


@practice.endpoint("POST", "/clients/{client_id}/documents/{document_id}/download", action="document:download")
def download_document(context: Context, client_id: str, document_id: str) -> MyLink:
    """A short-lived link to the sealed PDF"""
    return _link(context, document_id)


@practice.endpoint(
    "GET",
    "/clients/{client_id}/documents/{document_id}/verification",
    action="document:verify",
    reads_record=True,
)
def verify_document(context: Context, client_id: str, document_id: str) -> StoredVerdict:
    """Whether the stored file is intact and the one that was filed"""
    verdict, matches = documents.verify(context, document_id)
    return StoredVerdict(
        intact=verdict.intact,
        matches_record=matches,
        sealed_at=clock.text(verdict.sealed_at) if verdict.sealed_at else None,
        sha256=verdict.sha256,
        reason=verdict.reason,
    )


@practice.endpoint("POST", "/clients/{client_id}/documents/{document_id}/seen", action="client:settle_flag")
def mark_document_seen(context: Context, client_id: str, document_id: str) -> DocumentView:
    """Mark the safety answers of a document as seen; the first who does counts"""
    return DocumentView.of(clients.settle_flag(context, documents.get(context, document_id)), staff=True)


@practice.endpoint("POST", "/clients/{client_id}/intakes/{intake_id}/download", action="document:download")
def download_packet(context: Context, client_id: str, intake_id: str) -> MyLink:
    """A short-lived link to all sealed PDFs of a packet in one ZIP"""
    url, until = documents.packet(context, intake_id)
    return MyLink(url=url, expires_at=clock.text(until))


class Sharing(Body):
    """Whether the client sees it under My documents."""

    shared: bool


@practice.endpoint(
    "POST", "/clients/{client_id}/documents/{document_id}/sharing", action="document:share", body=Sharing
)
def share_document(context: Context, client_id: str, document_id: str, body: Sharing) -> DocumentView:
    """Show an uploaded document to the client, or hide it again"""
    return DocumentView.of(documents.share(context, document_id, body.shared), staff=True)


# ---- clients ----


@portal.endpoint("GET", "/documents", action="document:read", query=Paging)
def list_my_documents(context: Context, query: Paging) -> MyDocuments:
    """My documents"""
    page = documents.page_of(context, query.limit, query.cursor)
    mine = [MyDocument(**_fields(each)) for each in page.items if each.shared]
    return MyDocuments(items=mine, next_cursor=page.next_cursor)


@portal.endpoint("GET", "/documents/{document_id}", action="document:read")
def read_my_document(context: Context, document_id: str) -> MyDocumentRecord:
    """One of my documents in words"""
    found = documents.record(context, document_id)
    return MyDocumentRecord(
        **_fields(found.document),
        sections=[
            RecordSection(
                section_id=section["section_id"],
                title=section["title"],
                skipped=section["skipped"],
                items=[RecordItem(**_item(item)) for item in section["items"]],
            )
            for section in found.sections
        ],
        signatures=_signatures(found.signed),
    )


@portal.endpoint("POST", "/documents/{document_id}/download", action="document:download")
def download_my_document(context: Context, document_id: str) -> MyLink:
    """A short-lived link to my sealed PDF"""
    return _link(context, document_id)


def _link(context: Context, document_id: str) -> MyLink:
    url, until = documents.download(context, document_id)
    return MyLink(url=url, expires_at=clock.text(until))


def _item(item: Any) -> dict[str, Any]:
    return {name: item.get(name) for name in ("field_id", "label", "kind", "value", "columns")}


def _signatures(signed: dict[str, Any] | None) -> list[SignatureView]:
    if signed is None:
        return []
    signature = signed["signature"]
    others = {name: signature[name] for name in SignatureView.model_fields if name != "name"}
    return [SignatureView(name=signature["typed_name"] or signature["printed_name"], **others)]


# ---- anyone ----


@public.endpoint("POST", "/verification", action="seal:verify", media="application/pdf", max_body=MAX_PDF)
def verify_file(context: None, content: bytes, caller: Caller) -> Verdict:
    """Whether a PDF is byte for byte as we sealed it"""
    from chalicelib.adapters import seal

    seconds = clock.now().timestamp()
    accounts.throttle("PUBLIC", settings.limit("verification_address"), seconds, "verification", caller.address)
    verdict = seal.verify(content)
    return Verdict(
        intact=verdict.intact,
        sealed_by_us=verdict.sealed_by_us,
        sealed_at=clock.text(verdict.sealed_at) if verdict.sealed_at else None,
        sha256=verdict.sha256,
        reason=verdict.reason,
    )
