"""General Documents: sealing what was signed, and reading, handing out and verifying it (DESIGN.md, Signed forms)."""

import hashlib
import json
from datetime import timedelta
from typing import Any, NamedTuple

from chalicelib import clock
from chalicelib.adapters import documents as bucket
from chalicelib.adapters import filetypes, keys
from chalicelib.config import settings
from chalicelib.context import Actor, Context, Persona
from chalicelib.errors import AlwaysShared, NeverSealed, NotFound, NotSealed, PortalError, TooLarge
from chalicelib.models.clients import Client, Document
from chalicelib.models.intakes import Intake, IntakeForm, SignedForm
from chalicelib.models.table import Page, at_keys, load
from chalicelib.models.transaction import Transaction, change
from chalicelib.models.uploads import Upload
from chalicelib.observability import logger
from chalicelib.policies.rules import Role
from chalicelib.services import answers, audits, clients, intakes, letters, mails, notifications

AGAIN = timedelta(minutes=3)
INTAKE_FORM = "intake_form"
# What somebody uploads, and what it is called unless they gave it a title; the first ones are for clients.
CATEGORIES = {
    "insurance_card_front": "Insurance card, front",
    "insurance_card_back": "Insurance card, back",
    "identification": "Proof of identity",
    "other": "Document",
    "referral": "Referral",
    "letter": "Letter",
    "signed_paper": "Form signed on paper",
}


class Record(NamedTuple):
    """A document with what it says, for people who read the page instead of the file."""

    document: Document
    sections: list[Any]
    signed: dict[str, Any] | None  # None: it was uploaded, not signed here


# ---- reading ----


def page_of(context: Context, limit: int, cursor: str | None) -> Page:
    """The general documents of the client, newest first."""
    return Document.page(
        Document.KEY, tenant_id=context.tenant_id, client_id=context.client_id, limit=limit, cursor=cursor
    )


def get(context: Context, document_id: str) -> Document:
    """One document of the client; clients get only what is shared with them. Raises NotFound."""
    found: Document | None = context.named.get("document_id")
    if found is None or found.document_id != document_id:
        found = Document.find(tenant_id=context.tenant_id, client_id=context.client_id, document_id=document_id)
    if found is None or (Role.CLIENT in context.actor.roles and not found.shared):
        raise NotFound()
    return found


def record(context: Context, document_id: str) -> Record:
    """The accessible copy: the same signed record that the PDF was made of."""
    document = get(context, document_id)
    if document.category != INTAKE_FORM:
        return Record(document, [], None)
    about = {"tenant_id": context.tenant_id, "client_id": context.client_id, "intake_id": document.intake_id}
    of_form = {**about, "form_id": document.form_id}
    intake, form, kept = load((Intake, about), (IntakeForm, of_form), (SignedForm, of_form))
    if intake is None or form is None:
        raise NotFound()
    signed = intakes.opened_record(kept)
    return Record(document, _transcript(intake, form, signed), signed)


def _transcript(intake: Intake, form: IntakeForm, signed: dict[str, Any]) -> list[Any]:
    definition = _definition(intake, form)
    return list(answers.transcript(definition, signed["answers"], signed["skipped"], intakes.facts_of(signed)))


def _definition(intake: Intake, form: IntakeForm) -> dict[str, Any]:
    entry = next(each for each in intake.forms if each["form_id"] == form.form_id)
    return intakes.definition_of(intake, entry)


def download(context: Context, document_id: str) -> tuple[str, Any]:
    """A link for two minutes, made after the permission check. Raises NotSealed until the document is complete."""
    document = get(context, document_id)
    if document.status != "completed":
        raise NotSealed()
    audits.record(context, "document:download", client_id=context.client_id, document_id=document_id)
    return bucket.link(document.object_key, document.object_version, *_download_name(document))


def _download_name(document: Document) -> tuple[str, str]:
    """Ours, not the name that the file came with: it is part of the link, and what shows in a folder of downloads."""
    kind = document.file_type or "pdf"
    if document.category == INTAKE_FORM:
        return f"{document.form_id}.pdf", filetypes.MEDIA["pdf"]
    return f"{document.category.replace('_', '-')}-{document.filed_at[:10]}.{kind}", filetypes.MEDIA[kind]


# ---- a packet as one file ----

PACKET_MOST = 20 * 1024 * 1024


