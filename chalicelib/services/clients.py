"""Client files: who they are, who is assigned, how they are found."""

import re
import unicodedata
from collections.abc import Callable
from datetime import date
from typing import Any

from chalicelib import clock
from chalicelib.adapters import secrets
from chalicelib.context import Context
from chalicelib.errors import (
    Busy,
    ClientArchived,
    EmailInUse,
    NotATherapist,
    NotFound,
    NotSealed,
    PortalError,
    Stale,
)
from chalicelib.models.accounts import Account
from chalicelib.models.clients import Assignment, Client, Document, SearchEntry
from chalicelib.models.staff import Staff
from chalicelib.models.table import Page, Record, at_keys, load
from chalicelib.models.transaction import Transaction
from chalicelib.policies.rules import Role
from chalicelib.services import accounts, answers, audits

LETTERS = 4  # how many first letters of a word are indexed; more letters are compared with what those find
WORDS = 6
TRIES = 12  # of a change of a file that somebody else changes at the same moment
THERAPIST = "therapist"

PROFILE = ("preferred_name", "phone", "address", "emergency_contact")


def create(tenant_id: str, *, client_id: str, **about: Any) -> Client:
    """Open a client file, as `new_file` takes it; safe to repeat with the same id."""
    client, entries = new_file(tenant_id, client_id=client_id, **about)
    with Transaction() as tx:
        tx.put(client)
        for entry in entries:
            tx.put(entry)
    return client


def new_file(
    tenant_id: str,
    *,
    client_id: str,
    legal_name: str,
    preferred_name: str | None = None,
    birth_date: str | None = None,
    email: str | None = None,
    phone: str | None = None,
    address: dict[str, Any] | None = None,
    emergency_contact: dict[str, Any] | None = None,
    status: str = "active",
    source: str | None = None,
) -> tuple[Client, list[Record]]:
    """A new client file, and what it is found by: all for one transaction. The address is stored in its canonical
    spelling; ValueError for what is none."""
    canonical = accounts.canonical_email(email) if email else None
    if email and canonical is None:
        raise ValueError("not an e-mail address")
    client = Client.new(
        tenant_id=tenant_id,
        client_id=client_id,
        legal_name=legal_name,
        preferred_name=preferred_name,
        birth_date=birth_date,
        email=canonical,
        source=source,
        phone=phone,
        address=address,
        emergency_contact=emergency_contact,
        status=status,
        portal="none",
        features_off=[],
        therapists=[],
        created_at=clock.text(clock.now()),
        version=1,
    )
    from chalicelib.services import files

    found_by = search_entries(tenant_id, client_id, legal_name, preferred_name)
    return client, [*found_by, *files.match_entries(tenant_id, client_id, legal_name, birth_date, canonical)]


def assign(tenant_id: str, client_id: str, staff: Staff, context: Context | None = None) -> Client:
    """Let a therapist see a client, from their next request on; safe to repeat.

    With a context it is audited as that person's act. Raises NotFound, NotATherapist, Busy.
    """
    if THERAPIST not in staff.roles or staff.status == "disabled":
        raise NotATherapist()
    new = {"staff_id": staff.staff_id, "name": staff.name}
    at = clock.text(clock.now())
    assignment = Assignment.new(tenant_id=tenant_id, client_id=client_id, staff_id=staff.staff_id, since=at)

    def write(tx: Transaction) -> None:
        # Whoever is revoked, disabled or no therapist any more by now gets nobody.
        still = (Staff.status != "disabled") & Staff.roles.contains(THERAPIST)
        tx.require(staff, Staff.pk.exists() & still, otherwise=NotATherapist())
        tx.put(assignment)

    return _set_therapist(tenant_id, client_id, staff.staff_id, new, write, context)


def unassign(tenant_id: str, client_id: str, staff_id: str, context: Context | None = None) -> Client:
    """End a therapist's access, from their next request on; safe to repeat. Raises NotFound, Busy."""
    assignment = Assignment.at(tenant_id=tenant_id, client_id=client_id, staff_id=staff_id)
    return _set_therapist(tenant_id, client_id, staff_id, None, lambda tx: tx.delete(assignment), context)


