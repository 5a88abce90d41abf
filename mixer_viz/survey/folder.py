"""The pictures of a folder, in a fixed order, with their classes; read a few at a time, ahead of the network.

The folder is on a disk, or in memory where a visitor has brought it: then nothing of it is written.
"""

from __future__ import annotations

import collections
import dataclasses
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np

from mixer_viz.images import ImageError, crop_image, open_image
from mixer_viz.images.labelled_folder import classes_by_name, plain_name
from mixer_viz.language import noted, noted_list
from mixer_viz.model import MixerConfig

ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".avif", ".gif", ".bmp", ".tif", ".tiff")
_AHEAD = 2  # chunks that are read while the network works on one: bounds the memory
_MODULUS = 1 << 256


@dataclasses.dataclass(frozen=True)
class Pictures:
    """All N picture files below a folder, sorted by their names, whatever the file system's order is."""

    names: tuple[str, ...]  # paths below the folder, with "/"
    labels: np.ndarray  # (N,) int64 class of the last folder's name, -1 where that is no class of the model
    read: Callable[[str], bytes]  # the file of a name; raises OSError

    @property
    def labelled(self) -> bool:
        """Whether any picture has a class."""
        return bool((self.labels >= 0).any())

    def fingerprint(self) -> str:
        """SHA-256 of the list of names: another list is another survey."""
        return hashlib.sha256("\n".join(self.names).encode("utf-8", "surrogatepass")).hexdigest()

    def sample(self, count: int) -> np.ndarray:
        """The numbers of `count` pictures, (M,) sorted int64: those whose names have the lowest hash.

        Every process draws the same ones, without reading a file.
        """
        hashes = [hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest() for name in self.names]
        drawn = sorted(range(len(hashes)), key=lambda number: hashes[number])[:count]
        return np.array(sorted(drawn), dtype=np.int64)


@dataclasses.dataclass(frozen=True)
class Batch:
    """Pictures that were read: n of those asked for."""

    numbers: np.ndarray  # (n,) int64 in `Pictures`
    images: np.ndarray  # (n, H, W, 3) uint8, cropped for the network
    unreadable: np.ndarray  # int64, numbers of files that are no readable pictures
    content: int  # sum of SHA-256 of names and bytes of all these files, modulo 2^256: order does not matter


def find_pictures(folder: Path, config: MixerConfig) -> Pictures:
    """The pictures below `folder`, hidden files aside; raises ImageError when there are none."""
    if not folder.is_dir():
        raise ImageError(f"There is no folder {str(folder)!r}; check --data.")
    names = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.suffix.lower() in ENDINGS and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    if not names:
        raise ImageError(f"The folder {str(folder)!r} has no pictures ({', '.join(ENDINGS)}).")
    return Pictures(tuple(names), _labels(names, config), lambda name: (folder / name).read_bytes())


def pictures_in_memory(files: Mapping[str, bytes], config: MixerConfig) -> Pictures:
    """Pictures from their paths and contents, hidden ones aside; raises ImageError when there are none."""
    names = sorted(
        name
        for name in files
        if name.lower().endswith(ENDINGS) and not any(part.startswith(".") for part in name.split("/"))
    )
    if not names:
        raise ImageError(
            noted("There are no pictures here ({endings}); choose a folder with some.", endings=noted_list(ENDINGS))
        )
    return Pictures(tuple(names), _labels(names, config), lambda name: files[name])


def some_of(pictures: Pictures, count: int) -> Pictures:
    """`count` of them, drawn as `sample` does; all where there are no more."""
    if len(pictures.names) <= count:
        return pictures
    chosen = pictures.sample(count)
    return dataclasses.replace(
        pictures, names=tuple(pictures.names[number] for number in chosen), labels=pictures.labels[chosen]
    )


def _labels(names: Sequence[str], config: MixerConfig) -> np.ndarray:
    classes = classes_by_name(config.class_names) if config.class_names else {}
    folders = [name.split("/")[-2] if "/" in name else "" for name in names]
    known = {each: classes.get(plain_name(each), -1) for each in set(folders)}
    return np.array([known[each] for each in folders], dtype=np.int64)


def batches(
    pictures: Pictures, numbers: Sequence[int], chunk: int, config: MixerConfig, workers: int
) -> Iterator[Batch]:
    """The pictures of these numbers, `chunk` files at a time, decoded by threads ahead of who asks."""
    with ThreadPoolExecutor(max_workers=max(1, workers)) as pool:
        waiting: collections.deque[tuple[Sequence[int], list[Future[tuple[np.ndarray | None, int]]]]] = (
            collections.deque()
        )
        starts = iter(range(0, len(numbers), chunk))
        while True:
            while len(waiting) < _AHEAD and (start := next(starts, None)) is not None:
                some = numbers[start : start + chunk]
                waiting.append((some, [pool.submit(read_crop, pictures, number, config) for number in some]))
            if not waiting:
                return
            some, futures = waiting.popleft()
            yield _batch(some, [future.result() for future in futures], config)


def read_crop(pictures: Pictures, number: int, config: MixerConfig) -> tuple[np.ndarray | None, int]:
    """One picture as the network sees it, (H, W, 3) uint8, or None; and its file's hash as a whole number."""
    name = pictures.names[number]
    try:
        data = pictures.read(name)
    except OSError:
        return None, 0
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass") + b"\0" + data).digest()
    content = int.from_bytes(digest, "big")
    try:
        return np.asarray(crop_image(open_image(data), config)), content
    except ImageError:
        return None, content


def add_content(first: int, second: int) -> int:
    """Both sums of hashes as one."""
    return (first + second) % _MODULUS


def _batch(some: Sequence[int], read: list[tuple[np.ndarray | None, int]], config: MixerConfig) -> Batch:
    content = 0
    for _, each in read:
        content = add_content(content, each)
    numbers = np.array(some, dtype=np.int64)
    good = np.array([image is not None for image, _ in read])
    images = [image for image, _ in read if image is not None]
    empty = np.zeros((0, *config.image_shape, 3), np.uint8)
    return Batch(numbers[good], np.stack(images) if images else empty, numbers[~good], content)
