"""What calls cost on AWS, counted from the bytes of the items that they touch.

Local engines report capacity by rules of their own, so nothing of theirs is believed here. The rules are AWS's:

    a read      ceil(bytes / 4 KB) units, half of that when eventually consistent; BatchGetItem per item, a query by the
                sum of its items; what is not there still costs the least amount
    a write     ceil(max(old, new) / 1 KB); in a transaction twice that, and a ConditionCheck costs like a write
    an index    what a plain write of the entry costs: once when attributes change, twice when its key changes, nothing
                when nothing of the entry changes; never doubled by a transaction
    a condition costs no read units
    an item     names and values in UTF-8; a number a byte for two digits and one more; a list or map three bytes and
                one for each element (Amazon DynamoDB Developer Guide: item sizes, capacity, transactions)
"""

import base64
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

KB = 1024
Item = dict[str, Any]
Lookup = Callable[[str, str], Item | None]

# Index name → its key, and whether it holds whole items (infra/stateful.yaml).
INDEXES = {
    "gsi1": (("gsi1pk", "gsi1sk"), True),
    "gsi2": (("gsi2pk", "gsi2sk"), False),
    "due": (("duepk", "duesk"), False),
}


@dataclass
class Cost:
    """What was spent between the start and the end of one `counting`."""

    read: float = 0.0
    write: float = 0.0
    calls: list[str] = field(default_factory=list)  # to the table, in order: each is one round trip
    others: list[str] = field(default_factory=list)  # to other services


class Meter:
    """Listens to the table's client, and to other clients by name. `lookup` reads an item without a call."""

    def __init__(self, table_client: Any, lookup: Lookup, others: dict[str, Any] | None = None) -> None:
        self._lookup = lookup
        self._cost: Cost | None = None
        self._before: dict[tuple[str, str], Item | None] = {}
        self._hooks: list[tuple[Any, str, Callable[..., None]]] = [
            (table_client, "provide-client-params.dynamodb.*", self._about_to),
            (table_client, "after-call.dynamodb.*", self._done),
            *((client, "before-call.*", self._other(name)) for name, client in (others or {}).items()),
        ]
        for client, event, hook in self._hooks:
            client.meta.events.register(event, hook)

    def close(self) -> None:
        """Listen no more."""
        for client, event, hook in self._hooks:
            client.meta.events.unregister(event, hook)

    @contextmanager
    def counting(self) -> Iterator[Cost]:
        """Everything that is called within costs."""
        self._cost = cost = Cost()
        try:
            yield cost
        finally:
            self._cost = None

    def _other(self, name: str) -> Callable[..., None]:
        def called(model: Any, **_: Any) -> None:
            if self._cost is not None:
                self._cost.others.append(f"{name}:{model.name}")

        return called

    def _about_to(self, params: dict[str, Any], **_: Any) -> None:
        if self._cost is not None:
            self._asked = params
            self._before = {place: self._lookup(*place) for place in _written(params)}

    def _done(self, http_response: Any, parsed: dict[str, Any], model: Any, **_: Any) -> None:
        if self._cost is None:
            return
        self._cost.calls.append(model.name)
        if http_response.status_code != 200:
            parsed = {}
        read, write = _COSTS[model.name](self, self._asked, parsed)
        self._cost.read += read
        self._cost.write += write

    # ---- by operation ----

    def _get(self, asked: dict[str, Any], answer: dict[str, Any]) -> tuple[float, float]:
        return read_units(size(answer.get("Item") or {}), bool(asked.get("ConsistentRead"))), 0

    def _query(self, asked: dict[str, Any], answer: dict[str, Any]) -> tuple[float, float]:
        return read_units(sum(size(item) for item in answer.get("Items", [])), bool(asked.get("ConsistentRead"))), 0

    def _batch_get(self, asked: dict[str, Any], answer: dict[str, Any]) -> tuple[float, float]:
        units = 0.0
        for table, request in asked["RequestItems"].items():
            found = answer.get("Responses", {}).get(table, [])
            consistent = bool(request.get("ConsistentRead"))
            absent = len(request["Keys"]) - len(found)
            units += sum(read_units(size(item), consistent) for item in found) + absent * read_units(0, consistent)
        return units, 0

    def _write(self, asked: dict[str, Any], _: dict[str, Any]) -> tuple[float, float]:
        return 0, sum(self._change(place) for place in _written(asked))

    def _transact(self, asked: dict[str, Any], _: dict[str, Any]) -> tuple[float, float]:
        checks = [request["ConditionCheck"]["Key"] for request in asked["TransactItems"] if "ConditionCheck" in request]
        checked = [self._lookup(key["pk"]["S"], key["sk"]["S"]) for key in checks]
        units = sum(2 * write_units(size(item or {})) for item in checked)
        return 0, units + sum(self._change(place, times=2) for place in _written(asked))

    def _change(self, place: tuple[str, str], times: int = 1) -> float:
        old, new = self._before[place], self._lookup(*place)
        table = times * write_units(max(size(old or {}), size(new or {})))
        return table + sum(index_units(name, old, new) for name in INDEXES)


