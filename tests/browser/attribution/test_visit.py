"""A visitor of the Attributions page with a real browser: patches, pixels, links, stopping, narrow and dark screens."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright", exc_type=ImportError)

from playwright.sync_api import expect

import mixer_viz as mv
from mixer_viz.analysis.attribution.masking import logits_without_many
from mixer_viz.images.samples import load_sample
from mixer_viz.model import MlpMixer
from tests.browser.activations.looking import click, click_patch
from tests.browser.attribution.looking import (
    ABLATION,
    GRADIENTS,
    KERNEL,
    PATCH_LOGITS,
    SAMPLED,
    WORK_TIMEOUT,
    Tab,
    Visit,
    address,
    finish,
    follow,
    open_done,
)
from tests.browser.looking import TIMEOUT, canvas, chosen, expect_token, idle, keyed, num_colours, picture_of
from tests.browser.test_screens import TEXT_AND_BACKGROUND, WIDER_THAN_THE_SCREEN, contrast

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.browser
LONG = 20_000  # passes; minutes
AGAIN = "Work it out after all"


def deleted_sentence(page: Page) -> Locator:
    return page.get_by_text(re.compile(r"With patch \d+ replaced by .* goes from"))


def test_click_in_a_map_deletes_the_patch_everywhere(tab: Tab, model: MlpMixer) -> None:
    page = open_done(tab, PATCH_LOGITS, ABLATION)
    side = model.config.grid_size
    pixels = mv.preprocess(load_sample("cat"), model)
    for place, token in ((0, side + 3), (1, 5 * side + 1)):
        pictures = [canvas(page, f"map-{each}") for each in range(2)]
        before = [picture_of(each) for each in pictures]
        click_patch(pictures[place], token, side)
        expect_token(page, token)
        logits = logits_without_many(model, pixels, [(), (token,)], baseline="mean")
        expect(deleted_sentence(page)).to_have_text(re.compile(f"With patch {token} replaced"), timeout=TIMEOUT)
        found = re.search(r"goes from (\S+) to (\S+?):", deleted_sentence(page).inner_text())
        assert [float(value) for value in found.groups()] == pytest.approx(logits[:, logits[0].argmax()], abs=2e-3)
        idle(page)
        page.mouse.move(0, 0)
        assert all(picture_of(each) != old for each, old in zip(pictures, before, strict=True))  # marked in both
    click_patch(canvas(page, "map-photo"), 0, side)
    expect_token(page, 0)


def test_hover_reads_a_pixels_value(tab: Tab, model: MlpMixer) -> None:
    query = {"level": "Pixels", "integrated_gradients_steps": "8", "sign": "Positive only"}
    page = open_done(tab, GRADIENTS, PATCH_LOGITS, query=query)
    pixels = mv.preprocess(load_sample("cat"), model)
    target = int(model(pixels)[0].argmax())
    values = mv.attribute(model, pixels, target, "integrated_gradients", baseline="mean", steps=8).pixel_map
    assert values is not None
    side, grid = model.config.image_size, model.config.grid_size
    picture, readout = canvas(page, "map-0"), keyed(page, "map-0").locator(".readout")
    for cell in (int(values.argmax()), int(values.argmin())):
        row, column = divmod(cell, side)
        patch = row * grid // side * grid + column * grid // side
        picture.scroll_into_view_if_needed()
        box = picture.bounding_box()
        picture.hover(position={"x": box["width"] * (column + 0.5) / side, "y": box["height"] * (row + 0.5) / side})
        where = rf"^pixel \(row {row}, column {column}\) in patch {patch}: .* (\S+) logits per pixel$"
        expect(readout).to_have_text(re.compile(where), timeout=TIMEOUT)
        value = float(re.search(where, readout.inner_text())[1].replace("\u2212", "-"))
        assert value == pytest.approx(values[row, column], rel=0.02, abs=1e-5)
    click(picture, (column + 0.5) / side, (row + 0.5) / side)
    expect_token(page, patch)


def test_long_work_is_stopped_and_started_again(visit: Visit) -> None:
    page = open_done(visit, PATCH_LOGITS)
    follow(page, address(PATCH_LOGITS, KERNEL, kernel_shap_samples=str(LONG)))
    cancel = keyed(page, "cancel_maps_0").locator("button")
    again = page.get_by_role("button", name=AGAIN)
    for _ in range(2):
        bar = page.get_by_test_id("stProgress").filter(has_text=KERNEL)
        expect(bar).to_have_text(re.compile(rf"{KERNEL}: .* of {LONG + 2:,} passes"), timeout=WORK_TIMEOUT)
        cancel.click(timeout=WORK_TIMEOUT)
        expect(again).to_be_visible(timeout=WORK_TIMEOUT)
        expect(page.get_by_text(re.compile(rf"^{KERNEL}\b.* stopped\.$"))).to_be_visible()
        finish(page, 1)
        again.click()
    cancel.click(timeout=WORK_TIMEOUT)
    expect(again).to_be_visible(timeout=WORK_TIMEOUT)


def test_copied_link_shows_the_same_to_someone_else(visit: Visit) -> None:
    page = open_done(visit, PATCH_LOGITS, query={"shapley_sampling_samples": "2"})
    keyed(page, "sign").get_by_role("radio", name="Positive only").click()
    expect(page).to_have_url(re.compile(r"[?&]sign="), timeout=TIMEOUT)
    click_patch(canvas(page, "map-0"), 10, 8)
    expect_token(page, 10)
    finish(page, 1)
    box = keyed(page, "methods").get_by_role("combobox")
    box.click()
    box.fill(SAMPLED)
    page.get_by_role("option", name=SAMPLED, exact=True).click()
    box.press("Escape")
    expect(page).to_have_url(re.compile(r"[?&]methods=[^&]*(,|%2C)"), timeout=TIMEOUT)
    finish(page, 2)
    keyed(page, "target_1").locator("button").click()
    expect(page).to_have_url(re.compile(r"[?&]target="), timeout=TIMEOUT)
    finish(page, 2)
    page.mouse.move(0, 0)
    other = visit("/attribution" + page.url.partition("/attribution")[2])
    finish(other, 2)
    other.mouse.move(0, 0)
    expect_token(other, 10)
    for key in ("target", "sign"):
        assert chosen(other, key) == chosen(page, key)
    assert deleted_sentence(other).inner_text() == deleted_sentence(page).inner_text()
    for panel in ("map-0", "map-1", "deleted-pictures"):
        assert picture_of(canvas(other, panel)) == picture_of(canvas(page, panel))
    assert keyed(other, "map-1").locator(".head b").inner_text() == SAMPLED


def test_phone_reads_as_one_column(tab: Tab) -> None:
    page = open_done(tab, PATCH_LOGITS, ABLATION)
    page.set_viewport_size({"width": 390, "height": 844})
    finish(page, 2)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate(WIDER_THAN_THE_SCREEN) <= 0
    for panel in ("map-photo", "map-0", "map-1", "deleted-pictures", "agreement"):
        pictures = keyed(page, panel).locator("canvas")
        assert pictures.count() > 0
        for index in range(pictures.count()):
            box = pictures.nth(index).bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 390
            assert num_colours(pictures.nth(index)) > 1, (panel, index)
    click_patch(canvas(page, "map-1"), 20, 8)
    expect_token(page, 20)


def test_dark_theme_is_readable(tab: Tab) -> None:
    page = open_done(tab, PATCH_LOGITS, ABLATION)
    page.emulate_media(color_scheme="dark")
    finish(page, 2)
    assert num_colours(canvas(page, "map-0")) > 5
    for text in (page.locator("h1").first, keyed(page, "map-0").locator(".head b").first, deleted_sentence(page)):
        colour, background = text.evaluate(TEXT_AND_BACKGROUND)
        assert sum(background) < 3 * 60
        assert contrast(colour, background) > 7


def test_fields_reach_the_link_after_work_too(visit: Visit) -> None:
    """Bars that come and go above a field must not move it: a moved field is no longer written into the link."""
    page = open_done(visit, PATCH_LOGITS, query={"seed": "7531"})
    keyed(page, "target_1").get_by_role("button").click()
    finish(page, 1)
    keyed(page, "sign").get_by_role("radio", name="Positive only").click()
    expect(page).to_have_url(re.compile(r"[?&]sign=positive"), timeout=TIMEOUT)
    keyed(page, "against").locator("input").fill("frog")
    page.keyboard.press("Enter")
    finish(page, 1)
    keyed(page, "level").get_by_role("radio", name="Pixels").click()
    expect(page).to_have_url(re.compile(r"[?&]level=pixels"), timeout=TIMEOUT)