def name_therapist(tenant_id: str, client_id: str, staff: Staff) -> None:
    """Show an assigned therapist's name as it is now."""
    new = {"staff_id": staff.staff_id, "name": staff.name}
    _set_therapist(tenant_id, client_id, staff.staff_id, new, None, None)


def _set_therapist(
    tenant_id: str,
    client_id: str,
    staff_id: str,
    new: dict[str, str] | None,
    write: Callable[[Transaction], None] | None,
    context: Context | None,
) -> Client:
    """Change the list of names in a file together with what decides (`write`; None: only the name of one who is there).

    What is so already is not written again. Somebody else's change of the file in between is no reason to fail.
    """
    for _ in range(TRIES):
        client = find(tenant_id, client_id)
        before = [dict(each) for each in client.therapists]
        there = any(each["staff_id"] == staff_id for each in before)
        others = [each for each in before if each["staff_id"] != staff_id]
        after = [new if each["staff_id"] == staff_id else each for each in before] if new else others
        if new and write and not there:
            after.append(new)
        if after == before:
            return client
        try:
            with Transaction() as tx:
                tx.update(
                    client,
                    Client.therapists.set(after),
                    Client.version.add(1),
                    when=Client.version == client.version,
                    otherwise=Stale(),
                )
                if write:
                    write(tx)
                if context is not None:
                    action = "client:assign" if new else "client:unassign"
                    tx.create(audits.event(context, action, client_id=client_id, staff_id=staff_id))
        except Stale:
            continue
        client.therapists, client.version = after, int(client.version) + 1
        return client
    raise Busy(retry_after=1)


def caseload(tenant_id: str, staff_id: str, limit: int, cursor: str | None) -> Page:
    """The clients who are assigned to a staff member, newest file first."""
    page = Assignment.page(Assignment.BY_THERAPIST, tenant_id=tenant_id, staff_id=staff_id, limit=limit, cursor=cursor)
    wanted: list[Any] = [(Client, {"tenant_id": tenant_id, "client_id": each.client_id}) for each in page.items]
    return Page([client for client in load(*wanted) if client is not None] if wanted else [], page.next_cursor)


def open_account(tenant_id: str, client_id: str, password: str) -> None:
    """Give a client an account at once, as if an invitation had been redeemed (seeding, imports of an old portal)."""
    client = find(tenant_id, client_id)
    if client.email is None:
        raise ValueError("no e-mail address on file")
    digest = accounts.email_digest(tenant_id, client.email)
    at = clock.text(clock.now())
    account = Account.new(
        tenant_id=tenant_id,
        email_digest=digest,
        realm=accounts.PORTAL,
        principals=principal(client_id),
        status="active",
        password_hash=accounts.hash_password(password),
        created_at=at,
    )
    with Transaction() as tx:
        tx.create(account, otherwise=EmailInUse())
        tx.update(client, Client.portal.set("active"), Client.email_digest.set(digest), Client.joined_at.set(at))


def principal(client_id: str) -> list[dict[str, str]]:
    """Whom a client's account may be; contacts will be further entries."""
    return [{"kind": "client", "id": client_id}]


def find(tenant_id: str, client_id: str) -> Client:
    """A client file. Raises NotFound."""
    client = Client.find(tenant_id=tenant_id, client_id=client_id)
    if client is None:
        raise NotFound()
    return client


def shown(client: Client) -> str:
    """The name that staff read: the one the client uses, with the family name."""
    if not client.preferred_name:
        return str(client.legal_name)
    words = client.legal_name.split()
    preferred = str(client.preferred_name)
    return preferred if " " in preferred or len(words) < 2 else f"{preferred} {words[-1]}"


def first_name(client: Client) -> str:
    """How the client is addressed."""
    return str(client.preferred_name or client.legal_name).split()[0]


