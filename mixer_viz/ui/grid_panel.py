"""The one interactive picture of the app: linked grids with values to read, cells to pick, arrow keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st

from mixer_viz.figures.grid import Grid

_FRONTEND = Path(__file__).parent / "frontend"
_component = st.components.v2.component(
    "mixer_viz_grid_panel",
    html='<div class="panel"></div><p class="readout" aria-live="polite"></p>',
    css=(_FRONTEND / "grid_panel.css").read_text(encoding="utf-8"),
    js=(_FRONTEND / "grid_panel.js").read_text(encoding="utf-8"),
)


def show_grids(
    grids: Sequence[Grid],
    *,
    key: str,
    selected: int | None = None,
    on_pick: Callable[[int], None] | None = None,
    hint: str = "",
    stacks: Sequence[int] | None = None,
) -> None:
    """Draw `grids` side by side; a click or an arrow key calls `on_pick` with the picked index.

    Args:
        selected: token that is marked in the grids of every panel of the page; one panel of a page is told, the others
            follow in the browser and are not sent again when it changes.
        hint: shown below while nothing is hovered.
        stacks: how many grids stand above each other in each column; one if not given.
    """

    def picked() -> None:
        index = st.session_state[key].get("picked")
        if on_pick is not None and isinstance(index, int):
            on_pick(index)

    data = {
        "grids": [grid.payload() for grid in grids],
        "selected": selected,
        "hint": hint,
        "stacks": list(stacks) if stacks else [1] * len(grids),
    }
    _component(key=key, data=data, on_picked_change=picked)
