"""The pictures of Overview, Patch tokenization, and Activations."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from mixer_viz.analysis.activations.logit_attribution import logit_attribution
from mixer_viz.analysis.activations.logit_lens import logit_lens
from mixer_viz.analysis.overview import overview_of
from mixer_viz.analysis.patches import filter_order, filters_of, tokenize
from mixer_viz.figures import common
from mixer_viz.figures import patches as patch_figures
from mixer_viz.figures.activations.maps import enlarged
from mixer_viz.figures.activations.print import draw_activations
from mixer_viz.figures.overview import draw_overview
from mixer_viz.figures.print_grids import draw_grids
from mixer_viz.images import preprocess
from mixer_viz.model import MlpMixer, trace
from mixer_viz.model.trace import stages_of, streams_of
from mixer_viz.plot.pictures import class_name, crop_of

_NUM_CLASSES = 5


def overview(model: MlpMixer, image: Image.Image) -> Figure:
    """The way of one picture: crop, token matrix, the tokens at every stage, the most probable classes."""
    found = overview_of(trace(model, preprocess(image, model)))
    names = [stage.name for stage in stages_of(model.config)]
    labels = [common.stage_label(name, ratio) for name, ratio in zip(names, found.branch_ratio, strict=True)]
    classes = [class_name(model, index) for index in found.top_classes.tolist()]
    return draw_overview(
        crop_of(model, image), found.embedding, labels, found.colours, classes, found.top_probabilities, ""
    )


def patches(model: MlpMixer, image: Image.Image, token: int) -> Figure:
    """One patch, how alike it is to all others, the token matrix and the learned filters."""
    crop, side = crop_of(model, image), model.config.patch_size
    found, filters = tokenize(model, preprocess(image, model)), filters_of(model)
    if not 0 <= token < model.config.num_patches:
        raise ValueError(f"token={token} is not between 0 and {model.config.num_patches - 1}")
    row, column = divmod(token, model.config.grid_shape[1])
    patch = crop[row * side : (row + 1) * side, column * side : (column + 1) * side]
    tiles = patch_figures.tile_filters(filters.values, filter_order(filters, "frequency"), 16)
    return patch_figures.draw_patches(crop, patch, found.similarity[token], found.embedding, tiles, token, "")


def activations(model: MlpMixer, image: Image.Image, target: int | None = None) -> Figure:
    """Token lengths at every layer, the answer at every layer, and who wrote the logit of `target` (the top class)."""
    traced = trace(model, preprocess(image, model))
    lens = logit_lens(model, traced)
    chosen = int(lens.logits[-1].argmax()) if target is None else target
    best = np.argsort(-lens.probabilities[-1], kind="stable")[:_NUM_CLASSES].tolist()
    return draw_activations(
        crop_of(model, image),
        [stage.name for stage in stages_of(model.config)],
        overview_of(traced).token_norm,
        {class_name(model, index): lens.probabilities[:, index] for index in best},
        logit_attribution(model, traced, chosen).parts,
        class_name(model, chosen),
        "",
    )


def layer(model: MlpMixer, image: Image.Image, channel: int, stage: int = -1) -> Figure:
    """One channel of every token at one stage (0, the embedding, to 2 L) over the picture."""
    streams = streams_of(trace(model, preprocess(image, model)))
    if not 0 <= channel < model.config.embed_dim:
        raise ValueError(f"channel={channel} is not between 0 and {model.config.embed_dim - 1}")
    values = np.stack([tokens[0, :, channel].cpu().numpy() for tokens in streams])
    return draw_grids([enlarged(crop_of(model, image), values, "channel")], frame=stage)
