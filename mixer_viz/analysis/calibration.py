"""How sure a network may say it is: temperature scaling, and what is usual on its test images (Guo et al. 2017)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize_scalar  # type: ignore[import-untyped]
from scipy.special import log_softmax, softmax  # type: ignore[import-untyped]

_LOG_RANGE = (-3.0, 3.0)  # temperatures from 0.05 to 20
STEPS = 20  # quantiles from 0 to 100 % in steps of 5


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The T > 0 with the least mean cross-entropy of softmax(logits / T), section 4.2 of Guo et al. 2017.

    Args:
        logits: (N, K), of images that were not trained on.
        labels: (N,) class indices.

    Raises ValueError for no images, or for another number of labels.
    """
    if len(logits) == 0 or len(logits) != len(labels):
        raise ValueError(f"{len(logits)} rows of logits with {len(labels)} labels; give one label for each, at least 1")
    found = minimize_scalar(lambda log: cross_entropy(logits, labels, float(np.exp(log))), bounds=_LOG_RANGE)
    return float(np.exp(found.x))


def cross_entropy(logits: np.ndarray, labels: np.ndarray, temperature: float = 1.0) -> float:
    """Mean of -log softmax(logits / T) at the labels, in nats; logits (N, K), labels (N,)."""
    scores = log_softmax(logits.astype(np.float64) / temperature, axis=1)
    return float(-scores[np.arange(len(labels)), labels].mean())


def confidences(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """The largest probability of softmax(logits / T) in each row: (N, K) -> (N,) float64."""
    largest: np.ndarray = softmax(logits.astype(np.float64) / temperature, axis=1).max(axis=1)
    return largest


def usual_confidence(logits: np.ndarray, temperature: float) -> tuple[float, ...]:
    """The 0, 5, ... 100 % quantiles of `confidences` over N images: what is usual, for `share_below`."""
    quantiles = np.quantile(confidences(logits, temperature), np.linspace(0, 1, STEPS + 1))
    return tuple(round(float(value), 4) for value in quantiles)


def share_below(confidence: float, usual: Sequence[float]) -> float:
    """Which share of the answers that `usual` sums up is less sure than this: 0 to 1, linear between quantiles."""
    return float(np.interp(confidence, usual, np.linspace(0, 1, len(usual))))
