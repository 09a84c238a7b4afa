"""The stage's own secrets, read from Secrets Manager when first needed."""

import functools
import hashlib
import hmac
import json
import time

from chalicelib.adapters.aws import client
from chalicelib.config import settings
from chalicelib.errors import ProcessorDown


@functools.cache
def _secrets() -> dict[str, str]:
    answer = client("secretsmanager").get_secret_value(SecretId=settings.secrets_name)
    secrets: dict[str, str] = json.loads(answer["SecretString"])
    if any(len(secrets.get(name, "")) < 32 for name in ("pepper", "token_key")):
        raise RuntimeError("The stage's secret must hold pepper and token_key, 32 characters each or more")
    return secrets


def keyed(*parts: str) -> str:
    """A stable digest of personal words for keys: meaningless without the pepper."""
    return hmac.new(_secrets()["pepper"].encode(), "\x1f".join(parts).encode(), hashlib.sha256).hexdigest()[:40]


def token(*parts: str) -> str:
    """The secret of an e-mailed link: derived again by the mailer, so that it is stored nowhere (256 bits)."""
    import base64

    mac = hmac.new(_secrets()["token_key"].encode(), "\x1f".join(parts).encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(mac).decode().rstrip("=")


STRIPE_SECONDS = 300  # so long a replaced key goes on being used
_stripe: dict[str, tuple[float, dict[str, str]]] = {}


def _of_stripe() -> dict[str, str]:
    """The platform's key and webhook secrets: a secret of its own, which an operator fills (infra/README.md)."""
    kept = _stripe.get(settings.stripe_secret_name)
    if kept is None or time.monotonic() - kept[0] > STRIPE_SECONDS:
        answer = client("secretsmanager").get_secret_value(SecretId=settings.stripe_secret_name)
        kept = _stripe[settings.stripe_secret_name] = (time.monotonic(), json.loads(answer["SecretString"]))
    return kept[1]


def stripe_key() -> str:
    """The platform's key at Stripe. Raises ProcessorDown while there is none."""
    if not (key := _of_stripe().get("key", "")):
        raise ProcessorDown()
    return key


def forget_stripe_key() -> None:
    """Stripe does not take it any more: it is read anew."""
    _stripe.clear()


def stripe_webhook_secrets() -> list[str]:
    """What Stripe signs with: the present secret, and the one before while it is being replaced."""
    kept = _of_stripe()
    return [kept[name] for name in ("webhook_secret", "webhook_secret_before") if kept.get(name)]
