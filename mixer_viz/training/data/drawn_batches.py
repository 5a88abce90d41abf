"""Batches of pictures that are drawn while the training goes, and the fixed ones that it is measured on."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from mixer_viz.training.data.drawn import SIZE, DrawnTask
from mixer_viz.training.recipe import Recipe

STEPS_PER_EPOCH = 50  # what an epoch is where pictures never end
_HELD_OUT = {"validation": 1000, "test": 2000}  # pictures


class DrawnBatches:
    """(N, 3, 32, 32) uint8 pixels with (N,) class indices, new ones at every step.

    What is drawn depends on the state of `generator` alone. Raises ValueError for a network of another image size.
    """

    def __init__(self, task: DrawnTask, recipe: Recipe, generator: torch.Generator) -> None:
        if recipe.image_size != SIZE:
            raise ValueError(f"The pictures of {task.name!r} have {SIZE} px; give --image-size {SIZE}.")
        self.task, self.batch_size, self.generator = task, recipe.batch_size, generator

    def __len__(self) -> int:
        return STEPS_PER_EPOCH

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for _ in range(len(self)):
            yield self.task.draw(self.batch_size, self.generator)


def held_out_drawings(task: DrawnTask, part: str, seed: int) -> tuple[Tensor, Tensor]:
    """The pictures of "validation" or "test", with class indices: the same for the same seed, never trained on.

    Drawn from a generator of their own; that a training picture equals one of them pixel for pixel cannot happen, with
    noise on every pixel.
    """
    # A seed that is far from the seeds of the ranks, and differs between the parts.
    generator = torch.Generator().manual_seed((seed << 8) + 2**40 + list(_HELD_OUT).index(part))
    return task.draw(_HELD_OUT[part], generator)
