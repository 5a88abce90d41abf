"""Links to steps that look like buttons: a link can be opened anew, kept and sent, and Back undoes it."""

from __future__ import annotations

import streamlit as st

from mixer_viz.ui.lessons.visit import Place

_FIRST_CHOICE = ("next", "start")  # what most people want
BUTTONS = """<style>
[class*=st-key-lesson_go_] { width: auto; }
[class*=st-key-lesson_go_] [data-testid=stPageLink] a { border: 1px solid light-dark(#C2410C, #C74A12);
  border-radius: 0.375rem; padding: 0.25rem 0.75rem; background: transparent; }
[class*=st-key-lesson_go_] [data-testid=stPageLink] a p { font-weight: 400; }
[class*=st-key-lesson_go_first] [data-testid=stPageLink] a { background: light-dark(#C2410C, #C74A12); }
[class*=st-key-lesson_go_first] [data-testid=stPageLink] a :is(p, span) { color: #FFFFFF; }
</style>"""


def go_to(place: Place, label: str, icon: str, kind: str) -> None:
    """Draw the link to a step; `kind` is what it is for, one of each in a run and lesson."""
    rank = "first" if kind in _FIRST_CHOICE else "other"
    with st.container(key=f"lesson_go_{rank}_{kind}_{place.lesson.name}", width="content"):
        st.page_link(place.path, label=label, icon=icon, query_params=place.link())
