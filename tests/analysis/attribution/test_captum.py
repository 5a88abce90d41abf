"""Every method gives what a direct call of captum on the whole model gives, to 1e-5."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from captum.attr import (
    DeepLift,
    FeatureAblation,
    GradientShap,
    InputXGradient,
    IntegratedGradients,
    KernelShap,
    LayerGradCam,
    LayerIntegratedGradients,
    NoiseTunnel,
    Occlusion,
    Saliency,
    ShapleyValueSampling,
)
from torch import Tensor, nn

import mixer_viz as mv
from mixer_viz.analysis.attribution.baselines import baseline_pixels
from tests.analysis.attribution.made_attributions import mixer, patch_sums, picture
from tests.conftest import TINY

TARGET, AGAINST, SEED = 4, 7, 5
PATCHES = torch.arange(16).view(4, 4).repeat_interleave(2, 0).repeat_interleave(2, 1)[None, None]
SQUARES = torch.arange(4).view(2, 2).repeat_interleave(4, 0).repeat_interleave(4, 1)[None, None]


def the_rest() -> tuple[Tensor, Tensor]:
    pixels = picture()
    return pixels.clone().requires_grad_(), baseline_pixels(TINY, pixels, "mean")


def check(ours: np.ndarray | None, theirs: Tensor, per: float = 1.0) -> None:
    """`per`: over how many numbers a value that captum gives to all of them alike is spread."""
    assert ours is not None
    expected = theirs.detach().double().numpy().reshape(ours.shape) / per
    assert np.abs(expected).max() > 1e-5
    np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-5 / per)


@pytest.mark.parametrize("against", [None, AGAINST])
def test_gradient_methods(against: int | None) -> None:
    pixels, baseline = the_rest()
    model = mixer()

    def score(x: Tensor) -> Tensor:
        logits = model(x)
        return logits[:, TARGET] - (0.0 if against is None else logits[:, against])

    def ours(method: str, **parameters: int) -> np.ndarray | None:
        return mv.attribute(model, pixels, TARGET, method, against=against, **parameters).pixel_values

    check(ours("saliency"), Saliency(score).attribute(pixels, abs=False))
    check(ours("input_x_gradient"), InputXGradient(score).attribute(pixels))
    check(ours("integrated_gradients"), IntegratedGradients(score).attribute(pixels, baseline, n_steps=50))
    check(
        ours("integrated_gradients", steps=9, chunk=2),
        IntegratedGradients(score).attribute(pixels, baseline, n_steps=9),
    )


@pytest.mark.parametrize("spread", [0.0, 0.2])
def test_gradient_shap(spread: float) -> None:
    pixels, baseline = the_rest()
    ours = mv.attribute(mixer(), pixels, TARGET, "gradient_shap", samples=12, noise=spread, seed=SEED)
    torch.manual_seed(SEED)
    np.random.seed(SEED)  # noqa: NPY002 - captum draws from it
    stdevs = spread * float(picture().max() - picture().min())
    check(ours.pixel_values, GradientShap(mixer()).attribute(pixels, baseline, 12, stdevs, TARGET))


def test_smooth_grad() -> None:
    pixels, _ = the_rest()
    ours = mv.attribute(mixer(), pixels, TARGET, "smooth_grad", samples=12, noise=0.1, seed=SEED)
    torch.manual_seed(SEED)
    stdevs = 0.1 * float(picture().max() - picture().min())
    theirs = NoiseTunnel(Saliency(mixer())).attribute(pixels, nt_samples=12, stdevs=stdevs, target=TARGET, abs=False)
    check(ours.pixel_values, theirs)


@pytest.mark.filterwarnings("ignore:Setting forward, backward hooks")
def test_deep_lift_without_rules_of_our_own() -> None:
    pixels, baseline = the_rest()
    ours = mv.attribute(mixer(), pixels, TARGET, "deep_lift", rules="captum")
    check(ours.pixel_values, DeepLift(mixer()).attribute(pixels, baseline, TARGET))


def test_occlusion() -> None:
    pixels, baseline = the_rest()
    ours = mv.attribute(mixer(), pixels, TARGET, "occlusion", window=4, stride=1)
    theirs = Occlusion(mixer()).attribute(pixels, (3, 4, 4), (3, 1, 1), baseline, TARGET)
    check(ours.pixel_values, theirs, per=3 * 4 * 4)


def test_patch_ablation() -> None:
    pixels, baseline = the_rest()
    ours = mv.attribute(mixer(), pixels, TARGET, "patch_ablation", chunk=5)
    theirs = FeatureAblation(mixer()).attribute(pixels, baseline, TARGET, feature_mask=PATCHES)
    check(ours.pixel_values, theirs, per=3 * 2 * 2)
    check(ours.patch_map, theirs[:, 0, ::2, ::2])


@pytest.mark.parametrize(("group", "mask"), [(1, PATCHES), (2, SQUARES)])
def test_shapley_sampling(group: int, mask: Tensor) -> None:
    pixels, baseline = the_rest()
    ours = mv.attribute(mixer(), pixels, TARGET, "shapley_sampling", samples=6, group=group, seed=SEED, chunk=7)
    torch.manual_seed(SEED)
    theirs = ShapleyValueSampling(mixer()).attribute(pixels, baseline, TARGET, feature_mask=mask, n_samples=6)
    check(ours.pixel_values, theirs, per=3 * (2 * group) ** 2)


class Regression:
    """What scikit-learn's LinearRegression with weights computes, from the normal equations."""

    def fit(self, train_data: torch.utils.data.DataLoader) -> None:
        features, outputs, weights = (part.double() for part in next(iter(train_data)))
        mean = (weights.view(-1, 1) * features).sum(0) / weights.sum()
        centred, shifted = features - mean, outputs - (weights.flatten() * outputs).sum() / weights.sum()
        weighted = centred.T * weights.flatten()
        self.coefficients = torch.linalg.solve(weighted @ centred, weighted @ shifted)

    def representation(self) -> Tensor:
        return self.coefficients[None]


