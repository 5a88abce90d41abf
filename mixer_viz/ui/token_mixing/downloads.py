"""What is downloaded beside the atlas: every measure of every unit, and the weights."""

from __future__ import annotations

import numpy as np

from mixer_viz.language import mark, tr
from mixer_viz.ui.choices import ChosenModel
from mixer_viz.ui.token_mixing import results
from mixer_viz.ui.widgets import downloads

# All fields of `Units`.
_MEASURES = (
    *(mark("frequency"), mark("orientation"), mark("orientation_strength"), mark("locality"), mark("norm1")),
    *(mark("norm2"), mark("sparsity1"), mark("sparsity2"), mark("likeness"), mark("partner"), mark("partner_cosine")),
)


def unit_statistics(model: ChosenModel) -> bytes:
    """All measures of all units of all blocks as CSV; blocks counted from 1, as on the page."""
    rows = []
    for block in range(model.config.num_blocks):
        units = results.units_of(model, block)
        columns = [getattr(units, name).tolist() for name in _MEASURES]
        rows += [[block + 1, unit, *values] for unit, values in enumerate(zip(*columns, strict=True))]
    header = [tr("block"), tr("unit"), *(tr(name) for name in _MEASURES)]
    return downloads.csv_bytes(header, rows)


def weight_arrays(model: ChosenModel) -> dict[str, np.ndarray]:
    """W1 (L, D_S, S), b1 (L, D_S), W2 (L, S, D_S) and b2 (L, S)."""
    blocks = results.weights_of(model)
    return {name: np.stack([getattr(block, name) for block in blocks]) for name in ("w1", "b1", "w2", "b2")}
