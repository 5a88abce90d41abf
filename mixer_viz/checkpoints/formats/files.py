"""A weight file -> its tensors, for `.safetensors`, `.npz`, `.pt` and `.pth`; no file can run code or fill the memory.

A file may come from a stranger. Nothing is unpickled except by torch's weights-only reader, the sizes a file declares
are added up before anything of that size is read, and the number of tensors is bounded.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor

from mixer_viz.checkpoints.errors import CheckpointError
from mixer_viz.checkpoints.formats.npz import read_npz
from mixer_viz.checkpoints.formats.pickled import read_pickled

MAX_CHECKPOINT_BYTES = 2 * 1024**3  # H/14, the largest Mixer of the paper, has 1.7 GB of float32 weights
MAX_PARAMETERS = MAX_CHECKPOINT_BYTES // 4  # all weights become float32, whatever they are stored as
MAX_TENSORS = 5000  # 256 blocks of 12 tensors make 3078


@dataclasses.dataclass(frozen=True)
class WeightFile:
    """What a weight file holds: tensors under the names in the file, and safetensors' text metadata (else empty)."""

    tensors: dict[str, Tensor]
    metadata: dict[str, str] = dataclasses.field(default_factory=dict)


def read_weights(path: Path) -> WeightFile:
    """Read all tensors of `path` to the CPU, in the precision they are stored in.

    Raises CheckpointError for a file that is missing, empty, too large, damaged, unsafe or of another format.
    """
    read = _READERS.get(path.suffix.lower())
    if read is None:
        raise CheckpointError(
            f"Files of type {path.suffix!r} cannot be read; choose a {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]} file."
        )
    _check_file(path)
    file = read(path)
    check_count(len(file.tensors))
    check_parameters(tensor.numel() for tensor in file.tensors.values())
    return file


def check_count(num_tensors: int) -> None:
    """Raise CheckpointError for no tensor at all, or for more than `MAX_TENSORS`."""
    if num_tensors == 0:
        raise CheckpointError("This file holds no tensors; choose a file with the state dict of an MLP-Mixer.")
    if num_tensors > MAX_TENSORS:
        raise CheckpointError(
            f"This file holds {num_tensors} tensors, more than the {MAX_TENSORS} that are accepted; "
            "save only the state dict of the model."
        )


def check_parameters(counts: Iterable[int]) -> None:
    """Raise CheckpointError when the numbers add up to more than `MAX_PARAMETERS`."""
    total = sum(counts)
    if total > MAX_PARAMETERS:
        raise CheckpointError(
            f"This file declares {total:,} numbers, more than the {MAX_PARAMETERS:,} that are accepted; "
            "choose a smaller Mixer or save only the state dict of the model."
        )


def _check_file(path: Path) -> None:
    if not path.is_file():
        what = "is a folder, not a file" if path.is_dir() else "does not exist"
        raise CheckpointError(f"The weight file {str(path)!r} {what}; check the path.")
    size = path.stat().st_size
    if size == 0:
        raise CheckpointError("This weight file is empty; download or export it again.")
    if size > MAX_CHECKPOINT_BYTES:
        raise CheckpointError(
            f"This weight file has {size:,} bytes, more than the {MAX_CHECKPOINT_BYTES:,} that are accepted; "
            "save only the state dict of the model, or in half precision."
        )
    with path.open("rb") as file:
        if file.read(40).startswith(b"version https://git-lfs"):
            raise CheckpointError("This file is a Git LFS pointer, not the weights; fetch it with git lfs pull.")


def _read_safetensors(path: Path) -> WeightFile:
    # The library checks the header against the file's size, so a file cannot declare more than it holds.
    try:
        with safe_open(path, framework="pt") as file:
            names = list(file.keys())
            check_count(len(names))
            return WeightFile({name: file.get_tensor(name) for name in names}, file.metadata() or {})
    except (SafetensorError, OSError, ValueError, TypeError, AttributeError, RuntimeError) as exc:
        if isinstance(exc, CheckpointError):
            raise
        raise CheckpointError("This .safetensors file is damaged or cut short; download or export it again.") from exc


def _read_npz(path: Path) -> WeightFile:
    return WeightFile(read_npz(path, max_bytes=MAX_CHECKPOINT_BYTES, max_arrays=MAX_TENSORS))


def _read_pickled(path: Path) -> WeightFile:
    return WeightFile(read_pickled(path, max_bytes=MAX_CHECKPOINT_BYTES))


_READERS: dict[str, Callable[[Path], WeightFile]] = {
    ".safetensors": _read_safetensors,
    ".npz": _read_npz,
    ".pt": _read_pickled,
    ".pth": _read_pickled,
}
SUFFIXES = tuple(_READERS)
