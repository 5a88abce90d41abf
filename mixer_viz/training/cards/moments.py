"""The film of a training: snapshots of what the pages show, and whole networks of a few moments in few bits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save, save_file

from mixer_viz.checkpoints.coarse import network_of, pack_coarse
from mixer_viz.checkpoints.snapshots import Snapshot, pack_rows
from mixer_viz.model import MixerConfig, MlpMixer
from mixer_viz.training.cards.measure import class_folders, logits_of
from mixer_viz.training.cards.stages import find_snapshots

NUM_NETWORKS = 2  # between the start, which says nothing yet, and the end, which is the model itself
FILM_BYTES = 3_000_000  # of all files together, at most
_IMAGES_OF_A_CLASS = 200


def fitting(
    stages: list[dict[str, Any]], runs: list[Path], earlier: Sequence[dict[str, Any]] = ()
) -> list[dict[str, Any]]:
    """The snapshots of a film of at most FILM_BYTES, oldest first; each says whether it has to be packed small.

    Args:
        earlier: snapshots that are packed already, of the bundled model that the first run went on from.

    Raises ValueError when the first or the last one is missing.
    """
    found = find_snapshots(stages, runs, earlier)
    fresh = [snapshot for snapshot in found if not is_packed(snapshot)]
    ends = [load_file(fresh[place]["path"]) for place in (0, -1)]
    held = sum(snapshot["path"].stat().st_size for snapshot in found if is_packed(snapshot))
    networks = 0 if held else NUM_NETWORKS * max(len(save(pack_coarse(end))) for end in ends)
    room = FILM_BYTES - networks - held
    small = len(fresh) * max(len(save(pack_rows(_shown(end)))) for end in ends) > room
    if small:
        one = max(len(save(pack_rows(_shown(end), small=True))) for end in ends)
        found = find_snapshots(stages, runs, earlier, most=max(2, len(found) - len(fresh) + room // one))
    return [snapshot | {"small": small} for snapshot in found]


def is_packed(snapshot: dict[str, Any]) -> bool:
    """Whether it is one of a bundled model, rather than of a run."""
    return "file" in snapshot


def film(snapshots: list[dict[str, Any]], folder: Path, config: MixerConfig, test: Path) -> list[dict[str, Any]]:
    """Fill `folder` with what `fitting` has found, without what an earlier run left there; the card's entries."""
    entries = copy_snapshots(snapshots, folder)
    if any(map(is_packed, snapshots)):
        return entries  # with the networks that they hold
    return add_networks(entries, [snapshot["path"] for snapshot in snapshots], folder.parent, config, test)


def copy_snapshots(snapshots: list[dict[str, Any]], folder: Path) -> list[dict[str, Any]]:
    """The training's snapshots hold the whole network; what is shipped is what the pages show of them."""
    folder.mkdir(exist_ok=True)
    packed = [snapshot["path"].read_bytes() if is_packed(snapshot) else None for snapshot in snapshots]
    for old in folder.glob("*.safetensors"):
        old.unlink()
    entries = []
    for snapshot, data in zip(snapshots, packed, strict=True):
        name = f"stage-{snapshot['stage']}-epoch-{snapshot['epoch']:04d}.safetensors"
        if data is None:
            with safe_open(snapshot["path"], "pt") as file:
                metadata = file.metadata()
            data = save(pack_rows(_shown(load_file(snapshot["path"])), small=snapshot["small"]), metadata=metadata)
        (folder / name).write_bytes(data)
        (folder / name).chmod(0o644)  # as for the weights
        said = {key: value for key, value in snapshot.items() if key not in ("path", "small")}
        entries.append(said | {"file": f"{folder.name}/{name}"})
    return entries


def _shown(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The weights of token mixing and the patch-embedding filters."""
    return {name: value for name, value in tensors.items() if ".token_mixing." in name or name == "stem.weight"}


def add_networks(
    entries: list[dict[str, Any]], sources: list[Path], assets: Path, config: MixerConfig, test: Path
) -> list[dict[str, Any]]:
    """Put the networks of NUM_NETWORKS moments into their snapshots; the card's entries with what they are worth.

    Args:
        entries: of the card, as `copy_snapshots` returns them.
        sources: the snapshots of the run with the whole network, in the same order.
        test: folder of test images, of which the first 200 of each class tell how much the rounding costs.
    """
    done = [dict(entry) for entry in entries]
    start = load_file(sources[0])
    if not start["head.weight"].any() and not start["head.bias"].any():
        done[0]["says_nothing"] = True
    for place in _between([entry["accuracy"] for entry in entries], 100 / config.num_classes):
        path, tensors = assets / entries[place]["file"], load_file(sources[place])
        with safe_open(path, "pt") as file:
            metadata = file.metadata()
        save_file(load_file(path) | pack_coarse(tensors), path, metadata=metadata)
        path.chmod(0o644)
        coarse = network_of(Snapshot("", 1, 0, None, "", path), config)
        with torch.device("meta"):
            whole = MlpMixer(config)
        whole.load_state_dict({name: value.float() for name, value in tensors.items()}, assign=True)
        done[place]["network"] = _worth({"coarse": coarse, "whole": whole}, config, test)
    return done


def _between(accuracies: list[float | None], chance: float) -> list[int]:
    """Places of NUM_NETWORKS moments about evenly spaced in accuracy (percent), without the first and the last."""
    measured = {place: value for place, value in enumerate(accuracies[:-1]) if place and value is not None}
    last = accuracies[-1]
    if last is None or not measured:
        return []
    wanted = [chance + (last - chance) * (each + 1) / (NUM_NETWORKS + 1) for each in range(NUM_NETWORKS)]
    return sorted({min(measured, key=lambda place: abs(measured[place] - value)) for value in wanted})


def _worth(networks: dict[str, MlpMixer | None], config: MixerConfig, test: Path) -> dict[str, Any]:
    names = class_folders(config, test)
    groups = [sorted(path for path in (test / name).iterdir() if path.is_file())[:_IMAGES_OF_A_CLASS] for name in names]
    paths = [path for group in groups for path in group]
    labels = torch.tensor([label for label, group in enumerate(groups) for _ in group])
    found: dict[str, Any] = {"measured_on": len(paths)}
    for kind, network in networks.items():
        if network is not None:
            right = torch.from_numpy(logits_of(network.eval(), paths)).argmax(dim=1) == labels
            found[f"{kind}_accuracy"] = round(100 * float(right.float().mean()), 2)
    return found
