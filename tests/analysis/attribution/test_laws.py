"""What attributions must add up to, and closed forms: a linear network, secants, the exact logit of each patch."""

from __future__ import annotations

from typing import Any

import captum.attr._core.deep_lift as captum_deep_lift
import numpy as np
import pytest
import torch
from captum.attr import DeepLift
from torch import nn
from torch.nn import functional

import mixer_viz as mv
from mixer_viz.analysis.attribution import deep_lift_rules
from mixer_viz.analysis.attribution.baselines import BASELINES, baseline_pixels
from mixer_viz.analysis.attribution.masking import group_mask
from mixer_viz.analysis.attribution.table import methods_for
from tests.analysis.attribution.made_attributions import ALL, Linear, mixer, patch_sums, picture
from tests.conftest import TINY

TARGET, AGAINST = 4, 7
DOUBLE = torch.float64


@pytest.mark.parametrize("baseline", BASELINES)
@pytest.mark.parametrize("against", [None, AGAINST])
@pytest.mark.parametrize(
    ("method", "gap"),
    [
        ("integrated_gradients", 1e-5),
        ("deep_lift", 1e-12),
        ("shapley_sampling", 1e-6),  # captum adds up in float32
        ("kernel_shap", 1e-4),  # captum gives the two ends a large weight, not an infinite one
        ("layer_integrated_gradients", 1e-5),
        ("patch_logits", 1e-12),
    ],
)
def test_values_add_up(method: str, gap: float, against: int | None, baseline: str) -> None:
    model, pixels = mixer(DOUBLE), picture(DOUBLE)
    result = mv.attribute(model, pixels, TARGET, method, against=against, baseline=baseline)
    with torch.no_grad():
        start = baseline_pixels(TINY, pixels, baseline, result.seed)
        image, empty = (
            (row[TARGET] - (0 if against is None else row[against])) for row in model(torch.cat([pixels, start]))
        )
    expected = float(image) if method == "patch_logits" else float(image - empty)
    assert result.score == pytest.approx(float(image))
    assert result.expected == pytest.approx(expected)
    assert abs(expected) > 100 * gap
    assert result.total == pytest.approx(expected, abs=gap)
    assert result.completeness_gap is not None and result.completeness_gap < gap
    assert result.relative_gap == pytest.approx(result.completeness_gap / abs(expected))


def test_gradient_shap_adds_up_on_average() -> None:
    def gap(samples: int, seed: int) -> float:
        result = mv.attribute(mixer(DOUBLE), picture(DOUBLE), TARGET, "gradient_shap", samples=samples, seed=seed)
        return result.completeness_gap or 0.0

    few, many = (np.mean([gap(samples, seed) for seed in range(8)]) for samples in (4, 400))
    assert few > 0.05  # of 1.26
    assert many < few / 4  # a tenth is to be expected


def test_methods_without_a_law_have_no_gap() -> None:
    lawless = [name for name in ALL if methods_for(TINY)[name].law is None]
    assert lawless == ["saliency", "input_x_gradient", "smooth_grad", "occlusion", "patch_ablation", "grad_cam"]
    for name in lawless:
        result = mv.attribute(mixer(), picture(), TARGET, name)
        assert (result.expected, result.completeness_gap, result.relative_gap) == (None, None, None)


def closed_form(method: str, weight: np.ndarray, pixels: np.ndarray, start: np.ndarray) -> np.ndarray:
    if method in ("saliency", "smooth_grad"):
        return weight
    return weight * pixels if method == "input_x_gradient" else weight * (pixels - start)


@pytest.mark.parametrize("against", [None, AGAINST])
@pytest.mark.parametrize(
    "method",
    ["saliency", "smooth_grad", "input_x_gradient", "integrated_gradients", "gradient_shap", "deep_lift"],
)
def test_pixels_of_a_linear_network(method: str, against: int | None) -> None:
    model, pixels = Linear(), picture(DOUBLE)
    result = mv.attribute(model, pixels, TARGET, method, against=against)  # type: ignore[arg-type]
    rows = model.weight.detach().numpy()
    weight = rows[TARGET] - (0 if against is None else rows[against])
    start = baseline_pixels(TINY, pixels, "mean").numpy()[0]
    expected = closed_form(method, weight, pixels.numpy()[0], start)
    # captum works with step sizes in float32
    np.testing.assert_allclose(result.pixel_values, expected, atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("patch_ablation", {}),
        ("occlusion", {"window": 2, "stride": 2}),
        ("shapley_sampling", {"samples": 3}),
        ("kernel_shap", {"samples": 60, "group": 1}),
    ],
)
def test_patches_of_a_linear_network(method: str, parameters: dict[str, Any]) -> None:
    model, pixels = Linear(), picture(DOUBLE)
    result = mv.attribute(model, pixels, TARGET, method, baseline="mean", **parameters)  # type: ignore[arg-type]
    weight = model.weight.detach().numpy()[TARGET]
    expected = patch_sums(weight * (pixels - baseline_pixels(TINY, pixels, "mean")).numpy()[0])
    np.testing.assert_allclose(result.patch_map, expected, atol=1e-4)
    assert result.pixel_values is not None
    np.testing.assert_allclose(result.pixel_values[:, :2, :2], expected[0] / 12, atol=1e-4)


