"""Accuracy before and after a swap, against answers asked for one by one."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
import torch
from made_models import random_model, traces_left
from PIL import Image

from mixer_viz.analysis.chunks import AnalysisCancelled
from mixer_viz.analysis.replacement import accuracy as module
from mixer_viz.analysis.replacement.accuracy import ReplacedAccuracy, replaced_accuracy
from mixer_viz.analysis.replacement.moments import calibrate
from mixer_viz.analysis.replacement.replace import Replacement, fit_replacement, replaced_logits
from mixer_viz.images import preprocess
from mixer_viz.images.labelled_folder import LabelledImages
from mixer_viz.model import MlpMixer
from tests.analysis.replacement.made_replacements import CONFIG

COUNT = 23


def images(labels: np.ndarray | None = None) -> LabelledImages:
    colours = np.random.default_rng(7).integers(0, 256, (COUNT, 8, 8, 3), dtype=np.uint8)
    return LabelledImages(CONFIG, tuple(colours), np.zeros(COUNT, int) if labels is None else labels, 0, ())


def model_and_replacements() -> tuple[MlpMixer, dict[int, Replacement]]:
    model, pixels = random_model(CONFIG, torch.float32), images().pixels(slice(0, COUNT), torch.device("cpu"))
    model.head.bias.data -= model(pixels).detach().mean(dim=0)  # or all images would get the same answer
    calibration = calibrate(model, pixels[:8])
    return model, {block: fit_replacement(calibration, block, "random", seed=1) for block in range(2)}


def one_by_one(model: MlpMixer, replacements: dict[int, Replacement]) -> np.ndarray:
    config = dataclasses.replace(CONFIG, crop_pct=None)
    whole = MlpMixer(config).eval()
    whole.load_state_dict(model.state_dict())
    pixels = [preprocess(Image.fromarray(image), whole) for image in images().images]
    return np.array([replaced_logits(model, one, replacements).argmax() for one in pixels])


def test_counts_are_those_of_one_image_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    model, replacements = model_and_replacements()
    answers, swapped = one_by_one(model, {}), one_by_one(model, replacements)
    assert len(set(answers)) > 3
    labels = answers.copy()
    labels[::3] = (labels[::3] + 1) % 10  # 8 of 23 wrong
    before = traces_left(model)
    monkeypatch.setattr(module, "chunk_for", lambda *_, **__: 5)
    seen: list[tuple[int, int]] = []
    found = replaced_accuracy(model, images(labels), replacements, lambda done, total: seen.append((done, total)))
    np.testing.assert_array_equal(found.answers, answers)
    np.testing.assert_array_equal(found.replaced_answers, swapped)
    assert (found.images, found.correct, found.accuracy) == (23, 15, 15 / 23)
    assert found.replaced_correct == sum(int(a == b) for a, b in zip(swapped, labels, strict=True))
    assert found.changed == sum(int(a != b) for a, b in zip(swapped, answers, strict=True)) > 3
    assert found.replaced_accuracy == found.replaced_correct / 23
    assert seen == [(5, 23), (10, 23), (15, 23), (20, 23), (23, 23)]
    assert traces_left(model) == before


def test_counts_by_hand() -> None:
    labels, answers, swapped = (np.array(values) for values in ([0, 1, 2, 3], [0, 1, 5, 6], [0, 2, 2, 7]))
    found = ReplacedAccuracy(labels, answers, swapped)
    assert (found.correct, found.replaced_correct, found.changed) == (2, 2, 3)
    assert (found.accuracy, found.replaced_accuracy) == (0.5, 0.5)


def test_nothing_swapped_changes_nothing() -> None:
    model, _ = model_and_replacements()
    found = replaced_accuracy(model, images(), {})
    assert found.changed == 0
    assert found.correct == found.replaced_correct


def test_it_can_be_cancelled_between_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    model, replacements = model_and_replacements()
    monkeypatch.setattr(module, "chunk_for", lambda *_, **__: 5)
    asked = itertools.count()
    with pytest.raises(AnalysisCancelled, match="cancelled after 10 of 23 passes"):
        replaced_accuracy(model, images(), replacements, cancelled=lambda: next(asked) >= 2)


def test_out_of_memory_halves_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    model, replacements = model_and_replacements()
    expected = replaced_accuracy(model, images(), replacements)
    replaced_batch = module.replaced_batch

    def narrow(model: MlpMixer, pixels: torch.Tensor, replacements: dict[int, Replacement]) -> torch.Tensor:
        if len(pixels) > 4:
            raise torch.OutOfMemoryError("out of memory")
        return replaced_batch(model, pixels, replacements)

    monkeypatch.setattr(module, "replaced_batch", narrow)
    found = replaced_accuracy(model, images(), replacements)
    np.testing.assert_array_equal(found.replaced_answers, expected.replaced_answers)


def test_errors_name_what_is_wrong() -> None:
    model, replacements = model_and_replacements()
    other = dataclasses.replace(images(), config=dataclasses.replace(CONFIG, crop_pct=None))
    with pytest.raises(ValueError, match="prepared for another model"):
        replaced_accuracy(model, other, replacements)
    with pytest.raises(ValueError, match="block=2 is not between 0 and 1"):
        replaced_accuracy(model, images(), {2: replacements[0]})
