"""Stripe's place on this machine: a server that the SDK speaks to, with pages that a person can click through.

/_stripe/v1/…           the API as far as the portal uses it: accounts, account links, customers, payment methods,
                        Checkout sessions, payment intents, refunds, disputes. Every request is checked against the
                        SDK's own parameter types (unknown parameters are refused), each account sees its own objects
                        only (Stripe-Account), and a repeated Idempotency-Key gets the first answer
/_stripe/checkout/{id}  the Checkout page: pay, with 4242 4242 4242 4242 or a card that is declined; or go back
/_stripe/onboarding/…   the pages where an organization says who it is

What happens is told to /api/webhooks/stripe, signed as Stripe signs, by the pump; levers (`lever`) hold it back or
send it twice or out of order, and do what one does in Stripe's dashboard: refunds, disputes, taking access away. Times
are the application's clock's. Everything is state that a reset puts back.
"""

import hashlib
import hmac
import http.client
import json
import os
import random
import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from infra.local import cloud, moto_fix
from infra.local.gateway import Answer

PREFIX = "/_stripe/"
DECLINES = {
    "4000000000000002": "card_declined",
    "4000000000009995": "insufficient_funds",
    "4000000000000069": "expired_card",
}
ASKS_AGAIN = "4000002500003155"  # works with its holder present, never without
LEAST = {"gbp": 30}  # minor units; of other currencies that are billed in here, 50
MOST = 99_999_999  # eight digits
_SPACE = re.compile(r"[^0-9]")


