"""What the views of the activations page show of another network, below the same view of the chosen one."""

from __future__ import annotations

import dataclasses

import numpy as np
import streamlit as st

from mixer_viz.analysis.activations import layers as analysis
from mixer_viz.figures import common
from mixer_viz.figures.activations import charts
from mixer_viz.figures.activations import maps as figures
from mixer_viz.figures.grid import Grid
from mixer_viz.language import shown, tr
from mixer_viz.model.trace import stages_of
from mixer_viz.texts.names.classes import class_in_words
from mixer_viz.texts.units import beside as texts
from mixer_viz.ui.activations import results
from mixer_viz.ui.beside import class_beside, layer_beside, mark_beside, same_training
from mixer_viz.ui.choices import Choice
from mixer_viz.ui.compute import cached
from mixer_viz.ui.grid_panel import show_chart, show_grids
from mixer_viz.ui.overview import overview_of

_SCALES = {"Length": "norm", "Channel": "channel", "Class": "logit"}
_NUM_CLASSES = 5


def layer_maps(choice: Choice, other: Choice, quantity: str, layer: int, token: int, channel: int) -> None:
    """The selected layer of both networks over the picture, large; `quantity` as the field shows it."""
    theirs = layer_beside(layer, choice.model.config, other.model.config)
    for place, (column, each, at) in enumerate(
        zip(st.columns(2, gap="medium"), (choice, other), (layer, theirs), strict=True)
    ):
        names = [shown(stage.name).capitalize() for stage in stages_of(each.model.config)]
        grid = _one_layer(choice, each, quantity, at, channel)
        marked = mark_beside(token, choice.model.config, each.model.config)
        frames = names if grid.frames > 1 else []
        with column:
            show_grids(
                [grid],
                key=f"beside-layer-{place}",
                frames=frames,
                frame=at if frames else 0,
                **marked,
            )
    notes = [_depth(choice, other, layer, theirs), _channels(choice, other) if quantity == "Channel" else ""]
    if quantity == "Class" and _followed(choice, other) is None:
        notes.append(texts.other_class(other.model.shown_title, *_names_of_answers(choice, other)))
    st.caption(" ".join(note for note in notes if note))


def _one_layer(choice: Choice, each: Choice, quantity: str, layer: int, channel: int) -> Grid:
    names = [stage.name for stage in stages_of(each.model.config)]
    subject = _subject(choice, each, quantity, channel)
    title = tr("{model}, {subject}", model=each.model.title, subject=subject)
    if quantity == "Likeness":
        found = overview_of(each)
        strip = common.stage_grids([(shown(name), "") for name in names], names, found.token_norm, found.colours)
        return dataclasses.replace(strip[layer], title=title, shape=shown(names[layer]), width=330)
    maps = _maps(choice, each, quantity, channel)
    grid = figures.enlarged(cached.crop_of(each), maps, _SCALES[quantity], [shown(name).capitalize() for name in names])
    return dataclasses.replace(grid, title=title)


def _maps(choice: Choice, each: Choice, quantity: str, channel: int) -> np.ndarray:
    """(T, rows, columns) of one of the two networks."""
    config = each.model.config
    if quantity == "Channel":
        return analysis.channel_maps(cached.trace_of(each), min(channel, config.embed_dim - 1))
    if quantity == "Class":
        values = results.patch_logits_of(each, _class_of(choice, each)).values
        return values.reshape(-1, *config.grid_shape)
    return overview_of(each).token_norm


def _subject(choice: Choice, each: Choice, quantity: str, channel: int) -> str:
    if quantity == "Channel":
        return tr("channel {number}", number=min(channel, each.model.config.embed_dim - 1))
    if quantity == "Class":
        return tr("logit of {name}", name=class_in_words(each.model.class_name(_class_of(choice, each))))
    return tr("length of the tokens") if quantity == "Length" else tr("likeness of the tokens")


def _class_of(choice: Choice, each: Choice) -> int:
    """The chosen network's answer, in either network; the other's own answer where it has no class of that name."""
    found = _followed(choice, each)
    return int(overview_of(each).top_classes[0]) if found is None else found


def _followed(choice: Choice, each: Choice) -> int | None:
    answer = int(overview_of(choice).top_classes[0])
    return answer if each is choice else class_beside(choice, each, answer)


