"""Pictures as Fourier coefficients on the scale of natural ones: what activation maximisation moves.

After Olah et al. 2017 ("Feature Visualization", Distill): with every frequency scaled by how strong it is in pictures,
a step of gradient ascent changes coarse and fine structure alike. Colours are taken apart along the principal axes of
the training set's colours.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

_NATURAL_SPREAD = 0.25  # of the pixel values of photos, 0 to 1
_SLOPE = 4.0  # so that the sigmoid has slope 1 at mid grey


@dataclasses.dataclass(frozen=True)
class Spectrum:
    """How strong each frequency is in pictures of one size, and how their colours vary together."""

    amplitude: np.ndarray  # (3, H, W // 2 + 1) float32, root mean square of the orthonormal transform, colours apart
    colours: np.ndarray  # (3, 3) float32, from colours apart to red, green, blue
    mean: np.ndarray  # (3,) float32, mean red, green, blue, 0 to 1
    images: int  # that it was measured on; 0: what is known of photos in general

    def __post_init__(self) -> None:
        if self.amplitude.ndim != 3 or self.amplitude.shape[0] != 3 or self.colours.shape != (3, 3):
            raise ValueError(f"a spectrum is (3, H, W // 2 + 1) and (3, 3), got {self.amplitude.shape}")

    def fits(self, shape: tuple[int, int]) -> bool:
        """Whether it is of pictures of this height and width."""
        return self.amplitude.shape[1:] == (shape[0], shape[1] // 2 + 1)


def general_spectrum(shape: tuple[int, int]) -> Spectrum:
    """Amplitude 1 / f, as photos have it (Field 1987), with the spread of photos and grey colours: no data needed."""
    height, width = shape
    down, across = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]
    frequency = np.maximum(np.hypot(down, across), 1 / max(height, width))
    amplitude = 1 / frequency
    amplitude *= _NATURAL_SPREAD * np.sqrt(height * width / _energy(amplitude, width))
    # A shade common to all colours, and a fifth as strong the two contrasts of colours, as in photos.
    axes = np.array([[1, 1, 1], [0.2, 0, -0.2], [-0.1, 0.2, -0.1]]).T
    return Spectrum(np.tile(amplitude, (3, 1, 1)).astype(np.float32), axes.astype(np.float32), np.full(3, 0.5, "f4"), 0)


def spectrum_of(batches: Iterable[np.ndarray]) -> Spectrum:
    """The spectrum of pictures, from batches of uint8 (N, H, W, 3) that are gone through twice: give a list.

    Raises ValueError without a picture.
    """
    batches = list(batches) if not isinstance(batches, list | tuple) else batches
    images = sum(len(batch) for batch in batches)
    if not images:
        raise ValueError("a spectrum needs at least one picture, got none")
    total, products, pixels = np.zeros(3), np.zeros((3, 3)), 0
    for batch in batches:
        flat = batch.reshape(-1, 3) / 255.0
        total, products, pixels = total + flat.sum(axis=0), products + flat.T @ flat, pixels + len(flat)
    mean = total / pixels
    values, vectors = np.linalg.eigh(products / pixels - np.outer(mean, mean))
    spread = np.sqrt(np.maximum(values, 1e-6))
    power = 0.0
    for batch in batches:
        apart = (batch / 255.0 - mean) @ vectors / spread  # (N, H, W, 3)
        power = power + (np.abs(np.fft.rfft2(apart, axes=(1, 2), norm="ortho")) ** 2).sum(axis=0)
    amplitude = np.sqrt(np.asarray(power) / images).transpose(2, 0, 1)
    return Spectrum(amplitude.astype("f4"), (vectors * spread).astype("f4"), mean.astype("f4"), images)


def random_coefficients(spectrum: Spectrum, seed: int, phase_only: bool) -> Tensor:
    """Where a start begins: phases (3, H, W'), or real and imaginary parts (3, H, W', 2) of variance 1 / 2 each."""
    generator = torch.Generator().manual_seed(seed)
    size = spectrum.amplitude.shape
    if phase_only:
        return 2 * torch.pi * torch.rand(size, generator=generator)
    return torch.randn((*size, 2), generator=generator) / 2**0.5


def pictures_from(coefficients: Tensor, spectrum: Spectrum, width: int, phase_only: bool) -> Tensor:
    """Pictures (N, 3, H, W) from 0 to 1 of what `random_coefficients` draws, N of them, with gradients.

    `phase_only` keeps the amplitudes as they are (Fel et al. 2023, MACO, arXiv 2306.06805). A sigmoid of slope 1 at mid
    grey keeps the values within 0 and 1.
    """
    amplitude = torch.from_numpy(spectrum.amplitude).to(coefficients)
    if phase_only:
        waves = torch.polar(amplitude.expand_as(coefficients), coefficients)
    else:
        waves = torch.view_as_complex(coefficients.contiguous()) * amplitude
    apart = torch.fft.irfft2(waves, s=(amplitude.shape[1], width), norm="ortho")  # (N, 3, H, W)
    colours = torch.from_numpy(spectrum.colours).to(coefficients)
    values = torch.einsum("rc,nchw->nrhw", colours, apart)
    mean = torch.from_numpy(spectrum.mean).to(coefficients)[:, None, None]
    return torch.sigmoid(_SLOPE * (values + mean - 0.5))


def _energy(amplitude: np.ndarray, width: int) -> float:
    """Sum of squares over the whole transform, of the half (H, W // 2 + 1) that real pictures need."""
    twice = np.full(amplitude.shape[-1], 2.0)
    twice[0] = 1.0
    if width % 2 == 0:
        twice[-1] = 1.0
    return float((amplitude**2 * twice).sum())
