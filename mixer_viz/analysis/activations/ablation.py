"""Switching off: parts of the network set to zero or to their mean, and the logits of the real pass without them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from mixer_viz.analysis.arrays import one_image
from mixer_viz.analysis.ranges import check_range, check_stage
from mixer_viz.model import MixerConfig, MlpMixer
from mixer_viz.model.half_blocks import HalfBlock, half_blocks, logits_from

Kind = Literal["branch", "token", "channel", "unit"]
Replacement = Literal["zero", "mean"]


@dataclasses.dataclass(frozen=True)
class Ablation:
    """One thing switched off. Stages are those of `trace.stages_of`: 0 the embedding, then one per half-block.

    - "branch": all that the half-block before `stage` adds to the stream; has no index.
    - "token": row `index` of the stream at `stage` (a patch). At stage 0 it is the input to the first block.
    - "channel": column `index` of the stream at `stage`.
    - "unit": hidden unit `index`, after the GELU, of the half-block before `stage`: one of D_S if that mixes tokens
      (odd stages), one of D_C if it mixes channels (even stages).

    `to` is "zero", or "mean": the mean over the rows of the same matrix at this image, column by column. Rows are
    tokens for a branch, a token and a channel (the branch writes the same into all tokens, the patch becomes the
    mean patch, the channel is constant) and for a unit of channel mixing; for a unit of token mixing they are the
    channels. Raises ValueError for another kind or `to`, a negative or missing index, or a stage that it cannot have.
    """

    kind: Kind
    stage: int
    index: int | None = None
    to: Replacement = "zero"

    def __post_init__(self) -> None:
        if self.kind not in ("branch", "token", "channel", "unit"):
            raise ValueError(f"kind={self.kind!r} must be 'branch', 'token', 'channel' or 'unit'")
        if self.to not in ("zero", "mean"):
            raise ValueError(f"to={self.to!r} must be 'zero' or 'mean'")
        lowest = 1 if self.kind in ("branch", "unit") else 0
        if self.stage < lowest:
            raise ValueError(f"stage={self.stage} must be at least {lowest} for a {self.kind}")
        if self.kind == "branch" and self.index is not None:
            raise ValueError(f"index={self.index} has no meaning for a whole branch")
        if self.kind != "branch" and (self.index is None or self.index < 0):
            raise ValueError(f"index={self.index} must be a number from 0 for a {self.kind}")

    def check(self, config: MixerConfig) -> None:
        """Raise ValueError when a Mixer of this config has no such stage, token, channel or unit."""
        check_stage(config, self.stage)
        counts = {"token": config.num_patches, "channel": config.embed_dim}
        counts["unit"] = config.tokens_mlp_dim if self.stage % 2 else config.channels_mlp_dim
        if self.index is not None:
            check_range(self.kind, self.index, counts[self.kind])


@torch.no_grad()
def logits_with(model: MlpMixer, pixels: Tensor, ablations: Ablation | Sequence[Ablation]) -> np.ndarray:
    """Logits (num_classes,) of a real forward pass with one or several things switched off; none: the plain pass.

    Means are those of this very pass, so they feel what was switched off before them; of several at the same place all
    means are taken before any is applied, and where two meet in one number the later one in the sequence counts. The
    values have the model's precision. The model is only read: no hook, no changed weight.

    Args:
        pixels: (1, 3, H, W), normalised, on the model's device.
    Raises ValueError for something that the model does not have, several images, or an image of the wrong size.
    """
    one_image(pixels)
    chosen = [ablations] if isinstance(ablations, Ablation) else list(ablations)
    for ablation in chosen:
        ablation.check(model.config)
    tokens = _switched_off(model.embed(pixels), [ablation for ablation in chosen if ablation.stage == 0])
    for stage, half in enumerate(half_blocks(model), start=1):
        tokens = _next_tokens(half, tokens, [ablation for ablation in chosen if ablation.stage == stage])
    return one_image(logits_from(model, tokens, 2 * model.config.num_blocks)).cpu().numpy()


def _next_tokens(half: HalfBlock, tokens: Tensor, ablations: Sequence[Ablation]) -> Tensor:
    hidden = _switched_off(half.hidden(tokens), [ablation for ablation in ablations if ablation.kind == "unit"])
    branch = _switched_off(half.branch(hidden), [ablation for ablation in ablations if ablation.kind == "branch"])
    stream = [ablation for ablation in ablations if ablation.kind in ("token", "channel")]
    return _switched_off(tokens + branch, stream)


def _switched_off(values: Tensor, ablations: Sequence[Ablation]) -> Tensor:
    """A matrix (1, rows, columns) with rows (tokens), columns (channels, units) or all of it (branch) replaced."""
    if not ablations:
        return values
    mean = values.mean(dim=1, keepdim=True)  # (1, 1, columns)
    edited = values.clone()
    for ablation in ablations:
        only = slice(None) if ablation.index is None else slice(ablation.index, ablation.index + 1)
        rows, columns = (only, slice(None)) if ablation.kind == "token" else (slice(None), only)
        edited[:, rows, columns] = mean[:, :, columns] if ablation.to == "mean" else 0.0
    return edited
