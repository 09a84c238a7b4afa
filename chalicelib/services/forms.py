"""The library of forms: versions are immutable; what was sent keeps the version it was sent with (DOMAIN.md 4.3).

    begin / copy ─▶ draft ── save, save … ── publish ─▶ version n + 1      standard text, any version ─▶ draft

A draft belongs to the organization, not to a person: the version of its record tells two writers apart (412).
"""

import functools
import hashlib
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib import clock, ids
from chalicelib import forms as standard_forms
from chalicelib.context import Context
from chalicelib.errors import DraftExists, FormUnfit, NotFound, NothingPublished, NotStandard, Stale
from chalicelib.models.forms import Form, FormDraft, FormVersion
from chalicelib.models.tenants import Tenant
from chalicelib.models.transaction import Transaction
from chalicelib.services import answers, audits, definitions, tenants

NOTICE = "notice"
REVIEW_NOTE = "Written by your organization. Have your counsel review this text before you use it."


def publish_standard(tenant_id: str) -> None:
    """Give the organization the three standard forms (DOMAIN.md 4.1); safe to repeat."""
    for order, definition in enumerate(standard_forms.standard()):
        _publish_standard(tenant_id, definition, order)


def _publish_standard(tenant_id: str, definition: dict[str, Any], order: int) -> None:
    if problems := definitions.check(definition):
        raise ValueError("; ".join(problems))
    version = _new_version(tenant_id, definition)
    form = Form.new(
        tenant_id=tenant_id,
        form_id=definition["form_id"],
        status="active",
        standard=True,
        order=order,
        **_told(definition),
    )
    with Transaction() as tx:
        tx.put(version, when=FormVersion.pk.does_not_exist() | (FormVersion.sha256 == version.sha256))
        tx.put(form)


def _new_version(tenant_id: str, definition: dict[str, Any], **more: Any) -> FormVersion:
    return FormVersion.new(
        tenant_id=tenant_id,
        form_id=definition["form_id"],
        number=number_of(definition["version"]),
        definition=definition,
        sha256=hashlib.sha256(answers.canonical(definition)).hexdigest(),
        created_at=clock.text(clock.now()),
        **more,
    )


def _told(definition: dict[str, Any]) -> dict[str, Any]:
    """What the library says of a version without opening it."""
    return {
        "title": definition["title"],
        "newest": definition["version"],
        "minutes": definition["minutes"],
        "sections": len(definition["sections"]),
        "purpose": definition["kind"],
        "review_note": definition.get("review_note"),
    }


# ---- drafts ----


def drafts(tenant_id: str) -> list[FormDraft]:
    """Every draft of the organization."""
    return list(FormDraft.every(FormDraft.KEY, tenant_id=tenant_id))


def draft(tenant_id: str, form_id: str) -> FormDraft:
    """The draft of a form. Raises NotFound."""
    found = FormDraft.find(tenant_id=tenant_id, form_id=form_id)
    if found is None:
        raise NotFound()
    return found


def begin(context: Context, title: str, purpose: str, copy_of: str | None) -> FormDraft:
    """A new form, as a draft: blank but for a signature, or with the text of another. Raises NotFound, InvalidBody."""
    known = library(context.tenant_id)
    form_id = f"form-{ids.new_id(context.now).lower()}"
    source = _newest_of(context.tenant_id, copy_of)
    definition = {**(source or _blank(purpose)), "form_id": form_id, "version": 1, "title": title}
    definition["review_note"] = REVIEW_NOTE
    form = Form.new(
        tenant_id=context.tenant_id,
        form_id=form_id,
        status="draft",
        standard=False,
        order=max((int(each.order) for each in known), default=-1) + 1,
        **{**_told(definition), "newest": 0},
    )
    new = _draft(context, form_id, definition, _first(context))
    with Transaction() as tx:
        tx.create(form)
        tx.create(new)
        tx.create(audits.event(context, "form:update", form_id=form_id, what="begin"))
    return new


def _newest_of(tenant_id: str, form_id: str | None) -> dict[str, Any] | None:
    if form_id is None:
        return None
    form = get(tenant_id, form_id)
    source: FormDraft | FormVersion | None = None
    if not form.newest:
        source = FormDraft.find(tenant_id=tenant_id, form_id=form_id)
    if source is None:
        newest = form.newest or published(tenant_id, form_id).newest  # a moment ago, perhaps: then the draft is gone
        source = version(tenant_id, form_id, newest)
    found: dict[str, Any] = source.definition
    return found


def _blank(purpose: str) -> dict[str, Any]:
    """Where a new form begins: everything a form must have, and a signature."""
    signature = {"id": "signature", "type": "signature", "label": "Your signature"}
    return {
        "kind": purpose,
        "minutes": 5,
        "intro": ["Read this and answer what is asked. You can stop at any time; what you have written is kept."],
        "sections": [{"id": "part_1", "title": "", "why": "", "fields": [signature]}],
    }


