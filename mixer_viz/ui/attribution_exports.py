"""What the Attributions page offers for download."""

from __future__ import annotations

import json

import numpy as np
from matplotlib.figure import Figure

from mixer_viz.figures.attribution_print import draw_attributions
from mixer_viz.ui import cached, exports, formulas_attribution, formulas_trust
from mixer_viz.ui.attribution_choice import Target
from mixer_viz.ui.attribution_maps import Look, Shown, map_pictures
from mixer_viz.ui.attribution_quality import known_quality
from mixer_viz.ui.choices import Choice
from mixer_viz.ui.jobs import job_table


def downloads(choice: Choice, target: Target, shown: list[Shown], look: Look) -> None:
    """The maps as a figure with captions, their values, and the quality table; each is made when it is asked for."""
    table = job_table()  # the makers run outside of the page, where there is no session
    exports.download_row(
        "attributions",
        lambda: _figure(choice, target, shown, look),
        lambda: _arrays(choice, target, shown),
        lambda: exports.csv_bytes(
            *formulas_trust.quality_rows(known_quality(table, choice, target, shown), _about(choice, target))
        ),
    )


def _about(choice: Choice, target: Target) -> dict[str, str]:
    """What all maps have in common, in names."""
    return {
        "model": choice.model.title,
        "picture": choice.picture.title,
        "class": target.name,
        "against_class": target.against_name,
    }


def _figure(choice: Choice, target: Target, shown: list[Shown], look: Look) -> Figure:
    return draw_attributions(
        cached.crop_of(choice),
        map_pictures(choice.model.config, shown, look.pixels),
        [formulas_attribution.print_caption(each.result) for each in shown],
        grid_size=choice.model.config.grid_size,
        shared=look.shared,
        positive=look.positive,
        opacity=look.opacity,
        caption=f"What speaks for and against the {target.score_name}. {choice.model.title}, "
        f"picture: {choice.picture.title}",
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
            json.dumps(_about(choice, target) | formulas_attribution.settings_of(result))
        )
    return arrays
