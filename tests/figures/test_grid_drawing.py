"""What the panel's script makes of grids, in a real Chromium and without a server: picks, marks, lines, words."""

from __future__ import annotations

import gettext
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import mixer_viz.ui
from mixer_viz.figures.grid import MAX_FLOAT_CELLS, Grid
from mixer_viz.figures.theme import SCALES
from mixer_viz.language import messages
from tests.browser import conftest

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

pytestmark = pytest.mark.browser

profile = conftest.profile
FRONTEND = Path(mixer_viz.ui.__file__).parent / "frontend"
HOME = """<style>{css}</style><div id="home">
<div class="player" hidden><button></button><input type="range"><output></output></div>
<div class="panel" style="--st-primary-color: #c2410c"></div><p class="readout"></p></div>"""
ACCENT = [0xC2, 0x41, 0x0C]
LINES_ACROSS = """canvas => {
  const { data } = canvas.getContext('2d').getImageData(0, 1, canvas.width, 1);
  return Array.from({ length: canvas.width }, (_, x) => x).filter((x) => data[4 * x + 3] > 0);
}"""
PIXEL = """(canvas, [x, y]) => Array.from(canvas.getContext('2d').getImageData(
  Math.min(canvas.width - 1, Math.round(x * canvas.width)),
  Math.min(canvas.height - 1, Math.round(y * canvas.height)), 1, 1).data)"""
VALUES = np.linspace(-1.0, 1.0, 54).reshape(6, 9)

Show = Callable[..., "Page"]


@pytest.fixture(scope="module")
def chromium(profile: Path) -> Iterator[BrowserContext]:
    with conftest.chromium_running(profile) as (_, context):
        yield context


@pytest.fixture
def show(chromium: BrowserContext) -> Iterator[Show]:
    """`show(grid, selected=3)` is a page with the grid in a panel; its picks are in `window.picked`."""
    page = chromium.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    scripts = ((FRONTEND / name).read_text(encoding="utf-8") for name in ("grid_drawing.js", "grid_panel.js"))
    script = "".join(scripts).replace("export default function", "window.mount = function")

    def mounted(grid: Grid, selected: int = 0) -> Page:
        page.set_content(HOME.format(css=(FRONTEND / "grid_panel.css").read_text(encoding="utf-8")))
        page.add_script_tag(content=script, type="module")
        data: dict[str, Any] = {"grids": [grid.payload()], "stacks": [1], "selected": selected, "hint": "hint"}
        data |= {"marks": "token", "frames": [], "frame": 0}
        page.wait_for_function("Boolean(window.mount)")
        page.evaluate(
            """data => {
              window.picked = [];
              const setTriggerValue = (_, id) => window.picked.push(id);
              window.mount({ data, parentElement: document.getElementById('home'), setTriggerValue });
            }""",
            data,
        )
        return page

    yield mounted
    page.close()
    assert errors == []


def grid_of(values: np.ndarray | None = VALUES, **settings: object) -> Grid:
    rows, columns = (6, 9) if values is None else values.shape
    given = {"scale": SCALES["attribution"], "width": 270, "description": ""} | settings
    return Grid(title="made", rows=rows, columns=columns, values=values, **given)  # type: ignore[arg-type]


def point_at(page: Page, row: float, column: float, *, click: bool = False, size: tuple[int, int] = (6, 9)) -> str:
    """Move to the middle of a cell; what the line below the panel then says."""
    box = page.locator("canvas").bounding_box()
    assert box is not None
    x, y = box["x"] + (column + 0.5) / size[1] * box["width"], box["y"] + (row + 0.5) / size[0] * box["height"]
    (page.mouse.click if click else page.mouse.move)(x, y)
    return page.locator(".readout").inner_text()


def is_marked(page: Page, left: float, top: float, right: float, bottom: float) -> bool:
    """Whether the four sides of a box, in shares of the picture, have the accent colour."""
    middle = (left + right) / 2, (top + bottom) / 2
    sides = [(left, middle[1]), (right, middle[1]), (middle[0], top), (middle[0], bottom)]
    found = [page.locator("canvas").evaluate(PIXEL, list(side))[:3] for side in sides]
    return all(np.abs(np.subtract(colour, ACCENT)).max() < 30 for colour in found)


@pytest.mark.parametrize(("row", "column", "patch"), [(0, 0, 0), (2, 8, 2), (3, 2, 3), (4, 4, 4), (5, 6, 5)])
def test_click_on_a_pixel_picks_and_marks_its_patch(show: Show, row: int, column: int, patch: int) -> None:
    page = show(grid_of(pick_side=3), selected=1 if patch != 1 else 0)
    assert is_marked(page, 1 / 3, 0, 2 / 3, 1 / 2)
    point_at(page, row, column, click=True)
    assert page.evaluate("window.picked") == [patch]
    left, top = patch % 3 / 3, patch // 3 / 2
    assert is_marked(page, left, top, left + 1 / 3, top + 1 / 2)
    assert not is_marked(page, 1 / 3, 0, 2 / 3, 1 / 2)


def test_hover_reads_the_pixel_and_its_patch(show: Show) -> None:
    page = show(grid_of(pick_side=3))
    value = f"{VALUES[4, 7]:.3f}"
    assert point_at(page, 4, 7) == f"pixel (row 4, column 7) in patch 5: contribution {value} logits"
    assert page.evaluate("mixerVizSelection.token.hovered") == 5


