"""Batches for training, the same ones whenever the same epoch is drawn, and batches for testing."""

from __future__ import annotations

import dataclasses
import signal
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

from mixer_viz.model import MixerConfig
from mixer_viz.model.convnet import ConvNetConfig
from mixer_viz.training.data.augment import test_transform, train_transform
from mixer_viz.training.data.drawn import DrawnTask
from mixer_viz.training.data.drawn_batches import DrawnBatches, held_out_drawings
from mixer_viz.training.data.labelled import ImageData, ImageDataset, LabelledFiles
from mixer_viz.training.data.memory import MemoryBatches
from mixer_viz.training.processes import Processes
from mixer_viz.training.recipe import Recipe

_TEST_BATCH = 500


@dataclasses.dataclass(frozen=True)
class Loaders:
    """(N, 3, H, W) uint8 pixels with (N,) class indices, augmented for training and plain for measuring.

    The sampler's order depends on seed and epoch alone, what is drawn on the generator alone: with both stored, a
    resumed epoch gets the same images with the same augmentation. `validation` is None where nothing was held out.
    """

    train: DataLoader[Any] | MemoryBatches | DrawnBatches
    validation: DataLoader[Any] | None
    test: DataLoader[Any]
    sampler: DistributedSampler[Any]
    generator: torch.Generator
    first_look: Callable[[int], Tensor]  # so many plain training images, (N, 3, H, W) uint8, before training starts


def open_loaders(data: ImageData, recipe: Recipe, processes: Processes, num_workers: int, quiet: bool) -> Loaders:
    """Read the images and cut them into this process's batches; raises DataError for an image that cannot be read."""
    if data.task is not None:
        return _drawn_loaders(data.task, recipe, processes)
    train = ImageDataset(data.train, recipe.image_size, nn.Identity(), "training images", quiet)
    train.transform = train_transform(recipe, train.native_size)
    generator = torch.Generator().manual_seed(recipe.seed + 1000 * processes.rank)
    sampler: DistributedSampler[Any] = DistributedSampler(
        train, processes.world_size, processes.rank, shuffle=True, seed=recipe.seed
    )
    how: dict[str, Any] = {
        "num_workers": num_workers,
        "pin_memory": processes.device.type == "cuda",
        "worker_init_fn": _leave_stopping_to_the_main_process,
    }
    batches: DataLoader[Any] | MemoryBatches
    if train.cache is not None and recipe.auto_augment == "none":
        images = train.cache.to(processes.device)
        batches = MemoryBatches(images, data.train.labels, sampler, recipe, generator)
    else:
        batches = DataLoader(train, recipe.batch_size, sampler=sampler, drop_last=True, generator=generator, **how)

    def plain(files: LabelledFiles, title: str) -> DataLoader[Any]:
        dataset = ImageDataset(files, recipe.image_size, nn.Identity(), title, quiet)
        dataset.transform = test_transform(recipe, dataset.native_size)
        return DataLoader(dataset, _TEST_BATCH, **(how | ({"num_workers": 0} if dataset.cache is not None else {})))

    def first_look(count: int) -> Tensor:
        step = max(1, len(data.train.images) // count)
        if train.cache is not None:
            return train.cache[::step]
        images = plain(data.train, "training images").dataset
        return torch.stack([images[index][0] for index in range(0, len(data.train.images), step)])

    validation = plain(data.validation, "validation images") if data.validation.images else None
    return Loaders(batches, validation, plain(data.test, "test images"), sampler, generator, first_look)


def _drawn_loaders(task: DrawnTask, recipe: Recipe, processes: Processes) -> Loaders:
    generator = torch.Generator().manual_seed(recipe.seed + 1000 * processes.rank)
    train = DrawnBatches(task, recipe, generator)
    # Nothing is sampled; it stands for how many pictures an epoch has.
    placeholders = TensorDataset(torch.empty(len(train) * recipe.batch_size * processes.world_size, 0))
    sampler: DistributedSampler[Any] = DistributedSampler(placeholders, processes.world_size, processes.rank)

    def fixed(part: str) -> DataLoader[Any]:
        return DataLoader(TensorDataset(*held_out_drawings(task, part, recipe.seed)), _TEST_BATCH)

    def first_look(count: int) -> Tensor:
        return task.draw(count, torch.Generator().manual_seed(recipe.seed))[0]

    return Loaders(train, fixed("validation"), fixed("test"), sampler, generator, first_look)


def normalise(pixels: Tensor, config: MixerConfig | ConvNetConfig) -> Tensor:
    """(N, 3, H, W) uint8 -> floats, (x / 255 - mean) / std."""
    mean, std = (torch.tensor(values, device=pixels.device).view(3, 1, 1) for values in (config.mean, config.std))
    return (pixels.float() / 255 - mean) / std


def _leave_stopping_to_the_main_process(worker: int) -> None:
    # Ctrl-C reaches every process of the terminal; a worker that dies of it would keep the main one from saving.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
