"""One block, slowly: played in the browser, by keyboard as well, and every step leads to its formula."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright", exc_type=ImportError)

from playwright.sync_api import expect

from tests.browser.looking import TIMEOUT, canvas, idle, keyed, num_colours, picture_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


def test_play_step_and_follow(visit: Callable[..., Page]) -> None:
    page = visit("/?block=3&channel=40&token=9")
    idle(page)
    player = keyed(page, "block-player")
    picture, slider, said = canvas(page, "block-player"), player.locator("input"), player.locator(".said")
    assert num_colours(picture) > 20
    before = picture_of(picture)
    expect(said).to_have_text(re.compile("^Token mixing, channel 40: W₁"))
    player.get_by_role("button", name="Play").click()
    page.wait_for_timeout(700)
    player.get_by_role("button", name="Pause").click()
    assert picture_of(picture) != before
    at = float(slider.input_value())
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert float(slider.input_value()) > at
    page.keyboard.press("End")
    expect(said).to_have_text(re.compile("^Channel mixing, patch 63: they are added"))
    assert slider.get_attribute("aria-valuetext") == said.inner_text()
    player.locator(".steps button").nth(1).click()
    expect(page).to_have_url(re.compile("/activations[?].*number=channel_mixing"), timeout=TIMEOUT)
    idle(page)
    expect(keyed(page, "token").locator("input")).to_have_value("63", timeout=TIMEOUT)
    expect(keyed(page, "block").locator("input")).to_have_value("3", timeout=TIMEOUT)
    expect(keyed(page, "channel").locator("input")).to_have_value("40", timeout=TIMEOUT)


def test_no_motion_where_none_is_wanted(visit: Callable[..., Page]) -> None:
    """Play goes from one finished step to the next; nothing moves in between."""
    page = visit("/?channel=40&embed=true", reduced_motion="reduce")
    idle(page)
    for belongs_not_into_a_frame in (page.get_by_test_id("stSidebar"), page.get_by_role("button", name="Copy link")):
        expect(belongs_not_into_a_frame).to_be_hidden()
    player = keyed(page, "block-player")
    player.get_by_role("button", name="Play").click()
    page.wait_for_timeout(1200)
    picture, pictures, began = canvas(page, "block-player"), set(), time.monotonic()
    for _ in range(30):
        pictures.add(picture_of(picture))
        page.wait_for_timeout(50)
    steps = (time.monotonic() - began) / 0.9
    assert 1 <= len(pictures) <= steps + 2  # moving, nearly all of the thirty would differ