def test_words_come_from_the_visitors_language(show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    class Turned(gettext.NullTranslations):
        """A language with another order of words."""

        def gettext(self, message: str) -> str:
            turned = {
                "{place}: {quantity} {value}": "{value} ({quantity}) @ {place}",
                "{cell} {number} (row {row}, column {column})": "{column}/{row} {cell}",
                "patch": "P",
                "{title}. {description}": "{description} <{title}>",
                "{name} Arrow keys select.": "Keys: {name}",
            }
            return turned.get(message, message)

    monkeypatch.setattr(messages, "catalogue", lambda language: Turned())
    page = show(grid_of(description="D"))
    assert point_at(page, 4, 7) == f"{VALUES[4, 7]:.3f} logits (contribution) @ 7/4 P"
    assert page.locator("canvas").get_attribute("aria-label") == "Keys: D <made>"


def test_arrow_keys_step_over_patches_and_stop_at_the_edge_of_the_picture(show: Show) -> None:
    page = show(grid_of(pick_side=3), selected=1)
    page.locator("canvas").focus()
    for key in ("ArrowUp", "ArrowDown", "ArrowRight", "ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp"):
        page.keyboard.press(key)
    assert page.evaluate("window.picked") == [4, 5, 4, 1]


@pytest.mark.parametrize("side", [1, 3])
def test_lines_lie_between_squares(show: Show, side: int) -> None:
    page = show(grid_of(None, pick_side=side, lines=True), selected=-1)
    canvas = page.locator("canvas")
    width = canvas.evaluate("canvas => canvas.width")
    borders = np.arange(1, 9 // side) * width * side / 9
    drawn = np.array(canvas.evaluate(LINES_ACROSS))
    assert {int(np.abs(borders - x).argmin()) for x in drawn} == set(range(len(borders)))
    assert max(np.abs(borders - x).min() for x in drawn) <= 2


@pytest.mark.parametrize(
    ("settings", "row", "column", "text", "picked", "down"),
    [
        ({}, 4, 7, "patch 43 (row 4, column 7): contribution 0.623 logits", 43, 52),
        ({"ids": np.arange(54)[::-1]}, 4, 7, "patch 43 (row 4, column 7): contribution 0.623 logits", 10, 1),
        ({"select": "row"}, 4, 7, "token 4, channel 7: contribution 0.623 logits", 4, 5),
        ({"select": "picture", "ids": np.array([2])}, 4, 7, "patch 43 (row 4, column 7): contribution", 2, 3),
        ({"select": "none"}, 4, 7, "patch 43 (row 4, column 7): contribution 0.623 logits", None, None),
    ],
    ids=["cell", "ids", "row", "picture", "none"],
)
def test_grids_without_squares_pick_as_ever(
    show: Show, settings: dict[str, Any], row: int, column: int, text: str, picked: int | None, down: int | None
) -> None:
    page = show(grid_of(**settings), selected=0)
    assert point_at(page, row, column).startswith(text)
    point_at(page, row, column, click=True)
    page.locator("canvas").focus()
    page.keyboard.press("ArrowDown")
    assert page.evaluate("window.picked") == ([] if picked is None else [picked, down])


@pytest.mark.parametrize(("select", "last"), [("cell", 53), ("row", 5)])
def test_arrow_keys_stop_at_the_last_cell_and_row(show: Show, select: str, last: int) -> None:
    page = show(grid_of(select=select), selected=last)
    page.locator("canvas").focus()
    page.keyboard.press("ArrowDown")
    assert page.evaluate("window.picked") == []


def ends(page: Page) -> list[str]:
    return page.locator(".scale span").all_inner_texts()


def test_scale_has_its_unit_and_open_ends_where_values_were_cut(show: Show) -> None:
    page = show(grid_of(limits=(-0.5, 0.5), open_ended=True))
    assert ends(page) == ["≤ −0.500", "≥ 0.500"]
    assert page.locator(".quantity").inner_text() == "contribution (logits)"
    assert point_at(page, 5, 8).endswith("contribution 1.00 logits")  # few values travel as they are
    page = show(grid_of(limits=(-0.5, 0.5)))
    assert ends(page) == ["−0.500", "0.500"]
    page = show(grid_of(scale=SCALES["attribution positive"], open_ended=True))
    assert ends(page) == ["≤ 0.00", "1.00"]
    page = show(grid_of(scale=SCALES["norm"], values=abs(VALUES), open_ended=True))
    assert ends(page) == ["0.00", "1.00"]
    assert page.locator(".quantity").inner_text() == "token length (L2 norm)"


def test_values_that_were_cut_on_the_way_are_said_to_be_so(show: Show) -> None:
    values = np.zeros((150, 150))
    assert values.size > MAX_FLOAT_CELLS
    values[10, 20], values[70, 100], values[140, 3] = 9.0, 0.25, -9.0
    page = show(grid_of(values, limits=(-0.5, 0.5), open_ended=True, pick_side=75, width=450))
    texts = [point_at(page, row, column, size=values.shape) for row, column in ((10, 20), (70, 100), (140, 3))]
    assert texts[0] == "pixel (row 10, column 20) in patch 0: contribution ≈ 0.500 logits or more"
    assert texts[1] == "pixel (row 70, column 100) in patch 1: contribution ≈ 0.249 logits"
    assert texts[2] == "pixel (row 140, column 3) in patch 2: contribution ≈ −0.500 logits or less"
    page = show(grid_of(values, scale=SCALES["attribution positive"], open_ended=True, width=450))
    texts = [point_at(page, row, column, size=values.shape) for row, column in ((10, 20), (140, 3))]
    assert [text.split("≈ ")[1] for text in texts] == ["9.00 logits", "0.00 logits or less"]
