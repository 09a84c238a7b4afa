"""Packets of forms: sent, filled in, signed (DOMAIN.md section 4).

What was not submitted is invisible to staff: the practice's side of this module reads signed forms only.
"""

import hashlib
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from chalicelib import clock, ids
from chalicelib.adapters import keys, queues
from chalicelib.context import Context
from chalicelib.errors import (
    AlreadySigned,
    AnswersIncomplete,
    Busy,
    ClientArchived,
    DisclosureChanged,
    IntakeRevoked,
    InvalidBody,
    NotFound,
    PortalError,
)
from chalicelib.models.clients import Client, Document
from chalicelib.models.forms import Form, FormVersion
from chalicelib.models.intakes import Intake, IntakeForm, Receipt, Section, SignedForm
from chalicelib.models.table import load
from chalicelib.models.transaction import Transaction, change
from chalicelib.observability import logger, where
from chalicelib.services import answers, audits, clients, forms, idempotency, staff

SEAL_AGAIN = timedelta(seconds=90)
TRIES = 6
SIGNED = frozenset({"signed", "sealed"})
TAKEN = frozenset({"revoked", "paper", "unobtained"})  # settled by staff: nothing is left to fill in
RECORD_MOST = 380_000  # bytes; DynamoDB's limit is 400 KB an item

DISCLOSURE_VERSION = 1
DISCLOSURE: list[Any] = [
    "You are about to sign electronically. Your electronic signature counts as much as one on paper.",
    {
        "list": [
            "You can ask for a paper form instead, at no cost. Tell the practice before you sign.",
            "You can take back your consent to electronic forms at any time by telling the practice. "
            "That does not undo what you have signed before.",
            "Your consent covers the forms in this portal, and nothing else.",
            "You need a device with an up-to-date web browser, and something that opens PDF files "
            "to keep a copy. You can download each form you sign here, whenever you like.",
            "If your e-mail address changes, tell the practice, so that you still learn of new forms.",
        ]
    },
]
INTENT = "I sign this form, and I mean my signature to be as binding as one on paper."


class Open(NamedTuple):
    """A form as its client sees it now."""

    intake: Intake
    form: IntakeForm | None
    entry: dict[str, Any]
    definition: dict[str, Any]
    answers: dict[str, Any]
    skipped: list[str]
    facts: answers.Facts

    @property
    def status(self) -> str:
        """to_do, started, signed, sealed, or one of TAKEN."""
        return str(self.form.status) if self.form else "to_do"


# ---- sending ----


def packet(context: Context, client: Client, picked: Sequence[Form], note: str | None = None) -> Intake:
    """A new packet with each form frozen at its newest version and the merge fields as they are today.

    `note`: a word of the sender's that the client reads beside the forms.
    """
    therapist = _therapist(context.tenant_id, client)
    known = _known_notices(context.tenant_id, client.client_id, picked)
    notice = next((form for form in picked if form.purpose == forms.NOTICE), None)
    text = forms.version(context.tenant_id, notice.form_id, notice.newest) if notice else None
    intake = Intake.new(
        tenant_id=context.tenant_id,
        client_id=client.client_id,
        intake_id=ids.new_id(context.now),
        status="open",
        forms=[_entry(context.tenant_id, form, known) for form in picked],
        merge=forms.merge_values(context.tenant, str(client.legal_name), therapist, text),
        sent_by=context.actor.staff_id,
        sent_by_name=context.actor.name,
        sent_at=clock.text(context.now),
        worrying=False,
    )
    if note:
        intake.note = keys.encrypt(context.tenant_id, note, f"note|{intake.intake_id}")
    return intake


def note_of(intake: Intake) -> str | None:
    """What the sender wrote to the client."""
    return str(keys.decrypt(intake.tenant_id, intake.note, f"note|{intake.intake_id}")) if intake.note else None


