"""Swaps in a pass: against passes written out by hand, nothing swapped to the bit, and nothing left behind."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from made_models import block_of, random_model, random_pixels, traces_left
from torch import Tensor

from mixer_viz.analysis.replacement.moments import calibrate
from mixer_viz.analysis.replacement.replace import (
    KINDS,
    Kind,
    Replacement,
    explained_here,
    fit_replacement,
    replaced_batch,
    replaced_logits,
)
from mixer_viz.model import MlpMixer
from tests.analysis.made_traces import made_wide
from tests.analysis.replacement.made_replacements import CONFIG, by_hand, calibration_pixels, normal, shifted_by_index

BLOCKS = [(0,), (1,), (0, 1)]


def pass_by_hand(model: MlpMixer, pixels: Tensor, replacements: Mapping[int, Replacement]) -> Tensor:
    with torch.no_grad():
        tokens = model.embed(pixels)
        for index in range(len(model.blocks)):
            block = block_of(model, index)
            read = block.norm1(tokens)
            mixed = block.token_mixing(read.mT).mT if index not in replacements else by_hand(replacements[index], read)
            tokens = tokens + mixed
            tokens = tokens + block.channel_mixing(block.norm2(tokens))
        logits: Tensor = model.head(model.norm(tokens).mean(dim=1))
        return logits


def all_replacements(model: MlpMixer) -> list[dict[int, Replacement]]:
    calibration = calibrate(model, calibration_pixels())
    return [
        {block: fit_replacement(calibration, block, kind, kernel_size=5) for block in blocks}
        for kind in KINDS
        for blocks in BLOCKS
    ]


def test_a_swap_is_the_pass_written_out() -> None:
    model, pixels = random_model(CONFIG), random_pixels(CONFIG, count=3)
    plain = model(pixels).detach()
    for replacements in all_replacements(model):
        found = replaced_batch(model, pixels, replacements)
        torch.testing.assert_close(found, pass_by_hand(model, pixels, replacements))
        assert (found - plain).abs().max() > 1e-3
        np.testing.assert_allclose(replaced_logits(model, pixels[1:2], replacements), found[1], rtol=1e-9)


def test_nothing_swapped_is_the_plain_pass_to_the_bit() -> None:
    for dtype in (torch.float32, torch.float64):
        model, pixels = random_model(CONFIG, dtype), random_pixels(CONFIG, dtype=dtype)
        found = replaced_logits(model, pixels, {})
        np.testing.assert_array_equal(found, model(pixels)[0].detach())
        assert found.dtype == model(pixels).detach().numpy().dtype
        assert explained_here(model, pixels, {}) == {}


def test_different_stand_ins_in_different_blocks() -> None:
    model, pixels = random_model(CONFIG), random_pixels(CONFIG)
    calibration = calibrate(model, calibration_pixels())
    replacements = {1: fit_replacement(calibration, 1, "shift"), 0: fit_replacement(calibration, 0, "convolution")}
    expected = pass_by_hand(model, pixels, replacements)[0]
    np.testing.assert_allclose(replaced_logits(model, pixels, replacements), expected, rtol=1e-9)
    assert not torch.allclose(pass_by_hand(model, pixels, {1: replacements[0], 0: replacements[1]})[0], expected)


def test_a_shift_moves_channels_by_index() -> None:
    tokens, bias = normal(2, 16, 26), normal(16, seed=3).numpy()
    one = Replacement("shift", 0.5 * np.eye(16), bias, None, 0.5, 0.0)
    torch.testing.assert_close(one.mixed(tokens), 0.5 * shifted_by_index(tokens) + torch.from_numpy(bias)[:, None])
    single = one.mixed(tokens.float())
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), one.mixed(tokens), rtol=1e-5, atol=1e-6)


def test_below_twelve_channels_a_shift_is_the_identity() -> None:
    model = random_model(dataclasses.replace(CONFIG, embed_dim=6))
    calibration = calibrate(model, calibration_pixels())
    shift, identity = fit_replacement(calibration, 0, "shift"), fit_replacement(calibration, 0, "identity")
    np.testing.assert_array_equal(shift.matrix, identity.matrix)
    assert shift.explained == identity.explained


def test_eight_threads_on_one_model_give_the_same_and_leave_nothing() -> None:
    model, pixels = random_model(CONFIG), random_pixels(CONFIG)
    before, weights, kept = traces_left(model), copy.deepcopy(model.state_dict()), pixels.clone()
    random_state = torch.get_rng_state()
    chosen = 2 * all_replacements(model)
    alone = [replaced_logits(model, pixels, replacements) for replacements in chosen]
    with ThreadPoolExecutor(8) as pool:
        for found, expected in zip(pool.map(lambda s: replaced_logits(model, pixels, s), chosen), alone, strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-12)
    with pytest.raises(ValueError):
        replaced_logits(model, pixels, {2: chosen[0][0]})
    assert traces_left(model) == before
    assert torch.equal(pixels, kept)
    assert torch.equal(torch.get_rng_state(), random_state)
    assert all(torch.equal(tensor, weights[name]) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize("kind", KINDS)
def test_a_single_patch(kind: Kind) -> None:
    config = dataclasses.replace(CONFIG, patch_size=8)
    model, pixels = random_model(config), random_pixels(config, count=4)
    found = fit_replacement(calibrate(model, pixels), 0, kind, kernel_size=1)
    assert found.matrix.shape == (1, 1)
    assert np.isfinite(replaced_logits(model, pixels[:1], {0: found})).all()


def test_sizes_of_b16_in_float32() -> None:
    model, one = made_wide()
    calibration = calibrate(model, one.pixels)
    explained = []
    for kind, size in (("identity", 1), ("convolution", 3), ("convolution", 27)):
        replacement = fit_replacement(calibration, 1, kind, kernel_size=size)  # type: ignore[arg-type]
        assert explained_here(model, one.pixels, {1: replacement})[1] == pytest.approx(replacement.explained, abs=1e-5)
        assert 0 < np.abs(replaced_logits(model, one.pixels, {1: replacement}) - one.logits[0].numpy()).max() < 100
        explained.append(replacement.explained)
    assert 0 <= explained[0] < explained[1] < explained[2] < 1


def test_errors_name_what_is_wrong() -> None:
    model, pixels = random_model(CONFIG), random_pixels(CONFIG)
    replacement = fit_replacement(calibrate(model, calibration_pixels()), 0, "identity")
    small = dataclasses.replace(replacement, matrix=np.eye(4), bias=np.zeros(4))
    for call in (replaced_logits, replaced_batch, explained_here):
        with pytest.raises(ValueError, match="block=2 is not between 0 and 1"):
            call(model, pixels, {2: replacement})
        with pytest.raises(ValueError, match="block=-1 is not between 0 and 1"):
            call(model, pixels, {-1: replacement})
        with pytest.raises(ValueError, match="is for 4 patches, this Mixer has 16"):
            call(model, pixels, {0: small})
        with pytest.raises(ValueError, match="trained at 8 px"):
            call(model, torch.zeros(1, 3, 16, 16, dtype=torch.float64), {0: replacement})
    with pytest.raises(ValueError, match="batch of 2"):
        replaced_logits(model, random_pixels(CONFIG, count=2), {0: replacement})
