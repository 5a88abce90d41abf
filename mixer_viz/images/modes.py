"""Any Pillow image -> a fresh 8-bit RGB image on white, whatever its mode and depth."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import BITSPERSAMPLE, PHOTOMETRIC_INTERPRETATION, PLANAR_CONFIGURATION

from mixer_viz.language import noted

WIDE_GREY_MODES = ("I", "I;16", "I;16B", "I;16L", "I;16N", "F")
_WHITE_IS_ZERO = 0
_SEPARATE_PLANES = 2
_PIECE_PIXELS = 2**20


class ImageError(ValueError):
    """A picture that cannot be used; `str(error)` is one sentence that tells the user what to do."""


def to_rgb(image: Image.Image) -> Image.Image:
    """A new RGB image of the same size and without metadata; transparent parts become white.

    Greyscale of more than 8 bits is scaled, not clipped (see `wide_grey_to_8bit`). Colour profiles are ignored, as
    they are when Mixers are trained. Raises ImageError for 16-bit TIFF with its colours in separate planes.
    """
    if _tiff_tag(image, PLANAR_CONFIGURATION) == _SEPARATE_PLANES and _bits_per_sample(image)[:2] == (16, 16):
        # Pillow 13 reads these without an error, as a picture of stripes.
        raise ImageError(
            noted("This TIFF keeps its 16-bit colours in separate planes; save it as a PNG and try again.")
        )
    canvas = Image.new("RGB", image.size, "white")
    full_range = _full_range(image) if image.mode in WIDE_GREY_MODES else None
    # Piece by piece: a converted copy of the whole picture takes as much memory as the picture.
    for box in _pieces(image.size):
        piece = image.crop(box)
        if full_range is not None:
            canvas.paste(Image.fromarray(_wide_grey_to_8bit(image, piece, full_range)), box)
        elif image.has_transparency_data:
            rgba = piece.convert("RGBA")
            canvas.paste(rgba, box, mask=rgba.getchannel("A"))
        else:
            canvas.paste(piece.convert("RGB"), box)
    return canvas


def _pieces(size: tuple[int, int]) -> Iterator[tuple[int, int, int, int]]:
    """Boxes of at most _PIECE_PIXELS pixels that make up a picture of `size` = (width, height)."""
    width, height = size
    across = min(width, _PIECE_PIXELS)
    down = max(1, _PIECE_PIXELS // across)
    for top in range(0, height, down):
        for left in range(0, width, across):
            yield left, top, min(left + across, width), min(top + down, height)


def _wide_grey_to_8bit(image: Image.Image, piece: Image.Image, full_range: tuple[float, float]) -> np.ndarray:
    """A piece of greyscale of 16 bits, 32 bits or floats -> (H, W) uint8, linearly from the samples' full range.

    16-bit samples run from 0 to 65535 (12-bit TIFF: 4095). 32-bit and float files do not say their range: it is the
    first of 0..1 (floats only), 0..255 and 0..65535 that holds every sample, else minimum to maximum. Samples that
    are not finite become black; those of the colour that a PNG declares transparent become white.
    """
    samples = np.asarray(piece)
    finite = np.isfinite(samples)
    low, high = full_range
    # In float64 one step of a 32-bit integer is still exact.
    scaled = (np.where(finite, samples, low).astype(np.float64) - low) * 255 / ((high - low) or 1)
    grey = np.rint(scaled).clip(0, 255).astype(np.uint8)
    if _tiff_tag(image, PHOTOMETRIC_INTERPRETATION) == _WHITE_IS_ZERO:
        grey = 255 - grey  # Pillow inverts such files at 8 bits, but not at 16
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        grey[samples == transparent] = 255
    return grey


def _full_range(image: Image.Image) -> tuple[float, float]:
    """What becomes black and what becomes white."""
    if image.mode.startswith("I;16"):
        return 0.0, 4095.0 if _bits_per_sample(image) == (12,) else 65535.0
    ends: list[float] = []
    for box in _pieces(image.size):
        samples = np.asarray(image.crop(box))
        samples = samples[np.isfinite(samples)]
        ends += [float(samples.min()), float(samples.max())] if samples.size else []
    if not ends:
        return 0.0, 1.0
    low, high = min(ends), max(ends)
    for limit in (1.0, 255.0, 65535.0) if image.mode == "F" else (255.0, 65535.0):
        if low >= 0 and high <= limit:
            return 0.0, limit
    return low, high


def _bits_per_sample(image: Image.Image) -> tuple[int, ...]:
    bits = _tiff_tag(image, BITSPERSAMPLE)
    return bits if isinstance(bits, tuple) else ()


def _tiff_tag(image: Image.Image, tag: int) -> object:
    return getattr(image, "tag_v2", {}).get(tag)
