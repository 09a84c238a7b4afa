"""Real browsers on the real server: devices of people, in Chromium."""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol
from playwright.sync_api import Browser

from chalicelib.forms import STANDARD
from tests.calls import PEOPLE, Caller
from tests.conftest import World
from tests.e2e.device import DESKTOP, PHONE, Device
from tests.e2e.packets import Packet, last_link

SHOTS = "shots"
DEVICES = pytest.StashKey[list[Device]]()  # of the test that is run
BLANK = pytest.StashKey[str]()  # whose page was not drawn any more
LEFT = pytest.StashKey[list[Browser | None]]()  # no longer in use
SAME_TIME = """(() => {
  const Real = Date, ahead = Math.round(%f);
  globalThis.Date = class extends Real {
    constructor(...given) { given.length ? super(...given) : super(Real.now() + ahead); }
    static now() { return Real.now() + ahead; }
  };
})()"""  # the application's time is the time at which its world was made, and so is a device's when it is taken up


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The system's Chromium; without it these tests fail, they are not skipped.

    It is the headless shell, the build that Playwright is made for: a quarter less to wait than for the whole browser.
    """
    chromium = shutil.which("chromium-headless-shell")
    assert chromium, "Chromium is missing. `make chromium` installs it."
    return {**browser_type_launch_args, "executable_path": chromium}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """A failure beside a page that is not drawn any more, and no other trouble, is noted as the browser's."""
    try:
        return (yield)
    except Exception as failure:
        devices = item.stash.get(DEVICES, [])
        blank = [device for device in devices if not device.draws()]
        if blank and not any(device.troubles for device in devices):
            why, *_ = str(failure).split("\n")
            item.stash[BLANK] = f"{', '.join(device.name for device in blank)}: {why}"
            item.session.stash.setdefault(LEFT, []).append(blank[0].context.browser)
        raise


class Next:
    """Whose fixtures are needed after this test: its own once more, if it will be run again."""

    def __init__(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        self.item, self.nextitem = item, nextitem

    def listchain(self) -> list[Any]:
        """As of a node of pytest's."""
        then = self.item.parent if BLANK in self.item.stash else self.nextitem
        return then.listchain() if then else []


def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """A test whose browser drew nothing any more says nothing of the portal: it is run once more, in a new browser.
    What is found at its end, as personal words in a log, counts all the same."""
    if "devices" not in getattr(item, "fixturenames", ()):
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports = runtestprotocol(item, log=False, nextitem=Next(item, nextitem))
    if BLANK in item.stash:
        item.warn(pytest.PytestWarning(f"Run once more, a page was not drawn any more: {item.stash[BLANK]}"))
        del item.stash[BLANK]
        ends = [report for report in reports if report.when == "teardown" and report.failed]
        reports = ends + runtestprotocol(item, log=False, nextitem=nextitem)
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


@pytest.fixture(scope="session")
def browsers(launch_browser: Callable[[], Browser]) -> Iterator[list[Browser]]:
    """Those that were launched; the last is in use."""
    launched: list[Browser] = []
    yield launched
    for each in launched:
        each.close()


@pytest.fixture
def browser(browsers: list[Browser], launch_browser: Callable[[], Browser], request: pytest.FixtureRequest) -> Browser:
    """One for all tests of this process, as long as it draws."""
    if not browsers or browsers[-1] in request.session.stash.get(LEFT, []):
        browsers.append(launch_browser())
    return browsers[-1]


@pytest.fixture(scope="session")
def built_pages(serving: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The front end as it was built when the run began: a build meanwhile does not pull files away under a test."""
    built = serving.site.dist
    assert (built / "index.html").is_file(), "The front end is not built. `make run` and `make test` build it."
    serving.site.dist = Path(shutil.copytree(built, tmp_path_factory.mktemp("pages") / "dist")).resolve()


@pytest.fixture
def devices(
    new_context: Callable[..., Any], server: str, clock: Any, built_pages: None, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Device]]:
    """`devices("phone")`, `devices("desktop", zone="Asia/Tokyo")`: each is a browser of its own, with nobody signed in.

    Afterwards every one of them must have been free of page errors, refused styles and scripts, and failed requests.
    """
    test = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower()).strip("-")
    shots = Path(request.config.getoption("--output")) / SHOTS / f"{request.path.stem.removeprefix('test_')}-{test}"
    made = request.node.stash[DEVICES] = list[Device]()

    def device(kind: str = "phone", *, zone: str = "America/New_York", name: str | None = None) -> Device:
        shape = {"phone": PHONE, "desktop": DESKTOP}[kind]
        context = new_context(timezone_id=zone, locale="en-US", reduced_motion="reduce", **shape)
        context.add_init_script(SAME_TIME % (clock.offset.total_seconds() * 1000))
        made.append(Device(context, server, kind, shots, name or kind))
        return made[-1]

    yield device
    found = [line for each in made for line in each.troubles]
    assert not found, "\n".join(found)


@pytest.fixture
def desk(devices: Callable[..., Device], call: Callable[..., Any]) -> Callable[..., Device]:
    """`desk("A1")`: their desktop, signed in; `desk("A1", "phone")`: their phone."""

    def seat(key: str, kind: str = "desktop") -> Device:
        device = devices(kind, name=f"{key}-{kind}")
        device.enter(call.browser(key))
        return device

    return seat


@pytest.fixture
def working(world: World) -> Iterator[None]:
    """Queues are worked through while the browsers wait."""
    world.portal.pump.start()
    yield
    world.portal.pump.close()
    world.portal.pump._stop.clear()


@pytest.fixture
def office(call: Callable[..., Caller]) -> Caller:
    """The levers: outbox, clock, queues, authenticator codes."""
    return call()


@pytest.fixture
def packet(call: Callable[..., Caller], office: Caller) -> Packet:
    """C4 has an account and the three forms to fill in; all of it happened before the test."""
    invited = call("T4").post(f"/practice/clients/{PEOPLE['C4'].id}/invites", {"form_ids": list(STANDARD)})
    assert invited.status == 201, invited
    return Packet(office, last_link(office))
