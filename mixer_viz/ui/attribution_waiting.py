"""Waiting for long computations: a bar for each, and a button to stop it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from mixer_viz.ui.errors import UNEXPECTED
from mixer_viz.ui.jobs import Job, Key, visitor_name

_STOPPED = "_stopped_jobs"  # session state: keys that the visitor stopped, and does not want to see started again
_MAX_STOPPED = 64
POLL = 0.5  # seconds between two looks


def is_stopped(key: Key) -> bool:
    """Whether this visitor stopped it."""
    return key in st.session_state.get(_STOPPED, [])


def stopped_note(title: str, key: Key, place: str) -> None:
    """Says that something was stopped, with a button that starts it again."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"{title} was stopped.")
        st.button("Work it out after all", key=f"again_{place}", on_click=_start_again, args=(key,))


def failed_note(title: str, job: Job[Any]) -> None:
    """One sentence for a computation that broke; its traceback is in the log already."""
    error = job.future.exception()
    st.error(f"{title}: {error}." if isinstance(error, ValueError) else f"{title}: {UNEXPECTED}")


def _start_again(key: Key) -> None:
    st.session_state[_STOPPED] = [each for each in st.session_state.get(_STOPPED, []) if each != key]


def _stop(key: Key, job: Job[Any]) -> None:
    st.session_state[_STOPPED] = [*st.session_state.get(_STOPPED, []), key][-_MAX_STOPPED:]
    job.leave(visitor_name())


@st.fragment(run_every=POLL)
def waiting(jobs: Sequence[tuple[str, Key, Job[Any]]], place: str) -> None:
    """Bars of the jobs (title, key, job) that are at work; the page runs again as soon as one of them is done."""
    for number, (title, key, job) in enumerate(jobs):
        if is_stopped(key) or job.future.done():
            st.rerun()
        job.watch(visitor_name())
        done, total = job.progress
        words = f"{title}: {done:,} of {total:,} passes" if total else f"{title}: waits for the computer"
        bar, button = st.columns([5, 1], vertical_alignment="center")
        bar.progress(done / total if total else 0.0, text=words)
        button.button("Cancel", key=f"cancel_{place}_{number}", on_click=_stop, args=(key, job))
