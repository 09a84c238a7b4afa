"""Client files: who they are, who is assigned, how they are found."""

import re
import unicodedata
from datetime import date
from typing import Any

from chalicelib import clock
from chalicelib.adapters import secrets
from chalicelib.context import Context
from chalicelib.errors import ClientArchived, EmailInUse, NotFound, Stale
from chalicelib.models.accounts import Account
from chalicelib.models.clients import Assignment, Client, SearchEntry
from chalicelib.models.staff import Staff
from chalicelib.models.table import Page, at_keys, load
from chalicelib.models.transaction import Transaction
from chalicelib.policies.rules import Role
from chalicelib.services import accounts, answers, audits

LETTERS = 4  # how many first letters of a word are indexed; more letters are compared with what those find
WORDS = 6
FOUND_AT_MOST = 50

PROFILE = ("preferred_name", "phone", "address", "emergency_contact")


def create(
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
) -> Client:
    """Open a client file; safe to repeat with the same id. The address is stored in its canonical spelling."""
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
        phone=phone,
        address=address,
        emergency_contact=emergency_contact,
        status=status,
        portal="none",
        features_off=[],
        worrying=False,
        therapists=[],
        created_at=clock.text(clock.now()),
        version=1,
    )
    from chalicelib.services import files

    with Transaction() as tx:
        tx.put(client)
        for entry in search_entries(tenant_id, client_id, legal_name, preferred_name):
            tx.put(entry)
        for match in files.match_entries(tenant_id, client_id, legal_name, birth_date, canonical):
            tx.put(match)
    return client


def assign(tenant_id: str, client_id: str, staff: Staff) -> None:
    """Let a therapist see a client, from their next request on; safe to repeat."""
    client = find(tenant_id, client_id)
    others = [each for each in client.therapists if each["staff_id"] != staff.staff_id]
    at = clock.text(clock.now())
    with Transaction() as tx:
        tx.put(Assignment.new(tenant_id=tenant_id, client_id=client_id, staff_id=staff.staff_id, since=at))
        tx.update(
            client,
            Client.therapists.set([*others, {"staff_id": staff.staff_id, "name": staff.name}]),
            Client.version.add(1),
            when=Client.version == client.version,
            otherwise=Stale(),
        )


def unassign(tenant_id: str, client_id: str, staff_id: str) -> None:
    """End a therapist's access, from their next request on; safe to repeat."""
    client = find(tenant_id, client_id)
    with Transaction() as tx:
        tx.delete(Assignment.at(tenant_id=tenant_id, client_id=client_id, staff_id=staff_id))
        tx.update(
            client,
            Client.therapists.set([each for each in client.therapists if each["staff_id"] != staff_id]),
            Client.version.add(1),
            when=Client.version == client.version,
            otherwise=Stale(),
        )


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


# ---- lists ----


def everyone(context: Context, limit: int, cursor: str | None) -> Page:
    """One page of the clients that the asker may see, newest file first: all for administrators, else the assigned."""
    if Role.ADMINISTRATOR in context.actor.roles:
        return Client.page(Client.BY_TENANT, tenant_id=context.tenant_id, limit=limit, cursor=cursor)
    page = Assignment.page(
        Assignment.BY_THERAPIST,
        tenant_id=context.tenant_id,
        staff_id=context.actor.id,
        limit=limit,
        cursor=cursor,
    )
    return Page(_assigned_now(context, [each.client_id for each in page.items]), page.next_cursor)


def search(context: Context, typed: str) -> list[Client]:
    """Clients by any letters of any words of the name, order free, at most 50; only those the asker may see.

    Administrators look among the newest 200 files with those first letters, therapists among their own caseload,
    however large the organization is.
    """
    words = name_words(typed)
    if not words:
        return []
    everyone_is_visible = Role.ADMINISTRATOR in context.actor.roles
    among = _with_letters(context, max(words, key=len)) if everyone_is_visible else _caseload(context)
    fitting = [client for client in _as_listed(context.tenant_id, among) if _fits(client, words)]
    shown = sorted(fitting, key=lambda client: str(client.legal_name).casefold())[:FOUND_AT_MOST]
    return shown if everyone_is_visible else _assigned_now(context, [client.client_id for client in shown])


def _with_letters(context: Context, word: str) -> list[str]:
    page = SearchEntry.page(
        SearchEntry.KEY,
        tenant_id=context.tenant_id,
        letters_digest=_letters(context.tenant_id, word[:LETTERS]),
        limit=200,
    )
    return [entry.client_id for entry in page.items]


def _caseload(context: Context) -> list[str]:
    own: dict[str, Any] = {"tenant_id": context.tenant_id, "staff_id": context.actor.id}
    return [each.client_id for each in Assignment.every(Assignment.BY_THERAPIST, **own)]


def _as_listed(tenant_id: str, client_ids: list[str]) -> list[Client]:
    """These files as a list may show them, a moment old perhaps: half the price."""
    places = [Client.KEY.fill({"tenant_id": tenant_id, "client_id": each}) for each in client_ids]
    return list(at_keys(places)) if places else []


def visible(context: Context, client_ids: list[str]) -> list[Client]:
    """The files among these that the asker may see at this moment."""
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
    person = {"tenant_id": context.tenant_id, "staff_id": context.actor.id}
    wanted: list[Any] = []
    for each in client_ids:
        wanted += [(Client, {**person, "client_id": each}), (Assignment, {**person, "client_id": each})]
    records = load(*wanted)
    pairs = zip(records[::2], records[1::2], strict=True)
    return [client for client, assignment in pairs if client is not None and assignment is not None]


def _fits(client: Client, words: list[str]) -> bool:
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
