"""One person's browser: what it does on a page, and the checks that hold on every page it shows."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import BrowserContext, ConsoleMessage, Error, Page, Request, Response, Route, expect
from playwright.sync_api import TimeoutError as Late

from infra.local import world
from tests.calls import COOKIE, Caller

SIZES = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1280, "height": 900}}
PHONE: dict[str, Any] = {"viewport": SIZES["phone"], "is_mobile": True, "has_touch": True}
DESKTOP: dict[str, Any] = {"viewport": SIZES["desktop"]}
PATIENCE = 30_000  # milliseconds; only what fails waits as long
FRAMES = 5_000  # milliseconds
QUIET, STEP = 500, 50  # milliseconds: what follows from an answer is asked sooner
expect.set_options(timeout=PATIENCE)
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OPTIONS = {"resultTypes": ["violations"], "runOnly": {"type": "tag", "values": RULES}}
# The policy must hold for pages, so it is not switched off for tests: functions, never strings, go to the page.
_HEIGHT = "() => document.documentElement.scrollHeight"
_DRAWS = """(most) => new Promise((done) => {
  let ticks = 0;
  const timer = setInterval(() => { ticks += 1; }, 50);
  const end = (how) => { clearInterval(timer); done(how); };
  setTimeout(() => end(ticks > most / 100 ? 'blank' : 'busy'), most);
  requestAnimationFrame(() => requestAnimationFrame(() => end('drawn')));
})"""
_TOO_WIDE = """() => document.documentElement.scrollWidth <= innerWidth ? [] :
  [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1)
    .slice(0, 5).map((e) => e.outerHTML.slice(0, 120))"""


class Device:
    """A browser with one page. `troubles` collects what must not happen: read at the end of each test."""

    def __init__(self, context: BrowserContext, base_url: str, kind: str, shots: Path, name: str) -> None:
        self.context, self.base_url, self.kind, self.name = context, base_url, kind, name
        context.set_default_timeout(PATIENCE)
        self.page: Page = context.new_page()
        self.troubles: list[str] = []
        self._disconnected = False  # by a test; from then on
        self.both = True  # look at pages at the other size, too
        self.looks = True  # at all; a walk through pages that other tests look at is four times as fast without
        self._shots, self._taken = shots, 0
        self._allowed: list[tuple[int, str]] = [(401, r"GET /api/session$")]  # who is signed in? nobody
        self._lost: list[str] = []
        self._asking: set[Request] = set()
        self._leaving: Request | None = None
        self._left: set[Request] = set()  # what was being asked while somebody signed out
        context.on("console", self._said)
        context.on("request", self._asks)
        context.on("weberror", lambda error: self._trouble(f"page error: {error.error}"))
        context.on("response", self._answered)
        context.on("requestfailed", self._failed)

    # ---- what must not happen ----

    def allow(self, status: int, request: str) -> None:
        """From now on this answer is expected: `allow(401, "POST /api/sessions")` (a pattern, matched at the start)."""
        self._allowed.append((status, request))

    def ignore_failure(self, part: str) -> None:
        """Requests to addresses with this part may get lost from now on: the test loses them."""
        self._lost.append(part)

    def _trouble(self, what: str) -> None:
        self.troubles.append(f"{self.name}: {what} (on {re.sub('#.*', '', self.page.url)})")

    def _said(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            self._trouble(message.text)
        elif message.type in ("error", "warning") and not message.text.startswith("Failed to load resource"):
            self._trouble(f"console {message.type}: {message.text}")

    def _asks(self, request: Request) -> None:
        if request.method == "DELETE" and re.search("/api/sessions?$", request.url):
            self._leaving = request
            self._left |= self._asking
        elif request.method == "GET":
            self._asking.add(request)
            if self._leaving:
                self._left.add(request)

    def _answered(self, response: Response) -> None:
        self._asking.discard(response.request)
        if response.request == self._leaving:
            self._leaving = None
        if response.status < 400 or (response.status == 401 and response.request in self._left):
            return
        asked = f"{response.request.method} {response.url.removeprefix(self.base_url)}"
        if not any(response.status == status and re.match(pattern, asked) for status, pattern in self._allowed):
            self._trouble(f"{response.status} {asked}")

    def _failed(self, request: Request) -> None:
        self._asking.discard(request)
        why = request.failure or ""
        # Aborted: the person went on, or typed the next letter. A download is "aborted" as a page.
        # Disconnected: only a test can do this to a browser that speaks to its own machine, and what was lost at the
        # last moment is told when the connection is back.
        if (
            "ERR_ABORTED" in why
            or any(part in request.url for part in self._lost)
            or (self._disconnected and "ERR_INTERNET_DISCONNECTED" in why)
        ):
            return
        self._trouble(f"request failed: {request.method} {request.url}: {why}")

    # ---- coming and going ----

    def open(self, path: str) -> None:
        """Type an address of the portal (or follow a link from outside)."""
        self.page.goto(path if path.startswith("http") else self.base_url + path)

    def new_tab(self) -> None:
        """Leave this tab for a new one, as a link from another app does."""
        self.page.close()
        self._asking.clear()
        self.page = self.context.new_page()

    def enter(self, caller: Caller) -> None:
        """Be signed in already, as this caller is (see `call.browser`)."""
        assert caller.cookie
        self.context.add_cookies(
            [{"name": COOKIE, "value": caller.cookie, "domain": "localhost", "path": "/", "secure": True}]
        )

    def forget(self) -> None:
        """Nobody is signed in any more, which the page does not know: it has all that it asked for until now."""
        quiet = 0
        for _ in range(0, PATIENCE, STEP):
            self.page.wait_for_timeout(STEP)
            quiet = 0 if self._asking else quiet + STEP
            if quiet >= QUIET:
                break
        assert quiet >= QUIET, f"never answered: {', '.join(request.url for request in self._asking)}"
        self.context.clear_cookies()

    def sign_in(self, person: world.Person, code: str | None = None) -> None:
        """Fill in the sign-in page that is open; staff also the code."""
        self.page.get_by_label("E-mail").fill(person.email)
        self.page.get_by_label("Password", exact=True).fill(person.password)
        if code is not None:
            self.allow(401, r"POST /api/sessions$")  # asks for the second factor
        self.press("Sign in")
        if code is not None:
            self.page.get_by_label("6-digit code").fill(code)
            self.press("Continue")

    def go_offline(self) -> None:
        """No connection from now on."""
        self._disconnected = True
        self.context.set_offline(True)

    def go_online(self) -> None:
        """The connection is back."""
        self.context.set_offline(False)

    # ---- doing ----

    def press(self, name: str, *, within: Any = None) -> None:
        """Press the button of this name."""
        (within or self.page).get_by_role("button", name=name, exact=True).click()

    @contextmanager
    def done(self) -> Iterator[None]:
        """What happens herein changes something; then it has been answered. Pages show some changes before that."""
        own = re.compile("/api/session/activity$")  # the page's own: that somebody is there
        with self.page.expect_response(lambda answer: answer.request.method != "GET" and not own.search(answer.url)):
            yield

    def does(self, name: str) -> None:
        """Press the button of this name, and wait until the server has done it."""
        with self.done():
            self.press(name)

    @contextmanager
    def held(self, method: str, path: str) -> Iterator[None]:
        """What is asked herein with this method at this path of the API is on its way; after that it is answered."""
        waiting: list[Route] = []

        def hold(route: Route) -> None:
            if route.request.method == method:
                waiting.append(route)
            else:
                route.continue_()

        self.page.route(f"**/api{path}", hold)
        yield
        for _ in range(0, PATIENCE, STEP):
            if waiting:
                break
            self.page.wait_for_timeout(STEP)
        assert waiting, f"nobody asked {method} {path}"
        with self.page.expect_response(lambda answer: answer.request == waiting[0].request):
            for route in waiting:
                route.continue_()
        self.page.unroute(f"**/api{path}")

    def follow(self, name: str, *, within: Any = None) -> None:
        """Follow the link of this name."""
        (within or self.page).get_by_role("link", name=name, exact=True).click()

    # ---- seeing ----

    def arrived(self, heading: str | re.Pattern[str], *, title: str | None = None, by_link: bool = True) -> None:
        """The page has this one heading, with the focus unless it was just loaded; the tab says where we are."""
        found = self.page.get_by_role("heading", level=1)
        expect(found).to_have_text(heading)
        if by_link:
            expect(found).to_be_focused()
        expected = title if title is not None else heading
        expect(self.page).to_have_title(
            expected if isinstance(expected, re.Pattern) else re.compile(re.escape(expected))
        )

    def sees(self, text: str | re.Pattern[str]) -> None:
        """This text can be seen."""
        expect(self.page.get_by_text(text).locator("visible=true").first).to_be_visible()

    def look(self, name: str, *, both: bool = True) -> None:
        """The page is accessible, fits the screen, and its picture is kept; `both`: at the other size, too."""
        if not self.looks:
            return
        expect(self.page.locator("[aria-busy=true]")).to_have_count(0)
        self._taken += 1
        for kind in (self.kind, *({"phone", "desktop"} - {self.kind} if both and self.both else ())):
            width = SIZES[kind]["width"]
            self.page.set_viewport_size(SIZES[kind])
            # As tall as the page: what a sticky foot covers would be reported as a target that is too small.
            height = max(SIZES[kind]["height"], int(self.page.evaluate(_HEIGHT)))
            self.page.set_viewport_size({"width": width, "height": height})
            for wide in self.page.evaluate(_TOO_WIDE):
                self._trouble(f"wider than the {kind}: {wide}")
            self._shots.mkdir(parents=True, exist_ok=True)
            self._picture(self._shots / f"{self.name}-{self._taken:02}-{name}-{kind}.png")
            self._accessible(f"{name}, {kind}")
        self.page.set_viewport_size(SIZES[self.kind])

    def draws(self) -> bool:
        """Whether the browser draws this page. Chromium can come to give a page that is at work no frames any more:
        then nothing can be pressed on it, because a press waits until what is pressed keeps its place for two of them.
        A page that is too busy to be drawn, closed, or on the way to another is no such page."""
        try:
            found = self.page.wait_for_function(_DRAWS, arg=FRAMES, polling=100, timeout=3 * FRAMES)
            return found.json_value() != "blank"
        except Error:
            return True

    def _picture(self, path: Path) -> None:
        """For people to look at; it proves nothing. On a busy machine Chromium does not always come to draw it."""
        for _ in range(2):
            try:
                self.page.screenshot(path=path)
                return
            except Late:
                self.page.bring_to_front()
        self.page.screenshot(path=path, timeout=2 * PATIENCE)

    def _accessible(self, where: str) -> None:
        if not self.page.evaluate("() => 'axe' in window"):  # once a document: it is large
            self.page.evaluate(AXE_SCRIPT)
        found = self.page.evaluate("async (options) => (await axe.run(document, options)).violations", OPTIONS)
        for violation in found:
            places = "; ".join(f"{node['target']} {node['html'][:160]}" for node in violation["nodes"][:4])
            self._trouble(f"axe on {where}: {violation['id']} ({violation['help']}): {places}")
