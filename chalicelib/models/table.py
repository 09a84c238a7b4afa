"""The one table: how every record is keyed, read and decoded.

PynamoDB defines the records and builds conditions and writes. Reads take DynamoDB's items straight into those classes
without PynamoDB's hydration, which costs more than the request itself (notes: a list of twenty, 1.4 ms).
"""

from __future__ import annotations

import base64
import binascii
import functools
import json
import re
import string
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, NamedTuple, Self, TypeVar

from pynamodb.attributes import Attribute, NumberAttribute, UnicodeAttribute
from pynamodb.models import Model

from chalicelib import clock
from chalicelib.config import settings
from chalicelib.errors import Busy, InvalidCursor
from chalicelib.models.connection import client, table_connection

TENANT = "TENANT#{tenant_id}"
CLIENT = TENANT + "#CLIENT#{client_id}"
STAFF = TENANT + "#STAFF#{staff_id}"
PUBLIC = TENANT + "#PUBLIC"
PRIMARY, GSI1, GSI2, DUE = "", "gsi1", "gsi2", "due"
DUE_SHARDS = 16
BATCH = 100  # BatchGetItem's limit
GLANCE = 5000  # records a query that looks at all: DynamoDB ends it at a megabyte anyway


@dataclass(frozen=True)
class Key:
    """A partition and a sort template, filled from the record's own attributes."""

    partition: str
    sort: str
    index: str = PRIMARY

    @property
    def names(self) -> tuple[str, str]:
        """The attributes that hold this key."""
        return self.index + "pk", self.index + "sk"

    def fill(self, parts: dict[str, Any]) -> tuple[str, str]:
        """Partition and sort key; a part that could break out of its place is refused with ValueError."""
        return _filled(self.partition, parts), _filled(self.sort, parts)

    def prefix(self, parts: dict[str, Any]) -> str:
        """The sort template filled up to the first part that was not given."""
        text = ""
        for literal, field in _pieces(self.sort):
            text += literal
            if field is not None:
                if field not in parts:
                    break
                text += _safe(parts[field])
        return text


@functools.cache
def _pieces(template: str) -> tuple[tuple[str, str | None], ...]:
    """A template as (what stands before, the part's name) pairs."""
    return tuple((literal, field) for literal, field, *_ in string.Formatter().parse(template))


def _filled(template: str, parts: dict[str, Any]) -> str:
    return "".join(literal + _safe(parts[field]) if field else literal for literal, field in _pieces(template))


def _safe(value: Any) -> str:
    text = str(value)
    if not text or "#" in text or not text.isascii():
        raise ValueError("a key part must be ASCII, not empty, and without '#'")
    return text


class JsonAttribute(Attribute[Any]):
    """Plain JSON in a string: read and written whole."""

    attr_type = "S"

    def serialize(self, value: Any) -> str:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)

    def deserialize(self, value: str) -> Any:
        return json.loads(value)


class PackedAttribute(Attribute[Any]):
    """JSON, deflated: for texts that are long and never searched (a form's definition is 50 KB, packed 10; a packet
    comes to less than 1 KB, so that every write that only checks it costs half)."""

    attr_type = "B"

    def serialize(self, value: Any) -> bytes:
        return zlib.compress(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode(), 9)

    def deserialize(self, value: bytes) -> Any:
        return json.loads(zlib.decompress(value))


class BytesAttribute(Attribute[bytes]):
    """Bytes: what the tenant's data key has encrypted."""

    attr_type = "B"

    def serialize(self, value: bytes) -> bytes:
        return value

    def deserialize(self, value: bytes) -> bytes:
        return value


R = TypeVar("R", bound="Record")


class Page(NamedTuple):
    """Some records, and where the next ones start (None: there are no more)."""

    items: Sequence[Any]
    next_cursor: str | None


