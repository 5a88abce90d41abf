"""Files that appear at once or not at all."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from safetensors import SafetensorError

from mixer_viz.checkpoints.errors import CheckpointError
from mixer_viz.language import noted


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A place to write to, `path` with `.part` after it, that becomes `path` when the block ends well.

    After a fault nothing is left of it. Raises CheckpointError, one sentence, where the disk is full or does not take
    the file for another reason; what was there before stays.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        yield part
        part.replace(path)
    except (OSError, RuntimeError, SafetensorError) as exc:  # the second is torch's
        reason = exc.strerror if isinstance(exc, OSError) and exc.strerror else noted("it ended in the middle")
        raise CheckpointError(
            noted(
                "{path} could not be written ({reason}); make room on the disk, or write to another folder.",
                path=str(path),
                reason=reason,
            )
        ) from exc
    finally:
        part.unlink(missing_ok=True)
