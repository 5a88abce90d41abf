"""Zip archives of strangers (`.npz`, and `.pth` since PyTorch 1.6): checked before anything in them is unpacked.

Torch reads them with a library of its own. So that both see the same files in an archive, only the plain form is taken:
one directory, at the end, that begins where it says, and no name twice.
"""

from __future__ import annotations

import contextlib
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from mixer_viz.checkpoints.errors import CheckpointError
from mixer_viz.language import noted

MAX_MEMBERS = 20_000  # four times the tensors that a checkpoint may have: torch keeps one member for each
MAX_DIRECTORY_BYTES = 4 * 1024**2  # of names and places, before Python makes objects of them
MAX_UNPACK_RATIO = 20  # trained weights pack to nine tenths, an all-zero head of Google's a hundred times smaller
FREE_UNPACKED_BYTES = 64 * 1024**2  # what any archive may unpack to, however small it is

_END, _END_64, _LOCATOR_64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_END_BYTES, _LOCATOR_BYTES = 22, 20
# What zipfile, zlib and readers of members raise on broken input; RuntimeError is zipfile's word for an encrypted one.
ARCHIVE_DAMAGE = (
    OSError,
    ValueError,
    EOFError,
    KeyError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
    RuntimeError,
    MemoryError,
)
_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@contextlib.contextmanager
def checked_archive(path: Path, max_bytes: int) -> Iterator[zipfile.ZipFile]:
    """The archive, open for reading, once its directory is plain and what it unpacks to is within the bounds.

    Raises CheckpointError when it unpacks to more than `max_bytes`, to more than MAX_UNPACK_RATIO times its size (and
    FREE_UNPACKED_BYTES), or to more than MAX_MEMBERS files; one of ARCHIVE_DAMAGE where it is broken.
    """
    size = path.stat().st_size
    _check_directory(path, size)
    with zipfile.ZipFile(path) as archive:
        _check_members(archive.infolist())
        _check_unpacked(archive.infolist(), size, max_bytes)
        yield archive


def _check_directory(path: Path, size: int) -> None:
    with path.open("rb") as file:
        file.seek(max(0, size - _END_BYTES - _LOCATOR_BYTES))
        tail = file.read()
        end = tail[-_END_BYTES:]
        if not end.startswith(_END) or len(end) < _END_BYTES:
            raise zipfile.BadZipFile("no directory at the end")
        length, start = struct.unpack("<LL", end[12:20])
        place = size - _END_BYTES
        if tail.startswith(_LOCATOR_64) and len(tail) == _END_BYTES + _LOCATOR_BYTES:
            place = struct.unpack("<Q", tail[8:16])[0]
            file.seek(place)
            record = file.read(56)
            if not record.startswith(_END_64) or place + len(record) != size - len(tail):
                raise zipfile.BadZipFile("the directory's record is not where it should be")
            length, start = struct.unpack("<QQ", record[40:56])
    if start + length != place:
        raise zipfile.BadZipFile("the directory is not where it should be")
    if length > MAX_DIRECTORY_BYTES:
        raise CheckpointError(
            noted(
                "This file is an archive with a directory of {length:,} bytes, more than the {most:,} that "
                "are accepted; save only the state dict of the model.",
                length=length,
                most=MAX_DIRECTORY_BYTES,
            )
        )


def _check_members(members: list[zipfile.ZipInfo]) -> None:
    if len(members) > MAX_MEMBERS:
        raise CheckpointError(
            noted(
                "This file is an archive of {count:,} files, more than the {most:,} that are accepted; "
                "save only the state dict of the model.",
                count=len(members),
                most=MAX_MEMBERS,
            )
        )
    # Torch's reader does not tell upper and lower case apart.
    if len({member.filename.lower() for member in members}) < len(members):
        raise zipfile.BadZipFile("a name occurs twice")
    if any(member.compress_type not in _PACKINGS for member in members):
        raise CheckpointError(
            noted(
                "This file is an archive that is packed as neither NumPy nor PyTorch packs weights; save it again with "
                "one of them, or as .safetensors."
            )
        )


def _check_unpacked(members: list[zipfile.ZipInfo], size: int, max_bytes: int) -> None:
    total = sum(member.file_size for member in members)
    if total > max_bytes:
        raise CheckpointError(
            noted(
                "This file unpacks to {total:,} bytes, more than the {max_bytes:,} that are accepted; "
                "save only the state dict of the model.",
                total=total,
                max_bytes=max_bytes,
            )
        )
    check_ratio(total, size)


def check_ratio(total: int, size: int) -> None:
    """Raise CheckpointError when a file of `size` bytes unpacks to `total`, far more than trained weights do."""
    if total > max(FREE_UNPACKED_BYTES, MAX_UNPACK_RATIO * size):
        raise CheckpointError(
            noted(
                "This file of {size:,} bytes unpacks to {total:,}, more than {most} times as much, which no "
                "trained weights do; save the state dict of the model again, best as .safetensors.",
                size=size,
                total=total,
                most=MAX_UNPACK_RATIO,
            )
        )
