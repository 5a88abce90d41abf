"""What the Attributions page offers for download, made as its buttons make it and read back."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mixer_viz.model import MlpMixer
from mixer_viz.ui.widgets import downloads
from tests.app.attribution.driving import ABLATION, BASELINE, GRADIENTS, PATCH_LOGITS, column, floats, open_done, real

LINK = {"integrated_gradients_steps": "6", "against": "dog"}
SETTINGS = {"integrated_gradients": {"steps": 6}, "patch_logits": {}, "patch_ablation": {}}


@pytest.fixture
def makers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[], Any]]:
    """What the buttons would call, outside of the page, of its latest run."""
    found: dict[str, Callable[[], Any]] = {}

    def row(name: str, figure: Callable[[], Any], arrays: Callable[[], Any], table: Callable[[], Any]) -> None:
        found.update(figure=figure, arrays=arrays, table=table)

    monkeypatch.setattr(downloads, "download_row", row)
    return found


@pytest.fixture
def no_long_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mixer_viz.ui.attribution.metrics._QUICK_MULTIPLY_ADDS", {"cpu": 0.0})
    monkeypatch.setattr("mixer_viz.ui.attribution.metrics._QUICK_ON_GPU", 0.0)


def read_arrays(makers: dict[str, Callable[[], Any]]) -> dict[str, np.ndarray]:
    with np.load(io.BytesIO(downloads.npz_bytes(makers["arrays"]())), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def read_table(makers: dict[str, Callable[[], Any]]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(makers["table"]().decode("utf-8-sig"))))


@pytest.mark.usefixtures("no_long_checks")
def test_arrays_hold_values_and_what_they_were_computed_with(
    makers: dict[str, Callable[[], Any]], model: MlpMixer, top: int
) -> None:
    open_done(GRADIENTS, PATCH_LOGITS, ABLATION, **LINK)
    arrays = read_arrays(makers)
    dog = model.config.class_names.index("dog")
    wanted = {
        "integrated_gradients": real(model, top, GRADIENTS, steps=6, against=dog),
        "patch_logits": real(model, top, PATCH_LOGITS, against=dog),
        "patch_ablation": real(model, top, ABLATION, against=dog),
    }
    assert arrays["crop"].shape == (model.config.image_size, model.config.image_size, 3)
    for name, result in wanted.items():
        np.testing.assert_allclose(arrays[f"{name}.patch_map"], result.patch_map, atol=1e-3)
        assert (f"{name}.pixel_values" in arrays) == (result.pixel_values is not None)
        if result.pixel_values is not None:
            np.testing.assert_allclose(arrays[f"{name}.pixel_values"], result.pixel_values, atol=1e-3)
        settings = json.loads(str(arrays[f"{name}.settings"]))
        assert (settings["method"], settings["target"], settings["against"]) == (name, top, dog)
        assert settings["parameters"] == SETTINGS[name]
        assert settings["baseline"] == (None if name == "patch_logits" else BASELINE)
        assert settings["total"] == pytest.approx(arrays[f"{name}.patch_map"].sum())
    assert len(arrays) == 1 + 2 * len(wanted) + 2


def test_table_holds_what_the_page_says(makers: dict[str, Callable[[], Any]], top: int) -> None:
    app = open_done(GRADIENTS, PATCH_LOGITS, **LINK)
    rows = read_table(makers)
    assert [row["method"] for row in rows] == ["integrated_gradients", "patch_logits"]
    for row, title in zip(rows, (GRADIENTS, PATCH_LOGITS), strict=True):
        shown = column(app, "measure", title)
        pairs = {
            "total": ("sum of all values", 1e-4),
            "expected": ("should be", 1e-4),
            "deletion_area": ("deletion area (lower is better)", 1e-3),
            "insertion_area": ("insertion area (higher is better)", 1e-3),
            "noise_rank_correlation": ("steady under noise", 0.01),
            "shuffled_rank_correlation": ("with shuffled weights, signed", 0.01),
            "shuffled_magnitude_correlation": ("with shuffled weights, magnitude", 0.01),
        }
        for name, (measure, step) in pairs.items():
            assert floats(shown[measure])[0] == pytest.approx(float(row[name]), abs=step), name
        assert int(row["target"]) == top
        assert f"{int(row['forward_passes']):,}, {int(row['backward_passes']):,}" == shown["passes forward, backward"]


@pytest.mark.usefixtures("no_long_checks")
def test_what_was_not_measured_is_left_empty(makers: dict[str, Callable[[], Any]]) -> None:
    open_done(ABLATION)
    (row,) = read_table(makers)
    assert {row[name] for name in row if "area" in name or "correlation" in name} == {""}
    assert row["expected"] == ""  # there is no such law
    assert float(row["total"]) != 0


@pytest.mark.usefixtures("no_long_checks")
def test_figure_is_drawn_as_the_page_looks(makers: dict[str, Callable[[], Any]], model: MlpMixer) -> None:
    side, sizes = model.config.image_size, []
    for level in ("Patches", "Pixels"):
        open_done(GRADIENTS, PATCH_LOGITS, level=level, **LINK)
        figure = makers["figure"]()
        shown = [image.get_array() for axes in figure.axes for image in axes.images]
        sizes.append({array.shape[:2] for array in shown if array is not None and array.ndim == 2})
        titles = " ".join(text.get_text() for text in figure.findobj(match=lambda each: hasattr(each, "get_text")))
        assert GRADIENTS in titles
        assert "steps 6" in titles
        assert "Cat" in titles
        with Image.open(io.BytesIO(downloads.figure_bytes(figure, "png"))) as png:
            assert png.width > 1000
    assert (side, side) in sizes[1]
    assert (side, side) not in sizes[0]
