"""The receptive field of Mixers whose token mixing is known by construction, and against an independent gradient."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from made_models import block_of, random_model, random_pixels, traces_left

from mixer_viz.analysis import receptive_field as field
from mixer_viz.model import MixerConfig, MlpMixer

FAR_RIGHT = 100.0  # where gelu is the identity to the last bit


def without_token_mixing(config: MixerConfig) -> MlpMixer:
    model = random_model(config)
    for index in range(config.num_blocks):
        block_of(model, index).token_mixing.fc2.weight.data.zero_()
    return model


def copying(config: MixerConfig, source: Sequence[int]) -> MlpMixer:
    """A Mixer whose every block adds LayerNorm(X) of token source[t] to token t, and does nothing else."""
    size = config.num_patches
    model = random_model(dataclasses.replace(config, tokens_mlp_dim=size))
    for index in range(config.num_blocks):
        block = block_of(model, index)
        block.token_mixing.fc1.weight.data.copy_(torch.eye(size))
        block.token_mixing.fc1.bias.data.fill_(FAR_RIGHT)
        block.token_mixing.fc2.weight.data.copy_(torch.eye(size)[list(source)])
        block.token_mixing.fc2.bias.data.fill_(-FAR_RIGHT)
        block.channel_mixing.fc2.weight.data.zero_()
    return model


def test_without_token_mixing_everything_stays_in_one_patch(tiny_config: MixerConfig) -> None:
    found = field.receptive_field(without_token_mixing(tiny_config), random_pixels(tiny_config, count=2), 9)
    np.testing.assert_array_equal(found.maps, np.tile(np.eye(16)[9], (3, 1)))
    np.testing.assert_array_equal(found.area, np.full((3, 3), 1 / 16))
    assert found.token == 9


@pytest.mark.parametrize("token", [3, 12])
def test_copying_a_neighbour_reaches_one_step_further_with_every_block(tiny_config: MixerConfig, token: int) -> None:
    model = copying(tiny_config, [(t + 1) % 16 for t in range(16)])
    maps = field.receptive_field(model, random_pixels(tiny_config, count=5), token).maps
    for stage in range(3):
        assert set(np.flatnonzero(maps[stage])) == {(token + step) % 16 for step in range(stage + 1)}


def test_a_copied_neighbour_that_outweighs_the_skip_takes_the_share(tiny_config: MixerConfig) -> None:
    model = copying(dataclasses.replace(tiny_config, num_blocks=1), [(t + 4) % 16 for t in range(16)])
    block_of(model, 0).norm1.weight.data.mul_(1e6)  # next to the copy, the token itself hardly counts
    maps = field.receptive_field(model, random_pixels(tiny_config), 5).maps
    assert maps[0, 5] == 1
    assert maps[1, 9] > 0.999
    np.testing.assert_allclose(maps.sum(axis=1), 1)


def test_the_maps_are_the_averaged_shares_of_central_differences(tiny_config: MixerConfig) -> None:
    model, pixels = random_model(tiny_config), random_pixels(tiny_config, count=field.IMAGES_AT_ONCE + 1)

    @torch.no_grad()
    def sums(images: torch.Tensor) -> torch.Tensor:  # (N, 3, 8, 8) -> (3, N)
        stages = [model.embed(images)]
        for block in model.blocks:
            stages.append(block(stages[-1]))
        return torch.stack([tokens[:, 6].clamp(min=0).sum(dim=1) for tokens in stages])

    size = np.zeros((3, len(pixels), 16))
    for colour, y, x in np.ndindex(3, 8, 8):
        change = torch.zeros_like(pixels)
        change[:, colour, y, x] = 1e-6
        slope = (sums(pixels + change) - sums(pixels - change)) / 2e-6
        size[:, :, y // 2 * 4 + x // 2] += slope.abs().numpy()
    expected = (size / size.sum(axis=2, keepdims=True)).mean(axis=1)
    np.testing.assert_allclose(field.receptive_field(model, pixels, 6).maps, expected, atol=1e-6)


def test_shares_sum_to_one_and_more_share_needs_no_less_area(tiny_config: MixerConfig) -> None:
    found = field.receptive_field(random_model(tiny_config), random_pixels(tiny_config, count=3), 0)
    assert found.maps.shape == (3, 16)
    assert found.area.shape == (3, 3)
    assert found.maps.dtype == np.float64
    np.testing.assert_allclose(found.maps.sum(axis=1), 1)
    assert (found.maps >= 0).all()
    assert (np.diff(found.area, axis=1) >= 0).all()
    assert found.area[2, 2] > found.area[0, 2] == 1 / 16


def test_smallest_area_of_known_maps() -> None:
    maps = np.array([[0.2, 0.2, 0.2, 0.2, 0.2], [0, 0.5, 0, 0.3, 0.2], [1, 0, 0, 0, 0], [np.nan] * 5])
    found = field.smallest_area(maps, (0.2, 0.5, 0.6, 0.8, 1.0))
    np.testing.assert_array_equal(5 * found[:3], [[1, 3, 3, 4, 5], [1, 1, 2, 2, 3], [1, 1, 1, 1, 1]])
    assert np.isnan(found[3]).all()
    assert np.cumsum(np.full(10, 0.1))[7] < 0.8  # the sum of floats that must not cost a ninth patch
    assert field.smallest_area(np.full(10, 0.1), (0.8,)) == 0.8


def test_an_image_without_a_positive_feature_is_left_out(tiny_config: MixerConfig) -> None:
    model = random_model(tiny_config)
    model.stem.weight.data.abs_()
    model.stem.bias.data.zero_()
    dark, bright = -torch.ones(1, 3, 8, 8, dtype=torch.float64), torch.ones(1, 3, 8, 8, dtype=torch.float64)
    alone = field.receptive_field(model, bright, 4)
    both = field.receptive_field(model, torch.cat([dark, bright]), 4)
    np.testing.assert_allclose(both.maps[0], alone.maps[0], rtol=1e-12)
    none = field.receptive_field(model, dark, 4)
    assert np.isnan(none.maps[0]).all()
    assert np.isnan(none.area[0]).all()
    assert np.isfinite(alone.maps).all()


def test_nothing_is_left_on_the_model_or_the_pixels(tiny_config: MixerConfig) -> None:
    model, pixels = random_model(tiny_config), random_pixels(tiny_config)
    before, copy = traces_left(model), pixels.clone()
    with torch.no_grad():  # a caller may have switched gradients off
        field.receptive_field(model, pixels, 3)
    assert traces_left(model) == before
    assert not pixels.requires_grad
    assert torch.equal(pixels, copy)
    frozen = random_model(tiny_config).requires_grad_(False)
    found = (field.receptive_field(one, pixels, 3).maps for one in (frozen, model))
    np.testing.assert_allclose(*found, rtol=1e-12)


def test_errors_name_what_is_wrong(tiny_config: MixerConfig) -> None:
    model, pixels = random_model(tiny_config), random_pixels(tiny_config)
    for token in (-1, 16):
        with pytest.raises(ValueError, match=f"token={token} is not between 0 and 15"):
            field.receptive_field(model, pixels, token)
    with pytest.raises(ValueError, match="at least one image, got none"):
        field.receptive_field(model, pixels[:0], 3)
    with pytest.raises(ValueError, match="cannot read 6 x 8 px"):
        field.receptive_field(model, pixels[:, :, 1:7], 3)
