"""Token-mixing weights of a bundled model at several moments of its training.

They lie in `assets/<stem>_snapshots` and are listed in the model's card `assets/<stem>.json` under "snapshots".
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mixer_viz.checkpoints.build import to_float32
from mixer_viz.checkpoints.bundled import bundled_models
from mixer_viz.checkpoints.errors import CheckpointError
from mixer_viz.checkpoints.formats.files import read_weights
from mixer_viz.checkpoints.preparation import parse_json_object, read_side_file


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """One saved moment of a training that went in stages, counted from 1."""

    model: str  # name of the bundled model
    stage: int
    epoch: int  # epochs done in this stage; 0 is its start, before the first step
    accuracy: float | None  # in percent, as the training measured it then; None where it did not
    label: str  # for people: "stage 2, epoch 5"; without the stage when there is but one
    path: Path


def snapshots_of(model_name: str) -> list[Snapshot]:
    """The snapshots of a bundled model, first to last; empty for a model that has none or is not bundled.

    Raises CheckpointError for a card that lists them wrongly, or a listed file that is not there.
    """
    weights = next((model.path for model in bundled_models() if model.name == model_name), None)
    if weights is None:
        return []
    entries = parse_json_object(read_side_file(weights.with_suffix(".json"))).get("snapshots", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise CheckpointError(f"The model card of {weights.name} has no list of entries as 'snapshots'; correct it.")
    several = len({entry.get("stage") for entry in entries}) > 1
    found = [_snapshot(entry, model_name, weights, several) for entry in entries]
    return sorted(found, key=lambda snapshot: (snapshot.stage, snapshot.epoch))


def read_snapshot(snapshot: Snapshot) -> dict[str, np.ndarray]:
    """Its arrays as float32 under the names of `MlpMixer`: `blocks.i.token_mixing.fc1.weight` and so on.

    `analysis.token_mixing.weights_from_tensors` takes them. Raises CheckpointError when the file cannot be used.
    """
    tensors = read_weights(snapshot.path).tensors
    return {name: to_float32(name, value).numpy() for name, value in tensors.items()}


def _snapshot(entry: Mapping[str, Any], model_name: str, weights: Path, several: bool) -> Snapshot:
    stage, epoch, accuracy, file = (entry.get(key) for key in ("stage", "epoch", "accuracy", "file"))
    if type(stage) is not int or type(epoch) is not int or type(accuracy) not in (int, float, type(None)):
        raise CheckpointError(
            f"The model card of {weights.name} lists a snapshot without whole numbers as 'stage' and 'epoch' "
            "and a number or null as 'accuracy'; correct the card."
        )
    path = weights.parent / str(file)
    if not isinstance(file, str) or not path.is_file():
        raise CheckpointError(
            f"The model card of {weights.name} lists the snapshot {str(file)[:80]!r}, which is not there; "
            "correct the card or add the file."
        )
    moment = f"epoch {epoch}" if epoch else "start"
    return Snapshot(model_name, stage, epoch, accuracy, f"stage {stage}, {moment}" if several else moment, path)
