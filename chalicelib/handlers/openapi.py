"""The API's own description (OpenAPI 3.1), made from the routes and their models; nothing is written twice.

python -m chalicelib.handlers.openapi > frontend/openapi.json
"""

import functools
import importlib
import inspect
import re
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.json_schema import models_json_schema

from chalicelib import errors
from chalicelib.handlers.routing import PRACTICE, PUBLIC, Route, Routes
from chalicelib.handlers.views import Content, Empty, PortalView, Problem
from chalicelib.policies.rules import RULES
from chalicelib.policies.scopes import SCOPES, scope_of
from chalicelib.services.sessions import Caller

public = Routes(__name__, PUBLIC)

_FORMS = dict.fromkeys(("slug", "form_id", "section_id", "logo", "feed_key"), r"^[A-Za-z0-9_-]{1,80}$")
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
            "with `cursor`. Programs send an API token as `Authorization: Bearer`; `x-scope` names the scope that an "
            "operation needs, and what has none is closed to programs.",
        },
        "servers": [{"url": "/api"}],
        "tags": _tags(table),
        "x-scopes": {scope: sorted(actions) for scope, actions in SCOPES.items()},
        "x-problems": _problems(),
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": "__Host-sid"},
                "bearer": {"type": "http", "scheme": "bearer", "description": "A session's, got with `bearer: true`."},
                "token": {"type": "http", "scheme": "bearer", "description": "An API token, with the scope."},
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
        "tags": [route.feature],
        "x-audience": route.audience,
        "parameters": _parameters(route),
        "responses": _responses(route),
    }
    if route.audience != PUBLIC:
        operation["security"] = [{"session": []}, {"bearer": []}]
    if scope := _scope(route):
        operation["x-scope"] = scope
        operation["security"].append({"token": [scope]})
    if route.description:
        operation["description"] = " ".join(route.description.split())
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
    if route.conditional:
        found.append({"name": "If-None-Match", "in": "header", "required": False, "schema": {"type": "string"}})
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
    names = [name for sent in (route.body, route.query) if sent for name in sent.model_fields]
    names_others = any(name == "to" or name.endswith(("_id", "_ids")) for name in names)
    if "{" in route.path or RULES[route.action].anyone or names_others:
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
    known = _codes(route)
    bad = {
        str(code): {"description": "Problem", "content": problem, **({"x-codes": known[code]} if code in known else {})}
        for code in sorted(codes)
    }
    same = {"304": {"description": "As it was: the If-None-Match is its etag."}} if route.conditional else {}
    return {str(route.status): good, **same, **bad}


def _codes(route: Route) -> dict[int, list[str]]:
    """The codes of problems that the route's own declaration brings. A 409 depends on the state of the record."""
    signed_in = route.audience != PUBLIC
    paged = route.query is not None and "cursor" in route.query.model_fields
    found: dict[int, list[str | None]] = {
        400: [
            "malformed",
            "idempotency_key_missing" if route.idempotent else None,
            "invalid_cursor" if paged else None,
        ],
        403: ["forbidden", "scope_missing" if _scope(route) else None, "proof_required" if route.proof else None],
        404: ["not_found"],
        412: ["stale"],
        413: ["too_large"],
        415: ["unsupported_media_type"],
        422: ["invalid_body", "idempotency_key_reused" if route.idempotent else None],
        428: ["if_match_missing"],
        429: ["too_many_requests"],
        503: ["busy"],
    }
    if signed_in:
        found[401] = ["unauthenticated"]
    if RULES[route.action].feature is not None:
        found[403] += ["feature_not_in_plan", "feature_switched_off"]
    return {status: [code for code in codes if code] for status, codes in found.items()}


def _scope(route: Route) -> str | None:
    return scope_of(route.action) if route.audience == PRACTICE else None


def _tags(table: list[Route]) -> list[dict[str, str]]:
    """The features in order, each with the first paragraph of its module."""
    found = []
    for feature in sorted({route.feature for route in table}):
        about = inspect.getdoc(importlib.import_module(f"chalicelib.handlers.{feature}")) or ""
        found.append({"name": feature, "description": " ".join(about.split("\n\n")[0].split())})
    return found


def _problems() -> list[dict[str, Any]]:
    """Every expected failure: its status, its stable code, and its sentence."""
    kinds = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, errors.PortalError)]
    told = [{"status": kind.status, "code": kind.code, "title": kind.title} for kind in kinds]
    return sorted(told, key=lambda each: (each["status"], each["code"]))


def _ref(model: Any) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}
