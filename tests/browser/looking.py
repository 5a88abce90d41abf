"""What a visitor sees and does, hung on the keys of the widgets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from tests.browser.serving import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Locator, Page

TIMEOUT = 60_000
LOOK = 50  # ms between two looks at the page: at every frame, it would have to draw them all
NUM_PAGES = len(list((ROOT / "pages").glob("*.py")))
IDLE = """() => {
  const app = document.querySelector('[data-testid=stApp]');
  return app.dataset.testConnectionState === 'CONNECTED' && app.dataset.testScriptState === 'notRunning'
    && !document.querySelector('[data-testid=stSkeleton], [data-stale=true]');
}"""
PIXEL = """(canvas, [x, y]) => Array.from(
  canvas.getContext('2d').getImageData(Math.floor(x * canvas.width), Math.floor(y * canvas.height), 1, 1).data)"""
NUM_COLOURS = """canvas => new Set(new Uint32Array(
  canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size"""


def keyed(page: Page, key: str) -> Locator:
    return page.locator(f".st-key-{key}")


def canvas(page: Page, panel: str, index: int = 0) -> Locator:
    """One picture of a panel; the locator looks into the component's shadow root."""
    return keyed(page, panel).locator("canvas").nth(index)


def token_field(page: Page) -> Locator:
    return keyed(page, "token").locator("input")


def expect_token(page: Page, token: int) -> None:
    """Number field and address agree on the selected patch; the one to begin with is not in the address."""
    expect(token_field(page)).to_have_value(str(token), timeout=TIMEOUT)
    expect(page).to_have_url(re.compile(rf"[?&]token={token}(&|$)|^(?!.*[?&]token=)"), timeout=TIMEOUT)


def go(page: Page, index: int) -> None:
    """Follow the sidebar's link to the page of that number."""
    page.get_by_test_id("stSidebarNavLink").nth(index).click()
    keyed(page, ("front", "patch-panel")[index]).locator("canvas").first.wait_for()
    idle(page)


def idle(page: Page) -> None:
    """Wait until no run is under way."""
    page.wait_for_function(IDLE, polling=LOOK)


def settled(page: Page) -> None:
    """`idle`, and still so a moment later: a run may follow another, and Streamlit loses what is done as one begins."""
    for _ in range(2):
        idle(page)
        page.wait_for_timeout(250)
    idle(page)


def upload(page: Page, key: str, path: Path) -> None:
    field = keyed(page, key).locator("input[type=file]")
    expect(field).to_have_count(1, timeout=TIMEOUT)  # while the part around it opens, the former one is still there
    field.set_input_files(path)


def pixel(locator: Locator, x: float, y: float) -> list[int]:
    """Red, green, blue at a place of the canvas, given as shares of its width and height."""
    values: list[int] = locator.evaluate(PIXEL, [x, y])
    return values[:3]


def num_colours(locator: Locator) -> int:
    """1 for an empty canvas."""
    count: int = locator.evaluate(NUM_COLOURS)
    return count


def picture_of(locator: Locator) -> str:
    return str(locator.evaluate("canvas => canvas.toDataURL()"))


def wait_for_another(page: Page, locator: Locator, before: str) -> None:
    page.wait_for_function(
        "([canvas, before]) => canvas.toDataURL() !== before", arg=[locator.element_handle(), before]
    )


def choose(page: Page, key: str, option: str) -> None:
    """Type an option of a selectbox and take it."""
    box = keyed(page, key).get_by_role("combobox")
    box.fill(option)
    page.get_by_role("option", name=option, exact=True).click()


def chosen(page: Page, key: str) -> str:
    """The text of a selectbox, or of the pressed button of a segmented control."""
    home = keyed(page, key)
    pressed = home.locator("button[aria-checked=true], button[kind$=Active]")
    if pressed.count():
        return str(pressed.first.inner_text())
    return str(home.locator("input").first.input_value() or home.inner_text())


def download(page: Page, key: str) -> Any:
    """The file behind a download button."""
    button = keyed(page, key).locator("button")
    if not button.is_visible():
        page.get_by_test_id("stPopover").locator("button", has_text="Download").click()
    with page.expect_download(timeout=TIMEOUT) as caught:
        button.click()
    return caught.value
