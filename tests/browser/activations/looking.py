"""What a visitor of the activations page sees and does."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.browser.looking import TIMEOUT, canvas, idle, keyed

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

Visit = Callable[..., "Page"]
Tab = Callable[..., "Page"]
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


def click(picture: Locator, across: float, down: float) -> None:
    """Click at a place of the picture, given as shares of its width and height."""
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    picture.click(position={"x": box["width"] * across, "y": box["height"] * down})


def click_patch(picture: Locator, token: int, side: int) -> None:
    row, column = divmod(token, side)
    click(picture, (column + 0.5) / side, (row + 0.5) / side)
