from __future__ import annotations

import numpy as np
import pytest
import torch

from mixer_viz.analysis.arrays import probabilities
from mixer_viz.analysis.ranges import NotFiniteError, check_answer


def test_one_logit_has_no_rivals_so_its_probability_is_the_sigmoid() -> None:
    logits = np.array([[0.0], [2.0], [-1000.0]])
    np.testing.assert_allclose(probabilities(logits), 1 / (1 + np.exp(-np.maximum(logits, -700))), atol=1e-12)
    two = np.array([[0.0, 2.0]])
    np.testing.assert_allclose(probabilities(two)[0, 1], probabilities(np.array([2.0]))[0])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_an_answer_is_made_of_numbers(value: float) -> None:
    check_answer(torch.zeros(1, 3))
    with pytest.raises(NotFiniteError, match="not finite"):
        check_answer(torch.tensor([[0.0, value, 0.0]]))
