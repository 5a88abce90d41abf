"""W2 W1 and its profile over distances on matrices whose answer is known."""

from __future__ import annotations

import re

import numpy as np
import pytest

from mixer_viz.analysis.token_mixing.mixing_matrix import displacements, distance_profile, linear_mixing, listening
from mixer_viz.analysis.token_mixing.weights import block_weights
from mixer_viz.model import MixerBlock, MlpMixer


def test_linear_mixing_is_the_mlp_without_its_gelu(tiny_model: MlpMixer) -> None:
    matrix = linear_mixing(block_weights(tiny_model, 1))
    block = tiny_model.blocks[1]
    assert isinstance(block, MixerBlock)
    w1, w2 = (layer.weight.detach().double().numpy() for layer in (block.token_mixing.fc1, block.token_mixing.fc2))
    assert (matrix.dtype, matrix.shape) == (np.float64, (16, 16))
    for out, read in ((3, 11), (0, 15)):
        assert matrix[out, read] == pytest.approx(sum(w2[out, unit] * w1[unit, read] for unit in range(5)), rel=1e-12)


def test_listening_is_a_row_and_a_column() -> None:
    matrix = np.arange(9.0).reshape(3, 3)
    reads, is_read = listening(matrix, 1)
    assert (reads.tolist(), is_read.tolist()) == ([3, 4, 5], [1, 4, 7])
    reads[:] = is_read[:] = -1
    assert matrix.min() == 0
    for token in (-1, 3):
        with pytest.raises(ValueError, match=f"token={token} is not between 0 and 2"):
            listening(matrix, token)
    with pytest.raises(ValueError, match=re.escape("matrix must be (S, S), got (2, 3)")):
        listening(matrix[:2], 0)


def test_displacements_count_down_and_right() -> None:
    dy, dx = displacements(np.zeros((6, 6)), (2, 3))
    assert (dy[1, 3], dx[1, 3]) == (1, -1)  # token 1 is at (0, 1), token 3 at (1, 0)
    for grid in ((3, 3), (0, 6), (-2, -3)):
        with pytest.raises(ValueError, match=re.escape(f"grid of {grid[0]} x {grid[1]} needs a matrix of")):
            displacements(np.zeros((6, 6)), grid)


def test_profile_by_search() -> None:
    grid = (3, 5)
    matrix = np.random.default_rng(0).normal(size=(15, 15))
    entries: dict[int, list[float]] = {}
    for out in range(15):
        for read in range(15):
            distance = round(np.hypot(out // 5 - read // 5, out % 5 - read % 5))
            entries.setdefault(distance, []).append(abs(matrix[out, read]))
    profile = distance_profile(matrix, grid)
    assert profile.distance.tolist() == sorted(entries) == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(profile.magnitude, [np.mean(entries[distance]) for distance in sorted(entries)])
    assert profile.count.tolist() == [len(entries[distance]) for distance in sorted(entries)]
    assert profile.count.sum() == 225


def test_profile_of_one_token_is_of_its_row() -> None:
    matrix = np.zeros((6, 6))
    matrix[0, 2] = -4  # two patches to the right
    matrix[5, 0] = 8
    profile = distance_profile(matrix, (2, 3), token=0)
    assert profile.count.tolist() == [1, 3, 2]  # (1, 1) is 1.41 away, (1, 2) is 2.24
    assert profile.magnitude.tolist() == [0, 0, 2]
    assert distance_profile(matrix.T, (2, 3), token=0).magnitude.tolist() == [0, 0, 4]
    with pytest.raises(ValueError, match="token=6"):
        distance_profile(matrix, (2, 3), token=6)


@pytest.mark.parametrize("grid", [(1, 1), (1, 7), (16, 16), (3, 11)])
def test_no_distance_is_left_out(grid: tuple[int, int]) -> None:
    profile = distance_profile(np.eye(grid[0] * grid[1]), grid)
    assert profile.count.min() >= 1
    assert profile.magnitude[0] == 1
    assert not profile.magnitude[1:].any()
