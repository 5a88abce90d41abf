"""Passes that are changed on the way, and the formula of token mixing in numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import plotly.graph_objects as go
import torch
from matplotlib.figure import Figure
from PIL import Image

from mixer_viz.analysis.activations.ablation import Ablation, logits_with
from mixer_viz.analysis.activations.formula import TokenMixingFormula, token_mixing_formula
from mixer_viz.analysis.activations.permutation import checked_order
from mixer_viz.analysis.arrays import probabilities
from mixer_viz.analysis.ranges import block_of
from mixer_viz.figures.activations import formula as figures
from mixer_viz.figures.activations.charts import each_alone_chart
from mixer_viz.figures.photo import shuffled_grid
from mixer_viz.figures.print_grids import draw_grids
from mixer_viz.images import preprocess
from mixer_viz.language import tr
from mixer_viz.model import MlpMixer, trace
from mixer_viz.model.trace import stages_of
from mixer_viz.plot.pictures import class_name, crop_of

_GELU_POINTS = 161


def switched_off(model: MlpMixer, image: Image.Image, target: int | None = None) -> go.Figure:
    """Change of a class's probability (the top class's) with each half-block alone switched off: a pass for each."""
    pixels = preprocess(image, model)
    before = probabilities(logits_with(model, pixels, []))
    stages = range(1, 1 + 2 * model.config.num_blocks)
    after = np.stack([probabilities(logits_with(model, pixels, Ablation("branch", stage))) for stage in stages])
    chosen = int(before.argmax()) if target is None else target
    names = [stage.name for stage in stages_of(model.config)][1:]
    answers = [class_name(model, index) for index in after.argmax(axis=1).tolist()]
    return each_alone_chart(100 * (after[:, chosen] - before[chosen]), names, answers, class_name(model, chosen))


def shuffled(model: MlpMixer, image: Image.Image, order: Sequence[int]) -> Figure:
    """The picture with patch order[s] at place s, as the network sees it; ValueError for what is no such order."""
    config, side = model.config, model.config.patch_size
    rows, columns = config.grid_shape
    chosen = checked_order(list(order), config.num_patches)
    cells = crop_of(model, image).reshape(rows, side, columns, side, 3).swapaxes(1, 2).reshape(-1, side, side, 3)
    return draw_grids([shuffled_grid(cells, chosen, grid=config.grid_shape)])


def terms(model: MlpMixer, image: Image.Image, block: int, token: int, channel: int, unit: int) -> Figure:
    """One hidden unit of token mixing term by term: values of the channel, weights, and their products."""
    found = _formula(model, image, block, token, channel, unit)
    grid = model.config.grid_shape
    return draw_grids(
        [
            figures.patch_map(found.normed.reshape(grid), title=tr("Value"), note="N[:, c]", scale="normed"),
            figures.patch_map(found.w1_row.reshape(grid), title=tr("× weight"), note=f"W₁[{unit}]", scale="reads"),
            figures.patch_map(
                found.products1.reshape(grid), title=tr("= product"), note=tr("to be summed"), scale="product"
            ),
        ]
    )


def hidden_terms(model: MlpMixer, image: Image.Image, block: int, token: int, channel: int) -> Figure:
    """One value that token mixing writes, term by term: hidden units, weights, and their products."""
    found = _formula(model, image, block, token, channel, 0)
    strips = [
        figures.unit_strip(found.hiddens, title=tr("Hidden units"), note=tr("after GELU"), scale="activation"),
        figures.unit_strip(found.w2_row, title=tr("× weight"), note=f"W₂[{token}]", scale="writes"),
        figures.unit_strip(found.products2, title=tr("= product"), note=tr("to be summed"), scale="product"),
    ]
    return draw_grids(strips, down=True)


def partial_sums(
    model: MlpMixer,
    image: Image.Image,
    block: int,
    token: int,
    channel: int,
    unit: int,
    step: Literal["patches", "units"] = "patches",
) -> go.Figure:
    """How the sum over patches that makes a hidden unit grows, or that over units which makes what is written."""
    found = _formula(model, image, block, token, channel, unit)
    if step == "patches":
        return figures.partial_sums_chart(found.products1, found.partial_sums1, found.b1, term="patch", bias_name="b₁")
    return figures.partial_sums_chart(
        found.products2, found.partial_sums2, found.b2, term="unit", bias_name="b₂", mark=unit
    )


def gelu(model: MlpMixer, image: Image.Image, block: int, token: int, channel: int, unit: int) -> go.Figure:
    """The GELU with all units of one channel on it."""
    found = _formula(model, image, block, token, channel, unit)
    reach = float(np.abs(found.preactivations).max()) * 1.1 + 0.5
    inputs = np.linspace(-reach, reach, _GELU_POINTS)
    with torch.no_grad():
        outputs = block_of(model, block).token_mixing.gelu(torch.from_numpy(inputs)).numpy()
    return figures.gelu_chart(inputs, outputs, found.preactivations, found.hiddens, unit)


def _formula(
    model: MlpMixer, image: Image.Image, block: int, token: int, channel: int, unit: int
) -> TokenMixingFormula:
    return token_mixing_formula(model, trace(model, preprocess(image, model)), block, token, channel, unit)