class Record(Model):
    """What is stored. `KEY` says where; every other `Key` attribute is a place in an index."""

    class Meta:
        table_name = settings.table_name
        region = settings.aws_region

    KEY: ClassVar[Key]
    KIND: ClassVar[str] = ""
    _kinds: ClassVar[dict[str, type[Record]]] = {}

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    gsi1pk = UnicodeAttribute(null=True)
    gsi1sk = UnicodeAttribute(null=True)
    gsi2pk = UnicodeAttribute(null=True)
    gsi2sk = UnicodeAttribute(null=True)
    duepk = UnicodeAttribute(null=True)
    duesk = UnicodeAttribute(null=True)
    kind = UnicodeAttribute()
    tenant_id = UnicodeAttribute()
    version = NumberAttribute(null=True)  # only on records that people edit whole; never on counters
    expires_at = NumberAttribute(null=True)  # TTL, seconds; DynamoDB removes late, so readers compare it too

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.KIND = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()
        Record._kinds[cls.KIND] = cls

    @classmethod
    def _get_connection(cls) -> Any:
        if Record._connection is None:
            Record._connection = table_connection(Record._meta_table())
        return Record._connection

    @classmethod
    def _meta_table(cls) -> Any:
        from pynamodb.connection.base import MetaTable

        schema = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
        types = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")]
        return MetaTable({"TableName": settings.table_name, "KeySchema": schema, "AttributeDefinitions": types})

    @classmethod
    def kinds(cls) -> dict[str, type[Record]]:
        """Every kind of record by its name."""
        return dict(Record._kinds)

    @classmethod
    def keys(cls) -> dict[str, Key]:
        """The places of this kind by the name they are declared with."""
        return {name: value for name, value in vars(cls).items() if isinstance(value, Key)}

    @classmethod
    def new(cls, **attributes: Any) -> Self:
        """A record with its keys filled in; nothing is written yet. An index whose parts are missing is left out."""
        places: dict[str, Any] = {}
        for key in cls.keys().values():
            try:
                filled = key.fill(attributes)
            except KeyError:
                if key.index == PRIMARY:
                    raise
                continue
            places |= dict(zip(key.names, filled, strict=True))
        return cls(**places, kind=cls.KIND, **attributes)

    @classmethod
    def at(cls, **parts: Any) -> Self:
        """A handle on the item with this key, for updates and deletes without reading it."""
        pk, sk = cls.KEY.fill(parts)
        return cls(pk=pk, sk=sk)

    @classmethod
    def find(cls, *, consistent: bool = True, **parts: Any) -> Self | None:
        """The record with this key, or None; one strongly consistent read."""
        try:
            pk, sk = cls.KEY.fill(parts)
        except ValueError:
            return None
        answer = client().get_item(
            TableName=settings.table_name, Key={"pk": {"S": pk}, "sk": {"S": sk}}, ConsistentRead=consistent
        )
        item = answer.get("Item")
        return _hydrated(item) if item else None

    @classmethod
    def page(
        cls,
        key: Key,
        *,
        limit: int = 25,
        newest_first: bool = True,
        cursor: str | None = None,
        consistent: bool = False,
        until: str | None = None,
        **parts: Any,
    ) -> Page:
        """One page of the records under `key`, by as much of its sort template as `parts` fill; with `until` only those
        whose whole sort key is smaller (for keys that begin with what is bounded)."""
        entries, last = cls._entries(key, limit, newest_first, cursor, consistent, parts, until)
        found = _whole(entries) if key.index == GSI2 else [_hydrated(item) for item in entries]
        return Page(found, _cursor(last) if last else None)

    @classmethod
    def cursor_after(cls, key: Key, record: Any) -> str:
        """The cursor that goes on behind this record: where what was read beyond it is nothing that the asker may know
        of."""
        return _cursor({name: {"S": getattr(record, name)} for name in dict.fromkeys(("pk", "sk", *key.names))})

    @classmethod
    def among(
        cls, key: Key, wanted: Callable[[str], bool], *, limit: int, cursor: str | None = None, **parts: Any
    ) -> Page:
        """The keys (pk, sk) under an index of keys only, oldest first, whose partition is wanted; nothing is loaded.

        Looks at most at 20 × 500 entries, which a cursor goes on from: a page may be short of its limit.
        """
        found: list[tuple[str, str]] = []
        for _ in range(20):
            entries, last = cls._entries(key, 500, False, cursor, False, parts)
            for entry in entries:
                if wanted(entry["pk"]["S"]):
                    found.append((entry["pk"]["S"], entry["sk"]["S"]))
                    if len(found) == limit:
                        names = ("pk", "sk", *key.names)
                        rest = entry is not entries[-1] or last
                        return Page(found, _cursor({name: entry[name] for name in names}) if rest else None)
            cursor = _cursor(last) if last else None
            if cursor is None:
                break
        return Page(found, cursor)

    @classmethod
    def index_keys(cls, key: Key, limit: int, **parts: Any) -> list[tuple[str, str, str]]:
        """(pk, sk, sort key there) of the newest entries of an index, nothing loaded: one query, half a read unit for
        the first 4 KB of keys."""
        entries, _ = cls._entries(key, limit, True, None, False, parts)
        return [(entry["pk"]["S"], entry["sk"]["S"], entry[key.names[1]]["S"]) for entry in entries]

    @classmethod
    def _entries(
        cls,
        key: Key,
        limit: int,
        newest_first: bool,
        cursor: str | None,
        consistent: bool,
        parts: dict[str, Any],
        until: str | None = None,
        only: Sequence[str] = (),
    ) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
        pk_name, sk_name = key.names
        pk, prefix = _filled(key.partition, parts), key.prefix(parts)
        query: dict[str, Any] = {
            "TableName": settings.table_name,
            "KeyConditionExpression": f"{pk_name} = :p",
            "ExpressionAttributeValues": {":p": {"S": pk}},
            "ScanIndexForward": not newest_first,
            "Limit": limit,
        }
        if until is not None:
            query["KeyConditionExpression"] += f" AND {sk_name} < :u"
            query["ExpressionAttributeValues"][":u"] = {"S": prefix + until}
        elif prefix:
            query["KeyConditionExpression"] += f" AND begins_with({sk_name}, :s)"
            query["ExpressionAttributeValues"][":s"] = {"S": prefix}
        if key.index:
            query["IndexName"] = key.index
        elif consistent:
            query["ConsistentRead"] = True
        if only:
            names = {f"#{name}": name for name in ("pk", "sk", "kind", *only)}
            query |= {"ProjectionExpression": ",".join(names), "ExpressionAttributeNames": names}
        if cursor:
            query["ExclusiveStartKey"] = _start(cursor, key, pk, prefix)
        answer = client().query(**query)
        return answer["Items"], answer.get("LastEvaluatedKey")

    @classmethod
    def every(cls, key: Key, *, newest_first: bool = False, consistent: bool = False, **parts: Any) -> Iterator[Any]:
        """All records under `key`; only for partitions whose size the domain bounds (forms of a packet, staff)."""
        cursor: str | None = None
        while True:
            page = cls.page(key, limit=200, newest_first=newest_first, cursor=cursor, consistent=consistent, **parts)
            yield from page.items
            if (cursor := page.next_cursor) is None:
                return

    @classmethod
    def glance(cls, key: Key, *only: str, **parts: Any) -> Iterator[Any]:
        """All records under `key`, oldest first, with these attributes and no others: never to be written back.

        A megabyte a round trip is read and paid for whole; what is left out is neither sent nor parsed. For a list that
        must be put in order before its first page is known.
        """
        cursor: str | None = None
        while True:
            entries, last = cls._entries(key, GLANCE, False, cursor, False, parts, only=only)
            yield from map(_hydrated, entries)
            if last is None:
                return
            cursor = _cursor(last)

    @classmethod
    def between(
        cls, key: Key, first: str, last: str, *, limit: int = 1000, consistent: bool = False, **parts: Any
    ) -> list[Any]:
        """The records under `key` whose sort key goes on, after what `parts` fill of it, with something from `first` to
        `last`; in order, at most `limit`. For windows that the domain bounds (the days of two months, the appointments
        of a week). Where more follows in the sort key, what begins with `last` itself lies behind it."""
        pk_name, sk_name = key.names
        prefix = key.prefix(parts)
        query: dict[str, Any] = {
            "TableName": settings.table_name,
            "KeyConditionExpression": f"{pk_name} = :p AND {sk_name} BETWEEN :a AND :b",
            "ExpressionAttributeValues": {
                ":p": {"S": _filled(key.partition, parts)},
                ":a": {"S": prefix + first},
                ":b": {"S": prefix + last},
            },
            **({"IndexName": key.index} if key.index else {"ConsistentRead": consistent}),
        }
        found: list[Any] = []
        while len(found) < limit:
            answer = client().query(**query, Limit=limit - len(found))
            found += _whole(answer["Items"]) if key.index == GSI2 else [_hydrated(item) for item in answer["Items"]]
            if not (last_key := answer.get("LastEvaluatedKey")):
                break
            query["ExclusiveStartKey"] = last_key
        return found

    def due(self, at: datetime) -> Self:
        """Have on_schedule look at this record at `at`; set in the transaction that creates it."""
        self.duepk, self.duesk = due_key(self.pk, self.sk, self.KIND, at)
        return self

    def due_next(self, at: datetime | None) -> list[Any]:
        """With an update of this record: on_schedule looks at it at `at`; None: not any more."""
        if at is None:
            return [Record.duepk.remove(), Record.duesk.remove()]
        pk, sk = due_key(self.pk, self.sk, self.KIND, at)
        return [Record.duepk.set(pk), Record.duesk.set(sk)]

    def values(self) -> dict[str, Any]:
        """The attributes by name."""
        return dict(self.attribute_values)


