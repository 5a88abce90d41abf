"""A visitor of the token-mixing page with a real browser: atlas, link, hover, order, a narrow screen."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("playwright", exc_type=ImportError)

from playwright.sync_api import expect

from mixer_viz.analysis.token_mixing.weights import MixingWeights, block_weights, unit_order, units_of
from mixer_viz.figures.token_mixing.maps import ATLAS_WIDTH, atlas_columns
from mixer_viz.model import MlpMixer
from tests.browser.looking import TIMEOUT, canvas, idle, keyed, num_colours, picture_of, wait_for_another
from tests.browser.serving import serving
from tests.browser.test_screens import WIDER_THAN_THE_SCREEN
from tests.browser.test_visit import WATCH_DIALOGS
from tests.browser.token_mixing.looking import ADDRESS, BLOCK, UNIT, Tab, Visit, expect_unit, marks, open_atlas, point

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def weights(model: MlpMixer) -> MixingWeights:
    return block_weights(model, BLOCK)


@pytest.fixture(scope="module")
def order(weights: MixingWeights) -> list[int]:
    """The units in the atlas, in reading order."""
    return unit_order(units_of(weights), "pairs").tolist()


def test_deep_link_marks_the_unit_and_clicking_selects_another(visit: Visit, order: list[int]) -> None:
    page = open_atlas(visit)
    atlas = canvas(page, "atlas")
    expect_unit(page, UNIT)
    expect(keyed(page, "block").locator("input")).to_have_value(str(BLOCK + 1))
    assert marks(atlas, UNIT, order)
    columns = atlas_columns(len(order), ATLAS_WIDTH)
    before = UNIT
    for unit in (order[0], order[columns + 2], order[-1]):  # a corner, the second row, the last
        assert not marks(atlas, unit, order)
        reads = canvas(page, "unit-maps")
        old = picture_of(reads)
        atlas.click(position=point(atlas, unit, order))
        expect_unit(page, unit)
        wait_for_another(page, reads, old)
        page.mouse.move(0, 0)  # the pointer has a mark of its own
        idle(page)
        assert marks(atlas, unit, order)
        assert not marks(atlas, before, order)
        before = unit
    page.reload()
    canvas(page, "atlas").wait_for()
    expect_unit(page, before)


def test_deep_link_as_the_very_first_request(visit: Visit, tmp_path: Path) -> None:
    """Before the router has run once, Streamlit knows a page by its file alone and calls another address not found."""
    with serving(tmp_path) as fresh:
        page = visit(ADDRESS, fresh.url, script=WATCH_DIALOGS)
        expect_unit(page, UNIT)
        idle(page)
        assert page.evaluate("window.seenDialogs") == []


def test_arrow_keys_follow_the_order_of_the_atlas(tab: Tab, order: list[int]) -> None:
    page = open_atlas(tab)
    atlas = canvas(page, "atlas")
    columns = atlas_columns(len(order), ATLAS_WIDTH)
    atlas.click(position=point(atlas, order[1], order))
    expect_unit(page, order[1])
    for key, place in [("ArrowRight", 2), ("ArrowDown", 2 + columns), ("ArrowLeft", 1 + columns), ("ArrowUp", 1)]:
        atlas.press(key)
        expect_unit(page, order[place])


def test_hovering_over_a_tile_reads_unit_patch_and_weight(tab: Tab, weights: MixingWeights, order: list[int]) -> None:
    page = open_atlas(tab)
    atlas = canvas(page, "atlas")
    readout = keyed(page, "atlas").locator(".readout")
    side = weights.grid[0]
    for unit, row, column in [(order[3], 1, side - 2), (order[-1], side - 1, 2)]:
        atlas.hover(position=point(atlas, unit, order, (column + 0.5) / side, (row + 0.5) / side))
        token = row * side + column
        where = rf"^unit {unit}: .*; patch {token} \(row {row}, column {column}\): ≈ (.+)$"
        expect(readout).to_have_text(re.compile(where))
        text = re.search(where, readout.inner_text())[1].replace("\u2212", "-")
        step = float(np.abs(weights.w1[unit]).max()) / 254
        assert float(text) == pytest.approx(float(weights.w1[unit, token]), abs=step * 1.1, rel=0.01)
    page.mouse.move(0, 0)
    expect(readout).to_have_text(re.compile("Click a unit"))


def test_the_order_changes_the_places_and_keeps_the_unit(tab: Tab, weights: MixingWeights) -> None:
    page = open_atlas(tab)
    atlas = canvas(page, "atlas")
    old = picture_of(atlas)
    keyed(page, "order").get_by_role("radio", name="Frequency").click()
    expect(page).to_have_url(re.compile("order=frequency"), timeout=TIMEOUT)
    wait_for_another(page, atlas, old)
    idle(page)
    expect_unit(page, UNIT)
    assert marks(atlas, UNIT, unit_order(units_of(weights), "frequency").tolist())


def test_phone_reads_as_one_column(visit: Visit, order: list[int]) -> None:
    page = open_atlas(visit, viewport={"width": 390, "height": 844})
    assert page.evaluate(WIDER_THAN_THE_SCREEN) <= 0
    for panel in ("atlas", "unit-maps", "activation", "talk", "field", "convolution"):
        pictures = keyed(page, panel).locator("canvas")
        assert pictures.count() > 0
        for index in range(pictures.count()):
            # The frame around it: tiles keep a size that a finger hits, and scroll sideways inside.
            box = pictures.nth(index).locator("xpath=..").bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 390
            assert num_colours(pictures.nth(index)) > 5, (panel, index)
    atlas = canvas(page, "atlas")
    atlas.click(position=point(atlas, order[5], order))
    expect_unit(page, order[5])
