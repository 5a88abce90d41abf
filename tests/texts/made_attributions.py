"""Made-up results for the texts of the Attributions page."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from mixer_viz.analysis.attribution.deletion import Curves
from mixer_viz.analysis.attribution.result import Attribution

VALUES = np.array([0.5, -0.25, 1.0, 0.25])
PLAIN = Attribution(
    method="integrated_gradients",
    target=3,
    against=None,
    baseline="mean",
    seed=7,
    precision="float32",
    parameters={"steps": 50},
    pixel_values=None,
    pixel_map=None,
    patch_map=VALUES,
    in_logits=True,
    score=2.0,
    baseline_score=0.5,
    expected=1.5,
    seconds=0.25,
    forward_passes=1052,
    backward_passes=50,
)
COUNTS = np.array([0, 2, 4])
CURVES = Curves(
    order=np.array([2, 0, 3, 1]),
    counts=COUNTS,
    deletion_logits=np.zeros((3, 10)),
    insertion_logits=np.zeros((3, 10)),
    deletion=np.array([1.0, 0.25, 0.0]),
    insertion=np.array([0.0, 0.5, 1.0]),
    random_deletion=np.array([[1.0, 0.5, 0.0], [1.0, 0.7, 0.0]]),
    random_insertion=np.array([[0.0, 0.2, 1.0], [0.0, 0.4, 1.0]]),
    measure="probability",
    baseline="mean",
    forward_passes=18,
)


def changed(**values: Any) -> Attribution:
    return dataclasses.replace(PLAIN, **values)


NOT_IN_LOGITS = changed(method="saliency", in_logits=False, expected=None, baseline=None, parameters={})
