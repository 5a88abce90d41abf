"""Letters of figures for print: matplotlib's own font, the bundled Chinese one, then those of this computer."""

from __future__ import annotations

import functools
from typing import Any

import matplotlib
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text

from mixer_viz.paths import app_folder

_OWN = "DejaVu Sans"
_CHINESE = "Noto Sans CJK SC"  # Noto Sans SC, reduced to the letters of GB 2312; assets/fonts says how it was made
# For names of files and classes in other letters.
_OF_THIS_COMPUTER = (
    "Noto Sans CJK JP",
    "Noto Sans JP",
    "Noto Sans SC",
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


@functools.cache
def families() -> tuple[str, ...]:
    """The fonts that figures look into for a letter, in this order."""
    bundled = app_folder() / "assets" / "fonts" / "NotoSansSC-subset.otf"
    if not any(font.name == _CHINESE for font in font_manager.fontManager.ttflist):
        font_manager.fontManager.addfont(bundled)
    there = {font.name for font in font_manager.fontManager.ttflist}
    return (_OWN, *(name for name in (_CHINESE, *_OF_THIS_COMPUTER) if name in there))


@functools.cache
def _letters() -> frozenset[int]:
    files = [font.fname for font in font_manager.fontManager.ttflist if font.name in families()]
    return frozenset(code for file in files for code in FT2Font(file).get_charmap())


def covers(text: str) -> bool:
    """Whether these fonts have all letters of a text."""
    return all(ord(letter) in _letters() for letter in text if not letter.isspace())


def settings(figure: Figure, kind: str) -> Any:
    """What matplotlib is told (its `rcParams`) before it draws a figure as "png", "svg" or "pdf".

    Where a letter is in none of the fonts, an SVG keeps its texts as texts, so that the reader's own fonts draw them.
    """
    told: dict[str, Any] = {"font.family": list(families())}
    if kind == "svg" and not all(covers(text.get_text()) for text in figure.findobj(Text)):
        told["svg.fonttype"] = "none"
    return told


matplotlib.rcParams["font.family"] = list(families())
