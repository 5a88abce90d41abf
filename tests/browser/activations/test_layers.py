"""A visitor of the layers with a real browser: clicks and keys, the patch's vectors, quantities, player."""

from __future__ import annotations

import re

import pytest

pytest.importorskip("playwright", exc_type=ImportError)

from playwright.sync_api import expect

from mixer_viz.model import MlpMixer
from mixer_viz.model.trace import stages_of
from tests.browser.activations.looking import LAYER, TOKEN, Tab, click, click_patch, expect_field, open_view
from tests.browser.looking import TIMEOUT, canvas, expect_token, idle, keyed, picture_of, wait_for_another

pytestmark = pytest.mark.browser


def test_clicking_a_layer_enlarges_it(tab: Tab, model: MlpMixer) -> None:
    page = open_view(tab)
    expect_field(page, "layer", LAYER)
    large, player = canvas(page, "large", 1), keyed(page, "large").locator("output")
    names = [stage.name for stage in stages_of(model.config)]
    last = len(names) - 1
    for layer in (0, last - 1, last):
        before = picture_of(large)
        click(canvas(page, "strip", layer), 0.5, 0.5)
        expect_field(page, "layer", layer, linked=layer != last)
        wait_for_another(page, large, before)
        expect(player).to_have_text(names[layer], timeout=TIMEOUT)
        head = keyed(page, "large").locator("figure").nth(1).locator(".head span")
        expect(head).to_have_text(names[layer].capitalize(), timeout=TIMEOUT)
        idle(page)
        expect(page.get_by_role("cell", name=names[layer], exact=True).first).to_be_visible()
        expect_token(page, TOKEN)


def test_arrow_keys_go_through_the_layers(tab: Tab) -> None:
    page = open_view(tab)
    picture = canvas(page, "strip", LAYER)
    picture.focus()
    for key, layer in [("ArrowRight", LAYER + 1), ("ArrowRight", LAYER + 2), ("ArrowLeft", LAYER + 1)]:
        picture.press(key)
        expect_field(page, "layer", layer)


def test_clicking_a_patch_shows_its_vectors_and_keeps_the_layer(tab: Tab, model: MlpMixer) -> None:
    page = open_view(tab)
    vectors, side = canvas(page, "vectors"), model.config.grid_size
    for index, token in [(0, 0), (1, side + 2)]:
        before = picture_of(vectors)
        click_patch(canvas(page, "large", index), token, side)
        expect_token(page, token)
        wait_for_another(page, vectors, before)
        title = keyed(page, "vectors").locator(".head b")
        expect(title).to_have_text(f"Patch {token} at every layer", timeout=TIMEOUT)
        expect_field(page, "layer", LAYER)


def test_clicking_a_row_of_the_vectors_selects_the_layer(tab: Tab, model: MlpMixer) -> None:
    page = open_view(tab)
    stages = 1 + 2 * model.config.num_blocks
    large = canvas(page, "large", 1)
    before = picture_of(large)
    click(canvas(page, "vectors"), 0.3, 6.5 / stages)
    expect_field(page, "layer", 6)
    wait_for_another(page, large, before)


def test_the_quantity_and_its_scale_change_the_strip(tab: Tab) -> None:
    page = open_view(tab)
    strip = canvas(page, "strip", 1)
    seen = [picture_of(strip)]
    for name in ("Likeness", "Channel", "Class"):
        keyed(page, "quantity").get_by_role("radio", name=name, exact=True).click()
        expect(page).to_have_url(re.compile(f"quantity={name.lower()}"), timeout=TIMEOUT)
        wait_for_another(page, strip, seen[-1])
        idle(page)
        seen.append(picture_of(strip))
    keyed(page, "own_scales").locator("label").click()
    expect(page).to_have_url(re.compile("own_scales=true"), timeout=TIMEOUT)
    wait_for_another(page, strip, seen[-1])
    idle(page)
    seen.append(picture_of(strip))
    assert len(set(seen)) == 5
    expect_field(page, "layer", LAYER)


def test_layers_play_in_the_browser(tab: Tab, model: MlpMixer) -> None:
    page = open_view(tab)
    names = [stage.name for stage in stages_of(model.config)]
    player = keyed(page, "large").locator(".player")
    button, label, large = player.locator("button"), player.locator("output"), canvas(page, "large", 1)
    expect(label).to_have_text(names[LAYER])
    before = picture_of(large)
    button.click()
    expect(button).to_have_text("Stop")
    expect(label).not_to_have_text(names[LAYER])
    wait_for_another(page, large, before)
    button.click()
    expect(button).to_have_text("Play")
    stopped = label.inner_text()
    page.wait_for_timeout(1500)  # longer than two frames
    assert label.inner_text() == stopped
    player.locator("input[type=range]").fill("0")
    expect(label).to_have_text(names[0])
    expect_field(page, "layer", LAYER)  # what is played leaves the page's layer alone
    click(canvas(page, "strip", 5), 0.5, 0.5)  # and the page can still ask for another
    expect(label).to_have_text(names[5], timeout=TIMEOUT)
