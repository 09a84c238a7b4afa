"""Opening an organization: by a practice that signs up or by an operator, and what becomes of one that nobody confirms.

sign up ─▶ trial, its first administrator invited by mail ─ joins ─▶ a practice like any other
             └ nobody joined within 72 hours: everything of it goes, and its name is free again
"""

import re
import unicodedata
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from chalicelib import clock, ids
from chalicelib.adapters import keys
from chalicelib.config import settings
from chalicelib.context import Actor, Context, Persona
from chalicelib.errors import Busy, InvalidBody, PortalError, SignUpClosed, SlugTaken
from chalicelib.models.accounts import Account, Link
from chalicelib.models.clients import Client, Document
from chalicelib.models.forms import Form, FormVersion
from chalicelib.models.invites import Invite
from chalicelib.models.staff import Staff
from chalicelib.models.subscriptions import SubscriptionChange
from chalicelib.models.tenants import Slug, Tenant
from chalicelib.models.transaction import Transaction, change
from chalicelib.policies.plans import TRIAL_DAYS, Standing
from chalicelib.services import accounts, audits, forms, mails, staff, subscriptions, tenants
from chalicelib.services.sessions import Caller

SIGN_UP_PLAN = "plus"  # a trial shows everything
PUBLIC = "PUBLIC"  # whose attempts are counted before there is an organization
AGAIN = timedelta(hours=1)


class Practice(NamedTuple):
    """What is told of an organization that is to be opened."""

    slug: str
    name: str
    zone: str
    country: str
    phone: str
    administrator: str
    email: str
    credentials: str | None = None
    also_therapist: bool = False


