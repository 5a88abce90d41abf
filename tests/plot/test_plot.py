"""Every plot of `mv.plot` draws, with the values that it is given."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from matplotlib.figure import Figure
from PIL import Image

import mixer_viz as mv
from mixer_viz.analysis.activations.ablation import Ablation, logits_with
from mixer_viz.analysis.activations.logit_attribution import logit_attribution
from mixer_viz.analysis.activations.logit_lens import logit_lens
from mixer_viz.analysis.arrays import probabilities
from mixer_viz.analysis.attribution.deletion import deletion_insertion, patch_order
from mixer_viz.analysis.attribution.masking import logits_without
from mixer_viz.analysis.token_mixing.weights import block_weights
from mixer_viz.figures.grid import Grid
from mixer_viz.figures.print_grids import draw_grids, grid_picture
from mixer_viz.figures.theme import SCALES, colourise
from mixer_viz.images import crop_image
from mixer_viz.images.samples import load_sample
from mixer_viz.model import MlpMixer
from mixer_viz.survey import cli
from mixer_viz.survey.output import Survey
from tests.survey.made_folders import write_pictures

Draw = Callable[[MlpMixer, Image.Image], Any]


@pytest.fixture(scope="module")
def model() -> MlpMixer:
    return mv.load_model("mixer_cifar10", device="cpu")


@pytest.fixture(scope="module")
def image() -> Image.Image:
    return load_sample("cat")


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> Survey:
    folder = tmp_path_factory.mktemp("plot")
    data = write_pictures(folder / "data", 6, side=32, classes=("cat", "dog"))
    given = ["--data", str(data), "--out", str(folder / "out"), "--closer", "0", "--device", "cpu"]
    assert cli.main(given) == 0
    return mv.read_survey(folder / "out")


DRAWN: dict[str, Draw] = {
    "overview": lambda model, image: mv.plot.overview(model, image),
    "patches": lambda model, image: mv.plot.patches(model, image, 9),
    "activations": lambda model, image: mv.plot.activations(model, image),
    "layer": lambda model, image: mv.plot.layer(model, image, 5, 4),
    "atlas": lambda model, _: mv.plot.atlas(model, 2, show="Both"),
    "unit": lambda model, _: mv.plot.unit(model, 2, 17),
    "preferred": lambda model, _: mv.plot.preferred(model, 3, 5),
    "listening": lambda model, image: mv.plot.listening(model, image, 36, 3),
    "receptive_field": lambda model, image: mv.plot.receptive_field(model, image, 36, 2),
    "depth": lambda model, _: mv.plot.depth(model, 2),
    "singular_values": lambda model, _: mv.plot.singular_values(model, 2),
    "distance": lambda model, _: mv.plot.distance(model, 2),
    "convolution": lambda model, _: mv.plot.convolution(model, 2),
    "convolution_meter": lambda model, _: mv.plot.convolution_meter(model, 2),
    "unit_activation": lambda model, image: mv.plot.unit_activation(model, image, 2, 17),
    "field_area": lambda model, image: mv.plot.field_area(model, image, 36),
    "photo": lambda model, image: mv.plot.photo(model, image),
    "answer": lambda model, image: mv.plot.answer(model, image),
    "stages": lambda model, image: mv.plot.stages(model, image),
    "lengths": lambda model, image: mv.plot.stages(model, image, lengths=True),
    "pooled": lambda model, image: mv.plot.pooled(model, image),
    "patch_vector": lambda model, image: mv.plot.patch_vector(model, image, 9),
    "filters": lambda model, _: mv.plot.filters(model, "norm"),
    "rebuilt": lambda model, image: mv.plot.rebuilt(model, image),
    "patch_sizes": lambda model, _: mv.plot.patch_sizes(model),
    "patch_by_layer": lambda model, image: mv.plot.patch_by_layer(model, image, 9),
    "channels": lambda model, image: mv.plot.channels(model, image, 4),
    "hidden": lambda model, image: mv.plot.hidden(model, image, 2, "channel"),
    "residual_stream": lambda model, image: mv.plot.residual_stream(model, image),
    "token_drift": lambda model, image: mv.plot.token_drift(model, image),
    "token_similarity": lambda model, image: mv.plot.token_similarity(model, image, 4),
    "layers_alike": lambda model, image: mv.plot.layers_alike(model, image),
    "class_maps": lambda model, image: mv.plot.class_maps(model, image, 3),
    "shuffled": lambda model, image: mv.plot.shuffled(model, image, list(range(63, -1, -1))),
    "terms": lambda model, image: mv.plot.terms(model, image, 2, 9, 5, 17),
    "hidden_terms": lambda model, image: mv.plot.hidden_terms(model, image, 2, 9, 5),
    "gelu": lambda model, image: mv.plot.gelu(model, image, 2, 9, 5, 17),
    "partial_sums": lambda model, image: mv.plot.partial_sums(model, image, 2, 9, 5, 17, "units"),
    "mixers_listening": lambda _, image: mv.plot.mixers_listening(image, 1, 9),
    "mixers_matrices": lambda _, image: mv.plot.mixers_matrices(image, 1, signed=True),
    "mixers_field": lambda _, image: mv.plot.mixers_field(image, "convolution", 9),
    "mixers_accuracy": lambda *_: mv.plot.mixers_accuracy(),
    "mixers_training": lambda *_: mv.plot.mixers_training(),
    "mixers_reordered": lambda *_: mv.plot.mixers_reordered(),
    "mixers_growth": lambda *_: mv.plot.mixers_growth((4, 8)),
    "film": lambda *_: mv.plot.film("mixer_cifar10", 2),
    "atlas_at": lambda *_: mv.plot.atlas_at("mixer_cifar10", 2, 0),
}


@pytest.mark.parametrize("name", DRAWN)
def test_it_draws(model: MlpMixer, image: Image.Image, name: str) -> None:
    figure = DRAWN[name](model, image)
    assert isinstance(figure, Figure | go.Figure)
    if isinstance(figure, Figure):
        assert any(axes.images for axes in figure.axes)
    else:
        assert figure.data


def test_attributions_and_curves(model: MlpMixer, image: Image.Image) -> None:
    pixels = mv.preprocess(image, model)
    found = [mv.attribute(model, pixels, 3, method) for method in ("input_x_gradient", "patch_logits")]
    figure = mv.plot.attribution(found, image, model)
    maps = [axes.images[1].get_array() for axes in figure.axes if len(axes.images) > 1]
    for drawn, result in zip(maps, found, strict=True):
        np.testing.assert_allclose(np.asarray(drawn).ravel(), result.patch_map, rtol=1e-5)
    curves = deletion_insertion(model, pixels, found[0].patch_map, 3, steps=2, controls=1)
    assert mv.plot.curves({"gradient": curves}).data
    with pytest.raises(ValueError, match="not between 1 and"):
        mv.plot.attribution(found * 3, image, model)


def test_charts_hold_what_the_analyses_find(model: MlpMixer, image: Image.Image) -> None:
    pixels = mv.preprocess(image, model)
    traced = mv.trace(model, pixels)
    target = int(traced.logits.argmax())
    parts = logit_attribution(model, traced, target).parts
    np.testing.assert_allclose(mv.plot.logit_parts(model, image, target).data[0].y, parts)
    lens = logit_lens(model, traced).probabilities[:, target]
    np.testing.assert_allclose(mv.plot.answer_by_layer(model, image).data[0].y, 100 * lens)
    changes = mv.plot.switched_off(model, image).data
    without = probabilities(logits_with(model, pixels, Ablation("branch", 1)))[target]
    before = probabilities(traced.logits[0].double().numpy())[target]
    assert changes[0].y[0] == pytest.approx(100 * (without - before), abs=1e-4)
    sums = mv.plot.partial_sums(model, image, 2, 9, 5, 17).data
    stored = float(mv.trace(model, pixels).blocks[2].tokens_preactivation[0, 5, 17])
    assert sums[1].y[-1] == pytest.approx(stored, abs=1e-4)
    with pytest.raises(ValueError, match="stage"):
        mv.plot.channels(model, image, 99)
    with pytest.raises(ValueError, match="no trained network"):
        mv.plot.mixers_field(image, "nothing", 9)
    with pytest.raises(ValueError, match="no moments"):
        mv.plot.film("nothing", 0)


def test_patches_deleted_and_methods_that_agree(model: MlpMixer, image: Image.Image) -> None:
    pixels = mv.preprocess(image, model)
    found = [mv.attribute(model, pixels, 3, method) for method in ("input_x_gradient", "patch_logits")]
    bars = mv.plot.answers_without(found[0], image, model, 8, controls=2).data
    order = patch_order(found[0].patch_map)[:8].tolist()
    wanted = probabilities(logits_without(model, pixels, order))
    names = list(model.config.class_names or ())
    assert list(bars[1].x) == pytest.approx([100 * wanted[names.index(name)] for name in bars[1].hovertext])
    pictures = [axes.images[0].get_array() for axes in mv.plot.without(found[0], image, model, 8).axes if axes.images]
    crop = np.asarray(crop_image(image, model.config))
    moved = (np.asarray(pictures[0]) != crop).any(axis=2).reshape(8, 4, 8, 4).any(axis=(1, 3)).ravel()
    assert set(np.flatnonzero(moved)) <= set(order)
    assert moved.sum() >= 7
    assert any(axes.images for axes in mv.plot.agreement(found).axes)


def test_maximised(model: MlpMixer) -> None:
    found = mv.maximise(model, mv.Objective(kind="token unit", place=0, index=1), starts=2, steps=2)
    figure = mv.plot.maximised(found)
    drawn = [axes.images[0].get_array() for axes in figure.axes if axes.images]
    for picture, wanted in zip(drawn, found.pictures, strict=True):
        np.testing.assert_array_equal(np.asarray(picture), wanted)


def test_surveys(survey: Survey) -> None:
    chart = mv.plot.unit_histogram(survey, 2, 17)
    assert sum(chart.data[0].y) == 6
    classes = mv.plot.unit_classes(survey, 2, 17).data[0]
    means = survey.units("token_units", "class_mean")[2 * 128 + 17]
    assert sorted(classes.y) == ["cat", "dog"]  # the only classes with pictures
    assert dict(zip(classes.y, classes.x, strict=True))["cat"] == pytest.approx(means[3])
    assert mv.plot.logit_lens(survey).data[0].y[-1] == 100
    row = 2 * 128 + 17
    titles = [axes.get_title() for axes in mv.plot.unit_pictures(survey, mv.load_model("mixer_cifar10"), 2, 17).axes]
    best = survey.units("token_units", "top")[row, 0]
    assert titles[0].endswith(f"activation {best:.3g}")
    with pytest.raises(ValueError, match="of another network"):
        mv.plot.unit_pictures(survey, mv.load_model("mixer_everyday"), 2, 17)
    with pytest.raises(ValueError, match="there is no unit 200"):
        mv.plot.unit_histogram(survey, 2, 200)


def test_everything_that_is_offered_is_drawn_here() -> None:
    tested = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in mv.plot.__all__ if f"mv.plot.{name}(" not in tested] == []


def test_a_grid_is_drawn_in_the_colours_of_the_page(model: MlpMixer) -> None:
    values = np.arange(-6, 6, dtype=float).reshape(3, 4)
    grid = Grid(title="a", rows=3, columns=4, description="", values=values, scale=SCALES["mixing"])
    picture, limits = grid_picture(grid)
    assert limits == (-6, 6)
    np.testing.assert_array_equal(picture, colourise(values, SCALES["mixing"], (-6, 6)))
    photo = np.full((6, 8, 3), 100, np.uint8)
    over = Grid(
        title="a", rows=3, columns=4, description="", values=values, scale=SCALES["mixing"], photo=photo, opacity=0.25
    )
    mixed, _ = grid_picture(over)
    assert mixed.shape == (6, 8, 3)
    np.testing.assert_allclose(mixed[::2, ::2].astype(float), 0.25 * picture + 75, atol=1)
    weights = block_weights(model, 0).w1[:3].reshape(3, 8, 8)
    tiles = Grid(
        title="a", rows=2, columns=2, count=3, tile=(8, 8), description="", values=weights, scale=SCALES["reads"]
    )
    drawn, none = grid_picture(tiles)
    assert none is None
    first = colourise(weights[1] / np.abs(weights[1]).max(), SCALES["reads"], (-1.0, 1.0))
    np.testing.assert_array_equal(drawn[:8, 10:18], first)
    assert (drawn[10:, 10:] == 255).all()  # the place of no unit
    assert isinstance(draw_grids([grid, over, tiles], caption="all"), Figure)
    with pytest.raises(ValueError, match="frame=3 is not one of the 1 frames"):
        grid_picture(grid, 3)
    with pytest.raises(ValueError, match="no grid to draw"):
        draw_grids([])
