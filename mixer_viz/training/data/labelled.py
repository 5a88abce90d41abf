"""Labelled images for training: an ImageFolder tree or torchvision's CIFAR-10, checked before anything starts."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset
from torchvision import datasets
from torchvision.transforms import v2
from tqdm import tqdm

from mixer_viz.training.data.augment import fitted
from mixer_viz.training.data.drawn import DRAWN_TASKS, DrawnTask

TEST_FOLDERS = ("test", "val", "validation")
HELD_OUT = 0.1  # of the images, when the tree has no test folder
MAX_CACHE_BYTES = 2**30
CIFAR10 = "cifar10"


class DataError(ValueError):
    """The data cannot be trained on; the message is one sentence for the user."""


@dataclasses.dataclass(frozen=True)
class LabelledFiles:
    """Paths or decoded pictures with their class index.

    The last `unlabelled` ones have no class; their index is the number of classes.
    """

    images: Sequence[Path | Image.Image]
    labels: Sequence[int]
    unlabelled: int = 0


@dataclasses.dataclass(frozen=True)
class ImageData:
    """A training and a test part with the same classes, and what was held out of training to choose recipes on.

    With a `task`, pictures are drawn while the training goes, and all three parts are empty.
    """

    train: LabelledFiles
    test: LabelledFiles
    class_names: tuple[str, ...]
    validation: LabelledFiles = LabelledFiles((), ())
    task: DrawnTask | None = None


def in_words(name: str) -> str:
    """A class folder's name as people write it."""
    return name.replace("_", " ")


def find_data(data: str, download_dir: Path, seed: int) -> ImageData:
    """Read `cifar10` (downloaded by torchvision into `download_dir`), an ImageFolder tree, or a task that is drawn.

    A tree is `DIR/train/<class>/*` with `DIR/test`, `DIR/val` or `DIR/validation` beside it, or plain `DIR/<class>/*`,
    of which a tenth (drawn with `seed`) is held out for testing. Raises DataError.
    """
    if data == CIFAR10 and not Path(data).is_dir():
        return _cifar10(download_dir)
    root = Path(data)
    if not root.is_dir() and data in DRAWN_TASKS:
        nothing = LabelledFiles((), ())
        return ImageData(nothing, nothing, DRAWN_TASKS[data].class_names, task=DRAWN_TASKS[data])
    if not root.is_dir():
        known = ", ".join(f"'{name}'" for name in (CIFAR10, *DRAWN_TASKS))
        raise DataError(f"There is no folder {root}; give a folder with one sub-folder per class, or one of {known}.")
    if not (root / "train").is_dir():
        return _hold_out(*_folder(root), seed)
    train, class_names = _folder(root / "train")
    test_root = next((root / name for name in TEST_FOLDERS if (root / name).is_dir()), None)
    if test_root is None:
        return _hold_out(train, class_names, seed)
    test, test_names = _folder(test_root)
    if test_names != class_names:
        odd = ", ".join(sorted(set(class_names) ^ set(test_names)))
        raise DataError(f"The class folders of {root / 'train'} and {test_root} differ: {odd}.")
    return ImageData(train, test, class_names)


def _folder(root: Path) -> tuple[LabelledFiles, tuple[str, ...]]:
    try:
        folder = datasets.ImageFolder(str(root))
    except FileNotFoundError as exc:
        raise DataError(
            f"{root} needs one sub-folder per class with at least one image (PNG, JPEG, WebP, ...) in each."
        ) from exc
    if len(folder.classes) < 2:
        raise DataError(f"{root} has the single class '{folder.classes[0]}'; training needs at least two.")
    return LabelledFiles([Path(path) for path, _ in folder.samples], folder.targets), tuple(folder.classes)


def hold_out_validation(data: ImageData, share: float, seed: int) -> ImageData:
    """Move a share of the training part, drawn with `seed`, to `validation`; raises DataError when a class is lost."""
    if not share or data.task is not None:
        return data
    train, validation = _divide(data.train, data.class_names, share, seed, "validation")
    return dataclasses.replace(data, train=train, validation=validation)


def with_unlabelled(data: ImageData, folder: str) -> ImageData:
    """Add all images below `folder` to the training part, without a class; raises DataError where there are none."""
    if not folder:
        return data
    if data.task is not None:
        raise DataError("Unlabelled images go with labelled ones, not with drawn pictures; leave them away.")
    root = Path(folder)
    found = sorted(path for path in root.rglob("*") if path.suffix.lower() in datasets.folder.IMG_EXTENSIONS)
    if not found:
        raise DataError(f"There are no images (PNG, JPEG, WebP, ...) below {root}; give a folder that holds some.")
    nobody = [len(data.class_names)] * len(found)
    both = LabelledFiles([*data.train.images, *found], [*data.train.labels, *nobody], len(found))
    return dataclasses.replace(data, train=both)


