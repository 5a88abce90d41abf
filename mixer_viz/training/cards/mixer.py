"""Turns a finished training run into a bundled model with its card, every figure of which is measured or read here.

    python -m mixer_viz.training.cards --run runs/a --data data --name mixer_cifar10 --hardware "2 CPU cores"

Writes `<name>.safetensors` (half precision), `<name>.json`, `<name>.md` and `<name>_snapshots/` into `assets/`.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mixer_viz.checkpoints import load_model, save_model
from mixer_viz.checkpoints.bundled import ASSETS_DIR
from mixer_viz.model import MlpMixer
from mixer_viz.training.cards.continued import read_continued
from mixer_viz.training.cards.measure import (
    answers,
    calibration_figures,
    class_folders,
    first_picture,
    images_per_class,
    logits_of,
    per_class,
    structure_figures,
)
from mixer_viz.training.cards.mixer_text import card_text
from mixer_viz.training.cards.moments import film, fitting
from mixer_viz.training.cards.stages import (
    check_finished,
    check_stages,
    duration_in_words,
    stage_of,
    teacher_of,
)
from mixer_viz.training.data.labelled import find_data, hold_out_validation, in_words
from mixer_viz.training.recipe import Recipe
from mixer_viz.training.state import FINAL, read_checkpoint

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
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder with train/ and test/")
    parser.add_argument("--name", required=True, help="what load_model will call it, e.g. mixer_cifar10")
    parser.add_argument("--hardware", required=True, help="what it was trained on, in words")
    parser.add_argument("--data-text", default=DATA, help=f"what it was trained on, in words (default {DATA})")
    parser.add_argument("--description", default="", help="what it is, in a line without a full stop")
    parser.add_argument("--terms", default="", help="the terms of the data's source, in a sentence or two")
    parser.add_argument("--first", action="store_true", help="the app begins with this model")
    parser.add_argument(
        "--earlier", type=Path, action="append", default=[], metavar="DIR", help="the runs before, in order"
    )
    parser.add_argument(
        "--continues",
        type=Path,
        metavar="CARD",
        help="JSON card of the bundled model that the first run went on from",
    )
    parser.add_argument("--teacher-run", type=Path, metavar="DIR", help="the --out folder of the teacher's training")
    parser.add_argument("--assets", type=Path, default=ASSETS_DIR, metavar="DIR", help="where the files go")
    return parser.parse_args(arguments)


def write(options: argparse.Namespace) -> dict[str, Any]:
    """Write the weights, the snapshots and both cards; returns the card. Raises ValueError before writing anything."""
    check_finished(options.run)
    runs = [*options.earlier, options.run]
    before = read_continued(options.continues, runs[0])
    stages = [stage_of(run) for run in runs]
    check_stages(stages, before.start)
    stages = [*before.stages, *stages]
    teacher = teacher_of(runs, options.teacher_run, before.sha256)
    teachers = [*before.teachers, *([] if teacher is None or teacher in before.teachers else [teacher])]
    snapshots = fitting(stages, runs, before.snapshots)
    trained = load_model(options.run / FINAL, "cpu")
    test = options.data / "test"
    class_folders(trained.config, test)
    options.assets.mkdir(parents=True, exist_ok=True)
    weights = options.assets / f"{options.name}.safetensors"
    names = tuple(in_words(name) for name in trained.config.class_names or ())
    ship(trained, weights, class_names=names)
    figures = measured(weights, options)
    if calibrated := figures["calibration"]:
        known = {name: calibrated[name] for name in ("temperature", "usual_confidence")}
        ship(trained, weights, class_names=names, **known | {"usual_confidence": tuple(known["usual_confidence"])})
    card = {
        **figures,
        "is_first": options.first,
        "first_picture": first_picture(load_model(weights, "cpu")),
        "file_bytes": weights.stat().st_size,
        "accuracy_before_rounding": stages[-1]["accuracy"],
        "data": options.data_text,
        "terms": options.terms,
        "stages": stages,
        **({"teachers": teachers} if teachers else {}),
        "hardware": options.hardware,
        "duration": duration_in_words(sum(stage["seconds"] for stage in stages)),
        "date": datetime.date.fromtimestamp((options.run / FINAL).stat().st_mtime).isoformat(),
        "snapshots": film(
            snapshots, options.assets / f"{options.name}_snapshots", trained.config, options.data / "test"
        ),
    }
    weights.with_suffix(".json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    weights.with_suffix(".md").write_text(card_text(card), encoding="utf-8")
    return card


def ship(model: MlpMixer, weights: Path, **said: Any) -> None:
    """Write the file that is bundled, in half precision, with `said` in its config."""
    model.config = dataclasses.replace(model.config, **said)
    save_model(model, weights, dtype=torch.float16)
    weights.chmod(0o644)  # safetensors writes for the owner alone, but a served app may run as somebody else


def measured(weights: Path, options: argparse.Namespace) -> dict[str, Any]:
    """What the weight file itself tells, loaded as anyone loads it."""
    model = load_model(weights, "cpu")
    data_text, config = options.data_text, model.config
    logits, labels = answers(model, options.data / "test")
    correct, count = int((logits.argmax(axis=1) == labels).sum()), len(labels)
    recipe = Recipe(**read_checkpoint(options.run)["recipe"])
    return {
        "name": options.name,
        "description": options.description
        or f"Mixer with {config.num_blocks} blocks for {config.image_size} x {config.image_size} images, "
        f"trained with this project on {data_text.partition(' (')[0]}",
        "accuracy": round(100 * correct / count, 2),
        "accuracy_note": f"top-1 on {count:,} test images of {data_text}, half-precision weights, float32 arithmetic",
        "test_images": count,
        "correct": correct,
        "accuracy_per_class": per_class(logits, labels, config.class_names or ()),
        "test_images_per_class": images_per_class(labels, config.class_names or ()),
        "calibration": calibration(model, options.data, recipe, (logits, labels)),
        "class_names": list(config.class_names or ()),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "structure": structure_figures(model),
    }


def calibration(
    model: MlpMixer, data: Path, recipe: Recipe, test: tuple[np.ndarray, np.ndarray]
) -> dict[str, Any] | None:
    """Temperature from the images that the training held out, the rest on the test part; None if it held out none."""
    if not recipe.validation_share:
        return None
    images = find_data(str(data), data, recipe.seed)
    held_out = hold_out_validation(images, recipe.validation_share, recipe.seed).validation
    logits = logits_of(model, [Path(str(path)) for path in held_out.images])
    return calibration_figures((logits, np.array(held_out.labels)), test)
