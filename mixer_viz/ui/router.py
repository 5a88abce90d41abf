"""Keeps app.py the way in, whichever address is asked for first."""

from __future__ import annotations

from typing import NoReturn

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager


def require_router() -> None:
    """Send a page that Streamlit ran by itself through app.py; the first call of every page.

    Streamlit takes a folder called pages/ for its older kind of multipage app until st.navigation has run once: the
    first deep link after a start would run the bare page, without the sidebar. The older kind is switched off here as
    st.navigation does it, and the same request starts again at app.py. Nothing heavy is imported before.
    """
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()


class EndOfPage(Exception):
    """What `end_page` raises."""


def end_page() -> NoReturn:
    """Leave out the rest of the page's file; what stands around every page is drawn, which `st.stop` would prevent."""
    raise EndOfPage
