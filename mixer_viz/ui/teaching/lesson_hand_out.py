"""A lesson on paper: its steps with the pictures that they speak of, tasks with room to write, answers at the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from mixer_viz.language import current
from mixer_viz.lessons import Lesson, Step, Task
from mixer_viz.texts.teaching import hand_out as texts
from mixer_viz.ui.language import KEY as LANGUAGE
from mixer_viz.ui.teaching.document import Document, Question, TooLargeError, question_html
from mixer_viz.ui.teaching.elements import Page
from mixer_viz.ui.teaching.made import ask_for, is_asked_for, keep, kept
from mixer_viz.ui.teaching.markdown import to_html, to_inline_html
from mixer_viz.ui.teaching.report_tools import made_with
from mixer_viz.ui.teaching.restrictions import DOWNLOADS
from mixer_viz.ui.teaching.screen import OWN, restrictions
from mixer_viz.ui.teaching.tree import Node
from mixer_viz.ui.teaching.visits import Visit
from mixer_viz.ui.widgets.errors import one_sentence
from mixer_viz.ui.widgets.links import LESSON, STEP

_FIRST_PAGE = "overview"  # whose address is empty
_SHOWN = {"bidi_component", "plotly_chart", "table", "imgs"}
_NEAR = 10  # elements behind a field in which its picture is looked for
_LINES = {"number": 1, "click": 2, "reach": 3}
_TASK_PICTURE = "lesson_picture"


def hand_out_button(lesson: Lesson) -> None:
    """The button that makes it, and in the run that follows the one that downloads it."""
    if DOWNLOADS in restrictions().hidden:
        return
    name = f"{lesson.name}.html"
    st.button(texts.make(), key=f"{OWN}lesson_{lesson.name}", on_click=ask_for, args=(name,))
    if is_asked_for(name):
        _make(lesson, name)
    if (data := kept(name)) is not None:
        label = texts.download(len(data) / 1e6)
        st.download_button(label, data, name, "text/html", on_click="ignore", key=f"{OWN}paper_{lesson.name}")


def _make(lesson: Lesson, name: str) -> None:
    bar = st.progress(0.0, texts.making(lesson.title))

    def tell(share: float) -> None:
        bar.progress(share, texts.making(lesson.title))

    with one_sentence():
        try:
            keep(name, lesson_hand_out(lesson, tell))
        except TimeoutError:
            st.warning(texts.too_slow())
        except TooLargeError:
            st.warning(texts.too_large())
    bar.empty()


def lesson_hand_out(lesson: Lesson, tell: Callable[[float], None]) -> bytes:
    """The lesson as one file; `tell` hears how much is done, 0 to 1.

    Raises TimeoutError where the page of a step takes too long, TooLargeError, and RuntimeError where a page breaks.
    """
    parts, has_charts, number, place = [f"<h1>{to_inline_html(lesson.title)}</h1>{to_html(lesson.aim)}"], False, 0, 0
    for chapter in lesson.chapters:
        parts.append(f"<h2>{to_inline_html(chapter.title)}</h2>")
        for step in chapter.steps:
            tell(place / len(lesson.steps))
            place, number = place + 1, number + (step.task is not None)
            made, needs_plotly = step_html(lesson, step, number)
            parts.append(made)
            has_charts = has_charts or needs_plotly
    return Document(
        title=f"{lesson.title} – Mixer explorer",
        facts={texts.lesson(): lesson.title, texts.time(): texts.minutes(lesson.minutes), **made_with()},
        body=f'<div class="steps">{"".join(parts)}</div>',
        answers=[to_plain(task.solution) for task in lesson.tasks],
        has_charts=has_charts,
    ).render()


def step_html(lesson: Lesson, step: Step, number: int) -> tuple[str, bool]:
    """One step with what it marks on its page, and whether that has a chart; `number` is that of its task, from 1."""
    page_name = "" if step.state.page == _FIRST_PAGE else step.state.page
    with Visit() as visit:
        shown = visit.look(
            page_name, {**dict(step.state.parameters), LESSON: lesson.name, STEP: step.name, LANGUAGE: current()}
        )
        page = Page(visit.values, _selected(visit.values))
    marked = page.beside_each_other(marked_in(shown, [mark.key for mark in step.marks]))
    marked += "".join(page.html_of(node) for key in step.paper.split() if (node := shown.find(key)) is not None)
    made = f"<h3>{to_inline_html(step.title)}</h3>{to_html(step.text)}{marked}"
    if step.notice:
        made += to_html(texts.notice(step.notice))
    if step.task is not None:
        made += page.html_of(shown.find(_TASK_PICTURE) or Node()) + _task_html(step.task, number)
    return f"<section>{made}</section>", page.has_charts


def marked_in(shown: Node, keys: Sequence[str]) -> list[Node]:
    """What has these keys; where that shows nothing by itself, as a field, what follows it as well."""
    found = [node for key in keys if (node := shown.find(key)) is not None]
    if not found or any(node.kinds() & _SHOWN for node in found):
        return found
    units = list((shown.page() or shown).units())
    place = next((place for place, unit in enumerate(units) if unit.find(keys[0]) is not None), len(units))
    follows = [unit for unit in units[place : place + _NEAR] if unit.kinds() & _SHOWN][:1]
    return follows if follows and follows[0].find(keys[0]) is not None else [*found, *follows]


def _task_html(task: Task, number: int) -> str:
    question = Question(to_plain(task.question), options=tuple(to_plain(option.text) for option in task.options))
    return question_html(question, number, _LINES.get(task.kind, 2))


def _selected(values: dict[str, object]) -> dict[str, int]:
    found = {kind: values.get(kind) for kind in ("token", "unit", "layer", "channel")}
    return {kind: value for kind, value in found.items() if isinstance(value, int)}


def to_plain(text: str) -> str:
    """A lesson's Markdown without its marks, for places that hold plain text."""
    return text.replace("**", "").replace("`", "")
