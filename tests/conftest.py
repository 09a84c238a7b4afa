"""One cloud for the whole run; the seeded world put back before every test that asks for it; a server to speak to."""

import asyncio.events
import gc
import logging
import socket
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from infra.local import cloud
from infra.local import world as demo


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


# Before any test module imports chalicelib: it reads its environment, and makes its clients, once.
PORT = _free_port()
cloud.environment(PORT)
cloud.start()

from infra.local.portal import Portal  # noqa: E402
from infra.local.server import Server  # noqa: E402
from tests.calls import PEOPLE, Caller  # noqa: E402
from tests.canaries import Watch, of_the_world  # noqa: E402

WATCH = Watch()


@dataclass(frozen=True)
class World:
    """The demo's organizations and people, as they are at the start of every test."""

    portal: Portal

    def id(self, key: str) -> str:
        """The staff or client id of "T1", "C1", …"""
        return PEOPLE[key].id

    def person(self, key: str) -> demo.Person:
        """Name, address and password of "T1", "C1", …"""
        return PEOPLE[key]

    def tenant_id(self, slug: str) -> str:
        """The id of "oak", "birch" or "cedar"."""
        return demo.tenant_id(slug)


class Call:
    """`call("T1")`: a caller who is signed in; `call()`: nobody. `call.browser("C1")`: with a cookie."""

    def __init__(self, portal: Portal, sessions: dict[str, tuple[str, str]]) -> None:
        self._portal, self._sessions = portal, sessions

    def __call__(self, key: str | None = None) -> Caller:
        caller = Caller(PORT, self._portal.clock)
        if key is not None:
            caller.person = PEOPLE[key]
            caller.token, caller.csrf = self._sessions[key]
        return caller

    def browser(self, key: str) -> Caller:
        """Signed in as a browser is: a session cookie and its CSRF token."""
        caller = Caller(PORT, self._portal.clock)
        caller.sign_in(key, cookie=True)
        return caller


SPREAD = {"test_route_matrix.py": 6, "test_crashes.py": 4, "test_openapi.py": 2, "test_booking_races.py": 2}
"""Files that take minutes, and into how many parts they are cut for `make test`'s workers; the others stay whole."""
FIRST = (*SPREAD, "test_templates.py", "test_races.py", "test_units.py", "test_seal.py", "test_main_job.py")
"""What takes longest is begun first, so that no worker is left alone with it at the end."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The order in which `make test`'s workers take the files: the longest first, then browsers, then the others."""
    if hasattr(config, "workerinput"):
        items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    name = item.path.name
    return FIRST.index(name) if name in FIRST else len(FIRST) + ("e2e" not in item.path.parts)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """`--dist loadfile`, but the longest files are shared."""
    from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

    class SharedFiles(LoadFileScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            path, _, test = nodeid.partition("::")
            parts = SPREAD.get(path.rpartition("/")[2], 1)
            return f"{path} {zlib.crc32(test.encode()) % parts}"

    config.option.loadscopereorder = False  # by how many tests a file has
    return SharedFiles(config, log)


@pytest.fixture(scope="session")
def cloud_portal() -> Portal:
    """The cloud and the application in it, seeded once, at an ordinary moment that is the same in every run: on a
    Thursday morning in New York, before anybody's hours begin, in winter. Nothing that is counted by the minute, the
    hour, the day or the month is begun anew in the middle of a test, and no test depends on when it is run."""
    return Portal(at=datetime(2026, 11, 26, 11, tzinfo=UTC))


@pytest.fixture(scope="session")
def serving(cloud_portal: Portal) -> Iterator[Server]:
    server = Server(cloud_portal, PORT)
    server.site.watch = WATCH.asked
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def _sessions(cloud_portal: Portal, serving: Server) -> dict[str, tuple[str, str]]:
    """Everyone's bearer token and CSRF token: signed in once, and part of the world that every test starts from."""
    sessions = {}
    for key, person in PEOPLE.items():
        if isinstance(person, demo.StaffMember) or (isinstance(person, demo.ClientPerson) and person.account):
            answer = Caller(PORT, cloud_portal.clock).sign_in(key)
            sessions[key] = (answer.json["token"], answer.json["csrf_token"])
    cloud_portal.keep_as_seed()
    gc.collect()
    gc.freeze()  # what is there now stays: looking through it for garbage is a sixth of what the tests cost
    return sessions


@pytest.fixture
def world(cloud_portal: Portal, _sessions: dict[str, tuple[str, str]]) -> World:
    """The seeded world, put back in milliseconds; the clock stands a minute after it was made."""
    cloud_portal.reset(to_seed_time=True)
    cloud_portal.clock.advance(60)
    WATCH.clear()
    WATCH.listen()
    return World(cloud_portal)


@pytest.fixture
def clock(world: World) -> Any:
    """The application's clock."""
    return world.portal.clock


@pytest.fixture
def server(world: World, serving: Server) -> str:
    """The address of a real HTTP server over this process, front end included."""
    return serving.site.base_url


@pytest.fixture
def call(world: World, serving: Server, _sessions: dict[str, tuple[str, str]]) -> Callable[..., Caller]:
    """Callers by key; see Call."""
    return Call(world.portal, _sessions)


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets limits as a deployed stage has them (`limits(renewal=(3, 3600))`); the local ones are for demos."""
    from chalicelib.config import Settings

    usual, set_here = Settings.limit, dict[str, tuple[int, int]]()
    monkeypatch.setattr(Settings, "limit", lambda self, name: set_here.get(name) or usual(self, name))
    return set_here.update


class Canaries:
    """What may show nowhere: the world's people, and what a test adds with `add`."""

    def __init__(self) -> None:
        self.personal = of_the_world()

    def add(self, *strings: str) -> None:
        """Personal words that this test types somewhere."""
        self.personal |= set(strings)

    def allow(self, *strings: str) -> None:
        """Words that this test itself has a person put into a mail."""
        self.personal -= set(strings)


@pytest.fixture(autouse=True)
def canaries(request: pytest.FixtureRequest) -> Iterator[Canaries]:
    """After every test with a world: nobody is found in logs, queues, keys, addresses or mails."""
    found = Canaries()
    yield found
    if "world" in request.fixturenames:
        findings = WATCH.findings(found.personal)
        assert not findings, "\n".join(findings)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """After the first browser test Playwright's loop stays marked as running in this thread
    (microsoft/playwright-python 462), and nothing else could run a loop of its own: hidden from all other tests."""
    if "e2e" in item.path.parts:
        return (yield)
    loop = asyncio.events._get_running_loop()
    asyncio.events._set_running_loop(None)
    try:
        return (yield)
    finally:
        asyncio.events._set_running_loop(loop)


@pytest.fixture(autouse=True, scope="session")
def _quiet() -> None:
    logging.getLogger("infra.local").setLevel(logging.ERROR)
