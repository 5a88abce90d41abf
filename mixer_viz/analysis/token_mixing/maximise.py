"""Activation maximisation: the picture that excites a unit, a channel or a class most, found by gradient ascent.

Erhan et al. 2009; Fourier parameters and jitter as in Olah et al. 2017, phases alone as in Fel et al. 2023 (MACO, arXiv
2306.06805), units after the GELU as in Ghiasi et al. 2022 (arXiv 2212.06727). A picture found so proves nothing by its
looks: compare the activation it reaches with that of real pictures. Jitter is small, since token mixing is bound to
places.
"""

from __future__ import annotations

import dataclasses
import io
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from mixer_viz.analysis.chunks import Cancelled, ChunkedPasses, Progress, chunk_for, halving
from mixer_viz.analysis.frames import frame
from mixer_viz.analysis.ranges import check_range
from mixer_viz.analysis.token_mixing.fourier import Spectrum, general_spectrum, pictures_from, random_coefficients
from mixer_viz.analysis.token_mixing.objective import Objective, activation
from mixer_viz.images import normalise
from mixer_viz.images.pixels import DEFAULT_MEAN, DEFAULT_STD
from mixer_viz.language import noted
from mixer_viz.model import MlpMixer

MAX_STEPS, MAX_STARTS = 2_000, 64
_RATE, _PHASE_RATE = 0.05, 0.1  # of Adam
_CURVE_POINTS = 64


