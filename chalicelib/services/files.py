"""Client files as staff keep them: opening, changing, archiving, ending portal access (DOMAIN.md 3; 8).

active ── archive ──▶ archived ── restore ──▶ active      archiving closes an open invitation and stops sends
portal: active ── end access ──▶ ended ── give back ──▶ active      ending stops every session with its next request
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from chalicelib import clock, ids
from chalicelib.adapters import keys, secrets
from chalicelib.context import Context
from chalicelib.errors import (
    AccessEnded,
    AddressInvited,
    ClientArchived,
    EmailInUse,
    HasAccount,
    InvalidBody,
    InvitationClosed,
    LikelyDuplicate,
    NoAccount,
    PortalError,
    Stale,
)
from chalicelib.models.accounts import Account
from chalicelib.models.clients import Assignment, Client, MatchEntry
from chalicelib.models.slots import Bookings
from chalicelib.models.staff import Staff
from chalicelib.models.table import load
from chalicelib.models.transaction import Moved, Transaction, add, settled
from chalicelib.policies.plans import Feature
from chalicelib.services import (
    accounts,
    addresses,
    audits,
    bookings,
    clients,
    idempotency,
    invites,
    mails,
    sessions,
)

THERAPISTS_MOST = 10
AT_ONCE = 60  # search entries in one transaction; a rename of very long names writes the new ones before
PLAIN = ("legal_name", "preferred_name", "birth_date", "phone", "address", "emergency_contact")


# ---- likely the same person ----


def match_digests(tenant_id: str, legal_name: str, birth_date: str | None, email: str | None) -> list[str]:
    """What two files of one person have in common: name (in any order of its words) and birth date; an address."""
    found = []
    if birth_date and (words := sorted(clients.name_words(legal_name))):
        found.append(secrets.keyed("match", tenant_id, "person", " ".join(words), birth_date))
    if email:
        found.append(secrets.keyed("match", tenant_id, "email", email))
    return found


def match_entries(
    tenant_id: str, client_id: str, legal_name: str, birth_date: str | None, email: str | None
) -> list[MatchEntry]:
    """The entries under which a likely duplicate of this file is found; keep them up to date with the file."""
    return [
        MatchEntry.new(tenant_id=tenant_id, client_id=client_id, match_digest=digest)
        for digest in match_digests(tenant_id, legal_name, birth_date, email)
    ]


def matches(
    tenant_id: str, legal_name: str, birth_date: str | None, email: str | None, but: str | None = None
) -> list[Client]:
    """Files that are likely of the same person (DOMAIN.md 3.6), at most 10; all of the organization's."""
    found: dict[str, None] = {}
    for digest in match_digests(tenant_id, legal_name, birth_date, email):
        page = MatchEntry.page(MatchEntry.KEY, tenant_id=tenant_id, match_digest=digest, limit=10, consistent=True)
        found |= dict.fromkeys(entry.client_id for entry in page.items)
    wanted = [(Client, {"tenant_id": tenant_id, "client_id": each}) for each in list(found)[:10] if each != but]
    return [client for client in load(*wanted) if client is not None] if wanted else []


# ---- what may stand in a file ----


