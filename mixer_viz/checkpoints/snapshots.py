"""Token-mixing weights of a bundled model at several moments of its training.

They lie in `assets/<stem>_snapshots` and are listed in the model's card `assets/<stem>.json` under "snapshots". To be
small, a matrix is kept as 8-bit whole numbers, each row with a scale of its own: a picture of it does not change. Where
even that is too large, the matrices of token mixing are rounded in steps of 0.4 standard deviations of their row and
packed without loss (3.3 bits each): what is off is at most 0.2 standard deviations.
"""

from __future__ import annotations

import dataclasses
import lzma
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mixer_viz.checkpoints.build import to_float32
from mixer_viz.checkpoints.bundled import bundled_models
from mixer_viz.checkpoints.errors import CheckpointError
from mixer_viz.checkpoints.formats.files import read_weights
from mixer_viz.checkpoints.preparation import parse_json_object, read_side_file
from mixer_viz.language import noted

_SCALE = ".scale"  # behind the name of what it scales
_PACKED = ".packed"  # behind the name of a matrix
_LARGEST = 127
STEP = 0.4  # standard deviations of a row
_MOST_NUMBERS = 2**26  # of one packed matrix: a file cannot fill the memory


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """One saved moment of a training that went in stages, counted from 1."""

    model: str  # name of the bundled model
    stage: int
    epoch: int  # epochs done in this stage; 0 is its start, before the first step
    accuracy: float | None  # in percent, as the training measured it then; None where it did not
    label: str  # for people, noted: "stage 2, epoch 5"; without the stage when there is but one
    path: Path
    says_nothing: bool = False  # its classifier is zero, so every class is as probable
    coarse_accuracy: float | None = None  # in percent, of the network in few bits that the file holds (`coarse`)
    whole_accuracy: float | None = None  # the same of the network as it was, on the same images
    measured_on: int = 0  # so many test images


