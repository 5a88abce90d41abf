"""The cached results of the Overview page, and its downloads."""

from __future__ import annotations

import streamlit as st

from mixer_viz.analysis import overview
from mixer_viz.figures.common import stage_label
from mixer_viz.figures.overview import draw_overview, top_classes_chart
from mixer_viz.language import mark, shown, tr
from mixer_viz.texts.names.classes import class_in_words
from mixer_viz.texts.overview import figure_caption
from mixer_viz.texts.units import beside as texts
from mixer_viz.ui.beside import same_training
from mixer_viz.ui.choices import Choice
from mixer_viz.ui.compute.cached import crop_of, trace_of
from mixer_viz.ui.compute.caching import kept
from mixer_viz.ui.grid_panel import show_chart, show_grids
from mixer_viz.ui.token_mixing.atlas import plain_atlas
from mixer_viz.ui.token_mixing.results import block_to_begin_with
from mixer_viz.ui.widgets import downloads


@kept("result", mark("Running the Mixer …"), copied=True)
def overview_of(choice: Choice) -> overview.Overview:
    return overview.overview_of(trace_of(choice))


def side_by_side(choice: Choice, other: Choice) -> None:
    """The answers of both networks to the same picture, and the units of a block of each."""
    best, is_moment = [_best_class(each) for each in (choice, other)], same_training(choice, other)
    st.markdown(texts.answers_compared(choice.model.shown_title, other.model.shown_title, *best))
    for place, (column, each) in enumerate(zip(st.columns(2, gap="medium"), (choice, other), strict=True)):
        with column:
            found = overview_of(each)
            st.markdown(f"**{each.model.shown_title}**")
            names = [each.model.shown_class_name(index) for index in found.top_classes.tolist()]
            chart = top_classes_chart(names, found.top_probabilities)
            show_chart(chart, key=f"beside-classes-{place}", alt=tr("Most probable class: {name}.", name=names[0]))
            grid = plain_atlas(each.model, block_to_begin_with(choice.model if is_moment else each.model))
            show_grids(
                [grid], key=f"beside-atlas-{place}", marks="place", hint=tr("Hover reads the measures of a unit.")
            )
    st.caption(tr(texts.SAME_UNITS if is_moment else texts.UNITS))


def _best_class(choice: Choice) -> str:
    return choice.model.shown_class_name(int(overview_of(choice).top_classes[0]))


def _said_names(choice: Choice) -> list[str]:
    """The best classes for plain text, in the language of whoever is looking."""
    names = (choice.model.class_name(index) for index in overview_of(choice).top_classes.tolist())
    return [shown(class_in_words(name)) for name in names]


def stage_labels(choice: Choice) -> list[tuple[str, str]]:
    """Title and note of the tokens after every half-block."""
    result = overview_of(choice)
    stages = zip(result.stages, result.branch_ratio, strict=True)
    return [stage_label(stage.name, ratio) for stage, ratio in stages]


def overview_downloads(choice: Choice) -> None:
    """Figure, arrays and table."""
    result = overview_of(choice)
    downloads.download_row(
        "overview",
        lambda: draw_overview(
            crop_of(choice),
            result.embedding,
            stage_labels(choice),
            result.colours,
            _said_names(choice),
            result.top_probabilities,
            figure_caption(choice.model.title, choice.picture.said_title),
        ),
        lambda: {
            "embedding": result.embedding,
            "token_norm": result.token_norm,
            "colours": result.colours,
            "pooled": result.pooled,
            "top_classes": result.top_classes,
            "top_logits": result.top_logits,
            "top_probabilities": result.top_probabilities,
        },
        lambda: downloads.csv_bytes(
            [tr("class"), tr("name"), tr("logit"), tr("probability")],
            [
                [index, name, logit, probability]
                for index, name, logit, probability in zip(
                    result.top_classes.tolist(),
                    _said_names(choice),
                    result.top_logits.tolist(),
                    result.top_probabilities.tolist(),
                    strict=True,
                )
            ],
        ),
    )
