"""What an attribution hands back, whatever the method."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from mixer_viz.analysis.chunks import Precision
from mixer_viz.analysis.frames import frame

Value = int | float | str  # of a parameter
_NEAR_ZERO = 1e-6  # of the score, or of one logit where the score is smaller


@dataclasses.dataclass(frozen=True)
class Attribution:
    """Signed values of one image for one target: positive speaks for it, negative against it.

    The target's score f is the logit of `target`, or that logit minus the one of `against`. `pixel_map` is the sum of
    `pixel_values` over the colours, and `patch_map` the sum of `pixel_map` over each patch's pixels, so that a law of
    completeness reads the same at each level: the sum over everything is `expected`. Methods that see patches only
    have None at pixel level. A method that gives one value to a whole patch, window or group of patches (ablation,
    occlusion, Shapley values) has it spread evenly over the numbers that it stands for.
    """

    method: str
    target: int
    against: int | None
    baseline: str | None  # name of the baseline; None for methods that compare with none
    seed: int  # of the noise baseline and of whatever the method draws
    precision: Precision  # in which the network ran, both scores included
    parameters: Mapping[str, Value]  # all of them, the defaults included
    pixel_values: np.ndarray | None  # (3, H, W) float64
    pixel_map: np.ndarray | None  # (H, W) float64
    patch_map: np.ndarray  # (S,) float64
    in_logits: bool  # whether the values are logits; else only their order and sign mean something
    score: float  # f(image)
    baseline_score: float | None  # f(baseline)
    expected: float | None  # what the values should add up to; None for methods without such a law
    seconds: float
    forward_passes: int  # images sent through the network, those that measure both scores included
    backward_passes: int  # images for which gradients came back

    @property
    def total(self) -> float:
        """Sum of all values."""
        return float(self.patch_map.sum())

    @property
    def near_zero(self) -> bool:
        """Whether there is next to nothing to see: the patches' absolute values add up to a millionth of the score.

        The head of an untrained Mixer is all zeros, so that its logits do not depend on the image and every map of it
        is exactly zero. A map without any finite value counts as well. Drawn over its own range, such a map would
        look like any other.
        """
        finite = self.patch_map[np.isfinite(self.patch_map)]
        return bool(np.abs(finite).sum() <= _NEAR_ZERO * max(1.0, abs(self.score)))

    @property
    def completeness_gap(self) -> float | None:
        """|total - expected|, in logits; None for methods without such a law."""
        return None if self.expected is None else abs(self.total - self.expected)

    def to_frame(self) -> Any:
        """The patch map as a pandas table: patch, value."""
        return frame({"patch": np.arange(self.patch_map.size), "value": self.patch_map})

    def _repr_html_(self) -> str:
        """What a notebook shows of it; `mv.plot.attribution` draws it."""
        gap = "" if self.completeness_gap is None else f", {self.completeness_gap:.2g} short of the law"
        unit = " logits" if self.in_logits else ""
        return (
            f"<b>{self.method}</b> of class {self.target}: values sum to {self.total:+.4g}{unit}{gap}; "
            f"score {self.score:.4g}, {self.forward_passes} forward passes"
        )

    @property
    def relative_gap(self) -> float | None:
        """The gap as a share of |expected|: infinite when that is zero and the gap is not; None without a law."""
        if self.expected is None or self.completeness_gap is None:
            return None
        if self.expected == 0.0:
            return 0.0 if self.completeness_gap == 0.0 else float("inf")
        return self.completeness_gap / abs(self.expected)
