"""The second factor of an account: an authenticator app and recovery codes (RFC 6238; notes: security 3.1).

begin (a secret that waits, 15 minutes) → confirm with a code → in force, ten recovery codes, other sessions end
                                                staff: always; clients: as they like, off again with proof
"""

from datetime import timedelta
from typing import Any

from chalicelib import clock
from chalicelib.adapters import keys
from chalicelib.config import settings
from chalicelib.context import Context
from chalicelib.errors import Busy, EnrolmentOver, InvalidBody, NoSecondFactor, SecondFactorMandatory
from chalicelib.models.accounts import Account
from chalicelib.models.transaction import Transaction, change
from chalicelib.services import accounts, audits, letters, mails, sessions
from chalicelib.services.recovery import own_account, own_id

WAITS = timedelta(minutes=15)


def begin(context: Context) -> tuple[str, str]:
    """A new secret and what its QR code says; nothing changes until a code of it is given (`confirm`)."""
    account = own_account(context)
    secret = accounts.new_totp_secret()
    pending = {"secret": secret, "until": clock.text(context.now + WAITS)}
    sealed = keys.encrypt(context.tenant_id, pending, _place(account))
    change(account, Account.totp_pending.set(sealed), when=Account.status == "active", otherwise=Busy(retry_after=1))
    return secret, accounts.totp_uri(secret, str(context.person.email), context.tenant.name)


def confirm(context: Context, code: str) -> list[str]:
    """Put the waiting secret in force, in place of one there may be; the recovery codes, shown this once.

    Raises InvalidBody (wrong_code), EnrolmentOver when no secret waits any more, TooManyRequests.
    """
    account = own_account(context)
    secret = _waiting(context, account)
    seconds = context.now.timestamp()
    accounts.throttle(context.tenant_id, settings.limit("second_factor"), seconds, "enrol", account.email_digest)
    step = accounts.step_of(secret, code, seconds)
    if step is None:
        raise InvalidBody(errors=[{"pointer": "/code", "code": "wrong_code", "detail": "This code did not match."}])
    codes = accounts.recovery_codes()
    actions = [
        Account.totp.set(accounts.encrypt_totp(context.tenant_id, account.email_digest, secret)),
        Account.totp_step.set(step),  # this code opens nothing a second time
        Account.totp_pending.remove(),
        Account.recovery.set(accounts.recovery_digests(context.tenant_id, context.actor.id, codes)),
    ]
    when = Account.totp_pending == account.totp_pending
    _commit(context, account, actions, when, "account:enrol", EnrolmentOver())
    return codes


def new_codes(context: Context) -> list[str]:
    """Ten new recovery codes; those from before open nothing any more. Raises NoSecondFactor."""
    account = own_account(context)
    if not account.totp:
        raise NoSecondFactor()
    codes = accounts.recovery_codes()
    digests = accounts.recovery_digests(context.tenant_id, context.actor.id, codes)
    _commit(
        context, account, [Account.recovery.set(digests)], Account.totp.exists(), "account:new_codes", NoSecondFactor()
    )
    return codes


def switch_off(context: Context) -> None:
    """Sign in with the password alone from now on. Clients only: raises SecondFactorMandatory for staff."""
    if context.actor.kind == sessions.STAFF:
        raise SecondFactorMandatory()
    account = own_account(context)
    if not account.totp:
        return
    actions = [Account.totp.remove(), Account.totp_step.remove(), Account.recovery.remove()]
    _commit(context, account, actions, Account.totp.exists(), "account:disenrol", Busy(retry_after=1))


def _commit(context: Context, account: Account, actions: list[Any], when: Any, action: str, otherwise: Any) -> None:
    """The change of the account, the end of every other session, the mail and the record of it: all or nothing."""
    mail = mails.to_person(context.now, context.person, letters.SECOND_FACTOR_CHANGED)
    with Transaction() as tx:
        tx.update(account, *actions, when=(Account.status == "active") & when, otherwise=otherwise)
        sessions.end_all(tx, context.person, keep=context.session)
        tx.create(mail)
        tx.create(audits.event(context, action, client_id=own_id(context)))
    mails.hand_over(mail)


def _waiting(context: Context, account: Account) -> str:
    if not account.totp_pending:
        raise EnrolmentOver()
    pending = keys.decrypt(context.tenant_id, account.totp_pending, _place(account))
    if pending["until"] <= clock.text(context.now):
        raise EnrolmentOver()
    return str(pending["secret"])


def _place(account: Account) -> str:
    return f"totp_pending|{account.email_digest}"
