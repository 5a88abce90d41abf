"""Deleting the first patches of a map, beside as many at random, on the Attributions page."""

from __future__ import annotations

import numpy as np
import streamlit as st

from mixer_viz.analysis.arrays import probabilities
from mixer_viz.analysis.attribution.deletion import patch_order
from mixer_viz.figures.attribution.charts import CurveSet, answers_chart, curves_chart
from mixer_viz.figures.attribution.maps import removed_grid, without_patches
from mixer_viz.language import noted, tr
from mixer_viz.texts import attribution as attribution_texts
from mixer_viz.texts import attribution_metrics as metrics_texts
from mixer_viz.texts.attribution_metrics import Metrics
from mixer_viz.ui.attribution import results
from mixer_viz.ui.attribution.choice import Target
from mixer_viz.ui.attribution.maps import Shown
from mixer_viz.ui.attribution.metrics import known_metrics
from mixer_viz.ui.choices import Choice
from mixer_viz.ui.compute import cached
from mixer_viz.ui.compute.jobs import job_table
from mixer_viz.ui.compute.speed import is_wanted, pass_seconds
from mixer_viz.ui.grid_panel import show_chart, show_grids
from mixer_viz.ui.widgets.contents import section
from mixer_viz.ui.widgets.errors import guarded
from mixer_viz.ui.widgets.selection import option_buttons, pick_on_slider, select_token

_TOP = 5
TITLE = noted("The first patches deleted")


@st.fragment
@guarded
def deletion(choice: Choice, target: Target, titles: dict[str, str], shown: list[Shown]) -> None:
    """A slider over the number of patches that are gone, pictures, answers, and curves over all numbers if known."""
    section(TITLE)
    st.markdown(tr(attribution_texts.DELETION))
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        chosen = _pick_map(titles, shown)
        count = _count_field(choice)
    if chosen is None:
        st.info(tr("This map is not there yet."))
        return
    order = patch_order(chosen.result.patch_map)[:count]
    seed = chosen.asked.seed
    random = results.random_sets(choice, seed, count)
    seconds = (2 + len(random)) * pass_seconds(choice.model)
    key = (choice.model.key, choice.picture.key)  # not the number: whoever asked will move the slider
    if not is_wanted(tr("The answers without these patches"), seconds, "deletion_wanted", *key):
        return
    logits = results.logits_without(choice, target.baseline, seed, ((), tuple(order.tolist()), *random))
    answers = probabilities(logits)
    pictures, bars = st.columns([1, 1], gap="medium")
    with pictures:
        _pictures(choice, target, chosen, (order.tolist(), list(random[0])))
    with bars:
        _answers(choice, answers, tr(chosen.title), count)
    title = tr(chosen.title)
    st.markdown(attribution_texts.deletion_sentence(target.name, title, count, answers[:, target.index]))
    if target.against is not None:
        scores = logits[:, target.index] - logits[:, target.against]
        st.markdown(attribution_texts.deletion_scores_sentence(target.score_name, scores))
    _curves(target, known_metrics(job_table(), choice, target, shown), count / choice.model.config.num_patches)


def _pick_map(titles: dict[str, str], shown: list[Shown]) -> Shown | None:
    """One of all maps that were asked for, so that a choice outlasts the waiting; None where it is not there yet."""
    chosen = option_buttons(tr("In the order of"), titles, "deleted_by")
    return next((each for each in shown if each.title == chosen), None)


def _count_field(choice: Choice) -> int:
    most = choice.model.config.num_patches
    return pick_on_slider(tr("Patches deleted"), 0, most, most // 8, "deleted", width=320)


def _pictures(choice: Choice, target: Target, chosen: Shown, sets: tuple[list[int], list[int]]) -> None:
    config, crop = choice.model.config, cached.crop_of(choice)
    baseline = results.baseline_picture(choice, target.baseline, chosen.asked.seed)
    titles = (
        tr("Without the first {count}", count=len(sets[0])),
        tr("Without {count} at random", count=len(sets[1])),
    )
    notes = (tr(chosen.title), tr("one of the random orders"))
    grids = [
        removed_grid(
            without_patches(crop, baseline, patches, config.grid_shape), config.grid_shape, title, note, width=232
        )
        for title, note, patches in zip(titles, notes, sets, strict=True)
    ]
    show_grids(grids, key="deleted-pictures", on_pick=select_token, hint=tr("This is what the network sees."))


def _answers(choice: Choice, answers: np.ndarray, title: str, count: int) -> None:
    """Bars of (2 + R, num_classes) probabilities: as it is, by the map, R at random."""
    names = choice.model.all_shown_class_names()
    shown = np.argsort(-np.maximum(answers[0], answers[1]), kind="stable")[:_TOP]
    random, at_random = answers[2:, shown], tr("{count} at random", count=count)
    series = {
        tr("as it is"): answers[0, shown],
        tr("first {count} of {title}", count=count, title=title): answers[1, shown],
        at_random: random.mean(axis=0),
    }
    ranges = {at_random: (random.min(axis=0), random.max(axis=0))}
    figure = answers_chart([names[index] for index in shown.tolist()], series, ranges)
    alt = tr("Probabilities of the best classes as it is and with patches deleted.")
    show_chart(figure, key="deleted-answers", alt=alt)


def _curves(target: Target, rows: list[Metrics], share: float) -> None:
    """Probability as patches go or come, of the maps whose curves are worked out, with the slider's share marked."""
    known = [(row, row.curves) for row in rows if row.curves is not None]
    if not known:
        return
    sets = [
        CurveSet(
            row.title,
            curves.shares,
            curves.deletion,
            curves.insertion,
            curves.random_deletion,
            curves.random_insertion,
        )
        for row, curves in known
    ]
    figure = curves_chart(sets, tr("probability of {name}, %", name=target.name), share, percent=True)
    show_chart(figure, key="curves", alt=metrics_texts.curves_in_words([row for row, _ in known]))
    st.caption(metrics_texts.curves_note(target.name, target.against_name))
