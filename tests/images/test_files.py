"""Good files of every format and colour mode: the colours that come out of `open_image`."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from made_images import encode, grey, png, row, tiff
from PIL import Image

from mixer_viz.images import open_image
from mixer_viz.images.modes import to_rgb

RED, GREEN, BLUE, YELLOW = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)
WHITE, BLACK = (255, 255, 255), (0, 0, 0)
ORIENTATION = 0x0112


def corners(image: Image.Image) -> list[tuple[int, ...]]:
    """Upper left, upper right, lower left, lower right, rounded to pure colours (JPEG is off by a few levels)."""
    right, bottom = image.width - 1, image.height - 1
    pixels = [image.getpixel(xy) for xy in ((0, 0), (right, 0), (0, bottom), (right, bottom))]
    return [tuple(255 * (value > 127) for value in pixel) for pixel in pixels]


@pytest.fixture
def quadrants() -> Image.Image:
    """Red, green above blue, yellow; 48 x 32, so a turn shows in the size as well."""
    image = Image.new("RGB", (48, 32), RED)
    image.paste(GREEN, (24, 0, 48, 16))
    image.paste(BLUE, (0, 16, 24, 32))
    image.paste(YELLOW, (24, 16, 48, 32))
    return image


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF", "GIF", "WEBP", "JPEG"])
def test_every_format_gives_the_same_picture(quadrants: Image.Image, format: str, tmp_path: Path) -> None:
    options = {"WEBP": {"lossless": True}, "JPEG": {"quality": 95, "subsampling": 0}}.get(format, {})
    data = encode(quadrants, format, **options)
    path = tmp_path / "picture"  # no extension: the content decides
    path.write_bytes(data)
    for source in (data, path, str(path)):
        image = open_image(source)
        assert image.mode == "RGB"
        difference = np.abs(np.asarray(image).astype(int) - np.asarray(quadrants))
        assert difference.max() <= (2 if format == "JPEG" else 0)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize(
    ("orientation", "expected"),
    [
        (1, [RED, GREEN, BLUE, YELLOW]),
        (2, [GREEN, RED, YELLOW, BLUE]),
        (3, [YELLOW, BLUE, GREEN, RED]),
        (4, [BLUE, YELLOW, RED, GREEN]),
        (5, [RED, BLUE, GREEN, YELLOW]),
        (6, [BLUE, RED, YELLOW, GREEN]),
        (7, [YELLOW, GREEN, BLUE, RED]),
        (8, [GREEN, YELLOW, RED, BLUE]),
        (9, [RED, GREEN, BLUE, YELLOW]),
    ],
)
def test_exif_rotation_is_applied_once(
    quadrants: Image.Image, format: str, orientation: int, expected: list[tuple[int, ...]]
) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    image = open_image(encode(quadrants, format, exif=exif))
    assert corners(image) == expected
    assert image.size == ((32, 48) if 5 <= orientation <= 8 else (48, 32))
    assert corners(open_image(encode(image, "PNG", exif=image.getexif()))) == expected


@pytest.mark.filterwarnings("ignore")  # Pillow warns about such EXIF; the app does not turn warnings into errors
@pytest.mark.parametrize(
    "exif", [b"", b"garbage", b"MM\0*\0\0\0\x08\xff\xff\x01\x12\x00\x03", b"II*\0\xff\xff\xff\xff"]
)
def test_unreadable_exif_leaves_the_picture_as_it_is(quadrants: Image.Image, exif: bytes) -> None:
    data = encode(quadrants, "JPEG", quality=95, subsampling=0)
    body = b"Exif\0\0" + exif
    data = data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:]
    assert corners(open_image(data)) == [RED, GREEN, BLUE, YELLOW]


def test_metadata_is_gone(quadrants: Image.Image) -> None:
    exif = Image.Exif()
    exif[0x010E] = "private"
    image = open_image(encode(quadrants, "JPEG", exif=exif, comment=b"private", icc_profile=b"not a profile"))
    assert image.info == {}
    assert dict(image.getexif()) == {}
    assert type(image) is Image.Image


def test_first_frame_of_an_animation() -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in (RED, BLUE)]
    for format in ("GIF", "PNG", "TIFF"):
        data = encode(frames[0], format, save_all=True, append_images=frames[1:])
        assert Image.open(io.BytesIO(data)).n_frames == 2
        assert row(data) == [RED] * 16


def test_cmyk_jpeg_with_and_without_adobe_marker() -> None:
    data = encode(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=100)  # magenta and yellow ink
    marker = data.index(b"\xff\xee")
    length = 2 + struct.unpack(">H", data[marker + 2 : marker + 4])[0]
    assert data[marker + 4 : marker + 9] == b"Adobe"
    assert row(data) == [RED] * 256
    assert row(data[:marker] + data[marker + length :]) == [RED] * 256
    assert row(encode(Image.new("CMYK", (2, 1), (255, 0, 0, 0)), "TIFF")) == [(0, 255, 255)] * 2


def test_palette_transparency_is_white() -> None:
    image = Image.new("P", (3, 1))
    image.putpalette([*RED, *GREEN, *BLUE])
    image.putdata([0, 1, 2])
    assert row(encode(image, "PNG")) == [RED, GREEN, BLUE]
    assert row(encode(image, "PNG", transparency=1)) == [RED, WHITE, BLUE]
    assert row(encode(image, "GIF", transparency=1)) == [RED, WHITE, BLUE]
    assert row(encode(image, "PNG", transparency=bytes([255, 0, 128]))) == [RED, WHITE, (127, 127, 255)]


def test_alpha_is_blended_with_white() -> None:
    assert row(encode(Image.new("RGBA", (1, 1), (255, 0, 0, 128)), "PNG")) == [(255, 127, 127)]
    assert row(encode(Image.new("RGBA", (1, 1), (9, 9, 9, 0)), "PNG")) == [WHITE]
    assert row(encode(Image.new("RGBA", (1, 1), (9, 8, 7, 255)), "TIFF")) == [(9, 8, 7)]
    assert row(encode(Image.new("LA", (1, 1), (0, 128)), "PNG")) == grey(127)
    assert np.asarray(to_rgb(Image.new("PA", (1, 1)))).tolist() == [[[255, 255, 255]]]  # alpha 0
    assert row(png(2, 1, 8, 2, bytes([*RED, *BLUE]), transparency=struct.pack(">3H", *BLUE))) == [RED, WHITE]


def test_grey_and_one_bit() -> None:
    assert row(png(4, 1, 8, 0, bytes([0, 1, 128, 255]))) == grey(0, 1, 128, 255)
    assert row(png(4, 1, 1, 0, b"\xa0")) == [WHITE, BLACK, WHITE, BLACK]
    assert row(encode(Image.new("1", (2, 1), 1), "BMP")) == [WHITE, WHITE]


def test_16_bit_png_is_scaled_not_clipped() -> None:
    samples = struct.pack(">4H", 0, 257, 32768, 65535)
    assert row(png(4, 1, 16, 0, samples)) == grey(0, 1, 128, 255)
    assert row(png(4, 1, 16, 0, samples, transparency=struct.pack(">H", 257))) == grey(0, 255, 128, 255)
    assert row(png(2, 1, 16, 2, struct.pack(">6H", 65535, 32768, 0, 256, 512, 768))) == [(255, 128, 0), (1, 2, 3)]
    assert row(png(1, 1, 16, 6, struct.pack(">4H", 65535, 0, 0, 32768))) == [(255, 127, 127)]


def test_wide_tiff() -> None:
    samples = struct.pack("<4H", 0, 257, 65535, 32768)
    assert row(tiff(4, 16, samples)) == grey(0, 1, 255, 128)
    assert row(tiff(4, 16, samples, photometric=0)) == grey(255, 254, 0, 127)  # white is zero
    assert row(tiff(4, 12, bytes.fromhex("000fff800400"))) == grey(0, 255, 128, 64)
    assert row(tiff(2, 16, struct.pack("<6H", 65535, 32768, 0, 256, 512, 768), photometric=2)) == [
        (255, 128, 0),
        (1, 2, 3),
    ]


@pytest.mark.parametrize(
    ("mode", "samples", "expected"),
    [
        ("I", [0, 100, 255], [0, 100, 255]),
        ("I", [0, 257, 65535], [0, 1, 255]),
        ("I", [-100, 0, 100], [0, 128, 255]),
        ("I", [0, 2**30, 2**31 - 1], [0, 128, 255]),
        ("F", [0.0, 0.5, 1.0], [0, 128, 255]),
        ("F", [0.0, 2.4, 255.0], [0, 2, 255]),
        ("F", [0.0, 257.0, 60000.0], [0, 1, 233]),
        ("F", [-3.0, 0.0, 3.0], [0, 128, 255]),
        ("F", [-3.0, -3.0, -3.0], [0, 0, 0]),
        ("F", [float("nan"), float("inf"), 200.0], [0, 0, 200]),
        ("F", [float("nan"), float("nan"), float("nan")], [0, 0, 0]),
    ],
)
def test_range_of_32_bit_and_float_samples(mode: str, samples: list[float], expected: list[int]) -> None:
    array = np.array([samples], np.int32 if mode == "I" else np.float32)
    image = Image.fromarray(array)
    assert image.mode == mode
    if mode == "I":
        assert row(encode(image, "TIFF")) == grey(*expected)
    assert np.asarray(to_rgb(image))[0, :, 1].tolist() == expected
