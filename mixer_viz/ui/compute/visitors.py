"""Who visits: a name for each, whether the browser is still there, and the server's end."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
import uuid
from collections.abc import Callable

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

_VISITOR = "_visitor"
STOP_SECONDS = 2.0  # that a chunk at work may still take when the server stops
_log = logging.getLogger(__name__)


def visitor_name() -> str:
    """A name for this browser tab's visit, the same in all of its runs, and after a short loss of the connection."""
    context = get_script_run_ctx()
    if context is not None and runtime.exists():
        return str(context.session_id)
    name: str = st.session_state.setdefault(_VISITOR, uuid.uuid4().hex)  # tests run pages without a server
    return name


def is_connected(visitor: str) -> bool:
    """Whether this visitor's browser holds its connection to the server, as tabs in the background do, too."""
    return runtime.exists() and runtime.get_instance().is_active_session(visitor)


def number_connected() -> int:
    """How many browser tabs hold their connection to the server."""
    return runtime.get_instance()._session_mgr.num_active_sessions() if runtime.exists() else 0


def when_server_stops(close: Callable[[], None]) -> None:
    """Call `close` once the server has stopped, and end the process STOP_SECONDS later whatever is still at work.

    Python itself would wait for every thread, and those of Streamlit's pages may be in the middle of a long pass; then
    it would take the interpreter away from PyTorch's own threads, at which C++ now and then aborts the process.
    Does nothing where no server runs.
    """
    if runtime.exists():
        threading.Thread(target=_end, args=(close,), name="end").start()  # no daemon: Python waits for it


def _end(close: Callable[[], None]) -> None:
    threading.main_thread().join()  # which serves until it is told to stop
    deadline = time.monotonic() + STOP_SECONDS
    threading.Thread(target=_end_at, args=(deadline,), name="end by force", daemon=True).start()
    close()
    for thread in threading.enumerate():
        if not thread.daemon and thread not in (threading.current_thread(), threading.main_thread()):
            thread.join(max(deadline - time.monotonic(), 0.0))
    atexit._run_exitfuncs()  # temporary folders are removed, logs written
    os._exit(0)


def _end_at(deadline: float) -> None:
    time.sleep(max(deadline - time.monotonic(), 0.0))
    _log.warning("the server stopped while something was at work")
    logging.shutdown()
    os._exit(0)
