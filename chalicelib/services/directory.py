"""The list of clients, in the order and with the filter that staff chose.

Newest first without a filter is the order of the index: a page costs what it shows, however many clients there are.

By name, or filtered, it is another thing. Names are in no key (DESIGN.md, Keys), so no index is in their order, and
states change with half of all flows, so that an index by state would make each of them dearer for the sake of one
page. A page in such an order is therefore made from a glance at everyone whom the asker could see: the few attributes
that order and filter need, sorted here. It is honest about its price: at 1,000 clients one query of a megabyte (some
100 read units, a hundredth of a cent for ten pages); at 10,000 clients eight to ten such queries, about a second, and
complete and in order all the same. Therapists, and administrators who filter by one, pay for that caseload only.

What a cursor means: the client after whom the next page begins. The place is found again in the order as it is then,
so what was added, renamed or joined in between comes where it now belongs, and nobody who stayed is left out or comes
twice. A client whom the asker may not see any more is no place to go on from: InvalidCursor, as for a foreign id, or
the order itself would tell where somebody stands in the alphabet. The rows themselves are read once more,
consistently: what they say and who may be seen is true at this moment.

A search by name is such a list, too, of those whose names have the letters that were typed: their entries are under
digests of the first letters of each word (models.clients.SearchEntry), so what it costs is bounded by AT_ONCE and
ENTRIES however large the organization is, and where that bound cut anything off it says so (`total` is None).
To administrators, who may see all, its rows say how a file was a moment ago.
"""

from collections.abc import Callable, Iterable
from typing import Any, Literal, NamedTuple

from chalicelib.context import Context
from chalicelib.errors import InvalidCursor
from chalicelib.models.clients import Client
from chalicelib.models.table import Page
from chalicelib.policies.rules import Role
from chalicelib.services import clients

NEEDED = ("client_id", "legal_name", "preferred_name", "status", "portal", "therapists", "first_invited_at")
NOBODY = "nobody"
ENTRIES = 1000  # of one word of a search, 40 read units; also how many files with four letters in common are looked at
AT_ONCE = 200  # files that are looked at while another letter would still leave fewer of them, 100 read units

Order = Literal["name", "newest"]
Status = Literal["active", "archived"]
Joined = Literal["not_invited", "not_joined", "joined"]

# The states of `Client.portal` by what staff ask for; an expired invitation is still one that nobody took up.
PORTAL: dict[str, tuple[str, ...]] = {
    "not_invited": ("none",),
    "not_joined": ("invited",),
    "joined": ("active", "ended"),
}


class Wanted(NamedTuple):
    """Which clients; None: whatever it is. `therapist`: the id of a staff member, or NOBODY for clients without one."""

    status: Status | None = None
    joined: Joined | None = None
    therapist: str | None = None

    def fits(self, client: Client) -> bool:
        """Whether this client is one of them."""
        if self.status and client.status != self.status:
            return False
        if self.joined and client.portal not in PORTAL[self.joined]:
            return False
        if self.therapist is None:
            return True
        assigned = [each["staff_id"] for each in client.therapists]
        return not assigned if self.therapist == NOBODY else self.therapist in assigned


class Listed(NamedTuple):
    """A page of clients, and how many there are in all where that is known."""

    page: Page
    total: int | None


def listed(context: Context, order: Order, wanted: Wanted, limit: int, cursor: str | None) -> Listed:
    """One page of the clients that the asker may see: all for administrators, else the assigned ones.

    Raises InvalidCursor."""
    if order == "newest" and wanted == Wanted():
        return Listed(clients.everyone(context, limit, cursor), None)
    shown, following, total = _cut(_everyone(context, wanted), order, wanted.fits, limit, cursor)
    now = [each for each in clients.visible(context, [each.client_id for each in shown]) if wanted.fits(each)]
    return Listed(Page(now, following), total)


