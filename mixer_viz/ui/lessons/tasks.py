"""A task in the panel: the question, what is answered, and what is said to it."""

from __future__ import annotations

import contextlib
import dataclasses

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from mixer_viz.analysis.overview import token_norms
from mixer_viz.figures.common import stage_grids
from mixer_viz.language import LANGUAGES, tr
from mixer_viz.lessons import Seen, Task, check, find_lesson
from mixer_viz.texts.lessons import words
from mixer_viz.ui.compute import cached
from mixer_viz.ui.grid_panel import show_grids
from mixer_viz.ui.lessons.results import is_of_model, is_still_seen, seen_now
from mixer_viz.ui.lessons.visit import Place, keep_progress, progress_of
from mixer_viz.ui.sidebar.shell import choice_of_this_run

_VERDICTS = "_lesson_verdicts"  # session state: (lesson, task) -> Said
_PRESSED = "_lesson_pressed"  # session state: (lesson, task) that waits to be judged
_PROBLEMS = {"no_number": words.NO_NUMBER, "rounded": words.ROUNDED}
_TRIES = 3  # wrong answers, after which the solution may be looked at


@dataclasses.dataclass(frozen=True)
class Said:
    """What was judged last of a task; in words whenever it is shown, as the language may have changed."""

    seen: Seen | None = None
    refused: str = ""  # why there was nothing to judge, a message
    wrong: int = 0  # how often it was not right
    shown: bool = False  # the solution was asked for

    def words(self, task: Task) -> tuple[bool, str]:
        """Whether it was right, and what to say."""
        if self.seen is None:
            return False, tr(self.refused)
        verdict = check(task, self.seen)
        problem = _PROBLEMS.get(verdict.problem)
        return verdict.right, verdict.words if problem is None else tr(problem)


@dataclasses.dataclass(frozen=True)
class Asked:
    """A task that is drawn; its answer is judged where the button was pressed."""

    place: Place
    task: Task
    answer: str
    words: DeltaGenerator  # where to say it

    @property
    def needs_page(self) -> bool:
        """Whether what the page shows, once it is drawn, decides what is said in this run."""
        return self.task.kind in ("click", "reach") and (self._is_pressed or self._was_wrong)

    @property
    def _was_wrong(self) -> bool:
        said = _said().get((self.place.lesson.name, self.task.name))
        return said is not None and said.seen is not None and not said.words(self.task)[0] and not said.shown

    @property
    def _is_pressed(self) -> bool:  # until it is judged: a run may be broken off
        return bool(st.session_state.get(_PRESSED) == (self.place.lesson.name, self.task.name))

    def judge(self, page: str) -> None:
        """Judge the answer where the button was pressed, and say what there is to say."""
        key = (self.place.lesson.name, self.task.name)
        if self._is_pressed:
            before = _said().get(key, Said())
            now = self._judged(page)
            is_right, _ = now.words(self.task)
            _said()[key] = dataclasses.replace(now, wrong=before.wrong + (not is_right), shown=before.shown)
            if is_right:
                progress = progress_of(self.place.lesson).with_solved(self.task.name)
                keep_progress(self.place.lesson, progress)
            st.session_state[_PRESSED] = None
        with self.words:
            _say(self.place, self.task, page, self.answer)

    def _judged(self, page: str) -> Said:
        if self.task.kind in ("choose", "number") and not self.answer:
            return Said(refused=words.NO_ANSWER)
        if not is_of_model(self.task, self.place.step.state.get("model")):
            return Said(refused=words.OTHER_MODEL)
        return Said(seen_now(self.task, page, self.answer))


def ask(place: Place) -> Asked | None:
    """Draw the task of a step."""
    task = place.step.task
    if task is None:
        return None
    with st.container(border=True, key="lesson_task", gap="xsmall"):
        st.markdown(f":material/edit: **{task.question}**")
        if task.layer is not None:
            _layer_picture(task.layer)
        is_typed = task.kind == "number"  # in a form, so that Enter checks
        with st.form("lesson_form", border=False) if is_typed else contextlib.nullcontext():
            answer = _field(place, task)
            button = st.form_submit_button if is_typed else st.button
            key = (place.lesson.name, task.name)
            button(tr(words.CHECK), key="lesson_check", type="primary", on_click=_press, args=(key,))
        said = st.container(key="lesson_said", gap="xsmall")
    return Asked(place, task, answer, said)


def _press(key: tuple[str, str]) -> None:
    st.session_state[_PRESSED] = key


def _field(place: Place, task: Task) -> str:
    """The answer so far; empty where there is none, or none is given here."""
    key = f"lesson_answer_{place.lesson.name}_{task.name}"
    if task.kind == "choose":
        options = [option.text for option in task.options]
        _translate_choice(place, task, key)
        chosen = st.radio(tr(words.YOUR_ANSWER), options, index=None, key=key, label_visibility="collapsed")
        return "" if chosen is None else str(options.index(chosen))
    if task.kind == "number":
        return str(st.text_input(tr(words.YOUR_NUMBER), key=key, max_chars=20) or "").strip()
    return ""


def _translate_choice(place: Place, task: Task, key: str) -> None:
    """Where the language has changed, what was chosen is the same option in the other words."""
    held = st.session_state.get(key)
    if held is None or held in [option.text for option in task.options]:
        return
    for language in LANGUAGES:
        lesson = find_lesson(place.lesson.name, language)
        other = None if lesson is None else next((each for each in lesson.tasks if each.name == task.name), None)
        texts = [] if other is None else [option.text for option in other.options]
        if held in texts[: len(task.options)]:
            st.session_state[key] = task.options[texts.index(held)].text
            return
    st.session_state[key] = None


def _say(place: Place, task: Task, page: str, answer: str) -> None:
    """What there is to say of the last check; a hint to another answer than the one that is given now is none."""
    key = (place.lesson.name, task.name)
    said = _said().get(key)
    if said is None:
        if task.name in progress_of(place.lesson).solved:  # by a code
            st.success(words.right(task.solution))
        return
    is_right, told = said.words(task)
    if is_right:
        st.success(words.right(told))
    elif said.shown:
        st.info(task.solution)
    elif said.seen is None or is_still_seen(task, said.seen, page, answer):
        st.warning(told)
        if said.wrong >= _TRIES:
            st.button(tr(words.SHOW_ANSWER), key="lesson_show_answer", on_click=_show, args=(key,))


def _show(key: tuple[str, str]) -> None:
    _said()[key] = dataclasses.replace(_said()[key], shown=True)


def _said() -> dict[tuple[str, str], Said]:
    found: dict[tuple[str, str], Said] = st.session_state.setdefault(_VERDICTS, {})
    return found


def _layer_picture(layer: int) -> None:
    """The lengths of the tokens after one layer, without its name."""
    choice = choice_of_this_run()
    if choice is None:
        return
    maps = token_norms(cached.trace_of(choice))[[layer]]
    (grid,) = stage_grids([("?", "")], [tr("after one of the layers")], maps, own_scales=True)
    plain = dataclasses.replace(grid, title="", width=130, select="none", show_scale=False)
    show_grids([plain], key="lesson_picture")
