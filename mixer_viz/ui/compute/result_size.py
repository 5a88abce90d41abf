"""How much memory a result takes."""

from __future__ import annotations

import dataclasses
import sys
from typing import Any

import numpy as np
from torch import Tensor


def size_of(result: Any) -> int:
    """Bytes of a result: its arrays, tensors and texts, in dataclasses, dicts, lists and tuples, each counted once."""
    seen: set[int] = set()
    left, size = [result], 0
    while left:
        each = left.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, np.ndarray):
            size += each.nbytes
        elif isinstance(each, Tensor):
            size += each.nelement() * each.element_size()
        elif dataclasses.is_dataclass(each) and not isinstance(each, type):
            left.extend(getattr(each, field.name) for field in dataclasses.fields(each))
        elif isinstance(each, dict):
            left.extend([*each, *each.values()])
        elif isinstance(each, list | tuple | set | frozenset):
            left.extend(each)
        else:
            size += sys.getsizeof(each)
    return size
