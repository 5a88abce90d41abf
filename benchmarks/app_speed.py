"""The app in a real Chromium: cold start, warm pages, changes of the token, and the bytes that travel for them."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app_browser import ROOT, Traffic, chromium, serving, when_painted
from timing import alternate, ratios, summary

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

NAME = "app_speed"
COLD_ROUNDS = 3
WARM_ROUNDS = 10
CHANGES = 20
CHANGE_AT_MOST = 300  # ms
CHANGE_KB_AT_MOST = 400  # 1 kB = 1000 bytes
PAGES = {
    "overview": ("/", "front"),
    "patches": ("/patches", "patch-panel"),
    "token-mixing": ("/token_mixing", "atlas"),
    "activations": ("/activations", "strip"),
    "attribution": ("/attribution", "map-0"),
    "compared": ("/compared", "compared-listening"),
}
EMPTY_PAGE = 'import streamlit as st\n\nst.title("Empty")\n'

# The clock starts at the browser's own event and stops at the frame in which the picture differs.
WATCH = """() => {
  const start = () => { window.startedAt = performance.now(); };
  window.addEventListener('click', start, true);
  window.addEventListener('keydown', (event) => event.key === 'Enter' && start(), true);
}"""
REDRAWN = """async (canvas) => {
  const before = canvas.toDataURL();
  window.redrawn = (async () => {
    while (canvas.toDataURL() === before) await new Promise(requestAnimationFrame);
    return performance.now() - window.startedAt;
  })();
}"""


def measure() -> dict[str, Any]:
    """Seconds, milliseconds and kilobytes; raises RuntimeError where playwright or Chromium is missing."""
    with chromium() as browser, tempfile.TemporaryDirectory() as folder:
        empty = Path(folder, "empty.py")
        empty.write_text(EMPTY_PAGE, encoding="utf-8")
        results = cold_start(browser, empty)
        with serving(ROOT / "app.py") as app, serving(empty) as peer:
            results |= warm_loads(browser, app, peer)
            results |= loaded_bytes(browser, app, peer)
            results |= token_changes(browser, app)
            results |= layer_changes(browser, app)
    return results


def cold_start(browser: Browser, empty: Path) -> dict[str, Any]:
    """From the command to the first painted picture, beside a Streamlit page that shows one line of text."""

    def start(script: Path, key: str | None) -> None:
        with serving(script) as url:
            page = browser.new_context().new_page()
            show(page, url, key)
            page.context.close()

    rivals = {
        "app": functools.partial(start, ROOT / "app.py", "front"),
        "empty page": functools.partial(start, empty, None),
    }
    seconds = alternate(rivals, COLD_ROUNDS, warm_up=1)
    return {
        "cold start": summary(seconds["app"], "s"),
        "cold start, empty page": summary(seconds["empty page"], "s"),
        "cold start / empty page": summary(ratios(seconds["app"], seconds["empty page"]), "x"),
    }


def show(page: Page, url: str, key: str | None) -> None:
    """Open `url` and return when its first picture (or, without one, its title) is painted."""
    page.goto(url, wait_until="commit")
    if key is None:
        page.locator("h1").wait_for()
    else:
        # The last one: on one scale for all layers the first, the embedding, may be of a single colour.
        when_painted(page.locator(f".st-key-{key} canvas").last)


def warm_loads(browser: Browser, app: str, peer: str) -> dict[str, Any]:
    """A browser that was here before opens a page of a server that has shown it before."""
    page = browser.new_context().new_page()
    rivals = {name: functools.partial(show, page, app + path, key) for name, (path, key) in PAGES.items()}
    rivals["empty page"] = functools.partial(show, page, peer, None)
    seconds = alternate(rivals, WARM_ROUNDS)
    page.context.close()
    results = {f"warm load, {name}": summary([1e3 * s for s in values], "ms") for name, values in seconds.items()}
    for name in PAGES:
        results[f"warm load, {name} / empty page"] = summary(ratios(seconds[name], seconds["empty page"]), "x")
    return results


def loaded_bytes(browser: Browser, app: str, peer: str) -> dict[str, Any]:
    """What a first visit of each page brings to the browser; Streamlit's own files are counted apart."""
    results = {}
    for name, (url, key) in {
        **{name: (app + path, key) for name, (path, key) in PAGES.items()},
        "empty page": (peer, None),
    }.items():
        page = browser.new_context().new_page()
        traffic = Traffic(page)
        show(page, url, key)
        page.wait_for_load_state("networkidle")
        results[f"first visit, {name}"] = {"value": traffic.own / 1e3, "unit": "kB"}
        results[f"first visit, {name}, Streamlit's files"] = {"value": traffic.bundle / 1e3, "unit": "kB"}
        page.context.close()
    return results


