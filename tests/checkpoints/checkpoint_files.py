"""Weight files in every naming and format, written from one model by code of their own."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from mixer_viz.model import MlpMixer

GOOGLE_BLOCK = {
    "norm1": "LayerNorm_0",
    "norm2": "LayerNorm_1",
    "token_mixing.fc1": "token_mixing/Dense_0",
    "token_mixing.fc2": "token_mixing/Dense_1",
    "channel_mixing.fc1": "channel_mixing/Dense_0",
    "channel_mixing.fc2": "channel_mixing/Dense_1",
}


def timm_tensors(model: MlpMixer) -> dict[str, Tensor]:
    tensors = {"stem.proj.weight": model.stem.weight, "stem.proj.bias": model.stem.bias}
    for name, value in model.state_dict().items():
        if not name.startswith("stem"):
            tensors[name.replace("token_mixing", "mlp_tokens").replace("channel_mixing", "mlp_channels")] = value
    return {name: value.detach().clone() for name, value in tensors.items()}


def google_arrays(model: MlpMixer) -> dict[str, np.ndarray]:
    """flax's names and layouts: a Dense kernel is (in, out), the stem's is (P, P, 3, C)."""
    state = {name: value.numpy() for name, value in model.state_dict().items()}
    arrays = {
        "stem/kernel": np.ascontiguousarray(state["stem.weight"].transpose(2, 3, 1, 0)),
        "stem/bias": state["stem.bias"],
        "pre_head_layer_norm/scale": state["norm.weight"],
        "pre_head_layer_norm/bias": state["norm.bias"],
        "head/kernel": np.ascontiguousarray(state["head.weight"].T),
        "head/bias": state["head.bias"],
    }
    for index in range(model.config.num_blocks):
        for ours, theirs in GOOGLE_BLOCK.items():
            weight, bias = state[f"blocks.{index}.{ours}.weight"], state[f"blocks.{index}.{ours}.bias"]
            leaf = "scale" if weight.ndim == 1 else "kernel"
            arrays[f"MixerBlock_{index}/{theirs}/{leaf}"] = np.ascontiguousarray(weight.T)
            arrays[f"MixerBlock_{index}/{theirs}/bias"] = bias
    return arrays


def write(path: Path, tensors: dict[str, Tensor]) -> Path:
    """Tensors to `path` in the format of its ending."""
    tensors = {name: value.detach().clone().contiguous() for name, value in tensors.items()}
    if path.suffix == ".safetensors":
        save_file(tensors, path)
    elif path.suffix == ".npz":
        np.savez(path, **{name: value.numpy() for name, value in tensors.items()})
    else:
        torch.save(tensors, path)
    return path


def write_zip_member(path: Path, name: str, content: bytes) -> Path:
    """One compressed member in a zip archive."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return path
