"""What a run leaves on disk: a checkpoint to resume from, small snapshots, the log, the finished model."""

from __future__ import annotations

import csv
import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mixer_viz.checkpoints import load_model
from mixer_viz.checkpoints.formats.own_format import CONFIG_KEY, save_weights
from mixer_viz.checkpoints.formats.writing import whole_file
from mixer_viz.checkpoints.networks import AnyNetwork, save_network
from mixer_viz.model import MixerConfig, MlpMixer

LAST = "last.pt"
FINAL = "model.safetensors"
LOG = "log.csv"
SNAPSHOTS = "snapshots"
RESULT = "result.json"
NUM_SNAPSHOTS = 16
CHECKPOINT_FORMAT = 2
CHECKPOINT_HOLDS = (  # besides the format
    "recipe",
    "class_names",
    "model",
    "averaged",
    "optimizers",
    "schedules",
    "teacher_sha256",
    "epoch",
    "step",
    "precision",
    "random",
)


def snapshot_epochs(epochs: int) -> set[int]:
    """After which epochs a snapshot is kept: the start, the end, and what lies evenly between them in log(epoch)."""
    for count in range(NUM_SNAPSHOTS, 4 * NUM_SNAPSHOTS):  # early ones fall together, so finer steps are needed
        chosen = {0, *(round(epochs ** (step / (count - 2))) for step in range(count - 1))}
        if len(chosen) >= min(NUM_SNAPSHOTS, epochs + 1):
            break
    return chosen


@dataclasses.dataclass(frozen=True)
class EpochResult:
    """One line of the log; accuracy in percent, measured with the averaged weights on the validation images.

    Both validation figures are nan where nothing was held out. `outside_share` is the part of `seconds` that passed
    outside of forward pass, backward pass and step: reading, augmenting, measuring.
    """

    epoch: int
    lr: float
    train_loss: float
    validation_loss: float
    validation_accuracy: float
    images_per_second: float
    seconds: float
    outside_share: float


class RunFolder:
    """The files of one run; every file appears at once or not at all, and none before `create`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def create(self) -> None:
        """Make the folder, if it is not there yet; raises ValueError in one sentence when that is not possible."""
        try:
            (self.path / SNAPSHOTS).mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise ValueError(f"{self.path} cannot be used as a folder; choose another --out.") from exc

    def save_checkpoint(self, state: dict[str, Any]) -> None:
        with whole_file(self.path / LAST) as part:
            torch.save({"format": CHECKPOINT_FORMAT, **state}, part)

    def save_final(self, model: AnyNetwork) -> None:
        save_network(model, self.path / FINAL)

    @property
    def has_result(self) -> bool:
        return (self.path / RESULT).is_file()

    def forget_result(self) -> None:
        """A run that begins anew takes nothing from one that was here before."""
        (self.path / RESULT).unlink(missing_ok=True)

    def save_result(self, result: dict[str, Any]) -> None:
        with whole_file(self.path / RESULT) as part:
            part.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")

    def save_snapshot(self, model: MlpMixer, epoch: int, accuracy: float | None) -> None:
        """The averaged weights in half precision, with their validation accuracy: a frame of the training's film."""
        metadata = {"epoch": str(epoch), CONFIG_KEY: model.config.to_json()}
        if accuracy is not None:
            metadata["validation_accuracy"] = f"{accuracy:.2f}"
        save_weights(model, self.path / SNAPSHOTS / f"epoch-{epoch:04d}.safetensors", torch.float16, metadata)

    def log(self, result: EpochResult) -> None:
        """Append one line; lines of this or later epochs, left by a run that was cut off, are dropped first."""
        path = self.path / LOG
        fields = [field.name for field in dataclasses.fields(EpochResult)]
        rows: list[dict[str, Any]] = []
        if path.exists():
            with path.open(newline="") as file:
                rows = [row for row in csv.DictReader(file) if int(row["epoch"]) < result.epoch]
        with whole_file(path) as part, part.open("w", newline="") as file:
            writer = csv.DictWriter(file, fields)
            writer.writeheader()
            writer.writerows([*rows, dataclasses.asdict(result)])


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The checkpoint of a run folder; raises ValueError in one sentence when there is none that can be resumed."""
    file = path / LAST
    if not file.exists():
        raise ValueError(f"There is nothing to resume in {path}: {LAST} is missing; start without --resume.")
    try:
        state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as exc:  # torch raises many types for a damaged file
        raise ValueError(f"{file} cannot be read; start again without --resume.") from exc
    if not isinstance(state, dict) or state.get("format") != CHECKPOINT_FORMAT:
        raise ValueError(f"{file} was written by another version; start again without --resume.")
    missing = [name for name in CHECKPOINT_HOLDS if name not in state]
    if missing:
        raise ValueError(f"{file} is no checkpoint of this command: it has no {missing[0]}; start without --resume.")
    return state


def read_weights(
    source: str,
    config: MixerConfig,
    *,
    without_token_mixing: bool = False,
    drawn: Mapping[str, Tensor] | None = None,
) -> dict[str, Tensor]:
    """The weights of a file, or the averaged ones of a run's folder; raises ValueError when they do not fit.

    Args:
        without_token_mixing: leave those of the token-mixing MLPs out, so that their D_S may be another one.
        drawn: initial weights of this run's network, whose channel mixing may have more hidden units than the source.
    """
    path = Path(source)
    if path.is_dir():
        averaged = read_checkpoint(path)["averaged"]
        weights = {name.removeprefix("module."): value for name, value in averaged.items() if name != "n_averaged"}
    else:
        weights = dict(load_model(path, "cpu").state_dict())
    if drawn is not None:
        weights = {name: _widened(name, value, drawn) for name, value in weights.items()}
    with torch.device("meta"):
        shapes = {name: value.shape for name, value in MlpMixer(config).state_dict().items()}
    if without_token_mixing:
        weights, shapes = ({k: v for k, v in each.items() if ".token_mixing." not in k} for each in (weights, shapes))
    if {name: value.shape for name, value in weights.items()} != shapes:
        raise ValueError(f"The weights in {source} have other sizes than this run; give it the sizes of theirs.")
    return weights


def _widened(name: str, value: Tensor, drawn: Mapping[str, Tensor]) -> Tensor:
    """A tensor of channel mixing with as many hidden units as `drawn` has; every other one as it is.

    A further unit reads what was drawn for it (W3) and writes nothing (W4 = 0), so that the network answers as before
    (Chen et al. 2016, Net2Net, arXiv 1511.05641, keep the function too, by copying units).
    """
    wanted = drawn.get(name)
    if wanted is None or ".channel_mixing." not in name or value.ndim != wanted.ndim:
        return value
    if ".fc1." in name:
        if value.shape[1:] != wanted.shape[1:]:
            return value  # another width of the network itself, which is refused with the rest
        return torch.cat([value, wanted[len(value) :].to(value)])
    further = max(0, wanted.shape[-1] - value.shape[-1]) if value.ndim == 2 else 0
    return nn.functional.pad(value, (0, further))


def random_state(loader_generator: torch.Generator) -> dict[str, Any]:
    """Every generator that decides how training goes on, on this process."""
    cuda = torch.cuda.get_rng_state() if torch.cuda.is_available() else None
    return {"torch": torch.get_rng_state(), "cuda": cuda, "loader": loader_generator.get_state()}


def restore_random_state(state: dict[str, Any]) -> None:
    """Put back the global generators; the loader's is set where the loader is opened."""
    torch.set_rng_state(state["torch"])
    if state["cuda"] is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])
