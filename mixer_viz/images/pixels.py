"""Untrusted bytes -> RGB image -> the pixels that a Mixer reads, and back."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import torch
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from mixer_viz.images.bounds import BoundedReader, check_file, check_pixels
from mixer_viz.images.modes import ImageError as ImageError
from mixer_viz.images.modes import to_rgb
from mixer_viz.language import noted
from mixer_viz.model import MixerConfig, MlpMixer

FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "GIF", "BMP", "TIFF")
MAX_IMAGE_BYTES = 20 * 2**20
MAX_IMAGE_PIXELS = 25_000_000

# Where a checkpoint does not say: what the paper's own checkpoints were trained with, (x / 255 - 0.5) / 0.5.
DEFAULT_MEAN = (0.5, 0.5, 0.5)
DEFAULT_STD = (0.5, 0.5, 0.5)

# Above this ratio of long to short side, the part to be cropped is cut out before resizing instead of after it.
MAX_RESIZED_ASPECT = 8
# And above this many pixels of the whole resized picture: a small crop_pct would enlarge all of it without end.
MAX_RESIZED_PIXELS = 8_000_000

_NOT_A_PICTURE = noted(
    "This file is damaged, or not a picture that can be read here; use PNG, JPEG, WebP, AVIF, GIF, BMP or TIFF."
)
_DAMAGED = noted("This picture is damaged or incomplete; save or download it again.")


def open_image(source: str | os.PathLike[str] | bytes) -> Image.Image:
    """Read a picture from a path or from the bytes of a file, upright, in RGB, without metadata.

    PNG, JPEG, WebP, AVIF, GIF, BMP and TIFF, of any colour mode; the first frame or page; EXIF rotation is applied and
    transparent parts become white. The caps MAX_IMAGE_BYTES and MAX_IMAGE_PIXELS are checked before decoding, and those
    of `bounds.py`: at most 3 s of a processor and 400 MB. Raises ImageError, and nothing else, when the file is
    missing, too large, damaged, or no such picture.
    """
    data = source if isinstance(source, bytes) else _read_file(Path(source))
    if not data:
        raise ImageError(noted("This file is empty; choose another picture."))
    if len(data) > MAX_IMAGE_BYTES:
        raise ImageError(
            noted("This file is larger than {most} MiB; choose or save a smaller one.", most=MAX_IMAGE_BYTES // 2**20)
        )
    check_file(data)
    with _identify(data) as image:
        width, height = image.size
        if width * height > MAX_IMAGE_PIXELS:
            raise ImageError(
                noted(
                    "This picture has {width} x {height} pixels, but at most {most} million are allowed; make it "
                    "smaller and try again.",
                    width=width,
                    height=height,
                    most=MAX_IMAGE_PIXELS // 1_000_000,
                )
            )
        check_pixels(data, image.format, width * height)
        return _decode(image)


def _read_file(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise ImageError(noted("{path!r} is a folder; choose a picture inside it.", path=str(path)))
        if not path.is_file():  # nor a device or a pipe, which might never end
            raise ImageError(noted("There is no picture file {path!r}; check the path.", path=str(path)))
        with path.open("rb") as file:
            return file.read(MAX_IMAGE_BYTES + 1)
    except OSError as exc:
        raise ImageError(
            noted("The file {path!r} cannot be read; check its name and its permissions.", path=str(path))
        ) from exc


def _identify(data: bytes) -> Image.Image:
    try:
        return Image.open(BoundedReader(data), formats=FORMATS)
    except ImageError:
        raise
    except UnidentifiedImageError as exc:
        raise ImageError(_NOT_A_PICTURE) from exc
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as exc:
        raise ImageError(
            noted(
                "This picture has far too many pixels; at most {most} million are allowed; make it smaller and try "
                "again.",
                most=MAX_IMAGE_PIXELS // 1_000_000,
            )
        ) from exc
    except Exception as exc:  # a hostile header can raise nearly anything inside Pillow's readers
        raise ImageError(_DAMAGED) from exc


def _decode(image: Image.Image) -> Image.Image:
    try:
        image.load()
        rgb = to_rgb(image)
        # Set on the fresh image, whose EXIF holds nothing else: Pillow rewrites all of it, and a stranger's can fail.
        rgb.getexif()[ExifTags.Base.Orientation] = _orientation(image)
        image.close()
        ImageOps.exif_transpose(rgb, in_place=True)
        rgb.getexif().pop(ExifTags.Base.Orientation, None)  # 1 stays
        return rgb
    except ImageError:
        raise
    except Exception as exc:  # as above: libtiff, zlib, struct, memory
        raise ImageError(_DAMAGED) from exc


def _orientation(image: Image.Image) -> int:
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # unreadable EXIF says nothing about the picture, which is whole
        return 1
    return orientation if isinstance(orientation, int) else 1


def crop_image(image: Image.Image, config: MixerConfig) -> Image.Image:
    """The part that the network sees, RGB, of `config.image_shape`: resize the shorter side, then crop the centre.

    The shorter side becomes floor(image_size / crop_pct), as in timm's evaluation transform, with antialiasing; for a
    network that sees no square, the picture becomes as small as still covers floor(height / crop_pct) by the width's.
    crop_pct None means 1.0, interpolation None bicubic. A picture more than MAX_RESIZED_ASPECT times as long as wide,
    or of more than MAX_RESIZED_PIXELS once resized, is cut to the crop and a margin first, so that its size costs no
    memory. The sampling points stay the same; values may differ by a level or two, and by more where bicubic
    overshoots black or white.
    """
    image = image if image.mode == "RGB" else to_rgb(image)
    resample = Image.Resampling[(config.interpolation or "bicubic").upper()]
    resized_to = _resized_size(image.size, config)
    if max(image.size) > MAX_RESIZED_ASPECT * min(image.size) or math.prod(resized_to) > MAX_RESIZED_PIXELS:
        return _resize_crop_only(image, config, resample)
    # By Pillow, as torchvision does it, whose import would take longer than everything else that a page imports.
    resized = image.resize(resized_to, resample)
    height, width = config.image_shape
    left, top = round((resized.width - width) / 2), round((resized.height - height) / 2)
    return resized.crop((left, top, left + width, top + height))


def crop_box(image_size: tuple[int, int], config: MixerConfig) -> tuple[float, float, float, float]:
    """(left, top, right, bottom) of `crop_image`'s crop, in pixels of a photo of `image_size` = (width, height)."""
    box = []
    seen = config.image_shape[::-1]  # width and height
    for side, resized, kept in zip(image_size, _resized_size(image_size, config), seen, strict=True):
        start = round((resized - kept) / 2)
        box.append((start * side / resized, (start + kept) * side / resized))
    (left, right), (top, bottom) = box
    return left, top, right, bottom


