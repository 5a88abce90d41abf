"""Counting published networks, beside other computations of the same process."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from mixer_viz.analysis.comparison import published
from mixer_viz.analysis.comparison.published import IMAGE_SIZE, published_architectures


class Meanwhile(nn.Module):
    """Has, while it is counted, another visitor's modules take a gradient, which needs nothing but the process."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Conv2d(3, 4, 16, 16)
        self.slope = 0.0

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        with torch.enable_grad():
            inputs = torch.zeros(2, requires_grad=True)
            outputs = nn.GELU()(inputs)
            self.slope = float(torch.autograd.grad(outputs, inputs, torch.ones_like(outputs))[0][0])
        return self.inner(pixels)


def test_gradients_of_others_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Meanwhile()
    monkeypatch.setattr(published, "PUBLISHED", {("Meanwhile", "here"): lambda: network.to("meta")})
    (found,) = published_architectures()
    assert network.slope == pytest.approx(0.5)  # of GELU at 0
    assert found.multiply_adds == (IMAGE_SIZE // 16) ** 2 * 4 * 3 * 16 * 16
    assert found.parameters == 4 * 3 * 16 * 16 + 4


def test_the_whole_count_is_torchs_own() -> None:
    name = ("Mixer-B/16", "timm")
    found = next(each for each in published_architectures() if (each.name, each.library) == name)
    with torch.device("meta"):
        network, pixels = published.PUBLISHED[name]().eval(), torch.zeros(1, 3, IMAGE_SIZE, IMAGE_SIZE)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(pixels)
    assert 2 * found.multiply_adds == counter.get_total_flops() > 0
