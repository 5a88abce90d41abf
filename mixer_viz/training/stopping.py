"""Ctrl-C and SIGTERM as a request that the loop meets at the next step."""

from __future__ import annotations

import contextlib
import signal
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
