"""What a card says of a weight file and can be measured again: accuracy on a test part, structure of token mixing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mixer_viz.analysis import calibration
from mixer_viz.analysis.patches import filters_of
from mixer_viz.analysis.spectrum import white_noise_frequency
from mixer_viz.analysis.token_mixing.structure import structure_of
from mixer_viz.images import crop_image, normalise, open_image, preprocess
from mixer_viz.images.photos import known_classes_shown
from mixer_viz.images.samples import available_samples, load_sample
from mixer_viz.model import MixerConfig, MlpMixer
from mixer_viz.training.data.labelled import in_words

_BATCH = 500


def structure_figures(model: MlpMixer) -> dict[str, Any]:
    """`structure_of` as the card holds it, numbers and one list entry per block, and how fine the filters are.

    `filter_frequency_ratio` is the mean radial frequency of the patch-embedding filters over that of white noise.
    """
    structure = structure_of(model)
    noise = white_noise_frequency(model.config.patch_size, model.config.patch_size)
    names = ("frequency_ratio", "mean_frequency", "white_noise", "opposed_share", "paired_share")
    lists = ("block_frequency", "block_opposed_share", "block_paired_share", "distinct_units")
    return {
        **{name: getattr(structure, name) for name in names},
        **{name: getattr(structure, name).tolist() for name in lists},
        "filter_frequency_ratio": float(filters_of(model).frequency.mean()) / noise if noise else None,
    }


def class_folders(config: MixerConfig, folder: Path) -> tuple[str, ...]:
    """The class folders of `folder` in the model's order; raises ValueError when they are not the model's classes.

    A folder "big_cat" holds the class "big cat": `in_words` is what a file that is shipped calls it.
    """
    if not folder.is_dir():
        raise ValueError(f"There is no folder {folder}; it has to hold the test images, one folder for each class.")
    names = {in_words(path.name): path.name for path in folder.iterdir() if path.is_dir()}
    wanted = [in_words(name) for name in config.class_names or ()]
    if sorted(names) != sorted(wanted):
        raise ValueError(
            f"The class folders of {folder} are {sorted(names.values())}, but the model has {config.class_names}."
        )
    return tuple(names[name] for name in wanted)


def count_correct(model: MlpMixer, folder: Path) -> tuple[int, int]:
    """Right answers and images in `folder/<class>/*`, in float32, each picture prepared as the app does it.

    Raises ValueError when the class folders are not the model's classes.
    """
    logits, labels = answers(model, folder)
    return int((logits.argmax(axis=1) == labels).sum()), len(labels)


def answers(model: MlpMixer, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Logits (N, K) float32 and class indices (N,) of all images in `folder/<class>/*`; ValueError as above."""
    names = class_folders(model.config, folder)
    paths = sorted(path for name in names for path in (folder / name).iterdir() if path.is_file())
    if not paths:
        raise ValueError(f"There are no images in {folder}.")
    return logits_of(model, paths), np.array([names.index(path.parent.name) for path in paths])


@torch.no_grad()
def logits_of(model: MlpMixer, paths: Sequence[Path]) -> np.ndarray:
    """(N, K) float32, each picture prepared as the app does it."""
    return np.concatenate([model(_read(batch, model.config)).numpy() for batch in _batches(paths)])


def per_class(logits: np.ndarray, labels: np.ndarray, class_names: Sequence[str]) -> dict[str, float]:
    """Percent right among the images of each class."""
    right = logits.argmax(axis=1) == labels
    return {name: round(100 * float(right[labels == index].mean()), 1) for index, name in enumerate(class_names)}


@torch.no_grad()
def first_picture(model: MlpMixer) -> str:
    """The first sample whose answer is one of the classes that it shows; "" where there is none."""
    names = model.config.class_names or ()
    for sample in available_samples():
        shown = known_classes_shown(sample.shows, names)
        if shown and names[int(model(preprocess(load_sample(sample.name), model))[0].argmax())] in shown:
            return sample.name
    return ""


def images_per_class(labels: np.ndarray, class_names: Sequence[str]) -> dict[str, int]:
    """How many images each class has."""
    counts = np.bincount(labels, minlength=len(class_names)).tolist()
    return dict(zip(class_names, counts, strict=True))


def calibration_figures(
    validation: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray]
) -> dict[str, Any]:
    """The temperature that fits the validation images best, and how it does on the test images; logits with labels."""
    temperature = round(calibration.fit_temperature(*validation), 4)
    logits, labels = test
    return {
        "temperature": temperature,
        "validation_images": len(validation[1]),
        "usual_confidence": list(calibration.usual_confidence(logits, temperature)),
        "mean_confidence": round(100 * float(calibration.confidences(logits, temperature).mean()), 2),
        "mean_confidence_before": round(100 * float(calibration.confidences(logits).mean()), 2),
        "cross_entropy": round(calibration.cross_entropy(logits, labels, temperature), 4),
        "cross_entropy_before": round(calibration.cross_entropy(logits, labels), 4),
    }


def _batches(paths: Sequence[Path]) -> Iterator[Sequence[Path]]:
    for start in range(0, len(paths), _BATCH):
        yield paths[start : start + _BATCH]


def _read(paths: Sequence[Path], config: MixerConfig) -> torch.Tensor:  # (N, 3, H, W), normalised
    return normalise(np.stack([np.asarray(crop_image(open_image(path), config)) for path in paths]), config)
