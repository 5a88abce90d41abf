"""How many bytes of uploads the server keeps for all visitors together."""

from __future__ import annotations

import os
import threading

from streamlit import runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFile

from mixer_viz.images import ImageError
from mixer_viz.ui.compute.caching import kept
from mixer_viz.ui.compute.visitors import is_connected, visitor_name

SETTING = "MIXER_EXPLORER_UPLOADS_MIB"
DEFAULT_MIB = 4096


class UploadError(ImageError):
    """The server has no room for one more upload; one sentence."""


class UploadRoom:
    """What each visitor has brought, one upload of each kind; those who are gone count no more."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._lock = threading.Lock()
        self._bytes: dict[tuple[str, str], int] = {}  # (visitor, kind) -> size

    def take(self, visitor: str, kind: str, size: int) -> bool:
        """Note an upload in the place of this visitor's last one of the kind; False where there is no room for it."""
        with self._lock:
            there = {key: held for key, held in self._bytes.items() if key[0] == visitor or is_connected(key[0])}
            there.pop((visitor, kind), None)
            self._bytes = there
            if sum(there.values()) + size > self.most:
                return False
            self._bytes[visitor, kind] = size
            return True

    def leave(self, visitor: str, kind: str) -> None:
        """This upload is gone."""
        with self._lock:
            self._bytes.pop((visitor, kind), None)


@kept("single")
def _room() -> UploadRoom:
    setting = os.environ.get(SETTING, "")
    return UploadRoom((int(setting) if setting.isdecimal() else DEFAULT_MIB) * 2**20)


def take_room(kind: str, size: int, *files: UploadedFile) -> None:
    """Room for an upload of this visitor; where there is none, drops the files and raises UploadError."""
    if _room().take(visitor_name(), kind, size):
        return
    manager = runtime.get_instance().uploaded_file_mgr if runtime.exists() else None
    if isinstance(manager, MemoryUploadedFileManager):
        for file in files:
            manager.remove_file(visitor_name(), file.file_id)
    raise UploadError(
        f"The people who use this server now have brought {_room().most / 2**30:.3g} GiB, all that it keeps; bring a "
        "smaller file, or try again later."
    )


def leave_room(kind: str) -> None:
    """This visitor's upload of the kind is forgotten."""
    _room().leave(visitor_name(), kind)
