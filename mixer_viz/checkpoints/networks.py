"""Any network that this project trains from its file: a Mixer, its block with another token mixer, or the convnet."""

from __future__ import annotations

from pathlib import Path

import torch

from mixer_viz.checkpoints.convnet import CONVNET_CONFIG_KEY, load_convnet, save_convnet
from mixer_viz.checkpoints.formats.files import read_weights
from mixer_viz.checkpoints.formats.own_format import save_model
from mixer_viz.checkpoints.load import load_model
from mixer_viz.checkpoints.metaformer import METAFORMER_CONFIG_KEY, load_metaformer, save_metaformer
from mixer_viz.model import MetaFormer, MlpMixer
from mixer_viz.model.convnet import ConvNet

AnyNetwork = MlpMixer | MetaFormer | ConvNet


def load_network(path: str | Path, device: str | torch.device = "auto") -> AnyNetwork:
    """The network in a weight file, by what its metadata say it is; a plain Mixer in any format that is read.

    Raises CheckpointError, one sentence for the user, when the file cannot be used.
    """
    path = Path(path)
    metadata = read_weights(path).metadata if path.suffix.lower() == ".safetensors" and path.is_file() else {}
    if CONVNET_CONFIG_KEY in metadata:
        return load_convnet(path, device)
    if METAFORMER_CONFIG_KEY in metadata:
        return load_metaformer(path, device)
    return load_model(path, device)


def save_network(network: AnyNetwork, path: str | Path, dtype: torch.dtype = torch.float32) -> None:
    """Write a network so that `load_network` reads it back; at once or not at all."""
    if isinstance(network, ConvNet):
        save_convnet(network, path, dtype)
    elif isinstance(network, MetaFormer):
        save_metaformer(network, path, dtype)
    else:
        save_model(network, path, dtype)
