"""Entry points: an HTTP request or an event in, a service call, a view out."""

from chalice.app import Blueprint

from chalicelib.handlers import (
    accounts,
    agendas,
    appointments,
    break_glass,
    clients,
    contact_logs,
    documents,
    drafts,
    forms,
    group_series,
    groups,
    imports,
    intakes,
    invites,
    invoices,
    jobs,
    mailboxes,
    mails,
    mass_messages,
    messages,
    notifications,
    openapi,
    openings,
    payments,
    prints,
    recipients,
    senders,
    sendings,
    series,
    sessions,
    signups,
    slots,
    staff,
    subscriptions,
    tenants,
    thread_prints,
    tokens,
    uploads,
    waits,
    wordings,
)
from chalicelib.handlers.routing import Route, Routes

_FEATURES = (
    sessions, accounts, tenants, openings, staff, subscriptions, clients, invites, mails, wordings, senders, signups,
    intakes, sendings, documents, uploads, forms, slots, appointments, agendas, series, groups, group_series, waits,
    invoices, payments, prints, messages, mailboxes, recipients, drafts, thread_prints, mass_messages, break_glass,
    contact_logs, imports, jobs, notifications, tokens, openapi,
)  # fmt: skip

HTTP: list[Routes] = [each for feature in _FEATURES for each in vars(feature).values() if isinstance(each, Routes)]


def blueprints() -> list[Blueprint]:
    """Everything that app.py registers."""
    from chalicelib.handlers.events import events

    return [*HTTP, events]


def routes() -> list[Route]:
    """Every HTTP route, for the description of the API and for the tests."""
    return [route for blueprint in HTTP for route in blueprint.table]
