"""Deletion and insertion: what the network says when patches go, or come, in the order of a map (Petsiuk et al. 2018).

"RISE: Randomized Input Sampling for Explanation of Black-box Models", arXiv 1806.07421, there with pixels, here with
patches. A map that names what the network uses makes the score fall soon when its first patches go, and rise soon when
they come; random orders say how soon that happens for any map. Images with parts replaced are unlike any that the
network was trained on, so a fall may also come from the seams.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

import numpy as np
import torch
from scipy.special import expit, softmax  # type: ignore[import-untyped]
from torch import Tensor

from mixer_viz.analysis.arrays import one_image, to_double
from mixer_viz.analysis.attribution.baselines import baseline_pixels
from mixer_viz.analysis.attribution.masking import group_mask
from mixer_viz.analysis.attribution.methods import check_target
from mixer_viz.analysis.chunks import Cancelled, ChunkedPasses, Progress, chunk_for
from mixer_viz.analysis.frames import frame
from mixer_viz.model import MixerConfig, MlpMixer
from mixer_viz.model.mixer import check_pixels

Measure = Literal["logit", "probability"]


@dataclasses.dataclass(frozen=True)
class Curves:
    """Scores at K + 1 shares of the patches, from none to all, for the map's order and R random orders.

    Deletion replaces the first patches of the order by the baseline, insertion puts them into the baseline; areas are
    those under the curves over the shares, so they are in the unit of the score.
    """

    order: np.ndarray  # (S,) patches, most positive first
    counts: np.ndarray  # (K + 1,) patches deleted or inserted
    deletion_logits: np.ndarray  # (K + 1, num_classes) along the map's order
    insertion_logits: np.ndarray  # (K + 1, num_classes)
    deletion: np.ndarray  # (K + 1,) scores
    insertion: np.ndarray  # (K + 1,)
    random_deletion: np.ndarray  # (R, K + 1)
    random_insertion: np.ndarray  # (R, K + 1)
    measure: Measure
    baseline: str
    forward_passes: int

    def to_frame(self) -> Any:
        """A pandas table: share of the patches, both scores, and the means of those of the random orders."""
        random = {
            "random_deletion": self.random_deletion.mean(axis=0) if len(self.random_deletion) else np.nan,
            "random_insertion": self.random_insertion.mean(axis=0) if len(self.random_insertion) else np.nan,
        }
        return frame({"share": self.shares, "deletion": self.deletion, "insertion": self.insertion, **random})

    @property
    def shares(self) -> np.ndarray:
        """(K + 1,) deleted or inserted share of the patches, 0 to 1."""
        return self.counts / len(self.order)

    @property
    def deletion_area(self) -> float:
        """Lower is better; compare with `random_deletion_areas`."""
        return float(np.trapezoid(self.deletion, self.shares))

    @property
    def insertion_area(self) -> float:
        """Higher is better; compare with `random_insertion_areas`."""
        return float(np.trapezoid(self.insertion, self.shares))

    @property
    def random_deletion_areas(self) -> np.ndarray:
        """(R,)."""
        return np.asarray(np.trapezoid(self.random_deletion, self.shares, axis=1))

    @property
    def random_insertion_areas(self) -> np.ndarray:
        """(R,)."""
        return np.asarray(np.trapezoid(self.random_insertion, self.shares, axis=1))


def patch_order(patch_map: np.ndarray) -> np.ndarray:
    """Patches (S,) from the most positive to the most negative value; equal ones in raster order."""
    return np.argsort(-patch_map, kind="stable")


def random_orders(num_patches: int, controls: int, seed: int) -> np.ndarray:
    """The orders (controls, S) beside which `deletion_insertion` puts a map's own, for the same three numbers."""
    return np.random.default_rng(seed).permuted(np.tile(np.arange(num_patches), (controls, 1)), axis=1)


