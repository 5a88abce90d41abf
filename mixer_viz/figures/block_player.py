"""What the browser needs to play one block: matrices and lines as levels of one colour scale each."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np

from mixer_viz.figures.theme import SCALES, lookup_table

_PERCENTILE = 99.0
_ZERO, _TOP = 128, 127  # the level of 0, and how many levels the largest magnitude is away from it


def levels(values: np.ndarray, limit: float) -> str:
    """Signed values as bytes in base64: 128 is zero, 1 and 255 are -limit and +limit; beyond, the ends."""
    scaled = np.clip(values / (limit or 1.0), -1, 1)
    return base64.b64encode(np.round(_ZERO + _TOP * scaled).astype(np.uint8).tobytes()).decode()


def _limit(values: np.ndarray) -> float:
    """Where the scale ends: a few values far out would leave all others pale."""
    return float(np.percentile(np.abs(values), _PERCENTILE)) or float(np.abs(values).max()) or 1.0


def player_payload(
    matrices: Sequence[np.ndarray], halves: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]
) -> dict[str, Any]:
    """As plain JSON values.

    Args:
        matrices: the tokens (S, C) before the block, between its halves, and after it; one scale for all three.
        halves: of token mixing and of channel mixing, the numbers of its K lines, and what they are after LayerNorm
            (K, width), hidden (K, D) and when they are added (K, width); each of these on a scale of its own.
    """
    limit = _limit(np.stack(list(matrices)))
    return {
        "rows": matrices[0].shape[0],
        "columns": matrices[0].shape[1],
        "limit": limit,
        "colours": base64.b64encode(lookup_table(SCALES["embedding"]).tobytes()).decode(),
        "matrices": [levels(matrix, limit) for matrix in matrices],
        "halves": [
            {
                "lines": lines.tolist(),
                "parts": [
                    {"size": part.shape[1], "levels": levels(part, _limit(part))} for part in (normed, hidden, branch)
                ],
            }
            for lines, normed, hidden, branch in halves
        ],
    }
