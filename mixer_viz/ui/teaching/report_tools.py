"""The button for a report, and what is made of the run that follows a click on it."""

from __future__ import annotations

import datetime
import platform
import re
import urllib.parse
from collections.abc import Sequence
from typing import Any

import plotly
import streamlit as st
import torch
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from mixer_viz import __version__
from mixer_viz.language import SOURCE, current, tr
from mixer_viz.texts.from_files import visible
from mixer_viz.texts.teaching import report as texts
from mixer_viz.ui.choices import Choice
from mixer_viz.ui.compute import cached
from mixer_viz.ui.language import KEY as LANGUAGE
from mixer_viz.ui.teaching.document import Document, Question, TooLargeError, task_list
from mixer_viz.ui.teaching.elements import Page
from mixer_viz.ui.teaching.made import keep, kept, record_next_run
from mixer_viz.ui.teaching.screen import OWN, restrictions
from mixer_viz.ui.teaching.tree import tree_of
from mixer_viz.ui.widgets.errors import one_sentence
from mixer_viz.ui.widgets.links import PROGRESS
from mixer_viz.ui.widgets.selection import CHANNEL, LAYER, TOKEN, UNIT

_MOST_LETTERS, _MOST_TASKS = 2_000, 20


def report_fields(title: str, shown: Sequence[ForwardMsg] | None) -> None:
    """The fields; `shown` is what the page of this title has just sent, where a report was asked for.

    Titles are those of pages, in English.
    """
    st.markdown(texts.intro())
    st.caption(texts.for_a_hand_out())
    tasks = st.text_area(tr("Tasks"), key=f"{OWN}tasks", max_chars=_MOST_LETTERS, height=90)
    answers = ""
    if tasks.strip():
        answers = st.text_area(tr("Their answers"), key=f"{OWN}answers", max_chars=_MOST_LETTERS, height=90)
    st.button(tr("Make the report"), key=f"{OWN}make", on_click=record_next_run, args=(title,))
    name = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") + ".html"
    seen = f"{name}?{_query()}"  # with another choice, it would be another report
    if shown is not None:
        with one_sentence():
            try:
                keep(seen, page_report(title, shown, questions_of(tasks, answers)))
            except TooLargeError:
                st.warning(texts.too_large())
    if (data := kept(seen)) is not None:
        label = texts.download(len(data) / 1e6)
        st.download_button(label, data, name, "text/html", on_click="ignore", key=f"{OWN}report")
        st.caption(texts.as_it_was())


def questions_of(tasks: str, answers: str) -> list[Question]:
    """Tasks and answers of two fields, line by line."""
    asked = [line.strip() for line in tasks.splitlines() if line.strip()][:_MOST_TASKS]
    told = [line.strip() for line in answers.splitlines() if line.strip()]
    return [Question(text, told[number] if number < len(told) else "") for number, text in enumerate(asked)]


def page_report(title: str, shown: Sequence[ForwardMsg], questions: Sequence[Question] = ()) -> bytes:
    """The page of this title as a file, from what it has sent in this run; raises TooLargeError."""
    choice: Choice | None = st.session_state.get("_choice_of_this_run")
    held = {kind: st.session_state.get(kind) for kind in (TOKEN, UNIT, LAYER, CHANNEL)}
    page = Page(st.session_state.to_dict(), {kind: value for kind, value in held.items() if isinstance(value, int)})
    body = page.html_of(tree_of(shown))
    return Document(
        title=f"{tr(title)} – Mixer explorer",
        facts=_facts(title, choice, page.choices),
        body=body + task_list(questions),
        picture=None if choice is None else cached.thumbnail_of(choice.picture),
        link=_address(),
        answers=[question.answer for question in questions],
        note=texts.unfinished() if page.is_unfinished else "",
        has_charts=page.has_charts,
    ).render()


def _facts(title: str, choice: Choice | None, choices: dict[str, str]) -> dict[str, str]:
    facts = {tr("Page"): tr(title)}
    if choice is not None:
        facts |= {tr("Model"): visible(tr(choice.model.title)), tr("Picture"): visible(choice.picture.said_title)}
        if choice.picture.credit:
            facts[tr("Credit")] = tr(choice.picture.credit)
    if task := restrictions().task:
        facts[tr("Task")] = task
    facts[tr("Choices")] = tr("; ").join(texts.choice(label, value) for label, value in choices.items())
    return {name: value for name, value in (facts | made_with()).items() if value}


def made_with() -> dict[str, str]:
    """Versions and date, which every file says."""
    versions = f"Mixer explorer {__version__}, PyTorch {torch.__version__}, plotly {plotly.__version__}"
    now = datetime.datetime.now(datetime.UTC)
    return {
        tr("Versions"): f"{versions}, Python {platform.python_version()}",
        tr("Made"): f"{now:%Y-%m-%d %H:%M} UTC",
    }


def _address() -> str:
    """The link to what is seen; empty where the browser has not told its address."""
    base: Any = st.context.url
    if not str(base).startswith(("http://", "https://")):
        return ""
    query = _query()
    return f"{base}?{query}" if query else str(base)


def _query() -> str:
    said = {key: st.query_params.get_all(key) for key in st.query_params if key != PROGRESS}
    if current() != SOURCE:
        said[LANGUAGE] = [current()]  # whoever reads the report may have a browser that wishes another one
    return urllib.parse.urlencode(said, doseq=True)
