"""Bytes from a browser -> a file that the readers can open, for as long as it is needed."""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from mixer_viz.checkpoints.errors import CheckpointError
from mixer_viz.checkpoints.formats.files import check_whole
from mixer_viz.language import noted

UPLOAD_STEM = "upload"  # what a file is called here
MAX_UPLOAD_BYTES = 1024**3  # an upload lies in memory and on disk at once; L/16 in float32 has 833 MB


@contextlib.contextmanager
def uploaded_file(data: bytes, filename: str) -> Iterator[Path]:
    """The bytes as a weight file alone in a folder of its own, both gone at the end.

    Of `filename` only the ending is used, for the words of an error: the content says which format it is. Raises
    CheckpointError for more than `MAX_UPLOAD_BYTES`, for one of several parts of a model, and for a full disk.
    """
    check_whole(filename)
    if len(data) > MAX_UPLOAD_BYTES:
        raise CheckpointError(
            noted(
                "This upload has {count:,} bytes, more than the {most:,} that are accepted; "
                "save the state dict alone, or in half precision.",
                count=len(data),
                most=MAX_UPLOAD_BYTES,
            )
        )
    suffix = Path(filename).suffix.lower()
    with contextlib.ExitStack() as stack:
        try:
            folder = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
            path = Path(folder, UPLOAD_STEM).with_suffix(suffix if re.fullmatch(r"\.[a-z0-9]{1,20}", suffix) else "")
            path.write_bytes(data)
        except OSError as exc:
            raise CheckpointError(
                noted(
                    "This upload could not be stored on the server ({reason}); "
                    "make room in its temporary folder and try again.",
                    reason=exc.strerror or type(exc).__name__,
                )
            ) from exc
        yield path
