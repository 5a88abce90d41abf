"""A weight file -> its tensors; its content says which format it is, and no file can run code or fill the memory.

A file may come from a stranger. Nothing is unpickled except by torch's weights-only reader, the sizes a file declares
are added up before anything of that size is read, and the number of tensors is bounded.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor

from mixer_viz.checkpoints.errors import CheckpointError
from mixer_viz.checkpoints.formats.archives import check_ratio
from mixer_viz.checkpoints.formats.contents import MAX_NAME_LENGTH
from mixer_viz.checkpoints.formats.npz import read_npz
from mixer_viz.checkpoints.formats.pickled import read_pickled
from mixer_viz.language import noted, noted_list
from mixer_viz.model.wording import shown

MAX_CHECKPOINT_BYTES = 2 * 1024**3  # H/14, the largest Mixer of the paper, has 1.7 GB of float32 weights
MAX_PARAMETERS = MAX_CHECKPOINT_BYTES // 4  # all weights become float32, whatever they are stored as
MAX_TENSORS = 5000  # 32 blocks of 12 tensors make 390; with averages and an optimiser's moments four times as many
MAX_HEADER_BYTES = 10 * 1024**2  # of a .safetensors: 5000 tensors take 0.6 MB, 25,000 class names about one


@dataclasses.dataclass(frozen=True)
class WeightFile:
    """What a weight file holds: tensors under the names in the file, and safetensors' text metadata (else empty)."""

    tensors: dict[str, Tensor]
    metadata: dict[str, str] = dataclasses.field(default_factory=dict)


def read_weights(path: Path) -> WeightFile:
    """Read all tensors of `path` to the CPU, in the precision they are stored in.

    The content decides how it is read; the ending counts only where the content says nothing. Raises CheckpointError
    for a file that is missing, empty, too large, damaged, unsafe or of another format.
    """
    _check_file(path)
    check_whole(path.name)
    file = _READERS[_format_of(path)](path)
    check_count(len(file.tensors))
    _check_names(file.tensors)
    check_parameters(tensor.numel() for tensor in file.tensors.values())
    # Many tensors may be views of the same few numbers, and each is copied.
    unpacked = sum(tensor.numel() * tensor.element_size() for tensor in file.tensors.values())
    check_ratio(unpacked, path.stat().st_size)
    return file


def check_whole(filename: str) -> None:
    """Raise CheckpointError for a file whose name says that it is one of several parts (shards) of a model."""
    part = re.search(r"-0*(\d{1,5})-of-0*(\d{1,5})(?:\.|$)", filename)
    if part and int(part[2]) > 1:
        raise CheckpointError(
            noted(
                "This file is part {part} of {parts} of a model that was saved in several files (shards); "
                "load the whole model and save its state dict in one file.",
                part=part[1],
                parts=part[2],
            )
        )


def check_count(num_tensors: int) -> None:
    """Raise CheckpointError for no tensor at all, or for more than `MAX_TENSORS`."""
    if num_tensors == 0:
        raise CheckpointError(noted("This file holds no tensors; choose a file with the state dict of an MLP-Mixer."))
    if num_tensors > MAX_TENSORS:
        raise CheckpointError(
            noted(
                "This file holds {num_tensors} tensors, more than the {most} that are accepted; "
                "save only the state dict of the model.",
                num_tensors=num_tensors,
                most=MAX_TENSORS,
            )
        )


def check_parameters(counts: Iterable[int]) -> None:
    """Raise CheckpointError when the numbers add up to more than `MAX_PARAMETERS`."""
    total = sum(counts)
    if total > MAX_PARAMETERS:
        raise CheckpointError(
            noted(
                "This file declares {total:,} numbers, more than the {most:,} that are accepted; "
                "choose a smaller Mixer or save only the state dict of the model.",
                total=total,
                most=MAX_PARAMETERS,
            )
        )