def suggestion(name: str) -> str:
    """A name for the address made of a practice's own: "Río Oak & Co." → "rio-oak-co"."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return "-".join(re.findall(r"[a-z0-9]+", plain))[:40].strip("-")


def why_not(slug: str) -> str | None:
    """Why this name cannot be taken now ("shape", "taken"), or None. Nothing else is told of whose it is."""
    if not tenants.is_slug(slug):
        return "taken" if slug in tenants.RESERVED else "shape"
    return "taken" if Slug.find(slug=slug) is not None else None


def check(slug: str, caller: Caller) -> str | None:
    """`why_not`, asked by anyone. Raises SignUpClosed, TooManyRequests."""
    _require_open()
    seconds = clock.now().timestamp()
    accounts.throttle(PUBLIC, settings.limit("slug_check_address"), seconds, "slug_check", caller.address)
    return why_not(slug)


def _require_open() -> None:
    if not settings.practice_sign_up:
        raise SignUpClosed()


def sign_up(practice: Practice, key: str, caller: Caller) -> None:
    """Open an organization on trial and mail its first administrator the link that confirms it.

    `key` is the page's own random secret: sending the same again with it does nothing more, and is answered the same.
    Raises SignUpClosed, SlugTaken, InvalidBody, TooManyRequests.
    """
    _require_open()
    _pace(practice.email, caller)
    open_with_administrator(
        practice,
        plan=SIGN_UP_PLAN,
        status=Standing.TRIAL,
        claim=_claim(practice, key),
        confirm=True,
        caller=caller,
    )


def _pace(email: str, caller: Caller) -> None:
    """So many a day from one place, on the whole stage, and to one mailbox. Raises TooManyRequests."""
    seconds = clock.now().timestamp()
    accounts.throttle(PUBLIC, settings.limit("practice_sign_up_address"), seconds, "practice_sign_up", caller.address)
    accounts.throttle(PUBLIC, settings.limit("practice_sign_up_stage"), seconds, "practice_sign_up")
    mailbox = accounts.canonical_email(email) or email
    accounts.throttle(PUBLIC, settings.limit("practice_sign_up_email"), seconds, "practice_sign_up_email", mailbox)


def _claim(practice: Practice, key: str) -> str:
    return ids.digest("\x1f".join((key, *map(str, practice))))


def mail_again(practice: Practice, key: str, to: str, attempt: str, caller: Caller) -> None:
    """Mail the link of a sign-up again, to the address that it should have been where the first one was wrong; the same
    `attempt`, a random secret of the page, is one mail.

    Only the page that signed up knows `key` and what was told then; whoever guesses gets no mail and the same answer,
    and so does one who asks after somebody has joined. The name is kept no longer for it: the new link ends when the
    first one did. Raises SignUpClosed, InvalidBody (no address), TooManyRequests, Busy.
    """
    _require_open()
    if accounts.canonical_email(to) is None:
        raise staff.no_address("/to")
    _pace(to, caller)
    place = Slug.find(slug=practice.slug) if tenants.is_slug(practice.slug) else None
    if place is None or not place.claim or not ids.same(str(place.claim), _claim(practice, key)):
        return
    tenant = tenants.get(place.tenant_id)
    now = clock.now()
    if tenant is None or tenant.confirm_by is None or tenant.confirm_by <= clock.text(now):
        return
    member = next(iter(staff.everyone(place.tenant_id)), None)
    if member is None:  # the index is a moment behind
        raise Busy(retry_after=1)
    context = Context(place.tenant_id, Actor("system", "sign_up"), now, Persona.ACCOUNTS)
    context.address, context.device, context.request_id = caller.address, caller.device, caller.request_id
    staff.mail_first_again(context, member, to, clock.parse(tenant.confirm_by), ids.digest(attempt))


def open_with_administrator(
    practice: Practice,
    *,
    plan: str,
    status: Standing,
    claim: str,
    confirm: bool,
    caller: Caller | None = None,
    trial_days: int = TRIAL_DAYS,
) -> Tenant:
    """Open an organization, its first administrator invited by mail. `confirm`: it goes again if nobody joins.

    Doing it again with the same claim gives the one that was opened. Raises SlugTaken, InvalidBody.
    """
    now = clock.now()
    if (earlier := _earlier(practice.slug, claim)) is not None:
        return earlier
    tenant_id = ids.new_id(now)
    keys.create(tenant_id)
    try:
        tenant = tenants.record(
            tenant_id=tenant_id,
            slug=practice.slug,
            name=practice.name,
            plan=plan,
            zone=practice.zone,
            country=practice.country,
            phone=practice.phone,
            status=status,
            trial_ends_at=clock.text(now + timedelta(days=trial_days)) if status is Standing.TRIAL else None,
            confirm_by=clock.text(now + staff.LIFE) if confirm else None,
        )
    except ValueError:
        detail = "Use lower case letters, digits and hyphens."
        raise InvalidBody(errors=[{"pointer": "/slug", "code": "shape", "detail": detail}]) from None
    if confirm:
        tenant.due(now + staff.LIFE + AGAIN)
    roles = (staff.ADMINISTRATOR, staff.THERAPIST) if practice.also_therapist else (staff.ADMINISTRATOR,)
    who = staff.Newcomer(practice.administrator, practice.email, roles, practice.credentials, seat=True)
    invited = staff.invitation(tenant_id, who, now, by_name=None)
    by = "sign_up" if confirm else "operator"
    context = Context(tenant_id, Actor("system", by), now, Persona.ACCOUNTS)
    if caller is not None:
        context.address, context.device, context.request_id = caller.address, caller.device, caller.request_id
    try:
        with Transaction() as tx:
            tx.create(Slug.new(tenant_id=tenant_id, slug=practice.slug, claim=claim), otherwise=SlugTaken())
            tx.create(tenant)
            invited.put(tx)
            for each in subscriptions.opening(tenant, now, by=by):
                tx.create(each)
            tx.create(audits.event(context, "tenant:open", plan=plan))
    except SlugTaken:
        if (earlier := _earlier(practice.slug, claim)) is not None:  # another copy of this very request
            return earlier
        raise
    forms.publish_standard(tenant_id)
    mails.hand_over(invited.mail)
    return tenant


def _earlier(slug: str, claim: str) -> Tenant | None:
    """What this very sign-up opened before, completed where it was cut short. Raises SlugTaken when it is another's."""
    place = Slug.find(slug=slug)
    if place is None:
        return None
    if not place.claim or not ids.same(str(place.claim), claim):
        raise SlugTaken()
    tenants.furnish(place.tenant_id)
    return tenants.get(place.tenant_id)


