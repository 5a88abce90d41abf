"""How values that come from outside stand in a sentence."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from mixer_viz.language import noted, noted_list

MAX_SHOWN = 80  # characters


def shown(value: object, most: int = MAX_SHOWN) -> str:
    """A value as Python writes it, on one line and at most `most` characters long: the end is cut where it is longer.

    What is cut is not written out first: a text of a megabyte, a number of thousands of digits or a tuple of thousands
    of entries costs no more than a short one.
    """
    if isinstance(value, str | bytes):
        text = repr(value[:most])
    elif isinstance(value, int) and value.bit_length() > 4 * most:
        text = noted("a number of {bits:,} bits", bits=value.bit_length())
    elif isinstance(value, tuple | list):
        opening, closing = "()" if isinstance(value, tuple) else "[]"
        entries = [shown(entry, most) for entry in itertools.islice(value, most)]
        text = f"{opening}{', '.join(entries)}{closing}"
    else:
        text = repr(value)
    return text if len(text) <= most else f"{text[: most - 2]} …"


def named(name: str) -> str:
    """The name of a tensor or setting as it is; as `shown` where it is long or holds more than letters and dots."""
    return name if re.fullmatch(rf"[\w.]{{1,{MAX_SHOWN}}}", name) else shown(name)


def few(names: Sequence[str], most: int = 3) -> str:
    """The first of several names, and how many more there are."""
    first, rest = noted_list(names[:most]), len(names) - most
    return noted("{names} and {rest} more", names=first, rest=rest) if rest > 0 else first


def by(sides: tuple[int, int], sign: str = "×") -> str:
    """Rows and columns, or height and width, as "4 × 4"."""
    return f"{sides[0]} {sign} {sides[1]}"


def in_pixels(sides: tuple[int, int]) -> str:
    """Height and width of a picture, as "32 px" or "32 × 128 px"."""
    return f"{sides[0]} px" if sides[0] == sides[1] else f"{by(sides)} px"


def in_parameters(count: int) -> str:
    """How many parameters: "0.94 M parameters", and of small models "12,345 parameters"."""
    if count >= 100_000:
        return noted("{millions:.2f} M parameters", millions=count / 1e6)
    return noted("{count:,} parameters", count=count)
