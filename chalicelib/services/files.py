"""Client files as staff keep them: what two files of one person have in common (DOMAIN.md 3.6)."""

from chalicelib.adapters import secrets
from chalicelib.models.clients import MatchEntry
from chalicelib.services import clients

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