def packet(context: Context, intake_id: str) -> tuple[str, Any]:
    """A link to all sealed PDFs of a packet in one ZIP, with a list of their digests (manifest.json, SHA-256).

    Raises NotFound, NotSealed until every form is sealed, TooLarge over 20 MB, DocumentUnreachable.
    """
    intake, forms = intakes.state_of(context, intake_id)
    sealed = {form.form_id: form for form in forms if form.status == "sealed"}
    if not intake.forms or len(sealed) < len(intake.forms):
        raise NotSealed()
    about = {"tenant_id": context.tenant_id, "client_id": context.client_id}
    wanted = [sealed[entry["form_id"]].document_id for entry in intake.forms]
    found = load(*((Document, {**about, "document_id": each}) for each in wanted))
    if sum(int(each.size) for each in found) > PACKET_MOST:
        raise TooLarge()
    content = _zipped(intake, found)
    audits.record(context, "document:download", client_id=context.client_id, intake_id=intake_id)
    object_key, version = bucket.put_packet(context.tenant_id, context.client_id, intake_id, content)
    return bucket.link(object_key, version, f"packet-{intake.sent_at[:10]}.zip", "application/zip")


def _zipped(intake: Intake, found: list[Document]) -> bytes:
    """The same bytes for the same packet, whenever it is asked for."""
    import io
    import zipfile

    files = {
        f"{number:02}-{each.form_id}.pdf": bucket.get(each.object_key, each.object_version)
        for number, each in enumerate(found, 1)
    }
    listed = [
        {"file": name, "title": each.title, "form_version": each.form_version, "signed_by": each.signed_by,
         "signed_at": each.signed_at, "sealed_at": each.filed_at, "sha256": each.sha256}
        for name, each in zip(files, found, strict=True)
    ]  # fmt: skip
    manifest = {"packet": intake.intake_id, "completed_at": intake.completed_at, "documents": listed}
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in {**files, "manifest.json": json.dumps(manifest, indent=1).encode()}.items():
            packed.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return made.getvalue()


# ---- what was uploaded ----


def from_upload(upload: Upload, at: Any, *, category: str, title: str | None, shared: bool, **more: Any) -> Document:
    """A clean upload as an entry under General Documents, by the upload's own id: filing it twice makes one entry.

    For a transaction with `uploads.use`. `title`: None for what the category says; `more`: other attributes of Document
    (a form that was signed on paper names its intake and form).
    """
    from chalicelib.services import uploads

    document = Document.new(
        tenant_id=upload.tenant_id,
        client_id=upload.client_id,
        document_id=upload.upload_id,
        category=category,
        status="completed",
        filed_at=clock.text(at),
        object_key=upload.object_key,
        object_version=upload.object_version,
        file_type=upload.file_type,
        sha256=upload.sha256,
        size=upload.size,
        added_by="client" if upload.uploaded_by_kind == "client" else upload.uploaded_by,
        added_by_name=upload.uploaded_by_name,
        worrying=False,
        shared=shared,
        **more,
    )
    name = filetypes.name_of(uploads.about(upload)["name"], str(upload.file_type))
    words = {"title": title or CATEGORIES[category], "file_name": name}
    document.words = keys.encrypt(upload.tenant_id, words, _words_place(document))
    return document


def file_upload(tx: Transaction, context: Context, upload: Upload, about: Any) -> None:
    """Within the transaction that finds it clean: file it, and tell staff of what a client sent."""
    by_client = upload.uploaded_by_kind == "client"
    document = from_upload(
        upload,
        context.now,
        category=about["category"],
        title=about["title"],
        shared=by_client or about["shared"],
    )
    tx.create(document)
    tx.create(audits.event(context, "document:add", client_id=upload.client_id, document_id=document.document_id))
    if by_client:
        for who in notifications.recipients(upload.tenant_id, upload.client_id):
            tx.put(
                notifications.notice(
                    who,
                    notifications.DOCUMENT_ADDED,
                    upload.client_id,
                    context.now,
                    upload.upload_id,
                    intake_id=None,
                    worrying=False,
                )
            )


def _words_place(document: Document) -> str:
    return f"{document.pk}|{document.sk}"


def words_of(document: Document) -> tuple[str, str | None]:
    """Title and, of what was uploaded, the file's name."""
    if document.words is None:
        return str(document.title), None
    words = keys.decrypt(document.tenant_id, document.words, _words_place(document))
    return words["title"], words["file_name"]


def share(context: Context, document_id: str, shared: bool) -> Document:
    """Show what staff uploaded to the client, or hide it again; safe to repeat. Raises AlwaysShared for the rest."""
    document = get(context, document_id)
    if document.shared == shared:
        return document
    if document.category == INTAKE_FORM or document.added_by == "client":
        raise AlwaysShared()
    with Transaction() as tx:
        tx.update(document, Document.shared.set(shared))
        action = "document:share" if shared else "document:unshare"
        tx.create(audits.event(context, action, client_id=context.client_id, document_id=document_id))
    document.shared = shared
    return document


