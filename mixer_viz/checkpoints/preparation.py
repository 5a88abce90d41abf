"""What a checkpoint says beside its weights: how images are prepared for it, its class names, its form of GELU."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mixer_viz.checkpoints.errors import CheckpointError

MAX_SIDE_FILE_BYTES = 8 * 1024**2  # 21 843 class names take about 0.6 MB


@dataclasses.dataclass(frozen=True)
class Preparation:
    """Preprocessing and names of one checkpoint; None where it does not say. The fields are those of `MixerConfig`."""

    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    interpolation: str | None = None
    crop_pct: float | None = None
    class_names: tuple[str, ...] | None = None
    gelu: str | None = None
    temperature: float | None = None
    usual_confidence: tuple[float, ...] | None = None
    image_size: int | None = None  # only a claim: the weights decide, and a claim that disagrees is refused


def parse_preparation(values: Mapping[str, Any]) -> Preparation:
    """Check types and pick the known entries out of `values`; others are ignored, so a model card may hold them.

    Raises CheckpointError naming the entry that has a wrong type.
    """
    return Preparation(
        mean=_numbers(values, "mean"),
        std=_numbers(values, "std"),
        interpolation=_one(values, "interpolation", str, "a text"),
        crop_pct=_one(values, "crop_pct", (int, float), "a number"),
        class_names=_names(values, "class_names"),
        gelu=_one(values, "gelu", str, "a text"),
        temperature=_one(values, "temperature", (int, float), "a number"),
        usual_confidence=_numbers(values, "usual_confidence"),
        image_size=_one(values, "image_size", int, "a whole number"),
    )


def parse_side_file(data: bytes) -> Preparation:
    """Read a side file: a JSON object with the fields of `Preparation`, or a `config.json` as timm puts on the Hub.

    Raises CheckpointError when it is too large, no JSON object, or has an entry of a wrong type.
    """
    values = parse_json_object(data)
    if isinstance(values.get("pretrained_cfg"), dict):
        return parse_preparation(_from_timm(values))
    return parse_preparation(values)


def find_side_file(weights: Path) -> Path | None:
    """`<stem>.json` beside the weights, else `config.json` beside them, else None."""
    for candidate in (weights.with_suffix(".json"), weights.with_name("config.json")):
        if candidate.is_file():
            return candidate
    return None


def read_side_file(path: Path) -> bytes:
    """The bytes of a side file, at most one more than are accepted."""
    with path.open("rb") as file:
        return file.read(MAX_SIDE_FILE_BYTES + 1)


def parse_json_object(data: bytes) -> dict[str, Any]:
    """Bytes -> JSON object; raises CheckpointError for anything else."""
    if len(data) > MAX_SIDE_FILE_BYTES:
        raise CheckpointError(f"The side file has more than {MAX_SIDE_FILE_BYTES:,} bytes; keep it to a few settings.")
    try:
        values = json.loads(data)
    except (ValueError, RecursionError) as exc:
        raise CheckpointError("The side file is not valid JSON; correct it or take it away.") from exc
    if not isinstance(values, dict):
        raise CheckpointError("The side file is not a JSON object; write it as {...} or take it away.")
    return values


def _from_timm(values: dict[str, Any]) -> dict[str, Any]:
    """timm's Hub `config.json` in our words: the size under `input_size`, names either inside or beside the config."""
    merged = {**values, **values["pretrained_cfg"]}
    names, described = merged.get("label_names"), merged.get("label_descriptions")
    if isinstance(names, list) and isinstance(described, dict):
        names = [described.get(name, name) if isinstance(name, str) else name for name in names]
    elif isinstance(names, list) and isinstance(described, list):
        names = described
    size = merged.get("input_size")
    return {
        **merged,
        "class_names": names,
        "gelu": None,
        "image_size": size[-1] if isinstance(size, list) and size else None,
    }


def _one(values: Mapping[str, Any], key: str, kind: type | tuple[type, ...], wanted: str) -> Any:
    value = values.get(key)
    if value is None or (isinstance(value, kind) and not isinstance(value, bool)):
        return value
    raise _wrong(key, wanted)


def _numbers(values: Mapping[str, Any], key: str) -> tuple[float, ...] | None:
    value = values.get(key)
    if value is None:
        return None
    if not isinstance(value, (list, tuple)) or not all(type(entry) in (int, float) for entry in value):
        raise _wrong(key, "a list of numbers")
    try:
        return tuple(float(entry) for entry in value)
    except OverflowError as exc:
        raise _wrong(key, "a list of numbers") from exc


def _names(values: Mapping[str, Any], key: str) -> tuple[str, ...] | None:
    value = values.get(key)
    if value is None:
        return None
    if not isinstance(value, (list, tuple)) or not all(isinstance(entry, str) for entry in value):
        raise _wrong(key, "a list of texts")
    return tuple(value)


def _wrong(key: str, wanted: str) -> CheckpointError:
    return CheckpointError(f"The entry {key!r} that comes with these weights must be {wanted}; correct it.")
