"""Turns a finished training run into a bundled model with its card; every figure of the card is measured here.

    python benchmarks/write_card.py --run runs/a --data data --name mixer_cifar10 --hardware "2 CPU cores"

Writes `<name>.safetensors` (half precision), `<name>.json`, `<name>.md` and `<name>_snapshots/` into `assets/`.
"""

# ruff: noqa: E402 (the project's root has to be on the path first)
from __future__ import annotations

import argparse
import csv
import dataclasses
import datetime
import json
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

from bundled_model import count_correct, structure_figures
from card_text import card_text

from mixer_viz.checkpoints import load_model, save_model
from mixer_viz.checkpoints.bundled import ASSETS_DIR
from mixer_viz.training.cli import build_parser
from mixer_viz.training.recipe import Recipe
from mixer_viz.training.state import FINAL, LOG, SNAPSHOTS, read_checkpoint

SNAPSHOT_EPOCHS = (0, 1, 2, 5, 10, 20)  # and the last one
DATA = "CIFAR-10 (JPEG copies, quality 75)"


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 2, with a sentence, when the run is not finished or the data do not fit it."""
    options = parse(arguments)
    try:
        card = write(options)
    except ValueError as exc:
        print(f"error: {exc}", file=sys.stderr)
        return 2
    shown = ("name", "accuracy", "test_images", "duration", "command", "structure")
    print(json.dumps({key: card[key] for key in shown}, indent=2))
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Make a finished run a bundled model, with its card.")
    parser.add_argument("--run", type=Path, required=True, metavar="DIR", help="the --out folder of the training")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder that has test/<class>/*")
    parser.add_argument("--name", required=True, help="what load_model will call it, e.g. mixer_cifar10")
    parser.add_argument("--hardware", required=True, help="what it was trained on, in words")
    parser.add_argument("--data-text", default=DATA, help=f"what it was trained on, in words (default {DATA})")
    parser.add_argument("--command", help="the training command, if it was not the recipe's options in plain order")
    parser.add_argument("--first-stage", type=Path, metavar="DIR", help="the run that --init-from started from")
    parser.add_argument("--assets", type=Path, default=ASSETS_DIR, metavar="DIR", help="where the files go")
    return parser.parse_args(arguments)


def write(options: argparse.Namespace) -> dict[str, Any]:
    """Write the weights, the snapshots and both cards; returns the card. Raises ValueError before writing anything."""
    state = read_checkpoint(options.run)
    recipe = public_recipe(state)
    if state["epoch"] < recipe.epochs or not (options.run / FINAL).is_file():
        raise ValueError(f"The run has done {state['epoch']} of {recipe.epochs} epochs; finish it with --resume first.")
    command = checked_command(options.command or command_of(recipe), recipe)
    log = read_log(options.run / LOG)
    first = first_stage(options.first_stage, recipe)
    snapshots = find_snapshots(options.run / SNAPSHOTS, recipe.epochs)
    options.assets.mkdir(parents=True, exist_ok=True)
    weights = options.assets / f"{options.name}.safetensors"
    save_model(load_model(options.run / FINAL, "cpu"), weights, dtype=torch.float16)
    weights.chmod(0o644)  # safetensors writes for the owner alone, but a served app may run as somebody else
    card = {
        **measured(weights, options.data / "test", options.name, options.data_text),
        "accuracy_before_rounding": round(float(log[-1]["test_accuracy"]), 2),
        "data": options.data_text,
        "epochs": recipe.epochs,
        "recipe": recipe.as_dict(),
        "command": command,
        "precision": state["precision"],
        "hardware": options.hardware,
        "duration": in_words(first["seconds"] + seconds_of(log)),
        "first_stage": {key: value for key, value in first.items() if key != "seconds"},
        "date": datetime.date.fromtimestamp((options.run / FINAL).stat().st_mtime).isoformat(),
        "snapshots": copy_snapshots(snapshots, options.assets / f"{options.name}_snapshots", log),
    }
    weights.with_suffix(".json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    weights.with_suffix(".md").write_text(card_text(card), encoding="utf-8")
    return card


def public_recipe(state: dict[str, Any]) -> Recipe:
    """The recipe with the first stage's folder by its name alone, not by its place on this computer."""
    recipe = Recipe(**state["recipe"])
    return dataclasses.replace(recipe, init_from=Path(recipe.init_from).name)


