"""A visitor of the other views of the activations page: channels, patches, similarities, units, swaps."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright", exc_type=ImportError)

from playwright.sync_api import expect

from mixer_viz.model import MlpMixer
from mixer_viz.model.trace import stages_of
from tests.browser.activations.looking import (
    ADDRESS,
    CHANNEL,
    LAYER,
    Tab,
    Visit,
    click,
    click_patch,
    expect_field,
    go_to,
    open_view,
)
from tests.browser.looking import TIMEOUT, canvas, expect_token, idle, keyed, picture_of, wait_for_another

if TYPE_CHECKING:
    from playwright.sync_api import Locator

pytestmark = pytest.mark.browser


def answers(table: Locator) -> str:
    """Classes and probabilities, without the column of what changed."""
    return re.sub(r"\S+ points", "", table.inner_text())


def test_clicking_a_channel_follows_it(tab: Tab, model: MlpMixer) -> None:
    page = open_view(tab, "Channels", f"{ADDRESS}&channel={CHANNEL}&channels=Number")
    expect_field(page, "channel", CHANNEL)
    atlas, strip = canvas(page, "channel-atlas"), canvas(page, "channel-strip", 4)
    readout = keyed(page, "channel-atlas").locator(".readout")
    for across in (0.01, 0.5):
        before = picture_of(strip)
        box = atlas.bounding_box()
        atlas.hover(position={"x": box["width"] * across, "y": 8})
        expect(readout).to_have_text(re.compile(r"^channel \d+: mean"))
        channel = int(re.search(r"^channel (\d+):", readout.inner_text())[1])
        click(atlas, across, 8 / box["height"])
        expect_field(page, "channel", channel, linked=channel != 0)
        wait_for_another(page, strip, before)
        expect(page.get_by_text(f"Channel {channel} through all layers")).to_be_visible(timeout=TIMEOUT)
        idle(page)
    atlas.press("ArrowRight")
    expect_field(page, "channel", channel + 1)
    before = picture_of(atlas)
    click(canvas(page, "channel-strip", 7), 0.5, 0.5)
    expect_field(page, "layer", 7)
    wait_for_another(page, atlas, before)


def test_patch_and_layer_of_the_answer_at_depth(tab: Tab, model: MlpMixer) -> None:
    page = open_view(tab, "Prediction")
    names = [stage.name for stage in stages_of(model.config)]
    side = model.config.grid_size
    for index, token in enumerate((0, side + 2, 3 * side)):
        click_patch(canvas(page, "class-maps", index), token, side)
        expect_token(page, token)
        expect(keyed(page, "class-maps").locator(".head b").first).to_have_text(f"Patch {token}", timeout=TIMEOUT)
    player = keyed(page, "class-maps").locator(".player")
    expect(player.locator("output")).to_have_text(names[LAYER])
    before = [picture_of(canvas(page, "class-maps", index)) for index in (1, 2)]
    player.locator("button").click()
    for index, picture in zip((1, 2), before, strict=True):
        wait_for_another(page, canvas(page, "class-maps", index), picture)
    player.locator("button").click()


def test_a_row_of_the_similarities_selects_its_patch_for_the_other_views(tab: Tab, model: MlpMixer) -> None:
    page = open_view(tab, "Residual stream")
    tokens = model.config.num_patches
    click(canvas(page, "similarity"), 0.5, 20.5 / tokens)
    idle(page)
    page.wait_for_timeout(500)
    go_to(page, "Layers")
    expect_token(page, 20)


def test_clicking_a_unit_shows_it_in_the_formula(tab: Tab, model: MlpMixer) -> None:
    page = open_view(tab, "Formula", f"{ADDRESS}&block=3&channel={CHANNEL}&unit=4")
    units = model.config.tokens_mlp_dim
    expect_field(page, "unit", 4)
    weights = canvas(page, "formula-first", 1)
    for index, unit in enumerate((units // 3, units - 2)):
        before = picture_of(weights)
        click(canvas(page, "formula-second", index), (unit + 0.5) / units, 0.5)
        expect_field(page, "unit", unit)
        wait_for_another(page, weights, before)
        expect(page.get_by_text(f"2. Row {unit} of")).to_be_visible(timeout=TIMEOUT)
    told, strip = keyed(page, "formula-second").locator(".readout"), canvas(page, "formula-second")
    strip.hover(position={"x": (unit + 0.5) / units * strip.bounding_box()["width"], "y": 4})
    expect(told).to_have_text(re.compile(rf"\b{unit}\b.* · .*W₂.* · "))
    read = told.inner_text().replace("\u2212", "-").split(" · ")
    hidden, weight, product = (float(each.rsplit(" ", 1)[1]) for each in read)
    assert product == pytest.approx(hidden * weight, rel=0.02, abs=1e-3)
    click_patch(canvas(page, "formula-norm"), 0, model.config.grid_size)
    expect_token(page, 0)
    expect(page.get_by_text("4. Row 0 of")).to_be_visible(timeout=TIMEOUT)
    idle(page)
    difference = page.get_by_text(re.compile("Difference: ")).last.inner_text()
    assert float(re.search(r"Difference: ([\d.e+-]+)", difference)[1].rstrip(".")) < 1e-4


def test_two_clicks_swap_two_patches_and_undo_brings_them_back(visit: Visit, model: MlpMixer) -> None:
    page = open_view(visit, "Shuffled patches")
    shuffled, side = canvas(page, "shuffled"), model.config.grid_size
    note = keyed(page, "shuffled").locator(".head span")
    tables = page.get_by_test_id("stTable")
    page.mouse.move(0, 0)
    start, before, after = picture_of(shuffled), answers(tables.nth(0)), answers(tables.nth(1))
    assert before.split()[2:6] == after.split()[3:7]  # the best class and its share; the changes stand in one table
    tokens = model.config.num_patches
    expect(note).to_have_text(f"0 of {tokens} patches moved")
    undo = keyed(page, "swap_undo").locator("button")
    expect(undo).to_be_disabled()
    moved = 0
    # Far apart, so that the answer changes by more than the printed digits.
    for first, second in [(0, tokens // 2 + side // 2), (side - 1, tokens // 2 + side // 2 - 1)]:
        click_patch(shuffled, first, side)
        hint = keyed(page, "shuffled").locator(".readout")
        page.mouse.move(0, 0)
        expect(hint).to_have_text(re.compile(f"swap with place {first}"), timeout=TIMEOUT)
        idle(page)
        click_patch(shuffled, second, side)
        moved += 2
        expect(note).to_have_text(f"{moved} of {tokens} patches moved", timeout=TIMEOUT)
        idle(page)
        page.mouse.move(0, 0)
    expect(undo).to_be_enabled()
    assert picture_of(shuffled) != start
    assert answers(tables.nth(0)) == before
    assert answers(tables.nth(1)) != after
    for moved in (2, 0):
        undo.click()
        expect(note).to_have_text(f"{moved} of {tokens} patches moved", timeout=TIMEOUT)
        idle(page)
    expect(undo).to_be_disabled()
    page.mouse.move(0, 0)
    page.wait_for_function(
        "([canvas, before]) => canvas.toDataURL() === before", arg=[shuffled.element_handle(), start]
    )
    assert answers(tables.nth(1)) == after
