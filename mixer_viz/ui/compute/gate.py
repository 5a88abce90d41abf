"""One computation at a time per device, so that the server keeps answering while many people use it."""

from __future__ import annotations

import collections
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from mixer_viz.ui.compute.caching import kept
from mixer_viz.ui.serving.metrics import GATE_WAIT, waited

SHORT_TURNS = 3  # of short computations, one after the other, before a long one that waits has a turn


class Gate:
    """A device's only place, given in the order of asking: who has it for long can let the others in between.

    Who asks as a long computation stands in a line of its own, which moves on when nobody else waits, and once after
    every SHORT_TURNS of the others: a page's pass waits for one turn of a long computation, however many there are.
    A semaphore of Python's would do without the order: who gives it back and asks again at once mostly has it again.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = False
        self._queue: collections.deque[threading.Event] = collections.deque()
        self._long_queue: collections.deque[threading.Event] = collections.deque()
        self._short_turns = 0  # since a long computation had one

    @contextmanager
    def held(self, *, long: bool = False) -> Iterator[None]:
        """Hold the place for one forward or backward pass; `long` as for `let_others`."""
        self._take(long)
        try:
            yield
        finally:
            self._give()

    def let_others(self, *, long: bool = False) -> None:
        """Give the place to those who wait, and go on when they are done; only for who holds it.

        `long`: whether to go on as a long computation, after those that are short.
        """
        self._give()
        self._take(long)

    def _take(self, long: bool) -> None:
        with self._lock:
            if not self._taken:
                self._taken = True
                GATE_WAIT.labels("long" if long else "short").observe(0)
                return
            turn = threading.Event()
            (self._long_queue if long else self._queue).append(turn)
        with waited(long):
            turn.wait()

    def _give(self) -> None:
        with self._lock:
            if self._long_queue and (not self._queue or self._short_turns >= SHORT_TURNS):
                self._short_turns = 0
                self._long_queue.popleft().set()  # the place stays taken: by the next one
            elif self._queue:
                self._short_turns += 1
                self._queue.popleft().set()
            else:
                self._taken = False


@kept("device")
def _gate(device: str) -> Gate:
    # One pass already uses all cores or the whole GPU; a second beside it would only slow both down.
    return Gate()


def gate_of(device: torch.device) -> Gate:
    """The gate of a device."""
    return _gate(str(device))


@contextmanager
def computing_on(device: torch.device) -> Iterator[None]:
    """Hold the device's only place for one forward or backward pass."""
    with gate_of(device).held():
        yield
