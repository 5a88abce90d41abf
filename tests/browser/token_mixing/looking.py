"""What a visitor of the page of the learned token-mixing weights sees and does."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from playwright.sync_api import expect

from mixer_viz.figures.theme import ACCENT
from mixer_viz.figures.token_mixing.maps import ATLAS_WIDTH, atlas_columns
from tests.browser.looking import TIMEOUT, canvas, idle, keyed, pixel

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

Visit = Callable[..., "Page"]
Tab = Callable[..., "Page"]
BLOCK = 2  # counted from 0: the third
UNIT = 17
ADDRESS = f"/token_mixing?block={BLOCK + 1}&unit={UNIT}"


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
