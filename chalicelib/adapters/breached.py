"""Pass phrases that are known to have leaked: an operator's own list in the keys bucket, if there is one.

The object `passwords/breached.v1` is what `python -m infra.breached` makes of a text file: eight bytes of a digest for
each pass phrase, in order, so that a million take 8 MB and a look-up no time. It is read once a process, when somebody
first chooses a password; without it the built-in rules stand alone.
"""

import functools
import hashlib
from collections.abc import Iterable

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.adapters.aws import client
from chalicelib.config import settings
from chalicelib.observability import logger, where

KEY = "passwords/breached.v1"
MAGIC = b"portal breached 1\n"
WIDTH = 8


def is_known(password: str) -> bool:
    """Whether this pass phrase, or one that differs in spaces and capitals only, is on the list."""
    return _contains(_listed(), _digest(password))


def packed(passwords: Iterable[str]) -> bytes:
    """The file of these pass phrases."""
    return MAGIC + b"".join(sorted({_digest(each) for each in passwords}))


def _digest(password: str) -> bytes:
    plain = "".join(password.casefold().split())
    return hashlib.sha256(plain.encode()).digest()[:WIDTH]


def _contains(listed: bytes, wanted: bytes) -> bool:
    low, high = 0, len(listed) // WIDTH
    while low < high:
        middle = (low + high) // 2
        found = listed[middle * WIDTH : middle * WIDTH + WIDTH]
        if found == wanted:
            return True
        low, high = (middle + 1, high) if found < wanted else (low, middle)
    return False


@functools.cache
def _listed() -> bytes:
    """The digests in order. A list that cannot be read stops nobody from choosing a password; the log says so."""
    try:
        held: bytes = client("s3").get_object(Bucket=settings.keys_bucket, Key=KEY)["Body"].read()
    except (ClientError, BotoCoreError) as error:
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
        if code not in (
            "NoSuchKey",
            "AccessDenied",
        ):  # S3 says AccessDenied of what is not there to whoever may not list
            logger.warning("breached_list_not_read", error=where(error))
        return b""
    if not held.startswith(MAGIC) or (len(held) - len(MAGIC)) % WIDTH:
        logger.warning("breached_list_not_read", error="not a list")
        return b""
    return held[len(MAGIC) :]