def _names_of_answers(choice: Choice, other: Choice) -> tuple[str, str]:
    first, second = (each.model.shown_class_name(int(overview_of(each).top_classes[0])) for each in (choice, other))
    return first, second


def _depth(choice: Choice, other: Choice, layer: int, theirs: int) -> str:
    blocks = (choice.model.config.num_blocks, other.model.config.num_blocks)
    return texts.same_depth(other.model.shown_title, layer, blocks[0], theirs, blocks[1])


def _channels(choice: Choice, other: Choice) -> str:
    return tr(texts.SAME_CHANNELS) if same_training(choice, other) else tr(texts.CHANNELS)


def channel_notes(numbers: analysis.ChannelStatistics) -> list[str]:
    """The measures of every channel, for hovering."""
    words = tr("channel {number}: mean {mean:+.3g}, variance {variance:.3g}, length {length:.3g}")  # for hundreds
    found = zip(numbers.mean, numbers.variance, numbers.norm, strict=True)
    return [
        words.format(number=number, mean=mean, variance=variance, length=length)
        for number, (mean, variance, length) in enumerate(found)
    ]


def channel_maps(choice: Choice, other: Choice, layer: int) -> None:
    """All channels of the other network at the layer that lies as deep, by variance."""
    theirs = layer_beside(layer, choice.model.config, other.model.config)
    trace = cached.trace_of(other)
    numbers = analysis.channel_statistics(trace, theirs)
    notes = channel_notes(numbers)
    order = np.argsort(-numbers.variance, kind="stable")
    name = tr(
        "{stage} of {model}, by variance",
        stage=stages_of(other.model.config)[theirs].name,
        model=other.model.title,
    )
    atlas = figures.channel_atlas(analysis.stage_maps(trace, theirs), order, notes, name)
    show_grids([atlas], key="beside-channels", marks="place", hint=tr("Hover reads each channel's numbers."))
    st.caption(" ".join(note for note in (_depth(choice, other, layer, theirs), _channels(choice, other)) if note))


def lens_curves(choice: Choice, other: Choice, layer: int) -> None:
    """The answer at every layer of both networks, each with its own best classes."""
    st.markdown(
        texts.answers_compared(choice.model.shown_title, other.model.shown_title, *_names_of_answers(choice, other))
    )
    theirs = layer_beside(layer, choice.model.config, other.model.config)
    highest = 1.05 * max(float(results.logit_lens_of(each).probabilities.max()) for each in (choice, other))
    for place, (column, each, at) in enumerate(
        zip(st.columns(2, gap="medium"), (choice, other), (layer, theirs), strict=True)
    ):
        depth = results.logit_lens_of(each).probabilities
        best = np.argsort(-depth[-1], kind="stable")[:_NUM_CLASSES].tolist()
        lines = {each.model.shown_class_name(index): depth[:, index] for index in best}
        names = [stage.name for stage in stages_of(each.model.config)]
        with column:
            st.markdown(f"**{each.model.shown_title}**")
            chart = charts.layer_lines(lines, names, at, title=tr("probability, %"), percent=True, highest=highest)
            show_chart(chart, key=f"beside-lens-{place}", alt=tr("Probability of the five best classes, by layer."))
    if note := _depth(choice, other, layer, theirs):
        st.caption(note)


def stream_curves(choice: Choice, other: Choice, layer: int) -> None:
    """How much each step writes, and how alike the tokens become, in the other network."""
    theirs = layer_beside(layer, choice.model.config, other.model.config)
    names = [stage.name for stage in stages_of(other.model.config)]
    written, drift = results.stream_of(other)
    left, right = st.columns(2, gap="medium")
    lines = {tr("length, added / there"): written.ratio, tr("cosine, added to there"): written.cosine}
    with left:
        chart = charts.layer_lines(lines, names, theirs, title=tr("ratio, cosine"))
        show_chart(chart, key="beside-written", alt=tr("Length and cosine of what each step adds, by layer."))
    lines = {
        tr("mean cosine between tokens"): drift.mean_similarity,
        tr("mean cosine to the mean token"): drift.to_mean.mean(axis=1),
    }
    with right:
        chart = charts.layer_lines(lines, names, theirs, title=tr("cosine"))
        show_chart(chart, key="beside-drift", alt=tr("Mean cosine between the tokens, by layer."))
    if note := _depth(choice, other, layer, theirs):
        st.caption(note)
