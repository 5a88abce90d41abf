"""A visitor of "who talks to whom" on the token-mixing page with a real browser: player and patches."""

from __future__ import annotations

import pytest

pytest.importorskip("playwright", exc_type=ImportError)

from playwright.sync_api import expect

from mixer_viz.model import MlpMixer
from tests.browser.looking import canvas, expect_token, keyed, picture_of, wait_for_another
from tests.browser.token_mixing.looking import ADDRESS, BLOCK, UNIT, Tab, expect_unit, open_atlas

pytestmark = pytest.mark.browser


def test_blocks_play_in_the_browser(tab: Tab, model: MlpMixer) -> None:
    page = open_atlas(tab, f"{ADDRESS}&token=9")
    blocks = model.config.num_blocks
    player = keyed(page, "talk").locator(".player")
    button, label = player.locator("button"), player.locator("output")
    expect(label).to_have_text(f"Block {BLOCK + 1} of {blocks}")
    reads = canvas(page, "talk", 1)
    old = picture_of(reads)
    button.click()
    expect(button).to_have_text("Stop")
    expect(label).not_to_have_text(f"Block {BLOCK + 1} of {blocks}")
    wait_for_another(page, reads, old)
    button.click()
    expect(button).to_have_text("Play")
    stopped = label.inner_text()
    page.wait_for_timeout(1500)  # longer than two frames
    assert label.inner_text() == stopped
    player.locator("input[type=range]").fill("0")
    expect(label).to_have_text(f"Block 1 of {blocks}")
    expect(keyed(page, "block").locator("input")).to_have_value(str(BLOCK + 1))  # the page's block is its own


def test_clicking_a_patch_selects_it_and_leaves_the_unit(tab: Tab, model: MlpMixer) -> None:
    page = open_atlas(tab, f"{ADDRESS}&token=9")
    expect_token(page, 9)
    crop, reads = canvas(page, "talk", 0), canvas(page, "talk", 1)
    old = picture_of(reads)
    box = crop.bounding_box()
    side = model.config.grid_size
    crop.click(position={"x": box["width"] * 2.5 / side, "y": box["height"] * 1.5 / side})
    expect_token(page, side + 2)
    wait_for_another(page, reads, old)
    expect_unit(page, UNIT)


@pytest.mark.parametrize("width", [1024, 1280, 1600])
def test_crop_and_maps_stand_in_two_rows_at_the_same_heights(tab: Tab, width: int) -> None:
    page = open_atlas(tab)
    page.set_viewport_size({"width": width, "height": 900})
    page.wait_for_timeout(500)
    maps = keyed(page, "talk").locator("canvas")
    tops = [round(maps.nth(index).bounding_box()["y"]) for index in range(maps.count())]
    crop, reads, read_by, *others = tops
    assert crop == reads
    assert others == [reads, read_by] * 2
    assert read_by > reads
