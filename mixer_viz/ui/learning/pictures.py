"""What a training looks like at one moment."""

from __future__ import annotations

import numpy as np
import streamlit as st

from mixer_viz.analysis.spectrum import mean_radial_frequency
from mixer_viz.figures.grid import Grid
from mixer_viz.figures.learning import learning_chart
from mixer_viz.figures.patches import filter_grid
from mixer_viz.figures.token_mixing.maps import AtlasPart, atlas_grid, unit_map
from mixer_viz.language import mark, tr
from mixer_viz.texts import learning as texts
from mixer_viz.texts.from_files import visible
from mixer_viz.texts.names.classes import class_in_words
from mixer_viz.training.data.pictures import Pictures
from mixer_viz.ui.grid_panel import show_chart, show_grids
from mixer_viz.ui.learning.data import shown_classes
from mixer_viz.ui.learning.run import LiveRun
from mixer_viz.ui.learning.status import Frame, Status
from mixer_viz.ui.widgets.selection import option_buttons

ATLAS_WIDTH = 450
_ENLARGED = 3
_PICTURE_WIDTH = 100  # CSS pixels
_SCALES = (mark("Each unit"), mark("Both moments"))


def curves(status: Status, task: Pictures) -> None:
    """Accuracy and loss so far."""
    measured = [each for each in status.trained if not np.isnan(each.accuracy)]
    figure = learning_chart(
        [(each.step, each.loss) for each in status.trained],
        [(each.step, each.accuracy) for each in measured],
        [(step, loss) for step, loss, _ in status.tested],
        [(step, accuracy) for step, _, accuracy in status.tested],
        task.chance,
        status.num_steps,
    )
    step, loss, accuracy = status.tested[-1]
    alt = tr(
        "Test accuracy {percent:.1f} percent and loss {loss:.2f} after {step} steps.",
        percent=100 * accuracy,
        loss=loss,
        step=step,
    )
    show_chart(figure, key="learning_curves", alt=alt)


def answers(run: LiveRun, frame: Frame, task: Pictures) -> None:
    """The pictures to watch with what the network says of them."""
    pixels, labels = run.pictures
    names = shown_classes(task)
    with st.container(horizontal=True, gap="small"):
        for picture, label, probabilities in zip(pixels, labels.tolist(), frame.probabilities, strict=True):
            best = int(probabilities.argmax())
            name, truth = names[best], names[label]
            with st.container(width=_PICTURE_WIDTH):
                enlarged = picture.permute(1, 2, 0).numpy().repeat(_ENLARGED, axis=0).repeat(_ENLARGED, axis=1)
                alt = tr("A test picture: {name}", name=visible(class_in_words(task.class_names[label])))
                st.image(enlarged, width=_PICTURE_WIDTH, alt=alt)
                st.caption(texts.answer_caption(name, float(probabilities[best]), best == label, truth))


def weights(first: Frame, now: Frame, block: int) -> None:
    """The token-mixing weights of one block and the filters, before the first step and now."""
    if now.w1:
        scale = option_buttons(tr("One colour scale for"), _SCALES, "learn_scale")
        limit = None if scale == _SCALES[0] else float(max(np.abs(each.w1[block]).max() for each in (first, now)))
        show_grids(
            [
                atlas_grid(_atlas(frame, block, title, limit), ATLAS_WIDTH, paired=False)
                for title, frame in _moments(first, now)
            ],
            key="learning_atlas",
            marks="unit",
            layout="pair",
            hint=tr("Each map: how much one hidden unit listens to each patch."),
        )
        st.caption(tr(texts.MAPS))
    show_grids(
        [filters_at(frame.filters, title) for title, frame in _moments(first, now)],
        key="learning_filters",
        layout="pair",
    )
    st.table(texts.norm_table(first.norms, now.norms))


def _moments(first: Frame, now: Frame) -> list[tuple[str, Frame]]:
    return [(tr("before training"), first), (tr("now, step {step:,}", step=now.step), now)]


def _atlas(frame: Frame, block: int, title: str, limit: float | None) -> AtlasPart:
    rows = frame.w1[block]
    side = round(rows.shape[1] ** 0.5)
    maps = rows.reshape(-1, side, side)
    frequency = mean_radial_frequency(maps)
    title = tr("W₁ of block {block}, {moment}", block=block + 1, moment=title)
    return AtlasPart(title, "W₁", maps, np.arange(len(maps)), unit_captions(frequency), limit)


def unit_captions(frequency: np.ndarray) -> list[str]:
    """What is said of each unit under the pointer; frequencies (D_S,) in cycles per patch."""
    return [
        tr("unit {unit}: frequency {value:.3f} cycles per patch", unit=unit, value=value)
        for unit, value in enumerate(frequency)
    ]


def filters_at(filters: np.ndarray, title: str) -> Grid:
    """Patch-embedding filters (C, P, P, 3) at one moment, in the order of the channels."""
    norm = np.linalg.norm(filters.reshape(len(filters), -1), axis=1)
    frequency = mean_radial_frequency(np.moveaxis(filters, -1, 1)).mean(axis=1)
    title = tr("Patch-embedding filters, {moment}", moment=title)
    return filter_grid(filters, np.arange(len(filters)), norm, frequency, title=title, width=ATLAS_WIDTH)


def one_step(status: Status, unit: int, patch: int) -> None:
    """A row of W1, its gradient, its update and what came of it."""
    seen = status.last_step
    if seen is None:
        st.caption(tr('Press "One step" to see what a single step does to the unit that is chosen here.'))
        return
    maps = (
        (tr("Before"), seen.before),
        (tr("Gradient"), seen.gradient),
        (tr("Update"), seen.update),
        (tr("After"), seen.after),
    )
    grids = [
        unit_map(values, title=title, part="W₁", note=tr("largest {value:.2g}", value=np.abs(values).max()))
        for title, values in maps
    ]
    show_grids(grids, key="learning_step", hint=tr("Hover: the same weight in all four."))
    at = np.unravel_index(min(patch, seen.before.size - 1), seen.before.shape)
    numbers = (float(values[at]) for values in (seen.before, seen.gradient, seen.update, seen.after))
    st.markdown(texts.weight_sentence(unit, patch, *numbers))
    st.caption(tr(texts.ONE_STEP))
