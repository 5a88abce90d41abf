"""One unit on many pictures, from a survey that the visitor opened."""

from __future__ import annotations

import numpy as np
import streamlit as st
import torch

from mixer_viz.analysis.arrays import to_array
from mixer_viz.analysis.token_mixing.objective import Objective, unit_map
from mixer_viz.figures.token_mixing import survey as figures
from mixer_viz.figures.token_mixing.maps import jacobian_grids
from mixer_viz.images import normalise
from mixer_viz.survey.output import Survey
from mixer_viz.texts.from_files import visible
from mixer_viz.texts.units import survey as texts
from mixer_viz.ui.choices import Choice
from mixer_viz.ui.compute import cached
from mixer_viz.ui.compute.gate import computing_on
from mixer_viz.ui.grid_panel import show_chart, show_grids
from mixer_viz.ui.survey import about_opened, opened_survey, survey_field
from mixer_viz.ui.token_mixing import results
from mixer_viz.ui.token_mixing.survey_here import survey_download, survey_here, survey_wanted
from mixer_viz.ui.widgets.selection import option_buttons

_SHOWN = 6
_QUANTILES = (1, 25, 50, 75, 99)


def on_many_pictures(choice: Choice, block: int, unit: int) -> None:
    """A survey, opened or made here, and what it says of one unit."""
    is_open = opened_survey(choice.model) is not None or bool(survey_wanted(choice))
    with st.expander("This unit on a whole folder of pictures: make or open a survey", expanded=is_open):
        made_here = option_buttons("Survey", {"Open one": "open", "Make one here": "here"}, "survey_from") != "Open one"
        if made_here:
            survey = survey_here(choice)
        else:
            st.markdown(texts.COMMAND)
            survey = survey_field(choice.model)
        about_opened(choice.model)
        if survey is not None:
            _unit(choice, survey, block, unit)
            if made_here:
                survey_download(survey)


def _unit(choice: Choice, survey: Survey, block: int, unit: int) -> None:
    row = block * choice.model.config.tokens_mlp_dim + unit
    value = float(results.on_picture(choice, block).activations[:, unit].mean())
    sample = survey.units("token_units", "sample")[:, row].astype(np.float64)
    mean, std = (float(survey.units("token_units", name)[row]) for name in ("mean", "std"))
    st.markdown(texts.unit_in_words(mean, std, sample, value, survey.images))
    left, right = st.columns(2, gap="medium")
    with left:
        show_chart(figures.histogram_chart(sample, value), key="survey-histogram", alt="Histogram of the activation.")
    names = choice.model.all_shown_class_names()
    if "token_units.class_mean" in survey.arrays:
        with right:
            chart = figures.class_chart(survey.units("token_units", "class_mean")[row], names, mean)
            show_chart(chart, key="survey-classes", alt="Mean activation in each class.")
        st.caption(texts.correlation_in_words(survey.units("token_units", "correlation")[row], names))
    looked = int(survey.arrays["closer.done"].sum())
    if looked:
        effect, spread = (float(survey.arrays[f"effects.{name}"][block, unit]) for name in ("mean", "std"))
        st.caption(texts.effect_in_words(effect, spread, looked))
    _pictures(choice, survey, block, unit, row, sample)


def _pictures(choice: Choice, survey: Survey, block: int, unit: int, row: int, sample: np.ndarray) -> None:
    """The pictures at the top, and one near each quantile, as far as the survey has kept them."""
    place = {number: at for at, number in enumerate(survey.arrays["pictures.numbers"].tolist())}
    top = [number for number in survey.units("token_units", "top_pictures")[row].tolist() if number in place]
    values = dict(
        zip(
            survey.units("token_units", "top_pictures")[row].tolist(),
            survey.units("token_units", "top")[row],
            strict=True,
        )
    )
    st.markdown("**Real pictures that excite it most**, with what each patch adds to the unit over them")
    _mapped(choice, survey, block, unit, [(place[n], float(values[n]), "") for n in top[:_SHOWN]], "survey-top")
    st.markdown("**And one near each quantile**")
    numbers = survey.arrays["sample.pictures"].tolist()
    kept = [at for at, number in enumerate(numbers) if number in place and np.isfinite(sample[at])]
    if not kept or not np.isfinite(sample).any():
        st.caption("The survey kept no pictures of its sample.")
        return
    near = []
    for quantile in _QUANTILES:
        at = kept[int(np.abs(sample[kept] - np.nanpercentile(sample, quantile)).argmin())]
        near.append((place[numbers[at]], float(sample[at]), f"{quantile} %"))
    _mapped(choice, survey, block, unit, near, "survey-quantiles")


def _mapped(
    choice: Choice, survey: Survey, block: int, unit: int, chosen: list[tuple[int, float, str]], key: str
) -> None:
    if not chosen:
        st.caption(
            "The survey kept none of them; a larger part of the folder's pictures is kept for common ones alone."
        )
        return
    crops = survey.arrays["pictures.crops"][[at for at, _, _ in chosen]]
    device = choice.model.model.stem.weight.device
    with computing_on(device), torch.inference_mode(False):
        pixels = normalise(crops, choice.model.config).to(device)
        maps = to_array(unit_map(choice.model.model, pixels, Objective(kind="token unit", index=unit, place=block)))
    files = [visible(str(survey.about["files"][at]).rsplit("/", 1)[-1], 18) for at, _, _ in chosen]
    titles = [f"{quantile} {name}".strip() for (_, _, quantile), name in zip(chosen, files, strict=True)]
    notes = [f"activation {value:.3g}" for _, value, _ in chosen]
    show_grids(figures.mapped_pictures(crops, maps, titles, notes), key=key, hint="Hover reads what each patch adds.")


def mean_listening(choice: Choice, token: int) -> None:
    """What the selected patch reads on average over the closer look's pictures, block by block; nothing without one."""
    survey = opened_survey(choice.model)
    if survey is None or not survey.arrays["closer.done"].sum():
        return
    mean, norm = survey.arrays["jacobian.mean"], survey.arrays["jacobian.norm"]
    maps = [
        ("Reads, mean of the survey", "jacobian", mean[:, token]),
        ("Is read by, mean of the survey", "jacobian", mean[:, :, token]),
        ("Reads, in norm", "jacobian norm", norm[:, token]),
        ("Is read by, in norm", "jacobian norm", norm[:, :, token]),
    ]
    grids = jacobian_grids(cached.crop_of(choice), token, maps)
    names = [f"Block {number + 1} of {len(mean)}" for number in range(len(mean))]
    show_grids(grids, key="survey-means", stacks=[2, 2], frames=names)
    st.caption(texts.about(survey, choice.model.shown_title))
