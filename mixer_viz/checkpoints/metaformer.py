"""Networks of the comparison as files: safetensors with the config as JSON in its metadata, and nothing else is read.

The config says more than the weights can: a shift has none, and no tensor tells the order of the input.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from mixer_viz.checkpoints.build import to_float32
from mixer_viz.checkpoints.devices import choose_device
from mixer_viz.checkpoints.errors import CheckpointError
from mixer_viz.checkpoints.formats.files import read_weights
from mixer_viz.checkpoints.formats.own_format import CONFIG_KEY, save_weights
from mixer_viz.checkpoints.sizes import MAX_TOKENS, check_bounds
from mixer_viz.language import noted
from mixer_viz.model import MetaFormer, MetaFormerConfig, MixerConfig

METAFORMER_CONFIG_KEY = "mixer_viz_compared_config"


def save_metaformer(network: MetaFormer, path: str | Path, dtype: torch.dtype = torch.float32) -> None:
    """Write weights (in `dtype`) and config to one `.safetensors` file that `load_metaformer` reads back without more.

    The file appears at once or not at all, so a reader never sees half of it.
    """
    save_weights(network, Path(path), dtype, {METAFORMER_CONFIG_KEY: network.metaformer_config.to_json()})


def load_metaformer(path: str | Path, device: str | torch.device = "auto") -> MetaFormer:
    """The network in a file of `save_metaformer`, or a Mixer in a file of `save_model`, with "mlp" as its token mixer.

    It is in eval mode with float32 weights that take no gradient; gradients with respect to pixels work.

    Args:
        device: as for `choose_device`.

    Raises CheckpointError, one sentence for the user, when the file cannot be used.
    """
    chosen, path = choose_device(device), Path(path)
    if path.suffix.lower() != ".safetensors":
        raise CheckpointError(
            noted("Networks to compare are read from .safetensors files, not from {suffix!r}.", suffix=path.suffix)
        )
    file = read_weights(path)
    config = stored_config(file.metadata)
    _check_bounds(config, file.tensors)
    weights = {name: to_float32(name, value) for name, value in file.tensors.items()}
    with torch.device("meta"):  # no memory and no random start for weights that are replaced at once
        network = MetaFormer(config)
    _check_shapes(network, weights)
    network.load_state_dict(weights, assign=True)
    return network.requires_grad_(False).eval().to(chosen)


def stored_config(metadata: dict[str, str]) -> MetaFormerConfig:
    """The config in a file's metadata; raises CheckpointError when there is none that can be used."""
    try:
        if METAFORMER_CONFIG_KEY in metadata:
            return MetaFormerConfig.from_json(metadata[METAFORMER_CONFIG_KEY])
        if CONFIG_KEY in metadata:
            return MetaFormerConfig(sizes=MixerConfig.from_json(metadata[CONFIG_KEY]))
    except (ValueError, OverflowError) as exc:
        raise CheckpointError(
            noted("The config stored in this file is unusable: {reason}; export the model again.", reason=exc)
        ) from exc
    raise CheckpointError(
        noted("This file does not say which token mixer it is for; choose one that this project wrote.")
    )


def _check_bounds(config: MetaFormerConfig, tensors: dict[str, Tensor]) -> None:
    """Raise CheckpointError when the config claims sizes that these weights do not have, before anything is built."""
    sizes = config.sizes
    blocks = {name.split(".")[1] for name in tensors if name.startswith("blocks.")}
    stem = tensors.get("stem.weight", torch.empty(0)).shape
    claimed = (sizes.embed_dim, sizes.in_channels, sizes.patch_size, sizes.patch_size)
    if len(blocks) != sizes.num_blocks or stem != claimed or sizes.num_patches > MAX_TOKENS:
        raise CheckpointError(
            noted(
                "The config stored in this file says {num_blocks} blocks, a stem of {claimed} and "
                "{num_patches} tokens (at most {most}), but its weights have {count} blocks and a "
                "stem of {stem}; export the model again.",
                num_blocks=sizes.num_blocks,
                claimed=claimed,
                num_patches=sizes.num_patches,
                most=MAX_TOKENS,
                count=len(blocks),
                stem=tuple(stem),
            )
        )
    check_bounds(sizes)


def _check_shapes(network: MetaFormer, weights: dict[str, Tensor]) -> None:
    expected = {name: value.shape for name, value in network.state_dict().items()}
    for name in sorted({*expected, *weights}):
        has = tuple(weights[name].shape) if name in weights else noted("missing")
        wanted = tuple(expected[name]) if name in expected else noted("not a part of it")
        if has != wanted:
            mixer = network.metaformer_config.token_mixer
            raise CheckpointError(
                noted(
                    "In a network with {mixer!r}, {name} is {wanted}, but in this file {has}; export the model again.",
                    mixer=mixer,
                    name=name[:80],
                    wanted=wanted,
                    has=has,
                )
            )
