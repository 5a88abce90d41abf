"""Two networks side by side, in a browser: chosen by one field, kept by the link, on page after page."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright", exc_type=ImportError)

from playwright.sync_api import expect

from tests.browser.looking import TIMEOUT, canvas, choose, idle, keyed, num_colours

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

Visit = Callable[..., "Page"]
OTHER = "mixer_everyday"
WIDER_THAN_THE_SCREEN = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


def test_one_choice_puts_the_other_network_on_every_page(visit: Visit) -> None:
    page = visit("/")
    idle(page)
    choose(page, "beside", OTHER)
    expect(page).to_have_url(re.compile(rf"[?&]beside={OTHER}"), timeout=TIMEOUT)
    canvas(page, "beside-atlas-1").wait_for()
    assert num_colours(canvas(page, "beside-atlas-1")) > 5
    expect(page.get_by_text("chooses among 24 classes", exact=False).first).to_be_visible()
    for name, panel in (
        ("Patch tokenization", "beside-filters-1"),
        ("Activations, layer by layer", "beside-layer-1"),
        ("Attributions", "beside-map-0"),
    ):
        page.get_by_test_id("stSidebarNavLink").filter(has_text=name).click()
        canvas(page, panel).wait_for(timeout=2 * TIMEOUT)
        expect(page).to_have_url(re.compile(rf"[?&]beside={OTHER}"), timeout=TIMEOUT)
        assert num_colours(canvas(page, panel)) > 5
    choose(page, "beside", "Nothing")
    expect(keyed(page, "beside-map-0")).to_have_count(0, timeout=TIMEOUT)
    expect(page).not_to_have_url(re.compile("beside="), timeout=TIMEOUT)


@pytest.mark.parametrize(
    ("address", "panel"),
    [("/", "beside-atlas-1"), ("/activations", "beside-layer-1"), ("/attribution", "beside-map-0")],
)
def test_a_phone_reads_both_as_one_column(tab: Visit, address: str, panel: str) -> None:
    page = tab(f"{address}?beside={OTHER}&methods=patch_logits")
    page.set_viewport_size({"width": 390, "height": 844})
    picture = canvas(page, panel)
    picture.wait_for(timeout=2 * TIMEOUT)
    idle(page)
    box = picture.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert page.evaluate(WIDER_THAN_THE_SCREEN) <= 0
