"""The player of one block as still pictures: the token matrix before, between and after its halves."""

from __future__ import annotations

from typing import Any

from mixer_viz.figures.hover_words import hover_words
from mixer_viz.language import tr

_ZERO, _TOP = 128, 127  # as in figures/block_player.py


def player_panel(data: dict[str, Any]) -> dict[str, Any]:
    """A panel of three grids, from what the browser gets to play."""
    titles = (tr("Tokens before the block"), tr("After token mixing"), tr("After channel mixing"))
    limit = float(data["limit"])
    # The player's levels lie around 128, a grid's between its limits: these make the same numbers of them.
    limits = [[-limit * _ZERO / _TOP, limit]]
    rows: int = data["rows"]
    words = hover_words(select="row", pick_side=1, rows=rows, cell="", across="channel", is_tiled=False)
    common = {
        "shape": f"{data['rows']} × {data['columns']}",
        "description": tr("A row for each token, a column for each channel."),
        "notes": None,
        "rows": data["rows"],
        "columns": data["columns"],
        "words": words,
        "select": "row",
        "pick_side": 1,
        "tile": None,
        "group": 1,
        "frames": 1,
        "opacity": 1.0,
        "lines": False,
        "smooth": False,
        "show_scale": True,
        "width": 240,
        "two_lines": False,
        "aspect": 1.0,
        "count": data["rows"] * data["columns"],
        "hover": None,
        "ids": None,
        "photo": None,
        "quantity": tr("token value"),
        "unit": "",
        "colours": data["colours"],
        "coarse": True,
        "limits": limits,
        "beyond": [True, True],
    }
    grids = [
        {**common, "title": title, "values": matrix} for title, matrix in zip(titles, data["matrices"], strict=True)
    ]
    return {"grids": grids, "stacks": [1, 1, 1], "frames": [], "frame": 0, "layout": "row", "selected": None}
