"""The API's own description (OpenAPI 3.1), made from the routes and their models; nothing is written twice.

python -m chalicelib.handlers.openapi > frontend/openapi.json
"""

import functools
import re
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.json_schema import models_json_schema

from chalicelib.handlers.routing import PUBLIC, Route, Routes
from chalicelib.handlers.views import Content, Empty, PortalView, Problem
from chalicelib.policies.rules import RULES
from chalicelib.services.sessions import Caller

public = Routes(__name__, PUBLIC)

_FORMS = {
    "slug": r"^[A-Za-z0-9_-]{1,80}$",
    "feed_key": r"^[A-Za-z0-9_-]{1,80}$",
    "form_id": r"^[A-Za-z0-9_-]{1,80}$",
    "section_id": r"^[A-Za-z0-9_-]{1,80}$",
}
_ANY_ID = r"^[0-9A-Z]{26}$"


class Description(PortalView):
    """An OpenAPI document."""

    model_config = ConfigDict(extra="allow")


@public.endpoint("GET", "/openapi.json", action="api:describe")
def describe_api(context: None, caller: Caller) -> Description:
    """This description"""
    return Description.model_validate(document())


@functools.cache
def document() -> dict[str, Any]:
    """The description of every route: made once, it does not change while the function lives."""
    from chalicelib.handlers import routes

    table = sorted(routes(), key=lambda route: (route.path, route.method))
    schemas = _schemas(table)
    paths: dict[str, Any] = {}
    for route in table:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Client Portal",
            "version": "1",
            "description": "Errors are RFC 9457 problem details with a stable `code`. Instants are UTC. Lists are read "
            "with `cursor`. Programs sign in with `bearer: true` and send the token as `Authorization: Bearer`.",
        },
        "servers": [{"url": "/api"}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": "__Host-sid"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def _schemas(table: list[Route]) -> dict[str, Any]:
    inputs: list[Any] = [(model, "validation") for route in table if (model := route.body)]
    outputs: list[Any] = [
        (route.view, "serialization") for route in table if _has_content(route) and route.view is not Content
    ]
    _, both = models_json_schema(
        [*dict.fromkeys(inputs), *dict.fromkeys(outputs), (Problem, "serialization")],
        ref_template="#/components/schemas/{model}",
    )
    schemas: dict[str, Any] = both["$defs"]
    return schemas


def _has_content(route: Route) -> bool:
    return isinstance(route.view, type) and issubclass(route.view, BaseModel) and route.view is not Empty


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.operation_id,
        "summary": route.summary,
        "tags": [route.audience],
        "parameters": _parameters(route),
        "responses": _responses(route),
    }
    if route.audience != PUBLIC:
        operation["security"] = [{"session": []}, {"bearer": []}]
    if route.media != "application/json":
        schema = {"type": "string", "contentMediaType": route.media}
        operation["requestBody"] = {"required": True, "content": {route.media: {"schema": schema}}}
    elif route.body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": _ref(route.body)}}}
    return operation


def _parameters(route: Route) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "pattern": _FORMS.get(name, _ANY_ID)},
        }
        for name in re.findall(r"{(\w+)}", route.path)
    ]
    if route.query is not None:
        for name, schema in route.query.model_json_schema()["properties"].items():
            found.append({"name": name, "in": "query", "required": False, "schema": schema})
    if route.idempotent:
        schema = {"type": "string", "pattern": "^[A-Za-z0-9_-]{8,128}$"}
        found.append({"name": "Idempotency-Key", "in": "header", "required": True, "schema": schema})
    if route.if_match:
        found.append({"name": "If-Match", "in": "header", "required": True, "schema": {"type": "string"}})
    return found


def _responses(route: Route) -> dict[str, Any]:
    good: dict[str, Any] = {"description": route.summary}
    if route.answers != "application/json":
        good["content"] = {route.answers: {"schema": {"type": "string"}}}
    elif _has_content(route):
        good["content"] = {"application/json": {"schema": _ref(route.view)}}
    codes = {400, 413, 429, 503}
    if route.audience != PUBLIC:
        codes |= {401, 403}
    if "{" in route.path or RULES[route.action].anyone:
        codes.add(404)
    if route.body or route.query or route.idempotent or route.media != "application/json":
        codes |= {409, 415, 422}
    if route.method != "GET":
        codes |= {401, 403, 409}
    if route.action == "document:verify":
        codes.add(409)
    if route.if_match:
        codes |= {412, 428}
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    bad = {str(code): {"description": "Problem", "content": problem} for code in sorted(codes)}
    return {str(route.status): good, **bad}


def _ref(model: Any) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}