def _known_notices(tenant_id: str, client_id: str, picked: Sequence[Form]) -> dict[str, int]:
    """The versions that the client knows of notices that have changed since (DOMAIN.md 4.6)."""
    changed = [form for form in picked if form.purpose == forms.NOTICE and form.newest > 1]
    about = {"tenant_id": tenant_id, "client_id": client_id}
    found = load(*((Receipt, {**about, "form_id": form.form_id}) for form in changed)) if changed else []
    return {
        form.form_id: int(each.number)
        for form, each in zip(changed, found, strict=True)
        if each is not None and int(each.number) < form.newest
    }


def _entry(tenant_id: str, form: Form, known: dict[str, int]) -> dict[str, Any]:
    forms.version(tenant_id, form.form_id, form.newest)  # NotFound before anything is sent
    entry = {
        "form_id": form.form_id,
        "version": form.newest,
        "title": form.title,
        "minutes": form.minutes,
        "sections": form.sections,
    }
    entry |= {"known": known[form.form_id]} if form.form_id in known else {}
    return entry | ({"notice": True} if form.purpose == forms.NOTICE else {})


def what_changed(intake: Intake, entry: dict[str, Any]) -> list[str]:
    """What is new in this form for a client who knows an earlier version of it."""
    known = entry.get("known")
    return forms.changes_since(intake.tenant_id, entry["form_id"], known, entry["version"]) if known else []


def _therapist(tenant_id: str, client: Client) -> Any | None:
    for each in client.therapists:
        found = staff.get(tenant_id, each["staff_id"])
        if found is not None and found.status == "active":
            return found
    return None


def take_back(tx: Transaction, tenant_id: str, client_id: str, intake_id: str) -> None:
    """Revoke a packet that nobody has begun to sign."""
    intake = Intake.at(tenant_id=tenant_id, client_id=client_id, intake_id=intake_id)
    tx.update(intake, Intake.status.set("revoked"), *closing(intake), when=Intake.status != "completed")


def closing(intake: Intake) -> list[Any]:
    """With the end of a packet: it leaves the list of open ones, and nobody is reminded of it."""
    return [Intake.gsi2pk.remove(), Intake.gsi2sk.remove(), *intake.due_next(None)]


def count(intake: Intake) -> int:
    """How often a packet was changed."""
    return int(intake.version or 0)


def unchanged(intake: Intake) -> Any:
    """The packet is as it was read: two forms that are settled at one moment see each other, and one is the last."""
    return Intake.version == intake.version if intake.version else Intake.version.does_not_exist()


# ---- notices: who knows which version ----


def receipt(intake: Intake, form_id: str, outcome: str, at: str) -> Receipt | None:
    """What is to be kept when a client has acknowledged this form, or staff wrote down why not; None for a form that is
    no notice, and when a newer version is known already."""
    entry = next(each for each in intake.forms if each["form_id"] == form_id)
    definition = forms.version(intake.tenant_id, form_id, entry["version"]).definition
    if definition["kind"] != forms.NOTICE:
        return None
    about: dict[str, Any] = {"tenant_id": intake.tenant_id, "client_id": intake.client_id, "form_id": form_id}
    number = forms.number_of(entry["version"])
    earlier = Receipt.find(**about)
    if earlier is not None and earlier.number > number:
        return None
    return Receipt.new(**about, number=number, outcome=outcome, happened_at=at)


def keep_receipt(tx: Transaction, new: Receipt, *, otherwise: PortalError) -> None:
    """Within the transaction that settles the form."""
    tx.put(new, when=Receipt.pk.does_not_exist() | (Receipt.number <= new.number), otherwise=otherwise)


# ---- lists ----


def page_of(
    context: Context, limit: int, cursor: str | None
) -> tuple[list[tuple[Intake, list[IntakeForm]]], str | None]:
    """Packets of the client with what became of each form, newest first."""
    page = Intake.page(Intake.KEY, tenant_id=context.tenant_id, client_id=context.client_id, limit=limit, cursor=cursor)
    begun = states(page.items)
    # An invitation that holds no forms has a packet, too, in which there is nothing to see.
    return [(intake, begun[intake.intake_id]) for intake in page.items if intake.forms], page.next_cursor


