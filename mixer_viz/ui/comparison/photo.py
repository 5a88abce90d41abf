"""One photo through all networks, on the page "Token mixers compared"."""

from __future__ import annotations

import dataclasses

import numpy as np
import streamlit as st

from mixer_viz.analysis.receptive_field import SHARES
from mixer_viz.checkpoints.metaformer_runs import TrainedMetaFormer
from mixer_viz.figures import common
from mixer_viz.figures.comparison import maps as figures
from mixer_viz.figures.grid import Grid
from mixer_viz.language import mark, noted, tr
from mixer_viz.texts import comparison as texts
from mixer_viz.texts.overview import known_classes
from mixer_viz.ui.choices import Picture
from mixer_viz.ui.comparison import results as comparison_results
from mixer_viz.ui.comparison.downloads import downloads
from mixer_viz.ui.grid_panel import show_grids
from mixer_viz.ui.widgets.contents import contents, section
from mixer_viz.ui.widgets.errors import guarded
from mixer_viz.ui.widgets.selection import block_field, option_buttons, select_token, token_field

_HALF = SHARES.index(0.5)
_WIDTH = 218  # four beside each other
MEASURES = {mark("How much"): "size", mark("With its sign"): "sign", mark("With its sign, own scales"): "own"}
_LISTENS, _ALL = noted("Who the patch listens to"), noted("All patches")
_REACHES = noted("How far back into the picture it reaches")


@st.fragment
@guarded
def on_your_photo(picture: Picture) -> None:
    """Answers, who the selected patch listens to, all patches' listening, and how far back it reaches."""
    networks = comparison_results.networks()
    st.markdown(texts.on_your_photo(networks[0].network.config))
    contents(_LISTENS, _ALL, _REACHES)
    _answers(picture, networks)
    section(_LISTENS)
    config = networks[0].network.config
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        block, token = block_field(config), token_field(config)
        measure = option_buttons(tr("Show"), MEASURES, "listening")
    _listening(picture, networks, block, token, measure)
    _fields(picture, networks, token)
    downloads(picture, block, token)


def _answers(picture: Picture, networks: list[TrainedMetaFormer]) -> None:
    config = networks[0].network.config
    crop = comparison_results.crop_for(picture, config)
    left, right = st.columns([1, 3], gap="medium")
    with left:
        photo = common.patch_grid(crop, config.grid_size, title=tr("Picture"), width=_WIDTH)
        show_grids([photo], key="compared-photo", on_pick=select_token, hint=tr("Click a patch."))
    answers = comparison_results.predictions_of(picture)
    with right, st.container(key="compared-answers"):
        st.table(texts.answer_table([each.run for each in networks], answers, config.class_names))
        st.caption(known_classes(config, is_one_of_many=True))


def _listening(picture: Picture, networks: list[TrainedMetaFormer], block: int, token: int, measure: str) -> None:
    crop = comparison_results.crop_for(picture, networks[0].network.config)
    results = [comparison_results.jacobian_of(picture, each, block) for each in networks]
    titles = [tr(each.title) for each in networks]
    signed = measure != "How much"
    matrices = [result.same_channel if signed else result.share for result in results]
    each_alone = [slice(place, place + 1) for place in range(len(titles))]
    rows: list[Grid] = []
    whole: list[Grid] = []
    for one_scale in each_alone if measure == "With its sign, own scales" else [slice(None)]:
        names, chosen = titles[one_scale], matrices[one_scale]
        limits = figures.shared_limits(chosen, signed=signed)
        listened = [matrix[token] for matrix in chosen]
        rows += figures.jacobian_grids(crop, names, listened, token, limits=limits, signed=signed, width=_WIDTH)
        whole += figures.matrix_grids(names, chosen, limits=limits, signed=signed, width=_WIDTH)
    rows, whole = ([dataclasses.replace(grid, two_lines=True) for grid in grids] for grids in (rows, whole))
    click = tr("Click a patch to select it.")
    show_grids(rows, key="compared-listening", selected=token, on_pick=select_token, hint=click)
    st.caption(tr(texts.SIGNED_NOTE if signed else texts.SHARE_NOTE))
    section(_ALL)
    show_grids(whole, key="compared-matrices", on_pick=select_token, hint=tr("One row for each patch that listens."))
    st.markdown(texts.matrices_sentence(titles, results))
    for result in results:
        if result.attention is not None:
            _heads(crop, result.attention, token)


def _heads(crop: np.ndarray, attention: np.ndarray, token: int) -> None:
    """The selected row of each head's weights, (heads, S, S)."""
    section(noted("Attention's own weights"))
    st.caption(tr(texts.HEADS_NOTE))
    titles = [tr("Head {number}", number=number) for number in range(1, len(attention) + 1)]
    limits = figures.shared_limits(list(attention))
    grids = figures.jacobian_grids(crop, titles, list(attention[:, token]), token, limits=limits, width=_WIDTH)
    grids = [dataclasses.replace(grid, two_lines=True) for grid in grids]
    show_grids(grids, key="compared-heads", on_pick=select_token, hint=tr("Click a patch to select it."))


def _fields(picture: Picture, networks: list[TrainedMetaFormer], token: int) -> None:
    section(_REACHES)
    st.markdown(tr(texts.FIELDS))
    config = networks[0].network.config
    crop = comparison_results.crop_for(picture, config)
    fields = [comparison_results.field_of(picture, each, token) for each in networks]
    grid = config.grid_size
    maps = [field.maps[1:] for field in fields]  # without the embedding, which is the patch itself
    limits = figures.shared_limits(maps)
    for place, (each, field, rows) in enumerate(zip(networks, fields, maps, strict=True)):
        title = tr(each.title)
        st.markdown(f"**{title}**")
        tiles = figures.field_grids(crop, title, rows.reshape(-1, grid, grid), field.area[1:, _HALF], limits=limits)
        tiles = [dataclasses.replace(tile, two_lines=True) for tile in tiles]
        show_grids(tiles, key=f"compared-field-{place}", on_pick=select_token)
    st.table(texts.area_table([tr(each.title) for each in networks], np.stack([f.area[:, _HALF] for f in fields])))
