"""Statistics over the training set of a model that comes with the project: numbers only, `<stem>_statistics.npz`."""

from __future__ import annotations

import argparse
import dataclasses
import functools
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mixer_viz.analysis.token_mixing.fourier import Spectrum, spectrum_of
from mixer_viz.analysis.token_mixing.objective import Kind, Objective
from mixer_viz.checkpoints import load_model
from mixer_viz.checkpoints.bundled import bundled_models
from mixer_viz.survey.folder import batches, find_pictures
from mixer_viz.survey.output import Survey, read_survey
from mixer_viz.survey.passes import FAMILIES, Family

MAX_BYTES = 300_000
QUANTILES = (1, 5, 25, 50, 75, 95, 99)  # percent
_SPECTRUM_IMAGES = 4_096
_FAMILY: dict[Kind, Family] = {"token unit": "token_units", "channel unit": "channel_units", "channel": "channels"}


@dataclasses.dataclass(frozen=True)
class TrainingStatistics:
    """What the training images of a bundled model do to its units, channels and classes, and their spectrum."""

    model: str
    images: int
    sampled: int  # images that the quantiles are of
    tables: dict[str, np.ndarray]  # of each family: (U,) mean, std, top; (U, 7) quantiles
    spectrum: Spectrum

    def of(self, objective: Objective, units: int) -> tuple[float, np.ndarray] | None:
        """Largest value and QUANTILES of an objective; None where it was not measured. `units` per block or stage."""
        if objective.at is not None:
            return None
        family = "logits" if objective.kind == "class" else _FAMILY[objective.kind]
        row = objective.index + (0 if objective.kind == "class" else objective.place * units)
        if f"{family}.top" not in self.tables or row >= len(self.tables[f"{family}.top"]):
            return None
        return float(self.tables[f"{family}.top"][row]), self.tables[f"{family}.quantiles"][row].astype(np.float64)


@functools.lru_cache(maxsize=8)
def training_statistics(model_name: str) -> TrainingStatistics | None:
    """The statistics that come with a bundled model; None for a model without."""
    path = next((model.path for model in bundled_models() if model.name == model_name), None)
    file = None if path is None else path.with_name(f"{path.stem}_statistics.npz")
    return None if file is None or not file.is_file() else read_statistics(file, model_name)


def read_statistics(file: Path, model_name: str) -> TrainingStatistics:
    """A file that `statistics_bytes` made."""
    with np.load(file, allow_pickle=False) as arrays:
        found = {name: arrays[name] for name in arrays.files}
    images, sampled, spectrum_images = (int(value) for value in found.pop("counts"))
    amplitude, colours, mean = (found.pop(f"spectrum.{n}").astype(np.float32) for n in ("amplitude", "colours", "mean"))
    spectrum = Spectrum(amplitude, colours, mean, spectrum_images)
    return TrainingStatistics(model_name, images, sampled, found, spectrum)


def statistics_bytes(survey: Survey, spectrum: Spectrum) -> bytes:
    """The statistics of a survey of the training set as a file: half precision, at most MAX_BYTES.

    Raises ValueError when even without the units of channel mixing it is larger.
    """
    tables = {
        "counts": np.array([survey.images, len(survey.arrays["sample.pictures"]), spectrum.images]),
        "spectrum.amplitude": spectrum.amplitude.astype(np.float16),
        "spectrum.colours": spectrum.colours,
        "spectrum.mean": spectrum.mean,
        **_tables("logits", survey, survey.arrays["logits.top"]),
    }
    for family in FAMILIES:
        tables |= _tables(family, survey, survey.units(family, "top")[:, 0])
    for left_out in ("", "channel_units"):
        kept = {name: value for name, value in tables.items() if not left_out or not name.startswith(left_out)}
        buffer = io.BytesIO()
        np.savez_compressed(buffer, allow_pickle=False, **kept)
        if buffer.tell() <= MAX_BYTES:
            return buffer.getvalue()
    raise ValueError(f"the statistics have {buffer.tell():,} bytes, more than {MAX_BYTES:,}")


def main(arguments: Sequence[str] | None = None) -> None:
    """`python -m mixer_viz.survey.bundled`: make the file of a bundled model from a survey of its training set."""
    parser = argparse.ArgumentParser(prog="python -m mixer_viz.survey.bundled", description=main.__doc__)
    parser.add_argument("--survey", type=Path, required=True, help="folder that mixer_viz.survey wrote")
    parser.add_argument("--data", type=Path, required=True, help="the same pictures, for their spectrum")
    parser.add_argument("--out", type=Path, required=True, help="assets/<name>_statistics.npz")
    given = parser.parse_args(arguments)
    survey = read_survey(given.survey)
    config = load_model(str(survey.about["model"]), device="cpu").config
    pictures = find_pictures(given.data, config)
    numbers = pictures.sample(_SPECTRUM_IMAGES).tolist()
    images = [batch.images for batch in batches(pictures, numbers, 256, config, workers=2)]
    given.out.write_bytes(statistics_bytes(survey, spectrum_of(images)))


def _tables(family: str, survey: Survey, top: np.ndarray) -> dict[str, np.ndarray]:
    with np.errstate(invalid="ignore"):
        quantiles = np.nanpercentile(survey.arrays[f"{family}.sample"].astype(np.float32), QUANTILES, axis=0).T
    return {
        f"{family}.top": top.astype(np.float16),
        f"{family}.quantiles": quantiles.astype(np.float16),
    }


if __name__ == "__main__":
    main()
