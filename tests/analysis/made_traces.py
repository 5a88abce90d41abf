"""Traces made on the spot: of the tiny Mixer in float64, and of one as wide as B/16 in the float32 of real weights."""

from __future__ import annotations

import dataclasses
import functools

import torch
from made_models import random_model, random_pixels
from torch import nn

from mixer_viz.model import PRESETS, MixerConfig, MlpMixer, Trace, trace

WIDE = dataclasses.replace(PRESETS["B/16"], num_blocks=2)
DTYPES = [(torch.float32, 1e-4), (torch.float64, 1e-9)]  # and how closely sums have to close


def made(config: MixerConfig, dtype: torch.dtype = torch.float64, seed: int = 2) -> tuple[MlpMixer, Trace]:
    model = random_model(config, dtype)
    return model, trace(model, random_pixels(config, dtype=dtype, seed=seed))


@functools.cache  # seconds to make, and read only
def made_wide() -> tuple[MlpMixer, Trace]:
    """S, C, D_S, D_C and classes of B/16, two blocks; weights small enough for values as in a trained network."""
    model = random_model(WIDE, torch.float32)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.Linear | nn.Conv2d):
                module.weight *= 0.1
    return model, trace(model, random_pixels(WIDE, dtype=torch.float32))


def with_streams(one: Trace, streams: list[torch.Tensor]) -> Trace:
    """`one` with these tokens (S, C) at its T stages; everything else stays."""
    blocks = tuple(
        dataclasses.replace(
            block, after_token_mixing=streams[2 * i + 1][None], after_channel_mixing=streams[2 * i + 2][None]
        )
        for i, block in enumerate(one.blocks)
    )
    return dataclasses.replace(one, embedding=streams[0][None], blocks=blocks)
