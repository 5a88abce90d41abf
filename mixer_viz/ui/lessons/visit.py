"""Where a visit is in the lessons: the step, which is in the link, and what is solved, which the browser tab keeps."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence

import streamlit as st

from mixer_viz.language import current
from mixer_viz.lessons import CodeError, Lesson, LessonError, Progress, Step, lessons, read_code, write_code
from mixer_viz.ui.language import KEY as LANGUAGE
from mixer_viz.ui.widgets.links import LESSON, PROGRESS, STEP, begin_field, end_field, linked_value

_PROGRESS = "_lesson_progress"  # session state: the lessons' names -> Progress
_NO_LESSON = ""
_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Place:
    """A step of a lesson."""

    lesson: Lesson
    number: int  # of the step, from 0

    @property
    def step(self) -> Step:
        return self.lesson.steps[self.number]

    @property
    def path(self) -> str:
        """The step's page, as Streamlit calls it."""
        return f"pages/{self.step.state.page}.py"

    def link(self) -> dict[str, str]:
        """What the address of the step says behind its page."""
        spoken = {LANGUAGE: current()} if LANGUAGE in st.query_params else {}
        return {**dict(self.step.state.parameters), LESSON: self.lesson.name, STEP: self.step.name, **spoken}

    def beside(self, by: int) -> Place | None:
        """The step before (-1) or behind (1); None where there is none."""
        number = self.number + by
        return Place(self.lesson, number) if 0 <= number < len(self.lesson.steps) else None


def place_of_visit() -> Place | None:
    """The step that is on, None without a lesson; once in every run, so that the address keeps it.

    A link that names a lesson alone goes to its first step.
    """
    _take_progress_of_address()
    name = linked_value(LESSON, _NO_LESSON, _lesson_in_link, str)
    lesson = _lesson_of(name) if name else None
    if lesson is None:
        return None
    names = [step.name for step in lesson.steps]
    chosen = linked_value(STEP, "", lambda values: values[-1] if values[-1] in names else None, str)
    if chosen not in names:
        first = Place(lesson, 0)
        st.switch_page(first.path, query_params=first.link())
    return Place(lesson, names.index(chosen))


def leave() -> None:
    """End the lesson; what is solved stays; for callbacks."""
    st.session_state[LESSON], st.session_state[STEP] = _NO_LESSON, ""
    if LESSON in st.query_params:
        del st.query_params[LESSON]  # at once: the run that follows decides by it whether there is a sidebar


def progress_of(lesson: Lesson) -> Progress:
    """How far this visit is in a lesson."""
    return all_progress().get(lesson.name, Progress())


def keep_progress(lesson: Lesson, progress: Progress) -> None:
    """Keep how far this visit is."""
    all_progress()[lesson.name] = progress


def all_progress() -> dict[str, Progress]:
    """How far this visit is, by the lessons' names."""
    found: dict[str, Progress] = st.session_state.setdefault(_PROGRESS, {})
    return found


def code_of_visit() -> str:
    """The code that holds how far this visit is; empty where no lesson is begun."""
    return write_code(all_progress(), in_reading_order())


def keep_progress_in_address() -> None:
    """So that a reload, which begins another visit, finds it; once a page is drawn."""
    code = code_of_visit()
    end_field(PROGRESS, code, code or None)


def _take_progress_of_address() -> None:
    """Where a visit begins with it; a visit that has begun knows better."""
    if begin_field(PROGRESS, "", _code_in_link, is_drawn=False) and not all_progress():
        all_progress().update(read_code(st.session_state[PROGRESS], in_reading_order()))


def _code_in_link(values: list[str]) -> str | None:
    try:
        read_code(values[-1], in_reading_order())
    except CodeError:
        return None
    return values[-1]


def counts(lesson: Lesson, progress: Progress) -> tuple[int, int, int, int]:
    """Steps opened, steps, tasks solved, tasks."""
    return progress.furthest, len(lesson.steps), len(progress.solved), len(lesson.tasks)


def in_reading_order() -> Sequence[Lesson]:
    """All lessons in the language of the visit; none where a file cannot be used, which the log tells."""
    try:
        return lessons(current())
    except LessonError:
        _log.exception("the lessons cannot be read")
        return ()


def lesson_after(lesson: Lesson) -> Lesson | None:
    """The one to read next; None behind the last."""
    order = in_reading_order()
    place = next((place for place, each in enumerate(order) if each.name == lesson.name), len(order))
    return order[place + 1] if place + 1 < len(order) else None


def _lesson_of(name: str) -> Lesson | None:
    return next((lesson for lesson in in_reading_order() if lesson.name == name), None)


def _lesson_in_link(values: list[str]) -> str | None:
    return values[-1] if _lesson_of(values[-1]) is not None else None
