"""Results as tables: pandas is imported when somebody asks for one, as it takes a while."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


def frame(columns: Mapping[str, Any]) -> Any:
    """A pandas DataFrame of columns of one length, or of single values that every row has."""
    import pandas as pd  # type: ignore[import-untyped]

    return pd.DataFrame(dict(columns))


def places(shape: tuple[int, ...], names: tuple[str, ...], first: tuple[int, ...]) -> dict[str, np.ndarray]:
    """For a flattened array of this shape: each entry's place along every axis, counted from `first`."""
    indices = np.unravel_index(np.arange(int(np.prod(shape))), shape)
    return {name: index + start for name, index, start in zip(names, indices, first, strict=True)}
