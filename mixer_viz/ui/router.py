"""Keeps app.py the way in, whichever address is asked for first."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.scriptrunner import get_script_run_ctx


def require_router() -> None:
    """Send a page that Streamlit ran by itself through app.py; the first call of every page.

    Streamlit takes a folder called pages/ for its older kind of multipage app until st.navigation has run once: the
    first deep link after a start would run the bare page, without the sidebar. The older kind is switched off here as
    st.navigation does it, and the same request starts again at app.py. Nothing heavy is imported before.
    """
    if PagesManager.uses_pages_directory or _is_bare():
        PagesManager.uses_pages_directory = False
        st.rerun()


def _is_bare() -> bool:
    """Whether Streamlit runs the page by itself; then it lists app.py among the pages.

    The switch alone does not say: of two first visitors at once, the other one may just have turned it off.
    """
    context = get_script_run_ctx()
    if context is None:
        return False
    main = Path(context.pages_manager.main_script_path).resolve()
    pages = context.pages_manager.get_pages().values()
    return any(Path(page["script_path"]).resolve() == main for page in pages)
