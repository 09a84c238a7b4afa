"""The tuned client says to DynamoDB what botocore's own would, signs it so that AWS accepts it, and hears errors."""

import json
from datetime import datetime
from typing import Any

import botocore.auth
import botocore.exceptions
import botocore.session
import pytest
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.credentials import Credentials

from chalicelib.models import connection

ITEM = {
    "pk": {"S": "é\u2028😀"},
    "sk": {"S": "s"},
    "data": {"B": b"\x00\xff"},
    "list": {"L": [{"N": "-1.5"}, {"NULL": True}]},
}
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("get_item", {"TableName": "t", "Key": {"pk": {"S": "p"}, "sk": {"S": "s"}}, "ConsistentRead": True}),
    ("put_item", {"TableName": "t", "Item": ITEM, "ConditionExpression": "attribute_not_exists(pk)"}),
    (
        "query",
        {
            "TableName": "t",
            "KeyConditionExpression": "pk = :p",
            "ExpressionAttributeValues": {":p": {"S": "p"}},
            "Limit": 5,
        },
    ),
    ("batch_get_item", {"RequestItems": {"t": {"Keys": [{"pk": {"S": "p"}, "sk": {"S": "s"}}]}}}),
    (
        "transact_write_items",
        {"TransactItems": [{"Put": {"TableName": "t", "Item": ITEM}}], "ClientRequestToken": "token"},
    ),
]


def _listened(client: Any, status: int = 200, body: bytes = b"{}") -> list[Any]:
    """The requests that the client sends, which reach nobody."""
    requests: list[Any] = []

    def answer(request: Any, **_: Any) -> AWSResponse:
        requests.append(request)
        response = AWSResponse(request.url, status, {"x-amzn-requestid": "r"}, None)
        response._content = body
        return response

    client.meta.events.register_first("before-send.dynamodb.*", answer)
    return requests


@pytest.fixture
def tuned() -> Any:
    """A client of its own, so that what a test registers stays with it."""
    return connection.client.__wrapped__()


@pytest.mark.parametrize(("method", "parameters"), CALLS)
def test_requests_say_what_botocores_own_would(tuned: Any, method: str, parameters: dict[str, Any]) -> None:
    stock = botocore.session.Session().create_client("dynamodb", region_name=tuned.meta.region_name)
    ours, theirs = _listened(tuned), _listened(stock)
    getattr(tuned, method)(**parameters)
    getattr(stock, method)(**parameters)
    assert json.loads(ours[0].body) == json.loads(theirs[0].body)
    assert (ours[0].method, ours[0].url) == (theirs[0].method, theirs[0].url)
    for name in ("X-Amz-Target", "Content-Type"):
        assert ours[0].headers[name] == theirs[0].headers[name]


@pytest.mark.parametrize("token", [None, "a session token"])
def test_signatures_are_botocores_own(monkeypatch: pytest.MonkeyPatch, token: str | None) -> None:
    headers = {"X-Amz-Target": "DynamoDB_20120810.GetItem", "Content-Type": "application/x-amz-json-1.0"}
    url = "https://dynamodb.eu-west-1.amazonaws.com/"
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: datetime(2026, 11, 24, 8, 9, 10))  # noqa: DTZ001
    signed = []
    for signer in (connection._Signer, botocore.auth.SigV4Auth):
        request = AWSRequest("POST", url, dict(headers), b'{"TableName": "t"}')
        signer(Credentials("key", "secret", token), "dynamodb", "eu-west-1").add_auth(request)
        signed.append(request.headers)
    ours, theirs = signed
    assert ours["X-Amz-Date"] == theirs["X-Amz-Date"] == "20261124T080910Z"
    assert ours["Authorization"] == theirs["Authorization"]
    assert ours["X-Amz-Security-Token"] == token


def test_a_good_answer_is_taken_as_it_is(tuned: Any) -> None:
    _listened(tuned, body=b'{"Item": {"pk": {"S": "p"}, "n": {"N": "1"}}}')
    answer = tuned.get_item(TableName="t", Key={})
    assert answer["Item"] == {"pk": {"S": "p"}, "n": {"N": "1"}}
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_errors_are_botocores_own(tuned: Any) -> None:
    reasons = [{"Code": "None"}, {"Code": "ConditionalCheckFailed"}]
    kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException"
    _listened(tuned, 400, json.dumps({"__type": kind, "CancellationReasons": reasons}).encode())
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        tuned.transact_write_items(TransactItems=[])
    assert caught.value.response["Error"]["Code"] == "TransactionCanceledException"
    assert [each["Code"] for each in caught.value.response["CancellationReasons"]] == ["None", "ConditionalCheckFailed"]


def test_throttling_is_tried_again_by_botocore(tuned: Any) -> None:
    kind = "com.amazonaws.dynamodb.v20120810#ThrottlingException"
    requests = _listened(tuned, 400, json.dumps({"__type": kind}).encode())
    with pytest.raises(botocore.exceptions.ClientError):
        tuned.get_item(TableName="t", Key={})
    assert len(requests) == 3


def test_what_json_cannot_say_is_refused(tuned: Any) -> None:
    with pytest.raises(TypeError):
        tuned.get_item(TableName="t", Key={"pk": {"S": {1, 2}}})
