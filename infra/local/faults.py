"""Faults on request: the next calls of one AWS operation fail in one chosen way, through botocore's own hooks."""

import json
import threading
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from botocore.handlers import BUILTIN_HANDLERS, REGISTER_FIRST
from botocore.hooks import HierarchicalEmitter

Kind = Literal["throttle", "conflict", "refuse", "crash_before", "crash_after"]
KINDS: tuple[Kind, ...] = get_args(Kind)


class Crash(BaseException):
    """The function died here: no `except Exception` of the application gets to tidy up, as when Lambda ends it."""


@dataclass
class Fault:
    """Let `skip` calls of `operation` pass, then fail `count` of them; `seen` and `failed` say how far it is."""

    operation: str
    fault: Kind
    count: int = 1
    skip: int = 0
    seen: int = 0
    failed: int = 0


_lock = threading.Lock()
_faults: list[Fault] = []
_crash_after = threading.local()


def install() -> None:
    """Have every client that is made from now on ask here first."""
    if not any(handler is _before for _, handler, *_ in BUILTIN_HANDLERS):
        BUILTIN_HANDLERS.append(("before-call", _before, REGISTER_FIRST))
        BUILTIN_HANDLERS.append(("after-call", _after, REGISTER_FIRST))


def spare(client: Any) -> None:
    """Leave this client alone."""
    events: HierarchicalEmitter = client.meta.events
    events.unregister("before-call", _before)
    events.unregister("after-call", _after)


def add(operation: str, fault: Kind, count: int = 1, skip: int = 0) -> Fault:
    """Plan a fault; plans for one operation are used up in the order they were made."""
    planned = Fault(operation, fault, count, skip)
    with _lock:
        _faults.append(planned)
    return planned


def clear() -> None:
    """Forget every plan."""
    with _lock:
        _faults.clear()


def planned() -> list[dict[str, Any]]:
    """What is planned and how much of it has happened."""
    with _lock:
        return [asdict(fault) for fault in _faults]


def _next(operation: str) -> Kind | None:
    with _lock:
        for fault in _faults:
            if fault.operation != operation or fault.failed >= fault.count:
                continue
            fault.seen += 1
            if fault.seen <= fault.skip:
                return None
            fault.failed += 1
            return fault.fault
    return None


def _before(model: Any, params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]] | None:
    _crash_after.now = False
    match _next(model.name):
        case "crash_before":
            raise Crash(model.name)
        case "crash_after":
            _crash_after.now = True
        case "throttle":
            return _refused(400, "ThrottlingException", "Rate exceeded")
        case "refuse":  # SES: the address is on the account's own suppression list
            message = "Address is on the suppression list for your account"
            return _refused(400, "MessageRejected", message)
        case "conflict":
            return _conflict(model.name, params)
    return None


def _after(http_response: Any, model: Any, **_: Any) -> None:
    if getattr(_crash_after, "now", False) and http_response.status_code < 300:
        _crash_after.now = False
        raise Crash(model.name)


class _Http:
    def __init__(self, status_code: int) -> None:
        self.status_code = status_code


def _refused(status: int, code: str, message: str, **more: Any) -> tuple[_Http, dict[str, Any]]:
    metadata = {"HTTPStatusCode": status, "RequestId": "injected", "HTTPHeaders": {}, "RetryAttempts": 0}
    return _Http(status), {"Error": {"Code": code, "Message": message}, "ResponseMetadata": metadata, **more}


def _conflict(operation: str, params: dict[str, Any]) -> tuple[_Http, dict[str, Any]]:
    """What DynamoDB says when another transaction holds an item: per item in a transaction, else one error."""
    if operation != "TransactWriteItems":
        return _refused(400, "TransactionConflictException", "Transaction is ongoing for the item")
    items = json.loads(params["body"])["TransactItems"]
    reasons = [{"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}]
    reasons += [{"Code": "None"} for _ in items[1:]]
    codes = ", ".join(reason["Code"] for reason in reasons)
    message = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
    return _refused(400, "TransactionCanceledException", message, CancellationReasons=reasons)
