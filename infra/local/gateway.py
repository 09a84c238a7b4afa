"""What API Gateway does in front of the `api` function: routes, limits, the event, and its own errors as problems."""

import base64
import json
import logging
import uuid
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from chalice.local import CustomLocalChalice, LambdaContext, LocalChalice

from infra import template
from infra.local.room import with_room

REQUEST_BYTES = 10 * 1024 * 1024  # API Gateway's limit of a request
EVENT_BYTES = 6 * 1024 * 1024  # Lambda's limit of an event and of an answer; a binary body counts a third more
MERGED = template.STATEFUL.with_name("merge.yaml")

log = logging.getLogger("infra.local")


class Answer(NamedTuple):
    """A response before it is on the wire; a header with several values is several pairs."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Gateway:
    """Calls the application as API Gateway would."""

    def __init__(self, app: Any) -> None:
        # Chalice keeps the current request on the application; this class swap makes that one per thread.
        CustomLocalChalice.__bases__ = (LocalChalice, app.__class__)
        app.__class__ = CustomLocalChalice
        self._app = app
        self._binary = set(app.api.binary_types)
        self._routes = {path: {**methods} for path, methods in app.routes.items()}
        merged = template.load(MERGED)["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
        self._errors: dict[str, Any] = merged["x-amazon-apigateway-gateway-responses"]

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes, address: str) -> Answer:
        """One request; `target` is the path below /api with its query, `headers` have lower-case names."""
        request_id = str(uuid.uuid4())
        path = urlsplit(target).path
        found = self._match(path, method)
        if found is None:
            return self.error("MISSING_AUTHENTICATION_TOKEN", request_id)
        if isinstance(found, set):
            return _not_allowed(found, request_id)
        template_path, captured = found
        event = self._event(method, target, template_path, captured, headers, body, address, request_id)
        if len(event["body"] or "") > EVENT_BYTES:
            return self.error("REQUEST_TOO_LARGE", request_id)
        return self._called(event, request_id)

    def error(self, kind: str, request_id: str | None = None) -> Answer:
        """What API Gateway itself answers, as infra/merge.yaml has it."""
        planned = self._errors[kind]
        body = planned["responseTemplates"]["application/json"].replace(
            "$context.requestId", request_id or str(uuid.uuid4())
        )
        prefix = "gatewayresponse.header."
        headers = [
            (name.removeprefix(prefix), value[1:-1].replace("''", "'"))
            for name, value in planned["responseParameters"].items()
        ]
        return Answer(int(planned["statusCode"]), headers, body.encode())

    def _called(self, event: dict[str, Any], request_id: str) -> Answer:
        context = LambdaContext("client-portal-local", 1024, 29_000)
        context.aws_request_id = request_id
        try:
            response = with_room(lambda: self._app(event, context))
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            log.warning("the function died: %s", type(error).__name__)
            return self.error("DEFAULT_5XX", request_id)
        body = response["body"] or b""
        body = body.encode() if isinstance(body, str) else body
        if len(body) > EVENT_BYTES:
            log.warning("the function's answer is larger than Lambda lets through: %d bytes", len(body))
            return self.error("DEFAULT_5XX", request_id)
        if response.get("isBase64Encoded"):
            body = base64.b64decode(body)
        headers = [(name, str(value)) for name, value in response["headers"].items()]
        for name, values in response.get("multiValueHeaders", {}).items():
            headers += [(name, str(value)) for value in values]
        if body and not any(name.lower() == "content-type" for name, _ in headers):
            headers.append(("Content-Type", "application/json"))
        return Answer(response["statusCode"], headers, body)

    def _match(self, path: str, method: str) -> tuple[str, dict[str, str]] | set[str] | None:
        """The route and its path parameters; the methods there are, when this one is not; None when nothing is."""
        asked = (path.rstrip("/") or "/").split("/")
        best: tuple[int, str, dict[str, str]] | None = None
        for route in self._routes:
            parts = route.split("/")
            if len(parts) != len(asked):
                continue
            pairs = list(zip(parts, asked, strict=True))
            if all((part.startswith("{") and given) or part == given for part, given in pairs):
                captured = {part[1:-1]: given for part, given in pairs if part.startswith("{")}
                if best is None or len(captured) < best[0]:
                    best = (len(captured), route, captured)
        if best is None:
            return None
        methods = set(self._routes[best[1]])
        return (best[1], best[2]) if method in methods else methods

    def _event(
        self,
        method: str,
        target: str,
        route: str,
        captured: dict[str, str],
        headers: dict[str, str],
        body: bytes,
        address: str,
        request_id: str,
    ) -> dict[str, Any]:
        parts = urlsplit(target)
        binary = headers.get("content-type", "").partition(";")[0].strip().lower() in self._binary
        text = base64.b64encode(body).decode() if binary else body.decode("utf-8", "replace")
        return {
            "resource": route,
            "path": parts.path,
            "httpMethod": method,
            "headers": headers,
            "multiValueHeaders": {name: [value] for name, value in headers.items()},
            "multiValueQueryStringParameters": parse_qs(parts.query, keep_blank_values=True) or None,
            "pathParameters": captured or None,
            "stageVariables": None,
            "requestContext": {
                "httpMethod": method,
                "resourcePath": route,
                "path": f"/api{parts.path}",
                "stage": "api",
                "requestId": request_id,
                "identity": {"sourceIp": address, "userAgent": headers.get("user-agent")},
            },
            "body": text if body else None,
            "isBase64Encoded": bool(body) and binary,
        }


def _not_allowed(methods: set[str], request_id: str) -> Answer:
    problem = {
        "type": "about:blank",
        "title": "This address does not take that method.",
        "status": 405,
        "code": "method_not_allowed",
        "instance": f"urn:request:{request_id}",
    }
    allowed = ", ".join(sorted(methods))
    headers = [("Content-Type", "application/problem+json"), ("Allow", allowed), ("Cache-Control", "no-store")]
    return Answer(405, headers, json.dumps(problem, separators=(",", ":")).encode())
