"""Long computations beside the page: shared between visitors, with progress, and stopped once nobody waits for them.

Bounds: MAX_SHORT at work at a time, the others wait in line. One that has computed for LONG_AFTER seconds leaves its
place to the next in line and goes on behind the short ones, up to MAX_AT_WORK in all. What people look at first goes
first: what is asked for as `later` has a line of its own, which moves on when the first is empty, and once after every
FIRST_TURNS of it. What somebody waits for or looks at is kept; of the rest MAX_JOBS, the oldest goes first; and of all
results MAX_RESULT_BYTES.
"""

from __future__ import annotations

import collections
import logging
import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import Future, wait
from typing import Any, Generic, TypeVar

from mixer_viz.analysis.chunks import AnalysisCancelled, Cancelled, Progress
from mixer_viz.ui.compute.caching import kept
from mixer_viz.ui.compute.gate import Gate
from mixer_viz.ui.compute.result_size import size_of
from mixer_viz.ui.compute.visitors import is_connected, when_server_stops
from mixer_viz.ui.serving.metrics import JOBS

MAX_SHORT = 4
MAX_AT_WORK = 32  # between two chunks a job has sums and its picture: B/16 some MB
LONG_AFTER = 1.0  # seconds of computing
FIRST_TURNS = 8  # jobs of the first line that start, one after the other, before one of the later line that waits
MAX_JOBS = 64
MAX_RESULT_BYTES = 512 * 2**20
# Seconds after the last sign of a visitor who is not connected. A sign alone would not do: browsers let tabs in the
# background give one a minute.
PATIENCE = 20.0
_log = logging.getLogger(__name__)

Result = TypeVar("Result")
Key = tuple[Any, ...]
Work = Callable[[Progress, Cancelled], Result]
Connected = Callable[[str], bool]


class Job(Generic[Result]):
    """One computation in a thread of its own; it holds the device's gate, and opens it between its chunks."""

    def __init__(self, work: Work[Result], gate: Gate, visitor: str, connected: Connected) -> None:
        self._work: Work[Result] | None = work  # until it starts: it may hold somebody's pictures
        self._gate, self._connected = gate, connected
        self._watchers = {visitor: time.monotonic()}  # before it starts: else it would find nobody waiting
        self._turn_began = self._computed = 0.0  # seconds
        self._cancelled = False
        self.progress = (0, 0)  # (done, total), in passes; (0, 0) while it waits in line
        self.result_bytes = 0
        self.when_long: Callable[[], None] = lambda: None  # called once
        self.is_long = False
        self.future: Future[Result] = Future()

    def watch(self, visitor: str) -> None:
        """A sign that somebody waits for it."""
        self._watchers[visitor] = time.monotonic()

    def leave(self, visitor: str) -> None:
        """This visitor waits no longer; without another one the job stops before its next chunk."""
        self._watchers.pop(visitor, None)

    def cancel(self) -> None:
        """Stop it before its next chunk, whoever waits."""
        self._cancelled = True

    @property
    def stopped(self) -> bool:
        """Whether it ended because nobody waited."""
        return self.future.done() and isinstance(self.future.exception(), AnalysisCancelled)

    @property
    def failed(self) -> bool:
        """Whether it ended in an error."""
        return self.future.done() and self.future.exception() is not None and not self.stopped

    @property
    def state(self) -> str:
        """ "waiting" in line, "at work", "done", "stopped" or "failed"."""
        if self.future.done():
            return "stopped" if self.stopped else "failed" if self.failed else "done"
        return "at work" if self._work is None else "waiting"

    @property
    def watched(self) -> bool:
        """Whether anybody waits for it or looks at it."""
        now = time.monotonic()
        return any(now - sign <= PATIENCE or self._connected(who) for who, sign in list(self._watchers.items()))

    def run(self) -> None:
        """Work it out, once, in the calling thread; ends with the future done."""
        work, self._work = self._work, None
        try:
            if work is None or self._unwanted():
                raise AnalysisCancelled("nobody waited for it any longer")
            with self._gate.held():
                self._turn_began = time.monotonic()
                result = work(self._report, self._unwanted)
            self.result_bytes = size_of(result)
        except BaseException as exc:
            if not isinstance(exc, AnalysisCancelled):
                _log.exception("unexpected error in a computation beside the page")
            # Kept as long as the job, so without frames, which hold what the work holds.
            del work
            exc.__context__ = None
            self.future.set_exception(exc.with_traceback(None))
        else:
            self.future.set_result(result)

    def _unwanted(self) -> bool:
        return self._cancelled or not self.watched

    def _report(self, done: int, total: int) -> None:
        self.progress = (done, total)
        self._computed += time.monotonic() - self._turn_began
        if self._computed > LONG_AFTER and not self.is_long:
            self.is_long = True
            self.when_long()
        if done < total:  # the end gives the place back anyway; a turn more would only keep its result waiting
            self._gate.let_others(long=self.is_long)
        self._turn_began = time.monotonic()


