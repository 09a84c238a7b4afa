"""Keeps the local cloud: whole snapshots in memory (a reset) and on disk (a restart, also after kill -9).

A snapshot is a pickle of moto's backends, taken between two calls. On disk it is written beside the old one and renamed
over it, so what is there is always whole; a change reaches the disk within about half a second.
"""

import contextlib
import copyreg
import gc
import io
import os
import pickle
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Condition
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from moto.core.botocore_stubber import BotocoreStubber
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import LimitedSizeDict
from moto.kms.models import kms_backends
from moto.s3.models import s3_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.ses.models import ses_backends
from moto.sqs.models import sqs_backends

from infra.local import cloud, moto_fix, moto_quick, stripe_double

WRITE_SECONDS = 0.3
BACKENDS = {
    "dynamodb": (dynamodb_backends, cloud.REGION),
    "s3": (s3_backends, "aws"),
    "sqs": (sqs_backends, cloud.REGION),
    "ses": (ses_backends, cloud.REGION),
    "kms": (kms_backends, cloud.REGION),
    "secretsmanager": (secretsmanager_backends, cloud.REGION),
    "stripe": (stripe_double.BACKENDS, "stripe"),
}
CHANGING = ("dynamodb", "s3", "sqs", "ses", "stripe")  # what a reset puts back; keys and secrets stay as they are


class _Pickler(pickle.Pickler):
    """Knows the two things in moto's state that cannot be pickled as they are, and one that is slow to come back."""

    dispatch_table = copyreg.dispatch_table | {LimitedSizeDict: moto_quick.reduced}

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, rsa.RSAPrivateKey):
            return _rsa, (
                value.private_bytes(
                    serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
                ),
            )
        if isinstance(value, Condition):
            return Condition, ()
        return NotImplemented


def _rsa(der: bytes) -> Any:
    return serialization.load_der_private_key(der, None)


def backend(name: str) -> Any:
    """moto's own object behind one service."""
    backends, region = BACKENDS[name]
    return backends[cloud.ACCOUNT][region]


def snapshot(names: tuple[str, ...] = tuple(BACKENDS)) -> bytes:
    """These services as they are between two calls."""
    buffer = io.BytesIO()
    with moto_fix.LOCK:
        _Pickler(buffer, pickle.HIGHEST_PROTOCOL).dump({name: backend(name).__dict__ for name in names})
    return buffer.getvalue()


def restore(taken: bytes) -> None:
    """Put back what `snapshot` took; the other services stay."""
    from chalicelib.services import forms

    with _no_garbage():
        services: dict[str, dict[str, Any]] = pickle.loads(taken)  # noqa: S301 - our own file, never from outside
    with moto_fix.LOCK:
        for name, attributes in services.items():
            kept = backend(name).__dict__
            kept.clear()
            kept.update(attributes)
        if "s3" in services:
            for bucket in backend("s3").buckets:
                s3_backends.bucket_accounts[bucket] = ("aws", cloud.ACCOUNT)
        moto_fix.forget_tokens()
        forms.forget()  # versions are kept in memory because they never change: here they can


@contextlib.contextmanager
def _no_garbage() -> Iterator[None]:
    """Thousands of objects that all stay: looking for garbage among them several times costs more than making them."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


class Keeper:
    """Writes the cloud to a file soon after it changed."""

    def __init__(self, path: Path, extra: Callable[[], Any]) -> None:
        """`extra` is kept with it: what is not moto's (the clock)."""
        self._path, self._extra = path, extra
        self._changed, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)

    def start(self) -> None:
        """Watch for changes from now on."""
        _watch(self._changed)
        self._thread.start()

    def changed(self) -> None:
        """Something that is not an AWS call changed."""
        self._changed.set()

    def close(self) -> None:
        """Write a last time and stop."""
        self._stop.set()
        self._changed.set()
        self._thread.join()
        write(self._path, {"cloud": snapshot(), "extra": self._extra()})

    def _run(self) -> None:
        while not self._stop.is_set():
            self._changed.wait()
            self._changed.clear()
            began = time.monotonic()
            write(self._path, {"cloud": snapshot(), "extra": self._extra()})
            # A large state is written less often, so that keeping never takes more than a tenth of the time.
            self._stop.wait(max(WRITE_SECONDS, 9 * (time.monotonic() - began)))


_READS = ("Get", "Query", "BatchGet", "Describe", "List", "Head", "Decrypt", "Sign")


def _watch(changed: threading.Event) -> None:
    """Set `changed` after every call that may have changed something."""
    original = BotocoreStubber.process_request

    def process(self: Any, request: Any) -> Any:
        answer = original(self, request)
        target = request.headers.get("X-Amz-Target", b"")
        operation = (target.decode() if isinstance(target, bytes) else target).rpartition(".")[2]
        if not operation.startswith(_READS) and not (request.method == "GET" and not operation):
            changed.set()
        return answer

    BotocoreStubber.process_request = process


def write(path: Path, value: Any) -> None:
    """Pickle `value` into `path`, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    with temporary.open("wb") as file:
        pickle.dump(value, file, pickle.HIGHEST_PROTOCOL)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def read(path: Path) -> Any:
    """What `write` wrote, or None."""
    return pickle.loads(path.read_bytes()) if path.exists() else None  # noqa: S301 - our own file
