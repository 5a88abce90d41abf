"""A pupil with a real browser: one whole lesson, looking around, coming back, a phone; nothing serious for axe."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urlparse

import pytest

pytest.importorskip("playwright", exc_type=ImportError)

from playwright.sync_api import expect

from mixer_viz.language import speaking, tr
from mixer_viz.lessons import Lesson, Step, Task, find_lesson, lessons
from mixer_viz.texts.lessons import words
from tests.browser.looking import TIMEOUT, canvas, idle, keyed
from tests.browser.test_accessible import serious
from tests.browser.test_screens import WIDER_THAN_THE_SCREEN

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

Visit = Callable[..., "Page"]
FIRST = lessons()[0]
LIST = ".st-key-lesson_use_code"
IN_VIEW = """(element) => { const box = element.getBoundingClientRect();
  return box.bottom > 0 && box.top < window.innerHeight; }"""

# What stands in the panel above the buttons that stay in view there.
NOT_COVERED = """(element) => { const box = element.getBoundingClientRect();
  const buttons = document.querySelector('.st-key-lesson_steps').getBoundingClientRect();
  return box.top >= 0 && (box.bottom <= buttons.top || box.top >= buttons.bottom); }"""


def address(lesson: Lesson, place: int) -> str:
    step = lesson.steps[place]
    page = "" if step.state.page == "overview" else step.state.page
    return f"/{page}?" + urlencode({**dict(step.state.parameters), "lesson": lesson.name, "step": step.name})


def place_of(lesson: Lesson, step: str) -> int:
    return [each.name for each in lesson.steps].index(step)


def in_address(page: Page, name: str) -> str:
    return parse_qs(urlparse(page.url).query).get(name, [""])[0]


def expect_step(page: Page, lesson: Lesson, place: int) -> None:
    """The panel shows this step, beside its page."""
    step = lesson.steps[place]
    box = keyed(page, "lesson_panel")
    expect(box.get_by_text(words.step_of(place + 1, len(lesson.steps)))).to_be_visible(timeout=TIMEOUT)
    expect(box.get_by_text(step.title, exact=True)).to_be_visible(timeout=TIMEOUT)
    path = "" if step.state.page == "overview" else step.state.page
    expect(page).to_have_url(re.compile(rf"//[^/]+/{path}[?](.*&)?step={step.name}(&|$)"), timeout=TIMEOUT)
    mark = step.marks[0]
    thing = keyed(page, mark.key)
    framed = [thing.locator("figure").nth(picture - 1) for picture in mark.pictures] or [thing]
    for each in framed:
        expect(each).to_have_css("outline-style", "solid", timeout=TIMEOUT)
    if mark.pictures:
        frames = thing.locator("figure").evaluate_all("all => all.map((each) => getComputedStyle(each).outlineStyle)")
        assert frames.count("solid") == len(mark.pictures)


def go_on(page: Page, lesson: Lesson, kind: str = "first_next") -> None:
    keyed(page, f"lesson_go_{kind}_{lesson.name}").get_by_role("link").click()


def solve(page: Page, task: Task) -> None:
    """Answer as a pupil does who knows it."""
    box = keyed(page, "lesson_task")
    if task.kind == "choose":
        box.get_by_text(task.options[task.right].text, exact=True).click()
    elif task.kind == "number":
        box.locator("input").fill(f"{task.value:g}")
    else:
        token = int(task.example.get("token"))
        picture = canvas(page, "patch-panel")
        size = picture.bounding_box()
        at = {"x": size["width"] * (token % 8 + 0.5) / 8, "y": size["height"] * (token // 8 + 0.5) / 8}
        picture.click(position=at)
        expect(page).to_have_url(re.compile(rf"[?&]token={token}(&|$)"), timeout=TIMEOUT)
    idle(page)
    if task.kind == "number":
        box.locator("input").press("Enter")
    else:
        box.get_by_role("button", name=tr(words.CHECK)).click()
    expect(box.get_by_text(task.solution)).to_be_visible(timeout=TIMEOUT)
    page.wait_for_function(NOT_COVERED, arg=box.get_by_text(task.solution).element_handle())


@pytest.fixture(params=["en", "zh"])
def spoken(request: pytest.FixtureRequest) -> Iterator[str]:
    """A language, in which the test reads the page as well."""
    with speaking(request.param):
        yield request.param


def test_one_whole_lesson(visit: Visit, spoken: str) -> None:
    lesson = find_lesson(FIRST.name, spoken)
    page = visit(f"/lessons?lang={spoken}", shows=LIST)
    go_on(page, lesson, "first_start")
    solved = 0
    for place, step in enumerate(lesson.steps):
        expect_step(page, lesson, place)
        idle(page)
        page.wait_for_function(IN_VIEW, arg=keyed(page, step.marks[0].key).element_handle())  # by itself
        if step.task is not None:
            solve(page, step.task)
            solved += 1
        if place < len(lesson.steps) - 1:
            go_on(page, lesson)
    expect(page.get_by_text(words.finished(lesson.title))).to_be_visible()
    expect(page.get_by_role("link", name=tr(words.NEXT_LESSON))).to_be_in_viewport()
    expect(page.get_by_text(lesson.tasks[0].found)).to_be_in_viewport()
    keyed(page, "lesson_panel").get_by_role("link", name=tr(words.ALL_LESSONS)).click()
    done = words.progress(len(lesson.steps), len(lesson.steps), solved, len(lesson.tasks))
    expect(page.get_by_text(done)).to_be_visible(timeout=TIMEOUT)
    code = page.get_by_test_id("stCode").inner_text()
    other = visit(f"/lessons?lang={spoken}", shows=LIST)
    keyed(other, "lesson_code").locator("input").fill(code)
    keyed(other, "lesson_code").locator("input").press("Enter")
    keyed(other, "lesson_use_code").get_by_role("button").click()
    expect(other.get_by_text(done)).to_be_visible(timeout=TIMEOUT)


def test_a_reload_keeps_the_progress_and_leaving_brings_the_sidebar_back(visit: Visit) -> None:
    place = place_of(FIRST, "patches")
    page = visit(address(FIRST, place))
    expect_step(page, FIRST, place)
    idle(page)
    opened = in_address(page, "lesson_progress")
    assert re.fullmatch("[A-Z2-7-]+", opened)
    solve(page, FIRST.steps[place].task)
    expect(page).not_to_have_url(re.compile(rf"[?&]lesson_progress={opened}(&|$)"), timeout=TIMEOUT)
    page.reload()
    expect_step(page, FIRST, place)
    expect(page.get_by_text(f"1 of {len(FIRST.tasks)} tasks solved")).to_be_visible(timeout=TIMEOUT)
    idle(page)
    assert page.get_by_test_id("stSidebarNavLink").first.bounding_box()["x"] < 0
    keyed(page, "lesson_leave_button").get_by_role("button").click()
    expect(page.get_by_test_id("stSidebarNavLink").first).to_be_in_viewport(timeout=TIMEOUT)


def test_looking_around_coming_back_and_back(visit: Visit) -> None:
    place = place_of(FIRST, "eye")
    page = visit(address(FIRST, place))
    expect_step(page, FIRST, place)
    idle(page)
    keyed(page, "lesson_panel").get_by_role("button", name="Check").click()
    expect(page.get_by_text("This is not an eye.")).to_be_visible(timeout=TIMEOUT)
    page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_test_id("stSidebarNavLink").nth(3).click()
    expect(page.get_by_text("You are looking around.")).to_be_visible(timeout=TIMEOUT)
    idle(page)
    assert in_address(page, "step") == "eye"
    keyed(page, "lesson_panel").get_by_role("link", name="Back to this step").click()
    expect_step(page, FIRST, place)
    idle(page)
    picture = canvas(page, "patch-panel")
    size = picture.bounding_box()
    picture.click(position={"x": size["width"] * 0.6, "y": size["height"] * 0.4})  # not where every visit begins
    expect(page).to_have_url(re.compile(r"[?&]token=28(&|$)"), timeout=TIMEOUT)
    idle(page)
    keyed(page, "lesson_panel").get_by_role("button", name="Back to this step").click()
    expect(keyed(page, "token").locator("input")).to_have_value("0", timeout=TIMEOUT)
    page.reload()
    expect_step(page, FIRST, place)
    idle(page)
    go_on(page, FIRST)
    expect_step(page, FIRST, place + 1)
    idle(page)
    page.go_back()
    expect_step(page, FIRST, place)
    keyed(page, "lesson_panel").get_by_role("button", name="Leave the lesson").click()
    expect(keyed(page, "lesson_panel")).to_have_count(0, timeout=TIMEOUT)
    idle(page)
    assert in_address(page, "lesson") == ""


def test_a_phone_shows_the_text_above_and_brings_the_thing_into_view(visit: Visit) -> None:
    place = place_of(FIRST, "filters")
    page = visit(address(FIRST, place), viewport={"width": 390, "height": 844})
    expect_step(page, FIRST, place)
    idle(page)
    thing = keyed(page, FIRST.steps[place].marks[0].key)
    assert not thing.evaluate(IN_VIEW)
    assert keyed(page, "lesson_panel").bounding_box()["y"] < page.locator("h1").bounding_box()["y"]
    page.get_by_role("button", name="Show it on the page").click()
    page.wait_for_function(IN_VIEW, arg=thing.element_handle())
    assert page.evaluate(WIDER_THAN_THE_SCREEN) <= 0
    page.get_by_role("button", name=tr(words.TO_THE_QUESTION)).click()  # the text is far above
    page.wait_for_function(IN_VIEW, arg=keyed(page, "lesson_task").element_handle())
    expect(page.get_by_role("button", name=tr(words.TO_THE_QUESTION))).to_be_hidden()
    go_on(page, FIRST)  # a click scrolls to it, and the next step begins above
    expect_step(page, FIRST, place + 1)
    idle(page)
    expect(page.get_by_text(FIRST.steps[place + 1].title, exact=True)).to_be_in_viewport()


def test_the_panel_stays_beside_a_long_page(tab: Visit) -> None:
    lesson = find_lesson("what_did_it_learn")
    place = place_of(lesson, "meter")
    page = tab(address(lesson, place))
    expect_step(page, lesson, place)
    idle(page)
    page.get_by_role("button", name="Show it on the page").click()
    page.wait_for_function(IN_VIEW, arg=keyed(page, "meter-own").element_handle())
    page.wait_for_timeout(800)
    box, chart = keyed(page, "lesson_panel").bounding_box(), keyed(page, "meter-own").bounding_box()
    assert 0 <= box["y"] < page.viewport_size["height"] / 2
    assert box["x"] + box["width"] <= chart["x"]


def test_a_film_has_its_task_judged(tab: Visit) -> None:
    """Its page stops before its end."""
    lesson = find_lesson("what_did_it_learn")
    place = place_of(lesson, "opposites")
    page = tab(address(lesson, place))
    expect_step(page, lesson, place)
    idle(page)
    solve(page, lesson.steps[place].task)


def unseen(step: Step) -> bool:
    return step.task is not None and step.task.kind == "choose"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_in_the_panel(visit: Visit, scheme: str) -> None:
    lesson = lessons()[1]
    place = next(place for place, step in enumerate(lesson.steps) if unseen(step))
    page = visit(address(lesson, place), color_scheme=scheme)
    expect_step(page, lesson, place)
    idle(page)
    keyed(page, "lesson_panel").get_by_role("button", name="Check").click()
    expect(page.get_by_text("Give an answer first.")).to_be_visible(timeout=TIMEOUT)
    idle(page)
    assert serious(page) == []
    for width, height in ((1024, 768), (768, 1024), (390, 844), (700, 450)):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(150)
        assert page.evaluate(WIDER_THAN_THE_SCREEN) <= 0, (width, height)
