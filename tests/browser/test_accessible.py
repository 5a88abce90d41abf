"""Every page, on every screen and in both themes: nothing serious for axe, nothing wider than the screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("playwright", exc_type=ImportError)

from axe_playwright_python.sync_playwright import Axe

from tests.browser.looking import idle, settled
from tests.browser.test_screens import WIDER_THAN_THE_SCREEN

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

PAGES = ("", "patches", "token_mixing", "activations", "attribution", "compared", "learning", "lessons")
WITHOUT_PICTURES = {"lessons": ".st-key-lesson_use_code"}  # what such a page shows instead
OF_COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
# Width and height: a projector, a tablet, a phone, and a laptop at 200 %.
SCREENS = ((1024, 768), (768, 1024), (390, 844), (700, 450))
LINKS_TO_NOWHERE = """() => [...document.querySelectorAll('[data-testid=stMain] a[href^="#"]')]
  .map((link) => link.getAttribute('href').slice(1)).filter((id) => !document.getElementById(id))"""


def serious(page: Page, **options: object) -> list[tuple[Any, ...]]:
    """What axe finds and still finds once the page has settled: what a run redraws is pale meanwhile."""
    found = _violations(page, **options)
    for _ in range(3):
        if found:
            settled(page)
            found = _violations(page, **options)
    return found


def _violations(page: Page, **options: object) -> list[tuple[Any, ...]]:
    found = Axe().run(page, options={"resultTypes": ["violations"], **options}).response["violations"]
    return [
        (each["id"], len(each["nodes"]), each["nodes"][0]["html"][:200])
        for each in found
        if each["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("address", PAGES)
def test_nothing_serious_and_nothing_too_wide(tab: Callable[..., Page], address: str) -> None:
    page = tab(f"/{address}", shows=WITHOUT_PICTURES.get(address, "canvas"))
    idle(page)
    assert serious(page) == []
    assert page.evaluate(LINKS_TO_NOWHERE) == []
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(300)
    idle(page)
    assert serious(page, runOnly=OF_COLOURS) == []  # the same elements
    for width, height in SCREENS:
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(150)
        assert page.evaluate(WIDER_THAN_THE_SCREEN) <= 0, (width, height)
