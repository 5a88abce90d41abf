"""Around every page: the line of a teacher's link above it, and the buttons for teachers and for reports."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import streamlit as st

from mixer_viz.language import tr
from mixer_viz.texts.teaching import link as texts
from mixer_viz.ui.sidebar import model_picker, picture_picker
from mixer_viz.ui.teaching import restrictions as names
from mixer_viz.ui.teaching.made import recorded
from mixer_viz.ui.teaching.maker import make_link
from mixer_viz.ui.teaching.report_tools import report_fields
from mixer_viz.ui.teaching.screen import OWN, Screen, leave_restrictions, screen

_STYLE = """<style>
.st-key-teach_tools { position: fixed; top: 0.9rem; right: 7.25rem; width: auto; z-index: 999990; gap: 0.5rem; }
.st-key-teach_tools button { min-height: 1.75rem; padding: 0.2rem 0.6rem; border-radius: 0.375rem; }
.st-key-teach_tools button p { font-size: 0.8125rem; }
/* What opens lies outside of the page, where light-dark() knows no theme. */
[data-testid=stPopoverBody] [data-testid=stButtonGroup] [data-selected=true] p { color: %s; }
</style>"""


@contextlib.contextmanager
def page_tools(page: str) -> Iterator[None]:
    """Draw them around the page of this (English) title; those at the top are drawn last, as they know it then."""
    here = screen()
    if here.restrictions:
        _top_line(here)
    yield
    _tools(page, here)


def _top_line(here: Screen) -> None:
    asked = here.restrictions
    locked, hidden = asked.free is not None, bool(asked.hidden)
    with st.container(key=f"{OWN}line", horizontal=True, vertical_alignment="center", border=True):
        st.markdown(texts.top_line(asked.task, locked, hidden))
        st.button(texts.leave(), key=f"{OWN}leave", on_click=leave_restrictions)


def _tools(page: str, here: Screen) -> None:
    with recorded(page) as shown:
        if names.DOWNLOADS in here.restrictions.hidden:
            return
        st.html(_STYLE % ("#FDBA74" if st.context.theme.type == "dark" else "#9A3412"))
        with st.container(key=f"{OWN}tools", horizontal=True):
            with st.popover(tr("Report")):
                report_fields(page, shown)
            if not here.restrictions:
                with st.popover(tr("Teach")):
                    make_link(here, has_own_file())


def has_own_file() -> bool:
    """Whether what is seen rests on an upload, which no link carries."""
    return bool(
        st.session_state.get("image") == picture_picker.OWN or st.session_state.get("model") == model_picker.OWN
    )
