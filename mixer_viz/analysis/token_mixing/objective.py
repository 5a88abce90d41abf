"""What a picture can be made to excite: a hidden unit after its GELU, a channel of the residual stream, or a class."""

from __future__ import annotations

import dataclasses
from typing import Literal, cast, get_args

import torch
from torch import Tensor

from mixer_viz.analysis.ranges import check_range, check_stage, check_token
from mixer_viz.model import MixerConfig, MlpMixer
from mixer_viz.model.half_blocks import half_blocks, tokens_at

Kind = Literal["token unit", "channel unit", "channel", "class"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Objective:
    """One number that a Mixer computes of a picture.

    "token unit": hidden unit `index` of the token mixing of block `place` after the GELU, in channel `at`.
    "channel unit": hidden unit `index` of the channel mixing of block `place` after the GELU, at token `at`.
    "channel": channel `index` of the residual stream at stage `place` of `trace.stages_of`, at token `at`.
    "class": the logit of class `index`; `place` and `at` are not used.

    Without `at` it is the mean over all channels or tokens. Blocks are counted from 0.
    """

    kind: Kind
    index: int
    place: int = 0
    at: int | None = None

    def check(self, config: MixerConfig) -> None:
        """Raise ValueError, with both numbers in it, unless a Mixer of this config has it."""
        if self.kind not in KINDS:
            raise ValueError(f"kind={self.kind!r} must be one of {', '.join(KINDS)}")
        counts = {
            "token unit": config.tokens_mlp_dim,
            "channel unit": config.channels_mlp_dim,
            "channel": config.embed_dim,
            "class": config.num_classes,
        }
        check_range("index", self.index, counts[self.kind])
        if self.kind == "channel":
            check_stage(config, self.place)
        elif self.kind != "class":
            check_range("place", self.place, config.num_blocks)
        if self.at is not None and self.kind == "token unit":
            check_range("at", self.at, config.embed_dim)
        elif self.at is not None and self.kind != "class":
            check_token(config, self.at)


def activation(model: MlpMixer, pixels: Tensor, objective: Objective) -> Tensor:
    """The objective's value of each image, with a gradient where one is asked for: (N, 3, H, W) -> (N,).

    Raises ValueError for an objective that this Mixer does not have, or images of the wrong size.
    """
    objective.check(model.config)
    if objective.kind == "class":
        return cast(Tensor, model(pixels))[:, objective.index]
    if objective.kind == "channel":
        values = tokens_at(model, pixels, objective.place)[:, :, objective.index]  # (N, S)
    else:
        stage = 2 * objective.place + (objective.kind == "channel unit")
        # (N, C, D_S) of token mixing, (N, S, D_C) of channel mixing
        values = half_blocks(model)[stage].hidden(tokens_at(model, pixels, stage))[:, :, objective.index]
    return values.mean(dim=1) if objective.at is None else values[:, objective.at]


@torch.no_grad()
def unit_map(model: MlpMixer, pixels: Tensor, objective: Objective) -> Tensor:
    """What each patch has to do with the objective on each image: (N, 3, H, W) -> (N, S), in units of the activation.

    For a unit of token mixing: W1[u, s] LayerNorm(X)[s, c] gelu'(pre[u, c]), over the channels as the objective takes
    them; without bias these terms add up to the unit's preactivation, passed on with the GELU's slope. For a unit of
    channel mixing and for a channel: the value at every token. For a class: each token's own share of the logit, whose
    mean over the tokens, with the bias of the head, is the logit.
    """
    objective.check(model.config)
    if objective.kind == "class":
        tokens = tokens_at(model, pixels, 2 * model.config.num_blocks)
        return cast(Tensor, model.norm(tokens) @ model.head.weight[objective.index])
    if objective.kind == "channel":
        return tokens_at(model, pixels, objective.place)[:, :, objective.index]
    stage = 2 * objective.place + (objective.kind == "channel unit")
    half = half_blocks(model)[stage]
    tokens = tokens_at(model, pixels, stage)
    if objective.kind == "channel unit":
        return half.hidden(tokens)[:, :, objective.index]
    normed = half.norm(tokens)  # (N, S, C)
    row = half.mlp.fc1.weight[objective.index]  # (S,)
    with torch.enable_grad():
        before = half.preactivation(normed)[:, :, objective.index].detach().requires_grad_()  # (N, C)
        slope = torch.autograd.grad(half.mlp.gelu(before).sum(), before)[0]
    parts = normed * row[:, None] * slope[:, None]  # (N, S, C)
    chosen: Tensor = parts.mean(dim=2) if objective.at is None else parts[:, :, objective.at]
    return chosen
