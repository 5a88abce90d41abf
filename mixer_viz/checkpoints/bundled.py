"""The models that come with the project: `assets/<stem>.safetensors`, each with a model card `<stem>.json`."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from mixer_viz.checkpoints.errors import CheckpointError
from mixer_viz.checkpoints.preparation import parse_json_object, parse_preparation, read_side_file
from mixer_viz.language import noted
from mixer_viz.paths import app_folder

ASSETS_DIR = app_folder() / "assets"


@dataclasses.dataclass(frozen=True)
class BundledModel:
    """One bundled weight file and what its card says of it."""

    name: str
    path: Path
    description: str
    accuracy: float | None  # top-1 in percent
    accuracy_note: str  # on what and how it was measured
    class_names: tuple[str, ...]
    is_first: bool = False  # whether the app begins with it
    first_picture: str = ""  # the sample that the app begins with then, "" for the first one of all


def bundled_models() -> list[BundledModel]:
    """Every weight file in `ASSETS_DIR` that has a card: the one to begin with, then by file name.

    Raises CheckpointError for a broken card.
    """
    weights = sorted(ASSETS_DIR.glob("*.safetensors"))
    models = [_read_card(path) for path in weights if path.with_suffix(".json").is_file()]
    return sorted(models, key=lambda model: not model.is_first)


def count_parameters(path: Path) -> int:
    """Number of weights in a `.safetensors` file, read from its header alone; 0 for a damaged one.

    A list of models goes on without it: who loads it is told what is wrong.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return sum(math.prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118 (no mapping)
    except (OSError, SafetensorError):
        return 0


def _read_card(path: Path) -> BundledModel:
    card = parse_json_object(read_side_file(path.with_suffix(".json")))
    accuracy = card.get("accuracy")
    if accuracy is not None and (isinstance(accuracy, bool) or not isinstance(accuracy, (int, float))):
        raise CheckpointError(
            noted("The model card of {name} gives no number as 'accuracy'; correct the card.", name=path.name)
        )
    return BundledModel(
        name=_text(card, "name", path),
        path=path,
        description=_text(card, "description", path),
        accuracy=accuracy,
        accuracy_note=_text(card, "accuracy_note", path),
        class_names=parse_preparation(card).class_names or (),
        is_first=card.get("is_first") is True,
        first_picture=str(card.get("first_picture") or ""),
    )


def _text(card: dict[str, Any], key: str, path: Path) -> str:
    value = card.get(key)
    if not isinstance(value, str) or not value:
        raise CheckpointError(
            noted("The model card of {name} has no text under {key!r}; add it to the card.", name=path.name, key=key)
        )
    return value
