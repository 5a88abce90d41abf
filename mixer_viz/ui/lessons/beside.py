"""A page with the panel of a lesson beside it, where one is on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from mixer_viz.ui.lessons.visit import keep_progress_in_address, place_of_visit

_FIRST_PAGE = "overview"  # whose address is empty
_NO_PANEL = "lessons"


@contextmanager
def beside_lesson(page: str) -> Iterator[None]:
    """Draw a page with the panel beside it while a lesson is on, and without it otherwise.

    Args:
        page: its address.
    """
    page = page or _FIRST_PAGE
    place = place_of_visit()
    if page == _NO_PANEL:
        yield
        keep_progress_in_address()
        return
    if place is None:
        yield
        return
    # What tasks are judged by imports half a second's worth of libraries, which the first page does without.
    from mixer_viz.ui.lessons.panel import draw_panel

    left, right = st.columns([1, 2.9], gap="medium", wrap=False)
    with left, st.container(key="lesson_panel", border=True, gap="xsmall"):
        finish = draw_panel(place, page)
    try:
        with right:
            yield
    finally:
        finish()
        keep_progress_in_address()
