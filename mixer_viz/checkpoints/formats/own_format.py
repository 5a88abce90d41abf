"""The project's own file: safetensors with the config as JSON in its metadata."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file

from mixer_viz.checkpoints.formats.writing import whole_file
from mixer_viz.model import MlpMixer

FORMAT = "mixer_viz"
CONFIG_KEY = "mixer_viz_config"


def save_model(model: MlpMixer, path: str | Path, dtype: torch.dtype = torch.float32) -> None:
    """Write weights (in `dtype`) and config to one `.safetensors` file that `load_model` reads back without more.

    The file appears at once or not at all, so a reader never sees half of it.
    """
    save_weights(model, Path(path), dtype, {CONFIG_KEY: model.config.to_json()})


def save_weights(network: torch.nn.Module, path: Path, dtype: torch.dtype, metadata: dict[str, str]) -> None:
    """Write a network's weights, in `dtype`, with the metadata that its reader needs; at once or not at all."""
    tensors = {name: value.detach().to("cpu", dtype).contiguous() for name, value in network.state_dict().items()}
    with whole_file(path) as part:
        save_file(tensors, part, metadata={"format": FORMAT, **metadata})
