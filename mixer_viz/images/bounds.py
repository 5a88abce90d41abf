"""Small files that would keep a server busy: what is bounded before and while a picture is decoded.

MAX_IMAGE_PIXELS bounds neither the parts that a picture is cut into nor what stands between them, and each costs time.
"""

from __future__ import annotations

import io
import struct
import time

from mixer_viz.images.modes import ImageError
from mixer_viz.language import noted

MAX_PARTS = 50_000  # strips or tiles of a TIFF: 10 microseconds each
MAX_READ_SECONDS = 2.0  # of the processor, in Pillow's own loops over markers, chunks, blocks and runs
# Each scan of a progressive JPEG goes over the whole picture; libjpeg's own files have ten.
MAX_SCANNED_PIXELS = 400_000_000
# Their decoders hold the picture four times, 16 bytes a pixel.
MAX_PIXELS = {"WEBP": 20_000_000, "AVIF": 20_000_000}
_USUAL_SCANS = 24
_PARTS = {273, 279, 324, 325}  # offsets and lengths of strips and tiles
_WIDTH, _HEIGHT, _ROWS, _TILE_WIDTH, _TILE_HEIGHT = 256, 257, 278, 322, 323
_SIZES = {3: "H", 4: "I", 16: "Q"}  # types of a TIFF's whole numbers
_ENTRY = 12  # bytes of a tag; of BigTIFF 20
_MOST_TAGS = 65_535  # what a TIFF can have; BigTIFF could have more
_HEIC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1", b"heif"}
_AVIF = {b"avif", b"avis"}


class BoundedReader(io.BytesIO):
    """A file in memory that a reader may use for MAX_READ_SECONDS of this thread's processor time."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._began = time.thread_time()

    def read(self, size: int | None = -1, /) -> bytes:
        """Raises ImageError once the time is over: loops in Python ask for a few bytes again and again."""
        if time.thread_time() - self._began > MAX_READ_SECONDS:
            raise ImageError(
                noted("This picture is built of too many small parts; open it elsewhere and save it as PNG.")
            )
        return super().read(size)


def check_file(data: bytes) -> None:
    """Raise ImageError for a HEIC photo, and for a TIFF of more than MAX_PARTS strips or tiles; reads headers only."""
    brands = _brands(data)
    if brands & _HEIC and not brands & _AVIF:
        raise ImageError(
            noted(
                "This is a HEIC photo, which cannot be read here; save it as JPEG (an iPhone takes JPEG with Settings, "
                "Camera, Formats, Most Compatible)."
            )
        )
    if data[:2] in (b"II", b"MM") and _tiff_parts(data) > MAX_PARTS:
        raise ImageError(noted("This TIFF is cut into too many strips or tiles; save it as PNG and try again."))


def check_pixels(data: bytes, format: str | None, pixels: int) -> None:
    """Raise ImageError for what takes more per pixel than other pictures: JPEG of many scans, large WebP and AVIF."""
    if format in MAX_PIXELS and pixels > MAX_PIXELS[format]:
        most = MAX_PIXELS[format] // 1_000_000
        raise ImageError(
            noted(
                "This {format} has more than {most} million pixels; make it smaller or save it as JPEG.",
                format=format,
                most=most,
            )
        )
    # Entropy-coded bytes have no such pair; metadata have one by chance at times, and a preview has some.
    if format in ("JPEG", "MPO") and data.count(b"\xff\xda") > max(_USUAL_SCANS, MAX_SCANNED_PIXELS // pixels):
        raise ImageError(noted("This JPEG is built of too many scans; open it elsewhere and save it again."))


def _brands(data: bytes) -> set[bytes]:
    """What a file of the HEIF family says it is."""
    if data[4:8] != b"ftyp":
        return set()
    length = min(int.from_bytes(data[:4], "big"), 256)
    return {data[8:12], *(data[place : place + 4] for place in range(16, length, 4))}


def _tiff_parts(data: bytes) -> int:
    """Strips or tiles of a TIFF's first page, as its tags count or imply them; 0 where the header is damaged.

    The layout is that of TIFF 6.0, section 2, and of BigTIFF, which has eight bytes where TIFF has two or four.
    """
    order = "<" if data[:2] == b"II" else ">"
    try:
        if struct.unpack_from(f"{order}H", data, 2)[0] == 43:  # BigTIFF
            (start,) = struct.unpack_from(f"{order}Q", data, 8)
            (count,) = struct.unpack_from(f"{order}Q", data, start)
            first, entry = start + 8, f"{order}HHQQ"
        else:
            (start,) = struct.unpack_from(f"{order}I", data, 4)
            (count,) = struct.unpack_from(f"{order}H", data, start)
            first, entry = start + 2, f"{order}HHII"
        if count > _MOST_TAGS:
            return MAX_PARTS + 1
        size = struct.calcsize(entry)
        places = [first + size * number for number in range(count)]
        tags = [
            (*struct.unpack_from(entry, data, place), place + size) for place in places if place + size <= len(data)
        ]
    except (struct.error, OverflowError):
        return 0
    counts = [int(number) for tag, _, number, _, _ in tags if tag in _PARTS]
    values = {tag: _value(data, order, kind, end, size) for tag, kind, _, _, end in tags}
    return max([0, *counts, *_implied(values)])


def _value(data: bytes, order: str, kind: int, end: int, size: int) -> int:
    """The first number of a tag that stands in its entry of `size` bytes, which ends at `end`; 0 for others."""
    letter, room = _SIZES.get(kind, ""), 4 if size == _ENTRY else 8
    if not letter or struct.calcsize(order + letter) > room:
        return 0
    return int(struct.unpack_from(order + letter, data, end - room)[0])


def _implied(values: dict[int, int]) -> list[int]:
    """How many strips and tiles a picture of this size has."""
    width, height = values.get(_WIDTH, 0), values.get(_HEIGHT, 0)
    parts = [height // rows for rows in [values.get(_ROWS, 0)] if rows]
    across, down = values.get(_TILE_WIDTH, 0), values.get(_TILE_HEIGHT, 0)
    return [*parts, (width // across) * (height // down)] if across and down else parts
