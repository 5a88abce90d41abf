"""Batches for training, the same ones whenever the same epoch is drawn, and batches for testing."""

from __future__ import annotations

import dataclasses
import signal
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, DistributedSampler

from mixer_viz.model import MixerConfig
from mixer_viz.training.augment import test_transform, train_transform
from mixer_viz.training.data import ImageData, ImageDataset
from mixer_viz.training.processes import Processes
from mixer_viz.training.recipe import Recipe

_TEST_BATCH = 500


@dataclasses.dataclass(frozen=True)
class Loaders:
    """(N, 3, H, W) uint8 pixels with (N,) class indices, augmented for training and plain for testing.

    The sampler's order depends on seed and epoch alone, the workers' seeds on the generator alone: with both stored, a
    resumed epoch draws the same images with the same augmentation.
    """

    train: DataLoader[Any]
    test: DataLoader[Any]
    sampler: DistributedSampler[Any]
    generator: torch.Generator


def open_loaders(data: ImageData, recipe: Recipe, processes: Processes, num_workers: int, quiet: bool) -> Loaders:
    """Read the images and cut them into this process's batches; raises DataError for an image that cannot be read."""
    identity = nn.Identity()
    train = ImageDataset(data.train, recipe.image_size, identity, "training images", quiet)
    train.transform = train_transform(recipe, train.native_size)
    test = ImageDataset(data.test, recipe.image_size, identity, "test images", quiet)
    test.transform = test_transform(recipe, test.native_size)
    generator = torch.Generator().manual_seed(recipe.seed + 1000 * processes.rank)
    sampler: DistributedSampler[Any] = DistributedSampler(
        train, processes.world_size, processes.rank, shuffle=True, seed=recipe.seed
    )
    how: dict[str, Any] = {
        "num_workers": num_workers,
        "pin_memory": processes.device.type == "cuda",
        "worker_init_fn": _leave_stopping_to_the_main_process,
    }
    train_loader = DataLoader(train, recipe.batch_size, sampler=sampler, drop_last=True, generator=generator, **how)
    return Loaders(train_loader, DataLoader(test, _TEST_BATCH, **how), sampler, generator)


def normalise(pixels: Tensor, config: MixerConfig) -> Tensor:
    """(N, 3, H, W) uint8 -> floats, (x / 255 - mean) / std."""
    mean, std = (torch.tensor(values, device=pixels.device).view(3, 1, 1) for values in (config.mean, config.std))
    return (pixels.float() / 255 - mean) / std


def _leave_stopping_to_the_main_process(worker: int) -> None:
    # Ctrl-C reaches every process of the terminal; a worker that dies of it would keep the main one from saving.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
