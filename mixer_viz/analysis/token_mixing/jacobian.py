"""How token mixing spreads one image's information: the derivative of its output with respect to its input.

W2 W1 says what token mixing would do without the GELU. With it, the answer depends on the image: hidden unit u passes
the slope gelu'(pre[c, u]) on in channel c, so there the derivative of the branch by N = LayerNorm(X) is

    d branch[t, c] / d N[s, c] = A[c, t, s],    A[c] = W2 diag(gelu'(pre[c])) W1,

and 0 between two channels. Two (S, S) pictures of it are offered. `channel_mean`, the mean of A over the channels, has
signs and is directly comparable with W2 W1. `norm` looks through LayerNorm, which mixes the channels of a token. The
plain sum over all pairs of channels is no third picture: LayerNorm ignores a constant added to all channels of a token,
so sum_c' d branch[t, c] / d X[s, c'] is 0 for every t, c and s. Hence the Frobenius norm over both channels there.
"""

from __future__ import annotations

import dataclasses
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from mixer_viz.analysis.arrays import one_image
from mixer_viz.analysis.ranges import block_of, check_same_model, check_token
from mixer_viz.model import BlockTrace, MlpMixer, Trace

CHANNELS_AT_ONCE = 16  # bounds the memory: for each channel one (S, D_S) and one (S, S) matrix


@dataclasses.dataclass(frozen=True)
class TokenJacobian:
    """One block's token mixing, linearised at one image; t is the token written to, s the token read.

    The skip connection around the branch is not in it.
    """

    block: int  # counted from 0
    channel_mean: np.ndarray  # (S, S) float64 [t, s], signed, mean over c of d branch[t, c] / d N[s, c]
    norm: np.ndarray  # (S, S) float64 [t, s], Frobenius norm over both channels of d branch[t, :] / d X[s, :]


@dataclasses.dataclass(frozen=True)
class JacobianRows:
    """To whom one token listens, and who listens to it, in all L blocks: rows and columns of three (S, S) matrices."""

    token: int
    static_in: np.ndarray  # (L, S) float64, row `token` of W2 W1: what it reads from every token, without the GELU
    static_out: np.ndarray  # (L, S) float64, column `token` of W2 W1: what every token reads from it
    image_in: np.ndarray  # (L, S) float64, row of `TokenJacobian.channel_mean`: the same for this image
    image_out: np.ndarray  # (L, S) float64, column of `TokenJacobian.channel_mean`
    norm_in: np.ndarray  # (L, S) float64, row of `TokenJacobian.norm`
    norm_out: np.ndarray  # (L, S) float64, column of `TokenJacobian.norm`


@dataclasses.dataclass(frozen=True)
class _Branch:
    """One block's token mixing at one image; all on the model's device, in the model's precision."""

    w1: Tensor  # (D_S, S)
    w2: Tensor  # (S, D_S)
    slopes: Tensor  # (C, D_S) gelu'(preactivation)
    gains: Tensor  # (C, S) length of d N[s, c] / d X[s, :]

    @property
    def mean_slopes(self) -> Tensor:  # (D_S,) float64, on the CPU
        return _double(self.slopes).mean(dim=0)


@torch.no_grad()
def token_jacobian(model: MlpMixer, trace: Trace, block: int) -> TokenJacobian:
    """Both derivatives of one block's token mixing at the one image of `trace`, in closed form, exact.

    The work is C products of (S, D_S) and (D_S, S), for B/16 about that of a forward pass of the whole network; memory
    stays at CHANNELS_AT_ONCE of them. Raises ValueError for a block that is not there, a trace of several images, or a
    trace of another model.
    """
    branch = _branch_of(model, trace, block)
    mean = (_double(branch.w2) * branch.mean_slopes) @ _double(branch.w1)
    squares = branch.w1.new_zeros(len(branch.w2), len(branch.w2))
    chunks = zip(branch.slopes.split(CHANNELS_AT_ONCE), branch.gains.split(CHANNELS_AT_ONCE), strict=True)
    for slopes, gains in chunks:  # (k, D_S), (k, S)
        jacobians = (slopes[:, None] * branch.w2) @ branch.w1  # (k, S, S) = A[c, t, s] of k channels
        squares += jacobians.mul_(gains[:, None]).square_().sum(dim=0)
    return TokenJacobian(block, mean.numpy(), _double(squares).sqrt().numpy())


