"""What is stored: records with their keys and transactions; no rules of the business.

Every kind is imported here: a record whose kind is not known could not be read back.
"""

from chalicelib.models import (  # noqa: F401
    accounts,
    audits,
    clients,
    forms,
    idempotency,
    intakes,
    invites,
    jobs,
    mails,
    messages,
    notifications,
    signups,
    slots,
    staff,
    subscriptions,
    tenants,
    tokens,
    uploads,
)
