"""Saved cards: kept at Stripe; here stand brand, last four digits and the month they end."""

from chalicelib.adapters import payments as stripe
from chalicelib.context import Context
from chalicelib.errors import CardGone, Stale
from chalicelib.models.payments import Payer
from chalicelib.models.table import load
from chalicelib.models.transaction import Transaction
from chalicelib.services import audits


def of_client(context: Context) -> Payer | None:
    """The client's cards, if any was ever saved."""
    found: Payer | None = load((Payer, {"tenant_id": context.tenant_id, "client_id": context.client_id}))[0]
    return found


def remove(context: Context, card_id: str) -> None:
    """Forget a card, at Stripe first: safe to repeat. If it paid by itself, nothing does any more. Raises CardGone for
    what is not the client's, ProcessorDown."""
    payer = of_client(context)
    if payer is None or card_id not in {each["card_id"] for each in payer.cards}:
        raise CardGone()
    stripe.forget_card(payer.account, card_id)
    actions = [
        Payer.cards.set([each for each in payer.cards if each["card_id"] != card_id]),
        Payer.version.add(1),
    ]
    if payer.autopay_card == card_id:
        actions += [Payer.autopay_card.remove(), Payer.autopay_since.remove()]
    with Transaction() as tx:
        tx.update(payer, *actions, when=Payer.version == payer.version, otherwise=Stale())
        tx.create(audits.event(context, "card:remove", client_id=context.client_id))
