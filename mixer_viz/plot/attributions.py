"""The pictures of the page on attributions."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
from matplotlib.figure import Figure
from PIL import Image

from mixer_viz.analysis.attribution.deletion import Curves
from mixer_viz.analysis.attribution.result import Attribution
from mixer_viz.figures.attribution.charts import CurveSet, curves_chart
from mixer_viz.figures.attribution.maps import MapPicture
from mixer_viz.figures.attribution.print import draw_attributions
from mixer_viz.model import MlpMixer
from mixer_viz.plot.pictures import class_name, crop_of


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
            f"sum {each.total:+.3g}",
            each.patch_map.reshape(model.config.grid_shape),
            each.in_logits,
        )
        for each in several
    ]
    captions = [", ".join(f"{name} {value}" for name, value in each.parameters.items()) for each in several]
    about = f"What speaks for and against {class_name(model, several[0].target)}" if several else ""
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
