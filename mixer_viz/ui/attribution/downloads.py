"""What the Attributions page offers for download."""

from __future__ import annotations

import json

import numpy as np
from matplotlib.figure import Figure

from mixer_viz.figures.attribution.print import draw_attributions
from mixer_viz.language import tr
from mixer_viz.texts import attribution as attribution_texts
from mixer_viz.texts import attribution_metrics as metrics_texts
from mixer_viz.ui.attribution.choice import Target
from mixer_viz.ui.attribution.maps import Look, Shown, map_pictures
from mixer_viz.ui.attribution.metrics import known_metrics
from mixer_viz.ui.choices import Choice
from mixer_viz.ui.compute import cached
from mixer_viz.ui.compute.jobs import job_table
from mixer_viz.ui.widgets import downloads as download_widgets


def downloads(choice: Choice, target: Target, shown: list[Shown], look: Look) -> None:
    """The maps as a figure with captions, their values, and the quality table; each is made when it is asked for."""
    table = job_table()  # the makers run outside of the page, where there is no session
    download_widgets.download_row(
        "attributions",
        lambda: _figure(choice, target, shown, look),
        lambda: _arrays(choice, target, shown),
        lambda: download_widgets.csv_bytes(
            *metrics_texts.metrics_rows(known_metrics(table, choice, target, shown), _about(choice, target))
        ),
    )


def _about(choice: Choice, target: Target) -> dict[str, str]:
    """What all maps have in common, in names."""
    return {
        "model": choice.model.title,
        "picture": choice.picture.title,
        "class": target.plain_name,
        "against_class": target.plain_against,
    }


def _figure(choice: Choice, target: Target, shown: list[Shown], look: Look) -> Figure:
    return draw_attributions(
        cached.crop_of(choice),
        map_pictures(choice.model.config, shown, look.pixels),
        [attribution_texts.print_caption(each.result) for each in shown],
        grid_size=choice.model.config.grid_shape,
        shared=look.shared,
        positive=look.positive,
        opacity=look.opacity,
        caption=tr(
            "What speaks for and against the {score}. {model}, picture: {picture}",
            score=target.plain_score_name,
            model=choice.model.title,
            picture=choice.picture.said_title,
        ),
    )


def _arrays(choice: Choice, target: Target, shown: list[Shown]) -> dict[str, np.ndarray]:
    """Per method its patch map (S,), where there is one its pixel values (3, H, W), and its settings as JSON."""
    arrays = {"crop": cached.crop_of(choice)}
    for each in shown:
        name, result = each.asked.method, each.result
        arrays[f"{name}.patch_map"] = result.patch_map
        if result.pixel_values is not None:
            arrays[f"{name}.pixel_values"] = result.pixel_values
        arrays[f"{name}.settings"] = np.array(
            json.dumps(_about(choice, target) | attribution_texts.settings_of(result))
        )
    return arrays
