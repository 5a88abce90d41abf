"""A whole network in few bits, to hear what it said at a moment of its training; beside the rows of `snapshots`.

The channel-mixing matrices, which are most of a Mixer, are rounded to whole numbers in steps of 0.9 standard
deviations of their row and then packed without loss, as most of these numbers are 0, 1 or -1: 2.5 bits each. The
answers change a little, so whoever shows them says how good the rounded network is.
"""

from __future__ import annotations

import dataclasses
import lzma
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from mixer_viz.checkpoints.errors import CheckpointError
from mixer_viz.checkpoints.formats.files import read_weights
from mixer_viz.checkpoints.snapshots import Snapshot, is_coarse, unpack_rows
from mixer_viz.language import noted
from mixer_viz.model import MixerConfig, MlpMixer

STEP = 0.9  # standard deviations of a row
_LARGEST = 127
_VALUES, _SCALES, _PLAIN = "coarse.values", "coarse.scales", "coarse.plain."


def pack_coarse(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What `pack_rows` does not hold of a network: channel mixing in few bits, all small tensors in half precision."""
    values, scales, packed = [], [], {}
    for name in sorted(tensors):
        if _is_rounded(name):
            rows = tensors[name].float()
            scale = (STEP * rows.square().mean(dim=1).sqrt()).half().float()
            whole = torch.round(rows / torch.where(scale == 0, 1.0, scale)[:, None]).clamp(-_LARGEST, _LARGEST)
            values.append(whole.to(torch.int8).flatten())
            scales.append(scale.half())
        elif not _is_of_rows(name):
            packed[_PLAIN + name] = tensors[name].half()
    data = lzma.compress(torch.cat(values).numpy().tobytes(), preset=9)
    return {**packed, _VALUES: torch.tensor(list(data), dtype=torch.uint8), _SCALES: torch.cat(scales)}


def network_of(snapshot: Snapshot, config: MixerConfig) -> MlpMixer | None:
    """The network of a moment, in eval mode on the CPU; None where it was not kept.

    `config` is that of the network it became, which may have got more hidden units of channel mixing since. Raises
    CheckpointError when the file cannot be used, or is of another network.
    """
    tensors = read_weights(snapshot.path).tensors
    if not any(is_coarse(name) for name in tensors):
        return None
    had = tensors.get(f"{_PLAIN}blocks.0.channel_mixing.fc1.bias", torch.empty(0)).numel()
    if 0 < had < config.channels_mlp_dim:
        config = dataclasses.replace(config, channels_mlp_dim=had)
    with torch.device("meta"):
        model = MlpMixer(config)
    shapes = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    try:
        rows = unpack_rows({name: value for name, value in tensors.items() if not is_coarse(name)})
        rounded = [name for name in sorted(shapes) if _is_rounded(name)]
        weights = rows | _unpacked(tensors, rounded, shapes)
        model.load_state_dict({name: weights[name].float() for name in shapes}, assign=True)
    except (RuntimeError, ValueError, KeyError, lzma.LZMAError) as exc:
        raise CheckpointError(
            noted("The network in {name} does not fit the model; export it again.", name=snapshot.path.name)
        ) from exc
    return model.eval().requires_grad_(False)


def _unpacked(
    tensors: Mapping[str, Tensor], rounded: Sequence[str], shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, Tensor]:
    sizes = [int(np.prod(shapes[name])) for name in rounded]
    unpacker = lzma.LZMADecompressor()
    data = unpacker.decompress(
        tensors[_VALUES].numpy().tobytes(), max_length=sum(sizes)
    )  # a file cannot fill the memory
    values = torch.from_numpy(np.frombuffer(data, np.int8).copy()).split(sizes)
    scales = tensors[_SCALES].float().split([shapes[name][0] for name in rounded])
    matrices = {
        name: value.reshape(shapes[name]) * scale[:, None]
        for name, value, scale in zip(rounded, values, scales, strict=True)
    }
    plain = {name.removeprefix(_PLAIN): value for name, value in tensors.items() if name.startswith(_PLAIN)}
    return matrices | plain


def _is_rounded(name: str) -> bool:
    return ".channel_mixing." in name and name.endswith(".weight")


def _is_of_rows(name: str) -> bool:
    """Whether the snapshot has it anyway, as the pages show it."""
    return ".token_mixing." in name or name == "stem.weight"