def verify(context: Context, document_id: str) -> tuple[Any, bool]:
    """Whether the stored file is intact, and whether it is the one that was filed. Damaged bytes are a verdict (not
    intact, does not match), never a failure of the check; that there are none is no verdict: DocumentUnreachable."""
    from chalicelib.adapters import seal

    document = get(context, document_id)
    if document.category != INTAKE_FORM:
        raise NeverSealed()
    if document.status != "completed":
        raise NotSealed()
    pdf = bucket.get(document.object_key, document.object_version)
    return seal.verify(pdf), hashlib.sha256(pdf).hexdigest() == document.sha256


# ---- sealing ----


class _Filed(PortalError):
    """Another worker has filed this document."""


def seal(tenant_id: str, client_id: str, intake_id: str, form_id: str) -> None:
    """Seal one signed form and file it; safe to repeat at any point, from the queue or the sweep.

    The bytes are a function of what was signed, so a repeat after a crash makes the same document again; only the
    transaction at the end makes it complete, once.
    """
    about = {"tenant_id": tenant_id, "client_id": client_id, "intake_id": intake_id}
    of_form = {**about, "form_id": form_id}
    intake, form, client, kept = load((Intake, about), (IntakeForm, of_form), (Client, about), (SignedForm, of_form))
    if form is None or form.status != "signed":
        return
    if intake is None or client is None or kept is None:
        _give_up(form)
        return
    from chalicelib.adapters import pdf
    from chalicelib.adapters import seal as seals

    signed = intakes.opened_record(kept)
    signed_at = clock.parse(form.signed_at)
    rendered = pdf.render(_paper(intake, form, signed))
    sealed = seals.seal(rendered, signed_at=signed_at)
    object_key = bucket.key(tenant_id, client_id, form.document_id)
    version = bucket.put_sealed(object_key, sealed, clock.now())
    try:
        _file(intake, form, client, object_key, version, sealed)
    except _Filed:
        return


def _give_up(form: IntakeForm) -> None:
    """What would have to be sealed is gone: the sweep must not ask for it for ever, and somebody has to look."""
    logger.error("nothing_to_seal", document_id=form.document_id)
    change(form, *form.due_next(None))


def _file(intake: Intake, form: IntakeForm, client: Client, object_key: str, version: str, sealed: bytes) -> None:
    now = clock.now()
    at = clock.text(now)
    system = Context(form.tenant_id, Actor("system", "on_sealing"), now, Persona.JOBS)
    last = _is_last(intake, form)
    document = Document.at(tenant_id=form.tenant_id, client_id=form.client_id, document_id=form.document_id)
    told: list[Any] = []
    receipt = intakes.receipt(intake, form.form_id, "sealed", at)
    with Transaction() as tx:
        tx.update(
            form,
            IntakeForm.status.set("sealed"),
            IntakeForm.sealed_at.set(at),
            *form.due_next(None),
            when=IntakeForm.status == "signed",
            otherwise=_Filed(),
        )
        tx.update(
            document,
            Document.status.set("completed"),
            Document.filed_at.set(at),
            Document.object_key.set(object_key),
            Document.object_version.set(version),
            Document.sha256.set(hashlib.sha256(sealed).hexdigest()),
            Document.size.set(len(sealed)),
        )
        # The packet's version serialises two forms that are sealed at the same moment: one of them sees itself last.
        tx.update(
            intake,
            Intake.version.set(intakes.count(intake) + 1),
            Intake.worrying.set(bool(intake.worrying or form.worrying)),
            *([Intake.status.set("completed"), Intake.completed_at.set(at), *intakes.closing(intake)] if last else []),
            when=intakes.unchanged(intake),
            otherwise=_Beside(),
        )
        tx.create(
            audits.event(
                system, "document:file", client_id=form.client_id, document_id=form.document_id, form_id=form.form_id
            )
        )
        if receipt is not None:
            intakes.keep_receipt(tx, receipt, otherwise=_Beside())
        if form.worrying:
            tx.update(client, Client.unseen.add({clients.flag(form.intake_id, form.document_id)}))
        if last:
            told = _tell(tx, intake, form, now)
    mails.hand_over(*told)


class _Beside(PortalError):
    """Another form of the packet was filed at the same moment; the queue brings this one again."""

    status, code = 503, "busy"


