"""The project's own file: safetensors with the config as JSON in its metadata."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file

from mixer_viz.model import MlpMixer

FORMAT = "mixer_viz"
CONFIG_KEY = "mixer_viz_config"


def save_model(model: MlpMixer, path: Path, dtype: torch.dtype = torch.float32) -> None:
    """Write weights (in `dtype`) and config to one `.safetensors` file that `load_model` reads back without more.

    The file appears at once or not at all, so a reader never sees half of it.
    """
    tensors = {name: value.detach().to("cpu", dtype).contiguous() for name, value in model.state_dict().items()}
    part = path.with_name(path.name + ".part")
    save_file(tensors, part, metadata={"format": FORMAT, CONFIG_KEY: model.config.to_json()})
    part.replace(path)