_COSTS: dict[str, Callable[..., tuple[float, float]]] = {
    "GetItem": Meter._get,
    "Query": Meter._query,
    "BatchGetItem": Meter._batch_get,
    "PutItem": Meter._write,
    "UpdateItem": Meter._write,
    "DeleteItem": Meter._write,
    "TransactWriteItems": Meter._transact,
}


def _written(params: dict[str, Any]) -> list[tuple[str, str]]:
    """The keys of the items that a request writes."""
    if "TransactItems" in params:
        parts = [next(iter(item.items())) for item in params["TransactItems"]]
        requests = [request for kind, request in parts if kind != "ConditionCheck"]
    else:
        requests = [params] if "Item" in params or ("Key" in params and "ConsistentRead" not in params) else []
    keys = [request.get("Item") or request["Key"] for request in requests]
    return [(key["pk"]["S"], key["sk"]["S"]) for key in keys]


# ---- the rules ----


def read_units(bytes_: int, consistent: bool) -> float:
    """Units of reading this much at once."""
    return max(1, math.ceil(bytes_ / (4 * KB))) * (1.0 if consistent else 0.5)


def write_units(bytes_: int) -> int:
    """Units of writing an item of this size, outside a transaction."""
    return max(1, math.ceil(bytes_ / KB))


def index_units(name: str, old: Item | None, new: Item | None) -> int:
    """Units that one index takes for a change of an item."""
    was, is_ = _entry(name, old), _entry(name, new)
    if was == is_:
        return 0
    if was is not None and is_ is not None and _key_of(name, was) == _key_of(name, is_):
        return write_units(max(size(was), size(is_)))
    return sum(write_units(size(entry)) for entry in (was, is_) if entry is not None)


def _key_of(name: str, entry: Item) -> list[Any]:
    return [entry[attribute] for attribute in INDEXES[name][0]]


def _entry(name: str, item: Item | None) -> Item | None:
    """The item as it stands in the index; None when it is not in it."""
    keys, whole = INDEXES[name]
    if item is None or any(key not in item for key in keys):
        return None
    return item if whole else {attribute: item[attribute] for attribute in ("pk", "sk", *keys)}


def size(item: Item) -> int:
    """Bytes of an item in DynamoDB's JSON, as AWS counts them."""
    return sum(len(name.encode()) + _size(*next(iter(value.items()))) for name, value in item.items())


def _size(kind: str, value: Any) -> int:
    if kind == "S":
        return len(value.encode())
    if kind == "N":
        digits = value.lstrip("-").replace(".", "").strip("0") or "0"
        return math.ceil(len(digits) / 2) + 1 + value.startswith("-")
    if kind == "B":
        return len(base64.b64decode(value)) if isinstance(value, str) else len(value)
    if kind in ("BOOL", "NULL"):
        return 1
    if kind == "L":
        return 3 + sum(1 + _size(*next(iter(each.items()))) for each in value)
    if kind == "M":
        return 3 + sum(1 for _ in value) + size(value)
    return sum(_size(kind[0], each) for each in value)  # SS, NS, BS