@pytest.mark.parametrize(("group", "mask"), [(1, PATCHES), (2, SQUARES)])
def test_kernel_shap(group: int, mask: Tensor) -> None:
    pixels, baseline = the_rest()
    ours = mv.attribute(mixer(), pixels, TARGET, "kernel_shap", samples=100, group=group, seed=SEED, chunk=7)
    torch.manual_seed(SEED)
    direct = KernelShap(mixer())
    direct.interpretable_model = Regression()  # its own needs scikit-learn
    theirs = direct.attribute(pixels, baseline, TARGET, feature_mask=mask, n_samples=100)
    check(ours.pixel_values, theirs, per=3 * (2 * group) ** 2)


class Transposed(nn.Module):
    """The tiny Mixer with block 0's tokens laid out as captum's Grad-CAM wants its layers: channels first."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Identity()

    def forward(self, pixels: Tensor) -> Tensor:
        model = mixer()
        tokens = self.layer(model.blocks[0](model.embed(pixels)).transpose(1, 2)).transpose(1, 2)
        return model.head(model.norm(model.blocks[1](tokens)).mean(dim=1))


def test_grad_cam() -> None:
    pixels, _ = the_rest()
    network = Transposed()
    ours = mv.attribute(mixer(), pixels, TARGET, "grad_cam", block=0)
    check(ours.patch_map, LayerGradCam(network, network.layer).attribute(pixels, TARGET))


@pytest.mark.parametrize("block", [0, 1])
def test_layer_integrated_gradients(block: int) -> None:
    pixels, baseline = the_rest()
    ours = mv.attribute(mixer(), pixels, TARGET, "layer_integrated_gradients", block=block, steps=20, chunk=6)
    layer = LayerIntegratedGradients(mixer(), mixer().blocks[block])
    check(ours.patch_map, layer.attribute(pixels, baseline, TARGET, n_steps=20).sum(dim=2))


def test_patches_hold_the_sums_of_their_pixels() -> None:
    ours = mv.attribute(mixer(), picture(), TARGET, steps=4)
    assert ours.pixel_values is not None and ours.pixel_map is not None
    np.testing.assert_allclose(ours.pixel_map, ours.pixel_values.sum(axis=0))
    np.testing.assert_allclose(ours.patch_map, patch_sums(ours.pixel_values))
