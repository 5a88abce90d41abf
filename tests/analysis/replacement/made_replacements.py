"""Calibrations and stand-ins made on the spot, and their answers written out with torch's convolution and by index."""

from __future__ import annotations

import dataclasses

import torch
from made_models import block_of, random_model, random_pixels
from torch import Tensor
from torch.nn import functional as F

from mixer_viz.analysis.replacement.moments import BlockMoments, Calibration, moments_of
from mixer_viz.analysis.replacement.replace import Replacement
from mixer_viz.model import MlpMixer
from mixer_viz.model.token_mixers import SpatialShift
from tests.conftest import TINY

GRID = 4
CONFIG = dataclasses.replace(TINY, embed_dim=26)  # two channels in each of the four groups that move


def normal(*shape: int, seed: int = 5) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def fake_calibration(read: Tensor, written: Tensor) -> Calibration:
    """As if a network with a single block had read and written these tokens (N, S, C)."""
    shifted = SpatialShift(read.shape[2], GRID)(read)
    block = BlockMoments(moments_of(read, written), moments_of(shifted, written))
    return Calibration(dataclasses.replace(CONFIG, num_blocks=1), len(read), (block,))


def convolved(tokens: Tensor, kernel: Tensor) -> Tensor:
    """torch's own convolution, the same kernel (k, k) for each channel of tokens (N, S, C), zeros around."""
    channels = tokens.shape[2]
    grid = tokens.mT.unflatten(2, (GRID, GRID))
    weight = kernel.to(tokens.dtype).expand(channels, 1, *kernel.shape)
    return F.conv2d(grid, weight, padding=len(kernel) // 2, groups=channels).flatten(2).mT


def shifted_by_index(tokens: Tensor) -> Tensor:
    """(N, S, 26): channels 0-1 read the right neighbour, 2-3 the left, 4-5 the lower, 6-7 the upper one."""
    moved = torch.zeros_like(tokens)
    moved[:, :, 8:] = tokens[:, :, 8:]
    for y in range(GRID):
        for x in range(GRID):
            for group, (dy, dx) in enumerate([(0, 1), (0, -1), (1, 0), (-1, 0)]):
                if 0 <= y + dy < GRID and 0 <= x + dx < GRID:
                    some = slice(2 * group, 2 * group + 2)
                    moved[:, GRID * y + x, some] = tokens[:, GRID * (y + dy) + x + dx, some]
    return moved


def by_hand(replacement: Replacement, tokens: Tensor) -> Tensor:
    """What a stand-in should answer, each kind in its own words."""
    bias = torch.from_numpy(replacement.bias)[:, None]
    if replacement.kernel is not None:
        return convolved(tokens, torch.from_numpy(replacement.kernel)) + bias
    if replacement.kind == "random":
        return torch.einsum("ts,nsc->ntc", torch.from_numpy(replacement.matrix), tokens)
    assert replacement.factor is not None
    return replacement.factor * (shifted_by_index(tokens) if replacement.kind == "shift" else tokens) + bias


def reads_and_writes(model: MlpMixer, pixels: Tensor) -> list[tuple[Tensor, Tensor]]:
    """What each block's token mixing reads and writes in a plain pass."""
    found = []
    with torch.no_grad():
        tokens = model.embed(pixels)
        for block in model.blocks:
            read = block.norm1(tokens)  # type: ignore[operator]
            found.append((read, block.token_mixing(read.mT).mT))  # type: ignore[operator]
            tokens = block(tokens)
    return found


def calibration_pixels(count: int = 6) -> Tensor:
    return random_pixels(CONFIG, count=count, seed=11)


def linear_mixing_model(kernel: Tensor) -> MlpMixer:
    """A GELU far above zero is the identity, so that both layers together can be any matrix."""
    model = random_model(dataclasses.replace(CONFIG, tokens_mlp_dim=16))
    matrix = convolved(torch.eye(16, dtype=torch.float64)[None], kernel)[0]
    for index in range(2):
        mixing = block_of(model, index).token_mixing
        mixing.fc1.weight.data, mixing.fc2.weight.data = torch.eye(16, dtype=torch.float64), matrix
        mixing.fc1.bias.data.fill_(100)
        mixing.fc2.bias.data -= 100 * matrix.sum(dim=1)
    return model
