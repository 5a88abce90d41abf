"""Directions of vectors and the cosine between them, with one answer for vectors that have no direction: 0."""

from __future__ import annotations

import numpy as np


def unit_length(vectors: np.ndarray) -> np.ndarray:
    """Each vector (..., n) scaled to length 1; a zero vector stays zero. No eps, so short vectors keep length 1."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(length == 0, 1.0, length)


def cosine(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Cosine between vectors (..., n) of the same place: (...), -1 to 1; 0 where either is a zero vector."""
    return np.clip((unit_length(first) * unit_length(second)).sum(axis=-1), -1, 1)
