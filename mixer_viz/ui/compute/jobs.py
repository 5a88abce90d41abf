"""Long computations beside the page: shared between visitors, with progress, and stopped once nobody waits for them.

Bounds: 4 at work at a time, the others wait in line; 64 jobs with their results are kept, the oldest one goes first.
"""

from __future__ import annotations

import collections
import logging
import threading
import time
import uuid
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, Generic, TypeVar

import streamlit as st

from mixer_viz.analysis.chunks import AnalysisCancelled, Cancelled, Progress
from mixer_viz.ui.compute.caching import kept
from mixer_viz.ui.compute.gate import Gate

MAX_AT_WORK = 4
MAX_JOBS = 64
PATIENCE = 20.0  # seconds without a sign of any visitor; an open page gives one every half a second
_VISITOR = "_visitor"
_log = logging.getLogger(__name__)

Result = TypeVar("Result")
Key = tuple[Any, ...]
Work = Callable[[Progress, Cancelled], Result]


class Job(Generic[Result]):
    """One computation in a thread of its own; it holds the device's gate, and opens it between its chunks."""

    def __init__(self, work: Work[Result], gate: Gate, visitor: str, executor: ThreadPoolExecutor) -> None:
        self._gate = gate
        self._watchers = {visitor: time.monotonic()}  # before it starts: else it would find nobody waiting
        self.progress = (0, 0)  # (done, total), in passes; (0, 0) while it waits in line
        self.future = executor.submit(self._run, work)  # not kept here: it may hold somebody's pictures

    def watch(self, visitor: str) -> None:
        """A sign that somebody waits for it."""
        self._watchers[visitor] = time.monotonic()

    def leave(self, visitor: str) -> None:
        """This visitor waits no longer; without another one the job stops before its next chunk."""
        self._watchers.pop(visitor, None)

    @property
    def stopped(self) -> bool:
        """Whether it ended because nobody waited."""
        return self.future.done() and isinstance(self.future.exception(), AnalysisCancelled)

    def _abandoned(self) -> bool:
        latest = max(list(self._watchers.values()), default=0.0)
        return time.monotonic() - latest > PATIENCE

    def _report(self, done: int, total: int) -> None:
        self.progress = (done, total)
        if done < total:  # the end gives the place back anyway; a turn more would only keep its result waiting
            self._gate.let_others()

    def _run(self, work: Work[Result]) -> Result:
        if self._abandoned():
            raise AnalysisCancelled("nobody waited for it any longer")
        with self._gate.held():
            try:
                return work(self._report, self._abandoned)
            except Exception as exc:
                if not isinstance(exc, AnalysisCancelled):
                    _log.exception("unexpected error in a computation beside the page")
                # Kept as long as the job, so without frames, which hold what the work holds.
                del work
                exc.__context__ = None
                raise exc.with_traceback(None) from None


class JobTable:
    """All jobs by their keys."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: collections.OrderedDict[Key, Job[Any]] = collections.OrderedDict()
        self._executor = ThreadPoolExecutor(MAX_AT_WORK, thread_name_prefix="job")

    def ask(self, key: Key, work: Work[Result], gate: Gate, visitor: str) -> Job[Result]:
        """The job of this key, started if there is none or if it was stopped."""
        with self._lock:
            job = self._jobs.get(key)
            if job is None or job.stopped:
                job = self._jobs[key] = Job(work, gate, visitor, self._executor)
            job.watch(visitor)
            self._jobs.move_to_end(key)
            while len(self._jobs) > MAX_JOBS:
                self._jobs.popitem(last=False)
            return job

    def result(self, key: Key) -> Any | None:
        """What the job of this key found; None unless it is there, at its end, and without an error."""
        with self._lock:
            job = self._jobs.get(key)
        if job is None or not job.future.done() or job.future.exception() is not None:
            return None
        return job.future.result()

    def leave_all_but(self, keys: Collection[Key], visitor: str) -> None:
        """This visitor waits for these only: what was asked for before is no longer wanted."""
        with self._lock:
            for key, job in self._jobs.items():
                if key not in keys:
                    job.leave(visitor)


@kept("single")
def job_table() -> JobTable:
    """The one table of this server."""
    return JobTable()


def visitor_name() -> str:
    """A name for this browser tab's visit, the same in all of its runs."""
    name: str = st.session_state.setdefault(_VISITOR, uuid.uuid4().hex)
    return name


def wait_shortly(jobs: Collection[Job[Any]], seconds: float) -> None:
    """Give quick jobs the time to finish, so that they need no progress bar."""
    wait([job.future for job in jobs], timeout=seconds)
