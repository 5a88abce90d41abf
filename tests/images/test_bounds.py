"""Files of a few kilobytes or megabytes that would keep a server busy: refused in a sentence, within seconds."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from made_images import encode, row
from PIL import Image

from mixer_viz.images import MAX_IMAGE_PIXELS, ImageError, bounds, open_image

MOST_SECONDS, MOST_MEGABYTES = 3.0, 400.0
PICTURE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))


def tags_only_tiff(tags: dict[int, list[int]], order: str = "<", body: bytes = bytes(16)) -> bytes:
    """A TIFF of whole numbers (LONG), with `body` at byte 8."""
    data = bytearray(b"II*\0" if order == "<" else b"MM\0*") + bytes(4) + body
    entries = []
    for tag, values in sorted(tags.items()):
        value = struct.pack(f"{order}{len(values)}I", *values)
        if len(values) > 1:
            place, value = len(data), struct.pack(f"{order}I", len(data))
            data += struct.pack(f"{order}{len(values)}I", *values)
            assert place == struct.unpack(f"{order}I", value)[0]
        entries.append(struct.pack(f"{order}HHI", tag, 4, len(values)) + value)
    struct.pack_into(f"{order}I", data, 4, len(data))
    return bytes(data + struct.pack(f"{order}H", len(entries)) + b"".join(entries) + bytes(4))


def size_tags(width: int, height: int) -> dict[int, list[int]]:
    return {256: [width], 257: [height], 258: [8], 259: [1], 262: [1], 277: [1]}


def tiff_of_tiles(count: int, order: str = "<") -> bytes:
    tiles = {322: [1], 323: [1], 324: [8] * count, 325: [1] * count}
    return tags_only_tiff({**size_tags(count // 1000, 1000), **tiles}, order)


def tiff_of_strips(count: int) -> bytes:
    return tags_only_tiff({**size_tags(1, count), 278: [1], 273: [8] * count, 279: [1] * count})


def tiff_that_says_only_its_size(count: int) -> bytes:
    return tags_only_tiff({**size_tags(1, count), 278: [1], 273: [8], 279: [1]})


def big_tiff(count: int) -> bytes:
    """BigTIFF of `count` strips, without their offsets."""
    tags = [(256, 1), (257, count), (273, 16), (278, 1), (279, 1)]
    entries = b"".join(struct.pack("<HHQQ", tag, 4, 1, value) for tag, value in tags)
    return b"II" + struct.pack("<HHHQ", 43, 8, 0, 16) + struct.pack("<Q", len(tags)) + entries + bytes(8)


@pytest.mark.parametrize(
    "data",
    [
        tiff_of_tiles(60_000),
        tiff_of_tiles(60_000, ">"),
        tiff_of_strips(60_000),
        tiff_that_says_only_its_size(60_000),
        big_tiff(60_000),
        tags_only_tiff(
            {tag: [1] for tag in range(1, 256)} | {1000 + tag: [1] for tag in range(6000)} | {65_000: [1]}
        ).replace(struct.pack("<HHII", 65_000, 4, 1, 1), struct.pack("<HHII", 273, 4, 60_000, 8)),
    ],
    ids=["tiles", "tiles, big-endian", "strips", "size alone", "BigTIFF", "behind other tags"],
)
def test_tiff_of_too_many_parts(data: bytes) -> None:
    with pytest.raises(ImageError, match="too many strips or tiles; save it as PNG"):
        open_image(data)


def test_tiff_of_as_many_strips_as_rows_is_read() -> None:
    assert open_image(tiff_of_strips(1000)).size == (1, 1000)
    image = PICTURE.resize((40, 3000))
    assert open_image(encode(image, "TIFF", tiffinfo={278: 1})).size == (40, 3000)


@pytest.mark.parametrize(
    "data", [b"II*\0", b"MM\0*\0\0\0\x08\xff\xff", b"II+\0\x08\0\0\0" + b"\xff" * 8, b"II*\0\xff\xff\xff\xff"]
)
def test_damaged_header_is_a_sentence(data: bytes) -> None:
    with pytest.raises(ImageError):
        open_image(data)


def markers(filler: bytes) -> bytes:
    data = encode(PICTURE, "JPEG")
    return data[:2] + filler + data[2:]


def chunks(count: int) -> bytes:
    data = encode(PICTURE, "PNG")
    body = b"a\0b"
    chunk = struct.pack(">I", len(body)) + b"tEXt" + body + struct.pack(">I", zlib.crc32(b"tEXt" + body))
    return data[:33] + chunk * count + data[33:]


def gif_blocks(block: bytes) -> bytes:
    data = encode(PICTURE.convert("P"), "GIF")
    header = 13 + 3 * 2 ** ((data[10] & 7) + 1)
    return data[:header] + block + data[header:]


def bmp_runs(count: int) -> bytes:
    runs = b"\1\5" * count
    header = struct.pack("<IiiHHIIiiII", 40, 5000, 5000, 1, 8, 1, len(runs), 0, 0, 256, 0) + bytes(1024)
    start = 14 + len(header)
    return b"BM" + struct.pack("<IHHI", start + len(runs), 0, 0, start) + header + runs


@pytest.mark.parametrize(
    "made",
    [
        lambda: markers(b"\xff" * 3_000_000),
        lambda: markers(b"\xff\xfe\0\2" * 600_000),
        lambda: chunks(300_000),
        lambda: gif_blocks(b"!\xfe" + b"\1a" * 1_000_000 + b"\0"),
        lambda: gif_blocks(b"!\xfe\1a\0" * 500_000),
        lambda: bmp_runs(1_500_000),
    ],
    ids=["JPEG fill bytes", "JPEG markers", "PNG chunks", "GIF blocks", "GIF extensions", "BMP runs"],
)
def test_time_in_loops_over_small_parts_is_bounded(made: Callable[[], bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MAX_READ_SECONDS", 0.05)
    data = made()
    began = time.thread_time()
    with pytest.raises(ImageError, match="built of too many small parts"):
        open_image(data)
    assert time.thread_time() - began < 1.0


def test_some_markers_chunks_and_blocks_are_read() -> None:
    for data in (markers(b"\xff" * 1000 + b"\xff\xfe\0\2" * 100), chunks(100), gif_blocks(b"!\xfe\1a\0" * 100)):
        assert open_image(data).size == (64, 64)


def test_jpeg_of_too_many_scans() -> None:
    data = encode(PICTURE.resize((2500, 2500)).convert("L"), "JPEG", progressive=True)
    last = data[data.rfind(b"\xff\xda") : -2]
    assert open_image(data).size == (2500, 2500)
    with pytest.raises(ImageError, match="too many scans"):
        open_image(data[:-2] + last * 100 + b"\xff\xd9")


@pytest.mark.parametrize("format", ["WEBP", "AVIF"])
def test_large_picture_of_a_format_that_takes_much_memory(format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(bounds.MAX_PIXELS, format, 1000)
    with pytest.raises(ImageError, match=f"This {format} has more than"):
        open_image(encode(PICTURE, format))


def test_avif_is_read() -> None:
    shades = Image.new("RGB", (16, 16), (200, 30, 60))
    assert np.abs(np.subtract(row(encode(shades, "AVIF", quality=100))[0], (200, 30, 60))).max() < 8


@pytest.mark.parametrize(
    ("brands", "is_heic"),
    [
        (b"heic\0\0\0\0mif1heic", True),
        (b"mif1\0\0\0\0mif1heic", True),
        (b"heix\0\0\0\0", True),
        (b"mif1\0\0\0\0mif1avif", False),
        (b"avif\0\0\0\0avifmif1", False),
        (b"isom\0\0\0\0mp41", False),
    ],
)
def test_heic_gets_its_own_sentence(brands: bytes, is_heic: bool) -> None:
    data = struct.pack(">I", 8 + len(brands)) + b"ftyp" + brands + bytes(100)
    with pytest.raises(ImageError) as caught:
        open_image(data)
    assert ("HEIC" in str(caught.value)) == is_heic


MEASURE = """
import os, sys, time
from pathlib import Path
from mixer_viz.images import open_image
def of(name):
    return int(next(line for line in open("/proc/self/status") if line.startswith(name)).split()[1]) / 1000