def states(packets: Sequence[Intake]) -> dict[str, list[IntakeForm]]:
    """The forms of packets that someone has begun, by packet, in one read."""
    wanted = [
        (IntakeForm, {**place_of(packet), "form_id": entry["form_id"]}) for packet in packets for entry in packet.forms
    ]
    states: dict[str, list[IntakeForm]] = {packet.intake_id: [] for packet in packets}
    for found in load(*wanted) if wanted else []:
        if found is not None:
            states[found.intake_id].append(found)
    return states


def place_of(packet: Intake) -> dict[str, Any]:
    """The parts of a key that name a packet."""
    return {"tenant_id": packet.tenant_id, "client_id": packet.client_id, "intake_id": packet.intake_id}


def get(context: Context, intake_id: str) -> Intake:
    """A packet of the client of the request. Raises NotFound."""
    found: Intake | None = context.named.get("intake_id")
    if found is not None and found.intake_id == intake_id:
        return found
    found = Intake.find(tenant_id=context.tenant_id, client_id=context.client_id, intake_id=intake_id)
    if found is None:
        raise NotFound()
    return found


def forms_of(intake: Intake) -> list[IntakeForm]:
    """The forms of one packet that someone has begun, as they are now."""
    return list(IntakeForm.every(IntakeForm.KEY, consistent=True, **place_of(intake)))


# ---- filling in ----


def open_form(context: Context, intake_id: str, form_id: str) -> tuple[Open, list[IntakeForm]]:
    """A form with its answers so far, and the state of the whole packet. Raises NotFound, IntakeRevoked."""
    intake = get(context, intake_id)
    if intake.status == "revoked":
        raise IntakeRevoked()
    parts = forms_of(intake)
    found = next((part for part in parts if part.form_id == form_id), None)
    if found is not None and found.status in TAKEN:
        raise IntakeRevoked()
    return _opened(context, intake, found, form_id), parts


def _opened(context: Context, intake: Intake, found: IntakeForm | None, form_id: str) -> Open:
    entry = next((each for each in intake.forms if each["form_id"] == form_id), None)
    if entry is None:
        raise NotFound()
    definition = definition_of(intake, entry)
    facts = answers.Facts(clients.age(context.client, context.tenant.zone), clock.today(context.tenant.zone))
    if found is not None and found.status != "started":
        signed = read_signed(found)
        return Open(intake, found, entry, definition, signed["answers"], signed["skipped"], facts)
    written, skipped = _written(context, intake, entry, found, definition)
    return Open(intake, found, entry, definition, written, skipped, facts)


def definition_of(intake: Intake, entry: dict[str, Any]) -> dict[str, Any]:
    """The form as it was sent: its version, with the merge fields of that day."""
    version: FormVersion = forms.version(intake.tenant_id, entry["form_id"], entry["version"])
    return forms.merged(version.definition, intake.merge)


