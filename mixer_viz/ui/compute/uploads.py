"""How many bytes of uploads the server keeps: of one file, of one visitor, of all visitors together."""

from __future__ import annotations

import threading

from streamlit import runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFile

from mixer_viz.images import ImageError
from mixer_viz.language import noted
from mixer_viz.ui.compute.caching import kept
from mixer_viz.ui.compute.visitors import is_connected, visitor_name
from mixer_viz.ui.serving.logs import note
from mixer_viz.ui.serving.settings import settings

MIB = 2**20


class UploadError(ImageError):
    """The server has no room for one more upload; one sentence."""


class UploadRoom:
    """What each visitor has brought, one upload of each kind; those who are gone count no more."""

    def __init__(self, most: int, most_of_one: int | None = None) -> None:
        self.most, self.most_of_one = most, most if most_of_one is None else most_of_one
        self._lock = threading.Lock()
        self._bytes: dict[tuple[str, str], int] = {}  # (visitor, kind) -> size

    def take(self, visitor: str, kind: str, size: int) -> str:
        """Note an upload in the place of this visitor's last one of the kind.

        Returns whose bound leaves no room for it, "visitor" or "all", and "" where it is noted.
        """
        with self._lock:
            there = {key: held for key, held in self._bytes.items() if key[0] == visitor or is_connected(key[0])}
            there.pop((visitor, kind), None)
            self._bytes = there
            if sum(held for (who, _), held in there.items() if who == visitor) + size > self.most_of_one:
                return "visitor"
            if sum(there.values()) + size > self.most:
                return "all"
            self._bytes[visitor, kind] = size
            return ""

    def leave(self, visitor: str, kind: str) -> None:
        """This upload is gone."""
        with self._lock:
            self._bytes.pop((visitor, kind), None)

    @property
    def held(self) -> int:
        """Bytes of those who are there."""
        with self._lock:
            return sum(size for (visitor, _), size in self._bytes.items() if is_connected(visitor))


@kept("single")
def upload_room() -> UploadRoom:
    """The one of this server."""
    return UploadRoom(settings().uploads_mib * MIB, settings().visitor_mib * MIB)


def take_room(kind: str, size: int, *files: UploadedFile) -> None:
    """Room for an upload of this visitor; where there is none, drops the files and raises UploadError."""
    full = upload_room().take(visitor_name(), kind, size)
    note("upload", kind=kind, bytes=size, refused=full or "no")
    if not full:
        return
    manager = runtime.get_instance().uploaded_file_mgr if runtime.exists() else None
    if isinstance(manager, MemoryUploadedFileManager):
        for file in files:
            manager.remove_file(visitor_name(), file.file_id)
    if full == "visitor":
        raise UploadError(
            noted(
                "This server keeps {size} of one visitor's files, and with this one yours would be more; bring a "
                "smaller file.",
                size=_in_words(upload_room().most_of_one),
            )
        )
    raise UploadError(
        noted(
            "The people who use this server now have brought {size}, all that it keeps; bring a smaller file, or try "
            "again later.",
            size=_in_words(upload_room().most),
        )
    )


def _in_words(size: int) -> str:
    return f"{size / 2**30:.3g} GiB" if size >= 2**30 else f"{size / MIB:.3g} MiB"


def leave_room(kind: str) -> None:
    """This visitor's upload of the kind is forgotten."""
    upload_room().leave(visitor_name(), kind)
