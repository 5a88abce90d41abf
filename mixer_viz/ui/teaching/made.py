"""What a visit asks for as a file: the run that is kept for it, and the file until another is made.

A browser sends what it likes while a file is being made, and every message starts a run that overtakes the one before.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import streamlit as st
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from mixer_viz.language import current
from mixer_viz.ui.teaching.screen import RECORD, screen

# Session state
_MADE = "_file_made"
_ASKED = "_file_asked"  # name of what is to be made


def record_next_run(page: str) -> None:
    """Keep what the run that follows shows of the page of this title; for callbacks."""
    forget()
    st.session_state[RECORD] = page


@contextlib.contextmanager
def recorded(page: str) -> Iterator[list[ForwardMsg] | None]:
    """What was kept of this page, if that was asked for.

    A run that is overtaken leaves its wishes to the next; one that ends leaves none, of other pages neither.
    """
    here = screen()
    shown, here.recorded = here.recorded, None
    yield shown if st.session_state.get(RECORD) == page else None
    for wish in (RECORD, _ASKED):
        st.session_state.pop(wish, None)


def ask_for(name: str) -> None:
    """Let the run that follows make the file of this name; for callbacks."""
    forget()
    st.session_state[_ASKED] = name


def is_asked_for(name: str) -> bool:
    """Whether this run is to make it: until a run has ended, of whatever page."""
    return bool(st.session_state.get(_ASKED) == name)


def keep(name: str, data: bytes) -> None:
    """Keep the file of this name, made in the language of now, in the place of the one before."""
    st.session_state[_MADE] = (name, current(), data)


def kept(name: str) -> bytes | None:
    """That file, if it is the last one that was made and the language is still the same."""
    *what, data = st.session_state.get(_MADE, ("", "", b""))
    return data if what == [name, current()] else None


def forget() -> None:
    """Another is being made; for callbacks."""
    st.session_state.pop(_MADE, None)
