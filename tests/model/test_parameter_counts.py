"""Exact counts catch crossed token and channel widths, which shape tests let through."""

from __future__ import annotations

import pytest
import torch

from mixer_viz.model import PRESETS, MixerConfig, MlpMixer

# Counted from the formulas of the paper's section 2; Table 1 prints them rounded to millions.
WITHOUT_HEAD = {
    "S/32": 18_591_624,
    "S/16": 18_015_264,
    "B/32": 59_524_428,
    "B/16": 59_111_472,
    "L/32": 205_914_264,
    "L/16": 207_171_168,
    "H/14": 431_069_952,
    "small/4": 1_460_096,  # 6,272 + 8 (16,576 + 164,608 + 512) + 256
}
# The counts that the authors' own tests pin.
WITH_1000_CLASSES = {"B/16": 59_880_472, "B/32": 60_293_428, "L/16": 208_196_168}


def count(config: MixerConfig, *, head: bool) -> int:
    with torch.device("meta"):
        model = MlpMixer(config)
    return sum(value.numel() for name, value in model.named_parameters() if head or not name.startswith("head."))


def test_every_preset_has_a_pinned_count() -> None:
    assert set(PRESETS) == set(WITHOUT_HEAD)


@pytest.mark.parametrize("preset", PRESETS)
def test_count_without_head(preset: str) -> None:
    assert count(PRESETS[preset], head=False) == WITHOUT_HEAD[preset]


@pytest.mark.parametrize("preset", WITH_1000_CLASSES)
def test_count_with_a_1000_class_head(preset: str) -> None:
    assert count(PRESETS[preset], head=True) == WITH_1000_CLASSES[preset]