class Refusal(Exception):
    """What Stripe answers instead: status, type, code, message, parameter."""

    def __init__(self, status: int, kind: str, code: str | None, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.error = {"type": kind, "code": code, "message": message, **more}


def _invalid(message: str, code: str | None = None, **more: Any) -> Refusal:
    return Refusal(400, "invalid_request_error", code, message, **more)


def _missing(what: str) -> Refusal:
    return Refusal(404, "invalid_request_error", "resource_missing", f"No such {what}")


@dataclass
class Book:
    """The objects of one account, by id; in order of creation."""

    objects: dict[str, dict[str, Any]] = field(default_factory=dict)

    def of(self, kind: str) -> list[dict[str, Any]]:
        """All of a kind, newest first."""
        return [each for each in reversed(self.objects.values()) if each["object"] == kind]


@dataclass
class Backend:
    """Everything that there is. `requests` is what was sent here, word for word."""

    books: dict[str, Book] = field(default_factory=dict)
    accounts: dict[str, dict[str, Any]] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    answers: dict[str, tuple[str, int, dict[str, Any]]] = field(default_factory=dict)
    requests: list[dict[str, Any]] = field(default_factory=list)
    pending: list[dict[str, Any]] = field(default_factory=list)
    sent: list[dict[str, Any]] = field(default_factory=list)
    numbers: dict[str, str] = field(default_factory=dict)  # payment method → card number
    down: int = 0
    lost: int = 0  # answers that do not arrive though what was asked for is done
    deaf: int = 0  # acts that are not heard: reading works
    held: bool = False
    copies: int = 1
    shuffled: bool = False
    counter: int = 0

    def new_id(self, prefix: str) -> str:
        """A fresh id."""
        self.counter += 1
        return f"{prefix}_{self.counter:06d}{secrets.token_hex(8)}"

    def book(self, account: str | None) -> Book:
        """The objects of an account that gave the platform access."""
        held = self.accounts.get(account or "")
        if held is None or held.get("deauthorized"):
            raise Refusal(403, "invalid_request_error", "account_invalid", "The key has no access to this account")
        return self.books.setdefault(str(account), Book())

    def tell(self, now: datetime, account: str | None, kind: str, about: dict[str, Any]) -> None:
        """An event to be delivered."""
        self.pending.append(
            {
                "id": self.new_id("evt"),
                "object": "event",
                "api_version": "2026-10-28.endive",
                "account": account,
                "created": int(now.timestamp()),
                "livemode": False,
                "type": kind,
                "data": {"object": json.loads(json.dumps(about))},
            }
        )


BACKENDS = {cloud.ACCOUNT: {"stripe": Backend()}}


def backend() -> Backend:
    """The one there is."""
    return BACKENDS[cloud.ACCOUNT]["stripe"]


# ---- the API ----


def answer(method: str, target: str, headers: dict[str, str], body: bytes, now: datetime) -> Answer:
    """One request below /_stripe/."""
    parts = urlsplit(target)
    path = parts.path.removeprefix(PREFIX)
    with moto_fix.LOCK:
        if path.startswith("v1/"):
            return _api(method, path.removeprefix("v1/"), parts.query, headers, body.decode(), now)
        return _page(method, path, body.decode(), now)


def _api(method: str, path: str, query: str, headers: dict[str, str], body: str, now: datetime) -> Answer:
    all_of_it = backend()
    account, key = headers.get("stripe-account"), headers.get("idempotency-key")
    sent = body if method == "POST" else query
    all_of_it.requests.append({"method": method, "path": path, "account": account, "key": key, "sent": sent})
    if all_of_it.down > 0 or (all_of_it.deaf > 0 and method == "POST"):
        all_of_it.down, all_of_it.deaf = max(0, all_of_it.down - 1), max(0, all_of_it.deaf - (method == "POST"))
        return _json(503, {"error": {"type": "api_error", "message": "Something is not working here"}})
    if headers.get("authorization") != f"Bearer {cloud.STRIPE_KEY}":
        return _json(401, {"error": {"type": "invalid_request_error", "message": "Invalid API Key provided"}})
    place, digest = f"{account}|{key}", hashlib.sha256(f"{method} {path} {sent}".encode()).hexdigest()
    if key and method == "POST" and place in all_of_it.answers:
        before, status, known = all_of_it.answers[place]
        if before != digest:
            message = "Keys for idempotent requests can only be used with the same parameters"
            return _json(400, {"error": {"type": "idempotency_error", "message": message}})
        return _arrived(all_of_it, _json(status, known, replayed=True))
    try:
        found = _called(all_of_it, method, path, _decoded(sent), account, now)
        status, told = 200, found
    except Refusal as why:
        status, told = why.status, {"error": why.error}
    if key and method == "POST":
        all_of_it.answers[place] = (digest, status, told)
    return _arrived(all_of_it, _json(status, told)) if method == "POST" else _json(status, told)


def _arrived(all_of_it: Backend, given: Answer) -> Answer:
    if all_of_it.lost <= 0:
        return given
    all_of_it.lost -= 1
    return _json(503, {"error": {"type": "api_error", "message": "Something broke on the way back"}})


def _json(status: int, value: Any, replayed: bool = False) -> Answer:
    headers = [("Content-Type", "application/json"), ("Request-Id", f"req_{secrets.token_hex(7)}")]
    if replayed:
        headers.append(("Idempotent-Replayed", "true"))
    return Answer(status, headers, json.dumps(value).encode())


def _decoded(text: str) -> dict[str, Any]:
    """a[b][0][c]=d as {"a": {"b": [{"c": "d"}]}}."""
    tree: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        keys = [name.partition("[")[0], *re.findall(r"\[([^\]]*)\]", name)]
        node = tree
        for each in keys[:-1]:
            node = node.setdefault(each, {})
        last = keys[-1] if keys[-1] != "" else str(len(node))
        node[last] = value
    listed: dict[str, Any] = _lists(tree)
    return listed


def _lists(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    plain = {key: _lists(value) for key, value in node.items()}
    if plain and all(key.isdigit() for key in plain):
        return [plain[key] for key in sorted(plain, key=int)]
    return plain


Operation = Callable[["Call"], dict[str, Any]]


@dataclass
class Call:
    """One request, checked."""

    backend: Backend
    account: str | None
    params: dict[str, Any]
    ids: tuple[str, ...]
    now: datetime

    @property
    def book(self) -> Book:
        """The objects of the account."""
        return self.backend.book(self.account)

    def find(self, object_id: str, kind: str) -> dict[str, Any]:
        """An object of this account."""
        found = self.book.objects.get(object_id)
        if found is None or found["object"] != kind:
            raise _missing(kind)
        return found

    def keep(self, prefix: str, kind: str, **values: Any) -> dict[str, Any]:
        """A new object of this account."""
        return _keep(self.backend, self.book, prefix, kind, self.now, **values)

    def tell(self, event: str, about: dict[str, Any]) -> None:
        """An event of this account."""
        self.backend.tell(self.now, self.account, event, about)


def _keep(all_of_it: Backend, book: Book, prefix: str, kind: str, now: datetime, **values: Any) -> dict[str, Any]:
    made = {
        "id": all_of_it.new_id(prefix), "object": kind, "created": int(now.timestamp()), "livemode": False,
        "metadata": {}, **values,
    }  # fmt: skip
    book.objects[made["id"]] = made
    return made


def _called(
    all_of_it: Backend, method: str, path: str, sent: dict[str, Any], account: str | None, now: datetime
) -> dict[str, Any]:
    for (wanted, pattern), (params, operation) in _OPERATIONS.items():
        match = re.fullmatch(pattern, path)
        if match and wanted == method:
            return operation(Call(all_of_it, account, _checked(params, sent), match.groups(), now))
    raise Refusal(404, "invalid_request_error", None, f"Unrecognized request URL ({method}: /v1/{path})")


def _checked(name: str, sent: dict[str, Any]) -> dict[str, Any]:
    """What was sent, by the SDK's own type of it; anything that the type does not know is refused."""
    from pydantic import ValidationError

    try:
        checked: dict[str, Any] = _type_of(name).validate_python(sent)
    except ValidationError as wrong:
        first = wrong.errors(include_url=False)[0]
        place = "[".join(str(part) for part in first["loc"])
        code = "parameter_unknown" if first["type"] == "extra_forbidden" else None
        raise _invalid(f"{first['msg']}: {place}", code, param=place) from None
    return checked


_types: dict[str, Any] = {}


class _Untyped:
    """What the SDK's types say where anything may stand: metadata."""

    def __class_getitem__(cls, item: Any) -> Any:
        return dict[str, item]


def _type_of(name: str) -> Any:
    """The SDK's TypedDict, strict about names (notes: stack 7)."""
    if name in _types:
        return _types[name]
    import importlib
    import typing

    import stripe
    import typing_extensions
    from pydantic import TypeAdapter

    module = importlib.import_module(f"stripe.params.{name.rpartition('.')[0]}")
    options = set(stripe.RequestOptions.__annotations__)
    for each in vars(module).values():
        if isinstance(each, type) and hasattr(each, "__total__"):
            each.__pydantic_config__ = {"extra": "forbid"}  # type: ignore[attr-defined]
            for option in options & set(each.__annotations__):  # those are headers, never parameters
                del each.__annotations__[option]
    names = {**vars(typing), **vars(typing_extensions), **vars(module), "stripe": stripe, "StripeContext": str}
    names["UntypedStripeObject"] = module.UntypedStripeObject = _Untyped  # type: ignore[attr-defined]
    adapter = TypeAdapter(getattr(module, name.rpartition(".")[2]))
    adapter.rebuild(force=True, _types_namespace=names)
    _types[name] = adapter
    return adapter


# ---- accounts ----


def _create_account(call: Call) -> dict[str, Any]:
    account_id = call.backend.new_id("acct")
    return open_account(account_id, call.params.get("country", "US"), call.params.get("metadata", {}), ready=False)


def open_account(account_id: str, country: str, metadata: dict[str, str], *, ready: bool) -> dict[str, Any]:
    """An account that the platform may act for; `ready`: its owner has said everything."""
    currency = {"CA": "cad", "GB": "gbp", "AU": "aud", "NZ": "nzd"}.get(country, "usd")
    made = {
        "id": account_id, "object": "account", "type": "standard", "country": country, "default_currency": currency,
        "charges_enabled": ready, "details_submitted": ready, "payouts_enabled": ready, "metadata": metadata,
        "requirements": {"currently_due": [] if ready else ["business_profile.url", "external_account"]},
    }  # fmt: skip
    backend().accounts[account_id] = made
    backend().books.setdefault(account_id, Book())
    return made


def _account(call: Call) -> dict[str, Any]:
    found = call.backend.accounts.get(call.ids[0])
    if found is None or found.get("deauthorized"):
        raise Refusal(403, "invalid_request_error", "account_invalid", "The key has no access to this account")
    return found


def _create_link(call: Call) -> dict[str, Any]:
    account = call.params["account"]
    call.backend.book(account)
    link = secrets.token_hex(12)
    call.backend.links[link] = json.dumps({"account": account, "back": call.params["return_url"]})
    return {"object": "account_link", "url": f"{_here()}onboarding/{link}", "created": int(call.now.timestamp())}


def _here() -> str:
    return os.environ["STRIPE_API"].removesuffix("/_stripe") + PREFIX


# ---- customers and cards ----


def _create_customer(call: Call) -> dict[str, Any]:
    return call.keep("cus", "customer", **call.params)


def _customers_cards(call: Call) -> dict[str, Any]:
    call.find(call.ids[0], "customer")
    return _list(call, [each for each in call.book.of("payment_method") if each["customer"] == call.ids[0]])


def _detach(call: Call) -> dict[str, Any]:
    method = call.find(call.ids[0], "payment_method")
    if method["customer"] is None:
        raise _invalid("This card is not attached to a customer", "payment_method_unexpected_state")
    method["customer"] = None
    call.tell("payment_method.detached", method)
    return method


# ---- Checkout ----


def _create_session(call: Call) -> dict[str, Any]:
    params = call.params
    if params.get("customer"):
        call.find(params["customer"], "customer")
    seconds = int(params.get("expires_at", call.now.timestamp() + 86400)) - call.now.timestamp()
    if not 30 * 60 - 5 <= seconds <= 24 * 3600 + 5:
        raise _invalid(
            "The `expires_at` timestamp must be between 30 minutes and 24 hours from now", param="expires_at"
        )
    items = params["line_items"]
    total = sum(item["quantity"] * item["price_data"]["unit_amount"] for item in items)
    _require_chargeable(total, items[0]["price_data"]["currency"])
    made = call.keep(
        "cs_test", "checkout.session",
        status="open", payment_status="unpaid", mode=params["mode"], amount_total=total,
        currency=items[0]["price_data"]["currency"], client_reference_id=params.get("client_reference_id"),
        metadata=params.get("metadata", {}), customer=params.get("customer"), payment_intent=None,
        expires_at=int(params.get("expires_at", call.now.timestamp() + 86400)),
        success_url=params["success_url"], cancel_url=params.get("cancel_url"),
    )  # fmt: skip
    made["url"] = f"{_here()}checkout/{made['id']}"
    made["_account"], made["_label"] = call.account, items[0]["price_data"]["product_data"]["name"]
    made["_intent"] = params.get("payment_intent_data", {})
    return _shown(made)


def _shown(session: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in session.items() if not name.startswith("_")}


def _session(call: Call) -> dict[str, Any]:
    _expire_old(call.backend, call.now)
    return _shown(call.find(call.ids[0], "checkout.session"))


def _sessions(call: Call) -> dict[str, Any]:
    wanted = call.params.get("payment_intent")
    found = [each for each in call.book.of("checkout.session") if wanted in (None, each["payment_intent"])]
    return _list(call, [_shown(each) for each in found])


def _expire_session(call: Call) -> dict[str, Any]:
    session = call.find(call.ids[0], "checkout.session")
    if session["status"] != "open":
        raise _invalid("Only Checkout Sessions with a status in [open] can be expired")
    _expire(call.backend, session, call.now)
    return _shown(session)


def _expire(all_of_it: Backend, session: dict[str, Any], now: datetime) -> None:
    session["status"], session["url"] = "expired", None
    all_of_it.tell(now, session["_account"], "checkout.session.expired", _shown(session))


def _expire_old(all_of_it: Backend, now: datetime) -> None:
    for book in all_of_it.books.values():
        for each in book.of("checkout.session"):
            if each["status"] == "open" and each["expires_at"] <= now.timestamp():
                _expire(all_of_it, each, now)


def _require_chargeable(amount: int, currency: str) -> None:
    if amount < LEAST.get(currency, 50):
        raise _invalid("The amount is below the least amount", "amount_too_small")
    if amount > MOST:
        raise _invalid("The amount is above the greatest amount", "amount_too_large")


# ---- payment intents ----


def _create_intent(call: Call) -> dict[str, Any]:
    params = call.params
    _require_chargeable(params["amount"], params["currency"])
    if bool(params.get("off_session")) != bool(params.get("confirm")):
        raise _invalid("This stand-in charges saved cards with nobody present, or nothing")
    confirm = bool(params.get("confirm"))
    method = call.find(params["payment_method"], "payment_method") if confirm else {}
    if confirm and method["customer"] != params.get("customer"):
        raise _invalid("The card does not belong to this customer", "resource_missing")
    intent = call.keep(
        "pi", "payment_intent",
        amount=params["amount"], amount_received=0, currency=params["currency"], customer=params["customer"],
        metadata=params.get("metadata", {}), status="requires_payment_method", latest_charge=None,
        last_payment_error=None, payment_method=None,
    )  # fmt: skip
    if not confirm:
        return intent
    number = call.backend.numbers[method["id"]]
    why = DECLINES.get(number) or ("authentication_required" if number == ASKS_AGAIN else None)
    if why:
        _decline(call.backend, call.account, intent, why, call.now)
        error = {"payment_intent": intent, "decline_code": why}
        raise Refusal(402, "card_error", why, "The card was declined.", **error)
    _succeed(call.backend, call.account, intent, method, call.now)
    return intent


def _cancel_intent(call: Call) -> dict[str, Any]:
    intent = call.find(call.ids[0], "payment_intent")
    if intent["status"] in ("succeeded", "canceled"):
        raise _invalid("This intent is over", "payment_intent_unexpected_state")
    intent["status"] = "canceled"
    call.tell("payment_intent.canceled", intent)
    return intent


def _decline(all_of_it: Backend, account: str | None, intent: dict[str, Any], code: str, now: datetime) -> None:
    intent["last_payment_error"] = {"type": "card_error", "code": code, "message": "The card was declined."}
    all_of_it.tell(now, account, "payment_intent.payment_failed", intent)


def _succeed(
    all_of_it: Backend, account: str | None, intent: dict[str, Any], method: dict[str, Any], now: datetime
) -> None:
    book = all_of_it.book(account)
    card = {name: method["card"][name] for name in ("brand", "last4", "exp_month", "exp_year")}
    charge = _keep(
        all_of_it, book, "ch", "charge", now,
        amount=intent["amount"], amount_refunded=0, refunded=False, disputed=False, currency=intent["currency"],
        payment_intent=intent["id"], metadata=intent["metadata"], paid=True, status="succeeded",
        payment_method_details={"type": "card", "card": card}, customer=intent["customer"],
    )  # fmt: skip
    intent |= {"status": "succeeded", "amount_received": intent["amount"], "latest_charge": charge["id"]}
    intent |= {"payment_method": method["id"], "last_payment_error": None}
    all_of_it.tell(now, account, "charge.succeeded", charge)
    all_of_it.tell(now, account, "payment_intent.succeeded", intent)


def _intent(call: Call) -> dict[str, Any]:
    intent = dict(call.find(call.ids[0], "payment_intent"))
    if "latest_charge" in call.params.get("expand", []) and intent["latest_charge"]:
        intent["latest_charge"] = call.book.objects[intent["latest_charge"]]
    return intent


def _intents(call: Call) -> dict[str, Any]:
    return _list(call, call.book.of("payment_intent"))


# ---- refunds and disputes ----


def _create_refund(call: Call) -> dict[str, Any]:
    intent = call.find(call.params["payment_intent"], "payment_intent")
    return refund(
        call.backend, call.account, intent, call.params.get("amount"), call.params.get("metadata", {}), call.now
    )


def refund(
    all_of_it: Backend,
    account: str | None,
    intent: dict[str, Any],
    amount: int | None,
    metadata: dict[str, str],
    now: datetime,
) -> dict[str, Any]:
    """Send money back, from here or from the dashboard."""
    book = all_of_it.book(account)
    if intent["latest_charge"] is None or intent["status"] != "succeeded":
        raise _invalid("This payment has not succeeded", "payment_intent_unexpected_state")
    charge = book.objects[intent["latest_charge"]]
    left = charge["amount"] - charge["amount_refunded"]
    amount = left if amount is None else amount
    if charge["disputed"]:
        raise _invalid("The charge has been charged back", "charge_disputed")
    if not 0 < amount <= left:
        raise _invalid("The refund is greater than what is left of the charge", "charge_already_refunded")
    made = _keep(
        all_of_it, book, "re", "refund", now,
        amount=amount, currency=intent["currency"], charge=charge["id"], payment_intent=intent["id"],
        metadata=metadata, status="succeeded",
    )  # fmt: skip
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    all_of_it.tell(now, account, "refund.created", made)
    all_of_it.tell(now, account, "charge.refunded", charge)
    return made


def _refunds(call: Call) -> dict[str, Any]:
    return _list(call, _of_intent(call, "refund"))


def _disputes(call: Call) -> dict[str, Any]:
    return _list(call, _of_intent(call, "dispute"))


def _of_intent(call: Call, kind: str) -> list[dict[str, Any]]:
    wanted = call.params.get("payment_intent")
    return [each for each in call.book.of(kind) if wanted in (None, each["payment_intent"])]


def _list(call: Call, found: list[dict[str, Any]]) -> dict[str, Any]:
    """One page, newest first, as `created`, `limit` and `starting_after` ask for it."""
    created = call.params.get("created", {})
    first, last = created.get("gte", 0), created.get("lt", 2**62)
    found = [each for each in found if first <= each.get("created", 0) < last]
    if (after := call.params.get("starting_after")) is not None:
        places = [position for position, each in enumerate(found) if each["id"] == after]
        found = found[places[0] + 1 :] if places else []
    limit = int(call.params.get("limit", 10))
    return {"object": "list", "url": "/v1/list", "data": found[:limit], "has_more": len(found) > limit}


_OPERATIONS: dict[tuple[str, str], tuple[str, Operation]] = {
    ("POST", "accounts"): ("_account_create_params.AccountCreateParams", _create_account),
    ("GET", r"accounts/([^/]+)"): ("_account_retrieve_params.AccountRetrieveParams", _account),
    ("POST", "account_links"): ("_account_link_create_params.AccountLinkCreateParams", _create_link),
    ("POST", "customers"): ("_customer_create_params.CustomerCreateParams", _create_customer),
    ("GET", r"customers/([^/]+)/payment_methods"): (
        "_customer_payment_method_list_params.CustomerPaymentMethodListParams", _customers_cards,
    ),
    ("POST", r"payment_methods/([^/]+)/detach"): ("_payment_method_detach_params.PaymentMethodDetachParams", _detach),
    ("POST", "checkout/sessions"): ("checkout._session_create_params.SessionCreateParams", _create_session),
    ("GET", "checkout/sessions"): ("checkout._session_list_params.SessionListParams", _sessions),
    ("GET", r"checkout/sessions/([^/]+)"): ("checkout._session_retrieve_params.SessionRetrieveParams", _session),
    ("POST", r"checkout/sessions/([^/]+)/expire"): (
        "checkout._session_expire_params.SessionExpireParams", _expire_session,
    ),
    ("POST", "payment_intents"): ("_payment_intent_create_params.PaymentIntentCreateParams", _create_intent),
    ("GET", "payment_intents"): ("_payment_intent_list_params.PaymentIntentListParams", _intents),
    ("GET", r"payment_intents/([^/]+)"): ("_payment_intent_retrieve_params.PaymentIntentRetrieveParams", _intent),
    ("POST", r"payment_intents/([^/]+)/cancel"): (
        "_payment_intent_cancel_params.PaymentIntentCancelParams", _cancel_intent,
    ),
    ("POST", "refunds"): ("_refund_create_params.RefundCreateParams", _create_refund),
    ("GET", "refunds"): ("_refund_list_params.RefundListParams", _refunds),
    ("GET", "disputes"): ("_dispute_list_params.DisputeListParams", _disputes),
}  # fmt: skip


# ---- pages ----

_STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:3rem auto;padding:0 1rem;color:#1d2a2a}
h1{font-size:1.3rem}label{display:block;margin:.8rem 0 .2rem}input{font:inherit;width:100%;padding:.5rem;
box-sizing:border-box;border:1px solid #7b8a87;border-radius:6px}
button,a.go{font:inherit;display:block;width:100%;box-sizing:border-box;text-align:center;margin:1rem 0 0;padding:.6rem;
border-radius:6px;border:1px solid #33413f;background:#fff;color:#1d2a2a;text-decoration:none}
button.main{background:#1d2a2a;color:#fff}.wrong{color:#9b1c1c}.fine{color:#51625f;font-size:.9rem}"""


def _page(method: str, path: str, body: str, now: datetime) -> Answer:
    kind, _, name = path.partition("/")
    form = dict(parse_qsl(body))
    if kind == "checkout":
        return _checkout(method, name, form, now)
    if kind == "onboarding" and name in backend().links:
        return _onboarding(method, name, form, now)
    return _html("Not found", "<p>There is nothing here.</p>", 404)


def _html(title: str, inner: str, status: int = 200) -> Answer:
    text = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style><h1>{escape(title)}</h1>{inner}"
        '<p class="fine">A stand-in for Stripe on this machine: no money moves.</p></html>'
    )
    policy = f"default-src 'none'; style-src 'unsafe-inline'; form-action 'self' {os.environ['PORTAL_ORIGIN']}"
    headers = [("Content-Type", "text/html; charset=utf-8"), ("Content-Security-Policy", policy)]
    return Answer(status, headers, text.encode())


def _checkout(method: str, session_id: str, form: dict[str, str], now: datetime) -> Answer:
    all_of_it = backend()
    _expire_old(all_of_it, now)
    session = next((b.objects[session_id] for b in all_of_it.books.values() if session_id in b.objects), None)
    if session is None:
        return _html("Not found", "<p>There is no such page.</p>", 404)
    if session["status"] == "complete":
        return _to(session["success_url"])
    if session["status"] == "expired":
        return _html("This page has ended", "<p>Go back to where you came from and begin again.</p>", 410)
    if method != "POST":
        return _pay_page(session)
    if form.get("act") == "cancel":
        return _to(session["cancel_url"] or session["success_url"])
    number = _SPACE.sub("", form.get("number", ""))
    if len(number) != 16:
        return _pay_page(session, "Your card number is incomplete.")
    if why := pay(session, number, now):
        said = {"insufficient_funds": "Your card has insufficient funds.", "expired_card": "Your card has expired."}
        return _pay_page(session, said.get(why, "Your card was declined."))
    return _to(session["success_url"])


def _to(address: str) -> Answer:
    return Answer(303, [("Location", address), ("Cache-Control", "no-store")], b"")


def _pay_page(session: dict[str, Any], wrong: str = "") -> Answer:
    amount = f"{session['amount_total'] / 100:,.2f} {session['currency'].upper()}"
    told = f'<p class="wrong" role="alert">{escape(wrong)}</p>' if wrong else ""
    return _html(
        f"Pay {amount}",
        f'<p>{escape(session["_label"])}</p>{told}<form method="post">'
        '<label for="number">Card number</label>'
        '<input id="number" name="number" inputmode="numeric" autocomplete="off" value="4242 4242 4242 4242">'
        f'<button class="main" name="act" value="pay">Pay {amount}</button>'
        '<button name="act" value="cancel">Back</button></form>'
        '<p class="fine">4242… works, 4000 0000 0000 0002 is declined, '
        "4000 0025 0000 3155 works only with you there.</p>",
    )


def pay(session: dict[str, Any], number: str, now: datetime) -> str | None:
    """What the payer does on the page; the code of a decline, or None: it is paid."""
    all_of_it, account = backend(), session["_account"]
    book = all_of_it.book(account)
    wanted = session["_intent"]
    intent = book.objects.get(session.get("_pending") or "")
    if intent is None:
        intent = _keep(
            all_of_it, book, "pi", "payment_intent", now,
            amount=session["amount_total"], amount_received=0, currency=session["currency"],
            customer=session["customer"], metadata=wanted.get("metadata", {}), status="requires_payment_method",
            latest_charge=None, last_payment_error=None, payment_method=None,
        )  # fmt: skip
        session["_pending"] = intent["id"]
        all_of_it.tell(now, account, "payment_intent.created", intent)
    if why := DECLINES.get(number):
        _decline(all_of_it, account, intent, why, now)
        return why
    saved = session["customer"] if wanted.get("setup_future_usage") else None
    card = {"brand": "visa", "last4": number[-4:], "exp_month": 12, "exp_year": now.year + 3}
    method = _keep(all_of_it, book, "pm", "payment_method", now, type="card", customer=saved, card=card)
    all_of_it.numbers[method["id"]] = number
    _succeed(all_of_it, account, intent, method, now)
    session |= {"status": "complete", "payment_status": "paid", "payment_intent": intent["id"], "url": None}
    all_of_it.tell(now, account, "checkout.session.completed", _shown(session))
    return None


def _onboarding(method: str, link: str, form: dict[str, str], now: datetime) -> Answer:
    all_of_it = backend()
    told = json.loads(all_of_it.links[link])
    account = all_of_it.accounts[told["account"]]
    if method != "POST":
        return _html(
            "Say who you are",
            "<p>Stripe asks the owner of the account for name, address and bank account.</p>"
            '<form method="post"><button class="main" name="act" value="finish">Finish</button>'
            '<button name="act" value="later">Later</button></form>',
        )
    del all_of_it.links[link]
    if form.get("act") == "finish":
        account |= {"charges_enabled": True, "details_submitted": True, "payouts_enabled": True}
        account["requirements"] = {"currently_due": []}
        all_of_it.tell(now, told["account"], "account.updated", account)
    return _to(told["back"])


# ---- webhooks ----


def signed(body: str, now: datetime, secret: str | None = None) -> str:
    """The Stripe-Signature of a body at an instant."""
    stamp = int(now.timestamp())
    key = (secret or cloud.STRIPE_WEBHOOK_SECRET).encode()
    mac = hmac.new(key, f"{stamp}.{body}".encode(), hashlib.sha256).hexdigest()
    return f"t={stamp},v1={mac}"


def deliver(now: datetime) -> int:
    """Send what is waiting, as it is asked for: once or several times, in order or not. How many were taken."""
    with moto_fix.LOCK:
        all_of_it = backend()
        _expire_old(all_of_it, now)
        if all_of_it.held or not all_of_it.pending:
            return 0
        events = [each for each in all_of_it.pending for _ in range(all_of_it.copies)]
        if all_of_it.shuffled:
            random.Random(len(events)).shuffle(events)  # noqa: S311
        all_of_it.pending = []
    taken, again = 0, []
    for event in events:
        if post(event, now) // 100 == 2:
            taken += 1
        else:
            again.append(event)
    with moto_fix.LOCK:
        all_of_it.sent += events
        all_of_it.pending = again + all_of_it.pending
    return taken


def post(event: dict[str, Any], now: datetime) -> int:
    """Deliver one event over HTTP: the status that it was answered with; 0 when nobody answers."""
    body = json.dumps(event)
    address = urlsplit(os.environ["PORTAL_ORIGIN"])
    connection = http.client.HTTPConnection("127.0.0.1", address.port or 80, timeout=30)
    headers = {"Content-Type": "application/json", "Stripe-Signature": signed(body, now)}
    try:
        connection.request("POST", "/api/webhooks/stripe", body, headers)
        response = connection.getresponse()
        response.read()
        return response.status
    except OSError:
        return 0
    finally:
        connection.close()


# ---- levers ----


def lever(asked: dict[str, Any], now: datetime) -> dict[str, Any]:
    """What a test or a person wants of it: {"hold": true}, {"copies": 3}, {"shuffle": true}, {"down": 2},
    {"lost": 2} (acts that are done, and the answer does not arrive), {"deaf": 2} (acts that are not done),
    {"forget": true} (what waits is never delivered);
    in the dashboard {"refund": intent, "amount"?}, {"fail_refund": id},
    {"dispute": intent}, {"close": dispute, "won": bool}, {"deauthorize": account}; {"pay": session, "number"?}."""
    with moto_fix.LOCK:
        all_of_it = backend()
        for name, attribute in {"hold": "held", "shuffle": "shuffled"}.items():
            if name in asked:
                setattr(all_of_it, attribute, asked[name])
        for name in ("copies", "down", "lost", "deaf"):
            if name in asked:
                setattr(all_of_it, name, asked[name])
        if asked.get("forget"):
            all_of_it.pending = []
        made = _dashboard(all_of_it, asked, now)
        return {"pending": len(all_of_it.pending), "sent": len(all_of_it.sent), "made": made}


def _dashboard(all_of_it: Backend, asked: dict[str, Any], now: datetime) -> Any:
    if "pay" in asked:
        _, session = _found(all_of_it, asked["pay"])
        return pay(session, asked.get("number", "4242424242424242"), now)
    if "refund" in asked:
        account, intent = _found(all_of_it, asked["refund"])
        return refund(all_of_it, account, intent, asked.get("amount"), {}, now)["id"]
    if "fail_refund" in asked:
        account, made = _found(all_of_it, asked["fail_refund"])
        made["status"] = "failed"
        charge = all_of_it.books[account].objects[made["charge"]]
        charge["amount_refunded"] -= made["amount"]
        charge["refunded"] = False
        for event_type in ("refund.updated", "charge.refund.updated", "refund.failed"):
            all_of_it.tell(now, account, event_type, made)
        return made["id"]
    if "dispute" in asked:
        return _open_dispute(all_of_it, asked["dispute"], now)
    if "close" in asked:
        account, dispute = _found(all_of_it, asked["close"])
        dispute["status"] = "won" if asked["won"] else "lost"
        all_of_it.tell(now, account, "charge.dispute.closed", dispute)
        return dispute["id"]
    if "deauthorize" in asked:
        all_of_it.accounts[asked["deauthorize"]]["deauthorized"] = True
        about = {"id": "ca_platform", "object": "application"}
        all_of_it.tell(now, asked["deauthorize"], "account.application.deauthorized", about)
    return None


def _open_dispute(all_of_it: Backend, intent_id: str, now: datetime) -> str:
    account, intent = _found(all_of_it, intent_id)
    book = all_of_it.books[account]
    charge = book.objects[intent["latest_charge"]]
    charge["disputed"] = True
    made = _keep(
        all_of_it, book, "dp", "dispute", now,
        amount=charge["amount"], currency=charge["currency"], charge=charge["id"], payment_intent=intent_id,
        status="needs_response", reason="fraudulent",
    )  # fmt: skip
    all_of_it.tell(now, account, "charge.dispute.created", made)
    return str(made["id"])


def _found(all_of_it: Backend, object_id: str) -> tuple[str, dict[str, Any]]:
    for account, book in all_of_it.books.items():
        if object_id in book.objects:
            return account, book.objects[object_id]
    raise KeyError(object_id)


def everything_sent() -> Iterator[str]:
    """Every request that came here, as text: address, account and parameters."""
    for each in backend().requests:
        yield f"{each['method']} {each['path']} {each['account']} {each['key']} {each['sent']}"
