"""Turns a finished training run into a bundled model with its card, every figure of which is measured or read here.

    python -m mixer_viz.training.cards --run runs/a --data data --name mixer_cifar10 --hardware "2 CPU cores"

Writes `<name>.safetensors` (half precision), `<name>.json`, `<name>.md` and `<name>_snapshots/` into `assets/`.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import datetime
import hashlib
import json
import math
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from mixer_viz.checkpoints import load_model, save_model
from mixer_viz.checkpoints.bundled import ASSETS_DIR
from mixer_viz.training.cards.measure import check_classes, count_correct, structure_figures
from mixer_viz.training.cards.mixer_text import card_text
from mixer_viz.training.recipe import Recipe
from mixer_viz.training.state import FINAL, LOG, RESULT, SNAPSHOTS, read_checkpoint

DATA = "CIFAR-10 (JPEG copies, quality 75)"


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 2, with a sentence, when the run is not finished or the data do not fit it."""
    options = parse(arguments)
    try:
        card = write(options)
    except ValueError as exc:
        sys.stderr.write(f"error: {exc}\n")
        return 2
    shown = ("name", "accuracy", "test_images", "duration", "stages", "structure")
    sys.stdout.write(json.dumps({key: card[key] for key in shown}, indent=2) + "\n")
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m mixer_viz.training.cards", description="Make a finished run a bundled model, with its card."
    )
    parser.add_argument("--run", type=Path, required=True, metavar="DIR", help="the --out folder of the training")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder that has test/<class>/*")
    parser.add_argument("--name", required=True, help="what load_model will call it, e.g. mixer_cifar10")
    parser.add_argument("--hardware", required=True, help="what it was trained on, in words")
    parser.add_argument("--data-text", default=DATA, help=f"what it was trained on, in words (default {DATA})")
    parser.add_argument(
        "--earlier", type=Path, action="append", default=[], metavar="DIR", help="the runs before, in order"
    )
    parser.add_argument("--teacher-run", type=Path, metavar="DIR", help="the --out folder of the teacher's training")
    parser.add_argument("--assets", type=Path, default=ASSETS_DIR, metavar="DIR", help="where the files go")
    return parser.parse_args(arguments)


def write(options: argparse.Namespace) -> dict[str, Any]:
    """Write the weights, the snapshots and both cards; returns the card. Raises ValueError before writing anything."""
    check_finished(options.run)
    runs = [*options.earlier, options.run]
    stages = [stage_of(run) for run in runs]
    check_stages(stages)
    teacher = teacher_of(runs, options.teacher_run)
    snapshots = find_snapshots(stages, runs)
    check_classes(load_model(options.run / FINAL, "cpu").config, options.data / "test")
    options.assets.mkdir(parents=True, exist_ok=True)
    weights = options.assets / f"{options.name}.safetensors"
    save_model(load_model(options.run / FINAL, "cpu"), weights, dtype=torch.float16)
    weights.chmod(0o644)  # safetensors writes for the owner alone, but a served app may run as somebody else
    card = {
        **measured(weights, options.data / "test", options.name, options.data_text),
        "accuracy_before_rounding": stages[-1]["accuracy"],
        "data": options.data_text,
        "stages": stages,
        **({} if teacher is None else {"teacher": teacher}),
        "hardware": options.hardware,
        "duration": in_words(sum(stage["seconds"] for stage in stages)),
        "date": datetime.date.fromtimestamp((options.run / FINAL).stat().st_mtime).isoformat(),
        "snapshots": copy_snapshots(snapshots, options.assets / f"{options.name}_snapshots"),
    }
    weights.with_suffix(".json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    weights.with_suffix(".md").write_text(card_text(card), encoding="utf-8")
    return card


def stage_of(run: Path) -> dict[str, Any]:
    """Recipe, command, epochs, accuracies and seconds of one run; folders by their names, not by their place here.

    `validation_accuracy` is that of the last epoch, on images held out of training; `accuracy` is that of the test
    part, measured once when the run was over. Either is None where it was not measured.
    """
    state, log = read_checkpoint(run), read_log(run / LOG)
    recipe = Recipe(**state["recipe"])
    recipe = dataclasses.replace(recipe, init_from=Path(recipe.init_from).name, teacher=_short(recipe.teacher))
    done = [row for row in log if int(row["epoch"]) <= state["epoch"]]
    return {
        "run": run.name,
        "command": command_of(recipe, run.name),
        "recipe": recipe.as_dict(),
        "precision": state["precision"],
        "epochs_done": state["epoch"],
        "validation_accuracy": _rounded(done[-1]["validation_accuracy"]),
        "accuracy": None if not (run / RESULT).is_file() else round(read_result(run)["test_accuracy"], 2),
        "seconds": round(sum(float(row["seconds"]) for row in done)),
    }


def _short(path: str) -> str:
    """Folder and name of a weight file: all runs call theirs model.safetensors."""
    return Path(*Path(path).parts[-2:]).as_posix() if path else ""


def _rounded(text: str) -> float | None:
    return None if math.isnan(float(text)) else round(float(text), 2)


def read_result(run: Path) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((run / RESULT).read_text(encoding="utf-8"))
    return result


def check_finished(run: Path) -> None:
    """Raise ValueError when the run has epochs left to do, or its test part to measure."""
    state = read_checkpoint(run)
    planned, done = state["recipe"]["epochs"], state["epoch"]
    if done < planned or not (run / FINAL).is_file():
        raise ValueError(f"The run {run.name} has done {done} of {planned} epochs; finish it with --resume first.")
    if not (run / RESULT).is_file():
        raise ValueError(f"The run {run.name} has not measured its test images yet; finish it with --resume first.")


def check_stages(stages: list[dict[str, Any]]) -> None:
    """Raise ValueError when a run did not start from the one before it."""
    before = ""
    for stage in stages:
        source = stage["recipe"]["init_from"]
        if source != before:
            raise ValueError(f"{stage['run']} started from {source or 'nothing'!r}; name that run with --earlier.")
        before = stage["run"]


def teacher_of(runs: list[Path], teacher_run: Path | None) -> dict[str, Any] | None:
    """The teacher's stage, as `stage_of` has it; None where nothing was learned from one.

    Raises ValueError when the teacher's run is missing, left over, unfinished, or not the one that was learned from.
    """
    states = [read_checkpoint(run) for run in runs]
    taught = {run.name: state for run, state in zip(runs, states, strict=True) if state["recipe"].get("teacher")}
    if teacher_run is None:
        if taught:
            teacher = _short(next(iter(taught.values()))["recipe"]["teacher"])
            raise ValueError(
                f"{next(iter(taught))} learned from {teacher}; name that network's run with --teacher-run."
            )
        return None
    if not taught:
        raise ValueError("No run of this network learned from a teacher; leave --teacher-run away.")
    check_finished(teacher_run)
    sha256 = hashlib.sha256((teacher_run / FINAL).read_bytes()).hexdigest()
    for name, state in taught.items():
        if state["teacher_sha256"] != sha256:
            raise ValueError(f"{name} learned from another file than {teacher_run / FINAL}; name its teacher's run.")
    return stage_of(teacher_run)


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


def command_of(recipe: Recipe, run: str) -> str:
    """The command that gives this recipe: the options that differ from the defaults, in the recipe's order."""
    words = ["python", "-m", "mixer_viz.training", "--data", "DIR", "--out", run]
    defaults = Recipe().as_dict()
    for name, value in recipe.as_dict().items():
        option = name.replace("_", "-")
        if value == defaults[name]:
            continue
        words += [f"--{'' if value else 'no-'}{option}"] if isinstance(value, bool) else [f"--{option}", str(value)]
    return shlex.join(words)


def read_log(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def find_snapshots(stages: list[dict[str, Any]], runs: list[Path]) -> list[dict[str, Any]]:
    """Where the snapshots since the last random start of token mixing lie, oldest first, with stage and epoch."""
    drawn = [i for i, stage in enumerate(stages) if stage["recipe"]["reset_token_mixing"] or not i][-1]
    found = []
    for index in range(drawn, len(stages)):
        for path in sorted((runs[index] / SNAPSHOTS).glob("epoch-*.safetensors")):
            with safe_open(path, "pt") as file:
                metadata = file.metadata()
            epoch, accuracy = int(metadata["epoch"]), metadata.get("validation_accuracy")
            if epoch <= stages[index]["epochs_done"]:
                entry = {"stage": index + 1, "epoch": epoch, "accuracy": None if accuracy is None else float(accuracy)}
                found.append(entry | {"path": path})
    if not found or (found[0]["epoch"], found[-1]["epoch"]) != (0, stages[-1]["epochs_done"]):
        raise ValueError("The first or the last snapshot of token mixing is missing.")
    return found


def copy_snapshots(snapshots: list[dict[str, Any]], folder: Path) -> list[dict[str, Any]]:
    """Fill `folder`, without what an earlier run left there; the card's entries, oldest first.

    The training's snapshots hold the whole network. What is shipped is what the pages show of them: the weights of
    token mixing and the patch-embedding filters.
    """
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.safetensors"):
        old.unlink()
    entries = []
    for snapshot in snapshots:
        name = f"stage-{snapshot['stage']}-epoch-{snapshot['epoch']:04d}.safetensors"
        with safe_open(snapshot["path"], "pt") as file:
            shown = [key for key in file.keys() if ".token_mixing." in key or key == "stem.weight"]  # noqa: SIM118 (no mapping)
            save_file({key: file.get_tensor(key) for key in shown}, folder / name, metadata=file.metadata())
        (folder / name).chmod(0o644)  # as for the weights
        kept = {key: value for key, value in snapshot.items() if key != "path"}
        entries.append(kept | {"file": f"{folder.name}/{name}"})
    return entries


def in_words(seconds: float) -> str:
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
