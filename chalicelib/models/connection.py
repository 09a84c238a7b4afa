"""The one DynamoDB client, tuned through botocore's own hooks.

botocore, not the framework, is the cost of a warm request: its parser and its serializer walk ten members of every
attribute value, its user agent is built twice a call, its parameters are validated although we made them, its endpoint
rules come to the same address every time, and its signer puts every header through the e-mail package, twice. This file
replaces just those six. Retries, time-outs, credentials and checksums stay botocore's, and so does the signature, of
which only the canonical request and the day's key are made here. DynamoDB's JSON holds no time stamps, and the only
blobs are Binary attributes, which travel as base64: written so here, read so by `table.decode`.
"""

import base64
import functools
import hashlib
import hmac
import json
from typing import Any

import botocore.auth
import botocore.parsers
import botocore.serialize
from botocore.config import Config
from pynamodb.connection.table import TableConnection

from chalicelib.config import settings

_OK = 200


class _PlainJson(botocore.parsers.JSONParser):  # type: ignore[misc]
    """Takes a good answer as the JSON that it is; errors go the usual way."""

    def parse(self, response: dict[str, Any], shape: Any) -> dict[str, Any]:
        if response["status_code"] != _OK:
            return super().parse(response, shape)  # type: ignore[no-any-return]
        parsed: dict[str, Any] = json.loads(response["body"])
        headers = response["headers"]
        parsed["ResponseMetadata"] = {
            "HTTPStatusCode": _OK,
            "HTTPHeaders": headers,
            "RequestId": headers.get("x-amzn-requestid"),
        }
        return parsed


class _Parsers(botocore.parsers.ResponseParserFactory):  # type: ignore[misc]
    def create_parser(self, protocol_name: str) -> Any:
        if protocol_name == "json":
            return _PlainJson(**self._defaults)
        return super().create_parser(protocol_name)


class _AsItIs(botocore.serialize.JSONSerializer):  # type: ignore[misc]
    """Sends parameters as the JSON that they are: the service's own shapes name nothing differently."""

    def serialize_to_request(self, parameters: dict[str, Any], operation_model: Any) -> dict[str, Any]:
        metadata = operation_model.metadata
        request: dict[str, Any] = self._create_default_request()
        request["method"] = "POST"
        request["headers"] = {
            "X-Amz-Target": f"{metadata['targetPrefix']}.{operation_model.name}",
            "Content-Type": f"application/x-amz-json-{metadata['jsonVersion']}",
        }
        request["body"] = json.dumps(parameters, separators=(",", ":"), default=_blob).encode()
        return request


def _blob(value: Any) -> str:
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    raise TypeError(f"DynamoDB takes no {type(value).__name__}")


class _Signer(botocore.auth.SigV4Auth):  # type: ignore[misc]
    """Signature version 4 of the one kind of request that DynamoDB takes: POST / with a body and no query.

    It signs the headers that must be signed (host, content type, x-amz-*), and not those of botocore's retries.
    """

    def headers_to_sign(self, request: Any) -> dict[str, str]:
        given = request.headers
        signed = {"content-type": given["Content-Type"], "host": _host(request.url), "x-amz-date": given["X-Amz-Date"]}
        if (token := given["X-Amz-Security-Token"]) is not None:
            signed["x-amz-security-token"] = token
        signed["x-amz-target"] = given["X-Amz-Target"]
        return signed

    def signed_headers(self, headers_to_sign: dict[str, str]) -> str:
        return ";".join(headers_to_sign)

    def canonical_request(self, request: Any) -> str:
        headers = self.headers_to_sign(request)
        lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
        return f"POST\n/\n\n{lines}\n{self.signed_headers(headers)}\n{hashlib.sha256(request.data).hexdigest()}"

    def signature(self, string_to_sign: str, request: Any) -> str:
        day = request.context["timestamp"][:8]
        key = _signing_key(self.credentials.secret_key, day, self._region_name, self._service_name)
        return hmac.new(key, string_to_sign.encode(), hashlib.sha256).hexdigest()


@functools.lru_cache(maxsize=4)
def _signing_key(secret: str, day: str, region: str, service: str) -> bytes:
    """The key of one day, region and service: the same for every request until midnight or other credentials."""
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


_SIGNATURE = "v4-dynamodb"
_host = functools.lru_cache(maxsize=4)(botocore.auth._host_from_url)


@functools.cache
def client() -> Any:
    """The client that every read and write of the table goes through."""
    import botocore.session

    session = botocore.session.Session()
    session.register_component("response_parser_factory", _Parsers())
    config = Config(
        parameter_validation=False,
        user_agent="client-portal",
        connect_timeout=2,
        read_timeout=5,
        max_pool_connections=20,
        retries={"total_max_attempts": 3, "mode": "standard"},
    )
    made = session.create_client("dynamodb", region_name=settings.aws_region, config=config)
    made._serializer = _AsItIs()
    # Without rules botocore takes the region's address (or the environment's) that it found when it made the client.
    made._ruleset_resolver = None
    botocore.auth.AUTH_TYPE_MAPS[_SIGNATURE] = _Signer
    made.meta.events.register("choose-signer.dynamodb.*", lambda **_: _SIGNATURE)
    return made


def table_connection(meta_table: Any) -> TableConnection:
    """PynamoDB's connection on the same client: a connection of its own would cost 60 to 150 ms."""
    connection = TableConnection(settings.table_name, meta_table=meta_table, region=settings.aws_region)
    connection.connection._client = client()
    return connection