def open_draft(context: Context, form_id: str, source: str, number: int | None, replaces: int | None) -> FormDraft:
    """Begin to change a form: from its newest version, an earlier one, or the text that it shipped with (`standard`).

    `replaces`: the draft as it was seen, which this one takes the place of. Raises DraftExists when there is one that
    was not named, Stale when it has changed since, NotStandard, NotFound.
    """
    form = get(context.tenant_id, form_id)
    definition = {**_source(form, source, number), "version": int(form.newest) + 1}
    new = _draft(context, form_id, definition, replaces + 1 if replaces else _first(context))
    seen = FormDraft.version == replaces if replaces else FormDraft.pk.does_not_exist()
    with Transaction() as tx:
        tx.put(new, when=seen, otherwise=Stale() if replaces else DraftExists())
        tx.create(audits.event(context, "form:update", form_id=form_id, what=source))
    return new


def _source(form: Form, source: str, number: int | None) -> dict[str, Any]:
    if source == "standard":
        if form.form_id not in standard_forms.STANDARD:
            raise NotStandard()
        return standard_forms.load(form.form_id, standard_forms.CURRENT)
    if not form.newest:
        raise NothingPublished()
    found: dict[str, Any] = version(form.tenant_id, form.form_id, number or form.newest).definition
    return found


def _first(context: Context) -> int:
    """The version of a draft's first record: no draft before it had it, so that an old etag never fits again."""
    return int(context.now.timestamp() * 1000)


def _draft(context: Context, form_id: str, definition: dict[str, Any], number: int) -> FormDraft:
    return FormDraft.new(
        tenant_id=context.tenant_id,
        form_id=form_id,
        definition=definition,
        changed_by_name=context.actor.name,
        changed_at=clock.text(context.now),
        version=number,
    )


def _seen(context: Context, form_id: str) -> FormDraft:
    """The draft that the asker had before them; Stale when it was changed, published or dropped since."""
    found = FormDraft.find(tenant_id=context.tenant_id, form_id=form_id)
    if found is None or found.version != context.if_match:
        raise Stale()
    return found


def save_draft(context: Context, form_id: str, definition: dict[str, Any]) -> FormDraft:
    """Keep a draft, finished or not, over the one that was seen (`context.if_match`). Raises Stale, NotFound."""
    form = get(context.tenant_id, form_id)
    seen = _seen(context, form_id)
    fixed = {name: seen.definition.get(name) for name in ("form_id", "version", "kind", "review_note")}
    new = _draft(context, form_id, {**definition, **fixed}, int(context.if_match or 0) + 1)
    with Transaction() as tx:
        tx.put(new, when=FormDraft.version == context.if_match, otherwise=Stale())
        if not form.newest:
            tx.update(form, Form.title.set(definition["title"]), when=Form.newest == 0, otherwise=Stale())
        tx.create(audits.event(context, "form:update", form_id=form_id, what="save"))
    return new


def discard(context: Context, form_id: str) -> None:
    """Drop a draft; a form that was never published goes with it. Raises Stale, NotFound."""
    form = get(context.tenant_id, form_id)
    seen = _seen(context, form_id)
    with Transaction() as tx:
        tx.delete(seen, when=FormDraft.version == context.if_match, otherwise=Stale())
        if not form.newest:
            tx.delete(form, when=Form.newest == 0, otherwise=Stale())
        tx.create(audits.event(context, "form:update", form_id=form_id, what="discard"))


def publish(context: Context, form_id: str, what_changed: str | None) -> Form:
    """Make the draft the newest version: from now on it is the one that is sent. Of two at once exactly one wins.

    Raises FormUnfit with every problem and its place, Stale, NotFound.
    """
    form = get(context.tenant_id, form_id)
    seen = _seen(context, form_id)
    definition = {**seen.definition, "form_id": form_id, "version": int(form.newest) + 1}
    if found := definitions.unfit(definition):
        raise FormUnfit(errors=[_shown(flaw) for flaw in found])
    new = _new_version(
        context.tenant_id, definition, published_by_name=context.actor.name, what_changed=what_changed or None
    )
    told = _told(definition)
    with Transaction() as tx:
        tx.delete(seen, when=FormDraft.version == context.if_match, otherwise=Stale())
        tx.create(new, otherwise=Stale())
        tx.update(
            form,
            Form.status.set("active" if form.status == "draft" else form.status),
            *(getattr(Form, name).set(value) for name, value in told.items() if value is not None),
            when=(Form.newest == form.newest) & (Form.status == form.status),
            otherwise=Stale(),
        )
        tx.create(audits.event(context, "form:publish", form_id=form_id, version=new.number))
    return get(context.tenant_id, form_id)


def _shown(flaw: definitions.Flaw) -> dict[str, Any]:
    place = [] if flaw.section is None else ["sections", flaw.section]
    place += [] if flaw.field is None else ["fields", flaw.field]
    return {"pointer": "".join(f"/{part}" for part in place), "code": "unfit", "detail": flaw.detail}


