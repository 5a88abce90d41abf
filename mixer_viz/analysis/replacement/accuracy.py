"""Accuracy with and without swapped token mixing, on the same labelled images."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from mixer_viz.analysis.chunks import Cancelled, ChunkedPasses, Progress, chunk_for
from mixer_viz.analysis.replacement.replace import Replacement, check_replacements, replaced_batch
from mixer_viz.images.labelled_folder import LabelledImages
from mixer_viz.model import MlpMixer


@dataclasses.dataclass(frozen=True)
class ReplacedAccuracy:
    """Top-1 answers of the unchanged and the changed network to N labelled images."""

    labels: np.ndarray  # (N,) int, classes
    answers: np.ndarray  # (N,) int, of the unchanged network
    replaced_answers: np.ndarray  # (N,) int

    @property
    def images(self) -> int:
        """N."""
        return len(self.labels)

    @property
    def correct(self) -> int:
        """Right answers of the unchanged network."""
        return int((self.answers == self.labels).sum())

    @property
    def replaced_correct(self) -> int:
        """Right answers with the stand-ins."""
        return int((self.replaced_answers == self.labels).sum())

    @property
    def changed(self) -> int:
        """Images that are answered differently, rightly or wrongly."""
        return int((self.answers != self.replaced_answers).sum())

    @property
    def accuracy(self) -> float:
        """Of the unchanged network, 0 to 1."""
        return self.correct / self.images

    @property
    def replaced_accuracy(self) -> float:
        """With the stand-ins, 0 to 1."""
        return self.replaced_correct / self.images


@torch.no_grad()
def replaced_accuracy(
    model: MlpMixer,
    labelled: LabelledImages,
    replacements: Mapping[int, Replacement],
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> ReplacedAccuracy:
    """Send every image through the unchanged and the changed network; progress counts images, each through both.

    Raises ValueError for images prepared for another Mixer and as `replaced_batch` does, AnalysisCancelled when
    `cancelled` answers True.
    """
    if labelled.config != model.config:
        raise ValueError("the labelled images were prepared for another model: their configs differ")
    check_replacements(model.config, replacements)
    device = model.stem.weight.device
    passes = ChunkedPasses(chunk_for(model.config, device, with_gradient=False), len(labelled), progress, cancelled)

    def answers(some: slice) -> Tensor:
        pixels = labelled.pixels(some, device)
        return torch.stack(
            [model(pixels).argmax(dim=1), replaced_batch(model, pixels, replacements).argmax(dim=1)], dim=1
        )

    both = passes.in_chunks(len(labelled), answers).cpu().numpy()  # (N, 2)
    return ReplacedAccuracy(labelled.labels, both[:, 0], both[:, 1])