def _is_last(intake: Intake, form: IntakeForm) -> bool:
    about = {"tenant_id": intake.tenant_id, "client_id": intake.client_id, "intake_id": intake.intake_id}
    others = [entry["form_id"] for entry in intake.forms if entry["form_id"] != form.form_id]
    states = load(*[(IntakeForm, {**about, "form_id": form_id}) for form_id in others]) if others else []
    return all(state is not None and state.status in ("sealed", *intakes.TAKEN) for state in states)


def _tell(tx: Transaction, intake: Intake, form: IntakeForm, now: Any) -> list[Any]:
    """Staff are told once per finished packet, in the app and by a mail that says nothing (DOMAIN.md 4.4)."""
    told = notifications.recipients(intake.tenant_id, intake.client_id, intake.sent_by)
    written = []
    for who in told:
        worrying = bool(intake.worrying or form.worrying)
        tx.put(
            notifications.notice(
                who,
                notifications.PACKET_COMPLETED,
                intake.client_id,
                now,
                intake.intake_id,
                intake_id=intake.intake_id,
                worrying=worrying,
            )
        )
        letter = mails.to_staff(now, intake.tenant_id, who.staff_id, letters.PACKET_COMPLETED, intake.intake_id)
        tx.put(letter)
        written.append(letter)
    return written


def _paper(intake: Intake, form: IntakeForm, signed: dict[str, Any]) -> Any:
    """What was signed, as the renderer takes it."""
    from chalicelib.adapters import pdf

    signature = signed["signature"]
    names = {"sent": "Sent to the client", "started": "First opened", "signed": "Signed"}
    return pdf.SignedForm(
        organization=signed["organization"],
        title=next(each["title"] for each in intake.forms if each["form_id"] == form.form_id),
        version=str(signed["version"]),
        form_sha256=signed["form_sha256"],
        answers_sha256=signed["answers_sha256"],
        client_name=signed["client_name"],
        document_id=form.document_id,
        sections=_sections(intake, form, signed),
        signatures=[
            pdf.Signature(
                name=signature["typed_name"] or signature["printed_name"],
                printed_name=signature["printed_name"],
                relationship=_RELATIONSHIPS[signature["relationship"]],
                method=signature["method"],
                strokes=signature["strokes"],
                signed_at=clock.parse(signature["signed_at"]),
                time_zone=signature["time_zone"],
                ip=signature["address"] or "unknown",
                device=signature["device"] or "unknown",
                authenticated_by=signature["authenticated_by"],
                account_ref=signature["account_ref"],
                session_ref=signature["session_ref"],
                disclosure_version=str(signature["disclosure_version"]),
                intent=signature["intent"],
            )
        ],
        events=[(names[name], clock.parse(at)) for name, at in signed["events"]],
        verify_url=f"{settings.portal_origin}/verify",
        zone=signed["zone"],
    )


_RELATIONSHIPS = {"self": "The client", "parent": "Parent", "guardian": "Guardian", "other": "Other, as named"}


def _sections(intake: Intake, form: IntakeForm, signed: dict[str, Any]) -> list[Any]:
    """The whole text that was agreed to, the introduction and the reasons for asking among it."""
    from chalicelib.adapters import pdf

    definition = _definition(intake, form)
    why = {section["id"]: section.get("why") for section in definition["sections"]}
    intro = [pdf.Item(label="", kind="info", blocks=definition["intro"])] if definition.get("intro") else []
    sections = [pdf.Section(title="", items=intro)] if intro else []
    for section in _transcript(intake, form, signed):
        items = [_item(item) for item in section["items"]]
        sections.append(
            pdf.Section(
                title=section["title"], skipped=section["skipped"], why=why.get(section["section_id"]), items=items
            )
        )
    return sections


def _item(item: Any) -> Any:
    from chalicelib.adapters import pdf

    kind = item["kind"]
    return pdf.Item(
        label=item["label"],
        kind=kind,
        value={"Agreed": "yes", "Not agreed": "no"}[item["value"]] if kind == "agree" else _value(item),
        columns=item.get("columns"),
        blocks=item["value"] if kind == "info" else None,
    )


def _value(item: Any) -> Any:
    return None if item["kind"] == "info" else item["value"]


def sweep(pk: str, sk: str, now: Any) -> None:
    """A form that should have been sealed by now: queue it again, and look again later."""
    for form in at_keys([(pk, sk)], consistent=True):
        if form.status in intakes.TAKEN:
            intakes.erase(form)
            continue
        waits = form.status == "signed"
        change(form, *form.due_next(now + AGAIN if waits else None))
        if waits:
            intakes.seal_soon(form)
