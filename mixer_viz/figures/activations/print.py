"""The activations page as one figure for print."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from mixer_viz.figures.common import short_name
from mixer_viz.figures.theme import LINES, NEUTRAL, SCALES
from mixer_viz.figures.wrapping import filled
from mixer_viz.language import shown, tr

_LONGEST = 40  # letters of a class name


def draw_activations(
    crop: np.ndarray,
    names: Sequence[str],
    norms: np.ndarray,
    probabilities: Mapping[str, np.ndarray],
    parts: np.ndarray,
    target: str,
    caption: str,
) -> Figure:
    """Crop, token lengths (T, grid, grid) at every layer, answers at depth (T,) per class, and logit parts (T,).

    `names` of the layers are noted; those of classes and the caption are said already.
    """
    figure = Figure(figsize=(11, 8), layout="constrained")
    top, bottom = np.asarray(figure.subfigures(2, 1, height_ratios=(1, 1.15)))
    columns = (len(names) + 1) // 2
    cells = np.asarray(top.subplots(2, columns + 1, squeeze=False))
    for axes in cells.flat:
        axes.set_axis_off()
    cells[0, 0].imshow(crop)
    cells[0, 0].set_title(tr("picture"), fontsize=7)
    scale = SCALES["norm"]
    low, high = scale.limits(norms)
    for index, name in enumerate(names):
        # The embedding stands alone, then token mixing above channel mixing.
        axes = cells[0, 1] if index == 0 else cells[(index - 1) % 2, (index + 1) // 2 + 1]
        drawn = axes.imshow(norms[index], cmap=scale.colour_map, vmin=low, vmax=high, interpolation="nearest")
        said = shown(name)
        axes.set_title(re.sub(r"(?<=\d) ", "\n", said) if index else said, fontsize=6)
    top.colorbar(drawn, ax=cells.ravel().tolist(), label=tr(scale.quantity), shrink=0.7)
    answers, writers = bottom.subplots(1, 2)
    layers = np.arange(len(names))
    for values, (colour, dash, _) in zip(probabilities.values(), LINES, strict=False):
        style = {"solid": "-", "dash": "--", "dot": ":"}.get(dash, "-.")
        answers.plot(layers, 100 * values, style, color=colour)
    answers.set(title=tr("Answer at every layer"), xlabel=tr("layer"), ylabel=tr("probability, %"))
    # Named here: matplotlib leaves out labels that begin with "_", and a long one would push the axes off the paper.
    labels = [short_name(name, _LONGEST) for name in probabilities]
    legend = answers.legend(answers.get_lines(), labels, fontsize=7)
    for text in legend.get_texts():
        text.set_parse_math(False)
    writers.bar(layers, parts, color=NEUTRAL)
    writers.axhline(0, color="black", linewidth=0.5)
    writers.set(xlabel=tr("layer"), ylabel=tr("logits"))
    writers.set_title(tr("Parts of the logit of {name}", name=short_name(target, _LONGEST)), parse_math=False)
    figure.supxlabel(filled(caption, 140), fontsize=8, parse_math=False)
    return figure
