"""The pictures of the page on attributions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from matplotlib.figure import Figure
from PIL import Image

from mixer_viz.analysis.arrays import probabilities
from mixer_viz.analysis.attribution.baselines import baseline_pixels
from mixer_viz.analysis.attribution.deletion import Curves, patch_order, random_orders
from mixer_viz.analysis.attribution.masking import logits_without_many
from mixer_viz.analysis.attribution.metrics import agreement as rank_agreement
from mixer_viz.analysis.attribution.result import Attribution
from mixer_viz.figures.attribution.charts import CurveSet, answers_chart, curves_chart
from mixer_viz.figures.attribution.maps import MapPicture, agreement_grid, removed_grid, without_patches
from mixer_viz.figures.attribution.print import draw_attributions
from mixer_viz.figures.print_grids import draw_grids
from mixer_viz.images import pixels_to_image, preprocess
from mixer_viz.language import tr
from mixer_viz.model import MlpMixer
from mixer_viz.plot.pictures import class_name, crop_of

_TOP = 5


def attribution(
    results: Attribution | Sequence[Attribution], image: Image.Image, model: MlpMixer, *, positive: bool = False
) -> Figure:
    """The picture and one to four maps of it, with their sums.

    Args:
        positive: colours for positive values alone.
    Raises ValueError for no or too many maps.
    """
    several = [results] if isinstance(results, Attribution) else list(results)
    maps = [
        MapPicture(
            each.method.replace("_", " "),
            tr("sum {total:+.3g}", total=each.total),
            each.patch_map.reshape(model.config.grid_shape),
            each.in_logits,
        )
        for each in several
    ]
    captions = [", ".join(f"{name} {value}" for name, value in each.parameters.items()) for each in several]
    about = ""
    if several:
        about = tr("What speaks for and against {name}", name=class_name(model, several[0].target))
    return draw_attributions(
        crop_of(model, image),
        maps,
        captions,
        grid_size=model.config.grid_shape,
        shared=False,
        positive=positive,
        caption=about,
    )


def curves(results: dict[str, Curves]) -> go.Figure:
    """Deletion and insertion curves of several maps by their names, beside those of random orders."""
    sets = [
        CurveSet(name, each.shares, each.deletion, each.insertion, each.random_deletion, each.random_insertion)
        for name, each in results.items()
    ]
    measure = next(iter(results.values())).measure if results else "probability"
    return curves_chart(sets, measure, None, percent=measure == "probability")


def without(result: Attribution, image: Image.Image, model: MlpMixer, count: int, *, baseline: str = "mean") -> Figure:
    """The picture without the first `count` patches of a map, and without as many at random."""
    crop, config = crop_of(model, image), model.config
    pixels = preprocess(image, model)
    gone = pixels_to_image(baseline_pixels(config, pixels, baseline), config)[0]
    method = result.method.replace("_", " ")
    sets = [
        (patch_order(result.patch_map)[:count], tr("Without {count} of the map", count=count), method),
        (random_orders(config.num_patches, 1, 0)[0, :count], tr("Without {count} at random", count=count), ""),
    ]
    grids = [
        removed_grid(
            without_patches(crop, gone, chosen.tolist(), config.grid_shape),
            config.grid_shape,
            title,
            note,
        )
        for chosen, title, note in sets
    ]
    return draw_grids(grids)


def answers_without(
    result: Attribution, image: Image.Image, model: MlpMixer, count: int, *, baseline: str = "mean", controls: int = 5
) -> go.Figure:
    """The best classes as it is, without the first `count` patches of a map, and without as many at random: passes."""
    pixels = preprocess(image, model)
    orders = random_orders(model.config.num_patches, controls, 0)[:, :count]
    sets = [[], patch_order(result.patch_map)[:count].tolist(), *orders.tolist()]
    found = probabilities(logits_without_many(model, pixels, sets, baseline=baseline))
    shown = np.argsort(-np.maximum(found[0], found[1]), kind="stable")[:_TOP]
    random = found[2:, shown]
    name = tr("{count} at random", count=count)
    series = {
        tr("as it is"): found[0, shown],
        tr("first {count}", count=count): found[1, shown],
        name: random.mean(axis=0),
    }
    ranges = {name: (random.min(axis=0), random.max(axis=0))}
    return answers_chart([class_name(model, index) for index in shown.tolist()], series, ranges)


def agreement(results: Sequence[Attribution]) -> Figure:
    """Rank correlations between the maps of several methods."""
    names = [each.method.replace("_", " ") for each in results]
    return draw_grids([agreement_grid(rank_agreement(results), names)])
