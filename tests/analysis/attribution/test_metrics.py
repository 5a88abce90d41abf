"""Numbers beside a map: agreement, steadiness under noise, dependence on the weights."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

import mixer_viz as mv
from mixer_viz.analysis.attribution.metrics import (
    agreement,
    noise_sensitivity,
    randomisation_check,
    rank_correlation,
    with_shuffled_weights,
)
from tests.analysis.attribution.made_attributions import Linear, mixer, picture, quick
from tests.made_models import traces_left

TARGET = 4
DOUBLE = torch.float64


def linear() -> Any:
    return Linear()  # has all of a Mixer that these need: a config and logits


def test_rank_correlation_is_spearmans_also_with_ties() -> None:
    random = np.random.default_rng(0)
    first, second = random.integers(0, 6, (2, 4, 5)).astype(float)
    assert rank_correlation(first, second) == pytest.approx(spearmanr(first.ravel(), second.ravel()).statistic)
    assert rank_correlation(first, np.exp(first)) == pytest.approx(1)
    assert rank_correlation(first, -first) == pytest.approx(-1)
    assert np.isnan(rank_correlation(first, np.zeros_like(first)))
    with pytest.raises(ValueError, match=r"shapes \(4, 5\) and \(20,\)"):
        rank_correlation(first, second.ravel())


def test_agreement_is_a_symmetric_matrix_of_rank_correlations() -> None:
    names = ["integrated_gradients", "deep_lift", "patch_ablation", "grad_cam"]
    results = [mv.attribute(mixer(), picture(), TARGET, name) for name in names]
    results.append(dataclasses.replace(results[0], patch_map=np.zeros(16)))
    table = agreement(results)
    assert table.shape == (5, 5)
    np.testing.assert_array_equal(table, table.T)
    np.testing.assert_allclose(np.diag(table)[:4], 1)
    assert np.isnan(table[4]).all()
    assert table[0, 2] == rank_correlation(results[0].patch_map, results[2].patch_map)
    assert agreement([]).size == 0


def test_a_linear_networks_gradient_does_not_mind_noise_but_its_score_does() -> None:
    model, pixels = linear(), picture(DOUBLE)
    gradient = mv.attribute(model, pixels, TARGET, "saliency")
    steady = noise_sensitivity(model, pixels, gradient, noise=0.1, draws=3)
    np.testing.assert_allclose(steady.relative_changes, 0, atol=1e-12)
    np.testing.assert_allclose(steady.rank_correlations, 1)
    assert steady.score_changes.shape == (3,)
    assert len(set(np.round(steady.score_changes, 6))) == 3
    shares = mv.attribute(model, pixels, TARGET, "input_x_gradient", against=2)
    small, large = (noise_sensitivity(model, pixels, shares, noise=size, draws=3) for size in (0.01, 0.1))
    np.testing.assert_allclose(large.relative_changes, 10 * small.relative_changes, rtol=1e-5)
    assert (small.relative_changes > 0).all()


def test_noise_is_seeded_and_as_large_as_said() -> None:
    model, pixels = linear(), picture(DOUBLE)
    with torch.no_grad():
        model.weight.zero_()
        model.weight[TARGET] = 1.0
    result = mv.attribute(model, pixels, TARGET, "input_x_gradient")
    first, second, other = (
        noise_sensitivity(model, pixels, result, noise=0.05, draws=200, seed=seed).score_changes for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, second)
    assert not np.allclose(first, other)
    # The score is the sum of 192 pixels, each with noise of 0.05 of the range.
    expected = 0.05 * float(pixels.max() - pixels.min()) * np.sqrt(192)
    assert first.std() == pytest.approx(expected, rel=0.2)


def test_a_zero_map_has_no_relative_change() -> None:
    result = dataclasses.replace(mv.attribute(mixer(), picture(), TARGET, "saliency"), patch_map=np.zeros(16))
    sensitivity = noise_sensitivity(mixer(), picture(), result, draws=2)
    assert np.isnan(sensitivity.relative_changes).all()
    assert np.isnan(sensitivity.rank_correlations).all()


def test_shuffled_weights_keep_every_tensors_numbers_and_leave_the_model_alone() -> None:
    model = mixer()
    before = [parameter.clone() for parameter in model.parameters()]
    twin, same, other = (with_shuffled_weights(model, seed) for seed in (3, 3, 4))
    for old, kept, new, again, else_ in zip(
        before, model.parameters(), twin.parameters(), same.parameters(), other.parameters(), strict=True
    ):
        assert torch.equal(old, kept)
        assert old.data_ptr() != new.data_ptr()
        assert torch.equal(old.flatten().sort().values, new.flatten().sort().values)
        assert torch.equal(new, again)
        assert not torch.equal(new, else_)
        assert not torch.equal(new, old)


def test_randomisation_check_repeats_the_method_on_shuffled_weights() -> None:
    model, pixels = mixer(), picture()
    clean = traces_left(model)
    result = mv.attribute(model, pixels, TARGET, "kernel_shap", against=2, baseline="blur", seed=6, samples=60)
    check = randomisation_check(model, pixels, result, draws=2, seed=8)
    for index in range(2):
        other = with_shuffled_weights(model, 8 + index)
        theirs = mv.attribute(other, pixels, TARGET, "kernel_shap", against=2, baseline="blur", seed=6, samples=60)
        signed = rank_correlation(theirs.patch_map, result.patch_map)
        assert check.rank_correlations[index] == signed
        assert check.magnitude_correlations[index] == rank_correlation(abs(theirs.patch_map), abs(result.patch_map))
        assert abs(signed) < 0.95
    assert traces_left(model) == clean


def test_a_map_that_shows_the_image_alone_is_found_out() -> None:
    model, pixels = linear(), picture(DOUBLE)
    with torch.no_grad():
        model.weight.fill_(1.0)  # shuffling changes nothing: the map is the image
    result = mv.attribute(model, pixels, TARGET, "input_x_gradient")
    np.testing.assert_allclose(randomisation_check(model, pixels, result).rank_correlations, np.ones(3))


@pytest.mark.parametrize("run", [noise_sensitivity, randomisation_check])
def test_progress_counts_all_draws_and_cancelling_stops(run: Any) -> None:
    result = mv.attribute(mixer(), picture(), TARGET, **quick("integrated_gradients"))
    seen: list[tuple[int, int]] = []
    run(mixer(), picture(), result, draws=3, progress=lambda done, total: seen.append((done, total)))
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert seen[-1] == (30, 30)
    asked = itertools.count()
    with pytest.raises(mv.AnalysisCancelled):
        run(mixer(), picture(), result, cancelled=lambda: next(asked) > 2)


def test_refused() -> None:
    result = mv.attribute(mixer(), picture(), TARGET, "saliency")
    for noise in (0.0, -1.0, 1.5, float("nan")):
        with pytest.raises(ValueError, match="must be above 0 and at most 1"):
            noise_sensitivity(mixer(), picture(), result, noise=noise)
    for run in (noise_sensitivity, randomisation_check):
        with pytest.raises(ValueError, match="draws=0 must be at least 1"):
            run(mixer(), picture(), result, draws=0)
