"""The picture that a unit of the first block prefers, in closed form: no other block has one.

Before block 1 a token is a linear function of its patch, so what hidden unit u of its token mixing gets in channel c
is, up to LayerNorm, a linear function of the whole picture: sum_s W1[u, s] (filter_c . patch_s). Of all pictures of one
length the gradient of that function excites it most, and the gradient is an outer product: at patch s, W1[u, s] times
the stem's filter c. LayerNorm subtracts the mean over the channels and multiplies by a gain, which is linear as well
and makes another filter of filter c; that it divides by the token's standard deviation is left out.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from mixer_viz.analysis.arrays import to_double
from mixer_viz.analysis.ranges import block_of, check_range
from mixer_viz.model import MlpMixer


@dataclasses.dataclass(frozen=True)
class PreferredPicture:
    """Gradients of what one unit of block 1 gets in one channel, by the normalised pixels."""

    unit: int
    channel: int
    plain: np.ndarray  # (3, H, W) float64, W1[u, s] filter_c at patch s: without LayerNorm
    normed: np.ndarray  # (3, H, W) float64, W1[u, s] gain_c (filter_c - mean filter) at patch s: with its linear part


def preferred_picture(model: MlpMixer, unit: int, channel: int) -> PreferredPicture:
    """The preferred picture of a hidden unit of the first block's token mixing in one channel.

    Raises ValueError for a unit or channel that is not there.
    """
    check_range("unit", unit, model.config.tokens_mlp_dim)
    check_range("channel", channel, model.config.embed_dim)
    block = block_of(model, 0)
    row = to_double(block.token_mixing.fc1.weight[unit])  # (S,)
    filters = to_double(model.stem.weight)  # (C, 3, P, P)
    gain = float(block.norm1.weight[channel].detach())
    centred = gain * (filters[channel] - filters.mean(axis=0))
    grid = model.config.grid_shape
    return PreferredPicture(unit, channel, _outer(row, filters[channel], grid), _outer(row, centred, grid))


def as_picture(direction: np.ndarray, std: tuple[float, ...] | None) -> np.ndarray:
    """A direction (3, H, W) in normalised pixels as a picture (H, W, 3) uint8 around mid grey.

    Its largest value becomes black or white.

    Args:
        std: of the normalisation, as the config has it: a gradient by pixel values is that by normalised ones over it.
    """
    steps = direction / np.array(std or (0.5,) * len(direction))[:, None, None]
    peak = np.abs(steps).max()
    shown: np.ndarray = np.round(127.5 + 127.5 * steps / (peak or 1.0)).astype(np.uint8).transpose(1, 2, 0)
    return shown


def _outer(row: np.ndarray, kernel: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """row[s] kernel at patch s, patches in raster order: (S,), (3, P, P) -> (3, H, W)."""
    tiles = row.reshape(grid)[None, :, None, :, None] * kernel[:, None, :, None, :]  # (3, rows, P, columns, P)
    colours, rows, side, columns, _ = tiles.shape
    picture: np.ndarray = tiles.reshape(colours, rows * side, columns * side)
    return picture
