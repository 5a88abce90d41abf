"""What does not fit is refused in one sentence, before any pass."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
import torch

import mixer_viz as mv
from mixer_viz.analysis.attribution.baselines import BASELINES, baseline_pixels
from mixer_viz.analysis.attribution.table import method_for, methods_for
from mixer_viz.model import PRESETS, MixerConfig
from tests.analysis.attribution.made_attributions import ALL, mixer, picture
from tests.conftest import TINY


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"target": 10}, "target=10 is not between 0 and 9"),
        ({"target": -1}, "target=-1 is not between 0 and 9"),
        ({"target": 1.5}, "target=1.5 must be the number of a class"),
        ({"target": True}, "target=True must be the number of a class"),
        ({"target": np.True_}, "must be the number of a class"),
        ({"target": torch.tensor(True)}, "must be the number of a class"),
        ({"target": torch.tensor(1.0)}, "must be the number of a class"),
        ({"target": torch.tensor([4, 5])}, "2 targets for 1 images; give one for each"),
        ({"target": np.array(1.5)}, "must be the number of a class"),
        ({"target": None}, "target=None must be the number of a class"),
        ({"target": "cat"}, "target='cat' must be the number of a class"),
        ({"target": "c" * 10**6}, "must be the number of a class"),
        ({"against": False}, "against=False must be the number of a class"),
        ({"against": 10}, "against=10 is not between 0 and 9"),
        ({"against": 4}, "against=4 is the target itself"),
        ({"method": "magic"}, "method='magic' must be one of saliency, "),
        ({"baseline": "white"}, "baseline='white' must be one of black, mean, blur, noise"),
        ({"chunk": 0}, "chunk=0 must be at least 1"),
        ({"seed": -1}, "seed=-1 is not between 0 and 4294967295"),
        ({"steps": 0}, "steps=0 is not between 1 and 1000"),
        ({"steps": 2.5}, "steps=2.5 must be a whole number from 1 to 1000"),
        ({"steps": True}, "steps=True must be a whole number"),
        ({"samples": 5}, "integrated_gradients has no parameter 'samples' .its parameters: steps"),
        ({"method": "saliency", "steps": 5}, "saliency has no parameter 'steps' .its parameters: none"),
        ({"method": "smooth_grad", "noise": float("nan")}, "noise=nan is not between 0.01 and 1.0"),
        ({"method": "smooth_grad", "noise": "much"}, "noise='much' must be a number from 0.01 to 1.0"),
        ({"method": "deep_lift", "rules": "mine"}, "rules='mine' must be one of rescale, captum"),
        ({"method": "occlusion", "window": 9}, "window=9 is not between 1 and 8"),
        ({"method": "occlusion", "window": 2, "stride": 3}, "stride=3 is more than window=2"),
        ({"method": "grad_cam", "block": 2}, "block=2 is not between 0 and 1"),
        ({"method": "shapley_sampling", "group": 4}, "group=4 is not between 1 and 3"),
        ({"method": "kernel_shap", "group": 1, "samples": 17}, "samples=17 is too few for 16 groups: at least 18"),
        ({"pixels": torch.zeros(2, 3, 8, 8)}, "one image at a time, got a batch of 2"),
        ({"pixels": torch.zeros(1, 3, 16, 16)}, "was trained at 8 px"),
        ({"pixels": torch.zeros(1, 1, 8, 8)}, "pixels must be"),
        ({"pixels": torch.zeros(3, 8, 8)}, r"pixels must be \(N, 3, 8, 8\), got \(3, 8, 8\)"),
        ({"pixels": torch.zeros(1, 3, 8, 8, dtype=torch.uint8)}, "pixels must be torch.float32 .* got torch.uint8"),
        ({"pixels": torch.zeros(1, 3, 8, 8, dtype=torch.float64)}, "pixels must be torch.float32 .* got torch.float64"),
        ({"pixels": torch.zeros(1, 3, 8, 8, device="meta")}, "pixels must be .* on cpu"),
        (
            {"pixels": np.zeros((1, 3, 8, 8), np.float32)},
            "pixels must be a tensor, .* got ndarray",
        ),
        ({"pixels": torch.full((1, 3, 8, 8), torch.nan)}, "pixels must be finite"),
        ({"pixels": torch.full((1, 3, 8, 8), torch.inf)}, "pixels must be finite"),
    ],
)
def test_refused(changes: dict[str, Any], words: str) -> None:
    def never(done: int, total: int) -> None:
        raise AssertionError("a pass was made")

    arguments: dict[str, Any] = {"pixels": picture(), "target": 4, "progress": never, **changes}
    with pytest.raises(ValueError, match=words) as caught:
        mv.attribute(mixer(), **arguments)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("kind", [int, np.int64, np.uint8, np.array, torch.tensor])
def test_a_class_in_any_form_that_argmax_has(kind: Any) -> None:
    plain = mv.attribute(mixer(), picture(), 4, "saliency", against=3)
    other = mv.attribute(mixer(), picture(), kind(4), "saliency", against=kind(3))
    assert (other.target, other.against) == (4, 3)
    assert type(other.target) is int
    np.testing.assert_array_equal(other.patch_map, plain.patch_map)
    model = mixer()
    logits = model(picture())
    assert mv.attribute(model, picture(), logits.argmax(), "saliency").target == int(logits.argmax())


@pytest.mark.parametrize("method", ALL)
def test_an_answer_that_is_not_finite_is_refused(method: str) -> None:
    model = copy.deepcopy(mixer())
    with torch.no_grad():
        model.head.weight.fill_(3e38)
    with pytest.raises(ValueError, match="The answer of this model to this picture is not finite"):
        mv.attribute(model, picture(), 4, method)


def test_a_mixer_of_one_patch_has_nothing_to_share_out() -> None:
    one = MixerConfig(
        image_size=4, patch_size=4, embed_dim=6, num_blocks=1, tokens_mlp_dim=5, channels_mlp_dim=7, num_classes=3
    )
    model = mv.MlpMixer(one).eval()
    with pytest.raises(ValueError, match="kernel_shap needs at least two groups"):
        mv.attribute(model, torch.zeros(1, 3, 4, 4), 0, "kernel_shap")
    for method in set(methods_for(one)) - {"kernel_shap"}:
        assert mv.attribute(model, torch.ones(1, 3, 4, 4), 0, method).patch_map.shape == (1,)


@pytest.mark.parametrize("config", [TINY, *PRESETS.values()])
def test_defaults_are_within_their_limits(config: MixerConfig) -> None:
    table = methods_for(config)
    assert tuple(table) == ALL
    for name, row in table.items():
        assert row.name == name and row.title
        assert row.answers.count("?") == 1 and row.answers[-1] in "?."
        for parameter in row.parameters:
            assert parameter.checked(parameter.default) == parameter.default
            assert parameter.title
        values = {parameter.name: parameter.default for parameter in row.parameters}
        row.check_together(values)
        assert row.passes(values).forward > row.passes(values).backward
        assert (row.passes(values).backward > 0) == row.needs_gradient


def test_costs_of_the_patch_methods_on_b16() -> None:
    config = PRESETS["B/16"]
    assert method_for(config, "patch_ablation").passes({}).forward == 196 + 3
    assert method_for(config, "kernel_shap").parameters[0].default == 200
    assert method_for(config, "shapley_sampling").passes({"samples": 10, "group": 2}).forward == 490 + 3


def test_numpy_numbers_are_numbers() -> None:
    ours = mv.attribute(mixer(), picture(), int(np.int64(4)), steps=np.int64(5))  # type: ignore[arg-type]
    assert ours.parameters == {"steps": 5}
    assert type(ours.parameters["steps"]) is int


def test_results_can_be_cached() -> None:
    ours = mv.attribute(mixer(), picture(), 4, "deep_lift")
    again = pickle.loads(pickle.dumps(ours))
    assert (again.parameters, again.expected, again.seconds) == (ours.parameters, ours.expected, ours.seconds)
    np.testing.assert_array_equal(again.pixel_values, ours.pixel_values)


@pytest.mark.parametrize("name", BASELINES)
def test_baselines_keep_shape_type_and_picture(name: str) -> None:
    pixels = picture()
    made = baseline_pixels(TINY, pixels, name, seed=1)
    assert (made.shape, made.dtype) == (pixels.shape, pixels.dtype)
    assert torch.equal(pixels, picture())
    assert not torch.equal(made, pixels)
    assert torch.equal(made, baseline_pixels(TINY, pixels, name, seed=1))


def test_what_the_baselines_are() -> None:
    pixels = picture(torch.float64)
    mean, std = (torch.tensor(values, dtype=torch.float64).view(1, 3, 1, 1) for values in (TINY.mean, TINY.std))
    made = {name: baseline_pixels(TINY, pixels, name) for name in BASELINES}
    torch.testing.assert_close(made["black"] * std + mean, torch.zeros_like(pixels))
    torch.testing.assert_close(made["mean"], pixels.mean(dim=(2, 3), keepdim=True).expand_as(pixels))
    colours = made["noise"] * std + mean
    assert 0 <= colours.min() < 0.1 and 0.9 < colours.max() <= 1
    assert not torch.equal(made["noise"], baseline_pixels(TINY, pixels, "noise", seed=1))
    assert made["blur"].std() < 0.4 * pixels.std()
    flat = torch.ones_like(pixels) * torch.tensor([1.0, 2.0, 3.0]).view(1, 3, 1, 1)
    torch.testing.assert_close(baseline_pixels(TINY, flat, "blur"), flat)
