"""Pictures in memory, to learn from while somebody watches: a visitor's folder, or CIFAR-10 where it is on disk."""

from __future__ import annotations

import dataclasses
import itertools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DistributedSampler, TensorDataset
from torchvision import datasets

from mixer_viz.language import noted
from mixer_viz.training.data.drawn import SIZE, DrawnTask
from mixer_viz.training.data.labelled import CIFAR10, DataError, find_data
from mixer_viz.training.data.memory import MemoryBatches
from mixer_viz.training.recipe import Recipe

SETTING = "MIXER_VIZ_DATA"  # folders with labelled pictures, as the benchmarks know it
MIN_CLASSES, MAX_CLASSES = 2, 100
MIN_OF_A_CLASS = 5  # one of them is held out
_HELD_OUT = 5  # every fifth
_CIFAR10_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_MOST_OF_A_CLASS = {"train": 2000, "test": 200}  # of CIFAR-10: 66 MB in memory, read within seconds


@dataclasses.dataclass(frozen=True, eq=False)
class PictureSet:
    """Pictures with classes that end, as `DrawnTask` has some without end; in no order."""

    name: str  # URL-safe; what `--data` is called in a command
    title: str
    teaches: str  # one sentence
    class_names: tuple[str, ...]
    train: tuple[Tensor, Tensor]  # (N, 3, 32, 32) uint8, (N,) class indices
    test: tuple[Tensor, Tensor]

    @property
    def chance(self) -> float:
        """Share of the test part's largest class, 0 to 1: what guessing without a look reaches."""
        labels = self.test[1]
        return float(labels.bincount().max()) / len(labels)

    def steps_per_epoch(self, batch_size: int) -> int:
        """Whole batches in the training part; raises DataError where there is none."""
        steps = len(self.train[1]) // batch_size
        if steps == 0:
            raise DataError(
                noted(
                    "{count} pictures to learn from do not fill a batch of {batch}; choose a smaller batch, or bring "
                    "more pictures.",
                    count=len(self.train[1]),
                    batch=batch_size,
                )
            )
        return steps


Pictures = DrawnTask | PictureSet


