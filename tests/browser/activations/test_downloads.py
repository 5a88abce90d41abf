"""Files that a visitor of the activations page downloads with a real browser."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("playwright", exc_type=ImportError)

from PIL import Image

from mixer_viz.analysis.activations import layers, logit_attribution, logit_lens, residual_stream, similarity
from mixer_viz.model import MlpMixer, Trace
from mixer_viz.model.trace import stages_of
from tests.browser.activations.looking import Tab, open_view
from tests.browser.looking import download

pytestmark = pytest.mark.browser


def test_table_and_arrays_can_be_downloaded_and_read_back(tab: Tab, model: MlpMixer, traced: Trace) -> None:
    page = open_view(tab)
    file = download(page, "activations-csv")
    assert file.suggested_filename == "activations.csv"
    with open(file.path(), newline="", encoding="utf-8-sig") as table:
        rows = list(csv.DictReader(table))
    top = int(traced.logits[0].argmax())
    stages = stages_of(model.config)
    assert [(int(row["layer"]), row["name"]) for row in rows] == [(stage.index, stage.name) for stage in stages]
    stream, drift = residual_stream.residual_stream(traced), similarity.token_drift(traced)
    depth = logit_lens.logit_lens(model, traced)
    parts = logit_attribution.logit_attribution(model, traced, top)
    wanted = {
        "mean_token_length": layers.token_norms(traced).mean(axis=(1, 2)),
        "branch_ratio": stream.ratio,
        "branch_cosine": stream.cosine,
        "mean_token_similarity": drift.mean_similarity,
        f"probability_of_class_{top}": depth.probabilities[:, top],
        f"part_of_logit_{top}": parts.parts,
    }
    assert set(rows[0]) == {"layer", "name", *wanted}
    for name, values in wanted.items():
        np.testing.assert_allclose([float(row[name]) for row in rows], values, rtol=1e-3, atol=1e-4, err_msg=name)
    with np.load(download(page, "activations-npz").path(), allow_pickle=False) as arrays:
        np.testing.assert_allclose(arrays["tokens"], layers.tokens_by_stage(traced), rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(arrays["cka"], similarity.cka_between_stages(traced), atol=1e-3)
        np.testing.assert_allclose(arrays["logits_by_layer"], depth.logits, atol=1e-3)
        assert int(arrays["target"]) == top
        logit = float(traced.logits[0, top])
        assert arrays["patch_logits"][-1].mean() == pytest.approx(logit, abs=1e-3)
        total = arrays["patch_parts"].mean(axis=1).sum() + float(arrays["logit_constant"])
        assert total == pytest.approx(logit, abs=1e-3)


def test_figure_can_be_downloaded(tab: Tab) -> None:
    page = open_view(tab, "Residual stream")
    with Image.open(download(page, "activations-png").path()) as figure:
        assert figure.format == "PNG"
        assert figure.width > 2000
        assert len(set(figure.convert("RGB").resize((200, 200)).get_flattened_data())) > 100
    assert Path(download(page, "activations-svg").path()).read_bytes()[:5] == b"<?xml"
    assert Path(download(page, "activations-pdf").path()).read_bytes()[:5] == b"%PDF-"
