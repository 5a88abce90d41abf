"""Networks to attribute: the tiny Mixer, a linear one with answers in closed form, and ones that fail on purpose."""

from __future__ import annotations

import functools

import numpy as np
import torch
from torch import Tensor, nn

from mixer_viz.analysis.attribution.table import methods_for
from mixer_viz.model import MlpMixer
from tests.conftest import TINY
from tests.made_models import random_model, random_pixels

ALL = tuple(methods_for(TINY))
QUICK = {"steps": 8, "samples": 20}  # enough for everything but closing sums


def quick(method: str) -> dict[str, int]:
    """Parameters that make a method fast."""
    names = {parameter.name for parameter in methods_for(TINY)[method].parameters}
    chosen = {name: value for name, value in QUICK.items() if name in names}
    return {"samples": 3} if method == "shapley_sampling" else chosen


@functools.cache
def mixer(dtype: torch.dtype = torch.float32) -> MlpMixer:
    return random_model(TINY, dtype)


def picture(dtype: torch.dtype = torch.float32, seed: int = 2) -> Tensor:
    return random_pixels(TINY, dtype=dtype, seed=seed)


class Linear(nn.Module):
    """A network whose logits are a linear map of the pixels: what each pixel contributes is no matter of opinion."""

    def __init__(self) -> None:
        super().__init__()
        self.config = TINY
        generator = torch.Generator().manual_seed(3)
        shape = (TINY.num_classes, 3, TINY.image_size, TINY.image_size)
        self.weight = nn.Parameter(torch.randn(shape, generator=generator, dtype=torch.float64))
        self.bias = nn.Parameter(torch.randn(TINY.num_classes, generator=generator, dtype=torch.float64))

    def forward(self, pixels: Tensor) -> Tensor:
        return torch.einsum("nchw,kchw->nk", pixels, self.weight) + self.bias


class Narrow(MlpMixer):
    """A Mixer on a device with room for `limit` images."""

    limit = 3

    def __init__(self, message: str) -> None:
        super().__init__(TINY)
        self.load_state_dict(mixer().state_dict())
        self.message = message
        self.sizes: list[int] = []

    def forward(self, pixels: Tensor) -> Tensor:
        self.sizes.append(len(pixels))
        if len(pixels) > self.limit:
            raise RuntimeError(self.message)
        return super().forward(pixels)


class FailingHead(nn.Linear):
    """A head that breaks at its second call."""

    def __init__(self) -> None:
        super().__init__(TINY.embed_dim, TINY.num_classes)
        self.calls = 0

    def forward(self, pooled: Tensor) -> Tensor:
        self.calls += 1
        if self.calls > 1:
            raise ArithmeticError("broken")
        return super().forward(pooled)


def patch_sums(values: np.ndarray) -> np.ndarray:
    """(3, H, W) -> (S,), written out as loops."""
    side, grid = TINY.patch_size, TINY.grid_size
    return np.array(
        [
            values[:, row * side : (row + 1) * side, column * side : (column + 1) * side].sum()
            for row in range(grid)
            for column in range(grid)
        ]
    )
