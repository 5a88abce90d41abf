"""What one attribution works on, and patches as groups of pixels."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import torch
from torch import Tensor

from mixer_viz.analysis.attribution.result import Value
from mixer_viz.analysis.attribution_score import Score
from mixer_viz.model import MixerConfig, MlpMixer


@dataclasses.dataclass(frozen=True)
class Task:
    """One attribution: the tensors are its own, the model is shared and only read."""

    model: MlpMixer
    pixels: Tensor  # (1, 3, H, W), a leaf of its own
    baseline: Tensor | None  # (1, 3, H, W); None for methods that need none
    score: Score
    values: Mapping[str, Value]  # of the method's parameters
    seed: int
    chunk: int  # images at once

    def with_chunk(self, chunk: int) -> Task:
        """The same task with another chunk."""
        return dataclasses.replace(self, chunk=chunk)

    def whole(self, name: str) -> int:
        """A parameter that counts something."""
        return int(self.values[name])

    @property
    def start(self) -> Tensor:
        """The baseline, of a method that has one."""
        if self.baseline is None:
            raise ValueError("this method compares with no baseline")
        return self.baseline

    @property
    def noise(self) -> float:
        """Standard deviation of the noise in normalised units, from its share of this image's range."""
        lowest, highest = torch.aminmax(self.pixels.detach())
        return float(self.values["noise"]) * float(highest - lowest)


def group_mask(config: MixerConfig, group: int, device: torch.device) -> Tensor:
    """(1, 1, H, W): for each pixel the number of its square of `group` x `group` patches, in raster order."""
    side = group * config.patch_size
    place = torch.arange(config.image_size, device=device) // side
    return (place[:, None] * (int(place[-1]) + 1) + place[None, :])[None, None]


def spread_over_groups(values: Tensor, mask: Tensor) -> Tensor:
    """One value per group, repeated over its numbers (1, 3, H, W), as a density: what it sums to is the value."""
    pixels = torch.bincount(mask.flatten())[mask]
    return values / (values.shape[1] * pixels)
