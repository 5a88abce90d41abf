"""Tensors under any known names -> a model ready to use."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from torch import Tensor

from mixer_viz.checkpoints.errors import CheckpointError
from mixer_viz.checkpoints.naming import to_own_names
from mixer_viz.checkpoints.preparation import Preparation
from mixer_viz.checkpoints.sizes import infer_sizes
from mixer_viz.model import MixerConfig, MlpMixer


def build_model(tensors: dict[str, Tensor], preparation: Preparation, device: torch.device) -> MlpMixer:
    """A Mixer with these weights as float32, in eval mode, its parameters without gradient.

    The weights are copied, so neither a mapped file nor the caller's tensors stay tied to the model. Gradients with
    respect to pixels still work. Raises CheckpointError for another architecture, for shapes that do not fit together
    or not to `preparation`, and for weights that are not finite.
    """
    renamed, trained_gelu = to_own_names(tensors)
    sizes = infer_sizes({name: tuple(value.shape) for name, value in renamed.items()})
    config = _complete(sizes, preparation, trained_gelu)
    weights = {name: to_float32(name, value) for name, value in renamed.items()}
    with torch.device("meta"):  # no memory and no random start for weights that are replaced at once
        model = MlpMixer(config)
    model.load_state_dict(weights, assign=True)
    try:
        return model.requires_grad_(False).eval().to(device)
    except torch.OutOfMemoryError as exc:
        raise CheckpointError(
            f"The device {str(device)!r} has not enough free memory for this model; choose cpu or a smaller Mixer."
        ) from exc


def check_same_config(stored: MixerConfig, model: MlpMixer) -> None:
    """Raise CheckpointError when a config stored with the weights says other sizes than the weights have."""
    for field in dataclasses.fields(MixerConfig):
        said, has = getattr(stored, field.name), getattr(model.config, field.name)
        if said != has:
            raise CheckpointError(
                f"The config stored in this file says {field.name}={said!r} but its weights have {has!r}; "
                "export the model again."
            )


def _complete(sizes: MixerConfig, preparation: Preparation, trained_gelu: str) -> MixerConfig:
    said: dict[str, Any] = dataclasses.asdict(preparation)
    image_size = said.pop("image_size")
    if image_size not in (None, sizes.image_size):
        raise CheckpointError(
            f"The settings beside these weights say {image_size} px, but the weights read S = {sizes.num_patches} "
            f"patches of {sizes.patch_size} px, so images of {sizes.image_size} px; correct the settings."
        )
    said["gelu"] = said["gelu"] or trained_gelu
    try:
        return dataclasses.replace(sizes, **said)
    except (ValueError, TypeError, OverflowError) as exc:
        raise CheckpointError(
            f"The settings beside these weights do not fit them: {exc}; correct the settings."
        ) from exc


def to_float32(name: str, value: Tensor) -> Tensor:
    # Sparse, quantised and meta tensors have no plain numbers behind them.
    if not value.is_floating_point() or value.layout != torch.strided or value.device.type == "meta":
        raise CheckpointError(
            f"{name} holds {value.dtype} values that are not plain floating-point numbers; "
            "export the model without quantisation or sparsity."
        )
    weights = value.detach().to(torch.float32, copy=True, memory_format=torch.contiguous_format)
    if not bool(torch.isfinite(weights).all()):
        raise CheckpointError(
            f"{name} contains values that are not finite (NaN or infinity), perhaps from a training that diverged; "
            "choose an earlier checkpoint."
        )
    return weights
