"""NumPy's `.npz`, the format of Google's own Mixer weights."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import IO

import numpy as np
import torch
from torch import Tensor

from mixer_viz.checkpoints.errors import CheckpointError
from mixer_viz.checkpoints.formats.archives import ARCHIVE_DAMAGE, checked_archive
from mixer_viz.language import noted
from mixer_viz.model.wording import shown

_NUMBERS = "fiub"  # kinds of arrays that become tensors; texts and the like say nothing of a network


def read_npz(path: Path, *, max_bytes: int, max_arrays: int) -> dict[str, Tensor]:
    """Every array of numbers of an `.npz`, unpacked only when its declared size is within the limits.

    Counters (arrays without an axis) are left out. Raises CheckpointError when the file is damaged, declares more
    than `max_bytes` unpacked or more than `max_arrays` members, is past the bounds of `archives.py`, or holds pickled
    objects.
    """
    try:
        with checked_archive(path, max_bytes) as archive:
            members = archive.infolist()
            if len(members) > max_arrays:
                raise CheckpointError(
                    noted(
                        "This .npz file unpacks to {count} arrays, more than the {max_arrays} that are accepted; "
                        "save only the weights of the model.",
                        count=len(members),
                        max_arrays=max_arrays,
                    )
                )
            wanted = [member.filename.removesuffix(".npy") for member in members if _is_weight(archive, member)]
        with np.load(path, allow_pickle=False) as arrays:
            return {name: _to_tensor(arrays[name]) for name in wanted}
    except CheckpointError:
        raise
    except ARCHIVE_DAMAGE as exc:
        raise CheckpointError(noted("This .npz file is damaged or cut short; download or export it again.")) from exc


def _is_weight(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bool:
    """Whether a member is an array of numbers with an axis, by its header."""
    with archive.open(member) as file:
        shape, dtype = _read_header(file, member.filename)
    if dtype.hasobject:
        raise CheckpointError(
            noted(
                "The array {filename} in this .npz file is a pickled Python object, which could run "
                "code and is not opened; save the weights as plain arrays or as .safetensors.",
                filename=shown(member.filename, 60),
            )
        )
    # Numpy reserves the memory that an array's own header promises before it reads.
    if math.prod(shape) * dtype.itemsize > member.file_size:
        raise ValueError(f"{member.filename} declares {shape} in {member.file_size} bytes")
    return len(shape) > 0 and (dtype.kind in _NUMBERS or _is_bfloat16(dtype))


def _read_header(file: IO[bytes], name: str) -> tuple[tuple[int, ...], np.dtype]:
    version = np.lib.format.read_magic(file)
    read_header = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if read_header is None:
        raise ValueError(f"{name} is of .npy version {version}")
    shape, _, dtype = read_header(file)
    return shape, dtype


def _is_bfloat16(dtype: np.dtype) -> bool:
    """As NumPy stores it: two bytes of a type that it does not know."""
    return dtype.kind == "V" and dtype.itemsize == 2


def _to_tensor(array: np.ndarray) -> Tensor:
    if _is_bfloat16(array.dtype):
        return torch.from_numpy(np.ascontiguousarray(array).view(np.int16)).view(torch.bfloat16)
    if array.dtype.kind == "f":
        return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))
    return torch.from_numpy(np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("=")))