@dataclasses.dataclass(frozen=True)
class Maximised:
    """N pictures found from N random starts, the one that reaches most first."""

    objective: Objective
    pictures: np.ndarray  # (N, H, W, 3) uint8: what is measured is what is shown, rounded
    activations: np.ndarray  # (N,) float64, of these pictures, without jitter
    start_activations: np.ndarray  # (N,) float64, of the random picture that each began with
    curve_steps: np.ndarray  # (K,) int
    curve: np.ndarray  # (K, N) float64, activations on the way, with jitter, before rounding
    seed: int
    steps: int
    phase_only: bool
    spectrum_images: int  # pictures that the spectrum was measured on; 0: a general one

    def to_frame(self) -> Any:
        """A pandas table: picture, activation, what it began with."""
        columns = {"activation": self.activations, "start_activation": self.start_activations}
        return frame({"picture": np.arange(len(self.activations)), **columns})

    def _repr_png_(self) -> bytes:
        """What a notebook shows of it: the pictures side by side, enlarged; `mv.plot.maximised` has the numbers."""
        zoom = max(1, 128 // self.pictures.shape[1])
        row = np.concatenate([each.repeat(zoom, 0).repeat(zoom, 1) for each in self.pictures], axis=1)
        buffer = io.BytesIO()
        Image.fromarray(row).save(buffer, format="PNG")
        return buffer.getvalue()

    @property
    def best(self) -> float:
        """The largest activation reached."""
        return float(self.activations[0])


def maximise(
    model: MlpMixer,
    objective: Objective,
    *,
    spectrum: Spectrum | None = None,
    phase_only: bool = False,
    starts: int = 4,
    steps: int = 256,
    jitter: int | None = None,
    total_variation: float = 1.0,
    seed: int = 0,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> Maximised:
    """Pictures that excite `objective` most, by Adam on Fourier coefficients from `starts` random pictures.

    The same seed gives the same pictures on the same machine. The model is only read.

    Args:
        spectrum: of the pictures that the Mixer was trained on; None for that of photos in general.
        phase_only: keep every frequency's amplitude as in the spectrum and move phases alone.
        jitter: the picture is rolled by up to so many pixels in each step but the last quarter; None for an eighth of a
            patch, rounded.
        total_variation: weight of the mean difference of neighbouring pixels, against a relative gain of activation.
        progress, cancelled: as for `attribute`; images are counted, one for each start and step.
    Raises ValueError for an objective, spectrum or number that does not fit, AnalysisCancelled when told to stop.
    """
    config = model.config
    objective.check(config)
    spectrum = spectrum or general_spectrum(config.image_shape)
    jitter = (config.patch_size + 4) // 8 if jitter is None else jitter
    _check(spectrum, config.image_shape, starts, steps, jitter, total_variation, seed)
    device = model.stem.weight.device
    passes = ChunkedPasses(chunk_for(config, device, with_gradient=True), starts * steps, progress, cancelled)
    ascent = _Ascent(model, objective, spectrum, phase_only, steps, jitter, total_variation, seed, passes)
    pictures, begun, curves = ascent.run_all(starts)
    reached = _measured(model, objective, pictures)
    order = np.argsort(-reached, kind="stable")
    return Maximised(
        objective=objective,
        pictures=pictures[order],
        activations=reached[order],
        start_activations=_measured(model, objective, begun)[order],
        curve_steps=_curve_steps(steps),
        curve=curves[:, order],
        seed=seed,
        steps=steps,
        phase_only=phase_only,
        spectrum_images=spectrum.images,
    )


@dataclasses.dataclass(frozen=True)
class _Ascent:
    model: MlpMixer
    objective: Objective
    spectrum: Spectrum
    phase_only: bool
    steps: int
    jitter: int
    total_variation: float
    seed: int
    passes: ChunkedPasses

    def run_all(self, starts: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """`run` of all starts, as many at once as memory allows."""
        found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        done = 0
        while done < starts:

            def some(chunk: int, begin: int = done) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
                return self.run(range(begin, begin + chunk))

            found.append(halving(min(self.passes.chunk, starts - done), some))
            done += len(found[-1][0])
        pictures, begun, curves = zip(*found, strict=True)
        return np.concatenate(pictures), np.concatenate(begun), np.concatenate(curves, axis=1)

    def run(self, numbers: range) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Pictures reached and begun with, (n, H, W, 3) uint8, and curves (K, n), of starts with these numbers."""
        done = self.passes.forward_passes
        with torch.inference_mode(False), torch.enable_grad():
            weight = self.model.stem.weight
            # Drawn start by start, so that none depends on how many go through the network at once.
            drawn = [random_coefficients(self.spectrum, 1000 * self.seed + n, self.phase_only) for n in numbers]
            moved = torch.stack(drawn).to(weight.device).requires_grad_()
            begun = self._pictures(moved).detach()
            rate = _PHASE_RATE if self.phase_only else _RATE
            optimiser = torch.optim.Adam([moved], lr=rate)
            generator = torch.Generator().manual_seed(self.seed)
            wanted, curve = set(_curve_steps(self.steps).tolist()), []
            self.passes.restart(done)
            for step in range(self.steps):
                self.passes.check_cancelled()
                for group in optimiser.param_groups:
                    group["lr"] = rate * (1 - step / self.steps)
                values = self._step(optimiser, moved, generator, self.jitter if 4 * step < 3 * self.steps else 0)
                if step in wanted:
                    curve.append(values)
                self.passes.count(len(numbers))
            return _rounded(self._pictures(moved).detach()), _rounded(begun), np.stack(curve)

    def _step(self, optimiser: torch.optim.Adam, moved: Tensor, generator: torch.Generator, jitter: int) -> np.ndarray:
        pictures = self._pictures(moved)
        down, across = torch.randint(-jitter, jitter + 1, (2,), generator=generator).tolist()
        values = activation(self.model, self._normalised(pictures.roll((down, across), (2, 3))), self.objective)
        # A relative gain, so that one weight of the total variation fits units of any size.
        gain = values / values.detach().abs().clamp_min(1e-6)
        loss = -gain.sum() + self.total_variation * _total_variation(pictures).sum()
        moved.grad = torch.autograd.grad(loss, moved)[0]
        optimiser.step()
        return values.detach().cpu().double().numpy()

    def _pictures(self, moved: Tensor) -> Tensor:
        return pictures_from(moved, self.spectrum, self.model.config.image_shape[1], self.phase_only)

    def _normalised(self, pictures: Tensor) -> Tensor:
        config, weight = self.model.config, self.model.stem.weight
        mean, std = (torch.tensor(each).to(pictures)[:, None, None] for each in _mean_and_std(config.mean, config.std))
        return ((pictures - mean) / std).to(weight.dtype)


def activations_of(model: MlpMixer, images: np.ndarray, objective: Objective) -> np.ndarray:
    """The objective's value of pictures (N, H, W, 3) uint8 of the network's size: (N,) float64."""
    return _measured(model, objective, images)


@torch.no_grad()
def _measured(model: MlpMixer, objective: Objective, images: np.ndarray) -> np.ndarray:
    weight = model.stem.weight
    passes = ChunkedPasses(chunk_for(model.config, weight.device, with_gradient=False), len(images))

    def values(some: slice) -> Tensor:
        return activation(model, normalise(images[some], model.config).to(weight), objective)

    return passes.in_chunks(len(images), values).cpu().double().numpy()


def _mean_and_std(
    mean: tuple[float, ...] | None, std: tuple[float, ...] | None
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return mean or DEFAULT_MEAN, std or DEFAULT_STD


def _total_variation(pictures: Tensor) -> Tensor:
    """Mean |difference| of neighbouring pixels of each picture: (N, 3, H, W) -> (N,)."""
    down, across = pictures.diff(dim=2).abs(), pictures.diff(dim=3).abs()
    return down.mean(dim=(1, 2, 3)) + across.mean(dim=(1, 2, 3))


def _rounded(pictures: Tensor) -> np.ndarray:
    return (255 * pictures).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().contiguous().numpy()


def _curve_steps(steps: int) -> np.ndarray:
    return np.unique(np.linspace(0, steps - 1, min(steps, _CURVE_POINTS)).round().astype(int))


def _check(
    spectrum: Spectrum,
    shape: tuple[int, int],
    starts: int,
    steps: int,
    jitter: int,
    total_variation: float,
    seed: int,
) -> None:
    if not spectrum.fits(shape):
        height, width = shape
        raise ValueError(f"the spectrum {spectrum.amplitude.shape} is not of {height} x {width} pictures")
    if not 1 <= starts <= MAX_STARTS:
        raise ValueError(noted("starts={starts} is not between 1 and {most}", starts=starts, most=MAX_STARTS))
    if not 1 <= steps <= MAX_STEPS:
        raise ValueError(noted("steps={steps} is not between 1 and {most}", steps=steps, most=MAX_STEPS))
    check_range("jitter", jitter, min(shape))
    if not 0 <= total_variation < float("inf"):
        raise ValueError(
            noted(
                "total_variation={value} must be a finite number, not negative",
                value=total_variation,
            )
        )
    check_range("seed", seed, 2**32)
