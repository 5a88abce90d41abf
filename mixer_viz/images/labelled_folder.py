"""A stranger's folder of labelled pictures -> what a Mixer reads of them: the folder's name is the class."""

from __future__ import annotations

import collections
import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from mixer_viz.images.pixels import ImageError, crop_image, normalise, open_image
from mixer_viz.language import noted, noted_list
from mixer_viz.model import MixerConfig

MAX_IMAGES = 2_000
MAX_FILE_BYTES = 200 * 2**20  # of all files together
MAX_DECODED_PIXELS = 10**9  # of all pictures together: bounds the time, for a small file can hold a large picture
MAX_UNREADABLE = 100  # bounds it as well: a damaged file can take as long as a whole one
MAX_KEPT_BYTES = MAX_IMAGES * 3 * 224**2  # of the crops, which are what stays in memory

_TOO_MANY_UNREADABLE = noted(
    "More than {most} of these files are no readable pictures; choose others.", most=MAX_UNREADABLE
)
_NAMES_SHOWN, _LETTERS_SHOWN = 5, 40  # of folders, whose names can be anything

Content = TypeVar("Content")


@dataclasses.dataclass(frozen=True)
class LabelledImages:
    """N pictures, decoded and cropped for one Mixer, with their classes, and what was left out."""

    config: MixerConfig
    images: tuple[np.ndarray, ...]  # N times (H, W, 3) uint8, of the network's image_shape
    labels: np.ndarray  # (N,) int, classes
    unreadable: int  # files in a class's folder that are no picture
    unknown: tuple[str, ...]  # folders that are no class of this Mixer, in alphabetical order

    def __len__(self) -> int:
        return len(self.images)

    def pixels(self, some: slice, device: torch.device) -> Tensor:
        """Some of them, normalised: (n, 3, H, W) float32; made anew at each call, since all would fill the memory."""
        return normalise(np.stack(self.images[some]), self.config).to(device)

    @property
    def left_out(self) -> str:
        """What was left out, in one or two sentences; empty when nothing was."""
        listed, count, files = _listed(self.unknown), self.unreadable, self.unreadable + len(self)
        unknown = noted("Left out, because this model has no class of that name: {names}.", names=listed)
        unreadable = noted("Skipped {count} of {files} files: no readable pictures.", count=count, files=files)
        if self.unknown and count:
            return noted("{first} {second}", first=unknown, second=unreadable)
        return unknown if self.unknown else unreadable if count else ""


def labelled_images(files: Iterable[tuple[str, bytes]], config: MixerConfig) -> LabelledImages:
    """Read pictures from (relative path, bytes), such as ("test/cat/0001.jpg", ...); the last folder is the class.

    A folder is a class by its full name or by one of several names between commas ("tabby, tabby cat"), in any case
    and with _ for spaces, if only one class has that name. Hidden files are ignored, others that are no pictures are
    skipped and counted. `files` is read one by one, so a generator can report how far it is, or stop by an exception.
    Raises ImageError, and nothing else by itself, for a Mixer without class names, where no picture is left, and beyond
    MAX_IMAGES files, MAX_FILE_BYTES, MAX_DECODED_PIXELS, MAX_UNREADABLE or MAX_KEPT_BYTES.
    """
    classes = classes_by_name(config.class_names)
    images: list[np.ndarray] = []
    labels: list[int] = []
    unreadable, pixels, unknown = 0, 0, set()
    for folder, data in _within_limits(files, len, config):
        label = classes.get(plain_name(folder))
        if label is None:
            unknown.add(folder)
            continue
        try:
            image = open_image(data)
        except ImageError:
            unreadable += 1
            if unreadable > MAX_UNREADABLE:
                raise ImageError(_TOO_MANY_UNREADABLE) from None
            continue
        pixels += image.width * image.height
        if pixels > MAX_DECODED_PIXELS:
            raise ImageError(
                noted(
                    "These pictures have more than {most:,} pixels in all; choose fewer of them.",
                    most=MAX_DECODED_PIXELS,
                )
            )
        images.append(np.asarray(crop_image(image, config)))
        labels.append(label)
    if not images:
        raise ImageError(_nothing_left(unreadable, sorted(unknown), config))
    return LabelledImages(config, tuple(images), np.array(labels), unreadable, tuple(sorted(unknown)))


