"""One unit or channel on the pictures of a survey: histogram, classes, and the pictures themselves with its map."""

from __future__ import annotations

import dataclasses

import numpy as np
import streamlit as st
import torch

from mixer_viz.analysis.arrays import to_array
from mixer_viz.analysis.token_mixing.objective import Objective, unit_map
from mixer_viz.figures.token_mixing import survey as figures
from mixer_viz.images import normalise
from mixer_viz.language import tr
from mixer_viz.survey.output import Survey
from mixer_viz.survey.passes import Family
from mixer_viz.texts.from_files import visible
from mixer_viz.texts.units import survey as texts
from mixer_viz.ui.choices import Choice
from mixer_viz.ui.compute.gate import computing_on
from mixer_viz.ui.grid_panel import show_chart, show_grids

_SHOWN = 6
_QUANTILES = (1, 25, 50, 75, 99)


@dataclasses.dataclass(frozen=True)
class Measured:
    """What is looked at: a row of one family's tables, what it is of the visitor's picture, and a sentence more."""

    family: Family
    row: int
    objective: Objective
    value: float
    note: str = ""


def over_pictures(choice: Choice, survey: Survey, measured: Measured) -> None:
    """How the visitor's picture stands among many, and which of them drive it most, with its map over them."""
    family, row = measured.family, measured.row
    sample = survey.units(family, "sample")[:, row].astype(np.float64)
    mean, std = (float(survey.units(family, name)[row]) for name in ("mean", "std"))
    st.markdown(texts.unit_in_words(family, mean, std, sample, measured.value, survey.images))
    left, right = st.columns(2, gap="medium")
    with left:
        chart = figures.histogram_chart(sample, measured.value, texts.MEANS[family])
        show_chart(chart, key="survey-histogram", alt=tr("Histogram of the activation."))
    names = choice.model.all_shown_class_names()
    if f"{family}.class_mean" in survey.arrays:
        with right:
            chart = figures.class_chart(survey.units(family, "class_mean")[row], names, mean)
            show_chart(chart, key="survey-classes", alt=tr("Mean activation in each class."))
        st.caption(texts.correlation_in_words(survey.units(family, "correlation")[row], names))
    if measured.note:
        st.caption(measured.note)
    _pictures(choice, survey, measured, sample)


def _pictures(choice: Choice, survey: Survey, measured: Measured, sample: np.ndarray) -> None:
    """The pictures at the top, and one near each quantile, as far as the survey has kept them."""
    place = {number: at for at, number in enumerate(survey.arrays["pictures.numbers"].tolist())}
    ranked = survey.units(measured.family, "top_pictures")[measured.row].tolist()
    values = dict(zip(ranked, survey.units(measured.family, "top")[measured.row], strict=True))
    top = [(place[number], float(values[number]), "") for number in ranked if number in place]
    st.markdown(tr("**Real pictures that excite it most**, with what each patch has to do with it over them"))
    _mapped(choice, survey, measured, top[:_SHOWN], "survey-top")
    st.markdown(tr("**And one near each quantile**"))
    numbers = survey.arrays["sample.pictures"].tolist()
    kept = [at for at, number in enumerate(numbers) if number in place and np.isfinite(sample[at])]
    if not kept or not np.isfinite(sample).any():
        st.caption(tr("The survey kept no pictures of its sample."))
        return
    near = []
    for quantile in _QUANTILES:
        at = kept[int(np.abs(sample[kept] - np.nanpercentile(sample, quantile)).argmin())]
        near.append((place[numbers[at]], float(sample[at]), tr("{share} %", share=quantile)))
    _mapped(choice, survey, measured, near, "survey-quantiles")


def _mapped(choice: Choice, survey: Survey, measured: Measured, chosen: list[tuple[int, float, str]], key: str) -> None:
    if not chosen:
        st.caption(
            tr("The survey kept none of them: it keeps those that many units of token mixing have at their top.")
        )
        return
    crops = survey.arrays["pictures.crops"][[at for at, _, _ in chosen]]
    device = choice.model.model.stem.weight.device
    with computing_on(device), torch.inference_mode(False):
        pixels = normalise(crops, choice.model.config).to(device)
        maps = to_array(unit_map(choice.model.model, pixels, measured.objective))
    files = [visible(str(survey.about["files"][at]).rsplit("/", 1)[-1], 18) for at, _, _ in chosen]
    titles = [f"{quantile} {name}".strip() for (_, _, quantile), name in zip(chosen, files, strict=True)]
    notes = [tr("activation {value:.3g}", value=value) for _, value, _ in chosen]
    show_grids(figures.mapped_pictures(crops, maps, titles, notes), key=key, hint=tr("Hover reads each patch."))
