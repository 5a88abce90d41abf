"""Reports and hand-outs in the language of whoever asks for them."""

from __future__ import annotations

import pytest

from mixer_viz.language import speaking
from mixer_viz.lessons import find_lesson, lessons
from tests.app.driving import PAGES, start
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


def test_the_file_of_a_report_has_the_same_name_in_every_language(report: Report) -> None:
    names = []
    for language in ("en", "zh"):
        app = start("lessons", lang=language)
        with speaking(language):
            report(app)
        (button,) = [each for each in app.get("download_button") if each.key == "teach_report"]
        names.append(button.proto.url.rsplit("/", 1)[-1][-5:])
    assert names == [".html", ".html"]


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
