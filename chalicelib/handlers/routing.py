"""The only way to add a route.

    @practice.endpoint("POST", "/clients/{client_id}/invites", action="invite:send", body=InviteIn, status=201)
    def send_invite(context: Context, client_id: str, body: InviteIn) -> InviteView: ...

One request, step by step: who asks (one read) → may they (policies) → is it well formed → the service → the view →
the audit of a read → the answer. Errors come in the order 401, 403 by role, 404, 403 by feature, 400/422, 409.
"""

import functools
import hashlib
import inspect
import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, get_type_hints

from chalice.app import Blueprint, Request, Response
from pydantic import BaseModel, ValidationError

from chalicelib import clock, ids
from chalicelib.config import settings
from chalicelib.context import Context
from chalicelib.errors import (
    Busy,
    CrossSite,
    Forbidden,
    IdempotencyKeyMissing,
    Malformed,
    NotFound,
    PortalError,
    PreconditionMissing,
    Stale,
    TooLarge,
    TwoCredentials,
    Unauthenticated,
    UnsupportedMedia,
)
from chalicelib.handlers import problems
from chalicelib.handlers.views import Content, Empty, PortalView, View
from chalicelib.observability import logger, where
from chalicelib.policies.decide import denial
from chalicelib.policies.rules import RULES, Reach
from chalicelib.policies.scopes import scope_of
from chalicelib.services import audits, idempotency, sessions, tokens

COOKIE = "__Host-sid"
DEVICE_COOKIE = "__Host-device"
MAX_BODY = 256 * 1024
SAFE = frozenset({"GET", "HEAD"})
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
}
_KEY = re.compile(r"[A-Za-z0-9_-]{8,128}")
_PATH_PART = re.compile(r"[A-Za-z0-9_-]{1,80}")
_NAMES = ("slug", "form_id", "section_id", "logo", "feed_key")  # what is no id of ours

PUBLIC, PRACTICE, PORTAL, BOTH = "public", "practice", "portal", "both"
# A program asks for an organization: it is no client, and has no session of its own.
_AUDIENCE = {
    PRACTICE: {sessions.STAFF, sessions.PROGRAM},
    PORTAL: {sessions.CLIENT},
    BOTH: {sessions.STAFF, sessions.CLIENT},
}


@dataclass(frozen=True)
class Route:
    """What is known of a route: for OpenAPI, the route matrix test and the reader."""

    method: str
    path: str
    action: str
    audience: str
    operation_id: str
    feature: str
    summary: str
    description: str
    body: type[BaseModel] | None
    query: type[BaseModel] | None
    view: Any
    status: int
    idempotent: bool
    if_match: bool
    media: str
    reads_record: bool
    proof: str | None
    answers: str
    signed: str | None
    conditional: bool


class NotModified(Exception):
    """What the asker has is what there is (RFC 9110 15.4.5): raised by a view as soon as it can tell, before it reads
    what it would show, so that nothing is seen and nothing audited."""


def unless_known(context: Context, etag: str) -> str:
    """The tag, if the asker does not hold it already. Raises NotModified."""
    if context.if_none_match == etag:
        raise NotModified(etag)
    return etag


