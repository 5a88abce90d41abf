"""The sums that stand-ins are fitted from: what they are, in parts, reported and cancelled."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from made_models import random_model

from mixer_viz.analysis.chunks import AnalysisCancelled
from mixer_viz.analysis.replacement import moments
from mixer_viz.analysis.replacement.moments import calibrate, moments_of
from tests.analysis.replacement.made_replacements import CONFIG, calibration_pixels, normal

READ, BIAS = normal(3, 16, 26), normal(16, 1, seed=6)


def test_sums_are_those_of_the_examples() -> None:
    found = moments_of(READ, 2 * READ + BIAS)
    x = READ.permute(1, 0, 2).flatten(1).numpy()
    y = 2 * x + BIAS.numpy()
    assert found.examples == 78
    np.testing.assert_allclose(found.read_products[2, 9], x[2] @ x[9])
    np.testing.assert_allclose(found.cross_products[2, 9], y[2] @ x[9])
    read, cross = found.centred()
    np.testing.assert_allclose(read, 78 * np.cov(x, bias=True), atol=1e-10)
    np.testing.assert_allclose(cross, 2 * read, atol=1e-10)
    np.testing.assert_allclose(found.written_squares, (y**2).sum())


@pytest.mark.parametrize(("relative", "constant"), [(0.0, True), (1e-7, True), (1e-4, False)])
def test_rounding_is_not_explained(relative: float, constant: bool) -> None:
    written = (BIAS / 3).expand(3, 16, 26) * (1 + relative * READ)
    found = moments_of(READ, written).explained(np.zeros((16, 16)), written.mean(dim=(0, 2)).numpy())
    assert math.isnan(found) if constant else found == pytest.approx(0, abs=1e-6)


def test_images_in_parts_sum_up_to_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    model, pixels = random_model(CONFIG), calibration_pixels(5)
    whole = calibrate(model, pixels)
    monkeypatch.setattr(moments, "chunk_for", lambda *_, **__: 2)
    seen: list[tuple[int, int]] = []
    parts = calibrate(model, pixels, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(2, 5), (4, 5), (5, 5)]
    assert parts.images == whole.images == 5
    for one, other in zip(parts.blocks, whole.blocks, strict=True):
        assert one.plain.examples == other.plain.examples == 5 * 26
        np.testing.assert_allclose(one.plain.cross_products, other.plain.cross_products, rtol=1e-9)
        np.testing.assert_allclose(one.shifted.read_products, other.shifted.read_products, rtol=1e-9, atol=1e-9)
    asked = itertools.count()
    with pytest.raises(AnalysisCancelled, match="cancelled after 4 of 5"):
        calibrate(model, pixels, cancelled=lambda: next(asked) >= 2)


def test_errors_name_what_is_wrong() -> None:
    model = random_model(CONFIG)
    with pytest.raises(ValueError, match="at least one image"):
        calibrate(model, calibration_pixels()[:0])
    with pytest.raises(ValueError, match="trained at 8 px"):
        calibrate(model, torch.zeros(1, 3, 16, 16, dtype=torch.float64))
