"""The one interactive picture of the app: linked grids with values to read, cells to pick, arrow keys; and charts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import plotly.graph_objects as go
import streamlit as st

from mixer_viz.figures.grid import Grid
from mixer_viz.language import tr
from mixer_viz.texts.teaching import link as texts
from mixer_viz.ui.teaching.screen import is_locked

_FRONTEND = Path(__file__).parent / "frontend"
_component = st.components.v2.component(
    "mixer_viz_grid_panel",
    html='<div class="player" hidden><button type="button"></button>'
    '<input type="range" min="0" step="1"><output></output></div>'
    '<div class="panel"></div><p class="readout" aria-live="polite"></p>',
    css=(_FRONTEND / "grid_panel.css").read_text(encoding="utf-8"),
    js="".join((_FRONTEND / name).read_text(encoding="utf-8") for name in ("grid_drawing.js", "grid_panel.js")),
)


def show_grids(
    grids: Sequence[Grid],
    *,
    key: str,
    selected: int | None = None,
    on_pick: Callable[[int], None] | None = None,
    hint: str = "",
    stacks: Sequence[int] | None = None,
    marks: Literal["token", "unit", "layer", "channel", "place"] = "token",
    frames: Sequence[str] = (),
    frame: int = 0,
    layout: Literal["row", "pair", "flow", "wall"] = "row",
    columns: int = 1,
    together: bool = False,
) -> None:
    """Draw `grids` side by side; a click or an arrow key calls `on_pick` with the picked index.

    Args:
        selected: what is marked in the grids of every panel of the page that marks the same kind; one panel of a page
            is told, the others follow in the browser and are not sent again when it changes. -1 marks nothing.
        hint: shown below while nothing is hovered.
        stacks: how many grids stand above each other in each column; one if not given.
        marks: what the cells stand for; tokens, hidden units, layers, channels and places are selected apart from each
            other.
        frames: names of the frames that grids with several are played through, beginning with number `frame`.
        layout: pictures of their own width; as a pair that shares one line as long as it can; as a flow of one line
            with arrows between; or as a wall of at most `columns` stacks beside each other. In the latter two the
            widths of the grids are relative.
        together: the pointer over one grid reads the same cell of all of them, which are alike in shape.
    """

    def picked() -> None:
        index = st.session_state[key].get("picked")
        if on_pick is not None and isinstance(index, int) and not locked:
            on_pick(index)

    locked = is_locked("swaps" if marks == "place" else marks)
    data = {
        "grids": [grid.payload() for grid in grids],
        "selected": selected,
        "hint": texts.locked_hint() if locked and on_pick is not None else hint,
        "locked": locked,
        "stacks": list(stacks) if stacks else [1] * len(grids),
        "marks": marks,
        "frames": list(frames),
        "frame": frame,
        "layout": layout,
        "columns": columns,
        "together": together,
        "words": {"play": tr("Play"), "stop": tr("Stop"), "frame": tr("Block")} if frames else {},
    }
    _component(key=key, data=data, on_picked_change=picked)


def show_chart(figure: go.Figure, *, key: str, alt: str) -> None:
    """Draw a chart without plotly's own buttons; `alt` is its text alternative."""
    st.plotly_chart(figure, key=key, config={"displayModeBar": False}, alt=alt)
