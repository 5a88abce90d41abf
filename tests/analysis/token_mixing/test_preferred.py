"""The preferred picture of a unit of block 1: its closed form against autograd, and against other pictures."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from made_models import block_of, random_model, random_pixels
from torch import Tensor

from mixer_viz.analysis.token_mixing.preferred import as_picture, preferred_picture
from mixer_viz.model import MixerConfig, MlpMixer


def reads(model: MlpMixer, pixels: Tensor, unit: int, channel: int, divided: bool) -> Tensor:
    """What the unit gets, with LayerNorm's centring and gain, and, if `divided`, its division held fixed at 1."""
    tokens = model.embed(pixels)  # (1, S, C)
    block = block_of(model, 0)
    if divided:
        tokens = (tokens - tokens.mean(dim=2, keepdim=True)) * block.norm1.weight + block.norm1.bias
    return block.token_mixing.fc1(tokens.mT)[0, channel, unit]


@pytest.mark.parametrize("size", [{}, {"image_size": 8, "image_width": 16}])
@pytest.mark.parametrize(("unit", "channel"), [(0, 0), (4, 3)])
def test_the_closed_form_is_the_gradient(
    tiny_config: MixerConfig, size: dict[str, int], unit: int, channel: int
) -> None:
    config = dataclasses.replace(tiny_config, **size)
    model = random_model(config)
    pixels = torch.randn((1, 3, *config.image_shape), dtype=torch.float64).requires_grad_()
    found = preferred_picture(model, unit, channel)
    for divided, direction in ((False, found.plain), (True, found.normed)):
        gradient = torch.autograd.grad(reads(model, pixels, unit, channel, divided), pixels)[0][0]
        np.testing.assert_allclose(direction, gradient.numpy(), rtol=1e-9, atol=1e-12)
        assert np.abs(direction).max() > 1e-3
    assert np.abs(found.plain - found.normed).max() > 1e-3


def test_no_picture_of_its_length_excites_the_unit_more(tiny_config: MixerConfig) -> None:
    model = random_model(tiny_config)
    direction = torch.from_numpy(preferred_picture(model, 2, 1).plain)[None]
    others = random_pixels(tiny_config, 50)
    best = reads(model, direction, 2, 1, False)
    for other in others:
        scaled = other[None] / other.norm() * direction.norm()
        assert reads(model, scaled, 2, 1, False) < best


def test_the_picture_lies_around_grey_and_reaches_black_or_white() -> None:
    direction = np.zeros((3, 2, 2))
    direction[0, 0, 0], direction[1, 1, 1] = 2.0, -1.0
    picture = as_picture(direction, (1.0, 0.5, 1.0))  # the second colour's step counts twice
    assert picture.shape == (2, 2, 3)
    assert picture[0, 0].tolist() == [255, 128, 128]
    assert picture[1, 1].tolist() == [128, 0, 128]
    assert (as_picture(np.zeros((3, 2, 2)), None) == 128).all()


@pytest.mark.parametrize(("unit", "channel"), [(-1, 0), (5, 0), (0, 999)])
def test_what_is_not_there_is_refused(tiny_config: MixerConfig, unit: int, channel: int) -> None:
    with pytest.raises(ValueError, match="is not between 0 and"):
        preferred_picture(random_model(tiny_config), unit, channel)
