"""Orders of patches, images shuffled by slicing, and the identity with permuted weights."""

from __future__ import annotations

import copy
import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from made_models import block_of, random_model, random_pixels, traces_left

from mixer_viz.analysis.activations import permutation
from mixer_viz.model import MixerConfig
from tests.analysis.made_traces import made_wide

ORDERS = {
    "identity": permutation.identity_order(16),
    "swap": permutation.swapped_order(permutation.identity_order(16), 2, 13),
    "rows": permutation.reversed_rows_order(4),
    "random": permutation.random_order(16, 3),
    "rolled": np.roll(np.arange(16), 1),  # not its own inverse
}


def test_named_orders() -> None:
    assert ORDERS["identity"].tolist() == list(range(16))
    assert ORDERS["swap"].tolist() == [0, 1, 13, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 2, 14, 15]
    assert ORDERS["rows"].tolist() == [12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3]
    assert sorted(ORDERS["random"]) == list(range(16))
    np.testing.assert_array_equal(permutation.random_order(16, 3), ORDERS["random"])
    assert (permutation.random_order(16, 4) != ORDERS["random"]).any()


def test_swaps_add_up_and_do_not_change_what_they_are_given() -> None:
    start = ORDERS["rows"].copy()
    twice = permutation.swapped_order(permutation.swapped_order(start, 0, 5), 5, 15)
    assert (twice[0], twice[5], twice[15]) == (start[5], start[15], start[0])
    np.testing.assert_array_equal(permutation.swapped_order(permutation.swapped_order(start, 1, 7), 1, 7), start)
    np.testing.assert_array_equal(permutation.swapped_order(start, 3, 3), start)
    np.testing.assert_array_equal(start, ORDERS["rows"])


@pytest.mark.parametrize("name", ORDERS)
def test_place_s_shows_patch_order_s(tiny_config: MixerConfig, name: str) -> None:
    pixels = random_pixels(tiny_config, count=2)
    found = permutation.permute_patches(pixels, ORDERS[name], 2)
    for place, patch in enumerate(ORDERS[name]):
        (y, x), (from_y, from_x) = divmod(place, 4), divmod(int(patch), 4)
        moved = pixels[:, :, 2 * from_y : 2 * from_y + 2, 2 * from_x : 2 * from_x + 2]
        assert torch.equal(found[:, :, 2 * y : 2 * y + 2, 2 * x : 2 * x + 2], moved)


def test_a_grid_need_not_be_square() -> None:
    pixels = torch.arange(2 * 3 * 4 * 6, dtype=torch.float64).reshape(2, 3, 4, 6)
    found = permutation.permute_patches(pixels, [3, 4, 5, 0, 1, 2], 2)
    assert torch.equal(found, torch.cat([pixels[:, :, 2:], pixels[:, :, :2]], dim=2))


@pytest.mark.parametrize("name", ORDERS)
def test_the_identity_is_exact(tiny_config: MixerConfig, name: str) -> None:
    model, pixels = random_model(tiny_config), random_pixels(tiny_config)
    found = permutation.shuffled_prediction(model, pixels, ORDERS[name])
    assert found.identity_gap < 1e-12
    assert found.identity_gap == np.abs(found.permuted_logits - found.logits).max()
    np.testing.assert_allclose(found.logits, model(pixels)[0].detach(), rtol=1e-12)
    shuffled = permutation.permute_patches(pixels, ORDERS[name], 2)
    np.testing.assert_array_equal(found.pixels, shuffled[0])
    np.testing.assert_allclose(found.shuffled_logits, model(shuffled)[0].detach(), rtol=1e-12)
    np.testing.assert_array_equal(found.order, ORDERS[name])
    moved = np.abs(found.shuffled_logits - found.logits).max()
    assert moved == 0 if name == "identity" else moved > 1e-3


def test_a_network_permuted_the_other_way_is_no_identity(tiny_config: MixerConfig) -> None:
    model, pixels = random_model(tiny_config), random_pixels(tiny_config)
    inverse = np.argsort(ORDERS["rolled"])
    other = permutation.permuted_model(model, inverse)
    shuffled = permutation.permute_patches(pixels, ORDERS["rolled"], 2)
    assert (other(shuffled) - model(pixels)).abs().max() > 1e-3
    back = permutation.permuted_model(permutation.permuted_model(model, ORDERS["rolled"]), inverse)
    assert torch.equal(back(pixels), model(pixels))


