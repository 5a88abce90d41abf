"""The crop that the network sees: against timm's evaluation transform and against known pictures."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image

from mixer_viz.images import DEFAULT_MEAN, DEFAULT_STD, crop_box, crop_image, normalise
from mixer_viz.images.samples import load_sample
from mixer_viz.model import PRESETS, MixerConfig


def config_224(**changes: object) -> MixerConfig:
    return dataclasses.replace(PRESETS["S/16"], **changes)


def turned(image: Image.Image) -> Image.Image:
    return image.transpose(Image.Transpose.ROTATE_90)


def levels_apart(first: Image.Image, second: Image.Image) -> int:
    return int(np.abs(np.asarray(first).astype(int) - np.asarray(second)).max())


def noise(width: int, height: int) -> Image.Image:
    """Strong enough to show a shift by one pixel; mid grey enough for bicubic to stay within 0..255.

    Pillow resizes one axis after the other, in an order that depends on the sizes, and clips in between.
    """
    generator = np.random.default_rng(width + height)
    return Image.fromarray(generator.integers(64, 192, (height, width, 3), dtype=np.uint8))


@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear", "nearest"])
@pytest.mark.parametrize("crop_pct", [0.875, 0.9, 1.0])
@pytest.mark.parametrize(
    ("mean", "std"),
    [((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)), ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)), ((0.4, 0.5, 0.6), (0.1, 0.2, 0.3))],
)
def test_pixels_equal_timms_evaluation_transform(
    interpolation: str, crop_pct: float, mean: tuple[float, ...], std: tuple[float, ...]
) -> None:
    timm_data = pytest.importorskip("timm.data")
    transform = timm_data.create_transform(
        input_size=(3, 224, 224),
        is_training=False,
        interpolation=interpolation,
        crop_pct=crop_pct,
        mean=mean,
        std=std,
    )
    config = config_224(interpolation=interpolation, crop_pct=crop_pct, mean=mean, std=std)
    astronaut, cat = load_sample("astronaut"), load_sample("cat")
    small = cat.resize((101, 67))
    for image in (
        astronaut,
        cat,
        turned(cat),
        small,
        astronaut.crop((0, 0, 511, 510)),
        turned(cat.crop((0, 0, 450, 60))),
    ):
        pixels = normalise(crop_image(image, config), config)
        torch.testing.assert_close(pixels[0], transform(image), rtol=0, atol=1e-6)


@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize("crop_pct", [0.875, 1.0])
@pytest.mark.parametrize(("height", "width"), [(64, 256), (256, 64), (96, 128)])
def test_pictures_that_are_not_square_equal_timms_too(
    height: int, width: int, crop_pct: float, interpolation: str
) -> None:
    timm_data = pytest.importorskip("timm.data")
    transform = timm_data.create_transform(
        input_size=(3, height, width), is_training=False, interpolation=interpolation, crop_pct=crop_pct
    )
    mean, std = timm_data.IMAGENET_DEFAULT_MEAN, timm_data.IMAGENET_DEFAULT_STD
    config = config_224(
        image_size=height, image_width=width, interpolation=interpolation, crop_pct=crop_pct, mean=mean, std=std
    )
    cat = load_sample("cat")
    for image in (cat, turned(cat), cat.resize((101, 67)), cat.crop((0, 0, 450, 60))):
        pixels = normalise(crop_image(image, config), config)
        torch.testing.assert_close(pixels[0], transform(image), rtol=0, atol=1e-6)
        left, top, right, bottom = crop_box(image.size, config)
        assert (right - left) / (bottom - top) == pytest.approx(width / height, rel=0.05)


def test_unknown_preprocessing_means_whole_height_bicubic_and_half() -> None:
    image = load_sample("cat")
    unknown = config_224()
    assert (unknown.crop_pct, unknown.interpolation, unknown.mean, unknown.std) == (None, None, None, None)
    known = config_224(crop_pct=1.0, interpolation="bicubic", mean=DEFAULT_MEAN, std=DEFAULT_STD)
    torch.testing.assert_close(
        normalise(crop_image(image, unknown), unknown), normalise(crop_image(image, known), known), rtol=0, atol=0
    )
    assert DEFAULT_MEAN == DEFAULT_STD == (0.5, 0.5, 0.5)


@pytest.mark.parametrize(
    ("size", "changes", "expected"),
    [
        ((256, 256), {"crop_pct": 0.875}, (16, 16, 240, 240)),
        ((512, 256), {"crop_pct": 0.875}, (144, 16, 368, 240)),
        ((256, 512), {"crop_pct": 0.875}, (16, 144, 240, 368)),
        ((448, 448), {}, (0, 0, 448, 448)),
        ((640, 480), {}, (37 * 640 / 298, 0, (37 + 224) * 640 / 298, 480)),  # 298.67 px wide, cut to 298
        ((7, 7), {}, (0, 0, 7, 7)),
    ],
)
def test_crop_box(size: tuple[int, int], changes: dict[str, object], expected: tuple[float, ...]) -> None:
    assert crop_box(size, config_224(**changes)) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("crop_pct", [0.875, 0.9, 1.0])
def test_crop_box_marks_what_the_crop_shows(crop_pct: float) -> None:
    config = config_224(crop_pct=crop_pct, interpolation="bicubic")
    for size in ((451, 300), (300, 600), (640, 427)):
        image = noise(*size)
        left, top, right, bottom = crop_box(size, config)
        shown = image.resize((224, 224), Image.Resampling.BICUBIC, box=(left, top, right, bottom))
        assert levels_apart(shown, crop_image(image, config)) <= 2
        right_or_down = (left + 1, top, right + 1, bottom) if size[0] > size[1] else (left, top + 1, right, bottom + 1)
        moved = image.resize((224, 224), Image.Resampling.BICUBIC, box=right_or_down)
        assert levels_apart(moved, crop_image(image, config)) > 20


@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize("size", [(900, 100), (100, 900), (5000, 500), (6001, 601), (97, 3000)])
def test_long_pictures_give_the_crop_that_resizing_first_gives(
    size: tuple[int, int], interpolation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_224(interpolation=interpolation, crop_pct=0.875)
    image = noise(*size)
    cut_first = crop_image(image, config)
    monkeypatch.setattr("mixer_viz.images.pixels.MAX_RESIZED_ASPECT", 10**9)
    resized_first = crop_image(image, config)
    assert levels_apart(cut_first, resized_first) <= 2
    assert np.mean(np.asarray(cut_first) != np.asarray(resized_first)) < 0.01


@pytest.mark.parametrize("crop_pct", [0.1, 0.4])
def test_a_small_crop_costs_no_more_than_a_large_one(crop_pct: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what the network sees is enlarged: the whole picture would have thousands of pixels along each side."""
    config, image = config_224(interpolation="bicubic", crop_pct=crop_pct), noise(90, 70)
    with monkeypatch.context() as patch:
        patch.setattr("mixer_viz.images.pixels.MAX_RESIZED_PIXELS", 10**12)
        resized_first = crop_image(image, config)
        patch.setattr("mixer_viz.images.pixels.MAX_RESIZED_PIXELS", 10**5)
        assert levels_apart(crop_image(image, config), resized_first) <= 2
    large = dataclasses.replace(config, image_size=1024, patch_size=16, crop_pct=0.1)
    sizes, resize = [], Image.Image.resize

    def noting(self: Image.Image, size: tuple[int, int], *rest: object, **more: object) -> Image.Image:
        sizes.append(size)
        return resize(self, size, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Image.Image, "resize", noting)
    assert crop_image(image, large).size == (1024, 1024)
    assert sizes == [(1024, 1024)]  # not 13,165 x 10,240


