"""Waiting for long computations: a bar for each, and a button to stop it."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import streamlit as st

from mixer_viz.language import tr
from mixer_viz.texts import waiting as texts
from mixer_viz.texts.from_files import literal_sentence
from mixer_viz.ui.compute.jobs import Job, Key, job_table
from mixer_viz.ui.compute.visitors import visitor_name
from mixer_viz.ui.serving.logs import note
from mixer_viz.ui.serving.metrics import PAGES
from mixer_viz.ui.widgets.errors import sentence_of

_STOPPED = "_stopped_jobs"  # session state: keys that the visitor stopped, and does not want to see started again
_MAX_STOPPED = 64
_PAGE = "_page_of_jobs"  # session state
_DRAWN = "_page_drawn"  # session state: when the page was drawn last, and how many seconds that took
_REST = 2.0  # times as long as a run of the page, between two of them
POLL = 0.5  # seconds between two looks


@contextmanager
def timed_page(page: str) -> Iterator[None]:
    """Note how long a run of the page takes: with many visitors seconds, which more runs would only make longer."""
    began = time.monotonic()
    try:
        yield
    finally:
        ended = time.monotonic()
        st.session_state[_DRAWN] = (ended, ended - began)
        PAGES.labels(page).observe(ended - began)
        note("page", page=page, seconds=round(ended - began, 3))


def last_run_ended() -> float:
    """When the last run of a page of this visit was over, or broken off; monotonic seconds, 0 before the first."""
    ended, _ = st.session_state.get(_DRAWN, (0.0, 0.0))
    return float(ended)


def run_page_again() -> None:
    """`st.rerun`, unless the visitor has clicked something meanwhile: their wish goes first, a new page above all.

    Streamlit merges the two, and takes the page from the later one, so a click in the sidebar would be undone.
    """
    st.empty()  # Streamlit looks for clicks whenever something is drawn
    st.rerun()


def leave_other_pages(page: str) -> None:
    """Whoever has come to another page waits no longer for what the page before computes."""
    if st.session_state.get(_PAGE, page) != page:
        job_table().leave_all_but([], visitor_name())
    st.session_state[_PAGE] = page


def is_stopped(key: Key) -> bool:
    """Whether this visitor stopped it."""
    return key in st.session_state.get(_STOPPED, [])


def stopped_note(title: str, keys: Sequence[Key], place: str, again: str = texts.START_AGAIN) -> None:
    """Says that something was stopped, with a button that starts it again; `again` is marked, noted or said already."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(tr(texts.STOPPED, title=title))
        st.button(tr(again), key=f"again_{place}", on_click=_start_again, args=(keys,))


def failed_note(title: str, jobs: Sequence[tuple[Key, Job[Any]]], place: str) -> None:
    """One sentence for computations that broke, with a button that starts them again; nothing where none did.

    Their tracebacks are in the log already.
    """
    failed = [(key, job) for key, job in jobs if job.failed]
    if not failed:
        return
    error = failed[0][1].future.exception()
    if error is None:
        return
    is_ours = isinstance(error, ValueError)
    sentence = tr("{sentence}.", sentence=literal_sentence(error)) if is_ours else sentence_of(error)
    st.error(tr(texts.FAILED, title=title, error=sentence))
    keys = [key for key, _ in failed]
    st.button(tr("Try again"), key=f"retry_{place}", on_click=job_table().forget_failed, args=(keys,))


def _start_again(keys: Sequence[Key]) -> None:
    st.session_state[_STOPPED] = [each for each in st.session_state.get(_STOPPED, []) if each not in keys]


def _stop(at_work: Sequence[tuple[Key, Job[Any]]]) -> None:
    keys = [key for key, _ in at_work]
    st.session_state[_STOPPED] = [*st.session_state.get(_STOPPED, []), *keys][-_MAX_STOPPED:]
    for _, job in at_work:
        job.leave(visitor_name())


@dataclasses.dataclass(frozen=True)
class Wait:
    """Computations that one bar stands for."""

    title: str  # said already, or noted
    at_work: Sequence[tuple[Key, Job[Any]]]
    done: int = 0  # how many more of them are done already
    unit: str = texts.PASSES  # of what a single one counts, one of `texts.UNITS`


@st.fragment(run_every=POLL)
def waiting(waits: Sequence[Wait], place: str) -> None:
    """A bar each, with a button to stop it; the page runs again as soon as one computation is done."""
    for number, wait in enumerate(waits):
        if _is_time(wait):
            run_page_again()
        for _, job in wait.at_work:
            job.watch(visitor_name())
        bar, button = st.columns([5, 1], vertical_alignment="center")
        bar.progress(*_progress(wait))
        button.button(tr("Cancel"), key=f"cancel_{place}_{number}", on_click=_stop, args=(wait.at_work,))


def _is_time(wait: Wait) -> bool:
    """Whether the page is to run again; what is done may wait a little for more, where a run takes long."""
    if any(is_stopped(key) or job.stopped or job.failed for key, job in wait.at_work):
        return True
    done = [job.future.done() for _, job in wait.at_work]
    drawn, seconds = st.session_state.get(_DRAWN, (0.0, 0.0))
    return all(done) or (any(done) and time.monotonic() - drawn >= _REST * seconds)


def _progress(wait: Wait) -> tuple[float, str]:
    """How much is done, 0 to 1, and in words."""
    counts = [job.progress for _, job in wait.at_work]
    if not any(total for _, total in counts):
        return wait.done / (wait.done + len(counts)), tr(texts.WAITS, title=wait.title)
    if len(counts) == 1 and not wait.done:
        ((done, total),) = counts
        return done / total, tr(texts.COUNTED, title=wait.title, done=done, total=total, unit=tr(wait.unit))
    share = (wait.done + sum(done / max(total, 1) for done, total in counts)) / (wait.done + len(counts))
    return share, tr(texts.SHARE, title=wait.title, share=100 * share)
