"""Every step of every lesson is a state that the app has, with the thing on the page that it points at."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from mixer_viz.lessons import Lesson, Step, Task, lessons
from mixer_viz.lessons.checks import TRAINING_ACCURACY, needed_quantities
from mixer_viz.texts.lessons.words import right
from mixer_viz.ui.learning.table import live_table
from tests.app.driving import errors, panel
from tests.app.lessons.driving import judge, keys_on_page, open_state, open_step, said

STEPS = [
    pytest.param(lesson, place, id=f"{lesson.code}-{step.name}")
    for lesson in lessons()
    for place, step in enumerate(lesson.steps)
]
EXAMPLES = [
    pytest.param(lesson, step, task, id=f"{lesson.code}-{task.name}")
    for lesson in lessons()
    for _, step, task in lesson.answers()
    if task.example is not None
]


SECONDS, POLL = 60, 0.3


@pytest.fixture(autouse=True)
def _end_trainings() -> Iterator[None]:
    yield
    live_table().close()
    live_table.clear()


@pytest.mark.parametrize(("lesson", "place"), STEPS)
def test_a_step_is_what_its_link_opens(lesson: Lesson, place: int) -> None:
    step: Step = lesson.steps[place]
    app = open_step(lesson, place)
    assert errors(app) == []
    assert [note.value for note in app.warning if "link asked for" in note.value] == []
    assert dict(step.state.parameters).items() <= said(app).items()
    deadline = time.monotonic() + SECONDS
    marked = {mark.key for mark in step.marks}
    while not marked & keys_on_page(app) and time.monotonic() < deadline:
        time.sleep(POLL)  # a map may be at work
        app.run()
    assert marked & keys_on_page(app)
    for mark in step.marks:
        assert not mark.pictures or len(panel(app, mark.key)["grids"]) >= max(mark.pictures)
    assert f"**{step.title}**" in [text.value for text in app.markdown]


@pytest.mark.parametrize(("lesson", "step", "task"), EXAMPLES)
def test_what_solves_a_task_can_be_reached_and_is_found_right(lesson: Lesson, step: Step, task: Task) -> None:
    app = open_state(task.example, {"lesson": lesson.name, "step": step.name})
    assert errors(app) == []
    assert dict(task.example.parameters).items() <= said(app).items()
    judge(app)
    if TRAINING_ACCURACY in {quantity.name for quantity in needed_quantities(task)}:
        assert [note.value for note in app.warning] == [task.conditions[-1].hint]  # nobody has trained yet
    else:
        assert right(task.solution) in [note.value for note in app.success]
