"""Letters of figures for print: matplotlib's own font, then those of this computer that have Asian letters."""

from __future__ import annotations

import contextlib
import functools
from typing import Any

import matplotlib
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text

_WITH_ASIAN_LETTERS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans SC",
    "Noto Sans JP",
    "Source Han Sans",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "Droid Sans Fallback",
    "IPAexGothic",
    "Hiragino Sans",
    "PingFang SC",
    "Microsoft YaHei",
    "Yu Gothic",
    "Malgun Gothic",
    "Arial Unicode MS",
)
_OWN = "DejaVu Sans"


@functools.cache
def families() -> tuple[str, ...]:
    """The fonts that figures look into for a letter, in this order."""
    found = _with_asian_letters()
    if not found:  # matplotlib's list may be older than the computer's fonts
        known = {font.fname for font in font_manager.fontManager.ttflist}
        for file in font_manager.findSystemFonts():
            if file not in known:
                with contextlib.suppress(OSError, RuntimeError):  # what FreeType cannot read
                    font_manager.fontManager.addfont(file)
        found = _with_asian_letters()
    return (_OWN, *found)


def _with_asian_letters() -> list[str]:
    there = {font.name for font in font_manager.fontManager.ttflist}
    return [name for name in _WITH_ASIAN_LETTERS if name in there]


@functools.cache
def _letters() -> frozenset[int]:
    files = [font.fname for font in font_manager.fontManager.ttflist if font.name in families()]
    return frozenset(code for file in files for code in FT2Font(file).get_charmap())


def covers(text: str) -> bool:
    """Whether these fonts have all letters of a text."""
    return all(ord(letter) in _letters() for letter in text if not letter.isspace())


def can_draw(figure: Figure) -> bool:
    """Whether these fonts have all letters of a figure's texts."""
    return all(covers(text.get_text()) for text in figure.findobj(Text))


def settings(figure: Figure, kind: str) -> Any:
    """What matplotlib is told (its `rcParams`) before it draws a figure as "png", "svg" or "pdf".

    Where a letter is in none of the fonts, an SVG keeps its texts as texts, so that the reader's own fonts draw them.
    """
    told: dict[str, Any] = {"font.family": list(families())}
    if kind == "svg" and not can_draw(figure):
        told["svg.fonttype"] = "none"
    return told


matplotlib.rcParams["font.family"] = list(families())
