"""What a visitor of the Attributions page sees and does."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from tests.browser.looking import IDLE

if TYPE_CHECKING:
    from playwright.sync_api import Page

Visit = Callable[..., "Page"]
Tab = Callable[..., "Page"]
WORK_TIMEOUT = 300_000  # ms, for all that is at work; a busy machine is slow
PATCH_LOGITS, ABLATION, GRADIENTS = "Logit of each patch", "Patch ablation", "Integrated gradients"
DONE = f"""(maps) => ({IDLE})() && !document.querySelector('[data-testid=stProgress]')
  && [...document.querySelectorAll('[class*=st-key-map-]')].length === 1 + maps"""
SAMPLED, KERNEL = "Shapley values, sampled", "Kernel SHAP"


def address(*methods: str, **query: str) -> str:
    """A link to the page with these methods."""
    fields = [("image", "Cat"), *query.items(), *(("methods", title) for title in methods)]
    return f"/attribution?{urlencode(fields)}"


def open_done(visit: Visit, *methods: str, query: dict[str, str] | None = None, **options: object) -> Page:
    """A new visitor of such a link, with everything worked out."""
    page = visit(address(*methods, **(query or {})), **options)
    finish(page, len(methods))
    return page


def finish(page: Page, maps: int) -> None:
    """Wait until so many maps are there and nothing is at work, also a moment later: one run may follow another."""
    steady = 0
    while steady < 2:
        page.wait_for_function(DONE, arg=maps, timeout=WORK_TIMEOUT, polling=500)
        page.wait_for_timeout(600)
        steady = steady + 1 if page.evaluate(f"({DONE})({maps})") else 0


def follow(page: Page, link: str) -> None:
    """Open a link in the same tab, as a new visitor; nothing is waited for."""
    page.goto(page.url.partition("/attribution")[0] + link)
