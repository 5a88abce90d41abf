"""Small image files, encoded by Pillow or written byte by byte where Pillow cannot, and what comes out of them."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image

from mixer_viz.images import open_image


def encode(image: Image.Image, format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def png(width: int, height: int, depth: int, colour_type: int, samples: bytes, transparency: bytes = b"") -> bytes:
    """A one-row PNG written by hand, for the depths that Pillow does not write."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    chunks = chunk(b"IHDR", header) + (chunk(b"tRNS", transparency) if transparency else b"")
    return b"\x89PNG\r\n\x1a\n" + chunks + chunk(b"IDAT", zlib.compress(b"\0" + samples)) + chunk(b"IEND", b"")


def tiff(width: int, bits: int, samples: bytes, *, photometric: int = 1, planar: int = 1) -> bytes:
    """A one-row little-endian TIFF; photometric 0 white is zero, 1 black is zero, 2 RGB; planar 2 separate planes."""
    channels = 3 if photometric == 2 else 1
    strips = channels if planar == 2 else 1
    start = 8
    tags: dict[int, tuple[int, ...]] = {
        256: (width,),
        257: (1,),
        258: (bits,) * channels,
        259: (1,),
        262: (photometric,),
        273: tuple(start + strip * len(samples) // strips for strip in range(strips)),
        277: (channels,),
        278: (1,),
        279: (len(samples) // strips,) * strips,
        284: (planar,),
    }
    directory, tail = b"", b""
    tail_start = start + len(samples) + 2 + 12 * len(tags) + 4
    for tag, values in tags.items():
        body = struct.pack(f"<{len(values)}I", *values)
        if len(values) > 1:  # does not fit into the entry: the entry says where it is
            body, tail = struct.pack("<I", tail_start + len(tail)), tail + body
        directory += struct.pack("<HHI", tag, 4, len(values)) + body
    header = b"II*\0" + struct.pack("<I", start + len(samples))
    return header + samples + struct.pack("<H", len(tags)) + directory + bytes(4) + tail


def row(data: bytes) -> list[tuple[int, ...]]:
    """All pixels of a small picture, in raster order."""
    image = open_image(data)
    assert image.mode == "RGB"
    return [tuple(pixel) for pixel in np.asarray(image).reshape(-1, 3).tolist()]


def grey(*values: int) -> list[tuple[int, ...]]:
    return [(value, value, value) for value in values]