def _check_names(names: Iterable[str]) -> None:
    longest = max(map(len, names))
    if longest > MAX_NAME_LENGTH:
        raise CheckpointError(
            noted(
                "This file has a tensor whose name has {longest:,} characters, more than the {most} that are "
                "accepted; save only the state dict of the model.",
                longest=longest,
                most=MAX_NAME_LENGTH,
            )
        )


def _check_file(path: Path) -> None:
    if path.is_dir():
        inside = next((each.name for each in sorted(path.iterdir()) if each.suffix in SUFFIXES), None)
        if inside is None:
            sentence = noted("{path} is a folder, not a file; give the path of a weight file.", path=shown(str(path)))
        else:
            sentence = noted(
                "{path} is a folder, not a file; give the path of the weight file in it, such as {inside}.",
                path=shown(str(path)),
                inside=shown(inside),
            )
        raise CheckpointError(sentence)
    if not path.is_file():
        raise CheckpointError(noted("The weight file {path} does not exist; check the path.", path=shown(str(path))))
    size = path.stat().st_size
    if size == 0:
        raise CheckpointError(noted("This weight file is empty; download or export it again."))
    if size > MAX_CHECKPOINT_BYTES:
        raise CheckpointError(
            noted(
                "This weight file has {size:,} bytes, more than the {most:,} that are accepted; "
                "save only the state dict of the model, or in half precision.",
                size=size,
                most=MAX_CHECKPOINT_BYTES,
            )
        )


def _format_of(path: Path) -> str:
    """Which of _READERS reads a file, by its first bytes and, in an archive, the names in it."""
    with path.open("rb") as file:
        start = file.read(40)
    if start.startswith(b"version https://git-lfs"):
        raise CheckpointError(noted("This file is a Git LFS pointer, not the weights; fetch it with git lfs pull."))
    if start.startswith(b"\x89HDF"):
        raise CheckpointError(
            noted(
                "This is an HDF5 file, as Keras writes, of type {suffix}, which cannot be read; "
                "save the weights as .safetensors.",
                suffix=shown(path.suffix, 20),
            )
        )
    if start[8:9] == b"{":  # after the length of its header
        return ".safetensors"
    if start.startswith(b"\x80"):
        return ".pth"
    if start.startswith(b"PK"):
        return _archive_format(path)
    if path.suffix.lower() in _READERS:
        return path.suffix.lower()
    suffix = shown(path.suffix.lower(), 20) if path.suffix else noted("'without an ending'")
    endings = noted_list(SUFFIXES)
    raise CheckpointError(
        noted("Files of type {suffix} cannot be read; upload one of {endings}.", suffix=suffix, endings=endings)
    )


def _archive_format(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _NAMES_AT_THE_END))
        names = file.read()
    # Every archive ends with the names in it; a large one ends in a part of them, which is enough to tell.
    if b".npy" in names:
        return ".npz"
    if b"/data.pkl" in names or b"/data/" in names or b"/version" in names:
        return ".pth"
    return path.suffix.lower() if path.suffix.lower() in (".npz", ".pt", ".pth") else ".pth"


_NAMES_AT_THE_END = 2**16


def _read_safetensors(path: Path) -> WeightFile:
    # The library checks the header against the file's size, so a file cannot declare more than it holds.
    try:
        _check_header(path)
        with safe_open(path, framework="pt") as file:
            names = list(file.keys())
            check_count(len(names))
            return WeightFile({name: file.get_tensor(name) for name in names}, file.metadata() or {})
    except (SafetensorError, OSError, ValueError, TypeError, AttributeError, RuntimeError) as exc:
        if isinstance(exc, CheckpointError):
            raise
        raise CheckpointError(
            noted("This .safetensors file is damaged or cut short; download or export it again.")
        ) from exc


def _check_header(path: Path) -> None:
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
    if MAX_HEADER_BYTES < length <= path.stat().st_size:
        raise CheckpointError(
            noted(
                "This .safetensors file describes its tensors in {length:,} bytes, more than the {most:,} "
                "that are accepted; save only the state dict of the model.",
                length=length,
                most=MAX_HEADER_BYTES,
            )
        )


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
