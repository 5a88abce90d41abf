"""What a block's token mixing really reads and writes, summed up so that any linear stand-in is fitted from the sums.

Token mixing treats all channels alike, so each channel of each image is one example: it reads x, the S values of that
channel of the normalised tokens, and writes y, the S values that are added to the stream. How well a matrix plus one
bias per token answers y for x depends on nothing but the sums here, so no image is needed twice.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from torch import Tensor

from mixer_viz.analysis.arrays import to_double
from mixer_viz.analysis.chunks import Cancelled, ChunkedPasses, Progress, chunk_for
from mixer_viz.model import MixerConfig, MlpMixer
from mixer_viz.model.half_blocks import half_blocks
from mixer_viz.model.token_mixers import SpatialShift

_CONSTANT = 1e-12  # variance over mean square below which y varies by nothing but the rounding of float32


@dataclasses.dataclass(frozen=True)
class Moments:
    """Sums over examples of x (S,) and y (S,); all float64."""

    examples: int  # images times channels
    read: np.ndarray  # (S,) sum of x
    written: np.ndarray  # (S,) sum of y
    read_products: np.ndarray  # (S, S) sum of x xᵀ
    cross_products: np.ndarray  # (S, S) sum of y xᵀ, [written token, read token]
    written_squares: float  # sum of |y|²

    def __add__(self, other: Moments) -> Moments:
        """The sums over the examples of both."""
        pairs = ((getattr(self, field.name), getattr(other, field.name)) for field in dataclasses.fields(self))
        return Moments(*(mine + theirs for mine, theirs in pairs))

    def centred(self) -> tuple[np.ndarray, np.ndarray]:
        """`read_products` and `cross_products` of x and y less their means, token by token."""
        mean = self.read / self.examples
        return (
            self.read_products - np.outer(self.read, mean),
            self.cross_products - np.outer(self.written, mean),
        )

    def best_bias(self, matrix: np.ndarray) -> np.ndarray:
        """(S,) what to add to `matrix` x, one number per token, to be nearest to y."""
        bias: np.ndarray = (self.written - matrix @ self.read) / self.examples
        return bias

    def explained(self, matrix: np.ndarray, bias: np.ndarray) -> float:
        """R² of `matrix` x + `bias` as y: 1 - |y - answer|² / |y - mean|², the mean over examples, token by token.

        1 is y itself, 0 as good as the best constant per token, below 0 worse; nan where y is constant.
        """
        read, cross = self.centred()
        spread = self.written_squares - float(self.written @ self.written) / self.examples
        if spread <= _CONSTANT * self.written_squares:
            return float("nan")
        missed = self.best_bias(matrix) - bias  # what the bias leaves of the mean
        error = spread - float((matrix * (2 * cross - matrix @ read)).sum())
        return 1 - (error + self.examples * float(missed @ missed)) / spread


@dataclasses.dataclass(frozen=True)
class BlockMoments:
    """One block: its real inputs, and the same inputs after ShiftViT's shift, beside the same real outputs."""

    plain: Moments
    shifted: Moments

    def __add__(self, other: BlockMoments) -> BlockMoments:
        """The sums over the examples of both."""
        return BlockMoments(self.plain + other.plain, self.shifted + other.shifted)


@dataclasses.dataclass(frozen=True)
class Calibration:
    """The sums of every block of the unchanged network over some images; holds S² numbers a few times per block."""

    config: MixerConfig
    images: int
    blocks: tuple[BlockMoments, ...]


@torch.no_grad()
def calibrate(
    model: MlpMixer, pixels: Tensor, progress: Progress | None = None, cancelled: Cancelled | None = None
) -> Calibration:
    """Send images through the unchanged network and sum up what each token mixing reads and writes.

    Args:
        pixels: (N, 3, H, W), normalised, on the model's device, N at least 1.
    Raises ValueError for no images or a wrong size, AnalysisCancelled when `cancelled` answers True.
    """
    if not len(pixels):
        raise ValueError("at least one image is needed to fit to, got none")
    chunk = chunk_for(model.config, pixels.device, with_gradient=False)
    passes = ChunkedPasses(chunk, len(pixels), progress, cancelled)
    blocks: list[BlockMoments] = []
    for part in pixels.split(chunk):
        passes.check_cancelled()
        found = _block_moments(model, part)
        blocks = [before + more for before, more in zip(blocks, found, strict=True)] if blocks else found
        passes.count(len(part))
    return Calibration(model.config, len(pixels), tuple(blocks))


def _block_moments(model: MlpMixer, pixels: Tensor) -> list[BlockMoments]:
    shift = SpatialShift(model.config.embed_dim, model.config.grid_shape)
    found = []
    tokens = model.embed(pixels)
    for half in half_blocks(model):
        steps = half.steps(tokens)
        if half.over_tokens:
            read, written = steps.normed, steps.branch
            found.append(BlockMoments(moments_of(read, written), moments_of(shift(read), written)))
        tokens = steps.tokens
    return found


def moments_of(read: Tensor, written: Tensor) -> Moments:
    """The sums over images and channels of tokens read (N, S, C) and written (N, S, C)."""
    x, y = (to_double(tokens).transpose(1, 0, 2).reshape(tokens.shape[1], -1) for tokens in (read, written))
    return Moments(x.shape[1], x.sum(axis=1), y.sum(axis=1), x @ x.T, y @ x.T, float((y * y).sum()))
