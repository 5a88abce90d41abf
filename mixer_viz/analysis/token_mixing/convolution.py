"""How much of a token-mixing matrix is a convolution: the best convolution, shift and identity by least squares.

A convolution with zero padding does the same at every place: its entry [t, s] depends on nothing but the displacement
from t to s. Matrices of that kind make a linear space with one dimension per displacement, so the nearest one takes the
mean of the entries of each displacement, and its share of |M|^2 (Frobenius) is 1 - |M - fit|^2 / |M|^2.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Sequence

import numpy as np
from scipy.integrate import quad  # type: ignore[import-untyped]
from scipy.special import erf  # type: ignore[import-untyped]

from mixer_viz.analysis.token_mixing.mixing_matrix import displacements
from mixer_viz.language import mark

STEPS = tuple((dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0))


@dataclasses.dataclass(frozen=True)
class ConvolutionMeter:
    """Shares of one (S, S) matrix on an h x w grid, 0 to 1, nan for an all-zero matrix.

    Each share has the value expected of a matrix of independent normal entries of equal variance beside it. A matrix
    that is no convolution does not have 0: in the corners few entries, at last one, share a displacement.
    """

    kernel: (
        np.ndarray
    )  # (2h-1, 2w-1) float64; [h-1+dy, w-1+dx] weighs the patch dy below and dx right of the written one
    counts: np.ndarray  # (2h-1, 2w-1) int, entries that each kernel weight is the mean of, 1 in the corners
    explained: float  # by the whole kernel
    local_explained: float  # by the kernel's middle 3 x 3 alone
    shift: tuple[int, int] | None  # (dy, dx) of the best one-step shift; None when there is none
    shift_explained: float  # by that shift times its best factor; nan on a 1 x 1 grid
    identity_explained: float  # by the identity times its best factor
    residual: np.ndarray  # (S, S) float64, matrix - convolution with the whole kernel
    null_explained: float  # expected shares of a random matrix
    null_local_explained: float
    null_shift_explained: float
    null_identity_explained: float


def explained_shares(meters: Sequence[ConvolutionMeter]) -> tuple[dict[str, np.ndarray], tuple[float, ...]]:
    """For the chart of L blocks: what explains -> its shares (L,), and what a random matrix would have of each."""
    shares = {
        mark("best kernel"): np.array([meter.explained for meter in meters]),
        mark("3 × 3 kernel"): np.array([meter.local_explained for meter in meters]),
        mark("one-step shift"): np.array([meter.shift_explained for meter in meters]),
        mark("identity"): np.array([meter.identity_explained for meter in meters]),
    }
    first = meters[0]
    nulls = (
        first.null_explained,
        first.null_local_explained,
        first.null_shift_explained,
        first.null_identity_explained,
    )
    return shares, nulls


def convolution_share(matrix: np.ndarray, grid: tuple[int, int]) -> ConvolutionMeter:
    """Fit a convolution, a one-step shift and the identity to a token-mixing matrix.

    Args:
        matrix: (S, S), [written token, read token].
        grid: patches along height and width, S is their product.

    The expected shares are exact: a fixed space of k dimensions holds k / S^2 of a random matrix. The best of n shifts
    holds E[max of n chi^2 with one degree of freedom] / S^2, by quadrature. Raises ValueError when matrix and grid do
    not fit.
    """
    height, width = grid
    shape = (2 * height - 1, 2 * width - 1)
    dy, dx = displacements(matrix, grid)
    entries = matrix.astype(np.float64)
    index = (dy + height - 1) * shape[1] + dx + width - 1  # which kernel weight each entry belongs to
    counts = np.bincount(index.ravel(), minlength=math.prod(shape))
    kernel = np.bincount(index.ravel(), entries.ravel(), math.prod(shape)) / counts
    residual = entries - kernel[index]
    share = _shares(kernel.reshape(shape), counts.reshape(shape), float((entries**2).sum()))
    local = share[max(height - 2, 0) : height + 1, max(width - 2, 0) : width + 1]
    steps = [(y, x) for y, x in STEPS if abs(y) < height and abs(x) < width]
    shifts = [float(share[height - 1 + y, width - 1 + x]) for y, x in steps]
    best = int(np.argmax(shifts)) if steps and not math.isnan(shifts[0]) else None
    size = matrix.size
    return ConvolutionMeter(
        kernel=kernel.reshape(shape),
        counts=counts.reshape(shape),
        explained=_total(share),
        local_explained=_total(local),
        shift=None if best is None else steps[best],
        shift_explained=math.nan if best is None else _total(np.array(shifts[best])),
        identity_explained=_total(share[height - 1, width - 1]),
        residual=residual,
        null_explained=share.size / size,
        null_local_explained=local.size / size,
        null_shift_explained=expected_largest(len(steps)) / size if steps else math.nan,
        null_identity_explained=1 / size,
    )


@functools.cache
def expected_largest(count: int) -> float:
    """Expectation of the largest of `count` independent squared standard normal numbers."""
    value, _ = quad(lambda t: 1 - erf(math.sqrt(t / 2)) ** count, 0, math.inf)
    return float(value)


def _shares(kernel: np.ndarray, counts: np.ndarray, total: float) -> np.ndarray:
    """What each kernel weight explains of the matrix; they add up because the displacements are orthogonal."""
    return counts * kernel**2 / total if total else np.full(kernel.shape, np.nan)


def _total(share: np.ndarray) -> float:
    return float(np.minimum(share.sum(), 1.0))  # nan stays; rounding can exceed 1
