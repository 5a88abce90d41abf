"""How far to trust each map, in numbers, on the Attributions page."""

from __future__ import annotations

import numpy as np
import streamlit as st

from mixer_viz.analysis.attribution_quality import agreement
from mixer_viz.figures.attribution import agreement_grid
from mixer_viz.figures.attribution_charts import CurveSet, curves_chart
from mixer_viz.ui import cached_attribution, formulas_attribution
from mixer_viz.ui.attribution_choice import Target
from mixer_viz.ui.attribution_maps import QUICK, Shown
from mixer_viz.ui.attribution_waiting import failed_note, is_stopped, stopped_note, waiting
from mixer_viz.ui.chart import show_chart
from mixer_viz.ui.choices import Choice
from mixer_viz.ui.formulas_attribution import Quality
from mixer_viz.ui.grid_panel import show_grids
from mixer_viz.ui.jobs import Job, JobTable, Key, job_table, wait_shortly

_ASKED = "_quality_asked"  # session state: keys of the long checks that the visitor asked for
# About what two cores do in five seconds; a GPU does far more.
_QUICK_MULTIPLY_ADDS = {"cpu": 5e11}
_QUICK_ON_GPU = 5e13


def quality(choice: Choice, target: Target, shown: list[Shown]) -> list[Key]:
    """Curves, table and agreement of the maps; what takes long waits for a button. Returns the keys of its jobs."""
    st.subheader("How far to trust each map")
    st.markdown(formulas_attribution.QUALITY)
    place = st.container()
    jobs = _jobs(choice, target, shown)
    wait_shortly([job for _, _, job in jobs], QUICK)
    for title, _, job in jobs:
        if job.future.done() and job.future.exception() is not None and not job.stopped:
            failed_note(title, job)
    _draw(choice, target, known_quality(job_table(), choice, target, shown))
    at_work = [entry for entry in jobs if not entry[2].future.done() or entry[2].stopped]
    if at_work:
        with place:
            waiting(at_work, "quality")
    return [key for _, key, _ in jobs]


def _jobs(choice: Choice, target: Target, shown: list[Shown]) -> list[tuple[str, Key, Job]]:
    """Curves and checks that are quick, or that were asked for."""
    jobs: list[tuple[str, Key, Job]] = []
    for place, each in enumerate(shown):
        curves = cached_attribution.curves_key(choice, each.asked, target.baseline)
        title = f"Curves of {each.title}"
        if _allowed(choice, title, curves, cached_attribution.curves_multiply_adds(choice), f"curves_{place}"):
            jobs.append(
                (title, curves, cached_attribution.curves_job(choice, each.asked, target.baseline, each.result))
            )
        trust = cached_attribution.trust_key(choice, each.asked)
        title = f"Checks of {each.title}"
        cost = cached_attribution.trust_multiply_adds(choice, each.asked)
        if _allowed(choice, title, trust, cost, f"trust_{place}"):
            jobs.append((title, trust, cached_attribution.trust_job(choice, each.asked, each.result)))
    return jobs


def _allowed(choice: Choice, title: str, key: Key, multiply_adds: float, place: str) -> bool:
    """Whether a check may run: it is quick, or it was asked for; else a button asks."""
    if is_stopped(key):
        stopped_note(title, key, place)
        return False
    device = next(choice.model.model.parameters()).device.type
    if multiply_adds <= _QUICK_MULTIPLY_ADDS.get(device, _QUICK_ON_GPU) or key in st.session_state.get(_ASKED, []):
        return True
    st.button(
        f"{title}: {multiply_adds / 1e12:.1f} million million multiplications", key=place, on_click=_ask, args=(key,)
    )
    return False


def _ask(key: Key) -> None:
    st.session_state[_ASKED] = [*st.session_state.get(_ASKED, []), key]


def known_quality(table: JobTable, choice: Choice, target: Target, shown: list[Shown]) -> list[Quality]:
    """What is known by now about each map."""
    return [
        Quality(
            each.title,
            each.result,
            table.result(cached_attribution.curves_key(choice, each.asked, target.baseline)),
            table.result(cached_attribution.trust_key(choice, each.asked)),
        )
        for each in shown
    ]


def _draw(choice: Choice, target: Target, rows: list[Quality]) -> None:
    with_curves = [row for row in rows if row.curves is not None]
    if with_curves:
        sets = [
            CurveSet(
                row.title,
                row.curves.shares,
                row.curves.deletion,
                row.curves.insertion,
                row.curves.random_deletion,
                row.curves.random_insertion,
            )
            for row in with_curves
            if row.curves is not None
        ]
        share = st.session_state.get("deleted", choice.model.config.num_patches // 8) / choice.model.config.num_patches
        figure = curves_chart(sets, f"probability of {target.name}, %", share, percent=True)
        show_chart(figure, key="curves", alt=formulas_attribution.curves_in_words(with_curves))
        st.caption(formulas_attribution.curves_note(target.name, target.against_name))
    st.table(formulas_attribution.quality_table(rows))
    st.caption(formulas_attribution.QUALITY_NOTE)
    if len(rows) > 1:
        matrix = agreement([row.result for row in rows])
        names = [row.title for row in rows]
        left, right = st.columns([1, 2], gap="medium")
        with left:
            show_grids([agreement_grid(matrix, names)], key="agreement", hint="Hover reads the correlation.")
        right.markdown(formulas_attribution.agreement_sentence(np.asarray(matrix), names))
