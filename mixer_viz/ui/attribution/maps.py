"""The maps of the Attributions page side by side, and what deleting one patch really does."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import streamlit as st

from mixer_viz.analysis.arrays import probabilities
from mixer_viz.analysis.attribution.result import Attribution
from mixer_viz.analysis.attribution.table import method_for
from mixer_viz.figures import common
from mixer_viz.figures.attribution import maps as figures
from mixer_viz.language import mark, noted, tr
from mixer_viz.model import MixerConfig
from mixer_viz.texts import attribution as texts
from mixer_viz.ui.attribution.choice import Target
from mixer_viz.ui.attribution.results import Asked, attribution_job, logits_without
from mixer_viz.ui.choices import Choice
from mixer_viz.ui.compute import cached
from mixer_viz.ui.compute.jobs import wait_shortly
from mixer_viz.ui.compute.waiting import Wait, failed_note, is_stopped, stopped_note, waiting
from mixer_viz.ui.grid_panel import show_grids
from mixer_viz.ui.widgets.before_after import show_before_after
from mixer_viz.ui.widgets.contents import section
from mixer_viz.ui.widgets.selection import option_buttons, pick_on_slider, select_token, token_field

QUICK = 1.0  # seconds that the page waits before it shows a bar
LEVELS = {mark("Patches"): "patches", mark("Pixels"): "pixels"}
SCALES = {mark("Each its own"): "own", mark("Shared"): "shared"}
SIGNS = {mark("Both signs"): "both", mark("Positive only"): "positive"}
TITLE = noted("One patch deleted")


@dataclasses.dataclass(frozen=True)
class Shown:
    """One finished map with what was asked for."""

    asked: Asked
    result: Attribution
    title: str  # in English


@dataclasses.dataclass(frozen=True)
class Look:
    """How the maps are drawn."""

    pixels: bool
    shared: bool
    positive: bool
    opacity: float


def finished_maps(choice: Choice, asked: list[Asked], whose: str = "map") -> list[Shown]:
    """The maps that are there; bars for the others, which come when they are done.

    `whose` tells the keys of their buttons from those of another network's.
    """
    wanted = [each for each in asked if not is_stopped(each.key(choice))]
    jobs = [(each, attribution_job(choice, each)) for each in wanted]
    wait_shortly([job for _, job in jobs], QUICK)
    titles = dict(zip((each.method for each in asked), titles_of(choice, asked), strict=True))
    for place, each in enumerate(asked):
        if each not in wanted:
            stopped_note(tr(titles[each.method]), [each.key(choice)], f"{whose}_{place}")
    for place, (each, job) in enumerate(jobs):
        failed_note(tr(titles[each.method]), [(each.key(choice), job)], f"{whose}_{place}")
    at_work = [
        Wait(tr(titles[each.method]), [(each.key(choice), job)])
        for each, job in jobs
        if not job.future.done() or job.stopped
    ]
    if at_work:
        waiting(at_work, f"{whose}s")
    done = [(each, job) for each, job in jobs if job.future.done() and job.future.exception() is None]
    return [Shown(each, job.future.result(), titles[each.method]) for each, job in done]


def titles_of(choice: Choice, asked: list[Asked]) -> dict[str, str]:
    """What the methods are called in English -> their names."""
    return {method_for(choice.model.config, each.method).title: each.method for each in asked}


def map_pictures(config: MixerConfig, shown: list[Shown], pixels: bool) -> list[figures.MapPicture]:
    """The maps at the level that is looked at; what has values per patch only is spread over its pixels."""
    return [
        figures.MapPicture(
            title=tr(each.title),
            note=texts.sum_note(each.result),
            values=_level(config, each.result, pixels),
            in_logits=each.result.in_logits,
        )
        for each in shown
    ]


def _level(config: MixerConfig, result: Attribution, pixels: bool) -> np.ndarray:
    side, by_patch = config.patch_size, result.patch_map.reshape(config.grid_shape)
    if not pixels:
        return by_patch
    if result.pixel_map is not None:
        return result.pixel_map
    spread: np.ndarray = by_patch.repeat(side, axis=0).repeat(side, axis=1)
    return spread / side**2 if result.in_logits else spread


def maps(
    choice: Choice, target: Target, shown: list[Shown], below: Callable[[Look, int], None] = lambda look, token: None
) -> Look:
    """The maps over the photo, and the selected patch; returns how they are drawn.

    `below` draws what stands below the maps, told how these are drawn and which patch is selected.
    """
    place = st.container()  # the maps come first, but what they look like is chosen below them
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        look = Look(
            pixels=option_buttons(tr("Values of"), LEVELS, "level") == "Pixels",
            shared=option_buttons(tr("Scale"), SCALES, "map_scale", was="scale") == "Shared",
            positive=option_buttons(tr("Show"), SIGNS, "sign") == "Positive only",
            opacity=_opacity() / 100,
        )
    section(TITLE)
    token = token_field(choice.model.config)
    if not shown:  # the fields stay, so that neither they nor the link lose what was chosen
        return look
    with place:
        _draw(choice, shown, look, token)
        if look.pixels:
            st.caption(tr(texts.PIXEL_NOTE))
        _what_the_baseline_says(choice, target, shown[0].asked.seed)
        below(look, token)
    with st.container(key="one-deleted"):
        _one_patch(choice, target, shown, token)
    return look


def _opacity() -> int:
    start = round(100 * figures.OPACITY)
    return pick_on_slider(tr("Opacity, %"), 0, 100, start, "opacity", width=170)


def _draw(choice: Choice, shown: list[Shown], look: Look, token: int) -> None:
    config, crop = choice.model.config, cached.crop_of(choice)
    columns = st.columns(max(4, 1 + len(shown)), gap="small")
    with columns[0]:
        photo = common.patch_grid(crop, config.grid_shape, title=tr("Picture"), width=330)
        photo = dataclasses.replace(photo, two_lines=True)
        show_grids([photo], key="map-photo", selected=token, on_pick=select_token, hint=tr("Click a patch."))
    grids = figures.map_grids(
        crop,
        map_pictures(config, shown, look.pixels),
        grid_size=config.grid_shape,
        shared=look.shared,
        positive=look.positive,
        opacity=look.opacity,
        width=330,
    )
    for place, (column, grid, each) in enumerate(zip(columns[1:], grids, shown, strict=False)):
        with column:
            show_grids([grid], key=f"map-{place}", on_pick=select_token, hint=tr("Hover reads the values."))
            for warning in texts.warnings_of(each.result):
                st.warning(warning)
            row = method_for(config, each.asked.method)
            st.caption(tr("{first} {second}", first=tr(row.answers), second=tr(texts.DOES_NOT_SAY[row.name])))


def _what_the_baseline_says(choice: Choice, target: Target, seed: int) -> None:
    everything = tuple(range(choice.model.config.num_patches))
    whole, nothing = logits_without(choice, target.baseline, seed, ((), everything))
    answer = probabilities(nothing)
    best = int(answer.argmax())
    name = choice.model.shown_class_name(best)
    says = texts.baseline_sentence(target.baseline, name, float(answer[best]), target.name, float(answer[target.index]))
    scores = texts.scores_sentence(target.score_name, _score(whole, target), _score(nothing, target))
    st.caption(tr("{first} {second}", first=says, second=scores))


def _one_patch(choice: Choice, target: Target, shown: list[Shown], token: int) -> None:
    with_it, without_it = logits_without(choice, target.baseline, shown[0].asked.seed, ((), (token,)))
    before, after = (_score(logits, target) for logits in (with_it, without_it))
    st.markdown(texts.deleted_sentence(target.score_name, token, target.baseline, before, after))
    results = {tr(each.title): each.result for each in shown}
    st.table(texts.patch_table(results, token))
    show_before_after(
        choice, probabilities(with_it), probabilities(without_it), tr("Without patch {number}", number=token)
    )


def _score(logits: np.ndarray, target: Target) -> float:
    return float(logits[target.index] - (0.0 if target.against is None else logits[target.against]))
