"""One HTTP server for what CloudFront, API Gateway and the documents bucket are in a deployed stage.

/api/…      the application, through Gateway, with API Gateway's and Lambda's size limits
/_stripe/…  the stand-in for Stripe: its API and its pages (on 127.0.0.1, too)
/_s3/…      presigned links and forms of the documents bucket (on 127.0.0.1, so it is another origin than localhost)
/_local/…   levers, which no deployed stage has
the rest    the front end's built files; a path without a dot is the page itself
"""

import functools
import json
import logging
import mimetypes
import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from infra.local import cloud, gateway, levers, links, stripe_double
from infra.local.gateway import Answer, Gateway
from infra.local.headers import SECURITY, content_security_policy
from infra.local.portal import ROOT, Portal

DIST = ROOT / "frontend" / "dist"
TEXTUAL = ("text/", "application/json", "application/javascript", "image/svg+xml", "application/manifest+json")
_HOP = {"connection", "expect", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}  # RFC 9110 7.6.1
_CHUNK = re.compile(rb"[0-9a-fA-F]{1,8}(?:;[^\r\n]*)?\r?\n")

log = logging.getLogger("infra.local")


class _Unreadable(Exception):
    """The request's framing is wrong; nothing more can be read from the connection."""


class _TooLarge(Exception):
    """More than API Gateway takes."""