def test_columns_of_w1_and_rows_of_w2_and_b2_are_permuted(tiny_config: MixerConfig) -> None:
    model, order = random_model(tiny_config), ORDERS["random"]
    permuted = permutation.permuted_model(model, order)
    for index in range(2):
        old, new = block_of(model, index).token_mixing, block_of(permuted, index).token_mixing
        for place, patch in enumerate(order):
            assert torch.equal(new.fc1.weight[:, place], old.fc1.weight[:, patch])
            assert torch.equal(new.fc2.weight[place], old.fc2.weight[patch])
            assert new.fc2.bias[place] == old.fc2.bias[patch]
        assert torch.equal(new.fc1.bias, old.fc1.bias)


def test_the_given_model_is_not_touched_and_no_random_number_is_drawn(tiny_config: MixerConfig) -> None:
    model, pixels = random_model(tiny_config), random_pixels(tiny_config)
    before, weights, random_state = traces_left(model), copy.deepcopy(model.state_dict()), torch.get_rng_state()
    permuted = permutation.permuted_model(model, ORDERS["random"])
    permutation.shuffled_prediction(model, pixels, ORDERS["random"])
    assert traces_left(model) == before
    assert all(torch.equal(tensor, weights[name]) for name, tensor in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random_state)
    assert permuted.config == model.config
    assert not permuted.training
    assert not any(parameter.requires_grad or parameter.is_meta for parameter in permuted.parameters())
    with torch.no_grad():
        block_of(permuted, 0).token_mixing.fc1.weight.zero_()  # a copy, unlike the weights that stay in place
    assert torch.equal(block_of(model, 0).token_mixing.fc1.weight, weights["blocks.0.token_mixing.fc1.weight"])
    assert permuted.head.weight.data_ptr() == model.head.weight.data_ptr()


def test_eight_threads_on_one_model(tiny_config: MixerConfig) -> None:
    model, pixels = random_model(tiny_config), random_pixels(tiny_config)
    orders = [permutation.random_order(16, seed) for seed in range(32)]
    alone = [model(permutation.permute_patches(pixels, order, 2))[0].detach() for order in orders]
    with ThreadPoolExecutor(8) as pool:
        results = pool.map(lambda order: permutation.shuffled_prediction(model, pixels, order), orders)
        for found, expected in zip(results, alone, strict=True):
            np.testing.assert_allclose(found.shuffled_logits, expected, rtol=1e-12)
            assert found.identity_gap < 1e-12


def test_sizes_of_b16_in_float32() -> None:
    model, one = made_wide()
    found = permutation.shuffled_prediction(model, one.pixels, permutation.random_order(196, 0))
    assert found.pixels.shape == (3, 224, 224)
    assert found.identity_gap < 1e-4
    assert np.abs(found.shuffled_logits - found.logits).max() > 1e-2


@pytest.mark.parametrize(
    "order", [[0, 1], [*range(15), 14], [*range(1, 17)], [-1, *range(15)], np.eye(4), [0.5, *range(1, 16)], []]
)
def test_what_is_no_permutation(tiny_config: MixerConfig, order: list[int]) -> None:
    model, pixels = random_model(tiny_config), random_pixels(tiny_config)
    for call in (
        lambda: permutation.permute_patches(pixels, order, 2),
        lambda: permutation.permuted_model(model, order),
        lambda: permutation.shuffled_prediction(model, pixels, order),
    ):
        with pytest.raises(ValueError, match="each of the 16 patches from 0 to 15 once"):
            call()


def test_errors_name_what_is_wrong(tiny_config: MixerConfig) -> None:
    model, order = random_model(tiny_config), ORDERS["random"]
    with pytest.raises(ValueError, match="batch of 2"):
        permutation.shuffled_prediction(model, random_pixels(tiny_config, count=2), order)
    with pytest.raises(ValueError, match="trained at 8 px"):
        permutation.shuffled_prediction(model, torch.zeros(1, 3, 16, 16, dtype=torch.float64), order)
    with pytest.raises(ValueError, match="not a multiple of patch_size=3"):
        permutation.permute_patches(random_pixels(tiny_config), order, 3)
    with pytest.raises(ValueError, match="first=16 is not between 0 and 15"):
        permutation.swapped_order(order, 16, 0)
    with pytest.raises(ValueError, match="second=-1 is not between 0 and 15"):
        permutation.swapped_order(order, 0, -1)
    with pytest.raises(ValueError, match="num_patches=0 must be at least 1"):
        permutation.identity_order(0)


def test_one_patch_has_one_order(tiny_config: MixerConfig) -> None:
    model = random_model(dataclasses.replace(tiny_config, patch_size=8))
    found = permutation.shuffled_prediction(model, random_pixels(tiny_config), permutation.random_order(1, 0))
    assert found.order.tolist() == [0]
    assert found.identity_gap < 1e-12