def test_groups_of_a_linear_network_that_the_edge_cuts() -> None:
    model, pixels = Linear(), picture(DOUBLE)
    result = mv.attribute(model, pixels, TARGET, "shapley_sampling", samples=2, group=3)  # type: ignore[arg-type]
    effect = model.weight.detach()[TARGET] * (pixels - baseline_pixels(TINY, pixels, "mean"))[0]
    groups = group_mask(TINY, 3, pixels.device)[0, 0]
    assert groups[[0, 0, 7, 7], [0, 7, 0, 7]].tolist() == [0, 1, 2, 3]
    for group in range(4):
        inside = (groups == group).numpy()
        assert result.pixel_map is not None
        assert result.pixel_map[inside].sum() == pytest.approx(float(effect[:, inside].sum()), abs=1e-4)
        assert np.ptp(result.pixel_map[inside]) < 1e-12


def test_gelu_rule_is_captums_rescale_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(captum_deep_lift.SUPPORTED_NON_LINEAR, nn.GELU, captum_deep_lift.nonlinear)
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Flatten(), nn.Linear(12, 5), nn.GELU("tanh"), nn.Linear(5, 5), nn.GELU(), nn.Linear(5, 3)
    )
    network = network.double()
    image, start = torch.randn(2, 1, 3, 2, 2, dtype=DOUBLE, requires_grad=True)
    with pytest.warns(UserWarning, match="Setting forward"):
        theirs = DeepLift(network).attribute(image, start, 1)
    with pytest.warns(UserWarning, match="Setting forward"):
        ours = DeepLift(deep_lift_rules.with_secants(network)).attribute(image, start, 1)
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)


def test_layer_norm_rule_passes_on_the_whole_change_and_becomes_the_slope() -> None:
    torch.manual_seed(0)
    norm = nn.LayerNorm(6, eps=1e-2).double()
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    twin = deep_lift_rules.with_secants(nn.Sequential(norm))
    image, start = torch.randn(2, 4, 6, dtype=DOUBLE)
    pair = torch.cat([image, start]).requires_grad_()
    change = norm(image) - norm(start)
    for token in range(4):
        for channel in range(6):
            (gradient,) = torch.autograd.grad(twin(pair)[token, channel], pair)
            assert float((gradient[:4] * (image - start)).sum()) == pytest.approx(
                float(change[token, channel].detach())
            )
    same = torch.cat([image, image]).requires_grad_()
    weights = torch.randn(4, 6, dtype=DOUBLE)
    slope = torch.autograd.functional.vjp(norm, image, weights)[1]
    torch.testing.assert_close(torch.autograd.grad((twin(same)[:4] * weights).sum(), same)[0][:4], slope)


def test_secant_of_a_small_step_is_the_slope() -> None:
    twin = deep_lift_rules.with_secants(nn.Sequential(nn.GELU()))
    image = torch.linspace(-3, 3, 50)
    pair = torch.cat([image + 1e-6, image]).requires_grad_()
    (gradient,) = torch.autograd.grad(twin(pair).sum(), pair)
    middle = image.double().requires_grad_()
    (slope,) = torch.autograd.grad(functional.gelu(middle).sum(), middle)
    torch.testing.assert_close(gradient[:50].double(), slope, rtol=1e-5, atol=1e-5)


def test_the_copy_with_secants_computes_the_same_on_the_same_weights() -> None:
    model = mixer(DOUBLE)
    twin = deep_lift_rules.with_secants(model)
    pixels = torch.cat([picture(DOUBLE), picture(DOUBLE, seed=9)])
    torch.testing.assert_close(twin(pixels), model(pixels), rtol=1e-12, atol=1e-12)
    assert {parameter.data_ptr() for parameter in twin.parameters()} == {p.data_ptr() for p in model.parameters()}
    assert not any(isinstance(module, nn.GELU) for module in twin.modules())
    assert sum(isinstance(module, nn.GELU) for module in model.modules()) == 2 * TINY.num_blocks