def finished(tenant_id: str, form_id: str) -> FormDraft:
    """A draft that could be published. Raises FormUnfit with every problem, NotFound."""
    found = draft(tenant_id, form_id)
    if flaws := definitions.unfit(found.definition):
        raise FormUnfit(errors=[_shown(flaw) for flaw in flaws])
    return found


def problems(definition: dict[str, Any]) -> list[definitions.Flaw]:
    """What still keeps a draft from being published."""
    return definitions.unfit(definition)


def archive(context: Context, form_id: str, status: str) -> Form:
    """Take a form out of what can be sent (`archived`), or back (`active`); what was sent is not touched.

    Raises NothingPublished for a form that has only a draft, NotFound.
    """
    form = get(context.tenant_id, form_id)
    if form.status == "draft":
        raise NothingPublished()
    if form.status != status:
        with Transaction() as tx:
            tx.update(form, Form.status.set(status), when=Form.newest > 0, otherwise=NothingPublished())
            tx.create(audits.event(context, "form:update", form_id=form_id, what=status))
        form.status = status
    return form


def versions(tenant_id: str, form_id: str) -> list[FormVersion]:
    """Every version of a form, newest first. Raises NotFound."""
    get(tenant_id, form_id)
    return list(FormVersion.every(FormVersion.KEY, tenant_id=tenant_id, form_id=form_id, newest_first=True))


# ---- reading ----


def library(tenant_id: str) -> list[Form]:
    """The forms of the organization, in order."""
    return sorted(Form.every(Form.KEY, tenant_id=tenant_id), key=lambda form: form.order)


def get(tenant_id: str, form_id: str) -> Form:
    """One form of the library. Raises NotFound."""
    form = Form.find(tenant_id=tenant_id, form_id=form_id)
    if form is None:
        raise NotFound()
    return form


def published(tenant_id: str, form_id: str) -> Form:
    """A form that has a version. Raises NotFound."""
    form = get(tenant_id, form_id)
    if not form.newest:
        raise NotFound()
    return form


@functools.lru_cache(maxsize=64)
def _version(tenant_id: str, form_id: str, number: str, _life: int) -> FormVersion:
    found = FormVersion.find(tenant_id=tenant_id, form_id=form_id, number=number, consistent=False)
    found = found or FormVersion.find(tenant_id=tenant_id, form_id=form_id, number=number)
    if found is None:
        raise NotFound()
    return found


_life = 0


def forget() -> None:
    """Drop kept versions from memory (local development, after a reset)."""
    global _life
    _life += 1


def version(tenant_id: str, form_id: str, number: float) -> FormVersion:
    """One version; it never changes, so it is kept in memory. Raises NotFound."""
    return _version(tenant_id, form_id, number_of(number), _life)


def changes_since(tenant_id: str, form_id: str, known: int, newest: int) -> list[str]:
    """What the administrators wrote about each version after `known`, oldest first (DOMAIN.md 4.6)."""
    later = (version(tenant_id, form_id, number) for number in range(known + 1, newest + 1))
    return [each.what_changed for each in later if each.what_changed]


def merge_values(
    tenant: Tenant, client_name: str, therapist: Any | None, notice: FormVersion | None = None
) -> dict[str, Any]:
    """What the merge fields say for one client today; frozen into the packet when it is sent.

    `notice`: the notice that is among the forms. The organization's own version is in effect from its publication (45
    CFR 164.520(b)(1)(viii): not earlier).
    """
    scheduling = tenants.setting(tenant, "scheduling")
    fees = tenants.setting(tenant, "fees")
    return {
        "practice.name": tenant.name,
        "practice.phone": tenant.phone,
        "practice.address": tenant.address or "",
        "therapist.name": therapist.name if therapist else "",
        "therapist.licence": (therapist.credentials or "") if therapist else "",
        "messages.reply_time": tenants.setting(tenant, "reply_time"),
        "cancellation.hours": str(scheduling["cancel_notice_hours"]),
        "fees.table": {"columns": ["Service", "Fee"], "rows": fees} if fees else None,
        "client.name": client_name,
        "notice.effective_date": _in_effect(notice, tenant.zone),
        "notice.version": str(int(notice.number)) if notice else "1",
        "crisis.line": f"call or text {tenants.setting(tenant, 'crisis_phone')}",
    }


def _in_effect(notice: FormVersion | None, zone: str) -> str:
    if notice is None or notice.published_by_name is None:
        return "November 1, 2026"  # the text that ships
    return answers.spoken(clock.parse(notice.created_at).astimezone(ZoneInfo(zone)).date().isoformat())


def merged(definition: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """The form as its reader sees it."""
    return answers.merge(definition, values)


def number_of(version_number: float) -> str:
    """A version as it stands in a key: text order is the order of versions."""
    return f"{int(version_number):06d}"
