"""Many invitations at once: first a look at who would get one and who would not, then a job, one transaction a client.

Every client is authorized by itself, at the look and again when it is its turn (DESIGN.md, Who may do what).
"""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from chalicelib.context import Context
from chalicelib.errors import AlreadyInvited, DailyCap, InvalidBody, PortalError, TooManyRequests
from chalicelib.models.accounts import Account
from chalicelib.models.clients import Assignment, Client
from chalicelib.models.invites import Invite
from chalicelib.models.jobs import Job
from chalicelib.models.suppressions import Suppression
from chalicelib.models.table import load
from chalicelib.models.transaction import Transaction
from chalicelib.policies.decide import Denial, denial
from chalicelib.services import (
    accounts,
    audits,
    clients,
    directory,
    invites,
    jobs,
    sessions,
    spellings,
    suppressions,
    tenants,
)

WORK = "invite"
AT_MOST = 1000
ACTION = "invite:send"

# Why a client is left out, where it is not the code of an error.
TWICE, ENDED, OFF, GONE = "email_twice", "access_ended", "feature_off", "not_found"
TODAY = "invited_today"


class Look(NamedTuple):
    """One client of a selection: `client` is None when there is none that the asker may see; `reason` says why they
    are left out, None: they will be invited. `likely` is the address that was probably meant."""

    client_id: str
    client: Client | None
    reason: str | None
    likely: str | None


def never_invited(context: Context) -> list[str]:
    """The clients who were never invited, by name; the first 1,000."""
    return directory.never_invited(context)[:AT_MOST]


def not_joined(context: Context) -> list[str]:
    """The clients who were invited and never joined, by name; the first 1,000."""
    return directory.not_joined(context)[:AT_MOST]


def check(context: Context, client_ids: Sequence[str], *, again: bool = False) -> list[Look]:
    """Who of these will be invited and who not, in their order; each once. The looks are audited.

    `again`: whose invitation is open gets a new one instead, unless it went out less than a day ago.
    """
    wanted = list(dict.fromkeys(client_ids))
    looks = list(_looks(context, wanted, again))
    named = [look.client_id for look in looks if look.client is not None]
    for first in range(0, len(named), audits.IDS_AT_MOST):
        audits.record(context, "invite:bulk", client_ids=named[first : first + audits.IDS_AT_MOST])
    return looks


def _looks(context: Context, wanted: list[str], again: bool) -> Iterator[Look]:
    left = invites.left_today(context)
    seen: set[str] = set()
    for client_id, own, holder, listed in _facts(context, wanted):
        client = own.client
        if client is None or (refused := _denied(own)) == GONE:
            yield Look(client_id, None, GONE, None)
            continue
        reason = refused or _obstacle(own, holder, listed, again)
        if reason is None and client.email in seen:
            reason = TWICE
        if reason is None and left <= len(seen):
            reason = DailyCap.code
        if reason is None:
            seen.add(client.email)
        yield Look(client_id, client, reason, spellings.likely_meant(client.email) if client.email else None)


def _facts(context: Context, wanted: list[str]) -> Iterator[tuple[str, Context, Account | None, Suppression | None]]:
    """Each client with the account at their address and what is against it; a few round trips a hundred."""
    for first in range(0, len(wanted), 50):
        some = wanted[first : first + 50]
        contexts = about_each(context, some)
        emails = [own.client.email if own.client is not None else None for own in contexts]
        place = {"tenant_id": context.tenant_id, "realm": accounts.PORTAL}
        holders = load(
            *(
                (Account, {**place, "email_digest": accounts.email_digest(context.tenant_id, email)}) if email else None
                for email in emails
            )
        )
        listed = suppressions.of_many(context.tenant_id, emails)
        yield from zip(some, contexts, holders, listed, strict=True)


def about_each(context: Context, client_ids: Sequence[str]) -> list[Context]:
    """The context of an act on each of these clients, with all facts that decide about it."""
    pairs: list[Any] = []
    for each in client_ids:
        place = {"tenant_id": context.tenant_id, "client_id": each}
        pairs += [(Client, place), (Assignment, {**place, "staff_id": context.actor.id})]
    records = load(*pairs)
    return [_about(context, *records[at : at + 2]) for at in range(0, len(records), 2)]


def _about(context: Context, client: Client | None, assignment: Assignment | None) -> Context:
    now = tenants.circumstances(
        context.tenant,
        seat=context.circumstances.seat,
        client_off=client.features_off if client is not None else (),
    )
    return dataclasses.replace(
        context,
        client=client,
        names_client=True,
        is_assigned=assignment is not None,
        circumstances=now,
        idempotency_key=None,
        result=None,
    )


def _denied(own: Context) -> str | None:
    """Why the one who asks may not invite this very client, or None."""
    if own.person is None:
        return "forbidden"
    why = denial(ACTION, sessions.facts(own))
    if why is None:
        return None
    if why in (Denial.NOT_IN_PLAN, Denial.SWITCHED_OFF):
        return OFF
    return GONE if why is Denial.UNRELATED else "forbidden"


def _obstacle(own: Context, holder: Account | None, listed: Suppression | None, again: bool) -> str | None:
    client: Client = own.client
    if client.portal == "ended" and client.status == "active":
        return ENDED
    if refused := invites.obstacle(client, own.now, again=again):
        return _code(refused, again)
    if holder is not None and holder.principals != clients.principal(client.client_id):
        return "email_in_use"
    return "address_suppressed" if listed is not None else None


def _code(refused: PortalError, again: bool) -> str:
    return TODAY if again and refused.code == AlreadyInvited.code else refused.code


def start(
    context: Context, client_ids: Sequence[str], form_ids: Sequence[str], subject: str | None, message: str | None,
    *, again: bool = False, hold: int = 0,
) -> Job:  # fmt: skip
    """Begin to invite these clients, `again` as `check` has it. Raises InvalidBody for forms that cannot be sent, and
    as `invites.chosen` does."""
    if context.result:
        return jobs.get(context, context.result)
    invites.chosen(context, form_ids)
    wanted = list(dict.fromkeys(client_ids))
    if not wanted:
        raise InvalidBody(errors=[{"pointer": "/client_ids", "code": "empty", "detail": "Nobody is chosen."}])
    words = invites.words_of(context.tenant, subject, message)
    shared = {"form_ids": list(form_ids), "subject": words[0], "message": words[1], "again": again}
    return jobs.start(context, WORK, shared, [{"client_id": each} for each in wanted], hold=hold)


def invite_one(context: Context, task: jobs.Task, finish: jobs.Finish) -> None:
    """The work of one client (services.jobs): what stands in the way is a reason to pass over, not a failure."""
    (own,) = about_each(context, [task.about["client_id"]])
    if own.client is None:
        raise jobs.Skip(GONE)
    if refused := _denied(own):
        raise jobs.Skip(refused)
    if own.client.portal == "ended" and own.client.status == "active":
        raise jobs.Skip(ENDED)

    def also(tx: Transaction, invite: Invite) -> None:
        finish(tx, result=invite.invite_id)

    words, again = (task.shared["subject"], task.shared["message"]), bool(task.shared.get("again"))
    try:
        listed = suppressions.of(own.tenant_id, own.client.email)
        picked = invites.chosen(own, task.shared["form_ids"])
        invites.send_with(own, picked, words, listed, also=also, again=again)
    except TooManyRequests as full:
        raise jobs.Skip(full.code) from None  # the day's cap, or this mailbox's: trying again would last until tomorrow
    except PortalError as refused_now:
        if refused_now.status == 409:
            raise jobs.Skip(_code(refused_now, again)) from None
        raise
