"""Real browsers on the real server: devices of people, in Chromium."""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib.forms import STANDARD
from tests.calls import PEOPLE, Caller
from tests.conftest import World
from tests.e2e.device import DESKTOP, PHONE, Device
from tests.e2e.packets import Packet, last_link

SHOTS = "shots"
SAME_TIME = """(() => {
  const Real = Date, ahead = Math.round(%f);
  globalThis.Date = class extends Real {
    constructor(...given) { given.length ? super(...given) : super(Real.now() + ahead); }
    static now() { return Real.now() + ahead; }
  };
})()"""  # the application's time is the time at which its world was made, and so is a device's when it is taken up


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The system's Chromium; without it these tests fail, they are not skipped."""
    chromium = shutil.which("chromium")
    assert chromium, "Chromium is missing. `make chromium` installs it."
    # Without a process for the GPU that is not there, a sixth of what the browser costs is saved.
    args = [*browser_type_launch_args.get("args", []), "--in-process-gpu"]
    return {**browser_type_launch_args, "executable_path": chromium, "args": args}


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
    made: list[Device] = []

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
