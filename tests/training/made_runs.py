"""Runs small enough for a test: 8 x 8 pixels, two blocks, four steps of eight images per epoch, eight held out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from mixer_viz.training.cli import main
from mixer_viz.training.loop import Trainer
from mixer_viz.training.recipe import Recipe
from mixer_viz.training.state import read_checkpoint

SIZES: dict[str, Any] = {
    "image_size": 8,
    "patch_size": 2,
    "embed_dim": 12,
    "num_blocks": 2,
    "tokens_mlp_dim": 10,
    "channels_mlp_dim": 14,
}
TINY: dict[str, Any] = {
    **SIZES,
    "epochs": 4,
    "batch_size": 8,
    "lr": 1e-2,
    "warmup_epochs": 1.0,
    "ema_decay": 0.8,
    "precision": "fp32",
    "validation_share": 0.2,
}
RECIPE = Recipe(**TINY)
CLASSES = ("lower", "upper")


def write_tree(
    root: Path,
    test: str | None = "test",
    classes: tuple[str, ...] = CLASSES,
    count: int = 20,
    size: int = 8,
) -> Path:
    """PNGs of classes that a glance tells apart, the lower half bright or the upper one; every picture has its noise.

    `test=None` writes a plain tree, without train and test folders. Returns `root`.
    """
    random = np.random.default_rng(0)
    for part in [root] if test is None else [root / "train", root / test]:
        for index, class_name in enumerate(classes):
            (part / class_name).mkdir(parents=True)
            for number in range(count):
                pixels = random.integers(0, 100, (size, size, 3))
                half = slice(0, size // 2) if index % 2 else slice(size // 2, size)
                pixels[half] += 150
                Image.fromarray(pixels.astype(np.uint8)).save(part / class_name / f"{number:02}.png")
    return root


def arguments(data: object, out: Path, workers: int = 0, **changes: Any) -> list[str]:
    """The command line of a tiny run on the CPU; `changes` are recipe values."""
    values = {**TINY, **changes}
    options = [f"--{name.replace('_', '-')}={value}" for name, value in values.items() if not isinstance(value, bool)]
    switches = [
        f"--{'' if value else 'no-'}{name.replace('_', '-')}"
        for name, value in values.items()
        if isinstance(value, bool)
    ]
    return [f"--data={data}", f"--out={out}", "--device=cpu", f"--workers={workers}", "--quiet", *options, *switches]


def resume(data: object, out: Path, workers: int = 0, *more: str) -> int:
    return main(
        [f"--data={data}", f"--out={out}", "--device=cpu", f"--workers={workers}", "--quiet", "--resume", *more]
    )


def stop_after(steps: int, monkeypatch: Any) -> None:
    """Every run asks itself to stop once it has done so many steps, as a signal would."""
    done = 0
    train_step = Trainer._train_step

    def counted(trainer: Trainer, *batch: Any) -> Any:
        nonlocal done
        done += 1
        trainer.stop_requested = trainer.stop_requested or done >= steps
        return train_step(trainer, *batch)

    monkeypatch.setattr(Trainer, "_train_step", counted)


def differing(first: Any, second: Any, path: str = "") -> list[str]:
    """Where two nested states differ, bit for bit."""
    if isinstance(first, torch.Tensor) and isinstance(second, torch.Tensor):
        return [] if first.dtype == second.dtype and torch.equal(first, second) else [path]
    if isinstance(first, dict) and isinstance(second, dict):
        if first.keys() != second.keys():
            return [f"{path}: {sorted(map(str, first.keys() ^ second.keys()))}"]
        return [at for key in first for at in differing(first[key], second[key], f"{path}/{key}")]
    if isinstance(first, list | tuple) and isinstance(second, list | tuple) and len(first) == len(second):
        pairs = zip(first, second, strict=True)
        return [at for index, (a, b) in enumerate(pairs) for at in differing(a, b, f"{path}/{index}")]
    return [] if first == second else [path]


def differing_runs(first: Path, second: Path) -> list[str]:
    """Where the checkpoints of two run folders differ: weights, averages, optimiser, schedule, generators, position."""
    return differing(read_checkpoint(first), read_checkpoint(second))