def measure(path):
    data = Path(path).read_bytes()
    rest = of("VmRSS")
    open("/proc/self/clear_refs", "w").write("5")
    began = time.process_time()
    open_image(data)
    print(time.process_time() - began, of("VmHWM") - rest, flush=True)
open_image(Path(sys.argv[1]).read_bytes())
for line in sys.stdin:
    child = os.fork()
    if not child:
        try:
            measure(line.rstrip("\\n"))
        finally:
            os._exit(0)
    if os.waitpid(child, 0)[1]:
        print("ended", flush=True)
"""


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Path], tuple[float, float]]]:
    """Seconds of a processor and megabytes that a file takes, each in a process of its own that has imported all."""
    small = tmp_path_factory.mktemp("small") / "small.png"
    Image.new("RGB", (8, 8)).save(small)
    command = [sys.executable, "-c", MEASURE, str(small)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        asked, told = process.stdin, process.stdout

        def measure(path: Path) -> tuple[float, float]:
            print(path, file=asked, flush=True)
            seconds, megabytes = map(float, told.readline().split())
            return seconds, megabytes

        yield measure


def one_row(depth: int, colour_type: int, sample_bytes: int) -> bytes:
    """A PNG of one row of as many pixels as are allowed, some kilobytes long."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", MAX_IMAGE_PIXELS, 1, depth, colour_type, 0, 0, 0)
    samples = zlib.compress(bytes(1 + sample_bytes * MAX_IMAGE_PIXELS))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", samples) + chunk(b"IEND", b"")


def wide_tiff(dtype: type) -> bytes:
    samples = np.zeros((5000, 5000), dtype)
    samples[0, 0] = 3
    return encode(Image.fromarray(samples), "TIFF", compression="tiff_adobe_deflate")


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the peak is read from Linux")
@pytest.mark.parametrize(
    "made",
    [
        lambda: one_row(16, 2, 6),
        lambda: one_row(8, 6, 4),
        lambda: wide_tiff(np.float32),
        lambda: encode(PICTURE.resize((4472, 4472)).convert("RGBA"), "WEBP", lossless=True, quality=0, method=0),
    ],
    ids=["PNG of one row, 16 bits", "PNG of one row, RGBA", "TIFF of floats", "WebP"],
)
def test_time_and_memory_of_the_largest_pictures(
    made: Callable[[], bytes], measured: Callable[[Path], tuple[float, float]], tmp_path: Path
) -> None:
    (tmp_path / "large").write_bytes(made())
    seconds, megabytes = measured(tmp_path / "large")
    assert seconds < MOST_SECONDS
    assert megabytes < MOST_MEGABYTES


@pytest.mark.parametrize("size", [(3, 5), (1, 1), (2**20 + 3, 2), (2, 2**20 // 2 + 5), (1500, 1500)])
def test_pieces_make_up_the_picture(size: tuple[int, int]) -> None:
    values = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 4), dtype=np.uint8)
    image = Image.fromarray(values)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=0)
    white = Image.new("RGB", size, "white")
    white.paste(image, mask=image.getchannel("A"))
    assert open_image(buffer.getvalue()).tobytes() == white.tobytes()
