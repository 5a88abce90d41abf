"""A lesson on paper is made of what its pages show in the states of its steps."""

from __future__ import annotations

import json
import re
import time

import pytest
from streamlit.testing.v1 import AppTest

from mixer_viz.lessons import lessons
from mixer_viz.ui.teaching import lesson_hand_out, made
from tests.app.driving import PAGES, errors, go, panel, start
from tests.app.lessons.driving import keys_on_page, open_state
from tests.app.teaching.overtaking import overtaken_once
from tests.app.teaching.test_reports import grids_in

LESSON = lessons()[0]


def files(app: AppTest) -> list[str]:
    return [each.key for each in app.get("download_button") if each.key.startswith("teach_paper")]


@pytest.fixture
def paper(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The files that the button has made, which AppTest has no way to download."""
    made: list[bytes] = []
    original = lesson_hand_out.lesson_hand_out

    def note(*what: object) -> bytes:
        made.append(original(*what))  # type: ignore[arg-type]
        return made[-1]

    monkeypatch.setattr(lesson_hand_out, "lesson_hand_out", note)
    return made


def test_a_lesson_is_one_file_with_all_its_steps(paper: list[bytes]) -> None:
    PAGES["lessons"] = "pages/lessons.py"
    app = start("lessons")
    app.button(key=f"teach_lesson_{LESSON.name}").click().run()
    assert errors(app) == []
    assert not app.warning
    assert [each for each in app.get("download_button") if each.key == f"teach_paper_{LESSON.name}"]
    html = paper[0].decode()
    sections = html.split("<section>")[1:]
    assert len(sections) == len(LESSON.steps)
    assert all("<figure" in each for each in sections)
    for chapter in LESSON.chapters:
        assert f"<h2>{chapter.title}</h2>" in html
    assert html.count('class="task"') == len(LESSON.tasks) == html.count("<li>", html.index('class="answers"'))
    for task in LESSON.tasks:
        assert html.index(task.question) < html.index('class="answers"') < html.index(task.solution)
    outside = re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL)
    assert not re.search(r"""(?:src|href)\s*=\s*["'](?!data:|#)""", outside)


def test_a_step_has_the_pictures_of_its_page_in_its_state(paper: list[bytes]) -> None:
    PAGES["lessons"] = "pages/lessons.py"
    app = start("lessons")
    app.button(key=f"teach_lesson_{LESSON.name}").click().run()
    sections = paper[0].decode().split("<section>")[1:]
    step = next(each for each in LESSON.steps if each.state.page == "patches" and each.marks[0].key == "patch-panel")
    shown = start("patches", **dict(step.state.parameters))
    in_paper = grids_in(sections[LESSON.steps.index(step)])
    of_page = panel(shown, "patch-panel")["grids"]
    assert [each["title"] for each in in_paper] == [each["title"] for each in of_page]
    assert [each.get("values") for each in in_paper] == [each.get("values") for each in of_page]
    assert json.dumps(in_paper) != json.dumps(grids_in(sections[0]))


def test_a_page_that_takes_too_long_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mixer_viz.ui.teaching.visits.MOST_SECONDS", 0.0)
    PAGES["lessons"] = "pages/lessons.py"
    app = start("lessons")
    app.button(key=f"teach_lesson_{LESSON.name}").click().run()
    assert errors(app) == []
    assert any("takes too long" in each.value for each in app.warning)


def test_a_run_that_is_overtaken_leaves_the_hand_out_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lesson_hand_out, "lesson_hand_out", lambda *_: b"paper")
    overtaken_once(monkeypatch, lesson_hand_out, "lesson_hand_out")
    PAGES["lessons"] = "pages/lessons.py"
    app = start("lessons")
    app.button(key=f"teach_lesson_{LESSON.name}").click().run()
    assert errors(app) == []

    assert files(app) == [f"teach_paper_{LESSON.name}"]
    app.run()  # whatever else the browser sends takes nothing away
    assert files(app) == [f"teach_paper_{LESSON.name}"]
    app.button(key=f"teach_lesson_{lessons()[1].name}").click().run()
    assert files(app) == [f"teach_paper_{lessons()[1].name}"]


@pytest.mark.parametrize("by_way_of", [None, "overview"])
def test_whoever_leaves_the_page_meanwhile_finds_nothing_made_on_coming_back(
    by_way_of: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lesson_hand_out, "lesson_hand_out", lambda *_: b"paper")
    PAGES["lessons"] = "pages/lessons.py"
    app = start("lessons")
    app.session_state[made._ASKED] = f"{LESSON.name}.html"  # as a run leaves it that was overtaken
    if by_way_of is not None:
        go(app, by_way_of)
    go(app, "lessons")
    assert errors(app) == []
    assert files(app) == ([f"teach_paper_{LESSON.name}"] if by_way_of is None else [])


def test_where_downloads_are_hidden_there_is_no_button() -> None:
    PAGES["lessons"] = "pages/lessons.py"
    app = start("lessons", t_hide="downloads")
    assert not [each for each in app.button if each.key.startswith("teach_lesson")]


def test_what_tasks_ask_about_is_on_paper(paper: list[bytes]) -> None:
    PAGES["lessons"] = "pages/lessons.py"
    lesson = lessons()[1]
    app = start("lessons")
    app.button(key=f"teach_lesson_{lesson.name}").click().run()
    parts = paper[0].decode().split("<section>")[1:]
    sections = {step.name: part for step, part in zip(lesson.steps, parts, strict=True)}
    assert {"Patches", "Embedding"} <= {each["title"] for each in grids_in(sections["bright"])}
    for step, texts in {
        "shuffle": ("As it is", "In this order", "With the weights in the same order"),
        "skip": ("5. Skip connection", "The network's own pass has stored"),
        "off": ("As it is", "Switched off"),
    }.items():
        assert all(text in sections[step].replace("&#x27;", "'") for text in texts), step
    assert all(sections[step].count("<table") >= 2 for step in ("shuffle", "off"))


def test_what_is_named_for_paper_is_on_the_page() -> None:
    for lesson in lessons():
        for step in lesson.steps:
            if not step.paper:
                continue
            shown = open_state(step.state)
            deadline = time.monotonic() + 60
            while not set(step.paper.split()) <= keys_on_page(shown) and time.monotonic() < deadline:
                time.sleep(0.3)  # a map may be at work
                shown.run()
            assert set(step.paper.split()) <= keys_on_page(shown), step.name
