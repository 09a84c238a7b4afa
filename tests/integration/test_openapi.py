"""The API keeps to its own description: whatever is sent, no answer is a defect or has an undocumented status."""

from collections.abc import Callable
from typing import Any

import hypothesis
import pytest
import schemathesis
from openapi_spec_validator import validate
from schemathesis.specs.openapi import checks

from chalicelib.handlers import openapi, routes
from chalicelib.handlers.routing import PRACTICE
from chalicelib.policies.scopes import Scope, scope_of
from tests.calls import Caller
from tests.conftest import World

PEOPLE = ("A1", "T1", "C1")
CHECKS = [checks.status_code_conformance, checks.content_type_conformance, checks.response_schema_conformance]


@schemathesis.serializer("application/pdf")
def _pdf(_: Any, value: Any) -> bytes:
    """Any bytes may be sent for a check."""
    return value if isinstance(value, bytes) else str(value).encode()


def test_the_description_is_valid_and_complete() -> None:
    document = openapi.document()
    validate(document)
    described = {(path, method.upper()) for path, item in document["paths"].items() for method in item}
    assert described == {(route.path, route.method) for route in routes()}
    ids = [operation["operationId"] for item in document["paths"].values() for operation in item.values()]
    assert len(ids) == len(set(ids))


def test_the_description_says_what_a_program_needs() -> None:
    """The scope of each operation, the codes of its problems, and what each code means."""
    document = openapi.document()
    codes = {each["code"] for each in document["x-problems"]}
    for route in routes():
        operation = document["paths"][route.path][route.method.lower()]
        needed = scope_of(route.action) if route.audience == PRACTICE else None
        assert operation.get("x-scope") == needed, route.operation_id
        assert ({"token": [needed]} in operation.get("security", [])) == (needed is not None)
        told = [code for answer in operation["responses"].values() for code in answer.get("x-codes", [])]
        assert set(told) <= codes, route.operation_id
        assert ("scope_missing" in told) == (needed is not None)
    assert {tag["name"] for tag in document["tags"]} == {route.feature for route in routes()}
    assert all(tag["description"] for tag in document["tags"])
    assert set(document["x-scopes"]) == set(Scope)


LOADED = schemathesis.openapi.from_dict(openapi.document())
OPERATIONS = [result.ok() for result in LOADED.get_all_operations()]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_nothing_that_is_sent_makes_the_api_fail(
    operation: Any, world: World, server: str, call: Callable[..., Caller]
) -> None:
    """As an administrator, a therapist, a client and a program, with inputs made from the description."""
    made = call("A1").post("/practice/tokens", {"name": "Everything", "scopes": list(Scope)})
    tokens = [*(call(person).token for person in PEOPLE), made.json["token"]]

    @hypothesis.settings(
        max_examples=6,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=operation.as_strategy())
    def probe(case: schemathesis.Case) -> None:
        for token in tokens:
            response = case.call(base_url=f"{server}/api", headers={"Authorization": f"Bearer {token}"})
            assert response.status_code < 500, response.text
            case.validate_response(response, checks=CHECKS)

    probe()
