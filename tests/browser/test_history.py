"""Back and forward, and the button that copies the link."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright", exc_type=ImportError)

from playwright.sync_api import expect

from tests.browser.looking import TIMEOUT, idle, keyed, token_field

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


def press(page: Page, key: str, place: int, address: str) -> None:
    keyed(page, key).locator("button").nth(place).click()
    expect(page).to_have_url(re.compile(address), timeout=TIMEOUT)
    idle(page)


def entries(page: Page) -> int:
    found: int = page.evaluate("history.length")
    return found


def step(page: Page, by: int, address: str) -> None:
    page.evaluate("by => history.go(by)", by)
    expect(page).to_have_url(re.compile(address), timeout=TIMEOUT)
    idle(page)


def test_back_takes_one_step_and_restores_what_was_there(tab: Callable[..., Page]) -> None:
    page = tab("/activations?view=formula&token=7")
    idle(page)
    first = entries(page)
    press(page, "view", 4, "/activations[?]view=off$")
    press(page, "off", 1, "off=token")  # a field is no step
    assert entries(page) == first + 1
    page.get_by_test_id("stSidebarNavLink").nth(1).click()
    expect(page).to_have_url(re.compile("/patches[?]token=7$"), timeout=TIMEOUT)
    token_field(page).fill("9")
    token_field(page).press("Enter")
    expect(page).to_have_url(re.compile("/patches[?]token=9$"), timeout=TIMEOUT)
    idle(page)
    assert entries(page) == first + 2
    step(page, -1, "/activations[?]view=off&off=token")
    expect(keyed(page, "off_number").locator("input")).to_have_value("0", timeout=TIMEOUT)
    step(page, -1, "/activations[?]view=formula&token=7$")
    expect(keyed(page, "unit").locator("input")).to_be_visible(timeout=TIMEOUT)
    expect(token_field(page)).to_have_value("7", timeout=TIMEOUT)
    step(page, 2, "/patches[?]token=9$")
    expect(token_field(page)).to_have_value("9", timeout=TIMEOUT)
    assert entries(page) == first + 2


def test_back_finds_the_view_again_in_a_busy_browser(visit: Callable[..., Page]) -> None:
    page = visit("/activations?view=formula&token=7")
    page.evaluate("document.adoptedStyleSheets = []")  # busy with what moves, too
    idle(page)
    browser, address = page.context.new_cdp_session(page), re.compile("/activations[?]view=formula&token=7$")
    for _ in range(2):  # without what holds the address of the next page back, most of them failed
        browser.send("Emulation.setCPUThrottlingRate", {"rate": 20})
        page.get_by_test_id("stSidebarNavLink").nth(1).click()
        expect(page).to_have_url(re.compile("/patches[?]token=7$"), timeout=TIMEOUT)
        expect(token_field(page)).to_be_visible(timeout=TIMEOUT)
        idle(page)
        page.evaluate("history.go(-1)")
        expect(page).to_have_url(address, timeout=TIMEOUT)
        # The address has been found again or not; a core spins as long as the browser is held up.
        browser.send("Emulation.setCPUThrottlingRate", {"rate": 1})
        idle(page)
        expect(page).to_have_url(address, timeout=TIMEOUT)


def test_the_link_is_copied(tab: Callable[..., Page]) -> None:
    page = tab("/patches?token=9")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    button = page.get_by_role("button", name="Copy link")
    button.click()
    expect(keyed(page, "copy_link").get_by_role("status")).to_have_text("Copied. ", timeout=TIMEOUT)
    copied: str = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.url
    assert copied.endswith("/patches?token=9")