class Site:
    """Everything a request may need; one per server."""

    def __init__(self, portal: Portal, port: int, dist: Path = DIST) -> None:
        import app

        self.portal, self.port, self.dist = portal, port, dist.resolve()
        self.gateway = Gateway(app.app)
        self.base_url = f"http://localhost:{port}"
        self.hosts = {f"localhost:{port}", f"127.0.0.1:{port}"}
        self.page_policy = content_security_policy(f"http://127.0.0.1:{port}")
        self.watch: Callable[[str], None] | None = None  # told every address that is asked for (tests)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or every answer on a kept connection waits 40 ms for the last one's ACK
    timeout = 75
    server_version, sys_version = "local", ""

    def __init__(self, site: Site, *args: Any) -> None:
        self.site = site
        super().__init__(*args)

    def _handle(self) -> None:
        try:
            body = self._body()
        except _TooLarge:
            self.close_connection = True
            self._write(self.site.gateway.error("REQUEST_TOO_LARGE"))
            self._swallow()
            return
        except _Unreadable:
            self.close_connection = True
            self._write(self.site.gateway.error("DEFAULT_4XX"))
            return
        try:
            answer = self._route(body)
        except Exception:
            log.exception("the local server itself failed")
            answer = self.site.gateway.error("DEFAULT_5XX")
        self._write(answer)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_TRACE = do_CONNECT = do_QUERY = _handle

    def _route(self, body: bytes) -> Answer:
        if self.headers.get("Host", "") not in self.site.hosts:
            return Answer(421, [("Content-Type", "text/plain")], b"This server answers for localhost only.\n")
        if self.site.watch:
            self.site.watch(self.path)
        path = urlsplit(self.path).path
        if path == "/api" or path.startswith("/api/"):
            return self._api(body)
        if path.startswith(links.PREFIX) and self.command == "POST":
            kind = self.headers.get("Content-Type", "")
            return links.posted(self.path, kind, body, self.site.portal.clock.now())
        if path.startswith(links.PREFIX) and self.command == "OPTIONS":
            return links.preflight(
                self.headers.get("Origin", ""), self.headers.get("Access-Control-Request-Method", "")
            )
        if path.startswith(links.PREFIX):
            return links.answer(self.command, self.path, self.headers["Host"], self.site.portal.clock.now())
        if path.startswith(stripe_double.PREFIX):
            headers = {name.lower(): value for name, value in self.headers.items()}
            now = self.site.portal.clock.now()
            answer = stripe_double.answer(self.command, self.path, headers, body, now)
            if self.site.portal.keeper and self.command == "POST":
                self.site.portal.keeper.changed()
            return answer
        if path == "/_local" or path.startswith(levers.PREFIX):
            return self._lever(path, body)
        return self._file(path)

    def _api(self, body: bytes) -> Answer:
        address = str(self.client_address[0])
        headers = {name.lower(): value for name, value in self.headers.items() if name.lower() not in _HOP}
        if "cookie" in headers:
            headers["cookie"] = "; ".join(self.headers.get_all("cookie", []))
        # As CloudFront does it: its own word on who asks, and one more entry behind whatever the caller wrote.
        headers["cloudfront-viewer-address"] = f"{address}:{self.client_address[1]}"
        headers["x-origin-key"] = cloud.ORIGIN_KEY
        headers["x-forwarded-for"] = ", ".join(filter(None, (headers.get("x-forwarded-for"), address)))
        return self.site.gateway.answer(self.command, self.path.removeprefix("/api") or "/", headers, body, address)

    def _lever(self, path: str, body: bytes) -> Answer:
        if self.command not in ("GET", "HEAD") and self.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
            return Answer(403, [("Content-Type", "text/plain")], b"Not from another site.\n")
        method = "GET" if self.command == "HEAD" else self.command
        query = dict(parse_qsl(urlsplit(self.path).query))
        name = path.removeprefix("/_local").lstrip("/")
        return levers.answer(self.site.portal, self.site.base_url, method, name, query, body)

    def _file(self, path: str) -> Answer:
        if self.command not in ("GET", "HEAD"):
            return Answer(405, [("Content-Type", "text/plain"), ("Allow", "GET, HEAD")], b"")
        name = unquote(path).lstrip("/")
        if "." not in name.rpartition("/")[2]:
            name = "index.html"
        file = (self.site.dist / name).resolve()
        if self.site.dist not in file.parents or not file.is_file():
            return Answer(404, [("Content-Type", "text/plain"), ("Cache-Control", "no-cache")], _missing(name))
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        kind = {"text/javascript": "application/javascript"}.get(kind, kind)
        headers = [("Content-Type", f"{kind}; charset=utf-8" if kind.startswith(TEXTUAL) else kind)]
        lasting = name.startswith("assets/")  # the build puts a digest into these names
        headers.append(("Cache-Control", "public, max-age=31536000, immutable" if lasting else "no-cache"))
        if kind == "text/html":
            headers.append(("Content-Security-Policy", self.site.page_policy))
        return Answer(200, headers, file.read_bytes())

    # ---- reading ----

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding"):
            return self._chunks()
        stated = self.headers.get("Content-Length", "0")
        if not stated.isdecimal():
            raise _Unreadable
        # S3 takes files of any size, and its forms say how large one may be.
        if int(stated) > (links.FORM_BYTES if self.path.startswith(links.PREFIX) else gateway.REQUEST_BYTES):
            raise _TooLarge
        return self.rfile.read(int(stated))

    def _chunks(self) -> bytes:
        """API Gateway takes a chunked request and hands over the whole."""
        body = bytearray()
        while True:
            line = self.rfile.readline(64)
            if not _CHUNK.fullmatch(line):
                raise _Unreadable
            size = int(line.partition(b";")[0], 16)
            if len(body) + size > gateway.REQUEST_BYTES:
                raise _TooLarge
            body += self.rfile.read(size)
            while self.rfile.readline(1024) not in (b"\r\n", b"\n", b""):
                pass  # the line's end, or the trailers
            if size == 0:
                return bytes(body)

    def _swallow(self) -> None:
        """Read what is still being sent, or the caller sees a broken pipe in place of the answer."""
        self.connection.settimeout(2)
        left = min(int(self.headers.get("Content-Length") or 0), 64 * 1024 * 1024)
        try:
            while left > 0 and (read := len(self.rfile.read1(65536))):
                left -= read
        except OSError:
            pass

    # ---- writing ----

    def _write(self, answer: Answer) -> None:
        self.send_response(answer.status)
        sent = {name.lower() for name, _ in answer.headers}
        for name, value in answer.headers:
            self.send_header(name, value)
        for name, value in SECURITY.items():
            if name.lower() not in sent and not self._embeds(name):
                self.send_header(name, value)
        bare = answer.status in (204, 304)
        if not bare:
            self.send_header("Content-Length", str(len(answer.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if not bare and self.command != "HEAD":
            self.wfile.write(answer.body)

    def _embeds(self, header: str) -> bool:
        """The outbox page shows mails in frames, and the bucket's objects are for the pages' origin."""
        return self.path.startswith(("/_local/", "/_s3/")) and header in (
            "X-Frame-Options",
            "Cross-Origin-Resource-Policy",
        )

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What http.server refuses by itself (a broken request line, an unknown method) is a problem too."""
        code = 405 if code == 501 else code
        self.close_connection = True
        self.command = getattr(self, "command", None) or "GET"
        title = "The request could not be read."
        problem = {"type": "about:blank", "title": title, "status": code, "code": "malformed"}
        headers = [("Content-Type", "application/problem+json"), ("Cache-Control", "no-store")]
        self.path = getattr(self, "path", "/")
        self._write(Answer(code, headers, json.dumps(problem).encode()))

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: addresses may carry what is nobody's business, and the application logs its own requests."""


def _missing(name: str) -> bytes:
    if name == "index.html":
        return b"The front end is not built: run `make run`, or `npm run build` in frontend/.\n"
    return b"Not found\n"


class Server(ThreadingHTTPServer):
    """Listens on this machine only."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, portal: Portal, port: int, dist: Path = DIST) -> None:
        self.site = Site(portal, port, dist)
        super().__init__(("127.0.0.1", port), functools.partial(Handler, self.site))

    def start(self) -> None:
        """Answer requests from a thread of its own."""
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, name="server", daemon=True).start()

    def stop(self) -> None:
        """Take no more requests."""
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hangs up is no news."""
