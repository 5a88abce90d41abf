"""The residual stream on the activations page: what each step adds, how alike tokens and layers become."""

from __future__ import annotations

import streamlit as st

from mixer_viz.analysis.activations import similarity
from mixer_viz.figures.activations import charts
from mixer_viz.figures.activations import maps as figures
from mixer_viz.figures.grid import Grid
from mixer_viz.images.samples import available_samples
from mixer_viz.language import mark, tr
from mixer_viz.texts import activations as texts
from mixer_viz.ui.activations import beside, results
from mixer_viz.ui.activations.layers import stage_names
from mixer_viz.ui.beside import pick_beside, show_beside
from mixer_viz.ui.choices import Choice, ChosenModel, Picture
from mixer_viz.ui.compute import cached
from mixer_viz.ui.grid_panel import show_chart, show_grids
from mixer_viz.ui.widgets.errors import guarded
from mixer_viz.ui.widgets.selection import layer_field, pick_one, select_token, token_field

ITSELF = mark("this picture itself")


@st.fragment
@guarded
def stream(choice: Choice) -> None:
    """What each half-block writes, and what the tokens become."""
    names = stage_names(choice)
    fields = st.columns(3, vertical_alignment="bottom")
    with fields[0]:
        layer = layer_field(choice.model.config)
    with fields[1]:
        token = token_field(choice.model.config)
    with fields[2]:
        name = pick_beside(choice)
    written, drift = results.stream_of(choice)
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown(tr("**How much each step writes** beside what is there"))
        lines = {tr("length, added / there"): written.ratio, tr("cosine, added to there"): written.cosine}
        figure = charts.layer_lines(lines, names, layer, title=tr("ratio, cosine"))
        show_chart(figure, key="written", alt=tr("Length and cosine of what each step adds, by layer."))
        st.caption(tr("A cosine near 0 writes something new, below 0 takes away from what is there."))
    with right:
        st.markdown(tr("**Do the tokens become one?**"))
        lines = {
            tr("mean cosine between tokens"): drift.mean_similarity,
            tr("mean cosine to the mean token"): drift.to_mean.mean(axis=1),
        }
        figure = charts.layer_lines(lines, names, layer, title=tr("cosine"))
        show_chart(figure, key="drift", alt=tr("Mean cosine between the tokens, by layer."))
        st.caption(
            tr(
                "At 1 all tokens would point the same way, and the mean over tokens would lose nothing but their "
                "lengths."
            )
        )
    show_beside(choice, name, lambda other: beside.stream_curves(choice, other, layer))
    _matrices(choice, layer, token, names)


def _matrices(choice: Choice, layer: int, token: int, names: list[str]) -> None:
    others = _others(choice)
    names_in_links = {
        title: other.key if isinstance(other, Picture) else f"model.{other}" for title, other in others.items()
    }
    label = tr("Compare the layers with those of")

    def said(option: str) -> str:
        other = others.get(option)
        return tr("model {name}", name=other) if isinstance(other, str) else tr(option)

    compared = pick_one(label, {ITSELF: "itself", **names_in_links}, "compared", width=420, format_func=said)
    trace = cached.trace_of(choice)
    size = f"T × T = {len(names)} × {len(names)}"
    grids = [
        figures.similarity_matrix(similarity.token_similarity(trace, layer), names[layer]),
        figures.cka_matrix(results.cka_of(choice, choice), names, names, title=tr("Layers alike"), note=size),
    ]
    if compared != ITSELF and (across := _across(choice, said(compared), others[compared])):
        grids.append(across)
    hint = tr("Click a row to select its patch.")
    show_grids(grids, key="similarity", selected=token, on_pick=select_token, hint=hint)
    st.caption(texts.cka_note(results.permuted_cka_of(choice, choice)))


def _others(choice: Choice) -> dict[str, Picture | str]:
    """What there is to compare with: sample pictures for this model, and models on this computer for this picture."""
    pictures = {
        sample.title: Picture(sample.name, sample.title, None)
        for sample in available_samples()
        if sample.title != choice.picture.title
    }
    names = [info.name for info in cached.model_list() if info.on_disk and info.name != choice.model.key]
    return {**pictures, **{f"model {name}": name for name in names}}


def _across(choice: Choice, title: str, other: Picture | str) -> Grid | None:
    if isinstance(other, Picture):
        second = Choice(choice.model, other)
    else:
        second = Choice(ChosenModel(other, other, cached.named_model(other)), choice.picture)
        if second.model.config.num_patches != choice.model.config.num_patches:
            st.caption(
                tr(
                    "{model} cuts the picture into {theirs} patches and this model into {own}: only layers with the "
                    "same patches can be compared.",
                    model=other,
                    theirs=second.model.config.num_patches,
                    own=choice.model.config.num_patches,
                )
            )
            return None
    cka = results.cka_of(choice, second)
    rows, columns = stage_names(choice), stage_names(second)
    return figures.cka_matrix(
        cka, rows, columns, title=tr("Across: with {title}", title=title), note=tr("columns: the other one")
    )
