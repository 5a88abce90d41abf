"""Token mixing in numbers: one value of a block's output followed through its formula, ending at the stored one.

    U[t, c] = X[t, c] + sum_u W2[t, u] gelu(sum_s W1[u, s] N[s, c] + b1[u]) + b2[t],    N = LayerNorm(X)

All terms are float64 and computed anew from X as the trace holds it and the weights, so the difference to the stored
U[t, c] is what rounding in the network's own precision has left.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import torch
from torch import nn

from mixer_viz.analysis.arrays import one_image, to_double
from mixer_viz.analysis.ranges import block_of, check_range, check_same_model, check_token
from mixer_viz.model import MlpMixer, Trace
from mixer_viz.model.half_blocks import half_blocks


@dataclasses.dataclass(frozen=True)
class LayerNormStep:
    """The LayerNorm before token mixing, of one token: result = (values - mean) / deviation * scale + shift."""

    block: int  # counted from 0
    token: int
    values: np.ndarray  # (C,) float64, the token X[t]
    mean: float  # over its C channels
    variance: float  # over its C channels, divided by C
    eps: float  # added to the variance
    deviation: float  # sqrt(variance + eps)
    standardised: np.ndarray  # (C,) float64, (values - mean) / deviation
    scale: np.ndarray  # (C,) float64, learned
    shift: np.ndarray  # (C,) float64, learned
    result: np.ndarray  # (C,) float64
    difference: float  # largest |result - stored activation|


@dataclasses.dataclass(frozen=True)
class TokenMixingFormula:
    """One value U[t, c] term by term, with one hidden unit u laid open; partial sums run from the first term on."""

    block: int  # counted from 0
    token: int  # t, the token written to
    channel: int  # c
    unit: int  # u
    normed: np.ndarray  # (S,) float64, N[:, c]
    w1_row: np.ndarray  # (S,) float64, W1[u]
    products1: np.ndarray  # (S,) float64, W1[u, s] N[s, c]
    partial_sums1: np.ndarray  # (S,) float64
    b1: float  # b1[u]
    preactivation: float  # the last partial sum + b1[u]
    hidden: float  # h[c, u], GELU of it
    preactivations: np.ndarray  # (D_S,) float64, of all units in this channel
    hiddens: np.ndarray  # (D_S,) float64, h[c]
    w2_row: np.ndarray  # (D_S,) float64, W2[t]
    products2: np.ndarray  # (D_S,) float64, W2[t, u] h[c, u]
    partial_sums2: np.ndarray  # (D_S,) float64
    b2: float  # b2[t]
    branch: float  # the last partial sum + b2[t]
    skip: float  # X[t, c]
    result: float  # U[t, c] = X[t, c] + branch
    stored: float  # U[t, c] of the trace
    difference: float  # |result - stored|


def token_mixing_formula(
    model: MlpMixer, trace: Trace, block: int, token: int, channel: int, unit: int
) -> TokenMixingFormula:
    """Follow U[t, c] of one block through LayerNorm, W1, GELU, W2 and the skip connection.

    Raises ValueError for a block, token, channel or unit that is not there, or a trace of several images or of another
    model.
    """
    check_token(model.config, token)
    check_range("channel", channel, model.config.embed_dim)
    check_range("unit", unit, model.config.tokens_mlp_dim)
    tokens = _tokens_in(model, trace, block)  # (S, C)
    half = half_blocks(model)[2 * block].in_double()
    w1, b1, w2, b2 = (each.numpy() for layer in (half.mlp.fc1, half.mlp.fc2) for each in (layer.weight, layer.bias))
    column = half.norm(torch.from_numpy(tokens))[:, [channel]]  # (S, 1): the MLP's input from one channel
    preactivation = half.preactivation(column)
    normed = column[:, 0].numpy()
    preactivations, hiddens = preactivation[0].numpy(), half.mlp.gelu(preactivation)[0].numpy()
    products1, products2 = w1[unit] * normed, w2[token] * hiddens
    partial_sums1, partial_sums2 = np.cumsum(products1), np.cumsum(products2)
    branch = float(partial_sums2[-1] + b2[token])
    skip = float(tokens[token, channel])
    stored = float(trace.blocks[block].after_token_mixing[0, token, channel])
    return TokenMixingFormula(
        block=block,
        token=token,
        channel=channel,
        unit=unit,
        normed=normed,
        w1_row=w1[unit],
        products1=products1,
        partial_sums1=partial_sums1,
        b1=float(b1[unit]),
        preactivation=float(partial_sums1[-1] + b1[unit]),
        hidden=float(hiddens[unit]),
        preactivations=preactivations,
        hiddens=hiddens,
        w2_row=w2[token],
        products2=products2,
        partial_sums2=partial_sums2,
        b2=float(b2[token]),
        branch=branch,
        skip=skip,
        result=skip + branch,
        stored=stored,
        difference=abs(skip + branch - stored),
    )


def layer_norm_step(model: MlpMixer, trace: Trace, block: int, token: int) -> LayerNormStep:
    """The first step of `token_mixing_formula`, for one token in all its channels.

    Raises ValueError for a block or token that is not there, or a trace of several images or of another model.
    """
    check_token(model.config, token)
    values = _tokens_in(model, trace, block)[token]
    return norm_of_values(
        block, token, values, block_of(model, block).norm1, to_double(trace.blocks[block].norm1[0, token])
    )


def norm_of_values(block: int, token: int, values: np.ndarray, norm: nn.LayerNorm, stored: np.ndarray) -> LayerNormStep:
    """A LayerNorm of one token's values (C,), beside what the network's pass has stored of it (C,)."""
    scale, shift = to_double(norm.weight), to_double(norm.bias)
    mean, variance = float(values.mean()), float(values.var())
    deviation = math.sqrt(variance + norm.eps)
    standardised = (values - mean) / deviation
    result = standardised * scale + shift
    return LayerNormStep(
        block=block,
        token=token,
        values=values,
        mean=mean,
        variance=variance,
        eps=norm.eps,
        deviation=deviation,
        standardised=standardised,
        scale=scale,
        shift=shift,
        result=result,
        difference=float(np.abs(result - stored).max()),
    )


def _tokens_in(model: MlpMixer, trace: Trace, block: int) -> np.ndarray:  # (S, C)
    check_same_model(model, trace)
    check_range("block", block, trace.config.num_blocks)
    return to_double(one_image(trace.blocks[block].tokens_in))
