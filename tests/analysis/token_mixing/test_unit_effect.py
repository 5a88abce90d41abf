"""Effects of hidden units against real forward passes with the unit scaled, and against a model without it."""

from __future__ import annotations

import copy
import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from made_models import block_of, random_model, random_pixels, traces_left

from mixer_viz.analysis.token_mixing import unit_effect
from mixer_viz.model import MixerConfig


@pytest.mark.parametrize("gelu", ["erf", "tanh"])
@pytest.mark.parametrize("block", [0, 1])
@pytest.mark.parametrize("target", [None, 7])
def test_effects_are_the_slopes_of_real_passes(
    tiny_config: MixerConfig, gelu: str, block: int, target: int | None
) -> None:
    model = random_model(dataclasses.replace(tiny_config, gelu=gelu))
    pixels = random_pixels(tiny_config)
    chosen = int(model(pixels).argmax()) if target is None else target
    effects = unit_effect.unit_effects(model, pixels, block, target)
    assert effects.shape == (5,)
    assert effects.dtype == np.float64
    assert np.abs(effects).max() > 1e-2  # else the comparison would be with nothing
    for unit, effect in enumerate(effects):
        low, high = unit_effect.logits_with_unit(model, pixels, block, unit, [1 - 1e-3, 1 + 1e-3])[:, chosen]
        assert (high - low) / 2e-3 == pytest.approx(effect, rel=1e-4, abs=1e-7)


@pytest.mark.parametrize("top", [2, 7])
def test_no_target_means_the_top_class(tiny_config: MixerConfig, top: int) -> None:
    model, pixels = random_model(tiny_config), random_pixels(tiny_config)
    model.head.bias.data[top] += 100
    found = unit_effect.unit_effects(model, pixels, 0)
    np.testing.assert_allclose(found, unit_effect.unit_effects(model, pixels, 0, top), rtol=1e-12)
    assert np.abs(found - unit_effect.unit_effects(model, pixels, 0, 5)).max() > 1e-2


@pytest.mark.parametrize("block", [0, 1])
def test_factor_0_is_a_model_without_the_unit(tiny_config: MixerConfig, block: int) -> None:
    model, pixels = random_model(tiny_config), random_pixels(tiny_config)
    without = copy.deepcopy(model)
    block_of(without, block).token_mixing.fc2.weight.data[:, 3] = 0
    logits = unit_effect.logits_with_unit(model, pixels, block, 3, [0, 1])
    np.testing.assert_allclose(logits[:1], without(pixels).detach(), rtol=1e-10)
    assert np.abs(logits[0] - logits[1]).max() > 1e-3


def test_every_factor_is_a_scaled_column_of_w2(tiny_config: MixerConfig) -> None:
    model, pixels = random_model(tiny_config), random_pixels(tiny_config)
    factors = np.linspace(-2, 3, unit_effect.FACTORS_AT_ONCE + 3)
    found = unit_effect.logits_with_unit(model, pixels, 0, 2, factors)
    assert found.shape == (len(factors), 10)
    for factor, logits in zip(factors, found, strict=True):
        scaled = copy.deepcopy(model)
        block_of(scaled, 0).token_mixing.fc2.weight.data[:, 2] *= factor
        np.testing.assert_allclose(logits, scaled(pixels)[0].detach(), rtol=1e-10)


def test_factor_1_is_the_plain_pass_in_the_precision_of_the_model(tiny_config: MixerConfig) -> None:
    for dtype, tolerance in ((torch.float32, 1e-5), (torch.float64, 1e-12)):
        model, pixels = random_model(tiny_config, dtype), random_pixels(tiny_config, dtype=dtype)
        plain = model(pixels).detach().numpy()
        for block in range(2):
            logits = unit_effect.logits_with_unit(model, pixels, block, 4, [1.0, 1])
            assert logits.dtype == plain.dtype
            np.testing.assert_allclose(logits, plain.repeat(2, axis=0), rtol=tolerance, atol=tolerance)


def test_eight_threads_on_one_model_give_the_same_and_leave_nothing(tiny_config: MixerConfig) -> None:
    model = random_model(tiny_config)
    before = traces_left(model)
    images = [random_pixels(tiny_config, seed=seed) for seed in range(8)]

    def both(index: int) -> tuple[np.ndarray, np.ndarray]:
        pixels = images[index % 8]
        effects = unit_effect.unit_effects(model, pixels, 0, 1)
        return effects, unit_effect.logits_with_unit(model, pixels, 1, 3, [0, 0.5])

    alone = [both(index) for index in range(8)]
    assert np.ptp([effects[0] for effects, _ in alone]) > 1e-3
    with ThreadPoolExecutor(8) as pool:
        for index, found in enumerate(pool.map(both, range(64))):
            np.testing.assert_allclose(found[0], alone[index % 8][0], rtol=1e-12)
            np.testing.assert_allclose(found[1], alone[index % 8][1], rtol=1e-12)
    assert traces_left(model) == before
    assert not any(pixels.requires_grad for pixels in images)


def test_errors_name_what_is_wrong(tiny_config: MixerConfig) -> None:
    model, pixels = random_model(tiny_config), random_pixels(tiny_config)
    for call in (
        lambda: unit_effect.unit_effects(model, pixels, 2),
        lambda: unit_effect.logits_with_unit(model, pixels, 2, 0, [1]),
    ):
        with pytest.raises(ValueError, match="block=2 is not between 0 and 1"):
            call()
    with pytest.raises(ValueError, match="unit=5 is not between 0 and 4"):
        unit_effect.logits_with_unit(model, pixels, 0, 5, [1])
    with pytest.raises(ValueError, match="unit=-1 is not between 0 and 4"):
        unit_effect.logits_with_unit(model, pixels, 0, -1, [1])
    with pytest.raises(ValueError, match="target=10 is not between 0 and 9"):
        unit_effect.unit_effects(model, pixels, 0, 10)
    for factors in ([], [float("nan")], [1, float("inf")]):
        with pytest.raises(ValueError, match="one or more finite numbers"):
            unit_effect.logits_with_unit(model, pixels, 0, 0, factors)
    several = random_pixels(tiny_config, count=2)
    for call in (
        lambda: unit_effect.unit_effects(model, several, 0),
        lambda: unit_effect.logits_with_unit(model, several, 0, 0, [1]),
    ):
        with pytest.raises(ValueError, match="one image at a time, got a batch of 2"):
            call()
