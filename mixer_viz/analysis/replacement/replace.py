"""Token mixing replaced at run time: a simple linear map in its place in some blocks of a trained Mixer.

Four stand-ins, each (N, S, C) -> (N, S, C) from the normalised tokens to what is added to the stream:

- identity: every token keeps to itself, times one factor;
- convolution: one k x k kernel, the same for all channels as the MLP is, zeros around the grid;
- shift: ShiftViT's spatial shift of groups of channels, times one factor (below 12 channels nothing moves);
- random: a matrix of independent normal numbers, as strong as the real mixing.

Factor and kernel are those of least squares against what the block's token mixing really answers in the unchanged
network. The first three have one bias per token besides, as the MLP has in its last layer; it carries nothing from one
token to another. Nothing is trained again: a network trained with the stand-in may do better than one that gets it
afterwards, and behind a replaced block the next ones read what neither they nor their stand-ins were fitted to.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from mixer_viz.analysis.arrays import one_image
from mixer_viz.analysis.ranges import check_range
from mixer_viz.analysis.replacement.moments import Calibration, Moments, moments_of
from mixer_viz.analysis.token_mixing.mixing_matrix import displacements
from mixer_viz.language import noted
from mixer_viz.model import MixerConfig, MlpMixer
from mixer_viz.model.half_blocks import half_blocks, logits_from
from mixer_viz.model.token_mixers import SpatialShift

Kind = Literal["identity", "convolution", "shift", "random"]
KINDS: tuple[Kind, ...] = ("identity", "convolution", "shift", "random")

_NEGLIGIBLE = 1e-12  # of the largest singular value: directions that the calibration images do not have


@dataclasses.dataclass(frozen=True)
class Replacement:
    """What stands for one block's token mixing: `matrix` @ tokens + `bias`, of a shift after the tokens are moved."""

    kind: Kind
    matrix: np.ndarray  # (S, S) float64, [written token, read token]; factor times the identity for a shift
    bias: np.ndarray  # (S,) float64, zeros for random
    kernel: (
        np.ndarray | None
    )  # (k, k) float64 of a convolution; [k//2 + dy, k//2 + dx] weighs the patch dy below, dx right
    factor: float | None  # of identity and shift; of random the entries' standard deviation; None for a convolution
    explained: float  # R² on the calibration images, see `Moments.explained`; -1 or below for most random ones
    grid: tuple[int, int] | None = None  # rows and columns, of a shift; None: a square

    def mixed(self, tokens: Tensor) -> Tensor:
        """(N, S, C) -> (N, S, C), in the precision and on the device of the tokens."""
        matrix, bias = (
            torch.tensor(values, dtype=tokens.dtype, device=tokens.device) for values in (self.matrix, self.bias)
        )
        if self.kind == "shift":
            tokens = SpatialShift(tokens.shape[2], self.grid or math.isqrt(len(matrix)))(tokens)
        return matrix @ tokens + bias[:, None]


def fit_replacement(
    calibration: Calibration, block: int, kind: Kind, *, kernel_size: int = 3, seed: int = 0
) -> Replacement:
    """The best stand-in of a kind for a block, or a random one.

    Args:
        kernel_size: k of a convolution, odd, at most twice the longer side of the grid less 1, which reaches
            every token from every other.
        seed: of the random matrix, which differs from block to block.
    Raises ValueError for a block, kind or kernel size that is not there.
    """
    check_range("block", block, len(calibration.blocks))
    moments = calibration.blocks[block].plain
    if kind == "identity":
        return _scaled(kind, moments)
    if kind == "shift":
        shifted = _scaled(kind, calibration.blocks[block].shifted)
        return dataclasses.replace(shifted, grid=calibration.config.grid_shape)
    if kind == "convolution":
        return _convolution(moments, calibration.config.grid_shape, kernel_size)
    if kind == "random":
        return _random(moments, np.random.default_rng((seed, block)))
    raise ValueError(f"kind={kind!r} must be one of {', '.join(map(repr, KINDS))}")


def _scaled(kind: Kind, moments: Moments) -> Replacement:
    read, cross = moments.centred()
    square = float(read.trace())
    factor = float(cross.trace()) / square if square > 0 else 0.0
    matrix = factor * np.eye(len(read))
    return _with_bias(kind, matrix, moments, factor=factor)


