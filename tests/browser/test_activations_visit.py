"""A visitor of the activations page with a real browser: layers, patches, channels, units, swaps, player, downloads."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("playwright", exc_type=ImportError)

from PIL import Image
from playwright.sync_api import expect

import mixer_viz as mv
from mixer_viz.analysis import activations, depth_prediction, logit_parts, residual, similarity
from mixer_viz.analysis.overview import stages_of
from mixer_viz.checkpoints import available_models
from mixer_viz.model import MlpMixer, Trace
from mixer_viz.samples import load_sample
from tests.browser.looking import TIMEOUT, canvas, download, expect_token, idle, keyed, num_colours
from tests.browser.test_screens import WIDER_THAN_THE_SCREEN

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.browser

Visit = Callable[..., "Page"]
BUNDLED = next(info.name for info in available_models() if info.on_disk)
LAYER, TOKEN, CHANNEL = 3, 9, 5
ADDRESS = f"/activations?image=Cat&layer={LAYER}&token={TOKEN}"
PANELS = {
    "Layers": ("strip", "large", "vectors", "hidden"),
    "Channels": ("channel-atlas", "channel-strip"),
    "Residual stream": ("similarity",),
    "Prediction": ("class-maps",),
    "Switching off": (),
    "Shuffled patches": ("shuffled",),
    "Formula": ("formula-norm", "formula-first", "formula-second"),
}


@pytest.fixture(scope="module")
def model() -> MlpMixer:
    return mv.load_model(BUNDLED, "cpu")


@pytest.fixture(scope="module")
def traced(model: MlpMixer) -> Trace:
    return mv.trace(model, mv.preprocess(load_sample("cat"), model))


def open_view(visit: Visit, view: str = "Layers", address: str = ADDRESS, **options: object) -> Page:
    page = visit(f"{address}&view={view.replace(' ', '+')}", **options)
    wait_for_view(page, view)
    return page


def wait_for_view(page: Page, view: str) -> None:
    for panel in PANELS[view]:
        canvas(page, panel).wait_for()
    if not PANELS[view]:
        keyed(page, "each-alone").locator(".js-plotly-plot").wait_for()
    idle(page)


def go_to(page: Page, view: str) -> None:
    """Press the button of another view."""
    keyed(page, "view").get_by_role("radio", name=view, exact=True).click()
    wait_for_view(page, view)


def expect_field(page: Page, key: str, value: int, linked: bool = True) -> None:
    """Number field and address agree; a link leaves out what a field begins with."""
    expect(keyed(page, key).locator("input")).to_have_value(str(value), timeout=TIMEOUT)
    named = re.compile(rf"[?&]{key}={value}(&|$)" if linked else rf"^(?!.*[?&]{key}=)")
    expect(page).to_have_url(named, timeout=TIMEOUT)


def picture_of(locator: Locator) -> str:
    return str(locator.evaluate("canvas => canvas.toDataURL()"))


def wait_for_another(page: Page, locator: Locator, before: str) -> None:
    page.wait_for_function(
        "([canvas, before]) => canvas.toDataURL() !== before", arg=[locator.element_handle(), before]
    )


def click(picture: Locator, across: float, down: float) -> None:
    """Click at a place of the picture, given as shares of its width and height."""
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    picture.click(position={"x": box["width"] * across, "y": box["height"] * down})


def click_patch(picture: Locator, token: int, side: int) -> None:
    row, column = divmod(token, side)
    click(picture, (column + 0.5) / side, (row + 0.5) / side)


def answers(table: Locator) -> str:
    """Classes and probabilities, without the column of what changed."""
    return re.sub(r"\S+ points", "", table.inner_text())


def test_clicking_a_layer_enlarges_it(visit: Visit, model: MlpMixer) -> None:
    page = open_view(visit)
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


def test_arrow_keys_go_through_the_layers(visit: Visit) -> None:
    page = open_view(visit)
    picture = canvas(page, "strip", LAYER)
    picture.focus()
    for key, layer in [("ArrowRight", LAYER + 1), ("ArrowRight", LAYER + 2), ("ArrowLeft", LAYER + 1)]:
        picture.press(key)
        expect_field(page, "layer", layer)


def test_clicking_a_patch_shows_its_vectors_and_keeps_the_layer(visit: Visit, model: MlpMixer) -> None:
    page = open_view(visit)
    vectors, side = canvas(page, "vectors"), model.config.grid_size
    for index, token in [(0, 0), (1, side + 2)]:
        before = picture_of(vectors)
        click_patch(canvas(page, "large", index), token, side)
        expect_token(page, token)
        wait_for_another(page, vectors, before)
        title = keyed(page, "vectors").locator(".head b")
        expect(title).to_have_text(f"Patch {token} at every layer", timeout=TIMEOUT)
        expect_field(page, "layer", LAYER)


def test_clicking_a_row_of_the_vectors_selects_the_layer(visit: Visit, model: MlpMixer) -> None:
    page = open_view(visit)
    stages = 1 + 2 * model.config.num_blocks
    large = canvas(page, "large", 1)
    before = picture_of(large)
    click(canvas(page, "vectors"), 0.3, 6.5 / stages)
    expect_field(page, "layer", 6)
    wait_for_another(page, large, before)


def test_the_quantity_and_its_scale_change_the_strip(visit: Visit) -> None:
    page = open_view(visit)
    strip = canvas(page, "strip", 1)
    seen = [picture_of(strip)]
    for name in ("Likeness", "Channel", "Class"):
        keyed(page, "quantity").get_by_role("radio", name=name, exact=True).click()
        expect(page).to_have_url(re.compile(f"quantity={name}"), timeout=TIMEOUT)
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


def test_layers_play_in_the_browser(visit: Visit, model: MlpMixer) -> None:
    page = open_view(visit)
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


def test_clicking_a_channel_follows_it(visit: Visit, model: MlpMixer) -> None:
    page = open_view(visit, "Channels", f"{ADDRESS}&channel={CHANNEL}&channels=Number")
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


def test_patch_and_layer_of_the_answer_at_depth(visit: Visit, model: MlpMixer) -> None:
    page = open_view(visit, "Prediction")
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


def test_a_row_of_the_similarities_selects_its_patch_for_the_other_views(visit: Visit, model: MlpMixer) -> None:
    page = open_view(visit, "Residual stream")
    tokens = model.config.num_patches
    click(canvas(page, "similarity"), 0.5, 20.5 / tokens)
    idle(page)
    page.wait_for_timeout(500)
    go_to(page, "Layers")
    expect_token(page, 20)


def test_clicking_a_unit_shows_it_in_the_formula(visit: Visit, model: MlpMixer) -> None:
    page = open_view(visit, "Formula", f"{ADDRESS}&block=3&channel={CHANNEL}&unit=4")
    units = model.config.tokens_mlp_dim
    expect_field(page, "unit", 4)
    weights = canvas(page, "formula-first", 1)
    for index, unit in enumerate((units // 3, units - 2)):
        before = picture_of(weights)
        click(canvas(page, "formula-second", index), (unit + 0.5) / units, 0.5)
        expect_field(page, "unit", unit)
        wait_for_another(page, weights, before)
        expect(page.get_by_text(f"2. Row {unit} of")).to_be_visible(timeout=TIMEOUT)
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


def test_going_through_the_views_keeps_layer_and_token(visit: Visit) -> None:
    page = open_view(visit)
    for view in ("Channels", "Residual stream", "Prediction", "Layers", "Shuffled patches", "Prediction", "Layers"):
        go_to(page, view)
        if view != "Shuffled patches":
            expect_field(page, "layer", LAYER)
        if view in ("Prediction", "Layers"):
            expect_token(page, TOKEN)
        expect(page).to_have_url(re.compile("view=" if view != "Layers" else "^(?!.*view=)"), timeout=TIMEOUT)


def test_what_was_clicked_is_kept_from_view_to_view(visit: Visit, model: MlpMixer) -> None:
    """Not only what the link brought along."""
    page = open_view(visit)
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
    expect(mine).to_have_url(re.compile("channels=Length"), timeout=TIMEOUT)
    idle(mine)
    theirs = visit("/activations" + mine.url.split("/activations")[1])
    for page in (theirs, theirs):
        wait_for_view(page, "Channels")
        expect_field(page, "layer", LAYER)
        expect_field(page, "channel", CHANNEL)
        assert picture_of(canvas(page, "channel-atlas")) == picture_of(canvas(mine, "channel-atlas"))
        page.reload()


def test_table_and_arrays_can_be_downloaded_and_read_back(visit: Visit, model: MlpMixer, traced: Trace) -> None:
    page = open_view(visit)
    file = download(page, "activations-csv")
    assert file.suggested_filename == "activations.csv"
    with open(file.path(), newline="", encoding="utf-8") as table:
        rows = list(csv.DictReader(table))
    top = int(traced.logits[0].argmax())
    stages = stages_of(model.config)
    assert [(int(row["layer"]), row["name"]) for row in rows] == [(stage.index, stage.name) for stage in stages]
    stream, drift = residual.residual_stream(traced), similarity.token_drift(traced)
    depth = depth_prediction.predict_at_depth(model, traced)
    parts = logit_parts.logit_parts(model, traced, top)
    wanted = {
        "mean_token_length": activations.token_norms(traced).mean(axis=(1, 2)),
        "branch_ratio": stream.ratio,
        "branch_cosine": stream.cosine,
        "mean_token_similarity": drift.mean_similarity,
        f"probability_of_class_{top}": depth.probabilities[:, top],
        f"part_of_logit_{top}": parts.parts,
    }
    assert set(rows[0]) == {"layer", "name", *wanted}
    for name, values in wanted.items():
        np.testing.assert_allclose([float(row[name]) for row in rows], values, rtol=1e-3, atol=1e-4, err_msg=name)
    with np.load(download(page, "activations-npz").path(), allow_pickle=False) as arrays:
        np.testing.assert_allclose(arrays["tokens"], activations.tokens_by_stage(traced), rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(arrays["cka"], similarity.cka_between_stages(traced), atol=1e-3)
        np.testing.assert_allclose(arrays["logits_by_layer"], depth.logits, atol=1e-3)
        assert int(arrays["target"]) == top
        logit = float(traced.logits[0, top])
        assert arrays["patch_logits"][-1].mean() == pytest.approx(logit, abs=1e-3)
        total = arrays["patch_parts"].mean(axis=1).sum() + float(arrays["logit_constant"])
        assert total == pytest.approx(logit, abs=1e-3)


def test_figure_can_be_downloaded(visit: Visit) -> None:
    page = open_view(visit, "Residual stream")
    with Image.open(download(page, "activations-png").path()) as figure:
        assert figure.format == "PNG"
        assert figure.width > 2000
        assert len(set(figure.convert("RGB").resize((200, 200)).get_flattened_data())) > 100
    assert Path(download(page, "activations-svg").path()).read_bytes()[:5] == b"<?xml"
    assert Path(download(page, "activations-pdf").path()).read_bytes()[:5] == b"%PDF-"


@pytest.mark.parametrize("view", PANELS)
def test_phone_reads_as_one_column(visit: Visit, view: str) -> None:
    page = open_view(visit, viewport={"width": 390, "height": 844})
    if view != "Layers":
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
