"""The pictures of "Token mixers compared" and of the film of a training: the networks that come with the project."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from mixer_viz.analysis.comparison.costs import cost_growth
from mixer_viz.analysis.comparison.token_jacobian import metaformer_jacobian
from mixer_viz.analysis.receptive_field import SHARES, metaformer_receptive_field
from mixer_viz.analysis.spectrum import mean_radial_frequency, white_noise_frequency
from mixer_viz.analysis.token_mixing.opposing_pairs import OPPOSING_COSINE, best_opposing_cosine, unit_rows
from mixer_viz.analysis.token_mixing.weights import grid_of, unit_order, units_of, weights_from_tensors
from mixer_viz.checkpoints.metaformer import load_metaformer
from mixer_viz.checkpoints.metaformer_runs import MetaFormerRun, metaformer_runs, place_of
from mixer_viz.checkpoints.snapshots import read_snapshot, snapshots_of
from mixer_viz.figures.comparison import maps
from mixer_viz.figures.comparison.accuracy import Trained, accuracy_chart
from mixer_viz.figures.comparison.curves import Curve, permutation_chart, training_curves
from mixer_viz.figures.comparison.growth import Growth, growth_chart
from mixer_viz.figures.film import film_chart
from mixer_viz.figures.print_grids import draw_grids
from mixer_viz.figures.token_mixing.maps import AtlasPart
from mixer_viz.figures.token_mixing.print import draw_atlas
from mixer_viz.images import crop_image, normalise
from mixer_viz.language import shown, tr
from mixer_viz.model import TOKEN_MIXERS, MetaFormer

GRIDS = (4, 7, 8, 14, 16, 28, 32)  # patches along a side
_HALF = SHARES.index(0.5)


def mixers_listening(image: Image.Image, block: int, token: int, *, signed: bool = False) -> Figure:
    """Who one patch listens to in a block of every network of the comparison, on one scale."""
    networks = _networks()
    found = [metaformer_jacobian(network, _pixels(image, network), block) for network in networks.values()]
    rows = [(each.same_channel if signed else each.share)[token] for each in found]
    return draw_grids(maps.jacobian_grids(_crop(image, networks), list(networks), rows, token, signed=signed))


def mixers_matrices(image: Image.Image, block: int, *, signed: bool = False) -> Figure:
    """Who listens to whom in a block of every network of the comparison, (S, S) each, on one scale."""
    networks = _networks()
    found = [metaformer_jacobian(network, _pixels(image, network), block) for network in networks.values()]
    matrices = [each.same_channel if signed else each.share for each in found]
    limits = maps.shared_limits(matrices, signed=signed)
    return draw_grids(maps.matrix_grids(list(networks), matrices, limits=limits, signed=signed))


def mixers_field(image: Image.Image, token_mixer: str, token: int) -> Figure:
    """How far back into the picture one patch of a network of the comparison reaches, block by block.

    Raises ValueError for a token mixer without a network.
    """
    networks = {name: network for name, network in _networks().items() if _title(token_mixer) == name}
    if not networks:
        raise ValueError(f"there is no trained network with the token mixer {token_mixer!r}")
    ((name, network),) = networks.items()
    field = metaformer_receptive_field(network, _pixels(image, network), token)
    grid = network.config.grid_size
    tiles = field.maps[1:].reshape(-1, grid, grid)  # without the embedding, which is the patch itself
    return draw_grids(maps.field_grids(_crop(image, networks), name, tiles, field.area[1:, _HALF]))


def mixers_accuracy() -> go.Figure:
    """Accuracy of the networks of the comparison against their multiply-adds."""
    runs = _plain_runs()
    found = []
    for name in dict.fromkeys(run.token_mixer for run in runs):
        mine = [run for run in runs if run.token_mixer == name]
        accuracies = np.array([run.accuracy for run in mine])
        found.append(Trained(tr(TOKEN_MIXERS[name].title), place_of(name), mine[0].multiply_adds, accuracies))
    return accuracy_chart(found, tr("multiply-adds per image"))


def mixers_training() -> go.Figure:
    """Accuracy after each epoch of the networks of the comparison."""
    return training_curves([_curve(run, "") for run in _plain_runs()])


def mixers_reordered() -> go.Figure:
    """The same of the networks that were trained on reordered pictures as well, in every order."""
    runs = metaformer_runs()
    reordered = {run.token_mixer for run in runs if run.permutation != "none"}
    return permutation_chart([_curve(run, run.permutation) for run in runs if run.token_mixer in reordered])


def mixers_growth(grids: Sequence[int] = GRIDS) -> go.Figure:
    """Multiply-adds of token mixing per token as the number of patches grows, counted."""
    config = dataclasses.replace(next(iter(_networks().values())).metaformer_config, token_mixer="mlp")
    series = []
    for curve in cost_growth(config, grids):
        grows = curve.hidden_width == "grows"
        place = len(TOKEN_MIXERS) if grows else place_of(curve.token_mixer)
        name = tr(TOKEN_MIXERS[curve.token_mixer].title)
        if curve.hidden_width is not None:
            name = tr("{mixer}, D_S grows with S", mixer=name) if grows else tr("{mixer}, D_S kept", mixer=name)
        series.append(Growth(name, place, curve.tokens, curve.multiply_adds_per_token))
    return growth_chart(series, tr("multiply-adds per token"))


def film(model_name: str, block: int) -> go.Figure:
    """Accuracy, frequency and opposing units of one block at every moment of a bundled model's training.

    Raises ValueError for a model without moments.
    """
    moments = snapshots_of(model_name)
    if not moments:
        raise ValueError(f"there are no moments of the training of {model_name!r}")
    weights = [read_snapshot(moment)[f"blocks.{block}.token_mixing.fc1.weight"] for moment in moments]
    rows = [unit_rows(w1.astype(np.float64)).reshape(len(w1), *grid_of(w1.shape[1])) for w1 in weights]
    accuracy = np.array([np.nan if moment.accuracy is None else moment.accuracy for moment in moments], dtype=float)
    frequency = [mean_radial_frequency(each).mean() / white_noise_frequency(*each.shape[1:]) for each in rows]
    opposed = [np.mean(best_opposing_cosine(w1) <= OPPOSING_COSINE) for w1 in weights]
    labels = [shown(moment.label) for moment in moments]
    return film_chart(labels, accuracy, np.array(frequency), np.array(opposed), [])


def atlas_at(model_name: str, block: int, moment: int) -> Figure:
    """All hidden units of one block at a moment of a bundled model's training (0, the first, to -1, the last)."""
    chosen = snapshots_of(model_name)[moment]
    tensors = read_snapshot(chosen)
    weights = weights_from_tensors(tensors, grid_of(tensors["blocks.0.token_mixing.fc2.bias"].size))[block]
    units = [tr("unit {unit}", unit=number) for number in range(len(weights.w1))]
    rows, order = weights.w1.reshape(-1, *weights.grid), unit_order(units_of(weights), "pairs")
    part = AtlasPart(tr("W₁, {moment}", moment=chosen.label), "W₁", rows, order, units, None)
    caption = tr(
        "Hidden units of token mixing, block {block} of {model}, {moment}.",
        block=block + 1,
        model=model_name,
        moment=chosen.label,
    )
    return draw_atlas([part], caption)


