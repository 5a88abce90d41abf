"""A teacher makes a link that pupils open, and downloads a report that needs no network."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright", exc_type=ImportError)

from playwright.sync_api import TimeoutError as PlaywrightTimeoutError
from playwright.sync_api import expect

from mixer_viz.lessons import lessons
from tests.browser.looking import TIMEOUT, canvas, expect_token, idle, keyed, settled, token_field

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Locator, Page

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 844}
Visit = Callable[..., "Page"]


def open_tool(page: Page, name: str) -> None:
    keyed(page, "teach_tools").get_by_role("button", name=name).click()


def choose_hidden(page: Page, *titles: str) -> None:
    box = keyed(page, "teach_hide").get_by_role("combobox")
    for title in titles:
        box.fill(title)
        page.get_by_role("option", name=title, exact=True).click()
        settled(page)
    page.keyboard.press("Escape")


@pytest.fixture(scope="module")
def link(long_visit: Visit) -> str:
    """What a teacher makes for the pupils of all screens."""
    page = long_visit("/?token=40")
    idle(page)
    open_tool(page, "Teach")
    keyed(page, "teach_task").locator("textarea").fill("Which <b>patch</b> is the nose?")
    keyed(page, "teach_task").locator("textarea").press("Control+Enter")
    idle(page)
    keyed(page, "teach_way").get_by_text("Only what I choose").click()
    idle(page)
    choose_hidden(page, "One block, slowly", "Model and picture (the sidebar)", "The other pages")
    field = keyed(page, "teach_link").locator("input")
    expect(field).to_have_value(re.compile(r"t_hide=one-block-slowly%2Cpages%2Csidebar"), timeout=TIMEOUT)
    expect(field).to_have_value(re.compile(r"token=40"))
    made = field.input_value()
    assert len(made) < 400
    return made


@pytest.mark.parametrize("viewport", [None, PHONE], ids=["wide", "phone"])
def test_a_teacher_makes_a_link_and_pupils_open_it(visit: Visit, link: str, viewport: dict[str, int] | None) -> None:
    pupil = visit("/?" + link.partition("?")[2], **({"viewport": viewport} if viewport else {}))
    idle(pupil)
    line = keyed(pupil, "teach_line")
    expect(line).to_contain_text("A teacher's link: Which <b>patch</b> is the nose?")
    expect(pupil.get_by_test_id("stSidebarNavLink")).to_have_count(0)
    expect(keyed(pupil, "model")).to_have_count(0)
    expect(pupil.get_by_role("heading", name="One block, slowly")).to_have_count(0)
    expect(pupil.get_by_role("heading", name="One vector, then the classes")).to_have_count(1)
    expect(token_field(pupil)).to_be_disabled()
    expect_token(pupil, 40)
    canvas(pupil, "front", 1).click()  # marks nothing
    idle(pupil)
    expect_token(pupil, 40)
    assert pupil.evaluate("document.documentElement.scrollWidth <= innerWidth")

    pupil.reload()
    pupil.locator("canvas").first.wait_for()
    idle(pupil)
    expect(line).to_be_visible()
    keyed(pupil, "teach_leave").locator("button").click()
    idle(pupil)
    expect(line).to_have_count(0)
    expect(pupil).not_to_have_url(re.compile("t_(hide|task|free)"))
    expect(token_field(pupil)).to_have_count(1)  # the locked one may stay for a moment
    expect(token_field(pupil)).to_be_enabled()
    expect(pupil.get_by_role("heading", name="One block, slowly")).to_have_count(1)


def test_the_link_follows_clicks_and_is_copied(visit: Visit, chromium: BrowserContext) -> None:
    chromium.grant_permissions(["clipboard-read", "clipboard-write"])
    page = visit("/?token=40")
    settled(page)
    open_tool(page, "Teach")
    choose_hidden(page, "Downloads and reports")
    page.keyboard.press("Escape")
    keyed(page, "token").locator("input").fill("41")
    keyed(page, "token").locator("input").press("Enter")
    expect_token(page, 41)
    settled(page)
    open_tool(page, "Teach")
    keyed(page, "teach_link").locator("button").click()
    expect(keyed(page, "teach_link").locator("span")).to_have_text("Copied.")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "token=41" in copied
    assert "t_hide=downloads" in copied


def downloaded_report(page: Page, folder: Path) -> Path:
    settled(page)
    open_tool(page, "Report")
    keyed(page, "teach_make").locator("button").click()
    keyed(page, "teach_report").wait_for(timeout=TIMEOUT)
    idle(page)
    with page.expect_download(timeout=TIMEOUT) as caught:
        keyed(page, "teach_report").locator("button").click()
    path = folder / caught.value.suggested_filename
    caught.value.save_as(path)
    return path


def hovered(page: Page, picture: Locator, x: float, y: float) -> str:
    """What is read at a place of a picture, in shares of its width and height."""
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
    return picture.locator("xpath=ancestor::div[@class='panel']").locator(".readout").inner_text()


@pytest.fixture(scope="module")
def report_of_patches(long_visit: Visit, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return downloaded_report(long_visit("/patches?token=40"), tmp_path_factory.mktemp("report"))


@pytest.mark.parametrize("viewport", [{"width": 1200, "height": 900}, PHONE], ids=["wide", "phone"])
def test_a_report_works_without_a_network(
    chromium: BrowserContext, report_of_patches: Path, viewport: dict[str, int]
) -> None:
    path = report_of_patches
    assert path.name == "patch-tokenization.html"
    assert path.stat().st_size < 4_000_000
    report = chromium.new_page()
    requests: list[str] = []
    faults: list[str] = []
    report.on("request", lambda request: requests.append(request.url))
    report.on("console", lambda message: faults.append(message.text))
    report.on("pageerror", lambda error: faults.append(str(error)))
    chromium.set_offline(True)
    try:
        report.set_viewport_size(viewport)  # type: ignore[arg-type]
        report.goto(path.as_uri())
        report.locator("body[data-charts=drawn]").wait_for(timeout=TIMEOUT)
        tokens = report.locator("figure.grid", has_text="All tokens").locator(".picture")
        assert re.match(r"token 0, channel 0: token value (≈ )?[−0-9.]+", hovered(report, tokens, 0.001, 0.001))
        assert hovered(report, tokens, 0.5, 0.5) != hovered(report, tokens, 0.001, 0.001)
        bar = report.locator(".plot .points .point, .plot .scatterlayer .points path").first
        bar.scroll_into_view_if_needed()
        box = bar.bounding_box()
        assert box is not None
        report.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        expect(report.locator(".plot .hoverlayer .hovertext").first).to_be_visible(timeout=TIMEOUT)
        assert report.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert report.evaluate("[...document.images].every((image) => image.hidden || image.naturalWidth > 0)")
        assert [url for url in requests if not url.startswith(("file:", "data:", "blob:"))] == []
        assert faults == []
    finally:
        chromium.set_offline(False)
        report.close()


def test_a_report_prints_on_a4(visit: Visit, chromium: BrowserContext, tmp_path: Path) -> None:
    path = downloaded_report(visit("/?token=40", color_scheme="dark"), tmp_path)
    report = chromium.new_page()
    report.goto(path.as_uri())
    report.locator("body[data-charts=drawn]").wait_for(timeout=TIMEOUT)
    printed = report.pdf(prefer_css_page_size=True)
    report.emulate_media(media="print", color_scheme="dark")
    assert report.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert report.locator(".numbers:visible").count() == 0
    report.close()
    pages = len(re.findall(rb"/Type\s*/Page\b", printed))
    assert 2 <= pages <= 8
    sizes = {tuple(map(float, each)) for each in re.findall(rb"/MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]", printed)}
    assert {(round(width), round(height)) for width, height in sizes} == {(595, 842)}


def test_a_lesson_is_handed_out_and_needs_no_network(visit: Visit, chromium: BrowserContext, tmp_path: Path) -> None:
    visit("/")
    page = chromium.pages[-1]
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Lessons").click()
    settled(page)
    page.locator("summary").filter(has_text=lessons()[0].title).click()
    button = page.get_by_role("button", name="Make a hand-out of this lesson").first
    download = page.get_by_role("button", name="Download the hand-out")
    said = page.get_by_test_id("stProgress").or_(page.get_by_test_id("stAlert")).or_(download).first
    for _ in range(3):  # as people do when nothing happens: Streamlit may lose a click on a busy computer
        settled(page)
        button.click()
        with contextlib.suppress(PlaywrightTimeoutError):
            said.wait_for(timeout=15_000)
            break
    try:
        download.wait_for(timeout=3 * TIMEOUT)  # as many pages as the lesson has steps
    except PlaywrightTimeoutError:
        pytest.fail(f"no hand-out; the page says: {page.get_by_test_id('stMain').inner_text()[-1500:]}")
    idle(page)
    with page.expect_download(timeout=TIMEOUT) as caught:
        download.click()
    path = tmp_path / caught.value.suggested_filename
    caught.value.save_as(path)
    paper = chromium.new_page()
    faults: list[str] = []
    paper.on("console", lambda message: faults.append(message.text))
    paper.on("pageerror", lambda error: faults.append(str(error)))
    chromium.set_offline(True)
    try:
        paper.goto(path.as_uri())
        first = paper.locator(".picture").first
        first.wait_for()
        assert hovered(paper, first, 0.5, 0.5)
        assert paper.evaluate("[...document.images].every((image) => image.hidden || image.naturalWidth > 0)")
        expect(paper.get_by_role("heading", name="Answers")).to_be_visible()
        assert faults == []
    finally:
        chromium.set_offline(False)
        paper.close()


def test_inside_of_another_page_a_link_leads_as_well(visit: Visit) -> None:
    page = visit("/?embed=true&t_hide=one-block-slowly&t_task=Look")
    idle(page)
    expect(keyed(page, "teach_line")).to_contain_text("A teacher's link: Look")
    expect(page.get_by_role("heading", name="One block, slowly")).to_have_count(0)
    expect(keyed(page, "teach_tools").locator("button").first).to_be_hidden()
