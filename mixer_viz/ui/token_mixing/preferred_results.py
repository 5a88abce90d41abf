"""What a unit wants, on the page of the learned token-mixing weights: what is kept, and the job that looks for it."""

from __future__ import annotations

import dataclasses
import time

import numpy as np
import torch

from mixer_viz import images
from mixer_viz.analysis.chunks import Cancelled, Progress
from mixer_viz.analysis.token_mixing import preferred
from mixer_viz.analysis.token_mixing.fourier import Spectrum, general_spectrum
from mixer_viz.analysis.token_mixing.maximise import Maximised, activations_of, maximise
from mixer_viz.analysis.token_mixing.objective import Objective
from mixer_viz.images import samples
from mixer_viz.language import mark
from mixer_viz.model.costs import costs
from mixer_viz.survey.bundled import QUANTILES, training_statistics
from mixer_viz.texts.units.preferred import measured_in_words
from mixer_viz.ui.choices import Choice, ChosenModel, Picture
from mixer_viz.ui.compute import cached
from mixer_viz.ui.compute.caching import kept
from mixer_viz.ui.compute.gate import computing_on, gate_of
from mixer_viz.ui.compute.jobs import Job, Key, job_table
from mixer_viz.ui.compute.visitors import visitor_name

STARTS, STEPS = 4, 128
_LARGE = 1e9  # multiply-adds


@dataclasses.dataclass(frozen=True)
class Search:
    """What the fields ask for."""

    objective: Objective
    phase_only: bool
    seed: int


@dataclasses.dataclass(frozen=True)
class Found:
    """What gradient ascent found, beside the photos that come with the app and the visitor's own."""

    maximised: Maximised
    photo_activations: np.ndarray  # (P,) float64, in the order of `said_titles`


@kept("result")
def exact_pictures(model: ChosenModel, unit: int, channel: int) -> tuple[np.ndarray, np.ndarray]:
    """The two closed forms of a unit of block 1 as pictures (H, W, 3) uint8."""
    found = preferred.preferred_picture(model.model, unit, channel)
    std = model.config.std
    return preferred.as_picture(found.plain, std), preferred.as_picture(found.normed, std)


@kept("result", mark("Measuring the closed form …"))
def exact_activations(choice: Choice, unit: int, channel: int) -> tuple[float, float, float]:
    """Activation after GELU of both closed forms, and of the visitor's picture, by real passes."""
    objective = Objective(kind="token unit", index=unit, place=0, at=channel)
    pictures = np.stack([*exact_pictures(choice.model, unit, channel), cached.crop_of(choice)])
    with computing_on(choice.model.model.stem.weight.device):
        first, second, own = activations_of(choice.model.model, pictures, objective).tolist()
    return first, second, own


@kept("result")
def spectrum_for(model: ChosenModel) -> Spectrum:
    """That of the training set where it is known; else that of photos in general."""
    known = training_statistics(model.key)
    if known is not None and known.spectrum.fits(model.config.image_shape):
        return known.spectrum
    return general_spectrum(model.config.image_shape)


@kept("weights", mark("Timing one pass …"))
def seconds_of_search(model: ChosenModel) -> float:
    """About how long a search takes here, from one timed pass: forward and backward cost three times as much."""
    device = model.model.stem.weight.device
    # A large network's pass of one picture takes long enough already, and four take four times as long.
    at_once = STARTS if costs(model.config).total.multiply_adds < _LARGE else 1
    pixels = torch.zeros((at_once, model.config.in_channels, *model.config.image_shape), device=device)
    with computing_on(device), torch.inference_mode():
        began = time.perf_counter()
        float(model.model(pixels).sum())  # read, so that a GPU has done it
        return 3 * STEPS * (STARTS / at_once) * (time.perf_counter() - began)


def search_key(choice: Choice, search: Search) -> Key:
    """Under which `search_job` is found."""
    return ("maximised", choice.model.key, choice.picture.key, search.objective, search.phase_only, search.seed)


def search_job(choice: Choice, search: Search) -> Job[Found]:
    """The search, at work or done."""
    model, spectrum = choice.model.model, spectrum_for(choice.model)
    pictures = _pictures(choice)

    def work(progress: Progress, cancelled: Cancelled) -> Found:
        # Not through the caches of the page, as this runs beside it.
        crops = np.stack([np.asarray(images.crop_image(cached.read_picture(each), model.config)) for each in pictures])
        real = activations_of(model, crops, search.objective)
        found = maximise(
            model,
            search.objective,
            spectrum=spectrum,
            phase_only=search.phase_only,
            starts=STARTS,
            steps=STEPS,
            seed=search.seed,
            progress=progress,
            cancelled=cancelled,
        )
        return Found(found, real)

    return job_table().ask(search_key(choice, search), work, gate_of(model.stem.weight.device), visitor_name())


def best_photo(choice: Choice, found: Found) -> np.ndarray:
    """The crop of the photo that excites most, (H, W, 3) uint8."""
    picture = _pictures(choice)[int(found.photo_activations.argmax())]
    return cached.crop_of(Choice(choice.model, picture))


def said_titles(choice: Choice) -> tuple[str, ...]:
    """Titles of the visitor's picture and of all photos, in the language of whoever is looking."""
    return tuple(picture.said_title for picture in _pictures(choice))


def _pictures(choice: Choice) -> list[Picture]:
    """The visitor's picture and all photos, each once."""
    photos = [Picture(each.name, each.title, None) for each in samples.available_samples() if each.kind == "photo"]
    return list({picture.key: picture for picture in (choice.picture, *photos)}.values())


def measured_for(model: ChosenModel, objective: Objective) -> str:
    """What the training images of a bundled model reach, in a sentence; empty where nobody measured it."""
    known = training_statistics(model.key)
    config = model.config
    hidden = {"token unit": config.tokens_mlp_dim, "channel unit": config.channels_mlp_dim}
    units = hidden.get(objective.kind, config.embed_dim)
    found = None if known is None else known.of(objective, units)
    if known is None or found is None:
        return ""
    top, quantiles = found
    return measured_in_words(top, float(quantiles[QUANTILES.index(50)]), known.images, model.shown_title)
