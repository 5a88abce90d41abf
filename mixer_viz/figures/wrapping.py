"""How wide texts are in figures, and where they are broken: a Chinese letter is as wide as two Latin ones."""

from __future__ import annotations

import re
import textwrap
import unicodedata

# Latin words hold together, and so do punctuation marks with what they close.
_PIECES = re.compile(r"\s+|[^\s\u2e80-\u9fff\uff00-\uff60]+|[\u2e80-\u9fff\uff00-\uff60][，。、：；！？）”》]*")


def width_of(text: str) -> int:
    """In Latin letters."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def wrapped(text: str, width: int) -> list[str]:
    """Lines of at most `width` Latin letters, broken at spaces and beside Chinese letters; only what is longer than a
    line by itself is broken elsewhere.
    """
    if width_of(text) == len(text):
        return textwrap.wrap(text, width)
    lines, line = [], ""
    for piece in _PIECES.findall(text):
        if width_of(line + piece.rstrip()) <= width:
            line += " " if piece.isspace() else piece
            continue
        if line.strip():
            lines.append(line.strip())
        line = "" if piece.isspace() else piece
        while width_of(line) > width:
            lines.append(line[:width])
            line = line[width:]
    return [*lines, line.strip()] if line.strip() else lines


def filled(text: str, width: int) -> str:
    """`wrapped` as one text."""
    return "\n".join(wrapped(text, width))