def first_stage(run: Path | None, recipe: Recipe) -> dict[str, Any]:
    """Command, recipe, epochs, accuracy and seconds of the run that this one started from; only seconds if none."""
    if run is None and not recipe.init_from:
        return {"seconds": 0.0}
    if run is None or run.name != recipe.init_from:
        raise ValueError(f"The run started from {recipe.init_from!r}; name that folder with --first-stage.")
    state, log = read_checkpoint(run), read_log(run / LOG)
    done = [row for row in log if int(row["epoch"]) <= state["epoch"]]
    first = public_recipe(state)
    return {
        "command": command_of(first),
        "recipe": first.as_dict(),
        "epochs_done": state["epoch"],
        "accuracy": round(float(done[-1]["test_accuracy"]), 2),
        "seconds": seconds_of(done),
    }


def seconds_of(log: list[dict[str, str]]) -> float:
    return sum(float(row["seconds"]) for row in log)


def measured(weights: Path, test: Path, name: str, data_text: str) -> dict[str, Any]:
    """What the weight file itself tells, loaded as anyone loads it."""
    model = load_model(weights, "cpu")
    correct, count = count_correct(model, test)
    config = model.config
    return {
        "name": name,
        "description": f"Mixer with {config.num_blocks} blocks for {config.image_size} x {config.image_size} images, "
        f"trained with this project on {data_text.partition(' (')[0]}",
        "accuracy": round(100 * correct / count, 2),
        "accuracy_note": f"top-1 on {count:,} test images of {data_text}, half-precision weights, float32 arithmetic",
        "test_images": count,
        "correct": correct,
        "class_names": list(config.class_names or ()),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "file_bytes": weights.stat().st_size,
        "structure": structure_figures(model),
    }


def command_of(recipe: Recipe) -> str:
    """The command that gives this recipe: the options that differ from the defaults, in the recipe's order."""
    words = ["python", "-m", "mixer_viz.training", "--data", "DIR", "--out", "DIR"]
    defaults = Recipe().as_dict()
    for name, value in recipe.as_dict().items():
        option = name.replace("_", "-")
        if value == defaults[name]:
            continue
        words += [f"--{'' if value else 'no-'}{option}"] if isinstance(value, bool) else [f"--{option}", str(value)]
    return shlex.join(words)


def checked_command(command: str, recipe: Recipe) -> str:
    """`command`, when parsing it gives `recipe`; raises ValueError when it would train something else."""
    _, _, text = command.partition("mixer_viz.training ")
    given = vars(build_parser().parse_args(shlex.split(text)))
    named = {name: given[name] for name in recipe.as_dict() if name in given}
    differing = [name for name, value in Recipe(**named).as_dict().items() if value != getattr(recipe, name)]
    if differing:
        raise ValueError(f"The command does not give the run's recipe; it differs in {', '.join(differing)}.")
    return command


def read_log(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def find_snapshots(folder: Path, last: int) -> dict[int, Path]:
    """Epoch -> snapshot, for the epochs that the card shows; raises ValueError when one is missing."""
    epochs = sorted({epoch for epoch in SNAPSHOT_EPOCHS if epoch < last} | {last})
    found = {epoch: folder / f"epoch-{epoch:04d}.safetensors" for epoch in epochs}
    missing = [path.name for path in found.values() if not path.is_file()]
    if missing:
        raise ValueError(f"The run has no {', '.join(missing)} in {folder}.")
    return found


def copy_snapshots(snapshots: dict[int, Path], folder: Path, log: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Fill `folder`, without what an earlier run left there; one entry per file, in the order of the epochs."""
    accuracy = {int(row["epoch"]): round(float(row["test_accuracy"]), 2) for row in log}
    folder.mkdir(exist_ok=True)
    for old in folder.glob("epoch-*.safetensors"):
        old.unlink()
    for path in snapshots.values():
        shutil.copyfile(path, folder / path.name)
    return [
        {"epoch": epoch, "file": f"{folder.name}/{path.name}", "accuracy": accuracy.get(epoch)}
        for epoch, path in snapshots.items()
    ]


def in_words(seconds: float) -> str:
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


if __name__ == "__main__":
    raise SystemExit(main())