class JobTable:
    """All jobs by their keys; `connected` tells whether a visitor's browser is there."""

    def __init__(self, connected: Connected = is_connected) -> None:
        self._lock = threading.RLock()
        self._connected = connected
        self._jobs: collections.OrderedDict[Key, Job[Any]] = collections.OrderedDict()
        self._first: collections.deque[Job[Any]] = collections.deque()
        self._later: collections.deque[Job[Any]] = collections.deque()
        self._first_turns = 0  # since one of the later line started
        self._short = self._at_work = 0
        self._closed = False

    def ask(self, key: Key, work: Work[Result], gate: Gate, visitor: str, *, later: bool = False) -> Job[Result]:
        """The job of this key, started if there is none or if it was stopped; `later`: behind everyone's other jobs."""
        with self._lock:
            job = self._jobs.get(key)
            if job is None or job.stopped:
                job = self._jobs[key] = Job(work, gate, visitor, self._connected)
                job.when_long = self._one_is_long
                (self._later if later else self._first).append(job)
            job.watch(visitor)
            self._jobs.move_to_end(key)
            self._start_next()
            self._make_room()
            return job

    def is_new(self, key: Key) -> bool:
        """Whether asking for it would start a computation."""
        with self._lock:
            return key not in self._jobs or self._jobs[key].stopped

    @property
    def waiting(self) -> int:
        """How many computations wait in line for a place."""
        return len(self._first) + len(self._later)

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

    def forget_failed(self, keys: Collection[Key]) -> None:
        """Whoever asks for one of these again starts it again; those at work or well done stay."""
        self.forget([key for key in keys if key in self._jobs and self._jobs[key].failed])

    def forget(self, keys: Collection[Key]) -> None:
        """Keep what these have found no longer; those at work stay."""
        with self._lock:
            for key in keys:
                if key in self._jobs and self._jobs[key].future.done():
                    del self._jobs[key]

    def states(self) -> dict[str, int]:
        """How many computations there are in each state."""
        with self._lock:
            states = [job.state for job in self._jobs.values()]
        return {state: states.count(state) for state in ("waiting", "at work", "done", "stopped", "failed")}

    @property
    def result_bytes(self) -> int:
        """Of all results that are kept."""
        with self._lock:
            return sum(job.result_bytes for job in self._jobs.values())

    def close(self) -> None:
        """Start nothing any more, and stop all that is at work before its next chunk."""
        with self._lock:
            self._closed = True
            for job in self._jobs.values():
                job.cancel()

    def _start_next(self) -> None:
        while self._short < MAX_SHORT and self._at_work < MAX_AT_WORK and not self._closed:
            job = self._next_in_line()
            if job is None:
                return
            self._short += 1
            self._at_work += 1
            # A thread of the daemon kind, so that the server need not wait for it at its end.
            threading.Thread(target=self._run, args=(job,), name="job", daemon=True).start()

    def _next_in_line(self) -> Job[Any] | None:
        if self._later and (not self._first or self._first_turns >= FIRST_TURNS):
            self._first_turns = 0
            return self._later.popleft()
        if not self._first:
            return None
        self._first_turns += 1
        return self._first.popleft()

    def _run(self, job: Job[Any]) -> None:
        job.run()
        JOBS.labels(job.state).inc()
        with self._lock:
            self._short -= not job.is_long
            self._at_work -= 1
            self._start_next()
            self._make_room()

    def _one_is_long(self) -> None:
        with self._lock:
            self._short -= 1
            self._start_next()

    def _make_room(self) -> None:
        """Forget what is done and nobody looks at, the oldest first; beyond the bytes also what somebody looks at."""
        size = sum(job.result_bytes for job in self._jobs.values())
        if len(self._jobs) <= MAX_JOBS and size <= MAX_RESULT_BYTES:
            return
        done = [key for key, job in self._jobs.items() if job.future.done()]
        watched = [key for key in done if self._jobs[key].watched]
        unwatched = [key for key in done if key not in set(watched)]
        for key in unwatched[: max(0, len(unwatched) - MAX_JOBS)]:
            size -= self._jobs.pop(key).result_bytes
        for key in [*unwatched, *watched[:-1]]:  # not the newest: it would never be seen
            if size <= MAX_RESULT_BYTES:
                return
            if key in self._jobs:
                size -= self._jobs.pop(key).result_bytes


@kept("single")
def job_table() -> JobTable:
    """The one table of this server."""
    table = JobTable()
    when_server_stops(table.close)
    return table


def wait_shortly(jobs: Collection[Job[Any]], seconds: float) -> None:
    """Give quick jobs the time to finish, so that they need no progress bar."""
    wait([job.future for job in jobs], timeout=seconds)
