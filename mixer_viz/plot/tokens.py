"""More pictures of Overview and Patch tokenization: the answer, every stage, patches, filters."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import torch
from matplotlib.figure import Figure
from PIL import Image

from mixer_viz.analysis.overview import overview_of
from mixer_viz.analysis.patches import FilterOrder, filter_order, filters_of, reconstruct, tokenize
from mixer_viz.analysis.ranges import check_token
from mixer_viz.figures import common
from mixer_viz.figures import patches as figures
from mixer_viz.figures.overview import top_classes_chart
from mixer_viz.figures.photo import photo_grid, photo_with_crop
from mixer_viz.figures.print_grids import draw_grids
from mixer_viz.images import crop_box, pixels_to_image, preprocess
from mixer_viz.language import tr
from mixer_viz.model import MlpMixer, trace
from mixer_viz.model.costs import patch_size_options
from mixer_viz.model.trace import stages_of
from mixer_viz.plot.pictures import class_name, crop_of


def photo(model: MlpMixer, image: Image.Image) -> Figure:
    """The whole photo with the part that the network sees marked, and that part cut into patches."""
    preview = photo_with_crop(image, crop_box(image.size, model.config))
    config = model.config
    return draw_grids(
        [
            photo_grid(preview, image.size, config.image_shape),
            common.patch_grid(crop_of(model, image), config.grid_shape),
        ]
    )


def answer(model: MlpMixer, image: Image.Image, top: int = 5) -> go.Figure:
    """The most probable classes as bars."""
    found = overview_of(trace(model, preprocess(image, model)), top)
    names = [class_name(model, index) for index in found.top_classes.tolist()]
    return top_classes_chart(names, found.top_probabilities)


def stages(model: MlpMixer, image: Image.Image, *, lengths: bool = False) -> Figure:
    """The tokens at every stage as small maps: colours of likeness, or the lengths of the tokens."""
    found = overview_of(trace(model, preprocess(image, model)))
    names = [stage.name for stage in stages_of(model.config)]
    labels = [common.stage_label(name, ratio) for name, ratio in zip(names, found.branch_ratio, strict=True)]
    return draw_grids(common.stage_grids(labels, names, found.token_norm, None if lengths else found.colours))


def pooled(model: MlpMixer, image: Image.Image) -> Figure:
    """The mean of all tokens after the last LayerNorm, which the head reads."""
    vector = overview_of(trace(model, preprocess(image, model))).pooled
    strip = common.vector_strip(vector, title=tr("Pooled vector"), shape=f"C = {vector.size}", scale="pooled")
    return draw_grids([strip])


def patch_vector(model: MlpMixer, image: Image.Image, token: int) -> Figure:
    """One patch as the vector that the embedding reads, and the token that it becomes."""
    config = model.config
    check_token(config, token)
    found = tokenize(model, preprocess(image, model))
    row, column = (number * config.patch_size for number in divmod(token, config.grid_shape[1]))
    cell = crop_of(model, image)[row : row + config.patch_size, column : column + config.patch_size]
    embedding = common.vector_strip(
        found.embedding[token],
        title=tr("Token {token}, its embedding", token=token),
        shape=f"C = {config.embed_dim}",
        scale="embedding",
    )
    return draw_grids([figures.patch_vector(found.patches[token], cell, token), embedding], down=True)


def filters(model: MlpMixer, order: FilterOrder = "frequency") -> Figure:
    """The learned patch-embedding filters; ValueError for the order by response, which needs a patch."""
    found = filters_of(model)
    return draw_grids([figures.filter_grid(found.values, filter_order(found, order), found.norm, found.frequency)])


def rebuilt(model: MlpMixer, image: Image.Image) -> Figure:
    """The picture beside what can be rebuilt of it from its tokens."""
    found = reconstruct(model, preprocess(image, model))
    picture: np.ndarray = pixels_to_image(torch.from_numpy(found.pixels)[None], model.config)[0]
    crop = common.patch_grid(crop_of(model, image), model.config.grid_shape, title=tr("The crop"), width=218)
    return draw_grids([crop, figures.rebuilt_grid(picture, found.patch_error, found.error)])


def patch_sizes(model: MlpMixer) -> go.Figure:
    """What other patch sizes would cost in parameters of token mixing."""
    options = patch_size_options(model.config)
    return figures.patch_size_chart(
        [option.patch_size for option in options],
        [option.num_patches for option in options],
        [option.token_mixing_parameters for option in options],
        model.config.patch_size,
    )
