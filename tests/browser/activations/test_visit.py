"""A visitor of the activations page with a real browser: from view to view, links, a narrow screen."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright", exc_type=ImportError)

from playwright.sync_api import expect

from mixer_viz.model import MlpMixer
from tests.browser.activations.looking import (
    ADDRESS,
    CHANNEL,
    LAYER,
    PANELS,
    TOKEN,
    Tab,
    Visit,
    click,
    click_patch,
    expect_field,
    go_to,
    open_view,
    wait_for_view,
)
from tests.browser.looking import TIMEOUT, canvas, chosen, expect_token, idle, keyed, num_colours, picture_of
from tests.browser.test_screens import WIDER_THAN_THE_SCREEN

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


def test_going_through_the_views_keeps_layer_and_token(tab: Tab) -> None:
    page = open_view(tab)
    for view in ("Channels", "Residual stream", "Prediction", "Layers", "Shuffled patches", "Prediction", "Layers"):
        go_to(page, view)
        if view != "Shuffled patches":
            expect_field(page, "layer", LAYER)
        if view in ("Prediction", "Layers"):
            expect_token(page, TOKEN)
        expect(page).to_have_url(re.compile("view=" if view != "Layers" else "^(?!.*view=)"), timeout=TIMEOUT)


def test_what_was_clicked_is_kept_from_view_to_view(tab: Tab, model: MlpMixer) -> None:
    """Not only what the link brought along."""
    page = open_view(tab)
    click(canvas(page, "strip", 6), 0.5, 0.5)
    expect_field(page, "layer", 6)
    click_patch(canvas(page, "large"), 20, model.config.grid_size)
    expect_token(page, 20)
    idle(page)
    go_to(page, "Shuffled patches")
    go_to(page, "Prediction")
    expect_field(page, "layer", 6)
    expect_token(page, 20)
    go_to(page, "Channels")
    go_to(page, "Layers")
    expect_field(page, "layer", 6)
    expect_token(page, 20)


def test_a_copied_link_shows_the_same_to_someone_else(visit: Visit) -> None:
    mine = open_view(visit, "Channels", f"{ADDRESS}&channel={CHANNEL}")
    keyed(mine, "channels").get_by_role("radio", name="Length", exact=True).click()
    expect(mine).to_have_url(re.compile("channels=length"), timeout=TIMEOUT)
    idle(mine)
    theirs = visit("/activations" + mine.url.split("/activations")[1])
    for page in (theirs, theirs):
        wait_for_view(page, "Channels")
        expect_field(page, "layer", LAYER)
        expect_field(page, "channel", CHANNEL)
        assert picture_of(canvas(page, "channel-atlas")) == picture_of(canvas(mine, "channel-atlas"))
        page.reload()


@pytest.fixture(scope="module")
def phone(long_visit: Visit) -> Page:
    return open_view(long_visit, viewport={"width": 390, "height": 844})


@pytest.mark.parametrize("view", PANELS)
def test_phone_reads_as_one_column(phone: Page, view: str) -> None:
    page = phone
    if chosen(page, "view") != view:
        go_to(page, view)
    assert page.evaluate(WIDER_THAN_THE_SCREEN) <= 0
    for panel in PANELS[view]:
        pictures = keyed(page, panel).locator("canvas")
        assert pictures.count() > 0
        for index in range(pictures.count()):
            picture = pictures.nth(index)
            # The frame around it: tiles keep a size that a finger hits, and scroll sideways inside.
            box = picture.locator("xpath=..").bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 390
            assert num_colours(picture) > 1, (panel, index)
            assert len(picture.get_attribute("aria-label")) > 20
