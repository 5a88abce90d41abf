"""Networks trained on pictures in another order, on the page "Token mixers compared"."""

from __future__ import annotations

import dataclasses

import numpy as np
import streamlit as st

from mixer_viz.analysis.receptive_field import tokens_of_patches
from mixer_viz.checkpoints.metaformer_runs import place_of
from mixer_viz.figures.common import patch_grid
from mixer_viz.figures.comparison.curves import Curve, last_accuracies, permutation_chart
from mixer_viz.language import tr
from mixer_viz.model import TOKEN_MIXERS
from mixer_viz.model.metaformer_config import PERMUTATIONS, Permutation
from mixer_viz.model.permuted_input import pixel_order
from mixer_viz.texts import comparison as texts
from mixer_viz.texts.comparison_costs import PALER
from mixer_viz.ui.choices import Picture
from mixer_viz.ui.comparison import results
from mixer_viz.ui.grid_panel import show_chart, show_grids
from mixer_viz.ui.widgets.errors import guarded
from mixer_viz.ui.widgets.selection import select_token, token_field


@st.fragment
@guarded
def permuted_training(picture: Picture) -> None:
    """What the networks saw, how their training went, and what that shows."""
    st.markdown(tr(texts.PERMUTED))
    if not _mixers():
        st.info(tr(texts.NOTHING_PERMUTED))
        return
    _pictures(picture)
    st.table(texts.reordered_answers(_answers(picture)))
    runs = [run for run in results.runs() if run.token_mixer in _mixers()]
    curves = [
        Curve(
            tr(TOKEN_MIXERS[run.token_mixer].title),
            place_of(run.token_mixer),
            np.array(run.accuracies),
            run.seed,
            texts.order_in_sentence(run.permutation),
        )
        for run in runs
    ]
    show_chart(permutation_chart(curves), key="permuted-curves", alt=last_accuracies(curves))
    st.caption(tr(PALER))
    with st.container(key="permuted-table"):
        st.table(texts.permuted_table(runs))
    st.markdown(texts.permuted_sentence(runs))
    st.caption(tr(texts.PERMUTED_NOTE))
    st.page_link(
        "pages/activations.py",
        label=tr("Another experiment: patches shuffled"),
        icon=":material/arrow_forward:",
        query_params={"view": "shuffled"},
    )


def _mixers() -> list[str]:
    """Token mixers that were trained on permuted pictures, too."""
    return list(dict.fromkeys(run.token_mixer for run in results.runs() if run.permutation != "none"))


def _answers(picture: Picture) -> dict[Permutation, dict[str, str]]:
    """What the networks that were trained on each order say of this picture in that order, by their titles."""
    found = {}
    for permutation in PERMUTATIONS:
        networks = results.networks(permutation)
        answers = results.predictions_of(picture, permutation) if networks else ()
        found[permutation] = {
            tr(each.title): texts.answer_in_words(answer, each.network.config.class_names)
            for each, answer in zip(networks, answers, strict=True)
            if each.run.token_mixer in _mixers()
        }
    return found


def _pictures(picture: Picture) -> None:
    plain = results.networks()[0].network.config
    token = token_field(plain)
    crop = results.crop_for(picture, plain)
    grids = [patch_grid(crop, plain.grid_size, title=tr(texts.ORDERS["none"]), width=218)]
    for permutation in PERMUTATIONS[1:]:
        networks = results.networks(permutation)
        if not networks:
            continue
        config = networks[0].network.metaformer_config
        seen = crop.reshape(-1, 3)[pixel_order(config)].reshape(crop.shape)
        grid = patch_grid(seen, plain.grid_size, title=tr(texts.ORDERS[permutation]), width=218)
        readers = tokens_of_patches(config)
        # A mark follows its patch to where it went; where single pixels went all ways there is nothing to mark.
        grids.append(
            dataclasses.replace(grid, select="none")
            if readers is None
            else dataclasses.replace(grid, ids=np.argsort(readers))
        )
    hint = tr(
        "Click a patch to see where it goes. The order is the same for every picture, in training and in the test."
    )
    grids = [dataclasses.replace(grid, two_lines=True) for grid in grids]
    show_grids(grids, key="permuted-pictures", selected=token, on_pick=select_token, hint=hint)
