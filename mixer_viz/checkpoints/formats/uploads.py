"""Bytes from a browser -> a file that the readers can open, for as long as it is needed."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from mixer_viz.checkpoints.errors import CheckpointError
from mixer_viz.checkpoints.formats.files import SUFFIXES

UPLOAD_TYPES = [suffix.removeprefix(".") for suffix in SUFFIXES]  # as a file dialog names them
MAX_UPLOAD_BYTES = 1024**3  # an upload lies in memory and on disk at once; L/16 in float32 has 833 MB


@contextlib.contextmanager
def uploaded_file(data: bytes, filename: str) -> Iterator[Path]:
    """The bytes as a weight file alone in a folder of its own, both gone at the end.

    Of `filename` only the ending is used, to tell the format. Raises CheckpointError for an ending that is not that of
    a weight file and for more than `MAX_UPLOAD_BYTES`.
    """
    suffix = Path(filename).suffix.lower()
    if suffix not in SUFFIXES:
        suffix = suffix[:20] or "without an ending"
        raise CheckpointError(f"Files of type {suffix!r} cannot be read; upload one of {', '.join(SUFFIXES)}.")
    if len(data) > MAX_UPLOAD_BYTES:
        raise CheckpointError(
            f"This upload has {len(data):,} bytes, more than the {MAX_UPLOAD_BYTES:,} that are accepted; "
            "save the state dict alone, or in half precision."
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "upload").with_suffix(suffix)
        path.write_bytes(data)
        yield path
