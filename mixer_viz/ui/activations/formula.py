"""Formulas with this picture's numbers, on the activations page: token mixing here, the others in `any_number`."""

from __future__ import annotations

import streamlit as st

from mixer_viz.figures.activations import formula as figures
from mixer_viz.language import mark, tr
from mixer_viz.texts.formula import token_mixing as texts
from mixer_viz.ui.activations import any_number, intervention_results
from mixer_viz.ui.activations.intervention_results import Formula
from mixer_viz.ui.choices import Choice
from mixer_viz.ui.grid_panel import show_chart, show_grids
from mixer_viz.ui.widgets.errors import guarded
from mixer_viz.ui.widgets.selection import (
    block_field,
    channel_field,
    option_buttons,
    select_token,
    select_unit,
    token_field,
    unit_field,
)

# In the order of the way through the network: what the button says -> its name in links.
NAMES = {
    mark("Embedding"): "embedding",
    mark("LayerNorm"): "layer_norm",
    mark("Token mixing"): "token_mixing",
    mark("Channel mixing"): "channel_mixing",
    mark("Pooling"): "pooling",
    mark("Head"): "head",
    mark("Softmax"): "softmax",
}


@st.fragment
@guarded
def formula_with_numbers(choice: Choice) -> None:
    """One number of the network, with all its terms, ending at the stored one."""
    NUMBERS[option_buttons(tr("Which number"), NAMES, "number", start="Token mixing")](choice)


def token_mixing(choice: Choice) -> None:
    """One value after token mixing, from LayerNorm to the skip connection, each step in numbers and pictures."""
    config = choice.model.config
    fields = st.columns(4)
    with fields[0]:
        block = block_field(config)
    with fields[1]:
        token = token_field(config)
    with fields[2]:
        channel = channel_field(config)
    with fields[3]:
        unit = unit_field(config, intervention_results.largest_unit_of(choice, block, token, channel))
    result = intervention_results.formula_of(choice, block, token, channel, unit)
    st.markdown(texts.formula_in_words(config, block, token, channel))
    _norm(result, config.grid_shape)
    _first(result, config.grid_shape)
    _gelu(choice, result)
    _second(result)
    with st.container(key="formula-skip"):
        st.markdown(tr("#### 5. Skip connection"))
        st.markdown(texts.closing_step(result.mixing))


def _norm(result: Formula, grid: tuple[int, int]) -> None:
    mixing = result.mixing
    st.markdown(tr("#### 1. LayerNorm"))
    maps, words = st.columns([1, 1.1], gap="medium")
    with maps:
        grids = [
            figures.patch_map(values.reshape(grid), title=title, note=note, scale=scale, width=200)
            for values, title, note, scale in (
                (
                    result.column,
                    tr("Channel {number}", number=mixing.channel),
                    tr("X[:, c], as it comes in"),
                    "channel",
                ),
                (mixing.normed, tr("After LayerNorm"), "N[:, c]", "normed"),
            )
        ]
        hint = tr("Click a patch: its value is the one that is followed.")
        show_grids(grids, key="formula-norm", selected=mixing.token, on_pick=select_token, hint=hint)
    with words:
        st.markdown(texts.norm_step(result.norm, mixing.channel))


def _first(result: Formula, grid: tuple[int, int]) -> None:
    mixing = result.mixing
    st.markdown(tr("#### 2. Row {row} of $W_1$ times the column", row=mixing.unit))
    grids = [
        figures.patch_map(mixing.normed.reshape(grid), title=tr("Value"), note="N[:, c]", scale="normed"),
        figures.patch_map(mixing.w1_row.reshape(grid), title=tr("× weight"), note=f"W₁[{mixing.unit}]", scale="reads"),
        figures.patch_map(
            mixing.products1.reshape(grid), title=tr("= product"), note=tr("to be summed"), scale="product"
        ),
    ]
    show_grids(
        grids,
        key="formula-first",
        on_pick=select_token,
        hint=tr("Hover reads all three numbers of a patch."),
        together=True,
    )
    words, chart = st.columns(2, gap="medium")
    with words:
        st.markdown(texts.first_step(mixing))
    with chart:
        figure = figures.partial_sums_chart(
            mixing.products1, mixing.partial_sums1, mixing.b1, term="patch", bias_name="b₁"
        )
        alt = tr("Partial sums over the patches, ending at {end:.4g} with the bias.", end=mixing.preactivation)
        show_chart(figure, key="formula-sum-1", alt=alt)


def _gelu(choice: Choice, result: Formula) -> None:
    mixing = result.mixing
    st.markdown(tr("#### 3. GELU"))
    words, chart = st.columns(2, gap="medium")
    with words:
        st.markdown(texts.gelu_step(mixing, choice.model.config.gelu))
    with chart:
        figure = figures.gelu_chart(
            result.gelu_inputs, result.gelu_outputs, mixing.preactivations, mixing.hiddens, mixing.unit
        )
        alt = tr(
            "The GELU: unit {unit} goes from {before:.4g} to {after:.4g}.",
            unit=mixing.unit,
            before=mixing.preactivation,
            after=mixing.hidden,
        )
        show_chart(figure, key="formula-gelu", alt=alt)


def _second(result: Formula) -> None:
    mixing = result.mixing
    st.markdown(tr("#### 4. Row {row} of $W_2$ times the hidden units", row=mixing.token))
    grids = [
        figures.unit_strip(
            mixing.hiddens,
            title=tr("Hidden units"),
            note=tr("h, all {count} after GELU", count=mixing.hiddens.size),
            scale="activation",
        ),
        figures.unit_strip(mixing.w2_row, title=tr("× weight"), note=f"W₂[{mixing.token}]", scale="writes"),
        figures.unit_strip(mixing.products2, title=tr("= product"), note=tr("to be summed"), scale="product"),
    ]
    hint = tr("Hover reads all three numbers of a unit; a click shows it in full in steps 2 and 3.")
    show_grids(
        grids,
        key="formula-second",
        selected=mixing.unit,
        on_pick=select_unit,
        hint=hint,
        marks="unit",
        stacks=[3],
        together=True,
    )
    words, chart = st.columns(2, gap="medium")
    with words:
        st.markdown(texts.second_step(mixing))
    with chart:
        figure = figures.partial_sums_chart(
            mixing.products2, mixing.partial_sums2, mixing.b2, term="unit", bias_name="b₂", mark=mixing.unit
        )
        alt = tr("Partial sums over the units, ending at {end:.4g} with the bias.", end=mixing.branch)
        show_chart(figure, key="formula-sum-2", alt=alt)


NUMBERS = {
    "Embedding": any_number.embedding,
    "LayerNorm": any_number.layer_norm,
    "Token mixing": token_mixing,
    "Channel mixing": any_number.channel_mixing,
    "Pooling": any_number.pooling,
    "Head": any_number.head,
    "Softmax": any_number.softmax,
}
