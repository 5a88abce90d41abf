"""What a page offers for download stays while its visitor has it, however busy the other visitors are."""

from __future__ import annotations

import functools
from pathlib import PurePosixPath

from streamlit.runtime import media_file_manager
from streamlit.runtime.media_file_manager import MediaFileManager

_FORMER = "former page of "  # before a session's number: what its page offered when the present run began
_MADE = "made of "  # before the place of a button: the file that its last click made


@functools.lru_cache(maxsize=1)  # once for each process
def keep_files_while_offered() -> None:
    """Let a visitor's files go only when that visitor's own page has been drawn without them.

    Streamlit counts a file as used once a run has drawn it, and every end of anyone's run removes what nobody uses. A
    page that is being drawn has drawn nothing yet, so another visitor's run that ends meanwhile takes away what is
    still on its screen; and a file made by a click is on no page at all, so the second run to end takes it, before a
    busy server has sent it. (Streamlit 1.67, runtime/media_file_manager.py.)
    """
    clear, remove, make = (
        MediaFileManager.clear_session_refs,
        MediaFileManager.remove_orphaned_files,
        MediaFileManager.execute_deferred,
    )

    @functools.wraps(clear)
    def clear_session_refs(self: MediaFileManager, session_id: str | None = None) -> None:
        """Without a number, where a session's run begins; with one, where the session ends."""
        session = session_id or media_file_manager._get_session_id()
        with self._lock:
            former = self._files_by_session_and_coord.pop(_FORMER + session, {})
            if session_id is None:  # a run that was overtaken has not ended: what was there before it is still there
                offered = self._files_by_session_and_coord.get(session, {})
                self._files_by_session_and_coord[_FORMER + session] = former | offered
        clear(self, session_id)

    @functools.wraps(remove)
    def remove_orphaned_files(self: MediaFileManager) -> None:
        with self._lock:
            self._files_by_session_and_coord.pop(_FORMER + media_file_manager._get_session_id(), None)
        remove(self)

    @functools.wraps(make)
    def execute_deferred(self: MediaFileManager, file_id: str) -> str:
        address = make(self, file_id)
        with self._lock:
            button = self._deferred_callables.get(file_id)
            if button is not None:
                for session in (button["session_id"], _FORMER + button["session_id"]):
                    if session in self._files_by_session_and_coord:  # neither is, once the visitor has left
                        files = self._files_by_session_and_coord[session]
                        files[_MADE + button["coordinates"]] = PurePosixPath(address).stem
        return address

    MediaFileManager.clear_session_refs = clear_session_refs  # type: ignore[method-assign]
    MediaFileManager.remove_orphaned_files = remove_orphaned_files  # type: ignore[method-assign]
    MediaFileManager.execute_deferred = execute_deferred  # type: ignore[method-assign]
