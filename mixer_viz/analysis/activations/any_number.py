"""Any number of the network as a sum of products: embedding, LayerNorm, channel mixing, pooling, head, softmax.

`formula` has token mixing. All terms are float64, computed anew from the weights and the tensors before the
step: each difference to the stored number is what rounding in the network's own precision has left.
"""

from __future__ import annotations

import dataclasses
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from mixer_viz.analysis.activations.formula import LayerNormStep, norm_of_values
from mixer_viz.analysis.arrays import one_image, probabilities, to_double
from mixer_viz.analysis.ranges import check_range, check_same_model, check_token
from mixer_viz.model import MlpMixer, Trace
from mixer_viz.model.half_blocks import half_blocks

Norm = Literal["token_mixing", "channel_mixing", "last"]


@dataclasses.dataclass(frozen=True)
class WeightedSum:
    """One number as skip + sum of weights * values + bias; the partial sums run from the first term on."""

    term: str  # what is counted: "pixel", "channel", "unit" or "patch"
    values: np.ndarray  # (n,) float64
    weights: np.ndarray  # (n,) float64
    products: np.ndarray  # (n,) float64
    partial_sums: np.ndarray  # (n,) float64
    bias: float
    skip: float  # what the sum is added to; 0 without a skip connection
    result: float
    stored: float  # as the network's pass has it
    difference: float  # |result - stored|


@dataclasses.dataclass(frozen=True)
class ChannelMixingFormula:
    """One value Y[t, c] = U[t, c] + sum_u W4[c, u] gelu(sum_k W3[u, k] M[t, k] + b3[u]) + b4[c], M = LayerNorm(U)."""

    norm: LayerNormStep
    first: WeightedSum  # unit u before its GELU, over the C channels
    hidden: float  # after it
    second: WeightedSum  # Y[t, c], over the D_C units


@dataclasses.dataclass(frozen=True)
class Softmax:
    """The probability of one class: its exponential beside the sum of all."""

    logits: np.ndarray  # (num_classes,) float64
    exponentials: np.ndarray  # (num_classes,) float64, of the logits minus the largest
    result: float
    stored: float  # what the pages show
    difference: float


def embedding_number(model: MlpMixer, trace: Trace, token: int, channel: int) -> WeightedSum:
    """E[t, c]: the pixels of patch t, channel by channel and row by row, times filter c of the patch embedding."""
    _check(model, trace, token, channel)
    rows, columns = model.config.grid_shape
    side = model.config.patch_size
    pixels = to_double(one_image(trace.pixels)).reshape(3, rows, side, columns, side)
    patch = pixels[:, token // columns, :, token % columns, :].ravel()
    weight, bias = to_double(model.stem.weight)[channel].ravel(), _bias(model.stem.bias, channel)
    return _sum("pixel", patch, weight, bias, _stored(trace.embedding, token, channel))


def layer_norm_number(model: MlpMixer, trace: Trace, which: Norm, block: int, token: int) -> LayerNormStep:
    """The LayerNorm before token mixing or channel mixing of a block, or the last one, of one token."""
    check_same_model(model, trace)
    check_token(model.config, token)
    check_range("block", block, model.config.num_blocks)
    if which == "last":
        tokens, norm, stored = trace.blocks[-1].after_channel_mixing, model.norm, trace.norm
    else:
        here, is_first = trace.blocks[block], which == "token_mixing"
        norm = half_blocks(model)[2 * block + (not is_first)].norm
        tokens = here.tokens_in if is_first else here.after_token_mixing
        stored = here.norm1 if is_first else here.norm2
    values = to_double(one_image(tokens))[token]
    return norm_of_values(block, token, values, norm, to_double(one_image(stored))[token])


def channel_mixing_number(
    model: MlpMixer, trace: Trace, block: int, token: int, channel: int, unit: int
) -> ChannelMixingFormula:
    """Follow Y[t, c] of one block through LayerNorm, W3, GELU, W4 and the skip connection, one unit laid open."""
    _check(model, trace, token, channel)
    check_range("unit", unit, model.config.channels_mlp_dim)
    norm = layer_norm_number(model, trace, "channel_mixing", block, token)
    half = half_blocks(model)[2 * block + 1].in_double()
    here = trace.blocks[block]
    before = half.mlp.fc1(torch.from_numpy(norm.result))
    hidden = half.mlp.gelu(before).numpy()
    w3, w4 = half.mlp.fc1.weight.numpy(), half.mlp.fc2.weight.numpy()
    first = _sum(
        "channel",
        norm.result,
        w3[unit],
        float(half.mlp.fc1.bias[unit]),
        float(one_image(here.channels_preactivation)[token, unit]),
    )
    second = _sum(
        "unit",
        hidden,
        w4[channel],
        float(half.mlp.fc2.bias[channel]),
        _stored(here.after_channel_mixing, token, channel),
        skip=_stored(here.after_token_mixing, token, channel),
    )
    return ChannelMixingFormula(norm, first, float(hidden[unit]), second)


def pooled_number(model: MlpMixer, trace: Trace, channel: int) -> WeightedSum:
    """p[c]: the mean of channel c over all patches, after the last LayerNorm."""
    _check(model, trace, 0, channel)
    values = to_double(one_image(trace.norm))[:, channel]
    weights = np.full(values.size, 1 / values.size)
    return _sum("patch", values, weights, 0.0, float(one_image(trace.pooled)[channel]))


def logit_number(model: MlpMixer, trace: Trace, target: int) -> WeightedSum:
    """The logit of a class: the pooled vector times a row of the head."""
    check_same_model(model, trace)
    check_range("class", target, model.config.num_classes)
    weight, bias = to_double(model.head.weight)[target], _bias(model.head.bias, target)
    return _sum("channel", to_double(one_image(trace.pooled)), weight, bias, float(one_image(trace.logits)[target]))


def softmax_number(trace: Trace, target: int) -> Softmax:
    """The probability of a class; of a single output, its sigmoid: as the softmax of it and of 0."""
    logits = to_double(one_image(trace.logits))
    check_range("class", target, logits.size)
    all_logits = logits if logits.size > 1 else np.array([logits[0], 0.0])
    exponentials = np.exp(all_logits - all_logits.max())
    result = float(exponentials[target] / exponentials.sum())
    stored = float(probabilities(one_image(trace.logits).cpu().numpy())[target])
    return Softmax(all_logits, exponentials, result, stored, abs(result - stored))


def _sum(
    term: str, values: np.ndarray, weights: np.ndarray, bias: float, stored: float, skip: float = 0.0
) -> WeightedSum:
    products = values * weights
    partial_sums = np.cumsum(products)
    result = skip + float(partial_sums[-1]) + bias
    return WeightedSum(term, values, weights, products, partial_sums, bias, skip, result, stored, abs(result - stored))


def _stored(tokens: Tensor, token: int, channel: int) -> float:
    return float(one_image(tokens)[token, channel])


def _bias(bias: Tensor | None, index: int) -> float:
    return 0.0 if bias is None else float(bias[index].detach())


def _check(model: MlpMixer, trace: Trace, token: int, channel: int) -> None:
    check_same_model(model, trace)
    check_token(model.config, token)
    check_range("channel", channel, model.config.embed_dim)
