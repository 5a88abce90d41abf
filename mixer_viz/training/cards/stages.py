"""The runs that a bundled model came from, as its card tells them: commands, accuracies, teacher, snapshots."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import itertools
import json
import math
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from safetensors import safe_open

from mixer_viz.training.recipe import Recipe
from mixer_viz.training.state import FINAL, LOG, NUM_SNAPSHOTS, RESULT, SNAPSHOTS, read_checkpoint


def stage_of(run: Path) -> dict[str, Any]:
    """Recipe, command, epochs, accuracies and seconds of one run; folders by their names, not by their place here.

    `validation_accuracy` is that of the last epoch, on images held out of training; `accuracy` is that of the test
    part, measured once when the run was over. Either is None where it was not measured.
    """
    state, log = read_checkpoint(run), read_log(run / LOG)
    recipe = Recipe(**state["recipe"])
    start, more = (Path(path).name for path in (recipe.init_from, recipe.unlabelled))
    recipe = dataclasses.replace(recipe, init_from=start, unlabelled=more, teacher=_short(recipe.teacher))
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


def check_stages(stages: list[dict[str, Any]], before: str = "") -> None:
    """Raise ValueError when a run did not start from the one before it, the first one from `before`."""
    for stage in stages:
        source = stage["recipe"]["init_from"]
        if source != before:
            raise ValueError(
                f"{stage['run']} started from {source or 'nothing'!r}; name that run with --earlier, or the card of "
                "that model with --continues."
            )
        before = stage["run"]


def teacher_of(runs: list[Path], teacher_run: Path | None, own: str = "") -> dict[str, Any] | None:
    """The teacher's stage, as `stage_of` has it; None where nothing was learned from another network.

    `own` is the SHA-256 of the weights that the first run went on from: who learns from these learns from itself.
    Raises ValueError when the teacher's run is missing, left over, unfinished, or not the one that was learned from.
    """
    states = [read_checkpoint(run) for run in runs]
    taught = {run.name: state for run, state in zip(runs, states, strict=True) if state["recipe"].get("teacher")}
    taught = {name: state for name, state in taught.items() if state["teacher_sha256"] != own}
    if teacher_run is None:
        if taught:
            teacher = _short(next(iter(taught.values()))["recipe"]["teacher"])
            raise ValueError(
                f"{next(iter(taught))} learned from {teacher}; name that network's run with --teacher-run."
            )
        return None
    if not taught:
        raise ValueError("No run of this network learned from another one; leave --teacher-run away.")
    check_finished(teacher_run)
    sha256 = hashlib.sha256((teacher_run / FINAL).read_bytes()).hexdigest()
    for name, state in taught.items():
        if state["teacher_sha256"] != sha256:
            raise ValueError(f"{name} learned from another file than {teacher_run / FINAL}; name its teacher's run.")
    return stage_of(teacher_run)


def command_of(recipe: Recipe, run: str, data: str = "DIR") -> str:
    """The command that gives this recipe: the options that differ from the defaults, in the recipe's order."""
    words = ["python", "-m", "mixer_viz.training", "--data", data, "--out", run]
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


def find_snapshots(
    stages: list[dict[str, Any]],
    runs: list[Path],
    earlier: Sequence[dict[str, Any]] = (),
    most: int = NUM_SNAPSHOTS,
) -> list[dict[str, Any]]:
    """Where at most `most` snapshots since the last random start of token mixing lie, oldest first.

    Args:
        stages: all of the card; `runs` are the folders of the last ones.
        earlier: snapshots of the stages before those, from the card of the model that the first run went on from.
    """
    drawn = [i for i, stage in enumerate(stages) if stage["recipe"]["reset_token_mixing"] or not i][-1]
    found = [entry for entry in earlier if entry["stage"] > drawn]
    first = len(stages) - len(runs)
    for index in range(max(first, drawn), len(stages)):
        for path in sorted((runs[index - first] / SNAPSHOTS).glob("epoch-*.safetensors")):
            with safe_open(path, "pt") as file:
                metadata = file.metadata()
            epoch, accuracy = int(metadata["epoch"]), metadata.get("validation_accuracy")
            if epoch <= stages[index]["epochs_done"]:
                entry = {"stage": index + 1, "epoch": epoch, "accuracy": None if accuracy is None else float(accuracy)}
                found.append(entry | {"path": path})
    if not found or (found[0]["epoch"], found[-1]["epoch"]) != (0, stages[-1]["epochs_done"]):
        raise ValueError("The first or the last snapshot of token mixing is missing.")
    done = [0, *itertools.accumulate(stage["epochs_done"] for stage in stages)]
    return thinned(found, [done[entry["stage"] - 1] - done[drawn] + entry["epoch"] for entry in found], most)


def thinned(found: list[dict[str, Any]], epochs: list[int], most: int = NUM_SNAPSHOTS) -> list[dict[str, Any]]:
    """At most `most` of them, one for each of `epochs` in all, about evenly spaced in log(1 + epoch).

    The first and the last one stay, and those that hold a whole network; of the others, what lies closest between its
    neighbours goes first.
    """
    kept = dict(zip(reversed(epochs), reversed(found), strict=True))
    # Where one stage ends and the next begins with the same weights, the end is kept.
    places = sorted(kept)
    while len(places) > most:
        gaps = {
            place: math.log((1 + after) / (1 + before))
            for before, place, after in zip(places, places[1:], places[2:], strict=False)
            if "network" not in kept[place]
        }
        if not gaps:
            break
        places.remove(min(gaps, key=lambda place: gaps[place]))
    return [kept[place] for place in places]


def duration_in_words(seconds: float) -> str:
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
