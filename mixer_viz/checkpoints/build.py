"""Tensors under any known names -> a model ready to use."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import torch
from torch import Tensor

from mixer_viz.checkpoints.errors import CheckpointError
from mixer_viz.checkpoints.naming.families import Family
from mixer_viz.checkpoints.naming.own_names import to_own_names
from mixer_viz.checkpoints.preparation import Preparation
from mixer_viz.checkpoints.sizes import infer_sizes
from mixer_viz.language import noted
from mixer_viz.model import MixerConfig, MlpMixer
from mixer_viz.model.wording import by, named, shown

_SETTINGS = noted("The settings beside these weights")
MAX_WEIGHT = 1e15  # trained weights are below 1e3; squares and products of larger ones overflow float32


def build_model(
    tensors: dict[str, Tensor], preparation: Preparation, device: torch.device, settings: str = _SETTINGS
) -> MlpMixer:
    """A Mixer with these weights as float32, in eval mode, its parameters without gradient.

    The weights are copied, so neither a mapped file nor the caller's tensors stay tied to the model. Gradients with
    respect to pixels still work.

    Args:
        settings: what an error calls `preparation`.

    Raises CheckpointError for another architecture, for shapes that do not fit together or not to `preparation`, and
    for weights that are not finite.
    """
    own = to_own_names(tensors)
    said = preparation.image_size
    shape = (said, said) if isinstance(said, int) else said
    sizes = infer_sizes({name: tuple(value.shape) for name, value in own.tensors.items()}, shape, settings)
    config = _complete(sizes, preparation, own.family, settings)
    weights = {name: to_float32(name, value) for name, value in own.tensors.items()}
    with torch.device("meta"):  # no memory and no random start for weights that are replaced at once
        model = MlpMixer(config)
    model.load_state_dict(weights, assign=True)
    model.remarks = own.remarks
    if shape is None:
        model.remarks += (
            noted(
                "The file does not say the shape of its pictures: {grid} patches of {patch_size} px are assumed; "
                '"image_size": [height, width] in a side file says another.',
                grid=by(sizes.grid_shape),
                patch_size=sizes.patch_size,
            ),
        )
    try:
        return model.requires_grad_(False).eval().to(device)
    except torch.OutOfMemoryError as exc:
        raise CheckpointError(
            noted(
                "The device {device!r} has not enough free memory for this model; choose cpu or a smaller Mixer.",
                device=str(device),
            )
        ) from exc


def check_same_config(stored: MixerConfig, model: MlpMixer) -> None:
    """Raise CheckpointError when a config stored with the weights says other sizes than the weights have."""
    for field in dataclasses.fields(MixerConfig):
        said, has = getattr(stored, field.name), getattr(model.config, field.name)
        if said != has:
            raise CheckpointError(
                noted(
                    "The config stored in this file says {name}={said} but its weights have {has}; "
                    "export the model again.",
                    name=field.name,
                    said=shown(said),
                    has=shown(has),
                )
            )


def _complete(sizes: MixerConfig, preparation: Preparation, family: Family, settings: str) -> MixerConfig:
    said: dict[str, Any] = dataclasses.asdict(preparation)
    said.pop("image_size")  # which the sizes have already
    said["gelu"] = said["gelu"] or family.gelu
    said["layer_norm_eps"] = said["layer_norm_eps"] or family.layer_norm_eps
    try:
        return dataclasses.replace(sizes, **said)
    except (ValueError, TypeError, OverflowError) as exc:
        raise CheckpointError(
            noted("{settings} do not fit them: {reason}; correct the settings.", settings=settings, reason=exc)
        ) from exc


def to_float32(name: str, value: Tensor) -> Tensor:
    # Sparse, quantised and meta tensors have no plain numbers behind them.
    if not value.is_floating_point() or value.layout != torch.strided or value.device.type == "meta":
        raise CheckpointError(
            noted(
                "{name} holds {dtype} values that are not plain floating-point numbers; "
                "export the model without quantisation or sparsity.",
                name=named(name),
                dtype=str(value.dtype),
            )
        )
    weights = value.detach().to(torch.float32, copy=True, memory_format=torch.contiguous_format)
    largest = max(abs(float(end)) for end in torch.aminmax(weights)) if weights.numel() else 0.0  # NaN comes through
    if not math.isfinite(largest):
        raise CheckpointError(
            noted(
                "{name} contains values that are not finite (NaN or infinity), perhaps from a training that "
                "diverged; choose an earlier checkpoint.",
                name=named(name),
            )
        )
    if largest > MAX_WEIGHT:
        raise CheckpointError(
            noted(
                "{name} contains values as large as {largest:.0e}, so the answer of this model is not finite; "
                "choose an earlier checkpoint of its training.",
                name=named(name),
                largest=largest,
            )
        )
    return weights
