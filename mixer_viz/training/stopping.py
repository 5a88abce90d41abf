"""Ctrl-C and SIGTERM as a request that the loop meets at the next step."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator


class Stopped(Exception):
    """Ctrl-C or SIGTERM came; everything is saved."""


@contextlib.contextmanager
def on_stop_signals(request_stop: Callable[..., None]) -> Iterator[None]:
    """Both signals call `request_stop(number, frame)` inside the block; the former handlers come back after it."""
    handlers = {number: signal.signal(number, request_stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def leaving_at_once() -> Iterator[None]:
    """Ctrl-C inside the block ends the process with a sentence and status 130: for imports, which take seconds.

    An exception would not do: inside of an import it comes out as a traceback, or as an error of the library's.
    """
    former = signal.getsignal(signal.SIGINT)
    # Other threads cannot set handlers, and who started this in the background may have switched Ctrl-C off.
    if threading.current_thread() is not threading.main_thread() or former is signal.SIG_IGN:
        yield
        return
    signal.signal(signal.SIGINT, _leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)


def _leave(*_: object) -> None:
    sys.stderr.write("\nstopped; nothing was left half-written\n")
    sys.stderr.flush()
    os._exit(130)
