"""Stripe, on the accounts of the organizations: who pays what for which therapy it is never told.

Whatever is sent is built here and nowhere else: amounts, our opaque ids, addresses of our own pages and the number of
an invoice. No name, no address, no service, no therapist (DOMAIN.md 7.5). The SDK is imported when it is first needed;
the key comes from Secrets Manager; `settings.stripe_api` puts another server in Stripe's place.
"""

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from chalicelib import clock
from chalicelib.adapters import secrets
from chalicelib.config import settings
from chalicelib.errors import BadSignature, ProcessorDown, ProcessorRefused
from chalicelib.observability import logger

TOLERANCE_SECONDS = 300


class Refused(ProcessorRefused):
    """Stripe refuses; `reason` is its own code (card_declined, authentication_required, resource_missing …)."""

    def __init__(self, reason: str, intent: Any = None) -> None:
        super().__init__()
        self.reason, self.intent = reason, intent


class KeyTaken(Refused):
    """Something else was asked for under this key before."""


class Page(NamedTuple):
    """A Checkout page."""

    session_id: str
    address: str | None


class Card(NamedTuple):
    """What may be shown of a card."""

    card_id: str
    brand: str
    last4: str
    month: int
    year: int


class AccountState(NamedTuple):
    """How far a connected account is."""

    charges: bool
    currency: str
    missing: list[str]


def _client() -> Any:
    return _made(settings.stripe_api, secrets.stripe_key())


@functools.cache
def _made(address: str | None, key: str) -> Any:
    import stripe

    places: Any = {"api": address} if address else {}
    http = stripe.RequestsClient(timeout=8)
    return stripe.StripeClient(key, base_addresses=places, max_network_retries=1, http_client=http)


def live() -> bool:
    """Whether real money moves."""
    return secrets.stripe_key().startswith(("sk_live_", "rk_live_"))


def _ask(call: Callable[[], Any]) -> Any:
    """Ask Stripe. Raises ProcessorDown when trying again may help, Refused when not."""
    import stripe

    try:
        return call()
    except stripe.CardError as error:
        raise Refused(error.code or "card_declined", getattr(error.error, "payment_intent", None)) from None
    except stripe.IdempotencyError as error:
        if error.code == "idempotency_key_in_use":  # the first request is being answered at this moment
            raise ProcessorDown(retry_after=2) from error
        raise KeyTaken(error.code or "key_taken") from error
    except (stripe.APIConnectionError, stripe.RateLimitError, stripe.APIError) as error:
        raise ProcessorDown(retry_after=2) from error
    except stripe.AuthenticationError as error:  # the platform's own key: it was replaced, or is revoked
        logger.error("stripe_key_refused")
        secrets.forget_stripe_key()
        raise ProcessorDown(retry_after=2) from error
    except (stripe.InvalidRequestError, stripe.PermissionError) as error:
        raise Refused(error.code or type(error).__name__) from error


def _on(account: str, key: str | None = None) -> Any:
    return {"stripe_account": account, **({"idempotency_key": key} if key else {})}


# ---- connecting an organization ----


def create_account(tenant_id: str, country: str) -> str:
    """An account that the organization will own; asked for twice, it is the same one for a day."""
    params: Any = {"type": "standard", "country": country, "metadata": {"tenant": tenant_id}}
    options: Any = {"idempotency_key": f"account-{tenant_id}-{clock.now():%Y%m%d}"}
    return str(_ask(lambda: _client().v1.accounts.create(params, options)).id)


def onboarding(account: str, back_to: str) -> str:
    """The address of Stripe's own pages where the account's owner proves who they are; used once, for minutes."""
    params: Any = {"account": account, "type": "account_onboarding", "refresh_url": back_to, "return_url": back_to}
    return str(_ask(lambda: _client().v1.account_links.create(params)).url)


def account_state(account: str) -> AccountState:
    """How far it is."""
    found = _ask(lambda: _client().v1.accounts.retrieve(account))
    missing = list(getattr(found.requirements, "currently_due", None) or []) if found.requirements else []
    return AccountState(bool(found.charges_enabled), str(found.default_currency or ""), [str(each) for each in missing])


# ---- being paid ----