def checked(tenant_zone: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields with the address in its one spelling. Raises InvalidBody, naming every field that cannot stand."""
    kept, wrong = dict(fields), []
    if "legal_name" in kept and not clients.name_words(kept["legal_name"] or ""):
        wrong.append(_wrong("legal_name", "missing", "Enter the client’s name."))
    if kept.get("birth_date") and not _is_birth_date(kept["birth_date"], tenant_zone):
        wrong.append(_wrong("birth_date", "not_a_date", "Enter a date of birth that has been, such as 1984-07-05."))
    if "email" in kept:
        typed = kept["email"] or None
        kept["email"] = accounts.canonical_email(typed) if typed else None
        if typed and kept["email"] is None:
            wrong.append(_wrong("email", "not_an_address", "This does not look like an e-mail address."))
    if len(kept.get("therapist_ids") or ()) > THERAPISTS_MOST:
        wrong.append(_wrong("therapist_ids", "too_long", f"At most {THERAPISTS_MOST} therapists."))
    if wrong:
        raise InvalidBody(errors=wrong)
    return kept


_PHONE = re.compile(r"[0-9+(). /,#\u2010-\u2015-]+(?:(?:x|ext\.?|extension) ?[0-9]{1,6})?", re.IGNORECASE)


def is_phone(text: str) -> bool:
    """Whether somebody can dial this: 7 to 20 digits, the signs people put between them, an extension perhaps."""
    return 7 <= sum(c in "0123456789" for c in text) <= 20 and _PHONE.fullmatch(text.strip()) is not None


def _wrong(field: str, code: str, detail: str) -> dict[str, Any]:
    return {"pointer": f"/{field}", "code": code, "detail": detail}


def _is_birth_date(text: str, zone: str) -> bool:
    try:
        born = date.fromisoformat(text)
    except ValueError:
        return False
    today = clock.today(zone)
    return len(text) == 10 and today.year - 130 <= born.year and born <= today


def _therapists(tenant_id: str, staff_ids: Iterable[str]) -> list[Staff]:
    """These staff members, who must be active therapists. Raises InvalidBody."""
    wanted = list(dict.fromkeys(staff_ids))
    found = load(*((Staff, {"tenant_id": tenant_id, "staff_id": each}) for each in wanted)) if wanted else []
    if any(each is None or each.status != "active" or "therapist" not in each.roles for each in found):
        raise InvalidBody(errors=[_wrong("therapist_ids", "unknown_therapist", "Choose therapists of your practice.")])
    return found


def sealed_insurance(tenant_id: str, client_id: str, insurance: Any) -> bytes:
    """Insurance as it is stored."""
    return keys.encrypt(tenant_id, insurance, f"insurance|{client_id}")


def insurance_of(client: Client) -> dict[str, Any] | None:
    """Carrier, member id, group, holder; or None."""
    if client.insurance is None:
        return None
    told: dict[str, Any] = keys.decrypt(client.tenant_id, client.insurance, f"insurance|{client.client_id}")
    return told


# ---- opening ----


def write_new(
    tx: Transaction,
    tenant_id: str,
    client_id: str,
    fields: Mapping[str, Any],
    therapists: Sequence[Staff],
    *,
    otherwise: PortalError | None = None,
) -> Client:
    """Within a transaction: a new file with everything by which it is found. `fields` have been `checked`; `otherwise`:
    the error when there is a file of this id."""
    at = clock.text(clock.now())
    insurance = fields.get("insurance")
    client = Client.new(
        tenant_id=tenant_id,
        client_id=client_id,
        **{name: fields.get(name) or None for name in PLAIN},
        email=fields.get("email"),
        insurance=sealed_insurance(tenant_id, client_id, insurance) if insurance else None,
        status="active",
        portal="none",
        features_off=[],
        therapists=[{"staff_id": each.staff_id, "name": each.name} for each in therapists],
        created_at=at,
        version=1,
    )
    tx.create(client, otherwise=otherwise)
    for entry in clients.search_entries(tenant_id, client_id, client.legal_name, client.preferred_name):
        tx.put(entry)
    for match in match_entries(tenant_id, client_id, client.legal_name, client.birth_date, client.email):
        tx.put(match)
    for each in therapists:
        tx.put(Assignment.new(tenant_id=tenant_id, client_id=client_id, staff_id=each.staff_id, since=at))
    return client


def create(context: Context, fields: Mapping[str, Any], *, anyway: bool) -> Client:
    """Open a file. Raises LikelyDuplicate unless `anyway`, EmailInUse when a portal account has the address."""
    if context.result:
        return clients.find(context.tenant_id, context.result)
    wanted = checked(context.tenant.zone, fields)
    therapists = _therapists(context.tenant_id, wanted.get("therapist_ids") or ())
    require_free(context.tenant_id, wanted["email"], None)
    same = matches(context.tenant_id, wanted["legal_name"], wanted["birth_date"], wanted["email"])
    if same and not anyway:
        raise LikelyDuplicate()
    client_id = ids.new_id(context.now)
    with Transaction() as tx:
        idempotency.remember(tx, context, client_id)
        client = write_new(tx, context.tenant_id, client_id, wanted, therapists)
        tx.create(audits.event(context, "client:create", client_id=client_id))
    return client


def require_free(tenant_id: str, email: str | None, client_id: str | None) -> None:
    """One address, one portal account (DOMAIN.md 3.2); the claim itself is made when the client is invited."""
    account = accounts.find(tenant_id, accounts.PORTAL, email) if email else None
    if account is not None and (client_id is None or account.principals != clients.principal(client_id)):
        raise EmailInUse()


# ---- changing ----


def update(context: Context, changes: Mapping[str, Any]) -> Client:
    """Change a file as it was read (`context.if_match`); None empties a field.

    The address of an open account stays until its holder has confirmed the new one by a mailed link; the old one is
    told (DOMAIN.md 3.9). Whoever starts that has given their password lately, as the holder must (notes: security 3.1):
    who signs in next hangs on it. Raises ProofRequired, Stale, InvalidBody, EmailInUse, TooManyRequests; HasAccount
    when the address of an account would be taken away, AccessEnded when its access has ended, AddressInvited when an
    invitation to it is open.
    """
    client: Client = context.client
    wanted = checked(context.tenant.zone, changes)
    actions = _plain_actions(wanted)
    moves = "email" in wanted and wanted["email"] != client.email
    seen = (Client.version == context.if_match) & (Client.portal == client.portal)
    confirm: addresses.Asked | None = None
    if moves and client.portal == "active" and wanted["email"]:
        sessions.require_proof(context, sessions.RECENT)
        confirm = addresses.ask(context, client, wanted.pop("email"))
    elif moves:
        _may_move(context, client, wanted["email"])
        actions.append(_set(Client.email, wanted["email"]))
        ends = client.invite_ends_at  # an invitation that is sent again meanwhile would go to the older address
        seen &= Client.invite_ends_at == ends if ends is not None else Client.invite_ends_at.does_not_exist()
    if "insurance" in wanted:
        told = wanted["insurance"]
        sealed = sealed_insurance(context.tenant_id, client.client_id, told) if told else None
        actions.append(_set(Client.insurance, sealed))
    if "features_off" in wanted:
        actions.append(Client.features_off.set(sorted({str(Feature(each)) for each in wanted["features_off"]})))
    with Transaction() as tx:
        if "therapist_ids" in wanted:
            actions.append(_assign(tx, context, client, wanted["therapist_ids"]))
        _found_as(tx, client, wanted)
        tx.update(
            client,
            *actions,
            Client.version.add(1),
            when=seen,
            otherwise=Stale(),
        )
        if confirm is not None:
            confirm.put(tx)
        fields = ",".join(sorted(changes))
        tx.create(audits.event(context, "client:update", client_id=client.client_id, fields=fields))
    if confirm is not None:
        mails.hand_over(confirm.mail)
    return clients.find(context.tenant_id, client.client_id)


def _plain_actions(wanted: Mapping[str, Any]) -> list[Any]:
    return [_set(getattr(Client, name), wanted[name]) for name in PLAIN if name in wanted]


def _set(attribute: Any, value: Any) -> Any:
    return attribute.set(value) if value not in (None, "") else attribute.remove()


def _may_move(context: Context, client: Client, email: str | None) -> None:
    """May the address on the file change to this one?"""
    if client.portal == "active":
        raise HasAccount()
    if client.portal == "ended":  # the account stands at this address still, and would come back without its file
        raise AccessEnded()
    if client.portal == "invited" and not invites.is_over(client, context.now):
        raise AddressInvited()
    require_free(context.tenant_id, email, client.client_id)


def _assign(tx: Transaction, context: Context, client: Client, staff_ids: Iterable[str]) -> Any:
    """Within the transaction: exactly these therapists; who is no longer one sees nothing from the next request on."""
    had = {each["staff_id"]: each for each in client.therapists}
    wanted = list(dict.fromkeys(staff_ids))
    # Somebody who left stays named until taken off; only who is new must be an active therapist.
    new = {each.staff_id: each for each in _therapists(context.tenant_id, [one for one in wanted if one not in had])}
    at = clock.text(context.now)
    place = {"tenant_id": context.tenant_id, "client_id": client.client_id}
    for staff_id in new:
        tx.put(Assignment.new(**place, staff_id=staff_id, since=at))
    for staff_id in had.keys() - set(wanted):
        tx.delete(Assignment.at(**place, staff_id=staff_id))
    named = [had.get(each) or {"staff_id": each, "name": new[each].name} for each in wanted]
    return Client.therapists.set(named)


def _found_as(tx: Transaction, client: Client, wanted: Mapping[str, Any]) -> None:
    """Within the transaction: the entries by which the file is found follow its names, birth date and address."""
    place = (client.tenant_id, client.client_id)
    now = {name: getattr(client, name) for name in ("legal_name", "preferred_name", "birth_date", "email")}
    then = {name: wanted.get(name, value) for name, value in now.items()}
    names = ("legal_name", "preferred_name")
    of_match = ("legal_name", "birth_date", "email")
    old = clients.search_entries(*place, *(now[name] for name in names))
    new = clients.search_entries(*place, *(then[name] for name in names))
    old_matches = match_entries(*place, *(now[name] for name in of_match))
    new_matches = match_entries(*place, *(then[name] for name in of_match))
    gone, come = _difference(old, new)
    if len(gone) + len(come) > AT_ONCE:
        for entry in come:  # an entry is a hint: one too many is passed over by the search
            add(entry)
        gone, come = [], []
    lost, won = _difference(old_matches, new_matches)
    for entry in [*gone, *lost]:
        tx.delete(entry)
    for entry in [*come, *won]:
        tx.put(entry)


def _difference(old: Sequence[Any], new: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    before, after = {each.pk for each in old}, {each.pk for each in new}
    return [each for each in old if each.pk not in after], [each for each in new if each.pk not in before]


# ---- archiving, ending ----


def _done(context: Context, act: Callable[[Client], None]) -> Client:
    """The file after `act` was done with it: with the file as the request read it and, where somebody was faster
    (Moved), once more with what is there by now."""
    read = iter([context.client])
    settled(lambda: act(next(read, None) or clients.find(context.tenant_id, context.client_id)))
    return clients.find(context.tenant_id, context.client_id)


def archive(context: Context) -> Client:
    """Put a file away: no sends, no bookings, an open invitation is closed; everything stays readable. Repeatable."""
    return _done(context, lambda client: _archive(context, client))


def _archive(context: Context, client: Client) -> None:
    if client.status == "archived":
        return
    invite = invites.current(client) if client.portal == "invited" else None
    actions: list[Any] = [Client.status.set("archived"), Client.version.add(1)]
    try:
        with Transaction() as tx:
            if invite is not None and invite.status == "waiting":
                actions += invites.close(tx, invite)
            seen = (Client.version == client.version) & (Client.portal == client.portal)
            tx.update(client, *actions, when=seen, otherwise=Moved())
            bookings.close(context, tx, _bookings(client), archived=True)
            invite_id = invite.invite_id if invite else None
            tx.create(audits.event(context, "client:archive", client_id=client.client_id, invite_id=invite_id))
    except InvitationClosed:  # taken up, or taken back, at this very moment
        raise Moved() from None


def _bookings(client: Client) -> Bookings | None:
    return Bookings.find(tenant_id=client.tenant_id, client_id=client.client_id)


def restore(context: Context) -> Client:
    """Take an archived file out again; what archiving closed stays closed. Repeatable."""
    return _done(context, lambda client: _restore(context, client))


def _restore(context: Context, client: Client) -> None:
    if client.status == "active":
        return
    with Transaction() as tx:
        seen = Client.version == client.version
        tx.update(client, Client.status.set("active"), Client.version.add(1), when=seen, otherwise=Moved())
        bookings.close(context, tx, _bookings(client), archived=False)
        tx.create(audits.event(context, "client:restore", client_id=client.client_id))


def end_access(context: Context) -> Client:
    """End portal access: sessions are over with their next request, and stay so when access is given back; nobody signs
    in. Repeatable. Raises NoAccount."""
    return _done(context, lambda client: _switch(context, client, "active", "ended", "client:end_access"))


def give_access_back(context: Context) -> Client:
    """Let the client sign in again, with the password they had. Repeatable. Raises NoAccount, ClientArchived."""
    return _done(context, lambda client: _give_access_back(context, client))


def _give_access_back(context: Context, client: Client) -> None:
    if client.status == "archived":
        raise ClientArchived()
    _switch(context, client, "ended", "active", "client:give_access_back")


def _switch(context: Context, client: Client, now: str, then: str, action: str) -> None:
    if client.portal == then:
        return
    if client.portal != now or client.email_digest is None:
        raise NoAccount()
    account = Account.at(tenant_id=client.tenant_id, email_digest=client.email_digest, realm=accounts.PORTAL)
    own = Account.principals == clients.principal(client.client_id)
    with Transaction() as tx:
        changes = (Client.portal.set(then), Client.version.add(1))
        seen = (Client.portal == now) & (Client.status == client.status)
        sessions.end_all(tx, client, *changes, when=seen, otherwise=Moved())
        tx.update(account, Account.status.set(then), when=own & (Account.status == now), otherwise=NoAccount())
        tx.create(audits.event(context, action, client_id=client.client_id))
