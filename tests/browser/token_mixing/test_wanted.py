"""What a unit wants, and a survey opened, in a browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from mixer_viz.survey import cli
from tests.browser.looking import TIMEOUT, canvas, idle, keyed
from tests.survey.made_folders import write_pictures

if TYPE_CHECKING:
    from playwright.sync_api import Page

Visit = Callable[..., "Page"]


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("survey")
    data = write_pictures(folder / "data", 12, side=32, classes=("cat", "dog", "ship"))
    given = ["--data", str(data), "--out", str(folder / "out"), "--closer", "1", "--methods", "saliency"]
    assert cli.main([*given, "--device", "cpu"]) == 0
    return folder / "out"


def test_a_search_and_a_survey_are_shown_beside_the_unit(visit: Visit, survey: Path) -> None:
    page = visit("/token_mixing?block=1&unit=17")
    canvas(page, "preferred").wait_for()
    idle(page)
    keyed(page, "search").locator("button").click()
    expect(keyed(page, "maximised").locator(".head b").first).to_have_text("Found 1", timeout=4 * TIMEOUT)
    expect(keyed(page, "maximised").locator(".head b").last).to_have_text("Best real photo here")
    page.get_by_text("This unit on a whole folder of pictures").click()
    field = keyed(page, "survey_files").locator("input[type=file]")
    field.set_input_files([str(path) for path in sorted(survey.iterdir())])
    expect(page.get_by_text("Survey of 12 pictures by mixer", exact=False).first).to_be_visible(timeout=TIMEOUT)
    canvas(page, "survey-top").wait_for()
    canvas(page, "survey-quantiles").wait_for()
    page.get_by_role("link", name="Attributions").first.click()
    expect(page.get_by_text("How far to trust the maps, over the pictures of your survey")).to_be_visible(
        timeout=2 * TIMEOUT
    )


def test_a_survey_is_made_of_a_folder_that_the_visitor_brings(visit: Visit, tmp_path: Path) -> None:
    data = write_pictures(tmp_path / "data", 9, side=32, classes=("cat", "dog", "ship"))
    page = visit("/token_mixing?block=3&unit=17&survey_from=here")
    idle(page)
    page.get_by_text("This unit on a whole folder of pictures").click()
    keyed(page, "labelled_folder").locator("input[type=file]").set_input_files(str(data))
    button = keyed(page, "survey_here").locator("button")
    expect(button).to_contain_text("Survey its 9 pictures", timeout=TIMEOUT)
    button.click()
    expect(page.get_by_text("Survey of 9 pictures by mixer", exact=False).first).to_be_visible(timeout=4 * TIMEOUT)
    canvas(page, "survey-top").wait_for()
    canvas(page, "survey-quantiles").wait_for()
    expect(keyed(page, "survey-classes")).to_be_visible()
