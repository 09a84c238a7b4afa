"""Each tenant's data key: wrapped by KMS, kept outside the table and its backups, used in memory only.

Without the wrapped key an export of the table reads nothing of what people wrote; deleting it shreds their words.
"""

import json
import os
import threading
import time
import zlib
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.adapters.aws import client
from chalicelib.config import settings

KEPT_SECONDS = 300
_NONCE = 12
_cache: dict[str, tuple[float, bytes]] = {}
_lock = threading.Lock()


def create(tenant_id: str) -> None:
    """Make the tenant's data key unless it has one; safe to repeat."""
    answer = client("kms").generate_data_key_without_plaintext(
        KeyId=settings.data_key_id, KeySpec="AES_256", EncryptionContext={"tenant": tenant_id}
    )
    try:
        client("s3").put_object(
            Bucket=settings.keys_bucket,
            Key=_object(tenant_id),
            Body=answer["CiphertextBlob"],
            IfNoneMatch="*",
        )
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("PreconditionFailed", "ConditionalRequestConflict"):
            raise


def encrypt(tenant_id: str, value: Any, place: str) -> bytes:
    """`value` as JSON under the tenant's key; it can only be read again as what stands at `place`."""
    plain = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    nonce = os.urandom(_NONCE)
    sealed: bytes = _cipher(tenant_id).encrypt(nonce, zlib.compress(plain, 6), place.encode())
    return b"\x01" + nonce + sealed


def decrypt(tenant_id: str, sealed: bytes, place: str) -> Any:
    """What `encrypt` was given. Raises cryptography's InvalidTag when bytes, tenant or place are others."""
    nonce, ciphertext = sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
    return json.loads(zlib.decompress(_cipher(tenant_id).decrypt(nonce, ciphertext, place.encode())))


def forget() -> None:
    """Drop every key from memory."""
    _cache.clear()


def _cipher(tenant_id: str) -> Any:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    with _lock:
        kept = _cache.get(tenant_id)
        if kept is None or time.monotonic() - kept[0] > KEPT_SECONDS:
            kept = _cache[tenant_id] = (time.monotonic(), _unwrapped(tenant_id))
    return AESGCM(kept[1])


def _unwrapped(tenant_id: str) -> bytes:
    wrapped = client("s3").get_object(Bucket=settings.keys_bucket, Key=_object(tenant_id))["Body"].read()
    answer = client("kms").decrypt(
        CiphertextBlob=wrapped, KeyId=settings.data_key_id, EncryptionContext={"tenant": tenant_id}
    )
    return bytes(answer["Plaintext"])


def _object(tenant_id: str) -> str:
    return f"tenants/{tenant_id}/data-key.v1"
