"""The order that a network reads its input in: one and the same for every image, and what it costs which mixer."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch import Tensor

from mixer_viz.model import MetaFormer, MetaFormerConfig
from mixer_viz.model.permuted_input import PermutedInput, pixel_order
from tests.model.made_metaformers import GRID, SIZES, TOKENS, config_of, random_images, random_network

SIDE = SIZES.patch_size


def patches_of(image: np.ndarray) -> np.ndarray:
    """(H, W) -> (S, P * P), cut by hand."""
    return np.array(
        [
            image[row * SIDE : (row + 1) * SIDE, column * SIDE : (column + 1) * SIDE].ravel()
            for row in range(GRID)
            for column in range(GRID)
        ]
    )


def orders(config: MetaFormerConfig) -> tuple[np.ndarray, np.ndarray]:
    """The order of the patches and that of the pixels inside, read off a picture that numbers its pixels."""
    size = config.sizes.image_size
    numbered = np.arange(size**2)
    before, after = patches_of(numbered.reshape(size, size)), patches_of(pixel_order(config).reshape(size, size))
    patch_order = np.array([int(np.argmax((before == patch[0]).any(axis=1))) for patch in after])
    inside = np.array([int(np.argmax(before[patch_order[0]] == pixel)) for pixel in after[0]])
    assert np.array_equal(after, before[patch_order][:, inside])  # the same order in every patch
    return patch_order, inside


@pytest.mark.parametrize("permutation", ["patches-and-pixels", "pixels"])
def test_the_order_holds_every_pixel_once_and_is_fixed_by_its_seed(permutation: str) -> None:
    config = config_of("mlp", permutation=permutation, permutation_seed=4)
    order = pixel_order(config)
    assert np.array_equal(np.sort(order), np.arange(144))
    assert np.array_equal(order, pixel_order(dataclasses.replace(config, token_mixer="shift")))
    other = pixel_order(dataclasses.replace(config, permutation_seed=5))
    assert (order == np.arange(144)).mean() < 0.2
    assert (order == other).mean() < 0.2


def test_the_orders_of_stored_networks_stay_what_they_are() -> None:
    """Pinned: a trained network with a permuted input is of no use with any other order."""
    pinned = {
        "patches-and-pixels": [32, 6, 20, 107, 81, 95, 35, 9, 23, 104, 78, 92],
        "pixels": [119, 52, 112, 16, 53, 130, 42, 109, 48, 39, 106, 5],
    }
    for permutation, expected in pinned.items():
        assert pixel_order(config_of("mlp", permutation=permutation))[:12].tolist() == expected


def test_patches_stay_whole_and_have_one_order_inside() -> None:
    patch_order, inside = orders(config_of("mlp", permutation="patches-and-pixels"))
    assert sorted(patch_order) == list(range(TOKENS)) != list(patch_order)
    assert sorted(inside) == list(range(SIDE**2)) != list(inside)


def test_a_global_order_tears_the_patches_apart() -> None:
    with pytest.raises(AssertionError):
        orders(config_of("mlp", permutation="pixels"))


def test_all_images_and_colours_are_permuted_alike() -> None:
    config = config_of("mlp", permutation="pixels")
    pixels = random_images()
    permuted = PermutedInput(config)(pixels)
    for image in range(3):
        for colour in range(3):
            expected = pixels[image, colour].flatten()[torch.from_numpy(pixel_order(config))]
            assert torch.equal(permuted[image, colour].flatten(), expected)


def permuted_weights(network: MetaFormer, config: MetaFormerConfig) -> dict[str, Tensor]:
    """The weights that make up for the order of patches and pixels that `config` puts the input in."""
    patch_order, inside = (torch.from_numpy(order) for order in orders(config))
    weights = {name: value.clone() for name, value in network.state_dict().items()}
    weights["stem.weight"] = weights["stem.weight"].flatten(2)[:, :, inside].unflatten(2, (SIDE, SIDE))
    for name, value in weights.items():
        if name.endswith("token_mixing.fc1.weight"):
            weights[name] = value[:, patch_order]
        elif ".token_mixing.fc2." in name or name == "position_embedding":
            weights[name] = value[patch_order]
    return weights


@pytest.mark.parametrize(("name", "invariant"), [("mlp", True), ("attention", True), ("convolution", False)])
def test_a_mixer_can_undo_the_order_of_patches_and_pixels(name: str, invariant: bool) -> None:
    plain = random_network(config_of(name))
    config = config_of(name, permutation="patches-and-pixels", permutation_seed=1)
    permuted, pixels = MetaFormer(config).double().eval(), random_images()
    with torch.no_grad():
        expected = plain(pixels)
        permuted.load_state_dict(plain.state_dict())
        assert float((permuted(pixels) - expected).abs().max()) > 0.01
        permuted.load_state_dict(permuted_weights(plain, config))
        gap = float((permuted(pixels) - expected).abs().max())
    assert gap < 1e-12 if invariant else gap > 0.01
