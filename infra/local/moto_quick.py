"""Makes moto quick: the same answers for a third of the work, as most of what the tests cost is moto.

Unchanged, moto builds a WSGI request for every call, matches the address against all of AWS, lists its own methods,
and looks for each of DynamoDB's ten types under five names in every value; it sorts the whole table for each query and
measures the whole item for every attribute that is set. Nothing here changes what is stored or answered
(tests/infra/test_local.py compares the two); what DynamoDB promises and moto breaks is mended in moto_fix.py.
"""

import binascii
import functools
import pickle
import uuid
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlsplit

from moto.core import DEFAULT_ACCOUNT_ID
from moto.core import responses as core
from moto.core.base_backend import BackendDict
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.exceptions import HTTPException, ServiceException
from moto.core.parse import BaseJSONParser, JSONParser
from moto.core.serialize import ResponseSerializer
from moto.core.utils import get_service_model
from moto.dynamodb.exceptions import ItemSizeTooLarge
from moto.dynamodb.models import Table, dynamo_type
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.parsing import validators
from moto.dynamodb.parsing.ast_nodes import DepthFirstTraverser
from moto.dynamodb.parsing.expressions import UpdateExpressionParser
from moto.dynamodb.responses import DynamoHandler
from moto.sqs import models as sqs
from moto.sqs.responses import SQSResponse

ITEM_BYTES = 405_000  # moto's limit of an item
AS_THEY_ARE = {"S", "B", "BOOL"}  # types whose value needs no conversion to be compared
INDEX_NAME = 6  # which of the positional arguments of Table.query after the hash key


PLAIN: list[tuple[Any, str, Any]] = []
"""What was replaced, where and under which name: with it a test asks moto as it was."""


def install() -> None:
    """Patch moto in this process, once (moto_fix does it)."""
    _change(BotocoreStubber, "process_request", _straight_to_the_handler)
    _change(core, "method_names_from_class", functools.cache)
    _change(core, "camelcase_to_underscores", functools.cache)
    _change(sqs, "camelcase_to_underscores", functools.cache)
    _change(core, "gen_amzn_requestid_long", lambda _: _request_id)
    _change(BackendDict, "_create_account_specific_backend", _once)
    _change(BaseJSONParser, "_parse_structure", _parsed_as_it_is)
    _change(ResponseSerializer, "_serialize_type_structure", _serialized_as_it_is)
    _change(UpdateExpressionParser, "make", functools.cache)
    _change(validators, "deepcopy", lambda _: _copied)  # of what `make` made, and of nothing else
    _change(DepthFirstTraverser, "nodes_to_be_processed", lambda _: _kinds)
    _change(Table, "query", _of_one_partition)
    _change(DynamoType, "__eq__", lambda _: _equal)
    _change(DynamoType, "__hash__", lambda _: _hash)
    _change(DynamoType, "size", lambda _: _size)
    _change(Item, "__init__", lambda _: _make_item)
    _change(dynamo_type, "bytesize", lambda _: _bytes)


def _change(owner: Any, name: str, made: Callable[[Any], Any]) -> None:
    original = getattr(owner, name)
    PLAIN.append((owner, name, original))
    setattr(owner, name, made(original))


# ---- the way of a request ----

STRAIGHT: dict[str, tuple[str, type[Any]]] = {
    "DynamoDB_20120810": ("dynamodb", DynamoHandler),
    "AmazonSQS": ("sqs", SQSResponse),
}
"""Services that are nearly all calls, by how their targets begin, and moto's handlers of them."""


def _straight_to_the_handler(original: Callable[..., Any]) -> Callable[..., Any]:
    """Calls of the table and the queues go to their handlers without becoming WSGI requests first."""

    @functools.wraps(original)
    def process(self: Any, request: Any) -> Any:
        target = request.headers.get("X-Amz-Target") or ""
        target = target.decode() if isinstance(target, bytes) else target
        prefix, _, operation = target.partition(".")
        return (
            _handled(request, target, operation, *STRAIGHT[prefix]) if prefix in STRAIGHT else original(self, request)
        )

    return process


