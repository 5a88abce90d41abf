"""What there is to load by name."""

from __future__ import annotations

import dataclasses
import functools
from typing import Literal

import torch

from mixer_viz.checkpoints.bundled import bundled_models, count_parameters
from mixer_viz.checkpoints.hub import PUBLISHED, cached_weights
from mixer_viz.model import MixerConfig, MlpMixer


@dataclasses.dataclass(frozen=True)
class ModelInfo:
    """One model that `load_model` takes by name."""

    name: str
    source: Literal["bundled", "timm"]
    description: str
    accuracy: float | None  # measured top-1 in percent, not what a name promises
    accuracy_note: str  # on what and by whom it was measured
    num_parameters: int
    on_disk: bool  # loads without a network
    class_names: tuple[str, ...] | None = None  # as the card has them; None where there is none
    first_picture: str = ""  # the sample that the app begins with, "" for the first one of all


def available_models() -> list[ModelInfo]:
    """Bundled models first, then the Mixers published under timm's names; asks no network."""
    bundled = [
        ModelInfo(
            name=model.name,
            source="bundled",
            description=model.description,
            accuracy=model.accuracy,
            accuracy_note=model.accuracy_note,
            num_parameters=count_parameters(model.path),
            on_disk=True,
            class_names=model.class_names or None,
            first_picture=model.first_picture,
        )
        for model in bundled_models()
    ]
    published = [
        ModelInfo(
            name=model.name,
            source="timm",
            description=model.description,
            accuracy=model.accuracy,
            accuracy_note=model.accuracy_note,
            num_parameters=_num_parameters(model.config),
            on_disk=cached_weights(model) is not None,
        )
        for model in PUBLISHED.values()
    ]
    return bundled + published


@functools.cache
def _num_parameters(config: MixerConfig) -> int:
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in MlpMixer(config).parameters())
