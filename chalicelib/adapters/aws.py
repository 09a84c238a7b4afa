"""AWS clients: one botocore session, each client made once, when first used."""

import functools
import threading
from typing import Any

import botocore.session
from botocore.config import Config

from chalicelib.config import settings

_lock = threading.Lock()


@functools.cache
def session() -> botocore.session.Session:
    """The one session; a second client on it costs 2.5 ms, a second session 60 ms."""
    return botocore.session.get_session()


@functools.cache
def _made(service: str) -> Any:
    # S3's own checksums are not compared on reading: a damaged object would look like a broken line, to be tried again.
    # What is read is checked by us: documents against the filed SHA-256 and their seal, keys when they are unwrapped.
    config = Config(
        connect_timeout=2,
        read_timeout=10,
        retries={"total_max_attempts": 3, "mode": "standard"},
        response_checksum_validation="when_required",
    )
    return session().create_client(service, region_name=settings.aws_region, config=config)


def client(service: str) -> Any:
    """The client of one AWS service (`s3`, `sqs`, `sesv2`, `kms`, `secretsmanager`)."""
    with _lock:
        return _made(service)