def _resized_size(image_size: tuple[int, int], config: MixerConfig) -> tuple[int, int]:
    if config.image_width is not None:
        wanted = [math.floor(side / (config.crop_pct or 1.0)) for side in config.image_shape[::-1]]
        factor = min(side / target for side, target in zip(image_size, wanted, strict=True))
        seen = config.image_shape[::-1]
        # Rounded, as timm does it here; never below what is cut out.
        across, down = (max(round(side / factor), part) for side, part in zip(image_size, seen, strict=True))
        return across, down
    shorter_side = math.floor(config.image_size / (config.crop_pct or 1.0))
    # Truncated, not rounded, and in this order of operations, as torchvision does it.
    width, height = (int(shorter_side * side / min(image_size)) for side in image_size)
    return width, height


def _resize_crop_only(image: Image.Image, config: MixerConfig, resample: Image.Resampling) -> Image.Image:
    left, top, right, bottom = crop_box(image.size, config)
    # The bicubic filter reaches 2 pixels of the coarser of the two grids; 4 leave room for rounding.
    seen_height, seen_width = config.image_shape
    margin = 4 * math.ceil(max(1.0, (right - left) / seen_width, (bottom - top) / seen_height))
    x, y = max(0, math.floor(left) - margin), max(0, math.floor(top) - margin)
    region = image.crop(
        (x, y, min(image.width, math.ceil(right) + margin), min(image.height, math.ceil(bottom) + margin))
    )
    return region.resize((seen_width, seen_height), resample, box=(left - x, top - y, right - x, bottom - y))


def normalise(images: Image.Image | np.ndarray, config: MixerConfig) -> Tensor:
    """(x / 255 - mean) / std: an image, (H, W, 3) or (N, H, W, 3) uint8 in; (N, 3, H, W) float32 out, N = 1 for one.

    `config.mean` and `config.std` apply, or DEFAULT_MEAN and DEFAULT_STD where they are None. Raises ValueError on
    other arrays and on a config that does not read three channels.
    """
    mean, std = _mean_and_std(config)
    if isinstance(images, Image.Image) and images.mode != "RGB":
        images = to_rgb(images)
    array = np.array(images)
    if array.dtype != np.uint8 or array.ndim not in (3, 4) or array.shape[-1] != 3:
        raise ValueError(f"images must be uint8 (H, W, 3) or (N, H, W, 3), got {array.dtype} {array.shape}")
    pixels = torch.from_numpy(array.reshape(-1, *array.shape[-3:])).permute(0, 3, 1, 2).contiguous()
    centres, widths = (torch.tensor(values, dtype=torch.float32).view(3, 1, 1) for values in (mean, std))
    return pixels.to(torch.float32).div(255).sub(centres).div(widths)


def preprocess(image: Image.Image, model: MlpMixer) -> Tensor:
    """What `model` reads of `image`: `crop_image`, then `normalise`, (1, 3, H, W) float32 on the model's device."""
    return normalise(crop_image(image, model.config), model.config).to(model.stem.weight.device)


def pixels_to_image(pixels: Tensor, config: MixerConfig) -> np.ndarray:
    """Undo `normalise`: (N, 3, H, W) -> (N, H, W, 3) uint8, clipped to 0..255. Raises ValueError on other shapes."""
    if pixels.ndim != 4 or pixels.shape[1] != 3:
        raise ValueError(f"pixels must be (N, 3, H, W), got {tuple(pixels.shape)}")
    mean, std = (torch.tensor(values, dtype=torch.float64).view(3, 1, 1) for values in _mean_and_std(config))
    images = pixels.detach().to("cpu", torch.float64) * std + mean  # (N, 3, H, W), 0..1
    return (images * 255).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()


def _mean_and_std(config: MixerConfig) -> tuple[list[float], list[float]]:
    if config.in_channels != 3:
        raise ValueError(f"This Mixer reads {config.in_channels} channels, but a picture has 3: red, green and blue.")
    return list(config.mean or DEFAULT_MEAN), list(config.std or DEFAULT_STD)
