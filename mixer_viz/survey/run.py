"""One process's share of a survey: chunk by chunk, saved on the way, taken up again exactly where it stopped."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from mixer_viz.analysis.chunks import Cancelled, ChunkedPasses, Progress
from mixer_viz.images import normalise
from mixer_viz.model import MlpMixer
from mixer_viz.survey import closer, statistics
from mixer_viz.survey.folder import Pictures, add_content, batches, read_crop
from mixer_viz.survey.passes import chunk_values


class SurveyError(ValueError):
    """What keeps a survey from running, in one sentence for the user."""


@dataclasses.dataclass(frozen=True)
class Share:
    """What one of several processes does, and with what; all that is in `identity` must be alike to go on."""

    rank: int
    world_size: int
    chunk: int
    workers: int
    save_seconds: float
    model: str  # its name
    weights: str  # `weights_hash` of it
    closer: closer.CloserPlan

    def numbers(self, count: int) -> list[int]:
        """The pictures of this share, ascending."""
        return list(range(self.rank, count, self.world_size))

    def identity(self, pictures: Pictures) -> str:
        """What a saved state belongs to."""
        return json.dumps(
            [
                *(self.rank, self.world_size, self.chunk, self.model, self.weights, pictures.fingerprint()),
                *(self.closer.pictures.tolist(), self.closer.methods),
            ]
        )


@dataclasses.dataclass
class _Progress:
    position: int = 0  # files of the share that are done
    content: int = 0


def run_share(
    model: MlpMixer,
    pictures: Pictures,
    share: Share,
    state_file: Path | None,
    *,
    resume: bool = False,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> tuple[dict[str, np.ndarray], int]:
    """All that this share finds out, and its sum of content hashes; saved on the way where there is a file for it.

    Raises SurveyError when `resume` finds a state of another survey, AnalysisCancelled when told to stop.
    """
    plan = statistics.Plan.of(model.config, pictures)
    state, at = _begin(model, pictures, share, plan, state_file, resume)
    numbers = share.numbers(len(pictures.names))
    rows = [row for row in range(len(share.closer.pictures)) if row % share.world_size == share.rank]
    passes = ChunkedPasses(share.chunk, len(numbers) + len(rows), progress, cancelled)
    device, saved = model.stem.weight.device, time.monotonic()
    accumulator = statistics.Accumulator(plan, {n: v for n, v in state.items() if not _is_closer(n)}, device)
    close = {name: value for name, value in state.items() if _is_closer(name)}

    def save() -> None:
        if state_file is not None:
            _save(state_file, accumulator.state() | close, at, share.identity(pictures))

    passes.count(at.position)
    for batch in batches(pictures, numbers[at.position :], share.chunk, model.config, share.workers):
        passes.check_cancelled()
        if len(batch.numbers):
            accumulator.add(batch.numbers, chunk_values(model, normalise(batch.images, model.config).to(device)))
        accumulator.skip(batch.unreadable)
        done = len(batch.numbers) + len(batch.unreadable)
        at.position, at.content = at.position + done, add_content(at.content, batch.content)
        passes.count(done)
        if time.monotonic() - saved >= share.save_seconds:
            save()
            saved = time.monotonic()
    for row in rows:
        passes.check_cancelled()
        if not close["closer.done"][row]:
            _closer_look(model, pictures, share, close, row, lambda: passes.count(0))
            if time.monotonic() - saved >= share.save_seconds:
                save()
                saved = time.monotonic()
        passes.count(1)
    save()
    return accumulator.state() | close, at.content


def _closer_look(
    model: MlpMixer,
    pictures: Pictures,
    share: Share,
    close: dict[str, np.ndarray],
    row: int,
    between: Callable[[], None],
) -> None:
    crop, _ = read_crop(pictures, int(share.closer.pictures[row]), model.config)
    if crop is not None:
        pixels = normalise(crop, model.config).to(model.stem.weight.device)
        closer.add_closer(model, share.closer, close, row, pixels, between)


def _begin(
    model: MlpMixer, pictures: Pictures, share: Share, plan: statistics.Plan, state_file: Path | None, resume: bool
) -> tuple[dict[str, np.ndarray], _Progress]:
    empty = statistics.empty_state(plan) | closer.empty_closer(model.config, share.closer)
    if not resume or state_file is None or not state_file.is_file():
        return empty, _Progress()
    try:
        with np.load(state_file, allow_pickle=False) as file:
            state = {name: file[name] for name in file.files}
        identity, at = str(state.pop("identity")), _Progress(int(state.pop("position")), int(str(state.pop("content"))))
    except (OSError, KeyError, ValueError, EOFError) as exc:
        raise SurveyError(f"The file {state_file.name} is damaged; start again without --resume.") from exc
    if identity != share.identity(pictures) or {n: v.shape for n, v in state.items()} != {
        n: v.shape for n, v in empty.items()
    }:
        raise SurveyError(
            "The survey in --out was begun with another model, other pictures, another number of processes or other "
            "options; give the same ones, or start again without --resume."
        )
    return state, at


def _save(file: Path, state: dict[str, np.ndarray], at: _Progress, identity: str) -> None:
    """Written beside and moved into place, so that whoever is killed leaves a whole file."""
    part = file.with_suffix(".part")
    with part.open("wb") as target:
        extra = {
            "position": np.array(at.position),
            "content": np.array(str(at.content)),
            "identity": np.array(identity),
        }
        np.savez(target, allow_pickle=False, **state, **extra)
        target.flush()
        os.fsync(target.fileno())
    part.replace(file)


def _is_closer(name: str) -> bool:
    return name.startswith(("closer.", "jacobian.", "field.", "effect.", "attribution"))


def merge_shares(shares: list[tuple[dict[str, np.ndarray], int]]) -> tuple[dict[str, np.ndarray], int]:
    """What several shares found, as one."""
    states = [state for state, _ in shares]
    parts: list[Callable[[str], bool]] = [lambda name: not _is_closer(name), _is_closer]
    first, second = ([{n: v for n, v in state.items() if part(n)} for state in states] for part in parts)
    content = 0
    for _, each in shares:
        content = add_content(content, each)
    return statistics.merged(first) | closer.merged_closer(second), content


def weights_hash(model: MlpMixer) -> str:
    """SHA-256 of all weights by their names and shapes, so that no survey is taken for one of others."""
    digest = hashlib.sha256()
    for name, parameter in model.named_parameters():
        digest.update(f"{name} {tuple(parameter.shape)} {parameter.dtype}\n".encode())
        digest.update(parameter.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
