"""What a program's token may be given: named sets of actions. An action that no scope names is closed to programs.

A scope only ever narrows: the token reaches what its creator reaches at that moment (rules.py), and of that what its
scopes name. Nothing that needs a proof of the password, that signs, that manages tokens or sessions, or that is a
client's or a person's own belongs in here.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum


class Scope(StrEnum):
    """One thing that a token may be good for, as administrators choose it."""

    CLIENTS_READ = "clients:read"
    DOCUMENTS_READ = "documents:read"
    FORMS_READ = "forms:read"
    INTAKES_READ = "intakes:read"
    INVITATIONS_READ = "invitations:read"
    INVITATIONS_WRITE = "invitations:write"
    JOBS_READ = "jobs:read"
    SETTINGS_READ = "settings:read"


SCOPES: Mapping[Scope, frozenset[str]] = {
    Scope.CLIENTS_READ: frozenset({"client:list", "client:read"}),
    Scope.DOCUMENTS_READ: frozenset({"document:download", "document:read", "document:verify"}),
    Scope.FORMS_READ: frozenset({"form:read"}),
    Scope.INTAKES_READ: frozenset({"intake:read", "intake:summarize"}),
    Scope.INVITATIONS_READ: frozenset({"invite:read"}),
    Scope.INVITATIONS_WRITE: frozenset({"invite:revoke", "invite:send"}),
    Scope.JOBS_READ: frozenset({"job:read"}),
    Scope.SETTINGS_READ: frozenset({"settings:read"}),
}

_OF_ACTION = {action: scope for scope, actions in SCOPES.items() for action in actions}


def scope_of(action: str) -> Scope | None:
    """The one scope that opens this action to programs, or None: no program does it."""
    return _OF_ACTION.get(action)


def opens(scopes: Collection[str], action: str) -> bool:
    """Whether a token with these scopes may do this, as far as scopes go. Unknown scopes open nothing."""
    scope = scope_of(action)
    return scope is not None and scope in scopes
