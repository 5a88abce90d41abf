"""The page of lessons: what there is, how far one is, the code, the notes for teachers."""

from __future__ import annotations

import pytest

from mixer_viz.lessons import LessonError, Progress, State, lessons, write_code
from mixer_viz.texts.lessons.words import right
from mixer_viz.ui.lessons import visit
from tests.app.driving import errors
from tests.app.lessons.driving import (
    FIRST,
    follow,
    judge,
    keys_on_page,
    open_page,
    open_state,
    open_step,
    place_of,
    words,
)

PAGE = "lessons"


def open_list():  # type: ignore[no-untyped-def]
    return open_state(State(PAGE))


def test_every_lesson_with_its_note_for_teachers() -> None:
    app = open_list()
    assert errors(app) == []
    read = words(app)
    for lesson in lessons():
        for text in (lesson.title, lesson.aim, lesson.teacher.text):
            assert text in read
        for each in lesson.teacher.misunderstandings:
            wrong, right = each.split("” ", 1)
            assert f"- *{wrong}”*  \n  {right}" in read
        assert all(task.question in read and task.solution in read for task in lesson.tasks)
    notes = [each.label for each in app.expander if each.label != "Chapters"]
    assert notes[: len(lessons())] == [lesson.title for lesson in lessons()]  # closed, behind all that pupils need
    assert not any(each.proto.expanded for each in app.expander)
    assert [each.value for each in app.subheader][-1] == "For teachers"
    links = [link.proto.label for link in app.get("page_link")]
    assert {chapter.title for lesson in lessons() for chapter in lesson.chapters} <= set(links)
    assert "Begin a lesson, and a code to copy appears here." in read
    assert not app.code


def test_progress_and_its_code_in_another_tab() -> None:
    app = open_step(FIRST, place_of(FIRST, "eye"))
    app.number_input(key="token").set_value(26).run()
    judge(app)
    open_page(app, PAGE)
    assert "lesson_leave_button" not in keys_on_page(app)  # the list needs no panel
    (code,) = [each.value for each in app.code]
    bar = f"3 of {len(FIRST.steps)} steps, 1 of {len(FIRST.tasks)} tasks solved"
    assert bar in str([each.proto for each in app.get("progress")])
    other = open_list()
    other.text_input(key="lesson_code").set_value(code.lower()).run()
    other.button(key="lesson_use_code").click().run()
    assert "Taken over" in words(other)
    assert [each.value for each in other.code] == [code]
    assert bar in str([each.proto for each in other.get("progress")])


def test_a_finished_lesson_has_nothing_to_continue_with() -> None:
    solved = frozenset(task.name for task in FIRST.tasks)
    for tasks, labels in ((solved, {"From the beginning"}), (frozenset(), {"Continue", "From the beginning"})):
        done = {FIRST.name: Progress(len(FIRST.steps), tasks)}
        app = open_state(State(PAGE), {"lesson_progress": write_code(done, lessons())})
        shown = [link.proto.label for link in app.get("page_link")]
        assert {"Continue", "From the beginning"} & set(shown) == labels


def test_the_last_step_leads_to_the_next_lesson() -> None:
    app = open_step(FIRST, len(FIRST.steps) - 1)
    (link,) = [link for link in app.get("page_link") if link.proto.label.startswith("Next lesson")]
    assert f"lesson={lessons()[1].name}" in link.proto.query_string
    last = open_step(lessons()[-1], len(lessons()[-1].steps) - 1)
    assert not [link for link in last.get("page_link") if link.proto.label.startswith("Next lesson")]


def test_a_reload_keeps_the_progress() -> None:
    app = open_step(FIRST, place_of(FIRST, "eye"))
    app.number_input(key="token").set_value(26).run()
    judge(app)
    (code,) = [each.value for each in app.code]  # in the panel
    assert app.query_params.get("lesson_progress") in (code, [code])
    step = FIRST.steps[0]
    more = {"lesson": FIRST.name, "step": step.name, "lesson_progress": code}
    other = open_state(step.state, more)
    assert errors(other) == []
    assert f"1 of {len(FIRST.tasks)} tasks solved" in words(other)
    assert [each.value for each in other.code] == [code]
    listed = open_state(State(PAGE), {"lesson_progress": code})
    assert [each.value for each in listed.code] == [code]
    open_page(listed, "patches")  # without a lesson, the address is that of the page
    assert "lesson_progress" not in listed.query_params


def test_an_address_with_less_takes_nothing_away() -> None:
    app = open_step(FIRST, place_of(FIRST, "eye"))
    (less,) = [each.value for each in app.code]
    app.number_input(key="token").set_value(26).run()
    judge(app)
    (more,) = [each.value for each in app.code]
    assert less != more
    app.query_params["lesson_progress"] = less
    follow(app, FIRST, 0)
    assert app.query_params.get("lesson_progress") in (more, [more])


@pytest.mark.parametrize("code", ["", "AEAQ", "<script>alert(1)</script>", "x" * 4000])
def test_a_broken_code_in_the_address_gets_one_sentence(code: str) -> None:
    app = open_state(FIRST.steps[0].state, {"lesson": FIRST.name, "step": FIRST.steps[0].name, "lesson_progress": code})
    assert errors(app) == []
    (said,) = [note.value for note in app.warning]
    assert said.startswith("The link asked for what is not here")
    assert len(said) < 250
    assert f"0 of {len(FIRST.tasks)} tasks solved" in words(app)


def test_lessons_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: str) -> None:
        raise LessonError("a file is damaged")

    monkeypatch.setattr(visit, "lessons", broken)
    assert errors(open_list()) == ["The lessons could not be read; the log of this app has the details."]
    app = open_step(FIRST, 0)  # the page itself is there
    assert errors(app) == []
    assert "lesson_leave_button" not in keys_on_page(app)


def test_a_broken_code_gets_one_sentence() -> None:
    app = open_list()
    for text in ("", "AEAQ", "<script>alert(1)</script>", "x" * 400):
        app.text_input(key="lesson_code").set_value(text).run()
        app.button(key="lesson_use_code").click().run()
        assert errors(app) == [
            "This is no code of this app, or a letter of it is missing; copy the whole code and paste it again."
        ]
        assert not app.code


def test_a_task_solved_elsewhere_shows_its_solution() -> None:
    app = open_step(FIRST, place_of(FIRST, "eye"))
    app.number_input(key="token").set_value(26).run()
    judge(app)
    open_page(app, PAGE)
    code = app.code[0].value
    other = open_list()
    other.text_input(key="lesson_code").set_value(code).run()
    other.button(key="lesson_use_code").click().run()
    follow(other, FIRST, place_of(FIRST, "eye"))
    assert [note.value for note in other.success] == [right(FIRST.steps[place_of(FIRST, "eye")].task.solution)]
