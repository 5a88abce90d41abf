"""Checks of the numbers that say where to look; each raises ValueError in one sentence with both numbers in it."""

from __future__ import annotations

from typing import cast

from torch import Tensor

from mixer_viz.language import noted
from mixer_viz.model import MixerBlock, MixerConfig, MlpMixer, Trace


class NotFiniteError(ValueError):
    """An answer that is not a number, of which nothing can be shown; `str(error)` is one sentence for the user."""


def check_answer(logits: Tensor) -> None:
    """Raise NotFiniteError when a logit is NaN or infinite."""
    if not bool(logits.isfinite().all()):
        raise NotFiniteError(
            noted(
                "The answer of this model to this picture is not finite (NaN or infinity), so there is nothing to "
                "show; choose an earlier checkpoint of its training, or correct the settings in its side file."
            )
        )


def check_range(name: str, value: int, count: int) -> None:
    """Raise ValueError unless `value` counts one of `count` things from 0."""
    if not 0 <= value < count:
        raise ValueError(noted("{name}={value} is not between 0 and {last}", name=name, value=value, last=count - 1))


def check_token(config: MixerConfig, token: int) -> None:
    """Raise ValueError unless `token` is one of the S patches."""
    check_range("token", token, config.num_patches)


def check_stage(config: MixerConfig, stage: int) -> None:
    """Raise ValueError unless `stage` is one of the T = 1 + 2 L stages of `trace.stages_of`."""
    check_range("stage", stage, 1 + 2 * config.num_blocks)


def block_of(model: MlpMixer, block: int) -> MixerBlock:
    """Block `block`, counted from 0; raises ValueError when it is not there."""
    check_range("block", block, model.config.num_blocks)
    return cast(MixerBlock, model.blocks[block])


def check_same_model(model: MlpMixer, trace: Trace) -> None:
    """Raise ValueError when `trace` was made by a Mixer of another config than `model`'s."""
    if trace.config != model.config:
        raise ValueError("the trace was made by another model: their configs differ")
