"""Makes moto keep DynamoDB's promises: one call at a time, whole transactions, request tokens.

Unchanged, moto copies the whole table once for every item of a transaction and, when a condition fails, puts that copy
back over whatever others wrote meanwhile: under threads two bookings win one slot, acknowledged writes vanish. It takes
no notice of ClientRequestToken, and takes a part for an upload that is not there as an error of its own. This touches
moto's private names, so moto is pinned, and a test races it (tests/infra/test_local.py). What makes it quick is in
moto_quick.py.
"""

import copy
import functools
import json
import threading
import time
from collections.abc import Callable
from typing import Any

from moto.core.botocore_stubber import BotocoreStubber
from moto.dynamodb import models, responses
from moto.dynamodb.exceptions import DynamodbException
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.s3 import models as s3_models
from moto.s3.exceptions import NoSuchUpload

from infra.local import moto_quick

LOCK = threading.RLock()
"""Held during every call to any service, so whoever holds it sees the whole cloud between two calls."""

TOKEN_SECONDS = 600  # how long DynamoDB remembers a ClientRequestToken

_tokens: dict[str, tuple[float, str]] = {}
_installed = False


def install() -> None:
    """Patch moto in this process, once; before or after its mocks are started."""
    global _installed
    if _installed:
        return
    _installed = True
    moto_quick.install()
    BotocoreStubber.process_request = _one_at_a_time(BotocoreStubber.process_request)
    responses.DynamoHandler.transact_write_items = _once_per_token(responses.DynamoHandler.transact_write_items)
    for name in ("upload_part", "complete_multipart_upload"):
        setattr(s3_models.S3Backend, name, _of_an_upload(getattr(s3_models.S3Backend, name)))
    models.DynamoDBBackend.transact_write_items = _undone_by_item(models.DynamoDBBackend.transact_write_items)
    models.copy = _NoTableCopy


def _of_an_upload(original: Callable[..., Any]) -> Callable[..., Any]:
    """As S3 says it: there is no such upload, or no more."""

    @functools.wraps(original)
    def act(self: Any, bucket_name: str, multipart_id: str, *args: Any, **kwargs: Any) -> Any:
        if multipart_id not in self.get_bucket(bucket_name).multiparts:
            raise NoSuchUpload(upload_id=multipart_id)
        return original(self, bucket_name, multipart_id, *args, **kwargs)

    return act


def forget_tokens() -> None:
    """Drop the remembered request tokens: the world they belong to was put back."""
    _tokens.clear()


def _one_at_a_time(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def locked(*args: Any, **kwargs: Any) -> Any:
        with LOCK:
            return function(*args, **kwargs)

    return locked


class _NoTableCopy:
    """Stands in for the module `copy` inside moto.dynamodb.models: a table is never copied whole."""

    copy = staticmethod(copy.copy)

    @staticmethod
    def deepcopy(value: Any, memo: Any = None) -> Any:
        return value if isinstance(value, models.Table) else copy.deepcopy(value, memo)


def _undone_by_item(original: Callable[..., Any]) -> Callable[..., Any]:
    """A transaction that fails puts back the items it named, and nothing else."""

    @functools.wraps(original)
    def transact(self: Any, transact_items: list[dict[str, Any]]) -> None:
        before = [place for item in transact_items if (place := _place(self, item)) is not None]
        try:
            original(self, transact_items)
        except Exception:
            for box, key, old in before:
                if old is None:
                    box.pop(key, None)
                else:
                    box[key] = old
            raise

    return transact


def _place(backend: Any, item: dict[str, Any]) -> tuple[dict[Any, Any], Any, Any] | None:
    """Where the item of one operation lives, and a copy of what stands there now (None: nothing)."""
    kind, operation = next(iter(item.items()))
    table = backend.tables.get(operation.get("TableName"))
    source = operation.get("Item") or operation.get("Key")
    if table is None or kind == "ConditionCheck" or not source:
        return None
    try:
        key = DynamoType(source[table.hash_key_attr])
        box = table.items
        if table.range_key_attr:
            box, key = box[key], DynamoType(source[table.range_key_attr])
    except KeyError:
        return None  # an incomplete key: moto refuses the whole transaction before it writes
    return box, key, copy.deepcopy(box.get(key))


class IdempotentParameterMismatch(DynamodbException):  # type: ignore[misc]
    """The same token came with other items."""

    def __init__(self) -> None:
        super().__init__("IdempotentParameterMismatchException", "This token was used with different parameters")


def _once_per_token(original: Callable[..., Any]) -> Callable[..., Any]:
    """A transaction whose token was carried out already answers as it did, and writes nothing again."""

    @functools.wraps(original)
    def transact(self: Any) -> Any:
        token, asked = self.body.get("ClientRequestToken"), _digest(self.body)
        now = time.monotonic()
        if token and (known := _tokens.get(token)) and now - known[0] < TOKEN_SECONDS:
            if known[1] != asked:
                raise IdempotentParameterMismatch()
            return responses.ActionResult({})
        answer = original(self)
        if token:
            _tokens[token] = (now, asked)
        return answer

    return transact


def _digest(body: dict[str, Any]) -> str:
    return json.dumps(body["TransactItems"], sort_keys=True, default=repr)