def due_key(pk: str, sk: str, kind: str, at: datetime) -> tuple[str, str]:
    """The place in the `due` index: one of 16 shards, then by time."""
    shard = zlib.crc32(f"{pk}|{sk}".encode()) % DUE_SHARDS
    return f"DUE#{shard}", f"{clock.text(at)}#{kind}#{sk.rsplit('#', 1)[-1]}"


def due_before(at: datetime, shard: int, limit: int) -> list[tuple[str, str, str]]:
    """(pk, sk, kind) of the records that are due in one shard. Only on_schedule asks."""
    answer = client().query(
        TableName=settings.table_name,
        IndexName=DUE,
        KeyConditionExpression="duepk = :p AND duesk < :s",
        ExpressionAttributeValues={":p": {"S": f"DUE#{shard}"}, ":s": {"S": clock.text(at)}},
        Limit=limit,
    )
    return [(i["pk"]["S"], i["sk"]["S"], _due_kind(i["duesk"]["S"])) for i in answer["Items"]]


def _due_kind(sort: str) -> str:
    """The kind in a sort key of the index; nothing where it holds none, so that one odd entry stops no other."""
    return sort.partition("#")[2].partition("#")[0]


def load(*wanted: tuple[type[Record], dict[str, Any]] | None) -> list[Any]:
    """Several records by key in one strongly consistent BatchGetItem, in the order asked for (None: not there).

    A key that hostile input cannot form counts as not there. Raises Busy when DynamoDB left keys unread.
    """
    places: list[tuple[str, str] | None] = []
    for want in wanted:
        try:
            places.append(want[0].KEY.fill(want[1]) if want else None)
        except ValueError:
            places.append(None)
    found = {(record.pk, record.sk): record for record in at_keys(dict.fromkeys(p for p in places if p), True)}
    return [found.get(place) if place else None for place in places]


