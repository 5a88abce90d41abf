"""The photographs that come with the project, with their licences, and which classes a picture is known to show."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Iterable
from pathlib import Path

from mixer_viz.language import mark
from mixer_viz.paths import app_folder

# CIFAR-10 (Krizhevsky 2009), and the 24 everyday classes of the bundled 64-pixel model: what every sample was looked
# through for, so that a picture which shows none of them can be said to.
_CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_EVERYDAY = (
    *("big cat", "bird", "boat", "bottle", "bridge", "building", "bus or van", "butterfly", "car", "cat", "clothing"),
    *("cup or teapot", "dog", "frog", "fruit", "furniture", "hoofed animal", "ice cream", "insect", "landscape"),
    *("meal", "monkey or ape", "spider", "train"),
)
# The titles and changes in `photos.json`, for the catalogues.
TITLES = (
    *(
        mark("Dog"),
        mark("Horses"),
        mark("Moose"),
        mark("Kingfisher"),
        mark("Jaguars"),
        mark("Gibbon"),
        mark("Honey bee"),
    ),
    *(mark("Fig in a bowl"), mark("Cup and saucer"), mark("Chair"), mark("Castle"), mark("Pagoda by a lake")),
    *(mark("Roman aqueduct"), mark("Mountains"), mark("Crab")),
)
LOOKED_FOR = frozenset({*_CIFAR10, *_EVERYDAY})


@dataclasses.dataclass(frozen=True)
class Photo:
    """One photograph in `assets/photos`, an entry of its `photos.json`."""

    name: str  # URL-safe, and the file's stem
    title: str
    author: str
    licence: str  # CC0, public domain, or CC BY with its version
    source: str  # the web page that it was published on
    changes: str  # what was done to it, which CC BY wants said
    shows: tuple[str, ...]  # all of `LOOKED_FOR` that it shows

    @property
    def path(self) -> Path:
        return _folder() / f"{self.name}.jpg"

    @property
    def credit(self) -> str:
        return f"{self.author}, {self.licence}, {self.changes}"


@functools.cache
def bundled_photos() -> tuple[Photo, ...]:
    """All of them, in the order of the list."""
    entries = json.loads((_folder() / "photos.json").read_text(encoding="utf-8"))
    return tuple(Photo(**entry | {"shows": tuple(entry["shows"])}) for entry in entries)


def known_classes_shown(shows: Iterable[str], class_names: Iterable[str] | None) -> tuple[str, ...] | None:
    """Which of a model's classes a picture shows that was looked through for `LOOKED_FOR` and shows `shows` of them.

    Names are compared in lower case, with spaces for underscores, and come back as the model has them. Empty where the
    picture shows none of the model's classes; None where that is not known, because the model has classes that nobody
    looked for, or no names.
    """
    wanted = set(shows)
    names = {name.lower().replace("_", " "): name for name in class_names or ()}
    shown = tuple(name for plain, name in names.items() if plain in wanted)
    return shown if names and (shown or names.keys() <= LOOKED_FOR) else None


def _folder() -> Path:
    return app_folder() / "assets" / "photos"
