"""Any Pillow image -> a fresh 8-bit RGB image on white, whatever its mode and depth."""

from __future__ import annotations

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import BITSPERSAMPLE, PHOTOMETRIC_INTERPRETATION, PLANAR_CONFIGURATION

WIDE_GREY_MODES = ("I", "I;16", "I;16B", "I;16L", "I;16N", "F")
_WHITE_IS_ZERO = 0
_SEPARATE_PLANES = 2


class ImageError(ValueError):
    """A picture that cannot be used; `str(error)` is one sentence that tells the user what to do."""


def to_rgb(image: Image.Image) -> Image.Image:
    """A new RGB image of the same size and without metadata; transparent parts become white.

    Greyscale of more than 8 bits is scaled, not clipped (see `wide_grey_to_8bit`). Colour profiles are ignored, as
    they are when Mixers are trained. Raises ImageError for 16-bit TIFF with its colours in separate planes.
    """
    if _tiff_tag(image, PLANAR_CONFIGURATION) == _SEPARATE_PLANES and _bits_per_sample(image)[:2] == (16, 16):
        # Pillow 13 reads these without an error, as a picture of stripes.
        raise ImageError("This TIFF keeps its 16-bit colours in separate planes; save it as a PNG and try again.")
    canvas = Image.new("RGB", image.size, "white")
    if image.mode in WIDE_GREY_MODES:
        canvas.paste(Image.fromarray(wide_grey_to_8bit(image)))
    elif image.has_transparency_data:
        rgba = image.convert("RGBA")
        canvas.paste(rgba, mask=rgba.getchannel("A"))
    else:
        canvas.paste(image.convert("RGB"))
    return canvas


def wide_grey_to_8bit(image: Image.Image) -> np.ndarray:
    """Greyscale of 16 bits, 32 bits or floats -> (H, W) uint8, linearly from the samples' full range.

    16-bit samples run from 0 to 65535 (12-bit TIFF: 4095). 32-bit and float files do not say their range: it is the
    first of 0..1 (floats only), 0..255 and 0..65535 that holds every sample, else minimum to maximum. Samples that
    are not finite become black; those of the colour that a PNG declares transparent become white.
    """
    samples = np.asarray(image)
    finite = np.isfinite(samples)
    low, high = _full_range(image, samples[finite])
    # In float64 one step of a 32-bit integer is still exact; at 25 million pixels this takes 200 MB for a moment.
    scaled = (np.where(finite, samples, low).astype(np.float64) - low) * 255 / ((high - low) or 1)
    grey = np.rint(scaled).clip(0, 255).astype(np.uint8)
    if _tiff_tag(image, PHOTOMETRIC_INTERPRETATION) == _WHITE_IS_ZERO:
        grey = 255 - grey  # Pillow inverts such files at 8 bits, but not at 16
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        grey[samples == transparent] = 255
    return grey


def _full_range(image: Image.Image, samples: np.ndarray) -> tuple[float, float]:
    if image.mode.startswith("I;16"):
        return 0.0, 4095.0 if _bits_per_sample(image) == (12,) else 65535.0
    if samples.size == 0:
        return 0.0, 1.0
    low, high = float(samples.min()), float(samples.max())
    for limit in (1.0, 255.0, 65535.0) if image.mode == "F" else (255.0, 65535.0):
        if low >= 0 and high <= limit:
            return 0.0, limit
    return low, high


def _bits_per_sample(image: Image.Image) -> tuple[int, ...]:
    bits = _tiff_tag(image, BITSPERSAMPLE)
    return bits if isinstance(bits, tuple) else ()


def _tiff_tag(image: Image.Image, tag: int) -> object:
    return getattr(image, "tag_v2", {}).get(tag)
