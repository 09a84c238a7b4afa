"""The tests' own browser: that it draws nothing any more is noticed."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser

from tests.e2e.device import DESKTOP, Device


def test_a_page_that_is_not_drawn_is_noticed(launch_browser: Callable[[], Browser], tmp_path: Path) -> None:
    browser = launch_browser()
    device = Device(browser.new_context(**DESKTOP), "", "desktop", tmp_path, "desktop")
    assert device.draws()
    processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    (drawing,) = [int(each["id"]) for each in processes if each["type"] == "GPU"]
    os.kill(drawing, signal.SIGSTOP)
    try:
        assert not device.draws()
    finally:
        os.kill(drawing, signal.SIGCONT)
    assert device.draws()
    browser.close()
