"""Who asks is what CloudFront says, and only CloudFront can say it."""

from collections.abc import Callable

import pytest

from infra.local import cloud
from tests.calls import Caller


def test_an_address_is_believed_with_the_origin_key_only(
    call: Callable[..., Caller], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anyone can send the header to the regional API; without the key it would forge evidence and dodge the limits."""
    from chalice.app import Request

    from chalicelib.handlers import routing

    def seen(**headers: str) -> str:
        event = {
            "headers": {name.replace("_", "-"): value for name, value in headers.items()},
            "multiValueHeaders": {},
            "requestContext": {"httpMethod": "GET", "resourcePath": "/", "identity": {"sourceIp": "203.0.113.5"}},
            "multiValueQueryStringParameters": None,
            "pathParameters": None,
            "body": None,
            "isBase64Encoded": False,
            "stageVariables": None,
        }
        return routing._caller(Request(event, None)).address

    told = {"cloudfront_viewer_address": "198.51.100.7:1"}
    assert seen(**told) == "203.0.113.5"
    assert seen(**told, x_origin_key="x" * 48) == "203.0.113.5"
    assert seen(**told, x_origin_key=cloud.ORIGIN_KEY) == "198.51.100.7"
    monkeypatch.setattr(routing, "settings", routing.settings.model_copy(update={"origin_key": None}))
    assert seen(**told, x_origin_key="") == "203.0.113.5"
