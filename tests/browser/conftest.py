"""One server for the session and one Chromium for each file; every page is checked for errors when its test ends."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import mixer_viz as mv
from mixer_viz.images.samples import load_sample
from mixer_viz.model import MlpMixer, Trace
from tests.browser.serving import FIRST_MODEL, Server, serving

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page, ViewportSize

TIMEOUT = 60_000  # ms; a busy machine is slow
REQUIRED = "MIXER_VIZ_REQUIRE_BROWSER"
# One process draws all pages, so that a visit finds the scripts compiled: two thirds of the work of a process for each.
ARGUMENTS = ["--no-sandbox", "--renderer-process-limit=1"]
WIDE: ViewportSize = {"width": 1400, "height": 900}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server")) as running:
        yield running
    log = running.log.read_text(encoding="utf-8", errors="replace")
    assert "Uncaught" not in log, log
    assert "unexpected error" not in log, log


@pytest.fixture(scope="session")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The browser's files, with the page's scripts as it compiled them: without, a visit costs half as much more."""
    return tmp_path_factory.mktemp("profile")


# Not for the session: while Playwright runs, its event loop occupies the main thread.
def chromium_path() -> str:
    """Where Chromium is, best the one without windows; skips the test without one, and fails where one is required."""
    path = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if path is None or importlib.util.find_spec("playwright") is None:
        message = "Chromium and playwright are needed to drive the app in a browser"
        if os.environ.get(REQUIRED) == "1":
            pytest.fail(f"{message}, and {REQUIRED}=1 asks for it")
        pytest.skip(message)
    return path


@pytest.fixture(scope="module")
def chromium(profile: Path) -> Iterator[BrowserContext]:
    path = chromium_path()
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=TIMEOUT)
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(profile, executable_path=path, args=ARGUMENTS)
        yield context
        context.close()


@pytest.fixture
def visit(chromium: BrowserContext, server: Server) -> Iterator[Callable[..., Page]]:
    """`visit("/patches?token=3")` is a new visitor's page, which a first picture is on."""
    pages: list[Page] = []
    script_errors: list[str] = []
    foreign: list[str] = []

    def open_page(
        address: str = "/",
        server_url: str = server.url,
        script: str = "",
        viewport: ViewportSize = WIDE,
        shows: str = "canvas",
        **media: Any,
    ) -> Page:
        """`script` runs in the page before anything else does; `media` is what `emulate_media` takes.

        `shows` is what there has to be first.
        """
        page = chromium.new_page()
        page.set_viewport_size(viewport)
        page.emulate_media(**media)
        page.add_init_script(script)
        page.set_default_timeout(TIMEOUT)
        page.on("pageerror", lambda error: script_errors.append(str(error)))
        page.on("request", lambda request: None if is_local(request.url) else foreign.append(request.url))
        pages.append(page)
        page.goto(server_url + address)
        page.locator(shows).first.wait_for()
        return page

    yield open_page
    tracebacks = [page.locator("[data-testid=stException]").count() for page in pages]
    for page in pages:
        page.evaluate("localStorage.clear()")  # the next visitor is a new one
        page.close()
    chromium.clear_cookies()
    chromium.clear_permissions()
    assert script_errors == []
    assert foreign == []  # the app works without a network
    assert sum(tracebacks) == 0


@pytest.fixture(scope="module")
def model() -> MlpMixer:
    """The bundled model, as the server has it."""
    return mv.load_model(FIRST_MODEL, "cpu")


@pytest.fixture(scope="module")
def traced(model: MlpMixer) -> Trace:
    return mv.trace(model, mv.preprocess(load_sample("cat"), model))


def is_local(url: str) -> bool:
    return url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:"))
