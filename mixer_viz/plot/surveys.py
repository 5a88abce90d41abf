"""Pictures of a survey: one unit on many pictures, and the answer at every block."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from matplotlib.figure import Figure

from mixer_viz.analysis.arrays import to_array
from mixer_viz.analysis.token_mixing.objective import Objective, unit_map
from mixer_viz.figures.activations.charts import layer_lines
from mixer_viz.figures.print_grids import draw_grids
from mixer_viz.figures.token_mixing import survey as figures
from mixer_viz.images import normalise
from mixer_viz.language import noted, tr
from mixer_viz.model import MlpMixer
from mixer_viz.survey.output import Survey
from mixer_viz.survey.run import weights_hash


def unit_histogram(survey: Survey, block: int, unit: int, value: float | None = None) -> go.Figure:
    """Activations of one hidden unit of token mixing over the sampled pictures; `value`, or the mean, is marked."""
    row = _row(survey, block, unit)
    marked = float(survey.units("token_units", "mean")[row]) if value is None else value
    return figures.histogram_chart(survey.units("token_units", "sample")[:, row].astype(np.float64), marked)


def unit_classes(survey: Survey, block: int, unit: int) -> go.Figure:
    """Mean activation of one hidden unit of token mixing in each class; ValueError for a survey without classes."""
    row = _row(survey, block, unit)
    if "token_units.class_mean" not in survey.arrays:
        raise ValueError("this survey has too many classes for a table of them")
    means = survey.units("token_units", "class_mean")[row]
    names = survey.about["config"]["class_names"] or [tr("class {index}", index=index) for index in range(len(means))]
    return figures.class_chart(means, names, float(survey.units("token_units", "mean")[row]))


def logit_lens(survey: Survey) -> go.Figure:
    """Share of pictures whose answer, read by the head after each block, is the final one already, and is right."""
    images = max(1, survey.images)
    stages = len(survey.arrays["logit_lens.as_final"])
    lines = {tr("as the final answer"): survey.arrays["logit_lens.as_final"] / images}
    if survey.accuracy is not None:
        labels, answers = survey.arrays["predictions.labels"], survey.arrays["predictions.answers"]
        # An empty value keeps the message apart from the direction of that name.
        lines[tr("right{answers}", answers="")] = survey.arrays["logit_lens.right"] / int(
            ((labels >= 0) & (answers >= 0)).sum()
        )
    names = [noted("embedding"), *(noted("block {block}", block=number) for number in range(1, stages))]
    return layer_lines(lines, names, stages - 1, title=tr("share of the pictures"), percent=True)


def unit_pictures(survey: Survey, model: MlpMixer, block: int, unit: int, most: int = 6) -> Figure:
    """The pictures that drive a hidden unit of token mixing most, of those that the survey kept, with the unit's map.

    Raises ValueError when the survey is of another network than `model`, or kept none of them.
    """
    row = _row(survey, block, unit)
    if not survey.fits(model.config) or survey.weights not in (None, weights_hash(model)):
        raise ValueError("this survey is of another network")
    place = {number: at for at, number in enumerate(survey.arrays["pictures.numbers"].tolist())}
    ranked = zip(
        survey.units("token_units", "top_pictures")[row].tolist(),
        survey.units("token_units", "top")[row].tolist(),
        strict=True,
    )
    chosen = [(place[number], value) for number, value in ranked if number in place][:most]
    if not chosen:
        raise ValueError(f"this survey kept none of the pictures that drive unit {unit} of block {block} most")
    crops = survey.arrays["pictures.crops"][[at for at, _ in chosen]]
    pixels = normalise(crops, model.config).to(model.stem.weight.device)
    maps = to_array(unit_map(model, pixels, Objective(kind="token unit", index=unit, place=block)))
    titles = [str(survey.about["files"][at]).rsplit("/", 1)[-1] for at, _ in chosen]
    notes = [tr("activation {value:.3g}", value=value) for _, value in chosen]
    return draw_grids(figures.mapped_pictures(crops, maps, titles, notes))


def _row(survey: Survey, block: int, unit: int) -> int:
    config = survey.about["config"]
    blocks, units = int(config["num_blocks"]), int(config["tokens_mlp_dim"])
    if not (0 <= block < blocks and 0 <= unit < units):
        raise ValueError(f"there is no unit {unit} in block {block}: {blocks} blocks of {units} units")
    return block * units + unit