def found(context: Context, typed: str, wanted: Wanted, limit: int, cursor: str | None) -> Listed:
    """One page of the clients whose names have words that begin as those typed do, in any order; by name, and only
    those whom the asker may see.

    Therapists look among their own caseload, and administrators who ask for one therapist's clients among that one:
    all of it. Administrators otherwise look among the files that have the first letters of all words. The total is None
    where there are more of these than are looked at, which are then the newest ones: one more letter or word finds the
    others. Raises InvalidCursor."""
    words = clients.name_words(typed)
    among, is_all = _among(context, words, wanted) if words else ([], True)

    def fits(client: Client) -> bool:
        return wanted.fits(client) and clients.is_named(client, words)

    shown, following, total = _cut(among, "name", fits, limit, cursor)
    if Role.ADMINISTRATOR not in context.actor.roles:
        shown = clients.visible(context, [each.client_id for each in shown])
    return Listed(Page(shown, following), total if is_all else None)


def _among(context: Context, words: list[str], wanted: Wanted) -> tuple[Iterable[Client], bool]:
    """The files in which a search looks, as they were a moment ago, and whether these are all that it could find."""
    if Role.ADMINISTRATOR not in context.actor.roles or wanted.therapist not in (None, NOBODY):
        return _everyone(context, wanted), True
    starts = {word[: clients.LETTERS]: None for word in sorted(words, key=len, reverse=True)}
    by_word = [clients.with_letters(context.tenant_id, each, ENTRIES) for each in starts]
    complete = [each for each in by_word if len(each) < ENTRIES]
    # What is under all words is in each complete list; one that was cut off says of nobody that they are not in it.
    first, *others = complete or by_word[:1]
    in_all = set(first).intersection(*others)
    with_all = [each for each in first if each in in_all]
    most = ENTRIES if len(max(words, key=len)) >= clients.LETTERS else AT_ONCE
    return clients.as_listed(context.tenant_id, with_all[:most]), bool(complete) and len(with_all) <= most


def _cut(
    everyone: Iterable[Client], order: Order, fits: Callable[[Client], bool], limit: int, cursor: str | None
) -> tuple[list[Client], str | None, int]:
    """The page behind the client of the cursor, the cursor of the next one, and how many there are in all. Raises
    InvalidCursor for a client who is not among everyone."""
    ordered = sorted(everyone, key=_PLACE[order])
    first = 0
    if cursor is not None:
        first = 1 + next((at for at, each in enumerate(ordered) if each.client_id == cursor), -2)
        if first < 0:
            raise InvalidCursor()
    fitting = [each for each in ordered[first:] if fits(each)]
    shown = fitting[:limit]
    total = len(fitting) if cursor is None else sum(map(fits, ordered))
    return shown, shown[-1].client_id if len(fitting) > limit else None, total


def never_invited(context: Context) -> list[str]:
    """The active clients of the organization who never were, by name; one whose invitation was revoked was."""
    found = [each for each in _all(context, "not_invited") if each.first_invited_at is None]
    return [each.client_id for each in sorted(found, key=_by_name)]


def not_joined(context: Context) -> list[str]:
    """The active clients of the organization who were invited and have not joined, by name."""
    return [each.client_id for each in sorted(_all(context, "not_joined"), key=_by_name)]


def _all(context: Context, joined: Joined) -> Iterable[Client]:
    everyone: Iterable[Client] = Client.glance(Client.BY_TENANT, *NEEDED, tenant_id=context.tenant_id)
    return filter(Wanted("active", joined).fits, everyone)


def _everyone(context: Context, wanted: Wanted) -> Iterable[Client]:
    """Whoever could be in the list, as they were a moment ago."""
    tenant_id = context.tenant_id
    if Role.ADMINISTRATOR not in context.actor.roles:
        return clients.caseload_now(tenant_id, context.actor.staff_id)
    if wanted.therapist not in (None, NOBODY):
        return clients.caseload_now(tenant_id, str(wanted.therapist))
    found: Iterable[Client] = Client.glance(Client.BY_TENANT, *NEEDED, tenant_id=tenant_id)
    return found


def _by_name(client: Client) -> tuple[list[str], str]:
    return clients.name_words(clients.shown(client)), str(client.client_id)


def _newest(client: Client) -> tuple[int, ...]:
    return tuple(-ord(letter) for letter in client.client_id)


_PLACE: dict[str, Callable[[Client], Any]] = {"name": _by_name, "newest": _newest}
