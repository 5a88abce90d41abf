"""One block on one picture, step by step: some channels through token mixing, some patches through channel mixing."""

from __future__ import annotations

import dataclasses

import numpy as np
from torch import Tensor

from mixer_viz.analysis.arrays import one_image, to_array
from mixer_viz.analysis.ranges import check_range
from mixer_viz.model import Trace

MOST_STEPS = 12  # of either kind, so that all of them can be watched


@dataclasses.dataclass(frozen=True)
class HalfSteps:
    """K lines of the token matrix on their way through one MLP: columns in token mixing, rows in channel mixing.

    Width is S for columns and C for rows, D the hidden width, D_S or D_C.
    """

    lines: np.ndarray  # (K,) int, which channels or which patches, rising
    normed: np.ndarray  # (K, width) float32, the lines after LayerNorm
    hidden: np.ndarray  # (K, D) float32, after the GELU
    branch: np.ndarray  # (K, width) float32, what is added


@dataclasses.dataclass(frozen=True)
class BlockSteps:
    """One block on one picture: Y = U + channel mixing of U, U = X + token mixing of X."""

    block: int  # counted from 0
    before: np.ndarray  # (S, C) float32, X
    between: np.ndarray  # (S, C) float32, U
    after: np.ndarray  # (S, C) float32, Y
    token_mixing: HalfSteps
    channel_mixing: HalfSteps


def block_steps(trace: Trace, block: int, channel: int, token: int) -> BlockSteps:
    """At most MOST_STEPS channels and patches of one block, evenly spaced, `channel` and `token` among them.

    Raises ValueError for a block, channel or token that is not there, or a trace of several images.
    """
    config = trace.config
    check_range("block", block, config.num_blocks)
    check_range("channel", channel, config.embed_dim)
    check_range("token", token, config.num_patches)
    one = trace.blocks[block]
    columns, rows = _spread(config.embed_dim, channel), _spread(config.num_patches, token)
    return BlockSteps(
        block=block,
        before=_array(one.tokens_in),
        between=_array(one.after_token_mixing),
        after=_array(one.after_channel_mixing),
        token_mixing=HalfSteps(
            columns,
            _array(one.norm1).T[columns],
            _array(one.tokens_hidden)[columns],
            _array(one.token_branch).T[columns],
        ),
        channel_mixing=HalfSteps(
            rows, _array(one.norm2)[rows], _array(one.channels_hidden)[rows], _array(one.channel_branch)[rows]
        ),
    )


def _array(tensor: Tensor) -> np.ndarray:
    return to_array(one_image(tensor))


def _spread(count: int, wanted: int) -> np.ndarray:
    """Evenly spaced numbers below `count`, the one nearest to `wanted` replaced by it."""
    chosen = np.unique(np.linspace(0, count - 1, min(count, MOST_STEPS)).round().astype(int))
    chosen[np.abs(chosen - wanted).argmin()] = wanted
    return np.unique(chosen)
