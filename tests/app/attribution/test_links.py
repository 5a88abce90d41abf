"""Links to the Attributions page, clashing parameters, and other models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import mixer_viz as mv
from mixer_viz.images.samples import load_sample
from mixer_viz.model import MlpMixer
from tests.app.attribution.driving import (
    ABLATION,
    BASELINE,
    PATCH_LOGITS,
    check,
    checkpoint,
    column,
    explained,
    finish,
    map_of,
    open_done,
    open_page,
    real,
    shows,
)
from tests.app.driving import errors, upload_weights

Make = Callable[..., MlpMixer]
SAMPLED, KERNEL = "Shapley values, sampled", "Kernel SHAP"
UNKNOWN = {"mean": None, "std": None, "interpolation": None, "crop_pct": None, "class_names": None}


@pytest.fixture(autouse=True)
def no_long_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """They have tests of their own."""
    monkeypatch.setattr("mixer_viz.ui.attribution.metrics._QUICK_MULTIPLY_ADDS", {"cpu": 0.0})
    monkeypatch.setattr("mixer_viz.ui.attribution.metrics._QUICK_ON_GPU", 0.0)


def test_link_restores_methods_with_their_parameters(model: MlpMixer) -> None:
    options = {"shapley_sampling_samples": "2", "shapley_sampling_group": "4", "kernel_shap_samples": "50"}
    app = open_done(SAMPLED, KERNEL, seed="7", baseline="Blurred", **options)
    check(app, 2)
    assert app.multiselect(key="methods").value == [SAMPLED, KERNEL]
    for key, value in options.items():
        assert app.number_input(key=key).value == int(value)
    cat = model.config.class_names.index("cat")
    assert shows(app, 0, real(model, cat, SAMPLED, samples=2, group=4, seed=7, baseline="blur"))
    assert shows(app, 1, real(model, cat, KERNEL, samples=50, seed=7, baseline="blur"))


def test_link_is_explained_for_its_own_class_at_once(model: MlpMixer, top: int) -> None:
    """Before the page runs a second time."""
    names = model.config.class_names
    app = open_page(methods=[PATCH_LOGITS], target="dog", against=names[top])
    check(app, 1)
    assert explained(app) == ["dog"]
    assert not app.warning
    assert shows(app, 0, real(model, names.index("dog"), PATCH_LOGITS, against=top))


def test_link_restores_looks_and_what_is_deleted() -> None:
    looks = {"level": "Pixels", "map_scale": "Shared", "sign": "Positive only", "deleted_by": ABLATION}
    app = open_done(PATCH_LOGITS, ABLATION, opacity="10", deleted="11", token="5", **looks)
    check(app, 2)
    for key, value in looks.items():
        assert app.button_group(key=key).value == value
    assert [app.slider(key=key).value for key in ("opacity", "deleted")] == [10, 11]
    assert app.number_input(key="token").value == 5
    assert app.query_params["methods"] == "patch_logits,patch_ablation"


def test_links_of_earlier_versions_keep_their_meaning() -> None:
    app = open_done(PATCH_LOGITS, scale="Shared", seed="7531")
    assert app.button_group(key="map_scale").value == "Shared"
    assert app.number_input(key="attribution_seed").value == 7531
    other_page = open_done(PATCH_LOGITS, scale="All blocks", seed="-4")  # what the page of the weights calls so
    assert other_page.button_group(key="map_scale").value == "Each its own"
    assert other_page.number_input(key="attribution_seed").value == 0
    assert errors(other_page) == []


def test_link_full_of_nonsense(top: int, model: MlpMixer) -> None:
    app = open_done(
        "<script>",
        PATCH_LOGITS,
        target="unicorn",
        against="",
        baseline="pink",
        deleted="999",
        seed="-4",
        opacity="x",
        level="?",
        kernel_shap_samples="1",
    )
    assert errors(app) == []
    assert explained(app) == [model.config.class_names[top]]
    finish(app.run())


def test_methods_whose_parameters_clash_are_left_out(model: MlpMixer, top: int) -> None:
    clash = {"occlusion_window": "2", "occlusion_stride": "3"}
    app = open_done("Occlusion", PATCH_LOGITS, **clash)
    check(app, 1)
    (warning,) = app.warning
    assert warning.value.startswith("Occlusion is left out: stride=3 is more than window=2")
    assert map_of(app, 0)["title"] == PATCH_LOGITS
    assert shows(app, 0, real(model, top, PATCH_LOGITS))
    app.number_input(key="occlusion_stride").set_value(2)
    check(finish(app.run()), 2)
    assert not app.warning
    assert shows(app, 0, real(model, top, "Occlusion", window=2, stride=2))


def test_network_whose_head_was_never_trained_is_said_to_be_so(make_model: Make, tmp_path: Path) -> None:
    own = make_model()
    with torch.no_grad():
        for parameter in own.head.parameters():
            parameter.zero_()
    app = open_page(methods=[PATCH_LOGITS, "Gradient (saliency)", ABLATION])
    upload_weights(app, "zeros.safetensors", checkpoint(own, tmp_path))
    check(finish(app), 3)
    warnings = [warning.value for warning in app.warning if warning.value.startswith("This map is zero")]
    assert len(warnings) == 3
    assert all(map_of(app, place)["limits"] == [[-1.0, 1.0]] for place in (0, 2))


def test_another_model_keeps_the_page_alive(make_model: Make, tmp_path: Path) -> None:
    """Fewer classes, patches and blocks than the link names."""
    last = {"grad_cam_block": "8", "deleted": "60", "token": "63", "deleted_by": ABLATION}
    app = open_done("Grad-CAM", ABLATION, target="truck", against="ship", **last)
    check(app, 2)
    own = make_model(**UNKNOWN, num_classes=3)
    upload_weights(app, "own.safetensors", checkpoint(own, tmp_path))
    check(finish(app), 2)
    assert len(app.selectbox(key="target").options) == 4
    assert app.number_input(key="token").value == 15
    assert app.slider(key="deleted").value == 16
    assert app.number_input(key="grad_cam_block").value <= own.config.num_blocks
    pixels = mv.preprocess(load_sample("cat"), own)
    best = int(own(pixels)[0].argmax())
    assert explained(app) == [f"class {best}"]
    assert shows(app, 1, mv.attribute(own, pixels, best, "patch_ablation", baseline=BASELINE))


@pytest.mark.parametrize("changes", [{"num_classes": 1}, {"patch_size": 8}, {"num_blocks": 1}])
def test_own_checkpoint_of_extreme_sizes(changes: dict[str, int], make_model: Make, tmp_path: Path) -> None:
    """A single class, patch or block."""
    own = make_model(class_names=None, **changes)
    app = open_page(methods=[PATCH_LOGITS, "Occlusion", SAMPLED, "Grad-CAM"])
    upload_weights(app, "own.safetensors", checkpoint(own, tmp_path))
    check(finish(app), 4)
    assert column(app, "map", "place, most positive first")[PATCH_LOGITS].endswith(f" of {own.config.num_patches}")