def token_changes(browser: Browser, app: str) -> dict[str, Any]:
    """From Enter in the number field, and from a click on a patch, to the enlarged patch that the server sends."""
    page = browser.new_context(viewport={"width": 1400, "height": 900}).new_page()
    traffic = Traffic(page)
    show(page, f"{app}/patches?token=0", "patch-panel")
    page.wait_for_load_state("networkidle")
    page.evaluate(WATCH)
    pictures = page.locator(".st-key-patch-panel canvas")
    field = page.locator(".st-key-token input")
    milliseconds: dict[str, list[float]] = {"field": [], "click": []}
    kilobytes = []
    for index in range(-2, CHANGES):
        for way, token in (("field", (11 * index + 9) % 64), ("click", (11 * index + 30) % 64)):
            before = traffic.own
            pictures.nth(1).evaluate(REDRAWN)
            if way == "field":
                field.fill(str(token))
                field.press("Enter")
            else:
                click_cell(pictures.first, token, 8)
            elapsed = page.evaluate("window.redrawn")
            settle(traffic)
            if index >= 0:
                milliseconds[way].append(elapsed)
                kilobytes.append((traffic.own - before) / 1e3)
    page.context.close()
    return {
        "token by number field": summary(milliseconds["field"], "ms", CHANGE_AT_MOST),
        "token by click": summary(milliseconds["click"], "ms", CHANGE_AT_MOST),
        "bytes of one change": summary(kilobytes, "kB", CHANGE_KB_AT_MOST),
    }


def layer_changes(browser: Browser, app: str) -> dict[str, Any]:
    """From Enter in the field of the layer to the map of that layer, drawn large."""
    page = browser.new_context(viewport={"width": 1400, "height": 900}).new_page()
    traffic = Traffic(page)
    show(page, f"{app}/activations?own_scales=true", "large")
    page.wait_for_load_state("networkidle")
    page.evaluate(WATCH)
    enlarged = page.locator(".st-key-large canvas").nth(1)
    field = page.locator(".st-key-layer input")
    milliseconds, kilobytes = [], []
    for index in range(-2, CHANGES):
        before = traffic.own
        enlarged.evaluate(REDRAWN)
        field.fill(str((5 * index + 10) % 17))  # never the same twice running
        field.press("Enter")
        elapsed = page.evaluate("window.redrawn")
        settle(traffic)
        if index >= 0:
            milliseconds.append(elapsed)
            kilobytes.append((traffic.own - before) / 1e3)
    page.context.close()
    return {
        "layer by number field": summary(milliseconds, "ms"),
        "bytes of one change of the layer": summary(kilobytes, "kB", CHANGE_KB_AT_MOST),
    }


def click_cell(picture: Locator, cell: int, columns: int) -> None:
    box = picture.bounding_box()
    if box is None:
        raise RuntimeError("the picture to click on is not on the page")
    row, column = divmod(cell, columns)
    picture.click(position={"x": box["width"] * (column + 0.5) / columns, "y": box["height"] * (row + 0.5) / columns})


def settle(traffic: Traffic, quiet: float = 0.25) -> None:
    """Wait until nothing has come for a while, so that the next change starts on a resting page."""
    seen = -1
    while traffic.own != seen:
        seen = traffic.own
        traffic.wait(quiet)