class Routes(Blueprint):  # type: ignore[misc]
    """A blueprint whose every route names the action that it needs. Mistakes stop the import."""

    def __init__(self, import_name: str, audience: str, prefix: str = "", *, tag: str | None = None) -> None:
        """`tag`: the feature that the API's description has these routes under, where that is another file's."""
        super().__init__(import_name)
        self.audience, self.prefix, self.tag = audience, prefix, tag
        self.table: list[Route] = []

    def endpoint(
        self,
        method: str,
        path: str,
        *,
        action: str,
        body: type[BaseModel] | None = None,
        query: type[BaseModel] | None = None,
        status: int = 200,
        idempotent: bool = False,
        if_match: bool = False,
        media: str = "application/json",
        reads_record: bool = False,
        proof: str | None = None,
        max_body: int = MAX_BODY,
        answers: str = "application/json",
        signed: str | None = None,
        conditional: bool = False,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Register a view. `idempotent`: an Idempotency-Key is required. `if_match`: an If-Match is. `reads_record`: a
        staff member's read of a client's record is audited before the answer goes out; a list of clients is, too,
        when its view says whom it names (View.clients_named). `proof`: the password must have been given lately
        (sessions.RECENT) or nobody been away since (sessions.UNBROKEN), else proof_required. `media` is what comes in
        and `answers` what goes out, where it is not JSON: then the view is a Content. `signed`: the view takes the
        bytes as they came (`content`) and this header (`signature`), which proves who sent them.
        `conditional`: If-None-Match is heeded (`unless_known`): what is asked for again and again costs little while
        nothing changes."""

        def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
            view_type = get_type_hints(function)["return"]
            summary, _, description = inspect.cleandoc(function.__doc__ or "").partition("\n")
            feature = self.tag or function.__module__.rpartition(".")[2]
            route = Route(
                method, self.prefix + path, action, self.audience, function.__name__, feature, summary.rstrip("."),
                description.strip(), body, query, view_type, status, idempotent, if_match, media, reads_record, proof,
                answers, signed, conditional,
            )  # fmt: skip
            _check(route, function)
            self.table.append(route)

            @functools.wraps(function)
            def view(**params: str) -> Response:
                return _serve(route, function, self.current_request, params, max_body)

            del view.__wrapped__  # Chalice would ask the inner function for its arguments
            types = ["application/json", "*/*"]  # Chalice's own refusal is no problem document; ours follows
            self.route(self.prefix + path, methods=[method], content_types=types, name=function.__name__)(view)
            return function

        return decorate


def _check(route: Route, function: Callable[..., Any]) -> None:
    """What must be true of every route, found at import."""
    where = f"{route.method} {route.path}"
    rule = RULES.get(route.action)
    if rule is None:
        raise RuntimeError(f"{where}: unknown action {route.action}")
    staff = {rule.administrator, rule.therapist} != {Reach.NOBODY}
    admitted = {PUBLIC: rule.anyone, PRACTICE: staff, PORTAL: rule.client is not Reach.NOBODY}
    admitted[BOTH] = admitted[PRACTICE] and admitted[PORTAL]
    if not admitted[route.audience]:
        raise RuntimeError(f"{where}: {route.action} does not admit {route.audience}")
    if route.audience == PORTAL and "{client_id}" in route.path:
        raise RuntimeError(f"{where}: a client is known by the session, never by the address")
    needs_client = not {Reach.ASSIGNED, Reach.PERMITTED, Reach.BILLING}.isdisjoint(rule[1:5])
    if route.audience == PRACTICE and needs_client and "{client_id}" not in route.path:
        raise RuntimeError(f"{where}: {route.action} is about one client, whom the address must name")
    if route.audience == PORTAL and not (isinstance(route.view, type) and issubclass(route.view, PortalView | Empty)):
        raise RuntimeError(f"{where}: portal routes return PortalView types only")
    if route.method in SAFE and (route.body or route.idempotent or route.if_match):
        raise RuntimeError(f"{where}: a safe method changes nothing")
    if route.proof is not None and scope_of(route.action) is not None:
        raise RuntimeError(f"{where}: no program can give the proof, so {route.action} belongs to no scope")
    if route.conditional and (route.method != "GET" or "etag" not in getattr(route.view, "model_fields", ())):
        raise RuntimeError(f"{where}: what is conditional is a GET whose view has an etag")
    if (route.answers != "application/json") != (isinstance(route.view, type) and issubclass(route.view, Content)):
        raise RuntimeError(f"{where}: what is not JSON is a Content, and the other way round")
    if route.signed is not None and (route.audience != PUBLIC or route.body is not None):
        raise RuntimeError(f"{where}: what is signed comes from outside, and is read as it came")
    if "context" not in inspect.signature(function).parameters:
        raise RuntimeError(f"{where}: the view takes the context")


# ---- one request ----


def _serve(
    route: Route, function: Callable[..., Any], request: Request, params: dict[str, str], limit: int
) -> Response:
    started = time.perf_counter()
    caller = _caller(request)
    context: Context | None = None
    error: PortalError | None = None
    try:
        params = _safe_params(params)
        context = _context(route, request, params, caller)
        _authorize(route, context)
        answer = _answer(route, function, request, context, params, limit, caller)
    except NotModified as same:
        answer = Response("", headers={**HEADERS, "ETag": f'"{same}"'}, status_code=304)
    except Exception as exception:
        error = problems.of(exception)
        if error is None:
            logger.error("defect", error=where(exception), request_id=caller.request_id)
            error = PortalError()
        answer = problems.response(error, caller.request_id, HEADERS)
    logger.info(
        "request",
        route=f"{route.method} {route.path}",
        action=route.action,
        status=answer.status_code,
        code=error.code if error else None,
        tenant_id=context.tenant_id if context else None,
        actor=context.actor.id if context else None,
        request_id=caller.request_id,
        ms=round((time.perf_counter() - started) * 1000, 1),
    )
    return answer


def _caller(request: Request) -> sessions.Caller:
    headers = request.headers
    identity = request.context.get("identity") or {}
    through_cloudfront = settings.origin_key and ids.same(headers.get("x-origin-key", ""), settings.origin_key)
    told = headers.get("cloudfront-viewer-address", "").rpartition(":")[0] if through_cloudfront else ""
    viewer = told or identity.get("sourceIp") or "unknown"
    device = headers.get("user-agent")
    return sessions.Caller(
        address=viewer[:64],
        device="".join(c for c in device if c.isprintable())[:300] if device else None,
        request_id=str(request.context.get("requestId") or ids.new_id()),
        device_token=_cookies(request).get(DEVICE_COOKIE),
    )


def _safe_params(params: dict[str, str]) -> dict[str, str]:
    """Path parts as they stand; what cannot be an id of ours is the same 404 as an id that is not there."""
    for name, value in params.items():
        if not (_PATH_PART.fullmatch(value) if name in _NAMES else ids.is_id(value)):
            params = {**params, name: "-"}
    return params


def _cookies(request: Request) -> dict[str, str]:
    cookies: dict[str, str] = {}
    for part in request.headers.get("cookie", "").split(";"):
        name, _, value = part.strip().partition("=")
        cookies.setdefault(name, value)
    return cookies


def _token(request: Request) -> str | None:
    cookie = _cookies(request).get(COOKIE)
    if cookie and tokens.is_token(cookie):
        raise Unauthenticated()  # a browser sends its cookies by itself; what a program holds must never be one
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and bearer.strip():
        if cookie and cookie != bearer.strip():
            raise TwoCredentials()
        return str(bearer.strip())
    return cookie or None


def _context(route: Route, request: Request, params: dict[str, str], caller: sessions.Caller) -> Context | None:
    if route.audience == PUBLIC:
        return None
    token = _token(request)
    if token is None:
        raise Unauthenticated()
    key = request.headers.get("idempotency-key")
    digest = idempotency.key_digest(key) if route.idempotent and key else None
    background = request.headers.get("x-background") == "1"
    context = sessions.recognize(token, params.get("client_id"), digest, background, caller, params)
    _check_origin(route, request, context)
    return context


def _check_origin(route: Route, request: Request, context: Context) -> None:
    """A change by cookie needs the session's CSRF token and our own origin; browsers send no bearer tokens."""
    if route.method in SAFE or "cookie" not in request.headers or COOKIE not in request.headers["cookie"]:
        return
    sent = request.headers.get("x-csrf-token", "")
    origin = request.headers.get("origin")
    site = request.headers.get("sec-fetch-site", "same-origin")
    if (
        context.token is None
        or not ids.same(sent, sessions.csrf_token(context.token))
        or (origin is not None and origin != settings.portal_origin)
        or site not in ("same-origin", "none")
    ):
        raise CrossSite()


def _authorize(route: Route, context: Context | None) -> None:
    if context is None:
        return
    if context.actor.kind not in _AUDIENCE[route.audience]:
        raise Forbidden()
    if why := denial(route.action, sessions.facts(context)):
        raise problems.DENIALS[why]()
    sessions.require_proof(context, route.proof)


def _answer(
    route: Route,
    function: Callable[..., Any],
    request: Request,
    context: Context | None,
    params: dict[str, str],
    limit: int,
    caller: sessions.Caller,
) -> Response:
    raw = request.raw_body or b""
    if len(raw) > limit:
        raise TooLarge()
    arguments: dict[str, Any] = dict(params)
    try:
        arguments |= _parsed(route, request, raw)
    except ValidationError as wrong:  # elsewhere it is a defect of ours: an answer that does not fit its view
        raise problems.of_validation(wrong) from None
    if context is not None:
        _preconditions(route, request, context, params, raw)
        context.result = idempotency.earlier(context) if route.idempotent else None
    else:
        arguments["caller"] = caller
    try:
        view = function(context, **arguments)
    except PortalError as refused:
        # Another copy of this very request may have been done since this one began: then it gets the same answer.
        repeated = isinstance(refused, idempotency.Repeated)
        if context is None or context.idempotency_key is None or not (repeated or refused.status in (409, 412)):
            raise
        again = sessions.recognize(str(context.token), params.get("client_id"), _digest(context), True, caller)
        context.request = again.request
        context.result = idempotency.earlier(context)
        if context.result is None:
            raise (Busy(retry_after=1) if repeated else refused) from None
        view = function(context, **arguments)
    if context is not None and context.actor.kind != sessions.CLIENT:
        _audit_read(route, context, params, view)
    return _response(route, view)


def _digest(context: Context) -> str | None:
    return idempotency.key_digest(context.idempotency_key) if context.idempotency_key else None


def _parsed(route: Route, request: Request, raw: bytes) -> dict[str, Any]:
    parsed: dict[str, Any] = {}
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if route.media != "application/json":
        if content_type != route.media:
            raise UnsupportedMedia()
        parsed["content"] = raw
    elif route.signed is not None:
        parsed["content"], parsed["signature"] = raw, request.headers.get(route.signed, "")[:1000]
    elif route.body is not None:
        if content_type != "application/json":
            raise UnsupportedMedia()
        parsed["body"] = route.body.model_validate_json(raw)
    sent: dict[str, Sequence[str]] = {}
    if request.query_params:
        sent = {name: request.query_params.getlist(name) for name in request.query_params}
    if route.query is not None:
        if any(len(values) > 1 for values in sent.values()):
            raise Malformed()
        parsed["query"] = route.query.model_validate_strings({name: values[0] for name, values in sent.items()})
    elif sent:
        raise Malformed()
    return parsed


def _preconditions(route: Route, request: Request, context: Context, params: dict[str, str], raw: bytes) -> None:
    if route.conditional:
        known = request.headers.get("if-none-match", "").strip().removeprefix("W/").strip('"')
        context.if_none_match = known or None
    if route.idempotent:
        key = request.headers.get("idempotency-key", "")
        if not _KEY.fullmatch(key):
            raise IdempotencyKeyMissing()
        context.idempotency_key = key
        told = json.dumps([route.method, route.path, sorted(params.items())]).encode()
        context.request_digest = hashlib.sha256(told + b"\0" + raw).hexdigest()
    if route.if_match:
        tag = request.headers.get("if-match", "").strip().removeprefix("W/").strip('"')
        if not tag:
            raise PreconditionMissing()
        if not (tag.isascii() and tag.isdigit()) or len(tag) > 15:  # int() refuses digits such as a superscript two
            raise Stale()
        context.if_match = int(tag)


def _audit_read(route: Route, context: Context, params: dict[str, str], view: Any) -> None:
    """One event for what a staff member or a program is about to see (DOMAIN.md 8): of the client whom the address
    names, or else of the organization with the ids of those whom the answer names. When it names nobody there is none,
    but for a program whose use left no event by itself."""
    named = list(dict.fromkeys(view.clients_named())) if isinstance(view, View) and not route.reads_record else []
    for first in range(0, len(named), audits.IDS_AT_MOST):
        audits.record(context, route.action, client_ids=named[first : first + audits.IDS_AT_MOST])
    if named:
        return
    if not route.reads_record and (context.actor.kind != sessions.PROGRAM or context.audited):
        return
    about = {name: value for name, value in params.items() if name != "client_id" and value != "-"}
    client_id = params.get("client_id")
    audits.record(context, route.action, client_id=client_id if context.client is not None else None, **about)


def _response(route: Route, view: Any) -> Response:
    headers: dict[str, Any] = dict(HEADERS)
    if isinstance(view, View):
        headers |= view.headers()
        if (etag := getattr(view, "etag", None)) is not None:
            headers["ETag"] = f'"{etag}"'
    if route.status == 204:
        return Response("", headers=headers, status_code=204)
    if isinstance(view, Content):
        headers["Content-Type"] = f"{route.answers}; charset=utf-8"
        return Response(view.content, headers=headers, status_code=route.status)
    headers["Content-Type"] = "application/json"
    text = view.model_dump_json() if isinstance(view, BaseModel) else json.dumps(view)
    return Response(text, headers=headers, status_code=route.status)


def cookie(token: str, seconds: int, name: str = COOKIE) -> str:
    """The session cookie: out of reach of scripts, of other sites' posts, and of other hosts (RFC 6265bis)."""
    return f"{name}={token}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Lax"


def device_cookie(token: str) -> str:
    """The cookie that knows a browser again; it opens nothing."""
    return cookie(token, settings.device_days * 86_400, DEVICE_COOKIE)


def missing(record: Any) -> Any:
    """The record, or the 404 that is the same for what is not there and what is not theirs."""
    if record is None:
        raise NotFound()
    return record


def seconds_until(at: str) -> int:
    """Whole seconds from now to a stored instant, at least 0."""
    return max(0, int((clock.parse(at) - clock.now()).total_seconds()))
