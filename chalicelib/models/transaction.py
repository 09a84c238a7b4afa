"""All-or-nothing writes, each naming the error that its failed condition means.

    with Transaction() as tx:
        tx.create(account, otherwise=EmailInUse())
        tx.update(invite, Invite.status.set("revoked"), when=Invite.status == "open", otherwise=InvitationClosed())

Nothing is sent until the block ends; an exception inside sends nothing.

              ┌ all conditions hold ──────────────▶ written, all of it
    send ─────┼ a condition failed ───────────────▶ the error of the first that failed, in the order they were added
       ▲      ├ TransactionConflict, throttled ─┐
       └──────┴──── wait with jitter (≤ 5 tries)┘── still so ──▶ Busy (503); never reported as a failed condition
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable
from typing import Any, Self, TypeVar

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib.config import settings
from chalicelib.errors import Busy, PortalError
from chalicelib.models.connection import client
from chalicelib.models.table import Record, encode

TRIES = 5
ROUNDS = 20  # of `settled`; 3 seconds at most
Made = TypeVar("Made")
_PASSING = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
_PASSING_CODES = {
    "TransactionInProgressException",
    "TransactionConflictException",
    "ThrottlingException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "InternalServerError",
    "ServiceUnavailable",
}


class Transaction:
    """A unit of work of at most 100 items. Within it no item may be named twice (DynamoDB)."""

    def __init__(self) -> None:
        self._items: list[dict[str, Any]] = []
        self._errors: list[PortalError | None] = []
        self._token = uuid.uuid4().hex

    def create(self, record: Record, *, otherwise: PortalError | None = None) -> None:
        """Put the record if nothing stands at its key."""
        self._add("Put", {"Item": encode(record), "ConditionExpression": "attribute_not_exists(pk)"}, otherwise)

    def put(self, record: Record, *, when: Condition | None = None, otherwise: PortalError | None = None) -> None:
        """Put the record over whatever is there."""
        kwargs: dict[str, Any] = {}
        if when is not None:
            kwargs = type(record).get_operation_kwargs_from_class(record.pk, range_key=record.sk, condition=when)
            del kwargs["Key"]
        self._add("Put", {**kwargs, "Item": encode(record)}, otherwise)

    def update(
        self,
        record: Record,
        *actions: Action,
        when: Condition | None = None,
        otherwise: PortalError | None = None,
    ) -> None:
        """Change single attributes of an item that exists."""
        exists = Record.pk.exists()
        condition = exists & when if when is not None else exists
        self._add("Update", record.get_update_kwargs_from_instance(list(actions), condition=condition), otherwise)

    def merge(
        self,
        record: Record,
        *actions: Action,
        when: Condition | None = None,
        otherwise: PortalError | None = None,
    ) -> None:
        """Change single attributes; the item comes into being if it is not there."""
        self._add("Update", record.get_update_kwargs_from_instance(list(actions), condition=when), otherwise)

    def delete(self, record: Record, *, when: Condition | None = None, otherwise: PortalError | None = None) -> None:
        """Remove the item."""
        self._add("Delete", record.get_delete_kwargs_from_instance(condition=when), otherwise)

    def require(self, record: Record, when: Condition, *, otherwise: PortalError) -> None:
        """Write nothing to this item, but only go on if the condition holds."""
        kwargs = type(record).get_operation_kwargs_from_class(record.pk, range_key=record.sk, condition=when)
        self._add("ConditionCheck", kwargs, otherwise)

    def _add(self, operation: str, kwargs: dict[str, Any], otherwise: PortalError | None) -> None:
        kwargs.pop("ReturnValues", None)
        self._items.append({operation: {"TableName": settings.table_name, **kwargs}})
        self._errors.append(otherwise)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and self._items:
            self._commit()

    def _commit(self) -> None:
        for attempt in range(TRIES):
            try:
                client().transact_write_items(TransactItems=self._items, ClientRequestToken=self._token)
            except ClientError as error:
                self._judge(error)
            except (ConnectionError, HTTPClientError):
                # The answer was lost. The same token makes a second sending harmless (DynamoDB: for ten minutes).
                pass
            else:
                return
            time.sleep(random.uniform(0, 0.025 * 2**attempt))  # noqa: S311
        raise Busy(retry_after=1)

    def _judge(self, error: ClientError) -> None:
        """Raise what the failure means; return if it may pass by itself."""
        if error.response["Error"]["Code"] in _PASSING_CODES:
            return
        codes = [reason.get("Code") for reason in error.response.get("CancellationReasons", [])]
        for code, meaning in zip(codes, self._errors, strict=False):
            if code == "ConditionalCheckFailed":
                raise (meaning or _Unexpected()) from error
        if not codes or not all(code in (None, "None") or code in _PASSING for code in codes):
            raise error


class _Unexpected(PortalError):
    """A condition failed that the caller did not expect to fail."""


def add(record: Record) -> None:
    """Put a record whose key nobody else can have (a fresh id): half the price of a transaction of one.

    Sending it twice writes the same again, so a lost answer needs no token. Raises Busy.
    """
    _try(client().put_item, {"Item": encode(record)}, None)


class Moved(PortalError):
    """Somebody else wrote what was read: read again, decide again (`settled`)."""


def settled(attempt: Callable[[], Made]) -> Made:
    """The result of `attempt`, which reads, decides and writes, and is made again while somebody else writes the same
    first (Moved); Busy in the end.

    Each time somebody has got through, so many at once all get there (notes: security 3.12).
    """
    for number in range(ROUNDS):
        try:
            return attempt()
        except Moved:
            time.sleep(random.uniform(0, min(0.2, 0.01 * 2**number)))  # noqa: S311
    raise Busy(retry_after=1)


def change(
    record: Record, *actions: Action, when: Condition | None = None, otherwise: PortalError | None = None
) -> None:
    """Change single attributes of one item that exists; half the price of a transaction of one."""
    condition = Record.pk.exists() & when if when is not None else Record.pk.exists()
    kwargs = record.get_update_kwargs_from_instance(list(actions), condition=condition)
    kwargs.pop("ReturnValues", None)
    _try(client().update_item, kwargs, otherwise)


def remove(record: Record) -> None:
    """Take one item away, whether it is there or not."""
    _try(client().delete_item, {"Key": {"pk": {"S": record.pk}, "sk": {"S": record.sk}}}, None)


def _try(send: Callable[..., Any], kwargs: dict[str, Any], otherwise: PortalError | None) -> None:
    for attempt in range(TRIES):
        try:
            send(**{**kwargs, "TableName": settings.table_name})
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "ConditionalCheckFailedException":
                raise (otherwise or _Unexpected()) from error
            if code not in _PASSING_CODES:
                raise
        else:
            return
        time.sleep(random.uniform(0, 0.025 * 2**attempt))  # noqa: S311
    raise Busy(retry_after=1)
