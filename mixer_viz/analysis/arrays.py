"""From torch to numpy, as every analysis does at its edge; directions of vectors, and softmax."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def to_array(tensor: Tensor) -> np.ndarray:
    """A detached float32 copy on the CPU, of the same shape, that shares no memory with the model."""
    # `.cpu()` of a tensor that is there already would be no copy.
    return tensor.detach().to("cpu", torch.float32, copy=True).contiguous().numpy()


def to_double(tensor: Tensor) -> np.ndarray:
    """A detached float64 copy on the CPU, for sums that have to close; as `to_array`, it shares no memory."""
    # To the CPU first: not every accelerator has float64.
    return tensor.detach().cpu().to(torch.float64, copy=True).contiguous().numpy()


def one_image(batch: Tensor) -> Tensor:
    """The only entry of a batch: (1, ...) -> (...). Raises ValueError when there are several, or none."""
    if len(batch) != 1:
        raise ValueError(f"one image at a time, got a batch of {len(batch)}")
    return batch[0]


def probabilities(logits: np.ndarray) -> np.ndarray:
    """Softmax of logits (..., num_classes) over the classes, in float64; sigmoid of a single one."""
    values = torch.from_numpy(logits).double()
    return (values.sigmoid() if values.shape[-1] == 1 else values.softmax(dim=-1)).numpy()


def unit_length(vectors: np.ndarray) -> np.ndarray:
    """Each vector (..., n) scaled to length 1; a zero vector stays zero. No eps, so short vectors keep length 1."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(length == 0, 1.0, length)


def cosine(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Cosine between vectors (..., n) of the same place: (...), -1 to 1; 0 where either is a zero vector."""
    clipped: np.ndarray = np.clip((unit_length(first) * unit_length(second)).sum(axis=-1), -1, 1)
    return clipped