def _handled(
    request: Any, target: str, operation: str, service: str, handler_of: type[Any]
) -> tuple[int, dict[str, str], str]:
    """What BaseResponse.dispatch does for a call in JSON: read it, do it, write what came of it."""
    handler = handler_of()
    handler.uri, handler.querystring, handler.uri_match = request.url, {}, {}
    handler.headers = {"x-amz-target": target, "Content-Type": "application/x-amz-json-1.0"}
    handler.response_headers = {
        "server": "amazon.com",
        "date": format_datetime(datetime.now(UTC), usegmt=True),
        "x-amzn-requestid": uuid.uuid4().hex,
    }
    handler.current_account = DEFAULT_ACCOUNT_ID
    handler.region, handler.partition = urlsplit(request.url).netloc.split(".")[1], "aws"
    parser, shape = _parser(service, operation)
    handler.body = handler.params = parser._parse_json_body(request.body, shape)
    try:
        status, headers, body = handler.serialized(getattr(handler, core.camelcase_to_underscores(operation))())
    except ServiceException as error:
        status, headers, body = handler.serialized(core.ActionResult(error))
    except HTTPException as error:
        status, body = error.code, error.description
        headers = {**dict(error.get_headers() or []), **handler.response_headers}
    if service == "dynamodb":
        headers["x-amz-crc32"] = str(binascii.crc32(body.encode()))
    return status, headers, body


@functools.cache
def _parser(service: str, operation: str) -> tuple[Any, Any]:
    model = get_service_model(service).operation_model(operation)
    return JSONParser(model), model.input_shape


def _request_id(headers: dict[str, str] | None = None) -> str:
    made = uuid.uuid4().hex
    if headers is not None:
        headers.setdefault("x-amzn-requestid", made)
    return made


def _once(original: Callable[..., Any]) -> Callable[..., Any]:
    """An account's backends are made when they are first asked for, and not looked for under a lock ever after."""

    @functools.wraps(original)
    def create(self: Any, account_id: str) -> None:
        if not dict.__contains__(self, account_id):
            original(self, account_id)

    return create


# ---- values on the wire ----


def _parsed_as_it_is(original: Callable[..., Any]) -> Callable[..., Any]:
    """A value has one type of ten: moto asks for each of them."""

    @functools.wraps(original)
    def parse(self: Any, shape: Any, value: Any) -> Any:
        if shape.name != "AttributeValue" or type(value) is not dict:
            return original(self, shape, value)
        return _read(value)

    return parse


def _read(value: dict[str, Any]) -> dict[str, Any]:
    ((kind, inner),) = value.items()
    match kind:
        case "B":
            return {kind: b64decode(inner)}
        case "BS":
            return {kind: [b64decode(each) for each in inner]}
        case "M":
            return {kind: {name: _read(each) for name, each in inner.items()}}
        case "L":
            return {kind: [_read(each) for each in inner]}
    return {kind: inner}


def _serialized_as_it_is(original: Callable[..., Any]) -> Callable[..., Any]:
    """A value has one type of ten, and an answer few of its members: moto looks for each of them under five names."""

    @functools.wraps(original)
    def serialize(self: Any, serialized: Any, value: Any, shape: Any, key: str) -> None:
        members = shape.members
        known = type(value) is dict and value.keys() <= members.keys()
        if not known or self.service_model.service_name != "dynamodb":
            return original(self, serialized, value, shape, key)  # type: ignore[no-any-return]
        if shape.name == "AttributeValue":
            written = _written(value)
        else:
            written = {}
            for name, inner in value.items():
                if inner is not None:
                    self._serialize(written, inner, members[name], name)
        if key:
            self._default_serialize(serialized, written, shape, key)
        else:
            serialized.update(written)
        return None

    return serialize


