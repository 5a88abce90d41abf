"""NumPy's `.npz`, the format of Google's own Mixer weights."""

from __future__ import annotations

import math
import zipfile
import zlib
from pathlib import Path
from typing import IO

import numpy as np
import torch
from torch import Tensor

from mixer_viz.checkpoints.errors import CheckpointError

# What zipfile, zlib and numpy raise on broken input; RuntimeError is zipfile's word for an encrypted member.
_DAMAGE = (
    OSError,
    ValueError,
    EOFError,
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
    RuntimeError,
    MemoryError,
)


def read_npz(path: Path, *, max_bytes: int, max_arrays: int) -> dict[str, Tensor]:
    """Every floating-point array of an `.npz`, unpacked only when its declared size is within the limits.

    Counters (arrays without an axis) are left out. Raises CheckpointError when the file is damaged, declares more
    than `max_bytes` unpacked or more than `max_arrays` members, or holds pickled objects.
    """
    try:
        _check_declared_sizes(path, max_bytes, max_arrays)
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        return {name: _to_tensor(name, array) for name, array in arrays.items() if _is_weight(array)}
    except CheckpointError:
        raise
    except _DAMAGE as exc:
        raise CheckpointError("This .npz file is damaged or cut short; download or export it again.") from exc


def _check_declared_sizes(path: Path, max_bytes: int, max_arrays: int) -> None:
    # A few kilobytes of zip can unpack to gigabytes, so the sizes in its directory are added up first.
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        total = sum(member.file_size for member in members)
        if len(members) > max_arrays or total > max_bytes:
            raise CheckpointError(
                f"This .npz file unpacks to {len(members)} arrays with {total:,} bytes, more than the {max_arrays} "
                f"arrays and {max_bytes:,} bytes that are accepted; save only the weights of the model."
            )
        for member in members:
            with archive.open(member) as file:
                _check_header(file, member.filename, member.file_size)


def _check_header(file: IO[bytes], name: str, num_bytes: int) -> None:
    """An array's own header must not promise more than its member holds: numpy reserves the memory beforehand."""
    version = np.lib.format.read_magic(file)
    read_header = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if read_header is None:
        raise ValueError(f"{name} is of .npy version {version}")
    shape, _, dtype = read_header(file)
    if dtype.hasobject:
        raise CheckpointError(
            f"The array {name[:60]!r} in this .npz file is a pickled Python object, which could run code and is not "
            "opened; save the weights as plain arrays or as .safetensors."
        )
    if math.prod(shape) * dtype.itemsize > num_bytes:
        raise ValueError(f"{name} declares {shape} in {num_bytes} bytes")


def _is_weight(array: object) -> bool:
    return isinstance(array, np.ndarray) and array.ndim > 0


def _to_tensor(name: str, array: np.ndarray) -> Tensor:
    if array.dtype.kind == "V" and array.dtype.itemsize == 2:
        # bfloat16 as NumPy stores it: two bytes of a type that it does not know.
        return torch.from_numpy(np.ascontiguousarray(array).view(np.int16)).view(torch.bfloat16)
    if array.dtype.kind != "f":
        raise CheckpointError(
            f"The array {name[:60]!r} in this .npz file holds {array.dtype} values, but weights must be floating-point "
            "numbers; export the model without quantisation."
        )
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))
