"""Baselines: the image without information that an attribution compares with. There is no neutral one."""

from __future__ import annotations

from collections.abc import Callable

import torch
from scipy.ndimage import gaussian_filter  # type: ignore[import-untyped]
from torch import Tensor

from mixer_viz.analysis.arrays import to_double
from mixer_viz.images import DEFAULT_MEAN, DEFAULT_STD
from mixer_viz.model import MixerConfig


def _black(config: MixerConfig, pixels: Tensor, seed: int) -> Tensor:
    return _normalised(config, torch.zeros(pixels.shape, dtype=torch.float64))


def _mean(config: MixerConfig, pixels: Tensor, seed: int) -> Tensor:
    return pixels.mean(dim=(2, 3), keepdim=True).expand_as(pixels)


def _blur(config: MixerConfig, pixels: Tensor, seed: int) -> Tensor:
    sigma = float(config.patch_size)
    blurred = gaussian_filter(to_double(pixels), (0.0, 0.0, sigma, sigma), mode="nearest")
    return torch.from_numpy(blurred)


def _noise(config: MixerConfig, pixels: Tensor, seed: int) -> Tensor:
    # Drawn on the CPU, so that one seed gives one baseline on every device.
    drawn = torch.rand(pixels.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return _normalised(config, drawn)


def _normalised(config: MixerConfig, colours: Tensor) -> Tensor:  # 0 black, 1 white
    chosen = (config.mean or DEFAULT_MEAN, config.std or DEFAULT_STD)
    mean, std = (torch.tensor(values, dtype=colours.dtype).view(1, -1, 1, 1) for values in chosen)
    return (colours - mean) / std


_MAKERS: dict[str, Callable[[MixerConfig, Tensor, int], Tensor]] = {
    "black": _black,
    "mean": _mean,
    "blur": _blur,
    "noise": _noise,
}
BASELINES: dict[str, str] = {
    "black": "every pixel black: the colour 0, normalised",
    "mean": "every pixel in this image's mean colour",
    "blur": "this image blurred by a Gaussian with a standard deviation of one patch side",
    "noise": "every colour of every pixel drawn evenly between none and full",
}


def check_baseline(name: str) -> None:
    """Raise ValueError for a name that is not in `BASELINES`."""
    if name not in _MAKERS:
        raise ValueError(f"baseline={name!r} must be one of {', '.join(_MAKERS)}")


def baseline_pixels(config: MixerConfig, pixels: Tensor, name: str, seed: int = 0) -> Tensor:
    """Normalised pixels of a baseline for `pixels` (1, 3, H, W), in their shape, type and device.

    Raises ValueError for a name that is not in `BASELINES`. `seed` matters to "noise" alone.
    """
    check_baseline(name)
    return _MAKERS[name](config, pixels, seed).to(pixels.dtype).to(pixels.device).contiguous()
