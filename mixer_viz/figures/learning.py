"""Curves of a training while it goes on."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from mixer_viz.figures.theme import ACCENT, LINES, NEUTRAL
from mixer_viz.language import tr

Curve = Sequence[tuple[int, float]]  # (step, value)


def learning_chart(
    train_loss: Curve, train_accuracy: Curve, test_loss: Curve, test_accuracy: Curve, chance: float, num_steps: int
) -> go.Figure:
    """Accuracy (0 to 1, drawn in percent) and loss against training steps; guessing is marked in both.

    Training values are those of single batches and jump; test values are of the averaged weights on pictures that were
    never trained on.
    """
    figure = make_subplots(
        1, 2, subplot_titles=(tr("accuracy, %"), tr("loss (cross-entropy), nats")), horizontal_spacing=0.09
    )
    parts = (
        (
            1,
            [(step, 100 * value) for step, value in train_accuracy],
            [(step, 100 * value) for step, value in test_accuracy],
        ),
        (2, list(train_loss), list(test_loss)),
    )
    for column, train, test in parts:
        for name, curve, colour, width, opacity in (
            (tr("training"), train, LINES[0][0], 1, 0.6),
            (tr("test"), test, ACCENT, 3, 1.0),
        ):
            figure.add_trace(
                go.Scatter(
                    x=[step for step, _ in curve],
                    y=[value for _, value in curve],
                    name=name,
                    legendgroup=name,
                    mode="lines+markers" if len(curve) == 1 else "lines",
                    line={"color": colour, "width": width},
                    opacity=opacity,
                    showlegend=column == 1,
                    hovertemplate=tr("step %{x}: %{y:.3g}") + f"<extra>{name}</extra>",
                ),
                row=1,
                col=column,
            )
    figure.add_hline(
        y=100 * chance, line={"color": NEUTRAL, "dash": "dot"}, annotation_text=tr("guessing"), row=1, col=1
    )
    figure.update_xaxes(range=[0, num_steps], fixedrange=True, title=tr("step"))
    figure.update_yaxes(fixedrange=True)
    figure.update_yaxes(range=[0, 102], row=1, col=1)
    figure.update_yaxes(rangemode="tozero", row=1, col=2)
    figure.update_annotations(font_size=13)
    figure.update_layout(height=270, margin={"l": 0, "r": 0, "t": 26, "b": 0}, legend={"orientation": "h", "y": -0.28})
    return figure
