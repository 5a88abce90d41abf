"""Answers of several networks to one image, and the receptive field where the image is read in another order."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mixer_viz.analysis.comparison.token_jacobian import predictions
from mixer_viz.analysis.receptive_field import metaformer_receptive_field, receptive_field, tokens_of_patches
from mixer_viz.model import TOKEN_MIXERS, MetaFormerConfig, MlpMixer
from mixer_viz.model.permuted_input import pixel_order
from tests.model.made_metaformers import GRID, SIZES, TOKENS, config_of, random_images, random_network, with_sizes

NAMES = list(TOKEN_MIXERS)
SIDE = SIZES.patch_size


def test_predictions_are_the_softmax_of_every_networks_logits() -> None:
    networks, pixels = {name: random_network(config_of(name)) for name in NAMES}, random_images(1)
    found = predictions(networks, pixels)
    assert [one.name for one in found] == NAMES
    for one in found:
        expected = networks[one.name](pixels)[0].detach().numpy()
        np.testing.assert_array_equal(one.logits, expected)
        np.testing.assert_allclose(one.probabilities, np.exp(expected) / np.exp(expected).sum())
        assert one.logits.dtype == one.probabilities.dtype == np.float64
    assert len({one.logits.tobytes() for one in found}) == len(NAMES)
    assert predictions({}, pixels) == ()


@pytest.mark.parametrize("changes", [{"mean": (0.1, 0.2, 0.3)}, {"interpolation": "bilinear"}, {"class_names": None}])
def test_networks_that_need_other_pixels_are_refused(changes: dict[str, object]) -> None:
    networks = {
        "a": random_network(config_of("mlp")),
        "b": random_network(with_sizes(config_of("shift"), **changes)),
    }
    with pytest.raises(ValueError, match=f"on the same pixels: their {next(iter(changes))} differs"):
        predictions(networks, random_images(1))
    with pytest.raises(ValueError, match="one image at a time, got a batch of 2"):
        predictions(networks, random_images(2))


def test_the_field_of_the_mixer_is_the_one_of_receptive_field() -> None:
    network, pixels = random_network(config_of("mlp")), random_images(5)
    mixer = MlpMixer(SIZES).double().eval()
    mixer.load_state_dict(network.state_dict())
    found, expected = metaformer_receptive_field(network, pixels, 6), receptive_field(mixer, pixels, 6)
    np.testing.assert_allclose(found.maps, expected.maps, rtol=1e-12)
    np.testing.assert_array_equal(found.area, expected.area)
    summed = found.pixel_maps.reshape(3, GRID, SIDE, GRID, SIDE).sum(axis=(2, 4)).reshape(3, TOKENS)
    np.testing.assert_allclose(summed, found.maps, rtol=1e-12)  # the same as every image counts alike
    assert found.token == 6


@pytest.mark.parametrize(("name", "steps"), [("convolution", 1), ("pooling", 1), ("shift", 1), ("identity", 0)])
def test_a_local_mixer_reaches_so_many_steps_further_with_every_block(name: str, steps: int) -> None:
    config = with_sizes(config_of(name), image_size=21)  # 7 x 7 tokens, the middle one is 24
    pixels = random_images(2, sizes=config.sizes)
    found = metaformer_receptive_field(random_network(config), pixels, 24)
    y, x = np.divmod(np.arange(49), 7)
    away = np.maximum(abs(y - 3), abs(x - 3)) if name != "shift" else abs(y - 3) + abs(x - 3)
    for stage in range(3):
        np.testing.assert_array_equal(found.maps[stage] > 0, away <= steps * stage)


def reordered(config: MetaFormerConfig, maps: np.ndarray) -> np.ndarray:
    """Maps in the network's order (T, H, W) put back where the pixels are in the image."""
    natural = np.empty_like(maps).reshape(len(maps), -1)
    natural[:, pixel_order(config)] = maps.reshape(len(maps), -1)
    return natural.reshape(maps.shape)


@pytest.mark.parametrize("permutation", ["patches-and-pixels", "pixels"])
def test_maps_of_a_permuted_network_are_in_the_order_of_the_image(permutation: str) -> None:
    config = config_of("convolution", permutation=permutation)
    network, plain = random_network(config), random_network(config_of("convolution"))
    pixels = random_images(2)
    seen = network.reorder(pixels)
    found, inside = metaformer_receptive_field(network, pixels, 5), metaformer_receptive_field(plain, seen, 5)
    np.testing.assert_allclose(found.pixel_maps, reordered(config, inside.pixel_maps), rtol=1e-12)
    np.testing.assert_array_equal(found.pixel_area, inside.pixel_area)
    assert not np.allclose(found.pixel_maps, inside.pixel_maps)
    assert (found.pixel_maps[0] > 0).sum() == SIDE**2
    assert bool((found.maps[0] > 0).sum() == 1) is (permutation == "patches-and-pixels")


def test_the_token_of_a_patch_reads_that_patch() -> None:
    config = config_of("identity", permutation="patches-and-pixels")
    network, tokens = random_network(config), tokens_of_patches(config)
    assert tokens is not None
    assert sorted(tokens) == list(range(TOKENS))
    assert list(tokens) != list(range(TOKENS))
    for patch in range(TOKENS):
        field = metaformer_receptive_field(network, random_images(1), int(tokens[patch])).maps
        np.testing.assert_array_equal(np.flatnonzero(field[2]), [patch])
    np.testing.assert_array_equal(tokens_of_patches(config_of("mlp")), np.arange(TOKENS))
    assert tokens_of_patches(config_of("mlp", permutation="pixels")) is None


def test_maps_sum_to_one_and_areas_grow_with_the_share() -> None:
    for name in NAMES:
        found = metaformer_receptive_field(random_network(config_of(name)), random_images(2), 0)
        assert found.pixel_maps.shape == (3, 12, 12)
        np.testing.assert_allclose(found.pixel_maps.sum(axis=(1, 2)), 1)
        np.testing.assert_allclose(found.maps.sum(axis=1), 1)
        for area in (found.area, found.pixel_area):
            assert area.shape == (3, 3)
            assert (np.diff(area, axis=1) >= 0).all()


def test_a_network_on_shared_pixels_leaves_them_alone() -> None:
    network, pixels = random_network(config_of("attention")), random_images(1)
    copy = pixels.clone()
    with torch.no_grad():
        metaformer_receptive_field(network, pixels, 3)
    assert torch.equal(pixels, copy)
    assert not pixels.requires_grad
    assert all(parameter.grad is None for parameter in network.parameters())
    with pytest.raises(ValueError, match="token=16 is not between 0 and 15"):
        metaformer_receptive_field(network, pixels, 16)
    with pytest.raises(ValueError, match="at least one image, got none"):
        metaformer_receptive_field(network, pixels[:0], 3)
