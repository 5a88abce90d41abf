"""The panel of a lesson, beside whichever page is open; on a phone above it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from mixer_viz.language import tr
from mixer_viz.lessons import Mark
from mixer_viz.texts.from_files import literal
from mixer_viz.texts.lessons import words
from mixer_viz.ui.lessons import tasks
from mixer_viz.ui.lessons.going import BUTTONS, go_to
from mixer_viz.ui.lessons.visit import (
    Place,
    code_of_visit,
    counts,
    keep_progress,
    leave,
    lesson_after,
    progress_of,
)
from mixer_viz.ui.sidebar.shell import choice_of_this_run
from mixer_viz.ui.widgets.links import ask_again

_FRONTEND = Path(__file__).parents[1] / "frontend"
_show_it = st.components.v2.component(
    "mixer_viz_lesson_mark",
    html='<button type="button"></button><button type="button" class="back" hidden></button>',
    css=(_FRONTEND / "lesson_mark.css").read_text(encoding="utf-8"),
    js=(_FRONTEND / "lesson_mark.js").read_text(encoding="utf-8"),
)
_STYLE = """<style>
[data-testid=stHorizontalBlock]:has(.st-key-lesson_panel) {{ overflow: visible; }}  /* else it cannot be sticky */
@media (min-width: 851px) {{
  [data-testid=stColumn]:has(.st-key-lesson_panel) {{
    position: sticky; top: 3.25rem; align-self: flex-start; min-width: 17rem; max-width: 24rem; }}
  .st-key-lesson_panel {{ max-height: calc(100vh - 4rem); overflow-y: auto; }}
  .st-key-lesson_panel > :has(> .st-key-lesson_steps) {{  /* in reach below a long text */
    position: sticky; bottom: -1rem; z-index: 2; padding-block: 0.5rem; background: light-dark(#FFFFFF, #14171B); }}
  [data-testid=stColumn]:has(.st-key-lesson_panel) + [data-testid=stColumn] {{
    flex: 1 1 0; width: auto; min-width: 0; }}
}}
@media (max-width: 850px) {{  /* the text above the page */
  [data-testid=stHorizontalBlock]:has(.st-key-lesson_panel) {{ flex-direction: column; }}
  [data-testid=stHorizontalBlock]:has(.st-key-lesson_panel) > [data-testid=stColumn] {{ width: 100%; flex: none; }}
}}
.st-key-lesson_panel {{ scroll-margin-top: 4.5rem; border-top: 0.25rem solid light-dark(#C2410C, #C74A12); }}
{whole} {{ outline: {frame}; outline-offset: 4px; border-radius: 0.25rem; scroll-margin-top: 4.5rem; }}
{parts}
.st-key-lesson_open a {{ background: transparent; }}  /* not as "you are here": many steps are on one page */
.st-key-lesson_open a p {{ font-weight: 400; }}
.st-key-lesson_leave > :last-child {{ margin-left: auto; }}  /* not where "Next" was a moment ago */
.st-key-lesson_said {{ scroll-margin-bottom: 5rem; }}  /* above the buttons that stay in view */
.st-key-lesson_task [data-testid=InputInstructions] {{ display: none; }}  /* "2/20" reads like marks */
</style>"""
_FRAME = "3px solid light-dark(#C2410C, #FDBA74)"


def draw_panel(place: Place, page: str) -> Callable[[], None]:
    """Text, task and buttons; returns what is to be done once the page is there: judge the task, and count."""
    lesson, step = place.lesson, place.step
    keep_progress(lesson, progress_of(lesson).opened(place.number))
    number, chapter = lesson.chapter_of(place.number)
    is_here = page == step.state.page
    st.caption(f"{lesson.title}  \n{words.where(number + 1, len(lesson.chapters), chapter.title)}{_seen_with()}")
    if not is_here:
        st.info(words.looking_around(step.title))
        st.page_link(place.path, label=tr(words.BACK_TO_STEP), icon=":material/undo:", query_params=place.link())
    marks = step.marks if is_here else ()
    st.html(_style(marks) + BUTTONS)
    st.markdown(f"**{step.title}**")
    st.markdown(step.text)
    if step.notice:
        st.markdown(words.notice(step.notice))
    if is_here:
        st.markdown(words.look_at(step.thing))
        with st.container(key="lesson_mark"):
            told = {
                "marks": [mark.key for mark in marks],
                "label": tr(words.SHOW_IT),
                "back": tr(words.TO_THE_TEXT if step.task is None else words.TO_THE_QUESTION),
                "step": f"{lesson.name}/{step.name}",
            }
            _show_it(key="lesson_mark_button", data=told)
    asked = tasks.ask(place) if step.task is not None else None
    count, end = _buttons(place, is_here)

    def finish() -> None:
        if asked is not None:
            asked.judge(page)
        _how_far(place, count, end)

    if asked is not None and asked.needs_page:
        return finish
    finish()  # at once: a page may be slow, or stop before its end
    return lambda: None


def _style(marks: Sequence[Mark]) -> str:
    """The panel's, with a frame around what is meant: around an element, or around pictures of a row of them.

    The pictures of a row are closed to the page's rules, but not to its variables; see `build` in grid_panel.js.
    """
    whole = ", ".join(f".st-key-{mark.key}" for mark in marks if not mark.pictures) or ".st-key-nothing"
    parts = "\n".join(
        f".st-key-{mark.key} {{ {' '.join(f'--frame-{place}: {_FRAME};' for place in mark.pictures)} }}"
        for mark in marks
    )
    return _STYLE.format(whole=whole, parts=parts, frame=_FRAME)


def _buttons(place: Place, is_here: bool) -> tuple[DeltaGenerator, DeltaGenerator]:
    """Where to go; returns places for the count and for what follows it, known only once the task is judged."""
    with st.container(horizontal=True, key="lesson_steps"):
        before, behind = place.beside(-1), place.beside(1)
        if before is not None:
            go_to(before, tr(words.PREVIOUS), ":material/arrow_back:", "previous")
        if behind is not None:
            go_to(behind, tr(words.NEXT), ":material/arrow_forward:", "next")
        elif (following := lesson_after(place.lesson)) is not None:
            go_to(Place(following, 0), tr(words.NEXT_LESSON), ":material/arrow_forward:", "next")
        count = st.container()  # beside the buttons, which stay in view
    end = st.container(gap="xsmall")
    if behind is None:
        st.page_link("pages/lessons.py", label=tr(words.ALL_LESSONS), icon=":material/list:")
    with st.container(horizontal=True, key="lesson_leave"):
        if is_here:
            label = tr(words.BACK_TO_STEP)
            st.button(label, key="lesson_back", type="tertiary", on_click=ask_again, args=(place.link(),))
        st.button(tr(words.LEAVE), key="lesson_leave_button", type="tertiary", on_click=leave)
    return count, end


def _how_far(place: Place, count: DeltaGenerator, end: DeltaGenerator) -> None:
    """After the task of this run is judged: it may be the last one."""
    lesson, progress = place.lesson, progress_of(place.lesson)
    task, (_, _, solved, all_tasks) = place.step.task, counts(lesson, progress)
    count.caption(f"{words.step_of(place.number + 1, len(lesson.steps))} · {words.task_solved(solved, all_tasks)}")
    if place.beside(1) is None and (task is None or task.name in progress.solved):
        end.success(words.finished(lesson.title))
        with end:
            _what_was_found(place)
    with end.popover(tr(words.YOUR_CODE), type="tertiary", icon=":material/key:"):
        st.caption(tr(words.CODE_IN_PANEL))
        st.code(code_of_visit(), language=None, wrap_lines=True)


def _what_was_found(place: Place) -> None:
    """At the end of a lesson: the answers that were found, and the way to the tasks that are open."""
    lesson, solved = place.lesson, progress_of(place.lesson).solved
    asked = [(number, step.task) for number, step in enumerate(lesson.steps) if step.task is not None]
    found = [task.found for _, task in asked if task.name in solved]
    still_open = [number for number, task in asked if task.name not in solved]
    with st.container(key="lesson_found"), st.expander(tr(words.FOUND_OUT), icon=":material/checklist:", expanded=True):
        if found:
            st.markdown(words.found_out(found))
        st.markdown(f"**{lesson.closing}**")
    if still_open:
        st.caption(tr(words.STILL_OPEN))
    with st.container(key="lesson_open", gap=None):
        for number in still_open:
            to = Place(lesson, number)
            st.page_link(to.path, label=to.step.title, icon=":material/help:", query_params=to.link())


def _seen_with() -> str:
    """A line on what the folded sidebar has chosen."""
    choice = choice_of_this_run()
    if choice is None:
        return ""
    return f"  \n{words.seen_with(choice.model.shown_title, literal(choice.picture.said_title))}"
