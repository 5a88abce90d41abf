"""The page of lessons: what there is, how far one is, the code that carries it, and at its end notes for teachers."""

from __future__ import annotations

import streamlit as st

from mixer_viz.language import tr
from mixer_viz.lessons import CodeError, Lesson, Progress, read_code
from mixer_viz.texts.lessons import words
from mixer_viz.ui.lessons.going import BUTTONS, go_to
from mixer_viz.ui.lessons.results import forget_answers
from mixer_viz.ui.lessons.visit import Place, code_of_visit, counts, in_reading_order, keep_progress, progress_of
from mixer_viz.ui.teaching.lesson_hand_out import hand_out_button

_PASTED = "lesson_code"
_SAID = "_lesson_code_said"  # session state: whether the last code could be read


def all_lessons() -> None:
    """Every lesson as one block."""
    st.html(BUTTONS)
    if not in_reading_order():
        st.error(tr(words.NO_LESSONS))
    for lesson in in_reading_order():
        with st.container(border=True, key=f"lesson_{lesson.name}"):
            _one(lesson)


def _one(lesson: Lesson) -> None:
    progress = progress_of(lesson)
    opened, steps, solved, tasks = counts(lesson, progress)
    st.subheader(lesson.title, anchor=lesson.name.replace("_", "-"))  # in every language
    st.caption(words.minutes(lesson.minutes))
    st.markdown(lesson.aim)
    if opened:
        st.progress(opened / steps, words.progress(opened, steps, solved, tasks))
    with st.container(horizontal=True):
        first, here = Place(lesson, 0), Place(lesson, max(0, min(opened, steps) - 1))
        if opened == steps and solved == tasks:  # nothing to continue with
            go_to(first, tr(words.AGAIN), ":material/replay:", "again")
        else:
            go_to(here, tr(words.GO_ON) if opened else tr(words.START), ":material/play_arrow:", "start")
            if opened > 1:
                go_to(first, tr(words.AGAIN), ":material/replay:", "again")
    with st.expander(tr(words.CHAPTERS), key=f"chapters_{lesson.code}"):  # in links "chapters", whichever lesson it is
        _chapters(lesson)


def notes_for_teachers() -> None:
    """What only teachers need, folded away: the answers are among it."""
    for lesson in in_reading_order():
        with st.expander(lesson.title, key=f"{lesson.name}_{lesson.code}"):  # in links as the lesson above
            _note(lesson)
            hand_out_button(lesson)


def _chapters(lesson: Lesson) -> None:
    """A link to the first step of each."""
    number = 0
    for chapter in lesson.chapters:
        place = Place(lesson, number)
        st.page_link(place.path, label=chapter.title, icon=":material/arrow_forward:", query_params=place.link())
        number += len(chapter.steps)


def _note(lesson: Lesson) -> None:
    """What only teachers need, with the answers."""
    st.markdown(lesson.teacher.text)
    st.markdown(tr(words.MISUNDERSTANDINGS))
    st.markdown("\n".join(words.misunderstanding(each) for each in lesson.teacher.misunderstandings))
    st.markdown(tr(words.ANSWERS))
    tasks = enumerate(lesson.tasks, start=1)
    st.markdown("\n".join(words.answer_of(number, task.question, task.solution) for number, task in tasks))


def code_of_progress() -> None:
    """The code to copy, and a field for one from another time."""
    st.markdown(tr(words.CODE_IN_WORDS))
    code = code_of_visit()
    if code:
        st.code(code, language=None)
    else:
        st.caption(tr(words.NOT_BEGUN))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(tr(words.CODE_FIELD), key=_PASTED, max_chars=400, width=420)
        st.button(tr(words.USE_CODE), key="lesson_use_code", on_click=_use_code)
    said = st.session_state.get(_SAID)
    if said is not None:
        (st.success if said else st.error)(tr(words.CODE_TAKEN) if said else tr(words.BAD_CODE))


def _use_code() -> None:
    try:
        found = read_code(str(st.session_state.get(_PASTED) or ""), in_reading_order())
    except CodeError:
        st.session_state[_SAID] = False
        return
    for lesson in in_reading_order():
        keep_progress(lesson, progress_of(lesson).joined(found.get(lesson.name, Progress())))
    forget_answers()
    st.session_state[_SAID] = True
