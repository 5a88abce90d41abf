"""Reports and hand-outs in the language of whoever asks for them."""

from __future__ import annotations

import re

import pytest
from streamlit.runtime.context import ContextProxy

from mixer_viz.language import speaking
from mixer_viz.lessons import find_lesson, lessons
from tests.app.driving import PAGES, panel, start
from tests.app.teaching.test_hand_outs import paper
from tests.app.teaching.test_reports import Report, report

__all__ = ["paper", "report"]  # fixtures
SHORTEST = min(lessons(), key=lambda lesson: len(lesson.steps))


@pytest.fixture(autouse=True)
def _page_of_lessons(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PAGES, "lessons", "pages/lessons.py")


def test_a_report_says_its_language(report: Report) -> None:
    english = report(start("lessons"))
    with speaking("zh"):  # AppTest asks for the words of fields outside of the visit
        chinese = report(start("lessons", lang="zh"))
    assert english.startswith('<!doctype html><html lang="en">')
    assert chinese.startswith('<!doctype html><html lang="zh-Hans">')
    title = find_lesson(SHORTEST.name, "zh").title
    assert title in chinese
    assert title not in english


def test_the_link_of_a_report_says_its_language(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    """Although the address does not, where the browser wishes it: whoever reads the report may have another browser."""
    monkeypatch.setattr(ContextProxy, "url", "http://example.org/lessons")
    links = []
    for language, wish in (("en", "en-US"), ("zh", "zh-CN")):
        monkeypatch.setattr(ContextProxy, "locale", wish)
        app = start("lessons")
        assert "lang" not in app.query_params
        with speaking(language):
            links += re.findall(r'href="(http://example.org/lessons[^"]*)"', report(app))
    assert ["lang=zh" in link for link in links] == [False, True]


def test_a_hand_out_is_in_chinese_from_top_to_bottom(paper: list[bytes]) -> None:
    app = start("lessons", lang="zh")
    lesson = find_lesson(SHORTEST.name, "zh")
    with speaking("zh"):
        app.button(key=f"teach_lesson_{lesson.name}").click().run()
    assert not app.warning
    html = paper[0].decode()
    assert html.startswith('<!doctype html><html lang="zh-Hans">')
    for text in (lesson.title, lesson.aim, *(chapter.title for chapter in lesson.chapters)):
        assert text in html
    for task in lesson.tasks:
        assert html.index(task.question) < html.index('class="answers"') < html.index(task.solution)


def test_a_chinese_teachers_link_is_chinese_whatever_the_pupils_browsers_wish() -> None:
    assert panel(start(lang="zh"), "teach_link")["add"] == {"lang": "zh"}
    assert panel(start(), "teach_link")["add"] == {}
