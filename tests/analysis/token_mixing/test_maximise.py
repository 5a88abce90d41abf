"""Activation maximisation: what it reaches, that it is reproducible, and what it maximises."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from made_models import block_of, random_model, random_pixels, traces_left

from mixer_viz.analysis import chunks
from mixer_viz.analysis.token_mixing.fourier import (
    Spectrum,
    general_spectrum,
    pictures_from,
    random_coefficients,
    spectrum_of,
)
from mixer_viz.analysis.token_mixing.maximise import activations_of, maximise
from mixer_viz.analysis.token_mixing.objective import KINDS, Objective, activation, unit_map
from mixer_viz.model import MixerConfig, trace

OBJECTIVES = [
    Objective(kind="token unit", place=1, index=3),
    Objective(kind="token unit", place=0, index=2, at=1),
    Objective(kind="channel unit", place=1, index=4),
    Objective(kind="channel unit", place=0, index=1, at=2),
    Objective(kind="channel", place=3, index=1),
    Objective(kind="channel", place=0, index=2, at=3),
    Objective(kind="class", index=4),
]


@pytest.mark.parametrize("objective", OBJECTIVES, ids=str)
def test_activations_are_those_of_a_traced_pass(tiny_config: MixerConfig, objective: Objective) -> None:
    model, pixels = random_model(tiny_config), random_pixels(tiny_config, 3)
    traced = trace(model, pixels)
    if objective.kind == "class":
        wanted = traced.logits[:, objective.index]
    else:
        block = traced.blocks[min(objective.place, 1)]
        streams = [traced.embedding, *(getattr(each, name) for each in traced.blocks for name in _AFTER)]
        values = {
            "token unit": block.tokens_hidden,
            "channel unit": block.channels_hidden,
            "channel": streams[objective.place],
        }[objective.kind][:, :, objective.index]
        wanted = values.mean(dim=1) if objective.at is None else values[:, objective.at]
    torch.testing.assert_close(activation(model, pixels, objective), wanted)


_AFTER = ("after_token_mixing", "after_channel_mixing")


@pytest.mark.parametrize("at", [None, 2])
def test_the_map_of_a_token_mixing_unit_is_its_preactivation(tiny_config: MixerConfig, at: int | None) -> None:
    model, pixels = random_model(tiny_config), random_pixels(tiny_config, 2)
    block = trace(model, pixels).blocks[1]
    before = block.tokens_preactivation[:, :, 3].detach().requires_grad_()
    slope = torch.autograd.grad(block_of(model, 1).token_mixing.gelu(before).sum(), before)[0]
    passed = (before.detach() - block_of(model, 1).token_mixing.fc1.bias[3]) * slope
    wanted = passed.mean(dim=1) if at is None else passed[:, at]
    found = unit_map(model, pixels, Objective(kind="token unit", place=1, index=3, at=at))
    torch.testing.assert_close(found.sum(dim=1), wanted)


def test_the_map_of_a_class_averages_to_its_logit(tiny_config: MixerConfig) -> None:
    model, pixels = random_model(tiny_config), random_pixels(tiny_config, 2)
    found = unit_map(model, pixels, Objective(kind="class", index=7))
    torch.testing.assert_close(found.mean(dim=1) + model.head.bias[7], model(pixels)[:, 7])


@pytest.mark.parametrize("phase_only", [False, True])
@pytest.mark.parametrize("objective", OBJECTIVES[::2], ids=str)
def test_it_beats_its_own_starts_and_many_random_pictures(
    tiny_config: MixerConfig, objective: Objective, phase_only: bool
) -> None:
    model = random_model(tiny_config, torch.float32)
    before = traces_left(model)
    found = maximise(model, objective, phase_only=phase_only, starts=4, steps=120)
    assert (found.activations > found.start_activations).all()
    assert (np.diff(found.activations) <= 0).all()
    spectrum = general_spectrum(tiny_config.image_shape)
    drawn = torch.stack([random_coefficients(spectrum, 10_000 + seed, phase_only) for seed in range(64)])
    random = pictures_from(drawn, spectrum, tiny_config.image_shape[1], phase_only)
    images = (255 * random).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    assert found.best > activations_of(model, images, objective).max()
    # What is told is measured on the pictures that are shown.
    np.testing.assert_allclose(activations_of(model, found.pictures, objective), found.activations, rtol=1e-6)
    assert traces_left(model) == before


def test_the_same_seed_gives_the_same_pictures_however_many_go_at_once(
    tiny_config: MixerConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = random_model(tiny_config)  # float64, in which other chunks round to the same picture
    first = maximise(model, OBJECTIVES[0], starts=3, steps=10, seed=4)
    again = maximise(model, OBJECTIVES[0], starts=3, steps=10, seed=4)
    np.testing.assert_array_equal(first.pictures, again.pictures)
    np.testing.assert_array_equal(first.curve, again.curve)
    other = maximise(model, OBJECTIVES[0], starts=3, steps=10, seed=5)
    assert not np.array_equal(first.pictures, other.pictures)
    monkeypatch.setattr("mixer_viz.analysis.token_mixing.maximise.chunk_for", lambda *args, **kwargs: 1)
    single = maximise(model, OBJECTIVES[0], starts=3, steps=10, seed=4)
    np.testing.assert_allclose(single.activations, first.activations, rtol=1e-6)


def test_progress_counts_every_start_and_step_and_cancel_stops(tiny_config: MixerConfig) -> None:
    model = random_model(tiny_config, torch.float32)
    told: list[tuple[int, int]] = []
    maximise(model, OBJECTIVES[0], starts=2, steps=5, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (10, 10)
    assert sorted(told) == told
    with pytest.raises(chunks.AnalysisCancelled):
        maximise(model, OBJECTIVES[0], starts=2, steps=50, cancelled=lambda: True)


def test_phases_alone_keep_the_amplitudes() -> None:
    spectrum = dataclasses.replace(general_spectrum((16, 16)), colours=0.05 * np.eye(3, dtype="f4"))
    drawn = random_coefficients(spectrum, 0, phase_only=True)[None].double()
    picture = pictures_from(drawn, spectrum, 16, phase_only=True)
    values = (torch.logit(picture) / 4) / 0.05  # before the sigmoid
    found = torch.fft.rfft2(values, norm="ortho").abs()[0]
    inner = (slice(None), slice(1, 8), slice(1, 8))  # real pictures have no free phase at the edges of the transform
    np.testing.assert_allclose(found[inner], spectrum.amplitude[inner], rtol=1e-4)


def test_the_spectrum_of_pictures_draws_pictures_alike() -> None:
    generator = np.random.default_rng(3)
    known = Spectrum(
        general_spectrum((16, 16)).amplitude, np.diag([0.3, 0.1, 0.2]).astype("f4"), np.full(3, 0.5, "f4"), 0
    )
    drawn = torch.stack([random_coefficients(known, int(seed), False) for seed in generator.integers(0, 10**6, 200)])
    images = (255 * pictures_from(drawn, known, 16, False)).round().byte().permute(0, 2, 3, 1).numpy()
    found = spectrum_of([images[:50], images[50:]])
    whole = spectrum_of([images])
    assert found.images == 200
    np.testing.assert_allclose(found.amplitude, whole.amplitude, rtol=1e-4)
    np.testing.assert_allclose(found.colours @ found.colours.T, np.cov(images.reshape(-1, 3).T / 255), atol=1e-4)
    middle = found.amplitude[:, 1:8, 1:8].mean(axis=0) * (1 / known.amplitude[0, 1:8, 1:8])
    assert middle.max() / middle.min() < 1.6  # the same fall from coarse to fine
    with pytest.raises(ValueError, match="at least one picture"):
        spectrum_of([])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"starts": 0}, "starts=0 is not between 1 and"),
        ({"steps": 10**6}, "steps=1000000 is not between"),
        ({"jitter": 99}, "jitter=99 is not between"),
        ({"total_variation": -1.0}, "not negative"),
        ({"seed": -1}, "seed=-1"),
        ({"spectrum": general_spectrum((5, 5))}, "is not of"),
        ({"objective": Objective(kind="class", index=99)}, "index=99 is not between 0 and 9"),
        ({"objective": Objective(kind="token unit", index=0, place=7)}, "place=7"),
        ({"objective": Objective(kind="channel", index=0, at=-1)}, "token=-1"),
    ],
)
def test_what_does_not_fit_is_refused(tiny_config: MixerConfig, wrong: dict[str, Any], words: str) -> None:
    arguments = {"objective": OBJECTIVES[0], **wrong}
    with pytest.raises(ValueError, match=words):
        maximise(random_model(tiny_config), **arguments)


def test_every_kind_is_tested() -> None:
    assert {objective.kind for objective in OBJECTIVES} == set(KINDS)
