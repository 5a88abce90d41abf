"""A survey as files: a table per quantity (`.npz` or `.parquet`), and `survey.json`, which says of what."""

from __future__ import annotations

import dataclasses
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from mixer_viz.analysis.frames import frame, places
from mixer_viz.language import noted
from mixer_viz.model import MixerConfig
from mixer_viz.survey import parquet, statistics
from mixer_viz.survey.passes import FAMILIES, Family, family_shape

FORMAT = 1
JSON_NAME = "survey.json"
Kind = Literal["npz", "parquet"]
KINDS: tuple[Kind, ...] = get_args(Kind)
ENDINGS = tuple(f".{kind}" for kind in KINDS)
MAX_FILE_BYTES = 256 * 2**20  # of one file, and of what it unpacks to


class SurveyFileError(ValueError):
    """What is wrong with a survey's files, in one sentence for the user."""


@dataclasses.dataclass(frozen=True)
class Survey:
    """What one pass over a folder found out: `about` says of what, `arrays` hold the tables by "file.name"."""

    about: Mapping[str, Any]
    arrays: Mapping[str, np.ndarray]

    @property
    def images(self) -> int:
        """Pictures that were read."""
        return int(self.about["images"])

    @property
    def accuracy(self) -> float | None:
        """Share of right answers among those whose class is known; None where none is."""
        labels, answers = self.arrays["predictions.labels"], self.arrays["predictions.answers"]
        known = (labels >= 0) & (answers >= 0)
        return float((labels[known] == answers[known]).mean()) if known.any() else None

    def units(self, family: Family, name: str) -> np.ndarray:
        """A table of one family, its units along the first axis: "mean", "std", "lowest", "top", "top_pictures", ..."""
        return self.arrays[f"{family}.{name}"]

    def fits(self, config: MixerConfig) -> bool:
        """Whether it is of a Mixer with these sizes and classes."""
        return bool(self.about["config"] == json.loads(config.to_json()))

    @property
    def weights(self) -> str | None:
        """`survey.run.weights_hash` of the network; None in surveys of earlier versions."""
        return self.about.get("weights_sha256")

    def to_frame(self) -> Any:
        """Statistics of all units as a pandas table: family, block, unit, mean, std, lowest, top."""
        config = MixerConfig.from_json(json.dumps(self.about["config"]))
        columns: dict[str, list[Any]] = {
            name: [] for name in ("family", "place", "unit", "mean", "std", "lowest", "top")
        }
        for family in FAMILIES:
            shape = family_shape(config, family)
            first = 0 if family == "channels" else 1  # stages from 0, blocks from 1, as on the pages
            table = {name: self.units(family, name) for name in ("mean", "std", "lowest")}
            table |= {"top": self.units(family, "top")[:, 0], **places(shape, ("place", "unit"), (first, 0))}
            columns["family"] += [family] * len(table["mean"])
            for name, values in table.items():
                columns[name] += values.tolist()
        return frame(columns)

    def _repr_html_(self) -> str:
        accuracy = "" if self.accuracy is None else f", {100 * self.accuracy:.2f} % right"
        return f"<b>Survey</b> of {self.images:,} pictures by {_escaped(self.about['model'])}{accuracy}"


