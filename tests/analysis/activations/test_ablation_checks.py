"""Ablations that make no sense, by themselves or for a given model."""

from __future__ import annotations

import pytest
import torch
from made_models import random_model, random_pixels

from mixer_viz.analysis.activations.ablation import Ablation, logits_with
from mixer_viz.model import MixerConfig


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("block", 1), "kind='block' must be"),
        (("token", 1, 2, "median"), "to='median' must be 'zero' or 'mean'"),
        (("branch", 0), "stage=0 must be at least 1 for a branch"),
        (("unit", 0, 1), "stage=0 must be at least 1 for a unit"),
        (("token", -1, 1), "stage=-1 must be at least 0 for a token"),
        (("branch", 1, 2), "index=2 has no meaning"),
        (("channel", 1), "index=None must be a number from 0 for a channel"),
        (("unit", 1, -1), "index=-1 must be a number from 0 for a unit"),
    ],
)
def test_an_ablation_checks_itself(arguments: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Ablation(*arguments)


@pytest.mark.parametrize(
    ("ablation", "message"),
    [
        (Ablation("branch", 5), "stage=5 is not between 0 and 4"),
        (Ablation("token", 0, 16), "token=16 is not between 0 and 15"),
        (Ablation("channel", 4, 6), "channel=6 is not between 0 and 5"),
        (Ablation("unit", 3, 5), "unit=5 is not between 0 and 4"),
        (Ablation("unit", 4, 7), "unit=7 is not between 0 and 6"),
    ],
)
def test_what_the_model_does_not_have(tiny_config: MixerConfig, ablation: Ablation, message: str) -> None:
    model, pixels = random_model(tiny_config), random_pixels(tiny_config)
    with pytest.raises(ValueError, match=message):
        logits_with(model, pixels, [Ablation("branch", 1), ablation])
    with pytest.raises(ValueError, match="batch of 2"):
        logits_with(model, random_pixels(tiny_config, count=2), Ablation("branch", 1))
    with pytest.raises(ValueError, match="trained at 8 px"):
        logits_with(model, torch.zeros(1, 3, 16, 16, dtype=torch.float64), Ablation("branch", 1))