def class_folders_of(files: Iterable[tuple[str, object]]) -> tuple[str, ...]:
    """The names of the folders that hold files, in alphabetical order; names that differ in case or _ alone are one."""
    names: dict[str, str] = {}
    for folder, _ in _not_hidden(files):
        names.setdefault(plain_name(folder), folder)
    return tuple(sorted(name for name in names.values() if name))


def check_sizes(files: Iterable[tuple[str, int]], config: MixerConfig) -> None:
    """Raise ImageError where `labelled_images` would for number or size, from (relative path, bytes) of each file."""
    for _ in _within_limits(files, int, config):
        pass


def _within_limits(
    files: Iterable[tuple[str, Content]], size_of: Callable[[Content], int], config: MixerConfig
) -> Iterator[tuple[str, Content]]:
    """(name of the last folder, content) of all that is not hidden; names are only read, never opened as paths."""
    most = min(MAX_IMAGES, MAX_KEPT_BYTES // (3 * math.prod(config.image_shape)))
    size = 0
    for count, (folder, content) in enumerate(_not_hidden(files), start=1):
        size += size_of(content)
        if count > most:
            raise ImageError(
                noted(
                    "This folder has more than {most:,} files, the most for {image_size} px; choose fewer of them.",
                    most=most,
                    image_size=config.image_size,
                )
            )
        if size > MAX_FILE_BYTES:
            raise ImageError(
                noted(
                    "These files have more than {most} MiB in all; choose fewer of them.", most=MAX_FILE_BYTES // 2**20
                )
            )
        yield folder, content


def _not_hidden(files: Iterable[tuple[str, Content]]) -> Iterator[tuple[str, Content]]:
    for path, content in files:
        parts = PurePosixPath(path.replace("\\", "/")).parts
        # What an archive from macOS brings along is neither a picture nor a mistake.
        if parts and not any(part.startswith(".") or part == "__MACOSX" for part in parts):
            yield (parts[-2] if len(parts) > 1 else ""), content


def classes_by_name(names: Sequence[str] | None) -> Mapping[str, int]:
    """Folder name, as `plain_name` makes it, to the class: names that belong to one class, full names before others."""
    if names is None:
        raise ImageError(
            noted("This model does not say what its classes are called, so folders cannot be matched to them.")
        )
    full, parts = collections.defaultdict(set), collections.defaultdict(set)
    for index, name in enumerate(names):
        full[plain_name(name)].add(index)
        for part in name.split(","):
            parts[plain_name(part)].add(index)
    named = {**parts, **full}
    return {name: min(classes) for name, classes in named.items() if name and len(classes) == 1}


def plain_name(name: str) -> str:
    return " ".join(name.replace("_", " ").casefold().split())


def _nothing_left(unreadable: int, unknown: Sequence[str], config: MixerConfig) -> str:
    if unreadable:
        return noted(
            "None of the {count} files in the folders of this model's classes is a readable picture.", count=unreadable
        )
    known = noted("name the folders after its classes, such as {names}", names=_listed(config.class_names or ()))
    if unknown:
        return noted("This model has no class of the name {names}; {advice}.", names=_listed(unknown), advice=known)
    return noted(
        "There are no pictures here; choose a folder with a folder of pictures per class, and {advice}.", advice=known
    )


def _listed(names: Sequence[str]) -> str:
    """A few names, quoted, shortened and with control characters escaped."""
    shown = [name if len(name) <= _LETTERS_SHOWN else name[:_LETTERS_SHOWN] + "…" for name in names[:_NAMES_SHOWN]]
    more = [noted("{count:,} more", count=len(names) - _NAMES_SHOWN)] if len(names) > _NAMES_SHOWN else []
    return noted_list([*(repr(name) if name else noted("(no folder)") for name in shown), *more])
