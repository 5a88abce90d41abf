"""The cached results of the Overview page, and its downloads."""

from __future__ import annotations

from collections.abc import Sequence

from mixer_viz.analysis import overview
from mixer_viz.figures.overview import draw_overview
from mixer_viz.ui.choices import Choice
from mixer_viz.ui.compute.cached import crop_of, trace_of
from mixer_viz.ui.compute.caching import kept
from mixer_viz.ui.widgets import downloads


@kept("result", "Running the Mixer …", copied=True)
def overview_of(choice: Choice) -> overview.Overview:
    return overview.overview_of(trace_of(choice))


def overview_downloads(choice: Choice, stages: Sequence[tuple[str, str]]) -> None:
    """Figure, arrays and table; `stages` are title and note of each."""
    result = overview_of(choice)
    class_names = [choice.model.class_name(index) for index in result.top_classes.tolist()]
    downloads.download_row(
        "overview",
        lambda: draw_overview(
            crop_of(choice),
            result.embedding,
            stages,
            result.colours,
            class_names,
            result.top_probabilities,
            f"{choice.model.title}, picture: {choice.picture.title}",
        ),
        lambda: {
            "embedding": result.embedding,
            "token_norm": result.token_norm,
            "colours": result.colours,
            "pooled": result.pooled,
            "top_classes": result.top_classes,
            "top_logits": result.top_logits,
            "top_probabilities": result.top_probabilities,
        },
        lambda: downloads.csv_bytes(
            ["class", "name", "logit", "probability"],
            [
                [index, name, logit, probability]
                for index, name, logit, probability in zip(
                    result.top_classes.tolist(),
                    class_names,
                    result.top_logits.tolist(),
                    result.top_probabilities.tolist(),
                    strict=True,
                )
            ],
        ),
    )
