"""Lessons in the language of the visit: texts and verdicts follow it, choices and progress stay."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from streamlit.testing.v1 import AppTest

from mixer_viz.language import speaking
from mixer_viz.lessons import Lesson, State, find_lesson
from tests.app.driving import errors
from tests.app.lessons.driving import FIRST, judge, keys_on_page, open_state, place_of, words

CHINESE = find_lesson(FIRST.name, "zh")
assert CHINESE is not None
FILTERS = place_of(FIRST, "filters")


def open_in(language: str, lesson: Lesson, place: int) -> AppTest:
    step = lesson.steps[place]
    return open_state(step.state, {"lesson": lesson.name, "step": step.name, "lang": language})


def open_in_list(language: str, **more: str) -> AppTest:
    return open_state(State("lessons"), {"lang": language, **more})


@contextmanager
def browser_in(language: str) -> Iterator[None]:
    """AppTest sends what fields show, and asks for their words outside of the visit."""
    with speaking(language):
        yield


def speak(app: AppTest, name: str) -> AppTest:
    return app.button_group(key="lang").set_value(name).run()


def test_a_step_is_told_in_the_language_of_the_visit() -> None:
    app = open_in("zh", CHINESE, FILTERS)
    assert errors(app) == []
    step, read = CHINESE.steps[FILTERS], words(app)
    for text in (CHINESE.title, step.title, step.text, step.notice, step.thing, step.task.question):
        assert text in read
    assert FIRST.steps[FILTERS].text not in read
    assert list(app.radio[0].options) == [option.text for option in step.task.options]


def test_two_visitors_read_two_languages() -> None:
    apps = {language: open_in(language, FIRST, FILTERS) for language in ("en", "zh")}
    for _ in range(2):
        for language, app in apps.items():
            lesson = find_lesson(FIRST.name, language)
            with browser_in(language):
                app.run()
            assert lesson.steps[FILTERS].text in words(app)


def test_choices_and_verdicts_follow_when_the_language_is_changed() -> None:
    app = open_in("en", FIRST, FILTERS)
    key = f"lesson_answer_{FIRST.name}_shared"
    english, chinese = FIRST.steps[FILTERS].task, CHINESE.steps[FILTERS].task
    app.radio(key=key).set_value(english.options[1].text).run()
    judge(app)
    assert [note.value for note in app.warning] == [english.options[1].hint]
    speak(app, "中文")
    assert app.radio(key=key).value == chinese.options[1].text
    assert [note.value for note in app.warning] == [chinese.options[1].hint]
    with browser_in("zh"):
        app.radio(key=key).set_value(chinese.options[chinese.right].text).run()
        judge(app)
        assert any(chinese.solution in note.value for note in app.success)
        speak(app, "English")
    assert app.radio(key=key).value == english.options[english.right].text
    assert any(english.solution in note.value for note in app.success)


def test_progress_is_the_same_in_every_language() -> None:
    app = open_in("zh", CHINESE, place_of(FIRST, "patches"))
    with browser_in("zh"):
        app.text_input(key=f"lesson_answer_{FIRST.name}_count").set_value("６４")  # as Chinese keyboards may type
        judge(app)
    code = app.query_params["lesson_progress"]
    app = open_in_list("en", lesson_progress=code)
    assert f"2 of {len(FIRST.steps)} steps, 1 of {len(FIRST.tasks)} tasks solved" in [
        each.proto.text for each in app.get("progress")
    ]


def test_parts_that_links_hide_have_the_same_names() -> None:
    parts = []
    for language in ("en", "zh"):
        app = open_in_list(language)
        assert errors(app) == []
        parts.append(app.session_state["_screen"].parts)
    english, chinese = parts
    assert list(english) == list(chinese)
    assert chinese["from-pixels-to-tokens"] == CHINESE.title
    hidden = open_in_list("zh", t_hide="for-teachers")
    assert f"teach_lesson_{FIRST.name}" not in keys_on_page(hidden)
