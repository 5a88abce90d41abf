"""The convolution meter on convolutions, shifts, the identity and noise."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mixer_viz.analysis.token_mixing.convolution import ConvolutionMeter, convolution_share, expected_largest

GRIDS = [(6, 6), (4, 7), (5, 2)]
SHARES = ("explained", "local_explained", "shift_explained", "identity_explained")


def as_matrix(kernel: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """The matrix of torch's own 2-D convolution with zero padding: column s is the answer to a 1 at token s."""
    tokens = grid[0] * grid[1]
    weight = torch.from_numpy(kernel)[None, None]
    padding = (kernel.shape[0] // 2, kernel.shape[1] // 2)
    answers = F.conv2d(torch.eye(tokens, dtype=torch.float64).reshape(tokens, 1, *grid), weight, padding=padding)
    return answers.reshape(tokens, tokens).T.numpy()


def shift_matrix(step: tuple[int, int], grid: tuple[int, int]) -> np.ndarray:
    """Every token reads the one `step` away, and 0 beyond the border."""
    height, width = grid
    matrix = np.zeros((height * width, height * width))
    for y in range(height):
        for x in range(width):
            if 0 <= y + step[0] < height and 0 <= x + step[1] < width:
                matrix[y * width + x, (y + step[0]) * width + x + step[1]] = 1
    return matrix


@pytest.mark.parametrize("grid", GRIDS)
def test_a_convolution_is_one_and_gives_its_kernel_back(grid: tuple[int, int]) -> None:
    kernel = np.random.default_rng(0).normal(size=(2 * grid[0] - 1, 2 * grid[1] - 1))
    meter = convolution_share(as_matrix(kernel, grid), grid)
    np.testing.assert_allclose(meter.kernel, kernel)
    assert meter.explained == pytest.approx(1, abs=1e-12)
    assert meter.local_explained < 0.9
    np.testing.assert_allclose(meter.residual, 0, atol=1e-12)


@pytest.mark.parametrize("grid", GRIDS)
def test_a_three_by_three_convolution_is_local(grid: tuple[int, int]) -> None:
    kernel = np.random.default_rng(1).normal(size=(3, 3))
    meter = convolution_share(as_matrix(kernel, grid), grid)
    assert meter.local_explained == meter.explained == pytest.approx(1, abs=1e-12)
    height, width = grid
    np.testing.assert_allclose(meter.kernel[height - 2 : height + 1, width - 2 : width + 1], kernel)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("step", [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0)])
def test_a_shift_is_found(step: tuple[int, int], grid: tuple[int, int]) -> None:
    meter = convolution_share(-3 * shift_matrix(step, grid), grid)
    assert meter.shift == step
    assert meter.shift_explained == meter.local_explained == meter.explained == pytest.approx(1, abs=1e-12)
    assert meter.identity_explained == 0


@pytest.mark.parametrize("grid", GRIDS)
def test_the_identity_is_found(grid: tuple[int, int]) -> None:
    meter = convolution_share(0.2 * np.eye(grid[0] * grid[1]), grid)
    assert meter.identity_explained == meter.explained == pytest.approx(1, abs=1e-12)
    assert meter.shift_explained == 0


def test_a_mixture_has_the_shares_of_its_parts() -> None:
    grid = (4, 4)
    matrix = 2 * np.eye(16) + 3 * shift_matrix((0, 1), grid)
    meter = convolution_share(matrix, grid)
    assert meter.identity_explained == pytest.approx(4 * 16 / (4 * 16 + 9 * 12))
    assert (meter.shift, meter.shift_explained) == ((0, 1), pytest.approx(9 * 12 / (4 * 16 + 9 * 12)))


def test_the_fit_is_the_least_squares_one() -> None:
    grid = (2, 3)
    matrix = np.random.default_rng(2).normal(size=(6, 6))
    height, width = grid
    bases = [
        as_matrix(np.eye(15)[index].reshape(3, 5), grid).ravel()
        for index in range((2 * height - 1) * (2 * width - 1))
    ]  # fmt: skip
    fit, squares, *_ = np.linalg.lstsq(np.stack(bases, axis=1), matrix.ravel(), rcond=None)
    meter = convolution_share(matrix, grid)
    np.testing.assert_allclose(meter.kernel.ravel(), fit)
    assert meter.explained == pytest.approx(1 - squares[0] / (matrix**2).sum())
    assert (meter.residual**2).sum() == pytest.approx(squares[0])
    assert meter.counts.tolist() == [[1, 2, 3, 2, 1], [2, 4, 6, 4, 2], [1, 2, 3, 2, 1]]


@pytest.mark.parametrize("grid", [(4, 4), (3, 5), (2, 2)])
def test_noise_has_the_stated_shares(grid: tuple[int, int]) -> None:
    draws = 1000
    noise = np.random.default_rng(3).normal(size=(draws, *[grid[0] * grid[1]] * 2))
    meters = [convolution_share(matrix, grid) for matrix in noise]
    for name in SHARES:
        values = np.array([getattr(meter, name) for meter in meters])
        stated = getattr(meters[0], "null_" + name)
        # Four standard errors of the mean over the draws.
        assert values.mean() == pytest.approx(stated, abs=4 * values.std() / math.sqrt(draws)), name


def test_the_stated_shares_are_dimensions_over_entries() -> None:
    meter = convolution_share(np.eye(20), (4, 5))
    assert meter.null_explained == pytest.approx(7 * 9 / 400)
    assert meter.null_local_explained == pytest.approx(9 / 400)
    assert meter.null_identity_explained == pytest.approx(1 / 400)
    assert expected_largest(1) == pytest.approx(1)
    assert expected_largest(2) == pytest.approx(1 + 2 / math.pi)


def test_a_product_of_random_matrices_is_close_to_the_stated_share() -> None:
    rng = np.random.default_rng(4)
    meters = [convolution_share(rng.normal(size=(36, 20)) @ rng.normal(size=(20, 36)), (6, 6)) for _ in range(300)]
    assert np.mean([meter.explained for meter in meters]) == pytest.approx(meters[0].null_explained, rel=0.03)


def nan_shares(meter: ConvolutionMeter) -> list[bool]:
    return [math.isnan(getattr(meter, name)) for name in SHARES]


def test_nothing_to_explain_is_nan_and_one_patch_has_no_shift() -> None:
    zero = convolution_share(np.zeros((6, 6)), (2, 3))
    assert nan_shares(zero) == [True] * 4
    assert zero.shift is None
    assert not zero.kernel.any()
    one = convolution_share(np.array([[2.0]]), (1, 1))
    assert nan_shares(one) == [False, False, True, False]
    assert (one.explained, one.identity_explained, one.null_explained, one.shift) == (1, 1, 1, None)
    assert math.isnan(one.null_shift_explained)
    row = convolution_share(shift_matrix((0, -1), (1, 5)), (1, 5))
    assert (row.shift, row.shift_explained) == ((0, -1), pytest.approx(1))
    assert row.null_local_explained == pytest.approx(3 / 25)


def test_matrix_and_grid_have_to_fit() -> None:
    with pytest.raises(ValueError, match=r"a grid of 2 x 3 needs a matrix of \(6, 6\), got \(5, 5\)"):
        convolution_share(np.eye(5), (2, 3))