def _plain_runs() -> list[MetaFormerRun]:
    return [run for run in metaformer_runs() if run.permutation == "none"]


def _networks() -> dict[str, MetaFormer]:
    """The bundled networks of the comparison by their titles, in the order of the page."""
    runs = sorted((run for run in _plain_runs() if run.path is not None), key=lambda run: place_of(run.token_mixer))
    return {tr(TOKEN_MIXERS[run.token_mixer].title): load_metaformer(run.path) for run in runs if run.path is not None}


def _title(token_mixer: str) -> str:
    return next((tr(row.title) for name, row in TOKEN_MIXERS.items() if name == token_mixer), "")


def _crop(image: Image.Image, networks: dict[str, MetaFormer]) -> np.ndarray:
    return np.asarray(crop_image(image, next(iter(networks.values())).config))


def _pixels(image: Image.Image, network: MetaFormer) -> Tensor:
    """The normalised crop of a picture, (1, 3, H, W), on the network's device."""
    crop = np.asarray(crop_image(image, network.config))
    return normalise(crop, network.config).to(network.stem.weight.device)


def _curve(run: MetaFormerRun, order: str) -> Curve:
    place = place_of(run.token_mixer)
    return Curve(tr(TOKEN_MIXERS[run.token_mixer].title), place, np.array(run.accuracies), run.seed, order)
