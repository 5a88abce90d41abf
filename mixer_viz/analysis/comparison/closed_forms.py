"""Derivatives of the token mixers in closed form, reduced to two (S, S) pictures; t is written to, s is read.

MLP and fixed linear mixers treat every channel by itself, so theirs is one (S, S) matrix per channel. Attention mixes
channels as well. With q, k and v of one head of width d, a[t, s] its attention, and o[t] = sum_s a[t, s] v[s],

    d o[t] / d in[s] = a[t, s] (Wv + (v[s] - o[t]) (Wk^T q[t])^T / sqrt(d))
                       + [t = s] (sum_u a[t, u] (v[u] - o[t]) k[u]^T) Wq / sqrt(d),

that is through the value, the key and, for the token itself, the query; the output is the sum of P o over the heads,
P being the head's columns of the projection.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor, nn

from mixer_viz.analysis.arrays import to_double
from mixer_viz.model import mixing_matrices
from mixer_viz.model.token_mixers import SelfAttention, TokenMlp

CHANNELS_AT_ONCE = 16  # bounds the memory: for each channel one (S, D_S) and one (S, S) matrix


def mixer_derivative(mixer: nn.Module, tokens: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Strength and same-channel mean of d mixer(tokens)[t, :] / d tokens[s, :], as in `MetaFormerJacobian`.

    Args:
        tokens: (S, C), on the mixer's device and in its precision.
    Returns: (S, S) and (S, S) float64.
    """
    if isinstance(mixer, SelfAttention):
        return _attention_derivative(mixer, tokens)
    if isinstance(mixer, TokenMlp):
        return _of_channels(_mlp_matrices(mixer, tokens))
    return _of_channels([mixing_matrices(mixer, *tokens.shape).double()])  # without weights it is float32


def _of_channels(parts: Iterable[Tensor]) -> tuple[np.ndarray, np.ndarray]:
    """Both pictures of a mixer with one matrix per channel, given some channels at a time, (k, S, S) each."""
    squares, total, channels = torch.zeros(()), torch.zeros(()), 0
    for matrices in parts:
        squares = squares + matrices.square().sum(dim=0)
        total = total + matrices.sum(dim=0)
        channels += len(matrices)
    return to_double(squares.sqrt()), to_double(total / channels)


def _mlp_matrices(mixer: TokenMlp, tokens: Tensor) -> Iterable[Tensor]:
    """W2 diag(gelu') W1 of all channels, CHANNELS_AT_ONCE at a time: (k, S, S) each."""
    with torch.enable_grad():
        inputs = mixer.fc1(tokens.mT).detach().requires_grad_()  # (C, D_S)
        outputs = mixer.gelu(inputs)
        (slopes,) = torch.autograd.grad(outputs, inputs, torch.ones_like(outputs))
    for chosen in slopes.split(CHANNELS_AT_ONCE):
        yield (chosen[:, None] * mixer.fc2.weight.detach()) @ mixer.fc1.weight.detach()


@torch.no_grad()
def _attention_derivative(mixer: SelfAttention, tokens: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Both pictures of attention, one written token at a time: its derivative is (S, C, C)."""
    heads, channels = mixer.num_heads, tokens.shape[1]
    query, key, value = mixer.query_key_value(tokens).unflatten(1, (3, heads, -1)).permute(1, 2, 0, 3)  # (heads, S, d)
    to_query, to_key, to_value = mixer.query_key_value.weight.unflatten(0, (3, heads, -1))  # (heads, d, C) each
    project = mixer.projection.weight.unflatten(1, (heads, -1)).transpose(0, 1)  # (heads, C, d)
    attention = mixer.attention(tokens[None])[0]  # (heads, S, S)
    through_value = project @ to_value  # (heads, C, C)
    through_key = query @ to_key / math.sqrt(key.shape[2])  # (heads, S, C), at [h, t] Wk^T q[t] / sqrt(d)
    strength, same_channel = [], []
    for token in range(len(tokens)):
        weights = attention[:, token, :, None]  # (heads, S, 1)
        deviation = weights * (value - (weights * value).sum(dim=1, keepdim=True))  # a[t, s] (v[s] - o[t])
        derivative = torch.einsum("hs,hij->sij", attention[:, token], through_value)
        derivative += torch.einsum("hsi,hj->sij", deviation @ project.mT, through_key[:, token])
        through_query = project @ (deviation.mT @ key) @ to_query / math.sqrt(key.shape[2])  # (heads, C, C)
        derivative[token] += through_query.sum(dim=0)
        strength.append(derivative.square().sum(dim=(1, 2)).sqrt())
        same_channel.append(derivative.diagonal(dim1=1, dim2=2).sum(dim=1) / channels)
    return to_double(torch.stack(strength)), to_double(torch.stack(same_channel))