def age(client: Client, zone: str) -> int | None:
    """Whole years, today in the organization's zone."""
    return answers.age(date.fromisoformat(client.birth_date), clock.today(zone)) if client.birth_date else None


# ---- safety flags ----


def flag(intake_id: str, document_id: str) -> str:
    """How a signed form with a worrying answer stands among the unseen ones of a client."""
    return f"{intake_id}/{document_id}"


def is_flagged(client: Client, intake_id: str | None = None) -> bool:
    """Whether a worrying answer waits to be marked as seen: of this client, or of one packet."""
    unseen = client.unseen or ()
    return any(intake_id is None or each.startswith(f"{intake_id}/") for each in unseen)


def settle_flag(context: Context, document: Document) -> Document:
    """A staff member has seen the worrying answers of this document; the first one counts. Gives it as it is now.

    Only this document's own flag is taken away, so one that is raised at the same moment stays. Without a flag nothing
    happens. Raises NotSealed for a document that is still being sealed: its flag is yet to be raised.
    """
    if document.status != "completed":
        raise NotSealed()
    client: Client = context.client
    mine = flag(document.intake_id, document.document_id)
    if mine not in (client.unseen or ()):
        return document
    seen = {"seen_by_name": context.actor.name, "seen_at": clock.text(context.now)}
    try:
        with Transaction() as tx:
            tx.update(client, Client.unseen.delete({mine}), when=Client.unseen.contains(mine), otherwise=_Settled())
            tx.update(document, *(getattr(Document, name).set(value) for name, value in seen.items()))
            tx.create(
                audits.event(
                    context, "client:settle_flag", client_id=client.client_id, document_id=document.document_id
                )
            )
    except _Settled:
        pass
    found = Document.find(tenant_id=context.tenant_id, client_id=client.client_id, document_id=document.document_id)
    return found or document


class _Settled(PortalError):
    """A colleague was faster."""


# ---- lists ----


def everyone(context: Context, limit: int, cursor: str | None) -> Page:
    """One page of the clients that the asker may see, newest file first: all for administrators, else the assigned."""
    if Role.ADMINISTRATOR in context.actor.roles:
        return Client.page(Client.BY_TENANT, tenant_id=context.tenant_id, limit=limit, cursor=cursor)
    page = Assignment.page(
        Assignment.BY_THERAPIST,
        tenant_id=context.tenant_id,
        staff_id=context.actor.staff_id,
        limit=limit,
        cursor=cursor,
    )
    return Page(_assigned_now(context, [each.client_id for each in page.items]), page.next_cursor)


def with_letters(tenant_id: str, word: str, limit: int) -> list[str]:
    """The files with a name of which a word has the first letters of this one, newest first, at most `limit`: up to
    LETTERS letters are compared."""
    entries = SearchEntry.index_keys(
        SearchEntry.KEY, limit, tenant_id=tenant_id, letters_digest=_letters(tenant_id, word[:LETTERS])
    )
    return [client_id for _, client_id, _ in entries]


def caseload_now(tenant_id: str, staff_id: str) -> list[Client]:
    """All clients who are assigned to a staff member, as a list may show them: a moment old perhaps."""
    every = Assignment.every(Assignment.BY_THERAPIST, tenant_id=tenant_id, staff_id=staff_id)
    return as_listed(tenant_id, [each.client_id for each in every])


def as_listed(tenant_id: str, client_ids: list[str]) -> list[Client]:
    """These files as a list may show them, a moment old perhaps: half the price."""
    places = [Client.KEY.fill({"tenant_id": tenant_id, "client_id": each}) for each in client_ids]
    return list(at_keys(places)) if places else []


def visible(context: Context, client_ids: list[str]) -> list[Client]:
    """The files among these that the asker may see at this moment, in their order."""
    if not client_ids:
        return []
    return (
        _all(context, client_ids) if Role.ADMINISTRATOR in context.actor.roles else _assigned_now(context, client_ids)
    )


