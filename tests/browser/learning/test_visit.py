"""Training in a real browser: numbers move, pause holds, a link begins with the same settings."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright", exc_type=ImportError)

from playwright.sync_api import expect

from tests.browser.looking import TIMEOUT, idle, keyed

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

SMALL = "/learning?learn_embed_dim=16&learn_num_blocks=1&learn_batch_size=8&learn_task=where"
OLD = "/learning?learn_task=Where+is+it%3F&learn_token_mixer=no+mixing"

TWO_CLICKS = """async milliseconds => {
  document.querySelector('.st-key-learn_use button').click();
  await new Promise(done => setTimeout(done, milliseconds));
  document.querySelector('[data-testid=stSidebarNavLink]').click();
}"""


def line(page: Page) -> str:
    return page.locator("strong", has_text=": step").first.inner_text()


def wait_for(page: Page, words: str) -> None:
    expect(page.locator("strong", has_text=re.compile(words)).first).to_be_visible(timeout=TIMEOUT)


def test_it_learns_before_ones_eyes_and_the_network_opens_elsewhere(visit: Callable[..., Page]) -> None:
    page = visit(SMALL)
    wait_for(page, "Paused: step 0")
    keyed(page, "learn_start").get_by_role("button").click()
    wait_for(page, r"Learning: step [1-9]")
    first = line(page)
    expect(page.locator("strong", has_text="Learning").first).not_to_have_text(first, timeout=TIMEOUT)
    keyed(page, "learn_pause").get_by_role("button").click()
    wait_for(page, "Paused: step [1-9]")
    held = line(page)
    page.wait_for_timeout(1200)
    assert line(page) == held
    expect(page).to_have_url(re.compile("learn_run="), timeout=TIMEOUT)
    page.reload()
    wait_for(page, re.escape(held))
    keyed(page, "learn_use").get_by_role("button").click()
    expect(keyed(page, "learn_used").get_by_text("is now the chosen model")).to_be_visible(timeout=TIMEOUT)
    expect(keyed(page, "model").locator("input").first).to_have_value("Your checkpoint", timeout=TIMEOUT)
    keyed(page, "learn_used").get_by_role("link").click()
    keyed(page, "front").locator("canvas").first.wait_for()
    expect(page.get_by_text("bottom right").first).to_be_visible(timeout=TIMEOUT)


# In less, a busy server has not begun with the first click when the second one comes, and Streamlit forgets it.
@pytest.mark.parametrize("hurry", [150, 300, 600])
def test_whoever_chooses_it_and_leaves_at_once_finds_it_chosen(visit: Callable[..., Page], hurry: int) -> None:
    """The second click is sent with the field's old value: the browser does not know the new one yet."""
    page = visit(SMALL)
    keyed(page, "learn_use").get_by_role("button").wait_for()
    idle(page)
    page.evaluate(TWO_CLICKS, hurry)
    keyed(page, "front").locator("canvas").first.wait_for()
    expect(keyed(page, "model").locator("input").first).to_have_value("Your checkpoint", timeout=TIMEOUT)
    expect(page.get_by_text("bottom right").first).to_be_visible(timeout=TIMEOUT)


def test_a_phone_shows_it_in_one_column(tab: Callable[..., Page]) -> None:
    page = tab(SMALL)
    page.set_viewport_size({"width": 390, "height": 844})
    wait_for(page, "Paused: step 0")
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390


def test_a_link_of_an_earlier_version_becomes_one_of_today(tab: Callable[..., Page]) -> None:
    page = tab(OLD)
    wait_for(page, "Paused: step 0")
    expect(page).to_have_url(re.compile(r"learn_task=where(&|$)"), timeout=TIMEOUT)
    expect(page).to_have_url(re.compile(r"learn_token_mixer=identity(&|$)"), timeout=TIMEOUT)
    expect(page.get_by_text("Across patches: no mixing").first).to_be_visible(timeout=TIMEOUT)
