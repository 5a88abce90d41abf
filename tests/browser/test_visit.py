"""A visitor with a real browser: first look, links, selecting patches."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright", exc_type=ImportError)

from playwright.sync_api import expect

from tests.browser.looking import (
    NUM_PAGES,
    TIMEOUT,
    canvas,
    choose,
    chosen,
    expect_token,
    go,
    idle,
    keyed,
    num_colours,
    token_field,
)
from tests.browser.serving import serving

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

Visit = Callable[..., "Page"]
Tab = Callable[..., "Page"]
WATCH_DIALOGS = """
window.seenDialogs = [];
const look = () => document.querySelectorAll('[role=dialog]').forEach((d) => window.seenDialogs.push(d.innerText));
new MutationObserver(look).observe(document, { childList: true, subtree: true });
"""


def test_the_cat_is_a_cat(visit: Visit) -> None:
    page = visit()
    # The chart's text alternative is what a screen reader says.
    expect(keyed(page, "classes").get_by_role("figure", name=re.compile(r"\bcat\b"))).to_be_visible(timeout=TIMEOUT)
    label = keyed(page, "classes").locator(".ytick text", has_text=re.compile(r"^cat$"))
    expect(label).to_have_count(1, timeout=TIMEOUT)


def test_every_picture_is_painted(visit: Visit) -> None:
    page = visit()
    idle(page)
    for index, panels in enumerate([("front", "stages", "pooled"), ("patch-panel", "vector-panel", "filter-panel")]):
        go(page, index)
        for panel in panels:
            pictures = keyed(page, panel).locator("canvas")
            for at in range(pictures.count()):
                assert num_colours(pictures.nth(at)) > 5, (panel, at)
                assert len(pictures.nth(at).get_attribute("aria-label")) > 20


def test_deep_link_as_the_very_first_request(visit: Visit, tmp_path: Path) -> None:
    """Before the router has run once, Streamlit would serve the bare page, or call it not found."""
    with serving(tmp_path) as fresh:
        page = visit("/patches?token=11", fresh.url, script=WATCH_DIALOGS)
        expect(page.get_by_test_id("stSidebarNavLink")).to_have_count(NUM_PAGES)
        expect_token(page, 11)
        assert page.url.startswith(f"{fresh.url}/patches?")
        assert keyed(page, "patch-panel").locator("canvas").count() == 4
        assert page.evaluate("window.seenDialogs") == []
        assert "Uncaught" not in fresh.log.read_text(encoding="utf-8")


@pytest.mark.parametrize(("address", "panel", "index"), [("/", "front", 1), ("/patches", "patch-panel", 0)])
def test_clicking_a_patch_selects_it(tab: Tab, address: str, panel: str, index: int) -> None:
    page = tab(address)
    idle(page)
    picture = canvas(page, panel, index)
    box = picture.bounding_box()
    for row, column in [(3, 2), (0, 0), (7, 7)]:
        place = {"x": box["width"] * (column + 0.5) / 8, "y": box["height"] * (row + 0.5) / 8}
        picture.click(position=place)
        expect_token(page, 8 * row + column)
        if address == "/patches":
            sentence = page.get_by_text(re.compile(rf"row {row}, column {column} of the 8 . 8 grid"))
            expect(sentence).to_be_visible(timeout=TIMEOUT)


def test_a_row_of_the_token_matrix_selects_its_patch(tab: Tab) -> None:
    page = tab("/patches")
    idle(page)
    matrix = canvas(page, "matrix-panel")
    matrix.scroll_into_view_if_needed()
    box = matrix.bounding_box()
    matrix.click(position={"x": box["width"] / 2, "y": box["height"] * 20.5 / 64})
    expect_token(page, 20)


def test_arrow_keys_move_the_selection(tab: Tab) -> None:
    page = tab("/patches?token=11")
    expect_token(page, 11)
    idle(page)
    picture = canvas(page, "patch-panel")
    picture.focus()
    for key, token in [("ArrowRight", 12), ("ArrowDown", 20), ("ArrowLeft", 19), ("ArrowUp", 11)]:
        picture.press(key)
        expect_token(page, token)
    for _ in range(4):  # faster than the server answers
        picture.press("ArrowDown")
    expect_token(page, 43)


def test_the_number_field_moves_the_mark_in_the_pictures(tab: Tab) -> None:
    page = tab("/patches?token=11")
    expect_token(page, 11)
    idle(page)
    before = canvas(page, "patch-panel").evaluate("canvas => canvas.toDataURL()")
    token_field(page).fill("50")
    token_field(page).press("Enter")
    expect_token(page, 50)
    page.wait_for_function(
        "([canvas, before]) => canvas.toDataURL() !== before",
        arg=[canvas(page, "patch-panel").element_handle(), before],
    )


def test_a_copied_link_shows_the_same_to_someone_else(visit: Visit) -> None:
    mine = visit("/patches?token=11")
    expect_token(mine, 11)
    idle(mine)
    choose(mine, "image", "Cup of coffee")
    expect(mine).to_have_url(re.compile("image="), timeout=TIMEOUT)
    idle(mine)
    keyed(mine, "filters").get_by_role("radio").last.click()
    expect(mine).to_have_url(re.compile("filters="), timeout=TIMEOUT)
    idle(mine)
    theirs = visit(mine.url.removeprefix(mine.url.split("/patches")[0]))
    expect_token(theirs, 11)
    idle(theirs)
    for key in ("image", "filters", "model"):
        assert chosen(theirs, key) == chosen(mine, key)
    assert "coffee" in chosen(theirs, "image").lower()
    theirs.reload()
    canvas(theirs, "patch-panel").wait_for()
    expect_token(theirs, 11)
    idle(theirs)
    assert chosen(theirs, "filters") == chosen(mine, "filters")


def test_hovering_reads_the_value(tab: Tab) -> None:
    page = tab("/patches?token=11")
    idle(page)
    picture = canvas(page, "patch-panel", 2)
    box = picture.bounding_box()
    picture.hover(position={"x": box["width"] * 3.5 / 8, "y": box["height"] * 1.5 / 8})
    readout = keyed(page, "patch-panel").locator(".readout")
    expect(readout).to_have_text(re.compile(r"patch 11 .*row 1, column 3.* 1\.00$"))


def test_a_model_that_is_not_here_is_one_sentence_and_the_way_back_is_open(visit: Visit) -> None:
    page = visit("/?token=11")
    idle(page)
    choose(page, "model", "mixer_b16_224.goog_in21k")
    message = page.get_by_test_id("stAlert")
    expect(message).to_have_text(re.compile("mixer_b16_224.goog_in21k"), timeout=TIMEOUT)
    choose(page, "model", "mixer_cifar10")
    expect(message).to_have_count(0, timeout=TIMEOUT)
    canvas(page, "front").wait_for()
    idle(page)
    assert num_colours(canvas(page, "front")) > 5
