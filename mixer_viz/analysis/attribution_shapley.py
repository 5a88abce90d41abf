"""Two parts that captum's Shapley methods are given: random orders under a seed, and weighted least squares."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset


def random_orders(seed: int, num_features: int, num_samples: int) -> Iterator[list[int]]:
    """captum's own orders, from a generator of our own in place of the process-wide one."""
    generator = torch.Generator().manual_seed(seed)
    return (torch.randperm(num_features, generator=generator).tolist() for _ in range(num_samples))


class LeastSquares:
    """Weighted linear regression with an intercept, in double precision, in the shape that captum asks for."""

    def fit(self, train_data: DataLoader) -> None:
        # The data set itself: to iterate over a loader draws from the process-wide random generator.
        data = cast(TensorDataset, train_data.dataset)
        features, outputs, weights = (part.cpu().double().numpy() for part in data.tensors)
        root = np.sqrt(weights.reshape(-1, 1))
        design = np.hstack([np.ones((len(features), 1)), features]) * root
        self._coefficients = np.linalg.lstsq(design, outputs.reshape(-1, 1) * root, rcond=None)[0][1:, 0]

    def representation(self) -> Tensor:
        return torch.from_numpy(self._coefficients)[None]
