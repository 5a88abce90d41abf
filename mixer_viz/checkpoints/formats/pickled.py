"""PyTorch's own files (`.pt`, `.pth`, ...), read by the weights-only reader so that no code in the file can run.

The pickle inside is scanned first: `pickle_scan.py` says for what.
"""

from __future__ import annotations

import io
import pickle
import re
import threading
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor

from mixer_viz.checkpoints.errors import CheckpointError
from mixer_viz.checkpoints.formats.archives import ARCHIVE_DAMAGE, checked_archive
from mixer_viz.checkpoints.formats.contents import tensors_in
from mixer_viz.checkpoints.formats.pickle_names import SAFE_GLOBALS
from mixer_viz.checkpoints.formats.pickle_scan import UNSAFE, scan
from mixer_viz.checkpoints.formats.pickle_values import Damaged
from mixer_viz.language import noted

MAX_PICKLE_BYTES = 16 * 1024**2  # names, shapes and settings; the numbers lie beside it
_PICKLES_BEFORE_NUMBERS = (
    5  # of the form before PyTorch 1.6: magic number, version, computer, content, names of storages
)
# How torch words its refusal of a class or function; for a broken stream it has other words.
_REFUSED = re.compile(r"GLOBAL|unrecognized function|unsupported class|Can only (?:build|create)")
_LOADING = threading.Lock()  # torch keeps one list of what is let in, for all threads
_DAMAGED = noted(
    "This PyTorch file is damaged, cut short or not a state dict; "
    "download it again or save the model's state dict as .safetensors."
)
_TORCHSCRIPT = noted(
    "This is a TorchScript file, a program with its own code, which is not run here; "
    "save the state dict of the model instead, with torch.save(model.state_dict(), ...)."
)


def read_pickled(path: Path, *, max_bytes: int) -> dict[str, Tensor]:
    """Every tensor in a file written by `torch.save`, those of nested dictionaries under dotted names.

    Counters (tensors without an axis) are left out. Raises CheckpointError when the file is damaged, wants to run
    code, is past the bounds of `archives.py` or `pickle_scan.py`, or unpacks to more than `max_bytes`.
    """
    try:
        with path.open("rb") as file:
            is_archive = file.read(2) == b"PK"
        if is_archive:
            _check_archive(path, max_bytes)
        else:
            _check_old_form(path)
    except CheckpointError:
        raise
    except (Damaged, *ARCHIVE_DAMAGE) as exc:
        raise CheckpointError(_DAMAGED) from exc
    return tensors_in(_load(path, is_archive))


def _check_archive(path: Path, max_bytes: int) -> None:
    with checked_archive(path, max_bytes) as archive:
        sizes = {member.filename: member.file_size for member in archive.infolist()}
        if not all(name.isascii() for name in sizes):  # torch writes none, and compares them byte by byte
            raise Damaged("a name in another alphabet")
        top = next(iter(sizes), "").split("/")[0]
        if f"{top}/constants.pkl" in sizes or any(name.startswith(f"{top}/code/") for name in sizes):
            raise CheckpointError(_TORCHSCRIPT)
        if sizes[f"{top}/data.pkl"] > MAX_PICKLE_BYTES:
            raise CheckpointError(
                noted(
                    "This PyTorch file describes its content in {count:,} bytes, more than the "
                    "{most:,} that are accepted; save only the model's state dict.",
                    count=sizes[f"{top}/data.pkl"],
                    most=MAX_PICKLE_BYTES,
                )
            )
        for storage in scan(io.BytesIO(archive.read(f"{top}/data.pkl"))):
            if sizes[f"{top}/data/{storage.key}"] < storage.num_bytes:
                raise Damaged(f"storage {storage.key} has fewer than {storage.num_bytes} bytes")


def _check_old_form(path: Path) -> None:
    size = path.stat().st_size
    with path.open("rb") as file:
        if file.read(1) != b"\x80":
            raise Damaged("no pickle")
        file.seek(0)
        asked: dict[str, int] = {}  # bytes of each storage
        for _ in range(_PICKLES_BEFORE_NUMBERS):
            for storage in scan(_Bounded(file, MAX_PICKLE_BYTES)):
                asked[storage.key] = max(asked.get(storage.key, 0), storage.num_bytes)
        if sum(asked.values()) > size:
            raise Damaged("it asks for more numbers than it has")


class _Bounded:
    """A file that ends after so many bytes, for a pickle whose own words say how much is to be read."""

    def __init__(self, file: IO[bytes], most: int) -> None:
        self._file, self._left = file, most

    def read(self, count: int = -1) -> bytes:
        return self._counted(self._file.read(min(count, self._left) if count >= 0 else self._left))

    def readline(self) -> bytes:
        return self._counted(self._file.readline(self._left))

    def tell(self) -> int:
        return self._file.tell()

    def _counted(self, data: bytes) -> bytes:
        self._left -= len(data)
        return data


class _Stream(io.BufferedReader):
    """A file without a number, so that torch reads it as a stream: it would try it as a tar archive first."""

    def fileno(self) -> int:
        raise io.UnsupportedOperation("fileno")


def _opened(path: Path, is_archive: bool) -> io.BufferedReader:
    return path.open("rb") if is_archive else _Stream(io.FileIO(path))


def _load(path: Path, is_archive: bool) -> Any:
    try:
        # Opened here, as torch would go by the ending of a path.
        with _LOADING, torch.serialization.safe_globals(SAFE_GLOBALS), _opened(path, is_archive) as file:
            return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as exc:
        if _REFUSED.search(str(exc)):
            raise CheckpointError(noted(UNSAFE, name=noted("of a kind that is not known"))) from exc
        raise CheckpointError(_DAMAGED) from exc
    except Exception as exc:  # broken streams make torch raise nearly anything: struct.error, AssertionError, ...
        raise CheckpointError(_DAMAGED) from exc
