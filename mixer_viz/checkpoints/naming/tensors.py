"""Whether all tensors of a Mixer are there, each in the shape that the others ask for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch

from mixer_viz.checkpoints.errors import CheckpointError
from mixer_viz.language import noted
from mixer_viz.model import MixerConfig, MlpMixer
from mixer_viz.model.wording import few, named

Shapes = Mapping[str, tuple[int, ...]]

EXPORT_AGAIN = noted(
    "export the whole state dict of the model again, in one file where this one is a part of several (shards)"
)


def check_tensors(shapes: Shapes, config: MixerConfig) -> None:
    """Compare every tensor with the model that `config` describes; the model is built without memory.

    Raises CheckpointError when a tensor is missing or left over, or has another shape.
    """
    with torch.device("meta"):
        expected = {name: tuple(value.shape) for name, value in MlpMixer(config).state_dict().items()}
    missing = [name for name in expected if name not in shapes]
    if missing == ["norm.weight", "norm.bias"]:
        raise CheckpointError(
            noted(
                "These weights have no last LayerNorm, so their network is another one than the paper's Mixer; choose "
                "one that has it."
            )
        )
    if missing:
        raise lacking(missing)
    for name, shape in expected.items():
        if shapes[name] != shape:
            raise CheckpointError(_mismatch(name, shapes[name], shape))
    unused = [name for name in shapes if name not in expected]
    if unused:
        raise CheckpointError(
            noted(
                "This file has tensors that an MLP-Mixer does not use ({unused}), so its equation differs; "
                "choose a plain MLP-Mixer.",
                unused=_names(unused),
            )
        )


def lacking(names: list[str]) -> CheckpointError:
    """The error for tensors that are not in the file."""
    return CheckpointError(noted("These weights lack {names}; {advice}.", names=_names(names), advice=EXPORT_AGAIN))


def _mismatch(name: str, found: tuple[int, ...], needed: tuple[int, ...]) -> str:
    if name.endswith("_mixing.fc2.weight") and found[0] == needed[0] and 2 * found[-1] == needed[-1]:
        return noted(
            "{name} reads {reads} hidden units but fc1 makes {makes}, so these weights look like a gMixer, "
            "whose MLPs are gated: a relative of the MLP-Mixer that this loader does not support.",
            name=name,
            reads=found[-1],
            makes=needed[-1],
        )
    return noted(
        "{name} has shape {found}, but the other weights ask for {needed}; "
        "this file mixes two models or is damaged, so export the model again.",
        name=name,
        found=found,
        needed=needed,
    )


def _names(names: Iterable[str]) -> str:
    return few([named(name) for name in names])
