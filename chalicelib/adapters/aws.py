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
    timeouts = Config(connect_timeout=2, read_timeout=10, retries={"total_max_attempts": 3, "mode": "standard"})
    return session().create_client(service, region_name=settings.aws_region, config=timeouts)


def client(service: str) -> Any:
    """The client of one AWS service (`s3`, `sqs`, `sesv2`, `kms`, `secretsmanager`)."""
    with _lock:
        return _made(service)
