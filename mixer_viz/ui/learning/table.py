"""Who trains what: at most one training for each visitor.

At most MAX_RUNNING train at the same time; others wait until one pauses. A training, finished or not, stays for as long
as its visitor does, and LEFT_SECONDS more, as a lost connection may come back. At most MAX_KEPT of them are there;
beyond that the one goes that nobody has looked at for longest.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from mixer_viz.training.data.pictures import Pictures
from mixer_viz.training.recipe import Recipe
from mixer_viz.ui.compute.caching import kept
from mixer_viz.ui.compute.gate import Gate
from mixer_viz.ui.compute.visitors import is_connected, when_server_stops
from mixer_viz.ui.learning.run import LiveRun

MAX_RUNNING = 8
PACES = (0.5, 1.0, 2.0, 4.0, 8.0)  # seconds between two looks of a page at its training
_DRAWING = 0.4  # of a processor core for drawing, all trainings together: the rest is for learning and for others
_FIRST_GUESS = 0.1  # seconds for one of the two parts that a page draws at each look
_PARTS = 2
MAX_KEPT = 60
LEFT_SECONDS = 120.0


class LiveTable:
    """Who trains what: one run for each visitor; those of who left go when the next one begins."""

    def __init__(self, connected: Callable[[str], bool] = is_connected) -> None:
        self._lock = threading.Lock()
        self._connected = connected
        self._runs: dict[str, LiveRun] = {}
        self._seen: dict[str, float] = {}  # when each visitor was there last
        self._let_go: set[str] = set()
        self._draw_seconds = _FIRST_GUESS

    def run_of(self, visitor: str) -> LiveRun | None:
        with self._lock:
            return self._runs.get(visitor)

    def adopt(self, name: str, visitor: str) -> LiveRun | None:
        """Give the training of that name to this visitor, if the one whose it was has left: a page that was reloaded.

        None for a name that is not there, or whose visitor is.
        """
        with self._lock:
            for owner, run in self._runs.items():
                if run.name == name and owner != visitor and not self._connected(owner):
                    self._runs[visitor] = self._runs.pop(owner)
                    self._seen.pop(owner, None)
                    return run
            return None

    def begin(self, visitor: str, recipe: Recipe, task: Pictures, device: torch.device, gate: Gate) -> LiveRun:
        """A new training for this visitor, in place of the one before."""
        with self._lock:
            for name in [name for name in self._runs if name == visitor or not self._connected(name)]:
                self._forget(name)
            while len(self._runs) >= MAX_KEPT:
                name = min(self._runs, key=lambda each: (self._runs[each].is_running, self._runs[each].looked))
                self._forget(name)
                self._let_go.add(name)
            self._let_go = {name for name in self._let_go if name != visitor and self._connected(name)}
            run = self._runs[visitor] = LiveRun(recipe, task, device, gate, self)
            return run

    @contextmanager
    def drawing(self) -> Iterator[None]:
        """Note what drawing a training costs, which decides how often it is drawn."""
        began = time.thread_time()
        try:
            yield
        finally:
            self._draw_seconds = 0.9 * self._draw_seconds + 0.1 * (time.thread_time() - began)

    def pace(self) -> float:
        """Seconds between two looks, one of PACES: the more train at once, the longer."""
        running = sum(run.is_running for run in list(self._runs.values()))
        wanted = running * _PARTS * self._draw_seconds / _DRAWING
        return next((pace for pace in PACES if pace >= wanted), PACES[-1])

    def was_let_go(self, visitor: str) -> bool:
        """Whether this visitor's training had to make room for others'."""
        return visitor in self._let_go

    @property
    def running(self) -> int:
        """How many trainings run now."""
        return sum(run.is_running for run in list(self._runs.values()))

    def close(self) -> None:
        with self._lock:
            for run in self._runs.values():
                run.close()

    def _forget(self, name: str) -> None:
        self._runs.pop(name).close()
        self._seen.pop(name, None)

    def is_left(self, run: LiveRun) -> bool:
        """Whether its visitor has gone for good; it is forgotten then. Asked by the run, which must not wait for us."""
        name = next((name for name, other in list(self._runs.items()) if other is run), None)
        if name is None:
            return False
        now = time.monotonic()
        if self._connected(name):
            self._seen[name] = now
        elif now - self._seen.setdefault(name, now) > LEFT_SECONDS:
            self._runs.pop(name, None)
            self._seen.pop(name, None)
            return True
        return False

    def may_run(self, run: LiveRun) -> bool:
        others = [other for other in list(self._runs.values()) if other is not run and other.is_running]
        return len(others) < MAX_RUNNING


@kept("single")
def live_table() -> LiveTable:
    """The one table of this server."""
    table = LiveTable()
    when_server_stops(table.close)
    return table
