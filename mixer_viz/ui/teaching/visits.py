"""A visit without a browser: what a page shows in a given state, as messages, for hand-outs of more than one page.

It runs the app as any visitor's browser makes it run, with a session of its own that ends with it, so it computes what
visitors have not computed yet and takes the rest from the same caches.
"""

from __future__ import annotations

import asyncio
import threading
import time
import urllib.parse
import uuid
from collections.abc import Mapping
from typing import Any

from streamlit import runtime
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.fragment import MemoryFragmentStorage
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.scriptrunner import RerunData, ScriptRunner, ScriptRunnerEvent
from streamlit.runtime.scriptrunner.script_cache import ScriptCache
from streamlit.runtime.state import SessionState

from mixer_viz.paths import app_folder
from mixer_viz.ui.compute.jobs import job_table
from mixer_viz.ui.teaching.tree import Node, tree_of

MOST_SECONDS = 180.0  # for one page; in a full class, others stand in the line before it
# Visitors with a browser go first: one of these visits is enough for the computer.
_one_at_a_time = threading.Lock()
_AGAIN_SECONDS = 0.5  # between two looks at what is worked out in the background


class Visit:
    """One visitor without a browser."""

    def __init__(self) -> None:
        self._name = f"hand-out-{uuid.uuid4().hex}"
        self._state = SessionState()
        self._shared: dict[str, Any] = {
            "session_id": self._name,
            "main_script_path": str(app_folder() / "app.py"),
            "uploaded_file_mgr": MemoryUploadedFileManager("/hand-out"),
            "script_cache": ScriptCache(),
            "user_info": {},
        }

    def __enter__(self) -> Visit:
        """Raises TimeoutError where others make their hand-outs for MOST_SECONDS."""
        if not _one_at_a_time.acquire(timeout=MOST_SECONDS):
            raise TimeoutError("other hand-outs are being made")
        return self

    def __exit__(self, *_: object) -> None:
        _one_at_a_time.release()
        job_table().leave_all_but([], self._name)
        if runtime.exists():
            runtime.get_instance().media_file_mgr.clear_session_refs(self._name)  # the next run to end removes them

    def look(self, page: str, query: Mapping[str, str]) -> Node:
        """What the page of this address shows in this state, once nothing of it is being worked out any more.

        Raises TimeoutError after MOST_SECONDS.
        """
        ends = time.monotonic() + MOST_SECONDS
        while True:
            tree = tree_of(self._run(page, query, ends))
            if "exception" in tree.kinds():
                raise RuntimeError(f"the page {page!r} broke; the log has the details")
            if "progress" not in tree.kinds():
                return tree
            if time.monotonic() >= ends:
                raise TimeoutError(f"{page} is still being worked out")
            time.sleep(_AGAIN_SECONDS)

    @property
    def values(self) -> dict[str, Any]:
        """What the fields hold, by their keys."""
        return dict(self._state.filtered_state)

    def _run(self, page: str, query: Mapping[str, str], ends: float) -> list[ForwardMsg]:
        """The messages of one run of the page, of the last one where it ran again by itself."""
        loop = asyncio.new_event_loop()
        asked = RerunData(query_string=urllib.parse.urlencode(query), page_name=page)
        runner = ScriptRunner(
            **self._shared,
            session_state=self._state,
            initial_rerun_data=asked,
            fragment_storage=MemoryFragmentStorage(),
            pages_manager=PagesManager(self._shared["main_script_path"], self._shared["script_cache"]),
            event_loop=loop,
        )
        messages: list[ForwardMsg] = []
        is_over = threading.Event()

        def note(_: object, event: ScriptRunnerEvent, **told: Any) -> None:
            if event == ScriptRunnerEvent.SCRIPT_STARTED and not told.get("fragment_ids_this_run"):
                messages.clear()
            elif event == ScriptRunnerEvent.ENQUEUE_FORWARD_MSG:
                messages.append(told["forward_msg"])
            elif event == ScriptRunnerEvent.SHUTDOWN:
                loop.close()
                is_over.set()

        runner.on_event.connect(note, weak=False)
        runner.start()
        if not is_over.wait(max(0.0, ends - time.monotonic())):
            runner.request_stop()
            raise TimeoutError(f"{page} takes too long")
        return [each for each in messages if each.WhichOneof("type") == "delta"]
