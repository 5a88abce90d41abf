"""How the token-mixing weights change from the first block to the last, and what a random start would look like."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from mixer_viz.analysis.frames import frame
from mixer_viz.analysis.spectrum import mean_radial_frequency
from mixer_viz.analysis.token_mixing.unit_maps import SPARSE_BELOW, locality, sparsity
from mixer_viz.analysis.token_mixing.weights import MixingWeights

QUARTILES = (25, 50, 75)


@dataclasses.dataclass(frozen=True)
class DepthCurves:
    """Measures of W1 and W2 in L blocks; K = min(S, D_S). Frequency and locality are of the W1 rows, one per unit."""

    frequency_mean: np.ndarray  # (L,) float64, cycles per patch, over the units of the block
    frequency_quartiles: np.ndarray  # (L, 3) float64, lower quartile, median, upper quartile
    locality_mean: np.ndarray  # (L,) float64, radius in patches, see `unit_maps.locality`
    locality_quartiles: np.ndarray  # (L, 3) float64
    norm1: np.ndarray  # (L,) float64, Frobenius norm of W1
    norm2: np.ndarray  # (L,) float64, of W2
    effective_rank1: np.ndarray  # (L,) float64, of W1, see `effective_rank`
    effective_rank2: np.ndarray  # (L,) float64, of W2
    singular_values1: np.ndarray  # (L, K) float64, of W1, large first
    singular_values2: np.ndarray  # (L, K) float64, of W2
    sparsity1: np.ndarray  # (L,) float64, share of W1 below 5 % of its largest |weight|, see `unit_maps.sparsity`
    sparsity2: np.ndarray  # (L,) float64, of W2

    def to_frame(self) -> Any:
        """A pandas table of all measures that have one number per block; blocks counted from 0."""
        columns = {name: value for name, value in vars(self).items() if value.ndim == 1}
        return frame({"block": range(len(self.norm1)), **columns})


def depth_curves(blocks: Sequence[MixingWeights]) -> DepthCurves:
    """Measure the token-mixing weights of each block; raises ValueError for no block or blocks of different sizes."""
    sizes = {(block.w1.shape, block.grid) for block in blocks}
    if len(sizes) != 1:
        raise ValueError(f"the blocks must be of one size and at least one, got {len(blocks)} of {len(sizes)} sizes")
    maps = np.stack([block.w1.astype(np.float64).reshape(-1, *block.grid) for block in blocks])  # (L, D_S, h, w)
    frequency, radius = mean_radial_frequency(maps), locality(maps)  # (L, D_S)
    first = np.stack([block.w1 for block in blocks]).astype(np.float64)
    second = np.stack([block.w2 for block in blocks]).astype(np.float64)
    values1, values2 = (np.linalg.svd(stack, compute_uv=False) for stack in (first, second))
    return DepthCurves(
        frequency_mean=frequency.mean(axis=1),
        frequency_quartiles=np.percentile(frequency, QUARTILES, axis=1).T,
        locality_mean=radius.mean(axis=1),
        locality_quartiles=np.percentile(radius, QUARTILES, axis=1).T,
        norm1=np.linalg.norm(first, axis=(1, 2)),
        norm2=np.linalg.norm(second, axis=(1, 2)),
        effective_rank1=effective_rank(values1),
        effective_rank2=effective_rank(values2),
        singular_values1=values1,
        singular_values2=values2,
        sparsity1=_sparsities(first),
        sparsity2=_sparsities(second),
    )


def effective_rank(singular_values: np.ndarray) -> np.ndarray:
    """Effective rank of Roy and Vetterli 2007 ("The effective rank", EUSIPCO): (..., K) -> (...) float64, 1 to K.

    exp of the entropy of the singular values scaled to sum to 1: K equal ones and zeros otherwise give K. An all-zero
    matrix has 0.
    """
    total = singular_values.sum(axis=-1, keepdims=True)
    share = singular_values / np.where(total == 0, 1.0, total)
    # 0 log 0 is 0.
    entropy = -(share * np.log(np.where(share == 0, 1.0, share))).sum(axis=-1)
    return np.where(total[..., 0] == 0, 0.0, np.exp(entropy))


def random_start(blocks: Sequence[MixingWeights], seed: int = 0) -> tuple[MixingWeights, ...]:
    """Weights of the same shapes drawn anew: normal with std 1 / sqrt(fan-in), biases zero.

    What to compare with when there is no snapshot of the real start, which may have had another scale.
    """
    rng = np.random.default_rng(seed)
    return tuple(_drawn_anew(block, rng) for block in blocks)


def _drawn_anew(block: MixingWeights, rng: np.random.Generator) -> MixingWeights:
    w1, w2 = (
        (rng.standard_normal(weight.shape) / np.sqrt(weight.shape[1])).astype(np.float32)
        for weight in (block.w1, block.w2)
    )
    return MixingWeights(w1, np.zeros_like(block.b1), w2, np.zeros_like(block.b2), block.grid)


def _sparsities(stack: np.ndarray) -> np.ndarray:  # (L, rows, columns) -> (L,)
    return np.array([sparsity(matrix.ravel(), SPARSE_BELOW * float(np.abs(matrix).max())) for matrix in stack])
