"""Batches from images that lie decoded in memory: crop, flip and zoom of a whole batch as tensor operations.

Image by image, the same transforms take longer than the network does; see `benchmarks/training_epoch.py`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.utils.data import DistributedSampler

from mixer_viz.training.recipe import Recipe

_AREA = (0.3, 1.0)  # of the image, for crop="resized"
_ASPECT = (3 / 4, 4 / 3)


class MemoryBatches:
    """(N, 3, H, W) uint8 pixels with (N,) class indices, cropped and flipped, in the sampler's order.

    `images` are (count, 3, H, W) uint8 of the network's size. What is drawn depends on the state of `generator` alone,
    so that an epoch can be drawn again. Only whole batches come.
    """

    def __init__(
        self,
        images: Tensor,
        labels: Sequence[int],
        sampler: DistributedSampler[int],
        recipe: Recipe,
        generator: torch.Generator,
    ) -> None:
        self.images, self.labels = images, torch.tensor(labels, device=images.device)
        self.sampler, self.recipe, self.generator = sampler, recipe, generator

    def __len__(self) -> int:
        return len(self.sampler) // self.recipe.batch_size

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        order = torch.tensor(list(self.sampler))
        for step in range(len(self)):
            chosen = order[step * self.recipe.batch_size : (step + 1) * self.recipe.batch_size].to(self.images.device)
            if self.recipe.crop == "resized":
                pixels = zoomed(self.images[chosen], self.recipe.flip, self.generator)
            elif self.recipe.crop == "none":
                pixels = mirrored(self.images[chosen], self.recipe.flip, self.generator)
            else:
                pixels = shifted(self.images, chosen, self.recipe.flip, self.generator)
            yield pixels, self.labels[chosen]


def mirrored(images: Tensor, flip: bool, generator: torch.Generator) -> Tensor:
    """(N, 3, H, W) images, half of them mirrored left to right where `flip` says so."""
    if not flip:
        return images
    chosen = (torch.rand(len(images), 1, 1, 1, generator=generator) < 0.5).to(images.device)
    return torch.where(chosen, images.flip(3), images)


def shifted(images: Tensor, chosen: Tensor, flip: bool, generator: torch.Generator) -> Tensor:
    """The chosen ones of (count, 3, H, W) images, moved by up to an eighth of their side; borders are reflected.

    What `RandomCrop(padding=side // 8, padding_mode="reflect")` and `RandomHorizontalFlip` do, all at once.
    """
    count, size, device = len(chosen), images.shape[-1], images.device
    reach = max(1, size // 8)
    offsets = torch.randint(-reach, reach + 1, (2, count, 1), generator=generator).to(device)
    rows, columns = _reflected(torch.arange(size, device=device) + offsets, size)  # (N, size) each
    if flip:
        mirrored = (torch.rand(count, 1, generator=generator) < 0.5).to(device)
        columns = torch.where(mirrored, columns.flip(1), columns)
    channels = torch.arange(images.shape[1], device=device)
    return images[chosen[:, None, None, None], channels[:, None, None], rows[:, None, :, None], columns[:, None, None]]


def _reflected(positions: Tensor, size: int) -> Tensor:
    return (size - 1) - ((size - 1) - positions.abs()).abs()


def zoomed(images: Tensor, flip: bool, generator: torch.Generator) -> Tensor:
    """(N, 3, H, W) uint8 -> a random part of each, brought back to (H, W): random resized crop of a whole batch."""
    count = len(images)
    low, high = (math.log(value) for value in _ASPECT)
    area = torch.empty(count).uniform_(*_AREA, generator=generator)
    aspect = torch.empty(count).uniform_(low, high, generator=generator).exp()
    width, height = ((area * factor).sqrt().clamp(max=1.0) for factor in (aspect, 1 / aspect))
    centre = [(1 - side) * (2 * torch.rand(count, generator=generator) - 1) for side in (width, height)]
    if flip:
        width = torch.where(torch.rand(count, generator=generator) < 0.5, -width, width)
    transform = torch.zeros(count, 2, 3)
    transform[:, 0, 0], transform[:, 1, 1] = width, height
    transform[:, 0, 2], transform[:, 1, 2] = centre
    grid = nn.functional.affine_grid(transform.to(images.device), list(images.shape), align_corners=False)
    pixels = nn.functional.grid_sample(images.float(), grid, padding_mode="reflection", align_corners=False)
    return pixels.round_().clamp_(0, 255).to(torch.uint8)
