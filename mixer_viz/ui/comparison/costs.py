"""What each token mixer costs and what it brings, on the page "Token mixers compared"."""

from __future__ import annotations

import dataclasses
import time

import numpy as np
import streamlit as st

from mixer_viz.analysis.comparison.costs import CostCurve, cost_growth
from mixer_viz.analysis.comparison.throughput import MixerSpeeds, Throughput
from mixer_viz.checkpoints.metaformer_runs import place_of
from mixer_viz.figures.comparison.accuracy import Trained, accuracy_chart, accuracy_in_words
from mixer_viz.figures.comparison.curves import Curve, last_accuracies, training_curves
from mixer_viz.figures.comparison.growth import Growth, growth_chart, growth_in_words, measured_chart
from mixer_viz.language import mark, noted, tr
from mixer_viz.model import TOKEN_MIXERS
from mixer_viz.texts import comparison_costs as texts
from mixer_viz.ui.comparison import results
from mixer_viz.ui.comparison.downloads import runs_csv
from mixer_viz.ui.comparison.speed_jobs import GRIDS, NOTHING, PARTS, SpeedKeys, Speeds, measured, start
from mixer_viz.ui.compute.jobs import job_table
from mixer_viz.ui.compute.visitors import visitor_name
from mixer_viz.ui.compute.waiting import Wait, failed_note, is_stopped, stopped_note, waiting
from mixer_viz.ui.grid_panel import show_chart
from mixer_viz.ui.widgets.contents import section
from mixer_viz.ui.widgets.selection import option_buttons

_MEASURED = "_speed_measured"  # session state: what was found by then
_ASKED = "_speed_asked"  # session state: what to measure, as the fields said when the button was pressed
BATCHES = ("1", "16", "64")
PRECISIONS = ("float32", "bfloat16")


def costs_and_accuracy() -> None:
    """The table of all networks, accuracy against cost, published networks, and how cost grows with the patches."""
    st.markdown(tr(texts.COSTS))
    asked = _measure_fields()
    speeds = _measured(asked)
    runs = results.runs()
    st.table(texts.cost_table(runs, results.networks(), speeds.throughput))
    st.caption(texts.cost_note(results.card(), speeds.throughput))
    st.markdown(texts.no_mixing_sentence(runs))
    _accuracy()
    _published(speeds.published)
    _growth(speeds.mixers)
    st.download_button(
        tr("All training runs as CSV"),
        runs_csv(),  # now, in the language of this visit: a click would be answered in a thread of no visit
        "token-mixer-runs.csv",
        "text/csv",
        on_click="ignore",
        icon=":material/download:",
    )
    job_table().leave_all_but(asked.keys if asked else [], visitor_name())


def _measured(asked: SpeedKeys | None) -> Speeds:
    """What this visit has measured last, part by part: until a part is measured again, what was found before stays."""
    kept: Speeds = st.session_state.get(_MEASURED, NOTHING)
    st.session_state[_MEASURED] = found = measured(asked).or_else(kept) if asked else kept
    return found


def _measure_fields() -> SpeedKeys | None:
    """Fields and button; what was asked for, once it was."""
    chosen = st.session_state.get(_ASKED)
    asked = None if chosen is None else SpeedKeys(*chosen)
    stopped = [key for key in asked.keys if is_stopped(key)] if asked else []
    jobs = start(asked) if asked and not stopped else {}
    at_work = [(key, job) for key, job in jobs.items() if not job.future.done() or job.stopped]
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        fields = (
            int(option_buttons(tr("Images at once"), BATCHES, "batch")),
            option_buttons(tr("Arithmetic"), PRECISIONS, "arithmetic"),
        )
        st.button(
            tr("Measure on this machine"),
            key="measure",
            type="primary",
            on_click=_ask,
            args=fields,
            disabled=bool(at_work),
        )
    if stopped:
        stopped_note(tr("Measuring"), stopped, "speed", again=tr("Go on measuring"))
    failed_note(tr("Measuring"), list(jobs.items()), "speed")
    if at_work:
        waiting([Wait(tr(PARTS[str(key[0])]), [(key, job)], unit=mark("turns")) for key, job in at_work], "speed")
    return asked


