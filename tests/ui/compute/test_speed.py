"""What takes long waits for a button; how long is told from a pass that was timed."""

from __future__ import annotations

import pytest
import torch

from mixer_viz.model import MixerConfig, MlpMixer
from mixer_viz.texts.waiting import ask_for
from mixer_viz.ui.attribution import choice as attribution_choice
from mixer_viz.ui.choices import Choice, ChosenModel, Picture
from mixer_viz.ui.compute import speed


def chosen(config: MixerConfig) -> Choice:
    return Choice(ChosenModel("made", "made", MlpMixer(config).eval()), Picture("cat", "Cat", None))


def test_a_pass_is_timed_within_a_factor_of_two(tiny_config: MixerConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.9, 0.25])  # the first one warms up
    monkeypatch.setattr(speed, "_timed", lambda model, pixels: next(times))
    assert speed.pass_seconds(chosen(tiny_config).model) == 0.25
    speed.pass_seconds.clear()


def test_the_time_of_a_pass_is_that_of_the_network(tiny_config: MixerConfig) -> None:
    model = chosen(tiny_config).model
    pixels = torch.zeros(1, 3, *tiny_config.image_shape)
    assert 0 < speed._timed(model, pixels) < 5


@pytest.mark.parametrize(
    ("seconds", "methods"),
    [
        (0.001, ["patch_logits", "integrated_gradients", "patch_ablation"]),
        (0.5, ["patch_logits", "grad_cam", "input_x_gradient"]),  # as with B/16 on two cores
        (100.0, ["patch_logits"]),
    ],
)
def test_methods_at_first_are_affordable(
    tiny_config: MixerConfig, monkeypatch: pytest.MonkeyPatch, seconds: float, methods: list[str]
) -> None:
    monkeypatch.setattr(attribution_choice, "pass_seconds", lambda model: seconds)
    assert attribution_choice.affordable_methods(chosen(tiny_config)) == methods


def test_seconds_are_round() -> None:
    assert ask_for("Curves", 3.4) == "Curves: work it out, about 3 s"
    assert ask_for("Curves", 143.0) == "Curves: work it out, about 145 s"