def _whole(entries: list[dict[str, Any]]) -> list[Any]:
    """The records behind the entries of gsi2, which holds keys only, in the same order."""
    places = [(entry["pk"]["S"], entry["sk"]["S"]) for entry in entries]
    found = {(record.pk, record.sk): record for record in at_keys(places)} if places else {}
    return [found[place] for place in places if place in found]


def at_keys(places: Iterable[tuple[str, str]], consistent: bool = False) -> list[Any]:
    """The records that stand at these keys; order is DynamoDB's."""
    keys = [{"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in places]
    records: list[Any] = []
    for start in range(0, len(keys), BATCH):
        request = {settings.table_name: {"Keys": keys[start : start + BATCH], "ConsistentRead": consistent}}
        for _ in range(4):
            answer = client().batch_get_item(RequestItems=request)
            records += [_hydrated(item) for item in answer["Responses"].get(settings.table_name, [])]
            request = answer.get("UnprocessedKeys") or {}
            if not request:
                break
        else:
            raise Busy(retry_after=1)
    return records


def _hydrated(item: dict[str, Any]) -> Any:
    values = decode(item)
    kind = Record._kinds[values["kind"]]
    for name, attribute in _packed(kind):
        if name in values:
            values[name] = attribute.deserialize(values[name])
    record = kind.__new__(kind)
    record.attribute_values = values
    return record


@functools.cache
def _packed(kind: type[Record]) -> list[tuple[str, Attribute[Any]]]:
    """The attributes whose stored form is not their value."""
    return [(name, each) for name, each in _attributes(kind) if isinstance(each, JsonAttribute | PackedAttribute)]


def decode(item: dict[str, Any]) -> dict[str, Any]:
    """DynamoDB's typed JSON as plain values."""
    plain = {}
    for name, typed in item.items():
        for kind, value in typed.items():  # one; nearly all are strings
            plain[name] = value if kind == "S" else _plain(kind, value)
    return plain


def encode(record: Record) -> dict[str, Any]:
    """The record as DynamoDB's typed JSON, keys included: what `decode` reads. ValueError: a part is missing."""
    item = {}
    values = record.attribute_values
    for name, attribute in _attributes(type(record)):
        if (value := values.get(name)) is not None:
            item[name] = {attribute.attr_type: attribute.serialize(value)}
        elif not attribute.null:
            raise ValueError(f"a {record.KIND} needs {name}")
    return item


@functools.cache
def _attributes(kind: type[Record]) -> list[tuple[str, Attribute[Any]]]:
    return list(kind.get_attributes().items())


def _plain(kind: str, value: Any) -> Any:
    if kind in ("S", "BOOL"):
        return value
    if kind == "N":
        return int(value) if value.lstrip("-").isdigit() else float(value)
    if kind == "B":
        return base64.b64decode(value)
    if kind == "NULL":
        return None
    if kind == "L":
        return [_plain(*next(iter(part.items()))) for part in value]
    if kind == "M":
        return decode(value)
    return set(value)  # SS


def _cursor(last: dict[str, Any]) -> str:
    plain = {name: value["S"] for name, value in last.items()}
    return base64.urlsafe_b64encode(json.dumps(plain, separators=(",", ":")).encode()).decode().rstrip("=")


def _start(cursor: str, key: Key, pk: str, prefix: str) -> dict[str, Any]:
    """The cursor's key, which must lie within the very partition and prefix that is being read."""
    pk_name, sk_name = key.names
    names = {"pk", "sk", pk_name, sk_name}
    try:
        plain = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        fits = (
            set(plain) == names
            and all(isinstance(value, str) and 0 < len(value) < 1000 for value in plain.values())
            and plain[pk_name] == pk
            and plain[sk_name].startswith(prefix)
        )
    except (binascii.Error, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        fits = False
    if not fits:
        raise InvalidCursor()
    return {name: {"S": value} for name, value in plain.items()}