@pytest.mark.parametrize("size", [(5000, 1), (1, 5000), (20_000, 10), (25_000_000, 1)])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear", "nearest"])
def test_extreme_shapes_show_their_centre(size: tuple[int, int], interpolation: str) -> None:
    width, height = size
    across = width > height
    image = Image.new("RGB", size, (255, 0, 0))
    # The second half is blue, so the crop must be half red, half blue.
    image.paste((0, 0, 255), (width // 2, 0, width, height) if across else (0, height // 2, width, height))
    crop = np.asarray(crop_image(image, config_224(interpolation=interpolation)))
    assert crop.shape == (224, 224, 3)
    along = crop if across else crop.transpose(1, 0, 2)
    assert (along == along[:1]).all()
    first, last = along[0, 0].tolist(), along[0, -1].tolist()
    if min(size) > 1:
        assert (first, last) == ([255, 0, 0], [0, 0, 255])
    else:  # one pixel across: the crop is one pixel wide, around the border between the two
        assert first[0] > first[2]
        assert last[2] > last[0]


def test_one_pixel_fills_the_crop() -> None:
    crop = crop_image(Image.new("RGB", (1, 1), (1, 2, 3)), config_224(crop_pct=0.9))
    assert crop.size == (224, 224)
    assert np.unique(np.asarray(crop).reshape(-1, 3), axis=0).tolist() == [[1, 2, 3]]


def test_crop_leaves_its_input_alone(tiny_config: MixerConfig) -> None:
    whole = dataclasses.replace(tiny_config, crop_pct=None)
    image = Image.new("RGB", (8, 8), (9, 9, 9))
    crop = crop_image(image, whole)
    crop.putpixel((0, 0), (0, 0, 0))
    assert image.getpixel((0, 0)) == (9, 9, 9)
    see_through = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    assert crop_image(see_through, whole).getpixel((4, 4)) == (255, 255, 255)
