"""Whole networks of a few moments of a training, in few bits beside the snapshots that the pages show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from mixer_viz.checkpoints.coarse import network_of, pack_coarse
from mixer_viz.checkpoints.snapshots import Snapshot
from mixer_viz.model import MixerConfig, MlpMixer
from mixer_viz.training.cards.measure import class_folders, logits_of

NUM_NETWORKS = 2  # between the start, which says nothing yet, and the end, which is the model itself
_IMAGES_OF_A_CLASS = 200


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
