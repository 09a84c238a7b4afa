"""The stand-in for Stripe behaves like Stripe where the portal depends on it; spoken to with Stripe's own SDK."""

from typing import Any

import pytest
import stripe

from infra.local import cloud
from tests.conftest import World

OAK, BIRCH = {"stripe_account": "acct_oak_demo"}, {"stripe_account": "acct_birch_demo"}


@pytest.fixture
def api(world: World, server: str) -> Any:
    """The SDK, pointed at it."""
    address = server.replace("localhost", "127.0.0.1") + "/_stripe"
    return stripe.StripeClient(cloud.STRIPE_KEY, base_addresses={"api": address}, max_network_retries=0).v1


def _session(world: World, **more: Any) -> dict[str, Any]:
    price = {"currency": "usd", "unit_amount": 5_000, "product_data": {"name": "Invoice 1"}}
    ends = int(world.portal.clock.now().timestamp()) + 3_600
    return {
        "mode": "payment", "line_items": [{"quantity": 1, "price_data": price}], "expires_at": ends,
        "success_url": "http://localhost/done", **more,
    }  # fmt: skip


def test_idempotency_keys(api: Any, world: World) -> None:
    same = _session(world)
    made = [api.checkout.sessions.create(same, {**OAK, "idempotency_key": "one"}).id for _ in range(2)]
    assert made[0] == made[1]
    with pytest.raises(stripe.IdempotencyError):
        api.checkout.sessions.create(_session(world, client_reference_id="x"), {**OAK, "idempotency_key": "one"})
    other = api.checkout.sessions.create(same, {**BIRCH, "idempotency_key": "one"})
    assert other.id != made[0]  # keys are an account's own


def test_accounts_see_their_own_only(api: Any, world: World) -> None:
    made = api.checkout.sessions.create(_session(world), OAK)
    assert api.checkout.sessions.retrieve(made.id, None, OAK).id == made.id
    with pytest.raises(stripe.InvalidRequestError):
        api.checkout.sessions.retrieve(made.id, None, BIRCH)
    with pytest.raises(stripe.PermissionError):
        api.checkout.sessions.create(_session(world), {"stripe_account": "acct_of_nobody"})
    wrong = stripe.StripeClient("sk_test_other", base_addresses={"api": f"http://127.0.0.1:{_port()}/_stripe"})
    with pytest.raises(stripe.AuthenticationError):
        wrong.v1.accounts.retrieve("acct_oak_demo")


def _port() -> int:
    from tests.conftest import PORT

    return PORT


@pytest.mark.parametrize(
    "more",
    [
        {"curency": "usd"},  # a misspelt parameter
        {"line_items": [{"quantity": 1, "price_data": {"currency": "usd", "unit_amount": 5_000, "name": "x"}}]},
        {"payment_intent_data": {"metadata": {"a": "b"}, "stripe_account": "acct_x"}},
        {"expires_at": 1},
        {"payment_method_types": ["card"]},  # what an older version of the API took
    ],
)
def test_what_stripe_would_refuse_is_refused(api: Any, world: World, more: dict[str, Any]) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        api.checkout.sessions.create(_session(world, **more), OAK)


def test_refunds_stop_at_what_was_paid(api: Any, world: World) -> None:
    from infra.local import stripe_double

    made = api.checkout.sessions.create(_session(world), OAK)
    session = stripe_double.backend().book("acct_oak_demo").objects[made.id]
    assert stripe_double.pay(session, "4000000000000002", world.portal.clock.now()) == "card_declined"
    assert stripe_double.pay(session, "4242424242424242", world.portal.clock.now()) is None
    intent = api.checkout.sessions.retrieve(made.id, None, OAK).payment_intent
    api.refunds.create({"payment_intent": intent, "amount": 3_000}, OAK)
    with pytest.raises(stripe.InvalidRequestError):
        api.refunds.create({"payment_intent": intent, "amount": 2_001}, OAK)
    assert [each.amount for each in api.refunds.list({"payment_intent": intent}, OAK).data] == [3_000]
    with pytest.raises(stripe.InvalidRequestError):
        api.checkout.sessions.expire(made.id, None, OAK)


def test_webhooks_pass_the_sdks_own_check(world: World) -> None:
    from datetime import UTC, datetime

    from infra.local import stripe_double

    body = '{"id": "evt_1", "object": "event"}'
    signature = stripe_double.signed(body, datetime.now(UTC))
    assert stripe.Webhook.construct_event(body, signature, cloud.STRIPE_WEBHOOK_SECRET).id == "evt_1"