def endless_batches(
    pictures: PictureSet, recipe: Recipe, generator: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches as an epoch of the training command has them, one epoch after the other; see `MemoryBatches`."""
    images, labels = pictures.train
    sampler: DistributedSampler[int] = DistributedSampler(TensorDataset(labels), 1, 0, shuffle=True, seed=recipe.seed)
    batches = MemoryBatches(images, labels.tolist(), sampler, recipe, generator)
    for epoch in itertools.count():
        sampler.set_epoch(epoch)
        yield from batches


def divided(images: Sequence[np.ndarray], labels: np.ndarray, class_names: Sequence[str], title: str) -> PictureSet:
    """Every fifth picture of each class, drawn once and for all, is held out for testing.

    Args:
        images: N times (32, 32, 3) uint8.
        labels: (N,) int.

    Raises DataError, one sentence, for a number of classes or pictures from which nothing can be learned.
    """
    check_classes(class_names)
    counts = np.bincount(labels, minlength=len(class_names))
    if counts.min() < MIN_OF_A_CLASS:
        few = int(counts.argmin())
        raise DataError(
            noted(
                "Class {name!r} has {count} readable pictures; each class needs at least {least}, since every fifth is "
                "held out for testing.",
                name=class_names[few],
                count=int(counts[few]),
                least=MIN_OF_A_CLASS,
            )
        )
    order = np.random.default_rng(0).permutation(len(labels))
    place = np.empty(len(labels), dtype=int)  # of each picture among those of its class
    for label in range(len(class_names)):
        own = order[labels[order] == label]
        place[own] = np.arange(len(own))
    held = place[order] % _HELD_OUT == 0
    parts = [_stacked([images[index] for index in part], labels[part]) for part in (order[~held], order[held])]
    teaches = noted(
        "Pictures of your own, at {size} px: {train:,} to learn from and {test:,} to test. A small network learns a "
        "few hundred pictures by heart, so watch how far apart the two accuracies get.",
        size=SIZE,
        train=len(parts[0][1]),
        test=len(parts[1][1]),
    )
    return PictureSet("folder", title, teaches, tuple(class_names), *parts)


def check_classes(class_names: Sequence[str]) -> None:
    """Raise DataError, one sentence, for a number of classes that cannot be learned."""
    if len(class_names) == 1:
        raise DataError(
            noted(
                "This folder has one class, {name!r}; training needs one folder of pictures for each class, and "
                "{least} to {most} of them.",
                name=class_names[0],
                least=MIN_CLASSES,
                most=MAX_CLASSES,
            )
        )
    if not MIN_CLASSES <= len(class_names) <= MAX_CLASSES:
        raise DataError(
            noted(
                "This folder has {count} classes; training needs one folder of pictures for each class, and {least} to "
                "{most} of them.",
                count=len(class_names),
                least=MIN_CLASSES,
                most=MAX_CLASSES,
            )
        )


def find_cifar10() -> Path | None:
    """CIFAR-10 as torchvision's files or a tree of class folders, in a folder of MIXER_VIZ_DATA or in `data`."""
    for folder in os.environ.get(SETTING, "data").split(os.pathsep):
        root = Path(folder)
        try:
            if (root / datasets.CIFAR10.base_folder).is_dir() or _class_folders(root / "train") == _CIFAR10_NAMES:
                return root
        except OSError:  # one that cannot be looked into
            continue
    return None


def read_cifar10(root: Path) -> PictureSet:
    """The first pictures of each class of CIFAR-10 in `root`, as `find_cifar10` found it; raises DataError."""
    parts = []
    for part, (images, labels) in _cifar10_parts(root).items():
        first = [np.flatnonzero(labels == label)[: _MOST_OF_A_CLASS[part]] for label in range(len(_CIFAR10_NAMES))]
        chosen = np.random.default_rng(0).permutation(np.concatenate(first))
        parts.append(_stacked([_decoded(images[index]) for index in chosen], labels[chosen]))
    teaches = noted(
        "Photographs of ten kinds of things: {train:,} to learn from, {test:,} to test. Far harder than figures: the "
        "bundled model needed an hour and a half, and a minute gives a first idea.",
        train=len(parts[0][1]),
        test=len(parts[1][1]),
    )
    return PictureSet(CIFAR10, "CIFAR-10", teaches, _CIFAR10_NAMES, *parts)


def _cifar10_parts(root: Path) -> dict[str, tuple[Sequence[Path | Image.Image], np.ndarray]]:
    if not (root / datasets.CIFAR10.base_folder).is_dir():
        data = find_data(str(root), root, seed=0)
        return {
            part: (files.images, np.array(files.labels)) for part, files in (("train", data.train), ("test", data.test))
        }
    try:
        files = {part: datasets.CIFAR10(str(root), train=part == "train", download=False) for part in _MOST_OF_A_CLASS}
    except Exception as exc:  # torchvision passes on whatever a damaged file raises
        raise DataError(noted("CIFAR-10 on this computer is damaged; copy the data set anew.")) from exc
    return {
        part: ([Image.fromarray(array) for array in data.data], np.array(data.targets)) for part, data in files.items()
    }


def _class_folders(root: Path) -> tuple[str, ...]:
    return tuple(sorted(path.name for path in root.iterdir())) if root.is_dir() else ()


def _decoded(image: Path | Image.Image) -> np.ndarray:
    try:
        if isinstance(image, Image.Image):
            pixels = np.asarray(image.convert("RGB"))
        else:
            with Image.open(image) as opened:
                pixels = np.asarray(opened.convert("RGB"))
    except Exception as exc:  # Pillow's readers raise many types for a damaged file
        raise DataError(
            noted("A picture of CIFAR-10 on this computer cannot be read; copy the data set anew.")
        ) from exc
    if pixels.shape != (SIZE, SIZE, 3):
        raise DataError(
            noted(
                "A picture of CIFAR-10 on this computer is not {size} x {size} px; copy the data set anew.", size=SIZE
            )
        )
    return pixels


def _stacked(images: Sequence[np.ndarray], labels: np.ndarray) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(np.stack(images).transpose(0, 3, 1, 2).copy()), torch.from_numpy(labels.astype(np.int64))