def snapshots_of(model_name: str) -> list[Snapshot]:
    """The snapshots of a bundled model, first to last; empty for a model that has none or is not bundled.

    Raises CheckpointError for a card that lists them wrongly, or a listed file that is not there.
    """
    weights = next((model.path for model in bundled_models() if model.name == model_name), None)
    if weights is None:
        return []
    entries = parse_json_object(read_side_file(weights.with_suffix(".json"))).get("snapshots", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise CheckpointError(
            noted("The model card of {name} has no list of entries as 'snapshots'; correct it.", name=weights.name)
        )
    several = len({entry.get("stage") for entry in entries}) > 1
    found = [_snapshot(entry, model_name, weights, several) for entry in entries]
    return sorted(found, key=lambda snapshot: (snapshot.stage, snapshot.epoch))


def read_snapshot(snapshot: Snapshot) -> dict[str, np.ndarray]:
    """Its arrays as float32 under the names of `MlpMixer`: `blocks.i.token_mixing.fc1.weight` and so on.

    `analysis.token_mixing.weights_from_tensors` takes them. Raises CheckpointError when the file cannot be used.
    """
    tensors = {name: value for name, value in read_weights(snapshot.path).tensors.items() if not is_coarse(name)}
    try:
        unpacked = unpack_rows(tensors)
    except (RuntimeError, ValueError) as exc:
        raise CheckpointError(
            noted("The scales in {name} do not fit its weights; export it again.", name=snapshot.path.name)
        ) from exc
    return {name: to_float32(name, value).numpy() for name, value in unpacked.items()}


def is_coarse(name: str) -> bool:
    """Whether a tensor is part of the network in few bits, which `coarse` reads."""
    return name.startswith("coarse.")


def pack_rows(tensors: Mapping[str, Tensor], *, small: bool = False) -> dict[str, Tensor]:
    """Matrices and filters as int8 with one float32 scale per row (the first axis) beside them; vectors as they are.

    The largest value of a row becomes 127, so what is off is at most 1 / 254 of it. `small`: matrices in steps of STEP,
    as bytes that lzma has packed.
    """
    packed = {}
    for name, value in tensors.items():
        if value.ndim < 2:
            packed[name] = value
            continue
        rows, is_small = value.float().flatten(1), small and value.ndim == 2
        scale = STEP * rows.square().mean(dim=1).sqrt() if is_small else rows.abs().amax(dim=1) / _LARGEST
        whole = torch.round(rows / torch.where(scale == 0, 1.0, scale)[:, None]).clamp(-_LARGEST, _LARGEST)
        packed[name + _SCALE] = scale
        if is_small:
            data = lzma.compress(whole.to(torch.int8).numpy().tobytes(), preset=9)
            packed[name + _PACKED] = torch.frombuffer(bytearray(data), dtype=torch.uint8)
        else:
            packed[name] = whole.to(torch.int8).reshape(value.shape)
    return packed


def unpack_rows(packed: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What `pack_rows` was given, as float32 where it packed; other tensors are passed on.

    Raises ValueError or RuntimeError where scales and numbers do not fit together.
    """
    tensors = {
        name.removesuffix(_PACKED): _unpacked(name, value, packed) if name.endswith(_PACKED) else value
        for name, value in packed.items()
    }
    scales = {name.removesuffix(_SCALE): value for name, value in tensors.items() if name.endswith(_SCALE)}
    plain = {name: value for name, value in tensors.items() if not name.endswith(_SCALE)}
    return {
        name: value.float() * scales[name].reshape(-1, *[1] * (value.ndim - 1)) if name in scales else value
        for name, value in plain.items()
    }


def _unpacked(name: str, value: Tensor, packed: Mapping[str, Tensor]) -> Tensor:
    rows = packed.get(name.removesuffix(_PACKED) + _SCALE, torch.empty(0)).shape[0]
    try:
        data = lzma.LZMADecompressor().decompress(value.numpy().tobytes(), max_length=_MOST_NUMBERS)
    except lzma.LZMAError as exc:
        raise ValueError(f"{name} is damaged") from exc
    if not rows or not data or len(data) % rows:
        raise ValueError(f"{name} has {len(data)} numbers for {rows} rows")
    return torch.from_numpy(np.frombuffer(data, np.int8).copy()).reshape(rows, -1)


def _snapshot(entry: Mapping[str, Any], model_name: str, weights: Path, several: bool) -> Snapshot:
    stage, epoch, accuracy, file = (entry.get(key) for key in ("stage", "epoch", "accuracy", "file"))
    if type(stage) is not int or type(epoch) is not int or type(accuracy) not in (int, float, type(None)):
        raise CheckpointError(
            noted(
                "The model card of {name} lists a snapshot without whole numbers as 'stage' and 'epoch' "
                "and a number or null as 'accuracy'; correct the card.",
                name=weights.name,
            )
        )
    path = weights.parent / str(file)
    if not isinstance(file, str) or not path.is_file():
        raise CheckpointError(
            noted(
                "The model card of {name} lists the snapshot {file!r}, which is not there; "
                "correct the card or add the file.",
                name=weights.name,
                file=str(file)[:80],
            )
        )
    moment = noted("epoch {epoch}", epoch=epoch) if epoch else noted("start")
    label = noted("stage {stage}, {moment}", stage=stage, moment=moment) if several else moment
    return Snapshot(model_name, stage, epoch, accuracy, label, path, **_network(entry, weights))


def _network(entry: Mapping[str, Any], weights: Path) -> dict[str, Any]:
    """What the card says of the network in few bits, if the moment has one."""
    said = entry.get("network", {})
    numbers = ("coarse_accuracy", "whole_accuracy", "measured_on")
    if not isinstance(said, dict) or not all(type(said.get(name, 0)) in (int, float) for name in numbers):
        raise CheckpointError(
            noted("The model card of {name} has a 'network' without numbers; correct the card.", name=weights.name)
        )
    known = {name: said[name] for name in numbers if name in said}
    return known | {"says_nothing": bool(entry.get("says_nothing", False))}