# ---- nobody came ----


class _Confirmed(PortalError):
    """Somebody joined at this very moment."""


def sweep(pk: str, sk: str, now: datetime) -> None:
    """An organization whose first administrator should have joined by now: if nobody did, everything of it goes.

    What points to it goes last and in one transaction, so that a sweep that dies is done again from the start.
    """
    tenant_id = pk.split("#")[1]
    tenant = tenants.get(tenant_id)
    if tenant is None:
        return
    if tenant.confirm_by is None:
        change(tenant, *tenant.due_next(None))
        return
    if clock.text(now) < tenant.confirm_by:
        change(tenant, *tenant.due_next(clock.parse(tenant.confirm_by) + AGAIN))
        return
    for kind in (FormVersion, Form):
        for each in list(kind.every(kind.KEY, tenant_id=tenant_id, consistent=True)):
            _delete(each)
    for each in subscriptions.changes(tenant_id):
        _delete(each)
    members = staff.everyone(tenant_id)
    with Transaction() as tx:
        tx.delete(tenant, when=Tenant.confirm_by == tenant.confirm_by, otherwise=_Confirmed())
        own = Slug.tenant_id == tenant_id
        tx.delete(Slug.at(slug=tenant.slug), when=Slug.pk.does_not_exist() | own, otherwise=_Confirmed())
        for member in members:
            place = {"tenant_id": tenant_id, "email_digest": member.email_digest, "realm": accounts.STAFF}
            tx.delete(member, when=Staff.pk.does_not_exist() | (Staff.status == staff.INVITED), otherwise=_Confirmed())
            tx.delete(Account.at(**place))
            tx.delete(Link.at(**place, purpose="staff_invitation"))


def _delete(record: SubscriptionChange | Form | FormVersion) -> None:
    with Transaction() as tx:
        tx.delete(record)


# ---- from empty to the first signed form ----

DISMISSED, LOOKED_AT_FORMS = "dismissed", "forms"


def first_steps(context: Context) -> dict[str, bool]:
    """The steps of a new organization in order, and which are done: read from what there is. Empty: dismissed."""
    tenant: Tenant = context.tenant
    noted = set(tenant.steps or [])
    if DISMISSED in noted:
        return {}
    own: dict[str, Any] = {"tenant_id": context.tenant_id}
    return {
        "profile": bool(tenant.address),
        "brand": bool(tenant.logo or tenant.brand_hex),
        "staff": len(Staff.page(Staff.BY_TENANT, limit=2, **own).items) > 1,
        "client": bool(Client.page(Client.BY_TENANT, limit=1, **own).items),
        "forms": LOOKED_AT_FORMS in noted,
        "invitation": bool(Invite.page(Invite.BY_TENANT, limit=1, **own).items),
        "signed": _any_completed(own),
    }


def _any_completed(own: dict[str, Any]) -> bool:
    """Whether one of the newest eight clients with an account has a sealed form under General Documents."""
    newest = [each for each in Client.page(Client.BY_TENANT, limit=50, **own).items if each.portal == "active"][:8]
    return any(
        document.status == "completed" and document.form_id
        for each in newest
        for document in Document.page(Document.KEY, client_id=each.client_id, limit=5, **own).items
    )


def note_step(context: Context, step: str) -> None:
    """Note a step that no record shows; safe to repeat."""
    tenant: Tenant = context.tenant
    noted = sorted({*(tenant.steps or []), step})
    change(tenant, Tenant.steps.set(noted))
    tenant.steps = noted
