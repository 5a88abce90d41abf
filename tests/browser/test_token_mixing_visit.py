"""A visitor of the token-mixing page with a real browser: atlas, link, hover, player, downloads, a narrow screen."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

pytest.importorskip("playwright", exc_type=ImportError)

from PIL import Image
from playwright.sync_api import expect
from safetensors.torch import save_file
from timm.models.mlp_mixer import Affine, ResBlock
from timm.models.mlp_mixer import MlpMixer as TimmMixer

import mixer_viz as mv
from mixer_viz.analysis.token_mixing import MixingWeights, Units, block_weights, unit_order, units_of
from mixer_viz.checkpoints import available_models
from mixer_viz.figures.theme import ACCENT
from mixer_viz.figures.token_mixing import ATLAS_WIDTH, atlas_columns
from tests.browser.looking import TIMEOUT, canvas, download, expect_token, idle, keyed, num_colours, pixel, upload
from tests.browser.serving import serving
from tests.browser.test_screens import WIDER_THAN_THE_SCREEN
from tests.browser.test_visit import WATCH_DIALOGS

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.browser

Visit = Callable[..., "Page"]
BUNDLED = next(info.name for info in available_models() if info.on_disk)
BLOCK = 2  # counted from 0: the third
UNIT = 17
ADDRESS = f"/token_mixing?block={BLOCK + 1}&unit={UNIT}"


@pytest.fixture(scope="module")
def weights() -> MixingWeights:
    return block_weights(mv.load_model(BUNDLED, "cpu"), BLOCK)


@pytest.fixture(scope="module")
def order(weights: MixingWeights) -> list[int]:
    """The units in the atlas, in reading order."""
    return unit_order(units_of(weights), "pairs").tolist()


def open_atlas(visit: Visit, address: str = ADDRESS, **options: object) -> Page:
    page = visit(address, **options)
    canvas(page, "atlas").wait_for()
    idle(page)
    return page


def expect_unit(page: Page, unit: int) -> None:
    """Number field, address and the map below agree on the selected unit."""
    expect(keyed(page, "unit").locator("input")).to_have_value(str(unit), timeout=TIMEOUT)
    expect(page).to_have_url(re.compile(rf"[?&]unit={unit}(&|$)"), timeout=TIMEOUT)
    expect(keyed(page, "unit-maps").locator(".head b").first).to_have_text(
        re.compile(rf"^Unit {unit} "), timeout=TIMEOUT
    )


def place_of(unit: int, order: list[int]) -> tuple[int, int, int, int]:
    """Row and column of a unit in the atlas, and how many there are."""
    columns = atlas_columns(len(order), ATLAS_WIDTH)
    return *divmod(order.index(unit), columns), -(-len(order) // columns), columns


def marks(atlas: Locator, unit: int, order: list[int]) -> bool:
    """Whether all four sides of the unit's tile have the accent colour."""
    row, column, rows, columns = place_of(unit, order)
    wanted = [int(ACCENT[at : at + 2], 16) for at in (1, 3, 5)]
    sides = [(column, row + 0.5), (column + 1, row + 0.5), (column + 0.5, row), (column + 0.5, row + 1)]
    found = [pixel(atlas, min(x / columns, 0.9999), min(y / rows, 0.9999)) for x, y in sides]
    return all(max(np.abs(np.subtract(colour, wanted))) < 30 for colour in found)


def point(atlas: Locator, unit: int, order: list[int], across: float = 0.5, down: float = 0.5) -> dict[str, float]:
    """A place in the unit's tile, as CSS pixels of the picture."""
    row, column, rows, columns = place_of(unit, order)
    box = atlas.bounding_box()
    return {"x": box["width"] * (column + across) / columns, "y": box["height"] * (row + down) / rows}


def picture_of(locator: Locator) -> str:
    return str(locator.evaluate("canvas => canvas.toDataURL()"))


def wait_for_another(page: Page, locator: Locator, before: str) -> None:
    page.wait_for_function(
        "([canvas, before]) => canvas.toDataURL() !== before", arg=[locator.element_handle(), before]
    )


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


def test_arrow_keys_follow_the_order_of_the_atlas(visit: Visit, order: list[int]) -> None:
    page = open_atlas(visit)
    atlas = canvas(page, "atlas")
    columns = atlas_columns(len(order), ATLAS_WIDTH)
    atlas.click(position=point(atlas, order[1], order))
    expect_unit(page, order[1])
    for key, place in [("ArrowRight", 2), ("ArrowDown", 2 + columns), ("ArrowLeft", 1 + columns), ("ArrowUp", 1)]:
        atlas.press(key)
        expect_unit(page, order[place])