def _ask(batch: int, precision: str) -> None:
    st.session_state[_ASKED] = (batch, precision, time.time())


def _accuracy() -> None:
    """Accuracy against cost, and how the trainings went."""
    networks, curves = _trained(), _curves()
    cost = tr("multiply-adds per image")
    left, right = st.columns(2, gap="medium")
    with left:
        show_chart(accuracy_chart(networks, cost), key="compared-accuracy", alt=accuracy_in_words(networks, cost))
    with right:
        show_chart(training_curves(curves), key="compared-curves", alt=last_accuracies(curves))
    st.caption(tr(texts.PALER))


def _curves() -> list[Curve]:
    return [
        Curve(
            tr(TOKEN_MIXERS[run.token_mixer].title),
            place_of(run.token_mixer),
            np.array(run.accuracies),
            run.seed,
        )
        for run in results.runs()
        if run.permutation == "none"
    ]


def _trained() -> list[Trained]:
    runs = [run for run in results.runs() if run.permutation == "none"]
    found = []
    for name in dict.fromkeys(run.token_mixer for run in runs):
        mine = [run for run in runs if run.token_mixer == name]
        accuracies = np.array([run.accuracy for run in mine])
        found.append(Trained(tr(TOKEN_MIXERS[name].title), place_of(name), mine[0].multiply_adds, accuracies))
    return found


def _published(throughput: Throughput | None) -> None:
    section(noted("Beside published networks"))
    st.markdown(tr(texts.PUBLISHED))
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown(tr("**Counted and measured here, without weights**"))
        st.table(texts.architecture_table(results.architectures(), throughput))
    with right:
        st.markdown(tr("**Reported in the paper, not measured here**"))
        st.table(texts.reported_table())
    st.caption(tr(texts.REPORTED_NOTE))


def _growth(speeds: MixerSpeeds | None) -> None:
    section(noted("Cost as the number of patches grows"))
    st.markdown(tr(texts.GROWTH))
    config = dataclasses.replace(results.networks()[0].network.metaformer_config, token_mixer="mlp")
    series = [_series(curve, speeds) for curve in cost_growth(config, GRIDS)]
    quantity = tr("multiply-adds per token")
    columns = st.columns(2 if speeds else 1, gap="medium")
    with columns[0]:
        figure = growth_chart(series, quantity)
        show_chart(figure, key="compared-growth", alt=growth_in_words(series, quantity))
    if speeds:
        with columns[1]:
            figure = measured_chart(series, tr("µs per token, measured"))
            show_chart(figure, key="compared-measured", alt=texts.measured_in_words(speeds))
    st.caption(texts.growth_note(speeds))


def _series(curve: CostCurve, speeds: MixerSpeeds | None) -> Growth:
    name = tr(TOKEN_MIXERS[curve.token_mixer].title)
    if curve.hidden_width == "kept":
        name = tr("{mixer}, D_S kept", mixer=name)
    elif curve.hidden_width == "grows":
        name = tr("{mixer}, D_S grows with S", mixer=name)
    place = place_of(curve.token_mixer) if curve.hidden_width != "grows" else len(TOKEN_MIXERS)
    growth = Growth(name, place, curve.tokens, curve.multiply_adds_per_token)
    if speeds is None or curve.token_mixer == "identity":  # next to nothing would squeeze all others on a log axis
        return growth
    rows = [
        row for row in speeds.rows if (row.token_mixer, row.hidden_width) == (curve.token_mixer, curve.hidden_width)
    ]
    micro = [1e6 * row.seconds / row.tokens for row in rows]
    return dataclasses.replace(
        growth,
        measured_patches=np.array([row.tokens for row in rows]),
        measured=np.array([np.median(values) for values in micro]),
        spread=(np.array([values.min() for values in micro]), np.array([values.max() for values in micro])),
    )
