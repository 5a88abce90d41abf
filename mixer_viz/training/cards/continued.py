"""What a bundled model brings to the card of one that goes on from its weights: the runs before are long gone."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from mixer_viz.training.state import SNAPSHOTS


@dataclasses.dataclass(frozen=True)
class Continued:
    """Stages, teachers and snapshots as a card has them, each snapshot with its `path`; all empty for a new model."""

    start: str = ""  # what the first run has to have started from
    sha256: str = ""  # of that file; a run may learn from it as well
    stages: tuple[dict[str, Any], ...] = ()
    teachers: tuple[dict[str, Any], ...] = ()
    snapshots: tuple[dict[str, Any], ...] = ()


def read_continued(card_file: Path | None, run: Path) -> Continued:
    """The model of this JSON card, whose weights lie beside it and are those that `run` has started from.

    Raises ValueError, with a sentence, when they are others, or the file is no card.
    """
    if card_file is None:
        return Continued()
    weights = card_file.with_suffix(".safetensors")
    try:
        card = json.loads(card_file.read_text(encoding="utf-8"))
        sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
        before, started = load_file(weights), load_file(run / SNAPSHOTS / "epoch-0000.safetensors")
        snapshots = [entry | {"path": card_file.parent / entry["file"]} for entry in card["snapshots"]]
        stages, teachers = card["stages"], card.get("teachers", [])
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise ValueError(f"{card_file} is no card with weights and snapshots beside it: {exc}") from exc
    if started.keys() != before.keys() or not all(_began_as(started[name], value) for name, value in before.items()):
        raise ValueError(f"{run.name} did not start from the weights in {weights}; name the card of those that it did.")
    return Continued(weights.name, sha256, tuple(stages), tuple(teachers), tuple(snapshots))


def _began_as(started: torch.Tensor, before: torch.Tensor) -> bool:
    """Whether a tensor is the other one, which may have got more rows or columns: `widen_channel_mixing` adds them."""
    if started.ndim != before.ndim or any(now < then for now, then in zip(started.shape, before.shape, strict=True)):
        return False
    return torch.equal(started[tuple(map(slice, before.shape))].half(), before.half())
