"""Bad files: one sentence for the user and no other exception; odd but whole files: a picture."""

from __future__ import annotations

import os
import re
import struct
import threading
from pathlib import Path

import numpy as np
import pytest
from made_images import encode, grey, png, row, tiff
from PIL import Image

from mixer_viz.images import MAX_IMAGE_BYTES, MAX_IMAGE_PIXELS, ImageError, open_image, pixels


def sentence(source: str | os.PathLike[str] | bytes) -> str:
    """What the user reads; checks that it is one sentence in our words, with the cause kept for the log."""
    with pytest.raises(ImageError) as caught:
        open_image(source)
    text = str(caught.value)
    assert re.fullmatch(r"[^\n]+\.", text)
    for leak in ("cannot identify", "BytesIO", "truncated (", "decompression bomb", "Errno", "0x"):
        assert leak not in text
    return text


@pytest.fixture
def noise() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8))


def test_missing_and_unusable_paths(tmp_path: Path) -> None:
    missing = tmp_path / "cat.png"
    assert sentence(missing) == f"There is no picture file {str(missing)!r}; check the path."
    assert "is a folder" in sentence(tmp_path)
    assert "is a folder" in sentence("")  # Path("") is the current folder
    assert "There is no picture file" in sentence("a\0b")
    assert "cannot be read" in sentence("x" * 5000)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    assert "There is no picture file" in sentence(tmp_path / "pipe.png")


def test_empty_text_and_other_formats(tmp_path: Path, noise: Image.Image) -> None:
    path = tmp_path / "notes.png"
    path.write_text("hello\n" * 100)
    unreadable = (
        "This file is damaged, or not a picture that can be read here; use PNG, JPEG, WebP, AVIF, GIF, BMP or TIFF."
    )
    assert sentence(path) == unreadable
    path.write_bytes(b"")
    assert sentence(path) == sentence(b"") == "This file is empty; choose another picture."
    for format in ("PPM", "ICO", "PDF"):
        assert sentence(encode(noise, format)) == unreadable
    with pytest.raises(ImageError) as caught:
        open_image(b"GIF89a")
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize(
    ("format", "options"),
    [
        ("PNG", {}),
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("WEBP", {}),
        ("GIF", {}),
        ("BMP", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_adobe_deflate"}),
    ],
)
@pytest.mark.filterwarnings("ignore")  # Pillow warns before it fails; the app does not turn warnings into errors
def test_a_truncated_file_never_passes_for_whole(noise: Image.Image, format: str, options: dict[str, object]) -> None:
    data = encode(noise, format, **options)
    whole = np.asarray(open_image(data))
    assert "damaged" in sentence(data[: len(data) // 2])
    refused = 0
    for length in range(1, len(data), 29):
        try:
            image = open_image(data[:length])
        except ImageError:
            refused += 1
        else:
            np.testing.assert_array_equal(np.asarray(image), whole)  # only the end marker is gone
    assert refused >= len(data) // 29 - 1


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_damaged_bytes_raise_nothing_but_image_error(noise: Image.Image, format: str) -> None:
    data = np.frombuffer(encode(noise, format), np.uint8)
    generator = np.random.default_rng(0)
    outcomes = set()
    for _ in range(60):
        damaged = data.copy()
        # Half of the damage in the header, where it confuses a reader most.
        places = np.concatenate([generator.integers(0, 64, 2), generator.integers(0, len(data), 2)])
        damaged[places] = generator.integers(0, 256, 4)
        try:
            outcomes.add(open_image(damaged.tobytes()).mode)
        except ImageError:
            outcomes.add("refused")
    assert "refused" in outcomes
    assert outcomes <= {"refused", "RGB"}


def test_too_many_bytes(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    with path.open("wb") as file:
        file.truncate(MAX_IMAGE_BYTES + 1)
    expected = "This file is larger than 20 MiB; choose or save a smaller one."
    assert sentence(path) == sentence(bytes(MAX_IMAGE_BYTES + 1)) == expected
    assert "not a picture" in sentence(bytes(MAX_IMAGE_BYTES))


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (50_000, 50_000, "far too many pixels"),  # Pillow's own error
        (12_000, 9_000, "far too many pixels"),  # Pillow's warning, an error in these tests
        (6_000, 5_000, "6000 x 5000 pixels"),
        (MAX_IMAGE_PIXELS + 1, 1, f"{MAX_IMAGE_PIXELS + 1} x 1 pixels"),
    ],
)
def test_decompression_bombs_are_refused_before_decoding(
    width: int, height: int, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decode(image: Image.Image) -> Image.Image:
        raise RuntimeError("must not be reached")

    monkeypatch.setattr(pixels, "_decode", decode)
    text = sentence(png(width, height, 8, 2, bytes(1000)))
    assert expected in text
    assert "25 million" in text


def test_decompression_bomb_where_warnings_are_no_errors(recwarn: pytest.WarningsRecorder) -> None:
    with pytest.warns(Image.DecompressionBombWarning), pytest.raises(ImageError, match="12000 x 9000 pixels"):
        open_image(png(12_000, 9_000, 8, 2, bytes(1000)))


def test_16_bit_planes_are_refused_rather_than_read_wrongly() -> None:
    reds_greens_blues = struct.pack("<6H", 65535, 0, 0, 65535, 0, 0)
    assert "separate planes" in sentence(tiff(2, 16, reds_greens_blues, photometric=2, planar=2))
    assert row(tiff(2, 8, bytes([255, 0, 0, 255, 0, 0]), photometric=2, planar=2)) == [(255, 0, 0), (0, 255, 0)]


def test_smallest_and_longest_pictures() -> None:
    assert row(png(1, 1, 8, 2, bytes([1, 2, 3]))) == [(1, 2, 3)]
    assert row(png(5000, 1, 8, 0, bytes(range(250)) * 20))[249:251] == grey(249, 0)


def test_threads_do_not_disturb_each_other(noise: Image.Image) -> None:
    good, bad = encode(noise, "PNG"), encode(noise, "PNG")[:500]
    outcomes: list[bool] = []

    def read() -> None:
        for _ in range(10):
            with pytest.raises(ImageError):
                open_image(bad)
            outcomes.append(np.array_equal(np.asarray(open_image(good)), np.asarray(noise)))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [True] * 40
