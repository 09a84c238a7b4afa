"""Speaks HTTP to the portal as one of the world's people: keeps the connection, the session and its CSRF token."""

import http.client
import json
import threading
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from infra.local import levers, world
from infra.local.clock import LocalClock

PEOPLE: dict[str, world.Person] = {each.key: each for each in (*world.STAFF, *world.CLIENTS)}
COOKIE, DEVICE = "__Host-sid", "__Host-device"


@dataclass(frozen=True)
class Answer:
    """A response."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)

    @property
    def code(self) -> str | None:
        """The stable code of a problem; None when it is none."""
        if self.headers.get_content_type() != "application/problem+json":
            return None
        return str(self.json["code"])

    def __repr__(self) -> str:
        return f"<{self.status} {self.code or self.headers.get_content_type()} {self.body[:300]!r}>"


class Caller:
    """One person with one session (or nobody: no session). May be used by many threads; each has its own connection."""

    def __init__(self, port: int, clock: LocalClock) -> None:
        self.port, self.clock = port, clock
        self.person: world.Person | None = None
        self.token: str | None = None  # a bearer token
        self.cookie: str | None = None  # or a session cookie, with
        self.csrf: str | None = None  # its CSRF token
        self.device: str | None = None  # the cookie by which a browser is known again
        self.source: str | None = None  # another loopback address to call from: 127.0.0.2
        self._local = threading.local()

    # ---- signing in ----

    def sign_in(self, key: str, *, cookie: bool = False) -> Answer:
        """Sign in as a person of the world: with a bearer token, or with a cookie as a browser does."""
        self.person = person = PEOPLE[key]
        staff = isinstance(person, world.StaffMember)
        body = {
            "slug": person.tenant,
            "kind": "staff" if staff else "client",
            "email": person.email,
            "password": person.password,
            "code": self.code_of(key) if staff else None,
            "bearer": not cookie,
        }
        answer = self.post("/sessions", body)
        if answer.status == 401 and staff:
            self.clock.advance(30)  # a code works once; the next one shows half a minute later
            answer = self.post("/sessions", {**body, "code": self.code_of(key)})
        assert answer.status == 201, answer
        self.remember(answer)
        return answer

    def code_of(self, key: str) -> str:
        """What a staff member's authenticator shows now."""
        person = PEOPLE[key]
        assert isinstance(person, world.StaffMember)
        return levers.totp(person.totp_secret, self.clock.now())

    def remember(self, answer: Answer) -> None:
        """Go on with the session that this answer opened (a sign-in, a redeemed invitation)."""
        self.token, self.csrf = answer.json["token"], answer.json["csrf_token"]
        for header in answer.headers.get_all("Set-Cookie", []):
            name, _, value = header.partition(";")[0].partition("=")
            if name == COOKIE:
                self.cookie = value
            elif name == DEVICE:
                self.device = value

    # ---- calling ----

    def get(self, path: str, **options: Any) -> Answer:
        """GET below /api."""
        return self.api("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Answer:
        """POST; a fresh Idempotency-Key unless `key` says otherwise (None: no key)."""
        return self.api("POST", path, body, **{"key": uuid.uuid4().hex, **options})

    def patch(self, path: str, body: Any, **options: Any) -> Answer:
        """PATCH; `etag` is sent as If-Match."""
        return self.api("PATCH", path, body, **options)

    def delete(self, path: str, **options: Any) -> Answer:
        """DELETE."""
        return self.api("DELETE", path, **options)

    def api(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: dict[str, Any] | None = None,
        key: str | None = None,
        etag: str | None = None,
        headers: dict[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Answer:
        """One request below /api as this person. Bytes are sent as they are, anything else as JSON."""
        sent = {"Accept": "application/json", **self._credentials(method)}
        if key is not None:
            sent["Idempotency-Key"] = key
        if etag is not None:
            sent["If-Match"] = f'"{etag}"'
        if body is not None or method in ("POST", "PATCH", "PUT"):
            sent["Content-Type"] = content_type
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if data is None and method in ("POST", "PATCH", "PUT"):
            data = b"{}"
        asked = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in (query or {}).items())
        return self.send(method, f"/api{path}{'?' + asked if asked else ''}", data, {**sent, **(headers or {})})

    def local(self, method: str, path: str, body: Any = None) -> Any:
        """A lever of /_local, its answer as JSON."""
        answer = self.send(method, f"/_local{path}", json.dumps(body).encode() if body is not None else None, {})
        assert answer.status == 200, answer
        return answer.json

    def drain(self) -> dict[str, Any]:
        """Run queues and due work until quiet; fails when something is left over."""
        done: dict[str, Any] = self.local("POST", "/drain")
        assert done["quiet"], done
        return done

    def outbox(self, to: str | None = None) -> list[dict[str, Any]]:
        """The mails so far, oldest first."""
        mails: list[dict[str, Any]] = self.local("GET", "/outbox" + (f"?to={quote(to)}" if to else ""))
        return mails

    def send(self, method: str, target: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        """Any request to the server; a kept connection that the server closed meanwhile is opened again."""
        for last in (False, True):
            connection = self._connection()
            try:
                connection.request(method, target, body, headers)
                response = connection.getresponse()
                return Answer(response.status, response.headers, response.read())
            except (http.client.RemoteDisconnected, ConnectionError):
                connection.close()
                if last:
                    raise
        raise AssertionError

    def _credentials(self, method: str) -> dict[str, str]:
        if self.token:
            return {"Authorization": f"Bearer {self.token}"}
        kept = {COOKIE: self.cookie, DEVICE: self.device}
        cookies = {"Cookie": "; ".join(f"{name}={value}" for name, value in kept.items() if value)}
        if not self.cookie:
            return cookies if self.device else {}
        proof = {"X-CSRF-Token": self.csrf or "", "Origin": f"http://localhost:{self.port}"}
        return {**cookies, **(proof if method != "GET" else {})}

    def _connection(self) -> http.client.HTTPConnection:
        if not hasattr(self._local, "connection"):
            source = (self.source, 0) if self.source else None
            self._local.connection = http.client.HTTPConnection(
                "127.0.0.1", self.port, timeout=180, source_address=source
            )
        connection: http.client.HTTPConnection = self._local.connection
        return connection


def instant(text: str) -> datetime:
    """An instant of the API."""
    return datetime.fromisoformat(text)