def test_hovering_over_a_tile_reads_unit_patch_and_weight(
    visit: Visit, weights: MixingWeights, order: list[int]
) -> None:
    page = open_atlas(visit)
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


def test_the_order_changes_the_places_and_keeps_the_unit(visit: Visit, weights: MixingWeights) -> None:
    page = open_atlas(visit)
    atlas = canvas(page, "atlas")
    old = picture_of(atlas)
    keyed(page, "order").get_by_role("radio", name="Frequency").click()
    expect(page).to_have_url(re.compile("order=Frequency"), timeout=TIMEOUT)
    wait_for_another(page, atlas, old)
    idle(page)
    expect_unit(page, UNIT)
    assert marks(atlas, UNIT, unit_order(units_of(weights), "frequency").tolist())


def test_blocks_play_in_the_browser(visit: Visit) -> None:
    page = open_atlas(visit, f"{ADDRESS}&token=9")
    blocks = mv.load_model(BUNDLED, "cpu").config.num_blocks
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


def test_clicking_a_patch_selects_it_and_leaves_the_unit(visit: Visit, weights: MixingWeights) -> None:
    page = open_atlas(visit, f"{ADDRESS}&token=9")
    expect_token(page, 9)
    crop, reads = canvas(page, "talk", 0), canvas(page, "talk", 1)
    old = picture_of(reads)
    box = crop.bounding_box()
    side = weights.grid[0]
    crop.click(position={"x": box["width"] * 2.5 / side, "y": box["height"] * 1.5 / side})
    expect_token(page, side + 2)
    wait_for_another(page, reads, old)
    expect_unit(page, UNIT)


def test_unit_table_can_be_downloaded_and_read_back(visit: Visit) -> None:
    page = open_atlas(visit)
    file = download(page, "token-mixing-csv")
    assert file.suggested_filename == "token-mixing.csv"
    with open(file.path(), newline="", encoding="utf-8") as table:
        rows = list(csv.DictReader(table))
    model = mv.load_model(BUNDLED, "cpu")
    assert len(rows) == model.config.num_blocks * model.config.tokens_mlp_dim
    for block in (0, BLOCK):
        units = units_of(block_weights(model, block))
        mine = [row for row in rows if row["block"] == str(block + 1)]
        assert [int(row["unit"]) for row in mine] == list(range(model.config.tokens_mlp_dim))
        for name in Units.__dataclass_fields__:
            np.testing.assert_allclose([float(row[name]) for row in mine], getattr(units, name), rtol=1e-9, atol=1e-12)


def test_atlas_and_weights_can_be_downloaded(visit: Visit, weights: MixingWeights) -> None:
    page = open_atlas(visit)
    with Image.open(download(page, "token-mixing-png").path()) as figure:
        assert figure.format == "PNG"
        assert figure.width == 2100  # 7 inches at 300 dpi
        assert len(set(figure.convert("RGB").resize((200, 200)).get_flattened_data())) > 100
    with np.load(download(page, "token-mixing-npz").path(), allow_pickle=False) as arrays:
        assert np.array_equal(arrays["w1"][BLOCK], weights.w1)
        assert np.array_equal(arrays["w2"][BLOCK], weights.w2)
    assert Path(download(page, "token-mixing-svg").path()).read_bytes()[:5] == b"<?xml"
    assert Path(download(page, "token-mixing-pdf").path()).read_bytes()[:5] == b"%PDF-"


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


def test_a_resmlp_file_is_painted(visit: Visit, tmp_path: Path) -> None:
    torch.manual_seed(0)
    sizes = {"num_classes": 3, "img_size": 8, "patch_size": 2, "num_blocks": 3, "embed_dim": 6, "mlp_ratio": 2}
    network = TimmMixer(block_layer=ResBlock, norm_layer=Affine, **sizes)
    save_file(network.state_dict(), tmp_path / "resmlp.safetensors")
    page = open_atlas(visit)
    page.get_by_text("The mixing matrices of a ResMLP or gMLP file").click()
    upload(page, "mixing_file", tmp_path / "resmlp.safetensors")
    rows = canvas(page, "file-rows")
    rows.wait_for()
    idle(page)
    assert num_colours(rows) > 5
    assert num_colours(canvas(page, "file-convolution")) > 5
    expect_unit(page, UNIT)
