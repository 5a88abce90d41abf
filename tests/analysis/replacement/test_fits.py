"""Stand-ins by least squares: exact where the mixing is one, as torch's lstsq finds them, and never to be bettered."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from made_models import block_of, random_model, random_pixels
from torch import Tensor

from mixer_viz.analysis.replacement.moments import calibrate
from mixer_viz.analysis.replacement.replace import KINDS, Kind, explained_here, fit_replacement, replaced_logits
from tests.analysis.replacement.made_replacements import (
    CONFIG,
    by_hand,
    calibration_pixels,
    convolved,
    fake_calibration,
    linear_mixing_model,
    normal,
    reads_and_writes,
    shifted_by_index,
)

FITTED: list[tuple[Kind, int]] = [("identity", 1), ("convolution", 3), ("convolution", 7), ("shift", 1)]
READ, BIAS = normal(3, 16, 26), normal(16, 1, seed=6)


def squared_error(answer: Tensor, written: Tensor) -> float:
    return float(((answer - written) ** 2).sum())


def explained_by_hand(answer: Tensor, written: Tensor) -> float:
    return 1 - squared_error(answer, written) / squared_error(written.mean(dim=(0, 2), keepdim=True), written)


@pytest.mark.parametrize("size", [1, 3, 5, 7])
def test_a_convolution_is_found_exactly(size: int) -> None:
    kernel = normal(size, size, seed=size)
    written = convolved(READ, kernel) + BIAS
    found = fit_replacement(fake_calibration(READ, written), 0, "convolution", kernel_size=size)
    np.testing.assert_allclose(found.kernel, kernel, atol=1e-10)
    np.testing.assert_allclose(found.bias, BIAS[:, 0], atol=1e-10)
    torch.testing.assert_close(found.mixed(READ), written)
    assert found.explained == pytest.approx(1, abs=1e-12)
    for smaller in range(1, size, 2):
        assert fit_replacement(fake_calibration(READ, written), 0, "convolution", kernel_size=smaller).explained < 0.95


def test_a_shift_and_a_multiple_are_found_exactly() -> None:
    for kind, moved in (("shift", shifted_by_index(READ)), ("identity", READ)):
        calibration = fake_calibration(READ, BIAS - 1.7 * moved)
        found = fit_replacement(calibration, 0, kind)  # type: ignore[arg-type]
        assert found.factor == pytest.approx(-1.7)
        assert found.explained == pytest.approx(1, abs=1e-12)
        np.testing.assert_allclose(found.bias, BIAS[:, 0])
        others = {other: fit_replacement(calibration, 0, other).explained for other in KINDS if other != kind}
        assert others.pop("random") < -0.5
        # The channels that stay are a multiple of themselves, and a convolution can always be a multiple.
        assert all(0.3 < explained < 1 + 1e-12 for explained in others.values())


def test_a_network_whose_mixing_is_a_convolution_is_not_changed_by_it() -> None:
    model, pixels = linear_mixing_model(normal(3, 3, seed=8)), calibration_pixels()
    calibration = calibrate(model, pixels)
    replacements = {block: fit_replacement(calibration, block, "convolution") for block in range(2)}
    for block in range(2):
        assert replacements[block].explained == pytest.approx(1, abs=1e-10)
        np.testing.assert_allclose(replacements[block].kernel, normal(3, 3, seed=8), atol=1e-8)
    other = random_pixels(CONFIG, seed=12)
    np.testing.assert_allclose(replaced_logits(model, other, replacements), model(other)[0].detach(), rtol=1e-8)
    replacements = {block: fit_replacement(calibration, block, "convolution", kernel_size=1) for block in range(2)}
    assert np.abs(replaced_logits(model, other, replacements) - model(other)[0].detach().numpy()).max() > 1e-3


@pytest.mark.parametrize("size", [1, 3, 5])
def test_the_kernel_is_that_of_torch_lstsq(size: int) -> None:
    model, pixels = random_model(CONFIG), calibration_pixels()
    calibration = calibrate(model, pixels)
    for block, (read, written) in enumerate(reads_and_writes(model, pixels)):
        columns = [convolved(read, single) for single in torch.eye(size**2, dtype=torch.float64).view(-1, size, size)]
        columns += [bias[:, None].expand_as(read[0]).expand_as(read) for bias in torch.eye(16, dtype=torch.float64)]
        design = torch.stack([column.flatten() for column in columns], dim=1)
        best = torch.linalg.lstsq(design, written.flatten()).solution
        found = fit_replacement(calibration, block, "convolution", kernel_size=size)
        assert found.kernel is not None
        np.testing.assert_allclose(np.append(found.kernel, found.bias), best, atol=1e-9)
        answer = (design @ best).view_as(written)
        assert found.explained == pytest.approx(explained_by_hand(answer, written), abs=1e-10)


@pytest.mark.parametrize(("kind", "size"), FITTED)
def test_nothing_near_it_is_better(kind: Kind, size: int) -> None:
    model, pixels = random_model(CONFIG), calibration_pixels()
    found = fit_replacement(calibrate(model, pixels), 1, kind, kernel_size=size)
    read, written = reads_and_writes(model, pixels)[1]
    best = squared_error(by_hand(found, read), written)
    steps = itertools.product((-1e-3, 1e-3), range(16 + size**2))
    for step, place in steps:
        bias = normal(16, 1).mul(0)
        answer = by_hand(found, read)
        if place < 16:
            bias[place] = step
        elif kind == "convolution":
            single = torch.zeros(size**2, dtype=torch.float64)
            single[place - 16] = step
            answer = answer + convolved(read, single.view(size, size))
        else:
            answer = answer + step * (shifted_by_index(read) if kind == "shift" else read)
        assert squared_error(answer + bias, written) > best


@pytest.mark.parametrize(("kind", "size"), [*FITTED, ("random", 1)])
def test_what_is_explained_is_what_is_seen_on_the_same_images(kind: Kind, size: int) -> None:
    model, pixels = random_model(CONFIG), calibration_pixels()
    calibration = calibrate(model, pixels)
    replacements = {block: fit_replacement(calibration, block, kind, kernel_size=size) for block in range(2)}
    seen = explained_here(model, pixels, replacements)
    alone = explained_here(model, pixels[:1], {1: replacements[1]})
    assert list(seen) == [0, 1]
    assert list(alone) == [1]
    for block, (read, written) in enumerate(reads_and_writes(model, pixels)):
        answer = by_hand(replacements[block], read)
        assert seen[block] == pytest.approx(explained_by_hand(answer, written), abs=1e-10)
        assert seen[block] == pytest.approx(replacements[block].explained, abs=1e-10)
    assert alone[1] == pytest.approx(explained_by_hand(answer[:1], written[:1]), abs=1e-10)


def test_larger_kernels_explain_more_and_one_by_one_is_the_identity() -> None:
    calibration = calibrate(random_model(CONFIG), calibration_pixels())
    for block in range(2):
        identity = fit_replacement(calibration, block, "identity")
        kernels = [fit_replacement(calibration, block, "convolution", kernel_size=size) for size in (1, 3, 5, 7)]
        np.testing.assert_allclose(kernels[0].matrix, identity.matrix)
        np.testing.assert_allclose(kernels[0].bias, identity.bias)
        explained = [kernel.explained for kernel in kernels]
        assert explained == sorted(set(explained))
        assert 0 <= explained[0] < explained[-1] < 1


def test_random_is_as_strong_as_the_mixing_and_follows_its_seed() -> None:
    model, pixels = random_model(CONFIG), calibration_pixels()
    calibration = calibrate(model, pixels)
    first, again, other = (fit_replacement(calibration, 0, "random", seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.matrix, again.matrix)
    assert first.factor is not None
    second = fit_replacement(calibration, 1, "random", seed=3)
    for one in (other, second):
        assert one.factor is not None
        assert abs(np.corrcoef(first.matrix.ravel(), one.matrix.ravel())[0, 1]) < 0.3
    for replacement, (read, written) in zip((first, second), reads_and_writes(model, pixels), strict=True):
        torch.testing.assert_close(replacement.mixed(read).square().mean(), written.square().mean())
        assert np.std(replacement.matrix) == pytest.approx(replacement.factor, rel=0.15)
        assert not replacement.bias.any()


def test_constant_mixing_has_no_variance_to_explain() -> None:
    model, pixels = random_model(CONFIG), calibration_pixels()
    mixing = block_of(model, 0).token_mixing
    mixing.fc2.weight.data.zero_()
    calibration = calibrate(model, pixels)
    for kind, size in FITTED:
        found = fit_replacement(calibration, 0, kind, kernel_size=size)
        assert math.isnan(found.explained)
        np.testing.assert_allclose(found.matrix, 0, atol=1e-12)
        np.testing.assert_allclose(found.bias, mixing.fc2.bias.detach())
    mixing.fc2.bias.data.zero_()
    silent = fit_replacement(calibrate(model, pixels), 0, "random")
    assert silent.factor == 0
    assert math.isnan(silent.explained)


def test_errors_name_what_is_wrong() -> None:
    model = random_model(CONFIG)
    calibration = calibrate(model, calibration_pixels())
    with pytest.raises(ValueError, match="block=2 is not between 0 and 1"):
        fit_replacement(calibration, 2, "identity")
    with pytest.raises(ValueError, match="kind='pooling' must be one of 'identity', 'convolution'"):
        fit_replacement(calibration, 0, "pooling")  # type: ignore[arg-type]
    for size in (0, 2, -1, 9):
        with pytest.raises(ValueError, match=f"kernel_size={size} must be odd and between 1 and 7"):
            fit_replacement(calibration, 0, "convolution", kernel_size=size)
