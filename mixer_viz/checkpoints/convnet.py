"""The teacher network as a file: safetensors with its config as JSON in the metadata, and nothing else is read."""

from __future__ import annotations

from pathlib import Path

import torch

from mixer_viz.checkpoints.build import to_float32
from mixer_viz.checkpoints.devices import choose_device
from mixer_viz.checkpoints.errors import CheckpointError
from mixer_viz.checkpoints.formats.files import read_weights
from mixer_viz.checkpoints.formats.own_format import save_weights
from mixer_viz.model.convnet import ConvNet, ConvNetConfig

CONVNET_CONFIG_KEY = "mixer_viz_convnet_config"


def save_convnet(network: ConvNet, path: str | Path, dtype: torch.dtype = torch.float32) -> None:
    """Write weights (in `dtype`) and config to one `.safetensors` file that `load_convnet` reads back without more."""
    save_weights(network, Path(path), dtype, {CONVNET_CONFIG_KEY: network.config.to_json()})


def load_convnet(path: str | Path, device: str | torch.device = "auto") -> ConvNet:
    """The network in a file of `save_convnet`, in eval mode, with float32 weights that take no gradient.

    Raises CheckpointError, one sentence for the user, when the file cannot be used.
    """
    chosen = choose_device(device)
    file = read_weights(Path(path))
    try:
        config = ConvNetConfig.from_json(file.metadata[CONVNET_CONFIG_KEY])
    except (KeyError, ValueError) as exc:
        raise CheckpointError(f"{Path(path).name} does not hold a convnet of this project; choose another.") from exc
    with torch.device("meta"):
        network = ConvNet(config)
    expected = {name: value.shape for name, value in network.state_dict().items()}
    if {name: value.shape for name, value in file.tensors.items()} != expected:
        raise CheckpointError(f"The weights in {Path(path).name} do not have the sizes of its config; export it again.")
    weights = {
        name: value.long() if name.endswith("num_batches_tracked") else to_float32(name, value)
        for name, value in file.tensors.items()
    }
    network.load_state_dict(weights, assign=True)
    return network.requires_grad_(False).eval().to(chosen)
