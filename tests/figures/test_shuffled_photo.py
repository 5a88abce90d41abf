"""The shuffled picture: every patch at its new place, its inside as it was."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mixer_viz.analysis.activations.permutation import permute_patches, swapped_order
from mixer_viz.figures.photo import shuffled_grid, shuffled_picture

RANDOM = np.random.default_rng(0)
CELLS = RANDOM.integers(0, 256, (9, 4, 4, 3), dtype=np.uint8)
PICTURE = CELLS.reshape(3, 3, 4, 4, 3).swapaxes(1, 2).reshape(12, 12, 3)


def test_own_order_is_the_picture_itself() -> None:
    assert np.array_equal(shuffled_picture(CELLS, np.arange(9)), PICTURE)


@pytest.mark.parametrize("seed", range(3))
def test_shuffled_picture_is_what_the_network_gets(seed: int) -> None:
    order = np.random.default_rng(seed).permutation(9)
    pixels = torch.from_numpy(PICTURE).permute(2, 0, 1)[None].double()
    permuted = permute_patches(pixels, order, 4)[0].permute(1, 2, 0).numpy()
    assert np.array_equal(shuffled_picture(CELLS, order), permuted)


def test_grid_tells_what_stands_where() -> None:
    grid = shuffled_grid(CELLS, swapped_order(np.arange(9), 2, 5))
    assert (grid.rows, grid.columns, grid.select, grid.lines) == (3, 3, "cell", True)
    assert grid.shape == "2 of 9 patches moved"
    assert grid.hover[2] == "place 2 shows patch 5"
    assert grid.hover[5] == "place 5 shows patch 2"
    assert grid.hover[4] == "place 4: its own patch"
    assert grid.payload()["photo"].startswith("data:image/png")
    assert shuffled_grid(CELLS, np.arange(9)).shape.startswith("0 of 9")
