"""Temperature scaling and usual confidence, against cases whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from mixer_viz.analysis import calibration


def drawn(temperature: float, count: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and labels drawn from softmax(logits / temperature): this is what calibrates them."""
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(count, 5)) * 3
    scores = logits / temperature
    # The largest of scores with Gumbel noise is a draw from their softmax.
    return logits, (scores + generator.gumbel(size=scores.shape)).argmax(axis=1)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_that_made_the_labels_is_found(temperature: float) -> None:
    logits, labels = drawn(temperature)
    found = calibration.fit_temperature(logits, labels)
    assert found == pytest.approx(temperature, rel=0.03)
    right = (logits.argmax(axis=1) == labels).mean()
    assert calibration.confidences(logits, found).mean() == pytest.approx(right, abs=0.01)


def test_no_other_temperature_has_less_cross_entropy() -> None:
    logits, labels = drawn(1.7, 500)
    best = calibration.fit_temperature(logits, labels)
    least = calibration.cross_entropy(logits, labels, best)
    assert all(calibration.cross_entropy(logits, labels, best * factor) >= least for factor in (0.5, 0.98, 1.02, 2))


def test_cross_entropy_and_confidence_by_hand() -> None:
    logits, labels = np.array([[0.0, np.log(3)], [0.0, 0.0]]), np.array([1, 0])
    assert calibration.confidences(logits).tolist() == pytest.approx([0.75, 0.5])
    assert calibration.cross_entropy(logits, labels) == pytest.approx(-(np.log(0.75) + np.log(0.5)) / 2)
    assert calibration.confidences(np.array([[0.0, 2000.0]]), 2.0).tolist() == [1.0]  # no overflow


def test_what_is_usual() -> None:
    probabilities = np.linspace(0.5, 1 - 1e-9, 101)
    logits = np.stack([np.zeros(101), np.log(probabilities / (1 - probabilities))], axis=1)
    usual = calibration.usual_confidence(logits, 1.0)
    assert len(usual) == calibration.STEPS + 1
    assert (usual[0], usual[10], usual[-1]) == pytest.approx((0.5, 0.75, 1.0), abs=1e-4)
    assert calibration.share_below(0.75, usual) == pytest.approx(0.5, abs=1e-3)
    assert (calibration.share_below(0.1, usual), calibration.share_below(1.0, usual)) == (0.0, 1.0)


def test_labels_that_do_not_fit() -> None:
    for logits, labels in ((np.zeros((0, 3)), np.zeros(0, int)), (np.zeros((2, 3)), np.zeros(3, int))):
        with pytest.raises(ValueError, match="give one label for each"):
            calibration.fit_temperature(logits, labels)
