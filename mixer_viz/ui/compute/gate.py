"""One computation at a time per device, so that the server keeps answering while many people use it."""

from __future__ import annotations

import collections
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from mixer_viz.ui.compute.caching import kept


class Gate:
    """A device's only place, given in the order of asking: who has it for long can let the others in between.

    A semaphore of Python's would do without the order: who gives it back and asks again at once mostly has it again.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = False
        self._queue: collections.deque[threading.Event] = collections.deque()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the place for one forward or backward pass."""
        self._take()
        try:
            yield
        finally:
            self._give()

    def let_others(self) -> None:
        """Give the place to those who wait, and go on when they are done; only for who holds it."""
        self._give()
        self._take()

    def _take(self) -> None:
        with self._lock:
            if not self._taken:
                self._taken = True
                return
            turn = threading.Event()
            self._queue.append(turn)
        turn.wait()

    def _give(self) -> None:
        with self._lock:
            if self._queue:
                self._queue.popleft().set()  # the place stays taken: by the next one
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
