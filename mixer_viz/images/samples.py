"""Pictures to start with: photos of this project and of scikit-image, and drawn ones whose every pixel is known."""

from __future__ import annotations

import dataclasses
import importlib.resources
from collections.abc import Callable
from importlib.resources.abc import Traversable
from typing import Literal

import numpy as np
from PIL import Image

from mixer_viz.images.photos import bundled_photos
from mixer_viz.images.pixels import open_image
from mixer_viz.language import mark, noted, noted_list

DRAWN_SIZE = 256  # 8 x 8 squares of 32 pixels
_SQUARE = DRAWN_SIZE // 8
_DRAWN_CREDIT = mark("drawn by this program")


@dataclasses.dataclass(frozen=True)
class Sample:
    """One picture that `load_sample` returns; `expected` says what to notice in a drawn one, None for photos."""

    name: str  # URL-safe
    title: str
    kind: Literal["photo", "drawn"]
    credit: str
    expected: str | None = None
    shows: tuple[str, ...] = ()  # all of `photos.LOOKED_FOR` that it shows
    is_reference: bool = False  # whether it is one of the few photos that models are measured on


def draw_grating(cycles: float, angle_degrees: float, size: int = DRAWN_SIZE) -> Image.Image:
    """A grey sine wave of `cycles` periods per side, (size, size) RGB, 0 to 255.

    `angle_degrees` is the direction along which the brightness changes: 0 to the right (vertical stripes), 90
    downwards (horizontal stripes), 45 to the lower right. Pixels are sampled at their centres; the wave starts at mid
    grey in the upper left corner. Raises ValueError for cycles above size / 2, which pixels cannot show.
    """
    if size < 1 or not 0 <= cycles <= size / 2:
        raise ValueError(f"cycles={cycles} must be between 0 and half of size={size}")
    angle = np.deg2rad(angle_degrees)
    centres = (np.arange(size) + 0.5) / size
    distance = centres[None, :] * np.cos(angle) + centres[:, None] * np.sin(angle)  # (size, size), in sides
    return _grey_image(127.5 + 127.5 * np.sin(2 * np.pi * cycles * distance))


def _bright_patch() -> Image.Image:
    grey = np.full((DRAWN_SIZE, DRAWN_SIZE), 128)
    grey[2 * _SQUARE : 3 * _SQUARE, 5 * _SQUARE : 6 * _SQUARE] = 255
    return _grey_image(grey)


def _checkerboard() -> Image.Image:
    square = np.arange(DRAWN_SIZE) // _SQUARE
    return _grey_image(255 * ((square[:, None] + square[None, :]) % 2))


def _gradient() -> Image.Image:
    return _grey_image(np.tile(np.linspace(0, 255, DRAWN_SIZE), (DRAWN_SIZE, 1)))


def _grey_image(grey: np.ndarray) -> Image.Image:
    return Image.fromarray(np.rint(grey).astype(np.uint8)).convert("RGB")


_PHOTO_FILES = {
    "cat": "chelsea.png",
    "astronaut": "astronaut.png",
    "coffee": "coffee.png",
    "rocket": "rocket.jpg",
    "motorcycle": "motorcycle_left.png",
}

_DRAWINGS: dict[str, Callable[[], Image.Image]] = {
    "bright-patch": _bright_patch,
    "vertical-grating": lambda: draw_grating(4, 0),
    "horizontal-grating": lambda: draw_grating(4, 90),
    "diagonal-grating": lambda: draw_grating(4, 45),
    "checkerboard": _checkerboard,
    "gradient": _gradient,
}

_CAT = Sample("cat", mark("Cat"), "photo", "Chelsea, by Stefan van der Walt, CC0", shows=("cat",), is_reference=True)
_COFFEE = "Rachel Michetti, Pikolo Espresso Bar, CC0"
_MOTORCYCLE = "Middlebury Stereo Datasets, Scharstein et al. 2014"
_OTHER_SAMPLES = (
    Sample("astronaut", mark("Astronaut"), "photo", "Eileen Collins, NASA, public domain", is_reference=True),
    Sample("coffee", mark("Cup of coffee"), "photo", _COFFEE, shows=("cup or teapot",), is_reference=True),
    Sample("rocket", mark("Rocket launch"), "photo", "SpaceX, public domain", is_reference=True),
    Sample("motorcycle", mark("Motorcycle"), "photo", _MOTORCYCLE, is_reference=True),
    Sample(
        "bright-patch",
        mark("One bright patch"),
        "drawn",
        _DRAWN_CREDIT,
        mark(
            "One square differs from plain grey (scaling may blur its edge into the patches beside it), so what sets "
            "tokens farther away apart was carried there by token mixing."
        ),
    ),
    Sample(
        "vertical-grating",
        mark("Vertical stripes"),
        "drawn",
        _DRAWN_CREDIT,
        mark("All rows are equal, so all tokens of one column of the grid start out equal."),
    ),
    Sample(
        "horizontal-grating",
        mark("Horizontal stripes"),
        "drawn",
        _DRAWN_CREDIT,
        mark("All columns are equal, so all tokens of one row of the grid start out equal."),
    ),
    Sample(
        "diagonal-grating",
        mark("Diagonal stripes"),
        "drawn",
        _DRAWN_CREDIT,
        mark("Brightness depends on row plus column, so tokens along a rising diagonal of the grid start out equal."),
    ),
    Sample(
        "checkerboard",
        mark("Checkerboard"),
        "drawn",
        _DRAWN_CREDIT,
        mark(
            "All squares are black or white, so tokens inside squares of one colour start out equal wherever they are."
        ),
    ),
    Sample(
        "gradient",
        mark("Gradient from black to white"),
        "drawn",
        _DRAWN_CREDIT,
        mark("Brightness is the only thing that changes from left to right, so tokens of one column start out equal."),
    ),
)


def available_samples() -> tuple[Sample, ...]:
    """Every sample that can be loaded here and now, the default first; nothing is ever downloaded."""
    own = [Sample(photo.name, photo.title, "photo", photo.credit, shows=photo.shows) for photo in bundled_photos()]
    everything = (_CAT, *own, *_OTHER_SAMPLES)
    return tuple(sample for sample in everything if sample.kind == "drawn" or _photo_file(sample.name).is_file())


def reference_photos() -> tuple[Sample, ...]:
    """The few photos that pages measure a model on beside the visitor's picture, so that the work stays small."""
    return tuple(sample for sample in available_samples() if sample.is_reference)


def load_sample(name: str) -> Image.Image:
    """The picture of that name, RGB, new at every call; raises ValueError with the known names for any other."""
    known = [sample.name for sample in available_samples()]
    if name not in known:
        raise ValueError(
            noted("There is no sample picture {name!r}; choose one of {names}.", name=name, names=noted_list(known))
        )
    if name in _DRAWINGS:
        return _DRAWINGS[name]()
    return open_image(_photo_file(name).read_bytes())


def _photo_file(name: str) -> Traversable:
    own = next((photo for photo in bundled_photos() if photo.name == name), None)
    if own is not None:
        return own.path
    # From the installed package, not by skimage.data.*(): those try to download what a release leaves out.
    return importlib.resources.files("skimage.data").joinpath(_PHOTO_FILES[name])
