"""How much memory a result takes."""

from __future__ import annotations

import dataclasses
import sys
from typing import Any

import numpy as np
from torch import Tensor, nn


def size_of(result: Any) -> int:
    """Bytes of a result, each part counted once.

    Its arrays, tensors, networks and texts, in dataclasses, dicts, lists and tuples.
    """
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
        elif isinstance(each, nn.Module):
            left.extend([*each.parameters(), *each.buffers()])
        elif dataclasses.is_dataclass(each) and not isinstance(each, type):
            left.extend(getattr(each, field.name) for field in dataclasses.fields(each))
        elif isinstance(each, dict):
            left.extend([*each, *each.values()])
        elif isinstance(each, list | tuple | set | frozenset):
            left.extend(each)
        else:
            size += sys.getsizeof(each)
    return size
