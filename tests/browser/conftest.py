"""One server for all workers and one Chromium for each; every page is checked for errors when its test ends."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import mixer_viz as mv
from mixer_viz.images.samples import load_sample
from mixer_viz.model import MlpMixer, Trace
from tests.browser.looking import IDLE, LOOK
from tests.browser.serving import FIRST_MODEL, Server, serving_all_workers

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page, Playwright, ViewportSize

TIMEOUT = 60_000  # ms; a busy machine is slow
REQUIRED = "MIXER_VIZ_REQUIRE_BROWSER"
# One process draws all pages, so that a visit finds the scripts compiled: two thirds of the work of a process for each.
ARGUMENTS = ["--no-sandbox", "--renderer-process-limit=1"]
# Streamlit's skeletons and its sign of a run are drawn sixty times a second, by software and for nobody: while a page
# is waited for, a third of all work. What the app itself moves, it moves by script.
STILL = """const still = new CSSStyleSheet();
still.replaceSync('*, ::before, ::after { animation: none !important; transition: none !important; }');
document.adoptedStyleSheets = [still];"""
# To another address inside of the app, until the server is at it.
GO = """async (address) => {
  const app = document.querySelector('[data-testid=stApp]');
  const begun = new Promise((done) => {
    const look = () => app.dataset.testScriptState === 'running' && done();
    new MutationObserver(look).observe(app, { attributes: true });
    setTimeout(done, 3000);
  });
  History.prototype.pushState.call(history, {}, '', address);
  dispatchEvent(new PopStateEvent('popstate', { state: {} }));
  await begun;
}"""
WIDE: ViewportSize = {"width": 1400, "height": 900}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving_all_workers(tmp_path_factory) as running:
        yield running
    log = running.log.read_text(encoding="utf-8", errors="replace")
    assert "Uncaught" not in log, log
    assert "unexpected error" not in log, log


@pytest.fixture(scope="session")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The browser's files, with the page's scripts as it compiled them: without, a visit costs half as much more."""
    return tmp_path_factory.mktemp("profile")


def chromium_path() -> str:
    """Where Chromium is, best the one without windows; skips the test without one, and fails where one is required."""
    path = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if path is None or importlib.util.find_spec("playwright") is None:
        message = "Chromium and playwright are needed to drive the app in a browser"
        if os.environ.get(REQUIRED) == "1":
            pytest.fail(f"{message}, and {REQUIRED}=1 asks for it")
        pytest.skip(message)
    return path


@contextmanager
def chromium_running(profile: Path) -> Iterator[tuple[Playwright, BrowserContext]]:
    path = chromium_path()
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=TIMEOUT)
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(profile, executable_path=path, args=ARGUMENTS)
        context.add_init_script(STILL)
        yield playwright, context
        context.close()


_OPEN = ExitStack()  # closes what is in here
_RUNNING: list[tuple[Playwright, BrowserContext]] = []  # the one, or none


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> Generator[None]:
    """Close Chromium behind the last test of this folder: Playwright's event loop occupies the main thread."""
    try:
        return (yield)
    finally:
        if nextitem is None or not nextitem.path.is_relative_to(Path(__file__).parent):
            _RUNNING.clear()
            _OPEN.close()


@pytest.fixture(scope="module")
def running(profile: Path) -> tuple[Playwright, BrowserContext]:
    """A start costs as much as a visit, and the first visit after it as much again: one for all files of a worker."""
    if not _RUNNING:
        _RUNNING.append(_OPEN.enter_context(chromium_running(profile)))
    return _RUNNING[0]


@pytest.fixture(scope="module")
def playwright(running: tuple[Playwright, BrowserContext]) -> Playwright:
    return running[0]


@pytest.fixture(scope="module")
def chromium(running: tuple[Playwright, BrowserContext]) -> BrowserContext:
    return running[1]


@pytest.fixture
def visit(chromium: BrowserContext, server: Server) -> Iterator[Callable[..., Page]]:
    """`visit("/patches?token=3")` is a new visitor's page, which a first picture is on."""
    with visiting(chromium, server) as open_page:
        yield open_page


@pytest.fixture(scope="module")
def long_visit(chromium: BrowserContext, server: Server) -> Iterator[Callable[..., Page]]:
    """`visit` for a page that several tests of a file look at; they share its errors."""
    with visiting(chromium, server) as open_page:
        yield open_page


@pytest.fixture(scope="module")
def tabs() -> list[Page]:
    """The tab of this file, once a test has opened it."""
    return []


@pytest.fixture
def tab(tabs: list[Page], long_visit: Callable[..., Page], server: Server) -> Iterator[Callable[..., Page]]:
    """`tab("/patches?token=3")` is that page in the tab that the file's other tests had, on a wide screen.

    It goes there inside of the app, as Back does: a third of the work of `visit`, but the visitor is the one before, so
    this is for tests that bring no files and need no empty session.
    """

    def go(address: str = "/", shows: str = "canvas") -> Page:
        if not tabs:
            tabs.append(long_visit(address, shows=shows))
        elif tabs[0].url != server.url + address:
            tabs[0].evaluate(GO, address)
            tabs[0].wait_for_function(IDLE, polling=LOOK)
            tabs[0].locator(shows).first.wait_for()
        return tabs[0]

    yield go
    for page in tabs:
        page.mouse.move(0, 0)
        page.set_viewport_size(WIDE)
        page.emulate_media(color_scheme="light")
        assert page.locator("[data-testid=stException]").count() == 0


@contextmanager
def visiting(chromium: BrowserContext, server: Server) -> Iterator[Callable[..., Page]]:
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
