"""What a picture of cells says about itself: under the pointer, to a screen reader, at the ends of its scale.

The browser puts the numbers in, for {row}, {column}, {number} and {value}: the words come from here, as whole sentences
in the language of whoever is looking.
"""

from __future__ import annotations

from mixer_viz.language import mark, tr

# What the browser puts in.
LATER = {name: f"{{{name}}}" for name in ("row", "column", "number", "place", "quantity", "value", "hover")}
# What cells and the columns of a token matrix are called, so that all of them are in the catalogue.
CELLS = (mark("patch"), mark("channel"), mark("place"))


def hover_words(*, select: str, pick_side: int, rows: int, cell: str, across: str, is_tiled: bool) -> dict[str, str]:
    """Sentences for a grid as `Grid` describes it; `cell` and `across` are marked words, or said already.

    `place` names a cell, `kind` what a click picks; `reading` puts a value to a place, `less` and `more` are values
    that lie beyond the scale, `most` and `least` the ends of a scale that each tile has for itself.
    """
    said = tr(cell)
    words = {
        "kind": tr("{cell} {number}", **LATER | {"cell": tr("token") if select == "row" else said}),
        "place": _place(select, pick_side, rows, said, tr(across)),
        "selected": tr("selected"),
        "unselected": tr("not selected"),
    }
    if is_tiled:
        return words | {
            "reading": tr("{hover}; patch {number} (row {row}, column {column}): ≈ {value}", **LATER),
            "most": tr("max"),
            "least": tr("−max"),
        }
    return words | {
        "reading": tr("{place}: {quantity} {value}", **LATER),
        "less": tr("{value} or less", **LATER),
        "more": tr("{value} or more", **LATER),
    }


def spoken_name(title: str, description: str, is_picked: bool) -> str:
    """How a screen reader names a grid."""
    named = tr("{title}. {description}", title=title, description=description) if title and description else ""
    name = named or title or description
    return tr("{name} Arrow keys select.", name=name) if is_picked else name


def _place(select: str, pick_side: int, rows: int, cell: str, across: str) -> str:
    words = LATER | {"cell": cell, "across": across}
    if select == "row":
        return tr("token {row}, {across} {column}", **words)
    if pick_side > 1:
        return tr("pixel (row {row}, column {column}) in {cell} {number}", **words)
    if rows == 1:
        return tr("{cell} {number}", **words)
    return tr("{cell} {number} (row {row}, column {column})", **words)
