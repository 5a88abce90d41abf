"""Which values of a link do not exist here: Streamlit drops them from the address and takes the default in silence."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from mixer_viz.texts.from_files import literal

_LINK = "_link"  # session state: what the address said when the visit began; {} once it was looked at
_NOTE, _PAGE = "_link_note", "_page_of_link_note"
_MOST_NOTED = 5
_HAVE_NOTES = ("Your picture", "Your checkpoint")  # the sidebar says what became of these


def remember_link() -> None:
    """Keep what the address asks for, before any field has read it; the first call of every run."""
    if _LINK not in st.session_state:
        st.session_state[_LINK] = {key: st.query_params.get_all(key) for key in st.query_params}


def reword_link(key: str, value: str) -> None:
    """Take what the link says of a field for `value`, as the field calls it today; before the field is drawn."""
    st.session_state[key] = value
    if key in st.session_state.get(_LINK, {}):
        st.session_state[_LINK][key] = [value]


def note_what_is_missing(place: DeltaGenerator, page: str) -> None:
    """Say at `place`, once the page is drawn, which values of the link no field has taken; until the page changes."""
    if link := st.session_state.get(_LINK):
        missing = [
            f"{key} = {value}"
            for key, values in link.items()
            for value in values
            if key in st.session_state and value not in _HAVE_NOTES and not _took(st.session_state[key], value)
        ]
        st.session_state[_LINK] = {}
        st.session_state[_NOTE], st.session_state[_PAGE] = missing, page
    if st.session_state.get(_PAGE) != page:
        st.session_state.pop(_NOTE, None)
    if missing := st.session_state.get(_NOTE, []):
        listed = "; ".join(literal(each, 60) for each in missing[:_MOST_NOTED])
        more = f" and {len(missing) - _MOST_NOTED} more" if len(missing) > _MOST_NOTED else ""
        place.warning(f"The link asked for what is not here, so something else is shown: {listed}{more}.")


def _took(held: object, value: str) -> bool:
    """Whether a field holds what the link says of it."""
    if isinstance(held, bool):
        return value.lower() == str(held).lower()
    if isinstance(held, int | float):
        with contextlib.suppress(ValueError):
            return float(value) == held
        return False
    if isinstance(held, Sequence) and not isinstance(held, str):
        return value in [str(each) for each in held]
    return value == str(held)