def checkout(
    account: str,
    payment_id: str,
    ids: Mapping[str, str],
    *,
    amount: int,
    currency: str,
    label: str,
    ends_at: datetime,
    success: str,
    cancel: str,
    customer: str | None,
    save_card: bool,
) -> Page:
    """The Checkout page of a payment: asked for again, it is the same one (Stripe keeps keys for a day at least)."""
    intent: dict[str, Any] = {"metadata": dict(ids)}
    if save_card:
        intent["setup_future_usage"] = "off_session"
    params: Any = {
        "mode": "payment",
        "client_reference_id": payment_id,
        "metadata": dict(ids),
        "line_items": [
            {
                "quantity": 1,
                "price_data": {"currency": currency, "unit_amount": amount, "product_data": {"name": label}},
            }
        ],
        "payment_intent_data": intent,
        "allowed_payment_method_types": ["card"],
        "adaptive_pricing": {"enabled": False},  # one currency: what was asked for is what is paid
        "expires_at": int(ends_at.timestamp()),
        "success_url": success,
        "cancel_url": cancel,
        **({"customer": customer} if customer else {}),
    }
    made = _ask(lambda: _client().v1.checkout.sessions.create(params, _on(account, payment_id)))
    return Page(str(made.id), made.url)


def session(account: str, session_id: str) -> Any:
    """A Checkout session as it is now."""
    return _ask(lambda: _client().v1.checkout.sessions.retrieve(session_id, None, _on(account)))


def session_of(account: str, intent_id: str) -> Any | None:
    """The Checkout session that made this payment intent."""
    params: Any = {"payment_intent": intent_id, "limit": 1}
    found = _ask(lambda: _client().v1.checkout.sessions.list(params, _on(account)))
    return found.data[0] if found.data else None


def close_page(account: str, session_id: str) -> bool:
    """End a Checkout page, so that nobody pays there any more; False: somebody has, or it had ended."""
    try:
        _ask(lambda: _client().v1.checkout.sessions.expire(session_id, None, _on(account)))
    except Refused:
        return False
    return True


def charge_card(
    account: str, payment_id: str, ids: Mapping[str, str], *, amount: int, currency: str, customer: str, card: str
) -> Any:
    """Charge a saved card with nobody present: the payment intent. Raises Refused (its reason, and the intent)."""
    params: Any = {
        "amount": amount,
        "currency": currency,
        "customer": customer,
        "payment_method": card,
        "allowed_payment_method_types": ["card"],
        "off_session": True,
        "confirm": True,
        "metadata": dict(ids),
    }
    return _ask(lambda: _client().v1.payment_intents.create(params, _on(account, payment_id)))


def forestall(
    account: str, payment_id: str, ids: Mapping[str, str], *, amount: int, currency: str, customer: str
) -> bool:
    """See to it that a charge of which nobody knows whether Stripe was asked for it is made no more: its key is given
    to an intent that charges nothing, and is cancelled. From then on whoever asks for the charge gets KeyTaken, however
    long it has been under way. False: it had been asked for; asking again tells what became of it, and charges nothing.
    """
    params: Any = {
        "amount": amount,
        "currency": currency,
        "customer": customer,
        "allowed_payment_method_types": ["card"],
        "metadata": dict(ids),
    }
    try:
        made = _ask(lambda: _client().v1.payment_intents.create(params, _on(account, payment_id)))
    except KeyTaken:
        return False
    with contextlib.suppress(Refused):  # it is cancelled already
        _ask(lambda: _client().v1.payment_intents.cancel(str(made.id), None, _on(account)))
    return True


def intent(account: str, intent_id: str) -> Any:
    """A payment intent as it is now, with its latest charge."""
    params: Any = {"expand": ["latest_charge"]}
    return _ask(lambda: _client().v1.payment_intents.retrieve(intent_id, params, _on(account)))


def refunds_of(account: str, intent_id: str) -> list[Any]:
    """All refunds of a payment."""
    return _all(_client().v1.refunds.list, account, {"payment_intent": intent_id})


def total_of(refunds: Iterable[Any]) -> int:
    """How much these refunds send back: those that are made, or on their way."""
    return sum(int(each.amount) for each in refunds if each.status in ("succeeded", "pending"))