@torch.no_grad()
def deletion_insertion(
    model: MlpMixer,
    pixels: Tensor,
    patch_map: np.ndarray,
    target: int,
    *,
    against: int | None = None,
    baseline: str = "mean",
    measure: Measure = "probability",
    steps: int | None = None,
    controls: int = 5,
    seed: int = 0,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> Curves:
    """Deletion and insertion curves of a patch map (S,), with `controls` random orders beside it.

    Args:
        pixels: (1, 3, H, W), normalised, on the model's device.
        against: another class; then logits are differences, and probabilities the target's share of both.
        steps: K, points after the first; by default 16, or S where that is less.
        seed: of the random orders and of the noise baseline.
    Raises ValueError for a map, class, baseline, measure or number that does not fit.
    """
    config = model.config
    check_target(config, target, against)
    check_pixels(one_image(pixels)[None], config)
    counts = _counts(config, patch_map, measure, steps, controls)
    order = patch_order(patch_map)
    orders = [order, *random_orders(len(order), controls, seed)]
    total = 2 * len(orders) * len(counts)
    passes = ChunkedPasses(chunk_for(config, pixels.device, with_gradient=False), total, progress, cancelled)
    start = baseline_pixels(config, pixels, baseline, seed)
    mask = group_mask(config, 1, pixels.device)
    deleted = [_along(model, passes, pixels, start, mask, each, counts) for each in orders]
    inserted = [_along(model, passes, start, pixels, mask, each, counts) for each in orders]
    scores = [np.stack([_score(logits, target, against, measure) for logits in rows]) for rows in (deleted, inserted)]
    return Curves(
        order=order,
        counts=counts,
        deletion_logits=deleted[0],
        insertion_logits=inserted[0],
        deletion=scores[0][0],
        insertion=scores[1][0],
        random_deletion=scores[0][1:],
        random_insertion=scores[1][1:],
        measure=measure,
        baseline=baseline,
        forward_passes=passes.forward_passes,
    )


def _counts(config: MixerConfig, patch_map: np.ndarray, measure: str, steps: int | None, controls: int) -> np.ndarray:
    if patch_map.shape != (config.num_patches,):
        raise ValueError(f"the map has shape {patch_map.shape}, this Mixer has {config.num_patches} patches")
    if not np.isfinite(patch_map).all():
        raise ValueError("the map has values that are not finite, so it gives no order")
    if measure not in ("logit", "probability"):
        raise ValueError(f"measure={measure!r} must be 'logit' or 'probability'")
    if controls < 1:
        raise ValueError(f"controls={controls} must be at least 1")
    most = config.num_patches
    points = min(16, most) if steps is None else steps
    if not 1 <= points <= most:
        raise ValueError(f"steps={points} is not between 1 and {most}")
    return np.round(np.linspace(0, most, points + 1)).astype(int)


def _along(
    model: MlpMixer,
    passes: ChunkedPasses,
    before: Tensor,
    after: Tensor,
    mask: Tensor,
    order: np.ndarray,
    counts: np.ndarray,
) -> np.ndarray:
    """Logits (K + 1, num_classes) as the patches of `before` become those of `after`, `counts` of them in order."""
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    rank = torch.from_numpy(place).to(mask.device)[mask]  # (1, 1, H, W)
    limits = torch.from_numpy(counts).to(mask.device).view(-1, 1, 1, 1)

    def logits(some: slice) -> Tensor:
        mixed: Tensor = model(torch.where(rank < limits[some], after, before))
        return mixed

    return to_double(passes.in_chunks(len(counts), logits))


def _score(logits: np.ndarray, target: int, against: int | None, measure: Measure) -> np.ndarray:
    chosen = logits[:, target] if against is None else logits[:, target] - logits[:, against]
    if measure == "logit":
        return chosen
    one_output = logits.shape[1] == 1  # which has no rivals: the sigmoid, as `arrays.probabilities`
    return np.asarray(expit(chosen) if one_output or against is not None else softmax(logits, axis=1)[:, target])