@torch.no_grad()
def jacobian_rows(model: MlpMixer, trace: Trace, token: int) -> JacobianRows:
    """Row and column `token` of W2 W1 and of both Jacobians of every block, without computing the whole matrices.

    Raises ValueError for a token that is not there, a trace of several images, or a trace of another model.
    """
    check_token(model.config, token)
    rows = [_rows_in_block(_branch_of(model, trace, block), token) for block in range(model.config.num_blocks)]
    return JacobianRows(token, *(np.stack(curves) for curves in zip(*rows, strict=True)))


def _rows_in_block(branch: _Branch, token: int) -> tuple[np.ndarray, ...]:  # 6 x (S,), as in JacobianRows
    w1, w2 = _double(branch.w1), _double(branch.w2)
    reads, writes = w2[token], w1[:, token]  # (D_S,) what leads to the token, what starts at it
    mean = branch.mean_slopes
    into = (branch.slopes * branch.w2[token]) @ branch.w1  # (C, S) = A[c, token, s]
    out = (branch.slopes * branch.w1[:, token]) @ branch.w2.mT  # (C, S) = A[c, t, token]
    norm_in = (into * branch.gains).square().sum(dim=0)
    norm_out = (out * branch.gains[:, token, None]).square().sum(dim=0)
    curves = (reads @ w1, w2 @ writes, (reads * mean) @ w1, w2 @ (mean * writes))
    return tuple(c.numpy() for c in (*curves, _double(norm_in).sqrt(), _double(norm_out).sqrt()))


def _branch_of(model: MlpMixer, trace: Trace, block: int) -> _Branch:
    module = block_of(model, block)
    check_same_model(model, trace)
    traced: BlockTrace = trace.blocks[block]
    mlp = module.token_mixing
    return _Branch(
        w1=mlp.fc1.weight.detach(),
        w2=mlp.fc2.weight.detach(),
        slopes=_slopes(mlp.gelu, one_image(traced.tokens_preactivation)),
        gains=_layer_norm_gains(module.norm1, one_image(traced.tokens_in)),
    )


def _slopes(gelu: nn.Module, preactivation: Tensor) -> Tensor:
    """gelu' at every entry; a gradient, as torch.func.jvp counts its nesting in one variable for all threads."""
    with torch.enable_grad():
        inputs = preactivation.detach().requires_grad_()
        outputs = cast(Tensor, gelu(inputs))
        return torch.autograd.grad(outputs, inputs, torch.ones_like(outputs))[0]


def _layer_norm_gains(norm: nn.LayerNorm, tokens: Tensor) -> Tensor:
    """|d N[s, c] / d X[s, :]| for X (S, C), as (C, S).

    With x the standardised token, v the mean of its squares (1 but for eps), g the learned scale and sd the deviation,

        d N[s, c] / d X[s, c'] = g[c] / sd[s] * (delta[c, c'] - 1 / C - x[c] x[c'] / C).

    The squares over c' add up to (g[c] / sd[s])^2 * (1 - 1 / C - x[c]^2 (2 - v) / C), because x has mean 0.
    """
    precise = _double(tokens)
    deviation = (precise.var(dim=1, keepdim=True, correction=0) + norm.eps).sqrt()
    x = (precise - precise.mean(dim=1, keepdim=True)) / deviation
    squares = x.square()
    remainder = 1 - (1 + squares * (2 - squares.mean(dim=1, keepdim=True))) / tokens.shape[1]
    # Never below 0 but for rounding: with two channels it is 0 for every token.
    gains = _double(norm.weight).abs() / deviation * remainder.clamp(min=0).sqrt()
    return gains.mT.to(tokens.device, tokens.dtype)


def _double(tensor: Tensor) -> Tensor:  # to the CPU first: not every accelerator has float64
    return tensor.detach().cpu().double()