def write_survey(survey: Survey, folder: Path, kind: Kind = "npz") -> None:
    """A file for each quantity, and `survey.json` last, when all else is there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in survey_files(survey, kind):
        (folder / name).write_bytes(data)


def survey_files(survey: Survey, kind: Kind = "npz") -> Iterator[tuple[str, bytes]]:
    """The files that `write_survey` writes, one at a time: (name, content), `survey.json` last.

    As Parquet a quantity is several files where its tables have different rows (`survey.parquet` says how).
    """
    for quantity in sorted({name.split(".")[0] for name in survey.arrays}):
        tables = {name.split(".", 1)[1]: v for name, v in survey.arrays.items() if name.split(".")[0] == quantity}
        if kind == "parquet":
            yield from parquet.parquet_files(quantity, tables)
            continue
        buffer = io.BytesIO()
        np.savez_compressed(buffer, allow_pickle=False, **tables)
        yield f"{quantity}.npz", buffer.getvalue()
    yield JSON_NAME, (json.dumps(survey.about, indent=2) + "\n").encode()


def read_survey(source: Path | Mapping[str, bytes]) -> Survey:
    """A survey from its folder, or from its files by name; nothing in them is run.

    Raises SurveyFileError, in one sentence, for files that are missing, damaged, too large or of another kind.
    """
    files = _files_of(source) if isinstance(source, Path) else dict(source)
    about = _about(files.get(JSON_NAME))
    arrays: dict[str, np.ndarray] = {}
    for name, data in files.items():
        if name.endswith(".npz"):
            arrays |= {f"{name.removesuffix('.npz')}.{key}": value for key, value in _tables(name, data).items()}
    if columns := {name: data for name, data in files.items() if name.endswith(parquet.ENDING)}:
        try:
            arrays |= parquet.read_parquet(columns, MAX_FILE_BYTES)
        except parquet.ParquetError as exc:
            raise SurveyFileError(*exc.args) from exc
    _check(about, arrays)
    return Survey(about, arrays)


def _files_of(folder: Path) -> dict[str, bytes]:
    try:
        files = [path for path in sorted(folder.iterdir()) if path.suffix in ENDINGS or path.name == JSON_NAME]
        if any(path.stat().st_size > MAX_FILE_BYTES for path in files):
            raise SurveyFileError(
                noted("A file of this survey has more than {most} MiB.", most=MAX_FILE_BYTES // 2**20)
            )
        return {path.name: path.read_bytes() for path in files}
    except OSError as exc:
        raise SurveyFileError(noted("The folder {folder!r} cannot be read.", folder=str(folder))) from exc


def _about(data: bytes | None) -> dict[str, Any]:
    if data is None:
        raise SurveyFileError(
            noted("There is no {name} here; choose the whole folder that a survey wrote.", name=JSON_NAME)
        )
    try:
        about = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as exc:
        raise SurveyFileError(noted("The file {name} is damaged.", name=JSON_NAME)) from exc
    if not isinstance(about, dict) or about.get("format") != FORMAT or not isinstance(about.get("config"), dict):
        raise SurveyFileError(noted("The file {name} is not of a survey that this version can read.", name=JSON_NAME))
    if not isinstance(about.get("model"), str) or not isinstance(about.get("images"), int):
        raise SurveyFileError(noted("The file {name} does not say which model saw how many pictures.", name=JSON_NAME))
    if not isinstance(about.get("weights_sha256", ""), str):
        raise SurveyFileError(noted("The file {name} has no text as hash of the weights.", name=JSON_NAME))
    return about


def _tables(name: str, data: bytes) -> dict[str, np.ndarray]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > MAX_FILE_BYTES:
                raise SurveyFileError(
                    noted(
                        "The file {name!r} unpacks to more than {most} MiB.",
                        name=name[:80],
                        most=MAX_FILE_BYTES // 2**20,
                    )
                )
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            return {key: file[key] for key in file.files}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, MemoryError) as exc:
        if isinstance(exc, SurveyFileError):
            raise
        raise SurveyFileError(noted("The file {name!r} is damaged.", name=name[:80])) from exc


def _check(about: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Every table that a page reads is there, with the shape that the model's sizes demand."""
    try:
        config = MixerConfig.from_json(json.dumps(about["config"]))
    except (ValueError, TypeError, KeyError) as exc:
        raise SurveyFileError(
            noted("The file {name} describes no model that can be read here.", name=JSON_NAME)
        ) from exc
    if any(value.dtype.kind not in "iuf" for value in arrays.values()):
        raise SurveyFileError(noted("A table of this survey holds something else than numbers."))
    if type(about.get("token")) is not int:
        raise SurveyFileError(
            noted("The file {name} does not say of which patch the receptive field is.", name=JSON_NAME)
        )
    blocks, tokens = config.num_blocks, config.num_patches
    wanted: dict[str, tuple[int, ...]] = {
        "jacobian.mean": (blocks, tokens, tokens),
        "jacobian.norm": (blocks, tokens, tokens),
        "receptive_field.maps": (blocks + 1, tokens),
        "logit_lens.right": (blocks + 1,),
        "effects.mean": (blocks, config.tokens_mlp_dim),
        "effects.std": (blocks, config.tokens_mlp_dim),
        "logit_lens.as_final": (blocks + 1,),
        "logit_lens.log_probability": (blocks + 1,),
    }
    sampled, looked = (len(arrays.get(name, ())) for name in ("sample.pictures", "closer.pictures"))
    wanted |= {"closer.done": (looked,), "closer.attribution": (looked, *_lists(about))}
    for family in FAMILIES:
        units = int(np.prod(family_shape(config, family)))
        wanted |= {f"{family}.{name}": (units,) for name in ("mean", "std", "lowest")}
        wanted |= {f"{family}.{name}": (units, statistics.TOP) for name in ("top", "top_pictures")}
        wanted[f"{family}.sample"] = (sampled, units)
        if f"{family}.class_mean" in arrays:
            wanted |= {f"{family}.{name}": (units, config.num_classes) for name in ("class_mean", "correlation")}
    for name, shape in wanted.items():
        if name not in arrays or arrays[name].shape != shape:
            raise SurveyFileError(
                noted(
                    "The table {name} of this survey is missing or has another shape than {shape}.",
                    name=name,
                    shape=shape,
                )
            )
    _check_pictures(about, arrays, config)


def _check_pictures(about: Mapping[str, Any], arrays: Mapping[str, np.ndarray], config: MixerConfig) -> None:
    """What has a row for each picture, of the folder or of those that were kept."""
    crops, numbers = arrays.get("pictures.crops"), arrays.get("pictures.numbers")
    if (
        crops is None
        or numbers is None
        or len(about["files"]) != len(numbers)
        or crops.shape != (len(numbers), *config.image_shape, 3)
    ):
        raise SurveyFileError(noted("The pictures of this survey are missing or of another size than the model's."))
    labels, answers = arrays.get("predictions.labels"), arrays.get("predictions.answers")
    confusion, classes = arrays.get("predictions.confusion"), config.num_classes
    if (
        crops.dtype != np.uint8
        or labels is None
        or answers is None
        or labels.ndim != 1
        or labels.shape != answers.shape
        or confusion is None
        or confusion.shape not in ((classes, classes), (0, 0))
    ):
        raise SurveyFileError(noted("A table of this survey is missing or of another kind."))


def _lists(about: Mapping[str, Any]) -> tuple[int, int]:
    """How many methods and measures the JSON names."""
    named = (about.get("methods"), about.get("measures"))
    if not all(isinstance(each, list) for each in named) or not isinstance(about.get("files"), list):
        raise SurveyFileError(noted("The file {name} does not name its methods, measures and files.", name=JSON_NAME))
    return len(about["methods"]), len(about["measures"])


def _escaped(text: object) -> str:
    return str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