def _convolution(moments: Moments, grid: tuple[int, int], kernel_size: int) -> Replacement:
    most = 2 * max(grid) - 1
    if kernel_size % 2 == 0 or not 1 <= kernel_size <= most:
        raise ValueError(
            noted("kernel_size={kernel_size} must be odd and between 1 and {most}", kernel_size=kernel_size, most=most)
        )
    read, cross = moments.centred()
    dy, dx = displacements(cross, grid)
    reach = kernel_size // 2
    inside = (abs(dy) <= reach) & (abs(dx) <= reach)
    weight = (dy + reach) * kernel_size + dx + reach  # which kernel weight an entry of the matrix is, where inside
    size = kernel_size**2
    # Normal equations: the design matrix itself would have a row per token, channel and image.
    products = np.zeros((size, size))
    for weights, within in zip(weight, inside, strict=True):  # one token that is written
        places = weights[within]  # no two of them are alike
        products[np.ix_(places, places)] += read[np.ix_(within, within)]
    wanted = np.bincount(weight[inside], cross[inside], size)
    kernel = np.linalg.lstsq(products, wanted, rcond=_NEGLIGIBLE)[0]
    matrix = np.where(inside, kernel[np.where(inside, weight, 0)], 0.0)
    return _with_bias("convolution", matrix, moments, kernel=kernel.reshape(kernel_size, kernel_size))


def _random(moments: Moments, generator: np.random.Generator) -> Replacement:
    matrix = generator.standard_normal(moments.read_products.shape)
    squares = float((matrix @ moments.read_products * matrix).sum())
    factor = math.sqrt(moments.written_squares / squares) if squares > 0 else 0.0
    bias = np.zeros(len(matrix))
    return Replacement("random", factor * matrix, bias, None, factor, moments.explained(factor * matrix, bias))


def _with_bias(
    kind: Kind, matrix: np.ndarray, moments: Moments, kernel: np.ndarray | None = None, factor: float | None = None
) -> Replacement:
    bias = moments.best_bias(matrix)
    return Replacement(kind, matrix, bias, kernel, factor, moments.explained(matrix, bias))


@torch.no_grad()
def replaced_batch(model: MlpMixer, pixels: Tensor, replacements: Mapping[int, Replacement]) -> Tensor:
    """Logits (N, num_classes) with the token mixing of some blocks replaced; nothing is left on the model.

    Args:
        pixels: (N, 3, H, W), normalised, on the model's device.
        replacements: block, counted from 0, to what stands there; none: `model(pixels)` to the bit.
    Raises ValueError for a block that is not there, a stand-in for another grid, or a wrong image size.
    """
    check_replacements(model.config, replacements)
    tokens = model.embed(pixels)
    for number, half in enumerate(half_blocks(model)):
        replacement = replacements.get(number // 2) if half.over_tokens else None
        tokens = tokens + replacement.mixed(half.norm(tokens)) if replacement else half.after(tokens)
    return logits_from(model, tokens, 2 * model.config.num_blocks)


def replaced_logits(model: MlpMixer, pixels: Tensor, replacements: Mapping[int, Replacement]) -> np.ndarray:
    """`replaced_batch` of one image (1, 3, H, W): logits (num_classes,) in the model's precision."""
    one_image(pixels)
    return one_image(replaced_batch(model, pixels, replacements)).cpu().numpy()


@torch.no_grad()
def explained_here(model: MlpMixer, pixels: Tensor, replacements: Mapping[int, Replacement]) -> dict[int, float]:
    """R² of each stand-in on these images (N, 3, H, W), all of the network unchanged: block to `Moments.explained`.

    The mean that R² compares with is that of these images. Raises ValueError as `replaced_batch` does.
    """
    check_replacements(model.config, replacements)
    found = {}
    tokens = model.embed(pixels)
    for number, half in enumerate(half_blocks(model)):
        steps = half.steps(tokens)
        if half.over_tokens and number // 2 in replacements:
            answer = replacements[number // 2].mixed(steps.normed)
            # The answer itself as x, and the identity as the map from it.
            moments = moments_of(answer, steps.branch)
            found[number // 2] = moments.explained(np.eye(answer.shape[1]), np.zeros(answer.shape[1]))
        tokens = steps.tokens
    return found


def check_replacements(config: MixerConfig, replacements: Mapping[int, Replacement]) -> None:
    """Raise ValueError for a block that a Mixer of this config does not have, or a stand-in for another grid."""
    for block, replacement in replacements.items():
        check_range("block", block, config.num_blocks)
        if len(replacement.matrix) != config.num_patches:
            raise ValueError(
                f"the stand-in is for {len(replacement.matrix)} patches, this Mixer has {config.num_patches}"
            )
