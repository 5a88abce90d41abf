"""The film of a bundled model: its token-mixing weights and filters at every moment of its training that was kept."""

from __future__ import annotations

import dataclasses

import numpy as np
import streamlit as st

from mixer_viz.analysis.spectrum import mean_radial_frequency, white_noise_frequency
from mixer_viz.analysis.token_mixing.opposing_pairs import OPPOSING_COSINE, best_opposing_cosine, unit_rows
from mixer_viz.analysis.token_mixing.weights import unit_order
from mixer_viz.checkpoints import snapshots
from mixer_viz.figures.film import film_chart
from mixer_viz.figures.grid import Grid
from mixer_viz.figures.token_mixing.maps import AtlasPart, atlas_grid
from mixer_viz.language import mark, shown, tr
from mixer_viz.texts import learning as texts
from mixer_viz.ui.choices import Choice, ChosenModel
from mixer_viz.ui.compute.caching import kept
from mixer_viz.ui.grid_panel import show_chart, show_grids
from mixer_viz.ui.learning.film_answers import show_answers
from mixer_viz.ui.learning.pictures import ATLAS_WIDTH, filters_at, unit_captions
from mixer_viz.ui.token_mixing import results
from mixer_viz.ui.widgets.links import begin_field, end_field, one_of
from mixer_viz.ui.widgets.selection import link_names, option_buttons, pick_one

SECONDS = 0.9  # for each moment while it plays
_MOMENT, _BESIDE, _PLAY = "film_moment", "film_beside", "film_play"
_SCALES = (mark("Each unit"), mark("All moments"))


@dataclasses.dataclass(frozen=True)
class Film:
    """What was measured of one block at every moment, T of them."""

    labels: tuple[str, ...]
    accuracy: np.ndarray  # (T,) percent, nan where none was measured
    frequency: np.ndarray  # (T,) mean radial frequency over white noise
    opposed: np.ndarray  # (T,) share of units with an opposing unit
    peak: float  # largest weight of W1 at any moment


@kept("result", mark("Reading the moments of the training …"))
def film_of(model: ChosenModel, block: int) -> Film:
    """Measures of one block of a bundled model through its training; no labels where no moments were kept."""
    kept_moments = snapshots.snapshots_of(model.key)
    blocks = [results.snapshot_weights(model.key, moment.label)[block] for moment in kept_moments]
    maps = [unit_rows(each.w1.astype(np.float64)).reshape(-1, *each.grid) for each in blocks]
    accuracy = [np.nan if moment.accuracy is None else moment.accuracy for moment in kept_moments]
    return Film(
        tuple(moment.label for moment in kept_moments),
        np.array(accuracy, dtype=float),
        np.array([mean_radial_frequency(each).mean() / white_noise_frequency(*each.shape[1:]) for each in maps]),
        np.array([np.mean(best_opposing_cosine(each.w1) <= OPPOSING_COSINE) for each in blocks]),
        max((float(np.abs(each.w1).max()) for each in blocks), default=0.0),
    )


@kept("result", mark("Reading the filters …"))
def stem_at(model: ChosenModel, label: str) -> np.ndarray | None:
    """The patch-embedding filters (C, P, P, 3) at a moment; None where they were not kept."""
    moment = next(item for item in snapshots.snapshots_of(model.key) if item.label == label)
    stem = snapshots.read_snapshot(moment).get("stem.weight")
    return None if stem is None else stem.transpose(0, 2, 3, 1)


def play_button() -> bool:
    """Whether the film plays."""
    return st.toggle(tr("Play"), key=_PLAY)


def show_film(choice: Choice, block: int, playing: bool) -> None:
    """One moment beside another: atlas, filters, what it says of the picture, and the curves with both marked."""
    model = choice.model
    film = film_of(model, block)
    if len(film.labels) < 2:
        st.info(tr(texts.NO_FILM))
        return
    last, names = film.labels[-1], link_names(film.labels)
    begin_field(_MOMENT, film.labels[0], one_of(names))
    if st.session_state.get(_MOMENT) not in film.labels:
        st.session_state[_MOMENT] = film.labels[0]
    elif playing:
        place = film.labels.index(st.session_state[_MOMENT])
        st.session_state[_MOMENT] = film.labels[(place + 1) % len(film.labels)]
    left, right = st.columns(2, gap="medium")
    with left:
        moment: str = st.select_slider(tr("Moment"), film.labels, format_func=shown, key=_MOMENT)
        end_field(_MOMENT, moment, None if moment == film.labels[0] else names[moment], names[moment])
    with right:
        beside = pick_one(tr("Beside it"), names, _BESIDE, last)
    both = (moment, beside if beside in film.labels else last)
    marked = sorted({film.labels.index(label) for label in both})
    said = [shown(label) for label in film.labels]
    figure = film_chart(said, film.accuracy, film.frequency, film.opposed, marked)
    alt = texts.film_in_words(said, film.accuracy.tolist(), film.frequency.tolist())
    show_chart(figure, key="film_curves", alt=alt)
    limit = film.peak if option_buttons(tr("One colour scale for"), _SCALES, "film_scale") == _SCALES[1] else None
    order = unit_order(results.units_of(model, block), "pairs")
    show_grids(
        [_atlas(model, label, block, order, limit) for label in both], key="film_atlas", marks="unit", layout="pair"
    )
    stems = [(label, stem) for label in both if (stem := stem_at(model, label)) is not None]
    if stems:
        show_grids([filters_at(stem, shown(label)) for label, stem in stems], key="film_filters", layout="pair")
    st.caption(tr(texts.FILM))
    show_answers(choice, film.labels, both)


def _atlas(model: ChosenModel, label: str, block: int, order: np.ndarray, limit: float | None) -> Grid:
    weights = results.snapshot_weights(model.key, label)[block]
    maps = weights.w1.reshape(-1, *weights.grid)
    frequency = mean_radial_frequency(maps)
    title = tr("W₁ of block {block}, {moment}", block=block + 1, moment=label)
    return atlas_grid(AtlasPart(title, "W₁", maps, order, unit_captions(frequency), limit), ATLAS_WIDTH)
