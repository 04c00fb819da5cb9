"""Chromium on the page, against the fake server."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.interop.peers.process import START
from tests.web.fake_server import PATIENCE, FakeServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream", "--allow-loopback-in-peer-connection",
    "--disable-features=WebRtcHideLocalIpsWithMdns", "--autoplay-policy=no-user-gesture-required",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
]  # fmt: skip
WIDE = {"width": 1280, "height": 800}
NARROW = {"width": 390, "height": 844}
SMALL = {"width": 320, "height": 568}
REFLOWED = {"width": 320, "height": 256}  # 1280 × 1024 at 400 % (WCAG 1.4.10, RGAA 10.11)
PERMISSIONS = ["camera", "microphone", "clipboard-read", "clipboard-write"]


@pytest.fixture(scope="module")  # no longer: while it runs, other tests cannot run loops of their own
def browser() -> Iterator[Browser]:
    api = pytest.importorskip("playwright.sync_api", reason="needs the Python package playwright")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("needs the Debian package chromium")
    api.expect.set_options(timeout=1000 * PATIENCE)
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS, timeout=START)
        yield browser
        browser.close()


@pytest.fixture
def server() -> Iterator[FakeServer]:
    server = FakeServer()
    server.start()
    yield server
    server.stop()


OpenPage = Callable[..., "Page"]


@pytest.fixture
def open_page(browser: Browser, server: FakeServer) -> Iterator[OpenPage]:
    """Open a path in a context of its own. Whatever is said in its console fails the test."""
    contexts, complaints = [], []

    def open_it(path: str = "/r/weekly", *, silent: bool = False, **options: Any) -> Page:
        context = browser.new_context(
            **{"viewport": WIDE, "locale": "en-GB", "permissions": PERMISSIONS, **options}
        )
        contexts.append(context)
        context.set_default_timeout(1000 * PATIENCE)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        if not silent:
            page.on("console", lambda said: complaints.append(said.text))
        page.goto(server.address + path)
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def enter(open_page: OpenPage) -> OpenPage:
    """Open a room and join it."""

    def enter_it(path: str = "/r/weekly", name: str = "Camille Petit", **options: Any) -> Page:
        page = open_page(path, **options)
        page.fill("#name", name)
        page.click("button[type=submit]")
        page.wait_for_selector(".meeting")
        return page

    return enter_it


@pytest.fixture
def mirror(browser: Browser, server: FakeServer) -> Iterator[None]:
    """A far side for media."""
    context = browser.new_context()
    page = context.new_page()
    with page.expect_websocket():
        page.goto(server.address + "/mirror")
    server.wait_for(lambda: server.has_mirror)
    yield
    context.close()
