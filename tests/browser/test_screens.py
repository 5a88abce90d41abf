"""Narrow screens and the dark theme."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright", exc_type=ImportError)

from tests.browser.looking import canvas, idle, keyed, num_colours

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

Visit = Callable[..., "Page"]
PAGES = [("/", "front"), ("/patches", "patch-panel")]
NARROW = {"front": 4}  # the pooled vector is a column
WIDER_THAN_THE_SCREEN = """() => {
  const parts = [document.documentElement, document.querySelector('[data-testid=stMain]')];
  return Math.max(...parts.map((part) => part.scrollWidth - part.clientWidth));
}"""
TEXT_AND_BACKGROUND = """(text) => {
  const app = getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor;
  return [getComputedStyle(text).color, app].map((colour) => colour.match(/[0-9.]+/g).slice(0, 3).map(Number));
}"""


@pytest.mark.parametrize(("address", "panel"), PAGES)
def test_phone_reads_as_one_column(visit: Visit, address: str, panel: str) -> None:
    page = visit(address, viewport={"width": 390, "height": 844})
    idle(page)
    assert page.evaluate(WIDER_THAN_THE_SCREEN) <= 0
    pictures = keyed(page, panel).locator("canvas")
    for index in range(pictures.count()):
        box = pictures.nth(index).bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        assert box["width"] > (30 if index == NARROW.get(panel) else 80)
        assert num_colours(pictures.nth(index)) > 5


@pytest.mark.parametrize(("address", "panel"), PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_themes_are_readable(visit: Visit, address: str, panel: str, scheme: str) -> None:
    page = visit(address, color_scheme=scheme)
    idle(page)
    assert num_colours(canvas(page, panel)) > 5
    for text in (page.locator("h1").first, keyed(page, panel).locator(".head b").first):
        colour, background = text.evaluate(TEXT_AND_BACKGROUND)
        assert (sum(background) < 3 * 60) == (scheme == "dark")
        assert contrast(colour, background) > 7


def contrast(one: list[float], other: list[float]) -> float:
    """The ratio that WCAG 2 defines, 1 to 21, of two sRGB colours 0 to 255."""
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def luminance(colour: list[float]) -> float:
    shares = [value / 255 for value in colour]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