def _written(
    context: Context, intake: Intake, entry: dict[str, Any], found: IntakeForm | None, definition: dict[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """What was typed so far, over what the client file already knows. Raises IntakeRevoked for a form that was under
    way and of which nothing is left: whoever takes one back settles it first, then drops what was written in it."""
    values = answers.prefill(definition, clients.profile(context.client))
    skipped = []
    sections = list(Section.every(Section.KEY, consistent=True, **place_of(intake), form_id=entry["form_id"]))
    if found is not None and not sections:
        raise IntakeRevoked()
    for section in sections:
        kept = _read_section(section)
        values |= kept["answers"]
        if kept["skipped"]:
            skipped.append(section.section_id)
    return {name: value for name, value in values.items() if value is not None}, skipped


def _read_section(section: Section) -> dict[str, Any]:
    kept: dict[str, Any] = keys.decrypt(section.tenant_id, section.answers, section.sk)
    return kept


def save(
    context: Context,
    intake_id: str,
    form_id: str,
    section_id: str,
    changes: dict[str, Any],
    skip: bool | None,
    here: bool,
) -> str:
    """Keep what was typed into one section; the instant it was kept. Two devices merge field by field.

    Raises InvalidBody (nothing kept), AlreadySigned, IntakeRevoked, ClientArchived, NotFound, Busy.
    """
    if context.client.status != "active":
        raise ClientArchived()
    about = {"tenant_id": context.tenant_id, "client_id": context.client_id, "intake_id": intake_id}
    place = {**about, "form_id": form_id, "section_id": section_id}
    intake = get(context, intake_id)  # its forms never change, and the transaction checks that it is open
    for _ in range(TRIES):
        form, section = load((IntakeForm, {**about, "form_id": form_id}), (Section, place))
        definition = _may_write(intake, form, form_id)
        index = _index(definition, section_id)
        accepted = _accepted(context, definition, section_id, changes)
        kept: dict[str, Any] = _read_section(section) if section else {"answers": {}, "skipped": False}
        merged = {
            "answers": {**kept["answers"], **accepted},
            "skipped": kept["skipped"] if skip is None else skip,
        }
        progress = (index, len(definition["sections"])) if here else None
        try:
            return _keep(context, intake, place, section, merged, section_id if here else None, progress)
        except _Overtaken:
            continue
    raise Busy(retry_after=1)


class _Overtaken(PortalError):
    """Another request wrote to this section, or signed this form, in the meantime."""


def _may_write(intake: Intake, form: IntakeForm | None, form_id: str) -> dict[str, Any]:
    entry = next((each for each in intake.forms if each["form_id"] == form_id), None)
    if entry is None:
        raise NotFound()
    if intake.status == "revoked":
        raise IntakeRevoked()
    if form is not None and form.status in TAKEN:
        raise IntakeRevoked()
    if form is not None and form.status != "started":
        raise AlreadySigned()
    return definition_of(intake, entry)


def _index(definition: dict[str, Any], section_id: str) -> int:
    ids_in_order = [section["id"] for section in definition["sections"]]
    if section_id not in ids_in_order:
        raise NotFound()
    return ids_in_order.index(section_id)


def _accepted(context: Context, definition: dict[str, Any], section_id: str, changes: dict[str, Any]) -> dict[str, Any]:
    try:
        return answers.accept(definition, section_id, changes, clock.today(context.tenant.zone))
    except answers.AnswerProblems as refused:
        raise InvalidBody(
            errors=[
                {"pointer": f"/answers/{p.field_id[:60]}", "code": p.code, "detail": p.detail} for p in refused.problems
            ]
        ) from None


def _keep(
    context: Context,
    intake: Intake,
    place: dict[str, str],
    seen: Section | None,
    merged: dict[str, Any],
    position: str | None,
    progress: tuple[int, int] | None,
) -> str:
    at = clock.text(context.now)
    section = Section.new(**place, answers=b"", saved_at=at, version=(seen.version if seen else 0) + 1)
    section.answers = _sealed_words(context.tenant_id, merged, section.sk)
    handle = IntakeForm.new(
        **{name: place[name] for name in ("tenant_id", "client_id", "intake_id", "form_id")}, status="started"
    )
    actions = [
        IntakeForm.kind.set(IntakeForm.KIND),
        IntakeForm.status.set("started"),
        IntakeForm.saved_at.set(at),
        IntakeForm.started_at.set(IntakeForm.started_at | at),
        IntakeForm.version.add(1),
        *(each.set(place[name]) for name, each in _IDENTITY.items()),
    ]
    if position and progress:
        actions += [
            IntakeForm.position.set(position),
            IntakeForm.done.set(progress[0]),
            IntakeForm.of.set(progress[1]),
        ]
    unchanged = Section.version == seen.version if seen else Section.pk.does_not_exist()
    with Transaction() as tx:
        tx.put(section, when=unchanged, otherwise=_Overtaken())
        tx.merge(
            handle,
            *actions,
            when=IntakeForm.pk.does_not_exist() | (IntakeForm.status == "started"),
            otherwise=_Overtaken(),
        )
        tx.require(intake, Intake.status == "open", otherwise=IntakeRevoked())
    return at


_IDENTITY = {
    "tenant_id": IntakeForm.tenant_id,
    "client_id": IntakeForm.client_id,
    "intake_id": IntakeForm.intake_id,
    "form_id": IntakeForm.form_id,
}


# ---- signing ----


def sign(
    context: Context, intake_id: str, form_id: str, signature: dict[str, Any]
) -> tuple[IntakeForm, dict[str, Any] | None]:
    """Sign a form: one conditional transaction, exactly one winner; the answers are final from here on. With it comes
    the packet's next form that is to be done.

    Stores the canonical answers and the evidence (DOMAIN.md 4.5; 15 USC 7001), and queues the sealing. Raises
    AnswersIncomplete with the places, AlreadySigned, IntakeRevoked, DisclosureChanged, ClientArchived, NotFound, Busy.
    """
    if context.result:
        intake, parts = state_of(context, intake_id)
        return _signed_form(context, intake_id, form_id), next_form(intake, parts, form_id)
    if context.client.status != "active":
        raise ClientArchived()
    for _ in range(TRIES):
        try:
            return _sign(context, intake_id, form_id, signature)
        except _Overtaken:  # an autosave came in between: what is signed is what is kept, so read it again
            continue
    raise Busy(retry_after=1)


def _sign(
    context: Context, intake_id: str, form_id: str, signature: dict[str, Any]
) -> tuple[IntakeForm, dict[str, Any] | None]:
    opened, parts = open_form(context, intake_id, form_id)
    if opened.status != "started" and opened.status != "to_do":
        raise AlreadySigned()
    if signature["disclosure_version"] != DISCLOSURE_VERSION:
        raise DisclosureChanged()
    try:
        _require_complete(opened)
    except AnswersIncomplete:
        _require_as_seen(opened)
        raise
    signed = _record(context, opened, signature)
    form = IntakeForm.new(
        tenant_id=context.tenant_id,
        client_id=context.client_id,
        intake_id=intake_id,
        form_id=form_id,
        status="signed",
        position=None,
        done=len(opened.definition["sections"]),
        of=len(opened.definition["sections"]),
        started_at=opened.form.started_at if opened.form else clock.text(context.now),
        saved_at=clock.text(context.now),
        signed_at=clock.text(context.now),
        answers_sha256=signed["answers_sha256"],
        document_id=ids.derived_id(intake_id, form_id, at=context.now),
        worrying=bool(signed["worrying"]),
    )
    kept = SignedForm.new(**place_of(opened.intake), form_id=form_id, signed=b"")
    kept.signed = _sealed_words(context.tenant_id, signed, kept.sk)
    form.due(context.now + SEAL_AGAIN)
    with Transaction() as tx:
        idempotency.remember(tx, context, form.document_id)
        tx.put(form, when=_as_seen(opened.form), otherwise=_Overtaken())
        tx.require(opened.intake, Intake.status == "open", otherwise=IntakeRevoked())
        tx.create(kept)
        tx.create(_document(context, opened, form, signature))
        tx.create(
            audits.event(context, "intake:sign", client_id=context.client_id, intake_id=intake_id, form_id=form_id)
        )
    seal_soon(form)
    return form, next_form(opened.intake, parts, form_id)


def _as_seen(seen: IntakeForm | None) -> Any:
    """The form is as it was when its answers were read: what is signed is what is kept."""
    if seen is None:
        return IntakeForm.pk.does_not_exist()
    return (IntakeForm.status == "started") & (IntakeForm.version == seen.version)


def _require_as_seen(opened: Open) -> None:
    """What misses may have been taken away since the form was read: whoever takes a form back settles it first, then
    drops what was written in it. Raises _Overtaken."""
    about = {name: getattr(opened.intake, name) for name in ("tenant_id", "client_id", "intake_id")}
    (now,) = load((IntakeForm, {**about, "form_id": opened.entry["form_id"]}))
    seen = opened.form
    if (now and (now.status, now.version)) != (seen and (seen.status, seen.version)):
        raise _Overtaken()


def _signed_form(context: Context, intake_id: str, form_id: str) -> IntakeForm:
    about: dict[str, Any] = {"tenant_id": context.tenant_id, "client_id": context.client_id}
    found = IntakeForm.find(**about, intake_id=intake_id, form_id=form_id)
    if found is None:
        raise NotFound()
    return found


def _require_complete(opened: Open) -> None:
    problems = answers.missing(opened.definition, opened.answers, opened.skipped, opened.facts)
    if problems:
        raise AnswersIncomplete(
            errors=[
                {"pointer": f"/answers/{p.field_id}", "section_id": p.section_id, "code": p.code, "detail": p.detail}
                for p in problems
            ]
        )


def _record(context: Context, opened: Open, signature: dict[str, Any]) -> dict[str, Any]:
    """Everything the signature stands under, and the evidence of how it came about (notes: security 3.6)."""
    kept = answers.record(opened.definition, opened.answers, opened.skipped, opened.facts)
    worrying = answers.worrying(opened.definition, opened.answers, opened.skipped, opened.facts)
    session = context.session
    return {
        **kept,
        "answers_sha256": hashlib.sha256(answers.canonical(kept)).hexdigest(),
        "form_sha256": forms.version(context.tenant_id, opened.entry["form_id"], opened.entry["version"]).sha256,
        "age": opened.facts.age,
        "today": opened.facts.today.isoformat(),
        "worrying": worrying,
        "client_name": context.client.legal_name,
        "organization": context.tenant.name,
        "zone": context.tenant.zone,
        "signature": {
            "name": context.client.legal_name,
            "printed_name": signature["printed_name"],
            "typed_name": signature["typed_name"],
            "relationship": signature["relationship"],
            "method": signature["method"],
            "strokes": signature.get("strokes"),
            "intent": INTENT,
            "consents": signature["consents"],
            "disclosure_version": DISCLOSURE_VERSION,
            "signed_at": clock.text(context.now),
            "time_zone": signature["time_zone"],
            "address": context.address,
            "device": context.device,
            "authenticated_by": session.method,
            "authenticated_at": session.proved_at,
            "account_ref": context.client.client_id,
            "session_ref": session.session_id,
        },
        "events": [
            ["sent", opened.intake.sent_at],
            ["started", opened.form.started_at if opened.form else clock.text(context.now)],
            ["signed", clock.text(context.now)],
        ],
    }


def _document(context: Context, opened: Open, form: IntakeForm, signature: dict[str, Any]) -> Document:
    return Document.new(
        tenant_id=context.tenant_id,
        client_id=context.client_id,
        document_id=form.document_id,
        category="intake_form",
        title=opened.entry["title"],
        status="sealing",
        intake_id=form.intake_id,
        form_id=form.form_id,
        form_version=opened.entry["version"],
        signed_by=signature["printed_name"],
        signed_at=form.signed_at,
        worrying=bool(form.worrying),
        shared=True,
    )


def seal_soon(form: IntakeForm) -> None:
    """After the commit: queue the sealing. If this fails, the sweep finds the form by itself."""
    try:
        queues.sealing(form.tenant_id, form.client_id, form.intake_id, form.form_id)
    except Exception as error:
        logger.warning("sealing_not_queued", error=where(error))


def read_signed(form: IntakeForm) -> dict[str, Any]:
    """What was signed. Raises NotFound for a form that is not."""
    about: dict[str, Any] = {"tenant_id": form.tenant_id, "client_id": form.client_id, "intake_id": form.intake_id}
    return opened_record(SignedForm.find(**about, form_id=form.form_id, consistent=True))


def opened_record(kept: SignedForm | None) -> dict[str, Any]:
    """What a signed record says. Raises NotFound when there is none."""
    if kept is None:
        raise NotFound()
    signed: dict[str, Any] = keys.decrypt(kept.tenant_id, kept.signed, kept.sk)
    return signed


def _sealed_words(tenant_id: str, words: Any, place: str) -> bytes:
    """Words under the tenant's key. Raises InvalidBody when they are more than one record can hold (400 KB, packed)."""
    sealed = keys.encrypt(tenant_id, words, place)
    if len(sealed) > RECORD_MOST:
        detail = "All together this is more than one form can hold. Shorten the longest answers."
        raise InvalidBody(errors=[{"pointer": "/answers", "code": "too_long", "detail": detail}])
    return sealed


def facts_of(signed: dict[str, Any]) -> answers.Facts:
    """The facts as they were when it was signed."""
    return answers.Facts(signed["age"], date.fromisoformat(signed["today"]))


def next_form(intake: Intake, parts: Sequence[IntakeForm], after: str) -> dict[str, Any] | None:
    """The next form of the packet that is not signed yet, after this one and then from the start."""
    done = {part.form_id for part in parts if part.status != "started"} | {after}
    order = [entry["form_id"] for entry in intake.forms]
    later = [*order[order.index(after) + 1 :], *order[: order.index(after)]] if after in order else order
    by_id = {entry["form_id"]: entry for entry in intake.forms}
    return next((by_id[form_id] for form_id in later if form_id not in done), None)


def state_of(context: Context, intake_id: str) -> tuple[Intake, list[IntakeForm]]:
    """A packet and the state of its forms."""
    intake = get(context, intake_id)
    return intake, forms_of(intake)


# ---- what was typed and will never be signed ----


def erase(form: IntakeForm) -> None:
    """Erase what was typed into a form that staff took back or settled themselves; safe to repeat, and due until done.

    Nothing more can be typed by then: an autosave asks that the form is under way.
    """
    place = {name: getattr(form, name) for name in _IDENTITY}
    written = list(Section.every(Section.KEY, consistent=True, **place))
    for first in range(0, len(written), 100):
        with Transaction() as tx:
            for section in written[first : first + 100]:
                tx.delete(section)
    change(form, *form.due_next(None))


# ---- the therapist's summary ----


class Summary(NamedTuple):
    """On one screen: what was marked for the therapist, what is worrying, what was left for the conversation."""

    intake: Intake
    lines: list[dict[str, Any]]
    in_person: list[str]
    told: dict[str, Any]  # age and pronouns
    documents: list[Document]


def summary(context: Context, intake_id: str) -> Summary:
    """What a packet says. From signed forms only; raises NotFound for a packet of which nothing is signed yet."""
    intake = get(context, intake_id)
    signed_forms = [form for form in forms_of(intake) if form.status in SIGNED]
    if not signed_forms:
        raise NotFound()
    about = place_of(intake)
    found = load(
        *((SignedForm, {**about, "form_id": form.form_id}) for form in signed_forms),
        *((Document, {**about, "document_id": form.document_id}) for form in signed_forms),
    )
    records = {form.form_id: kept for form, kept in zip(signed_forms, found, strict=False)}
    documents = [document for document in found[len(signed_forms) :] if document is not None]
    lines: list[dict[str, Any]] = []
    in_person: list[str] = []
    told: dict[str, Any] = {}
    for entry in intake.forms:
        if entry["form_id"] not in records:
            continue
        signed, definition = opened_record(records[entry["form_id"]]), definition_of(intake, entry)
        facts = facts_of(signed)
        lines += [dict(line) for line in answers.highlights(definition, signed["answers"], signed["skipped"], facts)]
        titles = {section["id"]: section["title"] for section in definition["sections"]}
        in_person += [titles[section_id] for section_id in signed["skipped"] if section_id in titles]
        told = told or {"age": signed["age"], **_pronouns(definition, signed["answers"])}
    return Summary(intake, lines, in_person, told, documents)


def _pronouns(definition: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    for section in definition["sections"]:
        for spec in section["fields"]:
            if spec["id"] == "pronouns" and given.get("pronouns"):
                labels = {option["id"]: option["label"] for option in spec.get("options", [])}
                return {"pronouns": labels.get(given["pronouns"], given["pronouns"])}
    return {"pronouns": None}
