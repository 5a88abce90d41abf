"""What nobody foresaw is one sentence on the page; the details stay in the log."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from mixer_viz.analysis import overview, patches
from mixer_viz.checkpoints import bundled, save_model
from mixer_viz.figures import common
from mixer_viz.figures import overview as overview_figures
from mixer_viz.model import MlpMixer
from tests.app.driving import check, errors, start, texts

pytestmark = pytest.mark.own_caches


def fail(*_: object, **__: object) -> None:
    raise RuntimeError("secret")


@pytest.mark.parametrize(
    ("page", "module", "function"),
    [
        ("overview", overview, "overview_of"),
        ("overview", common, "stage_grids"),
        ("overview", overview_figures, "top_classes_chart"),
        ("patches", patches, "tokenize"),
        ("patches", patches, "filters_of"),
        ("patches", common, "vector_strip"),
    ],
)
def test_unexpected_error_in_a_page(
    page: str, module: object, function: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(module, function, fail)
        with caplog.at_level(logging.ERROR, logger="mixer_viz"):
            app = start(page)
    (sentence,) = errors(app)
    assert sentence.endswith(".")
    assert "secret" not in texts(app)
    assert "RuntimeError" not in texts(app)
    assert "secret" in caplog.text
    assert app.selectbox(key="model").value == "mixer_cifar10"
    check(app.run(), page)  # nothing of the failure is kept


def test_error_in_one_part_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common, "stage_grids", fail)
    app = start()
    assert len(errors(app)) == 1
    assert {each.key for each in app.get("bidi_component")} == {"link", "pooled", "teach_link"}
    assert app.get("download_button")


@pytest.mark.parametrize("page", ["overview", "patches"])
def test_broken_model_card_is_one_sentence(
    page: str, make_model: Callable[..., MlpMixer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_model(make_model(), tmp_path / "own.safetensors")
    (tmp_path / "own.json").write_text("{}")
    monkeypatch.setattr(bundled, "ASSETS_DIR", tmp_path)
    (sentence,) = errors(start(page))
    assert "model card" in sentence


@pytest.mark.parametrize("page", ["overview", "patches"])
def test_no_bundled_model_at_all(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundled, "ASSETS_DIR", tmp_path)
    app = start(page)
    (sentence,) = errors(app)
    assert "none is installed here" in sentence
    assert app.selectbox(key="image").value == "Cat"
