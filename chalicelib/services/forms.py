"""The library of forms: versions are immutable; what was sent keeps the version it was sent with (DOMAIN.md 4.3)."""

import functools
import hashlib
from typing import Any

from chalicelib import clock
from chalicelib import forms as standard_forms
from chalicelib.errors import NotFound
from chalicelib.models.forms import Form, FormVersion
from chalicelib.models.tenants import Tenant
from chalicelib.models.transaction import Transaction
from chalicelib.services import answers, tenants


def publish_standard(tenant_id: str) -> None:
    """Give the organization the three standard forms (DOMAIN.md 4.1); safe to repeat."""
    for order, definition in enumerate(standard_forms.standard()):
        publish(tenant_id, definition, standard=True, order=order)


def publish(tenant_id: str, definition: dict[str, Any], *, standard: bool, order: int) -> None:
    """Add a version of a form. Raises ValueError with what is wrong with the definition."""
    if problems := answers.check(definition):
        raise ValueError("; ".join(problems))
    version = FormVersion.new(
        tenant_id=tenant_id,
        form_id=definition["form_id"],
        number=_number(definition["version"]),
        definition=definition,
        sha256=hashlib.sha256(answers.canonical(definition)).hexdigest(),
        created_at=clock.text(clock.now()),
    )
    form = Form.new(
        tenant_id=tenant_id,
        form_id=definition["form_id"],
        title=definition["title"],
        newest=definition["version"],
        minutes=definition["minutes"],
        sections=len(definition["sections"]),
        status="active",
        standard=standard,
        order=order,
        review_note=definition.get("review_note"),
    )
    with Transaction() as tx:
        tx.put(version, when=FormVersion.pk.does_not_exist() | (FormVersion.sha256 == version.sha256))
        tx.put(form)


def library(tenant_id: str) -> list[Form]:
    """The forms of the organization, in order."""
    return sorted(Form.every(Form.KEY, tenant_id=tenant_id), key=lambda form: form.order)


def get(tenant_id: str, form_id: str) -> Form:
    """One form of the library. Raises NotFound."""
    form = Form.find(tenant_id=tenant_id, form_id=form_id, consistent=False)
    if form is None:
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
    return _version(tenant_id, form_id, _number(number), _life)


def merge_values(tenant: Tenant, client_name: str, therapist: Any | None) -> dict[str, Any]:
    """What the merge fields say for one client today; frozen into the packet when it is sent."""
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
        "notice.effective_date": "November 1, 2026",
        "notice.version": "1",
        "crisis.line": f"call or text {tenants.setting(tenant, 'crisis_phone')}",
    }


def merged(definition: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """The form as its reader sees it."""
    return answers.merge(definition, values)


def _number(version_number: float) -> str:
    return f"{int(version_number):06d}"
