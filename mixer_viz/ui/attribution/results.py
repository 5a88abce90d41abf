"""What the Attributions page computes: long work as jobs, the maps before what is said of them; single passes cached.

Bounds: those of the job table (an attribution of B/16 or L/16 has 1.6 MB, its quality some KB).
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from mixer_viz import images
from mixer_viz.analysis.attribution import metrics
from mixer_viz.analysis.attribution.baselines import baseline_pixels
from mixer_viz.analysis.attribution.deletion import Curves, deletion_insertion, random_orders
from mixer_viz.analysis.attribution.masking import logits_without_many
from mixer_viz.analysis.attribution.metrics import CONTROLS, NOISE_DRAWS, SHUFFLES, SanityChecks
from mixer_viz.analysis.attribution.result import Attribution, Value
from mixer_viz.analysis.attribution.run import attribute
from mixer_viz.analysis.attribution.table import method_for
from mixer_viz.analysis.chunks import Cancelled, Precision, Progress
from mixer_viz.language import mark
from mixer_viz.model.costs import costs
from mixer_viz.ui.choices import Choice
from mixer_viz.ui.compute import cached
from mixer_viz.ui.compute.caching import kept
from mixer_viz.ui.compute.gate import computing_on, gate_of
from mixer_viz.ui.compute.jobs import Job, Key, job_table
from mixer_viz.ui.compute.visitors import visitor_name

CURVE_POINTS = 16
_BACKWARD = 2  # a backward pass has about two forward passes' multiply-adds


@dataclasses.dataclass(frozen=True)
class Asked:
    """One attribution as the page's fields say it."""

    method: str
    target: int
    against: int | None
    baseline: str
    seed: int
    precision: Precision
    parameters: tuple[tuple[str, Value], ...]

    def key(self, choice: Choice) -> Key:
        """Under which its job is found."""
        return ("attribution", choice.picture.key, choice.model.key, *dataclasses.astuple(self))

    def multiply_adds(self, choice: Choice) -> float:
        """About what it costs, backward passes included."""
        config = choice.model.config
        passes = method_for(config, self.method).passes(dict(self.parameters))
        return costs(config).total.multiply_adds * float(passes.forward + _BACKWARD * passes.backward)


def attribution_job(choice: Choice, asked: Asked) -> Job[Attribution]:
    """The attribution of the chosen picture, at work or done."""
    pixels, model = cached.pixels_of(choice.picture, choice.model), choice.model.model

    def work(progress: Progress, cancelled: Cancelled) -> Attribution:
        parameters: dict[str, Any] = dict(asked.parameters)
        return attribute(
            model,
            pixels,
            asked.target,
            asked.method,
            against=asked.against,
            baseline=asked.baseline,
            seed=asked.seed,
            precision=asked.precision,
            progress=progress,
            cancelled=cancelled,
            **parameters,
        )

    return job_table().ask(asked.key(choice), work, gate_of(pixels.device), visitor_name())


def curves_key(choice: Choice, asked: Asked, baseline: str) -> Key:
    return ("curves", baseline, *asked.key(choice))


def curves_job(choice: Choice, asked: Asked, baseline: str, result: Attribution) -> Job[Curves]:
    """Deletion and insertion along a finished map; a map that compares with no baseline has curves that do."""
    pixels, model = cached.pixels_of(choice.picture, choice.model), choice.model.model

    def work(progress: Progress, cancelled: Cancelled) -> Curves:
        return deletion_insertion(
            model,
            pixels,
            result.patch_map,
            asked.target,
            against=asked.against,
            baseline=baseline,
            steps=min(CURVE_POINTS, choice.model.config.num_patches),
            controls=CONTROLS,
            seed=asked.seed,
            progress=progress,
            cancelled=cancelled,
        )

    key = curves_key(choice, asked, baseline)
    return job_table().ask(key, work, gate_of(pixels.device), visitor_name(), later=True)


def curves_multiply_adds(choice: Choice) -> float:
    """About what the curves of one map cost."""
    points = min(CURVE_POINTS, choice.model.config.num_patches) + 1
    return costs(choice.model.config).total.multiply_adds * 2.0 * (1 + CONTROLS) * points


def checks_key(choice: Choice, asked: Asked) -> Key:
    return ("trust", *asked.key(choice))


def checks_job(choice: Choice, asked: Asked, result: Attribution) -> Job[SanityChecks]:
    """The same attribution on noisy copies of the picture, and on models with shuffled weights."""
    pixels, model = cached.pixels_of(choice.picture, choice.model), choice.model.model

    def work(progress: Progress, cancelled: Cancelled) -> SanityChecks:
        def part(first: int) -> Progress:
            return lambda done, total: progress(*_of_all(done, total, first))

        noise = metrics.noise_sensitivity(
            model, pixels, result, draws=NOISE_DRAWS, seed=asked.seed, progress=part(0), cancelled=cancelled
        )
        randomised = metrics.randomisation_check(
            model, pixels, result, draws=SHUFFLES, seed=asked.seed, progress=part(NOISE_DRAWS), cancelled=cancelled
        )
        return SanityChecks(noise, randomised)

    return job_table().ask(checks_key(choice, asked), work, gate_of(pixels.device), visitor_name(), later=True)


def _of_all(done: int, total: int, first: int) -> tuple[int, int]:
    """Progress of one of the two checks as progress of both: the first makes 4 attributions, the second 3."""
    draws = SHUFFLES if first else NOISE_DRAWS
    one = total // draws
    return first * one + done, (NOISE_DRAWS + SHUFFLES) * one


def checks_multiply_adds(choice: Choice, asked: Asked) -> float:
    """About what the checks of one map cost."""
    return (NOISE_DRAWS + SHUFFLES) * asked.multiply_adds(choice)


@kept("result")
def baseline_picture(choice: Choice, name: str, seed: int) -> np.ndarray:
    """A baseline as a picture, (H, W, 3) uint8."""
    pixels = cached.pixels_of(choice.picture, choice.model)
    config = choice.model.config
    picture: np.ndarray = images.pixels_to_image(baseline_pixels(config, pixels, name, seed), config)[0]
    return picture


@kept("passes", mark("Running the Mixer without these patches …"))
def logits_without(choice: Choice, baseline: str, seed: int, sets: tuple[tuple[int, ...], ...]) -> np.ndarray:
    """Logits (R, num_classes) of real passes without each of R sets of patches."""
    pixels = cached.pixels_of(choice.picture, choice.model)
    with computing_on(pixels.device):
        return logits_without_many(choice.model.model, pixels, sets, baseline=baseline, seed=seed)


def random_sets(choice: Choice, seed: int, count: int) -> tuple[tuple[int, ...], ...]:
    """The first `count` patches of the random orders that the curves have, too."""
    orders = random_orders(choice.model.config.num_patches, CONTROLS, seed)
    return tuple(tuple(order[:count].tolist()) for order in orders)
