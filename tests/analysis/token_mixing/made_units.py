"""Token-mixing weights made on the spot, whose frequencies and pairs are known."""

from __future__ import annotations

import math

import numpy as np
import torch

from mixer_viz.analysis.token_mixing.weights import MixingWeights
from mixer_viz.model import MixerBlock, MixerConfig, MlpMixer

SIDE = 16


def gratings() -> np.ndarray:  # (12, S), all orthogonal
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    directions = [(k, 0) for k in (1, 2, 4, 6)] + [(0, k) for k in (1, 2, 4, 6)] + [(k, k) for k in (1, 2, 4, 6)]
    return np.stack([np.cos(2 * np.pi * (a * y + b * x) + 0.7).ravel() for a, b in directions])


def mixing_weights(w1: np.ndarray, w2: np.ndarray | None = None, grid: tuple[int, int] = (SIDE, SIDE)) -> MixingWeights:
    """Without biases; W2 is the transpose of W1 where it is not given."""
    w1 = w1.astype(np.float32)
    w2 = w1.T.copy() if w2 is None else w2.astype(np.float32)
    return MixingWeights(w1, np.zeros(len(w1), np.float32), w2, np.zeros(w1.shape[1], np.float32), grid)


def model_with_first_layer(rows: np.ndarray, num_blocks: int = 1) -> MlpMixer:
    side = math.isqrt(rows.shape[1])
    config = MixerConfig(
        image_size=side, patch_size=1, embed_dim=3, num_blocks=num_blocks, tokens_mlp_dim=len(rows), channels_mlp_dim=2
    )
    model = MlpMixer(config).eval()
    block = model.blocks[num_blocks - 1]
    assert isinstance(block, MixerBlock)
    with torch.no_grad():
        block.token_mixing.fc1.weight.copy_(torch.from_numpy(rows))
    return model
