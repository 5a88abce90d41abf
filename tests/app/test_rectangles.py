"""A Mixer of 2 x 8 patches on every page: pictures and maps in its shape."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from mixer_viz.checkpoints import save_model
from mixer_viz.model import MlpMixer
from mixer_viz.ui.widgets import downloads
from tests.app.attribution.driving import finish
from tests.app.driving import errors, panel, texts, upload_weights

VIEWS = ("Layers", "Channels", "Residual stream", "Prediction", "Switching off", "Shuffled patches", "Formula")


@pytest.fixture
def wide(app: AppTest, make_model: Callable[..., MlpMixer], tmp_path: Path) -> AppTest:
    save_model(make_model(image_size=8, image_width=32, patch_size=4), tmp_path / "wide.safetensors")
    return upload_weights(app, "wide.safetensors", (tmp_path / "wide.safetensors").read_bytes())


def shape(app: AppTest, key: str, place: int = 0) -> tuple[int, int]:
    grid = panel(app, key)["grids"][place]
    return grid["rows"], grid["columns"]


def test_overview_and_patches(wide: AppTest) -> None:
    assert errors(wide) == []
    assert shape(wide, "front", 1) == (2, 8)
    assert shape(wide, "stages") == (2, 8)
    assert "2 × 8 patch grid" in texts(wide)
    wide.switch_page("pages/patches.py").run()
    assert errors(wide) == []
    assert shape(wide, "patch-panel") == (2, 8)
    wide.number_input(key="token").set_value(11).run()
    assert "row 1, column 3 of the 2 × 8 grid" in texts(wide)


@pytest.mark.parametrize("page", ["overview", "patches", "token_mixing", "activations", "attribution"])
def test_figures_and_numbers_for_download(wide: AppTest, page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    makers: dict[str, Callable[[], Any]] = {}

    def row(name: str, figure: Callable[[], Any], arrays: Callable[[], Any], table: Callable[[], Any]) -> None:
        makers.update(figure=figure, arrays=arrays, table=table)

    monkeypatch.setattr(downloads, "download_row", row)
    wide.switch_page(f"pages/{page}.py").run()
    finish(wide)
    makers["figure"]().savefig(io.BytesIO(), format="png", dpi=20)
    assert makers["arrays"]()
    assert makers["table"]()


def test_token_mixing(wide: AppTest) -> None:
    wide.switch_page("pages/token_mixing.py").run()
    assert errors(wide) == []
    assert shape(wide, "unit-maps") == (2, 8)


@pytest.mark.parametrize("view", VIEWS)
def test_activations(wide: AppTest, view: str) -> None:
    wide.switch_page("pages/activations.py").run()
    wide.button_group(key="view").set_value(view).run()
    assert errors(wide) == []
    if view == "Shuffled patches":
        assert shape(wide, "shuffled") == (2, 8)
    if view == "Formula":
        assert shape(wide, "formula-norm") == (2, 8)


def test_attributions(wide: AppTest) -> None:
    wide.switch_page("pages/attribution.py").run()
    finish(wide)
    assert shape(wide, "map-photo") == shape(wide, "map-0") == shape(wide, "deleted-pictures") == (2, 8)


@pytest.mark.parametrize("kind", ["identity", "convolution", "shift", "random"])
def test_replaced_token_mixing(wide: AppTest, kind: str) -> None:
    from mixer_viz.texts.replacement import KIND_NAMES

    wide.switch_page("pages/compared.py").run()
    wide.button_group(key="part").set_value("Swapped at run time").run()
    wide.button_group(key="swap_kind").set_value(KIND_NAMES[kind]).run()
    assert errors(wide) == []
