"""What one image does in every layer: tokens as maps over the grid, channels in numbers, and the hidden activations.

The tokens of the residual stream are looked at in T = 1 + 2 L stages, see `trace.stages_of`. Their principal
components as colours, aligned from stage to stage, are `overview_of(trace).colours`.
"""

from __future__ import annotations

import dataclasses
from typing import Literal

import numpy as np

from mixer_viz.analysis.arrays import one_image, to_array, to_double
from mixer_viz.analysis.overview import token_norms as token_norms
from mixer_viz.analysis.ranges import check_range, check_stage, check_token
from mixer_viz.model import Trace
from mixer_viz.model.trace import streams_of

Mixing = Literal["token", "channel"]


@dataclasses.dataclass(frozen=True)
class ChannelStatistics:
    """Each channel over the S tokens of one stage; C channels."""

    stage: int
    mean: np.ndarray  # (C,) float64
    variance: np.ndarray  # (C,) float64, over the tokens, divided by S
    minimum: np.ndarray  # (C,) float64
    maximum: np.ndarray  # (C,) float64
    norm: np.ndarray  # (C,) float64, length of the channel as a vector of S values: sqrt(S (variance + mean^2))


@dataclasses.dataclass(frozen=True)
class HiddenActivation:
    """One entry of the matrix of hidden activations."""

    row: int  # the channel for token mixing, the token for channel mixing
    unit: int  # the column
    value: float


@dataclasses.dataclass(frozen=True)
class HiddenActivations:
    """What the hidden units of one MLP answer after the GELU; an activation is called active when it is above 0.

    The GELU is 0 at 0 and never below -0.17, so "active" is the side on which a unit passes its input on. R x U is
    C x D_S for token mixing, whose units read one channel at all tokens, and S x D_C for channel mixing, whose units
    read one token in all channels.
    """

    block: int  # counted from 0
    mixing: Mixing
    values: np.ndarray  # (R, U) float32
    active_share: float  # of all R * U activations, 0 to 1
    strongest: tuple[HiddenActivation, ...]  # largest |value| first, equal ones in reading order


def channel_maps(trace: Trace, channel: int) -> np.ndarray:
    """One channel of the tokens at every stage, over the grid: (T, rows, columns) float32.

    Raises ValueError for a channel that is not there, or a trace of several images.
    """
    check_range("channel", channel, trace.config.embed_dim)
    grid = trace.config.grid_shape
    maps = [to_array(one_image(tokens)[:, channel]) for tokens in streams_of(trace)]
    return np.stack(maps).reshape(-1, *grid)


def tokens_by_stage(trace: Trace) -> np.ndarray:
    """The tokens of one image at every stage: (T, S, C) float32. One image, else ValueError."""
    return np.stack([to_array(one_image(tokens)) for tokens in streams_of(trace)])


def stage_maps(trace: Trace, stage: int) -> np.ndarray:
    """All channels at one stage, over the grid: (C, rows, columns) float32.

    Raises ValueError for a stage that is not there, or a trace of several images.
    """
    check_stage(trace.config, stage)
    grid = trace.config.grid_shape
    return to_array(one_image(streams_of(trace)[stage]).mT).reshape(-1, *grid)


def patch_vectors(trace: Trace, token: int) -> np.ndarray:
    """The vector of one patch at every stage: (T, C) float32.

    Raises ValueError for a token that is not there, or a trace of several images.
    """
    check_token(trace.config, token)
    return np.stack([to_array(one_image(tokens)[token]) for tokens in streams_of(trace)])


def channel_statistics(trace: Trace, stage: int) -> ChannelStatistics:
    """Mean, variance, range and length of every channel at one stage.

    Raises ValueError for a stage that is not there, or a trace of several images.
    """
    check_stage(trace.config, stage)
    tokens = to_double(one_image(streams_of(trace)[stage]))  # (S, C)
    return ChannelStatistics(
        stage=stage,
        mean=tokens.mean(axis=0),
        variance=tokens.var(axis=0),
        minimum=tokens.min(axis=0),
        maximum=tokens.max(axis=0),
        norm=np.linalg.norm(tokens, axis=0),
    )


def hidden_activations(trace: Trace, block: int, mixing: Mixing, num_strongest: int = 10) -> HiddenActivations:
    """Hidden activations of one block's token or channel mixing, how many are active, and the strongest ones.

    `num_strongest` may exceed their number. Raises ValueError for a block or mixing that is not there, `num_strongest`
    below 1, or a trace of several images.
    """
    check_range("block", block, trace.config.num_blocks)
    if mixing not in ("token", "channel"):
        raise ValueError(f"mixing={mixing!r} must be 'token' or 'channel'")
    if num_strongest < 1:
        raise ValueError(f"num_strongest={num_strongest} must be at least 1")
    traced = trace.blocks[block]
    values = to_array(one_image(traced.tokens_hidden if mixing == "token" else traced.channels_hidden))
    return HiddenActivations(block, mixing, values, float((values > 0).mean()), _strongest(values, num_strongest))


def _strongest(values: np.ndarray, count: int) -> tuple[HiddenActivation, ...]:
    magnitude = np.abs(values).ravel()
    count = min(count, magnitude.size)
    # Sorting only what reaches the K-th largest: a channel MLP of B/16 has 600,000 activations.
    limit = np.partition(magnitude, magnitude.size - count)[magnitude.size - count]
    candidates = np.flatnonzero(magnitude >= limit)
    chosen = candidates[np.argsort(-magnitude[candidates], kind="stable")][:count]
    rows, units = np.unravel_index(chosen, values.shape)
    return tuple(
        HiddenActivation(int(row), int(unit), float(values[row, unit])) for row, unit in zip(rows, units, strict=True)
    )