def _written(value: dict[str, Any]) -> dict[str, Any]:
    ((kind, inner),) = value.items()
    match kind:
        case "S" | "N":
            return {kind: str(inner)}
        case "B":
            return {kind: _base64(inner)}
        case "BS":
            return {kind: [_base64(each) for each in inner]}
        case "SS" | "NS":
            return {kind: [str(each) for each in inner]}
        case "M":
            return {kind: {name: _written(each) for name, each in inner.items()}}
        case "L":
            return {kind: [_written(each) for each in inner]}
    return {kind: inner}


def _base64(value: bytes | str) -> str:
    return b64encode(value if isinstance(value, bytes) else value.encode()).decode()


# ---- the table ----


def _copied(expression: Any) -> Any:
    return pickle.loads(_pickled(expression))  # noqa: S301 - what was pickled a line ago


@functools.cache
def _pickled(expression: Any) -> bytes:
    return pickle.dumps(expression, pickle.HIGHEST_PROTOCOL)


def _kinds(self: Any) -> tuple[type, ...]:
    """Which nodes a traverser of an expression looks at: asked once for each, not once for each node."""
    if not hasattr(self, "kinds"):
        self.kinds = tuple(self._processing_map())
    kinds: tuple[type, ...] = self.kinds
    return kinds


def _of_one_partition(original: Callable[..., Any]) -> Callable[..., Any]:
    """A query looks at the items that have its partition key (in the table or in the index), and moto at those only."""

    @functools.wraps(original)
    def query(self: Any, hash_key: Any, *args: Any, **kwargs: Any) -> Any:
        if len(args) > INDEX_NAME and args[INDEX_NAME]:
            mine = [item for box in self.items.values() for item in box.values()]
            for name, wanted in kwargs.get("hash_key_conditions") or []:
                kind, value = wanted.type, wanted.value
                mine = [
                    item
                    for item in mine
                    if (held := item.attrs.get(name)) is not None and held.value == value and held.type == kind
                ]
        else:
            mine = list(self.items[hash_key].values()) if hash_key in self.items else []
        self.all_items = lambda: mine
        try:
            return original(self, hash_key, *args, **kwargs)
        finally:
            del self.all_items

    return query


def _equal(one: DynamoType, other: object) -> bool:
    if not isinstance(other, DynamoType) or one.type != other.type:
        return False
    plain = one.type in AS_THEY_ARE
    return bool(one.value == other.value if plain else one.cast_value == other.cast_value)


def _hash(one: DynamoType) -> int:
    return hash((one.type, one.value if one.type in AS_THEY_ARE else one.cast_value))


def _make_item(self: Any, hash_key: Any, range_key: Any, attrs: dict[str, Any]) -> None:
    """Item.__init__, which measures all attributes anew for each of them."""
    self.hash_key, self.range_key = hash_key, range_key
    self.attrs = LimitedSizeDict()
    for name, value in attrs.items():
        dict.__setitem__(self.attrs, name, DynamoType(value))
    if self.size() > ITEM_BYTES:
        raise ItemSizeTooLarge


def reduced(attrs: LimitedSizeDict) -> tuple[Any, ...]:
    """How state.py pickles the attributes of an item: as they are, not to be measured again one by one."""
    return _unreduced, (dict(attrs),)


def _unreduced(attrs: dict[str, Any]) -> LimitedSizeDict:
    made = LimitedSizeDict()
    dict.update(made, attrs)
    return made


def _size(self: Any) -> int:
    """DynamoType.size, which wraps what is in maps and sets anew to measure it."""
    kind, value = self.type, self.value
    match kind:
        case "S" | "B":
            return _bytes(value)
        case "N":
            return len(str(value))
        case "M":
            return sum(_bytes(name) + each.size() for name, each in value.items())
        case "L":
            return sum(each.size() for each in value)
        case "SS" | "BS":
            return sum(_bytes(each) for each in value)
        case "NS":
            return sum(len(str(each)) for each in value)
    return 1  # true, false, null


def _bytes(value: str | bytes) -> int:
    return len(value) if isinstance(value, bytes) or value.isascii() else len(value.encode())
