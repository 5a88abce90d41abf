"""What a checkpoint says beside its weights: how images are prepared for it, its class names, its form of GELU."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mixer_viz.checkpoints.errors import CheckpointError
from mixer_viz.checkpoints.sizes import MAX_NUM_CLASSES
from mixer_viz.language import noted
from mixer_viz.model.wording import shown

MAX_SIDE_FILE_BYTES = 4 * 1024**2  # 21 843 class names take about 0.6 MB
MAX_CLASS_NAME_LENGTH = 500  # the longest WordNet description of an ImageNet-21k class has 160


@dataclasses.dataclass(frozen=True)
class Preparation:
    """Preprocessing and names of one checkpoint; None where it does not say. The fields are those of `MixerConfig`."""

    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    interpolation: str | None = None
    crop_pct: float | None = None
    class_names: tuple[str, ...] | None = None
    gelu: str | None = None
    layer_norm_eps: float | None = None
    temperature: float | None = None
    usual_confidence: tuple[float, ...] | None = None
    # Only a claim, of both sides or of height and width: the weights decide, and a claim that disagrees is refused.
    image_size: int | tuple[int, int] | None = None


def parse_preparation(values: Mapping[str, Any], where: str = noted("that comes with these weights")) -> Preparation:
    """Check types and pick the known entries out of `values`; others are ignored, so a model card may hold them.

    Args:
        where: what an error says of an entry.

    Raises CheckpointError naming the entry that has a wrong type.
    """
    entries = _Entries(values, where)
    return Preparation(
        mean=entries.numbers("mean"),
        std=entries.numbers("std"),
        interpolation=entries.one("interpolation", str, noted("a text")),
        crop_pct=entries.one("crop_pct", (int, float), noted("a number")),
        class_names=entries.names("class_names"),
        gelu=entries.one("gelu", str, noted("a text")),
        layer_norm_eps=entries.one("layer_norm_eps", (int, float), noted("a number")),
        temperature=entries.one("temperature", (int, float), noted("a number")),
        usual_confidence=entries.numbers("usual_confidence"),
        image_size=entries.picture(),
    )


def parse_side_file(data: bytes, name: str | None = None) -> Preparation:
    """Read a side file: a JSON object with the fields of `Preparation`, or a `config.json` as timm puts on the Hub.

    Args:
        name: of the file, for the words of an error.

    Raises CheckpointError when it is too large, no JSON object, or has an entry of a wrong type.
    """
    if name is None:
        what, where = noted("The side file"), noted("that comes with these weights")
    else:
        what = noted("The file {name} beside the weights", name=shown(name))
        where = noted("in {name}, beside the weights,", name=shown(name))
    values = parse_json_object(data, what)
    if isinstance(values.get("pretrained_cfg"), dict):
        return parse_preparation(_from_timm(values), where)
    return parse_preparation(values, where)


def find_side_file(weights: Path) -> Path | None:
    """`<stem>.json` beside the weights, of `last.pth.tar` also `last.json`, else `config.json`, else None."""
    stem = weights.name.split(".")[0] or weights.stem
    for candidate in (
        weights.with_suffix(".json"),
        weights.with_name(f"{stem}.json"),
        weights.with_name("config.json"),
    ):
        if candidate.is_file():
            return candidate
    return None


def read_side_file(path: Path) -> bytes:
    """The bytes of a side file, at most one more than are accepted."""
    with path.open("rb") as file:
        return file.read(MAX_SIDE_FILE_BYTES + 1)


def parse_json_object(data: bytes, what: str = noted("The side file")) -> dict[str, Any]:
    """Bytes -> JSON object; raises CheckpointError, about `what`, for anything else."""
    if len(data) > MAX_SIDE_FILE_BYTES:
        raise CheckpointError(
            noted(
                "{what} has more than {most:,} bytes; keep it to a few settings.", what=what, most=MAX_SIDE_FILE_BYTES
            )
        )
    try:
        values = json.loads(data)
    except (ValueError, RecursionError) as exc:
        raise CheckpointError(noted("{what} is not valid JSON; correct it or take it away.", what=what)) from exc
    if not isinstance(values, dict):
        raise CheckpointError(noted("{what} is not a JSON object; write it as {{...}} or take it away.", what=what))
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
        "image_size": size[-2:] if isinstance(size, list) and len(size) > 1 else None,
    }


@dataclasses.dataclass(frozen=True)
class _Entries:
    """Entries of a JSON object, each with the type that it has to have."""

    values: Mapping[str, Any]
    where: str  # they are, for errors

    def one(self, key: str, kind: type | tuple[type, ...], wanted: str) -> Any:
        value = self.values.get(key)
        if value is None or (isinstance(value, kind) and not isinstance(value, bool)):
            return value
        raise self._wrong(key, wanted)

    def picture(self) -> int | tuple[int, int] | None:
        """The sides of the picture: one number, two of them, or as this project's own config has them."""
        size, width = self.values.get("image_size"), self.values.get("image_width")
        if type(size) is int and type(width) is int:
            size = [size, width]
        if isinstance(size, list) and len(size) == 2 and all(type(side) is int for side in size):
            return size[0] if size[0] == size[1] else (size[0], size[1])
        number: int | None = self.one("image_size", int, noted("a whole number, or two: height and width"))
        return number

    def numbers(self, key: str) -> tuple[float, ...] | None:
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, (list, tuple)) or not all(type(entry) in (int, float) for entry in value):
            raise self._wrong(key, noted("a list of numbers"))
        try:
            return tuple(float(entry) for entry in value)
        except OverflowError as exc:
            raise self._wrong(key, noted("a list of numbers")) from exc

    def names(self, key: str) -> tuple[str, ...] | None:
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, (list, tuple)):
            raise self._wrong(key, noted("a list of texts"))
        if len(value) > MAX_NUM_CLASSES:
            most, count = MAX_NUM_CLASSES, len(value)
            wanted = noted("a list of at most {most:,} texts (there are {count:,})", most=most, count=count)
            raise self._wrong(key, wanted)
        if not all(isinstance(entry, str) and len(entry) <= MAX_CLASS_NAME_LENGTH for entry in value):
            wanted = noted("a list of texts of at most {most} characters each", most=MAX_CLASS_NAME_LENGTH)
            raise self._wrong(key, wanted)
        return tuple(value)

    def _wrong(self, key: str, wanted: str) -> CheckpointError:
        return CheckpointError(
            noted("The entry {key!r} {where} must be {wanted}; correct it.", key=key, where=self.where, wanted=wanted)
        )
