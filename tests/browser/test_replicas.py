"""A class behind a proxy: everybody stays with one replica; what is seen when one is emptied, and when one is gone."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright", exc_type=ImportError)

from PIL import Image
from playwright.sync_api import expect

from mixer_viz.ui.headers import COOKIE
from tests.browser.conftest import STILL, chromium_path
from tests.browser.looking import TIMEOUT, canvas, go, idle, token_field, upload
from tests.browser.replicas import BASE, CONF, House, house, until
from tests.browser.test_files import PURPLE, wait_for_purple

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Playwright

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def running_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("house")) as running:
        yield running


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photo") / "purple.png"
    Image.new("RGB", (320, 240), PURPLE).save(path)
    return path


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Not the shared one: each of these visitors has cookies of their own."""
    running = playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox"])
    yield running
    running.close()


def arrive(browser: Browser, running: House, address: str = "/") -> Page:
    """A new visitor, whose first picture is there."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    context.add_init_script(STILL)
    page = context.new_page()
    page.set_default_timeout(TIMEOUT)
    page.goto(running.url + address)
    page.locator("canvas").first.wait_for()
    idle(page)
    return page


def replica_of(page: Page) -> str:
    cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
    return cookies[COOKIE]


def test_a_visit_through_the_proxy_while_a_replica_is_emptied_and_lost(
    browser: Browser, running_house: House, photo: Path
) -> None:
    page, other = arrive(browser, running_house), arrive(browser, running_house)
    mine = replica_of(page)
    assert {mine, replica_of(other)} == {"one", "two"}  # newcomers go where fewer are
    upload(page, "picture_file", photo)
    wait_for_purple(page, "front", 1)
    go(page, 1)
    wait_for_purple(page, "patch-panel", 0)
    expect(page).to_have_url(re.compile(f"/{BASE}/patches"))
    token_field(page).fill("11")
    token_field(page).press("Enter")
    expect(page).to_have_url(re.compile("token=11"), timeout=TIMEOUT)

    # Emptied: newcomers go to the other one, and who is there stays and goes on.
    running_house.reload(CONF.read_text().replace(f"server {mine}:8501", f"server {mine}:8501 down", 1))
    # nginx ends its former processes bit by bit: one newcomer at the right place is not all of them.
    until(
        "a newcomer went to the replica that is emptied",
        lambda: all(newcomers_go_to(running_house, replica_of(other)) for _ in range(10)),
    )
    newcomer = arrive(browser, running_house)
    assert replica_of(newcomer) == replica_of(other)
    go(page, 0)
    wait_for_purple(page, "front", 1)
    go(page, 1)
    wait_for_purple(page, "patch-panel", 0)
    assert replica_of(page) == mine

    # Lost: the browser connects to the other one by itself, and the page stays as it was.
    running_house.kill(mine)
    until("the browser did not find the other replica", lambda: replica_of(page) != mine)
    idle(page)
    wait_for_purple(page, "patch-panel", 0)
    # With the next change it is the other replica's: the choices are kept, and a note says that the upload is gone.
    token_field(page).fill("12")
    token_field(page).press("Enter")
    note = page.get_by_test_id("stAlert").filter(has_text="the files that you had brought are gone")
    expect(note).to_be_visible(timeout=TIMEOUT)
    idle(page)
    expect(page).to_have_url(re.compile(f"/{BASE}/patches.*token=12"), timeout=TIMEOUT)
    expect(token_field(page)).to_have_value("12")
    assert page.locator("[data-testid=stException]").count() == 0
    upload(page, "picture_file", photo)
    wait_for_purple(page, "patch-panel", 0)
    expect(note).to_have_count(0, timeout=TIMEOUT)

    # Nobody else has noticed.
    go(other, 1)
    canvas(other, "patch-panel").wait_for()
    assert replica_of(other) != mine


def newcomers_go_to(running: House, name: str) -> bool:
    with urllib.request.urlopen(f"{running.url}/", timeout=30) as answer:
        return f"{COOKIE}={name};" in str(answer.headers.get_all("Set-Cookie"))


def test_the_servers_own_figures_are_not_for_visitors(running_house: House) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{running_house.url}/_stcore/metrics", timeout=30)
