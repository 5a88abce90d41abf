"""A visitor of the page "Token mixers compared" with a real browser: parts, clicks, links, narrow and dark screens."""

from __future__ import annotations

import re

import numpy as np
import pytest

pytest.importorskip("playwright", exc_type=ImportError)

from playwright.sync_api import expect

import mixer_viz as mv
from mixer_viz.analysis.comparison.token_jacobian import metaformer_jacobian
from mixer_viz.checkpoints.metaformer_runs import metaformer_runs
from mixer_viz.images.samples import load_sample
from mixer_viz.model import TOKEN_MIXERS
from tests.browser.activations.looking import click_patch, expect_field
from tests.browser.comparison.looking import (
    COSTS,
    PHOTO,
    REORDERED,
    SWAPPED,
    WORK_TIMEOUT,
    Tab,
    Visit,
    alerts,
    go_to,
    listening_map,
    networks,
    open_part,
    wait_for_part,
)
from tests.browser.looking import TIMEOUT, canvas, choose, expect_token, idle, keyed, num_colours, picture_of
from tests.browser.test_screens import TEXT_AND_BACKGROUND, WIDER_THAN_THE_SCREEN, contrast

pytestmark = pytest.mark.browser
PARTS = (PHOTO, COSTS, SWAPPED, REORDERED)
CHARTS = ("compared-accuracy", "compared-curves", "compared-growth")


def test_every_part_is_drawn_without_an_error(tab: Tab) -> None:
    page = open_part(tab)
    for part in (*PARTS[1:], PHOTO):
        go_to(page, part)
        assert alerts(page) == []
        if part == COSTS:
            for chart in CHARTS:
                expect(keyed(page, chart).locator(".js-plotly-plot")).to_be_visible(timeout=TIMEOUT)
            assert page.locator("[data-testid=stTable]").count() == 3
        elif part == SWAPPED:
            expect(page.get_by_text("explained on this picture")).to_be_visible(timeout=TIMEOUT)
        elif part == REORDERED:
            reordered = any(run.permutation != "none" for run in metaformer_runs())
            expect(keyed(page, "permuted-pictures")).to_have_count(int(reordered), timeout=TIMEOUT)
        else:
            for panel in ("compared-photo", "compared-listening", "compared-matrices", "compared-field-0"):
                assert num_colours(canvas(page, panel)) > 1, panel
        assert page.evaluate(WIDER_THAN_THE_SCREEN) <= 0
    assert keyed(page, "compared-listening").locator("canvas").count() == len(networks())


def test_click_in_a_listening_map_selects_the_patch_everywhere(tab: Tab) -> None:
    page = open_part(tab)
    side, last = next(iter(networks().values())).config.grid_size, len(networks()) - 1
    for place, token in ((0, side + 2), (last, 5 * side + 1)):
        pictures = [listening_map(page, each) for each in range(len(networks()))]
        pictures += [canvas(page, "compared-photo"), canvas(page, "compared-matrices")]
        before = [picture_of(each) for each in pictures]
        click_patch(pictures[place], token, side)
        expect_token(page, token)
        idle(page)
        page.mouse.move(0, 0)
        for number, (name, network) in enumerate(networks().items()):
            share = metaformer_jacobian(network, mv.preprocess(load_sample("cat"), network), 0).share[token]
            figure = keyed(page, "compared-listening").locator("figure").nth(number)
            expect(figure.locator(".head b")).to_have_text(TOKEN_MIXERS[name].title)
            expect(figure).to_contain_text(f"itself {100 * share[token]:.3g} %", timeout=TIMEOUT)
        assert all(picture_of(each) != old for each, old in zip(pictures, before, strict=True))
    click_patch(canvas(page, "compared-photo"), 0, side)
    expect_token(page, 0)


