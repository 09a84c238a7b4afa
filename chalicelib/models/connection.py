"""The one DynamoDB client, tuned through botocore's own hooks.

botocore, not the framework, is the cost of a warm request: its parser walks ten members of every attribute value, its
user agent is built twice a call, its parameters are validated although PynamoDB made them. This file replaces just
those three. Retries, time-outs, credentials and checksums stay botocore's. DynamoDB's answers hold no time stamps, and
the only blobs are Binary attributes, which `table.decode` reads from base64.
"""

import functools
import json
from typing import Any

import botocore.parsers
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
    return session.create_client("dynamodb", region_name=settings.aws_region, config=config)


def table_connection(meta_table: Any) -> TableConnection:
    """PynamoDB's connection on the same client: a connection of its own would cost 60 to 150 ms."""
    connection = TableConnection(settings.table_name, meta_table=meta_table, region=settings.aws_region)
    connection.connection._client = client()
    return connection
