"""Every number of the network with its terms, on the activations page; token mixing has its own, longer view."""

from __future__ import annotations

import streamlit as st

from mixer_viz.analysis.activations import any_number
from mixer_viz.analysis.activations.any_number import Norm, WeightedSum
from mixer_viz.figures.activations import formula as figures
from mixer_viz.language import mark, tr
from mixer_viz.texts.formula import any_number as texts
from mixer_viz.texts.names.classes import class_in_words
from mixer_viz.ui.activations.logit_lens import class_field
from mixer_viz.ui.choices import Choice
from mixer_viz.ui.compute.cached import trace_of
from mixer_viz.ui.grid_panel import show_chart, show_grids
from mixer_viz.ui.widgets.selection import block_field, channel_field, option_buttons, pick_number, token_field

NORMS: dict[str, Norm] = {
    mark("Before token mixing"): "token_mixing",
    mark("Before channel mixing"): "channel_mixing",
    mark("The last one"): "last",
}


def embedding(choice: Choice) -> None:
    """E[t, c] of the patch embedding."""
    token, channel = _fields(choice)
    step = any_number.embedding_number(choice.model.model, trace_of(choice), token, channel)
    st.markdown(tr(texts.EMBEDDING))
    patch = (tr("Patch"), tr("patch {number}", number=token))
    _sum(step, patch, (tr("Filter"), tr("filter {number}", number=channel)), "b", ("pixel", "response"))
    st.markdown(texts.sum_step("E_{t,c}", r"\sum_i F[c,i]\,x_{t,i} + b[c]", step, "b"))


def layer_norm(choice: Choice) -> None:
    """N[t, c] of any LayerNorm."""
    which = NORMS[option_buttons(tr("Which LayerNorm"), NORMS, "norm")]
    block = block_field(choice.model.config) if which != "last" else 0
    token, channel = _fields(choice)
    trace = trace_of(choice)
    step = any_number.layer_norm_number(choice.model.model, trace, which, block, token)
    rows = {
        "token_mixing": trace.blocks[block].norm1,
        "channel_mixing": trace.blocks[block].norm2,
        "last": trace.norm,
    }
    strips = [
        figures.unit_strip(
            step.values, title=tr("Token"), note=tr("patch {number}", number=token), scale="channel", cell="channel"
        ),
        figures.unit_strip(step.result, title=tr("After LayerNorm"), note="", scale="normed", cell="channel"),
    ]
    show_grids(strips, key="number-norm", marks="channel", selected=channel, stacks=[2])
    st.markdown(texts.layer_norm_step(step, channel, float(rows[which][0, token, channel])))


def channel_mixing(choice: Choice) -> None:
    """Y[t, c] of a block."""
    config = choice.model.config
    last = config.channels_mlp_dim - 1
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        block = block_field(config)
        token, channel = token_field(config), channel_field(config)
        unit = pick_number(tr("Hidden unit (0 to {last}, a row of W₃)", last=last), 0, last, 0, "hidden_unit")
    trace = trace_of(choice)
    result = any_number.channel_mixing_number(choice.model.model, trace, block, token, channel, unit)
    st.markdown(tr(texts.CHANNEL_MIXING))
    st.markdown(tr("#### 1. LayerNorm"))
    stored = float(trace.blocks[block].norm2[0, token, channel])
    st.markdown(texts.layer_norm_step(result.norm, channel, stored))
    st.markdown(tr("#### 2. Row {row} of $W_3$ times the token, and the GELU", row=unit))
    weight = tr("× weight")
    _sum(result.first, (tr("Token"), tr("after LayerNorm")), (weight, f"W₃[{unit}]"), "b₃", ("normed", "channel reads"))
    st.markdown(texts.hidden_step(unit, result.first, result.hidden, config.gelu))
    st.markdown(tr("#### 3. Row {row} of $W_4$ times the hidden units, and the skip connection", row=channel))
    hidden = (tr("Hidden units"), tr("after GELU"))
    _sum(result.second, hidden, (weight, f"W₄[{channel}]"), "b₄", ("activation", "channel writes"))
    st.markdown(texts.sum_step("Y_{t,c}", r"U_{t,c} + \sum_u W_4[c,u]\,h_u + b_4[c]", result.second, "b_4"))


def pooling(choice: Choice) -> None:
    """p[c], the mean over the patches."""
    channel = channel_field(choice.model.config)
    step = any_number.pooled_number(choice.model.model, trace_of(choice), channel)
    st.markdown(tr(texts.POOLING))
    values = (tr("Channel"), tr("channel {number} of every patch", number=channel))
    _sum(step, values, (tr("× weight"), "1/S"), "", ("normed", "mixing"))
    st.markdown(texts.sum_step("p_c", r"\frac{1}{S} \sum_t N_{t,c}", step))


def head(choice: Choice) -> None:
    """The logit of a class."""
    target = class_field(choice)
    step = any_number.logit_number(choice.model.model, trace_of(choice), target)
    st.markdown(tr(texts.HEAD))
    row = tr("the head's row of {name}", name=class_in_words(choice.model.class_name(target)))
    _sum(step, (tr("Pooled vector"), "p"), (tr("× weight"), row), "b", ("pooled", "head"))
    st.markdown(texts.sum_step(r"\ell", r"\sum_c H[k,c]\,p_c + b[k]", step, "b"))


def softmax(choice: Choice) -> None:
    """The probability of a class."""
    target = class_field(choice)
    step = any_number.softmax_number(trace_of(choice), target)
    st.markdown(texts.softmax_step(step, choice.model.shown_class_name(target), target))


def _fields(choice: Choice) -> tuple[int, int]:
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        return token_field(choice.model.config), channel_field(choice.model.config)


def _sum(
    step: WeightedSum, values: tuple[str, str], weights: tuple[str, str], bias_name: str, scales: tuple[str, str]
) -> None:
    """Values, weights and products above each other, and how the sum grows."""
    strips = [
        figures.unit_strip(numbers, title=title, note=note, scale=scale, cell=step.term)
        for numbers, (title, note), scale in (
            (step.values, values, scales[0]),
            (step.weights, weights, scales[1]),
            (step.products, (tr("= product"), tr("to be summed")), "product"),
        )
    ]
    key = f"number-{step.term}"
    show_grids(strips, key=key, hint=tr("Hover reads all three numbers."), stacks=[3], marks="place", together=True)
    figure = figures.partial_sums_chart(
        step.products, step.partial_sums, step.bias, term=step.term, bias_name=bias_name or tr("nothing")
    )
    alt = tr("Partial sums, ending at {end:.4g}.", end=step.partial_sums[-1] + step.bias)
    show_chart(figure, key=f"{key}-sum", alt=alt)