def test_hover_reads_a_share(tab: Tab) -> None:
    page = open_part(tab, query={"token": "20", "block": "2"})
    network = next(iter(networks().values()))
    share = metaformer_jacobian(network, mv.preprocess(load_sample("cat"), network), 1).share[20]
    side, picture = network.config.grid_size, listening_map(page, 0)
    for token in (int(share.argmax()), int(share.argmin())):
        picture.scroll_into_view_if_needed()
        box, (row, column) = picture.bounding_box(), divmod(token, side)
        picture.hover(position={"x": box["width"] * (column + 0.5) / side, "y": box["height"] * (row + 0.5) / side})
        readout = keyed(page, "compared-listening").locator(".readout")
        expect(readout).to_contain_text(f"patch {token} ", timeout=TIMEOUT)
        value = re.search(r"([-−\d.e]+) ?%", readout.inner_text())[1]
        assert float(value.replace("−", "-")) == pytest.approx(100 * share[token], rel=0.02, abs=1e-3)


def test_copied_link_shows_the_same_to_someone_else(visit: Visit) -> None:
    mine = open_part(visit, query={"token": "9"})
    keyed(mine, "listening").get_by_role("radio", name="With its sign", exact=True).click()
    expect(mine).to_have_url(re.compile("listening="), timeout=TIMEOUT)
    keyed(mine, "block").locator("input").fill("3")
    keyed(mine, "block").locator("input").press("Enter")
    expect_field(mine, "block", 3)
    idle(mine)
    mine.mouse.move(0, 0)
    theirs = visit("/compared" + mine.url.partition("/compared")[2])
    wait_for_part(theirs, PHOTO)
    theirs.mouse.move(0, 0)
    expect_token(theirs, 9)
    expect_field(theirs, "block", 3)
    for panel in ("compared-listening", "compared-matrices", "compared-field-0"):
        assert picture_of(canvas(theirs, panel)) == picture_of(canvas(mine, panel)), panel


def test_swapping_follows_its_fields_and_the_link(visit: Visit) -> None:
    page = open_part(visit)
    go_to(page, SWAPPED)
    keyed(page, "swap_kind").get_by_role("radio", name="Its best convolution").click()
    canvas(page, "swap-kernels").wait_for(timeout=WORK_TIMEOUT)
    before = picture_of(canvas(page, "swap-kernels"))
    choose(page, "swap_kernel", "5 × 5")
    expect(keyed(page, "swap-kernels")).to_contain_text("5 × 5", timeout=WORK_TIMEOUT)
    expect(page).to_have_url(re.compile("swap_kernel=5"), timeout=TIMEOUT)
    idle(page)
    assert picture_of(canvas(page, "swap-kernels")) != before
    other = visit("/compared" + page.url.partition("/compared")[2])
    wait_for_part(other, SWAPPED)
    page.mouse.move(0, 0)
    other.mouse.move(0, 0)
    assert picture_of(canvas(other, "swap-kernels")) == picture_of(canvas(page, "swap-kernels"))
    assert alerts(other) == alerts(page) == []


def test_phone_reads_as_one_column(visit: Visit) -> None:
    page = open_part(visit, viewport={"width": 390, "height": 844})
    for part in PARTS:
        if part != PHOTO:
            go_to(page, part)
        assert page.evaluate(WIDER_THAN_THE_SCREEN) <= 0, part
        assert alerts(page) == []
        boxes = [each.bounding_box() for each in page.locator("[data-testid=stMain] canvas").all() if each.is_visible()]
        frames = np.array([[box["x"], box["x"] + box["width"]] for box in boxes]).reshape(-1, 2)
        assert frames.min(initial=0) >= 0, part
        assert frames.max(initial=0) <= 390, part


def test_dark_theme_is_readable(visit: Visit) -> None:
    page = open_part(visit, color_scheme="dark")
    assert num_colours(listening_map(page, 0)) > 5
    for text in (page.locator("h1").first, keyed(page, "compared-listening").locator(".head b").first):
        colour, background = text.evaluate(TEXT_AND_BACKGROUND)
        assert sum(background) < 3 * 60
        assert contrast(colour, background) > 7
    for part in PARTS[1:]:
        go_to(page, part)
        assert alerts(page) == []
