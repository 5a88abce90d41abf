"""Charts of the section that switches parts of the network off."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from mixer_viz.figures.theme import LINES, NEUTRAL


def each_alone_chart(changes: np.ndarray, names: Sequence[str], answers: Sequence[str], followed: str) -> go.Figure:
    """Change of one class's probability in percentage points, (2 L,), with each half-block alone switched off.

    Args:
        names: of the half-blocks in order, token mixing first.
        answers: the most probable class of each pass, for the hover text.
        followed: the class whose probability it is.
    """
    figure = go.Figure()
    blocks = np.arange(1, len(changes) // 2 + 1)
    for start, mixing, (colour, _, _), pattern in (
        (0, "token mixing", LINES[0], ""),
        (1, "channel mixing", LINES[1], "/"),
    ):
        figure.add_trace(
            go.Bar(
                x=blocks,
                y=changes[start::2],
                name=mixing,
                marker={"color": colour, "pattern": {"shape": pattern}},
                customdata=np.array([list(names), list(answers)], dtype=object).T[start::2],
                hovertemplate="without %{customdata[0]}: %{y:+.1f} points, answer: %{customdata[1]}<extra></extra>",
            )
        )
    figure.add_hline(y=0, line={"color": NEUTRAL, "width": 1})
    figure.update_yaxes(title=f"change of {followed}, points", fixedrange=True)
    figure.update_xaxes(title="block", fixedrange=True, dtick=1 if len(blocks) <= 12 else None)
    figure.update_layout(
        height=280,
        margin={"l": 0, "r": 0, "t": 10, "b": 0},
        barmode="group",
        bargap=0.3,
        legend={"orientation": "h", "y": -0.28},
    )
    return figure
