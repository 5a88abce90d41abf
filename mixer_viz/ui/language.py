"""The language of a visit: what the link says, or what was chosen in the sidebar, or the browser's wish."""

from __future__ import annotations

import urllib.parse

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from mixer_viz.language import LANGUAGES, ask, nearest
from mixer_viz.ui.widgets.links import begin_field, end_field, one_of

KEY = "lang"  # in links, and of the field in the sidebar, which holds the language's own name
_NAMES = {name: code for code, name in LANGUAGES.items()}
_HELD = "_language"  # session state: its code


def begin_language() -> None:
    """Find out whose language it is; the first call of every run of the whole app."""
    ask(_of_visit)
    context = get_script_run_ctx()
    is_back = context is not None and context.is_history_navigation
    if _HELD in st.session_state and not is_back:
        st.session_state[_HELD] = _NAMES.get(st.session_state.get(KEY, ""), st.session_state[_HELD])
        return
    asked = st.query_params.get(KEY, "")
    if is_back and context is not None:  # Streamlit's own copy of the address is still that of before
        asked = (urllib.parse.parse_qs(context.query_string).get(KEY) or [""])[-1]
    st.session_state[_HELD] = asked if asked in LANGUAGES else _wish()


def language_field() -> None:
    """Choose the language; a link says it where the visitor's browser wishes another one."""
    held = LANGUAGES[st.session_state[_HELD]]
    begin_field(KEY, held, one_of(_NAMES))
    label = "Language · 语言"  # for who cannot read the page
    chosen: str = (
        st.segmented_control(
            label, list(_NAMES), default=held, required=True, key=KEY, label_visibility="collapsed", width="stretch"
        )
        or held
    )
    end_field(KEY, chosen, None if _NAMES[chosen] == _wish() else _NAMES[chosen], _NAMES[chosen])


def _wish() -> str:
    return nearest(st.context.locale)


def _of_visit() -> str | None:
    context = get_script_run_ctx(suppress_warning=True)
    if context is None or _HELD not in context.session_state:
        return None
    held: str = context.session_state[_HELD]
    return held
