"""The classes and functions that a checkpoint's pickle may name, and what becomes of each.

Weights need a handful of torch's. What training scripts keep beside them (settings, paths, NumPy's numbers) is let in
by name and becomes an `Inert` object: nothing of the class that is named is imported or called.
"""

from __future__ import annotations

import _compat_pickle
from collections.abc import Callable
from typing import Any

import torch

# What is kept of numbers: bytes of each. Other storages are of no use to a Mixer.
STORAGE_BYTES = {
    "torch.DoubleStorage": 8,
    "torch.FloatStorage": 4,
    "torch.HalfStorage": 2,
    "torch.BFloat16Storage": 2,
    "torch.LongStorage": 8,
    "torch.IntStorage": 4,
    "torch.ShortStorage": 2,
    "torch.CharStorage": 1,
    "torch.ByteStorage": 1,
    "torch.BoolStorage": 1,
    "torch.ComplexFloatStorage": 8,
    "torch.ComplexDoubleStorage": 16,
    "torch.QInt8Storage": 1,
    "torch.QUInt8Storage": 1,
    "torch.QInt32Storage": 4,
    "torch.storage.UntypedStorage": 1,
}
REBUILDING = frozenset(
    (
        *(
            f"torch._utils._rebuild_{what}"
            for what in (
                "tensor",
                "tensor_v2",
                "tensor_v3",
                "parameter",
                "parameter_with_state",
                "qtensor",
                "sparse_tensor",
                "meta_tensor_no_storage",
            )
        ),
        "torch._tensor._rebuild_from_type_v2",
        "torch.serialization._get_layout",
        "torch.Size",
        "torch.device",
    )
)
CONTAINERS = {
    "collections.OrderedDict": "dict",
    "collections.Counter": "dict",
    "collections.defaultdict": "dict",
    "collections.deque": "list",
    "builtins.set": "set",
}
IGNORES_ARGUMENTS = ("collections.defaultdict", "collections.deque")  # their stand-ins do
ENCODE = "_codecs.encode"  # bytes, as protocol 2 writes them: the text and its encoding


class Inert:
    """Stands for an object of a class that is of no use here: takes any arguments and any state, and keeps none."""

    def __new__(cls, *_: object) -> Inert:
        return super().__new__(cls)

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


def _empty_dict(*_: object) -> dict[Any, Any]:
    return {}


def _empty_list(*_: object) -> list[Any]:
    return []


_PATHS = ("Path", "PurePath", "PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath")
_NUMPY = ("core", "_core")
INERT_NAMES = frozenset(
    (
        "argparse.Namespace",
        "types.SimpleNamespace",
        *(f"{module}.{path}" for module in ("pathlib", "pathlib._local") for path in _PATHS),
        *(f"datetime.{name}" for name in ("date", "datetime", "time", "timedelta", "timezone")),
        *(f"numpy.{core}.multiarray.{name}" for core in _NUMPY for name in ("scalar", "_reconstruct")),
        "numpy.dtype",
        "numpy.ndarray",
        *(f"builtins.{name}" for name in ("bool", "dict", "float", "int", "list", "str", "tuple", "slice", "range")),
        "torch.torch_version.TorchVersion",
    )
)

# What torch's own list lacks, as its reader takes it: the stand-in, and the name that it is given for.
SAFE_GLOBALS: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = [
    *((Inert, name) for name in sorted(INERT_NAMES)),
    (_empty_dict, "collections.defaultdict"),
    (_empty_list, "collections.deque"),
]


def modern_name(module: str, name: str) -> str:
    """The full name, spelled as Python 3 does where the pickle spells it as Python 2 did."""
    if (module, name) in _compat_pickle.NAME_MAPPING:
        module, name = _compat_pickle.NAME_MAPPING[(module, name)]
    else:
        module = _compat_pickle.IMPORT_MAPPING.get(module, module)
    return f"{module}.{name}"


def may_be_named(full: str) -> bool:
    """Whether a pickle with this name is read on: what is then called is another question."""
    return (
        full in INERT_NAMES
        or full in CONTAINERS
        or full in REBUILDING
        or full in STORAGE_BYTES
        or full in _ALSO_NAMED
        or full == ENCODE
    )


_ALSO_NAMED = frozenset(
    (
        "torch.Tensor",
        "torch.nn.parameter.Parameter",
        *(str(value) for value in vars(torch).values() if isinstance(value, torch.dtype | torch.qscheme)),
    )
)
