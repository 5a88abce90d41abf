"""What a visitor of the page "Token mixers compared" sees and does."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from mixer_viz.checkpoints.metaformer import load_metaformer
from mixer_viz.checkpoints.metaformer_runs import metaformer_runs
from mixer_viz.model import TOKEN_MIXERS, MetaFormer
from tests.browser.looking import IDLE, canvas, keyed

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

Visit = Callable[..., "Page"]
Tab = Callable[..., "Page"]
WORK_TIMEOUT = 180_000  # ms; a busy machine is slow
PHOTO, COSTS, SWAPPED, REORDERED = "On your photo", "Cost and accuracy", "Swapped at run time", "Pictures reordered"
WORDS = {  # of its last section
    PHOTO: "How far back into the picture it reaches",
    COSTS: "Cost as the number of patches grows",
    SWAPPED: "Accuracy on your labelled pictures",
    REORDERED: "What if pictures come in a fixed wrong order",
}


def address(part: str = PHOTO, **query: str) -> str:
    """A link to a part of the page."""
    return f"/compared?{urlencode([('image', 'Cat'), *([('part', part)] if part != PHOTO else []), *query.items()])}"


def open_part(visit: Visit, part: str = PHOTO, query: dict[str, str] | None = None, **options: object) -> Page:
    """A new visitor of such a link, with everything drawn; for parts that have a picture."""
    page = visit(address(part, **(query or {})), **options)
    wait_for_part(page, part)
    return page


def go_to(page: Page, part: str) -> None:
    """Press the button of another part."""
    keyed(page, "part").get_by_role("radio", name=part, exact=True).click()
    wait_for_part(page, part)


def wait_for_part(page: Page, part: str) -> None:
    page.get_by_text(WORDS[part]).first.wait_for(timeout=WORK_TIMEOUT)
    page.wait_for_function(IDLE, timeout=WORK_TIMEOUT, polling=500)


def alerts(page: Page) -> list[str]:
    """Sentences in red."""
    return page.locator("[data-testid=stAlertContentError]").all_inner_texts()


@functools.cache
def networks() -> dict[str, MetaFormer]:
    """The plain networks that come with the project, by token mixer in the order of the table."""
    runs = {run.token_mixer: run for run in metaformer_runs() if run.path is not None and run.permutation == "none"}
    return {name: load_metaformer(runs[name].path, "cpu") for name in TOKEN_MIXERS if name in runs}  # type: ignore[arg-type]


def listening_map(page: Page, place: int) -> Locator:
    return canvas(page, "compared-listening", place)