def _hold_out(files: LabelledFiles, class_names: tuple[str, ...], seed: int) -> ImageData:
    train, test = _divide(files, class_names, HELD_OUT, seed, "testing")
    return ImageData(train, test, class_names)


def _divide(
    files: LabelledFiles, class_names: tuple[str, ...], share: float, seed: int, purpose: str
) -> tuple[LabelledFiles, LabelledFiles]:
    """What stays and what is held out, both in an order that `seed` decides."""
    order = torch.randperm(len(files.images), generator=torch.Generator().manual_seed(seed)).tolist()
    cut = max(1, round(len(order) * share))
    lost = set(files.labels) - {files.labels[index] for index in order[cut:]}
    if lost:
        part = "a tenth" if share == HELD_OUT else f"{share:.0%}"
        raise DataError(
            f"Class '{class_names[min(lost)]}' has too few images to train on when {part} of all {len(order)} is held "
            f"out for {purpose}; add some, or {_INSTEAD[purpose]}."
        )

    def pick(indices: list[int]) -> LabelledFiles:
        return LabelledFiles([files.images[i] for i in indices], [files.labels[i] for i in indices])

    return pick(order[cut:]), pick(order[:cut])


_INSTEAD = {"testing": "give train and test folders", "validation": "give a smaller --validation-share"}


def _cifar10(download_dir: Path) -> ImageData:
    try:
        parts = [datasets.CIFAR10(str(download_dir), train=train, download=True) for train in (True, False)]
    except Exception as exc:  # torchvision passes on whatever the network or the archive raised
        raise DataError(f"CIFAR-10 could not be downloaded into {download_dir}; check the network.") from exc
    train, test = (LabelledFiles([Image.fromarray(array) for array in part.data], part.targets) for part in parts)
    return ImageData(train, test, tuple(parts[0].classes))


class ImageDataset(Dataset[tuple[Tensor, int]]):
    """Labelled images as (3, H, W) uint8 tensors after `transform`.

    Small pictures that already have the model's size are decoded once and kept in memory (at most 1 GiB); others are
    read from disk each time. The labelled ones decide which; unlabelled ones among small pictures are brought to their
    size.
    """

    def __init__(
        self, files: LabelledFiles, image_size: int, transform: Callable[[Tensor], Tensor], title: str, quiet: bool
    ) -> None:
        self.files = files
        self.transform = transform
        self.image_size = image_size
        self.labelled = len(files.images) - files.unlabelled
        sizes = {_size(files.images[index]) for index in range(0, self.labelled, max(1, self.labelled // 64))}
        self.native_size = sizes == {(image_size, image_size)}
        fits = len(files.images) * 3 * image_size**2 <= MAX_CACHE_BYTES
        self.cache = self._decode_all(title, quiet) if self.native_size and fits else None

    def _decode_all(self, title: str, quiet: bool) -> Tensor:
        size = self.image_size
        cache = torch.empty(len(self.files.images), 3, size, size, dtype=torch.uint8)
        for index, image in enumerate(tqdm(self.files.images, desc=f"decoding {title}", disable=quiet, leave=False)):
            pixels = self._decode(index)
            if pixels.shape != cache.shape[1:]:
                raise DataError(f"{image} is not {size} x {size} as the images before it.")
            cache[index] = pixels
        return cache

    def _decode(self, index: int) -> Tensor:
        pixels = _decode(self.files.images[index])
        return fitted(self.image_size)(pixels) if self.native_size and index >= self.labelled else pixels

    def __len__(self) -> int:
        return len(self.files.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        pixels = self._decode(index) if self.cache is None else self.cache[index]
        return self.transform(pixels), self.files.labels[index]


def _size(image: Path | Image.Image) -> tuple[int, int]:
    if isinstance(image, Image.Image):
        return image.size
    try:
        with Image.open(image) as opened:
            return opened.size
    except Exception as exc:  # Pillow's readers raise many types for a damaged file
        raise DataError(f"{image} is not an image that can be read; remove or replace it.") from exc


def _decode(image: Path | Image.Image) -> Tensor:
    pixels: Tensor
    if isinstance(image, Image.Image):
        pixels = v2.functional.pil_to_tensor(image.convert("RGB"))
        return pixels
    try:
        with Image.open(image) as opened:
            pixels = v2.functional.pil_to_tensor(opened.convert("RGB"))
            return pixels
    except Exception as exc:  # Pillow's readers raise many types for a damaged file
        raise DataError(f"{image} is not an image that can be read; remove or replace it.") from exc