def _all(context: Context, client_ids: list[str]) -> list[Client]:
    wanted = [(Client, {"tenant_id": context.tenant_id, "client_id": each}) for each in client_ids]
    return [client for client in load(*wanted) if client is not None]


def _assigned_now(context: Context, client_ids: list[str]) -> list[Client]:
    """The files among these to which the asker is assigned at this moment: an index is never what authorizes."""
    person = {"tenant_id": context.tenant_id, "staff_id": context.actor.staff_id}
    wanted: list[Any] = []
    for each in client_ids:
        wanted += [(Client, {**person, "client_id": each}), (Assignment, {**person, "client_id": each})]
    records = load(*wanted)
    pairs = zip(records[::2], records[1::2], strict=True)
    return [client for client, assignment in pairs if client is not None and assignment is not None]


def is_named(client: Client, words: list[str]) -> bool:
    """Whether each of these words (`name_words`) begins a word of the client's names."""
    names = name_words(f"{client.legal_name} {client.preferred_name or ''}")
    return all(any(name.startswith(word) for name in names) for word in words)


def name_words(name: str) -> list[str]:
    """The words of a name as they are compared: no accents, no case, no punctuation."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return re.findall(r"\w+", plain)[:WORDS]


def search_entries(tenant_id: str, client_id: str, *names: str | None) -> list[SearchEntry]:
    """The entries under which a client is found: the first one to four letters of each word."""
    words = {word for name in names if name for word in name_words(name)}
    starts = sorted({word[:length] for word in words for length in range(1, LETTERS + 1)})
    return [
        SearchEntry.new(tenant_id=tenant_id, client_id=client_id, letters_digest=_letters(tenant_id, start))
        for start in starts[:80]
    ]


def _letters(tenant_id: str, letters: str) -> str:
    return secrets.keyed("search", tenant_id, letters)


# ---- the client's own profile ----


def profile(client: Client) -> dict[str, Any]:
    """What prefills a form."""
    return {
        "legal_name": client.legal_name,
        "preferred_name": client.preferred_name,
        "birth_date": client.birth_date,
        "email": client.email,
        "phone": client.phone,
        "address": client.address,
        "emergency_contact": client.emergency_contact,
    }


def profile_actions(changes: dict[str, Any]) -> list[Any]:
    """The changes of a profile as update actions; None removes."""
    attributes = {name: getattr(Client, name) for name in PROFILE}
    return [
        attributes[name].set(value) if value not in (None, "") else attributes[name].remove()
        for name, value in changes.items()
    ]


def update_profile(context: Context, changes: dict[str, Any]) -> Client:
    """Change one's own demographics. Stale: the file changed since it was read. ClientArchived: it is read-only."""
    client: Client = context.client
    if client.status != "active":
        raise ClientArchived()
    new_name = changes.get("preferred_name", client.preferred_name)
    old = {entry.pk: entry for entry in search_entries(*_search_of(client, client.preferred_name))}
    new = {entry.pk: entry for entry in search_entries(*_search_of(client, new_name))}
    with Transaction() as tx:
        tx.update(
            client,
            *profile_actions(changes),
            Client.version.add(1),
            when=Client.version == context.if_match,
            otherwise=Stale(),
        )
        for pk in old.keys() - new.keys():
            tx.delete(old[pk])
        for pk in new.keys() - old.keys():
            tx.put(new[pk])
        fields = ",".join(sorted(changes))
        tx.create(audits.event(context, "profile:update", client_id=client.client_id, fields=fields))
    return find(context.tenant_id, client.client_id)


def new_search_entries(client: Client, preferred: str | None) -> list[SearchEntry]:
    """The entries that a new preferred name adds."""
    had = {entry.pk for entry in search_entries(*_search_of(client, client.preferred_name))}
    wanted = search_entries(*_search_of(client, preferred or client.preferred_name))
    return [entry for entry in wanted if entry.pk not in had]


def _search_of(client: Client, preferred: str | None) -> tuple[str, str, str, str | None]:
    return client.tenant_id, client.client_id, client.legal_name, preferred