def disputes_of(account: str, intent_id: str) -> list[Any]:
    """All disputes of a payment."""
    return _all(_client().v1.disputes.list, account, {"payment_intent": intent_id})


def takes(dispute: Any) -> bool:
    """Whether a dispute has its money now: inquiries (warning_…) take none, and one that was won has given it back."""
    return dispute.status != "won" and not str(dispute.status).startswith("warning_")


def refund(account: str, refund_id: str, intent_id: str, amount: int, ids: Mapping[str, str]) -> Any:
    """Send money of a payment back; asked for again under the same id, it is the same refund."""
    params: Any = {"payment_intent": intent_id, "amount": amount, "metadata": dict(ids)}
    return _ask(lambda: _client().v1.refunds.create(params, _on(account, refund_id)))


# ---- saved cards ----


def create_customer(account: str, payer_id: str) -> str:
    """Somebody whose cards can be saved: Stripe is told no more than our id."""
    params: Any = {"metadata": {"payer": payer_id}}
    return str(_ask(lambda: _client().v1.customers.create(params, _on(account, f"customer-{payer_id}"))).id)


def cards(account: str, customer: str) -> list[Card]:
    """The cards that are saved there."""
    params: Any = {"type": "card", "limit": 100}
    found = _ask(lambda: _client().v1.customers.payment_methods.list(customer, params, _on(account)))
    return [_card(each) for each in found.data]


def _card(method: Any) -> Card:
    card = method.card
    return Card(str(method.id), str(card.brand), str(card.last4), int(card.exp_month), int(card.exp_year))


def forget_card(account: str, card_id: str) -> None:
    """Remove a saved card; one that is not there any more is no error."""
    try:
        _ask(lambda: _client().v1.payment_methods.detach(card_id, None, _on(account)))
    except Refused as gone:
        if gone.reason not in ("resource_missing", "payment_method_unexpected_state"):
            raise


# ---- what Stripe tells, and what its books hold ----


def told(body: bytes, signature: str) -> Mapping[str, Any]:
    """The event in a webhook's raw body. Raises BadSignature: forged, altered, or signed more than five minutes from
    now in either direction (the SDK looks into the past only). Refuses everything while no secret is set."""
    import json

    import stripe

    wanted = [each for each in secrets.stripe_webhook_secrets() if each]
    text = body.decode("utf-8", "replace")
    if not any(_signed(stripe, text, signature, each) for each in wanted):
        raise BadSignature()
    try:
        event = json.loads(text)
    except ValueError:
        raise BadSignature() from None
    if not isinstance(event, dict):
        raise BadSignature()
    return event


def _signed(stripe: Any, text: str, signature: str, secret: str) -> bool:
    stamp = next((part[2:] for part in signature.split(",") if part.startswith("t=")), "")
    if not (stamp.isascii() and stamp.isdigit()) or len(stamp) > 12:
        return False
    if abs(clock.now().timestamp() - int(stamp)) > TOLERANCE_SECONDS:
        return False
    try:
        stripe.WebhookSignature.verify_header(text, signature, secret)  # the age is ours to judge, by our clock
    except (stripe.SignatureVerificationError, ValueError):
        return False
    return True


def happened(account: str, since: datetime, until: datetime) -> Iterator[tuple[str, Any]]:
    """Everything of these hours in Stripe's books that is ours: ("intent" | "refund" | "dispute", the object)."""
    created: Any = {"created": {"gte": int(since.timestamp()), "lt": int(until.timestamp())}}
    for each in _all(_client().v1.payment_intents.list, account, created):
        yield "intent", each
    for each in _all(_client().v1.refunds.list, account, created):
        yield "refund", each
    for each in _all(_client().v1.disputes.list, account, created):
        yield "dispute", each


def _all(listed: Any, account: str, params: Any) -> list[Any]:
    found = _ask(lambda: listed({**params, "limit": 100}, _on(account)))
    return list(_ask(lambda: list(found.auto_paging_iter())))


def plain(value: Any, *path: str) -> Any:
    """What stands at a path of an object of Stripe's, or None."""
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)
        if value is None:
            return None
    return value
