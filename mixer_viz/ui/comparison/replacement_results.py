"""What replacing token mixing at run time needs, on the page "Token mixers compared", as it is kept."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch

from mixer_viz import images
from mixer_viz.analysis.arrays import probabilities
from mixer_viz.analysis.chunks import Cancelled, Progress
from mixer_viz.analysis.replacement.accuracy import ReplacedAccuracy, replaced_accuracy
from mixer_viz.analysis.replacement.moments import Calibration, calibrate
from mixer_viz.analysis.replacement.replace import Kind, Replacement, explained_here, fit_replacement, replaced_logits
from mixer_viz.images import samples
from mixer_viz.images.labelled_folder import LabelledImages, labelled_images
from mixer_viz.language import mark, noted
from mixer_viz.ui.choices import Choice, ChosenModel, LabelledFolder
from mixer_viz.ui.compute import cached
from mixer_viz.ui.compute.caching import kept
from mixer_viz.ui.compute.gate import computing_on, gate_of
from mixer_viz.ui.compute.jobs import Job, Key, job_table
from mixer_viz.ui.compute.visitors import visitor_name


@dataclasses.dataclass(frozen=True)
class ReplacementChoice:
    """What the fields say: one kind of stand-in for the token mixing of some blocks, counted from 0."""

    kind: Kind
    blocks: tuple[int, ...]
    kernel_size: int
    seed: int


@kept("model", mark("Fitting stand-ins to this model …"))
def _calibration(model: ChosenModel) -> Calibration:
    config = model.config
    # Photos only: fitted to drawn patterns as well, kernels explained up to a third less of it on other photos.
    photos = samples.reference_photos()
    crops = [np.asarray(images.crop_image(samples.load_sample(photo.name), config)) for photo in photos]
    pixels = images.normalise(np.stack(crops), config).to(model.model.stem.weight.device)
    with computing_on(pixels.device):
        return calibrate(model.model, pixels)


@kept("result", mark("Fitting stand-ins to this model …"))
def replacements_of(model: ChosenModel, asked: ReplacementChoice) -> dict[int, Replacement]:
    """The stand-in of each block, fitted to the reference photos."""
    calibration = _calibration(model)
    return {
        block: fit_replacement(calibration, block, asked.kind, kernel_size=asked.kernel_size, seed=asked.seed)
        for block in asked.blocks
    }


@kept("result", mark("Running the Mixer with stand-ins …"))
def replaced_of(choice: Choice, asked: ReplacementChoice) -> tuple[np.ndarray, dict[int, float]]:
    """Probabilities (num_classes,) with the stand-ins in place, and R² of each of them on this picture."""
    model, pixels = choice.model.model, cached.pixels_of(choice.picture, choice.model)
    replacements = replacements_of(choice.model, asked)
    with computing_on(pixels.device):
        return probabilities(replaced_logits(model, pixels, replacements)), explained_here(model, pixels, replacements)


@kept("folder", mark("Reading your folder …"), per_visit=True)
def _labelled(folder: LabelledFolder, model: ChosenModel) -> LabelledImages | str:
    try:
        return labelled_images(folder.files, model.config)
    except images.ImageError as exc:
        return noted("{error}", error=exc)  # kept as well: reading up to the fault may have taken many seconds


def labelled_of(model: ChosenModel, folder: LabelledFolder) -> LabelledImages:
    """The pictures of a visitor's folder; raises ImageError, one sentence, when they cannot be used."""
    found = _labelled(folder, model)
    if isinstance(found, str):
        raise images.ImageError(found)
    return found


def accuracy_key(model: ChosenModel, asked: ReplacementChoice, folder: str) -> Key:
    """Under which `accuracy_job` is found."""
    return ("swapped accuracy", folder, model.key, *dataclasses.astuple(asked))


def accuracy_job(
    model: ChosenModel, asked: ReplacementChoice, folder: str, labelled: LabelledImages
) -> Job[ReplacedAccuracy]:
    """Right answers with and without the stand-ins, at work or done."""
    replacements = replacements_of(model, asked)
    device: torch.device = model.model.stem.weight.device

    def work(progress: Progress, cancelled: Cancelled) -> ReplacedAccuracy:
        return replaced_accuracy(model.model, labelled, replacements, progress, cancelled)

    return job_table().ask(accuracy_key(model, asked, folder), work, gate_of(device), visitor_name())
